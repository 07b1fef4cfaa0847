/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: pieces do not overlap, stay where they are, small before large, and a failure leaves what there is. */
#include "runtime/mem/region.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

#define PIECE ((size_t)32 << 10)
#define MANY 200u /* 6.25 MiB: small chunks, then large ones */

static size_t asked_max, held;
static bool refuse;

static void *count_aligned(size_t alignment, size_t bytes, void *user)
{
	void *p = NULL;

	(void)user;
	if (refuse || posix_memalign(&p, alignment, bytes) != 0)
		return NULL;
	if (bytes > asked_max)
		asked_max = bytes;
	held++;
	return p;
}

static void count_free(void *p, void *user)
{
	(void)user;
	held -= p != NULL;
	free(p);
}

static void *plain_malloc(size_t bytes, void *user)
{
	(void)user;
	return malloc(bytes);
}

static void *plain_realloc(void *p, size_t bytes, void *user)
{
	(void)user;
	return realloc(p, bytes);
}

static void count(void)
{
	static const weft_allocator counting = { .size = sizeof(counting),
		                                 .malloc_fn = plain_malloc,
		                                 .realloc_fn = plain_realloc,
		                                 .free_fn = count_free,
		                                 .aligned_fn = count_aligned };

	cr_assert_eq(weft_allocator_set(&counting), 0);
}

TestSuite(region, .init = count);

Test(region, take__gives_pieces_of_their_own)
{
	struct weft__region r = { 0 };
	unsigned char *pieces[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		pieces[i] = weft__region_take(&r, PIECE);
		cr_assert(pieces[i]);
		cr_assert_eq((uintptr_t)pieces[i] % 64, 0);
		memset(pieces[i], (int)i, PIECE);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert_eq(pieces[i][0], (unsigned char)i);
		cr_assert_eq(pieces[i][PIECE - 1], (unsigned char)i);
	}
	weft__region_fini(&r);
	cr_assert_eq(held, 0, "%zu chunks are left", held);
}

Test(region, take__is_frugal_until_it_is_large)
{
	struct weft__region r = { 0 };

	cr_assert(weft__region_take(&r, PIECE));
	cr_assert_leq(r.bytes, PIECE + WEFT__REGION_LINK_BYTES);
	while (r.bytes < WEFT__REGION_SMALL_BYTES)
		cr_assert(weft__region_take(&r, PIECE));
	cr_assert_lt(asked_max, WEFT__REGION_CHUNK_BYTES);
	while (r.pieces_left)
		cr_assert(weft__region_take(&r, PIECE));
	cr_assert(weft__region_take(&r, PIECE));
	cr_assert_eq(asked_max, WEFT__REGION_CHUNK_BYTES);
	cr_assert_eq(r.pieces_left, 62, "63 fit beside the link");
	weft__region_fini(&r);
}

Test(region, take__without_memory_keeps_what_there_is)
{
	struct weft__region r = { 0 };
	char *piece = weft__region_take(&r, PIECE);

	cr_assert(piece);
	strcpy(piece, "here");
	refuse = true;
	cr_assert_null(weft__region_take(&r, PIECE));
	refuse = false;
	cr_assert(weft__region_take(&r, PIECE));
	cr_assert_str_eq(piece, "here");
	weft__region_fini(&r);
	cr_assert_eq(held, 0);
}
