/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/deque.h - the newest for its owner, the oldest for thieves.
 *
 * A worker's actors that have not run yet. The owner pushes and pops at the bottom: a
 * child runs while its data is hot, and a tree of spawns is walked depth first, in the
 * memory of its depth instead of its breadth. Thieves take from the top: the oldest is
 * the root of the most work. Bounded; what does not fit goes to the run queue.
 *
 *      top                     bottom
 *       v                        v
 *     [ oldest | ... | ... | newest ]  ->  push, pop (owner)
 *       `-> steal (others)
 *
 *   field    written by                    read by
 *   top      thieves, owner (CAS)          all
 *   bottom   owner                         all
 *   slots    owner                         all
 *
 * Which calls may overlap (X):      push  pop  steal  depth
 *   push, pop: the owner only        -     -     X      X
 *   steal: any thread                X     X     X      X
 *
 * Invariant: the tasks are slots[top .. bottom), and bottom - top is at most WEFT__DEQUE_SLOTS.
 * The race is for the last task. The owner lowers bottom and then looks at top; a thief
 * looks at top and then at bottom. Each stores and loads the other's word, so both
 * are sequentially consistent: one of them sees the other. Who sees that only one
 * task is left takes it by a CAS of top, which one of them wins.
 *
 *     owner   bottom = b - 1  (Q2 seq_cst)     top?     (Q2')
 *     thief   top = t         (Q3, CAS)        bottom?  (Q3')
 *
 * Linearization: push at the store of bottom; pop at the store of bottom, or at the CAS
 * for the last one; steal at the CAS. Progress: push is wait-free, pop and steal lock-free.
 * A slot is not overwritten while a thief reads it in vain: push needs top to have passed
 * it, and then the thief's CAS fails. ABA: top only grows; it wraps after 2^32
 * tasks, and a thief would have to sleep through all of them between load and CAS.
 * Memory: slots hold pointers to tasks that live as long as their runtime's actor table.
 *
 * Source: D. Chase, Y. Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005, with a fixed array.
 * Tests: tests/unit/queue/test_deque.c, tests/stress/test_queues.c, tests/model/test_deque.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_DEQUE_H
#define WEFT_RUNTIME_QUEUE_DEQUE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/atomic.h"
#include "runtime/queue/task.h"

#ifndef WEFT__DEQUE_SLOTS
#define WEFT__DEQUE_SLOTS 256u /* power of two */
#endif

struct weft__deque {
	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) top;
	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) bottom;
	uint32_t top_seen; /* of the owner: top was at least here, so that its line need not come over each time */
	_Atomic(struct weft__task *) slots[WEFT__DEQUE_SLOTS];
};

static inline void weft__deque_init(struct weft__deque *d)
{
	/* relaxed: not shared yet */
	weft__store_relaxed(&d->top, 0u);
	weft__store_relaxed(&d->bottom, 0u);
	d->top_seen = 0;
}

/* About how many. Any thread. */
static inline uint32_t weft__deque_depth(const struct weft__deque *d)
{
	/* relaxed: a hint; top may have passed the bottom that was looked at before */
	int32_t depth = (int32_t)(weft__load_relaxed(&d->bottom) - weft__load_relaxed(&d->top));

	return depth > 0 ? (uint32_t)depth : 0;
}

/* False: full. The owner. */
static inline bool weft__deque_push(struct weft__deque *d, struct weft__task *task)
{
	uint32_t bottom = weft__load_relaxed(&d->bottom); /* relaxed: single writer */

	if (bottom - d->top_seen >= WEFT__DEQUE_SLOTS) {
		d->top_seen = weft__load_acquire(&d->top); /* acquire: a thief has read the slot before it let top pass it */
		if (bottom - d->top_seen == WEFT__DEQUE_SLOTS)
			return false;
	}
	weft__store_relaxed(&d->slots[bottom % WEFT__DEQUE_SLOTS], task); /* relaxed: published by Q1 */
	weft__store_release(&d->bottom, bottom + 1);                      /* Q1 release -> Q3': the task's state */
	return true;
}

/* The newest, or NULL. The owner. */
static inline struct weft__task *weft__deque_pop(struct weft__deque *d)
{
	uint32_t bottom = weft__load_relaxed(&d->bottom), top; /* relaxed: single writer */
	struct weft__task *task;

	if (bottom == weft__load_relaxed(&d->top)) /* relaxed: top only nears bottom, so empty is empty */
		return NULL;
	bottom--;
	weft__store_seq_cst(&d->bottom, bottom); /* Q2 */
	top = weft__load_seq_cst(&d->top);       /* Q2' */
	if ((int32_t)(bottom - top) > 0)
		return weft__load_relaxed(&d->slots[bottom % WEFT__DEQUE_SLOTS]); /* relaxed: this thread wrote it */
	task = NULL;
	if (bottom == top && weft__cas_seq_cst(&d->top, &top, top + 1))
		task = weft__load_relaxed(&d->slots[bottom % WEFT__DEQUE_SLOTS]); /* relaxed: as above */
	weft__store_relaxed(&d->bottom, bottom + 1); /* relaxed: empty again, nothing is published */
	return task;
}

/* The oldest, or NULL: none, or somebody else took it. Any thread. */
static inline struct weft__task *weft__deque_steal(struct weft__deque *d)
{
	uint32_t top = weft__load_seq_cst(&d->top);
	uint32_t bottom = weft__load_seq_cst(&d->bottom); /* Q3' */
	struct weft__task *task;

	if ((int32_t)(bottom - top) <= 0)
		return NULL;
	task = weft__load_relaxed(&d->slots[top % WEFT__DEQUE_SLOTS]); /* relaxed: Q3' saw its publication */
	return weft__cas_seq_cst(&d->top, &top, top + 1) ? task : NULL; /* Q3 */
}

#endif
