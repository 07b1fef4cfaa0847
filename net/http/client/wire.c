/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/wire.c - one connection, from the first question to the last socket.
 *
 *     TRUST -> NAME -> CONNECT -> TUNNEL -> HANDSHAKE -> IDLE <-> BUSY -> CLOSED
 *      https            dial.c    https by   https                answer.c
 *                                 a proxy
 *
 * Whatever goes wrong before IDLE is the failure of the flight it dials for. After that it is the failure of the
 * exchange under way, or of nobody: an idle wire on which anything happens, bytes or an end, is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "net/http/write.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/io/socket.h"

#define SEND_SLACK_BYTES (UINT64_C(1) << 20) /* what TLS adds to a request, and its handshake */

static bool is_dialing(const struct weft__http_wire *w)
{
	return w->state < WEFT__WIRE_IDLE;
}

/* ---- the end --------------------------------------------------------------------------------------- */

static void wire_free(struct weft__job *job)
{
	struct weft__http_wire *w = (struct weft__http_wire *)(void *)((char *)job -
	                                                               offsetof(struct weft__http_wire, job));
	struct weft__http_client *c = w->client;
	struct weft__http_origin *o = w->origin;

	TAILQ_REMOVE(&c->wires, w, all);
	c->wire_count--;
	c->counts.closed++;
	o->wires--;
	weft__tls_destroy(w->tls);
	weft__http_parser_fini(&w->parser);
	weft_free(w);
	weft__http_origin_lost(o);
	weft__http_client_maybe_free(c);
}

/* Off the lists of those that can be used. */
static void retire(struct weft__http_wire *w)
{
	struct weft__http_client *c = w->client;

	if (w->state == WEFT__WIRE_BUSY) {
		c->counts.busy--;
		return;
	}
	if (w->state == WEFT__WIRE_IDLE) {
		TAILQ_REMOVE(&c->idle, w, idle);
		TAILQ_REMOVE(&w->origin->idle, w, list);
		w->origin->idle_wires--;
		c->counts.idle--;
		return;
	}
	TAILQ_REMOVE(&w->origin->dialing, w, list);
}

static void stop(struct weft__http_wire *w)
{
	bool cut = w->state == WEFT__WIRE_BUSY && !w->parser.done; /* the server should stop sending */
	struct weft__http_socket *s;

	WEFT_ASSERT(!w->flight);
	retire(w);
	w->state = WEFT__WIRE_CLOSED;
	weft__resolver_cancel(&w->query);
	weft__loop_alarm_off(w->client->loop, &w->alarm);
	weft__loop_alarm_off(w->client->loop, &w->patience);
	weft__dns_answer_unref(w->answer);
	w->answer = NULL;
	if (w->tls)
		weft__tls_mute(w->tls);
	TAILQ_FOREACH(s, &w->sockets, all)
	{
		if (cut)
			weft__stream_reset(&s->stream);
		else
			weft__stream_close(&s->stream);
	}
}

void weft__http_wire_close(struct weft__http_wire *w)
{
	if (w->state != WEFT__WIRE_CLOSED)
		stop(w);
	if (!TAILQ_EMPTY(&w->sockets) || w->ending)
		return;
	w->ending = true;
	w->job.run = wire_free;
	weft__loop_later(w->client->loop, &w->job);
}

/* It cannot be had. why: the whole sentence but for who. */
static void give_up(struct weft__http_wire *w, int status, const char *why)
{
	struct weft__http_flight *f = w->flight;

	if (f)
		weft__http_flight_fail(f, status, "%s: %s", w->origin->label, why);
	weft__http_wire_close(w);
}

/* ---- ready ------------------------------------------------------------------------------------------- */

