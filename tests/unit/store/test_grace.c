/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grace periods. Goal: a stamp is never over while a reader that was there before it still is, and is over soon
 * after. Method: readers at every possible phase; all ways to interleave are in tests/model.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "store/vector/grace.h"

static struct weft__grace *create(void)
{
	struct weft__grace *g = aligned_alloc(WEFT_CACHELINE, sizeof(*g));

	cr_assert_not_null(g);
	memset(g, 0, sizeof(*g));
	return g;
}

static void poll_often(struct weft__grace *g)
{
	for (int i = 0; i < 10; i++)
		weft__grace_poll(g);
}

Test(grace, nobody_there_and_it_is_soon_over)
{
	struct weft__grace *g = create();
	uint64_t stamp = weft__grace_stamp(g);

	cr_assert(!weft__grace_over(g, stamp));
	poll_often(g);
	cr_assert(weft__grace_over(g, stamp));
	free(g);
}

Test(grace, a_reader_from_before_holds_it_up_whatever_the_phase)
{
	struct weft__grace *g = create();

	for (int phase = 0; phase < 6; phase++) {
		weft__grace_place reader = weft__grace_enter(g);
		uint64_t stamp = weft__grace_stamp(g);

		poll_often(g);
		cr_assert(!weft__grace_over(g, stamp), "phase %d", phase);
		weft__grace_leave(reader);
		weft__grace_wait(g, stamp);
		for (int i = 0; i < phase; i++)
			weft__grace_poll(g);
	}
	free(g);
}

Test(grace, a_reader_with_an_old_parity_holds_it_up)
{
	struct weft__grace *g = create();
	uint64_t stamp;

	poll_often(g);
	for (uint32_t parity = 0; parity < 2; parity++) { /* as if it had read the phase long ago */
		weft__fetch_add_acq_rel(&g->stripes[3].in[parity], 1);
		stamp = weft__grace_stamp(g);
		poll_often(g);
		cr_assert(!weft__grace_over(g, stamp), "parity %u", parity);
		weft__grace_leave(&g->stripes[3].in[parity]);
	}
	poll_often(g);
	cr_assert(weft__grace_over(g, stamp));
	free(g);
}
