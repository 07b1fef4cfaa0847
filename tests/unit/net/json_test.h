/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON tests share: documents from literals, and an allocator that runs dry. */
#ifndef WEFT_TESTS_UNIT_NET_JSON_TEST_H
#define WEFT_TESTS_UNIT_NET_JSON_TEST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <weft/json.h>

/* The document of a C string that must be JSON; the caller releases it. */
static inline weft_json_doc *doc_of(const char *text)
{
	weft_json_doc *doc = NULL;
	weft_error err = { 0 };
	int r = weft_json_parse(weft_str_from(text), &doc, &err);

	cr_assert_eq(r, 0, "%s", err.message);
	return doc;
}

static inline weft_str str(const char *text)
{
	return weft_str_from(text);
}

/* Allocations that still succeed; -1: all. */
static long allocations_left = -1;

static inline bool may_allocate(void)
{
	return allocations_left < 0 || allocations_left-- > 0;
}

static inline void *dry_malloc(size_t bytes, void *user)
{
	(void)user;
	return may_allocate() ? malloc(bytes) : NULL;
}

static inline void *dry_realloc(void *ptr, size_t bytes, void *user)
{
	(void)user;
	return may_allocate() ? realloc(ptr, bytes) : NULL;
}

static inline void dry_free(void *ptr, void *user)
{
	(void)user;
	free(ptr);
}

static inline void *dry_aligned(size_t alignment, size_t bytes, void *user)
{
	(void)user;
	return may_allocate() ? aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment) : NULL;
}

/* For a test's first line: before anything was allocated. */
static inline void allocator_replace(void)
{
	weft_allocator a = { .size = sizeof(a),
		             .malloc_fn = dry_malloc,
		             .realloc_fn = dry_realloc,
		             .free_fn = dry_free,
		             .aligned_fn = dry_aligned };

	cr_assert_eq(weft_allocator_set(&a), 0);
}

#endif
