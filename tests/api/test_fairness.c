/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who floods a worker cannot keep another actor from its message for more than a bounded number of
 * activations. Method: one worker; some kind of flood that never ends by itself; a bystander that is
 * sent to from inside, at every FLOODth activation of the flood. Each of its messages must be handled
 * within a few activations of the flood's, or at all where it never ran before. What is counted is
 * activations, not time: machines are slow.
 */
#include <time.h>

#include "tests/support/actors.h"


enum { PLAY = 10, LETTER };

static uint32_t rounds, apart; /* messages to the bystander, and activations between two of them */
static weft_ref bystander;
static _Atomic(uint64_t) activations; /* of the flood */
static _Atomic(uint64_t) worst;
static _Atomic(uint32_t) delivered;

/* Counts this activation of the flood, and writes to the bystander now and then. False: it is over. */
static bool flood_turn(void)
{
	uint64_t n = ++activations;
	weft_msg *m;

	if (delivered >= rounds)
		return false;
	if (n % apart)
		return true;
	m = weft_msg_create(LETTER, sizeof(n));
	cr_assert(m);
	memcpy(weft_msg_data(m), &n, sizeof(n));
	cr_assert_eq(weft_send(bystander, m), 0);
	return true;
}

static int bystander_behaviour(weft_actor *self, weft_msg *msg)
{
	uint64_t sent, waited;

	(void)self;
	memcpy(&sent, weft_msg_data(msg), sizeof(sent));
	waited = activations - sent;
	if (waited > worst)
		worst = waited;
	delivered++;
	return 0;
}

static const weft_actor_class bystander_class = { .size = sizeof(bystander_class),
	                                          .name = "bystander",
	                                          .behaviour = bystander_behaviour };

static const weft_actor_class pinned_bystander_class = { .size = sizeof(pinned_bystander_class),
	                                                 .name = "pinned bystander",
	                                                 .behaviour = bystander_behaviour,
	                                                 .flags = WEFT_ACTOR_PINNED };

static weft_runtime *up_with(const weft_actor_class *cls)
{
	weft_runtime *rt = test_runtime(1);

	activations = worst = 0;
	delivered = 0;
	rounds = 200;
	apart = 50;
	bystander = test_spawn(rt, cls, NULL);
	return rt;
}

static weft_runtime *up(void)
{
	return up_with(&bystander_class);
}

static void wait_delivered(void)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	struct timespec rest = { .tv_nsec = 1000000 };

	while (delivered < rounds && weft_now_ns() < until)
		nanosleep(&rest, NULL);
	cr_assert_geq(delivered, rounds, "the bystander starved after %u messages", delivered);
}

/* ---- two that talk to each other: the LIFO slot -------------------------------------------- */

struct player {
	weft_ref peer;
};

static int player_behaviour(weft_actor *self, weft_msg *msg)
{
	struct player *p = weft_actor_state(self);

	if (weft_msg_kind(msg) == LETTER) {
		memcpy(&p->peer, weft_msg_data(msg), sizeof(p->peer));
		return 0;
	}
	return flood_turn() ? weft_send(p->peer, msg) : 0;
}

static const weft_actor_class player_class = { .size = sizeof(player_class),
	                                       .name = "player",
	                                       .behaviour = player_behaviour,
	                                       .state_bytes = sizeof(struct player) };

/* Two that send one message to and fro until it is over. */
static void pair_up(weft_runtime *rt, const weft_actor_class *cls)
{
	struct player p = { test_spawn(rt, cls, NULL) };
	weft_ref other = test_spawn(rt, cls, &p);
	weft_msg *tell = weft_msg_create(LETTER, sizeof(other));

	memcpy(weft_msg_data(tell), &other, sizeof(other));
	cr_assert_eq(weft_send(p.peer, tell), 0);
	cr_assert_eq(weft_send(other, weft_msg_create(PLAY, 0)), 0);
}

Test(fairness, chatting_pair__lets_others_in)
{
	weft_runtime *rt = up();

	pair_up(rt, &player_class);
	wait_delivered();
	cr_assert_leq(worst, 8, "waited for %lu activations of the pair", (unsigned long)worst);
	test_runtime_end(rt);
}

