/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/oauth.h - the authorization for one server: who sends requests there asks it for the token, and,
 * when the server says no, for a better one.
 *
 *     request -> 401, 403 -> want --------------------------------------------> done -> the request once more
 *                              \-> (a refresh token) -> refreshed ---------------^
 *                               \-> metadata -> client -> a person, or a key -> token
 *
 * However many requests are refused, one authorization runs at a time and all of them wait for it. A token
 * that is newer than the one that was refused is given at once. Whether a second refusal is the end is the
 * caller's to say; here, a step up that asks for nothing new is refused, and after a failure the next try
 * fails the same way for a while.
 *
 * One loop, in its thread. Nothing is called back inside a call but gone, save and say. Tokens, codes and
 * secrets are in no error and no log.
 */
#ifndef WEFT_NET_OAUTH_OAUTH_H
#define WEFT_NET_OAUTH_OAUTH_H

#include "net/oauth/challenge.h"
#include "net/oauth/fetch.h"
#include "net/oauth/receiver.h"
#include "net/oauth/request.h"
#include "net/oauth/token.h"
#include "runtime/io/loop.h"

struct weft__oauth;

/* Embedded by who waits, zeroed at first. */
struct weft__oauth_waiter {
	/* status 0: there is a newer token. why lives during the call. */
	void (*done)(struct weft__oauth_waiter *w, int status, weft_str why);
	struct weft__oauth_waiter *next; /* private, as all below */
	bool waits;
	int status; /* 1: not known yet */
	char why[200];
};

struct weft__oauth_fns {
	/* Somebody has to open this address; then weft__oauth_answer, or refuse. NULL: there is nobody. */
	void (*open)(struct weft__oauth *o, const char *url);
	/* The answer is not waited for any more: it came, or nobody has the patience. May be NULL. */
	void (*gone)(struct weft__oauth *o);
	/* Keep this for the next time; NULL: keep nothing. May be NULL itself. */
	void (*save)(struct weft__oauth *o, const char *text);
	/* For a log. */
	void (*say)(struct weft__oauth *o, const char *what, weft_str about);
	/* The last call. */
	void (*closed)(struct weft__oauth *o);
};

/* Strings are the owner's, as long as the oauth, and may be empty. */
struct weft__oauth_options {
	weft_str server;                   /* its address */
	weft_str client_id, client_secret; /* a client that was registered by hand */
	weft_str client_document;          /* https: the address of a client's metadata, and its id */
	weft_str client_name;              /* for a registration */
	weft_str redirect;                 /* where the owner hears browsers; empty: the receiver */
	weft_str scope;                    /* asked for in any case */
	weft_str issuer;                   /* no other is asked */
	struct weft__oauth_key *key;       /* of the client; owned by the owner */
	weft_str key_id;
	bool machine; /* no person: client_credentials */
	bool never_registers;
	bool old_servers; /* MCP of 2025-03-26: without metadata of the resource, or of anything */
	bool public_only;
	uint64_t person_ns, step_ns; /* patience with a person, and with each request */
	uint64_t again_ns;           /* after a failure, the next ones fail the same way for so long */
	const char *ca_file, *proxy;
};

enum weft__oauth_step {
	WEFT__OAUTH_REST,
	WEFT__OAUTH_RESOURCE, /* looks at the resource's metadata */
	WEFT__OAUTH_SERVER,   /* at the authorization server's */
	WEFT__OAUTH_REFRESH,
	WEFT__OAUTH_REGISTER,
	WEFT__OAUTH_PERSON,
	WEFT__OAUTH_TOKEN
};

struct weft__oauth {
	/* the owner's, before open */
	const struct weft__oauth_fns *fns;
	struct weft__oauth_options options;
	/* private */
	struct weft__loop *loop;
	struct weft__oauth_fetch fetch;
	struct weft__alarm alarm; /* patience with a person */
	struct weft__job job;     /* tells waiters */
	struct weft__oauth_waiter *waiters, **waiters_end;
	struct weft__oauth_receiver *receiver; /* owned; may be closing already; NULL: none */
	uint32_t receivers;                    /* that have not closed: one, and those that were cut off */

