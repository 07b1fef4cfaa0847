/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/cell.h - one actor in its cell, three workers, and nothing else of a runtime, for models of
 * runtime/actor: worker 0 runs the actor, the others send to it.
 */
#ifndef WEFT_TESTS_MODEL_CELL_H
#define WEFT_TESTS_MODEL_CELL_H

#include <errno.h>
#include <string.h>

#include "runtime/actor/core.h"
#include "tests/model/explore.h"
#include "tests/model/gate.h"
#include "tests/model/stand_ins.h"

#define SENDERS 2u

static struct weft_runtime rt;
static struct weft__worker workers[1 + SENDERS]; /* 0 runs the actor */
static struct weft_actor *cell;
static struct weft_actor resting; /* another one, that sends to the cell's; see test_mute.c */
static uint32_t unmuted;          /* so often it was scheduled */
static struct gate scheduled; /* the task is queued */
static struct gate gone;      /* the cell was given away */
static weft_ref ref;
static _Atomic(uint64_t) told; /* a reference that got around somehow */

/* Plain: the protocol orders all of these. */
static uint32_t lives, handled, late; /* of the worker that runs the actor; late: handled in the second life */
static uint32_t sent[SENDERS + 2], refused[SENDERS + 2];
static uint32_t exit_after, destroyed[SENDERS + 2];

/* ---- what send.c and actor.c call -------------------------------------------------------- */

_Thread_local struct weft__worker *weft__self;

static void schedule_task(void)
{
	explore_release(&scheduled);
	gate_open(&scheduled, "schedules the actor");
}

void weft__schedule(struct weft__worker *w, struct weft__task *task)
{
	(void)w;
	(void)task;
	schedule_task();
}

void weft__schedule_fresh(struct weft__worker *w, struct weft__task *task)
{
	weft__schedule(w, task);
}

static bool not_before(const void *arg)
{
	(void)arg;
	return false;
}

/* Behind everything else: whoever waits for others has let them go on until there is something new. */
void weft__schedule_back(struct weft__worker *w, struct weft__task *task)
{
	if (task == &resting.task) {
		unmuted++;
		return;
	}
	if (cell->now == WEFT__ENDED)
		explore_nap(&scheduled, not_before, NULL, "lets others go on"); /* what it read before may be old by now */
	weft__schedule(w, task);
}

void weft__schedule_pinned(struct weft__worker *w, struct weft__task *task)
{
	weft__schedule(w, task);
}

void weft__schedule_class(struct weft__worker *w, uint32_t class, struct weft__task *task)
{
	(void)class;
	weft__schedule(w, task);
}

void weft__schedule_remote(struct weft__sched *s, uint32_t home, bool pinned, struct weft__task *task)
{
	(void)s;
	(void)home;
	(void)pinned;
	weft__schedule(NULL, task);
}

void weft_msg_destroy(weft_msg *msg)
{
	destroyed[explore_self()]++;
	explore_free(msg);
}

void weft__msg_release(struct weft_msg *msg)
{
	explore_free(msg);
}

struct weft_msg *weft__msg_new(uint32_t kind, size_t len_bytes)
{
	struct weft_msg *msg = explore_alloc(sizeof(*msg) + len_bytes, 16);

	memset(msg, 0, sizeof(*msg));
	msg->kind = kind;
	return msg;
}

struct weft_actor *weft__cell_take(struct weft_runtime *of, struct weft__worker *w, bool *ret_full)
{
	(void)of;
	(void)w;
	*ret_full = false;
	return cell;
}

void weft__cell_give(struct weft_runtime *of, struct weft__worker *w, struct weft_actor *a)
{
	(void)of;
	(void)w;
	explore_assert(a == cell);
	gone.opened = true; /* the same thread looks */
}

bool weft__bus_wanted(const struct weft__bus *bus)
{
	(void)bus;
	return false;
}

bool weft__bus_pressed(struct weft__bus *bus, uint32_t lane)
{
	(void)bus;
	(void)lane;
	return false;
}

void weft__thread_pause(uint64_t ns)
{
	(void)ns;
}

/* Nobody watches here. */
bool weft__watch_arrived(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	(void)w;
	(void)a;
	(void)msg;
	return false;
}

void weft__watch_answer(struct weft_msg *watch, int reason)
{
	(void)watch;
	(void)reason;
}

void weft__watch_tell(struct weft_actor *a)
{
	(void)a;
}

struct weft_runtime *weft__registry_enter(uint32_t slot)
{
	(void)slot;
	return &rt;
}

void weft__registry_leave(uint32_t slot)
{
	(void)slot;
}

