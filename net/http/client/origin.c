/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/origin.c - who may share connections, and who gets the next one.
 *
 * Two calls share connections when everything that was checked or believed about a connection is the same for
 * both: scheme, host, port, proxy and its password, certificates, and whether the address had to be public.
 * All of it stands in one text, the key.
 *
 * The line is served in order: an idle wire, the one used last first, because its server is the likeliest to
 * be there still; else a new one, as far as the limits go. An origin that may have more wires, while the
 * client has no place for any, closes somebody's idle one, and stands among the starved until a place is
 * free.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/hash.h"
#include "runtime/base/log.h"

/* ---- the key ------------------------------------------------------------------------------------ */

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/*
 * Owned by the caller; NULL: no memory. A tab cannot stand in any of its parts but a file's name, which is
 * the last.
 */
static char *key_of(const struct weft__url *url, uint32_t flags, const char *ca_file,
                    const struct weft__proxy *proxy)
{
	static const struct weft__proxy none = {.host = NULL};
	const struct weft__proxy *p = proxy ? proxy : &none;
	size_t room = url->host.len_bytes + strlen(or_none(p->host)) + strlen(or_none(p->authorization)) +
	              strlen(or_none(ca_file)) + 64;
	char *key = weft_malloc(room);

	if (!key)
		return NULL;
	snprintf(key, room, "%.*s\t%u\t%c%c%c\t%s\t%u\t%s\t%s", WEFT_STR_ARG(url->host), url->port,
	         url->tls ? 's' : '-', flags & WEFT__HTTP_INSECURE ? 'i' : '-',
	         flags & WEFT__HTTP_PUBLIC_ONLY ? 'p' : '-', or_none(p->host), p->port,
	         or_none(p->authorization), or_none(ca_file));
	for (size_t i = 0; i < url->host.len_bytes; i++) {
		if (key[i] >= 'A' && key[i] <= 'Z')
			key[i] |= 0x20;
	}
	return key;
}

/* There may be a proxy's password in it. */
static void key_free(char *key)
{
	explicit_bzero(key, strlen(key));
	weft_free(key);
}

static uint64_t hash_of(const char *key)
{
	uint64_t hash = 0, word;
	size_t len = strlen(key);

	for (; len >= sizeof(word); key += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		hash = weft__mix2(hash, word);
	}
	word = 0;
	memcpy(&word, key, len);
	return weft__mix2(hash, word);
}

static struct weft__http_origins *bucket_of(struct weft__http_client *c, uint64_t hash)
{
	return &c->buckets[hash % WEFT__HTTP_ORIGIN_BUCKETS];
}

/* ---- certificates ------------------------------------------------------------------------------------ */

/* Reading them takes tens of milliseconds, on a helper; all new wires of the origin wait for the same errand. */
struct weft__http_trust {
	struct weft__errand errand; /* first */
	struct weft__http_origin *origin;
	struct weft__tls_context *context; /* a reference; NULL: failed, and error says why */
	weft_error error;
	char *ca_file; /* owned */
	bool insecure;
};

static void trust_free(struct weft__errand *errand)
{
	struct weft__http_trust *t = (struct weft__http_trust *)errand;

	weft__tls_context_unref(t->context);
	weft_free(t->ca_file);
	weft_free(t);
}

static void trust_work(struct weft__errand *errand)
{
	struct weft__http_trust *t = (struct weft__http_trust *)errand;
	struct weft__tls_beliefs beliefs = {.ca_file = t->ca_file, .insecure = t->insecure};

	weft__tls_context_client(&beliefs, &t->context, &t->error);
}

static void use_context(struct weft__http_origin *o, struct weft__tls_context *context)
{
	if (o->context != context)
		weft__tls_tickets_clear(&o->tickets);
	weft__tls_context_unref(o->context);
	o->context = context;
}

static void trust_done(struct weft__errand *errand)
{
	struct weft__http_trust *t = (struct weft__http_trust *)errand;
	struct weft__http_origin *o = t->origin;
	int status = t->context ? 0 : t->error.code;
	struct weft__http_wire *w, *next;

	o->trust = NULL;
	if (t->context)
		use_context(o, t->context);
	t->context = NULL;
	for (w = TAILQ_FIRST(&o->dialing); w; w = next) {
		next = TAILQ_NEXT(w, list);
		if (w->state == WEFT__WIRE_TRUST)
			weft__http_wire_trusts(w, status, t->error.message);
	}
	trust_free(errand);
}

