/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/search.c - a search: which way it goes, and its hits. */
#include "store/vector/vector.h"

#include <errno.h>

#include "store/vector/graph.h"
#include "store/vector/match.h"

#define SAMPLE_GROUPS 128u /* of 64 items, to see how many a filter lets through */
#define SCORED_AHEAD 3u    /* rows whose memory is asked for before they are scored */
/* What a row costs a scan, and a place in the pool a walk: in the same unit, some 25 ns (384 dimensions). */
#define SCAN_ROW_COST 1u
#define WALK_COST 16u

/* ---- hits ---------------------------------------------------------------------------- */

static bool is_better(const weft_index_hit *a, const weft_index_hit *b)
{
	return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* An update that ran beside us may show us an id under both of its vectors: the first place of it, or count. */
static uint32_t place_of(const struct weft__hits *h, uint64_t id)
{
	uint32_t i = 0;

	while (i < h->count && h->hits[i].id != id)
		i++;
	return i;
}

static void insert(struct weft__hits *h, weft_index_hit hit)
{
	uint32_t at = place_of(h, hit.id);

	if (at < h->count && !is_better(&hit, &h->hits[at]))
		return;
	if (at == h->count) {
		if (h->count < h->k)
			h->count++;
		else if (!is_better(&hit, &h->hits[--at]))
			return;
	}
	for (; at && is_better(&hit, &h->hits[at - 1]); at--)
		h->hits[at] = h->hits[at - 1];
	h->hits[at] = hit;
}

void weft__hits_offer(weft_index *index, struct weft__hits *h, uint32_t row, float score)
{
	char *chunk = weft__slab_chunk(&index->rows.slab, row);
	uint32_t item;

	if (!weft__hits_wants(h, score))
		return;
	/* acquire, V1: the items were written before */
	for (item = weft__load_acquire(weft__row_head(&index->rows, chunk, row)); item != WEFT__NONE;
	     item = weft__load_acquire(weft__item_next(&index->items, item))) {
		if (weft__match_one(&index->items, h->filter, item))
			insert(h, (weft_index_hit){ .id = *weft__item_id(&index->items, item), .score = score, .row = row });
	}
}

/* ---- by the graph -------------------------------------------------------------------------- */

/* Enough to put the best k in order: codes leave neighbours a place or two off, and more where all are far. */
static uint32_t rescored(uint32_t k, uint32_t pool)
{
	uint32_t n = 2 * k > k + 16 ? 2 * k : k + 16;

	return n > pool / 4 ? n : pool / 4;
}

/* Does an item of the row pass? */
static bool row_passes(weft_index *index, const struct weft__hits *h, uint32_t row)
{
	/* acquire, V1: the items were written before */
	uint32_t item = weft__load_acquire(weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row));

	while (item != WEFT__NONE && !weft__match_one(&index->items, h->filter, item))
		item = weft__load_acquire(weft__item_next(&index->items, item));
	return item != WEFT__NONE;
}

/* The best of what the walk found, scored exactly. */
static void offer_pool(weft_index *index, struct weft__searcher *s, struct weft__hits *hits)
{
	uint32_t most = rescored(hits->k, s->pool_count);

	for (uint32_t i = 0; i < s->pool_count && most; i++) {
		uint32_t row = s->pool[i].row & ~WEFT__NEAR_DONE;

		if (i + SCORED_AHEAD < s->pool_count)
			weft__score_soon(index, s->pool[i + SCORED_AHEAD].row & ~WEFT__NEAR_DONE);
		if (!row_passes(index, hits, row))
			continue;
		weft__hits_offer(index, hits, row, weft__score(index, s, row));
		most--;
	}
}

void weft__graph_search(weft_index *index, struct weft__searcher *s, uint32_t ef, struct weft__hits *hits)
{
	weft__graph_walk(index, s, ef);
	offer_pool(index, s, hits);
}

/* ---- which way ------------------------------------------------------------------------------- */

