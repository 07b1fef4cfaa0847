/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: ranks, and distances from the median, beside values worked out by hand. */
#include <criterion/criterion.h>

#include "bench/stat/quantile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(quantile, none__is_zero)
{
	cr_expect_eq(bench_quantile(NULL, 0, 0.5), 0);
	cr_expect_eq(bench_mad(NULL, 0), 0);
	cr_expect_eq(bench_outliers_mad(NULL, 0, 3.5), 0);
}

Test(quantile, rank__is_the_nearest_and_a_value_that_is_there)
{
	double v[100];

	for (int i = 0; i < 100; i++)
		v[i] = i + 1;
	cr_expect_eq(bench_quantile(v, 100, 0), 1);
	cr_expect_eq(bench_quantile(v, 100, 0.5), 50);
	cr_expect_eq(bench_quantile(v, 100, 0.501), 51);
	cr_expect_eq(bench_quantile(v, 100, 0.95), 95);
	cr_expect_eq(bench_quantile(v, 100, 0.99), 99);
	cr_expect_eq(bench_quantile(v, 100, 0.999), 100);
	cr_expect_eq(bench_quantile(v, 100, 1), 100);
	/* p * n is a little over the integer in binary: 0.07 * 100 is 7.000000000000001 */
	cr_expect_eq(bench_quantile(v, 100, 0.07), 7);
	cr_expect_eq(bench_quantile(v, 100, 0.14), 14);
}

Test(quantile, sort__is_ascending)
{
	double v[] = { 3, -1, 2, 2, 0 };

	bench_sort(v, COUNT(v));
	for (size_t i = 1; i < COUNT(v); i++)
		cr_expect_leq(v[i - 1], v[i]);
	cr_expect_eq(bench_median(v, COUNT(v)), 2);
}

/* median 6; distances 5 4 2 2 0 0 2 3 86 -> sorted 0 0 2 2 [2] 3 4 5 86 */
Test(quantile, mad__is_the_median_distance)
{
	double v[] = { 1, 2, 4, 4, 6, 6, 8, 9, 92 };

	cr_expect_float_eq(bench_mad(v, COUNT(v)), 1.4826 * 2, 1e-12);
	cr_expect_eq(bench_outliers_mad(v, COUNT(v), 3.5), 1);
}

/* An even number: the lower of the middle two is the median, as everywhere here: distances 1 0 1 2 -> 0 [1] 1 2. */
Test(quantile, mad__of_an_even_number)
{
	double v[] = { 1, 2, 3, 4 };

	cr_expect_float_eq(bench_mad(v, COUNT(v)), 1.4826, 1e-12);
}

Test(quantile, outliers__lie_on_both_sides)
{
	double v[] = { -50, 9, 9, 10, 10, 11, 11, 70 };

	cr_expect_eq(bench_outliers_mad(v, COUNT(v), 3.5), 2);
	cr_expect_eq(bench_outliers_mad(v, COUNT(v), 1000), 0);
}

Test(quantile, outliers__where_most_are_equal_are_told_by_the_mean_distance)
{
	double equal[] = { 5, 5, 5, 5, 5, 5 }, one[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 105 };

	cr_expect_eq(bench_outliers_mad(equal, COUNT(equal), 3.5), 0);
	/* mean distance 10, the scale 12.533, the odd one 7.98 of them away */
	cr_expect_eq(bench_mad(one, COUNT(one)), 0);
	cr_expect_eq(bench_outliers_mad(one, COUNT(one), 3.5), 1);
	cr_expect_eq(bench_outliers_mad(one, COUNT(one), 8), 0);
}
