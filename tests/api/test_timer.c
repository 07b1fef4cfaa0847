/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of actors: never early, cancel means no message, the end of an actor ends them. */
#include <sched.h>
#include <unistd.h>

#include "tests/support/actors.h"

enum { ARM = 10, ARM_AND_CANCEL, ARM_MANY };

struct clock {
	weft_msg *asked;
	uint64_t due_ns;
	uint32_t fired, wanted;
};

static _Atomic(uint32_t) early;
static _Atomic(uint32_t) wrong;

static void answer_when_done(struct clock *c)
{
	if (c->fired < c->wanted)
		return;
	cr_assert_eq(weft_reply(c->asked, c->asked), 0);
	c->asked = NULL;
}

static int clock_behaviour(weft_actor *self, weft_msg *msg)
{
	struct clock *c = weft_actor_state(self);
	weft_timer timer;

	switch (weft_msg_kind(msg)) {
	case WEFT_KIND_TIMER:
		early += weft_now_ns() < c->due_ns && weft_msg_token(msg) != 1;
		wrong += weft_msg_token(msg) == 99;
		c->fired++;
		answer_when_done(c);
		return 0;
	case ARM_AND_CANCEL:
		cr_assert_eq(weft_timer_start(self, TEST_SECOND / 200, 99, &timer), 0);
		cr_assert_eq(weft_timer_cancel(self, timer), 0);
		cr_assert_eq(weft_timer_cancel(self, timer), -ENOENT);
		__attribute__((fallthrough));
	case ARM:
		c->wanted = 1;
		c->due_ns = weft_now_ns() + TEST_SECOND / 100;
		cr_assert_eq(weft_timer_start(self, TEST_SECOND / 100, 2, NULL), 0);
		break;
	case ARM_MANY:
		c->wanted = 1000;
		for (uint32_t i = 0; i < 1000; i++)
			cr_assert_eq(weft_timer_start(self, i * 20000, 1, NULL), 0);
		break;
	default:
		return 0;
	}
	weft_msg_keep(self, msg);
	c->asked = msg;
	return 0;
}

static const weft_actor_class clock_class = { .size = sizeof(clock_class),
	                                      .name = "clock",
	                                      .behaviour = clock_behaviour,
	                                      .state_bytes = sizeof(struct clock) };

static void ask_clock(uint32_t kind, uint32_t workers)
{
	weft_runtime *rt = test_runtime(workers);

	early = wrong = 0;
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &clock_class, NULL), kind), kind);
	cr_assert_eq(early, 0);
	cr_assert_eq(wrong, 0, "a cancelled timer fired");
	test_runtime_end(rt);
}

Test(timer, start__fires_once_and_not_early)
{
	ask_clock(ARM, 1);
	ask_clock(ARM, 2);
}

Test(timer, cancel__keeps_the_message_from_coming)
{
	ask_clock(ARM_AND_CANCEL, 1);
	ask_clock(ARM_AND_CANCEL, 2);
}

Test(timer, start__a_thousand)
{
	ask_clock(ARM_MANY, 2);
}

static int careless_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == WEFT_KIND_TIMER)
		wrong++;
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(weft_timer_start(self, TEST_SECOND * (i + 1), 0, NULL), 0);
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class careless = { .size = sizeof(careless), .name = "careless", .behaviour = careless_behaviour };

Test(timer, end_of_the_actor__cancels_its_timers)
{
	weft_runtime *rt = test_runtime(2);

	wrong = 0;
	for (int i = 0; i < 100; i++)
		cr_assert_eq(weft_send(test_spawn(rt, &careless, NULL), weft_msg_create(1, 0)), 0);
	test_runtime_end(rt);
	cr_assert_eq(wrong, 0);
}

Test(timer, start__outside_an_actor_is_einval)
{
	weft_timer timer;

	cr_assert_eq(weft_timer_start(NULL, 1, 0, &timer), -EINVAL);
}
