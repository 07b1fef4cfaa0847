/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the three clocks agree with the machine's, never go back, and obey a source put in their place. */
#include "runtime/base/clock.h"

#include <unistd.h>
#include <criterion/criterion.h>
#include <time.h>

Test(clock, now__is_monotonic_time)
{
	struct timespec ts;
	uint64_t before = weft_now_ns(), after;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	after = weft_now_ns();
	cr_expect_leq(before, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
	cr_expect_geq(after, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

Test(clock, wall__is_unix_time)
{
	int64_t before = (int64_t)time(NULL) * 1000 - 1000;

	cr_expect_geq(weft_wall_ms(), before);
	cr_expect_lt(weft_wall_ms(), before + 60000);
}

Test(clock, tsc__never_goes_back)
{
	uint64_t last = weft__tsc();

	for (int i = 0; i < 100000; i++) {
		uint64_t now = weft__tsc();

		cr_assert_geq(now, last);
		last = now;
	}
}

/* Spans of 2 ms by both clocks; the machine is shared, so the best of ten. */
Test(clock, tsc__measures_what_now_does)
{
	double best = 1;

	for (int i = 0; i < 10; i++) {
		uint64_t ticks = weft__tsc(), ns = weft_now_ns();
		double error;

		while (weft_now_ns() - ns < 2000000)
			;
		ticks = weft__tsc() - ticks;
		ns = weft_now_ns() - ns;
		error = (double)weft__tsc_to_ns(ticks) / (double)ns - 1;
		error = error < 0 ? -error : error;
		best = error < best ? error : best;
		weft__tsc_calibrate();
	}
	cr_expect_lt(best, 0.01);
	cr_expect_eq(weft__tsc_to_ns(0), 0);
}

Test(clock, tsc__short_span_is_short)
{
	uint64_t ns = weft__tsc_to_ns(weft__tsc_short_span());

	cr_expect_geq(ns, 10000);
	cr_expect_leq(ns, 1000000);
}

static uint64_t fake_ns = 1000;
static int64_t fake_ms = -5;

static uint64_t fake_now(void *user)
{
	return *(uint64_t *)user;
}

static int64_t fake_wall(void *user)
{
	(void)user;
	return fake_ms;
}

Test(clock, source__replaces_all_three)
{
	struct weft__clock_source source = { fake_now, fake_wall, &fake_ns };

	weft__tsc();
	weft__clock_source_set(&source);
	cr_expect_eq(weft_now_ns(), 1000);
	cr_expect_eq(weft_wall_ms(), -5);
	cr_expect_eq(weft__tsc(), 1000);
	fake_ns = 2500;
	cr_expect_eq(weft__tsc_to_ns(weft__tsc() - 1000), 1500);
	weft__clock_source_set(NULL);
	cr_expect_gt(weft_now_ns(), 2500);
	cr_expect_gt(weft_wall_ms(), 0);
	cr_expect_neq(weft__tsc(), 2500);
}

Test(clock, ticks__measure_a_span_as_the_clock_does)
{
	uint64_t outer = weft_now_ns(), ticks = weft_ticks(), inner = weft_now_ns(), span;

	usleep(20000);
	inner = weft_now_ns() - inner;
	span = weft_ticks_to_ns(weft_ticks() - ticks);
	outer = weft_now_ns() - outer;
	cr_expect(span > inner - inner / 10 && span < outer + outer / 10, "%lu ticked, %lu to %lu by the clock",
	          (unsigned long)span, (unsigned long)inner, (unsigned long)outer);
}
