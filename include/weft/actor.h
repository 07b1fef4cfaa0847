/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/actor.h - actors, the messages between them, and their timers.
 *
 * An actor is a behaviour and a private state. It handles one message at a time
 * and is run by one worker at a time, so its state needs no lock. Messages are
 * moved, never copied: whoever holds the pointer owns the message.
 *
 * Delivery between local actors is at most once, and in order between one
 * sender and one receiver. A mailbox has a bound; a full one says -EAGAIN.
 *
 * Source: docs/internals/mailbox.md, docs/internals/scheduler.md.
 */
#ifndef WEFT_ACTOR_H
#define WEFT_ACTOR_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_runtime weft_runtime;
typedef struct weft_actor weft_actor; /* seen by its own behaviour only */
typedef struct weft_msg weft_msg;
typedef struct weft_port weft_port;     /* weft/port.h */
typedef struct weft_future weft_future; /* weft/port.h */

/**
 * A generational reference to an actor. It may be copied, stored and sent;
 * it never dangles: after the actor's end every use says -ESRCH, also when the
 * memory behind it serves another actor by then. {0} refers to nobody.
 */
typedef struct weft_ref {
	uint64_t id;
} weft_ref;

/* ---- messages ---------------------------------------------------------- */

#define WEFT_MSG_BYTES_MAX (16u << 20)

/*
 * Kinds from here up are the runtime's own; the rest are the application's.
 * Macros, not an enum: an enumerator of C is an int, and these do not fit.
 */
#define WEFT_KIND_SYSTEM 0xffff0000u
#define WEFT_KIND_TIMER 0xffff0001u   /* a timer ran out; token as given to weft_timer_start */
#define WEFT_KIND_IO 0xffff0002u      /* an I/O finished; status is its result, token as given */
#define WEFT_KIND_STOP 0xffff0003u    /* somebody asks this actor to end (weft_actor_stop) */
#define WEFT_KIND_NOREPLY 0xffff0004u /* the receiver dropped a request unanswered; status says why */
#define WEFT_KIND_DOWN 0xffff0005u    /* an actor that was monitored ended; status is the reason, sender the actor */
#define WEFT_KIND_EXIT 0xffff0006u    /* the same of a linked one; only seen with WEFT_ACTOR_TRAP_EXIT */

/**
 * A message of the given kind with len_bytes of zeroed payload, 16-byte aligned.
 * @return NULL when out of memory, len_bytes > WEFT_MSG_BYTES_MAX or kind >= WEFT_KIND_SYSTEM
 * Ownership: the caller's, until a send succeeds. Threads: any; fastest on a worker.
 */
WEFT_API weft_msg *weft_msg_create(uint32_t kind, size_t len_bytes);

/**
 * Release a message that was not sent. NULL is fine. A request that was never
 * answered is answered here, with WEFT_KIND_NOREPLY and status WEFT_ENOREPLY.
 */
WEFT_API void weft_msg_destroy(weft_msg *msg);

WEFT_API uint32_t weft_msg_kind(const weft_msg *msg);
WEFT_API void *weft_msg_data(weft_msg *msg); /* the payload; lives as long as the message */
WEFT_API size_t weft_msg_len_bytes(const weft_msg *msg);
WEFT_API uint64_t weft_msg_token(const weft_msg *msg); /* of a reply, timer or I/O: the asker's token */
WEFT_API int weft_msg_status(const weft_msg *msg);     /* of a reply: 0 or an error; of an I/O: its result */
WEFT_API void weft_msg_set_status(weft_msg *msg, int status);
WEFT_API weft_ref weft_msg_sender(const weft_msg *msg); /* {0} when sent from a foreign thread */

/** fn runs once, just before the message is released, to let go of what the payload points to. */
WEFT_API void weft_msg_on_destroy(weft_msg *msg, void (*fn)(weft_msg *msg));

/* ---- sending ----------------------------------------------------------- */

