/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/capture.h - what a program printed, in bounded memory: the beginning and the end of it.
 *
 * Of more than keep_bytes, the first half and the last half are kept: errors stand at the end,
 * what was asked for often at the beginning. Memory grows with what arrives.
 *
 *     |<- head, keep/2 ->|  ... left out ...  |<- tail, a ring of keep/2 ->|
 */
#ifndef WEFT_SANDBOX_CAPTURE_H
#define WEFT_SANDBOX_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft__capture {
	uint8_t *head, *tail; /* owned; NULL until needed */
	size_t half;          /* bytes of each, at most */
	size_t head_len, head_room;
	size_t tail_at;  /* where the next byte goes */
	size_t tail_len;
	uint64_t total;  /* all that was put */
};

/* Zeroed memory; allocates nothing. */
void weft__capture_init(struct weft__capture *c, size_t keep_bytes);
void weft__capture_fini(struct weft__capture *c);

/* False: out of memory; the bytes are counted and lost. */
bool weft__capture_put(struct weft__capture *c, const void *bytes, size_t len);

/* Bytes between head and tail that were not kept. */
uint64_t weft__capture_left_out(const struct weft__capture *c);

/* How many bytes weft__capture_copy writes, and write them: head, a line that says what is left out, tail. No NUL. */
size_t weft__capture_len(const struct weft__capture *c);
void weft__capture_copy(const struct weft__capture *c, char *to);

#endif
