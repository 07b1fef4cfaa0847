/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a program inherits, which is what it was given and nothing else; how its failure to start
 * and its end are told.
 * Method: /bin/sh and cat look at themselves through /proc, from hosts that were made untidy on purpose.
 */
#include "runtime/io/spawn.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
	int pid, pidfd, out; /* out: what it prints comes here */
	char text[8192];
};

static struct weft__spawn plan_of(const char *const *argv, int null, int out)
{
	return (struct weft__spawn){ .argv = argv, .fds = { null, out, 2 }, .fd_count = 3 };
}

/* 0, or what spawn says. */
static int start(struct program *p, struct weft__spawn *plan)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), r;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	plan->fds[0] = null;
	plan->fds[1] = ends[1];
	plan->fds[2] = 2;
	if (!plan->fd_count)
		plan->fd_count = 3;
	r = weft__spawn(plan, &p->pid, &p->pidfd);
	close(null);
	close(ends[1]);
	p->out = ends[0];
	if (r < 0)
		close(ends[0]);
	return r;
}

static struct weft__child_exit finish(struct program *p)
{
	struct weft__child_exit end = { 0 };
	struct pollfd ended = { .fd = p->pidfd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(p->text) - 1 && (n = read(p->out, p->text + len, sizeof(p->text) - 1 - len)) > 0)
		len += (size_t)n;
	p->text[len] = '\0';
	cr_assert_eq(poll(&ended, 1, 60000), 1, "it ends");
	cr_assert_eq(weft__spawn_reap(p->pidfd, &end), 0);
	close(p->pidfd);
	close(p->out);
	return end;
}

static struct weft__child_exit run(struct program *p, struct weft__spawn plan)
{
	cr_assert_eq(start(p, &plan), 0);
	return finish(p);
}

static struct weft__child_exit shell(struct program *p, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	return run(p, plan_of(argv, -1, -1));
}

/* No child of ours is left, dead or alive. */
static void expect_no_children(void)
{
	cr_expect_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	cr_expect_eq(errno, ECHILD);
}

Test(spawn, exit_code_and_signal_are_told)
{
	struct program p;
	struct weft__child_exit end = shell(&p, "echo hello; exit 7");

	cr_expect(end.known);
	cr_expect_eq(end.code, 7);
	cr_expect_eq(end.signal, 0);
	cr_expect_gt(end.rss_bytes_max, 0);
	cr_expect_str_eq(p.text, "hello\n");
	end = shell(&p, "kill -KILL $$");
	cr_expect(end.known);
	cr_expect_eq(end.code, 0);
	cr_expect_eq(end.signal, SIGKILL);
	expect_no_children();
}

static int failure(const char *const *argv, const char *cwd)
{
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;

	plan.cwd = cwd;
	return start(&p, &plan);
}

static volatile sig_atomic_t sigchlds;

static void count_sigchld(int signal)
{
	(void)signal;
	sigchlds++;
}

