/* SPDX-License-Identifier: Apache-2.0 */
/* respond: each rule alone decides; what no rule decides goes to the model. */
#include "actors/respond.h"

#include <criterion/criterion.h>

static weft_room group = {.kind = WEFT_ROOM_GROUP};

static struct weft__respond_facts facts(void)
{
	return (struct weft__respond_facts){.check = true,
	                                    .room = &group,
	                                    .agent_name = WEFT_STR("Ada"),
	                                    .text = WEFT_STR("hello there")};
}

Test(respond, by_rule__leaves_a_plain_group_message_to_the_model)
{
	struct weft__respond_facts f = facts();
	weft_str why = {0};

	cr_assert_eq(weft__respond_by_rule(&f, &why), WEFT__RESPOND_ASK_MODEL);
	cr_assert(why.len_bytes > 0);
}

Test(respond, by_rule__autonomous_or_check_off_is_yes)
{
	struct weft__respond_facts f = facts();

	f.autonomous = true;
	f.room = NULL;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f.autonomous = false;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_NO);
	f.check = false;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
}

Test(respond, by_rule__room_kinds)
{
	static const weft_room_kind yes[] = {WEFT_ROOM_DM, WEFT_ROOM_VOICE_DM, WEFT_ROOM_SELF, WEFT_ROOM_API};
	static const weft_room_kind ask[] = {WEFT_ROOM_GROUP, WEFT_ROOM_VOICE_GROUP, WEFT_ROOM_FEED,
	                                     WEFT_ROOM_THREAD};
	struct weft__respond_facts f = facts();
	weft_room room = {0};

	f.room = &room;
	for (int i = 0; i < 4; i++) {
		room.kind = yes[i];
		cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
		room.kind = ask[i];
		cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_ASK_MODEL);
	}
}

Test(respond, by_rule__chat_mention_reply_or_name_is_yes)
{
	struct weft__respond_facts f = facts();
	weft_room chat = {.kind = WEFT_ROOM_GROUP, .source = WEFT_STR("client_chat")};

	f.source = WEFT_STR("client_chat");
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f = facts();
	f.room = &chat;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f = facts();
	f.mentions_agent = true;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f = facts();
	f.replies_to_agent = true;
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f = facts();
	f.text = WEFT_STR("what do you think, ada?");
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_YES);
	f.text = WEFT_STR("Canada is cold");
	cr_assert_eq(weft__respond_by_rule(&f, NULL), WEFT__RESPOND_ASK_MODEL);
}

Test(respond, by_action__no_means_ignore_none_stop)
{
	cr_assert(weft__respond_by_action(WEFT_STR("RESPOND")));
	cr_assert(weft__respond_by_action(WEFT_STR("anything")));
	cr_assert_not(weft__respond_by_action(WEFT_STR(" ignore ")));
	cr_assert_not(weft__respond_by_action(WEFT_STR("NONE")));
	cr_assert_not(weft__respond_by_action(WEFT_STR("STOP")));
}
