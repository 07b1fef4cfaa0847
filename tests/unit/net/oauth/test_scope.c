/* SPDX-License-Identifier: Apache-2.0 */
/* scope: which texts are sets, and what sets hold. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/oauth/scope.h"

Test(scope, is_valid__words_with_one_blank_between)
{
	cr_assert(weft__oauth_scope_is_valid(WEFT_STR("a")));
	cr_assert(weft__oauth_scope_is_valid(WEFT_STR("files:read https://h/x !#[]~")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR(" a")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("a ")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("a  b")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("a\tb")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("a\"b")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("a\\b")));
	cr_assert(!weft__oauth_scope_is_valid(WEFT_STR("\xc3\xa9")));
	cr_assert(!weft__oauth_scope_is_valid((weft_str){ "a\0b", 3 }));
}

Test(scope, has__whole_words_only)
{
	cr_assert(weft__oauth_scope_has(WEFT_STR("ab abc b"), WEFT_STR("abc")));
	cr_assert(weft__oauth_scope_has(WEFT_STR("ab abc b"), WEFT_STR("b")));
	cr_assert(!weft__oauth_scope_has(WEFT_STR("ab abc b"), WEFT_STR("a")));
	cr_assert(!weft__oauth_scope_has(WEFT_STR("ab"), WEFT_STR("abc")));
	cr_assert(!weft__oauth_scope_has(WEFT_STR(""), WEFT_STR("a")));
}

Test(scope, covers__every_word_of_the_part)
{
	cr_assert(weft__oauth_scope_covers(WEFT_STR("a b c"), WEFT_STR("c a")));
	cr_assert(weft__oauth_scope_covers(WEFT_STR(""), WEFT_STR("")));
	cr_assert(!weft__oauth_scope_covers(WEFT_STR("a b"), WEFT_STR("a d")));
	cr_assert(!weft__oauth_scope_covers((weft_str){ 0 }, WEFT_STR("a")));
}

Test(scope, add__what_is_missing_or_nothing)
{
	char set[WEFT__OAUTH_SCOPE_BYTES_MAX] = "", word[WEFT__OAUTH_SCOPE_BYTES_MAX];

	cr_assert(weft__oauth_scope_add(set, WEFT_STR("a b")));
	cr_assert(weft__oauth_scope_add(set, WEFT_STR("b c a")));
	cr_assert_str_eq(set, "a b c");
	memset(word, 'x', sizeof(word));
	cr_assert(!weft__oauth_scope_add(set, (weft_str){ word, sizeof(word) - 6 }), "one byte too many");
	cr_assert_str_eq(set, "a b c");
	memcpy(word, "d ", 2);
	cr_assert(!weft__oauth_scope_add(set, (weft_str){ word, sizeof(word) }), "all or nothing");
	cr_assert_str_eq(set, "a b c");
	cr_assert(weft__oauth_scope_add(set, (weft_str){ word + 2, sizeof(word) - 7 }), "just fits");
	cr_assert_eq(strlen(set), WEFT__OAUTH_SCOPE_BYTES_MAX - 1);
}
