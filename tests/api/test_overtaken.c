/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of every kind, ended in every way. Goal: what a run says of itself (answer, actions, usage, events, counts, recording,
 * store) does not depend on who ends a handler and when. Method: each scenario is played with a handler that returns its answer;
 * that finishes inside of itself and says WEFT_PENDING; that another thread has finished before it says WEFT_PENDING; that is
 * finished after it, by another thread and by another actor. All of them must leave the same account. The one worker runs the other actor
 * only when the handler has returned, and nobody helps it, so nothing here depends on time.
 */
#include <stdlib.h>

#include <weft/cache.h>
#include <weft/graph.h>
#include <weft/record.h>

#include "tests/support/agents.h"
#include "tests/support/pipeline.h"

/* ---- ways to end ------------------------------------------------------------------ */

enum way { AT_ONCE = 0, INSIDE, OVERTAKEN, LATER, LATER_BY_ACTOR, WAYS };
enum outcome { WELL = 0, FAILS, BREAKS, OUTCOMES }; /* BREAKS: it says something, and fails */

static const char *const way_names[] = { "at once", "inside", "overtaken", "later", "later, by an actor" };
static const char *const outcome_names[] = { "well", "fails", "breaks" };

static enum way way;
static enum outcome outcome;
static weft_ref after; /* the other actor */
static FILE *account;

struct ending {
	void *call;
	int (*say)(void *call);
	void (*finish)(void *call, int status);
};

static void *end(void *arg)
{
	struct ending *e = arg;

	e->finish(e->call, e->say(e->call));
	return NULL;
}

static void end_in_a_thread(struct ending *e)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, end, e), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

static int after_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)self;
	if (weft_msg_len_bytes(msg) != sizeof(struct ending))
		return 0;
	if (way == LATER_BY_ACTOR)
		end(weft_msg_data(msg));
	else
		end_in_a_thread(weft_msg_data(msg));
	return 0;
}

static const weft_actor_class after_class = { .size = sizeof(after_class), .name = "after", .behaviour = after_behaviour };

/* In a handler: what it returns. */
static int end_by_way(void *call, int (*say)(void *call), void (*finish)(void *call, int status))
{
	struct ending e = { call, say, finish };
	weft_msg *msg;

	switch (way) {
	case AT_ONCE:
		return say(call);
	case INSIDE:
		end(&e);
		return WEFT_PENDING;
	case OVERTAKEN:
		end_in_a_thread(&e);
		return WEFT_PENDING;
	default:
		msg = weft_msg_create(1, sizeof(e));
		memcpy(weft_msg_data(msg), &e, sizeof(e));
		cr_assert_eq(weft_send(after, msg), 0);
		return WEFT_PENDING;
	}
}

static int status_of_outcome(void)
{
	return outcome == WELL ? 0 : -EIO;
}

static bool says(void)
{
	return outcome != FAILS;
}

/* ---- the account ------------------------------------------------------------------- */

static void tell_str(const char *name, weft_str s)
{
	fprintf(account, " %s=\"%.*s\"", name, WEFT_STR_ARG(s));
}

static void tell_result(const weft_agent_result *r)
{
	fprintf(account, "result %s", weft_errname(r->status));
	tell_str("error", r->error);
	tell_str("text", r->text);
	tell_str("thought", r->thought);
	fprintf(account, " responded=%d tools=%u iterations=%u tokens=%u+%u%s", r->responded, r->tool_calls, r->iterations,
	        r->usage.prompt_tokens, r->usage.completion_tokens, r->usage.estimated ? "?" : "");
	for (uint32_t i = 0; i < r->action_count; i++) {
		fprintf(account, "\n  action %s", weft_errname(r->actions[i].status));
		tell_str("name", r->actions[i].name);
		tell_str("text", r->actions[i].text);
		tell_str("error", r->actions[i].error);
	}
	fputc('\n', account);
}

static void tell_answer(const weft_msg *answer)
{
	if (weft_agent_result_of(answer))
		tell_result(weft_agent_result_of(answer));
	else
		fprintf(account, "no result: %s\n", weft_errname(weft_msg_status(answer)));
}

