/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/park.c - how a worker falls asleep without missing work.
 *
 * There is one place to sleep, the wait of the I/O loop, and one way to be woken,
 * weft__loop_wake. Whoever sends work pushes it and then looks at `sleeping`;
 * a worker that goes to sleep sets `sleeping` and then looks at its queues. Each
 * stores one word and loads the other's, so both sides must be sequentially consistent:
 *
 *     sender                              worker
 *     push to inject        (D1)          sleeping = 1           (D2, seq_cst)
 *     look at sleeping      (D1')         look at inject         (D2')
 *
 * With acquire and release alone both looks could see the old value, and the
 * work would lie there until the next wake-up: the lost wake-up. A phase is such work,
 * too: who sets it looks at sleeping, who sleeps looks at it.
 *
 *   sleeping   0 awake   1 asleep   2 woken in order to search (holds `searching`)
 *
 *   written by   0 -> 1: the worker, in park    1 -> 0, 1 -> 2: a waker, by CAS    any -> 0: the worker
 *   read by      senders, the worker
 *
 * Which calls may overlap (X) on one worker:
 *                park  wake  wake_one
 *   park          -     X       X        (the worker only)
 *   wake          X     X       X
 *   wake_one      X     X       X        (one at a time that goes past `searching`)
 *
 * Invariant: work that is in a queue of w, or a phase that was set, has been seen by w after it last
 * set sleeping, or w's wait ends. Linearization: falling asleep at D2; waking at the CAS.
 * Progress: wake and wake_one are lock-free; park blocks, which is its purpose.
 * ABA: a wake that is late hits a worker that slept again, which then looks around in vain.
 *
 * Only the waker that takes 1 away writes the eventfd, so a worker is woken once.
 *
 * The watch. Nobody knows how long a behaviour will take, and what waits behind it (sent to its worker by a foreign
 * thread, sent by itself, due at the same time) is taken by others only if they look. So as long as anybody is awake,
 * one sleeper has the watch, and naps: it wakes up after NAP_MIN_NS, doubling to NAP_MAX_NS, searches, and sleeps again. The others
 * sleep on. When all are asleep nobody naps, and somebody must again when the first one is woken. Whoever sets to work after a sleep
 * sees to that, before: if nobody has the watch he gives it to a sleeper, whose loop will end its wait after a nap's time (a
 * timerfd: the sleeper itself is left alone until then). Who has the watch and sets to work passes it on.
 *
 *     sets to work                        falls asleep
 *     sleepers - 1                        sleeping = 1                  (D2)
 *     watch = 0, if it is its own (E1)    look at watch                 (E5)    free: take it, unless all sleep; nap with it
 *     is it free? who sleeps? (E3)        watch = 0, if it is its own   (E2)
 *                                         look at sleepers: all?        (E2')   if not, take it again
 *
 *     gives it to x                       x
 *     watch = x + 1         (E3)          sleeping = 0
 *     look at x's sleeping  (E3')         look at watch: mine?          (E4)    if so, pass it on before work
 *
 * Store here, load there, all seq_cst: either who sets to work sees that the watch is gone, or who gives it up sees that somebody
 * is awake; either who has nobody to pass it on to sees who just fell asleep, or that one sees that it is free; either who
 * gives it away sees that x is up, takes it back and looks again, or x sees that it has it. So what lies in the queues of a worker
 * that does not come back is found within NAP_MAX_NS and a search, if any worker sleeps.
 *
 * Tests: tests/model/test_park.c, test_steal.c, test_drain.c: every interleaving of a sleeper and its senders;
 * tests/stress/test_park.c: one request at a time, all workers asleep in between,
 * so that nobody naps and a lost wake-up is a request without an answer.
 */
#include "runtime/sched/worker.h"

#include "runtime/base/probe.h"

#define NAP_MIN_NS UINT64_C(1000000)
#define NAP_MAX_NS UINT64_C(16000000)
#define DRAIN_NAP_MIN_NS 500000u

