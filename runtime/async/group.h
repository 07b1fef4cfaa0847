/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/group.h - a group of jobs, as the files of this room see it.
 *
 *     jobs that wait ---taken by---> runners ---run---> ended
 *     (a list, items not               |                  ^
 *      made yet, nodes of a graph)     +----> pending ----+ weft_job_finish
 *
 * A runner is an actor that takes a few jobs, runs them, and comes again; a group has as many as it has work for,
 * at most one a worker, so that the scheduler shares them out, steals them, and ends them when the runtime halts.
 * Everything of a group is under its lock, which is held for a few instructions and never around a job or a callback (but a graph's
 * nodes are gone through once when a run begins, and once when it is canceled); what
 * follows from what was seen under it (answers, wake-ups, telling who is canceled) is kept in a struct weft__after and
 * done when it is released.
 *
 *   field               written under the lock by            read without it by
 *   canceled            whoever cancels                      jobs, runners before each job
 *   the rest            all                                  nobody
 *   weft_job.stage      its runner, its finisher             both: see job_run
 *   weft_job.status     whoever ends it, before stage        whoever settles it
 *
 * Invariant: jobs == ended + unended; unended == waiting + in_flight (+ nodes of a graph that wait for others). While
 * something may start there is a runner that will look. Memory: the owner, each runner, the keeper and the unended
 * jobs together hold a reference each; the last one frees.
 *
 * Which may overlap: any two calls of the public header on one group, but for destroy, which is its owner's last.
 * Tests: tests/api/test_async.c, tests/stress/test_jobs.c, weft sim --scenario jobs.
 */
#ifndef WEFT_RUNTIME_ASYNC_GROUP_H
#define WEFT_RUNTIME_ASYNC_GROUP_H

#include <pthread.h>

#include <weft/async.h>

#include "runtime/actor/core.h"

/* Of weft_job.stage: whoever comes second, runner or finisher, ends a job that is pending. */
enum { WEFT__JOB_RUNNING = 0, WEFT__JOB_PENDING, WEFT__JOB_FINISHED };

/* Where a job's memory comes from. */
enum {
	WEFT__JOB_SPAWNED = 0, /* a block of the message pool, its own */
	WEFT__JOB_ITEM,        /* a slot of the group, used again */
	WEFT__JOB_NODE         /* of a graph's run */
};

struct weft_job {
	struct weft_job *next; /* in the queue, a batch, a chain of ended ones, or the free slots */
	struct weft_group *group;
	weft_job_fn fn;
	void *arg;
	void (*on_cancel)(weft_job *job, void *arg);
	struct weft_job *told_next, **told_prev; /* among those to be told when the group is canceled; prev NULL: not there */
	uint32_t index;
	int32_t status;
	_Atomic(uint32_t) stage;
	uint8_t memory;
	bool started;         /* a runner took it: it counts as in flight */
	bool ran;             /* its function was called */
	bool being_told;      /* its on_cancel runs: the teller settles it */
	bool ended_meanwhile; /* ... if this is set */
};

struct weft__jobs { /* a list, first in first out */
	struct weft_job *first, *last;
};

/* Jobs that are not made yet: items of an array. */
struct weft__items {
	weft_job_fn fn;
	char *base;
	size_t item_bytes;
	uint32_t next, count;
	int *status; /* of the first; NULL: nobody wants them */
	size_t status_stride;
	struct weft_job *slots; /* owned */
	struct weft_job *free;  /* of slots */
};

/* What a graph adds. Under the lock. */
struct weft__group_hooks {
	/* A node's job has ended; others may be queued now, or be appended to ended (with their status) because they never will be. */
	void (*ended)(struct weft_group *g, struct weft_job *job, struct weft__jobs *ended);
	/* The group is canceled: append all that were never queued to ended. */
	void (*canceled)(struct weft_group *g, struct weft__jobs *ended);
	/* The last moment of the group. Not under the lock. */
	void (*fini)(struct weft_group *g);
};

struct weft_group {
	pthread_mutex_t lock;
	struct weft_runtime *rt; /* there while jobs are added and runners run */
	const struct weft__group_hooks *hooks;
	void *hooks_user;
	uint32_t policy, limit;

