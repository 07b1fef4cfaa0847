/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/model.h - asking a model: the handlers of a type in turn until one answers.
 */
#ifndef WEFT_ACTORS_MODEL_H
#define WEFT_ACTORS_MODEL_H

#include <weft/model.h>

#include "actors/op.h"
#include "actors/record/tape.h"
#include "runtime/base/refs.h"

struct weft__gather;

struct weft__model_handler {
	int priority;
	char *name; /* owned */
	weft_model_fn fn;
	void *user;
	void (*destroy)(void *user);
	weft_price price;
	struct weft__gather *gather; /* owned; NULL: each text for itself */
};

struct weft_models {
	weft__refs refs;
	bool held; /* by a definition: read-only */
	struct weft__model_handler *handlers[WEFT_MODEL_TYPE_COUNT]; /* by falling priority */
	uint32_t counts[WEFT_MODEL_TYPE_COUNT];
	struct weft_cache *cache; /* one reference; NULL: nothing is remembered */
	weft_budget budget; /* of each run, where its definition says nothing */
	uint32_t gather_texts; /* at most so many go together; 0: they do not */
};

/* One question to the models of a type. Lives in the run's arena until it is back. */
struct weft__model_ask {
	weft_model_call call; /* first: what handlers see */
	struct weft__op op;
	weft_model_request request; /* filled in by the asker */
	weft_str messages_json; /* request.messages for llm.started, when the asker has it at hand; else made here */
	weft_model_response response;
	weft_error error; /* of the last handler that failed, for the handlers; askers read why */
	weft_str why;     /* set with a negative status: the reason, in error or static */
	struct weft__run *run;
	weft_arena *arena; /* for the handlers, when several asks of a run wait beside each other; NULL: the run's */
	const weft_models *models;
	uint32_t handler; /* index of the one being asked */
	uint32_t schema_tries; /* answers so far that did not fit request.json_schema */
	weft_model_usage spent; /* by them */
	struct weft__near_question *question; /* near.h's; NULL: none */
	void (*on_chunk)(struct weft__model_ask *ask, weft_str chunk); /* of a loose one: where chunks go */
	bool shown; /* a chunk went out: what follows must be the rest of that answer, or nothing */
	uint32_t number; /* N of "agent:llm:N" in its events */
	void (*back)(struct weft__model_ask *ask, int status); /* only after WEFT_PENDING was returned */
	void *user; /* the asker's */
	struct weft__taped taped; /* only with a tape */
};

/**
 * Ask. request, number, back and user are set; the rest is done here, events and counters too.
 * @return 0: response is there, usage filled in; WEFT_PENDING: back comes, with 0 or an error;
 *         WEFT_ENOMODEL; WEFT_EMODEL: every handler failed, why says it of the last one
 */
int weft__model_ask(struct weft__model_ask *ask, struct weft__run *run);

/**
 * Call one handler for an ask that belongs to no run: request, call, models and on_chunk are set. back is called by the thread
 * that finishes it, if it was pending. @return 0, WEFT_PENDING, or a negative error
 */
int weft__model_loose(struct weft__model_ask *ask, struct weft__model_handler *h, void (*back)(struct weft__op *op));

/** The same with nothing in between. */
int weft__model_loose_fn(struct weft__model_ask *ask, weft_model_fn fn, void *user, void (*back)(struct weft__op *op));

/** Inside the ask's op: the handler, or those who gather for it, but no cache. */
int weft__model_call_handler(struct weft__model_ask *ask, struct weft__model_handler *h);

/** Some of the answer was shown already. In the handler's thread. */
static inline bool weft__model_was_shown(const weft_model_call *call)
{
	return ((const struct weft__model_ask *)call)->shown;
}

/** "name of the type" has a handler. */
bool weft__models_have(const weft_models *models, weft_model_type type);

/** What one more call used. */
static inline void weft__usage_add(weft_model_usage *sum, const weft_model_usage *more)
{
	sum->prompt_tokens += more->prompt_tokens;
	sum->completion_tokens += more->completion_tokens;
	sum->estimated |= more->estimated;
	sum->reasoning_tokens += more->reasoning_tokens;
	sum->cached_tokens += more->cached_tokens;
}

/** ceil(bytes / 4): what a text costs when the model does not say. */
uint32_t weft__tokens_of(size_t bytes);

#endif
