/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/helper/helper.h - a few threads of the process for what can only be had by blocking.
 *
 * Resolving a name and reading the system's certificates have no asynchronous form that does what the host's
 * configuration says. A loop sends an errand: work is run once on a helper thread, done in the loop's thread.
 * Threads begin with the first errand, as many as are busy, up to a few; they end after some seconds without one,
 * and nobody joins them.
 *
 * Nobody waits for an errand whose loop ends: it is left. The work goes on, and the errand is dropped after it.
 *
 * In a simulation work runs inside send.
 */
#ifndef WEFT_NET_HELPER_H
#define WEFT_NET_HELPER_H

#include "runtime/io/loop.h"

#define WEFT__HELPER_THREADS_MAX 4u
#define WEFT__HELPER_ERRANDS_MAX 1024u /* waiting for a thread */

/* Embedded in what its owner allocated. From send until done, or for good once it is left, it is the helper's. */
struct weft__errand {
	void (*work)(struct weft__errand *errand); /* on a helper thread; must not use the loop */
	void (*done)(struct weft__errand *errand); /* in the loop's thread, inside wait; may free it */
	void (*drop)(struct weft__errand
	                     *errand); /* it was left, and nothing uses it any more: free it. Any thread */

	/* the helper's from here */
	struct weft__errand *next;
	struct weft__loop *loop;
	struct weft__job job;
	uint32_t state;
};

/*
 * In the loop's thread. 0: done will come. -ENOBUFS (too many wait already), -EAGAIN or -ENOMEM (there is no
 * thread and none could be had): nothing happened. Never blocks.
 */
int weft__errand_send(struct weft__loop *loop, struct weft__errand *errand);

/*
 * In the loop's thread, between send and done: done does not come, drop does, now or later. Needed before the
 * loop is closed.
 */
void weft__errand_leave(struct weft__errand *errand);

#endif