/**
 * Send without waiting.
 *
 * @param to   receiver; may already be dead
 * @param msg  ownership: the runtime's on success, still the caller's on failure
 * @return 0, or -EINVAL (msg NULL), -EAGAIN (mailbox full, nothing changed),
 *         -ESRCH (no such actor), -ESHUTDOWN (foreign thread, the runtime is stopping)
 *
 * Threads: any; lock-free on a worker. Blocks: never. Allocates: never.
 * Order:   two sends from one sender to one receiver arrive in that order.
 * Delay:   the second and later messages that a behaviour sends to the same receiver may leave together with those
 *          that follow: when it sends to another one, when it returns, or after a few milliseconds.
 *          What waits so counts against the bound, which may look full up to 32 messages a worker early.
 * Since:   0.1.
 */
WEFT_API int weft_send(weft_ref to, weft_msg *msg);

/**
 * Where the answer to a request goes. Made by the functions below, passed by
 * value. Exactly one answer arrives for each request that was accepted: a
 * receiver that ends or drops the request causes WEFT_KIND_NOREPLY.
 */
typedef struct weft_reply_to {
	uint32_t kind; /* private */
	uint32_t reserved;
	uint64_t target;
	uint64_t token;
} weft_reply_to;

typedef void (*weft_reply_fn)(weft_msg *reply, void *user); /* owns reply */

WEFT_API weft_reply_to weft_reply_to_none(void);
/** To an actor's mailbox, with token. The answer takes a place of its own: it is never refused as full. */
WEFT_API weft_reply_to weft_reply_to_actor(weft_ref actor, uint64_t token);
/** To a port's completion queue (weft/port.h). A place in the queue is taken by the request. */
WEFT_API weft_reply_to weft_reply_to_port(weft_port *port, uint64_t token);
/** To a future (weft/port.h). */
WEFT_API weft_reply_to weft_reply_to_future(weft_future *future);
/**
 * To a function, called on the answering worker: short, no waiting (-EDEADLK), no locks held long. A promise to one
 * that a foreign thread makes belongs to no runtime: none waits for it when it stops.
 */
WEFT_API weft_reply_to weft_reply_to_call(weft_reply_fn fn, void *user);

/**
 * Send a message that wants an answer.
 * @return as weft_send, and -EAGAIN too when the port has no free place, -EALREADY when the
 *         future is waiting for an answer already; on failure nothing changed and no answer comes.
 */
WEFT_API int weft_request(weft_ref to, weft_msg *msg, weft_reply_to reply_to);

/**
 * Answer a request. response is moved; request stays with whoever holds it (a
 * behaviour's own message is released by the runtime as usual) and counts as answered.
 * @return 0, or -EINVAL (request expects no answer or was answered: response stays the caller's).
 *         An asker that is gone is not an error: the response is released.
 */
WEFT_API int weft_reply(weft_msg *request, weft_msg *response);

/**
 * A request that is sent to nobody: whoever holds it owes the answer. This is how
 * work that ends on another thread comes back to an actor without a place in
 * its mailbox having to be free.
 * @return 0, -EINVAL (reply_to none), -ENOMEM, and as weft_request for the place at the asker
 */
WEFT_API int weft_promise_create(weft_reply_to reply_to, weft_msg **ret_promise);
/**
 * Answer a promise with itself: no payload, just kind (below WEFT_KIND_SYSTEM; another is a fault of the
 * caller's, and answers WEFT_KIND_NOREPLY) and status. Consumes it. Allocates: never. Threads: any.
 */
WEFT_API void weft_promise_finish(weft_msg *promise, uint32_t kind, int status);

/** True when msg is a request that still waits for its answer. */
WEFT_API bool weft_msg_wants_reply(const weft_msg *msg);

/* ---- actors ------------------------------------------------------------ */

/**
 * Handle one message. msg is the runtime's and released on return, unless the
 * behaviour moved it on (weft_send, weft_reply as the response) or kept it
 * (weft_msg_keep). Must not block: while it does not return, its worker's timers, I/O and pinned actors
 * wait for it. Messages to other actors do not: another worker sees within 16 ms what lies behind, or, if none sleeps, takes one
 * of them every 2 ms after that.
 * @return 0, or a negative error: the actor then ends with that reason.
 */
typedef int (*weft_behaviour)(weft_actor *self, weft_msg *msg);

