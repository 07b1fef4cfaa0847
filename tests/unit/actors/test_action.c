/* SPDX-License-Identifier: Apache-2.0 */
/* action: which action a name means. What actions do is seen through a whole agent (tests/api/test_pipeline_parts.c). */
#include "actors/action.h"

#include <criterion/criterion.h>

static const char *const send_similes[] = {"POST", "Transmit"};

static weft_action send_message = {.name = "SEND_MESSAGE", .similes = send_similes, .simile_count = 2};
static weft_action send_action = {.name = "SEND"};
static weft_action post = {.name = "post"};
static weft_action *const actions[] = {&send_message, &send_action, &post};

static const weft_action *resolve(const char *name)
{
	return weft__action_resolve(actions, 3, weft_str_from(name));
}

Test(action, resolve__exact_then_simile_then_normalised)
{
	cr_assert_eq(resolve("SEND"), &send_action);
	cr_assert_eq(resolve("SEND_MESSAGE"), &send_message);
	cr_assert_eq(resolve("post"), &post, "exact comes before normalised");
	cr_assert_eq(resolve("POST"), &send_message, "a simile comes before a normalised name");
	cr_assert_eq(resolve("Transmit"), &send_message);
	cr_assert_eq(resolve("send message"), &send_message);
	cr_assert_eq(resolve("sendMessage"), &send_message);
	cr_assert_eq(resolve("send"), &send_action);
}

Test(action, resolve__never_matches_a_part)
{
	cr_assert_null(resolve("SEND_MESSAGE_NOW"));
	cr_assert_null(resolve("MESSAGE"));
	cr_assert_null(resolve("SEN"));
	cr_assert_null(resolve("transmi"));
	cr_assert_null(resolve(""));
	cr_assert_null(weft__action_resolve(NULL, 0, WEFT_STR("SEND")));
}
