/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/watch.c - being told of an actor's end: monitors and links.
 *
 * A monitor is a request that the watched actor keeps and its end answers. So there is nothing
 * to allocate when an actor ends, and what holds for requests holds here: exactly one answer
 * to each that was accepted, also when the actor ends before it has seen it.
 *
 *     weft_actor_monitor(B)     WATCH ---------> B keeps it ... B ends: DOWN, reason -> asker
 *     weft_actor_link(B)        WATCH ---------> B keeps it ... B ends: EXIT, reason -> A
 *                               A keeps a promise to B ....... A ends: EXIT, reason -> B
 *
 * A link is a watch in each direction, and both are made by the one who links: the other need
 * not answer, and nothing can fail half way. Unlike requests, watches are not counted as open:
 * a runtime that stops does not wait for them.
 *
 * What happens at once:
 *   both end                 each EXIT finds a dead receiver and is released
 *   B ends before WATCH      B's burial answers it, as it does with any request
 *   both link                two links: each end gives two EXIT
 *   unlink, while B ends     its EXIT is on the way: A may still end of it, or see it if it traps
 *   demonitor, B ends        DOWN with the reason; the UNWATCH comes too late and is dropped
 *
 * Tests: tests/api/test_watch.c, tests/stress/test_watch.c.
 */
#include "runtime/actor/core.h"

#include <errno.h>

/* A kept WATCH says in status which kind it will become. */
static struct weft_msg *watch_new(uint32_t becomes, weft_reply_to to, int *ret)
{
	struct weft_msg *m = weft__msg_new(WEFT__KIND_WATCH, 0);

	*ret = -ENOMEM;
	if (!m)
		return NULL;
	m->status = (int32_t)becomes;
	*ret = weft__request_uncounted(m, to);
	if (*ret < 0) {
		weft__msg_release(m);
		return NULL;
	}
	return m;
}

static void keep(struct weft_actor *a, struct weft_msg *watch)
{
	weft__store_relaxed(&watch->next, a->watches); /* relaxed: a list of the owner alone */
	a->watches = watch;
}

void weft__watch_answer(struct weft_msg *watch, int reason)
{
	weft__answer_self(watch, (uint32_t)watch->status, reason);
}

/*
 * Take those that answer there out of the list, then answer them with kind and status: a function that is answered may watch
 * and link in the actor's name meanwhile.
 */
static void let_go(struct weft_actor *a, uint32_t becomes, weft_reply_to to, uint32_t kind, int status)
{
	struct weft_msg *m = a->watches, *kept = NULL, *gone = NULL, *next;

	for (; m; m = next) {
		bool goes = (uint32_t)m->status == becomes && m->reply_kind == to.kind && m->target == to.target &&
		            m->token == to.token;
		struct weft_msg **list = goes ? &gone : &kept;

		next = weft__load_relaxed(&m->next); /* relaxed, here and below: the owner's lists */
		weft__store_relaxed(&m->next, *list);
		*list = m;
	}
	a->watches = kept;
	for (; gone; gone = next) {
		next = weft__load_relaxed(&gone->next);
		weft__answer_self(gone, kind, status);
	}
}

/* Nothing is added meanwhile: a is dead to weft_actor_link, and to whoever sends it a WATCH. */
void weft__watch_tell(struct weft_actor *a)
{
	struct weft_msg *m = a->watches, *next;

	WEFT_ASSERT(a->now == WEFT__ENDED);
	a->watches = NULL;
	for (; m; m = next) {
		next = weft__load_relaxed(&m->next); /* relaxed: the owner's list */
		weft__watch_answer(m, a->exit_reason);
	}
	WEFT_ASSERT(!a->watches);
}

struct unwatch {
	weft_reply_to to;
	uint32_t becomes; /* of the watch: WEFT_KIND_DOWN or WEFT_KIND_EXIT */
};

static int unwatch(weft_ref actor, uint32_t becomes, weft_reply_to to)
{
	struct weft_msg *m = weft__msg_new(WEFT__KIND_UNWATCH, sizeof(struct unwatch));
	int r;

	if (!m)
		return -ENOMEM;
	*(struct unwatch *)weft__msg_payload(m) = (struct unwatch){ .to = to, .becomes = becomes };
	r = weft__deliver_anywhere(actor, m);
	if (r < 0)
		weft__msg_release(m);
	return r;
}

