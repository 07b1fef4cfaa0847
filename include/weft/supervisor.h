/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/supervisor.h - actors that keep other actors running.
 *
 * A supervisor starts its children in order, is linked to them, and when one ends it does what
 * the child's spec and its own strategy say. When it would have to restart more often than it may, it
 * stops what is left and fails itself: then its own supervisor decides. It stops children one at a time, the
 * last first. If it is killed, its children end with it by their links.
 *
 * A supervisor is an actor: weft_actor_stop ends it and its children in order. From the moment the runtime
 * is asked to stop nothing is restarted.
 *
 * Source: docs/guide/supervision.md, docs/decisions/0008-supervision.md.
 */
#ifndef WEFT_SUPERVISOR_H
#define WEFT_SUPERVISOR_H

#include <weft/actor.h>

WEFT_BEGIN_DECLS

/* ---- names ------------------------------------------------------------------ */

#define WEFT_NAME_BYTES 64 /* of a name or a child's id, its NUL among them */

/**
 * Give an actor of rt a name, until it ends. An actor may have several.
 * @return 0, -EINVAL (empty or too long, another runtime's), -EEXIST (a living actor has it), -ESRCH, -ENOMEM.
 * Threads: any. Blocks: on a lock held for a few instructions.
 */
WEFT_API int weft_name_register(weft_runtime *rt, const char *name, weft_ref actor);
/** @return 0, -EINVAL, -ENOENT. Threads: any. */
WEFT_API int weft_name_unregister(weft_runtime *rt, const char *name);
/** Who has the name. @return 0, -EINVAL, -ENOENT. Threads: any. */
WEFT_API int weft_name_find(weft_runtime *rt, const char *name, weft_ref *ret_actor);

/* ---- children ----------------------------------------------------------------- */

typedef enum weft_restart {
	WEFT_RESTART_PERMANENT = 0, /* always */
	WEFT_RESTART_TRANSIENT,     /* when its reason is not 0 */
	WEFT_RESTART_TEMPORARY      /* never; its spec goes with it */
} weft_restart;

#define WEFT_SHUTDOWN_DEFAULT 0          /* 5 seconds */
#define WEFT_SHUTDOWN_KILL UINT64_C(1)   /* it is killed without being asked */
#define WEFT_SHUTDOWN_WAIT UINT64_MAX    /* as long as it takes: for supervisors */

/**
 * Start a child: on the supervisor's worker, as its own code. The supervisor links itself to *ret_child.
 * @return 0 or a negative error. Must not block.
 */
typedef int (*weft_child_start)(weft_actor *supervisor, void *user, weft_ref *ret_child);

/** How to start a child and what to do when it ends. All texts and bytes are copied. */
typedef struct weft_child_spec {
	uint32_t size;                 /* sizeof(weft_child_spec) */
	uint32_t restart;              /* weft_restart */
	const char *id;                /* unique in its supervisor */
	const weft_actor_class *cls;   /* spawned from state_init (state_bytes bytes, or NULL for zeros); or ... */
	const void *state_init;
	weft_child_start start;        /* ... this is called, with user; cls is NULL */
	void *user;                    /* not owned; outlives the supervisor */
	const char *name;              /* registered for it (weft_name_register); NULL: none */
	uint64_t shutdown_ns;          /* after WEFT_KIND_STOP it has so long, then it is killed; or WEFT_SHUTDOWN_* */
} weft_child_spec;

typedef enum weft_strategy {
	WEFT_ONE_FOR_ONE = 0, /* the one that ended is restarted */
	WEFT_ONE_FOR_ALL,     /* the others are stopped, and all restarted that ran */
	WEFT_REST_FOR_ONE     /* those started after it are stopped, and it and they restarted */
} weft_strategy;

typedef struct weft_supervisor_options {
	uint32_t size;         /* set by WEFT_SUPERVISOR_OPTIONS_INIT */
	uint32_t strategy;     /* weft_strategy */
	uint32_t restarts_max; /* so many restarts within period_ns; one more and it fails with WEFT_ERESTARTS; at most 10,000 */
	uint32_t reserved;
	uint64_t period_ns;
} weft_supervisor_options;

#define WEFT_SUPERVISOR_OPTIONS_INIT                                                                       \
	{                                                                                                  \
		.size = sizeof(weft_supervisor_options), .restarts_max = 3, .period_ns = UINT64_C(5000000000) \
	}

/**
 * Make a supervisor and have it start its children, in this order. A child that cannot be started stops those
 * before it, and the supervisor ends with that error.
 * @param opt  NULL for the defaults; copied, like specs
 * @return 0 (the children are not started yet), -EINVAL, -EEXIST (an id twice), and as weft_actor_spawn. Threads: any.
 */
WEFT_API int weft_supervisor_spawn(weft_runtime *rt, const weft_supervisor_options *opt, const weft_child_spec *specs,
                                   uint32_t count, weft_ref *ret_ref);

/* ---- asking a supervisor -------------------------------------------------------- */

/** What an answer says of one child. */
typedef struct weft_child_info {
	weft_ref ref; /* {0}: not running */
	uint32_t restart;
	uint32_t restarts; /* so far */
	char id[WEFT_NAME_BYTES];
} weft_child_info;

/** The payload of every answer. */
typedef struct weft_children {
	uint32_t specs;   /* children known */
	uint32_t running; /* of them */
	uint32_t listed;  /* entries of child: the one that was asked for, or as many as were asked for */
	uint32_t reserved;
	const weft_child_info *child; /* in the payload as well: as long as the answer */
} weft_children;

/*
 * Each sends a request; the answer goes to reply_to with status 0 or an error, and weft_children as its payload.
 * Orders are carried out one after the other, and wait while children are being stopped.
 * Return: 0, -EINVAL, -ENOMEM, and as weft_request. Threads: any.
 */

/** Add a child after the others and start it. Answers: -EEXIST, or why it could not be started (it is not added then). */
WEFT_API int weft_supervisor_add(weft_ref supervisor, const weft_child_spec *spec, weft_reply_to reply_to);
/** Stop a child, as at a shutdown; its spec stays, one of a temporary child goes. Answered when it ended: -ENOENT. */
WEFT_API int weft_supervisor_terminate(weft_ref supervisor, const char *id, weft_reply_to reply_to);
/** Start a child that does not run. Answers: -ENOENT, -EALREADY, or why it could not be started. */
WEFT_API int weft_supervisor_restart(weft_ref supervisor, const char *id, weft_reply_to reply_to);
/** Forget a child that does not run. Answers: -ENOENT, -EBUSY. */
WEFT_API int weft_supervisor_delete(weft_ref supervisor, const char *id, weft_reply_to reply_to);
/** How many there are, and up to max of them, in the order of their start. */
WEFT_API int weft_supervisor_children(weft_ref supervisor, uint32_t max, weft_reply_to reply_to);

WEFT_END_DECLS

#endif
