/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falling asleep and being woken, in every way. Goal: no lost wake-up, each task run once with what was
 * written into it before, no wake-up twice, and the searcher's place never lost. Method: the real park.c and
 * run.c over a loop that sleeps until it is woken; a lost wake-up is a worker that sleeps for ever.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/sched/worker.h"
#include "tests/model/explore.h"
#include "tests/model/loop.h"

#define WORKERS 2u
#define TASKS 3u

struct job {
	struct weft__task task; /* first */
	uint32_t payload; /* plain */
	uint32_t runs;
};

static struct weft__sched sched;
static struct weft__worker workers[WORKERS];
static struct weft__loop loops[WORKERS];
static struct job jobs[TASKS];
static uint32_t expected; /* jobs of this model */
static _Atomic(uint32_t) ran;

static bool nothing_open(struct weft_runtime *rt)
{
	(void)rt;
	return false;
}

static const struct weft__sched_hooks hooks = { .requests_open = nothing_open };

static void job_run(struct weft__worker *w, struct weft__task *task)
{
	struct job *j = (struct job *)task;

	(void)w;
	explore_assert(j->payload == 7);
	j->runs++;
	if (weft__fetch_add_acq_rel(&ran, 1u) + 1 == expected) {
		weft__store_seq_cst(&sched.phase, (uint32_t)WEFT__PHASE_HALT);
		weft__wake_all(&sched);
	}
}

static void begin_with(uint32_t worker_count)
{
	static const char *const names[] = { "worker 0", "worker 1" };
	static const char *const sleeping[] = { "sleeping 0", "sleeping 1" };
	static const char *const inject[] = { "inject 0", "inject 1" };

	memset(&sched, 0, sizeof(sched));
	memset(workers, 0, sizeof(workers));
	memset(loops, 0, sizeof(loops));
	memset(jobs, 0, sizeof(jobs));
	ran = 0;
	sched.hooks = &hooks;
	sched.workers = workers;
	sched.worker_count = worker_count;
	explore_thread_local(&weft__self, sizeof(weft__self));
	explore_name(&sched, sizeof(sched), "sched");
	explore_name(&sched.sleepers, sizeof(sched.sleepers), "sleepers");
	explore_name(&sched.searching, sizeof(sched.searching), "searching");
	explore_name(&sched.phase, sizeof(sched.phase), "phase");
	explore_name(jobs, sizeof(jobs), "jobs");
	for (uint32_t i = 0; i < worker_count; i++) {
		struct weft__worker *w = &workers[i];

		w->sched = &sched;
		w->id = i;
		w->wheel_due_ns = UINT64_MAX;
		w->loop = &loops[i];
		weft__runq_init(&w->runq);
		weft__inject_init(&w->inject);
		weft__inject_init(&w->inject_pinned);
		weft__inject_init(&w->inject_timers);
		explore_name(w, sizeof(*w), names[i]);
		explore_name(&w->sleeping, sizeof(w->sleeping), sleeping[i]);
		explore_name(&w->inject, sizeof(w->inject), inject[i]);
	}
	for (uint32_t i = 0; i < TASKS; i++)
		jobs[i].task.run = job_run;
}

static void begin_one(void)
{
	begin_with(1);
}

static void begin_two(void)
{
	begin_with(2);
}

static void work_as(uint32_t id)
{
	weft__self = &workers[id];
	weft__worker_loop(&workers[id]);
	weft__self = NULL;
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
	jobs[job].payload = 7;
	weft__schedule_remote(&sched, 0, pinned, &jobs[job].task);
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

static void each_ran_once(void)
{
	for (uint32_t i = 0; i < expected; i++)
		explore_assert(jobs[i].runs == 1);
	explore_assert(weft__load_relaxed(&sched.sleepers) == 0);
	for (uint32_t i = 0; i < WORKERS; i++)
		explore_assert(weft__load_relaxed(&workers[i].sleeping) == 0);
	explore_assert(weft__load_relaxed(&sched.searching) == 0);
}

Test(model_park, one_sender__one_worker)
{
	static const struct explore_model m = {
		.name = "park, 1 sender", .init = begin_one, .thread = { worker_0, send_0 }, .check = each_ran_once
	};

	expected = 1;
	cr_assert(explore(&m));
}

Test(model_park, two_sends__one_worker)
{
	static const struct explore_model m = {
		.name = "park, 2 sends", .init = begin_one, .thread = { worker_0, send_0_then_1 }, .check = each_ran_once
	};

	expected = 2;
	cr_assert(explore(&m));
}

Test(model_park, two_senders__work_and_pinned_work)
{
	static const struct explore_model m = {
		.name = "park, 2 senders", .init = begin_one, .thread = { worker_0, send_0, send_1_pinned },
		.check = each_ran_once
	};

	expected = 2;
	cr_assert(explore(&m));
}

Test(model_park, one_sender__two_workers)
{
	static const struct explore_model m = {
		.name = "park, 2 workers", .init = begin_two, .thread = { worker_0, worker_1, send_0 },
		.check = each_ran_once
	};

	expected = 1;
	cr_assert(explore(&m));
}
