/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/host/guest.c - foreign threads that run actors while they wait.
 *
 * Waking a sleeping worker and being woken by it costs tens of microseconds; running
 * the work costs less. So a thread that waits takes a guest's place: a worker without
 * thread, loop and wheel, whose queue it works off itself. Workers may steal from
 * it like from each other. What it cannot do (timers, pinned actors) goes to a worker.
 *
 * A guest's `active` says that it is inside the runtime: it sets it, then looks at
 * the phase; the last worker out sets the phase, then waits until no guest is
 * active (seq_cst on both sides; sched.c, leave).
 */
#include "runtime/host/host.h"

#include <errno.h>

#define DEADLINE_CHECK_TASKS 16u

int weft__may_wait(void)
{
	struct weft__worker *w = weft__self;

	/* active: in a function that an actor's answer called; the guest is inside, although no actor runs. relaxed: its own */
	return w && (!w->guest || weft__load_relaxed(&w->active)) ? -EDEADLK : 0;
}

static struct weft__worker *place_take(struct weft_runtime *rt)
{
	struct weft__sched *s = &rt->sched;

	for (uint32_t i = 0; i < s->guest_count; i++) {
		struct weft__worker *w = &s->workers[s->worker_count + i];
		uint32_t vacant = 0;

		/* acquire: what the guest before left in its queues and caches */
		if (weft__cas_acq_rel(&w->occupied, &vacant, 1u)) {
			weft__fetch_add_seq_cst(&s->guests_active, 1u); /* before the look at watch, E1 in park.c */
			weft__watch_begin(s);
			return w;
		}
	}
	return NULL;
}

/* Whatever is queued goes to the workers. Active meanwhile: what is on its way lies in no queue that a drain looks at. */
static void hand_over(struct weft__worker *w)
{
	struct weft__task *task;
	uint32_t n = 0;

	weft__store_seq_cst(&w->active, true);
	while ((task = weft__next_task(w)))
		weft__schedule_remote(w->sched, n++, false, task);
	weft__store_release(&w->active, false);
}

static void place_give(struct weft__worker *w)
{
	hand_over(w);
	weft__timers_hand_over(w);
	weft__fetch_sub_seq_cst(&w->sched->guests_active, 1u);
	weft__store_release(&w->occupied, 0u);
}

int weft_guest_enter(weft_runtime *rt)
{
	struct weft__worker *w;

	WEFT_RETURN_IF(!rt, -EINVAL);
	if (weft__self)
		return weft__self->guest && !weft__self->actor ? -EBUSY : -EDEADLK;
	if (!rt->sched.started || weft__load_acquire(&rt->sched.phase) != WEFT__PHASE_RUN)
		return -ESHUTDOWN;
	w = place_take(rt);
	if (!w)
		return -EBUSY;
	weft__self = w;
	return 0;
}

int weft_guest_leave(weft_runtime *rt)
{
	struct weft__worker *w = weft__self;

	WEFT_RETURN_IF(!rt || !w || !w->guest || w->rt != rt, -EINVAL);
	WEFT_RETURN_IF(weft__may_wait() < 0, -EDEADLK);
	weft__self = NULL;
	place_give(w);
	return 0;
}

struct looking {
	weft__done_fn done;
	void *what;
};

static bool something_is_there(void *arg)
{
	struct looking *l = arg;

	return l->done(l->what) != WEFT__NOT_YET;
}

/* Run what there is, look around for spin_ns, come back when all is there or nothing is found. */
static void work(struct weft__worker *w, weft__done_fn done, void *what, uint64_t deadline_ns)
{
	struct weft__sched *s = w->sched;
	struct looking looking = { .done = done, .what = what };
	uint32_t until_clock = DEADLINE_CHECK_TASKS;

	weft__load_unknown(w);
	while (weft__load_acquire(&s->phase) != WEFT__PHASE_HALT) {
		enum weft__progress progress = done(what);
		struct weft__task *task;

		if (progress == WEFT__ALL)
			return;
		task = weft__next_task(w);
		if (!task && progress == WEFT__NOT_YET) {
			task = weft__search(w, something_is_there, &looking);
			weft__turn_later(w);
		}
		if (!task)
			return;
		weft__run_task(w, task);
		if (--until_clock == 0) {
			if (weft_now_ns() >= deadline_ns)
				return;
			until_clock = DEADLINE_CHECK_TASKS;
		}
	}
}

static void work_as_guest(struct weft__worker *w, weft__done_fn done, void *what, uint64_t deadline_ns)
{
	weft__store_seq_cst(&w->active, true);
	if (weft__load_seq_cst(&w->sched->phase) != WEFT__PHASE_HALT)
		work(w, done, what, deadline_ns);
	if (done(what) == WEFT__NOT_YET)
		weft__timers_hand_over(w); /* the caller will sleep */
	weft__store_release(&w->active, false);
}

/* It will sleep, and its own runtime has its timers. */
static void sleep_elsewhere(struct weft__worker *w)
{
	weft__store_seq_cst(&w->active, true); /* as in hand_over */
	weft__timers_hand_over(w);
	weft__store_release(&w->active, false);
}

void weft__help(uint32_t rt_slot, weft__done_fn done, void *what, uint64_t deadline_ns)
{
	struct weft__worker *w = weft__self;
	struct weft_runtime *rt;

	if (w) {
		if (w->rt_slot == rt_slot)
			work_as_guest(w, done, what, deadline_ns);
		else
			sleep_elsewhere(w);
		return;
	}
	rt = weft__registry_enter(rt_slot);
	if (!rt)
		return;
	w = rt->sched.started ? place_take(rt) : NULL;
	if (w) {
		weft__self = w;
		work_as_guest(w, done, what, deadline_ns);
		weft__self = NULL;
		place_give(w);
	}
	weft__registry_leave(rt_slot); /* until here the runtime is not freed */
}
