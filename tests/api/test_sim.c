/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a host simulates its own actors with the calls it always makes: same seed, same run; hours pass in
 * no time; what waits for ever is told; memory that runs out is an error, not an end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/actors.h"

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

/* ---- the same again ------------------------------------------------------------------ */

static int noting_echo(weft_actor *self, weft_msg *msg)
{
	weft_sim_note(weft_actor_ref(self).id & 0xff);
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
}

static const weft_actor_class noting = { .size = sizeof(noting), .name = "noting", .behaviour = noting_echo };

static uint64_t run_once(uint64_t seed)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;
	uint64_t hash;

	begin(seed, 0);
	opt.workers = 3;
	rt = test_runtime_with(&opt);
	cr_assert_str_eq(weft_runtime_io_name(rt), "sim");
	for (int i = 0; i < 20; i++) {
		weft_ref ref = test_spawn(rt, &noting, NULL);

		cr_assert_eq(test_ask_kind(rt, ref, TEST_ECHO), TEST_ECHO);
		cr_assert_eq(weft_actor_stop(ref), 0);
	}
	test_runtime_end(rt);
	hash = weft_sim_hash();
	cr_assert_eq(weft_sim_end(), 0);
	return hash;
}

Test(sim, the_same_seed_is_the_same_run)
{
	uint64_t first = run_once(1);
	int others = 0;

	for (int i = 0; i < 3; i++)
		cr_assert_eq(run_once(1), first);
	for (uint64_t seed = 2; seed < 12; seed++)
		others += run_once(seed) != first;
	cr_assert_eq(others, 10);
}

/* What is measured and recorded is part of the run: the clock is the simulation's. */
struct figures {
	weft_stats stats;
	uint64_t quantile_ns[2][5];
	weft_flight_event events[4096];
	int event_count;
};

static void figures_read(weft_runtime *rt, struct figures *f)
{
	weft_histogram *h = NULL;

	f->stats = (weft_stats)WEFT_STATS_INIT;
	cr_assert_eq(weft_stats_read(rt, WEFT_LANE_ALL, &f->stats), 0);
	cr_assert_eq(weft_histogram_create(&h), 0);
	for (uint32_t kind = 0; kind < 2; kind++) {
		weft_histogram_reset(h);
		cr_assert_eq(weft_stats_histogram(rt, WEFT_LANE_ALL, kind, h), 0);
		cr_assert(weft_histogram_count(h) > 0);
		for (int i = 0; i < 5; i++)
			f->quantile_ns[kind][i] = weft_histogram_quantile(h, i / 4.0);
	}
	weft_histogram_destroy(h);
	f->event_count = weft_flight_read(rt, WEFT_LANE_ALL, f->events, 4096);
	cr_assert_gt(f->event_count, 100);
	for (int i = 0; i < f->event_count; i++)
		f->events[i].actor.id = 0; /* no two runtimes of a process give the same ids */
}

static void run_and_read(uint64_t seed, struct figures *f)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;

	begin(seed, 0);
	opt.workers = 2;
	opt.trace = 1;
	rt = test_runtime_with(&opt);
	for (int i = 0; i < 300; i++) {
		weft_ref ref = test_spawn(rt, &noting, NULL);

		cr_assert_eq(test_ask_kind(rt, ref, TEST_ECHO), TEST_ECHO);
		cr_assert_eq(weft_actor_stop(ref), 0);
	}
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	figures_read(rt, f);
	weft_runtime_destroy(rt);
	cr_assert_eq(weft_sim_end(), 0);
}

Test(sim, the_same_seed_is_the_same_figures)
{
	static struct figures first, again, other;

	run_and_read(3, &first);
	run_and_read(3, &again);
	run_and_read(4, &other);
	cr_assert_eq(memcmp(&first, &again, sizeof(first)), 0);
	cr_assert_neq(memcmp(&first, &other, sizeof(first)), 0);
}

Test(sim, machine_and_simulation_take_turns)
{
	weft_runtime *rt = test_runtime(2);

	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &noting, NULL), TEST_ECHO), TEST_ECHO);
	test_runtime_end(rt);
	run_once(1);
	rt = test_runtime(2);
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &noting, NULL), TEST_ECHO), TEST_ECHO);
	test_runtime_end(rt);
}

static int ask(weft_runtime *rt, const weft_actor_class *cls, weft_future *f)
{
	return weft_request(test_spawn(rt, cls, NULL), weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(f));
}

/* ---- time ------------------------------------------------------------------------------ */

/* Answers a request a week later. */
static int patient_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_msg **kept = weft_actor_state(self);

	if (weft_msg_kind(msg) == WEFT_KIND_TIMER)
		return weft_reply(*kept, *kept);
	weft_msg_keep(self, msg);
	*kept = msg;
	return weft_timer_start(self, 7 * 24 * 3600 * TEST_SECOND, 0, NULL);
}

static const weft_actor_class patient = { .size = sizeof(patient),
	                                  .name = "patient",
	                                  .behaviour = patient_behaviour,
	                                  .state_bytes = sizeof(weft_msg *) };

