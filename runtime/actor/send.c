/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/send.c - from a reference into a mailbox.
 *
 * A send takes a place in the receiver's cell (one fetch_add that also checks the
 * life), then pushes (one exchange that also tells whether the receiver was idle),
 * then schedules the receiver if it was. Nothing else is shared.
 *
 * Why a place taken in time keeps the cell: the end of an actor makes the life
 * even with a fetch_add on the same word, so each sender's fetch_add comes before it
 * (then its place counts, and the end waits for the message) or after it (then it
 * sees the new life and gives the place back). runtime/actor/actor.c, actor_bury.
 */
#include "runtime/actor/outbox.h"

#include <errno.h>

#include "runtime/base/probe.h"

/* Take a place for one message. 0, -ESRCH, or -EAGAIN when bounded and full. */
static int place_take(struct weft_actor *a, uint64_t life, bool bounded)
{
	/*
	 * P1 acq_rel against the owner's P2 in actor_end: one of the two comes first.
	 * Acquire: the cell's constants of this life, written before the life was published (P3).
	 * Tests: tests/model/test_actor.c.
	 */
	uint64_t word = weft__fetch_add_acq_rel(&a->word, WEFT__PLACE);
	int r = 0;

	if ((word & WEFT__LIFE_MASK) != life || !(life & 1)) /* even: nobody's, as in weft_ref {0} */
		r = -ESRCH;
	else if (bounded && weft__depth(a, word) >= weft__bound(a))
		r = -EAGAIN;
	if (r < 0)
		weft__fetch_sub_acq_rel(&a->word, WEFT__PLACE); /* P4 release: what was read of the cell, before its next life */
	return r;
}

/* The actor is runnable from now on: into the queue where it belongs. */
static inline void enqueue(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a)
{
	uint32_t home = weft__load_relaxed(&a->home); /* relaxed: a hint */

	if (__builtin_expect(a->flags & WEFT__ACTOR_SPECIAL, 0))
		weft__actor_enqueue_special(rt, w, a);
	else if (__builtin_expect(!w, 0))
		weft__schedule_remote(&rt->sched, home & WEFT__HOME_MASK, false, &a->task);
	else if (home & WEFT__FRESH)
		weft__schedule_fresh(w, &a->task);
	else
		weft__schedule(w, &a->task);
}

static void probe_mark(struct weft_actor *a, uint32_t lane)
{
	uint32_t home = weft__load_relaxed(&a->home); /* relaxed: ours until it is scheduled */

	weft__store_relaxed(&a->home, home | WEFT__PROBE | lane << WEFT__PROBE_LANE_SHIFT);
}

void weft__probe_send(struct weft__worker *w, struct weft_actor *a)
{
	uint64_t turns = weft__load_relaxed(&w->turns); /* relaxed: single writer */

	w->probe_due = false;
	if (!weft__meter_probe(w->meter, turns - w->turns_probed))
		return;
	w->turns_probed = turns;
	probe_mark(a, w->id);
}

/* Apart from the usual, which needs no stack frame so. */
static __attribute__((noinline)) void enqueue_probed(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a)
{
	uint32_t foreign = rt->sched.worker_count + rt->sched.guest_count;

	if (w)
		weft__probe_send(w, a);
	else if (rt->sched.meters && weft__meter_probe_shared(&rt->sched.meters[foreign]))
		probe_mark(a, foreign);
	enqueue(rt, w, a);
}

void weft__actor_schedule(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a, struct weft_msg *first)
{
	a->first = first; /* ours until it is scheduled */
	if (__builtin_expect(!w || w->probe_due, 0))
		enqueue_probed(rt, w, a);
	else
		enqueue(rt, w, a);
}

/* Others were there before it: how many are there now? As good as told by a place, and where nobody was before, free. */
static __attribute__((noinline)) void depth_look(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a)
{
	struct weft__counters *count = w ? &w->count : &rt->foreign;
	uint64_t depth = weft__depth(a, weft__load_relaxed(&a->word)); /* relaxed: a figure; even the next life's would be one */
	uint64_t max = weft__load_relaxed(&count->depth_max);          /* relaxed: of a lane that has one writer, but ... */

	if (__builtin_expect(depth <= max, 1))
		return;
	if (w)
		weft__store_relaxed(&count->depth_max, depth);
	else
		while (depth > max && !weft__cas_acq_rel(&count->depth_max, &max, depth))
			; /* ... for the foreign threads' */
}

