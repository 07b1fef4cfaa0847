/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings that go together. Goal: each text gets its own row, whoever it went with; a text goes at once when the
 * handler is idle; batches have one model and no more texts than they may. Method: threads that ask for texts whose
 * embedding can be told from the text; a handler that answers later, or at once, or not as it should.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/model.h"
#include "tests/support/seed.h"

#define DIMS 4u
#define ASKERS 8u
#define TEXTS 50u /* of each */
#define TOGETHER 5u

static weft_models *models;
static uint32_t calls, texts, largest;
static int fails_from; /* a call of more texts fails; 0: none */

/* A text is a number; its row is the number and the length that was wanted. */
static void embed(weft_model_call *call)
{
	const weft_model_request *r = call->request;
	float *rows = weft_arena_calloc(call->arena, r->input_count * DIMS * sizeof(*rows));

	for (uint32_t i = 0; i < r->input_count; i++) {
		rows[i * DIMS] = (float)atoi(r->inputs[i].ptr);
		rows[i * DIMS + 1] = (float)r->embedding_dims;
	}
	call->response->embedding = rows;
	call->response->embedding_dims = DIMS;
	call->response->embedding_count = r->input_count;
	call->response->usage.prompt_tokens = 10 * r->input_count;
}

static int count(weft_model_call *call)
{
	uint32_t n = call->request->input_count, seen = __atomic_load_n(&largest, __ATOMIC_RELAXED);

	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&texts, n, __ATOMIC_RELAXED);
	while (n > seen && !__atomic_compare_exchange_n(&largest, &seen, n, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return fails_from && n >= (uint32_t)fails_from ? -EIO : 0;
}

static int at_once(weft_model_call *call, void *user)
{
	(void)user;
	embed(call);
	return count(call);
}

static void *finish_later(void *arg)
{
	usleep(500);
	embed(arg);
	weft_model_finish(arg, count(arg));
	return NULL;
}

static int later(weft_model_call *call, void *user)
{
	pthread_t thread;

	(void)user;
	cr_assert_eq(pthread_create(&thread, NULL, finish_later, call), 0);
	pthread_detach(thread);
	return WEFT_PENDING;
}

static int too_few(weft_model_call *call, void *user)
{
	(void)user;
	embed(call);
	call->response->embedding_count = 7;
	return 0;
}

static int ask(weft_arena *arena, int number, uint32_t dims, weft_model_response *response)
{
	weft_str text = weft_arena_printf(arena, "%d", number);
	weft_model_request r = { .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = text, .embedding_dims = dims };

	return weft_models_call(models, &r, arena, response, NULL);
}

static void *asks(void *arg)
{
	uint64_t state = *(uint64_t *)arg;
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < TEXTS; i++) {
		int number = (int)test_below(&state, 100000);
		uint32_t dims = 1 + test_below(&state, 2);
		weft_model_response response = { 0 };

		cr_assert_eq(ask(arena, number, dims, &response), 0);
		cr_assert_eq(response.embedding_dims, DIMS);
		cr_assert_eq((int)response.embedding[0], number);
		cr_assert_eq((uint32_t)response.embedding[1], dims, "with its own kind only");
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	return NULL;
}

static void many_ask(weft_model_fn fn)
{
	uint64_t seed = test_seed("gather"), seeds[ASKERS];
	pthread_t threads[ASKERS];

	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_gather_embeddings(models, TOGETHER), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_EMBEDDING, 0, "e", fn, NULL, NULL), 0);
	for (uint32_t i = 0; i < ASKERS; i++) {
		seeds[i] = seed + i;
		cr_assert_eq(pthread_create(&threads[i], NULL, asks, &seeds[i]), 0);
	}
	for (uint32_t i = 0; i < ASKERS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(texts, ASKERS * TEXTS, "each text once");
	cr_expect_leq(largest, TOGETHER);
	weft_models_unref(models);
}

Test(gather, later__each_gets_its_row)
{
	many_ask(later);
	cr_expect_gt(largest, 1, "some went together");
	cr_expect_lt(calls, ASKERS * TEXTS);
}

Test(gather, at_once__each_gets_its_row)
{
	many_ask(at_once);
}

static weft_arena *begin(weft_model_fn fn)
{
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_EMBEDDING, 0, "e", fn, NULL, NULL), 0);
	cr_assert_eq(weft_models_gather_embeddings(models, TOGETHER), 0);
	return arena;
}

Test(gather, alone__goes_alone_and_pays_for_itself)
{
	weft_arena *arena = begin(at_once);
	weft_model_response response;

	cr_assert_eq(ask(arena, 5, 0, &response), 0);
	cr_expect_eq(calls, 1);
	cr_expect_eq(response.usage.prompt_tokens, 10);
	weft_models_unref(models);
	weft_arena_destroy(arena);
}

Test(gather, failures__are_told)
{
	weft_arena *arena = begin(too_few);
	weft_model_response response;

	cr_expect_eq(ask(arena, 5, 0, &response), WEFT_EMODEL);
	weft_models_unref(models);
	weft_arena_destroy(arena);
	arena = begin(at_once);
	fails_from = 1;
	cr_expect_eq(ask(arena, 5, 0, &response), WEFT_EMODEL);
	cr_expect_eq(weft_models_gather_embeddings(models, 0), 0);
	cr_expect_eq(weft_models_gather_embeddings(models, 5000), -EINVAL);
	weft_models_unref(models);
	weft_arena_destroy(arena);
}
