/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/html.c - the plan on one page: no script, nothing loaded, light and dark, with the charts and the style of the
 * result's page. Points tell their numbers when they are pointed at, and tables say the same in text.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/plan/plan.h"

#define STEPS 80

extern const char bench_style_css[];
extern const size_t bench_style_css_len;

/* ---- charts ----------------------------------------------------------------------------------- */

/* The law from one number of workers to another. */
static void law(struct chart *c, const struct bench_usl *u, double from, double until, bool measured)
{
	double n[STEPS + 1], x[STEPS + 1], low[STEPS + 1], high[STEPS + 1];

	for (int i = 0; i <= STEPS; i++) {
		struct bench_interval ci;

		n[i] = from + (until - from) * i / STEPS;
		x[i] = bench_usl_x(u, n[i]);
		ci = bench_usl_x_interval(u, n[i]);
		low[i] = fmax(ci.low, c->y.low);
		high[i] = fmin(ci.high, c->y.high);
	}
	if (!(u->flags & BENCH_USL_NO_INTERVAL))
		chart_band(c, n, low, high, STEPS + 1, 0);
	chart_line(c, n, x, STEPS + 1, 0, !measured);
}

static bool is_capacity(const struct plan_point *p)
{
	return p->kind == PLAN_CLOSED && !p->error[0] && p->cpu_us > 0;
}

static double capacity_of(const struct plan_point *p)
{
	return p->workers * 1e6 / p->cpu_us;
}

static void capacity(FILE *to, const struct plan_shown *s)
{
	const struct bench_usl *u = &s->model->usl;
	double until = u->n_max * 2;
	struct chart c = { .to = to };
	char rate[HTML_NUMBER];

	chart_none(&c.x, "workers", html_count, false);
	c.x.whole = true;
	chart_none(&c.y, "agents a second", html_rate, false);
	chart_hold(&c.x, 0);
	chart_hold(&c.x, until);
	chart_hold(&c.y, 0);
	for (int i = 0; i <= STEPS; i++)
		chart_hold(&c.y, bench_usl_x(u, 1 + (until - 1) * i / STEPS));
	for (uint32_t i = 0; i < s->data->count; i++)
		chart_hold(&c.y, is_capacity(&s->data->points[i]) ? capacity_of(&s->data->points[i]) : NAN);
	chart_begin(&c, "Capacity", "dots are measured, the line is the Universal Scalability Law, the band 95%; dashed: "
	                            "beyond what was measured");
	law(&c, u, 1, u->n_max, true);
	law(&c, u, u->n_max, until, false);
	for (uint32_t i = 0; i < s->data->count; i++) {
		const struct plan_point *p = &s->data->points[i];

		if (is_capacity(p))
			chart_point(&c, p->workers, capacity_of(p), 3.5, p->oversubscribed ? 1 : 0, "%u workers: %s%s", p->workers,
			            html_rate(capacity_of(p), rate), p->oversubscribed ? " (more than cores, not fitted)" : "");
	}
	chart_end(&c);
}

#define LOAD_SHOWN 95.0 /* percent: beyond, a curve is a wall */

/* As far as it stays on the chart; ci: p99's interval about it. */
static void latency_curve(struct chart *c, const struct plan_model *m, int q, bool ci, unsigned colour)
{
	double load[STEPS + 1], ms[STEPS + 1], low[STEPS + 1], high[STEPS + 1];
	size_t n = 0;

	for (int i = 0; i <= STEPS; i++) {
		struct bench_interval around;

		load[n] = LOAD_SHOWN * i / STEPS;
		ms[n] = plan_latency_at(m, q, load[n] / 100, m->latency_workers);
		around = plan_latency_interval(m, plan_quantiles[q], load[n] / 100, m->latency_workers);
		low[n] = fmax(around.low, c->y.low);
		high[n] = fmin(around.high, c->y.high);
		if (ms[n] > c->y.high)
			break;
		n++;
	}
	if (ci && m->draws)
		chart_band(c, load, low, high, n, colour);
	chart_line(c, load, ms, n, colour, false);
}

static bool is_open(const struct plan_point *p)
{
	return p->offered_per_s > 0 && !p->error[0];
}

