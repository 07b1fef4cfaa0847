/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/core.h - actors and the runtime they live in, as this room sees them.
 *
 * An actor is a cell of two cache lines in a table that is never unmapped while
 * the runtime exists, so a reference can always be looked at. It says which
 * runtime, which cell, and which of the cell's many lives:
 *
 *     weft_ref.id   | runtime slot 6 | cell 24 | life 34 |
 *     cell.word     | places taken by senders 30 | life 34 |
 *
 * The life is odd while the actor lives and even while the cell is free; a cell
 * whose lives are used up (2^33 actors) is retired. A sender takes a place and
 * checks the life with one fetch_add; after that the cell cannot be given to another
 * actor until the place is given back by handling or dropping the message, so a
 * message never reaches the wrong actor. `taken` counts up as messages are handled:
 * places - taken is the depth of the mailbox, and what the bound is held against.
 *
 *   line      field        written by                     read by
 *   senders   word         senders, owner at birth/death  senders
 *             mailbox      senders, owner                 both
 *             taken        owner                          senders
 *             first        the sender that found it idle  owner (through the queue)
 *             home         owner                          senders (a hint)
 *             bound_msgs   the life's birth, mute.c       senders, owner
 *   owner     the rest     whoever runs the actor         the same
 *
 * Which may overlap (X) on one cell:
 *                  place + push   handle   end, bury   birth
 *   place + push        X            X         X         X     (of an older life: refused)
 *   handle              X            -         -         -     (whoever runs the actor, and then ends it)
 *   end, bury           X            -         -         -
 *   birth               X            -         -         -     (whoever took the free cell)
 *
 * Invariant: places >= taken; equal when every send that took a place has pushed and was handled or dropped, or
 * gave it back; only then does the cell get another life. Linearization: a send at its fetch_add of word (P1),
 * the end at its own (P2), the birth at its own (P3). Progress: a send is wait-free; burying waits, between
 * turns of others, for senders between place and push. ABA: lives grow and are never used twice. Memory: cells
 * stay until the runtime goes. Edges: P1 in send.c, P2 to P5 beside it.
 *
 * Tests: tests/model/test_actor.c, tests/api/test_runtime.c, tests/stress/test_actors.c.
 */
#ifndef WEFT_RUNTIME_ACTOR_CORE_H
#define WEFT_RUNTIME_ACTOR_CORE_H

#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include <weft/actor.h>
#include <weft/error.h>
#include <weft/runtime.h>

#include "runtime/actor/timerset.h"
#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/mem/msgpool.h"
#include "runtime/mem/region.h"
#include "runtime/observe/events.h"
#include "runtime/queue/mailbox.h"
#include "runtime/sched/worker.h"

#define WEFT__LIFE_BITS 34
#define WEFT__LIFE_MASK ((UINT64_C(1) << WEFT__LIFE_BITS) - 1)
#define WEFT__PLACE (UINT64_C(1) << WEFT__LIFE_BITS) /* one place in cell.word */
#define WEFT__PLACES_MASK ((1u << 30) - 1)
#define WEFT__CELL_BITS 24
#define WEFT__RUNTIMES_MAX 64u

#define WEFT__SEGMENT_BITS 8 /* cells of a table segment */
#define WEFT__SEGMENT_CELLS (1u << WEFT__SEGMENT_BITS)

enum { WEFT__EXIT = 1, WEFT__REST = 2 };

enum {
	WEFT__LIVES = 0,
	WEFT__RESTS, /* muted with nothing unhandled: first was handled and holds the place */
	WEFT__ENDED  /* fini ran: what still arrives is dropped */
};

#define WEFT__FRESH (UINT32_C(1) << 31) /* ... this in home, until the actor runs for the first time, and ... */
#define WEFT__PROBE (UINT32_C(1) << 30) /* ... this while it waits for a stamped turn (observe/meter.h), with whose ... */
#define WEFT__PROBE_LANE_SHIFT 16       /* ... stamp it is from here on */
#define WEFT__PROBE_LANE_MASK 0x3ffu
#define WEFT__HOME_MASK 0xffffu

