/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the operations on sockets and names, as loop.h says, on each back end. Method: one operation at a time against a peer that
 * does its part by operations, too; those that are done many times are counted call by call.
 */
#include "runtime/io/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/seed.h"
#include "tests/support/simulated.h"

struct op {
	struct weft__io io;
	struct weft__loop *loop;
	int done_count; /* without more */
	int told;       /* with it */
	int bytes, last_fd;
	uint64_t hash;
	bool cancel_when_told;
};

static void on_done(struct weft__io *io)
{
	struct op *op = (struct op *)io;

	cr_assert_eq(op->done_count, 0, "nothing behind the last");
	if (!io->more) {
		op->done_count++;
		return;
	}
	op->told++;
	if (io->op == WEFT__IO_RECV) {
		cr_assert_gt(io->result, 0);
		op->bytes += io->result;
		for (int i = 0; i < io->result; i++)
			op->hash = (op->hash ^ ((uint8_t *)io->buf)[i]) * 0x100000001b3u;
	} else {
		op->last_fd = io->result;
	}
	if (op->cancel_when_told) {
		int r = weft__loop_cancel(op->loop, io);

		cr_assert(r == 0 || r == -EAGAIN);
	}
}

static struct op op_make(int what, int fd, void *buf, uint32_t len)
{
	return (struct op){ .io = { .done = on_done, .op = (uint8_t)what, .fd = fd, .buf = buf, .len_bytes = len } };
}

static void submit(struct weft__loop *loop, struct op *op)
{
	op->loop = loop;
	cr_assert_eq(weft__loop_submit(loop, &op->io), 0);
}

static void finish(struct weft__loop *loop, const struct op *op)
{
	turn_until(loop, &op->done_count, 1);
	cr_assert_eq(op->done_count, 1);
}

static int32_t do_it(struct weft__loop *loop, struct op op)
{
	submit(loop, &op);
	finish(loop, &op);
	cr_assert_eq(op.told, 0);
	return op.io.result;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int listen_anywhere(struct sockaddr_in *ret_addr)
{
	uint16_t port;
	int fd;

	*ret_addr = loopback(0);
	fd = weft__socket_listen((struct sockaddr *)ret_addr, sizeof(*ret_addr), false, &port);
	cr_assert_geq(fd, 0);
	*ret_addr = loopback(port);
	return fd;
}

static void pair(int fds[2])
{
	cr_assert_eq(weft__socket_pair(fds), 0);
}

static void close_pair(const int fds[2])
{
	weft__socket_close(fds[0]);
	weft__socket_close(fds[1]);
}

/* ---- connections --------------------------------------------------------------------------- */

static void accept_and_connect(struct weft__loop *loop)
{
	struct sockaddr_in addr;
	int listener = listen_anywhere(&addr), fd = weft__socket_open(AF_INET);
	struct op a = op_make(WEFT__IO_ACCEPT, listener, NULL, 0), c = op_make(WEFT__IO_CONNECT, fd, &addr, sizeof(addr));

	submit(loop, &a);
	settle(loop);
	cr_expect_eq(a.done_count, 0, "it waits");
	submit(loop, &c);
	cr_expect_eq(c.done_count, 0);
	finish(loop, &c);
	finish(loop, &a);
	cr_expect_eq(c.io.result, 0);
	cr_expect_geq(a.io.result, 0);
	cr_expect_not(a.io.more);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_CLOSE, a.io.result, NULL, 0)), 0);
	weft__socket_close(fd);
	weft__socket_close(listener);
}

static void connect_to_nobody(struct weft__loop *loop)
{
	struct sockaddr_in addr;
	int listener = listen_anywhere(&addr), fd = weft__socket_open(AF_INET);

	weft__socket_close(listener);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_CONNECT, fd, &addr, sizeof(addr))), -ECONNREFUSED);
	weft__socket_close(fd);
}

