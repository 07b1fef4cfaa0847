/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches, flights and batches when memory runs out. Goal: a call is answered right or fails with a reason, nothing is lost
 * (the sanitizer builds look), and the next call with memory is as if nothing had been. Method: the n-th allocation fails, for
 * each n there is.
 */
#include <weft/cache.h>

#include <criterion/criterion.h>
#include <errno.h>

#include "actors/model.h"
#include "tests/support/failing_alloc.h"

#define NEVER UINT32_MAX

static uint32_t left = NEVER; /* allocations until one fails */

static bool test_alloc_fails(void)
{
	if (left == NEVER)
		return false;
	return left-- == 0;
}

static int say(weft_model_call *call, void *user)
{
	(void)user;
	call->response->text = weft_arena_dup(call->arena, call->request->prompt);
	return call->response->text.ptr ? 0 : -ENOMEM;
}

static int embed(weft_model_call *call, void *user)
{
	float *row = weft_arena_calloc(call->arena, sizeof(*row));

	(void)user;
	if (!row)
		return -ENOMEM;
	row[0] = 5;
	call->response->embedding = row;
	call->response->embedding_dims = 1;
	return 0;
}

static weft_models *make(weft_cache **ret_cache)
{
	weft_models *models;

	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_EMBEDDING, 0, "e", embed, NULL, NULL), 0);
	cr_assert_eq(weft_models_gather_embeddings(models, 8), 0);
	cr_assert_eq(weft_cache_create(NULL, ret_cache), 0);
	cr_assert_eq(weft_models_set_cache(models, *ret_cache), 0);
	return models;
}

/* One call of each kind; the second finds what the first left. True if no allocation failed. */
static bool play(uint32_t fail_at, weft_model_type type)
{
	weft_cache *cache;
	weft_models *models = make(&cache);
	weft_model_request r = { .type = type, .prompt = WEFT_STR("hello") };
	weft_model_response response;
	weft_arena *arena;
	bool none;

	left = fail_at;
	for (int twice = 0; twice < 2; twice++) {
		int status = weft_arena_create(0, &arena);

		if (status < 0)
			continue;
		status = weft_models_call(models, &r, arena, &response, NULL);
		cr_expect(status == 0 || status == WEFT_EMODEL, "%s", weft_errname(status));
		if (status == 0 && type == WEFT_MODEL_TEXT_LARGE)
			cr_expect(weft_str_eq(response.text, r.prompt));
		if (status == 0 && type == WEFT_MODEL_TEXT_EMBEDDING)
			cr_expect(response.embedding_dims == 1 && response.embedding[0] == 5);
		weft_arena_destroy(arena);
	}
	none = left != NEVER && left > 0;
	left = NEVER;
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_expect_eq(weft_models_call(models, &r, arena, &response, NULL), 0, "as if nothing had been");
	weft_arena_destroy(arena);
	weft_models_unref(models);
	weft_cache_unref(cache);
	return none;
}

Test(cache_no_memory, each_allocation_may_fail)
{
	weft_allocator failing = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&failing), 0);
	for (uint32_t n = 0; !play(n, WEFT_MODEL_TEXT_LARGE); n++)
		cr_assert_lt(n, 1000);
	for (uint32_t n = 0; !play(n, WEFT_MODEL_TEXT_EMBEDDING); n++)
		cr_assert_lt(n, 1000);
}

Test(cache_no_memory, making_one)
{
	weft_allocator failing = test_failing_allocator();
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;
	weft_cache *cache;

	o.near_min = 0.9f;
	cr_assert_eq(weft_allocator_set(&failing), 0);
	for (uint32_t n = 0; n < 2; n++) {
		left = n;
		cr_expect_eq(weft_cache_create(&o, &cache), -ENOMEM);
		left = NEVER;
	}
	cr_assert_eq(weft_cache_create(&o, &cache), 0);
	weft_cache_unref(cache);
}
