/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/head.c - the lines of a head: start line, fields, and what the fields say of the body.
 *
 * A line is read from left to right, once. What is wrong with it is said only when its LF has come, so that the
 * same bytes are refused at the same place however they were cut; until then it is cut.
 */
#include "net/http/head.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/chars.h"

#define FIELDS_FIRST 16u

static weft_str str_between(const uint8_t *from, const uint8_t *to)
{
	return (weft_str){ (const char *)from, (size_t)(to - from) };
}

/* The line from `line` on is wrong, if it is one: else more of it may come. */
static __attribute__((noinline, cold)) int refuse_line(struct weft__http_parser *p, const uint8_t *line, const uint8_t *stop,
                                                       int error, const char *why)
{
	if (!memchr(line, '\n', (size_t)(stop - line)))
		return WEFT__LINE_CUT;
	return weft__http_refuse(p, error, why);
}

/* CR LF at `at`? Then *ret stands behind it. */
static inline bool line_ends(const uint8_t *at, const uint8_t *stop, const uint8_t **ret)
{
	if (stop - at < 2 || at[0] != '\r' || at[1] != '\n')
		return false;
	*ret = at + 2;
	return true;
}

/* ---- the start line ------------------------------------------------------------------- */

/* "HTTP/1.0" or "HTTP/1.1"; the version of a well-formed other one is told apart. */
static int version(struct weft__http_parser *p, const uint8_t *at, size_t len)
{
	if (len < 8 || memcmp(at, "HTTP/", 5) || (uint8_t)(at[5] - '0') > 9 || at[6] != '.' || (uint8_t)(at[7] - '0') > 9)
		return -EBADMSG;
	if (at[5] != '1')
		return -EPROTONOSUPPORT;
	p->minor = at[7] == '0' ? 0 : 1; /* 1.2 would be answered as 1.1 */
	return 0;
}

/* One of the four forms: "/path?query", "scheme://...", "*" of OPTIONS, "host:port" of CONNECT. */
static bool is_target(weft_str method, weft_str target)
{
	if (method.len_bytes == 7 && weft_str_eq(method, WEFT_STR("CONNECT")))
		return memchr(target.ptr, ':', target.len_bytes) && !memchr(target.ptr, '/', target.len_bytes);
	if (target.ptr[0] == '/')
		return true;
	if (weft_str_eq(target, WEFT_STR("*")))
		return weft_str_eq(method, WEFT_STR("OPTIONS"));
	return weft__char_is((uint8_t)target.ptr[0], WEFT__CHAR_HOST) && memmem(target.ptr, target.len_bytes, "://", 3);
}

static int request_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	const uint8_t *line = *at, *method = weft__chars_end(line, stop, WEFT__CHAR_TOKEN), *target, *end;
	int r;

	if (method == line || method == stop || *method != ' ')
		return refuse_line(p, line, stop, -EBADMSG, "the request line does not begin with a method");
	target = weft__chars_end(method + 1, stop, WEFT__CHAR_TARGET);
	if (target == method + 1 || target == stop || *target != ' ')
		return refuse_line(p, line, stop, -EBADMSG, "the target of the request is not well-formed");
	end = target + 1;
	r = version(p, end, (size_t)(stop - end));
	if (r < 0)
		return refuse_line(p, line, stop, r, r == -EBADMSG ? "the request line does not end in a version" :
		                                                   "only HTTP/1.1 and HTTP/1.0 are spoken here");
	if (!line_ends(end + 8, stop, at))
		return refuse_line(p, line, stop, -EBADMSG, "the request line does not end in CR LF");
	p->method = str_between(line, method);
	p->target = str_between(method + 1, target);
	if (!is_target(p->method, p->target))
		return weft__http_refuse(p, -EBADMSG, "the target of the request is not well-formed");
	return WEFT__LINE_DONE;
}

static int status_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	const uint8_t *line = *at, *reason, *end;
	unsigned status = 0;
	int r = version(p, line, (size_t)(stop - line));

	if (r < 0)
		return refuse_line(p, line, stop, r, r == -EBADMSG ? "the answer does not begin with HTTP/1" :
		                                                   "only HTTP/1.1 and HTTP/1.0 are spoken here");
	if (stop - line < 13 || line[8] != ' ')
		return refuse_line(p, line, stop, -EBADMSG, "the status is not of three digits");
	for (int i = 9; i < 12; i++) {
		if ((uint8_t)(line[i] - '0') > 9)
			return refuse_line(p, line, stop, -EBADMSG, "the status is not of three digits");
		status = status * 10 + (unsigned)(line[i] - '0');
	}
	reason = line + 12; /* the blank before an empty reason is often left out */
	if (status < 100 || (*reason != ' ' && *reason != '\r'))
		return refuse_line(p, line, stop, -EBADMSG, "the status is not of three digits");
	reason += *reason == ' ';
	end = weft__text_end(reason, stop);
	if (!line_ends(end, stop, at))
		return refuse_line(p, line, stop, -EBADMSG, "the status line does not end in CR LF");
	p->status = (uint16_t)status;
	p->reason = str_between(reason, end);
	return WEFT__LINE_DONE;
}

