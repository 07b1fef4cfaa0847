/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the bytes are those that each format's specification asks for, what is wrong is refused by field and place, and every
 * bound of <weft/codec.h> holds at its edge.
 * Method: known answers written by hand; tables of wrong input; a message at each bound and one beyond.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/messages.h"

#define B(literal) ((weft_str){ (literal), sizeof(literal) - 1 })

static weft_arena *arena;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

static bool has(weft_codec_format format)
{
	return weft_codec_has(format, NULL) == 0;
}

static weft_str encoded(weft_codec_format format, const weft_codec_message *m)
{
	weft_buffer buffer = { .arena = arena };
	weft_error err = { 0 };

	cr_assert_eq(weft_codec_encode(format, m, &buffer, &err), 0, "%s", err.message);
	return (weft_str){ buffer.ptr, buffer.len_bytes };
}

/* ---- known answers ---------------------------------------------------------------- */

static const weft_attachment attachments[] = { { .url = { "http://a/b.png", 14 }, .content_type = { "image/png", 9 } } };
static const weft_tool_request calls[] = { { { "c1", 2 }, { "add", 3 }, { "{\"a\":1}", 7 } } };
static const weft_codec_result results[] = { { { "c0", 2 }, { "", 0 }, { "no", 2 }, true } };

static weft_codec_message known(void)
{
	weft_codec_message m = { .role = WEFT_ROLE_ASSISTANT, .created_ms = 300, .text = WEFT_STR("h\xc3\xa9\"\n"),
		                 .metadata_json = WEFT_STR("{\"x\": 1.50}"), .attachments = attachments, .attachment_count = 1,
		                 .tool_calls = calls, .tool_call_count = 1, .tool_results = results, .tool_result_count = 1 };

	for (uint8_t i = 0; i < 16; i++)
		m.room_id.bytes[i] = (uint8_t)(i * 17);
	return m;
}

#define ID "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"

static const weft_str known_json = WEFT_STR(
	"{\"role\":\"assistant\",\"room_id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"created_ms\":300,\"text\":\"h\xc3\xa9\\\"\\n\","
	"\"metadata\":{\"x\": 1.50},\"attachments\":[{\"url\":\"http://a/b.png\",\"content_type\":\"image/png\"}],"
	"\"tool_calls\":[{\"id\":\"c1\",\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}],"
	"\"tool_results\":[{\"call_id\":\"c0\",\"text\":\"no\",\"failed\":true}]}");

/* 0x80+n map, 0x90+n array, 0xa0+n text, c4 bytes, cd a number of 16 bits, c3 true */
static const weft_str known_msgpack = WEFT_STR(
	"\x88" "\xa4role" "\xa9" "assistant" "\xa7room_id" "\xc4\x10" ID "\xaa" "created_ms" "\xcd\x01\x2c"
	"\xa4text" "\xa5h\xc3\xa9\"\n" "\xa8metadata" "\xab{\"x\": 1.50}"
	"\xab" "attachments" "\x91\x82" "\xa3url" "\xaehttp://a/b.png" "\xac" "content_type" "\xa9image/png"
	"\xaatool_calls" "\x91\x83" "\xa2id" "\xa2" "c1" "\xa4name" "\xa3" "add" "\xa9" "arguments" "\xa7{\"a\":1}"
	"\xactool_results" "\x91\x83" "\xa7" "call_id" "\xa2" "c0" "\xa4text" "\xa2no" "\xa6" "failed" "\xc3");

/* each field: number << 3 | type, then a varint (type 0), or a length and so many bytes (type 2) */
static const weft_str known_protobuf = WEFT_STR(
	"\x08\x03" "\x1a\x10" ID "\x38\xac\x02" "\x42\x05h\xc3\xa9\"\n" "\x62\x0b{\"x\": 1.50}"
	"\x6a\x1b" "\x12\x0ehttp://a/b.png" "\x1a\x09image/png"
	"\x72\x12" "\x0a\x02" "c1" "\x12\x03" "add" "\x1a\x07{\"a\":1}"
	"\x7a\x0a" "\x0a\x02" "c0" "\x1a\x02no" "\x20\x01");

