/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of searches over a runtime's workers. Goal: every query has its own answer, the same as a search alone gives, exactly
 * one message comes for a batch whatever happens to the runtime, and what had no turn says so.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define DIMS 16u
#define ROWS 500u
#define QUERIES 333u
#define K 5u

static float queries[QUERIES][DIMS];
static weft_index_hit hits[QUERIES][K];
static int found[QUERIES];

static void random_vector(uint64_t *rnd, float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(rnd, 2001) / 1000.0f - 1.0f;
}

static weft_index *some_index(uint64_t *rnd)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index = NULL;
	float v[DIMS];

	opt.dims = DIMS;
	cr_assert_eq(weft_index_create(&opt, &index), 0);
	for (uint32_t i = 0; i < ROWS; i++) {
		random_vector(rnd, v);
		cr_assert_eq(weft_index_put(index, i, v, &(weft_index_attrs){ .room = i % 3 }), 0);
	}
	for (uint32_t i = 0; i < QUERIES; i++)
		random_vector(rnd, queries[i]);
	return index;
}

static weft_index_batch whole(void)
{
	weft_index_batch b = WEFT_INDEX_BATCH_INIT;

	b.count = QUERIES;
	b.k = K;
	b.queries = queries[0];
	b.ret_hits = hits[0];
	b.ret_found = found;
	return b;
}

static int answer_to(weft_runtime *rt, weft_index *index, const weft_index_batch *b)
{
	weft_future *future = NULL;
	weft_msg *answer = NULL;
	int status;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_index_search_batch(rt, index, b, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_kind(answer), 0);
	status = weft_msg_status(answer);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	return status;
}

Test(batch, each_query_has_its_own_answer)
{
	uint64_t rnd = test_seed("batch");
	weft_runtime *rt = test_runtime(3);
	weft_index *index = some_index(&rnd);
	weft_index_filter filter = { .fields = WEFT_INDEX_BY_ROOM, .room = 1 };
	weft_index_query opt = WEFT_INDEX_QUERY_INIT;
	weft_index_batch b = whole();

	opt.filter = &filter;
	b.opt = &opt;
	for (b.count = 0; b.count <= QUERIES; b.count += b.count < 20 ? 1 : 100) {
		for (uint32_t i = 0; i < QUERIES; i++)
			found[i] = 77;
		cr_assert_eq(answer_to(rt, index, &b), 0);
		for (uint32_t i = 0; i < b.count; i++) {
			weft_index_hit alone[K];

			cr_assert_eq(found[i], weft_index_search(index, queries[i], K, &opt, alone));
			for (int j = 0; j < found[i]; j++)
				cr_assert(hits[i][j].id == alone[j].id && hits[i][j].score == alone[j].score, "query %u, hit %d", i, j);
		}
		for (uint32_t i = b.count; i < QUERIES; i++)
			cr_assert_eq(found[i], 77, "beyond the batch");
	}
	weft_index_unref(index);
	test_runtime_end(rt);
}

Test(batch, a_bad_query_spoils_only_its_own_answer)
{
	uint64_t rnd = test_seed("batch bad");
	weft_runtime *rt = test_runtime(2);
	weft_index *index = some_index(&rnd);
	weft_index_batch b = whole();

	memset(queries[100], 0, sizeof(queries[100]));
	cr_assert_eq(answer_to(rt, index, &b), -EINVAL);
	for (uint32_t i = 0; i < QUERIES; i++)
		cr_assert_eq(found[i], i == 100 ? -EINVAL : (int)K);
	weft_index_unref(index);
	test_runtime_end(rt);
}

static void counted(weft_msg *reply, void *user)
{
	__atomic_add_fetch((uint32_t *)user, 1, __ATOMIC_ACQ_REL);
	weft_msg_destroy(reply);
}

/* The runtime goes away at once: one answer for each batch, and every query has its answer or -ECANCELED. */
Test(batch, a_runtime_that_stops_answers_once)
{
	uint64_t rnd = test_seed("batch stop");

	for (int round = 0; round < 50; round++) {
		weft_runtime *rt = test_runtime(2);
		weft_index *index = some_index(&rnd);
		weft_index_batch b = whole();
		uint32_t answers = 0;

		cr_assert_eq(weft_index_search_batch(rt, index, &b, weft_reply_to_call(counted, &answers)), 0);
		weft_index_unref(index); /* it is held */
		if (test_below(&rnd, 2))
			weft_runtime_stop(rt, 0);
		weft_runtime_destroy(rt);
		cr_assert_eq(__atomic_load_n(&answers, __ATOMIC_ACQUIRE), 1);
		for (uint32_t i = 0; i < QUERIES; i++)
			cr_assert(found[i] == (int)K || found[i] == -ECANCELED, "%d", found[i]);
	}
}

Test(batch, refuses_what_is_not_valid)
{
	uint64_t rnd = test_seed("batch refused");
	weft_runtime *rt = test_runtime(1);
	weft_index *index = some_index(&rnd);
	weft_index_batch good = whole(), b;
	uint32_t answers = 0;
	weft_reply_to to = weft_reply_to_call(counted, &answers);

	cr_assert_eq(weft_index_search_batch(NULL, index, &good, to), -EINVAL);
	cr_assert_eq(weft_index_search_batch(rt, NULL, &good, to), -EINVAL);
	cr_assert_eq(weft_index_search_batch(rt, index, NULL, to), -EINVAL);
	cr_assert_eq(weft_index_search_batch(rt, index, &good, weft_reply_to_none()), -EINVAL);
	b = good, b.k = 0;
	cr_assert_eq(weft_index_search_batch(rt, index, &b, to), -EINVAL);
	b = good, b.queries = NULL;
	cr_assert_eq(weft_index_search_batch(rt, index, &b, to), -EINVAL);
	b = good, b.ret_found = NULL;
	cr_assert_eq(weft_index_search_batch(rt, index, &b, to), -EINVAL);
	b = good, b.size = 0;
	cr_assert_eq(weft_index_search_batch(rt, index, &b, to), -EINVAL);
	weft_index_unref(index);
	test_runtime_end(rt);
	cr_assert_eq(answers, 0);
}
