/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/broadcast.c - one tells four. broadcast: a number that a publisher sends to four actors, resting when one
 * of them is behind; an operation is a number that all have. events: a structured event that a foreign thread reads from four
 * subscriptions; an operation is an event that all have.
 */
#include <errno.h>
#include <string.h>

#include "bench/actors/actors.h"

#define SUBSCRIBERS 4u
#define TURN_EVENTS 128u

/* ---- to actors ------------------------------------------------------------------------------- */

struct publisher {
	weft_ref to[SUBSCRIBERS];
	uint64_t left;
	uint32_t behind; /* subscribers that do not have everything yet */
	struct actors_clock clock;
};

struct subscriber {
	weft_ref publisher;
	uint64_t left, sum, expected_sum;
};

static int subscriber_behaviour(weft_actor *self, weft_msg *msg)
{
	struct subscriber *s = weft_actor_state(self);
	uint64_t number;

	if (weft_msg_kind(msg) == ACTORS_RESULT) { /* whom to tell */
		memcpy(&s->publisher, weft_msg_data(msg), sizeof(s->publisher));
		return 0;
	}
	memcpy(&number, weft_msg_data(msg), sizeof(number));
	s->sum += number;
	if (--s->left)
		return 0;
	return s->sum == s->expected_sum ? actors_send(s->publisher, actors_msg(ACTORS_DONE, NULL, 0)) : -EINVAL;
}

static const weft_actor_class subscriber_class = { .size = sizeof(subscriber_class),
	                                           .name = "subscriber",
	                                           .behaviour = subscriber_behaviour,
	                                           .state_bytes = sizeof(struct subscriber) };

static int publish(struct publisher *p, weft_actor *self)
{
	int r = 0;

	for (uint32_t i = 0; i < TURN_EVENTS && p->left; i++, p->left--) {
		for (uint32_t j = 0; r == 0 && j < SUBSCRIBERS; j++)
			r = actors_send(p->to[j], actors_msg(ACTORS_PLAY, &p->left, sizeof(p->left)));
	}
	if (r == 0 && p->left)
		r = actors_send(weft_actor_ref(self), actors_msg(ACTORS_PLAY, NULL, 0));
	return r;
}

static int publisher_behaviour(weft_actor *self, weft_msg *msg)
{
	struct publisher *p = weft_actor_state(self);

	switch (weft_msg_kind(msg)) {
	case ACTORS_GO:
		actors_clock_start(&p->clock, self, msg);
		p->behind = SUBSCRIBERS;
		return publish(p, self);
	case ACTORS_DONE:
		return --p->behind ? 0 : actors_clock_stop(&p->clock);
	default:
		return publish(p, self);
	}
}

static const weft_actor_class publisher_class = { .size = sizeof(publisher_class),
	                                          .name = "publisher",
	                                          .behaviour = publisher_behaviour,
	                                          .state_bytes = sizeof(struct publisher),
	                                          .flags = WEFT_ACTOR_MUTE };

int actors_broadcast_4(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct publisher p = { .left = opt->quick ? 50000 : 1000000 };
	struct subscriber s = { .left = p.left, .expected_sum = p.left * (p.left + 1) / 2 };
	weft_runtime *rt = NULL;
	weft_ref ref = { 0 };
	uint64_t ns = 0;
	int r = bench_runtime_up(opt, &rt);

	for (uint32_t i = 0; r == 0 && i < SUBSCRIBERS; i++)
		r = weft_actor_spawn(rt, &subscriber_class, &s, &p.to[i]);
	if (r == 0)
		r = weft_actor_spawn(rt, &publisher_class, &p, &ref);
	for (uint32_t i = 0; r == 0 && i < SUBSCRIBERS; i++)
		r = actors_send(p.to[i], actors_msg(ACTORS_RESULT, &ref, sizeof(ref)));
	if (r == 0)
		r = actors_measure(rt, ref, out, &ns);
	return actors_end(rt, r, ns, p.left, ret_ms, ret_ops);
}

/* ---- to subscriptions -------------------------------------------------------------------------- */

#define READ_EVENTS 64u

struct emitter {
	uint64_t left;
};

static int emitter_behaviour(weft_actor *self, weft_msg *msg)
{
	struct emitter *e = weft_actor_state(self);
	weft_event_field field = { .key = WEFT_STR("n"), .kind = WEFT_FIELD_INT };
	weft_event_desc desc = { .scope = WEFT_SCOPE_TOOL,
		                 .type = WEFT_EVENT_COMPLETED,
		                 .component_id = WEFT_STR("bench"),
		                 .fields = &field,
		                 .field_count = 1 };

	for (uint32_t i = 0; i < TURN_EVENTS && e->left; i++, e->left--) {
		field.num.i = (int64_t)e->left;
		weft_event_emit(weft_actor_runtime(self), &desc);
	}
	return e->left ? weft_send(weft_actor_ref(self), msg) : 0;
}

static const weft_actor_class emitter_class = { .size = sizeof(emitter_class),
	                                        .name = "emitter",
	                                        .behaviour = emitter_behaviour,
	                                        .state_bytes = sizeof(struct emitter) };

/* This thread reads all of them, in turn, until each has had every event. Counted, and the numbers added up. */
static int read_everything(weft_subscription **subs, uint64_t events)
{
	weft_event got[READ_EVENTS];
	uint64_t left = SUBSCRIBERS * events, sum = 0, until = weft_now_ns() + MICRO_WAIT_NS;

	while (left) {
		for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
			int n = weft_events_read(subs[i], got, READ_EVENTS);

			if (n < 0 || weft_events_lost(subs[i]))
				return n < 0 ? n : -EPIPE;
			for (int j = 0; j < n; j++)
				sum += (uint64_t)got[j].fields[0].num.i;
			left -= (uint64_t)n;
		}
		if (weft_now_ns() > until)
			return -ETIMEDOUT;
	}
	return sum == SUBSCRIBERS * (events * (events + 1) / 2) ? 0 : -EINVAL;
}

int actors_events_4(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct emitter e = { .left = opt->quick ? 50000 : 1000000 };
	weft_subscribe_options so = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *subs[SUBSCRIBERS] = { 0 };
	weft_runtime *rt = NULL;
	weft_ref ref;
	uint64_t t0;
	int r = bench_runtime_up(opt, &rt);

	so.lag = WEFT_LAG_BLOCK;
	so.block_ns = MICRO_WAIT_NS;
	for (uint32_t i = 0; r == 0 && i < SUBSCRIBERS; i++)
		r = weft_events_subscribe(rt, &so, &subs[i]);
	if (r == 0)
		r = weft_actor_spawn(rt, &emitter_class, &e, &ref);
	t0 = weft_now_ns();
	if (r == 0)
		r = actors_send(ref, actors_msg(ACTORS_PLAY, NULL, 0));
	if (r == 0)
		r = read_everything(subs, e.left);
	t0 = weft_now_ns() - t0;
	if (r < 0)
		bench_fail(out, "not every subscriber got every event: %s", weft_strerror(r));
	for (uint32_t i = 0; i < SUBSCRIBERS; i++)
		weft_events_unsubscribe(subs[i]);
	return actors_end(rt, r, t0, e.left, ret_ms, ret_ops);
}
