/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/agents.c - scenario "agents": the tool loop, with models and tools that answer at once,
 * fail, or are finished by other threads at any moment: while the handler returns, much later, or after the
 * agent was ended.
 *
 * Each ask that was accepted has one answer; each run that began is completed or failed.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define AGENTS 3u
#define ASKERS_MAX 3u
#define PENDING_MAX 32u

static struct {
	weft_runtime *rt;
	weft_agent_def *def;
	weft_ref agents[AGENTS];
	uint64_t asked, answered;
	struct pending {
		weft_model_call *model;
		weft_tool_call *tool;
	} pending[PENDING_MAX];
	uint32_t pending_count;
	bool over; /* no handler runs any more */
} seen;

/* ---- models and tools ---------------------------------------------------------------- */

/* For a finisher. False: there is no place. */
static bool put_aside(struct pending p)
{
	if (seen.pending_count == PENDING_MAX)
		return false;
	seen.pending[seen.pending_count++] = p;
	return true;
}

static int any_model(weft_model_call *call, void *user)
{
	static const weft_tool_request calls[3] = { { WEFT_STR("a"), WEFT_STR("any"), WEFT_STR("{\"n\":1}") },
		                                    { WEFT_STR("b"), WEFT_STR("any"), WEFT_STR("{\"n\":2}") },
		                                    { WEFT_STR("c"), WEFT_STR("none"), WEFT_STR("{") } };

	(void)user;
	switch (weft_sim_choose(10)) {
	case 0:
	case 1:
	case 2:
		if (call->request->message_count > 6)
			break;
		call->response->tool_calls = calls;
		call->response->tool_call_count = 1 + (uint32_t)weft_sim_choose(3);
		return 0;
	case 3:
	case 4:
	case 5:
		if (put_aside((struct pending){ .model = call }))
			return WEFT_PENDING;
		break;
	case 6:
		return -EIO; /* the mock is asked */
	default:
		break;
	}
	call->response->text = WEFT_STR("now");
	return 0;
}

static int any_tool(weft_tool_call *call, void *user)
{
	(void)user;
	switch (weft_sim_choose(4)) {
	case 0:
		return weft_tool_fail(call, -EIO, "no");
	case 1:
		weft_tool_return(call, WEFT_STR("a result"));
		return 0;
	default:
		return put_aside((struct pending){ .tool = call }) ? WEFT_PENDING : 0;
	}
}

static void finish(struct pending p)
{
	bool fail = weft_sim_choose(8) == 0;

	if (p.model) {
		p.model->response->text = WEFT_STR("late");
		weft_model_finish(p.model, fail ? -EIO : 0);
	} else {
		weft_tool_return(p.tool, WEFT_STR("a late result"));
		weft_tool_finish(p.tool, fail ? weft_tool_fail(p.tool, -EIO, "late failure") : 0);
	}
}

static void *finisher(void *user)
{
	(void)user;
	for (;;) {
		bool last = seen.over;

		while (seen.pending_count && (last || weft_sim_choose(3))) {
			uint32_t which = (uint32_t)weft_sim_choose(seen.pending_count);
			struct pending p = seen.pending[which];

			seen.pending[which] = seen.pending[--seen.pending_count];
			finish(p);
		}
		if (last)
			return NULL;
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
}

/* ---- the world, made in spite of faults ------------------------------------------------ */

static weft_models *models_make(void)
{
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_models *models;

	mock.delay_ns = weft_sim_choose(2) ? 0 : 1 + weft_sim_choose(SIM_MS);
	sim_insist(weft_models_create(&models));
	sim_insist(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 1, "any", any_model, NULL, NULL));
	sim_insist(weft_models_add_mock(models, 0, &mock));
	return models;
}

static weft_tools *tools_make(void)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	weft_tools *tools;

	opt.name = "any";
	opt.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}");
	opt.fn = any_tool;
	sim_insist(weft_tools_create(&tools));
	sim_insist(weft_tools_add(tools, &opt, NULL));
	return tools;
}

