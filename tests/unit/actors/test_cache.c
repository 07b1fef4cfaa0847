/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembered answers, without an agent. Goal: an equal request is not asked twice, one that differs in anything is; what
 * must not be remembered is not; many who ask at once are one call, whose fate they share. Method: handlers that count;
 * threads that ask while a handler waits for all of them.
 */
#include <weft/cache.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/model.h"

static weft_models *models;
static weft_cache *cache;
static weft_arena *arena;
static uint32_t calls;
static weft_model_response answer; /* of the handler */
static int answer_status;

static int say(weft_model_call *call, void *user)
{
	(void)user;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	*call->response = answer;
	return answer_status;
}

static void begin(const weft_cache_options *opt)
{
	calls = 0;
	answer = (weft_model_response){ .text = WEFT_STR("an answer"), .usage = { .prompt_tokens = 7, .completion_tokens = 3 } };
	answer_status = 0;
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_cache_create(opt, &cache), 0);
	cr_assert_eq(weft_models_set_cache(models, cache), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void end(void)
{
	weft_models_unref(models);
	weft_cache_unref(cache);
	weft_arena_destroy(arena);
}

static weft_model_request request(void)
{
	return (weft_model_request){ .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("hello"), .temperature = 0.5f };
}

static weft_model_response ask(const weft_model_request *r)
{
	weft_model_response response = { 0 };
	weft_error err = { 0 };

	cr_assert_eq(weft_models_call(models, r, arena, &response, &err), 0, "%s", err.message);
	return response;
}

static weft_cache_stats stats(void)
{
	weft_cache_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_cache_stats_read(cache, &s), 0);
	return s;
}

Test(cache, equal__is_answered_from_memory)
{
	weft_model_request r = request();
	weft_model_response first, second;

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	first = ask(&r);
	second = ask(&r);
	cr_expect_eq(calls, 1);
	cr_expect(weft_str_eq(second.text, WEFT_STR("an answer")));
	cr_expect_neq(second.text.ptr, first.text.ptr, "a copy of its own");
	cr_expect_not(first.cached);
	cr_expect(second.cached);
	cr_expect_eq(first.usage.prompt_tokens, 7);
	cr_expect_eq(second.usage.prompt_tokens + second.usage.completion_tokens, 0, "it cost nothing");
	cr_expect_eq(stats().hits, 1);
	cr_expect_eq(stats().misses, 1);
	cr_expect_eq(stats().answers, 1);
	weft_cache_clear(cache);
	ask(&r);
	cr_expect_eq(calls, 2);
	end();
}

Test(cache, any_difference__is_another_request)
{
	static const weft_chat_message user = { .role = WEFT_ROLE_USER, .content = WEFT_STR("hello") };
	static const weft_chat_message system = { .role = WEFT_ROLE_SYSTEM, .content = WEFT_STR("hello") };
	static const weft_str stop = WEFT_STR("stop");
	static const weft_answer_field must = { .name = WEFT_STR("text"), .required = true };
	static const weft_answer_field may = { .name = WEFT_STR("text") };
	weft_model_request r[16];

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	for (int i = 0; i < 16; i++)
		r[i] = request();
	r[1].temperature = 0.6f;
	r[2].max_tokens = 1;
	r[3].prompt = WEFT_STR("hell");
	r[4].tools_json = WEFT_STR("[]");
	r[5].messages = &user;
	r[6].messages = &system;
	r[5].message_count = r[6].message_count = 1;
	r[7].model = WEFT_STR("x");
	r[8].stop = &stop;
	r[8].stop_count = 1;
	r[9].fields = &must;
	r[10].fields = &may;
	r[9].field_count = r[10].field_count = 1;
	r[11].has_seed = true;
	r[12].has_seed = true;
	r[12].seed = 5;
	r[13].top_p = 0.9f;
	r[14].reasoning_effort = WEFT_STR("x");
	r[15].tool_choice = WEFT_STR("x");
	for (int twice = 0; twice < 2; twice++) {
		for (int i = 0; i < 16; i++)
			ask(&r[i]);
	}
	cr_expect_eq(calls, 16);
	end();
}

Test(cache, errors_and_half_answers__are_not_remembered)
{
	static const weft_tool_request call = { .id = WEFT_STR("1"), .name = WEFT_STR("t"), .arguments_json = WEFT_STR("{}") };
	weft_model_request r = request();
	weft_model_response response;

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	answer_status = -EIO;
	cr_expect_eq(weft_models_call(models, &r, arena, &response, NULL), WEFT_EMODEL);
	answer_status = 0;
	answer.finish = WEFT_FINISH_LENGTH;
	ask(&r);
	answer.finish = WEFT_FINISH_REFUSAL;
	ask(&r);
	answer.finish = WEFT_FINISH_TOOL_CALLS;
	answer.tool_calls = &call;
	answer.tool_call_count = 1;
	ask(&r);
	cr_expect_eq(calls, 4);
	cr_expect_eq(stats().answers, 0);
	end();
}

Test(cache, tool_calls__when_asked_for)
{
	static const weft_tool_request call = { .id = WEFT_STR("1"), .name = WEFT_STR("t"), .arguments_json = WEFT_STR("{}") };
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;
	weft_model_request r = request();
	weft_model_response response;

	o.tool_calls = true;
	begin(&o);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	answer.tool_calls = &call;
	answer.tool_call_count = 1;
	ask(&r);
	response = ask(&r);
	cr_expect_eq(calls, 1);
	cr_expect_eq(response.tool_call_count, 1);
	cr_expect(weft_str_eq(response.tool_calls[0].name, call.name));
	cr_expect_neq(response.tool_calls, &call);
	end();
}

