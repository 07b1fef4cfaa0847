/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: two workers of a simulated machine talk over its network: posts wake them, bytes do, and what lives on their loops ends
 * with them, in any order of turns; the same seed makes the same run. Method: an echo server on one loop, a client on the other, many
 * seeds; the law is that all comes back, or somebody was told why not.
 */
#include "runtime/loops.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <weft/sim.h>
#include <weft/weft.h>

#include "runtime/base/atomic.h"
#include "runtime/base/thread.h"
#include "runtime/io/listener.h"
#include "runtime/io/net.h"
#include "runtime/io/stream.h"

#define BYTES 20000

static uint64_t seed;
static uint8_t bytes[BYTES];

struct both {
	struct weft__loop *loops[2];
	struct weft__job listen, connect;
	struct weft__resident server_resident, client_resident;
	struct weft__listener l;
	struct weft__stream server, client;
	_Atomic(uint32_t) listening, over; /* over: client_status is set */
	int client_status, got;
	bool served;
};

#define BOTH(ptr, member) ((struct both *)((char *)(ptr) - offsetof(struct both, member)))

static void stuck(const char *why, void *user)
{
	(void)user;
	cr_assert(false, "seed %" PRIu64 " is stuck: %s", seed, why);
	abort();
}

static void tell(_Atomic(uint32_t) *word)
{
	weft__store_release(word, 1u);
	weft__word_wake(word);
}

static void wait_for(_Atomic(uint32_t) *word)
{
	while (!weft__load_acquire(word))
		weft__word_wait(word, 0, UINT64_MAX);
}

/* ---- on the first loop: a server ---------------------------------------------------------- */

static void server_data(struct weft__stream *s, const uint8_t *got, size_t len)
{
	cr_assert_eq(weft__loop_here(), s->loop);
	if (weft__stream_send(s, got, len) < 0)
		weft__stream_reset(s);
}

static void server_end(struct weft__stream *s, int status)
{
	if (status < 0)
		weft__stream_close(s);
	else
		weft__stream_finish(s);
}

static void no_more(struct weft__stream *s)
{
	(void)s;
}

static const struct weft__stream_fns server_fns = { .data = server_data, .end = server_end, .closed = no_more };

static void accepted(struct weft__listener *l, int fd)
{
	struct both *b = BOTH(l, l);

	cr_assert_not(b->served);
	b->served = true;
	b->server.fns = &server_fns;
	cr_assert_eq(weft__stream_adopt(l->loop, &b->server, fd, fd), 0);
}

static void listener_closed(struct weft__listener *l)
{
	(void)l;
}

static const struct weft__listener_fns listener_fns = { accepted, listener_closed };

static void close_server(struct weft__resident *r)
{
	struct both *b = BOTH(r, server_resident);

	weft__listener_close(&b->l);
	if (b->served)
		weft__stream_close(&b->server);
}

static void listen_here(struct weft__job *job)
{
	struct both *b = BOTH(job, listen);
	struct sockaddr_in addr = { .sin_family = AF_INET };

	b->l.fns = &listener_fns;
	b->server_resident.close = close_server;
	cr_assert_eq(weft__listener_open(b->loops[0], &b->l, (struct sockaddr *)&addr, sizeof(addr), 0), 0);
	cr_assert_eq(weft__loop_attach(b->loops[0], &b->server_resident), 0);
	tell(&b->listening);
}

/* ---- on the second: a client ------------------------------------------------------------------ */

static void over(struct both *b, int status)
{
	b->client_status = status;
	tell(&b->over);
}

static void client_open(struct weft__stream *s, int status)
{
	struct both *b = BOTH(s, client);

	if (status < 0) {
		over(b, status);
		return;
	}
	cr_assert_eq(weft__stream_send(s, bytes, BYTES), 0);
	weft__stream_finish(s);
}

static void client_data(struct weft__stream *s, const uint8_t *got, size_t len)
{
	struct both *b = BOTH(s, client);

	cr_assert_leq(b->got + (int)len, BYTES);
	cr_assert_eq(memcmp(bytes + b->got, got, len), 0);
	b->got += (int)len;
}

static void client_end(struct weft__stream *s, int status)
{
	over(BOTH(s, client), status);
}

static const struct weft__stream_fns client_fns = { client_open, client_data, client_end, NULL, no_more };

static void close_client(struct weft__resident *r)
{
	weft__stream_close(&BOTH(r, client_resident)->client);
}

static void connect_here(struct weft__job *job)
{
	struct both *b = BOTH(job, connect);
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(weft__listener_port(&b->l)) };
	int r;

	b->client.fns = &client_fns;
	b->client_resident.close = close_client;
	cr_assert_eq(weft__loop_attach(b->loops[1], &b->client_resident), 0);
	do {
		r = weft__stream_connect(b->loops[1], &b->client, (struct sockaddr *)&addr, sizeof(addr));
	} while (r == -EAGAIN);
	cr_assert_eq(r, 0);
}

/* ---- the machine --------------------------------------------------------------------------------- */

/* Returns when it ended, which is the same for the same seed. */
static uint64_t run(uint32_t faults)
{
	static struct both b;
	weft_sim_options sim = WEFT_SIM_OPTIONS_INIT;
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;
	uint64_t ended_ns;

	memset(&b, 0, sizeof(b));
	sim.seed = seed;
	sim.stuck = stuck;
	opt.workers = 2;
	opt.log_level = WEFT_LOG_ERROR;
	cr_assert_eq(weft_sim_begin(&sim), 0);
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	weft_sim_faults(faults);
	b.loops[0] = weft__loop_of(rt, 0);
	b.loops[1] = weft__loop_of(rt, 1);
	b.listen.run = listen_here;
	b.connect.run = connect_here;
	cr_assert_eq(weft__loop_post(b.loops[0], &b.listen), 0);
	wait_for(&b.listening);
	cr_assert_eq(weft__loop_post(b.loops[1], &b.connect), 0);
	if (seed % 3) /* else it ends in the middle */
		wait_for(&b.over);
	weft_sim_faults(0);
	cr_assert_eq(weft_runtime_stop(rt, UINT64_C(5000000000)), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	if (weft__load_acquire(&b.over))
		cr_assert(b.client_status < 0 || b.got == BYTES, "seed %" PRIu64 ": %d", seed, b.got);
	if (weft__load_acquire(&b.over) && !(faults & WEFT_SIM_IO))
		cr_assert_eq(b.got, BYTES);
	cr_assert_eq(weft__loop_post(b.loops[0], &b.listen), -ESHUTDOWN);
	weft_runtime_destroy(rt);
	ended_ns = weft_now_ns();
	weft__net_clear();
	cr_assert_eq(weft_sim_end(), 0);
	return ended_ns;
}

static void bytes_init(void)
{
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 131 >> 3);
}

Test(two_loops, echo_between_workers, .init = bytes_init, .timeout = 120)
{
	for (seed = 1; seed <= 150; seed++)
		run(seed % 2 ? 0 : WEFT_SIM_CLOCK | WEFT_SIM_EARLY);
}

Test(two_loops, echo_between_workers_that_breaks, .init = bytes_init, .timeout = 120)
{
	for (seed = 1; seed <= 150; seed++)
		run(WEFT_SIM_IO | WEFT_SIM_EARLY);
}

Test(two_loops, a_seed_is_a_run, .init = bytes_init, .timeout = 120)
{
	for (seed = 1; seed <= 20; seed++)
		cr_assert_eq(run(WEFT_SIM_IO), run(WEFT_SIM_IO), "seed %" PRIu64, seed);
}
