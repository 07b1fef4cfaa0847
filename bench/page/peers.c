/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/peers.c - other runtimes at the same entries, each beside this run: how many times as long they take. */
#include <math.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

static bool has_time(const struct bench_results_entry *e)
{
	return e && !e->error && e->latency.median > 0;
}

static bool is_shared(const struct bench_page *p, const struct bench_results_entry *e)
{
	for (uint32_t i = 0; has_time(e) && i < p->peer_count; i++) {
		if (has_time(bench_results_find(p->peers[i], e->id)))
			return true;
	}
	return false;
}

static void cell(FILE *to, const struct bench_results_entry *ours, const struct bench_results *peer)
{
	const struct bench_results_entry *theirs = bench_results_find(peer, ours->id);
	char time[HTML_NUMBER], ratio[HTML_NUMBER];
	double times;

	if (!has_time(theirs)) {
		html_cell(to, "-", theirs && theirs->error ? theirs->error : "It does not have this entry.");
		return;
	}
	times = theirs->latency.median / ours->latency.median;
	fprintf(to, "<td class=\"%s\" title=\"", times >= 1 ? "slower" : "faster");
	html_textf(to, "%s takes %s, %s ours", peer->runtime, html_time(theirs->latency.median, time), html_ratio(times, ratio));
	fputs("\">", to);
	html_textf(to, "%s  %s", time, ratio);
	fputs("</td>", to);
}

static bool any_shared(const struct bench_page *p)
{
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		if (is_shared(p, &p->run->entries[i]))
			return true;
	}
	return false;
}

void page_peers(FILE *to, const struct bench_page *p)
{
	char time[HTML_NUMBER];

	page_section(to, "peers", "Beside other runtimes",
	             "Medians, and how many times ours each takes. Compare what ran in one session on one machine.");
	if (!p->peer_count) {
		fputs("<p class=\"none\">No results of other runtimes were given. <code>scripts/peers agents</code> measures them; "
		      "<code>weft report RUN.json PEER.json ...</code> shows them here.</p>\n",
		      to);
		page_section_end(to);
		return;
	}
	if (!any_shared(p)) {
		fputs("<p class=\"none\">The other runtimes' results have no entry in common with this run.</p>\n", to);
		page_section_end(to);
		return;
	}
	fputs("<div class=\"wide\"><table><thead><tr><th></th><th>", to);
	html_text(to, p->run->runtime);
	fputs("</th>", to);
	for (uint32_t i = 0; i < p->peer_count; i++) {
		fputs("<th title=\"", to);
		html_text(to, p->peers[i]->system.runtime_version);
		fputs("\">", to);
		html_text(to, p->peers[i]->runtime);
		fputs("</th>", to);
	}
	fputs("</tr></thead><tbody>\n", to);
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		const struct bench_results_entry *e = &p->run->entries[i];

		if (!is_shared(p, e))
			continue;
		fputs("<tr><th>", to);
		page_link(to, e->id);
		fputs("</th>", to);
		html_cell(to, html_time(e->latency.median, time), "Ours: half of the iterations took no longer.");
		for (uint32_t j = 0; j < p->peer_count; j++)
			cell(to, e, p->peers[j]);
		fputs("</tr>\n", to);
	}
	fputs("</tbody></table></div>\n", to);
	page_section_end(to);
}
