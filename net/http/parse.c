/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/parse.c - a message from its first byte to its last, in whatever pieces they come.
 *
 *     HEAD --+--------------------------------------------> DONE
 *            +--> LENGTH ---------------------------------> DONE
 *            +--> UNTIL_EOF --------------------(eof)-----> DONE
 *            +--> SIZE -> (extensions, EXT_*) -> SIZE_LF -+-> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                                                             +-> TRAILER -> DONE
 *
 * A head is read line by line where it lies. Only when the fed bytes end inside it are they copied, and the fields found so far
 * are made to point into the copy; from then on each line is copied once and read once.
 */
#include "net/http/parse.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/chars.h"
#include "net/http/head.h"

#define HEAD_CAP_FIRST 1024u
#define EXTENSION_BYTES_MAX 4096u /* of all chunks of a message */
#define CHUNK_DIGITS_MAX 15u      /* no sum of such sizes and what came before overflows */
#define INFOS_MAX 16u

enum state { HEAD, LENGTH, UNTIL_EOF, SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, DONE,
	/* behind a chunk's size: ";", a name, perhaps "=" and a token or a quoted string, again and again */
	EXT_BEGIN, EXT_NAME, EXT_EQUALS, EXT_VALUE, EXT_QUOTED, EXT_ESCAPED, EXT_CLOSED };

static void begin_head(struct weft__http_parser *p)
{
	p->method = p->target = p->reason = (weft_str){ NULL, 0 };
	p->field_count = 0;
	p->status = 0;
	p->keep_alive = p->chunked = p->expect_continue = false;
	p->content_length = WEFT__HTTP_LENGTH_UNKNOWN;
	p->head_len = p->line_at = 0;
	p->seen = 0;
	p->state = HEAD;
}

void weft__http_parser_init(struct weft__http_parser *p, int kind, const struct weft__http_limits *limits,
                            const struct weft__http_sink *sink, void *user)
{
	memset(p, 0, sizeof(*p));
	if (limits)
		p->limits = *limits;
	p->limits.head_bytes = p->limits.head_bytes ? p->limits.head_bytes : WEFT__HTTP_LIMIT_HEAD_BYTES;
	p->limits.fields = p->limits.fields ? p->limits.fields : WEFT__HTTP_LIMIT_FIELDS;
	p->limits.body_bytes = p->limits.body_bytes ? p->limits.body_bytes : WEFT__HTTP_LIMIT_BODY_BYTES;
	p->kind = (uint8_t)kind;
	p->sink = sink;
	p->user = user;
	begin_head(p);
}

/* Heads carry keys and cookies: no copy is left behind. */
static void head_free(struct weft__http_parser *p)
{
	if (p->head)
		explicit_bzero(p->head, p->head_cap);
	weft_free(p->head);
}

void weft__http_parser_fini(struct weft__http_parser *p)
{
	head_free(p);
	weft_free(p->fields);
	p->head = NULL;
	p->fields = NULL;
	p->head_len = p->head_cap = p->field_count = p->field_cap = 0;
}

void weft__http_parser_next(struct weft__http_parser *p)
{
	begin_head(p);
	p->done = false;
	p->error = NULL;
	p->body_bytes = 0;
	p->infos = p->extension_bytes = 0;
	p->chunk_digits = 0;
	p->answer_to = WEFT__HTTP_ANSWER;
}

void weft__http_parser_expect(struct weft__http_parser *p, int answer_to)
{
	p->answer_to = (uint8_t)answer_to;
}

bool weft__http_parser_begun(const struct weft__http_parser *p)
{
	return p->state != DONE && (p->state != HEAD || p->head_len || p->infos);
}

bool weft__http_parser_in_body(const struct weft__http_parser *p)
{
	return p->state != HEAD && p->state != DONE;
}

/* ---- the head --------------------------------------------------------------------------------- */

static void move_str(weft_str *s, const uint8_t *from, const uint8_t *to)
{
	if (s->ptr)
		s->ptr = (const char *)to + ((const uint8_t *)s->ptr - from);
}

