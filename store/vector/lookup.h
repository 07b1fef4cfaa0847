/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/lookup.h - 32-bit numbers found by a hash, in shards, four bytes a slot.
 *
 * The writers' way from an id to its item, and from a vector to its row; searches never
 * come here. What stands in a slot is the number alone: its hash is asked of the owner.
 * Open addressing, linear probing, at most 3/4 full; a deletion shifts back what follows.
 *
 * Threads: each shard under its lock, which callers hold for as long as what they found
 * must stay true. Tests: tests/unit/store/test_lookup.c.
 */
#ifndef WEFT_STORE_VECTOR_LOOKUP_H
#define WEFT_STORE_VECTOR_LOOKUP_H

#include <stddef.h>

#include "store/vector/lock.h"
#include "store/vector/slab.h"

struct weft__lookup_shard {
	struct weft__lock lock;
	uint32_t used, cap;
	uint32_t *slots; /* owned; WEFT__NONE: empty */
};

struct weft__lookup {
	struct weft__lookup_shard *shards; /* owned */
	uint32_t mask;
	uint32_t (*hash_of)(const void *owner, uint32_t number);
	const void *owner;
};

/* shards: a power of two, at most 256. 0 or -ENOMEM. */
int weft__lookup_init(struct weft__lookup *t, uint32_t shards, uint32_t (*hash_of)(const void *, uint32_t),
                      const void *owner);
void weft__lookup_fini(struct weft__lookup *t);

/* n numbers at once into an empty one, before anybody else knows it. 0 or -ENOMEM. */
int weft__lookup_fill(struct weft__lookup *t, const uint32_t *numbers, uint32_t n);

/* The shard of a hash, locked. */
struct weft__lookup_shard *weft__lookup_lock(struct weft__lookup *t, uint32_t hash);
void weft__lookup_unlock(struct weft__lookup_shard *s);

/* With the shard locked. The number of that hash for which is_it says so, or WEFT__NONE. */
uint32_t weft__lookup_find(const struct weft__lookup *t, const struct weft__lookup_shard *s, uint32_t hash,
                           bool (*is_it)(const void *owner, uint32_t number, const void *key), const void *key);
/* Room for one more, so that the next insert cannot fail. 0 or -ENOMEM. */
int weft__lookup_reserve(const struct weft__lookup *t, struct weft__lookup_shard *s);
/* After a reserve. */
void weft__lookup_insert(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number);
/* number is there. */
void weft__lookup_remove(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number);
/* Another number of the same hash in the same slot. */
void weft__lookup_replace(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number, uint32_t with);
size_t weft__lookup_bytes(struct weft__lookup *t);

#endif
