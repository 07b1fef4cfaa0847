/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/uring.c - the loop on io_uring.
 *
 * One ring a loop, SINGLE_ISSUER and DEFER_TASKRUN where the kernel has them (6.1):
 * completions are made only while this thread waits, twice as fast as a plain ring.
 * Submissions are collected and go to the kernel with the next wait, in one call;
 * a look (timeout 0) makes no call at all when the kernel has nothing for us.
 *
 * user_data is the io's address, or one of three tags. An address is never confused with an
 * earlier io that lay there: a cancel goes into the ring before whatever its target's
 * owner submits after the target is done, and the kernel takes entries in order.
 *
 * An operation that is done many times is one entry, too. The kernel ends it when the completion queue or the buffers
 * are full, and before 6.0 knows no such thing: then it is put in again, or becomes a poll and what direct.c does.
 *
 *     FLYING --would block, or cannot be done many times--> POLLING --ready--> FLYING, or done directly
 *        ^--- STRANDED: no room for the entry, or no buffer; the next wait tries again
 *
 * wake writes an eventfd that the ring always has a read for; wake_in sets a timerfd that it has a poll for.
 */
#include "runtime/io/uring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/alloc.h>

#define BATCH 64u
#define MANY_TIMES 16u /* done directly in a row, before others have a turn */
#define SELF_TEST_NS 200000000u

/* weft__io.state: one of three, and flags. */
enum {
	FLYING = 1,   /* the operation is in the ring */
	POLLING = 2,  /* a poll is in the ring in its place */
	STRANDED = 3, /* in stranded */
	WHERE = 3,
	BY_POLL = 0x40, /* always */
	CANCELLED = 0x80
};

/* user_data other than an io's address, which is a multiple of eight. */
enum { TAG_WAKE = 1, TAG_IGNORE = 2, TAG_TIMER = 3 };

static struct weft__uring *uring_of(struct weft__loop *loop)
{
	return (struct weft__uring *)loop;
}

static struct io_uring_sqe *sqe_get(struct weft__uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (sqe)
		return sqe;
	io_uring_submit(&u->ring); /* a failure shows as still no room */
	return io_uring_get_sqe(&u->ring);
}

static bool is_many(const struct weft__io *io)
{
	return io->flags & WEFT__IO_MANY;
}

/* ---- entries ------------------------------------------------------------------ */

