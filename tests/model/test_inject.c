/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The injection stack, in every way. Goal: each entry is taken once, by its worker or by a thief, with
 * what was written into it before; entries of one pusher come out in order. Method: pushers against two takers.
 */
#include <criterion/criterion.h>

#include "runtime/base/atomic.h"
#include "runtime/queue/inject.h"
#include "tests/model/explore.h"

#define PUSHERS 2u
#define EACH 2u

struct note {
	ck_stack_entry_t link; /* first */
	uint32_t pusher, number; /* plain */
	uint32_t takers;
};

static struct weft__inject in;
static struct note notes[PUSHERS][EACH];
static uint32_t each, pushers;

static void begin(void)
{
	static const char *const names[PUSHERS][EACH] = { { "a0", "a1" }, { "b0", "b1" } };

	weft__inject_init(&in);
	explore_name(&in, sizeof(in), "stack");
	for (uint32_t p = 0; p < PUSHERS; p++) {
		for (uint32_t i = 0; i < EACH; i++) {
			notes[p][i] = (struct note){ 0 };
			explore_name(&notes[p][i], sizeof(notes[p][i]), names[p][i]);
		}
	}
}

static void pusher(void)
{
	uint32_t self = explore_self() - 1;

	for (uint32_t i = 0; i < each; i++) {
		notes[self][i].pusher = self;
		notes[self][i].number = i;
		weft__inject_push(&in, &notes[self][i].link);
	}
}

static void take(void)
{
	int64_t last[PUSHERS] = { -1, -1 };

	for (ck_stack_entry_t *e = weft__inject_take_all(&in); e; e = e->next) {
		struct note *n = (struct note *)e;

		explore_assert((int64_t)n->number > last[n->pusher]);
		last[n->pusher] = n->number;
		n->takers++;
	}
}

static void take_twice(void)
{
	take();
	take();
}

static void each_once(void)
{
	take();
	for (uint32_t p = 0; p < pushers; p++) {
		for (uint32_t i = 0; i < each; i++)
			explore_assert(notes[p][i].takers == 1);
	}
}

Test(model_inject, two_pushers__two_takers)
{
	static const struct explore_model m = {
		.name = "inject, 2 pushers, 2 takers", .init = begin, .thread = { pusher, pusher, take, take },
		.check = each_once
	};

	each = 1;
	pushers = 2;
	cr_assert(explore(&m));
}

Test(model_inject, two_pushers__of_two_in_order)
{
	static const struct explore_model m = {
		.name = "inject, 2 pushers x 2, 1 taker", .init = begin, .thread = { pusher, pusher, take_twice },
		.check = each_once
	};

	each = 2;
	pushers = 2;
	cr_assert(explore(&m));
}
