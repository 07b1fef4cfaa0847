/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SHARP_BITS 7 /* of a value, below its highest one */

uint64_t bench_bucket_upper(uint64_t ns)
{
	int high = ns ? 63 - __builtin_clzll(ns) : 0;
	int dull = high > SHARP_BITS ? high - SHARP_BITS : 0;

	return ns | ((UINT64_C(1) << dull) - 1);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int bench_histogram_append(struct bench_histogram *h, uint64_t upper_ns, uint64_t count)
{
	struct bench_bucket *last = h->bucket_count ? &h->buckets[h->bucket_count - 1] : NULL;
	struct bench_bucket *more;

	if (last && upper_ns <= last->upper_ns)
		return -EINVAL;
	if (!(h->bucket_count & (h->bucket_count - 1))) { /* a power of two: it is full */
		more = realloc(h->buckets, (h->bucket_count ? 2 * (size_t)h->bucket_count : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		h->buckets = more;
	}
	h->buckets[h->bucket_count++] = (struct bench_bucket){ upper_ns, count };
	h->total += count;
	if (upper_ns > h->max_ns)
		h->max_ns = upper_ns;
	return 0;
}

int bench_histogram_of(uint64_t *values_ns, uint32_t count, struct bench_histogram *ret)
{
	struct bench_histogram h = { 0 };
	int r = 0;

	qsort(values_ns, count, sizeof(*values_ns), by_value);
	for (uint32_t i = 0, end; r == 0 && i < count; i = end) {
		uint64_t upper = bench_bucket_upper(values_ns[i]);

		for (end = i + 1; end < count && values_ns[end] <= upper;)
			end++;
		r = bench_histogram_append(&h, upper, end - i);
	}
	h.max_ns = count ? values_ns[count - 1] : 0;
	if (r < 0)
		bench_histogram_free(&h);
	else
		*ret = h;
	return r;
}

int bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from)
{
	struct bench_histogram sum = { 0 };
	uint32_t a = 0, b = 0;
	int r = 0;

	while (r == 0 && (a < into->bucket_count || b < from->bucket_count)) {
		uint64_t x = a < into->bucket_count ? into->buckets[a].upper_ns : UINT64_MAX;
		uint64_t y = b < from->bucket_count ? from->buckets[b].upper_ns : UINT64_MAX;
		uint64_t count = (x <= y ? into->buckets[a].count : 0) + (y <= x ? from->buckets[b].count : 0);

		r = bench_histogram_append(&sum, x < y ? x : y, count);
		a += x <= y;
		b += y <= x;
	}
	if (r < 0) {
		bench_histogram_free(&sum);
		return r;
	}
	sum.max_ns = into->max_ns > from->max_ns ? into->max_ns : from->max_ns;
	bench_histogram_free(into);
	*into = sum;
	return 0;
}

uint64_t bench_histogram_quantile(const struct bench_histogram *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->total), seen = 0;

	for (uint32_t i = 0; q < 1 && i < h->bucket_count; i++) {
		seen += h->buckets[i].count;
		if (seen >= rank)
			return h->buckets[i].upper_ns < h->max_ns ? h->buckets[i].upper_ns : h->max_ns;
	}
	return h->max_ns;
}

void bench_histogram_free(struct bench_histogram *h)
{
	free(h->buckets);
	*h = (struct bench_histogram){ 0 };
}
