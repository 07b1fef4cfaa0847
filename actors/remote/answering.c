/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/answering.c - pieces of text, thoughts and calls put together in the call's arena, bounded as a whole; the end
 * makes a response of them, or gives the first error.
 */
#include "actors/remote/answering.h"

#include <errno.h>

#include "actors/remote/fault.h"

#define TEXT_BYTES 256u /* an answer's first room; it doubles */

int weft__answering_fail(struct weft__answering *a, int code, const char *why)
{
	if (a->status == 0) {
		a->status = code;
		weft_error_set(a->error, code, "%s", why);
	}
	return code;
}

bool weft__answering_take(struct weft__answering *a, size_t bytes)
{
	if (a->status < 0)
		return false;
	a->bytes += bytes;
	if (a->bytes <= WEFT__ANSWER_BYTES_MAX)
		return true;
	weft__answering_fail(a, -EMSGSIZE, "the model's answer is larger than 16 MiB");
	return false;
}

void weft__answering_keep(struct weft__answering *a, struct weft__buf *b, weft_str piece)
{
	if (!piece.len_bytes || !weft__answering_take(a, piece.len_bytes))
		return;
	if (!b->arena)
		*b = weft__buf_begin(a->arena, TEXT_BYTES);
	weft__buf_put(b, piece);
	if (b->failed)
		weft__answering_fail(a, -ENOMEM, "out of memory");
}

weft_json_doc *weft__answering_json(struct weft__answering *a, weft_str text, const char *wrong)
{
	weft_json_doc *doc;
	int r = weft_json_parse(text, &doc, NULL);

	if (r == 0)
		return doc;
	(void)(r == -ENOMEM ? weft__answering_fail(a, r, "out of memory") : weft__answering_fail(a, WEFT_EPARSE, wrong));
	return NULL;
}

void weft__answering_plain(struct weft__answering *a, weft_str piece)
{
	weft__answering_keep(a, &a->text, piece);
	if (a->said && piece.len_bytes && a->status == 0)
		a->said(a->user, piece);
}

void weft__answering_reasoning(struct weft__answering *a, weft_str piece)
{
	weft__answering_keep(a, &a->reasoning, piece);
}

void weft__answering_refusal(struct weft__answering *a, weft_str piece)
{
	weft__answering_keep(a, &a->refusal, piece);
}

static void thought_out(void *user, bool is_thought, weft_str piece)
{
	if (is_thought)
		weft__answering_reasoning(user, piece);
	else
		weft__answering_plain(user, piece);
}

void weft__answering_text(struct weft__answering *a, weft_str piece)
{
	weft__think_feed(&a->think, piece);
}

void weft__answering_begin(struct weft__answering *a, weft_arena *arena, weft_error *error, bool opened,
                           void (*said)(void *user, weft_str text), void *user)
{
	*a = (struct weft__answering){ .arena = arena, .error = error, .said = said, .user = user };
	weft__think_begin(&a->think, opened, thought_out, a);
}

/* ---- calls ---------------------------------------------------------------------- */

struct weft__calling *weft__answering_find(struct weft__answering *a, int64_t index, weft_str id)
{
	/* from the end: of two that share a number the later one is being written */
	for (uint32_t i = a->call_count; i > 0; i--) {
		struct weft__calling *c = &a->calls[i - 1];

		if (index >= 0 ? c->index == index : id.len_bytes && weft_str_eq(c->id, id))
			return c;
	}
	return NULL;
}

struct weft__calling *weft__answering_call(struct weft__answering *a, int64_t index)
{
	struct weft__calling *more;
	uint32_t cap;

	if (a->status < 0)
		return NULL;
	if (a->call_count == WEFT__ANSWER_CALLS_MAX) {
		weft__answering_fail(a, -EMSGSIZE, "the model calls more than 128 tools at once");
		return NULL;
	}
	if (a->call_count == a->call_cap) {
		cap = a->call_cap ? a->call_cap * 2 : 4;
		more = weft_arena_alloc(a->arena, cap * sizeof(*more));
		if (!more) {
			weft__answering_fail(a, -ENOMEM, "out of memory");
			return NULL;
		}
		if (a->call_count)
			memcpy(more, a->calls, a->call_count * sizeof(*more));
		a->calls = more;
		a->call_cap = cap;
	}
	a->calls[a->call_count] = (struct weft__calling){ .index = index };
	return &a->calls[a->call_count++];
}

/* a and b one behind the other, as one text. */
static weft_str joined(struct weft__answering *a, weft_str x, weft_str y)
{
	struct weft__buf b;
	weft_str out = { 0 };

	if (x.len_bytes + y.len_bytes > WEFT__CALL_NAME_MAX) {
		weft__answering_fail(a, -EMSGSIZE, "the model calls a tool by a name or an id of more than 256 bytes");
		return x;
	}
	b = weft__buf_begin(a->arena, x.len_bytes + y.len_bytes);
	weft__buf_put(&b, x);
	weft__buf_put(&b, y);
	if (weft__buf_end(&b, &out) < 0)
		weft__answering_fail(a, -ENOMEM, "out of memory");
	return out;
}

void weft__calling_id(struct weft__answering *a, struct weft__calling *c, weft_str id)
{
	if (!c->id.len_bytes && id.len_bytes && a->status == 0)
		c->id = joined(a, c->id, id);
}

