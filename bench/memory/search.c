/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/search.c - an index that stays as it is: built, searched, weighed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

/* Where the truth has to be found there is no need for more; it takes a loop over all rows. */
#define QUERIES 300u
/* Searches after which an index has a whole sample of what is asked (weft_index_sweep). */
#define ASKED_MIN 2000u

/* The nearest of fewer queries, found anew. */
static int find_truth(struct memory_index *m, vectors_allows allows, void *user)
{
	m->v.query_count = m->v.query_count < QUERIES ? m->v.query_count : QUERIES;
	return vectors_find_truth(&m->v, MEMORY_TOP, allows, user);
}

void memory_exact(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	int r;

	memory_begin(opt, self, out);
	r = memory_index_ready(opt, self, WEFT_INDEX_SCAN, true, &m, out);
	if (r == 0)
		r = memory_time_searches(&m, memory_threads(opt), out);
	memory_index_close(&m);
	memory_end(out, r);
}

void memory_build(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	int r = 0;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		struct memory_index m = { .index = NULL };
		weft_index_stats stats = WEFT_INDEX_STATS_INIT;
		double before;
		uint64_t t0;

		r = memory_index_open(opt, self, WEFT_INDEX_GRAPH, false, &m, out);
		before = bench_rss_read().now_mb;
		t0 = weft_now_ns();
		if (r == 0)
			r = memory_index_fill(&m, 0, m.v.count, memory_threads(opt));
		if (r == 0)
			memory_add(out, i, t0, m.v.count);
		if (i == 0) /* later ones may find memory that this one has left */
			out->bytes = (bench_rss_read().now_mb - before) * (1 << 20) / m.v.count;
		if (r == 0)
			r = weft_index_stats_read(m.index, &stats);
		if (r == 0 && stats.ids != m.v.count)
			r = bench_fail(out, "the index does not hold what was put in");
		memory_index_close(&m);
	}
	memory_end(out, r);
}

void memory_search(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	int r;

	memory_begin(opt, self, out);
	r = memory_index_ready(opt, self, WEFT_INDEX_GRAPH, true, &m, out);
	if (r == 0 && memory_detail(self)->strange) {
		vectors_stray(&m.v, MEMORY_SEED);
		r = find_truth(&m, NULL, NULL);
	}
	if (r == 0)
		r = memory_find_ef(&m, memory_detail(self)->aim, out);
	if (r == 0)
		r = memory_time_searches(&m, memory_threads(opt), out);
	memory_index_close(&m);
	memory_end(out, r);
}

/* As most will use it: neither the kind nor the width is said, only the recall. */
/* All queries often enough for the index to know what is asked of it, and to have measured with that. */
static int get_to_know(struct memory_index *m)
{
	for (uint32_t asked = 0; asked < ASKED_MIN; asked += m->v.query_count) {
		if (memory_recall(m) < 0)
			return -ENOMEM;
	}
	return weft_index_sweep(m->index);
}

void memory_search_chosen(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	int r;

	memory_begin(opt, self, out);
	r = memory_index_ready(opt, self, WEFT_INDEX_AUTO, true, &m, out);
	m.query.recall = (float)memory_detail(self)->aim;
	if (r == 0)
		r = get_to_know(&m);
	if (r == 0)
		r = memory_time_searches(&m, memory_threads(opt), out);
	memory_index_close(&m);
	memory_end(out, r);
}

static bool allows(const struct vectors *v, uint32_t row, void *user)
{
	const uint32_t *percent = user;

	(void)v;
	return memory_is_allowed(row, *percent);
}

void memory_filter(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t percent = memory_detail(self)->percent;
	struct memory_index m = { .index = NULL };
	int r;

	memory_begin(opt, self, out);
	r = memory_index_ready(opt, self, WEFT_INDEX_GRAPH, true, &m, out);
	if (r == 0) {
		m.filter = (weft_index_filter){ .fields = WEFT_INDEX_BY_TAGS_ALL, .tags_all = percent == 1 ? 1 : percent == 10 ? 2 : 4 };
		r = find_truth(&m, allows, &percent);
	}
	if (r == 0)
		r = memory_find_ef(&m, memory_detail(self)->aim, out);
	if (r == 0)
		r = memory_time_searches(&m, memory_threads(opt), out);
	memory_index_close(&m);
	memory_end(out, r);
}

void memory_bytes(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct memory_index m = { .index = NULL };
	double before;
	uint64_t t0 = weft_now_ns();
	int r;

	memory_begin(opt, self, out);
	r = memory_index_open(opt, self, WEFT_INDEX_GRAPH, false, &m, out);
	before = bench_rss_read().now_mb;
	if (r == 0)
		r = memory_index_fill(&m, 0, m.v.count, 1);
	memory_add(out, out->warmup, t0, 1);
	if (r == 0) {
		out->bytes = (bench_rss_read().now_mb - before) * (1 << 20) / m.v.count;
		if (out->bytes <= 0)
			r = bench_fail(out, "resident memory cannot be read");
	}
	memory_index_close(&m);
	memory_end(out, r);
}