static void check_known(weft_codec_format format, weft_str want)
{
	weft_codec_message m = known(), back;
	weft_error err = { 0 };
	weft_str got;

	if (!has(format))
		cr_skip_test("not built in");
	got = encoded(format, &m);
	cr_expect(weft_str_eq(got, want), "%.*s", WEFT_STR_ARG(got));
	cr_assert_eq(weft_codec_decode(format, want, 0, arena, &back, &err), 0, "%s", err.message);
	cr_expect(test_messages_same(&m, &back));
}

Test(codec, known_answer__json, .init = setup, .fini = teardown)
{
	check_known(WEFT_CODEC_JSON, known_json);
}

Test(codec, known_answer__msgpack, .init = setup, .fini = teardown)
{
	check_known(WEFT_CODEC_MSGPACK, known_msgpack);
}

Test(codec, known_answer__protobuf, .init = setup, .fini = teardown)
{
	check_known(WEFT_CODEC_PROTOBUF, known_protobuf);
}

/* What others may write though weft does not: other widths, ids as text, nil, unknown keys and fields, the last of two. */
Test(codec, what_others_write__is_read, .init = setup, .fini = teardown)
{
	static const struct {
		weft_codec_format format;
		weft_str bytes;
	} all[] = {
		{ WEFT_CODEC_JSON, B(" {\"future\":{\"a\":[1,{\"b\":\"}\"}]},\n\"thought\":null, \"text\" : \"x\\u0041\" ,\"role\":\"user\","
		                     "\"id\":\"00112233-4455-6677-8899-AABBCCDDEEFF\",\"attachments\":[],\"created_ms\":7}\n") },
		{ WEFT_CODEC_MSGPACK, B("\xde\x00\x08" "\xd9\x04role\xda\x00\x04user" "\xa6" "future\x81\x91\x01\x92\xcb\0\0\0\0\0\0\0\0\xd5\x01\x02\x03"
		                        "\x05\x06" "\xa7thought\xc0" "\xa4text\xdb\x00\x00\x00\x02xA" "\xa2id\xd9\x24" "00112233-4455-6677-8899-AABBCCDDEEFF"
		                        "\xab" "attachments\x90" "\xaa" "created_ms\xd3\0\0\0\0\0\0\0\x07") },
		{ WEFT_CODEC_PROTOBUF, B("\x08\x01\x42\x01y\x08\x02\x42\x02xA\xa0\x06\x05\xa2\x06\x01z\xa1\x06\0\0\0\0\0\0\0\0\xa5\x06\0\0\0\0"
		                         "\x12\x10" ID "\x38\x87\x80\x00\x32\x00") },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		weft_codec_message m;
		weft_error err = { 0 };

		if (!has(all[i].format))
			continue;
		cr_assert_eq(weft_codec_decode(all[i].format, all[i].bytes, 0, arena, &m, &err), 0, "%zu: %s", i, err.message);
		cr_expect_eq(m.role, WEFT_ROLE_USER);
		cr_expect(weft_str_eq(m.text, WEFT_STR("xA")));
		cr_expect_eq(memcmp(m.id.bytes, ID, 16), 0);
		cr_expect_eq(m.created_ms, 7);
		cr_expect_eq(m.attachment_count + m.thought.len_bytes, 0);
	}
}

/* ---- what is wrong ------------------------------------------------------------------ */

