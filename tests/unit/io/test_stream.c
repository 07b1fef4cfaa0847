/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what stream.h promises, on each back end. Method: pairs over TCP of loopback, unix sockets and pipes in
 * one thread; a side keeps what it was told, in the order in which it was told. Peers that misbehave are
 * plain descriptors of the test's own.
 */
#include "tests/unit/io/sides.h"

/* ---- bytes ------------------------------------------------------------------------------ */

static void bytes_go_both_ways(struct weft__loop *loop)
{
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;

		pairs[i](loop, &a, &b);
		b.echo = true;
		send_all(&a, "hello ", 6);
		send_all(&a, "there", 5);
		turn_until(loop, &a.got, 11);
		cr_expect_eq(a.hash, hash_bytes(1, (const uint8_t *)"hello there", 11));
		cr_expect_geq(a.drained, 1);
		cr_expect_eq(weft__stream_unsent(&a.s), 0);
		close_side(&a);
		turn_until(loop, &b.ended, 1);
		cr_expect_eq(b.end_status, 0);
		close_side(&b);
	}
}

/* Far more than any buffer of the kernel's, in pieces of all sizes. */
static void all_of_it_in_order(struct weft__loop *loop)
{
	enum { BYTES = 3 << 20 };
	static uint8_t bytes[BYTES];
	uint64_t seed = test_seed("stream order");

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)test_random(&seed);
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;

		pairs[i](loop, &a, &b);
		for (size_t sent = 0; sent < BYTES;) {
			size_t n = 1 + test_below(&seed, sent % 3 ? 9000 : 200000);

			n = n < BYTES - sent ? n : BYTES - sent;
			send_all(&a, bytes + sent, n);
			sent += n;
			if (test_below(&seed, 4) == 0)
				weft__loop_wait(loop, 0);
		}
		weft__stream_finish(&a.s);
		cr_expect_eq(try_send(&a, "x", 1), -EPIPE, "finished");
		turn_until(loop, &b.got, BYTES);
		turn_until(loop, &b.ended, 1);
		cr_expect_eq(b.end_status, 0);
		cr_expect_eq(b.hash, hash_bytes(1, bytes, BYTES));
		close_side(&a);
		close_side(&b);
	}
}

static void finish_leaves_the_other_way_open(struct weft__loop *loop)
{
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;

		pairs[i](loop, &a, &b);
		send_all(&a, "question", 8);
		weft__stream_finish(&a.s);
		turn_until(loop, &b.ended, 1);
		cr_expect_eq(b.got, 8);
		send_all(&b, "answer", 6);
		turn_until(loop, &a.got, 6);
		weft__stream_finish(&b.s);
		turn_until(loop, &a.ended, 1);
		cr_expect_eq(a.end_status, 0);
		close_side(&a);
		close_side(&b);
	}
}

static void pause_holds_data_and_end_back(struct weft__loop *loop)
{
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;

		pairs[i](loop, &a, &b);
		weft__stream_pause(&b.s, true);
		send_all(&a, "held", 4);
		weft__stream_finish(&a.s);
		settle(loop);
		cr_expect_eq(b.got, 0);
		cr_expect_eq(b.ended, 0);
		b.in_call = true;
		weft__stream_pause(&b.s, false);
		b.in_call = false;
		turn_until(loop, &b.ended, 1);
		cr_expect_eq(b.got, 4);
		close_side(&a);
		close_side(&b);
	}
}

/* Pitfall 6: who does not read holds the sender back, and the bound says so. */
static void unsent_is_bounded(struct weft__loop *loop)
{
	static uint8_t bytes[64 << 10];
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;
		int r = 0;

		pairs[i](loop, &a, &b);
		a.s.unsent_max = 256 << 10;
		weft__stream_pause(&b.s, true);
		for (int n = 0; n < 1000 && r == 0; n++) {
			r = try_send(&a, bytes, sizeof(bytes));
			weft__loop_wait(loop, 0);
		}
		cr_expect_eq(r, -ENOBUFS);
		cr_expect_leq(weft__stream_unsent(&a.s), (size_t)256 << 10);
		cr_expect_eq(try_send(&a, bytes, (256 << 10) + 1), -ENOBUFS);
		a.drained = 0;
		weft__stream_pause(&b.s, false);
		turn_until(loop, &a.drained, 1);
		r = try_send(&a, bytes, sizeof(bytes));
		cr_expect_eq(r, 0);
		close_side(&a);
		close_side(&b);
	}
}

