/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/search.c - the nearest memories by an exact scan of a room's matrix.
 *
 * Rows and query have length 1, so the dot product is the cosine. Four rows at a
 * time; the best k are kept sorted in the caller's array, since k is small.
 */
#include "simd/simd.h"
#include "store/store.h"

static void offer(weft_search_hit *best, uint32_t *count, uint32_t k, weft_uuid id, float score)
{
	uint32_t at;

	if (*count == k && score <= best[k - 1].score)
		return;
	at = *count < k ? (*count)++ : k - 1;
	for (; at && best[at - 1].score < score; at--)
		best[at] = best[at - 1];
	best[at] = (weft_search_hit){ .id = id, .score = score };
}

uint32_t weft__history_search(const struct weft__history *h, const float *query, uint32_t dims, uint32_t k,
                              weft_search_hit *ret_hits)
{
	const struct weft__simd *simd = weft__simd();
	uint32_t count = 0, row = 0;

	for (; row + 4 <= h->rows; row += 4) { /* a block holds a multiple of four */
		const float *base = h->blocks[row / WEFT__ROWS_A_BLOCK] + (size_t)(row % WEFT__ROWS_A_BLOCK) * dims;
		const float *rows[4] = { base, base + dims, base + 2 * (size_t)dims, base + 3 * (size_t)dims };
		float score[4];

		simd->dot4_f32(query, rows, dims, score);
		for (uint32_t i = 0; i < 4; i++)
			offer(ret_hits, &count, k, h->row_owner[row + i]->m.id, score[i]);
	}
	for (; row < h->rows; row++) {
		const float *v = h->blocks[row / WEFT__ROWS_A_BLOCK] + (size_t)(row % WEFT__ROWS_A_BLOCK) * dims;

		offer(ret_hits, &count, k, h->row_owner[row]->m.id, simd->dot_f32(query, v, dims));
	}
	return count;
}
