/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A future with its waiter, its answerer and its end, in every way. Goal: the waiter wakes up, sees the answer's bytes,
 * and whatever comes first, the future and the answer are freed once. Method: the real future.c over a futex
 * whose own words are explored (waits.c); blocks are counted at the end.
 */
#include <criterion/criterion.h>

#include "runtime/host/host.h"
#include "tests/model/explore.h"
#include "tests/model/host.h"

static struct weft_runtime rt;
static weft_future *future;
static _Atomic(uint32_t) again;

static struct weft__sink *sink(void)
{
	return (struct weft__sink *)future; /* its first member */
}

static void begin_asked(void)
{
	waits_begin();
	stand_ins_time(0);
	weft__store_relaxed(&again, 0u);
	explore_assert(weft_future_create(&rt, &future) == 0);
	explore_name(future, 64, "future");
	explore_assert(sink()->take(sink()) == 0);
}

static void answer(uint32_t number)
{
	sink()->deliver(sink(), answer_make(number));
}

static void answers(void)
{
	answer(1);
}

static void gives_back(void)
{
	sink()->give_back(sink());
}

static void wait_for(uint32_t number)
{
	weft_msg *msg;

	explore_assert(weft_future_wait_until(future, &msg, WEFT_FOREVER) == 0);
	explore_assert(msg->kind == number);
	explore_free(msg);
}

static void waits_and_destroys(void)
{
	wait_for(1);
	weft_future_destroy(future);
}

static void destroys(void)
{
	weft_future_destroy(future);
}

static void looks_and_destroys(void)
{
	weft_msg *msg;
	int r = weft_future_try_take(future, &msg);

	explore_assert(r == 0 || r == -EAGAIN);
	if (r == 0) {
		explore_assert(msg->kind == 1);
		explore_free(msg);
	}
	weft_future_destroy(future);
}

static void nothing_is_left(void)
{
	explore_assert(explore_blocks() == 0);
}

#define MODEL(about, ...)                                                                                    \
	static const struct explore_model m = {                                                              \
		.name = "future, " about, .init = begin_asked, .thread = { __VA_ARGS__ }, .check = nothing_is_left \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_future, waiter__is_woken_and_sees_the_answer)
{
	MODEL("wait", waits_and_destroys, answers);
}

Test(model_future, destroyed_meanwhile__frees_the_answer_too)
{
	MODEL("destroy", destroys, answers);
}

Test(model_future, looked_at__has_the_answer_or_not)
{
	MODEL("try", looks_and_destroys, answers);
}

Test(model_future, given_back__is_freed_once)
{
	MODEL("give back", destroys, gives_back);
}

static void waits_in_vain(void)
{
	weft_msg *msg;

	explore_assert(weft_future_wait_until(future, &msg, WEFT_FOREVER) == -EINVAL);
	weft_future_destroy(future);
}

Test(model_future, given_back__waiter_is_woken)
{
	MODEL("wait, give back", waits_in_vain, gives_back);
}

/* The second request is made while the first answer's thread is still on its way out. */
static void waits_twice(void)
{
	wait_for(1);
	explore_assert(sink()->take(sink()) == 0);
	weft__store_release(&again, 1u);
	wait_for(2);
	weft_future_destroy(future);
}

static void answers_second(void)
{
	while (!weft__load_acquire(&again))
		weft__spin();
	answer(2);
}

Test(model_future, asked_again__while_the_first_answer_leaves)
{
	MODEL("asked again", waits_twice, answers, answers_second);
}
