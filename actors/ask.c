/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/ask.c - the tool loop: ask the model, run the tools it calls, tell it what
 * came of them, until it answers without calls.
 *
 *     begin -> model -> no calls ------------------------------> answer
 *                ^  \-> calls: prepare, guard, run (in parallel) -+
 *                +------- one tool message a call, in order <-----+
 *
 * Nothing here waits. A model or tool that answers at once is followed by the next
 * step in the same loop (ask_go); one that does not calls back and the loop goes on.
 */
#include <errno.h>
#include <string.h>

#include "actors/ask.h"
#include "net/markup/answer.h"

enum step { STEP_MODEL, STEP_WAIT, STEP_TOOLS, STEP_ANSWER, STEP_OVER };

/* ---- events ------------------------------------------------------------------------- */

/* As weft_event_emit_form, of this run. */
static uint64_t emit(const struct weft__ask *a, const weft_event_form *form, weft_event_values v)
{
	v.workflow_id = a->run->workflow_id;
	v.parent_workflow_id = a->run->parent_workflow_id;
	return weft_event_emit_form(a->run->agent->rt, form, &v);
}

static void emit_agent_started(const struct weft__ask *a)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_AGENT,
		                              .text_count = 2,
		                              .number_count = 1,
		                              .keys = { WEFT_EVENT_KEY("agent", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("input", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("workflow_id", WEFT_FIELD_INT) } };
	const weft_str texts[] = { a->name, a->body->input };
	const weft_event_number numbers[] = { { .i = (int64_t)a->run->workflow_id } };

	emit(a, &form, (weft_event_values){ .type = WEFT_EVENT_STARTED, .component_id = a->name, .texts = texts, .numbers = numbers });
}

static weft_event_type ended_as(int status)
{
	if (status == -ECANCELED)
		return WEFT_EVENT_CANCELED;
	if (status == WEFT_EAPPROVAL) /* it is not over */
		return WEFT_EVENT_PROGRESS;
	return status < 0 ? WEFT_EVENT_FAILED : WEFT_EVENT_COMPLETED;
}

static void emit_agent_ended(const struct weft__ask *a)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_AGENT,
		                              .number_count = 3,
		                              .keys = { WEFT_EVENT_KEY("execution_time_ms", WEFT_FIELD_DOUBLE),
		                                        WEFT_EVENT_KEY("tool_calls", WEFT_FIELD_INT),
		                                        WEFT_EVENT_KEY("iterations", WEFT_FIELD_INT) } };
	const weft_agent_result *r = &a->run->result;
	const weft_event_number numbers[] = { { .d = (double)r->duration_ns / 1e6 }, { .i = r->tool_calls }, { .i = r->iterations } };

	emit(a, &form, (weft_event_values){ .type = ended_as(r->status),
	                                    .follows = r->status == 0,
	                                    .component_id = a->name,
	                                    .message = r->error,
	                                    .numbers = numbers });
}

#define TOOL_KEYS                                                                                          \
	WEFT_EVENT_KEY("agent", WEFT_FIELD_STR), WEFT_EVENT_KEY("tool_call_id", WEFT_FIELD_STR),           \
		WEFT_EVENT_KEY("arguments", WEFT_FIELD_STR)

/* at_once: nothing that may take its time was done since the model's answer. Gives weft_ticks() of the event. */
static uint64_t emit_tool_started(const struct weft__ask *a, const struct weft__tool_run *t, bool at_once)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_TOOL, .text_count = 3, .keys = { TOOL_KEYS } };
	const weft_str texts[] = { a->name, t->call.id, t->call.arguments_text };

	return emit(a, &form, (weft_event_values){ .type = WEFT_EVENT_STARTED,
	                                           .follows = at_once,
	                                           .component_id = t->call.name,
	                                           .texts = texts });
}

