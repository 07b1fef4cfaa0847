/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/net.c - see net.h.
 *
 * A connected socket has the bytes that are on their way to it, in a ring, and marks that say until where they will have
 * arrived when:
 *
 *     ring   | read ... | arrived ........ | on their way ................ | free
 *          head       marks[0].end, at_ns <= now      marks[n-1].end == tail
 *
 * All simulated threads are one, and none of these functions lets another run but at its end (changed).
 */
#include "runtime/io/net.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

#include <weft/alloc.h>
#include <weft/sim.h>

#include "runtime/base/assert.h"
#include "runtime/base/sim.h"

#define SOCKETS 512u
#define WINDOW 8192u /* bytes between two, before the sender is held back */
#define MARKS 16u
#define BACKLOG 16u
#define NEAR_NS 100000u
#define FAR_NS 20000000u /* one way, now and then */
#define FIRST_PORT 40000u

enum kind { FREE = 0, NEW, LISTENING, CONNECTED };

struct sock {
	enum kind kind;
	bool reuse_port, shut, will_reset;
	int family;
	uint16_t port;       /* LISTENING */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sock *peer;   /* CONNECTED: NULL when it was closed */
	uint8_t *ring;       /* owned, WINDOW bytes */
	uint64_t head, tail;
	struct mark {
		uint64_t end, at_ns;
	} marks[MARKS];
	uint32_t mark_count;
	uint64_t fin_ns, reset_ns; /* when the end arrives; 0: it was not sent */
	struct sock *backlog[BACKLOG]; /* LISTENING: made, not accepted yet */
	uint32_t backlog_count;
	bool accepted; /* it has a descriptor: its place in socks */
};

static struct sock socks[SOCKETS];
static uint16_t next_port = FIRST_PORT;

static uint64_t below(uint64_t n)
{
	return weft__sim->below(n);
}

static bool fault(void)
{
	return weft__sim->fault(WEFT_SIM_IO);
}

static int fd_of(const struct sock *s)
{
	return WEFT__NET_FD + (int)(s - socks);
}

static struct sock *sock_of(int fd)
{
	uint32_t i = (uint32_t)fd - WEFT__NET_FD;

	return weft__net_is(fd) && i < SOCKETS && socks[i].kind != FREE && socks[i].accepted ? &socks[i] : NULL;
}

static void changed(const struct sock *s)
{
	if (s && s->accepted)
		weft__simio_changed(fd_of(s));
}

/* When what is sent now arrives. */
static uint64_t arrival_ns(void)
{
	return weft_now_ns() + 1 + below(below(20) ? NEAR_NS : FAR_NS);
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- making and ending ------------------------------------------------------------------- */

static struct sock *sock_make(enum kind kind, int family)
{
	for (uint32_t i = 0; i < SOCKETS; i++) {
		struct sock *s = &socks[i];

		if (s->kind != FREE)
			continue;
		memset(s, 0, sizeof(*s));
		s->kind = kind;
		s->family = family;
		return s;
	}
	return NULL;
}

static void sock_free(struct sock *s)
{
	weft_free(s->ring);
	s->ring = NULL;
	s->kind = FREE;
}

static bool connect_both(struct sock *a, struct sock *b)
{
	a->ring = weft_malloc(WINDOW);
	b->ring = weft_malloc(WINDOW);
	if (!a->ring || !b->ring) {
		weft_free(a->ring);
		weft_free(b->ring);
		a->ring = b->ring = NULL;
		return false;
	}
	a->kind = b->kind = CONNECTED;
	a->peer = b;
	b->peer = a;
	return true;
}

int weft__net_open(int family)
{
	struct sock *s;

	WEFT_RETURN_IF(family != AF_INET && family != AF_INET6 && family != AF_UNIX, -EAFNOSUPPORT);
	s = sock_make(NEW, family);
	if (!s)
		return -EMFILE;
	s->accepted = true;
	return fd_of(s);
}

int weft__net_pair(int ret_fds[2])
{
	struct sock *a = sock_make(NEW, AF_UNIX), *b = a ? sock_make(NEW, AF_UNIX) : NULL;

	if (b && connect_both(a, b)) {
		a->accepted = b->accepted = true;
		ret_fds[0] = fd_of(a);
		ret_fds[1] = fd_of(b);
		return 0;
	}
	if (a)
		sock_free(a);
	if (b)
		sock_free(b);
	return b ? -ENOMEM : -EMFILE;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static uint16_t port_in(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)addr)->sin_port);
	return addr->sa_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)addr)->sin6_port) : 0;
}

