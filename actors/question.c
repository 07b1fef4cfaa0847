/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/question.c - a question of the pipeline: its prompt rendered and trimmed, the model asked, the answer read and
 * checked. One that is not taken goes back with a complaint, and its phase asks again.
 */
#include "actors/question.h"

#include <errno.h>

#include "actors/model.h"
#include "actors/plan.h"
#include "actors/provider.h"

#define TRIM_PERCENT 85u

/* ---- the prompt ---------------------------------------------------------- */

/* What the slots point to while a prompt is rendered. */
struct slots {
	struct weft__slot slot[WEFT__SLOT_COUNT];
	weft_str round, rounds_max, trace, action, missing;
};

static void set_one(struct slots *s, enum weft__slot_id id, const weft_str *text)
{
	s->slot[id] = (struct weft__slot){text, 1};
}

static weft_str joined(weft_arena *arena, const weft_str *names, uint32_t count)
{
	struct weft__buf b = weft__buf_begin(arena, 64);
	weft_str text = {NULL, 0};

	for (uint32_t i = 0; i < count; i++) {
		weft__buf_put(&b, i ? WEFT_STR(", ") : WEFT_STR(""));
		weft__buf_put(&b, names[i]);
	}
	(void)weft__buf_end(&b, &text);
	return text;
}

static int fill_slots(weft_turn *turn, enum weft__question question, struct slots *s)
{
	weft_str *sections;
	int n = weft__compose_sections(turn, &sections);

	if (n < 0)
		return n;
	*s = (struct slots){0};
	s->slot[WEFT__SLOT_STATE] = (struct weft__slot){sections, (uint32_t)n};
	set_one(s, WEFT__SLOT_COMPLAINT, &turn->complaint);
	set_one(s, WEFT__SLOT_MESSAGE, &turn->message.text);
	if (question == WEFT__ASK_DECISION || question == WEFT__ASK_SUMMARY) {
		s->round = weft_arena_printf(turn->arena, "%u", turn->round);
		s->rounds_max = weft_arena_printf(turn->arena, "%u", turn->def->opt.multi_step_rounds);
		s->trace = (weft_str){turn->trace.ptr, turn->trace.len_bytes};
		set_one(s, WEFT__SLOT_ROUND, &s->round);
		set_one(s, WEFT__SLOT_ROUNDS_MAX, &s->rounds_max);
		set_one(s, WEFT__SLOT_TRACE, &s->trace);
	}
	if (question == WEFT__ASK_REPAIR) {
		s->action = joined(turn->arena, turn->decision.actions, turn->decision.action_count);
		s->missing = joined(turn->arena, turn->missing, turn->missing_count);
		set_one(s, WEFT__SLOT_ACTION, &s->action);
		set_one(s, WEFT__SLOT_MISSING, &s->missing);
	}
	return 0;
}

static int render(weft_turn *turn, enum weft__question question, weft_str *ret_prompt)
{
	const struct weft__template *template = turn->plan->templates[question];
	uint64_t context = (uint64_t)turn->def->opt.context_tokens * WEFT__BYTES_PER_TOKEN;
	struct slots s;
	size_t len;
	int r = fill_slots(turn, question, &s);

	if (r < 0)
		return r;
	len = weft__template_len_bytes(template, s.slot);
	if (len > context * TRIM_PERCENT / 100) {
		len -= weft__compose_trim(turn, len - context * TRIM_PERCENT / 100);
		if (len > context)
			return -EMSGSIZE;
		r = fill_slots(turn, question, &s);
		if (r < 0)
			return r;
	}
	return weft__template_render(template, s.slot, turn->arena, ret_prompt);
}

/* ---- asking -------------------------------------------------------------- */

static void took_answer(weft_turn *turn, const struct weft__model_ask *ask, int status)
{
	weft_agent_result *result = &turn->run->result;

	if (status < 0) {
		weft__turn_fail(turn, status, "%s: %.*s", weft__questions[turn->question].name,
		                WEFT_STR_ARG(ask->why));
		return;
	}
	turn->answer_text = ask->response.text;
	weft__usage_add(&result->usage, &ask->response.usage);
}

static void model_back(struct weft__model_ask *ask, int status)
{
	weft_turn *turn = ask->user;

	took_answer(turn, ask, status);
	weft__turn_child_done(turn);
}

