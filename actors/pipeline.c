/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/pipeline.c - the phases of a turn, one function each, in the order they come.
 *
 *                     v-- ATTACHMENTS -> ATTACHMENTS_BACK, when the message has any
 *   BEGIN -> REMEMBER -> SHOULD_RESPOND -+-> COMPOSE -> ASK <-> ANSWER -> SAVE -> (REPAIR) -> ACT -+
 *     |          |          |  RESPOND_ASK <-> RESPOND_ANSWER              |                        |
 *     |          |          +-> multi-step: ROUND ... SUMMARY -> SAVE ------+                        |
 *     +----------+----------------------------> (not responding) ------------------> EVALUATE <-----+-> END
 *
 * A phase returns 0 to go on with turn->phase, WEFT_PENDING when calls are under
 * way: the last that comes back goes on from there.
 */
#include "actors/pipeline.h"

#include <errno.h>

#include "actors/action.h"
#include "actors/attachment.h"
#include "actors/bootstrap.h"
#include "actors/embedder.h"
#include "actors/evaluator.h"
#include "actors/plan.h"
#include "actors/provider.h"
#include "actors/question.h"
#include "actors/respond.h"
#include "actors/rooms.h"

/* ---- begin, remember ----------------------------------------------------- */

static int phase_begin(weft_turn *turn)
{
	weft_str reason = {NULL, 0};

	turn->phase = WEFT__PHASE_REMEMBER;
	if (weft_uuid_eq(turn->message.entity_id, turn->agent_id) && !turn->def->opt.autonomous) {
		turn->phase = WEFT__PHASE_END;
		return 0;
	}
	if (turn->def->pre_evaluator_count && weft__pre_evaluate(turn, &reason))
		weft__turn_fail(turn, WEFT_EBLOCKED, "blocked: %.*s", WEFT_STR_ARG(reason));
	return 0;
}

static bool is_muted(weft_turn *turn)
{
	return weft_store_get_follow(turn->store, turn->message.room_id, turn->agent_id) ==
	               WEFT_FOLLOW_MUTED &&
	       !weft__text_has_word(turn->message.text, turn->agent_name);
}

/* End the turn: it cannot be remembered, and why. Gives r. */
static int not_remembered(weft_turn *turn, const char *what, weft_uuid agent_id, int r)
{
	weft_error err;

	if (r == -EDQUOT)
		weft_store_quota_error(turn->store, agent_id, &err);
	weft__turn_fail(turn, r, "%s cannot be remembered: %s", what, r == -EDQUOT ? err.message : weft_strerror(r));
	return r;
}

static int phase_remember(weft_turn *turn)
{
	int r;

	weft__turn_stage(turn, WEFT_STAGE_REMEMBER);
	turn->phase = turn->message.attachment_count ? WEFT__PHASE_ATTACHMENTS : WEFT__PHASE_SHOULD_RESPOND;
	r = weft_store_add(turn->store, &turn->message, NULL);
	if (r < 0 && r != -EEXIST)
		return not_remembered(turn, "the message", turn->message.agent_id, r);
	if (r == 0 && !turn->def->opt.no_embeddings)
		weft__embed_later(turn);
	if (r == -EEXIST && turn->message.attachment_count && weft__attachments_recall(turn) < 0)
		return -ENOMEM;
	r = weft_store_get_room(turn->store, turn->message.room_id, turn->arena, &turn->room);
	if (r == -ENOMEM)
		return r;
	turn->room_known = r == 0;
	if (is_muted(turn))
		turn->phase = WEFT__PHASE_END;
	return 0;
}

/* ---- attachments --------------------------------------------------------- */

static int phase_attachments(weft_turn *turn)
{
	weft__turn_stage(turn, WEFT_STAGE_ATTACHMENTS);
	turn->phase = WEFT__PHASE_ATTACHMENTS_BACK;
	return weft__attachments_look(turn);
}

static int phase_attachments_back(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_SHOULD_RESPOND;
	return weft__attachments_keep(turn);
}

/* ---- should respond ------------------------------------------------------ */

/* Not answering is remembered too, so that the room shows that the message was seen. */
static int not_responding(weft_turn *turn, weft_str why)
{
	weft_memory ignore = {
	        .type = WEFT_MEMORY_MESSAGE,
	        .room_id = turn->message.room_id,
	        .entity_id = turn->agent_id,
	        .agent_id = turn->agent_id,
	        .in_reply_to = turn->message.id,
	        .thought = why,
	        .actions = WEFT_STR(WEFT__IGNORE),
	        .source = turn->message.source,
	};
	int r;

	weft__turn_stage(turn, WEFT_STAGE_REMEMBER);
	turn->phase = WEFT__PHASE_EVALUATE;
	r = weft_store_add(turn->store, &ignore, NULL);
	return r < 0 ? not_remembered(turn, "not answering", turn->agent_id, r) : r;
}

static int respond(weft_turn *turn)
{
	turn->did_respond = true;
	turn->phase = WEFT__PHASE_COMPOSE;
	return 0;
}

