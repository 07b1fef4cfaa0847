/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/ask.c - OpenAI's chat completions: parameters by a table, messages one by one.
 *
 * A call of a tool has to be answered by the messages behind it, and a tool's message to belong to a call: what the real
 * endpoint refuses when a client loses one.
 */
#include "net/mock_llm/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGES_MAX 100000u
#define OPEN_CALLS_MAX 128u

#define S WEFT_STR

int weft__fault_set(struct weft__fault *f, int status, const char *type, const char *code, const char *param, const char *fmt, ...)
{
	va_list args;

	*f = (struct weft__fault){ .status = status, .type = type, .code = code, .param = param };
	va_start(args, fmt);
	vsnprintf(f->message, sizeof(f->message), fmt, args);
	va_end(args);
	return -EINVAL;
}

static int wrong(struct weft__fault *f, const char *param, const char *fmt, ...) WEFT_PRINTF(3, 4);

static int wrong(struct weft__fault *f, const char *param, const char *fmt, ...)
{
	char message[sizeof(f->message)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return weft__fault_set(f, 400, "invalid_request_error", NULL, param, "%s", message);
}

/* ---- parameters ------------------------------------------------------------------------ */

enum kind { ANY, BOOL, TEXT, NUMBER, WHOLE, LIST, OBJECT };

struct parameter {
	const char *name;
	enum kind kind;
	double min, max; /* NUMBER and WHOLE */
};

#define NO_MAX 1e15
#define CHOICES_MAX 128

static const struct parameter parameters[] = {
	{ "model", TEXT, 0, 0 },
	{ "messages", LIST, 0, 0 },
	{ "stream", BOOL, 0, 0 },
	{ "stream_options", OBJECT, 0, 0 },
	{ "temperature", NUMBER, 0, 2 },
	{ "top_p", NUMBER, 0, 1 },
	{ "max_tokens", WHOLE, 1, NO_MAX },
	{ "max_completion_tokens", WHOLE, 1, NO_MAX },
	{ "n", WHOLE, 1, CHOICES_MAX },
	{ "presence_penalty", NUMBER, -2, 2 },
	{ "frequency_penalty", NUMBER, -2, 2 },
	{ "seed", WHOLE, -9e18, 9e18 },
	{ "top_logprobs", WHOLE, 0, 20 },
	{ "logprobs", BOOL, 0, 0 },
	{ "stop", ANY, 0, 0 },
	{ "tools", LIST, 0, 0 },
	{ "tool_choice", ANY, 0, 0 },
	{ "parallel_tool_calls", BOOL, 0, 0 },
	{ "response_format", OBJECT, 0, 0 },
	{ "user", TEXT, 0, 0 },
	{ "store", BOOL, 0, 0 },
	{ "metadata", OBJECT, 0, 0 },
	{ "service_tier", TEXT, 0, 0 },
	{ "reasoning_effort", TEXT, 0, 0 },
	{ "logit_bias", OBJECT, 0, 0 },
	{ "modalities", LIST, 0, 0 },
	{ "prediction", OBJECT, 0, 0 },
	{ "audio", OBJECT, 0, 0 },
	{ "verbosity", TEXT, 0, 0 },
	{ "prompt_cache_key", TEXT, 0, 0 },
	{ "safety_identifier", TEXT, 0, 0 },
	{ "functions", LIST, 0, 0 },
	{ "function_call", ANY, 0, 0 },
	{ "web_search_options", OBJECT, 0, 0 },
};

static bool is_of(weft_json v, enum kind kind)
{
	switch (weft_json_typeof(v)) {
	case WEFT_JSON_BOOL:
		return kind == ANY || kind == BOOL;
	case WEFT_JSON_STRING:
		return kind == ANY || kind == TEXT;
	case WEFT_JSON_INT:
		return kind == ANY || kind == NUMBER || kind == WHOLE;
	case WEFT_JSON_DOUBLE:
		return kind == ANY || kind == NUMBER;
	case WEFT_JSON_ARRAY:
		return kind == ANY || kind == LIST;
	case WEFT_JSON_OBJECT:
		return kind == ANY || kind == OBJECT;
	default:
		return false;
	}
}

static int check_parameter(const struct parameter *p, weft_json v, struct weft__fault *f)
{
	static const char *const names[] = { "a value", "a boolean", "a string", "a number", "an integer", "an array", "an object" };
	double n;

	if (weft_json_typeof(v) == WEFT_JSON_NULL)
		return 0;
	if (!is_of(v, p->kind))
		return wrong(f, p->name, "Invalid type for '%s': expected %s.", p->name, names[p->kind]);
	if ((p->kind == NUMBER || p->kind == WHOLE) && weft_json_get_double(v, &n) && (n < p->min || n > p->max))
		return wrong(f, p->name, "Invalid '%s': %g is not from %g to %g.", p->name, n, p->min, p->max);
	return 0;
}

static int check_parameters(weft_json body, bool strict, struct weft__fault *f)
{
	weft_json_iter it = weft_json_iter_begin(body);
	int r = 0;

	while (r == 0 && weft_json_iter_next(&it)) {
		size_t i = 0, count = sizeof(parameters) / sizeof(parameters[0]);

		while (i < count && !weft_str_eq(it.key, weft_str_from(parameters[i].name)))
			i++;
		if (i < count)
			r = check_parameter(&parameters[i], it.value, f);
		else if (strict)
			r = wrong(f, NULL, "Unrecognized request argument supplied: %.*s", it.key.len_bytes < 80 ? (int)it.key.len_bytes : 80,
			          it.key.ptr);
	}
	return r;
}

/* ---- messages --------------------------------------------------------------------------- */

struct messages {
	struct weft__ask *ask;
	weft_arena *arena;
	struct weft__fault *fault;
	uint32_t index;                /* of the message that is read */
	weft_str open[OPEN_CALLS_MAX]; /* calls that no tool's message has answered yet */
	uint32_t open_count;
};

static int wrong_message(struct messages *m, const char *what)
{
	return wrong(m->fault, "messages", "Invalid 'messages[%u]': %s.", m->index, what);
}

/* The texts of the parts, one behind the other, to `to` unless that is NULL. Returns how long they are together; -EINVAL. */
static int64_t join_parts(weft_json parts, char *to)
{
	weft_json_iter it = weft_json_iter_begin(parts);
	weft_str part;
	int64_t len = 0;

	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_str(weft_json_find(it.value, S("type")), &part))
			return -EINVAL;
		if (!weft_json_get_str(weft_json_find(it.value, S("text")), &part))
			continue; /* an image, a sound, a file */
		if (to && part.len_bytes)
			memcpy(to + len, part.ptr, part.len_bytes);
		len += (int64_t)part.len_bytes;
	}
	return len;
}

