/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/rows.h - what an index is made of: rows, one a distinct vector, and items, one an id.
 *
 *     id --by_id--> item { id, row, attrs, next } --> row { codes, links, scale, head, vector, ... }
 *     vector --by_vector--> row;   row.head -> item -> item -> ...   (ids whose vectors are the same)
 *
 * Both are slabs: chunks of columns, the ones a search touches first:
 *
 *     rows:  codes | links | scales | heads | states | hashes | uppers | chains | vectors | rests
 *     items: ids | rows | nexts | chains | live | rooms | entities | times | kinds | tags
 *
 * A row has vectors, or codes, or codes and rests, which together are as exact (weft__quantise_fine).
 * Vector, codes, rests, scale and hash of a row are written before anybody can learn its number, and stay until
 * a grace period after nobody can. Id, row and attributes of an item the same: new attributes are a new item
 * in the old one's place. So readers need the acquire loads of head, next and links, and no lock.
 *
 * | word   | written by                                  | read by                              |
 * |--------|---------------------------------------------|--------------------------------------|
 * | head   | the holder of the vector's shard            | all: V1 release -> acquire           |
 * | next   | the same                                    | all: V1                              |
 * | rows[] | put; WEFT__NONE by who takes the item out   | writers under the id's shard; scans  |
 * | chains | items: the one before, under the vector's shard; then the slab's | the same        |
 * | live   | read-modify-writes of attach and detach     | scans: V2 release -> acquire         |
 * | state  | read-modify-writes                          | writers                              |
 * | links  | the holder of the row's lock (graph.h)      | all                                  |
 *
 * Locks, in this order: the id's shard, the vector's shard, a row's links, the slabs'.
 */
#ifndef WEFT_STORE_VECTOR_ROWS_H
#define WEFT_STORE_VECTOR_ROWS_H

#include <weft/index.h>

#include "store/vector/lookup.h"
#include "store/vector/slab.h"

enum { /* a row's state; the bits from 8 on: its top floor, which it keeps for good */
	WEFT__ROW_LINKED = 1u << 0,    /* in the graph, or somebody is putting it there */
	WEFT__ROW_CONDEMNED = 1u << 1, /* dead, and being taken out: nothing new may lead here */
	WEFT__ROW_IN = 1u << 2,        /* its lists are complete */
	WEFT__ROW_FLOORED = 1u << 3    /* the top floor has been drawn */
};
#define WEFT__ROW_MARKS (WEFT__ROW_LINKED | WEFT__ROW_CONDEMNED | WEFT__ROW_IN)
#define WEFT__ROW_FLOOR_SHIFT 8

/* 64 rows a chunk: small indexes come in thousands, and filters look at 64 at a time. */
#define WEFT__INDEX_SHIFT 6u

struct weft__rows {
	struct weft__slab slab; /* first: clear gets it back */
	uint32_t dims;
	uint32_t vector_floats; /* a row's, padded with zeroes; 0: no floats are kept */
	uint32_t code_bytes;    /* a row's, padded with 128, which is 0; 0: no codes */
	uint32_t rest_words;    /* of 16 bits, a row's, padded with 0: as many as codes; 0: no rests */
	uint32_t link_words;    /* a row's on the ground floor; 0: no graph */
	size_t at_links, at_scales, at_heads, at_states, at_hashes, at_uppers, at_vectors, at_rests;
};

struct weft__items {
	struct weft__slab slab;
	size_t at_rows, at_nexts, at_live, at_rooms, at_entities, at_times, at_kinds, at_tags;
};

/* shift: of both slabs. */
void weft__rows_init(struct weft__rows *rows, const weft_index_options *opt, uint32_t shift, struct weft__grace *grace);
void weft__items_init(struct weft__items *items, uint32_t shift, struct weft__grace *grace);

/* ---- a row's columns. chunk: weft__slab_chunk(&rows->slab, row), or the table's entry -------------------- */

static inline uint8_t *weft__row_codes(const struct weft__rows *r, char *chunk, uint32_t row)
{
	return (uint8_t *)chunk + (size_t)(row & r->slab.mask) * r->code_bytes;
}

static inline _Atomic(uint32_t) *weft__row_links(const struct weft__rows *r, char *chunk, uint32_t row)
{
	return (_Atomic(uint32_t) *)(chunk + r->at_links) + (size_t)(row & r->slab.mask) * r->link_words;
}

