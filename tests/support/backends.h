/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/backends.h - run a case on io_uring and on epoll; on the simulated loop: simulated.h.
 *
 * Where io_uring is not to be had, its part is skipped, with a reason.
 */
#ifndef WEFT_TESTS_SUPPORT_BACKENDS_H
#define WEFT_TESTS_SUPPORT_BACKENDS_H

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "runtime/io/loop.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static inline struct weft__loop *loop_make(weft_io_backend backend)
{
	struct weft__loop *loop = NULL;
	const char *why = NULL;

	unsetenv("WEFT_IO");
	cr_assert_eq(weft__loop_open(backend, &loop, &why), 0);
	cr_assert_not_null(why);
	if (backend == WEFT_IO_URING && strcmp(weft__loop_name(loop), "uring") != 0) {
		weft__loop_close(loop);
		cr_skip_test("no io_uring here: %s", why);
	}
	return loop;
}

static inline void run_on(weft_io_backend backend, void (*fn)(struct weft__loop *loop))
{
	struct weft__loop *loop = loop_make(backend);

	fn(loop);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	weft__loop_close(loop);
}

static uint64_t sim_seed; /* of the simulated run that goes on, if one does */

/* Turn the loop until *what is at least count; a minute at most. */
#define turn_until(loop, what, count) turn_until_at(loop, what, count, __LINE__)
static inline void turn_until_at(struct weft__loop *loop, const int *what, int count, int line)
{
	uint64_t end = weft_now_ns() + 60 * SECOND;

	while (*what < count && weft_now_ns() < end)
		weft__loop_wait(loop, 50 * MS);
	cr_assert_geq(*what, count, "%d of %d in line %d, seed %" PRIu64, *what, count, line, sim_seed);
}

/* Let whatever is ready come, and what is not show that it does not. */
static inline void settle(struct weft__loop *loop)
{
	for (int i = 0; i < 4; i++)
		weft__loop_wait(loop, 2 * MS);
}

#define ON_BOTH(suite, fn)                                                                                 \
	Test(suite##_uring, fn, .timeout = 120)                                                             \
	{                                                                                                  \
		run_on(WEFT_IO_URING, fn);                                                                 \
	}                                                                                                  \
	Test(suite##_epoll, fn, .timeout = 120)                                                             \
	{                                                                                                  \
		run_on(WEFT_IO_EPOLL, fn);                                                                 \
	}

/* From here on, in this process, rings get no buffers to choose from, as on kernels before 5.19: they receive after a poll. */
static inline bool forbid_ring_buffers(void)
{
	enum { REGISTER_BUFFER_RING = 22 };
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])), /* its lower half, on these machines */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REGISTER_BUFFER_RING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Once more, on a ring like that. */
#define ON_OLD_RING(suite, fn)                                                                             \
	Test(suite##_old_ring, fn, .timeout = 120)                                                          \
	{                                                                                                  \
		if (!forbid_ring_buffers())                                                                \
			cr_skip_test("no seccomp here");                                                   \
		run_on(WEFT_IO_URING, fn);                                                                 \
	}

#endif
