/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/merge.c - runs of one runtime on one machine become one file of more rounds.
 *
 * Values are put behind one another, each run's rounds after those of the runs before, and the statistics are made anew
 * from them: statistics of statistics would be wrong. A single run is fine: one that has raw values alone gets its
 * statistics. Where a run has none of an entry's values, the entry is left out, which is said; so are open loops,
 * because a quantile cannot be merged.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/compare.h"
#include "bench/entry.h"

#define SIZE_MAX_BYTES 0x1p53 /* a double tells whole numbers apart so far */

struct merge {
	const struct bench_results *const *results;
	uint32_t count;
	weft_json_writer *w;
	FILE *err_to;
};

/* One entry in all runs that have it. Values are owned. */
struct runs {
	const struct bench_results_entry *entries[BENCH_COMPARE_FILES_MAX];
	uint32_t count, rounds;
	double *values;
	uint32_t *round;
	size_t n;
};

/* A sum that the field it is for can hold. */
static uint64_t plus(uint64_t a, uint64_t b, uint64_t most)
{
	return b > most - a ? most : a + b;
}

/* ---- do they belong together? ------------------------------------------------------------------ */

static int check(const struct bench_results *a, const struct bench_results *b, bool force, weft_error *err)
{
	char difference[400];

	if (strcmp(a->runtime, b->runtime) != 0)
		return weft_error_set(err, -EINVAL, "--merge: %s is of %s, %s of %s", a->path, a->runtime,
		                      b->path, b->runtime);
	if (force)
		return 0;
	if (strcmp(a->system.runtime_version, b->system.runtime_version) != 0)
		return weft_error_set(err, -EINVAL,
		                      "--merge: %s and %s: other versions (--force merges them all the same)",
		                      a->system.runtime_version, b->system.runtime_version);
	bench_compare_difference(a, b, difference, sizeof(difference));
	if (difference[0])
		return weft_error_set(err, -EINVAL,
		                      "--merge: another machine: %.150s (--force merges them all the same)",
		                      difference);
	return 0;
}

/* ---- values ----------------------------------------------------------------------------------------- */

static void runs_fini(struct runs *r)
{
	free(r->values);
	free(r->round);
}

static void runs_add(struct runs *r, const struct bench_results_entry *e)
{
	r->entries[r->count++] = e;
	r->n += e->latency.raw_count;
}

/* The runs in which the entry is there and did not fail. @return false: one of them kept no values */
static bool runs_find(const struct merge *m, const char *id, struct runs *r)
{
	bool whole = true;

	for (uint32_t f = 0; f < m->count; f++) {
		const struct bench_results_entry *e = bench_results_find(m->results[f], id);

		if (!e)
			continue;
		if (e->error) {
			fprintf(m->err_to, "weft compare: %s: %s failed there: %s\n", m->results[f]->path, id,
			        e->error);
			continue;
		}
		runs_add(r, e);
		whole &= e->latency.raw_count > 0 || bench_is_given(e->bytes);
	}
	return whole;
}

static int runs_collect(struct runs *r)
{
	size_t at = 0;

	r->values = malloc((r->n + 1) * sizeof(*r->values));
	r->round = malloc((r->n + 1) * sizeof(*r->round));
	if (!r->values || !r->round)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->count; i++) {
		const struct bench_results_latency *l = &r->entries[i]->latency;

		for (uint32_t k = 0; k < l->raw_count; k++, at++) {
			if (k && l->round && l->round[k] != l->round[k - 1])
				r->rounds++; /* one after the other, whatever they were called: numbers that grow no further */
			r->values[at] = l->raw[k];
			r->round[at] = r->rounds;
		}
		r->rounds++;
	}
	return 0;
}

/* ---- an entry ------------------------------------------------------------------------------------------ */

static void put_latency(weft_json_writer *w, const struct runs *r)
{
	struct bench_outcome all = { .raw_ms = r->values, .raw_round = r->round, .raw_count = (uint32_t)r->n };

	bench_put_latency(w, &all);
}

/* Of a member: the sum, or the mean by iterations. NAN: no run has it. */
static double total(const struct runs *r, size_t offset, bool weighed)
{
	double sum = 0, weight = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		double value = *(const double *)((const char *)r->entries[i] + offset);
		double of = weighed && r->entries[i]->iterations ? r->entries[i]->iterations : 1;

		if (!bench_is_given(value))
			continue;
		sum += weighed ? value * of : value;
		weight += of;
	}
	return weight > 0 ? weighed ? sum / weight : sum : NAN;
}

#define SUM(r, member) total(r, offsetof(struct bench_results_entry, member), false)
#define MEAN(r, member) total(r, offsetof(struct bench_results_entry, member), true)

