/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The histogram: the picture of its buckets over the whole of uint64_t, the error of what it says against the exact
 * values, merging and subtracting, and a reader beside the writer (which the thread sanitizer watches).
 */
#include "runtime/observe/histogram.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/seed.h"

#define VALUES 20000u

static weft_histogram *made(void)
{
	weft_histogram *h = NULL;

	cr_assert_eq(weft_histogram_create(&h), 0);
	return h;
}

/* Values of every size: a random number of random bits. */
static uint64_t value_of_any_size(uint64_t *rnd)
{
	return test_random(rnd) >> test_below(rnd, 64);
}

Test(histogram, index__buckets_lie_side_by_side_over_all_values)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < WEFT__HISTOGRAM_BUCKETS; i++) {
		uint64_t lowest = weft__histogram_lowest(i), width = weft__histogram_width(i);

		cr_assert_eq(lowest, next, "bucket %u", i);
		cr_assert_eq(weft__histogram_index(lowest), i);
		cr_assert_eq(weft__histogram_index(lowest + (width - 1)), i);
		if (width > 1)
			cr_assert(lowest / width >= 64, "bucket %u is too wide", i);
		next = lowest + width;
	}
	cr_assert_eq(next, 0, "the last one ends at 2^64");
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

Test(histogram, quantile__is_within_one_percent_of_the_exact_one)
{
	static const double shares[] = { 0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t values[VALUES];
	uint64_t rnd = test_seed("histogram");
	weft_histogram *h = made();

	for (uint32_t i = 0; i < VALUES; i++) {
		values[i] = value_of_any_size(&rnd);
		weft_histogram_record(h, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), by_size);
	cr_assert_eq(weft_histogram_count(h), VALUES);
	cr_assert_eq(weft_histogram_max(h), values[VALUES - 1]);
	for (uint32_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint32_t rank = (uint32_t)ceil(shares[i] * VALUES);
		double exact = (double)values[rank ? rank - 1 : 0], told = (double)weft_histogram_quantile(h, shares[i]);

		cr_assert(fabs(told - exact) <= exact / 128, "share %g: %g, not %g", shares[i], told, exact);
	}
	weft_histogram_destroy(h);
}

Test(histogram, small_values__are_exact)
{
	weft_histogram *h = made();

	for (uint64_t v = 0; v < 128; v++) {
		weft_histogram_reset(h);
		weft_histogram_record(h, v);
		weft_histogram_record(h, UINT64_MAX); /* so that it is not the maximum that is told */
		cr_assert_eq(weft_histogram_quantile(h, 0.5), v);
	}
	weft_histogram_destroy(h);
}

Test(histogram, empty__says_zero)
{
	weft_histogram *h = made();

	cr_assert_eq(weft_histogram_count(h), 0);
	cr_assert_eq(weft_histogram_max(h), 0);
	cr_assert_eq(weft_histogram_quantile(h, 0.5), 0);
	cr_assert_eq(weft_histogram_quantile(h, 1), 0);
	cr_assert(weft_histogram_mean(h) == 0);
	weft_histogram_destroy(h);
}

Test(histogram, quantile__takes_any_share)
{
	weft_histogram *h = made();

	weft_histogram_record(h, 10);
	weft_histogram_record(h, 20);
	cr_assert_eq(weft_histogram_quantile(h, -1), 10);
	cr_assert_eq(weft_histogram_quantile(h, (double)NAN), 10);
	cr_assert_eq(weft_histogram_quantile(h, 7), 20);
	cr_assert(weft_histogram_mean(h) == 15);
	weft_histogram_destroy(h);
}

Test(histogram, merge__then_subtract_leaves_what_came_between)
{
	uint64_t rnd = test_seed("histogram merge");
	weft_histogram *all = made(), *old = made(), *later = made();

	for (uint32_t i = 0; i < VALUES; i++) {
		uint64_t v = value_of_any_size(&rnd) >> 20;

		weft_histogram_record(i % 3 ? old : later, v);
	}
	weft_histogram_merge(all, old);
	weft_histogram_merge(all, later);
	cr_assert_eq(weft_histogram_count(all), VALUES);
	weft_histogram_subtract(all, old);
	cr_assert_eq(weft_histogram_count(all), weft_histogram_count(later));
	cr_assert(weft_histogram_mean(all) == weft_histogram_mean(later));
	for (double q = 0; q < 1; q += 0.01)
		cr_assert_eq(weft_histogram_quantile(all, q), weft_histogram_quantile(later, q));
	cr_assert(weft_histogram_max(all) >= weft_histogram_max(later));
	cr_assert(weft_histogram_max(all) - weft_histogram_max(later) <= weft_histogram_max(later) / 64);
	weft_histogram_destroy(all);
	weft_histogram_destroy(old);
	weft_histogram_destroy(later);
}

Test(histogram, add__counts_a_value_many_times)
{
	weft_histogram *h = made();

	weft__histogram_add(h, 1000, 7);
	weft__histogram_add(h, 10, 1);
	cr_assert_eq(weft_histogram_count(h), 8);
	cr_assert(weft_histogram_mean(h) == 7010.0 / 8);
	weft_histogram_destroy(h);
}

Test(histogram, init__makes_it_empty_whatever_was_there)
{
	static weft_histogram h, other;

	memset((void *)&h, 0xa5, sizeof(h));
	memset((void *)&other, 0x5a, sizeof(other));
	weft__histogram_init(&h);
	weft__histogram_init(&other);
	weft_histogram_record(&h, 1000);
	weft_histogram_record(&other, 5);
	weft_histogram_merge(&h, &other);
	cr_assert_eq(weft_histogram_count(&h), 2);
	cr_assert_eq(weft_histogram_quantile(&h, 0), 5);
	weft_histogram_reset(&h);
	cr_assert_eq(weft_histogram_count(&h), 0);
	weft_histogram_record(&h, 1001);
	weft_histogram_subtract(&h, &other);
	cr_assert_eq(weft_histogram_count(&h), 1, "what it never had cannot be taken away");
}

/* ---- a reader beside the writer --------------------------------------------------------- */

static void *write_all(void *arg)
{
	for (uint64_t i = 0; i < 200000; i++)
		weft_histogram_record(arg, i);
	return NULL;
}

Test(histogram, reader__beside_the_writer_sees_counts_that_only_grow)
{
	weft_histogram *h = made();
	uint64_t before = 0, count;
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, write_all, h), 0);
	do {
		weft_histogram *copy = made();

		weft_histogram_merge(copy, h);
		count = weft_histogram_count(copy);
		cr_assert(count >= before);
		cr_assert(weft_histogram_quantile(h, 0.5) <= 100000 + 100000 / 128);
		before = count;
		weft_histogram_destroy(copy);
	} while (count < 200000);
	pthread_join(writer, NULL);
	cr_assert_eq(weft_histogram_max(h), 199999);
	weft_histogram_destroy(h);
}
