/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/respond.c - whether to answer a message, by rules that need no model: the first one that applies decides. What none
 * decides the model is asked, and its word is read here too.
 */
#include "actors/respond.h"

#include "actors/text.h"

static bool is_direct(weft_room_kind kind)
{
	return kind == WEFT_ROOM_DM || kind == WEFT_ROOM_VOICE_DM || kind == WEFT_ROOM_SELF ||
	       kind == WEFT_ROOM_API;
}

static bool is_client_chat(weft_str source)
{
	return weft_str_eq(source, WEFT_STR("client_chat"));
}

static enum weft__respond decide(enum weft__respond d, weft_str reason, weft_str *ret_reason)
{
	if (ret_reason)
		*ret_reason = reason;
	return d;
}

enum weft__respond weft__respond_by_rule(const struct weft__respond_facts *f, weft_str *ret)
{
	if (f->autonomous)
		return decide(WEFT__RESPOND_YES, WEFT_STR("the agent is autonomous"), ret);
	if (!f->check)
		return decide(WEFT__RESPOND_YES, WEFT_STR("the check is off"), ret);
	if (!f->room)
		return decide(WEFT__RESPOND_NO, WEFT_STR("there is no such room"), ret);
	if (is_direct(f->room->kind))
		return decide(WEFT__RESPOND_YES, WEFT_STR("a direct room"), ret);
	if (is_client_chat(f->source) || is_client_chat(f->room->source))
		return decide(WEFT__RESPOND_YES, WEFT_STR("a client's chat"), ret);
	if (f->mentions_agent)
		return decide(WEFT__RESPOND_YES, WEFT_STR("the agent is mentioned"), ret);
	if (f->replies_to_agent)
		return decide(WEFT__RESPOND_YES, WEFT_STR("a reply to the agent"), ret);
	if (weft__text_has_word(f->text, f->agent_name))
		return decide(WEFT__RESPOND_YES, WEFT_STR("the agent is named"), ret);
	return decide(WEFT__RESPOND_ASK_MODEL, WEFT_STR("no rule applies"), ret);
}

bool weft__respond_by_action(weft_str action)
{
	weft_str a = weft__str_trim(action);

	return !weft__str_eq_nocase(a, WEFT_STR("IGNORE")) && !weft__str_eq_nocase(a, WEFT_STR("NONE")) &&
	       !weft__str_eq_nocase(a, WEFT_STR("STOP"));
}
