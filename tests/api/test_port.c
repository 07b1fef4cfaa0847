/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side: ports, futures, callbacks, promises and guests, with one answer
 * for every accepted request whatever happens to the actor or to the port.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/actors.h"

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool readable_soon(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 60000) == 1;
}

/* ---- ports ------------------------------------------------------------------------- */

Test(port, fd__is_readable_exactly_while_answers_wait)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_port *port;
	weft_msg *got[8];
	uint32_t n = 0;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_not(readable(weft_port_fd(port)));
	for (uint64_t i = 0; i < 20; i++)
		cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, i)), 0);
	while (n < 20) {
		int r;

		cr_assert(readable_soon(weft_port_fd(port)));
		r = weft_port_reap(port, got, 8);
		cr_assert_geq(r, 0);
		for (int i = 0; i < r; i++) {
			cr_assert_eq(weft_msg_token(got[i]), n++, "in order, with the asker's token");
			weft_msg_destroy(got[i]);
		}
	}
	cr_assert_eq(weft_port_reap(port, got, 8), 0);
	cr_assert_not(readable(weft_port_fd(port)));
	weft_port_destroy(port);
	test_runtime_end(rt);
}

Test(port, request__beyond_capacity_is_eagain)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_port_options opt = WEFT_PORT_OPTIONS_INIT;
	weft_port *port;
	weft_msg *msg, *answer;

	opt.capacity_msgs = 3;
	cr_assert_eq(weft_port_create(rt, &opt, &port), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
	msg = weft_msg_create(TEST_ECHO, 0);
	cr_assert_eq(weft_request(echo, msg, weft_reply_to_port(port, 0)), -EAGAIN);
	cr_assert_not(weft_msg_wants_reply(msg), "nothing changed");
	cr_assert_eq(weft_port_wait_until(port, &answer, 1, weft_now_ns() + TEST_LONG), 1);
	weft_msg_destroy(answer);
	cr_assert_eq(weft_request(echo, msg, weft_reply_to_port(port, 0)), 0, "a place is free again");
	weft_port_destroy(port);
	test_runtime_end(rt);
}

Test(port, destroy__with_answers_to_come)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);

	for (int round = 0; round < 50; round++) {
		weft_port *port;

		cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
		for (int i = 0; i < 20; i++)
			cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
		weft_port_destroy(port);
	}
	test_runtime_end(rt);
}

Test(port, wait_until__gives_zero_at_the_deadline)
{
	weft_runtime *rt = test_runtime(1);
	weft_port *port;
	weft_msg *answer;
	uint64_t began = weft_now_ns();

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_eq(weft_port_wait_until(port, &answer, 1, began + TEST_SECOND / 100), 0);
	cr_assert_geq(weft_now_ns() - began, TEST_SECOND / 100);
	cr_assert_eq(weft_port_wait_until(port, NULL, 1, 0), -EINVAL);
	weft_port_destroy(port);
	test_runtime_end(rt);
}

/* ---- futures ------------------------------------------------------------------------- */

Test(future, states__are_checked)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_future *f;
	weft_msg *answer, *second = weft_msg_create(TEST_ECHO, 0);

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_future_try_take(f, &answer), -EINVAL, "nothing asked");
	cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(f)), 0);
	cr_assert_eq(weft_request(echo, second, weft_reply_to_future(f)), -EALREADY);
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	cr_assert_eq(weft_request(echo, second, weft_reply_to_future(f)), 0, "may be used again");
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	test_runtime_end(rt);
}

static int slow_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_msg **kept = weft_actor_state(self);

	if (weft_msg_kind(msg) == WEFT_KIND_TIMER) {
		cr_assert_eq(weft_reply(*kept, *kept), 0);
		return 0;
	}
	weft_msg_keep(self, msg);
	*kept = msg;
	return weft_timer_start(self, TEST_SECOND / 50, 0, NULL);
}

static const weft_actor_class slow = { .size = sizeof(slow),
	                               .name = "slow",
	                               .behaviour = slow_behaviour,
	                               .state_bytes = sizeof(weft_msg *) };

/* Answers what it was asked when it is told to. */
static int patient_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_msg **kept = weft_actor_state(self);

	if (weft_msg_kind(msg) == TEST_KEEP)
		return weft_reply(*kept, *kept);
	weft_msg_keep(self, msg);
	*kept = msg;
	return 0;
}

