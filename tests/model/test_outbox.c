/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A behaviour that sends on and on to one receiver, in every way. Goal: each message arrives once and in order, whoever
 * closes the outbox; no place is lost; a receiver that ends gets all its places back. Method: the real outbox.c, send.c
 * and actor.c; worker 0 runs the receiver, worker 1 sits in a behaviour, worker 2 finds it stuck.
 */
#include <criterion/criterion.h>

#include "tests/model/cell.h"

#include "runtime/actor/outbox.h"

static uint32_t in_order;
static uint32_t accepted;

static int takes_in_order(weft_actor *self, weft_msg *msg)
{
	in_order += msg->kind == handled + 1;
	return behave(self, msg);
}

static weft_actor_class ordered = {
	.size = sizeof(ordered), .name = "ordered", .behaviour = takes_in_order, .state_bytes = sizeof(struct state)
};

static void begin_ordered(uint32_t bound)
{
	struct state s = { .life = 1 };

	begin(bound);
	stand_ins_time(UINT64_C(1000000000)); /* everybody is stuck */
	in_order = accepted = exit_after = 0;
	lives = 1;
	resting.cls = &ordered;
	resting.rt = &rt;
	weft__self = &workers[0];
	explore_assert(weft_actor_spawn(&rt, &ordered, &s, &ref) == 0);
	weft__self = NULL;
	explore_name(&workers[1].outbox, sizeof(workers[1].outbox), "outbox");
}

/* What a behaviour does that sends n messages. */
static void send_in_a_row(uint32_t n)
{
	struct weft__worker *w = &workers[1];
	struct weft_msg handling;

	memset(&handling, 0, sizeof(handling));
	weft__self = w;
	w->actor = &resting;
	w->msg = &handling;
	for (uint32_t i = 0; i < n; i++) {
		struct weft_msg *msg = weft__msg_new(i + 1, 0);

		msg->token = 7;
		if (weft_send(ref, msg) == 0)
			accepted++;
		else
			explore_free(msg);
	}
	weft__outbox_close(w);
	w->msg = NULL;
	w->actor = NULL;
	weft__self = NULL;
}

static void sends_three(void)
{
	send_in_a_row(3);
}

static void sends_four(void)
{
	send_in_a_row(4);
}

static void rescues(void)
{
	weft__self = &workers[2];
	weft__outbox_rescue(&workers[2]);
	weft__self = NULL;
}

static void runs_three(void)
{
	weft__self = &workers[0];
	while (handled < 3)
		run_once();
	weft__self = NULL;
}

static void runs_four(void)
{
	weft__self = &workers[0];
	while (handled < 4)
		run_once();
	weft__self = NULL;
}

static void all_in_order(void)
{
	explore_assert(accepted == handled && in_order == handled);
	explore_assert(weft__load_relaxed(&cell->word) >> WEFT__LIFE_BITS == (weft__load_relaxed(&cell->taken) & WEFT__PLACES_MASK));
	explore_assert(!workers[1].outbox.first && !workers[1].outbox.places);
}

static void begin_roomy(void)
{
	begin_ordered(64);
}

Test(model_outbox, rescue__everything_arrives_once_and_in_order)
{
	static const struct explore_model m = {
		.name = "outbox, rescue", .init = begin_roomy, .thread = { runs_three, sends_three, rescues },
		.check = all_in_order
	};

	cr_assert(explore(&m));
}

Test(model_outbox, refill__everything_arrives_once_and_in_order)
{
	static const struct explore_model m = {
		.name = "outbox, refill", .init = begin_roomy, .thread = { runs_four, sends_four }, .check = all_in_order
	};

	cr_assert(explore(&m));
}

/* ---- the receiver ends -------------------------------------------------------------------------- */

static void begin_ending(void)
{
	begin_roomy();
	exit_after = 1;
}

static void runs_until_gone(void)
{
	weft__self = &workers[0];
	while (!gone.opened)
		run_once();
	weft__self = NULL;
}

static void all_gone(void)
{
	explore_assert(handled == 1);
	explore_assert(weft__load_relaxed(&cell->word) >> WEFT__LIFE_BITS == (weft__load_relaxed(&cell->taken) & WEFT__PLACES_MASK));
	explore_assert(!weft__load_relaxed(&cell->mailbox.head));
	explore_assert(!workers[1].outbox.first && !workers[1].outbox.places);
	explore_free(cell->state);
	explore_assert(explore_blocks() == 2); /* the cell and its segment: no message is left */
}

Test(model_outbox, end_of_the_receiver__gets_every_place_back)
{
	static const struct explore_model m = {
		.name = "outbox, end", .init = begin_ending, .thread = { runs_until_gone, sends_three }, .check = all_gone
	};

	cr_assert(explore(&m));
}
