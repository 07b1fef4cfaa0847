/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/sweep.c - the same work with more and more workers: what does each one add?
 *
 * Speed-up is the time on one worker over the time on n; efficiency is that over n. An item whose messages are
 * shorter than the way to another core cannot gain: there the aim is to lose nothing.
 */
#include <string.h>

#include "bench/bench.h"

uint32_t bench_sweep_next(uint32_t n, uint32_t last)
{
	uint32_t power = 1, next;

	while (power * 2 <= n)
		power *= 2;
	next = n < 4 ? n + 1 : n == power ? n + n / 2 : 2 * power;
	return n < last && next > last ? last : next;
}

static double median(const struct bench_outcome *out)
{
	return bench_stats_of(out->raw_ms, out->raw_count).median;
}

/* What a unit of work takes of the whole: a second of n workers does n times as much when they scale. */
static void show(FILE *to, const struct bench_row *row, double alone)
{
	char time[24];
	double m = median(row->out);

	if (row->out->error[0]) {
		fprintf(to, "  %-34s %7u  FAILED: %s\n", row->base, row->workers, row->out->error);
		return;
	}
	bench_time_text(m, time, sizeof(time));
	fprintf(to, "  %-34s %7u %11s", row->base, row->workers, time);
	if (alone > 0)
		fprintf(to, " %10.2f %11.0f%%%s", alone / m, alone / m / row->workers * 100, alone / m < 0.95 ? "  slower than one" : "");
	fputc('\n', to);
}

static double alone_of(const struct bench_row *rows, uint32_t count, const char *base)
{
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].base && rows[i].workers == 1 && !strcmp(rows[i].base, base))
			return rows[i].out->error[0] ? 0 : median(rows[i].out);
	}
	return 0;
}

void bench_sweep_report(FILE *to, const struct bench_row *rows, uint32_t count)
{
	bool seen = false;

	for (uint32_t i = 0; i < count; i++) {
		if (!rows[i].base)
			continue;
		if (!seen)
			fprintf(to, "\nsweep\n  %-34s %7s %11s %10s %12s\n", "", "workers", "median", "speed-up", "efficiency");
		seen = true;
		show(to, &rows[i], alone_of(rows, count, rows[i].base));
	}
}
