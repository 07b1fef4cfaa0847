/* SPDX-License-Identifier: Apache-2.0 */
/* bench/compare/text.c - the report for people: who is compared, a box a scenario, winners, the verdict on all. */
#include <errno.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/compare/compare.h"
#include "bench/compare/table.h"

static void rate_text(double per_second, char *buf, size_t size)
{
	if (per_second >= 1e6)
		snprintf(buf, size, "%.2f M/s", per_second / 1e6);
	else if (per_second >= 1e3)
		snprintf(buf, size, "%.1f k/s", per_second / 1e3);
	else
		snprintf(buf, size, "%.1f /s", per_second);
}

void bench_compare_figure(enum bench_compare_metric metric, double figure, char *buf, size_t size)
{
	if (!bench_is_given(figure))
		snprintf(buf, size, "-");
	else if (metric == BENCH_METRIC_RATE)
		rate_text(figure, buf, size);
	else if (metric == BENCH_METRIC_BYTES)
		snprintf(buf, size, "%.1f B", figure);
	else
		bench_time_text(figure, buf, size);
}

/* Three digits of a ratio that count. */
static int decimals(double ratio)
{
	return ratio >= 100 ? 0 : ratio >= 10 ? 1 : ratio >= 1 ? 2 : 3;
}

enum { P99 = 2, RATE, PEAK }; /* columns of a scenario's table */

/* ---- a scenario ---------------------------------------------------------------------------------- */

static const char *verdict_text(const struct bench_compare *c, const struct bench_compare_row *row,
                                uint32_t f)
{
	const struct bench_compare_cell *cell = &row->cells[f];

	if (cell->gap == BENCH_GAP_FAILED)
		return "failed";
	if (!bench_is_given(cell->ratio))
		return "-";
	if ((int)f == row->base)
		return c->reference < 0 ? "fastest" : "reference";
	return cell->verdict == BENCH_TOO_FEW ? "too few" : bench_verdict_text(cell->verdict);
}

static void put_figure(struct bench_table *t, enum bench_compare_metric metric, double figure)
{
	char text[32];

	bench_compare_figure(metric, figure, text, sizeof(text));
	bench_table_put(t, "%s", text);
}

static void put_ratio(struct bench_table *t, const struct bench_compare_cell *cell, bool is_base)
{
	if (bench_is_given(cell->ratio))
		bench_table_put(t, "%.*f x", decimals(cell->ratio), cell->ratio);
	else
		bench_table_put(t, "-");
	if (bench_is_given(cell->interval.low) && !is_base)
		bench_table_put(t, "%.*f - %.*f", decimals(cell->interval.low), cell->interval.low,
		                decimals(cell->interval.high), cell->interval.high);
	else
		bench_table_put(t, "-");
}

static void put_file(struct bench_table *t, const struct bench_compare *c, const struct bench_compare_row *row, uint32_t f)
{
	const struct bench_compare_cell *cell = &row->cells[f];
	const struct bench_results_entry *e = cell->entry;
	bool good = !e->error;

	bench_table_put(t, "%s", c->files[f].name);
	if (row->metric == BENCH_METRIC_BYTES)
		put_figure(t, BENCH_METRIC_BYTES, cell->figure);
	else
		put_figure(t, BENCH_METRIC_MEDIAN, good ? e->latency.median : NAN);
	put_figure(t, BENCH_METRIC_MEDIAN, good ? e->latency.p99 : NAN);
	put_figure(t, BENCH_METRIC_RATE, good ? e->messages_per_second : NAN);
	if (good && bench_is_given(e->rss_peak_mb))
		bench_table_put(t, "%.1f", e->rss_peak_mb);
	else
		bench_table_put(t, "-");
	put_ratio(t, cell, (int)f == row->base);
	bench_table_put(t, "%s", verdict_text(c, row, f));
}

static const char *description_of(const struct bench_compare *c, const struct bench_compare_row *row)
{
	for (uint32_t f = 0; f < c->count; f++) {
		if (row->cells[f].entry && row->cells[f].entry->description)
			return row->cells[f].entry->description;
	}
	return "";
}

