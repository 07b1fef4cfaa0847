/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openai/read.c - chat completions read: whole, or as a stream of chunks.
 *
 * A chunk's delta and a body's message have the same members, so one function reads both. Of
 * several choices only the first is read: one is asked for.
 */
#include <errno.h>

#include "actors/openai/wire.h"
#include "actors/remote/fault.h"
#include "actors/remote/wire.h"

static weft_finish finish_of(weft_str reason)
{
	static const struct {
		weft_str name;
		weft_finish finish;
	} known[] = {
		{ { "stop", 4 }, WEFT_FINISH_STOP },
		{ { "eos", 3 }, WEFT_FINISH_STOP },
		{ { "end_turn", 8 }, WEFT_FINISH_STOP },
		{ { "tool_calls", 10 }, WEFT_FINISH_TOOL_CALLS },
		{ { "tool_use", 8 }, WEFT_FINISH_TOOL_CALLS },
		{ { "function_call", 13 }, WEFT_FINISH_TOOL_CALLS },
		{ { "length", 6 }, WEFT_FINISH_LENGTH },
		{ { "max_tokens", 10 }, WEFT_FINISH_LENGTH },
		{ { "model_length", 12 }, WEFT_FINISH_LENGTH },
		{ { "content_filter", 14 }, WEFT_FINISH_CONTENT_FILTER },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (weft_str_eq(reason, known[i].name))
			return known[i].finish;
	}
	return WEFT_FINISH_OTHER;
}

/* ---- calls ------------------------------------------------------------------------ */

/*
 * Which call a piece belongs to. By its number, as the API says; but some servers give every call the number 0,
 * or none at all. Then a name beside an id that is another one begins a call. An id alone does not: there are servers
 * that make up a new one for each piece.
 */
static struct weft__calling *call_of(struct weft__answering *a, weft_json piece, weft_str id, weft_str name)
{
	struct weft__calling *c;
	int64_t index = -1;

	if (!weft_json_get_int(weft_json_find(piece, WEFT_STR("index")), &index) || index < 0)
		index = -1;
	c = weft__answering_find(a, index, id);
	if (!c && index < 0 && a->call_count && (!name.len_bytes || !id.len_bytes)) {
		c = &a->calls[a->call_count - 1]; /* goes on with the last one */
		if (name.len_bytes && c->whole)
			c = NULL; /* which is complete: another one */
	}
	if (c && id.len_bytes && name.len_bytes && c->id.len_bytes && !weft_str_eq(c->id, id))
		c = NULL;
	return c ? c : weft__answering_call(a, index);
}

/* A text by the API; an object by servers that parsed it already. */
static void arguments_read(struct weft__answering *a, struct weft__calling *c, weft_json arguments)
{
	weft_str text;

	if (weft_json_get_str(arguments, &text))
		weft__calling_arguments(a, c, text);
	else if (weft_json_typeof(arguments) == WEFT_JSON_OBJECT)
		weft__calling_object(a, c, arguments);
}

static void call_read(struct weft__answering *a, weft_json piece, bool whole)
{
	weft_json function = weft_json_find(piece, WEFT_STR("function"));
	weft_str id = { 0 }, name = { 0 };
	struct weft__calling *c;

	if (weft_json_typeof(piece) != WEFT_JSON_OBJECT)
		return;
	(void)weft__wire_find(piece, WEFT_STR("id"), &id);
	(void)weft__wire_find(function, WEFT_STR("name"), &name);
	c = whole ? weft__answering_call(a, -1) : call_of(a, piece, id, name);
	if (!c)
		return;
	weft__calling_id(a, c, id);
	weft__calling_name(a, c, name);
	arguments_read(a, c, weft_json_find(function, WEFT_STR("arguments")));
}

/* ---- text ------------------------------------------------------------------------- */

static void part_read(struct weft__answering *a, weft_json part)
{
	weft_json_iter it;
	weft_str text;

	if (weft__wire_find(part, WEFT_STR("text"), &text)) {
		weft__answering_text(a, text);
		return;
	}
	if (weft__wire_find(part, WEFT_STR("refusal"), &text)) {
		weft__answering_refusal(a, text);
		return;
	}
	it = weft_json_iter_begin(weft_json_find(part, WEFT_STR("thinking")));
	while (weft_json_iter_next(&it)) {
		if (weft__wire_find(it.value, WEFT_STR("text"), &text))
			weft__answering_reasoning(a, text);
	}
}

/* A text, or a list of parts. */
static void content_read(struct weft__answering *a, weft_json content)
{
	weft_json_iter it;
	weft_str text;

	if (weft_json_get_str(content, &text)) {
		weft__answering_text(a, text);
		return;
	}
	it = weft_json_iter_begin(content);
	while (weft_json_iter_next(&it))
		part_read(a, it.value);
}

/* A delta or a message. */
static void message_read(struct weft__answering *a, weft_json m, bool whole)
{
	weft_json_iter it;
	weft_str text;

	/* two names for one thing: a server that sends both says it twice */
	if (weft__wire_find(m, WEFT_STR("reasoning_content"), &text) || weft__wire_find(m, WEFT_STR("reasoning"), &text))
		weft__answering_reasoning(a, text);
	content_read(a, weft_json_find(m, WEFT_STR("content")));
	if (weft__wire_find(m, WEFT_STR("refusal"), &text))
		weft__answering_refusal(a, text);
	it = weft_json_iter_begin(weft_json_find(m, WEFT_STR("tool_calls")));
	while (weft_json_iter_next(&it))
		call_read(a, it.value, whole);
}

