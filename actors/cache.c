/* SPDX-License-Identifier: Apache-2.0 */
/* actors/cache.c - remembered answers, and calls that several asks wait for: cache.h. */
#include "actors/cache.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weft/runtime.h>

#include "actors/near.h"
#include "actors/request.h"
#include "actors/structured.h"
#include "actors/text.h"
#include "runtime/base/refs.h"

#define SHARDS 16u
#define BUCKETS_MIN 64u /* of a shard; one for 8 KiB that it may hold */
#define BUCKETS_MAX 65536u
#define PIECE_BYTES 64u /* of a remembered answer that is streamed again */
#define NEAR_MAX (1u << 20)
#define MIB (1024u * 1024u)
#define HOUR_NS (3600 * UINT64_C(1000000000))

struct entry { /* an answer; in its own arena, freed with the last reference */
	struct entry *next; /* of its bucket */
	struct entry *newer, *older; /* of its shard, by last use */
	weft_arena *arena;
	uint64_t hash, born_ns;
	size_t bytes;
	uint32_t refs; /* the shard's, and of those who copy it; under the lock */
	bool streamed;
	weft_str key;
	weft_model_response response;
};

struct flight;

struct seat { /* one who waits; in its ask's arena */
	struct weft__model_ask *ask;
	struct flight *flight; /* NULL: taken out, somebody finishes the ask */
	struct shard *shard;
	struct seat *next, **prev;
};

struct flight {
	struct weft__model_ask ask; /* first; loose */
	weft_cache *cache; /* one reference; models may let go of theirs first */
	struct shard *shard;
	struct flight *next, **prev; /* of its shard; prev NULL: nobody may join any more */
	weft_arena *arena;
	uint64_t hash;
	weft_str key;
	struct weft__model_handler *handler; /* of models */
	weft_models *models; /* one reference */
	uint32_t refs; /* the handler's, and of one who tells it; under the lock */
	struct seat *seats, **last;
	struct weft__buf shown; /* what was streamed so far */
};

struct shard {
	pthread_mutex_t lock; /* of all below, and of the flights and entries of the shard */
	struct entry **buckets; /* in the cache's own block */
	struct entry *newest, *oldest;
	struct flight *flights;
	size_t bytes;
	uint64_t answers, hits, joined, misses, evicted, expired;
};

struct weft_cache {
	weft__refs refs;
	bool tool_calls;
	uint32_t buckets; /* of a shard; a power of two */
	size_t shard_bytes_max;
	uint64_t age_max_ns;
	struct weft__near *near; /* owned; NULL: exact answers only */
	struct shard shards[SHARDS];
};

/* ---- remembered answers; under the lock ------------------------------------------------ */

static void entry_unref(struct entry *e)
{
	if (e && --e->refs == 0)
		weft_arena_destroy(e->arena);
}

static struct entry **bucket_of(const weft_cache *c, struct shard *s, uint64_t hash)
{
	return &s->buckets[hash / SHARDS & (c->buckets - 1)];
}

