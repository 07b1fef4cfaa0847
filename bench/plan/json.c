/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/json.c - the plan for programs, and for `weft plan --from`: schema_version 1, everything in the units that
 * the names say. What is not known is null.
 */
#include <math.h>

#include "bench/plan/plan.h"
#include "bench/put.h"

static const char *const kinds[PLAN_KINDS] = { "closed", "open", "verify", "memory", "no-http", "no-store" };

/* Whole numbers are written as such; what is not finite is null. */
static void put(weft_json_writer *w, const char *name, double value)
{
	bench_put_key(w, name);
	if (value == floor(value) && fabs(value) < 1e15)
		weft_json_put_int(w, (int64_t)value);
	else
		weft_json_put_double(w, value);
}

static void put_interval(weft_json_writer *w, const char *name, struct bench_interval ci)
{
	bench_put_list(w, name);
	weft_json_put_double(w, ci.low);
	weft_json_put_double(w, ci.high);
	weft_json_end_array(w);
}

static void put_quantiles(weft_json_writer *w, const char *name, const double *ms)
{
	static const char *const names[PLAN_QUANTILES] = { "p50", "p90", "p99", "p999" };

	bench_put_object(w, name);
	for (int q = 0; q < PLAN_QUANTILES; q++)
		put(w, names[q], ms[q]);
	weft_json_end_object(w);
}

static void asked(weft_json_writer *w, const struct plan_ask *a)
{
	bench_put_object(w, "asked");
	put(w, "rate", a->rate);
	put(w, "model_ms", a->work.model_ms);
	put(w, "tool_ms", a->work.tool_ms);
	put(w, "tools", a->work.tools);
	put(w, "history", a->work.history);
	bench_put_flag(w, "model_inline", a->work.inline_model);
	put(w, "slo_quantile", a->slo_quantile);
	put(w, "slo_ms", a->slo_ms > 0 ? a->slo_ms : NAN);
	put(w, "headroom", a->headroom);
	weft_json_end_object(w);
}

/* What was watched: seconds times threads; how many of 0.5 to 1 ms, 1 to 2, 2 to 4, ..; and how long, all of a kind together. */
static void put_stalls(weft_json_writer *w, const char *name, const struct plan_stalls *s)
{
	bench_put_object(w, name);
	put(w, "seconds", s->seconds);
	bench_put_counts_of(w, "count", s->count, PLAN_STALL_KINDS);
	bench_put_numbers(w, "ms", s->ms, PLAN_STALL_KINDS);
	weft_json_end_object(w);
}

/* Each as [bucket, agents, bucket, agents, ..], without those that are empty. */
static void put_turns(weft_json_writer *w, const struct plan_turn *turns)
{
	bench_put_list(w, "turns");
	for (uint32_t c = 0; c < PLAN_CYCLES_MAX; c++) {
		weft_json_begin_array(w);
		for (uint32_t b = 0; b < PLAN_BUCKETS; b++)
			if (turns[c].agents[b]) {
				weft_json_put_int(w, b);
				weft_json_put_int(w, turns[c].agents[b]);
			}
		weft_json_end_array(w);
	}
	weft_json_end_array(w);
}

static void latency_of(weft_json_writer *w, const struct plan_point *p)
{
	put(w, "added_mean_ms", p->added_mean_ms);
	put_quantiles(w, "added_ms", p->added_ms);
	put(w, "added_max_ms", p->added_max_ms);
	put_turns(w, p->turns);
	if (!(p->stalls[PLAN_WORKERS].seconds > 0))
		return;
	put(w, "own_share", p->own_share);
	put(w, "own_mean_ms", p->own_mean_ms);
	put_quantiles(w, "own_ms", p->own_ms);
	put_stalls(w, "stalls", &p->stalls[PLAN_WORKERS]);
	put_stalls(w, "endpoint_stalls", &p->stalls[PLAN_ENDPOINTS]);
}

