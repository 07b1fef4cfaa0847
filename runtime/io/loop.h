/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/loop.h - the one seam to the outside: reads, writes, syncs, readiness.
 *
 * One loop a worker. It is opened, used and retired by one thread; only wake and post may be
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
 * An accept or a receive may be asked for once and done many times (WEFT__IO_MANY): done then comes with `more` set, any
 * number of times, and once without, which is the one that counts above. The loop goes on with it when the kernel stops
 * for reasons of its own.
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

#include "runtime/queue/wheel.h"

struct weft__loop;
struct weft__log;

enum {
	WEFT__IO_NOP,
	WEFT__IO_READ,
	WEFT__IO_WRITE,
	WEFT__IO_FSYNC,
	WEFT__IO_POLL,     /* one-shot readiness: result is the revents of poll(2) */
	WEFT__IO_ACCEPT,   /* result is a descriptor, close-on-exec and non-blocking; fd non-blocking, too. May be MANY */
	WEFT__IO_CONNECT,  /* buf: the address, of len_bytes; fd non-blocking. -EAGAIN: a unix listener's queue is full */
	WEFT__IO_RECV,     /* of a socket, what there is; MANY: or of a pipe, in a buffer of the loop's */
	WEFT__IO_SEND,     /* on a socket, all of it: a result < len_bytes is what went before it broke */
	WEFT__IO_OPENAT,   /* fd: a folder or AT_FDCWD; buf: a path; len_bytes: O_ flags; offset: mode. Close-on-exec */
	WEFT__IO_CLOSE,
	WEFT__IO_SHUTDOWN, /* len_bytes: SHUT_RD, SHUT_WR, SHUT_RDWR */
	WEFT__IO_OPS
};

/* weft__io.flags: done many times. Of RECV: buf is set for each call of done and valid during it; one a descriptor. */
#define WEFT__IO_MANY 1u

/* offset of a read or write: the file's own position. Files that cannot seek ignore offset. */
#define WEFT__IO_OFFSET_NONE UINT64_MAX

