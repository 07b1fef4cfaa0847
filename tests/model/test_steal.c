/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LIFO slot, thieves, and the one searcher, in every way. Goal: each task runs once with what was written
 * into it before, whoever takes it from wherever; the searcher's place goes round and is given back. Method:
 * the real run.c, steal.c and park.c; a thief without patience, with time for one or two looks.
 */
#include <criterion/criterion.h>

#include "tests/model/workers.h"

static void begin(void)
{
	sched_begin(2);
	stand_ins_time(1000);
	sched.spin_ns = 1500; /* two looks */
}

static void run_what_is_there(struct weft__worker *w)
{
	struct weft__task *task;

	while ((task = weft__next_task(w)))
		task->run(w, task);
}

/* Worker 0 makes tasks and runs what is left to it. */
static void make_and_run(uint32_t n)
{
	struct weft__worker *w = &workers[0];

	weft__self = w;
	for (uint32_t i = 0; i < n; i++)
		weft__schedule(w, job_make(i));
	run_what_is_there(w);
	weft__self = NULL;
}

static void makes_one(void)
{
	make_and_run(1);
}

static void makes_two(void)
{
	make_and_run(2);
}

/* Worker 1 looks around once, and runs what it found. */
static void thief(void)
{
	struct weft__worker *w = &workers[1];
	struct weft__task *task;

	weft__self = w;
	task = weft__search(w, NULL, NULL);
	if (task)
		task->run(w, task);
	run_what_is_there(w); /* it took more than one */
	weft__self = NULL;
}

Test(model_steal, lifo_slot__is_taken_by_one)
{
	static const struct explore_model m = {
		.name = "steal, LIFO slot", .init = begin, .thread = { makes_one, thief }, .check = each_ran_once
	};

	jobs_expected = 1;
	cr_assert(explore(&m));
}

Test(model_steal, lifo_and_queue__each_task_is_taken_by_one)
{
	static const struct explore_model m = {
		.name = "steal, LIFO slot and queue", .init = begin, .thread = { makes_two, thief }, .check = each_ran_once
	};

	jobs_expected = 2;
	cr_assert(explore(&m));
}

/* ---- a sleeper that is called to help ----------------------------------------------------------- */

static void makes_two_and_calls(void)
{
	struct weft__worker *w = &workers[0];

	weft__self = w;
	weft__schedule_back(w, job_make(0));
	weft__schedule_back(w, job_make(1));
	weft__wake_one(&sched);
	run_what_is_there(w);
	weft__self = NULL;
}

static void worker_1(void)
{
	work_as(1);
}

static void begin_call(void)
{
	sched_begin(2);
	stand_ins_time(1000);
	sched.spin_ns = 500; /* one look */
}

Test(model_steal, called__searches_and_gives_the_place_back)
{
	static const struct explore_model m = {
		.name = "steal, called", .init = begin_call, .thread = { makes_two_and_calls, worker_1 },
		.check = each_ran_once
	};

	jobs_expected = 2;
	cr_assert(explore(&m));
}

/* Work of its own comes while worker 1 is being called. */
static void calls_and_sends(void)
{
	struct weft__worker *w = &workers[0];

	weft__self = w;
	weft__schedule_back(w, job_make(0));
	weft__wake_one(&sched);
	weft__schedule_remote(&sched, 1, true, job_make(1));
	run_what_is_there(w);
	weft__self = NULL;
}

Test(model_steal, called__with_work_of_its_own_does_not_keep_the_place)
{
	static const struct explore_model m = {
		.name = "steal, called and sent to", .init = begin_call, .thread = { calls_and_sends, worker_1 },
		.check = each_ran_once, .executions_max = 200000
	};

	jobs_expected = 2;
	cr_assert(explore(&m));
}
