/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/semaphore.c - permits, and who waits for them.
 *
 *     word    | somebody waits 1 | free permits 31 |
 *
 * Without waiters a permit is one compare-and-swap, either way. With waiters everything goes through the lock: a permit that comes
 * back is handed to the first of them and is never free in between, so nobody overtakes. The waiting bit is set
 * and cleared under the lock; while it is set, no fast path succeeds and the count is 0.
 *
 *   field     written by                          read by
 *   word      fast paths (count), lock's holder   all
 *   the rest  under the lock                      the same
 *
 * Who waits is a promise: no memory is needed to be granted, given up or lost. Granted, it carries the permit until somebody takes
 * it; a message that is released with the permit in it gives it back (lost). One thread at a time hands permits out; others, and it
 * itself from whatever an answer sets off, only say that there is one more (owed): no recursion, however many are lost in a row.
 * Places in the line are known by index and life, so that giving up is in constant time and nobody looks at a promise that may be gone.
 *
 * Invariant: free + owed + taken + in answers that nobody took == permits. Memory: the owner and each promise hold a reference.
 * Which may overlap: all calls but destroy, which is the owner's last. Linearization: the CAS of a fast path, else the lock.
 * ABA: the word is a count, equal is equal. Tests: tests/api/test_semaphore.c, tests/stress/test_jobs.c.
 */
#include <errno.h>
#include <pthread.h>

#include <weft/alloc.h>
#include <weft/async.h>

#include "runtime/actor/core.h"

#define WAITING (UINT32_C(1) << 31)
#define PLACES_MIN 8u
#define NOWHERE UINT32_MAX

struct place {
	struct weft_msg *promise; /* owned; NULL: the place is free */
	uint32_t before, behind;  /* in the line; behind: also among the free ones */
	uint32_t life;            /* of those who waited here, so that a ticket fits one of them only */
};

struct weft_semaphore {
	_Atomic(uint32_t) word;
	pthread_mutex_t lock;
	struct place *places;
	uint32_t room, used, free; /* places; those that were ever taken; the first of these that is free */
	uint32_t first, last;     /* of the line */
	uint32_t waiting, owed, refs;
	bool handing; /* somebody hands permits out */
};

struct waiter { /* the payload of a promise, and of the answer it becomes */
	struct weft_semaphore *semaphore; /* a reference */
	bool granted;                     /* the permit is in here */
};

static void semaphore_free(struct weft_semaphore *s)
{
	pthread_mutex_destroy(&s->lock);
	weft_free(s->places);
	weft_free(s);
}

static void unref(struct weft_semaphore *s)
{
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (last)
		semaphore_free(s);
}

/* An answer that nobody took is released: its permit is the next one's. */
static void lost(weft_msg *answer)
{
	struct waiter *w = weft_msg_data(answer);
	struct weft_semaphore *s = w->semaphore;

	if (w->granted)
		weft_semaphore_release(s);
	unref(s);
}

int weft_semaphore_create(uint32_t permits, weft_semaphore **ret_semaphore)
{
	struct weft_semaphore *s;

	WEFT_RETURN_IF(!ret_semaphore || !permits || permits > WEFT_SEMAPHORE_PERMITS_MAX, -EINVAL);
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	weft__store_relaxed(&s->word, permits); /* relaxed: not shared yet */
	s->first = s->last = s->free = NOWHERE;
	s->refs = 1;
	*ret_semaphore = s;
	return 0;
}

/* ---- without waiting ---------------------------------------------------------------------- */

int weft_semaphore_try_acquire(weft_semaphore *semaphore)
{
	uint32_t word;

	WEFT_RETURN_IF(!semaphore, -EINVAL);
	word = weft__load_relaxed(&semaphore->word); /* relaxed: the CAS looks again */
	/* acquire: what its last holder wrote; a word with WAITING has no permits */
	while (word && !(word & WAITING)) {
		if (weft__cas_weak_acq_rel(&semaphore->word, &word, word - 1))
			return 0;
	}
	return -EAGAIN;
}

uint32_t weft_semaphore_free(const weft_semaphore *semaphore)
{
	return weft__load_acquire(&semaphore->word) & ~WAITING;
}

