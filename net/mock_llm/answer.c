/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/answer.c - see answer.h.
 *
 * A token of text is a word with the blank before it, of arguments twelve bytes. Neither is cut inside a character.
 */
#include "net/mock_llm/answer.h"

#include <errno.h>
#include <string.h>

#include "net/mock_llm/instance.h"

#define ARGUMENT_BYTES 12u
#define TOKENS_MAX 1000000u

#define S WEFT_STR

struct making {
	const struct weft__ask *ask;
	struct weft__rng *rng;
	weft_json_writer *writer;
	weft_arena *arena;
	struct weft__reply *reply;
};

static bool is_inside_character(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

/* Bytes of the next token: blanks and then what is none, so that they put together the text again. */
static size_t word_len(weft_str s)
{
	size_t n = 0;

	while (n < s.len_bytes && (s.ptr[n] == ' ' || s.ptr[n] == '\n' || s.ptr[n] == '\t'))
		n++;
	while (n < s.len_bytes && s.ptr[n] != ' ' && s.ptr[n] != '\n' && s.ptr[n] != '\t')
		n++;
	return n;
}

static size_t argument_len(weft_str s)
{
	size_t n = s.len_bytes < ARGUMENT_BYTES ? s.len_bytes : ARGUMENT_BYTES;

	while (n < s.len_bytes && is_inside_character(s.ptr[n]))
		n++;
	return n;
}

/* ---- pieces ---------------------------------------------------------------------------- */

static uint32_t count_pieces(weft_str s, size_t (*next)(weft_str))
{
	uint32_t count = 0;

	for (; s.len_bytes; count++) {
		size_t n = next(s);

		s = (weft_str){ s.ptr + n, s.len_bytes - n };
	}
	return count;
}

static void add_pieces(struct weft__reply *r, weft_str s, size_t (*next)(weft_str), uint8_t kind, uint32_t call)
{
	while (s.len_bytes) {
		size_t n = next(s);

		r->pieces[r->piece_count++] = (struct weft__answer_piece){ .kind = kind, .call = call, .text = { s.ptr, n } };
		s = (weft_str){ s.ptr + n, s.len_bytes - n };
	}
}

static int cut(struct making *m)
{
	struct weft__reply *r = m->reply;
	uint64_t count = (uint64_t)count_pieces(r->reasoning, word_len) + count_pieces(r->text, word_len) + r->call_count;

	for (uint32_t i = 0; i < r->call_count; i++)
		count += count_pieces(r->calls[i].arguments, argument_len);
	r->pieces = weft_arena_alloc(m->arena, (count + 1) * sizeof(*r->pieces));
	if (!r->pieces)
		return -ENOMEM;
	add_pieces(r, r->reasoning, word_len, WEFT__PIECE_REASONING, 0);
	add_pieces(r, r->text, word_len, WEFT__PIECE_TEXT, 0);
	for (uint32_t i = 0; i < r->call_count; i++) {
		r->pieces[r->piece_count++] = (struct weft__answer_piece){ .kind = WEFT__PIECE_CALL, .call = i };
		add_pieces(r, r->calls[i].arguments, argument_len, WEFT__PIECE_ARGUMENTS, i);
	}
	return 0;
}

/* No more than max_tokens: what is behind them falls away, of the text too. */
static void limit(struct making *m)
{
	struct weft__reply *r = m->reply;
	size_t text = 0;

	r->completion_tokens = r->piece_count;
	if (r->piece_count <= m->ask->tokens_max)
		return;
	r->piece_count = (uint32_t)m->ask->tokens_max;
	r->completion_tokens = r->piece_count;
	r->finish = WEFT__FINISH_LENGTH;
	for (uint32_t i = 0; i < r->piece_count; i++)
		text += r->pieces[i].kind == WEFT__PIECE_TEXT ? r->pieces[i].text.len_bytes : 0;
	r->text.len_bytes = text;
}

/* ---- what is said ------------------------------------------------------------------------ */

static weft_str make_id(struct making *m, const char *prefix)
{
	return weft_arena_printf(m->arena, "%s%016llx", prefix, (unsigned long long)weft__rng_next(m->rng));
}

/* What the writer has, kept. */
static int keep_written(struct making *m, weft_str *ret)
{
	weft_str text;
	int r = weft_json_writer_text(m->writer, &text);

	if (r < 0)
		return r;
	*ret = weft_arena_dup(m->arena, text);
	return ret->ptr ? 0 : -ENOMEM;
}

static int write_instance(struct making *m, weft_json schema, weft_str *ret)
{
	weft_json_writer_reset(m->writer);
	if (weft_json_typeof(schema) == WEFT_JSON_OBJECT) {
		weft__instance_write(m->writer, schema, m->ask->user.len_bytes < 200 ? m->ask->user : S("text"));
	} else {
		weft_json_begin_object(m->writer);
		weft_json_end_object(m->writer);
	}
	return keep_written(m, ret);
}

static int calls_room(struct making *m, size_t count)
{
	m->reply->calls = weft_arena_calloc(m->arena, count * sizeof(*m->reply->calls) + 1);
	return m->reply->calls ? 0 : -ENOMEM;
}

/* arguments: an object, or a string that is taken as it is (a fixture may want it broken). */
static int add_call(struct making *m, weft_json call)
{
	struct weft__answer_call *to = &m->reply->calls[m->reply->call_count++];
	weft_json arguments = weft_json_find(call, S("arguments"));

	weft_json_get_str(weft_json_find(call, S("name")), &to->name);
	if (!weft_json_get_str(weft_json_find(call, S("id")), &to->id))
		to->id = make_id(m, "call_");
	if (!to->id.ptr)
		return -ENOMEM;
	if (weft_json_get_str(arguments, &to->arguments))
		return 0;
	weft_json_writer_reset(m->writer);
	weft_json_put_value(m->writer, arguments);
	return keep_written(m, &to->arguments);
}

static int say_scripted(struct making *m, const struct weft__fixture_entry *e)
{
	weft_json_iter it = weft_json_iter_begin(e->tool_calls);
	int r = calls_room(m, weft_json_count(e->tool_calls));

	m->reply->text = e->text;
	m->reply->reasoning = e->reasoning;
	m->reply->finish_text = e->finish;
	while (r == 0 && weft_json_iter_next(&it))
		r = add_call(m, it.value);
	m->reply->finish = m->reply->call_count ? WEFT__FINISH_CALLS : WEFT__FINISH_STOP;
	return r;
}

static int say_call(struct making *m)
{
	struct weft__answer_call *to;
	int r = calls_room(m, 1);

	if (r < 0)
		return r;
	to = &m->reply->calls[m->reply->call_count++];
	weft_json_get_str(m->ask->tool, &to->name);
	to->id = make_id(m, "call_");
	m->reply->finish = WEFT__FINISH_CALLS;
	r = write_instance(m, m->ask->tool_schema, &to->arguments);
	return to->id.ptr ? r : -ENOMEM;
}

static int say_words(struct making *m, uint32_t tokens)
{
	static const char words[16][9] = { "the ", "shuttle ", "passes ", "between ", "threads ", "and ",  "a ",     "pattern ",
		                           "grows ", "row ",    "after ",  "until ",   "it ",      "holds ", "light ", "warp " };
	char *to, *at;

	tokens = tokens < TOKENS_MAX / m->ask->choices ? tokens : TOKENS_MAX / m->ask->choices;
	to = at = weft_arena_alloc(m->arena, tokens * 8u + 1);
	if (!to)
		return -ENOMEM;
	for (uint32_t i = 0; i < tokens; i++) {
		const char *word = words[weft__rng_next(m->rng) >> 60];
		size_t len = strlen(word);

		memcpy(at, word, len);
		at += len;
	}
	m->reply->text = (weft_str){ to, (size_t)(at - to) - 1 };
	return 0;
}

static int say_back(struct making *m)
{
	weft_str said = m->ask->tool_result.ptr ? m->ask->tool_result : m->ask->user;

	m->reply->text = weft_arena_printf(m->arena, m->ask->tool_result.ptr ? "The tool said: %.*s" : "You said: %.*s", WEFT_STR_ARG(said));
	return m->reply->text.ptr ? 0 : -ENOMEM;
}

int weft__reply_make(const struct weft__ask *ask, const struct weft__fixture_entry *entry, uint32_t tokens, struct weft__rng *rng,
                     weft_json_writer *writer, weft_arena *arena, struct weft__reply *ret)
{
	struct making m = { ask, rng, writer, arena, ret };
	int r;

	*ret = (struct weft__reply){ .finish = WEFT__FINISH_STOP };
	if (ask->silent)
		return 0;
	if (entry)
		r = say_scripted(&m, entry);
	else if (ask->must_call)
		r = say_call(&m);
	else if (ask->as_json)
		r = write_instance(&m, ask->schema, &ret->text);
	else if (tokens)
		r = say_words(&m, tokens);
	else
		r = say_back(&m);
	if (r == 0)
		r = cut(&m);
	if (r == 0)
		limit(&m);
	return r;
}
