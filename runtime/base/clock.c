/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/clock.c - see clock.h. */
#include "runtime/base/clock.h"

#include <pthread.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "runtime/base/assert.h"

#define NS_PER_S 1000000000u
#define CALIBRATE_NS_MIN 200000u /* two clock reads are uncertain by ~0.1 us: 0.1% */
#define INSTANT_NS_MAX 1000u     /* longer than it takes to read both clocks */

_Atomic(uint32_t) weft__tsc_kind;

static _Atomic(const struct weft__clock_source *) source;

static struct {
	uint64_t ticks, ns;         /* the same instant; written once, before weft__tsc_kind */
	_Atomic(uint64_t) ns_per_tick_q32; /* fixed point, 32 fraction bits; 0: not calibrated */
	pthread_mutex_t lock;       /* decide and forget */
} anchor = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t machine_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail on Linux */
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t weft_now_ns(void)
{
	/* acquire: what weft__clock_source_set's caller wrote into the struct */
	const struct weft__clock_source *s = weft__load_acquire(&source);

	if (__builtin_expect(s != NULL, 0))
		return s->now_ns(s->user);
	return machine_now_ns();
}

int64_t weft_wall_ms(void)
{
	const struct weft__clock_source *s = weft__load_acquire(&source); /* acquire: as above */
	struct timespec ts;

	if (__builtin_expect(s != NULL, 0))
		return s->wall_ms(s->user);
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#if defined(__x86_64__)

/* Constant in rate, and not stopped by deep sleep: CPUID's "invariant TSC". */
static bool cycles_are_invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & (1u << 8));
}

static uint64_t cycles_per_s(void)
{
	return 0; /* not told reliably: measured */
}

#elif defined(__aarch64__)

static bool cycles_are_invariant(void)
{
	return true; /* the generic timer is, by architecture */
}

static uint64_t cycles_per_s(void)
{
	uint64_t hz;

	__asm__ __volatile__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

#else

static bool cycles_are_invariant(void)
{
	return false;
}

static uint64_t cycles_per_s(void)
{
	return 0;
}

#endif

static uint64_t read_cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return 0;
#endif
}

/*
 * The counter and the clock at one instant. A thread that loses its core between the two would believe in the
 * difference for as long as the process lives, so it looks again, a few times.
 */
static void read_both(uint64_t *ret_ticks, uint64_t *ret_ns)
{
	uint64_t narrowest = UINT64_MAX;

	for (int tries = 0; tries < 8 && narrowest > INSTANT_NS_MAX; tries++) {
		uint64_t before = machine_now_ns(), ticks = read_cycles(), between = machine_now_ns() - before;

		if (between >= narrowest)
			continue;
		narrowest = between;
		*ret_ticks = ticks;
		*ret_ns = before + between / 2;
	}
}

/* Which counter to use, and an instant to calibrate from. */
static uint32_t tsc_decide(void)
{
	uint32_t kind;

	pthread_mutex_lock(&anchor.lock);
	kind = weft__load_relaxed(&weft__tsc_kind); /* relaxed: written under this lock only */
	if (kind == WEFT__TSC_UNKNOWN) {
		kind = WEFT__TSC_CLOCK;
		if (!weft__load_relaxed(&source) && cycles_are_invariant()) {
			uint64_t hz = cycles_per_s();

			kind = WEFT__TSC_CYCLES;
			read_both(&anchor.ticks, &anchor.ns);
			if (hz)
				weft__store_relaxed(&anchor.ns_per_tick_q32, ((uint64_t)NS_PER_S << 32) / hz);
		}
		/* release -> acquire in weft__tsc: the anchor above */
		weft__store_release(&weft__tsc_kind, kind);
	}
	pthread_mutex_unlock(&anchor.lock);
	return kind;
}

uint64_t weft__tsc_slow(void)
{
	uint32_t kind = weft__load_acquire(&weft__tsc_kind);

	if (kind == WEFT__TSC_UNKNOWN)
		kind = tsc_decide();
	return kind == WEFT__TSC_CYCLES ? read_cycles() : weft_now_ns();
}

void weft__tsc_calibrate(void)
{
	uint64_t ticks, ns;

	weft__tsc();
	if (weft__load_acquire(&weft__tsc_kind) != WEFT__TSC_CYCLES || cycles_per_s())
		return;
	do {
		read_both(&ticks, &ns);
		ticks -= anchor.ticks;
		ns -= anchor.ns;
	} while (ns < CALIBRATE_NS_MIN);
	WEFT_ASSERT(ticks > 0);
	/* relaxed: a number by itself; either the old or the new one is right */
	weft__store_relaxed(&anchor.ns_per_tick_q32, (uint64_t)(((unsigned __int128)ns << 32) / ticks));
}

uint64_t weft__tsc_to_ns(uint64_t ticks)
{
	uint64_t q32;

	if (weft__load_acquire(&weft__tsc_kind) == WEFT__TSC_CLOCK)
		return ticks;
	q32 = weft__load_relaxed(&anchor.ns_per_tick_q32); /* relaxed: as above */
	if (__builtin_expect(q32 == 0, 0)) {
		weft__tsc_calibrate();
		if (weft__load_acquire(&weft__tsc_kind) == WEFT__TSC_CLOCK)
			return ticks;
		q32 = weft__load_relaxed(&anchor.ns_per_tick_q32);
	}
	return (uint64_t)(((unsigned __int128)ticks * q32) >> 32);
}

bool weft__tsc_is_calibrated(void)
{
	/* relaxed: a hint; tsc_to_ns looks again */
	return weft__load_relaxed(&anchor.ns_per_tick_q32) || weft__load_relaxed(&weft__tsc_kind) == WEFT__TSC_CLOCK;
}

uint64_t weft_ticks(void)
{
	return weft__tsc();
}

uint64_t weft_ticks_to_ns(uint64_t ticks)
{
	return weft__tsc_to_ns(ticks);
}

uint64_t weft__tsc_short_span(void)
{
	weft__tsc();
	if (weft__load_acquire(&weft__tsc_kind) == WEFT__TSC_CLOCK)
		return 100000;
	if (cycles_per_s())
		return cycles_per_s() / 10000;
	return 1u << 18; /* 0.26 ms at 1 GHz, 44 us at 6 GHz */
}

void weft__clock_source_set(const struct weft__clock_source *replacement)
{
	pthread_mutex_lock(&anchor.lock);
	/* release -> acquire in weft_now_ns: the struct's fields */
	weft__store_release(&source, replacement);
	weft__store_relaxed(&anchor.ns_per_tick_q32, 0u);
	weft__store_release(&weft__tsc_kind, (uint32_t)WEFT__TSC_UNKNOWN);
	pthread_mutex_unlock(&anchor.lock);
}
