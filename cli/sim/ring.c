/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/ring.c - scenario "ring": tokens go round a ring of actors. None is lost, none is
 * doubled, and when nobody starts new ones each ends after the hops it was given.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define ACTORS_MAX 12u
#define TOKENS_MAX 8u

enum { TOKEN = 1, NEXT };

struct ring_state {
	weft_ref next;
	uint32_t index;
};

static struct {
	uint64_t ended, hops;
	uint64_t hops_wanted;
} seen;

static int pass_on(struct ring_state *st, weft_msg *msg)
{
	uint64_t *left = weft_msg_data(msg);
	int r;

	weft_sim_note((uint64_t)st->index << 32 | *left);
	seen.hops++;
	if (--*left == 0) {
		seen.ended++;
		return 0;
	}
	/* as many places as tokens: never full */
	r = weft_send(st->next, msg);
	sim_check(r == 0, "%s", weft_errname(r));
	return 0;
}

static int ring_behaviour(weft_actor *self, weft_msg *msg)
{
	struct ring_state *st = weft_actor_state(self);

	if (weft_msg_kind(msg) == NEXT)
		memcpy(&st->next, weft_msg_data(msg), sizeof(st->next));
	else if (weft_msg_kind(msg) == TOKEN)
		return pass_on(st, msg);
	return 0;
}

static const weft_actor_class ring_class = { .size = sizeof(ring_class),
	                                     .name = "ring",
	                                     .behaviour = ring_behaviour,
	                                     .state_bytes = sizeof(struct ring_state),
	                                     .mailbox_msgs = TOKENS_MAX + 1 };
static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "pinned",
	                                       .behaviour = ring_behaviour,
	                                       .state_bytes = sizeof(struct ring_state),
	                                       .mailbox_msgs = TOKENS_MAX + 1,
	                                       .flags = WEFT_ACTOR_PINNED };

static void link_to(weft_ref from, weft_ref to)
{
	weft_msg *m = sim_msg(NEXT, sizeof(to));

	memcpy(weft_msg_data(m), &to, sizeof(to));
	sim_check(weft_send(from, m) == 0, "link");
}

static void start_token(weft_ref at)
{
	weft_msg *m = sim_msg(TOKEN, sizeof(uint64_t));
	uint64_t hops = 1 + weft_sim_choose(200);

	memcpy(weft_msg_data(m), &hops, sizeof(hops));
	seen.hops_wanted += hops;
	sim_check(weft_send(at, m) == 0, "start");
}

static void run(void)
{
	weft_runtime *rt = sim_runtime();
	uint32_t actors = 2 + (uint32_t)weft_sim_choose(ACTORS_MAX - 1), tokens = 1 + (uint32_t)weft_sim_choose(TOKENS_MAX);
	uint64_t started = 0;
	weft_ref refs[ACTORS_MAX];

	for (uint32_t i = 0; i < actors; i++) {
		struct ring_state st = { .index = i };

		refs[i] = sim_spawn(rt, weft_sim_choose(4) ? &ring_class : &pinned_class, &st);
	}
	for (uint32_t i = 0; i < actors; i++)
		link_to(refs[i], refs[(i + 1) % actors]);
	while (sim_goes_on()) {
		while (started - seen.ended < tokens) {
			start_token(refs[weft_sim_choose(actors)]);
			started++;
		}
		weft_sim_sleep(weft_sim_choose(3 * SIM_MS));
	}
	sim_check(sim_runtime_end(rt, WEFT_FOREVER), "drained");
	sim_check(seen.ended == started, "%" PRIu64 " of %" PRIu64 " tokens", seen.ended, started);
	sim_check(seen.hops == seen.hops_wanted, "%" PRIu64 " of %" PRIu64 " hops", seen.hops, seen.hops_wanted);
}

const struct sim_scenario sim_ring = {
	.name = "ring",
	.what = "tokens round a ring of actors, some of them pinned",
	.faults = WEFT_SIM_ALL & ~(WEFT_SIM_CLOCK),
	.run = run,
};
