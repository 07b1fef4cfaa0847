/* SPDX-License-Identifier: Apache-2.0 */
/* structured: an answer that does not fit its schema is asked for again, told why, and not for ever. */
#include "actors/structured.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}"

static weft_models *models;
static weft_arena *arena;
static const char *answers[8];
static uint32_t asked;
static char last_prompt[2][512]; /* what the last request said at its end: the answer, what is wrong with it */
static weft_finish finish;

static void setup(void)
{
	memset(answers, 0, sizeof(answers));
	asked = 0;
	finish = WEFT_FINISH_STOP;
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
	weft_arena_destroy(arena);
}

TestSuite(structured, .init = setup, .fini = teardown);

static int say(weft_model_call *call, void *user)
{
	const weft_model_request *req = call->request;

	(void)user;
	for (uint32_t i = 0; i < 2 && req->message_count >= 2; i++)
		snprintf(last_prompt[i], sizeof(last_prompt[i]), "%.*s",
		         WEFT_STR_ARG(req->messages[req->message_count - 2 + i].content));
	call->response->text = weft_str_from(answers[asked++]);
	call->response->finish = finish;
	call->response->usage = (weft_model_usage){ .prompt_tokens = 10, .completion_tokens = 1 };
	return 0;
}

static int ask(uint32_t retries, weft_model_response *res, weft_error *err)
{
	weft_model_request req = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("how many?"),
		                   .json_schema = WEFT_STR(SCHEMA), .schema_retries = retries };

	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "m", say, NULL, NULL), 0);
	return weft_models_call(models, &req, arena, res, err);
}

Test(structured, call__takes_json_out_of_what_surrounds_it)
{
	static const char *const said[] = { "{\"n\":3}", " \n{\"n\":3}\n", "```json\n{\"n\":3}\n```", "<think>three</think>\n```\n{\"n\":3}\n```\n" };
	weft_model_request req = { .json_schema = WEFT_STR(SCHEMA) };
	weft_error err;

	for (size_t i = 0; i < 4; i++) {
		weft_model_response res = { .text = weft_str_from(said[i]) };

		cr_assert_eq(weft__structured_check(&req, &res, arena, &err), 0, "%s: %s", said[i], err.message);
		cr_assert(weft_str_eq(res.text, WEFT_STR("{\"n\":3}")), "%s", said[i]);
	}
}

Test(structured, call__asks_again_and_says_why)
{
	weft_model_response res;
	weft_error err;

	answers[0] = "three";
	answers[1] = "{\"n\":\"3\"}";
	answers[2] = "{\"n\":3}";
	cr_assert_eq(ask(0, &res, &err), 0);
	cr_assert_eq(asked, 3);
	cr_assert(weft_str_eq(res.text, WEFT_STR("{\"n\":3}")));
	cr_assert_str_eq(last_prompt[0], "{\"n\":\"3\"}");
	cr_assert_not_null(strstr(last_prompt[1], "/n"), "%s", last_prompt[1]);
	cr_assert_eq(res.usage.prompt_tokens, 30, "what was asked for in vain was paid for too");
}

Test(structured, call__gives_up)
{
	weft_model_response res;
	weft_error err;

	answers[0] = answers[1] = answers[2] = "no";
	cr_assert_eq(ask(1, &res, &err), WEFT_EMODEL);
	cr_assert_eq(asked, 2);
	cr_assert_not_null(strstr(err.message, "not JSON"), "%s", err.message);
}

Test(structured, call__does_not_ask_again_for_what_was_cut_off_or_withheld)
{
	weft_model_response res;
	weft_error err;

	answers[0] = answers[1] = "{\"n\":";
	finish = WEFT_FINISH_LENGTH;
	cr_assert_eq(ask(0, &res, &err), WEFT_EMODEL);
	cr_assert_eq(asked, 1);
	cr_assert_not_null(strstr(err.message, "max_tokens"), "%s", err.message);
}

Test(structured, check__lets_calls_and_free_text_pass)
{
	weft_model_request req = { .json_schema = WEFT_STR(SCHEMA) };
	weft_model_response res = { .text = WEFT_STR("let me see"), .tool_call_count = 1 };
	weft_error err;

	cr_assert_eq(weft__structured_check(&req, &res, arena, &err), 0);
	req.json_schema = (weft_str){ 0 };
	res.tool_call_count = 0;
	cr_assert_eq(weft__structured_check(&req, &res, arena, &err), 0);
	cr_assert(weft_str_eq(res.text, WEFT_STR("let me see")));
	req.json_schema = WEFT_STR("{\"type\":7}");
	cr_assert_eq(weft__structured_check(&req, &res, arena, &err), -EINVAL);
}

Test(structured, ask_again__keeps_the_conversation_and_the_image)
{
	weft_model_request req = { .prompt = WEFT_STR("see"), .image_url = WEFT_STR("https://x/y") };
	weft_model_response res = { .text = WEFT_STR("oops") };
	weft_error why = { .message = "not so" };

	cr_assert_eq(weft__structured_ask_again(&req, &res, arena, &why), 0);
	cr_assert_eq(req.message_count, 3);
	cr_assert_eq(req.messages[0].image_url_count, 1);
	cr_assert(weft_str_eq(req.messages[0].image_urls[0], WEFT_STR("https://x/y")));
	cr_assert_eq(req.messages[1].role, WEFT_ROLE_ASSISTANT);
	cr_assert_eq(weft__structured_ask_again(&req, &res, arena, &why), 0);
	cr_assert_eq(req.message_count, 5);
	cr_assert(weft_str_eq(req.messages[0].content, WEFT_STR("see")));
}
