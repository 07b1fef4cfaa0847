/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tool loop makes of answers that are not whole, of thoughts, of a schema, and of a model that fails after its
 * text was shown. Method: a model that says what the test wrote down, turn by turn.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <weft/event.h>

#include "tests/support/agents.h"

struct turn {
	const char *text, *reasoning, *carry, *chunk;
	weft_finish finish;
	const char *call; /* arguments of a call of echo */
	int fails;
};

static struct kit k;
static struct turn turns[4], second[4];
static int asked, asked_second, echoed;
static char carried[128]; /* of the last assistant message the model was shown */

static int echo(weft_tool_call *call, void *user)
{
	(void)user;
	echoed++;
	weft_tool_return(call, WEFT_STR("echo"));
	return 0;
}

static int say(weft_model_call *call, const struct turn *t)
{
	const weft_model_request *req = call->request;
	weft_tool_request *c;

	for (uint32_t i = 0; i < req->message_count; i++) {
		if (req->messages[i].role == WEFT_ROLE_ASSISTANT)
			snprintf(carried, sizeof(carried), "%.*s", WEFT_STR_ARG(req->messages[i].carry_json));
	}
	if (t->chunk)
		weft_model_chunk(call, weft_str_from(t->chunk));
	if (t->fails)
		return weft_error_set(call->error, t->fails, "the line went dead");
	call->response->text = weft_str_from(t->text);
	call->response->reasoning = weft_str_from(t->reasoning);
	call->response->carry_json = weft_str_from(t->carry);
	call->response->finish = t->finish;
	if (!t->call)
		return 0;
	c = weft_arena_calloc(call->arena, sizeof(*c));
	cr_assert_not_null(c);
	*c = (weft_tool_request){ .id = WEFT_STR("c1"), .name = WEFT_STR("echo"), .arguments_json = weft_str_from(t->call) };
	call->response->tool_calls = c;
	call->response->tool_call_count = 1;
	return 0;
}

static int first_model(weft_model_call *call, void *user)
{
	(void)user;
	return say(call, &turns[asked++]);
}

static int second_model(weft_model_call *call, void *user)
{
	(void)user;
	return say(call, &second[asked_second++]);
}

static void begin(void)
{
	memset(turns, 0, sizeof(turns));
	memset(second, 0, sizeof(second));
	asked = asked_second = echoed = 0;
	kit_init(&k);
	kit_tool(&k, "echo", "{\"type\":\"object\"}", echo, NULL);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "first", first_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "second", second_model, NULL, NULL), 0);
	kit_start(&k, 1);
}

static void end(void)
{
	kit_end(&k);
}

TestSuite(agent_answers, .init = begin, .fini = end);

static const weft_agent_result *result(const weft_msg *answer)
{
	const weft_agent_result *r = weft_agent_result_of(answer);

	cr_assert_not_null(r);
	return r;
}

