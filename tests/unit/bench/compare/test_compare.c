/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what `weft compare` concludes from files is what one works out by hand: ratios, verdicts with their direction,
 * winners, reasons for what is missing, and the exit status.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/compare.h"

#define FILES 4

static struct bench_results *files[FILES];
static uint32_t file_count;
static struct bench_compare *c;

#define LINUX "\"os\":\"Linux 6\",\"arch\":\"x86_64\",\"cpus\":2,\"memory_gb\":8,\"runtime_version\":\"1\""

/* Add a file of a runtime with these entries. */
static void file(const char *runtime, const char *system, const char *entries)
{
	weft_error err = { 0 };
	char text[8192];

	snprintf(text, sizeof(text), "{\"runtime\":\"%s\",\"timestamp\":\"2026-11-21T09:30:00Z\",\"system\":{%s},\"scenarios\":{%s}}",
	         runtime, system, entries);
	cr_assert_eq(bench_results_parse(weft_str_from(text), runtime, &files[file_count++], &err), 0, "%s", err.message);
}

static int make(const struct bench_compare_options *opt, weft_error *err)
{
	return bench_compare_make((const struct bench_results *const *)files, file_count, opt, &c, err);
}

static void compare(const struct bench_compare_options *opt)
{
	weft_error err = { 0 };

	cr_assert_eq(make(opt, &err), 0, "%s", err.message);
}

static void clean(void)
{
	bench_compare_free(c);
	while (file_count)
		bench_results_free(files[--file_count]);
}

static const struct bench_compare_options plain = { .threshold = 0.05 };

/* Twenty values that lie within one percent of this. */
static const char *around(double ms)
{
	static char texts[8][512];
	static unsigned turn;
	char *text = texts[turn++ % 8];
	size_t at = 0;

	for (int i = 0; i < 20; i++)
		at += (size_t)snprintf(text + at, 512 - at, "%s%.6f", i ? "," : "", ms * (1 + (i - 10) * 1e-3));
	return text;
}

/* "ID":{...} with twenty values. */
static const char *timed(const char *id, double ms)
{
	static char texts[16][700];
	static unsigned turn;
	char *text = texts[turn++ % 16];

	snprintf(text, 700, "\"%s\":{\"iterations\":20,\"latency\":{\"raw_ms\":[%s]}}", id, around(ms));
	return text;
}

static const char *both(const char *a, const char *b)
{
	static char texts[8][2048];
	static unsigned turn;
	char *text = texts[turn++ % 8];

	snprintf(text, 2048, "%s,%s", a, b);
	return text;
}

static const struct bench_compare_row *row(const char *id)
{
	for (uint32_t i = 0; i < c->row_count; i++) {
		if (!strcmp(c->rows[i].id, id))
			return &c->rows[i];
	}
	cr_assert(false, "no row %s", id);
	return NULL;
}

/* ---- ratios and verdicts ------------------------------------------------------------------------- */

Test(compare, ratio__is_of_cost_to_the_fastest)
{
	file("a", LINUX, timed("one", 3));
	file("b", LINUX, timed("one", 2));
	file("c", LINUX, timed("one", 2.01));
	compare(&plain);
	cr_expect_eq(row("one")->fastest, 1);
	cr_expect_eq(row("one")->base, 1);
	cr_expect_float_eq(row("one")->cells[0].ratio, 1.5, 1e-6);
	cr_expect_eq(row("one")->cells[1].ratio, 1);
	cr_expect_eq(row("one")->cells[0].verdict, BENCH_SLOWER);
	cr_expect(row("one")->cells[0].interval.low > 1.4 && row("one")->cells[0].interval.high < 1.6);
	cr_expect_eq(row("one")->cells[2].verdict, BENCH_NOISE, "half a percent");
	clean();
}

Test(compare, reference__turns_the_ratio)
{
	struct bench_compare_options opt = { .threshold = 0.05, .reference = "a" };

	file("a", LINUX, timed("one", 3));
	file("b", LINUX, timed("one", 2));
	compare(&opt);
	cr_expect_eq(row("one")->base, 0);
	cr_expect_eq(row("one")->fastest, 1);
	cr_expect_float_eq(row("one")->cells[1].ratio, 2.0 / 3, 1e-6);
	cr_expect_eq(row("one")->cells[1].verdict, BENCH_FASTER);
	clean();
}

