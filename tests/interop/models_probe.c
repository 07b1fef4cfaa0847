/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/interop/models_probe.c - asks a model's endpoint through agents, and prints what came of it.
 *
 *   models-probe API BASE_URL QUESTION [runs [at-once]]      API: openai | anthropic
 *   the key is PROBE_KEY's, the model PROBE_MODEL's; with PROBE_NO_GATE nothing is repeated, with PROBE_NO_BREAKER what
 *   failed is repeated and no breaker opens
 *
 * Each run is an agent of its own with the tool "add", asked once. Prints one line of JSON a run:
 * {"status": name, "text", "thought", "finish", "turns", "tool_calls", "prompt_tokens", "error"}, and last a line with
 * what the events said: {"chunks", "streamed": the text of all chunks of the last run, "leaks": events that held the key}.
 * Exit status 0 unless something could not be set up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#define RUNS_MAX 10000u
#define STREAMED_MAX 65536u

static const char *key;
static weft_runtime *rt;
static weft_subscription *sub;
static uint64_t chunks, leaks, last_run;
static char streamed[STREAMED_MAX];
static size_t streamed_len;

static int die(const char *what, int r, const weft_error *err)
{
	fprintf(stderr, "models-probe: %s: %s\n", what, err && err->message[0] ? err->message : weft_strerror(r));
	exit(1);
}

static int add(weft_tool_call *call, void *user)
{
	char text[32];
	double a = 0, b = 0;

	(void)user;
	(void)weft_json_get_double(weft_json_find(call->arguments, WEFT_STR("a")), &a);
	(void)weft_json_get_double(weft_json_find(call->arguments, WEFT_STR("b")), &b);
	snprintf(text, sizeof(text), "%g", a + b);
	weft_tool_return(call, weft_str_from(text));
	return 0;
}

static bool holds_key(weft_str text)
{
	return *key && text.len_bytes && memmem(text.ptr, text.len_bytes, key, strlen(key));
}

static void event_read(const weft_event *e)
{
	bool leak = holds_key(e->message);

	for (uint32_t i = 0; i < e->field_count; i++)
		leak |= (e->fields[i].kind == WEFT_FIELD_STR || e->fields[i].kind == WEFT_FIELD_JSON) && holds_key(e->fields[i].str);
	leaks += leak;
	if (e->scope == WEFT_SCOPE_AGENT && e->type == WEFT_EVENT_STARTED)
		last_run = e->workflow_id;
	if (e->scope != WEFT_SCOPE_LLM)
		return;
	if (e->type == WEFT_EVENT_STARTED && e->workflow_id == last_run)
		streamed_len = 0;
	if (e->type != WEFT_EVENT_PROGRESS || !e->field_count)
		return;
	chunks++;
	if (e->workflow_id == last_run && streamed_len + e->fields[0].str.len_bytes <= sizeof(streamed)) {
		memcpy(streamed + streamed_len, e->fields[0].str.ptr, e->fields[0].str.len_bytes);
		streamed_len += e->fields[0].str.len_bytes;
	}
}

static void events_read(void)
{
	static weft_event events[256];
	int n;

	while ((n = weft_events_read(sub, events, 256)) > 0) {
		for (int i = 0; i < n; i++)
			event_read(&events[i]);
	}
}

static void put(weft_json_writer *w, const char *name, weft_str text)
{
	weft_json_key(w, weft_str_from(name));
	weft_json_put_str(w, text);
}

static void put_count(weft_json_writer *w, const char *name, uint64_t n)
{
	weft_json_key(w, weft_str_from(name));
	weft_json_put_uint(w, n);
}

static void line_end(weft_json_writer *w)
{
	weft_str text;

	weft_json_end_object(w);
	if (weft_json_writer_text(w, &text) == 0)
		printf("%s\n", text.ptr);
	weft_json_writer_reset(w);
}

static void print_result(weft_json_writer *w, const weft_msg *answer)
{
	const weft_agent_result *r = weft_agent_result_of(answer);

	weft_json_begin_object(w);
	put(w, "status", weft_str_from(r ? (r->status ? weft_errname(r->status) : "ok") : "none"));
	if (r) {
		put(w, "text", r->text);
		put(w, "thought", r->thought);
		put(w, "finish", weft_str_from(weft_finish_name(r->finish)));
		put_count(w, "turns", r->iterations);
		put_count(w, "tool_calls", r->tool_calls);
		put_count(w, "prompt_tokens", r->usage.prompt_tokens);
		put(w, "error", r->error);
	}
	line_end(w);
}

/* NULL: the endpoint's own. */
static weft_gate *gate_make(void)
{
	weft_gate_options opt = WEFT_GATE_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_gate *gate;
	int r;

	if (getenv("PROBE_NO_GATE") || !getenv("PROBE_NO_BREAKER"))
		return NULL;
	opt.breaker_failures = UINT32_MAX;
	r = weft_gate_create(&opt, &gate, &err);
	return r < 0 ? (die("gate", r, &err), NULL) : gate;
}

