/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/seeds/codec.c - messages made, checked, and through their formats; ids; the hash of a dictionary.
 *
 * The message is one of an agent that called a tool: five ids, about 300 bytes of text, metadata, an attachment, a call and
 * its result, under a kilobyte of JSON.
 */
#include <errno.h>
#include <string.h>

#include "bench/seeds/seeds.h"

#define LIST_COUNT 20u
#define IDS 1024u

static const weft_attachment attachments[] = { {
	.url = { "https://example.org/pictures/tea-house-in-the-rain.png", 54 },
	.content_type = { "image/png", 9 },
	.title = { "The tea house", 13 },
} };

static const weft_tool_request calls[] = { { { "call_0001", 9 }, { "weather", 7 }, { "{\"place\":\"Kyoto\",\"days\":2}", 26 } } };
static const weft_codec_result results[] = { {
	.call_id = { "call_0000", 9 },
	.name = { "clock", 5 },
	.text = { "2026-11-21T14:20:00Z", 20 },
} };

static const weft_codec_message sample = {
	.role = WEFT_ROLE_ASSISTANT,
	.created_ms = 1763734800000,
	.text = WEFT_STR("It will rain in Kyoto until the evening, and clear up during the night. Tomorrow is dry, with "
	                 "some wind from the north; a walk along the river would be best before noon.\n"
	                 "Shall I look for a table at the tea house?"),
	.thought = WEFT_STR("They asked about the weekend; two days are enough. The tea house was mentioned before."),
	.source = WEFT_STR("client_chat"),
	.metadata_json = WEFT_STR("{\"model\":\"small\",\"temperature\":0.7,\"tags\":[\"weather\",\"travel\"],\"tokens\":{\"in\":412,\"out\":96}}"),
	.attachments = attachments,
	.attachment_count = 1,
	.tool_calls = calls,
	.tool_call_count = 1,
	.tool_results = results,
	.tool_result_count = 1,
};

static weft_codec_message sampled(void)
{
	weft_codec_message m = sample;

	m.id = weft_uuid_v7();
	m.room_id = weft_uuid_v7();
	m.entity_id = weft_uuid_v7();
	m.agent_id = weft_uuid_v7();
	m.in_reply_to = weft_uuid_v7();
	return m;
}

static void timed(uint64_t t0, uint64_t n, double *ret_ms, uint64_t *ret_ops)
{
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* A copy that owns its texts, with an id and a time of its own. */
static int message_make(weft_arena *arena, weft_codec_message *ret)
{
	weft_codec_message m = sample;

	m.id = weft_uuid_v7();
	m.created_ms = weft_wall_ms();
	m.text = weft_arena_dup(arena, sample.text);
	m.thought = weft_arena_dup(arena, sample.thought);
	m.source = weft_arena_dup(arena, sample.source);
	m.metadata_json = weft_arena_dup(arena, sample.metadata_json);
	if (!m.text.ptr || !m.thought.ptr || !m.source.ptr || !m.metadata_json.ptr)
		return -ENOMEM;
	*ret = m;
	return 0;
}

int seeds_message_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 20000 : 500000, t0;
	weft_codec_message m = { 0 };
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		weft_arena_reset(arena);
		r = message_make(arena, &m);
	}
	timed(t0, n, ret_ms, ret_ops);
	if (r == 0 && !weft_str_eq(m.text, sample.text))
		r = bench_fail(out, "the text is another one");
	weft_arena_destroy(arena);
	return r;
}

int seeds_message_validate(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 20000 : 100000, t0 = weft_now_ns();
	weft_codec_message m = sampled();
	weft_error err;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = weft_codec_check(&m, &err);
	timed(t0, n, ret_ms, ret_ops);
	return r == 0 ? 0 : bench_fail(out, "%s", err.message);
}

bool seeds_format_is_there(const struct bench_micro *self)
{
	weft_error err;

	if (weft_codec_has(*(const weft_codec_format *)self->detail, &err) == 0)
		return true;
	fprintf(stderr, "weft bench: %s is left out: %s\n", self->id, err.message);
	return false;
}

/* Into bytes and back. */
static int both_ways(weft_codec_format format, const weft_codec_message *m, weft_buffer *buffer, weft_arena *arena,
                     weft_codec_message *ret, weft_error *err)
{
	int r;

	buffer->len_bytes = 0;
	weft_arena_reset(arena);
	r = weft_codec_encode(format, m, buffer, err);
	if (r < 0)
		return r;
	return weft_codec_decode(format, (weft_str){ buffer->ptr, buffer->len_bytes }, WEFT_CODEC_BORROW, arena, ret, err);
}

