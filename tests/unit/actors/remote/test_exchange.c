/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote/exchange: a model's call from the handler to its end. Method: the provider's HTTP is replaced by one that plays
 * scripted answers on the same loop, piece by piece, and notes what it was asked; calls without an agent run on the
 * process's own loop, those of agents on a worker's.
 */
#include <weft/openai.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weft/event.h>

#include "actors/model.h"
#include "actors/remote/provider.h"
#include "runtime/io/loop.h"
#include "tests/support/agents.h"

#define KEY "sk-test-9f8e7d6c5b4a39281706"
#define CHUNK(delta, reason) "data: {\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" reason "}]}\n\n"
#define SAY(text) CHUNK("{\"content\":\"" text "\"}", "null")
#define STOP CHUNK("{}", "\"stop\"")
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"
#define DONE "data: [DONE]\n\n"

struct reply {
	int status;
	const char *type, *retry_after;
	const char *pieces[6];
	int done;   /* how it ends */
	bool hangs; /* it ends only when it is cancelled */
	bool holds; /* the loop's thread stands still before the last word, until the test lets it go on */
};

/* One call being played. */
struct play {
	struct weft__job job;
	struct weft__loop *loop;
	struct weft__http_call *call;
	const struct reply *reply;
	int step;
	bool queued, canceled;
};

static struct reply replies[8];
static uint32_t started, canceled, done_calls; /* by loops' threads, one at a time */
static char body[4096], auth[128], url[128];
static int start_fails;
static uint32_t holding, let_go;
static weft_models *models;
static weft_arena *arena;

static void play_on(struct play *p)
{
	if (!p->queued) {
		p->queued = true;
		weft__loop_later(p->loop, &p->job);
	}
}

static void play_end(struct play *p, int status)
{
	struct weft__http_call *call = p->call;

	call->flight = NULL;
	if (status < 0)
		weft_error_set(&call->error, status, "the line says %s", weft_errname(status));
	free(p);
	__atomic_fetch_add(&done_calls, 1, __ATOMIC_ACQ_REL);
	call->done(call, status);
}

static void play_head(const struct play *p)
{
	struct weft__http_field fields[2];
	uint32_t n = 0;

	if (p->reply->type)
		fields[n++] = (struct weft__http_field){ WEFT_STR("Content-Type"), weft_str_from(p->reply->type) };
	if (p->reply->retry_after)
		fields[n++] = (struct weft__http_field){ WEFT_STR("retry-after-ms"), weft_str_from(p->reply->retry_after) };
	p->call->head(p->call, p->reply->status, fields, n);
}

static void play_run(struct weft__job *job)
{
	struct play *p = (struct play *)job; /* its first member */
	const struct reply *r = p->reply;
	int step = p->step++;

	p->queued = false;
	if (p->canceled) {
		play_end(p, -ECANCELED);
		return;
	}
	if (step == 0 && r->status) {
		play_head(p);
	} else if (step > 0 && step <= 6 && r->pieces[step - 1]) {
		p->call->body(p->call, (const uint8_t *)r->pieces[step - 1], strlen(r->pieces[step - 1]));
	} else {
		if (r->holds) {
			__atomic_store_n(&holding, 1, __ATOMIC_RELEASE);
			while (!__atomic_load_n(&let_go, __ATOMIC_ACQUIRE))
				usleep(200);
		}
		if (!r->hangs)
			play_end(p, r->done);
		return;
	}
	play_on(p);
}

static int fake_start(struct weft__loop *loop, struct weft__http_call *call, const struct weft__http_request *req)
{
	uint32_t n = __atomic_fetch_add(&started, 1, __ATOMIC_ACQ_REL);
	struct play *p;

	snprintf(body, sizeof(body), "%.*s", WEFT_STR_ARG(req->body));
	snprintf(url, sizeof(url), "%.*s", WEFT_STR_ARG(req->url));
	snprintf(auth, sizeof(auth), "%.*s",
	         WEFT_STR_ARG(weft__http_find(req->fields, req->field_count, WEFT_STR("authorization"))));
	if (start_fails)
		return weft_error_set(&call->error, start_fails, "the line is not there");
	p = calloc(1, sizeof(*p));
	cr_assert_not_null(p);
	p->job.run = play_run;
	p->loop = loop;
	p->call = call;
	p->reply = &replies[n];
	call->flight = (struct weft__http_flight *)p;
	play_on(p);
	return 0;
}

