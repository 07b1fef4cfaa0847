/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index as a host meets it. Goal: right answers, whatever was put, replaced, deleted, filtered, or refused by
 * the allocator. Method: the same rows in a plain array, compared by brute force; random clustered vectors from a
 * printed seed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>
#include <weft/index.h>

#include "runtime/mem/fault.h"
#include "tests/support/seed.h"

#define DIMS 24u
#define ROWS 600u
#define K 10u

static weft_index *make(weft_index_kind kind, weft_index_codes codes)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index = NULL;

	opt.dims = DIMS;
	opt.kind = kind;
	opt.codes = codes;
	opt.graph_from = 300;
	opt.seed = 7;
	cr_assert_eq(weft_index_create(&opt, &index), 0);
	return index;
}

/* ---- the model ------------------------------------------------------------------------- */

struct row {
	bool there;
	float v[DIMS];
	weft_index_attrs attrs;
};

static struct row rows[ROWS];

static void random_vector(uint64_t *rnd, float *v)
{
	uint64_t cluster = test_below(rnd, 12);

	for (uint32_t i = 0; i < DIMS; i++) {
		float around = (float)(test_random(&(uint64_t){ cluster * DIMS + i }) % 2000) / 1000 - 1;

		v[i] = around + ((float)test_below(rnd, 1000) / 1000 - 0.5f);
	}
}

static void put(weft_index *index, uint64_t *rnd, uint32_t id)
{
	struct row *r = &rows[id];

	if (!test_below(rnd, 4)) /* the vector of another, or its own again */
		memcpy(r->v, rows[test_below(rnd, ROWS)].v, sizeof(r->v));
	else
		random_vector(rnd, r->v);
	if (r->v[0] == 0 && r->v[1] == 0)
		random_vector(rnd, r->v);
	r->attrs = (weft_index_attrs){ .room = test_below(rnd, 3), .entity = test_below(rnd, 50), .time_ms = id,
		                       .type = test_below(rnd, 5), .tags = test_below(rnd, 16) };
	cr_assert_eq(weft_index_put(index, id, r->v, &r->attrs), 0);
	r->there = true;
}

