/* SPDX-License-Identifier: Apache-2.0 */
/* How connections of the HTTP server end: by time, by either side, with the server, with the loop. See http_server_test.h. */
#include "http_server_test.h"

#include "tests/support/leap.h"

/* ---- time ----------------------------------------------------------------------------- */

static void time__of_each_kind_runs_out(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .head_ns = TEST_HOUR, .body_ns = TEST_HOUR, .idle_ns = TEST_HOUR };
	struct peer silent, head, body, idle;

	test_leaps();
	serve(loop, &o);
	silent = join();
	head = join();
	body = join();
	idle = join();
	say(&head, "GET / HTT");
	say(&body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
	say(&idle, GET("/a"));
	hear_until(&idle, "HTTP/1.1 200 ", 1);
	settle(loop);
	test_leap(TEST_HOUR);
	hear_all(&silent);
	hear_all(&head);
	hear_all(&body);
	hear_all(&idle);
	cr_expect_eq(silent.len, 0);
	cr_expect(!strncmp(head.text, "HTTP/1.1 408 ", 13), "%s", head.text);
	cr_expect(!strncmp(body.text, "HTTP/1.1 408 ", 13), "%s", body.text);
	cr_expect(!strncmp(idle.text, "HTTP/1.1 200 ", 13), "%s", idle.text);
	leave(&silent);
	leave(&head);
	leave(&body);
	leave(&idle);
	finish();
}

ON_BOTH(http_server, time__of_each_kind_runs_out)

/*
 * The alarm of before rings too early: for p, who asks again, and for waiting, whose answer may take for ever. For idle, who does not,
 * it rings again; and what may take less long is not late because of it.
 */
static void time__is_put_off_by_each_request(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .head_ns = 2 * TEST_HOUR, .idle_ns = 4 * TEST_HOUR };
	struct peer p, idle, waiting;

	test_leaps();
	serve(loop, &o);
	p = join();
	idle = join();
	waiting = join();
	say(&waiting, GET("/later"));
	say(&idle, GET("/a"));
	hear_until(&idle, "HTTP/1.1 200 ", 1);
	for (int i = 1; i <= 3; i++) {
		say(&p, GET("/a"));
		hear_until(&p, "HTTP/1.1 200 ", i);
		settle(loop);
		test_leap(3 * TEST_HOUR);
		settle(loop);
	}
	hear_all(&idle);
	say(&p, GET("/a"));
	hear_until(&p, "HTTP/1.1 200 ", 4);
	test_leap(TEST_HOUR + TEST_HOUR / 2);
	settle(loop);
	say(&p, "GET / HTT");
	settle(loop);
	test_leap(2 * TEST_HOUR);
	hear_all(&p);
	cr_expect_not_null(strstr(p.text, "HTTP/1.1 408 "), "%s", p.text);
	cr_assert_eq(now.later_count, 1);
	answer(now.later[0], 200, "at last");
	hear_until(&waiting, "at last", 1);
	leave(&p);
	leave(&idle);
	leave(&waiting);
	finish();
}

ON_BOTH(http_server, time__is_put_off_by_each_request)

static void wait_until(struct weft__loop *loop, uint64_t at_ns)
{
	for (uint64_t now_ns; (now_ns = weft_now_ns()) < at_ns;)
		weft__loop_wait(loop, at_ns - now_ns);
}

/* A thousand bytes, 5 ms apart, of which each buys one: they would take 5 s. */
static void time__of_a_body_that_trickles(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .body_ns = 200 * MS };
	struct weft__http_server_stats stats = { .refused = 0 };
	struct peer p;
	int said = 0;

	serve(loop, &o);
	p = join();
	say(&p, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
	for (; said < 1000 && !stats.refused; said++) {
		say(&p, "x");
		wait_until(loop, weft_now_ns() + 5 * MS);
		weft__http_server_stats(now.server, &stats);
	}
	cr_expect_lt(said, 1000);
	hear_all(&p);
	cr_expect(!strncmp(p.text, "HTTP/1.1 408 ", 13), "%s", p.text);
	leave(&p);
	finish();
}

ON_BOTH(http_server, time__of_a_body_that_trickles)

