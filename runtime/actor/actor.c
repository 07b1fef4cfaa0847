/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/actor.c - an actor's life: born, run, ended, buried.
 *
 *   free --spawn--> idle --message--> scheduled --worker--> running --+
 *                    ^                    ^                  |  |      |
 *                    |                    +--budget is up----+  |      | exit, error, STOP
 *                    +--------mailbox empty---------------------+      v
 *   free <--all places given back-- buried <--fini ran, life is even-- ended
 *
 * The mailbox decides who runs it: whoever finds it idle schedules it, once. The
 * message being handled stays the actor's place in the mailbox until it steps on;
 * weft__actor_detach_msg takes it out early when the behaviour moves it.
 */
#include "runtime/actor/outbox.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/probe.h"

#define TAKEN_BATCH 16u /* handled messages are reported to senders at least this often */
#ifndef BURY_SPINS /* tests/model: 2 */
#define BURY_SPINS 64u
#endif

/* Ping-pong tells: 1.5 ns a message between what gcc chooses and this. */
#define WEFT__HOT inline __attribute__((always_inline))
#define WEFT__COLD __attribute__((noinline))
#define SUBSCRIBER_PAUSE_NS 20000u

static void actor_run(struct weft__worker *w, struct weft__task *task);
static void actor_run_traced(struct weft__worker *w, struct weft__task *task);

static struct weft_actor *actor_of(struct weft__task *task)
{
	return (struct weft_actor *)((char *)task - offsetof(struct weft_actor, task));
}

/* ---- birth -------------------------------------------------------------------- */

static int state_create(const struct weft_actor_class *cls, const void *init, void **ret_state)
{
	*ret_state = NULL;
	if (!cls->state_bytes)
		return 0;
	*ret_state = weft_malloc(cls->state_bytes);
	if (!*ret_state)
		return -ENOMEM;
	if (init)
		memcpy(*ret_state, init, cls->state_bytes);
	else
		memset(*ret_state, 0, cls->state_bytes);
	return 0;
}

static void actor_init(struct weft_actor *a, struct weft_runtime *rt, struct weft__worker *w,
                       const struct weft_actor_class *cls, void *state)
{
	uint64_t life = (weft__load_relaxed(&a->word) & WEFT__LIFE_MASK) + 1; /* relaxed: the cell is ours */
	uint32_t bound = cls->mailbox_msgs ? cls->mailbox_msgs : rt->mailbox_msgs;

	WEFT_ASSERT(life & 1);
	WEFT_ASSERT(!weft__load_relaxed(&a->mailbox.head));
	a->rt = rt;
	a->cls = cls;
	a->flags = (uint16_t)cls->flags;
	a->state = state;
	if (bound > WEFT__PLACES_MASK / 4)
		bound = WEFT__PLACES_MASK / 4;
	weft__store_relaxed(&a->bound_msgs, bound); /* relaxed: published with the life below */
	/* relaxed: published with the life below */
	weft__store_relaxed(&a->home, (w && !w->guest ? w->id : a->cell % rt->sched.worker_count) | WEFT__FRESH);
	a->task.run = rt->sched.workers[0].traced ? actor_run_traced : actor_run;
	a->timers.word = 0;
	a->watches = NULL;
	a->exit_reason = 0;
	a->after = 0;
	a->now = WEFT__LIVES;
	a->ref_id = ((uint64_t)rt->slot << (WEFT__LIFE_BITS + WEFT__CELL_BITS)) |
	            ((uint64_t)a->cell << WEFT__LIFE_BITS) | life;
	/* P3 release -> P1 in send.c: the fields above, to whoever gets the reference some other way */
	weft__fetch_add_acq_rel(&a->word, 1u);
}

