/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of jobs and groups that meet: two finishers, a join and the last job, a time that is up before anything began, a spawn beside
 * a job that takes long. Goal: who comes second finds nothing that is gone, and everything ends once. Method: two threads do both things
 * at once, again and again, a random moment apart (the seed is printed); whoever gets the answer destroys the group there and then.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define ROUNDS 5000u

/* ---- two threads, a moment apart ------------------------------------------------------------------ */

static _Atomic(weft_job *) first, second;
static _Atomic(uint32_t) answers, go, went;

static void spin(uint64_t steps)
{
	for (volatile uint64_t i = 0; i < steps; i++)
		;
}

/* At once when it comes soon. */
static void wait_until(_Atomic(uint32_t) *what, uint32_t n)
{
	for (uint32_t i = 0; *what < n; i++) {
		if (i > 2000)
			sched_yield();
	}
}

static int pend(weft_job *job, void *arg)
{
	*(_Atomic(weft_job *) *)arg = job;
	return WEFT_PENDING;
}

static weft_job *job_in(_Atomic(weft_job *) *slot)
{
	while (!*slot)
		sched_yield();
	return atomic_exchange(slot, NULL);
}

static void destroy_group(weft_msg *answer, void *group)
{
	weft_msg_destroy(answer);
	weft_group_destroy(group);
	answers++;
}

/* Finishes the second job, once a round. */
static void *other_thread(void *arg)
{
	uint64_t rnd = *(uint64_t *)arg;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		weft_job *job = job_in(&second);

		went = i;
		wait_until(&go, i);
		spin(test_below(&rnd, 200));
		weft_job_finish(job, 0);
	}
	return NULL;
}

static void one_more_round(uint32_t i, uint64_t *rnd)
{
	wait_until(&went, i);
	spin(test_below(rnd, 2000)); /* the runner ends */
	go = i;
	spin(test_below(rnd, 200));
}

static weft_group *pending_group(weft_runtime *rt, bool two)
{
	weft_group *g = NULL;

	cr_assert_eq(weft_group_create(rt, NULL, &g), 0);
	cr_assert(!two || weft_group_spawn(g, pend, &first) == 0);
	cr_assert_eq(weft_group_spawn(g, pend, &second), 0);
	return g;
}

Test(async_meet, finish__of_one_that_fails_and_of_the_last_one, .timeout = 120)
{
	uint64_t rnd = test_seed("two finishers"), other = test_random(&rnd);
	weft_runtime *rt = test_runtime(1);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, other_thread, &other), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		weft_group *g = pending_group(rt, true);
		weft_job *job;

		cr_assert_eq(weft_group_join(g, weft_reply_to_call(destroy_group, g)), 0);
		job = job_in(&first);
		one_more_round(i, &rnd);
		weft_job_finish(job, -EIO); /* cancels the group, which the other one may have ended */
		wait_until(&answers, i);
	}
	pthread_join(thread, NULL);
	test_runtime_end(rt);
}

Test(async_meet, join__and_the_last_job, .timeout = 120)
{
	uint64_t rnd = test_seed("join and finish"), other = test_random(&rnd);
	weft_runtime *rt = test_runtime(1);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, other_thread, &other), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		weft_group *g = pending_group(rt, false);

		one_more_round(i, &rnd);
		cr_assert_eq(weft_group_join(g, weft_reply_to_call(destroy_group, g)), 0);
		wait_until(&answers, i);
	}
	pthread_join(thread, NULL);
	test_runtime_end(rt);
}

/* ---- the time is up ------------------------------------------------------------------------------- */

static int nothing(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static weft_group_result answer_in(weft_future *future)
{
	weft_group_result result;
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	result = *weft_group_result_of(answer);
	weft_msg_destroy(answer);
	return result;
}

Test(async_meet, timeout__of_a_gather_that_did_not_begin, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_call calls[3];

	opt.timeout_ns = 1;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
		weft_group_result r;

		for (uint32_t c = 0; c < 3; c++)
			calls[c] = (weft_call){ .fn = nothing, .status = 1 };
		cr_assert_eq(weft_gather(rt, calls, 3, &opt, weft_reply_to_future(future), NULL), 0);
		r = answer_in(future);
		cr_assert_eq(r.jobs, 3);
		cr_assert_eq(r.jobs, r.succeeded + r.failed + r.canceled);
		for (uint32_t c = 0; c < 3; c++)
			cr_assert_leq(calls[c].status, 0);
	}
	weft_future_destroy(future);
	test_runtime_end(rt);
}

#define NODES 1000u

Test(async_meet, timeout__of_a_graph_that_did_not_begin, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_node_outcome out[NODES];
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_graph *g = NULL;

	cr_assert_eq(weft_graph_create(&g), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		char name[16], before[16];
		weft_graph_input input = { .node = before };

		snprintf(name, sizeof(name), "%u", i);
		snprintf(before, sizeof(before), "%u", i - 1);
		cr_assert_eq(weft_graph_add(g, &(weft_graph_node){ .name = name, .fn = nothing, .inputs = &input, .input_count = i != 0 }), 0);
	}
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.timeout_ns = 1;
	opt.ret_nodes = out;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (uint32_t i = 0; i < 200; i++) {
		weft_group_result r;

		cr_assert_eq(weft_graph_run(rt, g, &opt, weft_reply_to_future(future), NULL), 0);
		r = answer_in(future);
		cr_assert_eq(r.jobs, NODES);
		cr_assert_eq(r.jobs, r.succeeded + r.failed + r.canceled);
		for (uint32_t n = 0; n < NODES; n++)
			cr_assert_neq(out[n].state, WEFT_NODE_PENDING);
	}
	weft_graph_destroy(g);
	weft_future_destroy(future);
	test_runtime_end(rt);
}

