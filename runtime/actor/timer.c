/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/timer.c - timers of actors, on the wheels of workers.
 *
 * A timer is the message that it will send: the wheel's node, its place in the
 * actor's set of timers, and its state live in the message's payload, so that
 * running out needs no memory. It sits in one worker's wheel although its actor may
 * move on; whoever decides (run out or cancel) wins the state with a CAS:
 *
 *     HELD --guest--> SENT --wheel's worker--> ARMED --the same--> FIRED   on its way to the actor
 *       \              \                       \----actor---> CANCELLED   by request: the worker frees it
 *        \              \----actor-----------------> CANCELLED   the worker frees it when it is to arm it
 *         \----actor-------------------------> CANCELLED   the guest frees it
 *
 * Another worker's wheel is never touched: arm (from a guest, which has no wheel)
 * and cancel go there as requests through its injection stack. Cancel is asked for only when the
 * arm was seen to: a guest that is interrupted on its way cannot come after. A guest
 * holds what it arms until it sleeps or leaves: most timers are deadlines that are
 * cancelled before that, and handing one over wakes a worker.
 *
 * Tests: tests/api/test_timer.c, tests/model/test_timer.c.
 */
#include "runtime/actor/core.h"

#include <errno.h>

#include "runtime/base/probe.h"

#define DUE_MAX (UINT64_MAX / 2)

enum { ARMED = 0, FIRED, CANCELLED, HELD, SENT };
enum { REQUEST_ARM = 1, REQUEST_CANCEL = 2 };

struct request {
	ck_stack_entry_t link;
	struct weft__actor_timer *timer;
	uint32_t what;
};

struct weft__actor_timer {
	struct weft__timer timer;
	struct weft__timer_entry entry;          /* of the actor's set; the actor's, but for the id, which is constant */
	uint64_t due_ns;                         /* constant */
	uint64_t actor;                          /* weft_ref.id; constant */
	struct weft__actor_timer *held_next, **held_prev; /* HELD: the guest's list; the guest */
	struct request arm, cancel;
	uint32_t holder;  /* HELD: the guest's id; constant */
	uint32_t worker;  /* whose wheel; constant */
	bool by_request;  /* constant */
	bool in_wheel;    /* the wheel's worker */
	_Atomic(uint32_t) state;
};

static struct weft_msg *msg_of(struct weft__actor_timer *t)
{
	return (struct weft_msg *)((char *)t - WEFT__MSG_HEADER_BYTES);
}

static struct weft__actor_timer *timer_of(struct weft__timer_entry *entry)
{
	return (struct weft__actor_timer *)((char *)entry - offsetof(struct weft__actor_timer, entry));
}

/* On the wheel's worker. */
static void wheel_put(struct weft__worker *w, struct weft__actor_timer *t)
{
	weft__wheel_add(w->wheel, &t->timer, t->due_ns);
	t->in_wheel = true;
	/* it runs out at the first tick that is not early */
	if (t->due_ns + WEFT__WHEEL_TICK_NS < w->wheel_due_ns)
		w->wheel_due_ns = t->due_ns + WEFT__WHEEL_TICK_NS;
}

static void wheel_drop(struct weft__worker *w, struct weft__actor_timer *t)
{
	if (t->in_wheel)
		weft__wheel_cancel(w->wheel, &t->timer);
	weft__msg_release(msg_of(t));
}

/* ---- what a guest holds ------------------------------------------------------------ */

static void hold(struct weft__worker *w, struct weft__actor_timer *t)
{
	weft__store_relaxed(&t->state, (uint32_t)HELD); /* relaxed: nobody else knows it yet */
	t->holder = w->id;
	t->held_next = w->held_timers;
	t->held_prev = &w->held_timers;
	if (t->held_next)
		t->held_next->held_prev = &t->held_next;
	w->held_timers = t;
}

static void let_go(struct weft__actor_timer *t)
{
	*t->held_prev = t->held_next;
	if (t->held_next)
		t->held_next->held_prev = t->held_prev;
}

void weft__timers_hand_over(struct weft__worker *w)
{
	struct weft__actor_timer *t;

	while ((t = w->held_timers)) {
		uint32_t held = HELD;

		let_go(t);
		t->arm = (struct request){ .timer = t, .what = REQUEST_ARM };
		if (weft__cas_acq_rel(&t->state, &held, (uint32_t)SENT))
			weft__timer_remote(w->sched, t->worker, &t->arm.link);
		else
			weft__msg_release(msg_of(t)); /* cancelled by its actor, on another thread */
	}
}

int weft_timer_start(weft_actor *self, uint64_t delay_ns, uint64_t token, weft_timer *ret_timer)
{
	uint64_t now = weft_now_ns();

	return weft_timer_start_at(self, delay_ns > DUE_MAX - now ? DUE_MAX : now + delay_ns, token, ret_timer);
}

