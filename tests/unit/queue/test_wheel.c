/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the timing wheel runs every timer, in order, never early and never later than the
 * first advance that may run it, whatever is added and cancelled when.
 * Method: named cases, then random operations beside a model that is a plain array.
 * A failure prints its seed; WEFT_SEED replays it.
 */
#include "runtime/queue/wheel.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/seed.h"

#define TICK WEFT__WHEEL_TICK_NS

static struct weft__wheel wheel;
static struct weft__timer *ran[64];
static uint64_t ran_count;

static void note(struct weft__timer *timer, void *user)
{
	(void)user;
	cr_assert_not(weft__timer_is_armed(timer));
	if (ran_count < 64)
		ran[ran_count] = timer;
	ran_count++;
}

static uint64_t advance(uint64_t now_ns)
{
	ran_count = 0;
	return weft__wheel_advance(&wheel, now_ns, UINT64_MAX, note, NULL);
}

Test(wheel, next__is_never_when_empty)
{
	weft__wheel_init(&wheel, 12345);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 12345), UINT64_MAX);
	cr_expect_eq(advance(UINT64_MAX / 2), 0);
	cr_expect_eq(weft__wheel_next_ns(&wheel, UINT64_MAX / 2), UINT64_MAX);
}

Test(wheel, advance__is_never_early)
{
	struct weft__timer t = { 0 };

	weft__wheel_init(&wheel, 0);
	weft__wheel_add(&wheel, &t, 10 * TICK + 1); /* between two ticks */
	cr_expect(weft__timer_is_armed(&t));
	cr_expect_eq(advance(10 * TICK), 0);
	cr_expect_eq(advance(10 * TICK + 2), 0, "its tick is not over");
	cr_expect_eq(advance(11 * TICK - 1), 0);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 11 * TICK - 1), 1);
	cr_expect_eq(advance(11 * TICK), 1);
	cr_expect_eq(ran[0], &t);
	cr_expect_not(weft__timer_is_armed(&t));
	cr_expect_eq(advance(12 * TICK), 0);
}

Test(wheel, advance__runs_on_the_tick_itself)
{
	struct weft__timer t = { 0 };

	weft__wheel_init(&wheel, 0);
	weft__wheel_add(&wheel, &t, 10 * TICK);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 0), 10 * TICK);
	cr_expect_eq(advance(10 * TICK), 1);
}

Test(wheel, add__in_the_past_runs_at_once)
{
	struct weft__timer t[2] = { 0 };

	weft__wheel_init(&wheel, 1000 * TICK);
	weft__wheel_add(&wheel, &t[0], 0);
	weft__wheel_add(&wheel, &t[1], 1000 * TICK);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 1000 * TICK), 0);
	cr_expect_eq(advance(1000 * TICK), 2);
}

Test(wheel, advance__keeps_the_order_of_ticks_and_of_adding)
{
	static const uint64_t due[] = { 5000, 3, 70, 3, 300000, 70, 64, 63, 4096, 3 };
	static const int order[] = { 1, 3, 9, 7, 6, 2, 5, 8, 0, 4 };
	struct weft__timer t[10] = { 0 };

	weft__wheel_init(&wheel, 0);
	for (int i = 0; i < 10; i++)
		weft__wheel_add(&wheel, &t[i], due[i] * TICK);
	cr_expect_eq(advance(400000 * TICK), 10);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(ran[i], &t[order[i]], "place %d", i);
}

Test(wheel, cancel__takes_out_and_is_idle_safe)
{
	struct weft__timer t[3] = { 0 };

	weft__wheel_init(&wheel, 0);
	weft__wheel_cancel(&wheel, &t[0]);
	for (int i = 0; i < 3; i++)
		weft__wheel_add(&wheel, &t[i], 100 * TICK);
	weft__wheel_cancel(&wheel, &t[1]);
	weft__wheel_cancel(&wheel, &t[1]);
	cr_expect_eq(wheel.armed, 2);
	cr_expect_eq(advance(100 * TICK), 2);
	cr_expect_eq(ran[0], &t[0]);
	cr_expect_eq(ran[1], &t[2]);
	weft__wheel_add(&wheel, &t[0], 5000 * TICK);
	weft__wheel_cancel(&wheel, &t[0]);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 0), UINT64_MAX, "the slot's bit is cleared");
	cr_expect_eq(wheel.armed, 0);
}

