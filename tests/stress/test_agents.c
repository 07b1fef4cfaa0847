/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool-loop agents whose models and tools are finished by other threads, at any
 * moment: while the handler still returns, much later, or after the agent was ended.
 * Goal: every accepted ask has exactly one answer and no memory is touched after its
 * end (run it under asan and tsan). Method: each call draws what happens to it from
 * the seed; finishers take calls from a shared stack. Conservation:
 * accepted == answered, started == completed + failed.
 */
#include "tests/support/agents.h"
#include "tests/support/finishers.h"

#define AGENTS 16

/* ---- handlers ------------------------------------------------------------------------------ */

static void finish(struct parked *p)
{
	bool fail = draw(16) == 0;

	if (p->model) {
		p->model->response->text = WEFT_STR("late");
		weft_model_finish(p->model, fail ? -EIO : 0);
	} else {
		weft_tool_return(p->tool, WEFT_STR("a late result"));
		weft_tool_finish(p->tool, fail ? weft_tool_fail(p->tool, -EIO, "late failure") : 0);
	}
}

static int any_model(weft_model_call *call, void *user)
{
	static weft_tool_request calls[2] = { { WEFT_STR("a"), WEFT_STR("any"), WEFT_STR("{\"n\":1}") },
		                              { WEFT_STR("b"), WEFT_STR("any"), WEFT_STR("{\"n\":2}") } };
	uint32_t what = draw(10);

	(void)user;
	if (what < 4 && call->request->message_count < 6) {
		call->response->tool_calls = calls;
		call->response->tool_call_count = 1 + draw(2);
		return 0;
	}
	if (what < 7)
		return park(call, NULL, NULL);
	if (what == 7)
		return -EIO;
	call->response->text = WEFT_STR("now");
	return 0;
}

static int any_tool(weft_tool_call *call, void *user)
{
	uint32_t what = draw(4);

	(void)user;
	if (what < 2)
		return park(NULL, call, NULL);
	if (what == 2)
		return weft_tool_fail(call, -EIO, "no");
	weft_tool_return(call, WEFT_STR("a result"));
	return 0;
}

/* ---- the runs -------------------------------------------------------------------------------- */

struct tally {
	uint32_t accepted, answered, canceled;
};

static void reap(weft_port *port, struct tally *t, uint64_t wait_ns)
{
	weft_msg *got[64];
	int n = weft_port_wait_until(port, got, 64, weft_now_ns() + wait_ns);

	cr_assert_geq(n, 0);
	for (int i = 0; i < n; i++) {
		t->canceled += weft_msg_status(got[i]) == -ECANCELED || weft_msg_kind(got[i]) == WEFT_KIND_NOREPLY;
		weft_msg_destroy(got[i]);
	}
	t->answered += (uint32_t)n;
}

static void play(uint32_t asks, bool cut_off)
{
	weft_agent_stats stats = { .size = sizeof(stats) };
	struct tally t = { 0 };
	weft_ref agents[AGENTS];
	weft_port *port;
	struct kit k;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "any", any_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "fallback", any_model, NULL, NULL), 0);
	kit_tool(&k, "any", "{\"type\":\"object\",\"required\":[\"n\"]}", any_tool, NULL);
	kit_start(&k, 2);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	finishers_start(finish);
	for (int i = 0; i < AGENTS; i++)
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[i]), 0);
	for (uint32_t i = 0; i < asks; i++) {
		uint32_t a = draw(AGENTS);
		weft_ask ask = WEFT_ASK_INIT;

		ask.input = WEFT_STR("anything");
		ask.want_history = draw(2);
		ask.end_after = draw(50) == 0;
		if (weft_agent_ask(agents[a], &ask, weft_reply_to_port(port, i)) == 0)
			t.accepted++;
		else if (!weft_actor_is_alive(agents[a]))
			cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[a]), 0);
		if (t.accepted - t.answered > 200)
			reap(port, &t, TEST_LONG);
	}
	if (!cut_off) {
		while (t.answered < t.accepted)
			reap(port, &t, TEST_LONG);
		cr_assert_eq(weft_agent_stats_read(k.def, &stats), 0);
		cr_assert_eq(stats.runs_started, stats.runs_completed + stats.runs_failed + stats.runs_canceled);
		weft_port_destroy(port);
		test_runtime_end(k.rt);
	} else {
		cr_assert_eq(weft_runtime_stop(k.rt, 1), 0);
		(void)weft_runtime_join(k.rt);
		while (t.answered < t.accepted)
			reap(port, &t, TEST_SECOND);
		weft_port_destroy(port);
		weft_runtime_destroy(k.rt);
	}
	finishers_stop();
	cr_assert_eq(t.answered, t.accepted);
	weft_agent_def_unref(k.def);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
}

Test(agents, finishers__every_ask_is_answered_once)
{
	finishers.seed = test_seed("agents");
	play(20000, false);
}

Test(agents, cut_off__with_calls_in_others_hands)
{
	finishers.seed = test_seed("agents");
	for (int i = 0; i < 40; i++)
		play(100 + draw(200), true);
}
