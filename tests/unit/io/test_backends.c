/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the contract of runtime/io/loop.h, word by word, on both back ends.
 * Method: each case is a function over a loop; the table at the end runs it on io_uring
 * and on epoll. Where io_uring is not to be had, its half is skipped, with a reason.
 */
#include "runtime/io/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* An io that knows how often it was done. */
struct op {
	struct weft__io io;
	int done_count;
	struct weft__loop *resubmit_on; /* not NULL: done submits it again, `again` times */
	int again;
};

static void on_done(struct weft__io *io)
{
	struct op *op = (struct op *)io;

	op->done_count++;
	if (op->resubmit_on && op->again-- > 0)
		cr_assert_eq(weft__loop_submit(op->resubmit_on, io), 0);
}

static struct op op_make(int what, int fd, void *buf, uint32_t len)
{
	return (struct op){ .io = { .done = on_done, .op = (uint8_t)what, .fd = fd, .buf = buf, .len_bytes = len } };
}

static void submit(struct weft__loop *loop, struct op *op)
{
	cr_assert_eq(weft__loop_submit(loop, &op->io), 0);
}

/* A minute at most. */
#define turn_while(loop, cond)                                                                             \
	for (uint64_t end_ = weft_now_ns() + 60 * SECOND; (cond) && weft_now_ns() < end_;)                 \
		weft__loop_wait(loop, 100 * MS)

static void finish(struct weft__loop *loop, const struct op *op)
{
	turn_while(loop, !op->done_count);
	cr_assert_eq(op->done_count, 1);
}

/* Let whatever is ready come, and what is not show that it does not. */
static void settle(struct weft__loop *loop)
{
	for (int i = 0; i < 3; i++)
		weft__loop_wait(loop, 2 * MS);
}

static int temp_file(void)
{
	char path[] = "/tmp/weft-test-loop-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	cr_assert_geq(fd, 0);
	unlink(path);
	return fd;
}

/* ---- the contract ------------------------------------------------------------ */

static void nop_is_done_in_wait_only(struct weft__loop *loop)
{
	struct op op = op_make(WEFT__IO_NOP, -1, NULL, 0);

	submit(loop, &op);
	cr_expect_eq(op.done_count, 0, "never inside submit");
	cr_expect_eq(weft__loop_in_flight(loop), 1);
	cr_expect(weft__loop_has_work(loop));
	finish(loop, &op);
	cr_expect_eq(op.io.result, 0);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	cr_expect_not(weft__loop_has_work(loop));
}

static void submit_refuses_nonsense(struct weft__loop *loop)
{
	struct op op = op_make(WEFT__IO_READ, 0, NULL, 8);

	cr_expect_eq(weft__loop_submit(loop, NULL), -EINVAL);
	cr_expect_eq(weft__loop_submit(loop, &op.io), -EINVAL, "no buffer");
	op = op_make(WEFT__IO_OPS, 0, NULL, 0);
	cr_expect_eq(weft__loop_submit(loop, &op.io), -EINVAL, "no such operation");
	op = op_make(WEFT__IO_NOP, 0, NULL, 0);
	op.io.done = NULL;
	cr_expect_eq(weft__loop_submit(loop, &op.io), -EINVAL, "nobody to tell");
	cr_expect_eq(weft__loop_cancel(loop, &op.io), -ENOENT);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
}

static void submit_twice_is_refused(struct weft__loop *loop)
{
	struct op op = op_make(WEFT__IO_NOP, -1, NULL, 0);

	submit(loop, &op);
	cr_expect_eq(weft__loop_submit(loop, &op.io), -EALREADY);
	finish(loop, &op);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
}

static void file_is_written_synced_and_read(struct weft__loop *loop)
{
	int fd = temp_file();
	char text[] = "the quick brown fox", back[sizeof(text)] = "";
	struct op op = op_make(WEFT__IO_WRITE, fd, text, sizeof(text));

	op.io.offset = 4096;
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, (int)sizeof(text));
	op = op_make(WEFT__IO_FSYNC, fd, NULL, 0);
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, 0);
	op = op_make(WEFT__IO_READ, fd, back, sizeof(back));
	op.io.offset = 4096;
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, (int)sizeof(back));
	cr_expect_str_eq(back, text);
	op = op_make(WEFT__IO_READ, fd, back, sizeof(back));
	op.io.offset = 1 << 20;
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, 0, "0 is the end");
	close(fd);
}

