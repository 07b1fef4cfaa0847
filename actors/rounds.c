/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/rounds.c - multi-step mode: rounds of "what next?" until the model says that it is
 * finished, names nothing more to do, or has had its rounds; then a summary is the reply.
 *
 *   compose -> [ROUND -> ROUND_ANSWER -> providers, ROUND_ACT -> ROUND_END] x n -> SUMMARY -> SAVE
 */
#include <errno.h>

#include "actors/action.h"
#include "actors/bootstrap.h"
#include "actors/pipeline.h"
#include "actors/provider.h"
#include "actors/question.h"

int weft__phase_round(weft_turn *turn)
{
	if (turn->round == 0) {
		turn->round = 1;
		turn->trace = weft__buf_begin(turn->arena, 256);
	}
	turn->phase = WEFT__PHASE_ROUND_ANSWER;
	return weft__question_ask(turn, WEFT__ASK_DECISION);
}

static void put_trace(weft_turn *turn, weft_str what, weft_str outcome)
{
	struct weft__buf *b = &turn->trace;

	weft__buf_put(b, WEFT_STR("- round "));
	weft__buf_put_uint(b, turn->round);
	weft__buf_put(b, WEFT_STR(": "));
	weft__buf_put(b, what);
	weft__buf_put(b, WEFT_STR(": "));
	weft__buf_put(b, outcome);
	weft__buf_put_char(b, '\n');
}

int weft__phase_round_answer(weft_turn *turn)
{
	struct weft__decision *d = &turn->decision;
	struct weft__compose_spec spec = {.include_only = true, .keep = true};
	int r;

	if (!weft__question_read(turn, WEFT__PHASE_ROUND))
		return 0;
	r = weft__decision_read(turn);
	if (r < 0)
		return r;
	if (d->finished || (d->action_count == 0 && d->provider_count == 0)) {
		turn->phase = WEFT__PHASE_SUMMARY;
		return 0;
	}
	r = weft__actions_plan(turn, d->actions, d->action_count);
	if (r < 0)
		return r;
	turn->phase = turn->missing_count ? WEFT__PHASE_REPAIR_ASK : WEFT__PHASE_ROUND_ACT;
	for (uint32_t i = 0; i < d->provider_count; i++)
		put_trace(turn, d->providers[i], WEFT_STR("read"));
	weft__turn_stage(turn, WEFT_STAGE_COMPOSE);
	spec.include = d->providers;
	spec.include_count = d->provider_count;
	return weft__compose(turn, &spec);
}

int weft__phase_round_act(weft_turn *turn)
{
	int r;

	if (turn->planned_next == 0)
		weft__turn_stage(turn, WEFT_STAGE_ACTIONS);
	r = weft__actions_run(turn);
	if (r == 0)
		turn->phase = WEFT__PHASE_ROUND_END;
	return r;
}

/* The results of this round go into the trace, then the volatile providers are run again. */
int weft__phase_round_end(weft_turn *turn)
{
	const struct weft__compose_spec spec = {.include_only = true, .keep = true};

	for (uint32_t i = turn->result_count - turn->planned_count; i < turn->result_count; i++) {
		const weft_action_result *a = &turn->results[i];

		put_trace(turn, a->name,
		          a->status < 0       ? a->error
		          : a->text.len_bytes ? a->text
		                              : WEFT_STR("done"));
	}
	turn->phase = turn->round >= turn->def->opt.multi_step_rounds ? WEFT__PHASE_SUMMARY
	                                                              : WEFT__PHASE_ROUND;
	turn->round += turn->phase == WEFT__PHASE_ROUND;
	weft__turn_stage(turn, WEFT_STAGE_COMPOSE);
	return weft__compose(turn, &spec);
}

int weft__phase_summary(weft_turn *turn)
{
	turn->phase = WEFT__PHASE_SUMMARY_ANSWER;
	return weft__question_ask(turn, WEFT__ASK_SUMMARY);
}

int weft__phase_summary_answer(weft_turn *turn)
{
	struct weft__decision *d = &turn->decision;
	int r;

	if (!weft__question_read(turn, WEFT__PHASE_SUMMARY))
		return 0;
	r = weft__decision_read(turn);
	if (r < 0)
		return r;
	d->actions = weft_arena_alloc(turn->arena, sizeof(*d->actions));
	if (!d->actions)
		return -ENOMEM;
	d->actions[0] = WEFT_STR(WEFT__REPLY);
	d->action_count = 1;
	d->simple = true;
	turn->phase = WEFT__PHASE_SAVE;
	return 0;
}
