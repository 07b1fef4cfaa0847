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

#define NAME_MAX_BYTES 64u
#define REASON_BYTES 256

/* ---- registry ------------------------------------------------------------------- */

int weft_tools_create(weft_tools **ret_tools)
{
	weft_tools *t;

	if (!ret_tools)
		return -EINVAL;
	t = weft_calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->refs = 1;
	*ret_tools = t;
	return 0;
}

weft_tools *weft_tools_ref(weft_tools *tools)
{
	__atomic_fetch_add(&tools->refs, 1, __ATOMIC_RELAXED); /* relaxed: the caller holds one */
	return tools;
}

static void tool_free(struct weft__tool *tool)
{
	if (!tool)
		return;
	weft_json_schema_destroy(tool->schema);
	weft_json_release(tool->schema_doc);
	weft_free((char *)(uintptr_t)tool->name.ptr);
	weft_free(tool->description);
	weft_free(tool);
}

void weft_tools_unref(weft_tools *tools)
{
	if (!tools || __atomic_fetch_sub(&tools->refs, 1, __ATOMIC_ACQ_REL) != 1)
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
	for (uint32_t i = 0; i < tools->count; i++) {
		const struct weft__tool *tool = tools->tools[i];

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
	if (!tool->name.ptr || !tool->description)
		goto out;
	tool->hash = hash_name(tool->name);
	r = 0;
	if (opt->schema_json.len_bytes) {
		r = weft_json_parse(opt->schema_json, &tool->schema_doc, err);
		if (r == 0)
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
	if (r < 0) { /* out of memory: take it back; rebuild the table without it */
		tools->count--;
		tool_free(tool);
		memset(tools->slots, 0, (tools->slot_mask + 1) * sizeof(*tools->slots));
		for (uint32_t i = 0; i < tools->count; i++)
			slot_put(tools, i);
	}
	return r;
}

/* ---- a call ------------------------------------------------------------------------- */

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
	t->text = weft_arena_dup(t->call.arena, (weft_str){ buf, n < 0 ? 0 : (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1 });
}

static int check_schema(struct weft__tool_run *t, weft_json arguments)
{
	weft_error err;
	int r = 0;

	if (t->tool->schema)
		r = weft_json_schema_check(t->tool->schema, arguments, NULL);
	else if (weft_json_typeof(arguments) != WEFT_JSON_OBJECT)
		r = WEFT_ESCHEMA;
	if (r == 0)
		return 0;
	/* once more, for the reason: only what fails pays for the sentence */
	weft_error_set(&err, WEFT_ESCHEMA, "the arguments must be an object");
	if (t->tool->schema)
		weft_json_schema_check(t->tool->schema, arguments, &err);
	tell(t, WEFT_ESCHEMA, "Error: invalid arguments for tool '%.*s': %s", WEFT_STR_ARG(t->tool->name), err.message);
	return WEFT_ESCHEMA;
}

static void lookup(struct weft__tool_run *t, const weft_tools *tools, weft_str name)
{
	t->tool = weft__tool_find(tools, name);
	if (!t->tool)
		tell(t, WEFT_ENOTOOL, "Error: there is no tool named '%.*s'", (int)(name.len_bytes < 64 ? name.len_bytes : 64),
		     name.ptr);
}

static void parse(struct weft__tool_run *t, weft_str text)
{
	weft_error err = { 0 };

	if (!text.len_bytes)
		text = WEFT_STR("{}"); /* models leave out what is empty */
	if (weft_json_parse(text, &t->doc, &err) < 0) {
		tell(t, WEFT_EPARSE, "Error: the arguments for tool '%.*s' could not be parsed as JSON: %s",
		     WEFT_STR_ARG(t->tool->name), err.message);
		return;
	}
	t->call.arguments = weft_json_root(t->doc);
	t->call.arguments_text = text;
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
	t->called = false;
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
	if (t->status == 0)
		check_schema(t, t->call.arguments);
}

static void conclude(struct weft__tool_run *t, int r)
{
	if (r == 0)
		return;
	tell(t, WEFT_ETOOL, "Error: tool '%.*s' failed: %.*s", WEFT_STR_ARG(t->tool->name),
	     t->reason.len_bytes ? (int)t->reason.len_bytes : (int)strlen(weft_strerror(r)),
	     t->reason.len_bytes ? t->reason.ptr : weft_strerror(r));
}

static void call_back(struct weft__op *op)
{
	struct weft__tool_run *t = weft__op_owner(op, struct weft__tool_run, op);

	conclude(t, op->status);
	t->back(t);
}

int weft__tool_start(struct weft__tool_run *t, struct weft__run *run, void (*back)(struct weft__tool_run *call))
{
	int r;

	t->back = back;
	t->called = true;
	weft__op_begin(&t->op, run, call_back);
	r = weft__op_returned(&t->op, t->tool->fn(&t->call, t->tool->user));
	if (r == WEFT_PENDING)
		return r;
	conclude(t, r);
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

	if (t)
		t->text = keep(t, result, &t->owned);
}

int weft_tool_fail(weft_tool_call *call, int code, const char *fmt, ...)
{
	struct weft__tool_run *t = (struct weft__tool_run *)call;
	char buf[REASON_BYTES];
	va_list args;
	int n;

	if (!t)
		return code;
	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	t->reason = keep(t, (weft_str){ buf, n < 0 ? 0 : (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1 },
	                 &t->owned_reason);
	return code;
}

void weft_tool_finish(weft_tool_call *call, int status)
{
	if (call)
		weft__op_finish(&((struct weft__tool_run *)call)->op, status);
}

/* ---- without an agent ------------------------------------------------------------------- */

static int call_here(struct weft__tool_run *t, weft_arena *arena, weft_str *ret_result)
{
	if (t->status == 0) {
		weft__op_begin(&t->op, NULL, NULL);
		conclude(t, weft__op_wait(&t->op, t->tool->fn(&t->call, t->tool->user)));
	}
	if (t->owned)
		t->text = weft_arena_dup(arena, t->text);
	*ret_result = t->text;
	weft__tool_done(t);
	return t->status;
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
		check_schema(&t, arguments);
	return call_here(&t, arena, ret_result);
}
