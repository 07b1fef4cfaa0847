/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: on real vectors an index finds what is nearest, with the recall that was asked for, also through filters, after its
 * rows have changed, with rows that come again and again, and from a file. Method: answers are judged by true cosines
 * (tests/support/vectors.h), which weft had no part in; the sets of tests/data, and larger ones where WEFT_DATA names them.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#include "tests/support/seed.h"
#include "tests/support/vectors.h"

#define TOP 10u
#define QUERIES 100u
#ifdef WEFT_TESTS_PLAIN_CRITERION_H
#define ROWS 800u /* under a sanitizer */
#else
#define ROWS 2500u
#endif

static const char *const sets[] = { "notes384", "sift128" };

/* The first rows and queries of a set. */
static void load(struct vectors *v, const char *folder, const char *set, uint32_t rows)
{
	char why[1200] = "";

	cr_assert_eq(vectors_load(v, folder, set, why, sizeof(why)), 0, "%s", why);
	v->count = v->count < rows ? v->count : rows;
	v->query_count = v->query_count < QUERIES ? v->query_count : QUERIES;
	cr_assert_eq(vectors_find_truth(v, TOP, NULL, NULL), 0);
}

static weft_index *make(const struct vectors *v, weft_index_kind kind, weft_index_codes codes)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *ix = NULL;

	opt.dims = v->dims;
	opt.kind = kind;
	opt.codes = codes;
	cr_assert_eq(weft_index_create(&opt, &ix), 0);
	return ix;
}

static void put(weft_index *ix, const struct vectors *v, uint32_t row)
{
	uint64_t seed = row;
	weft_index_attrs attrs = { .tags = UINT64_C(1) << (vectors_random(&seed) % 64) };

	if (v->meta) {
		attrs.room = v->meta[row].room;
		attrs.time_ms = (int64_t)v->meta[row].time_ms;
	}
	cr_assert_eq(weft_index_put(ix, row, vectors_row(v, row), &attrs), 0);
}

struct half {
	weft_index *ix;
	const struct vectors *v;
	uint32_t first;
};

static void *put_half(void *user)
{
	const struct half *h = user;

	for (uint32_t i = h->first; i < h->v->count; i += 2)
		put(h->ix, h->v, i);
	return NULL;
}

/* By two threads, each every second row. */
static void fill(weft_index *ix, const struct vectors *v)
{
	struct half even = { ix, v, 0 }, odd = { ix, v, 1 };
	pthread_t other;

	cr_assert_eq(pthread_create(&other, NULL, put_half, &odd), 0);
	put_half(&even);
	pthread_join(other, NULL);
}

/* The share of right answers. Each is complete, in order, and scored as it should be. */
static double recall_of(weft_index *ix, const struct vectors *v, const weft_index_query *query, double tolerance)
{
	uint32_t right = 0, wanted = 0;

	for (uint32_t q = 0; q < v->query_count; q++) {
		weft_index_hit hits[TOP];
		uint32_t ids[TOP];
		int n = weft_index_search(ix, vectors_query(v, q), TOP, query, hits);

		cr_assert_eq(n, (int)vectors_wanted(v, q, TOP), "query %u: %d", q, n);
		for (int i = 0; i < (int)TOP; i++) {
			ids[i] = i < n ? (uint32_t)hits[i].id : VECTORS_NONE;
			if (i >= n)
				continue;
			cr_assert_lt(hits[i].id, v->count);
			cr_expect(i == 0 || hits[i - 1].score >= hits[i].score, "query %u, place %d", q, i);
			cr_expect_float_eq(hits[i].score, vectors_cosine(v, ids[i], q), tolerance, "query %u, place %d", q, i);
		}
		right += vectors_right(v, q, ids, TOP);
		wanted += vectors_wanted(v, q, TOP);
	}
	return wanted ? (double)right / wanted : 1;
}

static void expect_recall(weft_index *ix, const struct vectors *v, const weft_index_query *query, double least, const char *what)
{
	double recall = recall_of(ix, v, query, 1e-5);

	cr_expect_geq(recall, least, "%s: recall %.4f, wanted %.4f", what, recall, least);
}

/* Every row can be reached: all but one in a thousand at any time, all after a sweep. */
static void expect_whole(weft_index *ix, const char *what)
{
	weft_index_report report = WEFT_INDEX_REPORT_INIT;

	cr_assert_eq(weft_index_check(ix, &report), 0);
	cr_expect_gt(report.rows, 0, "%s: no graph", what);
	cr_expect_leq(report.unreachable, report.rows / 1000 + 1, "%s: %llu of %llu rows cannot be reached", what,
	              (unsigned long long)report.unreachable, (unsigned long long)report.rows);
	cr_assert_eq(weft_index_sweep(ix), 0);
	cr_assert_eq(weft_index_check(ix, &report), 0);
	cr_expect_eq(report.unreachable, 0, "%s: %llu of %llu rows cannot be reached after a sweep", what,
	             (unsigned long long)report.unreachable, (unsigned long long)report.rows);
}

