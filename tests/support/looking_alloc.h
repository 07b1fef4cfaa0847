/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/looking_alloc.h - an allocator that looks into each block that is given back: none may hold the secret, so it was wiped
 * wherever it had been. For a process that has used nothing of weft yet.
 */
#ifndef WEFT_TESTS_SUPPORT_LOOKING_ALLOC_H
#define WEFT_TESTS_SUPPORT_LOOKING_ALLOC_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

struct look_block {
	size_t bytes, offset; /* before what was given out; offset from the real beginning */
};

static const char *look_secret;
static uint32_t look_unwiped; /* blocks that were freed with the secret in them */
static pthread_t look_away;   /* what this thread frees is not looked at: it is the server's */

static inline void *look_give(void *raw, size_t offset, size_t bytes)
{
	struct look_block *b = (struct look_block *)(void *)((char *)raw + offset) - 1;

	*b = (struct look_block){ bytes, offset };
	return b + 1;
}

static inline void *look_malloc(size_t bytes, void *user)
{
	void *raw = malloc(bytes + 16);

	(void)user;
	return raw ? look_give(raw, 16, bytes) : NULL;
}

static inline void *look_aligned(size_t alignment, size_t bytes, void *user)
{
	size_t offset = alignment > 16 ? alignment : 16;
	void *raw = aligned_alloc(offset, (bytes + offset + offset - 1) / offset * offset);

	(void)user;
	return raw ? look_give(raw, offset, bytes) : NULL;
}

static inline void look_free(void *ptr, void *user)
{
	struct look_block *b;

	(void)user;
	if (!ptr)
		return;
	b = (struct look_block *)ptr - 1;
	/* relaxed: set before anybody has the secret */
	if (!pthread_equal(pthread_self(), __atomic_load_n(&look_away, __ATOMIC_RELAXED)) && memmem(ptr, b->bytes, look_secret, strlen(look_secret)))
		__atomic_fetch_add(&look_unwiped, 1, __ATOMIC_RELAXED); /* relaxed: a count, read when all is over */
	free((char *)ptr - b->offset);
}

static inline void *look_realloc(void *ptr, size_t bytes, void *user)
{
	size_t had = ptr ? ((struct look_block *)ptr - 1)->bytes : 0;
	void *more = look_malloc(bytes, user);

	if (more && had)
		memcpy(more, ptr, had < bytes ? had : bytes);
	if (more)
		look_free(ptr, user);
	return more;
}

/* From now on. secret: static. */
static inline void look_for(const char *secret)
{
	const weft_allocator look = { .size = sizeof(look), .malloc_fn = look_malloc, .realloc_fn = look_realloc,
		                      .free_fn = look_free, .aligned_fn = look_aligned };

	look_secret = secret;
	cr_assert_eq(weft_allocator_set(&look), 0);
}

/* A server of the test's. */
static inline void look_away_from(pthread_t thread)
{
	__atomic_store_n(&look_away, thread, __ATOMIC_RELAXED); /* relaxed: as the load */
}

static inline uint32_t look_found(void)
{
	return __atomic_load_n(&look_unwiped, __ATOMIC_RELAXED); /* relaxed: as the addition */
}

#endif