static void put_throughput(weft_json_writer *w, const struct runs *r)
{
	double time_ms = SUM(r, total_time_ms), rate = MEAN(r, messages_per_second);
	uint64_t messages = 0;

	for (uint32_t i = 0; i < r->count; i++)
		messages = plus(messages, r->entries[i]->total_messages, INT64_MAX);
	bench_put_object(w, "throughput");
	bench_put_number_if(w, "messages_per_second", time_ms > 0 ? (double)messages * 1e3 / time_ms : rate);
	bench_put_count(w, "total_messages", messages);
	bench_put_number_if(w, "total_time_ms", time_ms);
	weft_json_end_object(w);
}

/* Of the run with the highest peak. */
static void put_resources(weft_json_writer *w, const struct runs *r)
{
	const struct bench_results_entry *most = r->entries[0];

	for (uint32_t i = 1; i < r->count; i++) {
		if (!(r->entries[i]->rss_peak_mb <= most->rss_peak_mb))
			most = r->entries[i];
	}
	bench_put_object(w, "resources");
	bench_put_number_if(w, "memory_rss_start_mb", most->rss_start_mb);
	bench_put_number_if(w, "memory_rss_peak_mb", most->rss_peak_mb);
	bench_put_number_if(w, "memory_rss_end_mb", most->rss_end_mb);
	bench_put_number_if(w, "memory_delta_mb", most->rss_delta_mb);
	weft_json_end_object(w);
}

static void put_pipeline(weft_json_writer *w, const struct runs *r)
{
	bench_put_object(w, "pipeline");
	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++)
		bench_put_number_if(w, bench_results_stages[i],
		       total(r, offsetof(struct bench_results_entry, stage_ms) + i * sizeof(double), true));
	weft_json_end_object(w);
}

/* What is the same in all runs. */
static void put_kind(weft_json_writer *w, const struct bench_results_entry *e)
{
	bench_put_text_if(w, "suite", e->suite);
	bench_put_text_if(w, "group", e->group);
	bench_put_text_if(w, "description", e->description);
	bench_put_text_if(w, "base", e->base);
	bench_put_text_if(w, "unit", e->unit);
	if (e->workers)
		bench_put_count(w, "workers", e->workers);
	if (e->higher_is_better) {
		bench_put_flag(w, "higher_is_better", true);
	}
}

static void put_counts(weft_json_writer *w, const struct runs *r)
{
	uint64_t iterations = 0;

	for (uint32_t i = 0; i < r->count; i++)
		iterations = plus(iterations, r->entries[i]->iterations, UINT32_MAX);
	bench_put_count(w, "rounds", r->rounds);
	bench_put_number_if(w, "wall_s", SUM(r, wall_s));
	bench_put_count(w, "iterations", iterations ? iterations : r->n);
	bench_put_count(w, "warmup", r->entries[0]->warmup);
}

/* The worst of all runs. */
static void put_search(weft_json_writer *w, const struct runs *r)
{
	uint32_t rows = 0, ef = 0;
	int64_t lost = -1;

	for (uint32_t i = 0; i < r->count; i++) {
		rows = r->entries[i]->rows > rows ? r->entries[i]->rows : rows;
		ef = r->entries[i]->ef > ef ? r->entries[i]->ef : ef;
		lost = r->entries[i]->lost > lost ? r->entries[i]->lost : lost;
	}
	bench_put_number_if(w, "bytes", MEAN(r, bytes));
	bench_put_number_if(w, "recall", MEAN(r, recall));
	if (rows)
		bench_put_count(w, "rows", rows);
	if (ef)
		bench_put_count(w, "ef", ef);
	if (lost >= 0)
		bench_put_count(w, "lost", (uint64_t)lost);
}

/* One that failed in every run stays as failed. */
static void runs_failed(const struct merge *m, const char *id, struct runs *r)
{
	for (uint32_t f = 0; f < m->count && !r->count; f++) {
		const struct bench_results_entry *e = bench_results_find(m->results[f], id);

		if (e)
			runs_add(r, e);
	}
}

static int put_entry(const struct merge *m, const char *id)
{
	struct runs r = { 0 };
	bool whole = runs_find(m, id, &r);
	int res = 0;

	if (!whole || (r.count && r.entries[0]->open_loop)) {
		fprintf(m->err_to, "weft compare: %s is left out: %s\n", id,
		        whole ? "an open loop's tails cannot be merged" : "a run has none of its values");
		return 0;
	}
	runs_failed(m, id, &r);
	res = runs_collect(&r);
	if (res == 0) {
		bench_put_object(m->w, id);
		put_kind(m->w, r.entries[0]);
		put_counts(m->w, &r);
		put_latency(m->w, &r);
		put_throughput(m->w, &r);
		put_pipeline(m->w, &r);
		put_resources(m->w, &r);
		put_search(m->w, &r);
		bench_put_text_if(m->w, "error", r.entries[0]->error);
		weft_json_end_object(m->w);
	}
	runs_fini(&r);
	return res;
}

