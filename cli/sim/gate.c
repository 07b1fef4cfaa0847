/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/gate.c - scenario "gate": agents share a gate over an endpoint that is well, slow, overloaded or gone, as the
 * seed says, and changes its mind; some give up, some end in the middle.
 *
 * Never more calls under way than the ceiling, and one alone when the breaker tries; never more than the rate over the
 * whole; retries stay a share of the calls; nobody waits much longer than the gate said it might; in the end nothing is taken.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define CALLERS 24u
#define CEILING 6u
#define PER_MINUTE 3000u
#define BURST 10u
#define SHARE 20u
#define WAIT_MAX (5 * SIM_SECOND)
#define STARVED (20 * WAIT_MAX)

enum { START = 1 };
enum step { RESTS = 0, ASKS, CALLS };
enum mood { WELL = 0, OVERLOADED, BROKEN, GONE, MOODS };

struct state {
	weft_gate_pass pass;
	enum step step;
	uint64_t asked_ns; /* since when it wants to go */
};

static struct {
	weft_gate *gate;
	uint64_t began_ns;
	enum mood mood;
	uint64_t mood_until_ns;
	uint32_t under_way;
	uint64_t went, firsts, retries, done, failed, refused, given_up;
} seen;

static void change_mood(void)
{
	if (weft_now_ns() < seen.mood_until_ns)
		return;
	seen.mood = weft_sim_choose(2) ? WELL : (enum mood)weft_sim_choose(MOODS);
	seen.mood_until_ns = weft_now_ns() + weft_sim_choose(3 * SIM_SECOND);
}

static weft_gate_outcome outcome(void)
{
	change_mood();
	if (weft_sim_choose(40) == 0)
		return (weft_gate_outcome){ .http_status = 400 };
	switch (seen.mood) {
	case OVERLOADED:
		return (weft_gate_outcome){ .http_status = weft_sim_choose(2) ? 429 : 503, .retry_after_ns = weft_sim_choose(2) * weft_sim_choose(SIM_SECOND) };
	case BROKEN:
		return (weft_gate_outcome){ .http_status = 500, .safe_to_repeat = weft_sim_choose(2), .bytes_delivered = weft_sim_choose(4) == 0 };
	case GONE:
		return (weft_gate_outcome){ .error = weft_sim_choose(2) ? -ECONNREFUSED : -ETIMEDOUT, .safe_to_repeat = true };
	default:
		return (weft_gate_outcome){ .http_status = 200, .tokens_used = (uint32_t)weft_sim_choose(300) };
	}
}

static void later(weft_actor *self, uint64_t ns)
{
	int r;

	do {
		r = weft_timer_start(self, ns, 0, NULL);
	} while (r == -ENOMEM);
	sim_check(r == 0 || r == -ESHUTDOWN, "%s", weft_errname(r));
	if (r < 0)
		weft_actor_exit(self, 0);
}

static void rest(weft_actor *self, struct state *st)
{
	st->step = RESTS;
	if (sim_goes_on())
		later(self, weft_sim_choose(200 * SIM_MS));
	else
		weft_actor_exit(self, 0);
}

static void goes(weft_actor *self, struct state *st)
{
	weft_gate_stats s = { .size = sizeof(s) };

	seen.went++;
	seen.under_way++;
	sim_check(seen.under_way <= CEILING, "%u under way", seen.under_way);
	sim_check(weft_gate_stats_read(seen.gate, &s) == 0, "stats");
	sim_check(s.breaker != WEFT_BREAKER_OPEN, "it went while the breaker is open");
	sim_check(weft_now_ns() - st->asked_ns < STARVED, "waited %" PRIu64 " ns", weft_now_ns() - st->asked_ns);
	st->step = CALLS;
	later(self, weft_sim_choose(seen.mood == WELL ? 50 * SIM_MS : 2 * SIM_SECOND));
}

static void ask(weft_actor *self, struct state *st)
{
	int64_t wait = weft_gate_enter(seen.gate, &st->pass, weft_now_ns(), 200);

	st->step = ASKS;
	if (wait == 0) {
		goes(self, st);
	} else if (wait > 0) {
		later(self, (uint64_t)wait);
	} else {
		sim_check(wait == WEFT_EBREAKER || wait == WEFT_EOVERLOAD || wait == -ETIMEDOUT, "%s", weft_errname((int)wait));
		sim_check(st->pass.why, "it says why");
		seen.refused++;
		rest(self, st);
	}
}

static void begin(weft_actor *self, struct state *st)
{
	uint64_t now = weft_now_ns();

	st->pass = (weft_gate_pass){ .deadline_ns = weft_sim_choose(3) ? 0 : now + weft_sim_choose(4 * SIM_SECOND) };
	st->asked_ns = now;
	ask(self, st);
}

static void give_up(struct state *st)
{
	if (st->step == CALLS)
		seen.under_way--;
	seen.given_up += st->step != RESTS;
	weft_gate_cancel(seen.gate, &st->pass, weft_now_ns());
	st->step = RESTS;
}

