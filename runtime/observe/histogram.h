/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/histogram.h - counts of values, in buckets that widen with the value.
 *
 * Linear within a power of two, logarithmic across them, 64 buckets each:
 *
 *     value    0 .. 63    64 .. 127    128 .. 255    256 .. 511   ...   2^63 .. 2^64-1
 *     width       1           1            2             4                   2^57
 *     index    0 .. 63    64 .. 127    128 .. 191    192 .. 255   ...   3712 .. 3775
 *
 * A bucket of width w holds values of 64 w and more, and its middle stands for them: off by w/2 at most, 1/128 of
 * the value. The whole of uint64_t has its place, so nothing saturates and nothing is checked.
 *
 * 30 KB, but the 64 buckets of a power of two are only made (set to zero) when the first value of theirs comes. Making a
 * histogram touches its first line, and one of latencies stays within two or three pages.
 *
 *   field       written by     read by
 *   made        the writer     anybody, before buckets
 *   the rest    the writer     anybody: each word by itself, relaxed; they only grow (but for reset and subtract)
 *
 * A reader that adds the buckets up sees some recent count of each, and the largest of all values that it counted.
 * Edges: Z1 release -> acquire: the zeros of a group, before the bit that says that it is made.
 *        Z2 release -> acquire: max, before the count that says that it came.
 *
 * Tests: tests/unit/observe/test_histogram.c, tests/model/test_meter.c.
 */
#ifndef WEFT_RUNTIME_OBSERVE_HISTOGRAM_H
#define WEFT_RUNTIME_OBSERVE_HISTOGRAM_H

#include <assert.h>
#include <stdint.h>

#include <weft/metrics.h>

#include "runtime/base/atomic.h"

#define WEFT__HISTOGRAM_BITS 6u /* of a value that are told apart, below its highest */
#define WEFT__HISTOGRAM_BUCKETS ((65u - WEFT__HISTOGRAM_BITS) << WEFT__HISTOGRAM_BITS)

struct weft_histogram {
	_Atomic(uint64_t) made; /* a bit for each 64 buckets; others hold anything */
	_Atomic(uint64_t) sum, max;
	_Atomic(uint64_t) buckets[WEFT__HISTOGRAM_BUCKETS];
};

static_assert(WEFT__HISTOGRAM_BUCKETS == 3776, "the picture above");
static_assert(WEFT__HISTOGRAM_BUCKETS >> WEFT__HISTOGRAM_BITS <= 64, "a bit for each group");

/* Empty, whatever was there. */
static inline void weft__histogram_init(struct weft_histogram *h)
{
	/* relaxed: not shared yet, or a reset, beside which readers get either */
	weft__store_relaxed(&h->made, 0u);
	weft__store_relaxed(&h->sum, 0u);
	weft__store_relaxed(&h->max, 0u);
}

/* The first value of that group came. */
void weft__histogram_make(struct weft_histogram *h, uint32_t group);

static inline uint32_t weft__histogram_index(uint64_t value)
{
	uint32_t highest = 63u - (uint32_t)__builtin_clzll(value | (UINT64_C(1) << WEFT__HISTOGRAM_BITS));
	uint32_t shift = highest - WEFT__HISTOGRAM_BITS;

	return (shift << WEFT__HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* Count value so many times. The writer. */
static inline void weft__histogram_add(struct weft_histogram *h, uint64_t value, uint64_t times)
{
	uint32_t index = weft__histogram_index(value), group = index >> WEFT__HISTOGRAM_BITS;

	if (__builtin_expect(!(weft__load_relaxed(&h->made) >> group & 1), 0)) /* relaxed: single writer */
		weft__histogram_make(h, group);
	if (__builtin_expect(value > weft__load_relaxed(&h->max), 0)) /* relaxed: single writer */
		weft__store_relaxed(&h->max, value);
	weft__count(&h->sum, value * times);
	weft__store_release(&h->buckets[index], weft__load_relaxed(&h->buckets[index]) + times); /* Z2 */
}

/* The smallest value of a bucket, and how many it holds. */
static inline uint64_t weft__histogram_lowest(uint32_t index)
{
	uint32_t shift = index >> WEFT__HISTOGRAM_BITS ? (index >> WEFT__HISTOGRAM_BITS) - 1 : 0;

	return (uint64_t)(index - (shift << WEFT__HISTOGRAM_BITS)) << shift;
}

static inline uint64_t weft__histogram_width(uint32_t index)
{
	return UINT64_C(1) << (index >> WEFT__HISTOGRAM_BITS ? (index >> WEFT__HISTOGRAM_BITS) - 1 : 0);
}

#endif
