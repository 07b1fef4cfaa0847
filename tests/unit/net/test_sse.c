/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events. Goal: the rules of the HTML standard, however the bytes were cut. Method: each stream is fed
 * whole, a byte at a time and cut in two at each place; what was told must be equal, and be what it should be.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sse/sse.h"

struct told {
	char text[4096];
	size_t len;
	int stop_at; /* the event of this number, from 1, returns -7 */
	int count;
};

/* "[type|data|id]" an event */
static int on_event(const struct weft__sse_event *e, void *user)
{
	struct told *t = user;

	t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "[%.*s|%.*s|%.*s]", WEFT_STR_ARG(e->type),
	                           WEFT_STR_ARG(e->data), WEFT_STR_ARG(e->id));
	return ++t->count == t->stop_at ? -7 : 0;
}

/* In memory of its very size, gone after the call. */
static int feed(struct weft__sse *s, const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int r;

	cr_assert_not_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	r = weft__sse_feed(s, copy, len);
	free(copy);
	return r;
}

static void tell(struct told *t, uint32_t bytes_max, const char *bytes, size_t len, size_t cut)
{
	struct weft__sse s;
	int r = 0;

	weft__sse_init(&s, bytes_max, on_event, t);
	if (cut == SIZE_MAX) {
		for (size_t i = 0; i < len && r == 0; i++)
			r = feed(&s, bytes + i, 1);
	} else {
		r = feed(&s, bytes, cut);
		if (r == 0)
			r = feed(&s, bytes + cut, len - cut);
	}
	if (r < 0 && r != -7)
		cr_expect_eq(feed(&s, "data: x\n\n", 9), r);
	t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s%.0d%s%.0llu", r ? " error " : "", r,
	                           s.retry_ms ? " retry " : "", (unsigned long long)s.retry_ms);
	if (r == 0 && weft__sse_finish(&s))
		strcat(t->text, " cut off");
	weft__sse_fini(&s);
}

static void tells_bytes(const char *bytes, size_t len, uint32_t bytes_max, int stop_at, const char *wanted)
{
	for (size_t cut = 0; cut <= len; cut++) {
		struct told t = { .stop_at = stop_at };

		tell(&t, bytes_max, bytes, len, cut == len ? SIZE_MAX : cut);
		cr_assert_str_eq(t.text, wanted, "cut at %zu: told %s, wanted %s", cut, t.text, wanted);
	}
}

static void tells(const char *text, const char *wanted)
{
	tells_bytes(text, strlen(text), 0, 0, wanted);
}

Test(sse, events__of_each_end_of_line)
{
	tells("data: a\n\ndata: b\n\n", "[message|a|][message|b|]");
	tells("data: a\r\n\r\ndata: b\r\n\r\n", "[message|a|][message|b|]");
	tells("data: a\r\rdata: b\r\r", "[message|a|][message|b|]");
	tells("data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r", "[message|a|][message|b|][message|c|][message|d|]");
}

Test(sse, data__of_several_lines)
{
	tells("data: a\ndata: b\ndata:c\n\n", "[message|a\nb\nc|]");
	tells("data: a\r\ndata: b\r\n\r\n", "[message|a\nb|]");
	tells("data: a\rdata: b\r\r", "[message|a\nb|]");
	tells("data\n\n", "[message||]");
	tells("data:\ndata\n\n", "[message|\n|]");
	tells("data:  a \n\n", "[message| a |]");
	tells("data:a:b\n\n", "[message|a:b|]");
}

Test(sse, event__without_data_is_none)
{
	tells("event: x\n\ndata: a\n\n", "[message|a|]");
	tells("\n\n\nid: 1\n\n", "");
}

Test(sse, event__has_its_type_once)
{
	tells("event: add\ndata: 1\n\ndata: 2\n\n", "[add|1|][message|2|]");
	tells("event: x\nevent: y\ndata: 1\n\n", "[y|1|]");
	tells("event: x\nevent:\ndata: 1\n\n", "[message|1|]");
}

