/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim/list.c - the scenarios there are. */
#include "cli/sim/sim.h"

const struct sim_scenario *const sim_scenarios[] = {
	&sim_agents,   &sim_ask,  &sim_churn,  &sim_crowd, &sim_events, &sim_flood, &sim_gate,
	&sim_jobs, &sim_log, &sim_pipeline, &sim_ring, &sim_supervisor, &sim_timers, &sim_tree, &sim_watch, NULL,
};
