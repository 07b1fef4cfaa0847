/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: when memory runs out, encoding and decoding say -ENOMEM, leave the buffer as it was and leak nothing.
 * Method: the n-th allocation fails, for every n until all is well.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/messages.h"

static int countdown = -1;

static bool test_alloc_fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

static const weft_attachment attachment = { .url = { "u", 1 } };
static const weft_tool_request call = { { "i", 1 }, { "n", 1 }, { "{}", 2 } };
static const char long_text[600]; /* so that a buffer grows more than once */
static const weft_codec_message message = { .role = WEFT_ROLE_TOOL, .text = { long_text, 600 }, .metadata_json = { "{\"a\":1}", 7 },
	                                    .attachments = &attachment, .attachment_count = 1, .tool_calls = &call, .tool_call_count = 1 };

static int encode_failing(weft_codec_format format, int n, weft_buffer *buffer)
{
	weft_error err = { 0 };
	int r;

	countdown = n;
	r = weft_codec_encode_list(format, &message, 1, buffer, &err);
	countdown = -1;
	cr_expect(r == 0 || (r == -ENOMEM && err.code == r && buffer->len_bytes == 0), "%s", err.message);
	return r;
}

static int decode_failing(weft_codec_format format, int n, weft_str bytes)
{
	weft_codec_message *list;
	weft_arena *arena;
	weft_error err = { 0 };
	uint32_t count;
	int r;

	cr_assert_eq(weft_arena_create(256, &arena), 0);
	countdown = n;
	r = weft_codec_decode_list(format, bytes, 0, arena, &list, &count, &err);
	countdown = -1;
	cr_expect(r == 0 ? test_messages_same(list, &message) : r == -ENOMEM && err.code == r, "%s", err.message);
	weft_arena_destroy(arena);
	return r;
}

Test(codec_no_memory, every_allocation__may_fail)
{
	weft_allocator allocator = test_failing_allocator();

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		weft_buffer buffer = { 0 };
		int n = 0;

		if (weft_codec_has((weft_codec_format)f, NULL) < 0)
			continue;
		while (encode_failing((weft_codec_format)f, n++, &buffer) < 0)
			cr_assert_lt(n, 100);
		cr_expect_gt(n, 1, "none failed");
		for (n = 0; decode_failing((weft_codec_format)f, n, (weft_str){ buffer.ptr, buffer.len_bytes }) < 0; n++)
			cr_assert_lt(n, 100);
		cr_expect_gt(n, 0, "none failed");
		weft_buffer_fini(&buffer);
	}
}
