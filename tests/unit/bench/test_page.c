/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: numbers as people read them, text that cannot be markup, marks of an axis, what goes from the folder of
 * earlier runs. The page as a whole: house/check_report.py.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/page/chart.h"
#include "bench/page/html.h"
#include "bench/page/page.h"

static char *written(void (*write)(FILE *, const char *), const char *text)
{
	char *buf = NULL;
	size_t size;
	FILE *f = open_memstream(&buf, &size);

	write(f, text);
	fclose(f);
	return buf;
}

static void becomes(void (*write)(FILE *, const char *), const char *text, const char *expected)
{
	char *said = written(write, text);

	cr_expect_str_eq(said, expected);
	free(said);
}

Test(page, text__is_never_markup)
{
	becomes(html_text, "a<b>&\"c\" 'd'", "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;");
	becomes(html_text, "bell\a escape\033[1m\ttab\nline", "bell escape[1m\ttab\nline");
	becomes(html_text, "\xc3\xa9", "\xc3\xa9");
	becomes(html_text, NULL, "");
	becomes(html_anchor, "actors-ring@2", "e-actors-ring@2");
	becomes(html_anchor, "\"><x y", "e-...x.y");
}

Test(page, numbers__in_three_digits)
{
	char buf[HTML_NUMBER];

	cr_expect_str_eq(html_count(0, buf), "0");
	cr_expect_str_eq(html_count(7, buf), "7");
	cr_expect_str_eq(html_count(1.5, buf), "1.50");
	cr_expect_str_eq(html_count(999, buf), "999");
	cr_expect_str_eq(html_count(1000, buf), "1.00 k");
	cr_expect_str_eq(html_count(99960, buf), "100 k");
	cr_expect_str_eq(html_count(999600, buf), "1.00 M");
	cr_expect_str_eq(html_rate(12345, buf), "12.3 k/s");
	cr_expect_str_eq(html_rate(NAN, buf), "-");
	cr_expect_str_eq(html_megabytes(9.5, buf), "9.50 MB");
	cr_expect_str_eq(html_megabytes(1200, buf), "1.20 GB");
	cr_expect_str_eq(html_ratio(1.234, buf), "1.23 x");
	cr_expect_str_eq(html_ratio(12.34, buf), "12.3 x");
	cr_expect_str_eq(html_time(NAN, buf), "-");
}

static void marks(bool log, double low, double high, const double *expected, size_t count)
{
	struct chart_axis a = { .low = low, .high = high, .log = log };
	double found[32];
	size_t n = chart_ticks(&a, found, 32);

	cr_assert_eq(n, count, "%g to %g: %zu marks", low, high, n);
	for (size_t i = 0; i < n; i++)
		cr_expect_float_eq(found[i], expected[i], 1e-9 * fabs(expected[i]) + 1e-300, "%g to %g: %g", low, high, found[i]);
}