static int trust_send(struct weft__http_origin *o)
{
	struct weft__http_trust *t = weft_calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->errand = (struct weft__errand){.work = trust_work, .done = trust_done, .drop = trust_free};
	t->origin = o;
	t->insecure = o->insecure;
	t->ca_file = o->ca_file ? weft_strndup(o->ca_file, strlen(o->ca_file)) : NULL;
	r = o->ca_file && !t->ca_file ? -ENOMEM : weft__errand_send(o->client->loop, &t->errand);
	if (r < 0)
		trust_free(&t->errand);
	else
		o->trust = t;
	return r;
}

int weft__http_origin_trust(struct weft__http_origin *o)
{
	struct weft__tls_beliefs beliefs = {.ca_file = o->ca_file, .insecure = o->insecure};
	struct weft__tls_context *context = weft__tls_context_find(&beliefs);

	if (context) {
		use_context(o, context);
		return 1;
	}
	return o->trust ? 0 : trust_send(o);
}

/* ---- one origin ---------------------------------------------------------------------------------------- */

static int copy(char **to, const char *text)
{
	if (!text)
		return 0;
	*to = weft_strndup(text, strlen(text));
	return *to ? 0 : -ENOMEM;
}

static bool fill(struct weft__http_origin *o, const struct weft__url *url, const char *ca_file,
                 const struct weft__proxy *proxy)
{
	size_t room = url->host.len_bytes + 16;

	o->host = weft_strndup(url->host.ptr, url->host.len_bytes);
	o->label = weft_malloc(room);
	if (!o->host || !o->label)
		return false;
	snprintf(o->label, room, url->ipv6 ? "[%s]:%u" : "%s:%u", o->host, url->port);
	if (proxy)
		o->proxy.port = proxy->port;
	return copy(&o->ca_file, ca_file) == 0 && copy(&o->proxy.host, proxy ? proxy->host : NULL) == 0 &&
	       copy(&o->proxy.authorization, proxy ? proxy->authorization : NULL) == 0;
}

/* It takes key. NULL: no memory, and key is gone too. */
static struct weft__http_origin *origin_new(struct weft__http_client *c, char *key, uint64_t hash)
{
	struct weft__http_origin *o = weft_calloc(1, sizeof(*o));

	if (!o) {
		key_free(key);
		return NULL;
	}
	o->client = c;
	o->key = key;
	o->hash = hash;
	TAILQ_INIT(&o->line);
	TAILQ_INIT(&o->idle);
	TAILQ_INIT(&o->dialing);
	TAILQ_INSERT_HEAD(bucket_of(c, hash), o, bucket);
	c->origins++;
	return o;
}

void weft__http_origin_free(struct weft__http_origin *o)
{
	WEFT_ASSERT(TAILQ_EMPTY(&o->line));
	WEFT_ASSERT(o->wires == 0);
	if (o->trust)
		weft__errand_leave(&o->trust->errand);
	if (o->is_starved)
		TAILQ_REMOVE(&o->client->starved, o, starved);
	TAILQ_REMOVE(bucket_of(o->client, o->hash), o, bucket);
	o->client->origins--;
	weft__tls_tickets_clear(&o->tickets);
	weft__tls_context_unref(o->context);
	weft__proxy_fini(&o->proxy);
	weft_free(o->host);
	weft_free(o->ca_file);
	weft_free(o->label);
	key_free(o->key);
	weft_free(o);
}

/* Agents visit many hosts once: of one bucket, those with nothing under way go. */
static void sweep(struct weft__http_origins *bucket)
{
	struct weft__http_origin *o, *next;

	for (o = TAILQ_FIRST(bucket); o; o = next) {
		next = TAILQ_NEXT(o, bucket);
		if (o->wires == 0 && TAILQ_EMPTY(&o->line))
			weft__http_origin_free(o);
	}
}

struct weft__http_origin *weft__http_origin_get(struct weft__http_client *c, const struct weft__url *url,
                                                uint32_t flags, const char *ca_file,
                                                const struct weft__proxy *proxy)
{
	char *key = key_of(url, flags, ca_file, proxy);
	uint64_t hash = key ? hash_of(key) : 0;
	struct weft__http_origin *o;

	if (!key)
		return NULL;
	TAILQ_FOREACH(o, bucket_of(c, hash), bucket)
	{
		if (o->hash == hash && strcmp(o->key, key) == 0) {
			key_free(key);
			return o;
		}
	}
	if (c->origins >= WEFT__HTTP_ORIGINS_KEPT)
		sweep(bucket_of(c, hash));
	o = origin_new(c, key, hash);
	if (!o)
		return NULL;
	o->port = url->port;
	o->tls = url->tls;
	o->insecure = flags & WEFT__HTTP_INSECURE;
	o->public_only = flags & WEFT__HTTP_PUBLIC_ONLY;
	if (!fill(o, url, ca_file, proxy)) {
		weft__http_origin_free(o);
		return NULL;
	}
	return o;
}

