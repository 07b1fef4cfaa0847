/* SPDX-License-Identifier: Apache-2.0 */
/* store/entity.c - worlds, rooms, entities, and who is in a room. */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "store/journal.h"

static int put_record(weft_store *store, struct weft__map *map, weft_uuid id, void *record, const weft_change *change)
{
	struct weft__journal journal;
	struct weft__shard *shard;
	void *old;
	int r;

	r = record ? weft__journal_begin(store, change, &journal) : -ENOMEM;
	if (r < 0) {
		weft_free(record);
		return r;
	}
	shard = weft__map_lock(map, id);
	old = weft__shard_remove(shard, id);
	r = weft__shard_insert(shard, record);
	if (r == 0)
		weft__journal_push(store, &journal);
	weft__map_unlock(shard);
	weft_free(r < 0 ? record : NULL);
	weft_free(old);
	return weft__journal_end(store, &journal, r);
}

int weft_store_put_world(weft_store *store, const weft_world *world)
{
	struct weft__world *w;
	char *at;

	if (!store || !world || weft_uuid_is_nil(world->id))
		return -EINVAL;
	w = weft_malloc(sizeof(*w) + world->name.len_bytes + 1);
	if (w) {
		at = (char *)(w + 1);
		w->id = world->id;
		w->info = *world;
		w->info.name = weft__text_put(&at, world->name);
	}
	return put_record(store, &store->worlds, world->id, w, &(weft_change){ .kind = WEFT_CHANGE_WORLD, .world = *world });
}

int weft_store_put_entity(weft_store *store, const weft_entity *entity)
{
	struct weft__entity *e;
	char *at;

	if (!store || !entity || weft_uuid_is_nil(entity->id))
		return -EINVAL;
	e = weft_malloc(sizeof(*e) + entity->name.len_bytes + 1);
	if (e) {
		at = (char *)(e + 1);
		e->id = entity->id;
		e->info = *entity;
		e->info.name = weft__text_put(&at, entity->name);
	}
	return put_record(store, &store->entities, entity->id, e,
	                  &(weft_change){ .kind = WEFT_CHANGE_ENTITY, .entity = *entity });
}

int weft_store_get_world(weft_store *store, weft_uuid id, weft_arena *arena, weft_world *ret)
{
	struct weft__shard *shard;
	const struct weft__world *w;
	int r = -ENOENT;

	if (!store || !arena || !ret)
		return -EINVAL;
	shard = weft__map_lock(&store->worlds, id);
	w = weft__shard_find(shard, id);
	if (w) {
		weft_str name = weft_arena_dup(arena, w->info.name);

		r = name.ptr ? 0 : -ENOMEM;
		if (r == 0) {
			*ret = w->info;
			ret->name = name;
		}
	}
	weft__map_unlock(shard);
	return r;
}

int weft_store_get_entity(weft_store *store, weft_uuid id, weft_arena *arena, weft_entity *ret)
{
	struct weft__shard *shard;
	const struct weft__entity *e;
	int r = -ENOENT;

	if (!store || !arena || !ret)
		return -EINVAL;
	shard = weft__map_lock(&store->entities, id);
	e = weft__shard_find(shard, id);
	if (e) {
		weft_str name = weft_arena_dup(arena, e->info.name);

		r = name.ptr ? 0 : -ENOMEM;
		if (r == 0) {
			*ret = e->info;
			ret->name = name;
		}
	}
	weft__map_unlock(shard);
	return r;
}

/* ---- rooms ---------------------------------------------------------------------------- */

void weft__room_free(void *room)
{
	struct weft__room *r = room;

	for (int i = 0; i < WEFT_MEMORY_TYPE_COUNT; i++)
		weft_free(r->histories[i]);
	pthread_rwlock_destroy(&r->lock);
	weft_free(weft__load_relaxed(&r->limits)); /* relaxed: nobody else is left */
	weft_free(r->people);
	weft_free(r->partitions);
	weft_free(r->info);
	weft_free(r);
}

static struct weft__room *room_make(weft_uuid id)
{
	struct weft__room *r = weft_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->id = id;
	pthread_rwlock_init(&r->lock, NULL);
	return r;
}

