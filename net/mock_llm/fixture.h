/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/fixture.h - scripted answers: which request gets which, read from a JSON file.
 *
 * Entries are tried in their order; the first that fits answers. One with `times` fits so often. Immutable but for the
 * counts, so any thread may ask.
 */
#ifndef WEFT_NET_MOCK_LLM_FIXTURE_H
#define WEFT_NET_MOCK_LLM_FIXTURE_H

#include <weft/error.h>
#include <weft/json.h>

#include "runtime/base/atomic.h"

/* What entries look at. */
struct weft__fixture_question {
	weft_str user;        /* the last user message's text */
	weft_str tool_result; /* of the last message, when it is one; else {NULL, 0} */
	weft_str system, model;
	uint32_t turn;        /* how many answers of the model came before, and one */
	bool stream;
};

enum { WEFT__DROP_NONE, WEFT__DROP_BEFORE, WEFT__DROP_MIDDLE };

/* {NULL, 0} and 0 where a match does not ask; strings lie in the file's text. */
struct weft__fixture_entry {
	weft_str user, user_contains, tool_result, tool_result_contains, system_contains, model;
	uint64_t turn, times;
	int stream;                /* 1, 0, or -1: either */
	_Atomic(uint64_t) used;

	weft_str text, reasoning, finish;
	weft_json tool_calls;      /* [{name, arguments, id?}]; NONE when there are none */
	int status;                /* not 0: an error of this HTTP status */
	weft_str error_message, error_type, error_code;
	uint64_t retry_after_s, delay_ms;
	int drop;
};

struct weft__fixture {
	weft_json_doc *doc;
	struct weft__fixture_entry *entries;
	uint32_t count;
	weft_json models;          /* names; NONE: every name is one */
};

/* 0, WEFT_EPARSE, WEFT_ECONFIG (err names file, line and member), -errno, -ENOMEM. */
int weft__fixture_open(const char *path, struct weft__fixture *ret, weft_error *err);
void weft__fixture_close(struct weft__fixture *f); /* a zeroed one is fine */

/* NULL: none fits. Counts its use. Any thread. */
const struct weft__fixture_entry *weft__fixture_find(struct weft__fixture *f, const struct weft__fixture_question *q);

/* Is there such a model? */
bool weft__fixture_has_model(const struct weft__fixture *f, weft_str name);

#endif