int weft__ask_text(weft_json content, weft_arena *arena, weft_str *ret)
{
	int64_t len;
	char *to;

	*ret = (weft_str){ NULL, 0 };
	if (weft_json_get_str(content, ret) || weft_json_typeof(content) == WEFT_JSON_NULL || weft_json_typeof(content) == WEFT_JSON_NONE)
		return 0;
	len = weft_json_typeof(content) == WEFT_JSON_ARRAY ? join_parts(content, NULL) : -EINVAL;
	if (len < 0)
		return -EINVAL;
	to = weft_arena_alloc(arena, (size_t)len + 1);
	if (!to)
		return -ENOMEM;
	*ret = (weft_str){ to, (size_t)join_parts(content, to) };
	return 0;
}

static int assistant_message(struct messages *m, weft_json message, weft_str text)
{
	weft_json calls = weft_json_find(message, S("tool_calls"));
	weft_json_iter it = weft_json_iter_begin(calls);
	weft_str s;

	if (!text.ptr && !weft_json_count(calls))
		return wrong_message(m, "an assistant message has content or tool_calls");
	while (weft_json_iter_next(&it)) {
		weft_json function = weft_json_find(it.value, S("function"));

		if (m->open_count == OPEN_CALLS_MAX)
			return wrong_message(m, "too many tool_calls");
		if (!weft_json_get_str(weft_json_find(it.value, S("id")), &m->open[m->open_count]))
			return wrong_message(m, "a tool call has no id");
		if (!weft_json_get_str(weft_json_find(function, S("name")), &s) ||
		    !weft_json_get_str(weft_json_find(function, S("arguments")), &s))
			return wrong_message(m, "a tool call has no function with name and arguments");
		m->open_count++;
	}
	m->ask->turn++;
	return 0;
}

static int tool_message(struct messages *m, weft_json message, weft_str text)
{
	weft_str id;

	if (!weft_json_get_str(weft_json_find(message, S("tool_call_id")), &id))
		return wrong_message(m, "a message of a tool has a tool_call_id");
	if (!text.ptr)
		return wrong_message(m, "a message of a tool has content");
	for (uint32_t i = 0; i < m->open_count; i++) {
		if (weft_str_eq(m->open[i], id)) {
			m->open[i] = m->open[--m->open_count];
			m->ask->tool_result = text;
			return 0;
		}
	}
	return wrong_message(m, "its tool_call_id is of no tool call before it");
}

