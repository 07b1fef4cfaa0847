/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs, groups, gathers, races and maps, one case at a time. Goal: every job ends exactly once, with the status that the header
 * says, and a group's answer comes once, when all have. Method: jobs that return, wait to be finished by the test's own
 * thread, fail, spawn, look whether they are canceled.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support/actors.h"
#include "tests/support/leap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The answer to a future, waited for. */
static weft_msg *answer_in(weft_future *future)
{
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_assert_not_null(weft_group_result_of(answer));
	return answer;
}

static weft_group_result join(weft_runtime *rt, weft_group *g)
{
	weft_future *future = NULL;
	weft_group_result result;
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_future(future)), 0);
	answer = answer_in(future);
	result = *weft_group_result_of(answer);
	cr_expect_eq(result.status, weft_msg_status(answer));
	cr_expect_eq(result.jobs, result.succeeded + result.failed + result.canceled);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	return result;
}

static weft_group *group(weft_runtime *rt, uint32_t policy, uint32_t limit)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_group *g = NULL;

	opt.policy = policy;
	opt.limit = limit;
	cr_assert_eq(weft_group_create(rt, &opt, &g), 0);
	return g;
}

/* ---- jobs of all kinds --------------------------------------------------------------------- */

static _Atomic(uint32_t) ran, told;

static int count_job(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	ran++;
	return 0;
}

static int fail_job(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	ran++;
	return -EIO;
}

static _Atomic(weft_job *) pending[8];
static _Atomic(uint32_t) pending_places, pending_count; /* counted when it is there */

static int wait_job(weft_job *job, void *arg)
{
	(void)arg;
	ran++;
	pending[pending_places++] = job;
	pending_count++;
	return WEFT_PENDING;
}

static void tell(weft_job *job, void *arg)
{
	told++;
	*(int *)arg = 1;
	weft_job_finish(job, -ECANCELED);
}

static int told_job(weft_job *job, void *arg)
{
	weft_job_on_cancel(job, tell);
	return wait_job(job, arg);
}

static void wait_for(const _Atomic(uint32_t) *what, uint32_t n)
{
	uint64_t until = weft_now_ns() + UINT64_C(60000000000);

	while (*what < n && weft_now_ns() < until)
		sched_yield();
	cr_assert_geq(*what, n);
}

/* ---- groups ------------------------------------------------------------------------------------ */

Test(async, group__answers_when_all_have_ended, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);
	weft_group_result r;

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	r = join(rt, g);
	cr_expect_eq(ran, 1000);
	cr_expect_eq(r.jobs, 1000);
	cr_expect_eq(r.succeeded, 1000);
	cr_expect_eq(r.first, UINT32_MAX);
	cr_expect_eq(weft_group_spawn(g, count_job, NULL), -EALREADY);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, group__of_nothing_answers_at_once)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 0);
	weft_group_result r = join(rt, g);

	cr_expect_eq(r.jobs, 0);
	cr_expect_eq(r.status, 0);
	weft_group_destroy(g);
	weft_group_destroy(NULL);
	weft_runtime_destroy(rt);
}

