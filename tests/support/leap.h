/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/leap.h - a clock that leaps when the test says so.
 *
 * Time passes as ever, and test_leap adds to it. So a deadline may lie an hour away, where no slow machine
 * comes near it, and is over all the same as soon as the test wants it to be.
 *
 * Who sleeps towards a deadline already does not notice a leap. Leap in a function that the runtime or the
 * loop has called, since they look at the clock when it returns; or wake them afterwards.
 */
#ifndef WEFT_TESTS_SUPPORT_LEAP_H
#define WEFT_TESTS_SUPPORT_LEAP_H

#include <time.h>

#include "runtime/base/clock.h"

#define TEST_HOUR UINT64_C(3600000000000)

static _Atomic(uint64_t) test_leapt_ns;

static inline uint64_t test_leaping_now_ns(void *user)
{
	struct timespec ts;

	(void)user;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	/* relaxed: a number by itself */
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec + weft__load_relaxed(&test_leapt_ns);
}

static inline int64_t test_leaping_wall_ms(void *user)
{
	struct timespec ts;

	(void)user;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + (int64_t)(weft__load_relaxed(&test_leapt_ns) / 1000000);
}

/* From here on the clock can leap: before a runtime is there. */
static inline void test_leaps(void)
{
	static const struct weft__clock_source leaping = { test_leaping_now_ns, test_leaping_wall_ms, NULL };

	weft__clock_source_set(&leaping);
}

static _Atomic(uint64_t) test_stands_at_ns;

static inline uint64_t test_standing_now_ns(void *user)
{
	(void)user;
	return weft__load_relaxed(&test_stands_at_ns) + weft__load_relaxed(&test_leapt_ns); /* relaxed: numbers by themselves */
}

/* From here on no time passes but by leaps: nothing is late because the machine is slow. */
static inline void test_stands_still(void)
{
	static const struct weft__clock_source standing = { test_standing_now_ns, test_leaping_wall_ms, NULL };

	weft__store_relaxed(&test_stands_at_ns, weft_now_ns() - weft__load_relaxed(&test_leapt_ns));
	weft__clock_source_set(&standing);
}

/* It is later by ns. Any thread. */
static inline void test_leap(uint64_t ns)
{
	weft__fetch_add_relaxed(&test_leapt_ns, ns);
}

#endif