/* What is another one each time: ids, times, and prompts, which show both. */
static bool differs(weft_str key)
{
	static const char *const keys[] = { "attachment", "workflow_id", "start", "end", "duration", "prompt" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (weft_str_eq(key, weft_str_from(keys[i])))
			return true;
	}
	return false;
}

static void tell_event(const weft_event *e)
{
	fprintf(account, "event %d %d", e->scope, e->type);
	tell_str("of", e->component_id);
	tell_str("message", e->message);
	for (uint32_t i = 0; i < e->field_count; i++) {
		const weft_event_field *f = &e->fields[i];

		if (differs(f->key))
			continue;
		fprintf(account, " %.*s=", WEFT_STR_ARG(f->key));
		if (f->kind == WEFT_FIELD_STR || f->kind == WEFT_FIELD_JSON)
			fprintf(account, "\"%.*s\"", WEFT_STR_ARG(f->str));
		else if (f->kind == WEFT_FIELD_INT)
			fprintf(account, "%lld", (long long)f->num.i);
	}
	fputc('\n', account);
}

/* Stages end with the answer, which goes out while evaluators still wait: they are no part of the account. */
static void tell_events(weft_subscription *events)
{
	static weft_event batch[256];
	int n;

	while ((n = weft_events_read(events, batch, 256)) > 0) {
		for (int i = 0; i < n; i++) {
			if (!memmem(batch[i].component_id.ptr, batch[i].component_id.len_bytes, ":step:", 6))
				tell_event(&batch[i]);
		}
	}
	weft_events_unsubscribe(events);
}

static void tell_stats(const weft_agent_def *def)
{
	weft_agent_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_agent_stats_read(def, &s), 0);
	fprintf(account, "runs %lu %lu %lu %lu, tools %lu, models %lu %lu %lu, tries %lu, embeddings %lu %lu %lu\n",
	        (unsigned long)s.runs_started, (unsigned long)s.runs_completed, (unsigned long)s.runs_failed,
	        (unsigned long)s.runs_canceled, (unsigned long)s.tool_calls, (unsigned long)s.model_calls,
	        (unsigned long)s.model_failures, (unsigned long)s.model_cached, (unsigned long)s.parse_retries,
	        (unsigned long)s.embeddings_queued, (unsigned long)s.embeddings_done, (unsigned long)s.embeddings_dropped);
}

/* Without running actors meanwhile: that is the one worker's. */
static weft_msg *take(weft_runtime *rt, weft_future *future)
{
	weft_msg *answer = NULL;

	test_until(weft_future_try_take(future, &answer) == 0);
	test_quiet(rt);
	return answer;
}

static void listen_to(weft_runtime *rt, weft_subscription **ret_events)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;

	cr_assert_eq(weft_events_subscribe(rt, &opt, ret_events), 0);
	after = test_spawn(rt, &after_class, NULL);
}

static char *play(void (*scenario)(void), enum way w, enum outcome o)
{
	char *text = NULL;
	size_t bytes = 0;

	way = w;
	outcome = o;
	account = open_memstream(&text, &bytes);
	cr_assert_not_null(account);
	scenario();
	fclose(account);
	return text;
}

/* From the first line that is another one, a few. */
static void expect_the_same(const char *a, const char *b, enum way w, enum outcome o)
{
	const char *line_a = a, *line_b = b;

	for (; *a && *a == *b; a++, b++) {
		if (*a == '\n') {
			line_a = a + 1;
			line_b = b + 1;
		}
	}
	cr_expect_eq(*a, *b, "%s\n%s: %.500s\nat once: %.500s", outcome_names[o], way_names[w], line_b, line_a);
}

static void all_the_same(void (*scenario)(void))
{
	for (enum outcome o = WELL; o < OUTCOMES; o++) {
		char *first = play(scenario, AT_ONCE, o);

		for (enum way w = INSIDE; w < WAYS; w++) {
			char *other = play(scenario, w, o);

			expect_the_same(first, other, w, o);
			free(other);
		}
		free(first);
	}
}