/* Of n items, about how many pass: all are asked when they are few, else some of them. */
static uint64_t count_passing(weft_index *index, const weft_index_filter *filter)
{
	uint32_t groups = weft__slab_count(&index->items.slab) / WEFT__MATCH_ITEMS, step = groups / SAMPLE_GROUPS;
	uint64_t n = 0;

	if (step < 2)
		return weft__match_count(&index->items, index->match, filter, UINT32_MAX);
	for (uint32_t i = 0; i < SAMPLE_GROUPS; i++) {
		uint32_t first = i * step * WEFT__MATCH_ITEMS;

		n += (uint32_t)__builtin_popcountll(weft__match(&index->items, index->match, filter, first));
	}
	return n * step;
}

/*
 * The ef to walk the graph with, or 0: a scan is right, or faster. A walk that is followed by the filter has to
 * be wider by as much as the filter takes away; a scan looks at what passes and nothing else.
 */
static uint64_t plan(weft_index *index, const weft_index_query *q, uint32_t k)
{
	const struct weft__graph *g = weft__index_graph(index);
	uint64_t rows = weft__load_relaxed(&index->live_rows), passing, ef; /* relaxed: a counter */

	if (!g || !weft__graph_is_ready(g) || q->recall >= 1)
		return 0;
	if (index->opt.kind != WEFT_INDEX_GRAPH && rows < index->opt.graph_from / 2)
		return 0; /* after many deletes */
	ef = q->ef ? q->ef : weft__calibrate_ef(index, q->recall, k);
	ef = ef < k ? k : ef;
	/* relaxed: a counter. Dead rows take places, too */
	ef += rows ? ef * weft__load_relaxed(&g->dead) / rows : 0;
	if (!q->filter || !q->filter->fields)
		return ef;
	passing = count_passing(index, q->filter);
	if (passing * SCAN_ROW_COST <= ef * WALK_COST || passing < 4 * (uint64_t)k)
		return 0;
	ef = ef * (weft__load_relaxed(&index->ids) + 1) / passing; /* relaxed: a counter */
	return passing * SCAN_ROW_COST <= ef * WALK_COST ? 0 : ef;
}

/* False: it could not find as many as there may be, or there is no memory for it. */
static bool by_graph(weft_index *index, struct weft__searcher *s, uint64_t ef, struct weft__hits *hits)
{
	uint64_t ids = weft__load_relaxed(&index->ids); /* relaxed: as many as there were when we came */

	if (!ef || ef > WEFT_INDEX_EF_MAX || weft__searcher_ready(index, s, (uint32_t)ef) < 0)
		return false;
	weft__graph_search(index, s, (uint32_t)ef, hits);
	if (hits->count < (hits->k < ids ? hits->k : ids))
		return false;
	weft__fetch_add_relaxed(&index->by_graph, 1); /* relaxed: a statistic */
	return true;
}

static int by_scan(weft_index *index, struct weft__searcher *s, struct weft__hits *hits)
{
	hits->count = 0;
	weft__fetch_add_relaxed(&index->by_scan, 1); /* relaxed: a statistic */
	return weft__scan_search(index, s, hits);
}

int weft_index_search(weft_index *index, const float *query, uint32_t k, const weft_index_query *opt,
                      weft_index_hit *ret_hits)
{
	const weft_index_query q = opt ? *opt : (weft_index_query)WEFT_INDEX_QUERY_INIT;
	struct weft__hits hits = { .hits = ret_hits, .k = k, .filter = q.filter };
	struct weft__searcher *s;
	weft__grace_place place;
	int r;

	WEFT_RETURN_IF(!index || !query || !ret_hits || q.size != sizeof(q), -EINVAL);
	WEFT_RETURN_IF(k > INT32_MAX || !(q.recall >= 0 && q.recall <= 1), -EINVAL);
	r = weft__searcher_take(index, query, &s);
	if (r < 0)
		return r;
	if (k) {
		place = weft__grace_enter(&index->grace);
		if (!by_graph(index, s, plan(index, &q, k), &hits))
			r = by_scan(index, s, &hits);
		else if (!q.ef)
			weft__calibrate_keep(index, s);
		weft__grace_leave(place);
	}
	weft__searcher_give(index, s);
	return r < 0 ? r : (int)hits.count;
}
