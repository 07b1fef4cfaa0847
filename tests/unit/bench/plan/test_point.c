/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a real point, short: agents come at their rate, wait as long as they should, call their tools, and all end. */
#include <criterion/criterion.h>

#include <math.h>

#include "bench/plan/plan.h"

static struct plan_run short_run(bool inside)
{
	return (struct plan_run){ .work = { .model_ms = 20, .tool_ms = 3, .tools = 2, .history = 30, .inline_model = inside }, .workers = 1, .cores = 2,
		                  .servers = inside ? 0 : 1, .lead_s = 0.05, .warm_s = 0.1, .window_s = 0.3, .seed = 3 };
}

/* Again when nobody ended in a window: the machine stood still for all of it. */
static void run_points(const struct plan_run *run, uint32_t count, struct plan_point *p)
{
	bool good = false;

	for (int tries = 0; tries < 20 && !good; tries++) {
		plan_point_run(run, p);
		good = true;
		for (uint32_t i = 0; i < count; i++)
			good = good && !p[i].error[0];
	}
	for (uint32_t i = 0; i < count; i++)
		cr_assert_str_eq(p[i].error, "");
}

static void expect_open(bool inside)
{
	struct plan_run run = short_run(inside);
	struct plan_point p[2];

	run.load[0] = (struct plan_load){ PLAN_OPEN, 200 };
	run.load[1] = (struct plan_load){ PLAN_VERIFY, 400 };
	run.loads = 2;
	run.cycles = 2;
	run.window_s = 0.15;
	run_points(&run, 2, p);
	for (int i = 0; i < 2; i++) {
		double due = run.load[i].rate * 0.3; /* in both turns: Poisson, so within five deviations with any seed */

		cr_expect_eq(p[i].kind, run.load[i].kind);
		cr_expect_eq(p[i].offered_per_s, run.load[i].rate);
		cr_expect(fabs((double)p[i].done - due) < 5 * sqrt(due), "%llu of %g", (unsigned long long)p[i].done, due);
		cr_expect_eq(p[i].failed, 0u);
		cr_expect_geq(p[i].added_ms[PLAN_P50], 0);
		cr_expect_leq(p[i].added_ms[PLAN_P50], p[i].added_ms[PLAN_P99]);
		cr_expect_leq(p[i].added_ms[PLAN_P999], p[i].added_max_ms);
		cr_expect_gt(p[i].cpu_us, 0);
		cr_expect(p[i].own_share >= 0 && p[i].own_share <= 1);
	}
}

Test(point, open__inside)
{
	expect_open(true);
}

Test(point, open__over_http)
{
	expect_open(false);
}

/* Closed: about as many a second as are under way over how long one stays. */
Test(point, closed__keeps_as_many_under_way)
{
	struct plan_run run = short_run(true);
	struct plan_point p;

	run.kind = PLAN_CLOSED;
	run.under_way = 32;
	run_points(&run, 1, &p);
	cr_expect_gt(p.done_per_s, 0);
	cr_expect_leq(p.done_per_s, 32 / 0.066 * 1.1, "none stays shorter than its waits: %g", p.done_per_s);
	cr_expect_eq(p.under_way, 32);
}

Test(point, a_rate_that_nobody_holds__is_an_error_or_late)
{
	struct plan_run run = short_run(true);
	struct plan_point p;

	run.work.model_ms = 0;
	run.work.tool_ms = 0;
	run.load[0] = (struct plan_load){ PLAN_OPEN, 5e5 };
	run.loads = run.cycles = 1;
	run.lead_s = 0;
	run.warm_s = 0.01;
	run.window_s = 0.03;
	plan_point_run(&run, &p);
	cr_expect(p.error[0] || p.added_ms[PLAN_P99] > 1, "p99 %g ms at half a million a second", p.added_ms[PLAN_P99]);
}
