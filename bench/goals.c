/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/goals.c - what the figures should come to, beside what they came to.
 *
 * Goals were set on two virtual cores of a shared machine. A missed one is shown, and
 * fails nothing: noise would fail it too.
 */
#include <string.h>

#include "bench/bench.h"

enum measure {
	MEDIAN,    /* of an iteration, in ms */
	PEAK,      /* resident MB */
	RATIO,     /* of medians, to the other entry's */
	RATIO_P99, /* the same of the slowest hundredth */
	BYTES,     /* an actor */
	PER_CORE,  /* a second, over the cores that ran it: for what keeps all of them busy */
	PER_CPU,   /* a second of processor time: for what is served in order */
	RECALL     /* the share of right answers */
};

static const struct goal {
	const char *id, *other;
	enum measure measure;
	double limit;
	const char *text;
} goals[] = {
	{ "single-message", NULL, MEDIAN, 10e-3, "at most 10 us" },
	{ "single-message", NULL, PEAK, 12, "at most 12 MB resident" },
	{ "burst-1000", NULL, PER_CPU, 100e3, "at least 100 k messages/s a core" },
	{ "history-scaling-10000", "history-scaling-100", RATIO, 1.15, "at most 1.15 x a history of 100" },
	{ "provider-scaling-100", "provider-scaling-10", RATIO, 3, "at most 3 x ten providers" },
	{ "concurrent-10000", NULL, PEAK, 100, "at most 100 MB resident" },
	{ "startup-cold", NULL, MEDIAN, 2, "at most 2 ms" },
	{ "agents-per-second", NULL, PER_CORE, 500e3, "at least 500 k agents/s a core" },
	{ "agent-no-tools", NULL, MEDIAN, 0.5e-3, "at most 500 ns" },
	{ "agent-1-tool", NULL, MEDIAN, 1e-3, "at most 1 us" },
	{ "agent-3-tools", NULL, MEDIAN, 2e-3, "at most 2 us" },
	{ "tool-dispatch", NULL, MEDIAN, 60e-6, "at most 60 ns" },
	{ "loop-detection", NULL, MEDIAN, 0.5e-3, "at most 500 ns" },
	{ "event-1-subscriber", NULL, MEDIAN, 100e-6, "at most 100 ns" },
	{ "histogram-record", NULL, MEDIAN, 5e-6, "at most 5 ns" },
	{ "concurrent-agents-50", NULL, MEDIAN, 20e-3, "at most 20 us" },
	{ "actors-ping-pong", NULL, MEDIAN, 60e-6, "at most 60 ns" },
	{ "actors-many-to-one", NULL, MEDIAN, 40e-6, "at least 25 M/s" },
	{ "actors-many-to-one", NULL, PEAK, 16, "at most 16 MB resident" },
	{ "actors-ring", NULL, MEDIAN, 35e-6, "at most 35 ns" },
	{ "actors-spawn", NULL, PEAK, 250, "at most 250 MB resident" },
	{ "actors-idle-bytes", NULL, BYTES, 256, "at most 256 bytes" },
	{ "actors-skynet", NULL, MEDIAN, 45, "at most 45 ms" },
	{ "actors-tasks-1", NULL, MEDIAN, 1e-3, "at most 1 us" },
	{ "actors-tasks-50", NULL, MEDIAN, 9e-3, "at most 9 us" },
	{ "actors-tasks-foreign-50", NULL, MEDIAN, 15e-3, "at most 15 us" },
	{ "actors-open-loop", NULL, MEDIAN, 20e-3, "at most 20 us" },
	{ "actors-broadcast-4", NULL, MEDIAN, 20e-6, "at most 20 ns" },
	{ "memory-history-read-100000", "memory-history-read-100", RATIO, 1.15, "at most 1.15 x a history of 100" },
	{ "memory-history-range-100000", "memory-history-range-100", RATIO, 1.5, "at most 1.5 x a history of 100" },
	{ "memory-log-group", "memory-log-group-bare", RATIO, 1.25, "at most 1.25 x bare writes" },
	{ "memory-store-search-1000x768", NULL, MEDIAN, 25e-3, "at most 25 us" },
	{ "memory-store-search-1000x768", NULL, RECALL, 0.999, "at least .999" },
	{ "memory-store-search-10000x384", NULL, MEDIAN, 180e-3, "at most 180 us" },
	{ "memory-store-search-10000x384", NULL, RECALL, 0.999, "at least .999" },
	{ "memory-exact-1000x768", NULL, MEDIAN, 25e-3, "at most 25 us" },
	{ "memory-exact-1000x768", NULL, RECALL, 0.999, "at least .999" },
	{ "memory-exact-10000x384", NULL, MEDIAN, 180e-3, "at most 180 us" },
	{ "memory-exact-10000x384", NULL, RECALL, 0.999, "at least .999" },
	{ "memory-notes384-bytes", NULL, BYTES, 2150, "at most 1.4 x the floats" },
	{ "memory-notes384-codes", NULL, BYTES, 768, "at most 1.5 x codes and links" },
	{ "memory-notes384-open", NULL, MEDIAN, 1, "at most 1 ms" },
	{ "memory-filter-1", NULL, MEDIAN, 1e3 / 30000, "at least 30 k/s" },
	{ "memory-filter-1", NULL, RECALL, 0.9999, "1" },
	{ "memory-replace", "memory-notes384-build", RATIO, 1.5, "at most 1.5 x a row put in" },
	{ "memory-repeated", NULL, RECALL, 0.99, "at least .99" },
	{ "memory-mixed", "memory-mixed-alone", RATIO_P99, 1.5, "p99 at most 1.5 x without a writer" },
};

