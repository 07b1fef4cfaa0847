/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/markup/answer.h - the tolerant reader of models' structured answers.
 *
 * Models are asked for <response> with one child a field, and give that, or half of
 * it, or JSON, with reasoning before and chatter behind. The reader strips <think>
 * blocks, takes <response> or else the first balanced element, or else the first
 * JSON object, and makes a field of each direct child. What a child holds stays
 * text: nested markup is kept verbatim, the five entities are decoded.
 *
 * Linear in the input: every byte is looked at a bounded number of times.
 * Tests: tests/unit/net/test_answer.c, tests/fuzz/fuzz_answer.c.
 */
#ifndef WEFT_NET_MARKUP_ANSWER_H
#define WEFT_NET_MARKUP_ANSWER_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>

#define WEFT__ANSWER_FIELDS_MAX 64u

struct weft__answer_field {
	weft_str name, text; /* into the input or the arena */
};

struct weft__answer {
	struct weft__answer_field *fields; /* in the order of the answer */
	uint32_t count;
	weft_str rest; /* what stood behind the element */
};

/**
 * @return 0, -ENOMEM, or WEFT_EPARSE with a reason: nothing in the text is an element or a JSON object
 * Results point into text or arena: both must outlive them.
 */
int weft__answer_parse(weft_str text, weft_arena *arena, struct weft__answer *ret, weft_error *err);

/** The first field of that name; isFinish, is_finish and IS-FINISH are one name. NULL: none. */
const struct weft__answer_field *weft__answer_find(const struct weft__answer *answer, weft_str name);

/** true, yes, 1 and false, no, 0 in any case. False: neither, *ret untouched. */
bool weft__answer_bool(weft_str text, bool *ret);

/** Items of a comma list, a JSON array, or child elements; trimmed, empty ones dropped. @return how many; 0 also without memory */
uint32_t weft__answer_list(weft_str text, weft_arena *arena, weft_str **ret_items);

/**
 * Without <think>...</think>; one that is never closed drops the rest. No copy when there
 * is none. Without memory: {NULL, 0}.
 */
weft_str weft__strip_think(weft_str text, weft_arena *arena);

#endif
