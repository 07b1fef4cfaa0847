/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/runq.h - a worker's tasks, in order, for itself and for thieves.
 *
 * A ck_ring in its single-producer multi-consumer mode: the owner enqueues,
 * owner and thieves dequeue. What does not fit goes to a private list that
 * only the owner sees and keeps the ring full from, oldest first, so that order holds
 * and a burst of any size is taken.
 *
 *     push -> [ ring, 256 slots ] -> pop (owner), steal (others)
 *         \-> overflow list  ->/  refill by the owner, one for each that it pops
 *
 * Which calls may overlap (X):      push  pop  steal  depth
 *   push, pop: the owner only        -     -     X      X
 *   steal: any thread                X     X     X      X
 *
 * Invariant: while the overflow list is not empty, everything in it is younger
 * than everything in the ring (push goes to the list as long as there is one).
 * Linearization: enqueue at the store of p_tail, dequeue at the CAS of c_head
 * (ck_ring.h). Progress: push wait-free, pop and steal lock-free. ABA: c_head only
 * grows; it wraps after 2^32 tasks, and a thief would have to sleep through all of
 * them between its load and its CAS. Memory: slots hold pointers to tasks that
 * live as long as their runtime's actor table.
 *
 * One mode only on this ring: SPMC does not keep what MPMC needs. ck 0.7.1 has
 * fences missing on weakly ordered CPUs (fixed upstream later): x86-64 is fine,
 * see docs/DEPENDENCIES.md for arm64.
 *
 *   field          written by                  read by
 *   c_head         owner, thieves (CAS)        all
 *   p_tail         owner                       all
 *   slots          owner                       all; a thief that loses throws away what it read
 *   overflow list  owner                       owner; its count, as a hint, all
 *
 * Edges (ck_ring.h): p_tail is stored with release after the slot, and loaded with acquire before it; c_head's
 * CAS releases, so that the owner, which acquires it, uses a slot again only after it was read, and
 * so that who sees the new c_head sees a p_tail that is not behind it.
 *
 * Tests: tests/unit/queue/test_runq.c, tests/stress/test_queues.c, tests/model/test_runq.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_RUNQ_H
#define WEFT_RUNTIME_QUEUE_RUNQ_H

#include <ck_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/queue/task.h"

#ifndef WEFT__RUNQ_SLOTS /* tests/model: 4 */
#define WEFT__RUNQ_SLOTS 256u /* power of two; one slot stays empty */
#endif

struct weft__runq {
	ck_ring_t ring; /* pads its consumer and producer lines itself */
	struct weft__task *overflow_first, *overflow_last; /* owner */
	_Atomic(uint32_t) overflow_count; /* one writer; read by depth() from anywhere, as a hint */
	ck_ring_buffer_t slots[WEFT__RUNQ_SLOTS];
};

static inline void weft__runq_init(struct weft__runq *q)
{
	ck_ring_init(&q->ring, WEFT__RUNQ_SLOTS);
	q->overflow_first = q->overflow_last = NULL;
	weft__store_relaxed(&q->overflow_count, 0); /* relaxed: not shared yet */
}

static inline void weft__runq_push(struct weft__runq *q, struct weft__task *task)
{
	if (__builtin_expect(!q->overflow_first && ck_ring_enqueue_spmc(&q->ring, q->slots, task), 1))
		return;
	task->next = NULL;
	if (q->overflow_last)
		q->overflow_last->next = task;
	else
		q->overflow_first = task;
	q->overflow_last = task;
	weft__count(&q->overflow_count, 1u);
}

/*
 * Tasks wait in the list, so the ring was full: put one in for each that is taken, more when
 * thieves emptied it. The list is long and cold, hence a look ahead.
 */
static inline void weft__runq_refill(struct weft__runq *q)
{
	uint32_t moved = 0;

	do {
		struct weft__task *oldest = q->overflow_first, *next = oldest->next;

		__builtin_prefetch(next);
		if (!ck_ring_enqueue_spmc(&q->ring, q->slots, oldest)) /* from here it may run elsewhere */
			break;
		q->overflow_first = next;
		moved++;
	} while (q->overflow_first && ck_ring_size(&q->ring) <= WEFT__RUNQ_SLOTS / 2);
	if (!q->overflow_first)
		q->overflow_last = NULL;
	weft__count(&q->overflow_count, -moved);
}

/* The ring's oldest, or NULL. (A dequeue that fails may have written what a thief got.) */
static inline struct weft__task *weft__runq_take(struct weft__runq *q)
{
	struct weft__task *task;

	return ck_ring_dequeue_spmc(&q->ring, q->slots, &task) ? task : NULL;
}

static inline struct weft__task *weft__runq_pop(struct weft__runq *q)
{
	struct weft__task *task = weft__runq_take(q);

	if (__builtin_expect(!q->overflow_first, 1))
		return task;
	weft__runq_refill(q);
	return task ? task : weft__runq_take(q);
}

static inline struct weft__task *weft__runq_steal(struct weft__runq *q)
{
	return weft__runq_take(q);
}

/* About how many; exact for the owner when nobody steals. */
static inline uint32_t weft__runq_depth(const struct weft__runq *q)
{
	return ck_ring_size(&q->ring) + weft__load_relaxed(&q->overflow_count);
}

/* Tasks a thief can reach. */
static inline uint32_t weft__runq_stealable(const struct weft__runq *q)
{
	return ck_ring_size(&q->ring);
}

#endif
