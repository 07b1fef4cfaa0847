/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/net/http_server_test.h - a server, and peers that are plain descriptors, in one thread. What the handler does is said by
 * the request's target.
 */
#ifndef WEFT_TESTS_UNIT_NET_HTTP_SERVER_TEST_H
#define WEFT_TESTS_UNIT_NET_HTTP_SERVER_TEST_H

#include "net/http/server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/io/loop.h"
#include "tests/support/http_transcript.h"
#include "tests/support/backends.h"

#define TEXT_BYTES (4u << 20)

/* What the handler has seen. */
static struct {
	struct weft__loop *loop;
	struct weft__http_server *server;
	struct weft__http_exchange *later[8];
	int later_count, requests, gone, drained, closed, left;
	bool in_call;
} now;

struct peer {
	int fd;
	char *text; /* all that came */
	size_t len;
	bool ended;
	int error;
};

/* ---- the handler ---------------------------------------------------------------------- */

static inline void on_gone(struct weft__http_exchange *x)
{
	cr_assert(!now.in_call);
	cr_assert_eq(x->user, &now);
	now.gone++;
}

static inline void on_drained(struct weft__http_exchange *x)
{
	cr_assert(!now.in_call);
	cr_assert_eq(weft__http_unsent(x), 0);
	now.drained++;
	if (now.left > 0 && --now.left >= 0)
		cr_expect_eq(weft__http_write(x, "piece ", 6), 0);
	else
		cr_expect_eq(weft__http_end(x), 0);
}

static inline void answer(struct weft__http_exchange *x, int status, const char *body)
{
	const struct weft__http_field field = { WEFT_STR("X-Test"), WEFT_STR("yes") };

	now.in_call = true;
	cr_expect_eq(weft__http_respond(x, status, &field, 1, weft_str_from(body)), 0);
	now.in_call = false;
}

static inline void answer_big(struct weft__http_exchange *x, size_t len)
{
	char *bytes = malloc(len);

	cr_assert_not_null(bytes);
	memset(bytes, 'x', len);
	cr_expect_eq(weft__http_respond(x, 200, NULL, 0, (weft_str){ bytes, len }), 0);
	free(bytes);
}

static inline void begin(struct weft__http_exchange *x)
{
	cr_expect_eq(weft__http_begin(x, 200, NULL, 0), 0);
	x->user = &now;
	x->gone = on_gone;
}

/* Again and again: the kernel has room for some megabytes. */
static inline void flood(struct weft__http_exchange *x)
{
	static char bytes[65536];
	int n = 0, r;

	while ((r = weft__http_write(x, bytes, sizeof(bytes))) == 0)
		n++;
	cr_expect_eq(r, -ENOBUFS);
	cr_expect_eq(n, 4);
}

static inline void request(struct weft__http_exchange *x, void *user)
{
	const struct weft__http_field bad = { WEFT_STR("X"), WEFT_STR("a\r\nY: b") };
	weft_str t = x->target;

	cr_assert_eq(user, &now);
	cr_assert_null(x->user);
	now.requests++;
	if (weft_str_eq(t, WEFT_STR("/echo"))) {
		cr_expect_eq(weft__http_respond(x, 200, NULL, 0, x->body), 0);
	} else if (weft_str_eq(t, WEFT_STR("/later"))) {
		x->user = &now;
		x->gone = on_gone;
		now.later[now.later_count++] = x;
	} else if (weft_str_eq(t, WEFT_STR("/none"))) {
		answer(x, 204, "");
	} else if (weft_str_eq(t, WEFT_STR("/bad"))) {
		cr_expect_eq(weft__http_respond(x, 200, &bad, 1, WEFT_STR("never")), -EINVAL);
	} else if (weft_str_eq(t, WEFT_STR("/big"))) {
		answer_big(x, 3u << 20);
	} else if (weft_str_eq(t, WEFT_STR("/huge"))) {
		answer_big(x, 14u << 20);
	} else if (weft_str_eq(t, WEFT_STR("/stream"))) {
		begin(x);
		x->drained = on_drained;
		now.left = 3;
	} else if (weft_str_eq(t, WEFT_STR("/flood"))) {
		begin(x);
		x->drained = flood;
		flood(x);
	} else if (weft_str_eq(t, WEFT_STR("/abort"))) {
		weft__http_abort(x);
	} else {
		char text[300];

		snprintf(text, sizeof(text), "%.*s %.*s", WEFT_STR_ARG(x->method), WEFT_STR_ARG(t));
		answer(x, 200, text);
	}
}

