/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/history.c - a room's memories of one type, oldest to newest.
 *
 * An array of records that only grows at its end, so the newest k are its last k,
 * whatever the length. A deleted one leaves a gap; when half of the array is gaps it
 * is closed up, so walking over gaps costs O(1) a memory over time. Embeddings are
 * rows of a matrix in blocks of 32, so adding one moves none, and a deleted row is filled
 * with the last one.
 */
#include "store/store.h"

#include <errno.h>
#include <string.h>

static int grow(struct weft__history *h)
{
	uint32_t cap = h->cap ? h->cap * 2 : 8;
	struct weft__record **more = weft_realloc(h->records, cap * sizeof(*more));

	if (!more)
		return -ENOMEM;
	h->records = more;
	h->cap = cap;
	return 0;
}

int weft__history_append(struct weft__history *h, struct weft__record *record)
{
	if (h->count == h->cap) {
		int r = grow(h);

		if (r < 0)
			return r;
	}
	record->at = h->count;
	h->records[h->count++] = record;
	h->live++;
	return 0;
}

static void close_up(struct weft__history *h)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < h->count; i++) {
		if (!h->records[i])
			continue;
		h->records[to] = h->records[i];
		h->records[to]->at = to;
		to++;
	}
	h->count = to;
}

/* ---- the matrix -------------------------------------------------------------------- */

static float *row_at(const struct weft__history *h, uint32_t row, uint32_t dims)
{
	return h->blocks[row / WEFT__ROWS_A_BLOCK] + (size_t)(row % WEFT__ROWS_A_BLOCK) * dims;
}

static int block_add(struct weft__history *h, uint32_t dims)
{
	uint32_t blocks = h->row_cap / WEFT__ROWS_A_BLOCK;
	size_t bytes = ((size_t)WEFT__ROWS_A_BLOCK * dims * sizeof(float) + 63) & ~(size_t)63;
	float **more = weft_realloc(h->blocks, (blocks + 1) * sizeof(*more));
	struct weft__record **owners;

	if (!more)
		return -ENOMEM;
	h->blocks = more;
	owners = weft_realloc(h->row_owner, (h->row_cap + WEFT__ROWS_A_BLOCK) * sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	h->row_owner = owners;
	h->blocks[blocks] = weft_aligned_alloc(64, bytes);
	if (!h->blocks[blocks])
		return -ENOMEM;
	h->row_cap += WEFT__ROWS_A_BLOCK;
	return 0;
}

int weft__history_embed(struct weft__history *h, struct weft__record *record, const float *v, uint32_t dims)
{
	if (!record->row) {
		if (h->rows == h->row_cap) {
			int r = block_add(h, dims);

			if (r < 0)
				return r;
		}
		h->row_owner[h->rows] = record;
		record->row = ++h->rows;
	}
	memcpy(row_at(h, record->row - 1, dims), v, dims * sizeof(*v));
	record->m.embedding = row_at(h, record->row - 1, dims);
	record->m.embedding_dims = dims;
	return 0;
}

/* The last row moves into the gap. */
static void row_remove(struct weft__history *h, struct weft__record *record, uint32_t dims)
{
	uint32_t row = record->row - 1, last = h->rows - 1;

	if (row != last) {
		struct weft__record *moved = h->row_owner[last];

		memcpy(row_at(h, row, dims), row_at(h, last, dims), dims * sizeof(float));
		h->row_owner[row] = moved;
		moved->row = row + 1;
		moved->m.embedding = row_at(h, row, dims);
	}
	h->rows--;
	record->row = 0;
}

void weft__history_remove(struct weft__history *h, struct weft__record *record, uint32_t dims)
{
	if (record->row)
		row_remove(h, record, dims);
	h->records[record->at] = NULL;
	h->live--;
	if (h->count > 32 && h->live < h->count / 2)
		close_up(h);
}

void weft__history_fini(struct weft__history *h)
{
	for (uint32_t i = 0; i < h->row_cap / WEFT__ROWS_A_BLOCK; i++)
		weft_free(h->blocks[i]);
	weft_free(h->blocks);
	weft_free(h->row_owner);
	weft_free(h->records);
}

uint32_t weft__history_recent(const struct weft__history *h, uint32_t skip, uint32_t k, weft_memory_visitor fn,
                              void *user)
{
	uint32_t seen = 0;

	for (uint32_t i = h->count; i-- > 0 && seen < k;) {
		const struct weft__record *r = h->records[i];

		if (!r)
			continue;
		if (skip) {
			skip--;
			continue;
		}
		seen++;
		if (!fn(&r->m, user))
			break;
	}
	return seen;
}
