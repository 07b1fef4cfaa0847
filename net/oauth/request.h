/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/request.h - what an authorization server is asked, as text: the address that a person opens, the
 * forms for its token endpoint, the document for its registration endpoint. Pure.
 */
#ifndef WEFT_NET_OAUTH_REQUEST_H
#define WEFT_NET_OAUTH_REQUEST_H

#include "net/oauth/crypto.h"
#include "net/oauth/metadata.h"
#include "net/oauth/pkce.h"
#include "net/oauth/secret.h"

/* Who asks. Strings may be empty. */
struct weft__oauth_client {
	weft_str id, secret;
	struct weft__oauth_key *key; /* NULL: none */
	weft_str key_id;             /* of the key, in the token's head */
	uint32_t way;                /* WEFT__OAUTH_BY_..., as it was registered; 0: as the server likes */
};

/* What a person is asked: all of it ends up in the address. 0, -ENOMEM. */
int weft__oauth_ask_person(const struct weft__oauth_server *server, weft_str client_id, weft_str redirect,
                           weft_str scope, weft_str resource, const struct weft__pkce *pkce,
                           struct weft__secret *to);

/*
 * A form for the token endpoint: begun by one of these, ended by weft__oauth_ask_as. Mistakes stick until
 * then.
 */
void weft__oauth_ask_with_code(struct weft__secret *form, weft_str code, weft_str redirect,
                               weft_str verifier);
void weft__oauth_ask_with_refresh(struct weft__secret *form, weft_str refresh, weft_str scope);
void weft__oauth_ask_as_machine(struct weft__secret *form, weft_str scope);

/*
 * The resource, and who asks: in the form, or as the value of Authorization, which stays empty otherwise. 0,
 * -ENOMEM, -EACCES: the server takes none of the ways that this client has.
 */
int weft__oauth_ask_as(const struct weft__oauth_client *client, const struct weft__oauth_server *server,
                       weft_str resource, int64_t now_s, struct weft__secret *form,
                       struct weft__secret *authorization);

/* A client that would like to be known (RFC 7591). 0, -ENOMEM. */
int weft__oauth_ask_registration(const struct weft__oauth_server *server, weft_str name, weft_str redirect,
                                 weft_str scope, struct weft__secret *to);

#endif
