/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/anthropic/read.c - messages read: whole, or as a stream of events.
 *
 * A message is a list of blocks: text, calls of tools, thoughts. Blocks of thoughts are signed, and
 * want to be sent back with the turn they belong to while its calls are answered: they are
 * kept as they came in carry_json.
 */
#include <errno.h>

#include "actors/anthropic/wire.h"
#include "actors/remote/fault.h"
#include "actors/remote/wire.h"

static weft_finish finish_of(weft_str reason)
{
	static const struct {
		weft_str name;
		weft_finish finish;
	} known[] = {
		{ { "end_turn", 8 }, WEFT_FINISH_STOP },       { { "stop_sequence", 13 }, WEFT_FINISH_STOP },
		{ { "tool_use", 8 }, WEFT_FINISH_TOOL_CALLS }, { { "max_tokens", 10 }, WEFT_FINISH_LENGTH },
		{ { "refusal", 7 }, WEFT_FINISH_REFUSAL },     { { "model_context_window_exceeded", 29 }, WEFT_FINISH_LENGTH },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (weft_str_eq(reason, known[i].name))
			return known[i].finish;
	}
	return WEFT_FINISH_OTHER;
}

static void usage_read(struct weft__answering *a, weft_json usage)
{
	uint32_t fresh = weft__wire_count(usage, WEFT_STR("input_tokens")), out = weft__wire_count(usage, WEFT_STR("output_tokens"));
	uint32_t cached = weft__wire_count(usage, WEFT_STR("cache_read_input_tokens"));
	uint64_t in = (uint64_t)fresh + cached + weft__wire_count(usage, WEFT_STR("cache_creation_input_tokens"));

	if (in) /* at the end it is said again only by some */
		a->usage.prompt_tokens = in > UINT32_MAX ? UINT32_MAX : (uint32_t)in;
	if (cached)
		a->usage.cached_tokens = cached;
	if (out)
		a->usage.completion_tokens = out; /* so far; the last one counts */
}

static void head_read(struct weft__answering *a, weft_json message)
{
	usage_read(a, weft_json_find(message, WEFT_STR("usage")));
	weft__answering_model(a, weft__wire_text(message, WEFT_STR("model")));
}

/* ---- thoughts that are carried ------------------------------------------------------------- */

/* One more block for carry_json: an array that is open until the end. */
static void carry(struct weft__answering *a, weft_json_writer *w)
{
	weft_str text;

	if (weft_json_writer_text(w, &text) < 0) {
		weft__answering_fail(a, -ENOMEM, "out of memory");
		return;
	}
	if (!weft__answering_take(a, text.len_bytes))
		return;
	if (!a->carry.arena)
		a->carry = weft__buf_begin(a->arena, text.len_bytes + 2);
	weft__buf_put_char(&a->carry, a->carry.len_bytes ? ',' : '[');
	weft__buf_put(&a->carry, text);
	if (a->carry.failed)
		weft__answering_fail(a, -ENOMEM, "out of memory");
}

static void carry_thought(struct weft__answering *a, weft_str thought, weft_str signature)
{
	weft_json_writer *w;

	if (!signature.len_bytes || a->status < 0) /* an unsigned one would be refused */
		return;
	if (weft_json_writer_create(0, &w) < 0) {
		weft__answering_fail(a, -ENOMEM, "out of memory");
		return;
	}
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("type"));
	weft_json_put_str(w, WEFT_STR("thinking"));
	weft_json_key(w, WEFT_STR("thinking"));
	weft_json_put_str(w, thought);
	weft_json_key(w, WEFT_STR("signature"));
	weft_json_put_str(w, signature);
	weft_json_end_object(w);
	carry(a, w);
	weft_json_writer_destroy(w);
}

static void carry_value(struct weft__answering *a, weft_json block)
{
	weft_json_writer *w;

	if (weft_json_writer_create(0, &w) < 0) {
		weft__answering_fail(a, -ENOMEM, "out of memory");
		return;
	}
	weft_json_put_value(w, block);
	carry(a, w);
	weft_json_writer_destroy(w);
}

