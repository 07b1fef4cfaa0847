/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/epoll.c - the loop on epoll, where io_uring is forbidden or missing.
 *
 * submit tries the operation at once. What cannot wait, which is all that regular files
 * do, is done then and there (fsync included: this back end blocks for the disk) and
 * reported by the next wait. What would block joins the list of its descriptor:
 *
 *   fds[fd].first -> io -> io -> NULL     epoll watches fd, one shot, for all of them
 *   ready_first   -> io -> io             results that the next wait reports
 *
 * A descriptor's entry in epoll is armed exactly when its list is not empty, and a disarmed
 * one-shot entry is silent, so one left behind by a closed descriptor does no harm.
 */
#include "runtime/io/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/clock.h"

#define BATCH 64
/* What a blocking pipe that polls writable surely takes without blocking. */
#define BLOCKING_WRITE_BYTES_MAX 4096u

enum { WATCHED = 1, READY = 2 }; /* weft__io.state */

struct watch {
	struct weft__io *first;
	bool added; /* epoll knew this descriptor when last told; a hint, since it may have been closed */
};

struct epoll_loop {
	struct weft__loop base;
	int epoll_fd;
	bool no_pwait2; /* the kernel lacks epoll_pwait2: milliseconds then */
	struct watch *fds;
	uint32_t fd_count;
	struct weft__io *ready_first, **ready_end;
};

static struct epoll_loop *epoll_of(struct weft__loop *loop)
{
	return (struct epoll_loop *)loop;
}

static void make_ready(struct epoll_loop *e, struct weft__io *io, int32_t result)
{
	io->state = READY;
	io->result = result;
	io->next = NULL;
	*e->ready_end = io;
	e->ready_end = &io->next;
}

/* ---- trying an operation --------------------------------------------------- */

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

