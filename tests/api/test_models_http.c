/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents over HTTP, end to end: a server of blocking threads plays the model, the rest is real. It answers by what it was
 * sent, so a conversation that came wrong gets a wrong answer; it dribbles, hangs, and breaks off.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include <weft/anthropic.h>
#include <weft/event.h>
#include <weft/openai.h>

#include "tests/support/agents.h"
#include "tests/support/talker.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct kit k;
static struct talker t;
static weft_gate *gate;
static uint32_t broken, gone_after; /* for the servers that need them */

static int add(weft_tool_call *call, void *user)
{
	char text[32];
	int64_t a = 0, b = 0;

	(void)user;
	cr_assert(weft_json_get_int(weft_json_find(call->arguments, WEFT_STR("a")), &a));
	cr_assert(weft_json_get_int(weft_json_find(call->arguments, WEFT_STR("b")), &b));
	snprintf(text, sizeof(text), "%lld", (long long)(a + b));
	weft_tool_return(call, weft_str_from(text));
	return 0;
}

/* One chunk of a chunked body, byte by byte when dribble is set. */
static bool chunk(int fd, const char *text, bool dribble)
{
	char line[1200];
	int n = snprintf(line, sizeof(line), "%zx\r\n%s\r\n", strlen(text), text);

	if (!dribble)
		return talker_say(fd, line, (size_t)n);
	for (int i = 0; i < n; i++) {
		if (!talker_say(fd, &line[i], 1))
			return false;
	}
	return true;
}

static bool stream(int fd, const char *const *events, bool dribble)
{
	bool ok = talker_says(fd, HEAD);

	for (; ok && *events; events++)
		ok = chunk(fd, *events, dribble);
	return ok && talker_says(fd, "0\r\n\r\n");
}

/* ---- a model that adds ------------------------------------------------------------------------ */

#define D(delta, reason) "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" reason "}]}\n\n"

/* First two calls at once in pieces; then, if both answers are where they belong, their sum in words. */
static bool openai_model(struct talker *talker, int fd, const char *request, const char *body)
{
	static const char *const calls[] = {
		D("{\"role\":\"assistant\",\"content\":null}", "null"),
		D("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1\"}}]}", "null"),
		D("{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"add\",\"arguments\":\"\"}}]}", "null"),
		D("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{\\\"a\\\":10,\\\"b\\\":\"}},{\"index\":0,\"function\":{\"arguments\":\",\\\"b\\\":2}\"}}]}", "null"),
		D("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"20}\"}}]}", "null"),
		D("{}", "\"tool_calls\""),
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":20}}\n\n",
		"data: [DONE]\n\n", NULL
	};
	static const char *const sum[] = { D("{\"content\":\"3 and\"}", "null"), D("{\"content\":\" 30 \xf0\x9f\x8e\x88\"}", "null"),
		                           D("{}", "\"stop\""), "data: [DONE]\n\n", NULL };
	bool right = strstr(request, "POST /v1/chat/completions HTTP/1.1\r\n") && strstr(body, "\"stream\":true");

	if (!right)
		return talker_says(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
	if (strstr(body, "{\"role\":\"tool\",\"content\":\"3\",\"tool_call_id\":\"a\"},{\"role\":\"tool\",\"content\":\"30\",\"tool_call_id\":\"b\"}"))
		return stream(fd, sum, talker->user != NULL);
	if (!strstr(body, "\"role\":\"tool\""))
		return stream(fd, calls, talker->user != NULL);
	return talker_says(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 18\r\n\r\nnot as it was said");
}

static bool anthropic_model(struct talker *talker, int fd, const char *request, const char *body)
{
	static const char *const calls[] = {
		"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":9}}}\n\n",
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"add\"}}\n\n",
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"SIG\"}}\n\n",
		"data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
		"data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"add\",\"input\":{}}}\n\n",
		"data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":1,\"}}\n\n",
		"data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"b\\\":2}\"}}\n\n",
		"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":5}}\n\n",
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", NULL
	};
	static const char *const sum[] = {
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"It is 3.\"}}\n\n",
		"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\n",
		"data: {\"type\":\"message_stop\"}\n\n", NULL
	};

	if (!strstr(request, "POST /v1/messages HTTP/1.1\r\n") || !strcasestr(request, "\r\nx-api-key: k\r\n"))
		return talker_says(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
	if (strstr(body, "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"add\",\"signature\":\"SIG\"},"
	                 "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"add\",\"input\":{\"a\":1,\"b\":2}}]},"
	                 "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"3\"}]}]"))
		return stream(fd, sum, talker->user != NULL);
	return stream(fd, calls, talker->user != NULL);
}

/* ---- the kit ---------------------------------------------------------------------------------------- */

