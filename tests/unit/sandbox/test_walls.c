/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each wall holds, and each bound binds. Method: inside.c tries what a malicious program would, within the
 * walls; what it says is compared. A wall that is missing makes the matching case fail: the same programs
 * without walls are run beside, where that shows that the attempt itself is a real one.
 *
 * Where no sandbox can be made (a container without user namespaces, no bwrap) the cases skip, say why,
 * and the refusal itself is tested.
 */
#include "sandbox/walls.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "sandbox/program.h"
#include "tests/support/leap.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define MIB ((uint64_t)1 << 20)

/* ---- a run ----------------------------------------------------------------------------- */

static char home[64]; /* holds `inside`; readable for the user that programs run as */

static int copy(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		(void)!write(out, bytes, (size_t)n);
	fchmod(out, 0755);
	close(in);
	return close(out);
}

static void home_make(void)
{
	const char *inside = getenv("WEFT_TEST_INSIDE");
	char path[96];

	snprintf(home, sizeof(home), "/tmp/weft-test-walls-XXXXXX");
	cr_assert_not_null(mkdtemp(home));
	chmod(home, 0755);
	snprintf(path, sizeof(path), "%s/inside", home);
	if (!inside || copy(inside, path) < 0)
		cr_skip_test("WEFT_TEST_INSIDE does not name the program that tries the walls (meson test sets it)");
}

static void home_remove(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", home);
	if (*home)
		(void)!system(command);
}

static struct weft__walls_options options(void)
{
	static struct weft__bind bind;

	bind = (struct weft__bind){ .from = home, .to = "/try" };
	return (struct weft__walls_options){
		.tmp_bytes = 8 * MIB,
		.processes = 32,
		.limits = { .cpu_seconds = 60, .address_bytes = 512 * MIB, .file_bytes = 64 * MIB, .files = 64 },
		.binds = &bind,
		.bind_count = 1,
	};
}

/* The walls, or a skip that says why there are none. */
static struct weft__walls *walls_of(const struct weft__walls_options *o)
{
	struct weft__walls *walls = NULL;
	weft_error err = { 0 };
	int r = weft__walls_create(o, &walls, &err);

	if (r == -EPERM || r == -ENOENT || r == -ENOSYS)
		cr_skip_test("no sandbox here: %s", err.message);
	cr_assert_eq(r, 0, "%s", err.message);
	return walls;
}

struct ran {
	struct weft__program p;
	int done;
	char out[16384], err[4096];
};

static void on_done(struct weft__program *p)
{
	((struct ran *)p)->done++;
}

static void text_take(struct weft__capture *c, char *to, size_t room)
{
	cr_assert_lt(weft__capture_len(c), room);
	weft__capture_copy(c, to);
	to[weft__capture_len(c)] = '\0';
}

static struct weft__loop *begin(struct ran *ran, struct weft__program_options o)
{
	struct weft__loop *loop;

	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
	*ran = (struct ran){ .p = { .done = on_done } };
	o.keep_bytes = o.keep_bytes ? o.keep_bytes : 4096;
	o.wall_ns = o.wall_ns ? o.wall_ns : 100 * SECOND;
	cr_assert_eq(weft__program_start(loop, &ran->p, &o), 0);
	return loop;
}

static void end(struct ran *ran, struct weft__loop *loop)
{
	uint64_t until = weft_now_ns() + 110 * SECOND;

	while (!ran->done && weft_now_ns() < until)
		weft__loop_wait(loop, 100 * MS);
	cr_assert_eq(ran->done, 1);
	text_take(&ran->p.kept[0], ran->out, sizeof(ran->out));
	text_take(&ran->p.kept[1], ran->err, sizeof(ran->err));
	weft__program_fini(&ran->p);
	weft__loop_close(loop);
}

static void run(struct ran *ran, struct weft__program_options o)
{
	end(ran, begin(ran, o));
}

/* `inside what with`, behind these walls. */
static void attempt_in(struct ran *ran, const struct weft__walls *walls, const char *what, const char *with)
{
	const char *argv[] = { "/try/inside", what, with, NULL };

	run(ran, (struct weft__program_options){ .walls = walls, .argv = argv });
}

static void attempt(struct ran *ran, const char *what, const char *with)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);

	attempt_in(ran, walls, what, with);
	weft__walls_destroy(walls);
}

static void shell_in(struct ran *ran, const struct weft__walls *walls, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	run(ran, (struct weft__program_options){ .walls = walls, .argv = argv });
}

static void shell(struct ran *ran, const char *script)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);

	shell_in(ran, walls, script);
	weft__walls_destroy(walls);
}

