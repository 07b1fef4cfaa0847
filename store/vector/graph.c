/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/graph.c - putting rows into the graph; see graph.h. */
#include "store/vector/graph.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/hash.h"
#include "store/vector/probe.h"

/* ---- create ------------------------------------------------------------------------- */

static void clear_uppers(const struct weft__slab *slab, char *chunk)
{
	memset(chunk, 0xff, slab->chunk_bytes); /* no links */
}

int weft__graph_create(weft_index *index, struct weft__graph **ret_graph)
{
	struct weft__graph *g = weft_calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->entry = WEFT__GRAPH_EMPTY;
	g->sweep.doomed = WEFT__NONE;
	g->uppers.chunk_bytes = ((size_t)1 << index->rows.slab.shift) * index->opt.m * sizeof(uint32_t);
	g->uppers.clear = clear_uppers;
	weft__slab_init(&g->uppers, index->rows.slab.shift, &index->grace);
	*ret_graph = g;
	return 0;
}

void weft__graph_destroy(struct weft__graph *graph)
{
	if (!graph)
		return;
	weft__reach_end(&graph->sweep);
	weft__slab_fini(&graph->uppers);
	weft_free(graph->calibration.kept);
	weft_free(graph);
}

/* ---- floors and lists ------------------------------------------------------------------- */

static uint32_t floor_of(const weft_index *index, uint32_t row)
{
	/* relaxed: drawn once, before the row was published */
	return weft__load_relaxed(weft__graph_state(index, row)) >> WEFT__ROW_FLOOR_SHIFT;
}

struct weft__links weft__graph_links(const weft_index *index, uint32_t row, uint32_t floor)
{
	const struct weft__rows *rows = &index->rows;
	char *chunk = weft__slab_chunk(&rows->slab, row);
	const struct weft__slab *uppers;
	uint32_t m = index->opt.m, block;

	if (!floor)
		return (struct weft__links){ .words = weft__row_links(rows, chunk, row), .cap = rows->link_words };
	uppers = &weft__index_graph(index)->uppers;
	block = *weft__row_upper(rows, chunk, row) + floor - 1;
	return (struct weft__links){
		.words = (_Atomic(uint32_t) *)weft__slab_chunk(uppers, block) + (size_t)(block & uppers->mask) * m,
		.cap = m,
	};
}

/* Floors are geometric: one in m rows is on the first, one in m * m on the second. */
static uint32_t random_floor(const weft_index *index, uint32_t row)
{
	double u = ((double)(weft__mix2(index->opt.seed, row) >> 11) + 1) / 9007199254740993.0;
	double floor = -log(u) / log(index->opt.m);

	return floor < WEFT__GRAPH_FLOORS ? (uint32_t)floor : WEFT__GRAPH_FLOORS;
}

/* Once in its life; where memory is short it gets none but the ground floor. */
static void draw_floor(weft_index *index, uint32_t row)
{
	_Atomic(uint32_t) *state = weft__graph_state(index, row);
	uint32_t floor = random_floor(index, row), block = 0;

	if (weft__load_relaxed(state) & WEFT__ROW_FLOORED) /* relaxed: ours, who set LINKED */
		return;
	if (floor && weft__slab_take_run(&weft__index_graph(index)->uppers, floor, &block) < 0)
		floor = 0;
	*weft__row_upper(&index->rows, weft__slab_chunk(&index->rows.slab, row), row) = block;
	weft__fetch_or_acq_rel(state, WEFT__ROW_FLOORED | floor << WEFT__ROW_FLOOR_SHIFT);
}

uint32_t weft__graph_read(struct weft__links links, uint32_t *ret)
{
	uint32_t n = 0;

	for (; n < links.cap; n++) {
		ret[n] = weft__load_acquire(&links.words[n]); /* L1 */
		if (ret[n] == WEFT__NONE)
			break;
	}
	return n;
}

void weft__graph_write(struct weft__links links, const struct weft__near *near, uint32_t n)
{
	for (uint32_t i = 0; i < links.cap; i++)
		weft__store_release(&links.words[i], i < n ? near[i].row : WEFT__NONE); /* L1 */
}

/* ---- choosing neighbours ---------------------------------------------------------------------- */

void weft__graph_score_from(weft_index *index, struct weft__searcher *s, uint32_t from, const uint32_t *rows, uint32_t n,
                            float *ret)
{
	const struct weft__probe probe = weft__probe_of_row(index, s, from);

	weft__probe_score(index, weft__slab_table(&index->rows.slab), &probe, rows, n, ret);
}

