/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

#define BAR 24u

/* A bar is drawn over itself: not into a file, nor where the terminal cannot or should not. */
static bool is_terminal(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(2) && !getenv("CI") && !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
}

void bench_progress_begin(struct bench_progress *p)
{
	*p = (struct bench_progress){ .terminal = is_terminal(), .rounds = 1 };
}

void bench_progress_round(struct bench_progress *p, uint32_t round, uint32_t rounds)
{
	p->round = round;
	p->rounds = rounds;
	if (!p->terminal && rounds > 1)
		fprintf(stderr, "round %u of %u\n", round + 1, rounds);
}

void bench_progress_time(double seconds, char *buf, size_t size)
{
	uint64_t s = seconds > 0 ? (uint64_t)ceil(seconds) : 0;

	if (s >= 3600)
		snprintf(buf, size, "%u:%02u:%02u", (unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		snprintf(buf, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

void bench_progress_item(struct bench_progress *p, const char *id, uint32_t done, uint32_t count, double left_s)
{
	uint32_t full = count ? (uint32_t)(((uint64_t)p->round * count + done) * BAR / ((uint64_t)p->rounds * count)) : 0;
	char bar[BAR + 1], left[24] = "";

	if (!p->terminal)
		return;
	memset(bar, '-', BAR);
	memset(bar, '#', full > BAR ? BAR : full);
	bar[BAR] = '\0';
	if (left_s >= 0)
		bench_progress_time(left_s, left, sizeof(left));
	fprintf(stderr, "\r\033[K[%s] ", bar);
	if (p->rounds > 1)
		fprintf(stderr, "round %u/%u, ", p->round + 1, p->rounds);
	fprintf(stderr, "%u/%u %s%s%s", done + 1, count, left, left[0] ? " left  " : "", id);
	fflush(stderr);
}

void bench_progress_line(struct bench_progress *p, const char *id, const struct bench_outcome *out)
{
	char figure[32];

	if (p->terminal)
		return;
	if (out->error[0]) {
		fprintf(stderr, "%-34s FAILED: %s\n", id, out->error);
		return;
	}
	if (out->bytes > 0)
		snprintf(figure, sizeof(figure), "%.1f bytes", out->bytes);
	else if (!bench_published_text(id, out, figure, sizeof(figure)))
		bench_time_text(bench_stats_of(out->raw_ms, out->raw_count).median, figure, sizeof(figure));
	fprintf(stderr, "%-34s %s\n", id, figure);
}

void bench_progress_end(struct bench_progress *p)
{
	if (p->terminal)
		fprintf(stderr, "\r\033[K");
	fflush(stderr);
}