/* ---- beside a job that takes long -------------------------------------------------------------------- */

static _Atomic(uint32_t) began, let_go, gave_up;

static int until_let_go(weft_job *job, void *arg)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	(void)job;
	(void)arg;
	began = 1;
	while (!let_go && weft_now_ns() < until)
		sched_yield();
	gave_up = !let_go;
	return let_go ? 0 : -ETIMEDOUT;
}

static int lets_go(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	let_go = 1;
	return 0;
}

static weft_group_result joined(weft_runtime *rt, weft_group *g)
{
	weft_future *future = NULL;
	weft_group_result r;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_future(future)), 0);
	while (began && !let_go && !gave_up) /* workers do it: this thread does not help */
		sched_yield();
	r = answer_in(future);
	weft_future_destroy(future);
	weft_group_destroy(g);
	return r;
}

Test(async_meet, spawn__beside_a_job_that_takes_long, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = NULL;

	cr_assert_eq(weft_group_create(rt, NULL, &g), 0);
	cr_assert_eq(weft_group_spawn(g, until_let_go, NULL), 0);
	wait_until(&began, 1);
	cr_assert_eq(weft_group_spawn(g, lets_go, NULL), 0);
	cr_expect_eq(joined(rt, g).status, 0, "the second worker had nothing to do");
	test_runtime_end(rt);
}

Test(async_meet, gather__of_jobs_that_take_long, .timeout = 120)
{
	weft_call calls[] = { { .fn = until_let_go }, { .fn = lets_go } };
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_gather(rt, calls, 2, NULL, weft_reply_to_future(future), NULL), 0);
	while (weft_future_try_take(future, &answer) == -EAGAIN) /* this thread does not help */
		sched_yield();
	cr_expect_eq(weft_msg_status(answer), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	test_runtime_end(rt);
}

Test(async_meet, finish__beside_a_job_that_takes_long_leaves_room_for_another, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(2);
	weft_group *g = NULL;

	opt.limit = 2;
	cr_assert_eq(weft_group_create(rt, &opt, &g), 0);
	cr_assert_eq(weft_group_spawn(g, pend, &first), 0);
	cr_assert_eq(weft_group_spawn(g, until_let_go, NULL), 0);
	cr_assert_eq(weft_group_spawn(g, lets_go, NULL), 0);
	wait_until(&began, 1);
	spin(1000000); /* whoever finds that there is no room has gone */
	weft_job_finish(job_in(&first), 0);
	cr_expect_eq(joined(rt, g).status, 0);
	test_runtime_end(rt);
}

/* ---- told of a cancel ---------------------------------------------------------------------------------- */

static _Atomic(uint32_t) told;

static void count_told(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	told++;
}

static int finished_and_canceled(weft_job *job, void *arg)
{
	(void)arg;
	weft_job_on_cancel(job, count_told);
	weft_job_finish(job, 0);
	weft_group_cancel(weft_job_group(job), -EINTR);
	return WEFT_PENDING;
}

Test(async_meet, cancel__is_not_told_to_a_job_that_was_finished)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = NULL;

	cr_assert_eq(weft_group_create(rt, NULL, &g), 0);
	cr_assert_eq(weft_group_spawn(g, finished_and_canceled, NULL), 0);
	cr_expect_eq(joined(rt, g).succeeded, 1);
	cr_expect_eq(told, 0);
	test_runtime_end(rt);
}

/* ---- jobs in a graph's run ------------------------------------------------------------------------------- */

static _Atomic(uint32_t) extra;

static int extra_job(weft_job *job, void *arg)
{
	(void)arg;
	cr_expect_eq(weft_node_context(job), &extra);
	cr_expect_null(weft_node_input(job, 0));
	weft_node_set_result(job, &extra); /* of nobody */
	extra++;
	return 0;
}

static int spawns(weft_job *job, void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		cr_expect_eq(weft_group_spawn(weft_job_group(job), extra_job, NULL), 0);
	return 0;
}

Test(async_meet, graph__whose_nodes_spawn_jobs_beside_them, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	const weft_graph_input input = { .node = "a" };
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	weft_graph *g = NULL;

	cr_assert_eq(weft_graph_create(&g), 0);
	cr_assert_eq(weft_graph_add(g, &(weft_graph_node){ .name = "a", .fn = spawns }), 0);
	cr_assert_eq(weft_graph_add(g, &(weft_graph_node){ .name = "b", .fn = nothing, .inputs = &input, .input_count = 1 }), 0);
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.context = &extra;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_graph_run(rt, g, &opt, weft_reply_to_future(future), NULL), 0);
	cr_expect_eq(answer_in(future).succeeded, 12);
	cr_expect_eq(extra, 10);
	weft_future_destroy(future);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}
