/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a model sends: as the events of a stream, as a whole body, as embeddings, as an error, as its text and
 * as a call's arguments. What is read leads into memory that may be read, is bounded by what came in, and a
 * text or arguments are the same however they were cut.
 */
#include <string.h>

#include "actors/anthropic/wire.h"
#include "actors/openai/wire.h"
#include "actors/remote/fault.h"
#include "fuzz.h"
#include "net/sse/sse.h"

static weft_arena *arena;
static volatile uint8_t sink;
static uint32_t cuts; /* state of where to cut; begins the same for each input */

static void touch(weft_str s)
{
	uint8_t sum = 0;

	FUZZ_CHECK(s.ptr || !s.len_bytes);
	for (size_t i = 0; i < s.len_bytes; i++)
		sum = (uint8_t)(sum + (uint8_t)s.ptr[i]);
	sink = sum;
}

static void check_response(const weft_model_response *res, size_t size)
{
	touch(res->text);
	touch(res->reasoning);
	touch(res->model);
	touch(res->carry_json);
	FUZZ_CHECK(res->text.len_bytes <= 3 * size && res->reasoning.len_bytes <= 3 * size);
	FUZZ_CHECK(res->tool_call_count <= WEFT__ANSWER_CALLS_MAX);
	for (uint32_t i = 0; i < res->tool_call_count; i++) {
		touch(res->tool_calls[i].id);
		touch(res->tool_calls[i].name);
		touch(res->tool_calls[i].arguments_json);
		FUZZ_CHECK(res->tool_calls[i].id.len_bytes > 0);
	}
}

static void check_end(int r, const weft_model_response *res, const weft_error *err, size_t size)
{
	if (r == 0) {
		check_response(res, size);
	} else {
		FUZZ_CHECK(r < 0 && err->code == r && err->message[0]);
		touch(weft_str_from(err->message));
	}
}

/* Every line an event. */
static bool next_line(weft_str *rest, weft_str *ret_line)
{
	const char *end;

	if (!rest->len_bytes)
		return false;
	end = memchr(rest->ptr, '\n', rest->len_bytes);
	*ret_line = (weft_str){ rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len_bytes };
	rest->ptr += ret_line->len_bytes + (end != NULL);
	rest->len_bytes -= ret_line->len_bytes + (end != NULL);
	return true;
}

static void check_openai(weft_str input)
{
	struct weft__openai_stream s;
	weft_model_response res = { 0 };
	weft_str rest = input, line;
	struct weft__answering a;
	weft_error err = { 0 };
	int r;

	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__openai_stream_begin(&s, WEFT_STR("sk-0123456789"));
	while (next_line(&rest, &line))
		(void)weft__openai_stream_data(&s, line);
	r = weft__openai_stream_end(&s, &res);
	check_end(r, &res, &err, input.len_bytes);
	memset(&err, 0, sizeof(err));
	weft__answering_begin(&a, arena, &err, false, NULL, NULL);
	r = weft__openai_read_chat(&a, input, (weft_str){ 0 }, &res);
	check_end(r, &res, &err, input.len_bytes);
	r = weft__openai_read_embeddings(arena, input, 2, (weft_str){ 0 }, &res, &err);
	FUZZ_CHECK(r <= 0);
	for (size_t i = 0; r == 0 && i < (size_t)2 * res.embedding_dims; i++)
		sink = (uint8_t)(res.embedding[i] > 0);
}

static void check_anthropic(weft_str input)
{
	struct weft__anthropic_stream s;
	weft_model_response res = { 0 };
	weft_str rest = input, line;
	struct weft__answering a;
	weft_error err = { 0 };
	int r;

	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__anthropic_stream_begin(&s, WEFT_STR("sk-0123456789"));
	while (next_line(&rest, &line))
		(void)weft__anthropic_stream_data(&s, line);
	r = weft__anthropic_stream_end(&s, &res);
	check_end(r, &res, &err, input.len_bytes);
	memset(&err, 0, sizeof(err));
	weft__answering_begin(&a, arena, &err, false, NULL, NULL);
	r = weft__anthropic_read(&a, input, (weft_str){ 0 }, &res);
	check_end(r, &res, &err, input.len_bytes);
}

static void check_fault(weft_str input)
{
	weft_error err = { 0 };
	int r = weft__fault(&err, 400 + (int)(input.len_bytes % 200), input, input.len_bytes > 12 ? WEFT_STR("sk-0123456789") : (weft_str){ 0 });

	FUZZ_CHECK(r < 0 && err.code == r && strlen(err.message) < sizeof(err.message));
	FUZZ_CHECK(!strpbrk(err.message, "\r\n\t"));
	if (input.len_bytes > 12)
		FUZZ_CHECK(!strstr(err.message, "sk-012345678"));
}

static size_t cut(size_t len)
{
	cuts = cuts * 1664525u + 1013904223u;
	return len ? (cuts >> 16) % (len < 9 ? len : 9) + 1 : 0;
}

