/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of the flight recorder, in every way. Goal: what get gives is the record of that number, whole, or nothing.
 * Method: a ring of two records that the writer goes around while a reader asks for each number there is; every word says
 * which record it belongs to.
 */
#include <criterion/criterion.h>

#include "runtime/base/clock.h"
#include "runtime/observe/flight.h"
#include "tests/model/explore.h"

#define ROOM 2u
#define BEFORE 2u /* stand there when it begins */
#define RECORDS 4u

static struct weft__flight *flight;

_Atomic(uint32_t) weft__tsc_kind;
static uint64_t ticks; /* the writer's: each record has its own */

uint64_t weft__tsc_slow(void)
{
	return ticks++;
}

static void put(uint32_t n)
{
	weft__flight_put(flight, 100 + n, 200 + n, 300 + n, 400 + n);
}

static void begin(void)
{
	ticks = 0;
	explore_assert(weft__flights_create(1, ROOM, &flight) == 0);
	explore_name(flight, sizeof(*flight), "flight");
	explore_name((void *)flight->words, ROOM * WEFT__FLIGHT_WORDS * sizeof(uint64_t), "words");
	for (uint32_t n = 0; n < BEFORE; n++)
		put(n);
}

static void writer(void)
{
	for (uint32_t n = BEFORE; n < RECORDS; n++)
		put(n);
}

static bool get(uint32_t n)
{
	struct weft__flight_record r;

	if (!weft__flight_get(flight, n, &r))
		return false;
	explore_assert(r.ticks == n);
	explore_assert(r.kind == 100 + n);
	explore_assert(r.other == 200 + n);
	explore_assert(r.actor == 300 + n);
	explore_assert(r.arg == 400 + (int64_t)n);
	return true;
}

static void reader(void)
{
	get(explore_choose(RECORDS));
}

static void the_newest_is_there(void)
{
	explore_assert(get(RECORDS - 1));
	explore_assert(!get(RECORDS - 1 - ROOM));
	explore_assert(weft__flight_oldest(flight) == RECORDS - ROOM + 1);
	weft__flights_destroy(flight);
	explore_assert(explore_blocks() == 0);
}

Test(model_flight, reader__gets_a_whole_record_or_none)
{
	static const struct explore_model m = {
		.name = "flight", .init = begin, .thread = { writer, reader }, .check = the_newest_is_there
	};

	cr_assert(explore(&m));
}

Test(model_flight, two_readers__do_not_meet)
{
	static const struct explore_model m = {
		.name = "flight, 2 readers", .init = begin, .thread = { writer, reader, reader }, .check = the_newest_is_there
	};

	cr_assert(explore(&m));
}
