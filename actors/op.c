/* SPDX-License-Identifier: Apache-2.0 */
/* actors/op.c - pending operations; the states and who may move them are in op.h. */
#include "actors/op.h"

#include <errno.h>

#include <weft/sim.h>

#include "actors/agent.h"
#include "actors/pause.h"

#define LOOK_NS 50000u /* between two looks of a wait in place */

enum { RUNNING = 0, WAITING = 1, FINISHED = 2, ABANDONED = 3 };

/* The op whose handler this thread is inside of. Handlers do not nest on one op. */
static _Thread_local const struct weft__op *inside;

void weft__op_simulated(void)
{
	weft_sim_local(&inside, sizeof(inside));
}

void weft__op_begin(struct weft__op *op, struct weft__run *run, void (*back)(struct weft__op *op))
{
	op->run = run;
	op->back = back;
	op->promise = NULL;
	op->status = 0;
	op->next = NULL;
	op->prev = (struct weft__op **)(uintptr_t)inside; /* until it is under way: the op around this one */
	__atomic_store_n(&op->state, RUNNING, __ATOMIC_RELAXED); /* relaxed: nobody else knows it yet */
	inside = op;
}

bool weft__op_is_inline(const struct weft__op *op)
{
	return inside == op;
}

static void list_add(struct weft__op *op)
{
	struct weft__run *run = op->run;

	op->next = run->ops;
	op->prev = &run->ops;
	if (op->next)
		op->next->prev = &op->next;
	run->ops = op;
}

static void list_remove(struct weft__op *op)
{
	*op->prev = op->next;
	if (op->next)
		op->next->prev = op->prev;
}

int weft__op_returned(struct weft__op *op, int r)
{
	weft_reply_to self;
	uint32_t running = RUNNING;

	inside = (const struct weft__op *)(uintptr_t)op->prev;
	if (__builtin_expect(r != WEFT_PENDING, 1))
		return r > 0 ? 0 : r;
	self = weft_reply_to_actor(op->run->agent->ref, (uintptr_t)op);
	r = weft_promise_create(self, &op->promise);
	if (r < 0) {
		/* It was started and cannot come back: whoever finishes it lets go of the run. */
		weft__run_ref(op->run); /* before the CAS: finish may come at once */
		if (__atomic_compare_exchange_n(&op->state, &running, ABANDONED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			return r;
		weft__run_unref(op->run);
		return op->status; /* finished already */
	}
	/* acq_rel: release publishes promise to finish; acquire its status, when it was faster */
	if (__atomic_compare_exchange_n(&op->state, &running, WAITING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		list_add(op);
		return WEFT_PENDING;
	}
	/* finished already, on another thread: no message is needed */
	weft__promise_drop(op->promise);
	return op->status;
}

bool weft__op_is_lost(const struct weft__op *op)
{
	return __atomic_load_n(&op->state, __ATOMIC_RELAXED) == ABANDONED; /* relaxed: this thread set it, and it stays */
}

void weft__op_finish(struct weft__op *op, int status)
{
	uint32_t state = RUNNING;
	weft_msg *promise;

	op->status = status > 0 ? 0 : status;
	if (__atomic_compare_exchange_n(&op->state, &state, FINISHED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return; /* the handler has not returned yet: weft__op_returned sees it */
	if (state == WAITING) {
		promise = op->promise; /* before the CAS: afterwards the op may be gone */
		if (__atomic_compare_exchange_n(&op->state, &state, FINISHED, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_ACQUIRE)) {
			weft_promise_finish(promise, WEFT__KIND_OP, 0);
			return;
		}
	}
	if (state == ABANDONED)
		weft__run_unref(op->run);
}

int weft__op_wait(struct weft__op *op, int r)
{
	inside = (const struct weft__op *)(uintptr_t)op->prev;
	if (r != WEFT_PENDING)
		return r > 0 ? 0 : r;
	while (__atomic_load_n(&op->state, __ATOMIC_ACQUIRE) != FINISHED)
		weft__pause(LOOK_NS);
	return op->status;
}

void weft__op_arrived(weft_msg *msg)
{
	struct weft__op *op = (struct weft__op *)(uintptr_t)weft_msg_token(msg);

	list_remove(op);
	op->back(op);
}

bool weft__ops_abandon(struct weft__run *run)
{
	struct weft__op *op = run->ops;
	bool none = true;

	while (op) {
		struct weft__op *next = op->next;
		weft_msg *promise = op->promise;
		uint32_t waiting = WAITING;

		weft__run_ref(run); /* finish's, if it still comes; before the CAS lets it come */
		if (__atomic_compare_exchange_n(&op->state, &waiting, ABANDONED, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_ACQUIRE)) {
			weft__promise_drop(promise);
			none = false;
		} else {
			weft__run_unref(run); /* finished: its message is on the way to an actor that is gone */
		}
		op = next;
	}
	run->ops = NULL;
	return none;
}
