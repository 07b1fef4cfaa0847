/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/sim.c - the loop of a simulated machine: nothing outside but a disk in memory, all of it in time.
 *
 * What is submitted gets a moment at which it will be done, chosen by the seed, so two operations
 * finish in any order; files are those of disk.h. A wait sleeps until the first of those moments, a wake or
 * its timeout, as simulated threads sleep (runtime/base/thread.h).
 */
#include "runtime/io/backend.h"

#include <errno.h>

#include <weft/alloc.h>
#include <weft/sim.h>

#include "runtime/base/sim.h"
#include "runtime/base/thread.h"
#include "runtime/io/disk.h"

#define TAKES_NS_MAX 200000u

enum { IN_FLIGHT = 1, CANCELLED }; /* weft__io.state */

struct flight {
	struct weft__io *io;
	uint64_t due_ns;
};

struct sim_loop {
	struct weft__loop base;
	_Atomic(uint32_t) called; /* a wake that no wait has seen yet */
	struct flight *flights;   /* base.in_flight of them, in no order */
	uint32_t room;
};

static struct sim_loop *sim_of(struct weft__loop *loop)
{
	return (struct sim_loop *)loop;
}

static bool make_room(struct sim_loop *l)
{
	uint32_t room = l->room ? 2 * l->room : 8;
	struct flight *more;

	if (weft__loop_in_flight(&l->base) < l->room)
		return true;
	more = weft_realloc(l->flights, room * sizeof(*more));
	if (!more)
		return false;
	l->flights = more;
	l->room = room;
	return true;
}

static int sim_submit(struct weft__loop *loop, struct weft__io *io)
{
	struct sim_loop *l = sim_of(loop);

	if (weft__sim->fault(WEFT_SIM_IO) || !make_room(l))
		return -EAGAIN;
	io->state = IN_FLIGHT;
	l->flights[weft__loop_in_flight(loop)] = (struct flight){ .io = io, .due_ns = weft_now_ns() + weft__sim->below(TAKES_NS_MAX) };
	return 0;
}

static int sim_cancel(struct weft__loop *loop, struct weft__io *io)
{
	(void)loop;
	if (weft__sim->fault(WEFT_SIM_IO))
		return -EAGAIN;
	if (weft__sim->below(2)) /* else it is too late: it ends as it would have */
		io->state = CANCELLED;
	return 0;
}

/* What the operation comes to. One that was cancelled may have been done, in part or whole, or not. */
static int32_t perform(struct weft__io *io)
{
	int32_t r;

	if (io->op == WEFT__IO_NOP)
		return io->state == CANCELLED ? -ECANCELED : 0;
	if (io->state != CANCELLED)
		return weft__disk_perform(io);
	r = weft__sim->below(2) ? weft__disk_perform(io) : 0;
	return r < 0 ? r : -ECANCELED;
}

/* Take the first that is due off the list, from a random place. NULL: none is; *ret_next_ns says when. */
static struct weft__io *take_due(struct sim_loop *l, uint64_t now, uint64_t *ret_next_ns)
{
	uint32_t n = weft__loop_in_flight(&l->base), start = n ? (uint32_t)weft__sim->below(n) : 0;

	*ret_next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct flight *f = &l->flights[(start + i) % n];
		struct weft__io *io = f->io;

		if (f->due_ns <= now || io->state == CANCELLED) {
			*f = l->flights[n - 1];
			return io;
		}
		if (f->due_ns < *ret_next_ns)
			*ret_next_ns = f->due_ns;
	}
	return NULL;
}

static int run_due(struct sim_loop *l, uint64_t *ret_next_ns)
{
	struct weft__io *io;
	uint64_t now = weft_now_ns();
	int count = 0;

	while ((io = take_due(l, now, ret_next_ns))) {
		weft__io_finish(&l->base, io, perform(io));
		count++;
	}
	return count;
}

static int sim_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	struct sim_loop *l = sim_of(loop);
	uint64_t now = weft_now_ns(), next_ns;
	uint64_t until_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	int count = run_due(l, &next_ns);

	if (count == 0 && timeout_ns > 0) {
		/* Anything up to the next is early, which a wait may be. */
		weft__word_wait(&l->called, 0, next_ns < until_ns ? next_ns : until_ns);
		count = run_due(l, &next_ns);
	}
	weft__store_relaxed(&l->called, 0u); /* relaxed: this thread looks at what it was called for after it */
	return count;
}

static void sim_wake(struct weft__loop *loop)
{
	struct sim_loop *l = sim_of(loop);

	weft__store_release(&l->called, 1u);
	weft__word_wake(&l->called);
}

static void sim_close(struct weft__loop *loop)
{
	weft_free(sim_of(loop)->flights);
	weft_free(loop);
}

static const struct weft__loop_ops ops = {
	.name = "sim",
	.close = sim_close,
	.submit = sim_submit,
	.cancel = sim_cancel,
	.wait = sim_wait,
	.wake = sim_wake,
};

int weft__simio_open(struct weft__loop **ret_loop)
{
	struct sim_loop *l;

	if (weft__sim->fault(WEFT_SIM_THREAD))
		return -EMFILE;
	l = weft_calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->base.ops = &ops;
	*ret_loop = &l->base;
	return 0;
}