static int end(struct weft__answering *a, weft_model_response *ret_response)
{
	if (a->carry.len_bytes) {
		weft__buf_put_char(&a->carry, ']');
		if (a->carry.failed)
			weft__answering_fail(a, -ENOMEM, "out of memory");
	}
	return weft__answering_end(a, ret_response);
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* What a block says already where it begins: nearly nothing in a stream, all in a whole message. */
static void block_read(struct weft__answering *a, weft_json block, int64_t index)
{
	weft_str type = weft__wire_text(block, WEFT_STR("type"));
	weft_json input;

	if (weft_str_eq(type, WEFT_STR("text"))) {
		weft__answering_plain(a, weft__wire_text(block, WEFT_STR("text")));
	} else if (weft_str_eq(type, WEFT_STR("thinking"))) {
		weft__answering_reasoning(a, weft__wire_text(block, WEFT_STR("thinking")));
	} else if (weft_str_eq(type, WEFT_STR("redacted_thinking"))) {
		carry_value(a, block);
	} else if (weft_str_eq(type, WEFT_STR("tool_use"))) {
		struct weft__calling *c = weft__answering_call(a, index);

		if (!c)
			return;
		weft__calling_id(a, c, weft__wire_text(block, WEFT_STR("id")));
		weft__calling_name(a, c, weft__wire_text(block, WEFT_STR("name")));
		input = weft_json_find(block, WEFT_STR("input"));
		if (weft_json_count(input)) /* a stream begins with {}, and the pieces follow */
			weft__calling_object(a, c, input);
	} /* what the provider's own tools did is of no use here */
}

/* ---- a stream ------------------------------------------------------------------------------------ */

void weft__anthropic_stream_begin(struct weft__anthropic_stream *s, weft_str key)
{
	s->key = key;
	s->finished = s->stopped = false;
	s->thought = -1;
	s->thought_text = s->thought_signature = (struct weft__buf){ 0 };
}

static void thought_end(struct weft__anthropic_stream *s)
{
	if (s->thought < 0)
		return;
	carry_thought(&s->answering, (weft_str){ s->thought_text.ptr, s->thought_text.len_bytes },
	              (weft_str){ s->thought_signature.ptr, s->thought_signature.len_bytes });
	s->thought = -1;
	s->thought_text.len_bytes = s->thought_signature.len_bytes = 0;
}

static void block_start(struct weft__anthropic_stream *s, weft_json event, int64_t index)
{
	weft_json block = weft_json_find(event, WEFT_STR("content_block"));

	thought_end(s);
	block_read(&s->answering, block, index);
	if (weft_str_eq(weft__wire_text(block, WEFT_STR("type")), WEFT_STR("thinking"))) {
		s->thought = index;
		weft__answering_keep(&s->answering, &s->thought_text, weft__wire_text(block, WEFT_STR("thinking")));
		weft__answering_keep(&s->answering, &s->thought_signature, weft__wire_text(block, WEFT_STR("signature")));
	}
}

static void block_delta(struct weft__anthropic_stream *s, weft_json event, int64_t index)
{
	struct weft__answering *a = &s->answering;
	weft_json delta = weft_json_find(event, WEFT_STR("delta"));
	struct weft__calling *c;
	weft_str piece;

	if (weft__wire_find(delta, WEFT_STR("text"), &piece)) {
		weft__answering_plain(a, piece);
	} else if (weft__wire_find(delta, WEFT_STR("partial_json"), &piece)) {
		c = weft__answering_find(a, index, (weft_str){ 0 });
		if (c)
			weft__calling_arguments(a, c, piece);
	} else if (weft__wire_find(delta, WEFT_STR("thinking"), &piece)) {
		weft__answering_reasoning(a, piece);
		weft__answering_keep(a, &s->thought_text, piece);
	} else if (weft__wire_find(delta, WEFT_STR("signature"), &piece)) {
		weft__answering_keep(a, &s->thought_signature, piece);
	}
}

static void stop_read(struct weft__anthropic_stream *s, weft_json event)
{
	weft_str reason;

	usage_read(&s->answering, weft_json_find(event, WEFT_STR("usage")));
	if (!weft__wire_find(weft_json_find(event, WEFT_STR("delta")), WEFT_STR("stop_reason"), &reason))
		return;
	s->answering.finish = finish_of(reason);
	s->finished = true;
}

static void event_read(struct weft__anthropic_stream *s, weft_json event)
{
	weft_str type = weft__wire_text(event, WEFT_STR("type"));
	int64_t index = 0;

	(void)weft_json_get_int(weft_json_find(event, WEFT_STR("index")), &index);
	if (index < 0)
		index = 0;
	if (weft__fault_is(event))
		weft__answering_fault(&s->answering, event, s->key);
	else if (weft_str_eq(type, WEFT_STR("content_block_delta")))
		block_delta(s, event, index);
	else if (weft_str_eq(type, WEFT_STR("content_block_start")))
		block_start(s, event, index);
	else if (weft_str_eq(type, WEFT_STR("content_block_stop")))
		thought_end(s);
	else if (weft_str_eq(type, WEFT_STR("message_start")))
		head_read(&s->answering, weft_json_find(event, WEFT_STR("message")));
	else if (weft_str_eq(type, WEFT_STR("message_delta")))
		stop_read(s, event);
	else if (weft_str_eq(type, WEFT_STR("message_stop")))
		s->finished = s->stopped = true;
}

int weft__anthropic_stream_data(struct weft__anthropic_stream *s, weft_str data)
{
	struct weft__answering *a = &s->answering;
	weft_str text = weft__str_trim(data);
	weft_json_doc *doc;

	if (a->status < 0 || !text.len_bytes || weft_str_eq(text, WEFT_STR("[DONE]")))
		return a->status;
	doc = weft__answering_json(a, text, "the stream holds an event that is not JSON");
	if (doc)
		event_read(s, weft_json_root(doc));
	weft_json_release(doc);
	return a->status;
}

int weft__anthropic_stream_end(struct weft__anthropic_stream *s, weft_model_response *ret_response)
{
	struct weft__answering *a = &s->answering;

	if (a->status == 0 && !s->finished)
		weft__answering_fail(a, -EPIPE, "the stream ended before the answer did");
	thought_end(s);
	return end(a, ret_response);
}

/* ---- a whole body --------------------------------------------------------------------------------- */

static void body_read(struct weft__answering *a, weft_json root, weft_str key)
{
	weft_json content = weft_json_find(root, WEFT_STR("content"));
	weft_json_iter it = weft_json_iter_begin(content);
	weft_str reason;

	if (weft__fault_is(root)) {
		weft__answering_fault(a, root, key);
		return;
	}
	if (weft_json_typeof(content) != WEFT_JSON_ARRAY) {
		weft__answering_fail(a, WEFT_EPARSE, "the answer has no content");
		return;
	}
	head_read(a, root);
	while (weft_json_iter_next(&it)) {
		block_read(a, it.value, -1);
		if (weft_str_eq(weft__wire_text(it.value, WEFT_STR("type")), WEFT_STR("thinking")))
			carry_thought(a, weft__wire_text(it.value, WEFT_STR("thinking")), weft__wire_text(it.value, WEFT_STR("signature")));
	}
	if (weft__wire_find(root, WEFT_STR("stop_reason"), &reason))
		a->finish = finish_of(reason);
}

int weft__anthropic_read(struct weft__answering *a, weft_str body, weft_str key, weft_model_response *ret_response)
{
	weft_json_doc *doc = weft__answering_json(a, body, "the answer is not JSON");

	if (!doc)
		return a->status;
	body_read(a, weft_json_root(doc), key);
	weft_json_release(doc);
	return end(a, ret_response);
}