TestSuite(overtaken, .timeout = 120);

/* ---- handlers of a message ------------------------------------------------------------- */

static struct world *world;

static void message_begin(void)
{
	world = world_create_with(1);
	world->opt.no_embeddings = true;
	memset(&world->agent_id, 1, sizeof(world->agent_id)); /* errors name it */
	world_def(world);
}

static weft_msg *handle(const weft_incoming *in)
{
	cr_assert_eq(weft_agent_handle_message(world->agent, in, weft_reply_to_future(world->future)), 0);
	return take(world->rt, world->future);
}

static bool is_shown(const char *text)
{
	const char *prompt = world->script.prompt[ASK_MESSAGE];

	return prompt && strstr(prompt, text);
}

static void message_end(void)
{
	weft_subscription *events;

	listen_to(world->rt, &events);
	world_start(world);
	for (int i = 0; i < 2; i++) { /* the second one shows what the first one left */
		weft_incoming in = world_message(world, i ? "and again" : "hi");
		weft_msg *answer = handle(&in);

		tell_answer(answer);
		weft_msg_destroy(answer);
		fprintf(account, "from provider: %d, from summary: %d\n", is_shown("given text"), is_shown("Earlier in the"));
	}
	tell_events(events);
	tell_stats(world->def);
	fprintf(account, "messages %u, summaries %u, embedded %u\n",
	        (unsigned)weft_store_count(world->store, world->room_id, WEFT_MEMORY_MESSAGE),
	        (unsigned)weft_store_count(world->store, world->room_id, WEFT_MEMORY_SUMMARY),
	        (unsigned)weft_store_count_embedded(world->store, world->room_id, WEFT_MEMORY_MESSAGE));
	world_end(world);
}

static int provider_say(void *call)
{
	if (!says())
		return -EIO;
	cr_assert_eq(weft_provider_return(call, WEFT_STR("given text")), 0);
	cr_assert_eq(weft_provider_put(call, WEFT_STR("key"), WEFT_STR("first")), 0);
	cr_assert_eq(weft_provider_put(call, WEFT_STR("key"), WEFT_STR("given value")), 0);
	return status_of_outcome();
}

static void provider_finish(void *call, int status)
{
	weft_provider_finish(call, status);
}

static int provider(weft_provider_call *call, void *user)
{
	(void)user;
	return end_by_way(call, provider_say, provider_finish);
}

/* What others see of it: of a provider that failed nothing. */
static int witness(weft_action_call *call, void *user)
{
	weft_str value = { 0 };

	(void)user;
	(void)weft_turn_value(call->turn, WEFT_STR("key"), &value);
	fprintf(account, "action sees");
	tell_str("value", outcome == WELL ? value : (weft_str){ 0 });
	tell_str("section", weft_turn_section(call->turn, WEFT_STR("GIVES")));
	for (uint32_t i = 0; i < call->previous_count; i++)
		tell_str("before", call->previous[i].status < 0 ? call->previous[i].error : call->previous[i].text);
	fputc('\n', account);
	return weft_action_say(call, WEFT_STR("seen"));
}

static void add_action(const char *name, weft_action_fn fn)
{
	weft_action a = WEFT_ACTION_INIT;

	a.name = name;
	a.description = "a test";
	a.fn = fn;
	cr_assert_eq(weft_agent_def_add_action(world->def, &a), 0);
}

static void of_provider(void)
{
	weft_provider p = WEFT_PROVIDER_INIT;

	message_begin();
	p.name = "GIVES";
	p.description = "a test";
	p.fn = provider;
	cr_assert_eq(weft_agent_def_add_provider(world->def, &p), 0);
	add_action("WITNESS", witness);
	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>WITNESS</actions><text>x</text></response>";
	message_end();
}

Test(overtaken, providers)
{
	all_the_same(of_provider);
}