Test(sim, a_week_passes)
{
	weft_future *f;
	weft_runtime *rt;
	weft_msg *answer;
	uint64_t before;

	begin(5, 0);
	rt = test_runtime(2);
	before = weft_now_ns();
	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(ask(rt, &patient, f), 0);
	cr_assert_eq(weft_future_wait_until(f, &answer, before + TEST_SECOND), -ETIMEDOUT);
	cr_assert_eq(weft_future_wait_until(f, &answer, WEFT_FOREVER), 0);
	cr_assert_geq(weft_now_ns() - before, 7 * 24 * 3600 * TEST_SECOND);
	weft_msg_destroy(answer);
	weft_future_destroy(f);
	test_runtime_end(rt);
	cr_assert_lt(weft_sim_steps(), 100000);
	cr_assert_eq(weft_sim_end(), 0);
}

/* ---- what waits for ever ------------------------------------------------------------------ */

static void as_expected(const char *why, void *user)
{
	(void)user;
	exit(strcmp(why, "all threads wait for each other") ? 1 : 0);
}

static weft_msg *forgotten;

static int forgets(weft_actor *self, weft_msg *msg)
{
	weft_msg_keep(self, msg);
	forgotten = msg;
	return 0;
}

static const weft_actor_class forgetful = { .size = sizeof(forgetful), .name = "forgetful", .behaviour = forgets };

Test(sim, an_answer_that_never_comes_is_told, .exit_code = 0)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	weft_runtime *rt;
	weft_future *f;
	weft_msg *answer;

	opt.stuck = as_expected;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	rt = test_runtime(2);
	cr_assert_eq(weft_future_create(rt, &f), 0);
	cr_assert_eq(ask(rt, &forgetful, f), 0);
	weft_future_wait_until(f, &answer, WEFT_FOREVER);
	_Exit(2);
}

/* ---- foreign threads ------------------------------------------------------------------------- */

static weft_ref echo_ref;
static weft_runtime *echo_rt;

static void *asks(void *user)
{
	uint32_t *answers = user;

	for (int i = 0; i < 10; i++)
		*answers += test_ask_kind(echo_rt, echo_ref, TEST_ECHO) == TEST_ECHO;
	return NULL;
}

Test(sim, foreign_threads_ask_at_once)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		uint64_t thread[3];
		uint32_t answers[3] = { 0 };

		begin(seed, WEFT_SIM_CLOCK | WEFT_SIM_EARLY);
		echo_rt = test_runtime(2);
		echo_ref = test_spawn(echo_rt, &noting, NULL);
		for (int i = 0; i < 3; i++)
			cr_assert_eq(weft_sim_thread_start(asks, &answers[i], &thread[i]), 0);
		for (int i = 0; i < 3; i++) {
			weft_sim_thread_join(thread[i]);
			cr_assert_eq(answers[i], 10);
		}
		test_runtime_end(echo_rt);
		cr_assert_eq(weft_sim_end(), 0);
	}
}

/* ---- a call in place ---------------------------------------------------------------------------- */

#define MINUTE_NS (60 * UINT64_C(1000000000))

static int answers_later(weft_model_call *call, void *user)
{
	*(weft_model_call **)user = call;
	return WEFT_PENDING;
}

static void *a_minute_later(void *user)
{
	weft_sim_sleep(MINUTE_NS);
	weft_model_finish(*(weft_model_call **)user, 0);
	return NULL;
}

/* It waits in simulated time: the thread that answers gets its turns, and a minute takes none. */
Test(sim, a_model_called_in_place_waits_for_its_answer, .timeout = 120)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_SMALL, .prompt = weft_str_from("now?") };
	weft_model_response response;
	weft_model_call *pending = NULL;
	weft_models *models = NULL;
	weft_arena *arena = NULL;
	uint64_t before, thread;

	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_SMALL, 0, "later", answers_later, &pending, NULL), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	begin(7, 0);
	before = weft_now_ns();
	cr_assert_eq(weft_sim_thread_start(a_minute_later, &pending, &thread), 0);
	cr_assert_eq(weft_models_call(models, &request, arena, &response, NULL), 0);
	cr_assert_geq(weft_now_ns() - before, MINUTE_NS);
	weft_sim_thread_join(thread);
	cr_assert_eq(weft_sim_end(), 0);
	weft_arena_destroy(arena);
	weft_models_unref(models);
}

/* ---- what cannot be had ------------------------------------------------------------------------ */

Test(sim, a_runtime_that_cannot_be_made_says_so)
{
	int failed = 0, started = 0;

	for (uint64_t seed = 0; seed < 300; seed++) {
		weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
		weft_runtime *rt = NULL;
		int r;

		begin(seed, WEFT_SIM_ALLOC | WEFT_SIM_THREAD);
		opt.workers = 4;
		r = weft_runtime_create(&opt, &rt);
		if (r == 0)
			r = weft_runtime_start(rt);
		cr_assert(r == 0 || r == -ENOMEM || r == -EAGAIN || r == -EMFILE, "%s", weft_errname(r));
		failed += r < 0;
		started += r == 0;
		weft_runtime_destroy(rt);
		cr_assert_eq(weft_sim_end(), 0);
	}
	cr_assert_gt(failed, 20);
	cr_assert_gt(started, 20);
}