Test(agent_answers, ask__gives_thoughts_and_finish_beside_the_text)
{
	weft_msg *answer;

	turns[0] = (struct turn){ .text = "cut sho", .reasoning = "hm", .finish = WEFT_FINISH_LENGTH };
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, 0);
	cr_assert(text_is(result(answer)->text, "cut sho"));
	cr_assert(text_is(result(answer)->thought, "hm"));
	cr_assert_eq(result(answer)->finish, WEFT_FINISH_LENGTH);
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__fails_when_nothing_was_left_for_the_answer)
{
	weft_msg *answer;

	turns[0] = (struct turn){ .reasoning = "on and on", .finish = WEFT_FINISH_LENGTH };
	turns[1] = (struct turn){ .finish = WEFT_FINISH_CONTENT_FILTER };
	turns[2] = (struct turn){ .finish = WEFT_FINISH_CONTENT_FILTER, .call = "{}" };
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, WEFT_ECUT);
	cr_assert(text_has(result(answer)->error, "8192"));
	weft_msg_destroy(answer);
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, WEFT_EFILTERED);
	weft_msg_destroy(answer);
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, WEFT_EFILTERED);
	cr_assert_eq(echoed, 0, "a call of a turn that was withheld");
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__tells_the_model_of_a_call_that_was_cut_off)
{
	weft_msg *answer;

	turns[0] = (struct turn){ .finish = WEFT_FINISH_LENGTH, .call = "{\"a\":" };
	turns[1] = (struct turn){ .text = "so be it", .finish = WEFT_FINISH_STOP };
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, 0);
	cr_assert_eq(echoed, 0);
	cr_assert_eq(asked, 2);
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__hands_back_what_a_turn_carries)
{
	weft_ask again = WEFT_ASK_INIT;
	weft_msg *answer, *more;

	turns[0] = (struct turn){ .call = "{}", .carry = "[\"signed\"]", .finish = WEFT_FINISH_TOOL_CALLS };
	turns[1] = (struct turn){ .text = "done" };
	turns[2] = (struct turn){ .text = "again" };
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, 0);
	cr_assert_str_eq(carried, "[\"signed\"]");
	/* and in a history that went through the asker's hands, with an image that he added */
	carried[0] = '\0';
	again.history = result(answer)->history;
	again.history_count = 4; /* system, user, assistant with its call, tool */
	cr_assert_eq(result(answer)->history_count, 5);
	more = kit_ask(&k, &again);
	cr_assert_eq(result(more)->status, 0);
	cr_assert_str_eq(carried, "[\"signed\"]");
	weft_msg_destroy(more);
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__with_a_schema_is_answered_by_it)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *answer;

	ask.input = WEFT_STR("how many?");
	ask.json_schema = WEFT_STR("{\"type\":\"object\",\"required\":[\"n\"]}");
	turns[0] = (struct turn){ .text = "three" };
	turns[1] = (struct turn){ .text = "```json\n{\"n\":3}\n```" };
	answer = kit_ask(&k, &ask);
	cr_assert_eq(result(answer)->status, 0);
	cr_assert(text_is(result(answer)->text, "{\"n\":3}"));
	cr_assert(text_is(result(answer)->content_type, "application/json"));
	cr_assert_eq(asked, 2);
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__with_a_schema_that_is_not_met_asks_twice_more_then_the_next)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_msg *answer;

	ask.input = WEFT_STR("how many?");
	ask.json_schema = WEFT_STR("{\"type\":\"object\",\"required\":[\"n\"]}");
	for (int i = 0; i < 4; i++)
		turns[i] = (struct turn){ .text = "{\"m\":3}" };
	second[0] = (struct turn){ .text = "{\"n\":3}" };
	answer = kit_ask(&k, &ask);
	cr_assert_eq(result(answer)->status, 0);
	cr_assert(text_is(result(answer)->text, "{\"n\":3}"));
	cr_assert_eq(asked, 3);
	cr_assert_eq(asked_second, 1);
	weft_msg_destroy(answer);
}

Test(agent_answers, ask__shows_no_text_twice)
{
	weft_subscription *sub;
	weft_msg *answer;

	turns[0] = turns[1] = (struct turn){ .chunk = "Once upon", .fails = -ECONNRESET };
	second[0] = second[1] = (struct turn){ .text = "Once upon a time" };
	answer = kit_say(&k, "hi"); /* nobody has seen anything: the next model is asked */
	cr_assert_eq(result(answer)->status, 0);
	cr_assert_eq(asked_second, 1);
	weft_msg_destroy(answer);
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	answer = kit_say(&k, "hi");
	cr_assert_eq(result(answer)->status, WEFT_EBROKEN);
	cr_assert(text_has(result(answer)->error, "the line went dead"));
	cr_assert_eq(asked_second, 1);
	weft_msg_destroy(answer);
	weft_events_unsubscribe(sub);
}
