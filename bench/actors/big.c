/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/big.c - many that talk to many. big (Savina): a thousand actors, each sends a thousand pings to random
 * others, one at a time, and answers pings; an operation is a message. fork-join (Savina): one actor
 * deals 10,000 messages each to 60 others; an operation is a message.
 */
#include <errno.h>
#include <string.h>

#include "bench/actors/actors.h"

#define PEERS 1000u
#define HANDS 60u

/* ---- big ------------------------------------------------------------------------------------ */

struct ball {
	uint32_t is_ping, from;
};

struct host { /* who counts those that are done */
	struct actors_clock clock;
	weft_ref peers[PEERS];
	uint32_t pings, left;
};

struct peer {
	const weft_ref *peers; /* the host's */
	weft_ref host;
	uint64_t random;
	uint32_t id, left;
};

static int peer_behaviour(weft_actor *self, weft_msg *msg)
{
	struct peer *p = weft_actor_state(self);
	struct ball b = { 0 };

	(void)self;
	memcpy(&b, weft_msg_data(msg), sizeof(b));
	if (b.is_ping) {
		uint32_t from = b.from;

		b.is_ping = 0;
		memcpy(weft_msg_data(msg), &b, sizeof(b));
		return weft_send(p->peers[from], msg);
	}
	if (!p->left)
		return actors_send(p->host, actors_msg(ACTORS_RESULT, NULL, 0));
	p->left--;
	b = (struct ball){ 1, p->id };
	memcpy(weft_msg_data(msg), &b, sizeof(b));
	return weft_send(p->peers[actors_random(&p->random) % PEERS], msg);
}

static const weft_actor_class peer_class = {
	.size = sizeof(peer_class), .name = "peer", .behaviour = peer_behaviour, .state_bytes = sizeof(struct peer)
};

static int host_behaviour(weft_actor *self, weft_msg *msg)
{
	struct host *h = weft_actor_state(self);
	int r = 0;

	if (weft_msg_kind(msg) != ACTORS_GO)
		return --h->left == 0 ? actors_clock_stop(&h->clock) : 0;
	for (uint32_t i = 0; r == 0 && i < PEERS; i++) {
		struct peer p = { h->peers, weft_actor_ref(self), (uint64_t)i * 2654435761u + 1, i, h->pings };

		r = weft_actor_spawn(weft_actor_runtime(self), &peer_class, &p, &h->peers[i]);
	}
	actors_clock_start(&h->clock, self, msg);
	h->left = PEERS;
	for (uint32_t i = 0; r == 0 && i < PEERS; i++)
		r = actors_send(h->peers[i], actors_msg(ACTORS_PLAY, &(struct ball){ 0, 0 }, sizeof(struct ball)));
	return r;
}

static const weft_actor_class host_class = {
	.size = sizeof(host_class), .name = "host", .behaviour = host_behaviour, .state_bytes = sizeof(struct host)
};

int actors_big(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct host h = { .pings = opt->quick ? 20 : 1000 };

	return actors_run_one(opt, &host_class, &h, (uint64_t)PEERS * h.pings * 2, ret_ms, ret_ops, out);
}

/* ---- fork-join --------------------------------------------------------------------------------- */

struct dealer {
	struct actors_clock clock;
	weft_ref hands[HANDS];
	uint32_t each, dealt, left;
};

struct hand {
	weft_ref dealer;
	uint32_t left;
	double sum;
};

static int hand_behaviour(weft_actor *self, weft_msg *msg)
{
	struct hand *h = weft_actor_state(self);
	double x = 37.2;

	(void)msg;
	h->sum += x * x; /* a little, as in the suite */
	if (--h->left)
		return 0;
	weft_actor_exit(self, 0);
	return actors_send(h->dealer, actors_msg(ACTORS_RESULT, NULL, 0));
}

static const weft_actor_class hand_class = {
	.size = sizeof(hand_class), .name = "hand", .behaviour = hand_behaviour, .state_bytes = sizeof(struct hand)
};

/* A few rounds to each, then the others run: what is on its way stays in the cache. */
static int deal(struct dealer *d, weft_actor *self, weft_msg *msg)
{
	for (uint32_t round = 0; round < 16 && d->dealt < d->each; round++, d->dealt++) {
		for (uint32_t i = 0; i < HANDS; i++) {
			int r = actors_send(d->hands[i], actors_msg(ACTORS_PLAY, NULL, 0));

			if (r < 0)
				return r;
		}
	}
	weft_actor_yield(self);
	return d->dealt < d->each ? weft_send(weft_actor_ref(self), msg) : 0;
}

static int dealer_behaviour(weft_actor *self, weft_msg *msg)
{
	struct dealer *d = weft_actor_state(self);
	int r = 0;

	switch (weft_msg_kind(msg)) {
	case ACTORS_RESULT:
		return --d->left == 0 ? actors_clock_stop(&d->clock) : 0;
	case ACTORS_PLAY:
		return deal(d, self, msg);
	default:
		for (uint32_t i = 0; r == 0 && i < HANDS; i++) {
			struct hand h = { weft_actor_ref(self), d->each, 0 };

			r = weft_actor_spawn(weft_actor_runtime(self), &hand_class, &h, &d->hands[i]);
		}
		d->left = HANDS;
		actors_clock_start(&d->clock, self, msg);
		return r < 0 ? r : actors_send(weft_actor_ref(self), actors_msg(ACTORS_PLAY, NULL, 0));
	}
}

static const weft_actor_class dealer_class = { .size = sizeof(dealer_class),
	                                       .name = "dealer",
	                                       .behaviour = dealer_behaviour,
	                                       .state_bytes = sizeof(struct dealer),
	                                       .flags = WEFT_ACTOR_MUTE };

int actors_fork_join(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct dealer d = { .each = opt->quick ? 500 : 10000 };

	return actors_run_one(opt, &dealer_class, &d, (uint64_t)HANDS * d.each, ret_ms, ret_ops, out);
}
