/* SPDX-License-Identifier: Apache-2.0 */
/* actors/op.c - pending operations; the states and who may move them are in op.h. */
#include "actors/op.h"

#include <errno.h>

#include <weft/sim.h>

#include "actors/agent.h"
#include "actors/pause.h"

#define LOOK_NS 50000u /* between two looks of a wait in place */

#define SPIN_NS 1000u  /* between two looks of a thread that waits for a telling or a speaking of another to end */

/* Low bits of the word; above them it counts those who speak. */
enum { RUNNING = 0, WAITING = 1, FINISHED = 2, ABANDONED = 3, CANCELING = 4, STATES = 7, SPEAKER = 8 };

/* The op whose handler this thread is inside of. Handlers do not nest on one op. */
static _Thread_local const struct weft__op *inside;
/* The op whose handler this thread is telling that nobody waits. */
static _Thread_local const struct weft__op *telling;

void weft__op_simulated(void)
{
	weft_sim_local(&inside, sizeof(inside));
	weft_sim_local(&telling, sizeof(telling));
}

void weft__op_begin(struct weft__op *op, struct weft__run *run, void (*back)(struct weft__op *op))
{
	op->run = run;
	op->back = back;
	op->promise = NULL;
	op->cancel = NULL;
	op->inner = false;
	op->status = 0;
	op->next = NULL;
	op->prev = (struct weft__op **)(uintptr_t)inside; /* until it is under way: the op around this one */
	weft__store_relaxed(&op->state, RUNNING); /* relaxed: nobody else knows it yet */
	inside = op;
}

bool weft__op_is_inline(const struct weft__op *op)
{
	return inside == op;
}

/*
 * From one state into another, whoever speaks meanwhile. False: it is in another one, which *state tells.
 * O1, acq_rel: each side publishes what the other reads after its own move; acquire what made this one fail.
 */
static bool move(struct weft__op *op, uint32_t *state, uint32_t to)
{
	uint32_t word = *state;

	while (!weft__cas_acq_rel(&op->state, &word, (word & ~(uint32_t)STATES) | to)) {
		if ((word & STATES) != *state) {
			*state = word & STATES;
			return false;
		}
	}
	return true;
}

static uint32_t state_of(const struct weft__op *op)
{
	return weft__load_acquire(&op->state) & STATES; /* O2, acquire: what the state says is there */
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

/*
 * Who finishes an op that was let go of has a reference to the run. An inner one is finished by what comes back to the run, or never: it
 * needs none, and nobody would give it back.
 */
static void hold_for_finish(struct weft__op *op)
{
	if (!op->inner)
		weft__run_ref(op->run);
}

static void release_of_finish(struct weft__op *op)
{
	if (!op->inner)
		weft__run_unref(op->run);
}

/* Let go of it, and outlast those who speak for it just now. False: it is not in that state any more. */
static bool abandon(struct weft__op *op, uint32_t state)
{
	if (!move(op, &state, ABANDONED))
		return false;
	/* O3, acquire: what a speaker read of the runtime was read before the runtime goes */
	while (weft__load_acquire(&op->state) >= SPEAKER)
		weft__pause(SPIN_NS);
	return true;
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
		hold_for_finish(op); /* before the CAS: finish may come at once */
		if (abandon(op, RUNNING))
			return r;
		release_of_finish(op);
		return op->status; /* finished already */
	}
	/* acq_rel: release publishes promise to finish; acquire its status, when it was faster */
	if (move(op, &running, WAITING)) {
		list_add(op);
		return WEFT_PENDING;
	}
	/* finished already, on another thread: no message is needed */
	weft__promise_drop(op->promise);
	return op->status;
}

int weft__op_loose_returned(struct weft__op *op, int r)
{
	uint32_t running = RUNNING;

	inside = (const struct weft__op *)(uintptr_t)op->prev;
	if (r != WEFT_PENDING)
		return r > 0 ? 0 : r;
	/* acq_rel: as in weft__op_returned */
	if (move(op, &running, WAITING))
		return WEFT_PENDING;
	return op->status;
}

