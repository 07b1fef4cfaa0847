/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How tool-loop agents end, and what they refuse: end_after, stop under load, a runtime
 * that stops while a model is still at work, full mailboxes, bad input.
 */
#include "tests/support/agents.h"

static bool ends_soon(weft_ref agent)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (weft_actor_is_alive(agent) && weft_now_ns() < until)
		usleep(1000);
	return !weft_actor_is_alive(agent);
}

Test(agent_end, end_after__the_agent_is_gone)
{
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *answer;

	kit_init(&k);
	kit_start(&k, 1);
	ask.end_after = true;
	answer = kit_ask(&k, &ask);
	cr_assert_eq(weft_msg_status(answer), 0);
	weft_msg_destroy(answer);
	cr_assert(ends_soon(k.agent));
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), -ESRCH);
	kit_end(&k);
}

Test(agent_end, stop__under_load_answers_every_ask)
{
	enum { ASKS = 2000 };
	struct kit k;
	weft_port_options opt = WEFT_PORT_OPTIONS_INIT;
	weft_port *port;
	weft_msg *got[64];
	weft_ask ask = WEFT_ASK_INIT;
	int accepted = 0, answered = 0, good = 0, refused = 0;

	kit_init(&k);
	k.options.mailbox_msgs = 4096;
	k.mock.delay_ns = 3000000;
	kit_start(&k, 2);
	cr_assert_eq(weft_port_create(k.rt, &opt, &port), 0);
	for (int i = 0; i < ASKS; i++) {
		int r = weft_agent_ask(k.agent, &ask, weft_reply_to_port(port, 0));

		cr_assert(r == 0 || r == -ESRCH, "%d", r);
		accepted += r == 0;
		if (i == ASKS / 2)
			cr_assert_eq(weft_actor_stop(k.agent), 0);
	}
	while (answered < accepted) {
		int r = weft_port_wait_until(port, got, 64, weft_now_ns() + TEST_LONG);

		cr_assert_gt(r, 0, "an ask was never answered");
		for (int i = 0; i < r; i++) {
			int status = weft_msg_status(got[i]);

			good += status == 0;
			refused += status == -ESHUTDOWN || weft_msg_kind(got[i]) == WEFT_KIND_NOREPLY;
			weft_msg_destroy(got[i]);
		}
		answered += r;
	}
	cr_assert_eq(good + refused, answered);
	cr_assert_geq(good, ASKS / 2, "what came before the stop is finished first");
	cr_assert(ends_soon(k.agent));
	weft_port_destroy(port);
	kit_end(&k);
}

static weft_model_call *held;

static int hold_model(weft_model_call *call, void *user)
{
	(void)user;
	__atomic_store_n(&held, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

Test(agent_end, runtime_stop__a_pending_model_may_finish_afterwards)
{
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;
	weft_msg *answer;
	weft_model_call *call;

	held = NULL;
	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "hold", hold_model, NULL, NULL), 0);
	kit_start(&k, 1);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	ask.input = WEFT_STR("still there?");
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	while (!(call = __atomic_load_n(&held, __ATOMIC_ACQUIRE)))
		usleep(100);
	cr_assert_eq(weft_runtime_stop(k.rt, TEST_SECOND / 20), 0);
	cr_assert_eq(weft_runtime_join(k.rt), -ETIMEDOUT);
	cr_assert_eq(weft_future_try_take(future, &answer), 0);
	cr_assert_eq(weft_msg_status(answer), -ECANCELED);
	weft_msg_destroy(answer);
	/* the conversation is still there for the thread that answers */
	cr_assert(text_is(call->request->messages[1].content, "still there?"));
	call->response->text = weft_arena_dup(call->arena, WEFT_STR("too late"));
	weft_model_finish(call, 0);
	weft_future_destroy(future);
	weft_runtime_destroy(k.rt);
	weft_agent_def_unref(k.def);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
}

/* ---- refusals ----------------------------------------------------------------------------------------- */

Test(agent_end, mailbox_full__is_eagain)
{
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *answers[8];
	weft_port *port;
	int r = 0, accepted = 0, n = 0;

	kit_init(&k);
	k.options.mailbox_msgs = 4;
	kit_start(&k, 1);
	cr_assert_eq(weft_port_create(k.rt, NULL, &port), 0);
	cr_assert_eq(weft_guest_enter(k.rt), 0); /* so that nobody handles them meanwhile, mostly */
	for (int i = 0; i < 1000000 && r == 0; i++) {
		r = weft_agent_ask(k.agent, &ask, weft_reply_to_port(port, 0));
		accepted += r == 0;
	}
	cr_assert_eq(r, -EAGAIN);
	while (n < accepted) {
		r = weft_port_wait_until(port, answers, 8, weft_now_ns() + TEST_LONG);
		cr_assert_gt(r, 0);
		for (int i = 0; i < r; i++)
			weft_msg_destroy(answers[i]);
		n += r;
	}
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), 0, "there is room again");
	cr_assert_eq(weft_guest_leave(k.rt), 0);
	weft_port_destroy(port);
	kit_end(&k);
}

Test(agent_end, bad_input__is_refused)
{
	static char huge[WEFT_MSG_BYTES_MAX + 1];
	struct kit k;
	weft_ask ask = WEFT_ASK_INIT;

	kit_init(&k);
	kit_start(&k, 1);
	cr_assert_eq(weft_agent_ask(k.agent, NULL, weft_reply_to_none()), -EINVAL);
	ask.history_count = 1;
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), -EINVAL);
	ask.history_count = 0;
	ask.size = 1;
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), -EINVAL);
	ask.size = sizeof(ask);
	memset(huge, 'x', sizeof(huge));
	ask.input = (weft_str){ huge, sizeof(huge) };
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_none()), -EMSGSIZE);
	ask.input = WEFT_STR("x");
	cr_assert_eq(weft_agent_ask((weft_ref){ 0 }, &ask, weft_reply_to_none()), -ESRCH);
	cr_assert_eq(weft_agent_spawn(NULL, k.def, NULL, &k.agent), -EINVAL);
	cr_assert_eq(weft_agent_spawn(k.rt, NULL, NULL, &k.agent), -EINVAL);
	cr_assert_null(weft_agent_result_of(NULL));
	kit_end(&k);
}

/* The class lies in the definition, which goes with its last agent. */
Test(agent_end, definition__may_go_before_its_agents)
{
	weft_ask ask = WEFT_ASK_INIT;
	struct kit k;

	kit_init(&k);
	kit_start(&k, 2);
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &k.agent), 0);
	weft_agent_def_unref(k.def);
	k.def = NULL;
	ask.end_after = true;
	weft_msg_destroy(kit_ask(&k, &ask));
	cr_assert(ends_soon(k.agent));
	kit_end(&k); /* and the other one here */
}
