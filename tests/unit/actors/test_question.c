/* SPDX-License-Identifier: Apache-2.0 */
/* question: what an answer must hold, and that every question's words fit its fields. */
#include "actors/question.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static weft_arena *arena;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(question, .init = setup, .fini = teardown);

static struct weft__answer parse(const char *text)
{
	struct weft__answer a;

	cr_assert_eq(weft__answer_parse(weft_str_from(text), arena, &a, NULL), 0);
	return a;
}

Test(question, lacks__names_the_first_missing_field)
{
	const struct weft__question_spec *q = &weft__questions[WEFT__ASK_MESSAGE];
	struct weft__answer a = parse("<response><text>x</text></response>");

	cr_assert(weft_str_eq(weft__question_lacks(&a, q->fields, q->field_count), WEFT_STR("thought")));
	a = parse("<response><thought></thought><text>x</text></response>");
	cr_assert(weft_str_eq(weft__question_lacks(&a, q->fields, q->field_count), WEFT_STR("actions")));
	a = parse("<response><thought>t</thought><actions></actions></response>");
	cr_assert_eq(weft__question_lacks(&a, q->fields, q->field_count).len_bytes, 0);
}

Test(question, field__is_trimmed_and_may_be_missing)
{
	struct weft__answer a = parse("<response><action>  IGNORE\n</action></response>");

	cr_assert(weft_str_eq(weft__question_field(&a, WEFT_STR("action")), WEFT_STR("IGNORE")));
	cr_assert_eq(weft__question_field(&a, WEFT_STR("nothing")).len_bytes, 0);
}

Test(question, table__every_field_is_asked_for_in_the_words)
{
	for (int q = 0; q < WEFT__QUESTION_COUNT; q++) {
		const struct weft__question_spec *spec = &weft__questions[q];

		cr_assert(spec->source.len_bytes > 0);
		for (uint32_t i = 0; i < spec->field_count; i++) {
			char element[64];

			snprintf(element, sizeof(element), "<%.*s>", WEFT_STR_ARG(spec->fields[i].name));
			cr_assert(strstr(spec->source.ptr, element), "%s does not show %s", spec->name,
			          element);
		}
	}
}