Test(async, group__is_joined_once)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 0);
	weft_future *future = NULL;

	join(rt, g);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_expect_eq(weft_group_join(g, weft_reply_to_future(future)), -EALREADY);
	cr_expect_eq(weft_group_join(g, weft_reply_to_none()), -EINVAL);
	cr_expect_eq(weft_future_try_take(future, &(weft_msg *){ NULL }), -EINVAL, "its place was given back");
	weft_future_destroy(future);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, group__pending_job_holds_it_until_it_is_finished, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 0);
	weft_future *future = NULL;
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_group_spawn(g, wait_job, NULL), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_future(future)), 0);
	wait_for(&pending_count, 1);
	cr_expect_eq(weft_future_wait_until(future, &answer, weft_now_ns() + 2000000), -ETIMEDOUT);
	cr_expect_eq(weft_job_index(pending[0]), 0);
	cr_expect_eq(weft_job_group(pending[0]), g);
	weft_job_finish(pending[0], 0);
	answer = answer_in(future);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 1);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, group__limit_is_held_by_pending_ones_too, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = group(rt, 0, 2);

	for (int i = 0; i < 5; i++)
		cr_assert_eq(weft_group_spawn(g, wait_job, NULL), 0);
	for (uint32_t i = 0; i < 5; i++) {
		wait_for(&pending_count, i < 3 ? i + 2 : 5);
		cr_expect_leq(ran, i + 2);
		weft_job_finish(pending[i], 0);
	}
	cr_expect_eq(join(rt, g).succeeded, 5);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, group__first_failure_cancels_the_rest, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, WEFT_GROUP_FAIL_FAST, 1);
	weft_group_result r;

	cr_assert_eq(weft_group_spawn(g, wait_job, NULL), 0);
	cr_assert_eq(weft_group_spawn(g, fail_job, NULL), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	wait_for(&pending_count, 1);
	weft_job_finish(pending[0], 0);
	r = join(rt, g);
	cr_expect_eq(r.status, -EIO);
	cr_expect_eq(r.first, 1);
	cr_expect_eq(r.succeeded, 1);
	cr_expect_eq(r.failed, 1);
	cr_expect_eq(r.canceled, 10);
	cr_expect_eq(ran, 2);
	cr_expect_eq(weft_group_spawn(g, count_job, NULL), -ECANCELED);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, group__all_counts_failures_and_goes_on, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);
	weft_group_result r;

	for (int i = 0; i < 30; i++)
		cr_assert_eq(weft_group_spawn(g, i % 3 ? count_job : fail_job, NULL), 0);
	r = join(rt, g);
	cr_expect_eq(r.succeeded, 20);
	cr_expect_eq(r.failed, 10);
	cr_expect_eq(r.status, -EIO);
	cr_expect_eq(r.first % 3, 0);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, cancel__tells_pending_jobs_once, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 3);
	weft_group_result r;
	int was_told[3] = { 0 };

	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_group_spawn(g, told_job, &was_told[i]), 0);
	cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	wait_for(&pending_count, 3);
	cr_expect_not(weft_job_is_canceled(pending[0]));
	weft_group_cancel(g, -EINTR);
	weft_group_cancel(g, -EPIPE); /* the first reason stays */
	r = join(rt, g);
	cr_expect_eq(told, 3);
	cr_expect(was_told[0] && was_told[1] && was_told[2]);
	cr_expect_eq(r.status, -EINTR);
	cr_expect_eq(r.failed, 3);
	cr_expect_eq(r.canceled, 1);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

static int cancel_then_wait(weft_job *job, void *arg)
{
	int r = told_job(job, arg);

	weft_group_cancel(weft_job_group(job), -ECANCELED);
	cr_expect(weft_job_is_canceled(job));
	return r;
}

Test(async, cancel__that_comes_before_it_is_pending_is_told, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);
	int was_told = 0;

	cr_assert_eq(weft_group_spawn(g, cancel_then_wait, &was_told), 0);
	cr_expect_eq(join(rt, g).failed, 1);
	cr_expect_eq(was_told, 1);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

static weft_future *looked_at;

static void finish_and_look(weft_job *job, void *arg)
{
	weft_msg *answer;

	weft_job_finish(job, -ECANCELED);
	*(int *)arg = weft_future_try_take(looked_at, &answer);
}

static int told_to_finish(weft_job *job, void *arg)
{
	weft_job_on_cancel(job, finish_and_look);
	return wait_job(job, arg);
}

Test(async, cancel__job_is_there_until_who_is_told_returns, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);
	weft_msg *answer;
	int seen = 0;

	cr_assert_eq(weft_future_create(rt, &looked_at), 0);
	cr_assert_eq(weft_group_spawn(g, told_to_finish, &seen), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_future(looked_at)), 0);
	wait_for(&pending_count, 1);
	weft_group_cancel(g, -ECANCELED);
	answer = answer_in(looked_at);
	cr_expect_eq(seen, -EAGAIN, "it ended in the middle"); /* here or on the worker, if the function had not returned */
	cr_expect_eq(weft_group_result_of(answer)->failed, 1);
	weft_msg_destroy(answer);
	weft_future_destroy(looked_at);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

static int finish_then_pend(weft_job *job, void *arg)
{
	(void)arg;
	weft_job_finish(job, -EDOM);
	return WEFT_PENDING;
}

Test(async, finish__may_come_before_pending)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);

	cr_assert_eq(weft_group_spawn(g, finish_then_pend, NULL), 0);
	cr_expect_eq(join(rt, g).status, -EDOM);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

