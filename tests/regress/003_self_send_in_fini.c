/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a fini sends to its own actor while a stop ends all of them is dropped, and counted. It stayed in
 * the mailbox: neither handled nor dropped, and its memory was gone.
 * Method: every fini sends to itself; the stop has no time.
 * Found by: weft sim --scenario agents (an agent drops promises of its own in its fini).
 */
#include "tests/support/actors.h"

#define ACTORS 100u

static int gone;

static void on_gone(weft_msg *msg)
{
	(void)msg;
	__atomic_fetch_add(&gone, 1, __ATOMIC_RELAXED);
}

static void talks_to_itself(weft_actor *self)
{
	weft_msg *m = weft_msg_create(TEST_KEEP, 0);

	weft_msg_on_destroy(m, on_gone);
	cr_assert_eq(weft_send(weft_actor_ref(self), m), 0);
}

static const weft_actor_class talker = { .size = sizeof(talker),
	                                 .name = "talker",
	                                 .behaviour = test_echo_behaviour,
	                                 .fini = talks_to_itself };

Test(regress, self_send_in_fini)
{
	weft_runtime_stats s = { .size = sizeof(s) };
	weft_runtime *rt = test_runtime(2);

	for (uint32_t i = 0; i < ACTORS; i++)
		test_spawn(rt, &talker, NULL);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	weft_runtime_join(rt);
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	cr_assert_eq(s.msgs_sent, ACTORS);
	cr_assert_eq(s.msgs_dropped, ACTORS);
	cr_assert_eq(gone, ACTORS);
	weft_runtime_destroy(rt);
}
