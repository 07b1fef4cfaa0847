/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/line. Goal: never more places than the limit, first come first served, nothing lost by giving up. Method: random
 * comers, leavers and givers-up under a limit that moves, beside a list of who is where, across the wrap of the counts.
 */
#include "net/gate/line.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <weft/alloc.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/seed.h"

#define WAITING 40u
#define CALLS 100u

static struct weft__line line;

enum where { NOWHERE = 0, WAITS, HAS };

struct call {
	enum where where;
	uint32_t ticket;
	uint64_t order; /* in which they came */
};

static struct call calls[CALLS];

static uint32_t count(enum where where)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CALLS; i++)
		n += calls[i].where == where;
	return n;
}

/* The first of those who wait, by order. */
static struct call *first(void)
{
	struct call *best = NULL;

	for (uint32_t i = 0; i < CALLS; i++) {
		if (calls[i].where == WAITS && (!best || calls[i].order < best->order))
			best = &calls[i];
	}
	return best;
}

/* The first ones of the list get places, as far as there are any. @return the first that gets none */
static struct call *serve(uint32_t limit)
{
	struct call *next;

	while ((next = first()) && weft__line_served(&line, limit, next->ticket))
		next->where = HAS;
	return next;
}

Test(gate_line, random__as_a_list)
{
	uint64_t seed = test_seed("gate line"), state = seed, orders = 0;
	uint32_t limit = 4, refused = 0, waited = 0;

	cr_assert_eq(weft__line_init(&line, WAITING), 0);
	for (uint32_t i = 0; i < 300000; i++) {
		struct call *c = &calls[test_below(&state, CALLS)], *next;
		enum weft__line_place place;

		if (test_below(&state, 100) == 0) {
			limit = 1 + test_below(&state, 12);
			weft__line_serve(&line, limit);
			serve(limit);
		}
		if (c->where == HAS) {
			weft__line_leave(&line, limit);
			c->where = NOWHERE;
		} else if (c->where == WAITS && test_below(&state, 3) == 0) {
			weft__line_give_up(&line, limit, c->ticket);
			c->where = NOWHERE;
		} else if (c->where == NOWHERE) {
			place = weft__line_come(&line, limit, &c->ticket);
			c->order = orders++;
			c->where = place == WEFT__LINE_HAS ? HAS : place == WEFT__LINE_WAITS ? WAITS : NOWHERE;
			refused += place == WEFT__LINE_FULL;
			waited += place == WEFT__LINE_WAITS;
			cr_assert(place != WEFT__LINE_HAS || !first(), "seed %" PRIu64 ": passed by who waits", seed);
			cr_assert(place != WEFT__LINE_FULL || weft__line_waiting(&line) == WAITING);
		}
		next = serve(limit);
		for (uint32_t j = 0; j < CALLS; j++)
			cr_assert(calls[j].where != WAITS || !weft__line_served(&line, limit, calls[j].ticket),
			          "seed %" PRIu64 " step %u: out of turn", seed, i);
		cr_assert(!next || count(HAS) >= limit, "seed %" PRIu64 " step %u: a place lies idle", seed, i);
		cr_assert_eq(weft__line_taken(&line), count(HAS), "seed %" PRIu64 " step %u", seed, i);
	}
	cr_expect_gt(waited, 1000);
	cr_expect_gt(refused, 100);
	weft__line_fini(&line);
}

Test(gate_line, all_give_up__nobody_is_left)
{
	uint32_t tickets[8];

	cr_assert_eq(weft__line_init(&line, 1000), 0);
	for (uint32_t round = 0; round < 1000; round++) {
		cr_assert_eq(weft__line_come(&line, 1, &tickets[0]), WEFT__LINE_HAS);
		for (int i = 1; i < 8; i++)
			cr_assert_eq(weft__line_come(&line, 1, &tickets[i]), WEFT__LINE_WAITS);
		for (int i = 7; i > 0; i--)
			weft__line_give_up(&line, 1, tickets[i]);
		cr_assert_eq(weft__line_waiting(&line), 0, "marks at the head are passed at once");
		cr_assert_eq(weft__line_taken(&line), 1);
		weft__line_leave(&line, 1);
	}
	cr_expect_eq(weft__line_taken(&line), 0);
	weft__line_fini(&line);
}

static bool test_alloc_fails(void)
{
	return true;
}

Test(gate_line, no_memory)
{
	weft_allocator failing = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&failing), 0);
	cr_expect_eq(weft__line_init(&line, 1000), -ENOMEM);
}
