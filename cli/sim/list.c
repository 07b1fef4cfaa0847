/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim/list.c - the scenarios there are. */
#include "cli/sim/sim.h"

extern const struct sim_scenario sim_ring;

const struct sim_scenario *const sim_scenarios[] = { &sim_ring, NULL };
