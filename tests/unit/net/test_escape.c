/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: against a version of it that looks at one byte after the other, in texts and rooms of every length.
 * Texts and rooms lie at the end of memory of their own size, where the address sanitizer sees a byte too far.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "net/json/escape.h"
#include "tests/support/seed.h"

#define TEXT_MAX 70u

/* One character. Gives the bytes used. */
static size_t plainly_one(const unsigned char *s, size_t left, char *to, size_t *len)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *name = *s ? strchr(named, *s) : NULL;
	uint32_t c = *s, least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;

	if (name) {
		*len += (size_t)sprintf(to + *len, "\\%c", letters[name - named]);
		return 1;
	}
	if (c < 0x20) {
		*len += (size_t)sprintf(to + *len, "\\u%04x", c);
		return 1;
	}
	c = n > 1 ? c & (0x7fu >> n) : c;
	for (size_t i = 1; i < n; i++)
		n = i < left && (s[i] & 0xc0) == 0x80 ? n : 0, c = c << 6 | (s[i < left ? i : 0] & 0x3f);
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		memcpy(to + *len, "\xef\xbf\xbd", 3);
		*len += 3;
		return 1;
	}
	memcpy(to + *len, s, n);
	*len += n;
	return n;
}

static size_t plainly(weft_str text, char *to)
{
	size_t len = 0;

	for (size_t at = 0; at < text.len_bytes;)
		at += plainly_one((const unsigned char *)text.ptr + at, text.len_bytes - at, to, &len);
	return len;
}

/* In rooms of the given size, one after the other. */
static size_t in_rooms(weft_str text, size_t room, char *to)
{
	size_t len = 0;

	while (text.len_bytes) {
		size_t before = text.len_bytes, n;
		char *some = malloc(room);

		n = weft__json_escape(&text, some, room);
		cr_assert(n <= room && text.len_bytes < before, "no progress");
		memcpy(to + len, some, n);
		len += n;
		free(some);
	}
	return len;
}

static void check(const char *bytes, size_t n, size_t room)
{
	char *copy = malloc(n ? n : 1), expected[6 * TEXT_MAX], got[6 * TEXT_MAX];
	weft_str text = { copy, n };
	size_t len = plainly((weft_str){ bytes, n }, expected);

	memcpy(copy, bytes, n);
	cr_assert_eq(in_rooms(text, room, got), len, "%zu bytes in rooms of %zu", n, room);
	cr_assert_eq(memcmp(got, expected, len), 0, "%zu bytes in rooms of %zu", n, room);
	free(copy);
}

/* Each byte, at each place of words and ends. */
Test(escape, every_byte__wherever_it_stands)
{
	char text[20];

	for (int c = 0; c < 256; c++) {
		for (size_t n = 1; n <= sizeof(text); n++) {
			for (size_t at = 0; at < n; at++) {
				memset(text, 'a', sizeof(text));
				text[at] = (char)c;
				check(text, n, n + WEFT__JSON_ESCAPE_ROOM);
			}
		}
	}
}

Test(escape, any_text__in_any_room)
{
	static const char *const parts[] = { "a", "plain text ", "\"", "\\", "\n", "\x01", "\x7f", "\xc3\xa9", "\xe2\x82\xac",
		                             "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80" };
	uint64_t rnd = test_seed("escape");
	char text[TEXT_MAX + 16];

	for (uint32_t round = 0; round < 20000; round++) {
		size_t n = 0, want = test_below(&rnd, TEXT_MAX);
		uint32_t kinds = 1 + test_below(&rnd, 15);

		while (n < want) {
			const char *part = parts[test_below(&rnd, kinds)];

			memcpy(text + n, part, strlen(part));
			n += strlen(part);
		}
		check(text, want, WEFT__JSON_ESCAPE_ROOM + test_below(&rnd, TEXT_MAX));
	}
}

Test(escape, nothing)
{
	weft_str text = { NULL, 0 };
	char room[WEFT__JSON_ESCAPE_ROOM];

	cr_assert_eq(weft__json_escape(&text, room, sizeof(room)), 0);
	cr_assert_eq(text.len_bytes, 0);
}
