/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server without memory. Goal: whichever allocation fails, that connection has a whole answer, an error with a
 * status, or an end; the server goes on. Method: the same talk again and again, the n-th allocation of it failing.
 */
#include "http_server_test.h"
#include "tests/support/failing_alloc.h"

static long left = -1; /* allocations until one fails; -1: none does */
static bool failed;

static bool test_alloc_fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	return true;
}

/* The connection may have ended. */
static void try_say(struct peer *p, const char *text, size_t len)
{
	(void)!send(p->fd, text, len, MSG_NOSIGNAL);
}

/* A request in pieces with a body, one whose answer streams, one that waits; what is kept behind it. */
static void talk(struct peer *p)
{
	static const char body[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n";
	static const char rest[] = "\r\n0\r\n\r\n" GET("/stream") GET("/bye");
	char filler[1025];

	memset(filler, 'e', 1024);
	filler[1024] = '\0';
	try_say(p, body, 20);
	weft__loop_wait(now.loop, MS);
	try_say(p, body + 20, sizeof(body) - 21);
	try_say(p, filler, 1024);
	try_say(p, rest, sizeof(rest) - 1);
	for (int i = 0; i < 2000 && !p->ended && !strstr(p->text, "GET /bye"); i++) {
		if (!hear(p))
			weft__loop_wait(now.loop, MS);
	}
	cr_expect(p->ended || strstr(p->text, "GET /bye"), "neither an answer nor an end: %.300s", p->text);
}

/* The handlers of http_server_test.h take no refusal for an answer; these do. */
static void careful_drained(struct weft__http_exchange *x)
{
	if (weft__http_write(x, "piece", 5) < 0)
		weft__http_abort(x);
	else
		weft__http_end(x);
}

static void careful(struct weft__http_exchange *x, void *user)
{
	(void)user;
	now.requests++;
	if (weft_str_eq(x->target, WEFT_STR("/stream"))) {
		x->drained = careful_drained;
		if (weft__http_begin(x, 200, NULL, 0) < 0)
			weft__http_abort(x);
	} else if (weft_str_eq(x->target, WEFT_STR("/bye"))) {
		weft__http_respond(x, 200, NULL, 0, WEFT_STR("GET /bye"));
	} else {
		weft__http_respond(x, 200, NULL, 0, x->body);
	}
}

static void serve_carefully(struct weft__loop *loop)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct weft__http_server_options o = { .address = (const struct sockaddr *)&addr, .address_len = sizeof(addr),
		                               .request = careful, .closed = on_closed, .user = &now };

	memset(&now, 0, sizeof(now));
	now.loop = loop;
	cr_assert_eq(weft__http_server_open(loop, &o, &now.server, NULL), 0);
}

Test(http_server_no_memory, each_allocation__may_fail, .timeout = 120)
{
	const weft_allocator allocator = test_failing_allocator();
	struct weft__loop *loop;
	int n = 0;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	loop = loop_make(WEFT_IO_EPOLL);
	serve_carefully(loop);
	do {
		struct peer p = join();

		failed = false;
		left = n++;
		talk(&p);
		left = -1;
		cr_expect(failed || strstr(p.text, "GET /bye"), "%s", p.text);
		leave(&p);
		settle(loop);
	} while (failed && n < 200);
	cr_expect_gt(n, 5); /* something was allocated */
	cr_expect(!failed);
	finish();
	weft__loop_close(loop);
	(void)request; /* the usual handler is not used here */
}
