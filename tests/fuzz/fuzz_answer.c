/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a model's answer: fields are few, lie in memory that may be read, and are not
 * longer than what they were made of; lists of them too.
 */
#include <string.h>

#include "fuzz.h"
#include "net/markup/answer.h"

static weft_arena *arena;
static volatile uint8_t sink;

/* Read every byte: a sanitizer knows the bounds. */
static void touch(weft_str s)
{
	uint8_t sum = 0;

	FUZZ_CHECK(s.ptr || !s.len_bytes);
	for (size_t i = 0; i < s.len_bytes; i++)
		sum = (uint8_t)(sum + (uint8_t)s.ptr[i]);
	sink = sum;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void check_list(weft_str text)
{
	weft_str *items = NULL;
	uint32_t n = weft__answer_list(text, arena, &items);

	FUZZ_CHECK(n <= text.len_bytes);
	for (uint32_t i = 0; i < n; i++) {
		FUZZ_CHECK(items[i].len_bytes > 0);
		touch(items[i]);
	}
}

static void check_answer(const struct weft__answer *a, size_t size)
{
	FUZZ_CHECK(a->count >= 1 && a->count <= WEFT__ANSWER_FIELDS_MAX);
	FUZZ_CHECK(a->rest.len_bytes <= size);
	touch(a->rest);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct weft__answer_field *f = &a->fields[i];
		bool b;

		touch(f->name);
		touch(f->text);
		FUZZ_CHECK(f->name.len_bytes <= size);
		FUZZ_CHECK(f->text.len_bytes <= 8 * size + 32); /* 1e9 becomes 1000000000.0 */
		FUZZ_CHECK(weft__answer_find(a, f->name) != NULL);
		(void)weft__answer_bool(f->text, &b);
		check_list(f->text);
	}
}

static void check_think(weft_str text)
{
	weft_str s = weft__strip_think(text, arena);

	FUZZ_CHECK(s.len_bytes <= text.len_bytes);
	touch(s);
	if (!memmem(text.ptr, text.len_bytes, "<think>", 7))
		FUZZ_CHECK(s.ptr == text.ptr && s.len_bytes == text.len_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	weft_str text = { (const char *)data, size };
	struct weft__answer a = { 0 };
	weft_error err = { 0 };
	int r;

	if (!arena && weft_arena_create(0, &arena) < 0)
		return 0;
	weft_arena_reset(arena);
	r = weft__answer_parse(text, arena, &a, &err);
	FUZZ_CHECK(r == 0 || r == WEFT_EPARSE);
	if (r == 0) {
		check_answer(&a, size);
	} else {
		FUZZ_CHECK(err.code == r && err.message[0]);
		FUZZ_CHECK(a.count == 0 && !a.fields);
	}
	check_list(text);
	check_think(text);
	if (size && is_space(text.ptr[0]))
		touch(text);
	return 0;
}