static void take_address(struct sock *s, const struct sockaddr *addr, socklen_t len)
{
	size_t path_bytes = len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;

	s->port = port_in(addr);
	if (addr->sa_family == AF_UNIX)
		memcpy(s->path, ((const struct sockaddr_un *)addr)->sun_path, path_bytes < sizeof(s->path) ? path_bytes : sizeof(s->path));
}

static bool same_address(const struct sock *a, const struct sock *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->path, b->path, sizeof(a->path)) == 0;
}

/* One of those that listen where s wants to go; NULL: nobody does. */
static struct sock *listener_at(const struct sock *s)
{
	struct sock *found = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < SOCKETS; i++) {
		if (socks[i].kind == LISTENING && same_address(&socks[i], s) && below(++count) == 0)
			found = &socks[i];
	}
	return found;
}

int weft__net_listen(const struct sockaddr *addr, socklen_t len, bool reuse_port, uint16_t *ret_port)
{
	int fd = weft__net_open(addr->sa_family);
	struct sock *s = sock_of(fd), *other;

	if (fd < 0)
		return fd;
	take_address(s, addr, len);
	if (s->family != AF_UNIX && s->port == 0)
		s->port = next_port++;
	other = listener_at(s);
	if (other && !(other->reuse_port && reuse_port)) {
		sock_free(s);
		return -EADDRINUSE;
	}
	s->kind = LISTENING;
	s->reuse_port = reuse_port;
	*ret_port = s->port;
	return fd;
}

/* ---- bytes on their way ---------------------------------------------------------------------- */

static uint64_t arrived(struct sock *s, uint64_t now)
{
	uint32_t n = 0;
	uint64_t end = s->head;

	while (n < s->mark_count && s->marks[n].at_ns <= now)
		end = s->marks[n++].end;
	return end - s->head;
}

static void forget_read_marks(struct sock *s)
{
	uint32_t n = 0;

	while (n < s->mark_count && s->marks[n].end <= s->head)
		n++;
	memmove(s->marks, s->marks + n, (s->mark_count - n) * sizeof(s->marks[0]));
	s->mark_count -= n;
}

static uint64_t last_arrival(const struct sock *s)
{
	return s->mark_count ? s->marks[s->mark_count - 1].at_ns : 0;
}

/* When something new is there to be received. */
static uint64_t next_arrival(const struct sock *s, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < s->mark_count && next == UINT64_MAX; i++) {
		if (s->marks[i].at_ns > now)
			next = s->marks[i].at_ns;
	}
	if (s->fin_ns > now && s->fin_ns < next)
		next = s->fin_ns;
	if (s->reset_ns > now && s->reset_ns < next)
		next = s->reset_ns;
	return next;
}

static void put(struct sock *to, const uint8_t *bytes, size_t len)
{
	struct mark m = { .end = to->tail + len, .at_ns = later_of(arrival_ns(), last_arrival(to)) };

	WEFT_ASSERT(len <= WINDOW - (to->tail - to->head));
	for (size_t i = 0; i < len; i++)
		to->ring[(to->tail + i) % WINDOW] = bytes[i];
	to->tail += len;
	if (to->mark_count == MARKS) /* those behind it arrive with it */
		to->mark_count--;
	to->marks[to->mark_count++] = m;
}

static void take(struct sock *s, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = s->ring[(s->head + i) % WINDOW];
	s->head += len;
	forget_read_marks(s);
}

static bool is_reset(const struct sock *s, uint64_t now)
{
	return s->reset_ns && s->reset_ns <= now;
}

static void send_reset(struct sock *to)
{
	if (!to->reset_ns)
		to->reset_ns = arrival_ns();
}

