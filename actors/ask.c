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

#include "actors/agent.h"
#include "actors/loopguard.h"
#include "actors/text.h"
#include "net/markup/answer.h"

struct ask {
	struct weft__run *run;
	const struct weft__ask_body *body;
	weft_chat_message *messages; /* the conversation, grows in the arena */
	uint32_t count, cap;
	struct weft__model_ask model;
	struct weft__buf json; /* messages[0..json_count) as a JSON array, for events; grows with them */
	uint32_t json_count;
	struct weft__loopguard guard;
	struct weft__tool_run *calls; /* of this turn */
	uint32_t call_count, call_next; /* next to start */
	uint32_t calls_out;             /* under way */
	uint32_t tool_calls;            /* in the whole run */
	bool events;                    /* somebody listened when the run began */
	weft_str name;                  /* the agent's; owned by its definition */
};

enum step { STEP_MODEL, STEP_WAIT, STEP_TOOLS, STEP_ANSWER, STEP_OVER };

/* ---- events ------------------------------------------------------------------------- */

static void emit(const struct ask *a, weft_event_scope scope, weft_event_type type, weft_str component,
                 const weft_event_field *fields, uint32_t count, weft_str message)
{
	weft_event_desc desc = { .scope = scope,
		                 .type = type,
		                 .component_id = component,
		                 .workflow_id = a->run->workflow_id,
		                 .parent_workflow_id = a->run->parent_workflow_id,
		                 .message = message,
		                 .fields = fields,
		                 .field_count = count };

	weft_event_emit(a->run->agent->rt, &desc);
}

static weft_event_field field_str(weft_str key, weft_str value)
{
	return (weft_event_field){ .key = key, .kind = WEFT_FIELD_STR, .str = value };
}

static weft_event_field field_int(weft_str key, int64_t value)
{
	return (weft_event_field){ .key = key, .kind = WEFT_FIELD_INT, .num.i = value };
}

static void emit_agent_started(const struct ask *a)
{
	weft_event_field fields[3] = { field_str(WEFT_STR("agent"), a->name),
		                       field_int(WEFT_STR("workflow_id"), (int64_t)a->run->workflow_id),
		                       field_str(WEFT_STR("input"), a->body->input) };

	emit(a, WEFT_SCOPE_AGENT, WEFT_EVENT_STARTED, a->name, fields, 3, (weft_str){ 0 });
}

static void emit_agent_ended(const struct ask *a)
{
	const weft_agent_result *r = &a->run->result;
	weft_event_field fields[3] = {
		{ .key = WEFT_STR("execution_time_ms"),
		  .kind = WEFT_FIELD_DOUBLE,
		  .num.d = (double)r->duration_ns / 1e6 },
		field_int(WEFT_STR("tool_calls"), r->tool_calls),
		field_int(WEFT_STR("iterations"), r->iterations),
	};

	emit(a, WEFT_SCOPE_AGENT, r->status < 0 ? WEFT_EVENT_FAILED : WEFT_EVENT_COMPLETED,
	     a->name, fields, 3, r->error);
}

static void emit_tool(const struct ask *a, const struct weft__tool_run *t, weft_event_type type)
{
	bool started = type == WEFT_EVENT_STARTED;
	weft_event_field fields[5] = {
		{ .key = WEFT_STR("agent"), .kind = WEFT_FIELD_STR, .str = a->name },
		{ .key = WEFT_STR("tool_call_id"), .kind = WEFT_FIELD_STR, .str = t->call.id },
		{ .key = WEFT_STR("arguments"), .kind = WEFT_FIELD_STR, .str = t->call.arguments_text },
		{ .key = WEFT_STR("result"), .kind = WEFT_FIELD_STR, .str = t->text },
		{ .key = WEFT_STR("duration_ms"),
		  .kind = WEFT_FIELD_DOUBLE,
		  .num.d = started ? 0 : (double)weft_ticks_to_ns(weft_ticks() - t->started) / 1e6 },
	};

	emit(a, WEFT_SCOPE_TOOL, type, t->call.name, fields, started ? 3 : 5, (weft_str){ 0 });
}

static void emit_loop(const struct ask *a, const struct weft__tool_run *t, uint32_t cycle)
{
	weft_event_field fields[2] = { field_str(WEFT_STR("tool"), t->call.name),
		                       field_int(WEFT_STR("cycle_length"), cycle ? cycle : 1) };

	emit(a, WEFT_SCOPE_SYSTEM, WEFT_EVENT_PROGRESS, WEFT_STR("system:loop_detected"), fields, 2,
	     WEFT_STR("the model repeats a tool call"));
}

