/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - what the files of the in-memory store share.
 *
 *   store ─┬─ map of worlds ───┐
 *          ├─ map of entities ─┤
 *          ├─ map of rooms ────┼─ id -> record, in shards, each with a lock
 *          ├─ map of memories ─┤
 *          ├─ map of tasks ────┤  and their bags; relationships: bags by entity
 *          ├─ map of accounts ─┤  what agents hold, and their quotas
 *          └─ map of agents ───┘  what their memories are found by, recall.h
 *                room: participants, and a history a memory type, under the room's lock
 *                  history: records in the order they were added
 *
 * Lock order: map shard, then room. Nobody takes a shard while holding a room.
 * Rooms and accounts are never freed before the store, so they may be used after their shard was left.
 * A memory record is freed by whoever took it out of its map shard, after it
 * took it out of its room: who sees it holds one of the two locks.
 */
#ifndef WEFT_STORE_STORE_H
#define WEFT_STORE_STORE_H

#include <pthread.h>

#include <weft/durable.h>
#include <weft/memory.h>

#include "runtime/base/atomic.h"
#include "runtime/base/refs.h"
#include "store/keeper.h"
#include "store/vector/lock.h"

/* ---- index.c: id -> record -------------------------------------------------------- */

struct weft__shard {
	_Alignas(WEFT_CACHELINE) pthread_mutex_t lock;
	void **slots; /* records begin with their weft_uuid; open addressing, at most 3/4 full */
	_Atomic(uint32_t) used; /* written under the lock, read by statistics */
	uint32_t cap;
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
/* The shards of two ids, which may be one; nothing that is locked comes after them. */
void weft__map_lock_two(struct weft__map *map, weft_uuid a, weft_uuid b, struct weft__shard *ret[2]);
void weft__map_unlock_two(struct weft__shard *const shards[2]);
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
	struct weft__account *account; /* where it is counted; never freed before the store */
	uint32_t at;    /* index in its history */
	uint32_t bytes; /* with its attachments and its embedding; under its map shard's lock */
};

/* A place in a history. What was deleted leaves its order_ms behind, so that a search need not step over gaps. */
struct weft__slot {
	struct weft__record *record; /* NULL: deleted */
	int64_t order_ms;            /* the latest created_ms up to here: never falls */
};

struct weft__history { /* one allocation; moves when it grows */
	uint32_t count, cap, live;
	uint32_t first;   /* all slots before it are gaps */
	uint64_t back_ms; /* how much older than its order_ms any record ever was */
	uint64_t bytes;   /* of its records */
	uint32_t embedded; /* of them, with an embedding */
	struct weft__slot slots[];
};

/* All with the room locked for writing. */
int weft__history_append(struct weft__history **history, struct weft__record *record); /* made when it is NULL */
void weft__history_remove(struct weft__history *h, struct weft__record *record);
/* With the room locked for reading. A history that was never made, NULL, is empty. */
uint32_t weft__history_live(const struct weft__history *h);
uint32_t weft__history_recent(const struct weft__history *h, uint32_t skip, uint32_t k, weft_memory_visitor fn,
                              void *user);
/* Those created from .. to, at most k. */
uint32_t weft__history_between(const struct weft__history *h, int64_t from_ms, int64_t to_ms, uint32_t k,
                               weft_memory_visitor fn, void *user);

/* The oldest record by its place, NULL: none. */
struct weft__record *weft__history_oldest(const struct weft__history *h);
/* Ids of those created before before_ms, the oldest by their place first, at most max of them. */
uint32_t weft__history_before(const struct weft__history *h, int64_t before_ms, uint32_t max, weft_uuid *ret_ids);

/* ---- limit.c: what a room keeps -------------------------------------------------------- */

struct weft__limits { /* 0: none; in a room: as the store's */
	_Atomic(uint64_t) memories_max, bytes_max;
	_Atomic(uint64_t) age_max_ms;
};

/* Evict what is over the limits of a room and type; not while the store is opened, when the log says what went. No locks held. */
void weft__limits_enforce(weft_store *store, struct weft__room *room, weft_memory_type type);
/* As weft_store_set_limits; the room is made when it is not there. */
int weft__limits_apply(weft_store *store, weft_uuid room_id, weft_memory_type type, const weft_limits *limits);
/* The changes that would set the limits of a room, or (NULL) those of all others. With the room locked. */
bool weft__limits_visit(const weft_store *store, const struct weft__room *room, weft_change_visitor fn, void *user);

/* ---- usage.c: what agents hold --------------------------------------------------------- */

struct weft__account { /* of an agent */
	weft_uuid id; /* first: the map's key */
	_Atomic(uint64_t) memories, bytes;
	_Atomic(uint64_t) memories_max, bytes_max; /* 0: none */
	_Atomic(uint64_t) memories_refused, bytes_refused;
};

