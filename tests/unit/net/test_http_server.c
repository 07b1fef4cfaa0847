/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server. Goal: what server.h promises, over real sockets, on each back end. Method: server and peers in one
 * thread; a peer is a plain descriptor and what came from it. See http_server_test.h.
 */
#include "http_server_test.h"
#include "net/http/connection.h"

/* ---- answers -------------------------------------------------------------------------- */

static void respond__whole(struct weft__loop *loop)
{
	struct peer p;
	char *date;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/x?y"));
	hear_until(&p, "GET /x?y", 1);
	date = strstr(p.text, "Date: ");
	cr_assert_not_null(date);
	cr_expect(date[9] == ',' && !memcmp(date + 6 + 26, "GMT\r\n", 5), "%s", date);
	memset(date + 6, '?', 29);
	cr_expect_str_eq(p.text, "HTTP/1.1 200 OK\r\nDate: ?????????????????????????????\r\nX-Test: yes\r\nContent-Length: 8\r\n\r\nGET /x?y");
	leave(&p);
	finish();
}

ON_BOTH(http_server, respond__whole)

static void request__a_byte_at_a_time(struct weft__loop *loop)
{
	static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" GET("/b");
	struct peer p;

	serve_plainly(loop);
	p = join();
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		say_bytes(&p, text + i, 1);
		weft__loop_wait(loop, MS);
	}
	hear_until(&p, "abcde", 1);
	hear_until(&p, "GET /b", 1);
	cr_expect_eq(now.requests, 2);
	leave(&p);
	finish();
}

ON_BOTH(http_server, request__a_byte_at_a_time)

static void pipelined__answers_keep_their_order(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/a") GET("/later") GET("/b") GET("/later"));
	turn_until_later(1);
	settle(loop);
	hear_until(&p, "GET /a", 1);
	cr_expect_eq(now.requests, 2);
	say(&p, GET("/c"));
	settle(loop);
	answer(now.later[0], 200, "first later");
	turn_until_later(2);
	answer(now.later[1], 200, "second later");
	hear_until(&p, "GET /c", 1);
	cr_expect(strstr(p.text, "first later") < strstr(p.text, "GET /b"));
	cr_expect(strstr(p.text, "GET /b") < strstr(p.text, "second later"));
	cr_expect(strstr(p.text, "second later") < strstr(p.text, "GET /c"));
	leave(&p);
	finish();
}

ON_BOTH(http_server, pipelined__answers_keep_their_order)

/* More than is kept, and more answers than are sent: both sides are held back, and all is answered. */
static void pipelined__very_many(struct weft__loop *loop)
{
	enum { MANY = 12000 };
	static char text[MANY * 40];
	size_t len = 0, at = 0;
	struct peer p;
	const char *seen;

	serve_plainly(loop);
	p = join();
	for (int i = 0; i < MANY; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "GET /%05d HTTP/1.1\r\nHost: a\r\n\r\n", i);
	for (uint64_t end = weft_now_ns() + 60 * SECOND; at < len && weft_now_ns() < end;) {
		ssize_t n = send(p.fd, text + at, len - at, MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		weft__loop_wait(loop, 0);
		if (n < 0 && at > len / 2) /* not before the server was held back */
			hear(&p);
		if (n < 0 && p.len == 0)
			hear(&p);
	}
	hear_until(&p, "GET /11999", 1);
	cr_expect_eq(now.requests, MANY);
	seen = p.text;
	for (int i = 0; i < MANY; i++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "GET /%05d", i);
		seen = strstr(seen, wanted);
		cr_assert_not_null(seen, "%d", i);
	}
	leave(&p);
	finish();
}

ON_BOTH(http_server, pipelined__very_many)