static void emit_tool_over(const struct weft__ask *a, const struct weft__tool_run *t, weft_event_type type)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_TOOL,
		                              .text_count = 4,
		                              .number_count = 1,
		                              .keys = { TOOL_KEYS, WEFT_EVENT_KEY("result", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("duration_ms", WEFT_FIELD_SINCE_MS) } };
	const weft_str texts[] = { a->name, t->call.id, t->call.arguments_text, t->lost ? (weft_str){ 0 } : t->text };
	const weft_event_number numbers[] = { { .ticks = t->started } };

	emit(a, &form, (weft_event_values){ .type = type, .component_id = t->call.name, .texts = texts, .numbers = numbers });
}

static void emit_loop(const struct weft__ask *a, const struct weft__tool_run *t, uint32_t cycle)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_SYSTEM,
		                              .text_count = 1,
		                              .number_count = 1,
		                              .keys = { WEFT_EVENT_KEY("tool", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("cycle_length", WEFT_FIELD_INT) } };
	const weft_event_number numbers[] = { { .i = cycle ? cycle : 1 } };

	emit(a, &form, (weft_event_values){ .type = WEFT_EVENT_PROGRESS,
	                                    .component_id = WEFT_STR("system:loop_detected"),
	                                    .message = WEFT_STR("the model repeats a tool call"),
	                                    .texts = &t->call.name,
	                                    .numbers = numbers });
}

