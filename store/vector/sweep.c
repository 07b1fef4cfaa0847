/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/sweep.c - see sweep.h. */
#include "store/vector/sweep.h"

#include "store/vector/graph.h"

#define DEAD_MIN 64u     /* fewer are not worth a sweep */
#define DEAD_SHARE 10u   /* nor is less than a tenth of the graph */
#define GROWTH_MIN 1000u /* rows, before reachability is looked at again */
#define CONDEMN_SLICE 8192u
#define REACH_SLICE 512u
#define REPAIR_CANDIDATES 256u
#define REPAIR_TRIES 16u /* the nearest: those behind are seldom taken, and each is compared with all that stay */

static uint32_t *chain_of(const weft_index *index, uint32_t row)
{
	const struct weft__slab *slab = &index->rows.slab;

	return (uint32_t *)(weft__slab_chunk(slab, row) + slab->at_chain) + (row & slab->mask);
}

/* ---- condemning ------------------------------------------------------------------------- */

/* If it is dead, and nobody brings it back at this moment. */
static void condemn(weft_index *index, struct weft__sweep *w, uint32_t row)
{
	char *chunk = weft__slab_chunk(&index->rows.slab, row);
	_Atomic(uint32_t) *head = weft__row_head(&index->rows, chunk, row);
	uint32_t hash = *weft__row_hash(&index->rows, chunk, row);
	struct weft__lookup_shard *shard = weft__lookup_lock(&index->by_vector, hash);

	if (weft__load_relaxed(head) == WEFT__NONE) { /* relaxed: our lock */
		weft__lookup_remove(&index->by_vector, shard, row);
		/* acq_rel: seen by whoever enters after the stamp, see WAIT */
		weft__fetch_or_acq_rel(weft__graph_state(index, row), WEFT__ROW_CONDEMNED);
		weft__fetch_sub_relaxed(&weft__index_graph(index)->dead, 1); /* relaxed: a counter */
		*chain_of(index, row) = w->doomed;
		w->doomed = row;
		w->doomed_count++;
	}
	weft__lookup_unlock(shard);
}

/* Searches begin at a row that stays; when none does, the graph is empty. */
static void move_entry(weft_index *index, struct weft__sweep *w)
{
	struct weft__graph *g = weft__index_graph(index);
	uint64_t now;

	weft__lock_take(&g->entry_lock);
	now = weft__load_relaxed(&g->entry); /* relaxed: our lock */
	if (now != WEFT__GRAPH_EMPTY && weft__graph_is_condemned(index, (uint32_t)now))
		weft__store_release(&g->entry, w->best_entry); /* L1 */
	weft__lock_give(&g->entry_lock);
}

/* True: all have been looked at. */
static bool condemn_some(weft_index *index, struct weft__sweep *w)
{
	uint32_t end = w->end - w->cursor < CONDEMN_SLICE ? w->end : w->cursor + CONDEMN_SLICE;

	for (; w->cursor < end; w->cursor++) {
		uint32_t row = w->cursor, state = weft__load_acquire(weft__graph_state(index, row)); /* acquire: IN, below */
		uint64_t entry = row | (uint64_t)(state >> WEFT__ROW_FLOOR_SHIFT) << 32;

		if (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED)
			continue;
		/* relaxed: looked at again under the lock */
		if (weft__load_relaxed(weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row)) == WEFT__NONE)
			condemn(index, w, row);
		if (!weft__graph_is_condemned(index, row) && (w->best_entry == WEFT__GRAPH_EMPTY || entry >> 32 > w->best_entry >> 32))
			w->best_entry = entry;
	}
	return w->cursor == w->end;
}

/* ---- repairing ------------------------------------------------------------------------------ */

struct repair {
	struct weft__near kept[WEFT__LINKS_MAX + 1]; /* links that stay, then those that are new */
	uint32_t kept_count, lost;
	uint32_t rows[REPAIR_CANDIDATES]; /* neighbours of the lost ones */
	uint32_t row_count;
};

static void take_neighbours_of(weft_index *index, struct weft__searcher *s, struct repair *p, uint32_t lost, uint32_t floor)
{
	struct weft__links links = weft__graph_links(index, lost, floor);

	for (uint32_t i = 0; i < links.cap && p->row_count < REPAIR_CANDIDATES; i++) {
		uint32_t to = weft__load_acquire(&links.words[i]); /* L1 */

		if (to == WEFT__NONE)
			break;
		if (weft__searcher_is_new(s, to) && !weft__graph_is_condemned(index, to))
			p->rows[p->row_count++] = to;
	}
}

/* What stays of a list, and what may take the place of the rest. */
static void sort_out(weft_index *index, struct weft__searcher *s, struct repair *p, const uint32_t *list, uint32_t n, uint32_t row,
                     uint32_t floor)
{
	p->kept_count = p->row_count = 0;
	weft__searcher_forget(s);
	weft__searcher_is_new(s, row);
	for (uint32_t i = 0; i < n; i++) {
		if (weft__graph_is_condemned(index, list[i]))
			continue;
		p->kept[p->kept_count++].row = list[i];
		weft__searcher_is_new(s, list[i]);
	}
	p->lost = n - p->kept_count;
	for (uint32_t i = 0; i < n; i++) {
		if (weft__graph_is_condemned(index, list[i]))
			take_neighbours_of(index, s, p, list[i], floor);
	}
}

