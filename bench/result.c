/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/result.c - outcomes as JSON: the object of one entry (also what a child sends
 * its parent) and the whole result file. The schema is bench/result.schema.json.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

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

static void key(weft_json_writer *w, const char *name)
{
	weft_json_key(w, weft_str_from(name));
}

static void put_number(weft_json_writer *w, const char *name, double value)
{
	key(w, name);
	weft_json_put_double(w, value);
}

static void put_count(weft_json_writer *w, const char *name, uint64_t value)
{
	key(w, name);
	weft_json_put_uint(w, value);
}

static void put_text(weft_json_writer *w, const char *name, const char *value)
{
	key(w, name);
	weft_json_put_str(w, weft_str_from(value));
}

static void write_latency(weft_json_writer *w, const struct bench_outcome *out, const struct bench_stats *s)
{
	key(w, "latency");
	weft_json_begin_object(w);
	put_number(w, "min_ms", s->min);
	put_number(w, "max_ms", s->max);
	put_number(w, "avg_ms", s->avg);
	put_number(w, "median_ms", s->median);
	put_number(w, "p95_ms", s->p95);
	put_number(w, "p99_ms", s->p99);
	put_number(w, "stddev_ms", s->stddev);
	key(w, "raw_ms");
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < out->raw_count; i++)
		weft_json_put_double(w, out->raw_ms[i]);
	weft_json_end_array(w);
	weft_json_end_object(w);
}

static void write_rest(weft_json_writer *w, const struct bench_outcome *out)
{
	key(w, "throughput");
	weft_json_begin_object(w);
	put_number(w, "messages_per_second", out->total_ms > 0 ? (double)out->messages * 1e3 / out->total_ms : 0);
	put_count(w, "total_messages", out->messages);
	put_number(w, "total_time_ms", out->total_ms);
	weft_json_end_object(w);
	key(w, "pipeline");
	weft_json_begin_object(w);
	for (int i = 0; i < BENCH_PIPELINE_COUNT; i++)
		put_number(w, bench_pipeline_keys[i],
		           out->stage_runs[i] ? out->stage_ms[i] / (double)out->stage_runs[i] : 0);
	weft_json_end_object(w);
	key(w, "resources");
	weft_json_begin_object(w);
	put_number(w, "memory_rss_start_mb", out->rss_start_mb);
	put_number(w, "memory_rss_peak_mb", out->rss_peak_mb);
	put_number(w, "memory_rss_end_mb", out->rss_end_mb);
	put_number(w, "memory_delta_mb", out->rss_end_mb - out->rss_start_mb);
	weft_json_end_object(w);
}

void bench_outcome_write(weft_json_writer *w, const struct bench_outcome *out, const char *unit, bool for_parent)
{
	struct bench_stats s = bench_stats_of(out->raw_ms, out->raw_count);

	weft_json_begin_object(w);
	put_count(w, "iterations", out->iterations);
	put_count(w, "warmup", out->warmup);
	write_latency(w, out, &s);
	write_rest(w, out);
	put_count(w, "outliers", s.outliers);
	if (unit)
		put_text(w, "unit", unit);
	if (out->bytes > 0)
		put_number(w, "bytes", out->bytes);
	if (out->recall >= 0)
		put_number(w, "recall", out->recall);
	if (out->rows)
		put_count(w, "rows", out->rows);
	if (out->ef)
		put_count(w, "ef", out->ef);
	if (out->lost >= 0)
		put_count(w, "lost", (uint64_t)out->lost);
	if (out->error[0])
		put_text(w, "error", out->error);
	if (for_parent)
		put_number(w, "cpu_ms", out->cpu_ms);
	weft_json_end_object(w);
}

/* ---- reading what a child sent ------------------------------------------------------- */

static double number(weft_json v, const char *name)
{
	double d = 0;

	weft_json_get_double(weft_json_find(v, weft_str_from(name)), &d);
	return d;
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
	return 0;
}

/* ---- the file ---------------------------------------------------------------------------- */

static void write_system(weft_json_writer *w)
{
	struct utsname u = { 0 };
	char os[sizeof(u.sysname) + sizeof(u.release) + 2], version[96];
	double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);

	uname(&u);
	snprintf(os, sizeof(os), "%s %s", u.sysname, u.release);
	snprintf(version, sizeof(version), "weft %s, %s", weft_version(), __VERSION__);
	key(w, "system");
	weft_json_begin_object(w);
	put_text(w, "os", os);
	put_text(w, "arch", u.machine);
	put_count(w, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	put_number(w, "memory_gb", (double)(int64_t)(pages * page / (1 << 30) * 10) / 10);
	put_text(w, "runtime_version", version);
	weft_json_end_object(w);
}

static int save(const char *path, weft_str text)
{
	FILE *f = fopen(path, "we");
	int r = 0;

	if (!f)
		return -errno;
	if (fwrite(text.ptr, 1, text.len_bytes, f) != text.len_bytes || fputc('\n', f) == EOF)
		r = -EIO;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	return r;
}

int bench_result_write(const char *path, const char *program, const char *const *ids, const char *const *units,
                       const struct bench_outcome *outcomes, uint32_t count)
{
	struct stat st = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(1, &w);

	if (r < 0)
		return r;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	stat(program, &st);
	weft_json_begin_object(w);
	put_text(w, "runtime", "weft");
	put_text(w, "timestamp", stamp);
	write_system(w);
	put_count(w, "binary_size_bytes", (uint64_t)st.st_size);
	key(w, "scenarios");
	weft_json_begin_object(w);
	for (uint32_t i = 0; i < count; i++) {
		key(w, ids[i]);
		bench_outcome_write(w, &outcomes[i], units[i], false);
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = save(path, text);
	weft_json_writer_destroy(w);
	return r;
}