static void fake_cancel(struct weft__http_call *call)
{
	struct play *p = (struct play *)call->flight;

	if (!p)
		return;
	__atomic_fetch_add(&canceled, 1, __ATOMIC_ACQ_REL);
	p->canceled = true;
	play_on(p);
}

static const struct weft__line fake = { .start = fake_start, .cancel = fake_cancel };

static struct weft__provider *provider_of(weft_models *m, weft_model_type type)
{
	return m->handlers[type][0].user;
}

static void add(weft_models *m, uint32_t flags, weft_gate *gate)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
	weft_error err = { 0 };

	opt.base_url = "http://models.test:8000/v1/";
	opt.api_key = KEY;
	opt.large_model = "large";
	opt.embedding_model = "words";
	opt.flags = flags;
	opt.gate = gate;
	cr_assert_eq(weft_models_add_openai(m, 0, &opt, &err), 0, "%s", err.message);
	provider_of(m, WEFT_MODEL_TEXT_LARGE)->line = &fake;
}

static void setup(void)
{
	memset(replies, 0, sizeof(replies));
	started = canceled = done_calls = 0;
	start_fails = 0;
	holding = let_go = 0;
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
	weft_arena_destroy(arena);
}

TestSuite(exchange, .init = setup, .fini = teardown);

static int call(weft_model_response *res, weft_error *err)
{
	weft_model_request req = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("hi"), .temperature = -1 };

	return weft_models_call(models, &req, arena, res, err);
}

/* A gate whose retries come at once. */
static weft_gate *quick_gate(void)
{
	weft_gate_options opt = WEFT_GATE_OPTIONS_INIT;
	weft_gate *gate;

	opt.retry_first_ns = 1000000;
	opt.retry_cap_ns = 2000000;
	cr_assert_eq(weft_gate_create(&opt, &gate, NULL), 0);
	return gate;
}

/* ---- without an agent --------------------------------------------------------------------- */

Test(exchange, call__streams)
{
	weft_model_response res;
	weft_error err;

	add(models, 0, NULL);
	replies[0] = (struct reply){ .status = 200, .type = "text/event-stream; charset=utf-8",
		                     .pieces = { "data: {\"choi", "ces\":[{\"delta\":{\"content\":\"He\"}}]}\r", "\n\r\n" SAY("llo"), STOP USAGE, DONE } };
	cr_assert_eq(call(&res, &err), 0, "%s", err.message);
	cr_assert(text_is(res.text, "Hello"));
	cr_assert(text_is(res.model, "m1"));
	cr_assert_eq(res.finish, WEFT_FINISH_STOP);
	cr_assert_eq(res.usage.prompt_tokens, 7);
	cr_assert_str_eq(body, "{\"model\":\"large\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true,"
	                       "\"stream_options\":{\"include_usage\":true}}");
	cr_assert_str_eq(auth, "Bearer " KEY);
	cr_assert_str_eq(url, "http://models.test:8000/v1/chat/completions");
}

Test(exchange, call__takes_a_whole_answer_from_a_server_that_does_not_stream)
{
	weft_model_response res;
	weft_error err;

	add(models, 0, NULL);
	replies[0] = (struct reply){ .status = 200, .type = "application/json",
		                     .pieces = { "{\"choices\":[{\"message\":{\"content\":", "\"whole\"},\"finish_reason\":\"stop\"}]}" } };
	cr_assert_eq(call(&res, &err), 0, "%s", err.message);
	cr_assert(text_is(res.text, "whole"));
}

