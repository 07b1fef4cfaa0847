/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/secret.h - text that may hold a secret: it grows, and is wiped before its memory goes.
 *
 * Failures stick: write on, and look once at the end. Zeroed is empty.
 */
#ifndef WEFT_NET_OAUTH_SECRET_H
#define WEFT_NET_OAUTH_SECRET_H

#include <weft/base.h>

#define WEFT__SECRET_BYTES_MAX (256u << 10)

struct weft__secret {
	char *at; /* owned; a NUL stands behind len; NULL when empty */
	size_t len, cap;
	bool failed; /* out of memory, or more than WEFT__SECRET_BYTES_MAX */
};

void weft__secret_fini(struct weft__secret *s);
void weft__secret_put(struct weft__secret *s, weft_str text);
/* Letters, digits and -._~ as they are, anything else as %XX: RFC 3986, and what a form takes. */
void weft__secret_put_encoded(struct weft__secret *s, weft_str text);
/*
 * "name=value", the value encoded; with a '&' before it, or a '?' or nothing for the first. Nothing for an
 * empty value.
 */
void weft__secret_put_pair(struct weft__secret *s, char before, weft_str name, weft_str value);
/* RFC 4648: with padding, or the alphabet of addresses without. */
void weft__secret_put_base64(struct weft__secret *s, const void *bytes, size_t len);
void weft__secret_put_base64url(struct weft__secret *s, const void *bytes, size_t len);

static inline weft_str weft__secret_text(const struct weft__secret *s)
{
	return (weft_str){s->at, s->len};
}

/* A copy that its owner frees so; NULL: out of memory. */
char *weft__secret_dup(weft_str text);
void weft__secret_free(char *text); /* wiped first; NULL is fine */

/* Equal? Takes the same time wherever they differ. */
bool weft__secret_eq(weft_str a, weft_str b);

#endif
