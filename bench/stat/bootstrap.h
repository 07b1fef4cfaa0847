/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/stat/bootstrap.h - how far a median may be from the true one: intervals by resampling.
 *
 * Values of one round of measuring are alike (the same placement in memory, the same neighbours on the machine), and
 * rounds differ. So whole rounds are drawn first, with replacement, then values inside each that was drawn: a bootstrap
 * that forgets the rounds is too sure of itself.
 *
 * Few rounds say little about how rounds differ, and a plain percentile interval hides that: of three rounds it never
 * leaves the three. The interval is therefore widened about the median by what Student's t asks for so few over what
 * the normal distribution does, times sqrt(m / (m - 1)), m being the rounds (without rounds, the values). Of a ratio, t has
 * Welch and Satterthwaite's degrees of freedom: the rounds of both sides tell how rounds differ.
 */
#ifndef WEFT_BENCH_STAT_BOOTSTRAP_H
#define WEFT_BENCH_STAT_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

struct bench_interval {
	double low, high;
};

/* What is measured: values, and the round each belongs to (numbers in any order; NULL: none were kept). Borrowed. */
struct bench_sample {
	const double *values;
	const uint32_t *round_of_value;
	size_t n;
};

/**
 * An interval of the median (nearest rank) of `values`.
 * @param confidence above 0 and below 1, as 0.95
 * @param seed       decides the draws: the same seed, the same interval
 * @return 0, -EINVAL (n = 0, a value that is not finite, confidence), -ENODATA (a single value), -ENOMEM
 */
int bench_median_interval(const double *values, const uint32_t *round_of_value, size_t n, double confidence, uint64_t seed,
                          struct bench_interval *ret);

/**
 * An interval of median(b) / median(a), the two being measured independently.
 * @return as above, and -EDOM when a value of either is not above 0
 */
int bench_ratio_interval(const struct bench_sample *a, const struct bench_sample *b, double confidence, uint64_t seed,
                         struct bench_interval *ret);

#endif