/* ---- one that never empties its mailbox: the budget ----------------------------------------- */

static int busy_behaviour(weft_actor *self, weft_msg *msg)
{
	return flood_turn() ? weft_send(weft_actor_ref(self), msg) : 0;
}

static const weft_actor_class busy_class = { .size = sizeof(busy_class), .name = "busy", .behaviour = busy_behaviour };

Test(fairness, full_mailbox__is_left_after_a_budget)
{
	weft_runtime *rt = up();
	weft_ref busy = test_spawn(rt, &busy_class, NULL);

	for (int i = 0; i < 4; i++)
		cr_assert_eq(weft_send(busy, weft_msg_create(PLAY, 0)), 0);
	wait_delivered();
	cr_assert_leq(worst, 2 * 64, "waited for %lu messages of a busy actor", (unsigned long)worst);
	test_runtime_end(rt);
}

/* A budget of 64 such messages would be a tenth of a second. */
static int slow_behaviour(weft_actor *self, weft_msg *msg)
{
	struct timespec two_ms = { .tv_nsec = 2000000 };

	nanosleep(&two_ms, NULL);
	return busy_behaviour(self, msg);
}

static const weft_actor_class slow_class = { .size = sizeof(slow_class), .name = "slow", .behaviour = slow_behaviour };

Test(fairness, slow_messages__make_a_budget_shorter)
{
	weft_runtime *rt = up();
	weft_ref slow = test_spawn(rt, &slow_class, NULL);

	rounds = 20;
	apart = 10;
	for (int i = 0; i < 4; i++)
		cr_assert_eq(weft_send(slow, weft_msg_create(PLAY, 0)), 0);
	wait_delivered();
	cr_assert_leq(worst, 16, "waited for %lu messages of a slow actor", (unsigned long)worst);
	test_runtime_end(rt);
}

/* ---- a line of spawns without end: what never ran goes first ---------------------------------- */

static int heir_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_actor_exit(self, 0);
	for (int i = 0; i < 2; i++) { /* one goes on, one is a leaf: there is always something fresh */
		static const weft_actor_class leaf = { .size = sizeof(leaf), .name = "leaf", .behaviour = test_echo_behaviour };
		extern const weft_actor_class heir_class;
		weft_ref child;

		if (i == 0 && !flood_turn())
			return 0;
		cr_assert_eq(weft_actor_spawn(weft_actor_runtime(self), i ? &leaf : &heir_class, NULL, &child), 0);
		cr_assert_eq(weft_send(child, weft_msg_create(i ? TEST_EXIT : PLAY, 0)), 0);
	}
	(void)msg;
	return 0;
}

extern const weft_actor_class heir_class;
const weft_actor_class heir_class = { .size = sizeof(heir_class), .name = "heir", .behaviour = heir_behaviour };

Test(fairness, endless_spawns__let_others_in)
{
	weft_runtime *rt = up();

	cr_assert_eq(weft_send(test_spawn(rt, &heir_class, NULL), weft_msg_create(PLAY, 0)), 0);
	wait_delivered();
	test_runtime_end(rt); /* its first message waited for a millisecond's worth of activations: no number here */
}

/* ---- pinned ones ------------------------------------------------------------------------------- */

static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "pinned player",
	                                       .behaviour = player_behaviour,
	                                       .state_bytes = sizeof(struct player),
	                                       .flags = WEFT_ACTOR_PINNED };

Test(fairness, pinned_pair__lets_others_in)
{
	weft_runtime *rt = up();

	pair_up(rt, &pinned_class);
	wait_delivered();
	cr_assert_leq(worst, 8, "waited for %lu activations of the pair", (unsigned long)worst);
	test_runtime_end(rt);
}

/* Slot, queue and pinned actors all have work: their turns must not fall together. */
Test(fairness, chatting_pairs__let_a_pinned_one_in)
{
	weft_runtime *rt = up_with(&pinned_bystander_class);

	for (int i = 0; i < 3; i++)
		pair_up(rt, &player_class);
	wait_delivered();
	cr_assert_leq(worst, 24, "waited for %lu activations of the pairs", (unsigned long)worst);
	test_runtime_end(rt);
}
