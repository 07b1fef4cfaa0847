/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/compare.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "bench/compare/table.h"

const char *bench_compare_gap_text(enum bench_compare_gap gap)
{
	static const char *const texts[BENCH_GAP_COUNT] = {
		[BENCH_GAP_NONE] = "",
		[BENCH_GAP_FAILED] = "failed",
		[BENCH_GAP_FIGURE] = "neither times nor a rate nor bytes in the file",
		[BENCH_GAP_OTHER] = "another kind of figure than the others have",
		[BENCH_GAP_ZERO] = "a figure of 0 has no ratio",
		[BENCH_GAP_REFERENCE] = "no ratio: the reference has no figure",
		[BENCH_GAP_RAW] = "no verdict: no latency.raw_ms in this file or the other",
		[BENCH_GAP_FEW] = "no verdict: too few values in this file or the other (5 are needed)",
		[BENCH_GAP_ONE] = "no verdict: one figure, not several values",
		[BENCH_GAP_P99] = "no p99: neither latency.p99_ms nor latency.raw_ms in the file",
		[BENCH_GAP_RATE] = "no rate: no throughput.messages_per_second in the file",
		[BENCH_GAP_MEMORY] = "no peak memory: no resources.memory_rss_peak_mb in the file",
	};

	return texts[gap];
}

const char *bench_compare_metric_text(enum bench_compare_metric metric)
{
	static const char *const texts[] = { "none", "latency.median_ms", "throughput.messages_per_second",
		                             "bytes" };

	return texts[metric];
}

/* ---- figures ------------------------------------------------------------------------------------ */

static double figure_of(const struct bench_results_entry *e, enum bench_compare_metric metric)
{
	if (!e || e->error)
		return NAN;
	switch (metric) {
	case BENCH_METRIC_MEDIAN:
		return e->latency.median;
	case BENCH_METRIC_RATE:
		return e->messages_per_second;
	case BENCH_METRIC_BYTES:
		return e->bytes;
	default:
		return NAN;
	}
}

/* The one that most files have; of bytes, times and rates the first. */
static enum bench_compare_metric metric_of(const struct bench_compare *c, const struct bench_compare_row *row)
{
	static const enum bench_compare_metric order[] = { BENCH_METRIC_BYTES, BENCH_METRIC_MEDIAN,
		                                           BENCH_METRIC_RATE };
	enum bench_compare_metric best = BENCH_METRIC_NONE;
	uint32_t most = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		uint32_t have = 0;

		for (uint32_t f = 0; f < c->count; f++)
			have += bench_is_given(figure_of(row->cells[f].entry, order[i]));
		if (have > most) {
			best = order[i];
			most = have;
		}
	}
	return best;
}

static bool lower_is_better(const struct bench_compare *c, const struct bench_compare_row *row)
{
	if (row->metric == BENCH_METRIC_RATE)
		return false;
	for (uint32_t f = 0; f < c->count; f++) {
		if (row->cells[f].entry && row->cells[f].entry->higher_is_better)
			return false;
	}
	return true;
}

static enum bench_compare_gap gap_of(const struct bench_results_entry *e)
{
	if (e->error)
		return BENCH_GAP_FAILED;
	if (bench_is_given(e->latency.median) || bench_is_given(e->messages_per_second) ||
	    bench_is_given(e->bytes))
		return BENCH_GAP_OTHER;
	return BENCH_GAP_FIGURE;
}

static void find_figures(const struct bench_compare *c, struct bench_compare_row *row)
{
	row->metric = metric_of(c, row);
	row->lower_is_better = lower_is_better(c, row);
	row->fastest = -1;
	for (uint32_t f = 0; f < c->count; f++) {
		struct bench_compare_cell *cell = &row->cells[f];
		double best = row->fastest < 0 ? NAN : row->cells[row->fastest].figure;

		cell->figure = figure_of(cell->entry, row->metric);
		cell->ratio = cell->interval.low = cell->interval.high = NAN;
		cell->verdict = BENCH_TOO_FEW;
		if (!bench_is_given(cell->figure))
			cell->gap = cell->entry ? gap_of(cell->entry) : BENCH_GAP_NONE;
		else if (row->fastest < 0 ||
		         (row->lower_is_better ? cell->figure < best : cell->figure > best))
			row->fastest = (int)f;
	}
	row->base = c->reference < 0                                  ? row->fastest
	            : bench_is_given(row->cells[c->reference].figure) ? c->reference
	                                                              : -1;
}

/* ---- ratios and verdicts ------------------------------------------------------------------------- */

/* The same entry gives the same draws, whatever else is in the files. */
static uint64_t seed_of(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return hash;
}

static struct bench_sample sample_of(const struct bench_results_entry *e)
{
	return (struct bench_sample){ e->latency.raw, e->latency.round, e->latency.raw_count };
}