static void offset_none_is_the_files_own(struct weft__loop *loop)
{
	int fd = temp_file();
	char back[8] = "";
	struct op op = op_make(WEFT__IO_READ, fd, back, 3);

	cr_assert_eq(pwrite(fd, "abcdef", 6, 0), 6);
	op.io.offset = WEFT__IO_OFFSET_NONE;
	submit(loop, &op);
	finish(loop, &op);
	op.done_count = 0;
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_str_eq(back, "def");
	close(fd);
}

static void pipe_read_waits(struct weft__loop *loop, int flags)
{
	int fds[2];
	char buf[16] = "";
	struct op op;

	cr_assert_eq(pipe2(fds, O_CLOEXEC | flags), 0);
	op = op_make(WEFT__IO_READ, fds[0], buf, sizeof(buf));
	submit(loop, &op);
	settle(loop);
	cr_expect_eq(op.done_count, 0);
	cr_assert_eq(write(fds[1], "hello", 5), 5);
	finish(loop, &op);
	cr_expect_eq(op.io.result, 5, "a short read is a result");
	cr_expect_str_eq(buf, "hello");
	op = op_make(WEFT__IO_READ, fds[0], buf, sizeof(buf));
	submit(loop, &op);
	settle(loop);
	close(fds[1]);
	finish(loop, &op);
	cr_expect_eq(op.io.result, 0);
	close(fds[0]);
}

static void blocking_pipe_read_waits(struct weft__loop *loop)
{
	pipe_read_waits(loop, 0);
}

static void nonblocking_pipe_read_waits(struct weft__loop *loop)
{
	pipe_read_waits(loop, O_NONBLOCK);
}

/* 256 KiB through a pipe of 64 KiB, in whatever pieces come. */
static void pipe_write_waits_for_the_reader(struct weft__loop *loop)
{
	static char out[256 << 10], in[256 << 10];
	int fds[2];
	uint32_t sent = 0, got = 0;
	struct op w, r;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 131 >> 3);
	w = op_make(WEFT__IO_WRITE, fds[1], out, sizeof(out));
	submit(loop, &w);
	r = op_make(WEFT__IO_READ, fds[0], in, 5000);
	submit(loop, &r);
	for (int turns = 0; got < sizeof(in) && turns < 10000; turns++) {
		weft__loop_wait(loop, 100 * MS);
		if (w.done_count) {
			cr_assert_gt(w.io.result, 0);
			sent += (uint32_t)w.io.result;
			w = op_make(WEFT__IO_WRITE, fds[1], out + sent, (uint32_t)sizeof(out) - sent);
			if (sent < sizeof(out))
				submit(loop, &w);
		}
		if (r.done_count) {
			cr_assert_gt(r.io.result, 0);
			got += (uint32_t)r.io.result;
			r = op_make(WEFT__IO_READ, fds[0], in + got, 5000);
			if (r.io.len_bytes > sizeof(in) - got)
				r.io.len_bytes = (uint32_t)sizeof(in) - got;
			if (got < sizeof(in))
				submit(loop, &r);
		}
	}
	cr_expect_eq(got, sizeof(in));
	cr_expect_eq(sent, sizeof(out));
	cr_expect_eq(memcmp(in, out, sizeof(in)), 0);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	close(fds[0]);
	close(fds[1]);
}

static void write_without_reader_is_epipe(struct weft__loop *loop)
{
	char c = 'x';
	int fds[2];
	struct op op;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	op = op_make(WEFT__IO_WRITE, fds[1], &c, 1);
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, -EPIPE, "and no SIGPIPE killed us");
	close(fds[1]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[0]);
	op = op_make(WEFT__IO_WRITE, fds[1], &c, 1);
	submit(loop, &op);
	finish(loop, &op);
	cr_expect_eq(op.io.result, -EPIPE);
	close(fds[1]);
}

static void socket_carries_both_ways_at_once(struct weft__loop *loop)
{
	char a[4] = "", b[4] = "";
	int fds[2];
	struct op ra, rb, wa, wb;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ra = op_make(WEFT__IO_READ, fds[0], a, sizeof(a));
	rb = op_make(WEFT__IO_READ, fds[1], b, sizeof(b));
	wa = op_make(WEFT__IO_WRITE, fds[0], "to1", 4);
	wb = op_make(WEFT__IO_WRITE, fds[1], "to0", 4);
	submit(loop, &ra);
	submit(loop, &rb);
	submit(loop, &wa);
	submit(loop, &wb);
	cr_expect_eq(weft__loop_in_flight(loop), 4);
	finish(loop, &ra);
	finish(loop, &rb);
	finish(loop, &wa);
	finish(loop, &wb);
	cr_expect_str_eq(a, "to0");
	cr_expect_str_eq(b, "to1");
	close(fds[0]);
	close(fds[1]);
}

