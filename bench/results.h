/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/results.h - a result file in memory, whoever wrote it: weft of any version, or another runtime.
 *
 * Read by `weft compare`, `weft report` and `weft plan --from`. Version 1 (no "schema_version") and version 2 are one
 * to the reader. Keys that it does not know are skipped; a known one of the wrong type or out of range refuses the
 * file, naming both. What a file does not say is told apart from what is zero: numbers are NAN then (bench_is_given),
 * texts and lists NULL, counts 0 where 0 has no meaning.
 *
 * Where a file has raw values and lacks a statistic of them, the reader computes it, by nearest rank. Where it says
 * that there are none, their statistics are not given, whatever stands there.
 */
#ifndef WEFT_BENCH_RESULTS_H
#define WEFT_BENCH_RESULTS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include <weft/weft.h>

#include "bench/goals.h"

#define BENCH_RESULTS_BYTES_MAX (64u << 20) /* of a file */
#define BENCH_RESULTS_ENTRIES_MAX 2000u
#define BENCH_RESULTS_RAW_MAX 2000000u /* of an entry */
#define BENCH_RESULTS_BUCKETS_MAX 100000u
#define BENCH_RESULTS_FINDINGS_MAX 256u
#define BENCH_RESULTS_NAME_BYTES_MAX 120u /* of ids and of the runtime's name */
#define BENCH_RESULTS_TEXT_BYTES_MAX 4000u

/* Mean times of the stages of a message, in the order in which they run. */
#define BENCH_RESULTS_STAGES 9u
extern const char *const bench_results_stages[BENCH_RESULTS_STAGES]; /* their keys in the file */

static inline bool bench_is_given(double value)
{
	return !isnan(value);
}

struct bench_results_system {
	const char *os, *arch, *runtime_version; /* never NULL */
	const char *cpu_model;                   /* or NULL */
	const char *fingerprint;                 /* 16 hex digits, or NULL: version 1 */
	uint32_t cpus;
	double memory_gb;
};

struct bench_results_finding {
	const char *id, *severity, *text; /* severity: "note", "warning" or "error" */
	const char *fix;                  /* or NULL */
};

struct bench_results_latency { /* ms; NAN where not given */
	double min, max, avg, median, p90, p95, p99, p999, stddev, mad;
	double median_low, median_high; /* 95% interval of the median */
	const double *raw;              /* in the order of measuring; NULL: not given */
	const uint32_t *round;          /* of each raw value, 0 to BENCH_RESULTS_RAW_MAX, never falling; NULL: one round */
	uint32_t raw_count;
};

struct bench_results_quantiles { /* ms */
	double p50, p90, p99, p999, max;
};

struct bench_results_bucket {
	double upper_ms;
	uint64_t count;
};

struct bench_results_open_loop {
	double offered_per_s;
	uint64_t intended, done, late;
	struct bench_results_quantiles from_intended, from_sent;
	const struct bench_results_bucket *histogram; /* of from_intended, rising; NULL: not given */
	uint32_t bucket_count;
};

struct bench_results_published {
	const char *
	        metric; /* "median_ms", "p95_ms", "messages_per_second", "per_core_second", "memory_rss_peak_mb",
	                       "bytes" or "at_once" */
	const char *what; /* or NULL */
	double low, high; /* equal: one figure */
	double ratio;     /* ours to theirs, above 1 is better; NAN: not given */
	bool other_hardware;
};

struct bench_results_entry {
	const char *id;
	const char *suite, *group, *description; /* or NULL */
	const char *base;                        /* of an entry of a sweep (ID@N): its ID; or NULL */
	const char *unit;  /* as people read the times: "ns", "us", "ms", "bytes"; or NULL */
	const char *error; /* it failed; or NULL */
	uint32_t iterations, warmup;
	uint32_t workers; /* 0: not given */
	uint32_t rounds;  /* 0: not given */
	double wall_s;    /* NAN: not given */
	bool higher_is_better;
	struct bench_results_latency latency;
	double messages_per_second, total_time_ms; /* NAN: not given */
	uint64_t total_messages;
	double stage_ms[BENCH_RESULTS_STAGES]; /* NAN: not given; 0: it did not run */
	double rss_start_mb, rss_peak_mb, rss_end_mb, rss_delta_mb;
	double bytes, recall;                            /* NAN: not given */
	uint32_t rows, ef;                               /* 0: not given */
	int64_t outliers, lost;                          /* negative: not given */
	const struct bench_results_open_loop *open_loop; /* or NULL */
	const struct bench_results_published *published; /* or NULL */
};

struct bench_results {
	const char *path, *runtime, *timestamp;
	int64_t timestamp_s;      /* since 1970, UTC */
	uint32_t version;         /* 1 or 2 */
	uint32_t rounds;          /* 0: not given */
	double wall_s;            /* NAN: not given */
	double binary_size_bytes; /* NAN: not given */
	struct bench_results_system system;
	const char *machine_verdict; /* "quiet", "noisy" or "unfit"; NULL: not looked at */
	const struct bench_results_finding *findings;
	uint32_t finding_count;
	const struct bench_goal *goals; /* as its writer judged them; NULL: it has none */
	uint32_t goal_count;
	const struct bench_results_entry *entries; /* in the file's order; no id twice */
	uint32_t entry_count;
	weft_arena *arena; /* owns all of the above, this struct too */
};

/**
 * Read a file. Pipes are fine.
 *
 * @param ret owned by the caller, bench_results_free gives it back; untouched on failure
 * @return 0, -errno (it cannot be read), -EFBIG, -ENOMEM, WEFT_EPARSE (no JSON), WEFT_ECONFIG (no result file);
 *         err (may be NULL) says which file, and which field:
 *         "b.json: scenarios.burst-1000.latency.raw_ms[3]: not a number"
 */
int bench_results_load(const char *path, struct bench_results **ret, weft_error *err);
/** The same of a text in memory; name stands for the path in errors. */
int bench_results_parse(weft_str text, const char *name, struct bench_results **ret, weft_error *err);
/** NULL is fine. */
void bench_results_free(struct bench_results *r);

/** An entry by its id, or NULL. */
const struct bench_results_entry *bench_results_find(const struct bench_results *r, const char *id);

#endif
