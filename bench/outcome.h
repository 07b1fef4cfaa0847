/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/outcome.h - what an entry measured: its times one by one, counts, memory, and what only some entries have.
 *
 * An entry runs in rounds, each in a process of its own. A child fills one outcome and sends it as JSON; the parent
 * merges those of all rounds into one.
 */
#ifndef WEFT_BENCH_OUTCOME_H
#define WEFT_BENCH_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include <weft/weft.h>

#include "bench/histogram.h"
#include "bench/stat/bootstrap.h"

enum bench_pipeline {
	BENCH_COMPOSE = 0,
	BENCH_PROVIDERS,
	BENCH_SHOULD_RESPOND,
	BENCH_MODEL,
	BENCH_ACTIONS,
	BENCH_EVALUATOR,
	BENCH_MEMORY_CREATE,
	BENCH_MEMORY_GET,
	BENCH_SERIALIZATION,
	BENCH_PIPELINE_COUNT
};

extern const char *const bench_pipeline_keys[BENCH_PIPELINE_COUNT];

#define BENCH_ITERATIONS_MAX 100000u
#define BENCH_ROUNDS_MAX 50u

/* Requests at a rate, whether those before were answered or not. */
struct bench_open_loop {
	double offered_per_s;
	uint64_t intended, done; /* requests that were due; that were answered */
	uint64_t late;           /* sent later than the bound: the generator's own fault */
	struct bench_histogram from_intended; /* from the time a request was due: what a user waits */
	struct bench_histogram from_sent;     /* from the time it was really sent */
};

struct bench_outcome {
	uint32_t iterations, warmup;
	double *raw_ms;      /* one an iteration; owned */
	uint32_t *raw_round; /* which round each was measured in; owned */
	uint32_t raw_count;
	uint32_t rounds;     /* that are in here; 0 before the first */
	double wall_s;       /* all processes of it, set-up included; the parent's */
	uint64_t messages; /* in all measured iterations */
	double total_ms;
	double cpu_ms; /* of all threads meanwhile; scenarios only, between child and parent only */
	double stage_ms[BENCH_PIPELINE_COUNT]; /* sums */
	uint64_t stage_runs[BENCH_PIPELINE_COUNT];
	double rss_start_mb, rss_peak_mb, rss_end_mb;
	double bytes;       /* actor-idle-bytes and the like; 0 for all others */
	double recall;      /* of searches: the share of right answers; negative for all others */
	uint32_t rows;      /* that were searched; 0 for all others */
	uint32_t ef;        /* how wide a graph was searched; 0 for all others */
	int32_t lost;       /* rows that a search for their own vector does not find; negative where nobody looked */
	struct bench_open_loop *open_loop; /* owned; NULL for all others */
	char error[200];    /* not empty: it failed */
};

/* outcome.c */
void bench_outcome_begin(struct bench_outcome *out, uint32_t iterations, uint32_t warmup);
void bench_outcome_add(struct bench_outcome *out, double ms, uint64_t messages);
/*
 * Put another round's outcome behind those in `into`, which is all zero before the first. Times are kept with their
 * round, counts are added, memory is that of the round with the highest peak, and the first error counts.
 * `round` is taken apart: it has nothing left to free.
 */
void bench_outcome_merge(struct bench_outcome *into, struct bench_outcome *round);
/* *ret becomes the same, with memory of its own. It cannot be used when that fails, and says so. */
void bench_outcome_copy(struct bench_outcome *ret, const struct bench_outcome *from);
/* An interval of the median that holds the true one 19 times of 20, rounds considered. false: too few values to say. */
bool bench_outcome_interval(const struct bench_outcome *out, struct bench_interval *ret);
int bench_fail(struct bench_outcome *out, const char *fmt, ...) WEFT_PRINTF(2, 3); /* gives -1 */
void bench_outcome_free(struct bench_outcome *out);

#endif
