/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/micro_timer.c - a million timers of one actor. timer-arm-cancel: one more armed and cancelled again while the
 * million are there. timer-fire: all run out at once; from the first message to the last.
 */
#include "bench/actors/actors.h"

#define TURN 1000u /* operations a turn: others run in between */

struct clock {
	struct actors_clock clock;
	uint64_t armed, operations, left, due_ns;
	bool fires;
};

static int arm_all(weft_actor *self, uint64_t n, uint64_t due_ns)
{
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = weft_timer_start_at(self, due_ns, i, NULL);
	return r;
}

static int arm_and_cancel(struct clock *c, weft_actor *self, weft_msg *msg)
{
	weft_timer timer;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < TURN && c->left; i++, c->left--) {
		r = weft_timer_start_at(self, c->due_ns + i * 1000000u, i, &timer);
		if (r == 0)
			r = weft_timer_cancel(self, timer);
	}
	if (r < 0)
		return r;
	return c->left ? weft_send(weft_actor_ref(self), msg) : actors_clock_stop(&c->clock);
}

static int clock_behaviour(weft_actor *self, weft_msg *msg)
{
	struct clock *c = weft_actor_state(self);
	int r;

	switch (weft_msg_kind(msg)) {
	case ACTORS_GO:
		c->due_ns = weft_now_ns() + (c->fires ? 0 : UINT64_C(1000000000000));
		r = arm_all(self, c->armed, c->due_ns);
		c->left = c->operations;
		actors_clock_start(&c->clock, self, msg);
		return r < 0 || c->fires ? r : actors_send(weft_actor_ref(self), actors_msg(ACTORS_PLAY, NULL, 0));
	case ACTORS_PLAY:
		return arm_and_cancel(c, self, msg);
	case WEFT_KIND_TIMER:
		return --c->left ? 0 : actors_clock_stop(&c->clock);
	default:
		return 0;
	}
}

static const weft_actor_class clock_class = {
	.size = sizeof(clock_class), .name = "clock", .behaviour = clock_behaviour, .state_bytes = sizeof(struct clock)
};

static int timers(struct clock c, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return actors_run_one(opt, &clock_class, &c, c.operations, ret_ms, ret_ops, out);
}

int micro_timer_arm_cancel(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 100000 : 1000000;

	return timers((struct clock){ .armed = n, .operations = n }, opt, ret_ms, ret_ops, out);
}

int micro_timer_fire(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 100000 : 1000000;

	return timers((struct clock){ .armed = n, .operations = n, .fires = true }, opt, ret_ms, ret_ops, out);
}
