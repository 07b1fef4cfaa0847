/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relationships and tasks. Goal: what was put last is what is read, from both ends and by room, also after the
 * store was closed and opened. Method: each promise of the header, and random changes beside a table, from a printed seed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <weft/memory.h>

#include "tests/support/folder.h"
#include "tests/support/seed.h"
#include "tests/support/stores.h"

static weft_store *store;
static weft_arena *arena;

static void up(void)
{
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void down(void)
{
	weft_arena_destroy(arena);
	weft_store_unref(store);
}

TestSuite(relation, .init = up, .fini = down);
TestSuite(task, .init = up, .fini = down);

static bool same(weft_str s, const char *text)
{
	return weft_str_eq(s, weft_str_from(text));
}

static weft_store_stats stats(void)
{
	weft_store_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_store_stats_read(store, &s), 0);
	return s;
}

/* ---- relationships ----------------------------------------------------------------------------- */

Test(relation, put__replaces_and_has_a_direction)
{
	weft_uuid ann = weft_uuid_v7(), bob = weft_uuid_v7();
	weft_relationship r = { .source_id = ann, .target_id = bob, .tags = WEFT_STR("friend"), .strength = 0.5 }, got, *list;

	cr_assert_eq(weft_store_get_relationship(store, ann, bob, arena, &got), -ENOENT);
	cr_assert_eq(weft_store_put_relationship(store, &r), 0);
	cr_assert_eq(weft_store_get_relationship(store, ann, bob, arena, &got), 0);
	cr_assert(same(got.tags, "friend") && got.strength == 0.5 && got.created_ms > 0 && got.updated_ms == got.created_ms);
	cr_assert_eq(weft_store_get_relationship(store, bob, ann, arena, &got), -ENOENT);
	r = got;
	r.source_id = ann;
	r.target_id = bob;
	r.tags = WEFT_STR("rival");
	r.strength = -1;
	r.updated_ms = r.created_ms + 9;
	cr_assert_eq(weft_store_put_relationship(store, &r), 0);
	cr_assert_eq(weft_store_relationships(store, bob, arena, &list), 1);
	cr_assert(same(list[0].tags, "rival") && list[0].strength == -1 && list[0].updated_ms == r.updated_ms);
	cr_assert_eq(stats().relationships, 1);
	cr_assert_eq(weft_store_delete_relationship(store, ann, bob), 0);
	cr_assert_eq(weft_store_delete_relationship(store, ann, bob), -ENOENT);
	cr_assert_eq(weft_store_relationships(store, ann, arena, &list), 0);
	cr_assert_eq(stats().relationships, 0);
}

Test(relation, put__with_oneself)
{
	weft_uuid ann = weft_uuid_v7();
	weft_relationship r = { .source_id = ann, .target_id = ann }, *list;

	cr_assert_eq(weft_store_put_relationship(store, &r), 0);
	cr_assert_eq(weft_store_put_relationship(store, &r), 0);
	cr_assert_eq(weft_store_relationships(store, ann, arena, &list), 1, "once");
	cr_assert_eq(weft_store_delete_relationship(store, ann, ann), 0);
	cr_assert_eq(weft_store_relationships(store, ann, arena, &list), 0);
}

Test(relation, put__errors)
{
	weft_relationship r = { .source_id = weft_uuid_v7() };

	cr_assert_eq(weft_store_put_relationship(store, &r), -EINVAL);
	r.target_id = weft_uuid_v7();
	r.strength = NAN;
	cr_assert_eq(weft_store_put_relationship(store, &r), -EINVAL);
	r.strength = 1;
	r.tags = (weft_str){ "", WEFT_MEMORY_TEXT_MAX + 1 };
	cr_assert_eq(weft_store_put_relationship(store, &r), -EMSGSIZE);
	cr_assert_eq(weft_store_put_relationship(NULL, &r), -EINVAL);
	cr_assert_eq(stats().relationships, 0);
}

#define PEOPLE 12

