/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/reply.c - messages as objects, requests and their one answer.
 *
 * A request carries where its answer goes. Exactly one answer leaves: by weft_reply,
 * by weft_promise_finish, or, when the request is released unanswered, by the request
 * itself, turned into WEFT_KIND_NOREPLY. So no answer ever needs memory that
 * might not be there, and no asker waits for ever.
 *
 * Open requests are counted (opened - closed) in the runtime that the asking thread
 * was in, so that a stopping runtime knows when nobody waits any more. A foreign thread's are counted where
 * they go to, or, of a promise, where its answer goes; a promise of such a thread to a function is nobody's.
 */
#include "runtime/actor/outbox.h"

#include <errno.h>
#include <string.h>

/* ---- messages ------------------------------------------------------------------ */

static struct weft__msgcache *own_cache(void)
{
	return weft__self ? &weft__self->cache : NULL;
}

struct weft_msg *weft__msg_new(uint32_t kind, size_t len_bytes)
{
	struct weft_msg *m = weft__msg_alloc(own_cache(), len_bytes);

	if (!m)
		return NULL;
	m->target = 0;
	m->token = 0;
	m->on_destroy = NULL;
	m->kind = kind;
	m->len_bytes = (uint32_t)len_bytes;
	m->status = 0;
	m->reply_kind = WEFT__REPLY_NONE;
	if (len_bytes)
		memset(weft__msg_payload(m), 0, len_bytes);
	return m;
}

weft_msg *weft_msg_create(uint32_t kind, size_t len_bytes)
{
	if (kind >= WEFT_KIND_SYSTEM || len_bytes > WEFT_MSG_BYTES_MAX)
		return NULL;
	return weft__msg_new(kind, len_bytes);
}

static void drop_payload(struct weft_msg *msg)
{
	void (*fn)(struct weft_msg *) = msg->on_destroy;

	if (!fn)
		return;
	msg->on_destroy = NULL;
	fn(msg);
}

void weft__msg_release(struct weft_msg *msg)
{
	drop_payload(msg);
	weft__msg_free(own_cache(), msg);
}

uint32_t weft_msg_kind(const weft_msg *msg)
{
	return msg->kind;
}

void *weft_msg_data(weft_msg *msg)
{
	return weft__msg_payload(msg);
}

size_t weft_msg_len_bytes(const weft_msg *msg)
{
	return msg->len_bytes;
}

uint64_t weft_msg_token(const weft_msg *msg)
{
	return msg->token;
}

int weft_msg_status(const weft_msg *msg)
{
	return msg->status;
}

void weft_msg_set_status(weft_msg *msg, int status)
{
	msg->status = status;
}

weft_ref weft_msg_sender(const weft_msg *msg)
{
	bool known = msg->reply_kind == WEFT__REPLY_NONE || msg->reply_kind == WEFT__REPLY_ACTOR;

	return (weft_ref){ known ? msg->target : 0 };
}

void weft_msg_on_destroy(weft_msg *msg, void (*fn)(weft_msg *msg))
{
	msg->on_destroy = fn;
}

/* ---- counting -------------------------------------------------------------------- */

static void count_opened(struct weft_msg *msg, uint32_t slot)
{
	struct weft__worker *w = weft__self;
	struct weft_runtime *rt;

	if (w) {
		msg->rt_slot = (uint8_t)w->rt_slot;
		msg->rt_era = w->rt->era;
		weft__count(&w->count.req_opened, 1u);
		return;
	}
	rt = weft__registry_enter(slot);
	if (!rt)
		return;
	msg->rt_slot = (uint8_t)slot;
	msg->rt_era = rt->era;
	weft__fetch_add_acq_rel(&rt->foreign.req_opened, 1u);
	weft__registry_leave(slot);
}