/* What was found in a head that lay at `from` is now found at `to`. */
static void head_moved(struct weft__http_parser *p, const uint8_t *from, const uint8_t *to)
{
	if (p->state != HEAD)
		return; /* nothing is kept of a trailer */
	move_str(&p->method, from, to);
	move_str(&p->target, from, to);
	move_str(&p->reason, from, to);
	for (uint32_t i = 0; i < p->field_count; i++) {
		move_str(&p->fields[i].name, from, to);
		move_str(&p->fields[i].value, from, to);
	}
}

static int head_room(struct weft__http_parser *p, size_t len)
{
	size_t cap = p->head_cap ? p->head_cap : HEAD_CAP_FIRST;
	uint8_t *more;

	while (cap < p->head_len + len)
		cap *= 2;
	if (cap <= p->head_cap)
		return 0;
	more = weft_malloc(cap);
	if (!more)
		return weft__http_refuse(p, -ENOMEM, "no memory for the head");
	if (p->head_len) {
		memcpy(more, p->head, p->head_len);
		head_moved(p, p->head, more);
	}
	head_free(p);
	p->head = more;
	p->head_cap = (uint32_t)cap;
	return 0;
}

static int head_keep(struct weft__http_parser *p, const uint8_t *bytes, size_t len)
{
	int r = head_room(p, len);

	if (r < 0)
		return r;
	memcpy(p->head + p->head_len, bytes, len);
	p->head_len += (uint32_t)len;
	return 0;
}

static void head_drop(struct weft__http_parser *p)
{
	head_free(p);
	p->head = NULL;
	p->head_len = p->head_cap = p->line_at = 0;
}

static int too_long(struct weft__http_parser *p)
{
	return weft__http_refuse(p, -EMSGSIZE, p->state == TRAILER ? "the trailer is too long" : "the head is too long");
}

static inline int take_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop)
{
	return p->state == TRAILER ? weft__http_trailer_line(p, at, stop) : weft__http_line(p, at, stop);
}

/* The first piece of a head, and mostly the only one: read where it lies. As head_feed. */
static int head_in_place(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	const uint8_t *at = bytes, *stop = bytes + (len < p->limits.head_bytes ? len : p->limits.head_bytes);
	int r;

	do {
		r = take_line(p, &at, stop);
	} while (r == WEFT__LINE_DONE);
	*ret_used = (size_t)(at - bytes);
	if (r != WEFT__LINE_CUT)
		return r;
	if (len >= p->limits.head_bytes)
		return too_long(p);
	p->line_at = (uint32_t)(at - bytes);
	*ret_used = len;
	r = head_keep(p, bytes, len);
	if (r == 0)
		head_moved(p, bytes, p->head);
	return r;
}

/* A further piece, up to the next LF. As head_feed. */
static int head_continued(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	const uint8_t *lf = memchr(bytes, '\n', len), *at;
	size_t take = lf ? (size_t)(lf - bytes) + 1 : len;
	int r;

	if (take > p->limits.head_bytes - p->head_len)
		return too_long(p);
	r = head_keep(p, bytes, take);
	if (r < 0)
		return r;
	*ret_used = take;
	if (lf) {
		at = p->head + p->line_at;
		r = take_line(p, &at, p->head + p->head_len);
		p->line_at = (uint32_t)(at - p->head);
		if (r != WEFT__LINE_DONE)
			return r;
	}
	return p->head_len == p->limits.head_bytes ? too_long(p) : WEFT__LINE_CUT;
}

