/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool loop as a host meets it: what is sent to the model, what comes back,
 * every way it can fail, and the four ways to wait for the answer.
 */
#include "tests/support/agents.h"

#define CITY_SCHEMA "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}"

/* ---- models and tools of the tests ------------------------------------------------------ */

/* Notes what it was asked, as "role:content|...", and answers a fixed text. */
struct recorder {
	char seen[1024];
	const char *answer;
	float temperature;
	uint32_t max_tokens;
	size_t tools_len;
};

static int record(weft_model_call *call, void *user)
{
	struct recorder *r = user;
	const weft_model_request *q = call->request;
	size_t n = 0;

	for (uint32_t i = 0; i < q->message_count; i++)
		n += (size_t)snprintf(r->seen + n, sizeof(r->seen) - n, "%s:%.*s|", weft_role_name(q->messages[i].role),
		                      WEFT_STR_ARG(q->messages[i].content));
	r->temperature = q->temperature;
	r->max_tokens = q->max_tokens;
	r->tools_len = q->tools_json.len_bytes;
	call->response->text = weft_str_from(r->answer);
	return 0;
}

static int fail_model(weft_model_call *call, void *user)
{
	return weft_error_set(call->error, -EIO, "%s", (const char *)user);
}

static int city(weft_tool_call *call, void *user)
{
	weft_str name = { 0 };

	if (user)
		__atomic_fetch_add((int *)user, 1, __ATOMIC_RELAXED);
	weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("city")), &name);
	weft_tool_return(call, name);
	return 0;
}

static int broken(weft_tool_call *call, void *user)
{
	(void)user;
	return weft_tool_fail(call, -EIO, "the wire is cut");
}

/* Finished from a thread of its own: the tool named "slow" later than "quick". */
static void *late_city(void *arg)
{
	weft_tool_call *call = arg;
	weft_str name = { 0 };

	usleep(text_is(call->name, "slow") ? 8000 : 500);
	weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("city")), &name);
	weft_tool_return(call, name);
	weft_tool_finish(call, 0);
	return NULL;
}

static int start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		return -EAGAIN;
	pthread_detach(thread);
	return WEFT_PENDING;
}

static int pending_city(weft_tool_call *call, void *user)
{
	(void)user;
	return start_thread(late_city, call);
}

static void *late_answer(void *arg)
{
	weft_model_call *call = arg;

	usleep(2000);
	call->response->text = weft_arena_printf(call->arena, "late answer to %.*s",
	                                         WEFT_STR_ARG(call->request->messages[1].content));
	weft_model_finish(call, 0);
	return NULL;
}

static int pending_model(weft_model_call *call, void *user)
{
	(void)user;
	return start_thread(late_answer, call);
}

static void *late_failure(void *call)
{
	usleep(1000);
	weft_model_finish(call, -ECONNRESET);
	return NULL;
}

static int pending_failure(weft_model_call *call, void *user)
{
	(void)user;
	return start_thread(late_failure, call);
}

/* ---- what is asked, what is answered ------------------------------------------------------ */

Test(ask, no_tools__answers_with_the_model_s_text)
{
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	kit_start(&k, 1);
	answer = kit_say(&k, "hello");
	r = weft_agent_result_of(answer);
	cr_assert_not_null(r);
	cr_assert_eq(r->status, 0);
	cr_assert_eq(weft_msg_status(answer), 0);
	cr_assert(r->responded);
	cr_assert(text_is(r->text, "This is a fixed benchmark response."));
	cr_assert(text_is(r->content_type, "text/plain"));
	cr_assert_eq(r->error.len_bytes, 0);
	cr_assert_eq(r->iterations, 1);
	cr_assert_eq(r->tool_calls, 0);
	cr_assert_gt(r->duration_ns, 0);
	cr_assert_neq(r->workflow_id, 0);
	cr_assert_eq(r->usage.prompt_tokens, 4, "9 + 5 bytes, by four, rounded up");
	cr_assert_eq(r->usage.completion_tokens, 9);
	cr_assert(r->usage.estimated);
	cr_assert_eq(r->history_count, 3);
	cr_assert(text_is(r->history[0].content, "You test."));
	cr_assert(text_is(r->history[1].content, "hello"));
	cr_assert_eq(r->history[2].role, WEFT_ROLE_ASSISTANT);
	weft_msg_destroy(answer);
	kit_end(&k);
}

