/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/metadata.h - what a resource says about who authorizes it (RFC 9728), and what an authorization
 * server says about itself (RFC 8414, OpenID Connect Discovery 1.0). Read, checked, and copied into an arena.
 *
 * Believed is only what the one that was asked may say: a resource that holds the server, an issuer that is
 * the one asked for, endpoints that may be asked (place.h), PKCE with S256.
 */
#ifndef WEFT_NET_OAUTH_METADATA_H
#define WEFT_NET_OAUTH_METADATA_H

#include <weft/alloc.h>
#include <weft/error.h>

#define WEFT__OAUTH_METADATA_BYTES_MAX (128u << 10)
#define WEFT__OAUTH_SERVERS_MAX 8u

struct weft__oauth_resource {
	weft_str name;   /* of the resource: what a token is asked for */
	weft_str scopes; /* a set; empty when it names none */
	weft_str servers
	        [WEFT__OAUTH_SERVERS_MAX]; /* issuers, at least one; those behind the eighth are passed over */
	uint32_t server_count;
};

/* loopback: http on this host is fine. 0, or -EACCES (err says why), -ENOMEM. */
int weft__oauth_resource_read(weft_str text, weft_str server, bool loopback, weft_arena *arena,
                              struct weft__oauth_resource *ret, weft_error *err);

/* How a client says at the token's endpoint who it is. */
enum {
	WEFT__OAUTH_BY_NONE = 1, /* its id alone */
	WEFT__OAUTH_BY_BASIC = 2,
	WEFT__OAUTH_BY_POST = 4,
	WEFT__OAUTH_BY_KEY = 8 /* private_key_jwt */
};

struct weft__oauth_server {
	weft_str issuer, authorize, token, registration; /* an endpoint that there is not is empty */
	weft_str scopes;                                 /* a set; empty when it names none */
	uint32_t ways;                                   /* WEFT__OAUTH_BY_...; 0: it does not say */
	bool pkce;                                       /* S256 */
	bool reads_client_documents; /* a client's id may be the address of its metadata */
	bool names_itself;           /* its redirect carries iss (RFC 9207) */
};

struct weft__oauth_server_wants {
	weft_str issuer; /* that was asked for */
	bool loopback;
	bool same_origin_is_enough; /* MCP of 2025-03-26: the issuer is of the origin that was asked for */
	bool machine;               /* no person: no authorization endpoint, no PKCE */
};

int weft__oauth_server_read(weft_str text, const struct weft__oauth_server_wants *wants, weft_arena *arena,
                            struct weft__oauth_server *ret, weft_error *err);

#endif
