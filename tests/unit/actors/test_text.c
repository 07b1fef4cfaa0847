/* SPDX-License-Identifier: Apache-2.0 */
/* text: growing buffers and matching words, names and case. */
#include "actors/text.h"

#include <criterion/criterion.h>

static weft_arena *arena;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(256, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(text, .init = setup, .fini = teardown);

Test(text, buf__grows_and_keeps_what_was_put)
{
	struct weft__buf b = weft__buf_begin(arena, 2);
	weft_str s;

	for (int i = 0; i < 100; i++)
		weft__buf_put(&b, WEFT_STR("abc"));
	weft__buf_put_char(&b, '/');
	weft__buf_put_uint(&b, 0);
	weft__buf_put_uint(&b, UINT64_MAX);
	cr_assert_eq(weft__buf_end(&b, &s), 0);
	cr_assert_eq(s.len_bytes, 300 + 1 + 1 + 20);
	cr_assert_eq(memcmp(s.ptr + 297, "abc/018446744073709551615", 25), 0);
}

Test(text, has_word__wants_whole_words_in_any_case)
{
	cr_assert(weft__text_has_word(WEFT_STR("hello ADA!"), WEFT_STR("Ada")));
	cr_assert(weft__text_has_word(WEFT_STR("Ada"), WEFT_STR("ada")));
	cr_assert(weft__text_has_word(WEFT_STR("canada, ada"), WEFT_STR("Ada")));
	cr_assert_not(weft__text_has_word(WEFT_STR("canada"), WEFT_STR("Ada")));
	cr_assert_not(weft__text_has_word(WEFT_STR("adamant"), WEFT_STR("Ada")));
	cr_assert_not(weft__text_has_word(WEFT_STR("anything"), WEFT_STR("")));
	cr_assert_not(weft__text_has_word(WEFT_STR("ad"), WEFT_STR("ada")));
	cr_assert(weft__text_has_word(WEFT_STR("ask C++ now"), WEFT_STR("c++")));
}

Test(text, name_matches__ignores_case_spaces_underscores)
{
	cr_assert(weft__name_matches(WEFT_STR("Send Message"), WEFT_STR("SEND_MESSAGE")));
	cr_assert(weft__name_matches(WEFT_STR("sendmessage "), WEFT_STR("SEND_MESSAGE")));
	cr_assert_not(weft__name_matches(WEFT_STR("SEND"), WEFT_STR("SEND_MESSAGE")));
	cr_assert_not(weft__name_matches(WEFT_STR("SEND_MESSAGES"), WEFT_STR("SEND_MESSAGE")));
}

Test(text, trim__takes_white_space_off_both_ends)
{
	cr_assert(weft_str_eq(weft__str_trim(WEFT_STR(" \n a b\t")), WEFT_STR("a b")));
	cr_assert_eq(weft__str_trim(WEFT_STR(" \n ")).len_bytes, 0);
}