uint32_t weft_semaphore_waiting(weft_semaphore *semaphore)
{
	uint32_t n;

	pthread_mutex_lock(&semaphore->lock);
	n = semaphore->waiting;
	pthread_mutex_unlock(&semaphore->lock);
	return n;
}

/* ---- the line ---------------------------------------------------------------------------------- */

/* A free place at least. New ones are not looked at before they are taken: a line may be long, and the lock is held. */
static bool places_grow_locked(struct weft_semaphore *s)
{
	uint32_t room = s->room ? s->room * 2 : PLACES_MIN;
	struct place *places;

	if (s->free != NOWHERE || s->used < s->room)
		return true;
	if (room > WEFT_SEMAPHORE_PERMITS_MAX)
		return false;
	places = weft_realloc(s->places, room * sizeof(*places));
	if (!places)
		return false;
	s->places = places;
	s->room = room;
	return true;
}

/* There is one. */
static uint32_t place_take_locked(struct weft_semaphore *s)
{
	uint32_t at = s->free;

	if (at == NOWHERE) {
		at = s->used++;
		s->places[at].life = 0;
	} else {
		s->free = s->places[at].behind;
	}
	return at;
}

/* At the end of the line. There is a free place. */
static uint32_t line_push_locked(struct weft_semaphore *s, struct weft_msg *promise)
{
	uint32_t at = place_take_locked(s);
	struct place *p = &s->places[at];

	p->promise = promise;
	p->before = s->last;
	p->behind = NOWHERE;
	if (s->last == NOWHERE)
		s->first = at;
	else
		s->places[s->last].behind = at;
	s->last = at;
	s->waiting++;
	return at;
}

static struct weft_msg *line_remove_locked(struct weft_semaphore *s, uint32_t at)
{
	struct place *p = &s->places[at];
	struct weft_msg *promise = p->promise;

	if (p->before == NOWHERE)
		s->first = p->behind;
	else
		s->places[p->before].behind = p->behind;
	if (p->behind == NOWHERE)
		s->last = p->before;
	else
		s->places[p->behind].before = p->before;
	p->promise = NULL;
	p->life++;
	p->behind = s->free;
	s->free = at;
	s->waiting--;
	return promise;
}

/* Nobody waits any more: what is owed is free, and fast paths again. */
static void look_whether_empty_locked(struct weft_semaphore *s)
{
	if (s->waiting)
		return;
	weft__fetch_and_acq_rel(&s->word, ~WAITING);
	if (s->owed)
		weft__fetch_add_acq_rel(&s->word, s->owed);
	s->owed = 0;
}

/* A permit after all, or the waiting bit: then, until it is cleared, no permit is free. True: a permit. */
static bool take_or_mark_locked(struct weft_semaphore *s)
{
	uint32_t word = weft__load_relaxed(&s->word); /* relaxed: the CAS looks again */

	for (;;) {
		bool take = word && !(word & WAITING);

		if (weft__cas_weak_acq_rel(&s->word, &word, take ? word - 1 : WAITING))
			return take;
	}
}

/* promise waits, or there is a permit for it now. Under the lock. WEFT_PENDING, 0 or -ENOMEM. */
static int wait_locked(struct weft_semaphore *s, struct weft_msg *promise, uint64_t *ret_ticket)
{
	struct waiter *w = weft_msg_data(promise);
	uint32_t at;

	if (!places_grow_locked(s))
		return -ENOMEM;
	if (take_or_mark_locked(s))
		return 0;
	w->semaphore = s;
	weft_msg_on_destroy(promise, lost);
	at = line_push_locked(s, promise);
	*ret_ticket = (uint64_t)s->places[at].life << 32 | (at + 1);
	s->refs++;
	return WEFT_PENDING;
}

int weft_semaphore_acquire(weft_semaphore *semaphore, weft_reply_to reply_to, weft_ticket *ret_ticket)
{
	struct weft_msg *promise;
	uint64_t ticket;
	int r;

	WEFT_RETURN_IF(!semaphore, -EINVAL);
	if (weft_semaphore_try_acquire(semaphore) == 0)
		return 0;
	r = weft__promise_new(reply_to, sizeof(struct waiter), &promise);
	if (r < 0)
		return r;
	pthread_mutex_lock(&semaphore->lock);
	r = wait_locked(semaphore, promise, &ticket);
	pthread_mutex_unlock(&semaphore->lock);
	if (r != WEFT_PENDING) {
		weft__request_cancel(promise);
		weft__msg_release(promise);
	} else if (ret_ticket) {
		ret_ticket->id = ticket;
	}
	return r;
}

