/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/mem/region.h - pieces of one size that are only given back all together.
 *
 * For actor cells and messages, whose own free lists reuse them. A small region takes a
 * piece at a time. One over REGION_SMALL_BYTES takes 2 MiB at once, aligned, and asks for
 * a huge page: a million actors then cost hundreds of page faults instead of tens of
 * thousands, and most of what a page fault costs is not the zeroing.
 *
 *     chunks -> | link | piece | -> | link | piece | -> | link | piece | piece | ... 2 MiB |
 *
 * Threads: one at a time. Tests: tests/unit/mem/test_region.c.
 */
#ifndef WEFT_RUNTIME_MEM_REGION_H
#define WEFT_RUNTIME_MEM_REGION_H

#include <stddef.h>

#define WEFT__REGION_CHUNK_BYTES ((size_t)2 << 20)
#define WEFT__REGION_LINK_BYTES ((size_t)64)
#define WEFT__REGION_SMALL_BYTES ((size_t)1 << 20)

struct weft__region {
	void *chunks;       /* owned; each begins with a link to the next */
	char *at;           /* the next piece of the newest chunk */
	size_t pieces_left; /* in it */
	size_t bytes;       /* of all chunks */
};

/*
 * A piece, 64-byte aligned, not zeroed; NULL when out of memory. Zeroed is an empty region.
 * piece_bytes: the same each time, a multiple of 64, at most half a chunk.
 */
void *weft__region_take(struct weft__region *r, size_t piece_bytes);
void weft__region_fini(struct weft__region *r);

#endif
