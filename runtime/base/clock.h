/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/clock.h - the one seam to time.
 *
 * weft_now_ns and weft_wall_ms (public, weft/runtime.h) read CLOCK_MONOTONIC and
 * CLOCK_REALTIME through the vDSO, about 20 ns. weft__tsc is the cheap stamp, about
 * 9 ns, for measuring spans: a cycle counter where that is invariant, the
 * monotonic clock where it is not. All three follow a source that simulation sets.
 *
 *   span_ns = weft__tsc_to_ns(weft__tsc() - started);
 */
#ifndef WEFT_RUNTIME_BASE_CLOCK_H
#define WEFT_RUNTIME_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <weft/runtime.h>

#include "runtime/base/atomic.h"

/* What weft__tsc counts; decided once, at the first call. */
enum {
	WEFT__TSC_UNKNOWN = 0,
	WEFT__TSC_CYCLES, /* the CPU's counter, constant in rate and the same on all cores */
	WEFT__TSC_CLOCK   /* nanoseconds of weft_now_ns */
};

extern _Atomic(uint32_t) weft__tsc_kind;

uint64_t weft__tsc_slow(void);

/* Ticks since some point in the past. Any thread. */
static inline uint64_t weft__tsc(void)
{
	/* acquire: pairs with the release in tsc_decide; the anchor is written before */
	if (__builtin_expect(weft__load_acquire(&weft__tsc_kind) != WEFT__TSC_CYCLES, 0))
		return weft__tsc_slow();
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return weft__tsc_slow();
#endif
}

/*
 * Beside weft__tsc where its place matters: what stands before has been done, loads too, and
 * what stands after has not begun. A CPU may otherwise look at its counter early or late,
 * by as much as a cache miss. The clock is read in order by itself.
 */
static inline void weft__tsc_order(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#endif
}

/*
 * A span of ticks in nanoseconds. The first call of a process may spin up to 200 us
 * to calibrate (never when weft__tsc was first called earlier than that); good to
 * about 0.1% then. Any thread.
 */
uint64_t weft__tsc_to_ns(uint64_t ticks);

/* Would weft__tsc_to_ns answer at once? Any thread. */
bool weft__tsc_is_calibrated(void);

/* Measure the rate again over the whole time since the first weft__tsc: better with age. Any thread. */
void weft__tsc_calibrate(void);

/* A span of ticks that is surely between 10 us and 1 ms long, known without calibration. */
uint64_t weft__tsc_short_span(void);

/* A replacement for the machine's clocks. now_ns must never go back. */
struct weft__clock_source {
	uint64_t (*now_ns)(void *user);
	int64_t (*wall_ms)(void *user);
	void *user;
};

/*
 * NULL restores the machine's. The struct stays the caller's and must outlive its use.
 * Before any other thread uses weft, and with no span being measured.
 */
void weft__clock_source_set(const struct weft__clock_source *source);

#endif
