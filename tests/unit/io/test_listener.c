/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what listener.h promises, on each back end: many connections, the lack of descriptors, ports that are taken and ports that
 * are free again. Method: streams that connect to it in the same thread.
 */
#include "tests/unit/io/sides.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>

/* ---- listeners ------------------------------------------------------------------------------ */

static void listener_takes_many(struct weft__loop *loop)
{
	struct side sides[50];
	struct port p;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	for (int i = 0; i < 50; i++) {
		side_init(&sides[i], loop);
		cr_assert_eq(connect_to(&sides[i], weft__listener_port(&p.l)), 0);
	}
	turn_until(loop, &p.accepted, 50);
	for (int i = 0; i < 50; i++)
		weft__socket_close(p.fds[i]); /* in whatever order they came */
	for (int i = 0; i < 50; i++) {
		turn_until(loop, &sides[i].opened, 1);
		cr_expect_eq(sides[i].open_status, 0);
		turn_until(loop, &sides[i].ended, 1);
		close_side(&sides[i]);
	}
	port_close(&p, loop);
}

static void listener_closes_inside_accepted(struct weft__loop *loop)
{
	struct side a;
	struct port p;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	p.close_on_accept = true;
	side_init(&a, loop);
	cr_assert_eq(connect_to(&a, weft__listener_port(&p.l)), 0);
	turn_until(loop, &p.closed, 1);
	settle(loop);
	cr_expect_eq(p.closed, 1);
	weft__socket_close(p.fds[0]);
	turn_until(loop, &a.opened, 1);
	close_side(&a);
}

static void taken_port_is_refused(struct weft__loop *loop)
{
	struct port p, q;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	cr_expect_eq(port_open(&q, loop, weft__listener_port(&p.l), 0), -EADDRINUSE);
	port_close(&p, loop);
	cr_assert_eq(port_open(&p, loop, 0, WEFT__LISTEN_REUSEPORT), 0);
	cr_expect_eq(port_open(&q, loop, weft__listener_port(&p.l), WEFT__LISTEN_REUSEPORT), 0);
	port_close(&p, loop);
	port_close(&q, loop);
}

static void unix_listener(struct weft__loop *loop)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct port p = { .l = { .fns = &port_fns } };
	struct side a, b;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/weft-test-stream-%d-%s", (int)getpid(), weft__loop_name(loop));
	unlink(addr.sun_path);
	cr_assert_eq(weft__listener_open(loop, &p.l, (struct sockaddr *)&addr, sizeof(addr), 0), 0);
	cr_expect_eq(weft__listener_port(&p.l), 0);
	side_init(&a, loop);
	cr_assert_eq(weft__stream_connect(loop, &a.s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	turn_until(loop, &p.accepted, 1);
	turn_until(loop, &a.opened, 1);
	cr_expect_eq(a.open_status, 0);
	side_init(&b, loop);
	cr_assert_eq(weft__stream_adopt(loop, &b.s, p.fds[0], p.fds[0]), 0);
	send_all(&b, "hi", 2);
	turn_until(loop, &a.got, 2);
	close_side(&b);
	close_side(&a);
	port_close(&p, loop);
	unlink(addr.sun_path);
	side_init(&a, loop);
	cr_assert_eq(weft__stream_connect(loop, &a.s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	turn_until(loop, &a.opened, 1);
	cr_expect_eq(a.open_status, -ENOENT);
	close_side(&a);
}

/* Without descriptors a connection waits in the kernel, and is taken when there are some again. */
static void accept_survives_a_lack_of_descriptors(struct weft__loop *loop)
{
	struct rlimit all, few;
	struct port p;
	struct side a;
	int last;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	side_init(&a, loop);
	cr_assert_eq(connect_to(&a, weft__listener_port(&p.l)), 0);
	last = dup(0);
	close(last);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = (rlim_t)last;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	turn_until(loop, &a.opened, 1);
	settle(loop);
	cr_expect_eq(p.accepted, 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	turn_until(loop, &p.accepted, 1);
	close(p.fds[0]);
	close_side(&a);
	port_close(&p, loop);
}

/* ---- the process goes -------------------------------------------------------------------------- */

static struct port held;

static void hold_close(struct weft__resident *r)
{
	(void)r;
	weft__listener_close(&held.l);
}

/* Pitfall 1: a ring outlives its process for a moment, and what it waits on with it. Retired first, it does not. */
static void port_is_free_after_retire(weft_io_backend backend)
{
	for (int i = 0; i < 5; i++) {
		struct weft__resident resident = { .close = hold_close };
		struct weft__loop *loop = loop_make(backend);
		struct sockaddr_in addr;
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		cr_assert_eq(port_open(&held, loop, 0, 0), 0);
		addr = loopback(weft__listener_port(&held.l));
		weft__loop_attach(loop, &resident);
		weft__loop_wait(loop, 0);
		weft__loop_retire(loop);
		cr_expect_eq(held.closed, 1);
		cr_expect_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "run %d: %s", i, strerror(errno));
		close(fd);
		weft__loop_close(loop);
	}
}

Test(listener_uring, port_is_free_after_retire, .timeout = 120)
{
	port_is_free_after_retire(WEFT_IO_URING);
}

Test(listener_epoll, port_is_free_after_retire, .timeout = 120)
{
	port_is_free_after_retire(WEFT_IO_EPOLL);
}

ON_ALL(listener, listener_takes_many)
ON_ALL(listener, listener_closes_inside_accepted)
ON_ALL(listener, taken_port_is_refused)
ON_ALL(listener, unix_listener)
ON_BOTH(listener, accept_survives_a_lack_of_descriptors)
