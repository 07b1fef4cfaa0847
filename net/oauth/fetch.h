/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/fetch.h - one exchange with whoever has metadata or tokens: a small request, a small answer, kept
 * whole.
 *
 * Bounded in size and time. A GET follows redirections within its origin, a POST follows none: what it
 * carries is for the address it was meant for.
 */
#ifndef WEFT_NET_OAUTH_FETCH_H
#define WEFT_NET_OAUTH_FETCH_H

#include "net/http/client.h"
#include "net/oauth/secret.h"

struct weft__oauth_fetch {
	struct weft__http_call call; /* first; private */
	/*
	 * The owner's. status 0: the answer is there, of whatever HTTP status; else call.error says why there
	 * is none.
	 */
	void (*done)(struct weft__oauth_fetch *f, int status);
	int answered; /* the HTTP status */
	struct weft__secret body;
	bool busy;
};

struct weft__oauth_fetch_options {
	weft_str url;
	weft_str form;          /* a POST; empty: a GET */
	weft_str content_type;  /* of the form */
	weft_str authorization; /* may be empty */
	uint64_t total_ns;
	const char *ca_file, *proxy; /* as struct weft__http_request */
	bool public_only;
};

/*
 * 0: done comes, inside a wait of the loop; then wipe with fini or start again. Negative: it does not,
 * call.error says why.
 */
int weft__oauth_fetch_start(struct weft__loop *loop, struct weft__oauth_fetch *f,
                            const struct weft__oauth_fetch_options *options);
void weft__oauth_fetch_cancel(struct weft__oauth_fetch *f); /* done still comes */
void weft__oauth_fetch_fini(struct weft__oauth_fetch *f);   /* not while busy */

#endif