static double cosine(const float *a, const float *b)
{
	double ab = 0, aa = 0, bb = 0;

	for (uint32_t i = 0; i < DIMS; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

static bool passes(const weft_index_filter *f, const weft_index_attrs *a)
{
	if (!f)
		return true;
	if (f->fields & WEFT_INDEX_BY_ROOM && f->room != a->room)
		return false;
	if (f->fields & WEFT_INDEX_BY_ENTITY && f->entity != a->entity)
		return false;
	if (f->fields & WEFT_INDEX_BY_TYPE && !(f->types & 1u << a->type))
		return false;
	if (f->fields & WEFT_INDEX_BY_TIME && (a->time_ms < f->time_min_ms || a->time_ms > f->time_max_ms))
		return false;
	if (f->fields & WEFT_INDEX_BY_TAGS_ALL && (a->tags & f->tags_all) != f->tags_all)
		return false;
	return !(f->fields & WEFT_INDEX_BY_TAGS_ANY) || a->tags & f->tags_any;
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* How many of the hits are among the truly nearest; all of them must be what they say they are. */
static uint32_t right_ones(const float *q, const weft_index_filter *f, const weft_index_hit *hits, int count)
{
	static double true_scores[ROWS];
	uint32_t n = 0, right = 0;

	for (uint32_t i = 0; i < ROWS; i++) {
		if (rows[i].there && passes(f, &rows[i].attrs))
			true_scores[n++] = cosine(q, rows[i].v);
	}
	qsort(true_scores, n, sizeof(*true_scores), descending);
	cr_assert_eq(count, (int)(n < K ? n : K), "always min(k, allowed)");
	for (int i = 0; i < count; i++) {
		const struct row *r = &rows[hits[i].id];
		double score = cosine(q, r->v);

		cr_assert(hits[i].id < ROWS && r->there && passes(f, &r->attrs));
		cr_assert_float_eq(hits[i].score, score, 0.02);
		cr_assert(i == 0 || hits[i - 1].score >= hits[i].score);
		for (int j = 0; j < i; j++)
			cr_assert_neq(hits[j].id, hits[i].id);
		right += score >= true_scores[count - 1] - 1e-5;
	}
	return right;
}

static const weft_index_filter *some_filter(uint64_t *rnd, weft_index_filter *f)
{
	uint32_t which = test_below(rnd, 8);

	*f = (weft_index_filter){ .fields = which < 6 ? 1u << which : which == 6 ? 0 : 3,
		                  .room = test_below(rnd, 3), .entity = test_below(rnd, 50), .types = test_below(rnd, 32),
		                  .time_min_ms = test_below(rnd, ROWS), .tags_all = test_below(rnd, 16),
		                  .tags_any = test_below(rnd, 16) };
	f->time_max_ms = f->time_min_ms + 40;
	return test_below(rnd, 3) ? f : NULL;
}

/* The share of right answers. */
static double ask(weft_index *index, uint64_t *rnd, uint32_t times)
{
	uint32_t right = 0, all = 0;

	for (uint32_t i = 0; i < times; i++) {
		weft_index_query opt = WEFT_INDEX_QUERY_INIT;
		weft_index_hit hits[K];
		weft_index_filter f;
		float q[DIMS];
		int count;

		opt.filter = some_filter(rnd, &f);
		opt.ef = 64;
		random_vector(rnd, q);
		count = weft_index_search(index, q, K, &opt, hits);
		cr_assert_geq(count, 0);
		right += right_ones(q, opt.filter, hits, count);
		all += (uint32_t)count;
	}
	return all ? (double)right / all : 1;
}

static void churn(weft_index *index, uint64_t *rnd, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t id = test_below(rnd, ROWS);

		if (test_below(rnd, 3)) {
			put(index, rnd, id);
		} else {
			cr_assert_eq(weft_index_delete(index, id), rows[id].there ? 0 : -ENOENT);
			rows[id].there = false;
		}
	}
}

static void check_counts(weft_index *index)
{
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	uint32_t n = 0;

	for (uint32_t i = 0; i < ROWS; i++)
		n += rows[i].there;
	cr_assert_eq(weft_index_stats_read(index, &stats), 0);
	cr_assert_eq(stats.ids, n);
	cr_assert_leq(stats.rows, n);
}

/* After a sweep every row can be reached, and nothing leads to what was taken out. */
static void check_graph(weft_index *index)
{
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;

	cr_assert_eq(weft_index_sweep(index), 0);
	cr_assert_eq(weft_index_check(index, &report), 0);
	cr_assert_eq(weft_index_stats_read(index, &stats), 0);
	cr_assert_eq(stats.dead, 0);
	cr_assert_eq(stats.linked, report.rows);
	cr_assert_eq(report.unreachable, 0, "%u of %u", (unsigned)report.unreachable, (unsigned)report.rows);
	cr_assert_eq(report.stale, 0);
}

static void live_with(weft_index_kind kind, weft_index_codes codes, double recall)
{
	uint64_t rnd = test_seed("index");
	weft_index *index = make(kind, codes);
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;

	memset(rows, 0, sizeof(rows));
	for (uint32_t round = 0; round < 6; round++) {
		churn(index, &rnd, ROWS);
		check_counts(index);
		cr_assert_geq(ask(index, &rnd, 60), recall);
		if (round % 2)
			check_graph(index);
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		if (rows[i].there)
			cr_assert_eq(weft_index_delete(index, i), 0);
		rows[i].there = false;
	}
	check_counts(index);
	cr_assert_eq(ask(index, &rnd, 3), 1, "empty, and alive");
	check_graph(index);
	cr_assert_eq(ask(index, &rnd, 3), 1);
	churn(index, &rnd, ROWS);
	check_graph(index);
	cr_assert_geq(ask(index, &rnd, 60), recall);
	cr_assert_eq(weft_index_stats_read(index, &stats), 0);
	cr_assert_eq(stats.searches_by_graph > 0, kind != WEFT_INDEX_SCAN);
	cr_assert_eq(stats.linked > 0, kind != WEFT_INDEX_SCAN);
	weft_index_unref(index);
}

/* ---- the tests -------------------------------------------------------------------------- */

Test(index, scan_is_exact)
{
	live_with(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8, 1);
}

Test(index, scan_over_floats_is_exact)
{
	live_with(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_NONE, 1);
}

Test(index, scan_over_codes_is_nearly_exact)
{
	live_with(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8_ONLY, 0.9);
}

Test(index, graph_is_nearly_exact)
{
	live_with(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8, 0.97);
}

Test(index, auto_becomes_a_graph)
{
	live_with(WEFT_INDEX_AUTO, WEFT_INDEX_CODES_I8, 0.97);
}

Test(index, graph_over_floats_is_nearly_exact)
{
	live_with(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_NONE, 0.97);
}

Test(index, graph_over_codes_is_nearly_exact)
{
	live_with(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8_ONLY, 0.85);
}

#define INDEXES 5

/* The share that was found of what was asked for with a recall of 0.99, in an index of its own. */
static double found_of_99(uint64_t *rnd)
{
	weft_index *index = make(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
	weft_index_query opt = WEFT_INDEX_QUERY_INIT;
	uint32_t right = 0, all = 0;

	memset(rows, 0, sizeof(rows));
	for (uint32_t id = 0; id < ROWS; id++)
		put(index, rnd, id);
	opt.recall = 0.99f;
	for (uint32_t i = 0; i < 200; i++) {
		weft_index_hit hits[K];
		float q[DIMS];
		int count;

		random_vector(rnd, q);
		count = weft_index_search(index, q, K, &opt, hits);
		right += right_ones(q, NULL, hits, count);
		all += (uint32_t)count;
	}
	weft_index_unref(index);
	return (double)right / all;
}

/*
 * A recall instead of an ef: what was measured on the rows themselves holds for other queries, too. One index finds 0.995 with a
 * deviation of 0.004, and one of 300 less than 0.98; of several that is no matter of chance any more.
 */
Test(index, finds_as_much_as_was_asked_for)
{
	uint64_t rnd = test_seed("index recall");
	double found = 0;

	for (int i = 0; i < INDEXES; i++)
		found += found_of_99(&rnd);
	cr_assert_geq(found / INDEXES, 0.98);
}

Test(index, refuses_what_is_not_valid)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index_query query = WEFT_INDEX_QUERY_INIT;
	float v[DIMS] = { 0 };
	weft_index_hit hits[1];
	weft_index *index;

	cr_assert_eq(weft_index_create(NULL, &index), -EINVAL);
	cr_assert_eq(weft_index_create(&opt, &index), -EINVAL, "no dims");
	opt.dims = WEFT_INDEX_DIMS_MAX + 1;
	cr_assert_eq(weft_index_create(&opt, &index), -EINVAL);
	opt.dims = DIMS;
	opt.m = WEFT_INDEX_M_MAX + 1;
	cr_assert_eq(weft_index_create(&opt, &index), -EINVAL);
	index = make(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
	cr_assert_eq(weft_index_put(index, 1, v, NULL), -EINVAL, "of length zero");
	v[3] = NAN;
	cr_assert_eq(weft_index_put(index, 1, v, NULL), -EINVAL);
	v[3] = INFINITY;
	cr_assert_eq(weft_index_put(index, 1, v, NULL), -EINVAL);
	cr_assert_eq(weft_index_search(index, v, 1, NULL, hits), -EINVAL);
	v[3] = 1e-30f;
	cr_assert_eq(weft_index_put(index, 1, v, NULL), 0, "tiny is fine");
	v[3] = 3e38f;
	v[4] = 3e38f;
	cr_assert_eq(weft_index_put(index, 2, v, NULL), 0, "huge is fine");
	cr_assert_eq(weft_index_search(index, v, 1, NULL, hits), 1);
	cr_assert_eq(hits[0].id, 2);
	cr_assert_eq(weft_index_search(index, v, 0, NULL, hits), 0);
	query.recall = 1.5f;
	cr_assert_eq(weft_index_search(index, v, 1, &query, hits), -EINVAL);
	cr_assert_eq(weft_index_delete(index, 3), -ENOENT);
	cr_assert_eq(weft_index_get(index, 3, v, NULL), -ENOENT);
	weft_index_unref(index);
}

Test(index, equal_vectors_share_a_row)
{
	weft_index *index = make(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	weft_index_attrs attrs = { .room = 5 };
	const uint64_t ids_of_a[] = { 1, 2, 4, 5 };
	float a[DIMS] = { 1, 2, 3 }, b[DIMS] = { 3, -2, 1 }, back[DIMS];
	weft_index_hit hits[K];

	for (uint64_t id = 0; id < 6; id++)
		cr_assert_eq(weft_index_put(index, id, id % 3 ? a : b, NULL), 0);
	cr_assert_eq(weft_index_stats_read(index, &stats), 0);
	cr_assert_eq(stats.ids, 6);
	cr_assert_eq(stats.rows, 2);
	cr_assert_eq(weft_index_search(index, a, K, NULL, hits), 6);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(hits[i].id, ids_of_a[i], "by id");
		cr_assert_eq(hits[i].row, hits[0].row);
	}
	cr_assert_eq(weft_index_put(index, 1, a, &attrs), 0, "attributes alone");
	cr_assert_eq(weft_index_get(index, 1, back, &attrs), 0);
	cr_assert_eq(attrs.room, 5);
	cr_assert_float_eq(back[1], 2 / sqrt(14), 1e-6);
	for (uint64_t id = 0; id < 6; id++)
		cr_assert_eq(weft_index_delete(index, id), 0);
	cr_assert_eq(weft_index_search(index, a, K, NULL, hits), 0);
	weft_index_unref(index);
}

/* A byte a dimension is searched by, and three are kept: scores are right to what floats give. */
Test(index, scores_are_as_right_as_those_of_floats)
{
	uint64_t rnd = test_seed("index scores");
	weft_index *index = make(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);

	memset(rows, 0, sizeof(rows));
	for (uint32_t id = 0; id < ROWS; id++)
		put(index, &rnd, id);
	for (uint32_t i = 0; i < 100; i++) {
		weft_index_hit hits[K];
		float q[DIMS];

		random_vector(&rnd, q);
		for (int n = weft_index_search(index, q, K, NULL, hits); n--;)
			cr_assert_float_eq(hits[n].score, cosine(q, rows[hits[n].id].v), 1e-6);
	}
	weft_index_unref(index);
}

/* What is read of a row, put again, is that row: a store that is written down and read in does not grow. */
static void come_back_to_its_row(weft_index_codes codes)
{
	uint64_t rnd = test_seed("index again");
	weft_index *index = make(WEFT_INDEX_SCAN, codes);
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;

	for (uint64_t id = 0; id < ROWS; id++) {
		float v[DIMS], once[DIMS], twice[DIMS];

		random_vector(&rnd, v);
		cr_assert_eq(weft_index_put(index, id, v, NULL), 0);
		cr_assert_eq(weft_index_get(index, id, once, NULL), 0);
		cr_assert_eq(weft_index_put(index, ROWS + id, once, NULL), 0);
		cr_assert_eq(weft_index_get(index, ROWS + id, twice, NULL), 0);
		cr_assert(!memcmp(once, twice, sizeof(once)), "id %u", (unsigned)id);
	}
	cr_assert_eq(weft_index_stats_read(index, &stats), 0);
	cr_assert_eq(stats.ids, 2 * ROWS);
	cr_assert_eq(stats.rows, ROWS);
	weft_index_unref(index);
}

Test(index, a_vector_that_was_read_is_the_same_row)
{
	come_back_to_its_row(WEFT_INDEX_CODES_I8);
	come_back_to_its_row(WEFT_INDEX_CODES_NONE);
}

/* ---- files -------------------------------------------------------------------------------- */

static const char *file_name(char room[64])
{
	const char *folder = getenv("TMPDIR");
	int fd;

	snprintf(room, 64, "%.40s/weft-index-XXXXXX", folder ? folder : "/tmp");
	fd = mkstemp(room);
	cr_assert_geq(fd, 0);
	close(fd);
	return room;
}

/* Saved and opened again it is the same, and goes on living; and once more. */
static void come_back(weft_index_kind kind, weft_index_codes codes, double recall)
{
	uint64_t rnd = test_seed("index file");
	weft_index *index = make(kind, codes);
	weft_index_open_options opt = WEFT_INDEX_OPEN_OPTIONS_INIT;
	weft_error err;
	char room[64];
	const char *path = file_name(room);

	opt.verify = true;
	memset(rows, 0, sizeof(rows));
	for (uint32_t round = 0; round < 4; round++) {
		churn(index, &rnd, ROWS);
		cr_assert_eq(weft_index_save(index, path), 0);
		weft_index_unref(index);
		cr_assert_eq(weft_index_open(path, round % 2 ? &opt : NULL, &index, &err), 0, "%s", err.message);
		check_counts(index);
		cr_assert_geq(ask(index, &rnd, 60), recall);
		check_graph(index);
	}
	weft_index_unref(index);
	unlink(path);
}

Test(index, comes_back_from_a_file)
{
	come_back(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8, 1);
	come_back(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8, 0.97);
	come_back(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8_ONLY, 0.85);
	come_back(WEFT_INDEX_AUTO, WEFT_INDEX_CODES_NONE, 0.97);
}

Test(index, an_empty_one_comes_back_too)
{
	weft_index *index = make(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
	char room[64];
	const char *path = file_name(room);
	float v[DIMS] = { 1 };
	weft_index_hit hits[K];

	cr_assert_eq(weft_index_save(index, path), 0);
	weft_index_unref(index);
	cr_assert_eq(weft_index_open(path, NULL, &index, NULL), 0);
	cr_assert_eq(weft_index_search(index, v, K, NULL, hits), 0);
	cr_assert_eq(weft_index_put(index, 1, v, NULL), 0);
	cr_assert_eq(weft_index_search(index, v, K, NULL, hits), 1);
	weft_index_unref(index);
	unlink(path);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static char *read_file(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	char *bytes;

	cr_assert_not_null(f);
	fseek(f, 0, SEEK_END);
	*ret_n = (size_t)ftell(f);
	rewind(f);
	bytes = malloc(*ret_n);
	cr_assert_not_null(bytes);
	cr_assert_eq(fread(bytes, 1, *ret_n, f), *ret_n);
	fclose(f);
	return bytes;
}

/* In a folder where others may write: a link in the place of the new file leads nowhere. */
Test(index, is_saved_through_no_link)
{
	weft_index *index = make(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
	char room[64], beside[80], victim[80], *text;
	const char *path = file_name(room);
	size_t n;

	snprintf(beside, sizeof(beside), "%s.new", path);
	snprintf(victim, sizeof(victim), "%s.victim", path);
	write_file(victim, "mine", 4);
	cr_assert_eq(symlink(victim, beside), 0);
	cr_assert_eq(weft_index_save(index, path), 0);
	weft_index_unref(index);
	text = read_file(victim, &n);
	cr_expect(n == 4 && !memcmp(text, "mine", 4));
	free(text);
	cr_assert_eq(weft_index_open(path, NULL, &index, NULL), 0);
	weft_index_unref(index);
	unlink(victim);
	unlink(path);
}

/* One bit is wrong: refused by name and place, or, where nothing stands, not noticed. */
static bool open_damaged(const char *path, uint64_t *rnd)
{
	weft_index_open_options opt = WEFT_INDEX_OPEN_OPTIONS_INIT;
	weft_index *index = NULL;
	weft_error err;
	int r;

	opt.verify = true;
	r = weft_index_open(path, &opt, &index, &err);
	if (!r) {
		check_counts(index);
		cr_assert_geq(ask(index, rnd, 5), 0.9);
		weft_index_unref(index);
		return false;
	}
	cr_assert(r == -EBADMSG || r == -EPROTONOSUPPORT, "%d", r);
	cr_assert_not_null(strstr(err.message, path));
	return true;
}

Test(index, a_damaged_file_is_refused)
{
	uint64_t rnd = test_seed("index damage");
	weft_index *index = make(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
	char room[64], *bytes;
	const char *path = file_name(room);
	uint32_t refused = 0;
	size_t n;

	memset(rows, 0, sizeof(rows));
	churn(index, &rnd, ROWS);
	cr_assert_eq(weft_index_save(index, path), 0);
	weft_index_unref(index);
	bytes = read_file(path, &n);
	for (uint32_t i = 0; i < 200; i++) {
		size_t at = i < 50 ? test_below(&rnd, 300) : test_below(&rnd, (uint32_t)n);
		char was = bytes[at];

		bytes[at] = (char)(was ^ 1 << test_below(&rnd, 8));
		write_file(path, bytes, n);
		refused += open_damaged(path, &rnd);
		bytes[at] = was;
	}
	cr_assert_gt(refused, 150);
	for (uint32_t i = 0; i < 20; i++) {
		write_file(path, bytes, test_below(&rnd, (uint32_t)n));
		cr_assert(open_damaged(path, &rnd), "cut off");
	}
	free(bytes);
	unlink(path);
}

Test(index, a_file_of_another_version_is_refused_by_name)
{
	weft_index *index = make(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
	char room[64], *bytes;
	const char *path = file_name(room);
	weft_error err;
	size_t n;

	cr_assert_eq(weft_index_save(index, path), 0);
	weft_index_unref(index);
	bytes = read_file(path, &n);
	bytes[8] = 1; /* of the time when rows were kept as floats */
	write_file(path, bytes, n);
	cr_assert_eq(weft_index_open(path, NULL, &index, &err), -EPROTONOSUPPORT);
	cr_assert_not_null(strstr(err.message, "version 1"));
	free(bytes);
	unlink(path);
}

static uint32_t allowed;

static bool refuse(void)
{
	return allowed-- == 0;
}

#define ROWS_AFTER 40u /* a refusal: the index goes on */

/* One allocation fails. How many puts were refused: some allocations can be done without. */
static uint32_t put_without_memory(weft_index *index, uint64_t *rnd, uint32_t at)
{
	uint32_t failed = 0;

	memset(rows, 0, sizeof(rows));
	allowed = at;
	weft__alloc_refuse_set(refuse);
	for (uint32_t id = 0, left = ROWS; id < ROWS && left; id++, left--) {
		random_vector(rnd, rows[id].v);
		int r = weft_index_put(index, id, rows[id].v, &rows[id].attrs);

		cr_assert(r == 0 || r == -ENOMEM);
		rows[id].there = !r;
		failed += r < 0;
		left = r < 0 ? ROWS_AFTER : left;
	}
	weft__alloc_refuse_set(NULL);
	return failed;
}

/* Every allocation fails once; the call that failed has changed nothing. */
static void survive_without_memory(weft_index_kind kind, weft_index_codes codes)
{
	uint64_t rnd = test_seed("index oom");
	uint32_t failed = 0;

	for (uint32_t at = 0; at < (kind == WEFT_INDEX_SCAN ? 60 : 25); at++) {
		weft_index *index = make(kind, codes);

		failed += put_without_memory(index, &rnd, at);
		check_counts(index);
		cr_assert_geq(ask(index, &rnd, 5), codes == WEFT_INDEX_CODES_I8_ONLY ? 0.7 : 0.9);
		weft_index_unref(index);
	}
	cr_assert_gt(failed, 10);
}

Test(index, out_of_memory_loses_only_what_it_refused)
{
	survive_without_memory(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
	survive_without_memory(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8_ONLY);
	survive_without_memory(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
}

Test(index, create_fails_cleanly_without_memory)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index = NULL;
	uint32_t at = 0;
	int r;

	opt.dims = DIMS;
	opt.kind = WEFT_INDEX_GRAPH;
	do {
		allowed = at++;
		weft__alloc_refuse_set(refuse);
		r = weft_index_create(&opt, &index);
		weft__alloc_refuse_set(NULL);
		cr_assert(r == 0 || (r == -ENOMEM && !index));
	} while (r < 0);
	cr_assert_gt(at, 2);
	weft_index_unref(index);
}
