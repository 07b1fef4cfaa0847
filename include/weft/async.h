/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/async.h - jobs on the workers: groups of them, gathers, races, bounded maps; semaphores.
 *
 * A job is a function that a worker calls once. It belongs to a group, and the group is over when every job of it has
 * ended: nothing outlives it. Whoever joins a group gets one message then: an actor in its mailbox, a foreign thread in
 * a future (waiting for that, it helps) or in a port, which has an eventfd.
 *
 *     weft_group_create(rt, &options, &group);
 *     for (i = 0; i < n; i++)
 *         weft_group_spawn(group, resize_picture, &pictures[i]);
 *     weft_group_join(group, weft_reply_to_actor(weft_actor_ref(self), 0));
 *     ...                                          the message: all is done, weft_group_result_of says how
 *     weft_group_destroy(group);
 *
 * A job that waits for something, an agent's answer say, returns WEFT_PENDING and is finished from wherever the answer
 * comes: no worker waits meanwhile. Each job ends exactly once: it returned, it was finished, or it never ran and its
 * status says why (-ECANCELED, -ETIMEDOUT, -ESHUTDOWN, -ENOMEM).
 *
 * Memory that jobs work on stays the caller's; it must be there until the group's answer came.
 *
 * Source: docs/internals/async.md, docs/guide/async.md.
 */
#ifndef WEFT_ASYNC_H
#define WEFT_ASYNC_H

#include <weft/actor.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

/* ---- jobs -------------------------------------------------------------- */

typedef struct weft_group weft_group;
typedef struct weft_job weft_job;

/**
 * The work. On a worker, or on a foreign thread that helps; must not block. Not an actor's turn: weft_actor_self is
 * not the caller's there, and is to be left alone.
 * @return 0: done; WEFT_PENDING: weft_job_finish is called later, exactly once, from any thread, also before this
 *         returned; negative: failed
 */
typedef int (*weft_job_fn)(weft_job *job, void *arg);

/** End a job that returned, or will return, WEFT_PENDING; it is gone then. status: 0 or negative; anything else counts as WEFT_EFAILED. */
WEFT_API void weft_job_finish(weft_job *job, int status);

/**
 * Ask to be told when nobody wants the result any more: the group was canceled, failed, or its time is up. To be called
 * from the job's function, before it returns WEFT_PENDING. fn is called at most once, with the job's argument: on the
 * thread that cancels, or, if the group was canceled before the function returned, on the worker that ran it. It may finish
 * the job; until fn returned the job is there. It is not called for a job that was finished, but a weft_job_finish on
 * another thread can overlap with it, or return just before it begins: what both look at must outlive the group's answer, and
 * only one of them may finish the job.
 */
WEFT_API void weft_job_on_cancel(weft_job *job, void (*fn)(weft_job *job, void *arg));

/** True when nobody wants the result any more: for long work to look at. Threads: any that may finish the job. */
WEFT_API bool weft_job_is_canceled(const weft_job *job);
/** Its place in a gather, race or map; of a spawned one, how many were spawned before it. */
WEFT_API uint32_t weft_job_index(const weft_job *job);
/** Its group: a job may spawn others into it. */
WEFT_API weft_group *weft_job_group(const weft_job *job);

/* ---- groups ------------------------------------------------------------ */

typedef enum weft_group_policy {
	WEFT_GROUP_FAIL_FAST = 0, /* the first failure cancels the rest */
	WEFT_GROUP_ALL = 1,       /* failures are counted, everything runs */
	WEFT_GROUP_RACE = 2       /* the first success cancels the rest, failures are counted */
} weft_group_policy;

typedef struct weft_group_options {
	uint32_t size;       /* set by WEFT_GROUP_OPTIONS_INIT */
	uint32_t policy;     /* weft_group_policy */
	uint32_t limit;      /* jobs that run or are pending at once; 0: no limit */
	uint32_t reserved;
	uint64_t timeout_ns; /* from now on; then it is canceled with -ETIMEDOUT. 0: never */
} weft_group_options;

