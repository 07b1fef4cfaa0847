/* SPDX-License-Identifier: Apache-2.0 */
/* The run queue on one thread: order through ring and overflow, depth, stealing. */
#include "runtime/queue/runq.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MANY (4 * WEFT__RUNQ_SLOTS)

static struct weft__task tasks[MANY];

static struct weft__runq *fresh(void)
{
	static struct weft__runq q;

	weft__runq_init(&q);
	return &q;
}

Test(runq, pop__gives_null_when_empty)
{
	struct weft__runq *q = fresh();

	cr_assert_null(weft__runq_pop(q));
	cr_assert_null(weft__runq_steal(q));
	cr_assert_eq(weft__runq_depth(q), 0);
}

Test(runq, pop__keeps_order_through_the_overflow)
{
	struct weft__runq *q = fresh();

	for (uint32_t i = 0; i < MANY; i++)
		weft__runq_push(q, &tasks[i]);
	cr_assert_eq(weft__runq_depth(q), MANY);
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_eq(weft__runq_pop(q), &tasks[i], "task %u", i);
	cr_assert_null(weft__runq_pop(q));
	cr_assert_eq(weft__runq_depth(q), 0);
}

Test(runq, push__while_overflowing_stays_behind_what_overflowed)
{
	struct weft__runq *q = fresh();
	uint32_t pushed = WEFT__RUNQ_SLOTS + 10, popped = 0;

	for (uint32_t i = 0; i < pushed; i++)
		weft__runq_push(q, &tasks[i]);
	/* room in the ring, but older tasks wait in the list */
	for (; popped < 5; popped++)
		cr_assert_eq(weft__runq_pop(q), &tasks[popped]);
	weft__runq_push(q, &tasks[pushed++]);
	for (; popped < pushed; popped++)
		cr_assert_eq(weft__runq_pop(q), &tasks[popped], "task %u", popped);
}

Test(runq, steal__takes_the_oldest_and_never_the_overflow)
{
	struct weft__runq *q = fresh();
	uint32_t stealable;

	for (uint32_t i = 0; i < MANY; i++)
		weft__runq_push(q, &tasks[i]);
	stealable = weft__runq_stealable(q);
	cr_assert_leq(stealable, WEFT__RUNQ_SLOTS);
	for (uint32_t i = 0; i < stealable; i++)
		cr_assert_eq(weft__runq_steal(q), &tasks[i]);
	cr_assert_null(weft__runq_steal(q));
	cr_assert_eq(weft__runq_pop(q), &tasks[stealable], "the owner refills from the list");
}
