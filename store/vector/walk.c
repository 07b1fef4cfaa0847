/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/walk.c - finding the near ones in the graph.
 *
 * One pool of ef rows, sorted, instead of a heap of results and one of candidates: the next row to look behind is
 * the first in the pool that has not been looked behind, and the search is over when there is none. A row is
 * scored at most once a floor: stamps say which were.
 */
#include <string.h>

#include "store/vector/graph.h"
#include "store/vector/probe.h"

/* ---- the pool ------------------------------------------------------------------------- */

/* Where a score belongs: behind all that are not worse. No branches: nobody could foretell them. */
static uint32_t place_of(const struct weft__near *pool, uint32_t count, float score)
{
	const struct weft__near *at = pool;

	if (!count)
		return 0;
	while (count > 1) {
		uint32_t half = count / 2;

		at += half & -(uint32_t)(at[half - 1].score >= score);
		count -= half;
	}
	return (uint32_t)(at - pool) + (at->score >= score);
}

/* Into the pool of at most ef; the place, or ef when it is not good enough. */
static uint32_t offer(struct weft__searcher *s, uint32_t ef, uint32_t row, float score)
{
	struct weft__near *pool = s->pool;
	uint32_t at;

	if (s->pool_count == ef && !(score > pool[ef - 1].score))
		return ef;
	at = place_of(pool, s->pool_count, score);
	if (s->pool_count < ef)
		s->pool_count++;
	memmove(pool + at + 1, pool + at, (s->pool_count - 1 - at) * sizeof(*pool));
	pool[at] = (struct weft__near){ .score = score, .row = row };
	return at;
}

/* ---- the walk ----------------------------------------------------------------------------- */

static uint32_t new_links(struct weft__searcher *s, struct weft__links links, uint32_t *ret_rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < links.cap; i++) {
		uint32_t to = weft__load_acquire(&links.words[i]); /* L1 */

		if (to == WEFT__NONE)
			break;
		ret_rows[n] = to;
		n += weft__searcher_is_new(s, to);
	}
	return n;
}

static void ask_for_links(const weft_index *index, uint32_t row, uint32_t floor)
{
	struct weft__links links = weft__graph_links(index, row, floor);

	for (uint32_t i = 0; i < links.cap; i += WEFT_CACHELINE / sizeof(*links.words))
		__builtin_prefetch((const void *)&links.words[i], 0, 3);
}

void weft__graph_spread(weft_index *index, struct weft__searcher *s, uint32_t floor, uint32_t ef)
{
	const struct weft__probe probe = weft__probe_of_searcher(s);
	uint32_t rows[WEFT__LINKS_MAX], at = 0;
	float scores[WEFT__LINKS_MAX];

	weft__searcher_forget(s);
	if (s->pool_count > ef)
		s->pool_count = ef;
	for (uint32_t i = 0; i < s->pool_count; i++) {
		s->pool[i].row &= ~WEFT__NEAR_DONE;
		weft__searcher_is_new(s, s->pool[i].row);
	}
	while (at < s->pool_count) {
		uint32_t n, row = s->pool[at].row;

		if (row & WEFT__NEAR_DONE) {
			at++;
			continue;
		}
		s->pool[at++].row |= WEFT__NEAR_DONE;
		if (at < s->pool_count) /* likely the next one */
			ask_for_links(index, s->pool[at].row & ~WEFT__NEAR_DONE, floor);
		n = new_links(s, weft__graph_links(index, row, floor), rows);
		weft__probe_score(index, weft__slab_table(&index->rows.slab), &probe, rows, n, scores);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t to = offer(s, ef, rows[i], scores[i]);

			if (to >= at)
				continue;
			at = to;
			ask_for_links(index, rows[i], floor);
		}
	}
}

/* On one floor, to the row that has no nearer neighbour. *row and *score: the best so far. */
static void approach(weft_index *index, const struct weft__probe *probe, uint32_t floor, struct weft__near *best)
{
	uint32_t rows[WEFT__LINKS_MAX];
	float scores[WEFT__LINKS_MAX];
	bool nearer = true;

	while (nearer) {
		struct weft__links links = weft__graph_links(index, best->row, floor);
		uint32_t n = 0;

		nearer = false;
		for (; n < links.cap; n++) {
			rows[n] = weft__load_acquire(&links.words[n]); /* L1 */
			if (rows[n] == WEFT__NONE)
				break;
		}
		weft__probe_score(index, weft__slab_table(&index->rows.slab), probe, rows, n, scores);
		for (uint32_t i = 0; i < n; i++) {
			if (scores[i] > best->score) {
				*best = (struct weft__near){ .score = scores[i], .row = rows[i] };
				nearer = true;
			}
		}
	}
}

bool weft__graph_descend(weft_index *index, struct weft__searcher *s, uint32_t floor, uint32_t ef)
{
	const struct weft__probe probe = weft__probe_of_searcher(s);
	uint64_t entry = weft__load_acquire(&weft__index_graph(index)->entry); /* L1: as a link */
	struct weft__near best = { .row = (uint32_t)entry };

	if (entry == WEFT__GRAPH_EMPTY)
		return false;
	weft__probe_score(index, weft__slab_table(&index->rows.slab), &probe, &best.row, 1, &best.score);
	for (uint32_t at = (uint32_t)(entry >> 32); at > floor; at--)
		approach(index, &probe, at, &best);
	s->pool[0] = best;
	s->pool_count = 1;
	weft__graph_spread(index, s, floor, ef);
	return true;
}

bool weft__graph_walk_ground(weft_index *index, struct weft__searcher *s, uint32_t ef)
{
	const struct weft__probe probe = weft__probe_of_searcher(s);
	uint64_t entry = weft__load_acquire(&weft__index_graph(index)->entry); /* L1 */
	struct weft__near start = { .row = (uint32_t)entry };

	if (entry == WEFT__GRAPH_EMPTY)
		return false;
	weft__probe_score(index, weft__slab_table(&index->rows.slab), &probe, &start.row, 1, &start.score);
	s->pool[0] = start;
	s->pool_count = 1;
	weft__graph_spread(index, s, 0, ef);
	return true;
}

void weft__graph_walk(weft_index *index, struct weft__searcher *s, uint32_t ef)
{
	s->pool_count = 0;
	weft__graph_descend(index, s, 0, ef);
}
