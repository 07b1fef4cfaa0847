/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#define ITERATIONS_DEFAULT 10u
#define WARMUP_DEFAULT 3u

void bench_counts(const struct bench_options *opt, uint32_t own_iterations, bool own_warmup_set, uint32_t own_warmup,
                  uint32_t *ret_iterations, uint32_t *ret_warmup)
{
	uint32_t iterations = own_iterations ? own_iterations : ITERATIONS_DEFAULT;
	uint32_t warmup = own_warmup_set ? own_warmup : WARMUP_DEFAULT;

	if (opt->quick) {
		iterations = iterations > 3 ? 3 : iterations;
		warmup = warmup > 1 ? 1 : warmup;
	}
	*ret_iterations = opt->iterations ? opt->iterations : iterations;
	*ret_warmup = opt->warmup_set ? opt->warmup : warmup;
}

void bench_outcome_begin(struct bench_outcome *out, uint32_t iterations, uint32_t warmup)
{
	*out = (struct bench_outcome){ .iterations = iterations, .warmup = warmup, .rounds = 1, .recall = -1, .lost = -1 };
	out->raw_ms = calloc(iterations ? iterations : 1, sizeof(*out->raw_ms));
	out->raw_round = calloc(iterations ? iterations : 1, sizeof(*out->raw_round));
	if (!out->raw_ms || !out->raw_round)
		bench_fail(out, "out of memory");
}

void bench_outcome_add(struct bench_outcome *out, double ms, uint64_t messages)
{
	if (out->raw_count < out->iterations && out->raw_ms)
		out->raw_ms[out->raw_count++] = ms;
	out->messages += messages;
}

int bench_fail(struct bench_outcome *out, const char *fmt, ...)
{
	va_list args;

	if (out->error[0])
		return -1; /* the first reason counts */
	va_start(args, fmt);
	vsnprintf(out->error, sizeof(out->error), fmt, args);
	va_end(args);
	return -1;
}

void bench_outcome_free(struct bench_outcome *out)
{
	free(out->raw_ms);
	free(out->raw_round);
	if (out->open_loop) {
		bench_histogram_free(&out->open_loop->from_intended);
		bench_histogram_free(&out->open_loop->from_sent);
	}
	free(out->open_loop);
	out->raw_ms = NULL;
	out->raw_round = NULL;
	out->open_loop = NULL;
}

static void *copy(const void *from, size_t size)
{
	void *to = from ? malloc(size ? size : 1) : NULL;

	return to ? memcpy(to, from, size) : NULL;
}

void bench_outcome_copy(struct bench_outcome *ret, const struct bench_outcome *from)
{
	*ret = *from;
	ret->raw_ms = copy(from->raw_ms, from->raw_count * sizeof(*ret->raw_ms));
	ret->raw_round = copy(from->raw_round, from->raw_count * sizeof(*ret->raw_round));
	ret->open_loop = NULL; /* no item of another suite has one */
	if (!ret->raw_ms || !ret->raw_round) {
		ret->raw_count = 0;
		bench_fail(ret, "out of memory");
	}
}

#define SEED 6u /* of the resampling: the same values, the same interval */

bool bench_outcome_interval(const struct bench_outcome *out, struct bench_interval *ret)
{
	return out->raw_count > 1 && bench_median_interval(out->raw_ms, out->raw_round, out->raw_count, 0.95, SEED, ret) == 0;
}

/* ---- rounds -------------------------------------------------------------------------- */

/* The times of `round` behind those of `into`, marked as its next round's. -1: out of memory, nothing changed. */
static int append_times(struct bench_outcome *into, const struct bench_outcome *round)
{
	size_t count = (size_t)into->raw_count + round->raw_count;
	double *ms = realloc(into->raw_ms, (count + 1) * sizeof(*ms));
	uint32_t *rounds;

	if (!ms)
		return -1;
	into->raw_ms = ms;
	rounds = realloc(into->raw_round, (count + 1) * sizeof(*rounds));
	if (!rounds)
		return -1;
	into->raw_round = rounds;
	for (uint32_t i = 0; i < round->raw_count; i++) {
		ms[into->raw_count] = round->raw_ms[i];
		rounds[into->raw_count++] = into->rounds;
	}
	return 0;
}

/* A round's mean counts as much as the iterations behind it. */
static double weighed(double a, uint32_t a_weight, double b, uint32_t b_weight)
{
	uint32_t sum = a_weight + b_weight;

	return sum ? (a * a_weight + b * b_weight) / sum : a;
}

static void merge_memory(struct bench_outcome *into, const struct bench_outcome *round)
{
	if (round->rss_peak_mb <= into->rss_peak_mb)
		return;
	into->rss_start_mb = round->rss_start_mb;
	into->rss_peak_mb = round->rss_peak_mb;
	into->rss_end_mb = round->rss_end_mb;
}

static void merge_searches(struct bench_outcome *into, const struct bench_outcome *round)
{
	into->recall = weighed(into->recall, into->iterations, round->recall, round->iterations);
	into->bytes = weighed(into->bytes, into->iterations, round->bytes, round->iterations);
	into->ef = round->ef > into->ef ? round->ef : into->ef;
	into->lost = round->lost > into->lost ? round->lost : into->lost;
}

static int merge_open_loop(struct bench_outcome *into, struct bench_outcome *round)
{
	struct bench_open_loop *a = into->open_loop, *b = round->open_loop;

	if (!b)
		return 0;
	if (!a) {
		into->open_loop = b;
		round->open_loop = NULL;
		return 0;
	}
	a->offered_per_s = weighed(a->offered_per_s, into->rounds, b->offered_per_s, 1);
	a->intended += b->intended;
	a->done += b->done;
	a->late += b->late;
	if (bench_histogram_merge(&a->from_intended, &b->from_intended) < 0)
		return -1;
	return bench_histogram_merge(&a->from_sent, &b->from_sent);
}

void bench_outcome_merge(struct bench_outcome *into, struct bench_outcome *round)
{
	double wall_s = into->wall_s + round->wall_s;

	if (!into->rounds) {
		*into = *round;
		into->rounds = 1;
		*round = (struct bench_outcome){ 0 };
		return;
	}
	if (append_times(into, round) < 0 || merge_open_loop(into, round) < 0)
		bench_fail(into, "out of memory");
	merge_searches(into, round);
	merge_memory(into, round);
	into->iterations += round->iterations;
	into->messages += round->messages;
	into->total_ms += round->total_ms;
	into->cpu_ms += round->cpu_ms;
	for (int i = 0; i < BENCH_PIPELINE_COUNT; i++) {
		into->stage_ms[i] += round->stage_ms[i];
		into->stage_runs[i] += round->stage_runs[i];
	}
	into->wall_s = wall_s;
	into->rounds++;
	if (round->error[0])
		bench_fail(into, "%s", round->error);
	bench_outcome_free(round);
	*round = (struct bench_outcome){ 0 };
}
