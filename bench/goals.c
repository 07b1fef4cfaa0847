/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/goals.c - what the figures should come to, beside what they came to.
 *
 * Goals were set on two virtual cores of a shared machine. A missed one is shown, and fails nothing: noise would fail it
 * too. Where the figure has an interval, a limit inside it is neither reached nor missed.
 */
#include "bench/goals.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "bench/bench.h"

#define SEED 7u /* of the resampling */

static const struct goal {
	const char *id, *other;
	enum bench_goal_metric metric;
	double limit;
	const char *text;
} goals[] = {
	{ "single-message", NULL, BENCH_GOAL_MEDIAN, 10e-3, "at most 10 us" },
	{ "single-message", NULL, BENCH_GOAL_PEAK, 12, "at most 12 MB resident" },
	{ "burst-1000", NULL, BENCH_GOAL_PER_CPU, 100e3, "at least 100 k messages/s a core" },
	{ "history-scaling-10000", "history-scaling-100", BENCH_GOAL_RATIO, 1.15, "at most 1.15 x a history of 100" },
	{ "provider-scaling-100", "provider-scaling-10", BENCH_GOAL_RATIO, 3, "at most 3 x ten providers" },
	{ "concurrent-10000", NULL, BENCH_GOAL_PEAK, 100, "at most 100 MB resident" },
	{ "startup-cold", NULL, BENCH_GOAL_MEDIAN, 2, "at most 2 ms" },
	{ "agents-per-second", NULL, BENCH_GOAL_PER_CORE, 500e3, "at least 500 k agents/s a core" },
	{ "agent-no-tools", NULL, BENCH_GOAL_MEDIAN, 0.5e-3, "at most 500 ns" },
	{ "agent-1-tool", NULL, BENCH_GOAL_MEDIAN, 1e-3, "at most 1 us" },
	{ "agent-3-tools", NULL, BENCH_GOAL_MEDIAN, 2e-3, "at most 2 us" },
	{ "tool-dispatch", NULL, BENCH_GOAL_MEDIAN, 60e-6, "at most 60 ns" },
	{ "loop-detection", NULL, BENCH_GOAL_MEDIAN, 0.5e-3, "at most 500 ns" },
	{ "event-1-subscriber", NULL, BENCH_GOAL_MEDIAN, 100e-6, "at most 100 ns" },
	{ "histogram-record", NULL, BENCH_GOAL_MEDIAN, 5e-6, "at most 5 ns" },
	{ "concurrent-agents-50", NULL, BENCH_GOAL_MEDIAN, 20e-3, "at most 20 us" },
	{ "actors-ping-pong", NULL, BENCH_GOAL_MEDIAN, 60e-6, "at most 60 ns" },
	{ "actors-many-to-one", NULL, BENCH_GOAL_RATE, 25e6, "at least 25 M/s" },
	{ "actors-many-to-one", NULL, BENCH_GOAL_PEAK, 16, "at most 16 MB resident" },
	{ "actors-ring", NULL, BENCH_GOAL_MEDIAN, 35e-6, "at most 35 ns" },
	{ "actors-spawn", NULL, BENCH_GOAL_PEAK, 250, "at most 250 MB resident" },
	{ "actors-idle-bytes", NULL, BENCH_GOAL_BYTES, 256, "at most 256 bytes" },
	{ "actors-skynet", NULL, BENCH_GOAL_MEDIAN, 45, "at most 45 ms" },
	{ "actors-tasks-1", NULL, BENCH_GOAL_MEDIAN, 1e-3, "at most 1 us" },
	{ "actors-tasks-50", NULL, BENCH_GOAL_MEDIAN, 9e-3, "at most 9 us" },
	{ "actors-tasks-foreign-50", NULL, BENCH_GOAL_MEDIAN, 15e-3, "at most 15 us" },
	{ "actors-open-loop", NULL, BENCH_GOAL_MEDIAN, 20e-3, "at most 20 us" },
	{ "actors-broadcast-4", NULL, BENCH_GOAL_MEDIAN, 20e-6, "at most 20 ns" },
	{ "memory-history-read-100000", "memory-history-read-100", BENCH_GOAL_RATIO, 1.15, "at most 1.15 x a history of 100" },
	{ "memory-history-range-100000", "memory-history-range-100", BENCH_GOAL_RATIO, 1.5, "at most 1.5 x a history of 100" },
	{ "memory-log-group", "memory-log-group-bare", BENCH_GOAL_RATIO, 1.25, "at most 1.25 x bare writes" },
	{ "memory-store-search-1000x768", NULL, BENCH_GOAL_MEDIAN, 25e-3, "at most 25 us" },
	{ "memory-store-search-1000x768", NULL, BENCH_GOAL_RECALL, 0.999, "at least .999" },
	{ "memory-store-search-10000x384", NULL, BENCH_GOAL_MEDIAN, 180e-3, "at most 180 us" },
	{ "memory-store-search-10000x384", NULL, BENCH_GOAL_RECALL, 0.999, "at least .999" },
	{ "memory-exact-1000x768", NULL, BENCH_GOAL_MEDIAN, 25e-3, "at most 25 us" },
	{ "memory-exact-1000x768", NULL, BENCH_GOAL_RECALL, 0.999, "at least .999" },
	{ "memory-exact-10000x384", NULL, BENCH_GOAL_MEDIAN, 180e-3, "at most 180 us" },
	{ "memory-exact-10000x384", NULL, BENCH_GOAL_RECALL, 0.999, "at least .999" },
	{ "memory-notes384-bytes", NULL, BENCH_GOAL_BYTES, 2150, "at most 1.4 x the floats" },
	{ "memory-notes384-codes", NULL, BENCH_GOAL_BYTES, 768, "at most 1.5 x codes and links" },
	{ "memory-notes384-open", NULL, BENCH_GOAL_MEDIAN, 1, "at most 1 ms" },
	{ "memory-filter-1", NULL, BENCH_GOAL_RATE, 30e3, "at least 30 k/s" },
	{ "memory-filter-1", NULL, BENCH_GOAL_RECALL, 0.9999, "at least .9999" },
	{ "memory-replace", "memory-notes384-build", BENCH_GOAL_RATIO, 1.5, "at most 1.5 x a row put in" },
	{ "memory-repeated", NULL, BENCH_GOAL_RECALL, 0.99, "at least .99" },
	{ "memory-mixed", "memory-mixed-alone", BENCH_GOAL_RATIO_P99, 1.5, "p99 at most 1.5 x without a writer" },
};

