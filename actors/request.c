/* SPDX-License-Identifier: Apache-2.0 */
/* actors/request.c - requests and answers as values: request.h. A field that is added to weft/model.h is added here. */
#include "actors/request.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "actors/text.h"

/* ---- the key ---------------------------------------------------------------------- */

static void put_bytes(struct weft__buf *b, const void *bytes, size_t len)
{
	weft__buf_put(b, (weft_str){ bytes, len });
}

static void put_number(struct weft__buf *b, uint64_t n)
{
	put_bytes(b, &n, sizeof(n));
}

static void put_text(struct weft__buf *b, weft_str s)
{
	put_number(b, s.len_bytes);
	weft__buf_put(b, s);
}

static void put_texts(struct weft__buf *b, const weft_str *texts, uint32_t count)
{
	put_number(b, count);
	for (uint32_t i = 0; i < count; i++)
		put_text(b, texts[i]);
}

static void put_calls(struct weft__buf *b, const weft_tool_request *calls, uint32_t count)
{
	put_number(b, count);
	for (uint32_t i = 0; i < count; i++) {
		put_text(b, calls[i].id);
		put_text(b, calls[i].name);
		put_text(b, calls[i].arguments_json);
	}
}

static void put_message(struct weft__buf *b, const weft_chat_message *m)
{
	put_number(b, (uint64_t)m->role);
	put_text(b, m->content);
	put_text(b, m->tool_call_id);
	put_calls(b, m->tool_calls, m->tool_call_count);
	put_texts(b, m->image_urls, m->image_url_count);
	put_text(b, m->carry_json);
}

int weft__request_key(weft_arena *arena, const weft_model_request *r, weft_str *ret_key)
{
	struct weft__buf b = weft__buf_begin(arena, 512);

	put_number(&b, (uint64_t)r->type);
	put_number(&b, r->message_count);
	for (uint32_t i = 0; i < r->message_count; i++)
		put_message(&b, &r->messages[i]);
	put_text(&b, r->prompt);
	put_text(&b, r->image_url);
	put_text(&b, r->tools_json);
	put_number(&b, r->field_count);
	for (uint32_t i = 0; i < r->field_count; i++) {
		put_text(&b, r->fields[i].name);
		put_number(&b, r->fields[i].required);
	}
	put_number(&b, r->max_tokens);
	put_bytes(&b, &r->temperature, sizeof(r->temperature));
	put_bytes(&b, &r->top_p, sizeof(r->top_p));
	put_text(&b, r->model);
	put_texts(&b, r->inputs, r->input_count);
	put_number(&b, r->embedding_dims);
	put_texts(&b, r->stop, r->stop_count);
	put_text(&b, r->tool_choice);
	put_text(&b, r->json_schema);
	put_text(&b, r->json_schema_name);
	put_text(&b, r->reasoning_effort);
	put_number(&b, r->has_seed);
	put_number(&b, (uint64_t)r->seed);
	put_number(&b, r->serial_tool_calls);
	return weft__buf_end(&b, ret_key);
}

/* A field more, and two requests that differ would have one key: add it above and below, then change the numbers. */
#if defined(__LP64__)
static_assert(sizeof(weft_model_request) == 224, "weft_model_request has changed: see weft__request_key");
static_assert(sizeof(weft_chat_message) == 80, "weft_chat_message has changed: see put_message");
static_assert(sizeof(weft_model_response) == 128, "weft_model_response has changed: see weft__response_copy");
#endif

