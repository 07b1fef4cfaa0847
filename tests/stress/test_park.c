/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falling asleep and being woken. Goal: no lost wake-up. Method: one request at a
 * time from a foreign thread, with random pauses around the moment at which workers
 * go to sleep (none, within the spin, just at its end, long after); a lost wake-up
 * shows as a request that is not answered. Conservation: asked == answered.
 */
#include <poll.h>
#include <sched.h>
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

static void pause_ns(uint64_t ns)
{
	uint64_t end = weft_now_ns() + ns;

	while (weft_now_ns() < end)
		sched_yield();
}

/* Waits on the eventfd, so that nobody helps the workers. */
static void ask_and_poll(weft_port *port, weft_ref to)
{
	struct pollfd p = { .fd = weft_port_fd(port), .events = POLLIN };
	weft_msg *answer;

	cr_assert_eq(weft_request(to, weft_msg_create(TEST_ECHO, 0), weft_reply_to_port(port, 0)), 0);
	cr_assert_eq(poll(&p, 1, 60000), 1, "lost wake-up: no answer within a minute");
	cr_assert_eq(weft_port_reap(port, &answer, 1), 1);
	weft_msg_destroy(answer);
}

static void run(const weft_runtime_options *opt, uint32_t rounds)
{
	weft_runtime *rt = test_runtime_with(opt);
	uint64_t rnd = test_seed("park");
	weft_ref refs[8];
	weft_port *port;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (int i = 0; i < 8; i++)
		refs[i] = test_spawn(rt, &test_echo, NULL);
	for (uint32_t i = 0; i < rounds; i++) {
		ask_and_poll(port, refs[test_below(&rnd, 8)]);
		switch (test_below(&rnd, 4)) {
		case 0:
			break;
		case 1:
			pause_ns(test_below(&rnd, 5000));
			break;
		case 2:
			pause_ns(15000 + test_below(&rnd, 15000));
			break;
		default:
			pause_ns(test_below(&rnd, 100000));
		}
	}
	weft_port_destroy(port);
	test_runtime_end(rt);
}

Test(stress_park, uring_or_epoll__answers_every_request, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = 2;
	run(&opt, 4000);
}

Test(stress_park, epoll__answers_every_request, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = 2;
	opt.io = WEFT_IO_EPOLL;
	run(&opt, 4000);
}

Test(stress_park, no_spin__falls_asleep_after_each_request, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = 3;
	opt.spin_ns = 1;
	run(&opt, 4000);
}

Test(stress_park, idle__uses_next_to_no_cpu, .timeout = 120)
{
	weft_runtime *rt = test_runtime(4);
	weft_runtime_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct timespec rest = { .tv_nsec = 300000000 };
	uint64_t until = weft_now_ns() + TEST_LONG;

	do { /* once they have come to rest, which nobody knows when */
		weft_runtime_stats_read(rt, &before);
		nanosleep(&rest, NULL);
		weft_runtime_stats_read(rt, &after);
	} while (after.parks != before.parks && weft_now_ns() < until);
	cr_assert_eq(after.parks, before.parks, "an idle worker woke up %lu times in 0.3 s",
	             (unsigned long)(after.parks - before.parks));
	test_runtime_end(rt);
}