static inline void on_closed(const struct weft__http_server_stats *stats, void *user)
{
	cr_assert_eq(stats->connections, 0);
	cr_assert_eq(user, &now);
	now.closed++;
	now.server = NULL;
}

/* ---- server and peers ----------------------------------------------------------------- */

static inline void serve(struct weft__loop *loop, struct weft__http_server_options *o)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	weft_error err = { 0 };

	memset(&now, 0, sizeof(now));
	now.loop = loop;
	o->address = (const struct sockaddr *)&addr;
	o->address_len = sizeof(addr);
	o->request = request;
	o->closed = on_closed;
	o->user = &now;
	cr_assert_eq(weft__http_server_open(loop, o, &now.server, &err), 0, "%s", err.message);
}

static inline void serve_plainly(struct weft__loop *loop)
{
	struct weft__http_server_options o = { .address = NULL };

	serve(loop, &o);
}

static inline void finish(void)
{
	if (now.server)
		weft__http_server_close(now.server, true);
	turn_until(now.loop, &now.closed, 1);
}

static inline struct peer join_small(int receive_bytes)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(weft__http_server_port(now.server)),
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct peer p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .text = malloc(TEXT_BYTES) };

	cr_assert(p.fd >= 0 && p.text);
	if (receive_bytes)
		setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	cr_assert_eq(connect(p.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fcntl(p.fd, F_SETFL, O_NONBLOCK);
	p.text[0] = '\0';
	return p;
}

static inline struct peer join(void)
{
	return join_small(0);
}

static inline void leave(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	free(p->text);
	p->text = NULL;
}

static inline void leave_with_reset(struct peer *p)
{
	struct linger at_once = { 1, 0 };

	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	leave(p);
}

static inline void say_bytes(struct peer *p, const char *bytes, size_t len)
{
	uint64_t end = weft_now_ns() + 60 * SECOND;

	while (len && weft_now_ns() < end) {
		ssize_t n = send(p->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0) {
			cr_assert_eq(errno, EAGAIN);
			weft__loop_wait(now.loop, MS);
			continue;
		}
		bytes += n;
		len -= (size_t)n;
	}
	cr_assert_eq(len, 0);
}

static inline void say(struct peer *p, const char *text)
{
	say_bytes(p, text, strlen(text));
}

static inline bool hear(struct peer *p)
{
	ssize_t n = recv(p->fd, p->text + p->len, TEXT_BYTES - p->len - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		p->ended = true;
		p->error = n < 0 ? errno : 0;
		return false;
	}
	p->len += (size_t)n;
	p->text[p->len] = '\0';
	return true;
}

/* Until count of what was asked for have come, or the end. */
static inline void hear_until(struct peer *p, const char *what, int count)
{
	uint64_t end = weft_now_ns() + 60 * SECOND;
	const char *at = p->text;

	while (count && !p->ended && weft_now_ns() < end) {
		const char *found = strstr(at, what);

		if (found) {
			at = found + strlen(what);
			count--;
		} else if (!hear(p)) {
			weft__loop_wait(now.loop, MS);
		}
	}
	cr_assert_eq(count, 0, "%d times \"%s\" is missing in %zu bytes: %.600s", count, what, p->len, p->text);
}

static inline void hear_all(struct peer *p)
{
	uint64_t end = weft_now_ns() + 60 * SECOND;

	while (!p->ended && weft_now_ns() < end) {
		if (!hear(p))
			weft__loop_wait(now.loop, MS);
	}
	cr_assert(p->ended, "no end behind %.300s", p->text);
}

static inline void turn_until_later(int count)
{
	turn_until(now.loop, &now.later_count, count);
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

#endif
