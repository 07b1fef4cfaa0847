/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of supervisors whose leaves are killed, stopped and made to fail by threads, at random. Goal: when it is quiet, what
 * has to run runs, under its name; when the root is stopped, nothing of its tree is left, and no name. Law: as many actors
 * ended as were made (test_runtime_end). The seed chooses strategies, kinds of restart, intensities and every blow.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define BRANCHES 3u
#define LEAVES 4u
#define THREADS 2u
#define BLOWS 400u

enum { DIE = 50 };

static weft_runtime *rt;
static uint64_t random_state;
static struct {
	weft_supervisor_options opt;
	uint32_t restart[LEAVES];
} branches[BRANCHES];

/* ---- the tree ------------------------------------------------------------------------------ */

static int leaf_behaviour(weft_actor *self, weft_msg *msg)
{
	int reason;

	if (weft_msg_kind(msg) == DIE) {
		memcpy(&reason, weft_msg_data(msg), sizeof(reason));
		weft_actor_exit(self, reason);
	}
	return 0;
}

static const weft_actor_class leaf_class = { .size = sizeof(leaf_class), .name = "leaf", .behaviour = leaf_behaviour };

static void leaf_name(char *name, size_t size, uint32_t branch, uint32_t leaf)
{
	snprintf(name, size, "leaf-%u-%u", branch, leaf);
}

static int branch_start(weft_actor *supervisor, void *user, weft_ref *ret_child)
{
	uint32_t b = (uint32_t)(uintptr_t)user;
	weft_child_spec specs[LEAVES];
	char names[LEAVES][32];

	for (uint32_t i = 0; i < LEAVES; i++) {
		leaf_name(names[i], sizeof(names[i]), b, i);
		specs[i] = (weft_child_spec){ .size = sizeof(specs[i]), .restart = branches[b].restart[i], .id = names[i],
			                      .cls = &leaf_class, .name = names[i] };
	}
	return weft_supervisor_spawn(weft_actor_runtime(supervisor), &branches[b].opt, specs, LEAVES, ret_child);
}

static weft_ref plant(void)
{
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_child_spec specs[BRANCHES];
	char ids[BRANCHES][16];
	weft_ref root;

	opt.restarts_max = 10000;
	opt.strategy = test_below(&random_state, 3);
	for (uint32_t b = 0; b < BRANCHES; b++) {
		branches[b].opt = (weft_supervisor_options)WEFT_SUPERVISOR_OPTIONS_INIT;
		branches[b].opt.strategy = test_below(&random_state, 3);
		branches[b].opt.restarts_max = test_below(&random_state, 2) ? 10000 : 5; /* these give up now and then */
		branches[b].opt.period_ns = TEST_SECOND / 100;
		for (uint32_t i = 0; i < LEAVES; i++)
			branches[b].restart[i] = test_below(&random_state, 2);
		snprintf(ids[b], sizeof(ids[b]), "branch-%u", b);
		specs[b] = (weft_child_spec){ .size = sizeof(specs[b]), .id = ids[b], .start = branch_start,
			                      .user = (void *)(uintptr_t)b, .shutdown_ns = WEFT_SHUTDOWN_WAIT };
	}
	cr_assert_eq(weft_supervisor_spawn(rt, &opt, specs, BRANCHES, &root), 0);
	return root;
}

/* ---- the blows ------------------------------------------------------------------------------- */

static void die(weft_ref leaf, int reason)
{
	weft_msg *m = weft_msg_create(DIE, sizeof(reason));

	memcpy(weft_msg_data(m), &reason, sizeof(reason));
	if (weft_send(leaf, m) < 0)
		weft_msg_destroy(m); /* it is gone already */
}

static void *strike(void *user)
{
	uint64_t state = (uint64_t)(uintptr_t)user;

	for (uint32_t i = 0; i < BLOWS; i++) {
		char name[32];
		weft_ref leaf;

		leaf_name(name, sizeof(name), test_below(&state, BRANCHES), test_below(&state, LEAVES));
		if (weft_name_find(rt, name, &leaf) == 0) {
			switch (test_below(&state, 4)) {
			case 0:
				weft_actor_kill(leaf);
				break;
			case 1:
				weft_actor_stop(leaf);
				break;
			default:
				die(leaf, test_below(&state, 2) ? -EIO : 0);
			}
		}
		if (test_below(&state, 4) == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	}
	return NULL;
}

/* ---- what has to hold --------------------------------------------------------------------------- */

static bool runs(uint32_t branch, uint32_t leaf)
{
	char name[32];
	weft_ref ref;

	leaf_name(name, sizeof(name), branch, leaf);
	return weft_name_find(rt, name, &ref) == 0 && weft_actor_is_alive(ref);
}

static bool all_permanent_ones_run(void)
{
	for (uint32_t b = 0; b < BRANCHES; b++) {
		for (uint32_t i = 0; i < LEAVES; i++) {
			if (branches[b].restart[i] == WEFT_RESTART_PERMANENT && !runs(b, i))
				return false;
		}
	}
	return true;
}

static bool nothing_runs(void)
{
	weft_runtime_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	return s.actors_spawned == s.actors_ended;
}

/* Holds, and goes on to: the last blows may still be on their way. */
static void wait_until(bool (*holds)(void), const char *what)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	uint32_t in_a_row = 0;

	while (in_a_row < 20 && weft_now_ns() < until) {
		in_a_row = holds() ? in_a_row + 1 : 0;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	cr_assert_eq(in_a_row, 20, "%s", what);
}

Test(supervisor_stress, trees__grow_back_and_go_as_a_whole, .timeout = 180)
{
	uint64_t seed = test_seed("supervisor");

	random_state = seed;
	for (uint32_t round = 0; round < 4; round++) {
		pthread_t threads[THREADS];
		weft_ref root, none;
		char name[32];

		rt = test_runtime(1 + test_below(&random_state, 3));
		root = plant();
		wait_until(all_permanent_ones_run, "the tree does not come up");
		for (uint32_t i = 0; i < THREADS; i++)
			cr_assert_eq(pthread_create(&threads[i], NULL, strike, (void *)(uintptr_t)(test_random(&random_state) | 1)), 0);
		for (uint32_t i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		cr_assert(weft_actor_is_alive(root), "the root may restart more often than that");
		wait_until(all_permanent_ones_run, "a permanent child is missing");
		cr_assert_eq(weft_actor_stop(root), 0);
		wait_until(nothing_runs, "something outlives its supervisor");
		for (uint32_t b = 0; b < BRANCHES; b++) {
			for (uint32_t i = 0; i < LEAVES; i++) {
				leaf_name(name, sizeof(name), b, i);
				cr_assert_eq(weft_name_find(rt, name, &none), -ENOENT, "%s", name);
			}
		}
		test_runtime_end(rt);
	}
}
