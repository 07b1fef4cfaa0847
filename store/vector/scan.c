/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/scan.c - the exact way: every row that passes is looked at, by its codes, four at a time; the best of
 * them are scored again by all that is kept of them.
 *
 *     all rows, chunk after chunk    --\
 *                                       four rows --dot4_i8--> pool of the best `keep` --dot_fine--> hits
 *     items that match, 64 at a time --/
 *
 * Codes are a third of the memory, and beyond the second level cache memory is all that counts. A score by codes
 * is off by about 1e-3, so more rows are kept than are asked for. The pool takes whatever beats its floor, and when it is
 * full, throws away all but the best and raises the floor: sorting is rare, and the usual row costs one compare.
 */
#include "store/vector/vector.h"

#include <errno.h>

#include "store/vector/match.h"

#define SPARE_ROWS 24u /* kept beyond those asked for */
#define AHEAD 8u       /* rows whose codes are fetched before they are needed */
#define RESTS_AHEAD 3u
#define NO_FLOOR (-1e30f)

struct scan {
	weft_index *index;
	const struct weft__searcher *query;
	struct weft__hits *hits;
	struct weft__near *pool; /* the searcher's */
	uint32_t count, keep, cap;
	float floor;
	uint32_t rows[4], waiting; /* until there are four */
};

/* ---- the pool ------------------------------------------------------------------------ */

/* The best n to the front, in no order (Hoare's selection). n < count. */
static void select_best(struct weft__near *pool, uint32_t count, uint32_t n)
{
	uint32_t lo = 0, hi = count - 1;

	while (lo < hi) {
		float pivot = pool[lo + (hi - lo) / 2].score;
		uint32_t i = lo, j = hi;

		for (;;) {
			while (pool[i].score > pivot)
				i++;
			while (pool[j].score < pivot)
				j--;
			if (i >= j)
				break;
			struct weft__near t = pool[i];

			pool[i++] = pool[j];
			pool[j--] = t;
		}
		if (n <= j)
			hi = j;
		else
			lo = j + 1;
	}
}

static void cut(struct scan *s)
{
	float floor;

	if (s->count <= s->keep)
		return;
	select_best(s->pool, s->count, s->keep);
	s->count = s->keep;
	floor = s->pool[0].score;
	for (uint32_t i = 1; i < s->count; i++)
		floor = s->pool[i].score < floor ? s->pool[i].score : floor;
	s->floor = floor;
}

static void consider(struct scan *s, uint32_t row, float score)
{
	if (__builtin_expect(!(score > s->floor), 1))
		return;
	s->pool[s->count++] = (struct weft__near){ .score = score, .row = row };
	if (s->count == s->cap)
		cut(s);
}

/* ---- scoring, four at a time --------------------------------------------------------------- */

static void score_by_codes(struct scan *s)
{
	const struct weft__rows *rows = &s->index->rows;
	const uint8_t *codes[4];
	float largest[4];
	int32_t dots[4];

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t row = s->rows[i < s->waiting ? i : 0];
		char *chunk = weft__slab_chunk(&rows->slab, row);

		codes[i] = weft__row_codes(rows, chunk, row);
		largest[i] = *weft__row_largest(rows, chunk, row);
	}
	s->index->simd->dot4_i8(s->query->codes, codes, rows->code_bytes, dots);
	for (uint32_t i = 0; i < s->waiting; i++)
		consider(s, s->rows[i], weft__code_score(dots[i], s->query->coded, largest[i]));
	s->waiting = 0;
}

static void score_by_floats(struct scan *s)
{
	const struct weft__rows *rows = &s->index->rows;
	const float *vectors[4];
	float scores[4];

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t row = s->rows[i < s->waiting ? i : 0];

		vectors[i] = weft__row_vector(rows, weft__slab_chunk(&rows->slab, row), row);
	}
	s->index->simd->dot4_f32(s->query->query, vectors, rows->vector_floats, scores);
	for (uint32_t i = 0; i < s->waiting; i++)
		weft__hits_offer(s->index, s->hits, s->rows[i], scores[i]);
	s->waiting = 0;
}

static void score(struct scan *s)
{
	if (s->index->rows.code_bytes)
		score_by_codes(s);
	else
		score_by_floats(s);
}

static inline void look_at(struct scan *s, uint32_t row)
{
	s->rows[s->waiting++] = row;
	if (s->waiting == 4)
		score(s);
}

float weft__score(const weft_index *index, const struct weft__searcher *query, uint32_t row)
{
	const struct weft__rows *rows = &index->rows;
	char *chunk = weft__slab_chunk(&rows->slab, row);

	if (rows->vector_floats)
		return index->simd->dot_f32(query->query, weft__row_vector(rows, chunk, row), rows->vector_floats);
	if (rows->rest_words)
		return weft__fine_score(index->simd->dot_fine(query->query, weft__row_codes(rows, chunk, row),
		                                              weft__row_rests(rows, chunk, row), rows->rest_words),
		                        *weft__row_largest(rows, chunk, row));
	return weft__code_score(index->simd->dot_i8(query->codes, weft__row_codes(rows, chunk, row), rows->code_bytes),
	                        query->coded, *weft__row_largest(rows, chunk, row));
}

