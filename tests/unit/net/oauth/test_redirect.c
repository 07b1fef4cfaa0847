/* SPDX-License-Identifier: Apache-2.0 */
/* redirect: answers of browsers, forged ones, refusals, and answers of the wrong server. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "net/oauth/redirect.h"

static weft_error err;
static char code[64];

static int read_one(const char *redirect, bool issuer_must_be)
{
	struct weft__secret got = { 0 };
	int r = weft__oauth_redirect_read(weft_str_from(redirect), WEFT_STR("st"), WEFT_STR("https://a"), issuer_must_be, &got, &err);

	code[0] = '\0';
	if (r == 0)
		strcpy(code, got.at);
	weft__secret_fini(&got);
	return r;
}

Test(redirect, read__a_code)
{
	cr_assert_eq(read_one("http://127.0.0.1:7/callback?code=a%2Bb+c&state=st#frag", false), 0);
	cr_assert_str_eq(code, "a+b c");
	cr_assert_eq(read_one("/callback?x=1&state=st&code=c&flag", false), 0);
	cr_assert_eq(read_one("state=st&code=c", false), 0);
	cr_assert_str_eq(code, "c");
}

Test(redirect, read__without_the_state_it_is_no_answer)
{
	cr_assert_eq(read_one("?code=c", false), -EINVAL);
	cr_assert_eq(read_one("?code=c&state=", false), -EINVAL);
	cr_assert_eq(read_one("?code=c&state=sT", false), -EINVAL);
	cr_assert_eq(read_one("?code=c&state=stx", false), -EINVAL);
	cr_assert_eq(read_one("?error=access_denied&state=other", false), -EINVAL, "else anybody could end it");
	cr_assert_eq(read_one("", false), -EINVAL);
	cr_assert_eq(read_one("?", false), -EINVAL);
	cr_assert_eq(read_one("#code=c&state=st", false), -EINVAL);
}

Test(redirect, read__twice_or_not_well_formed_is_no_answer)
{
	cr_assert_eq(read_one("?state=st&code=a&code=b", false), -EINVAL);
	cr_assert_eq(read_one("?state=st&state=st&code=a", false), -EINVAL);
	cr_assert_eq(read_one("?state=st&code=%4", false), -EINVAL);
	cr_assert_eq(read_one("?state=st&code=%zz", false), -EINVAL);
	cr_assert_eq(read_one("?state=st&code=%00", false), -EINVAL);
}

Test(redirect, read__refusals_in_words_that_are_ours)
{
	cr_assert_eq(read_one("?error=access_denied&state=st", false), -EACCES);
	cr_assert_str_eq(err.message, "the authorization was refused: access_denied");
	cr_assert_eq(read_one("?error=%1b[31mRED&state=st", false), -EACCES);
	cr_assert_str_eq(err.message, "the authorization was refused: an error of its own");
	cr_assert_eq(read_one("?state=st", false), -EACCES);
	cr_assert_eq(read_one("?state=st&code=", false), -EACCES);
}

Test(redirect, read__the_issuer)
{
	cr_assert_eq(read_one("?state=st&code=c&iss=https%3A%2F%2Fa", true), 0);
	cr_assert_eq(read_one("?state=st&code=c&iss=https%3A%2F%2Fevil", false), -EACCES, "whoever says it must say the right one");
	cr_assert_eq(read_one("?state=st&code=c", true), -EACCES, "it had announced that it says it");
	cr_assert_eq(read_one("?state=st&code=c&iss=https%3A%2F%2Fevil", true), -EACCES);
}

Test(redirect, read__too_long)
{
	static char text[20000];

	memset(text, 'x', sizeof(text) - 1);
	cr_assert_eq(read_one(text, false), -EINVAL);
}
