/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits behind a behaviour that does not come back. Goal: it is done by another worker, however it came to lie there, whether
 * that one sleeps or has work of its own, and also when all were asleep before. Method: a behaviour that waits for what was sent behind it; a
 * worker that nobody watches is a wait that runs into its limit.
 */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "tests/support/actors.h"

enum { BLOCK = 10, OPEN };

static sem_t entered, opened, busy;
static _Atomic(bool) over;
static _Atomic(uint32_t) late; /* waits that ran into their limit */

static bool wait_for(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TEST_LONG / TEST_SECOND;
	while (sem_timedwait(sem, &until) < 0) {
		if (errno != EINTR)
			return false;
	}
	return true;
}

static int opener_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	if (weft_msg_kind(msg) == OPEN)
		sem_post(&opened);
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
}

#define OPENER(class_flags) { .size = sizeof(weft_actor_class), .name = "opener", .behaviour = opener_behaviour, .flags = (class_flags) }

static const weft_actor_class opener_class = OPENER(0);
static const weft_actor_class opener_classes[] = { OPENER(0), OPENER(WEFT_ACTOR_HIGH), OPENER(WEFT_ACTOR_SYSTEM),
	                                           OPENER(WEFT_ACTOR_BACKGROUND) };
#define OPENER_CLASSES (sizeof(opener_classes) / sizeof(opener_classes[0]))

/* What a blocker does before it waits. */
struct blocker {
	weft_ref behind;                /* sends to it, if any, ... */
	uint32_t kind;                  /* ... this, or OPEN */
	const weft_actor_class *spawns; /* or OPEN to one that it spawns */
};

static void send_to(weft_ref to, uint32_t kind)
{
	cr_assert_eq(weft_send(to, weft_msg_create(kind, 0)), 0);
}

static int blocker_behaviour(weft_actor *self, weft_msg *msg)
{
	struct blocker *b = weft_actor_state(self);

	if (weft_msg_kind(msg) != BLOCK)
		return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
	if (b->spawns)
		b->behind = test_spawn(weft_actor_runtime(self), b->spawns, NULL);
	if (b->behind.id)
		send_to(b->behind, b->kind ? b->kind : OPEN);
	sem_post(&entered);
	late += !wait_for(&opened);
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
}

static const weft_actor_class blocker_class = { .size = sizeof(blocker_class),
	                                        .name = "blocker",
	                                        .behaviour = blocker_behaviour,
	                                        .state_bytes = sizeof(struct blocker) };

static uint64_t parks(weft_runtime *rt)
{
	weft_runtime_stats s = { .size = sizeof(s) };

	weft_runtime_stats_read(rt, &s);
	return s.parks;
}

/* Until nobody naps any more. Where that takes longer the test is an easier one, and passes for it. */
static void let_all_sleep(weft_runtime *rt)
{
	struct timespec rest = { .tv_nsec = 60000000 };
	uint64_t before;

	do {
		before = parks(rt);
		nanosleep(&rest, NULL);
	} while (parks(rt) != before);
}

static weft_runtime *up(uint32_t workers)
{
	weft_runtime *rt = test_runtime(workers);

	late = 0;
	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	let_all_sleep(rt);
	return rt;
}

static void down(weft_runtime *rt)
{
	test_runtime_end(rt);
	cr_assert_eq(late, 0u, "%u waited for what lay behind them", late);
}

Test(api_stuck, foreign_message__is_not_left_with_a_worker_that_does_not_come_back)
{
	weft_runtime *rt = up(2);

	for (uint32_t i = 0; i < 8; i++) { /* whatever their homes */
		weft_ref blocker = test_spawn(rt, &blocker_class, NULL), opener = test_spawn(rt, &opener_class, NULL);

		let_all_sleep(rt);
		send_to(blocker, BLOCK);
		cr_assert(wait_for(&entered));
		send_to(opener, OPEN);
	}
	down(rt);
}

/* Nothing tells the workers of each other but the watch. */
Test(api_stuck, sent_before_it_blocks__is_done_by_another)
{
	weft_runtime *rt = up(2);
	struct blocker b = { .behind = test_spawn(rt, &opener_class, NULL) };

	cr_assert_eq(test_ask_kind(rt, b.behind, TEST_ECHO), TEST_ECHO);
	let_all_sleep(rt);
	send_to(test_spawn(rt, &blocker_class, &b), BLOCK);
	down(rt);
}

