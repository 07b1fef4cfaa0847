/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the sets of vectors are what their README says, their nearest rows are the nearest, and a damaged file is told by
 * name. Method: sampled queries are answered again by a plain loop over all rows; files are damaged on purpose.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/seed.h"
#include "tests/support/vectors.h"

static void load(struct vectors *v, const char *folder, const char *set)
{
	char why[1200] = "";

	cr_assert_eq(vectors_load(v, folder, set, why, sizeof(why)), 0, "%s", why);
}

static double plain_cosine(const float *a, const float *b, uint32_t dims)
{
	double sum = 0;

	for (uint32_t i = 0; i < dims; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* The nearest rows of one query: each is as near as it says, in order, and no other row is nearer than the last. */
static void check_query(const struct vectors *v, uint32_t q)
{
	const uint32_t *ids = v->truth_ids + (size_t)q * v->truth_k;
	const float *scores = v->truth_scores + (size_t)q * v->truth_k;
	uint32_t nearer = 0;

	for (uint32_t i = 0; i < v->truth_k; i++) {
		cr_expect_float_eq(plain_cosine(vectors_row(v, ids[i]), vectors_query(v, q), v->dims), scores[i], 1e-6);
		cr_expect(i == 0 || scores[i - 1] >= scores[i], "query %u, place %u", q, i);
	}
	for (uint32_t i = 0; i < v->count; i++)
		nearer += plain_cosine(vectors_row(v, i), vectors_query(v, q), v->dims) > scores[v->truth_k - 1] + 1e-6;
	cr_expect_lt(nearer, v->truth_k, "query %u: %u rows are nearer than the last", q, nearer);
	cr_expect_eq(vectors_right(v, q, ids, v->truth_k), v->truth_k, "query %u", q);
}

static void check_truth(const struct vectors *v, const char *set, uint32_t samples)
{
	uint64_t seed = test_seed(set);

	for (uint32_t i = 0; i < samples; i++)
		check_query(v, test_below(&seed, v->query_count));
}

static void check_lengths(const struct vectors *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		cr_expect_float_eq(plain_cosine(vectors_row(v, i), vectors_row(v, i), v->dims), 1, 1e-5, "row %u", i);
}

Test(data, notes384__is_what_the_readme_says)
{
	struct vectors v;

	load(&v, WEFT_TEST_DATA, "notes384");
	cr_assert(v.count == 4000 && v.query_count == 300 && v.dims == 384 && v.truth_k == 20);
	cr_assert(v.meta && v.query_meta);
	for (uint32_t i = 1; i < v.count; i++)
		cr_expect_leq(v.meta[i - 1].time_ms, v.meta[i].time_ms, "row %u", i);
	check_lengths(&v);
	check_truth(&v, "notes384", 20);
	vectors_free(&v);
}

Test(data, sift128__is_what_the_readme_says)
{
	struct vectors v;

	load(&v, WEFT_TEST_DATA, "sift128");
	cr_assert(v.count == 4000 && v.query_count == 1000 && v.dims == 128 && v.truth_k == 20);
	cr_expect_null(v.meta);
	check_lengths(&v);
	check_truth(&v, "sift128", 20);
	vectors_free(&v);
}

Test(data, larger_sets__where_they_are)
{
	static const char *const sets[] = { "notes384", "mnist784", "sift128" };
	const char *folder = getenv("WEFT_DATA");

	if (!folder || !*folder)
		cr_skip_test("WEFT_DATA names no folder of larger sets");
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct vectors v;

		load(&v, folder, sets[i]);
		check_lengths(&v);
		check_truth(&v, sets[i], 5);
		vectors_free(&v);
	}
}

/* ---- a set of our own, written and damaged ------------------------------------------------------ */

static char folder[] = "/tmp/weft-data-XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/set/%s", folder, name);
	f = fopen(path, "we");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/set/%s", folder, name);
	unlink(path);
}

/* Three rows of two dimensions, one query. */
static void put_set(void)
{
	static const struct {
		uint32_t count, dims;
		float v[6];
	} base = { 3, 2, { 3, 4, 0, 2, -1, 0 } };
	static const struct {
		uint32_t count, dims;
		uint16_t v[2];
	} query = { 1, 2, { 0x3c00, 0x3800 } }; /* 1, 0.5 */
	static const struct {
		uint32_t count, k, ids[2];
		float scores[2];
	} truth = { 1, 2, { 0, 1 }, { 0.89442719f, 0.44721360f } };

	put("base.fbin", &base, sizeof(base));
	put("query.f16bin", &query, sizeof(query));
	put("query.gt", &truth, sizeof(truth));
}

