/* SPDX-License-Identifier: Apache-2.0 */
/* actors/rooms.c - the rooms in which a turn waits: a chained hash table that doubles, and a queue of messages in each. */
#include "actors/rooms.h"

#include <errno.h>

#include "actors/agent.h"

#define BUCKETS_FIRST 16u

struct weft__rooms *weft__rooms_create(void)
{
	return weft_calloc(1, sizeof(struct weft__rooms));
}

static void room_destroy(struct weft__rooms *rooms, struct weft__room *room)
{
	weft_msg *request;

	while ((request = weft__room_pop(rooms, room)))
		weft_msg_destroy(request);
	weft_free(room);
}

void weft__rooms_destroy(struct weft__rooms *rooms)
{
	if (!rooms)
		return;
	for (uint32_t i = 0; i < rooms->bucket_count; i++) {
		for (struct weft__room *room = rooms->buckets[i], *next; room; room = next) {
			next = room->next;
			room_destroy(rooms, room);
		}
	}
	weft_free(rooms->buckets);
	weft_free(rooms);
}

static struct weft__room **bucket_of(const struct weft__rooms *rooms, weft_uuid id)
{
	return &rooms->buckets[weft_uuid_hash(id) & (rooms->bucket_count - 1)];
}

struct weft__room *weft__rooms_find(const struct weft__rooms *rooms, weft_uuid id)
{
	struct weft__room *room = rooms->room_count ? *bucket_of(rooms, id) : NULL;

	while (room && !weft_uuid_eq(room->id, id))
		room = room->next;
	return room;
}

static int grow(struct weft__rooms *rooms)
{
	struct weft__rooms bigger = *rooms;

	bigger.bucket_count = rooms->bucket_count ? rooms->bucket_count * 2 : BUCKETS_FIRST;
	bigger.buckets = weft_calloc(bigger.bucket_count, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < rooms->bucket_count; i++) {
		for (struct weft__room *room = rooms->buckets[i], *next; room; room = next) {
			struct weft__room **bucket = bucket_of(&bigger, room->id);

			next = room->next;
			room->next = *bucket;
			*bucket = room;
		}
	}
	weft_free(rooms->buckets);
	*rooms = bigger;
	return 0;
}

struct weft__room *weft__rooms_add(struct weft__rooms *rooms, weft_uuid id, weft_turn *turn)
{
	struct weft__room *room, **bucket;

	if (rooms->room_count >= rooms->bucket_count && grow(rooms) < 0 && rooms->bucket_count == 0)
		return NULL; /* a table that cannot grow only gets slower */
	room = weft_malloc(sizeof(*room));
	if (!room)
		return NULL;
	bucket = bucket_of(rooms, id);
	*room = (struct weft__room){.id = id, .turn = turn, .next = *bucket};
	room->tail = &room->head;
	*bucket = room;
	rooms->room_count++;
	return room;
}

void weft__rooms_remove(struct weft__rooms *rooms, struct weft__room *room)
{
	struct weft__room **at = bucket_of(rooms, room->id);

	while (*at != room)
		at = &(*at)->next;
	*at = room->next;
	rooms->room_count--;
	weft_free(room);
}

int weft__room_push(struct weft__rooms *rooms, struct weft__room *room, weft_msg *request)
{
	struct weft__waiting *w = weft_malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct weft__waiting){request, NULL};
	*room->tail = w;
	room->tail = &w->next;
	rooms->waiting++;
	return 0;
}

weft_msg *weft__room_pop(struct weft__rooms *rooms, struct weft__room *room)
{
	struct weft__waiting *w = room->head;
	weft_msg *request;

	if (!w)
		return NULL;
	request = w->request;
	room->head = w->next;
	if (!room->head)
		room->tail = &room->head;
	rooms->waiting--;
	weft_free(w);
	return request;
}

/* Out of the room's queue: the first with the id, or any. */
static weft_msg *take(struct weft__rooms *rooms, struct weft__room *room, uint64_t workflow_id)
{
	for (struct weft__waiting **at = &room->head, *w; (w = *at); at = &w->next) {
		weft_msg *request = w->request;

		if (workflow_id && weft__request_workflow(request) != workflow_id)
			continue;
		*at = w->next;
		if (!w->next)
			room->tail = at;
		rooms->waiting--;
		weft_free(w);
		return request;
	}
	return NULL;
}

weft_msg *weft__rooms_take(struct weft__rooms *rooms, uint64_t workflow_id)
{
	for (uint32_t i = 0; i < rooms->bucket_count; i++) {
		for (struct weft__room *room = rooms->buckets[i]; room; room = room->next) {
			weft_msg *request = take(rooms, room, workflow_id);

			if (request)
				return request;
		}
	}
	return NULL;
}
