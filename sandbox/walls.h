/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/walls.h - what stands between a program and the rest of the machine.
 *
 * Made once, tried once by running a program inside, then shared: it is never written again. What
 * each wall is made of, and what it does not hold back: docs/internals/sandbox.md.
 */
#ifndef WEFT_SANDBOX_WALLS_H
#define WEFT_SANDBOX_WALLS_H

#include <weft/error.h>

#include "runtime/io/child.h"
#include "sandbox/cgroup.h"

struct weft__bind {
	const char *from; /* on the host; absolute */
	const char *to;   /* inside; NULL: the same */
	bool writable;
};

struct weft__walls_options {
	bool unsandboxed; /* no walls: only limits, a clean environment, and death with the host */
	const char *bwrap; /* NULL: looked for in /usr/local/bin, /usr/bin, /bin */
	const char *workspace; /* becomes /workspace and the program's folder; NULL: /tmp is */
	bool workspace_read_only;
	const struct weft__bind *binds;
	uint32_t bind_count;
	const char *const *env; /* "NAME=value", NULL at the end, beside a few fixed ones; may be NULL */
	bool network; /* the host's network, as it is */
	uint64_t tmp_bytes; /* of /tmp and of /dev/shm, each; they are memory */
	uint32_t processes; /* inside, at one time; not without walls */
	struct weft__child_limits limits; /* each process for itself; processes is not looked at */
	const char *cgroup; /* a folder for the groups of runs; NULL: what stands above bounds each process alone */
	struct weft__cgroup_limits all; /* with cgroup: of a run's processes together */
	uint32_t uid, gid; /* 0: the host's user, or 65534 when that is root */
};

struct weft__walls;

/*
 * 0, or err says what is missing and what to do: -ENOENT (no bubblewrap; no workspace), -EPERM (user namespaces are
 * forbidden, or a wall could not be made), -ENOSYS (built without libseccomp), -EINVAL, -ENOMEM. Everything is copied.
 * Waits for one program to run, some 10 ms. Not on a worker.
 */
int weft__walls_create(const struct weft__walls_options *options, struct weft__walls **ret_walls, weft_error *err);
void weft__walls_destroy(struct weft__walls *walls); /* NULL is fine */

/*
 * A program inside: the command line in front of argv, environment, limits, user. Any thread.
 * 0, -ENOMEM, -E (no descriptor, no group). plan->options is for weft__child_spawn, then done is called, and left with the plan's
 * run when the program has ended, or was not started.
 */
struct weft__walls_plan {
	struct weft__child_options options;
	const char **argv; /* owned; the strings are the walls' and the caller's */
	int filter;        /* owned; -1: none */
	struct weft__cgroup_run run; /* its caller's, for left */
};
int weft__walls_plan(const struct weft__walls *walls, const char *const *argv, struct weft__walls_plan *plan);
void weft__walls_plan_done(struct weft__walls_plan *plan);
/* True: it was killed because all of it together wanted too much memory. */
bool weft__walls_left(const struct weft__walls *walls, struct weft__cgroup_run *run);

#endif