static void prepare_many(struct io_uring_sqe *sqe, const struct weft__io *io)
{
	if (io->op == WEFT__IO_ACCEPT) {
		io_uring_prep_multishot_accept(sqe, io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		return;
	}
	io_uring_prep_recv_multishot(sqe, io->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = WEFT__URING_GROUP;
}

static void prepare(struct io_uring_sqe *sqe, const struct weft__io *io)
{
	switch (io->op) {
	case WEFT__IO_READ:
		io_uring_prep_read(sqe, io->fd, io->buf, io->len_bytes, io->offset);
		break;
	case WEFT__IO_WRITE:
		io_uring_prep_write(sqe, io->fd, io->buf, io->len_bytes, io->offset);
		break;
	case WEFT__IO_FSYNC:
		io_uring_prep_fsync(sqe, io->fd, 0);
		break;
	case WEFT__IO_POLL:
		io_uring_prep_poll_add(sqe, io->fd, io->poll_events);
		break;
	case WEFT__IO_ACCEPT:
		io_uring_prep_accept(sqe, io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		break;
	case WEFT__IO_CONNECT:
		io_uring_prep_connect(sqe, io->fd, io->buf, io->len_bytes);
		break;
	case WEFT__IO_RECV:
		io_uring_prep_recv(sqe, io->fd, io->buf, io->len_bytes, 0);
		break;
	case WEFT__IO_SEND:
		io_uring_prep_send(sqe, io->fd, (const char *)io->buf + io->offset, io->len_bytes - io->offset,
		                   MSG_WAITALL | MSG_NOSIGNAL);
		break;
	case WEFT__IO_OPENAT:
		io_uring_prep_openat(sqe, io->fd, io->buf, (int)io->len_bytes | O_CLOEXEC, (mode_t)io->offset);
		break;
	case WEFT__IO_CLOSE:
		io_uring_prep_close(sqe, io->fd);
		break;
	case WEFT__IO_SHUTDOWN:
		io_uring_prep_shutdown(sqe, io->fd, (int)io->len_bytes);
		break;
	default:
		io_uring_prep_nop(sqe);
		break;
	}
}

/* Moves io; what it was told is kept. */
static void set_where(struct weft__io *io, unsigned where)
{
	io->state = (uint8_t)((io->state & ~WHERE) | where);
}

static void strand(struct weft__uring *u, struct weft__io *io)
{
	set_where(io, STRANDED);
	io->next = u->stranded;
	u->stranded = io;
}

static bool put_operation(struct weft__uring *u, struct weft__io *io)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return false;
	if (is_many(io))
		prepare_many(sqe, io);
	else
		prepare(sqe, io);
	io_uring_sqe_set_data(sqe, io);
	set_where(io, FLYING);
	return true;
}

static bool put_poll(struct weft__uring *u, struct weft__io *io)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return false;
	io_uring_prep_poll_add(sqe, io->fd, weft__direct_events(io));
	io_uring_sqe_set_data(sqe, io);
	set_where(io, POLLING);
	return true;
}

/* In the ring again, whatever it takes. */
static void put_again(struct weft__uring *u, struct weft__io *io)
{
	if (!(io->state & BY_POLL ? put_poll(u, io) : put_operation(u, io)))
		strand(u, io);
}

static void poll_first(struct weft__uring *u, struct weft__io *io)
{
	if (is_many(io))
		io->state |= BY_POLL;
	if (!put_poll(u, io))
		strand(u, io);
}

static int uring_submit(struct weft__loop *loop, struct weft__io *io)
{
	struct weft__uring *u = uring_of(loop);

	if (is_many(io) && io->op == WEFT__IO_RECV && !weft__uring_buffers_ready(u))
		io->state |= BY_POLL;
	if (io->state & BY_POLL ? put_poll(u, io) : put_operation(u, io))
		return 0;
	io->state = WEFT__IO_IDLE;
	return -EAGAIN;
}

static int uring_cancel(struct weft__loop *loop, struct weft__io *io)
{
	struct io_uring_sqe *sqe;

	if (io->state & CANCELLED)
		return 0;
	if ((io->state & WHERE) != STRANDED) {
		sqe = sqe_get(uring_of(loop));
		if (!sqe)
			return -EAGAIN;
		io_uring_prep_cancel(sqe, io, 0);
		io_uring_sqe_set_data64(sqe, TAG_IGNORE);
	}
	io->state |= CANCELLED;
	return 0;
}

/* Find room for those that found none. Returns how many were done: those cancelled meanwhile. */
static int unstrand(struct weft__uring *u)
{
	struct weft__io *io = u->stranded;
	int count = 0;

	u->stranded = NULL;
	while (io) {
		struct weft__io *next = io->next;

		if (io->state & CANCELLED) {
			weft__io_finish(&u->base, io, io->op == WEFT__IO_SEND && io->offset ? (int32_t)io->offset : -ECANCELED);
			count++;
		} else {
			put_again(u, io);
		}
		io = next;
	}
	return count;
}

static void arm_wake(struct weft__uring *u)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return; /* the next wait tries again; this one will not sleep, see must_not_sleep */
	io_uring_prep_read(sqe, u->base.wake_fd, &u->wake_count, sizeof(u->wake_count), 0);
	io_uring_sqe_set_data64(sqe, TAG_WAKE);
	u->wake_armed = true;
}

/* By a poll: a read of a timerfd would take a thread of the kernel's. */
static void arm_timer(struct weft__uring *u)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return; /* as above */
	io_uring_prep_poll_add(sqe, u->base.timer_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, TAG_TIMER);
	u->timer_armed = true;
}

/* ---- completions ---------------------------------------------------------------- */

struct completion {
	uint64_t data;
	int32_t res;
	uint32_t flags;
};

static bool may_block(const struct weft__io *io)
{
	switch (io->op) {
	case WEFT__IO_READ:
	case WEFT__IO_WRITE:
	case WEFT__IO_ACCEPT:
	case WEFT__IO_RECV:
	case WEFT__IO_SEND:
		return true;
	default:
		return false;
	}
}

/* A part of it went, or all. Older kernels do not wait for all. */
static int complete_send(struct weft__uring *u, struct weft__io *io, int32_t res)
{
	if (res > 0) {
		io->offset += (uint32_t)res;
		if (io->offset < io->len_bytes && !(io->state & CANCELLED)) {
			put_again(u, io);
			return 0;
		}
	}
	weft__io_finish(&u->base, io, io->offset ? (int32_t)io->offset : res);
	return 1;
}