static void models_add(weft_models *models, const char *api, const char *url)
{
	const char *model = getenv("PROBE_MODEL") ? getenv("PROBE_MODEL") : "test-model";
	weft_gate *gate = gate_make();
	weft_error err = { 0 };
	int r;

	if (!strcmp(api, "anthropic")) {
		weft_anthropic_options opt = WEFT_ANTHROPIC_OPTIONS_INIT;

		opt.base_url = url;
		opt.api_key = key;
		opt.large_model = model;
		opt.gate = gate;
		opt.flags = getenv("PROBE_NO_GATE") ? WEFT_ANTHROPIC_NO_GATE : 0;
		r = weft_models_add_anthropic(models, 0, &opt, &err);
	} else {
		weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;

		opt.base_url = url;
		opt.api_key = key;
		opt.large_model = model;
		opt.gate = gate;
		opt.flags = getenv("PROBE_NO_GATE") ? WEFT_OPENAI_NO_GATE : 0;
		r = weft_models_add_openai(models, 0, &opt, &err);
	}
	if (r < 0)
		die(api, r, &err);
	weft_gate_unref(gate);
}

static weft_agent_def *def_make(weft_models *models, weft_tools *tools)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_tool_options tool = WEFT_TOOL_OPTIONS_INIT;
	weft_agent_def *def;
	weft_error err = { 0 };
	int r;

	tool.name = "add";
	tool.description = "adds two numbers";
	tool.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},"
	                            "\"required\":[\"a\",\"b\"]}");
	tool.fn = add;
	r = weft_tools_add(tools, &tool, &err);
	opt.models = models;
	opt.tools = tools;
	opt.system = "You are being tested.";
	if (r == 0)
		r = weft_agent_def_create(&opt, &def, &err);
	return r < 0 ? (die("agent", r, &err), NULL) : def;
}

/* Ask at_once new agents and print their answers. */
static void run(weft_agent_def *def, const char *question, uint32_t at_once, weft_json_writer *w)
{
	weft_future **futures = calloc(at_once, sizeof(*futures));
	weft_ask ask = WEFT_ASK_INIT;
	weft_ref agent;
	int r = 0;

	if (!futures)
		die("memory", -ENOMEM, NULL);
	ask.input = weft_str_from(question);
	ask.end_after = true;
	for (uint32_t i = 0; r == 0 && i < at_once; i++) {
		r = weft_future_create(rt, &futures[i]);
		if (r == 0)
			r = weft_agent_spawn(rt, def, NULL, &agent);
		if (r == 0)
			r = weft_agent_ask(agent, &ask, weft_reply_to_future(futures[i]));
	}
	if (r < 0)
		die("ask", r, NULL);
	for (uint32_t i = 0; i < at_once; i++) {
		weft_msg *answer = NULL;

		r = weft_future_wait_until(futures[i], &answer, weft_now_ns() + UINT64_C(120000000000));
		if (r < 0)
			die("wait", r, NULL);
		print_result(w, answer);
		weft_msg_destroy(answer);
		weft_future_destroy(futures[i]);
		events_read();
	}
	free(futures);
}

int main(int argc, char **argv)
{
	uint32_t runs = argc > 4 ? (uint32_t)atoi(argv[4]) : 1, at_once = argc > 5 ? (uint32_t)atoi(argv[5]) : 1;
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_models *models;
	weft_tools *tools;
	weft_agent_def *def;
	weft_json_writer *w;
	int r;

	if (argc < 4 || runs > RUNS_MAX || !runs || !at_once)
		return 2;
	key = getenv("PROBE_KEY") ? getenv("PROBE_KEY") : "";
	opt.workers = 2;
	r = weft_runtime_create(&opt, &rt);
	if (r == 0)
		r = weft_runtime_start(rt);
	if (r == 0)
		r = weft_models_create(&models);
	if (r == 0)
		r = weft_tools_create(&tools);
	if (r == 0)
		r = weft_json_writer_create(0, &w);
	if (r == 0)
		r = weft_events_subscribe(rt, NULL, &sub);
	if (r < 0)
		die("start", r, NULL);
	models_add(models, argv[1], argv[2]);
	def = def_make(models, tools);
	for (uint32_t done = 0; done < runs; done += at_once)
		run(def, argv[3], at_once < runs - done ? at_once : runs - done, w);
	weft_runtime_stop(rt, UINT64_C(5000000000));
	weft_runtime_join(rt);
	events_read();
	weft_json_begin_object(w);
	put_count(w, "chunks", chunks);
	put(w, "streamed", (weft_str){ streamed, streamed_len });
	put_count(w, "leaks", leaks);
	line_end(w);
	weft_events_unsubscribe(sub);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	weft_models_unref(models);
	weft_tools_unref(tools);
	weft_json_writer_destroy(w);
	return 0;
}