void weft__score_soon(const weft_index *index, uint32_t row)
{
	const struct weft__rows *rows = &index->rows;

	if (rows->rest_words)
		weft__prefetch(weft__row_rests(rows, weft__slab_chunk(&rows->slab, row), row), rows->rest_words * sizeof(int16_t));
}

/* ---- which rows ------------------------------------------------------------------------------ */

static void all_rows(struct scan *s)
{
	const struct weft__rows *rows = &s->index->rows;
	uint32_t count = weft__slab_count(&rows->slab);

	for (uint32_t first = 0; first < count; first += rows->slab.mask + 1) {
		_Atomic(uint32_t) *heads = weft__row_head(rows, weft__slab_chunk(&rows->slab, first), first);
		uint32_t n = count - first <= rows->slab.mask ? count - first : rows->slab.mask + 1;

		for (uint32_t i = 0; i < n; i++) {
			/* acquire, V1: the row was written before */
			if (weft__load_acquire(&heads[i]) != WEFT__NONE)
				look_at(s, first + i);
		}
	}
}

/*
 * The row of an item that passes, if it is for this item to name it: ids whose vectors are the same share a row, and
 * the first in its list that passes does. Otherwise, or when the item has left meanwhile: WEFT__NONE.
 */
static uint32_t named_by(const struct scan *s, uint32_t item)
{
	const struct weft__items *items = &s->index->items;
	/* acquire, V1, here and below */
	uint32_t row = weft__load_acquire(weft__item_row(items, item)), at;

	if (row == WEFT__NONE)
		return row;
	at = weft__load_acquire(weft__row_head(&s->index->rows, weft__slab_chunk(&s->index->rows.slab, row), row));
	while (at != WEFT__NONE && at != item && !weft__match_one(items, s->hits->filter, at))
		at = weft__load_acquire(weft__item_next(items, at));
	return at == item ? row : WEFT__NONE;
}

static void fetch(const struct scan *s, uint32_t row)
{
	const struct weft__rows *rows = &s->index->rows;
	char *chunk = weft__slab_chunk(&rows->slab, row);
	const char *at = (const char *)weft__row_codes(rows, chunk, row);

	for (uint32_t i = 0; i < rows->code_bytes; i += WEFT_CACHELINE)
		__builtin_prefetch(at + i);
	__builtin_prefetch(weft__row_largest(rows, chunk, row));
}

static void matching_rows(struct scan *s)
{
	const struct weft__items *items = &s->index->items;
	uint32_t count = weft__slab_count(&items->slab), ahead[AHEAD], in = 0, out = 0;

	for (uint32_t first = 0; first < count; first += WEFT__MATCH_ITEMS) {
		uint64_t bits = weft__match(items, s->index->match, s->hits->filter, first);

		for (; bits; bits &= bits - 1) {
			uint32_t row = named_by(s, first + (uint32_t)__builtin_ctzll(bits));

			if (row == WEFT__NONE)
				continue;
			fetch(s, row);
			if (in - out == AHEAD)
				look_at(s, ahead[out++ % AHEAD]);
			ahead[in++ % AHEAD] = row;
		}
	}
	while (out != in)
		look_at(s, ahead[out++ % AHEAD]);
}

/* ---- the search -------------------------------------------------------------------------------- */

static int pool_take(struct scan *s, struct weft__searcher *query)
{
	uint64_t live = weft__load_relaxed(&s->index->live_rows); /* relaxed: a hint */
	uint64_t k = s->hits->k < live + 1 ? s->hits->k : live + 1;

	s->keep = (uint32_t)(k + k / 2) + SPARE_ROWS;
	s->cap = 4 * s->keep;
	s->pool = weft__searcher_scanned(query, s->cap);
	return s->pool ? 0 : -ENOMEM;
}

/* As exactly as they are kept. */
static void offer_best(struct scan *s)
{
	cut(s);
	for (uint32_t i = 0; i < s->count; i++) {
		if (i + RESTS_AHEAD < s->count)
			weft__score_soon(s->index, s->pool[i + RESTS_AHEAD].row);
		weft__hits_offer(s->index, s->hits, s->pool[i].row, weft__score(s->index, s->query, s->pool[i].row));
	}
}

int weft__scan_search(weft_index *index, struct weft__searcher *query, struct weft__hits *hits)
{
	struct scan s = { .index = index, .query = query, .hits = hits, .floor = NO_FLOOR };

	if (index->rows.code_bytes) {
		int r = pool_take(&s, query);

		if (r < 0)
			return r;
	}
	if (hits->filter && hits->filter->fields)
		matching_rows(&s);
	else
		all_rows(&s);
	if (s.waiting)
		score(&s);
	if (index->rows.code_bytes)
		offer_best(&s);
	return 0;
}