Test(relation, random__beside_a_table)
{
	uint64_t rnd = test_seed("relation");
	double table[PEOPLE][PEOPLE] = { { 0 } }; /* 0: none */
	weft_uuid people[PEOPLE];
	weft_relationship *list;

	for (int i = 0; i < PEOPLE; i++)
		people[i] = weft_uuid_v7();
	for (int step = 1; step < 3000; step++) {
		uint32_t a = test_below(&rnd, PEOPLE), b = test_below(&rnd, PEOPLE);

		if (test_below(&rnd, 3)) {
			weft_relationship r = { .source_id = people[a], .target_id = people[b], .strength = step };

			cr_assert_eq(weft_store_put_relationship(store, &r), 0);
			table[a][b] = step;
		} else {
			cr_assert_eq(weft_store_delete_relationship(store, people[a], people[b]), table[a][b] != 0 ? 0 : -ENOENT);
			table[a][b] = 0;
		}
		if (step % 100)
			continue;
		for (int i = 0; i < PEOPLE; i++) {
			double want = 0, got = 0;
			int n = weft_store_relationships(store, people[i], arena, &list);

			for (int j = 0; j < PEOPLE; j++)
				want += table[i][j] + (i == j ? 0 : table[j][i]);
			for (int j = 0; j < n; j++)
				got += list[j].strength;
			cr_assert_float_eq(got, want, 0.5, "person %d", i);
		}
	}
}

/* ---- tasks ---------------------------------------------------------------------------------------- */

static weft_task task_of(weft_uuid room, const char *name)
{
	return (weft_task){ .id = weft_uuid_v7(), .room_id = room, .name = weft_str_from(name) };
}

Test(task, put__replaces_and_moves)
{
	weft_uuid room = weft_uuid_v7(), other = weft_uuid_v7(), none = { { 0 } };
	weft_task first = task_of(room, "first"), second = task_of(room, "second"), got, *list;

	first.description = WEFT_STR("what to do");
	first.tags = WEFT_STR("a,b");
	first.due_ms = 77;
	cr_assert_eq(weft_store_put_task(store, &first), 0);
	cr_assert_eq(weft_store_put_task(store, &second), 0);
	cr_assert_eq(weft_store_get_task(store, first.id, arena, &got), 0);
	cr_assert(same(got.name, "first") && same(got.description, "what to do") && same(got.tags, "a,b") && got.due_ms == 77);
	cr_assert_gt(got.created_ms, 0);
	first.status = WEFT_TASK_DONE;
	cr_assert_eq(weft_store_put_task(store, &first), 0);
	cr_assert_eq(weft_store_tasks(store, room, none, 0, arena, &list), 2);
	cr_assert(same(list[0].name, "first") && list[0].status == WEFT_TASK_DONE, "in its old place");
	cr_assert_eq(weft_store_tasks(store, room, none, 1u << WEFT_TASK_OPEN, arena, &list), 1);
	cr_assert(same(list[0].name, "second"));
	first.room_id = other;
	cr_assert_eq(weft_store_put_task(store, &first), 0);
	cr_assert_eq(weft_store_tasks(store, room, none, 0, arena, &list), 1);
	cr_assert_eq(weft_store_tasks(store, other, none, 0, arena, &list), 1);
	cr_assert_eq(stats().tasks, 2);
	cr_assert_eq(weft_store_delete_task(store, first.id), 0);
	cr_assert_eq(weft_store_delete_task(store, first.id), -ENOENT);
	cr_assert_eq(weft_store_get_task(store, first.id, arena, &got), -ENOENT);
	cr_assert_eq(weft_store_tasks(store, other, none, 0, arena, &list), 0);
}