static const struct wrong {
	weft_codec_format format;
	bool is_list;
	weft_str bytes;
	int code;
	const char *says;
} wrongs[] = {
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\""), WEFT_EPARSE, "line 1, column" },
	{ WEFT_CODEC_JSON, false, B(""), WEFT_EPARSE, "line 1, column 1" },
	{ WEFT_CODEC_JSON, false, B("[]"), WEFT_ESCHEMA, "expected an object, at byte 0" },
	{ WEFT_CODEC_JSON, true, B(" {}"), WEFT_ESCHEMA, "expected a list of messages, at byte 1" },
	{ WEFT_CODEC_JSON, false, B("{\"text\":\"x\"}"), WEFT_ESCHEMA, "role: is required, at byte 0" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":null}"), WEFT_ESCHEMA, "role: is required, at byte 0" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"boss\"}"), WEFT_ESCHEMA, "role: \"boss\" is no role, at byte 8" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\",\"role\":\"tool\"}"), WEFT_ESCHEMA, "role: given twice, at byte 22" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\", \"text\": 5}"), WEFT_ESCHEMA, "text: expected text, at byte 24" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\",\"created_ms\":1.5}"), WEFT_ESCHEMA, "created_ms: expected a whole number of 64 bits, at byte 28" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\",\"id\":\"0011\"}"), WEFT_ESCHEMA, "id: not an id of 36 characters, at byte 20" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\",\"metadata\":[]}"), WEFT_ESCHEMA, "metadata: expected an object, at byte 26" },
	{ WEFT_CODEC_JSON, false, B("{\"role\":\"user\",\"attachments\":{}}"), WEFT_ESCHEMA, "attachments: expected a list, at byte 29" },
	{ WEFT_CODEC_JSON, true, B("[{\"role\":\"user\"},{\"role\":\"user\",\"attachments\":[{},{\"url\":{}}]}]"), WEFT_ESCHEMA,
	  "[1].attachments[1].url: expected text, at byte 57" },
	{ WEFT_CODEC_JSON, true, B("[{\"role\":\"user\"},5]"), WEFT_ESCHEMA, "[1]: expected an object, at byte 17" },
	{ WEFT_CODEC_JSON, true, B("[{\"role\":\"user\",\"tool_results\":[{\"failed\":1}]}]"), WEFT_ESCHEMA,
	  "[0].tool_results[0].failed: expected true or false, at byte 42" },
	{ WEFT_CODEC_MSGPACK, false, B(""), WEFT_EPARSE, "the bytes end too early, at byte 0" },
	{ WEFT_CODEC_MSGPACK, false, B("\x90"), WEFT_ESCHEMA, "expected a map, at byte 0" },
	{ WEFT_CODEC_MSGPACK, true, B("\x80"), WEFT_ESCHEMA, "expected a list of messages, at byte 0" },
	{ WEFT_CODEC_MSGPACK, false, B("\x80"), WEFT_ESCHEMA, "role: is required, at byte 0" },
	{ WEFT_CODEC_MSGPACK, false, B("\x81\xa4role\xc1"), WEFT_EPARSE, "role: no value begins with 0xc1, at byte 6" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa4text\xa5xyz"), WEFT_EPARSE, "text: the bytes end too early, at byte 20" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa4role\xa4tool"), WEFT_ESCHEMA, "role: given twice, at byte 20" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa4text\x05"), WEFT_ESCHEMA, "text: expected text, at byte 16" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa4text\xa2\xc3("), -EILSEQ, "text: not UTF-8, at byte 17" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa2id\xc4\x02xy"), WEFT_ESCHEMA, "id: an id has 16 bytes, not 2, at byte 16" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xaa" "created_ms\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), WEFT_ESCHEMA,
	  "created_ms: expected a whole number of 64 bits, at byte 30" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa8metadata\xa2[]"), WEFT_ESCHEMA, "metadata: expected an object, at byte 21" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xa8metadata\xa2{x"), WEFT_EPARSE, "metadata: not JSON (line 1, column 2" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xab" "attachments\x80"), WEFT_ESCHEMA, "attachments: expected a list, at byte 23" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xab" "attachments\x92\x80\x05"), WEFT_ESCHEMA,
	  "attachments[1]: expected a map, at byte 25" },
	{ WEFT_CODEC_MSGPACK, false, B("\x82\xa4role\xa4user\xab" "attachments\xdd\xff\xff\xff\xff"), -EMSGSIZE,
	  "attachments: 4294967295 entries, at most 32, at byte 27" },
	{ WEFT_CODEC_MSGPACK, true, B("\xdd\x00\x00\xff\xff"), WEFT_EPARSE, "65535 messages announced, more than there are bytes for" },
	{ WEFT_CODEC_MSGPACK, true, B("\x91\x81\xa4role\xa4user\xc0"), WEFT_EPARSE, "bytes behind the end, at byte 12" },
	{ WEFT_CODEC_MSGPACK, true, B("\x92\x81\xa4role\xa4user\x82\xa4role\xa4user\xa4text\xc9\xff\xff\xff\xff\x01"), WEFT_ESCHEMA,
	  "[1].text: expected text, at byte" },
	{ WEFT_CODEC_PROTOBUF, false, B(""), WEFT_ESCHEMA, "role: is required, at byte 0" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08"), WEFT_EPARSE, "a number that does not end, at byte 1" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x00"), WEFT_ESCHEMA, "role: expected a role, at byte 0" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x05"), WEFT_ESCHEMA, "role: expected a role, at byte 0" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x81\x80\x80\x80\x10"), WEFT_ESCHEMA, "role: expected a role, at byte 0" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x42\x05x"), WEFT_EPARSE, "a length behind the end, at byte 3" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x40\x05"), WEFT_ESCHEMA, "text: expected text, at byte 2" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x42\x02\xc3("), -EILSEQ, "text: not UTF-8, at byte 4" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x12\x02xy"), WEFT_ESCHEMA, "id: an id has 16 bytes, not 2, at byte 2" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x62\x02{x"), WEFT_EPARSE, "metadata: not JSON" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x6a\x03\x12\x01\xff"), -EILSEQ, "attachments[0].url: not UTF-8, at byte 6" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\x02\x6b\x6c"), WEFT_EPARSE, "groups and types above 5 are not read here, at byte 2" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x00\x01"), WEFT_EPARSE, "not a field's number, at byte 0" },
	{ WEFT_CODEC_PROTOBUF, false, B("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), WEFT_EPARSE, "a number that does not end, at byte 1" },
	{ WEFT_CODEC_PROTOBUF, true, B("\x0a\x02\x08\x02\x08\x02"), WEFT_ESCHEMA, "[1]: expected a message, at byte 4" },
	{ WEFT_CODEC_PROTOBUF, true, B("\x0a\x02\x08\x02\x0a\x04\x08\x02\x38\xff"), WEFT_EPARSE, "[1]: a number that does not end, at byte 9" },
};

static void check_wrong(size_t i)
{
	const struct wrong *w = &wrongs[i];
	weft_codec_message m = { .created_ms = 4711 }, *list = &m;
	weft_error err = { 0 };
	uint32_t n = 77;
	int r;

	if (!has(w->format))
		return;
	if (w->is_list)
		r = weft_codec_decode_list(w->format, w->bytes, 0, arena, &list, &n, &err);
	else
		r = weft_codec_decode(w->format, w->bytes, 0, arena, &m, &err);
	cr_expect_eq(r, w->code, "%zu: %s, %s", i, weft_errname(r), err.message);
	cr_expect_eq(err.code, r);
	cr_expect(strstr(err.message, w->says) == err.message, "%zu: '%s' instead of '%s'", i, err.message, w->says);
	cr_expect(m.created_ms == 4711 && n == 77 && list == &m, "%zu: nothing was given", i);
	if (w->is_list) /* err may be NULL */
		cr_expect_eq(weft_codec_decode_list(w->format, w->bytes, 0, arena, &list, &n, NULL), w->code);
	else
		cr_expect_eq(weft_codec_decode(w->format, w->bytes, 0, arena, &m, NULL), w->code);
}

Test(codec, wrong_bytes__are_refused_by_field_and_place, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		check_wrong(i);
}

/* Of JSON and MessagePack no beginning is a message. */
Test(codec, cut_short__is_refused_at_every_byte, .init = setup, .fini = teardown)
{
	weft_codec_message m;
	weft_error err;

	for (size_t n = 0; n < known_json.len_bytes; n++)
		cr_expect_lt(weft_codec_decode(WEFT_CODEC_JSON, (weft_str){ known_json.ptr, n }, 0, arena, &m, &err), 0, "%zu", n);
	for (size_t n = 0; has(WEFT_CODEC_MSGPACK) && n < known_msgpack.len_bytes; n++)
		cr_expect_eq(weft_codec_decode(WEFT_CODEC_MSGPACK, (weft_str){ known_msgpack.ptr, n }, 0, arena, &m, &err), WEFT_EPARSE, "%zu", n);
}

/* ---- bounds ------------------------------------------------------------------------- */

static char *filled(size_t n, char c)
{
	char *text = weft_arena_alloc(arena, n + 1);

	cr_assert_not_null(text);
	memset(text, c, n);
	text[n] = 0;
	return text;
}

static void expect_check(const weft_codec_message *m, int code, const char *says)
{
	weft_error err = { 0 };
	weft_buffer buffer = { .arena = arena };

	cr_expect_eq(weft_codec_check(m, &err), code, "%s", err.message);
	cr_expect_str_eq(err.message, says);
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		if (!has((weft_codec_format)f))
			continue;
		cr_expect_eq(weft_codec_encode((weft_codec_format)f, m, &buffer, NULL), code);
		cr_expect(code == 0 || buffer.len_bytes == 0);
	}
}

