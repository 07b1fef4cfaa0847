/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/openai.c - answers as chat completions, and chunks of them.
 *
 * What all chunks of an answer have in common is written once, and stands before each delta.
 */
#include <errno.h>

#include "net/mock_llm/mock.h"

#define S WEFT_STR

static int ask_openai(weft_json body, const struct weft_mock_llm *mock, weft_arena *arena, struct weft__ask *ret,
                      struct weft__fault *fault)
{
	return weft__ask_openai(body, mock->options.strict, arena, ret, fault);
}

static void key_str(weft_json_writer *w, weft_str key, weft_str value)
{
	weft_json_key(w, key);
	weft_json_put_str(w, value);
}

static weft_str finish_text(const struct weft__reply *r)
{
	static const char *const texts[] = { "stop", "length", "tool_calls" };

	return r->finish_text.ptr ? r->finish_text : weft_str_from(texts[r->finish]);
}

static void put_usage(weft_json_writer *w, const struct weft__mock_run *run)
{
	uint64_t prompt = run->ask.prompt_tokens, completion = run->completion_tokens, reasoning = 0;

	for (uint32_t i = 0; i < run->piece_count; i++)
		reasoning += run->pieces[i].kind == WEFT__PIECE_REASONING;
	weft_json_key(w, S("usage"));
	weft_json_begin_object(w);
	weft_json_key(w, S("prompt_tokens"));
	weft_json_put_uint(w, prompt);
	weft_json_key(w, S("completion_tokens"));
	weft_json_put_uint(w, completion);
	weft_json_key(w, S("total_tokens"));
	weft_json_put_uint(w, prompt + completion);
	weft_json_key(w, S("prompt_tokens_details"));
	weft_json_put_raw(w, S("{\"cached_tokens\":0,\"audio_tokens\":0}"));
	weft_json_key(w, S("completion_tokens_details"));
	weft_json_begin_object(w);
	weft_json_key(w, S("reasoning_tokens"));
	weft_json_put_uint(w, reasoning);
	weft_json_end_object(w);
	weft_json_end_object(w);
}

static void put_head(weft_json_writer *w, const struct weft__mock_run *run, weft_str object)
{
	key_str(w, S("id"), run->id);
	key_str(w, S("object"), object);
	weft_json_key(w, S("created"));
	weft_json_put_int(w, run->created_s);
	key_str(w, S("model"), run->ask.model);
	key_str(w, S("system_fingerprint"), S("fp_weft_mock"));
}

static void put_function(weft_json_writer *w, const struct weft__answer_call *call, weft_str arguments)
{
	key_str(w, S("id"), call->id);
	key_str(w, S("type"), S("function"));
	weft_json_key(w, S("function"));
	weft_json_begin_object(w);
	key_str(w, S("name"), call->name);
	key_str(w, S("arguments"), arguments);
	weft_json_end_object(w);
}

static void put_message(weft_json_writer *w, const struct weft__reply *r)
{
	weft_json_begin_object(w);
	key_str(w, S("role"), S("assistant"));
	weft_json_key(w, S("content"));
	if (r->call_count && !r->text.ptr)
		weft_json_put_null(w);
	else
		weft_json_put_str(w, r->text);
	if (r->reasoning.ptr)
		key_str(w, S("reasoning_content"), r->reasoning);
	weft_json_key(w, S("refusal"));
	weft_json_put_null(w);
	if (r->call_count) {
		weft_json_key(w, S("tool_calls"));
		weft_json_begin_array(w);
		for (uint32_t i = 0; i < r->call_count; i++) {
			weft_json_begin_object(w);
			put_function(w, &r->calls[i], r->calls[i].arguments);
			weft_json_end_object(w);
		}
		weft_json_end_array(w);
	}
	weft_json_end_object(w);
}

static void put_choice(weft_json_writer *w, const struct weft__reply *r, uint32_t index)
{
	weft_json_begin_object(w);
	weft_json_key(w, S("index"));
	weft_json_put_uint(w, index);
	weft_json_key(w, S("message"));
	put_message(w, r);
	weft_json_key(w, S("logprobs"));
	weft_json_put_null(w);
	key_str(w, S("finish_reason"), finish_text(r));
	weft_json_end_object(w);
}

static int whole(struct weft__mock_run *run)
{
	weft_json_writer *w = run->node->json;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	put_head(w, run, S("chat.completion"));
	weft_json_key(w, S("choices"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < run->ask.choices; i++)
		put_choice(w, &run->replies[i], i);
	weft_json_end_array(w);
	put_usage(w, run);
	weft_json_end_object(w);
	return weft__mock_put_json(run->node);
}

/* ---- a stream ---------------------------------------------------------------------------- */

/* "data: {...,"choices":[{"index":" */
static int make_event_head(struct weft__mock_run *run)
{
	weft_json_writer *w = run->node->json;
	weft_str text;
	int r;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	put_head(w, run, S("chat.completion.chunk"));
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r < 0)
		return r;
	run->event_head = weft_arena_printf(run->arena, "data: %.*s,\"choices\":[{\"index\":", (int)text.len_bytes - 1, text.ptr);
	return run->event_head.ptr ? 0 : -ENOMEM;
}

/* Below 1,000. */
static void put_index(struct weft__mock_node *node, uint32_t index)
{
	char digits[3] = { (char)('0' + index / 100), (char)('0' + index / 10 % 10), (char)('0' + index % 10) };
	size_t skip = index < 10 ? 2 : index < 100 ? 1 : 0;

	weft__mock_put(node, (weft_str){ digits + skip, sizeof(digits) - skip });
}

