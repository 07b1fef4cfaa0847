/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the law's coefficients as others published them, to four digits and more; honest errors; exact inverses.
 *
 * Tables: SPEC SDM91 on a SPARCcenter 2000 (spec.org; coefficients as printed by R's usl 3.0, which fits by nls),
 * a ray tracer (Gunther, Guerrilla Capacity Planning, 2007, chapter 5; coefficients likewise), a router's control
 * plane (Schwartz, Practical Scalability Analysis with the USL, 2015). The rest is made from coefficients and seeds.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>

#include "bench/stat/random.h"
#include "bench/stat/usl.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define expect_close(value, published, relative) \
	cr_expect(fabs((double)(value) - (double)(published)) <= (relative) * fabs((double)(published)), #value " is %.8g, published %.8g", (value), (double)(published))

static const double spec_n[] = { 1, 18, 36, 72, 108, 144, 216 };
static const double spec_x[] = { 64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2 };
static const double ray_n[] = { 1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64 };
static const double ray_x[] = { 20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310 };
static const double router_x[] = { 955.16,   1878.91,  2688.01,  3548.68,  4315.54,  5130.43,  5931.37,  6531.08,
	                           7219.8,   7867.61,  8278.71,  8646.7,   9047.84,  9426.55,  9645.37,  9897.24,
	                           10097.6,  10240.5,  10532.39, 10798.52, 11151.43, 11518.63, 11806,    12089.37,
	                           12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4,  12074.39 };

static struct bench_usl fit(const double *n, const double *x, size_t points)
{
	double counted[32];
	struct bench_usl u;

	for (size_t i = 0; !n && i < points; i++)
		counted[i] = (double)i + 1;
	cr_assert_eq(bench_usl_fit(n ? n : counted, x, points, &u), 0);
	return u;
}

Test(usl, published__spec_sdm91)
{
	struct bench_usl u = fit(spec_n, spec_x, COUNT(spec_n));

	expect_close(u.lambda, 89.9952330, 1e-6);
	expect_close(u.sigma, 0.0277285, 1e-5);
	expect_close(u.kappa, 0.0001044, 1e-3); /* four digits are printed */
	/* standard errors: intervals over Student's t of 4 degrees of freedom */
	expect_close((u.lambda_ci.high - u.lambda) / 2.776445, 14.2134894, 1e-5);
	expect_close((u.sigma_ci.high - u.sigma) / 2.776445, 0.0091217, 1e-4);
	expect_close(u.error, 82.85, 1e-3);
	expect_close(u.r2, 0.9896, 1e-4);
	expect_close(bench_usl_peak(&u), 97, 1e-2);
	cr_expect_eq(u.flags, 0u);
}

Test(usl, published__ray_tracer_is_held_at_no_coherency)
{
	struct bench_usl u = fit(ray_n, ray_x, COUNT(ray_n));

	expect_close(u.lambda, 21.8488, 1e-5);
	expect_close(u.sigma, 0.0578, 1e-3);
	cr_expect_eq(u.kappa, 0);
	cr_expect_eq(u.flags, (uint32_t)(BENCH_USL_KAPPA_HELD | BENCH_USL_NO_PEAK));
	cr_expect(u.kappa_ci.low == 0 && u.kappa_ci.high > 0, "that it is 0 exactly is not known");
}

Test(usl, published__router)
{
	struct bench_usl u = fit(NULL, router_x, COUNT(router_x));

	expect_close(u.lambda, 995.6486, 1e-5);
	expect_close(u.sigma, 0.02671591, 1e-5);
	expect_close(u.kappa, 7.690945e-4, 1e-5);
	cr_expect_eq(floor(bench_usl_peak(&u)), 35);
	expect_close(bench_usl_x(&u, 35), 12341.7456, 1e-5);
	expect_close(bench_usl_latency(&u, 20), 0.0018077218, 1e-5);
	cr_expect_eq(u.flags, (uint32_t)BENCH_USL_PEAK_OUTSIDE, "it still rises at its last point, or nearly");
}

/* From the first ten points, pages 30 and 31 of the book. */
Test(usl, published__router_by_its_latency)
{
	struct bench_usl u = fit(NULL, router_x, 10);
	double n;

	cr_assert_eq(bench_usl_n_of_latency(&u, 0.0012, &n), 0);
	expect_close(n, 7.230628979597649, 1e-5);
	cr_assert_eq(bench_usl_n_of_latency(&u, 0.0020, &n), 0);
	expect_close(n, 29.888882633013246, 1e-5);
}

/* Others published 17.73 for it, having left kappa out of the inverse. */
Test(usl, inverse__of_throughput_solves_the_quadratic)
{
	struct bench_usl u = fit(NULL, router_x, COUNT(router_x));
	double n;

	cr_assert_eq(bench_usl_n_of_x(&u, 12201, &n), 0);
	expect_close(n, 29.57, 1e-3);
	expect_close(bench_usl_x(&u, n), 12201.0, 1e-12);
}

Test(usl, inverses__lead_back)
{
	const double sigmas[] = { 0, 0.01, 0.3, 0.9 }, kappas[] = { 0, 1e-6, 1e-3, 0.05 }, workers[] = { 1, 1.5, 2, 7, 30, 400 };

	for (size_t s = 0; s < COUNT(sigmas); s++)
		for (size_t k = 0; k < COUNT(kappas); k++)
			for (size_t w = 0; w < COUNT(workers); w++) {
				struct bench_usl u = { .lambda = 1234, .sigma = sigmas[s], .kappa = kappas[k] };
				double n = workers[w], back, x;

				if (n <= bench_usl_peak(&u)) { /* the smaller root is the one before the peak */
					cr_assert_eq(bench_usl_n_of_x(&u, bench_usl_x(&u, n), &back), 0);
					expect_close(back, n, 1e-6);
				}
				if (u.sigma == 0 && u.kappa == 0)
					continue;
				cr_assert_eq(bench_usl_n_of_latency(&u, bench_usl_latency(&u, n), &back), 0, "%g %g %g", u.sigma, u.kappa, n);
				expect_close(bench_usl_latency(&u, back), bench_usl_latency(&u, n), 1e-9);
				if (n > 1 && u.kappa <= u.sigma)
					expect_close(back, n, 1e-6);
				cr_assert_eq(bench_usl_x_of_latency(&u, bench_usl_latency(&u, n), &x), 0);
				expect_close(x, bench_usl_x(&u, back), 1e-9);
			}
}

Test(usl, inverses__say_when_there_is_none)
{
	struct bench_usl peak = { .lambda = 100, .sigma = 0.1, .kappa = 0.01 }, limit = { .lambda = 100, .sigma = 0.1 }, line = { .lambda = 100 };
	double most = bench_usl_x(&peak, bench_usl_peak(&peak)), n = -1;

	cr_expect_eq(bench_usl_n_of_x(&peak, most * 1.001, &n), -ERANGE);
	cr_expect_eq(bench_usl_n_of_x(&peak, most * 0.999, &n), 0);
	cr_expect_eq(bench_usl_n_of_x(&limit, 1000, &n), -ERANGE, "lambda / sigma is never reached");
	cr_expect_eq(bench_usl_n_of_x(&limit, 999, &n), 0);
	cr_expect_eq(bench_usl_n_of_x(&line, 1e9, &n), 0);
	cr_expect_float_eq(n, 1e7, 1e-3);
	cr_expect_eq(bench_usl_n_of_latency(&peak, 0.009, &n), -ERANGE, "one alone takes longer");
	cr_expect_eq(bench_usl_n_of_latency(&line, 0.02, &n), -ERANGE, "never that long");
	cr_expect_eq(bench_usl_x(&limit, INFINITY), 1000);
	cr_expect_eq(bench_usl_x(&peak, INFINITY), 0);
}

/* ---- made data ------------------------------------------------------------------------------ */

static struct bench_usl made(double lambda, double sigma, double kappa, double noise, uint32_t last, uint32_t times, uint64_t seed)
{
	struct bench_usl truth = { .lambda = lambda, .sigma = sigma, .kappa = kappa };
	struct bench_random random = { seed };
	double n[256], x[256];
	size_t count = 0;

	for (uint32_t w = 1; w <= last; w++)
		for (uint32_t t = 0; t < times; t++, count++) {
			n[count] = w;
			x[count] = bench_usl_x(&truth, w) + noise * lambda * bench_random_normal(&random);
		}
	return fit(n, x, count);
}

/* 100 a second alone, 60 of two: sigma is 2 / 0.6 - 1. Whatever is asked for up to 100, one worker does it. */
Test(usl, workers_that_hinder_each_other__one_is_the_answer)
{
	static const double n[] = { 1, 2 }, x[] = { 100, 60 };
	struct bench_usl u, flat = { .lambda = 100, .sigma = 1 };
	double workers = 0;

	cr_assert_eq(bench_usl_fit(n, x, 2, &u), 0);
	cr_expect_float_eq(u.sigma, 7.0 / 3, 1e-9);
	cr_expect_eq(bench_usl_peak(&u), 1);
	for (double rate = 10; rate <= 100; rate += 10) {
		cr_expect_eq(bench_usl_n_of_x(&u, rate, &workers), 0, "%g", rate);
		cr_expect_eq(workers, 1, "%g workers for %g", workers, rate);
	}
	cr_expect_eq(bench_usl_n_of_x(&u, 101, &workers), -ERANGE);
	cr_expect_eq(bench_usl_n_of_x(&flat, 100, &workers), 0);
	cr_expect_eq(workers, 1);
}

Test(usl, exact_data__gives_its_coefficients_back)
{
	struct bench_usl u = made(4000, 0.03, 0.002, 0, 16, 1, 1);

	expect_close(u.lambda, 4000.0, 1e-9);
	expect_close(u.sigma, 0.03, 1e-7);
	expect_close(u.kappa, 0.002, 1e-7);
	cr_expect_gt(u.r2, 1 - 1e-12);
	cr_expect_eq(u.flags, (uint32_t)BENCH_USL_PEAK_OUTSIDE, "sqrt(.97 / .002) = 22");
	expect_close(bench_usl_peak(&u), 22.0227, 1e-4);
	cr_expect_eq(made(4000, 0.03, 0.02, 0, 16, 1, 1).flags, 0u, "the peak is at 7");
}

/* Of 400 intervals of 95%, 380 hold the truth; 362 or fewer with a probability below .0005. */
Test(usl, intervals__hold_the_truth_as_often_as_they_say)
{
	uint32_t lambda = 0, sigma = 0, kappa = 0, x = 0, sets = 400;
	struct bench_usl truth = { .lambda = 1000, .sigma = 0.05, .kappa = 0.003 };

	for (uint32_t s = 0; s < sets; s++) {
		struct bench_usl u = made(1000, 0.05, 0.003, 0.02, 12, 2, 100 + s);
		struct bench_interval at = bench_usl_x_interval(&u, 20);

		lambda += u.lambda_ci.low <= 1000 && 1000 <= u.lambda_ci.high;
		sigma += u.sigma_ci.low <= 0.05 && 0.05 <= u.sigma_ci.high;
		kappa += u.kappa_ci.low <= 0.003 && 0.003 <= u.kappa_ci.high;
		x += at.low <= bench_usl_x(&truth, 20) && bench_usl_x(&truth, 20) <= at.high;
	}
	cr_log_info("of %u intervals hold the truth: lambda %u, sigma %u, kappa %u, X(20) %u", sets, lambda, sigma, kappa, x);
	cr_expect(lambda >= 363 && lambda <= 396, "%u", lambda);
	cr_expect(sigma >= 363 && sigma <= 396, "%u", sigma);
	cr_expect(kappa >= 363 && kappa <= 396, "%u", kappa);
	cr_expect(x >= 363, "%u", x);
}

/* The truth at the bound: half of all fits are held there, and none goes below. */
Test(usl, noise_at_the_bound__is_held_and_said)
{
	uint32_t held = 0, sets = 200;

	for (uint32_t s = 0; s < sets; s++) {
		struct bench_usl u = made(1000, 0.02, 0, 0.02, 8, 1, 900 + s);

		cr_assert(u.sigma >= 0 && u.kappa >= 0);
		cr_expect_eq(!!(u.flags & BENCH_USL_KAPPA_HELD), u.kappa == 0);
		cr_expect_eq(!!(u.flags & BENCH_USL_NO_PEAK), u.kappa == 0);
		held += u.kappa == 0;
	}
	cr_expect(held > 60 && held < 140, "%u of %u", held, sets);
}

Test(usl, better_than_linear__is_held_at_both)
{
	double n[] = { 1, 2, 4, 8 }, x[] = { 100, 210, 450, 1000 };
	struct bench_usl u = fit(n, x, 4);

	cr_expect_eq(u.sigma, 0);
	cr_expect_eq(u.kappa, 0);
	cr_expect_eq(u.flags & (BENCH_USL_SIGMA_HELD | BENCH_USL_KAPPA_HELD), (uint32_t)(BENCH_USL_SIGMA_HELD | BENCH_USL_KAPPA_HELD));
	/* A line through 0 by least squares: sum(n x) / sum(n n) */
	expect_close(u.lambda, (100 + 420 + 1800 + 8000) / 85.0, 1e-9);
}

Test(usl, rising_data__does_not_place_a_peak)
{
	struct bench_usl u = made(1000, 0.02, 0.0005, 0.005, 6, 3, 5);

	cr_expect(u.flags & (BENCH_USL_PEAK_OUTSIDE | BENCH_USL_NO_PEAK));
}

Test(usl, few_points__fit_less_and_say_so)
{
	double n[] = { 1, 2, 4 }, x[] = { 100, 180, 300 }, again_n[] = { 2, 2, 2 }, again_x[] = { 100, 101, 99 };
	struct bench_usl u;

	cr_expect_eq(bench_usl_fit(n, x, 0, &u), -ENODATA);

	u = fit(n, x, 1);
	cr_expect_eq(u.flags & (BENCH_USL_NO_SIGMA | BENCH_USL_NO_KAPPA | BENCH_USL_NO_INTERVAL),
	             (uint32_t)(BENCH_USL_NO_SIGMA | BENCH_USL_NO_KAPPA | BENCH_USL_NO_INTERVAL));
	expect_close(u.lambda, 100.0, 1e-12);
	cr_expect(isinf(u.sigma_ci.high));

	u = fit(n, x, 2); /* X(2) = 200 / (1 + sigma) = 180 */
	expect_close(u.sigma, 1.0 / 9, 1e-9);
	cr_expect_eq(u.kappa, 0);
	cr_expect(u.flags & BENCH_USL_NO_KAPPA && u.flags & BENCH_USL_NO_INTERVAL && !(u.flags & BENCH_USL_NO_SIGMA));

	u = fit(n, x, 3);
	cr_expect(u.flags & BENCH_USL_NO_INTERVAL && !(u.flags & BENCH_USL_NO_KAPPA));
	cr_expect_lt(fabs(bench_usl_x(&u, 4) - 300), 1e-6, "three coefficients pass through three points");
	cr_expect(isinf(bench_usl_x_interval(&u, 8).high));

	u = fit(again_n, again_x, 3);
	cr_expect(u.flags & BENCH_USL_NO_SIGMA && !(u.flags & BENCH_USL_NO_INTERVAL), "one N thrice: a line, and its error");
	expect_close(u.lambda, 50.0, 1e-12);
	cr_expect(u.lambda_ci.low < 50 && u.lambda_ci.high > 50 && u.lambda_ci.high < 60);
}

Test(usl, wrong_points__are_refused)
{
	double n[] = { 1, 2, 0.5 }, x[] = { 1, 2, 3 }, none[] = { 1, 0, 3 }, nan_x[] = { 1, NAN, 3 }, fine[] = { 1, 2, 3 };
	struct bench_usl u = { .lambda = -7 };

	cr_expect_eq(bench_usl_fit(n, x, 3, &u), -EINVAL);
	cr_expect_eq(bench_usl_fit(fine, none, 3, &u), -EINVAL);
	cr_expect_eq(bench_usl_fit(fine, nan_x, 3, &u), -EINVAL);
	cr_expect_eq(u.lambda, -7, "untouched");
}

Test(usl, order_and_scale__do_not_matter)
{
	double n[COUNT(spec_n)], x[COUNT(spec_n)];
	struct bench_usl a = fit(spec_n, spec_x, COUNT(spec_n)), b;

	for (size_t i = 0; i < COUNT(n); i++) {
		n[i] = spec_n[COUNT(n) - 1 - i];
		x[i] = spec_x[COUNT(n) - 1 - i] * 1e6;
	}
	b = fit(n, x, COUNT(n));
	expect_close(b.lambda, a.lambda * 1e6, 1e-6);
	expect_close(b.sigma, a.sigma, 1e-6);
	expect_close(b.kappa, a.kappa, 1e-6);
}