static int spawn_checked(weft_runtime *rt, struct weft__worker *w, const weft_actor_class *cls, const void *init,
                         weft_ref *ret_ref)
{
	struct weft_actor *a;
	void *state;
	bool full;
	int r = state_create(cls, init, &state);

	if (r < 0)
		return r;
	a = weft__cell_take(rt, w, &full);
	if (!a) {
		weft_free(state);
		return full ? -EAGAIN : -ENOMEM;
	}
	actor_init(a, rt, w, cls, state);
	if (w)
		weft__count(&w->count.spawned, 1u);
	else
		weft__fetch_add_relaxed(&rt->foreign.spawned, 1u); /* relaxed: statistics */
	if (w && __builtin_expect(w->traced, 0))
		weft__note(w, WEFT_FLIGHT_SPAWN, 0, a->ref_id, 0);
	WEFT_PROBE2(spawn, a->ref_id, cls->name);
	ret_ref->id = a->ref_id;
	return 0;
}

/* From a foreign thread: in the registry, so that the halt, which ends every actor there is, waits. */
static int spawn_foreign(weft_runtime *rt, const weft_actor_class *cls, const void *init, weft_ref *ret_ref)
{
	int r = -ESHUTDOWN;

	if (!weft__registry_enter(rt->slot))
		return r;
	if (weft__load_acquire(&rt->sched.phase) == WEFT__PHASE_RUN)
		r = spawn_checked(rt, NULL, cls, init, ret_ref);
	weft__registry_leave(rt->slot);
	return r;
}

/* From a guest outside of any activation: the halt waits for who is active, as in send_as_host. */
static int spawn_as_host(struct weft__worker *w, const weft_actor_class *cls, const void *init, weft_ref *ret_ref)
{
	bool was_active = weft__load_relaxed(&w->active); /* relaxed: single writer */
	int r = -ESHUTDOWN;

	weft__store_seq_cst(&w->active, true);
	if (weft__load_seq_cst(&w->sched->phase) == WEFT__PHASE_RUN)
		r = spawn_checked(w->rt, w, cls, init, ret_ref);
	weft__store_release(&w->active, was_active);
	return r;
}

int weft_actor_spawn(weft_runtime *rt, const weft_actor_class *cls, const void *state_init, weft_ref *ret_ref)
{
	struct weft__worker *w;

	WEFT_RETURN_IF(!rt || !cls || !ret_ref, -EINVAL);
	WEFT_RETURN_IF(cls->size < sizeof(*cls) || !cls->behaviour, -EINVAL);
	WEFT_RETURN_IF(__builtin_popcount(cls->flags & WEFT__ACTOR_CLASSES) > 1, -EINVAL);
	w = weft__worker_of(rt);
	/* the host may not start anything while the runtime stops; actors may, to finish their work */
	if (!w)
		return spawn_foreign(rt, cls, state_init, ret_ref);
	if (!w->actor)
		return spawn_as_host(w, cls, state_init, ret_ref);
	/* relaxed: whoever ends all actors set it itself, before; a fini may not make new ones */
	if (weft__load_relaxed(&rt->sched.phase) == WEFT__PHASE_HALT)
		return -ESHUTDOWN;
	return spawn_checked(rt, w, cls, state_init, ret_ref);
}

/* ---- what a behaviour may ask ----------------------------------------------------- */

void *weft_actor_state(weft_actor *self)
{
	return self->state;
}

weft_ref weft_actor_ref(const weft_actor *self)
{
	return (weft_ref){ self->ref_id };
}

weft_runtime *weft_actor_runtime(const weft_actor *self)
{
	return self->rt;
}

weft_actor *weft_actor_self(void)
{
	return weft__self ? weft__self->actor : NULL;
}

void weft_actor_exit(weft_actor *self, int reason)
{
	self->after |= WEFT__EXIT;
	self->exit_reason = reason;
}

void weft_actor_yield(weft_actor *self)
{
	WEFT_ASSERT(weft__self && weft__self->actor == self);
	(void)self;
	weft__self->yield = true;
}

void weft_msg_keep(weft_actor *self, weft_msg *msg)
{
	(void)self;
	if (weft__self && weft__self->msg == msg)
		weft__actor_detach_msg(weft__self);
}

void weft__actor_detach_msg(struct weft__worker *w)
{
	struct weft_actor *a = w->actor;

	WEFT_ASSERT(a && w->msg);
	w->node = weft__mailbox_detach(&a->mailbox, w->msg, &a->stub, &w->next_node);
	w->msg = NULL;
}

