/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/histogram.c - the public side: make, merge, read; see histogram.h. */
#include "runtime/observe/histogram.h"

#include <errno.h>
#include <stdbool.h>

#include <weft/alloc.h>
#include <weft/error.h>

#include "runtime/base/assert.h"

#define GROUP (1u << WEFT__HISTOGRAM_BITS)

void weft__histogram_make(struct weft_histogram *h, uint32_t group)
{
	/* relaxed: nobody looks before Z1 */
	for (uint32_t i = group * GROUP; i < (group + 1) * GROUP; i++)
		weft__store_relaxed(&h->buckets[i], 0u);
	weft__store_release(&h->made, weft__load_relaxed(&h->made) | UINT64_C(1) << group); /* Z1 */
}

/* All buckets that are made, in order: for_each_bucket(h, left, i). */
#define for_each_bucket(h, left, i)                                                                               \
	for (uint64_t left = weft__load_acquire(&(h)->made); left; left &= left - 1) /* Z1 */              \
		for (uint32_t i = (uint32_t)__builtin_ctzll(left) * GROUP, end_ = i + GROUP; i < end_; i++)

static bool is_made(const struct weft_histogram *h, uint32_t index)
{
	return weft__load_acquire(&h->made) >> (index >> WEFT__HISTOGRAM_BITS) & 1; /* Z1 */
}

int weft_histogram_create(weft_histogram **ret_histogram)
{
	struct weft_histogram *h;

	WEFT_RETURN_IF(!ret_histogram, -EINVAL);
	h = weft_malloc(sizeof(*h));
	if (!h)
		return -ENOMEM;
	weft__histogram_init(h);
	*ret_histogram = h;
	return 0;
}

void weft_histogram_destroy(weft_histogram *h)
{
	weft_free(h);
}

void weft_histogram_record(weft_histogram *h, uint64_t value)
{
	weft__histogram_add(h, value, 1);
}

void weft_histogram_reset(weft_histogram *h)
{
	weft__histogram_init(h);
}

/* relaxed, here and below: single writer; readers take each word by itself, but for Z2 */
void weft_histogram_merge(weft_histogram *into, const weft_histogram *from)
{
	uint64_t max;

	for_each_bucket(from, left, i) {
		if (!is_made(into, i))
			weft__histogram_make(into, i >> WEFT__HISTOGRAM_BITS);
		weft__count(&into->buckets[i], weft__load_acquire(&from->buckets[i])); /* Z2 */
	}
	weft__count(&into->sum, weft__load_relaxed(&from->sum));
	max = weft__load_relaxed(&from->max);
	if (max > weft__load_relaxed(&into->max))
		weft__store_relaxed(&into->max, max);
}

void weft_histogram_subtract(weft_histogram *from, const weft_histogram *older)
{
	uint64_t max = weft__load_relaxed(&from->max), highest = 0;

	for_each_bucket(from, left, i) {
		uint64_t n = weft__load_relaxed(&from->buckets[i]);
		uint64_t old = is_made(older, i) ? weft__load_relaxed(&older->buckets[i]) : 0;

		n = n > old ? n - old : 0;
		weft__store_relaxed(&from->buckets[i], n);
		if (n)
			highest = weft__histogram_lowest(i) + (weft__histogram_width(i) - 1);
	}
	weft__count(&from->sum, -weft__load_relaxed(&older->sum));
	weft__store_relaxed(&from->max, highest < max ? highest : max);
}

uint64_t weft_histogram_count(const weft_histogram *h)
{
	uint64_t n = 0;

	for_each_bucket(h, left, i)
		n += weft__load_acquire(&h->buckets[i]); /* Z2 */
	return n;
}

uint64_t weft_histogram_max(const weft_histogram *h)
{
	return weft__load_relaxed(&h->max);
}

double weft_histogram_mean(const weft_histogram *h)
{
	uint64_t n = weft_histogram_count(h);

	return n ? (double)weft__load_relaxed(&h->sum) / (double)n : 0;
}

/* Which value, by size from 1 .. count, is the one of share q? */
static uint64_t rank_of(double q, uint64_t count)
{
	double exact = q * (double)count;
	uint64_t rank;

	if (!(q > 0)) /* and what is not a number */
		return 1;
	if (q >= 1)
		return count;
	rank = (uint64_t)exact;
	if ((double)rank < exact)
		rank++;
	return rank < 1 ? 1 : rank > count ? count : rank;
}

uint64_t weft_histogram_quantile(const weft_histogram *h, double q)
{
	uint64_t count = weft_histogram_count(h), max = weft_histogram_max(h), below = 0;
	uint64_t rank = rank_of(q, count);

	if (!count)
		return 0;
	if (rank == count)
		return max;
	for_each_bucket(h, left, i) {
		below += weft__load_relaxed(&h->buckets[i]); /* what came since the count only makes more */
		if (below >= rank) {
			uint64_t middle = weft__histogram_lowest(i) + weft__histogram_width(i) / 2;

			return middle < max ? middle : max;
		}
	}
	return max;
}