Test(exchange, call__asks_for_whole_answers_when_told_to)
{
	weft_model_response res;
	weft_error err;

	add(models, WEFT_OPENAI_NO_STREAM, NULL);
	replies[0] = (struct reply){ .status = 200, .pieces = { "{\"choices\":[{\"message\":{\"content\":\"whole\"}}]}" } };
	cr_assert_eq(call(&res, &err), 0, "%s", err.message);
	cr_assert(text_is(res.text, "whole"));
	cr_assert_null(strstr(body, "stream"));
}

Test(exchange, call__embeds_several_texts)
{
	static const weft_str texts[] = { { "a", 1 }, { "b", 1 } };
	weft_model_request req = { .type = WEFT_MODEL_TEXT_EMBEDDING, .inputs = texts, .input_count = 2 };
	weft_model_response res;
	weft_error err;

	add(models, 0, NULL);
	replies[0] = (struct reply){ .status = 200, .type = "application/json",
		                     .pieces = { "{\"data\":[{\"index\":1,\"embedding\":[3,4]},{\"index\":0,\"embedding\":[1,2]}]}" } };
	cr_assert_eq(weft_models_call(models, &req, arena, &res, &err), 0, "%s", err.message);
	cr_assert_eq(res.embedding_count, 2);
	cr_assert_float_eq(res.embedding[2], 3, 0);
	cr_assert_str_eq(url, "http://models.test:8000/v1/embeddings");
}

Test(exchange, call__repeats_what_the_gate_says_is_safe)
{
	weft_gate *gate = quick_gate();
	weft_model_response res;
	weft_error err;

	add(models, 0, gate);
	replies[0] = (struct reply){ .status = 429, .retry_after = "1", .pieces = { "{\"error\":{\"message\":\"slow\"}}" } };
	replies[1] = (struct reply){ .done = -ECONNREFUSED };
	replies[2] = (struct reply){ .status = 200, .pieces = { SAY("cut"), SAY(" off") } }; /* nobody has seen it */
	replies[3] = (struct reply){ .status = 200, .pieces = { SAY("all"), STOP, DONE } };
	cr_assert_eq(call(&res, &err), 0, "%s", err.message);
	cr_assert(text_is(res.text, "all"));
	cr_assert_eq(started, 4);
	weft_gate_unref(gate);
}

Test(exchange, call__does_not_repeat_a_refusal)
{
	weft_gate *gate = quick_gate();
	weft_model_response res;
	weft_error err;

	add(models, 0, gate);
	replies[0] = (struct reply){ .status = 401, .type = "application/json",
		                     .pieces = { "{\"error\":{\"message\":\"Incorrect API key", " provided: " KEY "\"}}" } };
	cr_assert_eq(call(&res, &err), WEFT_EMODEL);
	cr_assert_not_null(strstr(err.message, "openai: HTTP 401: Incorrect API key provided: [key]"), "%s", err.message);
	replies[1] = (struct reply){ .status = 429, .retry_after = "1",
		                     .pieces = { "{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}" } };
	cr_assert_eq(call(&res, &err), WEFT_EMODEL);
	cr_assert_not_null(strstr(err.message, "insufficient_quota"));
	cr_assert_eq(started, 2);
	weft_gate_unref(gate);
}