static const weft_actor_class patient = { .size = sizeof(patient),
	                                  .name = "patient",
	                                  .behaviour = patient_behaviour,
	                                  .state_bytes = sizeof(weft_msg *) };

Test(future, wait_until__times_out_and_can_be_waited_on_again)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref ref = test_spawn(rt, &patient, NULL);
	weft_future *f;
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_request(ref, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(f)), 0);
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + 1000), -ETIMEDOUT);
	cr_assert_eq(weft_send(ref, weft_msg_create(TEST_KEEP, 0)), 0);
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	test_runtime_end(rt);
}

Test(future, destroy__with_an_answer_to_come)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref ref = test_spawn(rt, &slow, NULL);
	weft_future *f;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_request(ref, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(f)), 0);
	weft_future_destroy(f);
	test_runtime_end(rt);
}

static int waiter_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_future *f = *(weft_future **)weft_msg_data(msg);
	weft_msg *answer, *reply = weft_msg_create(TEST_ECHO, 0);

	(void)self;
	weft_msg_set_status(reply, weft_future_wait_until(f, &answer, WEFT_FOREVER));
	return weft_reply(msg, reply);
}

static const weft_actor_class waiter = { .size = sizeof(waiter), .name = "waiter", .behaviour = waiter_behaviour };

Test(future, wait_until__inside_an_actor_is_edeadlk)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref hoarder = test_spawn(rt, &slow, NULL), ref = test_spawn(rt, &waiter, NULL);
	weft_future *asked, *result;
	weft_msg *msg, *answer;

	cr_assert_eq(weft_future_create(rt, &asked), 0);
	cr_assert_eq(weft_future_create(rt, &result), 0);
	cr_assert_eq(weft_request(hoarder, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(asked)), 0);
	msg = weft_msg_create(1, sizeof(asked));
	memcpy(weft_msg_data(msg), &asked, sizeof(asked));
	cr_assert_eq(weft_request(ref, msg, weft_reply_to_future(result)), 0);
	cr_assert_eq(weft_future_wait_until(result, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(answer), -EDEADLK);
	weft_msg_destroy(answer);
	weft_future_destroy(result);
	weft_future_destroy(asked);
	test_runtime_end(rt);
}

/* ---- callbacks, promises ---------------------------------------------------------------- */

static void on_reply(weft_msg *reply, void *user)
{
	_Atomic(int) *count = user;

	weft_msg_destroy(reply);
	(*count)++;
}

Test(reply, call__is_called_once_for_each_request)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	_Atomic(int) count = 0;

	for (int i = 0; i < 100; i++) {
		uint32_t kind = i % 3 ? TEST_ECHO : TEST_KEEP; /* KEEP is dropped: NOREPLY */

		cr_assert_eq(weft_request(echo, weft_msg_create(kind, 0), weft_reply_to_call(on_reply, &count)), 0);
	}
	test_runtime_end(rt);
	cr_assert_eq(count, 100);
}

Test(reply, reply__twice_is_einval)
{
	weft_runtime *rt = test_runtime(1);
	weft_future *f;
	weft_msg *promise, *second = weft_msg_create(1, 0), *answer;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_promise_create(weft_reply_to_none(), &promise), -EINVAL);
	cr_assert_eq(weft_promise_create(weft_reply_to_future(f), &promise), 0);
	cr_assert_eq(weft_reply(promise, weft_msg_create(7, 0)), 0);
	cr_assert_eq(weft_reply(promise, second), -EINVAL);
	weft_msg_destroy(second);
	weft_msg_destroy(promise);
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_kind(answer), 7);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	test_runtime_end(rt);
}

static void *finish_later(void *arg)
{
	usleep(2000);
	weft_promise_finish(arg, 42, -EIO);
	return NULL;
}

Test(promise, finish__from_another_thread_after_stop_was_asked)
{
	weft_runtime *rt = test_runtime(1);
	weft_future *f;
	weft_msg *promise, *answer;
	pthread_t thread;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_promise_create(weft_reply_to_future(f), &promise), 0);
	cr_assert_eq(pthread_create(&thread, NULL, finish_later, promise), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0, "stop waits for who still waits for an answer");
	pthread_join(thread, NULL);
	cr_assert_eq(weft_future_try_take(f, &answer), 0);
	cr_assert_eq(weft_msg_kind(answer), 42);
	cr_assert_eq(weft_msg_status(answer), -EIO);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	weft_runtime_destroy(rt);
}

static void count_answer(weft_msg *msg, void *user)
{
	++*(int *)user;
	weft_msg_destroy(msg);
}

