/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/match.h - which items a filter lets through, 64 at a time.
 *
 * Attributes are columns (rows.h), so a filter on a room reads 8 bytes an item and compares eight of them an
 * instruction: 20,000 items take some 3 us, less than it takes to find a list of them. The answer is a bit an item.
 *
 * Only live items are asked about. One that is taken out meanwhile may pass, and still be looked at until the
 * place in the grace counters is left.
 * Threads: any, between enter and leave. Tests: tests/unit/store/test_match.c.
 */
#ifndef WEFT_STORE_VECTOR_MATCH_H
#define WEFT_STORE_VECTOR_MATCH_H

#include "simd/match.h"
#include "store/vector/rows.h"

#define WEFT__MATCH_ITEMS 64u

/* Of the items first .. first + 63, bit i: that first + i is live and passes. first: a multiple of 64 below the slab's count. */
uint64_t weft__match(const struct weft__items *items, const struct weft__match_kernels *kernels, const weft_index_filter *filter,
                     uint32_t first);

/* How many are live and pass: exact below limit, else at least limit. */
uint32_t weft__match_count(const struct weft__items *items, const struct weft__match_kernels *kernels,
                           const weft_index_filter *filter, uint32_t limit);

/* One item. NULL lets everything through. */
bool weft__match_one(const struct weft__items *items, const weft_index_filter *filter, uint32_t item);

#endif
