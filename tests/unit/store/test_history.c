/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories through weft/memory.h. Goal: a range of time gives exactly what a plain filter over what was added
 * gives, newest first. Method: random adds, in order and out of order, and random deletes, from a printed seed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <weft/memory.h>

#include "tests/support/seed.h"

#define MODEL_MAX 3000u

static weft_store *store;
static weft_uuid room;

static void up(void)
{
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	room = weft_uuid_v7();
}

static void down(void)
{
	weft_store_unref(store);
}

TestSuite(history, .init = up, .fini = down);

/* What the history should hold, oldest first. */
static struct {
	weft_uuid id;
	int64_t created_ms;
} model[MODEL_MAX];
static uint32_t model_count;

static weft_uuid add_at(int64_t created_ms)
{
	weft_memory m = { .room_id = room, .text = WEFT_STR("something"), .created_ms = created_ms };
	weft_uuid id;

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	return id;
}

static void model_add(int64_t created_ms)
{
	cr_assert_lt(model_count, MODEL_MAX);
	model[model_count].id = add_at(created_ms);
	model[model_count++].created_ms = created_ms;
}

static void model_delete(uint32_t at)
{
	cr_assert_eq(weft_store_delete(store, model[at].id), 0);
	memmove(&model[at], &model[at + 1], (model_count - at - 1) * sizeof(model[0]));
	model_count--;
}

struct seen {
	weft_uuid ids[MODEL_MAX];
	uint32_t count, stop_at;
};

static bool see(const weft_memory *m, void *user)
{
	struct seen *s = user;

	s->ids[s->count++] = m->id;
	return s->count != s->stop_at;
}

static void check_range(int64_t from, int64_t to, uint32_t k)
{
	static struct seen seen;
	uint32_t want = 0;
	int got;

	seen.count = seen.stop_at = 0;
	got = weft_store_visit_between(store, room, WEFT_MEMORY_MESSAGE, from, to, k, see, &seen);
	for (uint32_t i = model_count; i-- > 0 && want < k;) {
		if (model[i].created_ms < from || model[i].created_ms > to)
			continue;
		cr_assert_lt(want, seen.count, "%u were found from %lld to %lld", seen.count, (long long)from, (long long)to);
		cr_assert(weft_uuid_eq(model[i].id, seen.ids[want]), "place %u", want);
		want++;
	}
	cr_assert_eq(got, (int)want);
	cr_assert_eq(seen.count, want);
}

static void check_random_ranges(uint64_t *rnd, int64_t low, uint32_t width)
{
	for (int i = 0; i < 60; i++) {
		int64_t from = low + test_below(rnd, width), to = from + test_below(rnd, width / 4 + 1) - 2;

		check_range(from, to, i % 3 ? UINT32_MAX : test_below(rnd, 20));
	}
	check_range(INT64_MIN, INT64_MAX, UINT32_MAX);
	check_range(INT64_MIN, INT64_MIN, UINT32_MAX);
	check_range(INT64_MAX, INT64_MAX, UINT32_MAX);
}

/* step_back: how far a time may lie behind the one before. */
static void against_model(const char *what, uint32_t step_back)
{
	uint64_t rnd = test_seed(what);
	int64_t now = 1000000;

	model_count = 0;
	for (int step = 0; step < 2500; step++) {
		if (model_count && test_below(&rnd, 100) < 42) {
			model_delete(test_below(&rnd, 3) ? test_below(&rnd, model_count) : 0); /* the oldest more often */
		} else {
			now += test_below(&rnd, 10);
			model_add(now - (step_back ? test_below(&rnd, step_back) : 0));
		}
		if (step % 250 == 249)
			check_random_ranges(&rnd, 999000, (uint32_t)(now - 999000) + 100);
	}
}

Test(history, between__in_order)
{
	against_model("history in order", 0);
}

Test(history, between__a_little_out_of_order)
{
	against_model("history a little out of order", 50);
}

Test(history, between__in_no_order)
{
	against_model("history in no order", 1000000);
}

Test(history, between__at_the_ends_of_time)
{
	static const int64_t times[] = { 5, INT64_MAX, INT64_MIN, -1, INT64_MIN + 1, INT64_MAX - 1, 7 };

	model_count = 0;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		model_add(times[i]);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		for (size_t j = 0; j < sizeof(times) / sizeof(times[0]); j++)
			check_range(times[i], times[j], UINT32_MAX);
	}
	check_range(INT64_MIN, INT64_MAX, UINT32_MAX);
}

Test(history, between__when_all_is_gone)
{
	model_count = 0;
	for (int64_t i = 1; i < 100; i++)
		model_add(i);
	while (model_count)
		model_delete(0);
	check_range(INT64_MIN, INT64_MAX, UINT32_MAX);
	model_add(3);
	check_range(3, 3, 1);
	check_range(4, 99, 1);
}

Test(history, between__ends_when_the_visitor_says_so)
{
	static struct seen seen = { .stop_at = 2 };

	for (int64_t i = 1; i < 9; i++)
		add_at(i);
	cr_assert_eq(weft_store_visit_between(store, room, WEFT_MEMORY_MESSAGE, 1, 9, 9, see, &seen), 2);
	cr_assert_eq(seen.count, 2);
}

Test(history, between__errors)
{
	static struct seen seen;

	add_at(1);
	cr_assert_eq(weft_store_visit_between(NULL, room, WEFT_MEMORY_MESSAGE, 0, 1, 1, see, &seen), -EINVAL);
	cr_assert_eq(weft_store_visit_between(store, room, WEFT_MEMORY_MESSAGE, 0, 1, 1, NULL, &seen), -EINVAL);
	cr_assert_eq(weft_store_visit_between(store, room, WEFT_MEMORY_TYPE_COUNT, 0, 1, 1, see, &seen), -EINVAL);
	cr_assert_eq(weft_store_visit_between(store, weft_uuid_v7(), WEFT_MEMORY_MESSAGE, 0, 1, 1, see, &seen), 0);
	cr_assert_eq(weft_store_visit_between(store, room, WEFT_MEMORY_MESSAGE, 2, 1, 1, see, &seen), 0);
	cr_assert_eq(seen.count, 0);
}