Test(codec, text__up_to_its_bound, .init = setup, .fini = teardown)
{
	weft_codec_message m = { .role = WEFT_ROLE_USER, .text = { filled(WEFT_CODEC_TEXT_BYTES_MAX + 1, 'x'), WEFT_CODEC_TEXT_BYTES_MAX } };

	expect_check(&m, 0, "");
	m.text.len_bytes++;
	expect_check(&m, -EMSGSIZE, "text: 4194305 bytes, at most 4194304");
	m.text = (weft_str){ "\xff", 1 };
	expect_check(&m, -EILSEQ, "text: not UTF-8");
	m.text = (weft_str){ NULL, 3 };
	expect_check(&m, -EINVAL, "text: NULL, and its length is 3");
	m.text = (weft_str){ 0 };
	m.role = (weft_role)4;
	expect_check(&m, WEFT_ESCHEMA, "role: expected a role");
}

Test(codec, lists__up_to_their_bounds, .init = setup, .fini = teardown)
{
	static const weft_tool_request many[WEFT_CODEC_CALLS_MAX + 1];
	weft_attachment two[2] = { { .url = WEFT_STR("x") }, { .title = WEFT_STR("\xed\xa0\x80") } };
	weft_codec_message m = { .role = WEFT_ROLE_ASSISTANT, .tool_calls = many, .tool_call_count = WEFT_CODEC_CALLS_MAX };

	expect_check(&m, 0, "");
	m.tool_call_count++;
	expect_check(&m, -EMSGSIZE, "tool_calls: 129 entries, at most 128");
	m.tool_calls = NULL;
	m.tool_call_count = 1;
	expect_check(&m, -EINVAL, "tool_calls: NULL, and its count is 1");
	m.tool_call_count = 0;
	m.attachments = two;
	m.attachment_count = 2;
	expect_check(&m, -EILSEQ, "attachments[1].title: not UTF-8");
}

