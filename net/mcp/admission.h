/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/admission.h - one request and its right to be answered: which token it was sent with, and whether a
 * refusal is worth asking for another one.
 *
 * 401 is worth it once, 403 for want of scope twice: a server that still refuses has been given all that
 * there is.
 */
#ifndef WEFT_NET_MCP_ADMISSION_H
#define WEFT_NET_MCP_ADMISSION_H

#include "net/oauth/oauth.h"

/* Zeroed at first. Where oauth is NULL nothing here does anything. */
struct weft__mcp_admission {
	struct weft__oauth_waiter waiter;        /* first */
	struct weft__oauth_challenge *challenge; /* owned: of a refusal; NULL: none */
	struct weft__secret shown;               /* "Bearer ...", as it was sent; empty: without a token */
	uint32_t serial;                         /* of that token */
	uint8_t unauthorized, stepped;           /* refusals that were worth it */
};

void weft__mcp_admission_fini(struct weft__mcp_admission *a, struct weft__oauth *oauth);

/* For a request that goes now: fills shown. 0, -ENOMEM. */
int weft__mcp_admission_show(struct weft__mcp_admission *a, const struct weft__oauth *oauth);

/* Does text hold the token that was shown? Servers like to repeat what they do not take. */
bool weft__mcp_admission_is_told(const struct weft__mcp_admission *a, weft_str text);

/* Is the token over, so that waiting for another one comes first? True: waiter.done comes. */
bool weft__mcp_admission_renews(struct weft__mcp_admission *a, struct weft__oauth *oauth);

/* The head of an answer: remember what it asks for. */
void weft__mcp_admission_head(struct weft__mcp_admission *a, const struct weft__oauth *oauth, int status,
                              const struct weft__http_field *fields, uint32_t n);

/* The answer was of this status. True: waiter.done comes, with 0 when the request may go once more. */
bool weft__mcp_admission_asks(struct weft__mcp_admission *a, struct weft__oauth *oauth, int status);

#endif
