/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/flight.c - a call from start to done, its deadlines, and the ways it can end early.
 *
 *     WAITING --a wire carries it--> SENT --first byte--> ANSWERED --whole--> done, or ENDED while paused
 *        \-------------------------------\------------------\--> OVER: done is on its way
 *
 * One alarm a flight, for what is due next. Bytes that arrive do not move it, they only leave the time: an
 * alarm that finds its flight alive is set again for the rest.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"

#define NS_PER_S 1e9

/* ---- deadlines ------------------------------------------------------------------------------------- */

static uint64_t phase_due(const struct weft__http_flight *f)
{
	switch (f->state) {
	case WEFT__FLIGHT_WAITING:
		return weft__after_ns(f->phase_ns, f->connect_ns);
	case WEFT__FLIGHT_SENT:
		return weft__after_ns(f->phase_ns, f->first_byte_ns);
	case WEFT__FLIGHT_ANSWERED:
		return f->paused ? UINT64_MAX : weft__after_ns(f->phase_ns, f->idle_ns);
	default:
		return UINT64_MAX;
	}
}

static void time_out(struct weft__http_flight *f, uint64_t now)
{
	static const char *const doing[] = {"waited for a place", "read the authorities", "resolved the name",
	                                    "connected",          "asked the proxy",      "shook hands"};
	const char *label = f->origin->label;
	uint8_t step = f->wire && f->wire->state <= WEFT__WIRE_HANDSHAKE ? f->wire->state + 1 : 0;

	if (now >= f->total_due_ns)
		weft__http_flight_fail(f, -ETIMEDOUT, "%s: no end of the answer in time (total)", label);
	else if (f->state == WEFT__FLIGHT_WAITING)
		weft__http_flight_fail(f, -ETIMEDOUT, "%s: no connection within %g s (%s to the last)", label,
		                       (double)f->connect_ns / NS_PER_S, doing[step]);
	else if (f->state == WEFT__FLIGHT_SENT)
		weft__http_flight_fail(f, -ETIMEDOUT, "%s: no answer within %g s", label,
		                       (double)f->first_byte_ns / NS_PER_S);
	else
		weft__http_flight_fail(f, -ETIMEDOUT, "%s: nothing more of the answer for %g s", label,
		                       (double)f->idle_ns / NS_PER_S);
}

static void watch(struct weft__http_flight *f);

static void on_alarm(struct weft__alarm *alarm)
{
	struct weft__http_flight *f = (struct weft__http_flight *)(void *)((char *)alarm -
	                                                                   offsetof(struct weft__http_flight,
	                                                                            alarm));
	uint64_t now = weft_now_ns();

	if (now >= f->total_due_ns || now >= phase_due(f))
		time_out(f, now);
	else
		watch(f);
}

static void watch(struct weft__http_flight *f)
{
	uint64_t at = phase_due(f);

	at = at < f->total_due_ns ? at : f->total_due_ns;
	if (at == UINT64_MAX)
		weft__loop_alarm_off(f->client->loop, &f->alarm);
	else
		weft__loop_alarm(f->client->loop, &f->alarm, at, on_alarm);
}

/* The request's bytes: there is a key among them, perhaps. */
static void forget_bytes(struct weft__http_flight *f)
{
	if (f->bytes)
		explicit_bzero(f->bytes, f->len);
	weft_free(f->bytes);
	f->bytes = NULL;
}

void weft__http_flight_enter(struct weft__http_flight *f, uint8_t state)
{
	f->state = state;
	f->phase_ns = weft_now_ns();
	if (state == WEFT__FLIGHT_ANSWERED && !f->redirect)
		forget_bytes(f); /* it will not be sent again */
	watch(f);
}

/* ---- ends --------------------------------------------------------------------------------------------- */

static void flight_free(struct weft__http_flight *f)
{
	struct weft__http_client *c = f->client;

	weft__loop_alarm_off(c->loop, &f->alarm);
	TAILQ_REMOVE(&c->flights, f, all);
	c->counts.done++;
	if (f->inflate)
		weft__inflate_fini(f->inflate);
	weft_free(f->inflate);
	weft__http_redirect_free(f->redirect);
	forget_bytes(f);
	weft_free(f);
	weft__http_client_maybe_free(c);
}

static void deliver(struct weft__http_flight *f)
{
	struct weft__http_call *call = f->call;
	int status = f->result;

	flight_free(f);
	call->flight = NULL;
	call->done(call, status);
}

static void run_job(struct weft__job *job)
{
	struct weft__http_flight *f =
	        (struct weft__http_flight *)(void *)((char *)job - offsetof(struct weft__http_flight, job));

	f->queued = false;
	if (f->state == WEFT__FLIGHT_OVER)
		deliver(f);
	else if (!f->paused)
		weft__http_answer_go_on(f);
}

