/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers by hash. Goal: what was inserted and not removed is found, nothing else is. Method: random operations
 * beside a plain array, with hashes that collide often; the seed is printed.
 */
#include <criterion/criterion.h>

#include "store/vector/lookup.h"
#include "tests/support/seed.h"

#define NUMBERS 3000u
#define STEPS 60000u

static uint32_t hashes[NUMBERS];
static bool there[NUMBERS];

static uint32_t hash_of(const void *owner, uint32_t number)
{
	return ((const uint32_t *)owner)[number];
}

static bool is_it(const void *owner, uint32_t number, const void *key)
{
	(void)owner;
	return number == *(const uint32_t *)key;
}

static void step(struct weft__lookup *t, uint32_t n)
{
	struct weft__lookup_shard *s = weft__lookup_lock(t, hashes[n]);
	uint32_t found = weft__lookup_find(t, s, hashes[n], is_it, &n);

	cr_assert_eq(found, there[n] ? n : WEFT__NONE);
	if (there[n]) {
		weft__lookup_remove(t, s, n);
	} else {
		cr_assert_eq(weft__lookup_reserve(t, s), 0);
		weft__lookup_insert(t, s, n);
	}
	there[n] = !there[n];
	weft__lookup_unlock(s);
}

Test(lookup, finds_what_is_there)
{
	uint64_t rnd = test_seed("lookup");
	struct weft__lookup t;

	for (uint32_t i = 0; i < NUMBERS; i++)
		hashes[i] = test_below(&rnd, NUMBERS / 4) << 7;
	cr_assert_eq(weft__lookup_init(&t, 4, hash_of, hashes), 0);
	for (uint32_t i = 0; i < STEPS; i++)
		step(&t, test_below(&rnd, NUMBERS));
	for (uint32_t i = 0; i < NUMBERS; i++) {
		if (there[i])
			step(&t, i);
	}
	for (uint32_t i = 0; i <= t.mask; i++)
		cr_assert_eq(t.shards[i].used, 0);
	weft__lookup_fini(&t);
}

/* Many at once: as if one after another. */
Test(lookup, filled_at_once_finds_the_same)
{
	uint64_t rnd = test_seed("lookup fill");
	static uint32_t numbers[NUMBERS];

	for (uint32_t n = 0; n <= NUMBERS; n = n * 3 + 1) {
		struct weft__lookup t;

		for (uint32_t i = 0; i < NUMBERS; i++) {
			hashes[i] = test_below(&rnd, NUMBERS / 4) << (i % 2 ? 7 : 0);
			there[i] = i < n;
			numbers[i] = i;
		}
		cr_assert_eq(weft__lookup_init(&t, 4, hash_of, hashes), 0);
		cr_assert_eq(weft__lookup_fill(&t, numbers, n), 0);
		for (uint32_t i = 0; i < NUMBERS; i++)
			step(&t, i);
		for (uint32_t i = 0; i < NUMBERS; i++)
			step(&t, i);
		weft__lookup_fini(&t);
	}
}
