/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/tool.c - the tool registry, and one call: look up, parse, check, run.
 *
 * What can go wrong is told to the model in four different ways: the arguments
 * are no JSON, they are not what the schema asks for, the tool failed, there is no such
 * tool. None of them ends the run.
 */
#include "actors/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/agent.h"
#include "actors/text.h"
#include "net/json/json.h"

#define NAME_MAX_BYTES 64u
#define REASON_BYTES 256
#define REASON_BYTES_MAX (16u << 10)

/* ---- registry ------------------------------------------------------------------- */

int weft_tools_create(weft_tools **ret_tools)
{
	weft_tools *t;

	if (!ret_tools)
		return -EINVAL;
	t = weft_calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	weft__refs_init(&t->refs, 1);
	*ret_tools = t;
	return 0;
}

weft_tools *weft_tools_ref(weft_tools *tools)
{
	weft__refs_take(&tools->refs);
	return tools;
}

static void tool_free(struct weft__tool *tool)
{
	if (!tool)
		return;
	if (tool->release)
		tool->release(tool->user);
	weft_json_schema_destroy(tool->schema);
	weft_json_release(tool->schema_doc);
	weft_free((char *)(uintptr_t)tool->name.ptr);
	weft_free(tool->description);
	weft_free(tool);
}

void weft_tools_unref(weft_tools *tools)
{
	if (!tools || !weft__refs_drop(&tools->refs))
		return;
	for (uint32_t i = 0; i < tools->count; i++)
		tool_free(tools->tools[i]);
	weft_free(tools->tools);
	weft_free(tools->slots);
	weft_free(tools->json);
	weft_free(tools);
}

size_t weft_tools_count(const weft_tools *tools)
{
	return tools ? tools->count : 0;
}

weft_str weft_tools_json(const weft_tools *tools)
{
	return tools && tools->json ? (weft_str){ tools->json, tools->json_len } : (weft_str){ "", 0 };
}

/* Length, first and last eight bytes: tools' names differ there, and it is two loads however long the name. */
static uint32_t hash_name(weft_str name)
{
	size_t n = name.len_bytes;
	uint64_t head = 0, tail = 0;

	if (n >= 8) {
		memcpy(&head, name.ptr, 8);
		memcpy(&tail, name.ptr + n - 8, 8);
	} else {
		for (size_t i = 0; i < n; i++)
			head = head << 8 | (uint8_t)name.ptr[i];
	}
	head = (head ^ n) * 0x9e3779b97f4a7c15u;
	head ^= head >> 32;
	head = (head ^ tail) * 0xd1b54a32d192ed03u;
	return (uint32_t)(head >> 32);
}

const struct weft__tool *weft__tool_find(const weft_tools *tools, weft_str name)
{
	uint32_t hash, at;

	if (!tools || !tools->count)
		return NULL;
	hash = hash_name(name);
	for (at = hash & tools->slot_mask; tools->slots[at]; at = (at + 1) & tools->slot_mask) {
		const struct weft__tool *tool = tools->tools[tools->slots[at] - 1];

		if (tool->hash == hash && tool->name.len_bytes == name.len_bytes &&
		    !memcmp(tool->name.ptr, name.ptr, name.len_bytes))
			return tool;
	}
	return NULL;
}

static void slot_put(weft_tools *tools, uint32_t index)
{
	uint32_t at = tools->tools[index]->hash & tools->slot_mask;

	while (tools->slots[at])
		at = (at + 1) & tools->slot_mask;
	tools->slots[at] = index + 1;
}