static void point(weft_json_writer *w, const struct plan_point *p)
{
	weft_json_begin_object(w);
	bench_put_text(w, "kind", kinds[p->kind]);
	put(w, "workers", p->workers);
	put(w, "round", p->round);
	bench_put_flag(w, "oversubscribed", p->oversubscribed);
	if (p->error[0]) {
		bench_put_text(w, "error", p->error);
		weft_json_end_object(w);
		return;
	}
	put(w, "under_way", p->under_way);
	if (p->kind == PLAN_MEMORY) {
		put(w, "bytes_per_agent", p->bytes_per_agent);
		put(w, "bytes_per_message", p->bytes_per_message);
		put(w, "base_mb", p->base_mb);
		weft_json_end_object(w);
		return;
	}
	put(w, "offered_per_s", p->offered_per_s > 0 ? p->offered_per_s : NAN);
	put(w, "seconds", p->seconds);
	put(w, "done_per_s", p->done_per_s);
	put(w, "cpu_us", p->cpu_us);
	put(w, "busy", p->busy);
	if (p->offered_per_s > 0)
		latency_of(w, p);
	put(w, "sched_p99_ms", p->sched_p99_ms);
	put(w, "mailbox_depth_max", (double)p->mailbox_depth_max);
	put(w, "refused", (double)p->refused);
	put(w, "muted", (double)p->muted);
	weft_json_end_object(w);
}

static void measured(weft_json_writer *w, const struct plan_data *d)
{
	bench_put_object(w, "measured");
	bench_put_text(w, "source", d->source);
	put(w, "cores", d->cores);
	put(w, "memory_gb", d->memory_gb);
	put(w, "rounds", d->rounds);
	put(w, "seconds", d->seconds);
	put(w, "wait_scale", d->wait_scale);
	bench_put_list(w, "points");
	for (uint32_t i = 0; i < d->count; i++)
		point(w, &d->points[i]);
	weft_json_end_array(w);
	weft_json_end_object(w);
}

static void flags(weft_json_writer *w, uint32_t set)
{
	static const char *const names[] = { "sigma held at 0",  "kappa held at 0", "peak outside the data", "no peak",
		                             "kappa not told", "sigma not told",  "no interval" };

	bench_put_list(w, "flags");
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (set & (1u << i))
			weft_json_put_str(w, weft_str_from(names[i]));
	weft_json_end_array(w);
}

static void model(weft_json_writer *w, const struct plan_model *m)
{
	bench_put_object(w, "model");
	put(w, "lambda", m->usl.lambda);
	put_interval(w, "lambda_ci95", m->usl.lambda_ci);
	put(w, "sigma", m->usl.sigma);
	put_interval(w, "sigma_ci95", m->usl.sigma_ci);
	put(w, "kappa", m->usl.kappa);
	put_interval(w, "kappa_ci95", m->usl.kappa_ci);
	put(w, "peak_workers", bench_usl_peak(&m->usl));
	put(w, "workers_max", m->usl.n_max);
	put(w, "rate_max", m->rate_max);
	flags(w, m->usl.flags);
	if (m->has_latency) {
		bench_put_object(w, "latency"); /* ms: base + slope * ErlangC(c, c load) / (c (1 - load)) */
		for (int q = 0; q < PLAN_QUANTILES; q++) {
			static const char *const names[PLAN_QUANTILES] = { "p50", "p90", "p99", "p999" };

			bench_put_object(w, names[q]);
			put(w, "base_ms", m->latency[q].base_ms);
			put(w, "slope_ms", m->latency[q].slope_ms);
			put(w, "own_base_ms", m->has_own ? m->own[q].base_ms : NAN);
			put(w, "own_slope_ms", m->has_own ? m->own[q].slope_ms : NAN);
			weft_json_end_object(w);
		}
		weft_json_end_object(w);
	}
	put(w, "cs2", m->cs2);
	put(w, "own_cs2", m->own_cs2);
	if (m->stalls[PLAN_WORKERS].seconds > 0) {
		put_stalls(w, "stalls", &m->stalls[PLAN_WORKERS]);
		put_stalls(w, "endpoint_stalls", &m->stalls[PLAN_ENDPOINTS]);
	}
	if (m->has_parts) {
		bench_put_object(w, "cpu_us");
		put(w, "model", m->part_us[PLAN_PART_MODEL]);
		put(w, "store", m->part_us[PLAN_PART_STORE]);
		put(w, "rest", m->part_us[PLAN_PART_REST]);
		weft_json_end_object(w);
	}
	weft_json_end_object(w);
}

