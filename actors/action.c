/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/action.c - names resolved, parameters collected, and one action after another: planned, begun, its result kept, at
 * once or when its op is back. What a late one says waits in memory of its own until then.
 */
#include "actors/action.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "actors/late.h"
#include "actors/params.h"
#include "actors/text.h"

/* Something an action said, or its returned text, from another thread: taken over when it is back. */
struct late_text {
	weft_str text;
	struct late_text *next;
};

struct weft__action_run {
	weft_action_call call; /* first: what the action holds */
	struct weft__op op;
	weft_action_result result;
	struct weft__late late;
	struct late_text *said_first, **said_last;
	struct weft__action_run *older; /* of this turn */
};

static void action_back(struct weft__op *op);

/* ---- names --------------------------------------------------------------- */

const weft_action *weft__action_resolve(weft_action *const *actions, uint32_t count, weft_str name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (weft_str_eq(weft_str_from(actions[i]->name), name))
			return actions[i];
	}
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t s = 0; s < actions[i]->simile_count; s++) {
			if (weft_str_eq(weft_str_from(actions[i]->similes[s]), name))
				return actions[i];
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		if (weft__name_matches(weft_str_from(actions[i]->name), name))
			return actions[i];
	}
	return NULL;
}

/* ---- planning ------------------------------------------------------------ */

static bool is_listed(const weft_str *list, uint32_t count, weft_str name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (weft_str_eq(list[i], name))
			return true;
	}
	return false;
}

