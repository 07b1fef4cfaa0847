/* SPDX-License-Identifier: Apache-2.0 */
/* bench/plan/verify.c - several runs of one load as one point, and the model beside it. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "bench/plan/plan.h"
#include "bench/stat/quantile.h"

/* A figure of several runs, by where it stands in a point, of those that know it; of two, what lies between. NAN: none knows */
static double median_at(const struct plan_point *const *runs, uint32_t count, size_t at)
{
	double v[PLAN_POINTS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		memcpy(&v[n], (const char *)runs[i] + at, sizeof(v[n]));
		n += !isnan(v[n]);
	}
	bench_sort(v, n);
	return n ? 0.5 * (v[(n - 1) / 2] + v[n / 2]) : NAN;
}

void plan_point_median(const struct plan_point *const *runs, uint32_t count, struct plan_point *ret)
{
	static const size_t figures[] = { offsetof(struct plan_point, done_per_s),    offsetof(struct plan_point, cpu_us),
		                          offsetof(struct plan_point, busy),          offsetof(struct plan_point, under_way),
		                          offsetof(struct plan_point, own_share),     offsetof(struct plan_point, added_mean_ms),
		                          offsetof(struct plan_point, added_max_ms),  offsetof(struct plan_point, sched_p99_ms),
		                          offsetof(struct plan_point, own_mean_ms) };
	const struct plan_point *good[PLAN_POINTS_MAX];
	uint32_t n = 0;

	*ret = *runs[0];
	for (uint32_t i = 0; i < count && n < PLAN_POINTS_MAX; i++)
		if (!runs[i]->error[0])
			good[n++] = runs[i];
	if (!n)
		return;
	*ret = *good[0];
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		double v = median_at(good, n, figures[i]);

		memcpy((char *)ret + figures[i], &v, sizeof(v));
	}
	for (size_t q = 0; q < PLAN_QUANTILES; q++) {
		ret->added_ms[q] = median_at(good, n, offsetof(struct plan_point, added_ms) + q * sizeof(double));
		ret->own_ms[q] = median_at(good, n, offsetof(struct plan_point, own_ms) + q * sizeof(double));
	}
	for (uint32_t i = 1; i < n; i++)
		for (int side = 0; side < PLAN_SIDES; side++)
			plan_stalls_merge(&ret->stalls[side], &good[i]->stalls[side]);
}

uint32_t plan_runs_of_load(const struct plan_data *d, uint32_t first, const struct plan_point **ret)
{
	const struct plan_point *of = &d->points[first];
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (p->kind != of->kind || p->workers != of->workers || p->offered_per_s != of->offered_per_s)
			continue;
		if (i < first)
			return 0;
		ret[n++] = p;
	}
	return n;
}

/* ---- the checks ---------------------------------------------------------------------------------------- */

const char *const plan_verdict_names[PLAN_VERDICTS] = { "ok", "ok, inside the interval", "throughput missed", "p99 missed", "p99 not told", "not measured" };

enum plan_verdict plan_check_judge(const struct plan_check *c)
{
	double p99_ms = c->measured.added_ms[PLAN_P99];

	if (c->measured.error[0])
		return PLAN_FAILED;
	if (!(fabs(c->done_error) <= PLAN_THROUGHPUT_GOAL))
		return PLAN_MISSED_THROUGHPUT;
	if (fabs(c->p99_error) <= PLAN_LATENCY_GOAL)
		return PLAN_OK;
	if (c->p99_ci.high > PLAN_LATENCY_WIDE * c->p99_ci.low)
		return PLAN_UNTOLD;
	return p99_ms >= c->p99_ci.low && p99_ms <= c->p99_ci.high ? PLAN_INSIDE : PLAN_MISSED_LATENCY;
}

void plan_check_make(const struct plan_model *m, const struct plan_point *p, struct plan_check *ret)
{
	double capacity = bench_usl_x(&m->usl, p->workers), load = p->offered_per_s / capacity;

	*ret = (struct plan_check){ .measured = *p,
		                    .done_per_s = fmin(p->offered_per_s, capacity),
		                    .busy = load,
		                    .added_p50_ms = plan_latency_at(m, PLAN_P50, load, p->workers),
		                    .added_p99_ms = plan_latency_at(m, PLAN_P99, load, p->workers),
		                    .own_p99_ms = plan_latency_own(m, 0.99, load, p->workers),
		                    .done_error = NAN, .busy_error = NAN, .p50_error = NAN, .p99_error = NAN, .own_error = NAN,
		                    .p99_ci = plan_p99_measured_again(m, load, p->workers) };
	if (!p->error[0]) {
		ret->done_error = p->done_per_s / ret->done_per_s - 1;
		ret->busy_error = p->busy / ret->busy - 1;
		ret->p50_error = p->added_ms[PLAN_P50] / ret->added_p50_ms - 1;
		ret->p99_error = p->added_ms[PLAN_P99] / ret->added_p99_ms - 1;
		ret->own_error = p->own_ms[PLAN_P99] > 0 ? p->own_ms[PLAN_P99] / ret->own_p99_ms - 1 : (double)NAN;
	}
	ret->verdict = plan_check_judge(ret);
}

void plan_verify(const struct plan_data *data, const struct plan_model *m, struct plan_checks *ret)
{
	*ret = (struct plan_checks){ .all_ok = true };
	for (uint32_t i = 0; i < data->count && ret->count < PLAN_CHECKS_MAX; i++) {
		const struct plan_point *runs[PLAN_POINTS_MAX];
		uint32_t n = data->points[i].offered_per_s > 0 ? plan_runs_of_load(data, i, runs) : 0;
		struct plan_point p;

		if (!n)
			continue;
		plan_point_median(runs, n, &p);
		plan_check_make(m, &p, &ret->of[ret->count]);
		ret->held_out += p.kind == PLAN_VERIFY;
		ret->all_ok = ret->all_ok && (p.kind != PLAN_VERIFY || ret->of[ret->count].verdict <= PLAN_INSIDE);
		ret->count++;
	}
	ret->all_ok = ret->all_ok && ret->held_out;
}
