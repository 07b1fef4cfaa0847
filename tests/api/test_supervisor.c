/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors. Goal: each strategy restarts whom it says, in order; children are stopped last first; too many
 * restarts end the supervisor; nothing is restarted while the runtime stops. Method: children write down
 * in one log when they start ('A', 'B', ...) and when they end ('a', 'b', ...); the log is the result.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/actors.h"

enum { DIE = 50 };

#define KIDS 4u

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[256];
static weft_runtime *rt;
static _Atomic(uint64_t) kids[KIDS];
static _Atomic(uint32_t) refuse_starts;

static void log_add(char c)
{
	size_t len;

	pthread_mutex_lock(&log_lock);
	len = strlen(log_text);
	cr_assert_lt(len + 1, sizeof(log_text));
	log_text[len] = c;
	pthread_mutex_unlock(&log_lock);
}

static void log_expect(const char *text)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	bool same = false;

	while (!same && weft_now_ns() < until) {
		usleep(500);
		pthread_mutex_lock(&log_lock);
		same = strcmp(log_text, text) == 0;
		pthread_mutex_unlock(&log_lock);
	}
	cr_assert_str_eq(log_text, text);
}

/* So many have started and ended, in whatever order. */
static void log_expect_len(size_t len)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	size_t now = 0;

	while (now < len && weft_now_ns() < until) {
		usleep(500);
		pthread_mutex_lock(&log_lock);
		now = strlen(log_text);
		pthread_mutex_unlock(&log_lock);
	}
	cr_assert_eq(now, len);
}

struct kid {
	uint32_t index;
};

static int kid_behaviour(weft_actor *self, weft_msg *msg)
{
	int reason;

	if (weft_msg_kind(msg) != DIE)
		return 0;
	memcpy(&reason, weft_msg_data(msg), sizeof(reason));
	weft_actor_exit(self, reason);
	return 0;
}

static void kid_fini(weft_actor *self)
{
	log_add((char)('a' + ((struct kid *)weft_actor_state(self))->index));
}

#define KID_CLASS(more) \
	{ .size = sizeof(weft_actor_class), .name = "kid", .behaviour = kid_behaviour, .fini = kid_fini, \
	  .state_bytes = sizeof(struct kid), .flags = (more) }

static const weft_actor_class kid_class = KID_CLASS(0), stubborn_class = KID_CLASS(WEFT_ACTOR_TRAP_STOP);

static int start_of_class(weft_actor *supervisor, const weft_actor_class *cls, void *user, weft_ref *ret_child)
{
	struct kid k = { (uint32_t)(uintptr_t)user };
	int r;

	if (refuse_starts && refuse_starts--)
		return -EBUSY;
	r = weft_actor_spawn(weft_actor_runtime(supervisor), cls, &k, ret_child);
	cr_assert_eq(r, 0);
	kids[k.index] = ret_child->id;
	log_add((char)('A' + k.index));
	return 0;
}

static int kid_start(weft_actor *supervisor, void *user, weft_ref *ret_child)
{
	return start_of_class(supervisor, &kid_class, user, ret_child);
}

static int stubborn_start(weft_actor *supervisor, void *user, weft_ref *ret_child)
{
	return start_of_class(supervisor, &stubborn_class, user, ret_child);
}

static weft_child_spec spec_of(uint32_t index, uint32_t restart)
{
	static const char *const ids[KIDS] = { "a", "b", "c", "d" };

	return (weft_child_spec){ .size = sizeof(weft_child_spec),
		                  .id = ids[index],
		                  .restart = restart,
		                  .start = kid_start,
		                  .user = (void *)(uintptr_t)index };
}

static weft_ref supervisor_of(uint32_t strategy, uint32_t restarts_max, uint32_t count, uint32_t restart)
{
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_child_spec specs[KIDS];
	weft_ref ref;

	for (uint32_t i = 0; i < KIDS; i++)
		specs[i] = spec_of(i, restart);
	opt.strategy = strategy;
	opt.restarts_max = restarts_max;
	opt.period_ns = 3600 * TEST_SECOND; /* what a test counts is within it, on any machine */
	cr_assert_eq(weft_supervisor_spawn(rt, &opt, specs, count, &ref), 0);
	return ref;
}

