/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models, tools and jobs, ended in every way. Goal: what a run says of itself (and is recorded, remembered, gathered) does not depend on who
 * ends a handler and when. Method: tests/support/endings.h.
 */
#include <stdlib.h>

#include <weft/cache.h>
#include <weft/graph.h>
#include <weft/record.h>

#include "tests/support/endings.h"

TestSuite(overtaken, .timeout = 120);

/* ---- models of tool loops ----------------------------------------------------------------- */

static struct kit kit;
static weft_cache *cache;
static weft_str json_schema;
static char folder[64], path[96];

/* Lines of the recording, but for how long things took and when. */
static void tell_recording(void)
{
	FILE *f = fopen(path, "r");
	char *line = NULL, *at;
	size_t room = 0;

	cr_assert_not_null(f);
	while (getline(&line, &room, f) > 0) {
		if (!strncmp(line, "{\"type\":\"weft", 13) || strstr(line, "\"created") || strstr(line, "\"version"))
			continue;
		at = strstr(line, ",\"ns\":");
		if (at)
			memmove(at, at + 6 + strspn(at + 6, "0123456789"), strlen(at + 6 + strspn(at + 6, "0123456789")) + 1);
		fprintf(account, "line %s", line);
	}
	free(line);
	fclose(f);
	unlink(path);
	rmdir(folder);
}

static void loop_begin(void)
{
	weft_recorder_options opt = WEFT_RECORDER_OPTIONS_INIT;

	snprintf(folder, sizeof(folder), "/tmp/weft-overtaken-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run.jsonl", folder);
	kit_init(&kit);
	cr_assert_eq(weft_recorder_open(path, &opt, &kit.options.recorder, NULL), 0);
	json_schema = (weft_str){ 0 };
	cache = NULL;
}

/* Asked twice the same: a cache answers the second time. */
static void loop_end(void)
{
	weft_cache_stats s = { .size = sizeof(s) };
	weft_subscription *events;
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	kit_start(&kit, 1);
	listen_to(kit.rt, &events);
	cr_assert_eq(weft_future_create(kit.rt, &future), 0);
	ask.input = WEFT_STR("what is it?");
	ask.json_schema = json_schema;
	for (int i = 0; i < 2; i++) {
		weft_msg *answer;

		cr_assert_eq(weft_agent_ask(kit.agent, &ask, weft_reply_to_future(future)), 0);
		answer = take(kit.rt, future);
		tell_answer(answer);
		weft_msg_destroy(answer);
	}
	weft_future_destroy(future);
	tell_events(events);
	tell_stats(kit.def);
	kit_end(&kit);
	if (kit.options.recorder) {
		weft_recorder_unref(kit.options.recorder);
		tell_recording();
	}
	if (!cache)
		return;
	cr_assert_eq(weft_cache_stats_read(cache, &s), 0);
	fprintf(account, "cache: %lu hits, %lu near, %lu joined, %lu misses, %lu answers\n", (unsigned long)s.hits,
	        (unsigned long)s.near, (unsigned long)s.joined, (unsigned long)s.misses, (unsigned long)s.answers);
	weft_cache_unref(cache);
}

static void with_cache(float near)
{
	weft_cache_options opt = WEFT_CACHE_OPTIONS_INIT;

	opt.near_min = near;
	cr_assert_eq(weft_cache_create(&opt, &cache), 0);
	cr_assert_eq(weft_models_set_cache(kit.models, cache), 0);
}

static void of_loop_model_that(bool shows, bool remembers)
{
	model_text = WEFT_STR("<think>so</think>an answer");
	model_shows = shows;
	loop_begin();
	if (remembers)
		with_cache(0);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	loop_end();
}

static void of_loop_model(void)
{
	of_loop_model_that(false, false);
}

static void of_loop_model_that_shows(void)
{
	of_loop_model_that(true, false);
}

static void of_loop_model_with_cache(void)
{
	of_loop_model_that(false, true);
}

static void of_loop_model_that_shows_with_cache(void)
{
	of_loop_model_that(true, true);
}

Test(overtaken, models_of_loops)
{
	all_the_same(of_loop_model);
	all_the_same(of_loop_model_that_shows);
}

Test(overtaken, models_behind_a_cache)
{
	all_the_same(of_loop_model_with_cache);
	all_the_same(of_loop_model_that_shows_with_cache);
}

