/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/workers.c - what more workers bring: a chart for each entry that ran with several numbers of them (ID@N),
 * with the Universal Scalability Law through its points and the band in which that law lies.
 */
#include <math.h>
#include <string.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/parts.h"
#include "bench/stat/usl.h"

#define POINTS_MAX 64u
#define CURVE 48u

struct sweep {
	const char *base;
	double n[POINTS_MAX], x[POINTS_MAX];       /* workers, operations a second */
	double low[POINTS_MAX], high[POINTS_MAX]; /* 95% interval, by that of the median; NAN: none */
	uint32_t points;
};

/* Operations a second: of all workers together. */
static double rate_of(const struct bench_results_entry *e)
{
	if (bench_is_given(e->messages_per_second) && e->messages_per_second > 0)
		return e->messages_per_second;
	return e->latency.median > 0 ? 1000 / e->latency.median : NAN;
}

static void gather(const struct bench_results *run, struct sweep *s)
{
	s->points = 0;
	for (uint32_t i = 0; i < run->entry_count && s->points < POINTS_MAX; i++) {
		const struct bench_results_entry *e = &run->entries[i];
		double x = rate_of(e);

		if (!e->base || !e->workers || e->error || strcmp(e->base, s->base) != 0 || !(x > 0))
			continue;
		s->n[s->points] = e->workers;
		s->x[s->points] = x;
		s->low[s->points] = x * e->latency.median / e->latency.median_high;
		s->high[s->points++] = x * e->latency.median / e->latency.median_low;
	}
}

static bool is_first(const struct bench_results *run, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		if (run->entries[i].base && !strcmp(run->entries[i].base, run->entries[at].base))
			return false;
	}
	return true;
}

static void curve(struct chart *c, const struct bench_usl *u)
{
	double n[CURVE], x[CURVE], low[CURVE], high[CURVE];

	for (uint32_t i = 0; i < CURVE; i++) {
		struct bench_interval ci;

		n[i] = u->n_min + (u->n_max - u->n_min) * i / (CURVE - 1);
		x[i] = bench_usl_x(u, n[i]);
		ci = bench_usl_x_interval(u, n[i]);
		low[i] = fmax(ci.low, c->y.low);
		high[i] = fmin(ci.high, c->y.high);
	}
	if (!(u->flags & BENCH_USL_NO_INTERVAL))
		chart_band(c, n, low, high, CURVE, 0);
	chart_line(c, n, x, CURVE, 0, false);
}

static void words(FILE *to, const struct bench_usl *u)
{
	char one[HTML_NUMBER];

	fputs("<p class=\"note\" title=\"X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))\">", to);
	html_textf(to, "Law: one worker does %s", html_rate(u->lambda, one));
	if (!(u->flags & BENCH_USL_NO_SIGMA))
		html_textf(to, ", contention %.4f", u->sigma);
	if (!(u->flags & (BENCH_USL_NO_SIGMA | BENCH_USL_NO_KAPPA)))
		html_textf(to, ", coherency %.6f", u->kappa);
	if (u->flags & BENCH_USL_NO_INTERVAL)
		html_text(to, "; as many coefficients as points: no intervals");
	else
		html_textf(to, " (95%%: %.4f to %.4f, %.6f to %.6f)", u->sigma_ci.low, u->sigma_ci.high, u->kappa_ci.low,
		           u->kappa_ci.high);
	if (u->flags & (BENCH_USL_SIGMA_HELD | BENCH_USL_KAPPA_HELD))
		html_text(to, "; a coefficient that came out negative is held at 0");
	if (u->flags & BENCH_USL_NO_SIGMA)
		html_text(to, "; one number of workers tells nothing about contention");
	else if (u->flags & BENCH_USL_NO_KAPPA)
		html_text(to, "; two numbers of workers tell nothing about coherency");
	else if (u->flags & BENCH_USL_NO_PEAK)
		html_text(to, "; no peak");
	else
		html_textf(to, "; most at %.1f workers%s", bench_usl_peak(u),
		           u->flags & BENCH_USL_PEAK_OUTSIDE ? ", which lies beyond what was measured: a guess" : "");
	fputs(".</p>\n", to);
}

static void draw(FILE *to, const struct sweep *s)
{
	struct chart c = { .to = to };
	struct bench_usl u;
	char buf[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER];
	double linear_x[2], linear_y[2];

	chart_none(&c.x, "workers", html_count, false);
	c.x.whole = true;
	chart_none(&c.y, "operations a second", html_rate, false);
	chart_hold(&c.x, 1);
	chart_hold(&c.y, 0);
	for (uint32_t i = 0; i < s->points; i++) {
		chart_hold(&c.x, s->n[i]);
		chart_hold_interval(&c.y, s->x[i], s->low[i], s->high[i]);
	}
	fputs("<div>", to);
	chart_begin(&c, s->base, "operations a second by number of workers; dashed: as many times one worker");
	linear_x[0] = s->n[0];
	linear_y[0] = s->x[0];
	linear_x[1] = fmin(c.x.high, s->n[0] * c.y.high / s->x[0]);
	linear_y[1] = s->x[0] * linear_x[1] / s->n[0];
	chart_line(&c, linear_x, linear_y, 2, 5, true);
	if (bench_usl_fit(s->n, s->x, s->points, &u) < 0)
		u.points = 0;
	else
		curve(&c, &u);
	for (uint32_t i = 0; i < s->points; i++) {
		chart_whisker(&c, s->n[i], s->low[i], s->high[i], 1);
		chart_point(&c, s->n[i], s->x[i], 3.5, 1, "%.0f workers: %s (95%%: %s to %s), %.2f times the first", s->n[i],
		            html_rate(s->x[i], buf), html_rate(s->low[i], low), html_rate(s->high[i], high), s->x[i] / s->x[0]);
	}
	chart_end(&c);
	if (u.points)
		words(to, &u);
	fputs("</div>\n", to);
}

void page_workers(FILE *to, const struct bench_page *p)
{
	bool any = false;

	page_section(to, "workers", "Throughput by workers",
	             "Points are measured, upright strokes their 95% interval. The line is the Universal Scalability Law through them, the band 95% of where that law "
	             "lies; past the last point nothing is drawn.");
	fputs("<div class=\"charts\">\n", to);
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		struct sweep s = { .base = p->run->entries[i].base };

		if (!s.base || !is_first(p->run, i))
			continue;
		gather(p->run, &s);
		if (s.points)
			draw(to, &s);
		any |= s.points > 0;
	}
	fputs("</div>\n", to);
	if (!any)
		fputs("<p class=\"none\">This run has no entries with several numbers of workers: "
		      "<code>weft bench --sweep --json FILE</code>, on a machine with more than one core.</p>\n",
		      to);
	page_section_end(to);
}
