/* SPDX-License-Identifier: Apache-2.0 */
/* The store through weft/memory.h: every promise of the header, every error code. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weft/memory.h>

#include "tests/support/seed.h"

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

TestSuite(store, .init = up, .fini = down);

static weft_uuid add_text(weft_uuid room, const char *text)
{
	weft_memory m = { .room_id = room, .text = weft_str_from(text), .source = WEFT_STR("test") };
	weft_uuid id;

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	return id;
}

static bool same(weft_str s, const char *text)
{
	return weft_str_eq(s, weft_str_from(text));
}

/* ---- life and people ------------------------------------------------------------------ */

Test(store, create__rejects_bad_options)
{
	weft_store_options opt = WEFT_STORE_OPTIONS_INIT;
	weft_store *other;

	opt.shards = 3;
	cr_assert_eq(weft_store_create(&opt, &other), -EINVAL);
	cr_assert_eq(weft_store_create(NULL, NULL), -EINVAL);
	weft_store_unref(NULL);
}

Test(store, put_get__replace_by_id)
{
	weft_world w = { .id = weft_uuid_v7(), .name = WEFT_STR("old") }, got;
	weft_entity e = { .id = weft_uuid_v7(), .name = WEFT_STR("Ann"), .is_agent = true }, got_e;
	weft_room r = { .id = weft_uuid_v7(), .kind = WEFT_ROOM_DM, .name = WEFT_STR("hall"), .source = WEFT_STR("x") }, got_r;

	cr_assert_eq(weft_store_get_world(store, w.id, arena, &got), -ENOENT);
	cr_assert_eq(weft_store_put_world(store, &w), 0);
	w.name = WEFT_STR("new");
	cr_assert_eq(weft_store_put_world(store, &w), 0);
	cr_assert_eq(weft_store_get_world(store, w.id, arena, &got), 0);
	cr_assert(same(got.name, "new"));
	cr_assert_eq(weft_store_put_entity(store, &e), 0);
	cr_assert_eq(weft_store_get_entity(store, e.id, arena, &got_e), 0);
	cr_assert(same(got_e.name, "Ann") && got_e.is_agent);
	cr_assert_eq(weft_store_put_room(store, &r), 0);
	r.name = WEFT_STR("cellar");
	cr_assert_eq(weft_store_put_room(store, &r), 0);
	cr_assert_eq(weft_store_get_room(store, r.id, arena, &got_r), 0);
	cr_assert(same(got_r.name, "cellar") && got_r.kind == WEFT_ROOM_DM && same(got_r.source, "x"));
	cr_assert_eq(weft_store_put_room(store, &(weft_room){ 0 }), -EINVAL);
}

Test(store, join__lists_participants_in_order)
{
	weft_room r = { .id = weft_uuid_v7() };
	weft_entity *list;
	weft_uuid ids[10];

	weft_store_put_room(store, &r);
	for (int i = 0; i < 10; i++) {
		weft_entity e = { .id = ids[i] = weft_uuid_v7(), .name = WEFT_STR("somebody") };

		cr_assert_eq(weft_store_join(store, r.id, e.id), -ENOENT, "no such entity yet");
		weft_store_put_entity(store, &e);
		cr_assert_eq(weft_store_join(store, r.id, e.id), 0);
		cr_assert_eq(weft_store_join(store, r.id, e.id), 0, "again is fine");
	}
	cr_assert_eq(weft_store_participants(store, r.id, arena, &list), 10);
	for (int i = 0; i < 10; i++)
		cr_assert(weft_uuid_eq(list[i].id, ids[i]) && same(list[i].name, "somebody"));
	cr_assert_eq(weft_store_participants(store, weft_uuid_v7(), arena, &list), -ENOENT);
}

Test(store, follow__is_kept_a_room_and_entity)
{
	weft_room r = { .id = weft_uuid_v7() };
	weft_uuid who = weft_uuid_v7();

	cr_assert_eq(weft_store_set_follow(store, r.id, who, WEFT_FOLLOW_MUTED), -ENOENT);
	weft_store_put_room(store, &r);
	cr_assert_eq(weft_store_get_follow(store, r.id, who), WEFT_FOLLOW_NONE);
	cr_assert_eq(weft_store_set_follow(store, r.id, who, WEFT_FOLLOW_MUTED), 0);
	cr_assert_eq(weft_store_get_follow(store, r.id, who), WEFT_FOLLOW_MUTED);
	cr_assert_eq(weft_store_get_follow(store, r.id, weft_uuid_v7()), WEFT_FOLLOW_NONE);
}