/* Longer than body_ns in all, and fast enough. */
static void time__of_a_body_that_takes_long(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .body_ns = 4 * TEST_HOUR };
	char piece[1025];
	struct peer p;

	test_leaps();
	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	serve(loop, &o);
	p = join();
	say(&p, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5120\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		test_leap(TEST_HOUR);
		say(&p, piece);
		settle(loop);
	}
	hear_until(&p, "HTTP/1.1 200 ", 1);
	leave(&p);
	finish();
}

ON_BOTH(http_server, time__of_a_body_that_takes_long)

static void time__of_a_peer_that_takes_nothing(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .send_ns = 30 * MS };
	struct weft__http_server_stats stats;
	struct peer p, q;

	serve(loop, &o);
	p = join_small(4096);
	q = join_small(4096);
	say(&p, GET("/flood"));
	say(&q, GET("/huge"));
	turn_until(loop, &now.gone, 1);
	for (int i = 0; i < 30000; i++) {
		weft__http_server_stats(now.server, &stats);
		if (!stats.connections)
			break;
		weft__loop_wait(loop, 2 * MS);
	}
	cr_expect_eq(stats.connections, 0);
	hear_all(&p);
	hear_all(&q);
	cr_expect(p.error == ECONNRESET && q.error == ECONNRESET);
	leave(&p);
	leave(&q);
	finish();
}

ON_BOTH(http_server, time__of_a_peer_that_takes_nothing)

/* ---- ends ----------------------------------------------------------------------------- */

static void abort__is_a_reset(struct weft__loop *loop)
{
	struct weft__http_server_stats stats;
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/abort"));
	hear_all(&p);
	cr_expect_eq(p.error, ECONNRESET);
	weft__http_server_stats(now.server, &stats);
	cr_expect_eq(stats.gone, 0);
	leave(&p);
	p = join();
	say(&p, GET("/later"));
	turn_until_later(1);
	begin(now.later[0]);
	cr_expect_eq(weft__http_write(now.later[0], "half", 4), 0);
	hear_until(&p, "4\r\nhalf\r\n", 1);
	now.in_call = true;
	weft__http_abort(now.later[0]);
	now.in_call = false;
	hear_all(&p);
	cr_expect_eq(p.error, ECONNRESET);
	cr_expect_eq(now.gone, 0);
	leave(&p);
	finish();
}

ON_BOTH(http_server, abort__is_a_reset)

static void gone__is_told_when_the_peer_leaves(struct weft__loop *loop)
{
	struct weft__http_server_stats stats;
	struct peer p, q;

	serve_plainly(loop);
	p = join();
	q = join();
	say(&p, GET("/later"));
	say(&q, GET("/later") GET("/next"));
	turn_until_later(2);
	leave_with_reset(&p);
	turn_until(loop, &now.gone, 1);
	leave_with_reset(&q);
	turn_until(loop, &now.gone, 2);
	weft__http_server_stats(now.server, &stats);
	cr_expect_eq(stats.gone, 2);
	cr_expect_eq(now.requests, 2);
	finish();
}

ON_BOTH(http_server, gone__is_told_when_the_peer_leaves)

/* A peer that closes looks like one that is done asking, until something is sent to it. */
static void gone__is_told_to_who_streams(struct weft__loop *loop)
{
	struct peer p;
	int r = 0;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/later"));
	turn_until_later(1);
	begin(now.later[0]);
	leave(&p);
	for (int i = 0; i < 1000 && !now.gone && r == 0; i++) {
		r = weft__http_write(now.later[0], "piece", 5);
		weft__loop_wait(loop, MS);
	}
	cr_expect_eq(now.gone, 1);
	finish();
}

ON_BOTH(http_server, gone__is_told_to_who_streams)

