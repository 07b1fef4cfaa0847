/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the figures that a series comes to, beside ones worked out by hand. */
#include <criterion/criterion.h>

#include "bench/stats.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(stats, none__is_all_zero)
{
	struct bench_stats s = bench_stats_of(NULL, 0);

	cr_expect_eq(s.min, 0);
	cr_expect_eq(s.p99, 0);
	cr_expect_eq(s.outliers, 0);
}

Test(stats, one__is_itself_everywhere)
{
	double v[] = { 7.5 };
	struct bench_stats s = bench_stats_of(v, 1);

	cr_expect_eq(s.min, 7.5);
	cr_expect_eq(s.max, 7.5);
	cr_expect_eq(s.avg, 7.5);
	cr_expect_eq(s.median, 7.5);
	cr_expect_eq(s.p95, 7.5);
	cr_expect_eq(s.p99, 7.5);
	cr_expect_eq(s.stddev, 0);
	cr_expect_eq(s.outliers, 0);
}

Test(stats, percentiles__are_by_nearest_rank)
{
	double v[100];

	for (int i = 0; i < 100; i++)
		v[i] = 100 - i; /* 100 to 1 */
	struct bench_stats s = bench_stats_of(v, 100);

	cr_expect_eq(s.min, 1);
	cr_expect_eq(s.max, 100);
	cr_expect_eq(s.median, 50);
	cr_expect_eq(s.p95, 95);
	cr_expect_eq(s.p99, 99);
	cr_expect_float_eq(s.avg, 50.5, 1e-12);
	cr_expect_eq(v[0], 100, "the values stay as they are");
}

Test(stats, median__of_few_is_a_value_that_was_measured)
{
	double even[] = { 4, 1, 3, 2 }, odd[] = { 9, 1, 5 };

	cr_expect_eq(bench_stats_of(even, COUNT(even)).median, 2);
	cr_expect_eq(bench_stats_of(odd, COUNT(odd)).median, 5);
	cr_expect_eq(bench_stats_of(odd, COUNT(odd)).p95, 9);
}

Test(stats, stddev__is_of_the_population)
{
	double v[] = { 2, 4, 4, 4, 5, 5, 7, 9 };

	cr_expect_float_eq(bench_stats_of(v, COUNT(v)).stddev, 2, 1e-12);
}

Test(stats, outliers__lie_far_from_the_median_on_either_side)
{
	double v[102];

	for (int i = 0; i < 102; i++)
		v[i] = 95 + i % 11;
	cr_expect_eq(bench_stats_of(v, 102).outliers, 0);
	cr_expect_float_eq(bench_stats_of(v, 102).mad, 3 * 1.4826, 1e-9);
	v[50] = 10000;
	cr_expect_eq(bench_stats_of(v, 102).outliers, 1);
	v[51] = -900;
	cr_expect_eq(bench_stats_of(v, 102).outliers, 2);
}
