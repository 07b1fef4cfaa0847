/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/sound.c - see sound.h. */
#include "store/vector/sound.h"

#include <assert.h>
#include <errno.h>

#include <weft/alloc.h>

#define CHUNK 64u /* rows, or items: a word of bits */

static_assert(1u << WEFT__INDEX_SHIFT == CHUNK, "a chunk is a word of bits");

static const uint32_t *words_of(_Atomic(uint32_t) *words)
{
	return (const uint32_t *)(const void *)words;
}

int weft__sound_begin(struct weft__sound *s, const weft_index *index)
{
	struct weft__graph *g = weft__index_graph(index);

	*s = (struct weft__sound){ .index = index, .has_graph = g, .all_in = true, .all_below = true };
	s->rows = weft__slab_count(&index->rows.slab);
	s->items = weft__slab_count(&index->items.slab);
	s->uppers = g ? weft__slab_count(&g->uppers) : 0;
	s->in = weft_calloc((size_t)s->rows / 64 + s->uppers / 64 + 2, sizeof(*s->in));
	if (!s->in)
		return -ENOMEM;
	s->blocks = s->in + s->rows / 64 + 1;
	return 0;
}

void weft__sound_end(struct weft__sound *s)
{
	weft_free(s->in);
	s->in = s->blocks = NULL;
}

/* ---- states ------------------------------------------------------------------------------- */

static uint32_t state_of(const struct weft__sound *s, uint32_t row)
{
	return *words_of(weft__graph_state(s->index, row));
}

/* Its blocks of links, which are taken. */
static bool take_blocks(struct weft__sound *s, uint32_t row, uint32_t floor)
{
	const struct weft__rows *r = &s->index->rows;
	uint32_t first = *weft__row_upper(r, weft__slab_chunk(&r->slab, row), row);

	if (floor > WEFT__GRAPH_FLOORS || (uint64_t)first + floor > s->uppers)
		return false;
	for (uint32_t i = first; i < first + floor; i++) {
		if (s->blocks[i / 64] >> i % 64 & 1)
			return false;
		s->blocks[i / 64] |= UINT64_C(1) << i % 64;
	}
	return true;
}

static bool state_is_sound(struct weft__sound *s, uint32_t row, uint32_t state)
{
	uint32_t marks = state & WEFT__ROW_MARKS, floor = state >> WEFT__ROW_FLOOR_SHIFT;

	if (!state)
		return true;
	if (!s->has_graph || row >= s->rows || state & 0xffu & ~(WEFT__ROW_MARKS | WEFT__ROW_FLOORED))
		return false;
	if (marks && (marks & ~(uint32_t)WEFT__ROW_CONDEMNED) != (WEFT__ROW_LINKED | WEFT__ROW_IN))
		return false;
	return !floor || (state & WEFT__ROW_FLOORED && take_blocks(s, row, floor));
}

/* Is every word a row that there is, or WEFT__NONE? As signed numbers, which any CPU compares four and more at a time. */
static bool all_below(const uint32_t *links, size_t n, uint32_t count)
{
	const int32_t end = (int32_t)(count - 1);
	uint32_t bad = 0;

	static_assert((int32_t)WEFT__NONE == -1 && WEFT__SLAB_NUMBERS_MAX - 1 == INT32_MAX, "rows are positive, and the end is -1");
	for (size_t i = 0; i < n; i++) {
		int32_t to = (int32_t)links[i];

		bad |= (uint32_t)(to > end) | (uint32_t)(to < -1);
	}
	return !bad;
}

const char *weft__sound_states(struct weft__sound *s, uint32_t first, const void **ret_where)
{
	const struct weft__rows *r = &s->index->rows;
	char *chunk = weft__slab_chunk(&r->slab, first);
	const uint32_t *states = words_of(weft__row_state(r, chunk, first)), *links = words_of(weft__row_links(r, chunk, first));
	uint64_t in = 0, all = s->rows - first < CHUNK ? (UINT64_C(1) << (s->rows - first)) - 1 : UINT64_MAX;

	for (uint32_t i = 0; i < CHUNK; i++) {
		*ret_where = &states[i];
		if (!state_is_sound(s, first + i, states[i]))
			return "the state of a row";
		in |= (uint64_t)((states[i] & WEFT__ROW_MARKS) == (WEFT__ROW_LINKED | WEFT__ROW_IN)) << i;
	}
	s->in[first / CHUNK] = in;
	s->all_in &= in == all;
	if (s->has_graph)
		s->all_below &= all_below(links, (size_t)__builtin_popcountll(all) * r->link_words, s->rows);
	s->linked += (uint32_t)__builtin_popcountll(in);
	return NULL;
}

