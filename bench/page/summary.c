/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/summary.c - what ran, what failed, on what machine, and the figures to look at first. */
#include <string.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

static const struct {
	const char *id, *what;
} first[] = {
	{ "single-message", "one message through the whole pipeline" },
	{ "burst-1000", "a thousand messages in one room" },
	{ "agents-per-second", "two seconds of agents spawned, asked, answered, gone" },
	{ "agent-no-tools", "a tool-loop agent asked once" },
	{ "agent-3-tools", "the same with three tool calls" },
	{ "actors-ping-pong", "a message there and back" },
	{ "memory-store-search-1000x768", "the nearest ten of a thousand memories, exactly" },
	{ "io-request", "a short answer over a connection that is kept" },
	{ "startup-cold", "from nothing until an agent can be asked" },
};

static void figure(FILE *to, const char *value, const char *label, const char *means)
{
	fputs("<div class=\"figure\" title=\"", to);
	html_text(to, means);
	fputs("\"><b>", to);
	html_text(to, value);
	fputs("</b><span>", to);
	html_text(to, label);
	fputs("</span></div>\n", to);
}

static void counts(FILE *to, const struct bench_results *run)
{
	uint32_t failed = 0, published = 0, reached = 0;
	char buf[HTML_NUMBER];

	for (uint32_t i = 0; i < run->entry_count; i++) {
		const struct bench_results_entry *e = &run->entries[i];

		failed += e->error != NULL;
		if (e->published && bench_is_given(e->published->ratio)) {
			published++;
			reached += page_is_reached(e->published);
		}
	}
	fputs("<div class=\"figures\">\n", to);
	snprintf(buf, sizeof(buf), "%u of %u", run->entry_count - failed, run->entry_count);
	figure(to, buf, "entries passed", "An entry fails when an answer is wrong or missing, or when its process crashed.");
	if (run->goal_count) {
		snprintf(buf, sizeof(buf), "%u of %u", page_goals_reached(run), run->goal_count);
		figure(to, buf, "goals reached", "What the figures should come to, set on two virtual cores; the table is below.");
	}
	if (published) {
		snprintf(buf, sizeof(buf), "%u of %u", reached, published);
		figure(to, buf, "at or better than published", "Figures that others published, most on other hardware, against ours.");
	}
	if (bench_is_given(run->wall_s)) {
		snprintf(buf, sizeof(buf), "%.0f s", run->wall_s);
		figure(to, buf, "the whole run", "Wall time of all entries.");
	}
	if (run->rounds) {
		snprintf(buf, sizeof(buf), "%u", run->rounds);
		figure(to, buf, run->rounds == 1 ? "round" : "rounds", "Every entry ran once a round, so that a slow minute of the machine hits all alike.");
	}
	figure(to, run->machine_verdict ? run->machine_verdict : "not looked at", "machine",
	       "How far figures of this machine can be trusted; the findings are below.");
	fputs("</div>\n", to);
}

static void headlines(FILE *to, const struct bench_results *run)
{
	char value[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER], rate[HTML_NUMBER];
	bool open = false;

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		const struct bench_results_entry *e = bench_results_find(run, first[i].id);

		if (!e || e->error)
			continue;
		if (!open)
			fputs("<h3>First to look at</h3>\n<div class=\"wide\"><table><thead><tr><th></th><th>median</th><th>95% interval</th>"
			      "<th>a second</th><th class=\"words\">what it is</th></tr></thead><tbody>\n",
			      to);
		open = true;
		fputs("<tr><th>", to);
		page_link(to, e->id);
		fputs("</th>", to);
		html_cell(to, html_time(e->latency.median, value), "Half of the iterations took no longer.");
		html_time(e->latency.median_low, low);
		html_time(e->latency.median_high, high);
		fputs("<td class=\"interval\" title=\"Where the median of more runs like this one lies, 95 times in 100.\">", to);
		if (bench_is_given(e->latency.median_low))
			html_textf(to, "%s to %s", low, high);
		else
			html_text(to, "-");
		fputs("</td>", to);
		html_cell(to, html_rate(e->messages_per_second, rate), "Operations over the time that was measured.");
		fputs("<td class=\"words\">", to);
		html_text(to, first[i].what);
		fputs("</td></tr>\n", to);
	}
	if (open)
		fputs("</tbody></table></div>\n", to);
}

static void failures(FILE *to, const struct bench_results *run)
{
	for (uint32_t i = 0; i < run->entry_count; i++) {
		if (!run->entries[i].error)
			continue;
		fputs("<p class=\"bad\">", to);
		page_link(to, run->entries[i].id);
		fputs(" failed: ", to);
		html_text(to, run->entries[i].error);
		fputs("</p>\n", to);
	}
}

static void machine(FILE *to, const struct bench_results *run)
{
	fputs("<h3>The machine</h3>\n<dl>", to);
	fputs("<dt>system</dt><dd>", to);
	html_textf(to, "%s, %s, %u processors, %.1f GB", run->system.os, run->system.arch, run->system.cpus,
	           run->system.memory_gb);
	fputs("</dd>", to);
	if (run->system.fingerprint) {
		fputs("<dt>fingerprint</dt><dd title=\"The same for machines whose figures can be compared.\">", to);
		html_text(to, run->system.fingerprint);
		fputs("</dd>", to);
	}
	fputs("</dl>\n<ul class=\"findings\">\n", to);
	for (uint32_t i = 0; i < run->finding_count; i++) {
		const struct bench_results_finding *f = &run->findings[i];

		fprintf(to, "<li class=\"%s\"><b>", !strcmp(f->severity, "note") ? "note" : "warning");
		html_text(to, f->severity);
		fputs("</b> ", to);
		html_text(to, f->text);
		if (f->fix) {
			fputs(" <code>", to);
			html_text(to, f->fix);
			fputs("</code>", to);
		}
		fputs("</li>\n", to);
	}
	fputs("</ul>\n", to);
}

void page_summary(FILE *to, const struct bench_page *p)
{
	page_section(to, "summary", "Summary",
	             "The agents are real, the model is a mock that answers at once: the times are the runtime's own.");
	counts(to, p->run);
	failures(to, p->run);
	machine(to, p->run);
	page_changes(to, p);
	headlines(to, p->run);
	page_goals(to, p->run);
	page_section_end(to);
}
