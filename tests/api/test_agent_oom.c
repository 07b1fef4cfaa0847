/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler answers that it will finish later, and there is no memory for its way back, or for what it returns. Goal: its
 * call stays valid until it finishes, and belongs to nobody else. Method: an allocator that fails on
 * demand; the handler uses up the worker's pool of messages before it returns.
 */
#include <weft/cache.h>

#include "tests/support/agents.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline.h"

#define DRAIN_MAX 65536

static _Thread_local bool drained;
static _Thread_local uint32_t passes;   /* so many allocations go well, */
static _Thread_local uint32_t failures; /* then so many fail */

static bool test_alloc_fails(void)
{
	if (drained)
		return true;
	if (passes) {
		passes--;
		return false;
	}
	return failures && failures--;
}

static weft_model_call *lost;
static weft_msg *taken[DRAIN_MAX];
static uint32_t taken_count, second_asked;

/* From here on the worker has no message left, and the next allocation is the promise's: it fails. */
static int lose_the_way(void)
{
	drained = true;
	while (taken_count < DRAIN_MAX && (taken[taken_count] = weft_msg_create(1, 0)))
		taken_count++;
	drained = false;
	failures = 1;
	return WEFT_PENDING;
}

static void give_back(void)
{
	while (taken_count)
		weft_msg_destroy(taken[--taken_count]);
}

static int lost_model(weft_model_call *call, void *user)
{
	(void)user;
	lost = call;
	return lose_the_way();
}

static int second(weft_model_call *call, void *user)
{
	(void)user;
	second_asked++;
	call->response->text = WEFT_STR("second");
	return 0;
}

Test(agent_oom, model__that_cannot_come_back_keeps_its_call, .timeout = 120)
{
	const weft_allocator allocator = test_failing_allocator();
	struct kit k;
	weft_msg *answer;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "first", lost_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "second", second, NULL, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "hi");
	cr_assert_not_null(weft_agent_result_of(answer));
	cr_assert_eq(weft_msg_status(answer), WEFT_EMODEL);
	cr_assert_eq(second_asked, 0, "the first may still write into the answer");
	cr_assert_not_null(lost);
	weft_model_finish(lost, 0); /* lets go of the run */
	weft_msg_destroy(answer);
	give_back();
	kit_end(&k);
}

/* A question is embedded first, to look for one that means the same: whoever embeds has the run's arena then. */
Test(agent_oom, embedding__that_cannot_come_back_has_the_arena, .timeout = 120)
{
	const weft_allocator allocator = test_failing_allocator();
	weft_cache_options near = WEFT_CACHE_OPTIONS_INIT;
	weft_cache *cache;
	weft_msg *answer;
	struct kit k;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	near.near_min = 0.9f;
	cr_assert_eq(weft_cache_create(&near, &cache), 0);
	kit_init(&k);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_EMBEDDING, 0, "lost", lost_model, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "second", second, NULL, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "hi");
	cr_assert_not_null(weft_agent_result_of(answer));
	cr_assert_eq(weft_msg_status(answer), WEFT_EMODEL);
	cr_assert_eq(second_asked, 0, "it would share the arena with the one that is still at work");
	cr_assert_not_null(lost);
	cr_assert_not_null(weft_arena_alloc(lost->arena, 64));
	weft_model_finish(lost, 0);
	weft_msg_destroy(answer);
	give_back();
	kit_end(&k);
	weft_cache_unref(cache);
}

static weft_tool_call *lost_call;

static int lost_tool(weft_tool_call *call, void *user)
{
	(void)user;
	lost_call = call;
	return lose_the_way();
}

Test(agent_oom, tool__that_cannot_come_back_keeps_its_call, .timeout = 120)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "lost", "{\"n\":[1,2,3]}" }, { "lost", "{\"n\":[]}" } }, .call_count = 2 }, { .text = "done" }
	};
	const weft_allocator allocator = test_failing_allocator();
	weft_json_iter it;
	weft_msg *answer;
	struct kit k;
	int n = 0;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 2;
	kit_tool(&k, "lost", "{\"type\":\"object\"}", lost_tool, NULL);
	kit_start(&k, 1);
	answer = kit_say(&k, "hi");
	cr_assert_not_null(weft_agent_result_of(answer));
	cr_assert_eq(weft_msg_status(answer), -ENOMEM, "a run goes on without what its tool may still say");
	cr_assert_eq(weft_agent_result_of(answer)->tool_calls, 1, "and begins no other");
	cr_assert_not_null(lost_call);
	for (it = weft_json_iter_begin(weft_json_find(lost_call->arguments, WEFT_STR("n"))); weft_json_iter_next(&it);)
		n++;
	cr_assert_eq(n, 3, "its arguments are there");
	weft_tool_return(lost_call, WEFT_STR("late"));
	weft_tool_finish(lost_call, 0); /* lets go of the run */
	weft_msg_destroy(answer);
	give_back();
	kit_end(&k);
}

/* What a tool returns is not lost without a word. */
static int returns_without_memory(weft_tool_call *call, void *user)
{
	static char text[1 << 20]; /* more than is left of any arena */

	(void)user;
	memset(text, 'x', sizeof(text));
	drained = true;
	weft_tool_return(call, (weft_str){ text, sizeof(text) });
	drained = false;
	return 0;
}

