/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered records. Goal: every number is one of its own, chunks stay where they are, and a retired number comes
 * back after a grace period and not before.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/mem/fault.h"
#include "store/vector/slab.h"

#define SHIFT 2u
#define COUNT 200u

static struct weft__grace *grace;
static struct weft__slab slab;

static void clear(const struct weft__slab *s, char *chunk)
{
	memset(chunk, 7, s->chunk_bytes);
}

static void setup(void)
{
	grace = aligned_alloc(WEFT_CACHELINE, sizeof(*grace));
	cr_assert_not_null(grace);
	memset(grace, 0, sizeof(*grace));
	slab = (struct weft__slab){ .chunk_bytes = 128, .at_chain = 64, .clear = clear };
	weft__slab_init(&slab, SHIFT, grace);
}

static void teardown(void)
{
	weft__slab_fini(&slab);
	free(grace);
}

TestSuite(slab, .init = setup, .fini = teardown);

static uint32_t take(void)
{
	uint32_t number;

	cr_assert_eq(weft__slab_take(&slab, &number), 0);
	return number;
}

Test(slab, numbers_count_up_and_chunks_stay)
{
	char *first;

	cr_assert_eq(take(), 0);
	first = weft__slab_chunk(&slab, 0);
	cr_assert_eq(first[127], 7, "cleared");
	for (uint32_t i = 1; i < COUNT; i++)
		cr_assert_eq(take(), i);
	cr_assert_eq(weft__slab_count(&slab), COUNT);
	cr_assert_eq(weft__slab_chunk(&slab, 0), first);
	cr_assert_eq(weft__slab_bytes(&slab), COUNT / 4 * 128);
}

Test(slab, a_retired_number_waits_for_readers)
{
	weft__grace_place reader;

	for (int i = 0; i < 3; i++)
		take();
	reader = weft__grace_enter(grace);
	weft__slab_retire(&slab, 1);
	weft__slab_retire(&slab, 0);
	for (uint32_t i = 3; i < 20; i++)
		cr_assert_eq(take(), i, "a new one while the reader is in");
	weft__grace_leave(reader);
	for (uint32_t i = 0, seen = 0; seen != 3; i++) {
		uint32_t number = take();

		cr_assert_lt(i, 20);
		if (number < 2)
			seen |= 1u << number;
	}
}

Test(slab, a_run_lies_in_one_chunk)
{
	uint32_t first;

	take();
	cr_assert_eq(weft__slab_take_run(&slab, 3, &first), 0);
	cr_assert_eq(first, 1);
	take();
	cr_assert_eq(weft__slab_take_run(&slab, 4, &first), 0);
	cr_assert_eq(first, 8, "5 to 7 were too few");
}

static uint32_t allowed;

static bool refuse(void)
{
	return allowed-- == 0;
}

Test(slab, out_of_memory_changes_nothing)
{
	uint32_t number;

	for (uint32_t at = 0; at < 2; at++) { /* the table, then the chunk behind it */
		allowed = at;
		weft__alloc_refuse_set(refuse);
		cr_assert_eq(weft__slab_take(&slab, &number), -ENOMEM);
		weft__alloc_refuse_set(NULL);
		cr_assert_eq(weft__slab_count(&slab), 0);
	}
	cr_assert_eq(take(), 0);
}
