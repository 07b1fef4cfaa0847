/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/sweep.c - the same work with more and more workers: what does each one add?
 *
 * Speed-up is the time on one worker over the time on n; efficiency is that over n. An item whose messages are
 * shorter than the way to another core cannot gain: there the aim is to lose nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

/* 1, 2, 3, 4, 6, 8, 12, 16, 24, ... and the last one. */
static uint32_t next_step(uint32_t n, uint32_t last)
{
	uint32_t power = 1, next;

	while (power * 2 <= n)
		power *= 2;
	next = n < 4 ? n + 1 : n == power ? n + n / 2 : 2 * power;
	return n < last && next > last ? last : next;
}

static uint32_t steps_of(uint32_t last)
{
	uint32_t steps = 0;

	for (uint32_t n = 1; n <= last; n = next_step(n, last))
		steps++;
	return steps;
}

static double median(const struct bench_outcome *out)
{
	return bench_stats_of(out->raw_ms, out->raw_count).median;
}

static void show(FILE *to, const char *id, uint32_t workers, const struct bench_outcome *out, double alone)
{
	char time[24];
	double m = median(out);

	if (out->error[0]) {
		fprintf(to, "  %-34s %7u  FAILED: %s\n", id, workers, out->error);
		return;
	}
	bench_time_text(m, time, sizeof(time));
	fprintf(to, "  %-34s %7u %11s %10.2f %10.0f %%%s\n", id, workers, time, alone / m, alone / m / workers * 100,
	        alone / m < 0.95 ? "  slower than one" : "");
}

int bench_sweep(const struct bench_options *opt, const struct bench_micro *const *items, uint32_t count, uint32_t cores)
{
	uint32_t steps = steps_of(cores), total = count * steps, row = 0, failed = 0;
	struct bench_outcome *outs = calloc(total + 1, sizeof(*outs));
	const char **ids = calloc(total + 1, sizeof(*ids)), **units = calloc(total + 1, sizeof(*units));
	char (*names)[64] = calloc(total + 1, sizeof(*names));
	int r = outs && ids && units && names ? 0 : -1;

	printf("  %-34s %7s %11s %10s %12s\n", "", "workers", "median", "speed-up", "efficiency");
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		double alone = 0;

		for (uint32_t n = 1; n <= cores; n = next_step(n, cores), row++) {
			struct bench_options one = *opt;

			one.workers = n;
			bench_child_run(&one, items[i]->id, &outs[row]);
			if (n == 1 && !outs[row].error[0])
				alone = median(&outs[row]);
			show(stdout, items[i]->id, n, &outs[row], alone);
			fflush(stdout);
			failed += outs[row].error[0] != '\0';
			snprintf(names[row], sizeof(names[row]), "%s@%u", items[i]->id, n);
			ids[row] = names[row];
			units[row] = items[i]->unit;
		}
	}
	if (r == 0 && opt->json_path) {
		r = bench_result_write(opt->json_path, opt->program, ids, units, outs, row);
		if (r < 0)
			fprintf(stderr, "weft bench: %s: %s\n", opt->json_path, weft_strerror(r));
		else
			printf("results: %s\n", opt->json_path);
	}
	for (uint32_t i = 0; outs && i < row; i++)
		bench_outcome_free(&outs[i]);
	free(outs);
	free(ids);
	free(units);
	free(names);
	return failed || r < 0;
}
