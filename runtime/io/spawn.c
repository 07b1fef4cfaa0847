/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/spawn.c - a program is started on borrowed memory: clone with CLONE_VM | CLONE_VFORK | CLONE_PIDFD.
 *
 * The host may be large (fork would copy its page tables), threaded (a fork's child may
 * not call malloc) and careless about SIGCHLD (its pid could be another's by the time we ask
 * for a pidfd). So: the child runs on a stack of its own in our memory while this thread
 * waits, does system calls and nothing else, and tells an error by writing it down where we
 * read it. posix_spawn does the first two; it knows no pidfd before glibc 2.39, no limits and
 * no death signal. docs/internals/child.md has the figures.
 *
 * Between clone and exec the child is born with exit signal 0: one that fails there is
 * never seen by the host. exec sets it to SIGCHLD.
 */
#include "runtime/io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

#define STACK_BYTES 32768u
#define PATH_BYTES 4096u
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
#define CPU_WORDS 128u /* 8,192 processors */
#define SIGNAL_BYTES 8u /* of the kernel's signal set */
#define SLACK_NS 50000ul /* the kernel's own */
#define SIGNALS 64

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4u
#endif
#define WAIT_PIDFD 3 /* P_PIDFD */

/* Code of the child must not touch what a sanitizer keeps for this thread. */
#if defined(__clang__)
#define CHILD_CODE __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define CHILD_CODE __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#endif

/*
 * The C library's own, by its other name: the thread sanitizer takes the place of clone() and
 * undoes a fork when it returns, once in each of two processes that share one memory.
 */
#ifdef __GLIBC__
int __clone(int (*main)(void *), void *stack_end, int flags, void *arg, ...);
#define raw_clone __clone
#else
#define raw_clone clone
#endif

struct birth {
	const struct weft__spawn *plan;
	const char *path;
	const char *cwd;
	char *const *argv, *const *envp;
	pid_t parent;
	long cpu_bytes; /* of cpus; <= 0: leave it */
	uint64_t cpus[CPU_WORDS]; /* the process's, not this thread's */
	uint64_t signals; /* this thread's mask, while all are blocked */
	int error; /* the child's answer; it is read when the thread goes on */
	char found[PATH_BYTES];
	_Alignas(64) char stack[STACK_BYTES];
};

/* ---- in the child: system calls only ------------------------------------------------- */

struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

CHILD_CODE static void reset_signals(void)
{
	struct kernel_sigaction fresh = { .handler = NULL /* SIG_DFL */ };

	for (int signal = 1; signal <= SIGNALS; signal++)
		syscall(SYS_rt_sigaction, signal, &fresh, NULL, SIGNAL_BYTES); /* KILL and STOP refuse: fine */
}

/* Where a limit below the wanted hard one stands already, that one holds. */
CHILD_CODE static int limit(int resource, uint64_t soft, uint64_t hard)
{
	struct {
		uint64_t soft, hard;
	} now, want = { soft, hard };

	if (syscall(SYS_prlimit64, 0, resource, NULL, &now) < 0)
		return -errno;
	if (want.hard > now.hard)
		want.hard = now.hard;
	if (want.soft > want.hard)
		want.soft = want.hard;
	return syscall(SYS_prlimit64, 0, resource, &want, NULL) < 0 ? -errno : 0;
}

CHILD_CODE static int set_limits(const struct weft__child_limits *l)
{
	int r = limit(RLIMIT_CORE, 0, 0);

	if (r == 0 && l->cpu_seconds)
		r = limit(RLIMIT_CPU, l->cpu_seconds, l->cpu_seconds + 1);
	if (r == 0 && l->address_bytes)
		r = limit(RLIMIT_AS, l->address_bytes, l->address_bytes);
	if (r == 0 && l->file_bytes)
		r = limit(RLIMIT_FSIZE, l->file_bytes, l->file_bytes);
	if (r == 0 && l->files)
		r = limit(RLIMIT_NOFILE, l->files, l->files);
	if (r == 0 && l->processes)
		r = limit(RLIMIT_NPROC, l->processes, l->processes);
	return r;
}

