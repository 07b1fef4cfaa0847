/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/goals.h - goals that a run can answer, each with its figure and what that says: on the console, in the result
 * file, on the page.
 */
#ifndef WEFT_BENCH_GOALS_H
#define WEFT_BENCH_GOALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_GOALS_MAX 64u

enum bench_goal_metric {
	BENCH_GOAL_MEDIAN,    /* of an iteration, in ms */
	BENCH_GOAL_RATE,      /* operations a second, by the median */
	BENCH_GOAL_PEAK,      /* resident MB */
	BENCH_GOAL_RATIO,     /* of medians, to the other entry's */
	BENCH_GOAL_RATIO_P99, /* the same of the slowest hundredth */
	BENCH_GOAL_BYTES,     /* one of many */
	BENCH_GOAL_PER_CORE,  /* a second, over the cores that ran it: for what keeps all of them busy */
	BENCH_GOAL_PER_CPU,   /* a second of processor time: for what is served in order */
	BENCH_GOAL_RECALL,    /* the share of right answers */
	BENCH_GOAL_METRICS
};

enum bench_goal_verdict {
	BENCH_GOAL_REACHED,
	BENCH_GOAL_MISSED,
	BENCH_GOAL_NOISE, /* the limit lies inside the figure's interval */
	BENCH_GOAL_VERDICTS
};

/* results.c: as a result file has them; each list ends with NULL. */
extern const char *const bench_goal_metrics[], *const bench_goal_verdicts[];

/* Strings are borrowed. */
struct bench_goal {
	const char *entry, *against; /* ids; against: what a ratio is to, else NULL */
	enum bench_goal_metric metric;
	enum bench_goal_verdict verdict;
	double value, limit;
	double low, high; /* a 95% interval of the value; NAN: it has none */
	const char *text; /* the limit as people say it */
};

struct bench_row;

/* Those that the rows can answer. cores: that ran the workers. ret: BENCH_GOALS_MAX. @return how many */
uint32_t bench_goals_answer(const struct bench_row *rows, uint32_t count, uint32_t cores, struct bench_goal *ret);
void bench_goals_report(FILE *to, const struct bench_goal *answered, uint32_t count, uint32_t cores);

/* More is better: the limit is the least, not the most. */
bool bench_goal_is_floor(enum bench_goal_metric metric);
/* A value with its unit. */
void bench_goal_text(enum bench_goal_metric metric, double value, char *buf, size_t size);

#endif
