/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent does with a message, rule by rule (docs/internals/pipeline.md), seen
 * from outside: results, the store, the prompts that the model saw, events.
 */
#include "tests/support/pipeline.h"

static struct world *w;
static weft_msg *reply;
static weft_arena *arena;

static void setup(void)
{
	w = world_create();
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_msg_destroy(reply);
	weft_arena_destroy(arena);
	world_end(w);
	reply = NULL;
}

TestSuite(pipeline, .init = setup, .fini = teardown, .timeout = 120);

static const weft_agent_result *say(const char *text)
{
	weft_msg_destroy(reply);
	return world_say(w, text, &reply);
}

/* ---- the plain case -------------------------------------------------------------- */

Test(pipeline, handle__replies_and_remembers_both)
{
	const weft_agent_result *r;
	weft_memory newest;

	world_start(w);
	r = say("hi Ada");
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	cr_assert(r->responded);
	assert_str(r->text, "Hello!");
	assert_str(r->thought, "greet");
	assert_str(r->content_type, "text/plain");
	cr_assert_eq(r->iterations, 1);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 2);
	newest = world_newest(w, arena);
	cr_assert(weft_uuid_eq(newest.id, r->reply_id));
	cr_assert(weft_uuid_eq(newest.in_reply_to, r->message_id));
	cr_assert(weft_uuid_eq(newest.entity_id, w->agent_id));
	assert_str(newest.text, "Hello!");
	assert_str(newest.actions, "REPLY");
	cr_assert_eq(script_calls(&w->script, ASK_RESPOND), 0);
	cr_assert(r->duration_ns > 0);
	for (int i = 0; i < WEFT_STAGE_COUNT; i++)
		cr_assert_not_null(weft_stage_name((weft_stage)i));
	cr_assert_eq(r->stage_runs[WEFT_STAGE_MODEL], 1);
	cr_assert_eq(r->stage_runs[WEFT_STAGE_REMEMBER], 2);
	cr_assert_eq(r->stage_runs[WEFT_STAGE_COMPOSE], 1);
	cr_assert(r->usage.prompt_tokens > 0);
}

Test(pipeline, handle__shows_the_model_the_state)
{
	const char *p;

	world_start(w);
	(void)say("what is six times seven?");
	p = w->script.prompt[ASK_MESSAGE];
	cr_assert(strstr(p, "You are Ada."), "no system prompt");
	cr_assert(strstr(p, "Ada counts."), "no bio");
	cr_assert(strstr(p, "Bob: what is six times seven?"), "no message");
	cr_assert(strstr(p, "- REPLY"), "no actions");
	cr_assert(strstr(p, "The time is 2"), "no time");
	cr_assert(strstr(p, "# People in the room\n- Bob"), "no entities");
	cr_assert_null(strstr(p, "{{"), "an open hole");
	(void)say("and eight?");
	p = w->script.prompt[ASK_MESSAGE];
	cr_assert(strstr(p, "Bob: what is six times seven?\nAda: Hello! (actions: REPLY)\nBob: and eight?"),
	          "%s", p);
}

Test(pipeline, handle__facts_are_shown)
{
	weft_memory fact = {
	        .type = WEFT_MEMORY_FACT, .room_id = w->room_id, .text = WEFT_STR("Bob likes sevens.")};

	cr_assert_eq(weft_store_add(w->store, &fact, NULL), 0);
	world_start(w);
	(void)say("hi");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "# Facts\n- Bob likes sevens."));
}

Test(pipeline, handle__a_message_seen_before_is_not_remembered_twice)
{
	weft_agent_stats stats = {.size = sizeof(stats)};
	weft_incoming in;

	world_start(w);
	in = world_message(w, "hi");
	in.message.id = weft_uuid_v7();
	(void)world_handle(w, &in, &reply);
	weft_msg_destroy(reply);
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 3);
	cr_assert_eq(weft_agent_stats_read(w->def, &stats), 0);
	cr_assert_eq(stats.embeddings_queued, 1, "nor embedded");
}