enum { P50_COLOUR = 0, P99_COLOUR, HELD_OUT_COLOUR };
static const char *const dots[] = { "p50", "p99, fitted", "p99, not fitted" };

static void latency_points(struct chart *c, const struct plan_model *m, const struct plan_point *p)
{
	double load = p->offered_per_s / bench_usl_x(&m->usl, p->workers);
	char time[HTML_NUMBER], rate[HTML_NUMBER];

	chart_point(c, 100 * load, p->added_ms[PLAN_P50], 3.5, P50_COLOUR, "p50 %s at %s", html_time(p->added_ms[PLAN_P50], time), html_rate(p->offered_per_s, rate));
	chart_point(c, 100 * load, p->added_ms[PLAN_P99], 3.5, p->kind == PLAN_VERIFY ? HELD_OUT_COLOUR : P99_COLOUR, "p99 %s at %s%s",
	            html_time(p->added_ms[PLAN_P99], time), html_rate(p->offered_per_s, rate), p->kind == PLAN_VERIFY ? " (not fitted)" : "");
}

static void latency(FILE *to, const struct plan_shown *s)
{
	const struct plan_model *m = s->model;
	struct chart c = { .to = to };

	if (!m->has_latency)
		return;
	chart_none(&c.x, "load, %", html_count, false);
	chart_none(&c.y, "added time", html_time, false);
	chart_hold(&c.x, 0);
	chart_hold(&c.x, 100);
	chart_hold(&c.y, 0);
	chart_hold(&c.y, plan_latency_at(m, PLAN_P99, 0.9, m->latency_workers));
	for (uint32_t i = 0; i < s->data->count; i++)
		chart_hold(&c.y, is_open(&s->data->points[i]) ? s->data->points[i].added_ms[PLAN_P99] : NAN);
	chart_begin(&c, "Latency that weft adds", "a dot is a run of one load; the curves are a base and a slope over the wait factor of M/G/c, the band 95% of p99's");
	latency_curve(&c, m, PLAN_P50, false, P50_COLOUR);
	latency_curve(&c, m, PLAN_P99, true, P99_COLOUR);
	for (uint32_t i = 0; i < s->data->count; i++)
		if (is_open(&s->data->points[i]))
			latency_points(&c, m, &s->data->points[i]);
	chart_end(&c);
}

/* ---- tables ----------------------------------------------------------------------------------- */

static void cell(FILE *to, const char *format, double value)
{
	fputs("<td>", to);
	if (value > 0)
		fprintf(to, format, value);
	else
		fputs("?", to);
	fputs("</td>", to);
}

static void interval(FILE *to, struct bench_interval ci)
{
	if (isnan(ci.low))
		fputs("<td>?</td>", to);
	else
		fprintf(to, "<td>%.2f to %.2f</td>", ci.low, ci.high);
}

static void machines(FILE *to, const struct plan_shown *s)
{
	fputs("<h2>Machines</h2><div class=\"wide\"><table><tr><th>type</th><th>cores</th><th>GB</th><th>machines</th><th>95% up to</th><th>busy</th>"
	      "<th>added ms</th><th>95%</th><th>without stalls</th><th>GB used</th><th>$ a month</th><th class=\"words\">breaks first</th></tr>\n", to);
	for (uint32_t i = 0; i < s->answer->machine_count; i++) {
		const struct plan_machines *k = &s->answer->machines[i];

		fputs("<tr><th>", to);
		html_text(to, k->vm.name);
		fprintf(to, "</th><td>%g</td><td>%.0f</td>", k->vm.cores, k->vm.memory_gb);
		if (k->refused) {
			fputs("<td class=\"bad words\" colspan=\"9\">no answer: ", to);
			html_text(to, k->reason);
			fputs("</td></tr>\n", to);
			continue;
		}
		fprintf(to, "<td><b>%u</b></td><td>", k->count);
		if (k->count_high)
			fprintf(to, "%u", k->count_high);
		else
			fputs("?", to);
		fprintf(to, "</td><td>%.0f%%</td>", 100 * k->busy);
		cell(to, "%.2f", k->latency_ms);
		interval(to, k->latency_ci);
		cell(to, "%.2f", k->latency_own_ms);
		fprintf(to, "<td>%.2f</td><td>", k->memory_gb);
		if (k->vm.usd_month > 0)
			fprintf(to, "%.2f", k->usd_month);
		fprintf(to, "</td><td class=\"words\">%s at %.2f x</td></tr>\n", k->breaks_first, k->breaks_at);
	}
	fputs("</table></div>\n", to);
}

