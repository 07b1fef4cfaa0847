/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the bytes on disk are what docs/internals/log.md says, one wrong bit in them is seen, and whatever
 * else is read as a record is refused, not trusted.
 * Method: known checksums, table against instruction; each bit of a head turned over; records of every kind there and
 * back, cut at every length, and bytes at random.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <weft/error.h>

#include "store/log/crc.h"
#include "store/log/format.h"
#include "store/log/record.h"
#include "tests/support/seed.h"

Test(crc32c, known_values)
{
	char zeros[32] = { 0 }, ones[32];

	memset(ones, 0xff, sizeof(ones));
	cr_assert_eq(weft__crc32c(0, "123456789", 9), 0xe3069283u);
	cr_assert_eq(weft__crc32c(0, zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
	cr_assert_eq(weft__crc32c(0, ones, 32), 0x62a8ab43u);
	cr_assert_eq(weft__crc32c(7, "", 0), 7);
}

Test(crc32c, table_and_instruction_agree_and_go_on)
{
	uint64_t rnd = test_seed("crc");
	unsigned char bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)test_random(&rnd);
	for (uint32_t i = 0; i < 2000; i++) {
		size_t from = test_below(&rnd, 16), len = test_below(&rnd, 280), cut = test_below(&rnd, (uint32_t)len + 1);
		uint32_t crc = weft__crc32c(0, bytes + from, len);

		cr_assert_eq(crc, weft__crc32c_table(0, bytes + from, len));
		cr_assert_eq(crc, weft__crc32c(weft__crc32c(0, bytes + from, cut), bytes + from + cut, len - cut));
	}
}

Test(crc32c, three_at_once_agree)
{
	uint64_t rnd = test_seed("crc three");
	unsigned char bytes[600];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)test_random(&rnd);
	for (uint32_t i = 0; i < 2000; i++) {
		size_t len = test_below(&rnd, 200);
		const void *data[3];
		uint32_t got[3];

		for (int k = 0; k < 3; k++)
			data[k] = bytes + test_below(&rnd, 400);
		weft__crc32c_three(data, len, got);
		for (int k = 0; k < 3; k++)
			cr_assert_eq(got[k], weft__crc32c_table(0, data[k], len));
	}
}

/* ---- heads and frames ------------------------------------------------------------ */

static struct weft__head a_head(void)
{
	return (struct weft__head){ .kind = WEFT__SEGMENT_LOG, .store = { "0123456789abcde" }, .number = 7, .first_seq = 99,
		                    .chain = 0xdeadbeef, .created_ms = 1 };
}

Test(log_format, a_head_there_and_back)
{
	char sector[WEFT__SECTOR];
	struct weft__head h = a_head(), back;
	uint32_t version = 0;

	weft__head_put(sector, &h);
	cr_assert_eq(weft__head_get(sector, &back, &version), 0);
	cr_assert_eq(version, WEFT__LOG_VERSION);
	cr_assert(back.kind == h.kind && back.number == 7 && back.first_seq == 99 && back.chain == h.chain && back.created_ms == 1);
	cr_assert(weft_uuid_eq(back.store, h.store));
	cr_assert_eq(back.crc, h.crc);
	memset(sector, 0, sizeof(sector));
	cr_assert_eq(weft__head_get(sector, &back, &version), -ENODATA);
	strcpy(sector, "#!/bin/sh");
	cr_assert_eq(weft__head_get(sector, &back, &version), -EBADMSG);
}

Test(log_format, each_bit_of_a_head_counts)
{
	char sector[WEFT__SECTOR];
	struct weft__head h = a_head(), back;
	uint32_t version;

	weft__head_put(sector, &h);
	for (uint32_t bit = 0; bit < 68 * 8; bit++) {
		sector[bit / 8] ^= (char)(1 << bit % 8);
		cr_assert_lt(weft__head_get(sector, &back, &version), 0, "bit %u", bit);
		sector[bit / 8] ^= (char)(1 << bit % 8);
	}
	cr_assert_eq(weft__head_get(sector, &back, &version), 0);
}