/* Out of the way first: a source may have a number that is another's place. */
CHILD_CODE static int place_fds(const struct weft__spawn *plan)
{
	int away[WEFT__SPAWN_FDS_MAX];

	for (uint32_t i = 0; i < plan->fd_count; i++) {
		away[i] = (int)syscall(SYS_fcntl, plan->fds[i], F_DUPFD_CLOEXEC, (long)plan->fd_count);
		if (away[i] < 0)
			return -errno;
	}
	for (uint32_t i = 0; i < plan->fd_count; i++) {
		if (syscall(SYS_dup3, away[i], (int)i, 0) < 0)
			return -errno;
	}
	/* Also what the host opened without CLOEXEC, and what another thread is just opening. */
	return syscall(SYS_close_range, plan->fd_count, ~0u, 0) < 0 ? -errno : 0;
}

/* System calls of this process alone; the library's functions would have every thread of the host follow. */
CHILD_CODE static int change_user(uint32_t uid, uint32_t gid)
{
	if (syscall(SYS_setgroups, 0ul, NULL) < 0 || syscall(SYS_setresgid, gid, gid, gid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* After a change of user, which takes the signal back. */
CHILD_CODE static int die_with(pid_t parent)
{
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul) < 0)
		return -errno;
	return syscall(SYS_getppid) == parent ? 0 : -ESRCH; /* it died before this could be said: nobody is told */
}

/*
 * A group of its own and no terminal. A session of its own would be both at once, but where the scheduler
 * groups sessions (autogroup) the newcomer goes to the end of the line while this thread waits for its
 * exec: 2 ms in place of 0.1 on a busy machine.
 */
CHILD_CODE static void leave_terminal(void)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return; /* there is none */
	syscall(SYS_ioctl, fd, TIOCNOTTY);
	syscall(SYS_close, fd);
}

CHILD_CODE static int become(struct birth *b)
{
	uint64_t none = 0;
	int r;

	if (syscall(SYS_setpgid, 0, 0) < 0)
		return -errno;
	leave_terminal();
	reset_signals();
	if (b->cpu_bytes > 0)
		syscall(SYS_sched_setaffinity, 0, b->cpu_bytes, b->cpus); /* a favour: may be refused */
	syscall(SYS_prctl, PR_SET_TIMERSLACK, SLACK_NS, 0ul, 0ul, 0ul);
	/* first of all bounds, while this is still the host's user */
	if (b->plan->in_cgroup && syscall(SYS_write, b->plan->cgroup, "0", 1ul) < 0)
		return -errno;
	r = place_fds(b->plan);
	if (r == 0)
		r = set_limits(&b->plan->limits);
	if (r == 0 && b->plan->as_user)
		r = change_user(b->plan->uid, b->plan->gid);
	if (r == 0)
		r = die_with(b->parent);
	if (r < 0)
		return r;
	if (b->cwd && syscall(SYS_chdir, b->cwd) < 0)
		return -errno;
	if (b->plan->no_new_privs && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) < 0)
		return -errno;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_BYTES);
	syscall(SYS_execve, b->path, b->argv, b->envp);
	return -errno;
}

CHILD_CODE static int child_main(void *arg)
{
	struct birth *b = arg;

	b->error = become(b);
	syscall(SYS_exit_group, 127);
	return 127;
}

/* ---- in the parent -------------------------------------------------------------------- */