static void queue(struct weft__http_flight *f)
{
	if (f->queued)
		return;
	f->queued = true;
	f->job.run = run_job;
	weft__loop_later(f->client->loop, &f->job);
}

static void enter_line(struct weft__http_flight *f, bool at_head)
{
	f->in_line = true;
	if (at_head)
		TAILQ_INSERT_HEAD(&f->origin->line, f, line);
	else
		TAILQ_INSERT_TAIL(&f->origin->line, f, line);
	f->client->counts.waiting++;
}

void weft__http_flight_leave_line(struct weft__http_flight *f)
{
	WEFT_ASSERT(f->in_line);
	f->in_line = false;
	TAILQ_REMOVE(&f->origin->line, f, line);
	f->client->counts.waiting--;
}

/* Off whatever it is on. A wire that was busy or dialing for it is of no use to others. */
static void detach(struct weft__http_flight *f)
{
	struct weft__http_wire *w = f->wire;

	if (f->in_line)
		weft__http_flight_leave_line(f);
	if (!w)
		return;
	w->flight = NULL;
	f->wire = NULL;
	weft__http_wire_close(w);
}

void weft__http_flight_fail(struct weft__http_flight *f, int status, const char *fmt, ...)
{
	char text[sizeof(f->call->error.message)];
	va_list args;

	if (f->state == WEFT__FLIGHT_OVER)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	weft_error_set(&f->call->error, status, "%s", text);
	f->state = WEFT__FLIGHT_OVER;
	f->result = status;
	weft__loop_alarm_off(f->client->loop, &f->alarm);
	detach(f);
	queue(f);
}

void weft__http_flight_repeat(struct weft__http_flight *f)
{
	f->client->counts.repeated++;
	f->repeated = true;
	f->needs_new = true;
	f->call->reused = false;
	weft__http_flight_enter(f, WEFT__FLIGHT_WAITING);
	enter_line(f, true);
	weft__http_origin_serve(f->origin);
}

/*
 * ---- begin
 * --------------------------------------------------------------------------------------------------
 */

static int choose_proxy(const struct weft__http_client *c, const struct weft__http_request *req,
                        const struct weft__url *url, struct weft__proxy *own,
                        const struct weft__proxy **ret_proxy, weft_error *err)
{
	int r = 0;

	*ret_proxy = NULL;
	if (req->flags & WEFT__HTTP_PUBLIC_ONLY && req->proxy && *req->proxy)
		return weft_error_set(err, -EINVAL,
		                      "a proxy, and public addresses only: the proxy would resolve the name");
	if (req->flags & (WEFT__HTTP_PUBLIC_ONLY | WEFT__HTTP_NO_PROXY))
		return 0;
	if (!req->proxy) {
		*ret_proxy = weft__proxies_for(&c->proxies, url);
	} else if (*req->proxy) {
		r = weft__proxy_parse(weft_str_from(req->proxy), own, err);
		*ret_proxy = own;
	}
	return r;
}

/* The request as bytes, and the origin it goes to. 0 or negative with an error. */
static int prepare(struct weft__http_flight *f, const struct weft__http_request *req, weft_error *err)
{
	struct weft__proxy own = {.host = NULL};
	const struct weft__proxy *proxy;
	struct weft__url url;
	int r;

	if (req->url.len_bytes > WEFT__HTTP_URL_BYTES_MAX)
		return weft_error_set(err, -E2BIG, "the URL is longer than %u bytes",
		                      WEFT__HTTP_URL_BYTES_MAX);
	r = weft__url_parse(req->url, &url, err);
	if (r < 0)
		return r;
	if (url.tls && !weft__tls_available())
		return weft_error_set(err, -EPROTONOSUPPORT,
		                      "https: this build of weft has no TLS (meson option tls)");
	r = choose_proxy(f->client, req, &url, &own, &proxy, err);
	if (r == 0)
		r = weft__http_request_write(req, &url, url.tls ? NULL : proxy, &f->bytes, &f->len, err);
	if (r == 0) {
		f->origin = weft__http_origin_get(f->client, &url, req->flags, url.tls ? req->ca_file : NULL,
		                                  proxy);
		if (!f->origin)
			r = weft_error_set(err, -ENOMEM, "no memory for a request");
	}
	weft__proxy_fini(&own);
	f->is_head = weft_str_eq(req->method, WEFT_STR("HEAD"));
	f->may_repeat = req->flags & WEFT__HTTP_SAFE_TO_REPEAT || weft__http_method_repeats(req->method);
	return r;
}

static uint64_t or_default(uint64_t ns, uint64_t standard)
{
	return ns ? ns : standard;
}

