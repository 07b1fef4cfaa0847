/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/ask.h - a request's body, read and checked as the real endpoints check it.
 */
#ifndef WEFT_NET_MOCK_LLM_ASK_H
#define WEFT_NET_MOCK_LLM_ASK_H

#include <weft/json.h>

/* Why a request is not answered. Static strings but the message. */
struct weft__fault {
	int status;
	const char *type, *code, *param; /* NULL: null */
	uint32_t retry_after_s;          /* 0: not said */
	char message[256];
};

/* What a request for an answer wants, of either API. Strings and values lie in the body's document or the arena. */
struct weft__ask {
	weft_str model, system, user; /* user: the last user message's text */
	weft_str tool_result;         /* the last message's, when it is a tool's; else {NULL, 0} */
	uint32_t turn;                /* answers of the model so far, and one */
	uint64_t prompt_tokens;       /* about as many */
	uint64_t tokens_max;          /* UINT64_MAX: no limit */
	uint32_t choices;             /* how many answers */
	bool stream, include_usage;
	bool silent;                  /* what is asked for is no text: embeddings */
	bool must_call;               /* a tool has to be called */
	weft_json tool;               /* that one: its name, or the first's */
	weft_json tool_schema;        /* of its arguments; NONE: any */
	bool as_json;                 /* the answer has to be JSON, */
	weft_json schema;             /* of this schema; NONE: any object */
};

/* Each: 0, or a negative number and *ret_fault: -EINVAL (the request is wrong), -ENOMEM. strict: also about what is not known. */
int weft__ask_openai(weft_json body, bool strict, weft_arena *arena, struct weft__ask *ret, struct weft__fault *ret_fault);
int weft__ask_anthropic(weft_json body, weft_arena *arena, struct weft__ask *ret, struct weft__fault *ret_fault);

/* -EINVAL, with a formatted message. */
int weft__fault_set(struct weft__fault *f, int status, const char *type, const char *code, const char *param, const char *fmt, ...)
	WEFT_PRINTF(6, 7);

/* A content: a string, or a list of parts whose texts are joined. {NULL, 0} when it is null or none. 0, -EINVAL, -ENOMEM. */
int weft__ask_text(weft_json content, weft_arena *arena, weft_str *ret);

/* A token is about four bytes. */
static inline uint64_t weft__tokens_of(size_t bytes)
{
	return (bytes + 3) / 4;
}

#endif