bool weft__op_is_lost(const struct weft__op *op)
{
	return state_of(op) == ABANDONED;
}

void weft__op_finish(struct weft__op *op, int status)
{
	uint32_t state = RUNNING;
	weft_msg *promise;
	bool loose;

	op->status = status > 0 ? 0 : status;
	if (move(op, &state, FINISHED))
		return; /* the handler has not returned yet: weft__op_returned sees it */
	promise = op->promise; /* before the CAS: afterwards the op may be gone, but for a loose one */
	loose = !op->run;
	for (;;) {
		if (state == ABANDONED) {
			release_of_finish(op);
			return;
		}
		if (state == CANCELING && telling != op) { /* another thread tells the handler just now: a moment */
			weft__pause(SPIN_NS);
			state = state_of(op);
			continue;
		}
		/* acq_rel: release publishes status and response to the agent; acquire the end of a telling */
		if (move(op, &state, FINISHED)) {
			if (loose)
				op->back(op);
			else
				weft_promise_finish(promise, WEFT__KIND_OP, 0);
			return;
		}
	}
}

/* ---- speaking ------------------------------------------------------------- */

bool weft__op_speak_begin(struct weft__op *op)
{
	if (weft__op_is_inline(op))
		return true; /* the agent's own thread */
	/* O4, acquire: nothing of the runtime is read before it counts; one word, so abandon sees it or it sees ABANDONED */
	if ((weft__fetch_add_acquire(&op->state, SPEAKER) & STATES) != ABANDONED)
		return true;
	weft__op_speak_end(op);
	return false;
}

void weft__op_speak_end(struct weft__op *op)
{
	if (!weft__op_is_inline(op))
		weft__fetch_sub_release(&op->state, SPEAKER); /* O3, release: to abandon, which waits for it */
}

/* ---- canceling ------------------------------------------------------------ */

int weft__op_on_cancel(struct weft__op *op, void (*fn)(void *user), void *user)
{
	if (!weft__op_is_inline(op) || !fn)
		return -EINVAL;
	/* plain: the agent's thread writes and reads them, and the handler has not returned */
	op->cancel_user = user;
	op->cancel = fn;
	return 0;
}

/* Tell the handler, if it waits and wants to know. The run, or what a loose op is part of, is held by the caller. True: it was told. */
static bool tell(struct weft__op *op)
{
	const struct weft__op *outer = telling;
	void (*fn)(void *user) = op->cancel;
	uint32_t state = WAITING;

	op->cancel = NULL;
	if (!fn || !move(op, &state, CANCELING))
		return false; /* finished: its message is on the way */
	telling = op;
	fn(op->cancel_user);
	telling = outer;
	state = CANCELING;
	/* release: what fn did is over before a finish goes on; it fails when fn has finished the op itself */
	(void)move(op, &state, WAITING);
	return true;
}

void weft__op_loose_cancel(struct weft__op *op)
{
	(void)tell(op);
}

void weft__ops_cancel(struct weft__run *run)
{
	weft__run_ref(run);
	for (struct weft__op *op = run->ops; op; op = op->next)
		(void)tell(op);
	weft__run_unref(run);
}

int weft__op_wait(struct weft__op *op, int r)
{
	inside = (const struct weft__op *)(uintptr_t)op->prev;
	if (r != WEFT_PENDING)
		return r > 0 ? 0 : r;
	while (state_of(op) != FINISHED)
		weft__pause(LOOK_NS);
	return op->status;
}

void weft__op_arrived(weft_msg *msg)
{
	struct weft__op *op = (struct weft__op *)(uintptr_t)weft_msg_token(msg);

	list_remove(op);
	op->back(op);
}

void weft__ops_abandon(struct weft__run *run)
{
	struct weft__op *op = run->ops;

	while (op) {
		struct weft__op *next = op->next;
		weft_msg *promise = op->promise;

		(void)tell(op);
		hold_for_finish(op); /* before the CAS lets it come */
		if (abandon(op, WAITING))
			weft__promise_drop(promise);
		else
			release_of_finish(op); /* finished: its message is on the way to an actor that is gone */
		op = next;
	}
	run->ops = NULL;
}
