/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failing, failed checks and kills. Goal: each ends one actor, with its reason, and nobody else but who is linked to
 * it. Method: an actor that does as it is told; its end is told through a monitor to a call.
 */
#include <unistd.h>

#include "tests/support/actors.h"

enum { FAIL = 20, CHECK };

static _Atomic(uint32_t) told, handled;
static _Atomic(int) told_reason;

static int person_behaviour(weft_actor *self, weft_msg *msg)
{
	int reason;

	switch (weft_msg_kind(msg)) {
	case FAIL:
		memcpy(&reason, weft_msg_data(msg), sizeof(reason));
		return weft_actor_fail(self, reason, "as I was told");
	case CHECK:
		return WEFT_ACTOR_CHECK(self, weft_msg_len_bytes(msg) == 4711) ? 1 : 0;
	default:
		return 0;
	}
}

static const weft_actor_class person = { .size = sizeof(person), .name = "person", .behaviour = person_behaviour };

static void down(weft_msg *msg, void *user)
{
	(void)user;
	told_reason = weft_msg_status(msg);
	told++;
	weft_msg_destroy(msg);
}

static weft_ref watched(weft_runtime *rt, const weft_actor_class *cls)
{
	weft_ref ref = test_spawn(rt, cls, NULL);

	cr_assert_eq(weft_actor_monitor(ref, weft_reply_to_call(down, NULL)), 0);
	return ref;
}

static void order(weft_ref to, uint32_t kind, int reason)
{
	weft_msg *msg = weft_msg_create(kind, sizeof(reason));

	memcpy(weft_msg_data(msg), &reason, sizeof(reason));
	cr_assert_eq(weft_send(to, msg), 0);
}

static void wait_told(uint32_t count, int reason)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (told < count && weft_now_ns() < until)
		usleep(100);
	cr_assert_eq(told, count);
	cr_assert_eq(told_reason, reason, "%s", weft_errname(told_reason));
}

Test(fail, fail__ends_with_the_reason, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);

	order(watched(rt, &person), FAIL, -EIO);
	wait_told(1, -EIO);
	order(watched(rt, &person), FAIL, 12); /* a failure is never 0 */
	wait_told(2, WEFT_EFAILED);
	cr_assert_eq(weft_actor_fail(NULL, -EIO, NULL), -EINVAL);
	test_runtime_end(rt);
}

Test(fail, check__ends_its_actor_only, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref other = test_spawn(rt, &person, NULL);

	order(watched(rt, &person), CHECK, 0);
	wait_told(1, WEFT_EINTERNAL);
	cr_assert(weft_actor_is_alive(other));
	test_runtime_end(rt);
}

/* A check of the library's own that does not hold in the middle of a behaviour. */
static int misuse_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	weft_promise_finish(NULL, 0, 0);
	return 0;
}

static const weft_actor_class misuse = { .size = sizeof(misuse), .name = "misuse", .behaviour = misuse_behaviour };

Test(fail, a_violated_invariant__fails_the_actor_that_ran_into_it, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);

	order(watched(rt, &misuse), 1, 0);
	wait_told(1, WEFT_EINTERNAL);
	test_runtime_end(rt);
}

/* ---- kill ------------------------------------------------------------------------------------ */

/* Holds out against STOP and EXIT, and keeps itself busy for good. */
static int stubborn_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == WEFT_KIND_STOP)
		return 0;
	handled++;
	return weft_send(weft_actor_ref(self), msg);
}

static const weft_actor_class stubborn = { .size = sizeof(stubborn),
	                                   .name = "stubborn",
	                                   .behaviour = stubborn_behaviour,
	                                   .flags = WEFT_ACTOR_TRAP_STOP | WEFT_ACTOR_TRAP_EXIT };

Test(fail, kill__ends_who_traps_everything, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);
	weft_ref busy = watched(rt, &stubborn), idle = watched(rt, &stubborn);

	order(busy, 1, 0);
	while (!handled)
		usleep(100);
	cr_assert_eq(weft_actor_stop(busy), 0);
	cr_assert_eq(weft_actor_kill(idle), 0);
	wait_told(1, WEFT_EKILLED);
	cr_assert(weft_actor_is_alive(busy));
	cr_assert_eq(weft_actor_kill(busy), 0);
	wait_told(2, WEFT_EKILLED);
	cr_assert_eq(weft_actor_kill(busy), -ESRCH);
	cr_assert_eq(weft_actor_kill((weft_ref){ 0 }), -ESRCH);
	test_runtime_end(rt);
}

static _Atomic(bool) killed;

/* Its first message takes until it has been killed. */
static int slow_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	(void)msg;
	handled++;
	while (!killed)
		usleep(100);
	return 0;
}

static const weft_actor_class slow = { .size = sizeof(slow), .name = "slow", .behaviour = slow_behaviour };

Test(fail, kill__goes_before_what_is_queued, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;
	weft_ref ref;

	opt.workers = 1;
	opt.budget_msgs = 4;
	rt = test_runtime_with(&opt);
	ref = watched(rt, &slow);
	for (uint32_t i = 0; i < 2000; i++)
		order(ref, 1, 0);
	cr_assert_eq(weft_actor_kill(ref), 0);
	killed = true;
	wait_told(1, WEFT_EKILLED);
	cr_assert_leq(handled, opt.budget_msgs, "the rest of a budget at most");
	test_runtime_end(rt);
}

/* From the actor itself, while it handles something. */
static int suicidal_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)msg;
	handled++;
	return weft_actor_kill(weft_actor_ref(self));
}

static const weft_actor_class suicidal = { .size = sizeof(suicidal), .name = "suicidal", .behaviour = suicidal_behaviour };

Test(fail, kill__from_inside, .timeout = 120)
{
	weft_runtime *rt = test_runtime(2);

	order(watched(rt, &suicidal), 1, 0);
	wait_told(1, WEFT_EKILLED);
	cr_assert_eq(handled, 1);
	test_runtime_end(rt);
}

/* ---- events ------------------------------------------------------------------------------------ */

Test(fail, abnormal_ends__are_events, .timeout = 120)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(2);
	weft_subscription *sub;
	weft_event events[8];
	int n = 0;

	opt.scope_mask = 1u << WEFT_SCOPE_SYSTEM;
	cr_assert_eq(weft_events_subscribe(rt, &opt, &sub), 0);
	cr_assert_eq(weft_actor_stop(watched(rt, &person)), 0);
	wait_told(1, 0);
	order(watched(rt, &person), FAIL, -EIO);
	wait_told(2, -EIO);
	for (uint64_t until = weft_now_ns() + TEST_LONG; n == 0 && weft_now_ns() < until; usleep(1000))
		n = weft_events_read(sub, events, 8);
	cr_assert_eq(n, 1);
	cr_assert_eq(events[0].type, WEFT_EVENT_FAILED);
	cr_assert(weft_str_eq(events[0].component_id, WEFT_STR("system:actor")));
	cr_assert(weft_str_eq(events[0].message, WEFT_STR("as I was told")));
	weft_events_unsubscribe(sub);
	test_runtime_end(rt);
}