static void data_may_close_and_pause(struct weft__loop *loop)
{
	for (int i = 0; i < PAIRS; i++) {
		struct side a, b;
		int got;

		pairs[i](loop, &a, &b);
		b.pause_on_data = true;
		send_all(&a, "1", 1);
		turn_until(loop, &b.got, 1);
		send_all(&a, "2", 1);
		settle(loop);
		cr_expect_eq(b.got, 1);
		b.pause_on_data = false;
		b.close_on_data = true;
		weft__stream_pause(&b.s, false);
		turn_until(loop, &b.closed, 1);
		got = b.got;
		settle(loop);
		cr_expect_eq(got, 2);
		cr_expect_eq(b.got, 2);
		close_side(&a);
	}
}

/* Pitfall 2: closing a descriptor completes no read; the stream cancels, waits and only then closes. */
static void close_with_both_ways_busy(struct weft__loop *loop)
{
	static uint8_t bytes[12 << 20]; /* loopback takes megabytes at once */

	for (int i = 0; i < PAIRS; i++) {
		for (int turns = 0; turns < 4; turns++) {
			struct side a, b;

			pairs[i](loop, &a, &b);
			weft__stream_pause(&b.s, true);
			send_all(&a, bytes, sizeof(bytes));
			for (int n = 0; n < turns; n++)
				weft__loop_wait(loop, 0);
			cr_expect_gt(weft__stream_unsent(&a.s), 0);
			close_side(&a);
			close_side(&b);
			cr_expect_eq(weft__loop_in_flight(loop), 0);
		}
	}
}

/* Pitfall: the number of a closed descriptor is somebody else's at once. */
static void closed_number_is_used_again(struct weft__loop *loop)
{
	for (int i = 0; i < 40; i++) {
		struct side a, b, c, d;

		pairs[i % PAIRS](loop, &a, &b);
		send_all(&a, "old", 3);
		weft__stream_close(&b.s);
		if (i & 1)
			turn_until(loop, &b.closed, 1);
		pairs[(i / 2) % PAIRS](loop, &c, &d);
		send_all(&c, "newer", 5);
		turn_until(loop, &d.got, 5);
		cr_assert_eq(d.got, 5);
		turn_until(loop, &b.closed, 1);
		close_side(&a);
		close_side(&c);
		close_side(&d);
	}
}

/* ---- what goes wrong ------------------------------------------------------------------------ */

static void nobody_listens(struct weft__loop *loop)
{
	struct port p;
	struct side a;
	uint16_t port;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	port = weft__listener_port(&p.l);
	port_close(&p, loop);
	side_init(&a, loop);
	cr_assert_eq(connect_to(&a, port), 0);
	send_all(&a, "early", 5);
	cr_expect_eq(a.opened, 0, "never inside connect");
	turn_until(loop, &a.opened, 1);
	cr_expect_eq(a.open_status, -ECONNREFUSED);
	cr_expect_eq(try_send(&a, "x", 1), -EPIPE);
	settle(loop);
	cr_expect_eq(a.ended, 0, "told once");
	close_side(&a);
}

static void connect_refuses_nonsense(struct weft__loop *loop)
{
	struct sockaddr strange = { .sa_family = 255 };
	struct side a;

	side_init(&a, loop);
	cr_expect_eq(weft__stream_connect(loop, &a.s, &strange, sizeof(strange)), -EAFNOSUPPORT);
	cr_expect_eq(weft__stream_adopt(loop, &a.s, -1, -1), -EINVAL);
	settle(loop);
	cr_expect_eq(a.opened + a.closed, 0);
}

