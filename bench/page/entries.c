/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/entries.c - every entry in a place of its own: its figures, its values in the order in which they were
 * measured with their distribution at the side, and its median over earlier runs. Groups are closed, and a closed entry
 * is a line: its name, its values in small, how sure its median is, whether that has changed.
 */
#include <math.h>
#include <string.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/parts.h"
#include "bench/stat/quantile.h"

#define DOTS_MAX 300u /* of a chart: more cannot be told apart, and fill the page */
#define BINS 20u
#define SPARK_POINTS 60u
#define RAW_SHOWN 3u /* fewer values are no distribution */

/* ---- figures --------------------------------------------------------------------------------- */

static void figure(FILE *to, const char *name, const char *value, const char *means)
{
	if (!strcmp(value, "-"))
		return;
	fputs("<div title=\"", to);
	html_text(to, means);
	fprintf(to, "\"><dt>%s</dt><dd>", name);
	html_text(to, value);
	fputs("</dd></div>\n", to);
}

static void spread(FILE *to, const struct bench_results_entry *e)
{
	const struct bench_results_latency *l = &e->latency;
	char buf[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER], text[2 * HTML_NUMBER + 8];

	figure(to, "median", html_time(l->median, buf), "Half of the iterations took no longer.");
	if (bench_is_given(l->median_low)) {
		snprintf(text, sizeof(text), "%s to %s", html_time(l->median_low, low), html_time(l->median_high, high));
		figure(to, "95% interval", text, "Where the median of more runs like this one lies, 95 times in 100.");
	}
	figure(to, "least", html_time(l->min, buf), "The fastest iteration.");
	figure(to, "p90", html_time(l->p90, buf), "Nine of ten iterations took no longer.");
	figure(to, "p99", html_time(l->p99, buf), "99 of 100 iterations took no longer; with fewer than 100, the slowest.");
	figure(to, "p99.9", html_time(l->p999, buf), "999 of 1,000 took no longer; with fewer, the slowest.");
	figure(to, "most", html_time(l->max, buf), "The slowest iteration.");
	figure(to, "MAD", html_time(l->mad, buf), "Median distance from the median, times 1.4826: a spread that outliers do not move.");
}

/* What a user waits, and beside it what only the sending shows. */
static void at_a_rate(FILE *to, const struct bench_results_open_loop *o)
{
	char buf[HTML_NUMBER];

	figure(to, "offered", html_rate(o->offered_per_s, buf), "Requests that were due a second, whether those before were answered or not.");
	snprintf(buf, sizeof(buf), "%llu of %llu", (unsigned long long)o->done, (unsigned long long)o->intended);
	figure(to, "done", buf, "Requests that were answered, of those that were due.");
	figure(to, "p50 since due", html_time(o->from_intended.p50, buf), "From the time a request was due: what a user waits.");
	figure(to, "p99 since due", html_time(o->from_intended.p99, buf), "From the time a request was due: what a user waits.");
	figure(to, "p99.9 since due", html_time(o->from_intended.p999, buf), "From the time a request was due: what a user waits.");
	figure(to, "p99 since sent", html_time(o->from_sent.p99, buf), "From the real send: it looks better whenever the generator was held up.");
}

static void others(FILE *to, const struct bench_results_entry *e)
{
	char buf[HTML_NUMBER];

	figure(to, "a second", html_rate(e->messages_per_second, buf), "Operations over the time that was measured.");
	if (bench_is_given(e->bytes)) {
		snprintf(buf, sizeof(buf), "%.1f", e->bytes);
		figure(to, "bytes", buf, "Resident bytes of one.");
	}
	if (bench_is_given(e->recall)) {
		snprintf(buf, sizeof(buf), "%.4f", e->recall);
		figure(to, "recall", buf, "The share of the nearest rows that was found.");
	}
	if (e->rss_peak_mb > 0)
		figure(to, "peak memory", html_megabytes(e->rss_peak_mb, buf), "The most that the entry's process had resident.");
	if (e->outliers > 0) {
		snprintf(buf, sizeof(buf), "%lld of %u", (long long)e->outliers, e->latency.raw_count);
		figure(to, "outliers", buf, "Values far from the median, by its MAD. They are in all figures.");
	}
	if (e->workers) {
		snprintf(buf, sizeof(buf), "%u", e->workers);
		figure(to, "workers", buf, "Threads of the runtime.");
	}
	if (e->open_loop)
		at_a_rate(to, e->open_loop);
	snprintf(buf, sizeof(buf), "%u", e->iterations);
	figure(to, "iterations", buf, "Measured ones; warm-ups are not counted.");
}

/* ---- the distribution ------------------------------------------------------------------------- */

