/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/runtime.c - the life of a runtime: what weft/runtime.h promises, by
 * putting the rooms together. Order of birth: registry, workers, table, bus; order
 * of death the other way round, after the last worker has ended every actor.
 */
#include <weft/runtime.h>

#include <errno.h>

#include <weft/alloc.h>
#include <weft/event.h>

#include "runtime/actor/core.h"
#include "runtime/base/clock.h"

#define ACTORS_DEFAULT (1u << 22)
#define ACTORS_MOST (1u << WEFT__CELL_BITS)
#define MAILBOX_DEFAULT 4096u
#define EVENT_RING_DEFAULT (256u << 10)

struct weft__bus *weft__runtime_bus(const weft_runtime *rt)
{
	return rt->bus;
}

uint32_t weft__current_lane(const weft_runtime *rt, uint64_t *ret_turn)
{
	struct weft__worker *w = weft__worker_of(rt);

	*ret_turn = w && w->actor ? weft__load_relaxed(&w->count.handled) : 0; /* relaxed: single writer */
	return w ? w->id : rt->sched.worker_count + rt->sched.guest_count;
}

uint64_t weft_workflow_id(weft_runtime *rt)
{
	struct weft__worker *w = weft__worker_of(rt);
	uint64_t foreign = rt->sched.worker_count + rt->sched.guest_count;

	if (w)
		return ((w->id + UINT64_C(1)) << 48) | ++w->workflow_seq;
	/* relaxed: only uniqueness matters */
	return ((foreign + 1) << 48) | (weft__fetch_add_relaxed(&rt->foreign_workflow_seq, 1u) + 1);
}

static int options_read(const weft_runtime_options *opt, weft_runtime_options *ret)
{
	weft_runtime_options o = WEFT_RUNTIME_OPTIONS_INIT;

	if (opt) {
		WEFT_RETURN_IF(opt->size != sizeof(*opt), -EINVAL);
		o = *opt;
	}
	WEFT_RETURN_IF(o.actors_max > ACTORS_MOST, -EINVAL);
	WEFT_RETURN_IF(o.mailbox_msgs > WEFT__PLACES_MASK / 4, -EINVAL);
	WEFT_RETURN_IF(o.log_level > WEFT_LOG_ERROR, -EINVAL);
	WEFT_RETURN_IF(o.event_ring_bytes & (o.event_ring_bytes - 1), -EINVAL);
	WEFT_RETURN_IF(o.event_ring_bytes && o.event_ring_bytes < 4096, -EINVAL);
	if (!o.actors_max)
		o.actors_max = ACTORS_DEFAULT;
	if (!o.mailbox_msgs)
		o.mailbox_msgs = MAILBOX_DEFAULT;
	if (!o.event_ring_bytes)
		o.event_ring_bytes = EVENT_RING_DEFAULT;
	*ret = o;
	return 0;
}

/* What did not hold is told, and the actor that ran into it fails: its branch ends, the process goes on. */
static void report_fault(const char *what, const char *file, int line, void *user)
{
	struct weft_runtime *rt = user;
	struct weft_actor *self = weft_actor_self();

	if (rt->fault)
		rt->fault(what, file, line, rt->fault_user);
	else
		weft__log(&rt->sched.log, WEFT_LOG_ERROR, "%s:%d: invariant does not hold: %s", file, line, what);
	if (self && self->now == WEFT__LIVES)
		weft_actor_check_failed(self, what, file, line);
}

static int rooms_init(struct weft_runtime *rt, const weft_runtime_options *opt)
{
	int r = weft__registry_add(rt);

	if (r < 0)
		return r;
	r = weft__sched_init(&rt->sched, rt, &weft__actor_hooks, opt);
	if (r < 0)
		return r;
	r = weft__table_init(&rt->table, opt->actors_max, rt->sched.worker_count + rt->sched.guest_count);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < rt->sched.worker_count + rt->sched.guest_count; i++)
		rt->sched.workers[i].rt_slot = rt->slot;
	return weft__bus_create(rt->sched.worker_count + rt->sched.guest_count, opt->event_ring_bytes, &rt->bus);
}