/* An empty line before a request is let through, once: old clients end a body with one. */
static int start_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	int r;

	if (p->kind == WEFT__HTTP_REQUEST && !(p->seen & WEFT__SEEN_BLANK) && line_ends(*at, stop, at)) {
		p->seen |= WEFT__SEEN_BLANK;
		return WEFT__LINE_DONE;
	}
	r = p->kind == WEFT__HTTP_REQUEST ? request_line(p, at, stop) : status_line(p, at, stop);
	if (r == WEFT__LINE_DONE)
		p->seen |= WEFT__SEEN_START;
	return r;
}

/* ---- fields ------------------------------------------------------------------------------- */

struct line {
	weft_str name, value;
	bool tab; /* a tab was taken off behind the value */
};

static __attribute__((noinline)) int fields_grow(struct weft__http_parser *p)
{
	uint32_t cap = p->field_cap ? p->field_cap * 2 : FIELDS_FIRST;
	struct weft__http_field *more;

	if (p->field_count == p->limits.fields)
		return weft__http_refuse(p, -EMSGSIZE, "too many fields");
	cap = cap > p->limits.fields ? p->limits.fields : cap;
	more = weft_realloc(p->fields, cap * sizeof(*more));
	if (!more)
		return weft__http_refuse(p, -ENOMEM, "no memory for the fields");
	p->fields = more;
	p->field_cap = cap;
	return 0;
}

static int host_field(struct weft__http_parser *p, weft_str value)
{
	const uint8_t *at = (const uint8_t *)value.ptr, *stop = at + value.len_bytes;

	if (p->seen & WEFT__SEEN_HOST)
		return weft__http_refuse(p, -EBADMSG, "more than one Host");
	p->seen |= WEFT__SEEN_HOST;
	while (at < stop && (weft__char_is(*at, WEFT__CHAR_HOST) || memchr(":[]%", *at, 4)))
		at++;
	return at == stop ? 0 : weft__http_refuse(p, -EBADMSG, "Host is not well-formed");
}

static int length_field(struct weft__http_parser *p, weft_str value)
{
	if (p->seen & WEFT__SEEN_LENGTH)
		return weft__http_refuse(p, -EBADMSG, "more than one Content-Length");
	p->seen |= WEFT__SEEN_LENGTH;
	if (!weft__http_number(value, &p->content_length) || p->content_length >= INT64_MAX)
		return weft__http_refuse(p, -EBADMSG, "Content-Length is not a number");
	return 0;
}

static int coding_field(struct weft__http_parser *p, weft_str value)
{
	if (p->seen & WEFT__SEEN_CODING)
		return weft__http_refuse(p, -EBADMSG, "more than one Transfer-Encoding");
	p->seen |= WEFT__SEEN_CODING;
	if (!weft__http_name_eq(value, WEFT_STR("chunked")))
		return weft__http_refuse(p, -EPROTONOSUPPORT, "a transfer coding other than chunked");
	return 0;
}

/* To some a tab is no blank, and "chunked\t" no chunked. */
static int tab_refused(struct weft__http_parser *p)
{
	return weft__http_refuse(p, -EBADMSG, "a tab behind Content-Length or Transfer-Encoding");
}

static void connection_field(struct weft__http_parser *p, weft_str value)
{
	if (weft__http_list_has(value, WEFT_STR("close")))
		p->seen |= WEFT__SEEN_CLOSE;
	if (weft__http_list_has(value, WEFT_STR("keep-alive")))
		p->seen |= WEFT__SEEN_KEEP_ALIVE;
}

/* lower: the name in small letters. The first letter tells most others apart. */
static inline bool is_named(weft_str name, weft_str lower)
{
	return (name.ptr[0] | 0x20) == lower.ptr[0] && weft__http_name_eq(name, lower);
}

/* The few fields that say how the message goes on. Their lengths tell most others apart. */
static inline int note_field(struct weft__http_parser *p, const struct line *line)
{
	weft_str name = line->name, value = line->value;

	switch (name.len_bytes) {
	case 4:
		if (p->kind == WEFT__HTTP_REQUEST && is_named(name, WEFT_STR("host")))
			return host_field(p, value);
		break;
	case 6:
		if (is_named(name, WEFT_STR("expect")) && weft__http_name_eq(value, WEFT_STR("100-continue")))
			p->seen |= WEFT__SEEN_EXPECT;
		break;
	case 10:
		if (is_named(name, WEFT_STR("connection")))
			connection_field(p, value);
		break;
	case 14:
		if (is_named(name, WEFT_STR("content-length")))
			return line->tab ? tab_refused(p) : length_field(p, value);
		break;
	case 17:
		if (is_named(name, WEFT_STR("transfer-encoding")))
			return line->tab ? tab_refused(p) : coding_field(p, value);
		break;
	default:
		break;
	}
	return 0;
}

