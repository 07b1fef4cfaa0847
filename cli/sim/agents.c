/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/agents.c - scenario "agents": the tool loop, with models and tools that answer at once,
 * fail, or are finished by other threads at any moment: while the handler returns, much later, or after the
 * agent was ended.
 *
 * Runs are canceled at any moment, and what waits for them may be told.
 *
 * Each ask that was accepted has one answer; each run that began is completed, failed or canceled. No handler is told
 * after its finish has returned.
 */
#include "cli/sim/late.h"
#include "cli/sim/sim.h"
#include "cli/sim/talk.h"

static struct sim_talk talk;

/* ---- models and tools ---------------------------------------------------------------- */

/* Nobody waits: end it here, leave it to the finisher, or the finisher is at it already. */
static void on_cancel(void *user)
{
	struct sim_late late;

	if (!weft_sim_choose(2) && sim_late_take((uintptr_t)user, &late))
		late.finish(late.call);
}

/* A number to be told by when nobody waits any more; 0: it is not to be told. */
static uint64_t any_number(void)
{
	static uint64_t last;

	return weft_sim_choose(3) ? ++last : 0;
}

static void finish_model(void *user)
{
	weft_model_call *call = user;
	bool fail = weft_sim_choose(8) == 0;

	call->response->text = WEFT_STR("late");
	weft_model_finish(call, fail ? -EIO : 0);
}

static void finish_tool(void *user)
{
	weft_tool_call *call = user;
	bool fail = weft_sim_choose(8) == 0;

	weft_tool_return(call, WEFT_STR("a late result"));
	weft_tool_finish(call, fail ? weft_tool_fail(call, -EIO, "late failure") : 0);
}

/* False: there is no place. */
static bool put_model_aside(weft_model_call *call)
{
	uint64_t told = any_number();

	if (!sim_late_has_room())
		return false;
	if (told)
		sim_check(weft_model_on_cancel(call, on_cancel, (void *)(uintptr_t)told) == 0, "on_cancel");
	sim_late_put((struct sim_late){ finish_model, call, told });
	return true;
}

static bool put_tool_aside(weft_tool_call *call)
{
	uint64_t told = any_number();

	if (!sim_late_has_room())
		return false;
	if (told)
		sim_check(weft_tool_on_cancel(call, on_cancel, (void *)(uintptr_t)told) == 0, "on_cancel");
	sim_late_put((struct sim_late){ finish_tool, call, told });
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
		if (put_model_aside(call))
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
		return put_tool_aside(call) ? WEFT_PENDING : 0;
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

/* ---- who asks ----------------------------------------------------------------------------- */

static int ask(weft_future *to)
{
	weft_ask ask = WEFT_ASK_INIT;

	ask.input = WEFT_STR("Do something.");
	ask.want_history = weft_sim_choose(2);
	ask.end_after = weft_sim_choose(20) == 0;
	ask.workflow_id = sim_talk_workflow(&talk);
	return weft_agent_ask(sim_talk_agent(&talk), &ask, weft_reply_to_future(to));
}

static void check_result(const weft_agent_result *result, int status)
{
	(void)status;
	sim_check(!result || result->status < 0 || result->text.len_bytes, "done, and no text");
}

static void run(void)
{
	uint64_t askers = sim_talk_askers();

	talk = (struct sim_talk){ .agent_count = 3, .send = ask, .check = check_result };
	talk.rt = sim_runtime();
	talk.def = def_make();
	sim_talk(&talk, askers);
	weft_agent_def_unref(talk.def);
}

const struct sim_scenario sim_agents = {
	.name = "agents",
	.what = "the tool loop, with models and tools that fail or are finished by other threads",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