/* The nearest of n, whose place the last one takes: few are wanted of many, so they are not sorted. */
static struct weft__near take_best(struct weft__near *near, uint32_t n)
{
	uint32_t at = 0;
	struct weft__near best;

	for (uint32_t i = 1; i < n; i++)
		at = near[i].score > near[at].score ? i : at;
	best = near[at];
	near[at] = near[n - 1];
	return best;
}

/* As many new links as were lost, of those that no kept one stands before. */
static void replace_lost(weft_index *index, struct weft__searcher *s, struct repair *p, uint32_t row)
{
	struct weft__near near[REPAIR_CANDIDATES];
	float scores[REPAIR_CANDIDATES];

	weft__graph_score_from(index, s, row, p->rows, p->row_count, scores);
	for (uint32_t i = 0; i < p->row_count; i++)
		near[i] = (struct weft__near){ .score = scores[i], .row = p->rows[i] };
	for (uint32_t left = p->row_count, tries = REPAIR_TRIES; left && tries && p->lost; left--, tries--) {
		struct weft__near best = take_best(near, left);

		if (weft__graph_is_behind(index, s, best, p->kept, p->kept_count))
			continue;
		p->kept[p->kept_count++] = best;
		p->lost--;
	}
}

/* Links that stay, and those that do not. Under the row's lock: a list that changes hides some. */
static uint32_t count_lost(const weft_index *index, const uint32_t *list, uint32_t n)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < n; i++)
		lost += weft__graph_is_condemned(index, list[i]);
	return lost;
}

static void repair_list(weft_index *index, struct weft__searcher *s, uint32_t row, uint32_t floor)
{
	struct weft__links links = weft__graph_links(index, row, floor);
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), row);
	uint32_t list[WEFT__LINKS_MAX], n;
	struct repair p;

	weft__lock_take(lock);
	n = weft__graph_read(links, list);
	if (count_lost(index, list, n)) {
		sort_out(index, s, &p, list, n, row, floor);
		replace_lost(index, s, &p, row);
		weft__graph_write(links, p.kept, p.kept_count);
	}
	weft__lock_give(lock);
}

/* Will little be left on the ground floor? */
static bool is_poor(weft_index *index, uint32_t row)
{
	struct weft__lock *lock = weft__graph_lock(weft__index_graph(index), row);
	uint32_t list[WEFT__LINKS_MAX], n, lost;

	weft__lock_take(lock);
	n = weft__graph_read(weft__graph_links(index, row, 0), list);
	weft__lock_give(lock);
	lost = count_lost(index, list, n);
	return lost && n - lost < index->opt.m / 4;
}

static void repair(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	/* acquire: IN, the lists are there */
	uint32_t state = weft__load_acquire(weft__graph_state(index, row)), floor = state >> WEFT__ROW_FLOOR_SHIFT;

	if (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED)
		return;
	if (is_poor(index, row))
		weft__graph_relink(index, s, row); /* while the condemned ones still lead on */
	for (uint32_t at = 0; at <= floor; at++)
		repair_list(index, s, row, at);
}

static bool repair_some(weft_index *index, struct weft__sweep *w, struct weft__searcher *s)
{
	uint32_t end = w->end - w->cursor < w->slice ? w->end : w->cursor + w->slice;

	for (; w->cursor < end; w->cursor++)
		repair(index, s, w->cursor);
	return w->cursor == w->end;
}

static void retire_doomed(weft_index *index, struct weft__sweep *w)
{
	/* relaxed: a counter */
	weft__fetch_sub_relaxed(&weft__index_graph(index)->linked, w->doomed_count);
	while (w->doomed != WEFT__NONE) {
		uint32_t row = w->doomed;

		w->doomed = *chain_of(index, row);
		weft__slab_retire(&index->rows.slab, row); /* its state is taken back when it is used again: see draw_floor */
	}
	w->doomed_count = 0;
}

/* ---- the stages -------------------------------------------------------------------------------- */

static void go_to(struct weft__sweep *w, uint32_t stage, uint32_t end)
{
	w->cursor = 0;
	w->end = end;
	weft__store_relaxed(&w->stage, stage); /* relaxed: changed under the lock; others only look whether it is IDLE */
}

static void begin(weft_index *index, struct weft__sweep *w)
{
	w->doomed = WEFT__NONE;
	w->best_entry = WEFT__GRAPH_EMPTY;
	go_to(w, WEFT__SWEEP_CONDEMN, weft__slab_count(&index->rows.slab));
}

