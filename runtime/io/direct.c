/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/direct.c - an operation of the loop by plain system calls, unless it would have to wait.
 *
 * All of the epoll back end, and what a ring of an older kernel cannot do. Nothing here blocks but for the disk: what
 * regular files do is done then and there, fsync included. A blocking pipe is asked first whether it would block.
 */
#include "runtime/io/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a blocking pipe that polls writable surely takes without blocking. */
#define BLOCKING_WRITE_BYTES_MAX 4096u

static int32_t result_of(ssize_t n)
{
	return n < 0 ? -errno : (int32_t)n;
}

/* revents now, 0 for none, -Exxx. */
static int32_t poll_now(int fd, uint16_t events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	if (fd < 0)
		return -EBADF;
	if (poll(&p, 1, 0) < 0)
		return errno == EINTR ? 0 : -errno;
	return p.revents & POLLNVAL ? -EBADF : (uint16_t)p.revents;
}

/* ---- files, pipes, and sockets that are treated as either -------------------------------- */

static ssize_t transfer_file(const struct weft__io *io, size_t len)
{
	bool own_position = io->offset == WEFT__IO_OFFSET_NONE;

	if (io->op == WEFT__IO_READ)
		return own_position ? read(io->fd, io->buf, len) : pread(io->fd, io->buf, len, (off_t)io->offset);
	return own_position ? write(io->fd, io->buf, len) : pwrite(io->fd, io->buf, len, (off_t)io->offset);
}

static ssize_t transfer_socket(const struct weft__io *io, size_t len)
{
	if (io->op == WEFT__IO_READ)
		return recv(io->fd, io->buf, len, MSG_DONTWAIT);
	return send(io->fd, io->buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* 1, 0 when it would block, or -Exxx. */
static int32_t blocks_not(int fd, uint16_t events)
{
	int flags = fcntl(fd, F_GETFL);
	int32_t revents;

	if (flags < 0 || (flags & O_NONBLOCK))
		return 1;
	revents = poll_now(fd, events);
	return revents > 0 ? 1 : revents;
}

/* Pipes, terminals, eventfds. */
static ssize_t transfer_stream(const struct weft__io *io, size_t len)
{
	int32_t go = blocks_not(io->fd, io->op == WEFT__IO_READ ? POLLIN : POLLOUT);

	if (go <= 0) {
		errno = go ? -go : EAGAIN;
		return -1;
	}
	if (io->op == WEFT__IO_READ)
		return read(io->fd, io->buf, len);
	if (!(fcntl(io->fd, F_GETFL) & O_NONBLOCK) && len > BLOCKING_WRITE_BYTES_MAX)
		len = BLOCKING_WRITE_BYTES_MAX;
	return write(io->fd, io->buf, len);
}

/* -EAGAIN: it would block. */
static int32_t transfer(const struct weft__io *io)
{
	size_t len = io->len_bytes < INT32_MAX ? io->len_bytes : INT32_MAX;
	struct stat st;
	ssize_t n;

	if (fstat(io->fd, &st) < 0)
		return -errno;
	do {
		if (S_ISSOCK(st.st_mode))
			n = transfer_socket(io, len);
		else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || S_ISDIR(st.st_mode))
			n = transfer_file(io, len);
		else
			n = transfer_stream(io, len);
	} while (n < 0 && errno == EINTR);
	return result_of(n);
}

static int32_t sync_file(int fd)
{
	int r;

	do {
		r = fsync(fd);
	} while (r < 0 && errno == EINTR);
	return result_of(r);
}

static int32_t open_file(const struct weft__io *io)
{
	int r;

	do {
		r = openat(io->fd, io->buf, (int)io->len_bytes | O_CLOEXEC, (mode_t)io->offset);
	} while (r < 0 && errno == EINTR);
	return result_of(r);
}

/* ---- sockets ---------------------------------------------------------------------------- */

static int32_t receive(int fd, void *buf, size_t len)
{
	ssize_t n;

	do {
		n = recv(fd, buf, len, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return result_of(n);
}

/* All of it, in as many calls as it takes; offset says how far it went. -EAGAIN: not yet. */
static int32_t send_rest(struct weft__io *io)
{
	while (io->offset < io->len_bytes) {
		ssize_t n = send(io->fd, (const char *)io->buf + io->offset, io->len_bytes - io->offset, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			io->offset += (uint64_t)n;
		else if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		else if (n < 0 && errno != EINTR)
			return io->offset ? (int32_t)io->offset : -errno;
	}
	return (int32_t)io->offset;
}

/* The first call starts it, the second is told how it went. */
static int32_t connect_socket(struct weft__io *io)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (io->more) {
		if (poll_now(io->fd, POLLOUT) == 0)
			return -EAGAIN;
		return getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
	}
	if (connect(io->fd, io->buf, io->len_bytes) == 0)
		return 0;
	io->more = errno == EINPROGRESS || errno == EINTR;
	return io->more ? -EAGAIN : -errno;
}

static int32_t accept_one(int fd)
{
	int r;

	do {
		r = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (r < 0 && errno == EINTR);
	return result_of(r);
}

static int32_t read_pipe(int fd, void *buf, size_t len)
{
	int32_t go = blocks_not(fd, POLLIN);
	ssize_t n;

	if (go <= 0)
		return go ? go : -EAGAIN;
	do {
		n = read(fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return result_of(n);
}

int32_t weft__direct_one(const struct weft__io *io, void *buf, size_t len)
{
	int32_t r;

	if (io->op == WEFT__IO_ACCEPT)
		return accept_one(io->fd);
	r = receive(io->fd, buf, len);
	return r == -ENOTSOCK ? read_pipe(io->fd, buf, len) : r;
}

/* ---- all of them -------------------------------------------------------------------------- */

static int32_t perform(struct weft__io *io)
{
	switch (io->op) {
	case WEFT__IO_READ:
	case WEFT__IO_WRITE:
		return transfer(io);
	case WEFT__IO_FSYNC:
		return sync_file(io->fd);
	case WEFT__IO_ACCEPT:
		return accept_one(io->fd);
	case WEFT__IO_RECV:
		return receive(io->fd, io->buf, io->len_bytes);
	case WEFT__IO_SEND:
		return send_rest(io);
	case WEFT__IO_OPENAT:
		return open_file(io);
	case WEFT__IO_CLOSE:
		return result_of(close(io->fd));
	case WEFT__IO_SHUTDOWN:
		return result_of(shutdown(io->fd, (int)io->len_bytes));
	default:
		return 0;
	}
}

bool weft__direct(struct weft__io *io, int32_t *ret_result)
{
	if (io->op == WEFT__IO_POLL) {
		*ret_result = poll_now(io->fd, io->poll_events);
		return *ret_result != 0;
	}
	if (io->op == WEFT__IO_CONNECT) {
		bool started = io->more;

		*ret_result = connect_socket(io);
		/* -EAGAIN at the start is not of a connection that is under way: nothing would ever wake it */
		return *ret_result != -EAGAIN || (!started && !io->more);
	}
	*ret_result = perform(io);
	return *ret_result != -EAGAIN;
}

uint16_t weft__direct_events(const struct weft__io *io)
{
	switch (io->op) {
	case WEFT__IO_READ:
	case WEFT__IO_RECV:
	case WEFT__IO_ACCEPT:
		return POLLIN;
	case WEFT__IO_WRITE:
	case WEFT__IO_SEND:
	case WEFT__IO_CONNECT:
		return POLLOUT;
	default:
		return io->poll_events;
	}
}
