/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker asks whether all is drained while work goes from hand to hand, in every way. Goal: the runtime halts as drained
 * only when that work was done. Method: the real guest.c, park.c, run.c and steal.c; a nap is a wake-up at the end.
 */
#include <criterion/criterion.h>

#include "runtime/host/host.h"
#include "tests/model/workers.h"

#define GUEST 1u

static struct weft_runtime rt;

/* ---- what guest.c calls ------------------------------------------------------------------- */

void weft__timers_hand_over(struct weft__worker *w)
{
	(void)w;
}

struct weft_runtime *weft__registry_enter(uint32_t slot)
{
	(void)slot;
	return &rt;
}

void weft__registry_leave(uint32_t slot)
{
	(void)slot;
}

/* ---- the model -------------------------------------------------------------------------------- */

static void begin(void)
{
	struct weft__worker *g = &workers[GUEST];

	sched_begin(1);
	jobs_expected = JOBS + 1; /* no job halts the worker */
	sched.guest_count = 1;
	g->sched = &sched;
	g->rt = &rt;
	g->id = GUEST;
	g->guest = true;
	g->wheel_due_ns = UINT64_MAX;
	weft__deque_init(&g->fresh);
	weft__runq_init(&g->runq);
	weft__inject_init(&g->inject);
	weft__inject_init(&g->inject_pinned);
	weft__inject_init(&g->inject_timers);
	explore_name(g, sizeof(*g), "guest");
	explore_name(&g->active, sizeof(g->active), "active");
	explore_name(&g->lifo, sizeof(g->lifo), "guest's lifo");
	weft__store_relaxed(&g->occupied, 1u);
	weft__store_relaxed(&sched.guests_active, 1u);
	weft__schedule(g, job_make(0));
	weft__store_relaxed(&sched.deadline_ns, UINT64_MAX);
	weft__store_relaxed(&sched.phase, (uint32_t)WEFT__PHASE_DRAIN);
}

static void worker(void)
{
	work_as(0);
}

/* Worker 0 looks once more, and sees all that this thread did. */
static void nap_is_over(void)
{
	weft__fetch_add_seq_cst(&sched.sleepers, 0u);
	weft__loop_wake(workers[0].loop);
}

static void guest_leaves(void)
{
	weft__self = &workers[GUEST];
	explore_assert(weft_guest_leave(&rt) == 0);
	nap_is_over();
}

static void drained_is_done(void)
{
	explore_assert(weft__load_relaxed(&sched.drained));
	explore_assert(jobs[0].runs == 1);
}

Test(model_drain, guest__that_leaves_is_waited_for)
{
	static const struct explore_model m = {
		.name = "drain, guest leaves", .init = begin, .thread = { worker, guest_leaves }, .check = drained_is_done,
		.executions_max = 300000
	};

	cr_assert(explore(&m));
}

/* ---- an answer from a foreign thread to an actor of a worker that sleeps --------------------------- */

static _Atomic(uint32_t) open_requests;

static bool requests_open(struct weft_runtime *of)
{
	(void)of;
	return weft__load_acquire(&open_requests) != 0;
}

/* What the answer leads to. */
static void runs_another(struct weft__worker *w, struct weft__task *task)
{
	((struct job *)task)->runs++;
	weft__schedule(w, job_make(1));
}

static void begin_answer(void)
{
	static const struct weft__sched_hooks hooks = { .requests_open = requests_open };

	sched_begin(2);
	sched.hooks = &hooks;
	jobs_expected = JOBS + 1;
	jobs[0].task.run = runs_another;
	weft__store_relaxed(&open_requests, 1u);
	weft__store_relaxed(&sched.deadline_ns, UINT64_MAX);
	weft__store_relaxed(&sched.phase, (uint32_t)WEFT__PHASE_DRAIN);
	weft__store_relaxed(&sched.sleepers, 1u); /* worker 1 */
	weft__store_relaxed(&workers[1].sleeping, 1u);
}

static void drains_once(void)
{
	weft__self = &workers[0];
	weft__park(weft__self);
}

/* Worker 1 wakes up as at the end of weft__park, and works. */
static void wakes_and_works(void)
{
	struct weft__worker *w = &workers[1];
	struct weft__task *task;

	weft__self = w;
	w->turns_to_check = w->check_turns = 100;
	weft__loop_wait(w->loop, UINT64_MAX);
	weft__xchg_seq_cst(&w->sleeping, 0u);
	weft__fetch_sub_seq_cst(&sched.sleepers, 1u);
	weft__worker_check(w);
	while (weft__load_acquire(&sched.phase) != WEFT__PHASE_HALT && (task = weft__next_task(w)))
		weft__run_task(w, task);
}

static void answers(void)
{
	weft__schedule_remote(&sched, 1, true, job_make(0));
	weft__fetch_sub_acq_rel(&open_requests, 1u);
	nap_is_over();
}

static void drained_is_answered(void)
{
	if (weft__load_relaxed(&sched.drained))
		explore_assert(jobs[1].runs == 1);
}

Test(model_drain, answer__and_what_it_leads_to_is_waited_for)
{
	static const struct explore_model m = {
		.name = "drain, answer", .init = begin_answer, .thread = { drains_once, wakes_and_works, answers },
		.check = drained_is_answered, .executions_max = 300000
	};

	cr_assert(explore(&m));
}

/* ---- the same, but what it leads to is another request --------------------------------------------- */

static void asks_again(struct weft__worker *w, struct weft__task *task)
{
	(void)w;
	((struct job *)task)->runs++;
	weft__fetch_add_acq_rel(&open_requests, 1u);
}

static void begin_ask(void)
{
	begin_answer();
	jobs[0].task.run = asks_again;
}

static void wakes_works_and_sleeps(void)
{
	wakes_and_works();
	weft__fetch_add_seq_cst(&sched.sleepers, 1u);
}

static void drained_has_nothing_open(void)
{
	if (weft__load_relaxed(&sched.drained))
		explore_assert(weft__load_relaxed(&open_requests) == 0);
}

Test(model_drain, answer__that_leads_to_a_request)
{
	static const struct explore_model m = {
		.name = "drain, request", .init = begin_ask, .thread = { drains_once, wakes_works_and_sleeps, answers },
		.check = drained_has_nothing_open, .executions_max = 300000
	};

	cr_assert(explore(&m));
}
