/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: what is written into a run's group, and, where this machine lets us make one, that programs are in it, end with it and leave
 * nothing. Limits that the kernel enforces are tried where the controllers are delegated, which few test machines do.
 */
#include "sandbox/cgroup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "sandbox/program.h"

#define MS UINT64_C(1000000)

static weft_error err;

/* ---- without one -------------------------------------------------------------------------- */

Test(cgroup, open__what_is_none)
{
	struct weft__cgroup_limits limits = { .processes = 1 };
	struct weft__cgroup *c = NULL;

	cr_expect_eq(weft__cgroup_open("/nowhere/at/all", &limits, &c, &err), -ENOENT);
	cr_expect_eq(weft__cgroup_open("/tmp", &limits, &c, &err), -ENOTDIR);
	cr_expect_not_null(strstr(err.message, "'/tmp' is no cgroup of version 2"), "%s", err.message);
	cr_expect_null(c);
	weft__cgroup_close(NULL);
}

static const char *const files[] = { "memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max" };
#define FILES (sizeof(files) / sizeof(files[0]))

static void expect_file(int folder, const char *name, const char *text)
{
	char has[64] = "";
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_geq(read(fd, has, sizeof(has) - 1), 0);
	close(fd);
	cr_expect_str_eq(has, text, "%s is '%s'", name, has);
}

/* A folder that plays one. */
Test(cgroup, limit__what_is_written)
{
	const struct weft__cgroup_limits all = { .memory_bytes = 1 << 20, .processes = 7, .cpu_percent = 150 }, none = { 0 };
	char path[] = "/tmp/weft-test-cgroup-XXXXXX";
	int folder;

	cr_assert_not_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	cr_expect_eq(weft__cgroup_limit(folder, &none), 0, "nothing is asked for, nothing is written");
	cr_expect_eq(weft__cgroup_limit(folder, &all), -ENOENT, "a bound that is not there is an error");
	for (size_t i = 0; i < FILES; i++)
		close(openat(folder, files[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	cr_expect_eq(weft__cgroup_limit(folder, &all), 0);
	expect_file(folder, "memory.max", "1048576");
	expect_file(folder, "memory.swap.max", "0");
	expect_file(folder, "memory.oom.group", "1");
	expect_file(folder, "pids.max", "7");
	expect_file(folder, "cpu.max", "150000 100000");
	for (size_t i = 0; i < FILES; i++)
		unlinkat(folder, files[i], 0);
	close(folder);
	cr_expect_eq(rmdir(path), 0);
}

/* ---- with one ------------------------------------------------------------------------------ */

static char ours[512]; /* made for the test, below where this process is, or at the root */

static bool make_below(const char *mount, const char *below)
{
	snprintf(ours, sizeof(ours), "%s%s/weft-test-%ld", mount, below, (long)getpid());
	return mkdir(ours, 0755) == 0;
}

static void cgroup_make(void)
{
	char line[1024], mount[256] = "", here[256] = "/";
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %255s", mount) == 1)
			break;
	}
	if (f)
		fclose(f);
	f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "0::", 3))
			(void)sscanf(line, "0::%255s", here);
	}
	if (f)
		fclose(f);
	if (!*mount)
		cr_skip_test("no cgroup of version 2 is mounted here");
	if (!make_below(mount, strcmp(here, "/") ? here : "") && !make_below(mount, ""))
		cr_skip_test("no cgroup can be made here: %s", strerror(errno));
}

/* Empty, that is: whoever was in it is gone, and so are the groups of runs. */
static void cgroup_gone(void)
{
	for (int i = 0; i < 60000 && rmdir(ours) < 0 && errno == EBUSY; i++)
		usleep(1000);
	cr_expect_neq(access(ours, F_OK), 0, "something is left in %s", ours);
}

struct ran {
	struct weft__program p;
	int done;
	char out[512];
};

static void on_done(struct weft__program *p)
{
	((struct ran *)p)->done++;
}

