/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that are canceled: while they wait for a model, for tools, for a handler that ignores it, in a room's queue;
 * what handlers are told, what events say, what is counted, and that the agent goes on. And handlers that go on speaking
 * when their agent has ended with its runtime.
 */
#include <stdatomic.h>

#include "tests/support/agents.h"

/* A model and a tool that keep their calls until the test finishes them. */
static struct {
	pthread_mutex_t lock;
	weft_model_call *model[8];
	weft_tool_call *tool[8];
	uint32_t models, tools, told;
	bool wants_to_know;    /* asks to be told */
	bool finishes_itself;  /* when told */
	uint32_t asked;        /* of the fallback */
} held;

/* Note it. True: the handler shall finish in here. */
static bool on_told(void)
{
	bool finish;

	pthread_mutex_lock(&held.lock);
	held.told++;
	finish = held.finishes_itself;
	pthread_mutex_unlock(&held.lock);
	return finish;
}

static void on_model_cancel(void *user)
{
	if (on_told())
		weft_model_finish(user, -ECANCELED);
}

static void on_tool_cancel(void *user)
{
	if (on_told())
		weft_tool_finish(user, -ECANCELED);
}

static int hold_model(weft_model_call *call, void *user)
{
	(void)user;
	pthread_mutex_lock(&held.lock);
	held.model[held.models++ % 8] = call;
	pthread_mutex_unlock(&held.lock);
	if (held.wants_to_know)
		cr_assert_eq(weft_model_on_cancel(call, on_model_cancel, call), 0);
	return WEFT_PENDING;
}

static int hold_tool(weft_tool_call *call, void *user)
{
	(void)user;
	pthread_mutex_lock(&held.lock);
	held.tool[held.tools++ % 8] = call;
	pthread_mutex_unlock(&held.lock);
	if (held.wants_to_know)
		cr_assert_eq(weft_tool_on_cancel(call, on_tool_cancel, call), 0);
	return WEFT_PENDING;
}

static int fallback(weft_model_call *call, void *user)
{
	(void)user;
	held.asked++;
	call->response->text = WEFT_STR("from the fallback");
	return 0;
}

static uint32_t count_of(const uint32_t *n)
{
	uint32_t value;

	pthread_mutex_lock(&held.lock);
	value = *n;
	pthread_mutex_unlock(&held.lock);
	return value;
}

static void wait_for(const uint32_t *n, uint32_t value)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (count_of(n) != value) {
		cr_assert_lt(weft_now_ns(), until, "it never came");
		usleep(200);
	}
}

static struct kit k;
static weft_port *port;

static void setup(void)
{
	memset(&held, 0, sizeof(held));
	pthread_mutex_init(&held.lock, NULL);
	kit_init(&k);
}

static void start_with_model(void)
{
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "hold", hold_model, NULL, NULL), 0);
	kit_start(&k, 1);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
}

static void teardown(void)
{
	weft_agent_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_agent_stats_read(k.def, &s), 0);
	cr_assert_eq(s.runs_started, s.runs_completed + s.runs_failed + s.runs_canceled);
	weft_port_destroy(port);
	kit_end(&k);
}

TestSuite(agent_cancel, .init = setup, .fini = teardown, .timeout = 120);

static uint64_t ask(uint64_t token)
{
	weft_ask a = WEFT_ASK_INIT;

	a.input = WEFT_STR("hi");
	a.workflow_id = weft_workflow_id(k.rt);
	a.want_history = true;
	cr_assert_eq(weft_agent_ask(k.agent, &a, weft_reply_to_port(port, token)), 0);
	return a.workflow_id;
}

static weft_msg *take(void)
{
	weft_msg *m = NULL;

	cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_LONG), 1);
	return m;
}

static void take_status(int status)
{
	weft_msg *m = take();

	cr_assert_eq(weft_msg_status(m), status, "%s", weft_errname(weft_msg_status(m)));
	weft_msg_destroy(m);
}

/* The agent still answers. */
static void still_works(void)
{
	uint32_t before = count_of(&held.models);

	ask(77);
	wait_for(&held.models, before + 1);
	held.model[before % 8]->response->text = WEFT_STR("fine");
	weft_model_finish(held.model[before % 8], 0);
	take_status(0);
}

Test(agent_cancel, model__the_asker_hears_at_once_and_the_handler_may_finish_later)
{
	const weft_agent_result *result;
	uint64_t id;
	weft_msg *m;

	start_with_model();
	id = ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0);
	m = take();
	result = weft_agent_result_of(m);
	cr_assert_eq(weft_msg_status(m), -ECANCELED);
	cr_assert_eq(result->workflow_id, id);
	cr_assert(text_is(result->error, "canceled"));
	cr_assert_eq(result->history_count, 2, "what was said until then");
	weft_msg_destroy(m);
	cr_assert(text_is(held.model[0]->request->messages[1].content, "hi"), "the handler may still read");
	held.model[0]->response->text = WEFT_STR("too late");
	weft_model_finish(held.model[0], 0);
	still_works();
}

