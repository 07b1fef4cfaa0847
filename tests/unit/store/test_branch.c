/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a branch is the room up to the message, under ids of its own, and nothing of the old room has changed; one that fails
 * leaves no memory behind.
 * Method: a room with everything in it is branched at each of its messages, and at none; a quota refuses in the middle; other
 * threads add while it is copied.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <weft/durable.h>
#include <weft/memory.h>

#include "tests/support/folder.h"

#define MESSAGES 20
#define DIMS 4u

static weft_store *store;
static weft_arena *arena;
static weft_uuid room, world, people[2], agent, ids[MESSAGES];

static weft_memory message(int i, char *text)
{
	static const weft_attachment picture = { .url = { "http://x/y.png", 14 } };

	return (weft_memory){ .room_id = room,
		              .entity_id = people[i % 2],
		              .agent_id = agent,
		              .created_ms = 1000 + i,
		              .text = { text, (size_t)snprintf(text, 24, "message %d", i) },
		              .thought = WEFT_STR("hm"),
		              .in_reply_to = i ? ids[i - 1] : people[0], /* the first: of nothing that is copied */
		              .attachments = &picture,
		              .attachment_count = i % 3 == 0 };
}

static void room_fill(void)
{
	for (int i = 0; i < MESSAGES; i++) {
		float v[DIMS] = { (float)i + 1, 1 };
		char text[24];
		weft_memory m = message(i, text);

		cr_assert_eq(weft_store_add(store, &m, &ids[i]), 0);
		if (i % 2)
			cr_assert_eq(weft_store_set_embedding(store, ids[i], v, DIMS), 0);
		m.type = WEFT_MEMORY_FACT;
		m.id = (weft_uuid){ { 0 } };
		cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	}
}

static void up(void)
{
	weft_room r = { .kind = WEFT_ROOM_DM, .name = WEFT_STR("tea"), .source = WEFT_STR("test") };

	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	agent = weft_uuid_v7();
	world = weft_uuid_v7();
	room = r.id = weft_uuid_v7();
	r.world_id = world;
	cr_assert_eq(weft_store_put_room(store, &r), 0);
	for (int i = 0; i < 2; i++) {
		weft_entity e = { .id = weft_uuid_v7(), .name = WEFT_STR("somebody") };

		people[i] = e.id;
		cr_assert_eq(weft_store_put_entity(store, &e), 0);
		cr_assert_eq(weft_store_join(store, room, e.id), 0);
	}
	cr_assert_eq(weft_store_set_follow(store, room, people[1], WEFT_FOLLOW_MUTED), 0);
	room_fill();
}

static void down(void)
{
	weft_arena_destroy(arena);
	weft_store_unref(store);
}

TestSuite(branch, .init = up, .fini = down, .timeout = 120);

static void check_message(const weft_memory *was, const weft_memory *is, const weft_memory *before)
{
	cr_assert(!weft_uuid_eq(was->id, is->id));
	cr_assert(weft_str_eq(was->text, is->text) && weft_str_eq(was->thought, is->thought));
	cr_assert(weft_uuid_eq(was->entity_id, is->entity_id) && weft_uuid_eq(was->agent_id, is->agent_id));
	cr_assert_eq(was->created_ms, is->created_ms);
	cr_assert(weft_uuid_eq(is->in_reply_to, before ? before->id : people[0]), "a reply to the copy");
	cr_assert_eq(was->attachment_count, is->attachment_count);
	cr_assert_eq(was->embedding_dims, is->embedding_dims);
	for (uint32_t d = 0; d < is->embedding_dims; d++)
		cr_assert_float_eq(was->embedding[d], is->embedding[d], 1e-6);
}

static void check_branch(weft_uuid fresh, int messages)
{
	weft_memory *old, *new;
	int there = weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, (uint32_t)(MESSAGES - messages), MESSAGES, arena, &old);

	cr_assert_eq(there, messages);
	cr_assert_eq(weft_store_recent(store, fresh, WEFT_MEMORY_MESSAGE, 0, 1000, arena, &new), messages);
	for (int i = 0; i < messages; i++)
		check_message(&old[i], &new[i], i + 1 < messages ? &new[i + 1] : NULL);
	cr_assert_eq(weft_store_count(store, fresh, WEFT_MEMORY_FACT), (uint64_t)messages, "of the same age");
	cr_assert_eq(weft_store_count(store, room, WEFT_MEMORY_MESSAGE), MESSAGES, "the old room is as it was");
	weft_arena_reset(arena);
}

Test(branch, at_each_message__takes_what_came_up_to_it)
{
	for (int i = 0; i < MESSAGES; i++) {
		weft_uuid fresh;

		cr_assert_eq(weft_store_branch(store, room, ids[i], &fresh), 0);
		check_branch(fresh, i + 1);
	}
}