#define WAKE_NS_MIN 2000u   /* whatever was measured */
#define WAKE_NS_MAX 200000u /* longer was something else: the machine had no core for it */

enum { AWAKE = 0, ASLEEP = 1, CALLED = 2 };

/* Somebody is about to wake w: when, for measure_wake. Several may be; the last counts. */
static void stamp_wake(struct weft__worker *w)
{
	weft__store_relaxed(&w->woken_ns, weft_now_ns()); /* relaxed: a measure */
}

/*
 * How long a wake-up takes differs by twenty times between machines (a virtual CPU halts at
 * once), so it is not a constant: each one that happens is measured.
 */
static void measure_wake(struct weft__worker *w)
{
	struct weft__sched *s = w->sched;
	/* relaxed: a measure; two workers at once lose one of theirs */
	uint64_t took = weft_now_ns() - weft__load_relaxed(&w->woken_ns), mean = weft__load_relaxed(&s->wake_ns);

	if (took < WAKE_NS_MIN)
		took = WAKE_NS_MIN;
	if (took <= WAKE_NS_MAX)
		weft__store_relaxed(&s->wake_ns, (7 * mean + took) / 8);
}

/* This thread woke w. */
static void woke(const struct weft__worker *w)
{
	struct weft__worker *self = weft__self;

	if (!self)
		return;
	weft__count(&self->count.wakes, 1u);
	weft__note(self, WEFT_FLIGHT_WAKE, w->id, 0, 0);
	WEFT_PROBE2(wake, self->id, w->id);
}

void weft__wake(struct weft__worker *w)
{
	uint32_t asleep = ASLEEP;

	/* D1': seq_cst, after the push (D1 in inject.h). */
	if (weft__load_seq_cst(&w->sleeping) != ASLEEP)
		return;
	stamp_wake(w);
	if (!weft__cas_seq_cst(&w->sleeping, &asleep, (uint32_t)AWAKE))
		return;
	weft__loop_wake(w->loop);
	woke(w);
}

void weft__wake_one(struct weft__sched *s)
{
	uint32_t nobody = 0;

	if (!weft__cas_acq_rel(&s->searching, &nobody, 1u))
		return;
	for (uint32_t i = 0; i < s->worker_count; i++) {
		struct weft__worker *w = &s->workers[i];
		uint32_t asleep = ASLEEP;

		/* relaxed: a look before the exchange */
		if (weft__load_relaxed(&w->sleeping) != ASLEEP)
			continue;
		stamp_wake(w);
		if (!weft__cas_seq_cst(&w->sleeping, &asleep, (uint32_t)CALLED))
			continue;
		weft__loop_wake(w->loop);
		woke(w);
		return; /* `searching` is w's now */
	}
	weft__store_release(&s->searching, 0u);
}

/* ---- the watch -------------------------------------------------------------------------------- */

void weft__watch_found(struct weft__sched *s)
{
	weft__store_relaxed(&s->watch_ns, NAP_MIN_NS); /* relaxed: a measure */
}

/* False: w is not asleep after all, and it is taken back. */
static bool watch_give(struct weft__sched *s, struct weft__worker *w)
{
	uint32_t its = w->id + 1;

	if (weft__load_seq_cst(&w->sleeping) == ASLEEP) { /* E3' */
		weft__loop_wake_in(w->loop, weft__load_relaxed(&s->watch_ns)); /* relaxed: a measure */
		return true;
	}
	return !weft__cas_seq_cst(&s->watch, &its, 0u); /* unless it has seen it, and passes it on */
}

