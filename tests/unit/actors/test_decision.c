/* SPDX-License-Identifier: Apache-2.0 */
/* decision: the rules for IGNORE and simple. */
#include "actors/pipeline.h"

#include <criterion/criterion.h>

static weft_str names[4];

static struct weft__decision decision(uint32_t count, const char *a, const char *b, const char *text)
{
	names[0] = weft_str_from(a);
	names[1] = weft_str_from(b);
	return (struct weft__decision){.actions = names, .action_count = count, .text = weft_str_from(text)};
}

Test(decision, normalise__none_is_ignore)
{
	struct weft__decision d = decision(0, NULL, NULL, "text");

	weft__decision_normalise(&d);
	cr_assert_eq(d.action_count, 1);
	cr_assert(weft_str_eq(d.actions[0], WEFT_STR("IGNORE")));
	cr_assert_not(d.simple);
}

Test(decision, normalise__ignore_beside_others)
{
	struct weft__decision d = decision(2, "ignore", "REPLY", "text");

	weft__decision_normalise(&d);
	cr_assert_eq(d.action_count, 1);
	cr_assert(weft_str_eq(d.actions[0], WEFT_STR("REPLY")));
	cr_assert(d.simple);
	d = decision(2, "REPLY", "IGNORE", "");
	weft__decision_normalise(&d);
	cr_assert_eq(d.action_count, 1);
	cr_assert(weft_str_eq(d.actions[0], WEFT_STR("IGNORE")));
	d = decision(2, "IGNORE", "IGNORE", "text");
	weft__decision_normalise(&d);
	cr_assert_eq(d.action_count, 1);
	cr_assert(weft_str_eq(d.actions[0], WEFT_STR("IGNORE")));
	d = decision(1, "IGNORE", NULL, "text");
	weft__decision_normalise(&d);
	cr_assert(weft_str_eq(d.actions[0], WEFT_STR("IGNORE")), "alone it stays, whatever the text says");
}

Test(decision, normalise__simple_is_a_lone_reply_without_providers)
{
	struct weft__decision d = decision(1, "reply", NULL, "x");

	weft__decision_normalise(&d);
	cr_assert(d.simple);
	d = decision(2, "REPLY", "WEATHER", "x");
	d.simple = true;
	weft__decision_normalise(&d);
	cr_assert_not(d.simple);
	d = decision(1, "REPLY", NULL, "x");
	d.provider_count = 1;
	weft__decision_normalise(&d);
	cr_assert_not(d.simple);
}