/* What follows a request that is not answered yet is kept up to 64 KiB, and what one more read may bring. */
static void pipelined__what_is_kept_is_bounded(struct weft__loop *loop)
{
	enum { SAID = 6 << 20, KEPT_MAX = 64 << 10, READ_MAX = 256 << 10 };
	static const char request[] = GET("/behind");
	const struct weft__http_connection *c;
	size_t said = 0, most = 0;
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/later"));
	turn_until_later(1);
	c = (const struct weft__http_connection *)now.later[0]; /* its first member */
	for (int quiet = 0; said < SAID && quiet < 50;) { /* until neither side's kernel takes more */
		ssize_t n = send(p.fd, request + said % (sizeof(request) - 1), sizeof(request) - 1 - said % (sizeof(request) - 1),
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		said += n > 0 ? (size_t)n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
		if (n <= 0 || said % 4096 < sizeof(request))
			weft__loop_wait(loop, 0);
		most = c->kept.len > most ? c->kept.len : most;
	}
	settle(loop);
	most = c->kept.len > most ? c->kept.len : most;
	cr_expect_geq(most, KEPT_MAX, "%zu of %zu bytes", most, said);
	cr_expect_leq(most, KEPT_MAX + READ_MAX, "%zu of %zu bytes", most, said);
	cr_expect_eq(now.requests, 1, "the next one waits");
	answer(now.later[0], 200, "at last");
	hear_until(&p, "at last", 1);
	hear_until(&p, "GET /behind", 100);
	leave(&p);
	finish();
}

ON_BOTH(http_server, pipelined__what_is_kept_is_bounded)

static void answers__without_a_body(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" GET("/none") "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET("/bye"));
	hear_until(&p, "GET /bye", 1);
	cr_expect_not_null(strstr(p.text, "Content-Length: 7\r\n\r\nHTTP/1.1 204 No Content\r\n"));
	cr_expect_not_null(strstr(p.text, "X-Test: yes\r\n\r\nHTTP/1.1 200 OK\r\n"));
	cr_expect_not_null(strstr(p.text, "Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n"));
	leave(&p);
	finish();
}

ON_BOTH(http_server, answers__without_a_body)

static void stream__in_chunks_as_it_drains(struct weft__loop *loop)
{
	struct weft__http_limits limits = { 0 };
	struct peer p;
	char *told;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/stream") GET("/next"));
	hear_until(&p, "GET /next", 1);
	told = transcript_of(WEFT__HTTP_RESPONSE, &limits, 0, 0, (uint8_t *)p.text, p.len, 0);
	cr_expect(strstr(told, "chunked 1\n") && strstr(told, "body piece piece piece \nend, keep 1\nhead 200\n"), "%s", told);
	cr_expect_eq(now.drained, 4);
	free(told);
	leave(&p);
	finish();
}

ON_BOTH(http_server, stream__in_chunks_as_it_drains)

static void http_1_0__closes_or_is_asked_to_stay(struct weft__loop *loop)
{
	struct peer p, q;

	serve_plainly(loop);
	p = join();
	say(&p, "GET /stream HTTP/1.0\r\n\r\n");
	hear_all(&p);
	cr_expect(!strstr(p.text, "chunked") && strstr(p.text, "Connection: close\r\n\r\npiece piece piece "), "%s", p.text);
	q = join();
	say(&q, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	hear_until(&q, "GET /a", 1);
	cr_expect_not_null(strstr(q.text, "Connection: keep-alive\r\n"));
	say(&q, "GET /b HTTP/1.0\r\n\r\n");
	hear_all(&q);
	cr_expect_not_null(strstr(q.text, "GET /b"));
	leave(&p);
	leave(&q);
	finish();
}

ON_BOTH(http_server, http_1_0__closes_or_is_asked_to_stay)

static void close__is_said_and_done(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/never"));
	hear_all(&p);
	cr_expect_eq(p.error, 0);
	cr_expect(strstr(p.text, "Connection: close\r\nContent-Length: 6\r\n\r\nGET /a") && !strstr(p.text, "never"), "%s", p.text);
	cr_expect_eq(now.requests, 1);
	leave(&p);
	finish();
}

ON_BOTH(http_server, close__is_said_and_done)

static void half_closed__is_answered_all_the_same(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/a") GET("/later") GET("/b") GET("/c"));
	shutdown(p.fd, SHUT_WR);
	turn_until_later(1);
	settle(loop);
	answer(now.later[0], 200, "later");
	hear_all(&p);
	cr_expect(p.error == 0 && strstr(p.text, "later") && strstr(p.text, "GET /b") && strstr(p.text, "GET /c"), "%s", p.text);
	leave(&p);
	p = join();
	say(&p, GET("/big"));
	shutdown(p.fd, SHUT_WR);
	hear_all(&p);
	cr_expect_gt(p.len, 3u << 20);
	leave(&p);
	finish();
}

ON_BOTH(http_server, half_closed__is_answered_all_the_same)

static void continue__is_told_when_the_body_is_wanted(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .limits = { .body_bytes = 10 } };
	struct peer p;

	serve(loop, &o);
	p = join();
	say(&p, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	hear_until(&p, "HTTP/1.1 100 Continue\r\n\r\n", 1);
	cr_expect_eq(now.requests, 0);
	say(&p, "abc");
	hear_until(&p, "\r\n\r\nabc", 1);
	say(&p, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
	hear_all(&p);
	cr_expect_not_null(strstr(p.text, "abcHTTP/1.1 413 "));
	leave(&p);
	finish();
}

ON_BOTH(http_server, continue__is_told_when_the_body_is_wanted)

/* ---- what is refused ------------------------------------------------------------------ */

static void refused__with_a_status_and_a_reason(struct weft__loop *loop)
{
	static const struct { const char *text, *status; } cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "400 Bad Request" },
		{ "\x16\x03\x01\n", "400 Bad Request" },
		{ "GET / HTTP/2.0\r\n\r\n", "505 " },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501 " },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "413 " },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n", "413 " },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456789\r\n\r\n", "431 " },
	};
	struct weft__http_server_options o = { .limits = { .head_bytes = 120, .body_bytes = 100 } };
	struct weft__http_server_stats stats;

	serve(loop, &o);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p = join();

		say(&p, cases[i].text);
		say(&p, "and something behind it that nobody reads");
		hear_all(&p);
		cr_expect(!strncmp(p.text, "HTTP/1.1 ", 9) && !strncmp(p.text + 9, cases[i].status, strlen(cases[i].status)), "%zu: %s", i, p.text);
		cr_expect_not_null(strstr(p.text, "Connection: close\r\n"));
		cr_expect_eq(p.error, 0);
		leave(&p);
	}
	weft__http_server_stats(now.server, &stats);
	cr_expect_eq(now.requests, 0);
	cr_expect_eq(stats.refused, sizeof(cases) / sizeof(cases[0]));
	finish();
}

