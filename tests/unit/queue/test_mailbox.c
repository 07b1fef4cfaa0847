/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox on one thread: who must schedule, order, and taking the message
 * being handled out of the list in each of the three situations that there are.
 */
#include "runtime/queue/mailbox.h"

#include <criterion/criterion.h>

static struct weft_msg msgs[8];

static void reset(struct weft__mailbox *mb)
{
	atomic_init(&mb->head, NULL);
	for (int i = 0; i < 8; i++)
		atomic_init(&msgs[i].next, NULL);
}

Test(mailbox, push__tells_the_first_sender_to_schedule)
{
	struct weft__mailbox mb;

	reset(&mb);
	cr_assert(weft__mailbox_push(&mb, &msgs[0]));
	cr_assert_not(weft__mailbox_push(&mb, &msgs[1]));
	cr_assert_not(weft__mailbox_push(&mb, &msgs[2]));
}

Test(mailbox, next__gives_messages_in_order)
{
	struct weft__mailbox mb;

	reset(&mb);
	for (int i = 0; i < 3; i++)
		weft__mailbox_push(&mb, &msgs[i]);
	cr_assert_eq(weft__mailbox_next(&msgs[0]), &msgs[1]);
	cr_assert_eq(weft__mailbox_next(&msgs[1]), &msgs[2]);
	cr_assert_null(weft__mailbox_next(&msgs[2]));
}

Test(mailbox, try_idle__fails_while_there_is_a_newer_message)
{
	struct weft__mailbox mb;

	reset(&mb);
	weft__mailbox_push(&mb, &msgs[0]);
	weft__mailbox_push(&mb, &msgs[1]);
	cr_assert_not(weft__mailbox_try_idle(&mb, &msgs[0]));
	cr_assert(weft__mailbox_try_idle(&mb, &msgs[1]));
	cr_assert(weft__mailbox_push(&mb, &msgs[2]), "idle again: the next sender schedules");
}

Test(mailbox, detach__leaves_the_stub_when_it_is_the_newest)
{
	struct weft__mailbox mb;
	struct weft__mailbox_stub stub;
	struct weft_msg *node, *next;

	reset(&mb);
	weft__mailbox_push(&mb, &msgs[0]);
	node = weft__mailbox_detach(&mb, &msgs[0], &stub, &next);
	cr_assert_eq((void *)node, (void *)&stub);
	cr_assert_null(next);
	cr_assert_not(weft__mailbox_push(&mb, &msgs[0]), "the detached message may be pushed again at once");
	cr_assert_eq(weft__mailbox_next(node), &msgs[0]);
}

Test(mailbox, detach__gives_the_next_message_when_there_is_one)
{
	struct weft__mailbox mb;
	struct weft__mailbox_stub stub;
	struct weft_msg *node, *next;

	reset(&mb);
	weft__mailbox_push(&mb, &msgs[0]);
	weft__mailbox_push(&mb, &msgs[1]);
	node = weft__mailbox_detach(&mb, &msgs[0], &stub, &next);
	cr_assert_null(node);
	cr_assert_eq(next, &msgs[1]);
	cr_assert(weft__mailbox_try_idle(&mb, &msgs[1]));
}

Test(mailbox, detach__stub_can_go_idle)
{
	struct weft__mailbox mb;
	struct weft__mailbox_stub stub;
	struct weft_msg *node, *next;

	reset(&mb);
	weft__mailbox_push(&mb, &msgs[0]);
	node = weft__mailbox_detach(&mb, &msgs[0], &stub, &next);
	cr_assert(weft__mailbox_try_idle(&mb, node));
	cr_assert(weft__mailbox_push(&mb, &msgs[3]));
}
