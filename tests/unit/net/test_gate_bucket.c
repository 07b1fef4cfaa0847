/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/bucket. Goal: in no stretch of time goes more than the burst and what flows in meanwhile, whatever is given up;
 * what came back is there for others, at once for those who wait. Method: tables, then random takers who come, wait,
 * give up and go, and every pair of goings is checked as the two ends of a window.
 */
#include "net/gate/bucket.h"

#include <criterion/criterion.h>

#include "tests/support/seed.h"

#define S UINT64_C(1000000000)
#define T0 (1000 * S)
#define NEVER UINT64_MAX
#define ROUNDS 200u
#define TAKERS 400u

static struct weft__bucket b;

static uint64_t take(uint64_t now, uint32_t units, struct weft_gate_booking *booking)
{
	return weft__bucket_take(&b, now, NEVER, units, booking) - now;
}

Test(gate_bucket, burst__then_one_after_the_other)
{
	struct weft_gate_booking k;

	weft__bucket_init(&b, 60, 3);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(take(T0, 1, &k), 0);
	cr_expect_eq(take(T0, 1, &k), S);
	cr_expect_eq(take(T0, 2, &k), 3 * S);
	cr_expect_eq(take(T0 + 3 * S, 1, &k), S);
	cr_expect_eq(take(T0 + 1000 * S, 4, &k), 0, "more than the burst goes when it is full");
	cr_expect_eq(take(T0 + 1000 * S, 1, &k), 2 * S, "and is paid off afterwards");
}

Test(gate_bucket, too_late__changes_nothing)
{
	struct weft_gate_booking k;

	weft__bucket_init(&b, 60, 1);
	cr_expect_eq(take(T0, 1, &k), 0);
	cr_expect_eq(weft__bucket_take(&b, T0, T0 + S - 1, 1, &k), T0 + S);
	cr_expect_eq(take(T0, 1, &k), S);
}

Test(gate_bucket, nothing_and_much_are_numbers_too)
{
	struct weft_gate_booking k;

	weft__bucket_init(&b, UINT32_MAX, UINT32_MAX);
	cr_expect_eq(take(0, 0, &k), 0);
	cr_expect_eq(take(0, UINT32_MAX, &k), 0);
	weft__bucket_init(&b, 1, 1);
	cr_expect_eq(take(T0, UINT32_MAX, &k), 0, "when it is full");
	cr_expect_gt(take(T0, 1, &k), UINT64_C(1) << 59, "and then for a long time not");
	weft__bucket_give_up(&b, &k);
}

Test(gate_bucket, given_up__the_last_is_there_again_one_before_is_lost)
{
	struct weft_gate_booking first, second, third;

	weft__bucket_init(&b, 60, 1);
	take(T0, 1, &first);
	cr_expect_eq(take(T0, 1, &second), S);
	weft__bucket_give_up(&b, &second);
	cr_expect_eq(take(T0, 1, &second), S);
	cr_expect_eq(take(T0, 1, &third), 2 * S);
	weft__bucket_give_up(&b, &second);
	cr_expect_eq(weft__bucket_due(&b, &third), T0 + 2 * S, "it was told so");
	cr_expect_eq(take(T0, 1, &first), 3 * S);
}

Test(gate_bucket, used_less__moves_those_who_wait)
{
	struct weft_gate_booking first, second, third;

	weft__bucket_init(&b, 60, 10);
	cr_expect_eq(take(T0, 20, &first), 0);
	cr_expect_eq(take(T0, 1, &second), 11 * S);
	cr_expect_eq(take(T0, 1, &third), 12 * S);
	weft__bucket_used(&b, T0 + S, &first, 12);
	cr_expect_eq(weft__bucket_due(&b, &second), T0 + 3 * S);
	cr_expect_eq(weft__bucket_due(&b, &third), T0 + 4 * S);
	cr_expect_eq(take(T0 + S, 1, &first), 4 * S, "and so do those who come now");
	weft__bucket_used(&b, T0 + S, &second, 3);
	cr_expect_eq(weft__bucket_due(&b, &third), T0 + 4 * S, "more than estimated is paid by who comes later");
	cr_expect_eq(take(T0 + S, 1, &first), 7 * S);
}

/* ---- the law ---------------------------------------------------------------------------- */

struct going {
	uint64_t at, cost;
};

static struct going goings[TAKERS];
static uint32_t gone;

static void went(uint64_t at, uint64_t cost)
{
	uint32_t i = gone++;

	for (; i && goings[i - 1].at > at; i--)
		goings[i] = goings[i - 1];
	goings[i] = (struct going){ at, cost };
}

/* From each going to each later one, both included; costs are in the time that they take to flow in. */
static void check_windows(uint64_t burst_ns, uint64_t seed, uint32_t round)
{
	for (uint32_t i = 0; i < gone; i++) {
		uint64_t sum = 0;

		for (uint32_t j = i; j < gone; j++) {
			sum += goings[j].cost;
			cr_assert_leq(sum, burst_ns + (goings[j].at - goings[i].at), "seed %" PRIu64 " round %u: %u to %u",
			              seed, round, i, j);
		}
	}
}

/* Takers that give up while they wait, in any order: the rate holds at the times that were promised. */
static void play(uint64_t seed, uint32_t round, uint64_t *state)
{
	uint32_t burst = 1 + test_below(state, 20), largest = 1 + test_below(state, burst), waiting = 0;
	uint64_t now = T0;
	struct weft_gate_booking wait[TAKERS];

	weft__bucket_init(&b, 600, burst);
	gone = 0;
	for (uint32_t i = 0; i < TAKERS; i++) {
		struct weft_gate_booking k;
		uint64_t due = weft__bucket_take(&b, now, now + 5 * S, 1 + test_below(state, largest), &k);

		if (due <= now) {
			went(now, k.cost_ns);
		} else if (due <= now + 5 * S) {
			wait[waiting++] = k;
		}
		now += test_below(state, 2) ? 0 : test_below(state, 400) * (S / 1000);
		for (uint32_t w = 0; w < waiting;) {
			bool gives_up = test_below(state, 8) == 0;

			due = weft__bucket_due(&b, &wait[w]);
			if (due <= now)
				went(due, wait[w].cost_ns);
			else if (gives_up)
				weft__bucket_give_up(&b, &wait[w]);
			if (due <= now || gives_up)
				wait[w] = wait[--waiting];
			else
				w++;
		}
	}
	check_windows(b.burst_ns, seed, round);
}

Test(gate_bucket, windows__never_more_than_burst_and_flow)
{
	uint64_t seed = test_seed("gate bucket"), state = seed;

	for (uint32_t round = 0; round < ROUNDS; round++)
		play(seed, round, &state);
}

/* With returns: what went, less what came back, is within the burst and the flow since the beginning. */
Test(gate_bucket, returns__the_sum_holds)
{
	uint64_t seed = test_seed("gate bucket, returns"), state = seed;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t burst = 1 + test_below(&state, 50);
		uint64_t now = T0, net = 0;

		weft__bucket_init(&b, 600, burst);
		for (uint32_t i = 0; i < TAKERS; i++) {
			struct weft_gate_booking k;
			uint32_t units = 1 + test_below(&state, burst), used = test_below(&state, units + 1);
			uint64_t due = weft__bucket_take(&b, now, NEVER, units, &k);

			now = due > now ? due : now;
			cr_assert_leq(net + k.cost_ns, b.burst_ns + (now - T0), "seed %" PRIu64 " round %u", seed, round);
			weft__bucket_used(&b, now, &k, used);
			net += (uint64_t)used * (S / 10);
		}
	}
}
