/* SPDX-License-Identifier: Apache-2.0 */
/* Times of the mock: what is written is understood or refused; the draws have the shape that was asked for. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "net/mock_llm/draw.h"
#include "tests/support/folder.h"

#define DRAWS 40001

static double times_ms[DRAWS];

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void draw(const char *text, uint64_t seed)
{
	struct weft__draw_times t;
	struct weft__rng rng;
	weft_error err = { 0 };

	cr_assert_eq(weft__draw_times_parse(text, &t, &err), 0, "%s: %s", text, err.message);
	weft__rng_seed(&rng, seed);
	for (int i = 0; i < DRAWS; i++)
		times_ms[i] = (double)weft__draw_time_ns(&t, &rng) / 1e6;
	qsort(times_ms, DRAWS, sizeof(times_ms[0]), by_size);
	weft__draw_times_fini(&t);
}

Test(mock_draw, constant__always)
{
	draw("12.5ms", 1);
	cr_expect(times_ms[0] == 12.5 && times_ms[DRAWS - 1] == 12.5);
	draw("0", 1);
	cr_expect(times_ms[DRAWS - 1] == 0);
	draw(NULL, 1);
	cr_expect(times_ms[DRAWS - 1] == 0);
}

/* The median, and the quantiles one sigma away: exp(+-0.5) of it. */
Test(mock_draw, lognormal__median_and_sigma)
{
	draw("lognormal:200:0.5", 7);
	cr_expect(fabs(times_ms[DRAWS / 2] / 200 - 1) < 0.02, "%g", times_ms[DRAWS / 2]);
	cr_expect(fabs(times_ms[(int)(DRAWS * 0.8413)] / (200 * exp(0.5)) - 1) < 0.03, "%g", times_ms[(int)(DRAWS * 0.8413)]);
	cr_expect(fabs(times_ms[(int)(DRAWS * 0.1587)] / (200 * exp(-0.5)) - 1) < 0.03, "%g", times_ms[(int)(DRAWS * 0.1587)]);
	draw("lognormal:3000000ms:10", 7);
	cr_expect_leq(times_ms[DRAWS - 1], WEFT__TIMES_MS_MAX);
}

Test(mock_draw, file__each_as_likely)
{
	char folder[256], path[300], text[320];
	int counts[3] = { 0 };
	FILE *f;

	cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/ms", folder);
	snprintf(text, sizeof(text), "file:%s", path);
	f = fopen(path, "w");
	cr_assert(f && fputs("1\n#x\n  2ms\n\n3.25\t\r\n", f) >= 0 && fclose(f) == 0);
	draw(text, 3);
	for (int i = 0; i < DRAWS; i++)
		counts[times_ms[i] == 1 ? 0 : times_ms[i] == 2 ? 1 : 2]++;
	for (int i = 0; i < 3; i++)
		cr_expect(counts[i] > DRAWS / 3 - 500 && counts[i] < DRAWS / 3 + 500, "%d: %d", i, counts[i]);
	cr_expect_eq(times_ms[DRAWS - 1], 3.25);
	test_folder_remove(folder);
}

Test(mock_draw, parse__refuses)
{
	static const char *const texts[] = { "", "x", "-1", "1s", "1 ms", "1msx", "lognormal:", "lognormal:1", "lognormal:1:", "lognormal:1:x",
		                             "lognormal:1:11", "lognormal:1:0.5:", "3600001", "nan", "inf", "1e3", "0x10", ".5" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct weft__draw_times t = { .count = 7 };
		weft_error err = { 0 };

		cr_expect_eq(weft__draw_times_parse(texts[i], &t, &err), -EINVAL, "%s", texts[i]);
		cr_expect(strstr(err.message, "lognormal:MS:SIGMA") && t.count == 7);
	}
}