static void ask_recorded(struct recorder *rec, const char *system, const weft_ask *ask)
{
	struct kit k;

	kit_init(&k);
	k.options.system = system;
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "record", record, rec, NULL), 0);
	kit_start(&k, 1);
	weft_msg_destroy(kit_ask(&k, ask));
	kit_end(&k);
}

Test(ask, request__has_system_and_user_and_the_defaults)
{
	struct recorder rec = { .answer = "ok" };
	weft_ask ask = WEFT_ASK_INIT;

	ask.input = WEFT_STR("hi");
	ask_recorded(&rec, "sys", &ask);
	cr_assert_str_eq(rec.seen, "system:sys|user:hi|");
	cr_assert_float_eq(rec.temperature, 0.7, 1e-6);
	cr_assert_eq(rec.max_tokens, 8192);
	cr_assert_eq(rec.tools_len, 0, "no tools, no array");
}

Test(ask, request__shows_the_tools)
{
	struct recorder rec = { .answer = "ok" };
	struct kit k;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "record", record, &rec, NULL), 0);
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_start(&k, 1);
	weft_msg_destroy(kit_say(&k, "hi"));
	cr_assert_eq(rec.tools_len, weft_tools_json(k.tools).len_bytes);
	cr_assert_gt(rec.tools_len, 0);
	kit_end(&k);
}

static int counting(weft_model_call *call, void *user)
{
	static const weft_tool_request again = { WEFT_STR("1"), WEFT_STR("city"), WEFT_STR("{\"city\":\"Rome\"}") };

	(void)user;
	call->response->usage = (weft_model_usage){ .prompt_tokens = 10, .completion_tokens = 5, .reasoning_tokens = 2 };
	if (call->request->message_count < 4) {
		call->response->tool_calls = &again;
		call->response->tool_call_count = 1;
	}
	return 0;
}

Test(ask, result__counts_all_turns_and_brings_no_history_unasked)
{
	weft_ask ask = WEFT_ASK_INIT;
	const weft_agent_result *r;
	weft_msg *answer;
	struct kit k;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "counting", counting, NULL, NULL), 0);
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_start(&k, 1);
	ask.input = WEFT_STR("go");
	answer = kit_ask(&k, &ask);
	r = weft_agent_result_of(answer);
	cr_assert_eq(r->iterations, 2);
	cr_assert_eq(r->usage.prompt_tokens, 20);
	cr_assert_eq(r->usage.completion_tokens, 10);
	cr_assert_eq(r->usage.reasoning_tokens, 4);
	cr_assert_not(r->usage.estimated);
	cr_assert_eq(r->history_count, 0);
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(ask, history__drops_system_messages_and_ends_with_the_user)
{
	struct recorder rec = { .answer = "ok" };
	weft_ask ask = WEFT_ASK_INIT;
	weft_chat_message history[] = { { .role = WEFT_ROLE_SYSTEM, .content = WEFT_STR("old") },
		                        { .role = WEFT_ROLE_USER, .content = WEFT_STR("one") },
		                        { .role = WEFT_ROLE_ASSISTANT, .content = WEFT_STR("two") } };

	ask.input = WEFT_STR("three");
	ask.history = history;
	ask.history_count = 3;
	ask_recorded(&rec, "sys", &ask);
	cr_assert_str_eq(rec.seen, "system:sys|user:one|assistant:two|user:three|");
	ask_recorded(&rec, "", &ask);
	cr_assert_str_eq(rec.seen, "user:one|assistant:two|user:three|", "an empty system prompt is left out");
	ask.history_count = 2;
	ask_recorded(&rec, "sys", &ask);
	cr_assert_str_eq(rec.seen, "system:sys|user:one|", "the user spoke last: nothing is appended");
	ask.history_count = 3;
	ask.input = (weft_str){ 0 };
	ask_recorded(&rec, "sys", &ask);
	cr_assert_str_eq(rec.seen, "system:sys|user:one|assistant:two|", "no input, nothing to append");
}

