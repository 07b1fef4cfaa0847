/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grace periods, in every way. Goal: what was unlinked is not used again while a reader that may have found it is
 * still in. Method: a word leads to one of two plain slots; a writer leads it to the other one and, when the stamp is over,
 * writes into the first, which races with a reader that is still there. A second thread polls meanwhile, so that a flip
 * may be of a scan from before the unlinking. One stripe.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "store/vector/grace.h"
#include "tests/model/explore.h"

static struct weft__grace grace;
static _Atomic(uint32_t) leads_to;
static uint32_t slot[2]; /* plain */

static void begin(void)
{
	memset(&grace, 0, sizeof(grace));
	leads_to = 0;
	slot[0] = slot[1] = 1;
	explore_name(&grace.phase, sizeof(grace.phase), "phase");
	explore_name(&grace.stripes[0].in[0], sizeof(uint32_t), "even");
	explore_name(&grace.stripes[0].in[1], sizeof(uint32_t), "odd");
	explore_name(&leads_to, sizeof(leads_to), "link");
	explore_name(slot, sizeof(slot), "slots");
}

static void read_once(void)
{
	weft__grace_place place = weft__grace_enter(&grace);
	uint32_t at = weft__load_acquire(&leads_to);

	explore_assert(slot[at] == 1);
	weft__grace_leave(place);
}

static void read_twice(void)
{
	read_once();
	read_once();
}

/* As many polls as there are flips to wait for. */
static void unlink_and_reuse(void)
{
	uint64_t stamp;

	weft__store_release(&leads_to, 1);
	stamp = weft__grace_stamp(&grace);
	for (uint32_t i = 0; i < WEFT__GRACE_FLIPS; i++)
		weft__grace_poll(&grace);
	if (weft__grace_over(&grace, stamp)) {
		slot[0] = 2;
	}
}

/* The flips are all another thread's. */
static void unlink_and_look(void)
{
	uint64_t stamp;

	weft__store_release(&leads_to, 1);
	stamp = weft__grace_stamp(&grace);
	if (weft__grace_over(&grace, stamp))
		slot[0] = 2;
}

static void poll_often(void)
{
	for (uint32_t i = 0; i < WEFT__GRACE_FLIPS; i++)
		weft__grace_poll(&grace);
}

static void poll_once(void)
{
	weft__grace_poll(&grace);
}

/* After it all nobody is in, and it is soon over. */
static void is_quiet(void)
{
	uint64_t stamp = weft__grace_stamp(&grace);

	for (uint32_t i = 0; i < WEFT__GRACE_FLIPS; i++)
		weft__grace_poll(&grace);
	explore_assert(weft__grace_over(&grace, stamp));
}

Test(model_grace, a_reader_and_a_writer)
{
	static const struct explore_model m = {
		.name = "grace, one reader", .init = begin, .thread = { read_twice, unlink_and_reuse }, .check = is_quiet
	};

	cr_assert(explore(&m));
}

Test(model_grace, a_reader_a_writer_and_one_who_polls)
{
	static const struct explore_model m = {
		.name = "grace, another polls", .init = begin, .thread = { read_once, unlink_and_reuse, poll_once }, .check = is_quiet
	};

	cr_assert(explore(&m));
}

Test(model_grace, all_flips_are_anothers)
{
	static const struct explore_model m = {
		.name = "grace, others' flips", .init = begin, .thread = { read_once, unlink_and_look, poll_often }, .check = is_quiet
	};

	cr_assert(explore(&m));
}

Test(model_grace, two_readers_and_a_writer)
{
	static const struct explore_model m = {
		.name = "grace, two readers", .init = begin, .thread = { read_once, unlink_and_reuse, read_once }, .check = is_quiet
	};

	cr_assert(explore(&m));
}