/* Pipes, terminals, eventfds. A blocking one is asked first whether it would block. */
static ssize_t transfer_stream(const struct weft__io *io, size_t len)
{
	int flags = fcntl(io->fd, F_GETFL);
	int32_t revents;

	if (flags >= 0 && !(flags & O_NONBLOCK)) {
		revents = poll_now(io->fd, io->op == WEFT__IO_READ ? POLLIN : POLLOUT);
		if (revents <= 0) {
			errno = revents ? -revents : EAGAIN;
			return -1;
		}
		if (io->op == WEFT__IO_WRITE && len > BLOCKING_WRITE_BYTES_MAX)
			len = BLOCKING_WRITE_BYTES_MAX;
	}
	return io->op == WEFT__IO_READ ? read(io->fd, io->buf, len) : write(io->fd, io->buf, len);
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

/* Do io if that takes no waiting. false: it would block. */
static bool attempt(const struct weft__io *io, int32_t *ret_result)
{
	switch (io->op) {
	case WEFT__IO_READ:
	case WEFT__IO_WRITE:
		*ret_result = transfer(io);
		return *ret_result != -EAGAIN;
	case WEFT__IO_FSYNC:
		*ret_result = sync_file(io->fd);
		return true;
	case WEFT__IO_POLL:
		*ret_result = poll_now(io->fd, io->poll_events);
		return *ret_result != 0;
	default:
		*ret_result = 0;
		return true;
	}
}

/* ---- watching descriptors -------------------------------------------------- */

static uint32_t interest(const struct weft__io *io)
{
	switch (io->op) {
	case WEFT__IO_READ:
		return EPOLLIN;
	case WEFT__IO_WRITE:
		return EPOLLOUT;
	default:
		return io->poll_events;
	}
}

static int fds_reserve(struct epoll_loop *e, int fd)
{
	uint32_t count = e->fd_count ? e->fd_count : 64;
	struct watch *fds;

	if ((uint32_t)fd < e->fd_count)
		return 0;
	while (count <= (uint32_t)fd)
		count *= 2;
	fds = weft_realloc(e->fds, count * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	memset(fds + e->fd_count, 0, (count - e->fd_count) * sizeof(*fds));
	e->fds = fds;
	e->fd_count = count;
	return 0;
}

/* Make epoll watch fd for what its list wants. */
static int rearm(struct epoll_loop *e, int fd)
{
	struct watch *w = &e->fds[fd];
	struct epoll_event event = { .events = EPOLLONESHOT, .data.fd = fd };

	if (!w->first) {
		if (w->added)
			epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* ENOENT, EBADF: gone already */
		w->added = false;
		return 0;
	}
	for (const struct weft__io *io = w->first; io; io = io->next)
		event.events |= interest(io);
	if (w->added && epoll_ctl(e->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (w->added && errno != ENOENT)
		return -errno;
	w->added = epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
	if (w->added)
		return 0;
	if (errno == EEXIST && epoll_ctl(e->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0) {
		w->added = true;
		return 0;
	}
	return -errno;
}

static bool unlink_watched(struct watch *w, struct weft__io *io)
{
	for (struct weft__io **at = &w->first; *at; at = &(*at)->next) {
		if (*at == io) {
			*at = io->next;
			return true;
		}
	}
	return false;
}

static void append_watched(struct watch *w, struct weft__io *io)
{
	struct weft__io **end = &w->first;

	while (*end)
		end = &(*end)->next;
	io->next = NULL;
	io->state = WATCHED;
	*end = io;
}

static int epoll_submit(struct weft__loop *loop, struct weft__io *io)
{
	struct epoll_loop *e = epoll_of(loop);
	int32_t result;
	int r;

	if (attempt(io, &result)) {
		make_ready(e, io, result);
		return 0;
	}
	if (fds_reserve(e, io->fd) < 0)
		return -EAGAIN;
	append_watched(&e->fds[io->fd], io);
	r = rearm(e, io->fd);
	if (r < 0) {
		unlink_watched(&e->fds[io->fd], io);
		make_ready(e, io, r);
	}
	return 0;
}

static int epoll_cancel(struct weft__loop *loop, struct weft__io *io)
{
	struct epoll_loop *e = epoll_of(loop);

	if (io->state == READY)
		return 0;
	unlink_watched(&e->fds[io->fd], io);
	rearm(e, io->fd); /* a failure leaves it watching for more than it must */
	make_ready(e, io, -ECANCELED);
	return 0;
}

/* fd is ready for something: see for which of those that wait for it. */
static void on_event(struct epoll_loop *e, int fd, uint32_t events)
{
	struct watch *w = &e->fds[fd];
	struct weft__io *io = w->first;
	struct weft__io **keep = &w->first;
	int r;

	while (io) {
		struct weft__io *next = io->next;
		int32_t result;

		if ((events & (interest(io) | EPOLLERR | EPOLLHUP)) && attempt(io, &result)) {
			make_ready(e, io, result);
		} else {
			*keep = io;
			keep = &io->next;
		}
		io = next;
	}
	*keep = NULL;
	if (!w->first)
		return; /* one shot: silent until rearmed */
	r = rearm(e, fd);
	while (r < 0 && w->first) { /* cannot be watched any more: tell all of them */
		io = w->first;
		w->first = io->next;
		make_ready(e, io, r);
	}
}

/* ---- waiting ---------------------------------------------------------------- */

static int wait_ms(struct epoll_loop *e, struct epoll_event *events, uint64_t timeout_ns)
{
	uint64_t ms = timeout_ns / 1000000u + (timeout_ns % 1000000u != 0);

	return epoll_wait(e->epoll_fd, events, BATCH, timeout_ns == UINT64_MAX ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int wait_events(struct epoll_loop *e, struct epoll_event *events, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};
	int n;

	if (e->no_pwait2)
		return wait_ms(e, events, timeout_ns);
	n = epoll_pwait2(e->epoll_fd, events, BATCH, timeout_ns == UINT64_MAX ? NULL : &ts, NULL);
	if (n >= 0 || (errno != ENOSYS && errno != EPERM))
		return n;
	e->no_pwait2 = true;
	return wait_ms(e, events, timeout_ns);
}

static void drain_wake(struct epoll_loop *e)
{
	uint64_t count;

	if (read(e->base.wake_fd, &count, sizeof(count)) < 0)
		return; /* EAGAIN, EINTR: it stays readable if there is anything */
}

/* What is ready now; not what done callbacks add to it. */
static int run_ready(struct epoll_loop *e)
{
	struct weft__io *io = e->ready_first;
	int count = 0;

	e->ready_first = NULL;
	e->ready_end = &e->ready_first;
	while (io) {
		struct weft__io *next = io->next;

		weft__io_finish(&e->base, io, io->result);
		count++;
		io = next;
	}
	return count;
}

static int epoll_loop_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	struct epoll_loop *e = epoll_of(loop);
	struct epoll_event events[BATCH];
	int n = wait_events(e, events, e->ready_first ? 0 : timeout_ns); /* EINTR: nothing happened */

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == loop->wake_fd)
			drain_wake(e);
		else
			on_event(e, events[i].data.fd, events[i].events);
	}
	return run_ready(e);
}

static void epoll_close(struct weft__loop *loop)
{
	struct epoll_loop *e = epoll_of(loop);

	close(e->epoll_fd);
	close(loop->wake_fd);
	weft_free(e->fds);
	weft_free(e);
}

static const struct weft__loop_ops ops = {
	.name = "epoll",
	.close = epoll_close,
	.submit = epoll_submit,
	.cancel = epoll_cancel,
	.wait = epoll_loop_wait,
};

int weft__epoll_open(struct weft__loop **ret_loop)
{
	struct epoll_loop *e = weft_calloc(1, sizeof(*e));
	struct epoll_event event = { .events = EPOLLIN };
	int r;

	if (!e)
		return -ENOMEM;
	e->base.ops = &ops;
	e->ready_end = &e->ready_first;
	e->base.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = e->base.wake_fd;
	if (e->base.wake_fd >= 0 && e->epoll_fd >= 0 &&
	    epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->base.wake_fd, &event) == 0) {
		*ret_loop = &e->base;
		return 0;
	}
	r = -errno;
	if (e->base.wake_fd >= 0)
		close(e->base.wake_fd);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	weft_free(e);
	return r;
}
