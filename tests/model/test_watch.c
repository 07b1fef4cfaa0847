/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sleeps for good while others set to work, in every way. Goal: as long as anybody is awake, somebody who sleeps wakes up
 * of itself, however they fall asleep and set to work at the same moment, and whoever has the watch passes it on. Method: the
 * real park.c; workers set to work, for ever, while others fall asleep or sleep for good. Naps end, and so does the wait of one
 * who was given the watch; nothing else does, so that a worker whom nobody wakes is a thread that waits for ever.
 */
#include <criterion/criterion.h>

#include "runtime/sched/park.c"
#include "tests/model/workers.h"

/* All are asleep, for good. */
static void begin(uint32_t worker_count)
{
	sched_begin(worker_count);
	weft__store_relaxed(&sched.watch, 0u);
	weft__store_relaxed(&sched.sleepers, worker_count);
	for (uint32_t i = 0; i < worker_count; i++) {
		loops[i].naps = true;
		weft__store_relaxed(&workers[i].sleeping, (uint32_t)ASLEEP);
	}
}

/* But for worker i. */
static void is_awake(uint32_t i)
{
	weft__store_relaxed(&workers[i].sleeping, (uint32_t)AWAKE);
	weft__fetch_sub_acq_rel(&sched.sleepers, 1u);
}

static void set_to_work(uint32_t i)
{
	weft__self = &workers[i];
	wake_up(&workers[i], false);
	weft__watch_pass(&workers[i]);
	weft__self = NULL;
}

static void works_0(void)
{
	set_to_work(0);
}

static void works_1(void)
{
	set_to_work(1);
}

static void works_2(void)
{
	set_to_work(2);
}

static void falls_asleep_1(void)
{
	weft__park(&workers[1]);
}

/* weft__park without its looks at the queues and the phase: three threads have orders enough. */
static void falls_asleep_2(void)
{
	struct weft__worker *w = &workers[2];
	uint32_t asleep;

	weft__store_seq_cst(&w->sleeping, (uint32_t)ASLEEP);
	asleep = weft__fetch_add_seq_cst(&sched.sleepers, 1u) + 1;
	weft__loop_wait(w->loop, watch_end(w, asleep) ? UINT64_MAX : NAP_MIN_NS);
}

/* Since long ago. */
static void sleeps_1(void)
{
	weft__loop_wait(workers[1].loop, UINT64_MAX);
}

static void sleeps_2(void)
{
	weft__loop_wait(workers[2].loop, UINT64_MAX);
}

static void begin_one_falls_asleep(void)
{
	begin(2);
	is_awake(1);
}

Test(model_watch, one_sets_to_work__another_falls_asleep)
{
	static const struct explore_model m = {
		.name = "watch, falls asleep", .init = begin_one_falls_asleep, .thread = { works_0, falls_asleep_1 }
	};

	cr_assert(explore(&m));
}

static void begin_two_at_once(void)
{
	begin(3);
	is_awake(2);
}

Test(model_watch, two_set_to_work__a_third_falls_asleep)
{
	static const struct explore_model m = {
		.name = "watch, two at once", .init = begin_two_at_once, .thread = { works_0, works_1, falls_asleep_2 }
	};

	cr_assert(explore(&m));
}

/* Two set to work, of whom one may be given the watch by the other, while it wakes up, and must not keep it. */
static void begin_passed_on(void)
{
	begin(3);
}

Test(model_watch, given__is_passed_on)
{
	static const struct explore_model m = {
		.name = "watch, given", .init = begin_passed_on, .thread = { works_0, works_2, sleeps_1 }
	};

	cr_assert(explore(&m));
}

/* One of them has it: it napped. */
static void begin_had(void)
{
	begin(3);
	weft__store_relaxed(&sched.watch, 1u + 1);
}

Test(model_watch, had__is_passed_on)
{
	static const struct explore_model m = {
		.name = "watch, had", .init = begin_had, .thread = { works_0, works_1, sleeps_2 }
	};

	cr_assert(explore(&m));
}

/* Who has it finds nobody to pass it on to, while another one falls asleep and sees that it is somebody's. */
static void begin_passed_to_nobody(void)
{
	begin(3);
	is_awake(0);
	is_awake(2);
	weft__store_relaxed(&sched.watch, 1u + 1);
}

Test(model_watch, passed_to_nobody__is_taken_by_who_falls_asleep)
{
	static const struct explore_model m = {
		.name = "watch, to nobody", .init = begin_passed_to_nobody, .thread = { works_1, falls_asleep_2 }
	};

	cr_assert(explore(&m));
}

/* One of them has it, finds that all sleep, and gives it up. */
static void begin_given_up(void)
{
	begin(2);
	is_awake(1);
	weft__store_relaxed(&sched.watch, 1u + 1);
}

Test(model_watch, given_up__when_nobody_sets_to_work)
{
	static const struct explore_model m = {
		.name = "watch, given up", .init = begin_given_up, .thread = { works_0, falls_asleep_1 }
	};

	cr_assert(explore(&m));
}

static void guest_comes(void)
{
	weft__fetch_add_seq_cst(&sched.guests_active, 1u); /* as place_take in guest.c */
	weft__watch_begin(&sched);
}

static void begin_guest(void)
{
	begin(2);
	is_awake(1);
	weft__store_relaxed(&workers[0].sleeping, (uint32_t)CALLED); /* on its way up: cannot be given it */
}

static void begin_guest_had(void)
{
	begin_guest();
	weft__store_relaxed(&sched.watch, 1u + 1);
}

Test(model_watch, a_guest_comes__while_the_last_one_falls_asleep)
{
	static const struct explore_model m = {
		.name = "watch, guest", .init = begin_guest, .thread = { guest_comes, falls_asleep_1 }
	};
	static const struct explore_model had = {
		.name = "watch, guest, had", .init = begin_guest_had, .thread = { guest_comes, falls_asleep_1 }
	};

	cr_assert(explore(&m));
	cr_assert(explore(&had));
}
