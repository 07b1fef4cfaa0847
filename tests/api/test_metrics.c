/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a runtime through the public headers: bad arguments, lanes that add up to the whole, gauges that
 * say what is there, and a reader beside busy workers who never sees a count go back.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/actors.h"

static weft_stats read_lane(weft_runtime *rt, uint32_t lane)
{
	weft_stats s = WEFT_STATS_INIT;

	cr_assert_eq(weft_stats_read(rt, lane, &s), 0);
	return s;
}

/* ---- arguments -------------------------------------------------------------------------- */

Test(metrics, read__rejects_bad_arguments)
{
	weft_runtime *rt = test_runtime(1);
	weft_stats s = WEFT_STATS_INIT;

	cr_assert_eq(weft_stats_read(NULL, WEFT_LANE_ALL, &s), -EINVAL);
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, NULL), -EINVAL);
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &s), 0);
	cr_assert_eq(weft_stats_read(rt, s.lanes - 1, &s), 0);
	cr_assert_eq(weft_stats_read(rt, s.lanes, &s), -EINVAL);
	s.size--;
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &s), -EINVAL);
	test_runtime_end(rt);
}

/* ---- counters --------------------------------------------------------------------------- */

static void add(weft_stats *sum, const weft_stats *s)
{
	sum->msgs_sent += s->msgs_sent;
	sum->msgs_handled += s->msgs_handled;
	sum->activations += s->activations;
	sum->actors_spawned += s->actors_spawned;
	sum->actors_ended += s->actors_ended;
}

Test(metrics, lanes__add_up_to_the_whole)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_stats all, sum = WEFT_STATS_INIT;

	for (int i = 0; i < 100; i++)
		cr_assert_eq(test_ask_kind(rt, echo, TEST_ECHO), TEST_ECHO);
	cr_assert_eq(weft_actor_stop(echo), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	all = read_lane(rt, WEFT_LANE_ALL);
	for (uint32_t i = 0; i < all.lanes; i++) {
		weft_stats s = read_lane(rt, i);

		add(&sum, &s);
	}
	cr_assert_eq(all.workers, 2);
	cr_assert_eq(all.msgs_handled, 101);
	cr_assert_eq(sum.msgs_sent, all.msgs_sent);
	cr_assert_eq(sum.msgs_handled, all.msgs_handled);
	cr_assert_eq(sum.activations, all.activations);
	cr_assert_eq(sum.actors_spawned, 1);
	cr_assert_eq(sum.actors_ended, 1);
	cr_assert_eq(all.actors_alive, 0);
	weft_runtime_destroy(rt);
}

/* ---- gauges ----------------------------------------------------------------------------- */

Test(metrics, gauges__say_who_lives_and_who_sleeps)
{
	weft_runtime *rt = test_runtime(2);
	uint64_t deadline = weft_now_ns() + TEST_LONG;
	weft_stats s;

	for (int i = 0; i < 3; i++)
		test_spawn(rt, &test_echo, NULL);
	do
		s = read_lane(rt, WEFT_LANE_ALL);
	while (s.parked != 2 && weft_now_ns() < deadline);
	cr_assert_eq(s.parked, 2, "idle workers sleep");
	cr_assert_eq(s.actors_alive, 3);
	cr_assert_eq(s.requests_open, 0);
	cr_assert_eq(s.queue_tasks + s.fresh_tasks + s.io_in_flight, 0);
	cr_assert(read_lane(rt, 0).parks >= 1);
	test_runtime_end(rt);
}

static _Atomic(bool) gate_open;

/* Holds the only worker, with others queued behind it, until the test has looked. */
static int gate_behaviour(weft_actor *self, weft_msg *msg)
{
	for (uint32_t i = 0; weft_msg_kind(msg) == TEST_ECHO && i < 5; i++) {
		weft_ref ref;

		cr_assert_eq(weft_actor_spawn(weft_actor_runtime(self), &test_echo, NULL, &ref), 0);
		cr_assert_eq(weft_send(ref, weft_msg_create(TEST_KEEP, 0)), 0);
	}
	while (!atomic_load(&gate_open))
		;
	return 0;
}

static const weft_actor_class gate = { .size = sizeof(gate), .name = "gate", .behaviour = gate_behaviour };

Test(metrics, gauges__count_what_waits_in_the_queues)
{
	weft_runtime *rt = test_runtime(1);
	uint64_t deadline = weft_now_ns() + TEST_LONG;
	weft_stats s;

	cr_assert_eq(weft_send(test_spawn(rt, &gate, NULL), weft_msg_create(TEST_ECHO, 0)), 0);
	do /* a look in the middle of a push or a take may be one too many */
		s = read_lane(rt, 0);
	while (s.queue_tasks + s.fresh_tasks != 5 && weft_now_ns() < deadline);
	cr_assert_eq(s.queue_tasks + s.fresh_tasks, 5);
	cr_assert_eq(s.parked, 0);
	cr_assert_eq(weft_send(test_spawn(rt, &test_echo, NULL), weft_msg_create(TEST_KEEP, 0)), 0);
	cr_assert_eq(read_lane(rt, 0).injects_pending, 1, "this thread's work waits");
	atomic_store(&gate_open, true);
	test_runtime_end(rt);
}

