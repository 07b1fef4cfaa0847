/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of the codec, by hand: what a head of 418 bytes costs, an event, a request and its answer. No test: it asserts nothing.
 *
 *   ninja -C build tests/unit/net/measure-net && build/tests/unit/net/measure-net
 */
#include <stdio.h>
#include <string.h>

#include <weft/runtime.h>

#include "net/http/parse.h"
#include "net/http/url.h"
#include "net/http/write.h"
#include "net/sse/sse.h"

#define ROUNDS 7

static volatile uint64_t sink;

static int on_head(struct weft__http_parser *p, void *user)
{
	(void)user;
	sink += p->field_count + p->target.len_bytes;
	return 0;
}

static int on_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	(void)p;
	(void)user;
	sink += bytes[0] + len;
	return 0;
}

static const struct weft__http_sink http_sink = { .head = on_head, .body = on_body };

static const char request[] =
	"POST /v1/chat/completions HTTP/1.1\r\n"
	"Host: api.example.org\r\n"
	"Accept: application/json\r\n"
	"Content-Type: application/json\r\n"
	"User-Agent: example-client/1.24.0 (x86_64; Linux 6.1.0)\r\n"
	"Authorization: Bearer sk-0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
	"X-Request-Id: 01890a5d-ac96-774b-bcce-b302099a8057\r\n"
	"Accept-Language: en-US,en;q=0.9\r\n"
	"Accept-Encoding: gzip, deflate\r\n"
	"Cache-Control: no-cache\r\n"
	"Connection: keep-alive\r\n"
	"X-A: 0123456\r\n"
	"\r\n";

static void parse(struct weft__http_parser *p, const char *text, size_t len, size_t cut)
{
	size_t used;

	for (size_t at = 0; at < len; at += cut)
		weft__http_parse(p, (const uint8_t *)text + at, cut < len - at ? cut : len - at, &used);
	weft__http_parser_next(p);
}

static void one_head(struct weft__http_parser *p, unsigned n)
{
	while (n--)
		parse(p, request, sizeof(request) - 1, sizeof(request));
}

static void head_in_three(struct weft__http_parser *p, unsigned n)
{
	while (n--)
		parse(p, request, sizeof(request) - 1, 150);
}

static void head_in_bytes(struct weft__http_parser *p, unsigned n)
{
	while (n--)
		parse(p, request, sizeof(request) - 1, 1);
}

static int on_event(const struct weft__sse_event *e, void *user)
{
	(void)user;
	sink += e->data.len_bytes;
	return 0;
}

static const char events[] = "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock\","
			     "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" threads\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";

static void one_event(struct weft__http_parser *p, unsigned n)
{
	struct weft__sse s;

	(void)p;
	weft__sse_init(&s, 0, on_event, NULL);
	while (n--)
		weft__sse_feed(&s, events, sizeof(events) - 1);
	weft__sse_fini(&s);
}

static void one_answer_head(struct weft__http_parser *p, unsigned n)
{
	struct weft__http_writer w = { .ptr = NULL };

	(void)p;
	while (n--) {
		weft__http_writer_reset(&w);
		weft__http_write_status(&w, 200);
		weft__http_write_field(&w, WEFT_STR("Date"), WEFT_STR("Sun, 06 Nov 1994 08:49:37 GMT"));
		weft__http_write_field(&w, WEFT_STR("Content-Type"), WEFT_STR("application/json"));
		weft__http_write_number(&w, WEFT_STR("Content-Length"), 15);
		weft__http_write_end(&w);
		sink += w.len;
	}
	weft__http_writer_fini(&w);
}

static void one_url(struct weft__http_parser *p, unsigned n)
{
	struct weft__url url;

	(void)p;
	while (n--) {
		weft__url_parse(WEFT_STR("https://api.example.org:8443/v1/chat/completions?a=b"), &url, NULL);
		sink += url.port;
	}
}

static double once(void (*work)(struct weft__http_parser *, unsigned), struct weft__http_parser *p, unsigned n)
{
	uint64_t begin = weft_now_ns();

	work(p, n);
	return (double)(weft_now_ns() - begin) / n;
}

static void say(const char *what, void (*work)(struct weft__http_parser *, unsigned), unsigned n)
{
	struct weft__http_parser p;
	double best = 1e18;

	weft__http_parser_init(&p, WEFT__HTTP_REQUEST, NULL, &http_sink, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		double ns = once(work, &p, n);

		best = ns < best ? ns : best;
	}
	weft__http_parser_fini(&p);
	printf("%-34s %8.1f ns\n", what, best);
}

int main(void)
{
	printf("a head of %zu bytes, an event of %zu; the best of %d\n", sizeof(request) - 1, sizeof(events) - 1, ROUNDS);
	say("head, in one piece", one_head, 200000);
	say("head, in three pieces", head_in_three, 100000);
	say("head, a byte at a time", head_in_bytes, 20000);
	say("event, in one piece", one_event, 500000);
	say("head of an answer, written", one_answer_head, 500000);
	say("address", one_url, 500000);
	return 0;
}