static int put_row(FILE *to, const struct bench_compare *c, const struct bench_compare_row *row,
                   weft_arena *arena, bool ascii)
{
	const char *description = description_of(c, row);
	char title[BENCH_TABLE_COLUMNS_MAX * 4 + 8],
	        text[2 * BENCH_RESULTS_NAME_BYTES_MAX + BENCH_RESULTS_TEXT_BYTES_MAX];
	struct bench_table t;

	snprintf(text, sizeof(text), "%s%s%s", row->id, description[0] ? " - " : "", description);
	bench_table_cut(text, c->columns, ascii, title, sizeof(title));
	fprintf(to, "\n%s\n", title);
	bench_table_init(&t, arena, 8);
	t.spare[0] = RATE;
	t.spare[1] = PEAK;
	t.spare[2] = P99;
	bench_table_put(&t, "%s", "");
	bench_table_put(&t, "%s", row->metric == BENCH_METRIC_BYTES ? "bytes" : "median");
	bench_table_put(&t, "p99");
	bench_table_put(&t, "rate");
	bench_table_put(&t, "peak MB");
	bench_table_put(&t, "ratio");
	bench_table_put(&t, "95%% of it");
	bench_table_put(&t, "verdict");
	for (uint32_t f = 0; f < c->count; f++) {
		if (row->cells[f].entry)
			put_file(&t, c, row, f);
	}
	return bench_table_print(&t, to, ascii, c->columns);
}

/* ---- head ------------------------------------------------------------------------------------------ */

static void put_head(FILE *to, const struct bench_compare *c, bool ascii)
{
	char line[BENCH_TABLE_COLUMNS_MAX * 4 + 8], text[3 * BENCH_RESULTS_TEXT_BYTES_MAX];

	for (uint32_t f = 0; f < c->count; f++) {
		const struct bench_results *r = c->files[f].results;

		snprintf(text, sizeof(text), "%s: %s, %.16s, %u cpus, %.1f GB, %s", c->files[f].name,
		         r->system.runtime_version, r->timestamp, r->system.cpus, r->system.memory_gb,
		         r->system.os);
		bench_table_cut(text, c->columns, ascii, line, sizeof(line));
		fprintf(to, "%s\n", line);
	}
	if (c->reference < 0)
		fprintf(to, "ratio: cost over the fastest's; above 1 is worse\n");
	else
		fprintf(to, "ratio: cost over that of %s; below 1 is better, above 1 worse\n", c->files[c->reference].name);
	for (uint32_t i = 0; i < c->warning_count; i++) {
		struct bench_wrap l = { to, c->columns, 0, ascii, false };

		bench_wrap_words(&l, "warning:");
		bench_wrap_words(&l, c->warnings[i]);
		fputc('\n', to);
	}
}

/* ---- winners ----------------------------------------------------------------------------------------- */

static void put_score(struct bench_table *t, const struct bench_compare_winner *w, double score, bool wins)
{
	if (bench_is_given(score))
		bench_table_put(t, "%.2f %s", score, !wins ? " " : w->tie ? "=" : "*");
	else
		bench_table_put(t, "-  ");
}

static int put_winners(FILE *to, const struct bench_compare *c, weft_arena *arena, bool ascii)
{
	struct bench_wrap l = { to, c->columns, 0, true, false };
	struct bench_table t;
	char text[160];

	snprintf(text, sizeof(text), "winners: geometric mean of cost over the best cost; * the least, = less than %g%% before the second",
	         c->threshold * 100);
	fputc('\n', to);
	bench_wrap_words(&l, text);
	fputc('\n', to);
	bench_table_init(&t, arena, 2 + BENCH_CATEGORIES);
	bench_table_put(&t, "%s", "");
	for (int k = 0; k < BENCH_CATEGORIES; k++)
		bench_table_put(&t, "%s", bench_compare_categories[k]);
	bench_table_put(&t, "growth");
	for (uint32_t f = 0; f < c->count; f++) {
		bench_table_put(&t, "%s", c->files[f].name);
		for (int k = 0; k < BENCH_CATEGORIES; k++)
			put_score(&t, &c->winners[k], c->winners[k].score[f], (int)f == c->winners[k].file);
		put_score(&t, &c->winners[BENCH_SCALE], c->winners[BENCH_SCALE].growth[f], false);
	}
	bench_table_put(&t, "scenarios");
	for (int k = 0; k < BENCH_CATEGORIES; k++)
		bench_table_put(&t, "%u", c->winners[k].scenarios);
	bench_table_put(&t, "%u", c->winners[BENCH_SCALE].scenarios);
	if (bench_table_print(&t, to, ascii, c->columns) < 0)
		return -ENOMEM;
	for (int k = 0; k < BENCH_CATEGORIES; k++)
		fprintf(to, "  %-10s  %s\n", bench_compare_categories[k], bench_compare_meanings[k]);
	fprintf(to, "  growth      of the median, from the smallest size of a family to the largest\n");
	return 0;
}

