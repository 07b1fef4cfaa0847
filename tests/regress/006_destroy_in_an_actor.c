/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an actor may make and destroy another runtime, started or not. Destroying one that was never started left the
 * actor's thread without its worker: its message was released twice, once by whom it was sent to.
 * Method: an actor does so and then sends its own message on; the other's actors are ended on the way.
 * Found by: review.
 */
#include "tests/support/actors.h"

static weft_ref echo;
static int finis;

static void count_fini(weft_actor *self)
{
	(void)self;
	finis++;
}

static const weft_actor_class counted = { .size = sizeof(counted),
	                                  .name = "counted",
	                                  .behaviour = test_echo_behaviour,
	                                  .fini = count_fini };

static int destroyer_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_runtime *other = NULL;
	weft_ref ref;

	cr_assert_eq(weft_runtime_create(NULL, &other), 0);
	cr_assert_eq(weft_actor_spawn(other, &counted, NULL, &ref), 0);
	weft_runtime_destroy(other);
	cr_assert_eq(weft_actor_self(), self, "the actor lost its worker");
	return weft_send(echo, msg);
}

static const weft_actor_class destroyer = { .size = sizeof(destroyer),
	                                    .name = "destroyer",
	                                    .behaviour = destroyer_behaviour };

Test(regress, destroy_in_an_actor)
{
	weft_runtime *rt = test_runtime(1);

	echo = test_spawn(rt, &test_echo, NULL);
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &destroyer, NULL), TEST_ECHO), TEST_ECHO);
	cr_assert_eq(finis, 1);
	test_runtime_end(rt);
}