static void check(FILE *to, const struct plan_check *k)
{
	const struct plan_point *p = &k->measured;
	bool held_out = p->kind == PLAN_VERIFY;

	fprintf(to, "<tr><td>%.0f%%</td><td>%.0f</td>", 100 * k->busy, p->offered_per_s);
	if (p->error[0]) {
		fputs("<td class=\"bad words\" colspan=\"8\">", to);
		html_text(to, p->error);
		fputs("</td></tr>\n", to);
		return;
	}
	cell(to, "%.0f", p->done_per_s);
	cell(to, "%.2f", p->added_ms[PLAN_P50]);
	cell(to, "%.2f", k->added_p50_ms);
	cell(to, "%.2f", p->added_ms[PLAN_P99]);
	cell(to, "%.2f", k->added_p99_ms);
	interval(to, k->p99_ci);
	cell(to, "%.2f", p->own_ms[PLAN_P99]);
	fprintf(to, "<td class=\"words%s\">%s</td></tr>\n", held_out && k->verdict > PLAN_INSIDE ? " bad" : "", held_out ? plan_verdict_names[k->verdict] : "fitted");
}

static void checks(FILE *to, const struct plan_checks *c)
{
	fputs("<h2>Verified</h2><p class=\"note\">The model beside loads that it was not fitted to, in one run with those that it was. Good is within 10% of agents done "
	      "and 25% of p99, or a p99 inside its interval. Without stalls: of agents that met no moment in which somebody else had the core.</p>"
	      "<div class=\"wide\"><table><tr><th>load</th><th>offered/s</th><th>done/s</th><th>p50 ms</th><th>predicted</th><th>p99 ms</th><th>predicted</th>"
	      "<th>95%</th><th>without stalls</th><th class=\"words\"></th></tr>\n", to);
	for (uint32_t i = 0; i < c->count; i++)
		check(to, &c->of[i]);
	fputs("</table></div>\n", to);
}

static void row(FILE *to, const char *name, const char *fmt, ...) WEFT_PRINTF(3, 4);

static void row(FILE *to, const char *name, const char *fmt, ...)
{
	va_list args;

	fprintf(to, "<tr><th>%s</th><td class=\"words\">", name);
	va_start(args, fmt);
	vfprintf(to, fmt, args);
	va_end(args);
	fputs("</td></tr>\n", to);
}

static void coefficient(FILE *to, const char *name, double value, struct bench_interval ci, bool told, bool has_interval)
{
	if (!told)
		row(to, name, "not told by this data, taken for 0");
	else if (has_interval)
		row(to, name, "%.4g (95%%: %.4g to %.4g)", value, ci.low, ci.high);
	else
		row(to, name, "%.4g (no interval)", value);
}

