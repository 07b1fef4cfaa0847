/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/host/port.c - a queue of answers for a thread that has its own poll loop.
 *
 * Answers come from any thread into a mailbox; one host thread reaps. The answer
 * that finds the queue idle makes the eventfd readable, unless the reaper says
 * that it is helping and will look by itself. A place is taken by each request and
 * given back when its answer is reaped, so answers always fit.
 *
 *   field      written by                    read by
 *   queue      answering threads, reaper     both (mailbox.h)
 *   first      pusher into an idle queue,    reaper
 *              reaper
 *   held       all                           all: places in use, + 1 for the owner; above bit 32: who is
 *                                            delivering; 0 frees
 *   signalled  all                           the eventfd is readable, or about to be
 *   helping    reaper                        pushers
 *   closed     owner, once                   pushers
 *
 * A pusher stores first, then looks at helping, signalled and closed; the other side stores one of
 * these, then looks at first. Store here, load there, as in park.c: all of them are seq_cst, or an answer may lie
 * there unsignalled, or a port be freed by nobody.
 *
 *     pusher                              reaper, owner
 *     first = msg           (F1)          helping = 0            (H1)
 *     look at helping       (H2)          signalled = 0          (S1)
 *     exchange signalled    (S2)          closed = 1             (C1)
 *     look at closed        (C2)          look at first          (F2)
 *
 * Which calls may overlap (X):
 *                 deliver  give_back  take  reap, wait, destroy
 *   deliver          X         X       X            X
 *   give_back        X         X       X            X
 *   take             X         X       X            X
 *   reap, wait,      X         X       X            -     (the owner: one at a time; destroy last)
 *   destroy
 *
 * Invariant: an answer in the queue is found by a reap that comes after the eventfd was readable, or the reaper is
 * awake and looks again. held > 0 as long as anybody may touch the port. Linearization: push (mailbox.h), pop
 * at the step of first. Progress: deliver is wait-free but for signal_fd's system call; reap may have to wait
 * for one deliverer between its exchange and its link. ABA: see mailbox.h. Memory: who brings held to 0 frees.
 *
 * Tests: tests/api/test_port.c, tests/model/test_port.c.
 */
#include "runtime/host/host.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weft/alloc.h>

#define CAPACITY_DEFAULT 65536u
#define PLACE UINT64_C(1)
#define DELIVERING (UINT64_C(1) << 32)

struct weft_port {
	struct weft__sink sink;
	uint32_t capacity;
	int fd;
	_Alignas(WEFT_CACHELINE) struct weft__mailbox queue;
	_Atomic(struct weft_msg *) first;
	_Alignas(WEFT_CACHELINE) _Atomic(uint64_t) held;
	_Atomic(uint32_t) signalled;
	_Atomic(uint32_t) helping;
	_Atomic(uint32_t) closed;
	pthread_mutex_t drain_lock; /* after closed: who releases what still comes */
	bool draining;              /* under drain_lock: somebody does */
};

static struct weft_port *port_of(struct weft__sink *sink)
{
	return (struct weft_port *)sink;
}

static int port_take(struct weft__sink *sink)
{
	struct weft_port *p = port_of(sink);

	if ((uint32_t)weft__fetch_add_acq_rel(&p->held, PLACE) <= p->capacity)
		return 0;
	weft__fetch_sub_acq_rel(&p->held, PLACE); /* not the last: the caller holds the port */
	return -EAGAIN;
}

static struct weft_msg *port_pop(struct weft_port *p)
{
	struct weft_msg *m = weft__load_seq_cst(&p->first); /* F2: sees what F1 stored before a look that saw the old word */
	struct weft_msg *next;

	if (!m)
		return NULL;
	next = weft__mailbox_next(m);
	if (!next) {
		/* relaxed: before the CAS, after which a pusher may write it */
		weft__store_relaxed(&p->first, NULL);
		if (weft__mailbox_try_idle(&p->queue, m))
			return m;
		next = weft__mailbox_next_wait(m);
	}
	weft__store_relaxed(&p->first, next); /* relaxed: this thread reads it */
	return m;
}

static void port_free(struct weft_port *p)
{
	close(p->fd);
	pthread_mutex_destroy(&p->drain_lock);
	weft_free(p);
}

static void let_go(struct weft_port *p, uint64_t what)
{
	if (weft__fetch_sub_acq_rel(&p->held, what) == what)
		port_free(p);
}

static void port_give_back(struct weft__sink *sink)
{
	let_go(port_of(sink), PLACE);
}

static void signal_fd(struct weft_port *p)
{
	if (weft__xchg_seq_cst(&p->signalled, 1u)) /* S2 */
		return;
	if (weft__fd_signal(p->fd) < 0)
		weft__store_release(&p->signalled, 0u); /* cannot happen: the counter is at most 1 */
}

/*
 * The owner is gone: whoever comes releases what is there, one at a time and outside of the lock, for what an answer
 * holds may be answered here, too. Who finds another one at it leaves it to him: he looks once more.
 */
