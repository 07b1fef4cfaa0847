/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/answer.c - the answer of one exchange: parsed, unpacked, handed on; and the wire's way back.
 *
 * Any of the call's functions may cancel it, or start others. So after each of them the flight is looked at
 * again: a flight that is off its wire ends the reading with -ECANCELED, and nobody touches it any more.
 */
#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"

#define UNSENT_BYTES_MAX (1u << 20) /* of a request, behind its answer: one write of a stream's */

/* ---- what the parser says ----------------------------------------------------------------------------- */

/* Does the wire still carry this flight? */
static int still(const struct weft__http_wire *w, const struct weft__http_flight *f)
{
	return w->flight == f ? 0 : -ECANCELED;
}

static int fail(struct weft__http_wire *w, int status, const char *why)
{
	struct weft__http_flight *f = w->flight;

	weft__http_flight_fail(f, status, "%s: %s", f->origin->label, why);
	return -ECANCELED;
}

static int on_unpacked(const uint8_t *bytes, size_t len, void *user)
{
	struct weft__http_wire *w = user;
	struct weft__http_flight *f = w->flight;

	if (f->call->body)
		f->call->body(f->call, bytes, len);
	return still(w, f);
}

/* Unpack what says that it is packed, unless the caller wants it as it is. */
static int begin_body(struct weft__http_wire *w, const struct weft__http_parser *p)
{
	struct weft__http_flight *f = w->flight;
	weft_str value = weft__http_find(p->fields, p->field_count, WEFT_STR("Content-Encoding"));
	int coding, r;

	if (f->flags & WEFT__HTTP_AS_SENT)
		return 0;
	if (weft__coding_of(value, &coding) < 0)
		return fail(w, -EBADMSG, "the answer is packed in a way that was not asked for");
	if (coding == WEFT__CODING_IDENTITY)
		return 0;
	f->inflate = weft_calloc(1, sizeof(*f->inflate));
	r = f->inflate ? weft__inflate_init(f->inflate, coding, f->body_bytes_max, on_unpacked, w) : -ENOMEM;
	return r < 0 ? fail(w, r, "the answer cannot be unpacked") : 0;
}

static int on_head(struct weft__http_parser *p, void *user)
{
	struct weft__http_wire *w = user;
	struct weft__http_flight *f = w->flight;
	weft_error error = {.code = 0};
	int r;

	if (f->redirect) {
		r = weft__http_redirect_look(f->redirect, p->status, p->fields, p->field_count, &error);
		if (r < 0)
			return fail(w, r, error.message);
		f->moves = r > 0;
		if (f->moves)
			return 0;
	}
	r = begin_body(w, p);
	if (r < 0)
		return r;
	if (f->call->head)
		f->call->head(f->call, p->status, p->fields, p->field_count);
	return still(w, f);
}

static int on_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	struct weft__http_wire *w = user;
	struct weft__http_flight *f = w->flight;
	int r;

	(void)p;
	if (f->moves)
		return 0;
	if (!f->inflate)
		return on_unpacked(bytes, len, w);
	r = weft__inflate_feed(f->inflate, bytes, len);
	if (r < 0 && still(w, f) == 0)
		return fail(w, r, f->inflate->error ? f->inflate->error : weft_strerror(r));
	return r;
}

static int on_end(struct weft__http_parser *p, void *user)
{
	struct weft__http_wire *w = user;
	struct weft__http_flight *f = w->flight;
	int r;

	(void)p;
	if (!f->inflate)
		return 0;
	r = weft__inflate_finish(f->inflate);
	return r < 0 ? fail(w, r, f->inflate->error ? f->inflate->error : "the packed body is cut off") : 0;
}

const struct weft__http_sink weft__http_answer_sink = {.head = on_head, .body = on_body, .end = on_end};

/* ---- the end of it ----------------------------------------------------------------------------------------- */

