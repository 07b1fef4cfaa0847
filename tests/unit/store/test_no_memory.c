/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of memory at every place. Goal: a call that fails says -ENOMEM and has changed nothing: not the counts of room, agent
 * and store, nor what is there. Method: each call again and again, with its first, second, .. allocation failing, until it
 * succeeds.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include <weft/memory.h>

#include "tests/support/failing_alloc.h"

static int64_t left = -1; /* allocations that succeed before one fails; -1: all do */

static bool test_alloc_fails(void)
{
	return left >= 0 && left-- == 0;
}

static weft_store *store;
static weft_uuid room, agent;

static void up(void)
{
	weft_allocator a = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&a), 0);
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	room = weft_uuid_v7();
	agent = weft_uuid_v7();
}

static void down(void)
{
	left = -1;
	weft_store_unref(store);
}

TestSuite(no_memory, .init = up, .fini = down);

/* ---- what must not change ------------------------------------------------------------------------ */

struct held {
	uint64_t memories, bytes, embeddings, relationships, tasks, agent_memories, agent_bytes, room_memories, room_bytes;
};

static struct held look(void)
{
	weft_store_stats s = { .size = sizeof(s) };
	weft_usage of_agent = { .size = sizeof(of_agent) }, of_room = { .size = sizeof(of_room) };

	cr_assert_eq(weft_store_stats_read(store, &s), 0);
	cr_assert_eq(weft_store_agent_usage(store, agent, &of_agent), 0);
	if (weft_store_usage(store, room, &of_room) < 0)
		of_room = (weft_usage){ .size = sizeof(of_room) };
	cr_assert_eq(of_room.memories, s.memories);
	cr_assert_eq(of_room.bytes, s.bytes);
	cr_assert_eq(of_agent.memories, s.memories);
	cr_assert_eq(of_agent.bytes, s.bytes);
	return (struct held){ s.memories, s.bytes, s.embeddings, s.relationships, s.tasks,
		              of_agent.memories, of_agent.bytes, of_room.memories, of_room.bytes };
}

/* Call fn with one failing allocation after another until it succeeds; how often it failed. */
static uint32_t until_it_fits(int (*fn)(void))
{
	struct held before = look();
	uint32_t failed = 0;

	for (left = 0;; failed++) {
		int64_t allowed = left;
		int r = fn();
		bool all = left >= 0;

		left = -1;
		if (r == 0 && all)
			return failed;
		if (r < 0) {
			struct held after = look();

			cr_assert_eq(r, -ENOMEM);
			cr_assert_arr_eq(&before, &after, sizeof(before), "allocation %lld", (long long)allowed);
		} else {
			before = look(); /* it did without */
		}
		left = allowed + 1;
	}
}

/* ---- the calls -------------------------------------------------------------------------------------- */

static weft_uuid last;

static int add(void)
{
	weft_attachment a = { .text = WEFT_STR("attached") };
	weft_memory m = { .room_id = room, .agent_id = agent, .text = WEFT_STR("text"), .attachments = &a, .attachment_count = 1 };

	return weft_store_add(store, &m, &last);
}

static int embed(void)
{
	static const float v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	return weft_store_set_embedding(store, last, v, 8);
}

static int attach(void)
{
	weft_attachment a[2] = { { .text = WEFT_STR("longer than before") }, { .url = WEFT_STR("http://x/") } };

	return weft_store_set_attachments(store, last, a, 2);
}

static int relate(void)
{
	weft_relationship r = { .source_id = weft_uuid_v7(), .target_id = room, .tags = WEFT_STR("t") };

	return weft_store_put_relationship(store, &r);
}

static int plan(void)
{
	weft_task t = { .id = weft_uuid_v7(), .room_id = room, .name = WEFT_STR("n") };

	return weft_store_put_task(store, &t);
}

static int put_room(void)
{
	weft_room r = { .id = room, .name = WEFT_STR("a room") };

	return weft_store_put_room(store, &r);
}

static int limit(void)
{
	weft_limits l = { .memories_max = 1000 };

	return weft_store_set_limits(store, room, WEFT_MEMORY_MESSAGE, &l);
}

Test(no_memory, add__changes_nothing_when_it_fails)
{
	cr_assert_geq(until_it_fits(add), 5, "the record, its attachments, its account, its room, its place");
	for (int i = 0; i < 40; i++)
		until_it_fits(add);
	cr_assert_geq(look().memories, 41);
}

Test(no_memory, embed_and_attach__change_nothing_when_they_fail)
{
	cr_assert_eq(add(), 0);
	cr_assert_geq(until_it_fits(embed), 2);
	cr_assert_geq(until_it_fits(attach), 1);
	cr_assert_eq(look().embeddings, 1);
}

Test(no_memory, relate_and_plan__change_nothing_when_they_fail)
{
	for (int i = 0; i < 20; i++) {
		cr_assert_geq(until_it_fits(relate), 2);
		cr_assert_geq(until_it_fits(plan), 1);
	}
	cr_assert_geq(look().relationships, 20);
	cr_assert_geq(look().tasks, 20);
}

Test(no_memory, rooms__change_nothing_when_they_fail)
{
	cr_assert_geq(until_it_fits(put_room), 2);
	cr_assert_geq(until_it_fits(limit), 1);
}

/* Its memories stand in a room of their own: only what the store holds in all is compared. */
Test(no_memory, branch__leaves_no_memory_when_it_fails)
{
	weft_store_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	weft_uuid other, nil = { { 0 } };
	int failed = 0;

	for (int i = 0; i < 5; i++) {
		cr_assert_eq(add(), 0);
		cr_assert_eq(embed(), 0);
	}
	cr_assert_eq(put_room(), 0);
	cr_assert_eq(weft_store_stats_read(store, &before), 0);
	for (int r = -ENOMEM; r < 0; failed++) {
		left = failed;
		r = weft_store_branch(store, room, nil, &other);
		left = -1;
		cr_assert_eq(weft_store_stats_read(store, &after), 0);
		cr_assert(r == 0 || r == -ENOMEM);
		cr_assert_eq(after.memories, before.memories * (r == 0 ? 2 : 1), "allocation %d", failed);
		cr_assert_eq(after.embeddings, before.embeddings * (r == 0 ? 2 : 1), "allocation %d", failed);
		cr_assert(r == 0 || after.bytes == before.bytes, "allocation %d", failed);
	}
	cr_assert_geq(failed, 10);
}
