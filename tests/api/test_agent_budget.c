/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets of runs. Goal: a run that has used up its tokens or its money ends with WEFT_EBUDGET and a sentence that names
 * the budget; what is left is all that an answer may use; another run begins anew; what was cached costs nothing.
 * Method: an agent whose model calls a tool for ever and says what it used.
 */
#include <weft/cache.h>

#include "tests/support/agents.h"

static uint32_t calls, max_tokens;

static int spends(weft_model_call *call, void *user)
{
	static const weft_tool_request again = { .id = WEFT_STR("1"), .name = WEFT_STR("more"), .arguments_json = WEFT_STR("{}") };

	(void)user;
	calls++;
	max_tokens = call->request->max_tokens;
	call->response->tool_calls = &again;
	call->response->tool_call_count = 1;
	call->response->usage = (weft_model_usage){ .prompt_tokens = 60, .completion_tokens = 40 };
	return 0;
}

static int says(weft_model_call *call, void *user)
{
	(void)user;
	calls++;
	call->response->text = WEFT_STR("yes");
	call->response->usage = (weft_model_usage){ .prompt_tokens = 60, .completion_tokens = 40 };
	return 0;
}

static int refuses(weft_model_call *call, void *user)
{
	(void)user;
	calls++;
	return weft_error_set(call->error, -EINVAL, "HTTP 400: no such thing");
}

static int more(weft_tool_call *call, void *user)
{
	(void)user;
	weft_tool_return(call, WEFT_STR("more"));
	return 0;
}

static void begin(struct kit *k, weft_model_fn fn)
{
	static const weft_price price = { .prompt_micros = 1000000, .completion_micros = 5000000 };

	calls = 0;
	kit_init(k);
	cr_assert_eq(weft_models_add(k->models, WEFT_MODEL_TEXT_LARGE, 1, "dear", fn, NULL, NULL), 0);
	cr_assert_eq(weft_models_set_price(k->models, "cheap", &price), -ENOENT);
	cr_assert_eq(weft_models_set_price(k->models, "dear", &price), 0);
	kit_tool(k, "more", "{\"type\":\"object\"}", more, NULL);
	k->options.loop_policy = WEFT_LOOP_OFF;
}

static void ends_so(struct kit *k, const weft_ask *ask, const char *reason)
{
	weft_msg *answer = kit_ask(k, ask);
	const weft_agent_result *r = weft_agent_result_of(answer);

	cr_assert_not_null(r);
	cr_expect_eq(r->status, WEFT_EBUDGET, "%s", weft_errname(r->status));
	cr_expect(text_has(r->error, reason), "%.*s", WEFT_STR_ARG(r->error));
	weft_msg_destroy(answer);
}

Test(agent_budget, tokens__end_the_run_and_bound_the_last_answer)
{
	weft_ask ask = WEFT_ASK_INIT;
	struct kit k;

	begin(&k, spends);
	k.options.budget.tokens = 350;
	kit_start(&k, 1);
	ask.input = WEFT_STR("go");
	ends_so(&k, &ask, "budget of 350 tokens: 400 are used");
	cr_expect_eq(calls, 4);
	cr_expect_lt(max_tokens, 50, "no more than was left");
	cr_expect_gt(max_tokens, 0);
	calls = 0;
	ask.budget.tokens = 150;
	ends_so(&k, &ask, "budget of 150 tokens");
	cr_expect_eq(calls, 2, "a run of its own, and a budget of its own");
	kit_end(&k);
}

/* A call costs 60 * 1 + 40 * 5 = 260 millionths. */
Test(agent_budget, money__ends_the_run)
{
	weft_ask ask = WEFT_ASK_INIT;
	struct kit k;

	begin(&k, spends);
	kit_start(&k, 1);
	ask.input = WEFT_STR("go");
	ask.budget.micros = 700;
	ends_so(&k, &ask, "budget of 0.000700: 0.000780 is spent");
	cr_expect_eq(calls, 3);
	cr_expect_leq(max_tokens, (700 - 520) / 5);
	kit_end(&k);
}

Test(agent_budget, spent__is_told)
{
	const weft_agent_result *r;
	weft_msg *answer;
	struct kit k;

	begin(&k, says);
	kit_start(&k, 1);
	answer = kit_say(&k, "hello");
	r = weft_agent_result_of(answer);
	cr_expect_eq(r->status, 0);
	cr_expect_eq(r->spent_micros, 260);
	weft_msg_destroy(answer);
	kit_end(&k);
}

Test(agent_budget, cached__costs_nothing_and_is_counted)
{
	weft_agent_stats stats = { .size = sizeof(stats) };
	const weft_agent_result *r;
	weft_cache *cache;
	weft_msg *answer;
	struct kit k;

	begin(&k, says);
	cr_assert_eq(weft_cache_create(NULL, &cache), 0);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	kit_start(&k, 1);
	weft_msg_destroy(kit_say(&k, "hello"));
	answer = kit_say(&k, "hello");
	r = weft_agent_result_of(answer);
	cr_expect(text_is(r->text, "yes"));
	cr_expect_eq(r->spent_micros, 0);
	cr_expect_eq(calls, 1);
	cr_expect_eq(weft_agent_stats_read(k.def, &stats), 0);
	cr_expect_eq(stats.model_calls, 2);
	cr_expect_eq(stats.model_cached, 1);
	weft_msg_destroy(answer);
	kit_end(&k);
	weft_cache_unref(cache);
}

Test(agent_budget, fault_of_the_request__is_told_to_nobody_else)
{
	const weft_agent_result *r;
	weft_msg *answer;
	struct kit k;

	begin(&k, refuses);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "next", says, NULL, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "hello");
	r = weft_agent_result_of(answer);
	cr_expect_eq(r->status, WEFT_EMODEL);
	cr_expect(text_has(r->error, "HTTP 400"));
	cr_expect_eq(calls, 1);
	weft_msg_destroy(answer);
	kit_end(&k);
}