uint64_t weft__key_hash(weft_str key)
{
	uint64_t h = key.len_bytes * UINT64_C(0x9e3779b97f4a7c15), word;
	size_t i = 0;

	for (; i + sizeof(word) <= key.len_bytes; i += sizeof(word)) {
		memcpy(&word, key.ptr + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 32;
	}
	for (; i < key.len_bytes; i++)
		h = (h ^ (uint8_t)key.ptr[i]) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 29;
}

/* ---- copies ------------------------------------------------------------------------- */

/* Errors stick, as in a buffer. */
struct copier {
	weft_arena *arena;
	bool failed;
};

static weft_str text(struct copier *c, weft_str s)
{
	weft_str copy = { 0 };

	if (!s.len_bytes)
		return copy;
	copy = weft_arena_dup(c->arena, s);
	c->failed |= !copy.ptr;
	return copy;
}

static void *room(struct copier *c, uint32_t count, size_t size)
{
	void *p = count ? weft_arena_calloc(c->arena, count * size) : NULL;

	c->failed |= count && !p;
	return p;
}

static weft_str *texts(struct copier *c, const weft_str *from, uint32_t count)
{
	weft_str *copy = room(c, count, sizeof(*copy));

	for (uint32_t i = 0; copy && i < count; i++)
		copy[i] = text(c, from[i]);
	return copy;
}

static weft_tool_request *calls(struct copier *c, const weft_tool_request *from, uint32_t count)
{
	weft_tool_request *copy = room(c, count, sizeof(*copy));

	for (uint32_t i = 0; copy && i < count; i++) {
		copy[i].id = text(c, from[i].id);
		copy[i].name = text(c, from[i].name);
		copy[i].arguments_json = text(c, from[i].arguments_json);
	}
	return copy;
}

static weft_chat_message *messages(struct copier *c, const weft_chat_message *from, uint32_t count)
{
	weft_chat_message *copy = room(c, count, sizeof(*copy));

	for (uint32_t i = 0; copy && i < count; i++) {
		copy[i] = from[i];
		copy[i].content = text(c, from[i].content);
		copy[i].tool_call_id = text(c, from[i].tool_call_id);
		copy[i].tool_calls = calls(c, from[i].tool_calls, from[i].tool_call_count);
		copy[i].image_urls = texts(c, from[i].image_urls, from[i].image_url_count);
		copy[i].carry_json = text(c, from[i].carry_json);
	}
	return copy;
}

static weft_answer_field *fields(struct copier *c, const weft_answer_field *from, uint32_t count)
{
	weft_answer_field *copy = room(c, count, sizeof(*copy));

	for (uint32_t i = 0; copy && i < count; i++)
		copy[i] = (weft_answer_field){ .name = text(c, from[i].name), .required = from[i].required };
	return copy;
}

int weft__request_copy(weft_arena *arena, const weft_model_request *r, weft_model_request *ret_copy)
{
	struct copier c = { .arena = arena };
	weft_model_request copy = *r;

	copy.messages = messages(&c, r->messages, r->message_count);
	copy.prompt = text(&c, r->prompt);
	copy.image_url = text(&c, r->image_url);
	copy.tools_json = text(&c, r->tools_json);
	copy.fields = fields(&c, r->fields, r->field_count);
	copy.model = text(&c, r->model);
	copy.inputs = texts(&c, r->inputs, r->input_count);
	copy.stop = texts(&c, r->stop, r->stop_count);
	copy.tool_choice = text(&c, r->tool_choice);
	copy.json_schema = text(&c, r->json_schema);
	copy.json_schema_name = text(&c, r->json_schema_name);
	copy.reasoning_effort = text(&c, r->reasoning_effort);
	if (c.failed)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

int weft__response_copy(weft_arena *arena, const weft_model_response *r, weft_model_response *ret_copy)
{
	struct copier c = { .arena = arena };
	weft_model_response copy = *r;
	uint32_t rows = r->embedding_count ? r->embedding_count : 1;
	float *embedding = NULL;

	copy.text = text(&c, r->text);
	copy.tool_calls = calls(&c, r->tool_calls, r->tool_call_count);
	copy.reasoning = text(&c, r->reasoning);
	copy.model = text(&c, r->model);
	copy.carry_json = text(&c, r->carry_json);
	if (r->embedding && r->embedding_dims) {
		size_t bytes = (size_t)rows * r->embedding_dims * sizeof(*embedding);

		embedding = weft_arena_alloc(arena, bytes);
		c.failed |= !embedding;
		if (embedding)
			memcpy(embedding, r->embedding, bytes);
	}
	copy.embedding = embedding;
	if (c.failed)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}
