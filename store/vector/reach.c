/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/reach.c - is every row reachable on the ground floor, and if not, making it so; see sweep.h.
 *
 * The walk runs beside writers. A row that is put in meanwhile may be missed though it is reachable: then it
 * gets a link more than it needs. Rows that are in the graph stay there while this runs, since only sweeps take
 * them out.
 */
#include <weft/alloc.h>

#include "store/vector/graph.h"

#define ATTACH_EF 32u

static bool mark(struct weft__sweep *w, uint32_t row)
{
	uint64_t bit = UINT64_C(1) << row % 64;

	if (row >= w->end || w->reached[row / 64] & bit)
		return false;
	w->reached[row / 64] |= bit;
	w->queue[w->queue_count++] = row;
	return true;
}

bool weft__reach_begin(weft_index *index, struct weft__sweep *w)
{
	uint64_t entry = weft__load_acquire(&weft__index_graph(index)->entry); /* L1 */

	w->end = weft__slab_count(&index->rows.slab);
	w->queue_at = w->queue_count = 0;
	if (entry == WEFT__GRAPH_EMPTY)
		return false;
	w->reached = weft_calloc((size_t)w->end / 64 + 1, sizeof(*w->reached));
	w->queue = weft_malloc((size_t)w->end * sizeof(*w->queue));
	if (!w->reached || !w->queue) {
		weft__reach_end(w);
		return false;
	}
	mark(w, (uint32_t)entry);
	return true;
}

void weft__reach_end(struct weft__sweep *w)
{
	weft_free(w->reached);
	weft_free(w->queue);
	w->reached = NULL;
	w->queue = NULL;
}

bool weft__reach_walk(weft_index *index, struct weft__sweep *w, uint32_t n)
{
	for (; n && w->queue_at < w->queue_count; n--) {
		struct weft__links links = weft__graph_links(index, w->queue[w->queue_at++], 0);

		for (uint32_t i = 0; i < links.cap; i++) {
			uint32_t to = weft__load_acquire(&links.words[i]); /* L1 */

			if (to == WEFT__NONE)
				break;
			mark(w, to);
		}
	}
	return w->queue_at == w->queue_count;
}

/* A link in a row's list: into a free word if there is one. With the row's lock. */
static bool append(struct weft__links links, uint32_t to)
{
	for (uint32_t i = 0; i < links.cap; i++) {
		if (weft__load_relaxed(&links.words[i]) == WEFT__NONE) { /* relaxed: our lock */
			weft__store_release(&links.words[i], to); /* L1 */
			return true;
		}
	}
	return false;
}

static bool append_to(weft_index *index, uint32_t from, uint32_t to)
{
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), from);
	bool done;

	weft__lock_take(lock);
	done = append(weft__graph_links(index, from, 0), to);
	weft__lock_give(lock);
	return done;
}

/* The last link of from leads to to instead; what it led to is returned. */
static uint32_t displace(weft_index *index, uint32_t from, uint32_t to)
{
	struct weft__links links = weft__graph_links(index, from, 0);
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), from);
	uint32_t was;

	weft__lock_take(lock);
	was = weft__load_acquire(&links.words[links.cap - 1]); /* L1 */
	weft__store_release(&links.words[links.cap - 1], to);  /* L1 */
	weft__lock_give(lock);
	return was;
}

/*
 * Lead to row from the nearest one with a word free, else from the nearest. What that one led to, row now leads
 * to: whatever was reachable still is, since nobody reached anything through row.
 */
static void attach(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	uint32_t nearest = WEFT__NONE, was;

	weft__searcher_load(index, s, row);
	if (!weft__graph_walk_ground(index, s, ATTACH_EF))
		return;
	for (uint32_t i = 0; i < s->pool_count; i++) {
		uint32_t from = s->pool[i].row & ~WEFT__NEAR_DONE;

		if (from == row || append_to(index, from, row))
			return;
		if (nearest == WEFT__NONE)
			nearest = from;
	}
	if (nearest == WEFT__NONE)
		return;
	was = displace(index, nearest, row);
	if (was != WEFT__NONE && was != row && !append_to(index, row, was))
		displace(index, row, was);
}

bool weft__reach_attach(weft_index *index, struct weft__sweep *w, struct weft__searcher *s, uint32_t n)
{
	for (; n && w->cursor < w->end; n--, w->cursor++) {
		uint32_t row = w->cursor;
		/* acquire: IN, its lists are complete */
		uint32_t state = weft__load_acquire(weft__row_state(&index->rows, weft__slab_chunk(&index->rows.slab, row), row));

		if (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED || w->reached[row / 64] >> row % 64 & 1)
			continue;
		attach(index, s, row);
		/* what it leads to is reachable with it */
		if (mark(w, row))
			weft__reach_walk(index, w, UINT32_MAX);
	}
	return w->cursor == w->end;
}