static void close_while_connecting(struct weft__loop *loop)
{
	for (int turns = 0; turns < 3; turns++) {
		struct port p;
		struct side a;

		cr_assert_eq(port_open(&p, loop, 0, 0), 0);
		side_init(&a, loop);
		cr_assert_eq(connect_to(&a, weft__listener_port(&p.l)), 0);
		send_all(&a, "never read", 10);
		for (int n = 0; n < turns; n++)
			weft__loop_wait(loop, 0);
		close_side(&a);
		port_close(&p, loop);
		for (int i = 0; i < p.accepted; i++)
			weft__socket_close(p.fds[i]);
	}
}

static void open_may_close(struct weft__loop *loop)
{
	struct port p;
	struct side a;

	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	side_init(&a, loop);
	a.close_on_open = true;
	cr_assert_eq(connect_to(&a, weft__listener_port(&p.l)), 0);
	turn_until(loop, &a.closed, 1);
	cr_expect_eq(a.opened, 1);
	turn_until(loop, &p.accepted, 1);
	weft__socket_close(p.fds[0]);
	port_close(&p, loop);
}

static void reset_is_seen_as_one(struct weft__loop *loop)
{
	struct side a, b;

	tcp_pair(loop, &a, &b);
	send_all(&a, "x", 1);
	turn_until(loop, &b.got, 1);
	weft__stream_reset(&b.s);
	turn_until(loop, &b.closed, 1);
	turn_until(loop, &a.ended, 1);
	cr_expect_eq(a.end_status, -ECONNRESET);
	cr_expect_eq(try_send(&a, "x", 1), -EPIPE);
	close_side(&a);
}

/* A peer that answers, and goes without having read everything: its answer arrives. */
static void last_words_are_heard(struct weft__loop *loop)
{
	static uint8_t bytes[4 << 20];
	int fds[2];
	struct side a;

	side_init(&a, loop);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	cr_assert_eq(weft__stream_adopt(loop, &a.s, fds[0], fds[0]), 0);
	weft__stream_pause(&a.s, true);
	send_all(&a, bytes, sizeof(bytes));
	settle(loop);
	cr_assert_eq(write(fds[1], "too large", 9), 9);
	shutdown(fds[1], SHUT_RD); /* what a sends now is EPIPE, once there is room for it */
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		;
	settle(loop);
	cr_expect_eq(a.ended, 0);
	cr_expect_eq(try_send(&a, "x", 1), -EPIPE);
	shutdown(fds[1], SHUT_WR);
	weft__stream_pause(&a.s, false);
	turn_until(loop, &a.ended, 1);
	cr_expect_eq(a.got, 9);
	cr_expect_eq(a.end_status, -EPIPE, "something was not sent");
	close_side(&a);
	close(fds[1]);
}

static void one_way_pipe_breaks(struct weft__loop *loop)
{
	int fds[2];
	struct side a;

	side_init(&a, loop);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(weft__stream_adopt(loop, &a.s, -1, fds[1]), 0);
	close(fds[0]);
	send_all(&a, "x", 1);
	turn_until(loop, &a.ended, 1);
	cr_expect_eq(a.end_status, -EPIPE);
	close_side(&a);
}

/* ---- everything goes wrong, simulated ------------------------------------------------------------ */

/* Turns in which the side is paused now and then, until it was told of an end or closed. */
static void turn_until_it_ends(struct side *me, uint64_t *seed)
{
	for (int turns = 0; turns < 100000 && !me->ended && !me->closed; turns++) {
		weft__stream_pause(&me->s, test_below(seed, 3) == 0);
		weft__loop_wait(me->loop, MS);
	}
	weft__stream_pause(&me->s, false);
	cr_assert(me->ended || me->closed, "seed %" PRIu64 ": flags %x", sim_seed, me->s.flags);
}

/*
 * An echo while connections are refused, cut and broken, and memory is short: what arrives is a part of what was sent, from its beginning; an orderly
 * end comes behind all of it; each side is told of its end, and closed once.
 */
