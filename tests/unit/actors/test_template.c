/* SPDX-License-Identifier: Apache-2.0 */
/* template: holes are found once, filled each time; unknown ones are errors. */
#include "actors/template.h"

#include <string.h>

#include <criterion/criterion.h>

static weft_arena *arena;

static const struct weft__template_var vars[] = {
        {WEFT_STR("name"), -1, WEFT_STR("Ada")},
        {WEFT_STR("state"), 0, {NULL, 0}},
        {WEFT_STR("tail"), 1, {NULL, 0}},
};

static void setup(void)
{
	cr_assert_eq(weft_arena_create(256, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(template, .init = setup, .fini = teardown);

static const struct weft__template *compiled(const char *source)
{
	const struct weft__template *t = NULL;

	cr_assert_eq(weft__template_compile("test", weft_str_from(source), vars, 3, arena, &t, NULL), 0);
	return t;
}

Test(template, render__fills_fixed_and_changing_holes)
{
	weft_str parts[] = {WEFT_STR("one"), WEFT_STR(""), WEFT_STR("two")}, tail = WEFT_STR("end"), text;
	struct weft__slot slots[] = {{parts, 3}, {&tail, 1}};
	const struct weft__template *t = compiled("I am {{name}}.\n{{ state }}{{tail}}");

	cr_assert_eq(weft__template_render(t, slots, arena, &text), 0);
	cr_assert_str_eq(text.ptr, "I am Ada.\none\ntwoend");
	cr_assert_eq(text.len_bytes, strlen(text.ptr));
	cr_assert_eq(weft__template_len_bytes(t, slots), text.len_bytes);
}

Test(template, render__of_empty_slots_and_text)
{
	struct weft__slot slots[] = {{NULL, 0}, {NULL, 0}};
	weft_str text;

	cr_assert_eq(weft__template_render(compiled(""), slots, arena, &text), 0);
	cr_assert_eq(text.len_bytes, 0);
	cr_assert_eq(weft__template_render(compiled("{{state}}"), slots, arena, &text), 0);
	cr_assert_eq(text.len_bytes, 0);
	cr_assert_eq(weft__template_render(compiled("{ {x} }"), slots, arena, &text), 0);
	cr_assert_str_eq(text.ptr, "{ {x} }");
}

Test(template, compile__names_the_unknown_hole)
{
	const struct weft__template *t = NULL;
	weft_error err = {0};

	cr_assert_eq(weft__template_compile("mine", WEFT_STR("a {{nobody}}"), vars, 3, arena, &t, &err),
	             WEFT_ECONFIG);
	cr_assert(strstr(err.message, "mine"));
	cr_assert(strstr(err.message, "nobody"));
	cr_assert_eq(weft__template_compile("mine", WEFT_STR("a {{name"), vars, 3, arena, &t, &err),
	             WEFT_ECONFIG);
	cr_assert(strstr(err.message, "never closed"));
	cr_assert_null(t);
}