/* {"a":{"a": ... }}: depth objects in one another */
static weft_str nested(uint32_t depth)
{
	char *text = filled(depth * 6, ' '), *at = text;

	for (uint32_t i = 0; i < depth; i++, at += 5)
		memcpy(at, i + 1 < depth ? "{\"a\":" : "{    ", 5);
	memset(at, '}', depth);
	return (weft_str){ text, depth * 6 };
}

Test(codec, metadata__up_to_its_depth, .init = setup, .fini = teardown)
{
	weft_codec_message m = { .role = WEFT_ROLE_USER, .metadata_json = nested(WEFT_CODEC_METADATA_DEPTH_MAX) }, back;
	weft_error err;

	expect_check(&m, 0, "");
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		if (!has((weft_codec_format)f))
			continue;
		cr_assert_eq(weft_codec_decode((weft_codec_format)f, encoded((weft_codec_format)f, &m), 0, arena, &back, &err), 0, "%s", err.message);
		cr_expect(weft_str_eq(m.metadata_json, back.metadata_json));
	}
	m.metadata_json = nested(WEFT_CODEC_METADATA_DEPTH_MAX + 1);
	expect_check(&m, WEFT_ESCHEMA, "metadata: nested more than 32 deep");
	m.metadata_json = WEFT_STR("[1]");
	expect_check(&m, WEFT_ESCHEMA, "metadata: expected an object");
	m.metadata_json = WEFT_STR("{");
	cr_expect_eq(weft_codec_check(&m, &err), WEFT_EPARSE);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, WEFT_STR("{\"role\":\"user\",\"metadata\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}"),
	                               0, arena, &back, &err), WEFT_ESCHEMA);
	cr_expect_str_eq(err.message, "metadata: nested more than 32 deep, at byte 26");
}