static void expect_said(const struct ran *ran, const char *text)
{
	cr_expect_not_null(strstr(ran->out, text), "'%s' in\n%s%s", text, ran->out, ran->err);
}

TestSuite(walls, .init = home_make, .fini = home_remove, .timeout = 120);

/* ---- what cannot be reached ----------------------------------------------------------------- */

Test(walls, a_program_runs_as_it_would_outside)
{
	struct ran ran;

	shell(&ran, "echo out; echo err >&2; echo x >/tmp/f; cat /tmp/f; pwd; exit 3");
	cr_expect_str_eq(ran.out, "out\nx\n/tmp\n");
	cr_expect_str_eq(ran.err, "err\n");
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED);
	cr_expect_eq(ran.p.exit.code, 3);
}

Test(walls, a_secret_outside_is_not_there)
{
	char secret[96];
	struct ran ran;
	FILE *f;

	snprintf(secret, sizeof(secret), "/tmp/weft-test-secret-%d", getpid());
	f = fopen(secret, "w");
	cr_assert_not_null(f);
	fputs("secret", f);
	fclose(f);
	chmod(secret, 0644);
	attempt(&ran, "read", secret);
	cr_expect_str_eq(ran.out, "open: ENOENT\n");
	unlink(secret);
	attempt(&ran, "read", "/etc/passwd");
	cr_expect_str_eq(ran.out, "open: ENOENT\n");
	attempt(&ran, "read", "/etc/shadow");
	cr_expect_str_eq(ran.out, "open: ENOENT\n");
	shell(&ran, "ls / | tr '\\n' ' '; ls /root /home /var /run /sys 2>/dev/null");
	cr_expect_null(strstr(ran.out, "root"));
	cr_expect_null(strstr(ran.out, "home"));
}

Test(walls, nothing_of_the_system_can_be_written)
{
	static const char *const places[] = { "/new", "/usr/new", "/etc/new", "/dev/new", "/usr/bin/sh", "/try/new", "/proc/sys/kernel/hostname" };
	struct ran ran;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		attempt(&ran, "write", places[i]);
		cr_expect(strcmp(ran.out, "open: EROFS\n") == 0 || strcmp(ran.out, "open: EACCES\n") == 0, "%s: %s", places[i],
		          ran.out);
	}
	attempt(&ran, "write", "/tmp/new");
	cr_expect_str_eq(ran.out, "open: done\n");
	cr_expect_neq(access("/tmp/new", F_OK), 0, "its /tmp is its own");
}

static int listener(char *port, size_t room)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	snprintf(port, room, "%d", ntohs(at.sin_port));
	return fd;
}

Test(walls, the_network_is_not_there_unless_granted)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls;
	char port[8];
	int fd = listener(port, sizeof(port));
	struct ran ran;

	attempt(&ran, "connect", port);
	cr_expect_str_eq(ran.out, "connect: ECONNREFUSED\n", "a loopback of its own, where nobody listens");
	o.network = true;
	walls = walls_of(&o);
	attempt_in(&ran, walls, "connect", port);
	cr_expect_str_eq(ran.out, "connect: done\n");
	weft__walls_destroy(walls);
	close(fd);
}

Test(walls, system_calls_are_refused)
{
	static const char *const eperm[] = {
		"io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "ptrace", "mount",
		"umount2", "bpf", "userfaultfd", "perf_event_open", "kexec_load", "init_module", "finit_module",
		"delete_module", "unshare", "setns", "pivot_root", "open_by_handle_at", "fsopen", "process_vm_readv",
		"clock_settime", "reboot", "chroot", "pidfd_getfd", "clone newuser", "ioctl TIOCSTI", "ioctl high TIOCSTI",
		"memfd_create", "memfd_secret", "shmget", "msgget", "semget",
	};
	static const char *const families[] = { "socket AF_VSOCK", "socket AF_PACKET", "socket AF_ALG",
		                                "socket high AF_VSOCK", "socket AF_APPLETALK", "socketpair AF_INET" };
	static const char *const protocols[] = { "socket MPTCP", "socket SCTP", "socket DCCP", "socket high DCCP" };
	static const char *const allowed[] = { "socket AF_INET", "socket UDP", "socket netlink", "socketpair AF_UNIX" };
	char line[64];
	struct ran ran;

	attempt(&ran, "calls", NULL);
	for (size_t i = 0; i < sizeof(eperm) / sizeof(*eperm); i++) {
		snprintf(line, sizeof(line), "%s: EPERM\n", eperm[i]);
		expect_said(&ran, line);
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		snprintf(line, sizeof(line), "%s: EAFNOSUPPORT\n", families[i]);
		expect_said(&ran, line);
	}
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		snprintf(line, sizeof(line), "%s: EPROTONOSUPPORT\n", protocols[i]);
		expect_said(&ran, line);
	}
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		snprintf(line, sizeof(line), "%s: done\n", allowed[i]);
		expect_said(&ran, line);
	}
	expect_said(&ran, "clone3: ENOSYS\n");
}