#define GOALS (sizeof(goals) / sizeof(goals[0]))
static_assert(GOALS <= BENCH_GOALS_MAX, "room for every goal");

bool bench_goal_is_floor(enum bench_goal_metric metric)
{
	return metric == BENCH_GOAL_RATE || metric == BENCH_GOAL_PER_CORE || metric == BENCH_GOAL_PER_CPU ||
	       metric == BENCH_GOAL_RECALL;
}

void bench_goal_text(enum bench_goal_metric metric, double value, char *buf, size_t size)
{
	switch (metric) {
	case BENCH_GOAL_MEDIAN:
		bench_time_text(value, buf, size);
		break;
	case BENCH_GOAL_PEAK:
		snprintf(buf, size, "%.1f MB", value);
		break;
	case BENCH_GOAL_RATIO:
	case BENCH_GOAL_RATIO_P99:
		snprintf(buf, size, "%.2f x", value);
		break;
	case BENCH_GOAL_BYTES:
		snprintf(buf, size, "%.0f bytes", value);
		break;
	case BENCH_GOAL_RATE:
	case BENCH_GOAL_PER_CORE:
	case BENCH_GOAL_PER_CPU:
		if (value >= 1e6)
			snprintf(buf, size, "%.2f M/s", value / 1e6);
		else
			snprintf(buf, size, "%.0f k/s", value / 1e3);
		break;
	case BENCH_GOAL_RECALL:
	case BENCH_GOAL_METRICS:
		snprintf(buf, size, "%.4f", value);
		break;
	}
}

/* ---- an answer ----------------------------------------------------------------------------- */

/* What is weighed has bytes, all else has times. */
static const struct bench_outcome *find(const struct bench_row *rows, uint32_t count, const char *id, bool weighed)
{
	for (uint32_t i = 0; id && i < count; i++) {
		const struct bench_outcome *out = rows[i].out;

		if (!strcmp(rows[i].id, id) && !out->error[0] && (weighed ? out->bytes > 0 : out->raw_count > 0))
			return out;
	}
	return NULL;
}

static struct bench_stats stats(const struct bench_outcome *out)
{
	return bench_stats_of(out->raw_ms, out->raw_count);
}