/* Every level's first and last slot, and around each boundary. */
Test(wheel, every_level_and_boundary)
{
	static const int64_t around[] = { -1, 0, 1 };

	for (int bits = 0; bits <= 40; bits++) {
		for (size_t a = 0; a < 3; a++) {
			struct weft__timer t = { 0 };
			uint64_t start = 777 * TICK;
			uint64_t due = start + (uint64_t)(((int64_t)1 << bits) + around[a]) * TICK;

			weft__wheel_init(&wheel, start);
			weft__wheel_add(&wheel, &t, due);
			cr_expect_leq(weft__wheel_next_ns(&wheel, start), due - start, "bits %d", bits);
			if (due > start)
				cr_expect_eq(advance(due - 1), 0, "bits %d", bits);
			cr_expect_eq(advance(due), 1, "bits %d", bits);
		}
	}
}

Test(wheel, far_timers_come_back)
{
	struct weft__timer near_one = { 0 }, far_one = { 0 }, farther = { 0 };
	uint64_t lap = (UINT64_C(1) << 36) * TICK; /* what six levels span */

	weft__wheel_init(&wheel, lap - 3 * TICK); /* three ticks before the levels turn over */
	weft__wheel_add(&wheel, &near_one, lap + TICK);
	weft__wheel_add(&wheel, &far_one, lap + 1000 * TICK);
	weft__wheel_add(&wheel, &farther, 3 * lap + 5 * TICK);
	cr_expect_eq(weft__wheel_next_ns(&wheel, lap - 3 * TICK), 3 * TICK);
	cr_expect_eq(advance(lap), 0);
	cr_expect_eq(advance(lap + TICK), 1);
	cr_expect_eq(advance(lap + 1000 * TICK), 1);
	cr_expect_eq(advance(3 * lap), 0);
	weft__wheel_cancel(&wheel, &farther);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 3 * lap), UINT64_MAX);
	weft__wheel_add(&wheel, &farther, UINT64_MAX);
	cr_expect_eq(advance(UINT64_MAX / 2), 0, "the end of time is far");
	weft__wheel_cancel(&wheel, &farther);
	cr_expect_eq(wheel.armed, 0);
}

Test(wheel, advance__back_in_time_does_nothing)
{
	struct weft__timer t = { 0 };

	weft__wheel_init(&wheel, 100 * TICK);
	weft__wheel_add(&wheel, &t, 100 * TICK);
	cr_expect_eq(advance(50 * TICK), 0);
	cr_expect_eq(advance(100 * TICK), 1);
}

/* ---- from inside fn ----------------------------------------------------------- */

static struct weft__timer pair[2];
static int periodic_count;

static void cancel_the_other(struct weft__timer *timer, void *user)
{
	(void)user;
	ran_count++;
	weft__wheel_cancel(&wheel, timer == &pair[0] ? &pair[1] : &pair[0]);
}

static void add_again_now(struct weft__timer *timer, void *user)
{
	(void)user;
	periodic_count++;
	weft__wheel_add(&wheel, timer, 0);
}

Test(wheel, fn__may_cancel_what_is_due_in_the_same_tick)
{
	memset(pair, 0, sizeof(pair));
	ran_count = 0;
	weft__wheel_init(&wheel, 0);
	weft__wheel_add(&wheel, &pair[0], 7 * TICK);
	weft__wheel_add(&wheel, &pair[1], 7 * TICK);
	cr_expect_eq(weft__wheel_advance(&wheel, 9 * TICK, UINT64_MAX, cancel_the_other, NULL), 1);
	cr_expect_eq(ran_count, 1);
	cr_expect_eq(wheel.armed, 0);
}

