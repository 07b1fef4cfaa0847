/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/calibrate.c - see calibrate.h. */
#include "store/vector/calibrate.h"

#include <math.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/rng.h"
#include "store/vector/graph.h"

#define MADE_QUERIES 64u
#define ROWS_MIN 256u       /* fewer are not worth it */
#define EXACT_ROWS 200000u  /* more are compared with a wide walk: a scan would take too long */
#define WIDE_EF 1000u
#define NOISE 0.5f          /* of a row's length */
#define OTHER 0.7f          /* of another row, where the query lies between two */
#define MARGIN 0.2f         /* of what may be missed: the sample is not the queries to come */
#define KEEP_EVERY 8u       /* so many-th search of a searcher leaves its query behind, */
#define KEEP_EVERY_FULL 64u /* when there are enough */
#define GROWTH 1.5f         /* of the graph, after which it is done again */
#define TIE 1e-5f
#define MILLION 1000000u

static const uint16_t efs[WEFT__CALIBRATE_EFS] = { 10, 12, 16, 22, 30, 42, 58, 80, 112, 160, 230, 330 };

/* ---- choosing ------------------------------------------------------------------------- */

static uint32_t guess(float recall)
{
	return recall <= 0.9f ? 32 : recall <= 0.95f ? 48 : recall <= 0.99f ? 100 : 200;
}

uint32_t weft__calibrate_ef(weft_index *index, float recall, uint32_t k)
{
	struct weft__calibration *c = &weft__index_graph(index)->calibration;
	uint32_t ef, i = 0, done = weft__load_acquire(&c->rows); /* acquire: what was found */
	float want = recall > 0 ? recall : 0.95f, grown;

	if (done) {
		want += (1 - want) * MARGIN;
		/* relaxed: numbers of this or of a later calibration */
		while (i < WEFT__CALIBRATE_EFS && (float)weft__load_relaxed(&c->found[i]) < want * MILLION)
			i++;
		ef = i < WEFT__CALIBRATE_EFS ? efs[i] : 2u * efs[WEFT__CALIBRATE_EFS - 1];
		/* relaxed: a counter. In a larger graph the same ef finds less */
		grown = (float)weft__load_relaxed(&weft__index_graph(index)->linked) / (float)done;
		ef = grown > 1 ? (uint32_t)((float)ef * (1 + (grown - 1) / 2)) : ef;
	} else {
		ef = guess(recall);
	}
	if (k > WEFT__CALIBRATE_K)
		ef = (uint32_t)((uint64_t)ef * k / WEFT__CALIBRATE_K > UINT32_MAX / 4 ? UINT32_MAX / 4
		                                                                      : (uint64_t)ef * k / WEFT__CALIBRATE_K);
	return ef;
}

/* ---- what is asked ------------------------------------------------------------------------- */

/* With the turn. */
static void keep(weft_index *index, struct weft__calibration *c, const float *query)
{
	size_t dims = index->opt.dims;

	if (!c->kept)
		c->kept = weft_malloc(WEFT__CALIBRATE_QUERIES * dims * sizeof(*c->kept));
	if (!c->kept)
		return;
	memcpy(c->kept + c->kept_next * dims, query, dims * sizeof(*c->kept));
	if (++c->kept_next == WEFT__CALIBRATE_QUERIES) {
		c->kept_next = 0;
		weft__store_relaxed(&c->is_full, 1u); /* relaxed: read with the turn, or as a hint */
	}
}

void weft__calibrate_keep(weft_index *index, struct weft__searcher *s)
{
	struct weft__calibration *c = &weft__index_graph(index)->calibration;
	uint32_t every = weft__load_relaxed(&c->is_full) ? KEEP_EVERY_FULL : KEEP_EVERY; /* relaxed: a hint */

	if (s->asked++ % every || !weft__lock_try(&c->turn))
		return;
	keep(index, c, s->query);
	weft__lock_give(&c->turn);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static float any_float(struct weft__rng *rng)
{
	return (float)(weft__rng_next(rng) >> 40) * 0x1p-23f - 1; /* -1 .. 1 */
}

/* A row that lives, near a random number. False: none nearby. */
static bool any_row(weft_index *index, struct weft__rng *rng, uint32_t *ret_row)
{
	uint32_t count = weft__slab_count(&index->rows.slab), row;

	for (uint32_t i = 0; i < 16; i++) {
		row = (uint32_t)weft__rng_below(rng, count);
		/* acquire, V1: its contents */
		if (weft__load_acquire(weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row)) != WEFT__NONE) {
			*ret_row = row;
			return true;
		}
	}
	return false;
}

/* Into the searcher. With the turn, and all places taken. */
static bool take_kept(weft_index *index, const struct weft__calibration *c, struct weft__searcher *s)
{
	return weft__searcher_point(index, s, c->kept + (size_t)c->asked * index->opt.dims) == 0;
}