Test(sse, id__stays)
{
	tells("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "[message|a|1][message|b|1][message|c|]");
	tells_bytes("id: 1\0\ndata: a\n\n", 16, 0, 0, "[message|a|]");
	tells_bytes("id: 1\nid: \0002\ndata: a\n\n", 22, 0, 0, "[message|a|1]");
}

Test(sse, retry__digits_only)
{
	tells("retry: 1500\n\n", " retry 1500");
	tells("retry: 7\nretry: 15x\nretry: -1\nretry:\nretry: 99999999999999999999\n\n", " retry 7");
}

Test(sse, comments_and_other_fields__are_left_out)
{
	tells(": hello\n:\n\ndata: a\n: in between: x\nfoo: bar\nDATA: x\n data: y\ndata : z\n\n", "[message|a|]");
}

Test(sse, bom__only_at_the_beginning)
{
	tells("\xef\xbb\xbf" "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "[message|a|]");
	tells("\xef\xbb" "data: a\n\ndata: b\n\n", "[message|b|]");
	tells("\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\n", "");
	tells("\xef", "");
}

Test(sse, text__outside_ascii_is_handed_on)
{
	tells("data: \xe2\x82\xac\xf0\x9f\x98\x80 \xff\n\n", "[message|\xe2\x82\xac\xf0\x9f\x98\x80 \xff|]");
}

Test(sse, end__drops_what_has_no_empty_line)
{
	tells("data: a\n\ndata: b\n", "[message|a|] cut off");
	tells("data: a\n\ndata: b", "[message|a|] cut off");
	tells("data: a\n\n: c", "[message|a|]");
	tells("data: a\r\r", "[message|a|]");
	tells("", "");
}

/* An event is told with the CR of its empty line: its LF may never come. */
Test(sse, end__is_not_waited_for_behind_a_cr)
{
	struct told t = { 0 };
	struct weft__sse s;

	weft__sse_init(&s, 0, on_event, &t);
	cr_expect_eq(feed(&s, "data: a\r\n\r", 10), 0);
	cr_expect_str_eq(t.text, "[message|a|]");
	cr_expect_eq(feed(&s, "\n", 1), 0);
	cr_expect_eq(s.events, 1);
	weft__sse_fini(&s);
}

Test(sse, limits__to_the_byte)
{
	tells_bytes("data: 67890\n\n", 13, 11, 0, "[message|67890|]");
	tells_bytes("data: 678901\n\n", 14, 11, 0, " error -90");
	tells_bytes("data:12345\ndata:67890\n\n", 23, 11, 0, "[message|12345\n67890|]");
	tells_bytes("data:12345\ndata:678901\n\n", 24, 11, 0, " error -90");
	tells_bytes(": a comment may be as long as it wants\ndata:1\n\n", 47, 11, 0, "[message|1|]");
	tells_bytes("another: field may not\n\n", 24, 11, 0, " error -90");
	tells_bytes("no end of a line comes", 22, 11, 0, " error -90");
}

Test(sse, event__stops_the_feed_with_what_it_says)
{
	tells_bytes("data: a\n\ndata: b\n\ndata: c\n\n", 27, 0, 2, "[message|a|][message|b|] error -7");
}

static int end_it(const struct weft__sse_event *e, void *user)
{
	(void)e;
	weft__sse_fini(user);
	memset(user, 0x55, sizeof(struct weft__sse));
	return -5;
}

Test(sse, event__may_end_the_stream)
{
	struct weft__sse *s = malloc(sizeof(*s));

	cr_assert_not_null(s);
	weft__sse_init(s, 0, end_it, s);
	cr_expect_eq(feed(s, "data: a\nda", 10), 0);
	cr_expect_eq(feed(s, "ta: b\n\ndata: c\n\n", 16), -5);
	free(s);
}

/* What a large event took is given back; small ones find their memory again. */
Test(sse, memory__of_a_large_event_goes)
{
	size_t len = 300000;
	char *text = malloc(len);
	struct told t = { 0 };
	struct weft__sse s;

	cr_assert_not_null(text);
	memset(text, 'x', len);
	memcpy(text, "data:1\ndata:", 12);
	memcpy(text + len - 2, "\n\n", 2);
	weft__sse_init(&s, 0, on_event, &t);
	cr_expect_eq(feed(&s, text, len), 0);
	cr_expect_eq(s.events, 1);
	cr_expect_eq(s.data.cap, 0);
	weft__sse_fini(&s);
	free(text);
}
