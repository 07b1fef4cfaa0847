/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: machines that a hand calculation gives, too; and no answer where the figures do not carry one. */
#include <criterion/criterion.h>

#include "plan_data.h"

static struct plan_data d;
static struct plan_model m;
static struct plan_answer a;

static struct plan_ask asked(double rate)
{
	return (struct plan_ask){ .work = { .model_ms = 200, .tool_ms = 5, .tools = 2, .history = 1000 },
		                  .rate = rate, .headroom = 0.3, .slo_quantile = 0.99, .slo_ms = 50 };
}

static void vm(struct plan_ask *ask, const char *name, double cores, double gb, double usd)
{
	struct plan_vm *v = &ask->vms[ask->vm_count++];

	snprintf(v->name, sizeof(v->name), "%s", name);
	v->cores = cores;
	v->memory_gb = gb;
	v->usd_month = usd;
}

static void answer(const struct plan_ask *ask, const struct plan_truth *t, uint32_t cores)
{
	plan_data_make(&d, t, cores);
	cr_assert_eq(plan_fit(&d, &m), 0);
	plan_answer_make(ask, &d, &m, &a);
}

static bool said(const char (*lines)[256], uint32_t count, const char *what)
{
	for (uint32_t i = 0; i < count; i++)
		if (strstr(lines[i], what))
			return true;
	return false;
}

/* X(4) = 20,000 / (1 + .06 + .012) = 18,657; 70% of it 13,060: 40,000/s are 4 machines, 53.6% busy. */
Test(answer, machines__as_by_hand)
{
	struct plan_ask ask = asked(40000);

	vm(&ask, "four", 4, 16, 100);
	answer(&ask, &plan_truth, 4);
	cr_assert_eq(a.refusal_count, 0u);
	cr_expect_float_eq(a.machines[0].capacity, 18657, 200);
	cr_expect_eq(a.machines[0].count, 4u);
	cr_expect_float_eq(a.machines[0].busy, 0.536, 0.01);
	cr_expect_eq(a.machines[0].usd_month, 400);
	cr_expect_str_eq(a.machines[0].count_by, "processors");
	cr_expect_str_eq(a.machines[0].load_by, "headroom");
	cr_expect(!a.machines[0].extrapolated);
	cr_expect_float_eq(a.cores, 40000 / (18657 / 4.0), 0.1);
	cr_expect(a.cores_ci.low < a.cores && a.cores < a.cores_ci.high);
	cr_expect_eq(a.limit, PLAN_PART_MODEL);
}

/* Little: 1,000/s that stay for 610 ms and a few more; 16 KiB each, and a room of 1,000 messages of 400 bytes. */
Test(answer, memory__by_little)
{
	struct plan_ask ask = asked(1000);

	answer(&ask, &plan_truth, 4);
	cr_expect(a.under_way > 610 && a.under_way < 620, "%g", a.under_way);
	cr_expect_float_eq(a.memory_gb, (10 * 1048576 + a.under_way * 416384) / 1073741824.0, 1e-6);
}

/* L = rate times the mean stay: a few agents that stay very long are under way, too, however short the median is. */
Test(answer, little__is_of_the_mean)
{
	struct plan_ask ask = asked(1000);

	ask.work.model_ms = ask.work.tool_ms = 0;
	plan_data_make(&d, &plan_truth, 4);
	for (uint32_t i = 0; i < d.count; i++)
		if (d.points[i].kind == PLAN_OPEN)
			d.points[i].added_mean_ms = 30;
	cr_assert_eq(plan_fit(&d, &m), 0);
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect_float_eq(a.under_way, 30, 1e-6, "30 ms times 1,000/s, not the median's 1 to 3: %g", a.under_way);
}

Test(answer, memory__asks_for_more_machines_than_processors)
{
	struct plan_ask ask = asked(10000);

	vm(&ask, "thin", 4, 1, 10); /* 6,110 under way are 2.4 GB */
	answer(&ask, &plan_truth, 4);
	cr_expect_eq(a.machines[0].count, 3u);
	cr_expect_str_eq(a.machines[0].count_by, "memory");
	cr_expect_str_eq(a.machines[0].breaks_first, "memory");
	cr_expect_leq(a.machines[0].memory_gb, 0.9);
}

