/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/stat/quantile.h - ranks of sorted values: quantiles, the median, how far values lie from it.
 *
 * Everything here wants its values sorted ascending (bench_sort does it) and then needs no memory of its own.
 * Quantiles are by nearest rank: each is a value that was really measured.
 */
#ifndef WEFT_BENCH_STAT_QUANTILE_H
#define WEFT_BENCH_STAT_QUANTILE_H

#include <stddef.h>

/* The usual limit of a modified z-score (Iglewicz and Hoaglin 1993). */
#define BENCH_OUTLIER_LIMIT 3.5

/* Ascending, in place. */
void bench_sort(double *values, size_t n);

/* The smallest value that a share p of all does not exceed; p from 0 to 1. 0 for n = 0. */
double bench_quantile(const double *sorted, size_t n, double p);
double bench_median(const double *sorted, size_t n);

/* The median distance from the median, times 1.4826: of normal values, their standard deviation. */
double bench_mad(const double *sorted, size_t n);

/*
 * How many lie more than `limit` MADs from the median. Where more than half are equal the MAD is 0; the mean distance,
 * times 1.2533, stands in for it then. None when all are equal.
 */
size_t bench_outliers_mad(const double *sorted, size_t n, double limit);

#endif
