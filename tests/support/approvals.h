/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/approvals.h - agents that may not do everything: rules, books, a tool that counts its calls.
 */
#ifndef WEFT_TESTS_SUPPORT_APPROVALS_H
#define WEFT_TESTS_SUPPORT_APPROVALS_H

#include <dirent.h>

#include <weft/permission.h>

#include "tests/support/agents.h"

static uint32_t made; /* calls of `act`; atomic */
static char last_argument[64];

static inline int act(weft_tool_call *call, void *user)
{
	weft_str what = { 0 };

	(void)user;
	weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("what")), &what);
	snprintf(last_argument, sizeof(last_argument), "%.*s", WEFT_STR_ARG(what));
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	weft_tool_return(call, WEFT_STR("acted"));
	return 0;
}

static inline int look(weft_tool_call *call, void *user)
{
	(void)user;
	weft_tool_return(call, WEFT_STR("looked"));
	return 0;
}

static inline weft_permissions *rules(weft_permit otherwise)
{
	weft_permissions *p;

	cr_assert_eq(weft_permissions_create(otherwise, &p), 0);
	return p;
}

static inline void rule(weft_permissions *p, weft_permit permit, const char *tool, const char *why)
{
	weft_permission_rule r = WEFT_PERMISSION_RULE_INIT;

	r.permit = (uint8_t)permit;
	r.tool = tool;
	r.why = why;
	cr_assert_eq(weft_permissions_add(p, &r), 0);
}

static inline void rule_of(weft_permissions *p, weft_permit permit, const char *tool, const char *argument, const char *value)
{
	weft_permission_rule r = WEFT_PERMISSION_RULE_INIT;

	r.permit = (uint8_t)permit;
	r.tool = tool;
	r.argument = argument;
	r.value = value;
	cr_assert_eq(weft_permissions_add(p, &r), 0);
}

static inline weft_approvals *book_of(const char *folder)
{
	weft_approvals_options opt = WEFT_APPROVALS_OPTIONS_INIT;
	weft_approvals *book;
	weft_error err = { 0 };

	opt.folder = folder;
	cr_assert_eq(weft_approvals_open(&opt, &book, &err), 0, "%s", err.message);
	return book;
}

/* A kit whose model calls what `steps` say; `act` and `look` are there. */
static inline void kit_make(struct kit *k, const weft_mock_step *steps, uint32_t count, weft_permissions *p, weft_approvals *book)
{
	made = 0;
	kit_init(k);
	k->options.name = "clerk";
	k->mock.steps = steps;
	k->mock.step_count = count;
	k->options.permissions = p;
	k->options.approvals = book;
	kit_tool(k, "act", NULL, act, NULL);
	kit_tool(k, "look", NULL, look, NULL);
}

static inline weft_msg *kit_resume(struct kit *k, weft_uuid run)
{
	weft_future *future;
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_create(k->rt, &future), 0);
	cr_assert_eq(weft_agent_resume(k->agent, run, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(future);
	return answer;
}

static inline int answer(weft_approvals *book, weft_uuid id, bool approve, const char *reason, uint32_t *ret_open)
{
	weft_approval_answer a = WEFT_APPROVAL_ANSWER_INIT;

	a.approve = approve;
	a.by = "anna";
	a.reason = reason;
	return weft_approvals_answer(book, id, &a, ret_open);
}

static inline uint32_t waiting(weft_approvals *book)
{
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	weft_arena_destroy(arena);
	return count;
}

/* The list's first one is of a run that was resumed and did not end. */
static inline bool is_resumed(weft_approvals *book)
{
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;
	bool resumed;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	cr_assert_gt(count, 0);
	resumed = list[0].resumed;
	weft_arena_destroy(arena);
	return resumed;
}

/* What the model was told of its n-th call: the n-th tool message. */
static inline weft_str told(const weft_agent_result *r, uint32_t n)
{
	for (uint32_t i = 0; i < r->history_count; i++) {
		if (r->history[i].role == WEFT_ROLE_TOOL && n-- == 0)
			return r->history[i].content;
	}
	return (weft_str){ 0 };
}

static inline void expect_text(weft_str text, const char *wanted)
{
	cr_expect(text_is(text, wanted), "'%.*s', not '%s'", WEFT_STR_ARG(text), wanted);
}

/* Those of runs: without the lock, which stays. */
static inline int files_in(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int count = 0;

	while ((e = readdir(dir)))
		count += e->d_name[0] != '.' && strcmp(e->d_name, "lock") != 0;
	closedir(dir);
	return count;
}

static inline void remove_folder(const char *folder)
{
	char lock[128];

	snprintf(lock, sizeof(lock), "%s/lock", folder);
	unlink(lock);
	cr_expect_eq(rmdir(folder), 0, "nothing else is left in %s", folder);
}

static const weft_mock_step act_once[] = { { .calls = { { "act", "{\"what\":\"paint\"}" } }, .call_count = 1 }, { .text = "Done." } };

#endif
