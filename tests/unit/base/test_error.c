/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every value a weft function returns has a name and a phrase, and messages are cut safely. */
#include <weft/error.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

Test(error, strerror__is_never_null)
{
	for (int code = -21000; code < 300; code++) {
		cr_assert_not_null(weft_strerror(code), "%d", code);
		cr_assert_not_null(weft_errname(code), "%d", code);
		cr_assert_gt(strlen(weft_strerror(code)), 0, "%d", code);
	}
	cr_expect_str_eq(weft_strerror(INT_MIN), "unknown error");
	cr_expect_str_eq(weft_errname(INT_MIN), "UNKNOWN");
	cr_expect_str_eq(weft_strerror(INT_MAX), "success");
}

Test(error, every_code_of_ours_has_its_own_words)
{
	for (int code = WEFT_EINTERNAL; code >= WEFT_EBUDGET; code--) {
		cr_expect_eq(strncmp(weft_errname(code), "WEFT_E", 6), 0, "%d is %s", code, weft_errname(code));
		cr_expect_neq(strcmp(weft_strerror(code), "unknown error"), 0, "%d", code);
		for (int other = WEFT_EINTERNAL; other > code; other--)
			cr_expect_neq(strcmp(weft_strerror(code), weft_strerror(other)), 0);
	}
	cr_expect_str_eq(weft_errname(WEFT_EBUDGET - 1), "UNKNOWN");
}

Test(error, errno_and_successes)
{
	cr_expect_str_eq(weft_errname(-EAGAIN), "EAGAIN");
	cr_expect_str_eq(weft_errname(-ESRCH), "ESRCH");
	cr_expect_str_eq(weft_errname(-ENOMEM), "ENOMEM");
	cr_expect_str_eq(weft_strerror(-ENOMEM), "Cannot allocate memory");
	cr_expect_str_eq(weft_errname(0), "OK");
	cr_expect_str_eq(weft_errname(WEFT_PENDING), "WEFT_PENDING");
	cr_expect_str_eq(weft_strerror(0), "success");
}

Test(error, set__fills_and_returns)
{
	weft_error err;

	memset(&err, 0xff, sizeof(err));
	cr_expect_eq(weft_error_set(&err, -EINVAL, "%s:%d: no %s", "a.json", 7, "name"), -EINVAL);
	cr_expect_eq(err.code, -EINVAL);
	cr_expect_str_eq(err.message, "a.json:7: no name");
	cr_expect_eq(err.line, 0);
	cr_expect_eq(err.column, 0);
	cr_expect_eq(weft_error_set(NULL, -EIO, "nobody listens"), -EIO);
}

Test(error, set__cuts_long_text_between_characters)
{
	char text[400];
	weft_error err;

	for (size_t prefix = 0; prefix < 4; prefix++) {
		memset(text, 'a', prefix);
		for (size_t at = prefix; at + 4 < sizeof(text); at += 4)
			memcpy(text + at, "\xf0\x9f\x98\x80", 4); /* one character of four bytes */
		text[sizeof(text) - 5] = '\0';
		weft_error_set(&err, -EINVAL, "%s", text);
		cr_expect_lt(strlen(err.message), sizeof(err.message));
		cr_expect_gt(strlen(err.message), sizeof(err.message) - 6);
		cr_expect_eq((strlen(err.message) - prefix) % 4, 0, "prefix %zu", prefix);
	}
	memset(text, '\x80', sizeof(text)); /* not UTF-8: cut anywhere, but cut */
	text[sizeof(text) - 1] = '\0';
	weft_error_set(&err, -EINVAL, "%s", text);
	cr_expect_lt(strlen(err.message), sizeof(err.message));
}
