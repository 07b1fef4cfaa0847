/* SPDX-License-Identifier: Apache-2.0 */
/* The deque on one thread: the owner's end and the thieves' end, full, empty, around the wrap of its counters. */
#include "runtime/queue/deque.h"

#include <criterion/criterion.h>

static struct weft__task tasks[WEFT__DEQUE_SLOTS + 1];

static struct weft__deque *from(uint32_t start)
{
	static struct weft__deque d;

	weft__deque_init(&d);
	weft__store_relaxed(&d.top, start);
	weft__store_relaxed(&d.bottom, start);
	return &d;
}

Test(deque, pop__gives_null_when_empty)
{
	struct weft__deque *d = from(0);

	cr_assert_null(weft__deque_pop(d));
	cr_assert_null(weft__deque_steal(d));
	cr_assert_eq(weft__deque_depth(d), 0);
}

Test(deque, pop__takes_the_newest_and_steal_the_oldest)
{
	struct weft__deque *d = from(0u - 2); /* the counters wrap on the way */

	for (uint32_t i = 0; i < 5; i++)
		cr_assert(weft__deque_push(d, &tasks[i]));
	cr_assert_eq(weft__deque_depth(d), 5);
	cr_assert_eq(weft__deque_pop(d), &tasks[4]);
	cr_assert_eq(weft__deque_steal(d), &tasks[0]);
	cr_assert_eq(weft__deque_steal(d), &tasks[1]);
	cr_assert_eq(weft__deque_pop(d), &tasks[3]);
	cr_assert_eq(weft__deque_pop(d), &tasks[2], "the last one");
	cr_assert_null(weft__deque_pop(d));
	cr_assert_null(weft__deque_steal(d));
	cr_assert(weft__deque_push(d, &tasks[7]));
	cr_assert_eq(weft__deque_steal(d), &tasks[7], "the last one, to a thief");
	cr_assert_null(weft__deque_pop(d));
}

Test(deque, push__says_when_it_is_full)
{
	struct weft__deque *d = from(0u - WEFT__DEQUE_SLOTS / 2);

	for (uint32_t i = 0; i < WEFT__DEQUE_SLOTS; i++)
		cr_assert(weft__deque_push(d, &tasks[i]), "task %u", i);
	cr_assert_not(weft__deque_push(d, &tasks[WEFT__DEQUE_SLOTS]));
	cr_assert_eq(weft__deque_depth(d), WEFT__DEQUE_SLOTS);
	cr_assert_eq(weft__deque_steal(d), &tasks[0]);
	cr_assert(weft__deque_push(d, &tasks[WEFT__DEQUE_SLOTS]), "room again");
	for (uint32_t i = WEFT__DEQUE_SLOTS; i; i--)
		cr_assert_eq(weft__deque_pop(d), &tasks[i], "task %u", i);
	cr_assert_null(weft__deque_pop(d));
}
