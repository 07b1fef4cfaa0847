/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/dns/resolver.h - the addresses of a host, without holding up a loop.
 *
 * A resolver belongs to one loop and is used in its thread. Names go to getaddrinfo on a helper thread, so
 * they mean what they mean to every other program of this machine (hosts file, nsswitch, search domains), and
 * its order of addresses is kept. One question a name is under way at a time, whoever asks. Answers are kept
 * for a short while, failures for a shorter one. Addresses are answered at once.
 */
#ifndef WEFT_NET_DNS_RESOLVER_H
#define WEFT_NET_DNS_RESOLVER_H

#include "net/dns/address.h"

struct weft__loop;
struct weft__resolver;
struct weft__lookup;

#define WEFT__DNS_ADDRESSES_MAX 16u
#define WEFT__DNS_KEPT_NS UINT64_C(30000000000)   /* an answer */
#define WEFT__DNS_MISSING_NS UINT64_C(5000000000) /* that there is no such host */
#define WEFT__DNS_TROUBLE_NS UINT64_C(1000000000) /* that the resolver could not say */
#define WEFT__DNS_NAMES_MAX 256u                  /* kept in a resolver */

/* Shared and never changed; in the loop's thread. */
struct weft__dns_answer {
	uint32_t refs;
	int status;      /* 0; WEFT_EHOSTNAME: no such host; -EAGAIN, -ENOMEM, -EIO: no answer */
	const char *why; /* a phrase; static */
	uint32_t count;  /* at least 1 when status is 0 */
	struct weft__address addresses[]; /* port 0, the one to try first first */
};

/* Embedded by its owner; the resolver's until done or cancel. */
struct weft__dns_query {
	/* Inside a wait of the loop. The answer lives as long as this call: take a reference to keep it. */
	void (*done)(struct weft__dns_query *query, struct weft__dns_answer *answer);
	struct weft__dns_query *next, *prev; /* the resolver's */
	struct weft__lookup *lookup;         /* the resolver's; NULL: not asked */
};

/* 0 or -ENOMEM. The loop must outlive it. */
int weft__resolver_create(struct weft__loop *loop, struct weft__resolver **ret_resolver);

/* Nobody may be waiting. What is under way on a helper is left to end by itself. NULL is fine. */
void weft__resolver_destroy(struct weft__resolver *resolver);

/*
 * 1: *ret_answer is there already, with a reference for the caller. 0: query->done will come. -EINVAL (longer
 * than a name can be, or empty), -ENOMEM, -ENOBUFS, -EAGAIN: nothing will come.
 */
int weft__resolver_ask(struct weft__resolver *resolver, struct weft__dns_query *query, weft_str host,
                       struct weft__dns_answer **ret_answer);

/* done does not come. Fine for one that is not asked. */
void weft__resolver_cancel(struct weft__dns_query *query);

/* Forget what is kept. */
void weft__resolver_flush(struct weft__resolver *resolver);

struct weft__dns_answer *weft__dns_answer_ref(struct weft__dns_answer *answer);
void weft__dns_answer_unref(struct weft__dns_answer *answer); /* NULL is fine */

/*
 * Who knows names. The default is getaddrinfo; another one for tests, set before anybody asks, NULL to undo.
 * At most max addresses go to ret; returns how many, 0 for no such host, or -EAGAIN, -EIO, -ENOMEM. On a
 * helper thread.
 */
void weft__dns_source_set(int (*source)(const char *host, struct weft__address *ret, uint32_t max,
                                        void *user),
                          void *user);

#endif