static void drain_closed(struct weft_port *p)
{
	struct weft_msg *m;
	uint64_t n = 0;

	pthread_mutex_lock(&p->drain_lock);
	if (!p->draining) {
		p->draining = true;
		while ((m = port_pop(p))) {
			pthread_mutex_unlock(&p->drain_lock);
			weft_msg_destroy(m);
			n++;
			pthread_mutex_lock(&p->drain_lock);
		}
		p->draining = false;
	}
	pthread_mutex_unlock(&p->drain_lock);
	if (n)
		let_go(p, n * PLACE);
}

static void port_deliver(struct weft__sink *sink, struct weft_msg *msg)
{
	struct weft_port *p = port_of(sink);
	bool was_idle;

	/* for this call: the reaper may give msg's place back meanwhile */
	weft__fetch_add_acq_rel(&p->held, DELIVERING);
	was_idle = weft__mailbox_push(&p->queue, msg);
	if (was_idle) {
		weft__store_seq_cst(&p->first, msg);       /* F1: publishes msg, and comes before the looks */
		if (!weft__load_seq_cst(&p->helping)) /* H2 */
			signal_fd(p);
	}
	if (weft__load_seq_cst(&p->closed)) /* C2 */
		drain_closed(p);
	let_go(p, DELIVERING);
}

int weft_port_create(weft_runtime *rt, const weft_port_options *opt, weft_port **ret_port)
{
	struct weft_port *p;

	WEFT_RETURN_IF(!rt || !ret_port || (opt && opt->size < sizeof(*opt)), -EINVAL);
	WEFT_RETURN_IF(opt && opt->capacity_msgs > UINT32_MAX / 2, -EINVAL);
	p = weft_aligned_alloc(WEFT_CACHELINE, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct weft_port){
		.sink = { .take = port_take, .give_back = port_give_back, .deliver = port_deliver, .rt_slot = rt->slot },
		.capacity = opt && opt->capacity_msgs ? opt->capacity_msgs : CAPACITY_DEFAULT,
		.held = 1,
		.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	if (p->fd < 0) {
		int r = -errno;

		weft_free(p);
		return r;
	}
	pthread_mutex_init(&p->drain_lock, NULL);
	*ret_port = p;
	return 0;
}

void weft_port_destroy(weft_port *port)
{
	if (!port)
		return;
	weft__store_seq_cst(&port->closed, 1u); /* C1 */
	drain_closed(port); /* the owner's place keeps port here until the next line */
	let_go(port, PLACE);
}

int weft_port_fd(weft_port *port)
{
	return port ? port->fd : -EINVAL;
}

int weft_port_reap(weft_port *port, weft_msg **ret_msgs, uint32_t max)
{
	uint32_t n = 0;

	WEFT_RETURN_IF(!port || (!ret_msgs && max), -EINVAL);
	if (weft__load_acquire(&port->signalled)) {
		uint64_t count;

		if (read(port->fd, &count, sizeof(count)) == sizeof(count))
			weft__store_seq_cst(&port->signalled, 0u); /* S1: before the look at first */
	}
	while (n < max && (ret_msgs[n] = port_pop(port)))
		n++;
	/* relaxed: more is left, and this thread is the only one that takes it */
	if (n == max && weft__load_relaxed(&port->first))
		signal_fd(port);
	if (n)
		weft__fetch_sub_acq_rel(&port->held, n * PLACE); /* not to 0: the owner calls this */
	return (int)n;
}

/* A wait for up to max answers: once one is there and others may come, go on with what is at hand for as many looks. */
struct port_wait {
	struct weft_port *port;
	uint32_t looks_left;
};

static enum weft__progress port_progress(void *what)
{
	struct port_wait *wait = what;

	if (!weft__load_acquire(&wait->port->first))
		return WEFT__NOT_YET;
	/* relaxed: a request that another thread makes now is waited for the next time */
	if ((uint32_t)weft__load_relaxed(&wait->port->held) == 1 + PLACE)
		return WEFT__ALL; /* the owner's, and this answer's: nothing else is open */
	return --wait->looks_left ? WEFT__ENOUGH : WEFT__ALL;
}

int weft_port_wait_until(weft_port *port, weft_msg **ret_msgs, uint32_t max, uint64_t deadline_ns)
{
	int n;

	WEFT_RETURN_IF(!port || !ret_msgs || !max, -EINVAL);
	WEFT_RETURN_IF(weft__may_wait() < 0, -EDEADLK);
	for (;;) {
		struct port_wait wait = { .port = port, .looks_left = max };

		n = weft_port_reap(port, ret_msgs, max);
		if (n != 0 || weft_now_ns() >= deadline_ns)
			return n;
		weft__store_seq_cst(&port->helping, 1u);
		weft__help(port->sink.rt_slot, port_progress, &wait, deadline_ns);
		weft__store_seq_cst(&port->helping, 0u); /* H1: before the look at first */
		n = weft_port_reap(port, ret_msgs, max);
		if (n != 0)
			return n;
		weft__fd_wait(port->fd, deadline_ns); /* may come back early: look again */
	}
}
