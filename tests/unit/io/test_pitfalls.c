/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is known to go wrong with io_uring does not, and nothing of it with epoll either. Method: a case each, named after
 * what it provokes: more bursts than buffers or completions, limits and privileges of the process. What belongs to the contract of
 * streams and operations anyway is in test_stream.c, test_sockets.c, test_backends.c (closing completes nothing, cancel gives two
 * completions, short sends, one bad entry, signals), to threads in test_post.c, to the choice of a back end in test_loop.c. No
 * entries are linked here, so no short write breaks a link.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/listener.h"
#include "runtime/io/socket.h"
#include "runtime/io/stream.h"
#include "tests/support/backends.h"

struct op {
	struct weft__io io;
	int bytes, done_count;
};

static void on_done(struct weft__io *io)
{
	struct op *op = (struct op *)io;

	if (io->more)
		op->bytes += io->result;
	else
		op->done_count++;
}

static void recv_many(struct weft__loop *loop, struct op *op, int fd)
{
	*op = (struct op){ .io = { .done = on_done, .op = WEFT__IO_RECV, .flags = WEFT__IO_MANY, .fd = fd } };
	cr_assert_eq(weft__loop_submit(loop, &op->io), 0);
}

static void cancel_and_finish(struct weft__loop *loop, struct op *op)
{
	cr_assert_eq(weft__loop_cancel(loop, &op->io), 0);
	turn_until(loop, &op->done_count, 1);
	cr_assert_eq(op->done_count, 1);
}

/* ---- 4, 5: bursts ------------------------------------------------------------------------- */

#define CONNECTIONS 60

/* As much as the kernel takes. */
static int fill(int fd)
{
	static uint8_t bytes[64 << 10];
	ssize_t n;
	int sent = 0;

	while ((n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		sent += (int)n;
	return sent;
}

/* All have more at the same moment than there are buffers: who finds none waits for one, and nothing is lost. */
static void pitfall_5_more_arrives_than_there_are_buffers(struct weft__loop *loop)
{
	static struct op ops[CONNECTIONS];
	static int fds[CONNECTIONS][2], sent[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++) {
		cr_assert_eq(weft__socket_pair(fds[i]), 0);
		sent[i] = 0;
		recv_many(loop, &ops[i], fds[i][0]);
	}
	settle(loop);
	for (int round = 1; round <= 5; round++) {
		int turns = 0;

		for (int i = 0; i < CONNECTIONS; i++)
			sent[i] += fill(fds[i][1]);
		for (int i = 0; i < CONNECTIONS; turns++) {
			while (i < CONNECTIONS && ops[i].bytes == sent[i])
				i++;
			if (i < CONNECTIONS)
				weft__loop_wait(loop, 50 * MS);
			cr_assert_lt(turns, 20000, "it spins");
		}
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		cr_assert_eq(ops[i].done_count, 0, "it never ended");
		cancel_and_finish(loop, &ops[i]);
		weft__socket_close(fds[i][0]);
		weft__socket_close(fds[i][1]);
	}
}

#define NOPS 6000 /* more than completions have places */

/* The kernel ends what is done many times when there is no place for one more completion: it goes on. */
static void pitfall_4_completions_overflow(struct weft__loop *loop)
{
	static struct op nops[NOPS];
	struct op r;
	int fds[2], done = 0, sent = 0;

	cr_assert_eq(weft__socket_pair(fds), 0);
	recv_many(loop, &r, fds[0]);
	settle(loop);
	for (int round = 0; round < 3; round++) {
		done = 0;
		for (int i = 0; i < NOPS; i++) {
			nops[i] = (struct op){ .io = { .done = on_done, .op = WEFT__IO_NOP } };
			if (i % 50 == 0) {
				cr_assert_eq(write(fds[1], "piece", 5), 5);
				sent += 5;
			}
			while (weft__loop_submit(loop, &nops[i].io) == -EAGAIN)
				weft__loop_wait(loop, 0);
		}
		for (int turns = 0; done < NOPS && turns < 1000; turns++) {
			weft__loop_wait(loop, 10 * MS);
			done = 0;
			for (int i = 0; i < NOPS; i++)
				done += nops[i].done_count;
		}
		cr_assert_eq(done, NOPS);
		turn_until(loop, &r.bytes, sent);
		cr_assert_eq(r.bytes, sent);
		cr_assert_eq(r.done_count, 0, "it never ended");
	}
	cancel_and_finish(loop, &r);
	weft__socket_close(fds[0]);
	weft__socket_close(fds[1]);
}

/* ---- 12, 24: limits and privileges ------------------------------------------------------------ */

/* One connection to itself, and a few bytes. */
static bool carries_bytes(struct weft__loop *loop)
{
	struct op r = { .io = { .done = on_done, .op = WEFT__IO_RECV, .flags = WEFT__IO_MANY } };
	int fds[2];

	if (weft__socket_pair(fds) < 0)
		return false;
	r.io.fd = fds[0];
	if (weft__loop_submit(loop, &r.io) < 0 || write(fds[1], "hello", 5) != 5)
		return false;
	for (int i = 0; i < 1000 && r.bytes < 5; i++)
		weft__loop_wait(loop, 10 * MS);
	weft__loop_cancel(loop, &r.io);
	for (int i = 0; i < 1000 && !r.done_count; i++)
		weft__loop_wait(loop, 10 * MS);
	weft__socket_close(fds[0]);
	weft__socket_close(fds[1]);
	return r.bytes == 5 && r.done_count == 1;
}

static void in_a_child(weft_io_backend backend, int (*fn)(weft_io_backend backend))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(fn(backend));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "status %d", status);
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("only root can give privileges away");
	cr_expect_eq(WEXITSTATUS(status), 0);
}

