/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/search.c - a search: its memory, which way it goes, and its hits. */
#include "store/vector/vector.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/hash.h"
#include "store/vector/graph.h"
#include "store/vector/match.h"

#define FIRST_STAMPS 1024u
#define EF_DEFAULT 64u

/* ---- searchers --------------------------------------------------------------------- */

void weft__searcher_free(struct weft__searcher *s)
{
	if (!s)
		return;
	weft_free(s->query);
	weft_free(s->pool);
	weft_free(s->stamps);
	weft_free(s->scanned);
	weft_free(s);
}

static struct weft__searcher *searcher_create(const weft_index *index)
{
	size_t floats = (index->opt.dims + WEFT_CACHELINE - 1) / WEFT_CACHELINE * WEFT_CACHELINE;
	struct weft__searcher *s = weft_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->query = weft_aligned_alloc(WEFT_CACHELINE, floats * (sizeof(float) + 3));
	if (!s->query) {
		weft_free(s);
		return NULL;
	}
	memset(s->query, 0, floats * (sizeof(float) + 3));
	s->codes = (int8_t *)(s->query + floats);
	s->probe = s->codes + floats;
	s->ones = s->probe + floats;
	memset(s->ones, 1, floats);
	return s;
}

static int ready_pool(struct weft__searcher *s, uint32_t ef)
{
	struct weft__near *pool;

	if (ef <= s->pool_cap)
		return 0;
	pool = weft_malloc(2 * ((size_t)ef + 1) * sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	weft_free(s->pool);
	s->pool = pool;
	s->candidates = pool + ef + 1;
	s->pool_cap = ef;
	return 0;
}

static int ready_stamps(struct weft__searcher *s, uint32_t rows)
{
	uint32_t cap = s->stamps_cap ? s->stamps_cap : FIRST_STAMPS;
	uint16_t *stamps;

	if (rows <= s->stamps_cap)
		return 0;
	while (cap < rows)
		cap *= 2;
	stamps = weft_calloc(cap, sizeof(*stamps));
	if (!stamps)
		return -ENOMEM;
	weft_free(s->stamps);
	s->stamps = stamps;
	s->stamps_cap = cap;
	s->stamp = 0;
	return 0;
}

int weft__searcher_ready(weft_index *index, struct weft__searcher *s, uint32_t ef)
{
	int r = ready_pool(s, ef);

	return r < 0 ? r : ready_stamps(s, weft__slab_count(&index->rows.slab));
}

struct weft__near *weft__searcher_scanned(struct weft__searcher *s, uint32_t cap)
{
	if (s->scanned_cap < cap) {
		struct weft__near *more = weft_malloc(cap * sizeof(*more));

		if (!more)
			return NULL;
		weft_free(s->scanned);
		s->scanned = more;
		s->scanned_cap = cap;
	}
	return s->scanned;
}

/* Where a thread begins to look, so that two rarely meet. */
static uint32_t first_slot(void)
{
	static _Thread_local char here;

	return (uint32_t)weft__mix64((uintptr_t)&here);
}

static struct weft__searcher *idle_take(weft_index *index)
{
	uint32_t first = first_slot();

	for (uint32_t i = 0; i < WEFT__SEARCHERS_KEPT; i++) {
		_Atomic(struct weft__searcher *) *slot = &index->idle[(first + i) % WEFT__SEARCHERS_KEPT];
		struct weft__searcher *s = NULL;

		/* relaxed: only whether it is worth an exchange */
		if (weft__load_relaxed(slot))
			s = weft__xchg_acq_rel(slot, NULL);
		if (s)
			return s;
	}
	return NULL;
}

void weft__searcher_give(weft_index *index, struct weft__searcher *s)
{
	uint32_t first = first_slot();

	for (uint32_t i = 0; i < WEFT__SEARCHERS_KEPT; i++) {
		_Atomic(struct weft__searcher *) *slot = &index->idle[(first + i) % WEFT__SEARCHERS_KEPT];
		struct weft__searcher *none = NULL;

		/* acq_rel: whoever takes it goes on where we left it */
		if (!weft__load_relaxed(slot) && weft__cas_acq_rel(slot, &none, s)) /* relaxed: as above */
			return;
	}
	weft__searcher_free(s);
}

/* A row that was normalised stays as it is, however often it is stored and read again. */
#define UNIT_ERROR 0x1p-20f

/* v to length 1 in ret, and -0 to 0, so that equal vectors are equal bytes. */
static int unit(const weft_index *index, const float *v, float *ret)
{
	size_t n = index->opt.dims;
	float sum = index->simd->dot_f32(v, v, n), scale;

	if (sum > 1e-20f && sum < 1e20f) {
		scale = fabsf(sum - 1) < UNIT_ERROR ? 1 : 1 / sqrtf(sum);
		for (size_t i = 0; i < n; i++)
			ret[i] = v[i] * scale + 0.0f;
		return 0;
	}
	memcpy(ret, v, n * sizeof(*v));
	if (weft__normalise_f32(ret, n) < 0) /* in doubles: huge and tiny ones too */
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret[i] += 0.0f;
	return 0;
}

static void code(weft_index *index, struct weft__searcher *s)
{
	if (index->rows.code_bytes)
		s->coded = weft__quantise_query(s->query, index->opt.dims, s->codes); /* what is behind them stays 0 */
}

int weft__searcher_take(weft_index *index, const float *vector, struct weft__searcher **ret)
{
	struct weft__searcher *s = idle_take(index);
	int r;

	if (!s)
		s = searcher_create(index);
	if (!s)
		return -ENOMEM;
	r = vector ? unit(index, vector, s->query) : 0;
	if (r < 0) {
		weft__searcher_give(index, s);
		return r;
	}
	if (vector)
		code(index, s);
	*ret = s;
	return 0;
}

void weft__searcher_load(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	weft__row_copy(&index->rows, row, s->query);
	code(index, s);
}

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

/* ---- the search ------------------------------------------------------------------------ */

/* Enough to put the best k in order: codes leave neighbours a place or two off. */
static uint32_t rescored(uint32_t k)
{
	return 2 * k > k + 16 ? 2 * k : k + 16;
}

/* What the walk found, scored exactly. */
static void offer_pool(weft_index *index, struct weft__searcher *s, struct weft__hits *hits)
{
	uint32_t n = s->pool_count, most = rescored(hits->k);

	if (n > most && !hits->filter)
		n = most;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = s->pool[i].row & ~WEFT__NEAR_DONE;

		weft__hits_offer(index, hits, row, weft__score(index, s, row));
	}
}