static weft_gate *quick_gate(void)
{
	weft_gate_options opt = WEFT_GATE_OPTIONS_INIT;
	weft_gate *g;

	opt.retry_first_ns = 1000000;
	opt.retry_cap_ns = 4000000;
	opt.breaker_failures = UINT32_MAX;
	cr_assert_eq(weft_gate_create(&opt, &g, NULL), 0);
	return g;
}

static void begin_with(talker_fn model, void *user, const char *api, weft_openai_options *opt, uint32_t workers)
{
	weft_anthropic_options aopt = WEFT_ANTHROPIC_OPTIONS_INIT;
	weft_error err = { 0 };
	char url[64];

	talker_start(&t, model, user);
	gate = quick_gate();
	kit_init(&k);
	kit_tool(&k, "add", "{\"type\":\"object\",\"required\":[\"a\",\"b\"]}", add, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", t.port, strcmp(api, "openai") ? "" : "/v1");
	opt->base_url = aopt.base_url = url;
	opt->large_model = aopt.large_model = "m";
	opt->proxy = aopt.proxy = "";
	opt->gate = aopt.gate = gate;
	aopt.api_key = "k";
	if (!strcmp(api, "openai"))
		cr_assert_eq(weft_models_add_openai(k.models, 0, opt, &err), 0, "%s", err.message);
	else
		cr_assert_eq(weft_models_add_anthropic(k.models, 0, &aopt, &err), 0, "%s", err.message);
	kit_start(&k, workers);
}

static void begin(talker_fn model, void *user, const char *api)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;

	begin_with(model, user, api, &opt, 2);
}

static void end(void)
{
	kit_end(&k);
	weft_gate_unref(gate);
	talker_end(&t);
}

static const weft_agent_result *result(const weft_msg *answer)
{
	const weft_agent_result *r = weft_agent_result_of(answer);

	cr_assert_not_null(r);
	return r;
}

static void sums(const char *want)
{
	weft_msg *answer = kit_say(&k, "add them");
	const weft_agent_result *r = result(answer);

	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	cr_assert(text_is(r->text, want), "%.*s", WEFT_STR_ARG(r->text));
	cr_assert_eq(r->iterations, 2);
	weft_msg_destroy(answer);
}

/* ---- what works ----------------------------------------------------------------------------------------- */

Test(models_http, openai__tools_run_over_one_connection, .timeout = 120)
{
	begin(openai_model, NULL, "openai");
	sums("3 and 30 \xf0\x9f\x8e\x88");
	sums("3 and 30 \xf0\x9f\x8e\x88");
	end();
	cr_assert_eq(t.requests, 4);
	cr_assert_leq(t.connections, 2, "an agent that moved to another worker has another client");
}

Test(models_http, openai__tools_run_byte_by_byte, .timeout = 120)
{
	begin(openai_model, &t, "openai");
	sums("3 and 30 \xf0\x9f\x8e\x88");
	end();
}

Test(models_http, anthropic__tools_run_and_thoughts_go_back, .timeout = 120)
{
	weft_msg *answer;

	begin(anthropic_model, NULL, "anthropic");
	answer = kit_say(&k, "add them");
	cr_assert_eq(result(answer)->status, 0, "%.*s", WEFT_STR_ARG(result(answer)->error));
	cr_assert(text_is(result(answer)->text, "It is 3."));
	cr_assert_eq(result(answer)->tool_calls, 1);
	weft_msg_destroy(answer);
	end();
	begin(anthropic_model, &t, "anthropic");
	sums("It is 3.");
	end();
}

Test(models_http, openai__many_agents_at_once, .timeout = 120)
{
	enum { AGENTS = 48 };
	weft_future *futures[AGENTS];
	weft_ask ask = WEFT_ASK_INIT;
	uint32_t right = 0;

	begin(openai_model, NULL, "openai");
	ask.input = WEFT_STR("add them");
	ask.end_after = true;
	for (int i = 0; i < AGENTS; i++) {
		weft_ref agent;

		cr_assert_eq(weft_future_create(k.rt, &futures[i]), 0);
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agent), 0);
		cr_assert_eq(weft_agent_ask(agent, &ask, weft_reply_to_future(futures[i])), 0);
	}
	for (int i = 0; i < AGENTS; i++) {
		weft_msg *answer;

		cr_assert_eq(weft_future_wait_until(futures[i], &answer, weft_now_ns() + TEST_LONG), 0);
		right += text_is(result(answer)->text, "3 and 30 \xf0\x9f\x8e\x88");
		weft_msg_destroy(answer);
		weft_future_destroy(futures[i]);
	}
	cr_assert_eq(right, AGENTS);
	end();
	cr_assert_eq(t.requests, 2 * AGENTS, "each question was asked once");
}

/* ---- what does not ------------------------------------------------------------------------------------------ */

static uint32_t was_read; /* what a reset throws away otherwise */

