/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/change.c - an index that changes: rows are deleted, rows get other vectors, rows come again and again,
 * and a reader asks while a writer writes.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

#define EF 128u
#define REPEATED_QUERIES 200u
#define LEFT_QUERIES 300u

/* A part of what is in order, by chance, comes first. */
static void draw(uint32_t *order, uint32_t count, uint32_t part, uint64_t *seed)
{
	for (uint32_t i = 0; i < part; i++) {
		uint32_t j = i + (uint32_t)(vectors_random(seed) % (count - i)), swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
}

static uint32_t *order_make(uint32_t count)
{
	uint32_t *order = malloc(count * sizeof(*order));

	for (uint32_t i = 0; order && i < count; i++)
		order[i] = i;
	return order;
}

/* Is the id among the nearest to its own vector? Negative: the search failed. */
static int is_found(const struct memory_index *m, uint32_t id)
{
	weft_index_query q = WEFT_INDEX_QUERY_INIT;
	weft_index_hit hits[MEMORY_TOP];
	int n;

	q.ef = EF;
	n = weft_index_search(m->index, vectors_row(&m->v, id), MEMORY_TOP, &q, hits);
	for (int i = 0; i < n; i++) {
		if (hits[i].id == id)
			return 1;
	}
	return n < 0 ? n : 0;
}

/* Every row of the graph can be come to. */
static int check_graph(const struct memory_index *m, struct bench_outcome *out)
{
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	int r = weft_index_check(m->index, &report);

	if (r == 0 && report.unreachable)
		r = bench_fail(out, "%" PRIu64 " of %" PRIu64 " rows of the graph cannot be reached", report.unreachable, report.rows);
	return r;
}

/* The recall of searches as the index is now, against a truth that is found anew. */
static int judge(struct memory_index *m, vectors_allows allows, void *user, struct bench_outcome *out)
{
	int r;

	m->v.query_count = m->v.query_count < LEFT_QUERIES ? m->v.query_count : LEFT_QUERIES;
	m->query.ef = out->ef = EF;
	r = vectors_find_truth(&m->v, MEMORY_TOP, allows, user);
	if (r == 0)
		out->recall = memory_recall(m);
	return r;
}

/* ---- deleted ------------------------------------------------------------------------------------------- */

static bool is_left(const struct vectors *v, uint32_t row, void *user)
{
	const bool *gone = user;

	(void)v;
	return !gone[row];
}

/* Deleted ids must not come back; of the others those that are not found are counted. */
static int check_left(const struct memory_index *m, const bool *gone, struct bench_outcome *out)
{
	for (uint32_t id = 0; id < m->v.count; id++) {
		int found = is_found(m, id);

		if (found < 0)
			return found;
		if (gone[id] && found)
			return bench_fail(out, "row %u comes though it was deleted", id);
		out->lost += !gone[id] && !found;
	}
	return check_graph(m, out);
}

void memory_delete(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	uint32_t *order = NULL, half = 0;
	bool *gone = NULL;
	uint64_t seed = 5, t0;
	int r;

	memory_begin(opt, self, out);
	r = memory_index_ready(opt, self, WEFT_INDEX_GRAPH, true, &m, out);
	if (r == 0) {
		half = m.v.count / 2;
		order = order_make(m.v.count);
		gone = calloc(m.v.count, sizeof(*gone));
		r = order && gone ? 0 : -ENOMEM;
	}
	if (r == 0)
		draw(order, m.v.count, half, &seed);
	t0 = weft_now_ns();
	for (uint32_t i = 0; r == 0 && i < half; i++) {
		gone[order[i]] = true;
		r = weft_index_delete(m.index, order[i]);
	}
	memory_add(out, out->warmup, t0, half ? half : 1);
	out->lost = 0;
	if (r == 0)
		r = check_left(&m, gone, out);
	if (r == 0)
		r = judge(&m, is_left, gone, out);
	free(order);
	free(gone);
	memory_index_close(&m);
	memory_end(out, r);
}

/* ---- replaced --------------------------------------------------------------------------------------- */

/*
 * Half of the set is indexed, the other half waits. A fifth of the rows, by chance, trade with some of those that wait,
 * so that what comes is real and new. @return nanoseconds, or negative
 */
static int64_t trade(struct memory_index *m, uint32_t *order, uint32_t *waiting, uint64_t *seed)
{
	uint32_t count = m->v.count, part = count / 5;
	uint64_t t0;
	int r = 0;

	draw(order, count, part, seed);
	for (uint32_t i = 0; i < part; i++)
		vectors_swap(&m->v, order[i], count + (*waiting)++ % count);
	t0 = weft_now_ns();
	for (uint32_t i = 0; r == 0 && i < part; i++)
		r = weft_index_put(m->index, order[i], vectors_row(&m->v, order[i]), NULL);
	return r < 0 ? r : (int64_t)(weft_now_ns() - t0);
}

/* The recall of an index that is built of the same rows anew. Negative: it could not be. */
static double fresh_recall(const struct memory_index *m)
{
	weft_index_options io = WEFT_INDEX_OPTIONS_INIT;
	struct memory_index fresh = *m;
	double recall;
	int r;

	io.dims = m->v.dims;
	io.kind = WEFT_INDEX_GRAPH;
	r = weft_index_create(&io, &fresh.index);
	if (r < 0)
		return r;
	r = memory_index_fill(&fresh, 0, fresh.v.count, 1);
	recall = r < 0 ? r : memory_recall(&fresh);
	weft_index_unref(fresh.index);
	return recall;
}

/* What was lost is counted, and the rest has to be as good as new. */
static int check_replaced(struct memory_index *m, struct bench_outcome *out)
{
	double fresh;
	int r = check_graph(m, out);

	for (uint32_t id = 0; r == 0 && id < m->v.count; id++) {
		int found = is_found(m, id);

		if (found < 0)
			r = found;
		else
			out->lost += !found;
	}
	if (r == 0)
		r = judge(m, NULL, NULL, out);
	if (r < 0)
		return r;
	fresh = fresh_recall(m);
	return out->recall < fresh - 0.002 ? bench_fail(out, "recall %.4f, of a fresh index %.4f", out->recall, fresh) : 0;
}

void memory_replace(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	uint32_t *order = NULL, waiting = 0;
	uint64_t seed = 5;
	int r;

	memory_begin(opt, self, out);
	r = memory_index_open(opt, self, WEFT_INDEX_GRAPH, true, &m, out);
	if (r == 0) {
		out->rows = m.v.count /= 2;
		order = order_make(m.v.count);
		r = order ? memory_index_fill(&m, 0, m.v.count, 2) : -ENOMEM;
	}
	out->lost = 0;
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		int64_t ns = trade(&m, order, &waiting, &seed);

		if (ns < 0)
			r = (int)ns;
		else
			memory_add(out, i, weft_now_ns() - (uint64_t)ns, m.v.count / 5);
	}
	if (r == 0)
		r = check_replaced(&m, out);
	free(order);
	memory_index_close(&m);
	memory_end(out, r);
}