/* A field's line, or the empty one. Inlined: what it finds stays in registers. */
static inline __attribute__((always_inline)) int field_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop, struct line *ret)
{
	const uint8_t *line = *at, *name = weft__chars_end(line, stop, WEFT__CHAR_TOKEN), *value, *end;

	if (name == line) {
		if (line_ends(line, stop, at))
			return WEFT__LINE_LAST;
		return refuse_line(p, line, stop, -EBADMSG, "a line of the head is folded, or begins with no name");
	}
	if (name == stop || *name != ':')
		return refuse_line(p, line, stop, -EBADMSG, "a field's name does not end in a colon");
	for (value = name + 1; value < stop && (*value == ' ' || *value == '\t'); value++)
		;
	end = weft__text_end(value, stop);
	if (!line_ends(end, stop, at))
		return refuse_line(p, line, stop, -EBADMSG, "a field's value has a control in it, or ends without CR LF");
	ret->tab = false;
	for (; end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		ret->tab |= end[-1] == '\t';
	ret->name = str_between(line, name);
	ret->value = str_between(value, end);
	return WEFT__LINE_DONE;
}

int weft__http_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	struct line field;
	int r;

	if (!(p->seen & WEFT__SEEN_START))
		return start_line(p, at, stop);
	r = field_line(p, at, stop, &field);
	if (r != WEFT__LINE_DONE)
		return r;
	if (p->field_count == p->field_cap) {
		r = fields_grow(p);
		if (r < 0)
			return r;
	}
	p->fields[p->field_count++] = (struct weft__http_field){ field.name, field.value };
	r = note_field(p, &field);
	return r < 0 ? r : WEFT__LINE_DONE;
}

int weft__http_trailer_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	struct line field;
	int r = field_line(p, at, stop, &field);

	if (r != WEFT__LINE_DONE)
		return r;
	if (++p->field_count > p->limits.fields)
		return weft__http_refuse(p, -EMSGSIZE, "too many fields in the trailer");
	if (weft__http_name_eq(field.name, WEFT_STR("content-length")) || weft__http_name_eq(field.name, WEFT_STR("transfer-encoding")))
		return weft__http_refuse(p, -EBADMSG, "a field of framing in the trailer");
	return r;
}

/* ---- what follows ------------------------------------------------------------------------------- */

static bool has_no_body(const struct weft__http_parser *p)
{
	return p->status < 200 || p->status == 204 || p->status == 304 || p->answer_to == WEFT__HTTP_ANSWER_TO_HEAD;
}

static int request_framing(struct weft__http_parser *p)
{
	if (p->minor && !(p->seen & WEFT__SEEN_HOST))
		return weft__http_refuse(p, -EBADMSG, "no Host");
	if (!(p->seen & (WEFT__SEEN_LENGTH | WEFT__SEEN_CODING)))
		p->content_length = 0;
	p->expect_continue = p->minor && (p->seen & WEFT__SEEN_EXPECT) && p->content_length;
	return 0;
}

static int answer_framing(struct weft__http_parser *p)
{
	if (p->status == 101)
		return weft__http_refuse(p, -EPROTONOSUPPORT, "another protocol, which nobody asked for");
	if (has_no_body(p)) {
		p->chunked = false;
		p->content_length = 0;
	} else if (!(p->seen & (WEFT__SEEN_LENGTH | WEFT__SEEN_CODING))) {
		p->keep_alive = false; /* the body ends with the connection */
	}
	return 0;
}

int weft__http_framing(struct weft__http_parser *p)
{
	p->keep_alive = p->minor ? !(p->seen & WEFT__SEEN_CLOSE) :
	                           (p->seen & (WEFT__SEEN_CLOSE | WEFT__SEEN_KEEP_ALIVE)) == WEFT__SEEN_KEEP_ALIVE;
	if (p->answer_to == WEFT__HTTP_ANSWER_TO_CONNECT && p->status >= 200 && p->status < 300) {
		p->content_length = 0; /* a tunnel begins here: the fields of framing mean nothing */
		return 0;
	}
	if ((p->seen & WEFT__SEEN_CODING) && (p->seen & WEFT__SEEN_LENGTH))
		return weft__http_refuse(p, -EBADMSG, "both Transfer-Encoding and Content-Length");
	if ((p->seen & WEFT__SEEN_CODING) && !p->minor)
		return weft__http_refuse(p, -EBADMSG, "Transfer-Encoding in HTTP/1.0");
	p->chunked = p->seen & WEFT__SEEN_CODING;
	return p->kind == WEFT__HTTP_REQUEST ? request_framing(p) : answer_framing(p);
}
