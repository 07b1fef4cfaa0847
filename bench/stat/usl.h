/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/stat/usl.h - the Universal Scalability Law (Gunther 1993, 2007): what N workers bring, in three numbers.
 *
 *                        lambda N
 *   X(N) = -------------------------------------     lambda  what one worker does a second
 *          1 + sigma (N - 1) + kappa N (N - 1)       sigma   contention: the share that waits in line
 *                                                    kappa   coherency: what it costs each to agree with each
 *
 * The fit is least squares of X with sigma, kappa >= 0 and lambda > 0. A coefficient that would be negative is held at
 * 0, which is said: left free it describes noise, and extrapolates to nonsense. What the data cannot tell is said, too:
 * a peak beyond the last point was never seen.
 */
#ifndef WEFT_BENCH_STAT_USL_H
#define WEFT_BENCH_STAT_USL_H

#include <stddef.h>
#include <stdint.h>

#include "bench/stat/bootstrap.h"

enum {
	BENCH_USL_SIGMA_HELD = 1 << 0,   /* contention would have been negative; it is 0 */
	BENCH_USL_KAPPA_HELD = 1 << 1,   /* coherency would have been negative; it is 0 */
	BENCH_USL_PEAK_OUTSIDE = 1 << 2, /* the peak lies beyond the data: its place is a guess */
	BENCH_USL_NO_PEAK = 1 << 3,      /* kappa is 0: there is none */
	BENCH_USL_NO_KAPPA = 1 << 4,     /* two numbers of workers: coherency cannot be told, it is taken for 0 */
	BENCH_USL_NO_SIGMA = 1 << 5,     /* one number of workers: nor can contention */
	BENCH_USL_NO_INTERVAL = 1 << 6,  /* as many coefficients as points: no spread is left to tell errors by */
};

struct bench_usl {
	double lambda, sigma, kappa;
	struct bench_interval lambda_ci, sigma_ci, kappa_ci; /* 95%; cut at 0; up to INFINITY with NO_INTERVAL */
	double covariance[3][3];                             /* of lambda, sigma, kappa; a row of zeros: not told apart */
	double error;                                        /* standard error of a point, in the unit of X */
	double r2;                                           /* share of the variance of X that is explained */
	double df;                                           /* points less coefficients */
	double n_min, n_max;                                 /* of the data */
	uint32_t points;
	uint32_t flags; /* BENCH_USL_* */
};

/**
 * Fit. Points in any order; several with the same N are welcome: they tell the error.
 * @return 0, -EINVAL (a point that is not finite, N below 1, X not above 0), -ENODATA (no point), -EDOM (the data has
 *         no such shape: no descent was found)
 */
int bench_usl_fit(const double *n, const double *x, size_t points, struct bench_usl *ret);

double bench_usl_x(const struct bench_usl *u, double n);       /* a second, of n workers; of INFINITY: the limit */
double bench_usl_latency(const struct bench_usl *u, double n); /* n / X(n), in seconds */

/* 95% of where X(n) lies (of the law, not of one more measurement): by the covariance, to first order. */
struct bench_interval bench_usl_x_interval(const struct bench_usl *u, double n);

/* Where X is largest, at least 1; INFINITY where there is no peak. */
double bench_usl_peak(const struct bench_usl *u);

/* The fewest workers that do x a second. 0, or -ERANGE: no number does, the most is X(peak) or its limit lambda / sigma. */
int bench_usl_n_of_x(const struct bench_usl *u, double x, double *ret_n);
/* As many workers as answer in `latency` seconds. 0, or -ERANGE: one alone takes longer, or all do not take so long. */
int bench_usl_n_of_latency(const struct bench_usl *u, double latency, double *ret_n);
/* And what they do a second. */
int bench_usl_x_of_latency(const struct bench_usl *u, double latency, double *ret_x);

#endif
