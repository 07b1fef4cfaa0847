/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rooms keep and agents may hold. Goal: limits evict the oldest and only what is over, quotas refuse and change
 * nothing, and every byte that is counted is counted in a room, for an agent and in the store. Method: each promise of
 * the header by itself, and random operations with all sums compared, from a printed seed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <weft/memory.h>
#include <weft/runtime.h>

#include "store/store.h"
#include "tests/support/folder.h"
#include "tests/support/seed.h"
#include "tests/support/stores.h"

static weft_store *store;
static weft_arena *arena;
static weft_uuid room;

static void up(void)
{
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	room = weft_uuid_v7();
}

static void down(void)
{
	weft_arena_destroy(arena);
	weft_store_unref(store);
}

TestSuite(limit, .init = up, .fini = down);

static weft_memory message(int64_t created_ms)
{
	return (weft_memory){ .room_id = room, .text = WEFT_STR("something"), .created_ms = created_ms };
}

static weft_uuid add_at(int64_t created_ms)
{
	weft_memory m = message(created_ms);
	weft_uuid id;

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	return id;
}

static uint64_t count(void)
{
	return weft_store_count(store, room, WEFT_MEMORY_MESSAGE);
}

static void limit(weft_uuid which, weft_limits limits)
{
	cr_assert_eq(weft_store_set_limits(store, which, WEFT_MEMORY_MESSAGE, &limits), 0);
}

static weft_usage usage_of_room(weft_uuid id)
{
	weft_usage usage = { .size = sizeof(usage) };

	cr_assert_eq(weft_store_usage(store, id, &usage), 0);
	return usage;
}

static weft_usage usage_of_agent(weft_uuid id)
{
	weft_usage usage = { .size = sizeof(usage) };

	cr_assert_eq(weft_store_agent_usage(store, id, &usage), 0);
	return usage;
}

static weft_store_stats stats(void)
{
	weft_store_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_store_stats_read(store, &s), 0);
	return s;
}

/* ---- limits of rooms ------------------------------------------------------------------------ */

Test(limit, count__evicts_the_oldest)
{
	weft_uuid ids[20];

	add_at(1); /* makes the room */
	limit(room, (weft_limits){ .memories_max = 5 });
	for (int i = 0; i < 20; i++)
		ids[i] = add_at(100 - i); /* the oldest is the one added first, whatever its time */
	cr_assert_eq(count(), 5);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(weft_store_has(store, ids[i]), i >= 15, "message %d", i);
	cr_assert_eq(stats().evicted, 16);
	cr_assert_eq(stats().memories, 5);
}

Test(limit, count__of_other_types_and_rooms_is_left)
{
	weft_memory fact = message(1), elsewhere = message(1);

	fact.type = WEFT_MEMORY_FACT;
	elsewhere.room_id = weft_uuid_v7();
	add_at(1);
	limit(room, (weft_limits){ .memories_max = 2 });
	for (int i = 0; i < 9; i++) {
		cr_assert_eq(weft_store_add(store, &fact, NULL), 0);
		cr_assert_eq(weft_store_add(store, &elsewhere, NULL), 0);
		add_at(i);
	}
	cr_assert_eq(count(), 2);
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_FACT), 9);
	cr_assert_eq(weft_store_count(store, elsewhere.room_id, WEFT_MEMORY_MESSAGE), 9);
}

Test(limit, bytes__count_text_embeddings_and_attachments)
{
	weft_attachment a = { .text = WEFT_STR("a text that is longer than what is left of the room by far and far") };
	float v[64] = { 1 };
	uint64_t one;
	weft_uuid ids[3];

	ids[0] = add_at(1);
	one = usage_of_room(room).bytes;
	limit(room, (weft_limits){ .bytes_max = 3 * one + 60 });
	ids[1] = add_at(2);
	ids[2] = add_at(3);
	cr_assert_eq(count(), 3);
	cr_assert_eq(weft_store_set_embedding(store, ids[1], v, 64), 0);
	cr_assert_eq(count(), 2, "256 bytes more");
	cr_assert_not(weft_store_has(store, ids[0]));
	cr_assert_eq(usage_of_room(room).bytes, 2 * one + 256);
	cr_assert_eq(weft_store_set_attachments(store, ids[2], &a, 1), 0);
	cr_assert_eq(count(), 1);
	cr_assert(weft_store_has(store, ids[2]));
}

Test(limit, bytes__the_newest_is_kept)
{
	add_at(1);
	limit(room, (weft_limits){ .bytes_max = 1 });
	cr_assert(weft_store_has(store, add_at(2)));
	cr_assert_eq(count(), 1);
}