int weft_timer_start_at(weft_actor *self, uint64_t due_ns, uint64_t token, weft_timer *ret_timer)
{
	struct weft__worker *w = weft__self;
	struct weft__actor_timer *t;
	struct weft_msg *m;

	WEFT_RETURN_IF(!self || !w || w->actor != self, -EINVAL);
	WEFT_RETURN_IF(weft__load_relaxed(&w->sched->phase) == WEFT__PHASE_HALT, -ESHUTDOWN);
	WEFT_RETURN_IF(self->now == WEFT__ENDED, -ESRCH); /* as in weft_actor_link */
	m = weft__msg_new(WEFT_KIND_TIMER, sizeof(*t));
	if (!m)
		return -ENOMEM;
	m->token = token;
	t = weft__msg_payload(m);
	t->entry.id = ((uint64_t)(w->id + 1) << 48) | ++w->timer_seq;
	t->due_ns = due_ns > DUE_MAX ? DUE_MAX : due_ns;
	t->actor = self->ref_id;
	weft__timer_set_add(&self->timers, &t->entry);
	if (!w->guest) {
		t->worker = w->id;
		wheel_put(w, t);
	} else {
		t->worker = weft__load_relaxed(&self->home) & WEFT__HOME_MASK; /* relaxed: any worker will do */
		t->by_request = true;
		hold(w, t);
	}
	if (ret_timer)
		ret_timer->id = t->entry.id;
	return 0;
}

/*
 * The actor wins the state: see that whoever has the timer frees it. False: it has fired. Out of the actor's set
 * first: a guest or worker that finds CANCELLED frees it at once, and nothing of it is touched after that.
 */
static bool cancel_one(struct weft_actor *a, struct weft__worker *w, struct weft__actor_timer *t)
{
	uint32_t armed = ARMED, held = HELD, sent = SENT;
	bool own = t->holder == w->id; /* if it is held at all */

	weft__timer_set_remove(&a->timers, &t->entry);
	/* in the order in which others change it */
	if (weft__cas_acq_rel(&t->state, &held, (uint32_t)CANCELLED)) {
		if (own) { /* else its guest frees it */
			let_go(t);
			weft__msg_release(msg_of(t));
		}
		return true;
	}
	if (weft__cas_acq_rel(&t->state, &sent, (uint32_t)CANCELLED))
		return true; /* the wheel's worker frees it */
	if (!weft__cas_acq_rel(&t->state, &armed, (uint32_t)CANCELLED))
		return false;
	if (!t->by_request && t->worker == w->id && !w->guest) {
		wheel_drop(w, t);
	} else {
		t->cancel = (struct request){ .timer = t, .what = REQUEST_CANCEL };
		weft__timer_remote(w->sched, t->worker, &t->cancel.link);
	}
	return true;
}

int weft_timer_cancel(weft_actor *self, weft_timer timer)
{
	struct weft__worker *w = weft__self;
	struct weft__timer_entry *entry;

	WEFT_RETURN_IF(!self || !w || w->actor != self, -EINVAL);
	entry = weft__timer_set_find(&self->timers, timer.id);
	if (!entry)
		return -ENOENT;
	if (cancel_one(self, w, timer_of(entry)))
		return 0;
	weft__timer_set_add(&self->timers, entry); /* until its message is handled */
	return -ENOENT;
}

struct ending {
	struct weft_actor *actor;
	struct weft__worker *worker;
};

static void cancel_each(struct weft__timer_entry *entry, void *user)
{
	struct ending *e = user;

	cancel_one(e->actor, e->worker, timer_of(entry)); /* one that fired is in the mailbox, or will find the actor gone */
}

void weft__timers_cancel_all(struct weft_actor *a, struct weft__worker *w)
{
	struct ending e = { a, w };

	if (__builtin_expect(!a->timers.word, 1))
		return;
	weft__timer_set_each(&a->timers, cancel_each, &e);
	weft__timer_set_clear(&a->timers);
}

void weft__timer_delivered(struct weft_actor *a, struct weft_msg *msg)
{
	struct weft__actor_timer *t = weft__msg_payload(msg);

	if (msg->len_bytes != sizeof(*t) || weft__load_relaxed(&t->state) != FIRED)
		return;
	weft__timer_set_remove(&a->timers, &t->entry);
	msg->len_bytes = 0; /* the behaviour sees a message without payload */
}

void weft__timer_due(struct weft__worker *w, struct weft__timer *timer)
{
	struct weft__actor_timer *t = (struct weft__actor_timer *)timer;
	uint32_t armed = ARMED;

	t->in_wheel = false;
	if (!weft__cas_acq_rel(&t->state, &armed, (uint32_t)FIRED))
		return; /* a cancel request is on its way and frees it */
	weft__count(&w->count.timers, 1u);
	WEFT_PROBE2(timer, t->actor, t->due_ns);
	if (__builtin_expect(w->traced, 0))
		weft__note(w, WEFT_FLIGHT_TIMER, 0, t->actor, 0);
	if (weft__deliver_anywhere((weft_ref){ t->actor }, msg_of(t)) < 0)
		weft__msg_release(msg_of(t));
}

static void arm(struct weft__worker *w, struct weft__actor_timer *t)
{
	uint32_t sent = SENT;

	if (weft__cas_acq_rel(&t->state, &sent, (uint32_t)ARMED))
		wheel_put(w, t);
	else
		weft__msg_release(msg_of(t)); /* cancelled meanwhile */
}

void weft__timer_requests(struct weft__worker *w, ck_stack_entry_t *oldest)
{
	while (oldest) {
		struct request *request = (struct request *)oldest;

		oldest = oldest->next;
		if (request->what == REQUEST_ARM)
			arm(w, request->timer);
		else
			wheel_drop(w, request->timer);
	}
}
