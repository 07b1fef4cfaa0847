/* SPDX-License-Identifier: Apache-2.0 */
/* What the prompt says of relationships, goals and tasks: nothing while there are none, and then all that is promised. */
#include "tests/support/pipeline.h"

static struct world *w;

static void setup(void)
{
	w = world_create();
	w->opt.no_embeddings = true;
}

static void teardown(void)
{
	world_end(w);
}

TestSuite(sections, .init = setup, .fini = teardown, .timeout = 120);

static const char *prompt(void)
{
	weft_msg *reply = NULL;

	if (!w->agent.id)
		world_start(w);
	cr_assert_eq(world_say(w, "hello", &reply)->status, 0);
	weft_msg_destroy(reply);
	return w->script.prompt[ASK_MESSAGE];
}

static weft_uuid person(const char *name)
{
	weft_entity e = { .id = weft_uuid_v7(), .name = weft_str_from(name) };

	cr_assert_eq(weft_store_put_entity(w->store, &e), 0);
	return e.id;
}

static void relate(weft_uuid from, weft_uuid to, const char *tags, double strength, int64_t updated_ms)
{
	weft_relationship r = { .source_id = from, .target_id = to, .tags = weft_str_from(tags), .strength = strength,
		                .created_ms = 1, .updated_ms = updated_ms };

	cr_assert_eq(weft_store_put_relationship(w->store, &r), 0);
}

static void plan(weft_task task)
{
	task.id = weft_uuid_v7();
	cr_assert_eq(weft_store_put_task(w->store, &task), 0);
}

Test(sections, nothing__is_shown_as_nothing)
{
	const char *p = prompt();

	cr_assert_null(strstr(p, "# Relationships"));
	cr_assert_null(strstr(p, "# To do"));
}

Test(sections, relationships__of_the_speaker_the_newest_first)
{
	weft_uuid ann = person("Ann"), carol = person("Carol");

	relate(w->user_id, ann, "friend, colleague", 0.5, 1000);
	relate(carol, w->user_id, "", -2, 2000);
	relate(ann, carol, "of others", 1, 3000);
	relate(w->user_id, weft_uuid_v7(), "nobody by a name", 1, 4000);
	cr_assert(strstr(prompt(), "# Relationships of Bob\n- from Carol (strength -2)\n- to Ann: friend, colleague (strength 0.5)\n"),
	          "%s", w->script.prompt[ASK_MESSAGE]);
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "of others"));
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "nobody by a name"));
}

Test(sections, relationships__with_nobody_by_a_name_are_none)
{
	relate(w->user_id, weft_uuid_v7(), "secret", 1, 1);
	cr_assert_null(strstr(prompt(), "# Relationships"));
}

Test(sections, relationships__are_at_most_sixteen)
{
	char name[16];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "<p%d>", i);
		relate(w->user_id, person(name), "", 0, i + 1);
	}
	cr_assert(strstr(prompt(), "to <p4>"));
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "to <p3>"));
}

Test(sections, goals__open_ones_of_the_room_and_the_agent)
{
	plan((weft_task){ .room_id = w->room_id, .name = WEFT_STR("Call the owner") });
	plan((weft_task){ .entity_id = w->agent_id, .name = WEFT_STR("Be kind"), .kind = WEFT_TASK_GOAL });
	plan((weft_task){ .room_id = w->room_id, .name = WEFT_STR("Find a flat"), .description = WEFT_STR("With a garden"),
	                  .kind = WEFT_TASK_GOAL, .due_ms = INT64_C(1795219200000) });
	plan((weft_task){ .room_id = w->room_id, .name = WEFT_STR("done"), .status = WEFT_TASK_DONE });
	plan((weft_task){ .room_id = weft_uuid_v7(), .name = WEFT_STR("elsewhere") });
	plan((weft_task){ .entity_id = w->user_id, .name = WEFT_STR("another's") });
	cr_assert(strstr(prompt(), "# To do\n- goal: Find a flat. With a garden (due 2026-11-21)\n- goal: Be kind\n"
	                           "- task: Call the owner\n"),
	          "%s", w->script.prompt[ASK_MESSAGE]);
}
