/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gate, many threads, an endpoint that fails in every way. Goal: never more calls under way than the ceiling, each
 * call ends, the rate holds over the whole, retries stay within their share, the breaker tries with one call at a time,
 * and in the end nothing is taken. Method: a clock that all threads push on together, so that a minute passes in a
 * moment; random calls, outcomes, and callers who give up anywhere.
 */
#include <weft/gate.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/atomic.h"
#include "tests/support/seed.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define T0 (1000 * S)
#define THREADS 4u
#define CALLS 40000u
#define PASSES 16u /* of a thread, beside each other */
#define CEILING 12u

static weft_gate *gate;
static _Atomic(uint64_t) now_ns;
static _Atomic(uint32_t) under_way, most;
static _Atomic(uint64_t) went, retried, firsts, refused, canceled;

struct caller {
	weft_gate_pass pass;
	enum { IDLE, ASKS, CALLS_NOW, RESTS } state;
	uint64_t until; /* RESTS, and IDLE after a refusal */
};

static const weft_gate_outcome outcomes[] = {
	{ .http_status = 200, .tokens_used = 40 }, { .http_status = 200, .tokens_used = 90 },
	{ .http_status = 200, .tokens_used = 140 }, { .http_status = 200 },
	{ .http_status = 429, .retry_after_ns = 20 * MS }, { .http_status = 503 },
	{ .http_status = 500, .safe_to_repeat = true }, { .http_status = 400 },
	{ .error = -ECONNRESET, .safe_to_repeat = true }, { .error = -ECONNRESET, .bytes_delivered = true },
	{ .error = -ETIMEDOUT }, { .error = -ECONNREFUSED },
};

static uint64_t now(void)
{
	return weft__load_acquire(&now_ns);
}

static void goes(struct caller *c)
{
	uint32_t n = weft__fetch_add_acq_rel(&under_way, 1u) + 1;
	uint32_t seen = weft__load_relaxed(&most);

	while (n > seen && !weft__cas_weak_acq_rel(&most, &seen, n))
		;
	weft__fetch_add_relaxed(&went, UINT64_C(1));
	c->state = CALLS_NOW;
}

static void asks(struct caller *c)
{
	int64_t wait = weft_gate_enter(gate, &c->pass, now(), 100);

	if (wait == 0) {
		goes(c);
	} else if (wait > 0) {
		c->state = RESTS;
		c->until = now() + (uint64_t)wait;
	} else {
		cr_assert(wait == WEFT_EBREAKER || wait == WEFT_EOVERLOAD || wait == -ETIMEDOUT, "%" PRId64, wait);
		cr_assert_not_null(c->pass.why);
		weft__fetch_add_relaxed(&refused, UINT64_C(1));
		c->state = IDLE;
		c->until = now() + 100 * MS;
	}
}

static void comes_back(struct caller *c, uint64_t *state)
{
	bool troubled = now() / (2 * S) % 4 == 3; /* two of eight seconds the endpoint is as good as dead */
	const weft_gate_outcome *out = &outcomes[troubled ? 4 + test_below(state, 8) : test_below(state, 40) ? test_below(state, 4) : test_below(state, 12)];

	weft__fetch_sub_acq_rel(&under_way, 1u); /* before the gate knows */
	if (c->pass.retries == 0)
		weft__fetch_add_relaxed(&firsts, UINT64_C(1));
	c->state = IDLE;
	if (weft_gate_leave(gate, &c->pass, out, now()) != WEFT_GATE_RETRY)
		return;
	cr_assert(!out->bytes_delivered);
	weft__fetch_add_relaxed(&retried, UINT64_C(1));
	c->state = RESTS;
	c->until = now() + c->pass.retry_after_ns;
}

static void gives_up(struct caller *c)
{
	if (c->state == CALLS_NOW)
		weft__fetch_sub_acq_rel(&under_way, 1u);
	weft_gate_cancel(gate, &c->pass, now());
	weft__fetch_add_relaxed(&canceled, UINT64_C(1));
	c->state = IDLE;
}

static void step(struct caller *c, uint64_t *state)
{
	if (c->state == IDLE && now() >= c->until) {
		c->pass = (weft_gate_pass){ .deadline_ns = test_below(state, 3) ? 0 : now() + test_below(state, 3000) * MS };
		c->state = ASKS;
	} else if (c->state != IDLE && test_below(state, 200) == 0) {
		gives_up(c);
	} else if (c->state == ASKS || (c->state == RESTS && now() >= c->until)) {
		asks(c);
	} else if (c->state == CALLS_NOW && test_below(state, 4) == 0) {
		comes_back(c, state);
	}
}

static void *run(void *seed)
{
	uint64_t state = *(uint64_t *)seed;
	struct caller callers[PASSES] = { 0 };

	while (weft__load_relaxed(&went) < CALLS) {
		step(&callers[test_below(&state, PASSES)], &state);
		weft__fetch_add_acq_rel(&now_ns, test_below(&state, 2) * MS / 2);
	}
	for (uint32_t i = 0; i < PASSES; i++) {
		if (callers[i].state != IDLE)
			gives_up(&callers[i]);
	}
	return NULL;
}

static void check(const weft_gate_options *opt)
{
	weft_gate_stats s = { .size = sizeof(s) };
	uint64_t minutes_ns = now() - T0;

	cr_assert_eq(weft_gate_stats_read(gate, &s), 0);
	printf("%" PRIu64 " went, %" PRIu64 " retried, %" PRIu64 " refused, %" PRIu64 " canceled in %" PRIu64 " s; opened %" PRIu64 ", cut %" PRIu64 "\n", went, retried, refused,
	       canceled, minutes_ns / S, s.breaker_opened, s.cuts);
	cr_expect_eq(s.under_way, 0);
	cr_expect_eq(s.waiting, 0);
	cr_expect_leq(weft__load_relaxed(&most), CEILING);
	cr_expect_gt(weft__load_relaxed(&most), CEILING / 3, "or the test tests little");
	cr_expect_leq(went * 60 * S, minutes_ns * opt->requests_per_minute + opt->requests_burst * 60 * S);
	cr_expect_eq(s.retries, retried);
	cr_expect_leq(retried * 100, firsts * opt->retry_share_percent + 1000);
	cr_expect_gt(s.breaker_opened, 0);
	cr_expect_gt(s.cuts, 0);
	cr_expect_neq(s.breaker, WEFT_BREAKER_HALF_OPEN, "nobody tries any more");
	cr_expect_leq(s.refused_breaker + s.refused_overload + s.refused_deadline, refused);
}

Test(stress_gate, a_flaky_endpoint)
{
	weft_gate_options opt = WEFT_GATE_OPTIONS_INIT;
	uint64_t seed = test_seed("stress gate"), seeds[THREADS];
	pthread_t threads[THREADS];

	opt.requests_per_minute = 6000;
	opt.requests_burst = 20;
	opt.tokens_per_minute = 600000;
	opt.concurrency_min = 2;
	opt.concurrency_start = 4;
	opt.concurrency_max = CEILING;
	opt.waiting_max = 40;
	opt.wait_max_ns = 5 * S;
	opt.breaker_open_ns = S / 2;
	opt.retry_share_percent = 20;
	opt.retry_first_ns = 50 * MS;
	opt.seed = seed;
	weft__store_relaxed(&now_ns, T0);
	cr_assert_eq(weft_gate_create(&opt, &gate, NULL), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		seeds[i] = seed + i;
		cr_assert_eq(pthread_create(&threads[i], NULL, run, &seeds[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check(&opt);
	weft_gate_unref(gate);
}