/* The same; v: room for a vector. */
static bool make_query(weft_index *index, struct weft__searcher *s, struct weft__rng *rng, float *v, bool between)
{
	uint32_t dims = index->opt.dims, row, other;
	float scale = NOISE * sqrtf(3.0f / (float)dims); /* of numbers from -1 to 1 */

	if (!any_row(index, rng, &row) || !any_row(index, rng, &other))
		return false;
	weft__row_copy(&index->rows, other, s->query);
	weft__row_copy(&index->rows, row, v);
	for (uint32_t i = 0; i < dims; i++)
		v[i] += between ? OTHER * s->query[i] : scale * any_float(rng);
	return weft__searcher_point(index, s, v) == 0;
}

static uint32_t right_ones(const weft_index_hit *hits, uint32_t count, float worst)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += hits[i].score >= worst - TIE;
	return n;
}

/* One query, with every ef. Between enter and leave. */
static void measure(weft_index *index, struct weft__calibration *c, struct weft__searcher *s)
{
	weft_index_hit exact[WEFT__CALIBRATE_K], near[WEFT__CALIBRATE_K];
	struct weft__hits hits = { .hits = exact, .k = WEFT__CALIBRATE_K };
	uint32_t right = 0;

	if (weft__slab_count(&index->rows.slab) > EXACT_ROWS)
		weft__graph_search(index, s, WIDE_EF, &hits);
	else if (weft__scan_search(index, s, &hits) < 0)
		return;
	if (!hits.count)
		return;
	c->wanted += hits.count;
	for (uint32_t i = 0; i < WEFT__CALIBRATE_EFS; i++) {
		struct weft__hits some = { .hits = near, .k = hits.count };

		if (right < hits.count) { /* else a wider search finds them, too */
			weft__graph_search(index, s, efs[i], &some);
			right = right_ones(near, some.count, exact[hits.count - 1].score);
		}
		c->got[i] += right;
	}
}

/* With the turn. */
static void finish(weft_index *index, struct weft__calibration *c)
{
	for (uint32_t i = 0; i < WEFT__CALIBRATE_EFS; i++) {
		/* relaxed: published by rows, the first time; later any mix of two is a fair answer */
		if (c->wanted)
			weft__store_relaxed(&c->found[i], (uint32_t)((uint64_t)c->got[i] * MILLION / c->wanted));
		c->got[i] = 0;
	}
	if (c->wanted)
		weft__store_release(&c->rows, weft__load_relaxed(&weft__index_graph(index)->linked)); /* relaxed: a counter */
	weft__store_relaxed(&c->from_kept, (uint32_t)c->uses_kept); /* relaxed: read as a hint, or with the turn */
	c->asked = c->wanted = 0;
}

/* Until it was done, which changes what this looks at. */
static bool is_due(weft_index *index)
{
	const struct weft__graph *g = weft__index_graph(index);
	const struct weft__calibration *c = &g->calibration;
	/* relaxed: counters */
	uint32_t rows = weft__load_relaxed(&g->linked), done = weft__load_relaxed(&c->rows);

	if (rows < ROWS_MIN)
		return false;
	return (float)rows >= GROWTH * (float)done ||
	       (weft__load_relaxed(&c->is_full) && !weft__load_relaxed(&c->from_kept));
}

/* With the turn. */
static void ask_one(weft_index *index, struct weft__calibration *c, struct weft__searcher *s, float *room)
{
	weft__grace_place place = weft__grace_enter(&index->grace);
	struct weft__rng rng;

	weft__rng_seed(&rng, index->opt.seed + c->seed++);
	if (c->asked == 0)
		c->uses_kept = weft__load_relaxed(&c->is_full); /* relaxed: written under the turn */
	if (c->uses_kept ? take_kept(index, c, s) : make_query(index, s, &rng, room, c->asked % 2))
		measure(index, c, s);
	weft__grace_leave(place);
	if (++c->asked == (c->uses_kept ? WEFT__CALIBRATE_QUERIES : MADE_QUERIES))
		finish(index, c);
}

/* With the turn. False: nothing is to be done, or there is no memory for it. */
static bool step_locked(weft_index *index, struct weft__calibration *c, struct weft__searcher *s)
{
	float *room;
	bool ready;

	if (!is_due(index))
		return false;
	room = weft_malloc(index->opt.dims * sizeof(*room));
	ready = room && !weft__searcher_ready(index, s, WIDE_EF);
	if (ready)
		ask_one(index, c, s, room);
	weft_free(room);
	return ready;
}

void weft__calibrate_step(weft_index *index, struct weft__searcher *s)
{
	struct weft__calibration *c = &weft__index_graph(index)->calibration;

	if (!is_due(index) || !weft__lock_try(&c->turn))
		return;
	step_locked(index, c, s);
	weft__lock_give(&c->turn);
}

void weft__calibrate_all(weft_index *index, struct weft__searcher *s)
{
	struct weft__calibration *c = &weft__index_graph(index)->calibration;
	bool more = true;

	while (more) {
		weft__lock_take(&c->turn);
		more = step_locked(index, c, s);
		weft__lock_give(&c->turn);
	}
}
