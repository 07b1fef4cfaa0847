/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/branch.c - a room copied up to a message, so that a conversation can go on in two directions.
 *
 * What is taken is read first, messages in one look under the room's lock, then written by the store's own calls: a
 * durable store keeps the branch like anything else. Histories come newest first; they are written from their end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/memory.h>

/* A memory's id in the old room, and its copy's. */
struct pair {
	weft_uuid from, to;
};

struct branch {
	weft_store *store;
	weft_arena *arena;
	weft_uuid room_id;         /* the new one */
	struct pair *pairs;        /* sorted by from */
	uint32_t pair_count;
	weft_memory *list[WEFT_MEMORY_TYPE_COUNT]; /* newest first */
	uint32_t count[WEFT_MEMORY_TYPE_COUNT];
};

static int by_from(const void *a, const void *b)
{
	return memcmp(((const struct pair *)a)->from.bytes, ((const struct pair *)b)->from.bytes, sizeof(weft_uuid));
}

static const weft_uuid *copy_of(const struct branch *b, weft_uuid id)
{
	struct pair key = { .from = id };
	const struct pair *p = bsearch(&key, b->pairs, b->pair_count, sizeof(key), by_from);

	return p ? &p->to : NULL;
}

/* ---- what is taken ----------------------------------------------------------------- */

static int take(struct branch *b, weft_uuid room_id, weft_memory_type type)
{
	int n = weft_store_recent(b->store, room_id, type, 0, UINT32_MAX, b->arena, &b->list[type]);

	b->count[type] = n < 0 ? 0 : (uint32_t)n;
	return n < 0 ? n : 0;
}

/* The messages up to last_id; from_ms is when that one was created. */
static int cut_messages(struct branch *b, weft_uuid last_id, int64_t *ret_ms)
{
	weft_memory *list = b->list[WEFT_MEMORY_MESSAGE];
	uint32_t count = b->count[WEFT_MEMORY_MESSAGE];

	for (uint32_t i = 0; i < count; i++) {
		if (!weft_uuid_eq(list[i].id, last_id))
			continue;
		*ret_ms = list[i].created_ms;
		b->list[WEFT_MEMORY_MESSAGE] = list + i;
		b->count[WEFT_MEMORY_MESSAGE] = count - i;
		return 0;
	}
	return -ENOENT;
}

/* Of another type: what was created no later. */
static void cut_by_time(struct branch *b, int type, int64_t last_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->count[type]; i++) {
		if (b->list[type][i].created_ms <= last_ms)
			b->list[type][kept++] = b->list[type][i];
	}
	b->count[type] = kept;
}

static int take_all(struct branch *b, weft_uuid room_id, weft_uuid last_id)
{
	int64_t last_ms = INT64_MAX;
	int r = 0;

	for (int type = 0; r == 0 && type < WEFT_MEMORY_TYPE_COUNT; type++)
		r = take(b, room_id, (weft_memory_type)type);
	if (r == 0 && !weft_uuid_is_nil(last_id))
		r = cut_messages(b, last_id, &last_ms);
	for (int type = 0; r == 0 && type < WEFT_MEMORY_TYPE_COUNT; type++) {
		if (type != WEFT_MEMORY_MESSAGE)
			cut_by_time(b, type, last_ms);
	}
	return r;
}

/* Fresh ids, in the order in which the memories will be added. */
static int name_all(struct branch *b)
{
	uint32_t total = 0;

	for (int type = 0; type < WEFT_MEMORY_TYPE_COUNT; type++)
		total += b->count[type];
	b->pairs = weft_arena_alloc(b->arena, (total + (size_t)1) * sizeof(*b->pairs));
	if (!b->pairs)
		return -ENOMEM;
	for (int type = 0; type < WEFT_MEMORY_TYPE_COUNT; type++) {
		for (uint32_t i = b->count[type]; i-- > 0;)
			b->pairs[b->pair_count++] = (struct pair){ b->list[type][i].id, weft_uuid_v7() };
	}
	qsort(b->pairs, b->pair_count, sizeof(*b->pairs), by_from);
	return 0;
}

/* ---- what is written ---------------------------------------------------------------- */

static int put_room(struct branch *b, weft_uuid room_id)
{
	weft_entity *people;
	weft_room room;
	int n, r = weft_store_get_room(b->store, room_id, b->arena, &room);

	if (r < 0)
		return r;
	room.id = b->room_id;
	r = weft_store_put_room(b->store, &room);
	n = r < 0 ? r : weft_store_participants(b->store, room_id, b->arena, &people);
	r = n < 0 ? n : 0;
	for (int i = 0; r == 0 && i < n; i++) {
		weft_follow follow = weft_store_get_follow(b->store, room_id, people[i].id);

		r = weft_store_join(b->store, b->room_id, people[i].id);
		if (r == 0 && follow != WEFT_FOLLOW_NONE)
			r = weft_store_set_follow(b->store, b->room_id, people[i].id, follow);
	}
	return r;
}

static int put_memory(struct branch *b, const weft_memory *from)
{
	const weft_uuid *reply = copy_of(b, from->in_reply_to);
	weft_memory m = *from;
	int r;

	m.id = *copy_of(b, from->id);
	m.room_id = b->room_id;
	if (reply)
		m.in_reply_to = *reply;
	r = weft_store_add(b->store, &m, NULL);
	if (r == 0 && m.embedding_dims)
		r = weft_store_set_embedding(b->store, m.id, m.embedding, m.embedding_dims);
	return r == -ENOENT ? 0 : r; /* a limit has taken it away again */
}

static int put_all(struct branch *b)
{
	int r = 0;

	for (int type = 0; r == 0 && type < WEFT_MEMORY_TYPE_COUNT; type++) {
		for (uint32_t i = b->count[type]; r == 0 && i-- > 0;)
			r = put_memory(b, &b->list[type][i]);
	}
	return r;
}

static void undo(struct branch *b)
{
	for (uint32_t i = 0; i < b->pair_count; i++)
		weft_store_delete(b->store, b->pairs[i].to);
}

int weft_store_branch(weft_store *store, weft_uuid room_id, weft_uuid last_id, weft_uuid *ret_room_id)
{
	struct branch b = { .store = store, .room_id = weft_uuid_v7() };
	int r;

	if (!store || !ret_room_id || weft_uuid_is_nil(room_id))
		return -EINVAL;
	r = weft_arena_create(1 << 16, &b.arena);
	if (r < 0)
		return r;
	r = take_all(&b, room_id, last_id);
	if (r == 0)
		r = name_all(&b);
	if (r == 0)
		r = put_room(&b, room_id);
	if (r == 0)
		r = put_all(&b);
	if (r == 0)
		*ret_room_id = b.room_id;
	else
		undo(&b);
	weft_arena_destroy(b.arena);
	return r;
}
