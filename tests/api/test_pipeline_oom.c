/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a message that is handled while memory runs out is answered once, with a result or without one, and the next one
 * goes well. Method: for n = 1, 2, ... the n-th allocation fails while the agent works, until there are no more; texts are long,
 * so that arenas have to ask for memory often; with handlers that answer at once, and that are finished by others, before and after they
 * have returned. What leaks or is used after its end shows under asan.
 */
#include "tests/support/endings.h"
#include "tests/support/failing_alloc.h"

#define TEXT_BYTES 9000 /* more than an arena's first block */
#define CHAT 80         /* messages before: enough for a summary */

static int64_t until_failure = INT64_MAX; /* atomic: so many allocations of the agent go well, then one does not */
static _Thread_local bool is_host; /* this thread does something of its own: it may always */
static char text[TEXT_BYTES + 1];

static bool test_alloc_fails(void)
{
	return !is_host && __atomic_sub_fetch(&until_failure, 1, __ATOMIC_RELAXED) == 0;
}

/* What brings an ending to another thread is the test's own; what is said there is not. */
static int by_way(void *call, int (*say)(void *call), void (*finish)(void *call, int status))
{
	bool before = is_host;
	int r;

	is_host |= way >= OVERTAKEN;
	r = end_by_way(call, say, finish);
	is_host = before;
	return r;
}

static int provider_say(void *call)
{
	(void)weft_provider_put(call, WEFT_STR("key"), weft_str_from(text));
	return weft_provider_return(call, weft_str_from(text));
}

static void provider_finish(void *call, int status)
{
	weft_provider_finish(call, status);
}

static int provide(weft_provider_call *call, void *user)
{
	(void)user;
	return by_way(call, provider_say, provider_finish);
}

static int action_say(void *call)
{
	weft_action_return(call, weft_str_from(text));
	return weft_action_say(call, WEFT_STR("said"));
}

static void action_finish(void *call, int status)
{
	weft_action_finish(call, status);
}

static int act(weft_action_call *call, void *user)
{
	(void)user;
	return by_way(call, action_say, action_finish);
}

static int evaluator_say(void *call)
{
	(void)call;
	return 0;
}

static void evaluator_finish(void *call, int status)
{
	weft_evaluator_finish(call, status);
}

static int evaluate(weft_evaluator_call *call, void *user)
{
	(void)user;
	return by_way(call, evaluator_say, evaluator_finish);
}

static int attachment_say(void *call)
{
	return weft_attachment_describe(call, WEFT_STR("a title"), weft_str_from(text), (weft_str){ 0 });
}

static void attachment_finish(void *call, int status)
{
	weft_attachment_finish(call, status);
}

static int describe(weft_attachment_call *call, void *user)
{
	(void)user;
	return by_way(call, attachment_say, attachment_finish);
}

static void add_parts(struct world *w)
{
	static const char *const required[] = { "city" };
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_summarizer summarizer = WEFT_SUMMARIZER_INIT;
	weft_evaluator evaluator = WEFT_EVALUATOR_INIT;
	weft_provider provider = WEFT_PROVIDER_INIT;
	weft_action action = WEFT_ACTION_INIT;

	provider.name = "LONG";
	provider.flags = WEFT_PROVIDER_VOLATILE;
	provider.fn = provide;
	action.name = "ACT";
	action.fn = act;
	action.required_parameters = required;
	action.required_parameter_count = 1;
	evaluator.name = "LAST";
	evaluator.always_run = true;
	evaluator.fn = evaluate;
	handler.name = "eye";
	handler.content_type = "image/*";
	handler.fn = describe;
	summarizer.after_messages = 3;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &provider), 0);
	cr_assert_eq(weft_agent_def_add_action(w->def, &action), 0);
	cr_assert_eq(weft_agent_def_add_evaluator(w->def, &evaluator), 0);
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &summarizer), 0);
}

static struct world *world_of(bool multi_step)
{
	static const char *const rounds[] = { "<response><thought>t</thought><action>ACT, NOTHING</action></response>",
		                              "<response><thought>t</thought><is_finish>true</is_finish></response>", NULL };
	const weft_allocator allocator = test_failing_allocator();
	struct world *w;

	is_host = true;
	memset(text, 'x', TEXT_BYTES);
	cr_assert_eq(weft_allocator_set(&allocator), 0);
	w = world_create_with(1);
	w->opt.check_should_respond = true;
	w->opt.multi_step = multi_step;
	w->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><providers>LONG</providers><actions>ACT, NOTHING, REPLY</actions>"
	                                "<text>yes</text></response>";
	w->script.answers[ASK_DECISION] = rounds;
	w->script.answer[ASK_REPAIR] = "<response><city>Rome</city></response>";
	world_def(w);
	add_parts(w);
	for (int i = 0; i < CHAT; i++) {
		weft_memory m = { .room_id = w->room_id, .entity_id = w->user_id, .created_ms = 1000 + i, .text = WEFT_STR("so") };

		cr_assert_eq(weft_store_add(w->store, &m, NULL), 0);
	}
	after = test_spawn(w->rt, &after_class, NULL);
	world_start(w);
	return w;
}

/* @return what became of it: the result's status, or WEFT_ENOREPLY */
static int say(struct world *w)
{
	weft_attachment image = { .content_type = WEFT_STR("image/png"), .url = WEFT_STR("https://a/bee.png") };
	weft_incoming in = world_message(w, text);
	weft_msg *reply;
	int status;

	image.id = weft_uuid_v7();
	in.message.attachments = &image;
	in.message.attachment_count = 1;
	w->script.calls[ASK_DECISION] = 0;
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	is_host = false; /* who waits helps: allocations of this thread are the agent's meanwhile */
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	is_host = true;
	status = weft_msg_status(reply);
	weft_msg_destroy(reply);
	return status;
}

static void each_may_fail(bool multi_step, enum way handlers_end)
{
	struct world *w = world_of(multi_step);
	int64_t n, failed = 0, left = 0;

	way = handlers_end;
	cr_assert_eq(say(w), 0);
	for (n = 1; n < 2000 && left <= 0; n++) {
		__atomic_store_n(&until_failure, n, __ATOMIC_RELAXED);
		failed += say(w) != 0;
		left = __atomic_exchange_n(&until_failure, INT64_MAX, __ATOMIC_RELAXED);
	}
	cr_assert_gt(n, 10, "there were so few allocations that nothing was tried");
	cr_assert_gt(failed, 3);
	cr_assert_eq(say(w), 0, "and all goes well again");
	world_end(w);
}

Test(pipeline_oom, single_shot, .timeout = 120)
{
	each_may_fail(false, AT_ONCE);
}

Test(pipeline_oom, multi_step, .timeout = 120)
{
	each_may_fail(true, AT_ONCE);
}

Test(pipeline_oom, handlers_that_finish_inside, .timeout = 120)
{
	each_may_fail(false, INSIDE);
}

Test(pipeline_oom, handlers_that_are_overtaken, .timeout = 120)
{
	each_may_fail(false, OVERTAKEN);
}

Test(pipeline_oom, handlers_that_wait, .timeout = 120)
{
	each_may_fail(false, LATER);
}

Test(pipeline_oom, multi_step_that_waits, .timeout = 120)
{
	each_may_fail(true, LATER);
}
