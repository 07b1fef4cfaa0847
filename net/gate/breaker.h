/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/breaker.h - is the endpoint broken? One word.
 *
 *	   good: failures = 0
 *	   bad:  failures + 1
 *	      +---------+   failures_max in a row    +------+
 *	      | CLOSED  | -------------------------> | OPEN | <-------+
 *	      +---------+      until = now + open    +------+         | bad, or it never went
 *	           ^                                     | now >= until: the first who goes, by CAS
 *	           |              good                   v            |
 *	           +------------------------------ +-----------+ -----+
 *	                                           | HALF_OPEN |   one call, nobody else
 *	                                           +-----------+
 *
 *	word = { stamp : 46 (ms) | failures : 16 | state : 2 }     stamp: CLOSED since, OPEN until
 *
 * A call remembers the stamp it went at (its period). Only calls of this period count: what went before the breaker
 * opened and comes back after it closed says nothing of now. HALF_OPEN is left by its one call alone.
 * Lock-free. Tests: tests/unit/net/test_gate_breaker.c, tests/model/test_gate_breaker.c.
 */
#ifndef WEFT_NET_GATE_BREAKER_H
#define WEFT_NET_GATE_BREAKER_H

#include <weft/gate.h>

#include "runtime/base/atomic.h"

#define WEFT__BREAKER_FAILURES_MAX 65535u
#define WEFT__BREAKER_PROBE UINT64_MAX /* the period of the one call of HALF_OPEN */

struct weft__breaker {
	_Atomic(uint64_t) word;
	uint32_t failures_max; /* 0: it never opens */
	uint64_t open_ns;
};

enum weft__breaker_news { WEFT__BREAKER_GOOD = 0, WEFT__BREAKER_BAD, WEFT__BREAKER_NOTHING };

void weft__breaker_init(struct weft__breaker *b, uint32_t failures_max, uint64_t open_ns);

/** @return 0: there is a point in trying to go; else in so many nanoseconds there may be */
uint64_t weft__breaker_wait(const struct weft__breaker *b, uint64_t now_ns);

/** Go. @return false: not just now, ask weft__breaker_wait; else the call's period, to be told with its news */
bool weft__breaker_go(struct weft__breaker *b, uint64_t now_ns, uint64_t *ret_period);

/** A call that went is back; NOTHING: it was given up, or failed for a reason of our own. @return true if that opened it */
bool weft__breaker_back(struct weft__breaker *b, uint64_t now_ns, uint64_t period, enum weft__breaker_news news);

weft_breaker_state weft__breaker_state(const struct weft__breaker *b);

#endif
