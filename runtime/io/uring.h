/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/uring.h - what the files of the io_uring back end share: the ring, and the buffers for what is received.
 */
#ifndef WEFT_RUNTIME_IO_URING_H
#define WEFT_RUNTIME_IO_URING_H

#include <liburing.h>

#include "runtime/io/backend.h"

/*
 * Buffers that the kernel fills when something arrives, so that a connection that waits needs none. Made when the first
 * receive asks for them. In turn: the kernel takes from the head, what was read goes to the tail.
 */
struct weft__uring_buffers {
	struct io_uring_buf_ring *ring; /* owned, shared with the kernel */
	uint8_t *bytes;                 /* owned */
	bool tried;
};

struct weft__uring {
	struct weft__loop base;
	struct io_uring ring;
	struct weft__io *stranded; /* waiting for room in the ring or for buffers, through next */
	uint64_t wake_count;       /* the wake read's buffer; the kernel's while wake_armed */
	bool wake_armed, timer_armed;
	bool look_is_free;         /* the kernel says in memory when it has work for us */
	struct weft__uring_buffers buffers;
};

#define WEFT__URING_GROUP 0u /* of the buffers */

/* 0 or -Exxx: an open ring with all that the loop needs. */
int weft__uring_ring_open(struct weft__uring *u);

/* Are there any? Makes them at the first call; false: this kernel has none, or there is no memory. */
bool weft__uring_buffers_ready(struct weft__uring *u);
void weft__uring_buffers_close(struct weft__uring *u);
void *weft__uring_buffer(const struct weft__uring *u, uint32_t id);
/* It was read: the kernel may fill it again. */
void weft__uring_buffer_return(struct weft__uring *u, uint32_t id);

#endif
