/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/ring.c - scenario "ring": tokens go round a ring of actors. None is lost, none is
 * doubled, each ends after the hops it was given. A token is a request: who waits for it while all
 * else sleeps is stuck when a wake-up is lost.
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
		sim_check(weft_reply(msg, msg) == 0, "reply");
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

static void start_token(weft_ref at, weft_future *f)
{
	weft_msg *m = sim_msg(TOKEN, sizeof(uint64_t));
	uint64_t hops = 1 + weft_sim_choose(200);

	memcpy(weft_msg_data(m), &hops, sizeof(hops));
	seen.hops_wanted += hops;
	sim_check(weft_request(at, m, weft_reply_to_future(f)) == 0, "start");
}

/* Wait for a token, with patience or without. True: it came back. */
static bool wait_for(weft_future *f, bool patient)
{
	uint64_t deadline = patient ? WEFT_FOREVER : weft_now_ns() + weft_sim_choose(SIM_MS);
	weft_msg *m;
	int r = weft_future_wait_until(f, &m, deadline);

	sim_check(r == 0 || (r == -ETIMEDOUT && !patient), "%s", weft_errname(r));
	if (r < 0)
		return false;
	sim_check(weft_msg_kind(m) == TOKEN, "kind %u", weft_msg_kind(m));
	weft_msg_destroy(m);
	return true;
}

static void run(void)
{
	weft_runtime *rt = sim_runtime();
	uint32_t actors = 2 + (uint32_t)weft_sim_choose(ACTORS_MAX - 1), tokens = 1 + (uint32_t)weft_sim_choose(TOKENS_MAX);
	weft_future *under_way[TOKENS_MAX];
	bool is_under_way[TOKENS_MAX] = { false };
	uint64_t started = 0;
	weft_ref refs[ACTORS_MAX];

	for (uint32_t i = 0; i < actors; i++) {
		struct ring_state st = { .index = i };

		refs[i] = sim_spawn(rt, weft_sim_choose(4) ? &ring_class : &pinned_class, &st);
	}
	for (uint32_t i = 0; i < actors; i++)
		link_to(refs[i], refs[(i + 1) % actors]);
	for (uint32_t i = 0; i < tokens; i++) {
		sim_insist(weft_future_create(rt, &under_way[i]));
	}
	while (sim_goes_on()) {
		uint64_t i = weft_sim_choose(tokens);

		if (is_under_way[i]) {
			is_under_way[i] = !wait_for(under_way[i], weft_sim_choose(2));
		} else {
			start_token(refs[weft_sim_choose(actors)], under_way[i]);
			is_under_way[i] = true;
			started++;
		}
		if (weft_sim_choose(4) == 0)
			weft_sim_sleep(weft_sim_choose(3 * SIM_MS));
	}
	sim_check(sim_runtime_end(rt, WEFT_FOREVER), "drained");
	for (uint32_t i = 0; i < tokens; i++)
		weft_future_destroy(under_way[i]);
	sim_check(seen.ended == started, "%" PRIu64 " of %" PRIu64 " tokens", seen.ended, started);
	sim_check(seen.hops == seen.hops_wanted, "%" PRIu64 " of %" PRIu64 " hops", seen.hops, seen.hops_wanted);
}

const struct sim_scenario sim_ring = {
	.name = "ring",
	.what = "tokens round a ring of actors, some of them pinned",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
