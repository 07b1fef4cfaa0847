/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/queue/broadcast.c - see broadcast.h for the picture and the proof. */
#include "runtime/queue/broadcast.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

#define PAD UINT64_C(0xffffffffffff)

static uint64_t header_sequence(uint64_t header)
{
	return header >> 16;
}

static uint32_t header_count(uint64_t header)
{
	return (uint32_t)(header & 0xffff);
}

int weft__broadcast_init(struct weft__broadcast *b, uint32_t bytes)
{
	uint64_t words = bytes / sizeof(uint64_t), start = 0;

	WEFT_RETURN_IF(bytes < 64 || (bytes & (bytes - 1)), -EINVAL);
	memset(b, 0, sizeof(*b));
	b->words = weft_aligned_alloc(WEFT_CACHELINE, bytes);
	if (!b->words)
		return -ENOMEM;
	memset((void *)b->words, 0, bytes);
	b->mask = words - 1;
#ifndef NDEBUG
	start = 0 - 2 * words; /* wraps within the first two rounds */
#endif
	/* relaxed: not shared yet */
	weft__store_relaxed(&b->tail, start);
	weft__store_relaxed(&b->published, start);
	weft__store_relaxed(&b->last, start);
	b->end = start;
	return 0;
}

void weft__broadcast_fini(struct weft__broadcast *b)
{
	weft_free((void *)b->words);
	b->words = NULL;
}

/* Fill the rest of a block, so that the next record begins with the next one. */
static uint64_t pad(struct weft__broadcast *b, uint64_t at, uint64_t left)
{
	/* less than a record that did not fit: a length that a header holds */
	weft__broadcast_put(&b->words[at & b->mask], weft__broadcast_header(PAD, left));
	return at + left;
}

uint64_t weft__broadcast_enter(struct weft__broadcast *b)
{
	uint64_t at = b->end, block = (b->mask + 1) / WEFT__BROADCAST_BLOCKS;
	uint64_t used = at & (block - 1), tail;

	if (used)
		at = pad(b, at, block - used);
	tail = at + block - (b->mask + 1);
	/* relaxed: this thread wrote it; in the first round there is nothing to give up */
	if ((int64_t)(tail - weft__load_relaxed(&b->tail)) > 0)
		weft__store_relaxed(&b->tail, tail); /* B1: ordered before the words by their release */
	return at;
}

static bool overtaken(const struct weft__broadcast *b, uint64_t position)
{
	/* B4: after the acquire loads of the words */
	return (int64_t)(weft__load_acquire(&b->tail) - position) > 0;
}

struct weft__cursor weft__broadcast_newest(const struct weft__broadcast *b)
{
	for (;;) {
		uint64_t last = weft__load_acquire(&b->last); /* B6 */
		uint64_t header = weft__load_acquire(&b->words[last & b->mask]);

		if (overtaken(b, last)) { /* then it need not be a header, and a newer one is on its way here */
			weft__spin();
			continue;
		}
		if (!header_count(header)) /* nothing was written yet */
			return (struct weft__cursor){ .position = last, .next_sequence = 0 };
		return (struct weft__cursor){ .position = last + header_count(header),
			                      .next_sequence = header_sequence(header) + 1 };
	}
}

struct weft__cursor weft__broadcast_oldest(const struct weft__broadcast *b)
{
	for (;;) {
		uint64_t at = weft__load_acquire(&b->tail), published = weft__broadcast_published(b), header = 0;
		uint64_t from = at;

		while ((int64_t)(published - at) > 0) {
			header = weft__load_acquire(&b->words[at & b->mask]); /* B3 */
			if (header_sequence(header) != PAD || overtaken(b, from))
				break;
			at += header_count(header);
		}
		if ((int64_t)(published - at) <= 0)
			return weft__broadcast_newest(b); /* empty */
		if (!overtaken(b, from))
			return (struct weft__cursor){ .position = at, .next_sequence = header_sequence(header) };
	}
}

uint32_t weft__broadcast_peek(const struct weft__broadcast *b, struct weft__cursor *c, uint64_t limit, uint64_t *to,
                              uint32_t max, uint64_t *ret_lost)
{
	*ret_lost = 0;
	while ((int64_t)(limit - c->position) > 0) {
		uint64_t header = weft__load_acquire(&b->words[c->position & b->mask]); /* B3 */
		uint32_t count = header_count(header);
		bool whole = !overtaken(b, c->position);

		if (whole && header_sequence(header) == PAD) {
			c->position += count;
			continue;
		}
		if (whole) {
			const _Atomic(uint64_t) *from = &b->words[c->position & b->mask]; /* a record never wraps */

			for (uint32_t i = 0; i < count && i < max; i++)
				to[i] = weft__load_acquire(&from[i]); /* B3 */
		}
		if (!whole || overtaken(b, c->position)) {
			c->position = weft__load_acquire(&b->tail); /* a record or a pad begins there */
			continue;
		}
		*ret_lost = header_sequence(header) - c->next_sequence;
		c->next_sequence = header_sequence(header);
		return count;
	}
	return 0;
}

void weft__broadcast_pass(const struct weft__broadcast *b, struct weft__cursor *c, uint32_t count)
{
	(void)b;
	c->position += count;
	c->next_sequence++;
}