/* ---- the conversation ------------------------------------------------------------------ */

static int message_add(struct ask *a, weft_chat_message m)
{
	if (a->count == a->cap) {
		uint32_t cap = a->cap ? a->cap * 2 : 8;
		weft_chat_message *more = weft_arena_alloc(a->run->arena, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (a->count)
			memcpy(more, a->messages, a->count * sizeof(*more));
		a->messages = more;
		a->cap = cap;
	}
	a->messages[a->count++] = m;
	return 0;
}

/*
 * With a history: the agent's own system prompt first, then the history without
 * its system messages; the input at the end unless the last one is the user's already.
 */
static int conversation_begin(struct ask *a)
{
	weft_str system = weft__def_system(a->run->agent->def);
	const struct weft__ask_body *b = a->body;
	bool ends_with_user = false;
	int r = 0;

	if (system.len_bytes || !b->history_count)
		r = message_add(a, (weft_chat_message){ .role = WEFT_ROLE_SYSTEM, .content = system });
	for (uint32_t i = 0; r == 0 && i < b->history_count; i++) {
		if (b->history[i].role == WEFT_ROLE_SYSTEM)
			continue;
		ends_with_user = b->history[i].role == WEFT_ROLE_USER;
		r = message_add(a, b->history[i]);
	}
	if (r == 0 && (!b->history_count || (!ends_with_user && b->input.len_bytes)))
		r = message_add(a, (weft_chat_message){ .role = WEFT_ROLE_USER, .content = b->input });
	return r;
}

/* Only what is new is written: a long conversation is not quoted again each turn. */
static weft_str conversation_json(struct ask *a)
{
	weft_json_writer *w = a->run->writer;
	struct weft__buf *b = &a->json;
	weft_str text = { 0 };

	if (!w && weft_json_writer_create(0, &a->run->writer) < 0)
		return text;
	w = a->run->writer;
	if (!b->arena)
		*b = weft__buf_begin(a->run->arena, 512);
	else if (b->len_bytes)
		b->len_bytes--; /* the array is open again */
	for (; a->json_count < a->count; a->json_count++) {
		const weft_chat_message *m = &a->messages[a->json_count];

		weft_json_writer_reset(w);
		weft_json_put_str(w, m->content);
		if (weft_json_writer_text(w, &text) < 0)
			b->failed = true;
		weft__buf_put(b, a->json_count ? WEFT_STR(",{\"role\":\"") : WEFT_STR("[{\"role\":\""));
		weft__buf_put(b, weft_str_from(weft_role_name(m->role)));
		weft__buf_put(b, WEFT_STR("\",\"content\":"));
		weft__buf_put(b, text);
		weft__buf_put_char(b, '}');
	}
	weft__buf_put_char(b, ']');
	text = (weft_str){ 0 };
	(void)weft__buf_end(b, &text);
	return text;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void calls_done(struct ask *a)
{
	for (uint32_t i = 0; i < a->call_count; i++)
		weft__tool_done(&a->calls[i]);
	a->call_count = 0;
}

static enum step over(struct ask *a)
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
	/* before the answer: whoever waits for it may look */
	if (end_after)
		agent->ending = true;
	weft__run_end(run);
	return STEP_OVER;
}

static enum step fail(struct ask *a, int status, weft_str why)
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

static enum step finish(struct ask *a)
{
	weft_agent_result *r = &a->run->result;
	weft_str text = a->model.response.text;

	if (a->run->agent->def->opt.strip_think)
		text = weft__strip_think(text, a->run->arena);
	r->text = weft__str_trim(text);
	r->responded = true;
	r->content_type = looks_like_json(r->text) ? WEFT_STR("application/json") : WEFT_STR("text/plain");
	if (message_add(a, (weft_chat_message){ .role = WEFT_ROLE_ASSISTANT, .content = r->text }) < 0)
		return fail(a, -ENOMEM, WEFT_STR("out of memory"));
	return over(a);
}

/* ---- the model ----------------------------------------------------------------------------- */

static void ask_go(struct ask *a, enum step step);

static void model_back(struct weft__model_ask *model, int status)
{
	struct ask *a = model->user;

	ask_go(a, status < 0 ? fail(a, status, model->why) : STEP_TOOLS);
}

static enum step model_step(struct ask *a)
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

static enum step tools_told(struct ask *a);

static void tool_over(struct ask *a, struct weft__tool_run *t)
{
	if (a->events)
		emit_tool(a, t, t->status < 0 ? WEFT_EVENT_FAILED : WEFT_EVENT_COMPLETED);
}

/* Start calls from call_next on: all, or one at a time when they are to run in order. */
static void start_calls(struct ask *a);

static void tool_back(struct weft__tool_run *t)
{
	struct ask *a = t->user;

	a->calls_out--;
	tool_over(a, t);
	start_calls(a);
	if (!a->calls_out)
		ask_go(a, tools_told(a));
}

static void start_calls(struct ask *a)
{
	bool serial = a->run->agent->def->opt.serial_tool_calls;

	while (a->call_next < a->call_count && !(serial && a->calls_out)) {
		struct weft__tool_run *t = &a->calls[a->call_next++];

		if (a->events) {
			t->started = weft_ticks();
			emit_tool(a, t, WEFT_EVENT_STARTED);
		}
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
		tool_over(a, t);
	}
}

/* A repeat: by policy it is answered with what the first one gave, let pass, or ends the run. */
static int guard_call(struct ask *a, struct weft__tool_run *t)
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

static enum step tools_begin(struct ask *a)
{
	const weft_model_response *res = &a->model.response;
	weft_agent_def *def = a->run->agent->def;
	int r = message_add(a, (weft_chat_message){ .role = WEFT_ROLE_ASSISTANT,
	                                            .content = res->text,
	                                            .tool_calls = res->tool_calls,
	                                            .tool_call_count = res->tool_call_count });

	a->calls = weft_arena_alloc(a->run->arena, res->tool_call_count * sizeof(*a->calls));
	a->call_count = a->call_next = 0;
	if (r < 0 || !a->calls)
		return fail(a, -ENOMEM, WEFT_STR("out of memory"));
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
	}
	start_calls(a);
	return a->calls_out ? STEP_WAIT : tools_told(a);
}

