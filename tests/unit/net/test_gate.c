/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate as a whole. Goal: what each kind of outcome leads to, what is refused and with which words, and what waits for
 * how long. Method: times are made up; tables. Whatever is done in whatever order: tests/stress/test_gate.c.
 */
#include <weft/gate.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "tests/support/failing_alloc.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define T0 (1000 * S)

static const weft_gate_outcome good = { .http_status = 200 };

static weft_gate *gate_of(const weft_gate_options *opt)
{
	weft_gate *g = NULL;
	weft_error err = { 0 };

	cr_assert_eq(weft_gate_create(opt, &g, &err), 0, "%s", err.message);
	return g;
}

static weft_gate_stats stats_of(const weft_gate *g)
{
	weft_gate_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_gate_stats_read(g, &s), 0);
	return s;
}

static weft_gate_options options(void)
{
	weft_gate_options o = WEFT_GATE_OPTIONS_INIT;

	o.seed = 7;
	return o;
}

/* ---- what goes, and what waits ------------------------------------------------------ */

Test(gate, call__goes_and_is_done)
{
	weft_gate *g = gate_of(NULL);
	weft_gate_pass pass = { 0 };

	cr_assert_eq(weft_gate_enter(g, &pass, T0, 100), 0);
	cr_expect_eq(stats_of(g).under_way, 1);
	cr_expect_eq(weft_gate_enter(g, &pass, T0, 100), -EINVAL, "it is under way already");
	cr_assert_eq(weft_gate_leave(g, &pass, &good, T0 + S), WEFT_GATE_DONE);
	cr_expect_eq(stats_of(g).under_way, 0);
	cr_expect_eq(weft_gate_leave(g, &pass, &good, T0 + S), WEFT_GATE_FAIL, "twice");
	weft_gate_unref(g);
}

Test(gate, requests_a_minute__are_told_when_to_come)
{
	weft_gate_options o = options();
	weft_gate_pass pass[4] = { 0 };
	weft_gate *g;

	o.requests_per_minute = 60;
	o.requests_burst = 2;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 0), 0);
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0, 0), 0);
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0, 0), (int64_t)S);
	cr_expect_eq(weft_gate_enter(g, &pass[3], T0, 0), (int64_t)(2 * S), "behind the one before");
	cr_expect_eq(weft_gate_enter(g, &pass[3], T0 + S, 0), (int64_t)S, "asking again changes nothing");
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0 + S, 0), 0);
	weft_gate_cancel(g, &pass[3], T0 + S);
	pass[3] = (weft_gate_pass){ 0 };
	cr_expect_eq(weft_gate_enter(g, &pass[3], T0 + S, 0), (int64_t)S, "what was given up is there again");
	weft_gate_unref(g);
}

Test(gate, places__first_come_first_served)
{
	weft_gate_options o = options();
	weft_gate_pass pass[4] = { 0 };
	weft_gate *g;

	o.concurrency_max = 1;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 0), 0);
	for (int i = 1; i < 4; i++)
		cr_expect_gt(weft_gate_enter(g, &pass[i], T0, 0), 0);
	cr_expect_eq(stats_of(g).waiting, 3);
	weft_gate_cancel(g, &pass[1], T0);
	weft_gate_leave(g, &pass[0], &good, T0 + S);
	cr_expect_gt(weft_gate_enter(g, &pass[3], T0 + S, 0), 0, "it is not its turn");
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0 + S, 0), 0);
	weft_gate_leave(g, &pass[2], &good, T0 + S);
	cr_expect_eq(weft_gate_enter(g, &pass[3], T0 + S, 0), 0);
	weft_gate_leave(g, &pass[3], &good, T0 + S);
	cr_expect_eq(stats_of(g).under_way, 0);
	cr_expect_eq(stats_of(g).waiting, 0);
	weft_gate_unref(g);
}

/* ---- what is refused ------------------------------------------------------------------ */

/* One call that ends so. */
static weft_gate_verdict call(weft_gate *g, weft_gate_pass *pass, const weft_gate_outcome *out, uint64_t now)
{
	cr_assert_eq(weft_gate_enter(g, pass, now, 0), 0);
	return weft_gate_leave(g, pass, out, now);
}