/* Room for one more in list and table (at most half full). */
static int grow(weft_tools *tools)
{
	uint32_t cap = tools->cap ? tools->cap * 2 : 8;
	struct weft__tool **list;
	uint32_t *slots;

	if (tools->count < tools->cap)
		return 0;
	list = weft_realloc(tools->tools, cap * sizeof(*list));
	if (!list)
		return -ENOMEM;
	tools->tools = list;
	slots = weft_calloc(cap * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	weft_free(tools->slots);
	tools->slots = slots;
	tools->slot_mask = cap * 2 - 1;
	tools->cap = cap;
	for (uint32_t i = 0; i < tools->count; i++)
		slot_put(tools, i);
	return 0;
}

static bool name_is_valid(const char *name)
{
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") : 0;

	return n > 0 && n <= NAME_MAX_BYTES && !name[n];
}

static void put_function(weft_json_writer *w, const struct weft__tool *tool)
{
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("type"));
	weft_json_put_str(w, WEFT_STR("function"));
	weft_json_key(w, WEFT_STR("function"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("name"));
	weft_json_put_str(w, tool->name);
	weft_json_key(w, WEFT_STR("description"));
	weft_json_put_str(w, weft_str_from(tool->description));
	weft_json_key(w, WEFT_STR("parameters"));
	if (tool->schema_doc)
		weft_json_put_value(w, weft_json_root(tool->schema_doc));
	else
		weft_json_put_raw(w, WEFT_STR("{\"type\":\"object\"}"));
	weft_json_end_object(w);
	weft_json_end_object(w);
}

/* The registry as OpenAI functions, made again at each add. */
static int json_make(weft_tools *tools)
{
	weft_json_writer *w;
	weft_str text;
	char *copy = NULL;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < tools->count; i++)
		put_function(w, tools->tools[i]);
	weft_json_end_array(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0) {
		copy = weft_strndup(text.ptr, text.len_bytes);
		r = copy ? 0 : -ENOMEM;
	}
	if (r == 0) {
		weft_free(tools->json);
		tools->json = copy;
		tools->json_len = text.len_bytes;
	}
	weft_json_writer_destroy(w);
	return r;
}

static int tool_make(const weft_tool_options *opt, struct weft__tool **ret_tool, weft_error *err)
{
	struct weft__tool *tool = weft_calloc(1, sizeof(*tool));
	const char *description = opt->description ? opt->description : "";
	int r = -ENOMEM;

	if (!tool)
		return -ENOMEM;
	tool->name.ptr = weft_strndup(opt->name, strlen(opt->name));
	tool->name.len_bytes = strlen(opt->name);
	tool->description = weft_strndup(description, strlen(description));
	tool->fn = opt->fn;
	tool->user = opt->user;
	tool->flags = opt->flags;
	if (!tool->name.ptr || !tool->description)
		goto out;
	tool->hash = hash_name(tool->name);
	r = 0;
	if (opt->schema_json.len_bytes) {
		r = weft_json_parse(opt->schema_json, &tool->schema_doc, err);
		if (r == 0 && !(opt->flags & WEFT_TOOL_UNCHECKED))
			r = weft_json_schema_compile(weft_json_root(tool->schema_doc), &tool->schema, err);
	}
	if (r == 0) {
		*ret_tool = tool;
		tool = NULL; /* ownership moved */
	}
out:
	tool_free(tool);
	return r;
}

/* The first count tools stay, in a table that knows no others. */
static void drop_behind(weft_tools *tools, uint32_t count)
{
	while (tools->count > count)
		tool_free(tools->tools[--tools->count]);
	memset(tools->slots, 0, (tools->slot_mask + 1) * sizeof(*tools->slots));
	for (uint32_t i = 0; i < count; i++)
		slot_put(tools, i);
}

int weft_tools_add(weft_tools *tools, const weft_tool_options *opt, weft_error *err)
{
	struct weft__tool *tool = NULL;
	int r;

	if (!tools || !opt || opt->size != sizeof(*opt) || !opt->fn)
		return weft_error_set(err, -EINVAL, "a tool needs options of the right size, and a handler");
	if (!name_is_valid(opt->name))
		return weft_error_set(err, -EINVAL, "a tool's name has 1 to 64 of A-Z a-z 0-9 _ -");
	if (tools->held)
		return weft_error_set(err, -EBUSY, "an agent definition holds the registry");
	if (weft__tool_find(tools, weft_str_from(opt->name)))
		return weft_error_set(err, -EEXIST, "there is a tool named '%s'", opt->name);
	r = grow(tools);
	if (r < 0)
		return r;
	r = tool_make(opt, &tool, err);
	if (r < 0)
		return r;
	tools->tools[tools->count] = tool;
	slot_put(tools, tools->count);
	tools->count++;
	r = json_make(tools);
	if (r < 0) /* out of memory: take it back */
		drop_behind(tools, tools->count - 1);
	else
		tool->release = opt->release; /* user is the registry's from here on */
	return r;
}

