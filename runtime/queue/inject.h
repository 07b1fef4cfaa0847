/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/inject.h - work that comes to a worker from other threads.
 *
 * A ck_stack: any thread pushes one entry, the taker detaches the whole stack
 * with one exchange and turns it round, so that entries come out in the order
 * they were pushed. Detaching everything at once is what makes ABA harmless.
 *
 *     head -> c -> b -> a        push(d): CAS(head, c, d) with d -> c
 *                                take_all: exchange(head, NULL), then a, b, c, d
 *
 *   field        written by                    read by
 *   head         pushers (CAS), takers         both; whoever looks whether it is empty
 *   entry.next   its pusher, then its taker    the taker
 *
 * Which calls may overlap (X):  push  take_all  is_empty
 *   push, any thread             X       X         X
 *   take_all, any thread         X       X         X
 *
 * Invariant: an entry is in the stack from its push until the take_all that gets it, and belongs to
 * the stack meanwhile. Linearization: the CAS of push, the exchange of take_all. Progress: push lock-free,
 * take_all wait-free. Memory: an entry is the taker's after the exchange. Edges (ck_stack.h): push
 * releases what was written into the entry, the exchange acquires it. No counter, so nothing wraps.
 *
 * After a push the caller looks whether the worker sleeps, and a worker that
 * goes to sleep looks here again: store here, load there. The push's CAS is a full
 * barrier on x86; weft__inject_push orders it elsewhere (label D1, see
 * runtime/sched/park.c for D2).
 *
 * Source: ck_stack (R. K. Treiber's stack, emptied at once).
 * Tests: tests/unit/queue/test_inject.c, tests/stress/test_queues.c, tests/model/test_inject.c, test_park.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_INJECT_H
#define WEFT_RUNTIME_QUEUE_INJECT_H

#include <ck_pr.h>
#include <ck_stack.h>
#include <stdbool.h>
#include <stddef.h>

struct weft__inject {
	ck_stack_t stack;
};

static inline void weft__inject_init(struct weft__inject *in)
{
	ck_stack_init(&in->stack);
}

static inline void weft__inject_push(struct weft__inject *in, ck_stack_entry_t *entry)
{
	ck_stack_push_upmc(&in->stack, entry);
	ck_pr_fence_atomic_load(); /* D1: the push before the caller's look at `sleeping` */
}

static inline bool weft__inject_is_empty(const struct weft__inject *in)
{
	return ck_pr_load_ptr(&in->stack.head) == NULL;
}

/*
 * The same after the caller has said that it sleeps (D2', park.c): seq_cst, so that this load does not
 * come before that store. On x86 it is the same instruction; on arm64 a plain load would overtake.
 */
static inline bool weft__inject_is_empty_seq_cst(struct weft__inject *in)
{
	return __atomic_load_n(&in->stack.head, __ATOMIC_SEQ_CST) == NULL;
}

/* All entries, oldest first, linked through next; NULL when there are none. */
static inline ck_stack_entry_t *weft__inject_take_all(struct weft__inject *in)
{
	ck_stack_entry_t *entry, *oldest = NULL;

	if (weft__inject_is_empty(in))
		return NULL;
	entry = ck_stack_batch_pop_upmc(&in->stack);
	while (entry) {
		ck_stack_entry_t *next = entry->next;

		entry->next = oldest;
		oldest = entry;
		entry = next;
	}
	return oldest;
}

#endif