/* One chunk of a choice: the delta is what node->json holds. */
static int put_chunk(struct weft__mock_run *run, uint32_t choice, weft_str finish)
{
	struct weft__mock_node *node = run->node;
	int r;

	weft__mock_put(node, run->event_head);
	put_index(node, choice);
	weft__mock_put(node, S(",\"delta\":"));
	r = weft__mock_put_json(node);
	weft__mock_put(node, S(",\"logprobs\":null,\"finish_reason\":"));
	if (finish.ptr) { /* the fixture may say anything */
		weft_json_writer_reset(node->json);
		weft_json_put_str(node->json, finish);
		r = r < 0 ? r : weft__mock_put_json(node);
	} else {
		weft__mock_put(node, S("null"));
	}
	weft__mock_put(node, run->ask.include_usage ? S("}],\"usage\":null}\n\n") : S("}]}\n\n"));
	return r;
}

static int begin(struct weft__mock_run *run)
{
	weft_json_writer *w = run->node->json;
	int r = make_event_head(run);

	for (uint32_t i = 0; r == 0 && i < run->ask.choices; i++) {
		const struct weft__reply *reply = &run->replies[i];

		weft_json_writer_reset(w);
		weft_json_put_raw(w, reply->call_count && !reply->text.ptr ? S("{\"role\":\"assistant\",\"content\":null,\"refusal\":null}") :
		                                                             S("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"));
		r = put_chunk(run, i, (weft_str){ NULL, 0 });
	}
	return r;
}

static void put_call_delta(weft_json_writer *w, const struct weft__mock_run *run, const struct weft__answer_piece *piece)
{
	weft_json_key(w, S("tool_calls"));
	weft_json_begin_array(w);
	weft_json_begin_object(w);
	weft_json_key(w, S("index"));
	weft_json_put_uint(w, piece->call);
	if (piece->kind == WEFT__PIECE_CALL) {
		put_function(w, &run->replies[piece->choice].calls[piece->call], S(""));
	} else {
		weft_json_key(w, S("function"));
		weft_json_begin_object(w);
		key_str(w, S("arguments"), piece->text);
		weft_json_end_object(w);
	}
	weft_json_end_object(w);
	weft_json_end_array(w);
}

static int piece_openai(struct weft__mock_run *run, const struct weft__answer_piece *piece)
{
	weft_json_writer *w = run->node->json;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	if (piece->kind == WEFT__PIECE_TEXT)
		key_str(w, S("content"), piece->text);
	else if (piece->kind == WEFT__PIECE_REASONING)
		key_str(w, S("reasoning_content"), piece->text);
	else
		put_call_delta(w, run, piece);
	weft_json_end_object(w);
	return put_chunk(run, piece->choice, (weft_str){ NULL, 0 });
}

static int put_usage_chunk(struct weft__mock_run *run)
{
	weft_json_writer *w = run->node->json;

	weft__mock_put(run->node, S("data: "));
	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	put_head(w, run, S("chat.completion.chunk"));
	weft_json_key(w, S("choices"));
	weft_json_begin_array(w);
	weft_json_end_array(w);
	put_usage(w, run);
	weft_json_end_object(w);
	if (weft__mock_put_json(run->node) < 0)
		return -ENOMEM;
	weft__mock_put(run->node, S("\n\n"));
	return 0;
}

static int end_openai(struct weft__mock_run *run)
{
	weft_json_writer *w = run->node->json;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < run->ask.choices; i++) {
		weft_json_writer_reset(w);
		weft_json_begin_object(w);
		weft_json_end_object(w);
		r = put_chunk(run, i, finish_text(&run->replies[i]));
	}
	if (r == 0 && run->ask.include_usage)
		r = put_usage_chunk(run);
	weft__mock_put(run->node, S("data: [DONE]\n\n"));
	return r;
}

/* ---- errors ------------------------------------------------------------------------------- */

static void key_str_or_null(weft_json_writer *w, weft_str key, const char *value)
{
	weft_json_key(w, key);
	if (value)
		weft_json_put_str(w, weft_str_from(value));
	else
		weft_json_put_null(w);
}

static int error_openai(struct weft__mock_node *node, const struct weft__fault *f)
{
	weft_json_writer *w = node->json;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft_json_key(w, S("error"));
	weft_json_begin_object(w);
	key_str(w, S("message"), weft_str_from(f->message));
	key_str_or_null(w, S("type"), f->type);
	key_str_or_null(w, S("param"), f->param);
	key_str_or_null(w, S("code"), f->code);
	weft_json_end_object(w);
	weft_json_end_object(w);
	return weft__mock_put_json(node);
}

static int overload(struct weft__fault *f, int status)
{
	if (status == 429)
		return weft__fault_set(f, 429, "requests", "rate_limit_exceeded", NULL, "Rate limit reached: made by the mock on purpose.");
	if (status == 500)
		return weft__fault_set(f, 500, "server_error", NULL, NULL, "The server had an error: made by the mock on purpose.");
	return weft__fault_set(f, status, "server_error", "overloaded", NULL, "The engine is overloaded: made by the mock on purpose.");
}

const struct weft__dialect weft__dialect_openai = {
	.id_prefix = "chatcmpl-", .ask = ask_openai, .whole = whole, .begin = begin, .piece = piece_openai, .end = end_openai, .error = error_openai, .overload = overload,
};
