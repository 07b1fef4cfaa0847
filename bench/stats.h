/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stats.h - what a series of measured times comes to. */
#ifndef WEFT_BENCH_STATS_H
#define WEFT_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

struct bench_stats {
	double min, max, avg, median, p90, p95, p99, p999, stddev;
	double mad;        /* median distance from the median, times 1.4826 */
	uint32_t outliers; /* with a modified z-score over 3.5: that many such distances away */
};

/* Percentiles by nearest rank, the population's standard deviation. All zero for n = 0. values stays as it is. */
struct bench_stats bench_stats_of(const double *values, size_t n);

#endif
