/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/locate.c - where in a text something stands, for error messages.
 *
 * simdjson says that a text is wrong, not where, and keeps no positions. This walker
 * goes over the text once more, only when there is something to complain about: to
 * the first place where a strict reader stops, or to the value at a JSON pointer.
 */
#include "net/json/json.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64

struct walk {
	const char *begin, *at, *end;
	const char *what; /* what is wrong, NULL so far */
	weft_str pointer; /* what is left of the path to look for; ptr NULL: nothing */
	const char *found;
	int depth;
};

static void position(const char *begin, const char *at, uint32_t *ret_line, uint32_t *ret_column)
{
	const char *line_begin = begin;

	*ret_line = 1;
	for (const char *p = begin; p < at; p++) {
		if (*p == '\n') {
			++*ret_line;
			line_begin = p + 1;
		}
	}
	*ret_column = (uint32_t)(at - line_begin) + 1;
}

static void space(struct walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r'))
		w->at++;
}

static bool stop(struct walk *w, const char *what)
{
	if (!w->what)
		w->what = what;
	return false;
}

static bool expect(struct walk *w, char c, const char *what)
{
	space(w);
	if (w->at >= w->end || *w->at != c)
		return stop(w, w->at >= w->end ? "the text ends too early" : what);
	w->at++;
	return true;
}

/* Bytes of a valid UTF-8 sequence at p, 0 when it is none. */
static size_t utf8_len(const char *p, const char *end)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!n || (size_t)(end - p) < n)
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

static bool hex4(struct walk *w)
{
	for (int i = 0; i < 4; i++, w->at++) {
		if (w->at >= w->end || !strchr("0123456789abcdefABCDEF", *w->at) || !*w->at)
			return stop(w, "\\u needs four hexadecimal digits");
	}
	return true;
}

static bool string(struct walk *w, weft_str *ret_raw)
{
	const char *begin;

	if (!expect(w, '"', "expected a string"))
		return false;
	begin = w->at;
	while (w->at < w->end && *w->at != '"') {
		size_t n;

		if ((unsigned char)*w->at < 0x20)
			return stop(w, "control character in a string");
		if (*w->at == '\\') {
			w->at++;
			if (w->at >= w->end || !*w->at || !strchr("\"\\/bfnrtu", *w->at))
				return stop(w, "unknown escape in a string");
			if (*w->at++ == 'u' && !hex4(w))
				return false;
			continue;
		}
		n = utf8_len(w->at, w->end);
		if (!n)
			return stop(w, "invalid UTF-8");
		w->at += n;
	}
	if (w->at >= w->end)
		return stop(w, "the text ends inside a string");
	*ret_raw = (weft_str){ begin, (size_t)(w->at - begin) };
	w->at++;
	return true;
}

static bool digits(struct walk *w)
{
	const char *begin = w->at;

	while (w->at < w->end && *w->at >= '0' && *w->at <= '9')
		w->at++;
	return w->at > begin || stop(w, "expected a digit");
}

static bool number(struct walk *w)
{
	if (*w->at == '-')
		w->at++;
	if (w->at < w->end && *w->at == '0')
		w->at++;
	else if (!digits(w))
		return false;
	if (w->at < w->end && *w->at == '.') {
		w->at++;
		if (!digits(w))
			return false;
	}
	if (w->at < w->end && (*w->at == 'e' || *w->at == 'E')) {
		w->at++;
		if (w->at < w->end && (*w->at == '+' || *w->at == '-'))
			w->at++;
		return digits(w);
	}
	return true;
}

static bool word(struct walk *w, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(w->end - w->at) < n || memcmp(w->at, text, n) != 0)
		return stop(w, "expected a value");
	w->at += n;
	return true;
}

