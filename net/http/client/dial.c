/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/dial.c - reach a host that has several addresses.
 *
 * Addresses are tried in the order in which the system sorts them. When one has not answered within a quarter
 * of a second the next one is tried beside it, and when one fails the next one begins at once: so a host of
 * which one family of addresses does not work costs a quarter of a second, not a minute. The first that
 * answers is taken, and the others are closed. (After RFC 8305, without its sorting: that is the resolver's
 * business here.)
 */
#include <errno.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"

#define NEXT_ADDRESS_NS UINT64_C(250000000)

static struct weft__http_socket *socket_of(struct weft__stream *s)
{
	return (struct weft__http_socket *)s;
}

static void try_next(struct weft__http_wire *w);

static bool is_dialing(const struct weft__http_wire *w)
{
	return w->state == WEFT__WIRE_CONNECT && !w->socket;
}

/* ---- what the streams say --------------------------------------------------------------------------- */

static void on_open(struct weft__stream *s, int status)
{
	struct weft__http_socket *socket = socket_of(s);
	struct weft__http_wire *w = socket->wire;

	w->trying--;
	if (!is_dialing(w)) /* another one was faster in the same turn */
		return;
	if (status < 0) {
		w->connect_error = status;
		weft__stream_close(s);
		try_next(w);
		return;
	}
	w->socket = socket;
	weft__http_dial_stop(w);
	weft__http_wire_connected(w);
}

static void on_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	struct weft__http_wire *w = socket_of(s)->wire;
	int r;

	if (w->state == WEFT__WIRE_CLOSED || w->socket != socket_of(s))
		return;
	if (!w->tls) {
		weft__http_wire_read(w, bytes, len);
		return;
	}
	r = weft__tls_feed(w->tls, bytes, len);
	if (w->state == WEFT__WIRE_CLOSED)
		return;
	if (r < 0)
		weft__http_wire_ended(w, r, weft__tls_why(w->tls));
	else if (weft__tls_ended(w->tls))
		weft__http_wire_ended(w, 0, NULL);
}

static void on_end(struct weft__stream *s, int status)
{
	struct weft__http_wire *w = socket_of(s)->wire;

	if (w->state != WEFT__WIRE_CLOSED && w->socket == socket_of(s))
		weft__http_wire_ended(w, status, NULL);
}

static void on_closed(struct weft__stream *s)
{
	struct weft__http_socket *socket = socket_of(s);
	struct weft__http_wire *w = socket->wire;

	TAILQ_REMOVE(&w->sockets, socket, all);
	if (w->socket == socket)
		w->socket = NULL;
	weft_free(socket);
	if (w->state == WEFT__WIRE_CLOSED)
		weft__http_wire_close(w); /* perhaps it was the last */
}

static const struct weft__stream_fns socket_fns = {.open = on_open,
                                                   .data = on_data,
                                                   .end = on_end,
                                                   .closed = on_closed};

/* ---- attempts ------------------------------------------------------------------------------------------ */

/* 0 or negative: this address is none. */
static int try_address(struct weft__http_wire *w, const struct weft__address *address)
{
	struct weft__http_socket *socket = weft_calloc(1, sizeof(*socket));
	uint16_t port = w->origin->proxy.host ? w->origin->proxy.port : w->origin->port;
	int r;

	if (!socket)
		return -ENOMEM;
	socket->stream.fns = &socket_fns;
	socket->stream.wipe = true; /* requests carry keys */
	socket->wire = w;
	socket->address = *address;
	weft__address_set_port(&socket->address, port);
	r = weft__stream_connect(w->client->loop, &socket->stream, &socket->address.any, socket->address.len);
	if (r < 0) {
		weft_free(socket);
		return r;
	}
	TAILQ_INSERT_TAIL(&w->sockets, socket, all);
	w->trying++;
	return 0;
}

static void took_long(struct weft__alarm *alarm)
{
	try_next((struct weft__http_wire *)(void *)((char *)alarm - offsetof(struct weft__http_wire, alarm)));
}

static void try_next(struct weft__http_wire *w)
{
	while (w->next_address < w->answer->count) {
		int r = try_address(w, &w->answer->addresses[w->next_address++]);

		if (r == 0) {
			if (w->next_address < w->answer->count)
				weft__loop_alarm(w->client->loop, &w->alarm, weft_now_ns() + NEXT_ADDRESS_NS,
				                 took_long);
			return;
		}
		w->connect_error = r;
	}
	weft__loop_alarm_off(w->client->loop, &w->alarm);
	if (!w->trying)
		weft__http_wire_unreachable(w, w->connect_error);
}

void weft__http_dial(struct weft__http_wire *w)
{
	WEFT_ASSERT(w->answer && w->answer->count > 0);
	w->state = WEFT__WIRE_CONNECT;
	w->next_address = 0;
	try_next(w);
}

void weft__http_dial_stop(struct weft__http_wire *w)
{
	struct weft__http_socket *s;

	weft__loop_alarm_off(w->client->loop, &w->alarm);
	weft__dns_answer_unref(w->answer);
	w->answer = NULL;
	TAILQ_FOREACH(s, &w->sockets, all)
	{
		if (s != w->socket)
			weft__stream_close(&s->stream);
	}
}