Test(pipeline, handle__what_is_said_is_the_agents_to_remember)
{
	weft_recall what = WEFT_RECALL_INIT;
	const float near[4] = { 1, 2, 3, 4 };
	weft_usage usage = { .size = sizeof(usage) };
	weft_search_hit hit;
	weft_memory m;

	world_start(w);
	cr_assert_eq(say("the key is under the mat")->status, 0);
	cr_assert_eq(weft_store_get(w->store, weft_agent_result_of(reply)->message_id, arena, &m), 0);
	cr_assert(weft_uuid_eq(m.agent_id, w->agent_id));
	cr_assert(weft_uuid_eq(m.entity_id, w->user_id));
	cr_assert_eq(weft_store_agent_usage(w->store, w->agent_id, &usage), 0);
	cr_assert_eq(usage.memories, 2, "and its reply");
	what.agent_id = w->agent_id;
	test_until(weft_store_recall(w->store, &what, near, 4, 1, &hit) == 1);
	cr_assert(weft_uuid_eq(hit.id, m.id));
}

Test(pipeline, handle__says_which_quota_is_used_up)
{
	world_start(w);
	cr_assert_eq(weft_store_set_quota(w->store, w->agent_id, 3, 0), 0);
	cr_assert_eq(world_say(w, "one", &reply)->status, 0);
	weft_msg_destroy(reply);
	cr_assert_eq(world_say(w, "two", &reply)->status, -EDQUOT);
	cr_assert(strstr(weft_agent_result_of(reply)->error.ptr, "the reply cannot be remembered: agent "));
	cr_assert(strstr(weft_agent_result_of(reply)->error.ptr, "its quota is 3"));
}

Test(pipeline, handle__own_messages_end_at_once)
{
	weft_incoming in = world_message(w, "talking to myself");
	const weft_agent_result *r;

	in.message.entity_id = w->agent_id;
	world_start(w);
	r = world_handle(w, &in, &reply);
	cr_assert_eq(r->status, 0);
	cr_assert_not(r->responded);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 0);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0);
}

Test(pipeline, handle__autonomous_answers_itself)
{
	weft_incoming in = world_message(w, "thinking aloud");

	in.message.entity_id = w->agent_id;
	w->opt.autonomous = true;
	w->opt.check_should_respond = true;
	world_start(w);
	cr_assert(world_handle(w, &in, &reply)->responded);
}

/* ---- bad requests ---------------------------------------------------------------- */

Test(pipeline, handle__refuses_bad_requests_by_name)
{
	weft_incoming in = world_message(w, "x");
	char *large = malloc(WEFT_MEMORY_TEXT_MAX + 2);
	const weft_agent_result *r;

	world_start(w);
	in.message.room_id = (weft_uuid){{0}};
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	in = world_message(w, "x");
	in.message.entity_id = (weft_uuid){{0}};
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	memset(large, 'x', WEFT_MEMORY_TEXT_MAX + 1);
	in = world_message(w, "x");
	in.message.text = (weft_str){large, WEFT_MEMORY_TEXT_MAX + 1};
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EMSGSIZE);
	in.message.text.len_bytes--;
	r = world_handle(w, &in, &reply);
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	free(large);
}

Test(pipeline, handle__without_a_store_says_so)
{
	const weft_agent_result *r;

	w->opt.store = NULL;
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->status, -EINVAL);
	cr_assert(r->error.len_bytes > 0);
}

/* ---- pre-evaluators -------------------------------------------------------------- */

static int pre_failing(weft_turn *turn, weft_verdict *ret, void *user)
{
	(void)turn;
	(void)ret;
	++*(int *)user;
	return -EIO;
}

static int pre_rewriting(weft_turn *turn, weft_verdict *ret, void *user)
{
	(void)turn;
	++*(int *)user;
	ret->rewritten_text = WEFT_STR("rewritten");
	return 0;
}

static int pre_blocking(weft_turn *turn, weft_verdict *ret, void *user)
{
	++*(int *)user;
	cr_assert(weft_str_eq(weft_turn_message(turn)->text, WEFT_STR("rewritten")));
	ret->blocked = true;
	ret->reason = WEFT_STR("spam");
	return 0;
}

