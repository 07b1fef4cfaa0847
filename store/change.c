/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/change.c - changes by themselves: what would make a store, and making one of them.
 *
 * Both may meet a store that is changed meanwhile, and a snapshot is made by the one and read by the other:
 * what is visited is no single moment, but every room by itself is, and all changes that are logged from the start
 * of the visit on are made again over it. That this comes to the same store is due to what apply
 * does with a memory that is there already: it goes, and the new one is the newest.
 */
#include "store/store.h"

#include <errno.h>

#include <weft/durable.h>

#include "store/recall.h"

/* ---- visiting ------------------------------------------------------------------------ */

struct visit {
	weft_store *store;
	weft_change_visitor fn;
	void *user;
	float *vector; /* room for one; NULL: nothing is embedded */
};

static bool tell(const struct visit *v, const weft_change *change)
{
	return v->fn(change, v->user);
}

static bool visit_memory(const struct visit *v, const weft_memory *m)
{
	weft_change c = { .kind = WEFT_CHANGE_MEMORY, .memory = *m };

	c.memory.embedding = NULL;
	c.memory.embedding_dims = 0;
	if (!tell(v, &c))
		return false;
	/* one that comes while the store is visited may be left out: it is in the log from then on */
	if (!m->embedding_dims || !v->vector || weft__recall_get(v->store, m->agent_id, m->id, v->vector) < 0)
		return true;
	return tell(v, &(weft_change){ .kind = WEFT_CHANGE_EMBEDDING,
	                               .memory = { .id = m->id, .embedding = v->vector, .embedding_dims = m->embedding_dims } });
}

static bool visit_people(const struct visit *v, const struct weft__room *room)
{
	for (uint32_t i = 0; i < room->people_count; i++) {
		const struct weft__follower *f = &room->people[i];
		weft_change c = { .kind = WEFT_CHANGE_JOIN, .person = { room->id, f->entity_id, f->state } };

		if (f->joined && !tell(v, &c))
			return false;
		c.kind = WEFT_CHANGE_FOLLOW;
		if ((f->state != WEFT_FOLLOW_NONE || !f->joined) && !tell(v, &c))
			return false;
	}
	return true;
}

static bool visit_room(const struct visit *v, struct weft__room *room)
{
	weft_change c = { .kind = WEFT_CHANGE_ROOM, .room = { .id = room->id } };
	bool goes_on;

	pthread_rwlock_rdlock(&room->lock);
	if (room->info)
		c.room = *room->info;
	goes_on = tell(v, &c) && visit_people(v, room);
	for (int type = 0; type < WEFT_MEMORY_TYPE_COUNT && goes_on; type++) {
		const struct weft__history *h = room->histories[type];

		for (uint32_t i = h ? h->first : 0; h && i < h->count && goes_on; i++)
			goes_on = !h->slots[i].record || visit_memory(v, &h->slots[i].record->m);
	}
	goes_on = goes_on && weft__limits_visit(v->store, room, v->fn, v->user);
	pthread_rwlock_unlock(&room->lock);
	return goes_on;
}

/* Worlds and entities are replaced, not changed: seen under their shard's lock. */
static bool visit_map(const struct visit *v, struct weft__map *map, weft_change (*change_of)(const void *record))
{
	bool goes_on = true;

	for (uint32_t i = 0; i <= map->mask && goes_on; i++) {
		struct weft__shard *s = &map->shards[i];

		pthread_mutex_lock(&s->lock);
		for (uint32_t j = 0; j < s->cap && goes_on; j++) {
			if (s->slots[j]) {
				weft_change c = change_of(s->slots[j]);

				goes_on = tell(v, &c);
			}
		}
		pthread_mutex_unlock(&s->lock);
	}
	return goes_on;
}

static weft_change world_change(const void *record)
{
	return (weft_change){ .kind = WEFT_CHANGE_WORLD, .world = ((const struct weft__world *)record)->info };
}

static weft_change entity_change(const void *record)
{
	return (weft_change){ .kind = WEFT_CHANGE_ENTITY, .entity = ((const struct weft__entity *)record)->info };
}

static weft_change task_change(const void *record)
{
	return (weft_change){ .kind = WEFT_CHANGE_TASK, .task = ((const struct weft__task *)record)->info };
}

