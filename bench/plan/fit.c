/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/fit.c - from points to a model.
 *
 * Capacity: the scalability law over n / D(n), oversubscribed points left out. Latency: at each quantile a base (what an
 * idle machine adds) and a slope over the wait factor of M/G/c; so the measured points say how long and how uneven the
 * service is, and the formula says how the line grows with load, and with servers. Both never below 0. The same once more
 * for the agents that met no stall of the host: the difference is what its stalls add.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/plan/plan.h"
#include "bench/stat/quantile.h"
#include "bench/stat/queue.h"

const double plan_quantiles[PLAN_QUANTILES] = { 0.5, 0.9, 0.99, 0.999 };
const char *const plan_part_names[PLAN_PARTS] = { "models over HTTP (I/O)", "store", "agents, tools, scheduling" };

double plan_wait_factor(double load, double servers)
{
	unsigned c = (unsigned)fmax(1, floor(servers + 0.5));

	return load < 1 ? bench_erlang_c(c, load * c) / (c * (1 - load)) : INFINITY;
}

static bool usable(const struct plan_point *p, enum plan_kind kind)
{
	return p->kind == kind && !p->error[0];
}

static int fit_capacity(const struct plan_data *d, struct bench_usl *ret)
{
	double n[PLAN_POINTS_MAX], x[PLAN_POINTS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (!usable(p, PLAN_CLOSED) || p->oversubscribed)
			continue;
		n[count] = p->workers;
		x[count++] = p->workers * 1e6 / p->cpu_us;
	}
	return bench_usl_fit(n, x, count, ret);
}

/*
 * A line as k ((1 - t) + t g / mean g) with t from 0 to 1: base and slope are at least 0 by that. For a t the best k is
 * known, since errors are of logarithms. @return their squares
 */
static double try_line(const double *g, const double *y, size_t count, double mean, double t, double *ret_k)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < count; i++) {
		double e = log(y[i] / (1 - t + t * g[i] / mean));

		sum += e;
		squares += e * e;
	}
	*ret_k = exp(sum / (double)count);
	return squares - sum * sum / (double)count;
}

/*
 * Errors of logarithms, because a time that a stall stretched is off by a factor. Weights of 1 / y^2 are for that, too, at
 * first sight; but they trust most the load that happened to meet the fewest stalls, and the line comes out too low.
 */
struct plan_latency plan_latency_line(const double *g, const double *y, size_t count)
{
	double mean = 0, low = 0, high = 1, k;

	for (size_t i = 0; i < count; i++)
		mean += g[i] / (double)count;
	if (!(mean > 0))
		low = high = 0;
	for (int i = 0; i < 32 && high > low; i++) { /* the squares have one valley */
		double a = low + (high - low) / 3, b = high - (high - low) / 3;

		if (try_line(g, y, count, mean, a, &k) < try_line(g, y, count, mean, b, &k))
			high = b;
		else
			low = a;
	}
	try_line(g, y, count, mean > 0 ? mean : 1, low, &k);
	return (struct plan_latency){ k * (1 - low), mean > 0 ? k * low / mean : 0 };
}

struct loads { /* what the fitted loads say */
	double g[PLAN_POINTS_MAX], y[PLAN_QUANTILES][PLAN_POINTS_MAX], mean[PLAN_POINTS_MAX];
	size_t count;
};

static void add_load(struct loads *l, double g, double mean, const double *quantiles)
{
	l->g[l->count] = g;
	l->mean[l->count] = mean > 0 ? mean : fmax(quantiles[PLAN_P50], 1e-6); /* a file may lack it */
	for (int q = 0; q < PLAN_QUANTILES; q++)
		l->y[q][l->count] = fmax(quantiles[q], 1e-6);
	l->count++;
}

static void fit_lines(const struct loads *l, struct plan_latency *ret, struct plan_latency *ret_mean)
{
	if (l->count < 2)
		return;
	for (int q = 0; q < PLAN_QUANTILES; q++)
		ret[q] = plan_latency_line(l->g, l->y[q], l->count);
	*ret_mean = plan_latency_line(l->g, l->mean, l->count);
}

/*
 * Allen and Cunneen: the mean wait is the service time, times (1 + cs2) / 2, times the wait factor. An agent's pieces wait
 * one by one, and are its processor time together.
 */
static double variation(const struct plan_model *m, const struct plan_latency *mean)
{
	double agent_ms = 1e3 * m->latency_workers / bench_usl_x(&m->usl, m->latency_workers);

	return fmax(0, 2 * mean->slope_ms / agent_ms - 1);
}

