/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/escape.c - see escape.h. Eight bytes at a time are copied and looked at: mostly all of them
 * stand for themselves. If not, what was copied up to the first that does not is right already.
 */
#include "net/json/escape.h"

#include <string.h>

#include "net/json/utf8.h"
#include "runtime/base/assert.h"

#define ONES UINT64_C(0x0101010101010101)

/* The first byte in memory is the lowest. */
static uint64_t in_order(uint64_t word)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

static uint64_t load(const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return in_order(word);
}

static void store(char *to, uint64_t word)
{
	word = in_order(word);
	memcpy(to, &word, sizeof(word));
}

/* The last n bytes of a text, 0 to 7, and spaces behind them. */
static uint64_t load_end(const char *begin, const char *end, size_t n)
{
	uint64_t word = 0;

	if (!n)
		return ONES * ' ';
	if (end - begin >= 8) {
		word = load(end - 8) >> 8 * (8 - n);
	} else {
		for (size_t i = 1; i <= n; i++)
			word = word << 8 | (unsigned char)end[-(ptrdiff_t)i];
	}
	return word | ONES * ' ' << 8 * n;
}

/* A flag at each byte that does not stand for itself: all but ASCII without controls, '"' and '\\'. */
static uint64_t specials(uint64_t word)
{
	uint64_t quote = word ^ ONES * '"', slash = word ^ ONES * '\\';

	/* the lowest flag set is exact: a borrow only runs upwards */
	return ((word - ONES * 0x20) | (quote - ONES) | (slash - ONES) | word) & ONES << 7;
}

static size_t put_control(unsigned char c, char *to)
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

/* One character that does not stand for itself; uses up to *ret_used bytes, writes at most six. */
static size_t put_special(const char *at, size_t left, char *to, size_t *ret_used)
{
	unsigned char first = (unsigned char)*at;
	size_t n;

	*ret_used = 1;
	if (first < 0x80)
		return put_control(first, to);
	n = weft__utf8_len((const unsigned char *)at, left);
	if (!n) {
		memcpy(to, "\xef\xbf\xbd", 3); /* U+FFFD */
		return 3;
	}
	memcpy(to, at, n);
	*ret_used = n;
	return n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t weft__json_escape(weft_str *text, char *to, size_t room)
{
	const char *at = text->ptr, *const end = at + text->len_bytes;
	char *put = to, *const full = to + room - WEFT__JSON_ESCAPE_ROOM;

	while (at != end && put <= full) {
		uint64_t word = 0, found = 0;
		size_t n = 8, used = 0;

		for (size_t words = least((size_t)(end - at), (size_t)(full - put)) / 8; words; words--) {
			word = load(at);
			store(put, word);
			found = specials(word);
			if (found)
				break;
			at += 8;
			put += 8;
		}
		if (!found) { /* the last of the text or of the room */
			n = least((size_t)(end - at), 8);
			word = n < 8 ? load_end(text->ptr, end, n) : load(at);
			store(put, word);
			found = specials(word);
		}
		if (found)
			n = (size_t)__builtin_ctzll(found) / 8;
		put += n;
		at += n;
		if (found) /* seven bytes and six: there is room */
			put += put_special(at, (size_t)(end - at), put, &used);
		at += used;
	}
	*text = (weft_str){ at, (size_t)(end - at) };
	return (size_t)(put - to);
}
