/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: from points made from a known law, the law; from bad points, nothing that looks like one. */
#include <criterion/criterion.h>

#include <errno.h>

#include "plan_data.h"

static struct plan_data d;

Test(fit, law__comes_back)
{
	struct plan_model m;

	plan_data_make(&d, &plan_truth, 8);
	cr_assert_eq(plan_fit(&d, &m), 0);
	cr_expect_float_eq(m.usl.lambda, 5000, 50);
	cr_expect_float_eq(m.usl.sigma, 0.02, 0.005);
	cr_expect_float_eq(m.usl.kappa, 0.001, 0.0005);
	cr_expect(m.usl.lambda_ci.low < 5000 && 5000 < m.usl.lambda_ci.high);
	cr_expect(m.has_latency && m.has_memory && m.has_parts);
	cr_expect_eq(m.bytes_per_agent, 16384);
	cr_expect_float_eq(m.rate_max, bench_usl_x(&plan_truth.usl, 8) * 1.01, 1);
}

Test(fit, oversubscribed_and_failed_points__are_left_out)
{
	struct plan_model with, without;
	struct plan_point *p;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &without), 0);
	p = plan_data_add(&d, PLAN_CLOSED, 8);
	p->cpu_us = 9000; /* of 200: workers in each other's way */
	p = plan_data_add(&d, PLAN_CLOSED, 2);
	strcpy(p->error, "it failed");
	cr_assert_eq(plan_fit(&d, &with), 0);
	cr_expect_eq(with.usl.lambda, without.usl.lambda);
	cr_expect_eq(with.usl.points, without.usl.points);
}

Test(fit, nothing__is_no_model)
{
	struct plan_model m = { .rate_max = -7 };

	d = (struct plan_data){ .cores = 2 };
	cr_expect_eq(plan_fit(&d, &m), -ENODATA);
	strcpy(plan_data_add(&d, PLAN_CLOSED, 1)->error, "it failed");
	cr_expect_eq(plan_fit(&d, &m), -ENODATA);
	cr_expect_eq(m.rate_max, -7, "untouched");
}

/* c = 1: load / (1 - load); c = 2, half loaded: C = 1/3, over 2 (1 - 1/2). */
Test(fit, wait_factor__is_of_m_m_c)
{
	cr_expect_float_eq(plan_wait_factor(0.8, 1), 4, 1e-12);
	cr_expect_float_eq(plan_wait_factor(0.5, 2), 1.0 / 3, 1e-12);
	cr_expect_eq(plan_wait_factor(0, 4), 0);
	cr_expect(isinf(plan_wait_factor(1, 4)));
	cr_expect(plan_wait_factor(0.8, 8) < plan_wait_factor(0.8, 2), "more servers, a shorter line");
}

Test(fit, latency__comes_back_and_grows_with_load)
{
	struct plan_model m;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &m), 0);
	for (int q = 0; q < PLAN_QUANTILES; q++) { /* the load is by the fitted law, a little off the true one */
		cr_expect_float_eq(m.latency[q].base_ms, plan_truth.base_ms[q], 0.05 * plan_truth.base_ms[q]);
		cr_expect_float_eq(m.latency[q].slope_ms, plan_truth.slope_ms[q], 0.05 * plan_truth.slope_ms[q]);
	}
	cr_expect_float_eq(plan_latency_at(&m, PLAN_P99, 0.5, 1), 6, 0.2);
	cr_expect(isinf(plan_latency_at(&m, PLAN_P99, 1, 1)));
}

/* Two thirds ended: the line grew all the time, and its length is that of the run. */
Test(fit, rates_that_were_not_held__are_left_out)
{
	struct plan_model with, without;
	struct plan_point *p;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &without), 0);
	p = plan_data_add(&d, PLAN_OPEN, 1);
	p->offered_per_s = 4500;
	p->done_per_s = 3000;
	p->cpu_us = 300;
	p->added_ms[PLAN_P50] = p->added_ms[PLAN_P99] = 2000;
	cr_assert_eq(plan_fit(&d, &with), 0);
	cr_expect_eq(with.latency[PLAN_P99].slope_ms, without.latency[PLAN_P99].slope_ms);
	cr_expect_eq(with.latency_busy_max, without.latency_busy_max);
}

/* Of three runs of a load one met a neighbour. */
Test(fit, a_disturbed_run__does_not_move_the_latency)
{
	struct plan_model with, without;
	struct plan_point *p;
	uint32_t first;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &without), 0);
	first = d.count - 3;
	for (uint32_t i = 0; i < 3; i++)
		for (int round = 0; round < 2; round++) {
			p = plan_data_add(&d, PLAN_OPEN, 1);
			*p = d.points[first + i];
			p->added_ms[PLAN_P99] *= round ? 1 : 40;
		}
	cr_assert_eq(plan_fit(&d, &with), 0);
	cr_expect_float_eq(with.latency[PLAN_P99].slope_ms, without.latency[PLAN_P99].slope_ms, 1e-9);
	cr_expect_float_eq(with.latency[PLAN_P99].base_ms, without.latency[PLAN_P99].base_ms, 1e-9);
}

