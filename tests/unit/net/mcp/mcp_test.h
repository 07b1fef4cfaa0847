/* SPDX-License-Identifier: Apache-2.0 */
/* What the MCP tests share: messages kept in order, compared as JSON, and words about what happened. */
#ifndef WEFT_TESTS_UNIT_NET_MCP_TEST_H
#define WEFT_TESTS_UNIT_NET_MCP_TEST_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <weft/alloc.h>
#include <weft/json.h>

#define SENT_MAX 64u

/* What went out, and what happened, one word after the other. */
static char *sent[SENT_MAX];
static uint32_t sent_count, sent_read;
static int send_answer; /* what the transport answers */
static char events[8192];

static inline void transcript_reset(void)
{
	for (uint32_t i = 0; i < sent_count; i++)
		free(sent[i]);
	sent_count = sent_read = 0;
	send_answer = 0;
	events[0] = '\0';
}

static inline int keep_sent(weft_str text)
{
	if (send_answer < 0)
		return send_answer;
	cr_assert_lt(sent_count, SENT_MAX);
	cr_assert_null(memchr(text.ptr, '\n', text.len_bytes), "a message must be one line");
	sent[sent_count++] = strndup(text.ptr, text.len_bytes);
	return 0;
}

static inline void happened(const char *fmt, ...) WEFT_PRINTF(1, 2);
static inline void happened(const char *fmt, ...)
{
	size_t n = strlen(events);
	va_list args;

	va_start(args, fmt);
	vsnprintf(events + n, sizeof(events) - n, fmt, args);
	va_end(args);
}

/* The events since the last look. */
static inline void expect_events(const char *expected)
{
	cr_assert_str_eq(events, expected);
	events[0] = '\0';
}

static inline bool same_json(const char *a, const char *b)
{
	weft_json_doc *x = NULL, *y = NULL;
	weft_hash128 hx, hy;

	cr_assert_eq(weft_json_parse(weft_str_from(a), &x, NULL), 0, "%s", a);
	cr_assert_eq(weft_json_parse(weft_str_from(b), &y, NULL), 0, "%s", b);
	hx = weft_json_canonical_hash(weft_json_root(x));
	hy = weft_json_canonical_hash(weft_json_root(y));
	weft_json_release(x);
	weft_json_release(y);
	return hx.lo == hy.lo && hx.hi == hy.hi;
}

/* The next message that went out. */
static inline void expect_sent(const char *json)
{
	cr_assert_lt(sent_read, sent_count, "nothing went out; expected %s", json);
	cr_assert(same_json(sent[sent_read], json), "went out: %s\nexpected: %s", sent[sent_read], json);
	sent_read++;
}

static inline void expect_nothing_sent(void)
{
	cr_assert_eq(sent_read, sent_count, "went out: %s", sent[sent_read]);
}

#endif
