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

#include "net/json/utf8.h"
#include "runtime/base/assert.h"

struct walk {
	const char *begin, *at, *end;
	const char *what; /* what is wrong, NULL so far */
	weft_str pointer; /* what is left of the path to look for; ptr NULL: nothing */
	const char *found;
	const char *suspect; /* the first number that may be too large for a double */
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

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits, -1 when they are not there. */
static int32_t hex4(const char *at, const char *end)
{
	int32_t n = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		n = n * 16 + digit;
	}
	return n;
}

/* The code point that begins at at, behind "\\u"; its other half too. Bytes read, 0: none. */
static size_t code_point(const char *at, const char *end, int32_t *ret)
{
	int32_t hi = hex4(at, end), lo;

	*ret = hi;
	if (hi < 0 || (hi >= 0xdc00 && hi < 0xe000))
		return 0;
	if (hi < 0xd800 || hi >= 0xe000)
		return 4;
	lo = end - at >= 10 && at[4] == '\\' && at[5] == 'u' ? hex4(at + 6, end) : -1;
	if (lo < 0xdc00 || lo >= 0xe000)
		return 0;
	*ret = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
	return 10;
}

/* At a backslash. */
static bool escape(struct walk *w)
{
	size_t n;
	int32_t c;

	if (w->end - w->at < 2 || !w->at[1] || !strchr("\"\\/bfnrtu", w->at[1]))
		return stop(w, "unknown escape in a string");
	if (w->at[1] != 'u') {
		w->at += 2;
		return true;
	}
	n = code_point(w->at + 2, w->end, &c);
	if (!n)
		return stop(w, c < 0 ? "\\u needs four hexadecimal digits" : "half of a surrogate pair in a string");
	w->at += 2 + n;
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
			if (!escape(w))
				return false;
			continue;
		}
		n = weft__utf8_len((const unsigned char *)w->at, (size_t)(w->end - w->at));
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

static bool is_digit(const struct walk *w)
{
	return w->at < w->end && *w->at >= '0' && *w->at <= '9';
}

static bool digits(struct walk *w)
{
	if (!is_digit(w))
		return stop(w, "expected a digit");
	while (is_digit(w))
		w->at++;
	return true;
}

/* Integers have to fit int64_t or uint64_t. */
static bool integer_fits(const char *at, const char *end)
{
	bool negative = *at == '-';
	uint64_t n = 0;

	for (at += negative; at < end; at++) {
		if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n))
			return false;
	}
	return !negative || n <= UINT64_C(1) << 63;
}

/* The power of ten that a number with a fraction or an exponent begins at. */
static int64_t magnitude(const char *at, const char *end)
{
	int64_t point = 0, first = INT64_MIN, exponent = 0;
	bool after_point = false, negative = false;

	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.') {
			after_point = true;
			continue;
		}
		point += !after_point && *at != '-';
		first = first == INT64_MIN && *at >= '1' ? 0 : first;
	}
	for (at += at < end; at < end; at++) {
		negative |= *at == '-';
		if (*at >= '0' && exponent < 1000000)
			exponent = exponent * 10 + (*at - '0');
	}
	return first == INT64_MIN ? first : point + (negative ? -exponent : exponent);
}

static bool number(struct walk *w)
{
	const char *begin = w->at;
	bool whole = true;

	if (*w->at == '-')
		w->at++;
	if (w->at < w->end && *w->at == '0')
		w->at++;
	else if (!digits(w))
		return false;
	if (w->at < w->end && *w->at == '.') {
		whole = false;
		w->at++;
		if (!digits(w))
			return false;
	}
	if (w->at < w->end && (*w->at == 'e' || *w->at == 'E')) {
		whole = false;
		w->at++;
		if (w->at < w->end && (*w->at == '+' || *w->at == '-'))
			w->at++;
		if (!digits(w))
			return false;
	}
	if (whole && !integer_fits(begin, w->at)) {
		w->at = begin;
		return stop(w, "an integer that does not fit 64 bits");
	}
	if (!whole && !w->suspect && magnitude(begin, w->at) >= 309)
		w->suspect = begin;
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

static size_t utf8_put(int32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The next character of a raw key as the bytes it stands for. */
static size_t key_next(const char **at, const char *end, char to[4])
{
	static const char letters[] = "b\bf\fn\nr\rt\t";
	int32_t c;

	to[0] = *(*at)++;
	if (to[0] != '\\' || *at == end)
		return 1;
	to[0] = *(*at)++;
	if (to[0] == 'u') {
		size_t n = code_point(*at, end, &c);

		*at += n;
		return n ? utf8_put(c, to) : 1;
	}
	for (const char *l = letters; *l; l += 2) {
		if (*l == to[0]) {
			to[0] = l[1];
			break;
		}
	}
	return 1;
}

/* Is the raw key the next step of the path? Then what is left behind it; '~1' and '~0' are '/' and '~'. */
static bool step_matches(weft_str pointer, weft_str raw, weft_str *ret_rest)
{
	const char *at = raw.ptr, *end = raw.ptr + raw.len_bytes;
	size_t i = 1;

	if (!pointer.len_bytes || pointer.ptr[0] != '/')
		return false;
	while (at < end) {
		char bytes[4];
		size_t n = key_next(&at, end, bytes);

		for (size_t j = 0; j < n; j++, i++) {
			char c = i < pointer.len_bytes ? pointer.ptr[i] : '/';

			if (c == '/')
				return false;
			if (c == '~' && i + 1 < pointer.len_bytes)
				c = pointer.ptr[++i] == '1' ? '/' : '~';
			if (c != bytes[j])
				return false;
		}
	}
	*ret_rest = (weft_str){ pointer.ptr + i, pointer.len_bytes - i };
	return i == pointer.len_bytes || pointer.ptr[i] == '/';
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
		if (++w->depth > WEFT__JSON_DEPTH_MAX)
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

	if (text.len_bytes >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
		stop(&w, "a byte order mark may not stand here");
	else if (value(&w)) {
		space(&w);
		if (w.at < w.end)
			stop(&w, "text behind the end of the value");
	}
	if (!w.what && w.suspect) {
		w.what = "a number that is too large";
		w.at = w.suspect;
	}
	position(w.begin, w.at, ret_line, ret_column);
	return w.what;
}

int weft_json_locate(weft_str text, weft_str pointer, uint32_t *ret_line, uint32_t *ret_column)
{
	struct walk w = { .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len_bytes, .pointer = pointer };

	WEFT_RETURN_IF(!ret_line || !ret_column, -EINVAL);
	space(&w);
	if (!pointer.len_bytes)
		w.found = w.at < w.end ? w.at : NULL;
	else
		(void)value(&w);
	if (!w.found)
		return -ENOENT;
	position(w.begin, w.found, ret_line, ret_column);
	return 0;
}