static bool visit_relations(const struct visit *v)
{
	struct weft__map *map = &v->store->relations;
	bool goes_on = true;

	for (uint32_t i = 0; i <= map->mask && goes_on; i++) {
		struct weft__shard *s = &map->shards[i];

		pthread_mutex_lock(&s->lock);
		for (uint32_t j = 0; j < s->cap && goes_on; j++)
			goes_on = !s->slots[j] || weft__relations_visit(s->slots[j], v->fn, v->user);
		pthread_mutex_unlock(&s->lock);
	}
	return goes_on;
}

int weft_store_visit(weft_store *store, weft_change_visitor fn, void *user)
{
	struct visit v = { .store = store, .fn = fn, .user = user };
	struct weft__room **rooms = NULL;
	size_t count = 0;
	uint32_t dims;
	bool goes_on;
	int r;

	if (!store || !fn)
		return -EINVAL;
	dims = weft__load_acquire(&store->dims); /* acquire: nothing hangs on it but the number */
	if (dims) {
		v.vector = weft_malloc(dims * sizeof(*v.vector));
		if (!v.vector)
			return -ENOMEM;
	}
	goes_on = visit_map(&v, &store->worlds, world_change) && visit_map(&v, &store->entities, entity_change) &&
	          visit_relations(&v) && visit_map(&v, &store->tasks, task_change);
	r = goes_on ? weft__rooms_list(store, &rooms, &count) : -ECANCELED;
	for (size_t i = 0; i < count && r == 0; i++)
		r = visit_room(&v, rooms[i]) ? 0 : -ECANCELED; /* rooms are as old as the store */
	if (r == 0 && !(weft__limits_visit(store, NULL, fn, user) && weft__quotas_visit(store, fn, user)))
		r = -ECANCELED;
	weft_free(rooms);
	weft_free(v.vector);
	return r;
}

/* ---- making --------------------------------------------------------------------------- */

static int apply_memory(weft_store *store, const weft_memory *m)
{
	int r = weft_uuid_is_nil(m->id) ? -ENOENT : weft_store_delete(store, m->id);

	return r < 0 && r != -ENOENT ? r : weft_store_add(store, m, NULL);
}

int weft_store_apply(weft_store *store, const weft_change *change)
{
	int r;

	if (!store || !change)
		return -EINVAL;
	switch (change->kind) {
	case WEFT_CHANGE_WORLD:
		return weft_store_put_world(store, &change->world);
	case WEFT_CHANGE_ROOM:
		return weft_store_put_room(store, &change->room);
	case WEFT_CHANGE_ENTITY:
		return weft_store_put_entity(store, &change->entity);
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		if (!weft__room_get(store, change->person.room_id, true))
			return -ENOMEM;
		if (change->kind == WEFT_CHANGE_JOIN) /* its entity may come later */
			return weft__store_join_any(store, change->person.room_id, change->person.entity_id);
		return weft_store_set_follow(store, change->person.room_id, change->person.entity_id, change->person.state);
	case WEFT_CHANGE_MEMORY:
		return apply_memory(store, &change->memory);
	case WEFT_CHANGE_DELETE:
		r = weft_store_delete(store, change->memory.id);
		return r == -ENOENT ? 0 : r;
	case WEFT_CHANGE_EMBEDDING:
		return weft_store_set_embedding(store, change->memory.id, change->memory.embedding, change->memory.embedding_dims);
	case WEFT_CHANGE_ATTACHMENTS:
		return weft_store_set_attachments(store, change->memory.id, change->memory.attachments,
		                                  change->memory.attachment_count);
	case WEFT_CHANGE_RELATIONSHIP:
		return weft_store_put_relationship(store, &change->relationship);
	case WEFT_CHANGE_RELATIONSHIP_DELETE:
		r = weft_store_delete_relationship(store, change->relationship.source_id, change->relationship.target_id);
		return r == -ENOENT ? 0 : r;
	case WEFT_CHANGE_TASK:
		return weft_store_put_task(store, &change->task);
	case WEFT_CHANGE_TASK_DELETE:
		r = weft_store_delete_task(store, change->task.id);
		return r == -ENOENT ? 0 : r;
	case WEFT_CHANGE_LIMITS:
		return weft__limits_apply(store, change->limit.room_id, change->limit.type, &change->limit.limits);
	case WEFT_CHANGE_QUOTA:
		return weft_store_set_quota(store, change->quota.agent_id, change->quota.memories_max, change->quota.bytes_max);
	default:
		return -EINVAL;
	}
}
