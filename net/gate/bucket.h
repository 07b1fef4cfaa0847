/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/bucket.h - so many units a minute: a token bucket as one moment in time.
 *
 * The word is when the bucket will be full again (GCRA's theoretical arrival time). A unit costs a minute / rate of
 * time; to take is to push that moment on; the level is what of the burst it leaves open:
 *
 *	          now         due                     full
 *	-----------|-----------|-----------------------|-------> time
 *	                       |<-------- burst ------>|
 *	                        (a taker goes when the level is not below zero: full - due <= burst)
 *
 * Who must wait has taken already (a booking): later takers come behind it, so nobody starves and nobody asks twice.
 * What costs more than the burst goes when the bucket is full.
 *
 * Two more things happen to a booking:
 *  - it is given up: only what was not promised to later ones comes back, so the rate holds whatever is cancelled;
 *  - an earlier one used less than it had taken: all that comes back, and those who wait move forward by as much,
 *    through `credit`, the sum of all that ever came back. A booking remembers the sum it was made at.
 *
 *	                 full                        credit
 *	take             CAS, acquire (first)        load (second)
 *	use less         CAS, release (second)       add (first), if anybody waits
 *
 * So whoever sees `full` without a return also sees its credit from the start, and does not move for it: moving twice
 * for one return would exceed the rate; not moving at all is only slow.
 *
 * Any thread; lock-free: a CAS fails only because another one succeeded. Times wrap in 584 years.
 * Tests: tests/unit/net/test_gate_bucket.c, tests/model/test_gate_bucket.c.
 */
#ifndef WEFT_NET_GATE_BUCKET_H
#define WEFT_NET_GATE_BUCKET_H

#include <weft/gate.h>

#include "runtime/base/atomic.h"

struct weft__bucket {
	_Atomic(uint64_t) full_ns;
	_Atomic(uint64_t) credit_ns;
	uint64_t per_minute; /* 0: no limit, nothing here is touched */
	uint64_t unit_ns; /* what one costs, in 1 / 65,536 ns */
	uint64_t burst_ns;
};

void weft__bucket_init(struct weft__bucket *b, uint32_t per_minute, uint32_t burst);

/*
 * A booking (struct weft_gate_booking) is its owner's: cost_ns is what was taken, end_ns is full_ns as that left it,
 * credit_ns is the credit then, or a little later.
 */

/**
 * Take units, unless that would mean to wait beyond latest_ns: then nothing is changed.
 * @return when to go, now_ns at the earliest
 */
uint64_t weft__bucket_take(struct weft__bucket *b, uint64_t now_ns, uint64_t latest_ns, uint32_t units,
                           struct weft_gate_booking *ret_booking);

/** When to go, as it stands now: never later than take said, or this before. */
uint64_t weft__bucket_due(const struct weft__bucket *b, const struct weft_gate_booking *booking);

/** Never went. */
void weft__bucket_give_up(struct weft__bucket *b, const struct weft_gate_booking *booking);

/** Went, with so many units in truth. */
void weft__bucket_used(struct weft__bucket *b, uint64_t now_ns, const struct weft_gate_booking *booking, uint32_t units);

#endif
