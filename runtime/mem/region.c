/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/mem/region.c - see region.h. */
#include "runtime/mem/region.h"

#include <stdbool.h>
#include <sys/mman.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

static bool grow(struct weft__region *r, size_t piece_bytes)
{
	bool large = r->bytes >= WEFT__REGION_SMALL_BYTES;
	size_t bytes = large ? WEFT__REGION_CHUNK_BYTES : WEFT__REGION_LINK_BYTES + piece_bytes;
	char *chunk = weft_aligned_alloc(large ? bytes : WEFT__REGION_LINK_BYTES, bytes);

	if (!chunk)
		return false;
	if (large)
		(void)madvise(chunk, bytes, MADV_HUGEPAGE); /* where it is not to be had, small pages do */
	*(void **)chunk = r->chunks;
	r->chunks = chunk;
	r->at = chunk + WEFT__REGION_LINK_BYTES;
	r->pieces_left = (bytes - WEFT__REGION_LINK_BYTES) / piece_bytes;
	r->bytes += bytes;
	return true;
}

void *weft__region_take(struct weft__region *r, size_t piece_bytes)
{
	void *piece;

	WEFT_ASSERT(piece_bytes && piece_bytes % WEFT__REGION_LINK_BYTES == 0);
	WEFT_ASSERT(piece_bytes <= WEFT__REGION_CHUNK_BYTES / 2);
	if (!r->pieces_left && !grow(r, piece_bytes))
		return NULL;
	piece = r->at;
	r->at += piece_bytes;
	r->pieces_left--;
	return piece;
}

void weft__region_fini(struct weft__region *r)
{
	while (r->chunks) {
		void *next = *(void **)r->chunks;

		weft_free(r->chunks);
		r->chunks = next;
	}
	*r = (struct weft__region){ 0 };
}
