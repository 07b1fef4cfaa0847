/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a run has the entries that were asked for, a sweep has each that scales with each number of workers. */
#include <criterion/criterion.h>
#include <string.h>

#include "bench/select.h"

static struct bench_options options(const char *suite, const char *filter)
{
	return (struct bench_options){ .suite = suite, .filter = filter, .events = -1, .times = 1 };
}

static const struct bench_entry *find(const struct bench_selection *s, const char *id)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (!strcmp(s->entries[i].id, id))
			return &s->entries[i];
	}
	return NULL;
}

Test(select, suite__is_in_a_list)
{
	cr_expect(bench_suite_is_in("all", "io"));
	cr_expect(bench_suite_is_in("scenarios,io", "io"));
	cr_expect(bench_suite_is_in("io,scenarios", "io"));
	cr_expect_not(bench_suite_is_in("scenarios,ion", "io"));
	cr_expect_not(bench_suite_is_in("scenario", "scenarios"));
}

Test(select, filter__takes_what_matches)
{
	struct bench_options opt = options("scenarios,actors", "*-1000");
	struct bench_selection s;

	cr_assert_eq(bench_select(&opt, 4, &s), 0);
	cr_expect_not_null(find(&s, "burst-1000"));
	cr_expect_not_null(find(&s, "history-scaling-1000"));
	cr_expect_null(find(&s, "io-streams-1000"));
	cr_expect_null(find(&s, "burst-100"));
	bench_selection_free(&s);
}

Test(select, sweep__has_only_what_scales)
{
	struct bench_options opt = options("scenarios,actors", NULL);
	struct bench_selection s;

	opt.sweep = true;
	cr_assert_eq(bench_select(&opt, 5, &s), 0);
	cr_assert_not_null(find(&s, "agents-per-second@5"));
	cr_expect_str_eq(find(&s, "agents-per-second@5")->base, "agents-per-second");
	cr_expect_eq(find(&s, "agents-per-second@5")->workers, 5);
	cr_expect_not_null(find(&s, "burst-1000@1"));
	cr_expect_not_null(find(&s, "actors-ring@4"));
	cr_expect_null(find(&s, "actors-ring"));
	cr_expect_null(find(&s, "startup-cold@1"));
	cr_expect_eq(bench_sweep_next(3, 100), 4);
	cr_expect_eq(bench_sweep_next(4, 100), 6);
	cr_expect_eq(bench_sweep_next(6, 100), 8);
	cr_expect_eq(bench_sweep_next(6, 7), 7);
	bench_selection_free(&s);
}

/* All of it on several cores takes the headlines with every number of workers; on one core there is nothing to see. */
Test(select, all__sweeps_the_headlines)
{
	struct bench_options opt = options("all", NULL);
	struct bench_selection s;

	opt.data = "/nowhere";
	cr_assert_eq(bench_select(&opt, 2, &s), 0);
	cr_expect_not_null(find(&s, "agents-per-second@1"));
	cr_expect_not_null(find(&s, "agents-per-second@2"));
	cr_expect_not_null(find(&s, "agents-per-second"));
	cr_expect_null(find(&s, "actors-ring@2"));
	bench_selection_free(&s);
	cr_assert_eq(bench_select(&opt, 1, &s), 0);
	cr_expect_null(find(&s, "agents-per-second@1"));
	bench_selection_free(&s);
}

/* A seeds item that repeats another needs no run beside it, and has its counts where it needs one. */
Test(select, same__is_run_once)
{
	struct bench_options opt = options("all", NULL);
	struct bench_selection s;
	uint32_t iterations, warmup;

	cr_assert_eq(bench_select(&opt, 1, &s), 0);
	cr_assert_not_null(bench_entry_same(&s, find(&s, "seeds-event")));
	cr_expect_str_eq(bench_entry_same(&s, find(&s, "seeds-event"))->id, "event-1-subscriber");
	cr_expect_null(bench_entry_same(&s, find(&s, "seeds-agents-mock")), "it wants one worker");
	cr_expect_null(bench_entry_same(&s, find(&s, "event-1-subscriber")));
	bench_selection_free(&s);
	opt.suite = "seeds";
	cr_assert_eq(bench_select(&opt, 1, &s), 0);
	cr_expect_null(bench_entry_same(&s, find(&s, "seeds-startup")));
	bench_entry_counts(&opt, &s, find(&s, "seeds-startup"), &iterations, &warmup);
	cr_expect_eq(iterations, 20, "as startup-cold has");
	bench_selection_free(&s);
}
