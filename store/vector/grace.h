/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/grace.h - when may memory be used again that readers without locks may still look at?
 *
 * A reader announces itself in one of two counters, chosen by the parity of the phase,
 * and takes itself off the same one. The phase goes up by one when the counters of the
 * parity it goes to are all zero. What was unlinked when the phase was p may be reused
 * once it is p + 3:
 *
 *     writer: unlink X, stamp p            | anybody: flip to p+1      flip to p+2        flip to p+3
 *     reader: +1 even ... sees X ... -1 even            (even and odd counters, one each, were seen at zero
 *                                                        by scans that began after the stamp)
 *
 * Nobody waits: writers poll when they want memory, and go without while a reader is in.
 *
 * | field           | written by                 | read by           |
 * |-----------------|----------------------------|-------------------|
 * | phase           | poll, one at a time (turn) | enter, stamp, all |
 * | stripes[].in[2] | enter and leave, any       | poll              |
 *
 * Edges, all of them read-modify-writes, so no fence is needed:
 *  G1 enter's add -> poll's look: whichever is first in the counter's order. The reader first: poll sees it and
 *     does not flip. Poll first: the reader's add reads from it, so it sees all that was unlinked before the flip
 *     that poll's scan followed.
 *  G2 leave's subtract -> poll's look -> flip -> whoever sees the phase: the reader's last load is before the reuse.
 *  G3 stamp -> flip: a stamp that gave p is before the flip to p+1 in the phase's order, and so are the unlinks
 *     before it. The scans of the flips to p+2 and p+3 begin after that flip and look at either parity once.
 *     (The scan of the flip to p+1 may have begun before the unlink, hence 3 and not 2.)
 * The parity a reader chose may be as old as you like: both are looked at.
 * Wrap: 2^64 flips. Progress: enter and leave wait-free; poll never waits.
 * Source: after the two-parity counters of sleepable RCU (McKenney). Tests: tests/unit/store/test_grace.c,
 * tests/model/test_grace.c, tests/stress/test_index.c.
 */
#ifndef WEFT_STORE_VECTOR_GRACE_H
#define WEFT_STORE_VECTOR_GRACE_H

#include "store/vector/lock.h"

#ifndef WEFT__GRACE_STRIPES /* fewer in a model */
#define WEFT__GRACE_STRIPES 16u
#endif
#define WEFT__GRACE_FLIPS 3u

struct weft__grace {
	_Alignas(WEFT_CACHELINE) _Atomic(uint64_t) phase;
	struct weft__lock turn; /* whose scan it is */
	struct {
		_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) in[2];
	} stripes[WEFT__GRACE_STRIPES];
};

/* Where a reader stands: give it back to leave. */
typedef _Atomic(uint32_t) *weft__grace_place;

weft__grace_place weft__grace_enter(struct weft__grace *g);
void weft__grace_leave(weft__grace_place place);

/* After unlinking: what to hand to weft__grace_over. */
uint64_t weft__grace_stamp(struct weft__grace *g);
/* Flip if that can be done now. */
void weft__grace_poll(struct weft__grace *g);
/* Have all readers left that may have seen what was unlinked before this stamp? */
bool weft__grace_over(struct weft__grace *g, uint64_t stamp);
/* Wait for that. Never between enter and leave. */
void weft__grace_wait(struct weft__grace *g, uint64_t stamp);

#endif
