/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/post.c - jobs from other threads for the loop's thread, without locks.
 *
 * A stack that any thread pushes on and the loop's thread empties at once, turned round, so that jobs run in the
 * order in which they came. Emptying at once is what makes ABA harmless. The last exchange puts a mark
 * into it that no job has as its address; who finds the mark is refused.
 *
 *     posted -> c -> b -> a        post(d): CAS(posted, c, d) with d -> c
 *                                  take:    exchange(posted, NULL), then a, b, c, d
 *                                  close:   exchange(posted, CLOSED), then the same; for good
 *
 *   field      written by                                       read by
 *   posted     posters (CAS), the loop (exchange)               both
 *   job.next   its poster until the CAS, then the loop          the loop
 *   asleep     0 -> 1: the loop; 1 -> 0: posters (CAS), loop    both
 *
 * Which calls may overlap (X):  post  take, close, fall_asleep, wake_up
 *   post, any thread             X              X
 *   the others, the loop's       X              -
 *
 * Who posts pushes and then looks at asleep; who falls asleep says so and then looks at posted. Each stores one
 * word and loads the other's: seq_cst on both sides, or both could see the old values and the job would lie there.
 *
 *     poster                              loop
 *     push                  (D1)          asleep = 1            (D2)
 *     look at asleep        (D1')         look at posted        (D2')
 *
 * Invariant: a job that was pushed is run by the loop, or by close; while it lies there and the loop sleeps, one poster is on
 * its way to the wake. Linearization: post at its CAS, or at the load of the mark; close at its exchange, so a job is either
 * before it, and run, or refused. Only the poster that takes asleep away writes the eventfd: one sleep, one wake.
 * A wake that comes late, when the loop is up again, ends its next sleep early, which a wait may.
 * Progress: post lock-free, the rest wait-free. Memory: a job is the loop's from the CAS until run begins. No counter wraps.
 * Edges: the CAS releases the job's content, the exchange acquires it.
 *
 * Cost: an uncontended CAS and a load. Tests: tests/model/test_post.c, tests/unit/io/test_post.c.
 */
#include "runtime/io/backend.h"

#include <errno.h>

int weft__loop_post(struct weft__loop *loop, struct weft__job *job)
{
	struct weft__job *top = weft__load_acquire(&loop->posted);
	uint32_t asleep = 1;

	do {
		if (top == WEFT__POSTS_CLOSED)
			return -ESHUTDOWN;
		job->next = top;
	} while (!weft__cas_seq_cst(&loop->posted, &top, job)); /* D1; release: the job's content */
	/* D1'. A relaxed look would do after a full barrier, which not every CPU's exchange is. */
	if (weft__load_seq_cst(&loop->asleep) && weft__cas_seq_cst(&loop->asleep, &asleep, 0u))
		weft__loop_wake(loop);
	return 0;
}

void weft__loop_later(struct weft__loop *loop, struct weft__job *job)
{
	WEFT_ASSERT(weft__loop_is_mine(loop));
	job->next = NULL;
	*loop->later_end = job;
	loop->later_end = &job->next;
}

static bool has_posted(struct weft__job *top)
{
	return top && top != WEFT__POSTS_CLOSED;
}

bool weft__posts_any(const struct weft__loop *loop)
{
	/* relaxed: a hint; the exchange that takes them acquires */
	return loop->later_first || has_posted(weft__load_relaxed(&loop->posted));
}

/* Oldest first. */
static struct weft__job *turned_round(struct weft__job *top)
{
	struct weft__job *oldest = NULL;

	while (has_posted(top)) {
		struct weft__job *next = top->next;

		top->next = oldest;
		oldest = top;
		top = next;
	}
	return oldest;
}

static int run_all(struct weft__job *job)
{
	int count = 0;

	while (job) {
		struct weft__job *next = job->next;

		job->run(job); /* may free it */
		job = next;
		count++;
	}
	return count;
}

static int run_later(struct weft__loop *loop)
{
	struct weft__job *first = loop->later_first;

	if (!first)
		return 0;
	loop->later_first = NULL;
	loop->later_end = &loop->later_first;
	return run_all(first);
}

int weft__posts_run(struct weft__loop *loop)
{
	int count = 0;

	/* relaxed: a look before the exchange */
	if (has_posted(weft__load_relaxed(&loop->posted)))
		count = run_all(turned_round(weft__xchg_acq_rel(&loop->posted, NULL)));
	return count + run_later(loop);
}

int weft__posts_close(struct weft__loop *loop)
{
	return run_all(turned_round(weft__xchg_acq_rel(&loop->posted, WEFT__POSTS_CLOSED)));
}

bool weft__posts_fall_asleep(struct weft__loop *loop)
{
	if (loop->later_first)
		return false;
	weft__store_seq_cst(&loop->asleep, 1u);                 /* D2 */
	if (!has_posted(weft__load_seq_cst(&loop->posted)))     /* D2' */
		return true;
	weft__posts_wake_up(loop);
	return false;
}

void weft__posts_wake_up(struct weft__loop *loop)
{
	/* relaxed: who still sees 1 writes a wake too many; the jobs' content comes with the exchange */
	weft__store_relaxed(&loop->asleep, 0u);
}
