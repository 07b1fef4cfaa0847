/* SPDX-License-Identifier: Apache-2.0 */
/* values: the named values of a state. */
#include "actors/values.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(values, put__then_get_after_growing)
{
	struct weft__values v = {0};
	weft_arena *arena;
	weft_str got;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_not(weft__values_get(&v, WEFT_STR("k"), &got));
	for (int i = 0; i < 500; i++) {
		weft_str key = weft_arena_printf(arena, "key_%d", i);

		cr_assert_eq(weft__values_put(&v, arena, key, weft_arena_printf(arena, "%d", i * i)), 0);
	}
	cr_assert_eq(v.count, 500);
	for (int i = 0; i < 500; i++) {
		cr_assert(weft__values_get(&v, weft_arena_printf(arena, "key_%d", i), &got));
		cr_assert(weft_str_eq(got, weft_arena_printf(arena, "%d", i * i)));
	}
	cr_assert_not(weft__values_get(&v, WEFT_STR("key_500"), &got));
	weft_arena_destroy(arena);
}

Test(values, put__replaces_and_refuses_an_empty_key)
{
	struct weft__values v = {0};
	weft_arena *arena;
	weft_str got;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft__values_put(&v, arena, WEFT_STR("k"), WEFT_STR("1")), 0);
	cr_assert_eq(weft__values_put(&v, arena, WEFT_STR("k"), WEFT_STR("2")), 0);
	cr_assert(weft__values_get(&v, WEFT_STR("k"), &got));
	cr_assert(weft_str_eq(got, WEFT_STR("2")));
	cr_assert_eq(v.count, 1);
	cr_assert_eq(weft__values_put(&v, arena, WEFT_STR(""), WEFT_STR("2")), -EINVAL);
	weft_arena_destroy(arena);
}
