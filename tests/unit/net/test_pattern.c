/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: ECMA's notation as POSIX's. */
#include "net/json/pattern.h"

#include "json_test.h"

static void becomes(const char *pattern, const char *posix)
{
	char to[512];

	cr_assert_leq(WEFT__PATTERN_BYTES(str(pattern)), sizeof(to));
	cr_expect_null(weft__pattern_translate(str(pattern), to), "%s", pattern);
	cr_expect_str_eq(to, posix);
}

static void refused(const char *pattern, const char *what)
{
	char to[512];
	const char *said = weft__pattern_translate(str(pattern), to);

	cr_assert_not_null(said, "%s", pattern);
	cr_expect_str_eq(said, what);
}

Test(pattern, what_is_the_same_stays)
{
	becomes("", "");
	becomes("^a+(b|c)*[x-z]{1,2}?.$", "^a+(b|c)*[x-z]{1,2}?.$");
	becomes("\\.\\[\\]\\(\\)\\*\\+\\?\\|\\^\\$\\{\\}\\\\", "\\.\\[\\]\\(\\)\\*\\+\\?\\|\\^\\$\\{\\}\\\\");
}

Test(pattern, classes)
{
	becomes("\\d\\D", "[0-9][^0-9]");
	becomes("\\w+\\W", "[A-Za-z0-9_]+[^A-Za-z0-9_]");
	becomes("\\s", "[ \t\n\r\f\v]");
	becomes("[\\d_]", "[0-9_]");
	becomes("[^\\w]", "[^A-Za-z0-9_]");
	becomes("\\bx\\B", "\\bx\\B");
}

Test(pattern, escapes)
{
	becomes("a\\/b\\-c\\n\\t", "a/b-c\n\t");
	becomes("[\\.\\/]", "[./]");
	becomes("[a\\-z]", "[az-]");
	becomes("[a\\]z]", "[]az]");
	becomes("[^\\]\\-a]", "[^]a-]");
	becomes("[\\\\]", "[\\]");
	becomes("(?:ab)+", "(ab)+");
}

Test(pattern, what_posix_cannot_say)
{
	refused("(?=a)", "has a lookaround or a named group");
	refused("(?<n>a)", "has a lookaround or a named group");
	refused("(?", "has a lookaround or a named group");
	refused("(a)\\1", "has an unsupported escape");
	refused("\\p{L}", "has an unsupported escape");
	refused("\\u0041", "has an unsupported escape");
	refused("[\\D]", "has an unsupported escape in brackets");
	refused("a\\", "ends in a backslash");
	refused("[a\\", "ends in a backslash");
	refused("[a", "has a bracket that is not closed");
	refused("[]", "has empty brackets");
	refused("[[:alpha:]]", "has a '[' in brackets");
}

Test(pattern, repetitions__are_bounded)
{
	becomes("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}");
	becomes("^.{0,4096}$", "^.{0,4096}$");
	becomes("a{2,}{b", "a{2,}{b");
	refused("a{100000}", "repeats too much");
	refused("a{99999999999999999999999999}", "repeats too much");
	refused("((a{99}){99}){99}", "repeats too much");
	refused("a{99}{99}{99}", "repeats too much");
	refused("a)", "has a ')' too many");
	refused("((((((((((((((((((((((((((((((((((((((((", "has too many groups");
}

Test(pattern, room__is_enough_for_the_longest)
{
	char pattern[101], to[100 * 9 + 16];

	for (int i = 0; i < 100; i += 2)
		memcpy(pattern + i, "\\W", 2);
	pattern[100] = '\0';
	cr_assert_null(weft__pattern_translate(str(pattern), to));
	cr_assert_lt(strlen(to), WEFT__PATTERN_BYTES(str(pattern)));
}