static void answer(struct weft_msg *promise, int status)
{
	struct waiter *w = weft_msg_data(promise);

	w->granted = status == 0;
	weft_msg_set_status(promise, status);
	weft_reply(promise, promise);
}

int weft_semaphore_take(weft_msg *msg)
{
	struct waiter *w;
	struct weft_semaphore *s;
	bool granted;

	WEFT_RETURN_IF(!msg || msg->on_destroy != lost, -EINVAL);
	w = weft_msg_data(msg);
	s = w->semaphore;
	granted = w->granted;
	weft_msg_on_destroy(msg, NULL);
	unref(s);
	return granted ? 0 : weft_msg_status(msg);
}

/* True: whoever got that ticket still waits. */
static bool is_waiting_locked(const struct weft_semaphore *s, weft_ticket ticket)
{
	uint32_t at = (uint32_t)ticket.id - 1;

	return at < s->used && s->places[at].promise && s->places[at].life == ticket.id >> 32;
}

int weft_semaphore_give_up(weft_semaphore *semaphore, weft_ticket ticket)
{
	struct weft_msg *promise = NULL;

	WEFT_RETURN_IF(!semaphore, -EINVAL);
	pthread_mutex_lock(&semaphore->lock);
	if (is_waiting_locked(semaphore, ticket)) {
		promise = line_remove_locked(semaphore, (uint32_t)ticket.id - 1);
		look_whether_empty_locked(semaphore);
	}
	pthread_mutex_unlock(&semaphore->lock);
	if (!promise)
		return -ENOENT;
	answer(promise, -ECANCELED);
	return 0;
}

/* ---- giving back --------------------------------------------------------------------------------- */

/* True: it is free for whoever comes. */
static bool give_back_fast(struct weft_semaphore *s)
{
	uint32_t word = weft__load_relaxed(&s->word); /* relaxed: the CAS looks again */

	while (!(word & WAITING)) {
		if (!WEFT_CHECK(word < WEFT_SEMAPHORE_PERMITS_MAX))
			return true;
		/* release: what its holder wrote */
		if (weft__cas_weak_acq_rel(&s->word, &word, word + 1))
			return true;
	}
	return false;
}

/* Hand out what is owed, until it is or nobody waits. The caller holds a reference, and the lock at both ends. */
static void hand_out_locked(struct weft_semaphore *s)
{
	s->handing = true;
	while (s->owed && s->waiting) {
		struct weft_msg *promise = line_remove_locked(s, s->first);

		s->owed--;
		pthread_mutex_unlock(&s->lock);
		answer(promise, 0);
		pthread_mutex_lock(&s->lock);
	}
	s->handing = false;
	look_whether_empty_locked(s);
}

void weft_semaphore_release(weft_semaphore *semaphore)
{
	bool last;

	if (!WEFT_CHECK(semaphore != NULL) || give_back_fast(semaphore))
		return;
	pthread_mutex_lock(&semaphore->lock);
	semaphore->refs++; /* whatever the answers set off */
	semaphore->owed++;
	if (!semaphore->handing)
		hand_out_locked(semaphore);
	last = --semaphore->refs == 0;
	pthread_mutex_unlock(&semaphore->lock);
	if (last)
		semaphore_free(semaphore);
}

void weft_semaphore_destroy(weft_semaphore *semaphore)
{
	struct weft_msg *promise;

	if (!semaphore)
		return;
	for (;;) {
		pthread_mutex_lock(&semaphore->lock);
		promise = semaphore->waiting ? line_remove_locked(semaphore, semaphore->first) : NULL;
		look_whether_empty_locked(semaphore);
		pthread_mutex_unlock(&semaphore->lock);
		if (!promise)
			break;
		answer(promise, -ECANCELED);
	}
	unref(semaphore);
}
