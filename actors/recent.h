/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/recent.h - the newest messages of a room as a section of a prompt.
 *
 * The newest WEFT__RECENT_MESSAGES, as many of them as fit the budget, oldest
 * first in the text, each with its attachments below it:
 *
 *   Bob: what is this?
 *     [0193... - Bee (https://a/bee.png)] Text: ... Description: ...
 *
 * One visit copies them into a scratch block, newest first,
 * and notes where each is; after the room's lock is gone each distinct speaker's
 * name is looked up once and the lines are written in their order. The cost
 * follows what is shown, never the length of the history.
 */
#ifndef WEFT_ACTORS_RECENT_H
#define WEFT_ACTORS_RECENT_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/memory.h>

#define WEFT__RECENT_MESSAGES 64u
#define WEFT__RECENT_TOKENS 50000u     /* the budget */
#define WEFT__RECENT_BYTES_EACH 20000u /* a longer message is cut */
#define WEFT__RECENT_ATTACHED_BYTES 20000u /* of a message: shared evenly by what its attachments say */
#define WEFT__BYTES_PER_TOKEN 4u       /* about; nobody has a tokeniser for every model */

struct weft__recent {
	weft_str section; /* heading and lines; empty when there are none */
	size_t heading_bytes;
	uint32_t *line_at; /* where each line begins in section, oldest first */
	uint32_t line_count;
};

struct weft__recent_query {
	weft_store *store;
	weft_uuid room_id;
	weft_uuid agent_id; /* its lines carry agent_name */
	weft_str agent_name;
};

/** @return 0 or -ENOMEM */
int weft__recent_render(const struct weft__recent_query *query, weft_arena *arena,
                        struct weft__recent *ret_recent);

/** Drop the oldest lines until at least bytes are gone or one line is left. @return bytes dropped */
size_t weft__recent_trim(struct weft__recent *recent, size_t bytes);

#endif