static void fit_latency(const struct plan_data *d, struct plan_model *m)
{
	struct loads all = { .count = 0 }, own = { .count = 0 };

	for (uint32_t i = 0; i < d->count; i++) {
		double load = d->points[i].offered_per_s / bench_usl_x(&m->usl, d->points[i].workers);
		const struct plan_point *runs[PLAN_POINTS_MAX];
		struct plan_point p;
		uint32_t n;

		n = d->points[i].kind == PLAN_OPEN && load < 1 ? plan_runs_of_load(d, i, runs) : 0;
		if (!n)
			continue;
		plan_point_median(runs, n, &p);
		if (p.error[0] || !plan_is_held(&p)) /* failed: every run of the load did */
			continue;
		m->latency_busy_max = fmax(m->latency_busy_max, load);
		m->latency_workers = p.workers;
		add_load(&all, plan_wait_factor(load, p.workers), p.added_mean_ms, p.added_ms);
		if (p.own_ms[PLAN_P99] > 0)
			add_load(&own, plan_wait_factor(load, p.workers), p.own_mean_ms, p.own_ms);
	}
	m->has_latency = all.count > 1;
	m->has_own = m->has_latency && own.count > 1;
	fit_lines(&all, m->latency, &m->mean);
	fit_lines(&own, m->own, &m->own_mean);
	m->cs2 = m->has_latency ? variation(m, &m->mean) : (double)NAN;
	m->own_cs2 = m->has_own ? variation(m, &m->own_mean) : (double)NAN;
}

double plan_latency_mean(const struct plan_model *m, double load, double workers)
{
	return m->has_latency ? m->mean.base_ms + m->mean.slope_ms * plan_wait_factor(load, workers) : NAN;
}

static double latency_at(const struct plan_latency *of, int quantile, double g)
{
	return of[quantile].base_ms + of[quantile].slope_ms * g;
}

double plan_latency_at(const struct plan_model *m, int quantile, double load, double workers)
{
	return m->has_latency ? latency_at(m->latency, quantile, plan_wait_factor(load, workers)) : NAN;
}

/*
 * Between two that were fitted along ln(1 / (1 - q)), in which an exponential tail is a line; beyond the last one along the
 * same line, if it rises; below the first one, the first.
 */
double plan_latency_line_quantile(const struct plan_latency *of, double q, double g)
{
	int k = 0;
	double t, below, above;

	if (q <= plan_quantiles[0])
		return latency_at(of, 0, g);
	while (k < PLAN_QUANTILES - 1 && q > plan_quantiles[k])
		k++;
	below = latency_at(of, k - 1, g);
	above = latency_at(of, k, g);
	if (q == plan_quantiles[k] || (q > plan_quantiles[k] && !(above > below)) || isinf(above))
		return above;
	t = log((1 - plan_quantiles[k - 1]) / (1 - q)) / log((1 - plan_quantiles[k - 1]) / (1 - plan_quantiles[k]));
	return (1 - t) * below + t * above;
}

double plan_latency_quantile(const struct plan_model *m, double q, double load, double workers)
{
	return m->has_latency ? plan_latency_line_quantile(m->latency, q, plan_wait_factor(load, workers)) : NAN;
}

double plan_latency_own(const struct plan_model *m, double q, double load, double workers)
{
	if (!m->has_own)
		return NAN;
	return fmin(plan_latency_line_quantile(m->own, q, plan_wait_factor(load, workers)), plan_latency_quantile(m, q, load, workers));
}

/* The median processor time of an agent over the points of a kind with one worker; NAN: there is none. */
static double cpu_of(const struct plan_data *d, enum plan_kind kind)
{
	double v[PLAN_POINTS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < d->count; i++)
		if (usable(&d->points[i], kind) && d->points[i].workers == 1)
			v[count++] = d->points[i].cpu_us;
	bench_sort(v, count);
	return count ? bench_median(v, count) : NAN;
}

static void fit_parts(const struct plan_data *d, struct plan_model *m)
{
	double whole = cpu_of(d, PLAN_CLOSED), inside = cpu_of(d, PLAN_NO_HTTP), bare = cpu_of(d, PLAN_NO_STORE);

	m->has_parts = !isnan(whole) && (!isnan(inside) || !isnan(bare));
	inside = isnan(inside) ? whole : fmin(inside, whole);
	bare = isnan(bare) ? inside : fmin(bare, inside);
	m->part_us[PLAN_PART_MODEL] = whole - inside;
	m->part_us[PLAN_PART_STORE] = inside - bare;
	m->part_us[PLAN_PART_REST] = bare;
}

static void gather(const struct plan_data *d, struct plan_model *m)
{
	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (p->error[0] || p->kind == PLAN_VERIFY)
			continue;
		if (p->kind == PLAN_MEMORY) {
			m->has_memory = p->bytes_per_agent > 0;
			m->bytes_per_agent = p->bytes_per_agent;
			m->bytes_per_message = p->bytes_per_message;
			m->base_mb = p->base_mb;
			continue;
		}
		for (int side = 0; side < PLAN_SIDES; side++)
			plan_stalls_merge(&m->stalls[side], &p->stalls[side]);
		if (p->kind == PLAN_CLOSED || p->kind == PLAN_OPEN)
			m->rate_max = fmax(m->rate_max, p->done_per_s);
		m->refused += p->refused;
		m->muted += p->muted;
		if (p->kind == PLAN_OPEN)
			m->sched_p99_ms = fmax(m->sched_p99_ms, p->sched_p99_ms);
		if (p->mailbox_depth_max > m->mailbox_depth_max)
			m->mailbox_depth_max = p->mailbox_depth_max;
	}
}

int plan_fit(const struct plan_data *data, struct plan_model *ret)
{
	struct plan_model m = { 0 };
	int r = fit_capacity(data, &m.usl);

	if (r < 0)
		return r;
	fit_latency(data, &m);
	if (m.has_latency)
		plan_draw(data, &m);
	fit_parts(data, &m);
	gather(data, &m);
	*ret = m;
	return 0;
}
