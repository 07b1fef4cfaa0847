/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/inject.h - work that comes to a worker from other threads.
 *
 * A ck_stack: any thread pushes one entry, the taker detaches the whole stack
 * with one exchange and turns it round, so that entries come out in the order
 * they were pushed. Detaching everything at once is what makes ABA harmless.
 *
 * Overlap: push and take_all, any threads, any number. Linearization: the CAS of
 * push, the exchange of take_all. Progress: push lock-free, take_all wait-free.
 *
 * After a push the caller looks whether the worker sleeps, and a worker that
 * goes to sleep looks here again: store here, load there. The push's CAS is a full
 * barrier on x86; weft__inject_push orders it elsewhere (label D1, see
 * runtime/sched/park.c for D2).
 *
 * Tests: tests/unit/queue/test_inject.c, tests/stress/test_queues.c.
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

static inline bool weft__inject_is_empty(struct weft__inject *in)
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
