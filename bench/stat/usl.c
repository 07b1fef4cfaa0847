/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fit in three steps.
 *
 * 1. With D = a + b (N - 1) + c N (N - 1), X = N / D, and N / X = D is linear in a = 1 / lambda, b = sigma / lambda and
 *    c = kappa / lambda: linear least squares, weighted by X^4 / N^2 as errors of X ask for, is a start close to the end.
 * 2. Levenberg and Marquardt's method from there minimises the squares of X itself.
 * 3. Two coefficients that may be held at 0 make four cases. The least squares among those whose free coefficients
 *    came out >= 0 is the bounded minimum.
 *
 * Errors of the coefficients come from the Jacobian of all that the data can tell apart, also of those held at 0:
 * that the truth lies at the bound exactly is not known.
 */
#include "bench/stat/usl.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/stat/student.h"

#define DESCENT_STEPS 500
#define DAMPING_MAX 1e12

struct data {
	const double *n, *x;
	size_t points;
};

/* ---- small linear algebra: at most 3 x 3, symmetric --------------------------------------- */

struct normal { /* equations: m v = r, over the coefficients of `free` */
	double m[3][3], r[3];
};

static void normal_add(struct normal *e, const double row[3], double right, double weight)
{
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 3; k++)
			e->m[i][k] += weight * row[i] * row[k];
		e->r[i] += weight * row[i] * right;
	}
}

/* The inverse over the coefficients of `free`, zeros elsewhere; false: they cannot be told apart. Scaled to a unit diagonal. */
static bool invert(const double m[3][3], const bool free[3], double ret[3][3])
{
	double a[3][3], scale[3];

	for (int i = 0; i < 3; i++)
		scale[i] = free[i] && m[i][i] > 0 ? 1 / sqrt(m[i][i]) : 0;
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			a[i][k] = free[i] && free[k] ? m[i][k] * scale[i] * scale[k] : i == k;
			ret[i][k] = i == k;
		}
	for (int p = 0; p < 3; p++) { /* Gauss and Jordan; positive definite needs no exchange of rows */
		double pivot = a[p][p];

		if (!(pivot > 1e-13))
			return false;
		for (int k = 0; k < 3; k++) {
			a[p][k] /= pivot;
			ret[p][k] /= pivot;
		}
		for (int i = 0; i < 3; i++) {
			double factor = a[i][p];

			for (int k = 0; i != p && k < 3; k++) {
				a[i][k] -= factor * a[p][k];
				ret[i][k] -= factor * ret[p][k];
			}
		}
	}
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++)
			ret[i][k] *= scale[i] * scale[k];
	return true;
}

static bool solve(const struct normal *e, const bool free[3], double ret[3])
{
	double inverse[3][3];

	if (!invert(e->m, free, inverse))
		return false;
	for (int i = 0; i < 3; i++) {
		ret[i] = 0;
		for (int k = 0; k < 3; k++)
			ret[i] += inverse[i][k] * e->r[k];
	}
	return true;
}

/* ---- the fit ----------------------------------------------------------------------------------- */

static void terms(double n, double ret[3])
{
	ret[0] = 1;
	ret[1] = n - 1;
	ret[2] = n * (n - 1);
}

static double below_of(const double c[3], double n)
{
	double t[3];

	terms(n, t);
	return c[0] * t[0] + c[1] * t[1] + c[2] * t[2];
}

/* INFINITY where X would not be above 0. */
static double squares(const struct data *d, const double c[3])
{
	double sum = 0;

	if (!(c[0] > 0))
		return INFINITY;
	for (size_t i = 0; i < d->points; i++) {
		double below = below_of(c, d->n[i]);

		if (!(below > 0))
			return INFINITY;
		sum += pow(d->x[i] - d->n[i] / below, 2);
	}
	return sum;
}

static bool start(const struct data *d, const bool free[3], double ret[3])
{
	struct normal e = { 0 };

	for (size_t i = 0; i < d->points; i++) {
		double row[3], x = d->x[i], n = d->n[i];

		terms(n, row);
		normal_add(&e, row, n / x, pow(x, 4) / (n * n));
	}
	return solve(&e, free, ret) && isfinite(squares(d, ret));
}

static void linearise(const struct data *d, const double c[3], struct normal *ret)
{
	*ret = (struct normal){ 0 };
	for (size_t i = 0; i < d->points; i++) {
		double row[3], below = below_of(c, d->n[i]), slope = -d->n[i] / (below * below);

		terms(d->n[i], row);
		for (int k = 0; k < 3; k++)
			row[k] *= slope;
		normal_add(ret, row, d->x[i] - d->n[i] / below, 1);
	}
}

