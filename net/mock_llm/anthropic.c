/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/anthropic.c - Anthropic's Messages API: its requests read, its answers put as blocks and events of them.
 *
 * Reasoning, text and each call are one block. A stream opens the block of a piece when the one before was of another.
 */
#include <errno.h>

#include "net/mock_llm/mock.h"

#define S WEFT_STR
#define OPEN_CALLS_MAX 128u

/* ---- requests --------------------------------------------------------------------------- */

struct reading {
	struct weft__ask *ask;
	weft_arena *arena;
	struct weft__fault *fault;
	weft_str open[OPEN_CALLS_MAX]; /* calls without a result */
	uint32_t open_count;
};

static int wrong(struct weft__fault *f, const char *what)
{
	return weft__fault_set(f, 400, "invalid_request_error", NULL, NULL, "%s", what);
}

static int close_call(struct reading *r, weft_str id)
{
	for (uint32_t i = 0; i < r->open_count; i++) {
		if (weft_str_eq(r->open[i], id)) {
			r->open[i] = r->open[--r->open_count];
			return 0;
		}
	}
	return wrong(r->fault, "messages: a tool_result has a tool_use_id of no tool_use before it");
}

static int read_block(struct reading *r, weft_json block, bool is_user)
{
	weft_str type, id, text;

	if (!weft_json_get_str(weft_json_find(block, S("type")), &type))
		return wrong(r->fault, "messages: a block of content has no type");
	if (weft_str_eq(type, S("tool_use")) && !is_user) {
		if (!weft_json_get_str(weft_json_find(block, S("id")), &id) || r->open_count == OPEN_CALLS_MAX ||
		    weft_json_typeof(weft_json_find(block, S("input"))) != WEFT_JSON_OBJECT)
			return wrong(r->fault, "messages: a tool_use has an id, a name and an input");
		r->open[r->open_count++] = id;
	} else if (weft_str_eq(type, S("tool_result")) && is_user) {
		if (!weft_json_get_str(weft_json_find(block, S("tool_use_id")), &id))
			return wrong(r->fault, "messages: a tool_result has no tool_use_id");
		if (weft__ask_text(weft_json_find(block, S("content")), r->arena, &text) < 0)
			return wrong(r->fault, "messages: the content of a tool_result is not well-formed");
		r->ask->tool_result = text.ptr ? text : S("");
		r->ask->prompt_tokens += weft__tokens_of(text.len_bytes);
		return close_call(r, id);
	}
	return 0;
}

static int read_message(struct reading *r, weft_json message)
{
	weft_json content = weft_json_find(message, S("content"));
	weft_json_iter it = weft_json_iter_begin(content);
	weft_str role, text;
	bool is_user;
	int status = 0;

	if (!weft_json_get_str(weft_json_find(message, S("role")), &role))
		return wrong(r->fault, "messages: there is no role");
	is_user = weft_str_eq(role, S("user"));
	if (!is_user && !weft_str_eq(role, S("assistant")))
		return wrong(r->fault, "messages: the role is neither user nor assistant");
	if (weft__ask_text(content, r->arena, &text) < 0 || !text.ptr)
		return wrong(r->fault, "messages: the content is neither a string nor a list of blocks");
	r->ask->tool_result = (weft_str){ NULL, 0 };
	r->ask->prompt_tokens += weft__tokens_of(text.len_bytes) + 4;
	if (weft_json_typeof(content) == WEFT_JSON_ARRAY) {
		while (status == 0 && weft_json_iter_next(&it))
			status = read_block(r, it.value, is_user);
	}
	if (status == 0 && is_user && r->open_count)
		return wrong(r->fault, "messages: each tool_use needs its tool_result in the message behind it");
	if (is_user && (text.len_bytes || !r->ask->tool_result.ptr))
		r->ask->user = text;
	r->ask->turn += !is_user;
	return status;
}

