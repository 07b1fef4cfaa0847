/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/turns.c - how far a p99 can be trusted.
 *
 * Agents that come together meet the same stall, so a thousand of them are not a thousand witnesses. Turns are: they lie
 * seconds apart. So turns are drawn with repetition (a block bootstrap; Kuensch 1989), the line is fitted to what they
 * give together, and once more, and so on: as these lines are off the one that was fitted, that is off the truth (the basic
 * bootstrap of Davison and Hinkley 1997, 5.2). What a further measurement finds is off the truth by as much as one more draw.
 *
 * Few turns say little about how turns differ: the interval is widened by what Student's t asks for so few, as in
 * bench/stat/bootstrap.c, here in logarithms, since times are stretched and not moved.
 */
#include <math.h>

#include "bench/plan/plan.h"
#include "bench/stat/quantile.h"
#include "bench/stat/random.h"
#include "bench/stat/student.h"

#define BUCKET_MS 0.02   /* the first ends here, */
#define BUCKET_GROWS 1.12 /* and each further one so many times later: the last at half a minute */
#define TURNS_MAX (PLAN_POINTS_MAX * PLAN_CYCLES_MAX)
#define TURNS_MIN 4u
#define SEED 1u

void plan_turn_add(struct plan_turn *t, double ms)
{
	double at = ms > BUCKET_MS ? ceil(log(ms / BUCKET_MS) / log(BUCKET_GROWS)) : 0;

	t->agents[at < PLAN_BUCKETS ? (uint32_t)at : PLAN_BUCKETS - 1]++;
}

static double edge_ms(uint32_t bucket)
{
	return BUCKET_MS * pow(BUCKET_GROWS, bucket);
}

static uint64_t agents(const struct plan_turn *t)
{
	uint64_t n = 0;

	for (uint32_t b = 0; b < PLAN_BUCKETS; b++)
		n += t->agents[b];
	return n;
}

double plan_turn_quantile(const struct plan_turn *t, double q)
{
	double left = q * (double)agents(t);

	for (uint32_t b = 0; b < PLAN_BUCKETS; b++) {
		if (t->agents[b] && left <= t->agents[b])
			return b ? edge_ms(b - 1) * pow(BUCKET_GROWS, left / t->agents[b]) : edge_ms(0) * left / t->agents[0];
		left -= t->agents[b];
	}
	return NAN;
}

/* ---- drawing ----------------------------------------------------------------------------------------- */

struct load { /* the turns of a load, of all its runs */
	const struct plan_turn *turns[TURNS_MAX];
	struct plan_turn all;
	uint32_t count;
	double g, y[PLAN_QUANTILES];
};

static void add_all(struct plan_turn *into, const struct plan_turn *t)
{
	for (uint32_t b = 0; b < PLAN_BUCKETS; b++)
		into->agents[b] += t->agents[b];
}

/* @return false: the load is none of the fit's */
static bool load_read(const struct plan_data *d, const struct plan_model *m, uint32_t first, struct load *ret)
{
	const struct plan_point *runs[PLAN_POINTS_MAX];
	uint32_t n = plan_runs_of_load(d, first, runs);
	struct plan_point p;

	*ret = (struct load){ .count = 0 };
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < PLAN_CYCLES_MAX && !runs[i]->error[0]; c++)
			if (agents(&runs[i]->turns[c]))
				ret->turns[ret->count++] = &runs[i]->turns[c];
	for (uint32_t i = 0; i < ret->count; i++)
		add_all(&ret->all, ret->turns[i]);
	if (n)
		plan_point_median(runs, n, &p);
	if (!n || p.error[0] || !plan_is_held(&p))
		return false;
	ret->g = plan_wait_factor(p.offered_per_s / bench_usl_x(&m->usl, p.workers), p.workers);
	for (int q = 0; q < PLAN_QUANTILES; q++)
		ret->y[q] = fmax(p.added_ms[q], 1e-6);
	return isfinite(ret->g);
}

