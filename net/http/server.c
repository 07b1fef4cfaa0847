/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/server.c - a server's life: it listens, counts its connections, and ends when the last one has. */
#include "net/http/server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "net/http/connection.h"

#define CONNECTIONS_MAX 10000u
#define REFUSED_MAX 64u /* told so at a time; more are just closed */
#define SECOND_NS UINT64_C(1000000000)

static struct weft__http_server *of_listener(struct weft__listener *l)
{
	return l->user;
}

static void end_if_empty(struct weft__http_server *s)
{
	void (*closed)(const struct weft__http_server_stats *stats, void *user) = s->options.closed;
	struct weft__http_server_stats stats = s->stats;
	void *user = s->options.user;

	if (!s->closing || s->listening || s->connections)
		return;
	weft__loop_detach(s->loop, &s->resident);
	weft__http_writer_fini(&s->writer);
	weft_free(s);
	if (closed)
		closed(&stats, user);
}

void weft__http_connection_gone(struct weft__http_connection *c)
{
	struct weft__http_server *s = c->server;

	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->stats.connections--;
	end_if_empty(s);
}

/* Whoever waits without asking makes room for one more; the newest connections are first in the list. */
static void make_room(struct weft__http_server *s)
{
	struct weft__http_connection *oldest = NULL;
	uint32_t live = 0;

	for (struct weft__http_connection *c = s->connections; c; c = c->next) {
		live += c->phase != WEFT__HTTP_ENDED;
		if (c->phase != WEFT__HTTP_ENDED && c->phase != WEFT__HTTP_ANSWERING)
			oldest = c;
	}
	if (live < s->options.connections_max || !oldest)
		return;
	s->stats.refused++;
	weft__http_connection_end(oldest, true);
}

static void on_accepted(struct weft__listener *l, int fd)
{
	struct weft__http_server *s = of_listener(l);
	uint32_t max = s->options.connections_max;

	s->stats.accepted++;
	if (s->options.oldest_yields) {
		make_room(s);
		max += REFUSED_MAX; /* those that yielded are still being closed */
	}
	if (s->stats.connections >= max + REFUSED_MAX) {
		s->stats.refused++;
		close(fd);
		return;
	}
	weft__http_connection_open(s, fd, s->stats.connections >= max);
}

static void on_listener_closed(struct weft__listener *l)
{
	struct weft__http_server *s = of_listener(l);

	s->listening = false;
	s->closing = true;
	end_if_empty(s);
}

static const struct weft__listener_fns listener_fns = { on_accepted, on_listener_closed };

static void on_loop_ends(struct weft__resident *resident)
{
	weft__http_server_close((struct weft__http_server *)resident, true);
}

static uint64_t or_default(uint64_t ns, uint64_t seconds)
{
	return ns ? ns : seconds * SECOND_NS;
}

static void options_set(struct weft__http_server *s, const struct weft__http_server_options *o)
{
	s->options = *o;
	s->options.address = NULL; /* the caller's */
	s->options.connections_max = o->connections_max ? o->connections_max : CONNECTIONS_MAX;
	s->options.head_ns = or_default(o->head_ns, 30);
	s->options.body_ns = or_default(o->body_ns, 30);
	s->options.idle_ns = or_default(o->idle_ns, 75);
	s->options.send_ns = or_default(o->send_ns, 60);
}

static int start(struct weft__http_server *s, const struct weft__http_server_options *o)
{
	int r;

	s->listener.fns = &listener_fns;
	s->listener.user = s;
	s->resident.close = on_loop_ends;
	r = weft__loop_attach(s->loop, &s->resident);
	if (r < 0)
		return r;
	r = weft__listener_open(s->loop, &s->listener, o->address, o->address_len, o->reuse_port ? WEFT__LISTEN_REUSEPORT : 0);
	if (r < 0)
		weft__loop_detach(s->loop, &s->resident);
	return r;
}

int weft__http_server_open(struct weft__loop *loop, const struct weft__http_server_options *options,
                           struct weft__http_server **ret_server, weft_error *err)
{
	struct weft__http_server *s;
	int r;

	if (!options->address || !options->request)
		return weft_error_set(err, -EINVAL, "HTTP server: no address or no request function");
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return weft_error_set(err, -ENOMEM, "HTTP server: no memory");
	s->loop = loop;
	s->date_s = -1;
	options_set(s, options);
	r = start(s, options);
	if (r < 0) {
		weft_free(s);
		return weft_error_set(err, r, "HTTP server: cannot listen: %s", weft_strerror(r));
	}
	s->listening = true;
	*ret_server = s;
	return 0;
}

uint16_t weft__http_server_port(const struct weft__http_server *server)
{
	return weft__listener_port(&server->listener);
}

void weft__http_server_stats(const struct weft__http_server *server, struct weft__http_server_stats *ret)
{
	*ret = server->stats;
}

void weft__http_server_close(struct weft__http_server *s, bool now)
{
	struct weft__http_connection *c, *next;

	s->closing = true;
	weft__listener_close(&s->listener);
	for (c = s->connections; c; c = next) {
		next = c->next; /* closed comes later: nobody is taken from the list here */
		if (now)
			weft__http_connection_end(c, false);
		else if (c->phase == WEFT__HTTP_IDLE && !c->kept.len && !c->job_queued)
			weft__http_connection_linger(c);
	}
}
