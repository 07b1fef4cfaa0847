/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/pipeline.h - a full agent whose model says what the test wants,
 * at once or when the test lets it.
 */
#ifndef WEFT_TESTS_SUPPORT_PIPELINE_H
#define WEFT_TESTS_SUPPORT_PIPELINE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/actors.h"

enum ask { ASK_MESSAGE = 0, ASK_RESPOND, ASK_DECISION, ASK_SUMMARY, ASK_REPAIR, ASK_EMBED, ASK_KINDS };

#define HELD_MAX 4096

/* What the model answers to each question, how often it was asked, and the last prompt of each kind. */
struct script {
	const char *answer[ASK_KINDS];         /* the same each time, unless there is a list */
	const char *const *answers[ASK_KINDS]; /* one after another; the last repeats; ends with NULL */
	int fail_embeddings;                   /* this many fail first */
	pthread_mutex_t lock;
	uint32_t calls[ASK_KINDS];
	char *prompt[ASK_KINDS];
	bool hold[ASK_KINDS]; /* answer WEFT_PENDING and wait for script_let_go */
	struct {
		weft_model_call *call;
		enum ask kind;
		uint32_t number;
	} held[HELD_MAX];
	uint32_t held_count;
};

static inline enum ask ask_kind(const weft_model_request *q)
{
	if (q->type == WEFT_MODEL_TEXT_EMBEDDING)
		return ASK_EMBED;
	for (uint32_t i = 0; i < q->field_count; i++) {
		if (weft_str_eq(q->fields[i].name, WEFT_STR("reasoning")))
			return ASK_RESPOND;
		if (weft_str_eq(q->fields[i].name, WEFT_STR("actions")))
			return ASK_MESSAGE;
		if (weft_str_eq(q->fields[i].name, WEFT_STR("is_finish")))
			return ASK_DECISION;
	}
	return q->field_count == 2 && weft_str_eq(q->fields[1].name, WEFT_STR("text")) ? ASK_SUMMARY
	                                                                               : ASK_REPAIR;
}

static inline int script_answer(struct script *s, weft_model_call *call, enum ask kind, uint32_t number)
{
	static const float vector[4] = {1, 2, 3, 4};
	const char *text = s->answer[kind];

	if (kind == ASK_EMBED) {
		if ((int)number < s->fail_embeddings)
			return -EIO;
		call->response->embedding = vector;
		call->response->embedding_dims = 4;
		return 0;
	}
	for (uint32_t i = 0; s->answers[kind] && s->answers[kind][i] && i <= number; i++)
		text = s->answers[kind][i];
	call->response->text = weft_str_from(text);
	return 0;
}

static inline int script_model(weft_model_call *call, void *user)
{
	struct script *s = user;
	enum ask kind = ask_kind(call->request);
	uint32_t number;

	pthread_mutex_lock(&s->lock);
	number = s->calls[kind]++;
	free(s->prompt[kind]);
	s->prompt[kind] = strndup(call->request->prompt.ptr, call->request->prompt.len_bytes);
	if (s->hold[kind]) {
		s->held[s->held_count].call = call;
		s->held[s->held_count].kind = kind;
		s->held[s->held_count++].number = number;
	}
	pthread_mutex_unlock(&s->lock);
	return s->hold[kind] ? WEFT_PENDING : script_answer(s, call, kind, number);
}

static inline uint32_t script_calls(struct script *s, enum ask kind)
{
	uint32_t n;

	pthread_mutex_lock(&s->lock);
	n = s->calls[kind];
	pthread_mutex_unlock(&s->lock);
	return n;
}