static void poll_tells_readiness_once(struct weft__loop *loop)
{
	int fds[2];
	struct op in, out;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	in = op_make(WEFT__IO_POLL, fds[0], NULL, 0);
	in.io.poll_events = POLLIN;
	out = op_make(WEFT__IO_POLL, fds[1], NULL, 0);
	out.io.poll_events = POLLOUT;
	submit(loop, &in);
	submit(loop, &out);
	finish(loop, &out);
	cr_expect(out.io.result & POLLOUT);
	cr_expect_eq(in.done_count, 0);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	finish(loop, &in);
	cr_expect(in.io.result & POLLIN);
	settle(loop);
	cr_expect_eq(in.done_count, 1, "one shot");
	in.done_count = 0;
	close(fds[1]);
	submit(loop, &in);
	finish(loop, &in);
	cr_expect(in.io.result & POLLHUP, "hang-ups are always told");
	close(fds[0]);
}

static void poll_of_a_file_is_ready(struct weft__loop *loop)
{
	int fd = temp_file();
	struct op op = op_make(WEFT__IO_POLL, fd, NULL, 0);

	op.io.poll_events = POLLIN;
	submit(loop, &op);
	finish(loop, &op);
	cr_expect(op.io.result & POLLIN);
	close(fd);
}

static void several_wait_for_one_descriptor(struct weft__loop *loop)
{
	int fds[2];
	char a = 0, b = 0;
	struct op first, second, poll;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	first = op_make(WEFT__IO_READ, fds[0], &a, 1);
	second = op_make(WEFT__IO_READ, fds[0], &b, 1);
	poll = op_make(WEFT__IO_POLL, fds[0], NULL, 0);
	poll.io.poll_events = POLLIN;
	submit(loop, &poll);
	submit(loop, &first);
	submit(loop, &second);
	settle(loop);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	turn_while(loop, !(first.done_count + second.done_count));
	settle(loop);
	cr_expect_eq(first.done_count + second.done_count, 1, "one byte, one reader");
	cr_assert_eq(write(fds[1], "y", 1), 1);
	finish(loop, &first);
	finish(loop, &second);
	cr_expect(a + b == 'x' + 'y');
	if (!poll.done_count) { /* a reader may have been faster each time */
		cr_assert_eq(write(fds[1], "z", 1), 1);
		finish(loop, &poll);
	}
	close(fds[0]);
	close(fds[1]);
}

static void bad_descriptor_is_a_result(struct weft__loop *loop)
{
	char text[2] = "x";

	for (int what = WEFT__IO_READ; what < WEFT__IO_OPS; what++) {
		struct op bad = op_make(what, -1, text, 1);
		struct op closed = op_make(what, 1000, text, 1);

		bad.io.poll_events = closed.io.poll_events = POLLIN;
		submit(loop, &bad);
		submit(loop, &closed);
		finish(loop, &bad);
		finish(loop, &closed);
		cr_expect_eq(bad.io.result, -EBADF, "operation %d gave %d", what, bad.io.result);
		cr_expect_eq(closed.io.result, -EBADF, "operation %d gave %d", what, closed.io.result);
	}
}

static void one_bad_operation_stops_no_other(struct weft__loop *loop)
{
	struct op ops[8];

	for (int i = 0; i < 8; i++) {
		ops[i] = op_make(i == 3 ? WEFT__IO_FSYNC : WEFT__IO_NOP, -1, NULL, 0);
		submit(loop, &ops[i]);
	}
	for (int i = 0; i < 8; i++)
		finish(loop, &ops[i]);
	cr_expect_eq(ops[3].io.result, -EBADF);
	cr_expect_eq(ops[4].io.result, 0);
}

/* ---- cancel ------------------------------------------------------------------ */

static void cancel_ends_a_waiting_read(struct weft__loop *loop)
{
	int fds[2];
	char c;

	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		struct op op;

		cr_assert_eq(pipe2(fds, O_CLOEXEC | flags), 0);
		op = op_make(WEFT__IO_READ, fds[0], &c, 1);
		submit(loop, &op);
		settle(loop);
		cr_expect_eq(weft__loop_cancel(loop, &op.io), 0);
		cr_expect_eq(op.done_count, 0, "never inside cancel");
		cr_expect_eq(weft__loop_cancel(loop, &op.io), 0, "to ask twice is fine");
		finish(loop, &op);
		cr_expect_eq(op.io.result, -ECANCELED);
		settle(loop);
		cr_expect_eq(op.done_count, 1);
		close(fds[0]);
		close(fds[1]);
	}
}