static int more_than_done(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 7;
}

Test(async, status__that_is_none_is_a_failure)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, WEFT_GROUP_ALL, 0);

	cr_assert_eq(weft_group_spawn(g, more_than_done, NULL), 0);
	cr_expect_eq(join(rt, g).status, WEFT_EFAILED);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

/* A tree of jobs that spawn into their own group. */
static int tree_job(weft_job *job, void *arg)
{
	uintptr_t depth = (uintptr_t)arg;

	ran++;
	for (int i = 0; depth && i < 2; i++) {
		int r = weft_group_spawn(weft_job_group(job), tree_job, (void *)(depth - 1));

		if (r < 0)
			return r;
	}
	return 0;
}

Test(async, spawn__from_jobs_of_the_group_after_the_join, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group *g = group(rt, 0, 0);

	cr_assert_eq(weft_group_spawn(g, tree_job, (void *)(uintptr_t)10), 0);
	cr_expect_eq(join(rt, g).succeeded, 2047);
	cr_expect_eq(ran, 2047);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, destroy__cancels_and_frees_with_the_last_job, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 1);

	cr_assert_eq(weft_group_spawn(g, wait_job, NULL), 0);
	cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	wait_for(&pending_count, 1);
	weft_group_destroy(g);
	cr_expect(weft_job_is_canceled(pending[0]));
	weft_job_finish(pending[0], 0);
	cr_expect_eq(ran, 1);
	weft_runtime_destroy(rt);
}

Test(async, timeout__cancels_what_is_left, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_group *g = NULL;
	int was_told = 0;
	weft_group_result r;
	weft_runtime *rt;

	test_leaps();
	rt = test_runtime(1);
	opt.timeout_ns = TEST_HOUR;
	cr_assert_eq(weft_group_create(rt, &opt, &g), 0);
	cr_assert_eq(weft_group_spawn(g, told_job, &was_told), 0);
	wait_for(&pending_count, 1);
	test_leap(TEST_HOUR);
	cr_assert_eq(weft_send(test_spawn(rt, &test_echo, NULL), weft_msg_create(TEST_EXIT, 0)), 0); /* wakes the worker */
	r = join(rt, g);
	cr_expect_eq(r.status, -ETIMEDOUT);
	cr_expect_eq(r.jobs, 1);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

Test(async, timeout__of_a_group_that_is_sooner_over_is_no_more, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_group *g = NULL;

	opt.timeout_ns = UINT64_MAX;
	cr_assert_eq(weft_group_create(rt, &opt, &g), 0);
	cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	cr_expect_eq(join(rt, g).status, 0);
	weft_group_destroy(g);
	cr_expect_eq(weft_runtime_stop(rt, WEFT_FOREVER), 0);
	cr_expect_eq(weft_runtime_join(rt), 0, "nobody holds the drain up");
	weft_runtime_destroy(rt);
}

/* ---- joined by an actor, and by eventfd ---------------------------------------------------------- */

static int parent_behaviour(weft_actor *self, weft_msg *msg)
{
	static weft_group *g;
	static weft_msg *asked;
	weft_msg *done;

	if (weft_msg_wants_reply(msg)) {
		weft_msg_keep(self, msg);
		asked = msg;
		cr_assert_eq(weft_group_create(weft_actor_runtime(self), NULL, &g), 0);
		for (int i = 0; i < 50; i++)
			cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
		return weft_group_join(g, weft_reply_to_actor(weft_actor_ref(self), 77));
	}
	cr_expect_eq(weft_msg_token(msg), 77);
	cr_expect_eq(weft_group_result_of(msg)->succeeded, 50);
	weft_group_destroy(g);
	done = weft_msg_create(1, 0);
	cr_expect_eq(weft_reply(asked, done), 0);
	weft_msg_destroy(asked);
	return 0;
}

static const weft_actor_class parent = { .size = sizeof(parent), .name = "parent", .behaviour = parent_behaviour };

Test(async, join__by_an_actor_is_a_message, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	weft_msg *answer;
	weft_ref ref;

	cr_assert_eq(weft_actor_spawn(rt, &parent, NULL, &ref), 0);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_request(ref, weft_msg_create(1, 0), weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_expect_eq(weft_msg_kind(answer), 1);
	cr_expect_eq(ran, 50);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, join__by_eventfd, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 0);
	struct pollfd p = { .events = POLLIN };
	weft_port *port = NULL;
	weft_msg *answer;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_eq(weft_group_spawn(g, count_job, NULL), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_port(port, 5)), 0);
	p.fd = weft_port_fd(port);
	cr_assert_eq(poll(&p, 1, 60000), 1);
	cr_assert_eq(weft_port_reap(port, &answer, 1), 1);
	cr_expect_eq(weft_msg_token(answer), 5);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 1);
	weft_msg_destroy(answer);
	weft_port_destroy(port);
	weft_group_destroy(g);
	weft_runtime_destroy(rt);
}

