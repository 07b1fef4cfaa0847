/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: runs that wait for a person: suspended, answered, resumed, here or after a restart. Method: agents with
 * scripted models; a tool that counts; folders that a second book reads. The churn answers by seed, and
 * counts: each approval is answered once, calls told == calls made, no run is lost.
 */
#include <sys/stat.h>

#include "tests/support/approvals.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/seed.h"

/* ---- a run that waits ----------------------------------------------------------------------------- */

Test(approvals, approved_it_goes_on)
{
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_approvals *book = book_of(NULL);
	const weft_agent_result *r;
	weft_msg *first, *second;
	uint32_t open = 9;
	struct kit k;

	rule(p, WEFT_PERMIT_ASK, "act", "it changes things");
	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	cr_assert_eq(r->status, WEFT_EAPPROVAL);
	cr_assert_eq(r->approval_count, 1);
	expect_text(r->approvals[0].tool, "act");
	expect_text(r->approvals[0].agent, "clerk");
	expect_text(r->approvals[0].arguments, "{\"what\":\"paint\"}");
	expect_text(r->approvals[0].why, "it changes things");
	cr_expect(weft_uuid_eq(r->approvals[0].run, r->suspended_run));
	cr_expect_eq(made, 0);
	cr_expect_eq(waiting(book), 1);

	second = kit_resume(&k, r->suspended_run);
	cr_expect_eq(weft_agent_result_of(second)->status, -EAGAIN, "it was not answered");
	expect_text(weft_agent_result_of(second)->error, "the run cannot go on: 1 approval is open");
	weft_msg_destroy(second);
	cr_expect_eq(answer(book, r->approvals[0].id, true, NULL, &open), 0);
	cr_expect_eq(open, 0);
	cr_expect_eq(answer(book, r->approvals[0].id, true, NULL, NULL), -EALREADY, "twice");
	cr_expect_eq(answer(book, weft_uuid_v7(), true, NULL, NULL), -ENOENT);

	second = kit_resume(&k, r->suspended_run);
	cr_assert_eq(weft_agent_result_of(second)->status, 0, "%.*s", WEFT_STR_ARG(weft_agent_result_of(second)->error));
	expect_text(weft_agent_result_of(second)->text, "Done.");
	expect_text(told(weft_agent_result_of(second), 0), "acted");
	cr_expect_eq(weft_agent_result_of(second)->iterations, 2, "the turns before count");
	cr_expect_eq(weft_agent_result_of(second)->tool_calls, 1);
	cr_expect_eq(made, 1);
	cr_expect_eq(waiting(book), 0);
	weft_msg_destroy(second);
	second = kit_resume(&k, r->suspended_run);
	cr_expect_eq(weft_agent_result_of(second)->status, -ENOENT, "it went on already");
	expect_text(weft_agent_result_of(second)->error, "the run cannot go on: no such run is kept: it has ended, or was dropped");
	weft_msg_destroy(second);
	weft_msg_destroy(first);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(approvals, denied_the_model_is_told)
{
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	weft_msg *first, *second;
	const weft_agent_result *r;
	struct kit k;

	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	cr_assert_eq(answer(book, r->approvals[0].id, false, "not today", NULL), 0);
	second = kit_resume(&k, r->suspended_run);
	cr_expect_eq(weft_agent_result_of(second)->status, 0);
	expect_text(told(weft_agent_result_of(second), 0), "Error: the call of tool 'act' was denied by anna: not today");
	cr_expect_eq(made, 0);
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(approvals, approved_with_other_arguments)
{
	weft_approval_answer a = WEFT_APPROVAL_ANSWER_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	weft_msg *first, *second;
	const weft_agent_result *r;
	struct kit k;

	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	a.approve = true;
	a.arguments_json = WEFT_STR("{not json");
	cr_expect_eq(weft_approvals_answer(book, r->approvals[0].id, &a, NULL), WEFT_EPARSE);
	a.arguments_json = WEFT_STR("{\"what\":\"sketch\",\"what\":\"oil\"}");
	cr_expect_eq(weft_approvals_answer(book, r->approvals[0].id, &a, NULL), WEFT_EPARSE);
	a.arguments_json = WEFT_STR("{\"what\":\"sketch\"}");
	a.approve = false;
	cr_expect_eq(weft_approvals_answer(book, r->approvals[0].id, &a, NULL), -EINVAL, "for a call that is not made");
	a.approve = true;
	cr_assert_eq(weft_approvals_answer(book, r->approvals[0].id, &a, NULL), 0);
	second = kit_resume(&k, r->suspended_run);
	cr_expect_str_eq(last_argument, "sketch");
	expect_text(told(weft_agent_result_of(second), 0),
	            "(The call was approved with other arguments: {\"what\":\"sketch\"})\nacted");
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* One that needs no approval is made at once, and not again; the others are answered in any order. */
static void two_of_three(bool serial, bool last_first)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":\"one\"}" }, { "look", "{}" }, { "act", "{\"what\":\"two\"}" } }, .call_count = 3 },
		{ .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_approvals *book = book_of(NULL);
	weft_msg *first, *second;
	const weft_agent_result *r;
	uint32_t open = 0;
	struct kit k;

	rule(p, WEFT_PERMIT_ASK, "act", NULL);
	kit_make(&k, steps, 2, p, book);
	k.options.serial_tool_calls = serial;
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	cr_assert_eq(r->approval_count, 2);
	cr_expect_eq(r->tool_calls, serial ? 0 : 1, "in order, the second waits for the first");
	cr_expect_eq(answer(book, r->approvals[last_first].id, true, NULL, &open), 0);
	cr_expect_eq(open, 1);
	cr_expect_eq(answer(book, r->approvals[!last_first].id, false, NULL, &open), 0);
	cr_expect_eq(open, 0);
	second = kit_resume(&k, r->suspended_run);
	r = weft_agent_result_of(second);
	cr_expect_eq(r->status, 0);
	expect_text(told(r, last_first ? 2 : 0), "acted");
	expect_text(told(r, 1), "looked");
	expect_text(told(r, last_first ? 0 : 2), "Error: the call of tool 'act' was denied by anna");
	cr_expect_str_eq(last_argument, last_first ? "two" : "one");
	cr_expect_eq(made, 1);
	cr_expect_eq(r->tool_calls, 2);
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(approvals, two_approvals_in_any_order)
{
	for (int i = 0; i < 4; i++)
		two_of_three(i & 1, i & 2);
}

/* Each turn that needs one is a suspension of its own. */
Test(approvals, suspended_again)
{
	static const weft_mock_step steps[] = { { .calls = { { "act", "{\"what\":\"a\"}" } }, .call_count = 1 },
		                                { .calls = { { "act", "{\"what\":\"b\"}" } }, .call_count = 1 },
		                                { .calls = { { "act", "{\"what\":\"a\"}" } }, .call_count = 1 },
		                                { .text = "Done." } };
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	const weft_agent_result *r;
	weft_msg *reply;
	struct kit k;

	kit_make(&k, steps, 4, p, book);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	for (int i = 0; i < 2; i++) {
		weft_uuid run;

		r = weft_agent_result_of(reply);
		cr_assert_eq(r->status, WEFT_EAPPROVAL, "round %d", i);
		cr_expect_eq(waiting(book), 1);
		cr_assert_eq(answer(book, r->approvals[0].id, true, NULL, NULL), 0);
		run = r->suspended_run;
		weft_msg_destroy(reply);
		reply = kit_resume(&k, run);
	}
	r = weft_agent_result_of(reply);
	cr_expect_eq(r->status, 0, "the third repeats the first: the guard remembers it, nobody is asked");
	cr_expect(text_has(told(r, 2), "acted"), "and quotes it");
	cr_expect_eq(made, 2);
	cr_expect_eq(waiting(book), 0);
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(approvals, an_answer_that_does_not_come_is_a_no)
{
	weft_approvals_options opt = WEFT_APPROVALS_OPTIONS_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_msg *first, *second;
	const weft_agent_result *r;
	weft_approvals *book;
	struct kit k;

	opt.expires_ns = 30000000;
	cr_assert_eq(weft_approvals_open(&opt, &book, NULL), 0);
	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	while (weft_wall_ms() < r->approvals[0].asked_ms + 31)
		usleep(5000);
	cr_expect_eq(answer(book, r->approvals[0].id, true, NULL, NULL), -ETIMEDOUT);
	second = kit_resume(&k, r->suspended_run);
	expect_text(told(weft_agent_result_of(second), 0), "Error: the call of tool 'act' was not approved in time");
	cr_expect_eq(made, 0);
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(approvals, too_many_that_wait_is_a_no)
{
	weft_approvals_options opt = WEFT_APPROVALS_OPTIONS_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_msg *first, *second;
	weft_approvals *book;
	struct kit k;

	opt.runs_max = 1;
	cr_assert_eq(weft_approvals_open(&opt, &book, NULL), 0);
	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	cr_expect_eq(weft_agent_result_of(first)->status, WEFT_EAPPROVAL);
	k.mock.step_count = 2;
	second = kit_say(&k, "go");
	cr_expect_eq(weft_agent_result_of(second)->status, 0);
	cr_expect(text_has(told(weft_agent_result_of(second), 0), "too many wait"));
	cr_expect_eq(weft_approvals_forget(book, weft_agent_result_of(first)->suspended_run), 0);
	cr_expect_eq(waiting(book), 0);
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* ---- after a restart ----------------------------------------------------------------------------------- */

/* The first life: an agent asks and everything goes away. */
static weft_uuid first_life(const char *folder, weft_uuid *ret_approval)
{
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(folder);
	weft_msg *reply;
	weft_uuid run;
	struct kit k;

	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_assert_eq(weft_agent_result_of(reply)->status, WEFT_EAPPROVAL);
	run = weft_agent_result_of(reply)->suspended_run;
	*ret_approval = weft_agent_result_of(reply)->approvals[0].id;
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
	return run;
}

Test(approvals, resumed_after_a_restart)
{
	/* the script of the second life begins where the first one's model stopped */
	static const weft_mock_step rest[] = { { .text = "Done." } };
	char folder[] = "/tmp/weft-test-approvals-XXXXXX";
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_uuid run, approval;
	weft_approvals *book;
	struct stat st;
	weft_msg *reply;
	struct kit k;

	cr_assert_not_null(mkdtemp(folder));
	run = first_life(folder, &approval);
	cr_expect_eq(files_in(folder), 1);
	book = book_of(folder);
	cr_expect_eq(waiting(book), 1);
	cr_expect_eq(answer(book, approval, true, NULL, NULL), 0);
	weft_approvals_unref(book);

	book = book_of(folder); /* the answer is on disk, too */
	cr_expect_eq(answer(book, approval, false, NULL, NULL), -EALREADY);
	kit_make(&k, rest, 1, p, book);
	kit_start(&k, 2);
	reply = kit_resume(&k, run);
	cr_assert_eq(weft_agent_result_of(reply)->status, 0, "%.*s", WEFT_STR_ARG(weft_agent_result_of(reply)->error));
	cr_expect_eq(made, 1);
	expect_text(told(weft_agent_result_of(reply), 0), "acted");
	expect_text(weft_agent_result_of(reply)->history[1].content, "go");
	weft_msg_destroy(reply);
	cr_expect_eq(files_in(folder), 0);
	kit_end(&k);
	weft_approvals_unref(book);
	weft_permissions_unref(p);
	cr_assert_eq(stat(folder, &st), 0);
	remove_folder(folder);
}

/* Two that have it open would each answer, and go on with, what the other one keeps. */
Test(approvals, one_book_has_a_folder)
{
	weft_approvals_options opt = WEFT_APPROVALS_OPTIONS_INIT;
	char folder[] = "/tmp/weft-test-approvals-XXXXXX", owner[32];
	weft_approvals *first, *second = NULL;
	weft_error err = { 0 };

	cr_assert_not_null(mkdtemp(folder));
	first = book_of(folder);
	opt.folder = folder;
	cr_expect_eq(weft_approvals_open(&opt, &second, &err), -EBUSY);
	cr_expect_null(second);
	snprintf(owner, sizeof(owner), "process %d has it", (int)getpid());
	cr_expect_not_null(strstr(err.message, owner), "%s", err.message);
	cr_expect_not_null(strstr(err.message, folder), "%s", err.message);
	weft_approvals_unref(first);
	second = book_of(folder);
	weft_approvals_unref(second);
	remove_folder(folder);
}

static weft_tool_call *held; /* atomic */

static int hold(weft_tool_call *call, void *user)
{
	(void)user;
	__atomic_store_n(&held, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

static void expect_already(struct kit *k, weft_uuid run, const char *why)
{
	weft_msg *reply = kit_resume(k, run);

	cr_expect_eq(weft_agent_result_of(reply)->status, -EALREADY);
	expect_text(weft_agent_result_of(reply)->error, why);
	weft_msg_destroy(reply);
}

/* A process that starts again: the run waits for the host's word. */
static void expect_broken_off(const char *folder, weft_uuid run)
{
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(folder);
	struct kit k;

	cr_expect_eq(waiting(book), 1);
	cr_expect(is_resumed(book));
	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	expect_already(&k, run, "the run cannot go on: it was resumed before and did not end: weft_approvals_retry lets it go on");
	cr_expect_eq(weft_approvals_forget(book, run), -EBUSY, "nor is it dropped");
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* Resumed, and its agent is killed before the approved call is over: nothing goes on until the host says so. */
Test(approvals, a_run_that_broke_off_waits_to_be_told)
{
	static const weft_mock_step steps[] = { { .calls = { { "hold", "{}" } }, .call_count = 1 }, { .text = "Done." } };
	char folder[] = "/tmp/weft-test-approvals-XXXXXX", copy[64], command[160];
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book;
	weft_future *future;
	weft_msg *reply;
	weft_uuid run;
	struct kit k;
	int r;

	cr_assert_not_null(mkdtemp(folder));
	book = book_of(folder);
	kit_make(&k, steps, 2, p, book);
	kit_tool(&k, "hold", NULL, hold, NULL);
	kit_start(&k, 2);
	reply = kit_say(&k, "go");
	run = weft_agent_result_of(reply)->suspended_run;
	cr_assert_eq(answer(book, weft_agent_result_of(reply)->approvals[0].id, true, NULL, NULL), 0);
	weft_msg_destroy(reply);
	cr_expect_eq(weft_approvals_retry(book, run), -EINVAL, "it was not resumed");
	cr_expect_not(is_resumed(book));

	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_resume(k.agent, run, weft_reply_to_future(future)), 0);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		usleep(1000);
	expect_already(&k, run, "the run cannot go on: it is under way");
	cr_expect_eq(weft_approvals_forget(book, run), -EBUSY);
	cr_expect_eq(weft_approvals_retry(book, run), -EBUSY, "it is under way");
	cr_expect(is_resumed(book));
	cr_expect_eq(weft_actor_kill(k.agent), 0);
	(void)weft_future_wait_until(future, &reply, weft_now_ns() + TEST_LONG);
	weft_msg_destroy(reply);
	weft_future_destroy(future);
	cr_expect_eq(weft_approvals_retry(book, run), -EBUSY, "its call is still being made");
	weft_tool_finish(held, 0);

	snprintf(copy, sizeof(copy), "%s-copy", folder); /* what a process that starts again would see */
	snprintf(command, sizeof(command), "cp -r %s %s", folder, copy);
	cr_assert_eq(system(command), 0);
	expect_broken_off(copy, run);
	snprintf(command, sizeof(command), "rm -rf %s", copy);
	cr_expect_eq(system(command), 0);
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &k.agent), 0);
	while ((r = weft_approvals_retry(book, run)) == -EBUSY) /* its agent may be ending yet */
		usleep(1000);
	cr_expect_eq(r, 0);
	__atomic_store_n(&held, NULL, __ATOMIC_RELAXED);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_resume(k.agent, run, weft_reply_to_future(future)), 0);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		usleep(1000);
	weft_tool_return(held, WEFT_STR("held"));
	weft_tool_finish(held, 0);
	cr_assert_eq(weft_future_wait_until(future, &reply, weft_now_ns() + TEST_LONG), 0);
	expect_text(told(weft_agent_result_of(reply), 0), "held");
	weft_msg_destroy(reply);
	weft_future_destroy(future);
	cr_expect_eq(waiting(book), 0);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
	remove_folder(folder);
}

Test(approvals, another_agent_may_not_take_it)
{
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	char folder[] = "/tmp/weft-test-approvals-XXXXXX", command[96];
	weft_uuid run, approval;
	weft_approvals *book;
	weft_msg *reply;
	struct kit k;

	cr_assert_not_null(mkdtemp(folder));
	run = first_life(folder, &approval);
	book = book_of(folder);
	answer(book, approval, true, NULL, NULL);
	kit_make(&k, act_once, 2, p, book);
	k.options.name = "somebody else";
	kit_start(&k, 1);
	reply = kit_resume(&k, run);
	cr_expect_eq(weft_agent_result_of(reply)->status, -EINVAL);
	expect_text(weft_agent_result_of(reply)->error,
	            "the run cannot go on: it is a run of agent 'clerk', this is 'somebody else'");
	cr_expect_eq(waiting(book), 1, "it still waits for its own");
	cr_expect_not(is_resumed(book), "which may take it");
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_approvals_unref(book);
	weft_permissions_unref(p);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_expect_eq(system(command), 0);
}

static weft_str exported(weft_approvals *book, weft_uuid run, weft_arena *arena)
{
	weft_str json = { 0 };

	cr_assert_eq(weft_approvals_export(book, run, arena, &json), 0);
	return json;
}

/* A host may keep the JSON itself; any byte of it may be damaged, and that is an error at most. */
Test(approvals, export_import_and_damage)
{
	char folder[] = "/tmp/weft-test-approvals-XXXXXX", *copy;
	weft_uuid run, approval;
	weft_approvals *from, *to;
	uint64_t seed = test_seed("approvals damage");
	weft_arena *arena;
	weft_error err;
	weft_str json;

	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	run = first_life(folder, &approval);
	from = book_of(folder);
	to = book_of(NULL);
	json = exported(from, run, arena);
	cr_expect_eq(weft_approvals_export(to, run, arena, &json), -ENOENT);
	cr_expect_eq(weft_approvals_import(to, json, &err), 0);
	cr_expect_eq(weft_approvals_import(to, json, &err), -EEXIST);
	cr_expect_eq(answer(to, approval, true, NULL, NULL), 0);
	cr_expect_eq(weft_approvals_import(to, WEFT_STR("{\"version\":9}"), &err), WEFT_EVERSION);
	cr_expect_eq(weft_approvals_import(to, WEFT_STR("{}"), &err), WEFT_EDAMAGED);
	cr_expect_eq(weft_approvals_import(to, WEFT_STR("{"), &err), WEFT_EPARSE);
	copy = malloc(json.len_bytes);
	for (int i = 0; i < 2000; i++) {
		weft_approvals *book = book_of(NULL);

		memcpy(copy, json.ptr, json.len_bytes);
		copy[test_below(&seed, (uint32_t)json.len_bytes)] = (char)test_below(&seed, 256);
		(void)weft_approvals_import(book, (weft_str){ copy, json.len_bytes }, &err);
		weft_approvals_unref(book);
	}
	free(copy);
	cr_expect_eq(weft_approvals_forget(from, run), 0);
	cr_expect_eq(files_in(folder), 0);
	weft_approvals_unref(from);
	weft_approvals_unref(to);
	weft_arena_destroy(arena);
	remove_folder(folder);
}

/* ---- without memory ------------------------------------------------------------------------------------------ */

static int64_t until_failure = INT64_MAX; /* atomic: so many allocations of the agent go well, then one does not */
static _Thread_local bool is_host; /* this thread does something of its own: it may always */

static bool test_alloc_fails(void)
{
	return !is_host && __atomic_sub_fetch(&until_failure, 1, __ATOMIC_RELAXED) == 0;
}

/* Ask, or resume a run; who waits helps, so allocations of this thread are the agent's meanwhile. */
static weft_msg *turn(struct kit *k, const weft_uuid *run)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *reply = NULL;
	weft_future *future;

	ask.input = WEFT_STR("go");
	ask.want_history = true;
	cr_assert_eq(weft_future_create(k->rt, &future), 0);
	if (run)
		cr_assert_eq(weft_agent_resume(k->agent, *run, weft_reply_to_future(future)), 0);
	else
		cr_assert_eq(weft_agent_ask(k->agent, &ask, weft_reply_to_future(future)), 0);
	is_host = false;
	cr_assert_eq(weft_future_wait_until(future, &reply, weft_now_ns() + TEST_LONG), 0);
	is_host = true;
	weft_future_destroy(future);
	return reply;
}

/* One run, suspended and resumed, with the n-th allocation failing. False: that many are not made. */
static bool without_the_nth(struct kit *k, weft_approvals *book, int64_t n, bool suspending)
{
	uint32_t before = __atomic_load_n(&made, __ATOMIC_RELAXED), listed = waiting(book);
	const weft_agent_result *r;
	weft_msg *reply;
	weft_uuid run;
	bool failed;

	__atomic_store_n(&until_failure, suspending ? n : INT64_MAX, __ATOMIC_RELAXED);
	reply = turn(k, NULL);
	failed = suspending && __atomic_exchange_n(&until_failure, INT64_MAX, __ATOMIC_RELAXED) <= 0;
	r = weft_agent_result_of(reply);
	cr_expect_eq(__atomic_load_n(&made, __ATOMIC_RELAXED), before, "nobody has approved it");
	if (!r || r->status != WEFT_EAPPROVAL) {
		cr_expect(failed || suspending);
		cr_expect_leq(waiting(book) - listed, 1, "kept, though its asker was not told, or not kept");
		weft_msg_destroy(reply);
		return failed;
	}
	run = r->suspended_run;
	cr_assert_eq(answer(book, r->approvals[0].id, true, NULL, NULL), 0);
	weft_msg_destroy(reply);
	__atomic_store_n(&until_failure, suspending ? INT64_MAX : n, __ATOMIC_RELAXED);
	reply = turn(k, &run);
	failed = failed || (!suspending && __atomic_exchange_n(&until_failure, INT64_MAX, __ATOMIC_RELAXED) <= 0);
	__atomic_store_n(&until_failure, INT64_MAX, __ATOMIC_RELAXED);
	r = weft_agent_result_of(reply);
	cr_expect_leq(__atomic_load_n(&made, __ATOMIC_RELAXED) - before, 1);
	if (r && r->status == 0)
		cr_expect_eq(waiting(book), listed);
	weft_msg_destroy(reply);
	return failed;
}

Test(approvals, each_allocation_may_fail, .timeout = 120)
{
	const weft_allocator allocator = test_failing_allocator();
	weft_permissions *p;
	weft_approvals *book;
	struct kit k;
	int64_t n;

	is_host = true;
	cr_assert_eq(weft_allocator_set(&allocator), 0);
	p = rules(WEFT_PERMIT_ASK);
	book = book_of(NULL);
	kit_make(&k, act_once, 2, p, book);
	kit_start(&k, 1);
	for (n = 1; n < 400 && without_the_nth(&k, book, n, true); n++)
		;
	cr_expect_gt(n, 3);
	for (n = 1; n < 400 && without_the_nth(&k, book, n, false); n++) /* none, once a run's memory is warm */
		;
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* ---- churn ---------------------------------------------------------------------------------------------------- */

#define RUNS 200

/* One call of act with an argument of its own, then an answer. */
static int calling_model(weft_model_call *call, void *user)
{
	static uint32_t serial;
	weft_tool_request *request;

	(void)user;
	if (call->request->messages[call->request->message_count - 1].role == WEFT_ROLE_TOOL) {
		call->response->text = WEFT_STR("done");
		return 0;
	}
	request = weft_arena_calloc(call->arena, 2 * sizeof(*request));
	cr_assert_not_null(request);
	for (int i = 0; i < 2; i++) {
		request[i].id = i ? WEFT_STR("b") : WEFT_STR("a");
		request[i].name = WEFT_STR("act");
		request[i].arguments_json = weft_arena_printf(call->arena, "{\"what\":\"%u\"}", __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
	}
	call->response->tool_calls = request;
	call->response->tool_call_count = 2;
	return 0;
}

Test(approvals, churn, .timeout = 120)
{
	uint64_t seed = test_seed("approvals churn");
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	uint32_t approved = 0, denied = 0, ended = 0, forgotten = 0; /* ended: calls of the runs that did */
	weft_agent_stats stats = { .size = sizeof(stats) };
	weft_future *futures[RUNS];
	weft_ask ask = WEFT_ASK_INIT;
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;
	struct kit k;

	kit_make(&k, NULL, 0, p, book);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "calling", calling_model, NULL, NULL), 0);
	kit_start(&k, 2);
	ask.input = WEFT_STR("go");
	for (int i = 0; i < RUNS; i++) {
		cr_assert_eq(weft_future_create(k.rt, &futures[i]), 0);
		cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(futures[i])), 0);
	}
	for (int i = 0; i < RUNS; i++) {
		weft_msg *reply = NULL;

		cr_assert_eq(weft_future_wait_until(futures[i], &reply, weft_now_ns() + TEST_LONG), 0);
		cr_assert_eq(weft_agent_result_of(reply)->status, WEFT_EAPPROVAL);
		weft_msg_destroy(reply);
		weft_future_destroy(futures[i]);
	}
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	cr_assert_eq(count, 2 * RUNS);
	for (uint32_t i = count - 1; i > 0; i--) { /* any order */
		uint32_t other = test_below(&seed, i + 1);
		weft_approval swap = list[i];

		list[i] = list[other];
		list[other] = swap;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool yes = test_below(&seed, 2);
		uint32_t open = 9;
		weft_msg *reply;

		cr_assert_eq(answer(book, list[i].id, yes, NULL, &open), 0);
		approved += yes;
		denied += !yes;
		if (open)
			continue;
		if (test_below(&seed, 10) == 0) {
			cr_assert_eq(weft_approvals_forget(book, list[i].run), 0);
			forgotten++;
			continue;
		}
		reply = kit_resume(&k, list[i].run);
		cr_assert_eq(weft_agent_result_of(reply)->status, 0);
		ended += weft_agent_result_of(reply)->tool_calls;
		weft_msg_destroy(reply);
	}
	cr_expect_eq(approved + denied, 2 * RUNS);
	cr_expect_eq(made, ended, "what runs say they called is what was called");
	cr_expect_leq(made, approved);
	cr_expect_eq(waiting(book), 0);
	cr_assert_eq(weft_agent_stats_read(k.def, &stats), 0);
	cr_expect_eq(stats.runs_suspended, RUNS);
	cr_expect_eq(stats.runs_completed, RUNS - forgotten);
	cr_expect_eq(stats.runs_started, stats.runs_suspended + stats.runs_completed + stats.runs_failed + stats.runs_canceled);
	weft_arena_destroy(arena);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}