static void folder_make(void)
{
	char path[128];

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/set", folder);
	cr_assert_eq(mkdir(path, 0700), 0);
	put_set();
}

static void folder_drop(void)
{
	char path[128];

	drop("base.fbin");
	drop("base.meta");
	drop("query.f16bin");
	drop("query.gt");
	snprintf(path, sizeof(path), "%s/set", folder);
	rmdir(path);
	rmdir(folder);
}

TestSuite(data_files, .init = folder_make, .fini = folder_drop);

static void expect_refused(int error, const char *needle)
{
	char why[1200] = "";
	struct vectors v = { .count = 77 };

	cr_expect_eq(vectors_load(&v, folder, "set", why, sizeof(why)), error, "%s", why);
	cr_expect(strstr(why, needle) != NULL, "'%s' not in: %s", needle, why);
	cr_expect_eq(v.count, 77, "changed on failure");
}

Test(data_files, a_good_set__is_normalised)
{
	struct vectors v;

	load(&v, folder, "set");
	cr_expect_float_eq(v.rows[0], 0.6, 1e-6);
	cr_expect_float_eq(v.rows[1], 0.8, 1e-6);
	cr_expect_float_eq(v.rows[4], -1, 1e-6);
	cr_expect_float_eq(v.queries[0] / v.queries[1], 2, 1e-6);
	check_query(&v, 0);
	vectors_free(&v);
}

Test(data_files, half_floats__are_read_as_they_are)
{
	/* every kind of number beside a 1: the quotient is the number */
	static const struct {
		uint16_t bits;
		double value;
	} halves[] = { { 0x0000, 0 }, { 0x3555, 0.333251953125 }, { 0xc000, -2 }, { 0x7bff, 65504 }, { 0x0400, 0x1p-14 },
		       { 0x0001, 0x1p-24 }, { 0x83ff, -0x1.ff8p-15 } };
	struct {
		uint32_t count, dims;
		uint16_t v[2];
	} query = { 1, 2, { 0, 0x3c00 } };
	struct vectors v;

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		query.v[0] = halves[i].bits;
		put("query.f16bin", &query, sizeof(query));
		load(&v, folder, "set");
		cr_expect_float_eq((double)v.queries[0] / (double)v.queries[1], halves[i].value, fabs(halves[i].value) * 1e-6);
		vectors_free(&v);
	}
}

Test(data_files, damaged_ones__are_named)
{
	static const uint32_t short_base[] = { 3, 2, 0, 0 }, empty[] = { 0, 2 }, wide[] = { 1, 3, 0, 0, 0 };
	static const uint32_t two[] = { 2, 1, 0, 0, 0, 0 }, stranger[] = { 1, 2, 0, 3, 0, 0 }, longer[] = { 1, 2, 0, 1, 0, 0, 0 };
	static const uint32_t meta[] = { 2, 16, 0, 0, 0, 0, 0, 0, 0, 0 };

	put("base.fbin", short_base, sizeof(short_base));
	expect_refused(-EBADMSG, "base.fbin: ends too early");
	put("base.fbin", empty, sizeof(empty));
	expect_refused(-EBADMSG, "base.fbin: no such count");
	put("base.fbin", wide, sizeof(wide));
	expect_refused(-EBADMSG, "query.f16bin: not of the dimensions");
	put_set();
	put("query.gt", two, sizeof(two));
	expect_refused(-EBADMSG, "query.gt: does not go with the queries");
	put("query.gt", stranger, sizeof(stranger));
	expect_refused(-EBADMSG, "query.gt: names a row that is not there");
	put("query.gt", longer, sizeof(longer));
	expect_refused(-EBADMSG, "query.gt: goes on behind its end");
	put_set();
	put("base.meta", meta, sizeof(meta));
	expect_refused(-EBADMSG, "base.meta: does not go with the rows");
	drop("base.meta");
	drop("query.gt");
	expect_refused(-ENOENT, "query.gt");
}

/* ---- sets that are made ------------------------------------------------------------------------- */

static bool is_even(const struct vectors *v, uint32_t row, void *user)
{
	(void)v;
	(void)user;
	return row % 2 == 0;
}

static bool is_one_of_three(const struct vectors *v, uint32_t row, void *user)
{
	(void)v;
	(void)user;
	return row < 3;
}