static void ready(struct weft__http_wire *w)
{
	struct weft__http_flight *f = w->flight;

	weft__loop_alarm_off(w->client->loop, &w->patience);
	TAILQ_REMOVE(&w->origin->dialing, w, list);
	weft__http_parser_fini(&w->parser);
	weft__http_parser_init(&w->parser, WEFT__HTTP_RESPONSE, NULL, &weft__http_answer_sink, w);
	w->state = WEFT__WIRE_BUSY; /* or idle in a moment */
	if (f) {
		w->client->counts.busy++;
		weft__http_wire_carry(w, f);
	} else {
		weft__http_origin_take(w);
	}
}

/* ---- TLS ------------------------------------------------------------------------------------------------- */

static void on_tls_open(void *user)
{
	struct weft__http_wire *w = user;

	if (weft__tls_resumed(w->tls))
		w->client->counts.resumed++;
	ready(w);
}

static void on_tls_data(const uint8_t *bytes, size_t len, void *user)
{
	weft__http_wire_read(user, bytes, len);
}

static int on_tls_out(const uint8_t *bytes, size_t len, void *user)
{
	struct weft__http_wire *w = user;

	return w->socket ? weft__stream_send(&w->socket->stream, bytes, len) : -EPIPE;
}

static const struct weft__tls_fns tls_fns = {.open = on_tls_open, .data = on_tls_data, .out = on_tls_out};

static void shake_hands(struct weft__http_wire *w)
{
	struct weft__http_origin *o = w->origin;
	struct weft__tls_options options = {
	        .context = o->context, .host = o->host, .tickets = &o->tickets, .fns = &tls_fns, .user = w};
	int r;

	w->state = WEFT__WIRE_HANDSHAKE;
	if (o->insecure)
		weft__log(w->client->config.log, WEFT_LOG_WARN,
		          "%s: its certificate is not checked (insecure)", o->label);
	r = weft__tls_create(&options, &w->tls);
	if (r < 0) {
		give_up(w, r, "TLS could not begin");
		return;
	}
	r = weft__tls_start(w->tls);
	if (r < 0)
		weft__http_wire_ended(w, r, weft__tls_why(w->tls));
}

/*
 * ---- the tunnel
 * ----------------------------------------------------------------------------------------------
 */

static int tunnel_answered(struct weft__http_parser *p, void *user)
{
	struct weft__http_wire *w = user;
	const struct weft__http_origin *o = w->origin;
	char why[200];

	if (p->status / 100 == 2)
		return 0;
	snprintf(why, sizeof(why), "the proxy %s:%u refused to connect: %u %s", o->proxy.host, o->proxy.port,
	         p->status, weft__http_reason(p->status));
	give_up(w, WEFT_EPROXY, why);
	return WEFT_EPROXY;
}

static const struct weft__http_sink tunnel_sink = {.head = tunnel_answered};

static void ask_proxy(struct weft__http_wire *w)
{
	struct weft__http_origin *o = w->origin;
	struct weft__http_writer writer = {.ptr = NULL};
	weft_str label = weft_str_from(o->label), text;
	int r;

	w->state = WEFT__WIRE_TUNNEL;
	weft__http_parser_init(&w->parser, WEFT__HTTP_RESPONSE, NULL, &tunnel_sink, w);
	weft__http_parser_expect(&w->parser, WEFT__HTTP_ANSWER_TO_CONNECT);
	weft__http_write_request(&writer, WEFT_STR("CONNECT"), label);
	weft__http_write_field(&writer, WEFT_STR("Host"), label);
	if (o->proxy.authorization)
		weft__http_write_field(&writer, WEFT_STR("Proxy-Authorization"),
		                       weft_str_from(o->proxy.authorization));
	weft__http_write_end(&writer);
	r = weft__http_writer_text(&writer, &text);
	if (r == 0)
		r = weft__stream_send(&w->socket->stream, text.ptr, text.len_bytes);
	weft__http_writer_fini(&writer);
	if (r < 0)
		give_up(w, r, "the proxy could not be asked");
}