/* ---- repeated ----------------------------------------------------------------------------------------- */

void memory_repeated(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	int r;

	memory_begin(opt, self, out);
	r = memory_index_open(opt, self, WEFT_INDEX_GRAPH, true, &m, out);
	if (r == 0) {
		m.v.query_count = m.v.query_count < REPEATED_QUERIES ? m.v.query_count : REPEATED_QUERIES;
		vectors_repeat(&m.v, MEMORY_SEED);
		r = vectors_find_truth(&m.v, MEMORY_TOP, NULL, NULL);
	}
	if (r == 0)
		r = memory_index_fill(&m, 0, m.v.count, memory_threads(opt));
	m.query.ef = out->ef = EF;
	if (r == 0)
		r = memory_time_searches(&m, memory_threads(opt), out);
	memory_index_close(&m);
	memory_end(out, r);
}

/* ---- read while it is written ---------------------------------------------------------------------------- */

#define MIXED_EF 64u
#define ALONE_NS UINT64_C(1000000000)

struct mixed {
	struct memory_index m;
	_Atomic(bool) stop;
	uint64_t until_ns; /* 0: until stop */
	double *ms;        /* of each search */
	uint32_t count;
	uint64_t write_ns;
	int failed;
};

/* Searches one after another; those past the room for their times are not noted. */
static void *read_on(void *user)
{
	struct mixed *x = user;
	weft_index_hit hits[MEMORY_TOP];
	uint64_t t0 = weft_now_ns();

	for (uint32_t q = 0; x->failed == 0 && !x->stop && (!x->until_ns || t0 < x->until_ns); q++) {
		uint64_t t1;
		int n = memory_ask(&x->m, q % x->m.v.query_count, hits);

		t1 = weft_now_ns();
		if (n < 0)
			x->failed = n;
		if (x->count < BENCH_ITERATIONS_MAX)
			x->ms[x->count++] = (double)(t1 - t0) / 1e6;
		t0 = t1;
	}
	return NULL;
}

