/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a message, or a list, in each of the three formats (the first byte says which): what is refused has a reason
 * and, unless memory is to blame, a place; what is taken comes back from every format as it was.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "tests/support/messages.h"

static void check_refused(int r, const weft_error *err)
{
	FUZZ_CHECK(r == WEFT_EPARSE || r == WEFT_ESCHEMA || r == -EILSEQ || r == -EMSGSIZE);
	FUZZ_CHECK(err->code == r);
	FUZZ_CHECK(strstr(err->message, "at byte ") || err->line);
}

static void check_taken(const weft_codec_message *list, uint32_t count, weft_arena *arena)
{
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		weft_buffer buffer = { .arena = arena };
		weft_codec_message *back = NULL;
		uint32_t n = 0;

		if (weft_codec_has((weft_codec_format)f, NULL) < 0)
			continue;
		FUZZ_CHECK(weft_codec_encode_list((weft_codec_format)f, list, count, &buffer, NULL) == 0);
		FUZZ_CHECK(weft_codec_decode_list((weft_codec_format)f, (weft_str){ buffer.ptr, buffer.len_bytes }, f & 1, arena, &back, &n, NULL) == 0);
		FUZZ_CHECK(n == count);
		for (uint32_t i = 0; i < n; i++)
			FUZZ_CHECK(test_messages_same(&list[i], &back[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	weft_codec_format format = size ? (weft_codec_format)(data[0] / 2 % WEFT_CODEC_FORMAT_COUNT) : WEFT_CODEC_JSON;
	weft_str bytes = { size ? (const char *)data + 1 : NULL, size ? size - 1 : 0 };
	weft_codec_message one, *list = &one;
	weft_error err = { 0 };
	uint32_t count = 1;
	weft_arena *arena;
	int r;

	if (weft_codec_has(format, NULL) < 0 || weft_arena_create(0, &arena) < 0)
		return 0;
	if (size && data[0] & 1)
		r = weft_codec_decode_list(format, bytes, WEFT_CODEC_BORROW, arena, &list, &count, &err);
	else
		r = weft_codec_decode(format, bytes, 0, arena, &one, &err);
	if (r == 0)
		check_taken(list, count, arena);
	else
		check_refused(r, &err);
	weft_arena_destroy(arena);
	return 0;
}