Test(metrics, depth_max__is_that_of_the_deepest_mailbox)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref to = test_spawn(rt, &gate, NULL);
	weft_stats s;

	for (int i = 0; i < 10; i++)
		cr_assert_eq(weft_send(to, weft_msg_create(TEST_KEEP, 0)), 0);
	s = read_lane(rt, WEFT_LANE_ALL);
	cr_assert_eq(s.mailbox_depth_max, 10, "%lu; the first one is in hand", (unsigned long)s.mailbox_depth_max);
	cr_assert_eq(read_lane(rt, s.lanes - 1).mailbox_depth_max, 10, "foreign threads sent them");
	atomic_store(&gate_open, true);
	test_runtime_end(rt);
}

/* ---- what is timed ---------------------------------------------------------------------- */

#define TURN_NS 20000u

static int slow_behaviour(weft_actor *self, weft_msg *msg)
{
	uint64_t until = weft_now_ns() + TURN_NS;
	weft_msg *again = weft_msg_create(weft_msg_kind(msg), 0);

	while (weft_now_ns() < until)
		;
	if (atomic_load(&gate_open) || weft_send(weft_actor_ref(self), again) < 0)
		weft_msg_destroy(again);
	weft_actor_yield(self);
	return 0;
}

static const weft_actor_class slow = { .size = sizeof(slow), .name = "slow", .behaviour = slow_behaviour };

static uint64_t samples(weft_runtime *rt, uint32_t lane, uint32_t kind, weft_histogram *h)
{
	weft_histogram_reset(h);
	cr_assert_eq(weft_stats_histogram(rt, lane, kind, h), 0);
	return weft_histogram_count(h);
}

/* Actors that take 20 us in turn: the one waits while the others run. The worker's turns are counted, by samples. */
Test(metrics, histograms__tell_how_long_turns_take_and_how_long_actors_wait)
{
	weft_runtime *rt = test_runtime(1);
	uint64_t began = weft_now_ns(), count;
	weft_histogram *h = NULL;
	weft_stats s;

	cr_assert_eq(weft_histogram_create(&h), 0);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(weft_send(test_spawn(rt, &slow, NULL), weft_msg_create(TEST_KEEP, 0)), 0);
	while ((s = read_lane(rt, 0)).activations < 2000 && weft_now_ns() < began + TEST_LONG)
		;
	count = samples(rt, 0, WEFT_STATS_ACTIVATION_NS, h);
	cr_assert(weft_histogram_quantile(h, 0) >= TURN_NS * 127 / 128, "%lu ns", (unsigned long)weft_histogram_quantile(h, 0));
	/* One worker: its turns follow each other, and half of them took as long as the median or longer. */
	cr_assert(weft_histogram_quantile(h, 0.5) * (count / 2) * 127 / 128 <= weft_now_ns() - began);
	s = read_lane(rt, 0); /* it went on: no fewer than when the samples were read */
	cr_assert(count > 1000 && count <= s.activations + 100, "%lu samples of %lu", (unsigned long)count,
	          (unsigned long)s.activations);
	cr_assert(samples(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, h) > 1000);
	cr_assert(weft_histogram_quantile(h, 0.5) >= 2 * TURN_NS, "%lu ns", (unsigned long)weft_histogram_quantile(h, 0.5));
	atomic_store(&gate_open, true);
	weft_histogram_destroy(h);
	test_runtime_end(rt);
}

/* A wait that begins on a foreign thread is timed, too, as soon as the clock is calibrated. */
Test(metrics, histograms__time_what_foreign_threads_send)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	uint64_t deadline = weft_now_ns() + TEST_LONG, sent = 0;
	weft_histogram *h = NULL;

	cr_assert_eq(weft_histogram_create(&h), 0);
	weft_ticks_to_ns(1);
	while (!samples(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, h) && weft_now_ns() < deadline) {
		weft_msg *msg = weft_msg_create(TEST_KEEP, 0);

		if (weft_send(echo, msg) < 0)
			weft_msg_destroy(msg);
		else
			sent++;
	}
	cr_assert_geq(weft_histogram_count(h), 1);
	cr_assert_leq(weft_histogram_count(h), sent);
	cr_assert(weft_histogram_max(h) > 0 && weft_histogram_max(h) < TEST_LONG);
	weft_histogram_destroy(h);
	test_runtime_end(rt);
}

Test(metrics, histograms__are_not_there_when_off)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_histogram *h = NULL;
	weft_runtime *rt;

	opt.workers = 1;
	opt.metrics = WEFT_METRICS_OFF;
	rt = test_runtime_with(&opt);
	cr_assert_eq(weft_histogram_create(&h), 0);
	cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, h), -ENODATA);
	cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, 2, h), -EINVAL);
	cr_assert_eq(weft_stats_histogram(rt, 1000, WEFT_STATS_DELAY_NS, h), -EINVAL);
	cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, NULL), -EINVAL);
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &test_echo, NULL), TEST_ECHO), TEST_ECHO);
	weft_histogram_destroy(h);
	test_runtime_end(rt);
	opt.metrics = 2;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
}

/* ---- a reader beside busy workers ----------------------------------------------------------- */

Test(metrics, counters__never_go_back)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_stats before = read_lane(rt, WEFT_LANE_ALL), s;

	for (int i = 0; i < 2000; i++) {
		weft_msg *msg = weft_msg_create(TEST_KEEP, 0);

		if (weft_send(echo, msg) < 0)
			weft_msg_destroy(msg);
		s = read_lane(rt, WEFT_LANE_ALL);
		cr_assert(s.msgs_sent >= before.msgs_sent);
		cr_assert(s.msgs_handled >= before.msgs_handled);
		cr_assert(s.activations >= before.activations);
		cr_assert(s.parks >= before.parks);
		before = s;
	}
	test_runtime_end(rt);
}