/* ---- memories ---------------------------------------------------------------------------- */

Test(store, add__fills_in_id_and_time_and_copies)
{
	char text[] = "hello";
	weft_memory m = { .room_id = weft_uuid_v7(), .entity_id = weft_uuid_v7(), .text = { text, 5 } }, got;
	weft_uuid id;

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	memset(text, 'x', 5);
	cr_assert_not(weft_uuid_is_nil(id));
	cr_assert(weft_store_has(store, id));
	cr_assert_eq(weft_store_get(store, id, arena, &got), 0);
	cr_assert(same(got.text, "hello"));
	cr_assert_gt(got.created_ms, 0);
	cr_assert(weft_uuid_eq(got.entity_id, m.entity_id));
}

Test(store, add__errors_change_nothing)
{
	weft_memory m = { .text = WEFT_STR("x") };
	char *big = calloc(1, WEFT_MEMORY_TEXT_MAX + 2);

	cr_assert_eq(weft_store_add(store, &m, NULL), -EINVAL, "nil room");
	m.room_id = weft_uuid_v7();
	m.type = WEFT_MEMORY_TYPE_COUNT;
	cr_assert_eq(weft_store_add(store, &m, NULL), -EINVAL, "type");
	m.type = WEFT_MEMORY_FACT;
	m.text = (weft_str){ big, WEFT_MEMORY_TEXT_MAX + 1 };
	cr_assert_eq(weft_store_add(store, &m, NULL), -EMSGSIZE);
	m.text = WEFT_STR("x");
	m.id = weft_uuid_v7();
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	cr_assert_eq(weft_store_add(store, &m, NULL), -EEXIST);
	cr_assert_eq(weft_store_count(store, m.room_id, WEFT_MEMORY_FACT), 1);
	free(big);
}

Test(store, recent__gives_the_newest_first_a_room_and_type)
{
	weft_uuid room = weft_uuid_v7(), other = weft_uuid_v7();
	weft_memory *list;
	char text[16];

	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		add_text(room, text);
		add_text(other, "elsewhere");
	}
	cr_assert_eq(weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, 0, 3, arena, &list), 3);
	cr_assert(same(list[0].text, "m299") && same(list[1].text, "m298") && same(list[2].text, "m297"));
	cr_assert_eq(weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, 298, 10, arena, &list), 2);
	cr_assert(same(list[0].text, "m1") && same(list[1].text, "m0"));
	cr_assert_eq(weft_store_recent(store, room, WEFT_MEMORY_FACT, 0, 3, arena, &list), 0);
	cr_assert_eq(weft_store_recent(store, weft_uuid_v7(), WEFT_MEMORY_MESSAGE, 0, 3, arena, &list), 0);
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_MESSAGE), 300);
}

static bool stop_at_two(const weft_memory *m, void *user)
{
	(void)m;
	return ++*(int *)user < 2;
}

Test(store, visit__ends_when_the_visitor_says_so)
{
	weft_uuid room = weft_uuid_v7();
	int seen = 0;

	for (int i = 0; i < 5; i++)
		add_text(room, "x");
	cr_assert_eq(weft_store_visit_recent(store, room, WEFT_MEMORY_MESSAGE, 0, 5, stop_at_two, &seen), 2);
	cr_assert_eq(seen, 2);
}

/* Random adds and deletes beside a plain array: what is left is what should be left, in order. */
Test(store, delete__against_a_model)
{
	uint64_t rnd = test_seed("store delete");
	weft_uuid room = weft_uuid_v7(), ids[4000];
	uint32_t n = 0, added = 0, deleted = 0;
	weft_memory *list;
	weft_store_stats stats = { .size = sizeof(stats) };

	for (int step = 0; step < 6000; step++) {
		if (n && test_below(&rnd, 100) < 45) {
			uint32_t at = test_below(&rnd, n);

			cr_assert_eq(weft_store_delete(store, ids[at]), 0);
			cr_assert_eq(weft_store_delete(store, ids[at]), -ENOENT);
			memmove(&ids[at], &ids[at + 1], (n - at - 1) * sizeof(*ids));
			n--;
			deleted++;
		} else if (n < 4000) {
			ids[n++] = add_text(room, "something to remember");
			added++;
		}
	}
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_MESSAGE), n);
	cr_assert_eq(added, n + deleted);
	cr_assert_eq(weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, 0, n, arena, &list), (int)n);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert(weft_uuid_eq(list[i].id, ids[n - 1 - i]), "place %u", i);
		cr_assert(weft_store_has(store, ids[i]));
	}
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(stats.memories, n);
}