/* All processors busy is a line without end: not a plan of infinitely many agents, and machines for them. */
Test(answer, no_headroom__is_still_a_plan)
{
	struct plan_ask ask = asked(10000);

	ask.headroom = 0;
	ask.slo_ms = 0;
	vm(&ask, "four", 4, 16, 100);
	answer(&ask, &plan_truth, 4);
	cr_expect(a.under_way > 6100 && a.under_way < 20000, "%g", a.under_way);
	cr_expect_eq(a.machines[0].count, 1u, "%u", a.machines[0].count);
	cr_expect_str_eq(a.machines[0].count_by, "processors");
	cr_expect(isfinite(a.added_ms[PLAN_P99]) && isfinite(a.memory_gb));
	cr_expect(said(a.notes, a.note_count, "no headroom"));
}

/* 10 MiB before any agent: 0.01 GB hold none, however many there are; nor is a billion of machines an answer. */
Test(answer, no_number_of_machines__is_refused)
{
	struct plan_ask ask = asked(10000);

	vm(&ask, "tiny", 4, 0.01, 1);
	answer(&ask, &plan_truth, 4);
	cr_expect(a.machines[0].refused && strstr(a.machines[0].reason, "too little"), "%s", a.machines[0].reason);
	cr_expect_eq(a.refusal_count, 1u);
	ask = asked(1e14);
	vm(&ask, "four", 4, 16, 1);
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect(a.machines[0].refused && strstr(a.machines[0].reason, "more than 1000000000"), "%s", a.machines[0].reason);
}

/* 10/s hold 6 agents: 2.4 MB beside the 10 of the process. 0.1 GB last for 33 times that, the processors for 1,866 times. */
Test(answer, memory_that_breaks__is_that_of_agents)
{
	struct plan_ask ask = asked(10);

	ask.slo_ms = 0;
	vm(&ask, "thin", 4, 0.1, 0);
	answer(&ask, &plan_truth, 4);
	cr_expect_str_eq(a.machines[0].breaks_first, "memory");
	cr_expect_float_eq(a.machines[0].breaks_at, (0.09 * 1073741824 - 10 * 1048576) / (a.under_way * 416384), 1e-6);
}

Test(answer, far_machines__are_refused_and_forced)
{
	struct plan_ask ask = asked(10000);

	vm(&ask, "four times", 8, 32, 0);
	vm(&ask, "more", 9, 32, 0);
	answer(&ask, &(struct plan_truth){ .usl = { .lambda = 5000, .sigma = 0.02 }, .spread = 0.01, .base_ms = { 1, 1, 1, 1 } }, 2);
	cr_expect(!a.machines[0].refused && a.machines[0].extrapolated);
	cr_expect(strstr(a.machines[0].reason, "extrapolated") != NULL, "%s", a.machines[0].reason);
	cr_expect(a.machines[1].refused);
	cr_expect(strstr(a.machines[1].reason, "3 cores or more") != NULL, "%s", a.machines[1].reason);
	cr_expect_eq(a.refusal_count, 0u, "one of two is enough for an answer");
	cr_expect(said(a.notes, a.note_count, "coherency is not"), "two numbers of workers");
	ask.force = true;
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect(!a.machines[1].refused && a.machines[1].count == 1);
	cr_expect(a.machines[1].reason[0], "it is said all the same");
}

/* sqrt(.98 / .02) = 7: a machine of 8 cores does less than one of 7. */
Test(answer, beyond_the_peak__is_refused)
{
	struct plan_truth t = plan_truth;
	struct plan_ask ask = asked(10000);

	t.usl.kappa = 0.02;
	vm(&ask, "eight", 8, 32, 0);
	answer(&ask, &t, 6);
	cr_expect(a.machines[0].refused);
	cr_expect(strstr(a.machines[0].reason, "falls beyond") && strstr(a.machines[0].reason, "a guess"), "%s", a.machines[0].reason);
	cr_expect(said(a.notes, a.note_count, "law's peak"));
	cr_expect_eq(a.refusal_count, 1u);
	cr_expect(said(a.refusals, a.refusal_count, "no type of machine"));
}

Test(answer, objective__decides_where_it_is_tight)
{
	struct plan_ask ask = asked(10000);

	ask.slo_ms = 4.2; /* base 4 + 2 g: g = 0.1 */
	vm(&ask, "four", 4, 16, 0);
	answer(&ask, &plan_truth, 4);
	cr_expect_str_eq(a.machines[0].load_by, "latency");
	cr_expect_float_eq(plan_latency_quantile(&m, 0.99, a.machines[0].load, 4), 4.2, 1e-6);
	cr_expect_leq(a.machines[0].latency_ms, 4.2 + 1e-9);
	cr_expect_str_eq(a.machines[0].breaks_first, "the latency objective");
	ask.slo_ms = 3.5; /* an idle machine adds more */
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect(a.machines[0].refused);
	cr_expect(strstr(a.machines[0].reason, "without any load") != NULL, "%s", a.machines[0].reason);
	cr_expect_eq(a.refusal_count, 1u);
}

