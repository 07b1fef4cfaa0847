/* SPDX-License-Identifier: Apache-2.0 */
/* Room policies, bounds, the deadline and the embedder: what happens when a model takes its time. */
#include <weft/event.h>

#include "tests/support/leap.h"
#include "tests/support/pipeline.h"

#define MANY 50

static struct world *w;
static weft_port *port;

static void setup_with(uint32_t workers)
{
	w = world_create_with(workers);
	cr_assert_eq(weft_port_create(w->rt, NULL, &port), 0);
	w->script.hold[ASK_MESSAGE] = true;
	w->opt.no_embeddings = true;
}

static void setup(void)
{
	setup_with(2);
}

/* With the deadline that is the default, an hour, which can be over at once; one worker, so that whoever is woken has the timer. */
static void setup_late(void)
{
	test_leaps();
	setup_with(1);
}

static void teardown(void)
{
	weft_port_destroy(port);
	world_end(w);
}

TestSuite(pipeline_rooms, .init = setup, .fini = teardown, .timeout = 120);
TestSuite(pipeline_late, .init = setup_late, .fini = teardown, .timeout = 120);

static void submit_to(weft_uuid room, uint64_t token)
{
	weft_incoming in = world_message(w, "hi");

	in.message.room_id = room;
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_port(port, token)), 0);
}

static void submit(uint64_t token)
{
	submit_to(w->room_id, token);
}

/* Wait for one answer; returns its status. */
static int take(uint64_t *ret_token)
{
	weft_msg *m = NULL;
	int status;

	cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_LONG), 1);
	cr_assert_not_null(weft_agent_result_of(m));
	cr_assert_eq(weft_agent_result_of(m)->status, weft_msg_status(m));
	status = weft_msg_status(m);
	*ret_token = weft_msg_token(m);
	weft_msg_destroy(m);
	return status;
}

Test(pipeline_rooms, queue__answers_all_in_order_one_at_a_time)
{
	uint64_t token;

	world_start(w);
	for (uint64_t i = 0; i < MANY; i++)
		submit(i);
	for (uint64_t i = 0; i < MANY; i++) {
		test_until(script_held(&w->script) == 1);
		script_let_go(&w->script);
		cr_assert_eq(take(&token), 0);
		cr_assert_eq(token, i);
	}
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 2 * MANY);
}

static uint64_t submit_named(uint64_t token)
{
	weft_incoming in = world_message(w, "hi");

	in.workflow_id = weft_workflow_id(w->rt);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_port(port, token)), 0);
	return in.workflow_id;
}

Test(pipeline_rooms, cancel__one_that_waits_and_one_under_way)
{
	uint64_t ids[4], token;

	world_start(w);
	for (uint64_t i = 0; i < 4; i++)
		ids[i] = submit_named(i);
	test_until(script_held(&w->script) == 1);
	cr_assert_eq(weft_agent_cancel(w->agent, ids[2]), 0);
	cr_assert_eq(take(&token), -ECANCELED);
	cr_assert_eq(token, 2, "out of the middle of the queue");
	cr_assert_eq(weft_agent_cancel(w->agent, ids[3]), 0);
	cr_assert_eq(take(&token), -ECANCELED);
	cr_assert_eq(token, 3, "from its end");
	ids[3] = submit_named(4); /* behind the new end */
	cr_assert_eq(weft_agent_cancel(w->agent, ids[0]), 0);
	cr_assert_eq(take(&token), -ECANCELED);
	cr_assert_eq(token, 0);
	test_until(script_held(&w->script) == 2); /* the next of the room has begun */
	script_let_go(&w->script); /* the canceled one's model: too late */
	script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
	cr_assert_eq(token, 1);
	test_until(script_held(&w->script) == 1);
	script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
	cr_assert_eq(token, 4);
}

Test(pipeline_rooms, cancel__all_of_an_agent)
{
	weft_agent_stats s = {.size = sizeof(s)};
	uint64_t token;

	world_start(w);
	for (uint64_t i = 0; i < MANY; i++)
		submit(i);
	submit_to(weft_uuid_v7(), MANY);
	test_until(script_held(&w->script) == 2);
	cr_assert_eq(weft_agent_cancel(w->agent, 0), 0);
	for (uint64_t i = 0; i <= MANY; i++)
		cr_assert_eq(take(&token), -ECANCELED);
	script_let_go(&w->script);
	script_let_go(&w->script);
	submit(0);
	test_until(script_held(&w->script) == 1);
	script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
	cr_assert_eq(weft_agent_stats_read(w->def, &s), 0);
	cr_assert_eq(s.runs_canceled, MANY + 1);
	cr_assert_eq(s.runs_completed, 1);
	cr_assert_eq(s.runs_failed, 0);
}

Test(pipeline_rooms, queue__rooms_do_not_wait_for_each_other)
{
	uint64_t token;

	world_start(w);
	for (uint64_t i = 0; i < MANY; i++)
		submit_to(weft_uuid_v7(), i);
	test_until(script_held(&w->script) == MANY);
	for (uint64_t i = 0; i < MANY; i++)
		script_let_go(&w->script);
	for (uint64_t i = 0; i < MANY; i++)
		cr_assert_eq(take(&token), 0);
}

