/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priority classes. Goal: who is ready runs in the order of the classes; a flood of a higher class does not keep a lower one
 * from its turn for more than a bounded number of activations; a flood of a lower one does not hold up a higher one; nothing
 * is lost. Method: one worker for order and bounds, counted in activations; several for conservation.
 */
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

enum { GO = 10, NOTE, PLAY };
enum { BACKGROUND, NORMAL, HIGH, SYSTEM, CLASSES };

static _Atomic(uint32_t) order[64], noted;

/* ---- order --------------------------------------------------------------------------------------- */

static int note_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t *class = weft_actor_state(self);

	(void)msg;
	order[noted++ % 64] = *class;
	return 0;
}

#define NOTES(name_, flags_)                                                                                           \
	{                                                                                                              \
		.size = sizeof(weft_actor_class), .name = (name_), .behaviour = note_behaviour,                        \
		.state_bytes = sizeof(uint32_t), .flags = (flags_)                                                     \
	}

static const weft_actor_class notes[CLASSES] = { [BACKGROUND] = NOTES("background", WEFT_ACTOR_BACKGROUND),
	                                         [NORMAL] = NOTES("normal", 0),
	                                         [HIGH] = NOTES("high", WEFT_ACTOR_HIGH),
	                                         [SYSTEM] = NOTES("system", WEFT_ACTOR_SYSTEM) };

struct starter {
	weft_ref to[CLASSES];
};

static int starter_behaviour(weft_actor *self, weft_msg *msg)
{
	struct starter *s = weft_actor_state(self);

	(void)msg;
	for (uint32_t i = 0; i < CLASSES; i++) /* the lowest first */
		cr_assert_eq(weft_send(s->to[i], weft_msg_create(NOTE, 0)), 0);
	return 0;
}

static const weft_actor_class starter_class = { .size = sizeof(starter_class),
	                                        .name = "starter",
	                                        .behaviour = starter_behaviour,
	                                        .state_bytes = sizeof(struct starter) };

static void wait_for(_Atomic(uint32_t) *counter, uint32_t n)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (*counter < n && weft_now_ns() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	cr_assert_geq(*counter, n, "only %u of %u", *counter, n);
}

Test(priority, ready_ones__run_by_class)
{
	weft_runtime *rt = test_runtime(1);
	struct starter s;
	uint32_t in_order = 0;

	noted = 0;
	for (uint32_t i = 0; i < CLASSES; i++)
		s.to[i] = test_spawn(rt, &notes[i], &i);
	for (uint32_t round = 0; round < 16; round++) {
		cr_assert_eq(weft_send(test_spawn(rt, &starter_class, &s), weft_msg_create(GO, 0)), 0);
		wait_for(&noted, 4 * round + 4);
	}
	for (uint32_t round = 0; round < 16; round++)
		in_order += order[4 * round] == SYSTEM && order[4 * round + 1] == HIGH && order[4 * round + 2] == NORMAL &&
		            order[4 * round + 3] == BACKGROUND;
	cr_expect_geq(in_order, 8, "%u of 16 rounds: but for the turns of the lower ones", in_order);
	test_runtime_end(rt);
}

Test(priority, two_classes__are_refused)
{
	weft_runtime *rt = test_runtime(1);
	weft_actor_class both = notes[HIGH];
	weft_ref ref;

	both.flags |= WEFT_ACTOR_BACKGROUND;
	cr_expect_eq(weft_actor_spawn(rt, &both, NULL, &ref), -EINVAL);
	test_runtime_end(rt);
}

/* ---- floods --------------------------------------------------------------------------------------- */

static _Atomic(uint32_t) floods, answered, worst;
static _Atomic(bool) over;

/* One message to itself, for ever: ready again at once. */
static int flood_behaviour(weft_actor *self, weft_msg *msg)
{
	floods++;
	weft_actor_yield(self);
	return over ? 0 : weft_send(weft_actor_ref(self), msg);
}

/* Notes after how many activations of the flood it came. */
static int bystander_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t sent_at, waited;

	(void)self;
	memcpy(&sent_at, weft_msg_data(msg), sizeof(sent_at));
	waited = floods - sent_at;
	if (waited > worst)
		worst = waited;
	answered++;
	return 0;
}

/* Sent from inside, by one of the bystander's class, every so many activations of its own. */
struct herald {
	weft_ref bystander;
	uint32_t left;
};