Test(branch, of_all__with_room_and_people)
{
	weft_uuid fresh;
	weft_entity *list;
	weft_room r;

	cr_assert_eq(weft_store_branch(store, room, (weft_uuid){ { 0 } }, &fresh), 0);
	check_branch(fresh, MESSAGES);
	cr_assert_eq(weft_store_get_room(store, fresh, arena, &r), 0);
	cr_expect(weft_uuid_eq(r.id, fresh) && weft_uuid_eq(r.world_id, world) && r.kind == WEFT_ROOM_DM);
	cr_expect(weft_str_eq(r.name, WEFT_STR("tea")) && weft_str_eq(r.source, WEFT_STR("test")));
	cr_assert_eq(weft_store_participants(store, fresh, arena, &list), 2);
	cr_expect(weft_uuid_eq(list[0].id, people[0]) && weft_uuid_eq(list[1].id, people[1]));
	cr_expect_eq(weft_store_get_follow(store, fresh, people[0]), WEFT_FOLLOW_NONE);
	cr_expect_eq(weft_store_get_follow(store, fresh, people[1]), WEFT_FOLLOW_MUTED);
}

Test(branch, afterwards__each_goes_its_own_way)
{
	weft_memory m = { .text = WEFT_STR("other"), .entity_id = people[0] };
	weft_uuid fresh;

	cr_assert_eq(weft_store_branch(store, room, ids[4], &fresh), 0);
	m.room_id = fresh;
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	cr_assert_eq(weft_store_delete(store, ids[0]), 0);
	cr_expect_eq(weft_store_count(store, fresh, WEFT_MEMORY_MESSAGE), 6);
	cr_expect_eq(weft_store_count(store, room, WEFT_MEMORY_MESSAGE), MESSAGES - 1);
}

Test(branch, what_is_not_there__is_refused)
{
	weft_uuid fresh = agent, nil = { { 0 } };

	cr_expect_eq(weft_store_branch(store, nil, nil, &fresh), -EINVAL);
	cr_expect_eq(weft_store_branch(NULL, room, nil, &fresh), -EINVAL);
	cr_expect_eq(weft_store_branch(store, room, nil, NULL), -EINVAL);
	cr_expect_eq(weft_store_branch(store, weft_uuid_v7(), nil, &fresh), -ENOENT);
	cr_expect_eq(weft_store_branch(store, room, weft_uuid_v7(), &fresh), -ENOENT);
	cr_expect(weft_uuid_eq(fresh, agent), "untouched");
}

Test(branch, that_fails__leaves_no_memory)
{
	weft_store_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	weft_uuid fresh;

	weft_store_stats_read(store, &before);
	cr_assert_eq(weft_store_set_quota(store, agent, 2 * MESSAGES + 13, 0), 0);
	cr_assert_eq(weft_store_branch(store, room, (weft_uuid){ { 0 } }, &fresh), -EDQUOT);
	weft_store_stats_read(store, &after);
	cr_expect_eq(after.memories, before.memories);
	cr_expect_eq(after.embeddings, before.embeddings);
	cr_expect_eq(after.bytes, before.bytes);
	cr_assert_eq(weft_store_set_quota(store, agent, 4 * MESSAGES, 0), 0);
	cr_expect_eq(weft_store_branch(store, room, (weft_uuid){ { 0 } }, &fresh), 0);
}

Test(branch, of_a_durable_store__is_there_again)
{
	weft_memory m = { .room_id = room, .text = WEFT_STR("kept"), .entity_id = people[0] };
	weft_store *durable;
	weft_uuid first, fresh;
	char folder[256];

	cr_assert_not_null(test_folder(folder));
	cr_assert_eq(weft_store_open(folder, NULL, &durable, NULL), 0);
	cr_assert_eq(weft_store_add(durable, &m, &first), 0);
	cr_assert_eq(weft_store_add(durable, &m, NULL), 0);
	cr_assert_eq(weft_store_branch(durable, room, first, &fresh), 0);
	weft_store_unref(durable);
	cr_assert_eq(weft_store_open(folder, NULL, &durable, NULL), 0);
	cr_expect_eq(weft_store_count(durable, fresh, WEFT_MEMORY_MESSAGE), 1);
	cr_expect_eq(weft_store_count(durable, room, WEFT_MEMORY_MESSAGE), 2);
	weft_store_unref(durable);
	test_folder_remove(folder);
}

static void *add_many(void *user)
{
	(void)user;
	for (int i = 0; i < 2000; i++) {
		weft_memory m = { .room_id = room, .entity_id = people[0], .text = WEFT_STR("more") };

		cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	}
	return NULL;
}

/* A branch of all is a prefix of the room: as many messages as there were at some moment, without a hole. */
Test(branch, beside_adds__is_a_beginning_of_the_room)
{
	pthread_t thread;
	uint64_t least = MESSAGES;

	cr_assert_eq(pthread_create(&thread, NULL, add_many, NULL), 0);
	for (int i = 0; i < 20; i++) {
		weft_uuid fresh;
		uint64_t n;

		cr_assert_eq(weft_store_branch(store, room, (weft_uuid){ { 0 } }, &fresh), 0);
		n = weft_store_count(store, fresh, WEFT_MEMORY_MESSAGE);
		cr_assert_geq(n, least);
		cr_assert_leq(n, weft_store_count(store, room, WEFT_MEMORY_MESSAGE));
		least = n;
	}
	pthread_join(thread, NULL);
}
