/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/cgroup.h - bounds of a whole run: a control group (version 2) for each, in a folder that the host was given for it.
 *
 * What a process limits for itself (RLIMIT_AS, RLIMIT_CPU) a program escapes by being many. A group bounds their sum, and
 * ends them all at once. Nothing is promised that the kernel does not hold: what cannot be set is an error.
 *
 *     open -> enter -> (the program starts in it) -> leave -> enter ... -> close
 *
 * Any thread.
 */
#ifndef WEFT_SANDBOX_CGROUP_H
#define WEFT_SANDBOX_CGROUP_H

#include <weft/error.h>

/* Of all processes of a run together; 0: no bound. */
struct weft__cgroup_limits {
	uint64_t memory_bytes; /* with their files in memory; past it one is killed, and all others with it */
	uint64_t processes;    /* and threads */
	uint32_t cpu_percent;  /* of one core, in each tenth of a second */
};

struct weft__cgroup;

/*
 * folder: a cgroup that this process may write to and no process is in. 0; or err says what is wrong: -ENOENT, -ENOTDIR (none, or of
 * version 1), -EACCES, -EROFS (not ours), -EBUSY (a process is in it), -EOPNOTSUPP (a controller that a limit needs is not
 * delegated), -ENOMEM.
 */
int weft__cgroup_open(const char *folder, const struct weft__cgroup_limits *limits, struct weft__cgroup **ret_cgroup, weft_error *err);
/* When all runs have left. Waits up to 50 ms for the last to be gone. NULL is fine. */
void weft__cgroup_close(struct weft__cgroup *cgroup);

#define WEFT__CGROUP_NAME 32u

/* A run's place in it. Zeroed: none. */
struct weft__cgroup_run {
	char name[WEFT__CGROUP_NAME]; /* below the folder; "": none */
	int folder; /* locked: whoever tidies up sees that somebody lives here */
	int procs;  /* a process that writes "0" there is in; the caller closes it once that happened */
};

static inline bool weft__cgroup_has(const struct weft__cgroup_run *run)
{
	return run->name[0];
}

/* 0, -E: nothing was made. Groups that a process left behind when it crashed go, and all that is in them. */
int weft__cgroup_enter(struct weft__cgroup *cgroup, struct weft__cgroup_run *ret_run);

/* The run is over: whatever is left of it is killed, and its group goes, soon. True: it was killed for want of memory. */
bool weft__cgroup_leave(struct weft__cgroup *cgroup, struct weft__cgroup_run *run);

/* In a run's folder: what enter writes. For tests. 0, -E. */
int weft__cgroup_limit(int folder, const struct weft__cgroup_limits *limits);

#endif
