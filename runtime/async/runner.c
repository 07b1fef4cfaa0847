/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/runner.c - the actors that run a group's jobs.
 *
 *     take a few -> run them -> settle -> ... -> let others run -> again
 *                                          |
 *            nothing waits --> end         limit reached, or inputs missing --> park, the last one; the others end
 *
 * A runner has one message, which goes round: it sends it to itself when it lets others run; while it is parked the
 * message is a promise that lies in the group, so that going on needs no memory and is not refused while the
 * runtime stops. As long as more may start, each runner makes one more before it sets to work, up to one a worker: a job
 * that takes long holds up at most those that its runner took with it, which are few, and only where jobs are short. What comes when
 * all runners are busy brings one more, too.
 *
 * A runner that is ended by others (the runtime halts, a job broke an invariant) cancels the group: nothing waits for
 * somebody who does not come.
 */
#include "runtime/async/group.h"

#include <errno.h>

#define BATCH_MAX 8u
#define BATCH_SHORT_NS 2000u  /* a batch that took less is doubled the next time, */
#define BATCH_LONG_NS 10000u  /* one that took more is one job the next time */
#define TURN_NS 20000u        /* then others run */

struct runner {
	struct weft_group *group; /* a reference */
	struct weft_msg *go;      /* the message that goes round */
	uint32_t batch;
	bool busy; /* it counts as such in the group */
	bool done; /* it ends itself */
};

/* ---- one job -------------------------------------------------------------------------------- */

/* job wants to be told when the group is canceled, which may have happened meanwhile. */
static void will_be_told(struct weft_group *g, struct weft_job *job)
{
	bool now;

	pthread_mutex_lock(&g->lock);
	now = weft__load_relaxed(&g->canceled); /* relaxed: under the lock */
	if (!now) {
		job->told_next = g->told;
		if (g->told)
			g->told->told_prev = &job->told_next;
		job->told_prev = &g->told;
		g->told = job;
	}
	pthread_mutex_unlock(&g->lock);
	if (now)
		job->on_cancel(job, job->arg);
}

/*
 * Run it. True: it has ended. False: it is pending, and may be gone already: runner and finisher exchange stage, and the second
 * one ends the job (J1: each sees what the other wrote before).
 */
static bool job_run(struct weft_group *g, struct weft_job *job)
{
	int r = weft__load_relaxed(&g->canceled); /* relaxed: a job that just misses it runs */

	job->ran = r == 0;
	job->status = r;
	if (r)
		return true;
	r = job->fn(job, job->arg);
	if (r != WEFT_PENDING) {
		job->status = r > 0 ? WEFT_EFAILED : r;
		return true;
	}
	/* relaxed: a hint, nobody is told of what has ended; who finishes it just now meets the telling */
	if (job->on_cancel && weft__load_relaxed(&job->stage) != WEFT__JOB_FINISHED)
		will_be_told(g, job);
	return weft__xchg_acq_rel(&job->stage, (uint32_t)WEFT__JOB_PENDING) == WEFT__JOB_FINISHED; /* J1 */
}

void weft_job_finish(weft_job *job, int status)
{
	if (!WEFT_CHECK(job != NULL))
		return;
	job->status = status > 0 ? WEFT_EFAILED : status;
	if (weft__xchg_acq_rel(&job->stage, (uint32_t)WEFT__JOB_FINISHED) == WEFT__JOB_PENDING) /* J1 */
		weft__group_settle_one(job->group, job);
}

void weft_job_on_cancel(weft_job *job, void (*fn)(weft_job *job, void *arg))
{
	job->on_cancel = fn;
}

bool weft_job_is_canceled(const weft_job *job)
{
	return weft__load_acquire(&job->group->canceled) != 0;
}

uint32_t weft_job_index(const weft_job *job)
{
	return job->index;
}

weft_group *weft_job_group(const weft_job *job)
{
	return job->group;
}

/* ---- a turn ------------------------------------------------------------------------------------ */

static struct weft_job *next_locked(struct weft_group *g)
{
	struct weft_job *job;

	if (!weft__group_may_start(g))
		return NULL;
	job = weft__jobs_pop(&g->queue);
	if (!job)
		job = weft__item_next(g);
	job->on_cancel = NULL;
	job->started = true;
	weft__store_relaxed(&job->stage, (uint32_t)WEFT__JOB_RUNNING); /* relaxed: nobody else has it */
	g->in_flight++;
	return job;
}

/* A few jobs, into list; more runners if there are others. */
static void take_locked(struct weft_group *g, uint32_t max, struct weft__jobs *list, struct weft__after *after)
{
	for (uint32_t n = 0; n < max; n++) {
		struct weft_job *job = next_locked(g);

		if (!job)
			return;
		weft__jobs_push(list, job);
	}
	if (g->runners < g->runners_max && weft__group_may_start(g))
		after->wake = weft__runner_make(g, after) == 0 && max == 1; /* or this one does it alone */
}

/* The runner's message to itself, in nobody's queue: as an answer it needs no memory, and no place in a mailbox. */
static int go_promise(struct weft_msg *go, weft_ref runner)
{
	return weft__promise_again(go, weft_reply_to_actor(runner, 0));
}

/* There is nothing for this runner. It ends, or it is the last one and more will come: then it is parked. */
static void leave_locked(struct weft_actor *self, struct runner *r)
{
	struct weft_group *g = r->group;

	if (weft__group_has_more(g) && g->runners == 1 && go_promise(r->go, weft_actor_ref(self)) == 0) {
		g->parked = r->go;
		return;
	}
	g->runners--;
	r->done = true;
}

static void set_busy_locked(struct runner *r, bool busy)
{
	r->group->busy += (uint32_t)busy - (uint32_t)r->busy;
	r->busy = busy;
}

