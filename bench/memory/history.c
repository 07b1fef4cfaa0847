/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/history.c - the messages of rooms: appended, and the last ten read as an agent's providers read them, or ten by
 * their time. What is read has to be what was asked for, in order; that a long history costs nothing more is a goal (bench/goals.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

#define LAST 10u
#define READS 20000u

static const char words[] = "Not a long message, about as long as people write them to each other in a room, and a bit.";

static int add(weft_store *store, weft_uuid room, weft_uuid entity, uint32_t number)
{
	weft_memory m = { .type = WEFT_MEMORY_MESSAGE, .room_id = room, .entity_id = entity, .source = WEFT_STR("benchmark") };

	m.created_ms = 1 + number; /* says later which one it is */
	m.text = weft_str_from(words);
	return weft_store_add(store, &m, NULL);
}

static int fill(weft_store *store, weft_uuid room, weft_uuid entity, uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = add(store, room, entity, i);
	return r;
}

void memory_history_append(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t count = opt->quick ? 2000 : memory_detail(self)->count, kept = memory_detail(self)->kept;
	weft_limits limits = { .memories_max = kept };
	weft_uuid room = weft_uuid_v7(), entity = weft_uuid_v7();
	int r = 0;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		weft_store *store = NULL;
		uint64_t t0;

		r = weft_store_create(NULL, &store);
		if (r == 0)
			r = weft_store_set_limits(store, (weft_uuid){ { 0 } }, WEFT_MEMORY_MESSAGE, &limits);
		t0 = weft_now_ns();
		if (r == 0)
			r = fill(store, room, entity, count);
		memory_add(out, i, t0, count);
		if (r == 0 && weft_store_count(store, room, WEFT_MEMORY_MESSAGE) != (kept ? kept : count))
			r = bench_fail(out, "the store does not hold what it should");
		weft_store_unref(store);
	}
	memory_end(out, r);
}

static int read_last(weft_store *store, weft_uuid room, weft_arena *arena, uint32_t count)
{
	weft_memory *list = NULL;
	int n = weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, 0, LAST, arena, &list);

	if (n < 0)
		return n;
	if (n != (int)(count < LAST ? count : LAST) || list[0].created_ms != count || list[n - 1].created_ms != count - (uint32_t)n + 1)
		return -EIO;
	weft_arena_reset(arena);
	return 0;
}

/* Ten from the middle, seen in place. */
struct range {
	int64_t expect_ms;
	uint32_t wrong;
};

static bool see_range(const weft_memory *m, void *user)
{
	struct range *range = user;

	range->wrong += m->created_ms != range->expect_ms--;
	return true;
}

static int read_range(weft_store *store, weft_uuid room, weft_arena *arena, uint32_t count)
{
	int64_t from = count / 2, to = from + LAST - 1;
	struct range range = { .expect_ms = to };
	int n = weft_store_visit_between(store, room, WEFT_MEMORY_MESSAGE, from, to, UINT32_MAX, see_range, &range);

	(void)arena;
	return n == (int)LAST && !range.wrong ? 0 : -EIO;
}

static void read_item(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out,
                      int (*read)(weft_store *store, weft_uuid room, weft_arena *arena, uint32_t count))
{
	uint32_t count = memory_detail(self)->count, reads = opt->quick ? READS / 20 : READS;
	weft_uuid room = weft_uuid_v7(), entity = weft_uuid_v7();
	weft_store *store = NULL;
	weft_arena *arena = NULL;
	int r = weft_store_create(NULL, &store);

	memory_begin(opt, self, out);
	if (r == 0)
		r = weft_arena_create(16384, &arena);
	if (r == 0)
		r = fill(store, room, entity, count);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t j = 0; r == 0 && j < reads; j++)
			r = read(store, room, arena, count);
		memory_add(out, i, t0, reads);
	}
	if (r == -EIO)
		bench_fail(out, "what was read is not what was asked for");
	weft_arena_destroy(arena);
	weft_store_unref(store);
	memory_end(out, r);
}

void memory_history_read(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	read_item(opt, self, out, read_last);
}

void memory_history_range(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	read_item(opt, self, out, read_range);
}

/* ---- many rooms --------------------------------------------------------------------------------- */

#define ROOM_MESSAGES 3u

struct rooms {
	weft_store *store;
	weft_uuid *ids;
	uint32_t count;
};

static int rooms_make(struct rooms *rooms, uint32_t count)
{
	rooms->count = count;
	rooms->ids = malloc(count * sizeof(*rooms->ids));
	for (uint32_t i = 0; rooms->ids && i < count; i++)
		rooms->ids[i] = weft_uuid_v7();
	return rooms->ids ? weft_store_create(NULL, &rooms->store) : -ENOMEM;
}

static void rooms_free(struct rooms *rooms)
{
	weft_store_unref(rooms->store);
	free(rooms->ids);
}

/* Round after round: the next message of a room comes when all others had theirs. */
static int rooms_fill(const struct rooms *rooms)
{
	weft_uuid entity = weft_uuid_v7();
	int r = 0;

	for (uint32_t round = 0; round < ROOM_MESSAGES; round++) {
		for (uint32_t i = 0; r == 0 && i < rooms->count; i++)
			r = add(rooms->store, rooms->ids[i], entity, round);
	}
	return r;
}

static uint32_t rooms_count(const struct bench_options *opt, const struct bench_micro *self)
{
	return opt->quick ? 1000 : memory_detail(self)->count;
}

void memory_rooms_add(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	int r = 0;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		struct rooms rooms = { 0 };
		weft_store_stats stats = { .size = sizeof(stats) };
		uint64_t t0;

		r = rooms_make(&rooms, rooms_count(opt, self));
		t0 = weft_now_ns();
		if (r == 0)
			r = rooms_fill(&rooms);
		memory_add(out, i, t0, (uint64_t)rooms.count * ROOM_MESSAGES);
		if (r == 0)
			r = weft_store_stats_read(rooms.store, &stats);
		if (r == 0 && (stats.rooms != rooms.count || stats.memories != (uint64_t)rooms.count * ROOM_MESSAGES))
			r = bench_fail(out, "the store does not hold what was added");
		rooms_free(&rooms);
	}
	memory_end(out, r);
}

void memory_rooms_read(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t reads = opt->quick ? READS / 20 : READS * 5;
	struct rooms rooms = { 0 };
	weft_arena *arena = NULL;
	uint64_t seed = 1;
	int r = weft_arena_create(16384, &arena);

	memory_begin(opt, self, out);
	if (r == 0)
		r = rooms_make(&rooms, rooms_count(opt, self));
	if (r == 0)
		r = rooms_fill(&rooms);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t j = 0; r == 0 && j < reads; j++)
			r = read_last(rooms.store, rooms.ids[vectors_random(&seed) % rooms.count], arena, ROOM_MESSAGES);
		memory_add(out, i, t0, reads);
	}
	weft_arena_destroy(arena);
	rooms_free(&rooms);
	memory_end(out, r);
}

void memory_room_bytes(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct rooms rooms = { 0 };
	double before;
	uint64_t t0 = weft_now_ns();
	int r = rooms_make(&rooms, rooms_count(opt, self));

	memory_begin(opt, self, out);
	before = bench_rss_read().now_mb;
	if (r == 0)
		r = rooms_fill(&rooms);
	memory_add(out, out->warmup, t0, 1);
	out->bytes = (bench_rss_read().now_mb - before) * (1 << 20) / rooms.count;
	if (r == 0 && out->bytes <= 0)
		r = bench_fail(out, "resident memory cannot be read");
	rooms_free(&rooms);
	memory_end(out, r);
}
