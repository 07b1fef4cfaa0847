/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/counting_alloc.h - an allocator that counts the blocks that were not given back. For a process that has used
 * nothing of weft yet. Threads keep some for later: what counts is that doing a thing again leaves no more behind.
 */
#ifndef WEFT_TESTS_SUPPORT_COUNTING_ALLOC_H
#define WEFT_TESTS_SUPPORT_COUNTING_ALLOC_H

#include <stdatomic.h>
#include <stdlib.h>

#include <weft/alloc.h>

static _Atomic(long) counting_live;

static inline void *counting_malloc(size_t bytes, void *user)
{
	void *ptr = malloc(bytes);

	(void)user;
	counting_live += ptr != NULL;
	return ptr;
}

static inline void *counting_realloc(void *ptr, size_t bytes, void *user)
{
	void *more = realloc(ptr, bytes);

	(void)user;
	counting_live += !ptr && more;
	return more;
}

static inline void *counting_aligned(size_t alignment, size_t bytes, void *user)
{
	void *ptr = NULL;

	(void)user;
	if (posix_memalign(&ptr, alignment, bytes))
		return NULL;
	counting_live++;
	return ptr;
}

static inline void counting_free(void *ptr, void *user)
{
	(void)user;
	counting_live -= ptr != NULL;
	free(ptr);
}

static inline weft_allocator counting_allocator(void)
{
	return (weft_allocator){ .size = sizeof(weft_allocator),
		                 .malloc_fn = counting_malloc,
		                 .realloc_fn = counting_realloc,
		                 .aligned_fn = counting_aligned,
		                 .free_fn = counting_free };
}

#endif
