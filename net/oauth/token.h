/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/token.h - what an authorization server gave us: the client that it knows us as, and a token with
 * its end.
 *
 * A grant can be saved as text and read back: for a host's keyring. It says for which resource and which
 * issuer it is, and is not believed for any other. Times are seconds since 1970, and arguments.
 */
#ifndef WEFT_NET_OAUTH_TOKEN_H
#define WEFT_NET_OAUTH_TOKEN_H

#include <weft/error.h>

#include "net/oauth/secret.h"

#define WEFT__OAUTH_TOKEN_BYTES_MAX (16u << 10) /* it goes into a head */
#define WEFT__OAUTH_GRANT_BYTES_MAX (64u << 10) /* as text */

/* All owned, wiped; NULL when there is none. Zeroed is empty. */
struct weft__oauth_grant {
	char *issuer; /* who gave it */
	/* A client that was registered by us, or NULL: the one of the options. */
	char *client_id, *client_secret, *redirect;
	uint32_t client_way; /* WEFT__OAUTH_BY_..., as it was registered; 0: it did not say */
	char *access, *refresh;
	char *past;      /* the access token before this one: a server may still repeat it */
	char *scope;     /* what was asked for, as a set; NULL: nothing */
	int64_t renew_s; /* when to get another one, a little before its end; 0: it did not say */
};

void weft__oauth_grant_fini(struct weft__oauth_grant *grant);
void weft__oauth_client_forget(struct weft__oauth_grant *grant);
/* Both tokens; the client stays. */
void weft__oauth_tokens_forget(struct weft__oauth_grant *grant);

/*
 * The answer of a token endpoint. A refresh token that it leaves out stays as it was; scope is what was asked
 * for. On failure nothing has changed. 0, -EACCES (err says what is wrong with it), -ENOMEM.
 */
int weft__oauth_token_read(weft_str text, int64_t now_s, weft_str scope, struct weft__oauth_grant *grant,
                           weft_error *err);

/* The answer of a registration. The same. */
int weft__oauth_client_read(weft_str text, weft_str redirect, struct weft__oauth_grant *grant,
                            weft_error *err);

/* Is it time for another one? */
bool weft__oauth_is_over(const struct weft__oauth_grant *grant, int64_t now_s);

/* 0, -ENOMEM. to is empty before. */
int weft__oauth_grant_write(const struct weft__oauth_grant *grant, weft_str resource,
                            struct weft__secret *to);
/* 0, -EBADMSG (no grant for this resource; nothing has changed), -ENOMEM. */
int weft__oauth_grant_read(weft_str text, weft_str resource, struct weft__oauth_grant *grant);

/*
 * "invalid_grant" and its kin of an answer that says no (RFC 6749, 5.2); empty when it says none. to: 48
 * bytes.
 */
void weft__oauth_error_read(weft_str text, char *to);

#endif
