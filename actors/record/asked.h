/* SPDX-License-Identifier: Apache-2.0 */
/* actors/record/asked.h - what a run was asked, and of whom: as members of lines, and as a hash that finds it again. */
#ifndef WEFT_ACTORS_RECORD_ASKED_H
#define WEFT_ACTORS_RECORD_ASKED_H

#include <weft/agent.h>
#include <weft/plugin.h>

#include "actors/record/scribe.h"

/** The members of a request for a run: its kind, and the ask or the message. */
void weft__scribe_asked(struct weft__scribe *s, weft_msg *request);
/** How it ended: the members of its last line that a replay compares. */
void weft__scribe_ended(struct weft__scribe *s, const weft_agent_result *result, uint32_t steps);
/** The same as weft__scribe_asked without what is different each time (rooms, entities). @return 0 or -ENOMEM */
int weft__asked_hash(struct weft__scribe *s, weft_msg *request, weft_hash128 *ret_hash);
/** A definition: its name, prompts, policies, tools, and who it is. */
void weft__scribe_def(struct weft__scribe *s, const weft_agent_def *def);
/** The numbers and policies of a definition's line, back; no strings, no registries. */
void weft__read_def(weft_json line, weft_agent_options *ret_opt);
/** The line of a run, back. Strings in arena. @return 0, -ENOMEM, -EINVAL */
int weft__read_ask(weft_json line, weft_arena *arena, weft_ask *ret_ask);
int weft__read_incoming(weft_json line, weft_arena *arena, weft_incoming *ret_in);
/** "message", not "ask". */
bool weft__read_is_message(weft_json line);

#endif
