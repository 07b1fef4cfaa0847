/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: counted strings compare by bytes, whatever stands for the empty one. */
#include <weft/base.h>

#include <criterion/criterion.h>
#include <stdio.h>

Test(str, from__takes_null)
{
	cr_expect_eq(weft_str_from(NULL).len_bytes, 0);
	cr_expect_eq(weft_str_from("abc").len_bytes, 3);
}

Test(str, eq__is_bytewise)
{
	cr_expect(weft_str_eq(WEFT_STR("abc"), weft_str_from("abc")));
	cr_expect_not(weft_str_eq(WEFT_STR("abc"), WEFT_STR("abd")));
	cr_expect_not(weft_str_eq(WEFT_STR("abc"), WEFT_STR("ab")));
	cr_expect(weft_str_eq((weft_str){ NULL, 0 }, WEFT_STR("")));
	cr_expect_not(weft_str_eq(WEFT_STR("a\0b"), WEFT_STR("a\0c")));
}

Test(version, is_the_headers)
{
	char text[32];

	snprintf(text, sizeof(text), "%d.%d.%d", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, WEFT_VERSION_PATCH);
	cr_expect_str_eq(weft_version(), text);
}
