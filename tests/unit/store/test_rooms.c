/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Very many rooms. Goal: 100,000 of them with a message each are found, read, counted and swept, and a room costs
 * little beside what is said in it. Method: an allocator that counts what is held of it.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/memory.h>

#define ROOMS 100000u
#define ROOM_BYTES_MAX 300u /* with its history, and the places of both in their maps */

/* ---- an allocator that counts --------------------------------------------------------------- */

struct head {
	void *block;
	size_t bytes;
};

static uint64_t held;

static void *take(size_t alignment, size_t bytes)
{
	size_t front = alignment > sizeof(struct head) ? alignment : sizeof(struct head);
	void *block = NULL;
	struct head *h;

	if (posix_memalign(&block, front, front + bytes))
		return NULL;
	h = (struct head *)(void *)((char *)block + front) - 1;
	*h = (struct head){ block, bytes };
	held += bytes;
	return h + 1;
}

static void *counting_malloc(size_t bytes, void *user)
{
	(void)user;
	return take(sizeof(struct head), bytes);
}

static void *counting_aligned(size_t alignment, size_t bytes, void *user)
{
	(void)user;
	return take(alignment, bytes);
}

static void counting_free(void *ptr, void *user)
{
	struct head *h = ptr;

	(void)user;
	if (!ptr)
		return;
	held -= h[-1].bytes;
	free(h[-1].block);
}

static void *counting_realloc(void *ptr, size_t bytes, void *user)
{
	void *more = take(sizeof(struct head), bytes);
	size_t had = ptr ? ((struct head *)ptr)[-1].bytes : 0;

	if (!more)
		return NULL;
	memcpy(more, ptr ? ptr : "", had < bytes ? had : bytes);
	counting_free(ptr, user);
	return more;
}

static void count_allocations(void)
{
	weft_allocator a = { .size = sizeof(a),
		             .malloc_fn = counting_malloc,
		             .realloc_fn = counting_realloc,
		             .free_fn = counting_free,
		             .aligned_fn = counting_aligned };

	cr_assert_eq(weft_allocator_set(&a), 0);
}

/* ---- rooms ------------------------------------------------------------------------------------ */

static weft_uuid rooms[ROOMS];

static bool is_room(const weft_memory *m, void *user)
{
	return memcmp(m->text.ptr, user, sizeof(weft_uuid)) == 0 && weft_uuid_eq(m->room_id, *(weft_uuid *)user);
}

static void fill(weft_store *store)
{
	for (uint32_t i = 0; i < ROOMS; i++) {
		weft_memory m = { .room_id = rooms[i] = weft_uuid_v7(), .created_ms = 1 + i % 10,
			          .text = { (const char *)&rooms[i], sizeof(rooms[i]) } };

		cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	}
}

Test(rooms, many__are_found_and_cost_little)
{
	weft_limits limits = { .age_max_ms = 100 };
	weft_store_stats stats = { .size = sizeof(stats) };
	uint64_t before;
	weft_store *store;

	count_allocations();
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	before = held;
	fill(store);
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(stats.rooms, ROOMS);
	cr_assert_eq(stats.memories, ROOMS);
	cr_assert_leq((held - before - stats.bytes) / ROOMS, ROOM_BYTES_MAX, "%lu bytes a room",
	              (unsigned long)((held - before - stats.bytes) / ROOMS));
	for (uint32_t i = 0; i < ROOMS; i++)
		cr_assert_eq(weft_store_visit_recent(store, rooms[i], WEFT_MEMORY_MESSAGE, 0, 2, is_room, &rooms[i]), 1);
	cr_assert_eq(weft_store_set_limits(store, (weft_uuid){ { 0 } }, WEFT_MEMORY_MESSAGE, &limits), 0);
	cr_assert_eq(weft_store_expire(store, 106), (int)(ROOMS / 2), "of created_ms 1 to 5");
	weft_store_unref(store);
	cr_assert_eq(held, 0);
}
