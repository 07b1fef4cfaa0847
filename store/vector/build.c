/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/build.c - see build.h. */
#include "store/vector/build.h"

#include "store/vector/graph.h"

#define ROWS_A_STEP 4u /* so a put takes five times as long while this goes on, a third of the way to the next doubling */

/* A row of before, under its vector's lock: it is alive and nobody else's. */
static void link_old(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	char *chunk = weft__slab_chunk(&index->rows.slab, row);
	_Atomic(uint32_t) *head = weft__row_head(&index->rows, chunk, row);
	struct weft__lookup_shard *shard;

	/* acquire, V1: its hash, which stays while it lives, and while we are in the grace counters */
	if (weft__load_acquire(head) == WEFT__NONE)
		return;
	shard = weft__lookup_lock(&index->by_vector, *weft__row_hash(&index->rows, chunk, row));
	if (weft__load_relaxed(head) != WEFT__NONE && !weft__row_is_linked(&index->rows, row)) { /* relaxed: our lock */
		weft__searcher_load(index, s, row);
		weft__graph_link(index, s, row);
	}
	weft__lookup_unlock(shard);
}

static void go_to(weft_index *index, struct weft__build *b, uint32_t stage)
{
	b->stamp = weft__grace_stamp(&index->grace);
	b->cursor = 0;
	b->end = weft__slab_count(&index->rows.slab);
	/* release: who sees READY sees the links */
	weft__store_release(&b->stage, stage);
}

/* The next rows to link: first .. end - 1, or none. */
static uint32_t claim(weft_index *index, struct weft__build *b, uint32_t *ret_first)
{
	uint32_t stage, n = 0;

	weft__lock_take(&b->turn);
	stage = weft__load_relaxed(&b->stage); /* relaxed: our lock */
	if (stage == WEFT__BUILD_CATCH_UP) {
		n = b->end - b->cursor < ROWS_A_STEP ? b->end - b->cursor : ROWS_A_STEP;
		*ret_first = b->cursor;
		b->cursor += n;
		if (!n)
			go_to(index, b, WEFT__BUILD_LAST);
	} else if (stage != WEFT__BUILD_READY) {
		weft__grace_poll(&index->grace);
		if (weft__grace_over(&index->grace, b->stamp))
			go_to(index, b, stage + 1);
	}
	weft__lock_give(&b->turn);
	return n;
}

/* The graph, when there are rows enough. Where there is no memory for it, scans go on. */
static void begin(weft_index *index)
{
	struct weft__graph *g;

	/* relaxed: a counter */
	if (weft__load_relaxed(&index->live_rows) < index->opt.graph_from || !weft__lock_try(&index->building))
		return;
	if (!weft__index_graph(index) && !weft__graph_create(index, &g)) {
		weft__lock_take(&g->build.turn); /* nobody goes on before there is a stamp */
		/* release -> acquire in weft__index_graph: an empty graph. Puts in the grace counters may have missed it */
		weft__store_release(&index->graph, g);
		go_to(index, &g->build, WEFT__BUILD_BEGUN);
		weft__lock_give(&g->build.turn);
	}
	weft__lock_give(&index->building);
}

void weft__build_step(weft_index *index, struct weft__searcher *s)
{
	struct weft__graph *g = weft__index_graph(index);
	uint32_t first, n;
	weft__grace_place place;

	if (!g) {
		begin(index);
		return;
	}
	if (weft__load_relaxed(&g->build.stage) == WEFT__BUILD_READY) /* relaxed: nothing is read because of it */
		return;
	if (weft__searcher_ready(index, s, index->opt.ef_construction) < 0)
		return;
	place = weft__grace_enter(&index->grace);
	n = claim(index, &g->build, &first);
	for (uint32_t i = 0; i < n; i++)
		link_old(index, s, first + i);
	weft__grace_leave(place);
}

int weft__build_all(weft_index *index, struct weft__searcher *s)
{
	struct weft__graph *g = weft__index_graph(index);
	int r = weft__searcher_ready(index, s, index->opt.ef_construction);

	while (!r && !weft__graph_is_ready(g)) {
		weft__build_step(index, s);
		/* relaxed: only whether to let others go first */
		if (weft__load_relaxed(&g->build.stage) != WEFT__BUILD_CATCH_UP)
			weft__thread_yield();
		r = weft__searcher_ready(index, s, index->opt.ef_construction);
	}
	return r;
}
