/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/outbox.h - many messages to one receiver during one message: two locked instructions for all of them.
 *
 * A send costs two locked instructions on the receiver's line, and where senders on several workers share a receiver,
 * that line on its way between them costs more than everything else. So the first message to a receiver goes
 * at once; when a behaviour sends to the same one again, the worker takes places for the next few in
 * advance, links them in its own memory, and pushes the whole chain. How many: 4, 8, .. 32, as it goes on.
 *
 *     behaviour   send r   send r   send r  ..  send r   send r  ..  return
 *     mailbox r   push     4 places             push chain of 4      push what there is,
 *                                               8 places             give back unused places
 *
 * It is closed before anything else leaves (a send to another, an answer), so a sender's messages arrive in the
 * order they were sent in, and when the behaviour returns. A behaviour that does not return for long, because
 * it computes or blocks, must not keep what it sent: another worker that finds it stuck closes its outbox.
 * For that the outbox is under a lock with a bias to its owner.
 *
 *   field         written by                           read by
 *   ref           the owner                            the owner
 *   the rest      the owner, a rescuer; under lock     the owner; `open` as a hint everybody
 *
 * Invariant: open, and then places of r that were taken and not used are out, or messages that have one; closed, and
 * none. A receiver that ended waits for its places (actor.c, actor_bury).
 * The bound holds: places taken in advance count as messages, so a mailbox may look full somewhat early, never late.
 *
 * Tests: tests/api/test_outbox.c, tests/stress/test_bursts.c, tests/model/test_outbox.c.
 */
#ifndef WEFT_RUNTIME_ACTOR_OUTBOX_H
#define WEFT_RUNTIME_ACTOR_OUTBOX_H

#include "runtime/actor/core.h"

/* No places are left: push what is there, take more. False: send it by itself. */
bool weft__outbox_refill(struct weft__worker *w);
void weft__outbox_flush(struct weft__worker *w);
/* Close the outboxes of workers that are stuck in a behaviour. */
void weft__outbox_rescue(struct weft__worker *w);

/* A behaviour sent to this one; not the message that it handles, which costs it no more than that. */
static inline void weft__outbox_remember(struct weft__worker *w, weft_ref to)
{
	if (w->msg)
		w->outbox.ref = to.id;
}

/* True: msg is on its way. */
static inline bool weft__outbox_put(struct weft__worker *w, weft_ref to, struct weft_msg *msg)
{
	bool fits;

	/* the link of the message being handled is in use */
	if (w->outbox.ref != to.id || !w->msg || msg == w->msg)
		return false;
	weft__bias_enter(&w->outbox.lock);
	fits = w->outbox.places || weft__outbox_refill(w);
	if (__builtin_expect(fits, 1)) {
		w->outbox.places--;
		if (w->outbox.first)
			weft__store_relaxed(&w->outbox.last->next, msg); /* relaxed: published by the push of the chain */
		else
			w->outbox.first = msg;
		w->outbox.last = msg;
	}
	weft__bias_leave(&w->outbox.lock);
	return fits;
}

/* Something else is about to leave, or the behaviour has returned. */
static inline void weft__outbox_close(struct weft__worker *w)
{
	if (!w->outbox.ref)
		return;
	w->outbox.ref = 0;
	/* relaxed: only this worker opens it */
	if (weft__load_relaxed(&w->outbox.open))
		weft__outbox_flush(w);
}

#endif
