/* SPDX-License-Identifier: Apache-2.0 */
/* turn - see turn.h: stages, events, failing, and what handlers may ask a turn. The phases are in pipeline.c. */
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

/* "<agent>:step:<n>", the agent's name cut to what fits. */
static weft_str component_of(const weft_turn *turn, char *buf, size_t size)
{
	static const char middle[] = ":step:";
	char digits[10];
	size_t n = turn->agent_name.len_bytes, d = sizeof(digits);

	if (n > size - sizeof(middle) - sizeof(digits))
		n = size - sizeof(middle) - sizeof(digits);
	memcpy(buf, turn->agent_name.ptr, n);
	memcpy(buf + n, middle, sizeof(middle) - 1);
	n += sizeof(middle) - 1;
	for (uint32_t step = turn->step; d == sizeof(digits) || step; step /= 10)
		digits[--d] = (char)('0' + step % 10);
	memcpy(buf + n, digits + d, sizeof(digits) - d);
	return (weft_str){buf, n + sizeof(digits) - d};
}

static __attribute__((noinline)) void say_stage(weft_turn *turn, int stage, weft_event_type type, uint64_t ns)
{
	char component[96];
	weft_event_field fields[] = {
	        {.key = WEFT_STR("stage"),
	         .kind = WEFT_FIELD_STR,
	         .str = weft_str_from(weft_stage_name((weft_stage)stage))},
	        {.key = WEFT_STR("duration_ns"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)ns},
	};

	weft__turn_event(turn, WEFT_SCOPE_STEP, type, component_of(turn, component, sizeof(component)),
	                 fields[0].str, fields, type == WEFT_EVENT_STARTED ? 1 : 2);
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
		say_stage(turn, stage, WEFT_EVENT_COMPLETED, weft_ticks_to_ns(ticks));
}

void weft__turn_stage(weft_turn *turn, int stage)
{
	bool wanted = weft_events_wanted(turn->rt);
	bool timed = wanted || !turn->def->opt.no_stage_times;
	uint64_t now = timed ? weft_ticks() : 0;

	if (turn->open_stage != WEFT__NO_STAGE) {
		if (timed)
			stage_over(turn, now, wanted);
		turn->step++;
	}
	turn->open_stage = stage;
	turn->stamp = now;
	if (stage != WEFT__NO_STAGE && wanted)
		say_stage(turn, stage, WEFT_EVENT_STARTED, 0);
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

	turn->phase = WEFT__PHASE_END;
	if (result->status < 0)
		return; /* the first reason is the one to tell */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	result->status = status;
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
