/* SPDX-License-Identifier: Apache-2.0 */
/* remote/hold: who waits is called exactly once, by the time or by the loop's end, or never after hold_end. */
#include "actors/remote/hold.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct weft__loop *loop;
static int fired, ended;

static void setup(void)
{
	fired = ended = 0;
	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
}

static void teardown(void)
{
	weft__loop_close(loop);
}

TestSuite(hold, .init = setup, .fini = teardown);

static void over(struct weft__hold *hold, bool loop_ends)
{
	cr_assert_not(weft__hold_is_on(hold));
	fired += !loop_ends;
	ended += loop_ends;
}

static void wait_until_fired(int n)
{
	while (fired < n)
		weft__loop_wait(loop, UINT64_C(1000000000));
}

Test(hold, hold__is_over_in_its_time_and_may_begin_again)
{
	struct weft__hold a = { 0 }, b = { 0 };

	cr_assert_eq(weft__hold(&a, loop, 3000000, over), 0);
	cr_assert_eq(weft__hold(&b, loop, 0, over), 0);
	cr_assert(weft__hold_is_on(&a) && weft__hold_is_on(&b));
	wait_until_fired(2);
	cr_assert_eq(weft__hold(&a, loop, 1, over), 0);
	wait_until_fired(3);
	weft__loop_retire(loop);
	cr_assert_eq(fired, 3);
	cr_assert_eq(ended, 0);
}

Test(hold, hold__that_is_ended_is_never_over)
{
	struct weft__hold h[3] = { { 0 } };

	weft__hold_end(&h[0]); /* it does not wait */
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft__hold(&h[i], loop, UINT64_MAX, over), 0);
	weft__hold_end(&h[1]);
	weft__hold_end(&h[0]);
	weft__hold_end(&h[2]);
	weft__hold_end(&h[2]);
	weft__loop_retire(loop);
	cr_assert_eq(fired + ended, 0);
}

static void again(struct weft__hold *hold, bool loop_ends)
{
	over(hold, loop_ends);
	cr_assert_eq(weft__hold(hold, hold->loop, 1, over), -ESHUTDOWN);
}

Test(hold, loop__that_ends_ends_all_that_wait)
{
	struct weft__hold h[4] = { { 0 } };

	for (int i = 0; i < 4; i++)
		cr_assert_eq(weft__hold(&h[i], loop, UINT64_C(3600000000000), again), 0);
	weft__hold_end(&h[2]);
	weft__loop_retire(loop);
	cr_assert_eq(fired, 0);
	cr_assert_eq(ended, 3);
	cr_assert_eq(weft__hold(&h[2], loop, 1, over), -ESHUTDOWN);
}