static void come_back(weft_actor *self, struct state *st)
{
	weft_gate_outcome out = outcome();
	weft_gate_verdict verdict;

	seen.under_way--;
	seen.firsts += st->pass.retries == 0;
	verdict = weft_gate_leave(seen.gate, &st->pass, &out, weft_now_ns());
	weft_sim_note((uint64_t)verdict);
	seen.done += verdict == WEFT_GATE_DONE;
	seen.failed += verdict == WEFT_GATE_FAIL;
	if (verdict != WEFT_GATE_RETRY) {
		rest(self, st);
		return;
	}
	sim_check(!out.bytes_delivered, "repeated after bytes");
	sim_check(st->pass.retry_after_ns >= out.retry_after_ns, "sooner than it was told");
	seen.retries++;
	st->step = ASKS;
	st->asked_ns = weft_now_ns() + st->pass.retry_after_ns;
	later(self, st->pass.retry_after_ns);
}

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct state *st = weft_actor_state(self);

	(void)msg;
	if (weft_sim_choose(60) == 0) {
		give_up(st);
		rest(self, st);
	} else if (st->step == RESTS) {
		begin(self, st);
	} else if (st->step == ASKS) {
		ask(self, st);
	} else {
		come_back(self, st);
	}
	return 0;
}

static void on_end(weft_actor *self)
{
	give_up(weft_actor_state(self));
}

static const weft_actor_class caller_class = { .size = sizeof(caller_class),
	                                       .name = "caller",
	                                       .behaviour = behaviour,
	                                       .fini = on_end,
	                                       .state_bytes = sizeof(struct state) };

static weft_gate *make_gate(void)
{
	weft_gate_options o = WEFT_GATE_OPTIONS_INIT;
	weft_gate *gate = NULL;

	o.requests_per_minute = PER_MINUTE;
	o.requests_burst = BURST;
	o.tokens_per_minute = (uint32_t)weft_sim_choose(2) * 400000;
	o.concurrency_start = 1 + (uint32_t)weft_sim_choose(CEILING);
	o.concurrency_max = CEILING;
	o.waiting_max = 1 + (uint32_t)weft_sim_choose(CALLERS);
	o.wait_max_ns = WAIT_MAX;
	o.breaker_failures = 2 + (uint32_t)weft_sim_choose(4);
	o.breaker_open_ns = 1 + weft_sim_choose(2 * SIM_SECOND);
	o.retry_share_percent = SHARE;
	o.retry_first_ns = 100 * SIM_MS;
	o.seed = 1 + weft_sim_choose(1000);
	sim_insist(weft_gate_create(&o, &gate, NULL));
	return gate;
}

static void check_all(void)
{
	weft_gate_stats s = { .size = sizeof(s) };
	uint64_t ns = weft_now_ns() - seen.began_ns;

	sim_check(weft_gate_stats_read(seen.gate, &s) == 0, "stats");
	sim_check(seen.under_way == 0, "%u under way", seen.under_way);
	sim_check(s.under_way == 0, "%u places taken", s.under_way);
	sim_check(s.waiting == 0, "%u wait", s.waiting);
	sim_check(s.breaker != WEFT_BREAKER_HALF_OPEN, "nobody tries any more");
	sim_check((seen.went - BURST) * 60 * SIM_SECOND <= ns * PER_MINUTE || seen.went <= BURST, "%" PRIu64 " went in %" PRIu64 " ns",
	          seen.went, ns);
	sim_check(s.retries == seen.retries, "%" PRIu64 " retries, not %" PRIu64, s.retries, seen.retries);
	sim_check(seen.retries * 100 <= 1000 + seen.firsts * SHARE, "%" PRIu64 " retries of %" PRIu64, seen.retries, seen.firsts);
	sim_check(seen.went >= seen.done + seen.failed + seen.retries, "each has one end");
	weft_sim_note(seen.went);
}

static void run(void)
{
	weft_runtime *rt;

	memset(&seen, 0, sizeof(seen));
	seen.began_ns = weft_now_ns();
	seen.gate = make_gate();
	rt = sim_runtime();
	for (uint32_t i = 0; i < CALLERS; i++) {
		weft_ref ref = sim_spawn(rt, &caller_class, NULL);
		weft_msg *m = sim_msg(START, 0);

		if (weft_send(ref, m) < 0)
			weft_msg_destroy(m);
	}
	while (sim_goes_on())
		weft_sim_sleep(SIM_SECOND);
	sim_runtime_end(rt, sim_stop_ns());
	check_all();
	weft_gate_unref(seen.gate);
}

const struct sim_scenario sim_gate = { .name = "gate",
	                               .what = "agents share a gate over a flaky endpoint",
	                               .faults = WEFT_SIM_ALL & ~WEFT_SIM_CLOCK,
	                               .run = run };