static int action_say(void *call)
{
	int r = 0;

	if (says()) {
		weft_action_return(call, WEFT_STR("did it"));
		r = weft_action_say(call, WEFT_STR("one"));
		if (r == 0)
			r = weft_action_say(call, WEFT_STR("two"));
	}
	return outcome == BREAKS ? weft_action_fail(call, -EIO, "broke at %d", 7) : outcome == FAILS ? -EIO : r;
}

static void action_finish(void *call, int status)
{
	weft_action_finish(call, status);
}

static int action(weft_action_call *call, void *user)
{
	(void)user;
	return end_by_way(call, action_say, action_finish);
}

static void of_action(void)
{
	message_begin();
	add_action("ACTS", action);
	add_action("WITNESS", witness);
	world->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><actions>ACTS,WITNESS,ACTS</actions><text>x</text></response>";
	message_end();
}

Test(overtaken, actions)
{
	all_the_same(of_action);
}

static char evaluated[64]; /* told apart: the answer may be out already, and told at the same time */

static int evaluator_say(void *call)
{
	const weft_evaluator_call *c = call;

	snprintf(evaluated, sizeof(evaluated), "%d \"%.*s\"", c->did_respond, WEFT_STR_ARG(c->reply_text));
	return status_of_outcome();
}

static void evaluator_finish(void *call, int status)
{
	weft_evaluator_finish(call, status);
}

static int evaluator(weft_evaluator_call *call, void *user)
{
	(void)user;
	return end_by_way(call, evaluator_say, evaluator_finish);
}

static void of_evaluator(void)
{
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	message_begin();
	e.name = "JUDGES";
	e.description = "a test";
	e.fn = evaluator;
	cr_assert_eq(weft_agent_def_add_evaluator(world->def, &e), 0);
	evaluated[0] = '\0';
	message_end();
	fprintf(account, "evaluated %s\n", evaluated);
}

Test(overtaken, evaluators)
{
	all_the_same(of_evaluator);
}

static int attachment_say(void *call)
{
	weft_attachment_call *c = call;

	if (says())
		cr_assert_eq(weft_attachment_describe(c, WEFT_STR("a title"), WEFT_STR("a bee"), WEFT_STR("")), 0);
	return outcome == WELL ? 0 : weft_error_set(c->error, -EIO, "no eyes");
}

static void attachment_finish(void *call, int status)
{
	weft_attachment_finish(call, status);
}

static int attachment(weft_attachment_call *call, void *user)
{
	(void)user;
	return end_by_way(call, attachment_say, attachment_finish);
}

static int attachment_second(weft_attachment_call *call, void *user)
{
	(void)user;
	cr_assert_eq(weft_attachment_describe(call, (weft_str){ "", 0 }, WEFT_STR("a wasp"), WEFT_STR("")), 0);
	return 0;
}

static void of_attachment(void)
{
	const weft_attachment image = { .url = WEFT_STR("https://a/bee.png"), .content_type = WEFT_STR("image/png") };
	weft_attachment_handler h = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_subscription *events;
	weft_arena *arena;
	weft_incoming in;
	weft_msg *answer;
	weft_memory m;

	message_begin();
	h.content_type = "image/*";
	h.name = "second";
	h.fn = attachment_second;
	cr_assert_eq(weft_agent_def_add_attachment_handler(world->def, &h), 0);
	h.name = "first";
	h.priority = 1;
	h.fn = attachment;
	cr_assert_eq(weft_agent_def_add_attachment_handler(world->def, &h), 0);
	listen_to(world->rt, &events);
	world_start(world);
	in = world_message(world, "look");
	in.message.attachments = &image;
	in.message.attachment_count = 1;
	answer = handle(&in);
	tell_answer(answer);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_store_get(world->store, weft_agent_result_of(answer)->message_id, arena, &m), 0);
	cr_assert_eq(m.attachment_count, 1);
	tell_str("title", m.attachments[0].title);
	tell_str("description", m.attachments[0].description);
	weft_arena_destroy(arena);
	weft_msg_destroy(answer);
	tell_events(events);
	world_end(world);
}

Test(overtaken, attachment_handlers)
{
	all_the_same(of_attachment);
}