/* What the charts do not say. */
static void figures(FILE *to, const struct plan_model *m)
{
	const struct plan_stalls *stalls = &m->stalls[PLAN_WORKERS];
	const struct bench_usl *u = &m->usl;
	bool has_interval = !(u->flags & BENCH_USL_NO_INTERVAL);
	double whole = 0, per_s = plan_stalls_per_s(stalls), half = plan_stalls_quantile_ms(stalls, 0.5), share = 100 * plan_stalls_share(stalls);

	fputs("<div class=\"wide\"><table>\n", to);
	if (has_interval)
		row(to, "one worker (lambda)", "%.0f agents/s (95%%: %.0f to %.0f)", u->lambda, u->lambda_ci.low, u->lambda_ci.high);
	else
		row(to, "one worker (lambda)", "%.0f agents/s (no interval)", u->lambda);
	coefficient(to, "contention (sigma)", u->sigma, u->sigma_ci, !(u->flags & BENCH_USL_NO_SIGMA), has_interval);
	coefficient(to, "coherency (kappa)", u->kappa, u->kappa_ci, !(u->flags & (BENCH_USL_NO_KAPPA | BENCH_USL_NO_SIGMA)), has_interval);
	for (int i = 0; i < PLAN_PARTS; i++)
		whole += m->part_us[i];
	for (int i = 0; m->has_parts && i < PLAN_PARTS; i++)
		row(to, plan_part_names[i], "%.1f us an agent, %.0f%%", m->part_us[i], 100 * m->part_us[i] / whole);
	if (m->has_memory)
		row(to, "memory", "%.1f KB an agent under way, %.0f bytes a message of history", m->bytes_per_agent / 1024, m->bytes_per_message);
	if (!isnan(m->cs2))
		row(to, "service varies (cs2)", isnan(m->own_cs2) ? "%.*f" : "%.*f, without stalls %.*f", plan_digits(m->cs2), m->cs2,
		    plan_digits(m->own_cs2), m->own_cs2);
	if (stalls->seconds > 0)
		row(to, "this host's stalls", "%.*f a second of each worker, half of them over %.*f ms: %.*f%% of its time", plan_digits(per_s), per_s,
		    plan_digits(half), half, plan_digits(share), share);
	fputs("</table></div>\n", to);
}

static void lines(FILE *to, const char (*of)[256], uint32_t count, const char *class)
{
	fputs("<ul>", to);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(to, "<li class=\"%s\">", class);
		html_text(to, of[i]);
		fputs("</li>", to);
	}
	fputs("</ul>\n", to);
}

static void head(FILE *to)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<title>weft plan</title>\n<style>\n",
	      to);
	fwrite(bench_style_css, 1, bench_style_css_len, to);
	fputs("</style>\n</head>\n<body>\n<header>\n", to);
}

int plan_html(FILE *to, const struct plan_shown *s)
{
	const struct plan_ask *a = s->ask;
	const struct plan_answer *w = s->answer;

	head(to);
	fprintf(to, "<h1>%.10g agents a second</h1><p>Each: %u model calls of %g ms, %u tool calls of %g ms, %u messages of history, models %s. ", a->rate, a->work.tools + 1,
	        a->work.model_ms, a->work.tools, a->work.tool_ms, a->work.history, a->work.inline_model ? "inside the process" : "over plain HTTP");
	if (a->slo_ms > 0)
		fprintf(to, "Objective: p%g of what weft adds within %g ms. ", 100 * a->slo_quantile, a->slo_ms);
	fputs("Measured on ", to);
	html_text(to, s->data->source);
	fprintf(to, " (%u cores), %.0f to %.0f workers.</p></header>\n<main>\n", s->data->cores, s->model->usl.n_min, s->model->usl.n_max);
	if (w->refusal_count)
		lines(to, w->refusals, w->refusal_count, "bad");
	if (w->machine_count) {
		fprintf(to, "<p><b>%.2f cores</b> busy", w->cores);
		if (isfinite(w->cores_ci.high))
			fprintf(to, " (95%%: %.2f to %.2f)", w->cores_ci.low, w->cores_ci.high);
		fprintf(to, ", %.2f with headroom; <b>%.0f agents</b> under way", w->cores_planned, w->under_way);
		if (s->model->has_memory)
			fprintf(to, "; <b>%.2f GB</b>", w->memory_gb);
		fputs(".</p>\n", to);
		machines(to, s);
	}
	if (s->checks && s->checks->held_out)
		checks(to, s->checks);
	fputs("<h2>The model</h2><div class=\"charts\">\n", to);
	capacity(to, s);
	latency(to, s);
	fputs("</div>\n", to);
	if (s->model->has_latency)
		chart_legend(to, dots, HELD_OUT_COLOUR + 1);
	figures(to, s->model);
	if (w->note_count) {
		fputs("<h2>To know</h2>", to);
		lines(to, w->notes, w->note_count, "note");
	}
	fputs("</main>\n</body>\n</html>\n", to);
	return ferror(to) ? -EIO : 0;
}