struct weft_actor {
	/* senders' line */
	_Atomic(uint64_t) word;
	struct weft__mailbox mailbox;
	_Atomic(uint32_t) taken; /* single writer: the owner */
	_Atomic(uint32_t) bound_msgs; /* constant for a life; or'ed with WEFT__WAITED, KILLED */
	struct weft_msg *first;
	uint32_t cell;           /* constant */
	_Atomic(uint32_t) home;  /* worker that ran it last; a hint, but where a pinned actor lives; or'ed with ... */
	struct weft_runtime *rt; /* constant */
	struct weft__task task;

	/* owner's line */
	_Alignas(WEFT_CACHELINE) const struct weft_actor_class *cls;
	void *state;
	struct weft__mailbox_stub stub;
	struct weft__timer_set timers; /* armed */
	uint64_t ref_id;
	struct weft_actor *free_next; /* while the cell is free; while muted: for whom it waits */
	int32_t exit_reason;
	uint8_t after; /* what is to do after this message: WEFT__EXIT, WEFT__REST */
	uint8_t now;   /* WEFT__LIVES, ... */
	uint16_t flags; /* the class's: the class may go in fini, and late senders still look here */
	struct weft_msg *watches; /* owned: what its end answers; watch.c */
};

static_assert(offsetof(struct weft_actor, cls) == WEFT_CACHELINE, "senders' line and owner's line");
static_assert(sizeof(struct weft_actor) == 2 * WEFT_CACHELINE, "two lines");

#define WEFT__WAITED (UINT32_C(1) << 31) /* in bound_msgs: muted senders wait for this actor */
#define WEFT__KILLED (UINT32_C(1) << 30) /* in bound_msgs: it handles no more; send.c */
#define WEFT__MUTE_LISTS 64u

struct weft__mute { /* mute.c */
	pthread_mutex_t lock;
	struct weft_actor *lists[WEFT__MUTE_LISTS]; /* muted actors, by the cell that they wait for */
};

struct weft__name;

struct weft__names { /* names.c */
	_Alignas(WEFT_CACHELINE) pthread_mutex_t lock;
	struct weft__name **buckets; /* room of them, a power of two, or none */
	uint32_t room, count;
};

#define WEFT__NAME_SHARDS 16u

struct weft__table { /* table.c */
	pthread_mutex_t lock;
	_Atomic(struct weft_actor *) *segments;
	uint32_t segments_max, segments_used;
	struct weft__region cells; /* what segments point into */
	uint32_t next_cell; /* in the newest segment */
	struct weft_actor *free;
	uint64_t first_life; /* above every life of runtimes that used this slot before */
};

struct weft_runtime {
	struct weft__sched sched;
	struct weft__table table;
	struct weft__bus *bus;
	struct weft__mute mute;
	struct weft__names names[WEFT__NAME_SHARDS];
	uint32_t slot; /* in the process-wide registry */
	uint8_t era;
	uint32_t mailbox_msgs;
	weft_fault_fn fault;
	void *fault_user;
	/* what foreign threads count, which have no worker to count in */
	_Alignas(WEFT_CACHELINE) struct weft__counters foreign;
	_Atomic(uint64_t) foreign_workflow_seq;
};

/* ---- registry.c: which runtimes exist, seen from any thread ------------------- */

/* Take a slot. 0 or -EAGAIN. Sets rt->slot, rt->era and rt->table.first_life. */
int weft__registry_add(struct weft_runtime *rt);
/* It is ready: foreign threads find it. */
void weft__registry_publish(struct weft_runtime *rt);
/* Foreign threads find it gone from now on, and none is inside any more. */
void weft__registry_quiesce(struct weft_runtime *rt);
/* After quiesce: give the slot back. life: the highest any cell reached. */
void weft__registry_remove(struct weft_runtime *rt, uint64_t life);
/* Enter a runtime from a foreign thread: it is not freed until leave. NULL: gone. */
struct weft_runtime *weft__registry_enter(uint32_t slot);
void weft__registry_leave(uint32_t slot);

/* ---- table.c --------------------------------------------------------------- */