static void expect_final(const char *model_says, bool strip, const char *text, const char *type)
{
	struct recorder rec = { .answer = model_says };
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.options.strip_think = strip;
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "record", record, &rec, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "x");
	r = weft_agent_result_of(answer);
	cr_assert(text_is(r->text, text), "'%.*s'", WEFT_STR_ARG(r->text));
	cr_assert(text_is(r->content_type, type));
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(ask, final_answer__is_trimmed_and_think_is_stripped_when_asked_for)
{
	expect_final(" \n an answer \t\n", false, "an answer", "text/plain");
	expect_final("<think>hm</think> yes", true, "yes", "text/plain");
	expect_final("<think>hm</think> yes", false, "<think>hm</think> yes", "text/plain");
	expect_final("yes <think>never closed", true, "yes", "text/plain");
	expect_final(" {\"a\": 1} ", false, "{\"a\": 1}", "application/json");
	expect_final("", false, "", "text/plain");
}

/* ---- tools ---------------------------------------------------------------------------------- */

Test(ask, tools__results_go_back_in_call_order)
{
	static const weft_mock_step steps[] = {
		{ .text = "looking",
		  .calls = { { "slow", "{\"city\":\"Rome\"}" }, { "quick", "{\"city\":\"Oslo\"}" }, { "city", "{\"city\":\"Bonn\"}" } },
		  .call_count = 3 },
		{ .text = "done" },
	};
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 2;
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_tool(&k, "slow", CITY_SCHEMA, pending_city, NULL);
	kit_tool(&k, "quick", CITY_SCHEMA, pending_city, NULL);
	for (int serial = 0; serial < 2; serial++) {
		if (serial)
			weft_agent_def_unref(k.def);
		k.options.serial_tool_calls = serial;
		kit_start(&k, 2);
		answer = kit_say(&k, "go");
		r = weft_agent_result_of(answer);
		cr_assert_eq(r->status, 0);
		cr_assert_eq(r->tool_calls, 3);
		cr_assert_eq(r->iterations, 2);
		cr_assert(text_is(r->text, "done"));
		cr_assert_eq(r->history_count, 7);
		cr_assert_eq(r->history[2].tool_call_count, 3);
		cr_assert(text_is(r->history[2].content, "looking"), "what it said beside the calls is kept");
		cr_assert(text_is(r->history[3].content, "Rome"));
		cr_assert(text_is(r->history[4].content, "Oslo"));
		cr_assert(text_is(r->history[5].content, "Bonn"));
		for (int i = 0; i < 3; i++)
			cr_assert(weft_str_eq(r->history[3 + i].tool_call_id, r->history[2].tool_calls[i].id));
		weft_msg_destroy(answer);
		if (!serial)
			test_runtime_end(k.rt);
	}
	kit_end(&k);
}

