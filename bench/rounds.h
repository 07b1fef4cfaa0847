/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/rounds.h - every entry once a round, round after round, so that a slow minute of the machine meets all of them.
 *
 * A round of an entry is a process of its own: its memory lies elsewhere each time, which moves short times more than
 * anything inside one process does. The iterations of an entry are shared out among its rounds; one that has fewer
 * iterations than there are rounds runs in the first ones only.
 *
 * Under a budget of time the entries that cost most are left out of later rounds until the rest fits; as many as can have
 * three rounds before any has more. How many each had is in its outcome.
 */
#ifndef WEFT_BENCH_ROUNDS_H
#define WEFT_BENCH_ROUNDS_H

#include "bench/bench.h"

struct bench_item {
	const char *id;      /* as people see it */
	const char *child;   /* what a child is asked to run */
	uint32_t workers;    /* 0: as many as were asked for */
	uint32_t iterations; /* in all rounds together; 0: it is not run at all */
	uint32_t warmup;     /* in each */
	bool by_itself;      /* it shares its work out by opt->rounds, no matter how many iterations */
	double expected_s;   /* what a round took in an earlier run; 0: not known */
};

/* As many as were asked for, or the default. */
uint32_t bench_rounds_of(const struct bench_options *opt);

/* Of `iterations` in `rounds`, those of round `round`. */
uint32_t bench_rounds_share(uint32_t iterations, uint32_t rounds, uint32_t round);

/*
 * Which items go on: keeps[i] becomes false for the dearest until those left, each costing cost_s[i], take at most
 * left_s. Items with keeps[i] false at the start stay out. @return how many were left out now, or -ENOMEM
 */
int bench_rounds_afford(const double *cost_s, uint32_t count, double left_s, bool *keeps);

/* Run them all: outs[i] becomes what item i measured. @return 0 or -ENOMEM */
int bench_rounds_run(const struct bench_options *opt, const struct bench_item *items, uint32_t count, struct bench_outcome *outs);

/* ret[i]: what a round of item i took in the run that wrote this file; stays 0 where it says nothing. */
void bench_rounds_expect(const char *path, struct bench_item *items, uint32_t count);

#endif