Test(limit, age__by_the_clock)
{
	int64_t now = weft_wall_ms();
	weft_uuid young;

	add_at(now - 100000);
	add_at(now - 50000);
	young = add_at(now);
	limit(room, (weft_limits){ .age_max_ms = 60000 });
	cr_assert_eq(count(), 3, "limits change nothing by themselves");
	add_at(now);
	cr_assert_eq(count(), 3);
	cr_assert_eq(weft_store_expire(store, now + 20000), 1);
	cr_assert_eq(weft_store_expire(store, now + 20000), 0);
	cr_assert(weft_store_has(store, young));
	cr_assert_eq(weft_store_expire(store, INT64_MAX), 2);
	cr_assert_eq(weft_store_expire(store, INT64_MIN), 0);
}

Test(limit, expire__sees_the_old_behind_the_young)
{
	uint64_t rnd = test_seed("limit expire");
	uint32_t old = 0;

	for (int i = 0; i < 2000; i++) {
		int64_t at = test_below(&rnd, 1000);

		add_at(at + 1);
		old += at + 1 < 500;
	}
	limit(room, (weft_limits){ .age_max_ms = 500 });
	cr_assert_eq(weft_store_expire(store, 1000), (int)old);
	cr_assert_eq(count(), 2000 - old);
	cr_assert_eq(stats().evicted, old);
}

Test(limit, expire__every_room_by_the_default_or_its_own)
{
	weft_uuid rooms[100];

	for (int i = 0; i < 100; i++) {
		room = rooms[i] = weft_uuid_v7();
		for (int j = 0; j < 10; j++)
			add_at(j);
	}
	limit((weft_uuid){ { 0 } }, (weft_limits){ .memories_max = 4 });
	limit(rooms[0], (weft_limits){ .memories_max = WEFT_LIMIT_NONE });
	limit(rooms[1], (weft_limits){ .memories_max = 7 });
	limit(rooms[2], (weft_limits){ .bytes_max = WEFT_LIMIT_NONE });
	cr_assert_eq(weft_store_expire(store, 0), 98 * 6 + 3);
	for (int i = 0; i < 100; i++) {
		room = rooms[i];
		cr_assert_eq(count(), i == 0 ? 10 : i == 1 ? 7 : 4, "room %d", i);
	}
}

Test(limit, set__errors)
{
	weft_limits limits = { .memories_max = 1 };

	cr_assert_eq(weft_store_set_limits(store, room, WEFT_MEMORY_MESSAGE, &limits), -ENOENT);
	cr_assert_eq(weft_store_set_limits(store, room, WEFT_MEMORY_TYPE_COUNT, &limits), -EINVAL);
	cr_assert_eq(weft_store_set_limits(store, room, WEFT_MEMORY_MESSAGE, NULL), -EINVAL);
	cr_assert_eq(weft_store_set_limits(NULL, room, WEFT_MEMORY_MESSAGE, &limits), -EINVAL);
	cr_assert_eq(weft_store_expire(NULL, 0), -EINVAL);
}

/* ---- quotas of agents ------------------------------------------------------------------------- */

Test(limit, quota__of_memories)
{
	weft_memory m = message(1);
	weft_uuid last;

	m.agent_id = weft_uuid_v7();
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 3, 0), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_store_add(store, &m, &last), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
	cr_assert_eq(count(), 3);
	cr_assert_eq(usage_of_agent(m.agent_id).memories, 3);
	cr_assert_eq(usage_of_agent(m.agent_id).memories_refused, 1);
	cr_assert_eq(usage_of_agent(m.agent_id).bytes_refused, 0);
	cr_assert_eq(usage_of_agent(m.agent_id).bytes, usage_of_room(room).bytes);
	cr_assert_eq(stats().refused, 1);
	cr_assert_eq(weft_store_delete(store, last), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	add_at(1); /* another agent's */
}

Test(limit, quota__error_says_which)
{
	weft_memory m = message(1);
	weft_error err;

	m.agent_id = weft_uuid_v7();
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 1, 1000), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
	cr_assert_eq(weft_store_quota_error(store, m.agent_id, &err), -EDQUOT);
	cr_assert(strstr(err.message, "holds 1 memories, its quota is 1"), "%s", err.message);
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 100, 500), 0);
	while (weft_store_add(store, &m, NULL) == 0)
		;
	cr_assert_eq(weft_store_quota_error(store, m.agent_id, &err), -EDQUOT);
	cr_assert(strstr(err.message, "bytes, its quota is 500"), "%s", err.message);
	cr_assert_eq(weft_store_quota_error(NULL, m.agent_id, NULL), -EDQUOT);
}

