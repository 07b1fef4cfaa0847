/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semaphores. Goal: permits are neither lost nor made, whoever waits is served in the order of asking, and nobody waits on a
 * thread. Method: answers in a port, whose tokens say who asked.
 */
#include <errno.h>

#include "tests/support/actors.h"

struct kit {
	weft_runtime *rt;
	weft_port *port;
	weft_semaphore *s;
};

static struct kit kit_up(uint32_t permits)
{
	struct kit k = { .rt = test_runtime(1) };

	cr_assert_eq(weft_port_create(k.rt, NULL, &k.port), 0);
	cr_assert_eq(weft_semaphore_create(permits, &k.s), 0);
	return k;
}

static void kit_down(struct kit *k)
{
	weft_semaphore_destroy(k->s);
	weft_port_destroy(k->port);
	test_runtime_end(k->rt);
}

static int wait_as(struct kit *k, uint64_t token, weft_ticket *ret_ticket)
{
	return weft_semaphore_acquire(k->s, weft_reply_to_port(k->port, token), ret_ticket);
}

/* The next answer; NULL: none. */
static weft_msg *next(struct kit *k)
{
	weft_msg *m = NULL;

	cr_assert_geq(weft_port_reap(k->port, &m, 1), 0);
	return m;
}

/* The next answer is token's, and take says so much. */
static void expect(struct kit *k, uint64_t token, int taken)
{
	weft_msg *m = next(k);

	cr_assert_not_null(m);
	cr_expect_eq(weft_msg_token(m), token, "%lu instead of %lu", (unsigned long)weft_msg_token(m), (unsigned long)token);
	cr_expect_eq(weft_semaphore_take(m), taken);
	cr_expect_eq(weft_semaphore_take(m), -EINVAL, "once");
	weft_msg_destroy(m);
}

Test(semaphore, permits__are_counted)
{
	struct kit k = kit_up(2);

	cr_expect_eq(weft_semaphore_free(k.s), 2);
	cr_expect_eq(weft_semaphore_try_acquire(k.s), 0);
	cr_expect_eq(wait_as(&k, 1, NULL), 0);
	cr_expect_eq(weft_semaphore_try_acquire(k.s), -EAGAIN);
	cr_expect_null(next(&k));
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 2);
	kit_down(&k);
}

Test(semaphore, waiting__is_served_in_order_and_nobody_overtakes)
{
	struct kit k = kit_up(1);

	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	for (uint64_t i = 0; i < 20; i++)
		cr_assert_eq(wait_as(&k, i, NULL), WEFT_PENDING);
	cr_expect_eq(weft_semaphore_waiting(k.s), 20);
	for (uint64_t i = 0; i < 20; i++) {
		cr_expect_null(next(&k));
		weft_semaphore_release(k.s);
		cr_expect_eq(weft_semaphore_try_acquire(k.s), -EAGAIN, "the permit is on its way to %lu", (unsigned long)i);
		expect(&k, i, 0);
	}
	cr_expect_eq(weft_semaphore_free(k.s), 0);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	kit_down(&k);
}

Test(semaphore, give_up__is_answered_and_leaves_the_order)
{
	struct kit k = kit_up(1);
	weft_ticket t[6];

	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	for (uint64_t i = 0; i < 6; i++)
		cr_assert_eq(wait_as(&k, i, &t[i]), WEFT_PENDING);
	cr_expect_eq(weft_semaphore_give_up(k.s, t[0]), 0); /* the first, one in between, the last */
	cr_expect_eq(weft_semaphore_give_up(k.s, t[3]), 0);
	cr_expect_eq(weft_semaphore_give_up(k.s, t[5]), 0);
	cr_expect_eq(weft_semaphore_give_up(k.s, t[3]), -ENOENT);
	cr_expect_eq(weft_semaphore_give_up(k.s, (weft_ticket){ 0 }), -ENOENT);
	cr_expect_eq(weft_semaphore_give_up(k.s, (weft_ticket){ UINT64_MAX }), -ENOENT);
	expect(&k, 0, -ECANCELED);
	expect(&k, 3, -ECANCELED);
	expect(&k, 5, -ECANCELED);
	cr_assert_eq(wait_as(&k, 6, NULL), WEFT_PENDING); /* in a place that was used before */
	for (int i = 0; i < 4; i++)
		weft_semaphore_release(k.s);
	expect(&k, 1, 0);
	expect(&k, 2, 0);
	expect(&k, 4, 0);
	expect(&k, 6, 0);
	cr_expect_eq(weft_semaphore_give_up(k.s, t[1]), -ENOENT);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	kit_down(&k);
}

