/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of messages, ended in every way: providers, actions, evaluators, attachment handlers, summarizers, models. Goal: what is made of
 * a message does not depend on who ends a handler and when. Method: tests/support/endings.h, and what room and prompts show.
 */
#include "tests/support/endings.h"

TestSuite(overtaken_parts, .timeout = 120);

/* ---- handlers of a message ------------------------------------------------------------- */

static struct world *world;

static void message_begin(void)
{
	world = world_create_with(1);
	world->opt.no_embeddings = true;
	memset(&world->agent_id, 1, sizeof(world->agent_id)); /* errors name it */
	world_def(world);
}

static weft_msg *handle(const weft_incoming *in)
{
	cr_assert_eq(weft_agent_handle_message(world->agent, in, weft_reply_to_future(world->future)), 0);
	return take(world->rt, world->future);
}

static bool is_shown(const char *text)
{
	const char *prompt = world->script.prompt[ASK_MESSAGE];

	return prompt && strstr(prompt, text);
}

static void message_end(void)
{
	weft_subscription *events;

	listen_to(world->rt, &events);
	world_start(world);
	for (int i = 0; i < 2; i++) { /* the second one shows what the first one left */
		weft_incoming in = world_message(world, i ? "and again" : "hi");
		weft_msg *answer = handle(&in);

		tell_answer(answer);
		weft_msg_destroy(answer);
		fprintf(account, "from provider: %d, from summary: %d\n", is_shown("given text"), is_shown("Earlier in the"));
	}
	tell_events(events);
	tell_stats(world->def);
	fprintf(account, "messages %u, summaries %u, embedded %u\n",
	        (unsigned)weft_store_count(world->store, world->room_id, WEFT_MEMORY_MESSAGE),
	        (unsigned)weft_store_count(world->store, world->room_id, WEFT_MEMORY_SUMMARY),
	        (unsigned)weft_store_count_embedded(world->store, world->room_id, WEFT_MEMORY_MESSAGE));
	world_end(world);
}

static int provider_say(void *call)
{
	if (!says())
		return -EIO;
	cr_assert_eq(weft_provider_return(call, WEFT_STR("given text")), 0);
	cr_assert_eq(weft_provider_put(call, WEFT_STR("key"), WEFT_STR("first")), 0);
	cr_assert_eq(weft_provider_put(call, WEFT_STR("key"), WEFT_STR("given value")), 0);
	return status_of_outcome();
}

static void provider_finish(void *call, int status)
{
	weft_provider_finish(call, status);
}

static int provider(weft_provider_call *call, void *user)
{
	(void)user;
	return end_by_way(call, provider_say, provider_finish);
}

/* What others see of it: of a provider that failed nothing. */
static int witness(weft_action_call *call, void *user)
{
	weft_str value = { 0 };

	(void)user;
	(void)weft_turn_value(call->turn, WEFT_STR("key"), &value);
	fprintf(account, "action sees");
	tell_str("value", value);
	tell_str("section", weft_turn_section(call->turn, WEFT_STR("GIVES")));
	for (uint32_t i = 0; i < call->previous_count; i++)
		tell_str("before", call->previous[i].status < 0 ? call->previous[i].error : call->previous[i].text);
	fputc('\n', account);
	return weft_action_say(call, WEFT_STR("seen"));
}

static void add_action(const char *name, weft_action_fn fn)
{
	weft_action a = WEFT_ACTION_INIT;

	a.name = name;
	a.description = "a test";
	a.fn = fn;
	cr_assert_eq(weft_agent_def_add_action(world->def, &a), 0);
}

static void of_provider(void)
{
	weft_provider p = WEFT_PROVIDER_INIT;

	message_begin();
	p.name = "GIVES";
	p.description = "a test";
	p.fn = provider;
	cr_assert_eq(weft_agent_def_add_provider(world->def, &p), 0);
	add_action("WITNESS", witness);
	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>WITNESS</actions><text>x</text></response>";
	message_end();
}

Test(overtaken_parts, providers)
{
	all_the_same(of_provider);
}

static int action_say(void *call)
{
	int r = 0;

	if (says()) {
		weft_action_return(call, WEFT_STR("did it"));
		r = weft_action_say(call, WEFT_STR("one"));
		if (r == 0)
			r = weft_action_say(call, WEFT_STR("two"));
	}
	return outcome == BREAKS ? weft_action_fail(call, -EIO, "broke at %d", 7) : outcome == FAILS ? -EIO : r;
}

static void action_finish(void *call, int status)
{
	weft_action_finish(call, status);
}

static int action(weft_action_call *call, void *user)
{
	(void)user;
	return end_by_way(call, action_say, action_finish);
}

static void of_action(void)
{
	message_begin();
	add_action("ACTS", action);
	add_action("WITNESS", witness);
	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>ACTS,WITNESS,ACTS</actions><text>x</text></response>";
	message_end();
}