/* Is token the next step of the path? Then what is left behind it; '~1' and '~0' are '/' and '~'. */
static bool step_matches(weft_str pointer, weft_str token, weft_str *ret_rest)
{
	size_t i = 1, j = 0;

	if (!pointer.ptr || !pointer.len_bytes || pointer.ptr[0] != '/')
		return false;
	while (i < pointer.len_bytes && pointer.ptr[i] != '/') {
		char c = pointer.ptr[i++];

		if (c == '~' && i < pointer.len_bytes)
			c = pointer.ptr[i++] == '1' ? '/' : '~';
		if (j >= token.len_bytes || token.ptr[j++] != c)
			return false;
	}
	*ret_rest = (weft_str){ pointer.ptr + i, pointer.len_bytes - i };
	return j == token.len_bytes;
}

static bool value(struct walk *w);

/* Walk a child with what is left of the path, or with none when it does not lead there. */
static bool child(struct walk *w, weft_str token, const char *place)
{
	weft_str here = w->pointer, rest = { 0 };
	bool ok;

	if (step_matches(here, token, &rest)) {
		if (!rest.len_bytes) {
			w->found = place;
			return false;
		}
		w->pointer = rest;
	} else {
		w->pointer = (weft_str){ 0 };
	}
	ok = value(w);
	w->pointer = here;
	return ok;
}

static bool object(struct walk *w)
{
	w->at++;
	space(w);
	if (w->at < w->end && *w->at == '}') {
		w->at++;
		return true;
	}
	for (;;) {
		const char *place;
		weft_str key;

		space(w);
		place = w->at;
		if (!string(w, &key) || !expect(w, ':', "expected ':' after a key"))
			return false;
		space(w);
		if (!child(w, key, place))
			return false;
		space(w);
		if (w->at < w->end && *w->at == ',') {
			w->at++;
			continue;
		}
		return expect(w, '}', "expected ',' or '}'");
	}
}

static weft_str index_text(char *buf, uint32_t i)
{
	char *at = buf + 11;

	do {
		*--at = (char)('0' + i % 10);
		i /= 10;
	} while (i);
	return (weft_str){ at, (size_t)(buf + 11 - at) };
}

static bool array(struct walk *w)
{
	char buf[12];

	w->at++;
	space(w);
	if (w->at < w->end && *w->at == ']') {
		w->at++;
		return true;
	}
	for (uint32_t i = 0;; i++) {
		space(w);
		if (!child(w, index_text(buf, i), w->at))
			return false;
		space(w);
		if (w->at < w->end && *w->at == ',') {
			w->at++;
			continue;
		}
		return expect(w, ']', "expected ',' or ']'");
	}
}

static bool value(struct walk *w)
{
	weft_str raw;
	bool ok;

	space(w);
	if (w->at >= w->end)
		return stop(w, "the text ends too early");
	switch (*w->at) {
	case '{':
	case '[':
		if (++w->depth > DEPTH_MAX)
			return stop(w, "nested more than 64 deep");
		ok = *w->at == '{' ? object(w) : array(w);
		w->depth--;
		return ok;
	case '"':
		return string(w, &raw);
	case 't':
		return word(w, "true");
	case 'f':
		return word(w, "false");
	case 'n':
		return word(w, "null");
	default:
		if (*w->at == '-' || (*w->at >= '0' && *w->at <= '9'))
			return number(w);
		return stop(w, "expected a value");
	}
}

const char *weft__json_find_error(weft_str text, uint32_t *ret_line, uint32_t *ret_column)
{
	struct walk w = { .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len_bytes };

	if (value(&w)) {
		space(&w);
		if (w.at < w.end)
			stop(&w, "text behind the end of the value");
	}
	position(w.begin, w.at, ret_line, ret_column);
	return w.what;
}

int weft_json_locate(weft_str text, weft_str pointer, uint32_t *ret_line, uint32_t *ret_column)
{
	struct walk w = { .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len_bytes, .pointer = pointer };

	if (!ret_line || !ret_column)
		return -EINVAL;
	space(&w);
	if (!pointer.len_bytes)
		w.found = w.at < w.end ? w.at : NULL;
	else
		value(&w);
	if (!w.found)
		return -ENOENT;
	position(w.begin, w.found, ret_line, ret_column);
	return 0;
}
