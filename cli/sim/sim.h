/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/sim.h - scenarios of `weft sim`: small programs against the public headers, run on a
 * simulated machine, that check what must hold whatever the seed.
 *
 * A scenario begins its own runtime, makes things happen until sim_goes_on says no, and checks
 * conservation laws. sim_check ends the process with SIM_FAILED and a line of text.
 */
#ifndef WEFT_CLI_SIM_SIM_H
#define WEFT_CLI_SIM_SIM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weft/weft.h>

#define SIM_FAILED 1
#define SIM_MS UINT64_C(1000000)
#define SIM_SECOND UINT64_C(1000000000)

struct sim_scenario {
	const char *name;
	const char *what;
	uint32_t faults; /* those it can live with */
	void (*run)(void);
};

extern const struct sim_scenario sim_agents, sim_ask, sim_churn, sim_crowd, sim_events, sim_flood, sim_gate, sim_jobs, sim_log, sim_pipeline,
	sim_ring, sim_supervisor, sim_timers, sim_tree, sim_watch;
extern const struct sim_scenario *const sim_scenarios[]; /* NULL ends it */

/* ---- run.c ------------------------------------------------------------------------ */

/* Run seed in this process and print the line of its result. Does not return when a check fails. */
void sim_run_here(const struct sim_scenario *scenario, uint64_t seed, uint64_t steps, bool trace);
/* Each seed in a process of its own. The number that failed, or -1. */
int sim_run_seeds(const struct sim_scenario *scenario, uint64_t first, uint64_t count, uint64_t steps);

/* ---- for scenarios: world.c --------------------------------------------------------- */

/* Are there steps left to make things happen in? */
bool sim_goes_on(void);
_Noreturn void sim_fail(const char *file, int line, const char *fmt, ...) WEFT_PRINTF(3, 4);

#define sim_check(cond, ...)                                                                               \
	do {                                                                                               \
		if (!(cond))                                                                               \
			sim_fail(__FILE__, __LINE__, #cond ": " __VA_ARGS__);                              \
	} while (0)

/* A runtime whose options follow from the seed. Tries again when a fault makes it fail. */
weft_runtime *sim_runtime(void);
/*
 * Stop it (timeout_ns: how long it may go on), join, check that the counts add up, destroy.
 * True: all work was drained.
 */
bool sim_runtime_end(weft_runtime *rt, uint64_t timeout_ns);
/* How long a stop may take: no time, a little, or for ever. */
uint64_t sim_stop_ns(void);

/* Again and again while there is no memory; anything else but 0 is a failure. */
#define sim_insist(call)                                                                                   \
	do {                                                                                               \
		int insist_r = (call);                                                                     \
		sim_check(insist_r == 0 || insist_r == -ENOMEM, "%s", weft_errname(insist_r));             \
		if (insist_r == 0)                                                                         \
			break;                                                                             \
	} while (true)

/* As the weft_ calls, again and again while they say that there is no memory, or no thread. */
uint64_t sim_thread(void *(*fn)(void *user), void *user);
weft_ref sim_spawn(weft_runtime *rt, const weft_actor_class *cls, const void *init);
weft_msg *sim_msg(uint32_t kind, size_t len_bytes);

#endif
