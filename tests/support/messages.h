/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/messages.h - random chat messages by a seed, and are two the same? Compared member by member, so that a field
 * that the library's tables forgot is missed here. What is made lives in an arena.
 */
#ifndef WEFT_TESTS_SUPPORT_MESSAGES_H
#define WEFT_TESTS_SUPPORT_MESSAGES_H

#include <string.h>

#include <weft/codec.h>

#include "tests/support/seed.h"

/* Any text: letters, what JSON escapes, NUL, characters of two to four bytes; lengths around what formats care for. */
static inline weft_str test_text(uint64_t *state, weft_arena *arena, uint32_t max)
{
	static const char *const pieces[] = { "a", "Z", " ", "\"", "\\", "/", "\n", "\t", "\x01", "\x7f", "{", "]", ",",
		                              "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "" /* NUL */ };
	static const uint32_t lengths[] = { 0, 1, 7, 31, 32, 33, 255, 256, 1000, 65535, 65536, 70000 };
	uint32_t want = test_below(state, 4) ? test_below(state, 24) : lengths[test_below(state, 12)], n = 0;
	char *to;

	if (want > max - 4)
		want = max - 4;
	to = weft_arena_alloc(arena, want + 4);
	if (!to)
		return (weft_str){ 0 };
	while (n < want) {
		const char *piece = pieces[want > 1000 ? test_below(state, 3) : test_below(state, sizeof(pieces) / sizeof(pieces[0]))];
		size_t len = *piece ? strlen(piece) : 1;

		memcpy(to + n, piece, len);
		n += (uint32_t)len;
	}
	return (weft_str){ to, n };
}

static inline weft_uuid test_id(uint64_t *state)
{
	weft_uuid id = { { 0 } };

	if (test_below(state, 3)) {
		uint64_t words[2] = { test_random(state), test_random(state) };

		memcpy(id.bytes, words, sizeof(id.bytes));
	}
	return id;
}

static inline weft_str test_metadata(uint64_t *state)
{
	static const char *const all[] = {
		"", "", "{}", "{\"a\":1}", " { \"b\" : [ 1.50, 1e3, -0.0 , true ] }\n", "{\"k\":{\"k\":[{}, [], \"}\\\"{\"]},\"k\":2}",
		"{\"n\":18446744073709551615,\"\\u00e9\":null,\"s\":\"\\\\\"}", "{\"\":\"\xe2\x82\xac\\/\"}",
	};

	return weft_str_from(all[test_below(state, sizeof(all) / sizeof(all[0]))]);
}

static inline void test_message_lists(uint64_t *state, weft_arena *arena, weft_codec_message *m)
{
	weft_attachment *attachments = weft_arena_calloc(arena, 32 * sizeof(*attachments));
	weft_tool_request *calls = weft_arena_calloc(arena, 20 * sizeof(*calls));
	weft_codec_result *results = weft_arena_calloc(arena, 20 * sizeof(*results));

	m->attachment_count = test_below(state, 3) ? test_below(state, 3) : test_below(state, 33);
	m->tool_call_count = test_below(state, 3) ? test_below(state, 3) : test_below(state, 21);
	m->tool_result_count = test_below(state, 3) ? test_below(state, 3) : test_below(state, 21);
	for (uint32_t i = 0; i < m->attachment_count; i++)
		attachments[i] = (weft_attachment){ .id = test_id(state),
			                            .url = test_text(state, arena, 500),
			                            .content_type = test_text(state, arena, 100),
			                            .title = test_text(state, arena, 1024),
			                            .description = test_text(state, arena, 2000),
			                            .text = test_text(state, arena, 2000),
			                            .source = test_text(state, arena, 100) };
	for (uint32_t i = 0; i < m->tool_call_count; i++)
		calls[i] = (weft_tool_request){ test_text(state, arena, 100), test_text(state, arena, 100),
			                        test_text(state, arena, 3000) };
	for (uint32_t i = 0; i < m->tool_result_count; i++)
		results[i] = (weft_codec_result){ test_text(state, arena, 100), test_text(state, arena, 100),
			                          test_text(state, arena, 3000), test_below(state, 2) };
	m->attachments = attachments;
	m->tool_calls = calls;
	m->tool_results = results;
}

static inline weft_codec_message test_message(uint64_t *state, weft_arena *arena)
{
	static const int64_t times[] = { 0, 1, -1, 127, 128, -33, 1763732584123, INT64_MAX, INT64_MIN, -1763732584123 };
	weft_codec_message m = { .role = (weft_role)test_below(state, 4) };

	m.id = test_id(state);
	m.room_id = test_id(state);
	m.entity_id = test_id(state);
	m.agent_id = test_id(state);
	m.in_reply_to = test_id(state);
	m.created_ms = test_below(state, 2) ? times[test_below(state, 10)] : (int64_t)test_random(state);
	m.text = test_text(state, arena, 100000);
	m.thought = test_text(state, arena, 500);
	m.actions = test_text(state, arena, 500);
	m.source = test_text(state, arena, 1024);
	m.metadata_json = test_metadata(state);
	test_message_lists(state, arena, &m);
	return m;
}

static inline bool test_attachments_same(const weft_codec_message *a, const weft_codec_message *b)
{
	bool same = a->attachment_count == b->attachment_count;

	for (uint32_t i = 0; same && i < a->attachment_count; i++) {
		const weft_attachment *x = &a->attachments[i], *y = &b->attachments[i];

		same = weft_uuid_eq(x->id, y->id) && weft_str_eq(x->url, y->url) && weft_str_eq(x->content_type, y->content_type) &&
		       weft_str_eq(x->title, y->title) && weft_str_eq(x->description, y->description) &&
		       weft_str_eq(x->text, y->text) && weft_str_eq(x->source, y->source);
	}
	return same;
}

static inline bool test_calls_same(const weft_codec_message *a, const weft_codec_message *b)
{
	bool same = a->tool_call_count == b->tool_call_count && a->tool_result_count == b->tool_result_count;

	for (uint32_t i = 0; same && i < a->tool_call_count; i++) {
		const weft_tool_request *x = &a->tool_calls[i], *y = &b->tool_calls[i];

		same = weft_str_eq(x->id, y->id) && weft_str_eq(x->name, y->name) && weft_str_eq(x->arguments_json, y->arguments_json);
	}
	for (uint32_t i = 0; same && i < a->tool_result_count; i++) {
		const weft_codec_result *x = &a->tool_results[i], *y = &b->tool_results[i];

		same = weft_str_eq(x->call_id, y->call_id) && weft_str_eq(x->name, y->name) && weft_str_eq(x->text, y->text) &&
		       x->failed == y->failed;
	}
	return same;
}

/* White space around metadata is none of it. */
static inline weft_str test_trimmed(weft_str s)
{
	while (s.len_bytes && (*s.ptr == ' ' || *s.ptr == '\n'))
		s = (weft_str){ s.ptr + 1, s.len_bytes - 1 };
	while (s.len_bytes && (s.ptr[s.len_bytes - 1] == ' ' || s.ptr[s.len_bytes - 1] == '\n'))
		s.len_bytes--;
	return s;
}

static inline bool test_messages_same(const weft_codec_message *a, const weft_codec_message *b)
{
	return a->role == b->role && weft_uuid_eq(a->id, b->id) && weft_uuid_eq(a->room_id, b->room_id) &&
	       weft_uuid_eq(a->entity_id, b->entity_id) && weft_uuid_eq(a->agent_id, b->agent_id) &&
	       weft_uuid_eq(a->in_reply_to, b->in_reply_to) && a->created_ms == b->created_ms && weft_str_eq(a->text, b->text) &&
	       weft_str_eq(a->thought, b->thought) && weft_str_eq(a->actions, b->actions) && weft_str_eq(a->source, b->source) &&
	       weft_str_eq(test_trimmed(a->metadata_json), test_trimmed(b->metadata_json)) && test_attachments_same(a, b) &&
	       test_calls_same(a, b);
}

#endif
