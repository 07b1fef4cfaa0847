/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/writer.c - JSON into memory that grows. A running-out of memory or an
 * unbalanced end sticks, and is told when the text is asked for.
 */
#include <weft/json.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128u

struct weft_json_writer {
	char *buf;
	size_t len, cap;
	uint32_t indent, depth;
	int status;
	bool after_key, fresh; /* fresh: nothing written yet at this level */
	char open[DEPTH_MAX];  /* '}' or ']' that closes each level */
};

int weft_json_writer_create(uint32_t indent, weft_json_writer **ret_writer)
{
	weft_json_writer *w;

	if (!ret_writer)
		return -EINVAL;
	w = weft_malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (weft_json_writer){ .indent = indent, .fresh = true };
	*ret_writer = w;
	return 0;
}

void weft_json_writer_destroy(weft_json_writer *w)
{
	if (!w)
		return;
	weft_free(w->buf);
	weft_free(w);
}

void weft_json_writer_reset(weft_json_writer *w)
{
	w->len = 0;
	w->depth = 0;
	w->status = 0;
	w->after_key = false;
	w->fresh = true;
}

/* Room for n more bytes and a NUL; NULL: out of memory, now or before. */
static char *room(weft_json_writer *w, size_t n)
{
	if (w->status < 0)
		return NULL;
	if (w->len + n + 1 > w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 256;
		char *more;

		while (cap < w->len + n + 1)
			cap *= 2;
		more = weft_realloc(w->buf, cap);
		if (!more) {
			w->status = -ENOMEM;
			return NULL;
		}
		w->buf = more;
		w->cap = cap;
	}
	return w->buf + w->len;
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

/* What goes before a value: nothing after a key, else a comma and a line. */
static void before(weft_json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (!w->depth) {
		if (!w->fresh)
			w->status = w->status ? w->status : -EINVAL; /* a second value at the top */
		w->fresh = false;
		return;
	}
	if (!w->fresh)
		put(w, ",", 1);
	w->fresh = false;
	newline(w);
}

static void begin(weft_json_writer *w, char open, char close)
{
	before(w);
	put(w, &open, 1);
	if (w->depth == DEPTH_MAX) {
		w->status = w->status ? w->status : -EINVAL;
		return;
	}
	w->open[w->depth++] = close;
	w->fresh = true;
}

static void end(weft_json_writer *w, char close)
{
	bool empty = w->fresh;

	if (!w->depth || w->open[w->depth - 1] != close || w->after_key) {
		w->status = w->status ? w->status : -EINVAL;
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

/* Bytes of a valid UTF-8 sequence, 0 when it is none. ASCII is handled before. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!n || left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

static size_t escape(unsigned char c, char *to)
{
	static const char *const hex = "0123456789abcdef";
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	to[0] = '\\';
	for (const char *l = letters; *l; l += 2) {
		if ((unsigned char)*l == c) {
			to[1] = l[1];
			return 2;
		}
	}
	memcpy(to + 1, "u00", 3);
	to[4] = hex[c >> 4];
	to[5] = hex[c & 15];
	return 6;
}

static void quoted(weft_json_writer *w, weft_str s)
{
	const unsigned char *at = (const unsigned char *)s.ptr, *stop = at + s.len_bytes;
	char *to = room(w, s.len_bytes * 6 + 2), *start = to;

	if (!to)
		return;
	*to++ = '"';
	while (at < stop) {
		size_t n;

		if (*at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
			*to++ = (char)*at++;
		} else if (*at < 0x80) {
			to += escape(*at++, to);
		} else if ((n = utf8_len(at, (size_t)(stop - at)))) {
			memcpy(to, at, n);
			to += n;
			at += n;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3); /* U+FFFD */
			to += 3;
			at++;
		}
	}
	*to++ = '"';
	w->len += (size_t)(to - start);
}

void weft_json_key(weft_json_writer *w, weft_str key)
{
	if (!w->depth || w->open[w->depth - 1] != '}' || w->after_key) {
		w->status = w->status ? w->status : -EINVAL;
		return;
	}
	before(w);
	quoted(w, key);
	put(w, ": ", w->indent ? 2 : 1);
	w->after_key = true;
}

void weft_json_put_str(weft_json_writer *w, weft_str value)
{
	before(w);
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
	before(w);
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

void weft_json_put_double(weft_json_writer *w, double value)
{
	char buf[40];
	int n = 0;

	if (!isfinite(value)) {
		weft_json_put_null(w);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(buf, sizeof(buf), "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	for (char *c = buf; *c; c++) { /* a locale may have put a comma */
		if (*c == ',')
			*c = '.';
	}
	before(w);
	put(w, buf, (size_t)n);
}

void weft_json_put_bool(weft_json_writer *w, bool value)
{
	before(w);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void weft_json_put_null(weft_json_writer *w)
{
	before(w);
	put(w, "null", 4);
}

void weft_json_put_raw(weft_json_writer *w, weft_str json)
{
	before(w);
	put(w, json.ptr, json.len_bytes);
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
		if (weft_json_get_double(value, &d))
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

	if (!w || !ret_text)
		return -EINVAL;
	if (w->status == 0 && (w->depth || w->after_key))
		return -EINVAL;
	nul = room(w, 0);
	if (!nul)
		return w->status;
	*nul = '\0';
	*ret_text = (weft_str){ w->buf, w->len };
	return 0;
}