Test(data_made, the_same_seed__the_same_set)
{
	struct vectors a, b, c;

	cr_assert_eq(vectors_make(&a, 500, 10, 48, 7), 0);
	cr_assert_eq(vectors_make(&b, 500, 10, 48, 7), 0);
	cr_assert_eq(vectors_make(&c, 500, 10, 48, 8), 0);
	cr_expect_eq(memcmp(a.rows, b.rows, sizeof(float) * 500 * 48), 0);
	cr_expect_eq(memcmp(a.queries, b.queries, sizeof(float) * 10 * 48), 0);
	cr_expect_neq(memcmp(a.rows, c.rows, sizeof(float) * 500 * 48), 0);
	check_lengths(&a);
	cr_assert_eq(vectors_find_truth(&a, 10, NULL, NULL), 0);
	for (uint32_t q = 0; q < a.query_count; q++)
		check_query(&a, q);
	vectors_free(&a);
	vectors_free(&b);
	vectors_free(&c);
}

Test(data_made, truth__keeps_to_the_filter)
{
	struct vectors v;

	cr_assert_eq(vectors_make(&v, 300, 8, 32, 3), 0);
	cr_assert_eq(vectors_find_truth(&v, 10, is_even, NULL), 0);
	for (uint32_t i = 0; i < 8 * 10; i++)
		cr_expect_eq(v.truth_ids[i] % 2, 0);
	cr_expect_eq(vectors_wanted(&v, 0, 10), 10);
	cr_assert_eq(vectors_find_truth(&v, 10, is_one_of_three, NULL), 0);
	cr_expect_eq(vectors_wanted(&v, 0, 10), 3);
	cr_expect_eq(vectors_right(&v, 0, v.truth_ids, 10), 3);
	vectors_free(&v);
}

Test(data_made, repeated__half_of_the_rows_are_five)
{
	struct vectors v;
	uint32_t same = 0;

	cr_assert_eq(vectors_make(&v, 300, 2, 32, 3), 0);
	vectors_repeat(&v, 5);
	cr_expect_eq(v.truth_k, 0);
	for (uint32_t i = 1; i < v.count; i += 2) {
		for (uint32_t j = 0; j < 5; j++)
			same += !memcmp(vectors_row(&v, i), vectors_row(&v, j * 60), sizeof(float) * 32);
	}
	cr_expect_eq(same, 150);
	vectors_free(&v);
}

Test(data_made, strayed__are_farther_from_all_rows)
{
	struct vectors v;
	double before = 0, after = 0;

	cr_assert_eq(vectors_make(&v, 500, 20, 64, 3), 0);
	cr_assert_eq(vectors_find_truth(&v, 1, NULL, NULL), 0);
	for (uint32_t q = 0; q < v.query_count; q++)
		before += (double)v.truth_scores[q] / v.query_count;
	vectors_stray(&v, 4);
	cr_expect_eq(v.truth_k, 0);
	cr_assert_eq(vectors_find_truth(&v, 1, NULL, NULL), 0);
	for (uint32_t q = 0; q < v.query_count; q++) {
		after += (double)v.truth_scores[q] / v.query_count;
		cr_expect_float_eq(plain_cosine(vectors_query(&v, q), vectors_query(&v, q), v.dims), 1, 1e-5);
	}
	cr_expect(after < before * 0.85 && after > before * 0.5, "%f, was %f", after, before);
	vectors_free(&v);
}

Test(data_made, swapped__are_where_the_other_was)
{
	struct vectors v;
	float a[32], b[32];

	cr_assert_eq(vectors_make(&v, 100, 2, 32, 3), 0);
	memcpy(a, vectors_row(&v, 7), sizeof(a));
	memcpy(b, vectors_row(&v, 99), sizeof(b));
	vectors_swap(&v, 7, 99);
	cr_expect_eq(memcmp(a, vectors_row(&v, 99), sizeof(a)), 0);
	cr_expect_eq(memcmp(b, vectors_row(&v, 7), sizeof(b)), 0);
	cr_expect_eq(v.truth_k, 0);
	vectors_free(&v);
}

Test(data_made, right__counts_no_row_twice)
{
	struct vectors v;
	uint32_t ids[4];

	cr_assert_eq(vectors_make(&v, 300, 2, 32, 3), 0);
	cr_assert_eq(vectors_find_truth(&v, 4, NULL, NULL), 0);
	memcpy(ids, v.truth_ids, sizeof(ids));
	cr_expect_eq(vectors_right(&v, 0, ids, 4), 4);
	ids[2] = ids[0];
	cr_expect_eq(vectors_right(&v, 0, ids, 4), 3);
	ids[1] = VECTORS_NONE;
	cr_expect_eq(vectors_right(&v, 0, ids, 4), 2);
	ids[3] = 300;
	cr_expect_eq(vectors_right(&v, 0, ids, 4), 1);
	vectors_free(&v);
}