/* Settle what ended, take more. False: there was nothing to take. */
static bool step(struct weft_actor *self, struct runner *r, struct weft__jobs *ended, struct weft__jobs *list)
{
	struct weft_group *g = r->group;
	struct weft__after after = { 0 };

	pthread_mutex_lock(&g->lock);
	set_busy_locked(r, false);
	if (ended->first) {
		g->batch = r->batch;
		weft__group_settle_locked(g, *ended, &after);
	}
	*ended = (struct weft__jobs){ NULL, NULL };
	take_locked(g, r->batch, list, &after);
	if (list->first)
		set_busy_locked(r, true);
	else
		leave_locked(self, r);
	pthread_mutex_unlock(&g->lock);
	weft__group_after(g, &after);
	return list->first != NULL;
}

/* Failures, and whatever ends a race, are settled at once: others look at whether the group is canceled. */
static bool is_urgent(const struct weft_group *g, const struct weft_job *job)
{
	return job->status < 0 || g->policy == WEFT_GROUP_RACE;
}

static void run_batch(struct weft_group *g, struct weft__jobs *list, struct weft__jobs *ended)
{
	struct weft_job *job;

	while ((job = weft__jobs_pop(list))) {
		bool urgent;

		if (!job_run(g, job))
			continue;
		urgent = is_urgent(g, job);
		weft__jobs_push(ended, job);
		if (!urgent)
			continue;
		weft__group_settle(g, *ended);
		*ended = (struct weft__jobs){ NULL, NULL };
	}
}

static uint32_t next_batch(uint32_t batch, uint64_t took_ns)
{
	if (took_ns > BATCH_LONG_NS)
		return 1;
	return took_ns < BATCH_SHORT_NS && batch < BATCH_MAX ? batch * 2 : batch;
}

static int runner_behaviour(weft_actor *self, weft_msg *msg)
{
	struct runner *r = weft_actor_state(self);
	struct weft__jobs list = { NULL, NULL }, ended = { NULL, NULL };
	uint64_t start = weft_ticks(), last = start, now = start;

	if (msg != r->go)
		return 0; /* an answer to what a job asked in its name */
	weft_msg_keep(self, msg); /* to be sent again, or owed to this runner */
	for (;;) {
		if (!step(self, r, &ended, &list))
			break;
		run_batch(r->group, &list, &ended);
		now = weft_ticks();
		r->batch = next_batch(r->batch, weft_ticks_to_ns(now - last));
		last = now;
		if (weft_ticks_to_ns(now - start) < TURN_NS)
			continue;
		if (ended.first)
			weft__group_settle(r->group, ended);
		weft_actor_yield(self);
		if (go_promise(r->go, weft_actor_ref(self)) == 0)
			weft_promise_finish(r->go, 0, 0);
		return 0;
	}
	if (r->done)
		weft_actor_exit(self, 0);
	return 0;
}

/* Ended by others, the runner's message with it: whoever waits in the group learns that. */
static void runner_fini(weft_actor *self)
{
	struct runner *r = weft_actor_state(self);
	struct weft_group *g = r->group;
	struct weft__after after = { 0 };

	if (r->done) {
		weft_msg_destroy(r->go);
	} else {
		/* relaxed: whoever ends all actors set it itself, before */
		bool halt = weft__load_relaxed(&g->rt->sched.phase) == WEFT__PHASE_HALT;

		pthread_mutex_lock(&g->lock);
		set_busy_locked(r, false);
		g->runners--;
		after.go = g->parked;
		g->parked = NULL;
		weft__group_cancel_locked(g, halt ? -ESHUTDOWN : WEFT_EINTERNAL, &after);
		pthread_mutex_unlock(&g->lock);
		weft__group_after(g, &after);
	}
	weft__group_unref(g);
}

static const weft_actor_class runner_class = { .size = sizeof(runner_class),
	                                       .name = "jobs",
	                                       .behaviour = runner_behaviour,
	                                       .fini = runner_fini,
	                                       .state_bytes = sizeof(struct runner) };

bool weft__runner_is_quick(const struct weft_group *g)
{
	weft_actor *self = weft_actor_self();

	if (g->batch <= 1 || !self || self->cls != &runner_class)
		return false;
	return ((const struct runner *)weft_actor_state(self))->group == g;
}

/*
 * What is sent waits at a worker that is awake, this one for instance, until the job that it runs has returned; a worker that sleeps
 * does not look. Woken, it takes it. Where jobs are known to be short that is not worth it. The runtime may be gone.
 */
void weft__runner_go(struct weft_msg *go, bool wake)
{
	uint32_t slot = weft__ref_slot((weft_ref){ go->target });
	struct weft_runtime *rt;

	weft_promise_finish(go, 0, 0);
	rt = wake ? weft__registry_enter(slot) : NULL;
	if (!rt)
		return;
	weft__wake_one(&rt->sched);
	weft__registry_leave(slot);
}

int weft__runner_make(struct weft_group *g, struct weft__after *after)
{
	struct runner r = { .group = g, .go = weft__msg_new(0, 0), .batch = 1 };
	weft_ref ref;
	int err = r.go ? weft_actor_spawn(g->rt, &runner_class, &r, &ref) : -ENOMEM;

	if (err < 0) {
		weft_msg_destroy(r.go);
		return err;
	}
	WEFT_ASSERT(!after->go); /* a runner that is parked is the only one, and none is made beside it */
	g->refs++; /* its fini gives both back, when the lock is released */
	g->runners++;
	(void)go_promise(r.go, ref); /* to an actor: cannot fail */
	after->go = r.go;
	return 0;
}