/** What a kind of actor is. Constant: it must outlive all actors made from it, but the last one's fini may free it. */
typedef struct weft_actor_class {
	uint32_t size; /* sizeof(weft_actor_class) */
	const char *name;
	weft_behaviour behaviour;
	void (*fini)(weft_actor *self); /* runs once on a worker when the actor ends; may be NULL */
	uint32_t state_bytes;           /* private state, 16-byte aligned, zeroed unless given at spawn */
	uint32_t mailbox_msgs;          /* bound of the mailbox; 0 = the runtime's default */
	uint32_t flags;                 /* WEFT_ACTOR_* */
} weft_actor_class;

enum {
	WEFT_ACTOR_PINNED = 1u << 0,   /* never stolen by another worker */
	WEFT_ACTOR_TRAP_STOP = 1u << 1, /* WEFT_KIND_STOP is a plain message: the actor ends itself, when it likes */
	/*
	 * Its sends to a full mailbox of the same runtime are accepted, and when the behaviour returns the actor
	 * rests until that receiver has drained to half of its bound. An actor that others rest for is not
	 * muted, so that no circle waits for ever; it goes on, over the bound. docs/internals/mailbox.md
	 */
	WEFT_ACTOR_MUTE = 1u << 2,
	WEFT_ACTOR_TRAP_EXIT = 1u << 3, /* the end of a linked actor is a message (WEFT_KIND_EXIT), not an end of this one */
	/*
	 * Priority, at most one of them; without, it is normal. On a worker the ready actors of a higher class run before
	 * those of a lower one: system, high, normal, background. But every 4th turn high goes before system, every 8th
	 * normal before both, and every 64th background before all, so the wait of each is bounded. What runs is
	 * never interrupted. An actor that is pinned runs in the order of its worker's pinned ones.
	 */
	WEFT_ACTOR_HIGH = 1u << 4,
	WEFT_ACTOR_SYSTEM = 1u << 5,
	WEFT_ACTOR_BACKGROUND = 1u << 6
};

/**
 * Create an actor.
 * @param state_init  state_bytes bytes to start from, copied; NULL for zeros
 * @return 0, or -EINVAL, -ENOMEM, -EAGAIN (actors_max reached), -ESHUTDOWN (stopping)
 * Threads: any; fastest on a worker. Blocks: never.
 */
WEFT_API int weft_actor_spawn(weft_runtime *rt, const weft_actor_class *cls, const void *state_init,
                              weft_ref *ret_ref);

/**
 * Ask an actor to end: it gets WEFT_KIND_STOP after what is queued already, and
 * ends when its behaviour returns from that, unless its class has WEFT_ACTOR_TRAP_STOP.
 * @return 0, -ESRCH, -ENOMEM. Threads: any.
 */
WEFT_API int weft_actor_stop(weft_ref actor);

/** True while the reference leads to a living actor. A hint: it may end right after. */
WEFT_API bool weft_actor_is_alive(weft_ref actor);

/* ---- watching ---------------------------------------------------------- */

/*
 * The reason of an end: 0 for a normal one (weft_actor_exit with 0, WEFT_KIND_STOP), else a negative
 * error, as the behaviour returned or weft_actor_exit was given. -ESHUTDOWN: the runtime halted.
 */

/**
 * Be told when an actor ends. For each accepted call exactly one WEFT_KIND_DOWN arrives: with the reason
 * when the actor has ended, or with -ECANCELED after weft_actor_demonitor. weft_runtime_stop does not wait for it.
 * @return 0, -ESRCH (no such actor: nothing will come), -EINVAL (reply_to is none), -ENOMEM, and as weft_request
 *         for the place at the asker. Threads: any. Allocates: here, and nothing at the end.
 */
WEFT_API int weft_actor_monitor(weft_ref actor, weft_reply_to reply_to);
/**
 * End the monitors of actor that answer there (the same reply_to).
 * @return 0, -ESRCH (it has ended: its DOWN is there or on its way), -ENOMEM. Threads: any.
 */
WEFT_API int weft_actor_demonitor(weft_ref actor, weft_reply_to reply_to);

/**
 * Tie two ends together: when one ends with a reason other than 0, so does the other, with the same reason,
 * unless it has WEFT_ACTOR_TRAP_EXIT: then it gets WEFT_KIND_EXIT, for a normal end too.
 * @return 0, -ESRCH (other has ended, or self: in a function that its end answers), -EALREADY, -EINVAL (itself), -ENOMEM.
 * From inside a behaviour only.
 */