/* ---- exact --------------------------------------------------------------------------------------- */

static void check_scan(struct vectors *v)
{
	weft_index *ix = make(v, WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8), *codes = make(v, WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8_ONLY);
	weft_index *floats = make(v, WEFT_INDEX_SCAN, WEFT_INDEX_CODES_NONE);

	fill(ix, v);
	fill(codes, v);
	fill(floats, v);
	expect_recall(ix, v, NULL, 0.999, "codes and floats");
	expect_recall(floats, v, NULL, 1, "floats");
	cr_expect_geq(recall_of(codes, v, NULL, 0.01), 0.9, "codes alone");
	weft_index_unref(ix);
	weft_index_unref(codes);
	weft_index_unref(floats);
}

/* ---- graph ------------------------------------------------------------------------------------------ */

/*
 * A wanted recall is met as far as the index can guess what queries will be like; those of sift128 are harder than its
 * guess, by up to 0.03 of recall.
 */
#define GUESS 0.05

static void check_widths(weft_index *ix, const struct vectors *v)
{
	static const float wanted[] = { 0.9f, 0.95f, 0.99f };
	weft_index_query query = WEFT_INDEX_QUERY_INIT;

	query.ef = 128;
	expect_recall(ix, v, &query, 0.985, "ef 128");
	query.ef = 0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		query.recall = wanted[i];
		expect_recall(ix, v, &query, (double)wanted[i] - GUESS, "by recall");
	}
	query.recall = 1;
	expect_recall(ix, v, &query, 0.999, "exact");
}

struct by_tags {
	uint64_t any;
};

static bool has_tag(const struct vectors *v, uint32_t row, void *user)
{
	uint64_t seed = row;

	(void)v;
	return ((const struct by_tags *)user)->any >> (vectors_random(&seed) % 64) & 1;
}

static bool is_in_room(const struct vectors *v, uint32_t row, void *user)
{
	return v->meta[row].room == *(const uint16_t *)user;
}

static void check_filter(weft_index *ix, struct vectors *v, const weft_index_filter *filter, vectors_allows allows, void *user,
                         const char *what)
{
	weft_index_query query = WEFT_INDEX_QUERY_INIT;

	cr_assert_eq(vectors_find_truth(v, TOP, allows, user), 0);
	query.filter = filter;
	query.recall = 0.99f;
	expect_recall(ix, v, &query, 0.99 - GUESS, what);
	for (uint32_t q = 0; q < v->query_count; q++) {
		weft_index_hit hits[TOP];
		int n = weft_index_search(ix, vectors_query(v, q), TOP, &query, hits);

		for (int i = 0; i < n; i++)
			cr_expect(allows(v, (uint32_t)hits[i].id, user), "%s: row %u is not allowed", what, (uint32_t)hits[i].id);
	}
}

/* 2, 11, 50 and 94 percent (a walk, the others are scanned), a tag that few have, rooms of some rows: most rooms are small. */
static void check_filters(weft_index *ix, struct vectors *v)
{
	static const uint64_t masks[] = { 0x1, 0x7f, 0xffffffff, 0xfffffffffffffff, 0x8000000000000000 };
	uint64_t seed = test_seed("filters");

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		weft_index_filter filter = { .fields = WEFT_INDEX_BY_TAGS_ANY, .tags_any = masks[i] };
		struct by_tags user = { masks[i] };

		check_filter(ix, v, &filter, has_tag, &user, "tags");
	}
	for (int i = 0; v->meta && i < 5; i++) {
		uint16_t room = v->meta[test_below(&seed, v->count)].room;
		weft_index_filter filter = { .fields = WEFT_INDEX_BY_ROOM, .room = room };

		check_filter(ix, v, &filter, is_in_room, &room, "room");
	}
	cr_assert_eq(vectors_find_truth(v, TOP, NULL, NULL), 0);
}

/* What is opened answers as what was saved. */
static void check_saved(weft_index *ix, const struct vectors *v)
{
	char folder[] = "/tmp/weft-index-XXXXXX", path[64];
	weft_index_query query = WEFT_INDEX_QUERY_INIT;
	weft_index *opened = NULL;
	weft_error err = { 0 };

	query.ef = 64;
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/index", folder);
	cr_assert_eq(weft_index_save(ix, path), 0);
	cr_assert_eq(weft_index_open(path, NULL, &opened, &err), 0, "%s", err.message);
	for (uint32_t q = 0; q < v->query_count; q++) {
		weft_index_hit a[TOP], b[TOP];
		int n = weft_index_search(ix, vectors_query(v, q), TOP, &query, a);

		cr_expect_eq(weft_index_search(opened, vectors_query(v, q), TOP, &query, b), n);
		for (int i = 0; i < n; i++)
			cr_expect(a[i].id == b[i].id && a[i].score == b[i].score, "query %u, place %d", q, i);
	}
	weft_index_unref(opened);
	unlink(path);
	rmdir(folder);
}

