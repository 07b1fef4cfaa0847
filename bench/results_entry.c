/* SPDX-License-Identifier: Apache-2.0 */
/* bench/results_entry.c - an entry of a result file: its times, what follows from their raw values, and the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/results_fields.h"
#include "bench/stat/quantile.h"

const char *const bench_results_stages[BENCH_RESULTS_STAGES] = {
	"compose_state_avg_ms", "provider_execution_avg_ms", "should_respond_avg_ms",
	"model_call_avg_ms",    "action_dispatch_avg_ms",    "evaluator_avg_ms",
	"memory_create_avg_ms", "memory_get_avg_ms",         "state_serialization_avg_ms",
};

/* ---- latency ------------------------------------------------------------------------------------ */

static int read_raw(const struct bench_reader *r, const struct bench_place *up, weft_json v,
                    struct bench_results_latency *l)
{
	struct bench_place at = bench_read_below(up, "raw_ms");

	return bench_read_items(r, &at, weft_json_find(v, at.key), BENCH_RESULTS_RAW_MAX, sizeof(*l->raw), bench_read_amount, &l->raw,
	                        &l->raw_count);
}

static int read_round(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item)
{
	int64_t n = 0;
	int res = bench_read_count(r, at, v, BENCH_RESULTS_RAW_MAX, &n);

	*(uint32_t *)item = (uint32_t)n;
	return res;
}

static int read_rounds(const struct bench_reader *r, const struct bench_place *up, weft_json v,
                       struct bench_results_latency *l)
{
	struct bench_place at = bench_read_below(up, "raw_round"), here = { &at, { 0 }, 1 };
	uint32_t count;
	int res = bench_read_items(r, &at, weft_json_find(v, at.key), BENCH_RESULTS_RAW_MAX, sizeof(*l->round), read_round, &l->round,
	                           &count);

	if (res < 0 || !l->round)
		return res;
	if (count != l->raw_count)
		return bench_read_refuse(r, &at, "not as long as raw_ms");
	for (; here.index < count; here.index++) {
		if (l->round[here.index] < l->round[here.index - 1])
			return bench_read_refuse(r, &here, "falls");
	}
	return 0;
}

static void fill(double *statistic, double computed)
{
	if (!bench_is_given(*statistic))
		*statistic = computed;
}

/* What the file does not say of its own raw values. sorted: of raw_count values, to work in. */
static void derive(struct bench_results_latency *l, double *sorted)
{
	size_t n = l->raw_count;
	double mean = 0, squares = 0;

	memcpy(sorted, l->raw, n * sizeof(*sorted));
	bench_sort(sorted, n);
	for (size_t i = 0; i < n; i++)
		mean += sorted[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (sorted[i] - mean) * (sorted[i] - mean);
	fill(&l->min, sorted[0]);
	fill(&l->max, sorted[n - 1]);
	fill(&l->avg, mean);
	fill(&l->median, bench_median(sorted, n));
	fill(&l->p90, bench_quantile(sorted, n, 0.9));
	fill(&l->p95, bench_quantile(sorted, n, 0.95));
	fill(&l->p99, bench_quantile(sorted, n, 0.99));
	fill(&l->p999, bench_quantile(sorted, n, 0.999));
	fill(&l->stddev, sqrt(squares / (double)n));
	fill(&l->mad, bench_mad(sorted, n));
}

static int read_latency(const struct bench_reader *r, const struct bench_place *up, weft_json entry,
                        struct bench_results_latency *l)
{
#define MS(key, member) BENCH_FIELD(bench_results_latency, AMOUNT, key, member)
	static const struct bench_field fields[] = {
		MS("min_ms", min),       MS("max_ms", max), MS("avg_ms", avg), MS("median_ms", median),
		MS("p90_ms", p90),       MS("p95_ms", p95), MS("p99_ms", p99), MS("p999_ms", p999),
		MS("stddev_ms", stddev), MS("mad_ms", mad),
	};
#undef MS
	struct bench_place at = bench_read_below(up, "latency");
	weft_json v = weft_json_find(entry, at.key);
	double *sorted;
	int res = bench_read_fields(r, &at, v, fields, BENCH_COUNT(fields), l);

	if (res == 0)
		res = read_raw(r, &at, v, l);
	if (res == 0)
		res = read_rounds(r, &at, v, l);
	if (res == 0)
		res = bench_read_interval(r, &at, v, "median_ci95_ms", &l->median_low, &l->median_high);
	if (res < 0 || !l->raw)
		return res;
	if (!l->raw_count) { /* statistics of nothing: zeros that are none */
		*l = (struct bench_results_latency){ NAN, NAN, NAN, NAN, NAN,  NAN,  NAN, NAN,
			                             NAN, NAN, NAN, NAN, NULL, NULL, 0 };
		return 0;
	}
	sorted = malloc(l->raw_count * sizeof(*sorted));
	if (!sorted)
		return bench_read_no_memory(r);
	derive(l, sorted);
	free(sorted);
	return 0;
}

/* ---- the rest of an entry --------------------------------------------------------------------------- */

static int read_quantiles(const struct bench_reader *r, const struct bench_place *up, weft_json v,
                          const char *key, struct bench_results_quantiles *q)
{
#define MS(key, member) BENCH_FIELD(bench_results_quantiles, AMOUNT, key, member)
	static const struct bench_field fields[] = { MS("p50", p50), MS("p90", p90), MS("p99", p99),
		                                     MS("p999", p999), MS("max", max) };
#undef MS
	struct bench_place at = bench_read_below(up, key);

	return bench_read_fields(r, &at, weft_json_find(v, at.key), fields, BENCH_COUNT(fields), q);
}

static int read_bucket(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item)
{
	struct bench_results_bucket *b = item;
	weft_json_iter it;
	int64_t count = 0;
	int res = 0;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || weft_json_count(v) != 2)
		return bench_read_refuse(r, at, "not [upper_ms, count]");
	it = weft_json_iter_begin(v);
	if (weft_json_iter_next(&it))
		res = bench_read_number(r, at, it.value, BENCH_AMOUNT, &b->upper_ms);
	if (res == 0 && weft_json_iter_next(&it))
		res = bench_read_count(r, at, it.value, INT64_MAX, &count);
	b->count = (uint64_t)count;
	return res;
}

