/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/gate.h - what a gate is made of: weft/gate.h is what it does.
 *
 * A call goes by these, in this order; each is a file of its own, with its own proof:
 *
 *	breaker?  ->  line: a place  ->  quiet?  ->  buckets: requests, tokens  ->  breaker: go
 *
 * The line comes before the buckets: so only those who have a place hold bookings of the future, and whoever gives up
 * in the line gives up nothing but its ticket. The buckets come last: what waited in line goes no faster than the rate.
 * The breaker comes twice: whoever would wait in vain is sent away at once, and the one call that tries whether the
 * endpoint is back is chosen when it really goes.
 */
#ifndef WEFT_NET_GATE_GATE_H
#define WEFT_NET_GATE_GATE_H

#include <weft/gate.h>

#include "net/gate/breaker.h"
#include "net/gate/bucket.h"
#include "net/gate/line.h"
#include "net/gate/pace.h"
#include "net/gate/retry.h"
#include "runtime/base/refs.h"

enum weft__gate_count {
	WEFT__GATE_REFUSED_BREAKER = 0,
	WEFT__GATE_REFUSED_OVERLOAD,
	WEFT__GATE_REFUSED_DEADLINE,
	WEFT__GATE_RETRIES,
	WEFT__GATE_RETRIES_DENIED,
	WEFT__GATE_CUTS,
	WEFT__GATE_OPENED,
	WEFT__GATE_COUNTS
};

struct weft_gate {
	/* read by all, written when something is wrong */
	_Alignas(WEFT_CACHELINE) struct weft__breaker breaker;
	_Atomic(uint64_t) quiet_ns; /* until then the endpoint wants to be left alone */
	struct weft__pace pace;
	/* the line: written by each call, twice */
	_Alignas(WEFT_CACHELINE) struct weft__line line;
	_Atomic(uint64_t) left_ns; /* the last one left then; 0: nobody waited. A guess, as is the next */
	_Atomic(uint64_t) gap_ns;  /* between two who leave while others wait, smoothed; 0: not known */
	/* the buckets: requests, tokens */
	_Alignas(WEFT_CACHELINE) struct weft__bucket buckets[2];
	/* the rest is rare, or does not change */
	_Alignas(WEFT_CACHELINE) struct weft__retry_budget budget;
	_Atomic(uint64_t) draws; /* of random times */
	_Atomic(uint64_t) counts[WEFT__GATE_COUNTS];
	weft__refs refs;
	uint32_t retries;
	uint64_t wait_max_ns, retry_first_ns, retry_cap_ns, retry_after_max_ns;
	uint64_t seed;
};

#endif
