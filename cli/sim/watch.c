/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/watch.c - scenario "watch": actors monitor and link each other at random, take it back, and
 * end, by themselves, by a stop, or because another did; threads wait for ends.
 *
 * Each monitor that was accepted is answered once, with the reason that the actor gave. When all is at
 * rest, who was linked to an actor that failed has ended, too, or was told.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define NODES_MAX 300u
#define NODES 12u /* alive, about */
#define OPEN 16u
#define LINKS_MAX 2000u
#define NOBODY UINT32_MAX

enum { GO = 1 };

struct node {
	weft_ref ref;
	bool traps, ended;
	bool said;      /* it gave the reason itself */
	int reason;
	uint32_t exits; /* WEFT_KIND_EXIT seen */
};

static struct {
	weft_runtime *rt;
	struct node nodes[NODES_MAX];
	uint32_t count;
	struct link {
		uint32_t a, b;
		bool active;
	} links[LINKS_MAX];
	uint32_t link_count;
	uint64_t called, answered; /* monitors that answer to a function */
	bool at_rest;              /* what ends from here on is the halt's doing */
} seen;

struct state {
	uint32_t id;
	struct {
		uint32_t target; /* NOBODY: free */
		bool cancelled;
	} open[OPEN];
};

/* ---- what a node does ----------------------------------------------------------------- */

static uint32_t any_node(void)
{
	uint32_t back = (uint32_t)weft_sim_choose(seen.count < 2 * NODES ? seen.count : 2 * NODES);

	return seen.count - 1 - back;
}

static void link_any(weft_actor *self, struct state *st)
{
	uint32_t other = any_node();
	int r;

	if (seen.link_count == LINKS_MAX || other == st->id)
		return;
	r = weft_actor_link(self, seen.nodes[other].ref);
	sim_check(r == 0 || r == -ESRCH || r == -EALREADY || r == -ENOMEM, "%s", weft_errname(r));
	if (r == 0)
		seen.links[seen.link_count++] = (struct link){ st->id, other, true };
}

static void unlink_any(weft_actor *self, struct state *st)
{
	for (uint32_t i = 0; i < seen.link_count; i++) {
		struct link *l = &seen.links[i];
		int r;

		if (l->a != st->id || !l->active || weft_sim_choose(4))
			continue;
		r = weft_actor_unlink(self, seen.nodes[l->b].ref);
		sim_check(r == 0 || r == -ENOENT || r == -ENOMEM, "%s", weft_errname(r));
		/* both ways are undone; what was on the way may still come, so no more is known of this pair */
		for (uint32_t j = 0; j < seen.link_count && r != -ENOMEM; j++) {
			struct link *same = &seen.links[j];

			if ((same->a == l->a && same->b == l->b) || (same->a == l->b && same->b == l->a))
				same->active = false;
		}
		return;
	}
}

static void on_call(weft_msg *down, void *user)
{
	(void)user;
	sim_check(weft_msg_kind(down) == WEFT_KIND_DOWN, "kind %x", weft_msg_kind(down));
	seen.answered++;
	weft_msg_destroy(down);
}

static void monitor_any(weft_actor *self, struct state *st)
{
	uint32_t slot = (uint32_t)weft_sim_choose(OPEN), target = any_node();
	int r;

	if (weft_sim_choose(4) == 0) {
		r = weft_actor_monitor(seen.nodes[target].ref, weft_reply_to_call(on_call, NULL));
		seen.called += r == 0;
	} else if (st->open[slot].target == NOBODY) {
		st->open[slot].target = target;
		st->open[slot].cancelled = false;
		r = weft_actor_monitor(seen.nodes[target].ref, weft_reply_to_actor(weft_actor_ref(self), slot));
		if (r < 0)
			st->open[slot].target = NOBODY;
	} else {
		r = weft_actor_demonitor(seen.nodes[st->open[slot].target].ref,
		                         weft_reply_to_actor(weft_actor_ref(self), slot));
		st->open[slot].cancelled |= r == 0;
	}
	sim_check(r == 0 || r == -ESRCH || r == -ENOMEM, "%s", weft_errname(r));
}

static void on_down(struct state *st, weft_msg *msg)
{
	uint64_t slot = weft_msg_token(msg);
	int reason = weft_msg_status(msg);
	const struct node *n;

	sim_check(slot < OPEN && st->open[slot].target != NOBODY, "a DOWN for nothing, token %" PRIu64, slot);
	n = &seen.nodes[st->open[slot].target];
	if (reason == -ECANCELED)
		sim_check(st->open[slot].cancelled, "cancelled by nobody");
	else if (reason != -ESHUTDOWN)
		sim_check(!n->said || n->reason == reason, "it gave %d, and DOWN says %d", n->reason, reason);
	sim_check(reason == -ECANCELED || n->ended, "not ended");
	st->open[slot].target = NOBODY;
	weft_sim_note((uint64_t)(int64_t)reason);
}

static int end_somehow(weft_actor *self, struct node *n)
{
	static const int reasons[] = { 0, -EIO, -EPIPE };

	n->said = true;
	n->reason = reasons[weft_sim_choose(3)];
	if (n->reason < 0 && weft_sim_choose(2))
		return n->reason;
	weft_actor_exit(self, n->reason);
	return 0;
}

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct state *st = weft_actor_state(self);
	struct node *n = &seen.nodes[st->id];

	switch (weft_msg_kind(msg)) {
	case WEFT_KIND_DOWN:
		on_down(st, msg);
		return 0;
	case WEFT_KIND_EXIT:
		sim_check(n->traps, "it does not trap");
		n->exits++;
		return 0;
	case GO:
		break;
	default:
		return 0;
	}
	for (uint64_t i = weft_sim_choose(4); i; i--) {
		switch (weft_sim_choose(4)) {
		case 0:
			link_any(self, st);
			break;
		case 1:
			unlink_any(self, st);
			break;
		default:
			monitor_any(self, st);
		}
	}
	return weft_sim_choose(12) ? 0 : end_somehow(self, n);
}

