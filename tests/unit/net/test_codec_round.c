/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: nothing is lost on the way through the formats, whatever a message holds.
 * Method: random messages by a seed go JSON -> MessagePack -> protobuf -> JSON; after each step they are compared member by
 * member, and the two JSON texts byte by byte. Formats that were not built in are left out of the chain.
 */
#include <criterion/criterion.h>

#include "tests/support/messages.h"

#define ROUNDS 150
#define COUNT_MAX 8

static const weft_codec_format chain[] = { WEFT_CODEC_JSON, WEFT_CODEC_MSGPACK, WEFT_CODEC_PROTOBUF, WEFT_CODEC_JSON };

static weft_str bytes_of(const weft_buffer *b)
{
	return (weft_str){ b->ptr, b->len_bytes };
}

/* Through one format; gives the messages as they came back, in arena. */
static weft_codec_message *through(weft_codec_format format, const weft_codec_message *list, uint32_t count, uint32_t flags,
                                   weft_arena *arena, weft_str *ret_bytes)
{
	weft_buffer buffer = { .arena = arena };
	weft_codec_message *back = NULL;
	weft_error err = { 0 };
	uint32_t n = 99;

	cr_assert_eq(weft_codec_encode_list(format, list, count, &buffer, &err), 0, "%s: %s", weft_codec_format_name(format), err.message);
	cr_assert_eq(weft_codec_decode_list(format, bytes_of(&buffer), flags, arena, &back, &n, &err), 0, "%s: %s",
	             weft_codec_format_name(format), err.message);
	cr_assert_eq(n, count);
	for (uint32_t i = 0; i < n; i++)
		cr_assert(test_messages_same(&list[i], &back[i]), "%s: message %u is another one", weft_codec_format_name(format), i);
	*ret_bytes = bytes_of(&buffer);
	return back;
}

static void round_trip(uint64_t *state, weft_arena *arena)
{
	weft_codec_message made[COUNT_MAX];
	const weft_codec_message *list = made;
	uint32_t count = test_below(state, COUNT_MAX + 1);
	weft_str first = { 0 }, last = { 0 };

	for (uint32_t i = 0; i < count; i++)
		made[i] = test_message(state, arena);
	for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++) {
		if (weft_codec_has(chain[i], NULL) == 0)
			list = through(chain[i], list, count, test_below(state, 2) ? WEFT_CODEC_BORROW : 0, arena, &last);
		if (i == 0)
			first = last;
	}
	/* metadata's outer white space goes with the first decoding */
	list = through(WEFT_CODEC_JSON, list, count, 0, arena, &first);
	cr_assert(weft_str_eq(first, last), "the JSON before and after");
}

Test(codec_round, lists__survive_every_format)
{
	uint64_t state = test_seed("codec round");
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(1 << 16, &arena), 0);
	for (int i = 0; i < ROUNDS; i++) {
		weft_arena_reset(arena);
		round_trip(&state, arena);
	}
	weft_arena_destroy(arena);
}

Test(codec_round, one_message__survives_every_format)
{
	uint64_t state = test_seed("codec one");
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (int i = 0; i < ROUNDS; i++) {
		weft_codec_message m = test_message(&state, arena), back;

		for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
			weft_buffer buffer = { 0 };

			if (weft_codec_has((weft_codec_format)f, NULL) < 0)
				continue;
			cr_assert_eq(weft_codec_encode((weft_codec_format)f, &m, &buffer, NULL), 0);
			cr_assert_eq(weft_codec_decode((weft_codec_format)f, bytes_of(&buffer), 0, arena, &back, NULL), 0);
			cr_assert(test_messages_same(&m, &back));
			weft_buffer_fini(&buffer);
		}
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
}

/* Whatever is cut off or turned over: an error that says where, or a message. Never more than that. */
static void broken(weft_codec_format format, weft_str bytes, weft_arena *arena)
{
	weft_codec_message back;
	weft_error err = { 0 };
	int r = weft_codec_decode(format, bytes, 0, arena, &back, &err);

	if (r == 0)
		return;
	cr_assert_eq(err.code, r);
	cr_assert(strstr(err.message, "at byte ") || err.line, "no place: %s", err.message);
}

Test(codec_round, broken_bytes__are_refused_with_a_place)
{
	uint64_t state = test_seed("codec broken");
	weft_arena *arena, *scratch;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_arena_create(0, &scratch), 0);
	for (int i = 0; i < 60; i++) {
		weft_codec_format format = (weft_codec_format)test_below(&state, WEFT_CODEC_FORMAT_COUNT);
		weft_codec_message m = test_message(&state, arena);
		weft_buffer buffer = { .arena = arena };

		if (weft_codec_has(format, NULL) < 0)
			continue;
		cr_assert_eq(weft_codec_encode(format, &m, &buffer, NULL), 0);
		for (int j = 0; j < 60; j++) {
			size_t at = test_below(&state, (uint32_t)buffer.len_bytes);

			broken(format, (weft_str){ buffer.ptr, at }, scratch);
			buffer.ptr[at] ^= (char)(1 << test_below(&state, 8));
			broken(format, bytes_of(&buffer), scratch);
			weft_arena_reset(scratch);
		}
		weft_arena_reset(arena);
	}
	weft_arena_destroy(scratch);
	weft_arena_destroy(arena);
}