Test(codec, deep_and_unknown__is_passed_over_or_refused, .init = setup, .fini = teardown)
{
	weft_codec_message m;
	weft_error err = { 0 };
	char bytes[64] = "\x82\xa4role\xa4user\xa1x";

	if (!has(WEFT_CODEC_MSGPACK))
		cr_skip_test("not built in");
	memset(bytes + 13, 0x91, 40);
	bytes[13 + 30] = 5; /* 30 arrays and the map: within */
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_MSGPACK, (weft_str){ bytes, 13 + 31 }, 0, arena, &m, &err), 0, "%s", err.message);
	bytes[13 + 30] = (char)0x91;
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_MSGPACK, (weft_str){ bytes, 13 + 40 }, 0, arena, &m, &err), WEFT_EPARSE);
	cr_expect_str_eq(err.message, "nested more than 32 deep, at byte 44");
}

Test(codec, unknown_fields__are_bounded_in_protobuf, .init = setup, .fini = teardown)
{
	enum { FIELD_BYTES = 3, FIELDS_MAX = 1024 }; /* field 16 is 5 */
	char *bytes = filled(2 + FIELD_BYTES * (FIELDS_MAX + 1), 0);
	weft_codec_message m;
	weft_error err = { 0 };
	size_t len = 2;

	if (!has(WEFT_CODEC_PROTOBUF))
		cr_skip_test("not built in");
	memcpy(bytes, "\x08\x02", 2);
	for (int i = 0; i < FIELDS_MAX + 1; i++)
		memcpy(bytes + 2 + i * FIELD_BYTES, "\x80\x01\x05", FIELD_BYTES);
	len += FIELD_BYTES * FIELDS_MAX;
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_PROTOBUF, (weft_str){ bytes, len }, 0, arena, &m, &err), 0, "%s", err.message);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_PROTOBUF, (weft_str){ bytes, len + FIELD_BYTES }, 0, arena, &m, &err), -EMSGSIZE);
	cr_expect_str_eq(err.message, "more than 1024 unknown fields, at byte 3074");
}

/* The smallest messages and entries that there are: what they take is bounded by their bytes. */
static void expect_growth(const char *what, weft_codec_format format, const char *piece, size_t len, uint32_t count, weft_str head, weft_str tail)
{
	weft_buffer bytes = { .arena = arena };
	weft_codec_message *list;
	weft_error err = { 0 };
	weft_arena *into;
	uint32_t n;

	if (!has(format))
		return;
	cr_assert_eq(weft_buffer_put(&bytes, head), 0);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(weft_buffer_put(&bytes, (weft_str){ piece, len }), 0);
	bytes.len_bytes -= tail.len_bytes != 0; /* the last comma */
	cr_assert_eq(weft_buffer_put(&bytes, tail), 0);
	cr_assert_eq(weft_arena_create(0, &into), 0);
	cr_assert_eq(weft_codec_decode_list(format, (weft_str){ bytes.ptr, bytes.len_bytes }, 0, into, &list, &n, &err), 0, "%s: %s", what, err.message);
	cr_expect_eq(n, count);
	cr_expect_leq(weft_arena_bytes(into), WEFT_CODEC_GROWTH * bytes.len_bytes + (128u << 10), "%s: %zu of %zu", what,
	              weft_arena_bytes(into), bytes.len_bytes);
	weft_arena_destroy(into);
}

Test(codec, growth__is_bounded, .init = setup, .fini = teardown)
{
	char full[128] = "\x0a\x42\x08\x02"; /* a message of a role and 32 empty attachments */

	for (int i = 0; i < 32; i++)
		memcpy(full + 4 + i * 2, "\x6a\x00", 2);
	expect_growth("json", WEFT_CODEC_JSON, "{\"role\":\"user\"},", 16, 20000, WEFT_STR("["), WEFT_STR("]"));
	expect_growth("msgpack", WEFT_CODEC_MSGPACK, "\x81\xa4role\xa4tool", 11, 65535, B("\xdc\xff\xff"), (weft_str){ 0 });
	expect_growth("protobuf", WEFT_CODEC_PROTOBUF, "\x0a\x02\x08\x02", 4, 65536, (weft_str){ 0 }, (weft_str){ 0 });
	expect_growth("protobuf entries", WEFT_CODEC_PROTOBUF, full, 68, 2000, (weft_str){ 0 }, (weft_str){ 0 });
}

