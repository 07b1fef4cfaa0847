/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/sandbox/inside.c - what a malicious program would try, one thing a run; for test_walls.c.
 *
 *     inside <what> [argument]
 *
 * Prints what came of it on stdout. Needs nothing but the C library.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "done");
	return 0;
}

/* Each of them by number, as a program without a C library would call. */
static int calls(void)
{
	static const struct {
		const char *name;
		long nr;
	} list[] = {
		{ "io_uring_setup", SYS_io_uring_setup }, { "io_uring_enter", SYS_io_uring_enter },
		{ "io_uring_register", SYS_io_uring_register }, { "keyctl", SYS_keyctl }, { "add_key", SYS_add_key },
		{ "request_key", SYS_request_key }, { "mount", SYS_mount }, { "umount2", SYS_umount2 },
		{ "bpf", SYS_bpf }, { "userfaultfd", SYS_userfaultfd },
		{ "perf_event_open", SYS_perf_event_open }, { "kexec_load", SYS_kexec_load },
		{ "init_module", SYS_init_module }, { "finit_module", SYS_finit_module },
		{ "delete_module", SYS_delete_module }, { "unshare", SYS_unshare }, { "setns", SYS_setns },
		{ "pivot_root", SYS_pivot_root }, { "open_by_handle_at", SYS_open_by_handle_at }, { "fsopen", SYS_fsopen },
		{ "process_vm_readv", SYS_process_vm_readv }, { "clock_settime", SYS_clock_settime }, { "reboot", SYS_reboot },
		{ "chroot", SYS_chroot }, { "pidfd_getfd", SYS_pidfd_getfd }, { "memfd_create", SYS_memfd_create },
		{ "memfd_secret", SYS_memfd_secret }, { "shmget", SYS_shmget }, { "msgget", SYS_msgget }, { "semget", SYS_semget },
	};
	int pair[2];

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		say(list[i].name, syscall(list[i].nr, 0, 0, 0, 0, 0, 0));
	/* not TRACEME: who is traced and not waited for stops for good when its child ends */
	say("ptrace", syscall(SYS_ptrace, PTRACE_ATTACH, 0, 0, 0));
	say("clone3", syscall(SYS_clone3, 0, 0));
	say("clone newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	say("ioctl TIOCSTI", syscall(SYS_ioctl, 0, TIOCSTI, "x"));
	/* the kernel looks at the lower half of an int argument: so must the filter */
	say("ioctl high TIOCSTI", syscall(SYS_ioctl, 0, 0x700000000ul | TIOCSTI, "x"));
	say("socket AF_VSOCK", syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0));
	say("socket AF_PACKET", syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0));
	say("socket AF_ALG", syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0));
	say("socket high AF_VSOCK", syscall(SYS_socket, 0x700000000ul | AF_VSOCK, SOCK_STREAM, 0));
	say("socket AF_APPLETALK", syscall(SYS_socket, AF_APPLETALK, SOCK_DGRAM, 0));
	say("socketpair AF_INET", syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, pair));
	say("socket MPTCP", syscall(SYS_socket, AF_INET, SOCK_STREAM, 262));
	say("socket SCTP", syscall(SYS_socket, AF_INET6, SOCK_STREAM, IPPROTO_SCTP));
	say("socket DCCP", syscall(SYS_socket, AF_INET, 6 /* SOCK_DCCP */, IPPROTO_DCCP));
	say("socket high DCCP", syscall(SYS_socket, AF_INET, 6, 0x700000000ul | IPPROTO_DCCP));
	say("socketpair AF_UNIX", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair));
	say("socket UDP", syscall(SYS_socket, AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
	say("socket netlink", syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
	return say("socket AF_INET", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

/* Newer architectures have the forms with a folder alone. */
static long plain_open(const char *path, int flags, unsigned mode)
{
#ifdef SYS_open
	return syscall(SYS_open, path, flags, mode);
#else
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
#endif
}

static long plain_mknod(const char *path, unsigned mode)
{
#ifdef SYS_mknod
	return syscall(SYS_mknod, path, mode, 0);
#else
	return syscall(SYS_mknodat, AT_FDCWD, path, mode, 0);
#endif
}

/* A file that runs as its owner, or its group, in each way there is; then what must go on working. */
static int set_ids(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0755);

	say("file", fd);
	say("chmod 4755", chmod(path, 04755));
	say("chmod 2755", chmod(path, 02755));
	say("fchmod", syscall(SYS_fchmod, fd, 04755));
	say("fchmod high", syscall(SYS_fchmod, fd, 0x700000000ul | 04755));
	say("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, path, 06755));
	say("fchmodat2", syscall(452, AT_FDCWD, path, 04755, 0));
	say("openat2", syscall(SYS_openat2, AT_FDCWD, path, NULL, 0));
	unlink(path);
	say("open", plain_open(path, O_CREAT | O_WRONLY, 04755));
	say("openat", syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 02755));
	say("unnamed", syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_WRONLY, 04755));
	say("creat", creat(path, 04755));
	say("mknod", plain_mknod(path, S_IFREG | 04755));
	say("mknodat", syscall(SYS_mknodat, AT_FDCWD, path, S_IFREG | 02755, 0));
	say("plain open", syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0755));
	say("open of no mode", syscall(SYS_openat, AT_FDCWD, path, O_WRONLY, 07777));
	say("sticky chmod", chmod(path, 01750));
	return say("lchmod", fchmodat(AT_FDCWD, path, 0644, AT_SYMLINK_NOFOLLOW));
}

static int dial(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return say("connect", connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

/* How many processes can there be at one time? They sleep, so that all are counted. */
static int bomb(int most)
{
	int made = 0;

	while (made < most) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0)
			break;
		made++;
	}
	printf("forked %d\n", made);
	return 0;
}

static int eat(size_t bytes)
{
	char *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		return say("eat", -1);
	memset(all, 1, bytes);
	return say("eat", 0);
}

/* Fill a file until that fails. */
static int fill(const char *path)
{
	static char bytes[65536];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	long long total = 0;
	ssize_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		return say("open", -1);
	while (total < 1ll << 30 && (n = write(fd, bytes, sizeof(bytes))) > 0)
		total += n;
	printf("filled %lld %s\n", total, n < 0 ? strerrorname_np(errno) : "");
	return 0;
}

static int shout(void)
{
	static char bytes[65536];

	memset(bytes, 'x', sizeof(bytes));
	for (;;) {
		if (write(1, bytes, sizeof(bytes)) < 0)
			return 1;
	}
}

static int try_open(const char *path, int flags)
{
	return say("open", open(path, flags, 0600));
}

/* A program that leaves nothing undone to outlive its parent. */
static int escape(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork())
			_exit(0);
		setsid();
	}
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *with = argc > 2 ? argv[2] : "0";

	if (strcmp(what, "calls") == 0)
		return calls();
	if (strcmp(what, "setids") == 0)
		return set_ids(with);
	if (strcmp(what, "connect") == 0)
		return dial(with);
	if (strcmp(what, "bomb") == 0)
		return bomb(atoi(with));
	if (strcmp(what, "eat") == 0)
		return eat(strtoull(with, NULL, 0));
	if (strcmp(what, "fill") == 0)
		return fill(with);
	if (strcmp(what, "read") == 0)
		return try_open(with, O_RDONLY);
	if (strcmp(what, "write") == 0)
		return try_open(with, O_WRONLY | O_CREAT);
	if (strcmp(what, "shout") == 0)
		return shout();
	if (strcmp(what, "escape") == 0)
		return escape();
	if (strcmp(what, "burn") == 0) {
		for (;;)
			;
	}
	return 2;
}