static void add_pre(const char *name, weft_pre_evaluator_fn fn, void *user)
{
	weft_pre_evaluator p = WEFT_PRE_EVALUATOR_INIT;

	p.name = name;
	p.fn = fn;
	p.user = user;
	cr_assert_eq(weft_agent_def_add_pre_evaluator(w->def, &p), 0);
}

Test(pipeline, pre_evaluators__run_in_order_and_may_block)
{
	int failed = 0, rewrote = 0, blocked = 0;
	const weft_agent_result *r;

	world_def(w);
	add_pre("failing", pre_failing, &failed);
	add_pre("rewriting", pre_rewriting, &rewrote);
	add_pre("blocking", pre_blocking, &blocked);
	world_start(w);
	r = say("buy now");
	cr_assert_eq(r->status, WEFT_EBLOCKED);
	cr_assert(strstr(r->error.ptr, "spam"));
	cr_assert_eq(failed + rewrote + blocked, 3);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 0);
}

Test(pipeline, pre_evaluators__rewritten_text_is_what_is_remembered)
{
	int rewrote = 0;
	weft_memory m;

	world_def(w);
	add_pre("rewriting", pre_rewriting, &rewrote);
	world_start(w);
	cr_assert_eq(say("secret")->status, 0);
	cr_assert_eq(weft_store_get(w->store, weft_agent_result_of(reply)->message_id, arena, &m), 0);
	assert_str(m.text, "rewritten");
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "secret"));
}

/* ---- should respond -------------------------------------------------------------- */

Test(pipeline, muted__answers_only_when_named)
{
	weft_entity self = {.id = w->agent_id, .name = WEFT_STR("Ada"), .is_agent = true};

	cr_assert_eq(weft_store_put_entity(w->store, &self), 0);
	cr_assert_eq(weft_store_set_follow(w->store, w->room_id, w->agent_id, WEFT_FOLLOW_MUTED), 0);
	world_start(w);
	cr_assert_not(say("hello there")->responded);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 1);
	cr_assert(say("hello ada")->responded);
}

Test(pipeline, should_respond__asks_the_small_model_when_no_rule_decides)
{
	const char *p;

	w->opt.check_should_respond = true;
	world_start(w);
	cr_assert(say("hello there")->responded);
	cr_assert_eq(script_calls(&w->script, ASK_RESPOND), 1);
	p = w->script.prompt[ASK_RESPOND];
	cr_assert(strstr(p, "Bob: hello there"));
	cr_assert_null(strstr(p, "The time is"), "a provider outside the set ran");
	cr_assert(say("Ada, hello")->responded);
	cr_assert_eq(script_calls(&w->script, ASK_RESPOND), 1);
}

Test(pipeline, should_respond__ignore_is_remembered_and_ends)
{
	const weft_agent_result *r;
	weft_memory newest;

	w->opt.check_should_respond = true;
	w->script.answer[ASK_RESPOND] =
	        "<response><reasoning>not for me</reasoning><action>IGNORE</action></response>";
	world_start(w);
	r = say("hello there");
	cr_assert_eq(r->status, 0);
	cr_assert_not(r->responded);
	cr_assert_eq(r->text.len_bytes, 0);
	cr_assert(weft_uuid_is_nil(r->reply_id));
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0);
	newest = world_newest(w, arena);
	assert_str(newest.actions, "IGNORE");
	assert_str(newest.thought, "not for me");
}

/* ---- the answer ------------------------------------------------------------------ */

Test(pipeline, answer__invalid_ones_are_asked_for_again)
{
	static const char *const answers[] = {"no idea", "<response><actions>REPLY</actions></response>",
	                                      REPLY_ANSWER, NULL};
	weft_agent_stats stats = {.size = sizeof(stats)};

	w->script.answers[ASK_MESSAGE] = answers;
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 3);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "the answer has no <thought>"));
	cr_assert_eq(weft_agent_stats_read(w->def, &stats), 0);
	cr_assert_eq(stats.parse_retries, 2);
}

