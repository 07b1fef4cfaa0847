/* SPDX-License-Identifier: Apache-2.0 */
/* lines: any pieces give the same lines; long ones go alone; ends of both kinds; memory. */
#include "mcp_test.h"
#include "net/mcp/lines.h"
#include "tests/support/seed.h"

static struct weft__lines lines;
static int line_answer;

static int on_line(struct weft__lines *l, weft_str line)
{
	(void)l;
	happened("(%.*s)", WEFT_STR_ARG(line));
	return line_answer;
}

static void on_overlong(struct weft__lines *l)
{
	(void)l;
	happened("(too long)");
}

static void setup(void)
{
	weft__lines_init(&lines);
	lines.line = on_line;
	lines.overlong = on_overlong;
	lines.bytes_max = 16;
	line_answer = 0;
	transcript_reset();
}

static void teardown(void)
{
	weft__lines_fini(&lines);
}

TestSuite(lines, .init = setup, .fini = teardown);

static int feed(const char *text)
{
	return weft__lines_feed(&lines, (const uint8_t *)text, strlen(text));
}

Test(lines, whole_lines_and_pieces)
{
	feed("one\ntwo\r\n\n\r\nthr");
	expect_events("(one)(two)");
	feed("ee");
	expect_events("");
	feed("\nfour");
	expect_events("(three)");
	weft__lines_finish(&lines);
	expect_events("(four)");
	weft__lines_finish(&lines);
	expect_events("");
}

Test(lines, the_bound_holds_and_what_follows_is_read)
{
	feed("0123456789abcdef\n");
	expect_events("(0123456789abcdef)");
	feed("0123456789abcdef0\nok\n");
	expect_events("(too long)(ok)");
	feed("0123456789");
	feed("abcdef0");
	expect_events("(too long)");
	feed("more and more and more and more");
	feed("\nok\n");
	expect_events("(ok)");
}

Test(lines, a_line_may_stop_it)
{
	line_answer = -EPIPE;
	cr_assert_eq(feed("one\ntwo\n"), -EPIPE);
	expect_events("(one)");
}

Test(lines, any_split_gives_the_same)
{
	static const char text[] = "{\"a\":1}\n\nlog line, chatty\r\nthis one is far too long for it\n\r\n{}\nx\r\r\nlast";
	uint64_t seed = test_seed("lines");
	char whole[sizeof(events)];

	feed(text);
	weft__lines_finish(&lines);
	strcpy(whole, events);
	for (int round = 0; round < 2000; round++) {
		size_t at = 0;

		events[0] = '\0';
		while (at < sizeof(text) - 1) {
			size_t n = 1 + test_below(&seed, round % 2 ? 3 : 20);

			if (n > sizeof(text) - 1 - at)
				n = sizeof(text) - 1 - at;
			weft__lines_feed(&lines, (const uint8_t *)text + at, n);
			at += n;
		}
		weft__lines_finish(&lines);
		cr_assert_str_eq(events, whole);
	}
}
