/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a runtime and of its actors, through the public headers only: bad
 * options, bad order of calls, sending to the dead, full mailboxes, stopping under
 * load. Each case ends with the conservation check of test_runtime_end where it can.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/actors.h"

/* ---- life ------------------------------------------------------------------------ */

Test(runtime, create__rejects_bad_options)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;

	cr_assert_eq(weft_runtime_create(&opt, NULL), -EINVAL);
	opt.workers = 257;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
	opt = (weft_runtime_options)WEFT_RUNTIME_OPTIONS_INIT;
	opt.size = 1;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
	opt = (weft_runtime_options)WEFT_RUNTIME_OPTIONS_INIT;
	opt.event_ring_bytes = 5000;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
	opt = (weft_runtime_options)WEFT_RUNTIME_OPTIONS_INIT;
	opt.actors_max = 1u << 25;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
	cr_assert_null(rt);
}

Test(runtime, destroy__is_fine_at_any_stage)
{
	weft_runtime *rt;

	weft_runtime_destroy(NULL);
	cr_assert_eq(weft_runtime_create(NULL, &rt), 0);
	weft_runtime_destroy(rt);
	rt = test_runtime(2);
	weft_runtime_destroy(rt);
}

Test(runtime, start__twice_is_ealready)
{
	weft_runtime *rt = test_runtime(1);

	cr_assert_eq(weft_runtime_start(rt), -EALREADY);
	test_runtime_end(rt);
}

Test(runtime, join__before_stop_is_einval)
{
	weft_runtime *rt = test_runtime(1);

	cr_assert_eq(weft_runtime_join(rt), -EINVAL);
	test_runtime_end(rt);
}

static void *join_too(void *rt)
{
	return (void *)(intptr_t)weft_runtime_join(rt);
}

Test(runtime, join__by_several_threads)
{
	weft_runtime *rt = test_runtime(2);
	pthread_t threads[3];
	void *result;

	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, join_too, rt), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		cr_assert_eq((intptr_t)result, 0);
	}
	cr_assert_eq(weft_runtime_join(rt), 0, "and afterwards");
	weft_runtime_destroy(rt);
}

Test(runtime, stop__twice_is_fine)
{
	weft_runtime *rt = test_runtime(2);

	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG / 2), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	weft_runtime_destroy(rt);
}

Test(runtime, options__workers_and_io_are_honoured)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;

	opt.workers = 3;
	opt.io = WEFT_IO_EPOLL;
	unsetenv("WEFT_IO");
	rt = test_runtime_with(&opt);
	cr_assert_eq(weft_runtime_workers(rt), 3);
	cr_assert_str_eq(weft_runtime_io_name(rt), "epoll");
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &test_echo, NULL), TEST_ECHO), TEST_ECHO);
	test_runtime_end(rt);
}

static void count_log(weft_log_level level, const char *line, void *user)
{
	if (level == WEFT_LOG_INFO && strstr(line, "I/O by"))
		++*(int *)user;
}

Test(runtime, start__says_which_io_and_why)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	int lines = 0;

	opt.log = count_log;
	opt.log_user = &lines;
	test_runtime_end(test_runtime_with(&opt));
	cr_assert_eq(lines, 1);
}

Test(runtime, create__many_one_after_another_reuses_slots)
{
	weft_ref old = { 0 };

	for (int i = 0; i < 150; i++) {
		weft_runtime *rt = test_runtime(1);
		weft_ref ref = test_spawn(rt, &test_echo, NULL);

		cr_assert_not(weft_actor_is_alive(old), "a reference of an earlier runtime");
		cr_assert(weft_actor_is_alive(ref));
		old = ref;
		test_runtime_end(rt);
	}
}

/* ---- sending ------------------------------------------------------------------------ */