/* Count a record that is about to be added, and lead it to its agent. 0, -EDQUOT, -ENOMEM. */
int weft__usage_charge(weft_store *store, struct weft__record *record);
void weft__usage_refund(weft_store *store, struct weft__record *record);
/* The same for bytes that a record gains or loses. */
int weft__usage_charge_bytes(weft_store *store, struct weft__account *account, uint64_t bytes);
void weft__usage_refund_bytes(weft_store *store, struct weft__account *account, uint64_t bytes);
bool weft__quotas_visit(weft_store *store, weft_change_visitor fn, void *user);

/* ---- entity.c ------------------------------------------------------------------------- */

/* Worlds and entities: one allocation each, replaced as a whole. */
struct weft__world {
	weft_uuid id; /* first: the map's key */
	weft_world info;
};

struct weft__entity {
	weft_uuid id;
	weft_entity info;
};

struct weft__follower {
	weft_uuid entity_id;
	weft_follow state;
	bool joined;
};

/* There may be a hundred thousand: what most rooms do not need is made when it is needed. */
struct weft__room {
	weft_uuid id; /* first: the map's key */
	weft_room *info; /* one allocation with its strings; NULL: never put. Owned, as all below; under lock */
	pthread_rwlock_t lock;
	struct weft__follower *people;
	uint32_t people_count, people_cap;
	struct weft__partition **partitions; /* that remember something of it; recall.h */
	uint32_t partition_count;
	_Atomic(struct weft__limits *) limits; /* one a type; NULL: the store's. Set once, under lock */
	struct weft__history *histories[WEFT_MEMORY_TYPE_COUNT]; /* NULL: nothing was ever added */
};

/* The room, made when it is not there. NULL: out of memory, or (create false) none. */
struct weft__room *weft__room_get(weft_store *store, weft_uuid id, bool create);
void weft__room_free(void *room);
/* All rooms there are now, the caller's array. 0 or -ENOMEM. */
int weft__rooms_list(weft_store *store, struct weft__room ***ret_rooms, size_t *ret_count);

/* ---- relation.c, task.c ------------------------------------------------------------------- */

struct weft__task { /* one allocation, strings behind it; replaced as a whole */
	weft_uuid id; /* first: the map's key */
	weft_task info;
};

struct weft__bag;

/* A bag of the map of relations, and what only it holds. */
void weft__relations_free(void *bag);
/* Those whose source the bag belongs to. With its shard locked; false: fn ended it. */
bool weft__relations_visit(const struct weft__bag *bag, weft_change_visitor fn, void *user);

#define WEFT__EMBED_STRIPES 64u
#define WEFT__UNIQUE_LOCKS 16u

/* ---- store.c ---------------------------------------------------------------------------- */

struct weft__wal;

struct weft_store {
	weft__refs refs;
	struct weft__wal *wal; /* NULL: in memory. Owned; set before anybody else knows the store */
	_Atomic(uint32_t) closed, in_snapshot;
	struct weft__keeper keeper;
	bool opening; /* the log is being read: nobody else knows the store */
	uint64_t read_changes, read_ns; /* by the open */
	struct weft__map worlds, entities, rooms, memories, agents, accounts;
	struct weft__map relations;         /* bags, of entities */
	struct weft__map tasks, task_bags;  /* bags of rooms, and of entities */
	_Atomic(struct weft__partition *) partitions; /* all of agents', the newest first; recall.h */
	struct weft__lock unique[WEFT__UNIQUE_LOCKS]; /* unique.c */
	struct weft__lock embedding[WEFT__EMBED_STRIPES]; /* held while a memory of that key gets an embedding, or goes */
	struct weft__limits limits[WEFT_MEMORY_TYPE_COUNT]; /* of rooms that have none of their own */
	struct weft__account nobody; /* of the nil agent; not in the map */
	struct weft__lock settings;  /* limits and quotas are set under it; a room's or a shard's lock may be taken inside */
	_Atomic(uint32_t) dims; /* of all embeddings; 0 until the first */
	_Atomic(uint64_t) bytes, embeddings, evicted, refused, relationships;
};

/* snapshot.c. As weft_store_snapshot. by_itself: it gives up when the store is closed (-ECANCELED). */
int weft__snapshot_make(weft_store *store, bool by_itself);
/* As weft_store_join; the entity need not be there. */
int weft__store_join_any(weft_store *store, weft_uuid room_id, weft_uuid entity_id);
/* As weft_store_delete, durable when weft__journal_wait has waited for *position. */
int weft__store_delete_later(weft_store *store, weft_uuid id, uint64_t *position);
/* Copy s to *at and step over it; adds a NUL. */
weft_str weft__text_put(char **at, weft_str s);

#endif
