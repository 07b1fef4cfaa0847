/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stat/student.h - quantiles of the normal distribution and of Student's t, to about ten digits (near 0, absolutely: 1e-8). */
#ifndef WEFT_BENCH_STAT_STUDENT_H
#define WEFT_BENCH_STAT_STUDENT_H

/* p strictly between 0 and 1. */
double bench_normal_quantile(double p);

/* The value that Student's t with df degrees of freedom (above 0) does not exceed with probability p. */
double bench_t_quantile(double p, double df);

/* How many standard errors an interval of this confidence reaches to each side: t of (1 + confidence) / 2. */
double bench_t_reach(double confidence, double df);

#endif