/* An interval of the cost's ratio. @return 0, or why there is none */
static int cost_interval(const struct bench_compare_row *row, const struct bench_sample *base,
                         const struct bench_sample *own, struct bench_interval *ret)
{
	struct bench_interval times;
	int r = bench_ratio_interval(base, own, BENCH_COMPARE_CONFIDENCE, seed_of(row->id), &times);

	if (r == 0)
		*ret = row->lower_is_better ? times
		                            : (struct bench_interval){ 1 / times.high, 1 / times.low };
	return r;
}

static int judge(const struct bench_compare *c, const struct bench_compare_row *row,
                 struct bench_compare_cell *cell)
{
	const struct bench_results_entry *base = row->cells[row->base].entry;
	struct bench_sample a = sample_of(base), b = sample_of(cell->entry);
	int r;

	if (row->metric == BENCH_METRIC_BYTES)
		cell->gap = BENCH_GAP_ONE;
	else if (row->metric != BENCH_METRIC_MEDIAN || !a.n || !b.n)
		cell->gap = BENCH_GAP_RAW;
	else if (a.n < BENCH_VERDICT_VALUES_MIN || b.n < BENCH_VERDICT_VALUES_MIN)
		cell->gap = BENCH_GAP_FEW;
	if (cell->gap != BENCH_GAP_NONE)
		return 0;
	r = cost_interval(row, &a, &b, &cell->interval);
	if (r == -EDOM)
		cell->gap = BENCH_GAP_ZERO;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	cell->verdict = bench_verdict(cell->interval, c->threshold, a.n, b.n, true); /* of costs */
	return 0;
}

static int find_ratio(const struct bench_compare *c, const struct bench_compare_row *row,
                      struct bench_compare_cell *cell)
{
	double base;

	if (!bench_is_given(cell->figure))
		return 0;
	if (row->base < 0) {
		cell->gap = BENCH_GAP_REFERENCE;
		return 0;
	}
	base = row->cells[row->base].figure;
	if (cell == &row->cells[row->base]) {
		cell->ratio = cell->interval.low = cell->interval.high = 1;
		cell->verdict = BENCH_NOISE;
		return 0;
	}
	if (!(base > 0) || !(cell->figure > 0)) {
		cell->gap = BENCH_GAP_ZERO;
		return 0;
	}
	cell->ratio = row->lower_is_better ? cell->figure / base : base / cell->figure;
	return judge(c, row, cell);
}

/* ---- rows ------------------------------------------------------------------------------------------ */

static uint32_t files_with(const struct bench_compare *c, const char *id, struct bench_compare_row *row)
{
	uint32_t have = 0;

	for (uint32_t f = 0; f < c->count; f++) {
		row->cells[f] = (struct bench_compare_cell){ .entry = bench_results_find(c->files[f].results,
			                                                                 id) };
		have += row->cells[f].entry != NULL;
	}
	return have;
}

static bool was_seen(const struct bench_compare *c, uint32_t before, const char *id)
{
	for (uint32_t f = 0; f < before; f++) {
		if (bench_results_find(c->files[f].results, id))
			return true;
	}
	return false;
}

static int add_rows(struct bench_compare *c, uint32_t f, const char *filter)
{
	const struct bench_results *r = c->files[f].results;

	for (uint32_t i = 0; i < r->entry_count; i++) {
		struct bench_compare_row *row = &c->rows[c->row_count];
		int res = 0;

		row->id = r->entries[i].id;
		if ((filter && fnmatch(filter, row->id, 0) != 0) || was_seen(c, f, row->id) ||
		    files_with(c, row->id, row) < 2)
			continue;
		c->row_count++;
		find_figures(c, row);
		for (uint32_t k = 0; res == 0 && k < c->count; k++)
			res = find_ratio(c, row, &row->cells[k]);
		if (res < 0)
			return res;
	}
	return 0;
}

static int make_rows(struct bench_compare *c, const char *filter, weft_error *err)
{
	size_t room = 1;
	int r = 0;

	for (uint32_t f = 0; f < c->count; f++)
		room += c->files[f].results->entry_count;
	c->rows = weft_arena_calloc(c->arena, room * sizeof(*c->rows));
	if (!c->rows)
		return -ENOMEM;
	for (uint32_t f = 0; r == 0 && f < c->count; f++)
		r = add_rows(c, f, filter);
	if (r == 0 && !c->row_count)
		return weft_error_set(err, -EINVAL, "the files have no scenario in common%s%s",
		                      filter ? " that matches " : "", filter ? filter : "");
	return r;
}

/* ---- names ------------------------------------------------------------------------------------------- */

