/* SPDX-License-Identifier: Apache-2.0 */
/* Room policies, bounds, the deadline and the embedder: what happens when a model takes its time. */
#include "tests/support/pipeline.h"

#define MANY 50

static struct world *w;
static weft_port *port;

static void setup(void)
{
	w = world_create();
	cr_assert_eq(weft_port_create(w->rt, NULL, &port), 0);
	w->script.hold[ASK_MESSAGE] = true;
	w->opt.no_embeddings = true;
}

static void teardown(void)
{
	weft_port_destroy(port);
	world_end(w);
}

TestSuite(pipeline_rooms, .init = setup, .fini = teardown, .timeout = 60);

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

Test(pipeline_rooms, deadline__ends_the_run_and_lets_the_next_in)
{
	uint64_t token;

	w->opt.run_timeout_ns = 30000000;
	world_start(w);
	submit(0);
	test_until(script_held(&w->script) == 1);
	submit(1);
	cr_assert_eq(take(&token), -ETIMEDOUT);
	cr_assert_eq(token, 0);
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
	usleep(50000);
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