/* From c downhill; gives the squares there. */
static double descend(const struct data *d, const bool free[3], double c[3])
{
	double sum = squares(d, c), damping = 1e-3;

	for (int i = 0; i < DESCENT_STEPS && damping < DAMPING_MAX; i++) {
		struct normal e, damped;
		double step[3], next[3], there;

		linearise(d, c, &e);
		damped = e;
		for (int k = 0; k < 3; k++)
			damped.m[k][k] *= 1 + damping;
		if (!solve(&damped, free, step))
			break;
		for (int k = 0; k < 3; k++)
			next[k] = c[k] + step[k];
		there = squares(d, next);
		if (there <= sum) {
			bool done = sum - there <= 1e-16 * sum && damping <= 1e-6;

			memcpy(c, next, sizeof(next));
			sum = there;
			damping /= 10;
			if (done)
				break;
		} else {
			damping *= 10;
		}
	}
	return sum;
}

/* The best of the cases that the number of different N allows. */
static int fit_bounded(const struct data *d, bool sigma_told, bool kappa_told, double ret[3])
{
	double best = INFINITY;

	for (int held = 0; held < 4; held++) {
		bool free[3] = { true, sigma_told && !(held & 1), kappa_told && !(held & 2) };
		double c[3], sum;

		if (((held & 1) && !sigma_told) || ((held & 2) && !kappa_told) || !start(d, free, c))
			continue;
		sum = descend(d, free, c);
		if (c[1] < 0 || c[2] < 0 || !(sum < best * (1 - 1e-12)))
			continue;
		best = sum;
		memcpy(ret, c, sizeof(c));
	}
	return isfinite(best) ? 0 : -EDOM;
}

/* ---- what is known of it -------------------------------------------------------------------------- */

/* dX / d(lambda, sigma, kappa) */
static void gradient(const struct bench_usl *u, double n, double ret[3])
{
	double below = 1 + u->sigma * (n - 1) + u->kappa * n * (n - 1), x = u->lambda * n / below;

	ret[0] = n / below;
	ret[1] = -x * (n - 1) / below;
	ret[2] = -x * n * (n - 1) / below;
}

static struct bench_interval around(double value, double reach)
{
	return (struct bench_interval){ fmax(0, value - reach), value + reach };
}

static void judge(const struct data *d, bool sigma_told, bool kappa_told, struct bench_usl *u)
{
	bool told[3] = { true, sigma_told, kappa_told };
	struct normal e = { 0 };
	double mean = 0, total = 0, rest = 0, reach;

	for (size_t i = 0; i < d->points; i++) {
		double row[3];

		gradient(u, d->n[i], row);
		normal_add(&e, row, 0, 1);
		rest += pow(d->x[i] - bench_usl_x(u, d->n[i]), 2);
		mean += d->x[i] / (double)d->points;
	}
	for (size_t i = 0; i < d->points; i++)
		total += pow(d->x[i] - mean, 2);
	u->r2 = total > 0 ? 1 - rest / total : 1;
	u->df = (double)d->points - 1 - sigma_told - kappa_told;
	if (u->df < 1 || !invert(e.m, told, u->covariance)) {
		u->flags |= BENCH_USL_NO_INTERVAL;
		memset(u->covariance, 0, sizeof(u->covariance));
		u->lambda_ci = u->sigma_ci = u->kappa_ci = (struct bench_interval){ 0, INFINITY };
		return;
	}
	u->error = sqrt(rest / u->df);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++)
			u->covariance[i][k] *= u->error * u->error;
	reach = bench_t_reach(0.95, u->df);
	u->lambda_ci = around(u->lambda, reach * sqrt(u->covariance[0][0]));
	u->sigma_ci = sigma_told ? around(u->sigma, reach * sqrt(u->covariance[1][1])) : (struct bench_interval){ 0, INFINITY };
	u->kappa_ci = kappa_told ? around(u->kappa, reach * sqrt(u->covariance[2][2])) : (struct bench_interval){ 0, INFINITY };
}

/* How many different N, counted up to three. */
static int different(const struct data *d)
{
	double seen[3] = { 0 };
	int count = 0;

	for (size_t i = 0; i < d->points && count < 3; i++) {
		bool known = false;

		for (int k = 0; k < count; k++)
			known = known || seen[k] == d->n[i];
		if (!known)
			seen[count++] = d->n[i];
	}
	return count;
}