/* Nobody has it. The last one first: wake_one begins with the first, and who has the watch had better be left asleep. */
static void watch_hand_out(struct weft__sched *s)
{
	uint32_t i = s->worker_count;

	while (weft__load_seq_cst(&s->sleepers) && i-- > 0) {
		struct weft__worker *w = &s->workers[i];
		uint32_t nobody = 0;

		if (weft__load_seq_cst(&w->sleeping) != ASLEEP)
			continue;
		if (!weft__cas_seq_cst(&s->watch, &nobody, w->id + 1) || watch_give(s, w)) /* E3 */
			return;
		i = s->worker_count; /* who fell asleep meanwhile relied on w */
	}
}

void weft__watch_begin(struct weft__sched *s)
{
	if (!weft__load_seq_cst(&s->watch)) /* E1 */
		watch_hand_out(s);
}

void weft__watch_pass(struct weft__worker *w)
{
	struct weft__sched *s = w->sched;
	uint32_t mine = w->id + 1, whose = weft__load_seq_cst(&s->watch); /* E1, E4 */

	if (whose == mine)
		weft__cas_seq_cst(&s->watch, &mine, 0u); /* unless it was taken back */
	else if (whose)
		return;
	watch_hand_out(s);
}

/*
 * w falls asleep, as the asleep-th; that was counted behind D2, and is its look at sleepers (E2'). True: it need not wake up of
 * itself, for all others sleep, too, or one of them has the watch.
 */
static bool watch_end(struct weft__worker *w, uint32_t asleep)
{
	struct weft__sched *s = w->sched;
	uint64_t ns = weft__load_relaxed(&s->watch_ns); /* relaxed: a measure */
	bool deserted = asleep >= s->worker_count && !weft__load_seq_cst(&s->guests_active);
	uint32_t mine = w->id + 1, whose = weft__load_seq_cst(&s->watch); /* E5, after D2 */

	if (whose == mine) {
		weft__store_relaxed(&s->watch_ns, ns * 2 < NAP_MAX_NS ? ns * 2 : NAP_MAX_NS); /* relaxed: a measure */
		if (!deserted)
			return false;
		weft__cas_seq_cst(&s->watch, &mine, whose = 0); /* E2 */
		deserted = weft__load_seq_cst(&s->sleepers) >= s->worker_count && !weft__load_seq_cst(&s->guests_active);
	}
	return deserted || whose || !weft__cas_seq_cst(&s->watch, &whose, w->id + 1);
}

void weft__wake_all(struct weft__sched *s)
{
	for (uint32_t i = 0; i < s->worker_count; i++)
		weft__wake(&s->workers[i]);
}

/* D2': after D2. */
static bool has_own_work(struct weft__worker *w)
{
	return !weft__inject_is_empty_seq_cst(&w->inject) || !weft__inject_is_empty_seq_cst(&w->inject_pinned) ||
	       !weft__inject_is_empty_seq_cst(&w->inject_timers);
}

static bool classes_are_empty(struct weft__worker *w)
{
	for (uint32_t class = 0; class < WEFT__CLASSES; class++) {
		if (weft__runq_depth(&w->classes[class]))
			return false;
	}
	return true;
}

static bool is_empty(struct weft__worker *w)
{
	/* a guest that sits in its place without being inside holds nothing up */
	return !weft__load_seq_cst(&w->active) && !has_own_work(w) && !weft__runq_depth(&w->runq) &&
	       !weft__deque_depth(&w->fresh) && !weft__load_acquire(&w->lifo) && classes_are_empty(w);
}

/*
 * Nobody runs anything and nothing is queued. In the way of the work, so that none passes by unseen: guests, which
 * hand over to workers' injections and only then are not active; the workers' queues; and last whether all sleep,
 * for a worker wakes up before it takes what was injected.
 */
static bool is_still(struct weft__sched *s)
{
	for (uint32_t i = s->worker_count + s->guest_count; i-- > 0;) {
		if (!is_empty(&s->workers[i]))
			return false;
	}
	return weft__load_seq_cst(&s->sleepers) == s->worker_count;
}

