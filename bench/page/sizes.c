/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/sizes.c - what grows with a number: entries whose ids differ in a number at their end only, such as
 * history-scaling-100, -1000 and -10000. A flat line is what a long history should cost.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/parts.h"

#define POINTS_MAX 16u

struct point {
	double size, ms, low, high;
	const char *id;
};

/* Where the number at an id's end begins, behind a '-'; 0: none, or not the whole of an entry's own. */
static size_t number_at(const struct bench_results_entry *e)
{
	size_t n = strlen(e->id), end = n;

	while (n && isdigit((unsigned char)e->id[n - 1]))
		n--;
	return n && n < end && e->id[n - 1] == '-' && !e->base && !e->open_loop && !e->error && e->latency.median > 0 ? n : 0;
}

static int by_size(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

/* @return how many; 0 when an earlier entry leads the family */
static uint32_t gather(const struct bench_results *run, uint32_t at, struct point *points)
{
	size_t stem = number_at(&run->entries[at]);
	uint32_t count = 0;

	for (uint32_t i = 0; stem && i < run->entry_count && count < POINTS_MAX; i++) {
		const struct bench_results_entry *e = &run->entries[i];

		if (number_at(e) != stem || strncmp(e->id, run->entries[at].id, stem) != 0)
			continue;
		if (i < at)
			return 0;
		points[count++] = (struct point){ strtod(e->id + stem, NULL), e->latency.median, e->latency.median_low,
			                          e->latency.median_high, e->id };
	}
	qsort(points, count, sizeof(*points), by_size);
	return count;
}

/* What the number at the end of an id counts. */
static const char *counted(const char *id)
{
	static const struct {
		const char *begin, *what;
	} known[] = {
		{ "history-", "messages of history" },    { "memory-history-", "messages of history" },
		{ "provider-", "providers" },             { "concurrent-agents-", "agents at once" },
		{ "seeds-concurrent-", "agents at once" }, { "concurrent-", "messages at once" },
		{ "conversation-", "messages" },          { "burst-", "messages" },
		{ "actors-tasks-", "tasks" },             { "memory-filter-", "percent of the rows allowed" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strncmp(id, known[i].begin, strlen(known[i].begin)))
			return known[i].what;
	}
	return "size: the number in the name";
}

static void draw(FILE *to, const struct point *points, uint32_t count)
{
	struct chart c = { .to = to };
	double x[POINTS_MAX], y[POINTS_MAX];
	char title[128], time[HTML_NUMBER];
	size_t n = strlen(points[0].id);

	chart_none(&c.x, counted(points[0].id), html_count, true);
	chart_none(&c.y, "median time", html_time, true);
	for (uint32_t i = 0; i < count; i++) {
		x[i] = points[i].size;
		y[i] = points[i].ms;
		chart_hold(&c.x, x[i]);
		chart_hold_interval(&c.y, y[i], points[i].low, points[i].high);
	}
	chart_hold(&c.y, c.y.low / 2); /* a flat line looks flat */
	chart_hold(&c.y, c.y.high * 2);
	while (n && (isdigit((unsigned char)points[0].id[n - 1]) || points[0].id[n - 1] == '-'))
		n--;
	snprintf(title, sizeof(title), "%.*s", (int)n, points[0].id);
	chart_begin(&c, title, "median time by size, with its 95% interval");
	chart_line(&c, x, y, count, 0, false);
	for (uint32_t i = 0; i < count; i++) {
		chart_whisker(&c, x[i], points[i].low, points[i].high, 1);
		chart_point(&c, x[i], y[i], 3.5, 1, "%s: %s, %.2f times the smallest", points[i].id, html_time(y[i], time),
		            y[i] / y[0]);
	}
	chart_end(&c);
}

void page_sizes(FILE *to, const struct bench_page *p)
{
	bool any = false;

	page_section(to, "sizes", "What grows with size",
	             "The same work with a longer history, more providers, more agents at once. Upright strokes are the 95% interval; a flat line costs nothing more.");
	fputs("<div class=\"charts\">\n", to);
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		struct point points[POINTS_MAX];
		uint32_t count = gather(p->run, i, points);

		if (count >= 3 && points[0].size < points[count - 1].size)
			draw(to, points, count);
		any |= count >= 3;
	}
	fputs("</div>\n", to);
	if (!any)
		fputs("<p class=\"none\">This run has no family of three sizes.</p>\n", to);
	page_section_end(to);
}
