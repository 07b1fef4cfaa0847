/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro_actor.c - actors and mailboxes by themselves. Each iteration has a fresh runtime. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/actors/actors.h"

enum { GO = ACTORS_GO, PLAY = ACTORS_PLAY, LETTER };

/* ---- ping-pong --------------------------------------------------------------------------- */

struct player {
	weft_ref peer;
	uint64_t rounds, left;
	struct actors_clock clock;
};

static int ping_behaviour(weft_actor *self, weft_msg *msg)
{
	struct player *p = weft_actor_state(self);

	if (weft_msg_kind(msg) == GO) {
		p->left = p->rounds;
		actors_clock_start(&p->clock, self, msg);
		return actors_send(p->peer, actors_msg(PLAY, NULL, 0));
	}
	if (--p->left == 0)
		return actors_clock_stop(&p->clock);
	return weft_send(p->peer, msg);
}

static int pong_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	return weft_send(weft_msg_sender(msg), msg);
}

static const weft_actor_class ping_class = {
	.size = sizeof(ping_class), .name = "ping", .behaviour = ping_behaviour, .state_bytes = sizeof(struct player)
};
static const weft_actor_class pong_class = { .size = sizeof(pong_class), .name = "pong", .behaviour = pong_behaviour };
static const weft_actor_class ping_pinned = { .size = sizeof(ping_pinned),
	                                      .name = "ping",
	                                      .behaviour = ping_behaviour,
	                                      .state_bytes = sizeof(struct player),
	                                      .flags = WEFT_ACTOR_PINNED };
static const weft_actor_class pong_pinned = {
	.size = sizeof(pong_pinned), .name = "pong", .behaviour = pong_behaviour, .flags = WEFT_ACTOR_PINNED
};

/* Two that play; pinned ones made one after another by a foreign thread live on different workers. */
static int ping_pong(const struct bench_options *opt, uint64_t rounds, bool cross, double *ret_ms, uint64_t *ret_ops,
                     struct bench_outcome *out)
{
	struct player p = { .rounds = rounds };
	weft_runtime *rt = NULL;
	weft_ref ping;
	uint64_t ns = 0;
	int r;

	r = bench_runtime_up(opt, &rt);
	if (r == 0 && cross && weft_runtime_workers(rt) < 2)
		r = bench_fail(out, "needs two workers");
	if (r == 0)
		r = weft_actor_spawn(rt, cross ? &pong_pinned : &pong_class, NULL, &p.peer);
	if (r == 0)
		r = weft_actor_spawn(rt, cross ? &ping_pinned : &ping_class, &p, &ping);
	if (r == 0)
		r = actors_measure(rt, ping, out, &ns);
	return actors_end(rt, r, ns, rounds, ret_ms, ret_ops);
}

int micro_ping_pong_same(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct bench_options one = *opt;

	one.workers = 1;
	return ping_pong(&one, opt->quick ? 100000 : 1000000, false, ret_ms, ret_ops, out);
}

int micro_ping_pong_cross(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct bench_options two = *opt;

	two.workers = two.workers ? two.workers : 2;
	return ping_pong(&two, opt->quick ? 5000 : 50000, true, ret_ms, ret_ops, out);
}

int actors_ping_pong(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return ping_pong(opt, opt->quick ? 100000 : 1000000, false, ret_ms, ret_ops, out);
}

/* ---- many to one --------------------------------------------------------------------------- */

#define SENDERS 100u
#define TURN 64u /* messages a sender sends before it lets others run */

struct receiver {
	uint64_t expected, got;
	struct actors_clock clock;
};

struct sender {
	weft_ref to;
	uint64_t left;
	weft_msg *held; /* one that the mailbox did not take */
};

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct receiver *r = weft_actor_state(self);

	if (weft_msg_kind(msg) == GO) {
		actors_clock_start(&r->clock, self, msg);
		return 0;
	}
	return ++r->got == r->expected ? actors_clock_stop(&r->clock) : 0;
}

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	for (uint32_t i = 0; i < TURN && s->left; i++) {
		weft_msg *m = s->held ? s->held : weft_msg_create(LETTER, 0);

		s->held = NULL;
		if (!m)
			return -ENOMEM;
		if (weft_send(s->to, m) < 0) { /* full: keep it, come back when the receiver ran */
			s->held = m;
			break;
		}
		s->left--;
	}
	if (!s->left) {
		weft_actor_exit(self, 0);
		return 0;
	}
	weft_actor_yield(self);
	return weft_send(weft_actor_ref(self), msg);
}

static void sender_fini(weft_actor *self)
{
	struct sender *s = weft_actor_state(self);

	weft_msg_destroy(s->held);
}

