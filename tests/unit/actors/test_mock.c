/* SPDX-License-Identifier: Apache-2.0 */
/* mock: the same request, the same answer; structured, scripted, failing as told. */
#include <weft/weft.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

static weft_models *models;
static weft_arena *arena;
static weft_model_response response;

static void setup(void)
{
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
	weft_arena_destroy(arena);
}

TestSuite(mock, .init = setup, .fini = teardown);

static int ask(const weft_model_request *request)
{
	return weft_models_call(models, request, arena, &response, NULL);
}

static bool answered(const char *part)
{
	return response.text.len_bytes && memmem(response.text.ptr, response.text.len_bytes, part, strlen(part));
}

#define FIELD(n, r) { { (n), sizeof(n) - 1 }, (r) }
static const weft_answer_field message_fields[] = { FIELD("thought", true), FIELD("providers", false),
	                                            FIELD("actions", true), FIELD("text", false),
	                                            FIELD("simple", false) };
static const weft_answer_field respond_fields[] = { FIELD("name", false), FIELD("reasoning", false),
	                                            FIELD("action", true) };
static const weft_answer_field round_fields[] = { FIELD("thought", true), FIELD("action", false),
	                                          FIELD("is_finish", false) };

static weft_model_request structured(const weft_answer_field *fields, uint32_t count, const char *prompt)
{
	return (weft_model_request){ .type = WEFT_MODEL_TEXT_LARGE,
		                     .prompt = weft_str_from(prompt),
		                     .fields = fields,
		                     .field_count = count };
}

Test(mock, add__without_options_answers_every_type)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_SMALL, .prompt = WEFT_STR("hi") };

	cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_SMALL), 1);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_LARGE), 1);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_EMBEDDING), 1);
	cr_assert_eq(ask(&request), 0);
	cr_assert(answered("This is a fixed benchmark response."));
}

Test(mock, add__refuses_bad_options)
{
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;
	weft_mock_step step = { .call_count = 9 };

	opt.step_count = 1;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), -EINVAL, "no steps");
	opt.steps = &step;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), -EINVAL, "too many calls");
	step.call_count = 1;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), -EINVAL, "a call without a name");
	opt.size = 1;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), -EINVAL);
	cr_assert_eq(weft_models_add_mock(NULL, 0, NULL), -EINVAL);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_LARGE), 0);
}

Test(mock, structured__holds_the_fields_in_their_order)
{
	weft_model_request request = structured(message_fields, 5, "x");
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert(weft_str_eq(response.text, WEFT_STR("<response>\n"
	                                              "  <thought>The answer is known.</thought>\n"
	                                              "  <providers></providers>\n"
	                                              "  <actions>REPLY</actions>\n"
	                                              "  <text>This is a fixed benchmark response.</text>\n"
	                                              "  <simple>true</simple>\n"
	                                              "</response>")), "%.*s", WEFT_STR_ARG(response.text));
	opt.actions = "REPLY,LOOK_UP";
	opt.text = "a < b & c";
	cr_assert_eq(weft_models_add_mock(models, 1, &opt), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert(answered("<actions>REPLY,LOOK_UP</actions>"));
	cr_assert(answered("<text>a &lt; b &amp; c</text>"));
	cr_assert(answered("<simple>false</simple>"));
}

Test(mock, structured__answers_should_respond)
{
	weft_model_request request = structured(respond_fields, 3, "x");

	cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert(answered("<action>RESPOND</action>"));
}

Test(mock, structured__finishes_in_the_round_it_was_told)
{
	weft_model_request first = structured(round_fields, 3, "... This is round 1 of at most 6. ...");
	weft_model_request second = structured(round_fields, 3, "... This is round 2 of at most 6. ...");
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	opt.rounds = 2;
	opt.actions = "LOOK_UP";
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	cr_assert_eq(ask(&first), 0);
	cr_assert(answered("<action>LOOK_UP</action>"));
	cr_assert(answered("<is_finish>false</is_finish>"));
	cr_assert_eq(ask(&second), 0);
	cr_assert(answered("<action></action>"));
	cr_assert(answered("<is_finish>true</is_finish>"));
}

Test(mock, structured__misses_a_required_field_when_told)
{
	weft_model_request request = structured(message_fields, 5, "x");
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	opt.invalid_first = 2;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(ask(&request), 0);
		cr_assert_eq(answered("<thought>"), i >= 2, "answer %d", i);
		cr_assert(answered("<actions>"));
	}
}

