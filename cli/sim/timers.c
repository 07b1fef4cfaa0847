/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/timers.c - scenario "timers": actors start and cancel timers, from microseconds to
 * days, on workers and on guests, and end in the middle.
 *
 * A timer never runs out early, runs out at most once, and not at all once it was cancelled. With
 * nothing else to do, each that was not cancelled runs out.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define ACTORS 4u
#define TIMERS 16u /* an actor has at once */

enum { WORK = 1, LATER };

struct slot {
	weft_timer timer;
	uint64_t token; /* 0: free */
	uint64_t due_ns;
	bool is_long; /* not waited for */
};

struct state {
	struct slot slots[TIMERS];
	weft_msg *later; /* answered when a timer runs out */
};

static struct {
	uint64_t token, started, fired, cancelled, dropped;
	uint64_t short_open; /* those that must still run out before the scenario is over */
} seen;

static uint64_t any_delay(bool *ret_long)
{
	static const uint64_t most[] = { 1, 70000, SIM_MS, 20 * SIM_MS, 3 * SIM_SECOND, 400000 * SIM_SECOND };
	uint64_t which = weft_sim_choose(sizeof(most) / sizeof(most[0]));

	*ret_long = which == 5;
	return weft_sim_choose(most[which] + 1);
}

static void start_one(weft_actor *self, struct slot *slot)
{
	uint64_t before = weft_now_ns(), token = seen.token + 1;
	uint64_t delay = any_delay(&slot->is_long);
	int r = weft_timer_start(self, delay, token, &slot->timer);

	if (r < 0) {
		sim_check(r == -ENOMEM || r == -ESHUTDOWN, "%s", weft_errname(r));
		return;
	}
	seen.token++;
	seen.started++;
	seen.short_open += !slot->is_long;
	slot->token = token;
	slot->due_ns = before + delay;
}

static void cancel_one(weft_actor *self, struct slot *slot)
{
	int r = weft_timer_cancel(self, slot->timer);

	if (r == -ENOENT)
		return; /* it ran out: its message is on the way */
	sim_check(r == 0, "%s", weft_errname(r));
	sim_check(weft_timer_cancel(self, slot->timer) == -ENOENT, "cancelled twice");
	seen.cancelled++;
	seen.short_open -= !slot->is_long;
	slot->token = 0;
}

/* Token 0 is not one of those that are watched: it answers a request. */
static void answer_later(weft_actor *self, struct state *st, weft_msg *msg)
{
	if (st->later || weft_timer_start(self, weft_sim_choose(5 * SIM_MS), 0, NULL) < 0)
		return; /* answered NOREPLY at once */
	weft_msg_keep(self, msg);
	st->later = msg;
}

static void answer_now(struct state *st)
{
	if (weft_msg_wants_reply(st->later))
		weft_reply(st->later, st->later);
	else
		weft_msg_destroy(st->later);
	st->later = NULL;
}

static void on_timer(struct state *st, uint64_t token)
{
	for (uint32_t i = 0; i < TIMERS; i++) {
		struct slot *slot = &st->slots[i];

		if (slot->token != token)
			continue;
		sim_check(weft_now_ns() >= slot->due_ns, "%" PRIu64 " ns early", slot->due_ns - weft_now_ns());
		slot->token = 0;
		seen.fired++;
		seen.short_open -= !slot->is_long;
		return;
	}
	sim_check(false, "timer %" PRIu64 " ran out twice, or after it was cancelled", token);
}

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct state *st = weft_actor_state(self);

	if (weft_msg_kind(msg) == WEFT_KIND_TIMER) {
		weft_sim_note(weft_msg_token(msg));
		if (weft_msg_token(msg))
			on_timer(st, weft_msg_token(msg));
		else
			answer_now(st);
	}
	if (weft_msg_kind(msg) == LATER)
		answer_later(self, st, msg);
	if (weft_msg_kind(msg) == WORK && weft_sim_choose(40) == 0)
		weft_actor_exit(self, 0);
	if (!sim_goes_on())
		return 0;
	for (uint64_t n = weft_sim_choose(3); n; n--) {
		struct slot *slot = &st->slots[weft_sim_choose(TIMERS)];

		if (slot->token)
			cancel_one(self, slot);
		else
			start_one(self, slot);
	}
	return 0;
}

