/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors and links: each is told once, with the reason, whatever ends first. */
#include "tests/support/actors.h"

enum { LINK = 20, UNLINK, DIE, ASK_COUNT };

/* A test actor: links, dies and counts as it is told. */
struct node {
	uint32_t exits; /* EXIT messages seen */
	int last_status;
	uint64_t last_sender;
};

static int node_behaviour(weft_actor *self, weft_msg *msg)
{
	struct node *n = weft_actor_state(self);
	weft_ref other;
	int status;

	switch (weft_msg_kind(msg)) {
	case LINK:
	case UNLINK:
		memcpy(&other, weft_msg_data(msg), sizeof(other));
		weft_msg_set_status(msg, weft_msg_kind(msg) == LINK ? weft_actor_link(self, other) : weft_actor_unlink(self, other));
		return weft_reply(msg, msg);
	case DIE:
		memcpy(&status, weft_msg_data(msg), sizeof(status));
		weft_actor_exit(self, status);
		return 0;
	case WEFT_KIND_EXIT:
		n->exits++;
		n->last_status = weft_msg_status(msg);
		n->last_sender = weft_msg_sender(msg).id;
		return 0;
	case ASK_COUNT:
		memcpy(weft_msg_data(msg), n, sizeof(*n));
		return weft_reply(msg, msg);
	default:
		return 0;
	}
}

static const weft_actor_class node_class = { .size = sizeof(node_class),
	                                     .name = "node",
	                                     .behaviour = node_behaviour,
	                                     .state_bytes = sizeof(struct node) };
static const weft_actor_class trap_class = { .size = sizeof(trap_class),
	                                     .name = "trapping node",
	                                     .behaviour = node_behaviour,
	                                     .state_bytes = sizeof(struct node),
	                                     .flags = WEFT_ACTOR_TRAP_EXIT };

static weft_runtime *rt;
static weft_port *port;

static void up(void)
{
	rt = test_runtime(2);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
}

static void down(void)
{
	weft_port_destroy(port);
	test_runtime_end(rt);
}

TestSuite(watch, .init = up, .fini = down, .timeout = 120);

static weft_msg *take(void)
{
	weft_msg *m = NULL;

	cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_LONG), 1, "nothing came");
	return m;
}

static void nothing_comes(void)
{
	weft_msg *m;

	cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_SECOND / 20), 0);
}

static void expect_down(uint64_t token, weft_ref who, int status)
{
	weft_msg *m = take();

	cr_assert_eq(weft_msg_kind(m), WEFT_KIND_DOWN);
	cr_assert_eq(weft_msg_token(m), token);
	cr_assert_eq(weft_msg_status(m), status, "%d", weft_msg_status(m));
	cr_assert_eq(weft_msg_sender(m).id, who.id);
	weft_msg_destroy(m);
}

static weft_msg *letter(uint32_t kind, const void *data, size_t bytes)
{
	weft_msg *m = weft_msg_create(kind, bytes);

	cr_assert(m);
	memcpy(weft_msg_data(m), data, bytes);
	return m;
}

/* Ask and give the status of the answer. */
static int ask(weft_ref to, uint32_t kind, weft_ref other)
{
	weft_msg *m;
	int status;

	cr_assert_eq(weft_request(to, letter(kind, &other, sizeof(other)), weft_reply_to_port(port, 99)), 0);
	m = take();
	cr_assert_eq(weft_msg_token(m), 99);
	status = weft_msg_status(m);
	weft_msg_destroy(m);
	return status;
}

static void die(weft_ref who, int reason)
{
	cr_assert_eq(weft_send(who, letter(DIE, &reason, sizeof(reason))), 0);
}

static struct node look(weft_ref who)
{
	struct node n = { 0 };
	weft_msg *m;

	cr_assert_eq(weft_request(who, letter(ASK_COUNT, &n, sizeof(n)), weft_reply_to_port(port, 98)), 0);
	m = take();
	memcpy(&n, weft_msg_data(m), sizeof(n));
	weft_msg_destroy(m);
	return n;
}

static void expect_exits(weft_ref who, uint32_t exits)
{
	uint64_t end = weft_now_ns() + TEST_LONG;

	while (look(who).exits < exits)
		cr_assert_lt(weft_now_ns(), end, "no EXIT came");
	cr_assert_eq(look(who).exits, exits);
}

/* It ends soon; a monitor tells, or it is gone already. */
static void expect_end(weft_ref who, int reason)
{
	int r = weft_actor_monitor(who, weft_reply_to_port(port, 97));

	if (r == -ESRCH)
		return;
	cr_assert_eq(r, 0);
	expect_down(97, who, reason);
}

Test(watch, monitor__is_told_the_reason_once)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &test_echo, NULL);

	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 1)), 0);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 1)), 0);
	cr_assert_eq(weft_actor_monitor(b, weft_reply_to_port(port, 2)), 0);
	nothing_comes();
	die(a, -EPIPE);
	expect_down(1, a, -EPIPE);
	expect_down(1, a, -EPIPE);
	cr_assert_eq(weft_actor_stop(b), 0);
	expect_down(2, b, 0);
	nothing_comes();
}

Test(watch, monitor__of_a_behaviour_that_failed)
{
	weft_ref a = test_spawn(rt, &test_echo, NULL);

	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 5)), 0);
	cr_assert_eq(weft_send(a, weft_msg_create(TEST_FAIL, 0)), 0);
	expect_down(5, a, -EIO);
}