/* ---- embeddings ----------------------------------------------------------------------------- */

#define DIMS 24u

static void random_vector(uint64_t *rnd, float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(rnd, 2001) / 1000.0f - 1.0f;
}

Test(store, set_embedding__errors)
{
	weft_uuid room = weft_uuid_v7(), id = add_text(room, "x");
	float v[DIMS] = { 1 }, zero[DIMS] = { 0 }, nan[DIMS] = { NAN };
	weft_search_hit hit;

	cr_assert_eq(weft_store_set_embedding(store, weft_uuid_v7(), v, DIMS), -ENOENT);
	cr_assert_eq(weft_store_set_embedding(store, id, zero, DIMS), -EINVAL);
	cr_assert_eq(weft_store_set_embedding(store, id, nan, DIMS), -EINVAL);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 0), -EINVAL);
	cr_assert_eq(weft_store_set_embedding(store, id, v, DIMS), 0);
	cr_assert_eq(weft_store_set_embedding(store, id, v, DIMS - 1), -EINVAL, "other dims than the first");
	cr_assert_eq(weft_store_search(store, room, WEFT_MEMORY_MESSAGE, v, DIMS - 1, 1, &hit), -EINVAL);
	cr_assert_eq(weft_store_search(store, room, WEFT_MEMORY_MESSAGE, zero, DIMS, 1, &hit), -EINVAL);
}

/* Search beside a plain scan in doubles, with some rows deleted and some embedded again. */
Test(store, search__finds_what_a_plain_scan_finds)
{
	uint64_t rnd = test_seed("store search");
	static float rows[150][DIMS];
	weft_uuid room = weft_uuid_v7(), ids[150];
	bool gone[150] = { false };

	for (int i = 0; i < 150; i++) {
		ids[i] = add_text(room, "row");
		random_vector(&rnd, rows[i]);
		cr_assert_eq(weft_store_set_embedding(store, ids[i], rows[i], DIMS), 0);
	}
	for (int i = 0; i < 150; i += 7) {
		random_vector(&rnd, rows[i]);
		cr_assert_eq(weft_store_set_embedding(store, ids[i], rows[i], DIMS), 0);
	}
	for (int i = 0; i < 150; i += 5) {
		gone[i] = true;
		cr_assert_eq(weft_store_delete(store, ids[i]), 0);
	}
	for (int q = 0; q < 20; q++) {
		weft_search_hit hits[10];
		float query[DIMS];
		double kth = -2;

		random_vector(&rnd, query);
		cr_assert_eq(weft_store_search(store, room, WEFT_MEMORY_MESSAGE, query, DIMS, 10, hits), 10);
		for (int h = 0; h < 10; h++) {
			cr_assert(h == 0 || hits[h].score <= hits[h - 1].score, "best first");
			kth = hits[h].score;
		}
		for (int i = 0; i < 150; i++) {
			double dot = 0, a = 0, b = 0;
			bool hit = false;

			for (uint32_t d = 0; d < DIMS; d++) {
				dot += (double)rows[i][d] * query[d];
				a += (double)rows[i][d] * rows[i][d];
				b += (double)query[d] * query[d];
			}
			for (int h = 0; h < 10; h++)
				hit |= weft_uuid_eq(hits[h].id, ids[i]);
			cr_assert(!(hit && gone[i]), "a deleted row was found");
			if (!gone[i] && !hit)
				cr_assert_leq(dot / sqrt(a * b), kth + 1e-5, "row %d should have been found", i);
		}
	}
}

Test(store, get__carries_the_embedding)
{
	weft_uuid id = add_text(weft_uuid_v7(), "x");
	float v[2] = { 3, 4 };
	weft_memory m;

	cr_assert_eq(weft_store_get(store, id, arena, &m), 0);
	cr_assert_null(m.embedding);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 2), 0);
	cr_assert_eq(weft_store_get(store, id, arena, &m), 0);
	cr_assert_eq(m.embedding_dims, 2);
	cr_assert_float_eq(m.embedding[0], 0.6, 1e-6);
	cr_assert_float_eq(m.embedding[1], 0.8, 1e-6);
}
