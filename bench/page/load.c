/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/load.c - latency against offered load, for entries that were run as an open loop at several rates.
 *
 * The knee is the highest rate that was kept up with (97% as many a second were done, from the lowest rate on) at a p99 of at most
 * three times the lowest rate's: beyond it a little more load costs much more time.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/parts.h"

#define POINTS_MAX 64u
#define KNEE_TIMES 3.0
#define KEPT_UP 0.97 /* as the command says "over capacity" */

static const char *const names[] = { "p50", "p90", "p99", "p99.9", "p99 from the real send" };

struct family {
	const struct bench_results_entry *at[POINTS_MAX]; /* by rising rate */
	uint32_t points;
};

/* How much of an id its family shares: all before a number at its end. */
static size_t stem(const char *id)
{
	size_t n = strlen(id);

	while (n && isdigit((unsigned char)id[n - 1]))
		n--;
	return n;
}

static bool is_family(const char *a, const char *b)
{
	return stem(a) == stem(b) && strncmp(a, b, stem(a)) == 0;
}

static int by_rate(const void *a, const void *b)
{
	const struct bench_results_entry *const *x = a, *const *y = b;

	return ((*x)->open_loop->offered_per_s > (*y)->open_loop->offered_per_s) -
	       ((*x)->open_loop->offered_per_s < (*y)->open_loop->offered_per_s);
}

/* The family of entry `at`; empty when an earlier one leads it. */
static void gather(const struct bench_results *run, uint32_t at, struct family *f)
{
	f->points = 0;
	for (uint32_t i = 0; i < run->entry_count && f->points < POINTS_MAX; i++) {
		const struct bench_results_entry *e = &run->entries[i];

		if (!e->open_loop || e->error || !is_family(e->id, run->entries[at].id))
			continue;
		if (i < at) {
			f->points = 0;
			return;
		}
		f->at[f->points++] = e;
	}
	qsort(f->at, f->points, sizeof(f->at[0]), by_rate);
}

/* All may be done in the end, late: that is told by how many a second were. */
static bool keeps_up(const struct bench_results_entry *e)
{
	const struct bench_results_open_loop *o = e->open_loop;

	return o->intended && (double)o->done >= KEPT_UP * (double)o->intended && !(e->messages_per_second < KEPT_UP * o->offered_per_s);
}

/* The knee's place in the family, or -1: not even the lowest rate is kept up with. */
static int knee(const struct family *f)
{
	double limit = KNEE_TIMES * f->at[0]->open_loop->from_intended.p99;
	int found = -1;

	for (uint32_t i = 0; i < f->points; i++) {
		const struct bench_results_open_loop *o = f->at[i]->open_loop;

		if (!keeps_up(f->at[i]) || !(o->from_intended.p99 <= limit))
			break;
		found = (int)i;
	}
	return found;
}

static double quantile(const struct bench_results_open_loop *o, int which)
{
	switch (which) {
	case 0:
		return o->from_intended.p50;
	case 1:
		return o->from_intended.p90;
	case 2:
		return o->from_intended.p99;
	case 3:
		return o->from_intended.p999;
	default:
		return o->from_sent.p99;
	}
}

static void lines(struct chart *c, const struct family *f)
{
	double x[POINTS_MAX], y[POINTS_MAX];
	char rate[HTML_NUMBER], time[HTML_NUMBER];

	for (int q = 0; q < 5; q++) {
		for (uint32_t i = 0; i < f->points; i++) {
			x[i] = f->at[i]->open_loop->offered_per_s;
			y[i] = quantile(f->at[i]->open_loop, q);
		}
		chart_line(c, x, y, f->points, (unsigned)q, q == 4);
		for (uint32_t i = 0; i < f->points; i++)
			chart_point(c, x[i], y[i], 3, (unsigned)q, "%s at %s offered: %s; %llu of %llu done, %llu sent late", names[q],
			            html_rate(x[i], rate), html_time(y[i], time), (unsigned long long)f->at[i]->open_loop->done,
			            (unsigned long long)f->at[i]->open_loop->intended,
			            (unsigned long long)f->at[i]->open_loop->late);
	}
}

static void draw(FILE *to, const struct family *f)
{
	struct chart c = { .to = to };
	int at = knee(f);
	char title[128], words[64], rate[HTML_NUMBER];
	size_t n = stem(f->at[0]->id);

	chart_none(&c.x, "offered load, a second", html_rate, false);
	chart_none(&c.y, "latency since it was due", html_time, true);
	for (uint32_t i = 0; i < f->points; i++) {
		chart_hold(&c.x, f->at[i]->open_loop->offered_per_s);
		for (int q = 0; q < 5; q++)
			chart_hold(&c.y, quantile(f->at[i]->open_loop, q));
	}
	while (n && (f->at[0]->id[n - 1] == '-' || f->at[0]->id[n - 1] == '_'))
		n--;
	snprintf(title, sizeof(title), "%.*s", (int)n, f->at[0]->id);
	fputs("<div>", to);
	chart_begin(&c, title, "latency from the time a message was meant to be sent, by offered load");
	lines(&c, f);
	if (at >= 0) {
		snprintf(words, sizeof(words), at == 0 ? "knee at %s or below" : (uint32_t)at + 1 == f->points ? "no knee up to %s" : "knee: %s",
		         html_rate(f->at[at]->open_loop->offered_per_s, rate));
		chart_mark(&c, f->at[at]->open_loop->offered_per_s, words);
	}
	chart_end(&c);
	chart_legend(to, names, 5);
	fputs("</div>\n", to);
}

void page_load(FILE *to, const struct bench_page *p)
{
	bool any = false;

	page_section(to, "load", "Latency by offered load",
	             "Messages are sent when they are due, whether the ones before were answered or not, and latency counts from then. "
	             "The knee is the highest rate that is kept up with at a p99 of at most three times the lowest rate's.");
	fputs("<div class=\"charts\">\n", to);
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		struct family f;

		if (!p->run->entries[i].open_loop)
			continue;
		gather(p->run, i, &f);
		if (f.points > 1)
			draw(to, &f);
		any |= f.points > 1;
	}
	fputs("</div>\n", to);
	if (!any)
		fputs("<p class=\"none\">This run has no open loop at several rates.</p>\n", to);
	page_section_end(to);
}
