/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/stages.c - where a message's time goes: one scenario as a waterfall, stage after stage, and all of them as a
 * heat map of each stage's share.
 */
#include <math.h>
#include <string.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/parts.h"

/* In the order of a message's way. The place is the one in bench_results_stages; providers run while the state is composed, and
 * memories are read by providers: their times are part of the composing. */
static const struct stage {
	const char *name;
	uint32_t at;
	bool inside; /* of the one before that is not */
} stages[BENCH_RESULTS_STAGES] = {
	{ "memory create", 6, false }, { "should respond", 2, false }, { "compose state", 0, false }, { "providers", 1, true },
	{ "memory get", 7, true },     { "serialise", 8, false },      { "model", 3, false },         { "actions", 4, false },
	{ "evaluators", 5, false },
};

static double ms_of(const struct bench_results_entry *e, const struct stage *s)
{
	double ms = e->stage_ms[s->at];

	return bench_is_given(ms) && ms > 0 ? ms : 0;
}

/* What stands inside another is counted with it, unless that one was not measured. */
static double sum_of(const struct bench_results_entry *e)
{
	double sum = 0, around = 0;

	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++) {
		double ms = ms_of(e, &stages[i]);

		if (!stages[i].inside)
			around = ms;
		if (!stages[i].inside || around <= 0)
			sum += ms;
	}
	return sum;
}

/* The entry whose waterfall says most: single-message, else the first with stages. */
static const struct bench_results_entry *chosen(const struct bench_results *run)
{
	const struct bench_results_entry *e = bench_results_find(run, "single-message");

	if (e && sum_of(e) > 0)
		return e;
	for (uint32_t i = 0; i < run->entry_count; i++) {
		if (sum_of(&run->entries[i]) > 0)
			return &run->entries[i];
	}
	return NULL;
}

static void stage_bar(FILE *to, const struct stage *s, uint32_t colour, double y, double begin, double ms, double sum)
{
	char time[HTML_NUMBER];

	fprintf(to, "<text x=\"92\" y=\"%.0f\" text-anchor=\"end\">%s%s</text>", y + 11, s->inside ? "of it " : "", s->name);
	fprintf(to, "<rect class=\"fill s%u\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"><title>", colour % 6,
	        98 + begin / sum * 200, y + (s->inside ? 4 : 0), fmax(ms / sum * 200, 1), s->inside ? 6 : 14);
	html_textf(to, "%s: %s, %.0f%% of the stages", s->name, html_time(ms, time), ms / sum * 100);
	fprintf(to, "</title></rect><text x=\"%.1f\" y=\"%.0f\">%s</text>\n", 102 + (begin + ms) / sum * 200, y + 11, time);
}

static uint32_t count_of(const struct bench_results_entry *e)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++)
		count += ms_of(e, &stages[i]) > 0;
	return count;
}

static void waterfall(FILE *to, const struct bench_results_entry *e)
{
	double sum = sum_of(e), begin = 0, around = 0;
	char time[HTML_NUMBER], whole[HTML_NUMBER];
	uint32_t row = 0;

	fputs("<figure class=\"chart\"><figcaption><b>", to);
	html_text(to, e->id);
	fprintf(to,
	        "</b> stage after stage: mean time of each, beginning where the one before ended; %s in all, "
	        "and %s from the hand-over to the answer (median)</figcaption>"
	        "<svg viewBox=\"0 0 360 %u\" role=\"img\" aria-label=\"Waterfall of stages\">\n",
	        html_time(sum, time), html_time(e->latency.median, whole), 8 + 20 * count_of(e));
	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++) {
		double ms = ms_of(e, &stages[i]);

		if (!stages[i].inside) {
			begin += around;
			around = ms;
		}
		if (ms > 0)
			stage_bar(to, &stages[i], i, 6 + 20.0 * row++, begin, ms, sum);
	}
	fputs("</svg></figure>\n", to);
}

static void heat_row(FILE *to, const struct bench_results_entry *e)
{
	double sum = sum_of(e);
	char time[HTML_NUMBER];

	fputs("<tr><th>", to);
	page_link(to, e->id);
	fputs("</th>", to);
	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++) {
		double ms = ms_of(e, &stages[i]);

		if (ms > 0)
			fprintf(to, "<td class=\"heat h%.0f\" title=\"%s: %.0f%% of the stages\">%s</td>", fmin(ceil(ms / sum * 5), 5),
			        stages[i].name, ms / sum * 100, html_time(ms, time));
		else
			fputs("<td>-</td>", to);
	}
	fputs("</tr>\n", to);
}

void page_stages(FILE *to, const struct bench_page *p)
{
	const struct bench_results_entry *e = chosen(p->run);

	page_section(to, "stages", "Stages of a message",
	             "What a message passes on its way to an answer: the mean time of each stage. The stronger the colour, the larger its share.");
	if (!e) {
		fputs("<p class=\"none\">This run has no stage times: scenarios measure them, unless <code>--times off</code>.</p>\n", to);
		page_section_end(to);
		return;
	}
	fputs("<div class=\"charts\">\n", to);
	waterfall(to, e);
	fputs("</div>\n<div class=\"wide\"><table class=\"heatmap\"><thead><tr><th></th>", to);
	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++)
		fprintf(to, "<th>%s%s</th>", stages[i].inside ? "of it " : "", stages[i].name);
	fputs("</tr></thead><tbody>\n", to);
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		if (count_of(&p->run->entries[i]) > 1 && !p->run->entries[i].base)
			heat_row(to, &p->run->entries[i]);
	}
	fputs("</tbody></table></div>\n<p class=\"note\">Share of all stages: <span class=\"heat h1\">to 20%</span> "
	      "<span class=\"heat h2\">to 40%</span> <span class=\"heat h3\">to 60%</span> <span class=\"heat h4\">to 80%</span> "
	      "<span class=\"heat h5\">more</span>. What stands in another is in its share.</p>\n",
	      to);
	page_section_end(to);
}