/* The connection breaks, for both. */
static void break_by_chance(struct sock *s)
{
	if (!fault() || below(4))
		return;
	send_reset(s);
	if (s->peer)
		send_reset(s->peer);
	changed(s->peer);
}

static int32_t receive(struct sock *s, uint8_t *buf, size_t len, uint64_t *ret_again_ns)
{
	uint64_t now, n;

	if (s->kind != CONNECTED)
		return -ENOTCONN;
	break_by_chance(s);
	now = weft_now_ns();
	n = arrived(s, now);
	if (is_reset(s, now) && (n == 0 || below(2)))
		return -ECONNRESET;
	if (n > 0) {
		n = n < len ? n : len;
		if (n > 1 && below(3) == 0)
			n = 1 + below(n);
		take(s, buf, n);
		changed(s->peer);
		return (int32_t)n;
	}
	if (s->fin_ns && s->fin_ns <= now)
		return 0;
	*ret_again_ns = next_arrival(s, now);
	return WEFT__NET_WAITS;
}

/* As much as there is room for, or less. */
static int32_t send_some(struct sock *s, const uint8_t *bytes, size_t len, uint64_t *ret_again_ns)
{
	struct sock *peer;
	uint64_t room;

	if (s->kind != CONNECTED || s->shut)
		return s->kind == CONNECTED ? -EPIPE : -ENOTCONN;
	break_by_chance(s);
	peer = s->peer;
	if (is_reset(s, weft_now_ns()))
		return -EPIPE;
	if (!peer) { /* nobody is there: the bytes are lost, and an answer comes that says so */
		send_reset(s);
		return (int32_t)(len < WINDOW ? len : WINDOW);
	}
	room = WINDOW - (peer->tail - peer->head);
	if (room == 0) {
		*ret_again_ns = next_arrival(s, weft_now_ns());
		return WEFT__NET_WAITS;
	}
	len = len < room ? len : room;
	if (len > 1 && below(4) == 0)
		len = 1 + below(len);
	put(peer, bytes, len);
	changed(peer);
	return (int32_t)len;
}

/* All of it, a part at a time. */
static int32_t send_all(struct sock *s, struct weft__io *io, uint64_t *ret_again_ns)
{
	int32_t n;

	if (io->len_bytes == 0)
		return 0;
	n = send_some(s, (const uint8_t *)io->buf + io->offset, io->len_bytes - io->offset, ret_again_ns);
	if (n > 0)
		io->offset += (uint32_t)n;
	if (n < 0 && n != WEFT__NET_WAITS)
		return io->offset ? (int32_t)io->offset : n;
	if (io->offset == io->len_bytes)
		return (int32_t)io->offset;
	if (n > 0)
		*ret_again_ns = weft_now_ns() + below(NEAR_NS);
	return WEFT__NET_WAITS;
}

/* ---- connections ------------------------------------------------------------------------------ */

static int32_t nobody(const struct sock *s)
{
	return s->family == AF_UNIX ? -ENOENT : -ECONNREFUSED;
}

static int32_t connect_sock(struct sock *s, const struct weft__io *io, uint64_t *ret_again_ns)
{
	struct sock *to, *other_end;

	if (s->kind != NEW)
		return s->kind == CONNECTED ? -EISCONN : -EINVAL;
	take_address(s, io->buf, io->len_bytes);
	to = listener_at(s);
	if (!to || fault())
		return to && below(2) ? -ETIMEDOUT : nobody(s);
	if (to->backlog_count == BACKLOG) {
		if (s->family == AF_UNIX)
			return -EAGAIN;
		*ret_again_ns = weft_now_ns() + below(FAR_NS);
		return WEFT__NET_WAITS;
	}
	other_end = sock_make(NEW, s->family);
	if (!other_end)
		return nobody(s);
	if (!connect_both(s, other_end)) {
		sock_free(other_end);
		return -ENOMEM;
	}
	to->backlog[to->backlog_count++] = other_end;
	changed(to);
	return 0;
}