/* This machine's, not ours: a controller is not delegated, nobody may be moved, or there is no bubblewrap or libseccomp. */
static bool is_for_want(int r, bool walled)
{
	if (r == -EOPNOTSUPP || (walled && (r == -ENOENT || r == -EPERM || r == -ENOSYS)))
		return true;
	return (r == -EACCES || r == -EPERM || r == -EROFS) && strstr(err.message, "in its cgroup");
}

static struct weft__walls *walls_of(const struct weft__cgroup_limits *limits, bool walled)
{
	struct weft__walls_options o = {
		.unsandboxed = !walled,
		.cgroup = ours,
		.all = *limits,
		.tmp_bytes = 1 << 20,
		.processes = 64,
		.limits = { .address_bytes = 1 << 30 },
	};
	struct weft__walls *walls = NULL;
	int r = weft__walls_create(&o, &walls, &err);

	if (r < 0)
		(void)rmdir(ours);
	if (is_for_want(r, walled))
		cr_skip_test("%s", err.message);
	cr_assert_eq(r, 0, "%s", err.message);
	return walls;
}

static struct ran run(const struct weft__cgroup_limits *limits, bool walled, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct weft__walls *walls = walls_of(limits, walled);
	struct weft__program_options po = {
		.walls = walls, .argv = argv, .keep_bytes = sizeof(((struct ran *)0)->out) - 1, .wall_ns = 60000 * MS
	};
	struct ran ran = { .p = { .done = on_done } };
	struct weft__loop *loop;

	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
	cr_assert_eq(weft__program_start(loop, &ran.p, &po), 0);
	while (!ran.done)
		weft__loop_wait(loop, 100 * MS);
	cr_assert_lt(weft__capture_len(&ran.p.kept[0]), sizeof(ran.out));
	weft__capture_copy(&ran.p.kept[0], ran.out);
	weft__program_fini(&ran.p);
	weft__loop_close(loop);
	weft__walls_destroy(walls);
	return ran;
}

Test(cgroup, programs__are_in_one_and_leave_nothing, .timeout = 120)
{
	struct weft__cgroup_limits none = { 0 };
	struct ran ran;

	cgroup_make();
	/* one that leaves its process group and its session, and would stay for a day */
	ran = run(&none, false, "cat /proc/self/cgroup; setsid sleep 86400 >/dev/null 2>&1 </dev/null &");
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED);
	cr_expect_not_null(strstr(ran.out, strrchr(ours, '/')), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "/weft-run-"), "%s", ran.out);
	cgroup_gone();
}

static struct weft__cgroup *open_ours(void)
{
	struct weft__cgroup_limits none = { 0 };
	struct weft__cgroup *c = NULL;

	cr_assert_eq(weft__cgroup_open(ours, &none, &c, &err), 0, "%s", err.message);
	return c;
}

static bool is_there(const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", ours, name);
	return access(path, F_OK) == 0;
}

/* As two tools of one host, or two hosts, in one folder. */
Test(cgroup, runs__of_two_owners_do_not_meet, .timeout = 120)
{
	struct weft__cgroup *a, *b;
	struct weft__cgroup_run one, two;

	cgroup_make();
	a = open_ours();
	cr_assert_eq(weft__cgroup_enter(a, &one), 0);
	b = open_ours();
	cr_assert_eq(weft__cgroup_enter(b, &two), 0, "which tidies up first");
	cr_expect(is_there(one.name), "a run that lives was taken for one that is left over");
	cr_expect_neq(strcmp(one.name, two.name), 0);
	close(one.procs);
	close(two.procs);
	cr_expect_not(weft__cgroup_leave(b, &two));
	cr_expect_not(weft__cgroup_has(&two));
	cr_expect_not(weft__cgroup_leave(b, &two), "nothing, twice");
	cr_expect(is_there(one.name));
	cr_expect_not(weft__cgroup_leave(a, &one));
	weft__cgroup_close(a);
	weft__cgroup_close(b);
	cgroup_gone();
}