static void use_unlink(struct shard *s, struct entry *e)
{
	*(e->newer ? &e->newer->older : &s->newest) = e->older;
	*(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void use_now(struct shard *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

static void entry_remove(weft_cache *c, struct shard *s, struct entry *e)
{
	struct entry **at = bucket_of(c, s, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	use_unlink(s, e);
	s->bytes -= e->bytes;
	s->answers--;
	entry_unref(e);
}

static struct entry *entry_find(const weft_cache *c, struct shard *s, uint64_t hash, weft_str key)
{
	struct entry *e = *bucket_of(c, s, hash);

	while (e && (e->hash != hash || !weft_str_eq(e->key, key)))
		e = e->next;
	return e;
}

static void entry_add(weft_cache *c, struct shard *s, struct entry *e)
{
	struct entry *old = entry_find(c, s, e->hash, e->key), **at = bucket_of(c, s, e->hash);

	if (old)
		entry_remove(c, s, old);
	while (s->oldest && s->bytes + e->bytes > c->shard_bytes_max) {
		entry_remove(c, s, s->oldest);
		s->evicted++;
	}
	e->next = *at;
	*at = e;
	use_now(s, e);
	s->bytes += e->bytes;
	s->answers++;
}

/* @return the answer with a reference, or NULL */
static struct entry *entry_use(weft_cache *c, struct shard *s, uint64_t hash, weft_str key)
{
	struct entry *e = entry_find(c, s, hash, key);
	uint64_t now = weft_now_ns();

	if (e && now - e->born_ns > c->age_max_ns) {
		entry_remove(c, s, e);
		s->expired++;
		return NULL;
	}
	if (!e)
		return NULL;
	use_unlink(s, e);
	use_now(s, e);
	e->refs++;
	s->hits++;
	return e;
}

/* ---- what is worth remembering ------------------------------------------------------------ */

bool weft__cache_is_worth(const weft_cache *c, const weft_model_request *request, const weft_model_response *res,
                          weft_arena *arena)
{
	weft_model_response checked = *res;
	weft_error why;

	if (res->finish != WEFT_FINISH_UNKNOWN && res->finish != WEFT_FINISH_STOP && res->finish != WEFT_FINISH_TOOL_CALLS)
		return false;
	if (res->tool_call_count && !c->tool_calls)
		return false;
	return !request->json_schema.len_bytes || weft__structured_check(request, &checked, arena, &why) == 0;
}

/* Not under the lock. NULL: it is not worth it, too large, or there is no memory. */
static struct entry *entry_of(struct flight *f)
{
	weft_model_response response;
	struct entry *e = NULL;
	weft_arena *arena;

	if (!weft__cache_is_worth(f->cache, &f->ask.request, &f->ask.response, f->arena) || weft_arena_create(0, &arena) < 0)
		return NULL;
	if (weft__response_copy(arena, &f->ask.response, &response) == 0)
		e = weft_arena_calloc(arena, sizeof(*e));
	if (e)
		e->key = weft_arena_dup(arena, f->key);
	if (!e || !e->key.ptr || weft_arena_bytes(arena) > f->cache->shard_bytes_max) {
		weft_arena_destroy(arena);
		return NULL;
	}
	e->refs = 1;
	e->arena = arena;
	e->hash = f->hash;
	e->born_ns = weft_now_ns();
	e->bytes = weft_arena_bytes(arena);
	e->streamed = f->shown.len_bytes > 0;
	e->response = response;
	e->response.usage = (weft_model_usage){ 0 };
	e->response.cached = true;
	return e;
}

/* ---- an answer for an ask --------------------------------------------------------------------- */

void weft__cache_stream(struct weft__model_ask *ask)
{
	weft_str text = ask->response.text;

	while (text.len_bytes) {
		size_t n = weft__str_cut(text, PIECE_BYTES);

		n = n ? n : text.len_bytes < PIECE_BYTES ? text.len_bytes : PIECE_BYTES;
		weft_model_chunk(&ask->call, (weft_str){ text.ptr, n });
		text.ptr += n;
		text.len_bytes -= n;
	}
}

static int answer_from(struct weft__model_ask *ask, const struct entry *e)
{
	int r = weft__response_copy(ask->call.arena, &e->response, &ask->response);

	if (r == 0 && e->streamed)
		weft__cache_stream(ask);
	return r;
}

/* paid: this one's usage is the call's. The flight's handler is done, so its arena stands still. */
static int answer_of(struct weft__model_ask *ask, const struct flight *f, int status, bool paid)
{
	if (status < 0) {
		ask->error = f->ask.error;
		return status == -ECANCELED ? -ECONNABORTED : status; /* whoever canceled that, it was not this ask */
	}
	status = weft__response_copy(ask->call.arena, &f->ask.response, &ask->response);
	if (status == 0 && !paid) {
		ask->response.usage = (weft_model_usage){ 0 };
		ask->response.cached = true;
	}
	return status;
}

/* ---- flights ------------------------------------------------------------------------------------ */

static void flight_free(struct flight *f)
{
	weft_models_unref(f->models);
	weft_cache_unref(f->cache);
	weft_arena_destroy(f->arena);
	weft_free(f);
}

/* Under the lock: nobody joins any more. */
static void flight_close(struct flight *f)
{
	if (!f->prev)
		return;
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->prev = NULL;
}

static void flight_open(struct shard *s, struct flight *f)
{
	f->next = s->flights;
	f->prev = &s->flights;
	if (f->next)
		f->next->prev = &f->next;
	s->flights = f;
}

/* Under the lock. */
static void seat_take(struct flight *f, struct seat *seat)
{
	seat->flight = f;
	seat->next = NULL;
	seat->prev = f->last;
	*f->last = seat;
	f->last = &seat->next;
}

static void seat_leave(struct seat *seat)
{
	struct flight *f = seat->flight;

	*seat->prev = seat->next;
	if (seat->next)
		seat->next->prev = seat->prev;
	else
		f->last = seat->prev;
	seat->flight = NULL;
}

/* Whoever waits here does so no longer. On the ask's thread; the last one takes the call with it. */
static void seat_cancel(void *user)
{
	struct seat *seat = user;
	struct shard *s = seat->shard;
	struct flight *f;
	bool last = false, gone;

	pthread_mutex_lock(&s->lock);
	f = seat->flight;
	if (f) {
		seat_leave(seat);
		last = !f->seats;
		if (last) {
			flight_close(f);
			f->refs++;
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (f)
		weft__op_finish(&seat->ask->op, -ECANCELED);
	if (!last)
		return;
	weft__op_loose_cancel(&f->ask.op);
	pthread_mutex_lock(&s->lock);
	gone = --f->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (gone)
		flight_free(f);
}

static void flight_chunk(struct weft__model_ask *ask, weft_str chunk)
{
	struct flight *f = (struct flight *)ask;

	pthread_mutex_lock(&f->shard->lock);
	weft__buf_put(&f->shown, chunk);
	for (struct seat *seat = f->seats; seat; seat = seat->next)
		weft_model_chunk(&seat->ask->call, chunk);
	pthread_mutex_unlock(&f->shard->lock);
}

/*
 * The call is over. own: the seat of whoever is still inside of it and gets what this returns; NULL: all are told.
 */
static int flight_over(struct flight *f, int status, const struct seat *own)
{
	struct entry *e = status == 0 ? entry_of(f) : NULL;
	struct shard *s = f->shard;
	struct seat *seat, *next;
	int r, own_status = status;
	bool paid = true, gone;

	pthread_mutex_lock(&s->lock);
	flight_close(f);
	if (e)
		entry_add(f->cache, s, e);
	seat = f->seats;
	f->seats = NULL;
	f->last = &f->seats;
	for (struct seat *i = seat; i; i = i->next)
		i->flight = NULL;
	pthread_mutex_unlock(&s->lock);
	for (; seat; seat = next, paid = false) {
		next = seat->next; /* before its ask is finished: the seat goes with it */
		r = answer_of(seat->ask, f, status, paid);
		if (seat == own)
			own_status = r;
		else
			weft__op_finish(&seat->ask->op, r);
	}
	pthread_mutex_lock(&s->lock);
	gone = --f->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (gone)
		flight_free(f);
	return own_status;
}

static void flight_back(struct weft__op *op)
{
	struct flight *f = (struct flight *)weft__op_owner(op, struct weft__model_ask, op);

	flight_over(f, op->status, NULL);
}

static struct flight *flight_of(weft_cache *c, const struct weft__model_ask *ask, struct weft__model_handler *h, weft_str key,
                                uint64_t hash)
{
	struct flight *f = weft_calloc(1, sizeof(*f));
	int r = f ? weft_arena_create(0, &f->arena) : -ENOMEM;

	if (r == 0)
		r = weft__request_copy(f->arena, &ask->request, &f->ask.request);
	if (r == 0) {
		f->key = weft_arena_dup(f->arena, key);
		r = f->key.ptr ? 0 : -ENOMEM;
	}
	if (r < 0) {
		if (f)
			weft_arena_destroy(f->arena);
		weft_free(f);
		return NULL;
	}
	f->cache = weft_cache_ref(c);
	f->shard = &c->shards[hash % SHARDS];
	f->hash = hash;
	f->handler = h;
	f->models = weft_models_ref((weft_models *)(uintptr_t)ask->models);
	f->refs = 1;
	f->last = &f->seats;
	f->shown = weft__buf_begin(f->arena, 0);
	f->ask.models = ask->models;
	f->ask.on_chunk = flight_chunk;
	f->ask.call = (weft_model_call){ .request = &f->ask.request,
		                         .response = &f->ask.response,
		                         .arena = f->arena,
		                         .rt = ask->call.rt,
		                         .error = &f->ask.error };
	return f;
}

/* Of the same runtime only: with its runtime a flight ends. */
static struct flight *flight_find(struct shard *s, const struct flight *like)
{
	struct flight *f = s->flights;

	while (f && (f->hash != like->hash || f->handler != like->handler || f->ask.call.rt != like->ask.call.rt ||
	             !weft_str_eq(f->key, like->key)))
		f = f->next;
	return f;
}

/* ---- asking ---------------------------------------------------------------------------------------- */

/* A flight of our own. Begun under the lock by the caller, so that others find it; the handler is called without. */
static int fly(struct flight *f, struct seat *seat)
{
	int r = weft__model_loose(&f->ask, f->handler, flight_back);

	return r == WEFT_PENDING ? r : flight_over(f, r, seat);
}

/* By a remembered answer. @return 0, -ENOMEM; -ENOENT: there is none */
static int answer_remembered(weft_cache *c, struct shard *s, struct weft__model_ask *ask, uint64_t hash, weft_str key)
{
	struct entry *e;
	int r;

	pthread_mutex_lock(&s->lock);
	e = entry_use(c, s, hash, key);
	pthread_mutex_unlock(&s->lock);
	if (!e)
		return -ENOENT;
	r = answer_from(ask, e);
	pthread_mutex_lock(&s->lock);
	entry_unref(e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int weft__cache_call(weft_cache *c, struct weft__model_ask *ask, struct weft__model_handler *h)
{
	struct seat *seat = weft_arena_calloc(ask->call.arena, sizeof(*seat));
	struct flight *f, *mine;
	struct shard *s;
	weft_str key;
	uint64_t hash;
	int r;

	if (!seat || weft__request_key(ask->call.arena, &ask->request, &key) < 0)
		return weft__model_call_handler(ask, h); /* no memory for remembering: without, then */
	hash = weft__key_hash(key);
	s = &c->shards[hash % SHARDS];
	r = answer_remembered(c, s, ask, hash, key);
	if (r != -ENOENT)
		return r;
	mine = flight_of(c, ask, h, key, hash);
	if (!mine)
		return weft__model_call_handler(ask, h);
	*seat = (struct seat){ .ask = ask, .shard = s };
	weft__op_on_cancel(&ask->op, seat_cancel, seat);
	pthread_mutex_lock(&s->lock);
	f = flight_find(s, mine);
	if (f) {
		s->joined++;
		if (f->shown.len_bytes)
			weft_model_chunk(&ask->call, (weft_str){ f->shown.ptr, f->shown.len_bytes });
	} else {
		s->misses++;
		flight_open(s, mine);
	}
	seat_take(f ? f : mine, seat);
	pthread_mutex_unlock(&s->lock);
	if (!f)
		return fly(mine, seat);
	flight_free(mine);
	return WEFT_PENDING;
}

bool weft__cache_has(weft_cache *c, struct weft__model_ask *ask)
{
	const struct entry *e;
	struct shard *s;
	weft_str key;
	uint64_t hash;

	if (weft__request_key(ask->call.arena, &ask->request, &key) < 0)
		return false;
	hash = weft__key_hash(key);
	s = &c->shards[hash % SHARDS];
	pthread_mutex_lock(&s->lock);
	e = entry_find(c, s, hash, key);
	pthread_mutex_unlock(&s->lock);
	return e != NULL;
}

struct weft__near *weft__cache_near(weft_cache *cache)
{
	return cache->near;
}

/* ---- the cache --------------------------------------------------------------------------------------- */

int weft_cache_create(const weft_cache_options *opt, weft_cache **ret_cache)
{
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;
	uint32_t buckets = BUCKETS_MIN;
	size_t shard_bytes;
	weft_cache *c;

	if (!ret_cache || (opt && (opt->size < sizeof(o.size) || opt->size > 4096)))
		return -EINVAL;
	if (opt)
		memcpy(&o, opt, opt->size < sizeof(o) ? opt->size : sizeof(o));
	if (!(o.near_min >= 0 && o.near_min <= 1) || o.near_answers_max > NEAR_MAX)
		return -EINVAL;
	shard_bytes = (size_t)((o.bytes_max ? o.bytes_max : 64 * MIB) / SHARDS);
	while (buckets < BUCKETS_MAX && buckets < shard_bytes / 8192)
		buckets *= 2;
	c = weft_calloc(1, sizeof(*c) + (size_t)buckets * SHARDS * sizeof(struct entry *));
	if (!c)
		return -ENOMEM;
	weft__refs_init(&c->refs, 1);
	c->tool_calls = o.tool_calls;
	c->buckets = buckets;
	c->shard_bytes_max = shard_bytes;
	c->age_max_ns = o.age_max_ns ? o.age_max_ns : HOUR_NS;
	if (o.near_min > 0) {
		c->near = weft__near_create(o.near_min, o.near_answers_max ? o.near_answers_max : 4096, c->age_max_ns);
		if (!c->near) {
			weft_free(c);
			return -ENOMEM;
		}
	}
	for (uint32_t i = 0; i < SHARDS; i++) {
		c->shards[i].buckets = (struct entry **)(c + 1) + (size_t)buckets * i;
		pthread_mutex_init(&c->shards[i].lock, NULL);
	}
	*ret_cache = c;
	return 0;
}

weft_cache *weft_cache_ref(weft_cache *cache)
{
	weft__refs_take(&cache->refs);
	return cache;
}

void weft_cache_clear(weft_cache *c)
{
	for (uint32_t i = 0; c && i < SHARDS; i++) {
		struct shard *s = &c->shards[i];

		pthread_mutex_lock(&s->lock);
		while (s->oldest)
			entry_remove(c, s, s->oldest);
		pthread_mutex_unlock(&s->lock);
	}
	if (c)
		weft__near_clear(c->near);
}

void weft_cache_unref(weft_cache *cache)
{
	if (!cache || !weft__refs_drop(&cache->refs))
		return;
	weft_cache_clear(cache);
	weft__near_destroy(cache->near);
	for (uint32_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&cache->shards[i].lock);
	weft_free(cache);
}

int weft_cache_stats_read(weft_cache *cache, weft_cache_stats *ret_stats)
{
	weft_cache_stats sum = { .size = sizeof(sum) };

	if (!cache || !ret_stats || ret_stats->size != sizeof(sum))
		return -EINVAL;
	for (uint32_t i = 0; i < SHARDS; i++) {
		struct shard *s = &cache->shards[i];

		pthread_mutex_lock(&s->lock);
		sum.hits += s->hits;
		sum.joined += s->joined;
		sum.misses += s->misses;
		sum.evicted += s->evicted;
		sum.expired += s->expired;
		sum.answers += s->answers;
		sum.bytes += s->bytes;
		pthread_mutex_unlock(&s->lock);
	}
	sum.near = cache->near ? weft__near_hits(cache->near) : 0;
	*ret_stats = sum;
	return 0;
}
