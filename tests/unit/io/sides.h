/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/io/sides.h - both ends of a stream over TCP, unix sockets and pipes, each with what it was told, and listeners.
 */
#ifndef WEFT_TESTS_UNIT_IO_SIDES_H
#define WEFT_TESTS_UNIT_IO_SIDES_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/io/listener.h"
#include "runtime/io/socket.h"
#include "runtime/io/stream.h"
#include "tests/support/seed.h"
#include "tests/support/simulated.h"

/* One side: what its stream told it. */
struct side {
	struct weft__stream s;
	struct weft__loop *loop;
	int opened, open_status, ended, end_status, drained, closed;
	int got; /* bytes */
	uint8_t last_byte;
	uint64_t hash;   /* of all bytes, in order */
	bool in_call;    /* one of s's functions is on the stack: no callback may come */
	bool echo, may_break, close_on_data, close_on_open, pause_on_data;
};

static struct side *side_of(struct weft__stream *s)
{
	return (struct side *)s;
}

static inline uint64_t hash_bytes(uint64_t h, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	return h;
}

static void on_open(struct weft__stream *s, int status)
{
	cr_assert_not(side_of(s)->in_call);
	side_of(s)->opened++;
	side_of(s)->open_status = status;
	if (side_of(s)->close_on_open)
		weft__stream_close(s);
}

static void on_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	struct side *me = side_of(s);

	cr_assert_not(me->in_call);
	cr_assert_eq(me->ended, 0, "no data behind the end");
	cr_assert_eq(me->closed, 0);
	cr_assert_gt(len, 0);
	me->got += (int)len;
	me->hash = hash_bytes(me->hash, bytes, len);
	me->last_byte = bytes[len - 1];
	if (me->echo) {
		int r = weft__stream_send(s, bytes, len);

		cr_assert(r == 0 || (me->may_break && (r == -EPIPE || r == -ENOMEM)), "%d", r);
		if (r == -ENOMEM)
			weft__stream_reset(s);
	}
	if (me->pause_on_data)
		weft__stream_pause(s, true);
	if (me->close_on_data)
		weft__stream_close(s);
}

static void on_end(struct weft__stream *s, int status)
{
	cr_assert_not(side_of(s)->in_call);
	side_of(s)->ended++;
	side_of(s)->end_status = status;
}

static void on_drained(struct weft__stream *s)
{
	cr_assert_not(side_of(s)->in_call);
	cr_assert_eq(weft__stream_unsent(s), 0);
	side_of(s)->drained++;
}

static void on_closed(struct weft__stream *s)
{
	cr_assert_not(side_of(s)->in_call);
	cr_assert_not(weft__stream_is_live(s));
	side_of(s)->closed++;
}

static const struct weft__stream_fns fns = { on_open, on_data, on_end, on_drained, on_closed };

static inline void side_init(struct side *me, struct weft__loop *loop)
{
	*me = (struct side){ .s = { .fns = &fns }, .loop = loop, .hash = 1 };
}

static inline int try_send(struct side *me, const void *bytes, size_t len)
{
	int r;

	me->in_call = true;
	r = weft__stream_send(&me->s, bytes, len);
	me->in_call = false;
	return r;
}

static inline void send_all(struct side *me, const void *bytes, size_t len)
{
	cr_assert_eq(try_send(me, bytes, len), 0);
}

static inline void close_side(struct side *me)
{
	int closed = me->closed;

	me->in_call = true;
	weft__stream_close(&me->s);
	weft__stream_close(&me->s);
	me->in_call = false;
	cr_expect_eq(me->closed, closed, "never inside close");
	turn_until(me->loop, &me->closed, 1);
	settle(me->loop);
	cr_expect_eq(me->closed, 1);
	cr_expect_eq(try_send(me, "x", 1), -EPIPE);
}

/* ---- listeners ----------------------------------------------------------------------- */

struct port {
	struct weft__listener l;
	int accepted, closed;
	int fds[64];
	bool close_on_accept;
};

static void on_accepted(struct weft__listener *l, int fd)
{
	struct port *p = (struct port *)l;

	cr_assert(weft__sim_is_on() || (fcntl(fd, F_GETFD) & FD_CLOEXEC), "pitfall 18: close-on-exec everywhere");
	cr_assert_lt(p->accepted, 64);
	p->fds[p->accepted++] = fd;
	if (p->close_on_accept)
		weft__listener_close(l);
}

static void on_listener_closed(struct weft__listener *l)
{
	((struct port *)l)->closed++;
}

static const struct weft__listener_fns port_fns = { on_accepted, on_listener_closed };

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline int port_open(struct port *p, struct weft__loop *loop, uint16_t number, uint32_t flags)
{
	struct sockaddr_in addr = loopback(number);

	*p = (struct port){ .l = { .fns = &port_fns } };
	return weft__listener_open(loop, &p->l, (struct sockaddr *)&addr, sizeof(addr), flags);
}

static inline void port_close(struct port *p, struct weft__loop *loop)
{
	weft__listener_close(&p->l);
	weft__listener_close(&p->l);
	cr_expect_eq(p->closed, 0);
	turn_until(loop, &p->closed, 1);
	settle(loop);
	cr_expect_eq(p->closed, 1);
}

static inline int connect_to(struct side *me, uint16_t port)
{
	struct sockaddr_in addr = loopback(port);

	return weft__stream_connect(me->loop, &me->s, (struct sockaddr *)&addr, sizeof(addr));
}

/* Both ends of a TCP connection. */
static inline void tcp_pair(struct weft__loop *loop, struct side *a, struct side *b)
{
	struct port p;

	side_init(a, loop);
	side_init(b, loop);
	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	cr_assert_neq(weft__listener_port(&p.l), 0);
	cr_assert_eq(connect_to(a, weft__listener_port(&p.l)), 0);
	turn_until(loop, &p.accepted, 1);
	turn_until(loop, &a->opened, 1);
	cr_assert_eq(a->open_status, 0);
	cr_assert_eq(weft__stream_adopt(loop, &b->s, p.fds[0], p.fds[0]), 0);
	port_close(&p, loop);
}

static inline void unix_pair(struct weft__loop *loop, struct side *a, struct side *b)
{
	int fds[2];

	side_init(a, loop);
	side_init(b, loop);
	cr_assert_eq(weft__socket_pair(fds), 0);
	cr_assert_eq(weft__stream_adopt(loop, &a->s, fds[0], fds[0]), 0);
	cr_assert_eq(weft__stream_adopt(loop, &b->s, fds[1], fds[1]), 0);
}

static inline void pipe_pair(struct weft__loop *loop, struct side *a, struct side *b)
{
	int there[2], back[2];

	side_init(a, loop);
	side_init(b, loop);
	cr_assert_eq(pipe2(there, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(back, O_CLOEXEC), 0);
	cr_assert_eq(weft__stream_adopt(loop, &a->s, back[0], there[1]), 0);
	cr_assert_eq(weft__stream_adopt(loop, &b->s, there[0], back[1]), 0);
}

typedef void (*pair_fn)(struct weft__loop *loop, struct side *a, struct side *b);
__attribute__((unused)) static const pair_fn pairs[] = { tcp_pair, unix_pair, pipe_pair };
#define PAIRS (weft__sim_is_on() ? 2 : 3) /* a simulation has no pipes */

#endif
