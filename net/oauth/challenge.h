/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/challenge.h - what a server says with a 401 or 403: the Bearer challenge of WWW-Authenticate (RFC
 * 9110, 6750, 9728).
 *
 *   WWW-Authenticate: Basic realm="x", Bearer scope="a b", resource_metadata="https://..."
 */
#ifndef WEFT_NET_OAUTH_CHALLENGE_H
#define WEFT_NET_OAUTH_CHALLENGE_H

#include "net/http/message.h"
#include "net/oauth/scope.h"

#define WEFT__OAUTH_URL_BYTES_MAX 2048u

struct weft__oauth_challenge {
	bool is_bearer; /* there was one; the rest is empty otherwise */
	/* As it was said; empty when it was not, or is too long or no text of its kind. NUL-terminated. */
	char resource_metadata[WEFT__OAUTH_URL_BYTES_MAX];
	char scope[WEFT__OAUTH_SCOPE_BYTES_MAX];
	char error[48];
};

/* The first Bearer challenge among a head's fields. */
void weft__oauth_challenge_read(const struct weft__http_field *fields, uint32_t n,
                                struct weft__oauth_challenge *ret);

#endif
