/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: waiting in line, beside what closed formulas say. */
#include <criterion/criterion.h>

#include <math.h>

#include "bench/stat/gamma.h"
#include "bench/stat/queue.h"
#include "bench/stat/random.h"
#include "bench/stat/quantile.h"

/* The sum over the states, as any textbook defines it; python3, in floating point. */
Test(queue, erlang_c__as_defined)
{
	cr_expect_float_eq(bench_erlang_c(1, 0.7), 0.7, 1e-14);
	cr_expect_float_eq(bench_erlang_c(2, 1), 1.0 / 3, 1e-14);
	cr_expect_float_eq(bench_erlang_c(10, 8), 0.4091801507964435, 1e-12);
	cr_expect_float_eq(bench_erlang_c(64, 60), 0.5068662709757634, 1e-12);
	cr_expect_eq(bench_erlang_c(4, 0), 0);
	cr_expect_eq(bench_erlang_c(4, 4), 1);
	cr_expect_eq(bench_erlang_c(4, 9), 1);
	cr_expect(isfinite(bench_erlang_c(64000, 63900)), "very many servers");
}

/* M/M/1: W = rho / (mu - lambda); M/D/1: half of it; M/G/1: (1 + cs2) / 2 of it (Pollaczek and Khinchine). */
Test(queue, one_server__waits_as_pollaczek_and_khinchine_say)
{
	struct bench_queue q = { .rate = 80, .service_s = 0.01, .cs2 = 1, .ca2 = 1, .servers = 1 };

	cr_expect_float_eq(bench_queue_utilisation(&q), 0.8, 1e-14);
	cr_expect_float_eq(bench_queue_wait(&q), 0.04, 1e-14);
	q.cs2 = 0;
	cr_expect_float_eq(bench_queue_wait(&q), 0.02, 1e-14);
	q.cs2 = 5;
	cr_expect_float_eq(bench_queue_wait(&q), 0.12, 1e-14);
}

Test(queue, too_much__waits_for_ever)
{
	struct bench_queue q = { .rate = 200, .service_s = 0.01, .cs2 = 1, .ca2 = 1, .servers = 2 };
	double service[] = { 0.01 };

	cr_expect(isinf(bench_queue_wait(&q)));
	cr_expect_eq(bench_queue_wait_tail(&q, 100), 1);
	cr_expect(isinf(bench_queue_wait_quantile(&q, 0.5)));
	cr_expect(isinf(bench_queue_response_quantile(&q, service, 1, 0.5)));
}

/* M/M/c: P(W > t) = C exp(-(c mu - lambda) t). */
Test(queue, tail__is_that_of_m_m_c)
{
	struct bench_queue q = { .rate = 800, .service_s = 0.01, .cs2 = 1, .ca2 = 1, .servers = 10 };
	double c = 0.4091801507964435;

	cr_expect_float_eq(bench_queue_wait_tail(&q, 0), c, 1e-12);
	cr_expect_float_eq(bench_queue_wait_tail(&q, 0.01), c * exp(-2), 1e-12);
	cr_expect_float_eq(bench_queue_wait_quantile(&q, 0.99), log(c / 0.01) / 200, 1e-12);
	cr_expect_eq(bench_queue_wait_quantile(&q, 0.5), 0, "more than half do not wait");
	cr_expect_float_eq(bench_queue_wait_tail(&q, bench_queue_wait_quantile(&q, 0.9)), 0.1, 1e-12);
}

/* erfc(sqrt x) for k = 1/2, Poisson sums for whole k; python3, math.erfc and math.exp. */
Test(queue, gamma_tail__as_defined)
{
	cr_expect_float_eq(bench_gamma_tail(0.5, 2), 0.045500263896358396, 1e-14);
	cr_expect_float_eq(bench_gamma_tail(3, 3), 0.42319008112684353, 1e-14);
	cr_expect_float_eq(bench_gamma_tail(3, 20), 4.555149505589213e-07, 1e-19);
	cr_expect_float_eq(bench_gamma_tail(1, 7), exp(-7), 1e-16);
	cr_expect_float_eq(bench_gamma_tail(900, 900), 0.495567280701118, 1e-12, "%.13f", bench_gamma_tail(900, 900));
	cr_expect_eq(bench_gamma_tail(2, 0), 1);
	cr_expect_eq(bench_gamma_tail(2, 1e6), 0);
}

