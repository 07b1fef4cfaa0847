/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock with a bias to its owner, in every way. Goal: what it guards is used by one at a time, and each sees what
 * the last one did. Method: an owner that enters twice, thieves that claim once each; a plain word inside.
 * Both fences are real ones here, which is what membarrier(2) makes of them.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/base/bias.h"
#include "tests/model/explore.h"

static struct weft__bias lock;
static uint32_t inside, claimed; /* plain, and both guarded */

static void begin(void)
{
	memset(&lock, 0, sizeof(lock));
	inside = claimed = 0;
	explore_name(&lock.inside, sizeof(lock.inside), "inside");
	explore_name(&lock.claimed, sizeof(lock.claimed), "claimed");
	explore_name(&inside, sizeof(inside), "entered");
	explore_name(&claimed, sizeof(claimed), "thefts");
}

static void owner(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		weft__bias_enter(&lock);
		explore_assert(inside == i);
		inside++;
		explore_assert(claimed <= 2);
		weft__bias_leave(&lock);
	}
}

static void thief(void)
{
	if (!weft__bias_claim(&lock))
		return;
	explore_assert(inside <= 2);
	claimed++;
	weft__bias_release(&lock);
}

static void is_free(void)
{
	explore_assert(inside == 2);
	explore_assert(weft__bias_claim(&lock));
}

Test(model_bias, owner_and_thief__one_at_a_time)
{
	static const struct explore_model m = {
		.name = "bias, one thief", .init = begin, .thread = { owner, thief }, .check = is_free
	};

	cr_assert(explore(&m));
}

Test(model_bias, owner_and_two_thieves__one_at_a_time)
{
	static const struct explore_model m = {
		.name = "bias, two thieves", .init = begin, .thread = { owner, thief, thief }, .check = is_free
	};

	cr_assert(explore(&m));
}