/* The one tool message after the first assistant turn. */
static void expect_told(const char *tool, const char *arguments, const char *part)
{
	weft_mock_step steps[] = { { .calls = { { tool, arguments } }, .call_count = 1 }, { .text = "done" } };
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 2;
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_tool(&k, "broken", NULL, broken, NULL);
	kit_start(&k, 1);
	answer = kit_say(&k, "go");
	r = weft_agent_result_of(answer);
	cr_assert_eq(r->status, 0, "a tool's error never ends the run");
	cr_assert(text_is(r->text, "done"));
	cr_assert(text_has(r->history[3].content, part), "%.*s", WEFT_STR_ARG(r->history[3].content));
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(ask, tools__four_failures_are_told_apart)
{
	expect_told("city", "{\"city\":", "could not be parsed");
	expect_told("city", "{\"city\":1}", "invalid arguments for tool 'city': at /city");
	expect_told("broken", "{}", "tool 'broken' failed: the wire is cut");
	expect_told("nothing", "{}", "there is no tool named 'nothing'");
}

Test(ask, tools__a_model_that_never_stops_calling_is_stopped)
{
	static const weft_mock_step steps[] = { { .calls = { { "city", "{\"city\":\"Rome\"}" } }, .call_count = 1 } };
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 1;
	k.options.max_tool_iterations = 4;
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_start(&k, 1);
	answer = kit_say(&k, "go");
	r = weft_agent_result_of(answer);
	cr_assert_eq(r->status, WEFT_EMAXTURNS);
	cr_assert_eq(weft_msg_status(answer), WEFT_EMAXTURNS);
	cr_assert(text_has(r->error, "4"), "names the number");
	cr_assert_eq(r->iterations, 4);
	cr_assert_eq(r->tool_calls, 1, "the loop guard held the rest back");
	weft_msg_destroy(answer);
	kit_end(&k);
}

/* ---- the loop guard --------------------------------------------------------------------------- */

struct loop_outcome {
	int status;
	int calls;
	uint64_t loops;
	char told[256]; /* after the repeat */
};

/* The model calls city(Rome), city(Rome) in other words, then answers. */
static struct loop_outcome run_loop(uint8_t policy, const char *message)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "city", "{\"city\":\"Rome\",\"x\":1}" } }, .call_count = 1 },
		{ .calls = { { "city", "{ \"x\": 1.0, \"city\": \"Rome\" }" } }, .call_count = 1 },
		{ .text = "done" },
	};
	weft_agent_stats stats = { .size = sizeof(stats) };
	struct loop_outcome o = { 0 };
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 3;
	k.options.loop_policy = policy;
	k.options.loop_message = message;
	kit_tool(&k, "city", CITY_SCHEMA, city, &o.calls);
	kit_start(&k, 1);
	answer = kit_say(&k, "go");
	r = weft_agent_result_of(answer);
	o.status = r->status;
	if (r->history_count > 5)
		snprintf(o.told, sizeof(o.told), "%.*s", WEFT_STR_ARG(r->history[5].content));
	weft_msg_destroy(answer);
	cr_assert_eq(weft_agent_stats_read(k.def, &stats), 0);
	o.loops = stats.tool_loops_found;
	kit_end(&k);
	return o;
}

Test(ask, loop__inject_quotes_the_earlier_result)
{
	struct loop_outcome o = run_loop(WEFT_LOOP_INJECT, "{tool_name} gave {previous_result}!");

	cr_assert_eq(o.status, 0);
	cr_assert_eq(o.calls, 1);
	cr_assert_eq(o.loops, 1);
	cr_assert_str_eq(o.told, "city gave Rome!");
	o = run_loop(WEFT_LOOP_INJECT, NULL);
	cr_assert(strstr(o.told, "'city'") && strstr(o.told, "Rome"));
}

Test(ask, loop__warn_calls_and_tells)
{
	struct loop_outcome o = run_loop(WEFT_LOOP_WARN, "again: {previous_result}");

	cr_assert_eq(o.status, 0);
	cr_assert_eq(o.calls, 2);
	cr_assert_str_eq(o.told, "Rome\n\nagain: Rome");
}

Test(ask, loop__stop_ends_the_run_and_off_sees_nothing)
{
	struct loop_outcome o = run_loop(WEFT_LOOP_STOP, NULL);

	cr_assert_eq(o.status, WEFT_ELOOP);
	cr_assert_eq(o.calls, 1);
	o = run_loop(WEFT_LOOP_OFF, NULL);
	cr_assert_eq(o.status, 0);
	cr_assert_eq(o.calls, 2);
	cr_assert_eq(o.loops, 0);
	cr_assert_str_eq(o.told, "Rome");
}

Test(ask, loop__failures_are_remembered_too)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "broken", "{}" }, { "broken", "{}" }, { "city", "{oops" }, { "city", "{oops" },
		             { "city", "{other" } },
		  .call_count = 5 },
		{ .text = "done" },
	};
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 2;
	k.options.loop_message = "again: {previous_result}";
	kit_tool(&k, "broken", NULL, broken, NULL);
	kit_tool(&k, "city", CITY_SCHEMA, city, NULL);
	kit_start(&k, 1);
	answer = kit_say(&k, "go");
	r = weft_agent_result_of(answer);
	cr_assert_eq(r->tool_calls, 1);
	cr_assert(text_has(r->history[4].content, "again: Error: tool 'broken' failed"));
	cr_assert(text_has(r->history[6].content, "again: Error: the arguments for tool 'city' could not be parsed"));
	cr_assert(text_has(r->history[7].content, "Error: the arguments"));
	cr_assert_not(text_has(r->history[7].content, "again:"), "other bytes are another call");
	weft_msg_destroy(answer);
	kit_end(&k);
}

