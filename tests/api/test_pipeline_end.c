/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: how a message ends. Evaluators that wait keep nobody waiting, are not told to stop, and RUN_ENDED comes behind them; an
 * agent that is asked to end waits for them. One that is cut off in the middle leaves nothing behind, and nothing of it is
 * used any more. Method: a handler inside a handler waits (a provider's model, an evaluator's), and finishes later, or when the
 * runtime is gone; blocks are counted over several rounds, for a run that is never let go of shows nowhere else.
 */
#include <weft/event.h>

#include "tests/support/counting_alloc.h"
#include "tests/support/pipeline.h"

#define DAY_MS INT64_C(1795132800000)
#define WINDOW 64u /* messages that prompts show */
#define WARM 4 /* rounds that fill pools */
#define ROUNDS 12

static const float vector[4] = { 4, -3, 2, -1 };
static weft_summary_call *held;

static void fill(struct world *w, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		weft_memory m = { .room_id = w->room_id, .entity_id = w->user_id, .created_ms = DAY_MS + 1000 * i, .text = WEFT_STR("so") };
		weft_uuid id;

		cr_assert_eq(weft_store_add(w->store, &m, &id), 0);
		cr_assert_eq(weft_store_set_embedding(w->store, id, vector, 4), 0);
	}
}

/* An agent whose next message is worth a summary, by fn or the small model. */
static struct world *begin_with(struct world *w, weft_summarize_fn fn)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;

	w->opt.no_embeddings = true;
	w->opt.recall_always = true;
	world_def(w);
	s.after_messages = 20;
	s.fn = fn;
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), 0);
	fill(w, WINDOW + 30);
	world_start(w);
	return w;
}

static struct world *begin(weft_summarize_fn fn)
{
	return begin_with(world_create(), fn);
}

static void say(struct world *w)
{
	weft_incoming in = world_message(w, "hello");

	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
}

/* The agent is cut off; its asker hears so. The store, the models and their script stay. */
static void cut_off(struct world *w, int status)
{
	weft_msg *reply;

	cr_assert_eq(weft_runtime_stop(w->rt, 0), 0);
	cr_assert_eq(weft_runtime_join(w->rt), -ETIMEDOUT);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), status, "%s", weft_errname(weft_msg_status(reply)));
	weft_msg_destroy(reply);
	weft_future_destroy(w->future);
	weft_runtime_destroy(w->rt);
	weft_agent_def_unref(w->def);
}

static void end(struct world *w)
{
	weft_models_unref(w->models);
	weft_store_unref(w->store);
	weft_character_destroy(w->character);
	for (int i = 0; i < ASK_KINDS; i++)
		free(w->script.prompt[i]);
	pthread_mutex_destroy(&w->script.lock);
	free(w);
}

/* On a thread of its own, whose pools go with it. */
static void *let_go(void *script)
{
	script_let_go(script);
	return NULL;
}

static void cut_off_while(enum ask kind, int status)
{
	struct world *w = begin(NULL);
	pthread_t thread;

	w->script.hold[kind] = true;
	say(w);
	test_until(script_held(&w->script) == 1);
	cut_off(w, status);
	cr_assert_eq(pthread_create(&thread, NULL, let_go, &w->script), 0);
	pthread_join(thread, NULL);
	end(w);
}

/* Which pool a block goes back to is a matter of time; a run that is left behind is several blocks, each time. */
static void leaves_nothing(enum ask kind, int status)
{
	const weft_allocator allocator = counting_allocator();
	long before;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	for (int i = 0; i < WARM; i++)
		cut_off_while(kind, status);
	before = counting_live;
	for (int i = 0; i < ROUNDS; i++)
		cut_off_while(kind, status);
	cr_assert_lt(counting_live, before + ROUNDS, "%ld blocks more than %d rounds before", counting_live - before, ROUNDS);
}

Test(pipeline_end, provider__that_waits_for_a_model, .timeout = 120)
{
	leaves_nothing(ASK_EMBED, -ECANCELED);
}

