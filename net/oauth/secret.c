/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/secret.c - see secret.h. Growing copies into new memory, since realloc would leave the old bytes
 * behind.
 */
#include "net/oauth/secret.h"

#include <string.h>

#include <weft/alloc.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char of_addresses[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void weft__secret_fini(struct weft__secret *s)
{
	if (s->at)
		explicit_bzero(s->at, s->cap);
	weft_free(s->at);
	*s = (struct weft__secret){0};
}

static bool make_room(struct weft__secret *s, size_t len)
{
	size_t cap = s->cap ? s->cap : 128;
	char *more;

	if (s->failed || len > WEFT__SECRET_BYTES_MAX - s->len) {
		s->failed = true;
		return false;
	}
	if (s->at && s->len + len + 1 <= s->cap)
		return true;
	while (cap < s->len + len + 1)
		cap *= 2;
	more = weft_malloc(cap);
	if (!more) {
		s->failed = true;
		return false;
	}
	if (s->at) {
		memcpy(more, s->at, s->len);
		explicit_bzero(s->at, s->cap);
		weft_free(s->at);
	}
	s->at = more;
	s->cap = cap;
	return true;
}

void weft__secret_put(struct weft__secret *s, weft_str text)
{
	if (!make_room(s, text.len_bytes))
		return;
	if (text.len_bytes)
		memcpy(s->at + s->len, text.ptr, text.len_bytes);
	s->len += text.len_bytes;
	s->at[s->len] = '\0';
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

void weft__secret_put_encoded(struct weft__secret *s, weft_str text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len_bytes; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};

		weft__secret_put(s, is_plain(text.ptr[i]) ? (weft_str){&text.ptr[i], 1}
		                                          : (weft_str){escaped, 3});
	}
}

void weft__secret_put_pair(struct weft__secret *s, char before, weft_str name, weft_str value)
{
	if (!value.len_bytes)
		return;
	if (before)
		weft__secret_put(s, (weft_str){&before, 1});
	weft__secret_put(s, name);
	weft__secret_put(s, WEFT_STR("="));
	weft__secret_put_encoded(s, value);
}

static void put_base64(struct weft__secret *s, const void *bytes, size_t len, const char *digits, bool padded)
{
	const unsigned char *from = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t word = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
		                (left > 2 ? from[i + 2] : 0);
		char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
		                left > 1 ? digits[word >> 6 & 63] : '=', left > 2 ? digits[word & 63] : '='};

		weft__secret_put(s, (weft_str){four, padded || left > 2 ? 4 : left + 1});
	}
}

void weft__secret_put_base64(struct weft__secret *s, const void *bytes, size_t len)
{
	put_base64(s, bytes, len, standard, true);
}

void weft__secret_put_base64url(struct weft__secret *s, const void *bytes, size_t len)
{
	put_base64(s, bytes, len, of_addresses, false);
}

char *weft__secret_dup(weft_str text)
{
	return weft_strndup(text.len_bytes ? text.ptr : "", text.len_bytes);
}

void weft__secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	weft_free(text);
}

bool weft__secret_eq(weft_str a, weft_str b)
{
	volatile unsigned char differs =
	        0; /* volatile: not to be left early by a compiler that sees through it */

	if (a.len_bytes != b.len_bytes)
		return false;
	for (size_t i = 0; i < a.len_bytes; i++)
		differs = (unsigned char)(differs | (a.ptr[i] ^ b.ptr[i]));
	return differs == 0;
}
