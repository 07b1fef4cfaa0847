/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/watched.c - what a subscriber to the agents' events costs.
 *
 * The same burst with and without one, in turns so that a noisy minute meets both.
 * What is compared is the median of each side's medians.
 */
#include "bench/bench.h"

#define PAIRS 5u

static int median_ms(const struct bench_options *opt, int events, double *ret_ms)
{
	struct bench_options one = *opt;
	struct bench_outcome out;
	bool failed;

	one.events = events;
	one.quick = false; /* it is quick, and three iterations would say nothing */
	bench_child_run(&one, BENCH_WATCHED_ID, &out);
	failed = out.error[0] || !out.raw_count;
	*ret_ms = bench_stats_of(out.raw_ms, out.raw_count).median;
	bench_outcome_free(&out);
	return failed ? -1 : 0;
}

int bench_watched(const struct bench_options *opt, double *ret_ratio)
{
	double without[PAIRS], with[PAIRS];

	for (uint32_t i = 0; i < PAIRS; i++) {
		if (median_ms(opt, 0, &without[i]) < 0 || median_ms(opt, 1, &with[i]) < 0)
			return -1;
	}
	*ret_ratio = bench_stats_of(with, PAIRS).median / bench_stats_of(without, PAIRS).median;
	return 0;
}
