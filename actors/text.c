/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/text.c - buffers, names, words, and where texts may be cut. Only ASCII is folded: names and keywords in other
 * scripts match as written.
 */
#include "actors/text.h"

#include <errno.h>

#include "net/json/escape.h"

bool weft__buf_reserve(struct weft__buf *b, size_t more)
{
	size_t cap = b->cap_bytes * 2 > b->len_bytes + more ? b->cap_bytes * 2 : b->len_bytes + more;
	char *p;

	if (b->failed)
		return false;
	if (b->cap_bytes - b->len_bytes >= more)
		return true;
	p = weft_arena_alloc(b->arena, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	if (b->len_bytes)
		memcpy(p, b->ptr, b->len_bytes);
	b->ptr = p;
	b->cap_bytes = cap;
	return true;
}

void weft__buf_put_uint(struct weft__buf *b, uint64_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	if (value < 10) {
		weft__buf_put_char(b, (char)('0' + value));
		return;
	}
	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	weft__buf_put(b, (weft_str){digits + n, sizeof(digits) - n});
}

void weft__buf_put_quoted(struct weft__buf *b, weft_str text)
{
	weft__buf_put_char(b, '"');
	while (text.len_bytes) {
		if (!weft__buf_reserve(b, text.len_bytes + WEFT__JSON_ESCAPE_ROOM))
			return;
		b->len_bytes += weft__json_escape(&text, b->ptr + b->len_bytes, b->cap_bytes - b->len_bytes);
	}
	weft__buf_put_char(b, '"');
}

int weft__buf_end(struct weft__buf *b, weft_str *ret_text)
{
	if (b->failed)
		return -ENOMEM;
	*ret_text = (weft_str){b->ptr, b->len_bytes};
	return 0;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Letters, digits, underscore; bytes of UTF-8 sequences count as letters. */
static bool is_word_byte(char c)
{
	unsigned char l = lower(c);

	return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '_' || l >= 0x80;
}

bool weft__str_eq_nocase(weft_str a, weft_str b)
{
	if (a.len_bytes != b.len_bytes)
		return false;
	for (size_t i = 0; i < a.len_bytes; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool weft__text_has_word(weft_str text, weft_str word)
{
	unsigned char first;

	if (word.len_bytes == 0 || word.len_bytes > text.len_bytes)
		return false;
	first = lower(word.ptr[0]);
	for (size_t i = 0; i + word.len_bytes <= text.len_bytes; i++) {
		size_t end = i + word.len_bytes;

		if (lower(text.ptr[i]) != first)
			continue;
		if (i > 0 && is_word_byte(text.ptr[i - 1]) && is_word_byte(word.ptr[0]))
			continue;
		if (end < text.len_bytes && is_word_byte(text.ptr[end]) &&
		    is_word_byte(word.ptr[word.len_bytes - 1]))
			continue;
		if (weft__str_eq_nocase((weft_str){text.ptr + i, word.len_bytes}, word))
			return true;
	}
	return false;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '_' || c == '-' || c == '\t';
}

bool weft__name_matches(weft_str a, weft_str b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.len_bytes && is_separator(a.ptr[i]))
			i++;
		while (j < b.len_bytes && is_separator(b.ptr[j]))
			j++;
		if (i == a.len_bytes || j == b.len_bytes)
			return i == a.len_bytes && j == b.len_bytes;
		if (lower(a.ptr[i++]) != lower(b.ptr[j++]))
			return false;
	}
}

weft_str weft__str_trim(weft_str s)
{
	while (s.len_bytes && (unsigned char)s.ptr[0] <= ' ')
		s = (weft_str){s.ptr + 1, s.len_bytes - 1};
	while (s.len_bytes && (unsigned char)s.ptr[s.len_bytes - 1] <= ' ')
		s.len_bytes--;
	return s;
}

/* The longest prefix of at most max bytes that does not end inside a UTF-8 sequence. */
size_t weft__str_cut(weft_str s, size_t max)
{
	size_t n = max;

	if (s.len_bytes <= max)
		return s.len_bytes;
	while (n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static size_t sequence_bytes(unsigned char lead)
{
	return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

size_t weft__str_whole(weft_str s)
{
	size_t at = s.len_bytes;

	for (size_t back = 1; back <= 3 && back <= s.len_bytes; back++) {
		unsigned char c = (unsigned char)s.ptr[s.len_bytes - back];

		if ((c & 0xc0) == 0x80)
			continue;
		return sequence_bytes(c) > back ? at - back : at;
	}
	return at;
}

/* ---- time ------------------------------------------------------------------- */

static void put_two(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
}

size_t weft__control_at(weft_str text, size_t at)
{
	const unsigned char *c = (const unsigned char *)text.ptr + at;
	size_t have = text.len_bytes - at;

	if (c[0] < 0x20 || c[0] == 0x7f)
		return 1;
	if (have > 1 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	if (have < 3 || c[0] != 0xe2)
		return 0;
	return (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) ? 3 : 0;
}

/* "2026-11-20 22:38:05 UTC"; the calendar after Howard Hinnant's civil_from_days. */
void weft__format_utc(int64_t ms, char *out)
{
	uint64_t s = (uint64_t)(ms < 0 ? 0 : ms) / 1000, days = s / 86400 + 719468, era = days / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	unsigned month = mp < 10 ? mp + 3 : mp - 9, year = (unsigned)(yoe + era * 400) + (month <= 2);
	static const char shape[] = "0000-00-00 00:00:00 UTC";

	memcpy(out, shape, sizeof(shape));
	put_two(out, year / 100);
	put_two(out + 2, year % 100);
	put_two(out + 5, month);
	put_two(out + 8, doy - (153 * mp + 2) / 5 + 1);
	put_two(out + 11, (unsigned)(s / 3600 % 24));
	put_two(out + 14, (unsigned)(s / 60 % 60));
	put_two(out + 17, (unsigned)(s % 60));
}
