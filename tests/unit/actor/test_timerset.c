/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a set of timers has what was added and not removed, list or table, also when there is no memory for a table.
 * Method: random operations beside an array. A failure prints its seed; WEFT_SEED replays it.
 */
#include "runtime/actor/timerset.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

#include "tests/support/seed.h"

#define MANY 20000u

static struct weft__timer_entry entries[MANY];
static bool in[MANY];
static uint32_t visited;

static void check_all(const struct weft__timer_set *set)
{
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_eq(weft__timer_set_find(set, i + 1), in[i] ? &entries[i] : NULL, "entry %u", i);
}

static void random_operations(uint64_t *seed, uint32_t among, uint32_t steps)
{
	struct weft__timer_set set = { 0 };

	memset(in, 0, sizeof(in));
	for (uint32_t i = 0; i < MANY; i++)
		entries[i].id = i + 1;
	for (uint32_t step = 0; step < steps; step++) {
		uint32_t i = test_below(seed, among);

		if (in[i])
			weft__timer_set_remove(&set, &entries[i]);
		else
			weft__timer_set_add(&set, &entries[i]);
		in[i] = !in[i];
	}
	check_all(&set);
	for (uint32_t i = 0; i < MANY; i++) {
		if (in[i])
			weft__timer_set_remove(&set, &entries[i]);
		in[i] = false;
	}
	cr_expect_eq(set.word, 0, "an empty set owns nothing");
}

Test(timerset, random_operations)
{
	uint64_t seed = test_seed("timerset");

	random_operations(&seed, 10, 1000);     /* a list */
	random_operations(&seed, 40, 5000);     /* to and fro */
	random_operations(&seed, MANY, 100000); /* a table that grows */
}

/* ---- without memory ------------------------------------------------------------------------- */

static bool has_memory;

static void *alloc(size_t bytes, void *user)
{
	(void)user;
	return has_memory ? malloc(bytes) : NULL;
}

static void *again(void *ptr, size_t bytes, void *user)
{
	(void)user;
	return has_memory ? realloc(ptr, bytes) : NULL;
}

static void *aligned(size_t alignment, size_t bytes, void *user)
{
	(void)user;
	return has_memory ? aligned_alloc(alignment, bytes) : NULL;
}

static void release(void *ptr, void *user)
{
	(void)user;
	free(ptr);
}

/* A list that is longer than it should be, then a table that is fuller: slower, and nothing is lost. */
Test(timerset, no_memory__for_a_table)
{
	weft_allocator a = { .size = sizeof(a), .malloc_fn = alloc, .realloc_fn = again, .aligned_fn = aligned, .free_fn = release };
	struct weft__timer_set set = { 0 };

	cr_assert_eq(weft_allocator_set(&a), 0);
	memset(in, 0, sizeof(in));
	for (uint32_t i = 0; i < 1000; i++) {
		has_memory = i == 500;
		entries[i].id = i + 1;
		weft__timer_set_add(&set, &entries[i]);
		in[i] = true;
		if (i == 499)
			cr_expect_eq(set.word & 1, 0, "no table yet");
	}
	cr_expect_eq(set.word & 1, 1, "the first memory makes one");
	check_all(&set);
	weft__timer_set_clear(&set);
}

static void count_and_remove(struct weft__timer_entry *entry, void *user)
{
	visited++;
	weft__timer_set_remove(user, entry);
}

Test(timerset, each__may_remove_what_it_sees)
{
	for (uint32_t n = 0; n < 500; n += 33) {
		struct weft__timer_set set = { 0 };

		visited = 0;
		for (uint32_t i = 0; i < n; i++) {
			entries[i].id = i + 1;
			weft__timer_set_add(&set, &entries[i]);
		}
		weft__timer_set_each(&set, count_and_remove, &set);
		cr_expect_eq(visited, n);
		cr_expect_eq(set.word, 0);
	}
}
