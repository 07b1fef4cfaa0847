/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an actor that rests for a full mailbox when a stop ends all of them has handled its last message, once. The
 * message was dropped after that, too, and its memory given back twice.
 * Method: senders that are muted at once, a receiver that never gets to its messages, a stop without time.
 * Found by: weft sim --scenario flood --seed 716.
 */
#include <sched.h>

#include "tests/support/actors.h"

#define SENDERS 50u

static weft_ref receiver;
static int made, gone;
static bool halting;

static void on_gone(weft_msg *msg)
{
	(void)msg;
	__atomic_fetch_add(&gone, 1, __ATOMIC_RELAXED);
}

static weft_msg *letter(void)
{
	weft_msg *m = weft_msg_create(TEST_KEEP, 0);

	weft_msg_on_destroy(m, on_gone);
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	return m;
}

/* Stays with its first message until all is to end, so that the others rest. */
static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	while (!__atomic_load_n(&halting, __ATOMIC_ACQUIRE))
		sched_yield();
	return 0;
}

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	for (int i = 0; i < 4; i++)
		cr_assert_eq(weft_send(receiver, letter()), 0);
	return 0;
}

static const weft_actor_class slow = { .size = sizeof(slow),
	                               .name = "slow",
	                               .behaviour = receiver_behaviour,
	                               .mailbox_msgs = 2 };
static const weft_actor_class muted = { .size = sizeof(muted),
	                                .name = "muted",
	                                .behaviour = sender_behaviour,
	                                .flags = WEFT_ACTOR_MUTE };

Test(regress, rest_at_the_halt)
{
	weft_runtime_stats s = { .size = sizeof(s) };
	weft_runtime *rt = test_runtime(2);

	receiver = test_spawn(rt, &slow, NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		cr_assert_eq(weft_send(test_spawn(rt, &muted, NULL), letter()), 0);
	do {
		cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	} while (s.msgs_handled < SENDERS);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	__atomic_store_n(&halting, true, __ATOMIC_RELEASE);
	weft_runtime_join(rt);
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	cr_assert_eq(s.msgs_sent, s.msgs_handled + s.msgs_dropped);
	cr_assert_eq(gone, made);
	weft_runtime_destroy(rt);
}