Test(compare, rate__that_rose_is_no_regression)
{
	struct bench_compare_options opt = { .threshold = 0.05, .fail_on_regression = true };
	static const char rates[] = "\"r\":{\"latency\":{},\"throughput\":{\"messages_per_second\":%d}}";
	char text[200];

	snprintf(text, sizeof(text), rates, 100);
	file("weft", LINUX, text);
	snprintf(text, sizeof(text), rates, 200);
	file("weft", LINUX, text);
	compare(&opt);
	cr_expect_eq(row("r")->metric, BENCH_METRIC_RATE);
	cr_expect_not(row("r")->lower_is_better);
	cr_expect_eq(row("r")->fastest, 1);
	cr_expect_float_eq(row("r")->cells[1].ratio, 0.5, 1e-9, "half the cost");
	cr_expect_eq(bench_compare_regressions(c), 0);
	clean();
}

/* Values of which more is better: their interval is turned over, too. */
Test(compare, higher_is_better__turns_the_verdict)
{
	struct bench_compare_options opt = { .threshold = 0.05, .fail_on_regression = true };
	char a[700], b[700];

	snprintf(a, sizeof(a), "\"h\":{\"higher_is_better\":true,\"latency\":{\"raw_ms\":[%s]}}", around(100));
	snprintf(b, sizeof(b), "\"h\":{\"higher_is_better\":true,\"latency\":{\"raw_ms\":[%s]}}", around(150));
	file("weft", LINUX, a);
	file("weft", LINUX, b);
	compare(&opt);
	cr_expect_float_eq(row("h")->cells[1].ratio, 2.0 / 3, 1e-6);
	cr_expect(row("h")->cells[1].interval.high < 0.7);
	cr_expect_eq(row("h")->cells[1].verdict, BENCH_FASTER);
	cr_expect_eq(bench_compare_regressions(c), 0);
	bench_compare_free(c);
	bench_results_free(files[1]);
	file_count = 1;
	snprintf(b, sizeof(b), "\"h\":{\"higher_is_better\":true,\"latency\":{\"raw_ms\":[%s]}}", around(60));
	file("weft", LINUX, b);
	compare(&opt);
	cr_expect_eq(bench_compare_regressions(c), 1, "it fell");
	clean();
}

Test(compare, regression__needs_the_threshold_and_the_samples)
{
	struct bench_compare_options opt = { .threshold = 0.05, .fail_on_regression = true };
	static const char few[] = "\"few\":{\"latency\":{\"raw_ms\":[%d,%d,%d]}}";
	char a[200], b[200];

	snprintf(a, sizeof(a), few, 1, 1, 1);
	snprintf(b, sizeof(b), few, 9, 9, 9);
	file("weft", LINUX, both(timed("slow", 10), both(timed("quick", 10), both(timed("same", 10), a))));
	file("weft", LINUX, both(timed("slow", 11), both(timed("quick", 5), both(timed("same", 10.3), b))));
	compare(&opt);
	cr_expect(bench_compare_is_regression(c, row("slow"), 1));
	cr_expect_not(bench_compare_is_regression(c, row("slow"), 0), "the reference itself");
	cr_expect_eq(row("quick")->cells[1].verdict, BENCH_FASTER);
	cr_expect_eq(row("same")->cells[1].verdict, BENCH_NOISE, "three percent are within the threshold");
	cr_expect_eq(row("few")->cells[1].verdict, BENCH_TOO_FEW);
	cr_expect_eq(row("few")->cells[1].gap, BENCH_GAP_FEW);
	cr_expect_eq(bench_compare_regressions(c), 1);
	clean();
}

Test(compare, regression__is_one_of_the_same_runtime)
{
	struct bench_compare_options opt = { .threshold = 0.05, .fail_on_regression = true };
	weft_error err = { 0 };

	file("weft", LINUX, timed("one", 1));
	file("eliza", LINUX, timed("one", 100));
	cr_expect_eq(make(&opt, &err), -EINVAL);
	cr_expect_str_eq(err.message, "--fail-on-regression: no other file is of weft");
	file("weft", LINUX, "\"one\":{\"latency\":{},\"error\":\"broke\"}");
	compare(&opt);
	cr_expect_eq(row("one")->cells[1].verdict, BENCH_SLOWER);
	cr_expect_not(bench_compare_is_regression(c, row("one"), 1), "another runtime");
	cr_expect(bench_compare_is_regression(c, row("one"), 2), "it failed, and did not before");
	cr_expect_eq(bench_compare_regressions(c), 1);
	clean();
}

