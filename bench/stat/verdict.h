/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stat/verdict.h - one of two is better, or nobody can say: with the direction in mind. */
#ifndef WEFT_BENCH_STAT_VERDICT_H
#define WEFT_BENCH_STAT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/stat/bootstrap.h"

enum bench_verdict_kind {
	BENCH_FASTER = 0, /* better, whatever is measured: less time, more a second */
	BENCH_SLOWER,     /* worse */
	BENCH_NOISE,      /* may be either, or lies within the threshold */
	BENCH_TOO_FEW     /* values to say anything */
};

#define BENCH_VERDICT_VALUES_MIN 5u

/**
 * Of b against a: the whole interval has to lie beyond the threshold, as far below 1 as above it (1 / (1 + threshold)).
 * @param ratio     an interval of median(b) / median(a)
 * @param threshold 0.05: differences below five percent do not matter
 */
enum bench_verdict_kind bench_verdict(struct bench_interval ratio, double threshold, size_t n_a, size_t n_b, bool lower_is_better);

/* "faster", "slower", "noise", "too few samples" */
const char *bench_verdict_text(enum bench_verdict_kind kind);

#endif
