/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of actors: never early, cancel means no message, the end of an actor ends them. */
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/actors.h"
#include "tests/support/sanitized.h"

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

/* ---- a million of one actor ----------------------------------------------------------------- */

#define CROWD (TEST_TSAN ? 50000u : 1000000u)

enum { CROWD_ARM = 20, CROWD_CANCEL };

static _Atomic(uint32_t) crowd_fired;

struct crowd {
	weft_timer *timers; /* the test's */
	uint64_t next;      /* which is cancelled next: all, in an order that jumps about */
};

/* A part at a time, so that others run in between. */
static int crowd_cancel(struct crowd *c, weft_actor *self, weft_msg *msg)
{
	for (uint32_t i = 0; i < 10000 && c->next < CROWD; i++, c->next++)
		cr_assert_eq(weft_timer_cancel(self, c->timers[c->next * 7919 % CROWD]), 0);
	return c->next < CROWD ? weft_send(weft_actor_ref(self), msg) : weft_reply(msg, msg);
}

static int crowd_behaviour(weft_actor *self, weft_msg *msg)
{
	struct crowd *c = weft_actor_state(self);
	uint64_t due_ns;

	switch (weft_msg_kind(msg)) {
	case CROWD_ARM:
		memcpy(&due_ns, weft_msg_data(msg), sizeof(due_ns));
		for (uint32_t i = 0; i < CROWD; i++)
			cr_assert_eq(weft_timer_start_at(self, due_ns, i, &c->timers[i]), 0);
		return weft_reply(msg, msg);
	case CROWD_CANCEL:
		return crowd_cancel(c, self, msg);
	case WEFT_KIND_TIMER:
		crowd_fired++;
		return 0;
	default:
		return 0;
	}
}

static const weft_actor_class crowd_class = {
	.size = sizeof(crowd_class), .name = "crowd", .behaviour = crowd_behaviour, .state_bytes = sizeof(struct crowd)
};

static void ask(weft_runtime *rt, weft_ref to, uint32_t kind, uint64_t value)
{
	weft_future *future;
	weft_msg *msg = weft_msg_create(kind, sizeof(value)), *answer = NULL;

	memcpy(weft_msg_data(msg), &value, sizeof(value));
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_request(to, msg, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + 3 * TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
}

static weft_timer *crowd_timers;

static weft_ref crowd_up(weft_runtime *rt)
{
	struct crowd c = { .timers = crowd_timers = calloc(CROWD, sizeof(weft_timer)) };

	cr_assert(c.timers);
	return test_spawn(rt, &crowd_class, &c);
}

static void crowd_end(weft_runtime *rt)
{
	test_runtime_end(rt);
	free(crowd_timers);
}

/* Each is found among all the others: a search through a million would not end. */
Test(timer, million__are_cancelled_one_by_one, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref crowd = crowd_up(rt);

	ask(rt, crowd, CROWD_ARM, weft_now_ns() + 1000 * TEST_SECOND);
	ask(rt, crowd, CROWD_CANCEL, 0);
	cr_expect_eq(crowd_fired, 0);
	crowd_end(rt);
}

static _Atomic(uint32_t) turns_between; /* of the bystander, after the first has fired and before the last has */

/* Sends to itself as long as there are timers. */
static int bystander_behaviour(weft_actor *self, weft_msg *msg)
{
	turns_between += crowd_fired > 0 && crowd_fired < CROWD;
	return crowd_fired < CROWD ? weft_send(weft_actor_ref(self), msg) : 0;
}

static const weft_actor_class bystander_class = { .size = sizeof(bystander_class),
	                                          .name = "bystander",
	                                          .behaviour = bystander_behaviour };

/* All due at once: every one fires, and somebody else has turns meanwhile. */
Test(timer, million__that_are_due_together_let_others_in, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_ref crowd = crowd_up(rt);
	uint64_t until = weft_now_ns() + 3 * TEST_LONG;

	cr_assert_eq(weft_send(test_spawn(rt, &bystander_class, NULL), weft_msg_create(TEST_KEEP, 0)), 0);
	ask(rt, crowd, CROWD_ARM, weft_now_ns() + TEST_SECOND / 10);
	while (crowd_fired < CROWD && weft_now_ns() < until)
		usleep(1000);
	cr_expect_eq(crowd_fired, CROWD);
	cr_expect_gt(turns_between, 10);
	crowd_end(rt);
}

/* Without drift: a hundred periods end a hundred periods after the first, however late each one was. */
enum { PERIODIC = 30 };

struct periodic {
	weft_msg *asked;
	uint64_t first_ns, due_ns;
	uint32_t left;
};

static int periodic_behaviour(weft_actor *self, weft_msg *msg)
{
	struct periodic *p = weft_actor_state(self);

	if (weft_msg_kind(msg) == PERIODIC) {
		weft_msg_keep(self, msg);
		p->asked = msg;
		p->first_ns = p->due_ns = weft_now_ns();
		p->left = 100;
	} else if (weft_msg_kind(msg) == WEFT_KIND_TIMER) {
		cr_assert_geq(weft_now_ns(), p->due_ns);
		if (--p->left == 0) {
			cr_assert_eq(p->due_ns, p->first_ns + 100 * 1000000u);
			return weft_reply(p->asked, p->asked);
		}
	} else {
		return 0;
	}
	p->due_ns += 1000000;
	return weft_timer_start_at(self, p->due_ns, 0, NULL);
}

static const weft_actor_class periodic_class = { .size = sizeof(periodic_class),
	                                         .name = "periodic",
	                                         .behaviour = periodic_behaviour,
	                                         .state_bytes = sizeof(struct periodic) };

Test(timer, start_at__does_not_drift)
{
	weft_runtime *rt = test_runtime(1);

	cr_expect_eq(test_ask_kind(rt, test_spawn(rt, &periodic_class, NULL), PERIODIC), PERIODIC);
	test_runtime_end(rt);
}
