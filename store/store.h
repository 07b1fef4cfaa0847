/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - what the files of the in-memory store share.
 *
 *   store ─┬─ map of worlds ─┐
 *          ├─ map of entities ├─ id -> record, in shards, each with a lock
 *          ├─ map of rooms ───┤
 *          ├─ map of memories ┘
 *                room: participants, and a history a memory type, under the room's lock
 *                  history: records in the order they were added
 *          └─ map of agents: what their memories are found by, recall.h
 *
 * Lock order: map shard, then room. Nobody takes a shard while holding a room.
 * Rooms are never freed before the store, so a room may be used after its shard was left.
 * A memory record is freed by whoever took it out of its map shard, after it
 * took it out of its room: who sees it holds one of the two locks.
 */
#ifndef WEFT_STORE_STORE_H
#define WEFT_STORE_STORE_H

#include <pthread.h>

#include <weft/memory.h>

#include "runtime/base/atomic.h"
#include "store/vector/lock.h"

/* ---- index.c: id -> record -------------------------------------------------------- */

struct weft__shard {
	_Alignas(WEFT_CACHELINE) pthread_mutex_t lock;
	void **slots; /* records begin with their weft_uuid; open addressing, at most 3/4 full */
	uint32_t used, cap;
};

struct weft__map {
	struct weft__shard *shards;
	uint32_t mask;
};

int weft__map_init(struct weft__map *map, uint32_t shards);
/* free_record is called for each that is left. */
void weft__map_fini(struct weft__map *map, void (*free_record)(void *record));
/* The shard of an id, locked. */
struct weft__shard *weft__map_lock(struct weft__map *map, weft_uuid id);
void weft__map_unlock(struct weft__shard *shard);
/* With the shard locked: */
void *weft__shard_find(const struct weft__shard *shard, weft_uuid id);
/* The same by weft_uuid_hash of the id: one of those that have it. */
struct weft__shard *weft__map_lock_key(struct weft__map *map, uint64_t key);
void *weft__shard_find_key(const struct weft__shard *shard, uint64_t key);
int weft__shard_insert(struct weft__shard *shard, void *record); /* the id is not there yet; -ENOMEM */
void *weft__shard_remove(struct weft__shard *shard, weft_uuid id);
uint64_t weft__map_count(const struct weft__map *map);

/* ---- history.c: a room's memories of one type --------------------------------------- */

struct weft__room;

struct weft__record { /* one allocation, strings behind it */
	weft_memory m;    /* id first; attachments: a block of their own, owned. embedding: NULL, its dims say if there is one */
	struct weft__room *room;
	uint32_t at;      /* index in its history */
	size_t bytes;
};

/* A place in a history. What was deleted leaves its order_ms behind, so that a search need not step over gaps. */
struct weft__slot {
	struct weft__record *record; /* NULL: deleted */
	int64_t order_ms;            /* the latest created_ms up to here: never falls */
};

struct weft__history {
	struct weft__slot *slots;
	uint32_t count, cap, live;
	uint32_t first;   /* all slots before it are gaps */
	uint64_t back_ms; /* how much older than its order_ms any record ever was */
};

/* All with the room locked for writing. */
int weft__history_append(struct weft__history *h, struct weft__record *record);
void weft__history_remove(struct weft__history *h, struct weft__record *record);
void weft__history_fini(struct weft__history *h);
/* With the room locked for reading. */
uint32_t weft__history_recent(const struct weft__history *h, uint32_t skip, uint32_t k, weft_memory_visitor fn,
                              void *user);
/* Those created from .. to, at most k. */
uint32_t weft__history_between(const struct weft__history *h, int64_t from_ms, int64_t to_ms, uint32_t k,
                               weft_memory_visitor fn, void *user);

/* ---- entity.c ------------------------------------------------------------------------- */

struct weft__follower {
	weft_uuid entity_id;
	weft_follow state;
	bool joined;
};

struct weft__room {
	weft_uuid id; /* first: the map's key */
	weft_room info; /* strings in text; under lock */
	char *text;
	pthread_rwlock_t lock;
	struct weft__follower *people;
	uint32_t people_count, people_cap;
	struct weft__partition **partitions; /* that remember something of it; recall.h */
	uint32_t partition_count;
	struct weft__history histories[WEFT_MEMORY_TYPE_COUNT];
};

/* The room, made when it is not there. NULL: out of memory, or (create false) none. */
struct weft__room *weft__room_get(weft_store *store, weft_uuid id, bool create);
void weft__room_free(void *room);

#define WEFT__EMBED_STRIPES 64u

/* ---- store.c ---------------------------------------------------------------------------- */

struct weft_store {
	uint32_t refs;
	struct weft__map worlds, entities, rooms, memories, agents;
	_Atomic(struct weft__partition *) partitions; /* all of agents', the newest first; recall.h */
	struct weft__lock embedding[WEFT__EMBED_STRIPES]; /* held while a memory of that key gets an embedding, or goes */
	_Atomic(uint32_t) dims; /* of all embeddings; 0 until the first */
	_Atomic(uint64_t) bytes, embeddings;
};

/* Copy s to *at and step over it; adds a NUL. */
weft_str weft__text_put(char **at, weft_str s);

#endif
