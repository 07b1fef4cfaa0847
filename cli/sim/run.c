/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/run.c - one seed in this process, or many, each in a process of its own: so that no run
 * depends on what another left behind, and a crash has a seed, too.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/sim/sim.h"

#define CHILD_SECONDS_MAX 60u /* real ones: a thread that waits outside of the simulation */

static uint64_t steps_wanted;

bool sim_goes_on(void)
{
	return weft_sim_steps() < steps_wanted;
}

static void on_stuck(const char *why, void *user)
{
	(void)user;
	sim_fail("simulation", 0, "%s", why);
}

static void on_trace(const char *line, void *user)
{
	(void)user;
	puts(line);
}

void sim_run_here(const struct sim_scenario *scenario, uint64_t seed, uint64_t steps, bool trace)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	uint64_t hash;

	steps_wanted = steps;
	opt.seed = seed;
	opt.faults = scenario->faults;
	opt.steps_max = 100 * steps + 1000000;
	opt.stuck = on_stuck;
	opt.trace = trace ? on_trace : NULL;
	if (weft_sim_begin(&opt) < 0)
		sim_fail(__FILE__, __LINE__, "cannot begin");
	scenario->run();
	steps = weft_sim_steps();
	hash = weft_sim_hash();
	if (weft_sim_end() < 0)
		sim_fail(__FILE__, __LINE__, "a simulated thread is left");
	printf("%-12s seed %-12" PRIu64 " steps %-9" PRIu64 " hash %016" PRIx64 " ok\n", scenario->name, seed, steps, hash);
}

/* True: the seed passed. */
static bool run_apart(const struct sim_scenario *scenario, uint64_t seed, uint64_t steps)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(CHILD_SECONDS_MAX);
		if (!freopen("/dev/null", "w", stdout))
			_Exit(SIM_FAILED);
		sim_run_here(scenario, seed, steps, false);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "killed by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int sim_run_seeds(const struct sim_scenario *scenario, uint64_t first, uint64_t count, uint64_t steps)
{
	int failed = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (run_apart(scenario, first + i, steps))
			continue;
		failed++;
		printf("%-12s seed %-12" PRIu64 " FAILED; again with: %s sim --scenario %s --seed %" PRIu64
		       " --steps %" PRIu64 "\n",
		       scenario->name, first + i, program_invocation_name, scenario->name, first + i, steps);
	}
	printf("%-12s seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " passed, %d failed\n", scenario->name, first,
	       first + count - 1, count - (uint64_t)failed, failed);
	return failed;
}