Test(pipeline, answer__a_missing_field_fails_after_the_last_try)
{
	const weft_agent_result *r;

	w->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><text>x</text></response>";
	w->opt.parse_tries = 2;
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->status, WEFT_ESCHEMA);
	cr_assert(strstr(r->error.ptr, "no <actions>"), "%s", r->error.ptr);
	cr_assert(strstr(r->error.ptr, "2 tries"), "%s", r->error.ptr);
	cr_assert_not(r->responded);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 2);
}

Test(pipeline, answer__nonsense_is_a_parse_error)
{
	const weft_agent_result *r;

	w->script.answer[ASK_MESSAGE] = "I would rather not.";
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->status, WEFT_EPARSE);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 3);
	cr_assert(r->error.len_bytes > 0);
}

Test(pipeline, answer__json_and_think_are_fine)
{
	w->script.answer[ASK_MESSAGE] =
	        "<think>hmm <actions>NO</actions></think>{\"thought\":\"t\",\"actions\":\"REPLY\",\"text\":\"a < b\"}";
	world_start(w);
	assert_str(say("hi")->text, "a < b");
}

Test(pipeline, answer__no_action_means_ignore)
{
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions></actions><text>x</text></response>";
	world_start(w);
	cr_assert_not(say("hi")->responded);
	cr_assert_eq(weft_agent_result_of(reply)->status, 0);
	assert_str(world_newest(w, arena).actions, "IGNORE");
}

Test(pipeline, answer__ignore_beside_others_is_dropped_when_there_is_text)
{
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>IGNORE, REPLY</actions><text>x</text></response>";
	world_start(w);
	cr_assert(say("hi")->responded);
	assert_str(weft_agent_result_of(reply)->text, "x");
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>IGNORE,REPLY</actions><text></text></response>";
	cr_assert_not(say("hi")->responded);
}

Test(pipeline, answer__names_providers_and_the_state_grows)
{
	world_start(w);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><providers>NOBODY</providers><actions>REPLY</actions><text>x</text></response>";
	cr_assert_eq(say("hi")->status, 0);
	assert_str(weft_agent_result_of(reply)->text, "x");
	cr_assert_eq(weft_agent_result_of(reply)->stage_runs[WEFT_STAGE_COMPOSE], 2);
	cr_assert_eq(weft_agent_result_of(reply)->action_count, 1);
}

static int model_failing(weft_model_call *call, void *user)
{
	(void)user;
	return weft_error_set(call->error, -EIO, "the line is dead");
}

Test(pipeline, model__failure_is_the_runs_error)
{
	weft_models *models;
	const weft_agent_result *r;

	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add(models, WEFT_MODEL_TEXT_LARGE, 0, "bad", model_failing, NULL, NULL), 0);
	w->opt.models = models;
	world_start(w);
	weft_models_unref(models);
	r = say("hi");
	cr_assert_eq(r->status, WEFT_EMODEL);
	cr_assert(strstr(r->error.ptr, "the line is dead"), "%s", r->error.ptr);
}

/* ---- trimming -------------------------------------------------------------------- */

Test(pipeline, prompt__too_long_loses_the_oldest_lines)
{
	char text[420];
	const char *p;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	w->opt.context_tokens = 2500; /* 10,000 bytes; 85% are 8,500 */
	world_start(w);
	for (int i = 0; i < 30; i++) {
		text[0] = (char)('A' + i % 26);
		cr_assert_eq(say(text)->status, 0);
	}
	(void)say("the last one");
	p = w->script.prompt[ASK_MESSAGE];
	cr_assert(strlen(p) <= 8500, "%zu", strlen(p));
	cr_assert(strlen(p) > 7500, "%zu: too much was cut", strlen(p));
	cr_assert(strstr(p, "# Conversation, oldest first\n"));
	cr_assert(strstr(p, "Bob: the last one"));
}

Test(pipeline, prompt__that_cannot_fit_fails)
{
	const weft_agent_result *r;

	w->opt.context_tokens = 100;
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->status, -EMSGSIZE);
	cr_assert(strstr(r->error.ptr, "100 tokens"), "%s", r->error.ptr);
}

