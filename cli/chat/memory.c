/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/chat/memory.c - what was said: a room in a store, durable with --memory.
 *
 * The room, the user and the agent have ids that follow from the agent's name, so that the next start finds them.
 * Only whole turns are kept: what was said and what was answered. What tools gave stays inside their turn.
 */
#include <errno.h>
#include <string.h>

#include "cli/chat/chat.h"

#define HISTORY_MESSAGES 100u
#define HISTORY_BYTES (256u << 10)

/* An id that is the same each time: a UUID of version 8, made from a text. */
static weft_uuid id_of(const char *what, weft_str name)
{
	weft_uuid id;

	for (int half = 0; half < 2; half++) {
		uint64_t h = 0xcbf29ce484222325u + (uint64_t)half; /* FNV-1a, 64 bits */

		for (const char *at = what; *at; at++)
			h = (h ^ (unsigned char)*at) * 0x100000001b3u;
		for (size_t i = 0; i < name.len_bytes; i++)
			h = (h ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
		memcpy(id.bytes + 8 * half, &h, 8);
	}
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x80);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static int people(struct memory *m, weft_str agent)
{
	weft_room room = { .id = m->room, .kind = WEFT_ROOM_DM, .name = WEFT_STR("chat"), .source = WEFT_STR("weft chat") };
	weft_entity user = { .id = m->user, .name = WEFT_STR("user") };
	weft_entity self = { .id = m->agent, .name = agent, .is_agent = true };
	int r = weft_store_put_room(m->store, &room);

	if (r == 0)
		r = weft_store_put_entity(m->store, &user);
	if (r == 0)
		r = weft_store_put_entity(m->store, &self);
	if (r == 0)
		r = weft_store_join(m->store, m->room, m->user);
	return r < 0 ? r : weft_store_join(m->store, m->room, m->agent);
}

int chat_memory_open(struct memory *m, const char *path, weft_str agent, weft_error *err)
{
	int r = path ? weft_store_open(path, NULL, &m->store, err) : weft_store_create(NULL, &m->store);

	if (r < 0)
		return path ? r : weft_error_set(err, r, "%s", weft_strerror(r));
	m->durable = path;
	m->room = id_of("room:", agent);
	m->user = id_of("user:", agent);
	m->agent = id_of("agent:", agent);
	m->fresh = !weft_store_count(m->store, m->room, WEFT_MEMORY_MESSAGE);
	if (m->fresh)
		r = people(m, agent);
	return r < 0 ? weft_error_set(err, r, "%s: %s", path ? path : "memory", weft_strerror(r)) : 0;
}

int chat_memory_close(struct memory *m)
{
	int r = 0;

	if (m->durable)
		r = weft_store_close(m->store);
	else
		weft_store_unref(m->store);
	m->store = NULL;
	return r;
}

int chat_memory_history(struct memory *m, weft_arena *arena, weft_chat_message **ret_list)
{
	weft_memory *recent;
	weft_chat_message *list;
	int n = weft_store_recent(m->store, m->room, WEFT_MEMORY_MESSAGE, 0, HISTORY_MESSAGES, arena, &recent);
	int kept = 0;
	size_t bytes = 0;

	if (n <= 0)
		return n;
	while (kept < n && bytes + recent[kept].text.len_bytes <= HISTORY_BYTES)
		bytes += recent[kept++].text.len_bytes;
	list = weft_arena_calloc(arena, ((size_t)kept + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (int i = 0; i < kept; i++) { /* newest first there, oldest first here */
		const weft_memory *from = &recent[kept - 1 - i];

		list[i].role = weft_uuid_eq(from->entity_id, m->agent) ? WEFT_ROLE_ASSISTANT : WEFT_ROLE_USER;
		list[i].content = from->text;
	}
	*ret_list = list;
	return kept;
}

static int add(struct memory *m, weft_uuid who, weft_str text)
{
	weft_memory one = { .type = WEFT_MEMORY_MESSAGE,
		            .room_id = m->room,
		            .entity_id = who,
		            .agent_id = m->agent,
		            .text = text,
		            .source = WEFT_STR("weft chat") };

	return weft_store_add(m->store, &one, NULL);
}

int chat_memory_add(struct memory *m, weft_str said, weft_str answer)
{
	int r = add(m, m->user, said);

	return r < 0 ? r : add(m, m->agent, answer);
}

int chat_memory_forget(struct memory *m)
{
	weft_memory *recent;
	weft_arena *arena;
	int total = 0, n;

	if (weft_arena_create(0, &arena) < 0)
		return 0;
	while ((n = weft_store_recent(m->store, m->room, WEFT_MEMORY_MESSAGE, 0, HISTORY_MESSAGES, arena, &recent)) > 0) {
		for (int i = 0; i < n; i++)
			(void)weft_store_delete(m->store, recent[i].id);
		total += n;
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	return total;
}