static void count_closed(uint32_t slot, uint8_t era)
{
	struct weft__worker *w = weft__self;
	struct weft_runtime *rt;

	if (!era)
		return;
	if (w && w->rt_slot == slot && w->rt->era == era) {
		weft__count(&w->count.req_closed, 1u);
		return;
	}
	rt = weft__registry_enter(slot);
	if (!rt)
		return;
	if (rt->era == era)
		weft__fetch_add_acq_rel(&rt->foreign.req_closed, 1u);
	weft__registry_leave(slot);
}

/* ---- where answers go -------------------------------------------------------------- */

weft_reply_to weft_reply_to_none(void)
{
	return (weft_reply_to){ .kind = WEFT__REPLY_NONE };
}

weft_reply_to weft_reply_to_actor(weft_ref actor, uint64_t token)
{
	return (weft_reply_to){ .kind = WEFT__REPLY_ACTOR, .target = actor.id, .token = token };
}

weft_reply_to weft_reply_to_port(weft_port *port, uint64_t token)
{
	return (weft_reply_to){ .kind = WEFT__REPLY_SINK, .target = (uintptr_t)port, .token = token };
}

weft_reply_to weft_reply_to_future(weft_future *future)
{
	return (weft_reply_to){ .kind = WEFT__REPLY_SINK, .target = (uintptr_t)future };
}

weft_reply_to weft_reply_to_call(weft_reply_fn fn, void *user)
{
	return (weft_reply_to){ .kind = WEFT__REPLY_CALL, .target = (uintptr_t)fn, .token = (uintptr_t)user };
}

static struct weft__sink *sink_of(uint64_t target)
{
	return (struct weft__sink *)(uintptr_t)target;
}

int weft__request_uncounted(struct weft_msg *msg, weft_reply_to to)
{
	int r;

	WEFT_RETURN_IF(to.kind == WEFT__REPLY_NONE || to.kind > WEFT__REPLY_CALL, -EINVAL);
	WEFT_RETURN_IF(!to.target || msg->reply_kind != WEFT__REPLY_NONE, -EINVAL);
	if (to.kind == WEFT__REPLY_SINK) {
		r = sink_of(to.target)->take(sink_of(to.target));
		if (r < 0)
			return r;
	}
	msg->reply_kind = (uint8_t)to.kind;
	msg->target = to.target;
	msg->token = to.token;
	msg->rt_slot = 0;
	msg->rt_era = 0; /* no runtime counts it */
	return 0;
}

/* Make msg a request. 0, -EINVAL, or what the sink says. Counts it open. */
static int request_open(struct weft_msg *msg, weft_reply_to to, uint32_t slot)
{
	int r = weft__request_uncounted(msg, to);

	if (r == 0)
		count_opened(msg, slot);
	return r;
}

void weft__request_cancel(struct weft_msg *msg)
{
	if (msg->reply_kind == WEFT__REPLY_SINK)
		sink_of(msg->target)->give_back(sink_of(msg->target));
	msg->reply_kind = WEFT__REPLY_NONE;
	count_closed(msg->rt_slot, msg->rt_era);
}

int weft_request(weft_ref to, weft_msg *msg, weft_reply_to reply_to)
{
	uint64_t sender, token;
	int r;

	WEFT_RETURN_IF(!msg, -EINVAL);
	if (reply_to.kind == WEFT__REPLY_NONE)
		return weft_send(to, msg);
	sender = msg->target;
	token = msg->token;
	r = request_open(msg, reply_to, weft__ref_slot(to));
	if (r < 0)
		return r;
	r = weft_send(to, msg);
	if (r < 0) {
		weft__request_cancel(msg);
		msg->target = sender; /* nothing changed */
		msg->token = token;
	}
	return r;
}

/* ---- the answer ----------------------------------------------------------------------- */

struct route {
	uint64_t target, token;
	uint8_t kind, rt_slot, rt_era;
};

/* Take the address off a request: from here on it is answered. */
static struct route route_take(struct weft_msg *request)
{
	struct route route = { .target = request->target,
		               .token = request->token,
		               .kind = request->reply_kind,
		               .rt_slot = request->rt_slot,
		               .rt_era = request->rt_era };