Test(compare, regression__is_looked_for_only_when_asked)
{
	file("weft", LINUX, timed("one", 1));
	file("weft", LINUX, timed("one", 2));
	compare(&plain);
	cr_expect_eq(bench_compare_regressions(c), 0);
	clean();
}

/* The same entry gives the same interval, whatever else is in the files. */
Test(compare, interval__does_not_hang_on_other_rows)
{
	struct bench_interval alone;

	file("a", LINUX, timed("one", 3));
	file("b", LINUX, timed("one", 2));
	compare(&plain);
	alone = row("one")->cells[0].interval;
	clean();
	file("a", LINUX, both(timed("other", 3), timed("one", 3)));
	file("b", LINUX, both(timed("other", 7), timed("one", 2)));
	compare(&plain);
	cr_expect_eq(row("one")->cells[0].interval.low, alone.low);
	cr_expect_eq(row("one")->cells[0].interval.high, alone.high);
	clean();
}

/* ---- what is missing ------------------------------------------------------------------------------- */

Test(compare, missing__has_its_reason)
{
	file("a", LINUX, "\"x\":{\"latency\":{\"median_ms\":1}},\"y\":{\"latency\":{\"median_ms\":0,\"raw_ms\":[0]}},"
	                 "\"z\":{\"latency\":{\"median_ms\":1}},\"w\":{\"latency\":{\"median_ms\":1}},\"only\":{\"latency\":{}},"
	                 "\"b\":{\"latency\":{},\"bytes\":100}");
	file("b", LINUX, "\"x\":{\"latency\":{\"median_ms\":2}},\"y\":{\"latency\":{\"median_ms\":1,\"raw_ms\":[1]}},"
	                 "\"z\":{\"latency\":{},\"error\":\"broke\"},\"w\":{\"latency\":{}},\"b\":{\"latency\":{},\"bytes\":148}");
	compare(&plain);
	cr_expect_eq(c->row_count, 5, "one that a single file has is in no row");
	cr_expect_eq(row("x")->cells[1].gap, BENCH_GAP_RAW);
	cr_expect_float_eq(row("x")->cells[1].ratio, 2, 1e-12, "the ratio is there all the same");
	cr_expect_eq(row("y")->cells[1].gap, BENCH_GAP_ZERO);
	cr_expect_not(bench_is_given(row("y")->cells[1].ratio));
	cr_expect_eq(row("z")->cells[1].gap, BENCH_GAP_FAILED);
	cr_expect_eq(row("w")->cells[1].gap, BENCH_GAP_FIGURE);
	cr_expect_eq(row("b")->cells[1].gap, BENCH_GAP_ONE);
	cr_expect_float_eq(row("b")->cells[1].ratio, 1.48, 1e-12);
	clean();
}

Test(compare, metric__is_what_most_files_have)
{
	file("a", LINUX, "\"x\":{\"latency\":{\"median_ms\":1},\"throughput\":{\"messages_per_second\":9}}");
	file("b", LINUX, "\"x\":{\"latency\":{},\"throughput\":{\"messages_per_second\":3}}");
	compare(&plain);
	cr_expect_eq(row("x")->metric, BENCH_METRIC_RATE);
	cr_expect_float_eq(row("x")->cells[1].ratio, 3, 1e-12);
	clean();
}

Test(compare, reference__without_a_figure_leaves_no_ratio)
{
	struct bench_compare_options opt = { .threshold = 0.05, .reference = "c" };

	file("a", LINUX, timed("one", 3));
	file("b", LINUX, timed("one", 2));
	file("c", LINUX, timed("two", 2));
	compare(&opt);
	cr_expect_eq(row("one")->base, -1);
	cr_expect_eq(row("one")->cells[0].gap, BENCH_GAP_REFERENCE);
	clean();
}

/* ---- names ------------------------------------------------------------------------------------------- */

