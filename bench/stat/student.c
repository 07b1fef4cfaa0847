/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distribution functions first (the error function; the incomplete beta function by its continued fraction, as any
 * handbook has it), quantiles by bisection of them: slow and right, for what is asked a few times a report.
 */
#include "bench/stat/student.h"

#include <math.h>

#define STEPS 200

static double normal_cdf(double x, double unused)
{
	(void)unused;
	return 0.5 * erfc(-x / 1.4142135623730950488);
}

/* Lentz's method for the continued fraction of the incomplete beta function. */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), f = d;

	for (int m = 1; m < 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		f *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		f *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return f;
}

static double incomplete_beta(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double t_cdf(double t, double df)
{
	double tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t));

	return t > 0 ? 1 - tail : tail;
}

static double bisect(double (*cdf)(double, double), double p, double df)
{
	double low = -1, high = 1;

	while (cdf(low, df) > p && low > -1e12)
		low *= 2;
	while (cdf(high, df) < p && high < 1e12)
		high *= 2;
	for (int i = 0; i < STEPS && high - low > 1e-13 * (1 + fabs(low)); i++) {
		double middle = 0.5 * (low + high);

		if (cdf(middle, df) < p)
			low = middle;
		else
			high = middle;
	}
	return 0.5 * (low + high);
}

double bench_normal_quantile(double p)
{
	return bisect(normal_cdf, p, 0);
}

double bench_t_quantile(double p, double df)
{
	return df > 1e6 ? bench_normal_quantile(p) : bisect(t_cdf, p, df);
}

double bench_t_reach(double confidence, double df)
{
	return bench_t_quantile(0.5 + confidence / 2, df);
}