Test(gate, broken__refuses_at_once_and_tries_again_later)
{
	static const weft_gate_outcome broken = { .http_status = 500 };
	weft_gate *g = gate_of(NULL);
	weft_gate_pass pass = { 0 }, other = { 0 };

	for (int i = 0; i < 5; i++)
		cr_assert_eq(call(g, &pass, &broken, T0), WEFT_GATE_FAIL, "not said to be safe");
	cr_expect_eq(weft_gate_enter(g, &pass, T0 + S, 0), WEFT_EBREAKER);
	cr_expect_str_eq(pass.why, "the endpoint failed too often just now");
	cr_expect_eq(pass.retry_after_ns, 29 * S);
	cr_expect_eq(weft_gate_enter(g, &pass, T0 + 30 * S, 0), 0, "one tries");
	cr_expect_eq(weft_gate_enter(g, &other, T0 + 30 * S, 0), WEFT_EBREAKER);
	weft_gate_leave(g, &pass, &good, T0 + 31 * S);
	cr_expect_eq(weft_gate_enter(g, &other, T0 + 31 * S, 0), 0);
	cr_expect_eq(stats_of(g).breaker_opened, 1);
	cr_expect_eq(stats_of(g).refused_breaker, 2);
	cr_expect_eq(stats_of(g).under_way, 1);
	weft_gate_unref(g);
}

Test(gate, fault_of_the_caller__says_nothing_of_the_endpoint)
{
	static const int statuses[] = { 400, 401, 403, 404, 413, 422, 429 };
	weft_gate *g = gate_of(NULL);

	for (int i = 0; i < 70; i++) {
		weft_gate_outcome out = { .http_status = statuses[i % 7], .server_says = WEFT_GATE_SAYS_NO_RETRY };

		cr_expect_eq(call(g, &(weft_gate_pass){ 0 }, &out, T0), WEFT_GATE_FAIL);
	}
	cr_expect_eq(stats_of(g).breaker, WEFT_BREAKER_CLOSED);
	weft_gate_unref(g);
}

Test(gate, waiting_max__refuses_who_comes_then)
{
	weft_gate_options o = options();
	weft_gate_pass pass[5] = { 0 };
	weft_gate *g;

	o.concurrency_max = 1;
	o.waiting_max = 3;
	g = gate_of(&o);
	for (int i = 0; i < 4; i++)
		cr_expect(weft_gate_enter(g, &pass[i], T0, 0) >= 0);
	cr_expect_eq(weft_gate_enter(g, &pass[4], T0, 0), WEFT_EOVERLOAD);
	cr_expect_str_eq(pass[4].why, "too many wait");
	weft_gate_cancel(g, &pass[1], T0);
	cr_expect_gt(weft_gate_enter(g, &pass[4], T0, 0), 0);
	weft_gate_unref(g);
}

Test(gate, wait_max__refuses_a_wait_that_is_known_to_be_longer)
{
	weft_gate_options o = options();
	weft_gate_pass pass[3] = { 0 };
	weft_gate *g;

	o.requests_per_minute = 1;
	o.wait_max_ns = 90 * S;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 0), 0);
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0, 0), (int64_t)(60 * S));
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0, 0), WEFT_EOVERLOAD);
	cr_expect_eq(pass[2].retry_after_ns, 120 * S);
	cr_expect_eq(stats_of(g).under_way, 2, "who is refused holds nothing");
	weft_gate_unref(g);
}

Test(gate, deadline__nobody_waits_in_vain)
{
	weft_gate_options o = options();
	weft_gate_pass pass[3] = { { 0 }, { .deadline_ns = T0 + 60 * S }, { .deadline_ns = T0 + 61 * S } };
	weft_gate *g;

	o.requests_per_minute = 1;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 0), 0);
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0, 0), -ETIMEDOUT, "it would be over");
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0, 0), (int64_t)(60 * S));
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0 + 61 * S, 0), -ETIMEDOUT, "it came too late");
	cr_expect_eq(stats_of(g).under_way, 1);
	weft_gate_unref(g);
}

/* ---- what is repeated ------------------------------------------------------------------- */