/* A host with a program in a group, which ends without a word. Tells the group's name. */
static void crash(int tell)
{
	struct weft__cgroup_run run;
	pid_t sleeper;

	if (weft__cgroup_enter(open_ours(), &run) < 0)
		run = (struct weft__cgroup_run){ .procs = -1 };
	sleeper = fork();
	if (sleeper == 0) {
		if (write(run.procs, "0", 1) < 0)
			run.name[0] = '\0'; /* it may not */
		close(run.folder); /* a program that weft starts has none of the host's descriptors, and so no lock, when it is told of */
		if (write(tell, run.name, sizeof(run.name)) < 0 || !*run.name)
			_exit(1);
		execlp("sleep", "sleep", "86400", (char *)NULL);
		_exit(1);
	}
	(void)waitpid(sleeper, NULL, WNOHANG);
	pause();
}

Test(cgroup, enter__removes_what_a_crash_left, .timeout = 120)
{
	char name[WEFT__CGROUP_NAME] = "";
	struct weft__cgroup_run run;
	struct weft__cgroup *c;
	int ends[2];
	pid_t host;

	cgroup_make();
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	host = fork();
	if (host == 0)
		crash(ends[1]);
	cr_assert_eq(read(ends[0], name, sizeof(name)), (ssize_t)sizeof(name));
	if (!*name) {
		kill(host, SIGKILL);
		(void)waitpid(host, NULL, 0);
		weft__cgroup_close(open_ours()); /* which tidies up */
		(void)rmdir(ours);
		cr_skip_test("no process can be moved into a new group here");
	}
	cr_assert(is_there(name));
	c = open_ours();
	cr_assert_eq(weft__cgroup_enter(c, &run), 0);
	cr_expect(is_there(name), "its host lives");
	close(run.procs);
	(void)weft__cgroup_leave(c, &run);
	cr_assert_eq(kill(host, SIGKILL), 0);
	cr_assert_eq(waitpid(host, NULL, 0), host);
	cr_expect(is_there(name), "nobody has looked yet");
	weft__cgroup_close(c);
	c = open_ours();
	cr_assert_eq(weft__cgroup_enter(c, &run), 0);
	close(run.procs);
	(void)weft__cgroup_leave(c, &run);
	weft__cgroup_close(c);
	close(ends[0]);
	close(ends[1]);
	cgroup_gone(); /* and with it the sleeper, or it could not go */
}

/* Threads too: RLIMIT_NPROC inside the walls is each user namespace's, this is the run's. */
Test(cgroup, programs__are_bounded_together_in_number, .timeout = 120)
{
	struct weft__cgroup_limits limits = { .processes = 8 };
	struct ran ran;

	cgroup_make();
	ran = run(&limits, false, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; echo all");
	cr_expect_null(strstr(ran.out, "all"), "twelve were started");
	cgroup_gone();
}

#define HOG "head -c 134217728 /dev/zero | tail -c 134217728 >/dev/null; echo survived"

Test(cgroup, programs__are_bounded_together_in_memory, .timeout = 120)
{
	struct weft__cgroup_limits limits = { .memory_bytes = 16 << 20 };
	struct ran ran;

	cgroup_make();
	ran = run(&limits, false, HOG);
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_NO_MEMORY);
	cr_expect_null(strstr(ran.out, "survived"));
	cgroup_gone();
}

Test(cgroup, programs__behind_walls_too, .timeout = 120)
{
	struct weft__cgroup_limits limits = { .memory_bytes = 16 << 20, .processes = 64 };
	struct ran ran;

	cgroup_make();
	ran = run(&limits, true, HOG);
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_NO_MEMORY);
	cr_expect_null(strstr(ran.out, "survived"));
	cgroup_gone();
}

/* One second of a processor, at 40% of one, takes two and a half; a slow machine only takes longer. */
Test(cgroup, programs__are_bounded_together_in_processor_time, .timeout = 120)
{
	struct weft__cgroup_limits limits = { .cpu_percent = 40 };
	struct ran ran;

	cgroup_make();
	ran = run(&limits, false, "ulimit -S -t 1; while :; do :; done");
	cr_expect_eq(ran.p.exit.signal, SIGXCPU);
	cr_expect_geq(ran.p.wall_ns, 1600 * MS, "%llu ms", (unsigned long long)(ran.p.wall_ns / MS));
	cgroup_gone();
}
