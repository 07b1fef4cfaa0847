/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/task.c - what is to be done: tasks and goals, by id, and listed by room.
 *
 * A task is a record of the map of tasks, and stands in a bag: its room's, or its entity's when it has no room. Put
 * replaces the record, in its place when the bag is the same. Locks: the task's shard, then its bag's.
 */
#include <errno.h>

#include "runtime/base/clock.h"
#include "store/bag.h"
#include "store/journal.h"

static struct weft__task *task_make(const weft_task *from)
{
	struct weft__task *t =
	        weft_malloc(sizeof(*t) + from->name.len_bytes + from->description.len_bytes + from->tags.len_bytes + 3);
	char *at = (char *)(t + 1);

	if (!t)
		return NULL;
	t->id = from->id;
	t->info = *from;
	t->info.name = weft__text_put(&at, from->name);
	t->info.description = weft__text_put(&at, from->description);
	t->info.tags = weft__text_put(&at, from->tags);
	if (!t->info.created_ms)
		t->info.created_ms = weft_wall_ms();
	if (!t->info.updated_ms)
		t->info.updated_ms = t->info.created_ms;
	return t;
}

static weft_uuid bag_of(const struct weft__task *t)
{
	return weft_uuid_is_nil(t->info.room_id) ? t->info.entity_id : t->info.room_id;
}

/* ---- changing ---------------------------------------------------------------------------- */

static void bag_remove(weft_store *store, const struct weft__task *t)
{
	struct weft__shard *bag = weft__map_lock(&store->task_bags, bag_of(t));

	weft__bag_remove(bag, bag_of(t), t);
	weft__map_unlock(bag);
}

/* With the task's shard locked: into map and bag, or into neither. *ret_old: what it replaced. */
static int replace(weft_store *store, struct weft__shard *shard, struct weft__task *t, struct weft__task **ret_old)
{
	struct weft__task *old = weft__shard_find(shard, t->id);
	weft_uuid id = bag_of(t);
	bool stays = old && weft_uuid_eq(bag_of(old), id);
	struct weft__shard *bag = weft__map_lock(&store->task_bags, id);
	int r = weft__bag_reserve(bag, id);

	if (r == 0) {
		if (old)
			weft__shard_remove(shard, t->id);
		r = weft__shard_insert(shard, t); /* cannot fail where one was removed */
		if (r == 0)
			weft__bag_put(bag, id, stays ? old : NULL, t);
		else
			weft__bag_trim(bag, id);
	}
	weft__map_unlock(bag);
	if (r < 0)
		return r;
	if (old && !stays)
		bag_remove(store, old);
	*ret_old = old;
	return 0;
}

int weft_store_put_task(weft_store *store, const weft_task *task)
{
	struct weft__journal journal;
	struct weft__shard *shard;
	struct weft__task *t, *old = NULL;
	int status;

	if (!store || !task || weft_uuid_is_nil(task->id) || (unsigned)task->kind > WEFT_TASK_GOAL ||
	    (unsigned)task->status > WEFT_TASK_FAILED)
		return -EINVAL;
	if (task->name.len_bytes > WEFT_MEMORY_TEXT_MAX || task->description.len_bytes > WEFT_MEMORY_TEXT_MAX ||
	    task->tags.len_bytes > WEFT_MEMORY_TEXT_MAX)
		return -EMSGSIZE;
	t = task_make(task);
	status = t ? weft__journal_begin(store, &(weft_change){ .kind = WEFT_CHANGE_TASK, .task = t->info }, &journal) : -ENOMEM;
	if (status < 0) {
		weft_free(t);
		return status;
	}
	shard = weft__map_lock(&store->tasks, t->id);
	status = replace(store, shard, t, &old);
	if (status == 0)
		weft__journal_push(store, &journal);
	weft__map_unlock(shard);
	weft_free(status < 0 ? t : old);
	return weft__journal_end(store, &journal, status);
}

int weft_store_delete_task(weft_store *store, weft_uuid id)
{
	struct weft__journal journal;
	struct weft__shard *shard;
	struct weft__task *t;
	int status;

	if (!store)
		return -EINVAL;
	status = weft__journal_begin(store, &(weft_change){ .kind = WEFT_CHANGE_TASK_DELETE, .task = { .id = id } }, &journal);
	if (status < 0)
		return status;
	shard = weft__map_lock(&store->tasks, id);
	t = weft__shard_remove(shard, id);
	if (t) {
		bag_remove(store, t);
		weft__journal_push(store, &journal);
	}
	weft__map_unlock(shard);
	weft_free(t);
	return weft__journal_end(store, &journal, t ? 0 : -ENOENT);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int copy(const struct weft__task *t, weft_arena *arena, weft_task *ret)
{
	weft_task out = t->info;

	out.name = weft_arena_dup(arena, out.name);
	out.description = weft_arena_dup(arena, out.description);
	out.tags = weft_arena_dup(arena, out.tags);
	if (!out.name.ptr || !out.description.ptr || !out.tags.ptr)
		return -ENOMEM;
	*ret = out;
	return 0;
}

int weft_store_get_task(weft_store *store, weft_uuid id, weft_arena *arena, weft_task *ret)
{
	struct weft__shard *shard;
	const struct weft__task *t;
	int status;

	if (!store || !arena || !ret)
		return -EINVAL;
	shard = weft__map_lock(&store->tasks, id);
	t = weft__shard_find(shard, id);
	status = t ? copy(t, arena, ret) : -ENOENT;
	weft__map_unlock(shard);
	return status;
}

/* A bag may hold the tasks of a room and those of an entity of the same id. */
static bool is_wanted(const struct weft__task *t, weft_uuid room_id, weft_uuid entity_id, uint32_t statuses)
{
	return weft_uuid_eq(room_id, t->info.room_id) &&
	       (weft_uuid_is_nil(entity_id) || weft_uuid_eq(entity_id, t->info.entity_id)) &&
	       (!statuses || (statuses >> t->info.status & 1));
}

int weft_store_tasks(weft_store *store, weft_uuid room_id, weft_uuid entity_id, uint32_t statuses, weft_arena *arena,
                     weft_task **ret_tasks)
{
	weft_uuid id = weft_uuid_is_nil(room_id) ? entity_id : room_id;
	struct weft__shard *shard;
	const struct weft__bag *b;
	weft_task *list;
	uint32_t count;
	int n = 0, r = 0;

	if (!store || !arena || !ret_tasks)
		return -EINVAL;
	shard = weft__map_lock(&store->task_bags, id);
	b = weft__shard_find(shard, id);
	count = b ? b->count : 0;
	list = count ? weft_arena_alloc(arena, count * sizeof(*list)) : NULL;
	for (uint32_t i = 0; list && r == 0 && i < count; i++) {
		if (is_wanted(b->items[i], room_id, entity_id, statuses))
			r = copy(b->items[i], arena, &list[n++]);
	}
	weft__map_unlock(shard);
	if ((count && !list) || r < 0)
		return -ENOMEM;
	*ret_tasks = list;
	return n;
}