Test(log_format, another_version_is_told)
{
	char sector[WEFT__SECTOR];
	struct weft__head h = a_head(), back;
	uint32_t version = 0;

	weft__head_put(sector, &h);
	weft__put32(sector + 8, 77);
	weft__put32(sector + 64, weft__crc32c(0, sector, 64));
	cr_assert_eq(weft__head_get(sector, &back, &version), WEFT_EVERSION);
	cr_assert_eq(version, 77);
}

Test(log_format, a_frame_belongs_to_its_segment)
{
	struct weft__frame f = { .seq = 5, .chain = 6, .records = 7, .flags = 0, .len = 8 }, back;
	char bytes[WEFT__FRAME_BYTES];

	f.crc = weft__frame_begin(&f, 1);
	weft__frame_put(bytes, &f);
	cr_assert_eq(weft__frame_get(bytes, &back), 0);
	cr_assert(back.seq == 5 && back.chain == 6 && back.records == 7 && back.len == 8 && back.crc == f.crc);
	cr_assert_eq(weft__frame_begin(&back, 1), f.crc);
	cr_assert_neq(weft__frame_begin(&back, 2), f.crc, "another head, another checksum");
	back.seq++;
	cr_assert_neq(weft__frame_begin(&back, 1), f.crc);
	bytes[0] ^= 1;
	cr_assert_eq(weft__frame_get(bytes, &back), -EBADMSG);
	cr_assert_eq(weft__batch_bytes(0), WEFT__SECTOR);
	cr_assert_eq(weft__batch_bytes(WEFT__SECTOR - WEFT__FRAME_BYTES), WEFT__SECTOR);
	cr_assert_eq(weft__batch_bytes(WEFT__SECTOR - WEFT__FRAME_BYTES + 1), 2 * WEFT__SECTOR);
}

/* ---- records ----------------------------------------------------------------------- */

#define ID(letter) ((weft_uuid){ { letter, 1, 2, 3 } })

static const float vector[3] = { 0.6f, 0.0f, -0.8f };
static const weft_attachment attached[2] = {
	{ .id = { { 'x' } }, .url = WEFT_STR("u"), .title = WEFT_STR("") },
	{ .id = { { 'y' } }, .text = WEFT_STR("said"), .content_type = WEFT_STR("a/b"), .source = WEFT_STR("s") },
};

static uint32_t every_kind(weft_change *ret)
{
	uint32_t n = 0;

	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_WORLD, .world = { ID('w'), WEFT_STR("earth") } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_ROOM,
		                  .room = { ID('r'), ID('w'), WEFT_ROOM_FEED, WEFT_STR("room"), WEFT_STR("test") } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_ENTITY, .entity = { ID('e'), WEFT_STR("eve"), true } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_JOIN, .person = { ID('r'), ID('e'), WEFT_FOLLOW_NONE } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_FOLLOW, .person = { ID('r'), ID('e'), WEFT_FOLLOW_MUTED } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_MEMORY,
		                  .memory = { .id = ID('m'), .type = WEFT_MEMORY_FACT, .room_id = ID('r'), .created_ms = -5,
		                              .text = WEFT_STR("hello"), .thought = WEFT_STR("hm"), .attachment_count = 2,
		                              .attachments = attached } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_DELETE, .memory = { .id = ID('d') } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_EMBEDDING,
		                  .memory = { .id = ID('m'), .embedding = vector, .embedding_dims = 3 } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_ATTACHMENTS,
		                  .memory = { .id = ID('m'), .attachment_count = 2, .attachments = attached } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_RELATIONSHIP,
		                  .relationship = { .source_id = ID('a'), .target_id = ID('b'), .tags = WEFT_STR("friend"),
		                                    .strength = -0.25, .created_ms = 3, .updated_ms = 4 } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_RELATIONSHIP_DELETE,
		                  .relationship = { .source_id = ID('a'), .target_id = ID('b') } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_TASK,
		                  .task = { .id = ID('t'), .room_id = ID('r'), .entity_id = ID('e'), .kind = WEFT_TASK_GOAL,
		                            .status = WEFT_TASK_DONE, .due_ms = 5, .created_ms = 6, .updated_ms = 7,
		                            .name = WEFT_STR("n"), .description = WEFT_STR("d"), .tags = WEFT_STR("t") } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_TASK_DELETE, .task = { .id = ID('t') } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_LIMITS,
		                  .limit = { ID('r'), WEFT_MEMORY_FACT, { 8, WEFT_LIMIT_NONE, 9 } } };
	ret[n++] = (weft_change){ .kind = WEFT_CHANGE_QUOTA, .quota = { ID('a'), 10, 11 } };
	return n;
}

