/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: requests go out at their times whatever became of others; delays count from when they were due; who is late,
 * the generator or the system, is told apart.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/open_loop.h"

enum { COUNT = 2000 };

Test(open_loop, arrivals__evenly_are_a_gap_apart)
{
	uint64_t due[4];

	bench_arrivals_fill(BENCH_EVENLY, 1000, 7, due, 4);
	cr_expect_eq(due[0], 0);
	cr_expect_eq(due[1], 1000000);
	cr_expect_eq(due[3], 3000000);
}

Test(open_loop, arrivals__by_poisson_have_the_rate_and_the_seed)
{
	static uint64_t due[COUNT * 10], again[COUNT * 10], other[COUNT * 10];
	uint32_t short_gaps = 0, n = COUNT * 10;

	bench_arrivals_fill(BENCH_POISSON, 1e6, 7, due, n);
	bench_arrivals_fill(BENCH_POISSON, 1e6, 7, again, n);
	bench_arrivals_fill(BENCH_POISSON, 1e6, 8, other, n);
	cr_expect_eq(memcmp(due, again, sizeof(due)), 0);
	cr_expect_neq(memcmp(due, other, sizeof(due)), 0);
	for (uint32_t i = 1; i < n; i++) {
		cr_assert_geq(due[i], due[i - 1]);
		short_gaps += due[i] - due[i - 1] < 500;
	}
	cr_expect_float_eq((double)due[n - 1] / n, 1000, 30, "20,000 gaps of 1 us: the mean is within 4 deviations");
	cr_expect_float_eq((double)short_gaps / n, 0.3935, 0.015, "1 - exp(-1/2) of the gaps are shorter than half");
}

static uint32_t order[COUNT];
static uint32_t sent;

static int note(uint32_t i, void *user)
{
	(void)user;
	order[sent++] = i;
	return i == 5 && user ? -5 : 0;
}

Test(open_loop, send__goes_in_order_and_never_early)
{
	static uint64_t due[COUNT], at[COUNT], done[COUNT];
	struct bench_requests q = { .count = COUNT, .due_ns = due, .sent_ns = at, .done_ns = done, .send = note };

	bench_arrivals_fill(BENCH_POISSON, 1e6, 3, due, COUNT);
	for (int rests = 0; rests < 2; rests++) {
		sent = 0;
		q.rests = rests;
		cr_assert_eq(bench_requests_send(&q), 0);
		cr_assert_eq(sent, COUNT);
		for (uint32_t i = 0; i < COUNT; i++) {
			cr_assert_eq(order[i], i);
			cr_assert_geq(at[i], q.start_ns + due[i], "not before it is due");
		}
	}
	sent = 0;
	q.user = &q;
	cr_expect_eq(bench_requests_send(&q), -5, "an error ends it");
	cr_expect_eq(sent, 6);
}

/* By hand: due at 0, 1, 2, .. ms; sent when due but for `late` of them, 2 ms after; answered 10 us after that. */
static struct bench_outcome judge(uint32_t late, uint32_t unanswered, bool lenient)
{
	static uint64_t due[100], at[100], done[100];
	struct bench_requests q = { .count = 100, .due_ns = due, .sent_ns = at, .done_ns = done, .start_ns = 1000 };
	struct bench_outcome out;

	for (uint32_t i = 0; i < 100; i++) {
		due[i] = i * 1000000u;
		at[i] = q.start_ns + due[i] + (i < late ? 2000000 : 0);
		done[i] = i < 100 - unanswered ? at[i] + 10000 : 0;
	}
	bench_outcome_begin(&out, 1, 0);
	bench_requests_judge(&q, 1000, lenient, &out);
	return out;
}

Test(open_loop, judge__counts_delays_from_both_times)
{
	struct bench_outcome out = judge(5, 0, false);

	cr_expect_str_eq(out.error, "");
	cr_assert_not_null(out.open_loop);
	cr_expect_eq(out.open_loop->offered_per_s, 1000);
	cr_expect_eq(out.open_loop->intended, 100);
	cr_expect_eq(out.open_loop->done, 100);
	cr_expect_eq(out.open_loop->late, 5);
	cr_expect_eq(bench_histogram_quantile(&out.open_loop->from_sent, 1), 10000, "raw: as if nobody had been late");
	cr_expect_eq(bench_histogram_quantile(&out.open_loop->from_intended, 1), 2010000, "corrected: what a user waited");
	cr_expect_eq(bench_histogram_quantile(&out.open_loop->from_intended, 0.5), bench_bucket_upper(10000));
	bench_outcome_free(&out);
}

Test(open_loop, judge__a_late_generator_is_an_error)
{
	struct bench_outcome out = judge(6, 0, false);

	cr_expect_not_null(strstr(out.error, "the generator could not keep up: 6 of 100"), "%s", out.error);
	bench_outcome_free(&out);
	out = judge(6, 0, true);
	cr_expect_str_eq(out.error, "");
	bench_outcome_free(&out);
}

Test(open_loop, judge__what_is_never_answered_is_an_error)
{
	struct bench_outcome out = judge(0, 3, true);

	cr_expect_not_null(strstr(out.error, "3 of 100 requests were never answered"), "%s", out.error);
	cr_expect_eq(out.open_loop->done, 97);
	bench_outcome_free(&out);
}

/* A system over its capacity fails nothing, and is named. */
Test(open_loop, report__names_what_is_over_capacity)
{
	struct bench_outcome out = judge(0, 0, false);
	struct bench_row row = { .id = "open-loop-x", .group = "g", .out = &out };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	out.messages = 100;
	out.total_ms = 100;
	bench_open_loop_report(f, &row, 1);
	fflush(f);
	cr_expect_not_null(strstr(text, "open-loop-x"), "%s", text);
	cr_expect_null(strstr(text, "over capacity"), "%s", text);
	out.total_ms = 125;
	bench_open_loop_report(f, &row, 1);
	fclose(f);
	cr_expect_not_null(strstr(text, "over capacity"), "%s", text);
	free(text);
	bench_outcome_free(&out);
}
