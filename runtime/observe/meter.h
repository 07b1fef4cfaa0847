/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/meter.h - how long activations take, and how long actors wait for one; by samples.
 *
 * A reading of the cheapest clock costs a quarter of a ping-pong turn, so not each turn is timed: a worker looks
 * around every few microseconds anyway, and at each 64th such look it
 *   - times the turn that comes next, and
 *   - sends out a probe: the next actor that it makes runnable is stamped, and whoever runs that one reads the stamp.
 * Between two looks a turn costs what it did before. A sample counts for all turns since the sample before it,
 * so that the histograms hold about one value a turn, whatever the load was when.
 *
 *     worker A:   look ... actor x becomes runnable: from = ticks, x is marked (A)
 *     worker B:   runs x, sees the mark: delay = ticks - A.from, into B's histogram; A.from = 0
 *
 * One probe a lane is under way at a time; foreign threads share one.
 *
 *   field      written by                               read by
 *   from       the lane when it is 0, the runner to 0   both
 *   weight     the lane before it marks                 the runner (through the queue that brought the actor)
 *   turn_ns, delay_ns   the lane's thread               statistics
 *
 * Edges: V1 release -> acquire: the runner has read weight before the lane writes it again.
 * Tests: tests/api/test_metrics.c, tests/model/test_meter.c, tests/stress/test_observe.c.
 */
#ifndef WEFT_RUNTIME_OBSERVE_METER_H
#define WEFT_RUNTIME_OBSERVE_METER_H

#include <stdbool.h>

#include "runtime/base/atomic.h"
#include "runtime/observe/histogram.h"

#define WEFT__METER_LOOKS 64u          /* of which one takes samples */
#define WEFT__METER_AFTER_NS 1000000u /* after its worker was made: by then the clock's rate is known without waiting */

struct weft__meter {
	_Atomic(uint64_t) from; /* ticks when the probe under way was sent; 0: none is */
	uint64_t weight;        /* turns that it stands for */
	struct weft_histogram turn_ns, delay_ns;
};

static inline void weft__meter_init(struct weft__meter *m)
{
	weft__store_relaxed(&m->from, 0u); /* relaxed: not shared yet */
	m->weight = 1;
	weft__histogram_init(&m->turn_ns);
	weft__histogram_init(&m->delay_ns);
}

/* Begin a probe that stands for so many turns. False: one is under way. The lane's thread. */
bool weft__meter_probe(struct weft__meter *m, uint64_t weight);
/*
 * The same on the lane of foreign threads, where each probe stands for itself. Not before the workers' samples have
 * calibrated the clock: nobody's first message is to wait for that.
 */
bool weft__meter_probe_shared(struct weft__meter *m);
/* The probe of lane `of` arrived on the lane of m. */
void weft__meter_arrived(struct weft__meter *m, struct weft__meter *of);

/* The turn that began at `from` ticks is over; it stands for so many. */
void weft__meter_turn(struct weft__meter *m, uint64_t from, uint64_t weight);

#endif
