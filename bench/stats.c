/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stat/quantile.h"

struct bench_stats bench_stats_of(const double *values, size_t n)
{
	struct bench_stats s = { 0 };
	double *sorted = n ? malloc(n * sizeof(*sorted)) : NULL;

	if (!sorted)
		return s;
	memcpy(sorted, values, n * sizeof(*sorted));
	bench_sort(sorted, n);
	s.min = sorted[0];
	s.max = sorted[n - 1];
	s.median = bench_median(sorted, n);
	s.p90 = bench_quantile(sorted, n, 0.9);
	s.p95 = bench_quantile(sorted, n, 0.95);
	s.p99 = bench_quantile(sorted, n, 0.99);
	s.p999 = bench_quantile(sorted, n, 0.999);
	s.mad = bench_mad(sorted, n);
	s.outliers = (uint32_t)bench_outliers_mad(sorted, n, BENCH_OUTLIER_LIMIT);
	for (size_t i = 0; i < n; i++)
		s.avg += values[i];
	s.avg /= (double)n;
	for (size_t i = 0; i < n; i++)
		s.stddev += (values[i] - s.avg) * (values[i] - s.avg);
	s.stddev = sqrt(s.stddev / (double)n);
	free(sorted);
	return s;
}
