/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/result.c - the result file: the machine, the run, and each row with its figures and raw values.
 */
#include "bench/result.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/entry.h"
#include "bench/text_file.h"

/* ---- one row ------------------------------------------------------------------------------ */

static void write_tail(weft_json_writer *w, const char *name, const struct bench_histogram *h)
{
	static const struct {
		const char *name;
		double q;
	} tails[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p999", 0.999 }, { "max", 1 } };

	bench_put_object(w, name);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		bench_put_number(w, tails[i].name, (double)bench_histogram_quantile(h, tails[i].q) / 1e6);
	weft_json_end_object(w);
}

static void write_open_loop(weft_json_writer *w, const struct bench_open_loop *o)
{
	bench_put_object(w, "open_loop");
	bench_put_number(w, "offered_per_s", o->offered_per_s);
	bench_put_count(w, "intended", o->intended);
	bench_put_count(w, "done", o->done);
	bench_put_count(w, "late", o->late);
	write_tail(w, "from_intended_ms", &o->from_intended);
	write_tail(w, "from_sent_ms", &o->from_sent);
	bench_put_list(w, "histogram");
	for (uint32_t i = 0; i < o->from_intended.bucket_count; i++) {
		weft_json_begin_array(w);
		weft_json_put_double(w, (double)o->from_intended.buckets[i].upper_ns / 1e6);
		weft_json_put_uint(w, o->from_intended.buckets[i].count);
		weft_json_end_array(w);
	}
	weft_json_end_array(w);
	weft_json_end_object(w);
}

static void write_kind(weft_json_writer *w, const struct bench_row *row)
{
	bench_put_text_if(w, "suite", row->suite);
	bench_put_text_if(w, "group", row->group);
	bench_put_text_if(w, "description", row->description);
	bench_put_text_if(w, "base", row->base);
	if (row->workers)
		bench_put_count(w, "workers", row->workers);
	bench_put_text_if(w, "unit", row->unit);
	if (row->out->rounds)
		bench_put_count(w, "rounds", row->out->rounds);
	bench_put_number(w, "wall_s", row->out->wall_s);
}

static void write_row(weft_json_writer *w, const struct bench_row *row)
{
	weft_json_begin_object(w);
	write_kind(w, row);
	bench_put_counts(w, row->out);
	bench_put_latency(w, row->out);
	bench_put_parts(w, row->out);
	bench_published_write(w, row->id, row->out);
	if (row->out->open_loop)
		write_open_loop(w, row->out->open_loop);
	weft_json_end_object(w);
}

/* ---- the file ---------------------------------------------------------------------------- */

/* gcc's __VERSION__ is a number alone, clang's begins with its name. */
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void write_system(weft_json_writer *w, const struct bench_machine *machine)
{
	struct utsname u = { 0 };
	char os[sizeof(u.sysname) + sizeof(u.release) + 2], version[96];
	double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);

	uname(&u);
	snprintf(os, sizeof(os), "%s %s", u.sysname, u.release);
	snprintf(version, sizeof(version), "weft %s, " COMPILER, weft_version());
	bench_put_object(w, "system");
	bench_put_text(w, "os", os);
	bench_put_text(w, "arch", u.machine);
	bench_put_count(w, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	bench_put_number(w, "memory_gb", (double)(int64_t)(pages * page / (1 << 30) * 10) / 10);
	bench_put_text(w, "runtime_version", version);
	if (machine) {
		bench_put_text(w, "cpu_model", machine->cpu_model);
		bench_put_text(w, "fingerprint", machine->fingerprint);
	}
	weft_json_end_object(w);
}

static void write_goals(weft_json_writer *w, const struct bench_goal *goals, uint32_t count)
{
	bench_put_list(w, "goals");
	for (uint32_t i = 0; i < count; i++) {
		const struct bench_goal *g = &goals[i];

		weft_json_begin_object(w);
		bench_put_text(w, "entry", g->entry);
		bench_put_text_if(w, "against", g->against);
		bench_put_text(w, "metric", bench_goal_metrics[g->metric]);
		bench_put_number(w, "value", g->value);
		bench_put_interval_if(w, "ci95", g->low, g->high);
		bench_put_number(w, "limit", g->limit);
		bench_put_text(w, "text", g->text);
		bench_put_text(w, "verdict", bench_goal_verdicts[g->verdict]);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

int bench_result_write(const char *path, const struct bench_result *result)
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
	stat(result->program, &st);
	weft_json_begin_object(w);
	bench_put_count(w, "schema_version", BENCH_SCHEMA_VERSION);
	bench_put_text(w, "runtime", "weft");
	bench_put_text(w, "timestamp", stamp);
	write_system(w, result->machine);
	if (result->machine) {
		bench_put_key(w, "machine_check");
		bench_doctor_write(result->machine, w, false);
	}
	if (result->rounds)
		bench_put_count(w, "rounds", result->rounds);
	bench_put_number(w, "wall_s", result->wall_s);
	bench_put_count(w, "binary_size_bytes", (uint64_t)st.st_size);
	if (result->goals)
		write_goals(w, result->goals, result->goal_count);
	bench_put_object(w, "scenarios");
	for (uint32_t i = 0; i < result->count; i++) {
		bench_put_key(w, result->rows[i].id);
		write_row(w, &result->rows[i]);
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = bench_text_write(path, text);
	weft_json_writer_destroy(w);
	return r;
}
