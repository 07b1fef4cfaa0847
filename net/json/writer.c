/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/writer.c - JSON into memory that grows. Running out of memory, or a value
 * where none may stand, sticks and is told when the text is asked for.
 */
#include <errno.h>
#include <math.h>

#include "net/json/escape.h"
#include "net/json/json.h"
#include "runtime/base/assert.h"

#define DEPTH_MAX 128u

struct weft_json_writer {
	char *buf;
	size_t len, cap;
	uint32_t indent, depth;
	int status;
	bool secret;           /* no copy is left in memory that was given back */
	bool after_key, fresh; /* fresh: nothing written yet at this level */
	char open[DEPTH_MAX];  /* '}' or ']' that closes each level */
};

int weft_json_writer_create(uint32_t indent, weft_json_writer **ret_writer)
{
	weft_json_writer *w;

	WEFT_RETURN_IF(!ret_writer, -EINVAL);
	w = weft_malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (weft_json_writer){ .indent = indent, .fresh = true };
	*ret_writer = w;
	return 0;
}

static void let_go(weft_json_writer *w)
{
	if (w->secret && w->buf)
		explicit_bzero(w->buf, w->cap);
	weft_free(w->buf);
}

void weft_json_writer_destroy(weft_json_writer *w)
{
	if (!w)
		return;
	let_go(w);
	weft_free(w);
}

void weft__json_writer_is_secret(weft_json_writer *w)
{
	w->secret = true;
}

void weft_json_writer_reset(weft_json_writer *w)
{
	w->len = 0;
	w->depth = 0;
	w->status = 0;
	w->after_key = false;
	w->fresh = true;
}

static __attribute__((noinline)) char *grow(weft_json_writer *w, size_t need)
{
	size_t cap = w->cap ? w->cap : 256;
	char *more;

	while (cap < need && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap >= need && w->secret) { /* realloc may leave a copy */
		more = weft_malloc(cap);
		if (more && w->buf) {
			memcpy(more, w->buf, w->len);
			let_go(w);
		}
	} else {
		more = cap < need ? NULL : weft_realloc(w->buf, cap);
	}
	if (!more) {
		w->status = -ENOMEM;
		return NULL;
	}
	w->buf = more;
	w->cap = cap;
	return w->buf + w->len;
}

/* Room for n more bytes and a NUL; NULL: an error, now or before. */
static inline char *room(weft_json_writer *w, size_t n)
{
	size_t need;

	if (w->status < 0)
		return NULL;
	if (__builtin_add_overflow(w->len + 1, n, &need))
		need = SIZE_MAX;
	return need <= w->cap ? w->buf + w->len : grow(w, need);
}

static inline void fail(weft_json_writer *w)
{
	if (w->status == 0)
		w->status = -EINVAL;
}

static void put(weft_json_writer *w, const char *text, size_t n)
{
	char *to = room(w, n);

	if (!to)
		return;
	memcpy(to, text, n);
	w->len += n;
}

static void newline(weft_json_writer *w)
{
	char *to;
	size_t n = (size_t)w->indent * w->depth;

	if (!w->indent || !(to = room(w, n + 1)))
		return;
	*to = '\n';
	memset(to + 1, ' ', n);
	w->len += n + 1;
}

/* What goes before a key or a value: nothing after a key, else a comma and a line. */
static void before(weft_json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (!w->depth) {
		if (!w->fresh)
			fail(w); /* a second value at the top */
		w->fresh = false;
		return;
	}
	if (!w->fresh)
		put(w, ",", 1);
	w->fresh = false;
	newline(w);
}

/* What goes before a value: in an object there has been a key. */
static inline void before_value(weft_json_writer *w)
{
	if (w->depth && !w->after_key && w->open[w->depth - 1] == '}')
		fail(w);
	before(w);
}

static void begin(weft_json_writer *w, char open, char close)
{
	before_value(w);
	put(w, &open, 1);
	if (w->depth == DEPTH_MAX) {
		fail(w);
		return;
	}
	w->open[w->depth++] = close;
	w->fresh = true;
}

static void end(weft_json_writer *w, char close)
{
	bool empty = w->fresh;

	if (!w->depth || w->open[w->depth - 1] != close || w->after_key) {
		fail(w);
		return;
	}
	w->depth--;
	if (!empty)
		newline(w);
	put(w, &close, 1);
	w->fresh = false;
}

void weft_json_begin_object(weft_json_writer *w)
{
	begin(w, '{', '}');
}

void weft_json_end_object(weft_json_writer *w)
{
	end(w, '}');
}

void weft_json_begin_array(weft_json_writer *w)
{
	begin(w, '[', ']');
}