/* ---- models that fail or wait --------------------------------------------------------------------- */

Test(ask, model__the_next_one_is_asked_when_one_fails)
{
	weft_agent_stats stats = { .size = sizeof(stats) };
	struct kit k;
	weft_msg *answer;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 9, "inline", fail_model, "no", NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 8, "late", pending_failure, NULL, NULL), 0);
	cr_assert_eq(weft_models_add_mock(k.models, 0, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "x");
	cr_assert_eq(weft_agent_result_of(answer)->status, 0);
	cr_assert_eq(weft_agent_result_of(answer)->iterations, 1);
	weft_msg_destroy(answer);
	cr_assert_eq(weft_agent_stats_read(k.def, &stats), 0);
	cr_assert_eq(stats.model_calls, 1);
	cr_assert_eq(stats.model_failures, 2);
	cr_assert_eq(stats.runs_completed, 1);
	kit_end(&k);
}

Test(ask, model__when_all_fail_the_last_reason_is_given)
{
	struct kit k;
	weft_msg *answer;
	const weft_agent_result *r;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 9, "late", pending_failure, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "inline", fail_model, "no credit", NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "x");
	r = weft_agent_result_of(answer);
	cr_assert_eq(r->status, WEFT_EMODEL);
	cr_assert(text_has(r->error, "no credit"));
	cr_assert_not(r->responded);
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(ask, model__none_of_that_type)
{
	struct recorder rec = { .answer = "x" };
	struct kit k;
	weft_msg *answer;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_SMALL, 0, "small", record, &rec, NULL), 0);
	cr_assert_eq(weft_agent_def_create(&k.options, &k.def, NULL), 0);
	k.rt = test_runtime(1);
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &k.agent), 0);
	answer = kit_say(&k, "x");
	cr_assert_eq(weft_msg_status(answer), WEFT_ENOMODEL);
	cr_assert(text_has(weft_agent_result_of(answer)->error, "TEXT_LARGE"));
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(ask, model__finished_on_a_foreign_thread)
{
	struct kit k;
	weft_future *futures[20];
	weft_ask ask = WEFT_ASK_INIT;
	char input[20][32];

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "late", pending_model, NULL, NULL), 0);
	kit_start(&k, 2);
	for (int i = 0; i < 20; i++) { /* runs of one agent wait side by side */
		snprintf(input[i], sizeof(input[i]), "question %d", i);
		ask.input = weft_str_from(input[i]);
		cr_assert_eq(weft_future_create(k.rt, &futures[i]), 0);
		cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(futures[i])), 0);
	}
	for (int i = 0; i < 20; i++) {
		weft_msg *answer;

		cr_assert_eq(weft_future_wait_until(futures[i], &answer, weft_now_ns() + TEST_LONG), 0);
		cr_assert(text_has(weft_agent_result_of(answer)->text, "late answer to question"));
		cr_assert(text_has(weft_agent_result_of(answer)->text, input[i]));
		weft_msg_destroy(answer);
		weft_future_destroy(futures[i]);
	}
	kit_end(&k);
}

/* Asks 64 times and takes the answers. How long that was. */
static uint64_t ask_many(struct kit *k, weft_port *port)
{
	uint64_t before = weft_now_ns();
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *got[64];

	for (uint64_t i = 0; i < 64; i++)
		cr_assert_eq(weft_agent_ask(k->agent, &ask, weft_reply_to_port(port, i)), 0);
	for (int n = 0, r; n < 64; n += r) {
		r = weft_port_wait_until(port, got, 64, weft_now_ns() + TEST_LONG);
		cr_assert_gt(r, 0);
		for (int i = 0; i < r; i++) {
			cr_assert_eq(weft_msg_status(got[i]), 0);
			weft_msg_destroy(got[i]);
		}
	}
	return weft_now_ns() - before;
}

