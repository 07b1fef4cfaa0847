/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/http_asker.h - calls of the HTTP client that keep what they were told, for tests to look at. */
#ifndef WEFT_TESTS_SUPPORT_HTTP_ASKER_H
#define WEFT_TESTS_SUPPORT_HTTP_ASKER_H

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/client.h"
#include "net/http/message.h"
#include "tests/support/turn.h"

struct asker {
	struct weft__http_call call; /* first */
	int done, status;            /* status of done */
	int heads, http_status;
	char fields[4096]; /* "Name: value\n" ... */
	char *body;
	size_t len;
	int bodies;
	uint64_t hash; /* of the body, when drop is set */
	bool drop;     /* do not keep the body */
	bool cancel_in_head, cancel_in_body, pause_in_body, in_call;
	void (*then)(struct asker *a); /* called in done */
};

static inline void asker_head(struct weft__http_call *call, int status, const struct weft__http_field *fields,
                              uint32_t n)
{
	struct asker *a = (struct asker *)call;
	size_t at = 0;

	cr_assert_not(a->in_call, "never inside a call of the client's");
	cr_assert_eq(a->done, 0);
	cr_assert_eq(a->bodies, 0, "the head is first");
	a->heads++;
	a->http_status = status;
	for (uint32_t i = 0; i < n && at + 1 < sizeof(a->fields); i++)
		at += (size_t)snprintf(a->fields + at, sizeof(a->fields) - at, "%.*s: %.*s\n",
		                       WEFT_STR_ARG(fields[i].name), WEFT_STR_ARG(fields[i].value));
	if (a->cancel_in_head)
		weft__http_cancel(call);
}

static inline void asker_body(struct weft__http_call *call, const uint8_t *bytes, size_t len)
{
	struct asker *a = (struct asker *)call;

	cr_assert_not(a->in_call);
	cr_assert_eq(a->done, 0);
	cr_assert_eq(a->heads, 1);
	cr_assert_gt(len, 0u);
	a->bodies++;
	for (size_t i = 0; a->drop && i < len; i++)
		a->hash = (a->hash ^ bytes[i]) * 0x100000001b3u;
	if (!a->drop) {
		a->body = realloc(a->body, a->len + len + 1);
		memcpy(a->body + a->len, bytes, len);
		a->body[a->len + len] = '\0';
	}
	a->len += len;
	if (a->pause_in_body)
		weft__http_pause(call, true);
	if (a->cancel_in_body)
		weft__http_cancel(call);
}

static inline void asker_done(struct weft__http_call *call, int status)
{
	struct asker *a = (struct asker *)call;

	cr_assert_not(a->in_call);
	cr_assert_eq(a->done, 0, "once");
	cr_assert_null(call->flight);
	if (status < 0) {
		cr_expect_eq(call->error.code, status);
		cr_expect_neq(call->error.message[0], '\0');
	}
	a->done++;
	a->status = status;
	if (a->then)
		a->then(a);
}

/* Once more: what it has is dropped. */
static inline void asker_clear(struct asker *a)
{
	free(a->body);
	*a = (struct asker){.drop = a->drop, .then = a->then};
}

static inline int asker_start(struct weft__loop *loop, struct asker *a, const struct weft__http_request *req)
{
	int r;

	a->call.head = asker_head;
	a->call.body = asker_body;
	a->call.done = asker_done;
	a->in_call = true;
	r = weft__http_start(loop, &a->call, req);
	a->in_call = false;
	if (r < 0) {
		cr_expect_eq(a->call.error.code, r);
		cr_expect_neq(a->call.error.message[0], '\0');
	}
	return r;
}

/* Start it and wait for its end; the status of done. */
static inline int asker_run(struct weft__loop *loop, struct asker *a, const struct weft__http_request *req)
{
	cr_assert_eq(asker_start(loop, a, req), 0, "%s", a->call.error.message);
	test_turn(loop, &a->done, 1);
	return a->status;
}

/* Everything that the client of the loop began has ended. */
static inline void asker_all_ended(struct weft__loop *loop)
{
	struct weft__http_counts c;

	for (int i = 0; i < 6000; i++) { /* a minute at most */
		weft__http_flush(loop); /* a connection that nobody waited for may have become idle */
		weft__http_counts(loop, &c);
		if (c.opened == c.closed)
			break;
		weft__loop_wait(loop, 10 * TEST_MS);
	}
	weft__http_counts(loop, &c);
	cr_expect_eq(c.started, c.done, "%lu started, %lu done", c.started, c.done);
	cr_expect_eq(c.opened, c.closed, "%lu opened, %lu closed", c.opened, c.closed);
	cr_expect_eq(c.idle + c.busy + c.waiting, 0u);
}

#endif
