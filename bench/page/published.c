/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/published.c - figures that others published, ours beside them. */
#include <string.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

static char *bytes_text(double bytes, char *buf)
{
	snprintf(buf, HTML_NUMBER, "%.0f bytes", bytes);
	return buf;
}

/* What a published figure counts, and ours of it. */
static char *(*text_of(const char *metric))(double, char *)
{
	if (!strcmp(metric, "median_ms") || !strcmp(metric, "p95_ms"))
		return html_time;
	if (!strcmp(metric, "messages_per_second") || !strcmp(metric, "per_core_second"))
		return html_rate;
	if (!strcmp(metric, "memory_rss_peak_mb"))
		return html_megabytes;
	return strcmp(metric, "bytes") ? html_count : bytes_text;
}

/* Not beaten, where a range was published: within it. The ratio is to its better end. */
bool page_is_reached(const struct bench_results_published *p)
{
	return p->ratio >= (p->high > 0 ? p->low / p->high : 1);
}

/* Figures that the entry does not hold itself, as agents of a core, are in the ratio; more of them is better. */
static double ours_of(const struct bench_results_entry *e, const char *metric)
{
	if (!strcmp(metric, "median_ms"))
		return e->latency.median;
	if (!strcmp(metric, "p95_ms"))
		return e->latency.p95;
	if (!strcmp(metric, "messages_per_second"))
		return e->messages_per_second;
	if (!strcmp(metric, "memory_rss_peak_mb"))
		return e->rss_peak_mb;
	return strcmp(metric, "bytes") ? e->published->ratio * e->published->high : e->bytes;
}

static void row(FILE *to, const struct bench_results_entry *e)
{
	const struct bench_results_published *p = e->published;
	char *(*text)(double, char *) = text_of(p->metric);
	char low[HTML_NUMBER], high[HTML_NUMBER], buf[HTML_NUMBER];

	fputs("<tr><th>", to);
	page_link(to, e->id);
	fputs("</th>", to);
	html_cell(to, text(ours_of(e, p->metric), buf), p->metric);
	fputs("<td title=\"", to);
	html_text(to, p->other_hardware ? "Published on other hardware." : "Published.");
	fputs("\">", to);
	html_text(to, text(p->low, low));
	if (p->low != p->high) {
		fputs(" to ", to);
		html_text(to, text(p->high, high));
	}
	fputs("</td>", to);
	html_cell(to, html_ratio(p->ratio, buf), "How many times as good ours is: above 1 is better.");
	fprintf(to, "<td class=\"words\">");
	html_text(to, p->what);
	fputs("</td></tr>\n", to);
}

void page_published(FILE *to, const struct bench_page *p)
{
	bool open = false;

	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		if (!p->run->entries[i].published || p->run->entries[i].error)
			continue;
		if (!open) {
			page_section(to, "published", "Beside published figures",
			             "What others published of the same work, most of it on other hardware: a ratio of 2 says that ours is twice as good here.");
			fputs("<div class=\"wide\"><table><thead><tr><th></th><th>ours</th><th>published</th><th>ratio</th><th class=\"words\">what it is</th></tr></thead><tbody>\n", to);
		}
		open = true;
		row(to, &p->run->entries[i]);
	}
	if (!open)
		return;
	fputs("</tbody></table></div>\n", to);
	page_section_end(to);
}