static void echo_among_faults(struct weft__loop *loop)
{
	enum { BYTES = 20000 };
	static uint8_t bytes[BYTES];
	uint64_t hashes[BYTES + 1], seed = sim_seed;
	struct side a, b = { .closed = 0 };
	struct port p;
	bool sent;
	int r;

	hashes[0] = 1;
	for (size_t i = 0; i < BYTES; i++) {
		bytes[i] = (uint8_t)test_random(&seed);
		hashes[i + 1] = hash_bytes(hashes[i], &bytes[i], 1);
	}
	cr_assert_eq(port_open(&p, loop, 0, 0), 0);
	side_init(&a, loop);
	side_init(&b, loop);
	b.echo = b.may_break = true;
	do {
		r = connect_to(&a, weft__listener_port(&p.l));
	} while (r == -EAGAIN || r == -ENOMEM);
	cr_assert_eq(r, 0);
	turn_until(loop, &a.opened, 1);
	if (a.open_status == 0) {
		turn_until(loop, &p.accepted, 1);
		cr_assert_eq(weft__stream_adopt(loop, &b.s, p.fds[0], p.fds[0]), 0);
		sent = try_send(&a, bytes, BYTES) == 0; /* it may be broken by now */
		weft__stream_finish(&a.s);
		turn_until_it_ends(&b, &seed);
		if (b.end_status < 0) /* its owner's to close */
			weft__stream_close(&b.s);
		weft__stream_finish(&b.s);
		turn_until_it_ends(&a, &seed);
		cr_assert_eq(b.hash, hashes[b.got]);
		cr_assert_eq(a.hash, hashes[a.got]);
		cr_assert(!sent || b.closed || a.end_status < 0 || b.end_status < 0 || (a.got == BYTES && b.got == BYTES),
		          "seed %" PRIu64 ": %d and %d of %d", sim_seed, a.got, b.got, BYTES);
		close_side(&b);
	}
	close_side(&a);
	port_close(&p, loop);
}

Test(stream_sim, echo_among_faults, .timeout = 120)
{
	run_simulated(echo_among_faults, 300, WEFT_SIM_IO | WEFT_SIM_EARLY);
}

Test(stream_sim, echo_without_memory, .timeout = 120)
{
	run_simulated(echo_among_faults, 300, WEFT_SIM_ALLOC);
}

Test(stream_sim, echo_without_faults, .timeout = 120)
{
	run_simulated(echo_among_faults, 20, 0);
}

static void echo_twice(uint64_t seed, uint64_t *ret_hash)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	struct weft__loop *loop = NULL;

	sim_seed = opt.seed = seed;
	opt.stuck = sim_stuck;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, NULL), 0);
	weft_sim_faults(WEFT_SIM_IO);
	echo_among_faults(loop);
	*ret_hash = weft_now_ns();
	weft_sim_faults(0);
	weft__loop_close(loop);
	weft__net_clear();
	cr_assert_eq(weft_sim_end(), 0);
}

Test(stream_sim, a_seed_is_a_run)
{
	for (uint64_t seed = 1; seed < 20; seed++) {
		uint64_t one, other;

		echo_twice(seed, &one);
		echo_twice(seed, &other);
		cr_assert_eq(one, other, "seed %d", (int)seed);
	}
}

ON_ALL(stream, bytes_go_both_ways)
ON_ALL(stream, all_of_it_in_order)
ON_ALL(stream, finish_leaves_the_other_way_open)
ON_ALL(stream, pause_holds_data_and_end_back)
ON_ALL(stream, unsent_is_bounded)
ON_ALL(stream, data_may_close_and_pause)
ON_ALL(stream, close_with_both_ways_busy)
ON_ALL(stream, closed_number_is_used_again)
ON_ALL(stream, nobody_listens)
ON_ALL(stream, connect_refuses_nonsense)
ON_ALL(stream, close_while_connecting)
ON_ALL(stream, open_may_close)
ON_ALL(stream, reset_is_seen_as_one)
ON_BOTH(stream, last_words_are_heard)
ON_BOTH(stream, one_way_pipe_breaks)

ON_OLD_RING(stream, all_of_it_in_order)
ON_OLD_RING(stream, pause_holds_data_and_end_back)
ON_OLD_RING(stream, data_may_close_and_pause)
ON_OLD_RING(stream, reset_is_seen_as_one)