static int herald_behaviour(weft_actor *self, weft_msg *msg)
{
	struct herald *h = weft_actor_state(self);
	uint32_t now = floods;
	weft_msg *m = weft_msg_create(NOTE, sizeof(now));

	memcpy(weft_msg_data(m), &now, sizeof(now));
	cr_assert_eq(weft_send(h->bystander, m), 0);
	if (--h->left == 0)
		over = true;
	weft_actor_yield(self);
	return over ? 0 : weft_send(weft_actor_ref(self), msg);
}

/* Floods of one class, a bystander of another. Gives the most activations that it waited. */
static uint32_t waits(uint32_t flood_flags, uint32_t flood_count, uint32_t bystander_flags)
{
	weft_actor_class flood = { .size = sizeof(flood), .name = "flood", .behaviour = flood_behaviour, .flags = flood_flags };
	weft_actor_class by = {
		.size = sizeof(by), .name = "bystander", .behaviour = bystander_behaviour, .flags = bystander_flags
	};
	weft_actor_class herald = { .size = sizeof(herald), .name = "herald", .behaviour = herald_behaviour,
		                    .state_bytes = sizeof(struct herald), .flags = bystander_flags };
	struct herald h = { .left = 200 };
	weft_runtime *rt = test_runtime(1);

	floods = answered = worst = 0;
	over = false;
	for (uint32_t i = 0; i < flood_count; i++)
		cr_assert_eq(weft_send(test_spawn(rt, &flood, NULL), weft_msg_create(PLAY, 0)), 0);
	h.bystander = test_spawn(rt, &by, NULL);
	cr_assert_eq(weft_send(test_spawn(rt, &herald, &h), weft_msg_create(GO, 0)), 0);
	wait_for(&answered, 200);
	test_runtime_end(rt);
	return worst;
}

Test(priority, background__is_not_starved)
{
	/* two background actors share each 64th turn */
	cr_expect_leq(waits(WEFT_ACTOR_SYSTEM, 5, WEFT_ACTOR_BACKGROUND), 3 * 64);
	cr_expect_leq(waits(0, 5, WEFT_ACTOR_BACKGROUND), 3 * 64);
}

Test(priority, normal__is_not_starved)
{
	cr_expect_leq(waits(WEFT_ACTOR_SYSTEM, 5, 0), 4 * 8);
	cr_expect_leq(waits(WEFT_ACTOR_HIGH, 5, 0), 4 * 8);
}

Test(priority, high__is_not_starved_nor_held_up)
{
	cr_expect_leq(waits(WEFT_ACTOR_SYSTEM, 5, WEFT_ACTOR_HIGH), 4 * 4);
	cr_expect_leq(waits(0, 50, WEFT_ACTOR_HIGH), 2);
	cr_expect_leq(waits(WEFT_ACTOR_BACKGROUND, 50, WEFT_ACTOR_SYSTEM), 2);
}

/* ---- conservation ------------------------------------------------------------------------------------ */

static weft_ref players[40];
static _Atomic(uint32_t) ended;

struct player {
	uint64_t random;
};

static int player_behaviour(weft_actor *self, weft_msg *msg)
{
	struct player *p = weft_actor_state(self);
	uint32_t left;

	memcpy(&left, weft_msg_data(msg), sizeof(left));
	if (left == 0) {
		ended++;
		return 0;
	}
	left--;
	memcpy(weft_msg_data(msg), &left, sizeof(left));
	return weft_send(players[test_below(&p->random, 40)], msg);
}

/* Messages that hop between actors of all classes, on three workers: each comes to its end. */
Test(priority, all_classes__nothing_is_lost)
{
	uint64_t seed = test_seed("priority");
	weft_runtime *rt = test_runtime(3);

	ended = 0;
	for (uint32_t i = 0; i < 40; i++) {
		static const uint32_t flags[] = { 0, WEFT_ACTOR_HIGH, WEFT_ACTOR_SYSTEM, WEFT_ACTOR_BACKGROUND, WEFT_ACTOR_PINNED };
		weft_actor_class cls = { .size = sizeof(cls), .name = "player", .behaviour = player_behaviour,
			                 .state_bytes = sizeof(struct player), .flags = flags[i % 5] };
		static weft_actor_class kept[40];
		struct player p = { test_random(&seed) };

		kept[i] = cls;
		players[i] = test_spawn(rt, &kept[i], &p);
	}
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t hops = test_below(&seed, 2000);
		weft_msg *m = weft_msg_create(PLAY, sizeof(hops));

		memcpy(weft_msg_data(m), &hops, sizeof(hops));
		cr_assert_eq(weft_send(players[test_below(&seed, 40)], m), 0);
	}
	wait_for(&ended, 200);
	test_runtime_end(rt);
}
