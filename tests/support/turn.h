/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/turn.h - a loop of the test's own thread, turned until something has happened.
 *
 * WEFT_IO chooses the back end: meson runs such tests on both.
 */
#ifndef WEFT_TESTS_SUPPORT_TURN_H
#define WEFT_TESTS_SUPPORT_TURN_H

#include <criterion/criterion.h>

#include "runtime/io/loop.h"

#define TEST_MS UINT64_C(1000000)
#define TEST_SECOND (1000 * TEST_MS)

static inline struct weft__loop *test_loop(void)
{
	struct weft__loop *loop = NULL;

	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
	return loop;
}

/* Until *what is at least count; a minute at most. */
static inline void test_turn(struct weft__loop *loop, const int *what, int count)
{
	uint64_t end = weft_now_ns() + 60 * TEST_SECOND;

	while (*what < count && weft_now_ns() < end)
		weft__loop_wait(loop, 50 * TEST_MS);
	cr_assert_geq(*what, count, "%d of %d", *what, count);
}

/* Let come what is ready, so that what should not come would show. */
static inline void test_settle(struct weft__loop *loop)
{
	for (int i = 0; i < 5; i++)
		weft__loop_wait(loop, TEST_MS);
}

#endif
