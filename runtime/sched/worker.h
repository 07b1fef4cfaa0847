/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/worker.h - a worker: one thread that runs tasks, and its queues.
 *
 * A worker owns a LIFO slot, a deque of actors that have not run yet and a run queue
 * that others may steal from, a pinned queue that nobody steals from, two injection stacks (work and timers from other
 * threads), a timer wheel, an I/O loop, a message cache and counters. A guest is a
 * worker without thread, loop and wheel of its own: a foreign thread that runs
 * tasks while it waits (runtime/host/guest.c).
 *
 *   line            written by           read by
 *   owner           this worker          this worker
 *   outbox          this worker, rescuers under its lock; check_ns: this worker
 *   counters        this worker          stats readers
 *   lifo, turns     this worker (a thief under lifo_lock: lifo) thieves
 *   sleeping        this worker, wakers  whoever sends it work
 *   inject*         any thread           this worker, thieves (inject only)
 *   fresh, runq     see deque.h, runq.h
 *
 * What a worker does in a turn, and when it sleeps: docs/internals/scheduler.md.
 */
#ifndef WEFT_RUNTIME_SCHED_WORKER_H
#define WEFT_RUNTIME_SCHED_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <weft/runtime.h>

#include "runtime/base/atomic.h"
#include "runtime/base/bias.h"
#include "runtime/base/log.h"
#include "runtime/base/rng.h"
#include "runtime/base/thread.h"
#include "runtime/io/loop.h"
#include "runtime/mem/msgpool.h"
#include "runtime/observe/flight.h"
#include "runtime/observe/meter.h"
#include "runtime/queue/deque.h"
#include "runtime/queue/inject.h"
#include "runtime/queue/runq.h"
#include "runtime/queue/task.h"
#include "runtime/sched/placement.h"
#include "runtime/queue/wheel.h"

#define WEFT__LIFO_RUNS_MAX 3u   /* times in a row that the LIFO slot goes before the queue */
#define WEFT__QUEUE_EVERY 4u     /* each so many-th turn the queue goes before what never ran */
#define WEFT__OLDEST_NS 1000000u /* the oldest of those goes first when it has been that for so long */
/*
 * What a message costs that is handled on another core than it was sent on: its lines, and those of its receiver, come over at
 * 50 to 150 ns each. Messages that are handled faster than that are left to their worker, unless they wait too long.
 */
#define WEFT__MOVE_NS 150u
#define WEFT__FINE_BACKLOG_NS 100000u
#define WEFT__CHECK_TURNS_MAX 32u /* turns between two looks at everything else */
#define WEFT__ACTIVATION_NS 1000000u /* where messages take long, as many of them are handled in a row */
#define WEFT__WORKERS_MAX 256u
#define WEFT__GUESTS_MAX 64u

struct weft__sched;

/* Of tasks. Normal ones go through the LIFO slot, the deque and the run queue, the others through a queue a class. */
enum weft__class { WEFT__NORMAL = 0, WEFT__HIGH, WEFT__SYSTEM, WEFT__BACKGROUND, WEFT__CLASSES };

#define WEFT__HIGH_EVERY 4u        /* each so many-th turn high goes before system, */
#define WEFT__NORMAL_EVERY 8u      /* normal before both, */
#define WEFT__BACKGROUND_EVERY 64u /* and background before all */

/* Single-writer counters, merged on read. */
struct weft__counters {
	_Atomic(uint64_t) sent, handled, dropped, refused;
	_Atomic(uint64_t) activations, steals, parks, wakes;
	_Atomic(uint64_t) spawned, ended, timers;
	_Atomic(uint64_t) req_opened, req_closed;
	_Atomic(uint64_t) muted;
	_Atomic(uint64_t) depth_max; /* of a mailbox that this lane sent to */
};

struct weft__outbox {
	uint64_t ref; /* to whom this message's handling sent last */
	struct weft_actor *to;
	struct weft_msg *first, *last; /* owned: not pushed yet */
	uint32_t places;               /* of `to`, not used yet */
	_Atomic(uint32_t) open;        /* places that were taken last; 0: closed */
	struct weft__bias lock;        /* all but ref */
};