static const char *path_of(const char *const *envp)
{
	for (; envp && *envp; envp++) {
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	}
	return PATH_DEFAULT;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* As execvp looks, in the PATH the program will have; -EACCES when all that was found may not be run. */
static int look_up(struct birth *b, const char *name)
{
	int r = -ENOENT;

	b->path = name;
	if (strchr(name, '/'))
		return 0;
	for (const char *at = path_of(b->plan->envp); at; at = *at ? at + 1 : NULL) {
		size_t len = strcspn(at, ":");
		int n = len ? snprintf(b->found, sizeof(b->found), "%.*s/%s", (int)len, at, name) : -1;

		if (n > 0 && (size_t)n < sizeof(b->found) && *at == '/' && is_file(b->found)) {
			b->path = b->found;
			if (access(b->found, X_OK) == 0)
				return 0;
			r = -EACCES;
		}
		at += len;
	}
	return r;
}

static int wait_for(int pidfd, siginfo_t *info, struct rusage *usage, int how)
{
	long r;

	do {
		r = syscall(SYS_waitid, WAIT_PIDFD, pidfd, info, WEXITED | __WALL | how, usage);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int give_birth(struct birth *b, int *ret_pid, int *ret_pidfd)
{
	uint64_t all = ~(uint64_t)0;
	int pidfd = -1, error;
	pid_t pid;

	/* No handler of the host's may run in the child: it would run on our memory. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &b->signals, SIGNAL_BYTES);
	pid = raw_clone(child_main, b->stack + sizeof(b->stack), CLONE_VM | CLONE_VFORK | CLONE_PIDFD, b, &pidfd);
	error = -errno;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &b->signals, NULL, SIGNAL_BYTES);
	if (pid < 0)
		return error == -EINVAL ? -ENOSYS : error;
	if (b->error < 0) {
		siginfo_t info;

		(void)wait_for(pidfd, &info, NULL, 0);
		close(pidfd);
		return b->error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

int weft__spawn(const struct weft__spawn *plan, int *ret_pid, int *ret_pidfd)
{
	static char *const empty[] = { NULL };
	struct birth *b;
	int r;

	WEFT_ASSERT(plan->fd_count >= 3 && plan->fd_count <= WEFT__SPAWN_FDS_MAX);
	b = weft_malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->plan = plan;
	b->cwd = plan->cwd;
	b->argv = (char *const *)(uintptr_t)plan->argv;
	b->envp = plan->envp ? (char *const *)(uintptr_t)plan->envp : empty;
	b->parent = getpid();
	b->error = 0;
	b->cpu_bytes = syscall(SYS_sched_getaffinity, b->parent, sizeof(b->cpus), b->cpus);
	r = look_up(b, plan->argv[0]);
	if (r == 0)
		r = give_birth(b, ret_pid, ret_pidfd);
	weft_free(b);
	return r;
}

/* ---- afterwards ------------------------------------------------------------------------- */

int weft__spawn_signal(int pid, int pidfd, int signal)
{
	long r = syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, PIDFD_SIGNAL_PROCESS_GROUP);

	if (r < 0 && (errno == EINVAL || errno == ENOSYS)) /* before 6.9 */
		r = kill(-pid, signal);
	return r < 0 ? -errno : 0;
}

/* struct pidfd_info of Linux 6.13, which headers of 2023 do not have; the exit code came with 6.15. */
struct told {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define ASK_EXIT ((uint64_t)1 << 3)
#define PIDFD_ASK _IOWR(0xFF, 11, struct told)

/* The host reaped it, or ignores SIGCHLD: the pidfd may still know. */
static void ask_pidfd(int pidfd, struct weft__child_exit *exit)
{
	struct told told = { .mask = ASK_EXIT };

	if (ioctl(pidfd, PIDFD_ASK, &told) < 0 || !(told.mask & ASK_EXIT))
		return;
	exit->known = true;
	exit->signal = told.exit_code & 0x7f;
	exit->code = exit->signal ? 0 : told.exit_code >> 8 & 0xff;
}

static uint64_t time_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000u;
}

int weft__spawn_reap(int pidfd, struct weft__child_exit *ret_exit)
{
	struct rusage usage = { 0 };
	siginfo_t info = { 0 };
	int r = wait_for(pidfd, &info, &usage, WNOHANG);

	if (r == 0 && info.si_pid == 0)
		return -EAGAIN;
	*ret_exit = (struct weft__child_exit){ 0 };
	if (r < 0) {
		ask_pidfd(pidfd, ret_exit);
		return 0;
	}
	ret_exit->known = true;
	if (info.si_code == CLD_EXITED)
		ret_exit->code = info.si_status & 0xff;
	else
		ret_exit->signal = info.si_status;
	ret_exit->cpu_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime);
	ret_exit->rss_bytes_max = (uint64_t)usage.ru_maxrss * 1024u;
	return 0;
}
