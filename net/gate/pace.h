/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/pace.h - how many calls at once the endpoint bears: additive increase, multiplicative decrease.
 *
 * A good call while at least half of the places are taken raises the limit by 1 until the first cut ever (so it doubles
 * in the time of a call), and by 1 / limit afterwards (1 in the time of a call). A sign of overload cuts it to 3/4,
 * but only if that call began after the last cut: the rest of those that were under way at a cut tell nothing new.
 *
 * Two words, with no order between them that matters: cut_ns decides by CAS who cuts, limit is only a number.
 * Lock-free. Tests: tests/unit/net/test_gate_pace.c.
 */
#ifndef WEFT_NET_GATE_PACE_H
#define WEFT_NET_GATE_PACE_H

#include "runtime/base/atomic.h"

#define WEFT__PACE_MAX (1u << 20)

struct weft__pace {
	_Atomic(uint64_t) limit; /* in 1 / 65,536 of a call */
	_Atomic(uint64_t) cut_ns; /* the last cut; 0: never */
	uint32_t min, max;
};

void weft__pace_init(struct weft__pace *p, uint32_t min, uint32_t start, uint32_t max);

static inline uint32_t weft__pace_limit(const struct weft__pace *p)
{
	return (uint32_t)(weft__load_relaxed(&p->limit) >> 16); /* relaxed: a number; an older one is as good */
}

/** A good call, with so many places taken. @return true if there is room for one more */
bool weft__pace_good(struct weft__pace *p, uint32_t taken);

/** A sign of overload, by a call that began at began_ns. @return true if that cut the limit */
bool weft__pace_overload(struct weft__pace *p, uint64_t began_ns, uint64_t now_ns);

#endif