static void tunnel_read(struct weft__http_wire *w, const uint8_t *bytes, size_t len)
{
	size_t used = 0;
	int r = weft__http_parse(&w->parser, bytes, len, &used);

	if (w->state == WEFT__WIRE_CLOSED)
		return;
	if (r < 0)
		give_up(w, WEFT_EPROXY, "the proxy's answer is not HTTP");
	else if (w->parser.done && used < len)
		give_up(w, WEFT_EPROXY, "the proxy sent more than its answer");
	else if (w->parser.done)
		shake_hands(w);
}

/*
 * ---- connecting
 * --------------------------------------------------------------------------------------------------
 */

void weft__http_wire_connected(struct weft__http_wire *w)
{
	if (!w->origin->tls)
		ready(w);
	else if (w->origin->proxy.host)
		ask_proxy(w);
	else
		shake_hands(w);
}

void weft__http_wire_unreachable(struct weft__http_wire *w, int status)
{
	const struct weft__http_origin *o = w->origin;
	char why[200];

	if (o->proxy.host)
		snprintf(why, sizeof(why), "the proxy %s:%u: %s", o->proxy.host, o->proxy.port,
		         weft_strerror(status));
	else
		snprintf(why, sizeof(why), "%s", weft_strerror(status));
	give_up(w, status, why);
}

/* False: one of them may not be connected to. */
static bool all_public(const struct weft__dns_answer *answer, char why[static 200])
{
	char text[WEFT__ADDRESS_TEXT_BYTES];

	for (uint32_t i = 0; i < answer->count; i++) {
		if (weft__address_is_public(&answer->addresses[i]))
			continue;
		snprintf(why, 200, "its address %s is not a public one",
		         weft__address_text(&answer->addresses[i], text));
		return false;
	}
	return true;
}

/* Takes the reference. */
static void use_answer(struct weft__http_wire *w, struct weft__dns_answer *answer)
{
	const struct weft__http_origin *o = w->origin;
	char why[200];

	w->answer = answer;
	if (answer->status < 0 && o->proxy.host) {
		snprintf(why, sizeof(why), "the proxy %.128s: %s", o->proxy.host, answer->why);
		give_up(w, answer->status, why);
	} else if (answer->status < 0) {
		give_up(w, answer->status, answer->why);
	} else if (o->public_only && !all_public(answer, why)) {
		give_up(w, -EACCES, why);
	} else {
		weft__http_dial(w);
	}
}

static void on_name(struct weft__dns_query *query, struct weft__dns_answer *answer)
{
	struct weft__http_wire *w =
	        (struct weft__http_wire *)(void *)((char *)query - offsetof(struct weft__http_wire, query));

	use_answer(w, weft__dns_answer_ref(answer));
}

static void ask_name(struct weft__http_wire *w)
{
	const struct weft__http_origin *o = w->origin;
	struct weft__dns_answer *answer = NULL;
	int r;

	w->state = WEFT__WIRE_NAME;
	w->query.done = on_name;
	r = weft__resolver_ask(w->client->resolver, &w->query,
	                       weft_str_from(o->proxy.host ? o->proxy.host : o->host), &answer);
	if (r > 0)
		use_answer(w, answer);
	else if (r < 0)
		give_up(w, r, "its name could not be asked for");
}

void weft__http_wire_trusts(struct weft__http_wire *w, int status, const char *why)
{
	if (status < 0)
		give_up(w, status, why);
	else
		ask_name(w);
}

/*
 * A server that has just closed, or sent what nobody asked for, has done so in the kernel before the loop
 * tells. One look there costs less than a request that has to be repeated, or may not be.
 */
bool weft__http_wire_is_quiet(const struct weft__http_wire *w)
{
	return weft__socket_is_quiet(w->socket->stream.fd_in) && (!w->tls || weft__tls_is_quiet(w->tls));
}