Test(codec, a_message_too_many__is_refused, .init = setup, .fini = teardown)
{
	static const char small[] = "{\"role\":\"user\"},";
	char *json = filled(WEFT_CODEC_MESSAGES_MAX * 16 + 32, 0), *protobuf = filled(WEFT_CODEC_MESSAGES_MAX * 4 + 4, 0);
	weft_codec_message *list;
	weft_error err = { 0 };
	uint32_t n;

	*json = '[';
	for (uint32_t i = 0; i <= WEFT_CODEC_MESSAGES_MAX; i++) {
		memcpy(json + 1 + i * 16, small, 16);
		memcpy(protobuf + i * 4, "\x0a\x02\x08\x02", 4);
	}
	json[16 * (WEFT_CODEC_MESSAGES_MAX + 1)] = ']';
	cr_expect_eq(weft_codec_decode_list(WEFT_CODEC_JSON, (weft_str){ json, 16 * (WEFT_CODEC_MESSAGES_MAX + 1) + 1 }, 0, arena, &list, &n, &err), -EMSGSIZE);
	cr_expect_str_eq(err.message, "65537 messages, at most 65536, at byte 0");
	if (!has(WEFT_CODEC_PROTOBUF))
		return;
	cr_expect_eq(weft_codec_decode_list(WEFT_CODEC_PROTOBUF, (weft_str){ protobuf, 4 * (WEFT_CODEC_MESSAGES_MAX + 1) }, 0, arena, &list, &n, &err), -EMSGSIZE);
	cr_expect_str_eq(err.message, "[65536]: more than 65536 messages, at byte 262144");
}

/* ---- who owns what ------------------------------------------------------------------ */

static bool within(weft_str s, weft_str bytes)
{
	return (uintptr_t)s.ptr >= (uintptr_t)bytes.ptr && (uintptr_t)s.ptr < (uintptr_t)bytes.ptr + bytes.len_bytes;
}

Test(codec, text__is_copied_unless_borrowed, .init = setup, .fini = teardown)
{
	weft_codec_message m;

	if (!has(WEFT_CODEC_MSGPACK))
		cr_skip_test("not built in");
	cr_assert_eq(weft_codec_decode(WEFT_CODEC_MSGPACK, known_msgpack, 0, arena, &m, NULL), 0);
	cr_expect_not(within(m.text, known_msgpack));
	cr_expect_eq(m.text.ptr[m.text.len_bytes], 0, "a NUL behind a copy");
	cr_assert_eq(weft_codec_decode(WEFT_CODEC_MSGPACK, known_msgpack, WEFT_CODEC_BORROW, arena, &m, NULL), 0);
	cr_expect(within(m.text, known_msgpack));
	cr_expect(within(m.attachments[0].url, known_msgpack));
}

Test(codec, encode__appends_and_keeps_what_was_there, .init = setup, .fini = teardown)
{
	weft_codec_message good = known(), bad = { .role = (weft_role)9 };
	weft_buffer buffer = { 0 };

	cr_assert_eq(weft_buffer_put(&buffer, WEFT_STR(">>")), 0);
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		size_t before = buffer.len_bytes;

		if (!has((weft_codec_format)f))
			continue;
		cr_expect_eq(weft_codec_encode((weft_codec_format)f, &bad, &buffer, NULL), WEFT_ESCHEMA);
		cr_expect_eq(buffer.len_bytes, before);
		cr_expect_eq(weft_codec_encode((weft_codec_format)f, &good, &buffer, NULL), 0);
		cr_expect_gt(buffer.len_bytes, before);
	}
	cr_expect_eq(memcmp(buffer.ptr, ">>{\"role\"", 9), 0);
	weft_buffer_fini(&buffer);
}

