/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/mute.c - senders that rest until an overloaded receiver has drained.
 *
 * An actor of a class with WEFT_ACTOR_MUTE may send past the bound of a mailbox. When it
 * returns from that message it is muted: it keeps its mailbox busy, so that nobody schedules
 * it, and waits in a list of the receiver. The receiver, drained to half of its bound,
 * schedules all that wait for it.
 *
 *     sender   send: full -> accepted     mute: list, receiver's WAITED (U1), drained?     (U1')
 *     receiver                            idle: head = NULL            (U2), own WAITED?   (U2')
 *
 * No lost wake-up: each side writes one word and then reads the other's, sequentially
 * consistent. A receiver that is not idle will look again.
 *
 * No deadlock: a muted actor waits for another, and a circle of them would wait for ever.
 * An actor that is waited for is not muted: the one about to rest sets WAITED of its receiver,
 * then looks at its own (both under the lock). Whoever closes the circle is waited for and
 * goes on. An actor that is muted already may become waited for; that makes a chain, and at
 * the end of a chain is one that runs, since a running actor handles what is in its mailbox
 * whatever it waits for otherwise.
 *
 * What is bounded: a mailbox holds its bound, and for each of its muted senders what that
 * sent during one message.
 *
 * While muted, an actor's task is in no queue: its link makes the list, free_next names the receiver.
 *
 * After Pony's backpressure. Tests: tests/api/test_mute.c, tests/stress/test_mute.c, tests/model/test_mute.c.
 */
#include "runtime/actor/core.h"

static struct weft_actor **bucket_of(struct weft_runtime *rt, const struct weft_actor *on)
{
	return &rt->mute.lists[on->cell % WEFT__MUTE_LISTS];
}

static struct weft_actor *next_muted(const struct weft_actor *a)
{
	return a->task.next ? (struct weft_actor *)((char *)a->task.next - offsetof(struct weft_actor, task)) : NULL;
}

static void link_to(struct weft_actor *a, struct weft_actor *next)
{
	a->task.next = next ? &next->task : NULL;
}

/* Full, and somebody runs it who will look at WAITED when he is done. life: only in that one; 0: whichever it has. */
static bool is_overloaded(struct weft_actor *on, uint64_t life)
{
	uint64_t word = weft__load_seq_cst(&on->word); /* U1' against actor_end */

	if (!(word & 1) || (life && (word & WEFT__LIFE_MASK) != life))
		return false;
	if (!weft__load_seq_cst(&on->mailbox.head)) /* U1' */
		return false;
	return weft__depth(on, word) > weft__bound(on) / 2;
}

bool weft__mute(struct weft__worker *w, struct weft_actor *a, weft_ref receiver)
{
	struct weft_runtime *rt = a->rt;
	struct weft_actor *on = weft__ref_cell(rt, receiver), **list = bucket_of(rt, on);
	bool muted = false;

	pthread_mutex_lock(&rt->mute.lock);
	weft__fetch_or_seq_cst(&on->bound_msgs, WEFT__WAITED); /* U1 */
	/* in the life that was sent to: the birth of the next one may have wiped WAITED away */
	if (on != a && !(weft__load_relaxed(&a->bound_msgs) & WEFT__WAITED) && /* relaxed: set under this lock */
	    is_overloaded(on, weft__ref_life(receiver))) {
		link_to(a, *list);
		a->free_next = on;
		*list = a;
		muted = true;
		weft__count(&w->count.muted, 1u);
		weft__note(w, WEFT_FLIGHT_MUTE, 0, a->ref_id, 0);
	}
	pthread_mutex_unlock(&rt->mute.lock); /* from here a may run elsewhere */
	return muted;
}

/* Take all that wait for `on` out of its list. */
static struct weft_actor *waiters_take_locked(struct weft_runtime *rt, struct weft_actor *on)
{
	struct weft_actor **list = bucket_of(rt, on), *kept = NULL, *taken = NULL;

	for (struct weft_actor *a = *list, *next; a; a = next) {
		struct weft_actor **to = a->free_next == on ? &taken : &kept;

		next = next_muted(a);
		link_to(a, *to);
		*to = a;
	}
	*list = kept;
	return taken;
}

void weft__unmute(struct weft__worker *w, struct weft_actor *on)
{
	struct weft_runtime *rt = w->rt; /* on may be another actor by now: whoever waits for it goes on early */
	struct weft_actor *a = NULL;

	pthread_mutex_lock(&rt->mute.lock);
	if (!is_overloaded(on, 0)) { /* it may be again: then whoever runs it looks again */
		a = waiters_take_locked(rt, on);
		weft__fetch_and_acq_rel(&on->bound_msgs, ~WEFT__WAITED);
	}
	pthread_mutex_unlock(&rt->mute.lock);
	while (a) {
		struct weft_actor *next = next_muted(a);

		weft__actor_enqueue_back(w, a);
		a = next;
	}
}
