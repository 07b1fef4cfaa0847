/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/workers.h - a scheduler of one or two workers, for models of park.c, run.c and steal.c.
 *
 * Jobs carry a plain payload that whoever makes them writes; the last of the expected ones to run halts
 * the workers, as the last worker out would.
 */
#ifndef WEFT_TESTS_MODEL_WORKERS_H
#define WEFT_TESTS_MODEL_WORKERS_H

#include <string.h>

#include "runtime/sched/worker.h"
#include "tests/model/explore.h"
#include "tests/model/loop.h"
#include "tests/model/stand_ins.h"

#define WORKERS 3u
#define JOBS 4u

struct job {
	struct weft__task task; /* first */
	uint32_t payload; /* plain */
	uint32_t runs;
};

static struct weft__sched sched;
static struct weft__worker workers[WORKERS];
static struct weft__loop loops[WORKERS];
static struct job jobs[JOBS];
static uint32_t jobs_expected;
static _Atomic(uint32_t) jobs_ran;

static bool nothing_open(struct weft_runtime *rt)
{
	(void)rt;
	return false;
}

static uint32_t all_normal(const struct weft__task *task)
{
	(void)task;
	return WEFT__NORMAL;
}

static void nobody_is_stuck(struct weft__worker *w)
{
	(void)w;
}

static void job_run(struct weft__worker *w, struct weft__task *task)
{
	struct job *j = (struct job *)task;

	explore_assert(!w->searcher); /* who is busy holds nobody up who would search */
	explore_assert(j->payload == 7);
	j->runs++;
	if (weft__fetch_add_acq_rel(&jobs_ran, 1u) + 1 == jobs_expected) {
		weft__store_seq_cst(&sched.phase, (uint32_t)WEFT__PHASE_HALT);
		weft__wake_all(&sched);
	}
}

__attribute__((unused)) static struct weft__task *job_make(uint32_t n)
{
	jobs[n].payload = 7;
	return &jobs[n].task;
}

static void sched_begin(uint32_t worker_count)
{
	static const struct weft__sched_hooks hooks = { .requests_open = nothing_open, .class_of = all_normal, .rescue = nobody_is_stuck };
	static const char *const names[] = { "worker 0", "worker 1", "worker 2" };
	static const char *const sleeping[] = { "sleeping 0", "sleeping 1", "sleeping 2" };
	static const char *const inject[] = { "inject 0", "inject 1", "inject 2" };
	static const char *const lifo[] = { "lifo 0", "lifo 1", "lifo 2" };

	stand_ins_time(0);
	memset(&sched, 0, sizeof(sched));
	memset(workers, 0, sizeof(workers));
	memset(loops, 0, sizeof(loops));
	memset(jobs, 0, sizeof(jobs));
	weft__store_relaxed(&jobs_ran, 0u);
	sched.hooks = &hooks;
	sched.workers = workers;
	sched.worker_count = worker_count;
	weft__store_relaxed(&sched.watch, UINT32_MAX); /* nobody's business; but in test_watch.c */
	explore_thread_local(&weft__self, sizeof(weft__self));
	explore_name(&sched, sizeof(sched), "sched");
	explore_name(&sched.sleepers, sizeof(sched.sleepers), "sleepers");
	explore_name(&sched.searching, sizeof(sched.searching), "searching");
	explore_name(&sched.phase, sizeof(sched.phase), "phase");
	explore_name(&sched.watch, sizeof(sched.watch), "watch");
	explore_name(jobs, sizeof(jobs), "jobs");
	for (uint32_t i = 0; i < worker_count; i++) {
		struct weft__worker *w = &workers[i];

		w->sched = &sched;
		weft__store_relaxed(&w->turn_ns, UINT64_C(1000));
		weft__store_relaxed(&w->msg_ns, UINT64_C(1000)); /* long enough to be worth a theft */
		w->id = i;
		w->wheel_due_ns = UINT64_MAX;
		w->loop = &loops[i];
		weft__rng_seed(&w->rng, i);
		weft__runq_init(&w->runq);
		weft__inject_init(&w->inject);
		weft__inject_init(&w->inject_pinned);
		weft__inject_init(&w->inject_timers);
		explore_name(w, sizeof(*w), names[i]);
		explore_name(&w->sleeping, sizeof(w->sleeping), sleeping[i]);
		explore_name(&w->inject, sizeof(w->inject), inject[i]);
		explore_name(&w->lifo, sizeof(w->lifo), lifo[i]);
	}
	for (uint32_t i = 0; i < JOBS; i++)
		jobs[i].task.run = job_run;
}

/* Be a worker until the workers are halted. */
__attribute__((unused)) static void work_as(uint32_t id)
{
	weft__self = &workers[id];
	weft__worker_loop(&workers[id]);
	weft__self = NULL;
}

__attribute__((unused)) static void each_ran_once(void)
{
	uint32_t searchers = 0;

	for (uint32_t i = 0; i < jobs_expected; i++)
		explore_assert(jobs[i].runs == 1);
	explore_assert(weft__load_relaxed(&sched.sleepers) == 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		explore_assert(weft__load_relaxed(&workers[i].sleeping) == 0);
		searchers += workers[i].searcher; /* called, and halted before it searched */
	}
	explore_assert(weft__load_relaxed(&sched.searching) == searchers);
}

#endif