Test(pipeline_rooms, queue__past_its_bound_refuses_at_once)
{
	uint64_t token;

	w->opt.queue_msgs = 2;
	world_start(w);
	submit(0);
	test_until(script_held(&w->script) == 1);
	for (uint64_t i = 1; i <= 4; i++)
		submit(i);
	cr_assert_eq(take(&token), -EAGAIN);
	cr_assert_eq(token, 3);
	cr_assert_eq(take(&token), -EAGAIN);
	cr_assert_eq(token, 4);
	for (uint64_t i = 0; i < 3; i++) {
		test_until(script_held(&w->script) == 1);
		script_let_go(&w->script);
		cr_assert_eq(take(&token), 0);
		cr_assert_eq(token, i);
	}
}

Test(pipeline_rooms, latest__ends_the_older_with_superseded)
{
	uint64_t token;

	w->opt.room_policy = WEFT_ROOM_LATEST;
	world_start(w);
	submit(0);
	test_until(script_held(&w->script) == 1);
	submit(1);
	cr_assert_eq(take(&token), WEFT_ESUPERSEDED);
	cr_assert_eq(token, 0);
	test_until(script_held(&w->script) == 2);
	submit_to(weft_uuid_v7(), 2); /* another room: nobody's business */
	test_until(script_held(&w->script) == 3);
	for (int i = 0; i < 3; i++)
		script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
	cr_assert_eq(take(&token), 0);
}

Test(pipeline_rooms, parallel__all_at_once)
{
	uint64_t token;

	w->opt.room_policy = WEFT_ROOM_PARALLEL;
	w->opt.queue_msgs = MANY;
	world_start(w);
	for (uint64_t i = 0; i < MANY + 1; i++)
		submit(i);
	test_until(script_held(&w->script) == MANY);
	cr_assert_eq(take(&token), -EAGAIN);
	cr_assert_eq(token, MANY);
	for (uint64_t i = 0; i < MANY; i++)
		script_let_go(&w->script);
	for (uint64_t i = 0; i < MANY; i++)
		cr_assert_eq(take(&token), 0);
}

/* An hour goes by, and the worker looks at the clock. */
static void past_the_deadline(void)
{
	test_leap(TEST_HOUR);
	cr_assert_eq(weft_send(test_spawn(w->rt, &test_echo, NULL), weft_msg_create(TEST_EXIT, 0)), 0);
}

/* The model's handler, which has not finished, is the only one who takes from the arena of its call: on any thread, at any time. */
static void arena_is_the_handlers(int status)
{
	const size_t bytes = 16;
	uint64_t token;
	weft_arena *arena;
	char *before;

	submit(0);
	test_until(script_held(&w->script) == 1);
	arena = w->script.held[0].call->arena;
	before = weft_arena_alloc(arena, bytes);
	if (status == WEFT_ESUPERSEDED)
		submit(1);
	else if (status == -ECANCELED)
		cr_assert_eq(weft_agent_cancel(w->agent, 0), 0);
	else
		past_the_deadline();
	cr_assert_eq(take(&token), status);
	cr_assert_eq(weft_arena_alloc(arena, bytes), before + bytes, "the agent took from it");
	script_let_go(&w->script);
	if (status != WEFT_ESUPERSEDED)
		return;
	test_until(script_held(&w->script) == 1);
	script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
}

Test(pipeline_rooms, arena__canceled_with_a_model_at_work)
{
	world_start(w);
	arena_is_the_handlers(-ECANCELED);
}

Test(pipeline_rooms, arena__superseded_with_a_model_at_work)
{
	w->opt.room_policy = WEFT_ROOM_LATEST;
	world_start(w);
	arena_is_the_handlers(WEFT_ESUPERSEDED);
}

Test(pipeline_late, arena__too_late_with_a_model_at_work)
{
	world_start(w);
	arena_is_the_handlers(-ETIMEDOUT);
}

/* How often the first message came, and that the second one came behind it. */
static int count_before(weft_subscription *sub, const char *first, const char *second)
{
	weft_event e[128];
	int n, count = 0;

	while ((n = weft_events_read(sub, e, 128)) > 0) {
		for (int i = 0; i < n; i++) {
			if (count && weft_str_eq(e[i].message, weft_str_from(second)))
				return count;
			count += weft_str_eq(e[i].message, weft_str_from(first));
		}
	}
	return -count;
}

Test(pipeline_late, deadline__ends_the_run_and_lets_the_next_in)
{
	weft_subscription *sub;
	uint64_t token;

	cr_assert_eq(weft_events_subscribe(w->rt, NULL, &sub), 0);
	world_start(w);
	submit(0);
	test_until(script_held(&w->script) == 1);
	past_the_deadline();
	submit(1);
	cr_assert_eq(take(&token), -ETIMEDOUT);
	cr_assert_eq(token, 0);
	cr_assert_eq(count_before(sub, "RUN_TIMEOUT", "RUN_ENDED"), 1);
	weft_events_unsubscribe(sub);
	test_until(script_held(&w->script) == 2);
	script_let_go(&w->script); /* the orphan: nobody hears of it */
	script_let_go(&w->script);
	cr_assert_eq(take(&token), 0);
	cr_assert_eq(token, 1);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 3);
}