/* Room for actors_max, whatever workers and guests (places of them) keep in their caches. */
int weft__table_init(struct weft__table *t, uint32_t actors_max, uint32_t places);
void weft__table_fini(struct weft__table *t);
/* A free cell; NULL: out of memory (or actors_max reached: *ret_full). w NULL: foreign thread. */
struct weft_actor *weft__cell_take(struct weft_runtime *rt, struct weft__worker *w, bool *ret_full);
void weft__cell_give(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a);
/* Visit every cell that was ever used. */
void weft__table_each(struct weft__table *t, void (*fn)(struct weft_actor *a, void *user), void *user);

static inline uint32_t weft__ref_slot(weft_ref ref)
{
	return (uint32_t)(ref.id >> (WEFT__LIFE_BITS + WEFT__CELL_BITS));
}

static inline uint64_t weft__ref_life(weft_ref ref)
{
	return ref.id & WEFT__LIFE_MASK;
}

/* The cell a reference names, alive or not; NULL when there never was such a cell. */
static inline struct weft_actor *weft__ref_cell(struct weft_runtime *rt, weft_ref ref)
{
	uint32_t cell = (uint32_t)(ref.id >> WEFT__LIFE_BITS) & ((1u << WEFT__CELL_BITS) - 1);
	uint32_t segment = cell >> WEFT__SEGMENT_BITS;
	struct weft_actor *cells;

	if (__builtin_expect(segment >= rt->table.segments_max, 0))
		return NULL;
	cells = weft__load_acquire(&rt->table.segments[segment]); /* pairs with table.c's publication */
	return cells ? &cells[cell & (WEFT__SEGMENT_CELLS - 1)] : NULL;
}

/* ---- send.c ------------------------------------------------------------------ */

/* first woke a, which was idle: it is to run. w NULL: foreign thread. */
void weft__actor_schedule(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a, struct weft_msg *first);
/* a is about to be scheduled, and a probe is due (observe/meter.h). */
void weft__probe_send(struct weft__worker *w, struct weft_actor *a);
/* Deliver past the bound: answers, timers, stop requests. 0 or -ESRCH (msg stays the caller's). Any thread. */
int weft__deliver_anywhere(weft_ref to, struct weft_msg *msg);
/* The worker whose counters and queues this thread uses for rt; NULL: a foreign thread. */
static inline struct weft__worker *weft__worker_of(const struct weft_runtime *rt)
{
	struct weft__worker *w = weft__self;

	return w && w->rt == rt ? w : NULL;
}

/* ---- watch.c ----------------------------------------------------------------- */

/* Kinds that a behaviour never sees. */
#define WEFT__KIND_WATCH 0xffff0010u
#define WEFT__KIND_UNWATCH 0xffff0011u
#define WEFT__KIND_UNLINKED 0xffff0012u

/* One of its messages, to an actor that lives. True: not the behaviour's business. */
bool weft__watch_arrived(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg);
/* A WATCH that the actor has not kept: it ends before. Consumes it. */
void weft__watch_answer(struct weft_msg *watch, int reason);
/* a has ended with its exit_reason: whoever watches is told. */
void weft__watch_tell(struct weft_actor *a);

/* ---- mute.c ------------------------------------------------------------------ */

/*
 * a handled a message and sent to a full mailbox meanwhile. True: it is muted and not the
 * caller's any more; first and rests were set before. False: it goes on.
 */
bool weft__mute(struct weft__worker *w, struct weft_actor *a, weft_ref receiver);
/* Whoever waits for `on` runs again. */
void weft__unmute(struct weft__worker *w, struct weft_actor *on);

static inline uint32_t weft__bound(const struct weft_actor *a)
{
	return weft__load_relaxed(&a->bound_msgs) & ~(WEFT__WAITED | WEFT__KILLED); /* relaxed: constant */
}

/* Messages in the mailbox, by a look at the word. Never negative for the caller's use. */
static inline uint32_t weft__depth(const struct weft_actor *a, uint64_t word)
{
	/* P5 acquire: taken may only be too old, which refuses too much, or newer than word, handled below */
	uint32_t depth = ((uint32_t)(word >> WEFT__LIFE_BITS) - weft__load_acquire(&a->taken)) & WEFT__PLACES_MASK;

	return depth > WEFT__PLACES_MASK / 2 ? 0 : depth; /* taken is newer than word: nearly empty */
}