static void side_bars(struct chart *c, const struct bench_results_latency *l, double low, double high)
{
	uint32_t count[BINS] = { 0 }, most = 1;
	double width = (high - low) / BINS;
	char from[HTML_NUMBER], until[HTML_NUMBER];

	if (!(width > 0))
		return;
	for (uint32_t i = 0; i < l->raw_count; i++) {
		double at = (l->raw[i] - low) / width;
		uint32_t bin = at < 0 ? 0 : at >= BINS ? BINS - 1 : (uint32_t)at;

		if (++count[bin] > most)
			most = count[bin];
	}
	for (uint32_t b = 0; b < BINS; b++) {
		if (count[b])
			chart_side_bar(c, low + b * width, low + (b + 1) * width, (double)count[b] / most, "%u of %u from %s to %s%s",
			               count[b], l->raw_count, html_time(low + b * width, from),
			               html_time(low + (b + 1) * width, until), b == BINS - 1 ? " or longer" : "");
	}
}

/* A few that took very long would flatten all others: the chart ends below them, and says so. */
static double top_of(const struct bench_results_latency *l)
{
	return l->p90 > 0 && l->max > 4 * l->p90 ? l->p90 * 1.5 : l->max;
}

static void caption(const struct bench_results_latency *l, double top, uint32_t every, char *text, size_t size)
{
	uint32_t above = 0;

	for (uint32_t i = 0; i < l->raw_count; i++)
		above += l->raw[i] > top;
	if (above)
		snprintf(text, size, "in the order of measuring%s; at the right how often; %u took longer than is shown",
		         every > 1 ? ", not each" : "", above);
	else
		snprintf(text, size, "in the order of measuring%s; at the right how often", every > 1 ? ", not each" : "");
}

static void distribution(FILE *to, const struct bench_results_entry *e)
{
	const struct bench_results_latency *l = &e->latency;
	uint32_t every = (l->raw_count + DOTS_MAX - 1) / DOTS_MAX;
	struct chart c = { .to = to };
	double top = top_of(l), ends[2], median[2] = { l->median, l->median };
	char text[128], time[HTML_NUMBER];

	if (!l->raw || l->raw_count < RAW_SHOWN)
		return;
	chart_none(&c.x, "iteration", html_count, false);
	c.x.whole = true;
	chart_none(&c.y, "time", html_time, false);
	chart_hold(&c.x, 0);
	chart_hold(&c.x, l->raw_count);
	chart_hold(&c.y, l->min);
	chart_hold(&c.y, top);
	caption(l, top, every, text, sizeof(text));
	chart_begin(&c, "Iterations", text);
	side_bars(&c, l, l->min, top);
	ends[0] = c.x.low;
	ends[1] = c.x.high;
	chart_line(&c, ends, median, 2, 5, true);
	for (uint32_t i = 0; i < l->raw_count; i += every)
		chart_point(&c, i + 1, l->raw[i], 1.6, l->round ? l->round[i] : 0, "%s, iteration %u, round %u",
		            html_time(l->raw[i], time), i + 1, l->round ? l->round[i] + 1 : 1);
	chart_end(&c);
}

/* ---- the trend -------------------------------------------------------------------------------- */

static double value_of(const struct bench_results_entry *e)
{
	return !e || e->error ? NAN : bench_is_given(e->bytes) ? e->bytes : e->latency.median;
}

static char *bytes_text(double bytes, char *buf)
{
	snprintf(buf, HTML_NUMBER, "%.0f B", bytes);
	return buf;
}

static void trend_point(struct chart *c, const struct bench_results *run, const struct bench_results_entry *e, double x, bool now)
{
	char buf[HTML_NUMBER];

	if (!e || !isfinite(value_of(e)))
		return;
	if (!bench_is_given(e->bytes))
		chart_whisker(c, x, e->latency.median_low, e->latency.median_high, now ? 1 : 0);
	chart_point(c, x, value_of(e), now ? 4 : 3, now ? 1 : 0, "%s, %s%s", c->y.text(value_of(e), buf), run->timestamp,
	            now ? ": this run" : "");
}

static void hold_interval(struct chart_axis *y, const struct bench_results_entry *e)
{
	if (!e || e->error || bench_is_given(e->bytes))
		return;
	chart_hold_interval(y, e->latency.median, e->latency.median_low, e->latency.median_high);
}

static void trend(FILE *to, const struct bench_page *p, const struct bench_results_entry *e)
{
	double x[201], y[201];
	uint32_t first = p->earlier_count > 200 ? p->earlier_count - 200 : 0, n = 0, known = 0;
	struct chart c = { .to = to };

	chart_none(&c.x, "run, the latest at the right", html_count, false);
	c.x.whole = true;
	chart_none(&c.y, bench_is_given(e->bytes) ? "bytes" : "median", bench_is_given(e->bytes) ? bytes_text : html_time, false);
	for (uint32_t i = first; i <= p->earlier_count; i++, n++) {
		x[n] = n + 1;
		y[n] = value_of(i < p->earlier_count ? bench_results_find(p->earlier[i], e->id) : e);
		known += isfinite(y[n]);
		chart_hold(&c.x, x[n]);
		chart_hold(&c.y, y[n]);
		hold_interval(&c.y, i < p->earlier_count ? bench_results_find(p->earlier[i], e->id) : e);
	}
	if (known < 2)
		return;
	chart_begin(&c, "Trend", "the median of this run and of earlier ones on this machine, with their 95% intervals");
	chart_line(&c, x, y, n, 0, false);
	for (uint32_t i = 0; i < n; i++) {
		bool now = first + i == p->earlier_count;
		const struct bench_results *run = now ? p->run : p->earlier[first + i];

		trend_point(&c, run, now ? e : bench_results_find(run, e->id), x[i], now);
	}
	chart_end(&c);
}