/* What is left in a workspace runs as whoever starts it, and never as the one it was made by. */
Test(walls, nothing_runs_as_its_owner)
{
	struct ran ran;

	attempt(&ran, "setids", "/tmp/program");
	cr_expect_str_eq(ran.out, "file: done\nchmod 4755: EPERM\nchmod 2755: EPERM\nfchmod: EPERM\nfchmod high: EPERM\n"
	                          "fchmodat: EPERM\nfchmodat2: ENOSYS\nopenat2: ENOSYS\nopen: EPERM\nopenat: EPERM\n"
	                          "unnamed: EPERM\ncreat: EPERM\nmknod: EPERM\nmknodat: EPERM\nplain open: done\n"
	                          "open of no mode: done\nsticky chmod: done\nlchmod: done\n");
}

/* The attempts are real ones: without walls the answers differ. */
Test(walls, without_walls_the_same_calls_are_answered)
{
	struct weft__walls_options o = { .unsandboxed = true };
	struct weft__walls *walls;
	char path[96];
	const char *argv[] = { path, "calls", NULL };
	struct ran ran;

	snprintf(path, sizeof(path), "%s/inside", home);
	cr_assert_eq(weft__walls_create(&o, &walls, NULL), 0);
	run(&ran, (struct weft__program_options){ .walls = walls, .argv = argv });
	weft__walls_destroy(walls);
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED);
	cr_expect_null(strstr(ran.out, "clone3: ENOSYS\n"), "%s", ran.out);
	cr_expect_null(strstr(ran.out, "request_key: EPERM\n"), "%s", ran.out);
}

Test(walls, no_capability_no_way_to_one)
{
	struct ran ran;

	shell(&ran, "cat /proc/self/status; hostname; echo /proc/[0-9]*");
	expect_said(&ran, "CapEff:\t0000000000000000");
	expect_said(&ran, "CapPrm:\t0000000000000000");
	expect_said(&ran, "CapBnd:\t0000000000000000");
	expect_said(&ran, "NoNewPrivs:\t1");
	expect_said(&ran, "Seccomp:\t2");
	expect_said(&ran, "\nsandbox\n");
	expect_said(&ran, "\n/proc/1 /proc/2\n"); /* bubblewrap and the shell: nobody else's process is seen */
}

Test(walls, the_environment_is_clean)
{
	static const char *const mine[] = { "GREETING=hello", "LANG=C", NULL };
	struct weft__walls_options o = options();
	struct weft__walls *walls;
	struct ran ran;

	setenv("OPENAI_API_KEY", "sk-secret", 1);
	o.env = mine;
	walls = walls_of(&o);
	shell_in(&ran, walls, "env | sort; ls /proc/self/fd | tr '\\n' ' '; cat /proc/1/environ /proc/1/cmdline");
	expect_said(&ran, "GREETING=hello\nHOME=/tmp\nLANG=C\nPATH=/usr/local/bin:/usr/bin:/bin\nPWD=/tmp\nTERM=dumb\nTMPDIR=/tmp\n");
	cr_expect_null(strstr(ran.out, "sk-secret"));
	expect_said(&ran, "\n0 1 2 3 "); /* 3 is the folder that ls reads */
	weft__walls_destroy(walls);
}

/* The linker of each program that starts outside would write a file there. */
Test(walls, what_the_linker_obeys_is_set_inside_only)
{
	char folder[] = "/tmp/weft-test-walls-XXXXXX", output[96];
	const char *const mine[] = { "LD_DEBUG=statistics", output, "GREETING=hello", NULL };
	struct weft__walls_options o = options();
	struct weft__walls *walls;
	struct ran ran;

	cr_assert_not_null(mkdtemp(folder));
	chmod(folder, 0777);
	snprintf(output, sizeof(output), "LD_DEBUG_OUTPUT=%s/said", folder);
	o.env = mine;
	walls = walls_of(&o);
	shell_in(&ran, walls, "echo $GREETING $LD_DEBUG_OUTPUT");
	cr_expect_not_null(strstr(ran.out, "hello /tmp/weft-test-walls-"), "%s", ran.out);
	weft__walls_destroy(walls);
	cr_expect_eq(rmdir(folder), 0, "bubblewrap obeyed it: %s", strerror(errno));
}