Test(cache, age__ends_it)
{
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;
	weft_model_request r = request();

	o.age_max_ns = 1;
	begin(&o);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	ask(&r);
	usleep(10);
	ask(&r);
	cr_expect_eq(calls, 2);
	cr_expect_eq(stats().expired, 1);
	end();
}

Test(cache, bytes__are_bounded)
{
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;
	weft_model_request r = request();
	char prompt[32];

	o.bytes_max = 1024 * 1024;
	begin(&o);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL);
	for (int i = 0; i < 2000; i++) {
		snprintf(prompt, sizeof(prompt), "prompt %d", i);
		r.prompt = weft_str_from(prompt);
		ask(&r);
		cr_assert_leq(stats().bytes, o.bytes_max);
	}
	cr_expect_eq(stats().answers + stats().evicted, 2000);
	cr_expect_gt(stats().evicted, 1000);
	cr_expect_gt(stats().answers, 100);
	r.prompt = WEFT_STR("prompt 1999");
	ask(&r);
	cr_expect_eq(stats().hits, 1, "the newest stays");
	end();
}

/* ---- at once --------------------------------------------------------------------------------- */

#define ASKERS 8u

static int second(weft_model_call *call, void *user)
{
	(void)user;
	call->response->text = WEFT_STR("the second's");
	return 0;
}

static void *finish_when_all_wait(void *arg)
{
	weft_model_call *call = arg;

	while (stats().joined < ASKERS - 1)
		usleep(100);
	*call->response = answer;
	if (answer_status < 0)
		weft_error_set(call->error, answer_status, "it broke");
	weft_model_finish(call, answer_status);
	return NULL;
}

static int slow(weft_model_call *call, void *user)
{
	pthread_t thread;

	(void)user;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	cr_assert_eq(pthread_create(&thread, NULL, finish_when_all_wait, call), 0);
	pthread_detach(thread);
	return WEFT_PENDING;
}

struct asker {
	pthread_t thread;
	weft_arena *arena;
	weft_model_response response;
	weft_error err;
	int status;
};

static void *asks(void *arg)
{
	struct asker *a = arg;
	weft_model_request r = request();

	a->status = weft_models_call(models, &r, a->arena, &a->response, &a->err);
	return NULL;
}

static void ask_at_once(struct asker *askers)
{
	for (uint32_t i = 0; i < ASKERS; i++) {
		cr_assert_eq(weft_arena_create(0, &askers[i].arena), 0);
		cr_assert_eq(pthread_create(&askers[i].thread, NULL, asks, &askers[i]), 0);
	}
	for (uint32_t i = 0; i < ASKERS; i++)
		pthread_join(askers[i].thread, NULL);
}

static void askers_end(struct asker *askers)
{
	for (uint32_t i = 0; i < ASKERS; i++)
		weft_arena_destroy(askers[i].arena);
}

Test(cache, at_once__one_call_answers_all_and_is_paid_once)
{
	struct asker askers[ASKERS] = { 0 };
	uint32_t tokens = 0, paid = 0;

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", slow, NULL, NULL);
	ask_at_once(askers);
	for (uint32_t i = 0; i < ASKERS; i++) {
		cr_expect_eq(askers[i].status, 0);
		cr_expect(weft_str_eq(askers[i].response.text, WEFT_STR("an answer")));
		tokens += askers[i].response.usage.prompt_tokens;
		paid += !askers[i].response.cached;
	}
	cr_expect_eq(calls, 1);
	cr_expect_eq(paid, 1);
	cr_expect_eq(tokens, 7);
	askers_end(askers);
	end();
}

Test(cache, at_once__a_failure_is_of_all_who_waited)
{
	struct asker askers[ASKERS] = { 0 };

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", slow, NULL, NULL);
	answer_status = -EIO;
	ask_at_once(askers);
	for (uint32_t i = 0; i < ASKERS; i++) {
		cr_expect_eq(askers[i].status, WEFT_EMODEL);
		cr_expect_not_null(strstr(askers[i].err.message, "it broke"));
	}
	cr_expect_eq(calls, 1);
	cr_expect_eq(stats().answers, 0);
	askers_end(askers);
	end();
}

Test(cache, at_once__those_who_failed_together_ask_the_next_one)
{
	struct asker askers[ASKERS] = { 0 };

	begin(NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 1, "m", slow, NULL, NULL);
	weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "n", second, NULL, NULL);
	answer_status = -EIO;
	ask_at_once(askers);
	for (uint32_t i = 0; i < ASKERS; i++) {
		cr_expect_eq(askers[i].status, 0);
		cr_expect(weft_str_eq(askers[i].response.text, WEFT_STR("the second's")));
	}
	cr_expect_eq(calls, 1);
	askers_end(askers);
	end();
}

Test(cache, options__are_checked)
{
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;

	o.size = 1;
	cr_expect_eq(weft_cache_create(&o, &cache), -EINVAL);
	cr_expect_eq(weft_cache_create(NULL, NULL), -EINVAL);
	cr_expect_eq(weft_cache_stats_read(NULL, NULL), -EINVAL);
	weft_cache_unref(NULL);
	weft_cache_clear(NULL);
}