Test(actor, send__to_nobody_is_esrch_and_keeps_the_message)
{
	weft_runtime *rt = test_runtime(1);
	weft_msg *msg = weft_msg_create(TEST_ECHO, 16);

	cr_assert_eq(weft_send((weft_ref){ 0 }, msg), -ESRCH);
	cr_assert_eq(weft_send((weft_ref){ UINT64_MAX }, msg), -ESRCH);
	cr_assert_eq(weft_send((weft_ref){ 1 }, NULL), -EINVAL);
	cr_assert_eq(weft_msg_len_bytes(msg), 16, "still ours");
	weft_msg_destroy(msg);
	test_runtime_end(rt);
}

Test(actor, send__to_the_dead_is_esrch)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref ref = test_spawn(rt, &test_echo, NULL);
	weft_msg *msg;

	cr_assert_eq(test_ask_kind(rt, ref, TEST_EXIT), WEFT_KIND_NOREPLY, "ended without an answer");
	while (weft_actor_is_alive(ref))
		sched_yield();
	msg = weft_msg_create(TEST_ECHO, 0);
	cr_assert_eq(weft_send(ref, msg), -ESRCH);
	weft_msg_destroy(msg);
	test_runtime_end(rt);
}

Test(actor, send__dead_reference_never_reaches_the_next_actor_in_the_cell)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref old[200];

	for (int i = 0; i < 200; i++) {
		old[i] = test_spawn(rt, &test_echo, NULL);
		cr_assert_eq(weft_actor_stop(old[i]), 0);
		while (weft_actor_is_alive(old[i]))
			sched_yield();
	}
	for (int i = 0; i < 200; i++) {
		weft_msg *msg = weft_msg_create(TEST_ECHO, 0);

		cr_assert_eq(weft_send(old[i], msg), -ESRCH);
		weft_msg_destroy(msg);
	}
	test_runtime_end(rt);
}

Test(msg, create__rejects_reserved_kinds_and_too_much)
{
	weft_msg *msg;

	cr_assert_null(weft_msg_create(WEFT_KIND_SYSTEM, 0));
	cr_assert_null(weft_msg_create(1, (size_t)WEFT_MSG_BYTES_MAX + 1));
	msg = weft_msg_create(1, WEFT_MSG_BYTES_MAX);
	cr_assert_not_null(msg);
	weft_msg_destroy(msg);
	weft_msg_destroy(NULL);
}

Test(msg, data__is_zeroed_and_aligned_in_every_size)
{
	for (size_t len = 1; len < 20000; len = len * 3 / 2 + 1) {
		weft_msg *msg = weft_msg_create(1, len);
		unsigned char *data = weft_msg_data(msg);

		cr_assert_eq((uintptr_t)data % 16, 0);
		for (size_t i = 0; i < len; i++)
			cr_assert_eq(data[i], 0);
		memset(data, 0xff, len);
		weft_msg_destroy(msg);
	}
}

/* An actor that blocks its worker until told, so that its mailbox fills up. */
static _Atomic(bool) gate_open;
static _Atomic(bool) gate_entered;

static int gate_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	gate_entered = true;
	while (!gate_open)
		sched_yield();
	return 0;
}

static const weft_actor_class gate = { .size = sizeof(gate),
	                               .name = "gate",
	                               .behaviour = gate_behaviour,
	                               .mailbox_msgs = 8 };

Test(actor, send__to_a_full_mailbox_is_eagain_and_loses_nothing)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref ref = test_spawn(rt, &gate, NULL);
	weft_runtime_stats s = { .size = sizeof(s) };
	uint32_t sent = 0;
	weft_msg *msg;

	gate_open = gate_entered = false;
	cr_assert_eq(weft_send(ref, weft_msg_create(1, 0)), 0);
	while (!gate_entered)
		sched_yield();
	for (;;) {
		msg = weft_msg_create(1, 0);
		if (weft_send(ref, msg) != 0)
			break;
		sent++;
	}
	cr_assert_eq(weft_send(ref, msg), -EAGAIN);
	weft_msg_destroy(msg);
	cr_assert_eq(sent, 8, "the bound, besides the one being handled; got %u", sent);
	gate_open = true;
	while (weft_runtime_stats_read(rt, &s) == 0 && s.msgs_handled < 9)
		sched_yield();
	msg = weft_msg_create(1, 0);
	cr_assert_eq(weft_send(ref, msg), 0, "room again");
	test_runtime_end(rt);
}