#define WEFT_GROUP_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_group_options)                                                         \
	}

/** How a group ended. jobs == succeeded + failed + canceled. */
typedef struct weft_group_result {
	uint32_t jobs;      /* that there were */
	uint32_t succeeded; /* with status 0 */
	uint32_t failed;    /* ran, and ended with a negative status */
	uint32_t canceled;  /* never ran */
	uint32_t first;     /* index of the job that decided: the first success of a race, else the first failure; UINT32_MAX: none */
	int status;         /* also the answer's: 0, or the first failure's, or why it was canceled; of a race 0 when one won */
} weft_group_result;

/**
 * A group without jobs.
 * @param opt  NULL for the defaults; copied
 * @return 0, -EINVAL, -ENOMEM; with a timeout also -EAGAIN (actors_max), -ESHUTDOWN. Threads: any.
 */
WEFT_API int weft_group_create(weft_runtime *rt, const weft_group_options *opt, weft_group **ret_group);

/**
 * Add a job; it runs soon, in the order of spawning as far as there are no others to run beside it.
 * @return 0: it will end exactly once; else it never runs: -EINVAL, -ENOMEM, -EAGAIN (actors_max), -ESHUTDOWN,
 *         -ECANCELED (the group is canceled), -EALREADY (it was joined and is over)
 * Threads: any, also jobs of the group. Blocks: never.
 * Limits: 2^31 - 1 jobs that have not ended. Each of them is a block of memory until it ends, waiting or not: a group's limit bounds
 *         what runs, not what waits. Who has many spawns a few and the next ones from the jobs, or uses weft_map.
 */
WEFT_API int weft_group_spawn(weft_group *group, weft_job_fn fn, void *arg);

/**
 * Be told when every job has ended: an answer of kind 0, whose status is that of the result. From then on there can be no new jobs.
 * @return 0: exactly one answer comes; -EALREADY (joined before), -EINVAL, -ENOMEM, and as weft_request for the place
 *         at the asker; the group goes on as before then. Threads: any.
 */
WEFT_API int weft_group_join(weft_group *group, weft_reply_to reply_to);

/** What a group's answer says, as long as the message lives; NULL: it is no such answer. */
WEFT_API const weft_group_result *weft_group_result_of(weft_msg *answer);

/**
 * Ask all jobs to stop: those that wait never run and end with reason; those that run can look (weft_job_is_canceled);
 * those that are pending are told (weft_job_on_cancel). The first reason stays. Does not wait.
 * @param reason  negative; anything else becomes -ECANCELED
 * Threads: any.
 */
WEFT_API void weft_group_cancel(weft_group *group, int reason);

/**
 * Let go of the group. Jobs that have not ended are canceled; the group's memory goes with the last of them, and an
 * answer that was asked for still comes. NULL is fine. Threads: any.
 */
WEFT_API void weft_group_destroy(weft_group *group);

/* ---- many at once ------------------------------------------------------ */

/** One of a gather or race. */
typedef struct weft_call {
	weft_job_fn fn;
	void *arg;
	int status; /* set to what became of it, before the answer */
} weft_call;

/**
 * Run all calls; one answer, when all have ended. calls[i].status is what became of the i-th.
 *
 * @param calls      the caller's, in use until the answer
 * @param opt        policy, limit and timeout; may be NULL: the first failure cancels the rest
 * @param reply_to   gets the answer (weft_group_result_of)
 * @param ret_group  may be NULL; else the caller's, to cancel it by, and to be destroyed
 * @return 0, or -EINVAL, -ENOMEM, -EAGAIN (actors_max), -ESHUTDOWN, and as weft_request for the place at the asker: none
 *         has run and no answer comes. Threads: any. Blocks: never.
 */