int weft_runtime_create(const weft_runtime_options *opt, weft_runtime **ret_rt)
{
	weft_runtime_options o;
	struct weft_runtime *rt;
	int r;

	WEFT_RETURN_IF(!ret_rt, -EINVAL);
	r = options_read(opt, &o);
	if (r < 0)
		return r;
	rt = weft_aligned_alloc(WEFT_CACHELINE, sizeof(*rt));
	if (!rt)
		return -ENOMEM;
	*rt = (struct weft_runtime){
		.slot = UINT32_MAX,
		.mailbox_msgs = o.mailbox_msgs,
		.fault = o.fault,
		.fault_user = o.fault_user,
		.sched.log = { .level = o.log_level, .fn = o.log, .user = o.log_user },
	};
	pthread_mutex_init(&rt->mute.lock, NULL);
	weft__names_init(rt);
	r = rooms_init(rt, &o);
	if (r < 0) {
		weft_runtime_destroy(rt);
		return r;
	}
	weft__registry_publish(rt);
	*ret_rt = rt;
	return 0;
}

int weft_runtime_start(weft_runtime *rt)
{
	WEFT_RETURN_IF(!rt, -EINVAL);
	weft__fault_hook_set(report_fault, rt);
	return weft__sched_start(&rt->sched);
}

int weft_runtime_stop(weft_runtime *rt, uint64_t timeout_ns)
{
	uint64_t now = weft_now_ns();

	WEFT_RETURN_IF(!rt, -EINVAL);
	weft__sched_stop(&rt->sched, timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns);
	return 0;
}

int weft_runtime_join(weft_runtime *rt)
{
	WEFT_RETURN_IF(!rt || !rt->sched.started, -EINVAL);
	WEFT_RETURN_IF(weft__load_acquire(&rt->sched.phase) == WEFT__PHASE_RUN, -EINVAL);
	/* a worker would wait for itself, a guest holds the last worker up */
	WEFT_RETURN_IF(weft__worker_of(rt), -EDEADLK);
	return weft__sched_join(&rt->sched);
}

static void highest_life(struct weft_actor *a, void *user)
{
	uint64_t life = weft__load_relaxed(&a->word) & WEFT__LIFE_MASK; /* relaxed: nobody else is left */
	uint64_t *highest = user;

	if (life > *highest)
		*highest = life;
}

/* Timers of killed actors were cancelled by request; their wheels' threads are gone. */
static void late_timer_requests(struct weft_runtime *rt)
{
	for (uint32_t i = 0; i < rt->sched.worker_count; i++) {
		struct weft__worker *w = &rt->sched.workers[i];

		weft__timer_requests(w, weft__inject_take_all(&w->inject_timers));
	}
}

/* Never started: no worker ran the halt, so it is done here, perhaps by an actor of another runtime. */
static void halt_unstarted(struct weft_runtime *rt)
{
	struct weft__worker *self = weft__self;

	weft__store_release(&rt->sched.phase, (uint32_t)WEFT__PHASE_HALT);
	weft__self = &rt->sched.workers[0];
	weft__actor_hooks.halted(rt);
	weft__self = self;
}

void weft_runtime_destroy(weft_runtime *rt)
{
	uint64_t life;

	if (!rt)
		return;
	if (weft__worker_of(rt)) {
		(void)WEFT_CHECK(false && "weft_runtime_destroy called from a worker or guest");
		return;
	}
	if (rt->sched.workers) {
		if (rt->sched.started) {
			weft_runtime_stop(rt, 0);
			weft__sched_join(&rt->sched);
		} else {
			halt_unstarted(rt);
		}
		late_timer_requests(rt);
	}
	if (rt->slot != UINT32_MAX) {
		weft__registry_quiesce(rt);
		life = rt->table.first_life;
		if (rt->table.segments)
			weft__table_each(&rt->table, highest_life, &life);
		weft__registry_remove(rt, life);
	}
	weft__fault_hook_unset(rt);
	weft__bus_destroy(rt->bus);
	weft__sched_fini(&rt->sched);
	weft__table_fini(&rt->table);
	weft__names_fini(rt);
	pthread_mutex_destroy(&rt->mute.lock);
	weft_free(rt);
}

uint32_t weft_runtime_workers(const weft_runtime *rt)
{
	return rt ? rt->sched.worker_count : 0;
}

const char *weft_runtime_io_name(const weft_runtime *rt)
{
	return rt && rt->sched.io_name ? rt->sched.io_name : "";
}
