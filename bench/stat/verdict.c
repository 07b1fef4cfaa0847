/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stat/verdict.h"

enum bench_verdict_kind bench_verdict(struct bench_interval ratio, double threshold, size_t n_a, size_t n_b, bool lower_is_better)
{
	if (n_a < BENCH_VERDICT_VALUES_MIN || n_b < BENCH_VERDICT_VALUES_MIN || !(ratio.low <= ratio.high))
		return BENCH_TOO_FEW;
	if (ratio.low > 1 + threshold)
		return lower_is_better ? BENCH_SLOWER : BENCH_FASTER;
	if (ratio.high < 1 / (1 + threshold))
		return lower_is_better ? BENCH_FASTER : BENCH_SLOWER;
	return BENCH_NOISE;
}

const char *bench_verdict_text(enum bench_verdict_kind kind)
{
	static const char *const texts[] = { "faster", "slower", "noise", "too few samples" };

	return (unsigned)kind <= BENCH_TOO_FEW ? texts[kind] : "unknown";
}