Test(ask, model__delayed_mock_answers_many_at_once)
{
	uint64_t took = UINT64_MAX;
	struct kit k;
	weft_port *port;

	kit_init(&k);
	k.mock.delay_ns = 20000000;
	kit_start(&k, 1);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	for (int tries = 0; tries < 20 && took >= 32 * k.mock.delay_ns; tries++) { /* unless the machine stands still */
		took = ask_many(&k, port);
		cr_assert_geq(took, k.mock.delay_ns);
	}
	cr_assert_lt(took, 32 * k.mock.delay_ns, "they waited together");
	weft_port_destroy(port);
	kit_end(&k);
}

/* ---- who asks ------------------------------------------------------------------------------------- */

static void on_answer(weft_msg *reply, void *user)
{
	int status = weft_agent_result_of(reply) ? weft_agent_result_of(reply)->status : -1;

	weft_msg_destroy(reply);
	__atomic_store_n((int *)user, status == 0 ? 1 : 2, __ATOMIC_RELEASE);
}

Test(ask, callback__is_called_with_the_answer)
{
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;
	int done = 0;

	kit_init(&k);
	kit_start(&k, 1);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_call(on_answer, &done)), 0);
	for (uint64_t until = weft_now_ns() + TEST_LONG; !__atomic_load_n(&done, __ATOMIC_ACQUIRE) && weft_now_ns() < until;)
		usleep(1000);
	cr_assert_eq(done, 1);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), 0, "nobody needs to wait");
	kit_end(&k);
}

/* Asks an agent `left` times, one after another, then answers whoever told it to. */
struct asker {
	weft_ref agent;
	weft_msg *order;
	uint32_t left, good;
};

static int asker_behaviour(weft_actor *self, weft_msg *msg)
{
	struct asker *a = weft_actor_state(self);
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *done;

	if (!a->order) {
		weft_msg_keep(self, msg);
		a->order = msg;
	} else {
		const weft_agent_result *r = weft_agent_result_of(msg);

		a->good += r && r->status == 0 && weft_msg_token(msg) == 77;
	}
	ask.input = WEFT_STR("from an actor");
	if (a->left--)
		return weft_agent_ask(a->agent, &ask, weft_reply_to_actor(weft_actor_ref(self), 77));
	done = weft_msg_create(TEST_ECHO, 0);
	weft_msg_set_status(done, (int)a->good);
	weft_reply(a->order, done);
	weft_msg_destroy(a->order);
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class asker_class = { .size = sizeof(asker_class),
	                                      .name = "asker",
	                                      .behaviour = asker_behaviour,
	                                      .state_bytes = sizeof(struct asker) };

Test(ask, actor__asks_another)
{
	struct kit k;
	struct asker state = { .left = 500 };
	weft_future *future;
	weft_msg *answer;

	kit_init(&k);
	kit_start(&k, 2);
	state.agent = k.agent;
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_request(test_spawn(k.rt, &asker_class, &state), weft_msg_create(TEST_ECHO, 0),
	                          weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(answer), 500);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	kit_end(&k);
}

Test(ask, fifty_agents__joined_by_a_guest)
{
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;
	weft_port *port;
	weft_msg *got[50];
	int n = 0;

	kit_init(&k);
	kit_start(&k, 2);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	ask.end_after = true;
	cr_assert_eq(weft_guest_enter(k.rt), 0);
	for (uint64_t i = 0; i < 50; i++) {
		weft_ref agent;

		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agent), 0);
		cr_assert_eq(weft_agent_ask(agent, &ask, weft_reply_to_port(port, i)), 0);
	}
	while (n < 50) {
		int r = weft_port_wait_until(port, got, 50, weft_now_ns() + TEST_LONG);

		cr_assert_gt(r, 0);
		for (int i = 0; i < r; i++) {
			cr_assert_eq(weft_msg_status(got[i]), 0);
			weft_msg_destroy(got[i]);
		}
		n += r;
	}
	cr_assert_eq(weft_guest_leave(k.rt), 0);
	weft_port_destroy(port);
	kit_end(&k);
}
