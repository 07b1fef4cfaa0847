/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/bench.h - what the files of the bench share, and what `weft bench` calls.
 *
 *   suite.c      which entries run, each in a process of its own, and the closing report
 *     child.c      one entry in a fresh process, its outcome as JSON through a pipe
 *     scenario.c   a message scenario      system.c   store, start-up, agents a second
 *     micro_*.c    one mechanism at a time
 *     actors/      the work items that other runtimes are measured by, too
 *     memory/      histories and vectors: what an agent remembers, and how well it is found
 *   file.c       scenarios.json            result.c   outcome <-> JSON
 *   report.c     tables and the summary    goals.c    what the figures should come to
 *   watched.c    what instrumentation costs    sweep.c   what more workers bring
 */
#ifndef WEFT_BENCH_BENCH_H
#define WEFT_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/weft.h>

#include "bench/rss.h"
#include "bench/stats.h"

/* ---- what was asked for ------------------------------------------------------------ */

struct bench_options {
	const char *filter;         /* glob over ids; NULL: all */
	const char *suite;          /* "scenarios", "micro", "actors", "memory" or "all" */
	const char *json_path;      /* NULL: no result file */
	const char *scenarios_path; /* NULL: the built-in file */
	const char *data;           /* folder of sets of vectors; NULL: see memory/data.c */
	const char *program;        /* this binary, to run children */
	const char *child;          /* not NULL: run this entry here and write its outcome to stdout */
	uint32_t iterations, warmup; /* 0 with *_set false: the entry's own */
	bool warmup_set;
	uint32_t workers;           /* 0: one a core */
	bool quick, list;
	bool sweep; /* each item that scales, with 1 to `workers` (0: as many as cores) */
	int times;  /* stage times in results: 0 no, else yes */
	int events; /* somebody listens to events: 1 yes, 0 no, -1 as the entry is defined (scenarios no, agent micros yes) */
};

/** Run it. @return the exit status: 0, 1 when an entry failed, 2 for a bad scenario file or filter */
int bench_main(const struct bench_options *opt);

/* ---- entries ------------------------------------------------------------------------- */

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

struct bench_outcome {
	uint32_t iterations, warmup;
	double *raw_ms; /* one an iteration; owned */
	uint32_t raw_count;
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
	char error[200];    /* not empty: it failed */
};

struct bench_config { /* of a scenario, see scenarios.json */
	char group[16];
	uint32_t iterations, warmup; /* 0: the default */
	bool has_warmup;
	bool concurrent, room_per_message, bare, check_should_respond, multi_step, custom_actions, startup_only;
	uint32_t dummy_providers, history, db_count, agents_ms;
	char db[8]; /* "", "write", "read" */
};

struct bench_scenario {
	char *id, *name, *description;
	char **messages;
	uint32_t message_count;
	struct bench_config config;
};

struct bench_micro {
	const char *id, *suite, *group, *description; /* suite: "micro", "actors" or "memory" */
	const char *unit; /* of the latency figures as people read them: "ns" or "us" a what */
	/* one iteration: ops operations; sets *ret_ms to the time of one, *ret_ops to how many */
	int (*run)(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
	/* or all of them at once */
	void (*run_all)(const struct bench_options *opt, struct bench_outcome *out);
	/* or all of them at once, by one function for several entries: detail says which */
	void (*run_item)(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);
	uint32_t iterations, warmup;
	bool scales; /* in the worker sweep */
	const char *data;   /* the set of vectors that it needs; NULL: none */
	const void *detail; /* the suite's own */
};

extern const struct bench_micro bench_micros[], bench_actors[], bench_memories[];
extern const uint32_t bench_micro_count, bench_actor_count, bench_memory_count;

/* memory/data.c: is the set there? Says on stderr what is not, once a set. */
bool bench_data_is_there(const struct bench_options *opt, const char *set);

/* file.c */
struct bench_file {
	struct bench_scenario *scenarios;
	uint32_t count;
};
int bench_file_load(const char *path, struct bench_file *ret, weft_error *err);
void bench_file_free(struct bench_file *file);

extern const char bench_scenarios_json[], bench_character_json[];
extern const size_t bench_scenarios_json_len, bench_character_json_len;

/* scenario.c, system.c, micro.c: one entry, in this process */
void bench_scenario_run(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out);
void bench_system_run(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out);
void bench_micro_run(const struct bench_options *opt, const struct bench_micro *m, struct bench_outcome *out);

/* outcome.c */
void bench_outcome_begin(struct bench_outcome *out, uint32_t iterations, uint32_t warmup);
void bench_outcome_add(struct bench_outcome *out, double ms, uint64_t messages);
int bench_fail(struct bench_outcome *out, const char *fmt, ...) WEFT_PRINTF(2, 3); /* gives -1 */
void bench_outcome_free(struct bench_outcome *out);
/* iterations and warm-up of an entry: the command line, else its own, else the default */
void bench_counts(const struct bench_options *opt, uint32_t own_iterations, bool own_warmup_set, uint32_t own_warmup,
                  uint32_t *ret_iterations, uint32_t *ret_warmup);

/* result.c */
/* unit: of a micro bench in the result file, else NULL. for_parent: with what only the parent needs. */
void bench_outcome_write(weft_json_writer *w, const struct bench_outcome *out, const char *unit, bool for_parent);
int bench_outcome_read(weft_json v, struct bench_outcome *out);
/* The whole file. ids[i] belongs to outcomes[i]. */
int bench_result_write(const char *path, const char *program, const char *const *ids, const char *const *units,
                       const struct bench_outcome *outcomes, uint32_t count);

/* child.c */
void bench_child_run(const struct bench_options *opt, const char *id, struct bench_outcome *out);

/* report.c */
struct bench_row {
	const char *id, *group, *unit; /* unit NULL: a scenario */
	const struct bench_outcome *out;
};
void bench_report(FILE *to, const struct bench_row *rows, uint32_t count, double seconds);

/* goals.c: the goals that these rows can answer, each with what was measured. cores: that ran the workers. */
void bench_goals(FILE *to, const struct bench_row *rows, uint32_t count, uint32_t cores);

/* the entry that instrumentation is measured by */
#define BENCH_WATCHED_ID "burst-1000"

/* sweep.c: items with 1 .. cores workers. @return 0, or 1 when one failed */
int bench_sweep(const struct bench_options *opt, const struct bench_micro *const *items, uint32_t count, uint32_t cores);

/* watched.c: what instrumentation costs burst-1000: with over without, of medians. */
struct bench_watched {
	double times;  /* stage times in results on, against off */
	double events; /* a subscriber, against none; times on */
};

/* @return 0 or -1 */
int bench_watched(const struct bench_options *opt, struct bench_watched *ret);
/* A time in the unit that fits: "812 ns", "12.3 us", "4.56 ms". */
void bench_time_text(double ms, char *buf, size_t size);

#endif