/* WEFT__LINE_LAST: the head, or the trailer, is complete. WEFT__LINE_CUT: it goes on. Or refused. */
static inline int head_feed(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	return p->head_len ? head_continued(p, bytes, len, ret_used) : head_in_place(p, bytes, len, ret_used);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static int finish(struct weft__http_parser *p)
{
	p->state = DONE;
	p->done = true;
	return p->sink->end ? p->sink->end(p, p->user) : 0;
}

/* An answer before the answer: tell it, and wait for the next. */
static int info_done(struct weft__http_parser *p)
{
	int r;

	if (++p->infos > INFOS_MAX)
		return weft__http_refuse(p, -EMSGSIZE, "too many answers of 1xx");
	r = p->sink->info ? p->sink->info(p, p->user) : 0;
	if (r < 0)
		return r;
	head_drop(p);
	begin_head(p);
	return 0;
}

static int too_much(struct weft__http_parser *p)
{
	return weft__http_refuse(p, -EMSGSIZE, "the body is too long");
}

static int head_done(struct weft__http_parser *p)
{
	int r = weft__http_framing(p);

	if (r < 0)
		return r;
	if (p->kind == WEFT__HTTP_RESPONSE && p->status < 200)
		return info_done(p);
	p->left = p->chunked ? 0 : p->content_length;
	p->state = p->chunked ? SIZE : p->content_length == WEFT__HTTP_LENGTH_UNKNOWN ? UNTIL_EOF : LENGTH;
	r = p->sink->head(p, p->user);
	if (r < 0)
		return r;
	head_drop(p);
	p->method = p->target = p->reason = (weft_str){ NULL, 0 };
	p->field_count = 0;
	if (p->state != LENGTH)
		return 0;
	if (p->left > p->limits.body_bytes)
		return too_much(p);
	return p->left ? 0 : finish(p);
}

/* ---- the body ------------------------------------------------------------------------------------- */

/* The last thing done with the parser: the sink may end it. */
static int tell_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len)
{
	return p->sink->body && len ? p->sink->body(p, bytes, len, p->user) : 0;
}

static int length_step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	size_t n = len < p->left ? len : (size_t)p->left;
	bool last = n == p->left;
	int r;

	*ret_used = n;
	p->left -= n;
	p->body_bytes += n;
	r = tell_body(p, bytes, n);
	return r == 0 && last ? finish(p) : r;
}

static int until_eof_step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	uint64_t room = p->limits.body_bytes - p->body_bytes;
	size_t n = len < room ? len : (size_t)room;
	int r;

	*ret_used = n;
	p->body_bytes += n;
	r = tell_body(p, bytes, n);
	return r == 0 && n < len ? too_much(p) : r;
}

static int data_step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	size_t n = len < p->left ? len : (size_t)p->left;

	*ret_used = n;
	p->left -= n;
	p->body_bytes += n;
	if (!p->left)
		p->state = DATA_CR;
	return tell_body(p, bytes, n);
}

/* The line of a chunk's size has ended. */
static int size_done(struct weft__http_parser *p)
{
	p->chunk_digits = 0;
	if (p->left > p->limits.body_bytes - p->body_bytes)
		return too_much(p);
	p->state = p->left ? DATA : TRAILER;
	return 0;
}

/*
 * What follows on c inside the extensions of a chunk; -1: nothing may. RFC 9112 lets blanks stand between their
 * parts; others do not, and nobody writes them.
 */
static int extension_next(int state, uint8_t c)
{
	bool token = weft__char_is(c, WEFT__CHAR_TOKEN);

	switch (state) {
	case EXT_BEGIN:
		return token ? EXT_NAME : -1;
	case EXT_EQUALS:
		return token ? EXT_VALUE : c == '"' ? EXT_QUOTED : -1;
	case EXT_QUOTED:
		return c == '"' ? EXT_CLOSED : c == '\\' ? EXT_ESCAPED : weft__is_text(c) ? EXT_QUOTED : -1;
	case EXT_ESCAPED:
		return weft__is_text(c) ? EXT_QUOTED : -1;
	default: /* EXT_NAME, EXT_VALUE, EXT_CLOSED */
		if (token && state != EXT_CLOSED)
			return state;
		if (c == '=' && state == EXT_NAME)
			return EXT_EQUALS;
		return c == ';' ? EXT_BEGIN : c == '\r' ? SIZE_LF : -1;
	}
}