/* ---- as a line ---------------------------------------------------------------------------------- */

/* The values in small, in the order of measuring. */
static void spark(FILE *to, const struct bench_results_latency *l)
{
	double low = l->min, range = l->raw ? top_of(l) - low : 0;
	uint32_t every = (l->raw_count + SPARK_POINTS - 1) / SPARK_POINTS;

	fputs("<svg class=\"spark aside\" viewBox=\"0 0 120 16\" aria-hidden=\"true\">", to);
	if (l->raw && l->raw_count >= RAW_SHOWN && range > 0) {
		fputs("<polyline class=\"line s0\" points=\"", to);
		for (uint32_t i = 0; i < l->raw_count; i += every)
			fprintf(to, "%.0f,%.1f ", 120.0 * i / (l->raw_count - 1), 15 - 14 * fmin((l->raw[i] - low) / range, 1));
		fputs("\"/>", to);
	}
	fputs("</svg>", to);
}

static void line(FILE *to, const struct bench_page *p, const struct bench_results_entry *e)
{
	const struct bench_results_latency *l = &e->latency;
	double ratio = page_change(p, e);
	char headline[HTML_NUMBER];

	fputs("<summary><b>", to);
	html_text(to, e->id);
	fputs("</b>", to);
	spark(to, l);
	if (isfinite(ratio))
		fprintf(to, "<span class=\"%s\" title=\"Against the run before: the intervals lie apart.\">%.0f%% %s</span>",
		        ratio > 1 ? "bad" : "good", 100 * fabs(ratio - 1), ratio > 1 ? "slower" : "faster");
	else
		fputs("<span></span>", to);
	if (bench_is_given(l->median_low) && l->median > 0 && !bench_is_given(e->bytes))
		fprintf(to, "<span title=\"Half of the width of the median's 95%% interval.\">&plusmn;%.3g%%</span>",
		        50 * (l->median_high - l->median_low) / l->median);
	else
		fputs("<span></span>", to);
	fputs("<span>", to);
	html_text(to, e->error ? "failed" : page_headline(e, headline));
	fputs("</span></summary>\n", to);
}

/* ---- all of them -------------------------------------------------------------------------------- */

static void entry(FILE *to, const struct bench_page *p, const struct bench_results_entry *e)
{
	fputs("<details class=\"entry\" id=\"", to);
	html_anchor(to, e->id);
	fputs("\">", to);
	line(to, p, e);
	fputs("<p>", to);
	html_text(to, e->description);
	fputs("</p>\n", to);
	if (e->error) {
		fputs("<p class=\"bad\">", to);
		html_text(to, e->error);
		fputs("</p></details>\n", to);
		return;
	}
	fputs("<dl class=\"facts\">\n", to);
	if (!bench_is_given(e->bytes))
		spread(to, e);
	others(to, e);
	fputs("</dl>\n", to);
	fputs("<div class=\"charts\">\n", to);
	if (!bench_is_given(e->bytes))
		distribution(to, e);
	trend(to, p, e);
	fputs("</div></details>\n", to);
}

static const char *group_of(const struct bench_results_entry *e)
{
	return e->group ? e->group : e->suite ? e->suite : "entries";
}

static bool is_first(const struct bench_results *run, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		if (!strcmp(group_of(&run->entries[i]), group_of(&run->entries[at])))
			return false;
	}
	return true;
}

static uint32_t members(const struct bench_results *run, uint32_t first)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < run->entry_count; i++)
		count += !strcmp(group_of(&run->entries[i]), group_of(&run->entries[first]));
	return count;
}

void page_entries(FILE *to, const struct bench_page *p)
{
	const struct bench_results *run = p->run;

	page_section(to, "entries", "Every entry", "Open a group, then an entry, to see its figures, how they are spread, and how they went over earlier runs.");
	for (uint32_t i = 0; i < run->entry_count; i++) {
		if (!is_first(run, i))
			continue;
		fputs("<details class=\"group\"><summary><b>", to);
		html_text(to, group_of(&run->entries[i]));
		fprintf(to, "</b> <span>%u</span></summary>\n", members(run, i));
		for (uint32_t j = i; j < run->entry_count; j++) {
			if (!strcmp(group_of(&run->entries[j]), group_of(&run->entries[i])))
				entry(to, p, &run->entries[j]);
		}
		fputs("</details>\n", to);
	}
	page_section_end(to);
}