/* ---- the file ------------------------------------------------------------------------------------------- */

static int put_entries(const struct merge *m)
{
	int r = 0;

	bench_put_object(m->w, "scenarios");
	for (uint32_t f = 0; f < m->count; f++) {
		for (uint32_t i = 0; r == 0 && i < m->results[f]->entry_count; i++) {
			const char *id = m->results[f]->entries[i].id;
			bool seen = false;

			for (uint32_t before = 0; before < f && !seen; before++)
				seen = bench_results_find(m->results[before], id);
			r = seen ? 0 : put_entry(m, id);
		}
	}
	weft_json_end_object(m->w);
	return r;
}

static void put_system(weft_json_writer *w, const struct bench_results_system *s)
{
	bench_put_object(w, "system");
	bench_put_text(w, "os", s->os);
	bench_put_text(w, "arch", s->arch);
	bench_put_count(w, "cpus", s->cpus);
	bench_put_number(w, "memory_gb", s->memory_gb);
	bench_put_text(w, "runtime_version", s->runtime_version);
	bench_put_text_if(w, "cpu_model", s->cpu_model);
	bench_put_text_if(w, "fingerprint", s->fingerprint);
	weft_json_end_object(w);
}

static int badness(const char *verdict)
{
	return !verdict ? 0 : !strcmp(verdict, "quiet") ? 1 : !strcmp(verdict, "noisy") ? 2 : 3;
}

/* The worst that was found out about the machine. */
static void put_machine_check(const struct merge *m)
{
	const struct bench_results *worst = m->results[0];

	for (uint32_t f = 1; f < m->count; f++) {
		if (badness(m->results[f]->machine_verdict) > badness(worst->machine_verdict))
			worst = m->results[f];
	}
	if (!worst->machine_verdict)
		return;
	bench_put_object(m->w, "machine_check");
	bench_put_text(m->w, "verdict", worst->machine_verdict);
	bench_put_list(m->w, "findings");
	for (uint32_t i = 0; i < worst->finding_count; i++) {
		const struct bench_results_finding *f = &worst->findings[i];

		weft_json_begin_object(m->w);
		bench_put_text(m->w, "id", f->id);
		bench_put_text(m->w, "severity", f->severity);
		bench_put_text(m->w, "text", f->text);
		bench_put_text_if(m->w, "fix", f->fix);
		weft_json_end_object(m->w);
	}
	weft_json_end_array(m->w);
	weft_json_end_object(m->w);
}

static int put_all(const struct merge *m)
{
	const struct bench_results *last = m->results[0];
	uint64_t rounds = 0;
	double wall_s = 0;
	int r;

	for (uint32_t f = 0; f < m->count; f++) {
		last = m->results[f]->timestamp_s > last->timestamp_s ? m->results[f] : last;
		rounds = plus(rounds, m->results[f]->rounds ? m->results[f]->rounds : 1, UINT32_MAX);
		wall_s += m->results[f]->wall_s;
	}
	weft_json_begin_object(m->w);
	bench_put_count(m->w, "schema_version", 2);
	bench_put_text(m->w, "runtime", last->runtime);
	bench_put_text(m->w, "timestamp", last->timestamp);
	put_system(m->w, &last->system);
	put_machine_check(m);
	bench_put_count(m->w, "rounds", rounds);
	bench_put_number_if(m->w, "wall_s", wall_s);
	if (bench_is_given(last->binary_size_bytes))
		bench_put_count(m->w, "binary_size_bytes", (uint64_t)fmin(last->binary_size_bytes, SIZE_MAX_BYTES));
	r = put_entries(m);
	weft_json_end_object(m->w);
	return r;
}

int bench_compare_merge(const struct bench_results *const *results, uint32_t count, bool force, FILE *to,
                        FILE *err_to, weft_error *err)
{
	struct merge m = { .results = results, .count = count, .err_to = err_to };
	int r = 0;

	for (uint32_t f = 1; r == 0 && f < count; f++)
		r = check(results[0], results[f], force, err);
	if (r < 0)
		return r;
	r = weft_json_writer_create(1, &m.w);
	if (r < 0)
		return r;
	r = put_all(&m);
	if (r == 0)
		r = bench_put_print(m.w, to);
	weft_json_writer_destroy(m.w);
	return r;
}
