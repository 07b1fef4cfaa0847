/* SPDX-License-Identifier: Apache-2.0 */
/* Fields looked up, lists, numbers, kinds of bytes. */
#include <criterion/criterion.h>

#include "net/http/chars.h"
#include "net/http/message.h"

#define S WEFT_STR

Test(http_message, find__the_first_of_a_name_case_aside)
{
	const struct weft__http_field fields[] = { { S("A"), S("1") }, { S("Retry-After"), S("2") }, { S("retry-after"), S("3") } };

	cr_expect(weft_str_eq(weft__http_find(fields, 3, S("RETRY-after")), S("2")));
	cr_expect_null(weft__http_find(fields, 3, S("Retry")).ptr);
	cr_expect_null(weft__http_find(NULL, 0, S("A")).ptr);
}

Test(http_message, name_eq__letters_only)
{
	cr_expect(weft__http_name_eq(S("aZ-_1"), S("Az-_1")));
	cr_expect(!weft__http_name_eq(S("@"), S("`")));
	cr_expect(!weft__http_name_eq(S("["), S("{")));
	cr_expect(!weft__http_name_eq(S("a"), S("ab")));
}

Test(http_message, list_has__whole_items)
{
	cr_expect(weft__http_list_has(S("a, close ;q=1,b"), S("Close")));
	cr_expect(weft__http_list_has(S(",,\tclose"), S("close")));
	cr_expect(!weft__http_list_has(S("closed, xclose, a;close"), S("close")));
	cr_expect(!weft__http_list_has(S(""), S("close")));
	cr_expect(!weft__http_list_has((weft_str){ NULL, 0 }, S("close")));
	cr_expect(!weft__http_list_has(S(" , ;"), S("")));
}

Test(http_message, number__fits_or_is_none)
{
	uint64_t n = 7;

	cr_expect(weft__http_number(S("18446744073709551615"), &n) && n == UINT64_MAX);
	cr_expect(weft__http_number(S("000"), &n) && n == 0);
	n = 7;
	cr_expect(!weft__http_number(S("18446744073709551616"), &n));
	cr_expect(!weft__http_number(S("99999999999999999999"), &n));
	cr_expect(!weft__http_number(S(""), &n) && !weft__http_number(S("1 "), &n) && !weft__http_number(S("-1"), &n));
	cr_expect_eq(n, 7);
}

/* What the table says, said again in another way. */
Test(http_message, chars__as_the_rfcs_have_them)
{
	for (int c = 0; c < 256; c++) {
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool ascii = c > 0 && c < 128;

		cr_expect_eq(weft__char_is((uint8_t)c, WEFT__CHAR_TOKEN), alnum || (ascii && strchr("!#$%&'*+-.^_`|~", c)), "%d", c);
		cr_expect_eq(weft__char_is((uint8_t)c, WEFT__CHAR_TARGET), c > 0x20 && c < 0x7f && c != '#', "%d", c);
		cr_expect_eq(weft__char_is((uint8_t)c, WEFT__CHAR_HOST), alnum || (ascii && strchr("-._~", c)), "%d", c);
		cr_expect_eq(weft__char_is((uint8_t)c, WEFT__CHAR_PATH),
		             alnum || (ascii && strchr("-._~%!$&'()*+,;=:@/?[]^`{|}", c)), "%d", c);
	}
}

/* The scan against its definition, with every byte at every place around the width of its steps. */
Test(http_message, text_end__finds_each_control_at_each_place)
{
	for (size_t len = 0; len <= 40; len++) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				uint8_t *bytes = malloc(len);
				bool bad = (c < 0x20 && c != '\t') || c == 0x7f;

				cr_assert_not_null(bytes);
				memset(bytes, 'x', len);
				bytes[at] = (uint8_t)c;
				cr_assert_eq(weft__text_end(bytes, bytes + len), bad ? bytes + at : bytes + len, "%d at %zu of %zu", c, at, len);
				free(bytes);
			}
		}
	}
}