Test(task, list__by_entity_and_without_a_room)
{
	weft_uuid none = { { 0 } }, ann = weft_uuid_v7();
	weft_task a = task_of(none, "ann's"), b = task_of(none, "anybody's"), *list;

	a.entity_id = ann;
	a.kind = WEFT_TASK_GOAL;
	cr_assert_eq(weft_store_put_task(store, &a), 0);
	cr_assert_eq(weft_store_put_task(store, &b), 0);
	cr_assert_eq(weft_store_tasks(store, none, ann, 0, arena, &list), 1);
	cr_assert(same(list[0].name, "ann's") && list[0].kind == WEFT_TASK_GOAL);
	cr_assert_eq(weft_store_tasks(store, none, none, 0, arena, &list), 1);
	cr_assert(same(list[0].name, "anybody's"));
	b.room_id = ann;
	cr_assert_eq(weft_store_put_task(store, &b), 0);
	cr_assert_eq(weft_store_tasks(store, none, ann, 0, arena, &list), 1, "a room of that id is another thing");
	cr_assert_eq(weft_store_tasks(store, ann, none, 0, arena, &list), 1);
	cr_assert(same(list[0].name, "anybody's"));
}

Test(task, put__errors)
{
	weft_task t = task_of(weft_uuid_v7(), "x");

	t.kind = (weft_task_kind)(WEFT_TASK_GOAL + 1);
	cr_assert_eq(weft_store_put_task(store, &t), -EINVAL);
	t.kind = WEFT_TASK_GOAL;
	t.status = (weft_task_status)(WEFT_TASK_FAILED + 1);
	cr_assert_eq(weft_store_put_task(store, &t), -EINVAL);
	t.status = WEFT_TASK_OPEN;
	t.id = (weft_uuid){ { 0 } };
	cr_assert_eq(weft_store_put_task(store, &t), -EINVAL);
	t.id = weft_uuid_v7();
	t.description = (weft_str){ "", WEFT_MEMORY_TEXT_MAX + 1 };
	cr_assert_eq(weft_store_put_task(store, &t), -EMSGSIZE);
	cr_assert_eq(stats().tasks, 0);
}

/* ---- kept ------------------------------------------------------------------------------------------- */

static void change_much(weft_store *s, uint64_t *rnd)
{
	static weft_uuid people[6], tasks[20];

	if (weft_uuid_is_nil(people[0])) {
		for (int i = 0; i < 6; i++)
			people[i] = weft_uuid_v7();
		for (int i = 0; i < 20; i++)
			tasks[i] = weft_uuid_v7();
	}
	for (int i = 0; i < 300; i++) {
		weft_uuid a = people[test_below(rnd, 6)], b = people[test_below(rnd, 6)], id = tasks[test_below(rnd, 20)];
		weft_relationship r = { .source_id = a, .target_id = b, .strength = i, .tags = WEFT_STR("t") };
		weft_task t = { .id = id, .room_id = people[test_below(rnd, 3)], .name = WEFT_STR("do it"), .due_ms = i };

		switch (test_below(rnd, 6)) {
		case 0:
			weft_store_delete_relationship(s, a, b);
			break;
		case 1:
			weft_store_delete_task(s, id);
			break;
		case 2:
		case 3:
			cr_assert_eq(weft_store_put_task(s, &t), 0);
			break;
		default:
			cr_assert_eq(weft_store_put_relationship(s, &r), 0);
		}
	}
}

Test(relation, open__gives_back_what_was_there)
{
	uint64_t rnd = test_seed("relation open");
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	char path[256], *before, *after;
	weft_error err;
	weft_store *s;

	test_folder(path);
	opt.sync = WEFT_STORE_SYNC_DEMAND;
	for (int round = 0; round < 3; round++) {
		cr_assert_eq(weft_store_open(path, &opt, &s, &err), 0, "%s", err.message);
		change_much(s, &rnd);
		if (round == 1)
			cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
		before = test_store_text(s);
		cr_assert_eq(weft_store_close(s), 0);
		cr_assert_eq(weft_store_open(path, &opt, &s, &err), 0, "%s", err.message);
		after = test_store_text(s);
		cr_assert_str_eq(before, after);
		cr_assert_gt(strlen(before), 1000);
		free(before);
		free(after);
		cr_assert_eq(weft_store_close(s), 0);
	}
	test_folder_remove(path);
}
