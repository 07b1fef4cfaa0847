/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: times in the unit that fits, one table a group, failures shown, goals judged the right way round. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static void expect_time(double ms, const char *wanted)
{
	char text[24];

	bench_time_text(ms, text, sizeof(text));
	cr_expect_str_eq(text, wanted);
}

Test(report, time_text__takes_the_unit_that_fits)
{
	expect_time(0, "0.0 ns");
	expect_time(83e-6, "83.0 ns");
	expect_time(1.5e-3, "1.50 us");
	expect_time(12.345, "12.35 ms");
	expect_time(2500, "2.50 s");
}

static struct bench_outcome make(double ms, uint64_t messages)
{
	struct bench_outcome out;

	bench_outcome_begin(&out, 1, 0);
	bench_outcome_add(&out, ms, messages);
	out.total_ms = ms;
	out.cpu_ms = ms;
	out.rss_peak_mb = 8;
	return out;
}

static uint32_t times(const char *text, const char *needle)
{
	uint32_t n = 0;

	for (text = strstr(text, needle); text; text = strstr(text + 1, needle))
		n++;
	return n;
}

Test(report, tables__one_a_group_and_a_summary)
{
	struct bench_outcome a = make(2, 1), b = make(3, 1), c = make(4, 1);
	struct bench_row rows[] = { { .id = "a-id", .group = "group-one", .out = &a }, { .id = "b-id", .group = "group-two", .unit = "ns", .out = &b },
		                    { .id = "c-id", .group = "group-one", .out = &c } };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	bench_fail(&c, "it broke");
	bench_report(f, &(struct bench_result){ .rows = rows, .count = 3, .rounds = 1, .wall_s = 1.25 });
	fclose(f);
	cr_expect_eq(times(text, "group-one"), 1);
	cr_expect_eq(times(text, "group-two"), 1);
	cr_expect_not_null(strstr(text, "2.00 ms"));
	cr_expect_not_null(strstr(text, "FAILED: it broke"));
	cr_expect_not_null(strstr(text, "2 of 3 entries passed"));
	free(text);
	bench_outcome_free(&a);
	bench_outcome_free(&b);
	bench_outcome_free(&c);
}

/* What is said of one entry. */
static char *goals_of(const char *id, struct bench_outcome *out, uint32_t cores)
{
	struct bench_row row = { .id = id, .group = "g", .out = out };
	struct bench_goal goals[BENCH_GOALS_MAX];
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	bench_goals_report(f, goals, bench_goals_answer(&row, 1, cores, goals), cores);
	fclose(f);
	return text;
}

static struct bench_outcome make_search(double ms, double recall)
{
	struct bench_outcome out = make(ms, 1);

	out.recall = recall;
	return out;
}

static void expect_goal(const char *id, struct bench_outcome out, uint32_t cores, const char *verdict)
{
	char *text = goals_of(id, &out, cores);

	cr_expect(strstr(text, verdict) != NULL, "%s: '%s' does not say '%s'", id, text, verdict);
	free(text);
	bench_outcome_free(&out);
}

Test(report, goals__less_time_and_more_rate_are_better)
{
	expect_goal("startup-cold", make(1.9, 1), 2, "reached ");
	expect_goal("startup-cold", make(2.1, 1), 2, "missed ");
	expect_goal("agents-per-second", make(1000, 1100000), 2, "reached ");
	expect_goal("agents-per-second", make(1000, 900000), 2, "missed ");
	expect_goal("burst-1000", make(9, 1000), 64, "reached "); /* idle cores do not count */
	expect_goal("burst-1000", make(11, 1000), 1, "missed ");
	expect_goal("memory-store-search-1000x768", make_search(1, 0.9995), 1, "0.9995  reached ");
	expect_goal("memory-store-search-1000x768", make_search(0.001, 0.9985), 1, "0.9985  missed ");
}

/* Two rounds of five values each around a median, the second a little slower. */
static struct bench_outcome make_rounds(double median, double spread)
{
	struct bench_outcome out;

	bench_outcome_begin(&out, 10, 0);
	for (uint32_t i = 0; i < 10; i++) {
		bench_outcome_add(&out, median * (1 + spread * ((double)(i % 5) - 2)), 1);
		out.raw_round[i] = i / 5;
	}
	return out;
}

Test(report, goals__within_the_interval_are_neither_reached_nor_missed)
{
	expect_goal("startup-cold", make_rounds(1.9, 0.1), 2, "noise ");
	expect_goal("startup-cold", make_rounds(2.1, 0.1), 2, "noise ");
	expect_goal("startup-cold", make_rounds(2.1, 0.001), 2, "missed ");
	expect_goal("actors-many-to-one", make_rounds(40e-6, 0.1), 2, "25.00 M/s  noise ");
	expect_goal("actors-many-to-one", make_rounds(20e-6, 0.01), 2, "50.00 M/s  reached ");
}

Test(report, goals__of_what_is_weighed_need_no_times)
{
	struct bench_outcome out = make(1, 1);

	out.bytes = 300;
	out.raw_count = 0;
	expect_goal("actors-idle-bytes", out, 2, "300 bytes  missed ");
}

Test(report, goals__silent_where_nothing_was_measured)
{
	struct bench_outcome out = make(1, 1);
	char *text = goals_of("conversation-10", &out, 2);

	cr_expect_str_eq(text, "");
	free(text);
	text = goals_of("history-scaling-10000", &out, 2); /* the other half of the ratio did not run */
	cr_expect_str_eq(text, "");
	free(text);
	bench_fail(&out, "failed");
	text = goals_of("startup-cold", &out, 2);
	cr_expect_str_eq(text, "");
	free(text);
	bench_outcome_free(&out);
}