static inline uint32_t script_held(struct script *s)
{
	uint32_t n;

	pthread_mutex_lock(&s->lock);
	n = s->held_count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Answer the oldest held call, from this thread. */
static inline void script_let_go(struct script *s)
{
	weft_model_call *call;
	enum ask kind;
	uint32_t number;

	pthread_mutex_lock(&s->lock);
	cr_assert(s->held_count > 0);
	call = s->held[0].call;
	kind = s->held[0].kind;
	number = s->held[0].number;
	memmove(&s->held[0], &s->held[1], --s->held_count * sizeof(s->held[0]));
	pthread_mutex_unlock(&s->lock);
	weft_model_finish(call, script_answer(s, call, kind, number));
}

/* Wait until cond holds; the test fails when it never does. */
#define test_until(cond)                                                                                     \
	do {                                                                                                 \
		uint64_t until_ = weft_now_ns() + TEST_LONG;                                                 \
		while (!(cond)) {                                                                            \
			cr_assert(weft_now_ns() < until_, "never: " #cond);                                  \
			usleep(200);                                                                         \
		}                                                                                            \
	} while (0)

/* ---- the agent ------------------------------------------------------------------- */

#define REPLY_ANSWER                                                                                         \
	"<response><thought>greet</thought><providers></providers><actions>REPLY</actions>"                  \
	"<text>Hello!</text><simple>true</simple></response>"

struct world {
	struct script script;
	weft_runtime *rt;
	weft_store *store;
	weft_models *models;
	const weft_character *character;
	weft_agent_options opt; /* change it before world_start */
	weft_agent_def *def;
	weft_ref agent;
	weft_uuid agent_id, user_id, room_id;
	weft_future *future;
};

/* Everything but the agent itself; then add providers and such to w->def after world_def. */
static inline struct world *world_create_with(uint32_t workers)
{
	struct world *w = calloc(1, sizeof(*w));
	weft_entity user = {.name = WEFT_STR("Bob")};
	weft_room room = {.kind = WEFT_ROOM_GROUP, .name = WEFT_STR("lobby")};

	pthread_mutex_init(&w->script.lock, NULL);
	w->script.answer[ASK_MESSAGE] = REPLY_ANSWER;
	w->script.answer[ASK_RESPOND] =
	        "<response><name>Ada</name><reasoning>asked</reasoning><action>RESPOND</action></response>";
	w->script.answer[ASK_DECISION] =
	        "<response><thought>done</thought><is_finish>true</is_finish></response>";
	w->script.answer[ASK_SUMMARY] = "<response><thought>sum</thought><text>All done.</text></response>";
	w->script.answer[ASK_REPAIR] = "<response></response>";
	w->rt = test_runtime(workers);
	cr_assert_eq(weft_store_create(NULL, &w->store), 0);
	cr_assert_eq(weft_models_create(&w->models), 0);
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_SMALL, 0, "script", script_model, &w->script,
	                             NULL),
	             0);
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_LARGE, 0, "script", script_model, &w->script,
	                             NULL),
	             0);
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_TEXT_EMBEDDING, 0, "script", script_model,
	                             &w->script, NULL),
	             0);
	cr_assert_eq(
	        weft_character_parse(WEFT_STR("{\"name\":\"Ada\",\"system\":\"You are Ada.\","
	                                      "\"bio\":[\"Ada counts.\"],\"style\":{\"all\":[\"brief\"]}}"),
	                             "ada.json", &w->character, NULL),
	        0);
	w->agent_id = weft_uuid_v7();
	w->user_id = user.id = weft_uuid_v7();
	w->room_id = room.id = weft_uuid_v7();
	cr_assert_eq(weft_store_put_entity(w->store, &user), 0);
	cr_assert_eq(weft_store_put_room(w->store, &room), 0);
	cr_assert_eq(weft_store_join(w->store, room.id, user.id), 0);
	cr_assert_eq(weft_future_create(w->rt, &w->future), 0);
	w->opt = (weft_agent_options)WEFT_AGENT_OPTIONS_INIT;
	w->opt.models = w->models;
	w->opt.store = w->store;
	w->opt.character = w->character;
	return w;
}

static inline struct world *world_create(void)
{
	return world_create_with(2);
}

static inline void world_def(struct world *w)
{
	weft_error err = {0};

	cr_assert_eq(weft_agent_def_create(&w->opt, &w->def, &err), 0, "%s", err.message);
}

static inline void world_start(struct world *w)
{
	if (!w->def)
		world_def(w);
	cr_assert_eq(weft_agent_spawn(w->rt, w->def, &w->agent_id, &w->agent), 0);
}

static inline weft_incoming world_message(const struct world *w, const char *text)
{
	weft_incoming in = WEFT_INCOMING_INIT;

	in.message.room_id = w->room_id;
	in.message.entity_id = w->user_id;
	in.message.text = weft_str_from(text);
	return in;
}

/* Hand a message over and wait for the result; the caller releases *ret_reply. */
static inline const weft_agent_result *world_handle(struct world *w, const weft_incoming *in,
                                                    weft_msg **ret_reply)
{
	cr_assert_eq(weft_agent_handle_message(w->agent, in, weft_reply_to_future(w->future)), 0);
	cr_assert_eq(weft_future_wait_until(w->future, ret_reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_not_null(weft_agent_result_of(*ret_reply), "no result, status %s",
	                   weft_errname(weft_msg_status(*ret_reply)));
	return weft_agent_result_of(*ret_reply);
}

static inline const weft_agent_result *world_say(struct world *w, const char *text, weft_msg **ret_reply)
{
	weft_incoming in = world_message(w, text);

	return world_handle(w, &in, ret_reply);
}

static inline void world_end(struct world *w)
{
	if (w->agent.id)
		(void)weft_actor_stop(w->agent);
	weft_future_destroy(w->future);
	test_runtime_end(w->rt);
	weft_agent_def_unref(w->def);
	weft_models_unref(w->models);
	weft_store_unref(w->store);
	weft_character_destroy(w->character);
	for (int i = 0; i < ASK_KINDS; i++)
		free(w->script.prompt[i]);
	pthread_mutex_destroy(&w->script.lock);
	free(w);
}

/* The newest message of the room, text and actions copied. */
static inline weft_memory world_newest(struct world *w, weft_arena *arena)
{
	weft_memory *list = NULL;

	cr_assert_eq(weft_store_recent(w->store, w->room_id, WEFT_MEMORY_MESSAGE, 0, 1, arena, &list), 1);
	return list[0];
}

#define assert_str(s, literal)                                                                               \
	cr_assert(weft_str_eq((s), WEFT_STR(literal)), "\"%.*s\" is not \"%s\"", WEFT_STR_ARG(s), literal)

#endif
