/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/sound.h - does everything in an index that came from a file lead somewhere?
 *
 * Check sums tell damage; this tells what was written wrongly, or forged. Whatever is followed later without being looked at is
 * looked at here, once: afterwards nothing that a search, a write or a sweep does leaves the index or goes round for ever.
 *
 *     state    marks that go together, a floor that there is; its blocks of links are there and no other row's
 *     link     a row that is in the graph, on that floor; so does the entry. Behind the end of a list there are ends
 *     head     an item of that row, with none before it
 *     item     hangs on a row between its neighbours, which hang there, too; the bits of those that live are these
 *     behind   the last row and item of a chunk: nothing was ever used
 *
 * Which rows are in the graph is a bit each, a word a chunk. Where all are, which is the rule, the links on the ground floor are
 * right when the largest is: one pass without a branch, while the check sum has them in the cache. Most of an open is this.
 *
 * Threads: before anybody else knows the index, so atomics are read plainly. Tests: tests/unit/store/test_sound.c,
 * tests/fuzz/fuzz_index.c.
 */
#ifndef WEFT_STORE_VECTOR_SOUND_H
#define WEFT_STORE_VECTOR_SOUND_H

#include "store/vector/file.h"

struct weft__sound {
	const weft_index *index;
	uint32_t rows, items, uppers; /* how many there are */
	bool has_graph;
	bool all_in;      /* every row is in the graph, */
	bool all_below;   /* and every word on the ground floor is a row, or WEFT__NONE */
	uint64_t *in;     /* owned: which are */
	uint64_t *blocks; /* owned, the same memory: links of upper floors that some row has */
	uint32_t linked;  /* rows in the graph */
};

/* The slabs have their chunks. 0 or -ENOMEM. */
int weft__sound_begin(struct weft__sound *s, const weft_index *index);
void weft__sound_end(struct weft__sound *s);

/*
 * In this order, each for all chunks, whose first row or item is given: NULL, or what is wrong; then *ret_where is near it.
 */
const char *weft__sound_states(struct weft__sound *s, uint32_t first, const void **ret_where);
const char *weft__sound_rows(struct weft__sound *s, uint32_t first, const void **ret_where);
const char *weft__sound_items(struct weft__sound *s, uint32_t first, const void **ret_where);

/* After the states. */
static inline bool weft__sound_is_in(const struct weft__sound *s, uint32_t row)
{
	return row < s->rows && s->in[row / 64] >> row % 64 & 1;
}

/* Where searches begin: row and floor, as in weft__graph. */
bool weft__sound_entry(const struct weft__sound *s, uint64_t entry);

#endif
