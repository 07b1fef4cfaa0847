/* SPDX-License-Identifier: Apache-2.0 */
/* The depot behind the workers' message caches; see msgpool.h. */
#include "runtime/mem/msgpool.h"

#include <pthread.h>
#include <stdbool.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"
#include "runtime/mem/region.h"

#define SLAB_BYTES ((64u << 10) - (uint32_t)WEFT__REGION_LINK_BYTES)

/*
 * A chain is a list through next whose first block points at the next chain
 * through target. Foreign threads have no cache: they share `loose`.
 */
static struct depot {
	_Alignas(WEFT_CACHELINE) pthread_mutex_t lock;
	struct weft_msg *chains;
	struct weft__msgcache loose; /* this class only */
	struct weft__region slabs;   /* never given back */
} depots[WEFT__MSG_CLASSES] = {
	{ .lock = PTHREAD_MUTEX_INITIALIZER }, { .lock = PTHREAD_MUTEX_INITIALIZER },
	{ .lock = PTHREAD_MUTEX_INITIALIZER }, { .lock = PTHREAD_MUTEX_INITIALIZER },
	{ .lock = PTHREAD_MUTEX_INITIALIZER }, { .lock = PTHREAD_MUTEX_INITIALIZER },
	{ .lock = PTHREAD_MUTEX_INITIALIZER },
};

static size_t block_bytes(uint32_t cls)
{
	return (size_t)64 << cls;
}

/* Cut a new slab into the cache's list. */
static bool slab_cut_locked(struct depot *d, uint32_t cls, struct weft__msgcache *cache)
{
	size_t block = block_bytes(cls);
	char *slab = weft__region_take(&d->slabs, SLAB_BYTES);

	if (!slab)
		return false;
	for (size_t n = SLAB_BYTES / block; n; n--) {
		struct weft_msg *m = (struct weft_msg *)(slab + (n - 1) * block);

		m->size_class = (uint8_t)cls;
		weft__store_relaxed(&m->next, cache->free[cls]);
		cache->free[cls] = m;
		cache->count[cls]++;
	}
	return true;
}

static bool refill_locked(struct depot *d, uint32_t cls, struct weft__msgcache *cache)
{
	struct weft_msg *chain = d->chains;

	WEFT_ASSERT(!cache->free[cls]);
	if (!chain)
		return slab_cut_locked(d, cls, cache);
	d->chains = (struct weft_msg *)(uintptr_t)chain->target;
	cache->free[cls] = chain;
	cache->count[cls] = WEFT__MSG_CHAIN;
	return true;
}

/* Move one chain from an overfull cache to the depot. */
static void spill_locked(struct depot *d, uint32_t cls, struct weft__msgcache *cache)
{
	struct weft_msg *first = cache->free[cls];
	struct weft_msg *last = first;

	WEFT_ASSERT(cache->count[cls] >= WEFT__MSG_CHAIN);
	for (uint32_t i = 1; i < WEFT__MSG_CHAIN; i++)
		last = weft__load_relaxed(&last->next);
	cache->free[cls] = weft__load_relaxed(&last->next);
	cache->count[cls] -= WEFT__MSG_CHAIN;
	weft__store_relaxed(&last->next, NULL);
	first->target = (uintptr_t)d->chains;
	d->chains = first;
}

static struct weft_msg *alloc_large(size_t payload_bytes)
{
	struct weft_msg *m = weft_malloc(payload_bytes + WEFT__MSG_HEADER_BYTES);

	if (m)
		m->size_class = WEFT__MSG_CLASS_LARGE;
	return m;
}

struct weft_msg *weft__msg_alloc_slow(struct weft__msgcache *cache, uint32_t cls, size_t payload_bytes)
{
	struct weft_msg *m = NULL;
	struct depot *d;

	if (cls >= WEFT__MSG_CLASSES)
		return alloc_large(payload_bytes);
	d = &depots[cls];
	pthread_mutex_lock(&d->lock);
	if (!cache)
		cache = &d->loose;
	if (cache->free[cls] || refill_locked(d, cls, cache)) {
		m = cache->free[cls];
		cache->free[cls] = weft__load_relaxed(&m->next);
		cache->count[cls]--;
	}
	pthread_mutex_unlock(&d->lock);
	return m;
}

void weft__msg_free_slow(struct weft__msgcache *cache, struct weft_msg *msg)
{
	uint32_t cls = msg->size_class;
	struct depot *d;

	if (cls >= WEFT__MSG_CLASSES) {
		weft_free(msg);
		return;
	}
	d = &depots[cls];
	pthread_mutex_lock(&d->lock);
	if (!cache)
		cache = &d->loose;
	weft__store_relaxed(&msg->next, cache->free[cls]);
	cache->free[cls] = msg;
	if (++cache->count[cls] > 4 * WEFT__MSG_CHAIN)
		spill_locked(d, cls, cache);
	pthread_mutex_unlock(&d->lock);
}

void weft__msgcache_drain(struct weft__msgcache *cache)
{
	for (uint32_t cls = 0; cls < WEFT__MSG_CLASSES; cls++) {
		struct depot *d = &depots[cls];

		pthread_mutex_lock(&d->lock);
		while (cache->count[cls] >= WEFT__MSG_CHAIN)
			spill_locked(d, cls, cache);
		while (cache->free[cls]) {
			struct weft_msg *m = cache->free[cls];

			cache->free[cls] = weft__load_relaxed(&m->next);
			weft__store_relaxed(&m->next, d->loose.free[cls]);
			d->loose.free[cls] = m;
			if (++d->loose.count[cls] > 4 * WEFT__MSG_CHAIN)
				spill_locked(d, cls, &d->loose);
		}
		cache->count[cls] = 0;
		pthread_mutex_unlock(&d->lock);
	}
}
