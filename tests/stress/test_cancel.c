/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that are canceled while their models and tools are finished by other threads: the race of a cancel with a
 * completion, and of telling a handler with its finish.
 * Goal: one answer an ask, whoever was first; no handler is told once its finish has returned (each frees what it
 * would be told with: run it under asan and tsan); the agent goes on. Method: what happens to each call is drawn from
 * the seed; finishers take calls from a shared stack, a thread cancels. Conservation:
 * accepted == answered, started == completed + failed + canceled, calls begun == calls finished.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/agents.h"
#include "tests/support/finishers.h"

#define AGENTS 4
#define IDS 64
#define ASKS 6000

/* ---- calls --------------------------------------------------------------------- */

/* What a handler keeps of its call: freed when its finish has returned. */
struct work {
	weft_model_call *model;
	weft_tool_call *tool;
	_Atomic(bool) unwanted; /* it was told */
	_Atomic(bool) taken;    /* somebody finishes it */
	_Atomic(int) holders;   /* the stack, and the call until its finish has returned */
};

static _Atomic(uint64_t) begun, finished, told;

static void let_go(struct work *w)
{
	if (--w->holders == 0)
		free(w);
}

static void finish(struct work *w)
{
	if (atomic_exchange(&w->taken, true))
		return;
	finished++;
	if (w->model) {
		w->model->response->text = WEFT_STR("late");
		weft_model_finish(w->model, w->unwanted ? -ECANCELED : draw(16) ? 0 : -EIO);
	} else {
		weft_tool_return(w->tool, WEFT_STR("a late result"));
		weft_tool_finish(w->tool, w->unwanted ? -ECANCELED : 0);
	}
	let_go(w);
}

static void on_cancel(void *user)
{
	struct work *w = user;

	told++;
	if (draw(8) == 0)
		usleep(draw(300)); /* long enough for a finish on another thread to come meanwhile */
	w->unwanted = true;
	if (draw(2))
		finish(w);
}

static int begin(weft_model_call *model, weft_tool_call *tool)
{
	struct work *w = calloc(1, sizeof(*w));

	w->model = model;
	w->tool = tool;
	w->holders = 2;
	begun++;
	if (draw(4)) {
		cr_assert_eq(model ? weft_model_on_cancel(model, on_cancel, w) : weft_tool_on_cancel(tool, on_cancel, w), 0);
	}
	return park(model, tool, w);
}

static void finish_parked(struct parked *p)
{
	finish(p->user);
	let_go(p->user);
}

static int any_model(weft_model_call *call, void *user)
{
	static weft_tool_request calls[2] = { { WEFT_STR("a"), WEFT_STR("any"), WEFT_STR("{\"n\":1}") },
		                              { WEFT_STR("b"), WEFT_STR("any"), WEFT_STR("{\"n\":2}") } };

	(void)user;
	if (draw(2) && call->request->message_count < 6) {
		call->response->tool_calls = calls;
		call->response->tool_call_count = 1 + draw(2);
		return 0;
	}
	return begin(call, NULL);
}

static int any_tool(weft_tool_call *call, void *user)
{
	(void)user;
	return draw(4) ? begin(NULL, call) : 0;
}

/* ---- who cancels ------------------------------------------------------------------ */

static weft_ref agents[AGENTS];
static _Atomic(uint64_t) ids[IDS];
static _Atomic(bool) canceler_end;

static void *canceler(void *unused)
{
	while (!canceler_end) {
		uint64_t id = draw(200) ? ids[draw(IDS)] : 0;

		for (int i = 0; i < AGENTS; i++)
			cr_assert_eq(weft_agent_cancel(agents[i], id), 0);
		if (draw(2))
			usleep(draw(100));
	}
	return unused;
}

struct tally {
	uint32_t accepted, answered, canceled, good;
};

static void reap(weft_port *port, struct tally *t)
{
	weft_msg *got[64];
	int n = weft_port_wait_until(port, got, 64, weft_now_ns() + TEST_LONG);

	cr_assert_gt(n, 0);
	for (int i = 0; i < n; i++) {
		int status = weft_msg_status(got[i]);

		t->canceled += status == -ECANCELED;
		t->good += status == 0;
		weft_msg_destroy(got[i]);
	}
	t->answered += (uint32_t)n;
}

Test(cancel, races_with_completion__each_ask_is_answered_once)
{
	weft_agent_stats s = { .size = sizeof(s) };
	pthread_t canceling;
	struct tally t = { 0 };
	weft_port *port;
	struct kit k;

	finishers.seed = test_seed("cancel");
	kit_init(&k);
	k.options.loop_policy = WEFT_LOOP_OFF;
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "any", any_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "fallback", any_model, NULL, NULL), 0);
	kit_tool(&k, "any", "{\"type\":\"object\"}", any_tool, NULL);
	kit_start(&k, 2);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	for (int i = 0; i < AGENTS; i++)
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[i]), 0);
	finishers_start(finish_parked);
	cr_assert_eq(pthread_create(&canceling, NULL, canceler, NULL), 0);
	for (uint32_t i = 0; i < ASKS; i++) {
		weft_ask ask = WEFT_ASK_INIT;

		ask.workflow_id = weft_workflow_id(k.rt);
		ids[i % IDS] = ask.workflow_id;
		if (weft_agent_ask(agents[draw(AGENTS)], &ask, weft_reply_to_port(port, i)) == 0)
			t.accepted++;
		if (t.accepted - t.answered > 100)
			reap(port, &t);
	}
	while (t.answered < t.accepted)
		reap(port, &t);
	canceler_end = true;
	pthread_join(canceling, NULL);
	cr_assert_eq(weft_agent_stats_read(k.def, &s), 0);
	cr_assert_eq(s.runs_started, t.accepted);
	cr_assert_eq(s.runs_canceled, t.canceled);
	cr_assert_eq(s.runs_completed, t.good);
	cr_assert_eq(s.runs_started, s.runs_completed + s.runs_failed + s.runs_canceled);
	cr_assert_gt(t.canceled, 0, "nothing was canceled: the test does not test");
	cr_assert_gt(told, 0);
	finishers_stop();
	cr_assert_eq(begun, finished, "%lu begun, %lu finished", (unsigned long)begun, (unsigned long)finished);
	weft_port_destroy(port);
	kit_end(&k);
}