Test(gate, retries__three_and_no_sooner_than_told)
{
	static const weft_gate_outcome busy = { .http_status = 429, .retry_after_ns = 2 * S };
	weft_gate_options o = options();
	weft_gate_pass pass = { 0 };
	uint64_t now = T0;
	weft_gate *g;

	o.concurrency_start = 8;
	g = gate_of(&o);
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(call(g, &pass, &busy, now), WEFT_GATE_RETRY);
		cr_expect_eq(pass.retries, i + 1);
		cr_expect(pass.retry_after_ns >= 2 * S && pass.retry_after_ns <= 3 * S);
		now += pass.retry_after_ns;
	}
	cr_expect_eq(call(g, &pass, &busy, now), WEFT_GATE_FAIL);
	cr_expect_str_eq(pass.why, "the endpoint's limit of requests or tokens");
	cr_expect_eq(pass.retry_after_ns, 2 * S);
	cr_expect_eq(stats_of(g).retries, 3);
	cr_expect_lt(stats_of(g).concurrency, 8);
	weft_gate_unref(g);
}

Test(gate, retries__only_what_is_safe)
{
	static const struct {
		weft_gate_outcome out;
		weft_gate_verdict want;
	} rows[] = {
		{ { .http_status = 503 }, WEFT_GATE_RETRY },
		{ { .http_status = 500 }, WEFT_GATE_FAIL },
		{ { .http_status = 500, .safe_to_repeat = true }, WEFT_GATE_RETRY },
		{ { .http_status = 500, .safe_to_repeat = true, .bytes_delivered = true }, WEFT_GATE_FAIL },
		{ { .http_status = 503, .server_says = WEFT_GATE_SAYS_NO_RETRY }, WEFT_GATE_FAIL },
		{ { .http_status = 400, .server_says = WEFT_GATE_SAYS_RETRY }, WEFT_GATE_RETRY },
		{ { .http_status = 400, .safe_to_repeat = true }, WEFT_GATE_FAIL },
		{ { .http_status = 503, .retry_after_ns = 3600 * S }, WEFT_GATE_FAIL },
		{ { .error = -ECONNREFUSED }, WEFT_GATE_RETRY },
		{ { .error = -ECONNRESET }, WEFT_GATE_FAIL },
		{ { .http_status = 200, .error = -ECONNRESET, .safe_to_repeat = true }, WEFT_GATE_RETRY },
		{ { .http_status = 200, .error = -ECONNRESET, .safe_to_repeat = true, .bytes_delivered = true }, WEFT_GATE_FAIL },
		{ { .error = -ECANCELED, .safe_to_repeat = true }, WEFT_GATE_FAIL },
		{ { .error = -ENOMEM, .safe_to_repeat = true }, WEFT_GATE_FAIL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft_gate *g = gate_of(NULL);

		cr_expect_eq(call(g, &(weft_gate_pass){ 0 }, &rows[i].out, T0), rows[i].want, "row %zu", i);
		cr_expect_eq(stats_of(g).under_way, 0, "row %zu", i);
		weft_gate_unref(g);
	}
}

Test(gate, retries__not_past_the_deadline_nor_into_an_open_breaker)
{
	static const weft_gate_outcome down = { .error = -ECONNREFUSED };
	static const weft_gate_outcome busy = { .http_status = 503, .retry_after_ns = 10 * S };
	weft_gate_options o = options();
	weft_gate_pass pass = { .deadline_ns = T0 + 10 * S };
	weft_gate *g;

	o.breaker_failures = 2;
	g = gate_of(&o);
	cr_expect_eq(call(g, &pass, &busy, T0), WEFT_GATE_FAIL);
	pass = (weft_gate_pass){ 0 };
	cr_expect_eq(call(g, &pass, &down, T0 + 10 * S), WEFT_GATE_FAIL, "that opened it");
	cr_expect_eq(pass.retry_after_ns, 30 * S);
	weft_gate_unref(g);
}

Test(gate, quiet__holds_everybody_back)
{
	static const weft_gate_outcome busy = { .http_status = 429, .retry_after_ns = 5 * S };
	weft_gate *g = gate_of(NULL);
	weft_gate_pass other = { 0 };

	call(g, &(weft_gate_pass){ 0 }, &busy, T0);
	cr_expect_eq(stats_of(g).held_until_ns, T0 + 5 * S);
	cr_expect_eq(weft_gate_enter(g, &other, T0 + S, 0), (int64_t)(4 * S));
	cr_expect_eq(weft_gate_enter(g, &other, T0 + 5 * S, 0), 0);
	weft_gate_unref(g);
}

Test(gate, tokens__are_corrected_when_the_call_is_over)
{
	static const weft_gate_outcome little = { .http_status = 200, .tokens_used = 100 };
	static const weft_gate_outcome none = { .http_status = 503 };
	weft_gate_options o = options();
	weft_gate_pass pass[3] = { 0 };
	weft_gate *g;

	o.tokens_per_minute = 60000;
	o.tokens_burst = 1000;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 1000), 0);
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0, 1000), (int64_t)S);
	weft_gate_leave(g, &pass[0], &little, T0);
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0, 1000), (int64_t)(S / 10));
	cr_expect_eq(weft_gate_enter(g, &pass[1], T0 + S / 10, 1000), 0);
	weft_gate_leave(g, &pass[1], &none, T0 + S / 10);
	cr_expect_eq(weft_gate_enter(g, &pass[2], T0 + S / 10, 1000), 0, "what was turned away used nothing");
	weft_gate_unref(g);
}

