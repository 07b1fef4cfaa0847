/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a send or request that is refused changes nothing, as weft/actor.h says. The message had another sender
 * afterwards, and no token any more.
 * Method: an actor tries to pass on a plain message, and an answer as a request, to one that is gone.
 * Found by: review.
 */
#include "tests/support/actors.h"

enum { ASK_ECHO = 100, PASS_ON };

struct state {
	weft_ref echo, gone;
};

/* A plain message came from another actor: PASS_ON; or the answer to a request of its own: TEST_ECHO. */
static int router_behaviour(weft_actor *self, weft_msg *msg)
{
	struct state *s = weft_actor_state(self);
	weft_ref sender = weft_msg_sender(msg);
	uint64_t token = weft_msg_token(msg);

	if (weft_msg_kind(msg) == ASK_ECHO)
		return weft_request(s->echo, weft_msg_create(TEST_ECHO, 0),
		                    weft_reply_to_actor(weft_actor_ref(self), 77));
	cr_assert_neq(sender.id, 0);
	cr_assert_eq(token, weft_msg_kind(msg) == TEST_ECHO ? 77 : 0);
	cr_assert_eq(weft_send(s->gone, msg), -ESRCH);
	cr_assert_eq(weft_msg_sender(msg).id, sender.id, "a refused send changed the sender");
	cr_assert_eq(weft_request(s->gone, msg, weft_reply_to_actor(weft_actor_ref(self), 78)), -ESRCH);
	cr_assert_eq(weft_msg_sender(msg).id, sender.id, "a refused request changed the sender");
	cr_assert_eq(weft_msg_token(msg), token, "a refused request changed the token");
	return 0;
}

static const weft_actor_class router = { .size = sizeof(router),
	                                 .name = "router",
	                                 .behaviour = router_behaviour,
	                                 .state_bytes = sizeof(struct state) };

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	return weft_send(*(weft_ref *)weft_msg_data(msg), weft_msg_create(PASS_ON, 0));
}

static const weft_actor_class sender = { .size = sizeof(sender), .name = "sender", .behaviour = sender_behaviour };

Test(regress, refused_message)
{
	weft_runtime *rt = test_runtime(1);
	struct state s = { .echo = test_spawn(rt, &test_echo, NULL), .gone = test_spawn(rt, &test_echo, NULL) };
	weft_msg *msg = weft_msg_create(0, sizeof(weft_ref));
	weft_ref to;

	cr_assert_eq(test_ask_kind(rt, s.gone, TEST_EXIT), WEFT_KIND_NOREPLY);
	to = test_spawn(rt, &router, &s);
	*(weft_ref *)weft_msg_data(msg) = to;
	cr_assert_eq(weft_send(test_spawn(rt, &sender, NULL), msg), 0);
	cr_assert_eq(weft_send(to, weft_msg_create(ASK_ECHO, 0)), 0);
	test_runtime_end(rt);
}
