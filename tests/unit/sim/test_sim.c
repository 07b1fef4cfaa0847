/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the simulated machine itself: a seed decides, and the same seed decides the same; threads start,
 * wait, wake and end; time leaps; a deadlock is told.
 * Method: fibers over runtime/base/thread.h, no runtime.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/runtime.h>
#include <weft/sim.h>

#include "runtime/base/rng.h"
#include "runtime/base/sim.h"
#include "runtime/base/thread.h"

#define SECOND UINT64_C(1000000000)

static void not_stuck(const char *why, void *user)
{
	(void)user;
	cr_assert(false, "stuck: %s", why);
	abort();
}

static void begin(uint64_t seed, uint32_t faults)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;

	opt.seed = seed;
	opt.faults = faults;
	opt.stuck = not_stuck;
	cr_assert_eq(weft_sim_begin(&opt), 0);
}

/* ---- the seed --------------------------------------------------------------- */

static char order[64];
static char letters[] = "abc";

static void *appender(void *letter)
{
	for (int i = 0; i < 4; i++) {
		order[strlen(order)] = *(char *)letter;
		weft__sim_point();
	}
	return NULL;
}

static uint64_t run_letters(uint64_t seed, char *ret_order)
{
	weft__thread t[3];
	uint64_t hash;

	memset(order, 0, sizeof(order));
	begin(seed, 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft__thread_start("letter", appender, &letters[i], &t[i]), 0);
	for (int i = 0; i < 3; i++)
		weft__thread_join(t[i]);
	hash = weft_sim_hash();
	cr_assert_eq(weft_sim_end(), 0);
	memcpy(ret_order, order, sizeof(order));
	return hash;
}

Test(sim, same_seed_same_run)
{
	char first[sizeof(order)], again[sizeof(order)];

	for (uint64_t seed = 0; seed < 50; seed++) {
		uint64_t hash = run_letters(seed, first);

		cr_assert_eq(run_letters(seed, again), hash);
		cr_assert_str_eq(first, again);
		cr_assert_eq(strlen(first), 12);
	}
}

Test(sim, other_seeds_other_runs)
{
	char first[sizeof(order)], other[sizeof(order)];
	int different = 0;

	run_letters(0, first);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		run_letters(seed, other);
		different += strcmp(first, other) != 0;
	}
	cr_assert_geq(different, 15);
}

Test(sim, entropy_follows_the_seed)
{
	uint64_t first;

	begin(7, 0);
	first = weft__entropy();
	cr_assert_eq(weft_sim_end(), 0);
	begin(7, 0);
	cr_assert_eq(weft__entropy(), first);
	cr_assert_eq(weft_sim_end(), 0);
	cr_assert_neq(weft__entropy(), first);
}

/* ---- time -------------------------------------------------------------------- */

Test(sim, sleep_takes_simulated_time)
{
	uint64_t before;

	begin(1, 0);
	before = weft_now_ns();
	cr_assert_eq(weft_sim_sleep(3600 * SECOND), 0);
	cr_assert_geq(weft_now_ns() - before, 3600 * SECOND);
	cr_assert_lt(weft_now_ns() - before, 3601 * SECOND);
	cr_assert_eq(weft_sim_end(), 0);
	cr_assert_eq(weft_sim_sleep(1), -ENOSYS);
}

Test(sim, the_clock_never_goes_back)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		uint64_t last = 0;

		begin(seed, WEFT_SIM_ALL);
		for (int i = 0; i < 1000; i++) {
			uint64_t now = weft_now_ns();

			cr_assert_gt(now, last);
			last = now;
			weft__sim_point();
		}
		cr_assert_eq(weft_sim_end(), 0);
	}
}

/* ---- waiting ------------------------------------------------------------------ */

static _Atomic(uint32_t) word;

static void *waker(void *arg)
{
	(void)arg;
	weft_sim_sleep(1000);
	weft__store_seq_cst(&word, 1u);
	weft__word_wake(&word);
	return NULL;
}

Test(sim, who_waits_is_woken)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		weft__thread t;

		weft__store_seq_cst(&word, 0u);
		begin(seed, WEFT_SIM_EARLY);
		cr_assert_eq(weft__thread_start("waker", waker, NULL, &t), 0);
		while (weft__load_seq_cst(&word) == 0)
			weft__word_wait(&word, 0, UINT64_MAX);
		weft__thread_join(t);
		cr_assert_eq(weft_sim_end(), 0);
	}
}

Test(sim, a_wait_ends_at_its_deadline)
{
	uint64_t deadline;

	weft__store_seq_cst(&word, 0u);
	begin(1, 0);
	deadline = weft_now_ns() + SECOND;
	weft__word_wait(&word, 0, deadline);
	cr_assert_geq(weft_now_ns(), deadline);
	cr_assert_lt(weft_now_ns(), deadline + SECOND / 1000);
	weft__word_wait(&word, 1, UINT64_MAX); /* has another value: no wait at all */
	cr_assert_eq(weft_sim_end(), 0);
}

