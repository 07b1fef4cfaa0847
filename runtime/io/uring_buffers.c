/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/io/uring_buffers.c - buffers for what is received, one ring of them a loop; see uring.h. */
#include "runtime/io/uring.h"

#include <assert.h>

#include <weft/alloc.h>

#define PAGE_BYTES 4096u
#define BUFFERS 128u
#define BUFFER_BYTES 16384u

static_assert((BUFFERS & (BUFFERS - 1)) == 0, "their places are taken modulo");

bool weft__uring_buffers_ready(struct weft__uring *u)
{
	struct weft__uring_buffers *b = &u->buffers;
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = WEFT__URING_GROUP };

	if (b->tried)
		return b->ring;
	b->tried = true;
	b->ring = weft_aligned_alloc(PAGE_BYTES, BUFFERS * sizeof(struct io_uring_buf));
	b->bytes = weft_aligned_alloc(PAGE_BYTES, (size_t)BUFFERS * BUFFER_BYTES);
	reg.ring_addr = (uintptr_t)b->ring;
	if (!b->ring || !b->bytes || io_uring_register_buf_ring(&u->ring, &reg, 0) < 0) {
		weft_free(b->ring);
		weft_free(b->bytes);
		b->ring = NULL;
		b->bytes = NULL;
		return false;
	}
	io_uring_buf_ring_init(b->ring);
	for (uint32_t id = 0; id < BUFFERS; id++)
		io_uring_buf_ring_add(b->ring, weft__uring_buffer(u, id), BUFFER_BYTES, (uint16_t)id, BUFFERS - 1, (int)id);
	io_uring_buf_ring_advance(b->ring, BUFFERS);
	return true;
}

void weft__uring_buffers_close(struct weft__uring *u)
{
	struct weft__uring_buffers *b = &u->buffers;

	if (!b->ring)
		return;
	io_uring_unregister_buf_ring(&u->ring, WEFT__URING_GROUP);
	weft_free(b->ring);
	weft_free(b->bytes);
	b->ring = NULL;
}

void *weft__uring_buffer(const struct weft__uring *u, uint32_t id)
{
	WEFT_ASSERT(id < BUFFERS);
	return u->buffers.bytes + (size_t)id * BUFFER_BYTES;
}

void weft__uring_buffer_return(struct weft__uring *u, uint32_t id)
{
	io_uring_buf_ring_add(u->buffers.ring, weft__uring_buffer(u, id), BUFFER_BYTES, (uint16_t)id, BUFFERS - 1, 0);
	io_uring_buf_ring_advance(u->buffers.ring, 1);
}
