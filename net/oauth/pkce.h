/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/pkce.h - what ties a code to who asked for it (RFC 7636): a verifier that is kept, its hash that
 * is shown. And the state that ties an answer to its question.
 *
 * 256 bits of the kernel's randomness each, as 43 characters.
 */
#ifndef WEFT_NET_OAUTH_PKCE_H
#define WEFT_NET_OAUTH_PKCE_H

#include <weft/base.h>

#define WEFT__PKCE_BYTES 43u

/* Text, with a NUL. */
struct weft__pkce {
	char verifier[WEFT__PKCE_BYTES + 1], challenge[WEFT__PKCE_BYTES + 1], state[WEFT__PKCE_BYTES + 1];
};

/* 0, -ENOMEM, -EPROTONOSUPPORT (a build without OpenSSL), -ENOSYS (a kernel that gives no randomness). */
int weft__pkce_make(struct weft__pkce *ret);
void weft__pkce_wipe(struct weft__pkce *pkce);

/* The challenge of a verifier: base64url of its SHA-256. to: WEFT__PKCE_BYTES + 1. The same errors. */
int weft__pkce_challenge(weft_str verifier, char *to);

#endif
