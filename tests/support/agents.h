/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/agents.h - tool-loop agents for tests: a kit of models, tools and a definition, and asking. */
#ifndef WEFT_TESTS_SUPPORT_AGENTS_H
#define WEFT_TESTS_SUPPORT_AGENTS_H

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/actors.h"

struct kit {
	weft_runtime *rt;
	weft_models *models;
	weft_tools *tools;
	weft_mock_options mock; /* set before kit_start */
	weft_agent_options options;
	weft_agent_def *def;
	weft_ref agent;
};

static inline void kit_init(struct kit *k)
{
	memset(k, 0, sizeof(*k));
	k->mock = (weft_mock_options)WEFT_MOCK_OPTIONS_INIT;
	k->options = (weft_agent_options)WEFT_AGENT_OPTIONS_INIT;
	cr_assert_eq(weft_models_create(&k->models), 0);
	cr_assert_eq(weft_tools_create(&k->tools), 0);
	k->options.models = k->models;
	k->options.tools = k->tools;
	k->options.system = "You test.";
}

static inline void kit_tool(struct kit *k, const char *name, const char *schema, weft_tool_fn fn, void *user)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	weft_error err = { 0 };

	opt.name = name;
	opt.schema_json = weft_str_from(schema);
	opt.fn = fn;
	opt.user = user;
	cr_assert_eq(weft_tools_add(k->tools, &opt, &err), 0, "%s", err.message);
}

/* The mock by k->mock, unless the test added a model of its own. */
static inline void kit_start(struct kit *k, uint32_t workers)
{
	weft_error err = { 0 };

	if (!weft_models_count(k->models, WEFT_MODEL_TEXT_LARGE))
		cr_assert_eq(weft_models_add_mock(k->models, 0, &k->mock), 0);
	cr_assert_eq(weft_agent_def_create(&k->options, &k->def, &err), 0, "%s", err.message);
	k->rt = test_runtime(workers);
	cr_assert_eq(weft_agent_spawn(k->rt, k->def, NULL, &k->agent), 0);
}

static inline void kit_end(struct kit *k)
{
	test_runtime_end(k->rt);
	weft_agent_def_unref(k->def);
	weft_models_unref(k->models);
	weft_tools_unref(k->tools);
}

/* Ask and wait; the caller owns the answer. */
static inline weft_msg *kit_ask(struct kit *k, const weft_ask *ask)
{
	weft_future *future;
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_create(k->rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k->agent, ask, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(future);
	return answer;
}

static inline weft_msg *kit_say(struct kit *k, const char *input)
{
	weft_ask ask = WEFT_ASK_INIT;

	ask.input = weft_str_from(input);
	ask.want_history = true;
	return kit_ask(k, &ask);
}

static inline bool text_is(weft_str s, const char *text)
{
	return weft_str_eq(s, weft_str_from(text));
}

static inline bool text_has(weft_str s, const char *part)
{
	return s.len_bytes && memmem(s.ptr, s.len_bytes, part, strlen(part));
}

#endif