static inline float *weft__row_vector(const struct weft__rows *r, char *chunk, uint32_t row)
{
	return (float *)(chunk + r->at_vectors) + (size_t)(row & r->slab.mask) * r->vector_floats;
}

static inline int16_t *weft__row_rests(const struct weft__rows *r, char *chunk, uint32_t row)
{
	return (int16_t *)(chunk + r->at_rests) + (size_t)(row & r->slab.mask) * r->rest_words;
}

#define WEFT__ROW_COLUMN(name, type, at)                                                                   \
	static inline type *weft__row_##name(const struct weft__rows *r, char *chunk, uint32_t row)        \
	{                                                                                                  \
		return (type *)(chunk + r->at) + (row & r->slab.mask);                                     \
	}
WEFT__ROW_COLUMN(largest, float, at_scales)         /* of the vector's numbers, with codes: what these are parts of */
WEFT__ROW_COLUMN(head, _Atomic(uint32_t), at_heads) /* first item; WEFT__NONE: the row is dead, or free */
WEFT__ROW_COLUMN(state, _Atomic(uint32_t), at_states)
WEFT__ROW_COLUMN(hash, uint32_t, at_hashes)
WEFT__ROW_COLUMN(upper, uint32_t, at_uppers) /* its links on floor 1; graph.h */
#undef WEFT__ROW_COLUMN

/* ---- an item's ---------------------------------------------------------------------------------------------- */

#define WEFT__ITEM_COLUMN(name, type, at)                                                                  \
	static inline type *weft__item_##name(const struct weft__items *t, uint32_t item)                  \
	{                                                                                                  \
		return (type *)(weft__slab_chunk(&t->slab, item) + (at)) + (item & t->slab.mask);          \
	}
WEFT__ITEM_COLUMN(id, uint64_t, 0)
WEFT__ITEM_COLUMN(row, _Atomic(uint32_t), t->at_rows) /* WEFT__NONE: taken out */
WEFT__ITEM_COLUMN(next, _Atomic(uint32_t), t->at_nexts)
WEFT__ITEM_COLUMN(prev, uint32_t, t->slab.at_chain)
/* The attributes, a column each, for filters (match.h). */
WEFT__ITEM_COLUMN(room, uint64_t, t->at_rooms)
WEFT__ITEM_COLUMN(entity, uint64_t, t->at_entities)
WEFT__ITEM_COLUMN(time, int64_t, t->at_times)
WEFT__ITEM_COLUMN(kind, uint64_t, t->at_kinds) /* type << 32, and 1 << type when there is such a bit */
WEFT__ITEM_COLUMN(tags, uint64_t, t->at_tags)
#undef WEFT__ITEM_COLUMN

/* Bit i: item (first of its 64) + i hangs on a row. Its columns may be read then. */
static inline _Atomic(uint64_t) *weft__item_live(const struct weft__items *t, uint32_t item)
{
	return (_Atomic(uint64_t) *)(weft__slab_chunk(&t->slab, item) + t->at_live) + (item & t->slab.mask) / 64;
}

/* Before anybody knows the item. NULL: all zero. */
void weft__item_put_attrs(const struct weft__items *items, uint32_t item, const weft_index_attrs *attrs);
weft_index_attrs weft__item_get_attrs(const struct weft__items *items, uint32_t item);
static inline bool weft__row_is_linked(const struct weft__rows *r, uint32_t row)
{
	/* acquire: pairs with who links it */
	return weft__load_acquire(weft__row_state(r, weft__slab_chunk(&r->slab, row), row)) & WEFT__ROW_LINKED;
}

/* Codes, rests and largest of a vector of dims floats; rests are not written when none are kept. Gives largest. */
float weft__row_code(const struct weft__rows *rows, const float *v, uint8_t *ret_codes, int16_t *ret_rests);
/* The vector of a row, as exactly as it is kept. dims floats. */
void weft__row_copy(const struct weft__rows *rows, uint32_t row, float *ret);

/* Put item at the head of row's list, or take it out of there. Under the vector's shard. True: the row was, or is, dead. */
bool weft__row_attach(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item);
bool weft__row_detach(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item);
/* with takes item's place: a reader sees one of the two. */
void weft__row_replace(const struct weft__rows *rows, const struct weft__items *items, uint32_t row, uint32_t item,
                       uint32_t with);

#endif