static int phase_should_respond(weft_turn *turn)
{
	static const weft_str names[] = {{"CHARACTER", 9}, {"ENTITIES", 8}, {"RECENT_MESSAGES", 15}};
	const struct weft__compose_spec spec = {.include = names, .include_count = 3, .include_only = true};
	const struct weft__respond_facts facts = {
	        .autonomous = turn->def->opt.autonomous,
	        .check = turn->def->opt.check_should_respond,
	        .mentions_agent = turn->mentions_agent,
	        .replies_to_agent = turn->replies_to_agent,
	        .room = turn->room_known ? &turn->room : NULL,
	        .source = turn->message.source,
	        .agent_name = turn->agent_name,
	        .text = turn->message.text,
	};
	weft_str reason;

	weft__turn_stage(turn, WEFT_STAGE_SHOULD_RESPOND);
	switch (weft__respond_by_rule(&facts, &reason)) {
	case WEFT__RESPOND_YES:
		return respond(turn);
	case WEFT__RESPOND_NO:
		return not_responding(turn, reason);
	case WEFT__RESPOND_ASK_MODEL:
		break;
	}
	weft__turn_stage(turn, WEFT_STAGE_COMPOSE);
	turn->phase = WEFT__PHASE_RESPOND_ASK;
	return weft__compose(turn, &spec);
}

static int phase_respond_ask(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_RESPOND_ANSWER;
	return weft__question_ask(turn, WEFT__ASK_RESPOND);
}

static int phase_respond_answer(weft_turn *turn)
{
	if (!weft__question_read(turn, WEFT__PHASE_RESPOND_ASK))
		return 0;
	if (weft__respond_by_action(weft__question_field(&turn->answer, WEFT_STR("action"))))
		return respond(turn);
	return not_responding(turn, weft__question_field(&turn->answer, WEFT_STR("reasoning")));
}

/* ---- compose, ask, answer ------------------------------------------------ */

static int phase_compose(weft_turn *turn)
{
	static const weft_str names[] = {{"ACTIONS", 7}};
	const struct weft__compose_spec spec = {.include = names, .include_count = 1};

	weft__turn_stage(turn, WEFT_STAGE_COMPOSE);
	turn->phase = turn->def->opt.multi_step ? WEFT__PHASE_ROUND : WEFT__PHASE_ASK;
	return weft__compose(turn, &spec);
}

static int phase_ask(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_ANSWER;
	return weft__question_ask(turn, WEFT__ASK_MESSAGE);
}

static bool is_ignore(const struct weft__decision *d)
{
	return d->action_count == 1 && weft__name_matches(d->actions[0], WEFT_STR(WEFT__IGNORE));
}

static int phase_answer(weft_turn *turn)
{
	struct weft__decision *d = &turn->decision;
	struct weft__compose_spec spec = {.include_only = true, .keep = true};
	int r;

	if (!weft__question_read(turn, WEFT__PHASE_ASK))
		return 0;
	r = weft__decision_read(turn);
	if (r < 0)
		return r;
	weft__decision_normalise(d);
	if (is_ignore(d)) {
		turn->did_respond = false;
		turn->run->result.thought = d->thought;
		return not_responding(turn, d->thought);
	}
	turn->phase = WEFT__PHASE_SAVE;
	if (d->provider_count == 0)
		return 0;
	weft__turn_stage(turn, WEFT_STAGE_COMPOSE);
	spec.include = d->providers;
	spec.include_count = d->provider_count;
	return weft__compose(turn, &spec);
}

/* ---- save, act ----------------------------------------------------------- */

static weft_str action_list(weft_turn *turn)
{
	struct weft__buf b;
	weft_str list = {NULL, 0};

	if (turn->decision.action_count == 1)
		return turn->decision.actions[0];
	b = weft__buf_begin(turn->arena, 128);
	for (uint32_t i = 0; i < turn->decision.action_count; i++) {
		weft__buf_put(&b, i ? WEFT_STR(",") : WEFT_STR(""));
		weft__buf_put(&b, turn->decision.actions[i]);
	}
	(void)weft__buf_end(&b, &list);
	return list;
}

static int save_message(weft_turn *turn, weft_str text, weft_str actions, weft_str thought, weft_uuid *ret_id)
{
	weft_memory m = {
	        .type = WEFT_MEMORY_MESSAGE,
	        .room_id = turn->message.room_id,
	        .entity_id = turn->agent_id,
	        .agent_id = turn->agent_id,
	        .in_reply_to = turn->message.id,
	        .text = text,
	        .thought = thought,
	        .actions = actions,
	        .source = turn->message.source,
	};
	int r = weft_store_add(turn->store, &m, ret_id);

	if (r == 0 && weft_events_wanted(turn->rt)) {
		weft_event_field field = {.key = WEFT_STR("text"), .kind = WEFT_FIELD_STR, .str = text};

		weft__turn_event(turn, WEFT_SCOPE_AGENT, WEFT_EVENT_PROGRESS, turn->agent_name,
		                 WEFT_STR("MESSAGE_SENT"), &field, 1);
	}
	return r;
}

