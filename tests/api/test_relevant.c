/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent is reminded of: older messages and facts of the room that mean the same, none that the prompt shows
 * anyway, none of another room, and no question to the model while there is nothing to find.
 */
#include "tests/support/pipeline.h"

static struct world *w;
static weft_msg *reply;

static const float near_message[4] = { 1, 2, 3, 4 }; /* as the script embeds what is said */
static const float far_away[4] = { 4, -3, 2, -1 };

static void setup(void)
{
	w = world_create();
	w->opt.recall_always = true;
	w->opt.no_embeddings = true; /* what is said now is not embedded: the question alone is counted */
}

static void teardown(void)
{
	weft_msg_destroy(reply);
	world_end(w);
	reply = NULL;
}

TestSuite(relevant, .init = setup, .fini = teardown, .timeout = 120);

static weft_uuid remember(weft_memory_type type, weft_uuid room, int64_t created_ms, const char *text, const float *v)
{
	weft_memory m = { .type = type,
		          .room_id = room,
		          .entity_id = w->user_id,
		          .created_ms = created_ms,
		          .text = weft_str_from(text) };
	weft_uuid id;

	cr_assert_eq(weft_store_add(w->store, &m, &id), 0);
	if (v)
		cr_assert_eq(weft_store_set_embedding(w->store, id, v, 4), 0);
	return id;
}

/* More than a prompt shows; 2026-11-20, a second apart. */
static void small_talk(int64_t from_ms, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		remember(WEFT_MEMORY_MESSAGE, w->room_id, from_ms + 1000 * i, "nice weather", far_away);
}

#define DAY_MS INT64_C(1795132800000) /* 2026-11-20 00:00:00 UTC */

static const char *prompt_after(const char *text)
{
	weft_msg_destroy(reply);
	reply = NULL;
	cr_assert_eq(world_say(w, text, &reply)->status, 0);
	return w->script.prompt[ASK_MESSAGE];
}

Test(relevant, an_old_message_comes_back)
{
	const char *p;

	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 70);
	world_start(w);
	p = prompt_after("where is the key?");
	cr_assert(strstr(p, "# Remembered from before\n- 2026-11-20 Bob: the key is under the mat"), "%s", p);
	cr_assert(strstr(p, "# Remembered from before") < strstr(p, "# Conversation"));
	cr_assert_eq(script_calls(&w->script, ASK_EMBED), 1);
}

Test(relevant, without_recall_always_a_word_is_needed)
{
	w->opt.recall_always = false;
	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 70);
	world_start(w);
	cr_assert_null(strstr(prompt_after("where is the key?"), "# Remembered"));
	cr_assert_eq(script_calls(&w->script, ASK_EMBED), 0);
	cr_assert(strstr(prompt_after("where did I say earlier the key is?"), "the key is under the mat"));
}

Test(relevant, nothing_is_asked_while_all_is_shown)
{
	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 50);
	world_start(w);
	cr_assert_null(strstr(prompt_after("where is the key?"), "# Remembered"));
	cr_assert_eq(script_calls(&w->script, ASK_EMBED), 0);
}

Test(relevant, an_old_fact_comes_back_and_a_shown_one_does_not)
{
	const char *p, *section;

	remember(WEFT_MEMORY_FACT, w->room_id, DAY_MS, "Bob likes plums", near_message);
	for (int i = 0; i < 10; i++)
		remember(WEFT_MEMORY_FACT, w->room_id, DAY_MS + 1 + i, i ? "some fact" : "Bob likes pears", i ? far_away : near_message);
	world_start(w);
	p = prompt_after("what do I like?");
	section = strstr(p, "# Remembered from before");
	cr_assert(section, "%s", p);
	cr_assert(strstr(section, "- 2026-11-20 Bob likes plums"));
	cr_assert_null(strstr(section, "pears"), "it is among the facts that are shown anyway");
	cr_assert(strstr(p, "- Bob likes pears"));
}

Test(relevant, another_room_stays_there)
{
	weft_room other = { .id = weft_uuid_v7(), .kind = WEFT_ROOM_DM, .name = WEFT_STR("secret") };
	const char *p;

	cr_assert_eq(weft_store_put_room(w->store, &other), 0);
	remember(WEFT_MEMORY_MESSAGE, other.id, DAY_MS, "a secret", near_message);
	small_talk(DAY_MS + 5000, 80);
	world_start(w);
	p = prompt_after("what is the secret?");
	cr_assert(strstr(p, "# Remembered from before"));
	cr_assert_null(strstr(p, "a secret"));
}

Test(relevant, an_answer_that_comes_late_is_waited_for)
{
	const weft_agent_result *result;
	weft_incoming in;

	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 70);
	w->script.hold[ASK_EMBED] = true;
	world_start(w);
	in = world_message(w, "where is the key?");
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(script_held(&w->script) == 1);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0);
	script_let_go(&w->script);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	result = weft_agent_result_of(reply);
	cr_assert(result && result->status == 0);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "the key is under the mat"));
}

Test(relevant, a_model_that_fails_costs_the_section_alone)
{
	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 70);
	w->script.fail_embeddings = 100;
	world_start(w);
	cr_assert_null(strstr(prompt_after("where is the key?"), "# Remembered"));
}

/* The agent is stopped while the model has the question: the message is answered, and nothing leaks. */
Test(relevant, an_agent_that_ends_meanwhile)
{
	weft_incoming in;

	remember(WEFT_MEMORY_MESSAGE, w->room_id, DAY_MS, "the key is under the mat", near_message);
	small_talk(DAY_MS + 5000, 70);
	w->script.hold[ASK_EMBED] = true;
	world_start(w);
	in = world_message(w, "where is the key?");
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(script_held(&w->script) == 1);
	cr_assert_eq(weft_actor_kill(w->agent), 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	script_let_go(&w->script);
}
