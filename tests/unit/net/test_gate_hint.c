/* SPDX-License-Identifier: Apache-2.0 */
/* gate/hint: fields of answers' heads as endpoints write them, and as nobody should. */
#include <weft/gate.h>

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/seed.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define DAY (86400 * S)
#define WALL_MS INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static uint64_t after(const char *name, const char *value)
{
	weft_gate_hints h = { 0 };

	weft_gate_hint(&h, weft_str_from(name), weft_str_from(value), WALL_MS);
	return h.retry_after_ns;
}

Test(gate_hint, retry_after__seconds)
{
	cr_expect_eq(after("Retry-After", "120"), 120 * S);
	cr_expect_eq(after("retry-after", "0"), 0);
	cr_expect_eq(after("RETRY-AFTER", "1.5"), 1500 * MS);
	cr_expect_eq(after("Retry-After", "99999999999999999999999"), DAY);
	cr_expect_eq(after("retry-after-ms", "250"), 250 * MS);
	cr_expect_eq(after("retry-after-ms", "0.5"), MS / 2);
	cr_expect_eq(after("retry-after-ms", "9999999999999"), DAY);
}

Test(gate_hint, retry_after__dates)
{
	cr_expect_eq(after("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"), 10 * S);
	cr_expect_eq(after("Retry-After", "Sunday, 06-Nov-94 08:50:37 GMT"), 60 * S);
	cr_expect_eq(after("Retry-After", "Sun Nov  6 09:49:37 1994"), 3600 * S);
	cr_expect_eq(after("Retry-After", "Sun, 06 Nov 1994 08:49:36 GMT"), 0, "it is over");
	cr_expect_eq(after("Retry-After", "Tue, 29 Feb 2000 00:00:00 GMT"), DAY);
}

Test(gate_hint, malformed__is_as_if_it_were_not_there)
{
	static const char *const values[] = { "",      " ",      "-1",  "soon", "1 2",  "1s ",
		                              "Sun, 06 Nov 1994 08:49:47",      "Sun, 99 Nov 1994 08:49:47 GMT",
		                              "Sun, 06 Nov 1994 25:49:47 GMT",  "Sun, 06 Foo 1994 08:49:47 GMT",
		                              "Sun, 06 Nov 1994 08:49:47 GMT!", "Sun, 06-Nov 94 08:49:37 GMT" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		cr_expect_eq(after("Retry-After", values[i]), 0, "%s", values[i]);
	cr_expect_eq(after("Retry-Afte", "120"), 0);
	cr_expect_eq(after("Retry-After2", "120"), 0);
}

static uint64_t resets(const char *remaining, const char *reset)
{
	weft_gate_hints h = { 0 };

	weft_gate_hint(&h, WEFT_STR("x-ratelimit-remaining-tokens"), weft_str_from(remaining), WALL_MS);
	weft_gate_hint(&h, WEFT_STR("X-RateLimit-Reset-Tokens"), weft_str_from(reset), WALL_MS);
	return h.retry_after_ns;
}

Test(gate_hint, quotas__count_when_they_are_used_up)
{
	cr_expect_eq(resets("0", "6m0s"), 360 * S);
	cr_expect_eq(resets("0", "1.5s"), 1500 * MS);
	cr_expect_eq(resets("0", "20ms"), 20 * MS);
	cr_expect_eq(resets("0", "1h2m3s"), 3723 * S);
	cr_expect_eq(resets("0", "17"), 17 * S);
	cr_expect_eq(resets("0", "48h"), DAY);
	cr_expect_eq(resets("1", "6m0s"), 0);
	cr_expect_eq(resets("0", "6q"), 0);
	cr_expect_eq(resets("0", "6m1"), 0);
}

Test(gate_hint, ranks__milliseconds_before_seconds_before_resets)
{
	weft_gate_hints h = { 0 };

	weft_gate_hint(&h, WEFT_STR("x-ratelimit-remaining-requests"), WEFT_STR("0"), WALL_MS);
	weft_gate_hint(&h, WEFT_STR("x-ratelimit-reset-requests"), WEFT_STR("9s"), WALL_MS);
	cr_expect_eq(h.retry_after_ns, 9 * S);
	weft_gate_hint(&h, WEFT_STR("retry-after"), WEFT_STR("3"), WALL_MS);
	weft_gate_hint(&h, WEFT_STR("x-ratelimit-reset-requests"), WEFT_STR("8s"), WALL_MS);
	cr_expect_eq(h.retry_after_ns, 3 * S);
	weft_gate_hint(&h, WEFT_STR("retry-after-ms"), WEFT_STR("2900"), WALL_MS);
	weft_gate_hint(&h, WEFT_STR("retry-after"), WEFT_STR("4"), WALL_MS);
	cr_expect_eq(h.retry_after_ns, 2900 * MS);
	weft_gate_hint(&h, WEFT_STR("x-should-retry"), WEFT_STR("false"), WALL_MS);
	cr_expect_eq(h.server_says, WEFT_GATE_SAYS_NO_RETRY);
	weft_gate_hint(&h, WEFT_STR("x-should-retry"), WEFT_STR("TRUE"), WALL_MS);
	cr_expect_eq(h.server_says, WEFT_GATE_SAYS_RETRY);
}

/* Whatever it reads, it stays within the text (a sanitizer looks) and within a day. */
Test(gate_hint, noise__is_bounded)
{
	static const char letters[] = "0123456789.:-, smhnuGMTSunNov";
	static const char *const names[] = { "retry-after", "retry-after-ms", "x-ratelimit-reset-tokens",
		                             "x-ratelimit-remaining-tokens" };
	uint64_t seed = test_seed("gate hint"), state = seed;

	for (int i = 0; i < 200000; i++) {
		weft_gate_hints h = { 0 };
		size_t len = test_below(&state, 32);
		char *value = malloc(len ? len : 1);

		for (size_t j = 0; j < len; j++)
			value[j] = letters[test_below(&state, sizeof(letters) - 1)];
		weft_gate_hint(&h, weft_str_from(names[test_below(&state, 4)]), (weft_str){ value, len }, WALL_MS);
		cr_assert_leq(h.retry_after_ns, DAY, "seed %" PRIu64, seed);
		free(value);
	}
}