static int read_message(struct messages *m, weft_json message)
{
	struct weft__ask *ask = m->ask;
	weft_str role, text;
	int r;

	if (!weft_json_get_str(weft_json_find(message, S("role")), &role))
		return wrong_message(m, "there is no role");
	r = weft__ask_text(weft_json_find(message, S("content")), m->arena, &text);
	if (r < 0)
		return r == -EINVAL ? wrong_message(m, "content is neither a string nor an array of parts with types") : r;
	ask->prompt_tokens += weft__tokens_of(text.len_bytes) + 4;
	if (weft_str_eq(role, S("tool")))
		return tool_message(m, message, text);
	ask->tool_result = (weft_str){ NULL, 0 };
	if (m->open_count)
		return wrong_message(m, "an assistant message with tool_calls must be followed by a tool message for each tool_call_id");
	if (weft_str_eq(role, S("assistant")))
		return assistant_message(m, message, text);
	if (!text.ptr)
		return wrong_message(m, "there is no content");
	if (weft_str_eq(role, S("user")))
		ask->user = text;
	else if (weft_str_eq(role, S("system")) || weft_str_eq(role, S("developer")))
		ask->system = text;
	else
		return wrong_message(m, "the role is none of system, developer, user, assistant, tool");
	return 0;
}

static int read_messages(weft_json messages, weft_arena *arena, struct weft__ask *ask, struct weft__fault *f)
{
	struct messages m = { .ask = ask, .arena = arena, .fault = f };
	weft_json_iter it = weft_json_iter_begin(messages);
	int r = 0;

	if (!weft_json_count(messages) || weft_json_count(messages) > MESSAGES_MAX)
		return wrong(f, "messages", "Invalid 'messages': want one message at least.");
	for (; r == 0 && weft_json_iter_next(&it); m.index++)
		r = read_message(&m, it.value);
	m.index--;
	if (r == 0 && m.open_count)
		r = wrong_message(&m, "its tool_calls have not been answered");
	return r;
}

/* ---- tools and formats --------------------------------------------------------------------- */

