/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/seeds/published.c - the figures that the systems weft descends from have published, and how ours compare.
 *
 * A range is kept as a range. All of them were measured on other machines than this one, and some of them on other
 * work than their name says: a ratio of 2 either way may be the machine. What an item here does, list.c says.
 */
#include "bench/seeds/seeds.h"

#include <string.h>

#include "bench/put.h"

#define NS(n) ((n) * 1e-6)
#define US(n) ((n) * 1e-3)
#define MS(n) ((double)(n))

#define TIME(id_, low_, high_, what_)                                                                                  \
	{ .id = "seeds-" id_, .metric = SEEDS_MEDIAN, .low = (low_), .high = (high_), .other_hardware = true, .what = (what_) }
#define FIGURE(id_, metric_, value, what_)                                                                             \
	{ .id = "seeds-" id_, .metric = (metric_), .low = (value), .high = (value), .other_hardware = true, .what = (what_) }

const struct seeds_published seeds_published[] = {
	TIME("agent-no-tools", US(2.37), US(2.37), "agent without tools"),
	TIME("agent-1-tool", US(19.38), US(19.38), "agent with one tool"),
	TIME("agent-3-tools", US(44.33), US(44.33), "agent with three tools"),
	TIME("tool-overhead", US(0.462), US(0.462), "overhead of a tool"),
	TIME("event", US(1.07), US(1.07), "event emitted"),
	TIME("concurrent-1", US(12.88), US(12.88), "one agent at once"),
	TIME("concurrent-5", US(21.09), US(21.09), "five agents at once"),
	TIME("concurrent-10", US(28.54), US(28.54), "ten agents at once"),
	TIME("concurrent-20", US(42.20), US(42.20), "twenty agents at once"),
	TIME("concurrent-50", US(68.46), US(68.46), "fifty agents at once"),
	TIME("loop-detection", US(18.99), US(18.99), "loop detection"),
	TIME("message-create", US(0.5), US(2), "message creation"),
	TIME("message-validate", US(1), US(5), "message validation"),
	TIME("message-json", US(5), US(20), "message as JSON"),
	TIME("message-msgpack", US(3), US(15), "message as MessagePack"),
	TIME("message-binary", US(2), US(8), "message in binary"),
	TIME("messages-20", US(20), US(100), "20 messages serialised"),
	TIME("uuid-create", NS(10), NS(20), "UUID created"),
	TIME("uuid-parse", NS(20), NS(50), "UUID parsed"),
	TIME("dict-hash", US(0.5), US(2), "hash of a dictionary"),
	TIME("validate-100", MS(15), MS(30), "100 messages validated in parallel"),
	TIME("graph-sort-10", US(10), US(10), "topological sort of 10 nodes"),
	TIME("graph-sort-50", US(50), US(50), "topological sort of 50 nodes"),
	TIME("graph-dispatch", US(5), US(20), "node dispatch"),
	TIME("graph-10", MS(0.25), MS(1), "graph of 10 nodes"),
	TIME("task-spawn", NS(50), NS(100), "task spawned"),
	TIME("task-await", NS(10), NS(30), "task awaited"),
	TIME("task-switch", NS(10), NS(10), "task switch"),
	TIME("semaphore", NS(30), NS(80), "semaphore"),
	TIME("gather-100", MS(1.37), MS(1.37), "gather of 100"),
	TIME("bounded-map-2000", MS(130), MS(130), "bounded_map of 2,000, limit 100"),
	TIME("taskgroup-1000", MS(13.7), MS(13.7), "taskgroup of 1,000"),
	FIGURE("tasks-at-once", SEEDS_AT_ONCE, 10000, "concurrent tasks"),
	FIGURE("requests", SEEDS_RATE, 6000, "requests a second"),
	FIGURE("requests-p95", SEEDS_P95, MS(135), "their p95"),
	FIGURE("requests-memory", SEEDS_PEAK, 205, "their memory"),
	FIGURE("agents-mock", SEEDS_RATE, 40000, "agents a second and core, mock"),
	FIGURE("agents-200ms", SEEDS_A_CORE, 5000, "agents a second and core, model of 200 ms"),
	TIME("cosine-768", NS(50), NS(100), "cosine of 768 dimensions"),
	TIME("top-10-of-1000", US(70), US(70), "top 10 of 1,000"),
	TIME("session-create", MS(0.94), MS(0.94), "session created"),
	TIME("session-branch", MS(2.95), MS(2.95), "session branched"),
	TIME("startup", MS(20), MS(20), "import to ready, under"),
	FIGURE("startup-memory", SEEDS_PEAK, 20, "memory, under"),
	TIME("cache-get", NS(10), NS(10), "cache L1 get"),
	TIME("counter", NS(2), NS(2), "counter"),
	FIGURE("queue", SEEDS_RATE, 10e6, "queue operations a second"),
};

const uint32_t seeds_published_count = sizeof(seeds_published) / sizeof(seeds_published[0]);

const struct seeds_published *seeds_published_of(const char *id)
{
	for (uint32_t i = 0; i < seeds_published_count; i++) {
		if (!strcmp(seeds_published[i].id, id))
			return &seeds_published[i];
	}
	return NULL;
}

double seeds_value_of(const struct seeds_published *p, const struct bench_outcome *out)
{
	struct bench_stats s = bench_stats_of(out->raw_ms, out->raw_count);

	switch (p->metric) {
	case SEEDS_MEDIAN:
		return s.median;
	case SEEDS_P95:
		return s.p95;
	case SEEDS_RATE:
		return out->total_ms > 0 ? (double)out->messages * 1e3 / out->total_ms : 0;
	case SEEDS_A_CORE:
		return s.median > 0 ? 1e3 / s.median : 0;
	case SEEDS_PEAK:
		return out->rss_peak_mb;
	case SEEDS_AT_ONCE:
		return out->raw_count ? (double)out->messages / out->raw_count : 0;
	}
	return 0;
}

static bool more_is_better(const struct seeds_published *p)
{
	return p->metric == SEEDS_RATE || p->metric == SEEDS_A_CORE || p->metric == SEEDS_AT_ONCE;
}

double seeds_ratio(const struct seeds_published *p, double ours)
{
	if (ours <= 0)
		return 0;
	return more_is_better(p) ? ours / p->high : p->low / ours;
}

bool seeds_is_as_good(const struct seeds_published *p, double ours)
{
	return ours > 0 && (more_is_better(p) ? ours >= p->low : ours <= p->high);
}

void bench_published_write(weft_json_writer *w, const char *id, const struct bench_outcome *out)
{
	static const char *const metrics[] = { [SEEDS_MEDIAN] = "median_ms",
		                               [SEEDS_P95] = "p95_ms",
		                               [SEEDS_RATE] = "messages_per_second",
		                               [SEEDS_A_CORE] = "per_core_second",
		                               [SEEDS_PEAK] = "memory_rss_peak_mb",
		                               [SEEDS_AT_ONCE] = "at_once" };
	const struct seeds_published *p = seeds_published_of(id);
	double ratio;

	if (!p || out->error[0])
		return;
	ratio = seeds_ratio(p, seeds_value_of(p, out));
	bench_put_object(w, "published");
	bench_put_text(w, "metric", metrics[p->metric]);
	bench_put_number(w, "low", p->low);
	bench_put_number(w, "high", p->high);
	if (ratio > 0) /* else too little to be measured: one check of a loop in the noise, say */
		bench_put_number(w, "ratio", ratio);
	bench_put_flag(w, "other_hardware", p->other_hardware);
	bench_put_text(w, "what", p->what);
	weft_json_end_object(w);
}
