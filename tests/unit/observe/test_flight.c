/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings of the flight recorder without a runtime: what is kept, in which order lanes are merged, and that a reader
 * beside a writer that laps it never gets half of one record and half of another.
 */
#include "runtime/observe/flight.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "tests/support/seed.h"

#define ROOM 8u

static struct weft__flight *made(uint32_t lanes, uint32_t events)
{
	struct weft__flight *f = NULL;

	cr_assert_eq(weft__flights_create(lanes, events, &f), 0);
	return f;
}

Test(flight, get__gives_what_was_put_until_it_is_overwritten)
{
	struct weft__flight *f = made(1, ROOM);
	struct weft__flight_record r;

	cr_assert_not(weft__flight_get(f, 0, &r), "nothing is there yet");
	for (uint64_t i = 0; i < 5 * ROOM; i++) {
		weft__flight_put(f, (uint32_t)i + 1, (uint32_t)i + 2, i + 3, -(int64_t)i);
		cr_assert(weft__flight_get(f, i, &r));
		cr_assert_eq(r.kind, i + 1);
		cr_assert_eq(r.other, i + 2);
		cr_assert_eq(r.actor, i + 3);
		cr_assert_eq(r.arg, -(int64_t)i);
		cr_assert_eq(weft__flight_next(f), i + 1);
		for (uint64_t old = 0; old <= i; old++)
			cr_assert_eq(weft__flight_get(f, old, &r), old >= weft__flight_oldest(f), "%lu of %lu",
			             (unsigned long)old, (unsigned long)i);
		cr_assert(weft__flight_oldest(f) == 0 || i + 1 - weft__flight_oldest(f) == ROOM - 1);
	}
	weft__flights_destroy(f);
}

/* Puts on lanes at random: the merge gives them back in the order they were put in, each lane's last ROOM - 1 at least. */
Test(flight, merge__is_in_order_of_time)
{
	uint64_t rnd = test_seed("flight merge"), put[3] = { 0 }, last = 0, got = 0;
	struct weft__flight *f = made(3, 64);
	struct weft__flight_merge m;
	struct weft__flight_record r;
	uint32_t lane;

	for (uint64_t i = 1; i <= 120; i++) {
		lane = test_below(&rnd, 3);
		weft__flight_put(&f[lane], 1, lane, i, 0);
		put[lane]++;
	}
	weft__flight_merge_begin(&m, f, 0, 3);
	weft__flight_put(&f[0], 1, 0, 1000, 0); /* too late */
	while (weft__flight_merge_next(&m, &lane, &r)) {
		cr_assert_eq(r.other, lane);
		cr_assert(r.actor > last, "%lu after %lu", (unsigned long)r.actor, (unsigned long)last);
		last = r.actor;
		got++;
	}
	cr_assert(last == 120 || last == 1000, "ticks may stand still in between");
	for (int i = 0; i < 3; i++)
		got -= put[i] < 64 ? put[i] : 63;
	cr_assert(got <= 1);
	weft__flights_destroy(f);
}

/* ---- a reader that is lapped ---------------------------------------------------------------- */

static struct weft__flight *shared;
static _Atomic(bool) enough;

static void *put_all(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; !weft__load_relaxed(&enough); i++)
		weft__flight_put(shared, (uint32_t)i, (uint32_t)i, i, (int64_t)i);
	return NULL;
}

Test(flight, get__beside_a_writer_is_never_torn)
{
	uint64_t rnd = test_seed("flight torn"), whole = 0;
	struct weft__flight_record r;
	pthread_t writer;

	shared = made(1, ROOM);
	cr_assert_eq(pthread_create(&writer, NULL, put_all, NULL), 0);
	while (whole < 20000) {
		uint64_t number = weft__flight_oldest(shared) + test_below(&rnd, ROOM);

		if (!weft__flight_get(shared, number, &r))
			continue;
		cr_assert_eq(r.actor, number + 1, "the record of that number");
		cr_assert_eq(r.kind, (uint32_t)r.actor);
		cr_assert_eq(r.other, (uint32_t)r.actor);
		cr_assert_eq(r.arg, (int64_t)r.actor);
		whole++;
	}
	weft__store_relaxed(&enough, true);
	pthread_join(writer, NULL);
	weft__flights_destroy(shared);
}
