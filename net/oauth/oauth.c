/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/oauth.c - see oauth.h: the token, those who wait for one, the beginning and the end. The way to a
 * token is steps.c.
 */
#include "net/oauth/oauth.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weft/runtime.h>

#include "net/oauth/place.h"

int64_t weft__oauth_now_s(void)
{
	return weft_wall_ms() / 1000;
}

/* ---- those who wait ---------------------------------------------------------------------- */

static struct weft__oauth_waiter *take_known(struct weft__oauth *o)
{
	struct weft__oauth_waiter **at = &o->waiters, *w;

	while (*at && (*at)->status == 1)
		at = &(*at)->next;
	w = *at;
	if (w) {
		*at = w->next;
		if (!*at)
			o->waiters_end = at;
		w->waits = false;
	}
	return w;
}

/* Who is told may want again, or take others back: begin from the front each time. */
static void tell(struct weft__job *job)
{
	struct weft__oauth *o = (struct weft__oauth *)((char *)job - offsetof(struct weft__oauth, job));
	struct weft__oauth_waiter *w;
	char why[sizeof(w->why)];

	o->job.run = NULL;
	while ((w = take_known(o))) {
		memcpy(why, w->why, sizeof(why));
		w->done(w, w->status, weft_str_from(why));
	}
	weft__oauth_close_when_idle(o);
}

static void tell_later(struct weft__oauth *o)
{
	if (o->job.run)
		return;
	o->job.run = tell;
	weft__loop_later(o->loop, &o->job);
}

static void decide(struct weft__oauth_waiter *w, int status, const char *why)
{
	w->status = status;
	snprintf(w->why, sizeof(w->why), "%s", why);
}

static void wait_in_line(struct weft__oauth *o, struct weft__oauth_waiter *w)
{
	w->next = NULL;
	w->waits = true;
	w->status = 1;
	*o->waiters_end = w;
	o->waiters_end = &w->next;
}

void weft__oauth_withdraw(struct weft__oauth *o, struct weft__oauth_waiter *w)
{
	struct weft__oauth_waiter **at = &o->waiters;

	if (!w->waits)
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (!*at)
		o->waiters_end = at;
	w->waits = false;
}

/* ---- the token ------------------------------------------------------------------------------- */

weft_str weft__oauth_token(const struct weft__oauth *o)
{
	return weft_str_from(o->grant.access);
}

weft_str weft__oauth_past_token(const struct weft__oauth *o)
{
	return weft_str_from(o->grant.past);
}

uint32_t weft__oauth_serial(const struct weft__oauth *o)
{
	return o->serial;
}

bool weft__oauth_is_stale(const struct weft__oauth *o)
{
	return o->grant.access && weft__oauth_is_over(&o->grant, weft__oauth_now_s()) &&
	       (o->grant.refresh || o->options.machine) && !o->closing && o->failed_until_ns <= weft_now_ns();
}

/* The scope that has to be asked for now, into challenged. False: it has been, and that did not help. */
static bool scope_grows(struct weft__oauth *o, const char *wanted)
{
	weft_str had = weft_str_from(o->grant.scope);

	if (weft__oauth_scope_covers(had, weft_str_from(wanted)))
		return false;
	snprintf(o->challenged, sizeof(o->challenged), "%.*s", (int)had.len_bytes,
	         had.len_bytes ? had.ptr : "");
	return weft__oauth_scope_add(o->challenged, weft_str_from(wanted));
}

/* Begin an authorization for w. */
static void begin(struct weft__oauth *o, struct weft__oauth_waiter *w, enum weft__oauth_reason reason,
                  const struct weft__oauth_challenge *challenge)
{
	o->steps_up = reason == WEFT__OAUTH_MORE_SCOPE;
	if (o->steps_up && !scope_grows(o, challenge ? challenge->scope : "")) {
		decide(w, -EACCES, "the server wants a scope that was asked for already, or names none");
		tell_later(o);
		return;
	}
	snprintf(o->hint, sizeof(o->hint), "%s", challenge ? challenge->resource_metadata : "");
	if (!o->steps_up) /* no challenge: as before */
		snprintf(o->challenged, sizeof(o->challenged), "%s",
		         challenge        ? challenge->scope
		         : o->grant.scope ? o->grant.scope
		                          : "");
	weft__oauth_begin(o);
}