Test(api_stuck, spawned_before_it_blocks__is_run_by_another)
{
	weft_runtime *rt = up(2);

	for (uint32_t i = 0; i < OPENER_CLASSES; i++) {
		struct blocker b = { .spawns = &opener_classes[i] };

		let_all_sleep(rt);
		send_to(test_spawn(rt, &blocker_class, &b), BLOCK);
		cr_assert(wait_for(&entered));
	}
	down(rt);
}

/* Who helps does not come back either: each time the watch has to be passed on. */
Test(api_stuck, all_workers_but_one__are_blocked)
{
	enum { WORKERS = 5 };
	weft_runtime *rt = up(WORKERS);
	struct blocker b = { .behind = test_spawn(rt, &opener_class, NULL) };

	for (uint32_t i = 0; i < WORKERS - 1; i++) {
		b.behind = test_spawn(rt, &blocker_class, &b);
		b.kind = BLOCK;
	}
	send_to(b.behind, BLOCK);
	for (uint32_t i = 0; i < WORKERS - 1; i++)
		cr_assert(wait_for(&entered));
	for (uint32_t i = 0; i < WORKERS - 2; i++) /* the opener lets one go */
		sem_post(&opened);
	down(rt);
}

/* A foreign thread that helps is one of those who may not come back. */
Test(api_stuck, guest__is_watched)
{
	weft_runtime *rt = up(2);
	weft_ref opener = test_spawn(rt, &opener_class, NULL);
	struct blocker b = { .behind = opener };
	weft_ref blocker = test_spawn(rt, &blocker_class, &b);

	cr_assert_eq(test_ask_kind(rt, opener, TEST_ECHO), TEST_ECHO); /* what never ran others are called for */
	cr_assert_eq(test_ask_kind(rt, blocker, TEST_ECHO), TEST_ECHO);
	let_all_sleep(rt);
	cr_assert_eq(weft_guest_enter(rt), 0);
	cr_assert_eq(test_ask_kind(rt, blocker, BLOCK), BLOCK);
	cr_assert_eq(weft_guest_leave(rt), 0);
	down(rt);
}

/* Sends itself a message for each that it gets, until nobody waits. */
static int busy_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t *turns = weft_actor_state(self);

	(void)msg;
	if (++*turns == 1)
		sem_post(&busy);
	if (!over)
		send_to(weft_actor_ref(self), 0);
	return 0;
}

static const weft_actor_class busy_class = { .size = sizeof(busy_class),
	                                     .name = "busy",
	                                     .behaviour = busy_behaviour,
	                                     .state_bytes = sizeof(uint32_t) };

/* The other worker has been taken up by one that never lets it rest. */
static int behind_busy_behaviour(weft_actor *self, weft_msg *msg)
{
	struct blocker *b = weft_actor_state(self);

	send_to(test_spawn(weft_actor_runtime(self), &busy_class, NULL), 0);
	late += !wait_for(&busy);
	send_to(b->behind, OPEN);
	late += !wait_for(&opened);
	over = true;
	(void)msg;
	return 0;
}

static const weft_actor_class behind_busy_class = { .size = sizeof(behind_busy_class),
	                                            .name = "behind-busy",
	                                            .behaviour = behind_busy_behaviour,
	                                            .state_bytes = sizeof(struct blocker) };

Test(api_stuck, nobody_sleeps__is_done_by_one_that_is_busy)
{
	weft_runtime *rt = up(2);
	struct blocker b = { .behind = test_spawn(rt, &opener_class, NULL) };

	over = false;
	sem_init(&busy, 0, 0);
	cr_assert_eq(test_ask_kind(rt, b.behind, TEST_ECHO), TEST_ECHO);
	let_all_sleep(rt);
	send_to(test_spawn(rt, &behind_busy_class, &b), BLOCK);
	down(rt);
}

/* The same where nobody searches for long: one processor, or spin_ns set low. */
Test(api_stuck, no_spin__is_watched_all_the_same)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;
	struct blocker b;

	opt.workers = 2;
	opt.spin_ns = 1;
	rt = test_runtime_with(&opt);
	late = 0;
	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	let_all_sleep(rt);
	b = (struct blocker){ .behind = test_spawn(rt, &opener_class, NULL) };
	send_to(test_spawn(rt, &blocker_class, &b), BLOCK);
	down(rt);
}