	struct weft__oauth_grant grant;
	uint32_t serial;   /* of the access token; 0: there was none */
	bool unsaved;      /* grant is not what was saved */
	weft_arena *arena; /* owned: what the metadata says */
	struct weft__oauth_resource resource;
	struct weft__oauth_server server; /* token empty: not known */

	/* an authorization under way */
	enum weft__oauth_step step;
	uint32_t place;                               /* which one is looked at */
	bool steps_up;                                /* more scope, with a token that is good */
	bool loopback;                                /* http on this host may be asked */
	char hint[WEFT__OAUTH_URL_BYTES_MAX];         /* where the challenge says the metadata is; or "" */
	char challenged[WEFT__OAUTH_SCOPE_BYTES_MAX]; /* the scope it names */
	char scope[WEFT__OAUTH_SCOPE_BYTES_MAX];      /* the scope that is asked for */
	struct weft__pkce pkce;
	char *redirect; /* owned: where the browser comes back to */

	uint64_t failed_until_ns; /* weft_now_ns */
	weft_error failed;
	bool closing, told;
};

/*
 * Zeroed but for fns and options. saved: what save was given once, or empty; what is for another server is
 * not believed. 0, -ENOMEM.
 */
int weft__oauth_open(struct weft__loop *loop, struct weft__oauth *o, weft_str saved);

/*
 * The access token for a request to the server; empty when there is none. Valid until the next wait of the
 * loop.
 */
weft_str weft__oauth_token(const struct weft__oauth *o);
/* The one before it, which requests under way may have been sent with; empty when there was none. As long. */
weft_str weft__oauth_past_token(const struct weft__oauth *o);
/* What the request was sent with: for want. */
uint32_t weft__oauth_serial(const struct weft__oauth *o);
/* Has its time come, and can it be renewed without asking anybody? Then want one before the request. */
bool weft__oauth_is_stale(const struct weft__oauth *o);

enum weft__oauth_reason { WEFT__OAUTH_STALE, WEFT__OAUTH_UNAUTHORIZED, WEFT__OAUTH_MORE_SCOPE };

/*
 * done comes once, inside a wait of the loop, unless it is withdrawn. challenge may be NULL. serial: what was
 * refused.
 */
void weft__oauth_want(struct weft__oauth *o, struct weft__oauth_waiter *w, enum weft__oauth_reason reason,
                      const struct weft__oauth_challenge *challenge, uint32_t serial);
/* The server refused a token that was new: forget it, so that the next one is asked for from the beginning. */
void weft__oauth_reject(struct weft__oauth *o, uint32_t serial);
/* One that does not wait is fine. */
void weft__oauth_withdraw(struct weft__oauth *o, struct weft__oauth_waiter *w);

/*
 * What the browser brought back: an address, or its query. 0: taken, also when it says no (-EACCES: err says
 * so); -EINVAL: not an answer to what is asked, it is waited on; -ESRCH: nothing is asked.
 */
int weft__oauth_answer(struct weft__oauth *o, weft_str redirect, weft_error *err);
/* The person will not. */
void weft__oauth_refuse(struct weft__oauth *o, const char *why);

/* All who wait are told -ECANCELED; then closed. */
void weft__oauth_close(struct weft__oauth *o);

/* ---- private: between oauth.c and steps.c ---- */

/* Begin with what hint, challenged and steps_up say. */
void weft__oauth_begin(struct weft__oauth *o);
/* What is under way ends: with a token, or why there is none. */
void weft__oauth_finish(struct weft__oauth *o, int status, const char *why);
/* When nothing is in flight and it is to be closed. */
void weft__oauth_close_when_idle(struct weft__oauth *o);
/* now, in seconds since 1970 */
int64_t weft__oauth_now_s(void);

#endif
