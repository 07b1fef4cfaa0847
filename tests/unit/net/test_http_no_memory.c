/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that cannot be had. Goal: each allocation of the codec may fail; that is said, nothing is lost, nothing is
 * touched. Method: the same work again and again, the n-th allocation of it failing, until it has none left.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "net/http/inflate.h"
#include "net/http/write.h"
#include "net/sse/sse.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/http_transcript.h"

static long left = -1; /* allocations until one fails; -1: none does */

static bool test_alloc_fails(void)
{
	return left >= 0 && left-- == 0;
}

/* 0, or -ENOMEM and nothing else. */
static void until_it_works(int (*work)(void))
{
	int n = 0, r;

	do {
		left = n++;
		r = work();
		left = -1;
		cr_assert(r == 0 || r == -ENOMEM, "%d at %d", r, n);
	} while (r != 0 && n < 200);
	cr_expect_eq(r, 0);
	cr_expect_gt(n, 1); /* something was allocated */
}

static int parse_in_pieces(void)
{
	static char text[4096];
	struct weft__http_parser p;
	struct transcript t = { 0 };
	size_t len = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"), used;
	int r = 0;

	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "X-Field-%d: a value that is somewhat long\r\n", i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n");
	weft__http_parser_init(&p, WEFT__HTTP_RESPONSE, NULL, &transcript_sink, &t);
	for (size_t i = 0; i < len && r == 0; i++)
		r = weft__http_parse(&p, (const uint8_t *)text + i, 1, &used);
	cr_expect(r < 0 || p.done);
	weft__http_parser_fini(&p);
	free(t.text);
	return r;
}

static int write_a_head(void)
{
	struct weft__http_writer w = { 0 };
	weft_str text;
	int r;

	weft__http_write_request(&w, WEFT_STR("GET"), WEFT_STR("/"));
	for (int i = 0; i < 100; i++)
		weft__http_write_field(&w, WEFT_STR("A"), WEFT_STR("and a value"));
	weft__http_write_end(&w);
	r = weft__http_writer_text(&w, &text);
	weft__http_writer_fini(&w);
	return r;
}

static int on_event(const struct weft__sse_event *e, void *user)
{
	(void)user;
	cr_expect_eq(e->data.len_bytes, 1003);
	return 0;
}

static int read_events(void)
{
	static char text[2048];
	struct weft__sse s;
	size_t len = (size_t)snprintf(text, sizeof(text), "id: 1\nevent: x\ndata: %01000d\ndata: 12\n\n", 1);
	int r;

	weft__sse_init(&s, 0, on_event, NULL);
	r = weft__sse_feed(&s, text, len / 2);
	if (r == 0)
		r = weft__sse_feed(&s, text + len / 2, len - len / 2);
	cr_expect(r < 0 || s.events == 1);
	weft__sse_fini(&s);
	return r;
}

#ifdef WEFT_HAVE_ZLIB
static int on_out(const uint8_t *bytes, size_t len, void *user)
{
	(void)user;
	cr_expect(len == 5 && !memcmp(bytes, "hello", 5));
	return 0;
}

static int unpack(void)
{
	static const uint8_t bytes[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0 };
	struct weft__inflate z;
	int r = weft__inflate_init(&z, WEFT__CODING_GZIP, 0, on_out, NULL);

	if (r == 0)
		r = weft__inflate_feed(&z, bytes, sizeof(bytes));
	if (r == 0)
		r = weft__inflate_finish(&z);
	weft__inflate_fini(&z);
	return r;
}
#endif

Test(http_no_memory, each_allocation__may_fail)
{
	const weft_allocator allocator = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	until_it_works(parse_in_pieces);
	until_it_works(write_a_head);
	until_it_works(read_events);
#ifdef WEFT_HAVE_ZLIB
	until_it_works(unpack);
#endif
}
