/* SPDX-License-Identifier: Apache-2.0 */
/* recent: which messages are shown, in which order, and what trimming leaves. */
#include "actors/recent.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static weft_store *store;
static weft_arena *arena;
static weft_uuid room, user, agent;

static void setup(void)
{
	weft_entity e = {.name = WEFT_STR("Bob")};

	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	room = weft_uuid_v7();
	agent = weft_uuid_v7();
	user = e.id = weft_uuid_v7();
	cr_assert_eq(weft_store_put_entity(store, &e), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
	weft_store_unref(store);
}

TestSuite(recent, .init = setup, .fini = teardown);

static void add(weft_uuid who, const char *text, size_t len, const char *actions)
{
	weft_memory m = {.type = WEFT_MEMORY_MESSAGE,
	                 .room_id = room,
	                 .entity_id = who,
	                 .text = {text, len},
	                 .actions = weft_str_from(actions)};

	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
}

static struct weft__recent render(void)
{
	struct weft__recent_query q = {
	        .store = store, .room_id = room, .agent_id = agent, .agent_name = WEFT_STR("Ada")};
	struct weft__recent r;

	cr_assert_eq(weft__recent_render(&q, arena, &r), 0);
	return r;
}

Test(recent, render__of_nothing_is_empty)
{
	struct weft__recent r = render();

	cr_assert_eq(r.section.len_bytes, 0);
	cr_assert_eq(r.line_count, 0);
	cr_assert_eq(weft__recent_trim(&r, 100), 0);
}

Test(recent, render__names_speakers_oldest_first)
{
	struct weft__recent r;

	add(user, "hi", 2, NULL);
	add(agent, "hello", 5, "REPLY,WAVE");
	add(weft_uuid_v7(), "who am I", 8, NULL);
	r = render();
	cr_assert(weft_str_eq(r.section, WEFT_STR("# Conversation, oldest first\nBob: hi\n"
	                                          "Ada: hello (actions: REPLY,WAVE)\nUnknown: who am I")),
	          "%.*s", WEFT_STR_ARG(r.section));
	cr_assert_eq(r.line_count, 3);
	cr_assert_eq(strncmp(r.section.ptr + r.line_at[1], "Ada:", 4), 0);
}

Test(recent, render__cuts_a_long_message_at_a_character)
{
	char *text = malloc(30000);
	struct weft__recent r;

	memset(text, 'x', 30000);
	memcpy(text + WEFT__RECENT_BYTES_EACH - 1, "\xc3\xa9", 2); /* an e with an accent astride the limit */
	add(user, text, 30000, NULL);
	r = render();
	cr_assert_eq(r.section.len_bytes, r.heading_bytes + 5 + WEFT__RECENT_BYTES_EACH - 1);
	free(text);
}

Test(recent, render__keeps_to_the_budget)
{
	size_t budget = (size_t)WEFT__RECENT_TOKENS * WEFT__BYTES_PER_TOKEN;
	char *text = malloc(WEFT__RECENT_BYTES_EACH);
	struct weft__recent r;

	for (int i = 0; i < 20; i++) {
		memset(text, 'a' + i, WEFT__RECENT_BYTES_EACH);
		add(user, text, WEFT__RECENT_BYTES_EACH, NULL);
	}
	r = render();
	cr_assert_eq(r.line_count, budget / WEFT__RECENT_BYTES_EACH);
	cr_assert_eq(r.section.ptr[r.section.len_bytes - 1], 'a' + 19, "the newest must be there");
	free(text);
}

Test(recent, trim__drops_the_oldest_and_keeps_the_heading)
{
	struct weft__recent r;
	size_t len, dropped;

	for (int i = 0; i < 5; i++)
		add(user, "0123456789", 10, NULL); /* lines of 16 bytes */
	add(user, "last", 4, NULL);
	r = render();
	len = r.section.len_bytes;
	dropped = weft__recent_trim(&r, 17);
	cr_assert_eq(dropped, 32);
	cr_assert_eq(r.section.len_bytes, len - 32);
	cr_assert_eq(strncmp(r.section.ptr, "# Conversation, oldest first\nBob: 0123456789\nBob: ", 50), 0);
	cr_assert_eq(r.line_count, 4);
	dropped = weft__recent_trim(&r, 1000000);
	cr_assert(weft_str_eq(r.section, WEFT_STR("# Conversation, oldest first\nBob: last")), "%.*s",
	          WEFT_STR_ARG(r.section));
	cr_assert_eq(dropped, 48);
	cr_assert_eq(weft__recent_trim(&r, 1), 0);
}