static void close__lets_be_answered_what_was_begun(struct weft__loop *loop)
{
	struct peer idle, busy, half;
	uint16_t port;

	serve_plainly(loop);
	port = weft__http_server_port(now.server);
	cr_expect_neq(port, 0);
	idle = join();
	busy = join();
	half = join();
	say(&idle, GET("/a"));
	say(&busy, GET("/later"));
	say(&half, "GET /half HT");
	hear_until(&idle, "GET /a", 1);
	turn_until_later(1);
	weft__http_server_close(now.server, false);
	hear_all(&idle);
	settle(loop);
	cr_expect_eq(now.closed, 0);
	answer(now.later[0], 200, "done");
	say(&half, "TP/1.1\r\nHost: a\r\n\r\n");
	hear_all(&busy);
	hear_all(&half);
	cr_expect(strstr(busy.text, "Connection: close\r\n") && strstr(busy.text, "done"), "%s", busy.text);
	cr_expect(strstr(half.text, "Connection: close\r\n") && strstr(half.text, "GET /half"), "%s", half.text);
	leave(&idle);
	leave(&busy);
	leave(&half);
	turn_until(loop, &now.closed, 1);
	cr_expect_eq(now.gone, 0);
}

ON_BOTH(http_server, close__lets_be_answered_what_was_begun)

/* Its head said that the connection stays; the server does not wait for another request on it. */
static void close__behind_an_answer_that_was_begun(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/later"));
	turn_until_later(1);
	begin(now.later[0]);
	weft__http_server_close(now.server, false);
	cr_expect_eq(weft__http_end(now.later[0]), 0);
	hear_all(&p);
	cr_expect(p.error == 0 && strstr(p.text, "\r\n\r\n0\r\n\r\n"), "%s", p.text);
	leave(&p);
	turn_until(loop, &now.closed, 1);
}

ON_BOTH(http_server, close__behind_an_answer_that_was_begun)

static void close_now__ends_everything(struct weft__loop *loop)
{
	struct peer p, q;

	serve_plainly(loop);
	p = join();
	q = join();
	say(&p, GET("/later") GET("/kept"));
	say(&q, GET("/a"));
	turn_until_later(1);
	hear_until(&q, "GET /a", 1);
	weft__http_server_close(now.server, false);
	cr_expect_eq(now.gone, 0);
	weft__http_server_close(now.server, true);
	cr_expect_eq(now.gone, 1);
	cr_expect_eq(now.closed, 0, "never inside close");
	hear_all(&p);
	hear_all(&q);
	turn_until(loop, &now.closed, 1);
	leave(&p);
	leave(&q);
}

ON_BOTH(http_server, close_now__ends_everything)

static void close__between_kept_requests(struct weft__loop *loop)
{
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/later") GET("/kept") GET("/kept"));
	turn_until_later(1);
	settle(loop);
	answer(now.later[0], 200, "later"); /* the job that goes on is queued */
	weft__http_server_close(now.server, true);
	turn_until(loop, &now.closed, 1);
	settle(loop);
	cr_expect_eq(now.requests, 1);
	leave(&p);
}

ON_BOTH(http_server, close__between_kept_requests)

/* The loop ends with a server that nobody closed. */
static void loop_ends(weft_io_backend backend)
{
	struct weft__loop *loop = loop_make(backend);
	struct peer p;

	serve_plainly(loop);
	p = join();
	say(&p, GET("/later"));
	turn_until_later(1);
	weft__loop_retire(loop);
	cr_expect_eq(now.closed, 1);
	cr_expect_eq(now.gone, 1);
	leave(&p);
	weft__loop_close(loop);
}

Test(http_server_uring, loop__ends_it)
{
	loop_ends(WEFT_IO_URING);
}

Test(http_server_epoll, loop__ends_it)
{
	loop_ends(WEFT_IO_EPOLL);
}

static void open__says_what_is_wrong(struct weft__loop *loop)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct weft__http_server_options o = { .address = (const struct sockaddr *)&addr, .address_len = sizeof(addr), .request = request };
	struct weft__http_server *second = NULL;
	weft_error err = { 0 };

	serve_plainly(loop);
	addr.sin_port = htons(weft__http_server_port(now.server));
	cr_expect_eq(weft__http_server_open(loop, &o, &second, &err), -EADDRINUSE);
	cr_expect(strstr(err.message, "cannot listen"), "%s", err.message);
	o.request = NULL;
	cr_expect_eq(weft__http_server_open(loop, &o, &second, NULL), -EINVAL);
	cr_expect_null(second);
	finish();
}

ON_BOTH(http_server, open__says_what_is_wrong)
