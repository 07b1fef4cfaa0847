/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/index.c - an index over a set of vectors: filled by threads, asked, judged, timed. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/memory/memory.h"

#define WINDOW_NS UINT64_C(100000000)
#define EF_MAX 1024u
#define THREADS_MAX 256u

/* ---- threads ---------------------------------------------------------------------------------- */

struct team {
	struct memory_index *m;
	uint32_t threads;
	int (*work)(struct team *team, uint32_t thread);
	_Atomic(uint32_t) next;  /* row to put */
	uint32_t to;
	uint64_t start_ns;
	_Atomic(uint64_t) done;  /* searches */
	_Atomic(int) failed;
};

struct member {
	struct team *team;
	uint32_t thread;
	pthread_t id;
};

static void *member_main(void *user)
{
	struct member *me = user;
	int r = me->team->work(me->team, me->thread);

	if (r < 0)
		me->team->failed = r;
	return NULL;
}

/* All members at work, this thread among them. */
static int team_run(struct team *team)
{
	struct member *members = calloc(team->threads, sizeof(*members));
	uint32_t started = 1;

	if (!members)
		return -ENOMEM;
	for (uint32_t t = 0; t < team->threads; t++)
		members[t] = (struct member){ .team = team, .thread = t };
	for (; started < team->threads; started++) {
		int r = pthread_create(&members[started].id, NULL, member_main, &members[started]);

		if (r != 0) {
			team->failed = -r;
			break;
		}
	}
	member_main(&members[0]);
	while (--started > 0)
		pthread_join(members[started].id, NULL);
	free(members);
	return team->failed;
}

/* ---- filling ----------------------------------------------------------------------------------- */

bool memory_is_allowed(uint32_t row, uint32_t percent)
{
	uint64_t seed = row;

	return vectors_random(&seed) % 100 < percent;
}

/* A bit for each share that an item filters by. */
static uint64_t tags_of(uint32_t row)
{
	return (uint64_t)memory_is_allowed(row, 1) | (uint64_t)memory_is_allowed(row, 10) << 1 |
	       (uint64_t)memory_is_allowed(row, 50) << 2;
}

static int put(struct memory_index *m, uint32_t row)
{
	weft_index_attrs attrs = { .tags = tags_of(row) };

	if (m->v.meta) {
		attrs.room = m->v.meta[row].room;
		attrs.time_ms = (int64_t)m->v.meta[row].time_ms;
		attrs.type = m->v.meta[row].kind;
	}
	return weft_index_put(m->index, row, vectors_row(&m->v, row), &attrs);
}

static int put_rows(struct team *team, uint32_t thread)
{
	int r = 0;

	(void)thread;
	while (r == 0 && team->failed == 0) {
		uint32_t row = team->next++;

		if (row >= team->to)
			break;
		r = put(team->m, row);
	}
	return r;
}

int memory_index_fill(struct memory_index *m, uint32_t from, uint32_t to, uint32_t threads)
{
	struct team team = { .m = m, .threads = threads > THREADS_MAX ? THREADS_MAX : threads, .work = put_rows, .next = from, .to = to };

	return team_run(&team);
}

int memory_index_open(const struct bench_options *opt, const struct bench_micro *self, weft_index_kind kind, bool judged,
                      struct memory_index *ret, struct bench_outcome *out)
{
	weft_index_options io = WEFT_INDEX_OPTIONS_INIT;
	struct memory_index m = { .query = WEFT_INDEX_QUERY_INIT, .window_ns = opt->quick ? WINDOW_NS / 20 : WINDOW_NS };
	int r = judged ? memory_set_open(opt, self, &m.v, out) : memory_set_read(opt, self, &m.v, out);

	if (r < 0)
		return r;
	io.dims = m.v.dims;
	io.kind = kind;
	io.codes = memory_detail(self)->codes_only ? WEFT_INDEX_CODES_I8_ONLY : WEFT_INDEX_CODES_I8;
	r = weft_index_create(&io, &m.index);
	if (r < 0)
		memory_index_close(&m);
	else
		*ret = m;
	return r;
}

void memory_index_close(struct memory_index *m)
{
	weft_index_unref(m->index);
	vectors_free(&m->v);
	*m = (struct memory_index){ .index = NULL };
}

