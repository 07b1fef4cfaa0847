/* SPDX-License-Identifier: Apache-2.0 */
/* veil: which headers and variables are secrets, and that nothing else of a text changes. */
#include <criterion/criterion.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/mcp/veil.h"

static struct weft__veil veil;
static char *copy;

static void add(const char *name, const char *value)
{
	weft__veil_add_named(&veil, weft_str_from(name), weft_str_from(value));
}

static void becomes(const char *text, const char *expected)
{
	weft_str got = weft__veil_cover(&veil, weft_str_from(text), &copy);

	cr_expect(weft_str_eq(got, weft_str_from(expected)), "%.*s", WEFT_STR_ARG(got));
	cr_expect_eq(copy != NULL, strcmp(text, expected) != 0, "a copy, and only then: %s", text);
	weft_free(copy);
}

Test(veil, add__by_name)
{
	add("Authorization", "Bearer 0123456789a");
	add("X-Api-Key", "key-of-eight");
	add("GITHUB_TOKEN", "ghs_something");
	cr_expect_eq(veil.count, 3);
	add("X-Tenant", "production");
	add("PATH", "/usr/bin:/bin");
	add("X-Api-Key", "short");
	add("", "nothing at all");
	cr_expect_eq(veil.count, 3);
	for (uint32_t i = 0; i < 2 * WEFT__VEIL_SECRETS; i++)
		add("key", "one of many");
	cr_expect_eq(veil.count, WEFT__VEIL_SECRETS);
}

Test(veil, cover__every_place)
{
	add("Authorization", "Bearer abc/def/ghi");
	add("password", "12345678");
	becomes("", "");
	becomes("nothing", "nothing");
	becomes("abc/def/ghi", "***********");
	becomes("{\"a\":\"abc/def/ghi\",\"b\":\"abcabc\\/def\\/ghi!\"}", "{\"a\":\"***********\",\"b\":\"abc*************!\"}");
	becomes("abc/def/ghabc/def/ghi", "abc/def/gh***********");
	becomes("Bearer abc/def/ghi, Bearer abc/def/ghi", "Bearer ***********, Bearer ***********");
	becomes("{\"n\":12345678,\"m\":1234567}", "{\"n\":00000000,\"m\":1234567}");
}

Test(veil, cover__one_that_was_cut_off)
{
	add("Authorization", "Bearer abcdefghijkl");
	becomes("it is abcdefgh", "it is ********");
	becomes("it is abcdefg", "it is abcdefg");
	becomes("it is abcdefgh?", "it is abcdefgh?");
}

Test(veil, cover__the_token_and_the_one_before)
{
	veil.token = WEFT_STR("token-of-now");
	veil.past = WEFT_STR("token-of-before");
	becomes("token-of-now, token-of-before, token-of-never", "************, ***************, token-of-never");
}