static void die(uint32_t index, int reason)
{
	weft_msg *msg = weft_msg_create(DIE, sizeof(reason));

	memcpy(weft_msg_data(msg), &reason, sizeof(reason));
	cr_assert_eq(weft_send((weft_ref){ kids[index] }, msg), 0);
}

static _Atomic(uint32_t) told;
static _Atomic(int) told_reason;

static void down(weft_msg *msg, void *user)
{
	(void)user;
	told_reason = weft_msg_status(msg);
	told++;
	weft_msg_destroy(msg);
}

static void wait_end(weft_ref ref, int reason)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	if (weft_actor_monitor(ref, weft_reply_to_call(down, NULL)) == 0) {
		while (!told && weft_now_ns() < until)
			usleep(100);
		cr_assert_eq(told, 1);
		cr_assert_eq(told_reason, reason, "%s", weft_errname(told_reason));
	}
	cr_assert(!weft_actor_is_alive(ref));
	told = 0;
}

enum { ORDER_ADD, ORDER_TERMINATE, ORDER_RESTART, ORDER_DELETE, ORDER_CHILDREN };

/* Give an order and wait: the answer's status. */
static int order(weft_ref sup, int what, const char *id, const weft_child_spec *spec, weft_children *ret, weft_child_info *ret_info)
{
	weft_future *future;
	weft_msg *answer = NULL;
	weft_children *list;
	int r;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	r = what == ORDER_ADD         ? weft_supervisor_add(sup, spec, weft_reply_to_future(future)) :
	    what == ORDER_TERMINATE   ? weft_supervisor_terminate(sup, id, weft_reply_to_future(future)) :
	    what == ORDER_RESTART     ? weft_supervisor_restart(sup, id, weft_reply_to_future(future)) :
	    what == ORDER_DELETE      ? weft_supervisor_delete(sup, id, weft_reply_to_future(future)) :
	                                weft_supervisor_children(sup, KIDS, weft_reply_to_future(future));
	cr_assert_eq(r, 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	list = weft_msg_data(answer);
	if (ret)
		*ret = *list;
	for (uint32_t i = 0; ret_info && i < list->listed; i++)
		ret_info[i] = list->child[i];
	r = weft_msg_status(answer);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	return r;
}

static void up(void)
{
	rt = test_runtime(2);
}

static void stop_and_end(weft_ref sup)
{
	cr_assert_eq(weft_actor_stop(sup), 0);
	wait_end(sup, 0);
	test_runtime_end(rt);
}

TestSuite(supervisor, .init = up, .timeout = 120);

Test(supervisor, children__start_in_order_and_stop_last_first)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 4, WEFT_RESTART_PERMANENT);

	log_expect("ABCD");
	stop_and_end(sup);
	log_expect("ABCDdcba");
}

Test(supervisor, one_for_one__restarts_the_one)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 3, WEFT_RESTART_PERMANENT);

	log_expect("ABC");
	die(1, -EIO);
	log_expect("ABCbB");
	die(1, 0);
	log_expect("ABCbBbB");
	stop_and_end(sup);
}

Test(supervisor, one_for_all__restarts_all)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ALL, 3, 3, WEFT_RESTART_PERMANENT);

	log_expect("ABC");
	die(1, -EIO);
	log_expect("ABCbcaABC");
	stop_and_end(sup);
}

Test(supervisor, rest_for_one__restarts_it_and_those_after)
{
	weft_ref sup = supervisor_of(WEFT_REST_FOR_ONE, 3, 4, WEFT_RESTART_PERMANENT);

	log_expect("ABCD");
	die(1, -EIO);
	log_expect("ABCDbdcBCD");
	stop_and_end(sup);
}

Test(supervisor, transient__restarts_after_a_failure_only)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 2, WEFT_RESTART_TRANSIENT);
	weft_children c;

	log_expect("AB");
	die(0, -EIO);
	log_expect("ABaA");
	die(0, 0);
	log_expect("ABaAa");
	do /* it says its letter before its supervisor hears of it */
		cr_assert_eq(order(sup, ORDER_CHILDREN, NULL, NULL, &c, NULL), 0);
	while (c.running == 2);
	cr_assert_eq(c.specs, 2);
	cr_assert_eq(c.running, 1);
	stop_and_end(sup);
}