void weft__registry_quiesce(struct weft_runtime *of)
{
	(void)of;
}

void weft__table_each(struct weft__table *t, void (*fn)(struct weft_actor *a, void *user), void *user)
{
	(void)t;
	(void)fn;
	(void)user;
}

void weft__actor_tell_failure(struct weft_actor *a, struct weft__worker *w, int reason)
{
	(void)a;
	(void)w;
	(void)reason;
}

void weft__timers_cancel_all(struct weft_actor *a, struct weft__worker *w)
{
	(void)a;
	(void)w;
}

void weft__timer_delivered(struct weft_actor *a, struct weft_msg *msg)
{
	(void)a;
	(void)msg;
}

void weft__timer_requests(struct weft__worker *w, ck_stack_entry_t *oldest)
{
	(void)w;
	(void)oldest;
}

void weft__timer_due(struct weft__worker *w, struct weft__timer *timer)
{
	(void)w;
	(void)timer;
}

/* ---- the actor, and who runs it ------------------------------------------------------------ */

struct state {
	uint32_t life;
};

static int behave(weft_actor *self, weft_msg *msg)
{
	struct state *s = weft_actor_state(self);

	explore_assert(s->life == lives);
	explore_assert(msg->token == 7);
	handled++;
	late += lives > 1;
	if (exit_after && handled == exit_after)
		weft_actor_exit(self, 0);
	return 0;
}

static weft_actor_class class = {
	.size = sizeof(weft_actor_class), .name = "model", .behaviour = behave, .state_bytes = sizeof(struct state)
};

__attribute__((unused)) static weft_ref spawn(void)
{
	struct weft__worker *self = weft__self;
	struct state s = { .life = ++lives };
	weft_ref r;

	weft__self = &workers[0];
	explore_assert(weft_actor_spawn(&rt, &class, &s, &r) == 0);
	weft__self = self;
	return r;
}

static void begin(uint32_t bound)
{
	memset(&rt, 0, sizeof(rt));
	memset(workers, 0, sizeof(workers));
	memset(sent, 0, sizeof(sent));
	memset(refused, 0, sizeof(refused));
	memset(destroyed, 0, sizeof(destroyed));
	memset(&resting, 0, sizeof(resting));
	scheduled = gone = (struct gate){ 0 };
	lives = handled = late = unmuted = 0;
	waits_begin();
	weft__store_relaxed(&told, UINT64_C(0));
	stand_ins_time(0);
	cell = explore_alloc(sizeof(*cell), WEFT_CACHELINE);
	memset(cell, 0, sizeof(*cell));
	explore_thread_local(&weft__self, sizeof(weft__self));
	explore_name(cell, sizeof(*cell), "cell");
	explore_name(&cell->word, sizeof(cell->word), "word");
	explore_name(&cell->mailbox, sizeof(cell->mailbox), "head");
	explore_name(&cell->taken, sizeof(cell->taken), "taken");
	explore_name(&cell->first, sizeof(cell->first), "first");
	explore_name(&cell->stub, sizeof(cell->stub), "stub");
	rt.mailbox_msgs = bound;
	rt.sched.worker_count = 1 + SENDERS;
	rt.sched.workers = workers;
	rt.table.segments_max = 1;
	rt.table.segments = explore_alloc(sizeof(void *), 16);
	weft__store_relaxed(&rt.table.segments[0], cell);
	for (uint32_t i = 0; i <= SENDERS; i++) {
		workers[i].sched = &rt.sched;
		workers[i].rt = &rt;
		workers[i].id = i;
		workers[i].budget = 64;
		explore_name(&workers[i], sizeof(workers[i]), "a worker");
	}
}

__attribute__((unused)) static void run_once(void)
{
	gate_wait_open(&scheduled, "waits for the actor");
	gate_close(&scheduled, "takes the actor");
	explore_acquire(&scheduled);
	cell->task.run(weft__self, &cell->task);
}

/* Send one message; who is refused keeps it. */
__attribute__((unused)) static void send_to(weft_ref to)
{
	uint32_t self = explore_self();
	struct weft_msg *msg = weft__msg_new(1, 0);
	int r;

	weft__self = &workers[self - 1];
	msg->token = 7;
	r = weft_send(to, msg);
	explore_assert(r == 0 || r == -ESRCH || r == -EAGAIN);
	if (r == 0) {
		sent[self]++;
	} else {
		refused[self]++;
		explore_free(msg);
	}
	weft__self = NULL;
}

__attribute__((unused)) static void sends_one(void)
{
	send_to(ref);
}

__attribute__((unused)) static void sends_two(void)
{
	send_to(ref);
	send_to(ref);
}

#endif
