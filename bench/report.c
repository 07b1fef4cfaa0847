/* SPDX-License-Identifier: Apache-2.0 */
/* bench/report.c - the tables on the console: one a group, and a summary. */
#include <string.h>

#include "bench/bench.h"

void bench_time_text(double ms, char *buf, size_t size)
{
	if (ms >= 1000)
		snprintf(buf, size, "%.2f s", ms / 1e3);
	else if (ms >= 1)
		snprintf(buf, size, "%.2f ms", ms);
	else if (ms >= 1e-3)
		snprintf(buf, size, "%.2f us", ms * 1e3);
	else
		snprintf(buf, size, "%.1f ns", ms * 1e6);
}

static void rate_text(double per_second, char *buf, size_t size)
{
	if (per_second >= 1e6)
		snprintf(buf, size, "%.2f M/s", per_second / 1e6);
	else if (per_second >= 1e3)
		snprintf(buf, size, "%.1f k/s", per_second / 1e3);
	else
		snprintf(buf, size, "%.1f /s", per_second);
}

static void head(FILE *to, const char *group, bool micro)
{
	fprintf(to, "\n%s\n", group);
	fprintf(to, "  %-34s %11s %11s %11s %11s %12s %9s\n", "", "median", "min", "p95", "p99",
	        micro ? "rate" : "messages", "peak MB");
}

static void row(FILE *to, const struct bench_row *r)
{
	const struct bench_outcome *o = r->out;
	struct bench_stats s = bench_stats_of(o->raw_ms, o->raw_count);
	char median[24], min[24], p95[24], p99[24], rate[24];

	if (o->error[0]) {
		fprintf(to, "  %-34s FAILED: %s\n", r->id, o->error);
		return;
	}
	if (o->bytes > 0) {
		fprintf(to, "  %-34s %7.1f bytes\n", r->id, o->bytes);
		return;
	}
	bench_time_text(s.median, median, sizeof(median));
	bench_time_text(s.min, min, sizeof(min));
	bench_time_text(s.p95, p95, sizeof(p95));
	bench_time_text(s.p99, p99, sizeof(p99));
	rate_text(o->total_ms > 0 ? (double)o->messages * 1e3 / o->total_ms : 0, rate, sizeof(rate));
	fprintf(to, "  %-34s %11s %11s %11s %11s %12s %9.1f", r->id, median, min, p95, p99, rate, o->rss_peak_mb);
	if (o->recall >= 0)
		fprintf(to, "  recall %.4f of %u rows", o->recall, o->rows);
	if (o->ef)
		fprintf(to, "%s ef %u", o->recall >= 0 ? "," : " ", o->ef);
	if (o->lost >= 0)
		fprintf(to, ", %d lost", o->lost);
	fputc('\n', to);
}

static void summary(FILE *to, const struct bench_row *rows, uint32_t count, double seconds)
{
	uint32_t failed = 0, outliers = 0, samples = 0;

	for (uint32_t i = 0; i < count; i++) {
		failed += rows[i].out->error[0] != '\0';
		outliers += bench_stats_of(rows[i].out->raw_ms, rows[i].out->raw_count).outliers;
		samples += rows[i].out->raw_count;
	}
	fprintf(to, "\n%u of %u entries passed in %.1f s; %u of %u samples lie over 3 standard deviations\n",
	        count - failed, count, seconds, outliers, samples);
}

void bench_report(FILE *to, const struct bench_row *rows, uint32_t count, double seconds)
{
	for (uint32_t i = 0; i < count; i++) {
		bool seen = false;

		for (uint32_t j = 0; j < i; j++)
			seen |= !strcmp(rows[j].group, rows[i].group);
		if (seen)
			continue;
		head(to, rows[i].group, rows[i].unit != NULL);
		for (uint32_t j = i; j < count; j++) {
			if (!strcmp(rows[j].group, rows[i].group))
				row(to, &rows[j]);
		}
	}
	summary(to, rows, count, seconds);
}