Test(overtaken_parts, actions)
{
	all_the_same(of_action);
}

/* The message, the reply and what is said first may be remembered, no more. */
static void of_action_over_quota(void)
{
	message_begin();
	add_action("ACTS", action);
	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>ACTS</actions><text>x</text></response>";
	cr_assert_eq(weft_store_set_quota(world->store, world->agent_id, 3, 0), 0);
	message_end();
}

/* Who said it was told that it would be said: the action has failed. */
Test(overtaken_parts, actions__that_say_more_than_may_be_kept)
{
	all_the_same(of_action_over_quota);
}

static char evaluated[64]; /* told apart: the answer may be out already, and told at the same time */

static int evaluator_say(void *call)
{
	const weft_evaluator_call *c = call;

	snprintf(evaluated, sizeof(evaluated), "%d \"%.*s\"", c->did_respond, WEFT_STR_ARG(c->reply_text));
	return status_of_outcome();
}

static void evaluator_finish(void *call, int status)
{
	weft_evaluator_finish(call, status);
}

static int evaluator(weft_evaluator_call *call, void *user)
{
	(void)user;
	return end_by_way(call, evaluator_say, evaluator_finish);
}

static void of_evaluator(void)
{
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	message_begin();
	e.name = "JUDGES";
	e.description = "a test";
	e.fn = evaluator;
	cr_assert_eq(weft_agent_def_add_evaluator(world->def, &e), 0);
	evaluated[0] = '\0';
	message_end();
	fprintf(account, "evaluated %s\n", evaluated);
}

Test(overtaken_parts, evaluators)
{
	all_the_same(of_evaluator);
}

static int attachment_say(void *call)
{
	weft_attachment_call *c = call;

	if (says())
		cr_assert_eq(weft_attachment_describe(c, WEFT_STR("a title"), WEFT_STR("a bee"), WEFT_STR("")), 0);
	return outcome == WELL ? 0 : weft_error_set(c->error, -EIO, "no eyes");
}

static void attachment_finish(void *call, int status)
{
	weft_attachment_finish(call, status);
}

static int attachment(weft_attachment_call *call, void *user)
{
	(void)user;
	return end_by_way(call, attachment_say, attachment_finish);
}

static int attachment_second(weft_attachment_call *call, void *user)
{
	(void)user;
	cr_assert_eq(weft_attachment_describe(call, (weft_str){ "", 0 }, WEFT_STR("a wasp"), WEFT_STR("")), 0);
	return 0;
}

static void of_attachment(void)
{
	const weft_attachment image = { .url = WEFT_STR("https://a/bee.png"), .content_type = WEFT_STR("image/png") };
	weft_attachment_handler h = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_subscription *events;
	weft_arena *arena;
	weft_incoming in;
	weft_msg *answer;
	weft_memory m;

	message_begin();
	h.content_type = "image/*";
	h.name = "second";
	h.fn = attachment_second;
	cr_assert_eq(weft_agent_def_add_attachment_handler(world->def, &h), 0);
	h.name = "first";
	h.priority = 1;
	h.fn = attachment;
	cr_assert_eq(weft_agent_def_add_attachment_handler(world->def, &h), 0);
	listen_to(world->rt, &events);
	world_start(world);
	in = world_message(world, "look");
	in.message.attachments = &image;
	in.message.attachment_count = 1;
	answer = handle(&in);
	tell_answer(answer);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_store_get(world->store, weft_agent_result_of(answer)->message_id, arena, &m), 0);
	cr_assert_eq(m.attachment_count, 1);
	tell_str("title", m.attachments[0].title);
	tell_str("description", m.attachments[0].description);
	weft_arena_destroy(arena);
	weft_msg_destroy(answer);
	tell_events(events);
	world_end(world);
}

Test(overtaken_parts, attachment_handlers)
{
	all_the_same(of_attachment);
}

static int summary_say(void *call)
{
	if (says())
		cr_assert_eq(weft_summary_return(call, WEFT_STR("it was about bees")), 0);
	return status_of_outcome();
}

static void summary_finish(void *call, int status)
{
	weft_summary_finish(call, status);
}

static uint32_t summed_up; /* so often */

static int summarizer(weft_summary_call *call, void *user)
{
	(void)user;
	summed_up++;
	return end_by_way(call, summary_say, summary_finish);
}

static void long_room(void)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;

	message_begin();
	s.after_messages = 10;
	s.fn = summarizer;
	cr_assert_eq(weft_agent_def_set_summarizer(world->def, &s), 0);
	for (int64_t i = 0; i < 80; i++) {
		weft_memory m = { .room_id = world->room_id, .entity_id = world->user_id, .created_ms = 1 + i, .text = WEFT_STR("bee") };

		cr_assert_eq(weft_store_add(world->store, &m, NULL), 0);
	}
	summed_up = 0;
}

static void of_summarizer(void)
{
	long_room();
	message_end();
	fprintf(account, "summed up %u times\n", summed_up);
}

