/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai/read: what each server's answers come to. Method: recorded answers of OpenAI, vLLM, llama.cpp and Ollama with
 * what must be read from them; and hand-made ones at the bounds.
 */
#include "actors/openai/wire.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/wanted.h"

static weft_arena *arena;
static char seen[65536]; /* what was said while it arrived */
static size_t seen_len;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	seen_len = 0;
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(openai_read, .init = setup, .fini = teardown);

static void said(void *user, weft_str text)
{
	(void)user;
	cr_assert(text.len_bytes > 0);
	cr_assert(seen_len + text.len_bytes < sizeof(seen));
	memcpy(seen + seen_len, text.ptr, text.len_bytes);
	seen_len += text.len_bytes;
}

static int stream_read(const char *bytes, size_t len, weft_model_response *ret, weft_error *err)
{
	struct weft__openai_stream s;
	size_t at = 0;
	weft_str data;

	seen_len = 0;
	weft__answering_begin(&s.answering, arena, err, false, said, NULL);
	weft__openai_stream_begin(&s, WEFT_STR("sk-secret-0123456789"));
	while (wanted__event(bytes, len, &at, &data))
		(void)weft__openai_stream_data(&s, data);
	return weft__openai_stream_end(&s, ret);
}

static void stream_check(const char *bytes, size_t len, const char *want_path)
{
	weft_model_response res = { 0 };
	weft_error err = { 0 };
	int r = stream_read(bytes, len, &res, &err);

	wanted__check(want_path, r, &err, &res);
	if (r == 0 && res.finish != WEFT_FINISH_REFUSAL)
		cr_assert(weft_str_eq(res.text, (weft_str){ seen, seen_len }), "%s: '%.*s' was said", want_path, (int)seen_len, seen);
}

static int body_read(weft_str body, weft_model_response *ret, weft_error *err)
{
	struct weft__answering a;

	weft__answering_begin(&a, arena, err, false, NULL, NULL);
	return weft__openai_read_chat(&a, body, WEFT_STR("sk-secret-0123456789"), ret);
}

static void body_check(const char *bytes, size_t len, const char *want_path)
{
	weft_model_response res = { 0 };
	weft_error err = { 0 };
	int r = body_read((weft_str){ bytes, len }, &res, &err);

	wanted__check(want_path, r, &err, &res);
}

Test(openai_read, streams__of_every_server)
{
	cr_assert_geq(wanted__each(MODELS_DATA "/openai", ".sse", stream_check), 25);
}

Test(openai_read, bodies__of_every_server)
{
	cr_assert_geq(wanted__each(MODELS_DATA "/openai", ".json", body_check), 6);
}

Test(openai_read, stream__goes_no_further_behind_done)
{
	static const char bytes[] = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"
				    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n";
	weft_model_response res;
	weft_error err;

	cr_assert_eq(stream_read(bytes, sizeof(bytes) - 1, &res, &err), 0);
	cr_assert(weft_str_eq(res.text, WEFT_STR("a")));
}

Test(openai_read, stream__keeps_its_first_error_and_says_nothing_after_it)
{
	static const char bytes[] = "data: {\"error\":\"sk-secret-0123456789 is over\"}\n\n"
				    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: [DONE]\n\n";
	weft_model_response res;
	weft_error err;

	cr_assert_eq(stream_read(bytes, sizeof(bytes) - 1, &res, &err), -EIO);
	cr_assert_eq(seen_len, 0);
	cr_assert_not_null(strstr(err.message, "[key] is over"));
}

Test(openai_read, stream__bounds_calls_and_names)
{
	struct weft__openai_stream s;
	char text[600], name[301];
	weft_model_response res;
	weft_error err;
	int r = 0;

	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__openai_stream_begin(&s, (weft_str){ 0 });
	for (int i = 0; r == 0 && i < 200; i++) {
		snprintf(text, sizeof(text), "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"x\"}]}}]}", i);
		r = weft__openai_stream_data(&s, weft_str_from(text));
		cr_assert_eq(r, i < 128 ? 0 : -EMSGSIZE);
	}
	cr_assert_eq(weft__openai_stream_end(&s, &res), -EMSGSIZE);
	memset(name, 'n', 300);
	name[300] = '\0';
	snprintf(text, sizeof(text), "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"%s\"}}]}}]}", name);
	cr_assert_eq(body_read(weft_str_from(text), &res, &err), -EMSGSIZE);
}

Test(openai_read, stream__odd_members_are_passed_over)
{
	static const char bytes[] =
		"data: {\"choices\":[{\"index\":\"0\",\"delta\":{\"content\":7,\"tool_calls\":{},\"reasoning\":[]}}],\"usage\":null}\n\n"
		"data: {\"choices\":[{\"delta\":{\"tool_calls\":[null,{\"index\":-3,\"function\":\"f\"}]},\"finish_reason\":\"odd\"}],"
		"\"usage\":{\"prompt_tokens\":-4,\"completion_tokens\":9999999999}}\n\ndata: 7\n\ndata: []\n\n";
	weft_model_response res;
	weft_error err;

	cr_assert_eq(stream_read(bytes, sizeof(bytes) - 1, &res, &err), 0, "%s", err.message);
	cr_assert_eq(res.text.len_bytes, 0);
	cr_assert_eq(res.tool_call_count, 1);
	cr_assert_eq(res.finish, WEFT_FINISH_OTHER);
	cr_assert_eq(res.usage.prompt_tokens, 0);
	cr_assert_eq(res.usage.completion_tokens, UINT32_MAX);
}

Test(openai_read, stream__gives_each_call_without_id_one_of_its_own)
{
	static const char bytes[] = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"a\"}},"
				    "{\"index\":1,\"function\":{\"name\":\"b\"}}]},\"finish_reason\":\"stop\"}]}\n\n";
	weft_model_response res;
	weft_error err;

	cr_assert_eq(stream_read(bytes, sizeof(bytes) - 1, &res, &err), 0);
	cr_assert_eq(res.tool_call_count, 2);
	cr_assert(res.tool_calls[0].id.len_bytes && res.tool_calls[1].id.len_bytes);
	cr_assert_not(weft_str_eq(res.tool_calls[0].id, res.tool_calls[1].id));
	cr_assert_eq(res.finish, WEFT_FINISH_TOOL_CALLS, "a server that says stop beside calls");
}