struct weft__room *weft__room_get(weft_store *store, weft_uuid id, bool create)
{
	struct weft__shard *shard = weft__map_lock(&store->rooms, id);
	struct weft__room *room = weft__shard_find(shard, id);

	if (!room && create) {
		room = room_make(id);
		if (room && weft__shard_insert(shard, room) < 0) {
			weft__room_free(room);
			room = NULL;
		}
	}
	weft__map_unlock(shard);
	return room;
}

int weft__rooms_list(weft_store *store, struct weft__room ***ret_rooms, size_t *ret_count)
{
	size_t count = 0, cap = 0;
	struct weft__room **all = NULL;

	for (uint32_t i = 0; i <= store->rooms.mask; i++) {
		struct weft__shard *shard = &store->rooms.shards[i];

		pthread_mutex_lock(&shard->lock);
		if (count + shard->used > cap) {
			struct weft__room **more = weft_realloc(all, 2 * (count + shard->used) * sizeof(*more));

			if (!more) {
				pthread_mutex_unlock(&shard->lock);
				weft_free(all);
				return -ENOMEM;
			}
			all = more;
			cap = 2 * (count + shard->used);
		}
		for (uint32_t j = 0; j < shard->cap; j++) {
			if (shard->slots[j])
				all[count++] = shard->slots[j];
		}
		pthread_mutex_unlock(&shard->lock);
	}
	*ret_rooms = all;
	*ret_count = count;
	return 0;
}

static weft_room *room_info_make(const weft_room *room)
{
	weft_room *info = weft_malloc(sizeof(*info) + room->name.len_bytes + room->source.len_bytes + 2);
	char *at = (char *)(info + 1);

	if (!info)
		return NULL;
	*info = *room;
	info->name = weft__text_put(&at, room->name);
	info->source = weft__text_put(&at, room->source);
	return info;
}

int weft_store_put_room(weft_store *store, const weft_room *room)
{
	struct weft__journal journal;
	struct weft__room *r;
	weft_room *info, *old;
	int status;

	if (!store || !room || weft_uuid_is_nil(room->id) || (unsigned)room->kind > WEFT_ROOM_THREAD)
		return -EINVAL;
	status = weft__journal_begin(store, &(weft_change){ .kind = WEFT_CHANGE_ROOM, .room = *room }, &journal);
	if (status < 0)
		return status;
	info = room_info_make(room);
	r = info ? weft__room_get(store, room->id, true) : NULL;
	if (!r) {
		weft_free(info);
		return weft__journal_end(store, &journal, -ENOMEM);
	}
	pthread_rwlock_wrlock(&r->lock);
	old = r->info;
	r->info = info;
	weft__journal_push(store, &journal);
	pthread_rwlock_unlock(&r->lock);
	weft_free(old);
	return weft__journal_end(store, &journal, 0);
}