Test(pipeline, recent_messages__newest_64_oldest_first)
{
	const char *p, *at;
	int lines = 0;

	world_start(w);
	for (int i = 0; i < 200; i++) {
		weft_memory m = {.type = WEFT_MEMORY_MESSAGE, .room_id = w->room_id, .entity_id = w->user_id};
		char text[32];

		snprintf(text, sizeof(text), "number %d.", i);
		m.text = weft_str_from(text);
		cr_assert_eq(weft_store_add(w->store, &m, NULL), 0);
	}
	(void)say("hi");
	p = w->script.prompt[ASK_MESSAGE];
	for (at = p; (at = strstr(at, "Bob: ")); at++)
		lines++;
	cr_assert_eq(lines, 64);
	cr_assert_null(strstr(p, "number 136."));
	cr_assert(strstr(p, "number 137.\nBob: number 138."));
	cr_assert(strstr(p, "number 199.\nBob: hi"));
}

/* ---- evaluators ------------------------------------------------------------------ */

struct seen {
	int runs;
	bool did_respond;
	char text[64];
};

static int evaluate(weft_evaluator_call *call, void *user)
{
	struct seen *s = user;

	s->runs++;
	s->did_respond = call->did_respond;
	snprintf(s->text, sizeof(s->text), "%.*s", WEFT_STR_ARG(call->reply_text));
	return 0;
}

static int evaluate_badly(weft_evaluator_call *call, void *user)
{
	(void)evaluate(call, user);
	return -EIO;
}

static bool never(const weft_turn *turn, void *user)
{
	(void)turn;
	(void)user;
	return false;
}

static void add_evaluator(const char *name, weft_evaluator_fn fn, struct seen *seen, bool always,
                          weft_evaluator_validate_fn validate)
{
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	e.name = name;
	e.fn = fn;
	e.user = seen;
	e.always_run = always;
	e.validate = validate;
	cr_assert_eq(weft_agent_def_add_evaluator(w->def, &e), 0);
}

Test(pipeline, evaluators__run_after_a_reply_and_always_ones_in_every_case)
{
	struct seen after = {0}, always = {0}, invalid = {0}, bad = {0};

	w->opt.check_should_respond = true;
	world_def(w);
	add_evaluator("after", evaluate, &after, false, NULL);
	add_evaluator("always", evaluate, &always, true, NULL);
	add_evaluator("never", evaluate, &invalid, true, never);
	add_evaluator("bad", evaluate_badly, &bad, false, NULL);
	world_start(w);
	cr_assert_eq(say("Ada!")->status, 0);
	cr_assert_eq(after.runs, 1);
	cr_assert(after.did_respond);
	cr_assert_str_eq(after.text, "Hello!");
	cr_assert_eq(always.runs, 1);
	cr_assert_eq(bad.runs, 1);
	w->script.answer[ASK_RESPOND] = "<response><action>STOP</action></response>";
	cr_assert_eq(say("nobody in particular")->status, 0);
	cr_assert_eq(after.runs, 1);
	cr_assert_eq(always.runs, 2);
	cr_assert_not(always.did_respond);
	cr_assert_eq(invalid.runs, 0);
}

static char order[8];

static bool validate_in_turn(const weft_turn *turn, void *user)
{
	(void)turn;
	(void)user;
	strcat(order, "v");
	return true;
}

static int evaluate_in_turn(weft_evaluator_call *call, void *user)
{
	(void)call;
	(void)user;
	strcat(order, "e");
	return 0;
}

Test(pipeline, evaluators__are_all_asked_before_one_runs)
{
	world_def(w);
	add_evaluator("one", evaluate_in_turn, NULL, false, validate_in_turn);
	add_evaluator("two", evaluate_in_turn, NULL, false, validate_in_turn);
	world_start(w);
	cr_assert_eq(say("Ada!")->status, 0);
	cr_assert_str_eq(order, "vvee");
}

/* ---- multi-step ------------------------------------------------------------------ */