WEFT_API int weft_actor_link(weft_actor *self, weft_ref other);
/** @return 0, -ENOENT (not linked), -ENOMEM. An end that happened before may still arrive. From inside a behaviour only. */
WEFT_API int weft_actor_unlink(weft_actor *self, weft_ref other);

/* From inside a behaviour or fini only: */
WEFT_API void *weft_actor_state(weft_actor *self);
WEFT_API weft_ref weft_actor_ref(const weft_actor *self);
WEFT_API weft_runtime *weft_actor_runtime(const weft_actor *self);
/** End after this activation. Messages still queued are released; requests among them are answered NOREPLY. */
WEFT_API void weft_actor_exit(weft_actor *self, int reason);
/** Keep the message being handled: the caller owns it from here. */
WEFT_API void weft_msg_keep(weft_actor *self, weft_msg *msg);
/** Give the rest of this activation's budget away: the actor is queued behind the others. */
WEFT_API void weft_actor_yield(weft_actor *self);
/** The actor that this thread is running, or NULL. */
WEFT_API weft_actor *weft_actor_self(void);

/* ---- failing ------------------------------------------------------------- */

#define WEFT_EXIT_TEXT_BYTES 120 /* of the text of a failure, its NUL among them; longer ones are cut */

/**
 * Fail: the actor ends after this activation as by weft_actor_exit, and whoever is linked to it or
 * monitors it learns the reason; the text is in the event "system:actor" (weft/event.h).
 * @param reason  negative; anything else becomes WEFT_EFAILED
 * @param text    what happened, for people; cut to WEFT_EXIT_TEXT_BYTES; may be NULL
 * @return reason, so that a behaviour can end with "return weft_actor_fail(...)"; -EINVAL outside of a behaviour
 */
WEFT_API int weft_actor_fail(weft_actor *self, int reason, const char *text);

/**
 * An invariant of a behaviour. True when cond holds; else the actor fails with WEFT_EINTERNAL and a text
 * that names the line, and nobody else is harmed: if (!WEFT_ACTOR_CHECK(self, n <= max)) return 0;
 */
#define WEFT_ACTOR_CHECK(self, cond) ((cond) || weft_actor_check_failed((self), #cond, __FILE__, __LINE__))
/** Always false. What WEFT_ACTOR_CHECK calls. */
WEFT_API bool weft_actor_check_failed(weft_actor *self, const char *cond, const char *file, int line);

/**
 * End an actor without asking it: it handles no more messages after those of its running activation, whatever
 * flags its class has. Its fini runs; the reason is WEFT_EKILLED. One that rests for a full mailbox ends when it
 * may go on; one whose behaviour does not return cannot be ended by anybody.
 * @return 0, -ESRCH, -ENOMEM. Threads: any.
 */
WEFT_API int weft_actor_kill(weft_ref actor);

/* ---- timers ------------------------------------------------------------ */

typedef struct weft_timer {
	uint64_t id; /* {0} is no timer */
} weft_timer;

/**
 * After delay_ns the actor gets WEFT_KIND_TIMER with token. Not early; late by
 * up to one wheel tick (65,536 ns), plus queueing, plus whatever runs just then on the worker where it was started.
 * An actor's end cancels its timers.
 * @return 0 or -ENOMEM, -ESHUTDOWN, -ESRCH (it has ended: a function that its end answers). ret_timer may be NULL.
 * From inside a behaviour only.
 */
WEFT_API int weft_timer_start(weft_actor *self, uint64_t delay_ns, uint64_t token, weft_timer *ret_timer);
/**
 * The same at a time of weft_now_ns(); one that has passed runs out at once. For what comes round without drift: each time
 * add the period to the time that was asked for, not to now.
 */
WEFT_API int weft_timer_start_at(weft_actor *self, uint64_t due_ns, uint64_t token, weft_timer *ret_timer);
/** In constant time, however many there are. @return 0: its message will not come; -ENOENT: it ran out already (its message may be queued). */
WEFT_API int weft_timer_cancel(weft_actor *self, weft_timer timer);

WEFT_END_DECLS

#endif
