/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro_actor.c - actors and mailboxes by themselves. Each iteration has a fresh runtime. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fixture.h"
#include "bench/micro.h"

enum { GO = 1, PLAY, LETTER, DONE };

/* What the measuring actor answers: how long its work took. */
static int answer_ns(weft_msg *asked, uint64_t ns)
{
	weft_msg *m = weft_msg_create(DONE, sizeof(ns));
	int r = -ENOMEM;

	if (m) {
		memcpy(weft_msg_data(m), &ns, sizeof(ns));
		r = weft_reply(asked, m);
	}
	weft_msg_destroy(asked);
	return r;
}

/* The time in such an answer; consumes it. */
static int taken_ns(weft_msg *answer, uint64_t *ret_ns)
{
	if (!answer)
		return -EIO;
	memcpy(ret_ns, weft_msg_data(answer), sizeof(*ret_ns));
	weft_msg_destroy(answer);
	return 0;
}

/* Ask `to` to go, and give the time it took. */
static int measure(weft_runtime *rt, weft_ref to, struct bench_outcome *out, uint64_t *ret_ns)
{
	return taken_ns(micro_request(rt, to, GO, out), ret_ns);
}

static int start(weft_ref to)
{
	weft_msg *go = weft_msg_create(GO, 0);
	int r = go ? weft_send(to, go) : -ENOMEM;

	if (r < 0)
		weft_msg_destroy(go);
	return r;
}

/* ---- ping-pong --------------------------------------------------------------------------- */

struct player {
	weft_ref peer;
	uint64_t rounds, left, t0;
	weft_msg *asked;
};

static int ping_behaviour(weft_actor *self, weft_msg *msg)
{
	struct player *p = weft_actor_state(self);

	if (weft_msg_kind(msg) == GO) {
		weft_msg *ball = weft_msg_create(PLAY, 0);

		weft_msg_keep(self, msg);
		p->asked = msg;
		p->left = p->rounds;
		p->t0 = weft_now_ns();
		return ball ? weft_send(p->peer, ball) : -ENOMEM;
	}
	if (--p->left == 0)
		return answer_ns(p->asked, weft_now_ns() - p->t0);
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

static int ping_pong(const struct bench_options *opt, uint64_t rounds, bool cross, double *ret_ms, uint64_t *ret_ops,
                     struct bench_outcome *out)
{
	struct bench_options one = *opt;
	struct player p = { .rounds = rounds };
	weft_runtime *rt = NULL;
	weft_ref ping;
	uint64_t ns = 0;
	int r;

	if (cross && !one.workers)
		one.workers = 2;
	if (!cross)
		one.workers = 1;
	r = bench_runtime_up(&one, &rt);
	if (r == 0 && cross && weft_runtime_workers(rt) < 2)
		r = bench_fail(out, "needs two workers");
	/* pinned actors made one after another by a foreign thread live on different workers */
	if (r == 0)
		r = weft_actor_spawn(rt, cross ? &pong_pinned : &pong_class, NULL, &p.peer);
	if (r == 0)
		r = weft_actor_spawn(rt, cross ? &ping_pinned : &ping_class, &p, &ping);
	if (r == 0)
		r = measure(rt, ping, out, &ns);
	*ret_ms = (double)ns / 1e6 / (double)rounds;
	*ret_ops = rounds;
	weft_runtime_destroy(rt);
	return r;
}

int micro_ping_pong_same(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return ping_pong(opt, opt->quick ? 100000 : 1000000, false, ret_ms, ret_ops, out);
}

int micro_ping_pong_cross(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return ping_pong(opt, opt->quick ? 5000 : 50000, true, ret_ms, ret_ops, out);
}

/* ---- many to one --------------------------------------------------------------------------- */

#define SENDERS 100u
#define TURN 64u /* messages a sender sends before it lets others run */

struct receiver {
	uint64_t expected, got, t0;
	weft_msg *asked;
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
		weft_msg_keep(self, msg);
		r->asked = msg;
		r->t0 = weft_now_ns();
		return 0;
	}
	return ++r->got == r->expected ? answer_ns(r->asked, weft_now_ns() - r->t0) : 0;
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
static int many_to_one(const weft_actor_class *senders, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops,
                       struct bench_outcome *out)
{
	uint64_t each = opt->quick ? 2000 : 20000, total = each * SENDERS, ns = 0;
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
			r = start(ref);
	}
	if (r == 0)
		r = taken_ns(micro_request_wait(port, out), &ns);
	*ret_ms = (double)ns / 1e6 / (double)total;
	*ret_ops = total;
	weft_port_destroy(port);
	weft_runtime_destroy(rt);
	return r;
}

int micro_many_to_one(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return many_to_one(&sender_class, opt, ret_ms, ret_ops, out);
}

int micro_many_to_one_muted(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return many_to_one(&muted_class, opt, ret_ms, ret_ops, out);
}

/* ---- spawning ---------------------------------------------------------------------------------- */

struct spawner {
	uint64_t total, back, t0;
	weft_msg *asked;
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
		return ++s->back == s->total ? answer_ns(s->asked, weft_now_ns() - s->t0) : 0;
	weft_msg_keep(self, msg);
	s->asked = msg;
	s->t0 = weft_now_ns();
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
	weft_runtime *rt = NULL;
	weft_ref ref;
	uint64_t ns = 0;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_actor_spawn(rt, &spawner_class, &s, &ref);
	if (r == 0)
		r = measure(rt, ref, out, &ns);
	*ret_ms = (double)ns / 1e6 / (double)s.total;
	*ret_ops = s.total;
	weft_runtime_destroy(rt);
	return r;
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
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
	out->bytes = (bench_rss_read().now_mb - before) * 1048576.0 / (double)n;
	weft_runtime_destroy(rt);
	return r;
}