/* Exact quantiles of the wait in units of the service, p90, p99 and p99.9; python3, in rationals or 80 digits. */
static const struct {
	double load, cs2, wait[3], tolerance;
} exact[] = {
	/* M/D/1, by the finite sum over the states (Erlang 1909) */
	{ 0.5, 0, { 1.51574, 3.33626, 5.16839 }, 0.05 },
	{ 0.8, 0, { 5.01151, 10.35589, 15.70027 }, 0.03 },
	/* M/H2/1, balanced means: two exponentials whose rates solve a quadratic */
	{ 0.5, 6, { 12.15889, 34.68873, 57.21858 }, 0.065 },
	{ 0.8, 6, { 38.90435, 85.25695, 131.60955 }, 0.045 },
};

Test(queue, tail__is_about_that_of_m_d_1_and_m_h2_1)
{
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		struct bench_queue q = { .rate = exact[i].load, .service_s = 1, .cs2 = exact[i].cs2, .ca2 = 1, .servers = 1 };

		for (int k = 0; k < 3; k++) {
			double p = 1 - pow(10, -k - 1), got = bench_queue_wait_quantile(&q, p);

			cr_expect_float_eq(got, exact[i].wait[k], exact[i].tolerance * exact[i].wait[k], "load %g, cs2 %g, p%g: %g, exact %g", exact[i].load,
			                   exact[i].cs2, 100 * p, got, exact[i].wait[k]);
		}
	}
}

/* E W^2 of M/H2/1 with load 1/2 and cs2 6 is 66.5 (Takacs): of those who wait, 133 over 7 squared, less 1. */
Test(queue, wait__varies_as_the_third_moment_says)
{
	struct bench_queue q = { .rate = 0.5, .service_s = 1, .cs2 = 6, .ca2 = 1, .servers = 1 };

	cr_expect_float_eq(bench_queue_wait_cv2(&q), 133.0 / 49 - 1, 1e-12);
	q.cs3 = 126;
	cr_expect_float_eq(bench_queue_wait_cv2(&q), 133.0 / 49 - 1, 1e-12);
	q.cs3 = 252;
	cr_expect_gt(bench_queue_wait_cv2(&q), 2);
	q = (struct bench_queue){ .rate = 3, .service_s = 1, .cs2 = 1, .ca2 = 1, .servers = 4 };
	cr_expect_float_eq(bench_queue_wait_cv2(&q), 1, 1e-12, "M/M/c");
}

/* M/M/1: the response is exponential with mu - lambda: its p99 is ln 100 / (mu - lambda). */
Test(queue, response__of_m_m_1_is_exponential)
{
	struct bench_queue q = { .rate = 70, .service_s = 0.01, .cs2 = 1, .ca2 = 1, .servers = 1 };
	static double service[20000];
	double p99;

	for (int i = 0; i < 20000; i++) /* quantiles of the exponential distribution */
		service[i] = -0.01 * log(1 - (i + 0.5) / 20000);
	p99 = bench_queue_response_quantile(&q, service, 20000, 0.99);
	cr_expect_float_eq(p99, log(100) / 30, 0.01 * log(100) / 30, "%g", p99);
}

Test(queue, response__without_load_is_the_service)
{
	struct bench_queue q = { .rate = 1e-9, .service_s = 0.01, .cs2 = 0, .ca2 = 1, .servers = 4 };
	double service[] = { 0.01, 0.01, 0.01, 0.02 };

	cr_expect_float_eq(bench_queue_response_quantile(&q, service, 4, 0.7), 0.01, 1e-9);
	cr_expect_float_eq(bench_queue_response_quantile(&q, service, 4, 0.99), 0.02, 1e-9);
}

Test(queue, little__counts_who_is_there)
{
	cr_expect_float_eq(bench_little(10000, 0.61), 6100, 1e-9);
}
