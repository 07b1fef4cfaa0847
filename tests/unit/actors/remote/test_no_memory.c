/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that cannot be had. Goal: each allocation of a provider, a reader, a writer and an exchange may fail; that is an
 * error, nothing is lost, and every call comes to an end. Method: the same work again and again, the n-th allocation of it
 * failing, until it has none left; the exchange's HTTP is played on its own loop.
 */
#include <weft/anthropic.h>
#include <weft/openai.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/anthropic/wire.h"
#include "actors/model.h"
#include "actors/openai/wire.h"
#include "actors/remote/provider.h"
#include "runtime/io/loop.h"
#include "tests/support/failing_alloc.h"

static long left = -1; /* allocations until one fails; -1: none does. Two threads take turns */
static weft_models *models;

static bool test_alloc_fails(void)
{
	return __atomic_load_n(&left, __ATOMIC_RELAXED) >= 0 && __atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED) == 0;
}

static void begin(void)
{
	const weft_allocator failing = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&failing), 0);
}

TestSuite(remote_no_memory, .init = begin);

/* @return how many allocations there were to fail */
static int until_it_works(int (*work)(void))
{
	int n = 0, r;

	cr_assert_eq(work(), 0, "it works with memory");
	do {
		__atomic_store_n(&left, n++, __ATOMIC_RELAXED);
		r = work();
		__atomic_store_n(&left, -1, __ATOMIC_RELAXED);
		cr_assert_leq(r, 0);
	} while (r != 0 && n < 500);
	cr_assert_eq(r, 0);
	return n - 1;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static int feed(int (*data)(void *stream, weft_str text), void *stream, const char *const *events)
{
	for (; *events; events++)
		(void)data(stream, weft_str_from(*events));
	return 0;
}

static int openai_data(void *stream, weft_str text)
{
	return weft__openai_stream_data(stream, text);
}

static int anthropic_data(void *stream, weft_str text)
{
	return weft__anthropic_stream_data(stream, text);
}

static int read_openai(void)
{
	static const char *const events[] = {
		"{\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"<think>why</think>because\",\"reasoning\":\"so\"}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"x\",\"function\":{\"name\":\"g\"}}]},\"finish_reason\":\"stop\"}]}",
		NULL
	};
	struct weft__openai_stream s;
	weft_model_response res;
	weft_error err = { 0 };
	weft_arena *arena;
	int r = weft_arena_create(64, &arena);

	if (r < 0)
		return r;
	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__openai_stream_begin(&s, (weft_str){ 0 });
	feed(openai_data, &s, events);
	r = weft__openai_stream_end(&s, &res);
	cr_assert(r == 0 ? res.tool_call_count == 2 && res.reasoning.len_bytes == 5 : r == -ENOMEM && err.message[0], "%d", r);
	weft_arena_destroy(arena);
	return r;
}

static int read_anthropic(void)
{
	static const char *const events[] = {
		"{\"type\":\"message_start\",\"message\":{\"model\":\"c\"}}",
		"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"s\"}}",
		"{\"type\":\"content_block_stop\",\"index\":0}",
		"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"d\"}}",
		"{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}}",
		"{\"type\":\"message_stop\"}", NULL
	};
	struct weft__anthropic_stream s;
	weft_model_response res;
	weft_error err = { 0 };
	weft_arena *arena;
	int r = weft_arena_create(64, &arena);

	if (r < 0)
		return r;
	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__anthropic_stream_begin(&s, (weft_str){ 0 });
	feed(anthropic_data, &s, events);
	r = weft__anthropic_stream_end(&s, &res);
	cr_assert(r == 0 ? res.tool_call_count == 1 && res.carry_json.len_bytes > 50 : r == -ENOMEM && err.message[0], "%d", r);
	weft_arena_destroy(arena);
	return r;
}

Test(remote_no_memory, readers__say_so)
{
	cr_expect_gt(until_it_works(read_openai), 3);
	cr_expect_gt(until_it_works(read_anthropic), 3);
}

/* ---- providers ----------------------------------------------------------------------------- */

static int provide(void)
{
	static const char *const headers[] = { "X-A: b" };
	weft_anthropic_options anthropic = WEFT_ANTHROPIC_OPTIONS_INIT;
	weft_openai_options openai = WEFT_OPENAI_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_models *m;
	int r = weft_models_create(&m);

	if (r < 0)
		return r;
	openai.base_url = anthropic.base_url = "http://x/v1";
	openai.api_key = anthropic.api_key = "k";
	openai.large_model = openai.small_model = openai.embedding_model = anthropic.large_model = "m";
	openai.organization = "o";
	openai.extra_json = anthropic.extra_json = "{\"a\":1}";
	openai.headers = headers;
	openai.header_count = 1;
	r = weft_models_add_openai(m, 0, &openai, &err);
	if (r == 0)
		r = weft_models_add_anthropic(m, 0, &anthropic, &err);
	cr_assert(r == 0 || err.message[0]);
	weft_models_unref(m);
	return r;
}

Test(remote_no_memory, providers__say_so)
{
	cr_expect_gt(until_it_works(provide), 10);
}

/* ---- an exchange ------------------------------------------------------------------------------ */

/* Plays one answer, each step a job of its own; allocates nothing. */
static struct {
	struct weft__job job;
	struct weft__loop *loop;
	struct weft__http_call *call;
	int step;
	bool canceled, queued;
} play;

static void play_on(void)
{
	if (!play.queued) {
		play.queued = true;
		weft__loop_later(play.loop, &play.job);
	}
}

static void play_run(struct weft__job *job)
{
	static const char text[] = "data: {\"choices\":[{\"delta\":{\"content\":\"some text\"}}]}\n\n"
				   "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
	struct weft__http_call *call = play.call;

	(void)job;
	play.queued = false;
	if (play.canceled || play.step == 3) {
		play.call = NULL;
		call->done(call, play.canceled ? -ECANCELED : 0);
		return;
	}
	if (play.step == 0)
		call->head(call, 200, NULL, 0);
	else /* cut within an event, which then has to be kept */
		call->body(call, (const uint8_t *)text + (play.step == 1 ? 0 : 40), play.step == 1 ? 40 : sizeof(text) - 41);
	play.step++;
	if (play.call == call)
		play_on();
}

static int play_start(struct weft__loop *loop, struct weft__http_call *call, const struct weft__http_request *req)
{
	(void)req;
	play.job.run = play_run;
	play.loop = loop;
	play.call = call;
	play.step = 0;
	play.canceled = play.queued = false;
	play_on();
	return 0;
}

static void play_cancel(struct weft__http_call *call)
{
	if (play.call != call)
		return;
	play.canceled = true;
	play_on();
}

static const struct weft__line line = { .start = play_start, .cancel = play_cancel };

static int exchange(void)
{
	weft_model_request req = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("hi") };
	weft_model_response res;
	weft_error err = { 0 };
	weft_arena *arena;
	int r = weft_arena_create(64, &arena);

	if (r < 0)
		return r;
	r = weft_models_call(models, &req, arena, &res, &err);
	cr_assert(r == 0 ? weft_str_eq(res.text, WEFT_STR("some text")) : err.message[0] != '\0');
	weft_arena_destroy(arena);
	return r;
}

Test(remote_no_memory, exchange__comes_to_an_end, .timeout = 120)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;

	opt.base_url = "http://x/v1";
	opt.large_model = "m";
	opt.flags = WEFT_OPENAI_NO_GATE;
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, NULL), 0);
	((struct weft__provider *)models->handlers[WEFT_MODEL_TEXT_LARGE][0].user)->line = &line;
	cr_expect_gt(until_it_works(exchange), 4);
	weft_models_unref(models);
}