static void cancel_before_the_kernel_saw_it(struct weft__loop *loop)
{
	int fds[2];
	char c;
	struct op op;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	op = op_make(WEFT__IO_READ, fds[0], &c, 1);
	submit(loop, &op);
	cr_expect_eq(weft__loop_cancel(loop, &op.io), 0);
	finish(loop, &op);
	cr_expect_eq(op.io.result, -ECANCELED);
	close(fds[0]);
	close(fds[1]);
}

/* Data and cancel arrive together: either may win, and a byte is read or still there. */
static void cancel_races_with_completion(struct weft__loop *loop)
{
	int fds[2], read_count = 0, r;
	char c;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	for (int i = 0; i < 2000; i++) {
		struct op op = op_make(WEFT__IO_READ, fds[0], &c, 1);

		submit(loop, &op);
		if (i & 1)
			weft__loop_wait(loop, 0);
		if (i & 2)
			cr_assert_eq(write(fds[1], "x", 1), 1);
		r = weft__loop_cancel(loop, &op.io);
		cr_assert_eq(r, op.done_count ? -ENOENT : 0);
		if ((i & 6) == 4)
			cr_assert_eq(write(fds[1], "x", 1), 1);
		finish(loop, &op);
		cr_assert(op.io.result == 1 || op.io.result == -ECANCELED);
		read_count += op.io.result == 1;
	}
	settle(loop);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	close(fds[1]);
	while (read(fds[0], &c, 1) == 1)
		read_count++;
	cr_expect_eq(read_count, 1500, "every byte written was read once");
	close(fds[0]);
}

/* The same io again and again, each time cancelled late: no cancel may hit its successor. */
static struct op *cancel_target;
static struct weft__loop *cancel_loop;

static void done_cancels_other(struct weft__io *io)
{
	on_done(io);
	weft__loop_cancel(cancel_loop, &cancel_target->io);
}

static void late_cancel_spares_the_successor(struct weft__loop *loop)
{
	for (int i = 0; i < 200; i++) {
		struct op first = op_make(WEFT__IO_NOP, -1, NULL, 0);
		struct op second = op_make(WEFT__IO_NOP, -1, NULL, 0);

		first.io.done = done_cancels_other;
		cancel_loop = loop;
		cancel_target = &second;
		second.resubmit_on = loop;
		second.again = 1;
		submit(loop, &first);
		submit(loop, &second);
		turn_while(loop, weft__loop_has_work(loop));
		cr_assert_eq(second.done_count, 2);
		cr_assert_eq(second.io.result, 0, "run %d: %d", i, second.io.result);
	}
}

static void closed_number_can_be_used_again(struct weft__loop *loop)
{
	for (int i = 0; i < 50; i++) {
		int fds[2], kept;
		char c = 0;
		struct op op;

		cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
		op = op_make(WEFT__IO_READ, fds[0], &c, 1);
		submit(loop, &op);
		weft__loop_wait(loop, 0);
		if (i & 1)
			weft__loop_cancel(loop, &op.io);
		else
			cr_assert_eq(write(fds[1], "x", 1), 1);
		finish(loop, &op);
		kept = dup(fds[0]); /* the old pipe lives on behind another number */
		close(fds[0]);
		cr_assert_eq(write(fds[1], "old", 3), 3);
		settle(loop);
		close(kept);
		close(fds[1]);
	}
}

/* ---- many ---------------------------------------------------------------------- */

/* More than the submission queue, and more than the completion queue. */
static void thousands_in_flight(struct weft__loop *loop)
{
	enum { COUNT = 3000 };
	static struct op ops[COUNT];
	int done = 0;

	for (int i = 0; i < COUNT; i++) {
		ops[i] = op_make(WEFT__IO_NOP, -1, NULL, 0);
		while (weft__loop_submit(loop, &ops[i].io) == -EAGAIN)
			weft__loop_wait(loop, 0);
	}
	turn_while(loop, weft__loop_has_work(loop));
	for (int i = 0; i < COUNT; i++) {
		cr_assert_leq(ops[i].done_count, 1);
		done += ops[i].done_count;
	}
	cr_expect_eq(done, COUNT);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
}