Test(wheel, fn__that_adds_for_now_does_not_spin, .timeout = 120)
{
	struct weft__timer t = { 0 };

	weft__wheel_init(&wheel, 0);
	weft__wheel_add(&wheel, &t, TICK);
	cr_expect_eq(weft__wheel_advance(&wheel, 10 * TICK, UINT64_MAX, add_again_now, NULL), 10, "once a tick");
	cr_expect(weft__timer_is_armed(&t));
	cr_expect_eq(weft__wheel_next_ns(&wheel, 10 * TICK), TICK);
	cr_expect_eq(periodic_count, 10);
}

/* ---- beside a model -------------------------------------------------------------- */

#define MODEL_TIMERS 400

struct model {
	struct weft__timer timer;
	uint64_t due_ns, order; /* order of adding */
	bool armed;
};

static struct model model[MODEL_TIMERS];
static uint64_t model_now, model_from, model_order, last_tick, last_order;

static uint64_t tick_of(const struct model *m)
{
	return m->timer.due_tick;
}

static void check_run(struct weft__timer *timer, void *user)
{
	struct model *m = (struct model *)timer;
	uint64_t *state = user;

	cr_assert(m->armed, "ran one that was not armed");
	cr_assert_leq(m->due_ns, model_now, "early");
	cr_assert_geq(tick_of(m), last_tick, "out of order");
	cr_assert(tick_of(m) > last_tick || m->order > last_order, "one tick, out of order");
	last_tick = tick_of(m);
	last_order = m->order;
	m->armed = false;
	if (test_below(state, 4) == 0) { /* some arm themselves again, some take another out */
		m->due_ns = model_now + test_random(state) % (200 * TICK);
		m->order = ++model_order;
		m->armed = true;
		weft__wheel_add(&wheel, timer, m->due_ns);
	} else if (test_below(state, 4) == 0) {
		struct model *other = &model[test_below(state, MODEL_TIMERS)];

		weft__wheel_cancel(&wheel, &other->timer);
		other->armed = false;
	}
}

/* Nothing that an advance to model_now had to run is still armed; next is early enough. */
static void check_state(void)
{
	uint64_t boundary = model_now / TICK * TICK;
	uint64_t first = UINT64_MAX, armed = 0, next;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		cr_assert_eq(model[i].armed, weft__timer_is_armed(&model[i].timer));
		if (!model[i].armed)
			continue;
		armed++;
		cr_assert(model[i].due_ns > boundary || tick_of(&model[i]) * TICK > boundary, "late");
		if (tick_of(&model[i]) * TICK < first)
			first = tick_of(&model[i]) * TICK;
	}
	cr_assert_eq(wheel.armed, armed);
	next = weft__wheel_next_ns(&wheel, model_now);
	cr_assert_eq(next == UINT64_MAX, armed == 0);
	if (armed)
		cr_assert_leq(next, first - model_now, "the caller would sleep too long");
}

/* A distance of any size: as many bits as the dice say. */
static uint64_t any_distance(uint64_t *state)
{
	return test_random(state) >> (4 + test_below(state, 50));
}

static void random_step(uint64_t *state)
{
	struct model *m = &model[test_below(state, MODEL_TIMERS)];
	uint32_t dice = test_below(state, 10);

	if (dice < 6 && !m->armed) {
		m->due_ns = model_now + any_distance(state) / 2;
		if (test_below(state, 20) == 0)
			m->due_ns = model_now - model_now % (3 * TICK); /* past */
		m->order = ++model_order;
		m->armed = true;
		weft__wheel_add(&wheel, &m->timer, m->due_ns);
	} else if (dice < 8) {
		weft__wheel_cancel(&wheel, &m->timer);
		m->armed = false;
	} else {
		uint64_t step = any_distance(state) >> 12;
		uint64_t next = weft__wheel_next_ns(&wheel, model_now);

		/* half the time exactly when the wheel asks for it */
		model_now += test_below(state, 2) && next < UINT64_MAX / 4 ? next : step;
		last_tick = 0;
		last_order = 0;
		weft__wheel_advance(&wheel, model_now, UINT64_MAX, check_run, state);
		check_state();
	}
}

