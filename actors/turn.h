/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/turn.h - struct weft_turn: one message being handled.
 *
 *   handle_message -> [room queue] -> turn: begin -> remember -> (attachments) -> should respond?
 *     -> compose -> model -> parse -> save -> act -> evaluate -> end
 *
 * A turn lives in its run's arena and is touched by its agent's behaviour alone, so
 * nothing in it is shared. It is a small state machine: `phase` says what comes
 * next, weft__turn_go runs phases until one has to wait, and the last of the
 * calls it waits for runs it again. With handlers that answer at once a whole
 * message is one call of weft__turn_go: no hop, no allocation outside the arena.
 *
 * Source: docs/internals/pipeline.md.
 */
#ifndef WEFT_ACTORS_TURN_H
#define WEFT_ACTORS_TURN_H

#include <weft/agent.h>
#include <weft/event.h>
#include <weft/plugin.h>

#include "actors/agent.h"
#include "actors/def.h"
#include "actors/prompts.h"
#include "actors/recent.h"
#include "actors/text.h"
#include "actors/values.h"
#include "net/markup/answer.h"

struct weft__provider_run; /* provider.c */
struct weft__action_run;   /* action.c */
struct weft__attachment_look; /* attachment.c */

/* What comes next. After a phase that started something to wait for, the next one runs when it is back. */
enum weft__phase {
	WEFT__PHASE_BEGIN = 0,
	WEFT__PHASE_REMEMBER,
	WEFT__PHASE_ATTACHMENTS, /* there are some: look at them */
	WEFT__PHASE_ATTACHMENTS_BACK,
	WEFT__PHASE_SHOULD_RESPOND,
	WEFT__PHASE_RESPOND_ASK, /* no rule decided and the state is composed: ask the small model */
	WEFT__PHASE_RESPOND_ANSWER,
	WEFT__PHASE_COMPOSE,
	WEFT__PHASE_ASK, /* the large model */
	WEFT__PHASE_ANSWER,
	WEFT__PHASE_SAVE,       /* the reply */
	WEFT__PHASE_REPAIR_ASK, /* actions lack parameters */
	WEFT__PHASE_REPAIR_ANSWER,
	WEFT__PHASE_ACT,   /* one action a time */
	WEFT__PHASE_ROUND, /* multi-step: ask what to do in this round */
	WEFT__PHASE_ROUND_ANSWER,
	WEFT__PHASE_ROUND_ACT,
	WEFT__PHASE_ROUND_END,
	WEFT__PHASE_SUMMARY,
	WEFT__PHASE_SUMMARY_ANSWER,
	WEFT__PHASE_EVALUATE,
	WEFT__PHASE_END,
	WEFT__PHASE_COUNT
};

/* What the model decided, normalised. Strings live in the arena. */
struct weft__decision {
	weft_str thought;
	weft_str text;
	weft_str *actions; /* as the model wrote them, trimmed, in order */
	uint32_t action_count;
	weft_str *providers;
	uint32_t provider_count;
	bool simple;   /* exactly REPLY, and no providers */
	bool finished; /* multi-step */
};

/* An action that will run, with what it was given. */
struct weft__planned_action {
	weft_str name;             /* as the model wrote it */
	const weft_action *action; /* NULL: unknown */
	weft_json parameters;
};

/* A document whose values the turn uses: released when the turn ends. */
struct weft__kept_doc {
	weft_json_doc *doc;
	struct weft__kept_doc *next;
};

struct weft_turn {
	struct weft__run *run; /* owns the arena this lives in */
	const weft_agent_def *def;
	const struct weft__plan *plan;
	weft_arena *arena;
	weft_runtime *rt;
	weft_store *store;

	weft_memory message; /* the incoming one; strings in the request or the arena */
	weft_room room;
	bool room_known;
	bool mentions_agent, replies_to_agent;
	bool did_respond;
	bool superseded; /* the room's policy is latest, and a newer message came */
	weft_str agent_name;
	weft_uuid agent_id;
	struct weft__room *slot; /* its room in the agent's table, once it has waited; NULL else */
	weft_timer deadline;     /* {0} until it first waits */
	bool ended;              /* answered; perhaps calls are still out */
	weft_evaluator_call *sums_up; /* the summary's, under way or over; NULL: none was begun */
	char why[96];            /* the result's error of a turn that ends before its calls are back */

	enum weft__phase phase;
	uint32_t waiting; /* calls under way; the one that makes it 0 runs the turn again */

	struct weft__late *asides; /* arenas for what waits beside the turn; weft__turn_aside */
	struct weft__attachment_look *looks; /* newest first; NULL: no attachment needed any */

	/* composed state; arrays by index into def's providers, which are sorted by position */
	struct weft__provider_run **providers; /* NULL: not run for this message */
	bool *in_state;
	uint32_t provider_count; /* of both; 0 until the first compose */
	struct weft__values values;
	struct weft__recent recent;
	weft_str text; /* joined sections, made when asked for */
	bool text_made;

	/* the question that is being asked */
	enum weft__question question;
	const weft_answer_field *fields;
	uint32_t field_count;
	uint32_t tries;
	weft_str complaint; /* about the answer before */
	weft_str answer_text;
	struct weft__answer answer;

	struct weft__decision decision;
	weft_str reply_text; /* what the agent said so far */

	struct weft__planned_action *planned;
	uint32_t planned_count, planned_next;
	weft_str *missing; /* parameters to repair */
	uint32_t missing_count;
	weft_action_result *results; /* of all actions so far */
	uint32_t result_count, result_cap;

	uint32_t round; /* multi-step: 1, 2, ... */
	struct weft__buf trace;

	struct weft__action_run *action_runs; /* newest first */

	int open_stage; /* weft_stage, or -1: none */
	uint64_t stamp; /* weft_ticks() when it began; 0: not taken */
	uint64_t stage_ticks[WEFT_STAGE_COUNT]; /* become the result's nanoseconds at the end */
	uint32_t step;  /* numbers the step events */
	struct weft__kept_doc *docs;
};

/** Run phases until one waits or the turn has ended. From the agent's behaviour. */
void weft__turn_go(weft_turn *turn);
/** One of the calls the turn waits for is back. */
void weft__turn_child_done(weft_turn *turn);
/** End the turn with an error that says why: the next phase is END. */
void weft__turn_fail(weft_turn *turn, int status, const char *fmt, ...) WEFT_PRINTF(3, 4);
/** Let go of everything the arena does not hold. */
void weft__turn_fini(weft_turn *turn);

/* ---- stages: times in the result, events when somebody listens ---------- */

#define WEFT__NO_STAGE (-1)

/** The open stage ends and this one begins: one clock reading for both. WEFT__NO_STAGE: just end. */
void weft__turn_stage(weft_turn *turn, int stage);
/** The last one ends, and the result gets the times of all. */
void weft__turn_stages_end(weft_turn *turn);

static inline void weft__turn_count_stage(weft_turn *turn, weft_stage stage, uint64_t ticks)
{
	turn->stage_ticks[stage] += ticks;
	turn->run->result.stage_runs[stage]++;
}
/** An arena of its own, until the turn is gone: for a question that others wait beside. NULL when out of memory. */
weft_arena *weft__turn_aside(weft_turn *turn);

/** An event of this run; nothing when nobody listens. */
void weft__turn_event(weft_turn *turn, weft_event_scope scope, weft_event_type type, weft_str component,
                      weft_str message, const weft_event_field *fields, uint32_t field_count);

#endif
