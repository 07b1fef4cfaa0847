/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/tree.c - scenario "tree": an actor makes ten and asks them, each of them makes ten more,
 * down to a thousand leaves; numbers come back and are added up. More tasks than a run queue
 * holds, taken by thieves in the middle, in bursts from nothing to a thousand and back.
 *
 * The sum is right, or the root says how many could not be made, or the runtime was stopped in the middle:
 * then the root's request comes back unanswered.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define FAN 10u
#define ROUNDS_MAX 3u

enum { NODE = 1 };

struct node_msg { /* asked with size set, answered with sum */
	uint32_t size, missing;
	uint64_t first, sum;
};

struct node {
	weft_msg *parent;
	uint32_t open;
	struct node_msg total;
};

static int behaviour(weft_actor *self, weft_msg *msg);

static void on_end(weft_actor *self)
{
	struct node *n = weft_actor_state(self);

	weft_msg_destroy(n->parent); /* ended in the middle: unanswered */
}

static const weft_actor_class node_class = { .size = sizeof(node_class),
	                                     .name = "node",
	                                     .behaviour = behaviour,
	                                     .fini = on_end,
	                                     .state_bytes = sizeof(struct node) };
static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "pinned",
	                                       .behaviour = behaviour,
	                                       .fini = on_end,
	                                       .state_bytes = sizeof(struct node),
	                                       .flags = WEFT_ACTOR_PINNED };

/* Make a node for size leaves from first on and ask it. 0 or -Exxx and nothing was made. */
static int ask_node(weft_runtime *rt, uint32_t size, uint64_t first, weft_reply_to to)
{
	struct node_msg ask = { .size = size, .first = first };
	weft_msg *m = weft_msg_create(NODE, sizeof(ask));
	weft_ref ref;
	int r;

	if (!m)
		return -ENOMEM;
	memcpy(weft_msg_data(m), &ask, sizeof(ask));
	r = weft_actor_spawn(rt, weft_sim_choose(10) ? &node_class : &pinned_class, NULL, &ref);
	if (r == 0) {
		r = weft_request(ref, m, to);
		sim_check(r == 0 || r == -ESHUTDOWN || r == -ESRCH, "%s", weft_errname(r));
		if (r < 0)
			weft_msg_destroy(m);
		return r;
	}
	sim_check(r == -ENOMEM || r == -EAGAIN || r == -ESHUTDOWN, "%s", weft_errname(r));
	weft_msg_destroy(m);
	return r;
}

static void finish(weft_actor *self, struct node *n)
{
	memcpy(weft_msg_data(n->parent), &n->total, sizeof(n->total));
	sim_check(weft_reply(n->parent, n->parent) == 0, "reply");
	n->parent = NULL;
	weft_actor_exit(self, 0);
}

static void on_ask(weft_actor *self, struct node *n, weft_msg *msg)
{
	struct node_msg ask;

	memcpy(&ask, weft_msg_data(msg), sizeof(ask));
	weft_sim_note(ask.first);
	weft_msg_keep(self, msg);
	n->parent = msg;
	if (ask.size == 1)
		n->total.sum = ask.first;
	for (uint32_t i = 0; i < FAN && ask.size > 1; i++) {
		uint32_t size = ask.size / FAN;
		weft_reply_to me = weft_reply_to_actor(weft_actor_ref(self), 0);

		if (ask_node(weft_actor_runtime(self), size, ask.first + i * size, me) == 0)
			n->open++;
		else
			n->total.missing++;
	}
	if (!n->open)
		finish(self, n);
}

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct node *n = weft_actor_state(self);
	struct node_msg answer;

	if (!n->parent) {
		on_ask(self, n, msg);
		return 0;
	}
	sim_check(weft_msg_kind(msg) == NODE && n->open, "kind %u", weft_msg_kind(msg));
	memcpy(&answer, weft_msg_data(msg), sizeof(answer));
	n->total.sum += answer.sum;
	n->total.missing += answer.missing;
	if (--n->open == 0)
		finish(self, n);
	return 0;
}

/* False: the runtime stops. */
static bool grow(weft_runtime *rt, weft_future *f, uint32_t size)
{
	struct node_msg total;
	weft_msg *m;
	int r;

	while ((r = ask_node(rt, size, 1000, weft_reply_to_future(f))) < 0) {
		if (r == -ESHUTDOWN || r == -ESRCH)
			return false;
		weft_sim_sleep(SIM_MS);
	}
	sim_check(weft_future_wait_until(f, &m, WEFT_FOREVER) == 0, "wait");
	if (weft_msg_kind(m) == WEFT_KIND_NOREPLY) {
		weft_msg_destroy(m);
		return false;
	}
	memcpy(&total, weft_msg_data(m), sizeof(total));
	weft_msg_destroy(m);
	sim_check(total.missing || total.sum == (uint64_t)size * 1000 + (uint64_t)size * (size - 1) / 2, "sum %" PRIu64,
	          total.sum);
	return true;
}

static void *stop_in_the_middle(void *user)
{
	weft_sim_sleep(weft_sim_choose(2 * SIM_MS));
	weft_runtime_stop(user, weft_sim_choose(2) ? 0 : weft_sim_choose(SIM_MS));
	return NULL;
}

static void run(void)
{
	weft_runtime *rt = sim_runtime();
	bool is_stopped = weft_sim_choose(3) == 0, goes_on = true;
	uint64_t stopper = is_stopped ? sim_thread(stop_in_the_middle, rt) : 0;
	weft_future *f;

	sim_insist(weft_future_create(rt, &f));
	for (uint32_t i = 0; i < ROUNDS_MAX && goes_on && sim_goes_on(); i++) {
		bool guest = weft_sim_choose(3) == 0 && weft_guest_enter(rt) == 0;

		goes_on = grow(rt, f, weft_sim_choose(3) ? 1000 : 100);
		if (guest)
			sim_check(weft_guest_leave(rt) == 0, "leave");
	}
	weft_future_destroy(f);
	weft_sim_thread_join(stopper);
	sim_check(goes_on || is_stopped, "not answered");
	sim_check(sim_runtime_end(rt, WEFT_FOREVER) || is_stopped, "drained");
}

const struct sim_scenario sim_tree = {
	.name = "tree",
	.what = "a thousand actors made by each other, their answers added up",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
