/* SPDX-License-Identifier: Apache-2.0 */
/* skip: behind a value and nothing more, whatever stands in it and behind it. */
#include "json_test.h"

#include "net/json/json.h"

static void expect_skipped(const char *value, const char *rest)
{
	char text[256] = { 0 };

	snprintf(text, sizeof(text), "%s%s", value, rest);
	cr_expect_str_eq(weft__json_skip_value(text), rest, "behind %s", value);
}

Test(skip, value__ends_where_it_ends)
{
	static const char *const values[] = { "1", "-1.5e+3", "true", "null", "\"\"", "\"a\"", "\"\\\"\"", "\"\\\\\"", "\"}]\"", "[]", "{}",
		                              "[1, [2], {\"a\":[]}]", "{\"a]\":\"}\\\\\", \"b\" : { } }", " 7", "[ \"\\\\\\\"]\" ]" };
	static const char *const rests[] = { "", ",1", "}", "]", " ,", "\n]", ":x", "\t" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (size_t j = 0; j < sizeof(rests) / sizeof(rests[0]); j++)
			expect_skipped(values[i], rests[j]);
	}
}

/* By the length of its value, against the walk over its text: every string of up to five of these. */
Test(skip, string__of_a_known_length)
{
	static const char *const pieces[] = { "a", "\\\"", "\\\\", "\\n", "\\u0041", "\\u20ac", "\xe2\x82\xac", " " };
	static const uint8_t lengths[] = { 1, 1, 1, 1, 1, 3, 3, 1 };

	for (uint32_t code = 0; code < 8 * 8 * 8 * 8 * 8; code++) {
		for (uint32_t count = 0; count <= 5; count++) {
			char text[64 + 64] = "\"";
			size_t len = 0;

			for (uint32_t i = 0; i < count; i++) {
				strcat(text, pieces[code >> (3 * i) & 7]);
				len += lengths[code >> (3 * i) & 7];
			}
			strcat(text, "\",\"x\"");
			cr_assert_eq(weft__json_skip_string(text, len), weft__json_skip_value(text), "%s", text);
		}
	}
}

Test(skip, space__of_json_only)
{
	cr_expect_str_eq(weft__json_skip_space(" \t\r\n x "), "x ");
	cr_expect_str_eq(weft__json_skip_space("\fx"), "\fx");
	cr_expect_str_eq(weft__json_skip_space(""), "");
}

Test(skip, utf8__is_told_from_what_is_none)
{
	cr_expect(weft__json_is_utf8((weft_str){ NULL, 0 }));
	cr_expect(weft__json_is_utf8(WEFT_STR("a\0\xc3\xa9\xf0\x9f\x98\x80")));
	cr_expect_not(weft__json_is_utf8(WEFT_STR("\xc0\x80")));
	cr_expect_not(weft__json_is_utf8(WEFT_STR("\xed\xa0\x80")));
	cr_expect_not(weft__json_is_utf8(WEFT_STR("abc\xc3")));
}
