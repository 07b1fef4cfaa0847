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

/* ---- attachments ----------------------------------------------------------------- */

static void add_attached(const char *text, const weft_attachment *list, uint32_t count)
{
	weft_memory m = {.type = WEFT_MEMORY_MESSAGE,
	                 .room_id = room,
	                 .entity_id = user,
	                 .text = weft_str_from(text),
	                 .attachments = list,
	                 .attachment_count = count};

	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
}

Test(recent, attachments__stand_below_their_message)
{
	weft_attachment list[] = {
	        {.url = WEFT_STR("https://a/bee.png"),
	         .title = WEFT_STR("Bee"),
	         .text = WEFT_STR("buzz"),
	         .description = WEFT_STR("A bee.")},
	        {.url = WEFT_STR("https://b")},
	        {.text = WEFT_STR("only words")},
	};

	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_uuid_parse(WEFT_STR("01890000-0000-7000-8000-000000000000"), &list[i].id), 0);
	add_attached("what is this?", list, 3);
	add(agent, "a bee", 5, "REPLY");
	cr_assert(weft_str_eq(
	                  render().section,
	                  WEFT_STR("# Conversation, oldest first\n"
	                           "Bob: what is this?\n"
	                           "  [01890000-0000-7000-8000-000000000000 - Bee (https://a/bee.png)] Text: buzz"
	                           " Description: A bee.\n"
	                           "  [01890000-0000-7000-8000-000000000000 (https://b)]\n"
	                           "  [01890000-0000-7000-8000-000000000000] Text: only words\n"
	                           "Ada: a bee (actions: REPLY)")),
	          "%.*s", WEFT_STR_ARG(render().section));
}

Test(recent, attachments__however_large_never_hide_the_newest_message)
{
	static char large[WEFT_ATTACHMENTS_BYTES_MAX / WEFT_ATTACHMENTS_MAX];
	weft_attachment list[WEFT_ATTACHMENTS_MAX];
	struct weft__recent r;

	memset(large, 'x', sizeof(large));
	for (uint32_t i = 0; i < WEFT_ATTACHMENTS_MAX; i++)
		list[i] = (weft_attachment){.url = {large, sizeof(large) / 2}, .text = {large, sizeof(large) / 2}};
	for (int i = 0; i < 20; i++)
		add_attached("look", list, WEFT_ATTACHMENTS_MAX);
	r = render();
	cr_assert_gt(r.line_count, 2, "%u", r.line_count);
	cr_assert_lt(r.section.len_bytes, (size_t)(WEFT__RECENT_TOKENS + 1000) * WEFT__BYTES_PER_TOKEN);
	cr_assert(memmem(r.section.ptr, r.section.len_bytes, "xx...)] Text: xx", 16), "cut, and says so");
}