Test(fit, median_point__is_of_the_runs_that_came_out)
{
	struct plan_point runs[4] = { { .done_per_s = 10, .busy = 0.1, .error = "it failed" }, { .done_per_s = 30, .busy = 0.5 },
		                      { .done_per_s = 20, .busy = 0.7 }, { .done_per_s = 90, .busy = 0.6 } };
	const struct plan_point *const of[4] = { &runs[0], &runs[1], &runs[2], &runs[3] };
	struct plan_point p;

	plan_point_median(of, 4, &p);
	cr_expect_eq(p.done_per_s, 30);
	cr_expect_eq(p.busy, 0.6);
	cr_expect_str_eq(p.error, "");
	runs[1].added_ms[PLAN_P99] = 5;
	runs[2].added_ms[PLAN_P99] = 80;
	plan_point_median(of, 3, &p);
	cr_expect_eq(p.done_per_s, 25, "two runs: in the middle");
	cr_expect_eq(p.added_ms[PLAN_P99], 42.5);
	plan_point_median(of, 1, &p);
	cr_expect_str_eq(p.error, "it failed");
}

/* The first run of a load was killed, the second was not: the load counts, as it does when the points come from a file. */
Test(fit, a_load_whose_first_run_failed__counts)
{
	struct plan_model with, without;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &without), 0);
	for (uint32_t i = 0, count = d.count; i < count; i++)
		if (d.points[i].kind == PLAN_OPEN) {
			d.points[d.count++] = d.points[i];
			strcpy(d.points[i].error, "killed by signal 9");
		}
	cr_assert_eq(plan_fit(&d, &with), 0);
	cr_expect(with.has_latency);
	cr_expect_float_eq(with.latency[PLAN_P99].slope_ms, without.latency[PLAN_P99].slope_ms, 1e-9);
	for (uint32_t i = 0; i < d.count; i++)
		if (d.points[i].kind == PLAN_OPEN)
			strcpy(d.points[i].error, "killed by signal 9");
	cr_assert_eq(plan_fit(&d, &with), 0);
	cr_expect(!with.has_latency, "all of them failed");
}

Test(fit, other_quantiles__lie_between)
{
	struct plan_model m;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &m), 0);
	cr_expect_eq(plan_latency_quantile(&m, 0.99, 0.5, 1), plan_latency_at(&m, PLAN_P99, 0.5, 1));
	cr_expect_gt(plan_latency_quantile(&m, 0.95, 0.5, 1), plan_latency_at(&m, PLAN_P90, 0.5, 1));
	cr_expect_lt(plan_latency_quantile(&m, 0.95, 0.5, 1), plan_latency_at(&m, PLAN_P99, 0.5, 1));
	cr_expect_eq(plan_latency_quantile(&m, 0.1, 0.5, 1), plan_latency_at(&m, PLAN_P50, 0.5, 1));
	cr_expect_float_eq(plan_latency_quantile(&m, 0.9999, 0.5, 1),
	                   2 * plan_latency_at(&m, PLAN_P999, 0.5, 1) - plan_latency_at(&m, PLAN_P99, 0.5, 1), 1e-9, "a decade further");
	cr_expect(isinf(plan_latency_quantile(&m, 0.9999, 1, 1)) && isinf(plan_latency_quantile(&m, 0.95, 1, 1)));
	m.latency[PLAN_P999] = (struct plan_latency){ 1, 0 }; /* below p99: nothing to go on along */
	cr_expect_eq(plan_latency_quantile(&m, 0.9999, 0.5, 1), 1);
}

/* It fell with load, as on a machine that wakes slowly when idle: no negative slope, which would promise less and less. */
Test(fit, latency_that_falls__is_taken_for_level)
{
	struct plan_truth t = plan_truth;
	struct plan_model m;

	t.slope_ms[PLAN_P99] = -0.5;
	plan_data_make(&d, &t, 4);
	cr_assert_eq(plan_fit(&d, &m), 0);
	cr_expect_eq(m.latency[PLAN_P99].slope_ms, 0);
	cr_expect(m.latency[PLAN_P99].base_ms > 1.9 && m.latency[PLAN_P99].base_ms < 4);
}

Test(fit, parts__are_what_leaving_them_out_saves)
{
	struct plan_model m;

	plan_data_make(&d, &plan_truth, 2);
	cr_assert_eq(plan_fit(&d, &m), 0);
	cr_expect_float_eq(m.part_us[PLAN_PART_MODEL], 140, 3);
	cr_expect_float_eq(m.part_us[PLAN_PART_STORE], 20, 0.1);
	cr_expect_float_eq(m.part_us[PLAN_PART_REST], 40, 0.1);
}