void weft__oauth_want(struct weft__oauth *o, struct weft__oauth_waiter *w, enum weft__oauth_reason reason,
                      const struct weft__oauth_challenge *challenge, uint32_t serial)
{
	wait_in_line(o, w);
	if (o->closing) {
		decide(w, -ECANCELED, "the client of the server was closed");
		tell_later(o);
	} else if (o->step != WEFT__OAUTH_REST) {
		return; /* it waits for what is under way */
	} else if (o->grant.access && serial != o->serial) {
		decide(w, 0, ""); /* somebody was faster */
		tell_later(o);
	} else if (o->failed_until_ns > weft_now_ns()) {
		decide(w, o->failed.code, o->failed.message);
		tell_later(o);
	} else {
		begin(o, w, reason, challenge);
	}
}

/* ---- an authorization ends ----------------------------------------------------------------------- */

static void save(struct weft__oauth *o)
{
	struct weft__secret text = {0};

	if (!o->unsaved || !o->fns->save || o->options.machine)
		return;
	o->unsaved = false;
	if (!o->grant.access && !o->grant.refresh && !o->grant.client_id)
		o->fns->save(o, NULL);
	else if (weft__oauth_grant_write(&o->grant, o->options.server, &text) == 0)
		o->fns->save(o, text.at);
	weft__secret_fini(&text);
}

/* A browser that is being answered is let finish, unless nobody has the time. */
static void receiver_leave(struct weft__oauth *o)
{
	if (o->receiver)
		weft__oauth_receiver_close(o->receiver, o->closing);
}

static void failed_set(struct weft__oauth *o, int status, const char *why)
{
	o->failed_until_ns = weft__after_ns(weft_now_ns(), o->options.again_ns);
	weft_error_set(&o->failed, status, "%s", why);
}

void weft__oauth_finish(struct weft__oauth *o, int status, const char *why)
{
	bool asked = o->step == WEFT__OAUTH_PERSON;

	o->step = WEFT__OAUTH_REST;
	weft__loop_alarm_off(o->loop, &o->alarm);
	weft__pkce_wipe(&o->pkce);
	weft__oauth_fetch_fini(&o->fetch);
	receiver_leave(o);
	if (status == 0) {
		o->serial++;
		o->failed_until_ns = 0;
	} else if (!o->closing) {
		failed_set(o, status, why);
	}
	for (struct weft__oauth_waiter *w = o->waiters; w; w = w->next) {
		if (w->status == 1)
			decide(w, status, why);
	}
	save(o);
	tell_later(o);
	if (asked && o->fns->gone)
		o->fns->gone(o);
}

void weft__oauth_reject(struct weft__oauth *o, uint32_t serial)
{
	if (serial != o->serial || !o->grant.access || o->step != WEFT__OAUTH_REST)
		return;
	weft__oauth_tokens_forget(&o->grant);
	o->unsaved = true;
	failed_set(o, -EACCES, "the server refuses the token that it was authorized with");
	save(o);
}

/* ---- the beginning and the end ----------------------------------------------------------------------- */

int weft__oauth_open(struct weft__loop *loop, struct weft__oauth *o, weft_str saved)
{
	o->loop = loop;
	o->waiters_end = &o->waiters;
	o->loopback = weft__oauth_is_loopback(o->options.server);
	if (!saved.len_bytes || weft__oauth_grant_read(saved, o->options.server, &o->grant) < 0)
		return 0;
	o->serial = o->grant.access != NULL;
	return 0;
}

void weft__oauth_close_when_idle(struct weft__oauth *o)
{
	if (!o->closing || o->told || o->fetch.busy || o->receivers || o->job.run || o->waiters)
		return;
	o->told = true;
	weft__oauth_grant_fini(&o->grant);
	weft__oauth_fetch_fini(&o->fetch);
	weft__secret_free(o->redirect);
	o->redirect = NULL;
	weft_arena_destroy(o->arena);
	o->arena = NULL;
	o->fns->closed(o);
}

void weft__oauth_close(struct weft__oauth *o)
{
	if (o->closing)
		return;
	o->closing = true;
	weft__oauth_fetch_cancel(&o->fetch);
	if (o->step != WEFT__OAUTH_REST && !o->fetch.busy) /* else the end of the fetch finishes it */
		weft__oauth_finish(o, -ECANCELED, "the client of the server was closed");
	receiver_leave(o);
	tell_later(o);
}
