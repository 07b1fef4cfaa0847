/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/epoll.c - the loop on epoll, where io_uring is forbidden or missing.
 *
 * submit tries the operation at once (direct.c). What cannot wait is done then and there and reported by the next
 * wait. What would block joins the list of its descriptor; an operation that is done many times has a place of its own there:
 *
 *   fds[fd].first -> io -> io -> NULL     epoll watches fd, by edges, for all of them
 *   fds[fd].many  -> io                   and for this one; its done is called as the edge arrives
 *   ready_first   -> io -> io             results that the next wait reports
 *
 * Epoll is told when the first of a descriptor begins to wait, and when one wants what was not watched yet; a connection
 * that is read for ever is told once. An edge says "look again", so everything is tried until it says that it would block. A receive that
 * did not fill its buffer has taken all there was, unless the edge told of the end, too: that would bring no edge any more.
 *
 * The entry of a descriptor that was closed meanwhile (by a rule of the loop's: nothing waited for it) is gone, or silent but for
 * edges of whoever inherited it, which find nobody waiting. So telling epoll finds out itself whether there is an entry.
 */
#include "runtime/io/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/clock.h"

#define BATCH 64
#define MANY_TIMES 4u /* full buffers in a row, before others have a turn */
#define ACCEPT_TIMES 16u

enum { WATCHED = 1, READY = 2 }; /* weft__io.state */

struct watch {
	struct weft__io *first, *many;
	uint32_t events; /* told to epoll last; looked at only while something waits, for it may have been closed in between */
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

/* ---- watching descriptors -------------------------------------------------- */

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

/* Tell epoll. Being told again, it looks at once: what is ready is an edge. */
static int tell_epoll(struct epoll_loop *e, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events | EPOLLRDHUP | EPOLLET, .data.fd = fd };

	if (epoll_ctl(e->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static bool is_watched(const struct watch *w)
{
	return w->first || w->many;
}

/* Watch fd for io, too, which is not on it yet. One that was tried just now needs no edge for what is ready already. */
static int watch_for(struct epoll_loop *e, const struct weft__io *io, bool was_tried)
{
	struct watch *w = &e->fds[io->fd];
	uint32_t events = weft__direct_events(io);
	int r;

	if (was_tried && is_watched(w) && (w->events & events) == events)
		return 0;
	if (is_watched(w))
		events |= w->events;
	r = tell_epoll(e, io->fd, events);
	if (r == 0)
		w->events = events;
	return r;
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

/* What would block. 0, or -EAGAIN: no memory for it now; what epoll says against it is io's result. */
static int begin_waiting(struct epoll_loop *e, struct weft__io *io)
{
	int r;

	if (io->fd < 0) {
		make_ready(e, io, -EBADF);
		return 0;
	}
	if (fds_reserve(e, io->fd) < 0)
		return -EAGAIN;
	r = watch_for(e, io, true);
	if (r < 0)
		make_ready(e, io, r);
	else
		append_watched(&e->fds[io->fd], io);
	return 0;
}

static int submit_many(struct epoll_loop *e, struct weft__io *io)
{
	int r;

	if (io->fd < 0) {
		make_ready(e, io, -EBADF);
		return 0;
	}
	if (fds_reserve(e, io->fd) < 0)
		return -EAGAIN;
	WEFT_RETURN_IF(e->fds[io->fd].many, -EINVAL);
	r = watch_for(e, io, false);
	if (r < 0) {
		make_ready(e, io, r);
		return 0;
	}
	io->state = WATCHED;
	e->fds[io->fd].many = io;
	return 0;
}

static int epoll_submit(struct weft__loop *loop, struct weft__io *io)
{
	struct epoll_loop *e = epoll_of(loop);
	int32_t result;

	if (io->flags & WEFT__IO_MANY)
		return submit_many(e, io);
	io->more = false;
	if (!weft__direct(io, &result))
		return begin_waiting(e, io);
	make_ready(e, io, result);
	return 0;
}

static int epoll_cancel(struct weft__loop *loop, struct weft__io *io)
{
	struct epoll_loop *e = epoll_of(loop);
	int32_t result = -ECANCELED;

	if (io->state == READY)
		return 0;
	if (e->fds[io->fd].many == io)
		e->fds[io->fd].many = NULL;
	else
		unlink_watched(&e->fds[io->fd], io);
	if (io->op == WEFT__IO_SEND && io->offset)
		result = (int32_t)io->offset;
	make_ready(e, io, result);
	return 0;
}

/* ---- an edge ------------------------------------------------------------------ */

/* Those that wait for it once. */
static void try_waiting(struct epoll_loop *e, int fd, uint32_t events)
{
	struct weft__io *io = e->fds[fd].first, **keep = &e->fds[fd].first;

	while (io) {
		struct weft__io *next = io->next;
		int32_t result;

		if ((events & (weft__direct_events(io) | EPOLLERR | EPOLLHUP)) && weft__direct(io, &result)) {
			make_ready(e, io, result);
		} else {
			*keep = io;
			keep = &io->next;
		}
		io = next;
	}
	*keep = NULL;
}

static bool is_many(const struct epoll_loop *e, int fd, const struct weft__io *io)
{
	return e->fds[fd].many == io;
}

/* More of it than was taken: another edge, when others have had a turn. */
static void again(struct epoll_loop *e, int fd, struct weft__io *io)
{
	int r = tell_epoll(e, fd, e->fds[fd].events);

	if (r == 0)
		return;
	e->fds[fd].many = NULL;
	make_ready(e, io, r);
}

/*
 * The one that is done many times. done may cancel it, and then it may be anything, so after each look whether it is still
 * there. to_end: the end has come as well, or an error, so go on until it is told.
 */
static int run_many(struct epoll_loop *e, int fd, bool to_end)
{
	struct weft__io *io = e->fds[fd].many;
	bool accepts = io->op == WEFT__IO_ACCEPT;
	unsigned times = accepts ? ACCEPT_TIMES : MANY_TIMES;
	uint8_t bytes[WEFT__DIRECT_BYTES];
	int count = 0;

	for (unsigned i = 0; i < times; i++) {
		int32_t r = weft__direct_one(io, bytes, sizeof(bytes));

		if (r == -EAGAIN)
			return count;
		if (r < 0 || (r == 0 && !accepts)) {
			e->fds[fd].many = NULL;
			make_ready(e, io, r);
			return count;
		}
		io->buf = bytes;
		weft__io_tell(io, r);
		count++;
		if (!is_many(e, fd, io) || (!accepts && !to_end && (uint32_t)r < sizeof(bytes)))
			return count;
	}
	again(e, fd, io);
	return count;
}

static int on_event(struct epoll_loop *e, int fd, uint32_t events)
{
	try_waiting(e, fd, events);
	if (!e->fds[fd].many || !(events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
		return 0;
	return run_many(e, fd, events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP));
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
	int count = 0;

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == loop->wake_fd)
			drain_wake(e);
		else if (events[i].data.fd == loop->timer_fd)
			weft__loop_timer_seen(loop);
		else
			count += on_event(e, events[i].data.fd, events[i].events);
	}
	return count + run_ready(e);
}

static bool epoll_peek(const struct weft__loop *loop)
{
	return ((const struct epoll_loop *)loop)->ready_first;
}

static void epoll_close(struct weft__loop *loop)
{
	struct epoll_loop *e = epoll_of(loop);

	close(e->epoll_fd);
	weft__loop_fds_close(loop);
	weft_free(e->fds);
	weft_free(e);
}

static const struct weft__loop_ops ops = {
	.name = "epoll",
	.close = epoll_close,
	.submit = epoll_submit,
	.cancel = epoll_cancel,
	.wait = epoll_loop_wait,
	.peek = epoll_peek,
};

static int watch_own(struct epoll_loop *e, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int weft__epoll_open(struct weft__loop **ret_loop)
{
	struct epoll_loop *e = weft__loop_alloc(sizeof(*e), &ops);
	int r;

	if (!e)
		return -ENOMEM;
	e->ready_end = &e->ready_first;
	r = weft__loop_fds_open(&e->base, EFD_NONBLOCK);
	if (r < 0)
		goto out_free;
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = e->epoll_fd < 0 ? -errno : watch_own(e, e->base.wake_fd);
	if (r == 0)
		r = watch_own(e, e->base.timer_fd);
	if (r == 0) {
		*ret_loop = &e->base;
		return 0;
	}
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	weft__loop_fds_close(&e->base);
out_free:
	weft_free(e);
	return r;
}