/* The send that finds the mailbox full is accepted, and the sender rests after this turn: nothing to hold. */
static int muted_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	for (uint32_t i = 0; i < TURN && s->left; i++, s->left--) {
		weft_msg *m = weft_msg_create(LETTER, 0);
		int r = m ? weft_send(s->to, m) : -ENOMEM;

		if (r < 0) {
			weft_msg_destroy(m);
			return r;
		}
	}
	if (!s->left) {
		weft_actor_exit(self, 0);
		return 0;
	}
	return weft_send(weft_actor_ref(self), msg);
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour,
	                                         .state_bytes = sizeof(struct receiver) };
static const weft_actor_class sender_class = { .size = sizeof(sender_class),
	                                       .name = "sender",
	                                       .behaviour = sender_behaviour,
	                                       .fini = sender_fini,
	                                       .state_bytes = sizeof(struct sender) };

static const weft_actor_class muted_class = { .size = sizeof(muted_class),
	                                      .name = "muted sender",
	                                      .behaviour = muted_behaviour,
	                                      .state_bytes = sizeof(struct sender),
	                                      .flags = WEFT_ACTOR_MUTE };

/* The receiver is asked first, while its mailbox has room; it answers with the time to the last letter. */
static int many_to_one(const weft_actor_class *senders, uint64_t each, const struct bench_options *opt, double *ret_ms,
                       uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t total = each * SENDERS, ns = 0;
	struct receiver receiver = { .expected = total };
	struct sender s = { .left = each };
	weft_runtime *rt = NULL;
	weft_port *port = NULL;
	weft_ref ref;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_actor_spawn(rt, &receiver_class, &receiver, &s.to);
	if (r == 0)
		r = micro_request_send(rt, s.to, GO, &port);
	for (uint32_t i = 0; r == 0 && i < SENDERS; i++) {
		r = weft_actor_spawn(rt, senders, &s, &ref);
		if (r == 0)
			r = actors_send(ref, actors_msg(GO, NULL, 0));
	}
	if (r == 0)
		r = actors_answer(micro_request_wait(port, out), &ns);
	weft_port_destroy(port);
	return actors_end(rt, r, ns, total, ret_ms, ret_ops);
}

int micro_many_to_one(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return many_to_one(&sender_class, opt->quick ? 2000 : 20000, opt, ret_ms, ret_ops, out);
}

int micro_many_to_one_muted(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return many_to_one(&muted_class, opt->quick ? 2000 : 20000, opt, ret_ms, ret_ops, out);
}

int actors_many_to_one(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return many_to_one(&muted_class, opt->quick ? 2000 : 100000, opt, ret_ms, ret_ops, out);
}

/* ---- spawning ---------------------------------------------------------------------------------- */

struct spawner {
	uint64_t total, back;
	struct actors_clock clock;
};

static int once_behaviour(weft_actor *self, weft_msg *msg)
{
	int r = weft_send(weft_msg_sender(msg), msg);

	weft_actor_exit(self, 0);
	return r;
}

static const weft_actor_class once_class = { .size = sizeof(once_class), .name = "once", .behaviour = once_behaviour };

static int spawner_behaviour(weft_actor *self, weft_msg *msg)
{
	struct spawner *s = weft_actor_state(self);

	if (weft_msg_kind(msg) != GO)
		return ++s->back == s->total ? actors_clock_stop(&s->clock) : 0;
	actors_clock_start(&s->clock, self, msg);
	for (uint64_t i = 0; i < s->total; i++) {
		weft_ref ref;
		weft_msg *m = weft_msg_create(LETTER, 0);
		int r = m ? weft_actor_spawn(weft_actor_runtime(self), &once_class, NULL, &ref) : -ENOMEM;

		if (r == 0)
			r = weft_send(ref, m);
		if (r < 0)
			return r;
	}
	return 0;
}

static const weft_actor_class spawner_class = { .size = sizeof(spawner_class),
	                                        .name = "spawner",
	                                        .behaviour = spawner_behaviour,
	                                        .state_bytes = sizeof(struct spawner),
	                                        .mailbox_msgs = 2000000 };

int micro_spawn(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct spawner s = { .total = opt->quick ? 100000 : 1000000 };

	return actors_run_one(opt, &spawner_class, &s, s.total, ret_ms, ret_ops, out);
}

/* ---- idle ------------------------------------------------------------------------------------------ */

static int idle_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	return 0;
}

static const weft_actor_class idle_class = {
	.size = sizeof(idle_class), .name = "idle", .behaviour = idle_behaviour, .state_bytes = 16
};

int micro_idle_bytes(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 200000 : 1000000, t0;
	weft_runtime *rt = NULL;
	double before;
	int r = bench_runtime_up(opt, &rt);

	before = bench_rss_read().now_mb;
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		weft_ref ref;

		r = weft_actor_spawn(rt, &idle_class, NULL, &ref);
	}
	t0 = weft_now_ns() - t0;
	if (out->bytes <= 0) /* later ones find the memory of the first */
		out->bytes = (bench_rss_read().now_mb - before) * 1048576.0 / (double)n;
	return actors_end(rt, r, t0, n, ret_ms, ret_ops);
}