static void machine(weft_json_writer *w, const struct plan_machines *k)
{
	weft_json_begin_object(w);
	bench_put_text(w, "name", k->vm.name);
	put(w, "cores", k->vm.cores);
	put(w, "memory_gb", k->vm.memory_gb);
	bench_put_flag(w, "refused", k->refused);
	bench_put_flag(w, "extrapolated", k->extrapolated);
	if (k->reason[0])
		bench_put_text(w, "reason", k->reason);
	if (!k->refused) {
		put(w, "count", k->count);
		put(w, "count_high", k->count_high ? (double)k->count_high : (double)NAN);
		bench_put_text(w, "count_by", k->count_by);
		put(w, "capacity", k->capacity);
		put_interval(w, "capacity_ci95", k->capacity_ci);
		put(w, "busy", k->busy);
		put(w, "busy_planned", k->load);
		bench_put_text(w, "busy_planned_by", k->load_by);
		put(w, "under_way", k->under_way);
		put(w, "memory_used_gb", k->memory_gb);
		put(w, "latency_ms", k->latency_ms);
		put_interval(w, "latency_ci95", k->latency_ci);
		put(w, "latency_own_ms", k->latency_own_ms);
		put(w, "usd_month", k->vm.usd_month > 0 ? k->usd_month : NAN);
		put(w, "usd_month_high", k->vm.usd_month > 0 && k->count_high ? k->usd_month_high : NAN);
		bench_put_text(w, "breaks_first", k->breaks_first);
		put(w, "breaks_at", k->breaks_at);
	}
	weft_json_end_object(w);
}

static void lines(weft_json_writer *w, const char *name, const char (*texts)[256], uint32_t count)
{
	bench_put_list(w, name);
	for (uint32_t i = 0; i < count; i++)
		weft_json_put_str(w, weft_str_from(texts[i]));
	weft_json_end_array(w);
}

static void answer(weft_json_writer *w, const struct plan_answer *a, const struct plan_model *m)
{
	bench_put_object(w, "answer");
	put(w, "cores", a->cores);
	put_interval(w, "cores_ci95", a->cores_ci);
	put(w, "cores_with_headroom", a->cores_planned);
	put(w, "under_way", a->under_way);
	put(w, "memory_gb", m->has_memory ? a->memory_gb : NAN);
	if (m->has_parts)
		bench_put_text(w, "limit", plan_part_names[a->limit]);
	bench_put_list(w, "machines");
	for (uint32_t i = 0; i < a->machine_count; i++)
		machine(w, &a->machines[i]);
	weft_json_end_array(w);
	lines(w, "notes", a->notes, a->note_count);
	lines(w, "refusals", a->refusals, a->refusal_count);
	weft_json_end_object(w);
}

static void pair(weft_json_writer *w, const char *name, double predicted, double measured_value, double error)
{
	bench_put_object(w, name);
	put(w, "predicted", predicted);
	put(w, "measured", measured_value);
	put(w, "error", error);
	weft_json_end_object(w);
}

static void checks(weft_json_writer *w, const struct plan_checks *c)
{
	bench_put_list(w, "verified");
	for (uint32_t i = 0; i < c->count; i++) {
		const struct plan_check *k = &c->of[i];

		weft_json_begin_object(w);
		put(w, "offered_per_s", k->measured.offered_per_s);
		put(w, "workers", k->measured.workers);
		bench_put_flag(w, "held_out", k->measured.kind == PLAN_VERIFY);
		if (k->measured.error[0])
			bench_put_text(w, "error", k->measured.error);
		pair(w, "done_per_s", k->done_per_s, k->measured.done_per_s, k->done_error);
		pair(w, "busy", k->busy, k->measured.busy, k->busy_error);
		pair(w, "added_p50_ms", k->added_p50_ms, k->measured.added_ms[PLAN_P50], k->p50_error);
		pair(w, "added_p99_ms", k->added_p99_ms, k->measured.added_ms[PLAN_P99], k->p99_error);
		pair(w, "own_p99_ms", k->own_p99_ms, k->measured.own_ms[PLAN_P99], k->own_error);
		put_interval(w, "p99_ci95", k->p99_ci);
		bench_put_text(w, "verdict", plan_verdict_names[k->verdict]);
		bench_put_flag(w, "ok", k->verdict <= PLAN_INSIDE);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

int plan_json(FILE *to, const struct plan_shown *s)
{
	weft_json_writer *w;
	int r = weft_json_writer_create(2, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put(w, "schema_version", 1);
	bench_put_text(w, "kind", "weft plan");
	bench_put_text(w, "weft", weft_version());
	asked(w, s->ask);
	measured(w, s->data);
	model(w, s->model);
	answer(w, s->answer, s->model);
	if (s->checks)
		checks(w, s->checks);
	weft_json_end_object(w);
	r = bench_put_print(w, to);
	weft_json_writer_destroy(w);
	return r;
}