static int temp_script(char *path, const char *text, mode_t mode)
{
	int fd = mkostemp(path, O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	return close(fd);
}

Test(spawn, failure_to_start_is_an_error_and_no_process)
{
	static char huge[256 * 1024];
	char plain[] = "/tmp/weft-test-spawn-XXXXXX", headless[] = "/tmp/weft-test-spawn-XXXXXX";

	signal(SIGCHLD, count_sigchld);
	temp_script(plain, "#!/bin/sh\n", 0644);
	temp_script(headless, "echo no head\n", 0755);
	memset(huge, 'x', sizeof(huge) - 1);
	cr_expect_eq(failure((const char *[]){ "/no/such/program", NULL }, NULL), -ENOENT);
	cr_expect_eq(failure((const char *[]){ "no-such-program-anywhere", NULL }, NULL), -ENOENT);
	cr_expect_eq(failure((const char *[]){ "", NULL }, NULL), -ENOENT);
	cr_expect_eq(failure((const char *[]){ plain, NULL }, NULL), -EACCES);
	cr_expect_eq(failure((const char *[]){ "/tmp", NULL }, NULL), -EACCES);
	cr_expect_eq(failure((const char *[]){ headless, NULL }, NULL), -ENOEXEC);
	cr_expect_eq(failure((const char *[]){ "/bin/true", huge, NULL }, NULL), -E2BIG);
	cr_expect_eq(failure((const char *[]){ "/bin/true", NULL }, "/no/such/folder"), -ENOENT);
	cr_expect_eq(failure((const char *[]){ "/bin/true", NULL }, "/bin/sh"), -ENOTDIR);
	cr_expect_eq(sigchlds, 0, "the host never hears of them");
	expect_no_children();
	unlink(plain);
	unlink(headless);
}

Test(spawn, environment_and_folder_are_the_given_ones)
{
	const char *argv[] = { "/usr/bin/env", NULL }, *where[] = { "/bin/pwd", NULL };
	const char *envp[] = { "ONE=1", "TWO=two words", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;

	setenv("OPENAI_API_KEY", "secret", 1);
	run(&p, plan);
	cr_expect_str_eq(p.text, "", "none was given");
	plan.envp = envp;
	run(&p, plan);
	cr_expect_str_eq(p.text, "ONE=1\nTWO=two words\n");
	plan.argv = where;
	plan.cwd = "/usr/bin";
	run(&p, plan);
	cr_expect_str_eq(p.text, "/usr/bin\n");
}

Test(spawn, path_is_the_programs_own)
{
	char folder[] = "/tmp/weft-test-path-XXXXXX", script[64], path[128];
	const char *argv[] = { "weft-test-tool", NULL }, *envp[] = { path, NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(script, sizeof(script), "%s/weft-test-tool", folder);
	snprintf(path, sizeof(path), "PATH=.::/no/such:%s", folder);
	fd = open(script, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	dprintf(fd, "#!/bin/sh\necho found\n");
	close(fd);
	setenv("PATH", folder, 1);
	cr_expect_eq(start(&p, &plan), -ENOENT, "the host's is not looked at");
	plan.envp = envp;
	run(&p, plan);
	cr_expect_str_eq(p.text, "found\n");
	chmod(script, 0644);
	if (geteuid() != 0 || access(script, X_OK) < 0)
		cr_expect_eq(start(&p, &plan), -EACCES);
	unlink(script);
	rmdir(folder);
}

Test(spawn, no_descriptor_is_inherited)
{
	const char *argv[] = { "/bin/sh", "-c", "ls /proc/$$/fd; cat <&4", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	int leak = open("/etc/passwd", O_RDONLY), high, ends[2]; /* without CLOEXEC, as hosts do */
	struct program p;

	high = fcntl(leak, F_DUPFD, 700);
	cr_assert_geq(high, 700);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], "given\n", 6), 6);
	close(ends[1]);
	plan.fds[3] = leak;
	plan.fds[4] = ends[0];
	plan.fd_count = 5;
	run(&p, plan);
	cr_expect_str_eq(p.text, "0\n1\n2\n3\n4\ngiven\n");
}

/* In a process of its own: 3 and 4 are the test runner's. */
static int swapped(void)
{
	const char *argv[] = { "/bin/sh", "-c", "read a <&3; read b <&4; test $a$b = ab", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	int a[2], b[2], from_a, from_b;
	struct program p;

	if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0)
		return 1;
	(void)!write(a[1], "a\n", 2);
	(void)!write(b[1], "b\n", 2);
	from_a = fcntl(a[0], F_DUPFD_CLOEXEC, 100);
	from_b = fcntl(b[0], F_DUPFD_CLOEXEC, 100);
	/* each stands where the other belongs */
	plan.fds[3] = dup3(from_a, 4, O_CLOEXEC);
	plan.fds[4] = dup3(from_b, 3, O_CLOEXEC);
	plan.fd_count = 5;
	return run(&p, plan).code;
}

Test(spawn, descriptors_may_swap_their_places)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(swapped());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}

static void expect_line(const struct program *p, const char *line)
{
	cr_expect_not_null(strstr(p->text, line), "%s in\n%s", line, p->text);
}

Test(spawn, signals_start_at_their_defaults)
{
	const char *argv[] = { "/bin/cat", "/proc/self/status", NULL };
	struct program p;
	sigset_t set;

	for (int i = 1; i < 32; i++)
		signal(i, i % 2 ? SIG_IGN : count_sigchld);
	signal(SIGCHLD, SIG_DFL);
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	run(&p, plan_of(argv, -1, -1));
	expect_line(&p, "SigBlk:\t0000000000000000");
	expect_line(&p, "SigIgn:\t0000000000000000");
	expect_line(&p, "SigCgt:\t0000000000000000");
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	cr_expect(sigismember(&set, SIGTERM), "the thread's own mask is as it was");
}

Test(spawn, it_leads_a_group)
{
	const char *argv[] = { "/bin/cat", "/proc/self/stat", NULL };
	struct program p;
	int pid, ppid, group;

	run(&p, plan_of(argv, -1, -1));
	cr_assert_eq(sscanf(p.text, "%d (cat) R %d %d", &pid, &ppid, &group), 3);
	cr_expect_eq(pid, p.pid);
	cr_expect_eq(ppid, getpid());
	cr_expect_eq(group, p.pid);
}

/* In a process of its own, which takes a terminal. 0: it has one, and its program has none. */
static int with_a_terminal(void)
{
	const char *argv[] = { "/bin/sh", "-c", "exec 3</dev/tty", NULL };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct program p;

	if (setsid() < 0 || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    open(ptsname(master), O_RDWR) < 0 || open("/dev/tty", O_RDWR | O_CLOEXEC) < 0)
		return 1;
	return run(&p, plan_of(argv, -1, -1)).code ? 0 : 2;
}

Test(spawn, the_hosts_terminal_is_not_its)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(with_a_terminal());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (status == 256)
		cr_skip_test("no pseudo-terminal to be had here");
	cr_expect_eq(status, 0);
}

