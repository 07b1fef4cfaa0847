/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/meter.c - taking a sample; see meter.h. */
#include "runtime/observe/meter.h"

#include "runtime/base/clock.h"

bool weft__meter_probe(struct weft__meter *m, uint64_t weight)
{
	if (weft__load_acquire(&m->from)) /* V1 */
		return false;
	m->weight = weight;
	weft__store_relaxed(&m->from, weft__tsc()); /* relaxed: the queue that brings the actor publishes both */
	return true;
}

bool weft__meter_probe_shared(struct weft__meter *m)
{
	uint64_t none = 0;

	/* relaxed: a look before the exchange */
	return !weft__load_relaxed(&m->from) && weft__tsc_is_calibrated() &&
	       weft__cas_acq_rel(&m->from, &none, weft__tsc());
}

static uint64_t ns_since(uint64_t from)
{
	uint64_t now = weft__tsc();

	return now > from ? weft__tsc_to_ns(now - from) : 0;
}

void weft__meter_arrived(struct weft__meter *m, struct weft__meter *of)
{
	/* relaxed: the queue ordered it */
	weft__histogram_add(&m->delay_ns, ns_since(weft__load_relaxed(&of->from)), of->weight);
	weft__store_release(&of->from, 0u); /* V1 */
}

void weft__meter_turn(struct weft__meter *m, uint64_t from, uint64_t weight)
{
	weft__histogram_add(&m->turn_ns, ns_since(from), weight);
}
