/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/dns/resolver.c - questions that share answers.
 *
 *     ask --> a lookup of that name?   fresh answer: 1    |  under way: wait with the others
 *                 none, or stale: an errand to a helper ...... its job comes back to the loop, everybody is told
 *
 * An errand whose lookup goes is left: it ends by itself, and its answer with it.
 */
#include "net/dns/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/error.h>

#include "net/helper/helper.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/io/loop.h"

#define HOST_BYTES_MAX 255u

struct errand {
	struct weft__errand errand; /* first */
	struct weft__lookup *lookup;
	struct weft__dns_answer *answer; /* owned; filled in by the helper */
	char host[HOST_BYTES_MAX + 1];
};

struct weft__lookup {
	struct weft__lookup *next, *prev; /* in the resolver's list, the one asked for last first */
	struct weft__resolver *resolver;
	struct weft__dns_query *waiting, **last; /* in the order they came */
	struct errand *errand;                   /* NULL: not under way */
	struct weft__dns_answer *answer;         /* a reference; NULL: none yet */
	uint64_t stale_ns;
	bool telling; /* not to be freed */
	char host[HOST_BYTES_MAX + 1];
};

struct weft__resolver {
	struct weft__loop *loop;
	struct weft__lookup *first, *oldest;
	uint32_t count;
};

/* ---- answers ------------------------------------------------------------------------------------ */

struct weft__dns_answer *weft__dns_answer_ref(struct weft__dns_answer *answer)
{
	answer->refs++;
	return answer;
}

void weft__dns_answer_unref(struct weft__dns_answer *answer)
{
	if (answer && --answer->refs == 0)
		weft_free(answer);
}

/* With room for so many addresses. */
static struct weft__dns_answer *answer_new(uint32_t addresses)
{
	struct weft__dns_answer *a = weft_calloc(1, sizeof(*a) + addresses * sizeof(a->addresses[0]));

	if (a)
		a->refs = 1;
	return a;
}

/* ---- names ---------------------------------------------------------------------------------------- */

static int (*other_source)(const char *host, struct weft__address *ret, uint32_t max, void *user);
static void *other_user;

void weft__dns_source_set(int (*source)(const char *host, struct weft__address *ret, uint32_t max,
                                        void *user),
                          void *user)
{
	other_source = source;
	other_user = user;
}

static int trouble_of(int eai, int error)
{
	switch (eai) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return 0;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_SYSTEM:
		return error ? -error : -EIO;
	default:
		return -EIO;
	}
}

/* An address that getaddrinfo gives once for each kind of socket would be tried as often. */
static int take_addresses(const struct addrinfo *list, struct weft__address *ret, uint32_t max)
{
	uint32_t count = 0;

	for (; list && count < max; list = list->ai_next) {
		if ((list->ai_family != AF_INET && list->ai_family != AF_INET6) ||
		    list->ai_addrlen > sizeof(ret->v6))
			continue;
		ret[count].len = list->ai_addrlen;
		memcpy(&ret[count].any, list->ai_addr, list->ai_addrlen);
		count++;
	}
	return (int)count;
}

static int system_source(const char *host, struct weft__address *ret, uint32_t max)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
	int eai, n;

	if (weft__sim_is_on())
		return 0; /* a simulated machine knows no names but those of its own source */
	eai = getaddrinfo(host, NULL, &hints, &list);
	if (eai)
		return trouble_of(eai, errno);
	n = take_addresses(list, ret, max);
	freeaddrinfo(list);
	return n;
}

static void resolve(const char *host, struct weft__dns_answer *answer)
{
	int n = other_source ? other_source(host, answer->addresses, WEFT__DNS_ADDRESSES_MAX, other_user)
	                     : system_source(host, answer->addresses, WEFT__DNS_ADDRESSES_MAX);

	answer->status = n > 0 ? 0 : n == 0 ? WEFT_EHOSTNAME : n;
	answer->count = n > 0 ? (uint32_t)n : 0;
	answer->why = n > 0          ? ""
	              : n == 0       ? "no such host"
	              : n == -EAGAIN ? "no name server answers"
	                             : "the resolver failed";
}

/* ---- errands -------------------------------------------------------------------------------------- */

static void errand_free(struct errand *e)
{
	weft__dns_answer_unref(e->answer);
	weft_free(e);
}

static void errand_drop(struct weft__errand *errand)
{
	errand_free((struct errand *)errand);
}

static uint64_t kept_ns(const struct weft__dns_answer *answer)
{
	if (answer->status == 0)
		return WEFT__DNS_KEPT_NS;
	return answer->status == WEFT_EHOSTNAME ? WEFT__DNS_MISSING_NS : WEFT__DNS_TROUBLE_NS;
}

/* Who waits now is told; who asks from inside is answered at once. */
static void tell(struct weft__lookup *l)
{
	struct weft__dns_answer *answer = weft__dns_answer_ref(l->answer);
	struct weft__dns_query *query;

	l->telling = true;
	while ((query = l->waiting)) {
		weft__resolver_cancel(query);
		query->done(query, answer);
	}
	l->telling = false;
	weft__dns_answer_unref(answer);
}

/* In the loop's thread. */
static void errand_done(struct weft__errand *errand)
{
	struct errand *e = (struct errand *)errand;
	struct weft__lookup *l = e->lookup;

	weft__dns_answer_unref(l->answer);
	l->answer = e->answer;
	e->answer = NULL;
	errand_free(e);
	l->stale_ns = weft_now_ns() + kept_ns(l->answer);
	l->errand = NULL;
	tell(l);
}

