/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/backend.h - what a back end of the loop is: a table of operations.
 *
 * The table costs about one nanosecond an operation. Private to this room.
 */
#ifndef WEFT_RUNTIME_IO_BACKEND_H
#define WEFT_RUNTIME_IO_BACKEND_H

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/base/probe.h"
#include "runtime/io/loop.h"

/* In place of the posted jobs, once no more are taken. Never followed. */
#define WEFT__POSTS_CLOSED ((struct weft__job *)(uintptr_t)1)

struct weft__loop_ops {
	const char *name;
	void (*retire)(struct weft__loop *loop);                     /* the kernel must not touch loop any more; may be NULL */
	void (*close)(struct weft__loop *loop);                      /* frees loop */
	int (*submit)(struct weft__loop *loop, struct weft__io *io); /* io is valid and idle; must set its state */
	int (*cancel)(struct weft__loop *loop, struct weft__io *io); /* io is in flight */
	int (*wait)(struct weft__loop *loop, uint64_t timeout_ns);
	bool (*peek)(const struct weft__loop *loop); /* may be NULL: it cannot tell */
	void (*wake)(struct weft__loop *loop); /* NULL: wake_fd becomes readable */
	void (*wake_in)(struct weft__loop *loop, uint64_t span_ns); /* NULL: timer_fd does */
};

/* First member of every back end's loop. */
struct weft__loop {
	/* constant, or the loop's thread's */
	const struct weft__loop_ops *ops;
	_Atomic(uint32_t) in_flight; /* one writer, the loop's thread; statistics read it */
	int wake_fd; /* an eventfd; the back end's. Not with a wake of its own */
	int timer_fd; /* a timerfd, for wake_in; the same */
	uintptr_t thread; /* who opened it */
	struct weft__job *later_first, **later_end;
	struct weft__resident *residents; /* not owned */
	const struct weft__log *log;      /* not owned */
	uint64_t alarm_due_ns; /* when the wheel wants to be advanced next; may be early */
	bool residents_asked, retired;
	struct weft__wheel wheel;

	/* posters' line, see post.c */
	_Alignas(WEFT_CACHELINE) _Atomic(struct weft__job *) posted;
	_Atomic(uint32_t) asleep;
};

/* Zeroed, at least a struct weft__loop, freed by weft_free; NULL: no memory. */
void *weft__loop_alloc(size_t bytes, const struct weft__loop_ops *ops);

/* Open wake_fd, with flags, and timer_fd: 0 or -Exxx, and neither is open. */
int weft__loop_fds_open(struct weft__loop *loop, int flags);
void weft__loop_fds_close(struct weft__loop *loop);
/* timer_fd was readable: not any more. */
void weft__loop_timer_seen(struct weft__loop *loop);

/* ---- post.c, in the loop's thread ---------------------------------------------- */

bool weft__posts_any(const struct weft__loop *loop);
/* Run what was posted and what later was called for until now. Returns how many. */
int weft__posts_run(struct weft__loop *loop);
/* From here on post is refused. Runs what is left; returns how many. */
int weft__posts_close(struct weft__loop *loop);
/* false: something was posted, do not. */
bool weft__posts_fall_asleep(struct weft__loop *loop);
void weft__posts_wake_up(struct weft__loop *loop);

#define WEFT__IO_IDLE 0u /* weft__io.state; a back end has values of its own above */

/* 0, or -Exxx and nothing is left behind. */
int weft__uring_open(struct weft__loop **ret_loop);
int weft__epoll_open(struct weft__loop **ret_loop);
int weft__simio_open(struct weft__loop **ret_loop);

/* The io is its owner's again; done may free it. */
static inline void weft__io_finish(struct weft__loop *loop, struct weft__io *io, int32_t result)
{
	WEFT_ASSERT(weft__loop_in_flight(loop) > 0);
	WEFT_ASSERT(io->state != WEFT__IO_IDLE);
	weft__count(&loop->in_flight, -1u);
	io->state = WEFT__IO_IDLE;
	io->result = result;
	io->more = false;
	WEFT_PROBE3(io__complete, io, io->op, result);
	io->done(io);
}

/* One result of many: the io stays in flight; done may cancel it. */
static inline void weft__io_tell(struct weft__io *io, int32_t result)
{
	WEFT_ASSERT(io->state != WEFT__IO_IDLE && (io->flags & WEFT__IO_MANY));
	io->result = result;
	io->more = true;
	WEFT_PROBE3(io__complete, io, io->op, result);
	io->done(io);
}

/* ---- direct.c: operations by plain system calls ---------------------------------- */

#define WEFT__DIRECT_BYTES 16384u /* for one of many receives */

/* Do io if that takes no waiting. false: it would block. */
bool weft__direct(struct weft__io *io, int32_t *ret_result);
/* One of many: an accept, or a receive into buf. -EAGAIN: it would block. */
int32_t weft__direct_one(const struct weft__io *io, void *buf, size_t len);
/* What readiness io waits for, of poll(2). */
uint16_t weft__direct_events(const struct weft__io *io);

#endif