Test(fit, check__compares_with_what_was_measured)
{
	struct plan_point p = { .kind = PLAN_VERIFY, .workers = 1, .offered_per_s = 3000, .done_per_s = 2900, .busy = 0.63 };
	struct plan_model m;
	struct plan_check c;

	plan_data_make(&d, &plan_truth, 4);
	cr_assert_eq(plan_fit(&d, &m), 0);
	p.added_ms[PLAN_P99] = 1.2 * plan_latency_at(&m, PLAN_P99, 3000 / bench_usl_x(&m.usl, 1), 1);
	plan_check_make(&m, &p, &c);
	cr_expect_float_eq(c.done_error, -1.0 / 30, 1e-9);
	cr_expect_float_eq(c.p99_error, 0.2, 1e-9);
	cr_expect_eq(c.verdict, PLAN_OK);
	p.added_ms[PLAN_P99] *= 1.1;
	plan_check_make(&m, &p, &c);
	cr_expect_eq(c.verdict, PLAN_MISSED_LATENCY);
	p.done_per_s = 2600;
	plan_check_make(&m, &p, &c);
	cr_expect_eq(c.verdict, PLAN_MISSED_THROUGHPUT);
	strcpy(p.error, "it failed");
	plan_check_make(&m, &p, &c);
	cr_expect_eq(c.verdict, PLAN_FAILED, "what failed is not good");
}

/* Off by 40%: a miss, unless it lies inside an interval that says something. */
Test(fit, check__knows_its_interval)
{
	struct plan_check c = { .done_error = 0.01, .p99_error = 0.4, .own_error = NAN, .measured = { .added_ms = { 5, 10, 14, 20 } }, .p99_ci = { 8, 13 } };

	cr_expect_eq(plan_check_judge(&c), PLAN_MISSED_LATENCY);
	c.p99_ci.high = 15;
	cr_expect_eq(plan_check_judge(&c), PLAN_INSIDE);
	c.p99_ci.low = 3;
	cr_expect_eq(plan_check_judge(&c), PLAN_UNTOLD, "five times: everything lies in there");
	c.p99_error = -0.2;
	cr_expect_eq(plan_check_judge(&c), PLAN_OK, "near all the same");
	c.p99_error = 0.4;
	c.p99_ci = (struct bench_interval){ NAN, NAN };
	cr_expect_eq(plan_check_judge(&c), PLAN_MISSED_LATENCY);
	c.done_error = 0.2;
	cr_expect_eq(plan_check_judge(&c), PLAN_MISSED_THROUGHPUT);
	c.done_error = c.p99_error = NAN;
	cr_expect_eq(plan_check_judge(&c), PLAN_MISSED_THROUGHPUT, "what is not known is not good");
}

/* One load met half of the stalls that it should have. The line lies as far above it as below the others, counted in factors. */
Test(fit, line__does_not_trust_the_luckiest_load)
{
	const double g[3] = { 0.25, 1, 4 }, y[3] = { 10, 5, 10 };
	struct plan_latency l = plan_latency_line(g, y, 3);
	double off = 0;

	for (int i = 0; i < 3; i++)
		off += log(y[i] / (l.base_ms + l.slope_ms * g[i]));
	cr_expect_float_eq(off, 0, 1e-9);
	cr_expect_gt(l.base_ms + l.slope_ms, 7, "%g", l.base_ms + l.slope_ms);
}

Test(fit, line__comes_back)
{
	const double g[4] = { 0.25, 0.5, 1, 4 };

	for (int i = 0; i < 4; i++) {
		double base = i == 0 ? 0 : i, slope = i == 1 ? 0 : 2 * i + 1, y[4];
		struct plan_latency l;

		for (int k = 0; k < 4; k++)
			y[k] = base + slope * g[k];
		l = plan_latency_line(g, y, 4);
		cr_expect_float_eq(l.base_ms, base, 1e-4, "%g, not %g", l.base_ms, base);
		cr_expect_float_eq(l.slope_ms, slope, 1e-4, "%g, not %g", l.slope_ms, slope);
	}
}

/* Service of 0.2 ms whose mean wait grows as for cs2 4: (1 + 4) / 2 of it times the wait factor. */
Test(fit, variation__is_told_by_the_mean_wait)
{
	struct plan_model m;

	plan_data_make(&d, &plan_truth, 4);
	for (uint32_t i = 0; i < d.count; i++)
		if (d.points[i].kind == PLAN_OPEN)
			d.points[i].added_mean_ms = 0.3 + 0.2 * 2.5 * plan_wait_factor(d.points[i].offered_per_s / plan_truth.usl.lambda, 1);
	cr_assert_eq(plan_fit(&d, &m), 0);
	cr_expect_float_eq(m.cs2, 4, 0.3, "%g", m.cs2);
	cr_expect(isnan(m.own_cs2));
}
