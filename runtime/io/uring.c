/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/uring.c - the loop on io_uring.
 *
 * One ring a loop, SINGLE_ISSUER and DEFER_TASKRUN where the kernel has them (6.1):
 * completions are made only while this thread waits, twice as fast as a plain ring.
 * Submissions are collected and go to the kernel with the next wait, in one call;
 * a look (timeout 0) makes no call at all when the kernel has nothing for us.
 *
 * user_data is the io's address, or one of two tags. An address is never confused with an
 * earlier io that lay there: a cancel goes into the ring before whatever its target's
 * owner submits after the target is done, and the kernel takes entries in order.
 *
 * wake writes an eventfd that the ring always has a read for.
 */
#include "runtime/io/backend.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weft/alloc.h>

#define SQ_ENTRIES 64u
#define CQ_ENTRIES 512u
#define BATCH 64u
#define PROBE_OPS 64u /* more than any that is asked about */
#define SELF_TEST_NS 200000000u
#define FEATURES (IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL)

/* weft__io.state: one of three, and a flag. */
enum {
	FLYING = 1,  /* the operation is in the ring */
	POLLING = 2, /* it would have blocked: a poll is in the ring in its place */
	STRANDED = 3, /* it would have blocked, and the ring was full: in stranded */
	CANCELLED = 0x80
};

/* user_data other than an io's address, which is a multiple of eight. */
enum { TAG_WAKE = 1, TAG_IGNORE = 2 };

struct uring_loop {
	struct weft__loop base;
	struct io_uring ring;
	struct weft__io *stranded; /* waiting for room for their polls, through next */
	uint64_t wake_count;       /* the wake read's buffer; the kernel's while wake_armed */
	bool wake_armed;
	bool look_is_free;         /* the kernel says in memory when it has work for us */
};

static struct uring_loop *uring_of(struct weft__loop *loop)
{
	return (struct uring_loop *)loop;
}

static struct io_uring_sqe *sqe_get(struct uring_loop *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (sqe)
		return sqe;
	io_uring_submit(&u->ring); /* a failure shows as still no room */
	return io_uring_get_sqe(&u->ring);
}

static bool put_operation(struct uring_loop *u, struct weft__io *io)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return false;
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
	default:
		io_uring_prep_nop(sqe);
		break;
	}
	io_uring_sqe_set_data(sqe, io);
	io->state = FLYING;
	return true;
}

static void strand(struct uring_loop *u, struct weft__io *io)
{
	io->state = STRANDED;
	io->next = u->stranded;
	u->stranded = io;
}

/* In place of a read or write on a non-blocking descriptor that said EAGAIN. */
static void put_poll(struct uring_loop *u, struct weft__io *io)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe) {
		strand(u, io);
		return;
	}
	io_uring_prep_poll_add(sqe, io->fd, io->op == WEFT__IO_READ ? POLLIN : POLLOUT);
	io_uring_sqe_set_data(sqe, io);
	io->state = POLLING;
}

static int uring_submit(struct weft__loop *loop, struct weft__io *io)
{
	return put_operation(uring_of(loop), io) ? 0 : -EAGAIN;
}

static int uring_cancel(struct weft__loop *loop, struct weft__io *io)
{
	struct io_uring_sqe *sqe;

	if (io->state & CANCELLED)
		return 0;
	if (io->state != STRANDED) {
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
static int unstrand(struct uring_loop *u)
{
	struct weft__io *io = u->stranded;
	int count = 0;

	u->stranded = NULL;
	while (io) {
		struct weft__io *next = io->next;

		if (io->state & CANCELLED) {
			weft__io_finish(&u->base, io, -ECANCELED);
			count++;
		} else {
			put_poll(u, io);
		}
		io = next;
	}
	return count;
}

static void arm_wake(struct uring_loop *u)
{
	struct io_uring_sqe *sqe = sqe_get(u);

	if (!sqe)
		return; /* the next wait tries again; this one will not sleep, see must_not_sleep */
	io_uring_prep_read(sqe, u->base.wake_fd, &u->wake_count, sizeof(u->wake_count), 0);
	io_uring_sqe_set_data64(sqe, TAG_WAKE);
	u->wake_armed = true;
}

/* Returns 1 when an owner's io was done. */
static int complete(struct uring_loop *u, uint64_t data, int32_t res)
{
	struct weft__io *io = (struct weft__io *)(uintptr_t)data;
	bool transfers;

	if (data == TAG_WAKE)
		u->wake_armed = false;
	if (data == TAG_WAKE || data == TAG_IGNORE)
		return 0;
	transfers = io->op == WEFT__IO_READ || io->op == WEFT__IO_WRITE;
	if (__builtin_expect(res == -EAGAIN && transfers && io->state == FLYING, 0)) {
		put_poll(u, io);
		return 0;
	}
	if (__builtin_expect((io->state & ~CANCELLED) == POLLING && res >= 0, 0)) {
		if (!(io->state & CANCELLED)) {
			if (!put_operation(u, io))
				strand(u, io);
			return 0;
		}
		res = -ECANCELED;
	}
	if (res == -EAGAIN && (io->state & CANCELLED))
		res = -ECANCELED;
	weft__io_finish(&u->base, io, res);
	return 1;
}

/* What lies in the completion queue now; not what done callbacks add to it. */
static int reap(struct uring_loop *u)
{
	struct io_uring_cqe *cqes[BATCH];
	struct { uint64_t data; int32_t res; } batch[BATCH];
	unsigned left = io_uring_cq_ready(&u->ring);
	int count = 0;

	while (left > 0) {
		unsigned n = io_uring_peek_batch_cqe(&u->ring, cqes, left < BATCH ? left : BATCH);

		if (n == 0)
			break;
		for (unsigned i = 0; i < n; i++) {
			batch[i].data = cqes[i]->user_data;
			batch[i].res = cqes[i]->res;
		}
		io_uring_cq_advance(&u->ring, n);
		for (unsigned i = 0; i < n; i++)
			count += complete(u, batch[i].data, batch[i].res);
		left -= n;
	}
	return count;
}

/* Submit, and let the kernel make what completions it can, without sleeping. */
static void look(struct uring_loop *u)
{
	unsigned flags = IO_URING_READ_ONCE(*u->ring.sq.kflags);

	if (u->look_is_free && !io_uring_sq_ready(&u->ring) && !(flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)))
		return;
	io_uring_submit_and_get_events(&u->ring); /* EINTR, EBUSY, EAGAIN: the next wait goes on */
}

static void sleep_in_kernel(struct uring_loop *u, uint64_t timeout_ns)
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

static bool must_not_sleep(const struct uring_loop *u)
{
	return !u->wake_armed || u->stranded || io_uring_cq_ready(&u->ring) > 0;
}

static int uring_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	struct uring_loop *u = uring_of(loop);
	int count = 0;

	if (!u->wake_armed)
		arm_wake(u);
	if (u->stranded)
		count = unstrand(u);
	if (timeout_ns == 0 || count > 0 || must_not_sleep(u))
		look(u);
	else
		sleep_in_kernel(u, timeout_ns);
	return count + reap(u);
}

