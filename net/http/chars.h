/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/chars.h - which bytes may stand where (RFC 9110, RFC 3986), and scans for the first that may not.
 */
#ifndef WEFT_NET_HTTP_CHARS_H
#define WEFT_NET_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
	WEFT__CHAR_TOKEN = 1u << 0,  /* of methods and field names */
	WEFT__CHAR_TARGET = 1u << 1, /* of what a request asks for: visible ASCII without "#" */
	WEFT__CHAR_HOST = 1u << 2,   /* of a host's name or number: letters, digits, "-", ".", "_", and "~" */
	WEFT__CHAR_PATH = 1u << 3    /* of a path or a query: RFC 3986, "%" among them, and what browsers leave as it is */
};

extern const uint8_t weft__chars[256];

static inline bool weft__char_is(uint8_t c, unsigned kind)
{
	return weft__chars[c] & kind;
}

/* The first byte from at that is not of that kind, or stop. */
static inline const uint8_t *weft__chars_end(const uint8_t *at, const uint8_t *stop, unsigned kind)
{
	/* four at a time: half the branches */
	while (stop - at >= 4 && (weft__chars[at[0]] & weft__chars[at[1]] & weft__chars[at[2]] & weft__chars[at[3]] & kind))
		at += 4;
	while (at < stop && weft__char_is(*at, kind))
		at++;
	return at;
}

/* 0 to 15, or -1. */
static inline int weft__hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool weft__is_text(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* The first byte that may not stand in a field's value: a control that is not a tab. Or stop. */
static inline const uint8_t *weft__text_end(const uint8_t *at, const uint8_t *stop)
{
#if defined(__SSE2__)
	const __m128i space = _mm_set1_epi8(0x20), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);

	for (; stop - at >= 16; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i low = _mm_cmpeq_epi8(_mm_max_epu8(x, space), space); /* 0x20 too: taken out below */
		__m128i fine = _mm_or_si128(_mm_cmpeq_epi8(x, space), _mm_cmpeq_epi8(x, tab));
		int bad = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(fine, low), _mm_cmpeq_epi8(x, del)));

		if (bad)
			return at + __builtin_ctz((unsigned)bad);
	}
#else
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;

	for (; stop - at >= 8; at += 8) {
		uint64_t x, del;

		memcpy(&x, at, sizeof(x));
		del = x ^ (ones * 0x7f);
		if (!((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & highs))
			continue;
		for (int i = 0; i < 8; i++) {
			if (!weft__is_text(at[i]))
				return at + i;
		}
	}
#endif
	while (at < stop && weft__is_text(*at))
		at++;
	return at;
}

#endif
