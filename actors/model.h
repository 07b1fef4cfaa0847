/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/model.h - asking a model: the handlers of a type in turn until one answers.
 */
#ifndef WEFT_ACTORS_MODEL_H
#define WEFT_ACTORS_MODEL_H

#include <weft/model.h>

#include "actors/op.h"

struct weft__model_handler {
	int priority;
	char *name; /* owned */
	weft_model_fn fn;
	void *user;
	void (*destroy)(void *user);
};

struct weft_models {
	uint32_t refs;
	bool held; /* by a definition: read-only */
	struct weft__model_handler *handlers[WEFT_MODEL_TYPE_COUNT]; /* by falling priority */
	uint32_t counts[WEFT_MODEL_TYPE_COUNT];
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
	uint32_t handler; /* index of the one being asked */
	uint32_t number;  /* N of "agent:llm:N"; the rest of it is made here */
	weft_str component;
	void (*back)(struct weft__model_ask *ask, int status); /* only after WEFT_PENDING was returned */
	void *user; /* the asker's */
};

/**
 * Ask. request, number, back and user are set; the rest is done here, events and counters too.
 * @return 0: response is there, usage filled in; WEFT_PENDING: back comes, with 0 or an error;
 *         WEFT_ENOMODEL; WEFT_EMODEL: every handler failed, why says it of the last one
 */
int weft__model_ask(struct weft__model_ask *ask, struct weft__run *run);

/** "name of the type" has a handler. */
bool weft__models_have(const weft_models *models, weft_model_type type);

/** What one more call used. */
static inline void weft__usage_add(weft_model_usage *sum, const weft_model_usage *more)
{
	sum->prompt_tokens += more->prompt_tokens;
	sum->completion_tokens += more->completion_tokens;
	sum->estimated |= more->estimated;
}

/** ceil(bytes / 4): what a text costs when the model does not say. */
uint32_t weft__tokens_of(size_t bytes);

#endif