/* What as many turns of the load, drawn with repetition, have together. */
static void draw(const struct load *l, struct bench_random *random, struct plan_turn *ret)
{
	*ret = (struct plan_turn){ { 0 } };
	for (uint32_t i = 0; i < l->count; i++)
		add_all(ret, l->turns[bench_random_below(random, l->count)]);
}

/* A quantile of a draw over that of all. */
static double ratio(const struct load *l, const struct plan_turn *drawn, double q)
{
	return plan_turn_quantile(drawn, q) / plan_turn_quantile(&l->all, q);
}

static void draw_line(const struct load *loads, uint32_t n, struct bench_random *random, struct plan_latency *ret)
{
	double g[PLAN_LOADS_MAX], y[PLAN_QUANTILES][PLAN_LOADS_MAX];

	for (uint32_t k = 0; k < n; k++) {
		struct plan_turn drawn;

		draw(&loads[k], random, &drawn);
		g[k] = loads[k].g;
		for (int q = 0; q < PLAN_QUANTILES; q++)
			y[q][k] = loads[k].y[q] * ratio(&loads[k], &drawn, plan_quantiles[q]);
	}
	for (int q = 0; q < PLAN_QUANTILES; q++)
		ret[q] = plan_latency_line(g, y[q], n);
}

void plan_draw(const struct plan_data *d, struct plan_model *m)
{
	static struct load loads[PLAN_LOADS_MAX]; /* 8 KB each; who plans has one thread */
	struct bench_random random = { SEED };
	uint32_t n = 0;

	m->turns = TURNS_MAX;
	for (uint32_t i = 0; i < d->count && n < PLAN_LOADS_MAX; i++) {
		if (d->points[i].kind != PLAN_OPEN || !load_read(d, m, i, &loads[n]))
			continue;
		m->turns = loads[n].count < m->turns ? loads[n].count : m->turns;
		n++;
	}
	for (m->draws = 0; n > 1 && m->turns >= TURNS_MIN && m->draws < PLAN_DRAWS; m->draws++) {
		struct plan_turn drawn;

		draw_line(loads, n, &random, m->drawn[m->draws]);
		draw(&loads[m->draws % n], &random, &drawn); /* of each load in turn */
		m->again[m->draws] = ratio(&loads[m->draws % n], &drawn, 0.99);
	}
}

/* ---- intervals ---------------------------------------------------------------------------------------- */

static const struct bench_interval unknown = { NAN, NAN };

/* The middle 95% of errors (of so many draws, as factors) about a time. */
static struct bench_interval about(const struct plan_model *m, double ms, double *errors)
{
	double turns = m->turns, wider = bench_t_reach(0.95, turns - 1) / bench_normal_quantile(0.975) * sqrt(turns / (turns - 1));

	bench_sort(errors, m->draws);
	return (struct bench_interval){ ms * fmin(1, pow(bench_quantile(errors, m->draws, 0.025), wider)),
		                        ms * fmax(1, pow(bench_quantile(errors, m->draws, 0.975), wider)) };
}

/* A fit that came out too low by a factor says that the truth is higher by it. */
struct bench_interval plan_latency_interval(const struct plan_model *m, double q, double load, double workers)
{
	double g = plan_wait_factor(load, workers), ms = plan_latency_quantile(m, q, load, workers), errors[PLAN_DRAWS];

	for (uint32_t i = 0; i < m->draws; i++)
		errors[i] = ms / plan_latency_line_quantile(m->drawn[i], q, g);
	return m->draws && isfinite(g) ? about(m, ms, errors) : unknown;
}

struct bench_interval plan_p99_measured_again(const struct plan_model *m, double load, double workers)
{
	double g = plan_wait_factor(load, workers), ms = plan_latency_at(m, PLAN_P99, load, workers), errors[PLAN_DRAWS];

	for (uint32_t i = 0; i < m->draws; i++)
		errors[i] = ms / plan_latency_line_quantile(m->drawn[i], 0.99, g) * m->again[i];
	return m->draws && isfinite(g) ? about(m, ms, errors) : unknown;
}