static void many_waiting_reads_end_together(struct weft__loop *loop)
{
	enum { COUNT = 700 }; /* over the completion queue */
	static struct op ops[COUNT];
	static char bytes[COUNT];
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < COUNT; i++) {
		ops[i] = op_make(WEFT__IO_READ, ends[0], &bytes[i], 1);
		while (weft__loop_submit(loop, &ops[i].io) == -EAGAIN)
			weft__loop_wait(loop, 0);
	}
	settle(loop);
	close(ends[1]);
	turn_while(loop, weft__loop_has_work(loop));
	for (int i = 0; i < COUNT; i++) {
		cr_assert_eq(ops[i].done_count, 1);
		cr_assert_eq(ops[i].io.result, 0, "the end, told to all");
	}
	close(ends[0]);
}

static void done_may_submit_again(struct weft__loop *loop)
{
	struct op op = op_make(WEFT__IO_NOP, -1, NULL, 0);
	int waits = 0;

	op.resubmit_on = loop;
	op.again = 99;
	submit(loop, &op);
	while (weft__loop_has_work(loop) && waits++ < 1000)
		weft__loop_wait(loop, 10 * MS);
	cr_expect_eq(op.done_count, 100);
	cr_expect_geq(waits, 10, "what done adds waits for a later wait");
}

/* ---- waiting and waking ---------------------------------------------------------- */

static void wake_before_wait(struct weft__loop *loop)
{
	for (int i = 0; i < 100; i++) {
		weft__loop_wake(loop);
		weft__loop_wake(loop);
		cr_assert_eq(weft__loop_wait(loop, UINT64_MAX), 0);
	}
}

static _Atomic(uint32_t) stops;

static void on_continue(int number)
{
	(void)number;
	stops++;
}

/* How long a wait of ns takes when nothing happens; a process that was stopped and goes on may have been woken by that. */
static uint64_t undisturbed_wait(struct weft__loop *loop, uint64_t ns)
{
	struct sigaction action = { .sa_handler = on_continue };
	uint64_t start, took;
	uint32_t before;

	sigaction(SIGCONT, &action, NULL);
	do {
		before = stops;
		start = weft_now_ns();
		cr_assert_eq(weft__loop_wait(loop, ns), 0);
		took = weft_now_ns() - start;
	} while (stops != before);
	return took;
}

static void wake_is_used_up(struct weft__loop *loop)
{
	weft__loop_wake(loop);
	weft__loop_wait(loop, SECOND);
	weft__loop_wait(loop, MS); /* an early return is allowed, a run of them is not */
	cr_expect_geq(undisturbed_wait(loop, 20 * MS), 19 * MS);
}

struct waker {
	struct weft__loop *loop;
	pthread_barrier_t barrier;
	int rounds;
	uint64_t later_ns; /* 0: at once */
};

static void *wake_thread(void *user)
{
	struct waker *w = user;

	for (int i = 0; i < w->rounds; i++) {
		pthread_barrier_wait(&w->barrier);
		if (i & 1)
			usleep(200); /* mostly asleep by then */
		if (w->later_ns)
			weft__loop_wake_in(w->loop, w->later_ns);
		else
			weft__loop_wake(w->loop);
	}
	return NULL;
}

static void be_woken(struct weft__loop *loop, int rounds, uint64_t later_ns)
{
	struct waker w = { .loop = loop, .rounds = rounds, .later_ns = later_ns };
	pthread_t thread;

	pthread_barrier_init(&w.barrier, NULL, 2);
	cr_assert_eq(pthread_create(&thread, NULL, wake_thread, &w), 0);
	for (int i = 0; i < w.rounds; i++) {
		pthread_barrier_wait(&w.barrier);
		weft__loop_wait(loop, UINT64_MAX);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&w.barrier);
}

static void wake_from_another_thread(struct weft__loop *loop)
{
	be_woken(loop, 300, 0);
	be_woken(loop, 300, 100000);
}

/* Not early, once, and of two calls the last counts. */
static void wake_in__ends_one_wait_then(struct weft__loop *loop)
{
	uint64_t start = weft_now_ns();

	weft__loop_wake_in(loop, 60 * SECOND);
	weft__loop_wake_in(loop, 10 * MS);
	while (weft_now_ns() - start < 10 * MS) /* an early return is allowed */
		cr_assert_eq(weft__loop_wait(loop, UINT64_MAX), 0);
	weft__loop_wait(loop, 5 * MS);
	cr_expect_geq(undisturbed_wait(loop, 20 * MS), 19 * MS, "it is used up");
}