	request->reply_kind = WEFT__REPLY_NONE;
	request->target = 0;
	return route;
}

static void route_answer(const struct route *route, struct weft_msg *answer)
{
	struct weft__worker *w = weft__self;

	answer->target = w && w->actor ? w->actor->ref_id : 0;
	if (w)
		weft__outbox_close(w); /* what was sent before arrives before */
	if (route->kind == WEFT__REPLY_ACTOR) {
		answer->token = route->token;
		if (weft__deliver_anywhere((weft_ref){ route->target }, answer) < 0)
			weft_msg_destroy(answer);
	} else if (route->kind == WEFT__REPLY_SINK) {
		answer->token = route->token;
		sink_of(route->target)->deliver(sink_of(route->target), answer);
	} else {
		((weft_reply_fn)(uintptr_t)route->target)(answer, (void *)(uintptr_t)route->token);
	}
	/* after the delivery: nobody sees "nothing open" while the answer is on its way */
	count_closed(route->rt_slot, route->rt_era);
}

int weft_reply(weft_msg *request, weft_msg *response)
{
	struct weft__worker *w = weft__self;
	struct route route;

	WEFT_RETURN_IF(!request || !response, -EINVAL);
	WEFT_RETURN_IF(request->reply_kind == WEFT__REPLY_NONE, -EINVAL);
	WEFT_RETURN_IF(response != request && response->reply_kind != WEFT__REPLY_NONE, -EINVAL);
	route = route_take(request);
	if (w && w->msg == response)
		weft__actor_detach_msg(w);
	route_answer(&route, response);
	return 0;
}

bool weft_msg_wants_reply(const weft_msg *msg)
{
	return msg->reply_kind != WEFT__REPLY_NONE;
}

void weft__answer_self(struct weft_msg *msg, uint32_t kind, int status)
{
	struct route route = route_take(msg);

	msg->kind = kind;
	msg->status = status;
	msg->len_bytes = 0;
	route_answer(&route, msg);
}

void weft_msg_destroy(weft_msg *msg)
{
	struct weft__worker *w = weft__self;

	if (!msg)
		return;
	if (w && w->msg == msg)
		weft__actor_detach_msg(w);
	if (msg->reply_kind != WEFT__REPLY_NONE) {
		drop_payload(msg);
		weft__answer_self(msg, WEFT_KIND_NOREPLY, WEFT_ENOREPLY);
		return;
	}
	weft__msg_release(msg);
}

int weft__promise_again(struct weft_msg *msg, weft_reply_to to)
{
	if (to.kind == WEFT__REPLY_CALL && !weft__self)
		return weft__request_uncounted(msg, to);
	return request_open(msg, to, to.kind == WEFT__REPLY_ACTOR ? weft__ref_slot((weft_ref){ to.target }) :
	                             to.kind == WEFT__REPLY_SINK && to.target ? sink_of(to.target)->rt_slot : 0);
}

int weft__promise_new(weft_reply_to reply_to, size_t len_bytes, struct weft_msg **ret_promise)
{
	struct weft_msg *m = weft__msg_new(0, len_bytes);
	int r;

	if (!m)
		return -ENOMEM;
	r = weft__promise_again(m, reply_to);
	if (r < 0) {
		weft__msg_release(m);
		return r;
	}
	*ret_promise = m;
	return 0;
}

int weft_promise_create(weft_reply_to reply_to, weft_msg **ret_promise)
{
	WEFT_RETURN_IF(!ret_promise, -EINVAL);
	return weft__promise_new(reply_to, 0, ret_promise);
}

void weft_promise_finish(weft_msg *promise, uint32_t kind, int status)
{
	if (!WEFT_CHECK(promise && promise->reply_kind != WEFT__REPLY_NONE))
		return;
	if (WEFT_CHECK(kind < WEFT_KIND_SYSTEM))
		weft__answer_self(promise, kind, status);
	else
		weft_msg_destroy(promise); /* weft's own kinds say what they say: NOREPLY */
}
