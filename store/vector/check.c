/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/check.c - is the graph what it should be? A walk of the ground floor, and a look at every list. */
#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "store/vector/graph.h"

struct look {
	weft_index *index;
	weft_index_report *report;
	struct weft__sweep walk; /* only the walk's part of it */
};

static bool leads_to(const weft_index *index, uint32_t from, uint32_t to, uint32_t floor)
{
	struct weft__links links = weft__graph_links(index, from, floor);

	for (uint32_t i = 0; i < links.cap; i++) {
		uint32_t row = weft__load_acquire(&links.words[i]); /* L1 */

		if (row == to || row == WEFT__NONE)
			return row == to;
	}
	return false;
}

static void look_at_list(struct look *l, uint32_t row, uint32_t floor)
{
	struct weft__links links = weft__graph_links(l->index, row, floor);

	for (uint32_t i = 0; i < links.cap; i++) {
		uint32_t to = weft__load_acquire(&links.words[i]); /* L1 */

		if (to == WEFT__NONE)
			break;
		l->report->links++;
		if (weft__graph_is_condemned(l->index, to) || to == row)
			l->report->stale++;
		else if (!leads_to(l->index, to, row, floor))
			l->report->one_way++;
	}
}

static void look_at_row(struct look *l, uint32_t row)
{
	/* acquire: IN, the lists are there */
	uint32_t state = weft__load_acquire(weft__graph_state(l->index, row)), floor = state >> WEFT__ROW_FLOOR_SHIFT;

	if (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED)
		return;
	l->report->rows++;
	l->report->unreachable += !(l->walk.reached[row / 64] >> row % 64 & 1);
	for (uint32_t at = 0; at <= floor; at++)
		look_at_list(l, row, at);
}

/* Between enter and leave. */
static int look_at_all(weft_index *index, weft_index_report *report)
{
	struct look l = { .index = index, .report = report };
	uint32_t end = weft__slab_count(&index->rows.slab);

	/* relaxed: of now */
	if (weft__load_relaxed(&weft__index_graph(index)->entry) == WEFT__GRAPH_EMPTY)
		return 0;
	if (!weft__reach_begin(index, &l.walk))
		return -ENOMEM;
	weft__reach_walk(index, &l.walk, UINT32_MAX);
	for (uint32_t row = 0; row < end && row < l.walk.end; row++)
		look_at_row(&l, row);
	weft__reach_end(&l.walk);
	return 0;
}

int weft_index_check(weft_index *index, weft_index_report *ret_report)
{
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	weft__grace_place place;
	int r = 0;

	WEFT_RETURN_IF(!index || !ret_report || ret_report->size != sizeof(*ret_report), -EINVAL);
	if (weft__index_graph(index)) {
		weft__lock_take(&weft__index_graph(index)->sweep.turn);
		place = weft__grace_enter(&index->grace);
		r = look_at_all(index, &report);
		weft__grace_leave(place);
		weft__lock_give(&weft__index_graph(index)->sweep.turn);
	}
	if (!r)
		*ret_report = report;
	return r;
}
