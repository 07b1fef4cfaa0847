/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/simulated.h - run a case on the simulated loop and its network, with many seeds; and on the others.
 *
 * Whoever includes it links runtime/sim.
 */
#ifndef WEFT_TESTS_SUPPORT_SIMULATED_H
#define WEFT_TESTS_SUPPORT_SIMULATED_H

#include <weft/sim.h>

#include "runtime/base/sim.h"
#include "runtime/io/net.h"
#include "tests/support/backends.h"

static inline void sim_stuck(const char *why, void *user)
{
	(void)user;
	cr_assert(false, "seed %" PRIu64 " is stuck: %s", sim_seed, why);
	abort();
}

#define SIM_SEEDS 20u

static inline void run_simulated(void (*fn)(struct weft__loop *loop), uint32_t seeds, uint32_t faults)
{
	for (sim_seed = 1; sim_seed <= seeds; sim_seed++) {
		weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
		struct weft__loop *loop = NULL;

		opt.seed = sim_seed;
		opt.stuck = sim_stuck;
		cr_assert_eq(weft_sim_begin(&opt), 0);
		cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
		weft_sim_faults(faults);
		fn(loop);
		weft_sim_faults(0);
		cr_assert_eq(weft__loop_in_flight(loop), 0, "seed %" PRIu64, sim_seed);
		weft__loop_close(loop);
		weft__net_clear();
		cr_assert_eq(weft_sim_end(), 0);
	}
}

#define ON_ALL(suite, fn)                                                                                  \
	ON_BOTH(suite, fn)                                                                                 \
	Test(suite##_sim, fn, .timeout = 120)                                                               \
	{                                                                                                  \
		run_simulated(fn, SIM_SEEDS, 0);                                                           \
	}

#endif
