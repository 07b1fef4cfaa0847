/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscriber sees of a tool-loop run: names, order and data. */
#include "tests/support/agents.h"

static int city(weft_tool_call *call, void *user)
{
	(void)user;
	weft_tool_progress(call, WEFT_STR("looking out"));
	weft_tool_return(call, WEFT_STR("sunny"));
	return 0;
}

static const weft_event_field *field(const weft_event *e, const char *key)
{
	for (uint32_t i = 0; i < e->field_count; i++) {
		if (text_is(e->fields[i].key, key))
			return &e->fields[i];
	}
	return NULL;
}

/* Strings live until the next read, so one read must do: when all has been said. */
static int read_run(weft_runtime *rt, weft_subscription *sub, weft_event *all, uint32_t max)
{
	test_quiet(rt);
	return weft_events_read(sub, all, max);
}

struct expected {
	weft_event_scope scope;
	weft_event_type type;
	const char *component;
};

static void expect(const weft_event *e, int n, const struct expected *want, int want_n)
{
	for (int i = 0; i < n && i < want_n; i++) {
		cr_assert_eq(e[i].scope, want[i].scope, "event %d: scope %s", i, weft_event_scope_name(e[i].scope));
		cr_assert_eq(e[i].type, want[i].type, "event %d: type %s", i, weft_event_type_name(e[i].type));
		cr_assert(text_is(e[i].component_id, want[i].component), "event %d: %.*s", i,
		          WEFT_STR_ARG(e[i].component_id));
		cr_assert_eq(e[i].workflow_id, e[0].workflow_id);
		cr_assert_eq(e[i].parent_workflow_id, 99);
	}
	cr_assert_eq(n, want_n);
}

Test(agent_events, run__with_one_tool)
{
	static const weft_mock_step steps[] = { { .calls = { { "city", "{\"city\":\"Rome\"}" } }, .call_count = 1 },
		                                { .text = "It is sunny." } };
	static const struct expected want[] = {
		{ WEFT_SCOPE_AGENT, WEFT_EVENT_STARTED, "guide" },     { WEFT_SCOPE_LLM, WEFT_EVENT_STARTED, "guide:llm:1" },
		{ WEFT_SCOPE_LLM, WEFT_EVENT_COMPLETED, "guide:llm:1" }, { WEFT_SCOPE_TOOL, WEFT_EVENT_STARTED, "city" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_PROGRESS, "city" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_COMPLETED, "city" },     { WEFT_SCOPE_LLM, WEFT_EVENT_STARTED, "guide:llm:2" },
		{ WEFT_SCOPE_LLM, WEFT_EVENT_PROGRESS, "guide:llm:2" }, { WEFT_SCOPE_LLM, WEFT_EVENT_PROGRESS, "guide:llm:2" },
		{ WEFT_SCOPE_LLM, WEFT_EVENT_COMPLETED, "guide:llm:2" }, { WEFT_SCOPE_AGENT, WEFT_EVENT_COMPLETED, "guide" },
	};
	weft_subscription *sub;
	weft_event *e = calloc(64, sizeof(*e));
	weft_ask ask = WEFT_ASK_INIT;
	struct kit k;

	kit_init(&k);
	k.options.name = "guide";
	k.mock.steps = steps;
	k.mock.step_count = 2;
	k.mock.chunk_bytes = 6;
	kit_tool(&k, "city", NULL, city, NULL);
	kit_start(&k, 1);
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	ask.input = WEFT_STR("weather?");
	ask.parent_workflow_id = 99;
	weft_msg_destroy(kit_ask(&k, &ask));
	expect(e, read_run(k.rt, sub, e, 64), want, 11);
	cr_assert(text_is(field(&e[0], "agent")->str, "guide"));
	cr_assert(text_is(field(&e[0], "input")->str, "weather?"));
	cr_assert(text_has(field(&e[1], "messages")->str, "{\"role\":\"user\",\"content\":\"weather?\"}"));
	cr_assert(field(&e[2], "has_tool_calls")->num.b);
	cr_assert(text_is(field(&e[3], "arguments")->str, "{\"city\":\"Rome\"}"));
	cr_assert_gt(field(&e[3], "tool_call_id")->str.len_bytes, 0);
	cr_assert(text_is(field(&e[4], "chunk")->str, "looking out"));
	cr_assert(text_is(field(&e[4], "agent")->str, "guide"));
	cr_assert_gt(field(&e[4], "tool_call_id")->str.len_bytes, 0);
	cr_assert(text_is(field(&e[5], "result")->str, "sunny"));
	cr_assert_geq(field(&e[5], "duration_ms")->num.d, 0);
	cr_assert(text_is(field(&e[7], "chunk")->str, "It is "));
	cr_assert(text_is(field(&e[8], "chunk")->str, "sunny."));
	cr_assert(text_is(field(&e[9], "response")->str, "It is sunny."));
	cr_assert_not(field(&e[9], "has_tool_calls")->num.b);
	cr_assert_eq(field(&e[10], "tool_calls")->num.i, 1);
	cr_assert_eq(field(&e[10], "iterations")->num.i, 2);
	cr_assert_geq(field(&e[10], "execution_time_ms")->num.d, 0);
	weft_events_unsubscribe(sub);
	kit_end(&k);
	free(e);
}

Test(agent_events, failures__are_failed_events)
{
	static const weft_mock_step steps[] = { { .calls = { { "nothing", "{}" }, { "nothing", "{}" } }, .call_count = 2 } };
	static const struct expected want[] = {
		{ WEFT_SCOPE_AGENT, WEFT_EVENT_STARTED, "agent" },
		{ WEFT_SCOPE_LLM, WEFT_EVENT_STARTED, "agent:llm:1" },
		{ WEFT_SCOPE_LLM, WEFT_EVENT_COMPLETED, "agent:llm:1" },
		{ WEFT_SCOPE_SYSTEM, WEFT_EVENT_PROGRESS, "system:loop_detected" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_STARTED, "nothing" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_FAILED, "nothing" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_STARTED, "nothing" },
		{ WEFT_SCOPE_TOOL, WEFT_EVENT_FAILED, "nothing" },
		{ WEFT_SCOPE_AGENT, WEFT_EVENT_FAILED, "agent" },
	};
	weft_subscription *sub;
	weft_event *e = calloc(64, sizeof(*e));
	weft_ask ask = WEFT_ASK_INIT;
	struct kit k;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 1;
	k.options.max_tool_iterations = 1;
	kit_start(&k, 1);
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	ask.parent_workflow_id = 99;
	weft_msg_destroy(kit_ask(&k, &ask));
	expect(e, read_run(k.rt, sub, e, 64), want, 9);
	cr_assert(text_has(e[8].message, "after 1 turns"));
	weft_events_unsubscribe(sub);
	kit_end(&k);
	free(e);
}
