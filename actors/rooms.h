/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/rooms.h - the rooms in which an agent is at work, and who waits there.
 *
 * A room is in the table only while a turn of it waits for something: a message
 * that is answered in one go never touches it. Belongs to the agent's behaviour.
 *
 *   buckets ->  [room | turn | head -> msg -> msg <- tail ] -> next in bucket
 */
#ifndef WEFT_ACTORS_ROOMS_H
#define WEFT_ACTORS_ROOMS_H

#include <weft/actor.h>
#include <weft/plugin.h>
#include <weft/uuid.h>

struct weft__waiting {
	weft_msg *request; /* owned */
	struct weft__waiting *next;
};

struct weft__room {
	weft_uuid id;
	weft_turn *turn;                    /* the one that is being handled */
	struct weft__waiting *head, **tail; /* oldest first */
	struct weft__room *next;
};

struct weft__rooms {
	struct weft__room **buckets;
	uint32_t bucket_count; /* power of two */
	uint32_t room_count;
	uint32_t waiting; /* messages, over all rooms */
	weft_ref embedder;
	bool embedder_failed; /* could not be started: do not try for each message */
};

/** NULL when out of memory. */
struct weft__rooms *weft__rooms_create(void);
/** Release it with every message that waits (they are answered NOREPLY). NULL is fine. */
void weft__rooms_destroy(struct weft__rooms *rooms);

struct weft__room *weft__rooms_find(const struct weft__rooms *rooms, weft_uuid id);
/** The room must not be there. NULL when out of memory. */
struct weft__room *weft__rooms_add(struct weft__rooms *rooms, weft_uuid id, weft_turn *turn);
/** Nobody waits in it. */
void weft__rooms_remove(struct weft__rooms *rooms, struct weft__room *room);

/** Put a request at the end. Takes it on success. @return 0 or -ENOMEM */
int weft__room_push(struct weft__rooms *rooms, struct weft__room *room, weft_msg *request);
/** The oldest that waits, or NULL. */
weft_msg *weft__room_pop(struct weft__rooms *rooms, struct weft__room *room);
/** One that waits anywhere and has this workflow id, or any for 0; NULL: there is none. Looks at all. */
weft_msg *weft__rooms_take(struct weft__rooms *rooms, uint64_t workflow_id);

#endif
