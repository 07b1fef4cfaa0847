/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: what ECMA says, by PCRE2, and no more than it may cost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/json/pattern.h"

#include "json_test.h"

static struct weft__pattern *compiled(const char *pattern)
{
	struct weft__pattern *p;
	const char *why;
	int r = weft__pattern_compile(str(pattern), &p, &why);

	cr_assert_eq(r, 0, "%s: %s", pattern, why ? why : "?");
	return p;
}

static void answers(const char *pattern, const char *text, int expected)
{
	struct weft__pattern *p = compiled(pattern);

	cr_expect_eq(weft__pattern_match(p, str(text)), expected, "%s on %s", pattern, text);
	weft__pattern_free(p);
}

static void matches(const char *pattern, const char *text)
{
	answers(pattern, text, 1);
}

static void differs(const char *pattern, const char *text)
{
	answers(pattern, text, 0);
}

static void refused(const char *pattern, const char *what)
{
	struct weft__pattern *p;
	const char *why;

	cr_expect_eq(weft__pattern_compile(str(pattern), &p, &why), -EINVAL, "%s", pattern);
	cr_expect_null(p);
	cr_expect_str_eq(why, what, "%s: %s", pattern, why);
}

Test(pattern, found__anywhere_unless_tied)
{
	matches("", "");
	matches("b", "abc");
	matches("b|x", "abc");
	differs("^b", "abc");
	matches("^a+(b|c)*[x-z]{1,2}?.$", "aabcxq");
	differs("^a$", "a\n");
	matches("c$", "a\nc");
	differs("^c$", "a\nc");
	matches("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "x00000000-0000-0000-0000-00000000000a");
}

Test(pattern, classes_are_ascii)
{
	matches("^\\d\\D\\w\\W\\s\\S$", "1a_- x");
	differs("^\\d$", "\xd9\xa3"); /* an Arabic digit */
	differs("^\\w$", "\xc3\xa9");
	matches("^[\\D]$", "x");
	matches("\\bx\\B", "-xy");
}

Test(pattern, characters_are_code_points)
{
	matches("^.$", "\xf0\x9f\x98\x80");
	differs("^.$", "\n");
	differs("^.$", "\r");
	matches("^[\xc3\xa0-\xc3\xbf]{2}$", "\xc3\xa9\xc3\xa8");
	matches("^\\u0041\\x42\\u{1f600}$", "AB\xf0\x9f\x98\x80");
	matches("^\\p{Lu}\\P{Lu}$", "\xc3\x89\xc3\xa9");
}

Test(pattern, what_ecma_has_and_posix_has_not)
{
	matches("^(?!.*--)[a-z-]+$", "a-b");
	differs("^(?!.*--)[a-z-]+$", "a--b");
	matches("(?<=\\$)\\d+(?=\\.)", "$12.5");
	matches("^(?<q>['\"]).*\\k<q>$", "'x'");
	matches("^(a)\\1$", "aa");
	matches("^[^]$", "x");
	differs("[]", "x");
	matches("^(?:a|(b))\\1c$", "ac"); /* a group that took no part is empty */
	matches("^a{b$", "a{b");
	matches("^a{,2}$", "a{,2}");
	matches("a\\/b\\-c\\n\\t", "a/b-c\n\t");
}

Test(pattern, what_only_perl_has__is_refused)
{
	refused("a++", "repeats a repetition");
	refused("a{2}{3}", "repeats a repetition");
	refused("\\h", "has an unsupported escape");
	refused("\\Qa\\E", "has an unsupported escape");
	refused("\\Aa\\z", "has an unsupported escape");
	refused("[\\h]", "has an unsupported escape");
	refused("(*ACCEPT)", "has a verb");
	refused("(?R)", "has an unsupported group");
	refused("(?i)a", "has an unsupported group");
	refused("(?#x)", "has an unsupported group");
	refused("(?>a)", "has an unsupported group");
	refused("(?P<n>a)", "has an unsupported group");
	refused("[[:alpha:]]", "has a POSIX class in brackets");
}

Test(pattern, what_is_no_pattern__is_refused)
{
	refused("(", "is not a regular expression");
	refused("a)", "has a ')' too many");
	refused("a)(b", "has a ')' too many");
	refused("*a", "is not a regular expression");
	refused("a\\", "ends in a backslash");
	refused("[a\\", "ends in a backslash");
	refused("[a", "has a bracket that is not closed");
	refused("[b-a]", "is not a regular expression");
	refused("\\p{Nonsense}", "is not a regular expression");
}

Test(pattern, what_compiling_costs__is_bounded)
{
	char deep[200], *lengthy = malloc(WEFT__PATTERN_BYTES_MAX + 2);

	matches("^.{0,4096}$", "x");
	refused("a{100000}", "repeats too much");
	refused("(?:(?:(?:a{99}){99}){99}){99}", "repeats too much");
	refused("((((a{0,99}b?){0,99}c?){0,99}d?){0,99})", "repeats too much");
	memset(deep, '(', 100);
	memset(deep + 100, ')', 99);
	deep[199] = '\0';
	refused(deep, "has groups in groups, too deep");
	memset(lengthy, 'a', WEFT__PATTERN_BYTES_MAX + 1);
	lengthy[WEFT__PATTERN_BYTES_MAX + 1] = '\0';
	refused(lengthy, "is longer than 16384 bytes");
	matches(lengthy + 1, lengthy + 1);
	free(lengthy);
}

Test(pattern, what_matching_costs__is_bounded)
{
	char text[20001];

	memset(text, 'a', 30);
	strcpy(text + 30, "!");
	answers("(a+)+$", text, -E2BIG);
	answers("^(a|aa)+$", text, -E2BIG);
	memset(text, 'a', 20000);
	text[20000] = '\0';
	answers("a.*a.*a.*a.*b", text, -E2BIG);
	differs("ab", text);
	differs("^[a-z]+b", text);
	matches("a{9}$", text);
}

/* A step that goes far is one step to PCRE2: seconds for 100 KB, where nothing was counted. */
Test(pattern, what_a_step_goes_over__is_bounded)
{
	static char text[300001];

	memset(text, '5', 300000);
	answers("[0-9]+x", text, -E2BIG);
	answers("\\d*x", text, -E2BIG);
	answers("(?=[0-9]*)x", text, -E2BIG);
	answers("([0-9]*)\\1x", text, -E2BIG);
	answers("[0-9]{1000}x", text, -E2BIG);
	matches("^[0-9]+$", text);
	differs("^[0-9]+x", text);
	text[1000] = '\0';
	matches("(?=[0-9]*)5", text);
	matches("^([0-9]{500})\\1$", text);
}

Test(pattern, nul__is_a_character)
{
	struct weft__pattern *p = compiled("^a\\0b$");

	cr_expect_eq(weft__pattern_match(p, (weft_str){ "a\0b", 3 }), 1);
	cr_expect_eq(weft__pattern_match(p, (weft_str){ NULL, 0 }), 0);
	weft__pattern_free(p);
}