/* It was counted in the runtime of slot 0, which waited for it. */
Test(promise, foreign__to_a_function_belongs_to_no_runtime)
{
	weft_runtime *rt = test_runtime(1);
	weft_msg *promise;
	int answers = 0;

	cr_assert_eq(weft_promise_create(weft_reply_to_call(count_answer, &answers), &promise), 0);
	test_runtime_end(rt);
	weft_promise_finish(promise, 0, 0);
	cr_assert_eq(answers, 1);
}

Test(promise, finish__after_the_runtime_is_gone_harms_nobody)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_msg *promise;

	cr_assert_eq(weft_promise_create(weft_reply_to_actor(echo, 0), &promise), 0);
	weft_runtime_destroy(rt);
	weft_promise_finish(promise, 1, 0);
}

Test(promise, finish__with_a_kind_of_wefts_own_is_no_answer)
{
	weft_runtime *rt = test_runtime(1);
	weft_future *f = NULL;
	weft_msg *promise = NULL, *answer = NULL;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_promise_create(weft_reply_to_future(f), &promise), 0);
	weft_promise_finish(promise, WEFT_KIND_DOWN, 0);
	cr_assert_eq(weft_future_wait_until(f, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_kind(answer), WEFT_KIND_NOREPLY);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	weft_runtime_destroy(rt);
}

/* ---- a wait that helps ------------------------------------------------------------------- */

static pthread_t later_ran_on;
static _Atomic(uint32_t) later_runs;

static int later_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)msg;
	later_ran_on = pthread_self();
	later_runs++;
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class later_class = { .size = sizeof(later_class), .name = "later", .behaviour = later_behaviour };

/* Leaves something to do behind, and answers. */
static int leaver_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_ref later = test_spawn(weft_actor_runtime(self), &later_class, NULL);

	cr_assert_eq(weft_send(later, weft_msg_create(TEST_KEEP, 0)), 0);
	return weft_reply(msg, msg);
}

static const weft_actor_class leaver_class = { .size = sizeof(leaver_class), .name = "leaver", .behaviour = leaver_behaviour };

/* It has all there is to have with one answer: what else there is to do is the workers'. */
Test(port, wait__returns_with_the_only_answer)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref leaver = test_spawn(rt, &leaver_class, NULL);
	weft_port *port = NULL;
	weft_msg *answers[16];

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (uint32_t i = 0; i < 200; i++) {
		uint64_t until = weft_now_ns() + TEST_LONG;

		cr_assert_eq(weft_request(leaver, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, i)), 0);
		cr_assert_eq(weft_port_wait_until(port, answers, 16, until), 1);
		weft_msg_destroy(answers[0]);
		while (later_runs <= i && weft_now_ns() < until)
			sched_yield();
		cr_assert_eq(later_runs, i + 1);
		cr_assert(!pthread_equal(later_ran_on, pthread_self()), "round %u", i);
	}
	weft_port_destroy(port);
	test_runtime_end(rt);
}

/* ---- guests ------------------------------------------------------------------------------- */

Test(guest, enter__rules)
{
	weft_runtime *rt = test_runtime(1);

	cr_assert_eq(weft_guest_leave(rt), -EINVAL, "not a guest");
	cr_assert_eq(weft_guest_enter(rt), 0);
	cr_assert_eq(weft_guest_enter(rt), -EBUSY);
	cr_assert_eq(weft_guest_leave(rt), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_guest_enter(rt), -ESHUTDOWN);
	cr_assert_eq(weft_runtime_join(rt), 0);
	weft_runtime_destroy(rt);
}

Test(guest, batch__is_answered_in_full)
{
	weft_runtime *rt = test_runtime(2);
	weft_port *port;
	weft_msg *got[64];
	int answered = 0;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (int round = 0; round < 200; round++) {
		int n = 0;

		cr_assert_eq(weft_guest_enter(rt), 0);
		for (int i = 0; i < 50; i++) {
			weft_ref echo = test_spawn(rt, &test_echo, NULL);

			cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
			cr_assert_eq(weft_actor_stop(echo), 0);
		}
		while (n < 50) {
			int r = weft_port_wait_until(port, got, 64, weft_now_ns() + TEST_LONG);

			cr_assert_gt(r, 0);
			for (int i = 0; i < r; i++)
				weft_msg_destroy(got[i]);
			n += r;
		}
		cr_assert_eq(weft_guest_leave(rt), 0);
		answered += n;
	}
	cr_assert_eq(answered, 200 * 50);
	weft_port_destroy(port);
	test_runtime_end(rt);
}