Test(codec, arguments__are_checked, .init = setup, .fini = teardown)
{
	weft_codec_message m = known(), *list;
	weft_buffer buffer = { .arena = arena };
	weft_error err;
	uint32_t n;

	cr_expect_eq(weft_codec_check(NULL, &err), -EINVAL);
	cr_expect_eq(weft_codec_encode(WEFT_CODEC_JSON, NULL, &buffer, &err), -EINVAL);
	cr_expect_eq(weft_codec_encode(WEFT_CODEC_JSON, &m, NULL, &err), -EINVAL);
	cr_expect_eq(weft_codec_encode((weft_codec_format)7, &m, &buffer, &err), -EINVAL);
	cr_expect_eq(weft_codec_encode_list(WEFT_CODEC_JSON, &m, WEFT_CODEC_MESSAGES_MAX + 1, &buffer, &err), -EMSGSIZE);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, known_json, 0, NULL, &m, &err), -EINVAL);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, known_json, 2, arena, &m, &err), -EINVAL);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, (weft_str){ NULL, 5 }, 0, arena, &m, &err), -EINVAL);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, known_json, 0, arena, NULL, &err), -EINVAL);
	cr_expect_eq(weft_codec_decode(WEFT_CODEC_JSON, (weft_str){ "x", WEFT_CODEC_BYTES_MAX + 1 }, 0, arena, &m, &err), -EMSGSIZE);
	cr_expect_eq(weft_codec_decode_list(WEFT_CODEC_JSON, known_json, 0, arena, NULL, &n, &err), -EINVAL);
	cr_expect_eq(weft_codec_decode_list(WEFT_CODEC_JSON, known_json, 0, arena, &list, NULL, &err), -EINVAL);
}

Test(codec, formats__say_which_option_is_missing)
{
	static const char *const names[] = { "json", "msgpack", "protobuf" };

	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		weft_error err = { 0 };
		weft_buffer buffer = { 0 };
		weft_codec_message m = { 0 };

		cr_expect_str_eq(weft_codec_format_name((weft_codec_format)f), names[f]);
		if (weft_codec_has((weft_codec_format)f, &err) == 0)
			continue;
		cr_expect_eq(err.code, -EPROTONOSUPPORT);
		cr_expect(strstr(err.message, "meson option") && strstr(err.message, names[f]), "%s", err.message);
		cr_expect_eq(weft_codec_encode((weft_codec_format)f, &m, &buffer, NULL), -EPROTONOSUPPORT);
	}
	cr_expect_str_eq(weft_codec_format_name(WEFT_CODEC_FORMAT_COUNT), "?");
	cr_expect_eq(weft_codec_has(WEFT_CODEC_FORMAT_COUNT, NULL), -EINVAL);
	cr_expect_eq(weft_codec_has(WEFT_CODEC_JSON, NULL), 0);
}

Test(codec, memories__become_messages_and_come_back)
{
	weft_memory from = { .id = weft_uuid_v7(), .room_id = weft_uuid_v7(), .entity_id = weft_uuid_v7(), .agent_id = weft_uuid_v7(),
		             .created_ms = 5, .text = WEFT_STR("t"), .thought = WEFT_STR("h"), .actions = WEFT_STR("A,B"),
		             .source = WEFT_STR("s"), .attachments = attachments, .attachment_count = 1 }, back;
	weft_codec_message m;

	weft_codec_from_memory(&from, &m);
	cr_expect_eq(m.role, WEFT_ROLE_USER);
	weft_codec_to_memory(&m, &back);
	cr_expect(weft_uuid_eq(back.id, from.id) && weft_uuid_eq(back.room_id, from.room_id) && weft_uuid_eq(back.entity_id, from.entity_id));
	cr_expect(weft_uuid_eq(back.agent_id, from.agent_id) && back.created_ms == 5 && back.type == WEFT_MEMORY_MESSAGE);
	cr_expect(weft_str_eq(back.text, from.text) && weft_str_eq(back.thought, from.thought) && weft_str_eq(back.actions, from.actions));
	cr_expect(weft_str_eq(back.source, from.source) && back.attachments == attachments && back.attachment_count == 1);
	from.entity_id = from.agent_id;
	weft_codec_from_memory(&from, &m);
	cr_expect_eq(m.role, WEFT_ROLE_ASSISTANT);
}