/* ---- many at once -------------------------------------------------------------------------------- */

static int square(weft_job *job, void *arg)
{
	uint64_t *x = arg;

	(void)job;
	*x *= *x;
	return 0;
}

Test(async, gather__has_all_results_in_order, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	weft_call calls[100];
	uint64_t x[100];
	weft_msg *answer;

	for (uint32_t i = 0; i < 100; i++) {
		x[i] = i;
		calls[i] = (weft_call){ .fn = i == 40 ? fail_job : square, .arg = &x[i], .status = 99 };
	}
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	opt.policy = WEFT_GROUP_ALL;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_gather(rt, calls, 100, &opt, weft_reply_to_future(future), NULL), 0);
	answer = answer_in(future);
	cr_expect_eq(weft_group_result_of(answer)->first, 40);
	cr_expect_eq(weft_msg_status(answer), -EIO);
	for (uint32_t i = 0; i < 100; i++) {
		cr_expect_eq(calls[i].status, i == 40 ? -EIO : 0);
		cr_expect_eq(x[i], i == 40 ? 40 : i * i);
	}
	weft_msg_destroy(answer);
	cr_assert_eq(weft_gather(rt, NULL, 0, NULL, weft_reply_to_future(future), NULL), 0);
	weft_msg_destroy(answer_in(future));
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, race__first_success_wins_and_the_others_are_told, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	int was_told[2] = { 0 };
	weft_call calls[] = { { .fn = told_job, .arg = &was_told[0] }, { .fn = fail_job }, { .fn = told_job, .arg = &was_told[1] },
		              { .fn = wait_job } };
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_race(rt, calls, COUNT(calls), NULL, weft_reply_to_future(future), NULL), 0);
	wait_for(&pending_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		if (weft_job_index(pending[i]) == 3) {
			weft_job_finish(pending[i], 0);
			break;
		}
	}
	answer = answer_in(future);
	cr_expect_eq(weft_group_result_of(answer)->first, 3);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 1);
	cr_expect_eq(weft_group_result_of(answer)->failed, 3);
	cr_expect_eq(weft_msg_status(answer), 0);
	cr_expect_eq(told, 2);
	cr_expect_eq(calls[0].status, -ECANCELED);
	cr_expect_eq(calls[1].status, -EIO);
	cr_expect_eq(calls[3].status, 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, race__that_nobody_wins_has_the_first_failure, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_call calls[] = { { .fn = fail_job }, { .fn = fail_job } };
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_race(rt, calls, 2, NULL, weft_reply_to_future(future), NULL), 0);
	answer = answer_in(future);
	cr_expect_eq(weft_msg_status(answer), -EIO);
	cr_expect_eq(weft_group_result_of(answer)->first, 0);
	cr_expect_eq(weft_group_result_of(answer)->failed, 2);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

static _Atomic(uint32_t) now_running, most_running;

static int count_running(weft_job *job, void *arg)
{
	uint32_t n = ++now_running, most = most_running;

	(void)job;
	while (n > most && !atomic_compare_exchange_weak(&most_running, &most, n))
		;
	++*(uint32_t *)arg;
	now_running--;
	return 0;
}

