/* SPDX-License-Identifier: Apache-2.0 */
/* Near-identical facts: added once, by however many threads; what differs in room, type, agent or meaning is added. */
#include "store/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "tests/support/seed.h"

#define DIMS 8u

static weft_store *store;

static void setup(void)
{
	cr_assert_eq(weft_store_create(NULL, &store), 0);
}

static void teardown(void)
{
	weft_store_unref(store);
}

TestSuite(unique, .init = setup, .fini = teardown, .timeout = 120);

static weft_memory fact(weft_uuid room, const float *v)
{
	return (weft_memory){ .type = WEFT_MEMORY_FACT, .room_id = room, .text = WEFT_STR("x"), .embedding = v, .embedding_dims = DIMS };
}

Test(unique, the_same_again_is_found)
{
	float v[DIMS] = { 1, 2, 3 }, alike[DIMS] = { 2, 4, 6.1f }, other[DIMS] = { 3, -2, 1 };
	weft_uuid room = weft_uuid_v7(), first, again, third;
	weft_memory m = fact(room, v);

	cr_assert_eq(weft_store_add_unique(store, &m, 0, &first), 0);
	m.embedding = alike;
	cr_assert_eq(weft_store_add_unique(store, &m, 0, &again), -EEXIST);
	cr_assert(weft_uuid_eq(first, again));
	cr_assert_eq(weft_store_add_unique(store, &m, 1, &third), 0, "all but the same is not the same");
	m.embedding = other;
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), 0);
	m.embedding = v;
	m.type = WEFT_MEMORY_DOCUMENT;
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), 0);
	m.type = WEFT_MEMORY_FACT;
	m.room_id = weft_uuid_v7();
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), 0);
	m.room_id = room;
	m.agent_id = weft_uuid_v7();
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), 0, "another agent's");
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_FACT), 4);
}

Test(unique, refuses_and_adds_nothing)
{
	float v[DIMS] = { 1 }, zero[DIMS] = { 0 };
	weft_uuid room = weft_uuid_v7();
	weft_memory m = fact(room, v);

	cr_assert_eq(weft_store_add_unique(NULL, &m, 0, NULL), -EINVAL);
	cr_assert_eq(weft_store_add_unique(store, NULL, 0, NULL), -EINVAL);
	cr_assert_eq(weft_store_add_unique(store, &m, 1.5f, NULL), -EINVAL);
	m.embedding = NULL;
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), -EINVAL);
	m.embedding = zero;
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), -EINVAL);
	m = fact((weft_uuid){ 0 }, v);
	cr_assert_eq(weft_store_add_unique(store, &m, 0, NULL), -EINVAL);
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_FACT), 0);
}

#define THREADS 4
#define FACTS 300

struct adder {
	pthread_t thread;
	weft_uuid room;
	float (*facts)[DIMS];
	uint32_t added, there;
};

static pthread_barrier_t together;

static void *add_all(void *arg)
{
	struct adder *a = arg;

	for (uint32_t i = 0; i < FACTS; i++) {
		weft_memory m = fact(a->room, a->facts[i]);
		int r;

		pthread_barrier_wait(&together); /* all come with the same fact at once */
		r = weft_store_add_unique(store, &m, 0.999f, NULL);
		a->added += r == 0;
		a->there += r == -EEXIST;
	}
	return NULL;
}

Test(unique, many_at_once_add_each_once)
{
	static float facts[FACTS][DIMS];
	uint64_t rnd = test_seed("unique");
	struct adder adders[THREADS];
	weft_uuid room = weft_uuid_v7();
	uint32_t added = 0, there = 0;

	for (uint32_t i = 0; i < FACTS; i++) {
		for (uint32_t j = 0; j < DIMS; j++)
			facts[i][j] = (float)test_below(&rnd, 2001) / 1000.0f - 1.0f;
	}
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		adders[i] = (struct adder){ .room = room, .facts = facts };
		cr_assert_eq(pthread_create(&adders[i].thread, NULL, add_all, &adders[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(adders[i].thread, NULL);
		added += adders[i].added;
		there += adders[i].there;
	}
	pthread_barrier_destroy(&together);
	cr_assert_eq(added + there, THREADS * FACTS);
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_FACT), added);
	cr_assert_leq(added, FACTS); /* two of the random ones may mean the same */
}
