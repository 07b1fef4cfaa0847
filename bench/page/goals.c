/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/goals.c - what the figures should come to: those that are missed first, the farthest off at the top, then
 * what may be either, and those that are reached behind a click.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

static const struct {
	const char *sign, *word, *class, *means;
} verdicts[BENCH_GOAL_VERDICTS] = {
	[BENCH_GOAL_REACHED] = { "\xe2\x9c\x93", "reached", "good", "The figure is on the good side of the limit, and its whole interval where it has one." },
	[BENCH_GOAL_MISSED] = { "\xe2\x9c\x97", "missed", "bad", "The figure is on the bad side of the limit, and its whole interval where it has one. That fails nothing." },
	[BENCH_GOAL_NOISE] = { "\xe2\x89\x88", "within noise", "soft", "The limit lies inside the 95% interval of the figure: this run cannot say." },
};

static const char *const metrics[BENCH_GOAL_METRICS] = {
	[BENCH_GOAL_MEDIAN] = "Half of the iterations took no longer.",
	[BENCH_GOAL_RATE] = "Operations a second, by the median of their times.",
	[BENCH_GOAL_PEAK] = "The most that the entry's own process had resident.",
	[BENCH_GOAL_RATIO] = "The median over that of",
	[BENCH_GOAL_RATIO_P99] = "The time that 99 of 100 iterations do not exceed, over that of",
	[BENCH_GOAL_BYTES] = "Resident bytes that many of them added, over how many.",
	[BENCH_GOAL_PER_CORE] = "Operations a second, over the cores that ran them.",
	[BENCH_GOAL_PER_CPU] = "Operations in a second of processor time, of all threads.",
	[BENCH_GOAL_RECALL] = "The share of the nearest rows that was found.",
};

/* How many times as good as it should be. */
static double times(const struct bench_goal *g)
{
	return bench_goal_is_floor(g->metric) ? g->value / g->limit : g->limit / g->value;
}

/* What is missed is what is read first; in each kind, the worst. */
static int by_need(const void *a, const void *b)
{
	static const int rank[] = { [BENCH_GOAL_MISSED] = 0, [BENCH_GOAL_NOISE] = 1, [BENCH_GOAL_REACHED] = 2 };
	const struct bench_goal *x = a, *y = b;

	if (x->verdict != y->verdict)
		return rank[x->verdict] - rank[y->verdict];
	return (times(x) > times(y)) - (times(x) < times(y));
}

static void row(FILE *to, const struct bench_goal *g)
{
	char value[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER];

	bench_goal_text(g->metric, g->value, value, sizeof(value));
	bench_goal_text(g->metric, g->low, low, sizeof(low));
	bench_goal_text(g->metric, g->high, high, sizeof(high));
	fputs("<tr><th>", to);
	page_link(to, g->entry);
	fprintf(to, "</th><td class=\"left %s\" title=\"%s\">%s<span class=\"aside\"> %s</span></td><td title=\"", verdicts[g->verdict].class,
	        verdicts[g->verdict].means, verdicts[g->verdict].sign, verdicts[g->verdict].word);
	html_text(to, metrics[g->metric]);
	if (g->against)
		html_textf(to, " %s.", g->against);
	if (bench_is_given(g->low))
		html_textf(to, " 95%% interval: %s to %s.", low, high);
	fputs("\">", to);
	html_text(to, value);
	fputs("</td>", to);
	fputs("<td class=\"left\" title=\"What was set as a goal, on two virtual cores of a shared machine.\">", to);
	html_text(to, g->text);
	fputs("</td>", to);
	fprintf(to, "<td class=\"aside\" title=\"How many times as good as the goal asks: above 1 is better than it.\">%s</td></tr>\n",
	        html_ratio(times(g), value));
}

static void table(FILE *to, const struct bench_goal *goals, uint32_t count)
{
	if (!count)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>goal of</th><th class=\"left\"></th><th>figure</th><th class=\"left\">goal</th>"
	      "<th class=\"aside\">times as good</th></tr></thead><tbody>\n",
	      to);
	for (uint32_t i = 0; i < count; i++)
		row(to, &goals[i]);
	fputs("</tbody></table></div>\n", to);
}

uint32_t page_goals_reached(const struct bench_results *run)
{
	uint32_t reached = 0;

	for (uint32_t i = 0; i < run->goal_count; i++)
		reached += run->goals[i].verdict == BENCH_GOAL_REACHED;
	return reached;
}

void page_goals(FILE *to, const struct bench_results *run)
{
	uint32_t count = run->goal_count, reached = page_goals_reached(run);
	struct bench_goal sorted[BENCH_GOALS_MAX];

	if (!count)
		return;
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = run->goals[i];
	qsort(sorted, count, sizeof(sorted[0]), by_need);
	fprintf(to, "<h3 id=\"goals\">Goals</h3>\n<p>%u of %u are reached.", reached, count);
	if (reached < count)
		fputs(" Those that are missed, the farthest off first, and those that this run cannot decide:", to);
	fputs("</p>\n", to);
	table(to, sorted, count - reached);
	if (!reached)
		return;
	fprintf(to, "<details><summary>Goals that are reached (%u)</summary>\n", reached);
	table(to, sorted + count - reached, reached);
	fputs("</details>\n", to);
}