static void check_cuts(weft_str input, bool opened)
{
	struct weft__answering whole, cut_up;
	weft_error err = { 0 };

	weft__answering_begin(&whole, arena, &err, opened, NULL, NULL);
	weft__answering_begin(&cut_up, arena, &err, opened, NULL, NULL);
	weft__answering_text(&whole, input);
	for (weft_str rest = input; rest.len_bytes;) {
		size_t n = cut(rest.len_bytes);

		weft__answering_text(&cut_up, (weft_str){ rest.ptr, n });
		rest = (weft_str){ rest.ptr + n, rest.len_bytes - n };
	}
	weft__think_end(&whole.think);
	weft__think_end(&cut_up.think);
	FUZZ_CHECK(whole.status == 0 && cut_up.status == 0);
	FUZZ_CHECK(weft_str_eq((weft_str){ whole.text.ptr, whole.text.len_bytes },
	                       (weft_str){ cut_up.text.ptr, cut_up.text.len_bytes }));
	FUZZ_CHECK(weft_str_eq((weft_str){ whole.reasoning.ptr, whole.reasoning.len_bytes },
	                       (weft_str){ cut_up.reasoning.ptr, cut_up.reasoning.len_bytes }));
}

static int on_event(const struct weft__sse_event *event, void *user)
{
	return weft__openai_stream_data(user, event->data);
}

/* A whole stream of events from its bytes, in one piece or in many. @return how it ended */
static int read_bytes(weft_str input, bool in_one, weft_model_response *res, weft_error *err)
{
	struct weft__openai_stream s;
	struct weft__sse sse;

	weft__answering_begin(&s.answering, arena, err, false, NULL, NULL);
	weft__openai_stream_begin(&s, (weft_str){ 0 });
	weft__sse_init(&sse, 0, on_event, &s);
	while (input.len_bytes) {
		size_t n = in_one ? input.len_bytes : cut(input.len_bytes);

		if (weft__sse_feed(&sse, input.ptr, n) < 0)
			break;
		input = (weft_str){ input.ptr + n, input.len_bytes - n };
	}
	weft__sse_fini(&sse);
	return weft__openai_stream_end(&s, res);
}

/* The same answer, or the same error, however the bytes were cut on their way. */
static void check_bytes(weft_str input)
{
	weft_model_response whole = { 0 }, parts = { 0 };
	weft_error err[2] = { { 0 }, { 0 } };
	int r = read_bytes(input, true, &whole, &err[0]);

	FUZZ_CHECK(read_bytes(input, false, &parts, &err[1]) == r);
	FUZZ_CHECK(!strcmp(err[0].message, err[1].message));
	FUZZ_CHECK(weft_str_eq(whole.text, parts.text) && weft_str_eq(whole.reasoning, parts.reasoning));
	FUZZ_CHECK(whole.tool_call_count == parts.tool_call_count && whole.finish == parts.finish);
	for (uint32_t i = 0; i < whole.tool_call_count; i++) {
		FUZZ_CHECK(weft_str_eq(whole.tool_calls[i].id, parts.tool_calls[i].id));
		FUZZ_CHECK(weft_str_eq(whole.tool_calls[i].name, parts.tool_calls[i].name));
		FUZZ_CHECK(weft_str_eq(whole.tool_calls[i].arguments_json, parts.tool_calls[i].arguments_json));
	}
}

static void check_arguments(weft_str input)
{
	weft_str text = weft__str_trim(input);
	struct weft__answering a;
	struct weft__calling *c;
	weft_error err = { 0 };
	weft_json_doc *doc;
	bool is_object;

	if (weft_json_parse(text, &doc, NULL) < 0)
		return;
	is_object = weft_json_typeof(weft_json_root(doc)) == WEFT_JSON_OBJECT;
	weft_json_release(doc);
	if (!is_object)
		return;
	weft__answering_begin(&a, arena, &err, false, NULL, NULL);
	c = weft__answering_call(&a, 0);
	FUZZ_CHECK(c != NULL);
	for (weft_str rest = text; rest.len_bytes;) {
		size_t n = cut(rest.len_bytes);

		weft__calling_arguments(&a, c, (weft_str){ rest.ptr, n });
		rest = (weft_str){ rest.ptr + n, rest.len_bytes - n };
	}
	FUZZ_CHECK(c->whole);
	FUZZ_CHECK(weft_str_eq((weft_str){ c->arguments.ptr, c->arguments.len_bytes }, text));
	weft__calling_arguments(&a, c, text); /* the same again */
	FUZZ_CHECK(weft_str_eq((weft_str){ c->arguments.ptr, c->arguments.len_bytes }, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	weft_str input = { (const char *)data, size };

	if (!arena && weft_arena_create(0, &arena) < 0)
		return 0;
	weft_arena_reset(arena);
	cuts = (uint32_t)size;
	check_openai(input);
	check_anthropic(input);
	check_bytes(input);
	check_fault(input);
	check_cuts(input, size % 2);
	check_arguments(input);
	return 0;
}
