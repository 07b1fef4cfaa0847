/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: stalls are counted by their length, and told as they were; watching threads that rest sees nothing that was not. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/plan/stalls.h"

Test(stalls, lengths__fall_into_kinds)
{
	struct plan_stalls s = { .seconds = 2 };

	plan_stalls_add(&s, 0.49);
	plan_stalls_add(&s, 0.5);
	plan_stalls_add(&s, 0.99);
	plan_stalls_add(&s, 1);
	plan_stalls_add(&s, 3.5);
	plan_stalls_add(&s, 255.9);
	plan_stalls_add(&s, 256);
	plan_stalls_add(&s, 90000);
	cr_expect_eq(s.count[0], 2u);
	cr_expect_eq(s.count[1], 1u);
	cr_expect_eq(s.count[2], 1u);
	cr_expect_eq(s.count[8], 1u);
	cr_expect_eq(s.count[9], 2u, "the last kind has no end");
	cr_expect_eq(plan_stalls_per_s(&s), 3.5);
	cr_expect_float_eq(plan_stalls_share(&s), (0.5 + 0.99 + 1 + 3.5 + 255.9 + 256 + 90000) / 2000, 1e-12);
}

Test(stalls, kinds__add_up)
{
	struct plan_stalls a = { .seconds = 1 }, b = { .seconds = 3 };

	plan_stalls_add(&a, 2);
	plan_stalls_add(&b, 2.5);
	plan_stalls_add(&b, 12);
	plan_stalls_merge(&a, &b);
	cr_expect_eq(a.seconds, 4);
	cr_expect_eq(plan_stalls_per_s(&a), 0.75);
	cr_expect_float_eq(plan_stalls_quantile_ms(&a, 0.5), 2.25, 1e-12, "the mean of their kind");
	cr_expect_eq(plan_stalls_quantile_ms(&a, 0.99), 12);
}

Test(stalls, nothing_watched__is_nothing)
{
	struct plan_stalls s = { .seconds = 0 };

	cr_expect_eq(plan_stalls_per_s(&s), 0);
	cr_expect_eq(plan_stalls_share(&s), 0);
	cr_expect_eq(plan_stalls_quantile_ms(&s, 0.5), 0);
}

/* Whatever it saw on this machine is in order, and of whom it was told about. */
Test(stalls, watch__begins_and_ends)
{
	struct plan_watch *w = plan_watch_create();
	const struct plan_stall *stalls;
	uint32_t count = 7, added;

	cr_assert_not_null(w);
	cr_expect_eq(plan_watch_add(w, getpid(), 0, "no thread is called so"), 0u);
	cr_expect_lt(plan_watch_start(w), 0, "there is nobody to watch");
	added = plan_watch_add(w, getpid(), 1, NULL);
	if (!added) {
		plan_watch_destroy(w);
		cr_skip_test("this kernel has no /proc/PID/task/TID/schedstat");
	}
	cr_expect_eq(plan_watch_threads(w, 1), added);
	cr_expect_eq(plan_watch_threads(w, 0), 0u);
	cr_assert_eq(plan_watch_start(w), 0);
	stalls = plan_watch_stop(w, &count);
	for (uint32_t i = 0; i < count; i++) {
		cr_expect_eq(stalls[i].who, 1u);
		cr_expect_geq((double)stalls[i].ns, PLAN_STALL_MIN_MS * 1e6);
		cr_expect(i == 0 || stalls[i].end_ns >= stalls[i - 1].end_ns);
	}
	cr_expect_eq(plan_watch_stop(w, &count), stalls, "again is no harm");
	plan_watch_destroy(w);
	plan_watch_destroy(NULL);
}