/* ---- options ------------------------------------------------------------------------------ */

Test(gate, options__are_checked_and_named)
{
	static const struct {
		const char *name;
		size_t offset;
		uint64_t value;
		bool is64;
	} rows[] = {
		{ "wait_max_ns", offsetof(weft_gate_options, wait_max_ns), UINT64_MAX, true },
		{ "breaker_open_ns", offsetof(weft_gate_options, breaker_open_ns), 86401 * S, true },
		{ "retry_cap_ns", offsetof(weft_gate_options, retry_cap_ns), 86401 * S, true },
		{ "concurrency_max", offsetof(weft_gate_options, concurrency_max), 1048577, false },
		{ "concurrency_min", offsetof(weft_gate_options, concurrency_min), 1025, false },
		{ "concurrency_start", offsetof(weft_gate_options, concurrency_start), 1025, false },
		{ "waiting_max", offsetof(weft_gate_options, waiting_max), 1048577, false },
		{ "breaker_failures", offsetof(weft_gate_options, breaker_failures), 65536, false },
		{ "retries", offsetof(weft_gate_options, retries), 101, false },
		{ "retry_share_percent", offsetof(weft_gate_options, retry_share_percent), 101, false },
		{ "size", offsetof(weft_gate_options, size), 1, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft_gate_options o = options();
		weft_error err = { 0 };
		weft_gate *g = NULL;

		if (rows[i].is64)
			memcpy((char *)&o + rows[i].offset, &rows[i].value, 8);
		else
			memcpy((char *)&o + rows[i].offset, &(uint32_t){ (uint32_t)rows[i].value }, 4);
		cr_expect_eq(weft_gate_create(&o, &g, &err), -EINVAL, "%s", rows[i].name);
		cr_expect_eq(strncmp(err.message, rows[i].name, strlen(rows[i].name)), 0, "%s", err.message);
	}
	cr_expect_eq(weft_gate_create(NULL, NULL, NULL), -EINVAL);
	weft_gate_unref(NULL);
}

Test(gate, pass__cancelled_anywhere_holds_nothing)
{
	weft_gate_options o = options();
	weft_gate_pass pass[3] = { 0 };
	weft_gate *g;

	o.concurrency_max = 2;
	o.requests_per_minute = 60;
	g = gate_of(&o);
	cr_expect_eq(weft_gate_enter(g, &pass[0], T0, 0), 0);  /* under way */
	cr_expect_gt(weft_gate_enter(g, &pass[1], T0, 0), 0); /* in the bucket */
	cr_expect_gt(weft_gate_enter(g, &pass[2], T0, 0), 0); /* in the line */
	for (int twice = 0; twice < 2; twice++) {
		for (int i = 2; i >= 0; i--)
			weft_gate_cancel(g, &pass[i], T0);
	}
	cr_expect_eq(stats_of(g).under_way, 0);
	cr_expect_eq(stats_of(g).waiting, 0);
	weft_gate_unref(g);
}

static uint32_t allocations_left;

static bool test_alloc_fails(void)
{
	return allocations_left-- == 0;
}

Test(gate, no_memory__is_told)
{
	weft_allocator failing = test_failing_allocator();
	weft_error err = { 0 };
	weft_gate *g = NULL;

	cr_assert_eq(weft_allocator_set(&failing), 0);
	for (uint32_t n = 0; n < 2; n++) {
		allocations_left = n;
		cr_expect_eq(weft_gate_create(NULL, &g, &err), -ENOMEM);
		cr_expect_null(g);
	}
	weft_gate_unref(gate_of(NULL));
}
