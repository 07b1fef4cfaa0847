/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an arena's blocks are aligned, apart from each other, and gone after reset; growth,
 * big blocks and text of every length around a chunk's end are right.
 */
#include <weft/alloc.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/looking_alloc.h"

static weft_arena *make(size_t chunk_bytes)
{
	weft_arena *arena = NULL;

	cr_assert_eq(weft_arena_create(chunk_bytes, &arena), 0);
	return arena;
}

Test(arena, create__checks_its_arguments)
{
	weft_arena *arena = NULL;

	cr_expect_eq(weft_arena_create(0, NULL), -EINVAL);
	cr_expect_eq(weft_arena_create(SIZE_MAX, &arena), -ENOMEM);
	cr_expect_null(arena);
	weft_arena_destroy(NULL);
	arena = make(1); /* too small to be useful: made larger */
	cr_expect_not_null(weft_arena_alloc(arena, 100));
	weft_arena_destroy(arena);
}

Test(arena, create__takes_what_was_asked)
{
	weft_arena *arena = make(0);

	cr_expect_eq(weft_arena_bytes(arena), 4096);
	weft_arena_destroy(arena);
	arena = make(20000);
	cr_expect_eq(weft_arena_bytes(arena), 20000);
	weft_arena_destroy(arena);
}

Test(arena, alloc__is_16_byte_aligned)
{
	weft_arena *arena = make(0);

	for (size_t bytes = 0; bytes < 3000; bytes++) {
		void *p = weft_arena_alloc(arena, bytes);

		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % 16, 0, "%zu bytes", bytes);
		memset(p, 0xee, bytes);
	}
	weft_arena_destroy(arena);
}

Test(arena, alloc__blocks_do_not_overlap)
{
	enum { COUNT = 2000 };
	static unsigned char *blocks[COUNT];
	weft_arena *arena = make(256);

	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = weft_arena_alloc(arena, 1 + i % 700);
		memset(blocks[i], (int)(i & 0xff), 1 + i % 700);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t k = 0; k < 1 + i % 700; k++)
			cr_assert_eq(blocks[i][k], i & 0xff);
	}
	weft_arena_destroy(arena);
}

Test(arena, alloc__impossible_sizes_are_null)
{
	weft_arena *arena = make(0);
	size_t held = weft_arena_bytes(arena);

	cr_expect_null(weft_arena_alloc(arena, SIZE_MAX));
	cr_expect_null(weft_arena_alloc(arena, SIZE_MAX - 15));
	cr_expect_null(weft_arena_alloc(arena, SIZE_MAX / 2 + 1));
	cr_expect_null(weft_arena_dup(arena, (weft_str){ "", SIZE_MAX }).ptr);
	cr_expect_eq(weft_arena_bytes(arena), held, "nothing changed");
	weft_arena_destroy(arena);
}

Test(arena, alloc__grows_by_doubling_up_to_64_kib)
{
	weft_arena *arena = make(1024);
	size_t held = weft_arena_bytes(arena), step = 0;

	for (int i = 0; i < 10000; i++) {
		size_t now;

		weft_arena_alloc(arena, 64);
		now = weft_arena_bytes(arena);
		if (now == held)
			continue;
		cr_expect_geq(now - held, step);
		cr_expect_leq(now - held, 64u << 10);
		step = now - held;
		held = now;
	}
	cr_expect_eq(step, 64u << 10);
	weft_arena_destroy(arena);
}

Test(arena, alloc__a_big_block_leaves_the_chunk_in_use)
{
	weft_arena *arena = make(4096);
	char *before = weft_arena_alloc(arena, 16), *big, *after;
	size_t held = weft_arena_bytes(arena);

	big = weft_arena_alloc(arena, 100000);
	cr_assert_not_null(big);
	memset(big, 1, 100000);
	cr_expect_geq(weft_arena_bytes(arena), held + 100000);
	cr_expect_lt(weft_arena_bytes(arena), held + 101000);
	after = weft_arena_alloc(arena, 16);
	cr_expect_eq(after, before + 16);
	weft_arena_destroy(arena);
}

Test(arena, reset__keeps_the_first_chunk)
{
	weft_arena *arena = make(4096);
	void *first = weft_arena_alloc(arena, 32);

	for (int i = 0; i < 100; i++)
		weft_arena_alloc(arena, 1000);
	cr_expect_gt(weft_arena_bytes(arena), 4096);
	weft_arena_reset(arena);
	cr_expect_eq(weft_arena_bytes(arena), 4096);
	cr_expect_eq(weft_arena_alloc(arena, 32), first);
	weft_arena_reset(arena);
	weft_arena_reset(arena);
	weft_arena_destroy(arena);
}

Test(arena, calloc__is_zero_after_reset_too)
{
	weft_arena *arena = make(0);

	for (int round = 0; round < 3; round++) {
		unsigned char *p = weft_arena_calloc(arena, 500);

		for (int i = 0; i < 500; i++)
			cr_assert_eq(p[i], 0);
		memset(p, 0xff, 500);
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
}

Test(arena, dup__copies_and_terminates)
{
	weft_arena *arena = make(0);
	weft_str copy = weft_arena_dup(arena, (weft_str){ "hello world", 5 });

	cr_expect_str_eq(copy.ptr, "hello");
	cr_expect_eq(copy.len_bytes, 5);
	copy = weft_arena_dup(arena, (weft_str){ NULL, 0 });
	cr_expect_not_null(copy.ptr);
	cr_expect_str_eq(copy.ptr, "");
	weft_arena_destroy(arena);
}

/* Lengths around everything that is left of the chunk, from each start. */
Test(arena, printf__every_length_around_the_end_of_a_chunk)
{
	char expected[1200];

	for (int len = 0; len < 1000; len += 7) {
		weft_arena *arena = make(512);

		for (int i = 0; i < 4; i++) {
			weft_str text = weft_arena_printf(arena, "%0*d", len + i, 5);
			int want = snprintf(expected, sizeof(expected), "%0*d", len + i, 5);

			cr_assert_eq((int)text.len_bytes, want);
			cr_assert_str_eq(text.ptr, expected);
			memset(weft_arena_alloc(arena, 40), 0xcc, 40);
			cr_assert_str_eq(text.ptr, expected, "not overwritten");
		}
		weft_arena_destroy(arena);
	}
}

/* Blocks of a chunk, one of its own, the rest of a chunk after a reset. */
Test(arena, wipe_at_end__leaves_nothing)
{
	static const weft_str secret = WEFT_STR("it is the secret of nobody");
	weft_arena *arena;

	look_for("it is the secret");
	arena = make(0);
	weft_arena_wipe_at_end(arena);
	for (int i = 0; i < 1000; i++)
		cr_assert_not_null(weft_arena_dup(arena, secret).ptr);
	memcpy((char *)weft_arena_calloc(arena, 100000) + 50000, secret.ptr, secret.len_bytes);
	cr_assert_not_null(weft_arena_printf(arena, "%s", secret.ptr).ptr);
	weft_arena_reset(arena);
	cr_assert_null(memmem(weft_arena_alloc(arena, 1000), 1000, secret.ptr, 10));
	cr_assert_not_null(weft_arena_dup(arena, secret).ptr);
	weft_arena_destroy(arena);
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
	arena = make(0);
	cr_assert_not_null(weft_arena_dup(arena, secret).ptr);
	weft_arena_destroy(arena);
	cr_assert_eq(look_found(), 1, "or nothing was looked at");
}
