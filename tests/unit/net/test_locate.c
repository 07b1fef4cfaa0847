/* SPDX-License-Identifier: Apache-2.0 */
/* locate: line and column of what a JSON pointer leads to. */
#include "json_test.h"

static const char text[] = "{\n"
			   "  \"name\": \"Ada\",\n"
			   "  \"style\": {\n"
			   "    \"all\": [\"short\",\n"
			   "            \"kind\"]\n"
			   "  },\n"
			   "  \"a/b\": 1, \"m~n\": 2, \"\\u00e9\\n\": 3, \"\": 4, \"\\ud83d\\ude00\": 5\n"
			   "}\n";

static void found(const char *pointer, uint32_t line, uint32_t column)
{
	uint32_t l = 0, c = 0;

	cr_expect_eq(weft_json_locate(str(text), str(pointer), &l, &c), 0, "%s", pointer);
	cr_expect(l == line && c == column, "%s: %u:%u", pointer, l, c);
}

static void missing(const char *pointer)
{
	uint32_t l = 7, c = 7;

	cr_expect_eq(weft_json_locate(str(text), str(pointer), &l, &c), -ENOENT, "%s", pointer);
	cr_expect(l == 7 && c == 7);
}

Test(locate, pointer__leads_to_keys_and_to_items)
{
	found("", 1, 1);
	found("/name", 2, 3);
	found("/style", 3, 3);
	found("/style/all", 4, 5);
	found("/style/all/0", 4, 13);
	found("/style/all/1", 5, 13);
}

Test(locate, pointer__with_escapes_on_either_side)
{
	found("/a~1b", 7, 3);
	found("/m~0n", 7, 13);
	found("/\xc3\xa9\n", 7, 23);
	found("/", 7, 38);
	found("/\xf0\x9f\x98\x80", 7, 45);
}

Test(locate, pointer__that_leads_nowhere)
{
	missing("/nam");
	missing("/names");
	missing("/name/x");
	missing("/style/all/2");
	missing("/style/all/01");
	missing("/a/b");
	missing("name");
	missing("/style/");
}

Test(locate, bad_text_or_arguments)
{
	uint32_t l = 0, c = 0;

	cr_assert_eq(weft_json_locate(str("{\"a\":[1,"), str("/a/0"), &l, &c), 0); /* found before it breaks */
	cr_assert_eq(c, 7);
	cr_assert_eq(weft_json_locate(str("{\"a\":[1,"), str("/a/1"), &l, &c), 0); /* where it should have been */
	cr_assert_eq(weft_json_locate(str("{\"a\" [1]}"), str("/a/0"), &l, &c), -ENOENT);
	cr_assert_eq(weft_json_locate(str(""), str(""), &l, &c), -ENOENT);
	cr_assert_eq(weft_json_locate(str("{}"), str(""), NULL, &c), -EINVAL);
}
