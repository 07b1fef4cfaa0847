/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments in the store: what is refused and in which words, what is copied, what replacing them leaves. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/memory.h>

#include "store/attachment.h"

static weft_store *store;
static weft_arena *arena;

static void up(void)
{
	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void down(void)
{
	weft_arena_destroy(arena);
	weft_store_unref(store);
}

TestSuite(attachment, .init = up, .fini = down);

static bool same(weft_str s, const char *text)
{
	return weft_str_eq(s, weft_str_from(text));
}

static uint64_t bytes_held(void)
{
	weft_store_stats stats = { .size = sizeof(stats) };

	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	return stats.bytes;
}

/* ---- checking ---------------------------------------------------------------------- */

/* The one attachment after two good ones is wrong in this field. */
static void assert_refused(weft_attachment bad, int status, const char *field)
{
	weft_attachment list[3] = { { .url = WEFT_STR("https://a") }, { .text = WEFT_STR("b") }, bad };
	weft_memory m = { .room_id = weft_uuid_v7(), .attachments = list, .attachment_count = 3 };
	weft_error err = { 0 };
	char want[64];

	snprintf(want, sizeof(want), "attachments[2].%s: ", field);
	cr_assert_eq(weft_attachments_check(list, 3, &err), status);
	cr_assert_eq(err.code, status);
	cr_assert_eq(strncmp(err.message, want, strlen(want)), 0, "%s", err.message);
	cr_assert_eq(weft_store_add(store, &m, NULL), status);
	cr_assert_eq(weft_store_count(store, m.room_id, WEFT_MEMORY_MESSAGE), 0);
}

Test(attachment, check__names_the_field)
{
	char *big = malloc(WEFT_ATTACHMENTS_BYTES_MAX);

	memset(big, 'x', WEFT_ATTACHMENTS_BYTES_MAX);
	assert_refused((weft_attachment){ .title = WEFT_STR("neither url nor text") }, -EINVAL, "url");
	assert_refused((weft_attachment){ .url = WEFT_STR("u"), .content_type = WEFT_STR("png") }, -EINVAL, "content_type");
	assert_refused((weft_attachment){ .url = { big, WEFT_ATTACHMENTS_BYTES_MAX } }, -EMSGSIZE, "url");
	assert_refused((weft_attachment){ .url = WEFT_STR("u"), .text = { big, WEFT_ATTACHMENTS_BYTES_MAX } }, -EMSGSIZE,
	               "text");
	assert_refused((weft_attachment){ .text = WEFT_STR("t"), .title = { big, WEFT_ATTACHMENT_NAME_BYTES_MAX + 1 } },
	               -EMSGSIZE, "title");
	assert_refused((weft_attachment){ .text = WEFT_STR("t"), .source = { big, WEFT_ATTACHMENT_NAME_BYTES_MAX + 1 } },
	               -EMSGSIZE, "source");
	free(big);
}

Test(attachment, check__takes_what_fits)
{
	char *big = malloc(WEFT_ATTACHMENTS_BYTES_MAX);
	weft_attachment a = { .text = { big, WEFT_ATTACHMENTS_BYTES_MAX } };

	memset(big, 'x', WEFT_ATTACHMENTS_BYTES_MAX);
	cr_assert_eq(weft_attachments_check(&a, 1, NULL), 0);
	cr_assert_eq(weft_attachments_check(NULL, 0, NULL), 0);
	free(big);
}

Test(attachment, check__counts)
{
	weft_attachment list[WEFT_ATTACHMENTS_MAX + 1];
	weft_error err = { 0 };

	for (uint32_t i = 0; i <= WEFT_ATTACHMENTS_MAX; i++)
		list[i] = (weft_attachment){ .text = WEFT_STR("x") };
	cr_assert_eq(weft_attachments_check(list, WEFT_ATTACHMENTS_MAX, &err), 0);
	cr_assert_eq(weft_attachments_check(list, WEFT_ATTACHMENTS_MAX + 1, &err), -EMSGSIZE);
	cr_assert_str_eq(err.message, "attachment_count: 33, at most 32");
	cr_assert_eq(weft_attachments_check(NULL, 1, &err), -EINVAL);
	cr_assert_eq(strncmp(err.message, "attachments: ", 13), 0);
}

Test(attachment, check__content_types)
{
	static const char *const good[] = { "", "image/png", "text/plain; charset=utf-8", "application/ld+json",
		                            "application/vnd.ms-excel", "TEXT/HTML", "text/plain;", "text/plain ;a=b" };
	static const char *const bad[] = { "image", "/", "image/", "/png", "image/png jpeg", "image//png", "im age/png",
		                           "image/*", "image/png,", " image/png", "+x/y" };
	weft_attachment a = { .url = WEFT_STR("u") };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a.content_type = weft_str_from(good[i]);
		cr_assert_eq(weft_attachments_check(&a, 1, NULL), 0, "\"%s\"", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a.content_type = weft_str_from(bad[i]);
		cr_assert_eq(weft_attachments_check(&a, 1, NULL), -EINVAL, "\"%s\"", bad[i]);
	}
}

/* ---- copies -------------------------------------------------------------------------- */

static weft_uuid add_two(weft_uuid room, char *text)
{
	weft_uuid id;
	weft_attachment list[] = {
		{ .url = WEFT_STR("https://a/b.png"),
		  .content_type = WEFT_STR("image/png"),
		  .title = WEFT_STR("B"),
		  .description = WEFT_STR("a bee"),
		  .source = WEFT_STR("discord") },
		{ .text = { text, strlen(text) } },
	};
	weft_memory m = { .room_id = room, .attachments = list, .attachment_count = 2 };

	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	memset(list, 0xee, sizeof(list));
	return id;
}

Test(attachment, add__copies_and_gives_back)
{
	char text[] = "words";
	weft_uuid room = weft_uuid_v7(), id = add_two(room, text);
	weft_memory got, *recent;

	memset(text, 'x', 5);
	cr_assert_eq(weft_store_get(store, id, arena, &got), 0);
	cr_assert_eq(weft_store_recent(store, room, WEFT_MEMORY_MESSAGE, 0, 1, arena, &recent), 1);
	cr_assert_eq(weft_store_delete(store, id), 0);
	for (int i = 0; i < 2; i++) {
		const weft_memory *m = i ? &got : recent;

		cr_assert_eq(m->attachment_count, 2);
		cr_assert(same(m->attachments[0].url, "https://a/b.png") && same(m->attachments[0].title, "B"));
		cr_assert(same(m->attachments[0].content_type, "image/png") && same(m->attachments[0].source, "discord"));
		cr_assert(same(m->attachments[0].description, "a bee") && same(m->attachments[0].text, ""));
		cr_assert(same(m->attachments[1].text, "words") && same(m->attachments[1].url, ""));
		cr_assert_not(weft_uuid_is_nil(m->attachments[0].id), "a nil id gets a fresh one");
		cr_assert_not(weft_uuid_eq(m->attachments[0].id, m->attachments[1].id));
	}
	cr_assert(weft_uuid_eq(got.attachments[0].id, recent->attachments[0].id), "and keeps it");
	cr_assert_eq(bytes_held(), 0);
}

Test(attachment, add__the_same_memory_again_leaves_nothing)
{
	weft_attachment a = { .text = WEFT_STR("x") };
	weft_memory m = { .id = weft_uuid_v7(), .room_id = weft_uuid_v7(), .attachments = &a, .attachment_count = 1 };
	uint64_t held;

	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	held = bytes_held();
	cr_assert_eq(weft_store_add(store, &m, NULL), -EEXIST);
	cr_assert_eq(bytes_held(), held);
}

Test(attachment, put__is_one_block_of_the_size_told)
{
	weft_attachment list[2] = { { .url = WEFT_STR("abc") }, { .text = WEFT_STR("de"), .title = WEFT_STR("f") } }, *copy;
	size_t bytes = weft__attachments_bytes(list, 2);
	char *block = malloc(bytes), *end;

	copy = weft__attachments_put(block, list, 2);
	cr_assert_eq((void *)copy, (void *)block);
	end = (char *)(uintptr_t)copy[1].source.ptr + copy[1].source.len_bytes + 1; /* the last string, its NUL */
	cr_assert_eq(end, block + bytes);
	free(block);
	cr_assert_eq(weft__attachments_bytes(NULL, 0), 0);
	cr_assert_null(weft__attachments_put(NULL, NULL, 0));
}

/* ---- replacing ------------------------------------------------------------------------ */

Test(attachment, set__replaces_all_of_them)
{
	char text[] = "words";
	weft_uuid id = add_two(weft_uuid_v7(), text);
	weft_attachment one = { .id = weft_uuid_v7(), .url = WEFT_STR("u"), .description = WEFT_STR("longer than it was") };
	weft_memory got;

	cr_assert_eq(weft_store_set_attachments(store, id, &one, 1), 0);
	cr_assert_eq(weft_store_get(store, id, arena, &got), 0);
	cr_assert_eq(got.attachment_count, 1);
	cr_assert(weft_uuid_eq(got.attachments[0].id, one.id));
	cr_assert(same(got.attachments[0].description, "longer than it was"));
	cr_assert_eq(weft_store_set_attachments(store, id, NULL, 0), 0);
	cr_assert_eq(weft_store_get(store, id, arena, &got), 0);
	cr_assert_eq(got.attachment_count, 0);
	cr_assert_eq(weft_store_set_attachments(store, id, &one, 1), 0, "and to one that had none");
	cr_assert_eq(weft_store_delete(store, id), 0);
	cr_assert_eq(bytes_held(), 0);
}

Test(attachment, set__errors_change_nothing)
{
	char text[] = "words";
	weft_uuid id = add_two(weft_uuid_v7(), text);
	weft_attachment bad = { .title = WEFT_STR("empty") }, good = { .url = WEFT_STR("u") };
	uint64_t held = bytes_held();
	weft_memory got;

	cr_assert_eq(weft_store_set_attachments(store, id, &bad, 1), -EINVAL);
	cr_assert_eq(weft_store_set_attachments(store, weft_uuid_v7(), &good, 1), -ENOENT);
	cr_assert_eq(weft_store_set_attachments(NULL, id, &good, 1), -EINVAL);
	cr_assert_eq(weft_store_get(store, id, arena, &got), 0);
	cr_assert_eq(got.attachment_count, 2);
	cr_assert_eq(bytes_held(), held);
}
