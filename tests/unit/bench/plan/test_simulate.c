/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a simulated line is as long as queueing theory says; nobody is lost; one seed, one answer.
 *
 * Means of waits converge slowly at high load, so loads are 0.7 and tolerances some standard errors of fixed seeds.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/plan/simulate.h"
#include "bench/stat/queue.h"

static struct sim_ask asked(uint32_t machines, uint32_t cores, double load, double cs2, uint64_t agents)
{
	return (struct sim_ask){ .machines = machines, .cores = cores, .rate = load * machines * cores / 0.01, .agents = agents, .bursts = 1,
		                 .service_s = 0.01, .cs2 = cs2, .at_once = 1, .seed = 7 };
}

static struct sim_answer run(const struct sim_ask *ask)
{
	struct sim_answer a;
	weft_error err = { 0 };

	cr_assert_eq(sim_run(ask, &a, &err), 0, "%s", err.message);
	cr_expect_eq(a.done, ask->agents, "conservation: all that came have gone");
	return a;
}

static void expect_theory(double load, uint32_t cores, double cs2, double tolerance)
{
	struct sim_ask ask = asked(1, cores, load, cs2, 100000);
	struct bench_queue q = { .rate = ask.rate, .service_s = 0.01, .cs2 = cs2, .ca2 = 1, .servers = cores };
	struct sim_answer a = run(&ask);
	double wait_ms = bench_queue_wait(&q) * 1e3;

	cr_expect_float_eq(a.utilisation, load, 0.01);
	cr_expect_float_eq(a.wait_mean_ms, wait_ms, tolerance * wait_ms, "%u cores, cs2 %g: %g ms, theory %g", cores, cs2, a.wait_mean_ms, wait_ms);
	cr_expect_float_eq(a.added_mean_ms, wait_ms + 10, tolerance * (wait_ms + 10));
	/* Little's law: counted along the way, against the rate times how long they stayed */
	cr_expect_float_eq(a.under_way_mean, a.rate * a.stay_mean_s, 0.01 * a.under_way_mean);
}

Test(simulate, one_server__as_pollaczek_and_khinchine_say)
{
	expect_theory(0.7, 1, 1, 0.06);
	expect_theory(0.7, 1, 0, 0.06);
	expect_theory(0.7, 1, 0.3, 0.06); /* sums of exponentials */
	expect_theory(0.7, 1, 4, 0.12);   /* two exponentials mixed */
}

Test(simulate, many_servers__as_erlang_says)
{
	struct sim_ask ask = asked(1, 8, 0.8, 1, 300000);
	struct bench_queue q = { .rate = ask.rate, .service_s = 0.01, .cs2 = 1, .ca2 = 1, .servers = 8 };
	struct sim_answer a = run(&ask);

	expect_theory(0.7, 2, 1, 0.06);
	expect_theory(0.8, 8, 1, 0.1);
	cr_expect_float_eq(a.wait_ms[SIM_P99], bench_queue_wait_quantile(&q, 0.99) * 1e3, 0.1 * bench_queue_wait_quantile(&q, 0.99) * 1e3);
}

/* The tail of the line where service times differ much: the formula beside the simulation, one core and many. */
static void expect_tail(double load, uint32_t cores, double cs2, double tolerance)
{
	struct sim_ask ask = asked(1, cores, load, cs2, 400000);
	struct bench_queue q = { .rate = ask.rate, .service_s = 0.01, .cs2 = cs2, .ca2 = 1, .servers = cores };
	struct sim_answer a = run(&ask);
	double p99_ms = bench_queue_wait_quantile(&q, 0.99) * 1e3;

	cr_expect_float_eq(a.wait_ms[SIM_P99], p99_ms, tolerance * a.wait_ms[SIM_P99], "load %g, %u cores, cs2 %g: %g ms, formula %g", load, cores, cs2,
	                   a.wait_ms[SIM_P99], p99_ms);
}

Test(simulate, tails__as_the_formula_says)
{
	expect_tail(0.5, 1, 6, 0.1);
	expect_tail(0.8, 1, 6, 0.1);
	expect_tail(0.7, 1, 0, 0.05);
	expect_tail(0.7, 4, 6, 0.17); /* above it: so is Allen and Cunneen's mean for several servers and uneven services */
	expect_tail(0.8, 8, 4, 0.13);
	expect_tail(0.7, 4, 0, 0.15);
}