static void accept_many(struct weft__loop *loop)
{
	struct sockaddr_in addr;
	int listener = listen_anywhere(&addr);
	struct op a = op_make(WEFT__IO_ACCEPT, listener, NULL, 0);

	a.io.flags = WEFT__IO_MANY;
	submit(loop, &a);
	for (int i = 0; i < 20; i++) {
		int fd = weft__socket_open(AF_INET);

		cr_assert_eq(do_it(loop, op_make(WEFT__IO_CONNECT, fd, &addr, sizeof(addr))), 0);
		turn_until(loop, &a.told, i + 1);
		cr_expect_eq(a.told, i + 1);
		weft__socket_close(a.last_fd);
		weft__socket_close(fd);
	}
	cr_expect_eq(weft__loop_in_flight(loop), 1);
	cr_expect_eq(weft__loop_cancel(loop, &a.io), 0);
	finish(loop, &a);
	cr_expect_eq(a.io.result, -ECANCELED);
	weft__socket_close(listener);
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static void recv_takes_what_there_is(struct weft__loop *loop)
{
	char buf[16] = "";
	int fds[2];
	struct op r;

	pair(fds);
	r = op_make(WEFT__IO_RECV, fds[0], buf, sizeof(buf));
	submit(loop, &r);
	settle(loop);
	cr_expect_eq(r.done_count, 0);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], "x", 1)), 1);
	finish(loop, &r);
	cr_expect_eq(r.io.result, 1);
	cr_expect_eq(buf[0], 'x');
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_SHUTDOWN, fds[1], NULL, SHUT_WR)), 0);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_RECV, fds[0], buf, sizeof(buf))), 0, "0 is the end");
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], "x", 1)), -EPIPE, "and no SIGPIPE");
	close_pair(fds);
}

/* Pitfall 14: blocking or not, it waits. */
static void recv_of_a_blocking_socket_waits(struct weft__loop *loop)
{
	char c = 0;
	int fds[2];
	struct op r;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	for (int many = 0; many < 2; many++) {
		r = op_make(WEFT__IO_RECV, fds[0], &c, 1);
		r.io.flags = many ? WEFT__IO_MANY : 0;
		submit(loop, &r);
		settle(loop);
		cr_expect_eq(r.done_count + r.told, 0);
		cr_assert_eq(write(fds[1], "x", 1), 1);
		if (!many) {
			finish(loop, &r);
			continue;
		}
		turn_until(loop, &r.told, 1);
		weft__loop_cancel(loop, &r.io);
		finish(loop, &r);
	}
	close_pair(fds);
}

/* Pitfall 7: a send is done when all of it went, however slowly it is read. */
static void send_is_all_of_it(struct weft__loop *loop)
{
	enum { BYTES = 2 << 20 };
	static uint8_t bytes[BYTES], buf[60000];
	uint64_t sent_hash = 0, hash = 0, seed = 7;
	struct op s, r;
	int fds[2], got = 0;

	for (size_t i = 0; i < BYTES; i++) {
		bytes[i] = (uint8_t)test_random(&seed);
		sent_hash = (sent_hash ^ bytes[i]) * 0x100000001b3u;
	}
	pair(fds);
	s = op_make(WEFT__IO_SEND, fds[0], bytes, BYTES);
	submit(loop, &s);
	while (got < BYTES) {
		r = op_make(WEFT__IO_RECV, fds[1], buf, sizeof(buf));
		submit(loop, &r);
		finish(loop, &r);
		cr_assert_gt(r.io.result, 0);
		for (int i = 0; i < r.io.result; i++)
			hash = (hash ^ buf[i]) * 0x100000001b3u;
		got += r.io.result;
	}
	finish(loop, &s);
	cr_expect_eq(s.io.result, BYTES);
	cr_expect_eq(hash, sent_hash);
	close_pair(fds);
}

static void send_that_breaks_says_how_much_went(struct weft__loop *loop)
{
	static uint8_t bytes[4 << 20];
	int fds[2];
	struct op s;

	pair(fds);
	s = op_make(WEFT__IO_SEND, fds[0], bytes, sizeof(bytes));
	submit(loop, &s);
	settle(loop);
	cr_expect_eq(s.done_count, 0);
	weft__socket_close(fds[1]);
	finish(loop, &s);
	cr_expect_gt(s.io.result, 0);
	cr_expect_lt(s.io.result, (int)sizeof(bytes));
	weft__socket_close(fds[0]);
}

static void cancelled_send_says_how_much_went(struct weft__loop *loop)
{
	static uint8_t bytes[4 << 20];
	int fds[2];
	struct op s;

	pair(fds);
	s = op_make(WEFT__IO_SEND, fds[0], bytes, sizeof(bytes));
	submit(loop, &s);
	settle(loop);
	cr_expect_eq(weft__loop_cancel(loop, &s.io), 0);
	finish(loop, &s);
	cr_expect(s.io.result == -ECANCELED || (s.io.result > 0 && s.io.result < (int)sizeof(bytes)), "%d", s.io.result);
	close_pair(fds);
}

/* ---- many receives -------------------------------------------------------------------------------- */

