/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a buffer keeps what was put into it while it grows, in memory of its own and in an arena, and says no without a change. */
#include <weft/alloc.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static void grow(weft_buffer *b)
{
	for (int i = 0; i < 1000; i++) {
		char piece[8] = { 0 };

		memset(piece, 'a' + i % 26, sizeof(piece));
		cr_assert_eq(weft_buffer_put(b, (weft_str){ piece, (size_t)(i % 8) }), 0);
	}
	cr_assert_eq(b->len_bytes, 3500);
	for (int i = 0, at = 0; i < 1000; at += i % 8, i++) {
		for (int j = 0; j < i % 8; j++)
			cr_assert_eq(b->ptr[at + j], 'a' + i % 26);
	}
}

Test(buffer, grows_in_its_own_memory)
{
	weft_buffer b = { 0 };

	grow(&b);
	weft_buffer_fini(&b);
	cr_expect(!b.ptr && !b.len_bytes && !b.cap_bytes);
	weft_buffer_fini(&b);
	weft_buffer_fini(NULL);
}

Test(buffer, grows_in_an_arena)
{
	weft_buffer b = { 0 };
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	b.arena = arena;
	grow(&b);
	weft_buffer_fini(&b);
	cr_expect(!b.ptr && b.arena == arena);
	cr_expect_eq(weft_buffer_put(&b, WEFT_STR("again")), 0);
	weft_arena_destroy(arena);
}

Test(buffer, too_much__changes_nothing)
{
	weft_buffer b = { 0 };

	cr_assert_eq(weft_buffer_put(&b, WEFT_STR("abc")), 0);
	cr_expect_eq(weft_buffer_reserve(&b, SIZE_MAX - 1), -ENOMEM);
	cr_expect_eq(weft_buffer_reserve(&b, SIZE_MAX / 2), -ENOMEM);
	cr_expect_eq(b.len_bytes, 3);
	cr_expect_eq(memcmp(b.ptr, "abc", 3), 0);
	cr_expect_eq(weft_buffer_put(&b, (weft_str){ NULL, 0 }), 0);
	weft_buffer_fini(&b);
}