static void wait_until_read(void)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (!__atomic_load_n(&was_read, __ATOMIC_ACQUIRE) && weft_now_ns() < until)
		usleep(1000);
}

/* The first so many answers break off in the middle of an event, with a reset. */
static bool breaking_model(struct talker *talker, int fd, const char *request, const char *body)
{
	uint32_t n = __atomic_fetch_add(&broken, 1, __ATOMIC_ACQ_REL);

	if (n >= gone_after)
		return openai_model(talker, fd, request, body);
	talker_says(fd, HEAD);
	chunk(fd, D("{\"content\":\"lost\"}", "null") "data: {\"choi", false);
	wait_until_read();
	talker_break(fd);
	return false;
}

Test(models_http, openai__what_nobody_saw_is_asked_again, .timeout = 120)
{
	broken = 0;
	gone_after = 2;
	was_read = true; /* or not: nobody sees it */
	begin(breaking_model, NULL, "openai");
	sums("3 and 30 \xf0\x9f\x8e\x88");
	end();
	cr_assert_eq(t.requests, 4);
}

static void wait_for_a_word(weft_subscription *sub)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	weft_event e[16];

	while (weft_now_ns() < until) {
		int n = weft_events_read(sub, e, 16);

		for (int i = 0; i < n; i++) {
			if (e[i].scope == WEFT_SCOPE_LLM && e[i].type == WEFT_EVENT_PROGRESS)
				return;
		}
		usleep(1000);
	}
	cr_assert_fail("no word came");
}

Test(models_http, openai__what_was_seen_is_not, .timeout = 120)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_subscription *sub;
	weft_future *future;
	weft_msg *answer;

	broken = was_read = 0;
	gone_after = 1;
	begin(breaking_model, NULL, "openai");
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	ask.input = WEFT_STR("add them");
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	wait_for_a_word(sub);
	__atomic_store_n(&was_read, 1, __ATOMIC_RELEASE);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(future);
	cr_assert_eq(result(answer)->status, WEFT_EBROKEN, "%.*s", WEFT_STR_ARG(result(answer)->error));
	cr_assert_gt(result(answer)->error.len_bytes, 20);
	weft_msg_destroy(answer);
	weft_events_unsubscribe(sub);
	end();
	cr_assert_eq(t.requests, 1);
}

/* Says a word, and another one every few milliseconds until the peer goes. */
static bool endless_model(struct talker *talker, int fd, const char *request, const char *body)
{
	(void)talker;
	(void)request;
	(void)body;
	talker_says(fd, HEAD);
	while (chunk(fd, D("{\"content\":\"and \"}", "null"), false)) {
		__atomic_fetch_add(&broken, 1, __ATOMIC_ACQ_REL);
		usleep(2000);
	}
	__atomic_store_n(&gone_after, 1, __ATOMIC_RELEASE);
	return false;
}

Test(models_http, cancel__stops_the_servers_bytes, .timeout = 120)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;
	weft_msg *answer;

	broken = gone_after = 0;
	begin(endless_model, NULL, "openai");
	ask.input = WEFT_STR("tell me");
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	while (__atomic_load_n(&broken, __ATOMIC_ACQUIRE) < 5)
		usleep(1000);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(result(answer)->status, -ECANCELED);
	while (!__atomic_load_n(&gone_after, __ATOMIC_ACQUIRE)) /* the server has noticed */
		usleep(1000);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	end();
}

static bool silent_model(struct talker *talker, int fd, const char *request, const char *body)
{
	char c;

	(void)talker;
	(void)request;
	(void)body;
	talker_says(fd, "HTTP/1.1 200 OK\r\nContent-");
	return recv(fd, &c, 1, 0) > 0; /* until the peer goes */
}

Test(models_http, openai__a_silent_server_is_given_up, .timeout = 120)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
	weft_msg *answer;

	opt.idle_ns = 50000000;
	opt.first_byte_ns = 50000000;
	opt.timeout_ns = 200000000;
	begin_with(silent_model, NULL, "openai", &opt, 1);
	answer = kit_say(&k, "hello?");
	cr_assert_eq(result(answer)->status, WEFT_EMODEL);
	cr_assert(text_has(result(answer)->error, "openai: "), "%.*s", WEFT_STR_ARG(result(answer)->error));
	weft_msg_destroy(answer);
	end();
}

Test(models_http, openai__an_agent_that_ends_leaves_nothing_behind, .timeout = 120)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;
	weft_msg *answer;

	broken = gone_after = 0;
	begin(endless_model, NULL, "openai");
	ask.input = WEFT_STR("tell me");
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	while (__atomic_load_n(&broken, __ATOMIC_ACQUIRE) < 2)
		usleep(1000);
	cr_assert_eq(weft_actor_kill(k.agent), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	end();
	cr_assert_eq(gone_after, 1);
}