static void recv_many_tells_all_and_the_end(struct weft__loop *loop)
{
	uint64_t hash = 0;
	int fds[2], sent = 0;
	struct op r;

	pair(fds);
	r = op_make(WEFT__IO_RECV, fds[0], NULL, 0);
	r.io.flags = WEFT__IO_MANY;
	submit(loop, &r);
	cr_expect_eq(weft__loop_submit(loop, &r.io), -EALREADY);
	for (int i = 0; i < 100; i++) {
		char piece[200];

		memset(piece, i, sizeof(piece));
		for (int j = 0; j <= i; j++)
			hash = (hash ^ (uint8_t)i) * 0x100000001b3u;
		cr_assert_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], piece, (uint32_t)i + 1)), i + 1);
		sent += i + 1;
		if (i % 3 == 0)
			turn_until(loop, &r.bytes, sent);
	}
	turn_until(loop, &r.bytes, sent);
	cr_expect_eq(r.done_count, 0);
	weft__socket_shut(fds[1]);
	finish(loop, &r);
	cr_expect_eq(r.io.result, 0);
	cr_expect_not(r.io.more);
	cr_expect_eq(r.bytes, sent);
	cr_expect_eq(r.hash, hash);
	close_pair(fds);
}

/* The end may come with the last bytes: it is told without anything else happening. */
static void recv_many_sees_an_end_that_came_at_once(struct weft__loop *loop)
{
	for (int i = 0; i < 20; i++) {
		int fds[2];
		struct op r;

		pair(fds);
		r = op_make(WEFT__IO_RECV, fds[0], NULL, 0);
		r.io.flags = WEFT__IO_MANY;
		if (i & 1)
			submit(loop, &r);
		cr_assert_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], "last words", 10)), 10);
		weft__socket_close(fds[1]);
		if (!(i & 1))
			submit(loop, &r);
		finish(loop, &r);
		cr_expect_eq(r.bytes, 10);
		cr_expect_eq(r.io.result, 0);
		weft__socket_close(fds[0]);
	}
}

/* Pitfall 3: a cancel and what it cancels end in either order; done comes without `more` once. */
static void recv_many_is_cancelled_among_bytes(struct weft__loop *loop)
{
	int fds[2], rounds = weft__sim_is_on() ? 20 : 500;

	pair(fds);
	for (int i = 0; i < rounds; i++) {
		struct op r = op_make(WEFT__IO_RECV, fds[0], NULL, 0), s = op_make(WEFT__IO_SEND, fds[1], "bytes", 5);

		r.io.flags = WEFT__IO_MANY;
		r.cancel_when_told = i & 1;
		submit(loop, &r);
		if (i & 2)
			weft__loop_wait(loop, 0);
		submit(loop, &s);
		if (i & 4)
			weft__loop_wait(loop, 0);
		weft__loop_cancel(loop, &r.io); /* -ENOENT: it is over */
		finish(loop, &r);
		finish(loop, &s);
		cr_assert_eq(r.io.result, -ECANCELED);
		cr_assert_leq(r.bytes, 5 * (i + 1));
	}
	settle(loop);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	close_pair(fds);
}

static void recv_many_of_a_pipe(struct weft__loop *loop)
{
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		int fds[2];
		struct op r;

		cr_assert_eq(pipe2(fds, O_CLOEXEC | flags), 0);
		r = op_make(WEFT__IO_RECV, fds[0], NULL, 0);
		r.io.flags = WEFT__IO_MANY;
		submit(loop, &r);
		for (int i = 0; i < 10; i++) {
			cr_assert_eq(write(fds[1], "bytes", 5), 5);
			turn_until(loop, &r.bytes, 5 * (i + 1));
		}
		close(fds[1]);
		finish(loop, &r);
		cr_expect_eq(r.io.result, 0);
		close(fds[0]);
	}
}

static void both_ways_at_once_on_one_descriptor(struct weft__loop *loop)
{
	static uint8_t bytes[1 << 20];
	int fds[2];
	struct op ra, rb, sa, sb;

	pair(fds);
	ra = op_make(WEFT__IO_RECV, fds[0], NULL, 0);
	rb = op_make(WEFT__IO_RECV, fds[1], NULL, 0);
	ra.io.flags = rb.io.flags = WEFT__IO_MANY;
	sa = op_make(WEFT__IO_SEND, fds[0], bytes, sizeof(bytes));
	sb = op_make(WEFT__IO_SEND, fds[1], bytes, sizeof(bytes));
	submit(loop, &sa);
	submit(loop, &sb);
	submit(loop, &ra);
	submit(loop, &rb);
	finish(loop, &sa);
	finish(loop, &sb);
	turn_until(loop, &ra.bytes, (int)sizeof(bytes));
	turn_until(loop, &rb.bytes, (int)sizeof(bytes));
	weft__loop_cancel(loop, &ra.io);
	weft__loop_cancel(loop, &rb.io);
	finish(loop, &ra);
	finish(loop, &rb);
	close_pair(fds);
}

