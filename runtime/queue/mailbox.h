/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/mailbox.h - many senders, one receiver, and who must wake it.
 *
 * One word. NULL says that the receiver is idle; anything else is the newest
 * message, and the messages are linked oldest to newest. The exchange that
 * pushes also tells the sender whether it woke an idle receiver, so that an
 * idle actor keeps no stub and is scheduled exactly once.
 *
 *     idle:      head = NULL
 *     push(a):   head = a              prev = NULL -> this sender schedules
 *     push(b):   head = b   a -> b     prev = a
 *     take a; take b: b.next = NULL -> CAS(head, b, NULL): idle again
 *
 * The message being handled stays linked (it is the receiver's place in the
 * list) until the receiver steps to the next one. To move that message on before
 * that, the receiver detaches it: where it is the newest, a stub takes its place.
 *
 *   field   written by                 read by
 *   head    senders (exchange),        senders, receiver
 *           receiver (CAS to NULL/stub)
 *   next    the sender that came       receiver
 *           after (once)
 *
 * Which calls may overlap (X) on one mailbox:
 *              push  next  try_idle  detach
 *   push        X     X       X        X
 *   next        X     -       -        -      (next, try_idle, detach: the
 *   try_idle    X     -       -        -       receiver only)
 *   detach      X     -       -        -
 *
 * Invariant: head != NULL from the push that finds it NULL until the receiver's
 * try_idle succeeds; in between exactly one thread is the receiver.
 * Linearization: push at the exchange; try_idle at the CAS; next at the load.
 * Progress: push is wait-free; next may have to wait for one sender that was
 * stopped between its exchange and its link (weft__mailbox_next_wait).
 * ABA: the CAS compares with a node the receiver still holds, so nobody can
 * have freed and pushed it again. Memory: a node is the receiver's after it
 * stepped past it. No counter, so nothing wraps.
 *
 * Source: after D. Vyukov's intrusive MPSC queue and MCS locks.
 * Tests: tests/unit/queue/test_mailbox.c, tests/stress/test_queues.c, tests/model/test_mailbox.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_MAILBOX_H
#define WEFT_RUNTIME_QUEUE_MAILBOX_H

#include <stdbool.h>

#include "runtime/base/assert.h"
#include "runtime/mem/msgpool.h"

struct weft__mailbox {
	_Atomic(struct weft_msg *) head;
};

/* A lone link that can stand for a message; see weft__mailbox_detach. */
struct weft__mailbox_stub {
	_Atomic(struct weft_msg *) next;
};

/*
 * Push messages that are linked from first to last. True: the receiver was idle, first is its
 * first message, and the caller must schedule it.
 */
static inline bool weft__mailbox_push_chain(struct weft__mailbox *mb, struct weft_msg *first, struct weft_msg *last)
{
	struct weft_msg *prev;

	/* relaxed: the exchange below publishes it */
	weft__store_relaxed(&last->next, NULL);
	/*
	 * M1 acq_rel. Release: last's fields and its NULL link are written before
	 * anybody can reach it; if relaxed, the NULL may come to lie over the link that
	 * the next sender writes. Acquire: pairs with the M4 CAS of a receiver going
	 * idle, so that what it did happens before its next activation.
	 */
	prev = weft__xchg_acq_rel(&mb->head, last);
	if (!prev)
		return true;
	/*
	 * M2 release -> M3 acquire in next(). Publishes first, written by this thread.
	 * If relaxed: the receiver may see the link before the message.
	 */
	weft__store_release(&prev->next, first);
	return false;
}

/* The same with one message. */
static inline bool weft__mailbox_push(struct weft__mailbox *mb, struct weft_msg *msg)
{
	return weft__mailbox_push_chain(mb, msg, msg);
}

/* The message after node, or NULL: none yet, or its sender is between exchange and link. */
static inline struct weft_msg *weft__mailbox_next(struct weft_msg *node)
{
	return weft__load_acquire(&node->next); /* M3 */
}

/* Wait for the link that a sender is about to write. A few instructions, unless it was preempted there. */
static inline struct weft_msg *weft__mailbox_next_wait(struct weft_msg *node)
{
	struct weft_msg *next;

	while (!(next = weft__mailbox_next(node)))
		weft__spin();
	return next;
}

/*
 * The receiver has handled node and sees none after it: become idle.
 * False: a sender came in between; weft__mailbox_next_wait gives its message.
 * After true the caller is no longer the receiver and touches nothing of it but node.
 */
static inline bool weft__mailbox_try_idle(struct weft__mailbox *mb, struct weft_msg *node)
{
	struct weft_msg *expected = node;

	/* M4 release -> M1: what this activation did happens before the next one. seq_cst: runtime/actor/mute.c, U2. */
	return weft__cas_seq_cst(&mb->head, &expected, NULL);
}

/*
 * Take msg, the message being handled, out of the list so that it can be moved.
 * Returns the node that now stands for the receiver's place: either the stub
 * (msg was the newest; *ret_next is NULL) or NULL with *ret_next the message after it.
 */
static inline struct weft_msg *weft__mailbox_detach(struct weft__mailbox *mb, struct weft_msg *msg,
                                                    struct weft__mailbox_stub *stub, struct weft_msg **ret_next)
{
	struct weft_msg *next = weft__mailbox_next(msg);
	struct weft_msg *expected = msg;

	*ret_next = next;
	if (next)
		return NULL;
	weft__store_relaxed(&stub->next, NULL); /* relaxed: published by the CAS */
	/* M5 acq_rel -> M1: the stub's NULL link before the link that the next sender writes. */
	if (weft__cas_acq_rel(&mb->head, &expected, (struct weft_msg *)stub))
		return (struct weft_msg *)stub;
	*ret_next = weft__mailbox_next_wait(msg);
	return NULL;
}

#endif
