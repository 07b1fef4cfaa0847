/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes with a run that waits for a person, and is there again when it goes on: its budget, what it has used, and all that
 * its asker said; and in which order a book gives what it holds.
 */
#include "tests/support/approvals.h"

/* What was used before a run waited is used, and what its asker allowed is all that it may. */
Test(approvals, budget_is_of_the_whole_run)
{
	const weft_price price = { .prompt_micros = 1000000 }; /* one a token */
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	const weft_agent_result *r;
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *first, *second;
	char input[4000];
	struct kit k;

	kit_make(&k, act_once, 2, p, book);
	cr_assert_eq(weft_models_add_mock(k.models, 0, &k.mock), 0);
	cr_assert_eq(weft_models_set_price(k.models, NULL, &price), 0);
	kit_start(&k, 1);
	memset(input, 'a', sizeof(input)); /* a thousand tokens */
	ask.input = (weft_str){ input, sizeof(input) };
	ask.parent_workflow_id = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		uint64_t before;

		ask.budget.tokens = i ? 1500 : 0;
		first = kit_ask(&k, &ask);
		r = weft_agent_result_of(first);
		cr_assert_eq(r->status, WEFT_EAPPROVAL);
		before = r->spent_micros;
		cr_expect_geq(before, 1000);
		cr_assert_eq(answer(book, r->approvals[0].id, true, NULL, NULL), 0);
		second = kit_resume(&k, r->suspended_run);
		r = weft_agent_result_of(second);
		cr_expect_eq(r->status, i ? WEFT_EBUDGET : 0, "%.*s", WEFT_STR_ARG(r->error));
		cr_expect_geq(r->spent_micros, i ? before : before + 1000);
		weft_msg_destroy(first);
		weft_msg_destroy(second);
	}
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

static struct {
	char image[64], carry[16];
	size_t schema_bytes;
} seen;

static void note(char *to, size_t room, weft_str text)
{
	snprintf(to, room, "%.*s", WEFT_STR_ARG(text));
}

/* Calls `act`, then answers, and notes what it is shown when it does. */
static int seer(weft_model_call *call, void *user)
{
	static const weft_tool_request act_now = { WEFT_STR("1"), WEFT_STR("act"), WEFT_STR("{}") };
	const weft_model_request *q = call->request;

	(void)user;
	call->response->usage = (weft_model_usage){ .prompt_tokens = 10, .completion_tokens = 5 };
	if (q->messages[q->message_count - 1].role != WEFT_ROLE_TOOL) {
		call->response->tool_calls = &act_now;
		call->response->tool_call_count = 1;
		call->response->carry_json = WEFT_STR("[\"signed\"]");
		return 0;
	}
	seen.schema_bytes = q->json_schema.len_bytes;
	for (uint32_t i = 0; i < q->message_count; i++) {
		if (q->messages[i].image_url_count)
			note(seen.image, sizeof(seen.image), q->messages[i].image_urls[0]);
		if (q->messages[i].carry_json.len_bytes)
			note(seen.carry, sizeof(seen.carry), q->messages[i].carry_json);
	}
	call->response->text = WEFT_STR("{\"ok\":true}");
	return 0;
}

/* What the asker wanted, showed and has used goes with the run. */
Test(approvals, all_of_the_ask_is_there_again)
{
	static const weft_str images[] = { WEFT_STR("https://a/bee.png") };
	static const weft_chat_message history[] = {
		{ .role = WEFT_ROLE_USER, .content = WEFT_STR("what is this?"), .image_urls = images, .image_url_count = 1 }
	};
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_approvals *book = book_of(NULL);
	const weft_agent_result *r;
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *first, *second;
	struct kit k;

	kit_make(&k, NULL, 0, p, book);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "seer", seer, NULL, NULL), 0);
	kit_start(&k, 1);
	ask.history = history;
	ask.history_count = 1;
	ask.json_schema = WEFT_STR("{\"type\":\"object\"}");
	ask.want_history = true;
	ask.end_after = true;
	first = kit_ask(&k, &ask);
	r = weft_agent_result_of(first);
	cr_assert_eq(r->status, WEFT_EAPPROVAL);
	cr_assert_eq(answer(book, r->approvals[0].id, true, NULL, NULL), 0);
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &k.agent), 0, "the first one has ended, as it was told to");
	second = kit_resume(&k, r->suspended_run);
	r = weft_agent_result_of(second);
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	cr_expect_str_eq(seen.image, "https://a/bee.png");
	cr_expect_str_eq(seen.carry, "[\"signed\"]");
	cr_expect_eq(seen.schema_bytes, ask.json_schema.len_bytes);
	cr_expect_eq(r->usage.prompt_tokens, 20);
	cr_expect_eq(r->usage.completion_tokens, 10);
	cr_expect_not(r->usage.estimated);
	cr_expect_gt(r->history_count, 3);
	for (uint64_t until = weft_now_ns() + TEST_LONG; weft_actor_is_alive(k.agent);)
		cr_assert_lt(weft_now_ns(), until, "it was to end when it had answered");
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* The oldest run first, in whatever order they come: a folder gives its files in any. */
Test(approvals, listed_by_age)
{
	static const int ages[] = { 3, 1, 4, 2 };
	weft_approvals *book = book_of(NULL);
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (int i = 0; i < 4; i++) {
		char run[WEFT_UUID_TEXT_LEN], id[WEFT_UUID_TEXT_LEN];
		weft_str json;

		weft_uuid_format(weft_uuid_v7(), run);
		weft_uuid_format(weft_uuid_v7(), id);
		json = weft_arena_printf(arena,
		                         "{\"version\":1,\"run\":\"%.*s\",\"agent\":\"clerk\",\"asked_ms\":%d,\"expires_ms\":0,\"taken\":false,"
		                         "\"approvals\":[{\"id\":\"%.*s\",\"call\":0,\"state\":\"open\",\"tool\":\"act\",\"arguments\":\"{}\","
		                         "\"why\":\"\",\"by\":\"\",\"reason\":\"\",\"arguments_now\":\"\"}],\"state\":{}}",
		                         (int)sizeof(run), run, ages[i], (int)sizeof(id), id);
		cr_assert_eq(weft_approvals_import(book, json, NULL), 0);
	}
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	cr_assert_eq(count, 4);
	for (uint32_t i = 0; i < 4; i++)
		cr_expect_eq(list[i].asked_ms, i + 1);
	cr_expect_eq(weft_approvals_forget(book, list[3].run), 0);
	cr_expect_eq(weft_approvals_forget(book, list[0].run), 0);
	cr_expect_eq(waiting(book), 2);
	weft_arena_destroy(arena);
	weft_approvals_unref(book);
}
