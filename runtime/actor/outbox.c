/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/actor/outbox.c - opening, closing and rescuing an outbox; outbox.h says what it is. */
#include "runtime/actor/outbox.h"

#ifndef PLACES_MIN /* tests/model: 1 and 2 */
#define PLACES_MIN 4u
#define PLACES_MAX 32u
#endif
#define STUCK_NS 1000000u /* a worker that has not looked around for so long sits in one behaviour */

/* True: these places are ours. */
static bool places_take(struct weft__worker *w, struct weft_actor *a, uint32_t n)
{
	uint64_t life = w->outbox.ref & WEFT__LIFE_MASK, word = weft__load_relaxed(&a->word); /* relaxed: looked at again */
	uint32_t depth = weft__depth(a, word);

	/* who will rest for it is not held to the bound (mute.c) */
	if (!(w->actor->after & WEFT__REST) && depth + n > weft__bound(a))
		return false;
	word = weft__fetch_add_acq_rel(&a->word, n * WEFT__PLACE); /* P1, n of them */
	if ((word & WEFT__LIFE_MASK) == life) {
		weft__depth_seen(w, depth + n);
		return true;
	}
	weft__fetch_sub_acq_rel(&a->word, n * WEFT__PLACE); /* P4 */
	return false;
}

/* Push the chain. True: the receiver was idle, and the caller must schedule it with this first message. */
static bool chain_push(struct weft__worker *of)
{
	struct weft_actor *a = of->outbox.to;
	struct weft_msg *first = of->outbox.first;

	of->outbox.first = NULL;
	return weft__mailbox_push_chain(&a->mailbox, first, of->outbox.last);
}

bool weft__outbox_refill(struct weft__worker *w)
{
	struct weft_actor *a = weft__ref_cell(w->rt, (weft_ref){ w->outbox.ref });
	uint32_t n = weft__load_relaxed(&w->outbox.open); /* relaxed: under the lock */
	struct weft_msg *first = w->outbox.first;

	if (first && chain_push(w))
		weft__actor_schedule(w->rt, w, a, first);
	n = n ? n * 2 : PLACES_MIN;
	if (n > PLACES_MAX)
		n = PLACES_MAX;
	if (!places_take(w, a, n)) {
		weft__store_relaxed(&w->outbox.open, 0u);
		return false;
	}
	w->outbox.to = a;
	w->outbox.places = n;
	weft__store_relaxed(&w->outbox.open, n); /* relaxed: a hint to others */
	return true;
}

/* Under its lock: everything leaves. The receiver, if it must be scheduled, with *ret_first. */
static struct weft_actor *leave(struct weft__worker *of, struct weft_msg **ret_first)
{
	struct weft_actor *a = of->outbox.to;
	bool idle = false;

	*ret_first = of->outbox.first;
	if (of->outbox.first)
		idle = chain_push(of);
	if (of->outbox.places)
		weft__fetch_sub_acq_rel(&a->word, of->outbox.places * WEFT__PLACE); /* P4 */
	of->outbox.places = 0;
	weft__store_relaxed(&of->outbox.open, 0u); /* relaxed: a hint to others */
	return idle ? a : NULL;
}

void weft__outbox_flush(struct weft__worker *w)
{
	struct weft_msg *first;
	struct weft_actor *woken;

	weft__bias_enter(&w->outbox.lock);
	woken = weft__load_relaxed(&w->outbox.open) ? leave(w, &first) : NULL; /* relaxed: under the lock */
	weft__bias_leave(&w->outbox.lock);
	if (woken)
		weft__actor_schedule(w->rt, w, woken, first);
}

/* w closes the outbox of another. */
static void rescue(struct weft__worker *w, struct weft__worker *of)
{
	struct weft_msg *first;
	struct weft_actor *woken;

	if (!weft__bias_claim(&of->outbox.lock))
		return;
	woken = weft__load_relaxed(&of->outbox.open) ? leave(of, &first) : NULL; /* relaxed: under the lock */
	weft__bias_release(&of->outbox.lock);
	if (woken)
		weft__actor_schedule(w->rt, w, woken, first);
}

void weft__outbox_rescue(struct weft__worker *w)
{
	struct weft__sched *s = w->sched;
	uint64_t now = weft_now_ns();

	for (uint32_t i = 0; i < s->worker_count + s->guest_count; i++) {
		struct weft__worker *of = &s->workers[i];

		/* relaxed: hints */
		if (of != w && weft__load_relaxed(&of->outbox.open) &&
		    (int64_t)(now - weft__load_relaxed(&of->check_ns)) > (int64_t)STUCK_NS)
			rescue(w, of);
	}
}