Test(agent_cancel, model__the_handler_is_told_once_and_ends_it)
{
	uint64_t id;

	held.wants_to_know = held.finishes_itself = true;
	start_with_model();
	id = ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0, "again is no harm");
	take_status(-ECANCELED);
	wait_for(&held.told, 1); /* after the answer */
	held.finishes_itself = false;
	still_works();
	cr_assert_eq(count_of(&held.told), 1);
}

Test(agent_cancel, model__no_fallback_is_asked_for_a_run_that_has_ended)
{
	weft_agent_stats s = { .size = sizeof(s) };
	uint64_t id;

	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "fallback", fallback, NULL, NULL), 0);
	start_with_model();
	id = ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0);
	take_status(-ECANCELED);
	weft_model_finish(held.model[0], -EIO);
	still_works();
	cr_assert_eq(held.asked, 0);
	cr_assert_eq(weft_agent_stats_read(k.def, &s), 0);
	cr_assert_eq(s.runs_canceled, 1);
	cr_assert_eq(s.runs_failed, 0);
	cr_assert_eq(s.model_failures, 0);
}

static int call_two(weft_model_call *call, void *user)
{
	static const weft_tool_request two[2] = { { WEFT_STR("a"), WEFT_STR("hold"), WEFT_STR("{\"n\":1}") },
		                                  { WEFT_STR("b"), WEFT_STR("hold"), WEFT_STR("{\"n\":2}") } };

	(void)user;
	held.asked++;
	call->response->tool_calls = two;
	call->response->tool_call_count = 2;
	return 0;
}

static void cancel_two_tools(bool serial)
{
	uint32_t out = serial ? 1 : 2;
	uint64_t id;

	k.options.serial_tool_calls = serial;
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "two", call_two, NULL, NULL), 0);
	kit_tool(&k, "hold", "{}", hold_tool, NULL);
	kit_start(&k, 1);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	id = ask(1);
	wait_for(&held.tools, out);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0);
	take_status(-ECANCELED);
	for (uint32_t i = 0; i < out; i++) {
		weft_tool_return(held.tool[i], WEFT_STR("late"));
		weft_tool_finish(held.tool[i], 0);
	}
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0); /* behind what came back */
	id = ask(2);
	wait_for(&held.tools, 2 * out);
	cr_assert_eq(held.asked, 2, "the canceled run asked no more");
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	take_status(-ECANCELED);
	for (uint32_t i = out; i < 2 * out; i++)
		weft_tool_finish(held.tool[i], -EIO);
}

Test(agent_cancel, tools__in_parallel)
{
	cancel_two_tools(false);
}

Test(agent_cancel, tools__one_after_another_and_the_second_is_not_begun)
{
	cancel_two_tools(true);
}

Test(agent_cancel, tools__are_told)
{
	held.wants_to_know = held.finishes_itself = true;
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "two", call_two, NULL, NULL), 0);
	kit_tool(&k, "hold", "{}", hold_tool, NULL);
	kit_start(&k, 1);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	ask(1);
	wait_for(&held.tools, 2);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	take_status(-ECANCELED);
	wait_for(&held.told, 2);
}

Test(agent_cancel, zero__ends_all_and_no_other_agents)
{
	weft_ref other;
	weft_ask a = WEFT_ASK_INIT;

	start_with_model();
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &other), 0);
	cr_assert_eq(weft_agent_ask(other, &a, weft_reply_to_port(port, 9)), 0);
	wait_for(&held.models, 1);
	for (uint64_t i = 0; i < 4; i++)
		ask(i);
	wait_for(&held.models, 5);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	for (int i = 0; i < 4; i++)
		take_status(-ECANCELED);
	held.model[0]->response->text = WEFT_STR("fine");
	weft_model_finish(held.model[0], 0);
	take_status(0);
	for (int i = 1; i < 5; i++)
		weft_model_finish(held.model[i], -ECANCELED);
}

Test(agent_cancel, nothing_to_cancel__is_no_error)
{
	uint64_t id;

	start_with_model();
	cr_assert_eq(weft_agent_cancel(k.agent, 12345), 0);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	still_works();
	id = ask(1);
	wait_for(&held.models, 2);
	cr_assert_eq(weft_agent_cancel(k.agent, id + 1000), 0, "another id");
	held.model[1]->response->text = WEFT_STR("fine");
	weft_model_finish(held.model[1], 0);
	take_status(0);
	cr_assert_eq(weft_agent_cancel((weft_ref){ 0 }, 0), -ESRCH);
}

/* Its own answer to the wish to be told: not later than its return, and not outside. */
Test(agent_cancel, on_cancel__only_from_inside_the_handler)
{
	start_with_model();
	ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_model_on_cancel(held.model[0], on_model_cancel, NULL), -EINVAL);
	cr_assert_eq(weft_model_on_cancel(NULL, on_model_cancel, NULL), -EINVAL);
	cr_assert_eq(weft_tool_on_cancel(NULL, on_tool_cancel, NULL), -EINVAL);
	weft_model_finish(held.model[0], 0);
	take_status(0);
}