int weft_store_get_room(weft_store *store, weft_uuid id, weft_arena *arena, weft_room *ret)
{
	struct weft__room *r;
	weft_room copy = { .id = id };

	if (!store || !arena || !ret)
		return -EINVAL;
	r = weft__room_get(store, id, false);
	if (!r)
		return -ENOENT;
	pthread_rwlock_rdlock(&r->lock);
	if (r->info)
		copy = *r->info;
	copy.name = weft_arena_dup(arena, copy.name);
	copy.source = weft_arena_dup(arena, copy.source);
	pthread_rwlock_unlock(&r->lock);
	if (!copy.name.ptr || !copy.source.ptr)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

/* ---- people ------------------------------------------------------------------------------ */

/* With the room locked for writing. */
static struct weft__follower *person_of(struct weft__room *r, weft_uuid id, bool create)
{
	struct weft__follower *more;
	uint32_t cap;

	for (uint32_t i = 0; i < r->people_count; i++) {
		if (weft_uuid_eq(r->people[i].entity_id, id))
			return &r->people[i];
	}
	if (!create)
		return NULL;
	if (r->people_count == r->people_cap) {
		cap = r->people_cap ? r->people_cap * 2 : 4;
		more = weft_realloc(r->people, cap * sizeof(*more));
		if (!more)
			return NULL;
		r->people = more;
		r->people_cap = cap;
	}
	r->people[r->people_count] = (struct weft__follower){ .entity_id = id };
	return &r->people[r->people_count++];
}

static bool entity_exists(weft_store *store, weft_uuid id)
{
	struct weft__shard *shard = weft__map_lock(&store->entities, id);
	bool found = weft__shard_find(shard, id) != NULL;

	weft__map_unlock(shard);
	return found;
}

/* What is known of a person in a room: joined, or the state. Made and changed under the room's lock. */
static int change_person(weft_store *store, struct weft__room *r, const weft_change *change)
{
	struct weft__journal journal;
	struct weft__follower *f;
	int status = weft__journal_begin(store, change, &journal);

	if (status < 0)
		return status;
	pthread_rwlock_wrlock(&r->lock);
	f = person_of(r, change->person.entity_id, true);
	if (f) {
		if (change->kind == WEFT_CHANGE_JOIN)
			f->joined = true;
		else
			f->state = change->person.state;
		weft__journal_push(store, &journal);
	}
	pthread_rwlock_unlock(&r->lock);
	return weft__journal_end(store, &journal, f ? 0 : -ENOMEM);
}

int weft__store_join_any(weft_store *store, weft_uuid room_id, weft_uuid entity_id)
{
	struct weft__room *r = weft__room_get(store, room_id, false);

	if (!r)
		return -ENOENT;
	return change_person(store, r, &(weft_change){ .kind = WEFT_CHANGE_JOIN, .person = { room_id, entity_id, WEFT_FOLLOW_NONE } });
}

int weft_store_join(weft_store *store, weft_uuid room_id, weft_uuid entity_id)
{
	if (!store)
		return -EINVAL;
	return entity_exists(store, entity_id) ? weft__store_join_any(store, room_id, entity_id) : -ENOENT;
}

int weft_store_participants(weft_store *store, weft_uuid room_id, weft_arena *arena, weft_entity **ret_entities)
{
	struct weft__room *r;
	weft_entity *list;
	int n = 0;

	if (!store || !arena || !ret_entities)
		return -EINVAL;
	r = weft__room_get(store, room_id, false);
	if (!r)
		return -ENOENT;
	pthread_rwlock_rdlock(&r->lock);
	list = weft_arena_alloc(arena, (r->people_count + 1) * sizeof(*list));
	for (uint32_t i = 0; list && i < r->people_count; i++) {
		if (r->people[i].joined)
			list[n++] = (weft_entity){ .id = r->people[i].entity_id };
	}
	pthread_rwlock_unlock(&r->lock);
	if (!list)
		return -ENOMEM;
	/* names after the room was left: shards come before rooms in the lock order */
	for (int i = 0; i < n; i++) {
		int got = weft_store_get_entity(store, list[i].id, arena, &list[i]);

		if (got == -ENOMEM)
			return got;
	}
	*ret_entities = list;
	return n;
}

int weft_store_set_follow(weft_store *store, weft_uuid room_id, weft_uuid entity_id, weft_follow state)
{
	struct weft__room *r;

	if (!store || (unsigned)state > WEFT_FOLLOW_MUTED)
		return -EINVAL;
	r = weft__room_get(store, room_id, false);
	if (!r)
		return -ENOENT;
	return change_person(store, r, &(weft_change){ .kind = WEFT_CHANGE_FOLLOW, .person = { room_id, entity_id, state } });
}

weft_follow weft_store_get_follow(weft_store *store, weft_uuid room_id, weft_uuid entity_id)
{
	struct weft__room *r = store ? weft__room_get(store, room_id, false) : NULL;
	weft_follow state = WEFT_FOLLOW_NONE;

	if (!r)
		return state;
	pthread_rwlock_rdlock(&r->lock);
	for (uint32_t i = 0; i < r->people_count; i++) {
		if (weft_uuid_eq(r->people[i].entity_id, entity_id))
			state = r->people[i].state;
	}
	pthread_rwlock_unlock(&r->lock);
	return state;
}