WEFT_API int weft_gather(weft_runtime *rt, weft_call *calls, uint32_t count, const weft_group_options *opt,
                         weft_reply_to reply_to, weft_group **ret_group);

/** The same, but the first success cancels the rest: the result's first says which it was. opt's policy is not looked at. */
WEFT_API int weft_race(weft_runtime *rt, weft_call *calls, uint32_t count, const weft_group_options *opt,
                       weft_reply_to reply_to, weft_group **ret_group);

/** One function for many items. */
typedef struct weft_map_work {
	weft_job_fn fn;    /* its arg is the item */
	void *items;       /* the caller's, in use until the answer; item i is at items + i * item_bytes */
	size_t item_bytes; /* 0: each gets the same pointer */
	uint32_t count;
	int *ret_status;   /* room for count, or NULL; what became of each, before the answer */
} weft_map_work;

/**
 * As weft_gather, for the items of work (copied). At most opt->limit of them run or are pending at once; memory is
 * taken for so many (about 100 bytes each), not for all: set a limit where there are many.
 */
WEFT_API int weft_map(weft_runtime *rt, const weft_map_work *work, const weft_group_options *opt, weft_reply_to reply_to,
                      weft_group **ret_group);

/* ---- semaphores -------------------------------------------------------- */

/*
 * So many permits, for actors and jobs of any runtime, and for foreign threads. Who gets none now is told later, in a
 * message, in the order of asking; no thread waits. A permit that is granted to somebody who ended meanwhile is
 * given to the next one: permits are never lost, and never made.
 */
typedef struct weft_semaphore weft_semaphore;

typedef struct weft_ticket {
	uint64_t id; /* {0} is none */
} weft_ticket;

#define WEFT_SEMAPHORE_PERMITS_MAX (1u << 30)

/** @return 0, -EINVAL (no permits, or more than WEFT_SEMAPHORE_PERMITS_MAX), -ENOMEM */
WEFT_API int weft_semaphore_create(uint32_t permits, weft_semaphore **ret_semaphore);
/** Whoever still waits is answered -ECANCELED; permits that are out need not come back. NULL is fine. */
WEFT_API void weft_semaphore_destroy(weft_semaphore *semaphore);

/** @return 0: a permit, to be given back by weft_semaphore_release; -EAGAIN: none, or others wait for one. Threads: any. */
WEFT_API int weft_semaphore_try_acquire(weft_semaphore *semaphore);

/**
 * Get a permit now or later.
 * @param ret_ticket  may be NULL; to give up by
 * @return 0: a permit, now, and no answer comes; WEFT_PENDING: exactly one answer comes, to be given to
 *         weft_semaphore_take; -EINVAL, -ENOMEM, and as weft_request for the place at the asker
 * Threads: any. Blocks: never.
 * Limits: 2^30 who wait; each is a message and 24 bytes until it is answered.
 */
WEFT_API int weft_semaphore_acquire(weft_semaphore *semaphore, weft_reply_to reply_to, weft_ticket *ret_ticket);

/**
 * Take the permit out of an answer: once. One that is released without that gives its permit back.
 * @return 0: a permit, as from try_acquire; -ECANCELED: given up, or the semaphore was destroyed; -EINVAL: no such answer
 */
WEFT_API int weft_semaphore_take(weft_msg *answer);

/** Wait no longer. @return 0: its answer comes with -ECANCELED; -ENOENT: it was answered before. In constant time. */
WEFT_API int weft_semaphore_give_up(weft_semaphore *semaphore, weft_ticket ticket);

/** Give a permit back: to whoever waits longest, if anybody does. More than were taken is an error of the caller's. */
WEFT_API void weft_semaphore_release(weft_semaphore *semaphore);

/** Permits that are free, and how many wait, at this moment. Threads: any. */
WEFT_API uint32_t weft_semaphore_free(const weft_semaphore *semaphore);
WEFT_API uint32_t weft_semaphore_waiting(weft_semaphore *semaphore);

WEFT_END_DECLS

#endif
