/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/grace.c - see grace.h. */
#include "store/vector/grace.h"

#include "runtime/base/hash.h"

/* The same for all calls of a thread; spread over the stripes by where its stack or TLS lies. */
static uint32_t stripe_of_thread(void)
{
	static _Thread_local char here;

	return (uint32_t)(weft__mix64((uintptr_t)&here) % WEFT__GRACE_STRIPES);
}

weft__grace_place weft__grace_enter(struct weft__grace *g)
{
	/* relaxed: any value will do, see the header */
	uint64_t phase = weft__load_relaxed(&g->phase);
	weft__grace_place place = &g->stripes[stripe_of_thread()].in[phase & 1];

	weft__fetch_add_acq_rel(place, 1); /* G1 */
	return place;
}

void weft__grace_leave(weft__grace_place place)
{
	uint32_t were = weft__fetch_sub_acq_rel(place, 1); /* G2 */

	WEFT_ASSERT(were > 0);
	(void)were;
}

uint64_t weft__grace_stamp(struct weft__grace *g)
{
	return weft__fetch_add_acq_rel(&g->phase, 0); /* G3: an addition of nothing takes its place in the order */
}

static bool is_empty(struct weft__grace *g, uint64_t parity)
{
	for (uint32_t i = 0; i < WEFT__GRACE_STRIPES; i++) {
		if (weft__fetch_add_acq_rel(&g->stripes[i].in[parity], 0)) /* G1, G2 */
			return false;
	}
	return true;
}

void weft__grace_poll(struct weft__grace *g)
{
	if (!weft__lock_try(&g->turn))
		return;
	if (is_empty(g, (weft__load_acquire(&g->phase) + 1) & 1))
		weft__fetch_add_acq_rel(&g->phase, 1); /* G2, G3 */
	weft__lock_give(&g->turn);
}

bool weft__grace_over(struct weft__grace *g, uint64_t stamp)
{
	return weft__load_acquire(&g->phase) - stamp >= WEFT__GRACE_FLIPS; /* G2 */
}

void weft__grace_wait(struct weft__grace *g, uint64_t stamp)
{
	while (!weft__grace_over(g, stamp)) {
		weft__grace_poll(g);
		if (!weft__grace_over(g, stamp))
			weft__thread_yield();
	}
}