/* The wire first, so that what done starts may use it. */
static void finish(struct weft__http_flight *f)
{
	struct weft__http_wire *w = f->wire;

	WEFT_ASSERT(w->state == WEFT__WIRE_BUSY);
	w->flight = NULL;
	f->wire = NULL;
	if (f->keep_wire) {
		w->client->counts.busy--;
		weft__http_origin_take(w);
	} else {
		weft__http_wire_close(w);
	}
	weft__http_flight_done(f);
}

void weft__http_answer_go_on(struct weft__http_flight *f)
{
	struct weft__http_wire *w = f->wire;
	int r;

	if (f->state == WEFT__FLIGHT_ENDED) {
		finish(f);
		return;
	}
	if (!w || w->state != WEFT__WIRE_BUSY)
		return;
	weft__stream_pause(&w->socket->stream, false);
	if (!w->tls)
		return;
	r = weft__tls_pause(w->tls, false);
	if (w->state == WEFT__WIRE_CLOSED)
		return;
	if (r < 0)
		weft__http_wire_ended(w, r, weft__tls_why(w->tls));
	else if (weft__tls_ended(w->tls))
		weft__http_wire_ended(w, 0, NULL);
}

/*
 * Has the request left, so far as matters? What a loop has written and not yet heard of counts as unsent. A
 * server that answered before it read everything reads the rest before the next request, or closes, which
 * repeats that one; but nobody should have to wait behind megabytes.
 */
static bool has_left(const struct weft__http_wire *w)
{
	return weft__stream_unsent(&w->socket->stream) <= UNSENT_BYTES_MAX;
}

/* keep: the wire may be used again. */
static void whole(struct weft__http_flight *f, bool keep)
{
	f->keep_wire = keep && f->wire->parser.keep_alive && !(f->flags & WEFT__HTTP_FRESH) &&
	               has_left(f->wire) && !f->client->closing;
	if (!f->paused) {
		finish(f);
		return;
	}
	weft__http_flight_enter(f, WEFT__FLIGHT_ENDED);
	weft__stream_pause(&f->wire->socket->stream, true);
}

void weft__http_answer_read(struct weft__http_wire *w, const uint8_t *bytes, size_t len)
{
	struct weft__http_flight *f = w->flight;
	size_t used = 0;
	int r;

	if (f->state == WEFT__FLIGHT_ENDED) { /* held by a pause; what comes now belongs to nobody */
		f->keep_wire = false;
		return;
	}
	if (f->state == WEFT__FLIGHT_SENT) {
		f->call->answered = true;
		weft__http_flight_enter(f, WEFT__FLIGHT_ANSWERED);
	} else {
		f->phase_ns = weft_now_ns();
	}
	r = weft__http_parse(&w->parser, bytes, len, &used);
	if (still(w, f) < 0)
		return;
	if (r < 0)
		fail(w, r, w->parser.error ? w->parser.error : weft_strerror(r));
	else if (w->parser.done)
		whole(f, used == len);
}

void weft__http_answer_ended(struct weft__http_wire *w, int status, const char *why)
{
	struct weft__http_flight *f = w->flight;
	bool nothing_came = f->state == WEFT__FLIGHT_SENT;
	int r;

	if (f->state == WEFT__FLIGHT_ENDED) {
		f->keep_wire = false;
		return;
	}
	if (nothing_came && f->call->reused && f->may_repeat && !f->repeated &&
	    (status == 0 || status == -ECONNRESET || status == -EPIPE)) {
		w->flight = NULL;
		f->wire = NULL;
		weft__http_wire_close(w);
		weft__http_flight_repeat(f);
		return;
	}
	if (status == 0) {
		r = weft__http_parse_eof(&w->parser);
		if (still(w, f) < 0)
			return;
		if (r == 0 && w->parser.done) {
			whole(f, false);
			return;
		}
		status = r < 0 ? r : -ECONNRESET;
	}
	weft__http_flight_fail(f, status, "%s: %s%s", f->origin->label, why,
	                       nothing_came ? " and has not answered" : " within its answer");
}