static int complete_once(struct weft__uring *u, struct weft__io *io, int32_t res)
{
	if (__builtin_expect(res == -EAGAIN && may_block(io) && io->state == FLYING, 0)) {
		poll_first(u, io);
		return 0;
	}
	if (__builtin_expect((io->state & WHERE) == POLLING && res >= 0, 0)) {
		if (!(io->state & CANCELLED)) {
			put_again(u, io);
			return 0;
		}
		res = -ECANCELED;
	}
	if (res == -EAGAIN && (io->state & CANCELLED))
		res = -ECANCELED;
	if (io->op == WEFT__IO_SEND)
		return complete_send(u, io, res);
	weft__io_finish(&u->base, io, res);
	return 1;
}

/* Ready, and the kernel cannot do it many times: so we do. */
static int do_many(struct weft__uring *u, struct weft__io *io)
{
	uint8_t bytes[WEFT__DIRECT_BYTES];
	int count = 0;

	for (unsigned i = 0; i < MANY_TIMES && !(io->state & CANCELLED); i++) {
		int32_t r = weft__direct_one(io, bytes, sizeof(bytes));

		if (r == -EAGAIN)
			break;
		if (r < 0 || (r == 0 && io->op == WEFT__IO_RECV)) {
			weft__io_finish(&u->base, io, r);
			return count + 1;
		}
		io->buf = bytes;
		weft__io_tell(io, r);
		count++;
	}
	if (!(io->state & CANCELLED)) {
		put_again(u, io);
		return count;
	}
	weft__io_finish(&u->base, io, -ECANCELED);
	return count + 1;
}

/* Not a failure of the operation's: this kernel, or this descriptor, does not do it many times. */
static bool is_not_for_many(int32_t res)
{
	return res == -EAGAIN || res == -EINVAL || res == -ENOTSOCK || res == -EOPNOTSUPP;
}

/* The kernel is done with it. */
static int end_many(struct weft__uring *u, struct weft__io *io, int32_t res)
{
	if (io->state & CANCELLED) {
		if (res == 0 && io->op == WEFT__IO_RECV)
			weft__io_finish(&u->base, io, 0);
		else
			weft__io_finish(&u->base, io, -ECANCELED);
		return 1;
	}
	if (res == -ENOBUFS && io->op == WEFT__IO_RECV) {
		strand(u, io); /* all are back when the next wait begins */
		return 0;
	}
	if (is_not_for_many(res)) {
		poll_first(u, io);
		return 0;
	}
	weft__io_finish(&u->base, io, res);
	return 1;
}

static int complete_many(struct weft__uring *u, struct weft__io *io, int32_t res, uint32_t flags)
{
	bool more = flags & IORING_CQE_F_MORE;
	uint32_t id = flags >> IORING_CQE_BUFFER_SHIFT;
	int count = 0;

	if ((io->state & WHERE) == POLLING) {
		if (res >= 0 && !(io->state & CANCELLED))
			return do_many(u, io);
		weft__io_finish(&u->base, io, io->state & CANCELLED ? -ECANCELED : res);
		return 1;
	}
	if (res > 0 || (res == 0 && io->op == WEFT__IO_ACCEPT)) {
		if (flags & IORING_CQE_F_BUFFER)
			io->buf = weft__uring_buffer(u, id);
		weft__io_tell(io, res);
		count = 1;
	}
	if (flags & IORING_CQE_F_BUFFER)
		weft__uring_buffer_return(u, id);
	if (more)
		return count;
	if (!count)
		return end_many(u, io, res);
	if (io->state & CANCELLED)
		return count + end_many(u, io, -ECANCELED);
	put_again(u, io); /* it ended although all is well: a full completion queue */
	return count;
}

/* Returns how many calls of done it made. */
static int complete(struct weft__uring *u, const struct completion *c)
{
	struct weft__io *io = (struct weft__io *)(uintptr_t)c->data;

	if (c->data == TAG_WAKE)
		u->wake_armed = false;
	if (c->data == TAG_TIMER) {
		u->timer_armed = false;
		weft__loop_timer_seen(&u->base);
	}
	if (c->data <= TAG_TIMER)
		return 0;
	return is_many(io) ? complete_many(u, io, c->res, c->flags) : complete_once(u, io, c->res);
}

/* What lies in the completion queue now; not what done callbacks add to it. */
static int reap(struct weft__uring *u)
{
	struct io_uring_cqe *cqes[BATCH];
	struct completion batch[BATCH];
	unsigned left = io_uring_cq_ready(&u->ring);
	int count = 0;

	while (left > 0) {
		unsigned n = io_uring_peek_batch_cqe(&u->ring, cqes, left < BATCH ? left : BATCH);

		if (n == 0)
			break;
		for (unsigned i = 0; i < n; i++)
			batch[i] = (struct completion){ cqes[i]->user_data, cqes[i]->res, cqes[i]->flags };
		io_uring_cq_advance(&u->ring, n);
		for (unsigned i = 0; i < n; i++)
			count += complete(u, &batch[i]);
		left -= n;
	}
	return count;
}

