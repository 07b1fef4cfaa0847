/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/added.c - what the agents of a load took beyond their waits: all of them, those of each turn through the
 * loads, and those that met no stall of the host.
 *
 * A stall reaches from its begin until what came meanwhile is worked off: at load rho that lasts rho / (1 - rho) of its
 * length beyond its end. An agent whose time does not touch that met none.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bench/plan/work.h"

#define SEEN_NS 1000000u /* a stall is seen so much after its end, at most */
#define AFTER_MAX 20.0   /* lengths of the stall, until what came meanwhile is worked off */

static int by_added(const void *a, const void *b)
{
	double x = ((const struct plan_ended *)a)->added_ms, y = ((const struct plan_ended *)b)->added_ms;

	return (x > y) - (x < y);
}

/* Of agents in rising order. */
static double quantile(const struct plan_ended *agents, uint32_t n, double q)
{
	double at = ceil(q * n) - 1;

	return n ? fmax(0, agents[at < 0 ? 0 : at >= n ? n - 1 : (uint32_t)at].added_ms) : (double)NAN;
}

static double mean(const struct plan_ended *agents, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += agents[i].added_ms;
	return n ? sum / n : (double)NAN;
}

/* Those of a load, of all drivers, in rising order. @return how many; *ret is the caller's, NULL: out of memory */
static uint32_t gather(const struct plan_seen *seen, uint32_t load, struct plan_ended **ret)
{
	uint32_t n = 0, room = 1;

	for (uint32_t i = 0; i < seen->run->workers; i++)
		room += seen->sums[i].agent_count;
	*ret = calloc(room, sizeof(**ret));
	for (uint32_t i = 0; *ret && i < seen->run->workers; i++)
		for (uint32_t k = 0; k < seen->sums[i].agent_count; k++)
			if (seen->sums[i].agents[k].phase % seen->run->loads == load)
				(*ret)[n++] = seen->sums[i].agents[k];
	if (*ret)
		qsort(*ret, n, sizeof(**ret), by_added);
	return n;
}

/* ---- stalls ---------------------------------------------------------------------------------------- */

/* Does what a stall did reach into this time? */
static bool touches(const struct plan_stall *s, double after, uint64_t from_ns, uint64_t to_ns)
{
	return s->end_ns - s->ns - SEEN_NS < to_ns && s->end_ns + (uint64_t)(after * (double)s->ns) > from_ns;
}

/* Those that met no stall come to the front, in their order. @return how many */
static uint32_t untouched(const struct plan_seen *seen, double busy, struct plan_ended *agents, uint32_t n)
{
	double waits_ms = plan_waits_ms(&seen->run->work), after = busy < 1 ? fmin(AFTER_MAX, busy / (1 - busy)) : AFTER_MAX;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t from_ns = agents[i].due_ns, to_ns = from_ns + (uint64_t)(fmax(0, waits_ms + agents[i].added_ms) * 1e6);
		bool met = false;

		for (uint32_t k = 0; k < seen->stall_count && !met; k++)
			met = touches(&seen->stalls[k], after, from_ns, to_ns);
		if (!met)
			agents[kept++] = agents[i];
	}
	return kept;
}

/* The stalls of the load's time, windows and what leads up to them. */
static void stalls(const struct plan_seen *seen, uint32_t load, struct plan_point *p)
{
	for (uint32_t c = 0; c < seen->run->cycles; c++) {
		const struct plan_phase *ph = &seen->phases[c * seen->run->loads + load];

		for (int side = 0; side < PLAN_SIDES; side++)
			p->stalls[side].seconds += seen->watched[side] * (double)(ph->end_ns - ph->from_ns) / 1e9;
		for (uint32_t i = 0; i < seen->stall_count; i++)
			if (seen->stalls[i].end_ns >= ph->from_ns && seen->stalls[i].end_ns < ph->end_ns)
				plan_stalls_add(&p->stalls[seen->stalls[i].who], (double)seen->stalls[i].ns / 1e6);
	}
}

int plan_added_sum(const struct plan_seen *seen, uint32_t load, struct plan_point *p)
{
	struct plan_ended *agents;
	uint32_t n = gather(seen, load, &agents), own;

	if (!agents || !n) {
		free(agents);
		return agents ? -ENODATA : -ENOMEM;
	}
	p->done = n;
	for (int q = 0; q < PLAN_QUANTILES; q++)
		p->added_ms[q] = quantile(agents, n, plan_quantiles[q]);
	p->added_mean_ms = mean(agents, n);
	p->added_max_ms = quantile(agents, n, 1);
	p->under_way = p->done_per_s * (plan_waits_ms(&seen->run->work) + p->added_mean_ms) / 1e3;
	for (uint32_t i = 0; i < n; i++)
		plan_turn_add(&p->turns[agents[i].phase / seen->run->loads], agents[i].added_ms);
	if (seen->watched[PLAN_WORKERS]) {
		stalls(seen, load, p);
		own = untouched(seen, p->busy, agents, n);
		p->own_share = (double)own / n;
		for (int q = 0; q < PLAN_QUANTILES && own >= PLAN_OWN_MIN; q++)
			p->own_ms[q] = quantile(agents, own, plan_quantiles[q]);
		p->own_mean_ms = own >= PLAN_OWN_MIN ? mean(agents, own) : (double)NAN;
	}
	free(agents);
	return 0;
}
