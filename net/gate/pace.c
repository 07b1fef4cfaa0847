/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/pace.c - how many calls at once the endpoint bears: pace.h. */
#include "net/gate/pace.h"

#define ONE (UINT64_C(1) << 16)

void weft__pace_init(struct weft__pace *p, uint32_t min, uint32_t start, uint32_t max)
{
	weft__store_relaxed(&p->limit, start * ONE); /* relaxed: not shared yet */
	weft__store_relaxed(&p->cut_ns, UINT64_C(0));
	p->min = min;
	p->max = max;
}

bool weft__pace_good(struct weft__pace *p, uint32_t taken)
{
	uint64_t limit = weft__load_relaxed(&p->limit); /* relaxed here and below: a number, nothing hangs on it */
	uint64_t most = p->max * ONE;
	uint64_t next, step;

	do {
		if (limit >= most || taken * 2 < limit / ONE)
			return false;
		step = weft__load_relaxed(&p->cut_ns) ? ONE * ONE / limit : ONE;
		next = limit + step < most ? limit + step : most;
	} while (!weft__cas_weak_acq_rel(&p->limit, &limit, next));
	return next / ONE > limit / ONE;
}

bool weft__pace_overload(struct weft__pace *p, uint64_t began_ns, uint64_t now_ns)
{
	uint64_t cut = weft__load_acquire(&p->cut_ns);
	uint64_t least = p->min * ONE;
	uint64_t limit, next;

	/* acq_rel: of those who saw the same last cut, one makes the next */
	if (began_ns < cut || !weft__cas_acq_rel(&p->cut_ns, &cut, now_ns > cut ? now_ns : cut + 1))
		return false;
	limit = weft__load_relaxed(&p->limit);
	do {
		next = limit / 4 * 3 > least ? limit / 4 * 3 : least;
	} while (!weft__cas_weak_acq_rel(&p->limit, &limit, next));
	return true;
}