Test(semaphore, give_up__of_the_only_one_frees_the_fast_way)
{
	struct kit k = kit_up(1);
	weft_ticket t;

	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	cr_assert_eq(wait_as(&k, 1, &t), WEFT_PENDING);
	cr_expect_eq(weft_semaphore_give_up(k.s, t), 0);
	expect(&k, 1, -ECANCELED);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	kit_down(&k);
}

Test(semaphore, answer__that_nobody_takes_gives_its_permit_back)
{
	struct kit k = kit_up(1);

	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	for (uint64_t i = 0; i < 3; i++)
		cr_assert_eq(wait_as(&k, i, NULL), WEFT_PENDING);
	weft_semaphore_release(k.s);
	weft_msg_destroy(next(&k)); /* 0: not taken */
	weft_msg_destroy(next(&k)); /* 1: neither */
	expect(&k, 2, 0);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	kit_down(&k);
}

static int idle_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	return 0;
}

static const weft_actor_class idle = { .size = sizeof(idle), .name = "idle", .behaviour = idle_behaviour };

Test(semaphore, waiting__of_the_dead_costs_nobody_a_permit, .timeout = 120)
{
	struct kit k = kit_up(1);
	weft_future *future = NULL;
	weft_msg *down;
	weft_ref ref;

	cr_assert_eq(weft_actor_spawn(k.rt, &idle, NULL, &ref), 0);
	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	for (int i = 0; i < 100000; i++) /* so many in a row must not need so much stack */
		cr_assert_eq(weft_semaphore_acquire(k.s, weft_reply_to_actor(ref, 0), NULL), WEFT_PENDING);
	cr_assert_eq(wait_as(&k, 7, NULL), WEFT_PENDING);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_actor_monitor(ref, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_actor_stop(ref), 0);
	cr_assert_eq(weft_future_wait_until(future, &down, WEFT_FOREVER), 0);
	weft_msg_destroy(down);
	weft_semaphore_release(k.s);
	expect(&k, 7, 0);
	weft_semaphore_release(k.s);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	weft_future_destroy(future);
	kit_down(&k);
}

Test(semaphore, destroy__answers_who_waits)
{
	struct kit k = kit_up(1);

	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	cr_assert_eq(wait_as(&k, 1, NULL), WEFT_PENDING);
	cr_assert_eq(wait_as(&k, 2, NULL), WEFT_PENDING);
	weft_semaphore_destroy(k.s);
	k.s = NULL;
	expect(&k, 1, -ECANCELED);
	expect(&k, 2, -ECANCELED);
	kit_down(&k);
}

static weft_semaphore *chain;

static void take_and_release(weft_msg *msg, void *user)
{
	uint32_t *n = user;

	cr_expect_eq(weft_semaphore_take(msg), 0);
	++*n;
	weft_semaphore_release(chain);
	weft_msg_destroy(msg);
}

Test(semaphore, release__inside_of_an_answer_does_not_nest)
{
	struct kit k = kit_up(1);
	uint32_t n = 0;

	chain = k.s;
	cr_assert_eq(weft_semaphore_try_acquire(k.s), 0);
	for (int i = 0; i < 100000; i++)
		cr_assert_eq(weft_semaphore_acquire(k.s, weft_reply_to_call(take_and_release, &n), NULL), WEFT_PENDING);
	weft_semaphore_release(k.s);
	cr_expect_eq(n, 100000);
	cr_expect_eq(weft_semaphore_free(k.s), 1);
	kit_down(&k);
}

Test(semaphore, arguments__are_checked)
{
	weft_semaphore *s = NULL;
	weft_msg *m = weft_msg_create(1, 64);

	cr_expect_eq(weft_semaphore_create(0, &s), -EINVAL);
	cr_expect_eq(weft_semaphore_create(WEFT_SEMAPHORE_PERMITS_MAX + 1, &s), -EINVAL);
	cr_expect_eq(weft_semaphore_create(1, NULL), -EINVAL);
	cr_expect_null(s);
	cr_expect_eq(weft_semaphore_take(m), -EINVAL);
	cr_expect_eq(weft_semaphore_take(NULL), -EINVAL);
	cr_expect_eq(weft_semaphore_try_acquire(NULL), -EINVAL);
	cr_assert_eq(weft_semaphore_create(1, &s), 0);
	cr_assert_eq(weft_semaphore_try_acquire(s), 0);
	cr_expect_eq(weft_semaphore_acquire(s, weft_reply_to_none(), NULL), -EINVAL);
	weft_semaphore_release(s);
	cr_expect_eq(weft_semaphore_free(s), 1);
	weft_semaphore_destroy(s);
	weft_msg_destroy(m);
}