void weft__calling_name(struct weft__answering *a, struct weft__calling *c, weft_str name)
{
	if (!name.len_bytes || a->status < 0)
		return;
	if (name.len_bytes >= c->name.len_bytes && c->name.len_bytes &&
	    memcmp(name.ptr, c->name.ptr, c->name.len_bytes) == 0)
		c->name = joined(a, (weft_str){ 0 }, name); /* said again, perhaps with more of it */
	else if (!c->arguments.len_bytes)
		c->name = joined(a, c->name, name);
}

/* Follow the brackets, so that the end of the arguments is known. */
static void scan(struct weft__calling *c, weft_str piece)
{
	for (size_t i = 0; i < piece.len_bytes; i++) {
		char ch = piece.ptr[i];

		if (c->in_string) {
			if (c->escape)
				c->escape = false;
			else if (ch == '\\')
				c->escape = true;
			else if (ch == '"')
				c->in_string = false;
		} else if (ch == '"') {
			c->in_string = true;
		} else if (ch == '{' || ch == '[') {
			c->depth++;
		} else if ((ch == '}' || ch == ']') && c->depth) {
			c->whole = --c->depth == 0;
		}
	}
}

static void arguments_forget(struct weft__calling *c)
{
	c->arguments.len_bytes = 0;
	c->depth = 0;
	c->in_string = c->escape = c->whole = false;
}

void weft__calling_arguments(struct weft__answering *a, struct weft__calling *c, weft_str piece)
{
	weft_str begin = weft__str_trim(piece);

	if (c->whole) {
		if (!begin.len_bytes)
			return;
		if (begin.ptr[0] == '{' || begin.ptr[0] == '[')
			arguments_forget(c);
	}
	weft__answering_keep(a, &c->arguments, piece);
	scan(c, piece);
}

void weft__calling_object(struct weft__answering *a, struct weft__calling *c, weft_json arguments)
{
	weft_json_writer *w = NULL;
	weft_str text;

	if (weft_json_writer_create(0, &w) == 0)
		weft_json_put_value(w, arguments);
	if (w && weft_json_writer_text(w, &text) == 0)
		weft__calling_arguments(a, c, text);
	else
		weft__answering_fail(a, -ENOMEM, "out of memory");
	weft_json_writer_destroy(w);
}

/* ---- what else an answer says ---------------------------------------------------------- */

void weft__answering_model(struct weft__answering *a, weft_str model)
{
	if (!model.len_bytes || a->model.len_bytes || a->status < 0)
		return;
	if (model.len_bytes > WEFT__CALL_NAME_MAX)
		model.len_bytes = weft__str_cut(model, WEFT__CALL_NAME_MAX);
	a->model = weft_arena_dup(a->arena, model);
	if (!a->model.ptr)
		weft__answering_fail(a, -ENOMEM, "out of memory");
}

void weft__answering_fault(struct weft__answering *a, weft_json value, weft_str key)
{
	weft_error why;

	if (a->status == 0) {
		weft__fault_json(&why, 0, value, key);
		weft__answering_fail(a, why.code, why.message);
	}
}

/* ---- the end ---------------------------------------------------------------------- */

static weft_str text_of(const struct weft__buf *b)
{
	return (weft_str){ b->len_bytes ? b->ptr : NULL, b->len_bytes };
}

/* No provider may leave a call without an id: the tool's answer has to name it. */
static weft_str id_made(const struct weft__answering *a, uint32_t i)
{
	return weft_arena_printf(a->arena, "call_%u_%u", a->id_salt, i);
}

static int calls_end(struct weft__answering *a, weft_model_response *res)
{
	weft_tool_request *calls;

	if (!a->call_count)
		return 0;
	calls = weft_arena_alloc(a->arena, a->call_count * sizeof(*calls));
	if (!calls)
		return weft__answering_fail(a, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < a->call_count; i++) {
		struct weft__calling *c = &a->calls[i];
		weft_str arguments = text_of(&c->arguments);

		if (!c->id.len_bytes)
			c->id = id_made(a, i);
		if (!c->id.len_bytes)
			return weft__answering_fail(a, -ENOMEM, "out of memory");
		if (!weft__str_trim(arguments).len_bytes)
			arguments = WEFT_STR("{}"); /* a tool without parameters */
		calls[i] = (weft_tool_request){ .id = c->id, .name = c->name, .arguments_json = arguments };
	}
	res->tool_calls = calls;
	res->tool_call_count = a->call_count;
	return 0;
}

int weft__answering_end(struct weft__answering *a, weft_model_response *ret_response)
{
	weft_model_response res = { 0 };

	weft__think_end(&a->think);
	if (a->status < 0 || calls_end(a, &res) < 0)
		return a->status;
	res.text = text_of(&a->text);
	res.reasoning = text_of(&a->reasoning);
	res.finish = a->finish;
	if (a->refusal.len_bytes && !res.text.len_bytes) {
		res.text = text_of(&a->refusal);
		res.finish = WEFT_FINISH_REFUSAL;
	}
	if (res.tool_call_count && res.finish == WEFT_FINISH_STOP)
		res.finish = WEFT_FINISH_TOOL_CALLS;
	res.usage = a->usage;
	res.model = a->model;
	res.carry_json = text_of(&a->carry);
	*ret_response = res;
	return 0;
}
