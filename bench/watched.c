/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/watched.c - what instrumentation costs: stage times in the results, and a
 * subscriber to the agents' events.
 *
 * The same burst in three ways, in turns so that a noisy minute meets all of them.
 * What is compared is the CPU time of a burst, which other processes stretch less than
 * the time on the wall: the median over the rounds.
 */
#include "bench/bench.h"

#define ROUNDS 15u

static int burst_cpu_ms(const struct bench_options *opt, int times, int events, double *ret_ms)
{
	struct bench_options one = *opt;
	struct bench_outcome out;
	bool failed;

	one.times = times;
	one.events = events;
	one.quick = false; /* it is quick, and three iterations would say nothing */
	bench_child_run(&one, BENCH_WATCHED_ID, &out);
	failed = out.error[0] || !out.raw_count;
	*ret_ms = out.cpu_ms;
	bench_outcome_free(&out);
	return failed ? -1 : 0;
}

int bench_watched(const struct bench_options *opt, struct bench_watched *ret)
{
	double off[ROUNDS], times[ROUNDS], events[ROUNDS];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (burst_cpu_ms(opt, 0, 0, &off[i]) < 0 || burst_cpu_ms(opt, 1, 0, &times[i]) < 0 ||
		    burst_cpu_ms(opt, 1, 1, &events[i]) < 0)
			return -1;
	}
	ret->times = bench_stats_of(times, ROUNDS).median / bench_stats_of(off, ROUNDS).median;
	ret->events = bench_stats_of(events, ROUNDS).median / bench_stats_of(times, ROUNDS).median;
	return 0;
}
