/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/bucket.c - a token bucket as one moment in time: bucket.h. */
#include "net/gate/bucket.h"

#define MINUTE_NS UINT64_C(60000000000)
#define UNIT_SHIFT 16u
#define COST_MAX_NS (UINT64_C(1) << 60) /* 36 years: sums of two and a time of today do not wrap */

static uint64_t cost_of(const struct weft__bucket *b, uint32_t units)
{
	unsigned __int128 ns = ((unsigned __int128)units * b->unit_ns) >> UNIT_SHIFT;

	return ns < COST_MAX_NS ? (uint64_t)ns : COST_MAX_NS;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void weft__bucket_init(struct weft__bucket *b, uint32_t per_minute, uint32_t burst)
{
	/* relaxed: not shared yet */
	weft__store_relaxed(&b->full_ns, UINT64_C(0));
	weft__store_relaxed(&b->credit_ns, UINT64_C(0));
	b->per_minute = per_minute;
	/* rounded up, so that the rate is never exceeded; the error is below 1 / 65,536 ns a unit */
	b->unit_ns = per_minute ? ((MINUTE_NS << UNIT_SHIFT) + per_minute - 1) / per_minute : 0;
	b->burst_ns = per_minute ? cost_of(b, burst) : 0;
}

/* When something that left the bucket full at end_ns may go. */
static uint64_t due_at(const struct weft__bucket *b, uint64_t end_ns, uint64_t cost_ns)
{
	uint64_t back = later(cost_ns, b->burst_ns);

	return end_ns > back ? end_ns - back : 0;
}

uint64_t weft__bucket_take(struct weft__bucket *b, uint64_t now_ns, uint64_t latest_ns, uint32_t units,
                           struct weft_gate_booking *ret_booking)
{
	uint64_t cost = cost_of(b, units);
	uint64_t full = weft__load_acquire(&b->full_ns);
	uint64_t end, due;

	do {
		end = later(full, now_ns) + cost;
		due = later(due_at(b, end, cost), now_ns);
		if (due > latest_ns)
			return due;
		/* acquire: a return that this sees in full_ns is in the credit read below. release: for those who take later */
	} while (!weft__cas_weak_acq_rel(&b->full_ns, &full, end));
	*ret_booking = (struct weft_gate_booking){
		.cost_ns = cost, .end_ns = end, .credit_ns = weft__load_acquire(&b->credit_ns)
	};
	return due;
}

/* The end of a booking after all that came back since it was made. */
static uint64_t end_now(const struct weft__bucket *b, const struct weft_gate_booking *booking)
{
	/* acquire: only for its place behind the CAS of take, and behind earlier reads of its own */
	uint64_t back = weft__load_acquire(&b->credit_ns) - booking->credit_ns;

	return booking->end_ns > back ? booking->end_ns - back : 0;
}

uint64_t weft__bucket_due(const struct weft__bucket *b, const struct weft_gate_booking *booking)
{
	return due_at(b, end_now(b, booking), booking->cost_ns);
}

void weft__bucket_give_up(struct weft__bucket *b, const struct weft_gate_booking *booking)
{
	uint64_t full = weft__load_acquire(&b->full_ns);
	uint64_t end = end_now(b, booking), behind, back;

	do {
		behind = full > end ? full - end : 0; /* taken by those who came later */
		if (behind >= booking->cost_ns)
			return;
		back = booking->cost_ns - behind;
		/* acq_rel: one more link in the chain of takers */
	} while (!weft__cas_weak_acq_rel(&b->full_ns, &full, full > back ? full - back : 0));
}

void weft__bucket_used(struct weft__bucket *b, uint64_t now_ns, const struct weft_gate_booking *booking, uint32_t units)
{
	uint64_t cost = cost_of(b, units);
	uint64_t full, next;

	if (cost == booking->cost_ns)
		return;
	full = weft__load_acquire(&b->full_ns);
	/* before full_ns: see the table in bucket.h. Who begins to wait just now, unseen, is not moved: that is only slow */
	if (cost < booking->cost_ns && full > now_ns + b->burst_ns)
		weft__fetch_add_acq_rel(&b->credit_ns, booking->cost_ns - cost);
	do {
		if (cost < booking->cost_ns)
			next = full > booking->cost_ns - cost ? full - (booking->cost_ns - cost) : 0;
		else
			next = later(full, now_ns) + (cost - booking->cost_ns);
		/* release: the credit added above is seen by whoever sees this */
	} while (!weft__cas_weak_acq_rel(&b->full_ns, &full, next));
}
