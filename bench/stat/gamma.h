/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stat/gamma.h - the tail of the gamma distribution: 1 - P(k, x), the regularised incomplete gamma function. */
#ifndef WEFT_BENCH_STAT_GAMMA_H
#define WEFT_BENCH_STAT_GAMMA_H

/* The share above x >= 0, of shape k > 0 and scale 1. For k = 1 that is exp(-x). */
double bench_gamma_tail(double k, double x);

#endif