static int read_messages(struct reading *r, weft_json messages)
{
	weft_json_iter it = weft_json_iter_begin(messages);
	int status = 0;

	if (weft_json_typeof(messages) != WEFT_JSON_ARRAY || !weft_json_count(messages))
		return wrong(r->fault, "messages: want one message at least");
	while (status == 0 && weft_json_iter_next(&it))
		status = read_message(r, it.value);
	return status;
}

static int read_tools(struct weft__ask *ask, weft_json body, struct weft__fault *f)
{
	weft_json tools = weft_json_find(body, S("tools")), choice = weft_json_find(body, S("tool_choice"));
	weft_json_iter it = weft_json_iter_begin(tools);
	weft_str type = { NULL, 0 }, wanted = { NULL, 0 }, name;

	weft_json_get_str(weft_json_find(choice, S("type")), &type);
	weft_json_get_str(weft_json_find(choice, S("name")), &wanted);
	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_str(weft_json_find(it.value, S("name")), &name))
			return wrong(f, "tools: a tool has no name");
		if (ask->must_call || !(weft_str_eq(type, S("any")) || (weft_str_eq(type, S("tool")) && weft_str_eq(name, wanted))))
			continue;
		ask->must_call = true;
		ask->tool = weft_json_find(it.value, S("name"));
		ask->tool_schema = weft_json_find(it.value, S("input_schema"));
	}
	if (!ask->must_call && (weft_str_eq(type, S("any")) || weft_str_eq(type, S("tool"))))
		return wrong(f, "tool_choice: there is no such tool");
	return 0;
}

int weft__ask_anthropic(weft_json body, weft_arena *arena, struct weft__ask *ret, struct weft__fault *f)
{
	struct weft__ask ask = { .turn = 1, .choices = 1 };
	struct reading r = { .ask = &ask, .arena = arena, .fault = f };
	weft_json stream = weft_json_find(body, S("stream"));
	int64_t n;
	int status;

	if (!weft_json_get_str(weft_json_find(body, S("model")), &ask.model))
		return wrong(f, "model: field required");
	if (!weft_json_get_int(weft_json_find(body, S("max_tokens")), &n) || n < 1)
		return wrong(f, "max_tokens: want a number, 1 or more");
	if (weft_json_typeof(stream) != WEFT_JSON_NONE && !weft_json_get_bool(stream, &ask.stream))
		return wrong(f, "stream: want a boolean");
	if (weft__ask_text(weft_json_find(body, S("system")), arena, &ask.system) < 0)
		return wrong(f, "system: want a string or a list of blocks");
	ask.tokens_max = (uint64_t)n;
	ask.prompt_tokens = weft__tokens_of(ask.system.len_bytes);
	status = read_messages(&r, weft_json_find(body, S("messages")));
	if (status == 0)
		status = read_tools(&ask, body, f);
	if (status == 0)
		*ret = ask;
	return status;
}

static int ask_anthropic(weft_json body, const struct weft_mock_llm *mock, weft_arena *arena, struct weft__ask *ret,
                         struct weft__fault *fault)
{
	(void)mock;
	return weft__ask_anthropic(body, arena, ret, fault);
}

/* ---- answers ---------------------------------------------------------------------------- */

static void key_str(weft_json_writer *w, weft_str key, weft_str value)
{
	weft_json_key(w, key);
	weft_json_put_str(w, value);
}

static void key_uint(weft_json_writer *w, weft_str key, uint64_t value)
{
	weft_json_key(w, key);
	weft_json_put_uint(w, value);
}

static weft_str stop_reason(const struct weft__reply *r)
{
	static const char *const texts[] = { "end_turn", "max_tokens", "tool_use" };

	return r->finish_text.ptr ? r->finish_text : weft_str_from(texts[r->finish]);
}