/* Push into a cell where a place was taken. w NULL: foreign thread. On the way of every message, so inline. */
static inline __attribute__((always_inline)) void push(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	if (weft__mailbox_push(&a->mailbox, msg))
		weft__actor_schedule(rt, w, a, msg);
	else
		depth_look(rt, w, a);
}

/* Does the sender rest instead of being refused? */
static bool may_mute(const struct weft__worker *w)
{
	return w->actor && (w->actor->flags & WEFT_ACTOR_MUTE) && w->actor->now != WEFT__ENDED;
}

/* The mailbox is full: take a place all the same, and rest after this message. */
static int place_past_bound(struct weft__worker *w, struct weft_actor *a, weft_ref to)
{
	int r = place_take(a, weft__ref_life(to), false);

	if (r == 0) {
		w->overloaded = to;
		w->actor->after |= WEFT__REST;
	}
	return r;
}

/* It sent before. True: msg is on its way, too. */
static inline bool put_or_close(struct weft__worker *w, weft_ref to, struct weft_msg *msg, bool bounded)
{
	if (bounded && weft__outbox_put(w, to, msg)) {
		weft__count(&w->count.sent, 1u);
		return true;
	}
	weft__outbox_close(w);
	return false;
}

static int send_on_worker(struct weft__worker *w, weft_ref to, struct weft_msg *msg, bool bounded)
{
	struct weft_runtime *rt = w->rt;
	struct weft_actor *a;
	int r;

	if (w->outbox.ref && put_or_close(w, to, msg, bounded))
		return 0;
	a = weft__ref_cell(rt, to);
	r = a ? place_take(a, weft__ref_life(to), bounded) : -ESRCH;
	if (__builtin_expect(r < 0, 0)) {
		if (r == -EAGAIN && may_mute(w))
			r = place_past_bound(w, a, to);
		if (r < 0) {
			weft__count(&w->count.refused, 1u);
			return r;
		}
	}
	if (msg == w->msg)
		weft__actor_detach_msg(w);
	weft__count(&w->count.sent, 1u);
	if (bounded)
		weft__outbox_remember(w, to);
	push(rt, w, a, msg);
	return 0;
}

/*
 * A guest outside of any activation is the host. Its send must be over before the
 * last worker ends what is left: it says so, then looks at the phase (seq_cst
 * against leave() in sched.c, which sets the phase, then waits for active).
 */
static int send_as_host(struct weft__worker *w, weft_ref to, struct weft_msg *msg, bool bounded)
{
	bool was_active = weft__load_relaxed(&w->active); /* relaxed: single writer */
	uint32_t phase;
	int r;

	weft__store_seq_cst(&w->active, true);
	phase = weft__load_seq_cst(&w->sched->phase);
	if (phase == WEFT__PHASE_HALT)
		r = -ESRCH;
	else if (bounded && phase != WEFT__PHASE_RUN)
		r = -ESHUTDOWN;
	else
		r = send_on_worker(w, to, msg, bounded);
	weft__store_release(&w->active, was_active);
	return r;
}

static void count_foreign(struct weft_runtime *rt, int r)
{
	/* relaxed: counters, read by statistics only */
	if (r < 0)
		weft__fetch_add_relaxed(&rt->foreign.refused, 1u);
	else
		weft__fetch_add_relaxed(&rt->foreign.sent, 1u);
}

/* Inside the registry. */
static int send_foreign(struct weft_runtime *rt, weft_ref to, struct weft_msg *msg, bool bounded)
{
	struct weft_actor *a = weft__ref_cell(rt, to);
	int r = a ? place_take(a, weft__ref_life(to), bounded) : -ESRCH;

	count_foreign(rt, r);
	if (r == 0)
		push(rt, NULL, a, msg);
	return r;
}

/* A message that is being handled elsewhere (another runtime's worker) leaves that mailbox first. */
static void leave_own_mailbox(struct weft_msg *msg)
{
	if (weft__self && weft__self->msg == msg)
		weft__actor_detach_msg(weft__self);
}