/* ---- the end ---------------------------------------------------------------------- */

/*
 * Report handled messages to senders (they hold the bound against it) and to the
 * end of the actor. P5 release -> acquire in depth_before.
 */
static void report_taken(struct weft_actor *a, uint32_t n)
{
	uint32_t taken = weft__load_relaxed(&a->taken); /* relaxed: single writer */

	weft__store_release(&a->taken, (taken + n) & WEFT__PLACES_MASK);
}

/* All who wait for an actor that has drained, or will never. */
static WEFT__HOT void unmute_all(struct weft__worker *w, struct weft_actor *a)
{
	/* U2' seq_cst: after head or word said that nothing is left. In HALT everybody ends. */
	if (__builtin_expect(weft__load_seq_cst(&a->bound_msgs) & WEFT__WAITED, 0) &&
	    weft__load_relaxed(&w->sched->phase) != WEFT__PHASE_HALT)
		weft__unmute(w, a);
}

/* fini, and no more senders from here: the life becomes even. */
static void actor_end(struct weft_actor *a, struct weft__worker *w)
{
	int reason = a->exit_reason;

	WEFT_ASSERT(a->now != WEFT__ENDED);
	/* relaxed: whoever ends all at the halt set the phase before; their end is no failure of theirs */
	if (__builtin_expect(reason < 0, 0) && weft__load_relaxed(&w->sched->phase) != WEFT__PHASE_HALT)
		weft__actor_tell_failure(a, w, reason);
	if (__builtin_expect(w->traced, 0))
		weft__note(w, WEFT_FLIGHT_END, 0, a->ref_id, reason);
	WEFT_PROBE3(end, a->ref_id, reason, a->cls->name);
	if (a->cls->fini)
		a->cls->fini(a); /* an agent's holds its class, perhaps as the last one: not looked at any more */
	weft__timers_cancel_all(a, w);
	a->exit_reason = reason; /* whatever fini did */
	a->now = WEFT__ENDED;
	weft__fetch_add_seq_cst(&a->word, 1u); /* P2: see place_take. seq_cst: U2 in mute.c */
	unmute_all(w, a);
	if (__builtin_expect(a->watches != NULL, 0))
		weft__watch_tell(a);
	weft_free(a->state);
	a->state = NULL;
	weft__count(&w->count.ended, 1u);
}

static bool places_all_back(const struct weft_actor *a)
{
	uint64_t word = weft__load_acquire(&a->word); /* P4: pairs with the release of places in send.c */

	return ((uint32_t)(word >> WEFT__LIFE_BITS) & WEFT__PLACES_MASK) == weft__load_relaxed(&a->taken);
}

/*
 * Drop first, an unhandled message, and all that are linked behind it. Returns
 * the stub, which holds the place of an actor whose mailbox is empty for now.
 */
static struct weft_msg *drop_from(struct weft_actor *a, struct weft__worker *w, struct weft_msg *first)
{
	struct weft_msg *msg = first;

	for (;;) {
		w->msg = msg;
		weft__actor_detach_msg(w); /* out of the list: a request may be sent back as its own answer */
		report_taken(a, 1);
		weft__count(&w->count.dropped, 1u);
		if (__builtin_expect(msg->kind == WEFT__KIND_WATCH, 0))
			weft__watch_answer(msg, a->exit_reason);
		else
			weft_msg_destroy(msg);
		if (w->node)
			return w->node;
		msg = w->next_node;
	}
}

/*
 * Drop whatever still comes until all places are back; node was handled and is
 * still linked, or is the stub. True: the mailbox is idle and the cell free to be
 * given away. False: some sender sits between its place and its push; node keeps
 * the actor's place until the next try.
 */
