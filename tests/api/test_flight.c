/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flight recorder as a host meets it: what is always recorded, what the trace adds, reading beside busy workers,
 * and the text that a handler of SIGSEGV leaves behind in a process that dies.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/actors.h"

#define MANY 8192u

static weft_flight_event events[MANY];

static weft_runtime *recorded(uint32_t workers, uint32_t trace)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = workers;
	opt.trace = trace;
	return test_runtime_with(&opt);
}

static uint32_t count_kind(int n, uint32_t kind)
{
	uint32_t count = 0;

	for (int i = 0; i < n; i++)
		count += events[i].kind == kind;
	return count;
}

/* ---- arguments -------------------------------------------------------------------------- */

Test(flight, read__rejects_bad_arguments)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;

	opt.workers = 1;
	opt.flight_events = 1000;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL, "no power of two");
	opt.flight_events = WEFT_FLIGHT_OFF;
	opt.trace = 1;
	rt = test_runtime_with(&opt);
	cr_assert_eq(weft_flight_read(rt, WEFT_LANE_ALL, events, MANY), -ENODATA);
	cr_assert_eq(weft_flight_dump(rt, 2), -ENODATA);
	test_runtime_end(rt);
	rt = recorded(1, 0);
	cr_assert_eq(weft_flight_read(NULL, WEFT_LANE_ALL, events, MANY), -EINVAL);
	cr_assert_eq(weft_flight_read(rt, 1000, events, MANY), -EINVAL);
	cr_assert_eq(weft_flight_read(rt, WEFT_LANE_ALL, NULL, 1), -EINVAL);
	cr_assert_eq(weft_flight_read(rt, WEFT_LANE_ALL, NULL, 0), 0);
	cr_assert_eq(weft_flight_dump(rt, -1), -EBADF);
	test_runtime_end(rt);
}

Test(flight, kind_name__is_never_null)
{
	for (uint32_t kind = WEFT_FLIGHT_PARK; kind <= WEFT_FLIGHT_TIMER; kind++)
		cr_assert_str_neq(weft_flight_kind_name(kind), "?");
	cr_assert_str_eq(weft_flight_kind_name(WEFT_FLIGHT_NONE), "?");
	cr_assert_str_eq(weft_flight_kind_name(77), "?");
}

/* ---- what is recorded -------------------------------------------------------------------- */

Test(flight, always__records_sleep_and_failure_and_nothing_of_messages)
{
	weft_runtime *rt = recorded(1, 0);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	uint64_t deadline = weft_now_ns() + TEST_LONG, last = 0;
	int n;

	cr_assert_eq(weft_send(echo, weft_msg_create(TEST_FAIL, 0)), 0);
	do
		n = weft_flight_read(rt, 0, events, MANY);
	while (!(count_kind(n, WEFT_FLIGHT_FAIL) && events[n - 1].kind == WEFT_FLIGHT_PARK) && weft_now_ns() < deadline);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_FAIL), 1);
	cr_assert_geq(count_kind(n, WEFT_FLIGHT_PARK), 1);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_RUN) + count_kind(n, WEFT_FLIGHT_SPAWN), 0);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(events[i].lane, 0);
		cr_assert(events[i].timestamp_ns >= last && events[i].timestamp_ns <= weft_now_ns());
		last = events[i].timestamp_ns;
		if (events[i].kind == WEFT_FLIGHT_FAIL) {
			cr_assert_eq(events[i].actor.id, echo.id);
			cr_assert_eq(events[i].arg, -EIO);
		}
	}
	test_runtime_end(rt);
}

Test(flight, always__records_restarts)
{
	const weft_child_spec child = { .size = sizeof(child), .id = "echo", .cls = &test_echo, .name = "echo" };
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_runtime *rt = recorded(2, 0);
	uint64_t deadline = weft_now_ns() + TEST_LONG;
	weft_ref supervisor, echo = { 0 };
	int n;

	cr_assert_eq(weft_supervisor_spawn(rt, &opt, &child, 1, &supervisor), 0);
	while (weft_name_find(rt, "echo", &echo) < 0 && weft_now_ns() < deadline)
		;
	cr_assert_eq(weft_send(echo, weft_msg_create(TEST_FAIL, 0)), 0);
	do
		n = weft_flight_read(rt, WEFT_LANE_ALL, events, MANY);
	while (!count_kind(n, WEFT_FLIGHT_RESTART) && weft_now_ns() < deadline);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_FAIL), 1);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_RESTART), 1);
	for (int i = 0; i < n; i++) {
		if (events[i].kind == WEFT_FLIGHT_RESTART) {
			cr_assert_eq(events[i].actor.id, supervisor.id);
			cr_assert_eq(events[i].arg, -EIO);
		}
	}
	cr_assert_eq(weft_actor_stop(supervisor), 0);
	test_runtime_end(rt);
}