Test(pipeline_end, evaluator__that_waits_for_a_model, .timeout = 120)
{
	leaves_nothing(ASK_REPAIR, 0); /* a question without fields, to the script: the summary */
}

static int hold_summary(weft_summary_call *call, void *user)
{
	(void)user;
	__atomic_store_n(&held, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

Test(pipeline_end, summary__of_an_agent_that_has_ended_is_not_kept, .timeout = 120)
{
	struct world *w = begin(hold_summary);
	uint64_t before;

	say(w);
	test_until(__atomic_load_n(&held, __ATOMIC_ACQUIRE));
	before = weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY);
	cut_off(w, 0);
	cr_assert_eq(weft_summary_return(held, WEFT_STR("They said so.")), 0);
	weft_summary_finish(held, 0); /* the store may be gone: this one is the test's */
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), before);
	end(w);
}

/* ---- evaluators that wait ---------------------------------------------------------- */

static weft_model_call *asked;
static uint32_t times_asked; /* atomic */
static bool told;

static void on_cancel(void *user)
{
	(void)user;
	told = true;
}

/* A small model that stops when it is told to, as those behind HTTP do. */
static int obedient(weft_model_call *call, void *user)
{
	(void)user;
	cr_assert_eq(weft_model_on_cancel(call, on_cancel, NULL), 0);
	__atomic_fetch_add(&times_asked, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&asked, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

static struct world *begin_obedient(void)
{
	struct world *w = world_create();

	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_SMALL, 1, "obedient", obedient, NULL, NULL), 0);
	return begin_with(w, NULL);
}

static void answered(struct world *w)
{
	weft_msg *reply;

	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), 0);
	weft_msg_destroy(reply);
	test_until(__atomic_load_n(&asked, __ATOMIC_ACQUIRE));
}

static void sum_up(void)
{
	asked->response->text = WEFT_STR("They said so.");
	weft_model_finish(asked, 0);
}

Test(pipeline_end, evaluator__that_waits_is_not_told_to_stop_when_the_message_is_answered, .timeout = 120)
{
	struct world *w = begin_obedient();

	say(w);
	answered(w);
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	sum_up();
	test_until(!weft_actor_is_alive(w->agent));
	cr_assert_not(told);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 1);
	w->agent.id = 0;
	world_end(w);
}

/* While one is in the making the messages that come are as many as before, and no reason for another. */
Test(pipeline_end, summary__is_made_once_at_a_time, .timeout = 120)
{
	struct world *w = begin_obedient();

	for (int i = 0; i < 3; i++) {
		say(w);
		answered(w);
	}
	cr_assert_eq(__atomic_load_n(&times_asked, __ATOMIC_RELAXED), 1);
	sum_up();
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	test_until(!weft_actor_is_alive(w->agent));
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 1);
	w->agent.id = 0;
	world_end(w);
}

/* 2: the second message came behind the first one. */
static int order_of(weft_subscription *sub, const char *first, const char *second)
{
	weft_event e[64];
	int n, order = 0;

	while ((n = weft_events_read(sub, e, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			if (weft_str_eq(e[i].message, weft_str_from(first)))
				order = order ? order : 1;
			if (weft_str_eq(e[i].message, weft_str_from(second)))
				order = order == 1 ? 2 : -1;
		}
	}
	return order;
}

Test(pipeline_end, run_ended__comes_behind_the_evaluators, .timeout = 120)
{
	struct world *w = begin_obedient();
	weft_subscription *sub;

	cr_assert_eq(weft_events_subscribe(w->rt, NULL, &sub), 0);
	say(w);
	answered(w);
	sum_up();
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	test_until(!weft_actor_is_alive(w->agent));
	cr_assert_eq(order_of(sub, "EVALUATOR_COMPLETED", "RUN_ENDED"), 2);
	weft_events_unsubscribe(sub);
	w->agent.id = 0;
	world_end(w);
}
