/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what lives counts against actors_max, not what lies free in a worker's cache. A host was told -EAGAIN
 * for good after actors had been made and ended on a worker.
 * Method: an actor makes actors_max others and they end; then the host makes as many.
 * Found by: weft sim --scenario tree --seed 163, when it was new.
 */
#include "tests/support/actors.h"

#define ACTORS 256u

enum { SPAWN_ALL = 1 };

static int ends_at_once(weft_actor *self, weft_msg *msg)
{
	(void)msg;
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class short_lived = { .size = sizeof(short_lived), .name = "short", .behaviour = ends_at_once };

static int spawner_behaviour(weft_actor *self, weft_msg *msg)
{
	for (uint32_t i = 0; i < ACTORS - 1; i++) {
		weft_ref ref;

		if (weft_actor_spawn(weft_actor_runtime(self), &short_lived, NULL, &ref) == 0)
			weft_send(ref, weft_msg_create(TEST_EXIT, 0));
	}
	return weft_reply(msg, msg);
}

static const weft_actor_class spawner = { .size = sizeof(spawner), .name = "spawner", .behaviour = spawner_behaviour };

Test(regress, cells_in_caches)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime_stats s = { .size = sizeof(s) };
	weft_runtime *rt;
	weft_ref ref;

	opt.workers = 2;
	opt.actors_max = ACTORS;
	rt = test_runtime_with(&opt);
	ref = test_spawn(rt, &spawner, NULL);
	cr_assert_eq(test_ask_kind(rt, ref, SPAWN_ALL), SPAWN_ALL);
	cr_assert_eq(weft_actor_stop(ref), 0);
	do {
		cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	} while (s.actors_ended < ACTORS);
	for (uint32_t i = 0; i < ACTORS; i++)
		test_spawn(rt, &short_lived, NULL);
	test_runtime_end(rt);
}
