/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/bench.h - what the files of the bench share, and what `weft bench` calls.
 *
 *   suite.c      a run: entries, report, result file
 *     select.c     which entries        rounds.c   round after round       progress.c   how far
 *     child.c      one entry in a fresh process, its outcome as JSON through a pipe
 *     scenario.c   a message scenario      system.c   store, start-up, agents a second
 *     micro_*.c    one mechanism at a time
 *     open_*.c     agents at a rate, and the pacing that items share
 *     actors/      the work items that other runtimes are measured by, too
 *     memory/      histories and vectors: what an agent remembers, and how well it is found
 *     io/          models behind HTTP: streams, agents at a rate, requests
 *     seeds/       the figures that the systems weft descends from have published, repeated
 *   file.c       scenarios.json            outcome.c  what an entry gathers; rounds merged
 *   entry.c      outcome <-> JSON          result.c   the result file       put.c   fields into JSON
 *   report.c     tables and the summary    goals.c    what the figures should come to
 *   stat/        the mathematics: ranks, intervals, verdicts, the scalability law, queues
 *   watched.c    what instrumentation costs    sweep.c   what more workers bring
 */
#ifndef WEFT_BENCH_BENCH_H
#define WEFT_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/weft.h>

#include "bench/outcome.h"
#include "bench/result.h"
#include "bench/rss.h"
#include "bench/stats.h"

/* ---- what was asked for ------------------------------------------------------------ */

struct bench_options {
	const char *filter;         /* glob over ids; NULL: all */
	const char *suite;          /* "scenarios", "micro", "actors", "memory", "io", "seeds", several with commas, or "all" */
	const char *json_path;      /* NULL: no result file */
	const char *scenarios_path; /* NULL: the built-in file */
	const char *data;           /* folder of sets of vectors; NULL: see memory/data.c */
	const char *program;        /* this binary, to run children */
	const char *child;          /* not NULL: run this entry here and write its outcome to stdout */
	uint32_t iterations, warmup; /* 0 with *_set false: the entry's own */
	bool warmup_set;
	uint32_t workers;           /* 0: one a core */
	uint32_t rounds;            /* 0: five, or one with quick */
	double budget_s;            /* of all rounds together; 0: as long as they take */
	bool quick, list;
	bool sweep; /* only what scales, with 1 to `workers` (0: as many as cores) */
	int times;  /* stage times in results: 0 no, else yes */
	int events; /* somebody listens to events: 1 yes, 0 no, -1 as the entry is defined (scenarios no, agent micros yes) */
};

/** Run it. @return the exit status: 0, 1 when an entry failed, 2 for a bad scenario file or filter */
int bench_main(const struct bench_options *opt);

/* ---- entries ------------------------------------------------------------------------- */

struct bench_config { /* of a scenario, see scenarios.json */
	char group[16];
	uint32_t iterations, warmup; /* 0: the default */
	bool has_warmup;
	bool scales; /* in the worker sweep */
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
	const char *id, *suite, *group, *description; /* suite: "micro", "actors", "memory", "io" or "seeds" */
	const char *unit; /* of the latency figures as people read them: "ns" or "us" a what */
	/* one iteration: ops operations; sets *ret_ms to the time of one, *ret_ops to how many */
	int (*run)(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
	/* or all of them at once */
	void (*run_all)(const struct bench_options *opt, struct bench_outcome *out);
	/* or all of them at once, by one function for several entries: detail says which */
	void (*run_item)(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);
	uint32_t iterations, warmup;
	const char *bytes_of; /* the entry whose run weighs this one, too; NULL: none does */
	bool scales; /* in the worker sweep */
	const char *data;   /* the set of vectors that it needs; NULL: none */
	bool (*is_there)(const struct bench_micro *self); /* was what it needs built in? Says on stderr what was not. NULL: yes */
	const void *detail; /* the suite's own */
};

extern const struct bench_micro bench_micros[], bench_actors[], bench_memories[], bench_ios[], bench_seeds[];
extern const uint32_t bench_micro_count, bench_actor_count, bench_memory_count, bench_io_count, bench_seeds_count;

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
/* iterations and warm-up of an entry: the command line, else its own, else the default */
void bench_counts(const struct bench_options *opt, uint32_t own_iterations, bool own_warmup_set, uint32_t own_warmup,
                  uint32_t *ret_iterations, uint32_t *ret_warmup);

/* child.c */
void bench_child_run(const struct bench_options *opt, const char *id, struct bench_outcome *out);

/* report.c */
void bench_report(FILE *to, const struct bench_result *result);

/* seeds/: "published" into an entry's object, for what has a published figure; and those beside ours, as a table */
void bench_published_write(weft_json_writer *w, const char *id, const struct bench_outcome *out);
/* the figure that is compared, with its unit; false: nothing is published of it */
bool bench_published_text(const char *id, const struct bench_outcome *out, char *buf, size_t size);
void bench_seeds_report(FILE *to, const struct bench_row *rows, uint32_t count);

/* the entry that instrumentation is measured by */
#define BENCH_WATCHED_ID "burst-1000"

/* sweep.c: 1, 2, 3, 4, 6, 8, 12, 16, 24, .. and the last one; and what each brought */
uint32_t bench_sweep_next(uint32_t n, uint32_t last);
void bench_sweep_report(FILE *to, const struct bench_row *rows, uint32_t count);

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
