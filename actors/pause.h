/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/pause.h - wait in place, where there is no message to wait for.
 *
 * Only for callers that run without a worker (a handler called in place) or wait for a
 * moment of another thread's. Under simulation time is simulated, and others run meanwhile.
 */
#ifndef WEFT_ACTORS_PAUSE_H
#define WEFT_ACTORS_PAUSE_H

#include <stdint.h>
#include <time.h>

#include <weft/sim.h>

static inline void weft__pause(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

	if (weft_sim_sleep(ns) < 0) /* no simulation */
		nanosleep(&t, NULL);
}

#endif
