/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/line.h - places for so many calls at once, and a line of those who wait for one.
 *
 *	   ... gone ... | have a place, or had one | wait, first come first served |
 *	----------------+--------------------------+-------------------------------+----> tickets
 *	                                         serve                            next
 *
 *	word  = { next : 32 | serve : 32 }      places taken = serve - back
 *	back  = places given back so far        waiting      = next - serve
 *
 * Who comes draws a ticket (next + 1). A place is given by serve + 1, when serve - back < limit, by whoever notices:
 * the one who comes, the one who leaves, or the one who asks again. A waiting ticket has a place once serve is past it.
 * A ticket that is given up while it waits leaves a mark in a ring of bits; when serve comes past a mark, the place is
 * given back at once. Marks at the head of the line are passed even when no place is free.
 *
 *	who                                then
 *	come:     word, next + 1 (D1)      look at back: is there a place after all? (D2)
 *	leave:    back + 1 (D2)            look at word: does anybody wait? (D1)
 *	serve:    word, serve + 1 (E1)     look at the mark (E2)
 *	give up:  set the mark (E2)        look at word: was it served meanwhile? (E1)
 *
 * Both pairs write one word and read the other: all four are sequentially consistent, so that at least one of two sees
 * the other. For a mark that both see, clearing it decides who gives the place back: exactly one does.
 *
 * Never more than limit places: `back` only grows, so a value read before the CAS can only make the line stricter.
 * Lock-free. 32-bit counts wrap: a waiting ticket must be looked at once in 2^31 tickets. A mark may be left by ticket
 * t while t + ring is served (its owner is held up between mark and look): then the server clears it and gives back
 * t's place, which nobody else does any more. Tests: tests/unit/net/test_gate_line.c, tests/model/test_gate_line.c.
 */
#ifndef WEFT_NET_GATE_LINE_H
#define WEFT_NET_GATE_LINE_H

#include "runtime/base/atomic.h"

struct weft__line {
	_Atomic(uint64_t) word;
	_Atomic(uint32_t) back;
	uint32_t waiting_max;
	uint32_t ring_mask; /* in bits; the ring has more of them than may wait */
	_Atomic(uint64_t) *marks;
};

enum weft__line_place { WEFT__LINE_FULL = 0, WEFT__LINE_WAITS, WEFT__LINE_HAS };

/** @return 0 or -ENOMEM */
int weft__line_init(struct weft__line *l, uint32_t waiting_max);
void weft__line_fini(struct weft__line *l);

/** Come. FULL: so many wait that this one may not (and drew no ticket). WAITS: ask weft__line_served. */
enum weft__line_place weft__line_come(struct weft__line *l, uint32_t limit, uint32_t *ret_ticket);

/** Does a ticket that waits have its place by now? */
bool weft__line_served(struct weft__line *l, uint32_t limit, uint32_t ticket);

/** Give a place back. */
void weft__line_leave(struct weft__line *l, uint32_t limit);

/** Give up a ticket that was not yet seen to be served. */
void weft__line_give_up(struct weft__line *l, uint32_t limit, uint32_t ticket);

/** The limit was raised: serve whoever may go now. */
void weft__line_serve(struct weft__line *l, uint32_t limit);

uint32_t weft__line_taken(const struct weft__line *l);
uint32_t weft__line_waiting(const struct weft__line *l);
/** How many of those who wait come before a ticket. */
uint32_t weft__line_before(const struct weft__line *l, uint32_t ticket);

#endif