static int read_histogram(const struct bench_reader *r, const struct bench_place *up, weft_json v,
                          struct bench_results_open_loop *o)
{
	struct bench_place at = bench_read_below(up, "histogram"), here = { &at, { 0 }, 1 };
	int res = bench_read_items(r, &at, weft_json_find(v, at.key), BENCH_RESULTS_BUCKETS_MAX, sizeof(*o->histogram), read_bucket,
	                           &o->histogram, &o->bucket_count);

	for (; res == 0 && here.index < o->bucket_count; here.index++) {
		if (o->histogram[here.index].upper_ms <= o->histogram[here.index - 1].upper_ms)
			res = bench_read_refuse(r, &here, "does not rise");
	}
	return res;
}

static int read_open_loop(const struct bench_reader *r, const struct bench_place *up, weft_json entry,
                          struct bench_results_entry *e)
{
	static const struct bench_field fields[] = {
		BENCH_NEEDED(bench_results_open_loop, AMOUNT, "offered_per_s", offered_per_s),
		BENCH_NEEDED(bench_results_open_loop, LARGE, "intended", intended),
		BENCH_NEEDED(bench_results_open_loop, LARGE, "done", done),
		BENCH_FIELD(bench_results_open_loop, LARGE, "late", late),
	};
	struct bench_place at = bench_read_below(up, "open_loop");
	weft_json v = weft_json_find(entry, at.key);
	struct bench_results_open_loop *o;
	int res;

	if (!bench_read_is_there(v))
		return 0;
	o = weft_arena_calloc(r->arena, sizeof(*o));
	if (!o)
		return bench_read_no_memory(r);
	res = bench_read_fields(r, &at, v, fields, BENCH_COUNT(fields), o);
	if (res == 0)
		res = read_quantiles(r, &at, v, "from_intended_ms", &o->from_intended);
	if (res == 0)
		res = read_quantiles(r, &at, v, "from_sent_ms", &o->from_sent);
	if (res == 0)
		res = read_histogram(r, &at, v, o);
	e->open_loop = o;
	return res;
}

