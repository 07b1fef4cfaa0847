/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/loops.c - see loops.h.
 *
 * The own loop is made once and kept: threads that have it may post to it at any time, so it is retired when the
 * process or the library goes, and never freed. Its thread opens it, as a loop wants, and says how that went.
 *
 *     own.state   NONE -> UP -> DOWN       under own.lock; what else is in own is written before UP
 *
 * After fork the child has the memory but not the thread: it starts over. The loop it inherited stays as it is, with a
 * ring that is not mapped there and descriptors that close on exec.
 */
#include "runtime/loops.h"

#include <pthread.h>

#include "runtime/actor/core.h"
#include "runtime/base/sim.h"
#include "runtime/base/thread.h"
#include "runtime/io/loop.h"
#include "runtime/sched/worker.h"

enum { NONE = 0, UP, DOWN };

static struct {
	pthread_mutex_t lock;
	_Atomic(uint32_t) state;
	bool stop; /* the loop's thread leaves; its own */
	struct weft__loop *loop;
	weft__thread thread;
	struct weft__job stopper;
} own = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct weft__loop *lost; /* by the last fork; kept where a leak checker sees it */
static _Thread_local struct weft__loop *own_here;
static _Atomic(uint32_t) turn;

struct weft__loop *weft__loop_here(void)
{
	struct weft__worker *w = weft__self;

	return w && w->loop ? w->loop : own_here;
}

struct weft__loop *weft__loop_of(weft_runtime *rt, uint32_t n)
{
	return rt->sched.workers[n % rt->sched.worker_count].loop;
}

struct weft__loop *weft__loop_any(weft_runtime *rt)
{
	struct weft__worker *w = weft__self;

	if (w && w->rt == rt && w->loop)
		return w->loop;
	return weft__loop_of(rt, weft__fetch_add_relaxed(&turn, 1u)); /* relaxed: only that they differ matters */
}

/* ---- the own loop ---------------------------------------------------------------------- */

static void stop_running(struct weft__job *job)
{
	(void)job;
	own.stop = true;
}

static void *own_main(void *arg)
{
	_Atomic(uint32_t) *opened = arg;
	struct weft__loop *loop = NULL;
	int r = weft__loop_open(WEFT_IO_AUTO, &loop, NULL);

	own.loop = loop;
	own_here = loop;
	weft__store_release(opened, r == 0 ? 1u : 2u); /* own.loop before it; opened is gone when the starter saw this */
	weft__word_wake(opened);
	if (r < 0)
		return NULL;
	while (!own.stop)
		weft__loop_wait(loop, UINT64_MAX);
	weft__loop_retire(loop);
	return NULL;
}

static void forget_after_fork(void)
{
	pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;

	lost = own.loop;
	own.loop = NULL;
	own_here = NULL;
	own.lock = unlocked;
	weft__store_relaxed(&own.state, (uint32_t)NONE); /* relaxed: there is one thread now */
	own.stop = false;
}

/* Under the lock. */
static uint32_t start(void)
{
	static bool watching; /* forks */
	static _Atomic(uint32_t) opened;

	if (!watching && pthread_atfork(NULL, NULL, forget_after_fork) != 0)
		return NONE;
	watching = true;
	weft__store_relaxed(&opened, 0u); /* relaxed: the thread is started after it */
	if (weft__thread_start("weft/own", own_main, &opened, &own.thread) < 0)
		return NONE;
	while (!weft__load_acquire(&opened))
		weft__word_wait(&opened, 0, UINT64_MAX);
	if (weft__load_acquire(&opened) == 1)
		return UP;
	weft__thread_join(own.thread);
	return NONE;
}

struct weft__loop *weft__loop_own(void)
{
	uint32_t state;

	if (weft__sim_is_on())
		return NULL;
	/* acquire: own.loop */
	if (weft__load_acquire(&own.state) == UP)
		return own.loop;
	pthread_mutex_lock(&own.lock);
	state = weft__load_relaxed(&own.state); /* relaxed: under the lock */
	if (state == NONE) {
		state = start();
		weft__store_release(&own.state, state);
	}
	pthread_mutex_unlock(&own.lock);
	return state == UP ? own.loop : NULL;
}

/* The process ends, or the library is unloaded: not while our thread runs its code. */
__attribute__((destructor)) static void own_end(void)
{
	if (weft__load_acquire(&own.state) != UP || own_here)
		return; /* exit was called by a callback: nobody is left to wait for */
	weft__store_release(&own.state, (uint32_t)DOWN);
	own.stopper.run = stop_running;
	if (weft__loop_post(own.loop, &own.stopper) == 0)
		weft__thread_join(own.thread);
}