struct weft__io {
	struct weft__io *next;             /* private to the loop while in flight */
	void (*done)(struct weft__io *io); /* called by the loop's thread inside wait; result is set */
	void *buf;
	uint64_t offset;      /* of a SEND the loop's: how much went */
	uint32_t len_bytes;
	int32_t result;       /* bytes, revents or a descriptor, or -Exxx */
	int fd;
	uint8_t op;
	uint8_t state;        /* the loop's; 0 when idle: an io starts zeroed */
	uint16_t poll_events; /* POLLIN, POLLOUT, ...; errors and hang-ups are always told */
	uint8_t flags;
	bool more;            /* in done: it will be called again, the io is in flight still */
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
 * The loop's thread waits no more, and goes; others may still wake, to no effect, and post, to be told so.
 * What was posted is run, then every resident is closed, then what is in flight is waited for, at most two
 * seconds. In the thread that opened it, which may close right away instead.
 */
void weft__loop_retire(struct weft__loop *loop);

/*
 * In the thread that opened it, or, once retired, in any when nobody can wake it any more. NULL is fine. A loop with
 * something still in flight is not freed.
 */
void weft__loop_close(struct weft__loop *loop);

/* "uring" | "epoll" | "sim" */
const char *weft__loop_name(const struct weft__loop *loop);

/*
 * Start an operation. 0, -EINVAL (no done, unknown op, no buf), -EALREADY (in flight), -EPERM (not the loop's thread), or
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
 * Run completions, jobs and alarms; wait up to timeout_ns (0: look only, UINT64_MAX: no limit) when there are
 * none. Returns how many were run: 0 after a timeout, a wake or a signal. It may
 * return early for no reason the caller knows.
 */
int weft__loop_wait(struct weft__loop *loop, uint64_t timeout_ns);

/* Cheap: is a wait of 0 worthwhile (anything in flight, posted, or armed)? */
bool weft__loop_has_work(const struct weft__loop *loop);

/*
 * Cheaper, without a system call: does a wait of 0 surely have something to do? epoll knows of nothing that happened in the
 * kernel, and alarms are not looked at.
 */
bool weft__loop_peek(const struct weft__loop *loop);

/* Make the current or the next wait return. Any thread, as long as the loop is open. Never blocks. */
void weft__loop_wake(struct weft__loop *loop);

/*
 * The same, but span_ns later (> 0): a wait that lasts until then ends. The loop's thread is left asleep meanwhile. Of several calls
 * the last counts. Any thread, as long as the loop is open. Never blocks; one system call.
 */
void weft__loop_wake_in(struct weft__loop *loop, uint64_t span_ns);

/* ---- work for the loop's thread -------------------------------------------------- */

/* Embedded by its owner. From post or later until run begins it belongs to the loop; run may free it or post it again. */
struct weft__job {
	struct weft__job *next; /* the loop's */
	void (*run)(struct weft__job *job);
};

/*
 * Have job run once in the loop's thread, inside wait, in the order of posting. Any thread, as long as the loop is
 * open. 0, or -ESHUTDOWN: the loop is retired, job is still the caller's. Never blocks; no system call unless the
 * loop's thread sleeps.
 */
int weft__loop_post(struct weft__loop *loop, struct weft__job *job);

/*
 * The same in the loop's thread, and always taken, also while it retires: run comes inside this wait or the next, never
 * inside later. For what must not happen inside the call that found it out.
 */
void weft__loop_later(struct weft__loop *loop, struct weft__job *job);

/* ---- time, in the loop's thread ------------------------------------------------------ */

/* Embedded by its owner, zeroed at first, kept while it is armed. */
struct weft__alarm {
	struct weft__timer timer; /* the loop's */
	void (*fn)(struct weft__alarm *alarm);
};

/* When span_ns have passed since from_ns; UINT64_MAX, which is never, for a span that stands for no limit. */
static inline uint64_t weft__after_ns(uint64_t from_ns, uint64_t span_ns)
{
	return span_ns > UINT64_MAX - from_ns ? UINT64_MAX : from_ns + span_ns;
}

/*
 * Call fn once inside wait, at due_ns of weft_now_ns or up to 66 us later; in fn alarm is not armed any more. One that is
 * armed already is moved. O(1). An alarm holds no retirement up: it is then never called.
 */
void weft__loop_alarm(struct weft__loop *loop, struct weft__alarm *alarm, uint64_t due_ns,
                      void (*fn)(struct weft__alarm *alarm));

/* fn is not called any more; fine for one that is not armed. O(1). */
void weft__loop_alarm_off(struct weft__loop *loop, struct weft__alarm *alarm);

static inline bool weft__alarm_is_on(const struct weft__alarm *alarm)
{
	return weft__timer_is_armed(&alarm->timer);
}

/* ---- what lives here, in the loop's thread --------------------------------------------- */

/* Something that must end before the loop does: its HTTP client, a server, a child process. Embedded by its owner. */
struct weft__resident {
	struct weft__resident *next; /* the loop's */
	/* Called once, by retire, after the loop let go of it: end everything; the loop waits until nothing is in flight. */
	void (*close)(struct weft__resident *resident);
	const void *key; /* what find looks for; NULL: it is not looked for */
};

/* 0, or -ESHUTDOWN: the loop retires and has asked everybody to close; nothing happened. */
int weft__loop_attach(struct weft__loop *loop, struct weft__resident *resident);
/* It ended by itself. Fine for one that is not attached. */
void weft__loop_detach(struct weft__loop *loop, struct weft__resident *resident);
/* The resident of that key, or NULL. */
struct weft__resident *weft__loop_find(struct weft__loop *loop, const void *key);

/* Where what lives here says what a host should know; must outlive the loop. NULL, as at first: nowhere. */
void weft__loop_set_log(struct weft__loop *loop, const struct weft__log *log);
const struct weft__log *weft__loop_log(const struct weft__loop *loop);

/* Is this the loop's thread? */
bool weft__loop_is_mine(const struct weft__loop *loop);

#endif