Test(wheel, random_operations_match_a_model, .timeout = 120)
{
	uint64_t state = test_seed("wheel");

	for (int round = 0; round < 40; round++) {
		memset(model, 0, sizeof(model));
		model_now = model_from = any_distance(&state) / 4;
		model_order = 0;
		weft__wheel_init(&wheel, model_from);
		for (int i = 0; i < 3000; i++)
			random_step(&state);
		for (int i = 0; i < MODEL_TIMERS; i++) {
			weft__wheel_cancel(&wheel, &model[i].timer);
			model[i].armed = false;
		}
		check_state();
	}
}

/* Sleeping exactly as long as next_ns says, a timer runs within one tick of its time. */
Test(wheel, sleeping_by_next_is_punctual)
{
	uint64_t state = test_seed("wheel punctual");

	for (int round = 0; round < 2000; round++) {
		struct weft__timer t = { 0 };
		uint64_t now = test_random(&state) >> 20;
		uint64_t due = now + any_distance(&state) / 8;
		int sleeps = 0;

		weft__wheel_init(&wheel, now);
		weft__wheel_add(&wheel, &t, due);
		while (weft__timer_is_armed(&t)) {
			uint64_t in_ns = weft__wheel_next_ns(&wheel, now);

			cr_assert_neq(in_ns, UINT64_MAX);
			now += in_ns;
			advance(now);
			/* one a level, and one a turn of the far list */
			cr_assert_lt(sleeps++, 8 + (int)(due >> 52), "round %d", round);
		}
		cr_assert_geq(now, due);
		cr_assert_lt(now - due, TICK);
	}
}

/* ---- the limit of one advance -------------------------------------------------------------- */

#define CROWD 1000u

static struct weft__timer crowd[CROWD];
static uint32_t crowd_order; /* of the last that ran */

static void note_crowd(struct weft__timer *timer, void *user)
{
	(void)user;
	cr_assert_eq((uint32_t)(timer - crowd), crowd_order);
	crowd_order++;
}

/* All in one slot of level 1: filed again, then run, a hundred at a time, and in their order. */
Test(wheel, limit__stops_and_goes_on)
{
	uint64_t ran_all = 0, calls = 0;

	weft__wheel_init(&wheel, 0);
	memset(crowd, 0, sizeof(crowd));
	crowd_order = 0;
	for (uint32_t i = 0; i < CROWD; i++)
		weft__wheel_add(&wheel, &crowd[i], 100 * TICK);
	while (ran_all < CROWD) {
		uint64_t n = weft__wheel_advance(&wheel, 100 * TICK, 100, note_crowd, NULL);

		cr_assert_leq(n, 100);
		ran_all += n;
		cr_assert_lt(++calls, 40);
		if (ran_all < CROWD)
			cr_assert_eq(weft__wheel_next_ns(&wheel, 100 * TICK), 0, "there is more to do");
	}
	cr_expect_geq(calls, 2 * CROWD / 100, "each was filed, then run");
	cr_expect_eq(weft__wheel_next_ns(&wheel, 100 * TICK), UINT64_MAX);
}

/* What is left over can be cancelled, and something new be added meanwhile. */
Test(wheel, limit__cancel_and_add_between_two_calls)
{
	static struct weft__timer late;

	weft__wheel_init(&wheel, 0);
	memset(crowd, 0, sizeof(crowd));
	memset(&late, 0, sizeof(late));
	for (uint32_t i = 0; i < CROWD; i++)
		weft__wheel_add(&wheel, &crowd[i], 100 * TICK);
	ran_count = 0;
	for (uint32_t i = 0; i < 15; i++) /* the crowd is filed, and the first ones have run */
		weft__wheel_advance(&wheel, 100 * TICK, 100, note, NULL);
	cr_assert_gt(ran_count, 0);
	cr_assert_lt(ran_count, CROWD);
	weft__wheel_add(&wheel, &late, TICK); /* long due */
	for (uint32_t i = 0; i < CROWD; i++)
		weft__wheel_cancel(&wheel, &crowd[i]);
	ran_count = 0;
	cr_expect_eq(weft__wheel_advance(&wheel, 101 * TICK, UINT64_MAX, note, NULL), 1);
	cr_expect_eq(ran[0], &late);
	cr_expect_eq(weft__wheel_next_ns(&wheel, 101 * TICK), UINT64_MAX);
}
