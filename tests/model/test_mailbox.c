/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox, in every way. Goal: nothing lost or twice, each sender's order, one receiver at a
 * time, and a message's bytes are the receiver's when it sees it. Method: whoever is told to schedule becomes
 * the receiver until the mailbox is idle, as an actor's activation does; it keeps plain notes,
 * so that two receivers, or one that missed what the last one did, are a data race.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/queue/mailbox.h"
#include "tests/model/explore.h"

#define SENDERS 3u
#define EACH 3u

struct letter {
	struct weft_msg msg; /* first */
	uint32_t sender, number; /* plain: published by the push */
};

static struct {
	struct weft__mailbox mailbox;
	struct weft__mailbox_stub stub;
	/* the receiver's notes, plain: the mailbox alone orders them */
	uint32_t received;
	uint32_t next[SENDERS];
} box;

static struct letter *letters[SENDERS][EACH];
static uint32_t each;
static bool moving; /* the receiver may move the message on */

static void begin(void)
{
	memset(&box, 0, sizeof(box));
	explore_name(&box.mailbox.head, sizeof(box.mailbox.head), "head");
	explore_name(&box.stub, sizeof(box.stub), "stub");
	explore_name(&box.received, sizeof(box) - offsetof(typeof(box), received), "notes");
	for (uint32_t s = 0; s < SENDERS; s++) {
		for (uint32_t i = 0; i < each; i++) {
			static const char *const names[SENDERS][EACH] = {
				{ "a0", "a1", "a2" }, { "b0", "b1", "b2" }, { "c0", "c1", "c2" }
			};

			letters[s][i] = explore_alloc(sizeof(struct letter), 16);
			explore_name(letters[s][i], sizeof(struct letter), names[s][i]);
		}
	}
}

static void note(struct letter *l)
{
	explore_assert(l->number == box.next[l->sender]);
	box.next[l->sender]++;
	box.received++;
}

/* Be the receiver, from its first message on until the mailbox is idle. */
static void receive(struct weft_msg *m)
{
	for (;;) {
		struct weft_msg *node = m, *next;

		note((struct letter *)m);
		if (moving && explore_choose(2)) {
			node = weft__mailbox_detach(&box.mailbox, m, &box.stub, &next);
			explore_free(m); /* moved on: nobody may look at it */
			if (node)
				next = weft__mailbox_next(node);
		} else {
			next = weft__mailbox_next(m);
		}
		if (!next) {
			if (weft__mailbox_try_idle(&box.mailbox, node)) {
				if (node == m)
					explore_free(m);
				return;
			}
			next = weft__mailbox_next_wait(node);
		}
		if (node == m)
			explore_free(m);
		m = next;
	}
}

static void sender(void)
{
	uint32_t self = explore_self() - 1;

	for (uint32_t i = 0; i < each; i++) {
		struct letter *l = letters[self][i];

		l->sender = self;
		l->number = i;
		if (weft__mailbox_push(&box.mailbox, &l->msg))
			receive(&l->msg);
	}
}

static void all_received_of(uint32_t senders)
{
	explore_assert(box.received == senders * each);
	explore_assert(!weft__load_relaxed(&box.mailbox.head));
}

static void two_check(void)
{
	all_received_of(2);
}

static void three_check(void)
{
	all_received_of(3);
}

Test(model_mailbox, two_senders_of_three__nothing_is_lost_and_order_is_kept)
{
	static const struct explore_model m = {
		.name = "mailbox, 2 senders x 3", .init = begin, .thread = { sender, sender }, .check = two_check
	};

	each = 3;
	cr_assert(explore(&m));
}

Test(model_mailbox, three_senders__nothing_is_lost_and_order_is_kept)
{
	static const struct explore_model m = {
		.name = "mailbox, 3 senders x 1", .init = begin, .thread = { sender, sender, sender }, .check = three_check
	};

	each = 1;
	cr_assert(explore(&m));
}

Test(model_mailbox, moving__takes_a_message_out_while_others_push)
{
	static const struct explore_model m = {
		.name = "mailbox, 2 senders x 2, moving", .init = begin, .thread = { sender, sender }, .check = two_check
	};

	each = 2;
	moving = true;
	cr_assert(explore(&m));
}
