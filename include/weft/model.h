/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/model.h - models: handlers by type and priority, and the mock.
 *
 * The handler of the highest priority answers; when it fails the next one is
 * asked. A registry is filled once, then shared by any number of agents.
 */
#ifndef WEFT_MODEL_H
#define WEFT_MODEL_H

#include <weft/actor.h>
#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

typedef enum weft_model_type {
	WEFT_MODEL_TEXT_SMALL = 0,
	WEFT_MODEL_TEXT_LARGE,
	WEFT_MODEL_TEXT_EMBEDDING,
	WEFT_MODEL_TEXT_REASONING_SMALL,
	WEFT_MODEL_TEXT_REASONING_LARGE,
	WEFT_MODEL_IMAGE_DESCRIPTION, /* what is to be seen at image_url, as the fields or as plain text */
	WEFT_MODEL_TYPE_COUNT
} weft_model_type;

/** "TEXT_SMALL", ... Threads: any. */
WEFT_API const char *weft_model_type_name(weft_model_type type);

typedef enum weft_role { WEFT_ROLE_SYSTEM = 0, WEFT_ROLE_USER, WEFT_ROLE_ASSISTANT, WEFT_ROLE_TOOL } weft_role;

/** "system", "user", "assistant", "tool". */
WEFT_API const char *weft_role_name(weft_role role);

typedef struct weft_tool_request { /* a call that the model asks for */
	weft_str id;
	weft_str name;
	weft_str arguments_json; /* as the model wrote it: may be anything */
} weft_tool_request;

typedef struct weft_chat_message {
	weft_role role;
	weft_str content;
	weft_str tool_call_id; /* TOOL: which call this answers */
	const weft_tool_request *tool_calls; /* ASSISTANT */
	uint32_t tool_call_count;
} weft_chat_message;

/** A field that a structured answer must or may hold, in the template's order. */
typedef struct weft_answer_field {
	weft_str name;
	bool required;
} weft_answer_field;

typedef struct weft_model_request {
	weft_model_type type;
	const weft_chat_message *messages; /* chat: the conversation */
	uint32_t message_count;
	weft_str prompt; /* pipeline: one rendered prompt; embedding: the text */
	weft_str image_url; /* image description: where it is; a data: url holds it */
	weft_str tools_json; /* OpenAI function array; empty when there are none */
	const weft_answer_field *fields; /* the answer's schema (<response> with these children); NULL: free text */
	uint32_t field_count;
	uint32_t max_tokens; /* default 8192 */
	float temperature;   /* default 0.7 */
} weft_model_request;

typedef struct weft_model_usage {
	uint32_t prompt_tokens;
	uint32_t completion_tokens;
	bool estimated; /* ceil(bytes / 4), because the model gave none */
} weft_model_usage;

typedef struct weft_model_response {
	weft_str text;
	const weft_tool_request *tool_calls;
	uint32_t tool_call_count;
	const float *embedding;
	uint32_t embedding_dims;
	weft_model_usage usage; /* all zero: not given */
} weft_model_response;

/** One call, as its handler sees it. Lives until the call is finished. */
typedef struct weft_model_call {
	const weft_model_request *request;
	weft_model_response *response; /* fill in; what it points to must live in arena or longer */
	weft_arena *arena; /* valid until the call is finished; used by one thread at a time */
	weft_runtime *rt;  /* NULL when there is none (weft_models_call) */
	weft_error *error; /* say why it failed */
} weft_model_call;

/**
 * Answer, or start to.
 * @return 0: response is filled in; WEFT_PENDING: weft_model_finish is called later, exactly once, from any
 *         thread; negative: failed, the handler with the next priority is asked.
 */
typedef int (*weft_model_fn)(weft_model_call *call, void *user);

/** End a pending call with 0 or a negative error. Threads: any. */
WEFT_API void weft_model_finish(weft_model_call *call, int status);
/** A piece of the answer as it streams in: an llm progress event. In order, before the end. Threads: one at a time. */
WEFT_API void weft_model_chunk(weft_model_call *call, weft_str chunk);

typedef struct weft_models weft_models;

/** An empty registry, holding one reference. @return 0 or -ENOMEM */
WEFT_API int weft_models_create(weft_models **ret_models);
WEFT_API weft_models *weft_models_ref(weft_models *models);
WEFT_API void weft_models_unref(weft_models *models); /* NULL is fine */

/**
 * Add a handler. Of equal priorities the one added first is asked first.
 * @param destroy  called with user when the registry goes; may be NULL
 * @return 0, -EINVAL, -ENOMEM, -EBUSY (an agent definition holds the registry)
 */
WEFT_API int weft_models_add(weft_models *models, weft_model_type type, int priority, const char *name,
                             weft_model_fn fn, void *user, void (*destroy)(void *user));
WEFT_API size_t weft_models_count(const weft_models *models, weft_model_type type);

/* ---- the mock ---------------------------------------------------------- */

#define WEFT_MOCK_EMBEDDING_DIMS 384

/** One answer of a scripted conversation. */
typedef struct weft_mock_step {
	const char *text; /* final answer, or what is said beside the calls; may be NULL */
	struct {
		const char *name;
		const char *arguments_json;
	} calls[8];
	uint32_t call_count;
} weft_mock_step;

typedef struct weft_mock_options {
	uint32_t size; /* set by WEFT_MOCK_OPTIONS_INIT */
	uint32_t step_count;
	const weft_mock_step *steps; /* copied; step n answers the n-th assistant turn since the last user message,
	                                the last step repeats; none: a fixed text */
	uint64_t delay_ns;    /* 0: answers inline; else after a timer */
	const char *actions;  /* the <actions> of a structured answer; NULL = "REPLY" */
	const char *text;     /* the <text> of it; NULL = "This is a fixed benchmark response." */
	uint32_t rounds;      /* multi-step: is_finish is true in this round; 0 = 1 */
	uint32_t fail_first;  /* the first n text calls and the first n embeddings fail, to exercise the fallback */
	uint32_t invalid_first; /* the first n structured answers miss a required field */
	uint32_t chunk_bytes; /* not 0: stream the text in pieces of this size */
} weft_mock_options;

#define WEFT_MOCK_OPTIONS_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_mock_options)                                                          \
	}

/**
 * Add the deterministic mock for TEXT_SMALL, TEXT_LARGE and TEXT_EMBEDDING: the
 * same request gives the same answer. It answers in the schema of request->fields,
 * reads the actions and fields it is asked for, and embeds to unit vectors of 384 dimensions.
 * opt may be NULL. @return as weft_models_add
 */
WEFT_API int weft_models_add_mock(weft_models *models, int priority, const weft_mock_options *opt);

/**
 * Ask one model in place, without an agent; for hosts with their own loop and for tests.
 * A handler that answers WEFT_PENDING is waited for: not on a worker. Its call->rt is NULL here.
 * @return 0, -EINVAL, WEFT_ENOMODEL, WEFT_EMODEL (all failed; err has the last reason)
 */
WEFT_API int weft_models_call(const weft_models *models, const weft_model_request *request, weft_arena *arena,
                              weft_model_response *ret_response, weft_error *err);

WEFT_END_DECLS

#endif
