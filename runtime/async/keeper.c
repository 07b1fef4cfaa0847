/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/keeper.c - an actor that cancels a group when its time is up. It ends when the group is over, by a promise that the
 * group holds: that needs no memory then.
 */
#include "runtime/async/group.h"

#include <errno.h>

enum { START = 1 };

struct keeper {
	struct weft_group *group; /* a reference */
	uint64_t due_ns;
};

static int keeper_behaviour(weft_actor *self, weft_msg *msg)
{
	struct keeper *k = weft_actor_state(self);
	int r;

	switch (weft_msg_kind(msg)) {
	case START:
		r = weft_timer_start_at(self, k->due_ns, 0, NULL);
		if (r < 0) /* better none of it than without an end */
			weft_group_cancel(k->group, r);
		return 0;
	case WEFT_KIND_TIMER:
		weft_group_cancel(k->group, -ETIMEDOUT);
		return 0;
	default:
		weft_actor_exit(self, 0);
		return 0;
	}
}

static void keeper_fini(weft_actor *self)
{
	weft__group_unref(((struct keeper *)weft_actor_state(self))->group);
}

static const weft_actor_class keeper_class = { .size = sizeof(keeper_class),
	                                       .name = "jobs' time",
	                                       .behaviour = keeper_behaviour,
	                                       .fini = keeper_fini,
	                                       .state_bytes = sizeof(struct keeper) };

int weft__keeper_make(struct weft_group *g, uint64_t timeout_ns)
{
	uint64_t now = weft_now_ns();
	struct keeper k = { .group = g, .due_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns };
	struct weft_msg *start = weft__msg_new(START, 0), *end = weft__msg_new(0, 0);
	weft_ref ref;
	int r = start && end ? weft_actor_spawn(g->rt, &keeper_class, &k, &ref) : -ENOMEM;

	if (r < 0) {
		weft_msg_destroy(start);
		weft_msg_destroy(end);
		return r;
	}
	weft__group_ref(g);
	weft__promise_again(end, weft_reply_to_actor(ref, 0));
	g->keeper = end;
	weft__promise_again(start, weft_reply_to_actor(ref, 0));
	weft_promise_finish(start, START, 0);
	return 0;
}
