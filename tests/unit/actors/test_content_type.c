/* SPDX-License-Identifier: Apache-2.0 */
/* content_type: which patterns there are, what they match, what can be read as it is. */
#include "actors/content_type.h"

#include <criterion/criterion.h>

static bool matches(const char *type, const char *pattern)
{
	cr_assert(weft__content_pattern_is_valid(weft_str_from(pattern)), "%s", pattern);
	return weft__content_type_matches(weft_str_from(type), weft_str_from(pattern));
}

Test(content_type, pattern__valid)
{
	static const char *const good[] = {"image/png", "image/*", "*/*", "application/ld+json"};
	static const char *const bad[] = {"",          "image", "*",       "image/", "/png", "*/png",
	                                  "image/p*", "im*/x", "a/b; c=d", "a/b/c",  "a /b", "text/*; x"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert(weft__content_pattern_is_valid(weft_str_from(good[i])), "\"%s\"", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(weft__content_pattern_is_valid(weft_str_from(bad[i])), "\"%s\"", bad[i]);
	cr_assert_not(weft__content_pattern_is_valid((weft_str){NULL, 0}));
}

Test(content_type, matches__parts_without_case_or_parameters)
{
	cr_assert(matches("image/png", "image/png"));
	cr_assert(matches("IMAGE/Png", "image/pNG"));
	cr_assert(matches("text/plain; charset=utf-8", "text/plain"));
	cr_assert(matches("text/plain ;a=b", "text/*"));
	cr_assert(matches("image/svg+xml", "Image/*"));
	cr_assert_not(matches("image/png", "image/pn"));
	cr_assert_not(matches("image/pn", "image/png"));
	cr_assert_not(matches("imagery/png", "image/*"));
	cr_assert_not(matches("video/mp4", "image/*"));
}

Test(content_type, matches__an_unknown_type_only_by_stars)
{
	cr_assert(matches("", "*/*"));
	cr_assert(matches("video/mp4", "*/*"));
	cr_assert_not(matches("", "image/*"));
	cr_assert_not(matches("", "image/png"));
}

Test(content_type, is_text)
{
	static const char *const yes[] = {"text/plain", "Text/CSV; header=present", "application/json",
	                                  "application/ld+json", "image/svg+xml", "application/x-yaml"};
	static const char *const no[] = {"", "image/png", "application/pdf", "application/octet-stream", "json"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_assert(weft__content_type_is_text(weft_str_from(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_assert_not(weft__content_type_is_text(weft_str_from(no[i])), "%s", no[i]);
}