struct weft__worker {
	/* owner line: nobody else looks here */
	struct weft__sched *sched;
	struct weft_runtime *rt;
	struct weft_actor *actor;    /* being run, NULL between activations */
	struct weft_msg *msg;        /* being handled; NULL once it was moved or kept */
	struct weft_msg *node, *next_node; /* the actor's place in its mailbox after a move, see mailbox.h */
	uint32_t id;                 /* 0 .. workers-1, then guests; also the event lane */
	uint32_t rt_slot;
	uint32_t lifo_runs, other_turns, class_turns; /* run.c */
	uint32_t turns_to_check, check_turns;
	uint32_t budget;             /* messages of an activation: budget_msgs, or fewer where they take long */
	bool guest;
	bool rested;                 /* it slept since it ran a task last */
	bool searcher;               /* was woken in order to search: holds sched->searching */
	uint64_t nap_ns;
	uint64_t loop_ns;            /* when it last looked at its loop */
	bool io_ran;                 /* the last wait of the loop ran something */
	uint32_t io_turns;           /* sleeps in a row for that, run.c */
	bool yield;                  /* the running actor gives its budget away */
	bool probe_due;              /* the next actor that becomes runnable here is stamped */
	bool traced;                 /* constant: the recorder keeps what happens with each activation, too */
	weft_ref overloaded;         /* to whom it sent past the bound during this message, if it did */
	uint64_t oldest_since_ns;    /* at each check since then oldest_top was the oldest */
	uint32_t oldest_top;
	bool oldest_due;             /* it goes next */
	uint64_t check_handled;      /* count.handled at that time */
	uint64_t rescue_ns;          /* when it last looked for others that are stuck */
	uint64_t wheel_due_ns;       /* when the wheel wants to be advanced next */
	uint64_t workflow_seq, timer_seq;
	struct { /* why that actor fails, until it ended; runtime/actor/fail.c */
		uint64_t ref;
		char text[WEFT_EXIT_TEXT_BYTES];
	} failed;
	struct weft__rng rng;
	struct weft__loop *loop;
	struct weft__wheel *wheel;
	struct weft__task *pinned_first, *pinned_last;
	struct weft__actor_timer *held_timers; /* guests: armed, not yet handed to a worker */
	struct weft__msgcache cache;
	struct weft__cell_cache { /* free actor cells; runtime/actor/table.c */
		struct weft_actor *free;
		uint32_t count;
	} cells;
	struct weft__flight *flight; /* this lane's recorder, the runtime's; NULL: off */
	struct weft__meter *meter;   /* of this lane, the runtime's; NULL: nothing is timed */
	uint64_t looks, turn_from;   /* checks; ticks when the turn began that is being timed, 0: none is */
	uint64_t turns_timed, turns_probed; /* turns at the last sample of each kind */
	uint64_t meter_after_ns;

	_Alignas(WEFT_CACHELINE) struct weft__outbox outbox; /* runtime/actor/outbox.h */
	_Atomic(uint64_t) check_ns; /* when the last check was */

	_Alignas(WEFT_CACHELINE) struct weft__counters count;

	/* what thieves look at */
	_Alignas(WEFT_CACHELINE) _Atomic(struct weft__task *) lifo;
	struct weft__bias lifo_lock;
	_Atomic(uint64_t) turns;
	_Atomic(uint32_t) classes_ready; /* bit 1 << class: its queue may hold something; never NORMAL's */
	_Atomic(uint64_t) turn_ns;  /* moving average of a turn, at the last checks */
	_Atomic(uint64_t) msg_ns;   /* and of a message */
	_Atomic(bool) active;       /* guests: inside the runtime right now */
	_Atomic(uint32_t) occupied; /* guests: somebody sits here */

	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) sleeping;
	_Atomic(uint64_t) woken_ns; /* when somebody last set out to wake it */

	_Alignas(WEFT_CACHELINE) struct weft__inject inject;
	_Alignas(WEFT_CACHELINE) struct weft__inject inject_pinned;
	struct weft__inject inject_timers;

	struct weft__deque fresh;
	_Alignas(WEFT_CACHELINE) struct weft__runq runq;
	struct weft__runq classes[WEFT__CLASSES]; /* NORMAL's is not used */

	weft__thread thread;
	int cpu; /* pinned to, -1 for none */
	int open_status; /* what opening the loop gave */
	const char *open_why;
};

