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

struct weft__loop_ops {
	const char *name;
	void (*retire)(struct weft__loop *loop);                     /* the kernel must not touch loop any more; may be NULL */
	void (*close)(struct weft__loop *loop);                      /* frees loop */
	int (*submit)(struct weft__loop *loop, struct weft__io *io); /* io is valid and idle; must set its state */
	int (*cancel)(struct weft__loop *loop, struct weft__io *io); /* io is in flight */
	int (*wait)(struct weft__loop *loop, uint64_t timeout_ns);
	void (*wake)(struct weft__loop *loop); /* NULL: wake_fd becomes readable */
};

/* First member of every back end's loop. */
struct weft__loop {
	const struct weft__loop_ops *ops;
	_Atomic(uint32_t) in_flight; /* one writer, the loop's thread; statistics read it */
	int wake_fd; /* an eventfd; the back end's. Not with a wake of its own */
};

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
	WEFT_PROBE3(io__complete, io, io->op, result);
	io->done(io);
}

#endif
