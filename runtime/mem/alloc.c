/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/mem/alloc.c - the one seam through which weft gets memory.
 *
 * The usual case, the default allocator once used, is one load and a tail call. A
 * request for nothing gives a pointer all the same, so NULL means out of memory.
 */
#include <weft/alloc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef WEFT_HAVE_MIMALLOC
#include <mimalloc.h>
#define default_malloc mi_malloc
#define default_calloc mi_calloc
#define default_realloc mi_realloc
#define default_free mi_free
#define default_aligned(alignment, bytes) mi_malloc_aligned(bytes, alignment)
#else
#define default_malloc malloc
#define default_calloc calloc
#define default_realloc realloc
#define default_free free
static void *default_aligned(size_t alignment, size_t bytes)
{
	void *ptr = NULL;

	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	return posix_memalign(&ptr, alignment, bytes) == 0 ? ptr : NULL;
}
#endif

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/mem/fault.h"

enum {
	FRESH = 0, /* the default, nothing allocated yet */
	DEFAULT,   /* the default, in use */
	REPLACED,  /* the host's, nothing allocated yet */
	HOSTED,    /* the host's, in use */
	REFUSING = 4 /* added to the others: a simulation is asked first */
};

static _Atomic(uint32_t) state;
static weft_allocator host; /* written in FRESH and REPLACED only, by one thread */
static bool (*refuse)(void); /* with REFUSING */

/*
 * relaxed everywhere: weft_allocator_set is for before other threads use weft, so
 * whatever started them also published `host` and `state`.
 */
static inline bool is_default(void)
{
	return __builtin_expect(weft__load_relaxed(&state) == DEFAULT, 1);
}

/* Note the first use. True: the host's allocator is in charge. */
static bool is_hosted(void)
{
	uint32_t s = weft__load_relaxed(&state), own = s & ~(uint32_t)REFUSING;

	if (own == FRESH || own == REPLACED) {
		own = own == FRESH ? DEFAULT : HOSTED;
		weft__store_relaxed(&state, own | (s & REFUSING));
	}
	return own == HOSTED;
}

/* Not in the default state. Does a simulation want this request to fail? */
static bool is_refused(void)
{
	return (weft__load_relaxed(&state) & REFUSING) && refuse();
}

void weft__alloc_refuse_set(bool (*fn)(void))
{
	uint32_t s = weft__load_relaxed(&state) & ~(uint32_t)REFUSING;

	refuse = fn;
	weft__store_relaxed(&state, fn ? s | REFUSING : s);
}

int weft_allocator_set(const weft_allocator *allocator)
{
	uint32_t s = weft__load_relaxed(&state);

	WEFT_RETURN_IF(!allocator || allocator->size < sizeof(*allocator), -EINVAL);
	WEFT_RETURN_IF(!allocator->malloc_fn || !allocator->realloc_fn, -EINVAL);
	WEFT_RETURN_IF(!allocator->free_fn || !allocator->aligned_fn, -EINVAL);
	WEFT_RETURN_IF(s != FRESH && s != REPLACED, -EBUSY);
	host = *allocator;
	weft__store_relaxed(&state, (uint32_t)REPLACED);
	return 0;
}

void *weft_malloc(size_t bytes)
{
	bytes += !bytes;
	if (!is_default()) {
		if (is_refused())
			return NULL;
		if (is_hosted())
			return host.malloc_fn(bytes, host.user);
	}
	return default_malloc(bytes);
}

void *weft_calloc(size_t count, size_t bytes)
{
	size_t total;
	void *ptr;

	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	total += !total;
	if (!is_default() && is_refused())
		return NULL;
	if (is_default() || !is_hosted())
		return default_calloc(1, total);
	ptr = host.malloc_fn(total, host.user);
	return ptr ? memset(ptr, 0, total) : NULL;
}

void *weft_realloc(void *ptr, size_t bytes)
{
	bytes += !bytes;
	if (!is_default()) {
		if (is_refused())
			return NULL;
		if (is_hosted())
			return host.realloc_fn(ptr, bytes, host.user);
	}
	return default_realloc(ptr, bytes);
}

void *weft_aligned_alloc(size_t alignment, size_t bytes)
{
	WEFT_RETURN_IF(alignment == 0 || (alignment & (alignment - 1)), NULL);
	bytes += !bytes;
	if (!is_default()) {
		if (is_refused())
			return NULL;
		if (is_hosted())
			return host.aligned_fn(alignment, bytes, host.user);
	}
	return default_aligned(alignment, bytes);
}

void weft_free(void *ptr)
{
	if (!ptr)
		return;
	if (!is_default() && is_hosted())
		host.free_fn(ptr, host.user);
	else
		default_free(ptr);
}

char *weft_strndup(const char *text, size_t len_bytes)
{
	char *copy;

	WEFT_RETURN_IF(len_bytes == SIZE_MAX || (!text && len_bytes), NULL);
	copy = weft_malloc(len_bytes + 1);
	if (!copy)
		return NULL;
	if (len_bytes)
		memcpy(copy, text, len_bytes);
	copy[len_bytes] = '\0';
	return copy;
}