static weft_agent_def *def_make(void)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_models *models = models_make();
	weft_tools *tools = tools_make();
	weft_agent_def *def;

	opt.models = models;
	opt.tools = tools;
	opt.system = "You are simulated.";
	opt.serial_tool_calls = weft_sim_choose(2);
	opt.loop_policy = (uint8_t)weft_sim_choose(4);
	sim_insist(weft_agent_def_create(&opt, &def, NULL));
	weft_models_unref(models);
	weft_tools_unref(tools);
	return def;
}

static void agents_refresh(void)
{
	for (uint32_t i = 0; i < AGENTS; i++) {
		int r;

		if (weft_actor_is_alive(seen.agents[i]))
			continue;
		r = weft_agent_spawn(seen.rt, seen.def, NULL, &seen.agents[i]);
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	}
}

/* ---- who asks ----------------------------------------------------------------------------- */

/* What the ask said. */
static int ask_once(weft_future *f)
{
	weft_ask ask = WEFT_ASK_INIT;
	const weft_agent_result *result;
	weft_msg *answer;
	int r;

	ask.input = WEFT_STR("Do something.");
	ask.want_history = weft_sim_choose(2);
	ask.end_after = weft_sim_choose(20) == 0;
	r = weft_agent_ask(seen.agents[weft_sim_choose(AGENTS)], &ask, weft_reply_to_future(f));
	sim_check(r == 0 || r == -ENOMEM || r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
	if (r < 0)
		return r;
	seen.asked++;
	sim_check(weft_future_wait_until(f, &answer, WEFT_FOREVER) == 0, "wait");
	seen.answered++;
	result = weft_agent_result_of(answer);
	weft_sim_note((uint64_t)(int64_t)weft_msg_status(answer));
	sim_check(!result || result->status < 0 || result->text.len_bytes, "done, and no text");
	sim_check(result || weft_msg_status(answer) < 0, "no result, and no reason");
	weft_msg_destroy(answer);
	return 0;
}

static void *asker(void *user)
{
	weft_future *f;
	int r = 0;

	(void)user;
	sim_insist(weft_future_create(seen.rt, &f));
	while (r != -ESHUTDOWN && sim_goes_on()) {
		bool guest = weft_sim_choose(4) == 0 && weft_guest_enter(seen.rt) == 0;

		for (uint64_t n = weft_sim_choose(4); n && r != -ESHUTDOWN; n--)
			r = ask_once(f);
		if (guest)
			sim_check(weft_guest_leave(seen.rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	return NULL;
}

static void run(void)
{
	uint64_t askers = 1 + weft_sim_choose(ASKERS_MAX), thread[ASKERS_MAX], finishing, stop_at;
	weft_agent_stats stats = { .size = sizeof(stats) };

	seen.rt = sim_runtime();
	seen.def = def_make();
	agents_refresh();
	finishing = sim_thread(finisher, NULL);
	for (uint64_t i = 0; i < askers; i++)
		thread[i] = sim_thread(asker, NULL);
	stop_at = weft_sim_choose(2) ? UINT64_MAX : weft_now_ns() + weft_sim_choose(20 * SIM_MS);
	while (sim_goes_on() && weft_now_ns() < stop_at) {
		agents_refresh();
		if (weft_sim_choose(8) == 0)
			(void)weft_actor_stop(seen.agents[weft_sim_choose(AGENTS)]);
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_runtime_stop(seen.rt, sim_stop_ns());
	for (uint64_t i = 0; i < askers; i++)
		weft_sim_thread_join(thread[i]); /* each had its answers */
	sim_runtime_end(seen.rt, WEFT_FOREVER);
	seen.over = true;
	weft_sim_thread_join(finishing);
	sim_check(weft_agent_stats_read(seen.def, &stats) == 0, "stats");
	sim_check(stats.runs_started == stats.runs_completed + stats.runs_failed,
	          "%" PRIu64 " began, %" PRIu64 " completed, %" PRIu64 " failed", stats.runs_started, stats.runs_completed,
	          stats.runs_failed);
	sim_check(seen.asked == seen.answered, "%" PRIu64 " asked, %" PRIu64 " answered", seen.asked, seen.answered);
	weft_agent_def_unref(seen.def);
}

const struct sim_scenario sim_agents = {
	.name = "agents",
	.what = "the tool loop, with models and tools that fail or are finished by other threads",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
