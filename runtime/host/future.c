/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/host/future.c - one answer, waited for.
 *
 *     IDLE --request--> ASKED --answer--> READY --take--> IDLE
 *
 * The waiter says that it sleeps, then looks at the state; the answering thread
 * sets the state, then looks whether somebody sleeps (W1, W2: seq_cst on both
 * sides), so no wake-up is lost and none is paid for when nobody sleeps.
 *
 *     waiter                       answerer
 *     sleeping = 1     (W1)        msg, then state = READY  (W2)
 *     look at state                look at sleeping
 *
 *   field      written by                            read by
 *   state      asker, answerer, taker                all
 *   msg        answerer, before READY                taker, after READY
 *   sleeping   waiter                                answerer
 *   refs       owner, asker, answerer                all: the last one frees
 *
 * Which calls may overlap (X): a request's answer (or give_back) with any one of wait, try_take, destroy. These three,
 * and a new request, are the owner's: one at a time.
 * Linearization: W2 for the answer, the store of IDLE for the take. Progress: all but wait are wait-free.
 * Memory: who gives up the last reference frees, the answer too if nobody took it. ABA: a state
 * comes round only by its owner's take.
 *
 * Tests: tests/model/test_future.c, tests/api/test_port.c.
 */
#include "runtime/host/host.h"

#include <errno.h>

#include <weft/alloc.h>

enum { IDLE = 0, ASKED = 1, READY = 2 };

struct weft_future {
	struct weft__sink sink;
	_Atomic(uint32_t) state;
	_Atomic(uint32_t) sleeping;
	_Atomic(uint32_t) refs; /* the owner, and an answer to come */
	struct weft_msg *msg;   /* written before READY, read after */
};

static struct weft_future *future_of(struct weft__sink *sink)
{
	return (struct weft_future *)sink;
}

static void unref(struct weft_future *f)
{
	if (weft__fetch_sub_acq_rel(&f->refs, 1u) != 1)
		return;
	/* relaxed: nobody else is left */
	if (weft__load_relaxed(&f->state) == READY)
		weft_msg_destroy(f->msg);
	weft_free(f);
}

static int future_take(struct weft__sink *sink)
{
	struct weft_future *f = future_of(sink);
	uint32_t idle = IDLE;

	if (!weft__cas_acq_rel(&f->state, &idle, (uint32_t)ASKED))
		return -EALREADY;
	weft__fetch_add_acq_rel(&f->refs, 1u);
	return 0;
}

/* It is ASKED no more. */
static void set_state(struct weft_future *f, uint32_t state)
{
	weft__xchg_seq_cst(&f->state, state); /* W2: then look at sleeping */
	if (weft__load_seq_cst(&f->sleeping))
		weft__word_wake(&f->state);
}

static void future_give_back(struct weft__sink *sink)
{
	struct weft_future *f = future_of(sink);

	set_state(f, IDLE); /* no answer will come: who waits for it need not */
	unref(f);
}

static void future_deliver(struct weft__sink *sink, struct weft_msg *msg)
{
	struct weft_future *f = future_of(sink);

	f->msg = msg;
	set_state(f, READY);
	unref(f);
}

int weft_future_create(weft_runtime *rt, weft_future **ret_future)
{
	struct weft_future *f;

	WEFT_RETURN_IF(!rt || !ret_future, -EINVAL);
	f = weft_calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->sink = (struct weft__sink){
		.take = future_take, .give_back = future_give_back, .deliver = future_deliver, .rt_slot = rt->slot
	};
	weft__store_relaxed(&f->refs, 1u); /* relaxed: not shared yet */
	*ret_future = f;
	return 0;
}

void weft_future_destroy(weft_future *future)
{
	if (future)
		unref(future);
}

int weft_future_try_take(weft_future *future, weft_msg **ret_msg)
{
	uint32_t state;

	WEFT_RETURN_IF(!future || !ret_msg, -EINVAL);
	state = weft__load_acquire(&future->state);
	WEFT_RETURN_IF(state == IDLE, -EINVAL);
	if (state == ASKED)
		return -EAGAIN;
	*ret_msg = future->msg;
	future->msg = NULL;
	weft__store_release(&future->state, (uint32_t)IDLE);
	return 0;
}

static enum weft__progress future_progress(void *what)
{
	struct weft_future *f = what;

	return weft__load_acquire(&f->state) != ASKED ? WEFT__ALL : WEFT__NOT_YET;
}

/* Sleep until the answer is there or the deadline has passed. */
static void future_sleep(struct weft_future *f, uint64_t deadline_ns)
{
	weft__xchg_seq_cst(&f->sleeping, 1u); /* W1: then look at the state */
	while (weft__load_seq_cst(&f->state) == ASKED && weft_now_ns() < deadline_ns)
		weft__word_wait(&f->state, ASKED, deadline_ns);
	weft__store_release(&f->sleeping, 0u);
}

int weft_future_wait_until(weft_future *future, weft_msg **ret_msg, uint64_t deadline_ns)
{
	int r;

	WEFT_RETURN_IF(!future || !ret_msg, -EINVAL);
	r = weft_future_try_take(future, ret_msg);
	if (r != -EAGAIN)
		return r;
	WEFT_RETURN_IF(weft__may_wait() < 0, -EDEADLK);
	if (weft_now_ns() < deadline_ns) {
		weft__help(future->sink.rt_slot, future_progress, future, deadline_ns);
		if (future_progress(future) == WEFT__NOT_YET)
			future_sleep(future, deadline_ns);
	}
	r = weft_future_try_take(future, ret_msg);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}