Test(mock, steps__follow_the_assistant_turns_since_the_user)
{
	static const weft_mock_step steps[] = {
		{ .text = "looking", .calls = { { "find", "{\"q\":1}" }, { "find", NULL } }, .call_count = 2 },
		{ .text = "done" },
	};
	weft_chat_message talk[] = {
		{ .role = WEFT_ROLE_ASSISTANT }, { .role = WEFT_ROLE_USER },      { .role = WEFT_ROLE_ASSISTANT },
		{ .role = WEFT_ROLE_TOOL },      { .role = WEFT_ROLE_ASSISTANT },
	};
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .messages = talk, .message_count = 2 };
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;
	weft_str id;

	opt.steps = steps;
	opt.step_count = 2;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert(answered("looking"));
	cr_assert_eq(response.tool_call_count, 2);
	cr_assert(weft_str_eq(response.tool_calls[0].arguments_json, WEFT_STR("{\"q\":1}")));
	cr_assert_not(weft_str_eq(response.tool_calls[0].id, response.tool_calls[1].id));
	id = response.tool_calls[0].id;
	cr_assert_eq(ask(&request), 0);
	cr_assert(weft_str_eq(response.tool_calls[0].id, id), "the same request, the same answer");
	request.message_count = 4;
	cr_assert_eq(ask(&request), 0);
	cr_assert(weft_str_eq(response.text, WEFT_STR("done")));
	cr_assert_eq(response.tool_call_count, 0);
	request.message_count = 5;
	cr_assert_eq(ask(&request), 0);
	cr_assert(weft_str_eq(response.text, WEFT_STR("done")), "the last step repeats");
}

Test(mock, fail_first__then_answers)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("x") };
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	opt.fail_first = 2;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	cr_assert_eq(ask(&request), WEFT_EMODEL);
	cr_assert_eq(ask(&request), WEFT_EMODEL);
	cr_assert_eq(ask(&request), 0);
	cr_assert_eq(ask(&request), 0);
}

Test(mock, delay__is_waited_for_without_a_runtime)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("x") };
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;
	uint64_t before = weft_now_ns();

	opt.delay_ns = 3000000;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert_geq(weft_now_ns() - before, opt.delay_ns);
}

Test(mock, embedding__is_a_unit_vector_of_384)
{
	weft_model_request request = { .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = WEFT_STR("hello there") };
	double sum = 0;

	cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert_eq(response.embedding_dims, WEFT_MOCK_EMBEDDING_DIMS);
	for (uint32_t i = 0; i < response.embedding_dims; i++)
		sum += (double)response.embedding[i] * (double)response.embedding[i];
	cr_assert_float_eq(sum, 1.0, 1e-5);
}

Test(mock, embedding__of_several_texts_is_a_row_each)
{
	static const weft_str texts[] = { { "hello there", 11 }, { "good bye", 8 } };
	weft_model_request request = { .type = WEFT_MODEL_TEXT_EMBEDDING, .inputs = texts, .input_count = 2 };
	float second[WEFT_MOCK_EMBEDDING_DIMS];

	cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert_eq(response.embedding_count, 2);
	memcpy(second, response.embedding + WEFT_MOCK_EMBEDDING_DIMS, sizeof(second));
	request = (weft_model_request){ .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = texts[1] };
	cr_assert_eq(ask(&request), 0);
	cr_assert_eq(memcmp(second, response.embedding, sizeof(second)), 0);
}

Test(mock, text__ends_at_a_stop_text_and_calls_nothing_when_told)
{
	static const weft_mock_step steps[] = { { .text = "one two three", .calls = { { "t", "{}" } }, .call_count = 1 } };
	static const weft_chat_message said = { .role = WEFT_ROLE_USER, .content = { "hi", 2 } };
	static const weft_str stop = { " three", 6 };
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .messages = &said, .message_count = 1, .stop = &stop, .stop_count = 1 };
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	opt.steps = steps;
	opt.step_count = 1;
	cr_assert_eq(weft_models_add_mock(models, 0, &opt), 0);
	cr_assert_eq(ask(&request), 0);
	cr_assert(weft_str_eq(response.text, WEFT_STR("one two")));
	cr_assert_eq(response.finish, WEFT_FINISH_TOOL_CALLS);
	request.tool_choice = WEFT_STR("none");
	cr_assert_eq(ask(&request), 0);
	cr_assert_eq(response.tool_call_count, 0);
	cr_assert_eq(response.finish, WEFT_FINISH_STOP);
}