static int mixed_open(const struct bench_options *opt, const struct bench_micro *self, struct mixed *x, struct bench_outcome *out)
{
	int r = memory_index_open(opt, self, WEFT_INDEX_GRAPH, true, &x->m, out);

	if (r == 0)
		r = memory_index_fill(&x->m, 0, x->m.v.count / 2, 2);
	x->m.query.ef = out->ef = MIXED_EF;
	x->ms = malloc(BENCH_ITERATIONS_MAX * sizeof(*x->ms));
	return r < 0 || x->ms ? r : -ENOMEM;
}

/* The second half put in beside a reader. */
static int write_beside(struct mixed *x)
{
	uint32_t half = x->m.v.count / 2;
	pthread_t reader;
	uint64_t t0;
	int r = -pthread_create(&reader, NULL, read_on, x);

	if (r < 0)
		return r;
	t0 = weft_now_ns();
	r = memory_index_fill(&x->m, half, x->m.v.count, 1);
	x->write_ns = weft_now_ns() - t0;
	x->stop = true;
	pthread_join(reader, NULL);
	return r < 0 ? r : x->failed;
}

static void samples(struct mixed *x, struct bench_outcome *out)
{
	struct bench_outcome with = { 0 };
	uint32_t rows = out->rows, ef = out->ef;

	bench_outcome_begin(&with, x->count, 0);
	with.rss_start_mb = out->rss_start_mb;
	for (uint32_t i = 0; i < x->count; i++) {
		bench_outcome_add(&with, x->ms[i], 1);
		with.total_ms += x->ms[i];
	}
	bench_outcome_free(out);
	*out = with;
	out->rows = rows;
	out->ef = ef;
}

static void mixed_close(struct mixed *x, int r, struct bench_outcome *out)
{
	free(x->ms);
	memory_index_close(&x->m);
	memory_end(out, r);
}

void memory_mixed_alone(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct mixed x = { .stop = false };
	int r;

	memory_begin(opt, self, out);
	r = mixed_open(opt, self, &x, out);
	if (r == 0) {
		x.until_ns = weft_now_ns() + (opt->quick ? ALONE_NS / 10 : ALONE_NS);
		read_on(&x);
		r = x.failed;
	}
	if (r == 0)
		samples(&x, out);
	mixed_close(&x, r, out);
}

void memory_mixed(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct mixed x = { .stop = false };
	int r;

	memory_begin(opt, self, out);
	r = mixed_open(opt, self, &x, out);
	if (r == 0)
		r = write_beside(&x);
	if (r == 0)
		samples(&x, out);
	mixed_close(&x, r, out);
}

void memory_mixed_write(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	int r = 0;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		struct mixed x = { .stop = false };

		r = mixed_open(opt, self, &x, out);
		if (r == 0)
			r = write_beside(&x);
		if (r == 0)
			memory_add(out, i, weft_now_ns() - x.write_ns, x.m.v.count - x.m.v.count / 2);
		mixed_close(&x, r, out);
	}
}
