/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/bootstrap.c - the providers and actions that every full agent has, written as a plugin would be, but for what it looks
 * up in the plan.
 */
#include "actors/bootstrap.h"

#include <errno.h>

#include "actors/action.h"
#include "actors/plan.h"
#include "actors/recent.h"
#include "actors/relevant.h"
#include "actors/sections.h"
#include "actors/text.h"
#include "actors/turn.h"

#define ENTITIES_SHOWN 64

/* ---- what never changes -------------------------------------------------- */

static int character(weft_provider_call *call, void *user)
{
	(void)user;
	call->text = call->turn->plan->character;
	return 0;
}

static int providers(weft_provider_call *call, void *user)
{
	(void)user;
	call->text = call->turn->plan->providers;
	return 0;
}

/* ---- actions ------------------------------------------------------------- */

static int actions_of_this_turn(weft_provider_call *call)
{
	const weft_agent_def *def = call->turn->def;
	struct weft__buf b = weft__buf_begin(call->arena, 1024), names = weft__buf_begin(call->arena, 256);
	weft_str list;
	int r;

	weft__buf_put(&b, WEFT_STR("# Actions\n"));
	for (uint32_t i = 0; i < def->action_count; i++) {
		const weft_action *a = def->actions[i];

		if (a->validate && !a->validate(call->turn, a->user))
			continue;
		weft__plan_put_action(&b, a);
		weft__buf_put(&names, names.len_bytes ? WEFT_STR(", ") : WEFT_STR(""));
		weft__buf_put(&names, weft_str_from(a->name));
	}
	if (!b.failed)
		b.len_bytes--;
	r = weft__buf_end(&b, &call->text);
	if (r == 0)
		r = weft__buf_end(&names, &list);
	return r < 0 ? r : weft_provider_put(call, WEFT_STR("action_names"), list);
}

static int actions(weft_provider_call *call, void *user)
{
	(void)user;
	if (call->turn->plan->actions_vary)
		return actions_of_this_turn(call);
	call->text = call->turn->plan->actions;
	return weft_provider_put(call, WEFT_STR("action_names"), call->turn->plan->action_names);
}

/* ---- the conversation ---------------------------------------------------- */

static int recent_messages(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct weft__recent_query query = {
	        .store = turn->store,
	        .room_id = turn->message.room_id,
	        .agent_id = turn->agent_id,
	        .agent_name = turn->agent_name,
	};
	bool timed = !turn->def->opt.no_stage_times;
	uint64_t from = timed ? weft_ticks() : 0;
	int r = weft__recent_render(&query, call->arena, &turn->recent);

	(void)user;
	if (timed)
		weft__turn_count_stage(turn, WEFT_STAGE_RECALL, weft_ticks() - from);
	call->text = turn->recent.section;
	return r;
}

static bool put_fact(const weft_memory *m, void *user)
{
	struct weft__buf *b = user;

	weft__buf_put(b, WEFT_STR("- "));
	weft__buf_put(b, m->text);
	weft__buf_put_char(b, '\n');
	return !b->failed;
}

static int facts(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct weft__buf b = {.arena = call->arena};
	int n;

	(void)user;
	if (weft_store_count(turn->store, turn->message.room_id, WEFT_MEMORY_FACT) == 0)
		return 0;
	weft__buf_put(&b, WEFT_STR("# Facts\n"));
	n = weft_store_visit_recent(turn->store, turn->message.room_id, WEFT_MEMORY_FACT, 0, WEFT__FACTS_SHOWN,
	                            put_fact, &b);
	if (b.failed)
		return -ENOMEM;
	if (n <= 0)
		return n;
	b.len_bytes--;
	return weft__buf_end(&b, &call->text);
}

static int entities(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	weft_entity *list = NULL, one = {0};
	struct weft__buf b = weft__buf_begin(call->arena, 256);
	int n = weft_store_participants(turn->store, turn->message.room_id, call->arena, &list);

	(void)user;
	if (n == -ENOMEM)
		return n;
	if (n <= 0) { /* nobody has joined: there is at least the one who speaks */
		if (weft_store_get_entity(turn->store, turn->message.entity_id, call->arena, &one) < 0)
			return 0;
		list = &one;
		n = 1;
	}
	weft__buf_put(&b, WEFT_STR("# People in the room"));
	for (int i = 0; i < n && i < ENTITIES_SHOWN; i++) {
		weft__buf_put(&b, WEFT_STR("\n- "));
		weft__buf_put(&b, list[i].name);
		if (list[i].is_agent)
			weft__buf_put(&b, WEFT_STR(" (agent)"));
	}
	return weft__buf_end(&b, &call->text);
}

/* ---- time ---------------------------------------------------------------- */

static int now(weft_provider_call *call, void *user)
{
	static const char heading[] = "The time is ";
	char *text = weft_arena_alloc(call->arena, sizeof(heading) + 24);

	(void)user;
	if (!text)
		return -ENOMEM;
	memcpy(text, heading, sizeof(heading));
	weft__format_utc(weft__run_draw(call->turn->run, WEFT__DRAW_TIME, weft_wall_ms()), text + sizeof(heading) - 1);
	call->text = (weft_str){text, sizeof(heading) - 1 + 23};
	return weft_provider_put(call, WEFT_STR("time"), (weft_str){text + sizeof(heading) - 1, 23});
}

/* ---- what was done ------------------------------------------------------- */