/* Nearest first; lists are short and nearly sorted already. */
void weft__graph_sort(struct weft__near *near, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct weft__near x = near[i];
		uint32_t at = i;

		for (; at && near[at - 1].score < x.score; at--)
			near[at] = near[at - 1];
		near[at] = x;
	}
}

bool weft__graph_is_behind(weft_index *index, struct weft__searcher *s, struct weft__near row,
                           const struct weft__near *chosen, uint32_t n)
{
	char *const *table = weft__slab_table(&index->rows.slab);
	struct weft__probe probe;

	if (n)
		probe = weft__probe_of_row(index, s, row.row);
	for (uint32_t i = 0; i < n; i += 4) {
		uint32_t some = n - i < 4 ? n - i : 4, rows[4];
		float scores[4];

		for (uint32_t j = 0; j < some; j++)
			rows[j] = chosen[i + j].row;
		weft__probe_score(index, table, &probe, rows, some, scores);
		for (uint32_t j = 0; j < some; j++) {
			if (scores[j] > row.score)
				return true;
		}
	}
	return false;
}

uint32_t weft__graph_choose(weft_index *index, struct weft__searcher *s, struct weft__near *candidates, uint32_t count,
                            uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < max; i++) {
		if (!weft__graph_is_behind(index, s, candidates[i], candidates, n))
			candidates[n++] = candidates[i];
	}
	return n;
}

/* The pool as candidates for row: without itself, and with or without what is being taken out. */
static uint32_t pool_without(weft_index *index, struct weft__searcher *s, uint32_t row, bool with_condemned)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->pool_count; i++) {
		struct weft__near near = { .score = s->pool[i].score, .row = s->pool[i].row & ~WEFT__NEAR_DONE };

		if (near.row != row && (with_condemned || !weft__graph_is_condemned(index, near.row)))
			s->candidates[n++] = near;
	}
	return n;
}

/*
 * What row may lead to. When all that is near is being taken out: the entry, which stays. When that is not so, the
 * sweep has not begun to wait for us, and will come by the row and mend its list.
 */
static uint32_t candidates_of(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	uint32_t n = pool_without(index, s, row, false);
	uint64_t entry = weft__load_acquire(&weft__index_graph(index)->entry); /* L1 */

	if (n || entry == WEFT__GRAPH_EMPTY || (uint32_t)entry == row)
		return n;
	if (weft__graph_is_condemned(index, (uint32_t)entry))
		return pool_without(index, s, row, true);
	s->candidates[0] = (struct weft__near){ .row = (uint32_t)entry };
	return 1;
}

/* ---- linking ---------------------------------------------------------------------------------------- */

/* The list of from is full: the best of it and to. With from's lock. */
static void crowd_in(weft_index *index, struct weft__searcher *s, struct weft__links links, uint32_t *list, uint32_t n,
                     uint32_t from)
{
	struct weft__near near[WEFT__LINKS_MAX + 1];
	float scores[WEFT__LINKS_MAX + 1];

	weft__graph_score_from(index, s, from, list, n, scores);
	for (uint32_t i = 0; i < n; i++)
		near[i] = (struct weft__near){ .score = scores[i], .row = list[i] };
	weft__graph_sort(near, n);
	weft__graph_write(links, near, weft__graph_choose(index, s, near, n, links.cap));
}

static bool has(const uint32_t *list, uint32_t n, uint32_t row)
{
	uint32_t i = 0;

	while (i < n && list[i] != row)
		i++;
	return i < n;
}

/* from leads to to, too, if it is near enough. */
static void link_back(weft_index *index, struct weft__searcher *s, uint32_t floor, uint32_t from, uint32_t to)
{
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), from);
	struct weft__links links = weft__graph_links(index, from, floor);
	uint32_t list[WEFT__LINKS_MAX + 1], n;

	weft__lock_take(lock);
	n = weft__graph_read(links, list);
	if (has(list, n, to)) {
		/* to was found by from's own search, while both were being put in */
	} else if (n < links.cap) {
		weft__store_release(&links.words[n], to); /* L1 */
	} else {
		list[n++] = to;
		crowd_in(index, s, links, list, n, from);
	}
	weft__lock_give(lock);
}

