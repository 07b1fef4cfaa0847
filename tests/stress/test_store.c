/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store under several threads. Goal: nothing lost, nothing seen after its deletion,
 * no torn record. Method: threads add, read, delete, embed, search and replace attachments in few
 * rooms; each text, an attachment's too, carries a checksum that visitors verify; at the end added == counted + deleted.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weft/memory.h>

#include "tests/support/seed.h"

#define THREADS 4u
#define ROOMS 3u
#define STEPS 4000u
#define DIMS 16u
#define TEXT_BYTES 104u

static weft_store *store;
static weft_uuid rooms[ROOMS];
static _Atomic(uint64_t) added, deleted;
static uint64_t seed;

static uint32_t checksum(const char *text, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

static void verify_text(weft_str text)
{
	uint32_t sum;

	cr_assert_geq(text.len_bytes, 4);
	memcpy(&sum, text.ptr, 4);
	cr_assert_eq(sum, checksum(text.ptr + 4, text.len_bytes - 4), "a torn or freed record");
}

static bool verify(const weft_memory *m, void *user)
{
	(void)user;
	verify_text(m->text);
	for (uint32_t i = 0; i < m->attachment_count; i++)
		verify_text(m->attachments[i].text);
	return true;
}

/* A text that carries its checksum; room has TEXT_BYTES. */
static weft_str make_text(uint64_t *rnd, char *room)
{
	uint32_t n = test_below(rnd, TEXT_BYTES - 4), sum;

	for (uint32_t i = 0; i < n; i++)
		room[4 + i] = (char)test_random(rnd);
	sum = checksum(room + 4, n);
	memcpy(room, &sum, 4);
	return (weft_str){ room, n + 4 };
}

static void attach(uint64_t *rnd, weft_uuid id)
{
	char text[3][TEXT_BYTES];
	weft_attachment list[3];
	uint32_t n = test_below(rnd, 4);

	for (uint32_t i = 0; i < n; i++)
		list[i] = (weft_attachment){ .text = make_text(rnd, text[i]) };
	cr_assert_eq(weft_store_set_attachments(store, id, list, n), 0);
}

static weft_uuid add(uint64_t *rnd)
{
	char text[TEXT_BYTES], attached[TEXT_BYTES];
	weft_attachment a = { .text = make_text(rnd, attached) };
	weft_memory m = { .room_id = rooms[test_below(rnd, ROOMS)],
		          .text = make_text(rnd, text),
		          .attachments = &a,
		          .attachment_count = test_below(rnd, 2) };
	weft_uuid id;

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	added++;
	return id;
}

static void vector(uint64_t *rnd, float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(rnd, 1000) + 1;
}

static void *worker(void *arg)
{
	uint64_t rnd = seed + (uintptr_t)arg;
	weft_uuid mine[STEPS];
	uint32_t n = 0;
	weft_arena *arena;
	float v[DIMS];

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < STEPS; i++) {
		weft_uuid room = rooms[test_below(&rnd, ROOMS)];
		weft_search_hit hits[8];
		weft_memory m;

		switch (test_below(&rnd, 9)) {
		case 0:
			if (n) {
				uint32_t at = test_below(&rnd, n);

				cr_assert_eq(weft_store_delete(store, mine[at]), 0);
				deleted++;
				cr_assert_eq(weft_store_get(store, mine[at], arena, &m), -ENOENT);
				mine[at] = mine[--n];
			}
			break;
		case 1:
			if (n) {
				vector(&rnd, v);
				cr_assert_eq(weft_store_set_embedding(store, mine[test_below(&rnd, n)], v, DIMS), 0);
			}
			break;
		case 2:
			vector(&rnd, v);
			cr_assert_geq(weft_store_search(store, room, WEFT_MEMORY_MESSAGE, v, DIMS, 8, hits), 0);
			break;
		case 3:
			weft_store_visit_recent(store, room, WEFT_MEMORY_MESSAGE, 0, 64, verify, NULL);
			break;
		case 4:
			if (n) {
				cr_assert_eq(weft_store_get(store, mine[test_below(&rnd, n)], arena, &m), 0);
				verify(&m, NULL);
				weft_arena_reset(arena);
			}
			break;
		case 5:
			if (n)
				attach(&rnd, mine[test_below(&rnd, n)]);
			break;
		default:
			mine[n++] = add(&rnd);
		}
	}
	weft_arena_destroy(arena);
	return NULL;
}

Test(stress_store, everything__at_once)
{
	pthread_t threads[THREADS];
	uint64_t left = 0;

	seed = test_seed("store");
	added = deleted = 0;
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	for (uint32_t i = 0; i < ROOMS; i++)
		rooms[i] = weft_uuid_v7();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < ROOMS; i++) {
		left += weft_store_count(store, rooms[i], WEFT_MEMORY_MESSAGE);
		weft_store_visit_recent(store, rooms[i], WEFT_MEMORY_MESSAGE, 0, UINT32_MAX, verify, NULL);
	}
	cr_assert_eq(added, left + deleted, "added %lu, left %lu, deleted %lu", (unsigned long)added, (unsigned long)left,
	             (unsigned long)deleted);
	weft_store_unref(store);
}
