/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relationships and tasks under several threads. Goal: both ends of a relationship know the same ones, no record is
 * seen torn or after its end, and what was put and not deleted is there. Method: threads put, delete and list among few
 * entities and rooms; tags carry the strength; at the end each list is held against every other.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/memory.h>

#include "tests/support/seed.h"

#define THREADS 4u
#define PEOPLE 5u
#define TASKS 16u
#define STEPS 4000u

static weft_store *store;
static weft_uuid people[PEOPLE], tasks[TASKS];
static uint64_t seed;

static void verify(const weft_relationship *list, int n)
{
	for (int i = 0; i < n; i++)
		cr_assert_eq(atoi(list[i].tags.ptr), (int)list[i].strength, "torn or freed");
}

static void relate(uint64_t *rnd)
{
	weft_relationship r = { .source_id = people[test_below(rnd, PEOPLE)], .target_id = people[test_below(rnd, PEOPLE)] };
	uint32_t number = test_below(rnd, 1000000);
	char tags[16];

	snprintf(tags, sizeof(tags), "%u", number);
	r.tags = weft_str_from(tags);
	r.strength = number;
	cr_assert_eq(weft_store_put_relationship(store, &r), 0);
}

static void plan(uint64_t *rnd)
{
	weft_task t = { .id = tasks[test_below(rnd, TASKS)], .room_id = people[test_below(rnd, PEOPLE)] };
	char name[16];

	t.due_ms = test_below(rnd, 1000000);
	snprintf(name, sizeof(name), "%lld", (long long)t.due_ms);
	t.name = weft_str_from(name);
	cr_assert_eq(weft_store_put_task(store, &t), 0);
}

static void *worker(void *arg)
{
	uint64_t rnd = seed + (uintptr_t)arg;
	weft_relationship *list;
	weft_task *todo;
	weft_arena *arena;
	int n;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < STEPS; i++) {
		weft_uuid who = people[test_below(&rnd, PEOPLE)];

		switch (test_below(&rnd, 8)) {
		case 0:
			n = weft_store_delete_relationship(store, who, people[test_below(&rnd, PEOPLE)]);
			cr_assert(n == 0 || n == -ENOENT);
			break;
		case 1:
			n = weft_store_delete_task(store, tasks[test_below(&rnd, TASKS)]);
			cr_assert(n == 0 || n == -ENOENT);
			break;
		case 2:
			n = weft_store_relationships(store, who, arena, &list);
			cr_assert_geq(n, 0);
			verify(list, n);
			break;
		case 3:
			n = weft_store_tasks(store, who, (weft_uuid){ { 0 } }, 0, arena, &todo);
			cr_assert_geq(n, 0);
			for (int j = 0; j < n; j++)
				cr_assert_eq(atoll(todo[j].name.ptr), todo[j].due_ms, "torn or freed");
			break;
		case 4:
		case 5:
			plan(&rnd);
			break;
		default:
			relate(&rnd);
		}
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	return NULL;
}

static void check_relations(weft_arena *arena)
{
	weft_store_stats stats = { .size = sizeof(stats) };
	weft_relationship *list, one;
	uint64_t from = 0, to = 0;

	for (uint32_t i = 0; i < PEOPLE; i++) {
		int n = weft_store_relationships(store, people[i], arena, &list);

		verify(list, n);
		for (int j = 0; j < n; j++) {
			from += weft_uuid_eq(list[j].source_id, people[i]);
			to += weft_uuid_eq(list[j].target_id, people[i]);
			cr_assert_eq(weft_store_get_relationship(store, list[j].source_id, list[j].target_id, arena, &one), 0);
			cr_assert_eq(one.strength, list[j].strength, "both ends know the same one");
		}
	}
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(stats.relationships, from);
	cr_assert_eq(from, to);
}

static void check_tasks(weft_arena *arena)
{
	weft_store_stats stats = { .size = sizeof(stats) };
	uint64_t listed = 0;
	weft_task *list, one;

	for (uint32_t i = 0; i < PEOPLE; i++) {
		int n = weft_store_tasks(store, people[i], (weft_uuid){ { 0 } }, 0, arena, &list);

		for (int j = 0; j < n; j++) {
			cr_assert_eq(weft_store_get_task(store, list[j].id, arena, &one), 0);
			cr_assert(one.due_ms == list[j].due_ms && weft_uuid_eq(one.room_id, people[i]));
		}
		listed += (uint64_t)n;
	}
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(stats.tasks, listed);
}

Test(stress_relations, all__lists_agree)
{
	pthread_t threads[THREADS];
	weft_arena *arena;

	seed = test_seed("relations");
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < PEOPLE; i++)
		people[i] = weft_uuid_v7();
	for (uint32_t i = 0; i < TASKS; i++)
		tasks[i] = weft_uuid_v7();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_relations(arena);
	check_tasks(arena);
	weft_arena_destroy(arena);
	weft_store_unref(store);
}