Test(guest, leave__hands_over_what_is_queued)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_future *f;
	weft_msg *answer;

	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(weft_guest_enter(rt), 0);
	cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(f)), 0);
	cr_assert_eq(weft_guest_leave(rt), 0);
	for (uint64_t end = weft_now_ns() + TEST_LONG; weft_future_try_take(f, &answer) == -EAGAIN;)
		cr_assert_lt(weft_now_ns(), end, "nobody ran it");
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	test_runtime_end(rt);
}

Test(guest, stop__does_not_wait_for_an_idle_guest)
{
	weft_runtime *rt = test_runtime(1);
	uint64_t began = weft_now_ns();

	cr_assert_eq(weft_guest_enter(rt), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), -EDEADLK, "a guest would wait for itself");
	cr_assert_eq(weft_guest_leave(rt), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	cr_assert_lt(weft_now_ns() - began, TEST_LONG / 2);
	weft_runtime_destroy(rt);
}

static _Atomic(bool) occupied, may_go_on;

/* Keeps its worker until it may go on. */
static int occupier_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	occupied = true;
	while (!may_go_on)
		sched_yield();
	return 0;
}

static const weft_actor_class occupier = { .size = sizeof(occupier), .name = "occupier", .behaviour = occupier_behaviour };

static weft_future *never;
static _Atomic(int) waited, left;

static void wait_in_answer(weft_msg *msg, void *user)
{
	weft_msg *answer;

	waited = weft_future_wait_until(never, &answer, weft_now_ns() + 1000000);
	left = weft_guest_leave(user);
	weft_msg_destroy(msg);
}

/* The actor went idle before its message was released, which called the function: no actor runs, and yet it is inside. */
Test(guest, wait__in_a_function_that_is_answered_is_edeadlk)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_msg *promise;

	waited = left = 1;
	occupied = may_go_on = false;
	cr_assert_eq(weft_send(test_spawn(rt, &occupier, NULL), weft_msg_create(TEST_KEEP, 0)), 0);
	while (!occupied) /* the worker would take echo from a guest that is slow */
		sched_yield();
	cr_assert_eq(weft_future_create(rt, &never), 0);
	cr_assert_eq(weft_promise_create(weft_reply_to_future(never), &promise), 0);
	cr_assert_eq(weft_guest_enter(rt), 0);
	cr_assert_eq(weft_request(echo, weft_msg_create(TEST_KEEP, 0), weft_reply_to_call(wait_in_answer, rt)), 0);
	test_ask_kind(rt, echo, TEST_ECHO);
	cr_assert_eq(waited, -EDEADLK);
	cr_assert_eq(left, -EDEADLK);
	may_go_on = true;
	cr_assert_eq(weft_guest_leave(rt), 0);
	weft_promise_finish(promise, 0, 0);
	weft_future_destroy(never);
	test_runtime_end(rt);
}

static weft_msg *due; /* a promise */

static int alarm_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == WEFT_KIND_TIMER) {
		weft_promise_finish(due, 0, 0);
		return 0;
	}
	cr_assert_eq(weft_timer_start(self, 1000, 0, NULL), 0);
	return weft_reply(msg, msg);
}

/* It sleeps then, and its runtime's workers have to have the timers of the actors that it ran. */
Test(guest, wait__for_another_runtime_hands_timers_over)
{
	static const weft_actor_class alarm_class = { .size = sizeof(alarm_class), .name = "alarm", .behaviour = alarm_behaviour };
	weft_runtime *rt = test_runtime(1), *other = test_runtime(1);
	weft_ref alarm = test_spawn(rt, &alarm_class, NULL);
	weft_port *port;
	weft_msg *answer;

	cr_assert_eq(weft_port_create(other, NULL, &port), 0);
	cr_assert_eq(weft_promise_create(weft_reply_to_port(port, 0), &due), 0);
	cr_assert_eq(weft_guest_enter(rt), 0);
	test_ask_kind(rt, alarm, 1);
	cr_assert_eq(weft_port_wait_until(port, &answer, 1, weft_now_ns() + TEST_LONG), 1, "the timer did not run out");
	weft_msg_destroy(answer);
	cr_assert_eq(weft_guest_leave(rt), 0);
	weft_port_destroy(port);
	test_runtime_end(other);
	test_runtime_end(rt);
}
