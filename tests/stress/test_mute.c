/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors that rest for full mailboxes, in a random graph full of circles, with small mailboxes on all
 * workers. Goal: nobody rests for ever, nothing is refused, nothing is lost, mailboxes stay near their
 * bounds. Method: each message makes its receiver send up to three more, to anybody, itself included,
 * until it has sent its share; some die on the way. In the end each message that was made was
 * released, without the runtime being stopped for it.
 */
#include <pthread.h>
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define ACTORS 60u
#define BOUND 8u
#define SHARE 4000u

static weft_ref refs[ACTORS];
static _Atomic(uint64_t) made, released, refused, handled_most;

struct node {
	uint64_t rnd;
	uint32_t left;      /* to send */
	uint32_t dies_after; /* messages; 0: lives on */
};

static void count_release(weft_msg *msg)
{
	(void)msg;
	released++;
}

static weft_msg *letter(void)
{
	weft_msg *m = weft_msg_create(1, 0);

	cr_assert(m);
	weft_msg_on_destroy(m, count_release);
	made++;
	return m;
}

static int node_behaviour(weft_actor *self, weft_msg *msg)
{
	struct node *n = weft_actor_state(self);
	uint32_t sends = n->left ? 1 + test_below(&n->rnd, 3) : 0;

	(void)self;
	(void)msg;
	for (uint32_t i = 0; i < sends && n->left; i++, n->left--) {
		weft_msg *m = letter();
		int r = weft_send(refs[test_below(&n->rnd, ACTORS)], m);

		cr_assert(r == 0 || r == -ESRCH, "%s", weft_strerror(r));
		refused += r < 0;
		if (r < 0)
			weft_msg_destroy(m);
	}
	if (n->dies_after && --n->dies_after == 0)
		weft_actor_exit(self, 0);
	return 0;
}

#define NODE(more)                                                                                         \
	{                                                                                                  \
		.size = sizeof(weft_actor_class), .name = "node", .behaviour = node_behaviour,                     \
		.state_bytes = sizeof(struct node), .mailbox_msgs = BOUND, .flags = WEFT_ACTOR_MUTE | (more)       \
	}

static const weft_actor_class node_class = NODE(0);
static const weft_actor_class pinned_class = NODE(WEFT_ACTOR_PINNED);

static void wait_all_released(void)
{
	struct timespec rest = { .tv_nsec = 2000000 };
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (released != made && weft_now_ns() < until)
		nanosleep(&rest, NULL);
	cr_assert_eq(released, made, "%lu messages lie with actors that rest for ever", (unsigned long)(made - released));
}

static weft_runtime_stats storm(bool deaths)
{
	weft_runtime *rt = test_runtime(0);
	weft_runtime_stats s = { .size = sizeof(s) };
	uint64_t rnd = test_seed("mute");

	made = released = refused = 0;
	for (uint32_t i = 0; i < ACTORS; i++) {
		struct node n = { .rnd = test_random(&rnd), .left = SHARE };

		if (deaths && test_below(&rnd, 2))
			n.dies_after = 1 + test_below(&rnd, SHARE);
		refs[i] = test_spawn(rt, test_below(&rnd, 4) ? &node_class : &pinned_class, &n);
	}
	for (uint32_t i = 0; i < ACTORS; i++) {
		for (uint32_t k = 0; k < BOUND / 2; k++) {
			weft_msg *m = letter();

			/* from outside: refused as ever */
			if (weft_send(refs[i], m) < 0)
				weft_msg_destroy(m);
		}
	}
	wait_all_released();
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	test_runtime_end(rt);
	return s;
}

Test(stress_mute, circles__nobody_rests_for_ever, .timeout = 120)
{
	weft_runtime_stats s = storm(false);

	cr_assert_gt(s.actors_muted, 0, "nobody ever rested: the test shows nothing");
	cr_assert_eq(s.msgs_dropped, 0);
	cr_assert_eq(refused, 0);
}

Test(stress_mute, deaths__let_those_go_on_who_rested_for_them, .timeout = 120)
{
	weft_runtime_stats s = storm(true);

	cr_assert_gt(s.actors_muted, 0);
	cr_assert_gt(s.actors_ended, 0);
}

/* ---- many to one: the mailbox stays near its bound ------------------------------------- */

#define SENDERS 50u
#define EACH 5000u
#define BATCH 16u

static _Atomic(uint64_t) in_mailbox;

static int sink_behaviour(weft_actor *self, weft_msg *msg)
{
	uint64_t depth = in_mailbox;

	(void)self;
	(void)msg;
	if (depth > handled_most)
		handled_most = depth;
	in_mailbox--;
	return 0;
}

static const weft_actor_class sink_class = { .size = sizeof(sink_class),
	                                     .name = "sink",
	                                     .behaviour = sink_behaviour,
	                                     .mailbox_msgs = BOUND };

static weft_ref sink;

static int flood_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t *left = weft_actor_state(self);

	for (uint32_t i = 0; i < BATCH; i++, --*left) {
		in_mailbox++;
		cr_assert_eq(weft_send(sink, letter()), 0);
	}
	return *left ? weft_send(weft_actor_ref(self), msg) : 0;
}

static const weft_actor_class flood_class = { .size = sizeof(flood_class),
	                                      .name = "flood",
	                                      .behaviour = flood_behaviour,
	                                      .state_bytes = sizeof(uint32_t),
	                                      .flags = WEFT_ACTOR_MUTE };

Test(stress_mute, many_to_one__the_mailbox_stays_near_its_bound, .timeout = 120)
{
	weft_runtime *rt = test_runtime(0);
	uint32_t each = EACH / BATCH * BATCH;

	made = released = handled_most = in_mailbox = 0;
	sink = test_spawn(rt, &sink_class, NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		cr_assert_eq(weft_send(test_spawn(rt, &flood_class, &each), letter()), 0);
	wait_all_released();
	cr_assert_eq(made, (uint64_t)SENDERS * (each + 1));
	cr_assert_leq(handled_most, BOUND + (SENDERS + 1) * BATCH, "its bound, and what each sends in one message");
	test_runtime_end(rt);
}