Test(log_record, every_kind_there_and_back)
{
	weft_change all[WEFT_CHANGE_KIND_COUNT], c;
	uint32_t n = every_kind(all);
	char bytes[1024], again[1024], *end = bytes;
	struct weft__changes r;
	weft_arena *arena;
	uint64_t count = 0;

	cr_assert_eq(n, WEFT_CHANGE_KIND_COUNT - 1, "all of them");
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < n; i++) {
		char *next = weft__change_put(end, &all[i]);

		cr_assert_eq((size_t)(next - end), weft__change_bytes(&all[i]));
		end = next;
	}
	end = weft__change_put_end(end, n);
	r = (struct weft__changes){ bytes, end };
	for (uint32_t i = 0; i < n; i++) {
		const char *from = r.at;

		cr_assert_eq(weft__changes_next(&r, arena, &c, &count), 1);
		cr_assert_eq(c.kind, all[i].kind);
		cr_assert_eq((size_t)(weft__change_put(again, &c) - again), (size_t)(r.at - from));
		cr_assert_eq(memcmp(again, from, (size_t)(r.at - from)), 0, "kind %d", (int)c.kind);
		if (c.kind == WEFT_CHANGE_MEMORY) {
			cr_assert_eq(c.memory.created_ms, -5);
			cr_assert(weft_str_eq(c.memory.attachments[1].text, WEFT_STR("said")));
		}
		if (c.kind == WEFT_CHANGE_EMBEDDING)
			cr_assert_eq(memcmp(c.memory.embedding, vector, sizeof(vector)), 0);
	}
	cr_assert_eq(weft__changes_next(&r, arena, &c, &count), 1);
	cr_assert_eq((int)c.kind, 0);
	cr_assert_eq(count, n);
	cr_assert_eq(weft__changes_next(&r, arena, &c, &count), 0);
	weft_arena_destroy(arena);
}

Test(log_record, what_is_cut_or_longer_is_refused)
{
	weft_change all[WEFT_CHANGE_KIND_COUNT], c;
	uint32_t n = every_kind(all);
	weft_arena *arena;
	uint64_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < n; i++) {
		size_t bytes = weft__change_bytes(&all[i]);
		char *copy;

		for (size_t cut = 1; cut < bytes; cut++) {
			struct weft__changes r;

			copy = malloc(bytes); /* of its own: a sanitizer sees a step over the end */
			weft__change_put(copy, &all[i]);
			if (cut > 4)
				weft__put32(copy, (uint32_t)(cut - 4)); /* its length agrees, and fields are missing */
			r = (struct weft__changes){ copy, copy + cut };
			cr_assert_eq(weft__changes_next(&r, arena, &c, &count), WEFT_EDAMAGED, "kind %u, %zu of %zu", i, cut, bytes);
			free(copy);
		}
	}
	weft_arena_destroy(arena);
}

Test(log_record, random_bytes_are_no_danger)
{
	uint64_t rnd = test_seed("records"), count;
	weft_arena *arena;
	weft_change c;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		size_t len = 5 + test_below(&rnd, 200);
		char *bytes = malloc(len);
		struct weft__changes r = { bytes, bytes + len };

		for (size_t b = 0; b < len; b++)
			bytes[b] = test_below(&rnd, 3) ? 0 : (char)test_random(&rnd);
		weft__put32(bytes, (uint32_t)(len - 4));
		bytes[4] = (char)(1 + test_below(&rnd, WEFT_CHANGE_KIND_COUNT));
		weft_arena_reset(arena);
		while (weft__changes_next(&r, arena, &c, &count) == 1)
			cr_assert_leq(c.memory.attachment_count, 0xffffffffu);
		free(bytes);
	}
	weft_arena_destroy(arena);
}
