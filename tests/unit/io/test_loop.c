/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a loop opens wherever a process may run, on the back end that loop.h says.
 * Method: the environment, a seccomp filter that denies io_uring to a forked child, a
 * descriptor limit of zero. What a loop does once open: test_backends.c.
 */
#include "runtime/io/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/log.h"
#include "tests/support/failing_alloc.h"

/* The name of what open chooses; *ret_why as told. */
static char chosen[16];
static const char *choose(weft_io_backend want, const char **ret_why)
{
	struct weft__loop *loop = NULL;

	cr_assert_eq(weft__loop_open(want, &loop, ret_why), 0);
	snprintf(chosen, sizeof(chosen), "%s", weft__loop_name(loop));
	weft__loop_close(loop);
	return chosen;
}

Test(loop, open__obeys_the_environment)
{
	const char *why = NULL;

	setenv("WEFT_IO", "epoll", 1);
	cr_expect_str_eq(choose(WEFT_IO_URING, &why), "epoll");
	cr_expect_not_null(strstr(why, "WEFT_IO"));
	setenv("WEFT_IO", "uring", 1);
	choose(WEFT_IO_EPOLL, &why);
	cr_expect_neq(strcmp(why, "asked for by the host"), 0, "the environment overrides: %s", why);
	setenv("WEFT_IO", "kqueue", 1);
	cr_expect_str_eq(choose(WEFT_IO_EPOLL, &why), "epoll");
	cr_expect_not_null(strstr(why, "neither"));
	setenv("WEFT_IO", "", 1);
	cr_expect_str_eq(choose(WEFT_IO_EPOLL, &why), "epoll");
	cr_expect_str_eq(why, "asked for by the host");
}

Test(loop, open__refuses_nonsense)
{
	struct weft__loop *loop = NULL;

	cr_expect_eq(weft__loop_open(WEFT_IO_AUTO, NULL, NULL), -EINVAL);
	cr_expect_eq(weft__loop_open((weft_io_backend)7, &loop, NULL), -EINVAL);
	cr_expect_null(loop);
	weft__loop_close(NULL);
}

/* io_uring_setup fails with error from here on, in this process. */
static int forbid_io_uring(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void falls_back_on(int error)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		const char *why = "";
		struct weft__loop *loop;

		unsetenv("WEFT_IO");
		if (forbid_io_uring(error) < 0)
			_exit(77);
		if (weft__loop_open(WEFT_IO_AUTO, &loop, &why) < 0 || strcmp(weft__loop_name(loop), "epoll") != 0)
			_exit(1);
		weft__loop_wake(loop);
		weft__loop_wait(loop, UINT64_MAX);
		weft__loop_close(loop);
		_exit(strcmp(why, "works here") == 0 ? 2 : 0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("no seccomp here");
	cr_expect_eq(WEXITSTATUS(status), 0);
}

Test(loop, open__falls_back_when_io_uring_is_denied)
{
	falls_back_on(EPERM);
	falls_back_on(ENOSYS);
	falls_back_on(ENOMEM);
	falls_back_on(EBUSY);
}

Test(loop, open__says_when_there_are_no_descriptors)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = { 0, 0 };
		struct weft__loop *loop = NULL;
		int r;

		setrlimit(RLIMIT_NOFILE, &none);
		r = weft__loop_open(WEFT_IO_AUTO, &loop, NULL);
		_exit(r == -EMFILE && !loop ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

Test(loop, close__leaves_no_descriptor)
{
	int before = count_fds();
	const char *why;

	for (int i = 0; i < 5; i++) {
		choose(WEFT_IO_URING, &why);
		choose(WEFT_IO_EPOLL, &why);
	}
	cr_expect_eq(count_fds(), before);
}

/*
 * The kernel keeps registered rings a thread, by their place. Where this thread's next ring lies when it is registered,
 * or -Exxx; the ring stays.
 */
static int next_registered_place(void)
{
	struct io_uring_params params = { 0 };
	int fd = (int)syscall(__NR_io_uring_setup, 4, &params);
	struct io_uring_rsrc_update update = { .offset = UINT32_MAX, .data = (uint64_t)fd };

	if (fd < 0 || syscall(__NR_io_uring_register, fd, IORING_REGISTER_RING_FDS, &update, 1) != 1)
		return -errno;
	return (int)update.offset;
}

/*
 * A retired loop is closed by another thread, in which its place belongs to somebody else: on kernels before 6.1 the host's
 * own ring was given up.
 */
Test(loop, retire__leaves_no_registered_ring_behind)
{
	struct weft__loop *loop = NULL;
	int place;

	cr_assert_eq(weft__loop_open(WEFT_IO_URING, &loop, NULL), 0);
	if (strcmp(weft__loop_name(loop), "uring") != 0)
		cr_skip_test("no io_uring here");
	weft__loop_retire(loop);
	place = next_registered_place();
	if (place < 0)
		cr_skip_test("this kernel registers no rings: %s", strerror(-place));
	cr_expect_eq(place, 0, "the retired ring still has its place");
	weft__loop_close(loop);
}

Test(loop, after_ns__stops_at_never)
{
	cr_expect_eq(weft__after_ns(5, 7), 12u);
	cr_expect_eq(weft__after_ns(5, UINT64_MAX - 5), UINT64_MAX);
	cr_expect_eq(weft__after_ns(5, UINT64_MAX), UINT64_MAX);
	cr_expect_eq(weft__after_ns(UINT64_MAX, 1), UINT64_MAX);
}

/* ---- what outlives its loop ------------------------------------------------------- */

static const void *watched;
static bool freed;

static bool test_alloc_fails(void)
{
	return false;
}

static void note_free(void *ptr, void *user)
{
	freed |= ptr && ptr == watched;
	test_failing_free(ptr, user);
}

static void never(struct weft__io *io)
{
	(void)io;
}

static int said;

static void note_line(weft_log_level level, const char *line, void *user)
{
	(void)user;
	said += level == WEFT_LOG_ERROR && strstr(line, "1 operations");
}

/* Nobody cancels it: an owner's fault. Where those are not asserted, the loop must stay. */
static void what_is_in_flight_keeps_the_loop(weft_io_backend backend)
{
	struct weft__log log = { .level = WEFT_LOG_ERROR, .fn = note_line };
	weft_allocator allocator = test_failing_allocator();
	struct weft__loop *loop = NULL;
	static char buf[8];
	static struct weft__io io = { .done = never, .op = WEFT__IO_RECV, .buf = buf, .len_bytes = sizeof(buf) };
	int fds[2];

#ifndef NDEBUG
	cr_skip_test("this build asserts it");
#endif
	allocator.free_fn = note_free;
	cr_assert_eq(weft_allocator_set(&allocator), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	cr_assert_eq(weft__loop_open(backend, &loop, NULL), 0);
	weft__loop_set_log(loop, &log);
	io.fd = fds[0];
	cr_assert_eq(weft__loop_submit(loop, &io), 0);
	watched = loop;
	weft__loop_close(loop);
	cr_expect_not(freed);
	cr_expect_eq(said, 1);
	cr_assert_eq(weft__loop_in_flight(loop), 1u);
	weft__loop_wake(loop); /* its descriptors are open */
}

Test(loop, close__keeps_a_ring_that_something_is_in_flight_on, .timeout = 120)
{
	what_is_in_flight_keeps_the_loop(WEFT_IO_URING);
}

Test(loop, close__keeps_an_epoll_that_something_is_in_flight_on, .timeout = 120)
{
	what_is_in_flight_keeps_the_loop(WEFT_IO_EPOLL);
}
