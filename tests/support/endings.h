/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/endings.h - handlers ended in every way, and an account of what came of it.
 *
 * A scenario is played with a handler that returns its answer; that finishes inside of itself and says WEFT_PENDING; that another thread
 * has finished before it says WEFT_PENDING; that is finished after it, by another thread and by another actor. All of them must leave
 * the same account: answer, actions, usage, events, counts, and what the test adds. The one worker runs the other actor only when
 * the handler has returned, and nobody helps it, so nothing here depends on time.
 */
#ifndef WEFT_TESTS_SUPPORT_ENDINGS_H
#define WEFT_TESTS_SUPPORT_ENDINGS_H

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

static inline void *end(void *arg)
{
	struct ending *e = arg;

	e->finish(e->call, e->say(e->call));
	return NULL;
}

static inline void end_in_a_thread(struct ending *e)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, end, e), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

static inline int after_behaviour(weft_actor *self, weft_msg *msg)
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
static inline int end_by_way(void *call, int (*say)(void *call), void (*finish)(void *call, int status))
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

static inline int status_of_outcome(void)
{
	return outcome == WELL ? 0 : -EIO;
}

static inline bool says(void)
{
	return outcome != FAILS;
}

/* ---- the account ------------------------------------------------------------------- */

static inline void tell_str(const char *name, weft_str s)
{
	fprintf(account, " %s=\"%.*s\"", name, WEFT_STR_ARG(s));
}

static inline void tell_result(const weft_agent_result *r)
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

static inline void tell_answer(const weft_msg *answer)
{
	if (weft_agent_result_of(answer))
		tell_result(weft_agent_result_of(answer));
	else
		fprintf(account, "no result: %s\n", weft_errname(weft_msg_status(answer)));
}

/* What is another one each time: ids, times, and prompts, which show both. */
static inline bool differs(weft_str key)
{
	static const char *const keys[] = { "attachment", "workflow_id", "start", "end", "duration", "prompt" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (weft_str_eq(key, weft_str_from(keys[i])))
			return true;
	}
	return false;
}

static inline void tell_event(const weft_event *e)
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
static inline void tell_events(weft_subscription *events)
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

static inline void tell_stats(const weft_agent_def *def)
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
static inline weft_msg *take(weft_runtime *rt, weft_future *future)
{
	weft_msg *answer = NULL;

	test_until(weft_future_try_take(future, &answer) == 0);
	test_quiet(rt);
	return answer;
}

static inline void listen_to(weft_runtime *rt, weft_subscription **ret_events)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;

	cr_assert_eq(weft_events_subscribe(rt, &opt, ret_events), 0);
	after = test_spawn(rt, &after_class, NULL);
}

static inline char *play(void (*scenario)(void), enum way w, enum outcome o)
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
static inline void expect_the_same(const char *a, const char *b, enum way w, enum outcome o)
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

static inline void all_the_same(void (*scenario)(void))
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

/* ---- models ---------------------------------------------------------------------------- */

static weft_str model_text; /* what it says; empty: an embedding */
static bool model_shows;    /* and shows before */

static inline int model_say(void *call)
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

static inline void model_finish(void *call, int status)
{
	weft_model_finish(call, status);
}

static inline int model(weft_model_call *call, void *user)
{
	(void)user;
	return end_by_way(call, model_say, model_finish);
}

/* Another one, which is asked when the first one fails. */
static inline int spare(weft_model_call *call, void *user)
{
	(void)user;
	call->response->text = WEFT_STR(REPLY_ANSWER);
	return 0;
}

static inline void add_model(weft_models *models, weft_model_type type, weft_model_fn fn, int priority)
{
	cr_assert_eq(weft_models_add(models, type, priority, priority ? "first" : "second", fn, NULL, NULL), 0);
}

#endif