int weft__turn_say(weft_turn *turn, weft_str text, bool save)
{
	struct weft__buf b;
	int r = save ? save_message(turn, text, (weft_str){NULL, 0}, (weft_str){NULL, 0}, NULL) : 0;

	if (r < 0)
		return r;
	if (turn->reply_text.len_bytes == 0) {
		turn->reply_text = text;
		return 0;
	}
	b = weft__buf_begin(turn->arena, turn->reply_text.len_bytes + text.len_bytes + 1);
	weft__buf_put(&b, turn->reply_text);
	weft__buf_put_char(&b, '\n');
	weft__buf_put(&b, text);
	return weft__buf_end(&b, &turn->reply_text);
}

static int phase_save(weft_turn *turn)
{
	struct weft__decision *d = &turn->decision;
	int r;

	weft__turn_stage(turn, WEFT_STAGE_REMEMBER);
	turn->run->result.thought = d->thought;
	turn->phase = WEFT__PHASE_EVALUATE;
	r = save_message(turn, d->text, action_list(turn), d->thought, &turn->run->result.reply_id);
	if (r < 0)
		return not_remembered(turn, "the reply", turn->agent_id, r);
	weft__turn_stage(turn, WEFT_STAGE_ACTIONS);
	if (d->simple)
		return weft__turn_say(turn, d->text, false);
	r = weft__actions_plan(turn, d->actions, d->action_count);
	turn->phase = turn->missing_count ? WEFT__PHASE_REPAIR_ASK : WEFT__PHASE_ACT;
	return r;
}

static int phase_repair_ask(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_REPAIR_ANSWER;
	return weft__question_ask(turn, WEFT__ASK_REPAIR);
}

/* One call only: what cannot be read mends nothing, and the action that lacks a parameter says so. */
static int phase_repair_answer(weft_turn *turn)
{
	int r;

	weft__turn_stage(turn, WEFT_STAGE_PARSE);
	turn->phase = turn->def->opt.multi_step ? WEFT__PHASE_ROUND_ACT : WEFT__PHASE_ACT;
	r = weft__answer_parse(turn->answer_text, turn->arena, &turn->answer, NULL);
	if (r == 0)
		r = weft__actions_repair(turn, &turn->answer);
	weft__turn_stage(turn, WEFT_STAGE_ACTIONS);
	return r == -ENOMEM ? r : 0;
}

static int phase_act(weft_turn *turn)
{
	int r = weft__actions_run(turn);

	if (r == 0)
		turn->phase = WEFT__PHASE_EVALUATE;
	return r;
}

static int phase_evaluate(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_END;
	if (turn->def->evaluator_count == 0)
		return 0;
	weft__turn_stage(turn, WEFT_STAGE_EVALUATE);
	return weft__evaluate(turn);
}

/* ---- the machine --------------------------------------------------------- */

static const weft__phase_fn phases[WEFT__PHASE_END] = {
        [WEFT__PHASE_BEGIN] = phase_begin,
        [WEFT__PHASE_REMEMBER] = phase_remember,
        [WEFT__PHASE_ATTACHMENTS] = phase_attachments,
        [WEFT__PHASE_ATTACHMENTS_BACK] = phase_attachments_back,
        [WEFT__PHASE_SHOULD_RESPOND] = phase_should_respond,
        [WEFT__PHASE_RESPOND_ASK] = phase_respond_ask,
        [WEFT__PHASE_RESPOND_ANSWER] = phase_respond_answer,
        [WEFT__PHASE_COMPOSE] = phase_compose,
        [WEFT__PHASE_ASK] = phase_ask,
        [WEFT__PHASE_ANSWER] = phase_answer,
        [WEFT__PHASE_SAVE] = phase_save,
        [WEFT__PHASE_REPAIR_ASK] = phase_repair_ask,
        [WEFT__PHASE_REPAIR_ANSWER] = phase_repair_answer,
        [WEFT__PHASE_ACT] = phase_act,
        [WEFT__PHASE_ROUND] = weft__phase_round,
        [WEFT__PHASE_ROUND_ANSWER] = weft__phase_round_answer,
        [WEFT__PHASE_ROUND_ACT] = weft__phase_round_act,
        [WEFT__PHASE_ROUND_END] = weft__phase_round_end,
        [WEFT__PHASE_SUMMARY] = weft__phase_summary,
        [WEFT__PHASE_SUMMARY_ANSWER] = weft__phase_summary_answer,
        [WEFT__PHASE_EVALUATE] = phase_evaluate,
};

void weft__turn_go(weft_turn *turn)
{
	while (turn->phase != WEFT__PHASE_END && turn->waiting == 0) {
		int r = phases[turn->phase](turn);

		if (r < 0 && turn->run->result.status == 0)
			weft__turn_fail(turn, r, "%s", weft_strerror(r));
		if (r < 0)
			turn->phase = WEFT__PHASE_END;
	}
}
