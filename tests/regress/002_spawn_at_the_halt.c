/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whoever is made is ended. An actor made by another's fini while a stop ended all of them lived on, and
 * so did one whose spawn, on a foreign thread, lay between its look at the phase and its end just then.
 * Method: every fini makes another actor; the stop has no time. (The thread's window is a few
 * instructions: sim-seeds-interrupted.txt, churn.)
 * Found by: weft sim --scenario churn.
 */
#include "tests/support/actors.h"

#define ACTORS 1000u

static void makes_another(weft_actor *self);

static const weft_actor_class mother = { .size = sizeof(mother),
	                                 .name = "mother",
	                                 .behaviour = test_echo_behaviour,
	                                 .fini = makes_another };

static void makes_another(weft_actor *self)
{
	weft_ref ref;

	cr_assert_eq(weft_actor_spawn(weft_actor_runtime(self), &mother, NULL, &ref), -ESHUTDOWN);
}

Test(regress, spawn_at_the_halt)
{
	weft_runtime_stats s = { .size = sizeof(s) };
	weft_runtime *rt = test_runtime(2);

	for (uint32_t i = 0; i < ACTORS; i++)
		test_spawn(rt, &mother, NULL);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	weft_runtime_join(rt);
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	cr_assert_eq(s.actors_spawned, ACTORS);
	cr_assert_eq(s.actors_ended, ACTORS);
	weft_runtime_destroy(rt);
}
