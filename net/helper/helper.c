/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/helper/helper.c - errands: one queue, a few threads, and the way back to a loop that may be gone.
 *
 * All under one lock, which nobody holds for long: the queue, the threads, and whose an errand is:
 *
 *     SENT --work is done--> POSTED --the loop--> done
 *      |          \             \--leave--> LEFT --the loop--> drop
 *      |           \--the loop refuses: REFUSED --leave--> drop
 *      \--leave--> LEFT --work is done--> drop
 *
 * The post is made under the lock, and the loop takes the lock once before it goes on: so a loop in which
 * nothing is sent or posted is one that no helper touches any more, and may be closed.
 *
 * A thread that finds nothing sleeps on a word that every send changes. It reads the word under the lock, so an
 * errand sent after that makes its sleep return at once.
 *
 * A child after fork has this memory, the lock as some thread may have held it, and none of the threads: it begins anew.
 */
#include "net/helper/helper.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/thread.h"

#define IDLE_NS UINT64_C(5000000000) /* how long a thread waits for another errand */

enum { SENT, POSTED, REFUSED, LEFT };

static struct {
	pthread_mutex_t lock;
	struct weft__errand *first, **last;
	uint32_t waiting; /* errands */
	uint32_t threads, idle;
	_Atomic(uint32_t) sent; /* changes with every send */
	_Atomic(bool) watches; /* forks */
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &helper.first};

/* ---- the way back -------------------------------------------------------------------------------- */

/* In the loop's thread. */
static void came_back(struct weft__job *job)
{
	struct weft__errand *e = (struct weft__errand *)(void *)((char *)job -
	                                                         offsetof(struct weft__errand, job));
	uint32_t state;

	pthread_mutex_lock(&helper.lock); /* waits for who posted it to be out of the loop */
	state = e->state;
	pthread_mutex_unlock(&helper.lock);
	if (state == LEFT)
		e->drop(e);
	else
		e->done(e);
}

static void send_back(struct weft__errand *e)
{
	bool left;

	pthread_mutex_lock(&helper.lock);
	left = e->state == LEFT;
	if (!left) {
		e->state = POSTED;
		if (weft__loop_post(e->loop, &e->job) < 0)
			e->state = REFUSED; /* whoever sent it is about to leave it */
	}
	pthread_mutex_unlock(&helper.lock);
	if (left)
		e->drop(e);
}

void weft__errand_leave(struct weft__errand *errand)
{
	bool refused;

	pthread_mutex_lock(&helper.lock);
	WEFT_ASSERT(errand->state != LEFT);
	refused = errand->state == REFUSED;
	errand->state = LEFT;
	pthread_mutex_unlock(&helper.lock);
	if (refused)
		errand->drop(errand);
}

/* ---- threads --------------------------------------------------------------------------------------- */

static struct weft__errand *take_locked(void)
{
	struct weft__errand *e = helper.first;

	if (!e)
		return NULL;
	helper.first = e->next;
	helper.waiting--;
	if (!helper.first)
		helper.last = &helper.first;
	return e;
}

/* NULL: none came for IDLE_NS. */
static struct weft__errand *next_locked(void)
{
	uint64_t until = weft_now_ns() + IDLE_NS;

	while (!helper.first && weft_now_ns() < until) {
		/* relaxed: the lock orders it against the writer */
		uint32_t seen = weft__load_relaxed(&helper.sent);

		helper.idle++;
		pthread_mutex_unlock(&helper.lock);
		weft__word_wait(&helper.sent, seen, until);
		pthread_mutex_lock(&helper.lock);
		helper.idle--;
	}
	return take_locked();
}

static void *helper_thread(void *arg)
{
	struct weft__errand *e;

	(void)arg;
	pthread_mutex_lock(&helper.lock);
	while ((e = next_locked())) {
		pthread_mutex_unlock(&helper.lock);
		e->work(e);
		send_back(e);
		pthread_mutex_lock(&helper.lock);
	}
	helper.threads--;
	pthread_mutex_unlock(&helper.lock);
	return NULL;
}

/* One more when all are busy. 0 when somebody will come for what waits. */
static int have_thread_locked(void)
{
	weft__thread thread;
	int r;

	if (helper.idle > helper.waiting || helper.threads == WEFT__HELPER_THREADS_MAX)
		return 0;
	r = weft__thread_start("weft-helper", helper_thread, NULL, &thread);
	if (r < 0)
		return helper.threads ? 0 : r;
	weft__thread_detach(thread);
	helper.threads++;
	return 0;
}

/* ---- sending ------------------------------------------------------------------------------------------ */

/* In the child of a fork: there is one thread now. */
static void begin_anew(void)
{
	pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;

	helper.lock = unlocked;
	helper.first = NULL;
	helper.last = &helper.first;
	helper.waiting = helper.threads = helper.idle = 0;
}

/* Before the lock is first taken. Two at once may both be heard: to begin anew twice is as good as once. */
static int watch_forks(void)
{
	/* relaxed: nothing goes with it */
	if (weft__load_relaxed(&helper.watches))
		return 0;
	if (pthread_atfork(NULL, NULL, begin_anew) != 0)
		return -ENOMEM;
	weft__store_relaxed(&helper.watches, true); /* relaxed: as above */
	return 0;
}

static int send_locked(struct weft__errand *e)
{
	int r;

	if (helper.waiting == WEFT__HELPER_ERRANDS_MAX)
		return -ENOBUFS;
	r = have_thread_locked();
	if (r < 0)
		return r;
	*helper.last = e;
	helper.last = &e->next;
	helper.waiting++;
	/* relaxed: the lock orders it, and the kernel compares it for the sleeper */
	weft__store_relaxed(&helper.sent, weft__load_relaxed(&helper.sent) + 1);
	return 0;
}

int weft__errand_send(struct weft__loop *loop, struct weft__errand *errand)
{
	int r;

	WEFT_ASSERT(errand->work && errand->done && errand->drop);
	errand->next = NULL;
	errand->loop = loop;
	errand->job.run = came_back;
	errand->state = SENT;
	if (weft__sim_is_on()) {
		errand->work(errand);
		send_back(errand);
		return 0;
	}
	r = watch_forks();
	if (r < 0)
		return r;
	pthread_mutex_lock(&helper.lock);
	r = send_locked(errand);
	pthread_mutex_unlock(&helper.lock);
	if (r == 0)
		weft__word_wake(&helper.sent);
	return r;
}
