/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/listener.c - see listener.h. One accept that is done many times.
 *
 * An error ends it, and it begins again: at once when it was one connection's, that failed before it was taken; else after
 * a rest, for without descriptors or memory it would spin: the connection stays ready.
 */
#include "runtime/io/listener.h"

#include <errno.h>

#include "runtime/base/assert.h"
#include "runtime/io/socket.h"

#define REST_NS 20000000u

static void start(struct weft__listener *l);

static void on_again(struct weft__alarm *alarm)
{
	start((struct weft__listener *)((char *)alarm - offsetof(struct weft__listener, again)));
}

static void rest(struct weft__listener *l)
{
	weft__loop_alarm(l->loop, &l->again, weft_now_ns() + REST_NS, on_again);
}

static void wind_down(struct weft__listener *l);

static void run_closed(struct weft__job *job)
{
	struct weft__listener *l = (struct weft__listener *)((char *)job - offsetof(struct weft__listener, closed_job));

	l->queued = false;
	if (l->io.state) { /* the loop could not take the cancel */
		wind_down(l);
		return;
	}
	weft__socket_close(l->fd);
	l->fd = -1;
	l->live = false;
	l->fns->closed(l);
}

/* Cancel what is in flight; when nothing is, closed is next. */
static void wind_down(struct weft__listener *l)
{
	if (l->queued || (l->io.state && weft__loop_cancel(l->loop, &l->io) != -EAGAIN))
		return;
	l->queued = true;
	l->closed_job.run = run_closed;
	weft__loop_later(l->loop, &l->closed_job);
}

static void on_accept(struct weft__io *io)
{
	struct weft__listener *l = (struct weft__listener *)((char *)io - offsetof(struct weft__listener, io));

	if (io->result >= 0 && l->closing)
		weft__socket_close(io->result);
	else if (io->result >= 0)
		l->fns->accepted(l, io->result);
	if (io->more)
		return;
	if (l->closing)
		wind_down(l);
	else if (io->result == -ECONNABORTED)
		start(l);
	else
		rest(l);
}

static void start(struct weft__listener *l)
{
	l->io = (struct weft__io){ .done = on_accept, .op = WEFT__IO_ACCEPT, .flags = WEFT__IO_MANY, .fd = l->fd };
	if (weft__loop_submit(l->loop, &l->io) < 0)
		rest(l);
}

int weft__listener_open(struct weft__loop *loop, struct weft__listener *l, const struct sockaddr *addr, socklen_t len,
                        uint32_t flags)
{
	int fd;

	WEFT_ASSERT(weft__loop_is_mine(loop) && l->fns && l->fns->accepted && l->fns->closed);
	fd = weft__socket_listen(addr, len, flags & WEFT__LISTEN_REUSEPORT, &l->port);
	if (fd < 0)
		return fd;
	l->fd = fd;
	l->loop = loop;
	l->closing = l->queued = false;
	l->live = true;
	start(l);
	return 0;
}

uint16_t weft__listener_port(const struct weft__listener *l)
{
	return l->port;
}

void weft__listener_close(struct weft__listener *l)
{
	if (!l->live || l->closing)
		return;
	l->closing = true;
	weft__loop_alarm_off(l->loop, &l->again);
	wind_down(l);
}
