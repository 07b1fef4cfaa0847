/* SPDX-License-Identifier: Apache-2.0 */
/* net/json/utf8.h - is it UTF-8? One character at a time, without overlong forms, surrogates and what lies past U+10FFFF. */
#ifndef WEFT_NET_JSON_UTF8_H
#define WEFT_NET_JSON_UTF8_H

#include <stddef.h>

/* Bytes of the valid sequence that s begins with; 0: it is none, or left (at least 1) bytes do not hold it. */
static inline size_t weft__utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

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

#endif