Test(supervisor, temporary__goes_with_its_spec)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ALL, 3, 2, WEFT_RESTART_TEMPORARY);
	weft_children c;

	log_expect("AB");
	die(0, -EIO);
	log_expect("ABa");
	do
		cr_assert_eq(order(sup, ORDER_CHILDREN, NULL, NULL, &c, NULL), 0);
	while (c.specs == 2);
	cr_assert_eq(c.specs, 1);
	cr_assert_eq(c.running, 1);
	stop_and_end(sup);
}

Test(supervisor, too_many_restarts__end_it)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 2, 2, WEFT_RESTART_PERMANENT);

	log_expect("AB");
	die(0, -EIO);
	log_expect("ABaA");
	die(0, -EIO);
	log_expect("ABaAaA");
	cr_assert_eq(weft_actor_monitor(sup, weft_reply_to_call(down, NULL)), 0);
	die(0, -EIO);
	log_expect("ABaAaAab");
	while (!told)
		usleep(100);
	cr_assert_eq(told_reason, WEFT_ERESTARTS);
	test_runtime_end(rt);
}

Test(supervisor, a_child_that_cannot_start__ends_it)
{
	weft_ref sup;

	refuse_starts = 1;
	sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 2, WEFT_RESTART_PERMANENT);
	wait_end(sup, -EBUSY);
	test_runtime_end(rt);
	cr_assert_str_eq(log_text, "");
}

Test(supervisor, a_restart_that_fails__counts_and_is_tried_again)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 1, WEFT_RESTART_PERMANENT);

	log_expect("A");
	refuse_starts = 2;
	die(0, -EIO);
	log_expect("AaA");
	refuse_starts = 100;
	die(0, -EIO);
	wait_end(sup, WEFT_ERESTARTS);
	test_runtime_end(rt);
}

Test(supervisor, orders)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 2, WEFT_RESTART_PERMANENT);
	weft_child_spec c = spec_of(2, WEFT_RESTART_TEMPORARY);
	weft_child_info info[KIDS];
	weft_children list;

	log_expect("AB");
	cr_assert_eq(order(sup, ORDER_ADD, NULL, &c, &list, info), 0);
	cr_assert_eq(list.specs, 3);
	cr_assert_eq(list.listed, 1);
	cr_assert_eq(info[0].ref.id, kids[2]);
	cr_assert_eq(order(sup, ORDER_ADD, NULL, &c, NULL, NULL), -EEXIST);
	cr_assert_eq(order(sup, ORDER_DELETE, "a", NULL, NULL, NULL), -EBUSY);
	cr_assert_eq(order(sup, ORDER_RESTART, "a", NULL, NULL, NULL), -EALREADY);
	cr_assert_eq(order(sup, ORDER_TERMINATE, "a", NULL, &list, info), 0);
	cr_assert_eq(info[0].ref.id, 0);
	cr_assert_eq(order(sup, ORDER_TERMINATE, "a", NULL, NULL, NULL), 0);
	cr_assert_eq(order(sup, ORDER_RESTART, "a", NULL, NULL, NULL), 0);
	cr_assert_eq(order(sup, ORDER_TERMINATE, "c", NULL, &list, NULL), 0); /* temporary: its spec goes */
	cr_assert_eq(order(sup, ORDER_RESTART, "c", NULL, NULL, NULL), -ENOENT);
	cr_assert_eq(order(sup, ORDER_TERMINATE, "b", NULL, NULL, NULL), 0);
	cr_assert_eq(order(sup, ORDER_DELETE, "b", NULL, NULL, NULL), 0);
	cr_assert_eq(order(sup, ORDER_DELETE, "b", NULL, NULL, NULL), -ENOENT);
	cr_assert_eq(order(sup, ORDER_CHILDREN, NULL, NULL, &list, info), 0);
	cr_assert_eq(list.specs, 1);
	cr_assert_eq(list.running, 1);
	cr_assert_str_eq(info[0].id, "a");
	refuse_starts = 1;
	cr_assert_eq(order(sup, ORDER_ADD, NULL, &c, NULL, NULL), -EBUSY);
	cr_assert_eq(order(sup, ORDER_TERMINATE, "c", NULL, NULL, NULL), -ENOENT);
	log_expect("ABCaAcb");
	stop_and_end(sup);
}

