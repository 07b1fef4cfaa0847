/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and quotas under several threads. Goal: what rooms hold, what agents hold and what the store holds stay the
 * same sum, no agent is ever over its quota, no room over its limits once all is still, and each memory that was
 * added is there, was deleted or was evicted. Method: threads add, delete, embed, attach and expire in few rooms for few agents.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include <weft/memory.h>
#include <weft/runtime.h>

#include "tests/support/seed.h"

#define THREADS 4u
#define ROOMS 4u
#define AGENTS 3u
#define STEPS 5000u
#define DIMS 16u
#define KEPT 60u /* facts in each room */
#define AGE_MS 1000000u /* of documents: too young for the adds' clock, not for what expire is told */
#define QUOTA_BYTES 60000u
#define QUOTA_MEMORIES 150u

static weft_store *store;
static weft_uuid rooms[ROOMS], agents[AGENTS];
static _Atomic(uint64_t) added, deleted, refused;
static uint64_t seed;
static int64_t start_ms;

static weft_usage usage_of(weft_uuid agent)
{
	weft_usage usage = { .size = sizeof(usage) };

	cr_assert_eq(weft_store_agent_usage(store, agent, &usage), 0);
	return usage;
}

static void count_refusal(int r, int also)
{
	cr_assert(r == 0 || r == -EDQUOT || r == also, "%d", r);
	refused += r == -EDQUOT;
}

static weft_uuid add(uint64_t *rnd)
{
	static const char text[200] = "something";
	weft_memory m = { .room_id = rooms[test_below(rnd, ROOMS)],
		          .agent_id = agents[test_below(rnd, AGENTS)],
		          .type = (weft_memory_type)test_below(rnd, WEFT_MEMORY_TYPE_COUNT),
		          .created_ms = start_ms + test_below(rnd, 1000),
		          .text = { text, test_below(rnd, sizeof(text)) } };
	weft_uuid id = { { 0 } };
	int r = weft_store_add(store, &m, &id);

	count_refusal(r, 0);
	added += r == 0;
	return id;
}

static void delete(weft_uuid id)
{
	int r = weft_store_delete(store, id);

	cr_assert(r == 0 || r == -ENOENT, "%d", r);
	deleted += r == 0;
}

static void change(uint64_t *rnd, weft_uuid id)
{
	weft_attachment a = { .text = WEFT_STR("a text that came with it") };
	float v[DIMS];

	if (test_below(rnd, 2)) {
		count_refusal(weft_store_set_attachments(store, id, &a, test_below(rnd, 2)), -ENOENT);
		return;
	}
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(rnd, 1000) + 1;
	count_refusal(weft_store_set_embedding(store, id, v, DIMS), -ENOENT);
}

static void *worker(void *arg)
{
	uint64_t rnd = seed + (uintptr_t)arg;
	weft_uuid mine[STEPS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < STEPS; i++) {
		weft_usage usage = usage_of(agents[1]);

		cr_assert_leq(usage.bytes, QUOTA_BYTES);
		cr_assert_leq(usage.memories, QUOTA_MEMORIES);
		switch (test_below(&rnd, 8)) {
		case 0:
			if (n)
				delete(mine[test_below(&rnd, n)]);
			break;
		case 1:
		case 2:
			if (n)
				change(&rnd, mine[test_below(&rnd, n)]);
			break;
		case 3:
			if (test_below(&rnd, 50) == 0)
				cr_assert_geq(weft_store_expire(store, start_ms + (int64_t)AGE_MS + test_below(&rnd, 600)), 0);
			break;
		default:
			mine[n++] = add(&rnd);
		}
	}
	return NULL;
}

static void set_up(void)
{
	weft_limits few = { .memories_max = KEPT }, aged = { .age_max_ms = AGE_MS };

	start_ms = weft_wall_ms();
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	for (uint32_t i = 0; i < AGENTS; i++)
		agents[i] = weft_uuid_v7();
	cr_assert_eq(weft_store_set_quota(store, agents[1], QUOTA_MEMORIES, QUOTA_BYTES), 0);
	for (uint32_t i = 0; i < ROOMS; i++) {
		weft_room room = { .id = rooms[i] = weft_uuid_v7() };

		cr_assert_eq(weft_store_put_room(store, &room), 0);
	}
	cr_assert_eq(weft_store_set_limits(store, (weft_uuid){ { 0 } }, WEFT_MEMORY_FACT, &few), 0);
	cr_assert_eq(weft_store_set_limits(store, (weft_uuid){ { 0 } }, WEFT_MEMORY_DOCUMENT, &aged), 0);
}

static void check_sums(void)
{
	weft_store_stats stats = { .size = sizeof(stats) };
	uint64_t memories[2] = { 0 }, bytes[2] = { 0 };

	for (uint32_t i = 0; i < ROOMS; i++) {
		weft_usage usage = { .size = sizeof(usage) };

		cr_assert_eq(weft_store_usage(store, rooms[i], &usage), 0);
		memories[0] += usage.memories;
		bytes[0] += usage.bytes;
		cr_assert_leq(weft_store_count(store, rooms[i], WEFT_MEMORY_FACT), KEPT);
	}
	for (uint32_t i = 0; i < AGENTS; i++) {
		memories[1] += usage_of(agents[i]).memories;
		bytes[1] += usage_of(agents[i]).bytes;
	}
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(memories[0], stats.memories);
	cr_assert_eq(memories[1], stats.memories);
	cr_assert_eq(bytes[0], stats.bytes);
	cr_assert_eq(bytes[1], stats.bytes);
	cr_assert_eq(added, stats.memories + deleted + stats.evicted);
	cr_assert_eq(refused, stats.refused);
	cr_assert_gt(stats.evicted, 0);
	cr_assert_gt(stats.refused, 0);
}

Test(stress_usage, all__sums_are_the_same)
{
	pthread_t threads[THREADS];

	seed = test_seed("usage");
	set_up();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_sums();
	cr_assert_gt(weft_store_expire(store, INT64_MAX), 0);
	for (uint32_t i = 0; i < ROOMS; i++)
		cr_assert_eq(weft_store_count(store, rooms[i], WEFT_MEMORY_DOCUMENT), 0);
	check_sums();
	weft_store_unref(store);
}
