/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/mem/msgpool.h - the memory of messages.
 *
 * A message is one block: a 48-byte header, then the payload. Blocks come in
 * size classes. A worker takes from and gives to its own cache without an atomic
 * instruction; a cache that runs dry or over trades whole chains of blocks with the
 * process-wide depot under a short lock. A message that was made on one worker and
 * released on another therefore costs no cross-core free: it joins the
 * releasing worker's cache, and the surplus travels back a chain at a time.
 *
 *   worker cache   [64] -> b -> b -> b      (plain list, one thread)
 *        |  chain of WEFT__MSG_CHAIN blocks, under the depot's lock
 *   depot          [64] => chain => chain   (process-wide)
 *        |  slabs of 64 KiB
 *   region.h
 *
 * Slabs are kept for the life of the process: the depot never holds more than
 * the peak of messages that were alive at once. Payloads over the largest class
 * come straight from weft_malloc and go straight back.
 *
 * Nothing here is lock-free: a cache is one thread's, a chain is handed over under a lock, and TSan sees
 * both. The links are atomic because a mailbox uses them, too; relaxed, as they are one thread's here.
 *
 * Tests: tests/unit/mem/test_msgpool.c, tests/stress/test_actors.c.
 */
#ifndef WEFT_RUNTIME_MEM_MSGPOOL_H
#define WEFT_RUNTIME_MEM_MSGPOOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/actor.h>

#include "runtime/base/atomic.h"

#define WEFT__MSG_HEADER_BYTES 48u
#define WEFT__MSG_CLASSES 7u /* blocks of 64, 128, ... 4096 bytes */
#define WEFT__MSG_CLASS_LARGE WEFT__MSG_CLASSES
#define WEFT__MSG_CHAIN 128u

/* Where the answer to a message goes (weft_msg.reply_kind). */
enum {
	WEFT__REPLY_NONE = 0,
	WEFT__REPLY_ACTOR, /* target: weft_ref.id */
	WEFT__REPLY_SINK,  /* target: struct weft__sink *, a place in it taken */
	WEFT__REPLY_CALL   /* target: weft_reply_fn, token: user */
};

struct weft_msg {
	_Atomic(struct weft_msg *) next; /* link of the queue it is in; must stay first (mailbox stub) */
	uint64_t target;                 /* where the answer goes; sender's ref when no answer is wanted */
	uint64_t token;
	void (*on_destroy)(struct weft_msg *msg);
	uint32_t kind;
	uint32_t len_bytes;
	int32_t status;
	uint8_t reply_kind;
	uint8_t size_class;
	uint8_t rt_slot; /* runtime that counts this open request, and ... */
	uint8_t rt_era;  /* ... which of the runtimes that used the slot */
};

static_assert(sizeof(struct weft_msg) == WEFT__MSG_HEADER_BYTES, "payload starts 16-byte aligned");
static_assert(offsetof(struct weft_msg, next) == 0, "the mailbox stub is a lone link");

static inline void *weft__msg_payload(struct weft_msg *msg)
{
	return (char *)msg + WEFT__MSG_HEADER_BYTES;
}

/* One thread's blocks. Zeroed is empty. */
struct weft__msgcache {
	struct weft_msg *free[WEFT__MSG_CLASSES];
	uint32_t count[WEFT__MSG_CLASSES];
};

static inline uint32_t weft__msg_class(size_t payload_bytes)
{
	size_t block = payload_bytes + WEFT__MSG_HEADER_BYTES;

	if (block <= 64)
		return 0;
	if (block > 4096)
		return WEFT__MSG_CLASS_LARGE;
	return (uint32_t)(64 - __builtin_clzll(block - 1)) - 6;
}

/* Uninitialised but for size_class; NULL when out of memory. cache NULL: a foreign thread. */
struct weft_msg *weft__msg_alloc_slow(struct weft__msgcache *cache, uint32_t cls, size_t payload_bytes);
void weft__msg_free_slow(struct weft__msgcache *cache, struct weft_msg *msg);

/* Give everything back to the depot (a worker ends). */
void weft__msgcache_drain(struct weft__msgcache *cache);

static inline struct weft_msg *weft__msg_alloc(struct weft__msgcache *cache, size_t payload_bytes)
{
	uint32_t cls = weft__msg_class(payload_bytes);
	struct weft_msg *m;

	if (__builtin_expect(!cache || cls >= WEFT__MSG_CLASSES || !cache->free[cls], 0))
		return weft__msg_alloc_slow(cache, cls, payload_bytes);
	m = cache->free[cls];
	/* relaxed: the list is this thread's own */
	cache->free[cls] = weft__load_relaxed(&m->next);
	cache->count[cls]--;
	return m;
}

static inline void weft__msg_free(struct weft__msgcache *cache, struct weft_msg *msg)
{
	uint32_t cls = msg->size_class;

	if (__builtin_expect(!cache || cls >= WEFT__MSG_CLASSES || cache->count[cls] >= 4 * WEFT__MSG_CHAIN, 0)) {
		weft__msg_free_slow(cache, msg);
		return;
	}
	weft__store_relaxed(&msg->next, cache->free[cls]);
	cache->free[cls] = msg;
	cache->count[cls]++;
}

#endif