/* What does not fit is asked for again, and what it cost counts. */
static void of_schema(void)
{
	model_text = WEFT_STR("{\"n\":\"no\"}");
	model_shows = false;
	loop_begin();
	json_schema = WEFT_STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}");
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	loop_end();
}

Test(overtaken, models_whose_answer_does_not_fit)
{
	all_the_same(of_schema);
}

static void of_near_that(uint32_t gathered)
{
	model_text = (weft_str){ 0 };
	model_shows = false;
	loop_begin();
	weft_recorder_unref(kit.options.recorder); /* what is recorded is not embedded */
	kit.options.recorder = NULL;
	unlink(path);
	rmdir(folder);
	with_cache(0.9f);
	add_model(kit.models, WEFT_MODEL_TEXT_EMBEDDING, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	cr_assert_eq(weft_models_gather_embeddings(kit.models, gathered), 0);
	loop_end();
}

static void of_near(void)
{
	of_near_that(0);
}

static void of_near_that_is_gathered(void)
{
	of_near_that(16);
}

Test(overtaken, models_that_embed_questions)
{
	all_the_same(of_near);
	all_the_same(of_near_that_is_gathered);
}

/* ---- tools ----------------------------------------------------------------------------- */

static int tool_say(void *call)
{
	static char long_text[4096];

	memset(long_text, 'x', sizeof(long_text) - 1);
	if (says()) {
		weft_tool_progress(call, WEFT_STR("half"));
		weft_tool_return(call, WEFT_STR("a result that is not the last"));
		weft_tool_return(call, weft_str_from(long_text));
	}
	return outcome == BREAKS ? weft_tool_fail(call, -EIO, "it broke: %s", long_text) : status_of_outcome();
}

static void tool_finish(void *call, int status)
{
	weft_tool_finish(call, status);
}

static int tool(weft_tool_call *call, void *user)
{
	(void)user;
	return end_by_way(call, tool_say, tool_finish);
}

/* Two calls, then what came of the last one. */
static int caller(weft_model_call *call, void *user)
{
	static const weft_tool_request calls[] = { { .id = WEFT_STR("1"), .name = WEFT_STR("work"), .arguments_json = WEFT_STR("{}") },
		                                   { .id = WEFT_STR("2"),
		                                     .name = WEFT_STR("work"),
		                                     .arguments_json = WEFT_STR("{\"n\":1}") } };
	const weft_model_request *q = call->request;
	const weft_chat_message *last = &q->messages[q->message_count - 1];

	(void)user;
	if (last->role == WEFT_ROLE_TOOL) {
		call->response->text = last->content;
	} else {
		call->response->tool_calls = calls;
		call->response->tool_call_count = 2;
	}
	return 0;
}

static void of_tool_that(bool serial)
{
	loop_begin();
	kit.options.serial_tool_calls = serial;
	kit_tool(&kit, "work", "{\"type\":\"object\"}", tool, NULL);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, caller, 0);
	loop_end();
}

static void of_tool_in_order(void)
{
	of_tool_that(true);
}

Test(overtaken, tools)
{
	all_the_same(of_tool_in_order);
}

/* ---- without an agent --------------------------------------------------------------------- */

static pthread_t loose_thread;
static struct ending loose;

/* There is no worker: later is whenever the other thread comes to it. */
static int end_loosely(void *call, int (*say)(void *call), void (*finish)(void *call, int status))
{
	if (way < LATER)
		return end_by_way(call, say, finish);
	loose = (struct ending){ call, say, finish };
	cr_assert_eq(pthread_create(&loose_thread, NULL, end, &loose), 0);
	return WEFT_PENDING;
}

static void loose_over(void)
{
	if (way >= LATER)
		cr_assert_eq(pthread_join(loose_thread, NULL), 0);
}

static int loose_tool(weft_tool_call *call, void *user)
{
	(void)user;
	return end_loosely(call, tool_say, tool_finish);
}

static int loose_model(weft_model_call *call, void *user)
{
	(void)user;
	return end_loosely(call, model_say, model_finish);
}

static void of_loose_tool(void)
{
	weft_str result = { 0 };
	weft_arena *arena;

	kit_init(&kit);
	kit_tool(&kit, "work", "{\"type\":\"object\"}", loose_tool, NULL);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	fprintf(account, "tool: %s", weft_errname(weft_tools_call(kit.tools, WEFT_STR("work"), WEFT_STR("{}"), arena, &result)));
	loose_over();
	tell_str("result", result);
	weft_arena_destroy(arena);
	weft_tools_unref(kit.tools);
	weft_models_unref(kit.models);
}