#define NOBODY 65534

/* Locked memory is counted for whoever is not root: loops open all the same, smaller or on epoll. */
static int open_many_without_locked_memory(weft_io_backend backend)
{
	struct rlimit little = { 64 << 10, 64 << 10 };
	struct weft__loop *loops[20];

	unsetenv("WEFT_IO");
	setrlimit(RLIMIT_MEMLOCK, &little);
	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		return 77;
	for (int i = 0; i < 20; i++) {
		if (weft__loop_open(backend, &loops[i], NULL) < 0)
			return 1;
		if (!carries_bytes(loops[i]))
			return 2;
	}
	for (int i = 0; i < 20; i++)
		weft__loop_close(loops[i]);
	return 0;
}

/* A service opens its port as root and goes on as somebody else. */
static int drop_privileges_with_a_loop_open(weft_io_backend backend)
{
	struct weft__loop *loop, *later;

	unsetenv("WEFT_IO");
	if (weft__loop_open(backend, &loop, NULL) < 0)
		return 1;
	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		return 77;
	if (!carries_bytes(loop))
		return 2;
	if (weft__loop_open(backend, &later, NULL) < 0 || !carries_bytes(later))
		return 3;
	weft__loop_close(later);
	weft__loop_close(loop);
	return 0;
}

/* ---- 18: what a child inherits -------------------------------------------------------------------- */

static void accepted(struct weft__listener *l, int fd)
{
	*(int *)l->user = fd;
}

static void listener_closed(struct weft__listener *l)
{
	*(int *)l->user = -2;
}