/* Add what this action lacks to turn->missing, each name once. */
static int note_missing(weft_turn *turn, const struct weft__planned_action *p)
{
	const weft_action *a = p->action;
	weft_str *grown;

	for (uint32_t i = 0; a && i < a->required_parameter_count; i++) {
		weft_str name = weft_str_from(a->required_parameters[i]);

		if (weft__params_has(p->parameters, name) ||
		    is_listed(turn->missing, turn->missing_count, name))
			continue;
		grown = weft_arena_alloc(turn->arena, (turn->missing_count + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		if (turn->missing_count)
			memcpy(grown, turn->missing, turn->missing_count * sizeof(*grown));
		grown[turn->missing_count++] = name;
		turn->missing = grown;
	}
	return 0;
}

int weft__actions_plan(weft_turn *turn, const weft_str *names, uint32_t count)
{
	int r;

	turn->planned = weft_arena_calloc(turn->arena, (count + 1) * sizeof(*turn->planned));
	if (!turn->planned)
		return -ENOMEM;
	turn->planned_count = count;
	turn->planned_next = 0;
	turn->missing_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct weft__planned_action *p = &turn->planned[i];

		p->name = names[i];
		p->action = weft__action_resolve(turn->def->actions, turn->def->action_count, names[i]);
		if (!p->action)
			continue;
		r = weft__params_collect(turn, p, &turn->answer);
		if (r == 0)
			r = note_missing(turn, p);
		if (r < 0)
			return r;
	}
	return 0;
}

int weft__actions_repair(weft_turn *turn, const struct weft__answer *answer)
{
	for (uint32_t i = 0; i < turn->planned_count; i++) {
		int r = turn->planned[i].action ? weft__params_collect(turn, &turn->planned[i], answer) : 0;

		if (r < 0)
			return r;
	}
	turn->missing_count = 0;
	return 0;
}

/* ---- results ------------------------------------------------------------- */

int weft__action_record(weft_turn *turn, const weft_action_result *result)
{
	if (turn->result_count == turn->result_cap) {
		uint32_t cap = turn->result_cap ? turn->result_cap * 2 : 4;
		weft_action_result *grown = weft_arena_alloc(turn->arena, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (turn->result_count)
			memcpy(grown, turn->results, turn->result_count * sizeof(*grown));
		turn->results = grown;
		turn->result_cap = cap;
	}
	turn->results[turn->result_count++] = *result;
	return 0;
}

static void say_started(weft_turn *turn, weft_str name)
{
	weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_STARTED, name, WEFT_STR("ACTION_STARTED"), NULL,
	                 0);
}

static void say_ended(weft_turn *turn, const weft_action_result *result)
{
	weft_event_field fields[] = {
	        {.key = WEFT_STR("action"), .kind = WEFT_FIELD_STR, .str = result->name},
	        {.key = WEFT_STR("status"),
	         .kind = WEFT_FIELD_STR,
	         .str = weft_str_from(weft_errname(result->status))},
	        {.key = WEFT_STR("result"),
	         .kind = WEFT_FIELD_STR,
	         .str = result->status < 0 ? result->error : result->text},
	};

	weft__turn_event(turn, WEFT_SCOPE_STEP, result->status < 0 ? WEFT_EVENT_FAILED : WEFT_EVENT_COMPLETED,
	                 result->name, WEFT_STR("ACTION_COMPLETED"), fields, 3);
}

static int record_failure(weft_turn *turn, weft_str name, int status, weft_str error)
{
	weft_action_result result = {.name = name, .status = status, .error = error};

	say_started(turn, name);
	say_ended(turn, &result);
	return weft__action_record(turn, &result);
}

/* ---- running ------------------------------------------------------------- */

/* From the call's memory into the turn's. 0 or -ENOMEM */
static int keep(weft_turn *turn, weft_str *text)
{
	*text = weft_arena_dup(turn->arena, *text);
	return text->ptr ? 0 : -ENOMEM;
}

/*
 * What was said from another thread lies in memory of the call, and joins the turn's now. It may be over before the handler returns.
 * @return 0, or why not all of it could be kept
 */
static int take_over(struct weft__action_run *run)
{
	weft_turn *turn = run->call.turn;
	int r;

	if (!run->late.arena)
		return 0;
	r = keep(turn, &run->result.text);
	if (r == 0)
		r = keep(turn, &run->result.error);
	for (struct late_text *t = run->said_first; t && r == 0; t = t->next) {
		r = keep(turn, &t->text);
		if (r == 0)
			r = weft__turn_say(turn, t->text, true);
	}
	return r;
}

static int action_ended(struct weft__action_run *run, int status)
{
	weft_turn *turn = run->call.turn;
	int kept = take_over(run);

	status = status < 0 ? status : kept;
	run->result.status = status;
	if (status < 0 && run->result.error.len_bytes == 0)
		run->result.error = weft_str_from(weft_strerror(status));
	say_ended(turn, &run->result);
	return weft__action_record(turn, &run->result);
}

/* It waits and cannot come back: what it has to say is its own, and nobody reads it. */
static int action_lost(const struct weft__action_run *run, int status)
{
	weft_action_result result = {.name = run->call.name, .status = status, .error = WEFT_STR("out of memory")};

	say_ended(run->call.turn, &result);
	return weft__action_record(run->call.turn, &result);
}

static void action_back(struct weft__op *op)
{
	struct weft__action_run *run = weft__op_owner(op, struct weft__action_run, op);
	weft_turn *turn = run->call.turn;

	if (!turn->ended && action_ended(run, op->status) < 0)
		weft__turn_fail(turn, -ENOMEM, "out of memory");
	weft__turn_child_done(turn);
}

static struct weft__action_run *run_create(weft_turn *turn, const struct weft__planned_action *p)
{
	struct weft__action_run *run = weft_arena_calloc(turn->arena, sizeof(*run));

	if (!run)
		return NULL;
	run->call = (weft_action_call){
	        .turn = turn,
	        .arena = turn->arena,
	        .name = weft_str_from(p->action->name),
	        .thought = turn->decision.thought,
	        .text = turn->decision.text,
	        .parameters = p->parameters,
	        .previous = turn->results,
	        .previous_count = turn->result_count,
	};
	run->result.name = run->call.name;
	run->said_last = &run->said_first;
	run->older = turn->action_runs;
	turn->action_runs = run;
	return run;
}

/* The first required parameter that is still missing; empty when none is. */
static weft_str lacks(const struct weft__planned_action *p)
{
	for (uint32_t i = 0; i < p->action->required_parameter_count; i++) {
		weft_str name = weft_str_from(p->action->required_parameters[i]);

		if (!weft__params_has(p->parameters, name))
			return name;
	}
	return (weft_str){NULL, 0};
}

static int run_one(weft_turn *turn, const struct weft__planned_action *p)
{
	struct weft__action_run *run;
	weft_str missing;
	int r;

	if (!p->action)
		return record_failure(turn, p->name, -ENOENT,
		                      weft_arena_printf(turn->arena, "no action is called \"%.*s\"",
		                                        WEFT_STR_ARG(p->name)));
	if (p->action->validate && !p->action->validate(turn, p->action->user))
		return record_failure(turn, p->name, -EPERM, WEFT_STR("not offered for this message"));
	missing = lacks(p);
	if (missing.len_bytes)
		return record_failure(turn, p->name, WEFT_ESCHEMA,
		                      weft_arena_printf(turn->arena, "parameter \"%.*s\" is missing",
		                                        WEFT_STR_ARG(missing)));
	run = run_create(turn, p);
	if (!run)
		return -ENOMEM;
	say_started(turn, run->call.name);
	weft__op_begin(&run->op, turn->run, action_back);
	r = p->action->fn(&run->call, p->action->user);
	r = weft__op_returned(&run->op, r);
	if (r < 0 && weft__op_is_lost(&run->op))
		return action_lost(run, r);
	if (r != WEFT_PENDING)
		return action_ended(run, r);
	turn->waiting++;
	return WEFT_PENDING;
}

int weft__actions_run(weft_turn *turn)
{
	while (turn->planned_next < turn->planned_count) {
		int r = run_one(turn, &turn->planned[turn->planned_next++]);

		if (r != 0)
			return r;
	}
	return 0;
}

void weft__actions_fini(weft_turn *turn)
{
	for (struct weft__action_run *run = turn->action_runs; run; run = run->older)
		weft__late_fini(&run->late);
}

/* ---- what an action may call -------------------------------------------- */

void weft_action_return(weft_action_call *call, weft_str text)
{
	struct weft__action_run *run = (struct weft__action_run *)call;
	weft_arena *arena = call ? weft__late_arena(&run->late, &run->op, call->turn->arena) : NULL;

	if (arena)
		run->result.text = weft_arena_dup(arena, text);
}

int weft_action_fail(weft_action_call *call, int code, const char *fmt, ...)
{
	struct weft__action_run *run = (struct weft__action_run *)call;
	weft_arena *arena = call ? weft__late_arena(&run->late, &run->op, call->turn->arena) : NULL;
	char text[512];
	va_list args;
	int n;

	if (!arena)
		return code;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= 0)
		run->result.error = weft_arena_dup(arena, weft_str_from(text));
	return code;
}

int weft_action_say(weft_action_call *call, weft_str text)
{
	struct weft__action_run *run = (struct weft__action_run *)call;
	struct late_text *t;
	weft_arena *arena;

	if (!call || text.len_bytes == 0)
		return -EINVAL;
	arena = weft__late_arena(&run->late, &run->op, call->turn->arena);
	text = arena ? weft_arena_dup(arena, text) : (weft_str){NULL, 0};
	if (!text.ptr)
		return -ENOMEM;
	if (weft__op_is_inline(&run->op))
		return weft__turn_say(call->turn, text, true);
	t = weft_arena_alloc(arena, sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct late_text){text, NULL};
	*run->said_last = t;
	run->said_last = &t->next;
	return 0;
}

void weft_action_finish(weft_action_call *call, int status)
{
	struct weft__action_run *run = (struct weft__action_run *)call;

	if (call)
		weft__op_finish(&run->op, status);
}