ON_BOTH(http_server, refused__with_a_status_and_a_reason)

static void connections__one_too_many(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .connections_max = 2 };
	struct peer a, b, c;

	serve(loop, &o);
	a = join();
	b = join();
	say(&a, GET("/a"));
	say(&b, GET("/b"));
	hear_until(&a, "GET /a", 1);
	hear_until(&b, "GET /b", 1);
	c = join();
	say(&c, GET("/c"));
	hear_all(&c);
	cr_expect(!strncmp(c.text, "HTTP/1.1 503 ", 13), "%s", c.text);
	leave(&a);
	leave(&c);
	settle(loop);
	c = join();
	say(&c, GET("/c"));
	hear_until(&c, "GET /c", 1);
	leave(&b);
	leave(&c);
	finish();
}

ON_BOTH(http_server, connections__one_too_many)

/* The oldest goes that is not being answered, however it waits; who holds them all keeps nobody out. */
static void connections__the_oldest_yields(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .connections_max = 3, .oldest_yields = true };
	struct weft__http_server_stats stats;
	struct peer answered, silent, half, c[2];

	serve(loop, &o);
	answered = join();
	say(&answered, GET("/later"));
	turn_until_later(1);
	silent = join();
	half = join();
	say(&half, "GET / HT");
	settle(loop);
	for (int i = 0; i < 2; i++) {
		c[i] = join();
		say(&c[i], GET("/c"));
		hear_until(&c[i], "GET /c", 1);
		hear_all(i ? &half : &silent);
	}
	cr_expect_eq(silent.len + half.len, 0);
	weft__http_server_stats(now.server, &stats);
	cr_expect_eq(stats.refused, 2);
	answer(now.later[0], 200, "later");
	hear_until(&answered, "later", 1);
	leave(&answered);
	leave(&silent);
	leave(&half);
	leave(&c[0]);
	leave(&c[1]);
	finish();
}

ON_BOTH(http_server, connections__the_oldest_yields)

static void field__that_cannot_be_written(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/bad"));
	hear_all(&p);
	cr_expect(!strncmp(p.text, "HTTP/1.1 500 ", 13) && !strstr(p.text, "Y: b"), "%s", p.text);
	leave(&p);
	finish();
}

ON_BOTH(http_server, field__that_cannot_be_written)