static int format_item(weft_codec_format format, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops,
                       struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 2000 : 20000, t0;
	weft_codec_message m = sampled(), back = { 0 };
	weft_buffer buffer = { 0 };
	weft_error err = { 0 };
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = both_ways(format, &m, &buffer, arena, &back, &err);
	timed(t0, n, ret_ms, ret_ops);
	if (r < 0)
		r = bench_fail(out, "%s", err.message);
	else if (!weft_str_eq(back.text, m.text) || back.tool_call_count != 1 || !weft_uuid_eq(back.in_reply_to, m.in_reply_to))
		r = bench_fail(out, "another message came back");
	weft_buffer_fini(&buffer);
	weft_arena_destroy(arena);
	return r;
}

int seeds_message_json(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return format_item(WEFT_CODEC_JSON, opt, ret_ms, ret_ops, out);
}

int seeds_message_msgpack(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return format_item(WEFT_CODEC_MSGPACK, opt, ret_ms, ret_ops, out);
}

int seeds_message_binary(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return format_item(WEFT_CODEC_PROTOBUF, opt, ret_ms, ret_ops, out);
}

int seeds_messages_20(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 200 : 2000, t0;
	weft_codec_message list[LIST_COUNT];
	weft_buffer buffer = { 0 };
	weft_error err;
	int r = 0;

	for (uint32_t i = 0; i < LIST_COUNT; i++)
		list[i] = sampled();
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		buffer.len_bytes = 0;
		r = weft_codec_encode_list(WEFT_CODEC_JSON, list, LIST_COUNT, &buffer, &err);
	}
	timed(t0, n, ret_ms, ret_ops);
	weft_buffer_fini(&buffer);
	return r == 0 ? 0 : bench_fail(out, "%s", err.message);
}

/* ---- ids -------------------------------------------------------------------------------------- */

int seeds_uuid_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 500000 : 2000000, t0 = weft_now_ns();
	weft_uuid last = weft_uuid_v7();
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		weft_uuid id = weft_uuid_v7();

		wrong += id.bytes[15] == last.bytes[15] && weft_uuid_eq(id, last);
		last = id;
	}
	timed(t0, n, ret_ms, ret_ops);
	return wrong ? bench_fail(out, "two ids are the same") : 0;
}

int seeds_uuid_parse(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	static char texts[IDS][WEFT_UUID_TEXT_LEN];
	uint64_t n = opt->quick ? 500000 : 2000000, t0;
	weft_uuid last = { { 0 } }, id = last;
	int r = 0;

	for (uint32_t i = 0; i < IDS; i++) {
		last = weft_uuid_v7();
		weft_uuid_format(last, texts[i]);
	}
	t0 = weft_now_ns();
	for (uint64_t i = 0; i < n; i++)
		r |= weft_uuid_parse((weft_str){ texts[i % IDS], WEFT_UUID_TEXT_LEN }, &id);
	timed(t0, n, ret_ms, ret_ops);
	weft_uuid_parse((weft_str){ texts[IDS - 1], WEFT_UUID_TEXT_LEN }, &id);
	return r == 0 && weft_uuid_eq(id, last) ? 0 : bench_fail(out, "an id is another one");
}

/* ---- hashes ----------------------------------------------------------------------------------- */

static const char dictionary[] =
	"{\"name\":\"weather\",\"place\":\"Kyoto\",\"country\":\"JP\",\"days\":2,\"units\":\"metric\",\"lat\":35.0116,\"lon\":135.7681,"
	"\"hourly\":true,\"alerts\":false,\"language\":\"en\",\"tags\":[\"rain\",\"wind\"],\"limit\":50,\"offset\":0,\"cursor\":null,"
	"\"format\":\"short\",\"source\":\"station\",\"elevation\":56.5,\"radius_km\":10,\"provider\":\"any\",\"retry\":3}";

int seeds_dict_hash(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 20000 : 200000, sum = 0, t0;
	weft_json_doc *doc;
	weft_hash128 h = { 0 };
	int r = weft_json_parse(weft_str_from(dictionary), &doc, NULL);

	if (r < 0)
		return r;
	if (weft_json_count(weft_json_root(doc)) != 20)
		r = bench_fail(out, "not 20 keys");
	t0 = weft_now_ns();
	for (uint64_t i = 0; i < n; i++) {
		h = weft_json_canonical_hash(weft_json_root(doc));
		sum ^= h.lo;
	}
	timed(t0, n, ret_ms, ret_ops);
	if (r == 0 && sum != (n & 1 ? h.lo : 0))
		r = bench_fail(out, "the hash changes");
	weft_json_release(doc);
	return r;
}
