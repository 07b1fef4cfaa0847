/* SPDX-License-Identifier: Apache-2.0 */
/* openai/write: the bodies of requests, member by member. */
#include "actors/openai/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static weft_json_writer *w;
static struct weft__openai_accent accent;

static void setup(void)
{
	memset(&accent, 0, sizeof(accent));
	cr_assert_eq(weft_json_writer_create(0, &w), 0);
}

static void teardown(void)
{
	weft_json_writer_destroy(w);
}

TestSuite(openai_write, .init = setup, .fini = teardown);

static void chat_is(const weft_model_request *req, bool stream, const char *want)
{
	weft_error err = { 0 };
	weft_str body;

	cr_assert_eq(weft__openai_write_chat(w, req, &accent, WEFT_STR("m"), stream, &body, &err), 0, "%s", err.message);
	cr_assert_str_eq(body.ptr, want);
}

static int chat_fails(const weft_model_request *req, const char *says)
{
	weft_error err = { 0 };
	weft_str body;
	int r = weft__openai_write_chat(w, req, &accent, WEFT_STR("m"), false, &body, &err);

	cr_assert_not_null(strstr(err.message, says), "%s", err.message);
	return r;
}

Test(openai_write, chat__writes_what_is_asked_and_no_more)
{
	weft_model_request req = { .prompt = WEFT_STR("hi \"you\""), .temperature = -1 };

	chat_is(&req, false, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \\\"you\\\"\"}]}");
	req.temperature = 0.7f;
	req.max_tokens = 5;
	req.model = WEFT_STR("other");
	chat_is(&req, true,
	        "{\"model\":\"other\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \\\"you\\\"\"}],\"max_tokens\":5,"
	        "\"temperature\":0.7,\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
}

Test(openai_write, chat__writes_a_conversation_with_calls_and_images)
{
	static const weft_tool_request call = { .id = { "c1", 2 }, .name = { "add", 3 }, .arguments_json = { "{\"a\":1}", 7 } };
	static const weft_str url = { "https://x/y.png", 15 };
	const weft_chat_message messages[] = {
		{ .role = WEFT_ROLE_SYSTEM, .content = WEFT_STR("be brief") },
		{ .role = WEFT_ROLE_USER, .content = WEFT_STR("see"), .image_urls = &url, .image_url_count = 1 },
		{ .role = WEFT_ROLE_ASSISTANT, .tool_calls = &call, .tool_call_count = 1, .carry_json = WEFT_STR("[1]") },
		{ .role = WEFT_ROLE_TOOL, .content = WEFT_STR("2"), .tool_call_id = WEFT_STR("c1") },
	};
	weft_model_request req = { .messages = messages, .message_count = 4, .temperature = -1 };

	accent.developer = true;
	chat_is(&req, false,
	        "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be brief\"},"
	        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]},"
	        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
	        "{\"role\":\"tool\",\"content\":\"2\",\"tool_call_id\":\"c1\"}]}");
}

Test(openai_write, chat__writes_tools_and_the_choice_of_them)
{
	weft_model_request req = { .prompt = WEFT_STR("p"), .temperature = -1, .serial_tool_calls = true,
		                   .tools_json = WEFT_STR("[{\"type\":\"function\"}]"), .tool_choice = WEFT_STR("add") };

	chat_is(&req, false,
	        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"tools\":[{\"type\":\"function\"}],"
	        "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"add\"}},\"parallel_tool_calls\":false}");
	req.tool_choice = WEFT_STR("required");
	req.serial_tool_calls = false;
	chat_is(&req, false,
	        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"tools\":[{\"type\":\"function\"}],"
	        "\"tool_choice\":\"required\"}");
	req.tools_json = (weft_str){ 0 };
	chat_is(&req, false, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"p\"}]}");
}

Test(openai_write, chat__writes_schema_sampling_and_extra)
{
	static const weft_str stops[] = { { "END", 3 }, { "\n", 1 } };
	weft_model_request req = { .prompt = WEFT_STR("p"), .temperature = 0.25f, .top_p = 0.9f, .max_tokens = 7,
		                   .has_seed = true, .seed = -4, .stop = stops, .stop_count = 2,
		                   .reasoning_effort = WEFT_STR("low"), .json_schema = WEFT_STR("{\"type\":\"object\"}") };

	accent.completion_tokens = true;
	accent.extra_json = WEFT_STR("{\"top_k\":4}");
	chat_is(&req, false,
	        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"max_completion_tokens\":7,"
	        "\"temperature\":0.25,\"top_p\":0.9,\"seed\":-4,\"reasoning_effort\":\"low\",\"stop\":[\"END\",\"\\n\"],"
	        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":{\"type\":\"object\"}}},"
	        "\"top_k\":4}");
	accent = (struct weft__openai_accent){ .no_temperature = true, .no_usage = true };
	req = (weft_model_request){ .prompt = WEFT_STR("p"), .temperature = 1, .top_p = 0.5f };
	chat_is(&req, true, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"stream\":true}");
}

Test(openai_write, chat__refuses_what_is_no_json)
{
	weft_model_request req = { .prompt = WEFT_STR("p"), .tools_json = WEFT_STR("[oops") };

	cr_assert_eq(chat_fails(&req, "tools: "), -EINVAL);
	req = (weft_model_request){ .prompt = WEFT_STR("p"), .tools_json = WEFT_STR("{}") };
	cr_assert_eq(chat_fails(&req, "tools: not an array"), -EINVAL);
	req = (weft_model_request){ .prompt = WEFT_STR("p"), .json_schema = WEFT_STR("[]") };
	cr_assert_eq(chat_fails(&req, "schema: not an object"), -EINVAL);
}

Test(openai_write, embeddings__of_one_text_or_many)
{
	static const weft_str texts[] = { { "a", 1 }, { "b", 1 } };
	weft_model_request req = { .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = WEFT_STR("one") };
	weft_error err;
	weft_str body;

	cr_assert_eq(weft__openai_write_embeddings(w, &req, &accent, WEFT_STR("e"), &body, &err), 0);
	cr_assert_str_eq(body.ptr, "{\"model\":\"e\",\"input\":[\"one\"],\"encoding_format\":\"base64\"}");
	req.inputs = texts;
	req.input_count = 2;
	req.embedding_dims = 64;
	accent.float_embeddings = true;
	cr_assert_eq(weft__openai_write_embeddings(w, &req, &accent, WEFT_STR("e"), &body, &err), 0);
	cr_assert_str_eq(body.ptr, "{\"model\":\"e\",\"input\":[\"a\",\"b\"],\"encoding_format\":\"float\",\"dimensions\":64}");
}