/* The worker this thread is, or NULL on a foreign thread. */
extern _Thread_local struct weft__worker *weft__self;

enum weft__phase {
	WEFT__PHASE_RUN = 0,
	WEFT__PHASE_DRAIN, /* stop was asked: run until nothing is left */
	WEFT__PHASE_HALT   /* leave the loop; what is left is ended by the last worker */
};

/* What the scheduler asks of the floor above it. */
struct weft__sched_hooks {
	void (*timers)(struct weft__worker *worker, ck_stack_entry_t *oldest); /* from inject_timers */
	void (*timer_due)(struct weft__worker *worker, struct weft__timer *timer);
	bool (*requests_open)(struct weft_runtime *rt);
	uint32_t (*class_of)(const struct weft__task *task); /* enum weft__class */
	void (*rescue)(struct weft__worker *worker); /* now and then: what others hold back while they are stuck */
	void (*halted)(struct weft_runtime *rt); /* on the last worker, when no other runs any more */
	void (*thread_end)(struct weft__worker *worker);
};

/* Into the flight recorder of w. */
static inline void weft__note(struct weft__worker *w, uint32_t kind, uint32_t other, uint64_t actor, int64_t arg)
{
	if (w->flight)
		weft__flight_put(w->flight, kind, other, actor, arg);
}

struct weft__sched {
	struct weft_runtime *rt;
	const struct weft__sched_hooks *hooks;
	struct weft__log log;
	struct weft__worker *workers; /* worker_count, then guest_count */
	uint32_t worker_count, guest_count;
	uint32_t budget_msgs;
	uint64_t long_msg_ns; /* a budget of such messages takes longer than an activation should */
	struct weft__place *places; /* of the workers' CPUs; NULL: all are as near */
	bool busy_poll;
	uint64_t spin_ns, steal_delay_ns;
	struct weft__meter *meters; /* owned: one a worker, a guest, and one for foreign threads; NULL: off */
	struct weft__flight *flights; /* owned: one a worker and a guest; NULL: off */
	uint32_t io_backend;
	const char *io_name;
	const char *io_why;

	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) sleepers;
	_Atomic(uint64_t) wake_ns; /* moving average: from the decision to wake a worker until it runs */
	_Atomic(uint32_t) guests_active;
	_Atomic(uint32_t) watch; /* id + 1 of the worker that looks around now and then; 0: nobody. park.c */
	_Atomic(uint64_t) watch_ns; /* how soon the next one does */
	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) searching; /* 0 or 1: one searcher at a time */
	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) phase;
	_Atomic(uint64_t) deadline_ns;
	_Atomic(uint32_t) halted_count;
	_Atomic(bool) drained;
	_Atomic(uint32_t) opened; /* workers whose loop is open or failed */
	uint32_t threads_started;
	_Atomic(uint32_t) joined; /* sched.c */
	bool started;
};

/* ---- life (sched.c); called by the runtime --------------------------------- */

int weft__sched_init(struct weft__sched *s, struct weft_runtime *rt, const struct weft__sched_hooks *hooks,
                     const weft_runtime_options *opt);
void weft__sched_fini(struct weft__sched *s);
int weft__sched_start(struct weft__sched *s);
void weft__sched_stop(struct weft__sched *s, uint64_t deadline_ns);
/* Wait for all worker threads. 0 or -ETIMEDOUT: the deadline ended some work. */
int weft__sched_join(struct weft__sched *s);

