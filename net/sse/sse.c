/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/sse/sse.c - lines cut out of the bytes, fields out of the lines, events out of the fields.
 *
 * A line that lies in one piece is read where it lies; else its beginning waits in s->line. The data of an event is
 * remembered as a place in the fed bytes (s->one) as long as it is one such line, and copied when there is a second
 * one, or when the fed bytes go away. Comments, which servers send to keep a connection alive, are never kept.
 */
#include "net/sse/sse.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/message.h"

#define BUF_CAP_FIRST 256u
#define BUF_KEPT_MAX (64u << 10) /* what a large event leaves behind is given back */

static const char bom[] = "\xef\xbb\xbf";

void weft__sse_init(struct weft__sse *s, uint32_t bytes_max, int (*event)(const struct weft__sse_event *, void *), void *user)
{
	memset(s, 0, sizeof(*s));
	s->event = event;
	s->user = user;
	s->bytes_max = bytes_max ? bytes_max : WEFT__SSE_EVENT_BYTES_MAX;
}

static void buf_fini(struct weft__sse_buf *b)
{
	weft_free(b->ptr);
	*b = (struct weft__sse_buf){ .ptr = NULL };
}

void weft__sse_fini(struct weft__sse *s)
{
	buf_fini(&s->line);
	buf_fini(&s->data);
	buf_fini(&s->type);
	buf_fini(&s->id);
}

static int fail(struct weft__sse *s, int status, const char *why)
{
	s->status = status;
	s->error = why;
	return status;
}

/* Bounded by bytes_max, a uint32_t. */
static int append(struct weft__sse *s, struct weft__sse_buf *b, weft_str text)
{
	uint64_t need = (uint64_t)b->len + text.len_bytes, cap = b->cap ? b->cap : BUF_CAP_FIRST;
	char *more;

	if (need > s->bytes_max)
		return fail(s, -EMSGSIZE, "an event is too long");
	while (cap < need)
		cap *= 2;
	cap = cap > UINT32_MAX ? UINT32_MAX : cap;
	if (cap > b->cap) {
		more = weft_realloc(b->ptr, cap);
		if (!more)
			return fail(s, -ENOMEM, "no memory for an event");
		b->ptr = more;
		b->cap = (uint32_t)cap;
	}
	if (text.len_bytes)
		memcpy(b->ptr + b->len, text.ptr, text.len_bytes);
	b->len = (uint32_t)need;
	return 0;
}

static int set(struct weft__sse *s, struct weft__sse_buf *b, weft_str text)
{
	b->len = 0;
	return append(s, b, text);
}

static weft_str str_of(const struct weft__sse_buf *b)
{
	return (weft_str){ b->ptr, b->len };
}

/* The fed bytes go away, or there is more data: from a place to a copy. */
static int keep_one(struct weft__sse *s)
{
	if (!s->has_one)
		return 0;
	s->has_one = false;
	return set(s, &s->data, s->one);
}

/* fed: value lies in the fed bytes. */
static int add_data(struct weft__sse *s, weft_str value, bool fed)
{
	int r;

	if (!s->has_data) {
		s->has_data = true;
		s->data.len = 0;
		s->has_one = fed;
		s->one = value;
		return fed ? 0 : append(s, &s->data, value);
	}
	r = keep_one(s);
	if (r == 0)
		r = append(s, &s->data, WEFT_STR("\n"));
	return r == 0 ? append(s, &s->data, value) : r;
}

static int dispatch(struct weft__sse *s)
{
	struct weft__sse_event event = { .data = s->has_one ? s->one : str_of(&s->data), .id = str_of(&s->id) };
	int r;

	event.type = s->type.len ? str_of(&s->type) : WEFT_STR("message");
	s->type.len = 0;
	if (!s->has_data)
		return 0;
	s->has_data = s->has_one = false;
	s->data.len = 0;
	s->events++;
	r = s->event(&event, s->user);
	if (r == 0 && s->data.cap > BUF_KEPT_MAX)
		buf_fini(&s->data);
	return r;
}

