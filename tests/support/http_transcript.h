/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/http_transcript.h - what a parser of net/http told, as text: two that told the same wrote the same.
 *
 * A body's pieces are joined, so a transcript does not depend on where the bytes were cut. Each piece is fed from
 * memory of its own, so that strings that outlive their call are found by a sanitizer.
 */
#ifndef WEFT_TESTS_SUPPORT_HTTP_TRANSCRIPT_H
#define WEFT_TESTS_SUPPORT_HTTP_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/parse.h"

struct transcript {
	char *text;
	size_t len, cap;
	bool in_body;
	int stop_at; /* the sink that says so returns -7: 'h', 'b', 'e', 'i' */
};

static inline void transcript_add(struct transcript *t, const void *bytes, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len + 1) * 2;
		t->text = realloc(t->text, t->cap);
		if (!t->text)
			abort();
	}
	if (len)
		memcpy(t->text + t->len, bytes, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static inline void transcript_str(struct transcript *t, const char *before, weft_str s)
{
	t->in_body = false;
	transcript_add(t, before, strlen(before));
	transcript_add(t, s.ptr, s.len_bytes);
	transcript_add(t, "\n", 1);
}

static inline void transcript_line(struct transcript *t, const char *what, uint64_t number)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s%s %lld\n", t->in_body ? "\n" : "", what, (long long)number);

	t->in_body = false;
	transcript_add(t, line, (size_t)n);
}

static inline void transcript_head(struct transcript *t, struct weft__http_parser *p, const char *what)
{
	transcript_line(t, what, p->status);
	transcript_str(t, "method ", p->method);
	transcript_str(t, "target ", p->target);
	transcript_str(t, "reason ", p->reason);
	transcript_line(t, "minor", p->minor);
	transcript_line(t, "keep", p->keep_alive);
	transcript_line(t, "chunked", p->chunked);
	transcript_line(t, "length", p->content_length);
	transcript_line(t, "continue", p->expect_continue);
	for (uint32_t i = 0; i < p->field_count; i++) {
		transcript_str(t, "  ", p->fields[i].name);
		transcript_str(t, "    ", p->fields[i].value);
	}
}

static inline int transcript_on_head(struct weft__http_parser *p, void *user)
{
	struct transcript *t = user;

	transcript_head(t, p, "head");
	return t->stop_at == 'h' ? -7 : 0;
}

static inline int transcript_on_info(struct weft__http_parser *p, void *user)
{
	struct transcript *t = user;

	transcript_head(t, p, "info");
	return t->stop_at == 'i' ? -7 : 0;
}

static inline int transcript_on_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	struct transcript *t = user;

	(void)p;
	if (!len)
		abort();
	if (!t->in_body)
		transcript_add(t, "body ", 5);
	t->in_body = true;
	transcript_add(t, bytes, len);
	return t->stop_at == 'b' ? -7 : 0;
}

static inline int transcript_on_end(struct weft__http_parser *p, void *user)
{
	struct transcript *t = user;

	transcript_line(t, "end, keep", p->keep_alive);
	if (!p->done)
		abort();
	return t->stop_at == 'e' ? -7 : 0;
}

static const struct weft__http_sink transcript_sink = { transcript_on_head, transcript_on_body, transcript_on_end,
	                                                transcript_on_info };

/* One piece. False: it was refused, and the transcript says so. */
static inline bool transcript_feed(struct transcript *t, struct weft__http_parser *p, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	size_t at = 0, used;
	int r = 0;

	if (!copy)
		abort();
	if (len)
		memcpy(copy, bytes, len);
	while (at < len && r == 0) {
		if (p->done)
			weft__http_parser_next(p);
		r = weft__http_parse(p, copy + at, len - at, &used);
		if (used > len - at || (r == 0 && !p->done && used != len - at))
			abort();
		at += used;
	}
	free(copy);
	if (r == 0)
		return true;
	transcript_line(t, "refused", (uint64_t)(int64_t)r);
	if (r != -7)
		transcript_str(t, "because ", weft_str_from(p->error));
	return false;
}

/*
 * All of the bytes, cut at `cut` (0: not at all; SIZE_MAX: behind each), then the end of the connection. Messages follow one
 * another. The text is the caller's to free.
 */
static inline char *transcript_of(int kind, const struct weft__http_limits *limits, int answer_to, int stop_at,
                                  const uint8_t *bytes, size_t len, size_t cut)
{
	struct transcript t = { .stop_at = stop_at };
	struct weft__http_parser p;
	bool fine = true;
	int r;

	weft__http_parser_init(&p, kind, limits, &transcript_sink, &t);
	weft__http_parser_expect(&p, answer_to);
	if (cut == SIZE_MAX) {
		for (size_t i = 0; i < len && fine; i++)
			fine = transcript_feed(&t, &p, bytes + i, 1);
	} else {
		fine = !cut || transcript_feed(&t, &p, bytes, cut);
		fine = fine && transcript_feed(&t, &p, bytes + cut, len - cut);
	}
	if (fine) {
		r = weft__http_parse_eof(&p);
		transcript_line(&t, "eof", (uint64_t)(int64_t)r);
	}
	weft__http_parser_fini(&p);
	return t.text;
}

#endif
