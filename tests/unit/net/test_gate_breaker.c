/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/breaker. Goal: so many failures in a row open it, for so long, then one call tries; late news changes nothing.
 * Method: a table of steps; then random calls against a second breaker written the slow way.
 */
#include "net/gate/breaker.h"

#include <criterion/criterion.h>

#include "tests/support/seed.h"

#define S UINT64_C(1000000000)
#define T0 (1000 * S)

static struct weft__breaker b;
static uint64_t period;

static bool go(uint64_t now)
{
	return weft__breaker_go(&b, now, &period);
}

static void fail(uint64_t now, int times)
{
	while (times--) {
		cr_assert(go(now));
		weft__breaker_back(&b, now, period, WEFT__BREAKER_BAD);
	}
}

Test(gate_breaker, opens_after_failures_in_a_row)
{
	weft__breaker_init(&b, 5, 30 * S);
	fail(T0, 4);
	cr_assert(go(T0));
	cr_expect_not(weft__breaker_back(&b, T0, period, WEFT__BREAKER_GOOD));
	fail(T0, 4);
	cr_expect_eq(weft__breaker_wait(&b, T0), 0);
	cr_assert(go(T0));
	cr_expect(weft__breaker_back(&b, T0, period, WEFT__BREAKER_BAD), "the fifth opens it");
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_OPEN);
	cr_expect_eq(weft__breaker_wait(&b, T0 + 10 * S), 20 * S);
	cr_expect_not(go(T0 + 30 * S - 1));
}

Test(gate_breaker, one_call_tries)
{
	uint64_t probe;

	weft__breaker_init(&b, 1, 30 * S);
	fail(T0, 1);
	cr_expect_eq(weft__breaker_wait(&b, T0 + 30 * S), 0);
	cr_assert(go(T0 + 30 * S));
	probe = period;
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_HALF_OPEN);
	cr_expect_not(go(T0 + 300 * S), "nobody else, however long it takes");
	cr_expect_gt(weft__breaker_wait(&b, T0 + 300 * S), 0);
	weft__breaker_back(&b, T0 + 300 * S, probe, WEFT__BREAKER_BAD);
	cr_expect_eq(weft__breaker_wait(&b, T0 + 300 * S), 30 * S);
	cr_assert(go(T0 + 330 * S));
	weft__breaker_back(&b, T0 + 331 * S, period, WEFT__BREAKER_NOTHING);
	cr_assert(go(T0 + 331 * S), "it never went: the next may try at once");
	weft__breaker_back(&b, T0 + 332 * S, period, WEFT__BREAKER_GOOD);
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_CLOSED);
	cr_expect(go(T0 + 332 * S) && go(T0 + 332 * S));
}

Test(gate_breaker, news_of_another_period__changes_nothing)
{
	uint64_t old;

	weft__breaker_init(&b, 1, S);
	cr_assert(go(T0));
	old = period;
	fail(T0, 1);
	cr_expect_not(weft__breaker_back(&b, T0, old, WEFT__BREAKER_GOOD));
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_OPEN, "a late success does not close it");
	cr_assert(go(T0 + S));
	weft__breaker_back(&b, T0 + S, old, WEFT__BREAKER_BAD);
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_HALF_OPEN);
	weft__breaker_back(&b, T0 + S, period, WEFT__BREAKER_GOOD);
	cr_expect_not(weft__breaker_back(&b, T0 + S, old, WEFT__BREAKER_BAD));
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_CLOSED, "nor does a late failure open it again");
}

Test(gate_breaker, never__never_opens)
{
	weft__breaker_init(&b, 0, S);
	fail(T0, 1000);
	cr_expect_eq(weft__breaker_state(&b), WEFT_BREAKER_CLOSED);
}

/* ---- beside a slow one ------------------------------------------------------------------- */

#define CALLS 16u

struct slow {
	weft_breaker_state state;
	uint32_t failures, generation;
	uint64_t until;
};

struct call {
	bool under_way, probe;
	uint32_t generation;
	uint64_t period;
};

static bool slow_go(struct slow *s, uint64_t now, struct call *call)
{
	*call = (struct call){ .under_way = true, .generation = s->generation };
	if (s->state == WEFT_BREAKER_OPEN && now >= s->until) {
		s->state = WEFT_BREAKER_HALF_OPEN;
		call->probe = true;
		return true;
	}
	return s->state == WEFT_BREAKER_CLOSED;
}

static void slow_back(struct slow *s, uint64_t now, const struct call *call, enum weft__breaker_news news)
{
	if (!call->probe && (s->state != WEFT_BREAKER_CLOSED || s->generation != call->generation))
		return;
	if (call->probe && news == WEFT__BREAKER_GOOD) {
		*s = (struct slow){ .generation = s->generation + 1 };
	} else if (call->probe) {
		s->state = WEFT_BREAKER_OPEN;
		s->until = now + (news == WEFT__BREAKER_BAD ? 3 * S : 0);
	} else if (news == WEFT__BREAKER_GOOD) {
		s->failures = 0;
	} else if (news == WEFT__BREAKER_BAD && ++s->failures == 3) {
		s->state = WEFT_BREAKER_OPEN;
		s->until = now + 3 * S;
	}
}

Test(gate_breaker, random__as_a_slow_one)
{
	uint64_t seed = test_seed("gate breaker"), state = seed, now = T0;
	struct call calls[CALLS] = { 0 };
	struct slow slow = { 0 };
	uint32_t opened = 0;

	weft__breaker_init(&b, 3, 3 * S);
	for (uint32_t i = 0; i < 200000; i++) {
		struct call *c = &calls[test_below(&state, CALLS)];
		enum weft__breaker_news news = (enum weft__breaker_news)(test_below(&state, 7) % 3);

		now += test_below(&state, 300) * (S / 1000);
		if (c->under_way) {
			c->under_way = false;
			opened += weft__breaker_back(&b, now, c->period, news);
			slow_back(&slow, now, c, news);
		} else {
			bool want = slow_go(&slow, now, c);

			cr_assert_eq(weft__breaker_go(&b, now, &c->period), want, "seed %" PRIu64 " step %u", seed, i);
			c->under_way = want;
		}
		cr_assert_eq(weft__breaker_state(&b), slow.state, "seed %" PRIu64 " step %u", seed, i);
	}
	cr_expect_gt(opened, 100);
}