Test(exchange, call__says_how_it_failed)
{
	static const struct {
		struct reply reply;
		const char *says;
	} of[] = {
		{ { .done = -ECONNREFUSED }, "the line says ECONNREFUSED" },
		{ { .status = 200, .pieces = { SAY("a") }, .done = -ECONNRESET }, "the line says ECONNRESET" },
		{ { .status = 200, .pieces = { SAY("a") } }, "ended before the answer did" },
		{ { .status = 200, .pieces = { "data: {\"error\":{\"message\":\"" KEY " broke\"}}\n\n" }, .hangs = true }, "[key] broke" },
		{ { .status = 200, .pieces = { "data: <html>\n\n" }, .hangs = true }, "not JSON" },
		{ { .status = 200, .type = "application/json", .pieces = { "{}" } }, "choices[0].message" },
		{ { .status = 502, .type = "text/html", .pieces = { "<title>Bad Gateway</title>" }, .done = -ECONNRESET }, "HTTP 502: Bad Gateway" },
		{ { .status = 200, .type = "text/html", .pieces = { "<html>sign in</html>" } }, "not JSON" },
		{ { .status = 200, .type = "text/plain", .pieces = { SAY("a") } }, "ended before the answer did" },
		{ { .status = 204 }, "ended before the answer did" },
	};
	weft_model_response res;
	weft_error err;

	add(models, WEFT_OPENAI_NO_GATE, NULL);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		started = 0;
		replies[0] = of[i].reply;
		cr_assert_eq(call(&res, &err), WEFT_EMODEL);
		cr_assert_not_null(strstr(err.message, of[i].says), "%zu: %s", i, err.message);
		cr_assert_null(strstr(err.message, KEY));
		cr_assert_eq(started, 1);
	}
	start_fails = -EINVAL;
	cr_assert_eq(call(&res, &err), WEFT_EMODEL);
	cr_assert_not_null(strstr(err.message, "openai: the line is not there"), "%s", err.message);
}

Test(exchange, call__does_not_wait_for_a_server_that_has_said_it_is_done)
{
	weft_model_response res;
	weft_error err;

	add(models, 0, NULL);
	replies[0] = (struct reply){ .status = 200, .pieces = { SAY("all") STOP DONE SAY("more"), SAY("and more") }, .hangs = true };
	cr_assert_eq(call(&res, &err), 0);
	cr_assert(text_is(res.text, "all"));
	cr_assert_eq(res.finish, WEFT_FINISH_STOP);
	while (!__atomic_load_n(&done_calls, __ATOMIC_ACQUIRE)) /* it is cancelled after a while */
		usleep(1000);
	cr_assert_eq(__atomic_load_n(&canceled, __ATOMIC_ACQUIRE), 1);
}

Test(exchange, call__refuses_what_cannot_be_sent)
{
	weft_model_request req = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("hi"), .tools_json = WEFT_STR("[") };
	weft_model_response res;
	weft_error err;

	add(models, 0, NULL);
	cr_assert_eq(weft_models_call(models, &req, arena, &res, &err), WEFT_EMODEL);
	cr_assert_not_null(strstr(err.message, "tools: "), "%s", err.message);
	cr_assert_eq(started, 0);
}

/* ---- agents ----------------------------------------------------------------------------------- */

static struct kit k;

static void agent_begin(uint32_t flags, weft_gate *gate, uint32_t workers)
{
	kit_init(&k);
	add(k.models, flags, gate);
	kit_start(&k, workers);
}

static weft_future *ask_later(const char *input)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	ask.input = weft_str_from(input);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	return future;
}

static int status_of(weft_future *future, char *ret_error, size_t bytes)
{
	const weft_agent_result *r;
	weft_msg *answer = NULL;
	int status;

	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(future);
	r = weft_agent_result_of(answer);
	status = r ? r->status : -ENODATA;
	if (r)
		snprintf(ret_error, bytes, "%.*s", WEFT_STR_ARG(r->error));
	weft_msg_destroy(answer);
	return status;
}

static void wait_for(const uint32_t *count, uint32_t n)
{
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < n)
		usleep(500);
}

Test(exchange, agent__is_told_the_text_once)
{
	weft_gate *gate = quick_gate();
	weft_event events[64];
	weft_subscription *sub;
	char error[256];
	int chunks = 0, n;

	agent_begin(0, gate, 2);
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	replies[0] = (struct reply){ .status = 503, .retry_after = "1" }; /* repeated: nothing was shown */
	replies[1] = (struct reply){ .status = 200, .pieces = { SAY("Once"), SAY(" upon") }, .done = -ECONNRESET };
	replies[2] = (struct reply){ .status = 200, .pieces = { SAY("never"), STOP, DONE } };
	cr_assert_eq(status_of(ask_later("hi"), error, sizeof(error)), WEFT_EBROKEN);
	cr_assert_not_null(strstr(error, "ECONNRESET"), "%s", error);
	cr_assert_eq(started, 2);
	do {
		n = weft_events_read(sub, events, 64);
		for (int i = 0; i < n; i++) {
			chunks += events[i].scope == WEFT_SCOPE_LLM && events[i].type == WEFT_EVENT_PROGRESS;
			for (uint32_t f = 0; f < events[i].field_count; f++)
				cr_assert_not(events[i].fields[f].kind == WEFT_FIELD_STR && text_has(events[i].fields[f].str, KEY));
		}
	} while (n > 0);
	cr_assert_eq(chunks, 2, "%d", chunks);
	weft_events_unsubscribe(sub);
	kit_end(&k);
	weft_gate_unref(gate);
}

