/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/thread.c - threads of the machine, or of a simulation; see thread.h. */
#include "runtime/base/thread.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "runtime/base/sim.h"

#define NS_PER_S 1000000000u

const struct weft__sim_ops *weft__sim;

/* ---- start and join ------------------------------------------------------------ */

static_assert(sizeof(pthread_t) <= sizeof(uintptr_t), "weft__thread holds one");

int weft__thread_start(const char *name, void *(*fn)(void *arg), void *arg, weft__thread *ret_thread)
{
	pthread_t id;
	int r;

	if (weft__sim_is_on())
		return weft__sim->start(name, fn, arg, &ret_thread->id);
	r = -pthread_create(&id, NULL, fn, arg);
	if (r < 0)
		return r;
	pthread_setname_np(id, name);
	ret_thread->id = (uintptr_t)id;
	return 0;
}

void weft__thread_join(weft__thread thread)
{
	if (weft__sim_is_on())
		weft__sim->join(thread.id);
	else
		pthread_join((pthread_t)thread.id, NULL);
}

void weft__thread_detach(weft__thread thread)
{
	WEFT_ASSERT(!weft__sim_is_on());
	pthread_detach((pthread_t)thread.id);
}

/* ---- waiting a moment ------------------------------------------------------------ */

void weft__thread_yield(void)
{
	if (weft__sim_is_on())
		weft__sim->yield();
	else
		sched_yield();
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

void weft__thread_pause(uint64_t ns)
{
	struct timespec ts = timespec_of(ns);

	if (weft__sim_is_on())
		weft__sim->wait(0, weft_now_ns() + ns);
	else
		nanosleep(&ts, NULL);
}

/* ---- waiting for a word ------------------------------------------------------------ */

/* What is left until deadline_ns; NULL: no deadline. False: it has passed. */
static bool time_left(uint64_t deadline_ns, struct timespec *left, struct timespec **ret_left)
{
	uint64_t now;

	*ret_left = NULL;
	if (deadline_ns == UINT64_MAX)
		return true;
	now = weft_now_ns();
	if (now >= deadline_ns)
		return false;
	*left = timespec_of(deadline_ns - now);
	*ret_left = left;
	return true;
}

static long futex(_Atomic(uint32_t) *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, (uint32_t *)word, op | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

void weft__word_wait(_Atomic(uint32_t) *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec left, *timeout;

	if (!time_left(deadline_ns, &left, &timeout))
		return;
	if (!weft__sim_is_on())
		futex(word, FUTEX_WAIT, value, timeout);
	else if (weft__load_seq_cst(word) == value)
		weft__sim->wait((uintptr_t)word, deadline_ns);
}

void weft__word_wake(_Atomic(uint32_t) *word)
{
	if (weft__sim_is_on())
		weft__sim->wake((uintptr_t)word);
	else
		futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

/* ---- waiting for an eventfd ----------------------------------------------------------- */

/* Descriptors are small: no word has such an address. */
static uintptr_t fd_key(int fd)
{
	return (uintptr_t)fd + 1;
}

void weft__fd_wait(int fd, uint64_t deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec left, *timeout;

	if (!time_left(deadline_ns, &left, &timeout))
		return;
	if (!weft__sim_is_on())
		ppoll(&pfd, 1, timeout, NULL);
	else if (poll(&pfd, 1, 0) == 0)
		weft__sim->wait(fd_key(fd), deadline_ns);
}

int weft__fd_signal(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do {
		n = write(fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
	if (weft__sim_is_on())
		weft__sim->wake(fd_key(fd));
	return n < 0 ? -errno : 0;
}