/* ---- failing and stopping ---------------------------------------------------------------- */

static _Atomic(int) finis;

static void count_fini(weft_actor *self)
{
	(void)weft_actor_state(self);
	finis++;
}

static const weft_actor_class mortal = { .size = sizeof(mortal),
	                                 .name = "mortal",
	                                 .behaviour = test_echo_behaviour,
	                                 .fini = count_fini,
	                                 .state_bytes = 32 };

Test(actor, behaviour_error__ends_the_actor_and_only_it)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref a = test_spawn(rt, &mortal, NULL), b = test_spawn(rt, &mortal, NULL);

	finis = 0;
	cr_assert_eq(test_ask_kind(rt, a, TEST_FAIL), WEFT_KIND_NOREPLY);
	while (weft_actor_is_alive(a))
		sched_yield();
	cr_assert_eq(finis, 1);
	cr_assert_eq(test_ask_kind(rt, b, TEST_ECHO), TEST_ECHO);
	test_runtime_end(rt);
	cr_assert_eq(finis, 2);
}

Test(actor, stop__comes_after_what_is_queued)
{
	weft_runtime *rt = test_runtime(1);
	weft_port *port;
	weft_ref a = test_spawn(rt, &mortal, NULL);
	weft_msg *answer;
	int echoed = 0, got = 0;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (int i = 0; i < 50; i++)
		cr_assert_eq(weft_request(a, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
	cr_assert_eq(weft_actor_stop(a), 0);
	for (; got < 50; got++) {
		cr_assert_eq(weft_port_wait_until(port, &answer, 1, weft_now_ns() + TEST_LONG), 1);
		echoed += weft_msg_kind(answer) == TEST_ECHO;
		weft_msg_destroy(answer);
	}
	cr_assert_eq(echoed, 50);
	while (weft_actor_is_alive(a))
		sched_yield();
	weft_port_destroy(port);
	test_runtime_end(rt);
}

Test(runtime, stop__refuses_new_work_from_outside)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref a = test_spawn(rt, &test_echo, NULL), b;
	weft_msg *msg = weft_msg_create(TEST_ECHO, 0);
	int r;

	weft_runtime_stop(rt, TEST_LONG);
	r = weft_send(a, msg);
	cr_assert(r == -ESHUTDOWN || r == -ESRCH, "got %s", weft_errname(r));
	weft_msg_destroy(msg);
	cr_assert_eq(weft_actor_spawn(rt, &test_echo, NULL, &b), -ESHUTDOWN);
	cr_assert_eq(weft_runtime_join(rt), 0);
	weft_runtime_destroy(rt);
}

/* Keeps every request for ever. */
static int hoard_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_msg **slot = weft_actor_state(self);

	if (weft_msg_kind(msg) == TEST_KEEP && !*slot) {
		weft_msg_keep(self, msg);
		*slot = msg;
	}
	return 0;
}

static void hoard_fini(weft_actor *self)
{
	weft_msg **slot = weft_actor_state(self);

	weft_msg_destroy(*slot);
}

static const weft_actor_class hoard = { .size = sizeof(hoard),
	                                .name = "hoard",
	                                .behaviour = hoard_behaviour,
	                                .fini = hoard_fini,
	                                .state_bytes = sizeof(weft_msg *) };