static void begin_reach(weft_index *index, struct weft__sweep *w)
{
	/* relaxed: counters; not again for a while, with or without memory */
	weft__store_relaxed(&w->checked, weft__load_relaxed(&weft__index_graph(index)->linked));
	go_to(w, weft__reach_begin(index, w) ? WEFT__SWEEP_REACH : WEFT__SWEEP_IDLE, w->end);
}

static void end_condemn(weft_index *index, struct weft__sweep *w)
{
	if (!w->doomed_count) {
		begin_reach(index, w);
		return;
	}
	w->slice = 2 * w->end / w->doomed_count + 1;
	move_entry(index, w);
	w->stamp = weft__grace_stamp(&index->grace);
	go_to(w, WEFT__SWEEP_WAIT, 0);
}

/* One slice. With the turn. */
static void work(weft_index *index, struct weft__sweep *w, struct weft__searcher *s)
{
	switch (weft__load_relaxed(&w->stage)) { /* relaxed: our lock */
	case WEFT__SWEEP_CONDEMN:
		if (condemn_some(index, w))
			end_condemn(index, w);
		break;
	case WEFT__SWEEP_WAIT:
		weft__grace_poll(&index->grace);
		if (weft__grace_over(&index->grace, w->stamp))
			go_to(w, WEFT__SWEEP_REPAIR, weft__slab_count(&index->rows.slab));
		break;
	case WEFT__SWEEP_REPAIR:
		if (repair_some(index, w, s)) {
			retire_doomed(index, w);
			begin_reach(index, w);
		}
		break;
	case WEFT__SWEEP_REACH:
		if (weft__reach_walk(index, w, REACH_SLICE))
			go_to(w, WEFT__SWEEP_ATTACH, w->end);
		break;
	case WEFT__SWEEP_ATTACH:
		if (weft__reach_attach(index, w, s, CONDEMN_SLICE)) {
			weft__reach_end(w);
			go_to(w, WEFT__SWEEP_IDLE, 0);
		}
		break;
	default:
		break;
	}
}

/* Should a sweep begin? True: one runs now. */
static bool is_due(weft_index *index, struct weft__sweep *w)
{
	struct weft__graph *g = weft__index_graph(index);
	/* relaxed: counters */
	uint32_t dead = weft__load_relaxed(&g->dead), linked = weft__load_relaxed(&g->linked);
	uint32_t checked = weft__load_relaxed(&w->checked);

	if (weft__load_relaxed(&w->stage) != WEFT__SWEEP_IDLE) /* relaxed: at worst a step later */
		return true;
	return (dead >= DEAD_MIN && dead >= linked / DEAD_SHARE) || linked >= checked + checked / 2 + GROWTH_MIN;
}

static void start(weft_index *index, struct weft__sweep *w)
{
	uint32_t dead = weft__load_relaxed(&weft__index_graph(index)->dead); /* relaxed: a counter */

	if (weft__load_relaxed(&w->stage) != WEFT__SWEEP_IDLE) /* relaxed: our lock */
		return;
	if (dead >= DEAD_MIN)
		begin(index, w);
	else
		begin_reach(index, w);
}

void weft__sweep_step(weft_index *index, struct weft__searcher *s)
{
	struct weft__sweep *w = &weft__index_graph(index)->sweep;
	weft__grace_place place;

	if (!is_due(index, w) || !weft__lock_try(&w->turn))
		return;
	if (is_due(index, w) && !weft__searcher_ready(index, s, index->opt.ef_construction)) {
		start(index, w);
		place = weft__grace_enter(&index->grace);
		work(index, w, s);
		weft__grace_leave(place);
	}
	weft__lock_give(&w->turn);
}

/* To the end of the sweep that runs. With the turn. */
static void finish(weft_index *index, struct weft__sweep *w, struct weft__searcher *s)
{
	while (weft__load_relaxed(&w->stage) != WEFT__SWEEP_IDLE) { /* relaxed: our lock */
		weft__grace_place place;

		if (weft__load_relaxed(&w->stage) == WEFT__SWEEP_WAIT) /* relaxed: the same */
			weft__grace_wait(&index->grace, w->stamp);
		place = weft__grace_enter(&index->grace);
		work(index, w, s);
		weft__grace_leave(place);
	}
}

int weft__sweep_hold(weft_index *index, struct weft__searcher *s)
{
	struct weft__sweep *w = &weft__index_graph(index)->sweep;
	int r;

	weft__lock_take(&w->turn);
	r = weft__searcher_ready(index, s, index->opt.ef_construction);
	if (r < 0)
		weft__lock_give(&w->turn);
	else
		finish(index, w, s);
	return r;
}

int weft__sweep_all(weft_index *index, struct weft__searcher *s)
{
	struct weft__sweep *w = &weft__index_graph(index)->sweep;
	int r;

	weft__lock_take(&w->turn);
	r = weft__searcher_ready(index, s, index->opt.ef_construction);
	if (!r) {
		finish(index, w, s);
		begin(index, w);
		finish(index, w, s);
	}
	weft__lock_give(&w->turn);
	return r;
}
