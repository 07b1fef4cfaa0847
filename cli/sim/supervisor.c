/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/supervisor.c - scenario "supervisor": a supervisor of supervisors, whose leaves are killed, stopped and made to
 * fail by threads, while memory comes and goes.
 *
 * When the root has ended, by order or because it gave up, nothing of its tree is left: no leaf has its name any more, and
 * those that were seen are not alive. As many actors ended as were made.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/sim/sim.h"

#define BRANCHES 2u
#define LEAVES 3u
#define THREADS 2u

enum { DIE = 1 };

static struct {
	weft_runtime *rt;
	weft_supervisor_options branch[BRANCHES];
	uint32_t restart[BRANCHES][LEAVES];
	weft_ref met[BRANCHES][LEAVES]; /* the last one that had the name */
} world;

static int leaf_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == DIE)
		weft_actor_exit(self, weft_sim_choose(2) ? -EIO : 0);
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
	char names[LEAVES][24];

	for (uint32_t i = 0; i < LEAVES; i++) {
		leaf_name(names[i], sizeof(names[i]), b, i);
		specs[i] = (weft_child_spec){ .size = sizeof(specs[i]), .restart = world.restart[b][i], .id = names[i],
			                      .cls = &leaf_class, .name = names[i] };
	}
	return weft_supervisor_spawn(weft_actor_runtime(supervisor), &world.branch[b], specs, LEAVES, ret_child);
}

static weft_supervisor_options some_options(void)
{
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;

	opt.strategy = (uint32_t)weft_sim_choose(3);
	opt.restarts_max = weft_sim_choose(2) ? 1000 : 2 + (uint32_t)weft_sim_choose(5);
	opt.period_ns = SIM_MS * (1 + weft_sim_choose(50));
	return opt;
}

static weft_ref plant(void)
{
	weft_supervisor_options opt = some_options();
	weft_child_spec specs[BRANCHES];
	char ids[BRANCHES][16];
	weft_ref root = { 0 };

	for (uint32_t b = 0; b < BRANCHES; b++) {
		world.branch[b] = some_options();
		for (uint32_t i = 0; i < LEAVES; i++)
			world.restart[b][i] = (uint32_t)weft_sim_choose(3);
		snprintf(ids[b], sizeof(ids[b]), "branch-%u", b);
		specs[b] = (weft_child_spec){ .size = sizeof(specs[b]), .id = ids[b], .start = branch_start,
			                      .user = (void *)(uintptr_t)b, .shutdown_ns = WEFT_SHUTDOWN_WAIT };
	}
	sim_insist(weft_supervisor_spawn(world.rt, &opt, specs, BRANCHES, &root));
	return root;
}

static void strike(weft_ref leaf)
{
	switch (weft_sim_choose(4)) {
	case 0:
		weft_actor_kill(leaf);
		break;
	case 1:
		weft_actor_stop(leaf);
		break;
	default: {
		weft_msg *m = sim_msg(DIE, 0);

		if (weft_send(leaf, m) < 0)
			weft_msg_destroy(m);
	}
	}
}

static void *striking_thread(void *unused)
{
	(void)unused;
	while (sim_goes_on()) {
		uint32_t b = (uint32_t)weft_sim_choose(BRANCHES), i = (uint32_t)weft_sim_choose(LEAVES);
		weft_ref leaf;
		char name[24];

		leaf_name(name, sizeof(name), b, i);
		if (weft_name_find(world.rt, name, &leaf) == 0) {
			world.met[b][i] = leaf;
			strike(leaf);
		}
		weft_sim_sleep(weft_sim_choose(3 * SIM_MS));
	}
	return NULL;
}

static void nothing_is_left(void)
{
	for (uint32_t b = 0; b < BRANCHES; b++) {
		for (uint32_t i = 0; i < LEAVES; i++) {
			weft_ref leaf;
			char name[24];

			leaf_name(name, sizeof(name), b, i);
			sim_check(weft_name_find(world.rt, name, &leaf) == -ENOENT, "%s outlives the root", name);
			sim_check(!weft_actor_is_alive(world.met[b][i]), "%s is alive", name);
		}
	}
}

static void run(void)
{
	uint64_t striking[THREADS];
	weft_ref root;
	int r;

	memset(&world, 0, sizeof(world));
	world.rt = sim_runtime();
	root = plant();
	for (uint32_t i = 0; i < THREADS; i++)
		striking[i] = sim_thread(striking_thread, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		weft_sim_thread_join(striking[i]);
	while ((r = weft_actor_stop(root)) == -ENOMEM)
		;
	sim_check(r == 0 || r == -ESRCH, "%s", weft_errname(r)); /* it may have given up */
	for (uint32_t i = 0; weft_actor_is_alive(root); i++) {
		sim_check(i < 10000, "the root does not end");
		weft_sim_sleep(10 * SIM_MS);
	}
	nothing_is_left();
	sim_runtime_end(world.rt, sim_stop_ns());
}

const struct sim_scenario sim_supervisor = {
	.name = "supervisor",
	.what = "a tree of supervisors under blows, with memory that fails",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
