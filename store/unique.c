/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/unique.c - adding what is not known yet: a fact that means what another one means is not added again.
 *
 * Of those who add to one room only one looks and adds at a time, so two that come with the same fact at once add it
 * once. Locks: one of the unique ones first, then as weft_store_add and weft_store_set_embedding.
 */
#include <errno.h>

#include "store/recall.h"

#define LIKENESS_DEFAULT 0.95f

static struct weft__lock *lock_of(weft_store *store, weft_uuid room_id)
{
	return &store->unique[weft_uuid_hash(room_id) % WEFT__UNIQUE_LOCKS];
}

/* The nearest one of the same kind, agent and room, if it is near enough. 1, 0, or an error. */
static int find_like(weft_store *store, const weft_memory *m, float likeness, weft_uuid *ret_id)
{
	weft_recall what = WEFT_RECALL_INIT;
	weft_search_hit hit;
	int n;

	what.types = 1u << m->type;
	what.room_id = m->room_id;
	what.agent_id = m->agent_id; /* nil: whoever's */
	what.recall = 1;
	n = weft_store_recall(store, &what, m->embedding, m->embedding_dims, 1, &hit);
	if (n <= 0 || hit.score < likeness)
		return n < 0 ? n : 0;
	*ret_id = hit.id;
	return 1;
}

static int add_embedded(weft_store *store, const weft_memory *m, weft_uuid *ret_id)
{
	weft_uuid id;
	int r = weft_store_add(store, m, &id);

	if (r < 0)
		return r;
	r = weft_store_set_embedding(store, id, m->embedding, m->embedding_dims);
	if (r < 0) {
		weft_store_delete(store, id);
		return r;
	}
	*ret_id = id;
	return 0;
}

int weft_store_add_unique(weft_store *store, const weft_memory *memory, float likeness, weft_uuid *ret_id)
{
	struct weft__lock *lock;
	weft_uuid id;
	int r;

	if (!store || !memory || !memory->embedding || !memory->embedding_dims || weft_uuid_is_nil(memory->room_id) ||
	    (unsigned)memory->type >= WEFT_MEMORY_TYPE_COUNT || !(likeness >= 0 && likeness <= 1))
		return -EINVAL;
	lock = lock_of(store, memory->room_id);
	weft__lock_take(lock);
	r = find_like(store, memory, likeness > 0 ? likeness : LIKENESS_DEFAULT, &id);
	if (r == 0)
		r = add_embedded(store, memory, &id);
	else if (r > 0)
		r = -EEXIST;
	weft__lock_give(lock);
	if (ret_id && (r == 0 || r == -EEXIST))
		*ret_id = id;
	return r;
}