static bool actor_bury(struct weft_actor *a, struct weft__worker *w, struct weft_msg *node)
{
	struct weft_msg *stub = (struct weft_msg *)&a->stub;

	WEFT_ASSERT(a->now == WEFT__ENDED);
	for (uint32_t spins = 0; spins < BURY_SPINS; spins++) {
		struct weft_msg *next = weft__mailbox_next(node);

		if (next) {
			if (node != stub)
				weft_msg_destroy(node);
			node = drop_from(a, w, next);
			spins = 0;
		} else if (places_all_back(a)) {
			/* every push is done, and without a place in this life nobody pushes: the list is ours */
			WEFT_ASSERT(weft__load_relaxed(&a->mailbox.head) == node);
			weft__store_relaxed(&a->mailbox.head, NULL); /* relaxed: published with the next life */
			if (node != stub)
				weft_msg_destroy(node);
			return true;
		}
		weft__cpu_relax();
	}
	a->first = node;
	return false;
}

/* End if that was not done, and give the cell away as soon as nobody can reach it. */
static void end_and_bury(struct weft_actor *a, struct weft__worker *w, struct weft_msg *node)
{
	struct weft_runtime *rt = a->rt;

	if (a->now != WEFT__ENDED)
		actor_end(a, w);
	if (actor_bury(a, w, node))
		weft__cell_give(rt, w, a);
	else
		weft__actor_enqueue_back(w, a);
}

void weft__actor_kill(struct weft_actor *a, struct weft__worker *w)
{
	struct weft_msg *node;
	bool alive = weft__load_acquire(&a->word) & 1;

	/* relaxed: the runtime halted, nobody else is left (sched.c, leave) */
	if (!alive && !weft__load_relaxed(&a->mailbox.head))
		return;
	w->actor = a;
	if (a->now != WEFT__ENDED) {
		bool rests = a->now == WEFT__RESTS; /* first was handled */

		a->exit_reason = -ESHUTDOWN;
		actor_end(a, w);
		/* relaxed: as above. After fini, which may have sent something to its own actor */
		if (!weft__load_relaxed(&a->mailbox.head)) {
			weft__cell_give(a->rt, w, a);
			w->actor = NULL;
			return;
		}
		node = rests ? a->first : drop_from(a, w, a->first);
	} else {
		node = a->first;
	}
	if (actor_bury(a, w, node))
		weft__cell_give(a->rt, w, a);
	w->actor = NULL;
}

/* ---- an activation -------------------------------------------------------------------- */

static bool is_killed(const struct weft_actor *a)
{
	return weft__load_relaxed(&a->bound_msgs) & WEFT__KILLED; /* relaxed: the STOP behind it brings it at last */
}

/* A message of the runtime's own. False: the behaviour does not see it. */
static WEFT__COLD bool system_delivered(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	if (msg->kind == WEFT_KIND_STOP && is_killed(a)) {
		weft_actor_exit(a, WEFT_EKILLED);
		return false;
	}
	if (msg->kind == WEFT_KIND_TIMER)
		weft__timer_delivered(a, msg);
	return !weft__watch_arrived(w, a, msg);
}

static int handle(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	uint32_t kind = msg->kind;
	int r;

	w->msg = msg;
	if (__builtin_expect(kind >= WEFT_KIND_SYSTEM, 0) && !system_delivered(w, a, msg))
		return 0;
	r = a->cls->behaviour(a, msg);
	weft__outbox_close(w);
	if (__builtin_expect(r < 0, 0))
		weft_actor_exit(a, r);
	else if (__builtin_expect(kind == WEFT_KIND_STOP, 0) && !(a->flags & WEFT_ACTOR_TRAP_STOP) &&
	         !(a->after & WEFT__EXIT))
		weft_actor_exit(a, 0);
	return r;
}

/* Still has messages: back into the queue, behind the others. */
static void requeue(struct weft__worker *w, struct weft_actor *a, struct weft_msg *first)
{
	a->first = first;
	/* acquire: as in a send */
	if (__builtin_expect(weft__load_relaxed(&a->bound_msgs) & WEFT__WAITED, 0) &&
	    weft__depth(a, weft__load_acquire(&a->word)) <= weft__bound(a) / 2)
		unmute_all(w, a);
	if (__builtin_expect(w->probe_due, 0))
		weft__probe_send(w, a);
	weft__actor_enqueue_back(w, a);
}