/* The first row. False: somebody else was. */
static bool become_entry(struct weft__graph *g, uint64_t entry)
{
	bool first;

	weft__lock_take(&g->entry_lock);
	first = weft__load_relaxed(&g->entry) == WEFT__GRAPH_EMPTY; /* relaxed: our lock */
	if (first)
		weft__store_release(&g->entry, entry); /* L1 */
	weft__lock_give(&g->entry_lock);
	return first;
}

/* The highest row is where searches begin. */
static void rise(struct weft__graph *g, uint64_t entry)
{
	uint64_t now;

	weft__lock_take(&g->entry_lock);
	now = weft__load_relaxed(&g->entry); /* relaxed: our lock */
	if (now == WEFT__GRAPH_EMPTY || entry >> 32 > now >> 32)
		weft__store_release(&g->entry, entry); /* L1 */
	weft__lock_give(&g->entry_lock);
}

/* Neighbours on all floors that row shares with the graph, into its own lists. The highest such floor. */
static uint32_t find_neighbours(weft_index *index, struct weft__searcher *s, uint32_t row, uint32_t floor, uint64_t entry)
{
	uint32_t top = (uint32_t)(entry >> 32) < floor ? (uint32_t)(entry >> 32) : floor;

	weft__graph_descend(index, s, top, index->opt.ef_construction);
	for (uint32_t at = top;; at--) {
		uint32_t n = candidates_of(index, s, row);

		n = weft__graph_choose(index, s, s->candidates, n, index->opt.m);
		weft__graph_write(weft__graph_links(index, row, at), s->candidates, n);
		if (!at)
			return top;
		weft__graph_spread(index, s, at - 1, index->opt.ef_construction);
	}
}

void weft__graph_link(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	struct weft__graph *g = weft__index_graph(index);
	uint32_t floor, list[WEFT__LINKS_MAX], top;
	uint64_t mine, entry;

	/* acq_rel: who sees it set leaves the row to us */
	if (weft__fetch_or_acq_rel(weft__graph_state(index, row), WEFT__ROW_LINKED) & WEFT__ROW_LINKED)
		return;
	draw_floor(index, row);
	floor = floor_of(index, row);
	mine = row | (uint64_t)floor << 32;
	for (uint32_t at = 0; at <= floor; at++)
		weft__graph_write(weft__graph_links(index, row, at), NULL, 0);
	weft__fetch_add_relaxed(&g->linked, 1); /* relaxed: a counter */
	while ((entry = weft__load_acquire(&g->entry)) == WEFT__GRAPH_EMPTY) { /* L1 */
		if (become_entry(g, mine)) {
			weft__fetch_or_acq_rel(weft__graph_state(index, row), WEFT__ROW_IN); /* its lists are empty */
			return;
		}
	}
	top = find_neighbours(index, s, row, floor, entry);
	for (uint32_t at = 0; at <= top; at++) { /* L2: the ground floor first */
		uint32_t n = weft__graph_read(weft__graph_links(index, row, at), list);

		for (uint32_t i = 0; i < n; i++)
			link_back(index, s, at, list[i], row);
	}
	/* release: who sees it may read and change the lists */
	weft__fetch_or_acq_rel(weft__graph_state(index, row), WEFT__ROW_IN);
	if (floor > entry >> 32)
		rise(g, mine);
}

/* A list of what stays and of n more, as far as there is room. */
static void refresh(weft_index *index, uint32_t row, const struct weft__near *more, uint32_t n)
{
	struct weft__links links = weft__graph_links(index, row, 0);
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), row);
	uint32_t list[WEFT__LINKS_MAX], kept = 0, count;
	struct weft__near near[WEFT__LINKS_MAX];

	weft__lock_take(lock);
	count = weft__graph_read(links, list);
	for (uint32_t i = 0; i < count; i++) {
		if (weft__graph_is_condemned(index, list[i]))
			continue;
		list[kept] = list[i];
		near[kept++].row = list[i];
	}
	for (uint32_t i = 0; i < n && kept < links.cap; i++) {
		if (has(list, kept, more[i].row))
			continue;
		list[kept] = more[i].row;
		near[kept++].row = more[i].row;
	}
	weft__graph_write(links, near, kept);
	weft__lock_give(lock);
}

void weft__graph_relink(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	uint32_t n;

	weft__searcher_load(index, s, row);
	weft__graph_walk(index, s, index->opt.ef_construction);
	n = weft__graph_choose(index, s, s->candidates, candidates_of(index, s, row), index->opt.m);
	refresh(index, row, s->candidates, n);
	for (uint32_t i = 0; i < n; i++)
		link_back(index, s, 0, s->candidates[i].row, row);
}
