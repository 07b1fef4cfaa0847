/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker, in every way. Goal: of all who want to try a broken endpoint one does, each failure is counted once, and
 * who tries sees what those before did. Method: threads that go and come back with news, around the time at which an
 * open breaker may be tried.
 */
#include <criterion/criterion.h>

#include "net/gate/breaker.h"
#include "tests/model/explore.h"

#define MS UINT64_C(1000000)
#define NOW (1000 * MS)
#define OPEN_MS 10u

static struct weft__breaker b;
static uint32_t went[EXPLORE_THREADS_MAX + 1], opened[EXPLORE_THREADS_MAX + 1];
static uint32_t tried; /* plain: only who tries writes it */

static void begin_closed(void)
{
	weft__breaker_init(&b, 2, OPEN_MS * MS);
	tried = 0;
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		went[i] = opened[i] = 0;
	explore_name(&b.word, sizeof(b.word), "breaker");
	explore_name(&tried, sizeof(tried), "tried");
}

static void begin_open(void)
{
	uint64_t period;

	begin_closed();
	for (int i = 0; i < 2; i++) {
		explore_assert(weft__breaker_go(&b, NOW - OPEN_MS * MS, &period));
		weft__breaker_back(&b, NOW - OPEN_MS * MS, period, WEFT__BREAKER_BAD);
	}
	explore_assert(weft__breaker_state(&b) == WEFT_BREAKER_OPEN);
}

static void call(enum weft__breaker_news news)
{
	uint32_t self = explore_self();
	uint64_t period;

	if (!weft__breaker_go(&b, NOW, &period))
		return;
	went[self]++;
	if (period == WEFT__BREAKER_PROBE)
		tried++;
	opened[self] += weft__breaker_back(&b, NOW, period, news);
}

static void fails(void)
{
	call(WEFT__BREAKER_BAD);
}

static void succeeds(void)
{
	call(WEFT__BREAKER_GOOD);
}

static void gives_up(void)
{
	call(WEFT__BREAKER_NOTHING);
}

static uint32_t sum(const uint32_t *n)
{
	uint32_t total = 0;

	for (uint32_t i = 1; i <= EXPLORE_THREADS_MAX; i++)
		total += n[i];
	return total;
}

static void opened_once(void)
{
	explore_assert(sum(opened) == (sum(went) >= 2));
	explore_assert(weft__breaker_state(&b) == (sum(went) >= 2 ? WEFT_BREAKER_OPEN : WEFT_BREAKER_CLOSED));
}

static void one_tried(void)
{
	explore_assert(tried == 1);
	explore_assert(sum(went) == 1);
	explore_assert(weft__breaker_state(&b) == WEFT_BREAKER_OPEN);
}

static void closed_in_the_end(void)
{
	explore_assert(tried >= 1);
	explore_assert(weft__breaker_state(&b) == WEFT_BREAKER_CLOSED);
}

static void not_half_open(void)
{
	explore_assert(tried >= 1);
	explore_assert(weft__breaker_state(&b) != WEFT_BREAKER_HALF_OPEN);
}

#define MODEL(about, first, last, ...)                                                                       \
	static const struct explore_model m = {                                                              \
		.name = "breaker, " about, .init = first, .thread = { __VA_ARGS__ }, .check = last           \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_gate_breaker, closed__opens_once)
{
	MODEL("three fail", begin_closed, opened_once, fails, fails, fails);
}

Test(model_gate_breaker, open__one_tries)
{
	MODEL("three would try", begin_open, one_tried, fails, fails, fails);
}

Test(model_gate_breaker, open__good_news_close_it)
{
	MODEL("two succeed", begin_open, closed_in_the_end, succeeds, succeeds);
}

Test(model_gate_breaker, open__who_gives_up_lets_the_next_try)
{
	MODEL("one gives up", begin_open, not_half_open, gives_up, succeeds, gives_up);
}