/* ---- the line ------------------------------------------------------------------------------------------- */

static void starve(struct weft__http_origin *o)
{
	if (o->is_starved)
		return;
	o->is_starved = true;
	TAILQ_INSERT_TAIL(&o->client->starved, o, starved);
}

static bool is_sated(struct weft__http_origin *o)
{
	return TAILQ_EMPTY(&o->line) || o->wires >= o->client->config.origin_connections_max;
}

/* May there be one more wire? If only the client is full, somebody's idle one makes room for the next time. */
static bool has_place(struct weft__http_origin *o)
{
	struct weft__http_client *c = o->client;

	if (o->wires >= c->config.origin_connections_max)
		return false;
	if (c->wire_count < c->config.connections_max)
		return true;
	if (!TAILQ_EMPTY(&c->idle))
		weft__http_wire_close(TAILQ_FIRST(&c->idle));
	starve(o);
	return false;
}

static void carry(struct weft__http_wire *w, struct weft__http_flight *f)
{
	struct weft__http_origin *o = w->origin;

	TAILQ_REMOVE(&o->idle, w, list);
	TAILQ_REMOVE(&o->client->idle, w, idle);
	o->idle_wires--;
	o->client->counts.idle--;
	o->client->counts.busy++;
	weft__http_wire_carry(w, f);
}

/* The one used last. NULL: none. */
static struct weft__http_wire *idle_wire(struct weft__http_origin *o)
{
	struct weft__http_wire *w;

	while ((w = TAILQ_FIRST(&o->idle)) && !weft__http_wire_is_quiet(w))
		weft__http_wire_close(w);
	return w;
}

void weft__http_origin_serve(struct weft__http_origin *o)
{
	struct weft__http_flight *f;
	struct weft__http_wire *idle;

	while ((f = TAILQ_FIRST(&o->line))) {
		idle = f->needs_new ? NULL : idle_wire(o);
		if (!idle && !has_place(o))
			return;
		weft__http_flight_leave_line(f);
		if (idle)
			carry(idle, f);
		else if (weft__http_wire_open(o, f) < 0)
			weft__http_flight_fail(f, -ENOMEM, "%s: no memory for a connection", o->label);
	}
}

/* The flight that has waited longest for a wire of its own, and may have another one. */
static struct weft__http_flight *take_from_dialing(struct weft__http_origin *o)
{
	struct weft__http_wire *w;
	struct weft__http_flight *f;

	TAILQ_FOREACH(w, &o->dialing, list)
	{
		f = w->flight;
		if (!f || f->needs_new)
			continue;
		w->flight = NULL;
		f->wire = NULL;
		weft__http_wire_orphan(w, weft__after_ns(f->phase_ns, f->connect_ns));
		return f;
	}
	return NULL;
}

static void make_idle(struct weft__http_wire *w)
{
	struct weft__http_origin *o = w->origin;
	struct weft__http_client *c = o->client;

	w->state = WEFT__WIRE_IDLE;
	w->idle_since_ns = weft_now_ns();
	TAILQ_INSERT_HEAD(&o->idle, w, list);
	TAILQ_INSERT_TAIL(&c->idle, w, idle);
	o->idle_wires++;
	c->counts.idle++;
}

void weft__http_origin_take(struct weft__http_wire *w)
{
	struct weft__http_origin *o = w->origin;
	struct weft__http_client *c = o->client;
	struct weft__http_flight *f;

	make_idle(w);
	weft__http_origin_serve(o);
	if (w->state == WEFT__WIRE_IDLE && !TAILQ_EMPTY(&o->dialing) && weft__http_wire_is_quiet(w) &&
	    (f = take_from_dialing(o)))
		carry(w, f);
	if (w->state == WEFT__WIRE_IDLE && !TAILQ_EMPTY(&c->starved)) /* its place is needed more elsewhere */
		weft__http_wire_close(w);
	if (o->idle_wires > c->config.origin_idle_max)
		weft__http_wire_close(TAILQ_LAST(&o->idle, weft__http_wires));
	weft__http_client_watch_idle(c);
}

void weft__http_origin_lost(struct weft__http_origin *o)
{
	struct weft__http_client *c = o->client;
	struct weft__http_origin *next;

	if (!c->closing)
		weft__http_origin_serve(o);
	while (!c->closing && c->wire_count < c->config.connections_max &&
	       (next = TAILQ_FIRST(&c->starved))) {
		TAILQ_REMOVE(&c->starved, next, starved);
		next->is_starved = false;
		if (!is_sated(next))
			weft__http_origin_serve(next);
	}
}