static int summary_say(void *call)
{
	if (says())
		cr_assert_eq(weft_summary_return(call, WEFT_STR("it was about bees")), 0);
	return status_of_outcome();
}

static void summary_finish(void *call, int status)
{
	weft_summary_finish(call, status);
}

static int summarizer(weft_summary_call *call, void *user)
{
	(void)user;
	return end_by_way(call, summary_say, summary_finish);
}

static void of_summarizer(void)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;

	message_begin();
	s.after_messages = 10;
	s.fn = summarizer;
	cr_assert_eq(weft_agent_def_set_summarizer(world->def, &s), 0);
	for (int64_t i = 0; i < 80; i++) {
		weft_memory m = { .room_id = world->room_id, .entity_id = world->user_id, .created_ms = 1 + i, .text = WEFT_STR("bee") };

		cr_assert_eq(weft_store_add(world->store, &m, NULL), 0);
	}
	message_end();
}

Test(overtaken, summarizers)
{
	all_the_same(of_summarizer);
}

/* ---- models ---------------------------------------------------------------------------- */

static weft_str model_text; /* what it says; empty: an embedding */
static bool model_shows;    /* and shows before */

static int model_say(void *call)
{
	static const float vector[4] = { 1, 2, 3, 4 };
	weft_model_call *c = call;

	c->response->usage = (weft_model_usage){ .prompt_tokens = 7, .completion_tokens = 3 };
	if (says() && model_shows)
		weft_model_chunk(c, WEFT_STR("sho"));
	if (says() && model_text.len_bytes)
		c->response->text = weft_arena_dup(c->arena, model_text);
	if (says() && !model_text.len_bytes) {
		c->response->embedding = vector;
		c->response->embedding_dims = 4;
	}
	return outcome == WELL ? 0 : weft_error_set(c->error, -EIO, "the line is cut");
}

static void model_finish(void *call, int status)
{
	weft_model_finish(call, status);
}

static int model(weft_model_call *call, void *user)
{
	(void)user;
	return end_by_way(call, model_say, model_finish);
}

/* Another one, which is asked when the first one fails. */
static int spare(weft_model_call *call, void *user)
{
	(void)user;
	call->response->text = WEFT_STR(REPLY_ANSWER);
	return 0;
}

static void add_model(weft_models *models, weft_model_type type, weft_model_fn fn, int priority)
{
	cr_assert_eq(weft_models_add(models, type, priority, priority ? "first" : "second", fn, NULL, NULL), 0);
}

static void of_message_model(void)
{
	model_text = WEFT_STR(REPLY_ANSWER);
	model_shows = true;
	world = world_create_with(1);
	world->opt.no_embeddings = true;
	add_model(world->models, WEFT_MODEL_TEXT_LARGE, model, 2);
	message_end();
}

Test(overtaken, models_of_messages)
{
	all_the_same(of_message_model);
}

/* The embedder asks on its own, and tries again. */
static void of_embedder(void)
{
	model_text = (weft_str){ 0 };
	model_shows = false;
	world = world_create_with(1);
	add_model(world->models, WEFT_MODEL_TEXT_EMBEDDING, model, 2);
	message_end();
}

Test(overtaken, models_of_the_embedder)
{
	all_the_same(of_embedder);
}

static struct kit kit;
static weft_cache *cache;
static weft_str json_schema;
static char folder[64], path[96];

/* Lines of the recording, but for how long things took and when. */
static void tell_recording(void)
{
	FILE *f = fopen(path, "r");
	char *line = NULL, *at;
	size_t room = 0;

	cr_assert_not_null(f);
	while (getline(&line, &room, f) > 0) {
		if (!strncmp(line, "{\"type\":\"weft", 13) || strstr(line, "\"created") || strstr(line, "\"version"))
			continue;
		at = strstr(line, ",\"ns\":");
		if (at)
			memmove(at, at + 6 + strspn(at + 6, "0123456789"), strlen(at + 6 + strspn(at + 6, "0123456789")) + 1);
		fprintf(account, "line %s", line);
	}
	free(line);
	fclose(f);
	unlink(path);
	rmdir(folder);
}