Test(limit, quota__of_bytes)
{
	weft_memory m = message(1);
	weft_attachment a = { .text = WEFT_STR("something more") };
	float v[8] = { 1 };
	weft_usage usage;
	weft_uuid id;

	m.agent_id = weft_uuid_v7();
	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	usage = usage_of_agent(m.agent_id);
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 0, usage.bytes + 31), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 8), -EDQUOT, "32 bytes");
	cr_assert_eq(weft_store_set_attachments(store, id, &a, 1), -EDQUOT);
	cr_assert_eq(usage_of_agent(m.agent_id).bytes_refused, 3);
	cr_assert_eq(usage_of_agent(m.agent_id).bytes, usage.bytes);
	cr_assert_eq(usage_of_room(room).bytes, usage.bytes);
	cr_assert_eq(stats().embeddings, 0);
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 0, usage.bytes + 32), 0);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 8), 0);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 8), 0, "another one in its place costs nothing");
	cr_assert_eq(usage_of_agent(m.agent_id).bytes_max, usage.bytes + 32);
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 0, 1), 0, "what is there is kept");
	cr_assert_eq(count(), 1);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
}

Test(limit, quota__a_refusal_makes_no_room)
{
	weft_memory m = message(1);

	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 0, 1), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
	cr_assert_eq(stats().rooms, 0);
	cr_assert_eq(stats().bytes, 0);
}

Test(limit, usage__errors)
{
	weft_usage usage = { .size = 1 };

	cr_assert_eq(weft_store_agent_usage(store, room, &usage), -EINVAL);
	cr_assert_eq(weft_store_usage(store, room, &usage), -EINVAL);
	usage.size = sizeof(usage);
	cr_assert_eq(weft_store_usage(store, room, &usage), -ENOENT);
	cr_assert_eq(weft_store_agent_usage(store, room, &usage), 0);
	cr_assert_eq(usage.memories + usage.bytes, 0);
	cr_assert_eq(weft_store_set_quota(NULL, room, 1, 1), -EINVAL);
}

/* ---- with a log ----------------------------------------------------------------------------------- */

Test(limit, open__many_are_evicted_by_few_writes)
{
	weft_store_log_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	char path[256];
	weft_error err;

	test_folder(path);
	opt.sync = WEFT_STORE_SYNC_DEMAND;
	weft_store_unref(store);
	cr_assert_eq(weft_store_open(path, &opt, &store, &err), 0, "%s", err.message);
	for (int i = 0; i < 3000; i++)
		add_at(i + 1);
	cr_assert_eq(weft_store_close(store), 0);
	opt.sync = WEFT_STORE_SYNC_WRITE;
	cr_assert_eq(weft_store_open(path, &opt, &store, &err), 0, "%s", err.message);
	limit((weft_uuid){ { 0 } }, (weft_limits){ .age_max_ms = 1 });
	cr_assert_eq(weft_store_log_stats_read(store, &before), 0);
	cr_assert_eq(weft_store_expire(store, 1000000), 3000);
	cr_assert_eq(weft_store_log_stats_read(store, &after), 0);
	cr_assert_eq(after.changes_durable - before.changes_durable, 3000, "it waited for them");
	cr_assert_leq(after.batches - before.batches, 100);
	cr_assert_eq(weft_store_close(store), 0);
	cr_assert_eq(weft_store_open(path, &opt, &store, &err), 0, "%s", err.message);
	cr_assert_eq(count(), 0);
	test_folder_remove(path);
}

Test(limit, open__what_was_evicted_stays_away)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	char path[256], *before, *after;
	weft_error err;

	test_folder(path);
	opt.sync = WEFT_STORE_SYNC_DEMAND;
	weft_store_unref(store);
	cr_assert_eq(weft_store_open(path, &opt, &store, &err), 0, "%s", err.message);
	limit((weft_uuid){ { 0 } }, (weft_limits){ .memories_max = 7 });
	for (int i = 0; i < 100; i++)
		add_at(i + 1);
	cr_assert_eq(count(), 7);
	before = test_store_text(store);
	cr_assert_eq(weft_store_close(store), 0);
	cr_assert_eq(weft_store_open(path, &opt, &store, &err), 0, "%s", err.message);
	after = test_store_text(store);
	cr_assert_str_eq(before, after);
	cr_assert_eq(usage_of_room(room).memories, 7);
	cr_assert_eq(usage_of_room(room).bytes, stats().bytes);
	add_at(101);
	cr_assert_eq(count(), 7, "the limit is kept");
	free(before);
	free(after);
	test_folder_remove(path);
}

/*
 * A log may repeat what a snapshot has already, and a limit or quota may be lower than what there was: reading them must neither
 * evict nor refuse.
 */
Test(limit, opening__nothing_is_evicted_or_refused)
{
	weft_memory m = message(5);

	m.agent_id = weft_uuid_v7();
	limit((weft_uuid){ { 0 } }, (weft_limits){ .memories_max = 1 });
	cr_assert_eq(weft_store_set_quota(store, m.agent_id, 1, 1), 0);
	store->opening = true;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	store->opening = false;
	cr_assert_eq(count(), 3);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EDQUOT);
	m.agent_id = (weft_uuid){ { 0 } };
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	cr_assert_eq(count(), 1);
}
