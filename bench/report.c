/* SPDX-License-Identifier: Apache-2.0 */
/* bench/report.c - the tables on the console: one a group, and a summary. */
#include <string.h>

#include "bench/bench.h"
#include "bench/progress.h"

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

static int digits_of(double value)
{
	return value >= 1000 ? 0 : value >= 100 ? 1 : 2;
}

/* Both ends in the unit of the median, which stands beside them; in parentheses when all is from one process. */
static void interval_text(const struct bench_outcome *o, double median, char *buf, size_t size)
{
	double scale = median >= 1000 ? 1e-3 : median >= 1 ? 1 : median >= 1e-3 ? 1e3 : 1e6;
	struct bench_interval ci;

	buf[0] = '\0';
	if (bench_outcome_interval(o, &ci)) {
		double low = ci.low * scale, high = ci.high * scale;

		if (high >= 1e5) /* of few values: how many digits it has is all that it says */
			snprintf(buf, size, o->rounds > 1 ? "%.*f..%.0e" : "(%.*f..%.0e)", digits_of(low), low, high);
		else
			snprintf(buf, size, o->rounds > 1 ? "%.*f..%.*f" : "(%.*f..%.*f)", digits_of(low), low, digits_of(high), high);
	}
}

/* ids: columns that they need; the whole stays within 100 for ids of 32 */
static void head(FILE *to, const char *group, int ids, bool micro)
{
	fprintf(to, "\n%s\n", group);
	fprintf(to, "  %-*s %9s %15s %9s %9s %10s %7s\n", ids, "", "median", "95% of it", "p95", "p99", micro ? "rate" : "messages",
	        "peak MB");
}

static void row(FILE *to, int ids, const struct bench_row *r)
{
	const struct bench_outcome *o = r->out;
	struct bench_stats s = bench_stats_of(o->raw_ms, o->raw_count);
	char median[24], interval[48], p95[24], p99[24], rate[24];

	if (o->error[0]) {
		fprintf(to, "  %-*s FAILED: %s\n", ids, r->id, o->error);
		return;
	}
	if (o->bytes > 0) {
		fprintf(to, "  %-*s %.1f bytes\n", ids, r->id, o->bytes);
		return;
	}
	bench_time_text(s.median, median, sizeof(median));
	interval_text(o, s.median, interval, sizeof(interval));
	bench_time_text(s.p95, p95, sizeof(p95));
	bench_time_text(s.p99, p99, sizeof(p99));
	rate_text(o->total_ms > 0 ? (double)o->messages * 1e3 / o->total_ms : 0, rate, sizeof(rate));
	fprintf(to, "  %-*s %9s %15s %9s %9s %10s %7.1f\n", ids, r->id, median, interval, p95, p99, rate, o->rss_peak_mb);
	if (o->recall >= 0)
		fprintf(to, "      recall %.4f of %u rows", o->recall, o->rows);
	if (o->ef)
		fprintf(to, "%s ef %u", o->recall >= 0 ? "," : "     ", o->ef);
	if (o->lost >= 0)
		fprintf(to, "%s %d lost", o->recall >= 0 || o->ef ? "," : "     ", o->lost);
	if (o->recall >= 0 || o->ef || o->lost >= 0)
		fputc('\n', to);
}

static void summary(FILE *to, const struct bench_result *result)
{
	uint32_t failed = 0, outliers = 0, samples = 0, fewer = 0;
	char wall[24];

	for (uint32_t i = 0; i < result->count; i++) {
		const struct bench_outcome *o = result->rows[i].out;

		failed += o->error[0] != '\0';
		outliers += bench_stats_of(o->raw_ms, o->raw_count).outliers;
		samples += o->raw_count;
		fewer += o->rounds < result->rounds;
	}
	if (result->wall_s < 100)
		snprintf(wall, sizeof(wall), "%.1f s", result->wall_s);
	else
		bench_progress_time(result->wall_s, wall, sizeof(wall));
	fprintf(to, "\n%u of %u entries passed in %s; %u of %u samples lie far from their median\n", result->count - failed,
	        result->count, wall, outliers, samples);
	if (result->rounds > 1 && fewer)
		fprintf(to, "%u rounds, %u entries had fewer; an interval in parentheses is of one process\n", result->rounds, fewer);
	else if (result->rounds > 1)
		fprintf(to, "%u rounds, each entry in a process of its own in each\n", result->rounds);
}

/* What was swept has a table of its own. */
static bool is_in(const struct bench_row *r, const char *group)
{
	return !r->base && !strcmp(r->group, group);
}

void bench_report(FILE *to, const struct bench_result *result)
{
	const struct bench_row *rows = result->rows;
	uint32_t count = result->count;

	for (uint32_t i = 0; i < count; i++) {
		bool seen = false;
		int ids = 20;

		for (uint32_t j = 0; j < i; j++)
			seen |= is_in(&rows[j], rows[i].group);
		if (seen || rows[i].base)
			continue;
		for (uint32_t j = i; j < count; j++) {
			int length = (int)strlen(rows[j].id);

			ids = is_in(&rows[j], rows[i].group) && length > ids ? length : ids;
		}
		head(to, rows[i].group, ids, rows[i].unit != NULL);
		for (uint32_t j = i; j < count; j++) {
			if (is_in(&rows[j], rows[i].group))
				row(to, ids, &rows[j]);
		}
	}
	summary(to, result);
}
