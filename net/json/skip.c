/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/skip.c - over the text of values that are known to be valid: simdjson's tape does not say where in the text a
 * value stood. The text ends in the padding of its document (WEFT__JSON_PADDING), so that looking ahead is always fine.
 */
#include "net/json/json.h"

#include <assert.h>

const char *weft__json_skip_space(const char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
	return at;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A bit in each byte of x that is c; the lowest is exact, a borrow may set higher ones. */
static inline uint64_t bytes_equal(uint64_t x, unsigned char c)
{
	x ^= EACH(c);
	return (x - EACH(1)) & ~x & EACH(0x80);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lowest byte comes first");

/* at: behind the opening quote. Eight bytes at a time: the padding is long enough. */
static const char *skip_string(const char *at)
{
	for (;;) {
		uint64_t x, found;

		memcpy(&x, at, sizeof(x));
		found = bytes_equal(x, '"') | bytes_equal(x, '\\');
		if (!found) {
			at += sizeof(x);
			continue;
		}
		at += __builtin_ctzll(found) / 8;
		if (*at == '"')
			return at + 1;
		at += 2; /* whatever a backslash escapes is no end */
	}
}

/*
 * Escapes are longer than what they stand for. So with any, the string ends behind at[len], and a quote there is one that
 * a backslash escapes; with none it ends right there.
 */
const char *weft__json_skip_string(const char *at, size_t len_bytes)
{
	const char *end = at + 1 + len_bytes;

	return *end == '"' && end[-1] != '\\' ? end + 1 : skip_string(at + 1);
}

/* What ends a number or a word. */
static const bool ends[256] = { [','] = true, [':'] = true, [']'] = true, ['}'] = true, [' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, [0] = true };

const char *weft__json_skip_value(const char *at)
{
	size_t depth = 0;

	do {
		at = weft__json_skip_space(at);
		switch (*at) {
		case '"':
			at = skip_string(at + 1);
			break;
		case '{':
		case '[':
			depth++;
			at++;
			break;
		case '}':
		case ']':
			depth--;
			at++;
			break;
		case ',':
		case ':':
			at++;
			break;
		default: /* a number or a word */
			while (!ends[(unsigned char)*at])
				at++;
			break;
		}
	} while (depth);
	return at;
}