/* ---- the verdict on all ------------------------------------------------------------------------------ */

static void put_counts(FILE *to, const struct bench_compare *c, uint32_t f)
{
	uint32_t n[BENCH_TOO_FEW + 1] = { 0 };

	for (uint32_t i = 0; i < c->row_count; i++) {
		const struct bench_compare_row *row = &c->rows[i];

		if (row->base >= 0 && (int)f != row->base && bench_is_given(row->cells[f].ratio))
			n[row->cells[f].verdict]++;
	}
	fprintf(to, "%s: %u faster, %u slower, %u noise, %u with too few samples\n", c->files[f].name,
	        n[BENCH_FASTER], n[BENCH_SLOWER], n[BENCH_NOISE], n[BENCH_TOO_FEW]);
}

static void put_summary(FILE *to, const struct bench_compare *c, bool ascii)
{
	struct bench_wrap l = { to, c->columns, 0, ascii, false };
	char text[BENCH_RESULTS_NAME_BYTES_MAX + 40];

	fputc('\n', to);
	snprintf(text, sizeof(text), "%u scenario%s compared; fastest in:", c->row_count, c->row_count == 1 ? "" : "s");
	bench_wrap_words(&l, text);
	for (uint32_t f = 0; f < c->count; f++) {
		uint32_t first = 0;

		for (uint32_t i = 0; i < c->row_count; i++)
			first += c->rows[i].fastest == (int)f;
		snprintf(text, sizeof(text), "%s %u%s", c->files[f].name, first, f + 1 < c->count ? "," : "");
		bench_wrap_words(&l, text);
	}
	fputc('\n', to);
	for (uint32_t f = 0; f < c->count && c->reference >= 0; f++) {
		if ((int)f != c->reference)
			put_counts(to, c, f);
	}
}

static void put_regression(FILE *to, const struct bench_compare *c, const struct bench_compare_row *row,
                           uint32_t f)
{
	const struct bench_compare_cell *cell = &row->cells[f];

	fprintf(to, "regression: %s: %s ", row->id, c->files[f].name);
	if (cell->gap == BENCH_GAP_FAILED)
		fprintf(to, "failed, %s did not\n", c->files[row->base].name);
	else
		fprintf(to, "costs %.2f x (%.2f - %.2f) of %s\n", cell->ratio, cell->interval.low,
		        cell->interval.high, c->files[row->base].name);
}

/* Nobody is to take "no regression" for more than it says. */
static bool is_judged(const struct bench_compare *c, const struct bench_compare_row *row, uint32_t f)
{
	return row->base >= 0 && (int)f != row->base && bench_is_given(row->cells[f].ratio) &&
	       row->cells[f].verdict != BENCH_TOO_FEW &&
	       !strcmp(c->files[f].results->runtime, c->files[row->base].results->runtime);
}

static void put_regressions(FILE *to, const struct bench_compare *c)
{
	uint32_t n = bench_compare_regressions(c), judged = 0;

	for (uint32_t i = 0; i < c->row_count; i++) {
		for (uint32_t f = 0; f < c->count; f++) {
			judged += is_judged(c, &c->rows[i], f);
			if (bench_compare_is_regression(c, &c->rows[i], f))
				put_regression(to, c, &c->rows[i], f);
		}
	}
	fprintf(to, "%u regression%s beyond %g%%; %u could be judged\n", n, n == 1 ? "" : "s", c->threshold * 100, judged);
}

int bench_compare_text(FILE *to, const struct bench_compare *c, bool ascii)
{
	weft_arena *arena;
	int r = weft_arena_create(0, &arena), left_out = 0;

	if (r < 0)
		return r;
	put_head(to, c, ascii);
	for (uint32_t i = 0; r >= 0 && i < c->row_count; i++) {
		weft_arena_reset(arena);
		r = put_row(to, c, &c->rows[i], arena, ascii);
		left_out = r > left_out ? r : left_out;
	}
	if (r >= 0) {
		bench_compare_heat(to, c, ascii);
		r = put_winners(to, c, arena, ascii);
	}
	weft_arena_destroy(arena);
	if (r < 0)
		return r;
	bench_compare_notes(to, c, ascii);
	if (left_out)
		fprintf(to, "\nno room here for%s%s rate: COLUMNS=100 shows them\n", left_out > 2 ? " p99," : "", left_out > 1 ? " peak MB," : "");
	put_summary(to, c, ascii);
	if (c->fail_on_regression)
		put_regressions(to, c);
	return 0;
}
