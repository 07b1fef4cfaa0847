/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many runs of several agents into one recording, with models and tools that other threads finish in any order, and
 * runs that are canceled meanwhile; then all of them again from the file.
 * Goal: lines of different runs do not mix, every exchange that begins in the file ends in it (the reader insists),
 * and every run replays as it was. Method: what happens is drawn from the seed. Conservation: runs in the file ==
 * asks accepted; replayed identical == runs.
 */
#include <unistd.h>

#include "tests/support/agents.h"
#include "tests/support/finishers.h"

#define AGENTS 3
#define ASKS 1500

static void finish(struct parked *p)
{
	if (p->model) {
		weft_model_chunk(p->model, WEFT_STR("la"));
		weft_model_chunk(p->model, WEFT_STR("te"));
		p->model->response->text = WEFT_STR("late");
		weft_model_finish(p->model, draw(8) ? 0 : -EIO);
	} else {
		weft_tool_return(p->tool, WEFT_STR("a late result"));
		weft_tool_finish(p->tool, draw(8) ? 0 : weft_tool_fail(p->tool, -EIO, "late failure %u", draw(5)));
	}
}

static int any_model(weft_model_call *call, void *user)
{
	static weft_tool_request calls[3] = { { WEFT_STR("a"), WEFT_STR("any"), WEFT_STR("{\"n\":1}") },
		                              { WEFT_STR("b"), WEFT_STR("any"), WEFT_STR("{\"n\":2}") },
		                              { WEFT_STR("c"), WEFT_STR("any"), WEFT_STR("{\"n\":1}") } };

	(void)user;
	if (draw(2) && call->request->message_count < 8) {
		call->response->tool_calls = calls;
		call->response->tool_call_count = 1 + draw(3);
		return 0;
	}
	if (draw(2))
		return park(call, NULL, NULL);
	call->response->text = WEFT_STR("now");
	return draw(8) ? 0 : -EIO;
}

static int any_tool(weft_tool_call *call, void *user)
{
	(void)user;
	if (draw(2))
		return park(NULL, call, NULL);
	weft_tool_return(call, WEFT_STR("a result"));
	return draw(8) ? 0 : weft_tool_fail(call, -EIO, "no");
}

static weft_agent_def *def_make(weft_models *models, weft_tools *tools, weft_recorder *recorder, int number)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_agent_def *def;
	char name[16];

	snprintf(name, sizeof(name), "agent-%d", number);
	opt.name = name;
	opt.models = models;
	opt.tools = tools;
	opt.recorder = recorder;
	opt.loop_policy = (uint8_t)number;
	cr_assert_eq(weft_agent_def_create(&opt, &def, NULL), 0);
	return def;
}

static void reap(weft_port *port, uint32_t *open, int *ret_diverged)
{
	weft_msg *got[32];
	int n = weft_port_wait_until(port, got, 32, weft_now_ns() + TEST_LONG);

	cr_assert_gt(n, 0);
	for (int i = 0; i < n; i++) {
		*ret_diverged += weft_msg_status(got[i]) == WEFT_EDIVERGED;
		weft_msg_destroy(got[i]);
	}
	*open -= (uint32_t)n;
}

static void record(const char *path)
{
	weft_agent_def *defs[AGENTS];
	weft_ref agents[AGENTS];
	weft_recorder *recorder;
	weft_runtime *rt = test_runtime(2);
	weft_port *port;
	struct kit k;
	uint32_t open = 0;
	int diverged = 0;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "any", any_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "fallback", any_model, NULL, NULL), 0);
	kit_tool(&k, "any", "{\"type\":\"object\"}", any_tool, NULL);
	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, NULL), 0);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (int i = 0; i < AGENTS; i++) {
		defs[i] = def_make(k.models, k.tools, recorder, i);
		cr_assert_eq(weft_agent_spawn(rt, defs[i], NULL, &agents[i]), 0);
	}
	finishers_start(finish);
	for (uint32_t i = 0; i < ASKS; i++) {
		weft_ask ask = WEFT_ASK_INIT;
		char input[16];

		snprintf(input, sizeof(input), "%u", draw(50)); /* many are asked the same */
		ask.input = weft_str_from(input);
		ask.workflow_id = weft_workflow_id(rt);
		cr_assert_eq(weft_agent_ask(agents[draw(AGENTS)], &ask, weft_reply_to_port(port, i)), 0);
		if (draw(10) == 0)
			for (int j = 0; j < AGENTS; j++)
				cr_assert_eq(weft_agent_cancel(agents[j], ask.workflow_id), 0);
		if (++open > 50)
			reap(port, &open, &diverged);
	}
	while (open)
		reap(port, &open, &diverged);
	finishers_stop();
	weft_port_destroy(port);
	test_runtime_end(rt);
	for (int i = 0; i < AGENTS; i++)
		weft_agent_def_unref(defs[i]);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	weft_recorder_unref(recorder);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
}

static void replay(const char *path)
{
	weft_replay_stats stats = { .size = sizeof(stats) };
	weft_agent_def *defs[AGENTS];
	weft_ref agents[AGENTS];
	weft_replay *replay;
	weft_error err = { 0 };
	weft_arena *arena;
	weft_runtime *rt = test_runtime(2);
	weft_port *port;
	uint32_t open = 0;
	int diverged = 0;

	cr_assert_eq(weft_replay_open(path, NULL, &replay, &err), 0, "%s", err.message);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_eq(weft_replay_agent_count(replay), AGENTS);
	cr_assert_eq(weft_replay_run_count(replay), ASKS);
	for (uint32_t i = 0; i < AGENTS; i++) {
		weft_agent_options opt;

		cr_assert_eq(weft_replay_agent_options(replay, i, &opt, &err), 0);
		cr_assert_eq(weft_agent_def_create(&opt, &defs[i], &err), 0);
		cr_assert_eq(weft_agent_spawn(rt, defs[i], NULL, &agents[i]), 0);
	}
	for (uint32_t i = 0; i < ASKS; i++) {
		weft_replay_run run = { .size = sizeof(run) };

		cr_assert_eq(weft_replay_run_at(replay, i, arena, &run), 0);
		cr_assert(run.complete);
		cr_assert_eq(weft_agent_ask(agents[run.agent], &run.ask, weft_reply_to_port(port, i)), 0);
		if (++open > 50)
			reap(port, &open, &diverged);
	}
	while (open)
		reap(port, &open, &diverged);
	cr_assert_eq(weft_replay_stats_read(replay, &stats), 0);
	cr_assert_eq(stats.first.code, 0, "%s", stats.first.message);
	cr_assert_eq(diverged, 0);
	cr_assert_eq(stats.runs_identical, ASKS);
	weft_port_destroy(port);
	test_runtime_end(rt);
	for (uint32_t i = 0; i < AGENTS; i++)
		weft_agent_def_unref(defs[i]);
	weft_arena_destroy(arena);
	weft_replay_unref(replay);
}

Test(record, many_runs_at_once__replay_as_they_were)
{
	char path[64] = "/tmp/weft-record-XXXXXX";
	int fd = mkstemp(path);

	finishers.seed = test_seed("record");
	cr_assert_geq(fd, 0);
	close(fd);
	unlink(path);
	record(path);
	replay(path);
	unlink(path);
}
