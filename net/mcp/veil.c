/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/veil.c - see veil.h. Covered where it stands, byte for byte: the text stays JSON if it was. A writer of JSON may put a
 * backslash before a slash; one that hides a secret on purpose is not found, and could as well have sent it elsewhere.
 */
#include "net/mcp/veil.h"

#include <string.h>
#include <strings.h>

#include <weft/alloc.h>

static bool ends_with(weft_str name, const char *end)
{
	size_t n = strlen(end);

	return name.len_bytes >= n && !strncasecmp(name.ptr + name.len_bytes - n, end, n);
}

static bool is_secret_name(weft_str name)
{
	static const char *const ends[] = { "authorization", "key", "token", "secret", "password", "passphrase", "cookie", "credentials" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return false;
}

/* Behind "Bearer " and its like: the scheme is no secret, and a server may leave it out. */
static weft_str without_scheme(weft_str value)
{
	static const char *const schemes[] = { "Bearer ", "Basic ", "Token " };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (value.len_bytes > n && !strncasecmp(value.ptr, schemes[i], n))
			return (weft_str){ value.ptr + n, value.len_bytes - n };
	}
	return value;
}

void weft__veil_add_named(struct weft__veil *v, weft_str name, weft_str value)
{
	value = without_scheme(value);
	if (is_secret_name(name) && value.len_bytes >= WEFT__VEIL_BYTES_MIN && v->count < WEFT__VEIL_SECRETS)
		v->secrets[v->count++] = value;
}

/* How many bytes at `at` are the secret, or all that a text which was cut there has of it; 0: they are not. */
static size_t match(weft_str text, size_t at, weft_str secret)
{
	size_t i = at, n = 0;

	for (; n < secret.len_bytes; n++, i++) {
		if (secret.ptr[n] == '/' && i + 1 < text.len_bytes && text.ptr[i] == '\\')
			i++;
		if (i == text.len_bytes)
			break;
		if (text.ptr[i] != secret.ptr[n])
			return 0;
	}
	return n >= WEFT__VEIL_BYTES_MIN ? i - at : 0;
}

/* The next place of the secret at or behind *at, and how long it is there; 0: there is none. */
static size_t find(weft_str text, size_t *at, weft_str secret)
{
	while (*at < text.len_bytes) {
		const char *first = memchr(text.ptr + *at, secret.ptr[0], text.len_bytes - *at);
		size_t len;

		if (!first)
			return 0;
		*at = (size_t)(first - text.ptr);
		len = match(text, *at, secret);
		if (len)
			return len;
		++*at;
	}
	return 0;
}

/* Digits may stand where JSON has a number. */
static char cover_of(weft_str secret)
{
	for (size_t i = 0; i < secret.len_bytes; i++) {
		if (secret.ptr[i] < '0' || secret.ptr[i] > '9')
			return '*';
	}
	return '0';
}

/* False: out of memory. */
static bool cover(weft_str *text, weft_str secret, char **copy)
{
	size_t at = 0, len;

	if (secret.len_bytes < WEFT__VEIL_BYTES_MIN)
		return true;
	for (; (len = find(*text, &at, secret)); at += len) {
		if (!*copy)
			*copy = weft_strndup(text->ptr, text->len_bytes);
		if (!*copy)
			return false;
		text->ptr = *copy;
		memset(*copy + at, cover_of(secret), len);
	}
	return true;
}

weft_str weft__veil_cover(const struct weft__veil *v, weft_str text, char **ret_copy)
{
	bool done;

	*ret_copy = NULL;
	done = cover(&text, v->token, ret_copy) && cover(&text, v->past, ret_copy);
	for (uint32_t i = 0; done && i < v->count; i++)
		done = cover(&text, v->secrets[i], ret_copy);
	if (done)
		return text;
	return (weft_str){ NULL, 0 };
}