static void every_descriptor_closes_on_exec(weft_io_backend backend)
{
	static const struct weft__listener_fns fns = { accepted, listener_closed };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct weft__listener l = { .fns = &fns };
	struct weft__loop *loop;
	bool others[256];
	struct op c;
	int got = -1, fd, fds[2];

	for (int i = 0; i < 256; i++)
		others[i] = fcntl(i, F_GETFD) >= 0;
	loop = loop_make(backend);
	l.user = &got;
	cr_assert_eq(weft__listener_open(loop, &l, (struct sockaddr *)&addr, sizeof(addr), 0), 0);
	addr.sin_port = htons(weft__listener_port(&l));
	fd = weft__socket_open(AF_INET);
	c = (struct op){ .io = { .done = on_done, .op = WEFT__IO_CONNECT, .fd = fd, .buf = &addr, .len_bytes = sizeof(addr) } };
	cr_assert_eq(weft__loop_submit(loop, &c.io), 0);
	turn_until(loop, &got, 0);
	turn_until(loop, &c.done_count, 1);
	cr_assert_eq(weft__socket_pair(fds), 0);
	for (int i = 0; i < 256; i++) {
		int flags = fcntl(i, F_GETFD);

		cr_expect(others[i] || flags < 0 || (flags & FD_CLOEXEC), "descriptor %d", i);
	}
	weft__socket_close(fds[0]);
	weft__socket_close(fds[1]);
	weft__socket_close(got);
	weft__socket_close(fd);
	weft__listener_close(&l);
	while (got != -2)
		weft__loop_wait(loop, 10 * MS);
	weft__loop_close(loop);
}

/* ---- 6: back-pressure ------------------------------------------------------------------------------ */

struct sink {
	struct weft__stream s;
	int got, closed;
};

static void sink_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	(void)bytes;
	((struct sink *)s)->got += (int)len;
}

static void sink_end(struct weft__stream *s, int status)
{
	(void)s;
	(void)status;
}

static void sink_closed(struct weft__stream *s)
{
	((struct sink *)s)->closed++;
}

/* A receive that is done many times takes whatever comes: who is paused stops it, and the sender is held back. */
static void pitfall_6_pause_reaches_the_sender(struct weft__loop *loop)
{
	static const struct weft__stream_fns fns = { .data = sink_data, .end = sink_end, .closed = sink_closed };
	static uint8_t bytes[64 << 10];
	struct sink sink = { .s = { .fns = &fns } };
	int fds[2], taken = 0, idle = 0;

	cr_assert_eq(weft__socket_pair(fds), 0);
	cr_assert_eq(weft__stream_adopt(loop, &sink.s, fds[0], fds[0]), 0);
	weft__loop_wait(loop, 0);
	weft__stream_pause(&sink.s, true);
	while (idle < 5) {
		ssize_t n = send(fds[1], bytes, sizeof(bytes), MSG_DONTWAIT);

		taken += n > 0 ? (int)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		weft__loop_wait(loop, MS);
		cr_assert_lt(taken, 4 << 20, "it goes on taking");
	}
	cr_expect_eq(sink.got, 0);
	weft__stream_pause(&sink.s, false);
	turn_until(loop, &sink.got, taken);
	cr_expect_eq(sink.got, taken);
	weft__stream_close(&sink.s);
	turn_until(loop, &sink.closed, 1);
	weft__socket_close(fds[1]);
}

ON_BOTH(pitfalls, pitfall_5_more_arrives_than_there_are_buffers)
ON_BOTH(pitfalls, pitfall_4_completions_overflow)
ON_BOTH(pitfalls, pitfall_6_pause_reaches_the_sender)

Test(pitfalls_uring, pitfall_12_locked_memory_is_short)
{
	in_a_child(WEFT_IO_URING, open_many_without_locked_memory);
}

Test(pitfalls_uring, pitfall_24_privileges_are_dropped)
{
	in_a_child(WEFT_IO_URING, drop_privileges_with_a_loop_open);
}

Test(pitfalls_epoll, pitfall_24_privileges_are_dropped)
{
	in_a_child(WEFT_IO_EPOLL, drop_privileges_with_a_loop_open);
}

Test(pitfalls_uring, pitfall_18_every_descriptor_closes_on_exec)
{
	every_descriptor_closes_on_exec(WEFT_IO_URING);
}

Test(pitfalls_epoll, pitfall_18_every_descriptor_closes_on_exec)
{
	every_descriptor_closes_on_exec(WEFT_IO_EPOLL);
}
