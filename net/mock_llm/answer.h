/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/answer.h - what is answered, whatever the API: reasoning, text and calls, cut into the pieces of a stream.
 */
#ifndef WEFT_NET_MOCK_LLM_ANSWER_H
#define WEFT_NET_MOCK_LLM_ANSWER_H

#include "net/mock_llm/ask.h"
#include "net/mock_llm/fixture.h"
#include "runtime/base/rng.h"

struct weft__answer_call {
	weft_str id, name, arguments; /* arguments: JSON */
};

enum { WEFT__PIECE_REASONING, WEFT__PIECE_TEXT, WEFT__PIECE_CALL /* it begins: no text */, WEFT__PIECE_ARGUMENTS };

/* A token: some of the reasoning, of the text, or of a call. */
struct weft__answer_piece {
	uint8_t kind;   /* WEFT__PIECE_ */
	uint8_t choice; /* whose */
	uint32_t call;
	weft_str text;
};

enum { WEFT__FINISH_STOP, WEFT__FINISH_LENGTH, WEFT__FINISH_CALLS };

/* All of it in the arena, or the fixture. */
struct weft__reply {
	weft_str reasoning, text;
	struct weft__answer_call *calls;
	uint32_t call_count;
	struct weft__answer_piece *pieces;
	uint32_t piece_count;
	int finish;
	weft_str finish_text;        /* the fixture's own; {NULL, 0}: as finish says */
	uint64_t completion_tokens;
};

/*
 * Make the answer: what the entry says, else a call that has to be, else JSON that has to be, else words: `tokens` of them, or
 * what the user said. writer: for scratch. 0 or -ENOMEM.
 */
int weft__reply_make(const struct weft__ask *ask, const struct weft__fixture_entry *entry, uint32_t tokens, struct weft__rng *rng,
                     weft_json_writer *writer, weft_arena *arena, struct weft__reply *ret);

#endif
