/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender that rests for an overloaded receiver, in every way. Goal: who was muted is scheduled again, once, whether
 * the receiver drains, gets more, or ends meanwhile; who was not is left alone. Method: the real mute.c, actor.c
 * and send.c; a receiver with two messages and a bound of one, an actor about to rest for it, a third who sends.
 */
#include <criterion/criterion.h>

#include "tests/model/cell.h"

static bool muted; /* of the worker whose actor rests */
static weft_ref sent_to; /* by that */

static void overload(void)
{
	for (int i = 0; i < 2; i++) {
		struct weft_msg *msg = weft__msg_new(1, 0);

		msg->token = 7;
		explore_assert(weft__deliver_anywhere(ref, msg) == 0);
	}
}

static void begin_overloaded(void)
{
	begin(1);
	exit_after = 0;
	muted = false;
	ref = spawn();
	resting.cls = &class;
	resting.rt = &rt;
	sent_to = ref;
	weft__self = &workers[1];
	overload();
	weft__self = NULL;
	explore_name(&resting, sizeof(resting), "resting");
	explore_name(&cell->bound_msgs, sizeof(cell->bound_msgs), "bound");
}

static void begin_ending(void)
{
	begin_overloaded();
	exit_after = 1;
}

static void rests(void)
{
	weft__self = &workers[1];
	muted = weft__mute(&workers[1], &resting, sent_to);
	weft__self = NULL;
}

static void runs_what_is_there(void)
{
	weft__self = &workers[0];
	while (gate_is_open(&scheduled, "is there anything to run?"))
		run_once();
	weft__self = NULL;
}

/* The receiver's cell has another life, which is overloaded, too, and of which nobody said that somebody waits for it. */
static void is_born_again(void)
{
	runs_what_is_there();
	explore_assert(gone.opened);
	ref = spawn();
	weft__self = &workers[0];
	overload();
	weft__self = NULL;
}

/* What was sent last may have found nobody running the receiver any more. */
static void unmuted_once(void)
{
	runs_what_is_there();
	explore_assert(unmuted == muted);
	explore_assert(!rt.mute.lists[0]);
}

#define MODEL(about, first, ...)                                                                             \
	static const struct explore_model m = {                                                              \
		.name = "mute, " about, .init = first, .thread = { __VA_ARGS__ }, .check = unmuted_once      \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_mute, drained__schedules_who_rests)
{
	MODEL("drained", begin_overloaded, runs_what_is_there, rests);
}

Test(model_mute, refilled__schedules_who_rests)
{
	MODEL("refilled", begin_overloaded, runs_what_is_there, rests, sends_one);
}

Test(model_mute, ended__schedules_who_rests)
{
	MODEL("ended", begin_ending, runs_what_is_there, rests);
}

Test(model_mute, born_again__does_not_keep_who_rested_for_the_one_before)
{
	MODEL("born again", begin_ending, is_born_again, rests);
}