static void loop_begin(void)
{
	weft_recorder_options opt = WEFT_RECORDER_OPTIONS_INIT;

	snprintf(folder, sizeof(folder), "/tmp/weft-overtaken-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run.jsonl", folder);
	kit_init(&kit);
	cr_assert_eq(weft_recorder_open(path, &opt, &kit.options.recorder, NULL), 0);
	json_schema = (weft_str){ 0 };
	cache = NULL;
}

/* Asked twice the same: a cache answers the second time. */
static void loop_end(void)
{
	weft_cache_stats s = { .size = sizeof(s) };
	weft_subscription *events;
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	kit_start(&kit, 1);
	listen_to(kit.rt, &events);
	cr_assert_eq(weft_future_create(kit.rt, &future), 0);
	ask.input = WEFT_STR("what is it?");
	ask.json_schema = json_schema;
	for (int i = 0; i < 2; i++) {
		weft_msg *answer;

		cr_assert_eq(weft_agent_ask(kit.agent, &ask, weft_reply_to_future(future)), 0);
		answer = take(kit.rt, future);
		tell_answer(answer);
		weft_msg_destroy(answer);
	}
	weft_future_destroy(future);
	tell_events(events);
	tell_stats(kit.def);
	kit_end(&kit);
	if (kit.options.recorder) {
		weft_recorder_unref(kit.options.recorder);
		tell_recording();
	}
	if (!cache)
		return;
	cr_assert_eq(weft_cache_stats_read(cache, &s), 0);
	fprintf(account, "cache: %lu hits, %lu near, %lu joined, %lu misses, %lu answers\n", (unsigned long)s.hits,
	        (unsigned long)s.near, (unsigned long)s.joined, (unsigned long)s.misses, (unsigned long)s.answers);
	weft_cache_unref(cache);
}

static void with_cache(float near)
{
	weft_cache_options opt = WEFT_CACHE_OPTIONS_INIT;

	opt.near_min = near;
	cr_assert_eq(weft_cache_create(&opt, &cache), 0);
	cr_assert_eq(weft_models_set_cache(kit.models, cache), 0);
}

static void of_loop_model_that(bool shows, bool remembers)
{
	model_text = WEFT_STR("<think>so</think>an answer");
	model_shows = shows;
	loop_begin();
	if (remembers)
		with_cache(0);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	loop_end();
}

static void of_loop_model(void)
{
	of_loop_model_that(false, false);
}

static void of_loop_model_that_shows(void)
{
	of_loop_model_that(true, false);
}

static void of_loop_model_with_cache(void)
{
	of_loop_model_that(false, true);
}

static void of_loop_model_that_shows_with_cache(void)
{
	of_loop_model_that(true, true);
}

Test(overtaken, models_of_loops)
{
	all_the_same(of_loop_model);
	all_the_same(of_loop_model_that_shows);
}

Test(overtaken, models_behind_a_cache)
{
	all_the_same(of_loop_model_with_cache);
	all_the_same(of_loop_model_that_shows_with_cache);
}

/* What does not fit is asked for again, and what it cost counts. */
static void of_schema(void)
{
	model_text = WEFT_STR("{\"n\":\"no\"}");
	model_shows = false;
	loop_begin();
	json_schema = WEFT_STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}");
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	loop_end();
}

Test(overtaken, models_whose_answer_does_not_fit)
{
	all_the_same(of_schema);
}

static void of_near_that(uint32_t gathered)
{
	model_text = (weft_str){ 0 };
	model_shows = false;
	loop_begin();
	weft_recorder_unref(kit.options.recorder); /* what is recorded is not embedded */
	kit.options.recorder = NULL;
	unlink(path);
	rmdir(folder);
	with_cache(0.9f);
	add_model(kit.models, WEFT_MODEL_TEXT_EMBEDDING, model, 2);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, spare, 0);
	cr_assert_eq(weft_models_gather_embeddings(kit.models, gathered), 0);
	loop_end();
}