Test(agent_oom, tool__whose_result_cannot_be_kept_has_failed, .timeout = 120)
{
	const weft_allocator allocator = test_failing_allocator();
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	weft_tools *tools;
	weft_arena *arena;
	weft_str result;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	opt.name = "large";
	opt.fn = returns_without_memory;
	cr_assert_eq(weft_tools_add(tools, &opt, NULL), 0);
	cr_assert_eq(weft_tools_call(tools, WEFT_STR("large"), WEFT_STR("{}"), arena, &result), -ENOMEM);
	cr_assert(text_has(result, "Error: tool 'large' failed: "), "%.*s", WEFT_STR_ARG(result));
	weft_arena_destroy(arena);
	weft_tools_unref(tools);
}

/* ---- a model that is asked inside of an evaluator or a provider ------------------------------- */

/* The model's own way back is there, that of the handler around it is not: one message is left. */
static int model_of_a_lost_one(weft_model_call *call, void *user)
{
	weft_msg *last = weft_msg_create(1, 0);

	(void)user;
	lost = call;
	(void)lose_the_way();
	weft_msg_destroy(last);
	drained = true;
	last = weft_msg_create(1, 0);
	drained = false;
	passes = !last; /* a build without a pool of messages allocates each of them */
	weft_msg_destroy(last);
	return WEFT_PENDING;
}

static struct world *summarized(void)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;
	struct world *w = world_create_with(1);

	w->opt.no_embeddings = true;
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_SMALL, 1, "sums up", model_of_a_lost_one, NULL, NULL), 0);
	world_def(w);
	s.after_messages = 10;
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), 0);
	for (int64_t i = 0; i < 80; i++) {
		weft_memory m = { .room_id = w->room_id, .entity_id = w->user_id, .created_ms = 1 + i, .text = WEFT_STR("so") };

		cr_assert_eq(weft_store_add(w->store, &m, NULL), 0);
	}
	world_start(w);
	return w;
}

static void say_and_lose(struct world *w)
{
	weft_msg *answer;

	cr_assert_eq(world_say(w, "hi", &answer)->status, 0);
	cr_assert_not_null(lost);
	cr_assert_eq(failures, 0);
	weft_msg_destroy(answer);
	give_back();
}

static void the_model_comes_back(void)
{
	struct world *w = summarized();

	say_and_lose(w);
	lost->response->text = WEFT_STR("a summary");
	weft_model_finish(lost, 0);
	test_quiet(w->rt);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 0, "it was said to have failed");
	world_end(w);
}

static void the_agent_ends_first(void)
{
	struct world *w = summarized();

	say_and_lose(w);
	(void)weft_actor_stop(w->agent);
	test_until(weft_actor_stop(w->agent) == -ESRCH);
	test_quiet(w->rt);
	weft_model_finish(lost, 0);
	world_end(w);
}

#define ROUNDS 8 /* threads keep some blocks for later, a few more each time at first */

/* Doing it again leaves no more behind. */
static void leaves_nothing(void (*scenario)(void))
{
	const weft_allocator allocator = test_failing_allocator();
	long live;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	for (int i = 0; i < ROUNDS; i++)
		scenario();
	live = test_failing_live;
	for (int i = 0; i < ROUNDS; i++)
		scenario();
	cr_assert_leq(test_failing_live, live, "%ld blocks, %ld before", (long)test_failing_live, live);
}

Test(agent_oom, evaluator__that_cannot_come_back_from_its_model, .timeout = 120)
{
	leaves_nothing(the_model_comes_back);
}

Test(agent_oom, evaluator__that_cannot_come_back_before_its_agent_ends, .timeout = 120)
{
	leaves_nothing(the_agent_ends_first);
}

static void wait_and_release(struct world *w)
{
	weft_msg *answer;

	cr_assert_eq(weft_future_wait_until(w->future, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(answer), 0);
	weft_msg_destroy(answer);
}

/* A room with something to be reminded of. */
static struct world *reminded(void)
{
	static const float near[4] = { 1, 2, 3, 4 }, far[4] = { 4, -3, 2, -1 };
	const weft_allocator allocator = test_failing_allocator();
	struct world *w;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	w = world_create_with(1);
	w->opt.recall_always = true;
	w->opt.no_embeddings = true;
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_EMBEDDING, 1, "embeds", model_of_a_lost_one, NULL, NULL), 0);
	for (int64_t i = 0; i < 80; i++) {
		weft_memory m = { .room_id = w->room_id, .entity_id = w->user_id, .created_ms = 1 + i, .text = WEFT_STR("so") };
		weft_uuid id;

		cr_assert_eq(weft_store_add(w->store, &m, &id), 0);
		cr_assert_eq(weft_store_set_embedding(w->store, id, i ? far : near, 4), 0);
	}
	w->script.hold[ASK_MESSAGE] = true;
	world_start(w);
	return w;
}

/* The message goes on without it: when its model comes back, the arena is that of the model that is asked then. */
Test(agent_oom, provider__that_cannot_come_back_leaves_the_arena_alone, .timeout = 120)
{
	static const float near[4] = { 1, 2, 3, 4 };
	struct world *w = reminded();
	weft_incoming in = world_message(w, "what was it?");
	char *first, *second, *third;
	weft_arena *arena;

	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(script_held(&w->script) == 1);
	arena = w->script.held[0].call->arena;
	first = weft_arena_alloc(arena, 16);
	second = weft_arena_alloc(arena, 16);
	lost->response->embedding = near;
	lost->response->embedding_dims = 4;
	weft_model_finish(lost, 0);
	test_quiet(w->rt);
	third = weft_arena_alloc(arena, 16);
	cr_assert_eq(third - second, second - first, "somebody else takes from it");
	script_let_go(&w->script);
	wait_and_release(w);
	give_back();
	world_end(w);
}