/*
 * A subscriber that must not lose events is about to: whoever emits loses its
 * budget. The worker pauses instead of overrunning it; the bus says when to go on.
 */
static void wait_for_subscriber(struct weft__worker *w)
{
	while (weft__bus_pressed(w->rt->bus, w->id) && weft__load_relaxed(&w->sched->phase) != WEFT__PHASE_HALT)
		weft__thread_pause(SUBSCRIBER_PAUSE_NS);
}

/* The actor leaves node, which was handled: a message to release, or the stub. */
static void step_past(struct weft_actor *a, struct weft_msg *node)
{
	if (node != (struct weft_msg *)&a->stub)
		weft_msg_destroy(node);
}

/*
 * node was handled, and nothing is behind it: the actor becomes idle and is not ours any more
 * (NULL), or a message came meanwhile.
 */
static WEFT__HOT struct weft_msg *idle_or_next(struct weft__worker *w, struct weft_actor *a, struct weft_msg *node)
{
	w->actor = NULL;
	if (!weft__mailbox_try_idle(&a->mailbox, node)) {
		w->actor = a;
		return weft__mailbox_next_wait(node);
	}
	unmute_all(w, a);
	step_past(a, node);
	return NULL;
}

/*
 * a sent past a bound during the message before next, whose node is NULL when it was moved. True: it is
 * muted, and not ours any more. False: it goes on.
 */
static WEFT__COLD bool rest(struct weft__worker *w, struct weft_actor *a, struct weft_msg *node, struct weft_msg *next)
{
	a->after &= (uint8_t)~WEFT__REST;
	w->actor = NULL;
	a->first = next ? next : node;
	a->now = next ? WEFT__LIVES : WEFT__RESTS;
	if (!weft__mute(w, a, w->overloaded)) {
		a->now = WEFT__LIVES;
		w->actor = a;
		return false;
	}
	if (next && node)
		step_past(a, node);
	return true;
}

/* It was killed: first and what is behind it are dropped. */
static WEFT__COLD void die(struct weft__worker *w, struct weft_actor *a, struct weft_msg *first)
{
	weft_actor_exit(a, WEFT_EKILLED);
	actor_end(a, w);
	end_and_bury(a, w, drop_from(a, w, first));
}

/*
 * The loop: handle a message, find the place behind it, step. node is where the
 * actor stands in its mailbox (NULL: right before next), next the message behind.
 */
static void run_messages(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	uint32_t budget = w->budget;
	uint32_t bound = weft__load_relaxed(&a->bound_msgs); /* relaxed: constant but for flags; KILLED: is_killed */
	uint32_t batch = (bound & ~(WEFT__WAITED | WEFT__KILLED)) >= 16 * TAKEN_BATCH ? TAKEN_BATCH : 1;
	uint32_t unreported = 0;
	bool watched = weft__bus_wanted(w->rt->bus);

	if (__builtin_expect(bound & WEFT__KILLED, 0)) {
		die(w, a, msg);
		return;
	}
	for (uint32_t n = 1;; n++) {
		struct weft_msg *node, *next;

		if (++unreported >= batch) {
			report_taken(a, unreported);
			unreported = 0;
		}
		weft__count(&w->count.handled, 1u);
		handle(w, a, msg);
		node = w->msg ? msg : w->node;
		w->msg = NULL;
		next = node ? weft__mailbox_next(node) : w->next_node;
		if (__builtin_expect(a->after, 0)) {
			report_taken(a, unreported);
			unreported = 0;
			if (a->after & WEFT__EXIT) {
				actor_end(a, w);
				end_and_bury(a, w, node ? node : drop_from(a, w, next));
				return;
			}
			if (rest(w, a, node, next))
				return;
		}
		if (!next) {
			report_taken(a, unreported);
			unreported = 0;
			next = idle_or_next(w, a, node);
			if (!next)
				return;
		}
		if (node == msg)
			weft_msg_destroy(msg);
		msg = next;
		if (n >= budget || w->yield || (watched && weft__bus_pressed(w->rt->bus, w->id))) {
			report_taken(a, unreported);
			requeue(w, a, msg);
			return;
		}
	}
}