static int32_t accept_one(struct sock *s, uint64_t *ret_again_ns)
{
	struct sock *made;

	if (s->kind != LISTENING)
		return -EINVAL;
	if (s->backlog_count == 0) {
		*ret_again_ns = UINT64_MAX;
		return WEFT__NET_WAITS;
	}
	if (fault())
		return below(2) ? -EMFILE : -ECONNABORTED;
	made = s->backlog[0];
	memmove(s->backlog, s->backlog + 1, --s->backlog_count * sizeof(s->backlog[0]));
	made->accepted = true;
	return fd_of(made);
}

int weft__net_shut(int fd)
{
	struct sock *s = sock_of(fd);

	if (!s || s->kind != CONNECTED)
		return s ? -ENOTCONN : -EBADF;
	if (s->shut)
		return 0;
	s->shut = true;
	if (s->peer) {
		s->peer->fin_ns = later_of(arrival_ns(), last_arrival(s->peer));
		changed(s->peer);
	}
	return 0;
}

void weft__net_will_reset(int fd)
{
	struct sock *s = sock_of(fd);

	if (s)
		s->will_reset = true;
}

static void disconnect(struct sock *s)
{
	struct sock *peer = s->peer;

	if (!peer)
		return;
	peer->peer = NULL;
	if (s->will_reset || s->head != s->tail)
		send_reset(peer); /* a close with unread bytes is one, too */
	else if (!s->shut)
		peer->fin_ns = later_of(arrival_ns(), last_arrival(peer));
}

int weft__net_close(int fd)
{
	struct sock *s = sock_of(fd), *peers[BACKLOG + 1] = { NULL };
	uint32_t n = 0;

	if (!s)
		return -EBADF;
	for (; n < s->backlog_count; n++) {
		peers[n] = s->backlog[n]->peer;
		disconnect(s->backlog[n]);
		sock_free(s->backlog[n]);
	}
	peers[n] = s->peer;
	if (s->kind == CONNECTED)
		disconnect(s);
	sock_free(s);
	for (uint32_t i = 0; i <= n; i++)
		changed(peers[i]);
	return 0;
}

void weft__net_clear(void)
{
	for (uint32_t i = 0; i < SOCKETS; i++)
		sock_free(&socks[i]);
	next_port = FIRST_PORT;
}

/* ---- operations ----------------------------------------------------------------------------------- */

static int32_t poll_sock(struct sock *s, const struct weft__io *io, uint64_t *ret_again_ns)
{
	uint64_t now = weft_now_ns();
	uint32_t ready = 0;

	if (s->kind == LISTENING)
		ready = s->backlog_count ? POLLIN : 0;
	if (s->kind == CONNECTED) {
		if (arrived(s, now) || (s->fin_ns && s->fin_ns <= now))
			ready |= POLLIN;
		if (!s->peer || s->peer->tail - s->peer->head < WINDOW)
			ready |= POLLOUT;
		if (is_reset(s, now))
			ready |= POLLIN | POLLOUT | POLLERR | POLLHUP;
	}
	ready &= io->poll_events | POLLERR | POLLHUP;
	*ret_again_ns = next_arrival(s, now);
	return ready ? (int32_t)ready : WEFT__NET_WAITS;
}

int32_t weft__net_perform(struct weft__io *io, void *buf, size_t len, uint64_t *ret_again_ns)
{
	struct sock *s = sock_of(io->fd);

	*ret_again_ns = UINT64_MAX;
	if (!s)
		return -EBADF;
	switch (io->op) {
	case WEFT__IO_ACCEPT:
		return accept_one(s, ret_again_ns);
	case WEFT__IO_CONNECT:
		return connect_sock(s, io, ret_again_ns);
	case WEFT__IO_RECV:
	case WEFT__IO_READ:
		return receive(s, buf, len, ret_again_ns);
	case WEFT__IO_WRITE:
		return send_some(s, io->buf, io->len_bytes, ret_again_ns);
	case WEFT__IO_SEND:
		return send_all(s, io, ret_again_ns);
	case WEFT__IO_POLL:
		return poll_sock(s, io, ret_again_ns);
	case WEFT__IO_SHUTDOWN:
		return weft__net_shut(io->fd);
	case WEFT__IO_CLOSE:
		return weft__net_close(io->fd);
	default:
		return io->op == WEFT__IO_NOP ? 0 : -EINVAL;
	}
}