static int field(struct weft__sse *s, weft_str name, weft_str value, bool fed)
{
	uint64_t ms;

	if (weft_str_eq(name, WEFT_STR("data")))
		return add_data(s, value, fed);
	if (weft_str_eq(name, WEFT_STR("event")))
		return set(s, &s->type, value);
	if (weft_str_eq(name, WEFT_STR("id")) && !(value.len_bytes && memchr(value.ptr, '\0', value.len_bytes)))
		return set(s, &s->id, value);
	if (weft_str_eq(name, WEFT_STR("retry")) && weft__http_number(value, &ms))
		s->retry_ms = ms;
	return 0;
}

/* A complete line without its end. */
static int take_line(struct weft__sse *s, weft_str line, bool fed)
{
	const char *colon;
	weft_str name = line, value = { NULL, 0 };

	if (!line.len_bytes)
		return dispatch(s);
	if (line.ptr[0] == ':')
		return 0;
	if (line.len_bytes > s->bytes_max)
		return fail(s, -EMSGSIZE, "a line of an event stream is too long");
	colon = memchr(line.ptr, ':', line.len_bytes);
	if (colon) {
		name.len_bytes = (size_t)(colon - line.ptr);
		value = (weft_str){ colon + 1, line.len_bytes - name.len_bytes - 1 };
		if (value.len_bytes && *value.ptr == ' ') {
			value.ptr++;
			value.len_bytes--;
		}
	}
	return field(s, name, value, fed);
}

/* The bytes up to the end of a line: with what came before them, the line. */
static int end_line(struct weft__sse *s, weft_str rest)
{
	int r;

	if (s->in_comment) {
		s->in_comment = false;
		return 0;
	}
	if (!s->line.len)
		return take_line(s, rest, true);
	r = append(s, &s->line, rest);
	if (r < 0)
		return r;
	rest = str_of(&s->line);
	s->line.len = 0;
	return take_line(s, rest, false);
}

/* The bytes of a line whose end has not come. */
static int keep_line(struct weft__sse *s, weft_str part)
{
	if (s->in_comment || !part.len_bytes)
		return 0;
	if (!s->line.len && part.ptr[0] == ':') {
		s->in_comment = true;
		return 0;
	}
	return append(s, &s->line, part);
}

/* A byte order mark at the very beginning is left out; what only began like one belongs to the first line. */
static int take_bom(struct weft__sse *s, const char **at, const char *stop)
{
	weft_str seen = { bom, 0 };

	while (s->bom < 3 && *at < stop && **at == bom[s->bom]) {
		s->bom++;
		++*at;
	}
	if (s->bom == 3 || *at == stop)
		return 0;
	seen.len_bytes = s->bom;
	s->bom = 3;
	return append(s, &s->line, seen);
}

static const char *find(const char *at, const char *stop, char c)
{
	const char *found = memchr(at, c, (size_t)(stop - at));

	return found ? found : stop;
}

/* Lines of the bytes. The next LF is looked for once, and a CR only before it: each byte is seen twice at most. */
static int take_lines(struct weft__sse *s, const char *at, const char *stop)
{
	const char *lf = NULL, *end;
	int r;

	while (at < stop) {
		if (s->after_cr && *at == '\n') {
			s->after_cr = false;
			at++;
			continue;
		}
		s->after_cr = false;
		if (!lf || lf < at)
			lf = find(at, stop, '\n');
		end = find(at, lf, '\r');
		if (end == stop)
			return keep_line(s, (weft_str){ at, (size_t)(stop - at) });
		s->after_cr = *end == '\r';
		r = end_line(s, (weft_str){ at, (size_t)(end - at) });
		if (r < 0)
			return r; /* event's: s may be gone */
		at = end + 1;
	}
	return 0;
}

int weft__sse_feed(struct weft__sse *s, const void *bytes, size_t len)
{
	const char *at = bytes, *stop = len ? at + len : at;
	int r = s->status;

	if (r == 0 && s->bom < 3)
		r = take_bom(s, &at, stop);
	if (r == 0)
		r = take_lines(s, at, stop);
	return r == 0 ? keep_one(s) : r;
}

bool weft__sse_finish(struct weft__sse *s)
{
	bool cut_off = s->has_data || s->line.len;

	s->has_data = s->has_one = s->in_comment = false;
	s->line.len = s->data.len = s->type.len = 0;
	return cut_off;
}
