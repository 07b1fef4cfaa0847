/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/port.h - the host's side: threads that are not workers.
 *
 * Three ways to learn of an answer: reap a port's queue (with an eventfd for
 * the host's own poll loop), wait on a future, or be called on a worker
 * (weft_reply_to_call). A thread that waits helps: it runs actors meanwhile.
 */
#ifndef WEFT_PORT_H
#define WEFT_PORT_H

#include <weft/actor.h>

WEFT_BEGIN_DECLS

/** No deadline for the _until functions. Deadlines are absolute, on weft_now_ns(). */
#define WEFT_FOREVER UINT64_MAX

/* ---- ports ------------------------------------------------------------- */

typedef struct weft_port_options {
	uint32_t size;          /* set by WEFT_PORT_OPTIONS_INIT */
	uint32_t capacity_msgs; /* requests open plus answers not yet reaped; 0 = 65,536 */
} weft_port_options;

#define WEFT_PORT_OPTIONS_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_port_options)                                                          \
	}

/** @return 0, -EINVAL, -ENOMEM, -EMFILE. opt may be NULL. */
WEFT_API int weft_port_create(weft_runtime *rt, const weft_port_options *opt, weft_port **ret_port);

/**
 * Release it. Answers not reaped are released; answers still to come are
 * released when they come. NULL is fine. Threads: the reaping one.
 */
WEFT_API void weft_port_destroy(weft_port *port);

/**
 * A non-blocking eventfd that is readable while answers wait: put it into your
 * epoll set (EPOLLIN). weft_port_reap clears it; never read or close it yourself.
 */
WEFT_API int weft_port_fd(weft_port *port);

/**
 * Take up to max answers, oldest first; never waits.
 * @return how many (the caller owns them; weft_msg_destroy each), -EINVAL
 * Threads: one at a time.
 */
WEFT_API int weft_port_reap(weft_port *port, weft_msg **ret_msgs, uint32_t max);

/**
 * As reap, but waits until at least one answer is there, running actors
 * meanwhile where a guest place is free. With max over 1 it goes on with
 * actors that are ready to run for about as many turns, to bring more answers at once, unless the answer is to the only
 * request that is open.
 * @return how many, 0 when deadline_ns passed, -EDEADLK (called from a worker)
 */
WEFT_API int weft_port_wait_until(weft_port *port, weft_msg **ret_msgs, uint32_t max, uint64_t deadline_ns);

/* ---- futures ----------------------------------------------------------- */

/** One answer at a time; may be used again once it was taken. @return 0, -EINVAL, -ENOMEM */
WEFT_API int weft_future_create(weft_runtime *rt, weft_future **ret_future);
/** NULL is fine; an answer still to come is released when it comes. */
WEFT_API void weft_future_destroy(weft_future *future);
/** @return 0 and the answer (the caller's), or -EAGAIN: not yet, -EINVAL: nothing was asked */
WEFT_API int weft_future_try_take(weft_future *future, weft_msg **ret_msg);
/** As try_take, but waits and helps. -ETIMEDOUT when deadline_ns passed, -EDEADLK on a worker. One waiter. */
WEFT_API int weft_future_wait_until(weft_future *future, weft_msg **ret_msg, uint64_t deadline_ns);

/* ---- guests ------------------------------------------------------------ */

/**
 * Make this foreign thread a guest of rt until weft_guest_leave: what it sends
 * and spawns is queued on the thread itself, without a wake-up, and runs while
 * it waits (weft_port_wait_until, weft_future_wait_until); idle workers may
 * steal it. For a batch that is joined right away this saves the wake-ups,
 * which are nearly all of its cost. Between enter and leave either wait or
 * leave soon: nobody is woken for what you queue.
 * @return 0, -EBUSY (all guest places taken, or already a guest), -EDEADLK (a worker), -ESHUTDOWN
 */
WEFT_API int weft_guest_enter(weft_runtime *rt);
/**
 * Hand what is still queued to the workers and stop being a guest; what its actors started of timers, too, which
 * waited for that or for a wait of this thread. 0, -EINVAL, or -EDEADLK: inside an actor, or a function that answers.
 */
WEFT_API int weft_guest_leave(weft_runtime *rt);

WEFT_END_DECLS

#endif