#define MARKS(log, low, high, ...) \
	marks(log, low, high, (const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

Test(page, marks__are_round_and_inside)
{
	MARKS(false, 0, 10, 0, 2, 4, 6, 8, 10);
	MARKS(false, 0, 1.05, 0, .2, .4, .6, .8, 1);
	MARKS(false, 13.4, 19.2, 14, 15, 16, 17, 18, 19);
	MARKS(false, -1, 1, -1, -.5, 0, .5, 1);
	MARKS(true, 1, 100, 1, 2, 5, 10, 20, 50, 100);
	MARKS(true, .9, 11000, 1, 10, 100, 1000, 10000);
}

Test(page, marks__are_no_more_than_there_is_room_for)
{
	struct chart_axis a = { .low = 1e-300, .high = 1e300, .log = true };
	double found[8];

	cr_expect_leq(chart_ticks(&a, found, 8), 8);
}

Test(page, axis__leaves_out_what_is_no_number)
{
	struct chart_axis a;

	chart_none(&a, "x", html_count, true);
	chart_hold(&a, NAN);
	chart_hold(&a, INFINITY);
	chart_hold(&a, 0);
	chart_hold(&a, -1);
	cr_expect_gt(a.low, a.high);
	chart_hold(&a, 3);
	chart_hold(&a, 2);
	cr_expect_float_eq(a.low, 2, 0);
	cr_expect_float_eq(a.high, 3, 0);
}

static const char run[] = "{\"runtime\":\"weft\",\"timestamp\":\"2026-11-21T09:30:00Z\",\"system\":{\"os\":\"Linux\",\"arch\":\"x86_64\",\"cpus\":2,"
			  "\"memory_gb\":8,\"runtime_version\":\"0.1.0\"},\"scenarios\":{}}\n";

static const char *in(const char *folder, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *folder, const char *name)
{
	FILE *f = fopen(in(folder, name), "w");

	cr_assert_not_null(f);
	fputs(run, f);
	fclose(f);
}

static bool is_there(const char *folder, const char *name)
{
	return access(in(folder, name), F_OK) == 0;
}

static void put_away(const char *folder, const char *name)
{
	unlink(in(folder, name));
}

/* Every name that the folder could hold. */
static void each_name(void (*what)(const char *folder, const char *name), const char *folder, const char *fmt)
{
	char name[64];

	for (int i = 0; i < (int)BENCH_KEPT_MAX; i++) {
		snprintf(name, sizeof(name), fmt, i / 60, i % 60);
		what(folder, name);
	}
}

Test(page, keeping__removes_the_oldest_that_it_kept_and_nothing_of_others)
{
	static const char *const others[] = { "2026.json", "2026-01-01T0000.json", "2026-01-01T000000Z.more.json", "AA.json" };
	char folder[] = "/tmp/weft-test-kept-XXXXXX", path[128];
	weft_error err = { 0 };

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s", in(folder, "run.txt"));
	put(folder, "run.txt");
	each_name(put, folder, "A%02d-%02d.json");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		put(folder, others[i]);
	cr_assert_eq(bench_keep(path, folder, &err), 0, "%s", err.message);
	cr_expect(is_there(folder, "A00-00.json"), "a file of somebody else is gone");
	cr_expect(is_there(folder, "2026-11-21T093000Z.json"), "the run itself is gone");
	each_name(put, folder, "2025-01-01T00%02d%02dZ.json");
	cr_assert_eq(bench_keep(path, folder, &err), 0, "%s", err.message);
	cr_expect(!is_there(folder, "2025-01-01T000000Z.json"), "200 and one more: the oldest goes");
	cr_expect(is_there(folder, "2025-01-01T000001Z.json") && is_there(folder, "2026-11-21T093000Z.json"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cr_expect(is_there(folder, others[i]), "%s", others[i]);
		put_away(folder, others[i]);
	}
	each_name(put_away, folder, "A%02d-%02d.json");
	each_name(put_away, folder, "2025-01-01T00%02d%02dZ.json");
	put_away(folder, "2026-11-21T093000Z.json");
	put_away(folder, "run.txt");
	cr_expect_eq(rmdir(folder), 0);
}

/* In a folder where others may write: a link in the place of the new file leads nowhere. */
Test(page, keeping__writes_through_no_link)
{
	char folder[] = "/tmp/weft-test-link-XXXXXX", path[128], victim[128], text[16] = "";
	weft_error err = { 0 };
	struct stat st;
	FILE *f;

	cr_assert_not_null(mkdtemp(folder));
	put(folder, "run.txt");
	snprintf(path, sizeof(path), "%s", in(folder, "run.txt"));
	snprintf(victim, sizeof(victim), "%s", in(folder, "victim"));
	f = fopen(victim, "w");
	cr_assert_not_null(f);
	fputs("mine", f);
	fclose(f);
	cr_assert_eq(symlink(victim, in(folder, "2026-11-21T093000Z.json.new")), 0);
	cr_assert_eq(bench_keep(path, folder, &err), 0, "%s", err.message);
	f = fopen(victim, "r");
	cr_assert_not_null(f);
	cr_expect(fgets(text, sizeof(text), f) && !strcmp(text, "mine"), "%s", text);
	fclose(f);
	cr_expect(lstat(in(folder, "2026-11-21T093000Z.json"), &st) == 0 && S_ISREG(st.st_mode), "the run was kept as a file");
	put_away(folder, "2026-11-21T093000Z.json");
	put_away(folder, "victim");
	put_away(folder, "run.txt");
	cr_expect_eq(rmdir(folder), 0);
}