static weft_str loop_message(const struct ask *a, const struct weft__tool_run *t, const struct weft__tool_run *previous)
{
	return weft__loop_message(a->run->arena, a->run->agent->def->loop_message, t->call.name, previous->text);
}

/* What the model is told of a call. False when out of memory. */
static bool told(struct ask *a, struct weft__tool_run *t)
{
	weft_arena *arena = a->run->arena;

	if (t->owned) /* outlives the call's own memory */
		t->text = weft_arena_dup(arena, t->text);
	if (t->repeated) {
		t->text = loop_message(a, t, t->repeated);
		tool_over(a, t);
	}
	if (t->warned) {
		weft_str warning = loop_message(a, t, t->warned);
		struct weft__buf b = weft__buf_begin(arena, t->text.len_bytes + 2 + warning.len_bytes);

		weft__buf_put(&b, t->text);
		weft__buf_put(&b, WEFT_STR("\n\n"));
		weft__buf_put(&b, warning);
		if (weft__buf_end(&b, &t->text) < 0)
			return false;
	}
	return message_add(a, (weft_chat_message){ .role = WEFT_ROLE_TOOL,
	                                           .content = t->text,
	                                           .tool_call_id = t->call.id }) == 0;
}

/* All calls are over: one tool message a call, in the model's order. */
static enum step tools_told(struct ask *a)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < a->call_count; i++)
		ok = told(a, &a->calls[i]);
	calls_done(a);
	return ok ? STEP_MODEL : fail(a, -ENOMEM, WEFT_STR("out of memory"));
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static void ask_go(struct ask *a, enum step step)
{
	for (;;) {
		switch (step) {
		case STEP_MODEL:
			step = model_step(a);
			break;
		case STEP_TOOLS:
			weft__usage_add(&a->run->result.usage, &a->model.response.usage);
			step = a->model.response.tool_call_count ? tools_begin(a) : STEP_ANSWER;
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
	calls_done(run->part);
}

void weft__ask_start(struct weft__run *run)
{
	struct ask *a = weft_arena_calloc(run->arena, sizeof(*a));

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
	run->parent_workflow_id = a->body->parent_workflow_id;
	a->events = weft_events_wanted(run->agent->rt);
	if (a->events)
		emit_agent_started(a);
	if (conversation_begin(a) < 0)
		fail(a, -ENOMEM, WEFT_STR("out of memory"));
	else
		ask_go(a, STEP_MODEL);
}
