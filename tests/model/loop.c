/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/loop.c - an I/O loop that only sleeps and is woken, for models of the scheduler.
 *
 * A wait ends when somebody wakes it, and never else: a lost wake-up is a thread that waits for ever. Time
 * limits do not run out, for no wake-up may depend on them; but for a loop that `naps`, which then goes on when
 * there is something new to see. A wake orders nothing: what the sleeper must see, it must see by the
 * scheduler's own words.
 */
#include "runtime/io/loop.h"
#include "tests/model/explore.h"
#include "tests/model/loop.h"

static bool is_woken(const void *arg)
{
	return ((const struct weft__loop *)arg)->woken;
}

int weft__loop_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	if (loop->naps && timeout_ns != UINT64_MAX)
		explore_nap(loop, is_woken, loop, "naps");
	else
		explore_step(loop, is_woken, loop, "sleeps");
	loop->woken = false;
	return 0;
}

bool weft__loop_has_work(const struct weft__loop *loop)
{
	(void)loop;
	return false;
}

bool weft__loop_peek(const struct weft__loop *loop)
{
	(void)loop;
	return false;
}

/* A nap of somebody who sleeps already: it may end at once. */
void weft__loop_wake_in(struct weft__loop *loop, uint64_t span_ns)
{
	(void)span_ns;
	if (!loop->naps)
		return;
	explore_step(loop, NULL, NULL, "wakes in a while");
	loop->woken = true;
}

void weft__loop_wake(struct weft__loop *loop)
{
	explore_step(loop, NULL, NULL, "wakes");
	loop->woken = true;
	loop->wakes++;
}