static int send_elsewhere(weft_ref to, struct weft_msg *msg, bool bounded)
{
	uint32_t slot = weft__ref_slot(to);
	struct weft_runtime *rt;
	int r = -ESRCH;

	if (weft__self)
		weft__outbox_close(weft__self);
	rt = weft__registry_enter(slot);
	if (!rt)
		return -ESRCH;
	if (bounded && weft__load_acquire(&rt->sched.phase) != WEFT__PHASE_RUN)
		r = -ESHUTDOWN;
	else if (weft__self && weft__self->msg == msg) {
		/* the push must come after the detach, and the detach only when the push will succeed */
		struct weft_actor *a = weft__ref_cell(rt, to);

		r = a ? place_take(a, weft__ref_life(to), bounded) : -ESRCH;
		count_foreign(rt, r);
		if (r == 0) {
			leave_own_mailbox(msg);
			push(rt, NULL, a, msg);
		}
	} else {
		r = send_foreign(rt, to, msg, bounded);
	}
	weft__registry_leave(slot);
	return r;
}

int weft__deliver_anywhere(weft_ref to, struct weft_msg *msg)
{
	struct weft__worker *w = weft__self;

	if (w && w->rt_slot == weft__ref_slot(to))
		return w->guest && !w->actor ? send_as_host(w, to, msg, false) : send_on_worker(w, to, msg, false);
	return send_elsewhere(to, msg, false);
}

/* What a plain send says of its sender: the actor that runs here, if any. */
static void set_sender(struct weft__worker *w, struct weft_msg *msg)
{
	if (msg->reply_kind == WEFT__REPLY_NONE)
		msg->target = w && w->actor ? w->actor->ref_id : 0;
}

static int send_bounded(struct weft__worker *w, weft_ref to, struct weft_msg *msg)
{
	if (__builtin_expect(w && w->rt_slot == weft__ref_slot(to), 1)) {
		if (__builtin_expect(w->guest && !w->actor, 0))
			return send_as_host(w, to, msg, true);
		return send_on_worker(w, to, msg, true);
	}
	return send_elsewhere(to, msg, true);
}

int weft_send(weft_ref to, weft_msg *msg)
{
	struct weft__worker *w = weft__self;
	uint64_t sender;
	int r;

	WEFT_RETURN_IF(!msg, -EINVAL);
	sender = msg->target;
	set_sender(w, msg);
	WEFT_PROBE3(send, msg->target, to.id, msg->kind);
	r = send_bounded(w, to, msg);
	if (__builtin_expect(r < 0, 0))
		msg->target = sender; /* nothing changed; else the message is not ours any more */
	return r;
}

int weft_actor_stop(weft_ref actor)
{
	struct weft_msg *msg = weft__msg_new(WEFT_KIND_STOP, 0);
	int r;

	if (!msg)
		return -ENOMEM;
	set_sender(weft__self, msg);
	r = weft__deliver_anywhere(actor, msg);
	if (r < 0)
		weft__msg_release(msg);
	return r;
}

/*
 * The flag beside the bound, which is seen before the next activation. The place keeps the life while it is set.
 * 0 or -ESRCH.
 */
static int kill_mark(weft_ref ref)
{
	uint32_t slot = weft__ref_slot(ref);
	struct weft_runtime *rt = weft__registry_enter(slot);
	struct weft_actor *a;
	int r = -ESRCH;

	if (!rt)
		return r;
	a = weft__ref_cell(rt, ref);
	if (a)
		r = place_take(a, weft__ref_life(ref), false);
	if (r == 0) {
		weft__fetch_or_acq_rel(&a->bound_msgs, WEFT__KILLED);
		weft__fetch_sub_acq_rel(&a->word, WEFT__PLACE); /* P4 */;
	}
	weft__registry_leave(slot);
	return r;
}

int weft_actor_kill(weft_ref actor)
{
	struct weft_msg *msg = weft__msg_new(WEFT_KIND_STOP, 0); /* wakes it if it sleeps */
	int r;

	if (!msg)
		return -ENOMEM;
	r = kill_mark(actor);
	if (r == 0)
		r = weft__deliver_anywhere(actor, msg);
	if (r < 0)
		weft__msg_release(msg);
	return r;
}

bool weft_actor_is_alive(weft_ref actor)
{
	struct weft__worker *w = weft__self;
	uint32_t slot = weft__ref_slot(actor);
	bool own = w && w->rt_slot == slot;
	struct weft_runtime *rt = own ? w->rt : weft__registry_enter(slot);
	struct weft_actor *a;
	bool alive;

	if (!rt)
		return false;
	a = weft__ref_cell(rt, actor);
	alive = a && actor.id && (weft__load_acquire(&a->word) & WEFT__LIFE_MASK) == weft__ref_life(actor);
	if (!own)
		weft__registry_leave(slot);
	return alive;
}