static int extension_byte(struct weft__http_parser *p, uint8_t c)
{
	int next = extension_next(p->state, c);

	if (next < 0)
		return weft__http_refuse(p, -EBADMSG, "a chunk's extension is not well-formed");
	if (c != '\r' && ++p->extension_bytes > EXTENSION_BYTES_MAX)
		return weft__http_refuse(p, -EMSGSIZE, "the chunks' extensions are too long");
	p->state = (uint8_t)next;
	return 0;
}

static int size_byte(struct weft__http_parser *p, uint8_t c)
{
	int digit = weft__hex_digit(c);

	if (digit >= 0) {
		if (++p->chunk_digits > CHUNK_DIGITS_MAX)
			return weft__http_refuse(p, -EMSGSIZE, "a chunk's size is too large");
		p->left = p->left << 4 | (unsigned)digit;
		return 0;
	}
	if (!p->chunk_digits)
		return weft__http_refuse(p, -EBADMSG, "a chunk's size is not a hexadecimal number");
	switch (c) {
	case '\r':
		p->state = SIZE_LF;
		return 0;
	case ';':
		p->state = EXT_BEGIN;
		return 0;
	default:
		return weft__http_refuse(p, -EBADMSG, "a chunk's size is not a hexadecimal number");
	}
}

/* A byte of what stands between chunks' data. */
static int between_byte(struct weft__http_parser *p, uint8_t c)
{
	switch (p->state) {
	case SIZE:
		return size_byte(p, c);
	case SIZE_LF:
		if (c == '\n')
			return size_done(p);
		return weft__http_refuse(p, -EBADMSG, "a chunk's size does not end in CR LF");
	case DATA_CR:
		p->state = DATA_LF;
		return c == '\r' ? 0 : weft__http_refuse(p, -EBADMSG, "a chunk is longer than its size");
	case DATA_LF:
		p->state = SIZE;
		return c == '\n' ? 0 : weft__http_refuse(p, -EBADMSG, "a chunk is longer than its size");
	default:
		return extension_byte(p, c);
	}
}

static int between_step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	size_t i = 0;
	int r = 0;

	while (i < len && r == 0 && p->state != DATA && p->state != TRAILER)
		r = between_byte(p, bytes[i++]);
	*ret_used = i;
	return r;
}

/* ---- the public side -------------------------------------------------------------------------------- */

static int head_step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	int r = head_feed(p, bytes, len, ret_used);

	if (r != WEFT__LINE_LAST)
		return r;
	if (p->state == HEAD)
		return head_done(p);
	head_drop(p);
	p->field_count = 0;
	return finish(p);
}

static int step(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	switch (p->state) {
	case HEAD:
	case TRAILER:
		return head_step(p, bytes, len, ret_used);
	case LENGTH:
		return length_step(p, bytes, len, ret_used);
	case UNTIL_EOF:
		return until_eof_step(p, bytes, len, ret_used);
	case DATA:
		return data_step(p, bytes, len, ret_used);
	default:
		return between_step(p, bytes, len, ret_used);
	}
}

int weft__http_parse(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	size_t at = 0, used = 0;

	*ret_used = 0;
	if (p->error)
		return -EBADMSG;
	while (at < len && p->state != DONE) {
		int r = step(p, bytes + at, len - at, &used);

		if (r < 0)
			return r; /* a sink's: p may be gone */
		at += used;
	}
	*ret_used = at;
	return 0;
}

int weft__http_parse_eof(struct weft__http_parser *p)
{
	if (p->state == UNTIL_EOF)
		return finish(p);
	if (!weft__http_parser_begun(p))
		return 0;
	return weft__http_refuse(p, -ECONNRESET, p->state == HEAD ? "the connection ended in the head" :
	                                                            "the connection ended in the body");
}

int weft__http_parse_status(const struct weft__http_parser *p, int error)
{
	switch (error) {
	case -EBADMSG:
		return 400;
	case -EMSGSIZE:
		return p->state == HEAD ? 431 : 413;
	case -EPROTONOSUPPORT:
		return p->seen & WEFT__SEEN_START ? 501 : 505;
	default:
		return 500;
	}
}
