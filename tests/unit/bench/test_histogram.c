/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: buckets are narrow and the same everywhere, quantiles never say less than the truth, histograms add up. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "bench/histogram.h"

Test(histogram, bucket__holds_its_value_and_is_narrow)
{
	for (uint64_t v = 0; v < 256; v++)
		cr_expect_eq(bench_bucket_upper(v), v, "small values are exact");
	for (uint64_t v = 1, step = 1; v < UINT64_C(1) << 60; v += step, step = v / 5 + 1) {
		uint64_t upper = bench_bucket_upper(v);

		cr_expect_geq(upper, v);
		cr_expect_leq(upper - v, v / 128, "%llu", (unsigned long long)v);
		cr_expect_eq(bench_bucket_upper(upper), upper, "a bound is in its own bucket");
		cr_expect_neq(bench_bucket_upper(upper + 1), upper);
	}
	cr_expect_eq(bench_bucket_upper(UINT64_MAX), UINT64_MAX);
}

Test(histogram, quantile__is_by_nearest_rank)
{
	uint64_t v[100];
	struct bench_histogram h;

	for (uint32_t i = 0; i < 100; i++)
		v[i] = 100 - i;
	cr_assert_eq(bench_histogram_of(v, 100, &h), 0);
	cr_expect_eq(h.total, 100);
	cr_expect_eq(bench_histogram_quantile(&h, 0.5), 50);
	cr_expect_eq(bench_histogram_quantile(&h, 0.99), 99);
	cr_expect_eq(bench_histogram_quantile(&h, 0.999), 100);
	cr_expect_eq(bench_histogram_quantile(&h, 1), 100);
	bench_histogram_free(&h);
	cr_expect_eq(bench_histogram_quantile(&h, 0.5), 0, "nothing in it");
}

Test(histogram, maximum__is_exact)
{
	uint64_t v[] = { 1000001, 5 };
	struct bench_histogram h;

	cr_assert_eq(bench_histogram_of(v, 2, &h), 0);
	cr_expect_eq(bench_histogram_quantile(&h, 1), 1000001);
	cr_expect_eq(bench_histogram_quantile(&h, 0.99), 1000001, "no bound lies above it");
	bench_histogram_free(&h);
}

/* Two halves make the whole, whichever values meet in a bucket. */
Test(histogram, merge__is_the_histogram_of_all)
{
	enum { COUNT = 4000 };
	uint64_t all[COUNT], part[2][COUNT / 2], x = 88172645463325252u;
	struct bench_histogram whole, a, b;

	for (uint32_t i = 0; i < COUNT; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		all[i] = part[i % 2][i / 2] = x % 100000 + (i % 50 ? 0 : x % 90000000);
	}
	cr_assert_eq(bench_histogram_of(all, COUNT, &whole), 0);
	cr_assert_eq(bench_histogram_of(part[0], COUNT / 2, &a), 0);
	cr_assert_eq(bench_histogram_of(part[1], COUNT / 2, &b), 0);
	cr_assert_eq(bench_histogram_merge(&a, &b), 0);
	cr_assert_eq(a.bucket_count, whole.bucket_count);
	cr_expect_eq(a.total, COUNT);
	cr_expect_eq(a.max_ns, whole.max_ns);
	for (uint32_t i = 0; i < a.bucket_count; i++) {
		cr_expect_eq(a.buckets[i].upper_ns, whole.buckets[i].upper_ns);
		cr_expect_eq(a.buckets[i].count, whole.buckets[i].count);
	}
	bench_histogram_free(&whole);
	bench_histogram_free(&a);
	bench_histogram_free(&b);
}

Test(histogram, append__wants_rising_bounds)
{
	struct bench_histogram h = { 0 };

	cr_assert_eq(bench_histogram_append(&h, 10, 1), 0);
	cr_expect_eq(bench_histogram_append(&h, 10, 1), -EINVAL);
	cr_expect_eq(bench_histogram_append(&h, 9, 1), -EINVAL);
	cr_expect_eq(h.total, 1);
	bench_histogram_free(&h);
}
