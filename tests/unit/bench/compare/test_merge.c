/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a merged file has every value of its runs, in rounds of their own, and statistics made from those; what cannot be
 * merged is left out aloud, and runs that do not belong together are refused.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/compare.h"

static struct bench_results *runs[2], *merged;
static char said[2048];

static struct bench_results *run(const char *runtime, const char *version, uint32_t cpus, const char *entries)
{
	struct bench_results *r = NULL;
	weft_error err = { 0 };
	char text[4096];

	snprintf(text, sizeof(text),
	         "{\"schema_version\":2,\"runtime\":\"%s\",\"timestamp\":\"2026-11-21T09:30:00Z\",\"system\":{\"os\":\"Linux 6\","
	         "\"arch\":\"x86_64\",\"cpus\":%u,\"memory_gb\":8,\"runtime_version\":\"%s\"},\"rounds\":2,\"wall_s\":10,"
	         "\"machine_check\":{\"verdict\":\"%s\",\"findings\":[]},\"scenarios\":{%s}}",
	         runtime, cpus, version, cpus == 2 ? "quiet" : "noisy", entries);
	cr_assert_eq(bench_results_parse(weft_str_from(text), "run", &r, &err), 0, "%s", err.message);
	return r;
}

static int merge(bool force, weft_error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size), *err_to = fmemopen(said, sizeof(said), "w");
	int r = bench_compare_merge((const struct bench_results *const *)runs, 2, force, to, err_to, err);

	fclose(to);
	fclose(err_to);
	if (r == 0)
		cr_assert_eq(bench_results_parse((weft_str){ text, size }, "merged", &merged, err), 0, "%s", err->message);
	free(text);
	return r;
}

static void clean(void)
{
	bench_results_free(runs[0]);
	bench_results_free(runs[1]);
	bench_results_free(merged);
	merged = NULL;
}

#define TIMES "\"x\":{\"iterations\":3,\"warmup\":1,\"unit\":\"us\",\"latency\":{\"raw_ms\":[%s],\"raw_round\":[0,0,1]}," \
	      "\"throughput\":{\"messages_per_second\":1,\"total_messages\":30,\"total_time_ms\":%d},"                     \
	      "\"pipeline\":{\"model_call_avg_ms\":%d},\"resources\":{\"memory_rss_peak_mb\":%d}}"

static const char *times(const char *raw, int total_ms, int model_ms, int peak_mb)
{
	static char texts[2][1024];
	static unsigned turn;
	char *text = texts[turn++ % 2];

	snprintf(text, 1024, TIMES, raw, total_ms, model_ms, peak_mb);
	return text;
}

Test(merge, values__keep_their_rounds)
{
	weft_error err = { 0 };
	const struct bench_results_entry *e;

	runs[0] = run("weft", "1", 2, times("1,2,3", 6, 1, 20));
	runs[1] = run("weft", "1", 2, times("30,20,10", 60, 3, 40));
	cr_assert_eq(merge(false, &err), 0, "%s", err.message);
	cr_expect_str_eq(said, "");
	cr_expect_eq(merged->rounds, 4);
	cr_expect_eq(merged->wall_s, 20);
	cr_expect_str_eq(merged->machine_verdict, "quiet");
	e = bench_results_find(merged, "x");
	cr_assert_not_null(e);
	cr_assert_eq(e->latency.raw_count, 6);
	cr_expect_eq(e->latency.raw[3], 30, "in the order of measuring");
	cr_expect_eq(e->latency.round[2], 1);
	cr_expect_eq(e->latency.round[3], 2);
	cr_expect_eq(e->latency.round[5], 3);
	cr_expect_eq(e->rounds, 4);
	cr_expect_eq(e->iterations, 6);
	cr_expect_eq(e->latency.median, 3, "of 1, 2, 3, 10, 20, 30");
	cr_expect_eq(e->latency.max, 30);
	cr_expect_float_eq(e->latency.avg, 11, 1e-12);
	cr_expect(bench_is_given(e->latency.median_low));
	cr_expect_eq(e->total_messages, 60);
	cr_expect_float_eq(e->messages_per_second, 60e3 / 66, 1e-9);
	cr_expect_eq(e->stage_ms[3], 2);
	cr_expect_eq(e->rss_peak_mb, 40, "the highest");
	cr_expect_str_eq(e->unit, "us");
	clean();
}