Test(async, map__runs_each_item_once_and_so_many_at_once, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(4);
	weft_future *future = NULL;
	uint32_t times[3000] = { 0 };
	int status[3000];
	weft_map_work work = {
		.fn = count_running, .items = times, .item_bytes = sizeof(times[0]), .count = 3000, .ret_status = status
	};
	weft_msg *answer;

	opt.limit = 3;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_map(rt, &work, &opt, weft_reply_to_future(future), NULL), 0);
	answer = answer_in(future);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 3000);
	cr_expect_leq(most_running, 3);
	for (uint32_t i = 0; i < 3000; i++)
		cr_expect(times[i] == 1 && status[i] == 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, map__canceled_says_so_of_every_item, .timeout = 120)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(2);
	weft_future *future = NULL;
	weft_group *g = NULL;
	int status[1000], was_told = 0;
	weft_map_work work = { .fn = told_job, .items = &was_told, .count = 1000, .ret_status = status };
	weft_msg *answer;

	opt.limit = 4;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_map(rt, &work, &opt, weft_reply_to_future(future), &g), 0);
	wait_for(&pending_count, 4);
	weft_group_cancel(g, -EPIPE);
	answer = answer_in(future);
	cr_expect_eq(weft_group_result_of(answer)->failed, 4);
	cr_expect_eq(weft_group_result_of(answer)->canceled, 996);
	for (uint32_t i = 0; i < 1000; i++)
		cr_expect_eq(status[i], i < 4 ? -ECANCELED : -EPIPE);
	weft_msg_destroy(answer);
	weft_group_destroy(g);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, arguments__are_checked)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_group *g = NULL;
	weft_call call = { 0 };
	weft_map_work work = { .count = 1 };

	cr_assert_eq(weft_future_create(rt, &future), 0);
	opt.policy = 3;
	cr_expect_eq(weft_group_create(rt, &opt, &g), -EINVAL);
	opt.policy = 0;
	opt.size = 0;
	cr_expect_eq(weft_group_create(rt, &opt, &g), -EINVAL);
	cr_expect_eq(weft_group_create(NULL, NULL, &g), -EINVAL);
	cr_expect_null(g);
	cr_expect_eq(weft_gather(rt, &call, 1, NULL, weft_reply_to_future(future), NULL), -EINVAL);
	cr_expect_eq(weft_gather(rt, NULL, 1, NULL, weft_reply_to_future(future), NULL), -EINVAL);
	cr_expect_eq(weft_map(rt, &work, NULL, weft_reply_to_future(future), NULL), -EINVAL);
	call.fn = count_job;
	cr_expect_eq(weft_gather(rt, &call, 1, NULL, weft_reply_to_none(), NULL), -EINVAL);
	cr_expect_eq(ran, 0);
	cr_expect_null(weft_group_result_of(NULL));
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

/* ---- the runtime stops ----------------------------------------------------------------------------- */

Test(async, halt__ends_every_job_once, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_future *future = NULL;
	int status[100], was_told = 0;
	weft_map_work work = { .fn = told_job, .items = &was_told, .count = 100, .ret_status = status };
	weft_group *g = NULL;
	weft_msg *answer;

	opt.limit = 3;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_map(rt, &work, &opt, weft_reply_to_future(future), &g), 0);
	wait_for(&pending_count, 3);
	cr_expect_eq(weft_runtime_stop(rt, 1000000), 0);
	cr_expect_eq(weft_runtime_join(rt), -ETIMEDOUT);
	answer = answer_in(future);
	cr_expect_eq(weft_msg_status(answer), -ESHUTDOWN);
	cr_expect_eq(weft_group_result_of(answer)->jobs, 100);
	for (uint32_t i = 0; i < 100; i++)
		cr_expect_eq(status[i], i < 3 ? -ECANCELED : -ESHUTDOWN);
	cr_expect_eq(weft_group_spawn(g, count_job, NULL), -ECANCELED);
	weft_msg_destroy(answer);
	weft_group_destroy(g);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

Test(async, halt__pending_job_ends_when_it_is_finished, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_group *g = group(rt, 0, 0);
	weft_port *port = NULL;
	weft_msg *answer;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_eq(weft_group_spawn(g, wait_job, NULL), 0);
	cr_assert_eq(weft_group_join(g, weft_reply_to_port(port, 0)), 0);
	wait_for(&pending_count, 1);
	weft_runtime_destroy(rt);
	cr_expect_eq(weft_port_reap(port, &answer, 1), 0);
	weft_job_finish(pending[0], 0); /* the runtime is gone */
	cr_assert_eq(weft_port_reap(port, &answer, 1), 1);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 1);
	weft_msg_destroy(answer);
	weft_port_destroy(port);
	weft_group_destroy(g);
}