int memory_index_ready(const struct bench_options *opt, const struct bench_micro *self, weft_index_kind kind, bool judged,
                       struct memory_index *ret, struct bench_outcome *out)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int r = memory_index_open(opt, self, kind, judged, ret, out);

	return r < 0 ? r : memory_index_fill(ret, 0, ret->v.count, cores > 1 ? (uint32_t)cores : 1);
}

/* ---- asking -------------------------------------------------------------------------------------- */

int memory_ask(const struct memory_index *m, uint32_t query, weft_index_hit *ret_hits)
{
	weft_index_query q = m->query;

	q.filter = m->filter.fields ? &m->filter : NULL;
	return weft_index_search(m->index, vectors_query(&m->v, query), MEMORY_TOP, &q, ret_hits);
}

double memory_recall(const struct memory_index *m)
{
	uint64_t right = 0, wanted = 0;

	for (uint32_t q = 0; q < m->v.query_count; q++) {
		weft_index_hit hits[MEMORY_TOP];
		uint32_t rows[MEMORY_TOP];
		int n = memory_ask(m, q, hits);

		if (n < 0)
			return n;
		for (int i = 0; i < (int)MEMORY_TOP; i++) {
			bool known = i < n && hits[i].id < m->v.count && (!m->filter.fields || (tags_of((uint32_t)hits[i].id) & m->filter.tags_all));

			rows[i] = known ? (uint32_t)hits[i].id : VECTORS_NONE;
		}
		right += vectors_right(&m->v, q, rows, MEMORY_TOP);
		wanted += vectors_wanted(&m->v, q, MEMORY_TOP);
	}
	return wanted ? (double)right / (double)wanted : 1;
}

/* The shorter of two passes over all queries. */
static uint64_t pass_ns(const struct memory_index *m)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		weft_index_hit hits[MEMORY_TOP];
		uint64_t t0 = weft_now_ns(), ns;

		for (uint32_t q = 0; q < m->v.query_count; q++)
			memory_ask(m, q, hits);
		ns = weft_now_ns() - t0;
		best = ns < best ? ns : best;
	}
	return best;
}

/* The least ef is not always the fastest: where a filter leaves too few, another way has to be taken besides. */
static void find_faster(struct memory_index *m)
{
	uint64_t best = pass_ns(m);

	for (uint32_t ef = m->query.ef; ef * 2 <= EF_MAX;) {
		uint64_t ns;

		m->query.ef = ef * 2;
		ns = pass_ns(m);
		if (ns >= best - best / 20) {
			m->query.ef = ef;
			return;
		}
		best = ns;
		ef *= 2;
	}
}

int memory_find_ef(struct memory_index *m, double aim, struct bench_outcome *out)
{
	uint32_t low = MEMORY_TOP - 1, high = MEMORY_TOP;
	double recall;

	for (;; low = high, high = high * 2 > EF_MAX ? EF_MAX : high * 2) {
		m->query.ef = high;
		recall = memory_recall(m);
		if (recall >= aim)
			break;
		if (high >= EF_MAX)
			return bench_fail(out, "recall %.4f at ef %u", recall, high);
	}
	while (high - low > (low / 16 > 1 ? low / 16 : 1)) {
		m->query.ef = low + (high - low) / 2;
		if (memory_recall(m) >= aim)
			high = m->query.ef;
		else
			low = m->query.ef;
	}
	m->query.ef = high;
	find_faster(m);
	out->ef = m->query.ef;
	return 0;
}

static int search_window(struct team *team, uint32_t thread)
{
	weft_index_hit hits[MEMORY_TOP];
	uint64_t done = 0;
	int r = 0;

	do {
		for (uint32_t q = thread; r >= 0 && q < team->m->v.query_count; q += team->threads, done++)
			r = memory_ask(team->m, q, hits);
	} while (r >= 0 && weft_now_ns() - team->start_ns < team->m->window_ns);
	team->done += done;
	return r < 0 ? r : 0;
}

int memory_time_searches(struct memory_index *m, uint32_t threads, struct bench_outcome *out)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		struct team team = { .m = m, .threads = threads, .work = search_window, .start_ns = weft_now_ns() };

		r = team_run(&team);
		memory_add(out, i, team.start_ns, team.done);
	}
	if (r == 0)
		out->recall = memory_recall(m);
	return r;
}
