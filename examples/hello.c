/* SPDX-License-Identifier: Apache-2.0 */
/* examples/hello.c - the smallest weft program: one agent, one question. */
#include <stdio.h>
#include <weft/weft.h>

int main(void)
{
	weft_runtime *rt = NULL;
	weft_models *models = NULL;
	weft_agent_def *def = NULL;
	weft_future *future = NULL;
	weft_msg *reply = NULL;
	weft_ref agent;
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_ask ask = WEFT_ASK_INIT;
	const weft_agent_result *result = NULL;
	int r;

	/* Models first: here the deterministic mock; weft_models_add() takes your own. */
	if ((r = weft_models_create(&models)) < 0 || (r = weft_models_add_mock(models, 0, NULL)) < 0)
		goto out;
	opt.name = "hello";
	opt.system = "You are brief.";
	opt.models = models;
	if ((r = weft_agent_def_create(&opt, &def, NULL)) < 0)
		goto out;

	/* Workers, one a core; then an agent, a question, and its answer. */
	if ((r = weft_runtime_create(NULL, &rt)) < 0 || (r = weft_runtime_start(rt)) < 0 ||
	    (r = weft_future_create(rt, &future)) < 0 || (r = weft_agent_spawn(rt, def, NULL, &agent)) < 0)
		goto out;
	ask.input = weft_str_from("Who are you?");
	if ((r = weft_agent_ask(agent, &ask, weft_reply_to_future(future))) < 0 ||
	    (r = weft_future_wait_until(future, &reply, WEFT_FOREVER)) < 0)
		goto out;

	result = weft_agent_result_of(reply);
	r = result ? result->status : weft_msg_status(reply);
	if (result && r == 0)
		printf("%.*s\n", WEFT_STR_ARG(result->text));
out:
	if (r < 0)
		fprintf(stderr, "hello: %s\n", weft_strerror(r));
	weft_msg_destroy(reply);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	weft_models_unref(models);
	return r < 0;
}
