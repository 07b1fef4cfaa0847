/* SPDX-License-Identifier: Apache-2.0 */
/* gate/retry: what each outcome says, how long a retry waits, and how many there may be. */
#include "net/gate/retry.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/seed.h"

#define S UINT64_C(1000000000)

Test(gate_retry, outcomes__mean_what_they_should)
{
	static const struct {
		int code;
		bool good, overload, quiet;
		enum weft__repeat repeat;
		enum weft__breaker_news news;
	} rows[] = {
		{ 0, true, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 200, true, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 301, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 400, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 401, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 404, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 408, false, false, false, WEFT__REPEAT_ALWAYS, WEFT__BREAKER_GOOD },
		{ 422, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 429, false, true, true, WEFT__REPEAT_ALWAYS, WEFT__BREAKER_GOOD },
		{ 500, false, false, false, WEFT__REPEAT_IF_SAFE, WEFT__BREAKER_BAD },
		{ 501, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_GOOD },
		{ 503, false, true, true, WEFT__REPEAT_ALWAYS, WEFT__BREAKER_BAD },
		{ 520, false, false, false, WEFT__REPEAT_IF_SAFE, WEFT__BREAKER_BAD },
		{ 529, false, true, true, WEFT__REPEAT_ALWAYS, WEFT__BREAKER_BAD },
		{ -ECONNREFUSED, false, false, false, WEFT__REPEAT_ALWAYS, WEFT__BREAKER_BAD },
		{ -ECONNRESET, false, false, false, WEFT__REPEAT_IF_SAFE, WEFT__BREAKER_BAD },
		{ -ETIMEDOUT, false, true, false, WEFT__REPEAT_IF_SAFE, WEFT__BREAKER_BAD },
		{ WEFT_ECERT, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_BAD },
		{ -ENOMEM, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_NOTHING },
		{ -ECANCELED, false, false, false, WEFT__REPEAT_NEVER, WEFT__BREAKER_NOTHING },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft_gate_outcome out = { .http_status = rows[i].code > 0 ? rows[i].code : 200,
			                  .error = rows[i].code < 0 ? rows[i].code : 0 };
		struct weft__meaning m = weft__meaning_of(&out);

		cr_expect_eq(m.good, rows[i].good, "%d", rows[i].code);
		cr_expect_eq(m.overload, rows[i].overload, "%d", rows[i].code);
		cr_expect_eq(m.quiet, rows[i].quiet, "%d", rows[i].code);
		cr_expect_eq(m.repeat, rows[i].repeat, "%d", rows[i].code);
		cr_expect_eq(m.news, rows[i].news, "%d", rows[i].code);
		cr_expect_eq(m.why == NULL, m.good, "%d", rows[i].code);
	}
}

Test(gate_retry, delay__doubles_up_to_the_cap)
{
	cr_expect_eq(weft__retry_delay(UINT64_MAX, 0, S, 60 * S, 0), S);
	cr_expect_eq(weft__retry_delay(UINT64_MAX, 1, S, 60 * S, 0), 2 * S);
	cr_expect_eq(weft__retry_delay(UINT64_MAX, 5, S, 60 * S, 0), 32 * S);
	cr_expect_eq(weft__retry_delay(UINT64_MAX, 6, S, 60 * S, 0), 60 * S);
	cr_expect_eq(weft__retry_delay(UINT64_MAX, UINT32_MAX, S, 60 * S, 0), 60 * S);
	cr_expect_eq(weft__retry_delay(0, 5, S, 60 * S, 0), 0, "full jitter");
	cr_expect_eq(weft__retry_delay(UINT64_MAX / 2 + 1, 1, S, 60 * S, 0), S);
}

Test(gate_retry, delay__never_sooner_than_the_endpoint_says)
{
	cr_expect_eq(weft__retry_delay(0, 3, S, 60 * S, 7 * S), 7 * S);
	cr_expect_eq(weft__retry_delay(UINT64_MAX, 3, S, 60 * S, 7 * S), 8 * S);
}

/* retries <= 10 + share * first tries, over any stretch. */
Test(gate_retry, budget__holds_over_any_stretch)
{
	uint64_t seed = test_seed("gate retry budget"), state = seed;
	static uint32_t firsts[20001], retries[20001];
	struct weft__retry_budget b;

	weft__retry_budget_init(&b, 20);
	for (uint32_t i = 0; i < 20000; i++) {
		bool first = test_below(&state, 10) < 5;

		firsts[i + 1] = firsts[i] + first;
		retries[i + 1] = retries[i];
		if (first)
			weft__retry_budget_pay(&b);
		else
			retries[i + 1] += weft__retry_budget_take(&b);
	}
	for (uint32_t i = 0; i <= 20000; i += 100) {
		for (uint32_t j = i; j <= 20000; j += 50)
			cr_assert_leq((retries[j] - retries[i]) * 5, 50 + (firsts[j] - firsts[i]), "seed %" PRIu64, seed);
	}
	cr_expect_gt(retries[20000], 1000, "and they are given when there are some");
}