Test(supervisor, who_does_not_stop__is_killed)
{
	weft_child_spec specs[2] = { spec_of(0, WEFT_RESTART_PERMANENT), spec_of(1, WEFT_RESTART_PERMANENT) };
	weft_ref sup;

	specs[0].start = specs[1].start = stubborn_start;
	specs[0].shutdown_ns = TEST_SECOND / 50;
	specs[1].shutdown_ns = WEFT_SHUTDOWN_KILL;
	cr_assert_eq(weft_supervisor_spawn(rt, NULL, specs, 2, &sup), 0);
	log_expect("AB");
	stop_and_end(sup);
	log_expect("ABba");
}

Test(supervisor, a_killed_supervisor__takes_its_children_along)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ONE, 3, 1, WEFT_RESTART_PERMANENT);

	log_expect("A");
	cr_assert_eq(weft_actor_kill(sup), 0);
	log_expect("Aa");
	test_runtime_end(rt);
}

/* ---- trees ------------------------------------------------------------------------------------------ */

static _Atomic(uint64_t) inner;

static int inner_start(weft_actor *supervisor, void *user, weft_ref *ret_child)
{
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_child_spec specs[2] = { spec_of(1, WEFT_RESTART_PERMANENT), spec_of(2, WEFT_RESTART_PERMANENT) };
	int r;

	(void)user;
	opt.restarts_max = 0;
	r = weft_supervisor_spawn(weft_actor_runtime(supervisor), &opt, specs, 2, ret_child);
	inner = ret_child->id;
	return r;
}

/* The one that came after `before`: its children may say their letters before whoever started it has written it down. */
static uint64_t inner_after(uint64_t before)
{
	uint64_t until = weft_now_ns() + TEST_LONG;

	while (inner == before && weft_now_ns() < until)
		usleep(100);
	cr_assert_neq(inner, before);
	return inner;
}

static weft_ref tree(void)
{
	weft_child_spec specs[2] = { spec_of(0, WEFT_RESTART_PERMANENT), { .size = sizeof(weft_child_spec), .id = "inner", .start = inner_start,
		                                                           .shutdown_ns = WEFT_SHUTDOWN_WAIT } };
	weft_ref sup;

	cr_assert_eq(weft_supervisor_spawn(rt, NULL, specs, 2, &sup), 0);
	log_expect("ABC");
	return sup;
}

Test(supervisor, a_tree__stops_from_its_leaves)
{
	stop_and_end(tree());
	log_expect("ABCcba");
}

Test(supervisor, a_branch_that_gives_up__is_restarted_by_the_one_above)
{
	weft_ref sup = tree();
	uint64_t first = inner_after(0);

	die(1, -EIO);
	log_expect("ABCbcBC");
	cr_assert_eq(weft_actor_kill((weft_ref){ inner_after(first) }), 0);
	log_expect_len(11); /* both went, in any order, and came again */
	stop_and_end(sup);
}

Test(supervisor, the_end_of_the_one_above__reaches_the_leaves)
{
	cr_assert_eq(weft_actor_kill(tree()), 0);
	log_expect_len(6);
	test_runtime_end(rt);
}

/* ---- stopping, bad use --------------------------------------------------------------------------------- */

Test(supervisor, while_the_runtime_stops__nothing_is_restarted)
{
	weft_ref sup = supervisor_of(WEFT_ONE_FOR_ALL, 1000, 4, WEFT_RESTART_PERMANENT);

	log_expect("ABCD");
	(void)sup;
	die(2, -EIO);
	test_runtime_end(rt);
	for (uint32_t i = 0; i < KIDS; i++) { /* who was started has ended */
		uint32_t balance = 0;

		for (const char *c = log_text; *c; c++)
			balance += *c == (char)('A' + i) ? 1u : *c == (char)('a' + i) ? -1u : 0u;
		cr_assert_eq(balance, 0);
	}
}

