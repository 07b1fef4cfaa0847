/* SPDX-License-Identifier: Apache-2.0 */
/* actors/turn.c - stages, events, failing, and what handlers may ask a turn. The phases are in pipeline.c. */
#include "actors/turn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/action.h"
#include "actors/attachment.h"
#include "actors/late.h"
#include "actors/provider.h"

/* ---- stages and events --------------------------------------------------- */

void weft__turn_event(weft_turn *turn, weft_event_scope scope, weft_event_type type, weft_str component,
                      weft_str message, const weft_event_field *fields, uint32_t field_count)
{
	weft_event_desc d = {
	        .scope = scope,
	        .type = type,
	        .component_id = component,
	        .workflow_id = turn->run->workflow_id,
	        .message = message,
	        .fields = fields,
	        .field_count = field_count,
	};

	if (weft_events_wanted(turn->rt))
		weft_event_emit(turn->rt, &d);
}

/* The component is "<agent>:step:<n>". */
#define STAGE_FORM .scope = WEFT_SCOPE_STEP, .step_prefix = { ":step:", 6 }, .text_count = 1
#define STAGE_KEY WEFT_EVENT_KEY("stage", WEFT_FIELD_STR)

static void emit_stage(const weft_turn *turn, const weft_event_form *form, int stage, weft_event_values v)
{
	const weft_str name = weft_str_from(weft_stage_name((weft_stage)stage));

	v.component_id = turn->agent_name;
	v.step = turn->step;
	v.workflow_id = turn->run->workflow_id;
	v.message = name;
	v.texts = &name;
	weft_event_emit_form(turn->rt, form, &v);
}

/* at_once: the stage before has just been said to be over. */
static __attribute__((noinline)) void say_stage(const weft_turn *turn, int stage, bool at_once)
{
	static const weft_event_form form = { STAGE_FORM, .keys = { STAGE_KEY } };

	emit_stage(turn, &form, stage, (weft_event_values){ .type = WEFT_EVENT_STARTED, .follows = at_once });
}

static __attribute__((noinline)) void say_stage_over(const weft_turn *turn, int stage, uint64_t ticks)
{
	static const weft_event_form form = { STAGE_FORM, .number_count = 1,
		                              .keys = { STAGE_KEY, WEFT_EVENT_KEY("duration_ns", WEFT_FIELD_INT) } };
	const weft_event_number number = { .i = (int64_t)weft_ticks_to_ns(ticks) };

	emit_stage(turn, &form, stage, (weft_event_values){ .type = WEFT_EVENT_COMPLETED, .numbers = &number });
}

static void stage_over(weft_turn *turn, uint64_t now, bool wanted)
{
	int stage = turn->open_stage;
	uint64_t ticks = turn->stamp ? now - turn->stamp : 0; /* 0: nobody listened when it began */

	weft__turn_count_stage(turn, (weft_stage)stage, ticks);
	/* Composing is choosing and running providers, and nothing else. */
	if (stage == WEFT_STAGE_COMPOSE)
		weft__turn_count_stage(turn, WEFT_STAGE_PROVIDERS, ticks);
	if (wanted)
		say_stage_over(turn, stage, ticks);
}

void weft__turn_stage(weft_turn *turn, int stage)
{
	bool wanted = weft_events_wanted(turn->rt);
	bool timed = wanted || !turn->def->opt.no_stage_times, first = turn->open_stage == WEFT__NO_STAGE;
	uint64_t now = timed ? weft_ticks() : 0;

	if (!first) {
		if (timed)
			stage_over(turn, now, wanted);
		turn->step++;
	}
	turn->open_stage = stage;
	turn->stamp = now;
	if (stage != WEFT__NO_STAGE && wanted)
		say_stage(turn, stage, !first);
}

void weft__turn_stages_end(weft_turn *turn)
{
	weft_agent_result *result = &turn->run->result;

	weft__turn_stage(turn, WEFT__NO_STAGE);
	for (int i = 0; i < WEFT_STAGE_COUNT; i++) {
		if (turn->stage_ticks[i])
			result->stage_ns[i] = weft_ticks_to_ns(turn->stage_ticks[i]);
	}
}

/* ---- ending -------------------------------------------------------------- */

void weft__turn_fail(weft_turn *turn, int status, const char *fmt, ...)
{
	weft_agent_result *result = &turn->run->result;
	char text[512];
	va_list args;
	size_t len;

	turn->phase = WEFT__PHASE_END;
	if (result->status < 0)
		return; /* the first reason is the one to tell */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	result->status = status;
	if (turn->run->ops || turn->run->lent) { /* the arena is its handlers' */
		len = weft__str_cut(weft_str_from(text), sizeof(turn->why));
		memcpy(turn->why, text, len);
		result->error = (weft_str){turn->why, len};
		return;
	}
	result->error = weft_arena_dup(turn->arena, weft_str_from(text));
	if (!result->error.ptr)
		result->error = weft_str_from(weft_strerror(status));
}

void weft__turn_fini(weft_turn *turn)
{
	struct weft__kept_doc *kept = turn->docs;

	turn->docs = NULL;
	for (; kept; kept = kept->next)
		weft_json_release(kept->doc);
	weft__attachments_fini(turn);
	weft__providers_fini(turn);
	weft__late_fini(turn->asides);
	weft__actions_fini(turn);
}

weft_arena *weft__turn_aside(weft_turn *turn)
{
	struct weft__late *late = weft_arena_calloc(turn->arena, sizeof(*late));

	if (!late || weft_arena_create(0, &late->arena) < 0)
		return NULL;
	late->older = turn->asides;
	turn->asides = late;
	return late->arena;
}

/* ---- what handlers may ask ----------------------------------------------- */

const weft_memory *weft_turn_message(const weft_turn *turn)
{
	return &turn->message;
}

const weft_character *weft_turn_character(const weft_turn *turn)
{
	return turn->def->character;
}

weft_store *weft_turn_store(const weft_turn *turn)
{
	return turn->store;
}

weft_runtime *weft_turn_runtime(const weft_turn *turn)
{
	return turn->rt;
}

weft_uuid weft_turn_agent_id(const weft_turn *turn)
{
	return turn->agent_id;
}

weft_str weft_turn_agent_name(const weft_turn *turn)
{
	return turn->agent_name;
}

uint64_t weft_turn_workflow_id(const weft_turn *turn)
{
	return turn->run->workflow_id;
}

weft_arena *weft_turn_arena(const weft_turn *turn)
{
	return turn->arena;
}