static void timeout_is_kept(struct weft__loop *loop)
{
	static const uint64_t timeouts[] = { 50000, 300000, 2 * MS, 15 * MS };

	weft__loop_wait(loop, 0);
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		uint64_t best = UINT64_MAX, end = weft_now_ns() + 20 * SECOND;

		/* The machine is shared: sooner or later one is punctual. */
		for (int n = 0; n < 5 || (best >= timeouts[i] + 10 * MS && weft_now_ns() < end); n++) {
			uint64_t took = undisturbed_wait(loop, timeouts[i]);

			cr_expect_geq(took, timeouts[i], "never early when nothing happens");
			best = took < best ? took : best;
		}
		cr_expect_lt(best, timeouts[i] + 10 * MS);
	}
}

static void wait_of_zero_returns(struct weft__loop *loop)
{
	uint64_t took = SECOND;

	for (int tries = 0; tries < 20 && took >= SECOND; tries++) { /* unless the machine stands still */
		uint64_t start = weft_now_ns();

		for (int i = 0; i < 1000; i++)
			cr_assert_eq(weft__loop_wait(loop, 0), 0);
		took = weft_now_ns() - start;
	}
	cr_expect_lt(took, SECOND);
}

static void on_signal(int number)
{
	(void)number;
}

static void signal_is_flow_control(struct weft__loop *loop)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct op op = op_make(WEFT__IO_NOP, -1, NULL, 0);
	uint64_t start = weft_now_ns();

	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 0);
	while (weft_now_ns() - start < 60 * MS)
		cr_assert_eq(weft__loop_wait(loop, 30 * MS), 0);
	submit(loop, &op);
	finish(loop, &op);
}

static void closes_with_a_wake_pending(struct weft__loop *loop)
{
	weft__loop_wake(loop); /* the runner closes it */
}

/* ---- the runner ------------------------------------------------------------------ */

static void run(weft_io_backend backend, void (*fn)(struct weft__loop *loop))
{
	struct weft__loop *loop = NULL;
	const char *why = NULL;

	unsetenv("WEFT_IO");
	cr_assert_eq(weft__loop_open(backend, &loop, &why), 0);
	cr_assert_not_null(why);
	if (backend == WEFT_IO_URING && strcmp(weft__loop_name(loop), "uring") != 0) {
		weft__loop_close(loop);
		cr_skip_test("no io_uring here: %s", why);
	}
	fn(loop);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	weft__loop_close(loop);
}

#define ON_BOTH(fn)                                                                                        \
	Test(loop_uring, fn, .timeout = 120)                                                                \
	{                                                                                                  \
		run(WEFT_IO_URING, fn);                                                                    \
	}                                                                                                  \
	Test(loop_epoll, fn, .timeout = 120)                                                                \
	{                                                                                                  \
		run(WEFT_IO_EPOLL, fn);                                                                    \
	}

ON_BOTH(nop_is_done_in_wait_only)
ON_BOTH(submit_refuses_nonsense)
ON_BOTH(submit_twice_is_refused)
ON_BOTH(file_is_written_synced_and_read)
ON_BOTH(offset_none_is_the_files_own)
ON_BOTH(blocking_pipe_read_waits)
ON_BOTH(nonblocking_pipe_read_waits)
ON_BOTH(pipe_write_waits_for_the_reader)
ON_BOTH(write_without_reader_is_epipe)
ON_BOTH(socket_carries_both_ways_at_once)
ON_BOTH(poll_tells_readiness_once)
ON_BOTH(poll_of_a_file_is_ready)
ON_BOTH(several_wait_for_one_descriptor)
ON_BOTH(bad_descriptor_is_a_result)
ON_BOTH(one_bad_operation_stops_no_other)
ON_BOTH(cancel_ends_a_waiting_read)
ON_BOTH(cancel_before_the_kernel_saw_it)
ON_BOTH(cancel_races_with_completion)
ON_BOTH(late_cancel_spares_the_successor)
ON_BOTH(closed_number_can_be_used_again)
ON_BOTH(thousands_in_flight)
ON_BOTH(many_waiting_reads_end_together)
ON_BOTH(done_may_submit_again)
ON_BOTH(wake_before_wait)
ON_BOTH(wake_is_used_up)
ON_BOTH(wake_from_another_thread)
ON_BOTH(wake_in__ends_one_wait_then)
ON_BOTH(timeout_is_kept)
ON_BOTH(wait_of_zero_returns)
ON_BOTH(signal_is_flow_control)
ON_BOTH(closes_with_a_wake_pending)