Test(merge, entries__that_cannot_be_are_left_out_aloud)
{
	weft_error err = { 0 };

	runs[0] = run("weft", "1", 2, "\"a\":{\"latency\":{\"median_ms\":1}},\"b\":{\"latency\":{},\"bytes\":100},"
	                              "\"c\":{\"latency\":{\"raw_ms\":[1]},\"open_loop\":{\"offered_per_s\":1,\"intended\":1,\"done\":1,"
	                              "\"from_intended_ms\":{},\"from_sent_ms\":{}}},\"d\":{\"latency\":{},\"error\":\"no\"}");
	runs[1] = run("weft", "1", 2, "\"a\":{\"latency\":{\"raw_ms\":[1]}},\"b\":{\"latency\":{},\"bytes\":200},"
	                              "\"d\":{\"latency\":{\"raw_ms\":[7]}}");
	cr_assert_eq(merge(false, &err), 0, "%s", err.message);
	cr_expect_eq(merged->entry_count, 2);
	cr_expect_eq(bench_results_find(merged, "b")->bytes, 150);
	cr_expect_eq(bench_results_find(merged, "d")->latency.median, 7, "of the run that did not fail");
	cr_expect_not_null(strstr(said, "a is left out: a run has none of its values"));
	cr_expect_not_null(strstr(said, "c is left out: an open loop"));
	cr_expect_not_null(strstr(said, "d failed there: no"));
	clean();
}

Test(merge, failures__of_every_run_stay)
{
	weft_error err = { 0 };

	runs[0] = run("weft", "1", 2, "\"d\":{\"latency\":{\"raw_ms\":[]},\"error\":\"no\"}");
	runs[1] = run("weft", "1", 2, "\"d\":{\"latency\":{\"raw_ms\":[]},\"error\":\"never\"}");
	cr_assert_eq(merge(false, &err), 0, "%s", err.message);
	cr_assert_eq(merged->entry_count, 1);
	cr_expect_str_eq(merged->entries[0].error, "no");
	clean();
}

static void expect_refused(const char *needle, bool even_by_force)
{
	weft_error err = { 0 };

	cr_expect_eq(merge(false, &err), -EINVAL);
	cr_expect(strstr(err.message, needle) != NULL, "%s", err.message);
	cr_expect_eq(merge(true, &err) < 0, even_by_force);
	clean();
}

/* Times of an entry that failed everywhere are counted before there is room made for them. */
Test(merge, failures__with_values_keep_them)
{
	const struct bench_results_entry *e;
	weft_error err = { 0 };

	runs[0] = run("weft", "1", 2, "\"x\":{\"latency\":{\"raw_ms\":[1,2,3,4,5,6,7,8,9,10,11,12]},\"error\":\"no\"}");
	runs[1] = run("weft", "1", 2, "");
	cr_assert_eq(merge(false, &err), 0, "%s", err.message);
	e = bench_results_find(merged, "x");
	cr_assert_not_null(e);
	cr_expect_str_eq(e->error, "no");
	cr_expect_eq(e->latency.raw_count, 12);
	cr_expect_eq(e->latency.max, 12);
	clean();
}

Test(merge, numbers__that_are_as_large_as_they_may_be_can_be_read_again)
{
	static const char most[] = "\"x\":{\"iterations\":4294967295,\"latency\":{\"raw_ms\":[1.7e308,1,1.7e308],\"raw_round\":[0,1,2000000]},"
				   "\"throughput\":{\"messages_per_second\":1,\"total_messages\":9223372036854775807,\"total_time_ms\":1}}";
	weft_error err = { 0 };
	const struct bench_results_entry *e;

	runs[0] = run("weft", "1", 2, most);
	runs[1] = run("weft", "1", 2, most);
	cr_assert_eq(merge(false, &err), 0, "%s", err.message);
	e = bench_results_find(merged, "x");
	cr_assert_not_null(e);
	cr_expect_eq(e->iterations, UINT32_MAX);
	cr_expect_eq(e->total_messages, (uint64_t)INT64_MAX);
	cr_expect_eq(e->latency.round[2], 2, "called 2000000 before");
	cr_expect_eq(e->latency.round[5], 5);
	clean();
}

Test(merge, runs__that_do_not_belong_together_are_refused)
{
	runs[0] = run("weft", "1", 2, times("1,2,3", 6, 1, 20));
	runs[1] = run("eliza", "1", 2, times("1,2,3", 6, 1, 20));
	expect_refused("eliza", true);
	runs[0] = run("weft", "1", 2, times("1,2,3", 6, 1, 20));
	runs[1] = run("weft", "1", 64, times("1,2,3", 6, 1, 20));
	expect_refused("2 and 64 cpus", false);
	runs[0] = run("weft", "1", 2, times("1,2,3", 6, 1, 20));
	runs[1] = run("weft", "2", 2, times("1,2,3", 6, 1, 20));
	expect_refused("other versions", false);
}
