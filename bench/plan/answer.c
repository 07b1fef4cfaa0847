/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/answer.c - the model and what is asked -> machines, or why not.
 *
 * A machine is one process with a worker a core. Machines share nothing, so a rate is divided among them. What was
 * measured holds up to as many cores as there were; up to four times that the law is extrapolated, with its interval;
 * beyond, a machine is refused, as is one larger than the law's peak.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/plan/plan.h"
#include "bench/stat/queue.h"

#define MEMORY_SHARE 0.9       /* of a machine's, for agents: the rest is the system's */
#define LOAD_MAX 0.999         /* that is ever planned with: with all of it the line has no end */
#define MACHINES_MAX 1e9       /* of one type: more is no plan */
#define CONNECTIONS_MAX 28232.0 /* from one address to one endpoint: the kernel's range of local ports */

static void say(char (*lines)[256], uint32_t *count, const char *fmt, ...) WEFT_PRINTF(3, 4);

static void say(char (*lines)[256], uint32_t *count, const char *fmt, ...)
{
	va_list args;

	if (*count == PLAN_REASONS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(lines[(*count)++], sizeof(lines[0]), fmt, args);
	va_end(args);
}

/* ---- one type of machine --------------------------------------------------------------------- */

/* The highest load whose latency keeps to the objective; 0: none does. */
static double load_by_latency(const struct plan_ask *ask, const struct plan_model *m, double cores)
{
	double low = 0, high = LOAD_MAX;

	if (plan_latency_quantile(m, ask->slo_quantile, 0, cores) > ask->slo_ms)
		return 0;
	if (plan_latency_quantile(m, ask->slo_quantile, high, cores) <= ask->slo_ms)
		return high;
	for (int i = 0; i < 60; i++) {
		double middle = 0.5 * (low + high);

		if (plan_latency_quantile(m, ask->slo_quantile, middle, cores) <= ask->slo_ms)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool may_have(const struct plan_ask *ask, const struct plan_model *m, struct plan_machines *k)
{
	double cores = k->vm.cores, measured = m->usl.n_max, peak = bench_usl_peak(&m->usl);

	k->extrapolated = cores > measured;
	if (cores > PLAN_EXTRAPOLATE_MAX * measured) {
		snprintf(k->reason, sizeof(k->reason),
		         "%.0f cores are %.1f times the %.0f that were measured; at most %.0f times is extrapolated. Measure on a host with %.0f cores or more",
		         cores, cores / measured, measured, PLAN_EXTRAPOLATE_MAX, ceil(cores / PLAN_EXTRAPOLATE_MAX));
		k->refused = !ask->force;
	} else if (cores > peak) {
		snprintf(k->reason, sizeof(k->reason),
		         "capacity is largest with %.1f workers (%s) and falls beyond: run several processes of fewer workers", peak,
		         m->usl.flags & BENCH_USL_PEAK_OUTSIDE ? "a guess: that many were not measured" : "measured");
		k->refused = !ask->force;
	} else if (k->extrapolated) {
		snprintf(k->reason, sizeof(k->reason), "extrapolated from at most %.0f workers%s", measured,
		         m->usl.flags & BENCH_USL_NO_KAPPA ? "; what coherency costs beyond is not known and not in the interval" : "");
	}
	return !k->refused;
}

/* From half to twice: beyond, an interval says nothing. */
static bool is_told(const struct bench_usl *u, double x, struct bench_interval ci)
{
	return (u->flags & BENCH_USL_NO_INTERVAL) || (ci.low >= x / 2 && ci.high <= 2 * x);
}

static bool capacity_told(const struct plan_ask *ask, const struct plan_model *m, struct plan_machines *k)
{
	k->capacity = bench_usl_x(&m->usl, k->vm.cores);
	k->capacity_ci = bench_usl_x_interval(&m->usl, k->vm.cores);
	if (is_told(&m->usl, k->capacity, k->capacity_ci))
		return true;
	snprintf(k->reason, sizeof(k->reason), "%.0f cores do %.0f agents/s, but with 95%% it is anything from %.0f to %.0f: the points scatter too much. Measure on a quieter host, or a larger one",
	         k->vm.cores, k->capacity, k->capacity_ci.low, k->capacity_ci.high);
	k->refused = !ask->force;
	return !k->refused;
}

static double needed_gb(const struct plan_ask *ask, const struct plan_model *m, double under_way)
{
	double history = (double)ask->work.history * m->bytes_per_message;

	return (m->base_mb * 1048576 + under_way * (m->bytes_per_agent + history)) / 1073741824.0;
}

static double planned_load(const struct plan_ask *ask)
{
	return fmin(1 - ask->headroom, LOAD_MAX);
}

/* 0: more than anybody has. */
static uint32_t count_for(double need, double each)
{
	double n = each > 0 ? ceil(need / each - 1e-9) : INFINITY;

	return n < 1 ? 1 : n > MACHINES_MAX ? 0 : (uint32_t)n;
}

/* By processors and by memory. @return false: refused, with the reason */
static bool counts(const struct plan_ask *ask, const struct plan_model *m, const struct plan_answer *a, struct plan_machines *k)
{
	double base_gb = m->base_mb / 1024, agents_gb = needed_gb(ask, m, a->under_way) - base_gb, room_gb = k->vm.memory_gb * MEMORY_SHARE - base_gb;
	double low = k->load * k->capacity_ci.low;
	uint32_t by_memory = m->has_memory ? count_for(agents_gb, room_gb) : 1;

	k->count = count_for(ask->rate, k->load * k->capacity);
	k->count_high = low > 0 ? count_for(ask->rate, low) : 0; /* 0: no interval */
	k->count_by = "processors";
	if (!k->count || !by_memory) {
		if (m->has_memory && room_gb <= 0)
			snprintf(k->reason, sizeof(k->reason), "%.3g GB are too little: the process takes %.3g GB before any agent, and a tenth is left to the system",
			         k->vm.memory_gb, base_gb);
		else
			snprintf(k->reason, sizeof(k->reason), "it would take more than %.0f of them", MACHINES_MAX);
		k->refused = true; /* --force has no number to give, either */
		return false;
	}
	if (by_memory > k->count) {
		k->count = by_memory;
		k->count_by = "memory";
	}
	if (k->count_high && k->count_high < k->count)
		k->count_high = k->count;
	return true;
}

/* What reaches its end first when the rate rises and nothing else changes. */
static void breaks(const struct plan_ask *ask, const struct plan_model *m, struct plan_machines *k)
{
	double slo = m->has_latency && ask->slo_ms > 0 ? load_by_latency(ask, m, k->vm.cores) / k->busy : INFINITY;
	double base_gb = m->base_mb / 1024; /* of memory; agents alone grow with the rate */
	double memory = m->has_memory ? (k->vm.memory_gb * MEMORY_SHARE - base_gb) / (k->memory_gb - base_gb) : INFINITY;
	double ports = ask->work.inline_model ? INFINITY : CONNECTIONS_MAX / k->under_way;

	k->breaks_first = "processors";
	k->breaks_at = 1 / k->busy;
	if (slo < k->breaks_at) {
		k->breaks_first = "the latency objective";
		k->breaks_at = slo;
	}
	if (memory < k->breaks_at) {
		k->breaks_first = "memory";
		k->breaks_at = memory;
	}
	if (ports < k->breaks_at) {
		k->breaks_first = "local ports to one model endpoint";
		k->breaks_at = ports;
	}
}

/* @return false: refused; the objective lies in an interval that says nothing */
static bool latency(const struct plan_ask *ask, const struct plan_model *m, struct plan_machines *k)
{
	double q = ask->slo_ms > 0 ? ask->slo_quantile : 0.99;

	k->latency_ms = plan_latency_quantile(m, q, k->busy, k->vm.cores);
	k->latency_own_ms = plan_latency_own(m, q, k->busy, k->vm.cores);
	k->latency_ci = plan_latency_interval(m, q, k->busy, k->vm.cores);
	if (!(ask->slo_ms >= k->latency_ci.low && ask->slo_ms <= k->latency_ci.high))
		return true;
	if (k->latency_ci.high > PLAN_LATENCY_WIDE * k->latency_ci.low) {
		snprintf(k->reason, sizeof(k->reason), "p%g is anything from %.3g to %.3g ms there, with 95%%: too wide to plan for %.3g ms. Measure on a quiet host",
		         100 * q, k->latency_ci.low, k->latency_ci.high, ask->slo_ms);
		k->refused = !ask->force;
	} else if (!k->reason[0]) {
		snprintf(k->reason, sizeof(k->reason), "the objective lies within the interval of p%g: it may be missed", 100 * q);
	}
	return !k->refused;
}

/* No number of machines helps; a quieter host to measure on may. */
static void missed_idle(const struct plan_ask *ask, const struct plan_model *m, struct plan_machines *k)
{
	double idle = plan_latency_quantile(m, ask->slo_quantile, 0, k->vm.cores), own = plan_latency_own(m, ask->slo_quantile, 0, k->vm.cores);
	char stalls[96] = "";

	if (own <= ask->slo_ms)
		snprintf(stalls, sizeof(stalls), ", but %.3g ms without this host's stalls: measure on a quieter host", own);
	snprintf(k->reason, sizeof(k->reason), "p%g of %.3g ms is missed without any load: an idle one adds %.3g ms%s", 100 * ask->slo_quantile,
	         ask->slo_ms, idle, stalls);
	k->refused = true;
}

static void machine(const struct plan_ask *ask, const struct plan_model *m, const struct plan_answer *a, struct plan_machines *k)
{
	double by_latency = INFINITY;

	k->latency_ms = k->latency_own_ms = NAN;
	k->latency_ci = (struct bench_interval){ NAN, NAN };
	if (!may_have(ask, m, k) || !capacity_told(ask, m, k))
		return;
	k->load = planned_load(ask);
	k->load_by = "headroom";
	if (ask->slo_ms > 0 && m->has_latency)
		by_latency = load_by_latency(ask, m, k->vm.cores);
	if (by_latency <= 0) {
		missed_idle(ask, m, k);
		return;
	}
	if (by_latency < k->load) {
		k->load = by_latency;
		k->load_by = "latency";
	}
	if (!counts(ask, m, a, k))
		return;
	k->busy = ask->rate / k->count / k->capacity;
	k->under_way = a->under_way / k->count;
	k->memory_gb = needed_gb(ask, m, k->under_way);
	if (!latency(ask, m, k))
		return;
	k->usd_month = k->count * k->vm.usd_month;
	k->usd_month_high = k->count_high * k->vm.usd_month;
	breaks(ask, m, k);
}

/* ---- the whole --------------------------------------------------------------------------------- */

double plan_host_free(const struct plan_data *d)
{
	double busy = 0;
	uint32_t closed = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (p->error[0] || p->kind != PLAN_CLOSED || p->oversubscribed || p->workers >= d->cores)
			continue;
		busy += p->busy;
		closed++;
	}
	return closed ? busy / closed : 1;
}

static void wide_latency(const struct plan_ask *ask, const struct plan_model *m, struct plan_answer *a)
{
	struct bench_interval ci = plan_latency_interval(m, 0.99, planned_load(ask), m->latency_workers);

	if (ci.high > PLAN_LATENCY_WIDE * ci.low)
		say(a->notes, &a->note_count, "p99 differs so much from turn to turn that at %.0f%% load it is anything from %.3g to %.3g ms: measure latency on a quieter host",
		    100 * planned_load(ask), ci.low, ci.high);
}

/* Points that failed, and rates that were not held: once each, however many there are. */
static void left_out(const struct plan_data *d, struct plan_answer *a)
{
	const struct plan_point *bad = NULL, *slow = NULL;
	uint32_t bad_count = 0, slow_count = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (p->error[0]) {
			bad = bad ? bad : p;
			bad_count++;
		} else if (p->kind == PLAN_OPEN && !plan_is_held(p)) {
			slow = slow ? slow : p;
			slow_count++;
		}
	}
	if (bad)
		say(a->notes, &a->note_count, "%u point%s failed and %s left out, the first with %u worker%s: %s", bad_count, bad_count == 1 ? "" : "s",
		    bad_count == 1 ? "is" : "are", bad->workers, bad->workers == 1 ? "" : "s", bad->error);
	if (slow)
		say(a->notes, &a->note_count, "%u run%s not held and left out, the first of %.0f agents/s: %.0f ended a second, and others waited", slow_count,
		    slow_count == 1 ? " was" : "s were", slow->offered_per_s, slow->done_per_s);
}

static void judge(const struct plan_ask *ask, const struct plan_data *d, const struct plan_model *m, struct plan_answer *a)
{
	const struct bench_usl *u = &m->usl;
	double host_free = plan_host_free(d);

	if (d->note[0])
		say(a->notes, &a->note_count, "%s", d->note);

	left_out(d, a);
	if (host_free < PLAN_FREE_MIN)
		say(a->refusals, &a->refusal_count, "workers that had all to do got %.0f%% of their cores: something else runs on this host, and what was measured is mostly that. Stop it, or measure on a free host (weft doctor)",
		    100 * host_free);
	else if (host_free < 0.8)
		say(a->notes, &a->note_count, "workers had only %.0f%% of their cores: something else runs on this host; figures are by processor time, latencies suffer",
		    100 * host_free);
	if (u->flags & BENCH_USL_NO_SIGMA)
		say(a->notes, &a->note_count, "one number of workers was measured: that more of them bring as much each is assumed, not known");
	else if (u->flags & BENCH_USL_NO_KAPPA)
		say(a->notes, &a->note_count, "two numbers of workers were measured: contention is told from them, coherency is not; larger machines than this are a guess");
	if (u->flags & BENCH_USL_SIGMA_HELD)
		say(a->notes, &a->note_count, "contention came out below 0 and is held at 0");
	if (u->flags & BENCH_USL_KAPPA_HELD)
		say(a->notes, &a->note_count, "coherency came out below 0 and is held at 0");
	if (u->flags & BENCH_USL_PEAK_OUTSIDE)
		say(a->notes, &a->note_count, "the law's peak, %.0f workers, lies beyond the %.0f that were measured: it is a guess", bench_usl_peak(u), u->n_max);
	if (u->flags & BENCH_USL_NO_INTERVAL)
		say(a->notes, &a->note_count, "too few points to tell errors: there are no intervals");
	if (1 - ask->headroom > LOAD_MAX)
		say(a->notes, &a->note_count, "no headroom: planned with %.1f%% load, since with all of it the line has no end", 100 * LOAD_MAX);
	if (m->refused || m->muted)
		say(a->notes, &a->note_count, "mailboxes were full: %llu messages refused, %llu times a sender rested", (unsigned long long)m->refused,
		    (unsigned long long)m->muted);
	if (!m->has_latency)
		say(a->notes, &a->note_count, "no latency was measured: the objective is not planned for");
	else if (ask->slo_ms > 0 && 1 - ask->headroom > m->latency_busy_max)
		say(a->notes, &a->note_count, "latency was measured up to %.0f%% load; the plan's %.0f%% is beyond", 100 * m->latency_busy_max, 100 * (1 - ask->headroom));
	if (m->has_latency && ask->slo_ms > 0 && ask->slo_quantile > plan_quantiles[PLAN_QUANTILES - 1])
		say(a->notes, &a->note_count, "p%g is no measured quantile: it goes on from p99 and p99.9 as an exponential tail does", 100 * ask->slo_quantile);
	if (m->draws)
		wide_latency(ask, m, a);
	if (m->has_latency && !m->has_own && plan_stalls_share(&m->stalls[PLAN_WORKERS]) > 0.01)
		say(a->notes, &a->note_count, "this host stalled its workers %.0f times a second, %.0f%% of the time, so that too few agents met no stall: what is weft's own of the latency is not told",
		    plan_stalls_per_s(&m->stalls[PLAN_WORKERS]), 100 * plan_stalls_share(&m->stalls[PLAN_WORKERS]));
	if (!ask->work.inline_model)
		say(a->notes, &a->note_count, "models were asked over plain HTTP: what TLS would cost was not measured and is not in the processor time");
	if (!m->has_memory)
		say(a->notes, &a->note_count, "no memory was measured: machines are not sized by it");
	if (d->wait_scale < 1)
		say(a->notes, &a->note_count, "capacity was measured with waits of %.0f%% of what was asked, so that fewer connections do", 100 * d->wait_scale);
}

static enum plan_part largest(const struct plan_model *m)
{
	enum plan_part part = PLAN_PART_MODEL;

	for (int i = 1; i < PLAN_PARTS; i++)
		if (m->part_us[i] > m->part_us[part])
			part = (enum plan_part)i;
	return part;
}

/* Points that scatter so much say nothing. */
static void believable(const struct bench_usl *u, struct plan_answer *a)
{
	struct bench_interval ci = bench_usl_x_interval(u, u->n_max);
	double x = bench_usl_x(u, u->n_max);

	if (!is_told(u, x, ci))
		say(a->refusals, &a->refusal_count,
		    "%.0f workers do %.0f agents/s, but with 95%% it is anything from %.0f to %.0f: the points scatter too much. Measure on a quiet host", u->n_max, x,
		    ci.low, ci.high);
}

void plan_answer_make(const struct plan_ask *ask, const struct plan_data *data, const struct plan_model *m, struct plan_answer *ret)
{
	struct plan_answer *a = ret;
	struct plan_vm here = { .name = "like this host", .cores = data->cores, .memory_gb = data->memory_gb };
	double load = planned_load(ask), each = bench_usl_x(&m->usl, m->usl.n_max) / m->usl.n_max;
	struct bench_interval ci = bench_usl_x_interval(&m->usl, m->usl.n_max);
	bool any = false;

	memset(a, 0, sizeof(*a));
	a->cores = ask->rate / each;
	a->cores_ci.low = isfinite(ci.high) && ci.high > 0 ? ask->rate / (ci.high / m->usl.n_max) : 0;
	a->cores_ci.high = ci.low > 0 ? ask->rate / (ci.low / m->usl.n_max) : INFINITY;
	a->cores_planned = a->cores / load;
	for (int q = 0; q < PLAN_QUANTILES; q++)
		a->added_ms[q] = plan_latency_at(m, q, load, data->cores);
	a->under_way = bench_little(ask->rate, (plan_waits_ms(&ask->work) + (m->has_latency ? plan_latency_mean(m, load, data->cores) : 0)) / 1e3);
	a->memory_gb = needed_gb(ask, m, a->under_way);
	a->limit = largest(m);
	judge(ask, data, m, a);
	believable(&m->usl, a);
	if (a->refusal_count && !ask->force)
		return;
	a->machine_count = ask->vm_count ? ask->vm_count : 1;
	for (uint32_t i = 0; i < a->machine_count; i++) {
		a->machines[i].vm = ask->vm_count ? ask->vms[i] : here;
		machine(ask, m, a, &a->machines[i]);
		any = any || !a->machines[i].refused;
	}
	if (!any)
		say(a->refusals, &a->refusal_count, "no type of machine that was asked for can be planned with: %s", a->machines[0].reason);
}