Test(exchange, cancel__stops_the_bytes)
{
	char error[256];
	weft_future *f;

	agent_begin(0, NULL, 2);
	replies[0] = (struct reply){ .status = 200, .pieces = { SAY("Once") }, .hangs = true };
	f = ask_later("hi");
	wait_for(&started, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(status_of(f, error, sizeof(error)), -ECANCELED);
	wait_for(&done_calls, 1);
	cr_assert_eq(canceled, 1);
	cr_assert_eq(started, 1);
	kit_end(&k);
}

/* Told to stop while its last word is on the way: the one that comes last frees it (a sanitizer sees if two do). */
Test(exchange, cancel__that_comes_with_the_end)
{
	char error[256];
	weft_future *f;

	agent_begin(0, NULL, 2);
	replies[0] = (struct reply){ .status = 200, .type = "application/json", .holds = true,
		                     .pieces = { "{\"choices\":[{\"message\":{\"content\":\"late\"}}]}" } };
	f = ask_later("hi");
	wait_for(&holding, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(status_of(f, error, sizeof(error)), -ECANCELED); /* the other worker has told it */
	__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
	wait_for(&done_calls, 1);
	kit_end(&k);
	cr_assert_eq(started, 1);
}

Test(exchange, cancel__ends_a_wait_before_the_gate)
{
	char error[256];
	weft_future *f;

	agent_begin(0, NULL, 1);
	replies[0] = (struct reply){ .status = 429, .retry_after = "50000" };
	f = ask_later("hi");
	wait_for(&done_calls, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(status_of(f, error, sizeof(error)), -ECANCELED);
	kit_end(&k);
	cr_assert_eq(started, 1);
}

Test(exchange, agent__that_is_ended_lets_go_of_its_calls)
{
	weft_future *f[4];
	weft_msg *answer;

	agent_begin(0, NULL, 2);
	for (int i = 0; i < 4; i++) {
		replies[i] = (struct reply){ .status = 200, .pieces = { SAY("Once") }, .hangs = true };
		f[i] = ask_later("hi");
	}
	wait_for(&started, 4);
	cr_assert_eq(weft_actor_kill(k.agent), 0);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(weft_future_wait_until(f[i], &answer, weft_now_ns() + TEST_LONG), 0);
		weft_msg_destroy(answer);
		weft_future_destroy(f[i]);
	}
	wait_for(&done_calls, 4);
	cr_assert_eq(canceled, 4);
	kit_end(&k);
}

Test(exchange, runtime__that_ends_takes_what_waits_with_it)
{
	weft_gate_options opt = WEFT_GATE_OPTIONS_INIT;
	weft_future *f[3];
	weft_gate *gate;

	opt.requests_per_minute = 1;
	opt.requests_burst = 1;
	cr_assert_eq(weft_gate_create(&opt, &gate, NULL), 0);
	agent_begin(0, gate, 2);
	replies[0] = (struct reply){ .status = 200, .pieces = { SAY("Once") }, .hangs = true };
	for (int i = 0; i < 3; i++) /* the others wait for the minute to pass */
		f[i] = ask_later("hi");
	wait_for(&started, 1);
	for (int i = 0; i < 3; i++)
		weft_future_destroy(f[i]);
	cr_assert_eq(weft_actor_kill(k.agent), 0);
	kit_end(&k);
	wait_for(&done_calls, 1);
	weft_gate_unref(gate);
}