static int action_state(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct weft__buf b = {.arena = call->arena};

	(void)user;
	if (turn->result_count == 0)
		return 0;
	weft__buf_put(&b, WEFT_STR("# Done for this message"));
	for (uint32_t i = 0; i < turn->result_count; i++) {
		const weft_action_result *a = &turn->results[i];

		weft__buf_put(&b, WEFT_STR("\n- "));
		weft__buf_put(&b, a->name);
		weft__buf_put(&b, a->status < 0 ? WEFT_STR(": failed: ") : WEFT_STR(": "));
		weft__buf_put(&b, a->status < 0 ? a->error : a->text.len_bytes ? a->text : WEFT_STR("done"));
	}
	return weft__buf_end(&b, &call->text);
}

/* ---- actions ------------------------------------------------------------- */

/* The answer's text was saved as the reply before the actions ran: hand it over. */
static int reply(weft_action_call *call, void *user)
{
	weft_turn *turn = call->turn;
	int r;

	(void)user;
	if (call->text.len_bytes == 0 && turn->def->opt.multi_step)
		return 0; /* the summary is the reply */
	if (call->text.len_bytes == 0)
		return weft_action_fail(call, WEFT_ESCHEMA, "the answer has no <text> to reply with");
	r = weft__turn_say(turn, call->text,
	                   turn->def->opt.multi_step); /* there the reply is saved in the end */
	weft_action_return(call, call->text);
	return r;
}

static int nothing(weft_action_call *call, void *user)
{
	(void)call;
	(void)user;
	return 0;
}

/* ---- registration -------------------------------------------------------- */

static const char *const relevant_keywords[] = {"remember", "recall", "remind", "earlier", "previously", "ago"};

static const weft_provider bootstrap_providers[] = {
        {.size = sizeof(weft_provider),
         .name = "CHARACTER",
         .position = -10,
         .fn = character,
         .description = "who the agent is"},
        {.size = sizeof(weft_provider),
         .name = "ACTIONS",
         .position = -1,
         .fn = actions,
         .description = "what the agent can do"},
        {.size = sizeof(weft_provider),
         .name = "PROVIDERS",
         .fn = providers,
         .description = "providers that may be asked for by name"},
        {.size = sizeof(weft_provider),
         .name = "ENTITIES",
         .fn = entities,
         .description = "who is in the room"},
        {.size = sizeof(weft_provider),
         .name = "RELATIONSHIPS",
         .fn = weft__relationships,
         .description = "whom the speaker has to do with"},
        {.size = sizeof(weft_provider),
         .name = "FACTS",
         .fn = facts,
         .description = "facts told in the room"},
        {.size = sizeof(weft_provider),
         .name = "GOALS",
         .fn = weft__goals,
         .description = "goals and tasks that are open"},
        {.size = sizeof(weft_provider),
         .name = "RELEVANT",
         .position = 90,
         .flags = WEFT_PROVIDER_DYNAMIC,
         .keywords = relevant_keywords,
         .keyword_count = sizeof(relevant_keywords) / sizeof(relevant_keywords[0]),
         .fn = weft__relevant,
         .description = "older messages and facts that the message reminds of"},
        {.size = sizeof(weft_provider), .name = "TIME", .fn = now, .description = "the time in UTC"},
        {.size = sizeof(weft_provider),
         .name = "RECENT_MESSAGES",
         .position = 100,
         .fn = recent_messages,
         .description = "the newest messages of the room"},
        {.size = sizeof(weft_provider),
         .name = "ACTION_STATE",
         .position = 150,
         .fn = action_state,
         .flags = WEFT_PROVIDER_VOLATILE,
         .description = "what was done for this message so far"},
};

static const char *const reply_similes[] = {"RESPOND", "ANSWER", "SEND_REPLY", "GREET"};
static const char *const ignore_similes[] = {"STOP_TALKING", "STOP_CHATTING", "STOP_CONVERSATION"};
static const char *const none_similes[] = {"NO_ACTION", "NO_RESPONSE", "NO_REACTION"};
static const char *const continue_similes[] = {"ELABORATE", "KEEP_TALKING"};

#define SIMILES(list) .similes = (list), .simile_count = sizeof(list) / sizeof((list)[0])

static const weft_action bootstrap_actions[] = {
        {.size = sizeof(weft_action),
         .name = WEFT__REPLY,
         SIMILES(reply_similes),
         .fn = reply,
         .description = "say the text"},
        {.size = sizeof(weft_action),
         .name = WEFT__IGNORE,
         SIMILES(ignore_similes),
         .fn = nothing,
         .description = "say nothing; alone only"},
        {.size = sizeof(weft_action),
         .name = "NONE",
         SIMILES(none_similes),
         .fn = nothing,
         .description = "nothing but the text"},
        {.size = sizeof(weft_action),
         .name = "CONTINUE",
         SIMILES(continue_similes),
         .fn = reply,
         .description = "say the text and leave the conversation open: more is to come"},
};

int weft__bootstrap_add(weft_agent_def *def)
{
	uint32_t count = def->opt.bare ? 1 : sizeof(bootstrap_providers) / sizeof(bootstrap_providers[0]);
	int r = 0;

	for (uint32_t i = 0; i < count && (r == 0 || r == -EEXIST); i++) {
		weft_provider p = bootstrap_providers[i];

		if (p.fn == weft__relevant && def->opt.recall_always)
			p.flags &= ~(uint32_t)WEFT_PROVIDER_DYNAMIC;
		r = weft_agent_def_add_provider(def, &p);
	}
	for (uint32_t i = 0;
	     i < sizeof(bootstrap_actions) / sizeof(bootstrap_actions[0]) && (r == 0 || r == -EEXIST); i++)
		r = weft_agent_def_add_action(def, &bootstrap_actions[i]);
	def->bootstrapped = r == 0 || r == -EEXIST;
	return def->bootstrapped ? 0 : r;
}
