/* SPDX-License-Identifier: Apache-2.0 */
/* gate/pace: between its bounds, doubling before the first cut, one cut for all who were under way at it. */
#include "net/gate/pace.h"

#include <criterion/criterion.h>

#include "tests/support/seed.h"

#define T0 UINT64_C(1000)

static struct weft__pace p;

static void good(uint32_t times, uint32_t taken)
{
	while (times--)
		weft__pace_good(&p, taken);
}

Test(gate_pace, before_the_first_cut__doubles_in_the_time_of_a_call)
{
	weft__pace_init(&p, 1, 8, 1000);
	good(8, 8);
	cr_expect_eq(weft__pace_limit(&p), 16);
	good(5000, 1000);
	cr_expect_eq(weft__pace_limit(&p), 1000);
}

Test(gate_pace, not_in_use__is_not_raised)
{
	weft__pace_init(&p, 1, 8, 1000);
	good(100, 3);
	cr_expect_eq(weft__pace_limit(&p), 8);
	good(1, 4);
	cr_expect_eq(weft__pace_limit(&p), 9);
}

Test(gate_pace, overload__one_cut_for_all_under_way)
{
	weft__pace_init(&p, 2, 100, 1000);
	cr_expect(weft__pace_overload(&p, T0, T0 + 10));
	cr_expect_eq(weft__pace_limit(&p), 75);
	cr_expect_not(weft__pace_overload(&p, T0 + 9, T0 + 20), "it began before the cut");
	cr_expect_eq(weft__pace_limit(&p), 75);
	cr_expect(weft__pace_overload(&p, T0 + 10, T0 + 20));
	cr_expect_eq(weft__pace_limit(&p), 56);
	for (uint64_t t = 100; t < 120; t++)
		weft__pace_overload(&p, T0 + t, T0 + t);
	cr_expect_eq(weft__pace_limit(&p), 2);
}

Test(gate_pace, after_a_cut__one_more_in_the_time_of_a_call)
{
	weft__pace_init(&p, 1, 40, 1000);
	weft__pace_overload(&p, T0, T0);
	cr_expect_eq(weft__pace_limit(&p), 30);
	good(31, 30);
	cr_expect_eq(weft__pace_limit(&p), 31);
}

Test(gate_pace, random__stays_within_its_bounds)
{
	uint64_t seed = test_seed("gate pace"), state = seed, now = T0;

	weft__pace_init(&p, 3, 10, 50);
	for (int i = 0; i < 100000; i++) {
		if (test_below(&state, 20))
			weft__pace_good(&p, test_below(&state, 60));
		else
			weft__pace_overload(&p, now - test_below(&state, 500), now);
		now += test_below(&state, 10);
		cr_assert_geq(weft__pace_limit(&p), 3, "seed %" PRIu64, seed);
		cr_assert_leq(weft__pace_limit(&p), 50, "seed %" PRIu64, seed);
	}
}
