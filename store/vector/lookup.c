/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/lookup.c - see lookup.h. */
#include "store/vector/lookup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <weft/alloc.h>

#define FIRST_CAP 8u
#define SHARD_BITS 8u /* of the hash choose the shard; the rest the slot */

int weft__lookup_init(struct weft__lookup *t, uint32_t shards, uint32_t (*hash_of)(const void *, uint32_t),
                      const void *owner)
{
	WEFT_ASSERT(shards && shards <= 1u << SHARD_BITS && !(shards & (shards - 1)));
	t->shards = weft_calloc(shards, sizeof(*t->shards));
	if (!t->shards)
		return -ENOMEM;
	t->mask = shards - 1;
	t->hash_of = hash_of;
	t->owner = owner;
	return 0;
}

void weft__lookup_fini(struct weft__lookup *t)
{
	if (!t->shards)
		return;
	for (uint32_t i = 0; i <= t->mask; i++)
		weft_free(t->shards[i].slots);
	weft_free(t->shards);
	t->shards = NULL;
}

struct weft__lookup_shard *weft__lookup_lock(struct weft__lookup *t, uint32_t hash)
{
	struct weft__lookup_shard *s = &t->shards[hash & t->mask];

	weft__lock_take(&s->lock);
	return s;
}

void weft__lookup_unlock(struct weft__lookup_shard *s)
{
	weft__lock_give(&s->lock);
}

static uint32_t home(const struct weft__lookup_shard *s, uint32_t hash)
{
	/* spread by a multiplication: the slots are the upper bits of what the shards left over */
	return (uint32_t)(((uint64_t)((hash >> SHARD_BITS) * 0x9e3779b1u) * s->cap) >> 32);
}

static uint32_t next(const struct weft__lookup_shard *s, uint32_t at)
{
	return (at + 1) & (s->cap - 1);
}

uint32_t weft__lookup_find(const struct weft__lookup *t, const struct weft__lookup_shard *s, uint32_t hash,
                           bool (*is_it)(const void *, uint32_t, const void *), const void *key)
{
	if (!s->cap)
		return WEFT__NONE;
	for (uint32_t at = home(s, hash); s->slots[at] != WEFT__NONE; at = next(s, at)) {
		if (is_it(t->owner, s->slots[at], key))
			return s->slots[at];
	}
	return WEFT__NONE;
}

static void put(struct weft__lookup_shard *s, uint32_t hash, uint32_t number)
{
	uint32_t at = home(s, hash);

	while (s->slots[at] != WEFT__NONE)
		at = next(s, at);
	s->slots[at] = number;
}

/* Are used of cap too many? */
static bool is_full(uint64_t used, uint32_t cap)
{
	return used * 4 > (uint64_t)cap * 3;
}

static int make_slots(struct weft__lookup_shard *s, uint32_t cap)
{
	uint32_t *slots = weft_malloc(cap * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memset(slots, 0xff, cap * sizeof(*slots));
	s->slots = slots;
	s->cap = cap;
	return 0;
}

int weft__lookup_reserve(const struct weft__lookup *t, struct weft__lookup_shard *s)
{
	uint32_t old_cap = s->cap, cap = old_cap ? old_cap * 2 : FIRST_CAP;
	uint32_t *old = s->slots;

	if (!is_full(s->used + 1, s->cap))
		return 0;
	if (make_slots(s, cap) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i] != WEFT__NONE)
			put(s, t->hash_of(t->owner, old[i]), old[i]);
	}
	weft_free(old);
	return 0;
}

void weft__lookup_insert(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number)
{
	WEFT_ASSERT(!is_full(s->used + 1, s->cap));
	put(s, t->hash_of(t->owner, number), number);
	s->used++;
}

/* Slots for what each shard will hold. */
static int make_all_slots(struct weft__lookup *t, const uint32_t *hashes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		t->shards[hashes[i] & t->mask].used++;
	for (uint32_t i = 0; i <= t->mask; i++) {
		struct weft__lookup_shard *s = &t->shards[i];
		uint32_t cap = FIRST_CAP;

		while (is_full(s->used, cap))
			cap *= 2;
		if (s->used && make_slots(s, cap) < 0)
			return -ENOMEM;
	}
	return 0;
}

int weft__lookup_fill(struct weft__lookup *t, const uint32_t *numbers, uint32_t n)
{
	uint32_t *hashes = weft_malloc(((size_t)n + 1) * sizeof(*hashes));
	int r;

	if (!hashes)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		hashes[i] = t->hash_of(t->owner, numbers[i]);
	r = make_all_slots(t, hashes, n);
	for (uint32_t i = 0; i < n && !r; i++)
		put(&t->shards[hashes[i] & t->mask], hashes[i], numbers[i]);
	weft_free(hashes);
	return r;
}

static uint32_t slot_of(const struct weft__lookup *t, const struct weft__lookup_shard *s, uint32_t number)
{
	uint32_t at = home(s, t->hash_of(t->owner, number));

	while (s->slots[at] != number) {
		WEFT_ASSERT(s->slots[at] != WEFT__NONE);
		at = next(s, at);
	}
	return at;
}

void weft__lookup_remove(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number)
{
	uint32_t hole = slot_of(t, s, number), mask = s->cap - 1;

	s->slots[hole] = WEFT__NONE;
	s->used--;
	/* close the gap: move up whatever would no longer be found */
	for (uint32_t at = next(s, hole); s->slots[at] != WEFT__NONE; at = next(s, at)) {
		uint32_t want = home(s, t->hash_of(t->owner, s->slots[at]));

		if (((at - want) & mask) >= ((at - hole) & mask)) {
			s->slots[hole] = s->slots[at];
			s->slots[at] = WEFT__NONE;
			hole = at;
		}
	}
}

void weft__lookup_replace(const struct weft__lookup *t, struct weft__lookup_shard *s, uint32_t number, uint32_t with)
{
	s->slots[slot_of(t, s, number)] = with;
}

size_t weft__lookup_bytes(struct weft__lookup *t)
{
	size_t bytes = (t->mask + 1) * sizeof(*t->shards);

	for (uint32_t i = 0; i <= t->mask; i++) {
		weft__lock_take(&t->shards[i].lock);
		bytes += t->shards[i].cap * sizeof(uint32_t);
		weft__lock_give(&t->shards[i].lock);
	}
	return bytes;
}