/* By the graph. False: it could not find as many as there are, or there is no memory for it. */
static bool graph_search(weft_index *index, struct weft__searcher *s, const weft_index_query *q, struct weft__hits *hits)
{
	uint32_t ef = q->ef ? q->ef : EF_DEFAULT;
	uint64_t ids = weft__load_relaxed(&index->ids); /* relaxed: as many as there were when we came */

	if (ef < hits->k)
		ef = hits->k;
	if (weft__searcher_ready(index, s, ef) < 0)
		return false;
	weft__graph_walk(index, s, ef);
	offer_pool(index, s, hits);
	return hits->count == (hits->k < ids ? hits->k : ids);
}

static int scan(weft_index *index, struct weft__searcher *s, struct weft__hits *hits)
{
	hits->count = 0;
	weft__fetch_add_relaxed(&index->by_scan, 1); /* relaxed: a statistic */
	return weft__scan_search(index, s, hits);
}

static bool prefers_graph(weft_index *index, const weft_index_query *q)
{
	const struct weft__graph *g = weft__index_graph(index);

	if (!g || !weft__graph_is_ready(g) || q->filter || q->recall >= 1)
		return false;
	/* relaxed: a counter. After many deletes a scan is the faster one again */
	return index->opt.kind == WEFT_INDEX_GRAPH || weft__load_relaxed(&index->live_rows) >= index->opt.graph_from / 2;
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
		if (prefers_graph(index, &q) && graph_search(index, s, &q, &hits))
			weft__fetch_add_relaxed(&index->by_graph, 1); /* relaxed: a statistic */
		else
			r = scan(index, s, &hits);
		weft__grace_leave(place);
	}
	weft__searcher_give(index, s);
	return r < 0 ? r : (int)hits.count;
}
