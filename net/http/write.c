/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/write.c - heads written: each byte is checked where it goes in, and none that is wrong stays. */
#include "net/http/write.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/chars.h"

#define CAP_FIRST 512u

/* Heads carry keys and cookies: no copy is left behind. */
static void forget(struct weft__http_writer *w)
{
	if (w->ptr)
		explicit_bzero(w->ptr, w->cap); /* whatever was written before a reset, too */
	weft_free(w->ptr);
}

void weft__http_writer_fini(struct weft__http_writer *w)
{
	forget(w);
	*w = (struct weft__http_writer){ .ptr = NULL };
}

void weft__http_writer_reset(struct weft__http_writer *w)
{
	w->len = 0;
	w->status = 0;
}

static void fail(struct weft__http_writer *w, int status)
{
	if (w->status == 0)
		w->status = status;
}

/* NULL: an error sticks. */
static char *room(struct weft__http_writer *w, size_t len)
{
	size_t cap = w->cap ? w->cap : CAP_FIRST;
	char *more;

	if (w->status < 0)
		return NULL;
	while (cap - w->len < len) {
		if (__builtin_mul_overflow(cap, 2u, &cap)) {
			fail(w, -ENOMEM);
			return NULL;
		}
	}
	if (cap > w->cap) {
		more = weft_malloc(cap);
		if (!more) {
			fail(w, -ENOMEM);
			return NULL;
		}
		if (w->len)
			memcpy(more, w->ptr, w->len);
		forget(w);
		w->ptr = more;
		w->cap = cap;
	}
	return w->ptr + w->len;
}

void weft__http_write_bytes(struct weft__http_writer *w, const void *bytes, size_t len)
{
	char *to = room(w, len);

	if (!to || !len)
		return;
	memcpy(to, bytes, len);
	w->len += len;
}

static void put(struct weft__http_writer *w, weft_str s)
{
	weft__http_write_bytes(w, s.ptr, s.len_bytes);
}

static void put_all_of(struct weft__http_writer *w, weft_str s, unsigned kind)
{
	const uint8_t *at = (const uint8_t *)s.ptr;

	if (!s.len_bytes || weft__chars_end(at, at + s.len_bytes, kind) != at + s.len_bytes)
		fail(w, -EINVAL);
	put(w, s);
}

void weft__http_write_request(struct weft__http_writer *w, weft_str method, weft_str target)
{
	bool slash = !target.len_bytes || target.ptr[0] == '?';

	put_all_of(w, method, WEFT__CHAR_TOKEN);
	put(w, slash ? WEFT_STR(" /") : WEFT_STR(" "));
	if (target.len_bytes)
		put_all_of(w, target, WEFT__CHAR_TARGET);
	put(w, WEFT_STR(" HTTP/1.1\r\n"));
}

void weft__http_write_status(struct weft__http_writer *w, int status)
{
	char digits[4] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10), ' ' };

	if (status < 100 || status > 999)
		fail(w, -EINVAL);
	put(w, WEFT_STR("HTTP/1.1 "));
	weft__http_write_bytes(w, digits, sizeof(digits));
	put(w, weft_str_from(weft__http_reason(status)));
	put(w, WEFT_STR("\r\n"));
}

void weft__http_write_field(struct weft__http_writer *w, weft_str name, weft_str value)
{
	const uint8_t *at = (const uint8_t *)value.ptr;
	char *to;

	if (!name.len_bytes || (value.len_bytes && weft__text_end(at, at + value.len_bytes) != at + value.len_bytes))
		fail(w, -EINVAL);
	for (size_t i = 0; i < name.len_bytes; i++) {
		if (!weft__char_is((uint8_t)name.ptr[i], WEFT__CHAR_TOKEN))
			fail(w, -EINVAL);
	}
	to = room(w, name.len_bytes + value.len_bytes + 4);
	if (!to)
		return;
	memcpy(to, name.ptr, name.len_bytes);
	to += name.len_bytes;
	*to++ = ':';
	*to++ = ' ';
	if (value.len_bytes)
		memcpy(to, value.ptr, value.len_bytes);
	to += value.len_bytes;
	*to++ = '\r';
	*to++ = '\n';
	w->len = (size_t)(to - w->ptr);
}

void weft__http_write_number(struct weft__http_writer *w, weft_str name, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	weft__http_write_field(w, name, (weft_str){ at, (size_t)(digits + sizeof(digits) - at) });
}

void weft__http_write_fields(struct weft__http_writer *w, const struct weft__http_field *fields, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		weft__http_write_field(w, fields[i].name, fields[i].value);
}

void weft__http_write_end(struct weft__http_writer *w)
{
	put(w, WEFT_STR("\r\n"));
}

int weft__http_writer_text(const struct weft__http_writer *w, weft_str *ret_text)
{
	if (w->status == 0)
		*ret_text = (weft_str){ w->ptr, w->len };
	return w->status;
}

size_t weft__http_chunk_head(char to[WEFT__HTTP_CHUNK_HEAD_BYTES], size_t len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned shift = len ? (unsigned)(63 - __builtin_clzll(len)) & ~3u : 0;
	char *at = to;

	for (;; shift -= 4) {
		*at++ = hex[len >> shift & 15];
		if (!shift)
			break;
	}
	*at++ = '\r';
	*at++ = '\n';
	return (size_t)(at - to);
}
