/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/entry.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/stats.h"

const char *const bench_pipeline_keys[BENCH_PIPELINE_COUNT] = {
	[BENCH_COMPOSE] = "compose_state_avg_ms",
	[BENCH_PROVIDERS] = "provider_execution_avg_ms",
	[BENCH_SHOULD_RESPOND] = "should_respond_avg_ms",
	[BENCH_MODEL] = "model_call_avg_ms",
	[BENCH_ACTIONS] = "action_dispatch_avg_ms",
	[BENCH_EVALUATOR] = "evaluator_avg_ms",
	[BENCH_MEMORY_CREATE] = "memory_create_avg_ms",
	[BENCH_MEMORY_GET] = "memory_get_avg_ms",
	[BENCH_SERIALIZATION] = "state_serialization_avg_ms",
};

/* ---- writing ----------------------------------------------------------------------------- */

void bench_put_counts(weft_json_writer *w, const struct bench_outcome *out)
{
	bench_put_count(w, "iterations", out->iterations);
	bench_put_count(w, "warmup", out->warmup);
}

void bench_put_raw(weft_json_writer *w, const struct bench_outcome *out)
{
	bench_put_numbers(w, "raw_ms", out->raw_ms, out->raw_count);
}

void bench_put_latency(weft_json_writer *w, const struct bench_outcome *out)
{
	struct bench_stats s = bench_stats_of(out->raw_ms, out->raw_count);
	struct bench_interval ci;

	bench_put_object(w, "latency");
	bench_put_number(w, "min_ms", s.min);
	bench_put_number(w, "max_ms", s.max);
	bench_put_number(w, "avg_ms", s.avg);
	bench_put_number(w, "median_ms", s.median);
	if (bench_outcome_interval(out, &ci))
		bench_put_interval_if(w, "median_ci95_ms", ci.low, ci.high);
	bench_put_number(w, "mad_ms", s.mad);
	bench_put_number(w, "p90_ms", s.p90);
	bench_put_number(w, "p95_ms", s.p95);
	bench_put_number(w, "p99_ms", s.p99);
	bench_put_number(w, "p999_ms", s.p999);
	bench_put_number(w, "stddev_ms", s.stddev);
	bench_put_raw(w, out);
	bench_put_counts_of(w, "raw_round", out->raw_round, out->raw_count);
	weft_json_end_object(w);
	bench_put_count(w, "outliers", s.outliers);
}

void bench_put_parts(weft_json_writer *w, const struct bench_outcome *out)
{
	bench_put_object(w, "throughput");
	bench_put_number(w, "messages_per_second", out->total_ms > 0 ? (double)out->messages * 1e3 / out->total_ms : 0);
	bench_put_count(w, "total_messages", out->messages);
	bench_put_number(w, "total_time_ms", out->total_ms);
	weft_json_end_object(w);
	bench_put_object(w, "pipeline");
	for (int i = 0; i < BENCH_PIPELINE_COUNT; i++)
		bench_put_number(w, bench_pipeline_keys[i],
		                 out->stage_runs[i] ? out->stage_ms[i] / (double)out->stage_runs[i] : 0);
	weft_json_end_object(w);
	bench_put_object(w, "resources");
	bench_put_number(w, "memory_rss_start_mb", out->rss_start_mb);
	bench_put_number(w, "memory_rss_peak_mb", out->rss_peak_mb);
	bench_put_number(w, "memory_rss_end_mb", out->rss_end_mb);
	bench_put_number(w, "memory_delta_mb", out->rss_end_mb - out->rss_start_mb);
	weft_json_end_object(w);
	if (out->bytes > 0)
		bench_put_number(w, "bytes", out->bytes);
	if (out->recall >= 0)
		bench_put_number(w, "recall", out->recall);
	if (out->rows)
		bench_put_count(w, "rows", out->rows);
	if (out->ef)
		bench_put_count(w, "ef", out->ef);
	if (out->lost >= 0)
		bench_put_count(w, "lost", (uint64_t)out->lost);
	if (out->error[0])
		bench_put_text(w, "error", out->error);
}

static void put_histogram(weft_json_writer *w, const char *name, const struct bench_histogram *h)
{
	bench_put_list(w, name);
	weft_json_put_uint(w, h->max_ns);
	for (uint32_t i = 0; i < h->bucket_count; i++) {
		weft_json_put_uint(w, h->buckets[i].upper_ns);
		weft_json_put_uint(w, h->buckets[i].count);
	}
	weft_json_end_array(w);
}