Test(supervisor, bad_use__is_einval)
{
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_child_spec two[2] = { spec_of(0, 0), spec_of(0, 0) };
	weft_ref ref;

	cr_assert_eq(weft_supervisor_spawn(rt, NULL, two, 2, &ref), -EEXIST);
	two[0].cls = &kid_class; /* and a start function */
	cr_assert_eq(weft_supervisor_spawn(rt, NULL, two, 1, &ref), -EINVAL);
	two[0] = spec_of(0, 3);
	cr_assert_eq(weft_supervisor_spawn(rt, NULL, two, 1, &ref), -EINVAL);
	two[0] = spec_of(0, 0);
	two[0].id = "";
	cr_assert_eq(weft_supervisor_spawn(rt, NULL, two, 1, &ref), -EINVAL);
	opt.strategy = 3;
	cr_assert_eq(weft_supervisor_spawn(rt, &opt, NULL, 0, &ref), -EINVAL);
	cr_assert_eq(weft_supervisor_spawn(NULL, NULL, NULL, 0, &ref), -EINVAL);
	cr_assert_eq(weft_supervisor_terminate((weft_ref){ 0 }, "a", weft_reply_to_call(down, NULL)), -ESRCH);
	cr_assert_eq(weft_supervisor_spawn(rt, NULL, NULL, 0, &ref), 0);
	stop_and_end(ref);
}

/* ---- names -------------------------------------------------------------------------------------------------- */

Test(supervisor, a_named_child__keeps_its_name_over_restarts)
{
	static const struct kid first = { 0 };
	weft_child_spec spec = { .size = sizeof(spec), .id = "k", .cls = &kid_class, .state_init = &first, .name = "the kid" };
	weft_ref sup, before, after;
	uint64_t until = weft_now_ns() + TEST_LONG;

	cr_assert_eq(weft_supervisor_spawn(rt, NULL, &spec, 1, &sup), 0);
	while (weft_name_find(rt, "the kid", &before) < 0 && weft_now_ns() < until)
		usleep(100);
	cr_assert_eq(weft_actor_kill(before), 0);
	do
		usleep(100);
	while ((weft_name_find(rt, "the kid", &after) < 0 || after.id == before.id) && weft_now_ns() < until);
	cr_assert_neq(after.id, before.id);
	stop_and_end(sup);
}

Test(supervisor, names)
{
	weft_ref a = test_spawn(rt, &test_echo, NULL), b = test_spawn(rt, &test_echo, NULL), found;
	char text[WEFT_NAME_BYTES + 1];

	cr_assert_eq(weft_name_find(rt, "x", &found), -ENOENT);
	cr_assert_eq(weft_name_unregister(rt, "x"), -ENOENT);
	cr_assert_eq(weft_name_register(rt, "x", a), 0);
	cr_assert_eq(weft_name_register(rt, "y", a), 0);
	cr_assert_eq(weft_name_register(rt, "x", b), -EEXIST);
	cr_assert_eq(weft_name_find(rt, "x", &found), 0);
	cr_assert_eq(found.id, a.id);
	cr_assert_eq(weft_name_unregister(rt, "x"), 0);
	cr_assert_eq(weft_name_register(rt, "x", b), 0);
	cr_assert_eq(weft_actor_stop(a), 0);
	while (weft_actor_is_alive(a))
		usleep(100);
	cr_assert_eq(weft_name_find(rt, "y", &found), -ENOENT);
	cr_assert_eq(weft_name_register(rt, "y", b), 0);
	cr_assert_eq(weft_name_register(rt, "z", a), -ESRCH);
	memset(text, 'n', sizeof(text));
	text[WEFT_NAME_BYTES] = 0;
	cr_assert_eq(weft_name_register(rt, text, b), -EINVAL);
	cr_assert_eq(weft_name_register(rt, "", b), -EINVAL);
	for (uint32_t i = 0; i < 2000; i++) { /* tables grow */
		snprintf(text, sizeof(text), "n%u", i);
		cr_assert_eq(weft_name_register(rt, text, b), 0);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "n%u", i);
		cr_assert_eq(weft_name_find(rt, text, &found), 0);
		if (i & 1)
			cr_assert_eq(weft_name_unregister(rt, text), 0);
	}
	test_runtime_end(rt);
}
