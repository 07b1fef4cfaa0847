/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/stats.c - reading what the lanes count: weft/metrics.h, and the short form of weft/runtime.h.
 *
 * Each word has one writer and is read by itself, relaxed: the figures of a snapshot are not of one instant, and
 * nobody may conclude from one to another but at rest.
 */
#include <weft/metrics.h>

#include <errno.h>

#include "runtime/actor/core.h"

/* The foreign threads' lane is the last. */
static uint32_t lane_count(const struct weft_runtime *rt)
{
	return rt->sched.worker_count + rt->sched.guest_count + 1;
}

static const struct weft__counters *counters_of(const struct weft_runtime *rt, uint32_t lane)
{
	return lane + 1 == lane_count(rt) ? &rt->foreign : &rt->sched.workers[lane].count;
}

static void add_counters(weft_stats *s, const struct weft__counters *c)
{
	uint64_t depth_max = weft__load_relaxed(&c->depth_max);

	/* relaxed: statistics; exact when the runtime rests */
	s->msgs_sent += weft__load_relaxed(&c->sent);
	s->msgs_handled += weft__load_relaxed(&c->handled);
	s->msgs_dropped += weft__load_relaxed(&c->dropped);
	s->msgs_refused += weft__load_relaxed(&c->refused);
	s->activations += weft__load_relaxed(&c->activations);
	s->steals += weft__load_relaxed(&c->steals);
	s->parks += weft__load_relaxed(&c->parks);
	s->wakes += weft__load_relaxed(&c->wakes);
	s->actors_spawned += weft__load_relaxed(&c->spawned);
	s->actors_ended += weft__load_relaxed(&c->ended);
	s->actors_muted += weft__load_relaxed(&c->muted);
	s->timers_fired += weft__load_relaxed(&c->timers);
	if (depth_max > s->mailbox_depth_max)
		s->mailbox_depth_max = depth_max;
}

static void add_gauges(weft_stats *s, const struct weft__worker *w)
{
	/* relaxed, also inside of what is called: hints */
	s->queue_tasks += weft__runq_depth(&w->runq) + (weft__load_relaxed(&w->lifo) != NULL);
	s->fresh_tasks += weft__deque_depth(&w->fresh);
	s->injects_pending += !weft__inject_is_empty(&w->inject) || !weft__inject_is_empty(&w->inject_pinned) ||
	                      !weft__inject_is_empty(&w->inject_timers);
	s->parked += weft__load_relaxed(&w->sleeping) == 1;
	/* acquire: all loops, which were stored before (sched.c, report_open); none goes before the runtime does */
	if (!w->guest && weft__load_acquire(&w->sched->opened) == w->sched->worker_count && w->loop)
		s->io_in_flight += weft__loop_in_flight(w->loop);
}

/* What begins on one lane and ends on another: only the sum means anything. */
static void read_shared(weft_stats *s, const struct weft_runtime *rt)
{
	uint64_t ended = 0, closed = 0, spawned = 0, opened = 0;

	/* what ends first: as a rule (the stores are relaxed) no end is seen without its beginning */
	for (uint32_t i = 0; i < lane_count(rt); i++) {
		ended += weft__load_acquire(&counters_of(rt, i)->ended);
		closed += weft__load_acquire(&counters_of(rt, i)->req_closed);
	}
	for (uint32_t i = 0; i < lane_count(rt); i++) {
		spawned += weft__load_acquire(&counters_of(rt, i)->spawned);
		opened += weft__load_acquire(&counters_of(rt, i)->req_opened);
	}
	s->actors_alive = (uint32_t)(spawned > ended ? spawned - ended : 0);
	s->requests_open = (uint32_t)(opened > closed ? opened - closed : 0);
}

int weft_stats_read(const weft_runtime *rt, uint32_t lane, weft_stats *ret_stats)
{
	weft_stats s = WEFT_STATS_INIT;
	uint32_t first = lane == WEFT_LANE_ALL ? 0 : lane, end;

	WEFT_RETURN_IF(!rt || !ret_stats || ret_stats->size != sizeof(s), -EINVAL);
	WEFT_RETURN_IF(lane != WEFT_LANE_ALL && lane >= lane_count(rt), -EINVAL);
	s.lanes = lane_count(rt);
	s.workers = rt->sched.worker_count;
	end = lane == WEFT_LANE_ALL ? s.lanes : lane + 1;
	for (uint32_t i = first; i < end; i++) {
		add_counters(&s, counters_of(rt, i));
		if (i + 1 < s.lanes)
			add_gauges(&s, &rt->sched.workers[i]);
	}
	read_shared(&s, rt);
	*ret_stats = s;
	return 0;
}

int weft_stats_histogram(const weft_runtime *rt, uint32_t lane, uint32_t kind, weft_histogram *into)
{
	uint32_t first = lane == WEFT_LANE_ALL ? 0 : lane, end;

	WEFT_RETURN_IF(!rt || !into || kind > WEFT_STATS_DELAY_NS, -EINVAL);
	WEFT_RETURN_IF(lane != WEFT_LANE_ALL && lane >= lane_count(rt), -EINVAL);
	WEFT_RETURN_IF(!rt->sched.meters, -ENODATA);
	end = lane == WEFT_LANE_ALL ? lane_count(rt) : lane + 1;
	for (uint32_t i = first; i < end; i++) {
		const struct weft__meter *m = &rt->sched.meters[i];

		weft_histogram_merge(into, kind == WEFT_STATS_DELAY_NS ? &m->delay_ns : &m->turn_ns);
	}
	return 0;
}

int weft_runtime_stats_read(const weft_runtime *rt, weft_runtime_stats *ret_stats)
{
	weft_stats s = WEFT_STATS_INIT;
	int r;

	WEFT_RETURN_IF(!ret_stats || ret_stats->size != sizeof(*ret_stats), -EINVAL);
	r = weft_stats_read(rt, WEFT_LANE_ALL, &s);
	if (r < 0)
		return r;
	*ret_stats = (weft_runtime_stats){
		.size = sizeof(*ret_stats),
		.workers = s.workers,
		.msgs_sent = s.msgs_sent,
		.msgs_handled = s.msgs_handled,
		.msgs_dropped = s.msgs_dropped,
		.msgs_refused = s.msgs_refused,
		.activations = s.activations,
		.steals = s.steals,
		.parks = s.parks,
		.wakes = s.wakes,
		.actors_spawned = s.actors_spawned,
		.actors_ended = s.actors_ended,
		.timers_fired = s.timers_fired,
		.requests_open = s.requests_open,
		.actors_muted = s.actors_muted,
	};
	return 0;
}
