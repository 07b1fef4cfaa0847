/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/stand_ins.c - what the code under test calls below it: memory, broken
 * invariants, spin loops. All of it leads into the explorer.
 */
#include <string.h>

#include <weft/alloc.h>
#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/base/bias.h"
#include "runtime/observe/flight.h"
#include "runtime/observe/meter.h"
#include "tests/model/explore.h"
#include "tests/model/stand_ins.h"

const struct weft__sim_ops *weft__sim; /* no simulation: the explorer decides */

void weft__spin(void)
{
	explore_spin();
}

void weft__bias_init(void)
{
}

void weft__assert_fail(const char *cond, const char *file, int line)
{
	explore_fail("%s:%d: %s", file, line, cond);
}

bool weft__check_fail(const char *cond, const char *file, int line)
{
	explore_fail("%s:%d: %s", file, line, cond);
}

void *weft_malloc(size_t bytes)
{
	return explore_alloc(bytes, 16);
}

void *weft_aligned_alloc(size_t alignment, size_t bytes)
{
	return explore_alloc(bytes, alignment);
}

void *weft_calloc(size_t count, size_t bytes)
{
	return memset(explore_alloc(count * bytes, 16), 0, count * bytes);
}

void weft_free(void *ptr)
{
	explore_free(ptr);
}

/* ---- time ------------------------------------------------------------------------------ */

static uint64_t tick_ns, now_ns[EXPLORE_THREADS_MAX + 1];

void stand_ins_time(uint64_t tick)
{
	tick_ns = tick;
	memset(now_ns, 0, sizeof(now_ns));
}

/* Each thread has a clock of its own: one for all would be a way to tell orders apart that nobody minds. */
uint64_t weft_now_ns(void)
{
	return now_ns[explore_self()] += tick_ns;
}

/* Meters and recorders are off in models: a worker has none. Weak: test_flight.c and test_meter.c have the real ones. */
#define WEAK __attribute__((weak))

WEAK int weft__flights_create(uint32_t lanes, uint32_t events, struct weft__flight **ret_flights)
{
	(void)lanes, (void)events;
	*ret_flights = NULL;
	return 0;
}

WEAK void weft__flights_destroy(struct weft__flight *flights)
{
	(void)flights;
}

WEAK void weft__flight_put(struct weft__flight *f, uint32_t kind, uint32_t other, uint64_t actor, int64_t arg)
{
	(void)f, (void)kind, (void)other, (void)actor, (void)arg;
}

uint64_t weft_ticks(void)
{
	return weft_now_ns();
}

WEAK bool weft__meter_probe(struct weft__meter *m, uint64_t weight)
{
	(void)m, (void)weight;
	return false;
}

WEAK bool weft__meter_probe_shared(struct weft__meter *m)
{
	(void)m;
	return false;
}

WEAK void weft__meter_arrived(struct weft__meter *m, struct weft__meter *of)
{
	(void)m, (void)of;
}

WEAK void weft__meter_turn(struct weft__meter *m, uint64_t from, uint64_t weight)
{
	(void)m, (void)from, (void)weight;
}
