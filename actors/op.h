/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/op.h - something an agent waits for, perhaps.
 *
 * Embedded in every call of a handler (model, tool, provider, action, evaluator).
 * Most handlers answer at once, and then an op costs two plain stores. One that
 * answers WEFT_PENDING is finished later, from any thread, and comes back to the
 * agent as a message, through a promise: it needs no place in the mailbox.
 *
 *   RUNNING --handler returned, not pending--> (done inline)
 *      | \--finish, on any thread------------> FINISHED   the handler returned PENDING: inline too
 *      \----handler returned PENDING---------> WAITING --finish--> FINISHED, promise kept
 *                                               ^ | \--agent ends--> ABANDONED: finish lets go of the run
 *                                               | v                   ^
 *                                            CANCELING ---------------/   the handler is being told
 *
 * Each move out of RUNNING and WAITING by two possible threads is a CAS, so exactly
 * one side has the last word. The run (and its arena, where the op lives) stays until
 * its last op is back or finished after being abandoned.
 *
 * A handler that asked to be told is told inside CANCELING, on the agent's thread. A finish on
 * another thread waits for the end of that, so that the handler may free what it was told with when its
 * finish has returned; a finish from inside the telling goes through.
 *
 * What a handler says while it works (chunks, progress) becomes events of the agent's runtime. The word of the state
 * counts those who say something: ABANDONED waits until they are done, and whoever comes later says nothing, for then
 * the runtime may be gone.
 *
 * A loose op belongs to no run: a call that is made for several who wait (cache.h, gather.h). It goes through
 * the same states, and its back is called by the thread that finishes it.
 */
#ifndef WEFT_ACTORS_OP_H
#define WEFT_ACTORS_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/actor.h>

#include "runtime/base/atomic.h"

struct weft__run;
struct weft__agent;

struct weft__op {
	_Atomic(uint32_t) state; /* and who speaks */
	int32_t status; /* written before FINISHED; read by back */
	struct weft__run *run;
	weft_msg *promise; /* while WAITING */
	void (*back)(struct weft__op *op); /* in the agent's behaviour, never inside the handler */
	void (*cancel)(void *user); /* tells the handler that nobody waits; NULL: it did not ask, or was told */
	void *cancel_user;
	bool inner; /* finished by the back of another op of this run: when the agent has ended, never */
	struct weft__op *next, **prev; /* the run's list of ops under way; the agent's thread */
};

#define weft__op_owner(op, type, member) ((type *)((char *)(op)-offsetof(type, member)))

/** In a simulation each simulated thread has an op of its own that it is inside of. */
void weft__op_simulated(void);

/** Before the handler is called. back is called only if the op turns out to wait. */
void weft__op_begin(struct weft__op *op, struct weft__run *run, void (*back)(struct weft__op *op));

/**
 * After the handler returned r, on the agent's thread.
 * @return 0 or a negative error: it is over, back is not called;
 *         WEFT_PENDING: the op counts as under way, back comes later
 */
int weft__op_returned(struct weft__op *op, int r);

/**
 * After weft__op_returned gave an error: the handler waits all the same, and there was no memory for its way back. It
 * may write into its call until it finishes, so nothing else may begin on this op or read what it says.
 */
bool weft__op_is_lost(const struct weft__op *op);

/** End a pending op; the *_finish functions of the handlers. Threads: any, once. */
void weft__op_finish(struct weft__op *op, int status);

/** True on the agent's thread while the op's handler has not returned: only then may the run's arena be used. */
bool weft__op_is_inline(const struct weft__op *op);

/**
 * Before the agent's runtime is used for what the handler says; true wants weft__op_speak_end afterwards.
 * @return false: nobody listens any more, and the runtime may be gone. Threads: any, until the op is finished.
 */
bool weft__op_speak_begin(struct weft__op *op);
void weft__op_speak_end(struct weft__op *op);

/** As weft__op_returned, for an op that was begun without a run. 0 or an error: back is not called. */
int weft__op_loose_returned(struct weft__op *op, int r);

/** Nobody waits for a loose op any more: tell its handler, if it wants to know. What it is part of is held by the caller. */
void weft__op_loose_cancel(struct weft__op *op);

/** Without an agent: the handler returned r; if it waits, wait with it. Not on a worker. @return 0 or a negative error */
int weft__op_wait(struct weft__op *op, int r);

/** The message of a finished op arrived at the agent. */
void weft__op_arrived(weft_msg *msg);

/** The handler asks to be told. @return 0, or -EINVAL: not from inside the handler */
int weft__op_on_cancel(struct weft__op *op, void (*fn)(void *user), void *user);

/** The run has ended: tell the handlers that still work for it. Their ops come back as ever. */
void weft__ops_cancel(struct weft__run *run);

/** The agent ends: tell the handlers, and let go of all ops of the run. */
void weft__ops_abandon(struct weft__run *run);

#endif
