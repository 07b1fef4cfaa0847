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

Test(text, str_whole__leaves_no_half_character)
{
	static const struct {
		const char *text;
		size_t whole;
	} of[] = { { "", 0 },          { "a", 1 },          { "\xc3\xa9", 2 },     { "a\xc3", 1 },           { "a\xe2\x82", 1 },
		   { "a\xe2", 1 },    { "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98", 0 }, { "\xf0\x9f\x98\x80", 4 }, { "x\xf0\x9f", 1 },
		   { "\x80\x80\x80\x80\x80", 5 } };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		cr_assert_eq(weft__str_whole(weft_str_from(of[i].text)), of[i].whole, "%zu", i);
}

Test(text, control_at__knows_what_moves_a_terminal)
{
	static const struct {
		const char *text;
		size_t bytes;
	} of[] = { { "\033[2J", 1 },   { "\n", 1 },         { "\x7f", 1 },        { "\xc2\x80", 2 },     { "\xc2\x9b", 2 },
		   { "\xc2\x9f", 2 },  { "\xe2\x80\xaa", 3 }, { "\xe2\x80\xae", 3 }, { "\xe2\x81\xa6", 3 }, { "\xe2\x81\xa9", 3 },
		   { " ", 0 },         { "\xc2\xa0", 0 },     { "\xc3\x9b", 0 },     { "\xe2\x80\xa9", 0 }, { "\xe2\x80\xaf", 0 },
		   { "\xe2\x81\xa5", 0 }, { "\xe2\x82\xac", 0 }, { "\xc2", 0 },       { "\xe2\x80", 0 } };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		cr_assert_eq(weft__control_at(weft_str_from(of[i].text), 0), of[i].bytes, "%zu", i);
}
