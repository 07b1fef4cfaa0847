/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/memory.c - resident memory: of each scenario's process at its peak, and bytes of one of many. */
#include <math.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

static void row(FILE *to, const struct bench_results_entry *e, const char *value, const char *means, double share)
{
	fputs("<tr><th>", to);
	page_link(to, e->id);
	fputs("</th>", to);
	html_cell(to, value, means);
	fputs("<td class=\"bars\">", to);
	page_bar(to, share, 0);
	fputs("</td></tr>\n", to);
}

/* Scenarios are told by their stages; micros measure time, their memory says little. */
static bool has_peak(const struct bench_results_entry *e)
{
	return !e->unit && !e->base && !e->error && e->rss_peak_mb > 0;
}

/* @return there was one */
static bool peaks(FILE *to, const struct bench_results *run)
{
	double most = 0;
	char buf[HTML_NUMBER];

	for (uint32_t i = 0; i < run->entry_count; i++)
		most = has_peak(&run->entries[i]) ? fmax(most, run->entries[i].rss_peak_mb) : most;
	if (most <= 0)
		return false;
	fputs("<div class=\"wide\"><table><thead><tr><th></th><th>peak</th><th class=\"bars\">resident at its peak</th></tr></thead><tbody>\n", to);
	for (uint32_t i = 0; i < run->entry_count; i++) {
		const struct bench_results_entry *e = &run->entries[i];

		if (has_peak(e))
			row(to, e, html_megabytes(e->rss_peak_mb, buf), "The most that the entry's own process had resident.",
			    e->rss_peak_mb / most);
	}
	fputs("</tbody></table></div>\n", to);
	return true;
}

static bool bytes(FILE *to, const struct bench_results *run)
{
	double most = 0;
	char buf[HTML_NUMBER];

	for (uint32_t i = 0; i < run->entry_count; i++)
		most = bench_is_given(run->entries[i].bytes) ? fmax(most, run->entries[i].bytes) : most;
	if (most <= 0)
		return false;
	fputs("<div class=\"wide\"><table><thead><tr><th></th><th>bytes</th><th class=\"bars\">resident, of one of many</th></tr></thead><tbody>\n", to);
	for (uint32_t i = 0; i < run->entry_count; i++) {
		const struct bench_results_entry *e = &run->entries[i];

		if (!bench_is_given(e->bytes) || e->error)
			continue;
		snprintf(buf, sizeof(buf), "%.0f", e->bytes);
		row(to, e, buf, "Resident bytes that many of them added, over how many.", e->bytes / most);
	}
	fputs("</tbody></table></div>\n", to);
	return true;
}

void page_memory(FILE *to, const struct bench_page *p)
{
	bool any;

	page_section(to, "memory", "Memory", "Every entry runs in a process of its own, so a peak is its alone.");
	any = peaks(to, p->run);
	any |= bytes(to, p->run);
	if (!any)
		fputs("<p class=\"none\">This run has no entries whose memory is compared: suite <code>scenarios</code> has.</p>\n", to);
	page_section_end(to);
}