static void of_near(void)
{
	of_near_that(0);
}

static void of_near_that_is_gathered(void)
{
	of_near_that(16);
}

Test(overtaken, models_that_embed_questions)
{
	all_the_same(of_near);
	all_the_same(of_near_that_is_gathered);
}

/* ---- tools ----------------------------------------------------------------------------- */

static int tool_say(void *call)
{
	static char long_text[4096];

	memset(long_text, 'x', sizeof(long_text) - 1);
	if (says()) {
		weft_tool_progress(call, WEFT_STR("half"));
		weft_tool_return(call, WEFT_STR("a result that is not the last"));
		weft_tool_return(call, weft_str_from(long_text));
	}
	return outcome == BREAKS ? weft_tool_fail(call, -EIO, "it broke: %s", long_text) : status_of_outcome();
}

static void tool_finish(void *call, int status)
{
	weft_tool_finish(call, status);
}

static int tool(weft_tool_call *call, void *user)
{
	(void)user;
	return end_by_way(call, tool_say, tool_finish);
}

/* Two calls, then what came of the last one. */
static int caller(weft_model_call *call, void *user)
{
	static const weft_tool_request calls[] = { { .id = WEFT_STR("1"), .name = WEFT_STR("work"), .arguments_json = WEFT_STR("{}") },
		                                   { .id = WEFT_STR("2"),
		                                     .name = WEFT_STR("work"),
		                                     .arguments_json = WEFT_STR("{\"n\":1}") } };
	const weft_model_request *q = call->request;
	const weft_chat_message *last = &q->messages[q->message_count - 1];

	(void)user;
	if (last->role == WEFT_ROLE_TOOL) {
		call->response->text = last->content;
	} else {
		call->response->tool_calls = calls;
		call->response->tool_call_count = 2;
	}
	return 0;
}

static void of_tool_that(bool serial)
{
	loop_begin();
	kit.options.serial_tool_calls = serial;
	kit_tool(&kit, "work", "{\"type\":\"object\"}", tool, NULL);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, caller, 0);
	loop_end();
}

static void of_tool_in_order(void)
{
	of_tool_that(true);
}

Test(overtaken, tools)
{
	all_the_same(of_tool_in_order);
}

/* ---- without an agent --------------------------------------------------------------------- */

static pthread_t loose_thread;
static struct ending loose;

/* There is no worker: later is whenever the other thread comes to it. */
static int end_loosely(void *call, int (*say)(void *call), void (*finish)(void *call, int status))
{
	if (way < LATER)
		return end_by_way(call, say, finish);
	loose = (struct ending){ call, say, finish };
	cr_assert_eq(pthread_create(&loose_thread, NULL, end, &loose), 0);
	return WEFT_PENDING;
}

static void loose_over(void)
{
	if (way >= LATER)
		cr_assert_eq(pthread_join(loose_thread, NULL), 0);
}

static int loose_tool(weft_tool_call *call, void *user)
{
	(void)user;
	return end_loosely(call, tool_say, tool_finish);
}

static int loose_model(weft_model_call *call, void *user)
{
	(void)user;
	return end_loosely(call, model_say, model_finish);
}

static void of_loose_tool(void)
{
	weft_str result = { 0 };
	weft_arena *arena;

	kit_init(&kit);
	kit_tool(&kit, "work", "{\"type\":\"object\"}", loose_tool, NULL);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	fprintf(account, "tool: %s", weft_errname(weft_tools_call(kit.tools, WEFT_STR("work"), WEFT_STR("{}"), arena, &result)));
	loose_over();
	tell_str("result", result);
	weft_arena_destroy(arena);
	weft_tools_unref(kit.tools);
	weft_models_unref(kit.models);
}

