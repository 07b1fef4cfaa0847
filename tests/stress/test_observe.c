/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two that watch the same machine must agree: the counters and the flight recorder, on three workers, a guest and a foreign
 * thread, with tokens that wander between actors, timers, births and ends, all from one seed. Laws, at rest:
 * each activation, birth, end, timer, sleep, wake-up and stolen task that was counted was recorded, once, on the same lane; each
 * run is followed by its end; there are about as many timed activations as there were activations. Meanwhile readers
 * look all the time, and no count that they see goes back.
 */
#include <pthread.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define ACTORS 40u
#define TOKENS 60u
#define HOPS 200u
#define EVENTS (1u << 16) /* a lane; nothing may be overwritten here */

enum { TOKEN = 10 };

static weft_runtime *rt;
static weft_ref actors[ACTORS];
static _Atomic(uint32_t) tokens_left;
static weft_flight_event events[EVENTS];

struct wanderer {
	uint64_t random;
};

static void pass_on(struct wanderer *s, uint32_t hops)
{
	weft_msg *msg = weft_msg_create(TOKEN, sizeof(hops));

	cr_assert(msg);
	memcpy(weft_msg_data(msg), &hops, sizeof(hops));
	if (weft_send(actors[test_below(&s->random, ACTORS)], msg) < 0) {
		weft_msg_destroy(msg);
		tokens_left--;
	}
}

static void child_born(weft_actor *self)
{
	weft_ref child;

	if (weft_actor_spawn(weft_actor_runtime(self), &test_echo, NULL, &child) == 0)
		cr_assert_eq(weft_send(child, weft_msg_create(TEST_EXIT, 0)), 0);
}

static int wanderer_behaviour(weft_actor *self, weft_msg *msg)
{
	struct wanderer *s = weft_actor_state(self);
	uint32_t hops;

	if (weft_msg_kind(msg) != TOKEN)
		return 0;
	memcpy(&hops, weft_msg_data(msg), sizeof(hops));
	if (hops == 0) {
		tokens_left--;
		return 0;
	}
	if (test_below(&s->random, 16) == 0)
		child_born(self);
	if (test_below(&s->random, 16) == 0)
		cr_assert_eq(weft_timer_start(self, test_below(&s->random, 300000), 0, NULL), 0);
	for (uint64_t until = weft_now_ns() + test_below(&s->random, 4000); weft_now_ns() < until;)
		;
	pass_on(s, hops - 1);
	return 0;
}

static const weft_actor_class wanderer_class = { .size = sizeof(wanderer_class),
	                                         .name = "wanderer",
	                                         .behaviour = wanderer_behaviour,
	                                         .state_bytes = sizeof(struct wanderer) };

/* ---- readers ------------------------------------------------------------------------------ */

static void *look_all_the_time(void *arg)
{
	static weft_flight_event some[256];
	weft_stats s = WEFT_STATS_INIT, before = WEFT_STATS_INIT;
	weft_histogram *h = NULL;
	uint64_t samples = 0;

	(void)arg;
	cr_assert_eq(weft_histogram_create(&h), 0);
	while (tokens_left) {
		cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &s), 0);
		cr_assert(s.activations >= before.activations && s.msgs_sent >= before.msgs_sent);
		cr_assert(s.mailbox_depth_max >= before.mailbox_depth_max);
		before = s;
		weft_histogram_reset(h);
		cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, h), 0);
		cr_assert(weft_histogram_count(h) >= samples);
		samples = weft_histogram_count(h);
		cr_assert_geq(weft_flight_read(rt, WEFT_LANE_ALL, some, 256), 0);
	}
	weft_histogram_destroy(h);
	return NULL;
}

/* ---- the laws ------------------------------------------------------------------------------- */

static uint64_t recorded(int n, uint32_t kind)
{
	uint64_t count = 0;

	for (int i = 0; i < n; i++)
		count += events[i].kind == kind ? (kind == WEFT_FLIGHT_STEAL ? (uint64_t)events[i].arg : 1) : 0;
	return count;
}

static void check_lane(uint32_t lane)
{
	weft_stats s = WEFT_STATS_INIT;
	int n = weft_flight_read(rt, lane, events, EVENTS);
	int running = 0;

	cr_assert_eq(weft_stats_read(rt, lane, &s), 0);
	cr_assert(n >= 0 && (uint32_t)n < EVENTS - 1, "lane %u: %d events", lane, n);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_RUN), s.activations);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_DONE), s.activations);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_SPAWN), s.actors_spawned);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_END), s.actors_ended);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_TIMER), s.timers_fired);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_PARK), s.parks);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_UNPARK), s.parks);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_WAKE), s.wakes);
	cr_assert_eq(recorded(n, WEFT_FLIGHT_STEAL), s.steals);
	for (int i = 0; i < n; i++) {
		running += events[i].kind == WEFT_FLIGHT_RUN;
		running -= events[i].kind == WEFT_FLIGHT_DONE;
		cr_assert(running == 0 || running == 1);
	}
}

static void check_samples(void)
{
	weft_stats s = WEFT_STATS_INIT;
	weft_histogram *h = NULL;
	uint64_t turns;

	cr_assert_eq(weft_histogram_create(&h), 0);
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &s), 0);
	cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, WEFT_STATS_ACTIVATION_NS, h), 0);
	turns = weft_histogram_count(h);
	cr_assert(turns > 0 && turns <= s.activations, "%lu timed of %lu", (unsigned long)turns, (unsigned long)s.activations);
	weft_histogram_reset(h);
	cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, h), 0);
	cr_assert(weft_histogram_count(h) > 0);
	cr_assert(weft_histogram_max(h) < TEST_LONG);
	weft_histogram_destroy(h);
}

Test(observe, counters_and_recorder_agree)
{
	uint64_t random = test_seed("observe");
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_stats s = WEFT_STATS_INIT;
	struct wanderer host = { .random = test_random(&random) };
	pthread_t reader;
	weft_port *port;
	weft_msg *none;

	opt.workers = 3;
	opt.trace = 1;
	opt.flight_events = EVENTS;
	rt = test_runtime_with(&opt);
	for (uint32_t i = 0; i < ACTORS; i++) {
		struct wanderer state = { .random = test_random(&random) };

		actors[i] = test_spawn(rt, &wanderer_class, &state);
	}
	tokens_left = TOKENS;
	cr_assert_eq(pthread_create(&reader, NULL, look_all_the_time, NULL), 0);
	for (uint32_t i = 0; i < TOKENS; i++)
		pass_on(&host, HOPS);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (uint64_t until = weft_now_ns() + 3 * TEST_LONG; tokens_left && weft_now_ns() < until;)
		weft_port_wait_until(port, &none, 1, weft_now_ns() + 1000000); /* this thread helps meanwhile */
	cr_assert_eq(tokens_left, 0);
	weft_port_destroy(port);
	pthread_join(reader, NULL);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &s), 0);
	cr_assert_eq(s.msgs_sent, s.msgs_handled + s.msgs_dropped);
	cr_assert_eq(s.actors_alive, 0);
	for (uint32_t lane = 0; lane + 1 < s.lanes; lane++)
		check_lane(lane);
	check_samples();
	weft_runtime_destroy(rt);
}