static int count_action(weft_action_call *call, void *user)
{
	weft_str city = {NULL, 0};

	++*(int *)user;
	(void)weft_json_get_str(weft_json_find(call->parameters, WEFT_STR("city")), &city);
	weft_action_return(call, weft_arena_printf(call->arena, "sunny in %.*s", WEFT_STR_ARG(city)));
	return 0;
}

static void add_weather(int *runs)
{
	static const char *const required[] = {"city"};
	weft_action a = WEFT_ACTION_INIT;

	a.name = "WEATHER";
	a.description = "the weather of a city";
	a.fn = count_action;
	a.user = runs;
	a.required_parameters = required;
	a.required_parameter_count = 1;
	cr_assert_eq(weft_agent_def_add_action(w->def, &a), 0);
}

Test(pipeline, multi_step__rounds_until_finished_then_a_summary)
{
	static const char *const rounds[] = {
	        "<response><thought>look</thought><action>WEATHER</action><parameters>{\"city\":\"Rome\"}</parameters></response>",
	        "<response><thought>look</thought><action>WEATHER</action><parameters>{\"city\":\"Oslo\"}</parameters></response>",
	        "<response><thought>enough</thought><is_finish>true</is_finish></response>", NULL};
	const weft_agent_result *r;
	int runs = 0;

	w->opt.multi_step = true;
	w->script.answers[ASK_DECISION] = rounds;
	world_def(w);
	add_weather(&runs);
	world_start(w);
	r = say("how is the weather?");
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	assert_str(r->text, "All done.");
	cr_assert_eq(runs, 2);
	cr_assert_eq(r->action_count, 2);
	assert_str(r->actions[1].text, "sunny in Oslo");
	cr_assert_eq(script_calls(&w->script, ASK_DECISION), 3);
	cr_assert_eq(script_calls(&w->script, ASK_SUMMARY), 1);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0);
	cr_assert(strstr(w->script.prompt[ASK_DECISION], "This is round 3 of at most 6"));
	cr_assert(strstr(w->script.prompt[ASK_SUMMARY], "round 1: WEATHER: sunny in Rome"));
	cr_assert(strstr(w->script.prompt[ASK_SUMMARY], "round 2: WEATHER: sunny in Oslo"));
	assert_str(world_newest(w, arena).text, "All done.");
}

static int look_around(weft_provider_call *call, void *user)
{
	call->text = weft_arena_printf(call->arena, "seen after %d.", *(int *)user);
	return 0;
}

Test(pipeline, multi_step__what_is_volatile_is_looked_at_again_each_round)
{
	weft_provider p = WEFT_PROVIDER_INIT;
	int runs = 0;

	w->opt.multi_step = true;
	w->opt.multi_step_rounds = 3;
	w->script.answer[ASK_DECISION] =
	        "<response><thought>more</thought><action>WEATHER</action><parameters>{\"city\":\"Rome\"}</parameters></response>";
	world_def(w);
	add_weather(&runs);
	p.name = "LOOK";
	p.flags = WEFT_PROVIDER_VOLATILE;
	p.fn = look_around;
	p.user = &runs;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), 0);
	world_start(w);
	cr_assert_eq(say("go on")->status, 0);
	cr_assert_eq(runs, 3);
	cr_assert(strstr(w->script.prompt[ASK_DECISION], "seen after 2."), "%s", w->script.prompt[ASK_DECISION]);
	cr_assert(strstr(w->script.prompt[ASK_SUMMARY], "seen after 3."), "%s", w->script.prompt[ASK_SUMMARY]);
}

Test(pipeline, multi_step__ends_after_the_last_round)
{
	int runs = 0;

	w->opt.multi_step = true;
	w->opt.multi_step_rounds = 4;
	w->script.answer[ASK_DECISION] =
	        "<response><thought>more</thought><action>WEATHER</action><parameters>{\"city\":\"Rome\"}</parameters></response>";
	world_def(w);
	add_weather(&runs);
	world_start(w);
	cr_assert_eq(say("go on")->status, 0);
	cr_assert_eq(runs, 4);
	cr_assert_eq(script_calls(&w->script, ASK_DECISION), 4);
	cr_assert_eq(script_calls(&w->script, ASK_SUMMARY), 1);
}

