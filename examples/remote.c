/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that talks to a model over HTTP and calls a tool of ours; its text is shown as it streams in.
 *
 *   OPENAI_API_KEY=... ./remote gpt-4o-mini 'How long is the string "weft"?'
 *   weft mock-llm --port 8080 &  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 ./remote any 'Say something.'
 *
 * The same with ANTHROPIC_API_KEY and a model whose name begins with "claude".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

static int length_of(weft_tool_call *call, void *user)
{
	char text[32];
	weft_str s;

	(void)user;
	if (!weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("text")), &s))
		return weft_tool_fail(call, WEFT_ETOOL, "no text");
	snprintf(text, sizeof(text), "%zu bytes", s.len_bytes);
	weft_tool_return(call, weft_str_from(text));
	return 0;
}

static int models_make(const char *model, weft_models **ret_models, weft_error *err)
{
	weft_anthropic_options anthropic = WEFT_ANTHROPIC_OPTIONS_INIT;
	weft_openai_options openai = WEFT_OPENAI_OPTIONS_INIT;
	int r = weft_models_create(ret_models);

	if (r < 0)
		return r;
	anthropic.large_model = openai.large_model = model;
	return strncmp(model, "claude", 6) ? weft_models_add_openai(*ret_models, 0, &openai, err)
	                                   : weft_models_add_anthropic(*ret_models, 0, &anthropic, err);
}

static int tools_make(weft_tools **ret_tools, weft_error *err)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	int r = weft_tools_create(ret_tools);

	opt.name = "length_of";
	opt.description = "How many bytes a text has.";
	opt.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}");
	opt.fn = length_of;
	return r < 0 ? r : weft_tools_add(*ret_tools, &opt, err);
}

/* Print the pieces of the text that are there. */
static void show(weft_subscription *sub)
{
	weft_event events[32];
	int n;

	while ((n = weft_events_read(sub, events, 32)) > 0) {
		for (int i = 0; i < n; i++) {
			if (events[i].scope == WEFT_SCOPE_LLM && events[i].type == WEFT_EVENT_PROGRESS && events[i].field_count)
				printf("%.*s", WEFT_STR_ARG(events[i].fields[0].str));
			else if (events[i].scope == WEFT_SCOPE_TOOL && events[i].type == WEFT_EVENT_STARTED)
				printf("[%.*s]\n", WEFT_STR_ARG(events[i].component_id));
		}
	}
	fflush(stdout);
}

/* Ask, and show what comes until the answer is complete. */
static int talk(weft_runtime *rt, weft_ref agent, const char *question)
{
	const weft_agent_result *result;
	weft_subscription *sub = NULL;
	weft_future *future = NULL;
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *answer = NULL;
	int r = weft_events_subscribe(rt, NULL, &sub);

	ask.input = weft_str_from(question);
	if (r == 0)
		r = weft_future_create(rt, &future);
	if (r == 0)
		r = weft_agent_ask(agent, &ask, weft_reply_to_future(future));
	while (r == 0 && (r = weft_future_wait_until(future, &answer, weft_now_ns() + 50000000)) == -ETIMEDOUT) {
		show(sub);
		r = 0;
	}
	if (sub)
		show(sub);
	result = weft_agent_result_of(answer);
	if (result && result->status < 0)
		fprintf(stderr, "\nremote: %.*s\n", WEFT_STR_ARG(result->error));
	else if (result)
		printf("\n(%u turns, %u tokens, %s)\n", result->iterations, result->usage.completion_tokens,
		       weft_finish_name(result->finish));
	r = r < 0 || !result ? r : result->status;
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_events_unsubscribe(sub);
	return r;
}

int main(int argc, char **argv)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_models *models = NULL;
	weft_tools *tools = NULL;
	weft_agent_def *def = NULL;
	weft_runtime *rt = NULL;
	weft_ref agent;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: remote MODEL QUESTION\n");
		return 2;
	}
	r = models_make(argv[1], &models, &err);
	if (r == 0)
		r = tools_make(&tools, &err);
	opt.models = models;
	opt.tools = tools;
	opt.system = "Be brief.";
	if (r == 0)
		r = weft_agent_def_create(&opt, &def, &err);
	if (r == 0)
		r = weft_runtime_create(NULL, &rt);
	if (r == 0)
		r = weft_runtime_start(rt);
	if (r == 0)
		r = weft_agent_spawn(rt, def, NULL, &agent);
	if (r < 0)
		fprintf(stderr, "remote: %s\n", err.message[0] ? err.message : weft_strerror(r));
	else
		r = talk(rt, agent, argv[2]);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	weft_models_unref(models);
	weft_tools_unref(tools);
	return r < 0;
}
