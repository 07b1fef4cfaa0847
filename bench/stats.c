/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The smallest value that at least p of all values do not exceed. */
static double rank(const double *sorted, size_t n, double p)
{
	size_t at = (size_t)ceil(p * (double)n);

	return sorted[at ? at - 1 : 0];
}

struct bench_stats bench_stats_of(const double *values, size_t n)
{
	struct bench_stats s = { 0 };
	double *sorted = n ? malloc(n * sizeof(*sorted)) : NULL;

	if (!sorted)
		return s;
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	s.min = sorted[0];
	s.max = sorted[n - 1];
	s.median = rank(sorted, n, 0.5);
	s.p95 = rank(sorted, n, 0.95);
	s.p99 = rank(sorted, n, 0.99);
	for (size_t i = 0; i < n; i++)
		s.avg += values[i];
	s.avg /= (double)n;
	for (size_t i = 0; i < n; i++)
		s.stddev += (values[i] - s.avg) * (values[i] - s.avg);
	s.stddev = sqrt(s.stddev / (double)n);
	for (size_t i = 0; i < n; i++)
		s.outliers += s.stddev > 0 && fabs(values[i] - s.avg) > 3 * s.stddev;
	free(sorted);
	return s;
}
