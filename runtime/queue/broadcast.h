/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/broadcast.h - one writer, any number of readers, nobody waits.
 *
 * A ring of 64-bit words that holds records of whole words. The writer overwrites
 * the oldest; each reader has a cursor of its own and finds out when it was overtaken.
 *
 *        tail                            published
 *          v                                 v
 *     ...  | rec | record  | rec |  record   | (free, about to be overwritten)
 *          |     block     |     block       |
 *                     ^ cursor of a reader
 *
 *     header word:  | sequence number 48 | length in words 16 |   the rest is the owner's
 *
 * The ring is 8 blocks, and a record lies in one of them: a pad (sequence PAD) fills the
 * end of a block. The oldest block is given up as a whole, so tail moves once a
 * block, to the beginning of a record, and the writer looks at no old record. Positions
 * count words and only grow; they are compared by signed difference, so that their wrap
 * (tried in debug builds, which start just below it) does no harm.
 *
 *   field       written by   read by
 *   tail        the writer   readers: records before it may be gone
 *   published   the writer   readers: records up to it are whole
 *   last        the writer   readers, once
 *   words       the writer   readers
 *   cursor      its reader   its reader
 *
 * Overlap: write with read, any number of reads with each other. Never two writes.
 * Why no torn record is returned: the writer moves tail over a block before it
 * overwrites the first word of it (B1, B2). A reader copies a record and then looks at
 * tail (B3, B4). If any word it copied was new, the acquire load of that word saw the
 * release store of it, hence also the tail stored before; tail is then past the
 * record, and the copy is thrown away. No fence is needed, and TSan sees every edge.
 * Progress: write is wait-free; read is lock-free (it starts over when overtaken).
 * Linearization: write at the store of published; read at the look at tail.
 * Memory: the owner frees the ring when no reader is left. ABA: positions only grow.
 *
 * Tests: tests/unit/queue/test_broadcast.c, tests/stress/test_events.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_BROADCAST_H
#define WEFT_RUNTIME_QUEUE_BROADCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"

struct weft__broadcast {
	/* what readers look at for each record: changes once a block */
	_Alignas(WEFT_CACHELINE) _Atomic(uint64_t) tail;
	uint64_t mask; /* constant */
	_Atomic(uint64_t) *words;
	/* what they look at once a read: the writer stores to this line and loads nothing from it */
	_Alignas(WEFT_CACHELINE) _Atomic(uint64_t) published;
	_Atomic(uint64_t) last; /* where the newest record begins: tells new cursors its sequence number */
	/* the writer's own */
	_Alignas(WEFT_CACHELINE) uint64_t end; /* == published */
	uint64_t open;                         /* where the record that is being written begins */
	uint64_t next_sequence;
};

struct weft__cursor {
	uint64_t position;
	uint64_t next_sequence; /* of the record expected there */
};

/* bytes: a power of two, 64 at least. 0, -EINVAL, -ENOMEM. */
int weft__broadcast_init(struct weft__broadcast *b, uint32_t bytes);
void weft__broadcast_fini(struct weft__broadcast *b);

#define WEFT__BROADCAST_BLOCKS 8u

/* The longest record, header included: a block. */
static inline uint32_t weft__broadcast_words_max(const struct weft__broadcast *b)
{
	uint64_t block = (b->mask + 1) / WEFT__BROADCAST_BLOCKS;

	return block < 0xffff ? (uint32_t)block : 0xffff;
}

static inline void weft__broadcast_put(_Atomic(uint64_t) *at, uint64_t word)
{
	/* B2 release -> B3: whoever sees this word sees the tail that was moved before it. */
	weft__store_release(at, word);
}

static inline uint64_t weft__broadcast_header(uint64_t sequence, uint64_t count)
{
	return sequence << 16 | count;
}

/* To the next block, the old records of which are given up. Gives where it begins. The writer only. */
uint64_t weft__broadcast_enter(struct weft__broadcast *b);

/*
 * Begin a record of count words, weft__broadcast_words_max at most. Returns its words: [0] is the ring's,
 * [1 .. count-1] are for the caller to put. The writer only, and publish comes next.
 */
static inline _Atomic(uint64_t) *weft__broadcast_begin(struct weft__broadcast *b, uint32_t count)
{
	uint64_t at = b->end, block = (b->mask + 1) / WEFT__BROADCAST_BLOCKS;
	uint64_t used = at & (block - 1);
	_Atomic(uint64_t) *words;

	WEFT_ASSERT(count >= 1 && count <= weft__broadcast_words_max(b));
	if (__builtin_expect(!used || used + count > block, 0))
		at = weft__broadcast_enter(b);
	b->open = at;
	words = &b->words[at & b->mask];
	weft__broadcast_put(words, weft__broadcast_header(b->next_sequence++, count));
	return words;
}

/* Show readers the record that was begun, of that length. */
static inline void weft__broadcast_publish(struct weft__broadcast *b, uint32_t count)
{
	b->end = b->open + count;
	weft__store_release(&b->last, b->open);     /* B6: after its words */
	weft__store_release(&b->published, b->end); /* B5 */
}

/* A cursor that sees what is written from now on, or the oldest that is still there. Any thread. */
struct weft__cursor weft__broadcast_newest(const struct weft__broadcast *b);
struct weft__cursor weft__broadcast_oldest(const struct weft__broadcast *b);

/*
 * Look at the record at the cursor without passing it: copies up to max words of it.
 * Returns its length in words (copy as many again if it is more than max), 0 when
 * there is none before `limit` (a value of published). *ret_lost is how many records
 * were overwritten since the last one this cursor passed; the cursor stands at a whole record then.
 */
uint32_t weft__broadcast_peek(const struct weft__broadcast *b, struct weft__cursor *c, uint64_t limit, uint64_t *to,
                              uint32_t max, uint64_t *ret_lost);
/* Pass the record that peek gave, of that length. */
void weft__broadcast_pass(const struct weft__broadcast *b, struct weft__cursor *c, uint32_t count);

static inline uint64_t weft__broadcast_published(const struct weft__broadcast *b)
{
	return weft__load_acquire(&b->published); /* B5: pairs with the store in write */
}

#endif
