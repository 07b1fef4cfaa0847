/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/rows.c - see rows.h. */
#include "store/vector/rows.h"

#include <string.h>

#include "simd/simd.h"

#define CODES_ALIGN 64u  /* bytes: the kernels then have no rest */
#define VECTOR_ALIGN 16u /* floats */

static size_t place(size_t *at, size_t bytes)
{
	size_t here = *at;

	*at += (bytes + WEFT_CACHELINE - 1) & ~(size_t)(WEFT_CACHELINE - 1);
	return here;
}

/* What is read before it is written: no items, no state, no links. */
static void clear_rows(const struct weft__slab *slab, char *chunk)
{
	const struct weft__rows *r = (const struct weft__rows *)(const void *)slab;
	size_t n = (size_t)slab->mask + 1;

	memset(chunk + r->at_heads, 0xff, n * sizeof(uint32_t));
	memset(chunk + r->at_states, 0, n * sizeof(uint32_t));
}

static uint32_t padded(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

void weft__rows_init(struct weft__rows *rows, const weft_index_options *opt, uint32_t shift, struct weft__grace *grace)
{
	size_t n = (size_t)1 << shift, at = 0, words = n * sizeof(uint32_t);

	rows->dims = opt->dims;
	rows->vector_floats = opt->codes == WEFT_INDEX_CODES_NONE ? padded(opt->dims, VECTOR_ALIGN) : 0;
	rows->code_bytes = opt->codes == WEFT_INDEX_CODES_NONE ? 0 : padded(opt->dims, CODES_ALIGN);
	rows->rest_words = opt->codes == WEFT_INDEX_CODES_I8 ? rows->code_bytes : 0;
	rows->link_words = opt->kind == WEFT_INDEX_SCAN ? 0 : 2 * opt->m;
	place(&at, n * rows->code_bytes);
	rows->at_links = place(&at, rows->link_words * words);
	rows->at_scales = place(&at, words);
	rows->at_heads = place(&at, words);
	rows->at_states = place(&at, words);
	rows->at_hashes = place(&at, words);
	rows->at_uppers = place(&at, words);
	rows->slab.at_chain = place(&at, words);
	rows->at_vectors = place(&at, rows->vector_floats * words);
	rows->at_rests = place(&at, n * rows->rest_words * sizeof(int16_t));
	rows->slab.chunk_bytes = at;
	rows->slab.clear = clear_rows;
	weft__slab_init(&rows->slab, shift, grace);
}

static void clear_items(const struct weft__slab *slab, char *chunk)
{
	const struct weft__items *t = (const struct weft__items *)(const void *)slab;

	memset(chunk, 0, slab->chunk_bytes); /* it is small, and may be saved */
	memset(chunk + t->at_rows, 0xff, ((size_t)slab->mask + 1) * sizeof(uint32_t)); /* taken out */
}

void weft__items_init(struct weft__items *items, uint32_t shift, struct weft__grace *grace)
{
	size_t n = (size_t)1 << shift, at = 0;

	place(&at, n * sizeof(uint64_t));
	items->at_rows = place(&at, n * sizeof(uint32_t));
	items->at_nexts = place(&at, n * sizeof(uint32_t));
	items->slab.at_chain = place(&at, n * sizeof(uint32_t));
	items->at_live = place(&at, n / 8);
	items->at_rooms = place(&at, n * sizeof(uint64_t));
	items->at_entities = place(&at, n * sizeof(uint64_t));
	items->at_times = place(&at, n * sizeof(int64_t));
	items->at_kinds = place(&at, n * sizeof(uint64_t));
	items->at_tags = place(&at, n * sizeof(uint64_t));
	items->slab.chunk_bytes = at;
	items->slab.clear = clear_items;
	weft__slab_init(&items->slab, shift, grace);
}

float weft__row_code(const struct weft__rows *rows, const float *v, uint8_t *ret_codes, int16_t *ret_rests)
{
	memset(ret_codes + rows->dims, 128, rows->code_bytes - rows->dims);
	if (rows->rest_words)
		memset(ret_rests + rows->dims, 0, (rows->rest_words - rows->dims) * sizeof(*ret_rests));
	return weft__quantise_fine(v, rows->dims, ret_codes, rows->rest_words ? ret_rests : NULL);
}

void weft__row_copy(const struct weft__rows *rows, uint32_t row, float *ret)
{
	char *chunk = weft__slab_chunk(&rows->slab, row);

	if (rows->vector_floats)
		memcpy(ret, weft__row_vector(rows, chunk, row), rows->dims * sizeof(float));
	else
		weft__fine_to_f32(weft__row_codes(rows, chunk, row), rows->rest_words ? weft__row_rests(rows, chunk, row) : NULL,
		                  *weft__row_largest(rows, chunk, row), rows->dims, ret);
}

/* ---- attributes -------------------------------------------------------------------------------- */

void weft__item_put_attrs(const struct weft__items *items, uint32_t item, const weft_index_attrs *attrs)
{
	weft_index_attrs a = attrs ? *attrs : (weft_index_attrs){ 0 };

	*weft__item_room(items, item) = a.room;
	*weft__item_entity(items, item) = a.entity;
	*weft__item_time(items, item) = a.time_ms;
	*weft__item_kind(items, item) = (uint64_t)a.type << 32 | (a.type < 32 ? UINT64_C(1) << a.type : 0);
	*weft__item_tags(items, item) = a.tags;
}

weft_index_attrs weft__item_get_attrs(const struct weft__items *items, uint32_t item)
{
	return (weft_index_attrs){ .room = *weft__item_room(items, item),
		                   .entity = *weft__item_entity(items, item),
		                   .time_ms = *weft__item_time(items, item),
		                   .type = (uint32_t)(*weft__item_kind(items, item) >> 32),
		                   .tags = *weft__item_tags(items, item) };
}

/* V2: publishes the item's columns to those who scan. */
static void set_live(const struct weft__items *items, uint32_t item)
{
	weft__fetch_or_acq_rel(weft__item_live(items, item), UINT64_C(1) << (item & 63));
}

static void clear_live(const struct weft__items *items, uint32_t item)
{
	weft__fetch_and_acq_rel(weft__item_live(items, item), ~(UINT64_C(1) << (item & 63)));
}

/* ---- the items of a row -------------------------------------------------------------------- */

static _Atomic(uint32_t) *head_of(const struct weft__rows *rows, uint32_t row)
{
	return weft__row_head(rows, weft__slab_chunk(&rows->slab, row), row);
}

bool weft__row_attach(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item)
{
	_Atomic(uint32_t) *head = head_of(rows, row);
	/* relaxed: written under our lock */
	uint32_t first = weft__load_relaxed(head);

	/* relaxed: published by the head below */
	weft__store_relaxed(weft__item_row(items, item), row);
	weft__store_relaxed(weft__item_next(items, item), first);
	*weft__item_prev(items, item) = WEFT__NONE;
	if (first != WEFT__NONE)
		*weft__item_prev(items, first) = item;
	/* V1 release -> acquire in searches. Publishes: the item, and the row when it is new */
	weft__store_release(head, item);
	set_live(items, item);
	return first == WEFT__NONE;
}

/* What leads to item in the list of its row now leads to next. */
static void lead_to(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item,
                    uint32_t next)
{
	uint32_t prev = *weft__item_prev(items, item);

	if (next != WEFT__NONE)
		*weft__item_prev(items, next) = prev;
	/* V1 */
	weft__store_release(prev == WEFT__NONE ? head_of(rows, row) : weft__item_next(items, prev), next);
	/* release: who reads NONE sees nothing that was written later. The item's own next stays: readers may be on it */
	weft__store_release(weft__item_row(items, item), WEFT__NONE);
	clear_live(items, item);
}

bool weft__row_detach(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item)
{
	lead_to(rows, items, row, item, weft__load_relaxed(weft__item_next(items, item))); /* relaxed: our lock */
	return weft__load_relaxed(head_of(rows, row)) == WEFT__NONE;
}

void weft__row_replace(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item,
                       uint32_t with)
{
	uint32_t next = weft__load_relaxed(weft__item_next(items, item)); /* relaxed: our lock */

	weft__store_relaxed(weft__item_row(items, with), row); /* relaxed: published by the link that leads here */
	weft__store_relaxed(weft__item_next(items, with), next);
	set_live(items, with);
	lead_to(rows, items, row, item, with);
	if (next != WEFT__NONE)
		*weft__item_prev(items, next) = with;
}