Test(walls, the_workspace_is_shared)
{
	struct weft__walls_options o = options();
	char work[96], file[128];
	struct weft__walls *walls;
	struct stat st;
	struct ran ran;

	snprintf(work, sizeof(work), "%s/work", home);
	snprintf(file, sizeof(file), "%s/made", work);
	cr_assert_eq(mkdir(work, 0777), 0);
	chmod(work, 0777);
	o.workspace = work;
	walls = walls_of(&o);
	shell_in(&ran, walls, "pwd; echo kept >made; cat made");
	cr_expect_str_eq(ran.out, "/workspace\nkept\n");
	cr_assert_eq(stat(file, &st), 0);
	cr_expect_eq(st.st_uid, geteuid() == 0 ? 65534 : geteuid(), "root's programs are nobody's");
	weft__walls_destroy(walls);
	o.workspace_read_only = true;
	walls = walls_of(&o);
	shell_in(&ran, walls, "cat made; echo more >>made || echo refused");
	cr_expect_str_eq(ran.out, "kept\nrefused\n");
	weft__walls_destroy(walls);
}

/* ---- what is bounded ---------------------------------------------------------------------------- */

Test(walls, a_fork_bomb_is_bounded)
{
	struct ran ran;
	int forked = -1;

	attempt(&ran, "bomb", "400");
	cr_assert_eq(sscanf(ran.out, "forked %d", &forked), 1, "%s%s", ran.out, ran.err);
	cr_expect_gt(forked, 8);
	cr_expect_leq(forked, 32);
}

Test(walls, memory_is_bounded)
{
	struct ran ran;

	attempt(&ran, "eat", "100000000");
	cr_expect_str_eq(ran.out, "eat: done\n");
	attempt(&ran, "eat", "1000000000");
	cr_expect_str_eq(ran.out, "eat: ENOMEM\n");
}

Test(walls, files_in_memory_are_bounded)
{
	static const char *const places[] = { "/tmp/f", "/dev/shm/f" };
	struct ran ran;

	for (size_t i = 0; i < 2; i++) {
		long long filled = -1;

		attempt(&ran, "fill", places[i]);
		cr_assert_eq(sscanf(ran.out, "filled %lld", &filled), 1, "%s", ran.out);
		cr_expect_leq(filled, (long long)(8 * MIB));
		expect_said(&ran, "ENOSPC");
	}
}

Test(walls, endless_output_is_bounded)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);
	const char *argv[] = { "/try/inside", "shout", NULL };
	struct ran ran;

	run(&ran, (struct weft__program_options){ .walls = walls, .argv = argv, .output_bytes_max = 2 * MIB, .keep_bytes = 1000 });
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_TALKED_OUT);
	expect_said(&ran, "bytes left out ...]");
	cr_expect_lt(strlen(ran.out), 1100);
	weft__walls_destroy(walls);
}

Test(walls, endless_computing_is_bounded)
{
	struct weft__walls_options o = options();
	const char *argv[] = { "/try/inside", "burn", NULL };
	struct weft__walls *walls;
	struct ran ran;

	o.limits.cpu_seconds = 1;
	walls = walls_of(&o);
	run(&ran, (struct weft__program_options){ .walls = walls, .argv = argv });
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED);
	cr_expect(ran.p.exit.code == 128 + 24 || ran.p.exit.code == 128 + 9, "SIGXCPU or SIGKILL, by bwrap: %d", ran.p.exit.code);
	weft__walls_destroy(walls);
}

Test(walls, waiting_is_bounded)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);
	const char *argv[] = { "/bin/sh", "-c", "trap '' TERM; echo up; sleep 1000", NULL };
	struct weft__loop *loop;
	struct ran ran;

	test_leaps();
	loop = begin(&ran, (struct weft__program_options){ .walls = walls, .argv = argv, .wall_ns = TEST_HOUR, .grace_ns = 100 * MS });
	while (!ran.done && weft__capture_len(&ran.p.kept[0]) < 3)
		weft__loop_wait(loop, 100 * MS);
	test_leap(TEST_HOUR);
	end(&ran, loop);
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_TIMED_OUT);
	cr_expect_str_eq(ran.out, "up\n", "what it had said is kept");
	weft__walls_destroy(walls);
}

Test(walls, waiting_without_a_bound_is_no_wait_in_the_past)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);
	const char *argv[] = { "/bin/sh", "-c", "sleep 0.5; echo up", NULL };
	struct ran ran;

	run(&ran, (struct weft__program_options){ .walls = walls, .argv = argv, .wall_ns = UINT64_MAX });
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED);
	cr_expect_str_eq(ran.out, "up\n");
	weft__walls_destroy(walls);
}

