/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/changes.c - what became slower or faster since the run before on this machine: entries whose intervals lie
 * apart. One run each is thin evidence; the words say what to do about it.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

#define SHOWN 12u /* of each kind */

struct change {
	const char *id;
	double ratio;
};

double page_change(const struct bench_page *p, const struct bench_results_entry *e)
{
	const struct bench_results_latency *now = &e->latency, *then;
	const struct bench_results_entry *old;

	if (!p->earlier_count || e->error || bench_is_given(e->bytes))
		return NAN;
	old = bench_results_find(p->earlier[p->earlier_count - 1], e->id);
	if (!old || old->error)
		return NAN;
	then = &old->latency;
	if (!(now->median_low > then->median_high) && !(now->median_high < then->median_low))
		return NAN;
	return then->median > 0 ? now->median / then->median : NAN;
}

static int farthest_first(const void *a, const void *b)
{
	double x = fabs(log(((const struct change *)a)->ratio)), y = fabs(log(((const struct change *)b)->ratio));

	return (x < y) - (x > y);
}

static void list(FILE *to, const char *word, const struct change *changes, uint32_t count)
{
	char ratio[HTML_NUMBER];

	if (!count)
		return;
	fprintf(to, "<p>%s:", word);
	for (uint32_t i = 0; i < count && i < SHOWN; i++) {
		fputs(i ? ", " : " ", to);
		page_link(to, changes[i].id);
		fprintf(to, " <span class=\"whole\">%s</span>", html_ratio(fmax(changes[i].ratio, 1 / changes[i].ratio), ratio));
	}
	if (count > SHOWN)
		fprintf(to, ", and %u less so", count - SHOWN);
	fputs(".</p>\n", to);
}

void page_changes(FILE *to, const struct bench_page *p)
{
	struct change *changes = calloc(2 * (size_t)p->run->entry_count + 1, sizeof(*changes)), *faster = changes + p->run->entry_count;
	uint32_t slower = 0, fast = 0;

	if (!changes || !p->earlier_count) {
		free(changes);
		return;
	}
	for (uint32_t i = 0; i < p->run->entry_count; i++) {
		double ratio = page_change(p, &p->run->entries[i]);

		if (ratio > 1)
			changes[slower++] = (struct change){ p->run->entries[i].id, ratio };
		else if (ratio > 0)
			faster[fast++] = (struct change){ p->run->entries[i].id, ratio };
	}
	qsort(changes, slower, sizeof(*changes), farthest_first);
	qsort(faster, fast, sizeof(*faster), farthest_first);
	fputs("<h3 id=\"changes\">Since the run before</h3>\n<p title=\"A 95% interval of each median; of a hundred entries that did not "
	      "change, a few lie apart all the same.\">",
	      to);
	html_textf(to, "%s: %u of %u entries are apart by more than their intervals.", p->earlier[p->earlier_count - 1]->timestamp,
	           slower + fast, p->run->entry_count);
	fputs(slower ? " Measure again before you believe it; <code>weft compare</code> judges several runs of each.</p>\n" : "</p>\n", to);
	list(to, "Slower", changes, slower);
	list(to, "Faster", faster, fast);
	free(changes);
}