Test(pipeline_rooms, stop__finishes_what_waits)
{
	uint64_t token;

	world_start(w);
	for (uint64_t i = 0; i < 3; i++)
		submit(i);
	test_until(script_held(&w->script) == 1);
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	for (uint64_t i = 0; i < 3; i++) {
		test_until(script_held(&w->script) == 1);
		script_let_go(&w->script);
		cr_assert_eq(take(&token), 0);
		cr_assert_eq(token, i);
	}
	test_until(!weft_actor_is_alive(w->agent));
}

static void *let_go_later(void *user)
{
	(void)user;
	while (script_held(&w->script))
		script_let_go(&w->script);
	return NULL;
}

Test(pipeline_rooms, runtime_end__cuts_off_and_nothing_dangles)
{
	weft_runtime *rt = w->rt;
	pthread_t thread;
	weft_msg *m[4];
	int n;

	world_start(w);
	for (uint64_t i = 0; i < 4; i++)
		submit_to(i < 2 ? w->room_id : weft_uuid_v7(), i);
	test_until(script_held(&w->script) == 3);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	cr_assert_eq(weft_runtime_join(rt), -ETIMEDOUT);
	for (int got = 0; got < 4; got += n) {
		n = weft_port_wait_until(port, m, 4, weft_now_ns() + TEST_LONG);
		cr_assert(n > 0);
		for (int i = 0; i < n; i++) {
			/* at work: cancelled; waiting in the room: never looked at */
			bool waited = weft_msg_token(m[i]) == 1;

			cr_assert_eq(weft_msg_status(m[i]), waited ? WEFT_ENOREPLY : -ECANCELED);
			weft_msg_destroy(m[i]);
		}
	}
	cr_assert_eq(pthread_create(&thread, NULL, let_go_later, NULL), 0);
	pthread_join(thread, NULL); /* the abandoned runs go with their last call */
	weft_port_destroy(port);
	weft_future_destroy(w->future);
	weft_runtime_destroy(rt);
	w->rt = test_runtime(1); /* what teardown ends */
	cr_assert_eq(weft_port_create(w->rt, NULL, &port), 0);
	cr_assert_eq(weft_future_create(w->rt, &w->future), 0);
	w->agent.id = 0;
}

/* ---- embeddings ------------------------------------------------------------------ */

static weft_agent_stats stats(void)
{
	weft_agent_stats s = {.size = sizeof(s)};

	cr_assert_eq(weft_agent_stats_read(w->def, &s), 0);
	return s;
}

Test(pipeline_rooms, embeddings__are_made_without_waiting)
{
	weft_search_hit hit;
	const float query[4] = {1, 2, 3, 4};
	uint64_t token;

	w->opt.no_embeddings = false;
	w->script.hold[ASK_MESSAGE] = false;
	w->script.fail_embeddings = 2;
	world_start(w);
	submit(0);
	cr_assert_eq(take(&token), 0);
	test_until(stats().embeddings_done == 1);
	cr_assert_eq(script_calls(&w->script, ASK_EMBED), 3);
	cr_assert_eq(weft_store_search(w->store, w->room_id, WEFT_MEMORY_MESSAGE, query, 4, 1, &hit), 1);
	cr_assert(hit.score > 0.999f);
}

Test(pipeline_rooms, embeddings__are_dropped_after_three_tries)
{
	uint64_t token;

	w->opt.no_embeddings = false;
	w->script.hold[ASK_MESSAGE] = false;
	w->script.fail_embeddings = 3;
	world_start(w);
	submit(0);
	cr_assert_eq(take(&token), 0);
	test_until(stats().embeddings_dropped == 1);
	cr_assert_eq(script_calls(&w->script, ASK_EMBED), 3);
}

Test(pipeline_rooms, embeddings__batches_of_ten_and_a_bounded_queue)
{
	enum { N = 2300 };
	uint64_t token;

	w->opt.no_embeddings = false;
	w->script.hold[ASK_MESSAGE] = false;
	w->script.hold[ASK_EMBED] = true;
	world_start(w);
	for (uint64_t i = 0; i < N; i++) {
		submit(i);
		cr_assert_eq(take(&token), 0); /* never held up */
	}
	test_until(script_held(&w->script) == 10);
	test_until(stats().embeddings_dropped >= N - 1010);
	cr_assert_eq(script_held(&w->script), 10);
	for (int i = 0; i < 1010; i++) {
		test_until(script_held(&w->script) > 0);
		script_let_go(&w->script);
	}
	test_until(stats().embeddings_done + stats().embeddings_dropped == N);
	cr_assert_eq(stats().embeddings_done, 1010);
}