static unsigned sq_flags(const struct weft__uring *u)
{
	return IO_URING_READ_ONCE(*u->ring.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static bool uring_peek(const struct weft__loop *loop)
{
	const struct weft__uring *u = (const struct weft__uring *)loop;

	return io_uring_cq_ready(&u->ring) || io_uring_sq_ready(&u->ring) || sq_flags(u);
}

/* ---- waiting ------------------------------------------------------------------- */

/* Submit, and let the kernel make what completions it can, without sleeping. */
static void look(struct weft__uring *u)
{
	if (u->look_is_free && !io_uring_sq_ready(&u->ring) && !sq_flags(u))
		return;
	io_uring_submit_and_get_events(&u->ring); /* EINTR, EBUSY, EAGAIN: the next wait goes on */
}

static void sleep_in_kernel(struct weft__uring *u, uint64_t timeout_ns)
{
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts;

	/* EINTR, ETIME, EBUSY, EAGAIN: flow control */
	if (timeout_ns == UINT64_MAX) {
		io_uring_submit_and_wait(&u->ring, 1);
		return;
	}
	ts.tv_sec = (long long)(timeout_ns / 1000000000u);
	ts.tv_nsec = (long long)(timeout_ns % 1000000000u);
	io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
}

static bool must_not_sleep(const struct weft__uring *u)
{
	return !u->wake_armed || !u->timer_armed || u->stranded || io_uring_cq_ready(&u->ring) > 0;
}

static int uring_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	struct weft__uring *u = uring_of(loop);
	int count = 0;

	if (!u->wake_armed)
		arm_wake(u);
	if (!u->timer_armed)
		arm_timer(u);
	if (u->stranded)
		count = unstrand(u);
	if (timeout_ns == 0 || count > 0 || must_not_sleep(u))
		look(u);
	else
		sleep_in_kernel(u, timeout_ns);
	return count + reap(u);
}

/* ---- life -------------------------------------------------------------------------- */

/*
 * Get the wake read out of the kernel, so that nothing writes to wake_count after it
 * is freed. By a wake rather than a cancel: one completion less. The ring's place among this thread's
 * registered rings goes, too: whoever closes would give up what lies at that place in its own thread.
 */
static void uring_retire(struct weft__loop *loop)
{
	struct weft__uring *u = uring_of(loop);

	if (u->wake_armed)
		weft__loop_wake(&u->base);
	for (int i = 0; u->wake_armed && i < 10; i++) {
		sleep_in_kernel(u, 10000000);
		reap(u);
	}
	weft__uring_buffers_close(u);
	io_uring_unregister_ring_fd(&u->ring); /* -EINVAL: was not registered, or is no longer */
}

static void uring_close(struct weft__loop *loop)
{
	struct weft__uring *u = uring_of(loop);

	io_uring_queue_exit(&u->ring);
	weft__loop_fds_close(loop);
	weft_free(u);
}

static const struct weft__loop_ops ops = {
	.name = "uring",
	.retire = uring_retire,
	.close = uring_close,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.wait = uring_wait,
	.peek = uring_peek,
};

/* The whole way of a wake: arm, write, wait, reap. Leaves the wake read disarmed. */
static int self_test(struct weft__uring *u)
{
	arm_wake(u);
	if (!u->wake_armed)
		return -ENOMEM;
	weft__loop_wake(&u->base);
	sleep_in_kernel(u, SELF_TEST_NS);
	reap(u);
	if (u->wake_armed || u->wake_count != 1)
		return -ETIME;
	return 0;
}

int weft__uring_open(struct weft__loop **ret_loop)
{
	struct weft__uring *u = weft__loop_alloc(sizeof(*u), &ops);
	int r;

	if (!u)
		return -ENOMEM;
	r = weft__loop_fds_open(&u->base, 0); /* blocking, or the ring's read would say EAGAIN */
	if (r < 0)
		goto out_free;
	r = weft__uring_ring_open(u);
	if (r < 0)
		goto out_close;
	r = self_test(u);
	if (r == 0) {
		*ret_loop = &u->base;
		return 0;
	}
	io_uring_queue_exit(&u->ring);
out_close:
	weft__loop_fds_close(&u->base);
out_free:
	weft_free(u);
	return r;
}