static void on_end(weft_actor *self)
{
	struct state *st = weft_actor_state(self);
	struct node *n = &seen.nodes[st->id];

	sim_check(!n->ended, "ended twice");
	n->ended = true;
}

#define CLASS(label, how)                                                                                  \
	static const weft_actor_class label = { .size = sizeof(label),                                     \
		                                .name = #label,                                            \
		                                .behaviour = behaviour,                                    \
		                                .fini = on_end,                                            \
		                                .state_bytes = sizeof(struct state),                       \
		                                .flags = how }
CLASS(plain, 0);
CLASS(pinned, WEFT_ACTOR_PINNED);
CLASS(trapping, WEFT_ACTOR_TRAP_EXIT);

/* False: there are enough, or the runtime stops. */
static bool make_one(void)
{
	static const weft_actor_class *const classes[] = { &plain, &plain, &pinned, &trapping };
	const weft_actor_class *cls = classes[weft_sim_choose(4)];
	struct state st = { .id = seen.count };
	struct node *n = &seen.nodes[seen.count];
	int r;

	if (seen.count == NODES_MAX)
		return false;
	for (uint32_t i = 0; i < OPEN; i++)
		st.open[i].target = NOBODY;
	n->traps = cls == &trapping;
	r = weft_actor_spawn(seen.rt, cls, &st, &n->ref);
	sim_check(r == 0 || r == -ENOMEM || r == -ESHUTDOWN, "%s", weft_errname(r));
	seen.count += r == 0;
	return r != -ESHUTDOWN;
}

/* ---- threads ---------------------------------------------------------------------------- */

/* Stop an actor and wait until it has ended, also while the runtime stops. */
static void *stopper(void *user)
{
	weft_future *f;
	weft_msg *down;

	(void)user;
	sim_insist(weft_future_create(seen.rt, &f));
	while (sim_goes_on() && !seen.at_rest) {
		weft_ref ref = seen.nodes[any_node()].ref;
		int r = weft_actor_monitor(ref, weft_reply_to_future(f));

		sim_check(r == 0 || r == -ESRCH || r == -ENOMEM || r == -ESHUTDOWN, "%s", weft_errname(r));
		if (r == 0) {
			while (weft_actor_stop(ref) == -ENOMEM)
				;
			sim_check(weft_future_wait_until(f, &down, WEFT_FOREVER) == 0, "wait");
			sim_check(weft_msg_kind(down) == WEFT_KIND_DOWN, "kind %x", weft_msg_kind(down));
			sim_check(!weft_actor_is_alive(ref), "it lives");
			weft_msg_destroy(down);
		}
		weft_sim_sleep(weft_sim_choose(2 * SIM_MS));
	}
	weft_future_destroy(f);
	return NULL;
}

static void check_link(const struct link *l)
{
	const struct node *a = &seen.nodes[l->a], *b = &seen.nodes[l->b];
	bool a_failed = a->ended && a->said && a->reason, b_failed = b->ended && b->said && b->reason;

	if (!l->active)
		return;
	sim_check(!a_failed || b->ended || (b->traps && b->exits), "%u failed, and %u was not told", l->a, l->b);
	sim_check(!b_failed || a->ended || (a->traps && a->exits), "%u failed, and %u was not told", l->b, l->a);
}

/* Nothing moves any more: nobody sends, and what is queued is handled in this time. */
static void come_to_rest(void)
{
	weft_runtime_stats before = { .size = sizeof(before) }, after = before;

	do {
		weft_runtime_stats_read(seen.rt, &before);
		weft_sim_sleep(SIM_SECOND);
		weft_runtime_stats_read(seen.rt, &after);
	} while (after.activations != before.activations || after.msgs_sent != after.msgs_handled + after.msgs_dropped);
}

static void run(void)
{
	bool rests = weft_sim_choose(2);
	uint64_t thread;

	seen.rt = sim_runtime();
	while (seen.count < NODES)
		make_one();
	thread = sim_thread(stopper, NULL);
	while (sim_goes_on() && make_one()) {
		for (uint64_t n = weft_sim_choose(6); n; n--) {
			weft_msg *go = sim_msg(GO, 0);

			if (weft_send(seen.nodes[any_node()].ref, go) < 0)
				weft_msg_destroy(go);
		}
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	if (rests) {
		seen.at_rest = true;
		weft_sim_thread_join(thread);
		come_to_rest();
		for (uint32_t i = 0; i < seen.link_count; i++)
			check_link(&seen.links[i]);
	}
	weft_runtime_stop(seen.rt, sim_stop_ns());
	if (!rests) {
		seen.at_rest = true;
		weft_sim_thread_join(thread);
	}
	sim_runtime_end(seen.rt, WEFT_FOREVER);
	sim_check(seen.called == seen.answered, "%" PRIu64 " monitors, %" PRIu64 " answers", seen.called, seen.answered);
}

const struct sim_scenario sim_watch = {
	.name = "watch",
	.what = "monitors and links, and ends that spread",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
