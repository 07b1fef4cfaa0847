/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/seeds/seeds.h - what the files of `weft bench --suite seeds` share.
 *
 * The suite repeats, under names of their own, the figures that the systems weft descends from have published, and
 * prints theirs beside ours.
 *
 *   published.c   every published figure, by item: one table
 *   report.c      ours, theirs, the ratio, and how many are as good
 *   list.c        the items by name
 *   same.c        items that other suites have already: run by the same code
 *   tasks.c       groups, gathers, maps, semaphores    graph.c   graphs    requests.c   requests under load
 *   codec.c       messages, ids, hashes
 *   session.c     conversations, the cache of answers, vectors
 */
#ifndef WEFT_BENCH_SEEDS_H
#define WEFT_BENCH_SEEDS_H

#include "bench/bench.h"

/* ---- published.c -------------------------------------------------------------------------- */

/* What of an outcome a published figure is about. */
enum seeds_metric {
	SEEDS_MEDIAN,  /* of an operation, in ms */
	SEEDS_P95,     /* the same of the slowest twentieth */
	SEEDS_RATE,    /* operations a second; more is better */
	SEEDS_A_CORE,  /* operations that a second of one core's time is enough for, where the times are processor times */
	SEEDS_PEAK,    /* resident MB */
	SEEDS_AT_ONCE  /* operations that are under way at the same time: all of an iteration; more is better */
};

struct seeds_published {
	const char *id; /* of the item */
	enum seeds_metric metric;
	double low, high;    /* equal: one figure */
	bool other_hardware; /* than this machine, which always differs from where it was published unless it is said to be this one */
	const char *what;    /* the publisher's name for it */
};

extern const struct seeds_published seeds_published[];
extern const uint32_t seeds_published_count;

/* NULL: nothing was published of that item. */
const struct seeds_published *seeds_published_of(const char *id);
/* Ours, in the unit of the published figure. */
double seeds_value_of(const struct seeds_published *p, const struct bench_outcome *out);
/* How much better ours is than the better end of theirs: above 1 is better, whatever the direction. 0: nothing was measured. */
double seeds_ratio(const struct seeds_published *p, double ours);
/* Ours is not worse than the worse end of theirs. */
bool seeds_is_as_good(const struct seeds_published *p, double ours);

/* ---- same.c ------------------------------------------------------------------------------- */

/* The detail of an item that is an item of another suite, or a scenario, under another name. */
struct seeds_same {
	const char *id;
	uint32_t workers; /* 0: as asked for */
};

void seeds_same_run(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);

/* ---- tasks.c, graph.c, requests.c ------------------------------------------------------------ */

typedef int seeds_run_fn(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

seeds_run_fn seeds_task_spawn, seeds_task_await, seeds_task_switch, seeds_semaphore, seeds_tasks_at_once;
seeds_run_fn seeds_gather_100, seeds_map_2000, seeds_group_1000, seeds_validate_100;
seeds_run_fn seeds_graph_sort_10, seeds_graph_sort_50, seeds_graph_10, seeds_graph_dispatch;
/* All at once: a sample is a request's time. */
void seeds_requests(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);

/* ---- codec.c -------------------------------------------------------------------------- */

/* Of an item whose detail is a weft_codec_format. */
bool seeds_format_is_there(const struct bench_micro *self);
int seeds_message_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_message_validate(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_message_json(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_message_msgpack(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_message_binary(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_messages_20(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_uuid_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_uuid_parse(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_dict_hash(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

/* ---- session.c ------------------------------------------------------------------------ */

int seeds_session_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_session_branch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_cache_get(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int seeds_cosine_768(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

#endif
