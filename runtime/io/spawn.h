/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/spawn.h - start a program, signal its group, learn how it ended. No loop, no pipes: child.h has those.
 *
 * What the program is given is described in child.h.
 */
#ifndef WEFT_RUNTIME_IO_SPAWN_H
#define WEFT_RUNTIME_IO_SPAWN_H

#include "runtime/io/child.h"

#define WEFT__SPAWN_FDS_MAX (3u + WEFT__CHILD_FDS_MAX)

struct weft__spawn {
	const char *const *argv; /* not empty */
	const char *const *envp; /* NULL: empty */
	const char *cwd;         /* may be NULL */
	struct weft__child_limits limits;
	bool no_new_privs, as_user, in_cgroup;
	int cgroup; /* in_cgroup: its cgroup.procs, open for writing */
	uint32_t uid, gid; /* as_user: what it becomes; no other groups */
	int fds[WEFT__SPAWN_FDS_MAX]; /* become 0, 1, 2, ...; stay the caller's, who opened them with CLOEXEC */
	uint32_t fd_count;            /* at least 3 */
};

/*
 * Returns when the program runs: 0, its pid and a pidfd (CLOEXEC, the caller's); or why it does not,
 * and then there is no process. May be called in any thread, that must outlive the program.
 */
int weft__spawn(const struct weft__spawn *plan, int *ret_pid, int *ret_pidfd);

/* To the group of a program. 0, -ESRCH, -EINVAL, -EPERM. Safe from number reuse from Linux 6.9 on, before until it is reaped. */
int weft__spawn_signal(int pid, int pidfd, int signal);

/* The pidfd became readable: reap it. -EAGAIN: it has not ended. 0: *ret_exit is set (known may be false). */
int weft__spawn_reap(int pidfd, struct weft__child_exit *ret_exit);

#endif
