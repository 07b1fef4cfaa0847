/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falling asleep and being woken, in every way. Goal: no lost wake-up, each task run once with what was
 * written into it before, no wake-up twice, and the searcher's place never lost. Method: the real park.c and
 * run.c over a loop that sleeps until it is woken; a lost wake-up is a worker that sleeps for ever.
 */
#include <criterion/criterion.h>

#include "tests/model/workers.h"

static void begin_one(void)
{
	sched_begin(1);
}

static void begin_two(void)
{
	sched_begin(2);
}

static void worker_0(void)
{
	work_as(0);
}

static void worker_1(void)
{
	work_as(1);
}

static void send(uint32_t job, bool pinned)
{
	weft__schedule_remote(&sched, 0, pinned, job_make(job));
}

static void send_0(void)
{
	send(0, false);
}

static void send_1_pinned(void)
{
	send(1, true);
}

static void send_0_then_1(void)
{
	send(0, false);
	send(1, false);
}

Test(model_park, one_sender__one_worker)
{
	static const struct explore_model m = {
		.name = "park, 1 sender", .init = begin_one, .thread = { worker_0, send_0 }, .check = each_ran_once
	};

	jobs_expected = 1;
	cr_assert(explore(&m));
}

Test(model_park, two_sends__one_worker)
{
	static const struct explore_model m = {
		.name = "park, 2 sends", .init = begin_one, .thread = { worker_0, send_0_then_1 }, .check = each_ran_once
	};

	jobs_expected = 2;
	cr_assert(explore(&m));
}

Test(model_park, two_senders__work_and_pinned_work)
{
	static const struct explore_model m = {
		.name = "park, 2 senders", .init = begin_one, .thread = { worker_0, send_0, send_1_pinned },
		.check = each_ran_once
	};

	jobs_expected = 2;
	cr_assert(explore(&m));
}

Test(model_park, one_sender__two_workers)
{
	static const struct explore_model m = {
		.name = "park, 2 workers", .init = begin_two, .thread = { worker_0, worker_1, send_0 },
		.check = each_ran_once
	};

	jobs_expected = 1;
	cr_assert(explore(&m));
}
