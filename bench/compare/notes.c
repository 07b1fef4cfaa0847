/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/notes.c - what is not in the tables, and why: a line a file and reason, with the scenarios it holds
 * for.
 */
#include <string.h>

#include "bench/compare/compare.h"
#include "bench/compare/table.h"

#define NAMES_MAX 8u /* of scenarios with one reason: nobody reads forty */
#define P99_VALUES 100u /* fewer: it is the largest of them */

struct notes {
	FILE *to;
	const struct bench_compare *c;
	bool ascii, begun;
};

static struct bench_wrap begin(struct notes *n, uint32_t f, const char *reason)
{
	struct bench_wrap l = { n->to, n->c->columns, 2, n->ascii, false };
	char name[BENCH_RESULTS_NAME_BYTES_MAX + 4];

	fputs(n->begun ? "  " : "\nnot in the tables, or to be read with care\n  ", n->to);
	n->begun = true;
	snprintf(name, sizeof(name), "%.*s:", (int)BENCH_RESULTS_NAME_BYTES_MAX, n->c->files[f].name);
	bench_wrap_word(&l, name);
	bench_wrap_words(&l, reason);
	return l;
}

/* Does this hold for a scenario in a file? One of judging, or one of a column. */
static bool has_gap(const struct bench_compare_cell *cell, enum bench_compare_gap gap)
{
	const struct bench_results_entry *e = cell->entry;

	if (!e)
		return false;
	if (gap < BENCH_GAP_P99)
		return cell->gap == gap;
	if (e->error || bench_is_given(e->bytes)) /* of bytes nothing else is expected */
		return false;
	if (gap == BENCH_GAP_P99)
		return !bench_is_given(e->latency.p99);
	return !bench_is_given(gap == BENCH_GAP_RATE ? e->messages_per_second : e->rss_peak_mb);
}

static void put_gap(struct notes *n, uint32_t f, enum bench_compare_gap gap)
{
	char id[BENCH_RESULTS_NAME_BYTES_MAX + 4];
	struct bench_wrap l = { .to = n->to };
	uint32_t found = 0;

	for (uint32_t i = 0; i < n->c->row_count; i++) {
		if (!has_gap(&n->c->rows[i].cells[f], gap) || found++ >= NAMES_MAX)
			continue;
		if (found == 1)
			l = begin(n, f, bench_compare_gap_text(gap));
		else
			l.column += fputc(',', n->to) == ',';
		snprintf(id, sizeof(id), "%s%s", found > 1 ? "" : "(", n->c->rows[i].id);
		bench_wrap_word(&l, id);
	}
	if (found > NAMES_MAX) {
		snprintf(id, sizeof(id), "and %u more", found - NAMES_MAX);
		l.column += fputc(',', n->to) == ',';
		bench_wrap_words(&l, id);
	}
	if (found)
		fputs(")\n", n->to);
}

static void put_failures(struct notes *n, uint32_t f)
{
	char reason[BENCH_RESULTS_NAME_BYTES_MAX + BENCH_RESULTS_TEXT_BYTES_MAX + 16];

	for (uint32_t i = 0; i < n->c->row_count; i++) {
		const struct bench_results_entry *e = n->c->rows[i].cells[f].entry;

		if (!e || !e->error)
			continue;
		snprintf(reason, sizeof(reason), "%s failed: %s", e->id, e->error);
		begin(n, f, reason);
		fputc('\n', n->to);
	}
}

/* How many entries of a file no other has: they are in no table. */
static uint32_t alone(const struct bench_compare *c, uint32_t f)
{
	const struct bench_results *own = c->files[f].results;
	uint32_t n = 0;

	for (uint32_t i = 0; i < own->entry_count; i++) {
		bool found = false;

		for (uint32_t k = 0; k < c->count && !found; k++)
			found = k != f && bench_results_find(c->files[k].results, own->entries[i].id);
		n += !found;
	}
	return n;
}

/* Scenarios whose p99 is the largest of too few values. */
static uint32_t short_tails(const struct bench_compare *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->row_count; i++) {
		bool found = false;

		for (uint32_t f = 0; f < c->count; f++) {
			const struct bench_results_entry *e = c->rows[i].cells[f].entry;

			found |= e && e->latency.raw_count && e->latency.raw_count < P99_VALUES;
		}
		n += found;
	}
	return n;
}

void bench_compare_notes(FILE *to, const struct bench_compare *c, bool ascii)
{
	struct notes n = { to, c, ascii, false };
	uint32_t tails = short_tails(c);
	char text[80];

	for (uint32_t f = 0; f < c->count; f++) {
		uint32_t only = alone(c, f);

		put_failures(&n, f);
		for (enum bench_compare_gap gap = BENCH_GAP_FIGURE; gap < BENCH_GAP_COUNT; gap++)
			put_gap(&n, f, gap);
		if (only) {
			snprintf(text, sizeof(text), "%u scenario%s that no other file has", only,
			         only == 1 ? "" : "s");
			begin(&n, f, text);
			fputc('\n', to);
		}
	}
	if (tails)
		fprintf(to, "%s  p99 is the largest value where there are fewer than %u: in %u scenario%s\n",
		        n.begun ? "" : "\nto be read with care\n", P99_VALUES, tails, tails == 1 ? "" : "s");
}