static void on_end(weft_actor *self)
{
	struct state *st = weft_actor_state(self);

	weft_msg_destroy(st->later);
	for (uint32_t i = 0; i < TIMERS; i++) {
		if (!st->slots[i].token)
			continue;
		seen.dropped++;
		seen.short_open -= !st->slots[i].is_long;
	}
}

static const weft_actor_class plain_class = { .size = sizeof(plain_class),
	                                      .name = "timers",
	                                      .behaviour = behaviour,
	                                      .fini = on_end,
	                                      .state_bytes = sizeof(struct state) };
static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "timers",
	                                       .behaviour = behaviour,
	                                       .fini = on_end,
	                                       .state_bytes = sizeof(struct state),
	                                       .flags = WEFT_ACTOR_PINNED };

static void work(weft_ref to)
{
	weft_msg *m = sim_msg(WORK, 0);
	int r = weft_send(to, m);

	if (r < 0)
		weft_msg_destroy(m);
	sim_check(r == 0 || r == -EAGAIN || r == -ESRCH, "%s", weft_errname(r));
}

/* As a guest: what it sends it runs itself, and others may steal it. */
static void work_as_guest(weft_runtime *rt, const weft_ref *actors)
{
	weft_future *f;

	if (weft_guest_enter(rt) < 0)
		return;
	for (uint64_t n = weft_sim_choose(8); n; n--)
		work(actors[weft_sim_choose(ACTORS)]);
	if (weft_future_create(rt, &f) == 0) {
		weft_msg *m = sim_msg(weft_sim_choose(4) ? LATER : WORK, 0), *answer;

		if (weft_request(actors[weft_sim_choose(ACTORS)], m, weft_reply_to_future(f)) < 0)
			weft_msg_destroy(m);
		else if (weft_future_wait_until(f, &answer, weft_sim_choose(2) ? WEFT_FOREVER : weft_now_ns() + SIM_MS) == 0)
			weft_msg_destroy(answer);
		weft_future_destroy(f);
	}
	sim_check(weft_guest_leave(rt) == 0, "leave");
}

static void run(void)
{
	weft_runtime *rt = sim_runtime();
	weft_ref actors[ACTORS] = { 0 };
	bool wait_for_all = weft_sim_choose(2);

	while (sim_goes_on()) {
		for (uint32_t i = 0; i < ACTORS; i++) {
			if (!weft_actor_is_alive(actors[i]))
				actors[i] = sim_spawn(rt, weft_sim_choose(3) ? &plain_class : &pinned_class, NULL);
		}
		if (weft_sim_choose(3))
			work(actors[weft_sim_choose(ACTORS)]);
		else
			work_as_guest(rt, actors);
		weft_sim_sleep(weft_sim_choose(weft_sim_choose(10) ? SIM_MS : SIM_SECOND));
	}
	/* one that is lost is waited for until the steps are over */
	while (wait_for_all && seen.short_open)
		weft_sim_sleep(100 * SIM_MS);
	sim_runtime_end(rt, sim_stop_ns());
	sim_check(seen.started == seen.fired + seen.cancelled + seen.dropped,
	          "%" PRIu64 " started, %" PRIu64 " ran out, %" PRIu64 " cancelled, %" PRIu64 " dropped", seen.started,
	          seen.fired, seen.cancelled, seen.dropped);
}

const struct sim_scenario sim_timers = {
	.name = "timers",
	.what = "timers from microseconds to days, on workers and on guests",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