static int watch_send(weft_ref actor, struct weft_msg *watch)
{
	int r = weft__deliver_anywhere(actor, watch);

	if (r < 0) {
		weft__request_cancel(watch);
		weft__msg_release(watch);
	}
	return r;
}

int weft_actor_monitor(weft_ref actor, weft_reply_to reply_to)
{
	int r;
	struct weft_msg *watch = watch_new(WEFT_KIND_DOWN, reply_to, &r);

	return watch ? watch_send(actor, watch) : r;
}

int weft_actor_demonitor(weft_ref actor, weft_reply_to reply_to)
{
	return unwatch(actor, WEFT_KIND_DOWN, reply_to);
}

/* ---- links -------------------------------------------------------------------------------- */

static bool is_linked(const struct weft_actor *self, weft_ref other)
{
	for (struct weft_msg *m = self->watches; m; m = weft__load_relaxed(&m->next)) { /* relaxed: the owner's list */
		if ((uint32_t)m->status == WEFT_KIND_EXIT && m->target == other.id)
			return true;
	}
	return false;
}

int weft_actor_link(weft_actor *self, weft_ref other)
{
	struct weft_msg *theirs, *mine;
	int r;

	WEFT_RETURN_IF(!self || other.id == self->ref_id, -EINVAL);
	WEFT_RETURN_IF(self->now == WEFT__ENDED, -ESRCH); /* its end is being told: a function that is answered runs in its name */
	WEFT_RETURN_IF(is_linked(self, other), -EALREADY);
	mine = watch_new(WEFT_KIND_EXIT, weft_reply_to_actor(other, 0), &r);
	if (!mine)
		return r;
	theirs = watch_new(WEFT_KIND_EXIT, weft_reply_to_actor(weft_actor_ref(self), 0), &r);
	if (theirs)
		r = watch_send(other, theirs);
	if (r < 0) {
		weft__request_cancel(mine);
		weft__msg_release(mine);
		return r;
	}
	keep(self, mine);
	return 0;
}

int weft_actor_unlink(weft_actor *self, weft_ref other)
{
	int r;

	WEFT_RETURN_IF(!self, -EINVAL);
	WEFT_RETURN_IF(!is_linked(self, other), -ENOENT);
	r = unwatch(other, WEFT_KIND_EXIT, weft_reply_to_actor(weft_actor_ref(self), 0));
	if (r == -ENOMEM)
		return r;
	let_go(self, WEFT_KIND_EXIT, weft_reply_to_actor(other, 0), WEFT__KIND_UNLINKED, 0);
	return 0;
}

/* ---- what arrives ---------------------------------------------------------------------------- */

/* A linked actor ended. True: this one does not look at it. */
static bool exit_arrived(struct weft_actor *a, const struct weft_msg *msg)
{
	/* the other direction leads to a dead actor now */
	let_go(a, WEFT_KIND_EXIT, weft_reply_to_actor(weft_msg_sender(msg), 0), WEFT__KIND_UNLINKED, 0);
	if (a->flags & WEFT_ACTOR_TRAP_EXIT)
		return false;
	if (msg->status)
		weft_actor_exit(a, msg->status);
	return true;
}

bool weft__watch_arrived(struct weft__worker *w, struct weft_actor *a, struct weft_msg *msg)
{
	const struct unwatch *un;

	switch (msg->kind) {
	case WEFT__KIND_WATCH:
		weft__actor_detach_msg(w);
		keep(a, msg);
		return true;
	case WEFT__KIND_UNWATCH:
		un = weft__msg_payload(msg);
		let_go(a, un->becomes, un->to, un->becomes == WEFT_KIND_EXIT ? WEFT__KIND_UNLINKED : un->becomes, -ECANCELED);
		return true;
	case WEFT__KIND_UNLINKED:
		return true;
	case WEFT_KIND_EXIT:
		return exit_arrived(a, msg);
	default:
		return false;
	}
}
