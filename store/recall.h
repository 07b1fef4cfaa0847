/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/recall.h - what memories are found by: an index for each agent, over all of its rooms.
 *
 *     map of agents -> partition { agent_id, index }      made with the first embedding, freed with the store
 *     memory -> its row in its agent's index              under its key, the hash of its id
 *     room -> the partitions that remember something of it
 *
 * A row carries room, entity, time and type, so one search covers an agent's rooms or one of them. Keys and
 * attributes are 64-bit hashes of ids: what a search brings is looked up by key in the map of memories and compared
 * with what was asked for, so a hash that two ids share costs a result, and never gives a wrong one.
 *
 * Threads: any. The index takes no lock to search; the way from a key to its memory takes a map shard for a moment.
 * Order of locks: embed stripe, map shard, room, agents' shard, what the index has.
 * Tests: tests/unit/store/test_recall.c, tests/unit/store/test_store.c.
 */
#ifndef WEFT_STORE_RECALL_H
#define WEFT_STORE_RECALL_H

#include <weft/index.h>

#include "store/store.h"

struct weft__partition {
	weft_uuid agent_id; /* first: the map's key; nil: what no agent owns */
	weft_index *index;  /* owned */
	struct weft__partition *next; /* of all; constant once it is in the list */
};

void weft__partition_free(void *partition);

/* The key of a memory in its agent's index. */
static inline uint64_t weft__recall_key(weft_uuid memory_id)
{
	return weft_uuid_hash(memory_id);
}

/* The partition of an agent; made when create is set, for rows of dims. NULL: none, or out of memory. */
struct weft__partition *weft__partition_get(weft_store *store, weft_uuid agent_id, uint32_t dims, bool create);

/* Is it a vector that the store takes, to keep or to ask with? */
bool weft__recall_accepts(weft_store *store, const float *v, uint32_t dims);
/* An index that was saved becomes the agent's; owned from then on. False: he has one, other dims, no memory. */
bool weft__partition_adopt(weft_store *store, weft_uuid agent_id, weft_index *index);

/* Put, or replace, the row of a memory. Its room learns of the partition. 0, -EINVAL, -ENOMEM: nothing changed. */
int weft__recall_put(weft_store *store, struct weft__room *room, const weft_memory *memory, const float *v, uint32_t dims);
/* The memory is gone, or going. Fine when it has no row. */
void weft__recall_delete(weft_store *store, weft_uuid agent_id, weft_uuid memory_id);
/* The row's vector of dims floats. 0, -ENOENT. */
int weft__recall_get(weft_store *store, weft_uuid agent_id, weft_uuid memory_id, float *ret_v);

#endif
