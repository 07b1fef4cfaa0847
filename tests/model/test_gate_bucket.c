/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket, in every way. Goal: nothing is taken twice, and who waits moves forward for what came back once, not twice.
 * Method: takers, one who used less than it took, one who gives up; the moment at which the bucket is full is the sum of
 * all, and no two promises overlap.
 */
#include <criterion/criterion.h>

#include "net/gate/bucket.h"
#include "tests/model/explore.h"

#define SECOND UINT64_C(1000000000)
#define NOW (1000 * SECOND)

static struct weft__bucket b;
static struct weft_gate_booking taken[EXPLORE_THREADS_MAX + 1];

static void begin(void)
{
	weft__bucket_init(&b, 60, 1);
	explore_name(&b.full_ns, sizeof(b.full_ns), "full");
	explore_name(&b.credit_ns, sizeof(b.credit_ns), "credit");
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		taken[i] = (struct weft_gate_booking){ 0 };
	weft__bucket_take(&b, NOW, UINT64_MAX, 10, &taken[0]);
}

static void takes(void)
{
	weft__bucket_take(&b, NOW, UINT64_MAX, 1, &taken[explore_self()]);
}

/* The one of init is back, and used 4 of its 10. */
static void used_less(void)
{
	weft__bucket_used(&b, NOW, &taken[0], 4);
}

static void gives_up(void)
{
	struct weft_gate_booking k;

	weft__bucket_take(&b, NOW, UINT64_MAX, 1, &k);
	weft__bucket_give_up(&b, &k);
}

/* In seconds from now; too soon is below zero. */
static int64_t due(uint32_t i)
{
	return ((int64_t)weft__bucket_due(&b, &taken[i]) - (int64_t)NOW) / (int64_t)SECOND;
}

static void in_turn(void)
{
	explore_assert(weft__load_relaxed(&b.full_ns) == NOW + 12 * SECOND);
	explore_assert(due(1) + due(2) == 21 && (due(1) == 10 || due(2) == 10));
}

/* After 4 seconds' worth: at 4 and 5, or later by the 6 that came back when it was missed; never sooner, never together. */
static void never_sooner(void)
{
	explore_assert(weft__load_relaxed(&b.full_ns) == NOW + 6 * SECOND);
	explore_assert(due(1) >= 4 && due(2) >= 4 && due(1) != due(2));
}

static void nothing_lost_but_the_last(void)
{
	uint64_t full = weft__load_relaxed(&b.full_ns);

	explore_assert(full == NOW + 11 * SECOND || full == NOW + 12 * SECOND);
	explore_assert(due(1) == 10 || due(1) == 11);
}

#define MODEL(about, last, ...)                                                                              \
	static const struct explore_model m = {                                                              \
		.name = "bucket, " about, .init = begin, .thread = { __VA_ARGS__ }, .check = last            \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_gate_bucket, two_take)
{
	MODEL("two take", in_turn, takes, takes);
}

Test(model_gate_bucket, two_take_while_much_comes_back)
{
	MODEL("one used less", never_sooner, takes, takes, used_less);
}

Test(model_gate_bucket, one_gives_up)
{
	MODEL("one gives up", nothing_lost_but_the_last, takes, gives_up);
}
