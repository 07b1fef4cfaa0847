/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/relation.c - who has to do with whom: relationships, from a source to a target.
 *
 * A relationship is one record that stands in two bags, that of its source and that of its target, so that both
 * are asked in one look. It is changed with both shards locked, in the order they stand in the map, and never in
 * place: put replaces the record.
 */
#include <errno.h>
#include <math.h>

#include "runtime/base/clock.h"
#include "store/bag.h"
#include "store/journal.h"

struct relation {
	weft_relationship info; /* tags behind it */
	uint32_t bags;          /* that hold it: 2, or 1 when source is target */
};

static struct relation *relation_make(const weft_relationship *from)
{
	struct relation *r = weft_malloc(sizeof(*r) + from->tags.len_bytes + 1);
	char *at = (char *)(r + 1);

	if (!r)
		return NULL;
	r->info = *from;
	r->info.tags = weft__text_put(&at, from->tags);
	if (!r->info.created_ms)
		r->info.created_ms = weft_wall_ms();
	if (!r->info.updated_ms)
		r->info.updated_ms = r->info.created_ms;
	r->bags = weft_uuid_eq(from->source_id, from->target_id) ? 1 : 2;
	return r;
}

/* With the source's shard locked. */
static struct relation *relation_find(struct weft__shard *shard, weft_uuid source_id, weft_uuid target_id)
{
	const struct weft__bag *b = weft__shard_find(shard, source_id);

	for (uint32_t i = 0; b && i < b->count; i++) {
		struct relation *r = b->items[i];

		if (weft_uuid_eq(r->info.source_id, source_id) && weft_uuid_eq(r->info.target_id, target_id))
			return r;
	}
	return NULL;
}

void weft__relations_free(void *bag)
{
	struct weft__bag *b = bag;

	for (uint32_t i = 0; i < b->count; i++) {
		struct relation *r = b->items[i];

		if (--r->bags == 0)
			weft_free(r);
	}
	weft__bag_free(b);
}

/* ---- changing ---------------------------------------------------------------------------- */

/* Into both bags, or into neither. *ret_old: what it replaced. */
static int replace(struct weft__shard *at[2], struct relation *r, struct relation **ret_old)
{
	weft_uuid source = r->info.source_id, target = r->info.target_id;
	struct relation *old = relation_find(at[0], source, target);
	int status = weft__bag_reserve(at[0], source);

	if (status == 0)
		status = weft__bag_reserve(at[1], target);
	if (status < 0) {
		weft__bag_trim(at[0], source);
		return status;
	}
	weft__bag_put(at[0], source, old, r);
	if (r->bags == 2)
		weft__bag_put(at[1], target, old, r);
	*ret_old = old;
	return 0;
}

int weft_store_put_relationship(weft_store *store, const weft_relationship *relationship)
{
	struct weft__journal journal;
	struct weft__shard *at[2];
	struct relation *r, *old = NULL;
	int status;

	if (!store || !relationship || weft_uuid_is_nil(relationship->source_id) || weft_uuid_is_nil(relationship->target_id) ||
	    !isfinite(relationship->strength))
		return -EINVAL;
	if (relationship->tags.len_bytes > WEFT_MEMORY_TEXT_MAX)
		return -EMSGSIZE;
	r = relation_make(relationship);
	status = r ? weft__journal_begin(store, &(weft_change){ .kind = WEFT_CHANGE_RELATIONSHIP, .relationship = r->info },
	                                 &journal)
	           : -ENOMEM;
	if (status < 0) {
		weft_free(r);
		return status;
	}
	weft__map_lock_two(&store->relations, r->info.source_id, r->info.target_id, at);
	status = replace(at, r, &old);
	if (status == 0)
		weft__journal_push(store, &journal);
	weft__map_unlock_two(at);
	if (status == 0 && !old)
		weft__fetch_add_relaxed(&store->relationships, 1u); /* relaxed: statistics */
	weft_free(status < 0 ? r : old);
	return weft__journal_end(store, &journal, status);
}

int weft_store_delete_relationship(weft_store *store, weft_uuid source_id, weft_uuid target_id)
{
	weft_change change = { .kind = WEFT_CHANGE_RELATIONSHIP_DELETE,
		               .relationship = { .source_id = source_id, .target_id = target_id } };
	struct weft__journal journal;
	struct weft__shard *at[2];
	struct relation *r;
	int status;

	if (!store)
		return -EINVAL;
	status = weft__journal_begin(store, &change, &journal);
	if (status < 0)
		return status;
	weft__map_lock_two(&store->relations, source_id, target_id, at);
	r = relation_find(at[0], source_id, target_id);
	if (r) {
		weft__bag_remove(at[0], source_id, r);
		weft__bag_remove(at[1], target_id, r);
		weft__journal_push(store, &journal);
	}
	weft__map_unlock_two(at);
	if (r)
		weft__fetch_sub_relaxed(&store->relationships, 1u); /* relaxed: statistics */
	weft_free(r);
	return weft__journal_end(store, &journal, r ? 0 : -ENOENT);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int copy(const struct relation *r, weft_arena *arena, weft_relationship *ret)
{
	weft_str tags = weft_arena_dup(arena, r->info.tags);

	if (!tags.ptr)
		return -ENOMEM;
	*ret = r->info;
	ret->tags = tags;
	return 0;
}

int weft_store_get_relationship(weft_store *store, weft_uuid source_id, weft_uuid target_id, weft_arena *arena,
                                weft_relationship *ret)
{
	struct weft__shard *shard;
	const struct relation *r;
	int status;

	if (!store || !arena || !ret)
		return -EINVAL;
	shard = weft__map_lock(&store->relations, source_id);
	r = relation_find(shard, source_id, target_id);
	status = r ? copy(r, arena, ret) : -ENOENT;
	weft__map_unlock(shard);
	return status;
}

int weft_store_relationships(weft_store *store, weft_uuid entity_id, weft_arena *arena, weft_relationship **ret_list)
{
	struct weft__shard *shard;
	const struct weft__bag *b;
	weft_relationship *list;
	uint32_t count;
	int r = 0;

	if (!store || !arena || !ret_list)
		return -EINVAL;
	shard = weft__map_lock(&store->relations, entity_id);
	b = weft__shard_find(shard, entity_id);
	count = b ? b->count : 0;
	list = count ? weft_arena_alloc(arena, count * sizeof(*list)) : NULL;
	for (uint32_t i = 0; list && r == 0 && i < count; i++)
		r = copy(b->items[i], arena, &list[i]);
	weft__map_unlock(shard);
	if ((count && !list) || r < 0)
		return -ENOMEM;
	*ret_list = list;
	return (int)count;
}

bool weft__relations_visit(const struct weft__bag *bag, weft_change_visitor fn, void *user)
{
	for (uint32_t i = 0; i < bag->count; i++) {
		const struct relation *r = bag->items[i];
		weft_change c = { .kind = WEFT_CHANGE_RELATIONSHIP, .relationship = r->info };

		if (weft_uuid_eq(r->info.source_id, bag->id) && !fn(&c, user))
			return false;
	}
	return true;
}