static void emit_approvals(const struct weft__ask *a)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_SYSTEM,
		                              .text_count = 5,
		                              .keys = { WEFT_EVENT_KEY("approval", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("run", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("agent", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("tool", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("arguments", WEFT_FIELD_STR) } };
	const weft_agent_result *res = &a->run->result;
	char id[WEFT_UUID_TEXT_LEN], run[WEFT_UUID_TEXT_LEN];

	weft_uuid_format(res->suspended_run, run);
	for (uint32_t i = 0; i < res->approval_count; i++) {
		const weft_str texts[] = { { id, sizeof(id) }, { run, sizeof(run) }, a->name, res->approvals[i].tool,
			                   res->approvals[i].arguments };

		weft_uuid_format(res->approvals[i].id, id);
		emit(a, &form, (weft_event_values){ .type = WEFT_EVENT_PROGRESS,
		                                    .component_id = WEFT_STR("system:approval"),
		                                    .message = res->approvals[i].why,
		                                    .texts = texts });
	}
}

/* ---- the conversation ------------------------------------------------------------------ */

static bool messages_grow(struct weft__ask *a)
{
	uint32_t cap = a->cap ? a->cap * 2 : 8;
	weft_chat_message *more = weft_arena_alloc(a->run->arena, cap * sizeof(*more));

	if (!more)
		return false;
	if (a->count)
		memcpy(more, a->messages, a->count * sizeof(*more));
	a->messages = more;
	a->cap = cap;
	return true;
}

/* One more, all zeros but for its role and what it says, written where it stays. NULL: out of memory. */
static inline weft_chat_message *message_add(struct weft__ask *a, weft_role role, weft_str content)
{
	weft_chat_message *m;

	if (__builtin_expect(a->count == a->cap, 0) && !messages_grow(a))
		return NULL;
	m = &a->messages[a->count++];
	*m = (weft_chat_message){ .role = role, .content = content };
	return m;
}

/*
 * With a history: the agent's own system prompt first, then the history without
 * its system messages; the input at the end unless the last one is the user's already.
 */
static int conversation_begin(struct weft__ask *a)
{
	weft_str system = weft__def_system(a->run->agent->def);
	const struct weft__ask_body *b = a->body;
	bool ends_with_user = false;

	if ((system.len_bytes || !b->history_count) && !message_add(a, WEFT_ROLE_SYSTEM, system))
		return -ENOMEM;
	for (uint32_t i = 0; i < b->history_count; i++) {
		const weft_chat_message *from = &b->history[i];
		weft_chat_message *m;

		if (from->role == WEFT_ROLE_SYSTEM)
			continue;
		ends_with_user = from->role == WEFT_ROLE_USER;
		m = message_add(a, from->role, from->content);
		if (!m)
			return -ENOMEM;
		*m = *from;
	}
	if ((!b->history_count || (!ends_with_user && b->input.len_bytes)) && !message_add(a, WEFT_ROLE_USER, b->input))
		return -ENOMEM;
	a->own = a->count;
	return 0;
}

/* What leads from one message to the next one's content; without the first two, to the first one's. */
static weft_str json_until_content(weft_role role)
{
#define UNTIL(role_) WEFT_STR("},{\"role\":\"" role_ "\",\"content\":")
	switch (role) {
	case WEFT_ROLE_SYSTEM:
		return UNTIL("system");
	case WEFT_ROLE_USER:
		return UNTIL("user");
	case WEFT_ROLE_ASSISTANT:
		return UNTIL("assistant");
	case WEFT_ROLE_TOOL:
		return UNTIL("tool");
	}
	return UNTIL("unknown");
#undef UNTIL
}

/* Only what is new is written: a long conversation is not quoted again each turn. */
static weft_str conversation_json(struct weft__ask *a)
{
	struct weft__buf *b = &a->json;
	weft_str text = { 0 };

	if (!b->arena)
		*b = weft__buf_begin(a->run->arena, 512);
	else if (!b->failed)
		b->len_bytes -= 2; /* the array and its last message are open again */
	for (; a->json_count < a->count; a->json_count++) {
		const weft_chat_message *m = &a->messages[a->json_count];
		weft_str until = json_until_content(m->role);

		if (!a->json_count) {
			weft__buf_put_char(b, '[');
			until = (weft_str){ until.ptr + 2, until.len_bytes - 2 };
		}
		weft__buf_put(b, until);
		weft__buf_put_quoted(b, m->content);
	}
	weft__buf_put(b, WEFT_STR("}]"));
	return weft__buf_end(b, &text) < 0 ? (weft_str){ 0 } : text;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void calls_done(struct weft__ask *a)
{
	for (uint32_t i = 0; i < a->call_count; i++)
		weft__tool_done(&a->calls[i]);
	a->call_count = 0;
}

static enum step over(struct weft__ask *a)
{
	struct weft__run *run = a->run;
	struct weft__agent *agent = run->agent;
	bool end_after = a->body->end_after;

	run->result.tool_calls = a->tool_calls;
	run->result.duration_ns = weft_ticks_to_ns(weft_ticks() - run->started);
	if (a->body->want_history) {
		run->result.history = a->messages;
		run->result.history_count = a->count;
	}
	if (a->events || weft_events_wanted(agent->rt))
		emit_agent_ended(a);
	if (a->book) /* kept anew when it is suspended again */
		weft__approvals_done(a->book, a->resumed);
	/* before the answer: whoever waits for it may look */
	if (end_after)
		agent->ending = true;
	weft__run_end(run);
	return STEP_OVER;
}

static enum step fail(struct weft__ask *a, int status, weft_str why)
{
	a->run->result.status = status;
	a->run->result.error = why;
	return over(a);
}

static bool looks_like_json(weft_str s)
{
	return s.len_bytes > 1 && ((s.ptr[0] == '{' && s.ptr[s.len_bytes - 1] == '}') ||
	                           (s.ptr[0] == '[' && s.ptr[s.len_bytes - 1] == ']'));
}

static enum step finish(struct weft__ask *a)
{
	weft_agent_result *r = &a->run->result;
	weft_str text = a->model.response.text;

	if (a->run->agent->def->opt.strip_think)
		text = weft__strip_think(text, a->run->arena);
	r->text = weft__str_trim(text);
	r->thought = a->model.response.reasoning;
	r->finish = a->model.response.finish;
	if (!r->text.len_bytes && r->finish == WEFT_FINISH_LENGTH)
		return fail(a, WEFT_ECUT, weft_arena_printf(a->run->arena, "the model used up its %u tokens before it had answered",
		                                            a->run->agent->def->opt.max_tokens));
	if (!r->text.len_bytes && r->finish == WEFT_FINISH_CONTENT_FILTER)
		return fail(a, WEFT_EFILTERED, WEFT_STR("the provider withheld the answer"));
	r->responded = true;
	r->content_type = looks_like_json(r->text) ? WEFT_STR("application/json") : WEFT_STR("text/plain");
	if (!message_add(a, WEFT_ROLE_ASSISTANT, r->text))
		return fail(a, -ENOMEM, WEFT_STR("out of memory"));
	return over(a);
}

/* ---- the model ----------------------------------------------------------------------------- */

static void ask_go(struct weft__ask *a, enum step step);

static void model_back(struct weft__model_ask *model, int status)
{
	struct weft__ask *a = model->user;

	if (a->run->answered) /* canceled meanwhile */
		return;
	ask_go(a, status < 0 ? fail(a, status, model->why) : STEP_TOOLS);
}

static enum step model_step(struct weft__ask *a)
{
	const weft_agent_def *def = a->run->agent->def;
	weft_agent_result *result = &a->run->result;
	int r;

	if (result->iterations == def->opt.max_tool_iterations) {
		weft_str why = weft_arena_printf(a->run->arena, "the model still called tools after %u turns",
		                                 def->opt.max_tool_iterations);

		return fail(a, WEFT_EMAXTURNS, why);
	}
	result->iterations++;
	a->model.request = (weft_model_request){ .type = WEFT_MODEL_TEXT_LARGE,
		                                 .messages = a->messages,
		                                 .message_count = a->count,
		                                 .tools_json = weft_tools_json(def->tools),
		                                 .json_schema = a->body->json_schema,
		                                 .max_tokens = def->opt.max_tokens,
		                                 .temperature = def->opt.temperature };
	a->model.messages_json = a->events ? conversation_json(a) : (weft_str){ 0 };
	a->model.number = result->iterations;
	a->model.back = model_back;
	a->model.user = a;
	r = weft__model_ask(&a->model, a->run);
	if (r == WEFT_PENDING)
		return STEP_WAIT;
	return r < 0 ? fail(a, r, a->model.why) : STEP_TOOLS;
}

/* ---- the tools -------------------------------------------------------------------------------- */

static enum step tools_told(struct weft__ask *a);

static void tool_over(struct weft__ask *a, struct weft__tool_run *t)
{
	if (a->run->agent && a->run->agent->def->audit)
		weft__ask_audit(a, t);
	if (!a->events)
		return;
	if (a->run->answered)
		emit_tool_over(a, t, WEFT_EVENT_CANCELED);
	else
		emit_tool_over(a, t, t->status < 0 ? WEFT_EVENT_FAILED : WEFT_EVENT_COMPLETED);
}

/* Start calls from call_next on: all, or one at a time when they are to run in order. */
static void start_calls(struct weft__ask *a);

static void tool_back(struct weft__tool_run *t)
{
	struct weft__ask *a = t->user;

	a->calls_out--;
	tool_over(a, t);
	if (a->run->answered) /* canceled meanwhile */
		return;
	start_calls(a);
	if (!a->calls_out)
		ask_go(a, tools_told(a));
}

static void start_calls(struct weft__ask *a)
{
	const weft_agent_def *def = a->run->agent->def;
	bool serial = def->opt.serial_tool_calls, asked = def->permissions || a->run->tape;

	while (a->call_next < a->call_count && !a->lost && !(serial && (a->calls_out || a->calls[a->call_next].waits))) {
		struct weft__tool_run *t = &a->calls[a->call_next++];

		if (t->waits || t->restored)
			continue;
		if (a->events) {
			t->progress = true;
			t->started = emit_tool_started(a, t, a->call_next == 1 && !asked);
		}
		if (def->audit)
			t->started = weft_ticks();
		if (t->status < 0 || t->repeated) { /* refused, or it will quote the earlier one */
			if (!t->repeated)
				tool_over(a, t);
			continue;
		}
		t->user = a;
		a->tool_calls++;
		weft__def_count(a->run->agent->def, WEFT__STAT_TOOL_CALLS, 1);
		a->calls_out++;
		if (weft__tool_start(t, a->run, tool_back) == WEFT_PENDING)
			continue;
		a->calls_out--;
		a->lost |= t->lost;
		tool_over(a, t);
	}
}

/* A repeat: by policy it is answered with what the first one gave, let pass, or ends the run. */
static int guard_call(struct weft__ask *a, struct weft__tool_run *t)
{
	weft_agent_def *def = a->run->agent->def;
	struct weft__loop_verdict verdict;
	int r;

	if (def->opt.loop_policy == WEFT_LOOP_OFF)
		return 0;
	if (t->doc)
		t->key = weft__loop_key(t->call.name, t->call.arguments);
	else
		t->key = weft__loop_key_raw(t->call.name, t->request->arguments_json);
	r = weft__loop_check(&a->guard, a->run->arena, t->key, t, &verdict);
	if (r < 0 || !verdict.previous)
		return r;
	weft__def_count(def, WEFT__STAT_TOOL_LOOPS, 1);
	if (a->events)
		emit_loop(a, t, verdict.cycle);
	if (def->opt.loop_policy == WEFT_LOOP_STOP)
		return WEFT_ELOOP;
	if (def->opt.loop_policy == WEFT_LOOP_INJECT)
		t->repeated = verdict.previous;
	else
		t->warned = verdict.previous;
	return 0;
}

/*
 * Of a turn that was cut off the calls before the last one are whole, and the last one does not parse, which its model is
 * told as ever. But of a turn that was withheld nobody knows what it would have been.
 */
static bool is_withheld(const weft_model_response *res)
{
	return res->finish == WEFT_FINISH_CONTENT_FILTER || res->finish == WEFT_FINISH_REFUSAL;
}

static enum step tools_begin(struct weft__ask *a)
{
	const weft_model_response *res = &a->model.response;
	weft_agent_def *def = a->run->agent->def;
	weft_chat_message *turn = message_add(a, WEFT_ROLE_ASSISTANT, res->text);
	int r;

	a->calls = weft_arena_alloc(a->run->arena, res->tool_call_count * sizeof(*a->calls));
	a->call_count = a->call_next = a->waiting = 0;
	if (!turn || !a->calls)
		return fail(a, -ENOMEM, WEFT_STR("out of memory"));
	turn->carry_json = res->carry_json;
	turn->tool_calls = res->tool_calls;
	turn->tool_call_count = res->tool_call_count;
	for (uint32_t i = 0; i < res->tool_call_count; i++) {
		struct weft__tool_run *t = &a->calls[i];

		weft__tool_prepare(t, def->tools, &res->tool_calls[i], a->run->arena, a->run->agent->rt);
		a->call_count++;
		r = guard_call(a, t);
		if (r == WEFT_ELOOP) {
			weft_str why = weft_arena_printf(a->run->arena, "the model repeated the call of tool '%.*s'",
			                                 WEFT_STR_ARG(t->call.name));

			calls_done(a);
			return fail(a, WEFT_ELOOP, why);
		}
		if (r < 0) {
			calls_done(a);
			return fail(a, r, weft_str_from(weft_strerror(r)));
		}
		if (def->permissions || a->run->tape)
			weft__ask_permit(a, t);
	}
	start_calls(a);
	return a->calls_out ? STEP_WAIT : tools_told(a);
}

static weft_str loop_message(const struct weft__ask *a, const struct weft__tool_run *t, const struct weft__tool_run *previous)
{
	return weft__loop_message(a->run->arena, a->run->agent->def->loop_message, t->call.name, previous->text);
}

/* The result outlives the call's own memory. False when out of memory. */
static bool keep_text(struct weft__ask *a, struct weft__tool_run *t)
{
	if (t->owned)
		t->text = weft_arena_dup(a->run->arena, t->text);
	return !t->owned || t->text.ptr;
}

/* What the model is told of a call. False when out of memory. */
static bool told(struct weft__ask *a, struct weft__tool_run *t)
{
	weft_arena *arena = a->run->arena;
	weft_chat_message *m;

	if (!keep_text(a, t))
		return false;
	if (t->repeated) {
		t->text = loop_message(a, t, t->repeated);
		tool_over(a, t);
	}
	if (t->changed)
		t->text = weft_arena_printf(arena, "(The call was approved with other arguments: %.*s)\n%.*s",
		                            WEFT_STR_ARG(t->request->arguments_json), WEFT_STR_ARG(t->text));
	if (t->warned) {
		weft_str warning = loop_message(a, t, t->warned);
		struct weft__buf b = weft__buf_begin(arena, t->text.len_bytes + 2 + warning.len_bytes);

		weft__buf_put(&b, t->text);
		weft__buf_put(&b, WEFT_STR("\n\n"));
		weft__buf_put(&b, warning);
		if (weft__buf_end(&b, &t->text) < 0 || !warning.ptr)
			return false;
	}
	if ((t->repeated || t->changed) && !t->text.ptr)
		return false;
	m = message_add(a, WEFT_ROLE_TOOL, t->text);
	if (!m)
		return false;
	m->tool_call_id = t->call.id;
	return true;
}

/* Nobody more can be asked: that is a no. */
static void refuse_waiting(struct weft__ask *a)
{
	for (uint32_t i = 0; i < a->call_count; i++) {
		struct weft__tool_run *t = &a->calls[i];

		if (!t->waits)
			continue;
		t->waits = false;
		weft__ask_refuse(a, t, "deny", WEFT_STR("Error: the call needs an approval, and too many wait for one already"));
		if (i < a->call_next)
			tool_over(a, t);
	}
	a->waiting = 0;
}

static void audit_waiting(struct weft__ask *a)
{
	for (uint32_t i = 0; i < a->call_count; i++) {
		if (a->calls[i].waits)
			weft__ask_audit(a, &a->calls[i]);
	}
}

/* All that may be made without asking has been made. */
static enum step suspend(struct weft__ask *a)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < a->call_count; i++)
		r = keep_text(a, &a->calls[i]) ? 0 : -ENOMEM;
	if (r == 0)
		r = weft__ask_suspend(a);
	if (r == -ENOSPC) {
		refuse_waiting(a);
		start_calls(a);
		return a->calls_out ? STEP_WAIT : tools_told(a);
	}
	if (r == 0 && a->run->agent->def->audit)
		audit_waiting(a);
	if (r == 0 && a->events)
		emit_approvals(a);
	calls_done(a);
	if (r < 0)
		return fail(a, r, weft_arena_printf(a->run->arena, "a run that waits for an approval could not be kept: %s",
		                                    weft_strerror(r)));
	return over(a);
}

/* All calls are over: one tool message a call, in the model's order. */
static enum step tools_told(struct weft__ask *a)
{
	bool ok = true;

	if (a->lost) /* its documents go last: ask_release */
		return fail(a, -ENOMEM, WEFT_STR("out of memory"));
	if (a->waiting)
		return suspend(a);
	for (uint32_t i = 0; ok && i < a->call_count; i++)
		ok = told(a, &a->calls[i]);
	calls_done(a);
	return ok ? STEP_MODEL : fail(a, -ENOMEM, WEFT_STR("out of memory"));
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static void ask_go(struct weft__ask *a, enum step step)
{
	for (;;) {
		switch (step) {
		case STEP_MODEL:
			step = model_step(a);
			break;
		case STEP_TOOLS:
			weft__usage_add(&a->run->result.usage, &a->model.response.usage);
			if (!a->model.response.tool_call_count)
				step = STEP_ANSWER;
			else if (is_withheld(&a->model.response))
				step = fail(a, WEFT_EFILTERED, WEFT_STR("the provider withheld a part of a turn that calls tools"));
			else
				step = tools_begin(a);
			break;
		case STEP_ANSWER:
			step = finish(a);
			break;
		case STEP_WAIT:
		case STEP_OVER:
			return;
		}
	}
}

/* Calls under way are other threads' until they finish: their documents go last, with the run. */
static void ask_release(struct weft__run *run)
{
	struct weft__ask *a = run->part;

	calls_done(a);
	if (a->book)
		weft__approvals_left(a->book, a->resumed);
	weft_approvals_unref(a->book);
}

static void ask_cancel(struct weft__run *run)
{
	(void)fail(run->part, -ECANCELED, WEFT_STR("canceled"));
}

/* The guard knows the calls of the turns before, as it did when the run was suspended. */
static int guard_restore(struct weft__ask *a)
{
	struct weft__loop_verdict verdict;
	int r = 0;

	for (uint32_t i = a->own; i + 1 < a->count; i++) {
		const weft_chat_message *turn = &a->messages[i];

		for (uint32_t j = 0; r == 0 && j < turn->tool_call_count && i + 1 + j < a->count; j++) {
			struct weft__tool_run *t = weft_arena_calloc(a->run->arena, sizeof(*t));

			if (!t)
				return -ENOMEM;
			weft__tool_prepare(t, a->run->agent->def->tools, &turn->tool_calls[j], a->run->arena, a->run->agent->rt);
			t->key = t->doc ? weft__loop_key(t->call.name, t->call.arguments)
			                : weft__loop_key_raw(t->call.name, t->request->arguments_json);
			weft__tool_done(t);
			t->text = a->messages[i + 1 + j].content;
			r = weft__loop_check(&a->guard, a->run->arena, t->key, t, &verdict);
		}
	}
	return r;
}

/* The last turn's calls, from where they stopped. */
static enum step resume(struct weft__ask *a)
{
	bool guarded = a->run->agent->def->opt.loop_policy != WEFT_LOOP_OFF;
	weft_str why = { 0 };
	int r = weft__ask_restore(a, a->body->resume, &why);

	if (r < 0) {
		if (!why.len_bytes)
			why = weft_str_from(weft_strerror(r));
		return fail(a, r, weft_arena_printf(a->run->arena, "the run cannot go on: %.*s", WEFT_STR_ARG(why)));
	}
	if (guarded)
		r = guard_restore(a);
	for (uint32_t i = 0; r == 0 && i < a->call_count; i++) {
		struct weft__tool_run *t = &a->calls[i];

		r = guard_call(a, t);
		if (r == 0 && !t->restored && !t->answered && (a->run->agent->def->permissions || a->run->tape))
			weft__ask_permit(a, t); /* it was not its turn yet */
	}
	if (r < 0) {
		calls_done(a);
		return fail(a, r, weft_str_from(weft_strerror(r)));
	}
	start_calls(a);
	return a->calls_out ? STEP_WAIT : tools_told(a);
}

void weft__ask_start(struct weft__run *run)
{
	struct weft__ask *a = weft_arena_calloc(run->arena, sizeof(*a));

	if (!a) {
		run->result.status = -ENOMEM;
		run->result.error = WEFT_STR("out of memory");
		weft__run_end(run);
		return;
	}
	a->run = run;
	a->body = weft_msg_data(run->request);
	a->name = weft__def_name(run->agent->def);
	run->part = a;
	run->release = ask_release;
	run->cancel = ask_cancel;
	run->parent_workflow_id = a->body->parent_workflow_id;
	weft__budget_set(&run->spending.limit, &a->body->budget);
	a->events = weft_events_wanted(run->agent->rt);
	if (a->events)
		emit_agent_started(a);
	if (!weft_uuid_is_nil(a->body->resume))
		ask_go(a, resume(a));
	else if (conversation_begin(a) < 0)
		fail(a, -ENOMEM, WEFT_STR("out of memory"));
	else
		ask_go(a, STEP_MODEL);
}
