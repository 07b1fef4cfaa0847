/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many messages to one receiver from one behaviour. Goal: it cannot be seen that they leave together: they arrive in order, each
 * once; the bound is the bound; a behaviour that blocks keeps nothing from its receiver; the end of a receiver
 * waits for nobody for long. Method: senders that flood, then block or go on, on one worker and on two.
 */
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include "tests/support/actors.h"

#define MANY 1000u

enum { GO = 10, LETTER };

/* ---- a receiver that checks the order of what it gets ------------------------------------------ */

static _Atomic(uint32_t) received, disordered;
static _Atomic(uint32_t) post_at; /* when so many were received ... */
static sem_t posted;              /* ... this is */

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t number;

	(void)self;
	if (weft_msg_kind(msg) != LETTER)
		return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
	memcpy(&number, weft_msg_data(msg), sizeof(number));
	if (number != received)
		disordered++;
	if (++received == post_at)
		sem_post(&posted);
	return 0;
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour };

static int send_letter(weft_ref to, uint32_t number)
{
	weft_msg *m = weft_msg_create(LETTER, sizeof(number));
	int r;

	cr_assert(m);
	memcpy(weft_msg_data(m), &number, sizeof(number));
	r = weft_send(to, m);
	if (r < 0)
		weft_msg_destroy(m);
	return r;
}

static weft_runtime *up(uint32_t workers)
{
	received = disordered = post_at = 0;
	sem_init(&posted, 0, 0);
	return test_runtime(workers);
}

struct sender {
	weft_ref to, other;
	uint32_t letters;
};

/* ---- order ----------------------------------------------------------------------------------------- */

/* Letters, and in between something to another receiver and to the same one by another way. */
static int mixed_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	for (uint32_t i = 0; i < s->letters; i++) {
		cr_assert_eq(send_letter(s->to, i), 0);
		if (i % 7 == 3)
			cr_assert_eq(weft_send(s->other, weft_msg_create(TEST_KEEP, 0)), 0);
	}
	return weft_send(s->to, msg); /* the request goes on behind all letters */
}

static const weft_actor_class mixed_class = { .size = sizeof(mixed_class),
	                                      .name = "mixed",
	                                      .behaviour = mixed_behaviour,
	                                      .state_bytes = sizeof(struct sender) };

static void order_on(uint32_t workers)
{
	weft_runtime *rt = up(workers);
	struct sender s = { test_spawn(rt, &receiver_class, NULL), test_spawn(rt, &test_echo, NULL), MANY };

	/* the answer comes from the receiver: everything before it was handled */
	cr_assert_eq(test_ask_kind(rt, test_spawn(rt, &mixed_class, &s), GO), GO);
	cr_assert_eq(received, MANY);
	cr_assert_eq(disordered, 0);
	test_runtime_end(rt);
}

Test(outbox, one_worker__in_order)
{
	order_on(1);
}

Test(outbox, two_workers__in_order)
{
	order_on(2);
}

/* ---- the bound -------------------------------------------------------------------------------------- */

static const weft_actor_class small_class = { .size = sizeof(small_class),
	                                      .name = "small",
	                                      .behaviour = receiver_behaviour,
	                                      .mailbox_msgs = 50 };

static _Atomic(uint32_t) accepted, refused, rounds;

static int flood_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	for (uint32_t i = 0; i < s->letters; i++) {
		int r = send_letter(s->to, accepted);

		cr_assert(r == 0 || r == -EAGAIN);
		if (r == 0)
			accepted++;
		else
			refused++;
	}
	rounds++;
	(void)msg;
	return 0;
}

static const weft_actor_class flood_class = { .size = sizeof(flood_class),
	                                      .name = "flood",
	                                      .behaviour = flood_behaviour,
	                                      .state_bytes = sizeof(struct sender) };

Test(outbox, bound__is_reached_and_not_passed)
{
	weft_runtime *rt = up(1);
	struct sender s = { .to = test_spawn(rt, &small_class, NULL), .letters = 200 };
	weft_ref flood = test_spawn(rt, &flood_class, &s);

	accepted = refused = rounds = 0;
	for (uint32_t round = 1; round <= 3; round++) {
		uint64_t until = weft_now_ns() + TEST_LONG;

		/* this thread does not help: nobody else runs the receiver meanwhile */
		cr_assert_eq(weft_send(flood, weft_msg_create(GO, 0)), 0);
		while ((rounds < round || received < accepted) && weft_now_ns() < until)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		cr_assert_eq(accepted, 50 * round, "%u accepted", accepted);
		cr_assert_eq(refused, 150 * round);
	}
	cr_assert_eq(received, accepted);
	cr_assert_eq(disordered, 0);
	test_runtime_end(rt);
}

/* ---- a behaviour that blocks ------------------------------------------------------------------------- */

static int blocks_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	(void)msg;
	for (uint32_t i = 0; i < s->letters; i++)
		cr_assert_eq(send_letter(s->to, i), 0);
	while (sem_wait(&posted) != 0)
		;
	return 0;
}

static const weft_actor_class blocks_class = { .size = sizeof(blocks_class),
	                                       .name = "blocks",
	                                       .behaviour = blocks_behaviour,
	                                       .state_bytes = sizeof(struct sender) };

/* It waits for its receiver to have everything: only another worker can see to that. */
static void blocked_with(uint32_t letters)
{
	weft_runtime *rt = up(2);
	struct sender s = { .to = test_spawn(rt, &receiver_class, NULL), .letters = letters };
	weft_ref sender = test_spawn(rt, &blocks_class, &s);

	post_at = letters;
	cr_assert_eq(weft_send(sender, weft_msg_create(GO, 0)), 0);
	test_runtime_end(rt); /* a sender that is never woken does not end in time */
	cr_assert_eq(received, letters);
	cr_assert_eq(disordered, 0);
}

Test(outbox, blocked_behaviour__its_messages_arrive, .timeout = 120)
{
	for (uint32_t letters = 1; letters < 80; letters += 3)
		blocked_with(letters);
}

/* The other worker has to look around there, too. */
Test(outbox, blocked_behaviour__its_messages_arrive_on_one_cpu, .timeout = 120)
{
	cpu_set_t usable, one;

	CPU_ZERO(&one);
	cr_assert_eq(sched_getaffinity(0, sizeof(usable), &usable), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++) {
		if (CPU_ISSET(cpu, &usable))
			CPU_SET(cpu, &one);
	}
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	for (uint32_t letters = 1; letters < 80; letters += 13)
		blocked_with(letters);
}

/* ---- a receiver that ends meanwhile --------------------------------------------------------------------- */

static int first_only_behaviour(weft_actor *self, weft_msg *msg)
{
	weft_actor_exit(self, 0);
	return receiver_behaviour(self, msg);
}

static void first_only_fini(weft_actor *self)
{
	(void)self;
	sem_post(&posted);
}

static const weft_actor_class first_only_class = { .size = sizeof(first_only_class),
	                                           .name = "first only",
	                                           .behaviour = first_only_behaviour,
	                                           .fini = first_only_fini };

/* The receiver ends while its sender blocks with places of it: they come back, and what was sent is dropped. */
Test(outbox, receiver_ends__while_its_sender_blocks, .timeout = 120)
{
	for (uint32_t i = 0; i < 20; i++) {
		weft_runtime *rt = up(2);
		struct sender s = { .to = test_spawn(rt, &first_only_class, NULL), .letters = 6 };

		cr_assert_eq(weft_send(test_spawn(rt, &blocks_class, &s), weft_msg_create(GO, 0)), 0);
		test_runtime_end(rt);
		cr_assert_eq(received, 1);
	}
}
