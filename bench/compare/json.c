/* SPDX-License-Identifier: Apache-2.0 */
/* bench/compare/json.c - the report for programs. What is null has its reason beside it. */
#include "bench/compare/compare.h"

#include <stdlib.h>

#include "bench/entry.h"

#define JSON_VERSION 1

/* Computed figures with six digits: more would hang on the mathematics library. */
static double rounded(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", value);
	return bench_is_given(value) ? strtod(text, NULL) : NAN;
}

static void put_list(weft_json_writer *w, const char *name, double a, double b)
{
	bench_put_key(w, name);
	if (!bench_is_given(a)) {
		weft_json_put_null(w);
		return;
	}
	weft_json_begin_array(w);
	weft_json_put_double(w, rounded(a));
	weft_json_put_double(w, rounded(b));
	weft_json_end_array(w);
}

static void put_name(weft_json_writer *w, const char *key, const struct bench_compare *c, int file)
{
	bench_put_text(w, key, file < 0 ? NULL : c->files[file].name);
}

static void put_files(weft_json_writer *w, const struct bench_compare *c)
{
	bench_put_list(w, "files");
	for (uint32_t f = 0; f < c->count; f++) {
		const struct bench_results *r = c->files[f].results;

		weft_json_begin_object(w);
		bench_put_text(w, "name", c->files[f].name);
		bench_put_text(w, "path", r->path);
		bench_put_text(w, "runtime", r->runtime);
		bench_put_text(w, "runtime_version", r->system.runtime_version);
		bench_put_text(w, "timestamp", r->timestamp);
		if (r->system.fingerprint)
			bench_put_text(w, "fingerprint", r->system.fingerprint);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

/* ---- a scenario -------------------------------------------------------------------------------- */

static const char *verdict_of(const struct bench_compare *c, const struct bench_compare_row *row, uint32_t f)
{
	const struct bench_compare_cell *cell = &row->cells[f];

	if (!bench_is_given(cell->ratio))
		return NULL;
	if ((int)f == row->base)
		return c->reference < 0 ? "fastest" : "reference";
	return bench_verdict_text(cell->verdict);
}

static void put_cell(weft_json_writer *w, const struct bench_compare *c, const struct bench_compare_row *row,
                     uint32_t f)
{
	const struct bench_compare_cell *cell = &row->cells[f];
	const struct bench_results_entry *e = cell->entry;

	weft_json_begin_object(w);
	bench_put_number(w, "figure", cell->figure);
	bench_put_number(w, "median_ms", e->latency.median);
	bench_put_number(w, "p99_ms", e->latency.p99);
	bench_put_number(w, "messages_per_second", e->messages_per_second);
	bench_put_number(w, "memory_rss_peak_mb", e->rss_peak_mb);
	bench_put_count(w, "values", e->latency.raw_count);
	bench_put_number(w, "ratio", rounded(cell->ratio));
	put_list(w, "ratio_ci95", cell->interval.low, cell->interval.high);
	bench_put_text(w, "verdict", verdict_of(c, row, f));
	if (cell->gap != BENCH_GAP_NONE)
		bench_put_text(w, "why",
		               cell->gap == BENCH_GAP_FAILED ? e->error : bench_compare_gap_text(cell->gap));
	bench_put_flag(w, "regression", bench_compare_is_regression(c, row, f));
	weft_json_end_object(w);
}

static void put_row(weft_json_writer *w, const struct bench_compare *c, const struct bench_compare_row *row)
{
	bench_put_object(w, row->id);
	bench_put_text(w, "metric", bench_compare_metric_text(row->metric));
	bench_put_flag(w, "lower_is_better", row->lower_is_better);
	put_name(w, "fastest", c, row->fastest);
	put_name(w, "base", c, row->base);
	bench_put_object(w, "files");
	for (uint32_t f = 0; f < c->count; f++) {
		if (!row->cells[f].entry)
			continue;
		bench_put_key(w, c->files[f].name);
		put_cell(w, c, row, f);
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
}

static void put_winner(weft_json_writer *w, const struct bench_compare *c, enum bench_compare_category k)
{
	const struct bench_compare_winner *winner = &c->winners[k];

	bench_put_object(w, bench_compare_categories[k]);
	bench_put_text(w, "counts", bench_compare_meanings[k]);
	bench_put_count(w, "scenarios", winner->scenarios);
	put_name(w, "winner", c, winner->file);
	bench_put_flag(w, "tie", winner->tie);
	bench_put_object(w, "scores");
	for (uint32_t f = 0; f < c->count; f++)
		bench_put_number(w, c->files[f].name, rounded(winner->score[f]));
	weft_json_end_object(w);
	if (k == BENCH_SCALE) {
		bench_put_object(w, "growth");
		for (uint32_t f = 0; f < c->count; f++)
			bench_put_number(w, c->files[f].name, rounded(winner->growth[f]));
		weft_json_end_object(w);
	}
	weft_json_end_object(w);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static void put_all(weft_json_writer *w, const struct bench_compare *c)
{
	uint32_t regressions = bench_compare_regressions(c);

	weft_json_begin_object(w);
	bench_put_count(w, "compare_version", JSON_VERSION);
	put_files(w, c);
	put_name(w, "reference", c, c->reference);
	bench_put_number(w, "threshold", c->threshold);
	bench_put_number(w, "confidence", BENCH_COMPARE_CONFIDENCE);
	bench_put_list(w, "warnings");
	for (uint32_t i = 0; i < c->warning_count; i++)
		weft_json_put_str(w, weft_str_from(c->warnings[i]));
	weft_json_end_array(w);
	bench_put_object(w, "scenarios");
	for (uint32_t i = 0; i < c->row_count; i++)
		put_row(w, c, &c->rows[i]);
	weft_json_end_object(w);
	bench_put_object(w, "winners");
	for (enum bench_compare_category k = 0; k < BENCH_CATEGORIES; k++)
		put_winner(w, c, k);
	weft_json_end_object(w);
	bench_put_count(w, "regressions", regressions);
	weft_json_end_object(w);
}

int bench_compare_json(FILE *to, const struct bench_compare *c)
{
	weft_json_writer *w;
	int r = weft_json_writer_create(1, &w);

	if (r < 0)
		return r;
	put_all(w, c);
	r = bench_put_print(w, to);
	weft_json_writer_destroy(w);
	return r;
}