/* Without memory for it the list for models is too long, and a call of what is gone is told so. */
void weft__tools_cut(weft_tools *tools, size_t count)
{
	if (count >= tools->count)
		return;
	drop_behind(tools, (uint32_t)count);
	(void)json_make(tools);
}

int weft_tools_flags(const weft_tools *tools, weft_str name, uint32_t *ret_flags)
{
	const struct weft__tool *tool = weft__tool_find(tools, name);

	if (!tool)
		return WEFT_ENOTOOL;
	*ret_flags = tool->flags;
	return 0;
}

/* ---- a call ------------------------------------------------------------------------- */

/* What vsnprintf wrote into room bytes; when it was cut, up to a whole character. */
static weft_str written(const char *buf, int n, size_t room)
{
	if (n < 0)
		return (weft_str){ buf, 0 };
	if ((size_t)n < room)
		return (weft_str){ buf, (size_t)n };
	return (weft_str){ buf, weft__str_whole((weft_str){ buf, room - 1 }) };
}

static void tell(struct weft__tool_run *t, int status, const char *fmt, ...) WEFT_PRINTF(3, 4);

/* The call ends here, and this is what the model is told. */
static void tell(struct weft__tool_run *t, int status, const char *fmt, ...)
{
	char buf[REASON_BYTES + NAME_MAX_BYTES + 128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	t->status = status;
	t->text = weft_arena_dup(t->call.arena, written(buf, n, sizeof(buf)));
	if (!t->text.ptr)
		t->text = WEFT_STR("Error: out of memory");
}

/* What the model is told of arguments that do not fit: only they pay for the sentence. */
static void schema_error(struct weft__tool_run *t, weft_json arguments)
{
	weft_error err;

	weft_error_set(&err, WEFT_ESCHEMA, "the arguments must be an object");
	if (t->tool->schema)
		weft_json_schema_check(t->tool->schema, arguments, &err);
	tell(t, WEFT_ESCHEMA, "Error: invalid arguments for tool '%.*s': %s", WEFT_STR_ARG(t->tool->name), err.message);
}

static bool is_fitting(const struct weft__tool_run *t, weft_json arguments)
{
	if (t->tool->schema)
		return weft_json_schema_check(t->tool->schema, arguments, NULL) == 0;
	return weft_json_typeof(arguments) == WEFT_JSON_OBJECT;
}

static void lookup(struct weft__tool_run *t, const weft_tools *tools, weft_str name)
{
	t->tool = weft__tool_find(tools, name);
	if (!t->tool)
		tell(t, WEFT_ENOTOOL, "Error: there is no tool named '%.*s'", (int)(name.len_bytes < 64 ? name.len_bytes : 64),
		     name.ptr);
}

/* They are no arguments at all. */
static void parse_error(struct weft__tool_run *t, const weft_error *err)
{
	weft_json_release(t->doc);
	t->doc = NULL;
	t->call.arguments = (weft_json){ 0 };
	tell(t, WEFT_EPARSE, "Error: the arguments for tool '%.*s' could not be parsed as JSON: %s", WEFT_STR_ARG(t->tool->name),
	     err->message);
}

/*
 * A key that is given twice is refused: rules and schema look at one of the two, a tool might take the other. With a schema
 * both are looked at in one pass; what is wrong is found out by two.
 */
static void check(struct weft__tool_run *t, weft_json arguments)
{
	weft_error err;

	if (t->tool->schema && weft__json_schema_check_strictly(t->tool->schema, arguments) == 0)
		return;
	err.message[0] = '\0'; /* it is long, and mostly nobody reads it */
	if (weft_json_check_keys(arguments, &err) < 0)
		parse_error(t, &err);
	else if (!is_fitting(t, arguments))
		schema_error(t, arguments);
}

static void parse(struct weft__tool_run *t, weft_str text)
{
	weft_error err;

	err.message[0] = '\0';
	if (!text.len_bytes)
		text = WEFT_STR("{}"); /* models leave out what is empty */
	if (weft_json_parse(text, &t->doc, &err) < 0) {
		parse_error(t, &err);
		return;
	}
	t->call.arguments = weft_json_root(t->doc);
	t->call.arguments_text = text;
	check(t, t->call.arguments);
}

/* Everything but op and key, which are made when they are needed: zeroing a quarter KiB shows in a dispatch. */
static void prepare(struct weft__tool_run *t, weft_str name, weft_arena *arena, weft_runtime *rt)
{
	t->call = (weft_tool_call){ .name = name, .arena = arena, .rt = rt };
	t->tool = NULL;
	t->request = NULL;
	t->doc = NULL;
	t->status = 0;
	t->text = t->reason = (weft_str){ 0 };
	t->owned = t->owned_reason = NULL;
	t->started = 0;
	t->repeated = t->warned = NULL;
	t->called = t->lost = t->no_memory = t->waits = t->restored = t->answered = t->progress = t->changed = false;
	t->decision = NULL;
	t->by = t->why = (weft_str){ 0 };
	t->back = NULL;
	t->user = NULL;
}

void weft__tool_prepare(struct weft__tool_run *t, const weft_tools *tools, const weft_tool_request *request,
                        weft_arena *arena, weft_runtime *rt)
{
	prepare(t, request->name, arena, rt);
	t->request = request;
	t->call.id = request->id;
	t->call.arguments_text = request->arguments_json;
	lookup(t, tools, request->name);
	if (t->tool)
		parse(t, request->arguments_json);
}

/* A reason that tell would have to cut. False: out of memory. */
static bool tell_at_length(struct weft__tool_run *t)
{
	weft_str text = weft_arena_printf(t->call.arena, "Error: tool '%.*s' failed: %.*s", WEFT_STR_ARG(t->tool->name),
	                                  WEFT_STR_ARG(t->reason));

	if (!text.ptr)
		return false;
	t->status = WEFT_ETOOL;
	t->text = text;
	return true;
}

static void conclude(struct weft__tool_run *t, int r)
{
	if (r == 0 || (t->reason.len_bytes >= REASON_BYTES && tell_at_length(t)))
		return;
	tell(t, WEFT_ETOOL, "Error: tool '%.*s' failed: %.*s", WEFT_STR_ARG(t->tool->name),
	     t->reason.len_bytes ? (int)t->reason.len_bytes : (int)strlen(weft_strerror(r)),
	     t->reason.len_bytes ? t->reason.ptr : weft_strerror(r));
}

/* What the handler has said, and could not be kept, is a failure too. */
static int outcome(const struct weft__tool_run *t, int r)
{
	return r == 0 && t->no_memory ? -ENOMEM : r;
}

static void over(struct weft__tool_run *t, int r)
{
	struct weft__run *run = t->op.run;

	r = outcome(t, r);
	conclude(t, r);
	if (run->tape)
		run->tape->tape->fns->returned(run, t, r);
}

static void call_back(struct weft__op *op)
{
	struct weft__tool_run *t = weft__op_owner(op, struct weft__tool_run, op);

	over(t, op->status);
	t->back(t);
}

/* The handler, or a replay in its place. */
static int call_handler(struct weft__tool_run *t, struct weft__run *run)
{
	int r;

	if (run->tape && run->tape->tape->fns->called(run, t, &r))
		return r;
	return t->tool->fn(&t->call, t->tool->user);
}

int weft__tool_start(struct weft__tool_run *t, struct weft__run *run, void (*back)(struct weft__tool_run *call))
{
	int r;

	t->back = back;
	t->called = true;
	weft__op_begin(&t->op, run, call_back);
	r = weft__op_returned(&t->op, call_handler(t, run));
	if (r == WEFT_PENDING)
		return r;
	t->lost = r < 0 && weft__op_is_lost(&t->op);
	if (t->lost)
		t->status = WEFT_ETOOL;
	else
		over(t, r);
	return 0;
}

void weft__tool_done(struct weft__tool_run *t)
{
	weft_json_release(t->doc);
	weft_free(t->owned);
	weft_free(t->owned_reason);
	t->doc = NULL;
	t->owned = t->owned_reason = NULL;
}

/* ---- what a handler says -------------------------------------------------------------- */

/* A copy in the arena, or, from another thread, in memory of its own. */
static weft_str keep(struct weft__tool_run *t, weft_str text, char **owned)
{
	char *copy;

	if (weft__op_is_inline(&t->op))
		return weft_arena_dup(t->call.arena, text);
	copy = weft_strndup(text.ptr, text.len_bytes);
	weft_free(*owned);
	*owned = copy;
	return (weft_str){ copy, copy ? text.len_bytes : 0 };
}

void weft_tool_return(weft_tool_call *call, weft_str result)
{
	struct weft__tool_run *t = (struct weft__tool_run *)call;

	if (!t)
		return;
	t->text = keep(t, result, &t->owned);
	t->no_memory = !t->text.ptr;
}

int weft_tool_fail(weft_tool_call *call, int code, const char *fmt, ...)
{
	struct weft__tool_run *t = (struct weft__tool_run *)call;
	char buf[REASON_BYTES], *more = NULL;
	size_t room = sizeof(buf);
	va_list args;
	int n;

	if (!t)
		return code;
	va_start(args, fmt);
	n = vsnprintf(buf, room, fmt, args);
	va_end(args);
	if (n >= (int)room && (more = weft_malloc(REASON_BYTES_MAX))) {
		room = REASON_BYTES_MAX;
		va_start(args, fmt);
		n = vsnprintf(more, room, fmt, args);
		va_end(args);
	}
	t->reason = keep(t, written(more ? more : buf, n, room), &t->owned_reason);
	weft_free(more);
	return code;
}

void weft_tool_finish(weft_tool_call *call, int status)
{
	if (call)
		weft__op_finish(&((struct weft__tool_run *)call)->op, status);
}

int weft_tool_on_cancel(weft_tool_call *call, void (*fn)(void *user), void *user)
{
	return call ? weft__op_on_cancel(&((struct weft__tool_run *)call)->op, fn, user) : -EINVAL;
}

/* The run stays until the call is finished, and its ids do not change; its agent, until nobody speaks. */
static void emit_progress(const struct weft__tool_run *t, weft_str chunk)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_TOOL,
		                              .text_count = 3,
		                              .keys = { WEFT_EVENT_KEY("agent", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("tool_call_id", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("chunk", WEFT_FIELD_STR) } };
	const weft_str texts[] = { weft__def_name(t->op.run->agent->def), t->call.id, chunk };

	weft_event_emit_form(t->call.rt, &form,
	                     &(weft_event_values){ .type = WEFT_EVENT_PROGRESS,
	                                           .workflow_id = t->op.run->workflow_id,
	                                           .parent_workflow_id = t->op.run->parent_workflow_id,
	                                           .component_id = t->call.name,
	                                           .texts = texts });
}

void weft_tool_progress(weft_tool_call *call, weft_str chunk)
{
	struct weft__tool_run *t = (struct weft__tool_run *)call;

	if (!t || !t->progress || !weft__op_speak_begin(&t->op))
		return;
	if (weft_events_wanted(call->rt))
		emit_progress(t, chunk);
	weft__op_speak_end(&t->op);
}

/* ---- without an agent ------------------------------------------------------------------- */

static int call_here(struct weft__tool_run *t, weft_arena *arena, weft_str *ret_result)
{
	if (t->status == 0) {
		weft__op_begin(&t->op, NULL, NULL);
		conclude(t, outcome(t, weft__op_wait(&t->op, t->tool->fn(&t->call, t->tool->user))));
	}
	if (t->owned) {
		t->text = weft_arena_dup(arena, t->text);
		t->no_memory |= !t->text.ptr;
	}
	*ret_result = t->text;
	weft__tool_done(t);
	return t->no_memory ? -ENOMEM : t->status;
}

int weft_tools_call(const weft_tools *tools, weft_str name, weft_str arguments_json, weft_arena *arena,
                    weft_str *ret_result)
{
	weft_tool_request request = { .name = name, .arguments_json = arguments_json };
	struct weft__tool_run t;

	if (!tools || !arena || !ret_result)
		return -EINVAL;
	weft__tool_prepare(&t, tools, &request, arena, NULL);
	return call_here(&t, arena, ret_result);
}

int weft_tools_call_parsed(const weft_tools *tools, weft_str name, weft_json arguments, weft_arena *arena,
                           weft_str *ret_result)
{
	struct weft__tool_run t;

	if (!tools || !arena || !ret_result)
		return -EINVAL;
	prepare(&t, name, arena, NULL);
	t.call.arguments = arguments;
	lookup(&t, tools, name);
	if (t.tool)
		check(&t, arguments);
	return call_here(&t, arena, ret_result);
}
