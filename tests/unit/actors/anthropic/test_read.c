/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic/read: recorded messages, whole and streamed, beside what must be read from them. */
#include "actors/anthropic/wire.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/wanted.h"

static weft_arena *arena;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(anthropic_read, .init = setup, .fini = teardown);

static void stream_check(const char *bytes, size_t len, const char *want_path)
{
	struct weft__anthropic_stream s;
	weft_model_response res = { 0 };
	weft_error err = { 0 };
	weft_str data;
	size_t at = 0;
	int r;

	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__anthropic_stream_begin(&s, (weft_str){ 0 });
	while (wanted__event(bytes, len, &at, &data))
		(void)weft__anthropic_stream_data(&s, data);
	r = weft__anthropic_stream_end(&s, &res);
	wanted__check(want_path, r, &err, &res);
}

static void body_check(const char *bytes, size_t len, const char *want_path)
{
	weft_model_response res = { 0 };
	struct weft__answering a;
	weft_error err = { 0 };
	int r;

	weft__answering_begin(&a, arena, &err, false, NULL, NULL);
	r = weft__anthropic_read(&a, (weft_str){ bytes, len }, (weft_str){ 0 }, &res);
	wanted__check(want_path, r, &err, &res);
}

Test(anthropic_read, streams)
{
	cr_assert_geq(wanted__each(MODELS_DATA "/anthropic", ".sse", stream_check), 8);
}

Test(anthropic_read, bodies)
{
	cr_assert_geq(wanted__each(MODELS_DATA "/anthropic", ".json", body_check), 3);
}

Test(anthropic_read, stream__that_ends_within_a_thought_carries_none_unsigned)
{
	static const char bytes[] =
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"a\"}}\n\n"
		"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"}}\n\n";
	struct weft__anthropic_stream s;
	weft_model_response res;
	weft_error err;
	weft_str data;
	size_t at = 0;

	weft__answering_begin(&s.answering, arena, &err, false, NULL, NULL);
	weft__anthropic_stream_begin(&s, (weft_str){ 0 });
	while (wanted__event(bytes, sizeof(bytes) - 1, &at, &data))
		cr_assert_eq(weft__anthropic_stream_data(&s, data), 0);
	cr_assert_eq(weft__anthropic_stream_end(&s, &res), 0);
	cr_assert(weft_str_eq(res.reasoning, WEFT_STR("a")));
	cr_assert_eq(res.carry_json.len_bytes, 0);
	cr_assert_eq(res.finish, WEFT_FINISH_LENGTH);
}