static struct weft__http_flight *flight_new(struct weft__http_client *c, struct weft__http_call *call,
                                            const struct weft__http_request *req)
{
	struct weft__http_flight *f = weft_calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->client = c;
	f->call = call;
	f->flags = req->flags;
	f->needs_new = req->flags & WEFT__HTTP_FRESH;
	f->connect_ns = or_default(req->connect_ns, WEFT__HTTP_CONNECT_NS);
	f->first_byte_ns = or_default(req->first_byte_ns, WEFT__HTTP_FIRST_BYTE_NS);
	f->idle_ns = or_default(req->idle_ns, WEFT__HTTP_IDLE_NS);
	f->body_bytes_max = or_default(req->body_bytes_max, WEFT__HTTP_ANSWER_BYTES_MAX);
	f->total_due_ns = req->total_ns ? weft__after_ns(weft_now_ns(), req->total_ns) : UINT64_MAX;
	if (req->flags & WEFT__HTTP_FOLLOW) {
		f->redirect = weft__http_redirect_new(req);
		if (!f->redirect) {
			weft_free(f);
			return NULL;
		}
	}
	return f;
}

static void depart(struct weft__http_flight *f)
{
	weft__http_flight_enter(f, WEFT__FLIGHT_WAITING);
	enter_line(f, false);
	weft__http_origin_serve(f->origin);
}

/* On to where the answer pointed. */
static void move_on(struct weft__http_flight *f)
{
	int r;

	forget_bytes(f);
	f->moves = f->repeated = false;
	f->needs_new = f->flags & WEFT__HTTP_FRESH;
	r = prepare(f, weft__http_redirect_next(f->redirect), &f->call->error);
	if (r < 0)
		weft__http_flight_fail(f, r, "redirected: %s", f->call->error.message);
	else
		depart(f);
}

void weft__http_flight_done(struct weft__http_flight *f)
{
	WEFT_ASSERT(!f->wire);
	if (f->moves) {
		move_on(f);
		return;
	}
	f->state = WEFT__FLIGHT_OVER;
	f->result = 0;
	if (!f->queued)
		deliver(f);
}

int weft__http_start(struct weft__loop *loop, struct weft__http_call *call,
                     const struct weft__http_request *req)
{
	weft_error *err = &call->error;
	struct weft__http_client *c;
	struct weft__http_flight *f;
	int r = 0;

	WEFT_ASSERT(weft__loop_is_mine(loop));
	if (call->flight)
		return weft_error_set(err, -EALREADY, "the call is under way");
	*err = (weft_error){.code = 0};
	call->sent = call->answered = call->reused = false;
	if (!call->done || !req->method.len_bytes || !req->url.len_bytes)
		return weft_error_set(err, -EINVAL,
		                      "a request needs a method, a url and a function for its end");
	c = weft__http_client_of(loop, &r);
	if (!c)
		return weft_error_set(err, r, r == -ENOMEM ? "no memory for a request" : "the runtime ends");
	if (c->counts.waiting >= c->config.waiting_max)
		return weft_error_set(err, -ENOBUFS, "%u calls wait for a connection already",
		                      c->counts.waiting);
	f = flight_new(c, call, req);
	if (!f)
		return weft_error_set(err, -ENOMEM, "no memory for a request");
	r = prepare(f, req, err);
	if (r < 0) {
		weft__http_redirect_free(f->redirect);
		forget_bytes(f);
		weft_free(f);
		return r;
	}
	TAILQ_INSERT_TAIL(&c->flights, f, all);
	c->counts.started++;
	call->flight = f;
	depart(f);
	return 0;
}

/*
 * ---- while it is under way
 * ---------------------------------------------------------------------------------------
 */

void weft__http_cancel(struct weft__http_call *call)
{
	struct weft__http_flight *f = call->flight;

	if (!f || f->state == WEFT__FLIGHT_OVER)
		return; /* its origin may have been swept away */
	weft__http_flight_fail(f, -ECANCELED, "%s: canceled", f->origin->label);
}

void weft__http_pause(struct weft__http_call *call, bool paused)
{
	struct weft__http_flight *f = call->flight;

	if (!f || f->paused == paused || f->state == WEFT__FLIGHT_OVER)
		return;
	f->paused = paused;
	f->phase_ns = weft_now_ns();
	if (f->state == WEFT__FLIGHT_ANSWERED)
		watch(f);
	if (!paused) {
		queue(f);
	} else if (f->wire && f->wire->state == WEFT__WIRE_BUSY) {
		weft__stream_pause(&f->wire->socket->stream, true);
		if (f->wire->tls)
			weft__tls_pause(f->wire->tls, true);
	}
}