Test(answer, points_that_scatter__give_none)
{
	struct plan_truth t = plan_truth;
	struct plan_ask ask = asked(10000);

	t.spread = 0.7;
	answer(&ask, &t, 2);
	cr_expect(said(a.refusals, a.refusal_count, "scatter too much"));
	cr_expect_eq(a.machine_count, 0u);
	ask.force = true;
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect_eq(a.machine_count, 1u);
	cr_expect_geq(a.refusal_count, 1u, "forced, and said");
}

/* Two workers are told well enough, and what eight do is not. */
Test(answer, machines_whose_capacity_is_not_told__are_refused)
{
	struct plan_truth t = plan_truth;
	struct plan_ask ask = asked(10000);

	t.spread = 0.15;
	vm(&ask, "two", 2, 8, 0);
	vm(&ask, "eight", 8, 32, 0);
	answer(&ask, &t, 2);
	cr_expect_eq(a.refusal_count, 0u);
	cr_expect(!a.machines[0].refused);
	cr_expect(a.machines[1].refused);
	cr_expect(strstr(a.machines[1].reason, "scatter too much") != NULL, "%s", a.machines[1].reason);
}

/* Turns of the loads, whose p99 differs by so many times from one to the next. */
static void add_turns(double times)
{
	for (uint32_t i = 0; i < d.count; i++)
		for (uint32_t k = 0; d.points[i].kind == PLAN_OPEN && k < 800; k++)
			plan_turn_add(&d.points[i].turns[k % 8], d.points[i].added_ms[PLAN_P99] * pow(times, k % 8 / 7.0 - 0.5) * (k < 16 ? 1 : 0.1));
}

Test(answer, objective_in_a_wide_interval__is_refused)
{
	struct plan_ask ask = asked(10000);

	for (int wide = 0; wide < 2; wide++) {
		plan_data_make(&d, &plan_truth, 4);
		add_turns(wide ? 60 : 1.3);
		cr_assert_eq(plan_fit(&d, &m), 0);
		plan_answer_make(&ask, &d, &m, &a);
		cr_assert(isfinite(a.machines[0].latency_ci.low));
		cr_expect_eq(a.refusal_count, 0u, "50 ms are far above either");
		ask.slo_ms = a.machines[0].latency_ms * 1.05;
		plan_answer_make(&ask, &d, &m, &a);
		cr_expect_eq(a.machines[0].refused, wide, "%s", a.machines[0].reason);
		cr_expect(strstr(a.machines[0].reason, wide ? "too wide" : "lies within the interval") != NULL, "%s", a.machines[0].reason);
		ask.slo_ms = 50;
	}
}

Test(answer, a_host_that_was_not_free__gives_none)
{
	struct plan_ask ask = asked(10000);

	plan_data_make(&d, &plan_truth, 2);
	for (uint32_t i = 0; i < d.count; i++)
		d.points[i].busy = 0.3;
	cr_assert_eq(plan_fit(&d, &m), 0);
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect(said(a.refusals, a.refusal_count, "30% of their cores"));
	for (uint32_t i = 0; i < d.count; i++)
		d.points[i].busy = 0.7;
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect_eq(a.refusal_count, 0u);
	cr_expect(said(a.notes, a.note_count, "70% of their cores"));
}

Test(answer, what_is_not_measured__is_not_planned_for)
{
	struct plan_ask ask = asked(1000);

	d = (struct plan_data){ .cores = 1, .memory_gb = 4, .wait_scale = 1, .source = "a test" };
	plan_data_add(&d, PLAN_CLOSED, 1)->cpu_us = 100;
	cr_assert_eq(plan_fit(&d, &m), 0);
	plan_answer_make(&ask, &d, &m, &a);
	cr_expect_eq(a.machines[0].count, 1u);
	cr_expect_eq(a.machines[0].count_high, 0u, "no interval");
	cr_expect(isinf(a.cores_ci.high));
	cr_expect(isnan(a.machines[0].latency_ms));
	cr_expect(said(a.notes, a.note_count, "no latency") && said(a.notes, a.note_count, "no memory") && said(a.notes, a.note_count, "too few points"));
}