	struct weft__jobs queue;
	struct weft__items items;
	struct weft_job *told;   /* pending jobs that want to be told of a cancel */
	uint32_t spawned;        /* the next one's index */
	uint32_t unended, in_flight;
	uint32_t runners, runners_max;
	uint32_t busy;           /* runners that run jobs: they look for others when they are through */
	uint32_t batch;          /* how many the last of them would take now: above 1, jobs are short */
	uint32_t refs;
	bool joined, destroyed, over;
	_Atomic(int32_t) canceled; /* why; 0: it is not */
	struct weft_msg *parked; /* owned: a promise to the one runner that rests while the limit is reached */
	struct weft_msg *answer; /* owned: owed to whoever joined */
	struct weft_msg *keeper; /* owned: a promise to the actor that has the timer */
	weft_group_result result;
};

/* ---- group.c -------------------------------------------------------------------------------- */

/* What is to be done when the lock is released. Zeroed is nothing. */
struct weft__after {
	struct weft_msg *go, *answer, *keeper;
	struct weft__jobs ended; /* to be settled: they never ran */
	uint32_t items_from, items_to; /* to be settled, too: items that were never made */
	bool cancel;             /* tell those that are pending */
	bool wake;               /* whoever goes is not to wait for a worker that is busy */
	bool unref;              /* the jobs' reference */
};

struct weft_group *weft__group_new(struct weft_runtime *rt, const weft_group_options *opt, int *ret_error);
void weft__group_ref(struct weft_group *g);
void weft__group_unref(struct weft_group *g);
/* n jobs more, which come into the queue or the items before the lock is released. 0, or why there is no runner for them. */
int weft__group_add_locked(struct weft_group *g, uint32_t n, struct weft__after *after);
/* The group is canceled from here on. Under the lock; nothing when it was before. */
void weft__group_cancel_locked(struct weft_group *g, int reason, struct weft__after *after);
/* All that ended, each with its status, in one go. */
void weft__group_settle(struct weft_group *g, struct weft__jobs ended);
/* One alone. */
void weft__group_settle_one(struct weft_group *g, struct weft_job *job);
/* The same under the lock: then weft__group_after. */
void weft__group_settle_locked(struct weft_group *g, struct weft__jobs ended, struct weft__after *after);
void weft__group_after(struct weft_group *g, struct weft__after *after);
/*
 * A group that is whole from the start: count jobs, which come puts into the queue or the items, under the lock. Takes the caller's reference,
 * or hands it to ret_group. 0, or as weft_gather: then nothing ran.
 */
int weft__group_start(struct weft_group *g, uint32_t count, void (*come)(struct weft_group *g), weft_reply_to reply_to,
                      weft_group **ret_group);

static inline void weft__jobs_push(struct weft__jobs *list, struct weft_job *job)
{
	job->next = NULL;
	if (list->last)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static inline struct weft_job *weft__jobs_pop(struct weft__jobs *list)
{
	struct weft_job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->last = NULL;
	return job;
}

static inline void weft__jobs_splice(struct weft__jobs *to, struct weft__jobs *from)
{
	if (!from->first)
		return;
	if (to->last)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	*from = (struct weft__jobs){ NULL, NULL };
}

static inline bool weft__group_may_start(const struct weft_group *g)
{
	return (g->queue.first || g->items.next < g->items.count) && (!g->limit || g->in_flight < g->limit);
}

/* Jobs that have not started, and will. Nodes of a graph may come into the queue when there is no other runner to see it. */
static inline bool weft__group_has_more(const struct weft_group *g)
{
	return g->queue.first || g->items.next < g->items.count || (g->hooks && g->unended);
}

/* ---- runner.c --------------------------------------------------------------------------------- */

/* One runner more, which goes when the lock is released. Under the lock. 0, or as weft_actor_spawn. */
int weft__runner_make(struct weft_group *g, struct weft__after *after);
/* The caller is a runner of g, and jobs are short there: it looks for others in a moment. */
bool weft__runner_is_quick(const struct weft_group *g);
/* It goes; wake: a worker that sleeps is woken for it. */
void weft__runner_go(struct weft_msg *go, bool wake);

/* ---- many.c ----------------------------------------------------------------------------------- */

/* The next item as a job; there is one. Under the lock. */
struct weft_job *weft__item_next(struct weft_group *g);
/* Where the status of an item goes. */
void weft__item_status(struct weft_group *g, uint32_t index, int status);

/* ---- keeper.c --------------------------------------------------------------------------------- */

/* Somebody who cancels g when its time is up. 0, or as weft_actor_spawn. */
int weft__keeper_make(struct weft_group *g, uint64_t timeout_ns);

#endif