Test(watch, monitor__of_the_dead_says_so)
{
	weft_ref a = test_spawn(rt, &node_class, NULL);

	die(a, 0);
	expect_end(a, 0);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 3)), -ESRCH);
	cr_assert_eq(weft_actor_monitor((weft_ref){ 0 }, weft_reply_to_port(port, 3)), -ESRCH);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_none()), -EINVAL);
	nothing_comes();
}

Test(watch, demonitor__answers_what_it_ends)
{
	weft_ref a = test_spawn(rt, &node_class, NULL);

	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 1)), 0);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 2)), 0);
	cr_assert_eq(weft_actor_demonitor(a, weft_reply_to_port(port, 1)), 0);
	expect_down(1, a, -ECANCELED);
	die(a, -EIO);
	expect_down(2, a, -EIO);
	cr_assert_eq(weft_actor_demonitor(a, weft_reply_to_port(port, 2)), -ESRCH);
	nothing_comes();
}

Test(watch, link__takes_the_other_along)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &node_class, NULL), c = test_spawn(rt, &node_class, NULL);

	cr_assert_eq(ask(a, LINK, b), 0);
	cr_assert_eq(ask(b, LINK, c), 0);
	cr_assert_eq(ask(a, LINK, b), -EALREADY);
	cr_assert_eq(ask(a, LINK, a), -EINVAL);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 1)), 0);
	die(c, -EPROTO); /* up the chain, against the direction of linking */
	expect_down(1, a, -EPROTO);
	expect_end(b, -EPROTO);
}

Test(watch, link__a_normal_end_takes_nobody_along)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &node_class, NULL);
	int r;

	cr_assert_eq(ask(a, LINK, b), 0);
	die(b, 0);
	expect_end(b, 0);
	do /* until its EXIT has come the link is there */
		r = ask(a, LINK, b);
	while (r == -EALREADY);
	cr_assert_eq(r, -ESRCH);
	cr_assert_eq(look(a).exits, 0, "not seen, without TRAP_EXIT");
	cr_assert(weft_actor_is_alive(a));
}

Test(watch, link__is_a_message_to_who_traps)
{
	weft_ref a = test_spawn(rt, &trap_class, NULL), b = test_spawn(rt, &node_class, NULL), c = test_spawn(rt, &node_class, NULL);
	struct node n;

	cr_assert_eq(ask(a, LINK, b), 0);
	cr_assert_eq(ask(c, LINK, a), 0);
	die(b, -EIO);
	expect_end(b, -EIO);
	expect_exits(a, 1); /* who finds b gone may be sooner than its EXIT */
	n = look(a);
	cr_assert_eq(n.last_status, -EIO);
	cr_assert_eq(n.last_sender, b.id);
	die(c, 0);
	expect_end(c, 0);
	expect_exits(a, 2); /* normal ends too */
	cr_assert_eq(look(a).last_status, 0);
}

Test(watch, unlink__ends_it_on_both_sides)
{
	weft_ref a = test_spawn(rt, &trap_class, NULL), b = test_spawn(rt, &node_class, NULL);

	cr_assert_eq(ask(a, LINK, b), 0);
	cr_assert_eq(ask(b, UNLINK, a), 0);
	cr_assert_eq(ask(b, UNLINK, a), -ENOENT);
	cr_assert_eq(look(a).exits, 0, "an unlinking is no exit");
	cr_assert_eq(ask(a, LINK, b), 0, "and may be done again");
	cr_assert_eq(ask(a, UNLINK, b), 0);
	die(b, -EIO);
	expect_end(b, -EIO);
	cr_assert_eq(look(a).exits, 0);
}

Test(watch, stop__does_not_wait_for_watchers)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &node_class, NULL);

	cr_assert_eq(ask(a, LINK, b), 0);
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 4)), 0);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0, "drained, not cut off");
	expect_down(4, a, -ESHUTDOWN);
}

/* ---- functions that are answered run in the actor's name -------------------------------------------- */

static weft_ref link_to;
static _Atomic(int) linked, armed;

static void link_in_answer(weft_msg *msg, void *user)
{
	weft_actor *self = weft_actor_self();

	(void)user;
	weft_msg_destroy(msg);
	cr_assert(self);
	armed = weft_timer_start(self, TEST_SECOND, 0, NULL);
	linked = weft_actor_link(self, link_to);
}

Test(watch, demonitor__keeps_a_link_that_its_answer_makes)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &trap_class, NULL);
	weft_reply_to to = weft_reply_to_call(link_in_answer, NULL);

	link_to = b;
	linked = 1;
	cr_assert_eq(weft_actor_monitor(a, to), 0);
	cr_assert_eq(weft_actor_demonitor(a, to), 0);
	look(a); /* behind it */
	cr_assert_eq(linked, 0);
	cr_assert_eq(armed, 0);
	die(a, -EIO);
	expect_exits(b, 1);
}

Test(watch, end__cannot_be_linked_by_its_answers)
{
	weft_ref a = test_spawn(rt, &node_class, NULL), b = test_spawn(rt, &trap_class, NULL);

	link_to = b;
	linked = armed = 1;
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_port(port, 5)), 0); /* told after the one that comes now: the newest first */
	cr_assert_eq(weft_actor_monitor(a, weft_reply_to_call(link_in_answer, NULL)), 0);
	die(a, -EIO);
	expect_down(5, a, -EIO);
	cr_assert_eq(linked, -ESRCH);
	cr_assert_eq(armed, -ESRCH);
	cr_assert_eq(look(b).exits, 0);
}