static uint64_t turns_taken(struct weft__sched *s)
{
	uint64_t turns = 0;

	/* acquire: what is looked at next is looked at later */
	for (uint32_t i = 0; i < s->worker_count + s->guest_count; i++)
		turns += weft__load_acquire(&s->workers[i].turns);
	return turns;
}

/*
 * Nothing runs, nothing is queued, nobody waits for an answer. Asked by a worker
 * that is asleep itself, in the drain phase, when foreign threads are refused.
 *
 * A foreign thread may still answer: it delivers, then the request is closed. So what came with
 * an answer that is not open any more is found by the second look. No turn was taken in between:
 * nobody woke up, opened a new request, and fell asleep again.
 */
static bool is_quiescent(struct weft__sched *s)
{
	uint64_t turns = turns_taken(s);

	return is_still(s) && !s->hooks->requests_open(s->rt) && is_still(s) && turns_taken(s) == turns;
}

static void drain_step(struct weft__sched *s)
{
	uint32_t phase = WEFT__PHASE_DRAIN;
	bool quiet = is_quiescent(s);

	if (!quiet && weft_now_ns() < weft__load_relaxed(&s->deadline_ns)) /* relaxed: looked at again soon */
		return;
	if (!weft__cas_seq_cst(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)) /* T2, and D1 for wake_all */
		return;
	weft__store_release(&s->drained, quiet);
	weft__wake_all(s);
}

/* w falls asleep as the asleep-th. */
static uint64_t sleep_ns(struct weft__worker *w, uint32_t phase, uint32_t asleep)
{
	uint64_t now = weft_now_ns();
	uint64_t ns = w->wheel_due_ns == UINT64_MAX ? UINT64_MAX : w->wheel_due_ns > now ? w->wheel_due_ns - now : 0;

	if (watch_end(w, asleep) && phase == WEFT__PHASE_RUN) {
		w->nap_ns = 0;
		return ns;
	}
	/* growing in DRAIN, too: with short naps many slow workers are never all asleep at once */
	w->nap_ns = w->nap_ns ? w->nap_ns * 2 : phase == WEFT__PHASE_RUN ? NAP_MIN_NS : DRAIN_NAP_MIN_NS;
	if (w->nap_ns > NAP_MAX_NS)
		w->nap_ns = NAP_MAX_NS;
	return ns < w->nap_ns ? ns : w->nap_ns;
}

/* w sleeps no more. slept: it did; else it only meant to. */
static void wake_up(struct weft__worker *w, bool slept)
{
	uint32_t found = weft__xchg_seq_cst(&w->sleeping, (uint32_t)AWAKE); /* before the look at watch, E4 */

	if (found != ASLEEP && slept)
		measure_wake(w);
	if (found == CALLED) {
		w->searcher = true;
		w->nap_ns = 0;
	}
	w->rested = true;
	weft__fetch_sub_seq_cst(&w->sched->sleepers, 1u); /* before the look at watch, E1 */
	weft__note(w, WEFT_FLIGHT_UNPARK, 0, 0, found != ASLEEP);
	WEFT_PROBE2(unpark, w->id, found);
}

void weft__park(struct weft__worker *w)
{
	struct weft__sched *s = w->sched;
	bool slept = false;
	uint32_t phase, asleep;

	weft__count(&w->count.parks, 1u);
	weft__note(w, WEFT_FLIGHT_PARK, 0, 0, 0);
	WEFT_PROBE1(park, w->id);
	weft__store_seq_cst(&w->sleeping, (uint32_t)ASLEEP);         /* D2 */
	asleep = weft__fetch_add_seq_cst(&s->sleepers, 1u) + 1; /* E2' */
	phase = weft__load_seq_cst(&s->phase);
	if (!has_own_work(w) && phase != WEFT__PHASE_HALT) { /* D2' */
		if (phase == WEFT__PHASE_DRAIN)
			drain_step(s);
		slept = true;
		w->io_ran = weft__loop_wait(w->loop, sleep_ns(w, phase, asleep)) > 0;
	}
	wake_up(w, slept);
}
