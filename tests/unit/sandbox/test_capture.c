/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the beginning and the end are kept, exactly, in bounded memory. Method: a text whose every byte tells
 * its place, put in pieces of every size by seed, against the plain cut of the whole.
 */
#include "sandbox/capture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/seed.h"

static bool no_memory;

static bool test_alloc_fails(void)
{
	return no_memory;
}

static char *text_of(const struct weft__capture *c)
{
	char *text = malloc(weft__capture_len(c) + 1);

	weft__capture_copy(c, text);
	text[weft__capture_len(c)] = '\0';
	return text;
}

static void expect_text(const struct weft__capture *c, const char *wanted)
{
	char *text = text_of(c);

	cr_expect_str_eq(text, wanted);
	free(text);
}

Test(capture, what_fits_is_kept_whole)
{
	struct weft__capture c;

	weft__capture_init(&c, 10);
	expect_text(&c, "");
	cr_expect(weft__capture_put(&c, "01234", 5));
	expect_text(&c, "01234");
	cr_expect(weft__capture_put(&c, "56789", 5));
	expect_text(&c, "0123456789");
	cr_expect_eq(weft__capture_left_out(&c), 0);
	cr_expect(weft__capture_put(&c, "A", 1));
	cr_expect_eq(weft__capture_left_out(&c), 1);
	expect_text(&c, "01234\n[... 1 bytes left out ...]\n6789A");
	weft__capture_fini(&c);
}

static void check_one(uint64_t *seed)
{
	size_t keep = 2 * (1 + test_below(seed, 60)), total = test_below(seed, 400), at = 0;
	char whole[400], wanted[600];
	struct weft__capture c;

	for (size_t i = 0; i < total; i++)
		whole[i] = (char)('!' + i % 90);
	weft__capture_init(&c, keep);
	while (at < total) {
		size_t n = 1 + test_below(seed, (uint32_t)(total - at));

		cr_assert(weft__capture_put(&c, whole + at, n));
		at += n;
	}
	if (total <= keep)
		snprintf(wanted, sizeof(wanted), "%.*s", (int)total, whole);
	else
		snprintf(wanted, sizeof(wanted), "%.*s\n[... %zu bytes left out ...]\n%.*s", (int)(keep / 2), whole,
		         total - keep, (int)(keep / 2), whole + total - keep / 2);
	cr_expect_eq(c.total, total);
	expect_text(&c, wanted);
	weft__capture_fini(&c);
}

Test(capture, any_pieces)
{
	uint64_t seed = test_seed("capture pieces");

	for (int i = 0; i < 3000; i++)
		check_one(&seed);
}

Test(capture, without_memory_it_counts)
{
	weft_allocator failing = test_failing_allocator();
	struct weft__capture c;
	char bytes[100] = "";

	cr_assert_eq(weft_allocator_set(&failing), 0);
	weft__capture_init(&c, 40);
	no_memory = true;
	cr_expect_not(weft__capture_put(&c, bytes, sizeof(bytes)));
	no_memory = false;
	cr_expect_eq(c.total, 100);
	cr_expect_eq(weft__capture_left_out(&c), 100);
	weft__capture_fini(&c);
}
