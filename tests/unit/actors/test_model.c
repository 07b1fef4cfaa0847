/* SPDX-License-Identifier: Apache-2.0 */
/* model: priorities, fallback, pending handlers and usage, without an agent. */
#include "actors/model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static weft_models *models;
static weft_arena *arena;
static int destroyed;

static void setup(void)
{
	destroyed = 0;
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
	weft_arena_destroy(arena);
}

TestSuite(model, .init = setup, .fini = teardown);

static int say(weft_model_call *call, void *user)
{
	call->response->text = weft_str_from(user);
	return 0;
}

static int say_with_usage(weft_model_call *call, void *user)
{
	call->response->usage = (weft_model_usage){ .prompt_tokens = 11, .completion_tokens = 3 };
	return say(call, user);
}

static int fail(weft_model_call *call, void *user)
{
	call->response->text = WEFT_STR("half an answer");
	return user ? weft_error_set(call->error, -EIO, "%s", (const char *)user) : -ETIMEDOUT;
}

static void *finish_soon(void *arg)
{
	weft_model_call *call = arg;

	usleep(2000);
	call->response->text = weft_arena_dup(call->arena, WEFT_STR("late"));
	weft_model_chunk(call, WEFT_STR("la"));
	weft_model_finish(call, 0);
	return NULL;
}

static void *fail_soon(void *call)
{
	usleep(2000);
	weft_model_finish(call, -ECONNRESET);
	return NULL;
}

static int pending(weft_model_call *call, void *user)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, user, call), 0);
	pthread_detach(thread);
	return WEFT_PENDING;
}

static void count_destroy(void *user)
{
	(void)user;
	destroyed++;
}

static int add(int priority, weft_model_fn fn, const void *user)
{
	return weft_models_add(models, WEFT_MODEL_TEXT_LARGE, priority, "m", fn, (void *)(uintptr_t)user, NULL);
}

static int ask(weft_model_response *response, weft_error *err)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("hello") };

	return weft_models_call(models, &request, arena, response, err);
}

static bool says(const char *text)
{
	weft_model_response response;
	weft_error err = { 0 };

	cr_assert_eq(ask(&response, &err), 0, "%s", err.message);
	return weft_str_eq(response.text, weft_str_from(text));
}

Test(model, call__asks_the_highest_priority_then_the_first_added)
{
	cr_assert_eq(add(0, say, "zero"), 0);
	cr_assert(says("zero"));
	cr_assert_eq(add(-5, say, "less"), 0);
	cr_assert(says("zero"));
	cr_assert_eq(add(10, say, "ten"), 0);
	cr_assert_eq(add(10, say, "ten again"), 0);
	cr_assert(says("ten"));
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_LARGE), 4);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_SMALL), 0);
}

Test(model, call__falls_back_when_a_handler_fails)
{
	cr_assert_eq(add(3, fail, "broken"), 0);
	cr_assert_eq(add(2, pending, (void *)fail_soon), 0);
	cr_assert_eq(add(1, pending, (void *)finish_soon), 0);
	cr_assert_eq(add(0, say, "never"), 0);
	cr_assert(says("late"));
}

static int no_schema(weft_model_call *call, void *user)
{
	(void)call;
	(void)user;
	return WEFT_ESCHEMA;
}

Test(model, call__falls_back_when_a_handler_speaks_of_a_schema)
{
	cr_assert_eq(add(1, no_schema, NULL), 0);
	cr_assert_eq(add(0, say, "next"), 0);
	cr_assert(says("next"));
}

Test(model, call__says_why_the_last_one_failed)
{
	weft_model_response response;
	weft_error err = { 0 };

	cr_assert_eq(ask(&response, &err), WEFT_ENOMODEL);
	cr_assert(strstr(err.message, "TEXT_LARGE"));
	cr_assert_eq(add(1, fail, NULL), 0);
	cr_assert_eq(ask(&response, &err), WEFT_EMODEL);
	cr_assert(strstr(err.message, weft_strerror(-ETIMEDOUT)));
	cr_assert_eq(add(0, fail, "no credit"), 0);
	cr_assert_eq(ask(&response, &err), WEFT_EMODEL);
	cr_assert(strstr(err.message, "no credit"));
}

Test(model, call__estimates_usage_only_when_none_is_given)
{
	weft_model_response response;

	cr_assert_eq(add(0, say, "four"), 0);
	cr_assert_eq(ask(&response, NULL), 0);
	cr_assert_eq(response.usage.prompt_tokens, 2, "five bytes are two tokens");
	cr_assert_eq(response.usage.completion_tokens, 1);
	cr_assert(response.usage.estimated);
	cr_assert_eq(add(1, say_with_usage, "x"), 0);
	cr_assert_eq(ask(&response, NULL), 0);
	cr_assert_eq(response.usage.prompt_tokens, 11);
	cr_assert_not(response.usage.estimated);
}

Test(model, add__refuses_bad_input)
{
	weft_model_response response;
	weft_model_request request = { .type = (weft_model_type)99 };

	cr_assert_eq(weft_models_create(NULL), -EINVAL);
	cr_assert_eq(weft_models_add(NULL, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL), -EINVAL);
	cr_assert_eq(weft_models_add(models, (weft_model_type)99, 0, "m", say, NULL, NULL), -EINVAL);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, NULL, say, NULL, NULL), -EINVAL);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", NULL, NULL, NULL), -EINVAL);
	cr_assert_eq(weft_models_call(models, &request, arena, &response, NULL), -EINVAL);
	cr_assert_eq(weft_models_call(models, NULL, arena, &response, NULL), -EINVAL);
	cr_assert_eq(weft_models_count(NULL, WEFT_MODEL_TEXT_LARGE), 0);
}

Test(model, unref__destroys_each_handler_once)
{
	weft_models *m;

	cr_assert_eq(weft_models_create(&m), 0);
	cr_assert_eq(weft_models_add(m, WEFT_MODEL_TEXT_SMALL, 0, "a", say, NULL, count_destroy), 0);
	cr_assert_eq(weft_models_add(m, WEFT_MODEL_TEXT_LARGE, 0, "b", say, NULL, count_destroy), 0);
	weft_models_unref(weft_models_ref(m));
	cr_assert_eq(destroyed, 0);
	weft_models_unref(m);
	cr_assert_eq(destroyed, 2);
	weft_models_unref(NULL);
}

Test(model, names__are_never_null)
{
	cr_assert_str_eq(weft_model_type_name(WEFT_MODEL_TEXT_EMBEDDING), "TEXT_EMBEDDING");
	cr_assert_str_eq(weft_model_type_name((weft_model_type)77), "UNKNOWN");
	cr_assert_str_eq(weft_role_name(WEFT_ROLE_ASSISTANT), "assistant");
	cr_assert_str_eq(weft_role_name((weft_role)77), "unknown");
	cr_assert_eq(weft__tokens_of(0), 0);
	cr_assert_eq(weft__tokens_of(5), 2);
}