/* The fields of a repair are the parameters that are missing; the others' are in the table. */
static int choose_fields(weft_turn *turn, enum weft__question question)
{
	const struct weft__question_spec *spec = &weft__questions[question];
	weft_answer_field *fields;

	turn->fields = spec->fields;
	turn->field_count = spec->field_count;
	if (question != WEFT__ASK_REPAIR)
		return 0;
	fields = weft_arena_calloc(turn->arena, (turn->missing_count + 1) * sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < turn->missing_count; i++)
		fields[i].name = turn->missing[i];
	turn->fields = fields;
	turn->field_count = turn->missing_count;
	return 0;
}

static int start(weft_turn *turn, weft_str prompt)
{
	struct weft__model_ask *ask = weft_arena_calloc(turn->arena, sizeof(*ask));
	int r;

	if (!ask)
		return -ENOMEM;
	ask->request = (weft_model_request){
	        .type = weft__questions[turn->question].model,
	        .prompt = prompt,
	        .fields = turn->fields,
	        .field_count = turn->field_count,
	        .max_tokens = turn->def->opt.max_tokens,
	        .temperature = turn->def->opt.temperature,
	};
	ask->number = ++turn->run->result.iterations;
	ask->back = model_back;
	ask->user = turn;
	r = weft__model_ask(ask, turn->run);
	if (r == WEFT_PENDING)
		turn->waiting++;
	else
		took_answer(turn, ask, r);
	return r;
}

int weft__question_ask(weft_turn *turn, enum weft__question question)
{
	weft_str prompt;
	int r;

	if (turn->question != question)
		turn->complaint = (weft_str){NULL, 0};
	turn->question = question;
	weft__turn_stage(turn, WEFT_STAGE_RENDER);
	r = choose_fields(turn, question);
	if (r == 0)
		r = render(turn, question, &prompt);
	if (r == 0) {
		weft__turn_stage(turn, WEFT_STAGE_MODEL);
		r = start(turn, prompt);
	}
	if (r == -EMSGSIZE)
		weft__turn_fail(turn, r, "%s: the prompt does not fit the model's context of %u tokens",
		                weft__questions[question].name, turn->def->opt.context_tokens);
	else if (r < 0)
		weft__turn_fail(turn, r, "%s: %s", weft__questions[question].name, weft_strerror(r));
	return r;
}

/* ---- the answer ---------------------------------------------------------- */

weft_str weft__question_field(const struct weft__answer *answer, weft_str name)
{
	const struct weft__answer_field *field = weft__answer_find(answer, name);

	return field ? weft__str_trim(field->text) : (weft_str){NULL, 0};
}

weft_str weft__question_lacks(const struct weft__answer *answer, const weft_answer_field *fields,
                              uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (fields[i].required && !weft__answer_find(answer, fields[i].name))
			return fields[i].name;
	}
	return (weft_str){NULL, 0};
}

/* @return 0, WEFT_EPARSE, WEFT_ESCHEMA, -ENOMEM; why is filled in */
static int check(weft_turn *turn, weft_error *why)
{
	weft_str field;
	int r = weft__answer_parse(turn->answer_text, turn->arena, &turn->answer, why);

	if (r < 0)
		return r;
	field = weft__question_lacks(&turn->answer, turn->fields, turn->field_count);
	if (field.len_bytes)
		return weft_error_set(why, WEFT_ESCHEMA, "the answer has no <%.*s>", WEFT_STR_ARG(field));
	return 0;
}

bool weft__question_read(weft_turn *turn, enum weft__phase asked_by)
{
	weft_error why = {0};
	int r;

	weft__turn_stage(turn, WEFT_STAGE_PARSE);
	r = check(turn, &why);
	if (r == 0) {
		turn->tries = 0;
		turn->complaint = (weft_str){NULL, 0};
		return true;
	}
	if (r == -ENOMEM || ++turn->tries >= turn->def->opt.parse_tries) {
		weft__turn_fail(turn, r, "%s: %s (%u tries)", weft__questions[turn->question].name,
		                why.message, turn->tries);
		return false;
	}
	weft__def_count(turn->run->agent->def, WEFT__STAT_PARSE_RETRIES, 1);
	turn->complaint = weft_arena_printf(turn->arena, "\nThe answer before this one was not taken: %s.",
	                                    why.message);
	turn->phase = asked_by;
	return false;
}
