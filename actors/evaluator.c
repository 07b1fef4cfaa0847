/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/evaluator.c - pre-evaluators in order, until one blocks; evaluators beside each other, after all of them were asked
 * whether they want to.
 */
#include "actors/evaluator.h"

#include <errno.h>

struct evaluator_run {
	weft_evaluator_call call; /* first: what the evaluator holds */
	struct weft__op op;
	const weft_evaluator *evaluator;
	bool over;
};

/* ---- before -------------------------------------------------------------- */

static void say_skipped(weft_turn *turn, const char *name, int status)
{
	weft_event_field fields[] = {
	        {.key = WEFT_STR("evaluator"), .kind = WEFT_FIELD_STR, .str = weft_str_from(name)},
	        {.key = WEFT_STR("error"),
	         .kind = WEFT_FIELD_STR,
	         .str = weft_str_from(weft_strerror(status))},
	};

	weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_FAILED, weft_str_from(name),
	                 WEFT_STR("EVALUATOR_FAILED"), fields, 2);
}

bool weft__pre_evaluate(weft_turn *turn, weft_str *ret_reason)
{
	for (uint32_t i = 0; i < turn->def->pre_evaluator_count; i++) {
		const weft_pre_evaluator *p = turn->def->pre_evaluators[i];
		weft_verdict verdict = {0};
		int r = p->fn(turn, &verdict, p->user);

		if (r != 0) {
			say_skipped(turn, p->name, r < 0 ? r : -EINVAL);
			continue;
		}
		if (verdict.blocked) {
			*ret_reason = verdict.reason;
			return true;
		}
		if (verdict.rewritten_text.len_bytes)
			turn->message.text = verdict.rewritten_text;
	}
	return false;
}

/* ---- after --------------------------------------------------------------- */

static void evaluator_ended(struct evaluator_run *run, int status)
{
	weft_turn *turn = run->call.turn;

	run->over = true;
	if (status < 0)
		say_skipped(turn, run->evaluator->name, status);
	else
		weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_COMPLETED,
		                 weft_str_from(run->evaluator->name), WEFT_STR("EVALUATOR_COMPLETED"), NULL,
		                 0);
}

static void evaluator_back(struct weft__op *op)
{
	struct evaluator_run *run = weft__op_owner(op, struct evaluator_run, op);

	evaluator_ended(run, op->status);
	weft__turn_child_done(run->call.turn);
}

static bool wants(const weft_turn *turn, const weft_evaluator *e)
{
	return (turn->did_respond || e->always_run) && (!e->validate || e->validate(turn, e->user));
}

static int evaluator_start(weft_turn *turn, const weft_evaluator *e)
{
	struct evaluator_run *run = weft_arena_alloc(turn->arena, sizeof(*run));
	int r;

	if (!run)
		return -ENOMEM;
	run->call = (weft_evaluator_call){.turn = turn,
	                                  .arena = turn->arena,
	                                  .did_respond = turn->did_respond,
	                                  .reply_text = turn->reply_text};
	run->evaluator = e;
	run->over = false;
	weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_STARTED, weft_str_from(e->name),
	                 WEFT_STR("EVALUATOR_STARTED"), NULL, 0);
	weft__op_begin(&run->op, turn->run, evaluator_back);
	r = weft__op_returned(&run->op, e->fn(&run->call, e->user));
	if (r == WEFT_PENDING)
		turn->waiting++;
	else
		evaluator_ended(run, r);
	return 0;
}

int weft__evaluate(weft_turn *turn)
{
	uint32_t count = turn->def->evaluator_count;
	bool *chosen;
	int r;

	if (count == 0)
		return 0;
	chosen = weft_arena_alloc(turn->arena, count);
	if (!chosen)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		chosen[i] = wants(turn, turn->def->evaluators[i]);
	for (uint32_t i = 0; i < count; i++) {
		r = chosen[i] ? evaluator_start(turn, turn->def->evaluators[i]) : 0;
		if (r < 0)
			return r;
	}
	return turn->waiting ? WEFT_PENDING : 0;
}

struct weft__op *weft__evaluator_op(weft_evaluator_call *call)
{
	return &((struct evaluator_run *)call)->op;
}

bool weft__evaluator_is_over(const weft_evaluator_call *call)
{
	return ((const struct evaluator_run *)call)->over;
}

void weft_evaluator_finish(weft_evaluator_call *call, int status)
{
	struct evaluator_run *run = (struct evaluator_run *)call;

	if (call)
		weft__op_finish(&run->op, status);
}
