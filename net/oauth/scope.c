/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/scope.c - see scope.h. Sets are a handful of words: they are looked through from the front. */
#include "net/oauth/scope.h"

#include <string.h>

/* The next word, taken off text; empty at the end. */
static weft_str next_word(weft_str *text)
{
	weft_str word;

	while (text->len_bytes && *text->ptr == ' ') {
		text->ptr++;
		text->len_bytes--;
	}
	word = *text;
	while (text->len_bytes && *text->ptr != ' ') {
		text->ptr++;
		text->len_bytes--;
	}
	word.len_bytes -= text->len_bytes;
	return word;
}

bool weft__oauth_scope_is_valid(weft_str scope)
{
	bool after_word = false;

	for (size_t i = 0; i < scope.len_bytes; i++) {
		char c = scope.ptr[i];

		if (c == ' ' ? !after_word : c < 0x21 || c > 0x7e || c == '"' || c == '\\')
			return false;
		after_word = c != ' ';
	}
	return after_word;
}

bool weft__oauth_scope_has(weft_str set, weft_str word)
{
	weft_str one;

	while ((one = next_word(&set)).len_bytes) {
		if (weft_str_eq(one, word))
			return true;
	}
	return false;
}

bool weft__oauth_scope_covers(weft_str set, weft_str part)
{
	weft_str one;

	while ((one = next_word(&part)).len_bytes) {
		if (!weft__oauth_scope_has(set, one))
			return false;
	}
	return true;
}

bool weft__oauth_scope_add(char *set, weft_str more)
{
	size_t before = strlen(set), n = before;
	weft_str one;

	while ((one = next_word(&more)).len_bytes) {
		if (weft__oauth_scope_has((weft_str){set, n}, one))
			continue;
		if (one.len_bytes + 1 >= WEFT__OAUTH_SCOPE_BYTES_MAX - n) {
			set[before] = '\0';
			return false;
		}
		if (n)
			set[n++] = ' ';
		memcpy(set + n, one.ptr, one.len_bytes);
		n += one.len_bytes;
		set[n] = '\0';
	}
	return true;
}