static void put_blocks(weft_json_writer *w, const struct weft__reply *r)
{
	weft_json_begin_array(w);
	if (r->reasoning.ptr) {
		weft_json_begin_object(w);
		key_str(w, S("type"), S("thinking"));
		key_str(w, S("thinking"), r->reasoning);
		key_str(w, S("signature"), S("bW9jaw=="));
		weft_json_end_object(w);
	}
	if (r->text.ptr) {
		weft_json_begin_object(w);
		key_str(w, S("type"), S("text"));
		key_str(w, S("text"), r->text);
		weft_json_end_object(w);
	}
	for (uint32_t i = 0; i < r->call_count; i++) {
		weft_json_begin_object(w);
		key_str(w, S("type"), S("tool_use"));
		key_str(w, S("id"), r->calls[i].id);
		key_str(w, S("name"), r->calls[i].name);
		weft_json_key(w, S("input"));
		weft_json_put_raw(w, r->calls[i].arguments);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

/* blocks: those of the answer, or none yet. */
static void put_message(weft_json_writer *w, const struct weft__mock_run *run, bool blocks)
{
	weft_json_begin_object(w);
	key_str(w, S("id"), run->id);
	key_str(w, S("type"), S("message"));
	key_str(w, S("role"), S("assistant"));
	key_str(w, S("model"), run->ask.model);
	weft_json_key(w, S("content"));
	if (blocks)
		put_blocks(w, run->replies);
	else
		weft_json_put_raw(w, S("[]"));
	weft_json_key(w, S("stop_reason"));
	if (blocks)
		weft_json_put_str(w, stop_reason(run->replies));
	else
		weft_json_put_null(w);
	weft_json_key(w, S("stop_sequence"));
	weft_json_put_null(w);
	weft_json_key(w, S("usage"));
	weft_json_begin_object(w);
	key_uint(w, S("input_tokens"), run->ask.prompt_tokens);
	key_uint(w, S("cache_creation_input_tokens"), 0);
	key_uint(w, S("cache_read_input_tokens"), 0);
	key_uint(w, S("output_tokens"), blocks ? run->completion_tokens : 1);
	weft_json_end_object(w);
	weft_json_end_object(w);
}

static int whole(struct weft__mock_run *run)
{
	weft_json_writer_reset(run->node->json);
	put_message(run->node->json, run, true);
	return weft__mock_put_json(run->node);
}

/* ---- a stream ----------------------------------------------------------------------------- */

static weft_json_writer *event_begin(struct weft__mock_run *run, weft_str type)
{
	weft_json_writer *w = run->node->json;

	weft__mock_put(run->node, S("event: "));
	weft__mock_put(run->node, type);
	weft__mock_put(run->node, S("\ndata: "));
	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	key_str(w, S("type"), type);
	return w;
}

static int event_end(struct weft__mock_run *run)
{
	int r;

	weft_json_end_object(run->node->json);
	r = weft__mock_put_json(run->node);
	weft__mock_put(run->node, S("\n\n"));
	return r;
}

static int begin(struct weft__mock_run *run)
{
	weft_json_writer *w = event_begin(run, S("message_start"));
	int r;

	weft_json_key(w, S("message"));
	put_message(w, run, false);
	r = event_end(run);
	if (r < 0)
		return r;
	event_begin(run, S("ping"));
	return event_end(run);
}

static int close_block(struct weft__mock_run *run)
{
	weft_json_writer *w;

	if (!run->open_block)
		return 0;
	run->open_block = 0;
	w = event_begin(run, S("content_block_stop"));
	key_uint(w, S("index"), run->block++);
	return event_end(run);
}

static int open_block(struct weft__mock_run *run, const struct weft__answer_piece *piece)
{
	weft_json_writer *w = event_begin(run, S("content_block_start"));

	run->open_block = (uint8_t)(piece->kind + 1);
	key_uint(w, S("index"), run->block);
	weft_json_key(w, S("content_block"));
	weft_json_begin_object(w);
	if (piece->kind == WEFT__PIECE_REASONING) {
		key_str(w, S("type"), S("thinking"));
		key_str(w, S("thinking"), S(""));
		key_str(w, S("signature"), S(""));
	} else if (piece->kind == WEFT__PIECE_TEXT) {
		key_str(w, S("type"), S("text"));
		key_str(w, S("text"), S(""));
	} else {
		key_str(w, S("type"), S("tool_use"));
		key_str(w, S("id"), run->replies->calls[piece->call].id);
		key_str(w, S("name"), run->replies->calls[piece->call].name);
		weft_json_key(w, S("input"));
		weft_json_put_raw(w, S("{}"));
	}
	weft_json_end_object(w);
	return event_end(run);
}

static int put_delta(struct weft__mock_run *run, const struct weft__answer_piece *piece)
{
	static const char *const types[] = { "thinking_delta", "text_delta", "", "input_json_delta" };
	static const char *const members[] = { "thinking", "text", "", "partial_json" };
	weft_json_writer *w = event_begin(run, S("content_block_delta"));

	key_uint(w, S("index"), run->block);
	weft_json_key(w, S("delta"));
	weft_json_begin_object(w);
	key_str(w, S("type"), weft_str_from(types[piece->kind]));
	key_str(w, weft_str_from(members[piece->kind]), piece->text);
	weft_json_end_object(w);
	return event_end(run);
}

static int piece_anthropic(struct weft__mock_run *run, const struct weft__answer_piece *piece)
{
	bool is_new = piece->kind == WEFT__PIECE_CALL || (piece->kind != WEFT__PIECE_ARGUMENTS && run->open_block != piece->kind + 1);
	int r = 0;

	if (is_new) {
		r = close_block(run);
		if (r == 0)
			r = open_block(run, piece);
	}
	return r < 0 || piece->kind == WEFT__PIECE_CALL ? r : put_delta(run, piece);
}

static int end_anthropic(struct weft__mock_run *run)
{
	weft_json_writer *w;
	int r = close_block(run);

	if (r < 0)
		return r;
	w = event_begin(run, S("message_delta"));
	weft_json_key(w, S("delta"));
	weft_json_begin_object(w);
	key_str(w, S("stop_reason"), stop_reason(run->replies));
	weft_json_key(w, S("stop_sequence"));
	weft_json_put_null(w);
	weft_json_end_object(w);
	weft_json_key(w, S("usage"));
	weft_json_begin_object(w);
	key_uint(w, S("output_tokens"), run->completion_tokens);
	weft_json_end_object(w);
	r = event_end(run);
	if (r < 0)
		return r;
	event_begin(run, S("message_stop"));
	return event_end(run);
}

/* ---- errors -------------------------------------------------------------------------------- */

static int error_anthropic(struct weft__mock_node *node, const struct weft__fault *f)
{
	weft_json_writer *w = node->json;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	key_str(w, S("type"), S("error"));
	weft_json_key(w, S("error"));
	weft_json_begin_object(w);
	key_str(w, S("type"), weft_str_from(f->status == 404 ? "not_found_error" : f->type));
	key_str(w, S("message"), weft_str_from(f->message));
	weft_json_end_object(w);
	weft_json_end_object(w);
	return weft__mock_put_json(node);
}

static int overload(struct weft__fault *f, int status)
{
	if (status == 429)
		return weft__fault_set(f, 429, "rate_limit_error", NULL, NULL, "Rate limit reached: made by the mock on purpose.");
	if (status == 500)
		return weft__fault_set(f, 500, "api_error", NULL, NULL, "Internal error: made by the mock on purpose.");
	return weft__fault_set(f, status == 503 ? 529 : status, "overloaded_error", NULL, NULL, "Overloaded: made by the mock on purpose.");
}

const struct weft__dialect weft__dialect_anthropic = {
	.id_prefix = "msg_", .ask = ask_anthropic, .whole = whole, .begin = begin, .piece = piece_anthropic, .end = end_anthropic, .error = error_anthropic,
	.overload = overload,
};