/* Is there a process with this text on its command line? */
static bool is_running(const char *text)
{
	DIR *dir = opendir("/proc");
	bool found = false;
	struct dirent *e;

	while (!found && (e = readdir(dir))) {
		char path[300], line[512] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, line, sizeof(line) - 1) > 0) {
			for (size_t i = 0; i + 1 < sizeof(line); i++)
				line[i] = line[i] ? line[i] : ' ';
			found = strstr(line, text) != NULL && e->d_name[0] != 's';
		}
		close(fd);
	}
	closedir(dir);
	return found;
}

/* It forks away, changes sessions, ignores signals: all of it is gone when the run is. */
Test(walls, descendants_die_with_it)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = walls_of(&o);
	char mark[32], script[160];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct ran ran;

	snprintf(mark, sizeof(mark), "mark-%d", getpid());
	snprintf(script, sizeof(script), "/try/inside escape %s & sleep 0.2; /try/inside escape %s & echo up; exit 0", mark, mark);
	run(&ran, (struct weft__program_options){ .walls = walls, .argv = argv });
	cr_expect_str_eq(ran.out, "up\n");
	cr_expect_eq(ran.p.end, WEFT__PROGRAM_EXITED, "nobody was waited for");
	for (int i = 0; i < 6000 && is_running(mark); i++)
		usleep(10000);
	cr_expect_not(is_running(mark));
	weft__walls_destroy(walls);
}

/* ---- refusals -------------------------------------------------------------------------------------- */

Test(walls, without_bubblewrap_it_says_so)
{
	struct weft__walls_options o = options();
	struct weft__walls *walls = NULL;
	weft_error err;
	int r;

	o.bwrap = "/no/such/bwrap";
	r = weft__walls_create(&o, &walls, &err);
	cr_expect_eq(r, -ENOENT);
	cr_expect_not_null(strstr(err.message, "unsandboxed"), "%s", err.message);
	cr_expect_null(walls);
}

/* A bubblewrap that fails as it does where user namespaces are forbidden. */
Test(walls, where_it_is_forbidden_it_says_so)
{
	struct weft__walls_options o = options();
	char fake[96];
	struct weft__walls *walls = NULL;
	weft_error err;
	FILE *f;
	int r;

	snprintf(fake, sizeof(fake), "%s/bwrap", home);
	f = fopen(fake, "w");
	cr_assert_not_null(f);
	fputs("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", f);
	fclose(f);
	chmod(fake, 0755);
	o.bwrap = fake;
	r = weft__walls_create(&o, &walls, &err);
	if (r == -ENOSYS)
		cr_skip_test("%s", err.message);
	cr_expect_eq(r, -EPERM);
	cr_expect_not_null(strstr(err.message, "No permissions to create new namespace"), "%s", err.message);
	cr_expect_null(walls);
}

Test(walls, nonsense_is_refused)
{
	static const char *const env[] = { "NOTHING", NULL };
	struct weft__bind bind = { .from = "relative" };
	struct weft__walls *walls = NULL;
	weft_error err;

	cr_expect_eq(weft__walls_create(&(struct weft__walls_options){ .workspace = "/no/such/folder" }, &walls, &err), -ENOENT);
	cr_expect_eq(weft__walls_create(&(struct weft__walls_options){ .workspace = "here" }, &walls, &err), -EINVAL);
	cr_expect_eq(weft__walls_create(&(struct weft__walls_options){ .workspace = "/bin/sh" }, &walls, &err), -ENOTDIR);
	cr_expect_eq(weft__walls_create(&(struct weft__walls_options){ .env = env }, &walls, &err), -EINVAL);
	cr_expect_eq(weft__walls_create(&(struct weft__walls_options){ .binds = &bind, .bind_count = 1 }, &walls, &err), -EINVAL);
	cr_expect_null(walls);
}

Test(walls, unsandboxed_is_limits_and_a_clean_environment)
{
	struct weft__walls_options o = { .unsandboxed = true, .workspace = home, .limits = { .files = 33 } };
	struct weft__walls *walls;
	struct ran ran;

	setenv("OPENAI_API_KEY", "sk-secret", 1);
	cr_assert_eq(weft__walls_create(&o, &walls, NULL), 0);
	shell_in(&ran, walls, "ulimit -n; env; pwd; grep NoNewPrivs /proc/self/status");
	expect_said(&ran, "33\n");
	expect_said(&ran, home);
	expect_said(&ran, "NoNewPrivs:\t1");
	cr_expect_null(strstr(ran.out, "sk-secret"));
	weft__walls_destroy(walls);
}
