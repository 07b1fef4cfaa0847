/* SPDX-License-Identifier: Apache-2.0 */
/* store/index.c - records by id: sharded open addressing with linear probing and backward-shift deletion. */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#define FIRST_CAP 16u

int weft__map_init(struct weft__map *map, uint32_t shards)
{
	map->shards = weft_aligned_alloc(WEFT_CACHELINE, shards * sizeof(*map->shards));
	if (!map->shards)
		return -ENOMEM;
	memset(map->shards, 0, shards * sizeof(*map->shards));
	map->mask = shards - 1;
	for (uint32_t i = 0; i < shards; i++)
		pthread_mutex_init(&map->shards[i].lock, NULL);
	return 0;
}

void weft__map_fini(struct weft__map *map, void (*free_record)(void *record))
{
	if (!map->shards)
		return;
	for (uint32_t i = 0; i <= map->mask; i++) {
		struct weft__shard *s = &map->shards[i];

		for (uint32_t j = 0; j < s->cap; j++) {
			if (s->slots[j])
				free_record(s->slots[j]);
		}
		weft_free(s->slots);
		pthread_mutex_destroy(&s->lock);
	}
	weft_free(map->shards);
	map->shards = NULL;
}

struct weft__shard *weft__map_lock_key(struct weft__map *map, uint64_t key)
{
	struct weft__shard *s = &map->shards[key & map->mask];

	pthread_mutex_lock(&s->lock);
	return s;
}

struct weft__shard *weft__map_lock(struct weft__map *map, weft_uuid id)
{
	return weft__map_lock_key(map, weft_uuid_hash(id));
}

void weft__map_unlock(struct weft__shard *shard)
{
	pthread_mutex_unlock(&shard->lock);
}

void weft__map_lock_two(struct weft__map *map, weft_uuid a, weft_uuid b, struct weft__shard *ret[2])
{
	bool in_order;

	ret[0] = &map->shards[weft_uuid_hash(a) & map->mask];
	ret[1] = &map->shards[weft_uuid_hash(b) & map->mask];
	in_order = ret[0] <= ret[1];
	pthread_mutex_lock(&ret[!in_order]->lock);
	if (ret[0] != ret[1])
		pthread_mutex_lock(&ret[in_order]->lock);
}

void weft__map_unlock_two(struct weft__shard *const shards[2])
{
	pthread_mutex_unlock(&shards[0]->lock);
	if (shards[0] != shards[1])
		pthread_mutex_unlock(&shards[1]->lock);
}

static uint32_t home_of_key(const struct weft__shard *s, uint64_t key)
{
	return (uint32_t)(key >> 32) & (s->cap - 1);
}

static uint32_t home(const struct weft__shard *s, weft_uuid id)
{
	return home_of_key(s, weft_uuid_hash(id));
}

static weft_uuid id_of(const void *record)
{
	weft_uuid id;

	memcpy(&id, record, sizeof(id));
	return id;
}

/* The slot that holds id, or the free one where it would go. cap is not 0. */
static uint32_t slot_of(const struct weft__shard *s, weft_uuid id)
{
	uint32_t at = home(s, id);

	while (s->slots[at] && !weft_uuid_eq(id_of(s->slots[at]), id))
		at = (at + 1) & (s->cap - 1);
	return at;
}

void *weft__shard_find(const struct weft__shard *shard, weft_uuid id)
{
	return shard->cap ? shard->slots[slot_of(shard, id)] : NULL;
}

void *weft__shard_find_key(const struct weft__shard *shard, uint64_t key)
{
	uint32_t at;

	if (!shard->cap)
		return NULL;
	for (at = home_of_key(shard, key); shard->slots[at]; at = (at + 1) & (shard->cap - 1)) {
		if (weft_uuid_hash(id_of(shard->slots[at])) == key)
			break;
	}
	return shard->slots[at];
}

static int grow(struct weft__shard *s)
{
	uint32_t old_cap = s->cap, cap = old_cap ? old_cap * 2 : FIRST_CAP;
	void **old = s->slots, **slots = weft_calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	s->slots = slots;
	s->cap = cap;
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i])
			s->slots[slot_of(s, id_of(old[i]))] = old[i];
	}
	weft_free(old);
	return 0;
}

int weft__shard_insert(struct weft__shard *shard, void *record)
{
	if ((weft__load_relaxed(&shard->used) + 1) * 4 > shard->cap * 3) {
		int r = grow(shard);

		if (r < 0)
			return r;
	}
	shard->slots[slot_of(shard, id_of(record))] = record;
	weft__count(&shard->used, 1u);
	return 0;
}

void *weft__shard_remove(struct weft__shard *shard, weft_uuid id)
{
	uint32_t hole, at;
	void *record;

	if (!shard->cap)
		return NULL;
	hole = slot_of(shard, id);
	record = shard->slots[hole];
	if (!record)
		return NULL;
	shard->slots[hole] = NULL;
	weft__count(&shard->used, -1u);
	/* close the gap: move up whatever would no longer be found */
	for (at = (hole + 1) & (shard->cap - 1); shard->slots[at]; at = (at + 1) & (shard->cap - 1)) {
		uint32_t want = home(shard, id_of(shard->slots[at]));

		if (((at - want) & (shard->cap - 1)) >= ((at - hole) & (shard->cap - 1))) {
			shard->slots[hole] = shard->slots[at];
			shard->slots[at] = NULL;
			hole = at;
		}
	}
	return record;
}

uint64_t weft__map_count(const struct weft__map *map)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i <= map->mask; i++)
		n += weft__load_relaxed(&map->shards[i].used); /* relaxed: a snapshot */
	return n;
}