static int parent_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_ref child;

	if (weft_msg_kind(msg) == TEST_ECHO) {
		cr_assert_eq(weft_actor_spawn(weft_actor_runtime(self), &test_echo, NULL, &child), 0);
		cr_assert_eq(weft_send(child, weft_msg_create(TEST_EXIT, 0)), 0);
		cr_assert_eq(weft_timer_start(self, 1000, 0, NULL), 0);
	}
	if (weft_msg_kind(msg) == WEFT_KIND_TIMER)
		weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class parent = { .size = sizeof(parent), .name = "parent", .behaviour = parent_behaviour };

Test(flight, trace__records_each_life_and_each_activation)
{
	weft_runtime *rt = recorded(2, 1);
	weft_ref ref = test_spawn(rt, &parent, NULL);
	uint64_t deadline = weft_now_ns() + TEST_LONG;
	int n, depth[16] = { 0 };

	cr_assert_eq(weft_send(ref, weft_msg_create(TEST_ECHO, 0)), 0);
	while (weft_actor_is_alive(ref) && weft_now_ns() < deadline)
		;
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	n = weft_flight_read(rt, WEFT_LANE_ALL, events, MANY);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_SPAWN), 1, "the child; the other was made by this thread");
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_END), 2);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_TIMER), 1);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_RUN), 3);
	cr_assert_eq(count_kind(n, WEFT_FLIGHT_DONE), 3);
	for (int i = 0; i < n; i++) {
		depth[events[i].lane] += events[i].kind == WEFT_FLIGHT_RUN;
		depth[events[i].lane] -= events[i].kind == WEFT_FLIGHT_DONE;
		cr_assert(depth[events[i].lane] == 0 || depth[events[i].lane] == 1, "runs nest on lane %u", events[i].lane);
		if (events[i].kind == WEFT_FLIGHT_DONE)
			cr_assert_eq(events[i].arg, 1, "one message each");
	}
	n = weft_flight_read(rt, WEFT_LANE_ALL, events, 2);
	cr_assert_eq(n, 2, "the newest");
	weft_runtime_destroy(rt);
}

/* ---- beside busy workers ------------------------------------------------------------------- */

static int forward_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == TEST_KEEP && weft_send(weft_actor_ref(self), msg) < 0)
		return -EIO;
	return 0;
}

static const weft_actor_class forward = { .size = sizeof(forward), .name = "forward", .behaviour = forward_behaviour };

Test(flight, read__beside_busy_workers_is_in_order)
{
	weft_runtime *rt = recorded(2, 1);
	weft_ref ref[2];

	for (int i = 0; i < 2; i++) {
		ref[i] = test_spawn(rt, &forward, NULL);
		cr_assert_eq(weft_send(ref[i], weft_msg_create(TEST_KEEP, 0)), 0);
	}
	for (int round = 0; round < 200; round++) {
		int n = weft_flight_read(rt, WEFT_LANE_ALL, events, MANY);

		cr_assert_geq(n, 0);
		for (int i = 1; i < n; i++)
			cr_assert(events[i].timestamp_ns >= events[i - 1].timestamp_ns);
		for (int i = 0; i < n; i++)
			cr_assert_str_neq(weft_flight_kind_name(events[i].kind), "?");
	}
	for (int i = 0; i < 2; i++)
		cr_assert_eq(weft_actor_stop(ref[i]), 0);
	test_runtime_end(rt);
}

/* ---- after a crash ---------------------------------------------------------------------------- */

static int report_fd;

static void on_segv(int signal)
{
	weft_flight_dump(NULL, report_fd);
	_exit(signal);
}

static int crash_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self, (void)msg;
	raise(SIGSEGV);
	return 0;
}

static const weft_actor_class crash = { .size = sizeof(crash), .name = "crasher", .behaviour = crash_behaviour };

static void die_with_a_report(void)
{
	weft_runtime *rt = recorded(2, 1);

	signal(SIGSEGV, on_segv);
	weft_send(test_spawn(rt, &crash, NULL), weft_msg_create(TEST_ECHO, 0));
	for (;;)
		pause();
}

Test(flight, dump__from_a_signal_handler_says_who_ran)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;
	int ends[2], status;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		report_fd = ends[1];
		close(ends[0]);
		die_with_a_report();
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == SIGSEGV);
	cr_assert(strstr(text, "weft flight recorder, runtime "), "%s", text);
	cr_assert(strstr(text, " of class crasher\n"), "%s", text);
	cr_assert(strstr(text, "  run "), "%s", text);
	cr_assert(strstr(text, " ns ago  worker "), "%s", text);
	cr_assert_eq(text[len - 1], '\n');
}
