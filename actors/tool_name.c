/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/tool_name.c - a prefix and a foreign name put together. A name that had to be changed or cut ends in a hash of what
 * it was, so two that look alike afterwards stay two.
 */
#include "actors/tool_name.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#define HASH_CHARS 9u /* "_" and eight digits */

static uint32_t hash_of(weft_str text)
{
	uint32_t hash = 0x811c9dc5u; /* FNV-1a */

	for (size_t i = 0; i < text.len_bytes; i++)
		hash = (hash ^ (uint8_t)text.ptr[i]) * 0x01000193u;
	return hash;
}

static bool fits(char c)
{
	return (unsigned char)c < 0x80 && (isalnum((unsigned char)c) || c == '_' || c == '-');
}

/* Takes what fits, up to the end of room. False: something did not. */
static bool append(char *fitted, size_t *n, weft_str text)
{
	bool exact = true;

	for (size_t i = 0; i < text.len_bytes; i++) {
		if (*n == WEFT__TOOL_NAME_BYTES)
			return false;
		exact = exact && fits(text.ptr[i]);
		fitted[(*n)++] = fits(text.ptr[i]) ? text.ptr[i] : '_';
	}
	return exact;
}

void weft__tool_name_fit(const char *prefix, weft_str name, char fitted[WEFT__TOOL_NAME_BYTES + 1])
{
	size_t n = 0;
	bool exact = append(fitted, &n, weft_str_from(prefix));

	if (*prefix)
		exact = append(fitted, &n, WEFT_STR("_")) && exact;
	exact = append(fitted, &n, name) && exact;
	if (!exact) {
		if (n > WEFT__TOOL_NAME_BYTES - HASH_CHARS)
			n = WEFT__TOOL_NAME_BYTES - HASH_CHARS;
		n += (size_t)snprintf(fitted + n, HASH_CHARS + 1, "_%08x", hash_of(name));
	}
	fitted[n] = '\0';
}
