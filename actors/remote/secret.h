/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/secret.h - a key in memory: copied once, never shown, wiped when it goes.
 */
#ifndef WEFT_ACTORS_REMOTE_SECRET_H
#define WEFT_ACTORS_REMOTE_SECRET_H

#include <string.h>

#include <weft/alloc.h>
#include <weft/base.h>

#define WEFT__SECRET_BYTES_MAX 8192u

struct weft__secret {
	char *ptr; /* owned; prefix and key, e.g. "Bearer sk-..." */
	size_t len_bytes;
	size_t prefix_bytes;
};

/* Keep prefix and key. The key may not be empty. False when out of memory. */
static inline bool weft__secret_set(struct weft__secret *s, weft_str prefix, weft_str key)
{
	s->ptr = weft_malloc(prefix.len_bytes + key.len_bytes + 1);
	if (!s->ptr)
		return false;
	if (prefix.len_bytes)
		memcpy(s->ptr, prefix.ptr, prefix.len_bytes);
	memcpy(s->ptr + prefix.len_bytes, key.ptr, key.len_bytes);
	s->len_bytes = prefix.len_bytes + key.len_bytes;
	s->ptr[s->len_bytes] = '\0';
	s->prefix_bytes = prefix.len_bytes;
	return true;
}

/* With its prefix: a field's value. */
static inline weft_str weft__secret_value(const struct weft__secret *s)
{
	return (weft_str){ s->ptr, s->len_bytes };
}

/* What must not be shown; empty when there is none. */
static inline weft_str weft__secret_key(const struct weft__secret *s)
{
	return s->ptr ? (weft_str){ s->ptr + s->prefix_bytes, s->len_bytes - s->prefix_bytes } : (weft_str){ 0 };
}

static inline void weft__secret_wipe(struct weft__secret *s)
{
	if (s->ptr)
		explicit_bzero(s->ptr, s->len_bytes);
	weft_free(s->ptr);
	*s = (struct weft__secret){ 0 };
}

#endif
