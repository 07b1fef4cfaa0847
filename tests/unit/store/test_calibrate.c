/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ef is taken for a recall. Goal: searches leave their queries behind, and a sweep measures with those, so that
 * easy ones are answered by narrow walks and hard ones by wide walks, each with the recall that was asked for.
 * Method: rows in clusters; queries on top of rows, or anywhere between; the truth by a scan (recall 1).
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include <weft/index.h>

#include "store/vector/graph.h"
#include "tests/support/seed.h"

#define DIMS 24u
#define ROWS 1500u
#define K 10u
#define SEARCHES (8 * WEFT__CALIBRATE_QUERIES)
#define ASKED 512u
#define INDEXES 5u

static weft_index *ix;
static float rows[ROWS][DIMS];
static uint64_t seed;

static float any_float(void)
{
	return (float)test_below(&seed, 2000001) / 1000000 - 1;
}

/* Its rows are fifty heaps. */
static void build(void)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	float centre[DIMS] = { 0 };

	opt.dims = DIMS;
	opt.kind = WEFT_INDEX_GRAPH;
	cr_assert_eq(weft_index_create(&opt, &ix), 0);
	for (uint32_t r = 0; r < ROWS; r++) {
		for (uint32_t d = 0; d < DIMS; d++) {
			centre[d] = r % 30 ? centre[d] : any_float();
			rows[r][d] = centre[d] + 0.3f * any_float();
		}
		cr_assert_eq(weft_index_put(ix, r, rows[r], NULL), 0);
	}
	cr_assert_eq(weft_index_sweep(ix), 0);
}

static void up(void)
{
	seed = test_seed("calibrate");
	build();
}

static void down(void)
{
	weft_index_unref(ix);
}

TestSuite(calibrate, .init = up, .fini = down);

static void easy(float *ret)
{
	const float *row = rows[test_below(&seed, ROWS)];

	for (uint32_t d = 0; d < DIMS; d++)
		ret[d] = row[d] + 0.01f * any_float();
}

static void hard(float *ret)
{
	for (uint32_t d = 0; d < DIMS; d++)
		ret[d] = any_float();
}

static int search(const float *q, float recall, uint32_t ef, weft_index_hit *ret)
{
	weft_index_query opt = WEFT_INDEX_QUERY_INIT;
	int n;

	opt.recall = recall;
	opt.ef = ef;
	n = weft_index_search(ix, q, K, &opt, ret);
	cr_assert_eq(n, K);
	return n;
}

/* Leaves enough of them behind. */
static void leave(void (*make)(float *), float recall)
{
	weft_index_hit hits[K];
	float q[DIMS];

	for (uint32_t i = 0; i < SEARCHES; i++) {
		make(q);
		search(q, recall, 0, hits);
	}
}

/* How much of the truth they find. */
static double recall_of(void (*make)(float *), float recall)
{
	weft_index_hit near[K], exact[K];
	uint32_t right = 0;
	float q[DIMS];

	for (uint32_t i = 0; i < ASKED; i++) {
		make(q);
		search(q, recall, 0, near);
		search(q, 1, 0, exact);
		for (uint32_t j = 0; j < K; j++)
			right += near[j].score >= exact[K - 1].score - 1e-5f;
	}
	return (double)right / (ASKED * K);
}

static struct weft__calibration *calibration(void)
{
	return &weft__index_graph(ix)->calibration;
}

/* What the queries that an index makes itself come to is a matter of chance, so it is shown on several indexes. */
Test(calibrate, easy_queries__narrower_walks_that_find_as_much)
{
	uint32_t before = 0, after = 0;
	double recall;

	for (uint32_t i = 0; i < INDEXES; i++) {
		if (i) {
			weft_index_unref(ix);
			build();
		}
		before += weft__calibrate_ef(ix, 0.99f, K);
		leave(easy, 0.99f);
		cr_assert(calibration()->is_full);
		cr_assert_not(calibration()->from_kept, "nobody wrote or swept");
		cr_assert_eq(weft_index_sweep(ix), 0);
		cr_assert(calibration()->from_kept);
		after += weft__calibrate_ef(ix, 0.99f, K);
	}
	cr_assert_lt(after, before);
	recall = recall_of(easy, 0.99f);
	cr_assert_geq(recall, 0.98, "%f at ef %u", recall, weft__calibrate_ef(ix, 0.99f, K));
}

Test(calibrate, hard_queries__walks_wide_enough)
{
	uint32_t easy_ef, hard_ef;
	double recall;

	leave(easy, 0.9f);
	cr_assert_eq(weft_index_sweep(ix), 0);
	easy_ef = weft__calibrate_ef(ix, 0.9f, K);
	for (uint32_t i = 0; i < 9; i++) /* until they have taken the places of the easy ones */
		leave(hard, 0.9f);
	for (uint32_t r = 0; r < ROWS; r++) { /* grown by more than half, so it is measured again, a query a write */
		float v[DIMS];

		hard(v);
		cr_assert_eq(weft_index_put(ix, ROWS + r, v, NULL), 0);
	}
	hard_ef = weft__calibrate_ef(ix, 0.9f, K);
	recall = recall_of(hard, 0.9f);
	cr_assert_gt(hard_ef, easy_ef);
	cr_assert_geq(recall, 0.88, "%f at ef %u", recall, hard_ef);
}

Test(calibrate, an_ef_of_its_own_or_a_scan__nothing_is_left_behind)
{
	weft_index_hit hits[K];
	float q[DIMS];

	for (uint32_t i = 0; i < 2 * SEARCHES; i++) {
		easy(q);
		search(q, 0, 20, hits);
		search(q, 1, 0, hits);
	}
	cr_assert_null(calibration()->kept);
}

/* An open puts all that a saved index has already: nothing of what is due is done for that. */
Test(calibrate, a_put_that_changes_nothing__asks_nothing)
{
	float v[DIMS];

	leave(easy, 0.99f);
	for (uint32_t r = 0; r < 10; r++)
		cr_assert_eq(weft_index_put(ix, r, rows[r], NULL), 0);
	cr_assert_eq(calibration()->asked, 0);
	hard(v);
	cr_assert_eq(weft_index_put(ix, 0, v, NULL), 0);
	cr_assert_eq(calibration()->asked, 1);
}