static weft_evaluator_call *waiting[2];
static uint32_t waiting_count;

static int evaluator_waits(weft_evaluator_call *call, void *user)
{
	(void)user;
	waiting[waiting_count++] = call;
	return WEFT_PENDING;
}

/* Another evaluator is not back when the next message comes: it is no reason not to try again. */
static void of_summarizer_beside_another(void)
{
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	long_room();
	e.name = "WAITS";
	e.description = "a test";
	e.fn = evaluator_waits;
	cr_assert_eq(weft_agent_def_add_evaluator(world->def, &e), 0);
	waiting_count = 0;
	world_start(world);
	after = test_spawn(world->rt, &after_class, NULL);
	for (int i = 0; i < 2; i++) {
		weft_incoming in = world_message(world, "hi");
		weft_msg *answer = handle(&in);

		tell_answer(answer);
		weft_msg_destroy(answer);
	}
	fprintf(account, "summed up %u times\n", summed_up);
	cr_assert_eq(waiting_count, 2);
	for (int i = 0; i < 2; i++)
		weft_evaluator_finish(waiting[i], 0);
	world_end(world);
}

Test(overtaken_parts, summarizers)
{
	all_the_same(of_summarizer);
	all_the_same(of_summarizer_beside_another);
}

/* ---- models ---------------------------------------------------------------------------- */

static void of_message_model(void)
{
	model_text = WEFT_STR(REPLY_ANSWER);
	model_shows = true;
	world = world_create_with(1);
	world->opt.no_embeddings = true;
	add_model(world->models, WEFT_MODEL_TEXT_LARGE, model, 2);
	message_end();
}

Test(overtaken_parts, models_of_messages)
{
	all_the_same(of_message_model);
}

/* The embedder asks on its own, and tries again. */
static void of_embedder(void)
{
	model_text = (weft_str){ 0 };
	model_shows = false;
	world = world_create_with(1);
	add_model(world->models, WEFT_MODEL_TEXT_EMBEDDING, model, 2);
	message_end();
}

Test(overtaken_parts, models_of_the_embedder)
{
	all_the_same(of_embedder);
}

/* ---- after the run ------------------------------------------------------------------------ */

static void *held; /* the call of a handler that waits until the test ends it */

static int hold(void *call)
{
	__atomic_store_n(&held, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

static int provider_held(weft_provider_call *call, void *user)
{
	(void)user;
	return hold(call);
}

static int action_held(weft_action_call *call, void *user)
{
	(void)user;
	return hold(call);
}

static int attachment_held(weft_attachment_call *call, void *user)
{
	(void)user;
	return hold(call);
}

/* Canceled, and then the handler comes back with what it says: the last word is that the run has ended. */
static void end_after_the_run(const weft_attachment *attachment, int (*say)(void *call), void (*finish)(void *call, int status))
{
	weft_subscription *events;
	static weft_event e;
	weft_incoming in;
	weft_msg *answer;

	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>HELD</actions><text>x</text></response>";
	held = NULL;
	listen_to(world->rt, &events);
	world_start(world);
	in = world_message(world, "hi");
	in.message.attachments = attachment;
	in.message.attachment_count = attachment != NULL;
	cr_assert_eq(weft_agent_handle_message(world->agent, &in, weft_reply_to_future(world->future)), 0);
	test_until(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
	cr_assert_eq(weft_agent_cancel(world->agent, 0), 0);
	answer = take(world->rt, world->future);
	cr_assert_eq(weft_msg_status(answer), -ECANCELED);
	weft_msg_destroy(answer);
	finish(held, say(held));
	test_quiet(world->rt);
	while (weft_events_read(events, &e, 1) == 1)
		continue;
	cr_expect(weft_str_eq(e.message, WEFT_STR("RUN_ENDED")), "outcome %d: %.*s", outcome, WEFT_STR_ARG(e.message));
	weft_events_unsubscribe(events);
	world_end(world);
}

Test(overtaken_parts, nothing_is_said_after_the_run)
{
	const weft_attachment image = { .url = WEFT_STR("https://a/bee.png"), .content_type = WEFT_STR("image/png") };
	weft_attachment_handler h = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_provider p = WEFT_PROVIDER_INIT;

	p.name = h.name = "HELD";
	p.fn = provider_held;
	h.content_type = "image/*";
	h.fn = attachment_held;
	for (outcome = WELL; outcome < OUTCOMES; outcome++) {
		message_begin();
		add_action("HELD", action_held);
		end_after_the_run(NULL, action_say, action_finish);
		message_begin();
		cr_assert_eq(weft_agent_def_add_provider(world->def, &p), 0);
		end_after_the_run(NULL, provider_say, provider_finish);
		message_begin();
		cr_assert_eq(weft_agent_def_add_attachment_handler(world->def, &h), 0);
		end_after_the_run(&image, attachment_say, attachment_finish);
	}
}