static void of_loose_model_that(bool remembers)
{
	weft_model_request q = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("what is it?") };
	weft_model_response r = { 0 };
	weft_error err = { 0 };
	weft_arena *arena;
	int status;

	model_text = WEFT_STR("an answer");
	model_shows = true;
	kit_init(&kit);
	cache = NULL;
	if (remembers)
		with_cache(0);
	add_model(kit.models, WEFT_MODEL_TEXT_LARGE, loose_model, 2);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	status = weft_models_call(kit.models, &q, arena, &r, &err);
	loose_over();
	fprintf(account, "model: %s, %s, %u+%u", weft_errname(status), err.message, r.usage.prompt_tokens, r.usage.completion_tokens);
	tell_str("text", r.text);
	weft_arena_destroy(arena);
	weft_tools_unref(kit.tools);
	weft_models_unref(kit.models);
	weft_cache_unref(cache);
}

static void of_loose_model(void)
{
	of_loose_model_that(false);
}

static void of_loose_model_with_cache(void)
{
	of_loose_model_that(true);
}

Test(overtaken, calls_without_an_agent)
{
	all_the_same(of_loose_tool);
	all_the_same(of_loose_model);
	all_the_same(of_loose_model_with_cache);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static int job_say(void *job)
{
	if (says())
		weft_node_set_result(job, &kit);
	return status_of_outcome();
}

static void job_finish(void *job, int status)
{
	weft_job_finish(job, status);
}

static int job(weft_job *job, void *arg)
{
	(void)arg;
	return end_by_way(job, job_say, job_finish);
}

static int job_at_once(weft_job *job, void *arg)
{
	const weft_node_outcome *before = weft_node_input(job, 0);

	(void)arg;
	if (before)
		fprintf(account, "needs %d %s %d\n", before->state, weft_errname(before->status), before->result == &kit);
	return 0;
}

static void tell_group(weft_runtime *rt, weft_future *future)
{
	weft_msg *answer = take(rt, future);
	const weft_group_result *r = weft_group_result_of(answer);

	fprintf(account, "%s: %u jobs, %u %u %u, first %d\n", weft_errname(r->status), r->jobs, r->succeeded, r->failed, r->canceled,
	        (int)r->first);
	weft_msg_destroy(answer);
}

static void of_jobs(void)
{
	static const weft_graph_input needs[] = { { .node = "first" } };
	const weft_graph_node nodes[] = { { .name = "first", .fn = job },
		                          { .name = "then", .fn = job_at_once, .inputs = needs, .input_count = 1 } };
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_group_options serial = WEFT_GROUP_OPTIONS_INIT;
	weft_call calls[] = { { .fn = job }, { .fn = job_at_once }, { .fn = job } };
	weft_node_outcome outcomes[2];
	weft_runtime *rt = test_runtime(1);
	weft_future *future;
	weft_graph *graph;

	after = test_spawn(rt, &after_class, NULL);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (serial.policy = WEFT_GROUP_FAIL_FAST; serial.policy <= WEFT_GROUP_RACE; serial.policy++) {
		serial.limit = 1; /* one after another: what a failure cancels is the same then */
		cr_assert_eq(weft_gather(rt, calls, 3, &serial, weft_reply_to_future(future), NULL), 0);
		tell_group(rt, future);
		for (int i = 0; i < 3; i++)
			fprintf(account, " %s", weft_errname(calls[i].status));
	}
	cr_assert_eq(weft_graph_create(&graph), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(weft_graph_add(graph, &nodes[i]), 0);
	cr_assert_eq(weft_graph_check(graph, NULL), 0);
	opt.ret_nodes = outcomes;
	opt.policy = WEFT_GRAPH_RUN_DEPENDENTS;
	cr_assert_eq(weft_graph_run(rt, graph, &opt, weft_reply_to_future(future), NULL), 0);
	tell_group(rt, future);
	for (int i = 0; i < 2; i++)
		fprintf(account, " %d %s %d", outcomes[i].state, weft_errname(outcomes[i].status), outcomes[i].result == &kit);
	weft_graph_destroy(graph);
	weft_future_destroy(future);
	(void)weft_actor_stop(after);
	test_runtime_end(rt);
}

Test(overtaken, jobs_and_nodes)
{
	all_the_same(of_jobs);
}