Test(compare, names__of_one_runtime_are_numbered)
{
	struct bench_compare_options opt = { .threshold = 0.05, .names = "x,y,z" };

	file("weft", LINUX, timed("one", 1));
	file("eliza", LINUX, timed("one", 1));
	file("weft", LINUX, timed("one", 1));
	compare(&plain);
	cr_expect_str_eq(c->files[0].name, "weft#1");
	cr_expect_str_eq(c->files[1].name, "eliza");
	cr_expect_str_eq(c->files[2].name, "weft#2");
	bench_compare_free(c);
	compare(&opt);
	cr_expect_str_eq(c->files[2].name, "z");
	clean();
}

static void expect_refused(struct bench_compare_options opt, const char *needle)
{
	weft_error err = { 0 };

	cr_expect_eq(make(&opt, &err), -EINVAL);
	cr_expect(strstr(err.message, needle) != NULL, "'%s' does not say '%s'", err.message, needle);
}

Test(compare, names__that_do_not_fit_are_refused)
{
	file("weft", LINUX, timed("one", 1));
	file("eliza", LINUX, timed("one", 1));
	expect_refused((struct bench_compare_options){ .names = "x" }, "2 of them");
	expect_refused((struct bench_compare_options){ .names = "x,y,z" }, "2 of them");
	expect_refused((struct bench_compare_options){ .names = "x,,y" }, "none of them empty");
	expect_refused((struct bench_compare_options){ .names = "x,x" }, "the name x");
	expect_refused((struct bench_compare_options){ .reference = "elisa" }, "elisa");
	expect_refused((struct bench_compare_options){ .filter = "two*" }, "two*");
	c = NULL;
	clean();
}

/* ---- machines ------------------------------------------------------------------------------------------ */

Test(compare, machines__that_differ_are_named)
{
	file("a", LINUX, timed("one", 1));
	file("b", "\"os\":\"linux 6\",\"arch\":\"x64\",\"cpus\":2,\"memory_gb\":8,\"runtime_version\":\"2\"", timed("one", 1));
	file("c", "\"os\":\"Linux 6\",\"arch\":\"arm64\",\"cpus\":64,\"memory_gb\":8,\"runtime_version\":\"2\"", timed("one", 1));
	compare(&plain);
	cr_assert_eq(c->warning_count, 1, "x64 is node's word for x86_64");
	cr_expect_str_eq(c->warnings[0], "a and c were measured on different machines: 2 and 64 cpus, x86_64 and arm64");
	clean();
}

/* Between rounds of 3% a single one, against another, is called slower by 5% about one time in six, when nothing changed. */
Test(compare, verdict_of_one_round__is_warned_of)
{
	static char two[1000];

	snprintf(two, sizeof(two), "\"one\":{\"iterations\":20,\"latency\":{\"raw_ms\":[%s],\"raw_round\":[0,0,0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1,1]}}",
	         around(5));
	file("a", LINUX, timed("one", 1));
	file("b", LINUX, two);
	compare(&plain);
	cr_expect_eq(row("one")->cells[1].verdict, BENCH_SLOWER);
	cr_assert_eq(c->warning_count, 1);
	cr_expect_not_null(strstr(c->warnings[0], "1 verdict of faster or slower rests on a single round (one)"), "%s", c->warnings[0]);
	clean();
	file("a", LINUX, timed("one", 1));
	file("b", LINUX, timed("one", 1.01));
	compare(&plain);
	cr_expect_eq(c->warning_count, 0, "noise claims nothing");
	clean();
	file("a", LINUX, two);
	snprintf(two, sizeof(two), "\"one\":{\"iterations\":20,\"latency\":{\"raw_ms\":[%s],\"raw_round\":[0,0,0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1,1]}}",
	         around(1));
	file("b", LINUX, two);
	compare(&plain);
	cr_expect_eq(row("one")->cells[0].verdict, BENCH_SLOWER);
	cr_expect_eq(c->warning_count, 0);
	clean();
}

Test(compare, machines__fingerprints_decide)
{
	file("a", LINUX ",\"fingerprint\":\"0000000000000001\"", timed("one", 1));
	file("b", LINUX ",\"fingerprint\":\"0000000000000001\"", timed("one", 1));
	file("c", LINUX ",\"fingerprint\":\"0000000000000002\"", timed("one", 1));
	compare(&plain);
	cr_assert_eq(c->warning_count, 1);
	cr_expect_not_null(strstr(c->warnings[0], "a and c were measured on different machines: fingerprints"));
	clean();
}

/* ---- winners ---------------------------------------------------------------------------------------------- */

