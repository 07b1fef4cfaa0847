/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: quantiles as counted by hand, of each load and turn its own agents, and none of those that a stall reached without it. */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>

#include "bench/plan/work.h"

#define MS UINT64_C(1000000)
#define EACH 1000u

/* Two loads, two turns, two workers. Turn t of load l is the second 2 t + l; each has 1,000 agents, one a millisecond. */
static struct plan_run run;
static struct plan_phase phases[4];
static struct plan_ended agents[2][2 * EACH];
static struct plan_driver_sum sums[2];

static struct plan_seen seen(void)
{
	run = (struct plan_run){ .work = { .model_ms = 10 }, .workers = 2, .loads = 2, .cycles = 2 };
	for (uint32_t i = 0; i < 4; i++)
		phases[i] = (struct plan_phase){ 1000, i * 1000 * MS, (i + 1) * 1000 * MS, (i + 1) * 1000 * MS };
	sums[0] = (struct plan_driver_sum){ .agents = agents[0] };
	sums[1] = (struct plan_driver_sum){ .agents = agents[1] };
	for (uint32_t i = 0; i < 4 * EACH; i++) { /* in turn: worker 0, worker 1; added is 0.01, 0.02, .. 10 ms, ten times as much in the second turn */
		struct plan_driver_sum *s = &sums[i & 1];
		double at = (i * 7) % EACH + 1; /* 7 and 1,000 have no divisor in common: each once */

		s->agents[s->agent_count++] = (struct plan_ended){ i * MS, at / 100 * (i < 2 * EACH ? 1 : 10), i / EACH };
	}
	return (struct plan_seen){ .run = &run, .phases = phases, .sums = sums };
}

Test(added, quantiles__are_of_all_turns_of_a_load)
{
	struct plan_point p = { .done_per_s = 1000, .busy = 0.5 };
	struct plan_seen s = seen();

	cr_assert_eq(plan_added_sum(&s, 1, &p), 0);
	cr_expect_eq(p.done, 2 * EACH);
	cr_expect_float_eq(plan_turn_quantile(&p.turns[0], 0.99), 9.9, 0.6, "of the first turn alone; a bucket is 12%% wide");
	cr_expect_float_eq(plan_turn_quantile(&p.turns[1], 0.99), 99, 6);
	cr_expect_float_eq(p.added_ms[PLAN_P99], 98, 1e-9, "20 of 2,000 take longer: 98.1 to 100 ms");
	cr_expect_float_eq(p.added_max_ms, 100, 1e-9);
	cr_expect_float_eq(p.added_mean_ms, (5.005 + 50.05) / 2, 1e-9);
	cr_expect_float_eq(p.under_way, 10 + p.added_mean_ms, 1e-9, "Little's law: 1,000 a second, of whom each waits 10 ms");
	cr_expect_eq(p.own_share, 0, "stalls were not watched");
}

/* A stall of 100 ms that ended at 1.5 s, at half a load: it reaches from 1.4 to 1.6 s. */
Test(added, agents_that_met_a_stall__are_not_own)
{
	const struct plan_stall stall[] = { { 1500 * MS, 100 * MS, PLAN_WORKERS }, { 1900 * MS, 2 * MS, PLAN_ENDPOINTS } };
	struct plan_point p = { .done_per_s = 1000, .busy = 0.5, .own_ms = { NAN, NAN, NAN, NAN } };
	struct plan_seen s = seen();
	double own;

	s.stalls = stall;
	s.stall_count = 2;
	s.watched[PLAN_WORKERS] = 2;
	s.watched[PLAN_ENDPOINTS] = 1;
	cr_assert_eq(plan_added_sum(&s, 1, &p), 0);
	own = p.own_share * 2 * EACH; /* they last for 10 ms and up to 10 more */
	cr_expect(own <= 2 * EACH - 200 - 10 - 4 && own >= 2 * EACH - 200 - 20 - 4 - 20 - 4, "%g", own);
	cr_expect(p.own_ms[PLAN_P99] > 0 && p.own_mean_ms > 0);
	cr_expect_eq(p.stalls[PLAN_WORKERS].seconds, 4, "two threads, two turns");
	cr_expect_eq(plan_stalls_per_s(&p.stalls[PLAN_WORKERS]), 0.25);
	cr_expect_eq(plan_stalls_per_s(&p.stalls[PLAN_ENDPOINTS]), 0.5);
}

Test(added, stalls_all_the_time__leave_no_own)
{
	struct plan_stall stalls[400];
	struct plan_point p = { .done_per_s = 1000, .busy = 0.5, .own_mean_ms = NAN, .own_ms = { NAN, NAN, NAN, NAN } };
	struct plan_seen s = seen();

	for (uint32_t i = 0; i < 400; i++)
		stalls[i] = (struct plan_stall){ (10 * i + 5) * MS, 5 * MS, PLAN_WORKERS };
	s.stalls = stalls;
	s.stall_count = 400;
	s.watched[PLAN_WORKERS] = 2;
	cr_assert_eq(plan_added_sum(&s, 0, &p), 0);
	cr_expect_eq(p.own_share, 0);
	cr_expect(isnan(p.own_ms[PLAN_P99]) && isnan(p.own_mean_ms));
	cr_expect_float_eq(plan_stalls_share(&p.stalls[PLAN_WORKERS]), 0.25, 0.01, "half of the time, of one of two threads");
}

Test(added, nobody__is_said)
{
	struct plan_point p = { .done_per_s = 1000 };
	struct plan_seen s = seen();

	sums[0].agent_count = sums[1].agent_count = 0;
	cr_expect_eq(plan_added_sum(&s, 0, &p), -ENODATA);
}
