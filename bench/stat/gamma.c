/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stat/gamma.c - by the power series below the mean, by the continued fraction above it: each where it is quick. */
#include "bench/stat/gamma.h"

#include <float.h>
#include <math.h>

#define TERMS_MAX 10000
#define TINY 1e-300

/* x^k e^-x / Gamma(k), in logarithms until the end: its parts overflow. */
static double density(double k, double x)
{
	int sign;

	return exp(k * log(x) - x - lgamma_r(k, &sign));
}

/* P(k, x) = density sum x^n / (k (k + 1) .. (k + n)) */
static double series(double k, double x)
{
	double term = 1 / k, sum = term;

	for (int n = 1; n < TERMS_MAX && term > sum * DBL_EPSILON; n++) {
		term *= x / (k + n);
		sum += term;
	}
	return sum * density(k, x);
}

/* Q(k, x) = density / (x + 1 - k - 1 (1 - k) / (x + 3 - k - ..)), by Lentz's method. */
static double fraction(double k, double x)
{
	double b = x + 1 - k, c = 1 / TINY, d = 1 / b, product = d;

	for (int n = 1; n < TERMS_MAX; n++) {
		double a = n * (k - n), step;

		b += 2;
		d = a * d + b;
		c = b + a / c;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		step = c * d;
		product *= step;
		if (fabs(step - 1) < 4 * DBL_EPSILON)
			break;
	}
	return product * density(k, x);
}

double bench_gamma_tail(double k, double x)
{
	if (!(x > 0))
		return 1;
	return x < k + 1 ? fmax(0, 1 - series(k, x)) : fraction(k, x);
}