void weft_json_end_array(weft_json_writer *w)
{
	end(w, ']');
}

/* Room is made for what is certain, and again when characters were escaped. */
static void quoted(weft_json_writer *w, weft_str s)
{
	char *to = room(w, s.len_bytes + 2 + WEFT__JSON_ESCAPE_ROOM);

	if (!to)
		return;
	*to = '"';
	w->len++;
	while (s.len_bytes) {
		to = room(w, s.len_bytes + 1 + WEFT__JSON_ESCAPE_ROOM);
		if (!to)
			return;
		w->len += weft__json_escape(&s, to, w->cap - w->len - 2); /* the quote, and a NUL */
	}
	w->buf[w->len++] = '"';
}

void weft_json_key(weft_json_writer *w, weft_str key)
{
	if (!w->depth || w->open[w->depth - 1] != '}' || w->after_key) {
		fail(w);
		return;
	}
	before(w);
	quoted(w, key);
	put(w, ": ", w->indent ? 2 : 1);
	w->after_key = true;
}

void weft_json_put_str(weft_json_writer *w, weft_str value)
{
	before_value(w);
	quoted(w, value);
}

static void put_digits(weft_json_writer *w, uint64_t n, bool negative)
{
	char buf[24], *at = buf + sizeof(buf);

	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	if (negative)
		*--at = '-';
	before_value(w);
	put(w, at, (size_t)(buf + sizeof(buf) - at));
}

void weft_json_put_int(weft_json_writer *w, int64_t value)
{
	put_digits(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void weft_json_put_uint(weft_json_writer *w, uint64_t value)
{
	put_digits(w, value, false);
}

/* A double stays one when it is read back: 5.0, not 5. */
void weft_json_put_double(weft_json_writer *w, double value)
{
	char buf[40];
	size_t n;

	if (!isfinite(value)) {
		weft_json_put_null(w);
		return;
	}
	n = weft__json_double_text(value, buf);
	if (!memchr(buf, '.', n) && !memchr(buf, 'e', n)) {
		memcpy(buf + n, ".0", 2);
		n += 2;
	}
	before_value(w);
	put(w, buf, n);
}

void weft_json_put_bool(weft_json_writer *w, bool value)
{
	before_value(w);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void weft_json_put_null(weft_json_writer *w)
{
	before_value(w);
	put(w, "null", 4);
}

void weft_json_put_raw(weft_json_writer *w, weft_str json)
{
	before_value(w);
	if (json.len_bytes)
		put(w, json.ptr, json.len_bytes);
	else
		fail(w);
}

void weft_json_put_value(weft_json_writer *w, weft_json value)
{
	weft_json_iter it;
	weft_str s;
	int64_t i;
	double d;
	bool b;

	switch (weft_json_typeof(value)) {
	case WEFT_JSON_OBJECT:
		weft_json_begin_object(w);
		for (it = weft_json_iter_begin(value); weft_json_iter_next(&it);) {
			weft_json_key(w, it.key);
			weft_json_put_value(w, it.value);
		}
		weft_json_end_object(w);
		return;
	case WEFT_JSON_ARRAY:
		weft_json_begin_array(w);
		for (it = weft_json_iter_begin(value); weft_json_iter_next(&it);)
			weft_json_put_value(w, it.value);
		weft_json_end_array(w);
		return;
	case WEFT_JSON_STRING:
		if (weft_json_get_str(value, &s))
			weft_json_put_str(w, s);
		return;
	case WEFT_JSON_INT:
		if (weft_json_get_int(value, &i))
			weft_json_put_int(w, i);
		return;
	case WEFT_JSON_DOUBLE:
		if (weft__json_tag_of(value) == 'u')
			weft_json_put_uint(w, (uint64_t)weft__json_int(weft__json_doc_of(value), value.index));
		else if (weft_json_get_double(value, &d))
			weft_json_put_double(w, d);
		return;
	case WEFT_JSON_BOOL:
		if (weft_json_get_bool(value, &b))
			weft_json_put_bool(w, b);
		return;
	case WEFT_JSON_NULL:
	case WEFT_JSON_NONE:
		weft_json_put_null(w);
		return;
	}
}

int weft_json_writer_text(weft_json_writer *w, weft_str *ret_text)
{
	char *nul;

	WEFT_RETURN_IF(!w || !ret_text, -EINVAL);
	if (w->status == 0 && (w->depth || w->after_key || w->fresh))
		return -EINVAL;
	nul = room(w, 0);
	if (!nul)
		return w->status;
	*nul = '\0';
	*ret_text = (weft_str){ w->buf, w->len };
	return 0;
}