Test(pipeline, repair__one_call_for_missing_parameters)
{
	const weft_agent_result *r;
	int runs = 0;

	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>REPLY,WEATHER</actions><text>I look.</text></response>";
	w->script.answer[ASK_REPAIR] = "<response><city>Rome</city></response>";
	world_def(w);
	add_weather(&runs);
	world_start(w);
	r = say("weather in Rome?");
	cr_assert_eq(r->status, 0);
	cr_assert_eq(script_calls(&w->script, ASK_REPAIR), 1);
	cr_assert(strstr(w->script.prompt[ASK_REPAIR], "lacks parameters: city"), "%s",
	          w->script.prompt[ASK_REPAIR]);
	cr_assert_eq(r->action_count, 2);
	assert_str(r->actions[1].text, "sunny in Rome");
	w->script.answer[ASK_REPAIR] = "<response></response>";
	r = say("weather?");
	cr_assert_eq(script_calls(&w->script, ASK_REPAIR), 2);
	cr_assert_eq(runs, 1);
	cr_assert_eq(r->actions[1].status, WEFT_ESCHEMA);
	cr_assert(strstr(r->actions[1].error.ptr, "\"city\" is missing"));
	cr_assert_eq(r->status, 0);
}

Test(pipeline, repair__not_needed_when_the_answer_has_them)
{
	int runs = 0;

	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>WEATHER</actions><text>x</text>"
	        "<city>Rome</city></response>";
	world_def(w);
	add_weather(&runs);
	world_start(w);
	assert_str(say("weather in Rome?")->actions[0].text, "sunny in Rome");
	cr_assert_eq(script_calls(&w->script, ASK_REPAIR), 0);
}

/* ---- events ---------------------------------------------------------------------- */

Test(pipeline, events__run_and_stages_come_in_order)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *sub;
	weft_event e[256];
	char component[32];
	int n, started = -1, ended = -1, model = -1, open = 0, sent = 0, step = 0;

	world_start(w);
	cr_assert_eq(weft_events_subscribe(w->rt, &opt, &sub), 0);
	cr_assert_eq(say("hi Ada")->status, 0);
	n = weft_events_read(sub, e, 256);
	for (int i = 0; i < n; i++) {
		if (e[i].workflow_id != weft_agent_result_of(reply)->workflow_id)
			continue;
		if (weft_str_eq(e[i].message, WEFT_STR("RUN_STARTED"))) {
			assert_str(e[i].component_id, "Ada");
			started = i;
		}
		if (weft_str_eq(e[i].message, WEFT_STR("RUN_ENDED")))
			ended = i;
		if (weft_str_eq(e[i].message, WEFT_STR("MESSAGE_SENT"))) {
			cr_assert(model >= 0 && ended < 0);
			assert_str(e[i].fields[0].str, "Hello!");
			sent++;
		}
		if (weft_str_eq(e[i].message, WEFT_STR("model_call")) && e[i].type == WEFT_EVENT_COMPLETED)
			model = i;
		if (e[i].scope == WEFT_SCOPE_STEP && e[i].field_count &&
		    weft_str_eq(e[i].fields[0].key, WEFT_STR("stage"))) {
			snprintf(component, sizeof(component), "Ada:step:%d", step);
			cr_assert(weft_str_eq(e[i].component_id, weft_str_from(component)), "%.*s, not %s",
			          WEFT_STR_ARG(e[i].component_id), component);
			open += e[i].type == WEFT_EVENT_STARTED ? 1 : -1;
			step += e[i].type != WEFT_EVENT_STARTED;
		}
		cr_assert(open == 0 || open == 1);
	}
	cr_assert_eq(started, 0);
	cr_assert(model > started);
	cr_assert(ended > model);
	cr_assert_eq(sent, 1);
	cr_assert_eq(open, 0);
	weft_events_unsubscribe(sub);
}
