/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/flight.c - see flight.h for the picture and the proof. */
#include "runtime/observe/flight.h"

#include <errno.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"

int weft__flights_create(uint32_t lanes, uint32_t events, struct weft__flight **ret_flights)
{
	struct weft__flight *flights = weft_aligned_alloc(WEFT_CACHELINE, lanes * sizeof(*flights));
	_Atomic(uint64_t) *words = weft_malloc((size_t)lanes * events * WEFT__FLIGHT_WORDS * sizeof(*words));

	WEFT_ASSERT(lanes <= WEFT__FLIGHT_LANES_MAX && events && !(events & (events - 1)));
	if (!flights || !words) {
		weft_free(flights);
		weft_free((void *)words);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < lanes; i++) {
		flights[i].room = events;
		flights[i].words = words + (size_t)i * events * WEFT__FLIGHT_WORDS; /* read only below next: no zeros needed */
		weft__store_relaxed(&flights[i].next, 0u); /* relaxed: not shared yet */
	}
	*ret_flights = flights;
	return 0;
}

void weft__flights_destroy(struct weft__flight *flights)
{
	if (!flights)
		return;
	weft_free((void *)flights[0].words);
	weft_free(flights);
}

static _Atomic(uint64_t) *words_of(const struct weft__flight *f, uint64_t number)
{
	return &f->words[(number & (f->room - 1)) * WEFT__FLIGHT_WORDS];
}

void weft__flight_put(struct weft__flight *f, uint32_t kind, uint32_t other, uint64_t actor, int64_t arg)
{
	uint64_t next = weft__load_relaxed(&f->next); /* relaxed: single writer */
	_Atomic(uint64_t) *words = words_of(f, next);

	/* J1 release -> acquire in get: who sees one of these sees that next had come so far before */
	weft__store_release(&words[0], weft__tsc());
	weft__store_release(&words[1], (uint64_t)other << 32 | kind);
	weft__store_release(&words[2], actor);
	weft__store_release(&words[3], (uint64_t)arg);
	weft__store_release(&f->next, next + 1); /* J2: the words before */
}

uint64_t weft__flight_next(const struct weft__flight *f)
{
	return weft__load_acquire(&f->next); /* J2 */
}

uint64_t weft__flight_oldest(const struct weft__flight *f)
{
	uint64_t next = weft__flight_next(f);

	return next < f->room ? 0 : next - f->room + 1; /* the one before may be being overwritten */
}

bool weft__flight_get(const struct weft__flight *f, uint64_t number, struct weft__flight_record *ret)
{
	_Atomic(uint64_t) *words = words_of(f, number);
	uint64_t kind, next = weft__flight_next(f);

	if (number >= next)
		return false;
	ret->ticks = weft__load_acquire(&words[0]); /* J1, and below */
	kind = weft__load_acquire(&words[1]);
	ret->kind = (uint32_t)kind;
	ret->other = (uint32_t)(kind >> 32);
	ret->actor = weft__load_acquire(&words[2]);
	ret->arg = (int64_t)weft__load_acquire(&words[3]);
	return weft__flight_next(f) - number < f->room;
}

/* ---- many lanes as one --------------------------------------------------------------------- */

void weft__flight_merge_begin(struct weft__flight_merge *m, const struct weft__flight *flights, uint32_t first,
                              uint32_t end)
{
	m->flights = flights;
	m->first = first;
	m->end = end;
	m->until = weft__tsc();
	for (uint32_t i = first; i < end; i++)
		m->at[i] = weft__flight_oldest(&flights[i]);
}

/* The record where the lane stands, past what was overwritten meanwhile. */
static bool merge_peek(struct weft__flight_merge *m, uint32_t lane, struct weft__flight_record *ret)
{
	const struct weft__flight *f = &m->flights[lane];

	while (!weft__flight_get(f, m->at[lane], ret)) {
		uint64_t oldest = weft__flight_oldest(f);

		if (m->at[lane] >= oldest) /* then it is the next, which is not there yet */
			return false;
		m->at[lane] = oldest;
	}
	return ret->ticks <= m->until;
}

bool weft__flight_merge_next(struct weft__flight_merge *m, uint32_t *ret_lane, struct weft__flight_record *ret)
{
	struct weft__flight_record r;
	bool any = false;

	for (uint32_t i = m->first; i < m->end; i++) {
		if (!merge_peek(m, i, &r) || (any && r.ticks >= ret->ticks))
			continue;
		*ret = r;
		*ret_lane = i;
		any = true;
	}
	if (any)
		m->at[*ret_lane]++;
	return any;
}
