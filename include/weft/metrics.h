/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/metrics.h - what a runtime does, in numbers: counters, gauges, histograms.
 *
 * Everything is counted by lane: one a worker, one a guest's place, one for all foreign
 * threads together. A lane has one writer and no locked instruction; reading merges.
 *
 * A figure that counts never goes back. A snapshot is not one instant: figures are read one after the other,
 * so sent may be a little behind handled. At rest all of them are exact.
 *
 * How to read them: docs/guide/observing.md.
 */
#ifndef WEFT_METRICS_H
#define WEFT_METRICS_H

#include <weft/base.h>
#include <weft/runtime.h>

WEFT_BEGIN_DECLS

/* ---- histograms ---------------------------------------------------------------------- */

/**
 * How often which value was met, for any uint64_t, in 30 KB that never grow, most of them never touched. 64 buckets for each power of two:
 * what it says of a value is off by less than 0.8% of that value, and exact below 128.
 *
 * Threads: one writer (record, merge into it, subtract, reset) at a time; readers at any time beside it.
 */
typedef struct weft_histogram weft_histogram;

/** An empty one. @return 0, -EINVAL, -ENOMEM */
WEFT_API int weft_histogram_create(weft_histogram **ret_histogram);
/** NULL is fine. */
WEFT_API void weft_histogram_destroy(weft_histogram *h);
/** Count a value, in whatever unit: about 2 ns, wait-free. */
WEFT_API void weft_histogram_record(weft_histogram *h, uint64_t value);
/** Forget everything. */
WEFT_API void weft_histogram_reset(weft_histogram *h);
/** Add what `from` holds, which may be written meanwhile. */
WEFT_API void weft_histogram_merge(weft_histogram *into, const weft_histogram *from);
/**
 * Take away what `older` holds, a copy of the same made earlier: leaves what came in between. The maximum is
 * known to the bucket only then.
 */
WEFT_API void weft_histogram_subtract(weft_histogram *from, const weft_histogram *older);

/** Values recorded. */
WEFT_API uint64_t weft_histogram_count(const weft_histogram *h);
/** The largest, exactly; 0 when there is none. */
WEFT_API uint64_t weft_histogram_max(const weft_histogram *h);
/** Their mean (of the exact values, as long as their sum is below 2^64); 0 when there is none. */
WEFT_API double weft_histogram_mean(const weft_histogram *h);
/** The value that a share q of all do not exceed: 0.5 the median, 0 the smallest, 1 the largest. 0 when there is none. */
WEFT_API uint64_t weft_histogram_quantile(const weft_histogram *h, double q);

/* ---- a snapshot ----------------------------------------------------------------------- */

/** For `lane`: all of them together. */
#define WEFT_LANE_ALL UINT32_MAX

typedef struct weft_stats {
	uint32_t size;            /* sizeof(weft_stats), set by the caller */
	uint32_t lanes;           /* there are: workers, then guests' places, then one for all foreign threads */
	uint32_t workers;         /* the first so many lanes */
	uint32_t actors_alive;    /* right now, of the whole runtime, whatever the lane: they move */
	/* counters: since start, of the lane */
	uint64_t msgs_sent;       /* accepted by a mailbox */
	uint64_t msgs_handled;    /* given to a behaviour */
	uint64_t msgs_dropped;    /* accepted, but the receiver ended before handling them */
	uint64_t msgs_refused;    /* -EAGAIN or -ESRCH */
	uint64_t activations;     /* an actor's turns; it handles one message or more in each */
	uint64_t steals;          /* tasks taken from another lane */
	uint64_t parks;           /* times it went to sleep */
	uint64_t wakes;           /* wake-ups it sent to others */
	uint64_t actors_spawned;
	uint64_t actors_ended;
	uint64_t actors_muted;    /* times an actor rested for a full mailbox (WEFT_ACTOR_MUTE) */
	uint64_t timers_fired;
	uint64_t mailbox_depth_max; /* messages in the deepest mailbox that it sent to, with places taken in advance */
	/* gauges: right now, of the lane */
	uint32_t requests_open;   /* waiting for an answer; of the whole runtime */
	uint32_t queue_tasks;     /* actors that wait in its run queue and in its LIFO slot */
	uint32_t fresh_tasks;     /* actors that wait to run for the first time */
	uint32_t injects_pending; /* lanes to which work of other threads is on its way; 0 or 1 for one lane */
	uint32_t parked;          /* workers that sleep; 0 or 1 for one lane */
	uint32_t io_in_flight;    /* reads, writes, syncs and polls started and not done */
} weft_stats;

#define WEFT_STATS_INIT                                                                                    \
	{                                                                                                  \
		.size = sizeof(weft_stats)                                                                 \
	}

/**
 * Read the figures of one lane, or of all.
 * @return 0, or -EINVAL (no such lane, size not set)
 * Threads: any; never waits; costs the workers nothing but a shared cache line each.
 */
WEFT_API int weft_stats_read(const weft_runtime *rt, uint32_t lane, weft_stats *ret_stats);

typedef enum weft_stats_kind {
	WEFT_STATS_ACTIVATION_NS = 0, /* how long activations took */
	WEFT_STATS_DELAY_NS = 1       /* how long actors waited from becoming runnable until they ran */
} weft_stats_kind;

/**
 * Add a histogram of one lane, or of all, to `into`. Values are samples, one of 64 long activations, one of 2,048
 * short ones, beginning a millisecond after the runtime was made; each counts for the activations since the one before it. The
 * rarest are missed: a maximum is that of the samples. A lane's delays are of the actors that ran there.
 * For an interval read twice and weft_histogram_subtract.
 * @return 0, -EINVAL (no such kind or lane), -ENODATA (WEFT_METRICS_OFF)
 * Threads: any; `into` is the caller's. Costs about 1 us a lane.
 */
WEFT_API int weft_stats_histogram(const weft_runtime *rt, uint32_t lane, uint32_t kind, weft_histogram *into);

WEFT_END_DECLS

#endif