int bench_usl_fit(const double *n, const double *x, size_t points, struct bench_usl *ret)
{
	struct data d = { n, x, points };
	struct bench_usl u = { .points = (uint32_t)points, .n_min = INFINITY };
	bool sigma_told, kappa_told;
	double c[3] = { 0 };
	int r;

	for (size_t i = 0; i < points; i++) {
		if (!isfinite(n[i]) || !isfinite(x[i]) || n[i] < 1 || !(x[i] > 0))
			return -EINVAL;
		u.n_min = fmin(u.n_min, n[i]);
		u.n_max = fmax(u.n_max, n[i]);
	}
	if (!points)
		return -ENODATA;
	sigma_told = different(&d) > 1;
	kappa_told = different(&d) > 2;
	r = fit_bounded(&d, sigma_told, kappa_told, c);
	if (r < 0)
		return r;
	u.lambda = 1 / c[0];
	u.sigma = c[1] / c[0];
	u.kappa = c[2] / c[0];
	u.flags |= !sigma_told ? BENCH_USL_NO_SIGMA : u.sigma <= 0 ? BENCH_USL_SIGMA_HELD : 0;
	u.flags |= !kappa_told ? BENCH_USL_NO_KAPPA : u.kappa <= 0 ? BENCH_USL_KAPPA_HELD : 0;
	u.flags |= u.kappa <= 0 ? BENCH_USL_NO_PEAK : bench_usl_peak(&u) > u.n_max ? BENCH_USL_PEAK_OUTSIDE : 0;
	judge(&d, sigma_told, kappa_told, &u);
	*ret = u;
	return 0;
}

/* ---- reading it ------------------------------------------------------------------------------------- */

double bench_usl_x(const struct bench_usl *u, double n)
{
	if (isinf(n))
		return u->kappa > 0 ? 0 : u->sigma > 0 ? u->lambda / u->sigma : INFINITY;
	return u->lambda * n / (1 + u->sigma * (n - 1) + u->kappa * n * (n - 1));
}

double bench_usl_latency(const struct bench_usl *u, double n)
{
	return (1 + u->sigma * (n - 1) + u->kappa * n * (n - 1)) / u->lambda;
}

struct bench_interval bench_usl_x_interval(const struct bench_usl *u, double n)
{
	double g[3], variance = 0;

	if (u->flags & BENCH_USL_NO_INTERVAL)
		return (struct bench_interval){ 0, INFINITY };
	gradient(u, n, g);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++)
			variance += g[i] * u->covariance[i][k] * g[k];
	return around(bench_usl_x(u, n), bench_t_reach(0.95, u->df) * sqrt(fmax(variance, 0)));
}

double bench_usl_peak(const struct bench_usl *u)
{
	if (u->sigma >= 1)
		return 1;
	return u->kappa > 0 ? fmax(1, sqrt((1 - u->sigma) / u->kappa)) : INFINITY;
}

/*
 * kappa x N^2 - (lambda + kappa x - sigma x) N + (1 - sigma) x = 0, the smaller root, in the form that does not subtract
 * nearly equal numbers, nor divide by a kappa of 0.
 */
int bench_usl_n_of_x(const struct bench_usl *u, double x, double *ret_n)
{
	double a = u->kappa * x, b = u->lambda + u->kappa * x - u->sigma * x, c = (1 - u->sigma) * x;
	double inner = b * b - 4 * a * c;

	if (u->sigma >= 1 && x >= 0 && x <= u->lambda) { /* the peak is one worker; roots lie below it, or below zero */
		*ret_n = 1;
		return 0;
	}
	if (u->sigma >= 1 || !(x >= 0) || !(b > 0) || !(inner >= 0))
		return -ERANGE;
	*ret_n = 2 * c / (b + sqrt(inner));
	return 0;
}

/* kappa N^2 + (sigma - kappa) N + (1 - sigma - lambda R) = 0, the larger root: latency rises with N from there on. */
int bench_usl_n_of_latency(const struct bench_usl *u, double latency, double *ret_n)
{
	double b = u->sigma - u->kappa, c = 1 - u->sigma - u->lambda * latency, inner = b * b - 4 * u->kappa * c;

	if (!(latency * u->lambda >= 1 - 1e-12) || !(u->sigma > 0 || u->kappa > 0) || !isfinite(latency))
		return -ERANGE;
	/* With kappa <= sigma b is positive, and so is -c: again no difference of equals. */
	*ret_n = b >= 0 ? -2 * c / (b + sqrt(inner)) : (-b + sqrt(inner)) / (2 * u->kappa);
	return 0;
}

int bench_usl_x_of_latency(const struct bench_usl *u, double latency, double *ret_x)
{
	double n;
	int r = bench_usl_n_of_latency(u, latency, &n);

	if (r == 0)
		*ret_x = n / latency;
	return r;
}