static int given_names(struct bench_compare *c, const char *names, weft_error *err)
{
	const char *end;

	for (uint32_t f = 0; f < c->count; f++, names = end + (*end == ',')) {
		end = strchrnul(names, ',');
		c->files[f].name = weft_arena_dup(c->arena, (weft_str){ names, (size_t)(end - names) }).ptr;
		if (!c->files[f].name)
			return -ENOMEM;
		if (end - names > BENCH_RESULTS_NAME_BYTES_MAX)
			return weft_error_set(err, -EINVAL, "--names: %u bytes are the most of each",
			                      BENCH_RESULTS_NAME_BYTES_MAX);
		if (!c->files[f].name[0] || (f + 1 == c->count && *end))
			return weft_error_set(err, -EINVAL,
			                      "--names: %u of them are needed, none of them empty", c->count);
	}
	return 0;
}

/* The runtime's; of several files of one runtime "weft#1", "weft#2". */
static int own_names(struct bench_compare *c)
{
	for (uint32_t f = 0; f < c->count; f++) {
		const char *runtime = c->files[f].results->runtime;
		uint32_t same = 0, before = 0;

		for (uint32_t i = 0; i < c->count; i++) {
			same += !strcmp(c->files[i].results->runtime, runtime);
			before += i < f && !strcmp(c->files[i].results->runtime, runtime);
		}
		c->files[f].name = same == 1 ? runtime
		                             : weft_arena_printf(c->arena, "%s#%u", runtime, before + 1).ptr;
		if (!c->files[f].name)
			return -ENOMEM;
	}
	return 0;
}

static int file_named(const struct bench_compare *c, const char *name)
{
	for (uint32_t f = 0; f < c->count; f++) {
		if (!strcmp(c->files[f].name, name))
			return (int)f;
	}
	return -1;
}

/* Regressions are those of a runtime against itself. */
static int check_runtimes(const struct bench_compare *c, weft_error *err)
{
	const struct bench_results *reference = c->files[c->reference < 0 ? 0 : c->reference].results;

	for (uint32_t f = 0; f < c->count; f++) {
		if (c->files[f].results != reference &&
		    !strcmp(c->files[f].results->runtime, reference->runtime))
			return 0;
	}
	return weft_error_set(err, -EINVAL, "--fail-on-regression: no other file is of %s",
	                      reference->runtime);
}

static int make_names(struct bench_compare *c, const struct bench_compare_options *opt, weft_error *err)
{
	int r = opt->names ? given_names(c, opt->names, err) : own_names(c);

	for (uint32_t f = 0; r == 0 && f < c->count; f++) {
		if (file_named(c, c->files[f].name) != (int)f)
			r = weft_error_set(err, -EINVAL, "two files have the name %s; --names gives others",
			                   c->files[f].name);
	}
	c->reference = opt->fail_on_regression ? 0 : -1;
	if (r == 0 && opt->reference) {
		c->reference = file_named(c, opt->reference);
		if (c->reference < 0)
			r = weft_error_set(err, -EINVAL,
			                   "--reference %s: no file has that name; the first one's is %s",
			                   opt->reference, c->files[0].name);
	}
	return r == 0 && opt->fail_on_regression ? check_runtimes(c, err) : r;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

int bench_compare_make(const struct bench_results *const *results, uint32_t count,
                       const struct bench_compare_options *opt, struct bench_compare **ret, weft_error *err)
{
	struct bench_compare *c = NULL;
	weft_arena *arena;
	int r = weft_arena_create(64 << 10, &arena);

	if (r < 0)
		return r;
	c = weft_arena_calloc(arena, sizeof(*c));
	if (!c) {
		weft_arena_destroy(arena);
		return -ENOMEM;
	}
	*c = (struct bench_compare){ .arena = arena,
		                     .count = count,
		                     .threshold = opt->threshold,
		                     .columns = opt->columns ? opt->columns : BENCH_TABLE_COLUMNS,
		                     .fail_on_regression = opt->fail_on_regression };
	for (uint32_t f = 0; f < count; f++)
		c->files[f].results = results[f];
	r = make_names(c, opt, err);
	if (r == 0)
		r = make_rows(c, opt->filter, err);
	if (r == 0)
		r = bench_compare_machines(c);
	if (r < 0) {
		bench_compare_free(c);
		return r;
	}
	bench_compare_winners(c);
	*ret = c;
	return 0;
}

void bench_compare_free(struct bench_compare *c)
{
	if (c)
		weft_arena_destroy(c->arena);
}

bool bench_compare_is_regression(const struct bench_compare *c, const struct bench_compare_row *row,
                                 uint32_t file)
{
	const struct bench_compare_cell *cell = &row->cells[file];

	if (!c->fail_on_regression || row->base < 0 || (int)file == row->base ||
	    strcmp(c->files[file].results->runtime, c->files[row->base].results->runtime) != 0)
		return false;
	return cell->verdict == BENCH_SLOWER || cell->gap == BENCH_GAP_FAILED;
}

uint32_t bench_compare_regressions(const struct bench_compare *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->row_count; i++) {
		for (uint32_t f = 0; f < c->count; f++)
			n += bench_compare_is_regression(c, &c->rows[i], f);
	}
	return n;
}