static void of_loose_model_that(bool remembers)
{
	weft_model_request q = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("what is it?") };
	weft_model_response r = { 0 };
	weft_error err = { 0 };
	weft_arena *arena;
	int status;

	model_text = WEFT_STR("an answer");
	model_shows = true;
	kit_init(&kit);
	cache = NULL;
	if (remembers)
		with_cache(0);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, loose_model, 2);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	status = weft_models_call(kit.models, &q, arena, &r, &err);
	loose_over();
	fprintf(account, "model: %s, %s, %u+%u", weft_errname(status), err.message, r.usage.prompt_tokens, r.usage.completion_tokens);
	tell_str("text", r.text);
	weft_arena_destroy(arena);
	weft_tools_unref(kit.tools);
	weft_models_unref(kit.models);
	weft_cache_unref(cache);
}

static void of_loose_model(void)
{
	of_loose_model_that(false);
}

static void of_loose_model_with_cache(void)
{
	of_loose_model_that(true);
}

Test(overtaken, calls_without_an_agent)
{
	all_the_same(of_loose_tool);
	all_the_same(of_loose_model);
	all_the_same(of_loose_model_with_cache);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static int job_say(void *job)
{
	if (says())
		weft_node_set_result(job, &kit);
	return status_of_outcome();
}

static void job_finish(void *job, int status)
{
	weft_job_finish(job, status);
}

static int job(weft_job *job, void *arg)
{
	(void)arg;
	return end_by_way(job, job_say, job_finish);
}

static int job_at_once(weft_job *job, void *arg)
{
	const weft_node_outcome *before = weft_node_input(job, 0);

	(void)arg;
	if (before)
		fprintf(account, "needs %d %s %d\n", before->state, weft_errname(before->status), before->result == &kit);
	return 0;
}

static void tell_group(weft_runtime *rt, weft_future *future)
{
	weft_msg *answer = take(rt, future);
	const weft_group_result *r = weft_group_result_of(answer);

	fprintf(account, "%s: %u jobs, %u %u %u, first %d\n", weft_errname(r->status), r->jobs, r->succeeded, r->failed, r->canceled,
	        (int)r->first);
	weft_msg_destroy(answer);
}

static void of_jobs(void)
{
	static const weft_graph_input needs[] = { { .node = "first" } };
	const weft_graph_node nodes[] = { { .name = "first", .fn = job },
		                          { .name = "then", .fn = job_at_once, .inputs = needs, .input_count = 1 } };
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_group_options serial = WEFT_GROUP_OPTIONS_INIT;
	weft_call calls[] = { { .fn = job }, { .fn = job_at_once }, { .fn = job } };
	weft_node_outcome outcomes[2];
	weft_runtime *rt = test_runtime(1);
	weft_future *future;
	weft_graph *graph;

	after = test_spawn(rt, &after_class, NULL);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (serial.policy = WEFT_GROUP_FAIL_FAST; serial.policy <= WEFT_GROUP_RACE; serial.policy++) {
		serial.limit = 1; /* one after another: what a failure cancels is the same then */
		cr_assert_eq(weft_gather(rt, calls, 3, &serial, weft_reply_to_future(future), NULL), 0);
		tell_group(rt, future);
		for (int i = 0; i < 3; i++)
			fprintf(account, " %s", weft_errname(calls[i].status));
	}
	cr_assert_eq(weft_graph_create(&graph), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(weft_graph_add(graph, &nodes[i]), 0);
	cr_assert_eq(weft_graph_check(graph, NULL), 0);
	opt.ret_nodes = outcomes;
	opt.policy = WEFT_GRAPH_RUN_DEPENDENTS;
	cr_assert_eq(weft_graph_run(rt, graph, &opt, weft_reply_to_future(future), NULL), 0);
	tell_group(rt, future);
	for (int i = 0; i < 2; i++)
		fprintf(account, " %d %s %d", outcomes[i].state, weft_errname(outcomes[i].status), outcomes[i].result == &kit);
	weft_graph_destroy(graph);
	weft_future_destroy(future);
	(void)weft_actor_stop(after);
	test_runtime_end(rt);
}

Test(overtaken, jobs_and_nodes)
{
	all_the_same(of_jobs);
}
