/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic/write: instructions apart, turns that alternate, tools in this API's words. */
#include "actors/anthropic/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static weft_json_writer *w;
static struct weft__anthropic_manner manner;

static void setup(void)
{
	memset(&manner, 0, sizeof(manner));
	cr_assert_eq(weft_json_writer_create(0, &w), 0);
}

static void teardown(void)
{
	weft_json_writer_destroy(w);
}

TestSuite(anthropic_write, .init = setup, .fini = teardown);

static void is(const weft_model_request *req, bool stream, const char *want)
{
	weft_error err = { 0 };
	weft_str body;

	cr_assert_eq(weft__anthropic_write(w, req, &manner, WEFT_STR("m"), stream, &body, &err), 0, "%s", err.message);
	cr_assert_str_eq(body.ptr, want);
}

#define HI "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]"

Test(anthropic_write, write__names_max_tokens_always)
{
	weft_model_request req = { .prompt = WEFT_STR("hi"), .temperature = -1 };

	is(&req, false, "{\"model\":\"m\",\"max_tokens\":8192," HI "}");
	req = (weft_model_request){ .prompt = WEFT_STR("hi"), .temperature = 1.5f, .top_p = 0.5f, .max_tokens = 9, .has_seed = true };
	is(&req, true, "{\"model\":\"m\",\"max_tokens\":9,\"temperature\":1.0," HI ",\"stream\":true}");
	manner.thinking_tokens = 2000;
	is(&req, false, "{\"model\":\"m\",\"max_tokens\":2009,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}," HI "}");
}

Test(anthropic_write, write__puts_a_conversation_into_turns)
{
	static const weft_tool_request calls[] = {
		{ .id = { "t1", 2 }, .name = { "add", 3 }, .arguments_json = { "{\"a\":1}", 7 } },
		{ .id = { "t2", 2 }, .name = { "add", 3 }, .arguments_json = { "{oops", 5 } },
	};
	static const weft_str images[] = { { "data:image/png;base64,QUI=", 26 }, { "https://x/y", 11 } };
	const weft_chat_message messages[] = {
		{ .role = WEFT_ROLE_SYSTEM, .content = WEFT_STR("be brief") },
		{ .role = WEFT_ROLE_USER, .content = WEFT_STR("see"), .image_urls = images, .image_url_count = 2 },
		{ .role = WEFT_ROLE_ASSISTANT, .tool_calls = calls, .tool_call_count = 2,
		  .carry_json = WEFT_STR("[{\"type\":\"thinking\",\"thinking\":\"x\",\"signature\":\"s\"}]") },
		{ .role = WEFT_ROLE_TOOL, .content = WEFT_STR("1"), .tool_call_id = WEFT_STR("t1") },
		{ .role = WEFT_ROLE_TOOL, .content = WEFT_STR("no"), .tool_call_id = WEFT_STR("t2") },
		{ .role = WEFT_ROLE_USER, .content = WEFT_STR("go on") },
		{ .role = WEFT_ROLE_ASSISTANT },
	};
	weft_model_request req = { .messages = messages, .message_count = 7, .temperature = -1, .max_tokens = 9 };

	is(&req, false,
	   "{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"be brief\"}],\"messages\":["
	   "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
	   "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"QUI=\"}},"
	   "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y\"}}]},"
	   "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\",\"signature\":\"s\"},"
	   "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"add\",\"input\":{\"a\":1}},"
	   "{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"add\",\"input\":{\"not_an_object\":\"{oops\"}}]},"
	   "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"1\"},"
	   "{\"type\":\"tool_result\",\"tool_use_id\":\"t2\",\"content\":\"no\"},{\"type\":\"text\",\"text\":\"go on\"}]}]}");
}

Test(anthropic_write, write__speaks_of_tools_in_its_own_words)
{
	weft_model_request req = { .prompt = WEFT_STR("hi"), .temperature = -1, .max_tokens = 9, .tool_choice = WEFT_STR("required"),
		                   .serial_tool_calls = true,
		                   .tools_json = WEFT_STR("[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"description\":\"d\","
		                                          "\"parameters\":{\"type\":\"object\",\"required\":[\"x\"]}}},"
		                                          "{\"type\":\"function\",\"function\":{\"name\":\"b\"}}]") };
	weft_error err;
	weft_str body;

	manner.cache = true;
	is(&req, false,
	   "{\"model\":\"m\",\"max_tokens\":9," HI ",\"tools\":[{\"name\":\"a\",\"description\":\"d\",\"input_schema\":"
	   "{\"type\":\"object\",\"required\":[\"x\"]}},{\"name\":\"b\",\"input_schema\":{\"type\":\"object\"},"
	   "\"cache_control\":{\"type\":\"ephemeral\"}}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}}");
	req.tools_json = WEFT_STR("{}");
	cr_assert_eq(weft__anthropic_write(w, &req, &manner, WEFT_STR("m"), false, &body, &err), -EINVAL);
	req.tools_json = WEFT_STR("[");
	cr_assert_eq(weft__anthropic_write(w, &req, &manner, WEFT_STR("m"), false, &body, &err), -EINVAL);
}

Test(anthropic_write, write__asks_for_a_schema_in_the_instructions)
{
	static const weft_str stop = { "END", 3 };
	weft_model_request req = { .prompt = WEFT_STR("hi"), .temperature = -1, .max_tokens = 9, .stop = &stop, .stop_count = 1,
		                   .json_schema = WEFT_STR("{\"type\":\"array\"}") };
	weft_error err;
	weft_str body;

	manner.extra_json = WEFT_STR("{\"top_k\":3}");
	cr_assert_eq(weft__anthropic_write(w, &req, &manner, WEFT_STR("m"), false, &body, &err), 0);
	cr_assert_not_null(strstr(body.ptr, "\"stop_sequences\":[\"END\"],\"system\":[{\"type\":\"text\",\"text\":\"Answer with one JSON"));
	cr_assert_not_null(strstr(body.ptr, "{\\\"type\\\":\\\"array\\\"}\"}]"));
	cr_assert_not_null(strstr(body.ptr, ",\"top_k\":3}"));
}