/* This lane found a mailbox that deep. */
static inline void weft__depth_seen(struct weft__worker *w, uint64_t depth)
{
	if (__builtin_expect(depth > weft__load_relaxed(&w->count.depth_max), 0)) /* relaxed: single writer */
		weft__store_relaxed(&w->count.depth_max, depth);
}

/* ---- runnable.c --------------------------------------------------------------- */

#define WEFT__ACTOR_CLASSES (WEFT_ACTOR_HIGH | WEFT_ACTOR_SYSTEM | WEFT_ACTOR_BACKGROUND)
#define WEFT__ACTOR_SPECIAL (WEFT_ACTOR_PINNED | WEFT__ACTOR_CLASSES)

void weft__actor_enqueue_special(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a);
/* enum weft__class of the actor that has this task. */
uint32_t weft__actor_class_of(const struct weft__task *task);

/* It has more to do: behind everything that waits here. */
static inline void weft__actor_enqueue_back(struct weft__worker *w, struct weft_actor *a)
{
	if (__builtin_expect(a->flags & WEFT__ACTOR_SPECIAL, 0))
		weft__actor_enqueue_special(w->rt, w, a);
	else
		weft__schedule_back(w, &a->task);
}

/* ---- actor.c ----------------------------------------------------------------- */

/* Take the message being handled out of the actor's hands, because it moves on. */
void weft__actor_detach_msg(struct weft__worker *w);
/* End an actor for good outside an activation: the runtime halts, nothing else runs. */
void weft__actor_kill(struct weft_actor *a, struct weft__worker *w);
extern const struct weft__sched_hooks weft__actor_hooks;

/* ---- names.c ------------------------------------------------------------------- */

void weft__names_init(struct weft_runtime *rt);
/* Every actor has ended. */
void weft__names_fini(struct weft_runtime *rt);

/* ---- fail.c -------------------------------------------------------------------- */

/* An abnormal end: for the flight recorder, and an event for those who listen. */
void weft__actor_tell_failure(struct weft_actor *a, struct weft__worker *w, int reason);

/* ---- reply.c ----------------------------------------------------------------- */

/*
 * Something of the host that takes answers (runtime/host/): the first member of
 * a port or future. A request takes a place; deliver uses it up, give_back returns it.
 */
struct weft__sink {
	int (*take)(struct weft__sink *sink); /* 0, -EAGAIN, -EALREADY */
	void (*give_back)(struct weft__sink *sink);
	void (*deliver)(struct weft__sink *sink, struct weft_msg *msg); /* owns msg */
	uint32_t rt_slot;
};

struct weft_msg *weft__msg_new(uint32_t kind, size_t len_bytes);
/* Make msg a request for which no runtime waits. 0, -EINVAL, or what a port or future says. */
int weft__request_uncounted(struct weft_msg *msg, weft_reply_to to);
/* It was not accepted. */
void weft__request_cancel(struct weft_msg *msg);
/* A promise with room for what its answer will say: weft_reply(promise, promise). 0, or as weft_promise_create. */
int weft__promise_new(weft_reply_to reply_to, size_t len_bytes, struct weft_msg **ret_promise);
/* Make a plain message that is in no queue a promise. 0, or as weft_request for the place at the asker; never -ENOMEM. */
int weft__promise_again(struct weft_msg *msg, weft_reply_to to);
/* Answer msg, which is in no queue, with itself. */
void weft__answer_self(struct weft_msg *msg, uint32_t kind, int status);
/* Release without answering: nobody waits, or the answer is on its way. */
void weft__msg_release(struct weft_msg *msg);

/* ---- timer.c ----------------------------------------------------------------- */

/* A guest is about to sleep or leave: what it armed goes to the workers. */
void weft__timers_hand_over(struct weft__worker *w);
void weft__timers_cancel_all(struct weft_actor *a, struct weft__worker *w);
void weft__timer_delivered(struct weft_actor *a, struct weft_msg *msg);
void weft__timer_requests(struct weft__worker *w, ck_stack_entry_t *oldest);
void weft__timer_due(struct weft__worker *w, struct weft__timer *timer);

#endif
