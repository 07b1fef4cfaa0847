/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bursts: behaviours that send many messages to few receivers, on three workers and a guest. Goal: from one sender to one
 * receiver everything that was accepted arrives once and in order, while mailboxes run full, receivers end and are
 * born again, and some behaviours sit there for milliseconds. Law: accepted = handled + dropped (test_runtime_end),
 * and no receiver ever sees a number from a sender that is not above the last one.
 */
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define SENDERS 24u
#define RECEIVERS 6u
#define BURSTS 400u /* of each sender */

enum { GO = 10, LETTER };

struct letter {
	uint32_t from, number;
};

static weft_runtime *rt;
static _Atomic(uint64_t) receivers[RECEIVERS];
static _Atomic(uint32_t) disordered, senders_done;
static const weft_actor_class receiver_class;

struct receiver {
	uint32_t slot;
	uint32_t left; /* it ends after so many */
	uint32_t last[SENDERS];
	uint64_t state;
};

static void receiver_born(uint32_t slot, uint64_t random)
{
	struct receiver r = { .slot = slot, .state = random };
	weft_ref ref;

	r.left = 1 + test_below(&r.state, 5000);
	if (weft_actor_spawn(rt, &receiver_class, &r, &ref) == 0)
		receivers[slot] = ref.id;
}

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct receiver *r = weft_actor_state(self);
	struct letter l;

	if (weft_msg_kind(msg) != LETTER)
		return 0;
	memcpy(&l, weft_msg_data(msg), sizeof(l));
	if (l.number <= r->last[l.from])
		disordered++;
	r->last[l.from] = l.number;
	if (--r->left == 0) {
		receiver_born(r->slot, test_random(&r->state));
		weft_actor_exit(self, 0);
	}
	return 0;
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour,
	                                         .state_bytes = sizeof(struct receiver),
	                                         .mailbox_msgs = 200 };

struct sender {
	uint32_t id, number, bursts;
	uint64_t state;
};

static void send_letter(struct sender *s, weft_ref to)
{
	struct letter l = { s->id, ++s->number };
	weft_msg *m = weft_msg_create(LETTER, sizeof(l));

	cr_assert(m);
	memcpy(weft_msg_data(m), &l, sizeof(l));
	if (weft_send(to, m) < 0)
		weft_msg_destroy(m);
}

static void burst(struct sender *s)
{
	weft_ref to = { receivers[test_below(&s->state, RECEIVERS)] };

	for (uint32_t n = test_below(&s->state, 120); n; n--) {
		if (test_below(&s->state, 25) == 0)
			to.id = receivers[test_below(&s->state, RECEIVERS)];
		send_letter(s, to);
		if (test_below(&s->state, 20000) == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
	}
}

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	burst(s);
	if (--s->bursts)
		return weft_send(weft_actor_ref(self), msg);
	senders_done++;
	return 0;
}

static const weft_actor_class sender_class = { .size = sizeof(sender_class),
	                                       .name = "sender",
	                                       .behaviour = sender_behaviour,
	                                       .state_bytes = sizeof(struct sender) };

static const weft_actor_class muted_class = { .size = sizeof(muted_class),
	                                      .name = "muted sender",
	                                      .behaviour = sender_behaviour,
	                                      .state_bytes = sizeof(struct sender),
	                                      .flags = WEFT_ACTOR_MUTE };

Test(bursts, arrive_in_order_and_once)
{
	uint64_t seed = test_seed("bursts"), state = seed;
	weft_port *port;
	weft_msg *none;

	rt = test_runtime(3);
	for (uint32_t i = 0; i < RECEIVERS; i++)
		receiver_born(i, test_random(&state));
	for (uint32_t i = 0; i < SENDERS; i++) {
		struct sender s = { .id = i, .bursts = BURSTS, .state = test_random(&state) };

		cr_assert_eq(weft_send(test_spawn(rt, i % 3 ? &sender_class : &muted_class, &s), weft_msg_create(GO, 0)), 0);
	}
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (uint64_t until = weft_now_ns() + 3 * TEST_LONG; senders_done < SENDERS && weft_now_ns() < until;)
		weft_port_wait_until(port, &none, 1, weft_now_ns() + 1000000); /* this thread helps meanwhile */
	cr_assert_eq(senders_done, SENDERS);
	weft_port_destroy(port);
	test_runtime_end(rt);
	cr_assert_eq(disordered, 0);
}