Test(runtime, stop__deadline_ends_what_never_answers)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref a = test_spawn(rt, &hoard, NULL);
	weft_future *future;
	weft_msg *answer;
	uint64_t began;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_request(a, weft_msg_create(TEST_KEEP, 0), weft_reply_to_future(future)), 0);
	began = weft_now_ns();
	cr_assert_eq(weft_runtime_stop(rt, TEST_SECOND / 20), 0);
	cr_assert_eq(weft_runtime_join(rt), -ETIMEDOUT);
	cr_assert_geq(weft_now_ns() - began, TEST_SECOND / 20);
	cr_assert_eq(weft_future_try_take(future, &answer), 0, "still, the request was answered");
	cr_assert_eq(weft_msg_kind(answer), WEFT_KIND_NOREPLY);
	cr_assert_eq(weft_msg_status(answer), WEFT_ENOREPLY);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
}

/* Two actors that send each other messages for ever: stop must still come through. */
static int chatter_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	return weft_send(*(weft_ref *)weft_msg_data(msg), msg) == 0 ? 0 : 0;
}

static const weft_actor_class chatter = { .size = sizeof(chatter), .name = "chatter", .behaviour = chatter_behaviour };

Test(runtime, stop__under_load_ends_by_the_deadline)
{
	weft_runtime *rt = test_runtime(2);
	weft_runtime_stats s = { .size = sizeof(s) };

	for (int i = 0; i < 8; i++) {
		weft_ref a = test_spawn(rt, &chatter, NULL);
		weft_msg *msg = weft_msg_create(1, sizeof(weft_ref));

		*(weft_ref *)weft_msg_data(msg) = a; /* to itself, for ever */
		cr_assert_eq(weft_send(a, msg), 0);
	}
	do
		cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	while (s.msgs_handled < 1000); /* they are at it */
	weft_runtime_stop(rt, TEST_SECOND / 50);
	cr_assert_eq(weft_runtime_join(rt), -ETIMEDOUT);
	weft_runtime_stats_read(rt, &s);
	cr_assert_eq(s.msgs_sent, s.msgs_handled + s.msgs_dropped);
	weft_runtime_destroy(rt);
}

static int suicide_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_runtime *rt = weft_actor_runtime(self);

	(void)msg;
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), -EDEADLK);
	return 0;
}

static const weft_actor_class stopper = { .size = sizeof(stopper), .name = "stopper", .behaviour = suicide_behaviour };

Test(runtime, stop__from_inside_an_actor)
{
	weft_runtime *rt = test_runtime(2);

	cr_assert_eq(weft_send(test_spawn(rt, &stopper, NULL), weft_msg_create(1, 0)), 0);
	while (weft_runtime_join(rt) == -EINVAL)
		sched_yield();
	weft_runtime_destroy(rt);
}

Test(runtime, stats__need_their_size)
{
	weft_runtime *rt = test_runtime(1);
	weft_runtime_stats s = { 0 };

	cr_assert_eq(weft_runtime_stats_read(rt, &s), -EINVAL);
	test_runtime_end(rt);
}

/* ---- busy polling ------------------------------------------------------------------------- */

/* Workers that never sleep are never woken, answer like any other, and stop at once. */
Test(runtime, busy_poll__never_sleeps_and_stops)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime_stats s = { .size = sizeof(s) };
	weft_runtime *rt;
	weft_port *port;
	weft_ref echo;

	opt.workers = 1;
	opt.busy_poll = 1;
	rt = test_runtime_with(&opt);
	echo = test_spawn(rt, &test_echo, NULL);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (int i = 0; i < 20; i++) {
		weft_msg *answer = NULL;
		uint64_t until = weft_now_ns() + TEST_LONG;

		cr_assert_eq(weft_request(echo, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
		while (weft_port_reap(port, &answer, 1) == 0 && weft_now_ns() < until)
			sched_yield(); /* it does not help: the worker has to see the message by itself */
		cr_assert(answer);
		weft_msg_destroy(answer);
	}
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	cr_expect_eq(s.parks, 0);
	cr_expect_eq(s.wakes, 0);
	weft_port_destroy(port);
	test_runtime_end(rt);
	opt.busy_poll = 2;
	cr_expect_eq(weft_runtime_create(&opt, &rt), -EINVAL);
}