static const char *entry(const char *id, double ms, double rate, double mb)
{
	static char texts[16][300];
	static unsigned turn;
	char *text = texts[turn++ % 16];

	snprintf(text, 300,
	         "\"%s\":{\"iterations\":1,\"latency\":{\"median_ms\":%g},\"throughput\":{\"messages_per_second\":%g,"
	         "\"total_messages\":100},\"resources\":{\"memory_rss_peak_mb\":%g}}",
	         id, ms, rate, mb);
	return text;
}

Test(winners, score__is_the_geometric_mean_of_cost_over_the_best)
{
	file("a", LINUX, both(entry("x", 1, 100, 10), entry("y", 8, 100, 10)));
	file("b", LINUX, both(entry("x", 4, 50, 40), entry("y", 2, 400, 10)));
	compare(&plain);
	/* x: 1 and 4; y: 4 and 1 */
	cr_expect_float_eq(c->winners[BENCH_LATENCY].score[0], 2, 1e-12);
	cr_expect_float_eq(c->winners[BENCH_LATENCY].score[1], 2, 1e-12);
	cr_expect(c->winners[BENCH_LATENCY].tie);
	cr_expect_eq(c->winners[BENCH_LATENCY].scenarios, 2);
	/* x: 1 and 2; y: 4 and 1 */
	cr_expect_float_eq(c->winners[BENCH_THROUGHPUT].score[0], 2, 1e-12);
	cr_expect_float_eq(c->winners[BENCH_THROUGHPUT].score[1], sqrt(2), 1e-12);
	cr_expect_eq(c->winners[BENCH_THROUGHPUT].file, 1);
	cr_expect_not(c->winners[BENCH_THROUGHPUT].tie);
	cr_expect_eq(c->winners[BENCH_MEMORY].file, 0);
	cr_expect_float_eq(c->winners[BENCH_MEMORY].score[1], 2, 1e-12);
	cr_expect_eq(c->winners[BENCH_STARTUP].file, -1, "no scenario of start-up");
	cr_expect_not(bench_is_given(c->winners[BENCH_STARTUP].score[0]));
	clean();
}

Test(winners, scenarios__count_where_every_file_has_them)
{
	file("a", LINUX, both(entry("x", 1, 1, 1), entry("y", 1, 1, 1)));
	file("b", LINUX, both(entry("x", 2, 1, 1), entry("y", 9, 1, 1)));
	file("c", LINUX, entry("x", 3, 1, 1));
	compare(&plain);
	cr_expect_eq(c->winners[BENCH_LATENCY].scenarios, 1);
	cr_expect_float_eq(c->winners[BENCH_LATENCY].score[2], 3, 1e-12);
	clean();
}

Test(winners, startup__is_apart_from_latency)
{
	file("a", LINUX, both(entry("startup-cold", 1, 1, 1), entry("x", 5, 1, 1)));
	file("b", LINUX, both(entry("startup-cold", 3, 1, 1), entry("x", 1, 1, 1)));
	compare(&plain);
	cr_expect_eq(c->winners[BENCH_STARTUP].file, 0);
	cr_expect_float_eq(c->winners[BENCH_STARTUP].score[1], 3, 1e-12);
	cr_expect_eq(c->winners[BENCH_LATENCY].file, 1);
	cr_expect_eq(c->winners[BENCH_LATENCY].scenarios, 1);
	clean();
}

Test(winners, scale__is_the_largest_size_that_all_have)
{
	file("a", LINUX, both(entry("h-100", 1, 1, 1), both(entry("h-1000", 2, 1, 1), entry("h-9000", 9, 1, 1))));
	file("b", LINUX, both(entry("h-1000", 6, 1, 1), both(entry("h-100", 2, 1, 1), entry("solo-7", 1, 1, 1))));
	compare(&plain);
	cr_expect_eq(c->winners[BENCH_SCALE].scenarios, 1);
	cr_expect_eq(c->winners[BENCH_SCALE].file, 0);
	cr_expect_float_eq(c->winners[BENCH_SCALE].score[1], 3, 1e-12, "at 1000");
	cr_expect_float_eq(c->winners[BENCH_SCALE].growth[0], 2, 1e-12);
	cr_expect_float_eq(c->winners[BENCH_SCALE].growth[1], 3, 1e-12);
	clean();
}