static void *pinned_worker(void *arg)
{
	const char *argv[] = { "/bin/cat", "/proc/self/status", "/proc/self/timerslack_ns", NULL };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	prctl(PR_SET_TIMERSLACK, 1000ul);
	run(arg, plan_of(argv, -1, -1));
	return NULL;
}

Test(spawn, a_pinned_worker_does_not_pin_its_programs)
{
	struct program p, mine;
	char line[256], *end;
	pthread_t thread;

	shell(&mine, "grep Cpus_allowed: /proc/self/status");
	cr_assert_eq(pthread_create(&thread, NULL, pinned_worker, &p), 0);
	pthread_join(thread, NULL);
	end = strchr(mine.text, '\n');
	cr_assert_not_null(end);
	snprintf(line, sizeof(line), "%.*s", (int)(end + 1 - mine.text), mine.text);
	expect_line(&p, line);
}

Test(spawn, limits_hold)
{
	const char *argv[] = { "/bin/sh", "-c", "ulimit -n; ulimit -c; ulimit -v; ulimit -f; ulimit -t", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;

	plan.limits = (struct weft__child_limits){
		.files = 20, .address_bytes = (uint64_t)1 << 30, .file_bytes = 512 * 1024, .cpu_seconds = 9
	};
	run(&p, plan);
	cr_expect_str_eq(p.text, "20\n0\n1048576\n1024\n9\n");
}

Test(spawn, a_limit_is_never_raised)
{
	const char *argv[] = { "/bin/sh", "-c", "ulimit -n", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct rlimit few = { 50, 50 };
	struct program p;

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	plan.limits.files = 5000;
	run(&p, plan);
	cr_expect_str_eq(p.text, "50\n");
}

Test(spawn, new_privileges_can_be_ruled_out)
{
	const char *argv[] = { "/bin/cat", "/proc/self/status", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;

	run(&p, plan);
	expect_line(&p, "NoNewPrivs:\t0");
	plan.no_new_privs = true;
	run(&p, plan);
	expect_line(&p, "NoNewPrivs:\t1");
}

Test(spawn, another_user)
{
	const char *argv[] = { "/bin/cat", "/proc/self/status", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;

	plan.as_user = true;
	plan.uid = plan.gid = 65534;
	if (geteuid() != 0) {
		cr_expect_eq(start(&p, &plan), -EPERM, "only root becomes somebody else");
		return;
	}
	run(&p, plan);
	expect_line(&p, "Uid:\t65534\t65534\t65534\t65534");
	expect_line(&p, "Gid:\t65534\t65534\t65534\t65534");
	expect_line(&p, "Groups:\t \n");
	expect_line(&p, "CapEff:\t0000000000000000");
	cr_expect_eq(geteuid(), 0, "the host is as it was");
}

/* The pidfd tells from 6.15 on; before, the end is told without the status. */
static void expect_seven_or_unknown(const struct weft__child_exit *end)
{
	if (end->known)
		cr_expect_eq(end->code, 7);
	else
		cr_expect_eq(end->code, 0);
}

Test(spawn, a_host_that_ignores_sigchld)
{
	struct weft__child_exit end;
	struct program p;

	signal(SIGCHLD, SIG_IGN);
	end = shell(&p, "exit 7");
	expect_seven_or_unknown(&end);
}

Test(spawn, a_host_that_waits_for_anybody)
{
	const char *argv[] = { "/bin/sh", "-c", "exit 7", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct weft__child_exit end;
	struct program p;

	cr_assert_eq(start(&p, &plan), 0);
	cr_assert_eq(waitpid(-1, NULL, 0), p.pid);
	end = finish(&p);
	expect_seven_or_unknown(&end);
}

Test(spawn, reap_says_when_it_is_too_early)
{
	const char *argv[] = { "/bin/sleep", "100", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct weft__child_exit end;
	struct program p;

	cr_assert_eq(start(&p, &plan), 0);
	cr_expect_eq(weft__spawn_reap(p.pidfd, &end), -EAGAIN);
	cr_expect_eq(weft__spawn_signal(p.pid, p.pidfd, 0), 0);
	cr_expect_eq(weft__spawn_signal(p.pid, p.pidfd, 1000), -EINVAL);
	cr_expect_eq(weft__spawn_signal(p.pid, p.pidfd, SIGTERM), 0);
	end = finish(&p);
	cr_expect_eq(end.signal, SIGTERM);
}

Test(spawn, a_signal_reaches_the_whole_group)
{
	const char *argv[] = { "/bin/sh", "-c", "sleep 100 & sleep 100 & echo up; wait", NULL };
	struct weft__spawn plan = plan_of(argv, -1, -1);
	struct program p;
	char up[3];

	cr_assert_eq(start(&p, &plan), 0);
	cr_assert_eq(read(p.out, up, 3), 3);
	cr_expect_eq(weft__spawn_signal(p.pid, p.pidfd, SIGKILL), 0);
	finish(&p); /* returns: nobody is left who holds the pipe */
}

/* A host that is killed outright takes its programs with it: the pipe that only they hold ends. */
Test(spawn, dies_with_the_host)
{
	const char *argv[] = { "/bin/sleep", "100", NULL };
	struct pollfd ended;
	int ends[2];
	pid_t host;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	host = fork();
	if (host == 0) {
		struct weft__spawn plan = { .argv = argv, .fds = { ends[1], ends[1], ends[1] }, .fd_count = 3 };
		int pid, pidfd;

		if (weft__spawn(&plan, &pid, &pidfd) == 0)
			(void)!write(ends[1], "!", 1);
		kill(getpid(), SIGKILL);
	}
	close(ends[1]);
	ended = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	cr_assert_eq(poll(&ended, 1, 10000), 1);
	cr_assert_eq(read(ends[0], &(char){ 0 }, 1), 1, "it ran");
	cr_assert_eq(poll(&ended, 1, 10000), 1, "and is gone");
	cr_expect_eq(read(ends[0], &(char){ 0 }, 1), 0);
	waitpid(host, NULL, 0);
}
