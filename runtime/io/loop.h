/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/loop.h - the one seam to the outside: reads, writes, syncs, readiness.
 *
 * One loop a worker. It is opened, used and retired by one thread; only wake may be
 * called by others. An operation is a struct weft__io inside something of its owner's:
 *
 *     idle --submit--> in flight --done (inside wait)--> idle
 *                          \--cancel--> in flight, done comes sooner
 *
 * What the loop promises, with any back end:
 *   - done comes exactly once for each submit that returned 0, in the loop's thread,
 *     inside wait, never inside submit or cancel; result is set, the io is idle again, and
 *     done may submit, cancel or free it.
 *   - Until done, io and buf belong to the loop (and maybe the kernel); neither may be
 *     freed, moved or written. cancel only asks.
 *   - Everything that can go wrong with an operation itself is a result, -Exxx.
 *
 * What it does not hide: short reads and writes (result < len_bytes; 0 from a read is
 * the end), order (two operations in flight may finish in any order), and that a
 * cancelled write may have been written, in part or whole.
 *
 * A descriptor may be blocking or not: an operation that would block waits in the
 * loop. Its owner must not close it while an operation is in flight: cancel, wait for
 * done, close.
 */
#ifndef WEFT_RUNTIME_IO_LOOP_H
#define WEFT_RUNTIME_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <weft/runtime.h>

struct weft__loop;

enum {
	WEFT__IO_NOP,
	WEFT__IO_READ,
	WEFT__IO_WRITE,
	WEFT__IO_FSYNC,
	WEFT__IO_POLL, /* one-shot readiness: result is the revents of poll(2) */
	WEFT__IO_OPS
};

/* offset of a read or write: the file's own position. Files that cannot seek ignore offset. */
#define WEFT__IO_OFFSET_NONE UINT64_MAX

struct weft__io {
	struct weft__io *next;             /* private to the loop while in flight */
	void (*done)(struct weft__io *io); /* called by the loop's thread inside wait; result is set */
	void *buf;
	uint64_t offset;
	uint32_t len_bytes;
	int32_t result;      /* bytes or revents, or -Exxx */
	int fd;
	uint8_t op;
	uint8_t state;       /* the loop's; 0 when idle: an io starts zeroed */
	uint16_t poll_events; /* POLLIN, POLLOUT, ...; errors and hang-ups are always told */
};

/*
 * Open a loop in the thread that will use it. io_uring is given up for epoll on any
 * set-up error, also when it was asked for. Environment WEFT_IO=uring|epoll overrides want.
 * The thread gets SIGPIPE blocked and its timer slack cut to 1 us, for good.
 * ret_why: why this back end was chosen; static text, may be NULL.
 * 0, -EINVAL, -ENOMEM, -EMFILE, -ENFILE.
 */
int weft__loop_open(weft_io_backend want, struct weft__loop **ret_loop, const char **ret_why);

/*
 * The loop's thread waits no more, and goes; others may still wake, to no effect. Nothing may be in
 * flight. In the thread that opened it, which may close right away instead.
 */
void weft__loop_retire(struct weft__loop *loop);

/* In the thread that opened it, or, once retired, in any when nobody can wake it any more. NULL is fine. */
void weft__loop_close(struct weft__loop *loop);

/* "uring" | "epoll" */
const char *weft__loop_name(const struct weft__loop *loop);

/*
 * Start an operation. 0, -EINVAL (no done, unknown op, no buf), -EALREADY (in flight), or
 * -EAGAIN (the kernel takes no more now; nothing happened, try after a wait).
 */
int weft__loop_submit(struct weft__loop *loop, struct weft__io *io);

/*
 * Ask for an early end. done still comes exactly once, with -ECANCELED or with what the
 * operation came to. 0, -ENOENT (not in flight), -EAGAIN (could not ask now).
 */
int weft__loop_cancel(struct weft__loop *loop, struct weft__io *io);

/* Operations submitted and not yet done. Any thread, as long as the loop is open. */
uint32_t weft__loop_in_flight(const struct weft__loop *loop);

/*
 * Run completions; wait up to timeout_ns (0: look only, UINT64_MAX: no limit) when there are
 * none. Returns how many were run: 0 after a timeout, a wake or a signal. It may
 * return early for no reason the caller knows.
 */
int weft__loop_wait(struct weft__loop *loop, uint64_t timeout_ns);

/* Cheap: is a wait of 0 worthwhile (in flight > 0)? */
bool weft__loop_has_work(const struct weft__loop *loop);

/* Make the current or the next wait return. Any thread, as long as the loop is open. Never blocks. */
void weft__loop_wake(struct weft__loop *loop);

#endif
