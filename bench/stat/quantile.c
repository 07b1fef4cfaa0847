/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stat/quantile.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_sort(double *values, size_t n)
{
	if (n > 1)
		qsort(values, n, sizeof(*values), by_value);
}

/* 1 .. n: the nearest rank. The subtrahend keeps 0.95 * 100 = 95.00000000000001 at 95. */
static size_t rank_of(size_t n, double p)
{
	double rank = ceil(p * (double)n - 1e-9 * (double)n);

	return rank < 1 ? 1 : rank > (double)n ? n : (size_t)rank;
}

double bench_quantile(const double *sorted, size_t n, double p)
{
	return n ? sorted[rank_of(n, p) - 1] : 0;
}

double bench_median(const double *sorted, size_t n)
{
	return bench_quantile(sorted, n, 0.5);
}

/*
 * Distances from the median grow to both sides of it, so the two sides are merged until half of them are seen.
 */
double bench_mad(const double *sorted, size_t n)
{
	double median = bench_median(sorted, n), distance = 0;
	size_t below, above; /* values not yet seen: [0, below) and [above, n) */

	if (!n)
		return 0;
	below = above = rank_of(n, 0.5);
	for (size_t seen = 0; seen < rank_of(n, 0.5); seen++) {
		double down = below > 0 ? median - sorted[below - 1] : INFINITY;
		double up = above < n ? sorted[above] - median : INFINITY;

		distance = down <= up ? down : up;
		if (down <= up)
			below--;
		else
			above++;
	}
	return 1.4826 * distance;
}

static double mean_distance(const double *sorted, size_t n, double median)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += fabs(sorted[i] - median);
	return sum / (double)n;
}

size_t bench_outliers_mad(const double *sorted, size_t n, double limit)
{
	double median = bench_median(sorted, n), scale = bench_mad(sorted, n);
	size_t count = 0;

	if (!(scale > 0) && n)
		scale = 1.2533 * mean_distance(sorted, n, median);
	for (size_t i = 0; i < n; i++)
		count += fabs(sorted[i] - median) > limit * scale;
	return scale > 0 ? count : 0;
}
