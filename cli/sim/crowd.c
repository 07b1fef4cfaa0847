/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/crowd.c - scenario "crowd": one actor wakes hundreds in one activation, round after round, and
 * hears from each: more runnable at once than a run queue holds, all of it to be shared.
 *
 * Each round ends, with one answer from each.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define CROWD_MAX 700u

enum { CALL = 1, HERE };

static struct {
	weft_ref crowd[CROWD_MAX];
	uint32_t count;
} seen;

static int one_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_sim_choose(16) == 0)
		weft_actor_yield(self);
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
}

static const weft_actor_class one_class = { .size = sizeof(one_class), .name = "one", .behaviour = one_behaviour };
static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "pinned",
	                                       .behaviour = one_behaviour,
	                                       .flags = WEFT_ACTOR_PINNED };

struct caller {
	weft_msg *asked;
	uint32_t open;
	uint8_t heard[CROWD_MAX];
};

static void call_all(weft_actor *self, struct caller *c, weft_msg *msg)
{
	weft_msg_keep(self, msg);
	c->asked = msg;
	memset(c->heard, 0, sizeof(c->heard));
	for (uint32_t i = 0; i < seen.count; i++) {
		weft_msg *m = weft_msg_create(HERE, 0);
		int r = m ? weft_request(seen.crowd[i], m, weft_reply_to_actor(weft_actor_ref(self), i)) : -ENOMEM;

		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
		c->heard[i] = r < 0;
		c->open += r == 0;
	}
}

static int caller_behaviour(weft_actor *self, weft_msg *msg)
{
	struct caller *c = weft_actor_state(self);

	if (weft_msg_kind(msg) == CALL) {
		call_all(self, c, msg);
	} else if (weft_msg_kind(msg) == HERE) {
		uint64_t token = weft_msg_token(msg);

		sim_check(token < seen.count && !c->heard[token], "%" PRIu64 " twice", token);
		c->heard[token] = 1;
		c->open--;
		weft_sim_note(token);
	}
	if (c->asked && !c->open) {
		sim_check(weft_reply(c->asked, c->asked) == 0, "reply");
		c->asked = NULL;
	}
	return 0;
}

static const weft_actor_class caller_class = { .size = sizeof(caller_class),
	                                       .name = "caller",
	                                       .behaviour = caller_behaviour,
	                                       .state_bytes = sizeof(struct caller) };

static void run(void)
{
	weft_runtime *rt = sim_runtime();
	weft_ref caller = sim_spawn(rt, &caller_class, NULL);
	weft_future *f;
	weft_msg *m;

	seen.count = weft_sim_choose(3) ? CROWD_MAX : 1 + (uint32_t)weft_sim_choose(CROWD_MAX);
	for (uint32_t i = 0; i < seen.count; i++)
		seen.crowd[i] = sim_spawn(rt, weft_sim_choose(8) ? &one_class : &pinned_class, NULL);
	sim_insist(weft_future_create(rt, &f));
	while (sim_goes_on()) {
		bool guest = weft_sim_choose(3) == 0 && weft_guest_enter(rt) == 0;

		sim_check(weft_request(caller, sim_msg(CALL, 0), weft_reply_to_future(f)) == 0, "call");
		sim_check(weft_future_wait_until(f, &m, WEFT_FOREVER) == 0, "wait");
		sim_check(weft_msg_kind(m) == CALL, "kind %u", weft_msg_kind(m));
		weft_msg_destroy(m);
		if (guest)
			sim_check(weft_guest_leave(rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	sim_check(sim_runtime_end(rt, WEFT_FOREVER), "drained");
}

const struct sim_scenario sim_crowd = {
	.name = "crowd",
	.what = "hundreds of actors woken at once, round after round",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