void bench_outcome_write(weft_json_writer *w, const struct bench_outcome *out)
{
	weft_json_begin_object(w);
	bench_put_counts(w, out);
	bench_put_object(w, "latency");
	bench_put_raw(w, out);
	weft_json_end_object(w);
	bench_put_parts(w, out);
	bench_put_number(w, "cpu_ms", out->cpu_ms);
	if (out->open_loop) {
		bench_put_object(w, "open_loop");
		bench_put_number(w, "offered_per_s", out->open_loop->offered_per_s);
		bench_put_count(w, "intended", out->open_loop->intended);
		bench_put_count(w, "done", out->open_loop->done);
		bench_put_count(w, "late", out->open_loop->late);
		put_histogram(w, "from_intended", &out->open_loop->from_intended);
		put_histogram(w, "from_sent", &out->open_loop->from_sent);
		weft_json_end_object(w);
	}
	weft_json_end_object(w);
}

/* ---- reading what a child sent ------------------------------------------------------- */

static double number(weft_json v, const char *name)
{
	double d = 0;

	weft_json_get_double(weft_json_find(v, weft_str_from(name)), &d);
	return d;
}

/* max, then pairs of bound and count. */
static int read_histogram(weft_json v, struct bench_histogram *h)
{
	weft_json_iter it = weft_json_iter_begin(v);
	int64_t max = 0, upper = 0, count = 0;
	int r = 0;

	if (!weft_json_iter_next(&it) || !weft_json_get_int(it.value, &max))
		return -EINVAL;
	while (r == 0 && weft_json_iter_next(&it)) {
		if (!weft_json_get_int(it.value, &upper) || !weft_json_iter_next(&it) || !weft_json_get_int(it.value, &count))
			return -EINVAL;
		r = bench_histogram_append(h, (uint64_t)upper, (uint64_t)count);
	}
	h->max_ns = (uint64_t)max;
	return r;
}

static int read_open_loop(weft_json v, struct bench_outcome *out)
{
	struct bench_open_loop *o;
	int r;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return 0;
	o = out->open_loop = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->offered_per_s = number(v, "offered_per_s");
	o->intended = (uint64_t)number(v, "intended");
	o->done = (uint64_t)number(v, "done");
	o->late = (uint64_t)number(v, "late");
	r = read_histogram(weft_json_find(v, WEFT_STR("from_intended")), &o->from_intended);
	return r < 0 ? r : read_histogram(weft_json_find(v, WEFT_STR("from_sent")), &o->from_sent);
}

int bench_outcome_read(weft_json v, struct bench_outcome *out)
{
	weft_json latency = weft_json_find(v, WEFT_STR("latency"));
	weft_json throughput = weft_json_find(v, WEFT_STR("throughput"));
	weft_json pipeline = weft_json_find(v, WEFT_STR("pipeline"));
	weft_json resources = weft_json_find(v, WEFT_STR("resources"));
	weft_json_iter it;
	weft_str error;

	if (weft_json_typeof(latency) != WEFT_JSON_OBJECT || weft_json_typeof(throughput) != WEFT_JSON_OBJECT)
		return -EINVAL;
	bench_outcome_begin(out, (uint32_t)number(v, "iterations"), (uint32_t)number(v, "warmup"));
	for (it = weft_json_iter_begin(weft_json_find(latency, WEFT_STR("raw_ms"))); weft_json_iter_next(&it);) {
		double ms = 0;

		weft_json_get_double(it.value, &ms);
		bench_outcome_add(out, ms, 0);
	}
	out->messages = (uint64_t)number(throughput, "total_messages");
	out->total_ms = number(throughput, "total_time_ms");
	for (int i = 0; i < BENCH_PIPELINE_COUNT; i++) {
		out->stage_ms[i] = number(pipeline, bench_pipeline_keys[i]);
		out->stage_runs[i] = out->stage_ms[i] > 0;
	}
	out->rss_start_mb = number(resources, "memory_rss_start_mb");
	out->rss_peak_mb = number(resources, "memory_rss_peak_mb");
	out->rss_end_mb = number(resources, "memory_rss_end_mb");
	out->bytes = number(v, "bytes");
	if (!weft_json_get_double(weft_json_find(v, WEFT_STR("recall")), &out->recall))
		out->recall = -1;
	out->rows = (uint32_t)number(v, "rows");
	out->ef = (uint32_t)number(v, "ef");
	if (weft_json_typeof(weft_json_find(v, WEFT_STR("lost"))) == WEFT_JSON_INT)
		out->lost = (int32_t)number(v, "lost");
	out->cpu_ms = number(v, "cpu_ms");
	if (weft_json_get_str(weft_json_find(v, WEFT_STR("error")), &error))
		bench_fail(out, "%.*s", WEFT_STR_ARG(error));
	return read_open_loop(weft_json_find(v, WEFT_STR("open_loop")), out);
}
