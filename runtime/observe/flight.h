/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/flight.h - a ring of the last events of one lane. One writer, who never waits; anybody reads.
 *
 *     number    ..  n-3   n-2   n-1    n
 *     record    .. |old1 |old2 |old3 | being overwritten: the record n - room |
 *                                     ^ next
 *
 *   field    written by   read by
 *   next     the writer   readers
 *   words    the writer   readers
 *
 * Why no torn record is returned: a reader copies record i, then looks at next. If any word it copied was of a
 * later round, the acquire load of that word saw its release store (J1), hence also the next stored before it, which
 * is i + room at least: the copy is thrown away. As in queue/broadcast.h, whose records are of any length; here
 * they are of one, so that memory is neither padded nor touched before it is used.
 * Progress: put is wait-free, get too. Linearization: put at its store of next; get at its load of it.
 * Memory: lives as long as the runtime. ABA: 2^64 events are not met.
 *
 * Nothing here takes a lock or memory, so a signal handler may read.
 * Tests: tests/unit/observe/test_flight.c, tests/model/test_flight.c, tests/stress/test_observe.c.
 */
#ifndef WEFT_RUNTIME_OBSERVE_FLIGHT_H
#define WEFT_RUNTIME_OBSERVE_FLIGHT_H

#include <stdbool.h>

#include <weft/flight.h>

#include "runtime/base/atomic.h"

#define WEFT__FLIGHT_WORDS 4u /* a record: ticks | kind 32, other 32 | actor | arg */

struct weft__flight {
	_Alignas(WEFT_CACHELINE) _Atomic(uint64_t) next; /* how many were put */
	uint64_t room;                                   /* constant; a power of two */
	_Atomic(uint64_t) *words;                        /* constant */
};

struct weft__flight_record {
	uint64_t ticks, actor;
	int64_t arg;
	uint32_t kind, other;
};

/* One ring for each of so many lanes, room for so many events in each, a power of two. 0 or -ENOMEM. */
int weft__flights_create(uint32_t lanes, uint32_t events, struct weft__flight **ret_flights);
/* NULL is fine. */
void weft__flights_destroy(struct weft__flight *flights);

/* The writer. */
void weft__flight_put(struct weft__flight *f, uint32_t kind, uint32_t other, uint64_t actor, int64_t arg);

/* How many were put, and the number of the oldest that is still there for sure. Any thread. */
uint64_t weft__flight_next(const struct weft__flight *f);
uint64_t weft__flight_oldest(const struct weft__flight *f);

/* Copy the record of that number. False: it was overwritten, or is not there yet. Any thread. */
bool weft__flight_get(const struct weft__flight *f, uint64_t number, struct weft__flight_record *ret);

/*
 * Lanes as one list by time, the oldest first, of what was there when it began.
 * On the caller's stack: a signal handler has nothing else.
 */
#define WEFT__FLIGHT_LANES_MAX 320u

struct weft__flight_merge {
	const struct weft__flight *flights;
	uint32_t first, end; /* lanes */
	uint64_t until;      /* ticks */
	uint64_t at[WEFT__FLIGHT_LANES_MAX];
};

void weft__flight_merge_begin(struct weft__flight_merge *m, const struct weft__flight *flights, uint32_t first,
                              uint32_t end);
/* False: that was the last one. */
bool weft__flight_merge_next(struct weft__flight_merge *m, uint32_t *ret_lane, struct weft__flight_record *ret);

#endif