static const struct bench_outcome *find(const struct bench_row *rows, uint32_t count, const char *id)
{
	for (uint32_t i = 0; id && i < count; i++) {
		if (!strcmp(rows[i].id, id) && !rows[i].out->error[0] && rows[i].out->raw_count)
			return rows[i].out;
	}
	return NULL;
}

static double median(const struct bench_outcome *out)
{
	return bench_stats_of(out->raw_ms, out->raw_count).median;
}

static double value_of(const struct goal *g, const struct bench_outcome *out, const struct bench_outcome *other,
                       uint32_t cores, char *text, size_t size)
{
	double v = 0;

	switch (g->measure) {
	case MEDIAN:
		v = median(out);
		bench_time_text(v, text, size);
		break;
	case PEAK:
		v = out->rss_peak_mb;
		snprintf(text, size, "%.1f MB", v);
		break;
	case RATIO:
		v = median(out) / median(other);
		snprintf(text, size, "%.2f x", v);
		break;
	case RATIO_P99:
		v = bench_stats_of(out->raw_ms, out->raw_count).p99 / bench_stats_of(other->raw_ms, other->raw_count).p99;
		snprintf(text, size, "%.2f x", v);
		break;
	case BYTES:
		v = out->bytes;
		snprintf(text, size, "%.0f bytes", v);
		break;
	case PER_CORE:
		v = (double)out->messages * 1e3 / out->total_ms / cores;
		snprintf(text, size, "%.0f k/s", v / 1e3);
		break;
	case PER_CPU:
		v = (double)out->messages * 1e3 / out->cpu_ms;
		snprintf(text, size, "%.0f k/s", v / 1e3);
		break;
	case RECALL:
		v = out->recall;
		snprintf(text, size, "%.4f", v);
		break;
	}
	return v;
}

void bench_goals(FILE *to, const struct bench_row *rows, uint32_t count, uint32_t cores)
{
	uint32_t shown = 0, reached = 0;
	char text[32];

	for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
		const struct goal *g = &goals[i];
		const struct bench_outcome *out = find(rows, count, g->id), *other = find(rows, count, g->other);
		bool good;
		double v;

		if (!out || ((g->measure == RATIO || g->measure == RATIO_P99) && !other))
			continue;
		v = value_of(g, out, other, cores, text, sizeof(text));
		good = g->measure == PER_CORE || g->measure == PER_CPU || g->measure == RECALL ? v >= g->limit : v <= g->limit;
		if (!shown++)
			fputs("\ngoals\n", to);
		reached += good;
		fprintf(to, "  %-34s %11s  %-8s %s\n", g->id, text, good ? "reached:" : "missed:", g->text);
	}
	if (shown)
		fprintf(to, "  %u of %u reached, on %u %s\n", reached, shown, cores, cores == 1 ? "worker" : "workers");
}
