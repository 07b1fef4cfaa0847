/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/respond.h - shall the agent answer this message? Rules first: they
 * decide nearly always, and only what they leave open costs a model call.
 */
#ifndef WEFT_ACTORS_RESPOND_H
#define WEFT_ACTORS_RESPOND_H

#include <weft/base.h>
#include <weft/memory.h>

enum weft__respond { WEFT__RESPOND_NO, WEFT__RESPOND_YES, WEFT__RESPOND_ASK_MODEL };

struct weft__respond_facts {
	bool autonomous;
	bool check; /* the definition's check_should_respond */
	bool mentions_agent;
	bool replies_to_agent;
	const weft_room *room; /* NULL: there is none */
	weft_str source;       /* of the message: "client_chat" */
	weft_str agent_name;
	weft_str text;
};

/** @param ret_reason  a static sentence for the event; may be NULL */
enum weft__respond weft__respond_by_rule(const struct weft__respond_facts *facts, weft_str *ret_reason);
/** What the small model's action means: everything but IGNORE, NONE and STOP is a yes. */
bool weft__respond_by_action(weft_str action);

#endif