/* After a rest: first was handled. */
static WEFT__COLD void go_on(struct weft__worker *w, struct weft_actor *a)
{
	struct weft_msg *node = a->first, *next = weft__mailbox_next(node);

	a->now = WEFT__LIVES;
	if (!next)
		next = idle_or_next(w, a, node);
	if (!next)
		return;
	step_past(a, node);
	run_messages(w, a, next);
}

/* Home follows a steal; after the first run the actor is not fresh any more, and a probe has arrived. */
static WEFT__COLD void home_change(struct weft__worker *w, struct weft_actor *a, uint32_t home)
{
	uint32_t next;

	if (home & WEFT__PROBE)
		weft__meter_arrived(w->meter, &w->sched->meters[home >> WEFT__PROBE_LANE_SHIFT & WEFT__PROBE_LANE_MASK]);
	next = w->guest ? home & WEFT__HOME_MASK : w->id;
	if (next != home)
		weft__store_relaxed(&a->home, next);
}

static void actor_run(struct weft__worker *w, struct weft__task *task)
{
	struct weft_actor *a = actor_of(task);
	uint32_t home;

	weft__count(&w->count.activations, 1u);
	w->actor = a;
	w->yield = false;
	WEFT_PROBE2(run, a->ref_id, w->id);
	home = weft__load_relaxed(&a->home); /* relaxed: a hint, and flags of whoever scheduled it */
	if (__builtin_expect(home != w->id, 0))
		home_change(w, a, home);
	if (__builtin_expect(a->now, 0)) {
		if (a->now == WEFT__ENDED)
			end_and_bury(a, w, a->first);
		else
			go_on(w, a);
	} else {
		if (__builtin_expect(weft__bus_wanted(w->rt->bus) && weft__bus_pressed(w->rt->bus, w->id), 0))
			wait_for_subscriber(w);
		run_messages(w, a, a->first);
	}
	w->actor = NULL;
	WEFT_PROBE1(done, w->id);
}

static void actor_run_traced(struct weft__worker *w, struct weft__task *task)
{
	uint64_t ref = actor_of(task)->ref_id, handled = weft__load_relaxed(&w->count.handled); /* relaxed: single writer */

	weft__note(w, WEFT_FLIGHT_RUN, 0, ref, 0);
	actor_run(w, task);
	weft__note(w, WEFT_FLIGHT_DONE, 0, ref, (int64_t)(weft__load_relaxed(&w->count.handled) - handled));
}

/* ---- the scheduler's questions ---------------------------------------------------------- */

static bool requests_open(struct weft_runtime *rt)
{
	uint64_t opened = 0, closed = 0;
	uint32_t total = rt->sched.worker_count + rt->sched.guest_count;

	/*
	 * Closed first: what is opened and closed meanwhile then counts as open, never
	 * the other way round. acquire keeps the two sweeps in order.
	 */
	for (uint32_t i = 0; i < total; i++)
		closed += weft__load_acquire(&rt->sched.workers[i].count.req_closed);
	closed += weft__load_acquire(&rt->foreign.req_closed);
	for (uint32_t i = 0; i < total; i++)
		opened += weft__load_acquire(&rt->sched.workers[i].count.req_opened);
	opened += weft__load_acquire(&rt->foreign.req_opened);
	return opened != closed;
}

static void kill_one(struct weft_actor *a, void *user)
{
	weft__actor_kill(a, user);
}

static void halted(struct weft_runtime *rt)
{
	weft__registry_quiesce(rt); /* no foreign thread sends from here on */
	weft__table_each(&rt->table, kill_one, weft__self);
}

static void thread_end(struct weft__worker *w)
{
	(void)w; /* caches go with the scheduler, after all threads were joined */
}

const struct weft__sched_hooks weft__actor_hooks = {
	.timers = weft__timer_requests,
	.timer_due = weft__timer_due,
	.requests_open = requests_open,
	.class_of = weft__actor_class_of,
	.rescue = weft__outbox_rescue,
	.halted = halted,
	.thread_end = thread_end,
};