static int read_published(const struct bench_reader *r, const struct bench_place *up, weft_json entry,
                          struct bench_results_entry *e)
{
	static const struct bench_field fields[] = {
		BENCH_NEEDED(bench_results_published, NAME, "metric", metric),
		BENCH_NEEDED(bench_results_published, AMOUNT, "low", low),
		BENCH_NEEDED(bench_results_published, AMOUNT, "high", high),
		BENCH_FIELD(bench_results_published, AMOUNT, "ratio", ratio),
		BENCH_FIELD(bench_results_published, TEXT, "what", what),
		BENCH_FIELD(bench_results_published, FLAG, "other_hardware", other_hardware),
	};
	static const char *const metrics[] = { "median_ms",
		                               "p95_ms",
		                               "messages_per_second",
		                               "per_core_second",
		                               "memory_rss_peak_mb",
		                               "bytes",
		                               "at_once",
		                               NULL };
	struct bench_place at = bench_read_below(up, "published"), low = bench_read_below(&at, "low");
	weft_json v = weft_json_find(entry, at.key);
	struct bench_results_published *p;
	int res;

	if (!bench_read_is_there(v))
		return 0;
	p = weft_arena_calloc(r->arena, sizeof(*p));
	if (!p)
		return bench_read_no_memory(r);
	res = bench_read_fields(r, &at, v, fields, BENCH_COUNT(fields), p);
	if (res == 0)
		res = bench_read_one_of(r, &at, "metric", p->metric, metrics);
	if (res >= 0 && p->low > p->high)
		res = bench_read_refuse(r, &low, "is above high");
	e->published = p;
	return res < 0 ? res : 0;
}

static int read_parts(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      struct bench_results_entry *e)
{
#define PART(kind, key, member) BENCH_FIELD(bench_results_entry, kind, key, member)
	static const struct bench_field throughput[] = {
		PART(AMOUNT, "messages_per_second", messages_per_second),
		PART(LARGE, "total_messages", total_messages),
		PART(AMOUNT, "total_time_ms", total_time_ms),
	};
	static const struct bench_field resources[] = {
		PART(AMOUNT, "memory_rss_start_mb", rss_start_mb),
		PART(AMOUNT, "memory_rss_peak_mb", rss_peak_mb),
		PART(AMOUNT, "memory_rss_end_mb", rss_end_mb),
		PART(NUMBER, "memory_delta_mb", rss_delta_mb),
	};
#undef PART
	struct bench_field pipeline[BENCH_RESULTS_STAGES];
	int res = bench_read_part(r, at, v, "throughput", throughput, BENCH_COUNT(throughput), e);

	for (size_t i = 0; i < BENCH_RESULTS_STAGES; i++)
		pipeline[i] = (struct bench_field){ bench_results_stages[i], BENCH_AMOUNT, false,
			                            offsetof(struct bench_results_entry, stage_ms) +
			                                    i * sizeof(double) };
	if (res == 0)
		res = bench_read_part(r, at, v, "resources", resources, BENCH_COUNT(resources), e);
	if (res == 0)
		res = bench_read_part(r, at, v, "pipeline", pipeline, BENCH_COUNT(pipeline), e);
	if (res == 0)
		res = read_open_loop(r, at, v, e);
	return res == 0 ? read_published(r, at, v, e) : res;
}

int bench_read_entry(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                     struct bench_results_entry *e)
{
#define OWN(kind, key, member) BENCH_FIELD(bench_results_entry, kind, key, member)
	static const struct bench_field fields[] = {
		OWN(SMALL, "iterations", iterations),
		OWN(SMALL, "warmup", warmup),
		OWN(SMALL, "workers", workers),
		OWN(SMALL, "rounds", rounds),
		OWN(AMOUNT, "wall_s", wall_s),
		OWN(NAME, "suite", suite),
		OWN(NAME, "group", group),
		OWN(TEXT, "description", description),
		OWN(NAME, "base", base),
		OWN(NAME, "unit", unit),
		OWN(TEXT, "error", error),
		OWN(FLAG, "higher_is_better", higher_is_better),
		OWN(AMOUNT, "bytes", bytes),
		OWN(SHARE, "recall", recall),
		OWN(SMALL, "rows", rows),
		OWN(SMALL, "ef", ef),
		OWN(LARGE, "outliers", outliers),
		OWN(LARGE, "lost", lost),
	};
#undef OWN
	int res;

	e->outliers = e->lost = -1;
	res = bench_read_fields(r, at, v, fields, BENCH_COUNT(fields), e);
	if (res == 0)
		res = read_latency(r, at, v, &e->latency);
	return res == 0 ? read_parts(r, at, v, e) : res;
}