/* A receive that begins while a send waits on the same descriptor is told of what is there already. */
static void recv_many_begins_late(struct weft__loop *loop)
{
	static uint8_t bytes[4 << 20];
	int fds[2];
	struct op r, s;

	pair(fds);
	for (int i = 0; i < 3; i++) {
		if (i == 0) {
			s = op_make(WEFT__IO_SEND, fds[0], bytes, sizeof(bytes));
			submit(loop, &s);
		}
		settle(loop);
		cr_assert_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], "there", 5)), 5);
		settle(loop);
		r = op_make(WEFT__IO_RECV, fds[0], NULL, 0);
		r.io.flags = WEFT__IO_MANY;
		submit(loop, &r);
		turn_until(loop, &r.bytes, 5);
		weft__loop_cancel(loop, &r.io);
		finish(loop, &r);
	}
	weft__loop_cancel(loop, &s.io);
	finish(loop, &s);
	close_pair(fds);
}

static void many_is_for_accept_and_recv_alone(struct weft__loop *loop)
{
	char c;

	for (int what = 0; what < WEFT__IO_OPS; what++) {
		struct op op = op_make(what, 0, &c, 1);

		op.io.flags = WEFT__IO_MANY;
		if (what != WEFT__IO_ACCEPT && what != WEFT__IO_RECV && what != WEFT__IO_NOP)
			cr_expect_eq(weft__loop_submit(loop, &op.io), -EINVAL, "operation %d", what);
	}
	cr_expect_eq(weft__loop_in_flight(loop), 0);
}

static void poll_of_a_socket(struct weft__loop *loop)
{
	int fds[2];
	struct op in, out;

	pair(fds);
	in = op_make(WEFT__IO_POLL, fds[0], NULL, 0);
	in.io.poll_events = POLLIN;
	out = op_make(WEFT__IO_POLL, fds[0], NULL, 0);
	out.io.poll_events = POLLOUT;
	submit(loop, &in);
	submit(loop, &out);
	finish(loop, &out);
	cr_expect_eq(out.io.result & POLLOUT, POLLOUT);
	settle(loop);
	cr_expect_eq(in.done_count, 0);
	cr_assert_eq(do_it(loop, op_make(WEFT__IO_SEND, fds[1], "x", 1)), 1);
	finish(loop, &in);
	cr_expect_eq(in.io.result & POLLIN, POLLIN);
	close_pair(fds);
}

/* ---- names ------------------------------------------------------------------------------------------ */

static void open_and_close_by_name(struct weft__loop *loop)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/tmp/weft-test-sockets-%d-%s", (int)getpid(), weft__loop_name(loop));
	unlink(path);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_OPENAT, AT_FDCWD, path, O_RDWR)), -ENOENT);
	{
		struct op op = op_make(WEFT__IO_OPENAT, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL);

		op.io.offset = 0600;
		fd = do_it(loop, op);
	}
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(do_it(loop, op_make(WEFT__IO_CLOSE, fd, NULL, 0)), 0);
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
	unlink(path);
}

ON_ALL(sockets, accept_and_connect)
ON_ALL(sockets, connect_to_nobody)
ON_ALL(sockets, accept_many)
ON_ALL(sockets, recv_takes_what_there_is)
ON_BOTH(sockets, recv_of_a_blocking_socket_waits)
ON_ALL(sockets, send_is_all_of_it)
ON_ALL(sockets, send_that_breaks_says_how_much_went)
ON_ALL(sockets, cancelled_send_says_how_much_went)
ON_ALL(sockets, recv_many_tells_all_and_the_end)
ON_ALL(sockets, recv_many_sees_an_end_that_came_at_once)
ON_ALL(sockets, recv_many_is_cancelled_among_bytes)
ON_BOTH(sockets, recv_many_of_a_pipe)
ON_ALL(sockets, both_ways_at_once_on_one_descriptor)
ON_ALL(sockets, recv_many_begins_late)
ON_BOTH(sockets, many_is_for_accept_and_recv_alone)
ON_ALL(sockets, poll_of_a_socket)
ON_BOTH(sockets, open_and_close_by_name)

ON_OLD_RING(sockets, recv_of_a_blocking_socket_waits)
ON_OLD_RING(sockets, recv_many_tells_all_and_the_end)
ON_OLD_RING(sockets, recv_many_sees_an_end_that_came_at_once)
ON_OLD_RING(sockets, recv_many_is_cancelled_among_bytes)
ON_OLD_RING(sockets, both_ways_at_once_on_one_descriptor)
ON_OLD_RING(sockets, recv_many_begins_late)
