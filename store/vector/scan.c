/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/scan.c - the exact way: every row is looked at. */
#include "store/vector/vector.h"

float weft__score(const weft_index *index, const struct weft__searcher *query, uint32_t row)
{
	const struct weft__rows *rows = &index->rows;
	char *chunk = weft__slab_chunk(&rows->slab, row);

	if (rows->vector_floats)
		return index->simd->dot_f32(query->query, weft__row_vector(rows, chunk, row), rows->vector_floats);
	return weft__i8_score(index->simd->dot_i8(query->codes, weft__row_codes(rows, chunk, row), rows->code_bytes),
	                      query->coded, *weft__row_scale(rows, chunk, row));
}

void weft__scan_search(weft_index *index, const struct weft__searcher *query, struct weft__hits *hits)
{
	const struct weft__rows *rows = &index->rows;
	uint32_t count = weft__slab_count(&rows->slab);

	for (uint32_t row = 0; row < count; row++) {
		/* acquire, V1: the row was written before */
		if (weft__load_acquire(weft__row_head(rows, weft__slab_chunk(&rows->slab, row), row)) != WEFT__NONE)
			weft__hits_offer(index, hits, row, weft__score(index, query, row));
	}
}
