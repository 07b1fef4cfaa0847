/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/io/loop.c - choose a back end, check arguments, call it; see loop.h. */
#include "runtime/io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/base/probe.h"
#include "runtime/base/sim.h"
#include "runtime/io/backend.h"

static weft_io_backend from_environment(weft_io_backend want, const char **ret_why)
{
	const char *text = secure_getenv("WEFT_IO");

	if (!text || !*text)
		return want;
	if (strcmp(text, "uring") == 0) {
		*ret_why = "WEFT_IO asks for it";
		return WEFT_IO_URING;
	}
	if (strcmp(text, "epoll") == 0) {
		*ret_why = "WEFT_IO asks for it";
		return WEFT_IO_EPOLL;
	}
	*ret_why = "WEFT_IO is neither uring nor epoll: ignored";
	return want;
}

static const char *why_not_uring(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return "io_uring is forbidden here";
	case -ENOSYS:
		return "io_uring is not there: old kernel, or left out of this build";
	case -EOPNOTSUPP:
	case -EINVAL:
		return "this kernel's io_uring is too old";
	case -ENOMEM:
		return "no memory for io_uring (RLIMIT_MEMLOCK?)";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor left for io_uring";
	case -ETIME:
		return "io_uring failed its self-test";
	default:
		return "io_uring could not be set up";
	}
}

/*
 * A write to a pipe or socket that nobody reads is a result, -EPIPE. The kernel
 * would also kill the host for it, by a signal to the thread that writes: this one.
 * And it adds 50 us to every timeout unless a thread says that it minds.
 */
static void prepare_thread(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
}

int weft__loop_open(weft_io_backend want, struct weft__loop **ret_loop, const char **ret_why)
{
	const char *why = want == WEFT_IO_AUTO ? "works here" : "asked for by the host";
	int r = -ENOSYS;

	WEFT_RETURN_IF(!ret_loop || (unsigned)want > WEFT_IO_EPOLL, -EINVAL);
	if (weft__sim_is_on()) {
		if (ret_why)
			*ret_why = "the machine is simulated";
		return weft__simio_open(ret_loop);
	}
	want = from_environment(want, &why);
	prepare_thread();
	if (want != WEFT_IO_EPOLL) {
		r = weft__uring_open(ret_loop);
		if (r < 0)
			why = why_not_uring(r);
	}
	if (r < 0)
		r = weft__epoll_open(ret_loop);
	if (r == 0 && ret_why)
		*ret_why = why;
	return r;
}

void weft__loop_retire(struct weft__loop *loop)
{
	WEFT_ASSERT(weft__loop_in_flight(loop) == 0);
	if (loop->ops->retire)
		loop->ops->retire(loop);
}

void weft__loop_close(struct weft__loop *loop)
{
	if (!loop)
		return;
	WEFT_ASSERT(weft__loop_in_flight(loop) == 0);
	loop->ops->close(loop);
}

const char *weft__loop_name(const struct weft__loop *loop)
{
	return loop->ops->name;
}

static bool is_valid(const struct weft__io *io)
{
	if (!io || !io->done || io->op >= WEFT__IO_OPS)
		return false;
	return io->buf || io->len_bytes == 0 || (io->op != WEFT__IO_READ && io->op != WEFT__IO_WRITE);
}

int weft__loop_submit(struct weft__loop *loop, struct weft__io *io)
{
	int r;

	WEFT_RETURN_IF(!is_valid(io), -EINVAL);
	WEFT_RETURN_IF(io->state != WEFT__IO_IDLE, -EALREADY);
	r = loop->ops->submit(loop, io);
	if (r < 0)
		return r;
	WEFT_ASSERT(io->state != WEFT__IO_IDLE);
	weft__count(&loop->in_flight, 1u);
	WEFT_PROBE3(io__submit, io, io->op, io->fd);
	return 0;
}

int weft__loop_cancel(struct weft__loop *loop, struct weft__io *io)
{
	WEFT_RETURN_IF(!io, -EINVAL);
	WEFT_RETURN_IF(io->state == WEFT__IO_IDLE, -ENOENT);
	return loop->ops->cancel(loop, io);
}

uint32_t weft__loop_in_flight(const struct weft__loop *loop)
{
	return weft__load_relaxed(&loop->in_flight); /* relaxed: single writer, and statistics */
}

int weft__loop_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	return loop->ops->wait(loop, timeout_ns);
}

bool weft__loop_has_work(const struct weft__loop *loop)
{
	return weft__loop_in_flight(loop) > 0;
}

void weft__loop_wake(struct weft__loop *loop)
{
	uint64_t one = 1;
	ssize_t n;

	if (loop->ops->wake) {
		loop->ops->wake(loop);
		return;
	}
	do {
		n = write(loop->wake_fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR); /* EAGAIN: so many wakes are pending that one more adds nothing */
}

#ifndef WEFT_HAVE_URING
int weft__uring_open(struct weft__loop **ret_loop)
{
	(void)ret_loop;
	return -ENOSYS;
}
#endif
