/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/retry.h - what an outcome says, whether a second time is safe, when, and out of which budget.
 *
 * The budget keeps retries from becoming the load: each first try pays a share of a retry in, each retry takes a
 * whole one out. It begins full, with 10. So over any stretch: retries <= 10 + share * first tries.
 * Tests: tests/unit/net/test_gate_retry.c.
 */
#ifndef WEFT_NET_GATE_RETRY_H
#define WEFT_NET_GATE_RETRY_H

#include <weft/gate.h>

#include "net/gate/breaker.h"
#include "runtime/base/atomic.h"

#define WEFT__RETRIES_SAVED 10u

enum weft__repeat { WEFT__REPEAT_NEVER = 0, WEFT__REPEAT_IF_SAFE, WEFT__REPEAT_ALWAYS };

/* What an outcome says to each part of a gate. */
struct weft__meaning {
	bool good;     /* the call succeeded */
	bool overload; /* the endpoint has too much to do */
	bool quiet;    /* a time it names is meant for everybody */
	uint8_t repeat; /* enum weft__repeat, by kind alone */
	uint8_t news;   /* enum weft__breaker_news */
	const char *why; /* when not good; static */
};

struct weft__meaning weft__meaning_of(const weft_gate_outcome *outcome);

/** A random time up to first * 2^n, at most cap; what the endpoint asked for comes on top of a time up to first. */
uint64_t weft__retry_delay(uint64_t random, uint32_t n, uint64_t first_ns, uint64_t cap_ns, uint64_t retry_after_ns);

struct weft__retry_budget {
	_Atomic(uint32_t) points; /* a retry costs 100 */
	uint32_t share_percent;
};

void weft__retry_budget_init(struct weft__retry_budget *b, uint32_t share_percent);
void weft__retry_budget_pay(struct weft__retry_budget *b); /* a first try is over */
bool weft__retry_budget_take(struct weft__retry_budget *b);

#endif
