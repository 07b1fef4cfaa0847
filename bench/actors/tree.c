/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/tree.c - trees of actors: each makes its children, adds up what they answer, tells its parent and ends.
 *
 * skynet: ten children each, a million leaves, the sum of their numbers. fibonacci: two children each
 * (Savina). An operation is the whole tree.
 */
#include <errno.h>
#include <string.h>

#include "bench/actors/actors.h"

#define WIDTH 10u

struct tree {
	weft_ref parent; /* {0}: the root */
	uint64_t number, size;
	uint64_t sum;
	uint32_t left; /* children that have not answered */
	struct actors_clock clock;
	uint64_t expected; /* of the root */
};

static int tell(struct tree *t, weft_actor *self, weft_msg *msg)
{
	weft_actor_exit(self, 0);
	if (t->parent.id) {
		memcpy(weft_msg_data(msg), &t->sum, sizeof(t->sum));
		return weft_send(t->parent, msg);
	}
	return t->sum == t->expected ? actors_clock_stop(&t->clock) : -EINVAL;
}

static int take_result(struct tree *t, weft_actor *self, weft_msg *msg)
{
	uint64_t v;

	memcpy(&v, weft_msg_data(msg), sizeof(v));
	t->sum += v;
	return --t->left == 0 ? tell(t, self, msg) : 0; /* the last answer goes on as this one's */
}

static int make_child(weft_actor *self, const weft_actor_class *cls, uint64_t number, uint64_t size)
{
	struct tree child = { .parent = weft_actor_ref(self), .number = number, .size = size };
	weft_ref ref;
	int r = weft_actor_spawn(weft_actor_runtime(self), cls, &child, &ref);

	return r < 0 ? r : actors_send(ref, actors_msg(ACTORS_PLAY, NULL, 0));
}

static int answer_leaf(struct tree *t, weft_actor *self, uint64_t value)
{
	weft_actor_exit(self, 0);
	return actors_send(t->parent, actors_msg(ACTORS_RESULT, &value, sizeof(value)));
}

/* ---- skynet ------------------------------------------------------------------------------- */

static const weft_actor_class sky_class;

static int sky_behaviour(weft_actor *self, weft_msg *msg)
{
	struct tree *t = weft_actor_state(self);
	int r = 0;

	if (weft_msg_kind(msg) == ACTORS_RESULT)
		return take_result(t, self, msg);
	if (weft_msg_kind(msg) == ACTORS_GO)
		actors_clock_start(&t->clock, self, msg);
	if (t->size == 1)
		return answer_leaf(t, self, t->number);
	t->left = WIDTH;
	for (uint64_t i = 0; r == 0 && i < WIDTH; i++)
		r = make_child(self, &sky_class, t->number + i * (t->size / WIDTH), t->size / WIDTH);
	return r;
}

static const weft_actor_class sky_class = {
	.size = sizeof(sky_class), .name = "sky", .behaviour = sky_behaviour, .state_bytes = sizeof(struct tree)
};

int actors_skynet(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t leaves = opt->quick ? 10000 : 1000000;
	struct tree root = { .size = leaves, .expected = leaves * (leaves - 1) / 2 };

	return actors_run_one(opt, &sky_class, &root, 1, ret_ms, ret_ops, out);
}

/* ---- fibonacci ------------------------------------------------------------------------------ */

static const weft_actor_class fib_class;

static int fib_behaviour(weft_actor *self, weft_msg *msg)
{
	struct tree *t = weft_actor_state(self);
	int r;

	if (weft_msg_kind(msg) == ACTORS_RESULT)
		return take_result(t, self, msg);
	if (weft_msg_kind(msg) == ACTORS_GO)
		actors_clock_start(&t->clock, self, msg);
	if (t->number <= 2)
		return answer_leaf(t, self, 1);
	t->left = 2;
	r = make_child(self, &fib_class, t->number - 1, 0);
	return r < 0 ? r : make_child(self, &fib_class, t->number - 2, 0);
}

static const weft_actor_class fib_class = {
	.size = sizeof(fib_class), .name = "fib", .behaviour = fib_behaviour, .state_bytes = sizeof(struct tree)
};

int actors_fibonacci(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct tree root = { .number = opt->quick ? 15 : 25, .expected = opt->quick ? 610 : 75025 };

	return actors_run_one(opt, &fib_class, &root, 1, ret_ms, ret_ops, out);
}
