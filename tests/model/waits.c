/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/waits.c - waiting as runtime/base/thread.h promises it, for models: a futex, an eventfd,
 * a mutex. Compiled like the code under test, so that the futex's own words are explored too.
 *
 * Linux' futex: who waits counts itself, then looks at the word; who wakes looks whether anybody counts
 * itself, after a full barrier. The eventfd and the mutex are one step each, and order: who sees the eventfd
 * readable sees what was before the signal.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/base/thread.h"
#include "tests/model/explore.h"
#include "tests/model/gate.h"
#include "tests/model/stand_ins.h"

static struct {
	_Atomic(uint32_t) waiters;
	struct gate woken;
	struct gate readable; /* the eventfd; one in a model */
	struct gate locked;   /* the mutex; one in a model */
} waits;

void waits_begin(void)
{
	weft__store_relaxed(&waits.waiters, 0u);
	waits.woken = waits.readable = waits.locked = (struct gate){ 0 };
	explore_name(&waits.waiters, sizeof(waits.waiters), "futex waiters");
}

/* ---- futex: one word in a model ---------------------------------------------------------- */

void weft__word_wait(_Atomic(uint32_t) *word, uint32_t value, uint64_t deadline_ns)
{
	uint32_t seen = gate_count(&waits.woken);

	(void)deadline_ns; /* nobody may depend on it */
	weft__fetch_add_relaxed(&waits.waiters, 1u);
	atomic_thread_fence(memory_order_seq_cst);
	if (weft__load_relaxed(word) == value)
		gate_wait(&waits.woken, seen, "sleeps on a word");
	weft__fetch_sub_relaxed(&waits.waiters, 1u);
}

void weft__word_wake(_Atomic(uint32_t) *word)
{
	(void)word;
	atomic_thread_fence(memory_order_seq_cst);
	if (weft__load_relaxed(&waits.waiters))
		gate_pass(&waits.woken, "wakes who sleeps on a word");
}

/* ---- eventfd --------------------------------------------------------------------------------- */

int weft__fd_signal(int fd)
{
	(void)fd;
	explore_release(&waits.readable);
	gate_open(&waits.readable, "makes the eventfd readable");
	return 0;
}

void weft__fd_wait(int fd, uint64_t deadline_ns)
{
	(void)fd;
	(void)deadline_ns;
	gate_wait_open(&waits.readable, "waits for the eventfd");
	explore_acquire(&waits.readable);
}

int model_eventfd(unsigned int count, int flags);
int model_eventfd(unsigned int count, int flags)
{
	(void)flags;
	return count ? -1 : 100;
}

ssize_t model_read(int fd, void *to, size_t bytes);
ssize_t model_read(int fd, void *to, size_t bytes)
{
	(void)fd;
	(void)to;
	return gate_close(&waits.readable, "reads the eventfd") ? (ssize_t)bytes : -1;
}

int model_close(int fd);
int model_close(int fd)
{
	(void)fd;
	return 0;
}

/* ---- mutex -------------------------------------------------------------------------------------- */

int model_mutex_lock(pthread_mutex_t *mutex);
int model_mutex_lock(pthread_mutex_t *mutex)
{
	gate_lock(&waits.locked, "locks");
	explore_acquire(mutex);
	return 0;
}

int model_mutex_unlock(pthread_mutex_t *mutex);
int model_mutex_unlock(pthread_mutex_t *mutex)
{
	explore_release(mutex);
	gate_close(&waits.locked, "unlocks");
	return 0;
}

void weft__thread_yield(void)
{
	weft__spin();
}