/* ---- running tasks (run.c) ----------------------------------------------- */

/* Make task runnable, soon and here: LIFO slot. On a worker or guest. */
void weft__schedule(struct weft__worker *w, struct weft__task *task);
/* Make a task runnable that never ran: the newest goes first. */
void weft__schedule_fresh(struct weft__worker *w, struct weft__task *task);
/* Make task runnable, behind everything that waits here. */
void weft__schedule_back(struct weft__worker *w, struct weft__task *task);
/* Make task runnable on this very worker and no other. On that worker. */
void weft__schedule_pinned(struct weft__worker *w, struct weft__task *task);
/* Make task, of a class that is not NORMAL, runnable, behind those of its class. */
void weft__schedule_class(struct weft__worker *w, uint32_t class, struct weft__task *task);
/* One that was on its way. */
void weft__schedule_arrived(struct weft__worker *w, struct weft__task *task);
/* From a foreign thread, or to another worker. home: a worker's id, a hint unless pinned. */
void weft__schedule_remote(struct weft__sched *s, uint32_t home, bool pinned, struct weft__task *task);
/* Hand a timer request (runtime/actor/timer.c) to a worker's wheel. */
void weft__timer_remote(struct weft__sched *s, uint32_t worker, ck_stack_entry_t *entry);

/* Are its messages so short that others leave them alone? Any thread: a measure. */
static inline bool weft__is_fine(const struct weft__worker *w)
{
	return weft__load_relaxed(&w->msg_ns) < WEFT__MOVE_NS; /* relaxed: a measure */
}

struct weft__task *weft__next_task(struct weft__worker *w);
/* w slept or searched, and what comes now may be something else: look again after one turn. */
void weft__load_unknown(struct weft__worker *w);
/* Everything a worker looks at between tasks: injections, timers, I/O, helping sleepers up. */
void weft__worker_check(struct weft__worker *w);
/* So many turns were taken that it is time for a check, or a turn was timed. */
void weft__turns_over(struct weft__worker *w);

static inline void weft__run_task(struct weft__worker *w, struct weft__task *task)
{
	weft__count(&w->turns, 1u);
	task->run(w, task);
	if (__builtin_expect(--w->turns_to_check == 0, 0))
		weft__turns_over(w);
}

/* The turn to be timed comes later than right behind the check: leave out what was in between. */
static inline void weft__turn_later(struct weft__worker *w)
{
	if (w->turn_from)
		w->turn_from = weft_ticks();
}

/* The body of a worker's thread. */
void weft__worker_loop(struct weft__worker *w);

/* ---- stealing (steal.c) ---------------------------------------------------- */

/*
 * Look around for up to spin_ns; at most one worker does so at a time. A guest
 * looks meanwhile whether what it waits for is there; done is NULL for a worker.
 */
struct weft__task *weft__search(struct weft__worker *w, bool (*done)(void *what), void *what);
/* Take something that lies behind a worker or guest that does not turn. Now and then, by who has work of its own. */
void weft__help_stuck(struct weft__worker *w, uint64_t now);

/* ---- sleeping (park.c) ----------------------------------------------------- */

void weft__park(struct weft__worker *w);
/* Wake w if it sleeps. Any thread. */
void weft__wake(struct weft__worker *w);
/* Wake one sleeper to search, unless somebody searches already. */
void weft__wake_one(struct weft__sched *s);
void weft__wake_all(struct weft__sched *s);
/* Somebody sets to work: see that a sleeper looks around now and then. Any thread that counts as awake. */
void weft__watch_begin(struct weft__sched *s);
/* The same for w, which slept. */
void weft__watch_pass(struct weft__worker *w);
/* Something lay behind a long activation: look around sooner. */
void weft__watch_found(struct weft__sched *s);

/* ---- the machine (topology.c) ---------------------------------------------- */

/* CPUs this process may use (cpuset), limited by its cgroup's CPU quota, at least 1. */
uint32_t weft__cpus_usable(int *ret_cpus, uint32_t max);

#endif