int weft__http_wire_open(struct weft__http_origin *o, struct weft__http_flight *f)
{
	struct weft__http_wire *w = weft_calloc(1, sizeof(*w));
	struct weft__http_client *c = o->client;
	int r = 1;

	if (!w)
		return -ENOMEM;
	w->client = c;
	w->origin = o;
	w->flight = f;
	f->wire = w;
	TAILQ_INIT(&w->sockets);
	TAILQ_INSERT_TAIL(&c->wires, w, all);
	TAILQ_INSERT_TAIL(&o->dialing, w, list);
	c->wire_count++;
	c->counts.opened++;
	o->wires++;
	w->state = WEFT__WIRE_TRUST;
	if (o->tls)
		r = weft__http_origin_trust(o);
	if (r > 0)
		ask_name(w);
	else if (r < 0)
		give_up(w, r, "its certificate authorities could not be read");
	return 0;
}

/*
 * ---- nobody waits
 * ------------------------------------------------------------------------------------------------------
 */

static void took_too_long(struct weft__alarm *alarm)
{
	weft__http_wire_close((struct weft__http_wire *)(void *)((char *)alarm -
	                                                         offsetof(struct weft__http_wire, patience)));
}

void weft__http_wire_orphan(struct weft__http_wire *w, uint64_t due_ns)
{
	weft__loop_alarm(w->client->loop, &w->patience, due_ns, took_too_long);
}

/*
 * ---- bytes
 * -----------------------------------------------------------------------------------------------------------------
 */

static int send_request(struct weft__http_wire *w, const struct weft__http_flight *f)
{
	struct weft__stream *s = &w->socket->stream;

	s->unsent_max = WEFT__STREAM_UNSENT_BYTES;
	if (f->len > s->unsent_max / 2)
		s->unsent_max = f->len + f->len / 64 + SEND_SLACK_BYTES;
	return w->tls ? weft__tls_send(w->tls, f->bytes, f->len) : weft__stream_send(s, f->bytes, f->len);
}

void weft__http_wire_carry(struct weft__http_wire *w, struct weft__http_flight *f)
{
	struct weft__http_limits limits = {.body_bytes = f->body_bytes_max};
	int r;

	w->state = WEFT__WIRE_BUSY;
	w->flight = f;
	f->wire = w;
	f->call->reused = w->exchanges > 0;
	if (w->exchanges++ > 0) {
		weft__http_parser_next(&w->parser);
		w->client->counts.reused++;
	}
	w->parser.limits.body_bytes = limits.body_bytes;
	if (f->is_head)
		weft__http_parser_expect(&w->parser, WEFT__HTTP_ANSWER_TO_HEAD);
	weft__http_flight_enter(f, WEFT__FLIGHT_SENT);
	f->call->sent = true;
	weft__stream_pause(&w->socket->stream, f->paused);
	if (w->tls && f->paused)
		weft__tls_pause(w->tls, true);
	r = send_request(w, f);
	if (r < 0)
		weft__http_wire_ended(w, r == -EPIPE ? -ECONNRESET : r, NULL);
}

void weft__http_wire_read(struct weft__http_wire *w, const uint8_t *bytes, size_t len)
{
	if (w->state == WEFT__WIRE_BUSY)
		weft__http_answer_read(w, bytes, len);
	else if (w->state == WEFT__WIRE_TUNNEL)
		tunnel_read(w, bytes, len);
	else
		weft__http_wire_close(w); /* nobody asked for anything */
}

void weft__http_wire_ended(struct weft__http_wire *w, int status, const char *why)
{
	bool cut = status == 0 && w->tls && !weft__tls_ended(w->tls);
	char text[200];

	if (cut)
		status = -ECONNRESET;
	if (!why)
		why = cut          ? "the connection was cut"
		      : status < 0 ? weft_strerror(status)
		                   : "the server closed the connection";
	if (w->state == WEFT__WIRE_BUSY) {
		weft__http_answer_ended(w, status, why);
	} else if (is_dialing(w)) {
		snprintf(text, sizeof(text), "%s%s", why,
		         w->state == WEFT__WIRE_TUNNEL ? " (the proxy)" : "");
		give_up(w, status < 0 ? status : -ECONNRESET, text);
	} else {
		weft__http_wire_close(w);
	}
}