/*
 * Get the wake read out of the kernel, so that nothing writes to wake_count after it
 * is freed. By a wake rather than a cancel: one completion less. The ring's place among this thread's
 * registered rings goes, too: whoever closes would give up what lies at that place in its own thread.
 */
static void uring_retire(struct weft__loop *loop)
{
	struct uring_loop *u = uring_of(loop);

	if (u->wake_armed)
		weft__loop_wake(&u->base);
	for (int i = 0; u->wake_armed && i < 10; i++) {
		sleep_in_kernel(u, 10000000);
		reap(u);
	}
	io_uring_unregister_ring_fd(&u->ring); /* -EINVAL: was not registered, or is no longer */
}

static void uring_close(struct weft__loop *loop)
{
	struct uring_loop *u = uring_of(loop);

	uring_retire(loop);
	io_uring_queue_exit(&u->ring);
	close(loop->wake_fd);
	weft_free(u);
}

static const struct weft__loop_ops ops = {
	.name = "uring",
	.retire = uring_retire,
	.close = uring_close,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.wait = uring_wait,
};

/* From the best ring to a plain one; -EINVAL means that this kernel does not know a flag. */
static int ring_open(struct uring_loop *u)
{
	static const unsigned choices[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && r == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = choices[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = CQ_ENTRIES,
		};

		r = io_uring_queue_init_params(SQ_ENTRIES, &u->ring, &params);
		if (r == -ENOMEM) { /* RLIMIT_MEMLOCK of old kernels: half of it may fit */
			params = (struct io_uring_params){ .flags = choices[i] | IORING_SETUP_CLAMP };
			r = io_uring_queue_init_params(SQ_ENTRIES / 2, &u->ring, &params);
		}
		if (r < 0)
			continue;
		u->look_is_free = choices[i] & IORING_SETUP_TASKRUN_FLAG;
		if ((u->ring.features & FEATURES) == FEATURES)
			return 0;
		io_uring_queue_exit(&u->ring);
		return -EOPNOTSUPP;
	}
	return r;
}

static int probe(struct uring_loop *u)
{
	static const int needed[] = { IORING_OP_NOP, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC,
		                      IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL };
	union { /* the head ends in an array of ops */
		struct io_uring_probe head;
		char bytes[sizeof(struct io_uring_probe) + PROBE_OPS * sizeof(struct io_uring_probe_op)];
	} p;
	int r;

	memset(&p, 0, sizeof(p));
	r = io_uring_register_probe(&u->ring, &p.head, PROBE_OPS);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!io_uring_opcode_supported(&p.head, needed[i]))
			return -EOPNOTSUPP;
	}
	return 0;
}

/* The whole way of a wake: arm, write, wait, reap. Leaves the wake read disarmed. */
static int self_test(struct uring_loop *u)
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
	struct uring_loop *u = weft_calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->base.ops = &ops;
	u->base.wake_fd = eventfd(0, EFD_CLOEXEC); /* blocking, or the ring's read would say EAGAIN */
	if (u->base.wake_fd < 0) {
		r = -errno;
		goto out_free;
	}
	r = ring_open(u);
	if (r < 0)
		goto out_close;
	io_uring_ring_dontfork(&u->ring);     /* a child must not reach the host's ring */
	io_uring_register_ring_fd(&u->ring);  /* saves a lookup a call; older kernels refuse */
	r = probe(u);
	if (r == 0)
		r = self_test(u);
	if (r == 0) {
		*ret_loop = &u->base;
		return 0;
	}
	io_uring_queue_exit(&u->ring);
out_close:
	close(u->base.wake_fd);
out_free:
	weft_free(u);
	return r;
}