/* ---- usage ------------------------------------------------------------------------ */

static void usage_read(struct weft__answering *a, weft_json chunk)
{
	weft_json u = weft_json_find(chunk, WEFT_STR("usage"));
	weft_json timings = weft_json_find(chunk, WEFT_STR("timings"));

	if (weft_json_typeof(u) == WEFT_JSON_OBJECT) {
		a->usage = (weft_model_usage){
			.prompt_tokens = weft__wire_count(u, WEFT_STR("prompt_tokens")),
			.completion_tokens = weft__wire_count(u, WEFT_STR("completion_tokens")),
			.reasoning_tokens = weft__wire_count(weft_json_find(u, WEFT_STR("completion_tokens_details")),
			                               WEFT_STR("reasoning_tokens")),
			.cached_tokens = weft__wire_count(weft_json_find(u, WEFT_STR("prompt_tokens_details")),
			                            WEFT_STR("cached_tokens")),
		};
	} else if (weft_json_typeof(timings) == WEFT_JSON_OBJECT && !a->usage.completion_tokens) {
		/* llama.cpp says it in every last chunk, usage only when asked */
		a->usage.prompt_tokens = weft__wire_count(timings, WEFT_STR("prompt_n")) + weft__wire_count(timings, WEFT_STR("cache_n"));
		a->usage.completion_tokens = weft__wire_count(timings, WEFT_STR("predicted_n"));
		a->usage.cached_tokens = weft__wire_count(timings, WEFT_STR("cache_n"));
	}
}

/* The choice with the number 0: the only one that is asked for. */
static weft_json first_choice(weft_json chunk)
{
	weft_json_iter it = weft_json_iter_begin(weft_json_find(chunk, WEFT_STR("choices")));
	int64_t index;

	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_int(weft_json_find(it.value, WEFT_STR("index")), &index) || index == 0)
			return it.value;
	}
	return (weft_json){ 0 };
}

/* ---- a stream ------------------------------------------------------------------------ */

void weft__openai_stream_begin(struct weft__openai_stream *s, weft_str key)
{
	s->key = key;
	s->finished = s->done = false;
}

static void chunk_read(struct weft__openai_stream *s, weft_json chunk)
{
	struct weft__answering *a = &s->answering;
	weft_json choice = first_choice(chunk);
	weft_str reason;

	if (weft__fault_is(chunk) || weft__fault_is(choice)) {
		weft__answering_fault(a, weft__fault_is(chunk) ? chunk : choice, s->key);
		return;
	}
	weft__answering_model(a, weft__wire_text(chunk, WEFT_STR("model")));
	usage_read(a, chunk);
	message_read(a, weft_json_find(choice, WEFT_STR("delta")), false);
	if (weft__wire_find(choice, WEFT_STR("finish_reason"), &reason)) {
		a->finish = finish_of(reason);
		s->finished = true;
	}
}

int weft__openai_stream_data(struct weft__openai_stream *s, weft_str data)
{
	struct weft__answering *a = &s->answering;
	weft_str text = weft__str_trim(data);
	weft_json_doc *doc;

	if (a->status < 0 || s->done || !text.len_bytes)
		return a->status;
	if (weft_str_eq(text, WEFT_STR("[DONE]"))) {
		s->done = true;
		return 0;
	}
	doc = weft__answering_json(a, text, "the stream holds an event that is not JSON");
	if (doc)
		chunk_read(s, weft_json_root(doc));
	weft_json_release(doc);
	return a->status;
}

int weft__openai_stream_end(struct weft__openai_stream *s, weft_model_response *ret_response)
{
	struct weft__answering *a = &s->answering;

	if (a->status == 0 && !s->finished && !s->done)
		weft__answering_fail(a, -EPIPE, "the stream ended before the answer did");
	return weft__answering_end(a, ret_response);
}

/* ---- a whole body ---------------------------------------------------------------------- */

static void body_read(struct weft__answering *a, weft_json root, weft_str key)
{
	weft_json choice = first_choice(root), message = weft_json_find(choice, WEFT_STR("message"));
	weft_str reason;

	if (weft__fault_is(root) || weft__fault_is(choice)) {
		weft__answering_fault(a, weft__fault_is(root) ? root : choice, key);
		return;
	}
	if (weft_json_typeof(message) != WEFT_JSON_OBJECT) {
		weft__answering_fail(a, WEFT_EPARSE, "the answer has no choices[0].message");
		return;
	}
	weft__answering_model(a, weft__wire_text(root, WEFT_STR("model")));
	usage_read(a, root);
	message_read(a, message, true);
	if (weft__wire_find(choice, WEFT_STR("finish_reason"), &reason))
		a->finish = finish_of(reason);
}

int weft__openai_read_chat(struct weft__answering *a, weft_str body, weft_str key, weft_model_response *ret_response)
{
	weft_json_doc *doc = weft__answering_json(a, body, "the answer is not JSON");

	if (!doc)
		return a->status;
	body_read(a, weft_json_root(doc), key);
	weft_json_release(doc);
	return weft__answering_end(a, ret_response);
}