static double value_of(const struct goal *g, const struct bench_outcome *out, const struct bench_outcome *other,
                       uint32_t cores)
{
	switch (g->metric) {
	case BENCH_GOAL_MEDIAN:
		return stats(out).median;
	case BENCH_GOAL_RATE:
		return 1e3 / stats(out).median;
	case BENCH_GOAL_PEAK:
		return out->rss_peak_mb;
	case BENCH_GOAL_RATIO:
		return stats(out).median / stats(other).median;
	case BENCH_GOAL_RATIO_P99:
		return stats(out).p99 / stats(other).p99;
	case BENCH_GOAL_BYTES:
		return out->bytes;
	case BENCH_GOAL_PER_CORE:
		return (double)out->messages * 1e3 / out->total_ms / cores;
	case BENCH_GOAL_PER_CPU:
		return (double)out->messages * 1e3 / out->cpu_ms;
	case BENCH_GOAL_RECALL:
	case BENCH_GOAL_METRICS:
		break;
	}
	return out->recall;
}

static struct bench_sample sample(const struct bench_outcome *out)
{
	return (struct bench_sample){ out->raw_ms, out->raw_round, out->raw_count };
}

/* Medians and their ratios have one; false for all others, and for a single value. */
static bool interval_of(const struct goal *g, const struct bench_outcome *out, const struct bench_outcome *other,
                        struct bench_interval *ret)
{
	struct bench_sample a, b = sample(out);

	switch (g->metric) {
	case BENCH_GOAL_MEDIAN:
		return bench_outcome_interval(out, ret);
	case BENCH_GOAL_RATE:
		if (!bench_outcome_interval(out, ret) || ret->low <= 0)
			return false;
		*ret = (struct bench_interval){ 1e3 / ret->high, 1e3 / ret->low };
		return true;
	case BENCH_GOAL_RATIO:
		a = sample(other);
		return bench_ratio_interval(&a, &b, 0.95, SEED, ret) == 0;
	default:
		return false;
	}
}

static bool is_good(const struct goal *g, double value)
{
	return bench_goal_is_floor(g->metric) ? value >= g->limit : value <= g->limit;
}

static struct bench_goal answer(const struct goal *g, const struct bench_outcome *out, const struct bench_outcome *other,
                                uint32_t cores)
{
	struct bench_goal a = { .entry = g->id, .against = g->other, .metric = g->metric, .limit = g->limit, .text = g->text };
	struct bench_interval ci = { NAN, NAN };

	a.value = value_of(g, out, other, cores);
	a.verdict = is_good(g, a.value) ? BENCH_GOAL_REACHED : BENCH_GOAL_MISSED;
	if (interval_of(g, out, other, &ci) && is_good(g, ci.low) != is_good(g, ci.high))
		a.verdict = BENCH_GOAL_NOISE;
	a.low = fmax(ci.low, 0);
	a.high = ci.high;
	return a;
}

uint32_t bench_goals_answer(const struct bench_row *rows, uint32_t count, uint32_t cores, struct bench_goal *ret)
{
	uint32_t answered = 0;

	for (size_t i = 0; i < GOALS; i++) {
		const struct goal *g = &goals[i];
		const struct bench_outcome *out = find(rows, count, g->id, g->metric == BENCH_GOAL_BYTES);
		const struct bench_outcome *other = find(rows, count, g->other, false);

		if (!out || (g->other && !other))
			continue;
		ret[answered] = answer(g, out, other, cores);
		answered += isfinite(ret[answered].value) != 0;
	}
	return answered;
}

/* ---- on the console --------------------------------------------------------------------------- */

void bench_goals_report(FILE *to, const struct bench_goal *answered, uint32_t count, uint32_t cores)
{
	uint32_t of[BENCH_GOAL_VERDICTS] = { 0 };
	char text[32];

	if (!count)
		return;
	fputs("\ngoals\n", to);
	for (uint32_t i = 0; i < count; i++) {
		const struct bench_goal *a = &answered[i];

		of[a->verdict]++;
		bench_goal_text(a->metric, a->value, text, sizeof(text));
		fprintf(to, "  %-34s %11s  %-8s %s\n", a->entry, text, bench_goal_verdicts[a->verdict], a->text);
	}
	fprintf(to, "  %u of %u reached, %u missed, on %u %s", of[BENCH_GOAL_REACHED], count, of[BENCH_GOAL_MISSED], cores,
	        cores == 1 ? "worker" : "workers");
	if (of[BENCH_GOAL_NOISE])
		fprintf(to, "; %u noise: the limit is inside the 95%% interval", of[BENCH_GOAL_NOISE]);
	fputc('\n', to);
}
