/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/failing_alloc.h - memory that cannot be had: an allocator that asks the test before each allocation.
 *
 * A test defines test_alloc_fails, and sets test_failing_allocator() with weft_allocator_set before anything else. Blocks that were not
 * given back are counted: asan sees no leak where something that lives on happens to lead to it.
 */
#ifndef WEFT_TESTS_SUPPORT_FAILING_ALLOC_H
#define WEFT_TESTS_SUPPORT_FAILING_ALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <weft/alloc.h>

/* The test's: shall this one fail? */
static bool test_alloc_fails(void);

static _Atomic(long) test_failing_live;

static void *test_failing_counted(void *ptr)
{
	test_failing_live += ptr != NULL;
	return ptr;
}

static void *test_failing_malloc(size_t bytes, void *user)
{
	(void)user;
	return test_alloc_fails() ? NULL : test_failing_counted(malloc(bytes));
}

static void *test_failing_realloc(void *ptr, size_t bytes, void *user)
{
	(void)user;
	if (test_alloc_fails())
		return NULL;
	return ptr ? realloc(ptr, bytes) : test_failing_counted(malloc(bytes));
}

static void *test_failing_aligned(size_t alignment, size_t bytes, void *user)
{
	void *ptr = NULL;

	(void)user;
	return test_alloc_fails() || posix_memalign(&ptr, alignment, bytes) ? NULL : test_failing_counted(ptr);
}

static void test_failing_free(void *ptr, void *user)
{
	(void)user;
	test_failing_live -= ptr != NULL;
	free(ptr);
}

static inline weft_allocator test_failing_allocator(void)
{
	return (weft_allocator){ .size = sizeof(weft_allocator),
		                 .malloc_fn = test_failing_malloc,
		                 .realloc_fn = test_failing_realloc,
		                 .aligned_fn = test_failing_aligned,
		                 .free_fn = test_failing_free };
}

#endif