/* On a helper thread. */
static void errand_work(struct weft__errand *errand)
{
	struct errand *e = (struct errand *)errand;

	resolve(e->host, e->answer);
}

static int errand_send(struct weft__lookup *l)
{
	struct errand *e = weft_calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->errand.work = errand_work;
	e->errand.done = errand_done;
	e->errand.drop = errand_drop;
	e->lookup = l;
	memcpy(e->host, l->host, sizeof(e->host));
	e->answer = answer_new(WEFT__DNS_ADDRESSES_MAX);
	r = e->answer ? weft__errand_send(l->resolver->loop, &e->errand) : -ENOMEM;
	if (r < 0)
		errand_free(e);
	else
		l->errand = e;
	return r;
}

/* ---- lookups ---------------------------------------------------------------------------------------- */

static void link_first(struct weft__resolver *r, struct weft__lookup *l)
{
	l->prev = NULL;
	l->next = r->first;
	if (r->first)
		r->first->prev = l;
	else
		r->oldest = l;
	r->first = l;
	r->count++;
}

static void unlink_lookup(struct weft__resolver *r, struct weft__lookup *l)
{
	if (l->prev)
		l->prev->next = l->next;
	else
		r->first = l->next;
	if (l->next)
		l->next->prev = l->prev;
	else
		r->oldest = l->prev;
	r->count--;
}

static void lookup_free(struct weft__lookup *l)
{
	WEFT_ASSERT(!l->waiting);
	unlink_lookup(l->resolver, l);
	if (l->errand)
		weft__errand_leave(&l->errand->errand);
	weft__dns_answer_unref(l->answer);
	weft_free(l);
}

/* A host's name means the same in capitals, and with the dot that says it is complete it means something else. */
static bool is_host(const struct weft__lookup *l, weft_str host)
{
	return strncasecmp(l->host, host.ptr, host.len_bytes) == 0 && l->host[host.len_bytes] == '\0';
}

static struct weft__lookup *lookup_find(struct weft__resolver *r, weft_str host)
{
	struct weft__lookup *l = r->first;

	while (l && !is_host(l, host))
		l = l->next;
	if (l && l != r->first) {
		unlink_lookup(r, l);
		link_first(r, l);
	}
	return l;
}

/* The one asked for longest ago goes, but for those that somebody waits for. */
static void make_room(struct weft__resolver *r)
{
	struct weft__lookup *l = r->oldest;

	while (l && (l->waiting || l->telling))
		l = l->prev;
	if (l)
		lookup_free(l);
}

static struct weft__lookup *lookup_new(struct weft__resolver *r, weft_str host)
{
	struct weft__lookup *l = weft_calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (r->count >= WEFT__DNS_NAMES_MAX)
		make_room(r);
	l->resolver = r;
	l->last = &l->waiting;
	memcpy(l->host, host.ptr, host.len_bytes);
	link_first(r, l);
	return l;
}

static bool is_fresh(const struct weft__lookup *l)
{
	return l->answer && !l->errand && weft_now_ns() < l->stale_ns;
}

static void wait_for(struct weft__lookup *l, struct weft__dns_query *query)
{
	query->lookup = l;
	query->next = NULL;
	query->prev = l->waiting ? (struct weft__dns_query *)(void *)((char *)l->last -
	                                                              offsetof(struct weft__dns_query, next))
	                         : NULL;
	*l->last = query;
	l->last = &query->next;
}

/* ---- what is called -------------------------------------------------------------------------------------- */

int weft__resolver_create(struct weft__loop *loop, struct weft__resolver **ret_resolver)
{
	struct weft__resolver *r = weft_calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	*ret_resolver = r;
	return 0;
}

void weft__resolver_destroy(struct weft__resolver *resolver)
{
	if (!resolver)
		return;
	while (resolver->first)
		lookup_free(resolver->first);
	weft_free(resolver);
}

static int answer_address(const struct weft__address *address, struct weft__dns_answer **ret_answer)
{
	struct weft__dns_answer *answer = answer_new(1);

	if (!answer)
		return -ENOMEM;
	answer->why = "";
	answer->count = 1;
	answer->addresses[0] = *address;
	*ret_answer = answer;
	return 1;
}

int weft__resolver_ask(struct weft__resolver *resolver, struct weft__dns_query *query, weft_str host,
                       struct weft__dns_answer **ret_answer)
{
	struct weft__address address;
	struct weft__lookup *l;
	int r;

	WEFT_ASSERT(!query->lookup);
	if (host.len_bytes == 0 || host.len_bytes > HOST_BYTES_MAX || memchr(host.ptr, '\0', host.len_bytes))
		return -EINVAL;
	if (weft__address_parse(host, &address))
		return answer_address(&address, ret_answer);
	l = lookup_find(resolver, host);
	if (l && is_fresh(l)) {
		*ret_answer = weft__dns_answer_ref(l->answer);
		return 1;
	}
	if (!l)
		l = lookup_new(resolver, host);
	if (!l)
		return -ENOMEM;
	if (!l->errand) {
		r = errand_send(l);
		if (r < 0)
			return r;
	}
	wait_for(l, query);
	return 0;
}

void weft__resolver_cancel(struct weft__dns_query *query)
{
	struct weft__lookup *l = query->lookup;

	if (!l)
		return;
	if (query->prev)
		query->prev->next = query->next;
	else
		l->waiting = query->next;
	if (query->next)
		query->next->prev = query->prev;
	else
		l->last = query->prev ? &query->prev->next : &l->waiting;
	query->lookup = NULL;
}

void weft__resolver_flush(struct weft__resolver *resolver)
{
	for (struct weft__lookup *l = resolver->first; l; l = l->next)
		l->stale_ns = 0;
}