Test(simulate, waits__are_no_part_of_what_is_added)
{
	struct sim_ask ask = asked(10, 4, 0.01, 0, 5000);
	struct sim_answer a;

	ask.bursts = 6;
	ask.service_s = 1e-3;
	ask.wait_s[0] = 0.2;
	ask.wait_s[1] = 0.005;
	ask.bytes_per_agent = 1048576;
	a = run(&ask);
	cr_expect_float_eq(a.added_ms[SIM_P50], 6, 0.06, "six bursts of a millisecond: %g", a.added_ms[SIM_P50]);
	cr_expect_float_eq(a.stay_mean_s, 0.610 + 0.006, 0.001, "three waits of 200 ms and two of 5: %g", a.stay_mean_s);
	cr_expect_float_eq(a.machine_memory_gb, a.machine_under_way_max / 1024.0, 1e-9);
}

Test(simulate, one_seed__one_answer)
{
	struct sim_ask ask = asked(5, 2, 0.8, 1, 20000);
	struct sim_answer a = run(&ask), b = run(&ask), c;

	ask.seed = 8;
	c = run(&ask);
	a.wall_s = b.wall_s = 0;
	cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
	cr_expect_neq(a.wait_mean_ms, c.wait_mean_ms);
}

Test(simulate, balancing__shortens_lines)
{
	struct sim_ask ask = asked(20, 1, 0.85, 1, 40000);
	double wait_ms[3];

	for (int how = 0; how < 3; how++) {
		ask.balance = (enum sim_balance)how;
		wait_ms[how] = run(&ask).wait_mean_ms;
	}
	cr_expect_lt(wait_ms[SIM_LEAST], wait_ms[SIM_TWO]);
	cr_expect_lt(wait_ms[SIM_TWO], wait_ms[SIM_RANDOM] / 2);
}

Test(simulate, agents_that_come_together__wait_longer)
{
	struct sim_ask ask = asked(4, 4, 0.6, 1, 30000);
	double alone = run(&ask).wait_mean_ms;

	ask.at_once = 50;
	cr_expect_gt(run(&ask).wait_mean_ms, 5 * alone);
}

/* Each way of balancing: those on machines that end begin anew, all end, and none goes where nobody is. */
Test(simulate, failed_machines__lose_nobody)
{
	struct sim_ask ask = asked(10, 2, 0.7, 1, 20000);

	ask.bursts = 4;
	ask.rate /= 4;
	ask.wait_s[0] = ask.wait_s[1] = 0.1;
	ask.fail = 3;
	ask.fail_at_s = 20;
	for (int how = 0; how < 3; how++) {
		struct sim_answer a;

		ask.balance = (enum sim_balance)how;
		a = run(&ask);
		cr_expect_gt(a.lost, 10u, "about 30%% of those under way: %llu", (unsigned long long)a.lost);
		cr_expect_gt(a.added_max_ms, 100, "they began anew, late");
		cr_expect(a.utilisation > 0.7 && a.utilisation < 1.0001, "of those that are left: %g", a.utilisation);
	}
}

Test(simulate, wrong_numbers__are_named)
{
	struct sim_ask good = asked(1, 1, 0.5, 1, 100), ask;
	struct sim_answer a;
	weft_error err;
	struct {
		const char *name;
		size_t at;
		uint32_t value;
	} wrong[] = { { "machines", offsetof(struct sim_ask, machines), 0 }, { "machines", offsetof(struct sim_ask, machines), 1001 },
		      { "cores", offsetof(struct sim_ask, cores), 0 },       { "bursts", offsetof(struct sim_ask, bursts), 0 },
		      { "fail", offsetof(struct sim_ask, fail), 1 } };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask = good;
		memcpy((char *)&ask + wrong[i].at, &wrong[i].value, sizeof(uint32_t));
		err = (weft_error){ 0 };
		cr_expect_eq(sim_run(&ask, &a, &err), -EINVAL);
		cr_expect(strstr(err.message, wrong[i].name) != NULL, "%s", err.message);
	}
	ask = good;
	ask.agents = 0;
	cr_expect_eq(sim_run(&ask, &a, NULL), -EINVAL);
	ask = good;
	ask.rate = NAN;
	cr_expect_eq(sim_run(&ask, &a, NULL), -EINVAL);
}
