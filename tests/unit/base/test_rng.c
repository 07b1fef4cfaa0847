/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a seed replays, numbers spread, bounds hold, the mixers collide no more than chance. */
#include "runtime/base/rng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(rng, a_seed_replays)
{
	struct weft__rng a, b, c;
	int same = 0;

	weft__rng_seed(&a, 42);
	weft__rng_seed(&b, 42);
	weft__rng_seed(&c, 43);
	for (int i = 0; i < 1000; i++) {
		uint64_t x = weft__rng_next(&a);

		cr_assert_eq(x, weft__rng_next(&b));
		same += x == weft__rng_next(&c);
	}
	cr_expect_eq(same, 0);
}

/* The first output of xoshiro256++ for the state 1, 2, 3, 4, as its authors' code gives it. */
Test(rng, is_xoshiro256pp)
{
	struct weft__rng rng = { { 1, 2, 3, 4 } };

	cr_expect_eq(weft__rng_next(&rng), 41943041u);
	cr_expect_eq(weft__rng_next(&rng), 58720359u);
	cr_expect_eq(weft__rng_next(&rng), 3588806011781223u);
}

Test(rng, seed_zero_is_not_stuck)
{
	struct weft__rng rng;
	uint64_t bits = 0;

	weft__rng_seed(&rng, 0);
	for (int i = 0; i < 100; i++)
		bits |= weft__rng_next(&rng);
	cr_expect_eq(bits, UINT64_MAX);
}

Test(rng, below__is_even_and_bounded)
{
	struct weft__rng rng;
	uint32_t counts[10] = { 0 };

	weft__rng_seed(&rng, 7);
	for (int i = 0; i < 100000; i++) {
		uint64_t x = weft__rng_below(&rng, 10);

		cr_assert_lt(x, 10);
		counts[x]++;
	}
	for (int i = 0; i < 10; i++)
		cr_expect(counts[i] > 9500 && counts[i] < 10500, "%d came %u times", i, counts[i]);
	cr_expect_eq(weft__rng_below(&rng, 1), 0);
}

static uint64_t fixed(void *user)
{
	return ++*(uint64_t *)user;
}

Test(rng, entropy__can_be_replaced)
{
	uint64_t state = 10;

	cr_expect_neq(weft__entropy(), weft__entropy());
	weft__entropy_source_set(fixed, &state);
	cr_expect_eq(weft__entropy(), 11);
	cr_expect_eq(weft__entropy(), 12);
	weft__entropy_source_set(NULL, NULL);
	cr_expect_neq(weft__entropy(), 13);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

Test(hash, mix64__has_no_collisions_and_avalanches)
{
	enum { COUNT = 50000 };
	static uint64_t hashes[COUNT];
	uint64_t flips = 0;

	for (uint64_t i = 0; i < COUNT; i++)
		hashes[i] = weft__mix64(i);
	qsort(hashes, COUNT, sizeof(hashes[0]), by_value);
	for (int i = 1; i < COUNT; i++)
		cr_assert_neq(hashes[i - 1], hashes[i]);
	for (uint64_t bit = 0; bit < 64; bit++)
		flips += (uint64_t)__builtin_popcountll(weft__mix64(12345) ^ weft__mix64(12345 ^ UINT64_C(1) << bit));
	cr_expect(flips / 64 > 26 && flips / 64 < 38, "%lu bits of 64 flip", (unsigned long)(flips / 64));
}

Test(hash, mix2__tells_its_arguments_apart)
{
	cr_expect_neq(weft__mix2(1, 2), weft__mix2(2, 1));
	cr_expect_neq(weft__mix2(0, 0), weft__mix2(0, 1));
	cr_expect_neq(weft__mix2(0, 0), weft__mix2(1, 0));
}