static bool is_tool_name(weft_str name)
{
	for (size_t i = 0; i < name.len_bytes; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return name.len_bytes > 0 && name.len_bytes <= 64;
}

static int read_tools(weft_json tools, struct weft__fault *f)
{
	weft_json_iter it = weft_json_iter_begin(tools);
	weft_str type, name;

	while (weft_json_iter_next(&it)) {
		weft_json function = weft_json_find(it.value, S("function"));
		weft_json_type parameters_type = weft_json_typeof(weft_json_find(function, S("parameters")));

		if (!weft_json_get_str(weft_json_find(it.value, S("type")), &type))
			return wrong(f, "tools", "Missing required parameter: 'tools[].type'.");
		if (!weft_str_eq(type, S("function")))
			continue; /* of the endpoint's own */
		if (!weft_json_get_str(weft_json_find(function, S("name")), &name) || !is_tool_name(name))
			return wrong(f, "tools", "Invalid 'tools[].function.name': want 1 to 64 of a-z, A-Z, 0-9, '_' and '-'.");
		if (parameters_type != WEFT_JSON_NONE && parameters_type != WEFT_JSON_NULL && parameters_type != WEFT_JSON_OBJECT)
			return wrong(f, "tools", "Invalid 'tools[].function.parameters': want a JSON schema.");
	}
	return 0;
}

/* name {NULL, 0}: the first. */
static bool find_tool(weft_json tools, weft_str name, struct weft__ask *ask)
{
	weft_json_iter it = weft_json_iter_begin(tools);
	weft_str s;

	while (weft_json_iter_next(&it)) {
		weft_json function = weft_json_find(it.value, S("function"));

		if (weft_json_get_str(weft_json_find(function, S("name")), &s) && (!name.ptr || weft_str_eq(s, name))) {
			ask->tool = weft_json_find(function, S("name"));
			ask->tool_schema = weft_json_find(function, S("parameters"));
			return true;
		}
	}
	return false;
}

static int read_tool_choice(weft_json body, struct weft__ask *ask, struct weft__fault *f)
{
	weft_json choice = weft_json_find(body, S("tool_choice")), tools = weft_json_find(body, S("tools"));
	weft_str s = { NULL, 0 };

	if (weft_json_typeof(choice) == WEFT_JSON_NONE || weft_json_typeof(choice) == WEFT_JSON_NULL)
		return 0;
	if (!weft_json_count(tools))
		return wrong(f, "tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
	if (weft_json_get_str(choice, &s)) {
		if (weft_str_eq(s, S("none")) || weft_str_eq(s, S("auto")))
			return 0;
		if (!weft_str_eq(s, S("required")))
			return wrong(f, "tool_choice", "Invalid 'tool_choice': want none, auto, required or a function.");
		s = (weft_str){ NULL, 0 };
	} else if (!weft_json_get_str(weft_json_find(weft_json_find(choice, S("function")), S("name")), &s)) {
		return wrong(f, "tool_choice", "Invalid 'tool_choice': want none, auto, required or a function.");
	}
	ask->must_call = find_tool(tools, s, ask);
	return ask->must_call ? 0 : wrong(f, "tool_choice", "Invalid 'tool_choice': there is no such function in 'tools'.");
}

static int read_format(weft_json format, struct weft__ask *ask, struct weft__fault *f)
{
	weft_json inner = weft_json_find(format, S("json_schema"));
	weft_str type, name;

	if (weft_json_typeof(format) != WEFT_JSON_OBJECT)
		return 0;
	if (!weft_json_get_str(weft_json_find(format, S("type")), &type))
		return wrong(f, "response_format", "Missing required parameter: 'response_format.type'.");
	if (weft_str_eq(type, S("text")))
		return 0;
	ask->as_json = true;
	if (weft_str_eq(type, S("json_object")))
		return 0;
	if (!weft_str_eq(type, S("json_schema")))
		return wrong(f, "response_format", "Invalid 'response_format.type': want text, json_object or json_schema.");
	if (!weft_json_get_str(weft_json_find(inner, S("name")), &name))
		return wrong(f, "response_format", "Missing required parameter: 'response_format.json_schema.name'.");
	ask->schema = weft_json_find(inner, S("schema"));
	return 0;
}

static int read_stop(weft_json stop, struct weft__fault *f)
{
	weft_str s;

	if (weft_json_typeof(stop) == WEFT_JSON_NONE || weft_json_typeof(stop) == WEFT_JSON_NULL || weft_json_get_str(stop, &s))
		return 0;
	if (weft_json_typeof(stop) != WEFT_JSON_ARRAY || weft_json_count(stop) > 4)
		return wrong(f, "stop", "Invalid 'stop': want a string or up to four.");
	return 0;
}

static uint64_t limit_of(weft_json body, weft_str name)
{
	int64_t n;

	return weft_json_get_int(weft_json_find(body, name), &n) ? (uint64_t)n : UINT64_MAX;
}

int weft__ask_openai(weft_json body, bool strict, weft_arena *arena, struct weft__ask *ret, struct weft__fault *f)
{
	struct weft__ask ask = { .turn = 1, .choices = 1 };
	weft_json options = weft_json_find(body, S("stream_options"));
	uint64_t old, new;
	int64_t n;
	int r;

	if (weft_json_typeof(body) != WEFT_JSON_OBJECT)
		return wrong(f, NULL, "The body is not a JSON object.");
	if (!weft_json_get_str(weft_json_find(body, S("model")), &ask.model) || !ask.model.len_bytes)
		return wrong(f, "model", "Missing required parameter: 'model'.");
	if (weft_json_typeof(weft_json_find(body, S("messages"))) == WEFT_JSON_NONE)
		return wrong(f, "messages", "Missing required parameter: 'messages'.");
	r = check_parameters(body, strict, f);
	if (r == 0)
		r = read_messages(weft_json_find(body, S("messages")), arena, &ask, f);
	if (r == 0)
		r = read_tools(weft_json_find(body, S("tools")), f);
	if (r == 0)
		r = read_tool_choice(body, &ask, f);
	if (r == 0)
		r = read_format(weft_json_find(body, S("response_format")), &ask, f);
	if (r == 0)
		r = read_stop(weft_json_find(body, S("stop")), f);
	if (r < 0)
		return r;
	weft_json_get_bool(weft_json_find(body, S("stream")), &ask.stream);
	weft_json_get_bool(weft_json_find(options, S("include_usage")), &ask.include_usage);
	if (weft_json_typeof(options) == WEFT_JSON_OBJECT && !ask.stream)
		return wrong(f, "stream_options", "'stream_options' is only allowed when 'stream' is enabled.");
	if (weft_json_get_int(weft_json_find(body, S("n")), &n))
		ask.choices = (uint32_t)n; /* which was checked */
	old = limit_of(body, S("max_tokens"));
	new = limit_of(body, S("max_completion_tokens"));
	ask.tokens_max = new != UINT64_MAX ? new : old;
	*ret = ask;
	return 0;
}