static bool is_in_on(const struct weft__sound *s, uint32_t row, uint32_t floor)
{
	return weft__sound_is_in(s, row) && state_of(s, row) >> WEFT__ROW_FLOOR_SHIFT >= floor;
}

bool weft__sound_entry(const struct weft__sound *s, uint64_t entry)
{
	return entry == WEFT__GRAPH_EMPTY || (entry >> 32 <= WEFT__GRAPH_FLOORS && is_in_on(s, (uint32_t)entry, (uint32_t)(entry >> 32)));
}

/* ---- links ---------------------------------------------------------------------------------- */

static bool list_is_sound(const struct weft__sound *s, uint32_t row, uint32_t floor)
{
	struct weft__links links = weft__graph_links(s->index, row, floor);
	const uint32_t *words = words_of(links.words);
	uint32_t i = 0;

	while (i < links.cap && words[i] != WEFT__NONE) {
		if (!is_in_on(s, words[i++], floor))
			return false;
	}
	while (i < links.cap && words[i] == WEFT__NONE)
		i++;
	return i == links.cap;
}

static bool links_are_sound(const struct weft__sound *s, uint32_t row, uint32_t state)
{
	uint32_t top = state >> WEFT__ROW_FLOOR_SHIFT;

	for (uint32_t at = s->all_in && s->all_below ? 1 : 0; at <= top; at++) {
		if (!list_is_sound(s, row, at))
			return false;
	}
	return true;
}

/* ---- rows and items ---------------------------------------------------------------------------- */

static bool head_is_sound(const struct weft__sound *s, uint32_t row, uint32_t head, uint32_t state)
{
	const struct weft__items *t = &s->index->items;

	if (head == WEFT__NONE)
		return true;
	return head < s->items && *words_of(weft__item_row(t, head)) == row && *weft__item_prev(t, head) == WEFT__NONE &&
	       !(state & WEFT__ROW_CONDEMNED);
}

const char *weft__sound_rows(struct weft__sound *s, uint32_t first, const void **ret_where)
{
	const struct weft__rows *r = &s->index->rows;
	char *chunk = weft__slab_chunk(&r->slab, first);
	const uint32_t *heads = words_of(weft__row_head(r, chunk, first)), *states = words_of(weft__row_state(r, chunk, first));

	for (uint32_t i = 0; i < CHUNK; i++) {
		*ret_where = &heads[i];
		if (!head_is_sound(s, first + i, heads[i], states[i]))
			return "a row without its id";
		if (weft__sound_is_in(s, first + i) && !links_are_sound(s, first + i, states[i]))
			return "a link to nowhere";
	}
	return NULL;
}

static bool item_is_sound(const struct weft__sound *s, uint32_t item, uint32_t row)
{
	const struct weft__items *t = &s->index->items;
	const struct weft__rows *r = &s->index->rows;
	uint32_t next = *words_of(weft__item_next(t, item)), prev = *weft__item_prev(t, item);

	if (row >= s->rows || item >= s->items)
		return false;
	if (next != WEFT__NONE &&
	    (next >= s->items || *weft__item_prev(t, next) != item || *words_of(weft__item_row(t, next)) != row))
		return false;
	if (prev == WEFT__NONE)
		return *words_of(weft__row_head(r, weft__slab_chunk(&r->slab, row), row)) == item;
	return prev < s->items && *words_of(weft__item_next(t, prev)) == item && *words_of(weft__item_row(t, prev)) == row;
}

const char *weft__sound_items(struct weft__sound *s, uint32_t first, const void **ret_where)
{
	const struct weft__items *t = &s->index->items;
	const uint32_t *rows = words_of(weft__item_row(t, first));
	uint64_t live = 0;

	for (uint32_t i = 0; i < CHUNK; i++) {
		*ret_where = &rows[i];
		if (rows[i] == WEFT__NONE)
			continue;
		if (!item_is_sound(s, first + i, rows[i]))
			return "an id without its row";
		live |= UINT64_C(1) << i;
	}
	*ret_where = rows;
	return *(const uint64_t *)(const void *)weft__item_live(t, first) == live ? NULL : "ids that live and do not";
}
