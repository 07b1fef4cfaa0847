/* SPDX-License-Identifier: Apache-2.0 */
/* bench/actors/ring.c - a hundred actors in a ring, one message that goes round; an operation is a hop. */
#include <errno.h>
#include <string.h>

#include "bench/actors/actors.h"

#define NODES 100u

struct node {
	weft_ref next;
	uint64_t hops; /* of the first one: how many in all */
	struct actors_clock clock;
};

static int node_behaviour(weft_actor *self, weft_msg *msg)
{
	struct node *n = weft_actor_state(self);
	uint64_t left;

	switch (weft_msg_kind(msg)) {
	case ACTORS_RESULT: /* who comes next */
		memcpy(&n->next, weft_msg_data(msg), sizeof(n->next));
		return 0;
	case ACTORS_GO:
		actors_clock_start(&n->clock, self, msg);
		return actors_send(n->next, actors_msg(ACTORS_PLAY, &n->hops, sizeof(n->hops)));
	default:
		memcpy(&left, weft_msg_data(msg), sizeof(left));
		if (--left == 0)
			return actors_clock_stop(&n->clock);
		memcpy(weft_msg_data(msg), &left, sizeof(left));
		return weft_send(n->next, msg);
	}
}

static const weft_actor_class node_class = {
	.size = sizeof(node_class), .name = "node", .behaviour = node_behaviour, .state_bytes = sizeof(struct node)
};

int actors_ring(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct node n = { .hops = opt->quick ? 100000 : 10000000 };
	weft_runtime *rt = NULL;
	weft_ref first = { 0 };
	uint64_t ns = 0;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_actor_spawn(rt, &node_class, &n, &first);
	n.next = first;
	for (uint32_t i = 1; r == 0 && i < NODES; i++) {
		weft_ref ref;

		r = weft_actor_spawn(rt, &node_class, &n, &ref);
		n.next = ref;
	}
	if (r == 0)
		r = actors_send(first, actors_msg(ACTORS_RESULT, &n.next, sizeof(n.next)));
	/* the hops are a multiple of the nodes: the last one is taken by the first node */
	if (r == 0)
		r = actors_measure(rt, first, out, &ns);
	return actors_end(rt, r, ns, n.hops, ret_ms, ret_ops);
}