static void stuck_is_right(const char *why, void *user)
{
	(void)user;
	exit(strcmp(why, "all threads wait for each other") ? 1 : 0);
}

Test(sim, a_lost_wake_up_is_told, .exit_code = 0)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;

	opt.stuck = stuck_is_right;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	weft__word_wait(&word, 0, UINT64_MAX);
	_Exit(2);
}

static void endless_is_right(const char *why, void *user)
{
	(void)user;
	exit(strstr(why, "steps_max") ? 0 : 1);
}

Test(sim, an_endless_spin_is_told, .exit_code = 0)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;

	opt.stuck = endless_is_right;
	opt.steps_max = 1000;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	for (;;)
		weft__cpu_relax();
}

/* ---- threads -------------------------------------------------------------------- */

static _Thread_local uint64_t own;

static void *counts(void *arg)
{
	cr_assert_eq(own, 0, "zeros at first");
	for (int i = 0; i < 10; i++) {
		own++;
		weft__sim_point();
	}
	*(uint64_t *)arg = own;
	return NULL;
}

Test(sim, thread_locals_are_each_threads_own)
{
	uint64_t count[2] = { 0 }, thread[2];

	begin(3, 0);
	own = 100;
	weft_sim_local(&own, sizeof(own));
	weft_sim_local(&own, sizeof(own));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(weft_sim_thread_start(counts, &count[i], &thread[i]), 0);
	cr_assert_eq(weft_sim_end(), -EBUSY);
	for (int i = 0; i < 2; i++)
		weft_sim_thread_join(thread[i]);
	cr_assert_eq(own, 100);
	cr_assert_eq(count[0], 10);
	cr_assert_eq(count[1], 10);
	cr_assert_eq(weft_sim_end(), 0);
}

Test(sim, threads_run_out)
{
	uint64_t thread[64], n = 0, unused;
	int r;

	begin(1, 0);
	while ((r = weft_sim_thread_start(appender, &letters[0], &thread[n])) == 0) {
		n++;
		cr_assert_lt(n, 64);
		memset(order, 0, sizeof(order));
	}
	cr_assert_eq(r, -EAGAIN);
	cr_assert_eq(n, 63);
	weft_sim_thread_join(thread[0]);
	memset(order, 0, sizeof(order));
	cr_assert_eq(weft_sim_thread_start(appender, &letters[0], &thread[0]), 0, "a joined one leaves its place");
	cr_assert_neq(weft_sim_thread_start(appender, &letters[0], &unused), 0);
	for (uint64_t i = 0; i < n; i++) {
		memset(order, 0, sizeof(order));
		weft_sim_thread_join(thread[i]);
	}
	cr_assert_eq(weft_sim_end(), 0);
}

/* ---- faults ------------------------------------------------------------------------ */

Test(sim, memory_runs_out_when_it_may)
{
	uint32_t refused = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		begin(seed, WEFT_SIM_ALLOC);
		for (int i = 0; i < 3000; i++) {
			void *p = weft_malloc(8);

			refused += !p;
			weft_free(p);
		}
		cr_assert_eq(weft_sim_faults(0), WEFT_SIM_ALLOC);
		for (int i = 0; i < 3000; i++) {
			void *p = weft_calloc(1, 8);

			cr_assert_not_null(p);
			weft_free(p);
		}
		cr_assert_eq(weft_sim_end(), 0);
	}
	cr_assert_gt(refused, 10);
	cr_assert_lt(refused, 6000);
}

/* ---- bad use -------------------------------------------------------------------------- */

Test(sim, bad_use)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	uint64_t thread;

	cr_assert_eq(weft_sim_begin(NULL), -EINVAL);
	cr_assert_eq(weft_sim_begin(&opt), -EINVAL, "stuck is required");
	cr_assert_eq(weft_sim_end(), -EINVAL);
	cr_assert_eq(weft_sim_thread_start(appender, NULL, &thread), -ENOSYS);
	cr_assert_not(weft_sim_is_on());
	cr_assert_eq(weft_sim_hash(), 0);
	cr_assert_eq(weft_sim_choose(10), 0);
	begin(1, 0);
	cr_assert(weft_sim_is_on());
	opt.stuck = not_stuck;
	cr_assert_eq(weft_sim_begin(&opt), -EBUSY);
	cr_assert_eq(weft_sim_thread_start(NULL, NULL, &thread), -EINVAL);
	cr_assert_eq(weft_sim_end(), 0);
	cr_assert_eq(weft_sim_end(), -EINVAL);
}