Test(agent_cancel, full_mailbox__does_not_refuse_it)
{
	weft_ask a = WEFT_ASK_INIT;
	int accepted = 0, r = 0;

	k.options.mailbox_msgs = 4;
	start_with_model();
	cr_assert_eq(weft_guest_enter(k.rt), 0); /* so that nobody handles them meanwhile, mostly */
	held.models = 0;
	for (int i = 0; i < 8 && r == 0; i++) {
		r = weft_agent_ask(k.agent, &a, weft_reply_to_port(port, 0));
		accepted += r == 0;
	}
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(weft_guest_leave(k.rt), 0);
	for (int i = 0; i < accepted; i++)
		take_status(-ECANCELED);
	for (int i = 0; i < accepted; i++)
		weft_model_finish(held.model[i], 0);
}

Test(agent_cancel, agent_end__tells_the_handlers)
{
	held.wants_to_know = true;
	start_with_model();
	ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_actor_kill(k.agent), 0);
	take_status(-ECANCELED);
	wait_for(&held.told, 1);
	weft_model_finish(held.model[0], -ECANCELED);
}

/* ---- events ------------------------------------------------------------------------ */

struct tally {
	uint32_t agent_canceled, agent_other, llm_canceled, llm_other;
};

static bool tally_read(weft_subscription *sub, struct tally *t)
{
	weft_event e[16];
	int n = weft_events_read(sub, e, 16);

	for (int i = 0; i < n; i++) {
		bool canceled = e[i].type == WEFT_EVENT_CANCELED;
		bool ended = canceled || e[i].type == WEFT_EVENT_COMPLETED || e[i].type == WEFT_EVENT_FAILED;

		if (e[i].scope == WEFT_SCOPE_AGENT && ended)
			canceled ? t->agent_canceled++ : t->agent_other++;
		if (e[i].scope == WEFT_SCOPE_LLM && ended)
			canceled ? t->llm_canceled++ : t->llm_other++;
	}
	return t->agent_canceled + t->agent_other == 1 && t->llm_canceled + t->llm_other == 1;
}

Test(agent_cancel, events__say_canceled)
{
	weft_subscription *sub;
	struct tally t = { 0 };
	uint64_t id;

	held.wants_to_know = held.finishes_itself = true;
	start_with_model();
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	id = ask(1);
	wait_for(&held.models, 1);
	cr_assert_eq(weft_agent_cancel(k.agent, id), 0);
	take_status(-ECANCELED);
	for (uint64_t until = weft_now_ns() + TEST_LONG; !tally_read(sub, &t);) {
		cr_assert_lt(weft_now_ns(), until);
		usleep(200);
	}
	cr_assert_eq(t.agent_canceled, 1);
	cr_assert_eq(t.llm_canceled, 1);
	weft_events_unsubscribe(sub);
}

/* ---- handlers that outlive the runtime -------------------------------------------------- */

#define ROUNDS 20

static _Atomic(uint32_t) said;
static _Atomic(bool) gone;

/* Says something until the runtime is gone, once more then, and ends its call. */
static void *speak(void *unused)
{
	bool last;

	do {
		last = gone;
		if (held.models)
			weft_model_chunk(held.model[0], WEFT_STR("word "));
		else
			weft_tool_progress(held.tool[0], WEFT_STR("step"));
		said++;
	} while (!last);
	if (held.models)
		weft_model_finish(held.model[0], -ECANCELED);
	for (uint32_t i = 0; i < held.tools; i++)
		weft_tool_finish(held.tool[i], -ECANCELED);
	return unused;
}

static void outlive(weft_model_fn model)
{
	for (int i = 0; i < ROUNDS; i++) {
		weft_subscription *sub;
		weft_ask a = WEFT_ASK_INIT;
		pthread_t speaker;

		setup();
		said = 0;
		gone = false;
		cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "m", model, NULL, NULL), 0);
		kit_tool(&k, "hold", "{}", hold_tool, NULL);
		kit_start(&k, 1);
		cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
		cr_assert_eq(weft_agent_ask(k.agent, &a, weft_reply_to_none()), 0);
		wait_for(model == hold_model ? &held.models : &held.tools, model == hold_model ? 1 : 2);
		cr_assert_eq(pthread_create(&speaker, NULL, speak, NULL), 0);
		while (said < 100)
			usleep(100);
		weft_events_unsubscribe(sub);
		cr_assert_eq(weft_runtime_stop(k.rt, 0), 0);
		(void)weft_runtime_join(k.rt); /* the run was cut off */
		weft_runtime_destroy(k.rt);
		gone = true;
		pthread_join(speaker, NULL);
		weft_agent_def_unref(k.def);
		weft_models_unref(k.models);
		weft_tools_unref(k.tools);
	}
}

TestSuite(agent_gone, .timeout = 120);

Test(agent_gone, model__says_nothing_to_a_runtime_that_is_gone)
{
	outlive(hold_model);
}

Test(agent_gone, tool__says_nothing_to_a_runtime_that_is_gone)
{
	outlive(call_two);
}