static void check_graph(struct vectors *v)
{
	weft_index *ix = make(v, WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);

	fill(ix, v);
	expect_whole(ix, "filled by two threads");
	check_widths(ix, v);
	check_filters(ix, v);
	check_saved(ix, v);
	vectors_stray(v, test_seed("strange"));
	cr_assert_eq(vectors_find_truth(v, TOP, NULL, NULL), 0);
	expect_recall(ix, v, &(weft_index_query){ .size = sizeof(weft_index_query), .ef = 256 }, 0.97, "strange queries");
	weft_index_unref(ix);
}

#define CHANCE 0.015 /* a thousand answers, of graphs that two threads made */

/* ---- changes ------------------------------------------------------------------------------------------- */

static bool is_odd(const struct vectors *v, uint32_t row, void *user)
{
	(void)v;
	(void)user;
	return row % 2 == 1;
}

/* Half of the set is indexed. Five times a fifth of it gets vectors of the other half; then every second row goes. */
static void check_changes(struct vectors *v)
{
	weft_index *ix = make(v, WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8), *fresh = make(v, WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
	weft_index_query query = WEFT_INDEX_QUERY_INIT;
	uint64_t seed = test_seed("changes");
	double changed, anew;

	query.ef = 64;
	v->count /= 2;
	fill(ix, v);
	for (uint32_t i = 0; i < v->count; i++) {
		uint32_t row = test_below(&seed, v->count);

		vectors_swap(v, row, v->count + i);
		put(ix, v, row);
	}
	expect_whole(ix, "replaced");
	fill(fresh, v);
	cr_assert_eq(vectors_find_truth(v, TOP, NULL, NULL), 0);
	changed = recall_of(ix, v, &query, 1e-5);
	anew = recall_of(fresh, v, &query, 1e-5);
	cr_expect_geq(changed, anew - CHANCE, "recall %.4f, of a fresh index %.4f", changed, anew);
	for (uint32_t i = 0; i < v->count; i += 2)
		cr_assert_eq(weft_index_delete(ix, i), 0);
	expect_whole(ix, "deleted");
	cr_assert_eq(vectors_find_truth(v, TOP, is_odd, NULL), 0);
	expect_recall(ix, v, &query, anew - CHANCE, "deleted");
	for (uint32_t i = 1; i < v->count; i += 2)
		cr_assert_eq(weft_index_delete(ix, i), 0);
	cr_expect_eq(weft_index_search(ix, vectors_query(v, 0), TOP, &query, (weft_index_hit[TOP]){ 0 }), 0, "nothing is left");
	put(ix, v, 3);
	cr_expect_eq(weft_index_search(ix, vectors_query(v, 0), TOP, &query, (weft_index_hit[TOP]){ 0 }), 1, "and it goes on");
	weft_index_unref(ix);
	weft_index_unref(fresh);
}

static void check_repeated(struct vectors *v)
{
	weft_index *ix = make(v, WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
	weft_index_query query = WEFT_INDEX_QUERY_INIT;
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;

	query.ef = 128;
	vectors_repeat(v, test_seed("repeated"));
	cr_assert_eq(vectors_find_truth(v, TOP, NULL, NULL), 0);
	fill(ix, v);
	expect_recall(ix, v, &query, 0.985, "half of the rows are five");
	cr_assert_eq(weft_index_stats_read(ix, &stats), 0);
	cr_expect_eq(stats.ids, v->count);
	cr_expect_leq(stats.rows, v->count / 2 + 1, "one row a vector");
	weft_index_unref(ix);
}

/* ---- the sets ---------------------------------------------------------------------------------------------- */

static void with_sets(void (*check)(struct vectors *v))
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct vectors v;

		load(&v, WEFT_TEST_DATA, sets[i], ROWS);
		check(&v);
		vectors_free(&v);
	}
}


Test(index_data, scan__finds_the_nearest, .timeout = 120)
{
	with_sets(check_scan);
}

Test(index_data, graph__finds_them_with_the_recall_that_was_asked_for, .timeout = 170)
{
	with_sets(check_graph);
}

Test(index_data, changed__is_as_good_as_new, .timeout = 170)
{
	with_sets(check_changes);
}

Test(index_data, repeated_rows__hide_nothing, .timeout = 120)
{
	with_sets(check_repeated);
}

Test(index_data, larger_sets__where_they_are, .timeout = 170)
{
	static const char *const larger[] = { "notes384", "mnist784" };
	const char *folder = getenv("WEFT_DATA");

	if (!folder || !*folder)
		cr_skip_test("WEFT_DATA names no folder of larger sets");
	for (size_t i = 0; i < sizeof(larger) / sizeof(larger[0]); i++) {
		struct vectors v;

		load(&v, folder, larger[i], 20000);
		check_graph(&v);
		vectors_free(&v);
	}
}
