/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/sim.c - the loop of a simulated machine: nothing outside but a disk and a network in memory, all of it in time.
 *
 * What is submitted gets a moment at which it will be done, chosen by the seed, so two operations
 * finish in any order; files are those of disk.h, sockets those of net.h. What waits there for something gets another
 * moment, or none until it changes. A wait sleeps until the first of those moments, a wake or
 * its timeout, as simulated threads sleep (runtime/base/thread.h).
 */
#include "runtime/io/backend.h"

#include <errno.h>

#include <weft/alloc.h>
#include <weft/sim.h>

#include "runtime/base/sim.h"
#include "runtime/base/thread.h"
#include "runtime/io/disk.h"
#include "runtime/io/net.h"

#define TAKES_NS_MAX 200000u
#define RECEIVE_BYTES 1000u /* at most, of one of many */

enum { IN_FLIGHT = 1, CANCELLED }; /* weft__io.state */

struct flight {
	struct weft__io *io;
	uint64_t due_ns;
};

struct sim_loop {
	struct weft__loop base;
	_Atomic(uint32_t) called; /* a wake that no wait has seen yet */
	uint64_t wake_at_ns; /* that of wake_in; UINT64_MAX: none */
	struct flight *flights;   /* base.in_flight of them, in no order */
	uint32_t room;
	bool asleep;
	struct sim_loop *next;    /* of all there are */
};

static struct sim_loop *all;

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
	/* else it is too late: it ends as it would have, of which on the network nobody is sure */
	if (weft__net_is(io->fd) || weft__sim->below(2))
		io->state = CANCELLED;
	return 0;
}

static void sim_wake(struct weft__loop *loop);

/* Whoever waits on fd looks again. Returns one of them that sleeps, and was not called yet. */
static struct sim_loop *look_again(int fd)
{
	struct sim_loop *sleeper = NULL;

	for (struct sim_loop *l = all; l; l = l->next) {
		for (uint32_t i = 0; i < weft__loop_in_flight(&l->base); i++) {
			if (l->flights[i].io->fd != fd)
				continue;
			l->flights[i].due_ns = 0;
			if (l->asleep && !weft__load_relaxed(&l->called)) /* relaxed: all threads are one */
				sleeper = l;
		}
	}
	return sleeper;
}

void weft__simio_changed(int fd)
{
	struct sim_loop *l;

	while ((l = look_again(fd))) /* from the first each time: others run in between, and loops may go */
		sim_wake(&l->base);
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

/* The first that is due, from a random place. -1: none is; *ret_next_ns says when. */
static int64_t find_due(struct sim_loop *l, uint64_t now, uint64_t *ret_next_ns)
{
	uint32_t n = weft__loop_in_flight(&l->base), start = n ? (uint32_t)weft__sim->below(n) : 0;

	*ret_next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct flight *f = &l->flights[(start + i) % n];

		if (f->due_ns <= now || f->io->state == CANCELLED)
			return (start + i) % n;
		if (f->due_ns < *ret_next_ns)
			*ret_next_ns = f->due_ns;
	}
	return -1;
}

static void land(struct sim_loop *l, uint32_t i, int32_t result)
{
	struct weft__io *io = l->flights[i].io;

	l->flights[i] = l->flights[weft__loop_in_flight(&l->base) - 1];
	weft__io_finish(&l->base, io, result);
}

/* What a cancelled one came to when it would still wait. */
static int32_t given_up(const struct weft__io *io)
{
	return io->op == WEFT__IO_SEND && io->offset ? (int32_t)io->offset : -ECANCELED;
}

/* Of the network: it may have to wait, and be done many times. Returns how many calls of done it made. */
static int go_on(struct sim_loop *l, uint32_t i)
{
	uint8_t bytes[RECEIVE_BYTES];
	struct weft__io *io = l->flights[i].io;
	bool many = io->flags & WEFT__IO_MANY;
	size_t len = many ? 1 + weft__sim->below(sizeof(bytes)) : io->len_bytes;
	uint64_t again_ns = UINT64_MAX;
	int32_t r = WEFT__NET_WAITS;

	l->flights[i].due_ns = UINT64_MAX;
	if (io->state != CANCELLED || weft__sim->below(2))
		r = weft__net_perform(io, many ? bytes : io->buf, len, &again_ns);
	if (r == WEFT__NET_WAITS) {
		if (io->state == CANCELLED)
			land(l, i, given_up(io));
		else if (again_ns < l->flights[i].due_ns) /* else it changed meanwhile */
			l->flights[i].due_ns = again_ns;
		return io->state == CANCELLED;
	}
	if (!many || r < 0 || (r == 0 && io->op == WEFT__IO_RECV)) {
		land(l, i, r);
		return 1;
	}
	l->flights[i].due_ns = weft_now_ns() + weft__sim->below(TAKES_NS_MAX);
	io->buf = bytes;
	weft__io_tell(io, r);
	return 1;
}

static int run_due(struct sim_loop *l, uint64_t *ret_next_ns)
{
	uint64_t now = weft_now_ns();
	int count = 0;
	int64_t i;

	while ((i = find_due(l, now, ret_next_ns)) >= 0) {
		struct weft__io *io = l->flights[i].io;

		if (weft__net_is(io->fd)) {
			count += go_on(l, (uint32_t)i);
		} else {
			land(l, (uint32_t)i, perform(io));
			count++;
		}
	}
	return count;
}

/* Anything up to until_ns is early, which a wait may be; the time of a wake_in is looked at again when that was called. */
static void sleep_until(struct sim_loop *l, uint64_t until_ns)
{
	uint64_t at_ns = l->wake_at_ns;

	l->asleep = true;
	weft__word_wait(&l->called, 0, at_ns < until_ns ? at_ns : until_ns);
	if (l->wake_at_ns != at_ns && !weft__load_acquire(&l->called))
		weft__word_wait(&l->called, 0, l->wake_at_ns < until_ns ? l->wake_at_ns : until_ns);
	l->asleep = false;
	if (weft_now_ns() >= l->wake_at_ns)
		l->wake_at_ns = UINT64_MAX;
}

static int sim_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	struct sim_loop *l = sim_of(loop);
	uint64_t now = weft_now_ns(), next_ns;
	uint64_t until_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	int count = run_due(l, &next_ns);

	if (count == 0 && timeout_ns > 0) {
		sleep_until(l, next_ns < until_ns ? next_ns : until_ns);
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

static void sim_wake_in(struct weft__loop *loop, uint64_t span_ns)
{
	struct sim_loop *l = sim_of(loop);

	l->wake_at_ns = weft__after_ns(weft_now_ns(), span_ns);
	weft__word_wake(&l->called);
}

static void sim_close(struct weft__loop *loop)
{
	struct sim_loop **at = &all;

	while (*at != sim_of(loop))
		at = &(*at)->next;
	*at = sim_of(loop)->next;
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
	.wake_in = sim_wake_in,
};

int weft__simio_open(struct weft__loop **ret_loop)
{
	struct sim_loop *l;

	if (weft__sim->fault(WEFT_SIM_THREAD))
		return -EMFILE;
	l = weft__loop_alloc(sizeof(*l), &ops);
	if (!l)
		return -ENOMEM;
	l->wake_at_ns = UINT64_MAX;
	l->next = all;
	all = l;
	*ret_loop = &l->base;
	return 0;
}
