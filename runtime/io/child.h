/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/child.h - a child process on a loop: its three pipes, its end, and its group.
 *
 *     spawn --0--> running --(pidfd)--> exited --(pipes end, or linger)--> closed
 *                     \--kill, end, close--^
 *
 * spawn returns when the program runs (or could not: the error is exec's own, there is
 * never an exit status 127 to guess from). From then on:
 *   - data, end and drained come as on any stream, back-pressure included; exited comes
 *     exactly once; closed comes exactly once and last, and then the child is its
 *     owner's again. All of them in the loop's thread, inside a wait, never inside a
 *     function of this header. They may call any of them.
 *   - exited may come before or after the output's end. When the program is gone, what is
 *     left of its group is killed, then what the pipes still hold is read. A descendant that
 *     left the group and keeps a pipe open delays closed by linger_ns after the last byte,
 *     no longer.
 *
 * What the child gets: the arguments, environment and descriptors given here and nothing
 * else of the host's; a process group of its own, no terminal; every
 * signal at its default and none blocked; the processors, timer slack and no more than the
 * limits of the process (not those of the worker's thread); core files off; SIGKILL when
 * the thread of its loop ends, which is only when the whole process dies: a loop ends its
 * children before it is retired.
 *
 * What the host notices: SIGCHLD, if it handles it. Nothing here depends on it: the end is
 * told by a pidfd. A host that ignores SIGCHLD, or waits for any child, takes the exit
 * status away; from Linux 6.15 on it is known nevertheless, before that exit.known is false.
 *
 * Linux 5.9 or newer. In a simulation there are no programs: spawn is -ENOSYS.
 */
#ifndef WEFT_RUNTIME_IO_CHILD_H
#define WEFT_RUNTIME_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/io/loop.h"

struct weft__child;
struct weft__child_run; /* private: what the loop and the kernel may touch; lives from spawn to closed */

enum {
	WEFT__CHILD_IN = 0, /* the numbers the program knows them by */
	WEFT__CHILD_OUT = 1,
	WEFT__CHILD_ERR = 2,
};

enum {
	WEFT__CHILD_NO_IN = 1u << 0,        /* stdin is /dev/null */
	WEFT__CHILD_NO_OUT = 1u << 1,       /* stdout is /dev/null */
	WEFT__CHILD_NO_ERR = 1u << 2,       /* stderr is /dev/null */
	WEFT__CHILD_ERR_TO_OUT = 1u << 3,   /* stderr is stdout; all of it comes as WEFT__CHILD_OUT */
	WEFT__CHILD_NO_NEW_PRIVS = 1u << 4, /* set-user-ID programs gain nothing */
	WEFT__CHILD_AS_USER = 1u << 5,      /* runs as uid and gid, without other groups: the host must be root */
	WEFT__CHILD_IN_CGROUP = 1u << 6,    /* runs in that of cgroup */
};

#define WEFT__CHILD_LINGER_NS 500000000ull /* linger_ns 0 */
#define WEFT__CHILD_UNSENT_MAX ((size_t)16 << 20) /* unsent_bytes_max 0 */
#define WEFT__CHILD_FDS_MAX 16u

/* 0: as the host has it. Applied before exec, so also to what the program starts. */
struct weft__child_limits {
	uint64_t cpu_seconds;   /* RLIMIT_CPU: SIGXCPU, SIGKILL a second later; each process for itself */
	uint64_t address_bytes; /* RLIMIT_AS, each process for itself */
	uint64_t file_bytes;    /* RLIMIT_FSIZE */
	uint64_t files;         /* RLIMIT_NOFILE */
	uint64_t processes;     /* RLIMIT_NPROC: of this user, not of this child alone */
};

struct weft__child_options {
	/*
	 * NULL at the end. argv[0] with a slash is the program's path (after cwd); without, it is
	 * looked for in PATH of envp, or in /usr/local/bin:/usr/bin:/bin; relative places are passed over.
	 */
	const char *const *argv;
	const char *const *envp; /* the whole environment, NULL at the end; NULL: empty */
	const char *cwd;         /* NULL: the host's */
	struct weft__child_limits limits;
	uint32_t flags;          /* WEFT__CHILD_... */
	uint32_t uid, gid;       /* with WEFT__CHILD_AS_USER */
	int cgroup;              /* with WEFT__CHILD_IN_CGROUP: its cgroup.procs, open for writing; stays the caller's */
	const int *fds;          /* more descriptors: the program sees them as 3, 4, ...; stay the caller's */
	uint32_t fd_count;       /* up to WEFT__CHILD_FDS_MAX */
	uint64_t linger_ns;      /* see above; 0: WEFT__CHILD_LINGER_NS */
	size_t unsent_bytes_max; /* of stdin; 0: WEFT__CHILD_UNSENT_MAX */
};

struct weft__child_exit {
	bool known; /* false: somebody else waited for it, and all below is 0 */
	int code;   /* exit status 0..255; 0 when signal is set */
	int signal; /* what killed it, or 0 */
	uint64_t cpu_ns;        /* user and system, with the descendants it waited for; 0: not known */
	uint64_t rss_bytes_max; /* 0: not known */
};

struct weft__child_fns {
	/* Output. bytes are valid during the call. which: WEFT__CHILD_OUT or WEFT__CHILD_ERR */
	void (*data)(struct weft__child *child, int which, const uint8_t *bytes, size_t len);
	/*
	 * No more of it: 0, -ETIMEDOUT (the program is gone, and a descendant kept it open past linger_ns), or -E
	 * when reading broke. Not for a pipe there never was, not after close. May be NULL.
	 */
	void (*end)(struct weft__child *child, int which, int status);
	/* All that was sent is in the pipe. May be NULL. */
	void (*drained)(struct weft__child *child);
	/* exit is valid during the call. */
	void (*exited)(struct weft__child *child, const struct weft__child_exit *exit);
	/* The last call: nothing is in flight, child may be freed or spawned again. */
	void (*closed)(struct weft__child *child);
};

/* Embedded by its owner, who keeps it from spawn to closed and sets fns and user before. */
struct weft__child {
	const struct weft__child_fns *fns;
	void *user;                  /* the owner's */
	int pid;                     /* its group, too; for messages, not for kill(2) */
	struct weft__child_run *run; /* private; NULL: not running */
};

/*
 * Start a program. Everything in options is copied or used up before it returns.
 * 0: closed comes; or nothing happened and nothing comes: -EINVAL (argv, fns, flags), -ENOENT, -EACCES,
 * -ENOEXEC, -ENOTDIR (cwd), -E2BIG, ... as execve, chdir and setrlimit say; -ENOMEM, -EAGAIN (no more
 * processes), -EMFILE, -ENFILE, -ENOSYS (old kernel, simulation), -ESHUTDOWN (the loop is being retired).
 * Waits for exec: some 100 us to a millisecond, whatever the size of this process.
 */
int weft__child_spawn(struct weft__loop *loop, struct weft__child *child, const struct weft__child_options *options);

/*
 * To its stdin: copied, in order. 0, -EPIPE (it reads no more, or finish or close was called; the child
 * itself may be well), -ENOBUFS (past unsent_bytes_max, nothing was taken), -ENOMEM, -ESRCH (not running).
 */
int weft__child_send(struct weft__child *child, const void *bytes, size_t len);
size_t weft__child_unsent(const struct weft__child *child);
/* Its stdin ends after what was sent. */
void weft__child_finish(struct weft__child *child);

/* No data calls while paused; the program waits when its pipe is full. Time paused does not count as linger. */
void weft__child_pause(struct weft__child *child, int which, bool paused);

/* Signal the whole group. 0, -ESRCH (exited), -EINVAL. */
int weft__child_kill(struct weft__child *child, int signal);

/* Ask, then insist: SIGTERM to the group now, SIGKILL after grace_ns if it has not exited (0: SIGKILL now). */
void weft__child_end(struct weft__child *child, uint64_t grace_ns);

/* Give up: SIGKILL, no more data, end or drained; exited and closed come. Fine in any state. */
void weft__child_close(struct weft__child *child);

#endif
