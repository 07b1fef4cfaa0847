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
	uint32_t image_url_count;
	const weft_str *image_urls; /* USER: what is shown beside the text; a data: url holds it */
	weft_str carry_json; /* ASSISTANT: weft_model_response.carry_json of that turn, as it came */
} weft_chat_message;

/** A field that a structured answer must or may hold, in the template's order. */
typedef struct weft_answer_field {
	weft_str name;
	bool required;
} weft_answer_field;

/** What is zero or empty is left to the handler and its model, but for what says otherwise. */
typedef struct weft_model_request {
	weft_model_type type;
	const weft_chat_message *messages; /* chat: the conversation */
	uint32_t message_count;
	weft_str prompt; /* pipeline: one rendered prompt; embedding: the text, when there are no inputs */
	weft_str image_url; /* image description: where it is; a data: url holds it */
	weft_str tools_json; /* OpenAI function array; empty when there are none */
	const weft_answer_field *fields; /* the answer's schema (<response> with these children); NULL: free text */
	uint32_t field_count;
	uint32_t max_tokens; /* agents: default 8192 */
	float temperature;   /* agents: default 0.7; 0 is 0; negative: the model's own */
	/* since the models behind HTTP */
	weft_str model;           /* the model's name instead of the handler's */
	const weft_str *inputs;   /* embedding: several texts at once; one row each */
	uint32_t input_count;
	uint32_t embedding_dims;  /* how many are wanted, of models that can shorten their vectors */
	const weft_str *stop;     /* the answer ends before any of these */
	uint32_t stop_count;
	uint32_t schema_retries;  /* how often an answer that does not fit json_schema is asked for again; 0 = 2 */
	weft_str tool_choice;     /* "auto", "none", "required", or the name of the one tool to call */
	weft_str json_schema;     /* the answer is JSON that fits this (weft_json_schema); checked here, whoever answered */
	weft_str json_schema_name; /* empty: "answer" */
	weft_str reasoning_effort; /* "low", "medium", "high", what the model knows */
	int64_t seed;
	float top_p;
	bool has_seed;
	bool serial_tool_calls; /* at most one call a turn */
} weft_model_request;

typedef struct weft_model_usage {
	uint32_t prompt_tokens;
	uint32_t completion_tokens;
	bool estimated; /* ceil(bytes / 4), because the model gave none */
	uint32_t reasoning_tokens; /* of the completion's; 0 when not said */
	uint32_t cached_tokens;    /* of the prompt's; 0 when not said */
} weft_model_usage;

/** Why a model stopped. */
typedef enum weft_finish {
	WEFT_FINISH_UNKNOWN = 0, /* it did not say */
	WEFT_FINISH_STOP,        /* it had said all, or met a stop text */
	WEFT_FINISH_TOOL_CALLS,
	WEFT_FINISH_LENGTH,         /* max_tokens or the context are used up: text and calls may be cut short */
	WEFT_FINISH_CONTENT_FILTER, /* the provider held the rest back */
	WEFT_FINISH_REFUSAL,        /* the model would not; the text says why */
	WEFT_FINISH_OTHER
} weft_finish;

/** "stop", "tool_calls", "length", ... Threads: any. */
WEFT_API const char *weft_finish_name(weft_finish finish);

typedef struct weft_model_response {
	weft_str text;
	const weft_tool_request *tool_calls;
	uint32_t tool_call_count;
	uint32_t embedding_dims;
	const float *embedding; /* rows of embedding_dims, one behind the other, in the order of the inputs */
	uint32_t embedding_count; /* rows; 0 beside an embedding means 1 */
	weft_finish finish;
	weft_model_usage usage; /* all zero: not given */
	weft_str reasoning;  /* what it thought aloud, kept apart from the text */
	weft_str model;      /* the name the provider gave for what answered */
	weft_str carry_json; /* opaque: to be handed back with this turn while its tool calls are answered */
	bool cached; /* it cost nothing: from a cache, or from a call that another one made (weft/cache.h); usage is zero */
} weft_model_response;

/** What a run may use of its models, all its calls together. 0: as much as it likes. */
typedef struct weft_budget {
	uint64_t tokens; /* prompt and completion */
	uint64_t micros; /* millionths of the currency that the prices are in: weft_models_set_price */
} weft_budget;

/** What a million tokens cost, in millionths of a currency: 2.50 is 2500000. */
typedef struct weft_price {
	uint64_t prompt_micros;
	uint64_t completion_micros;
} weft_price;

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
 *         thread; negative: failed, the handler with the next priority is asked;
 *         -EINVAL: the request is at fault, and nobody else is asked.
 */
typedef int (*weft_model_fn)(weft_model_call *call, void *user);

/** End a pending call with 0 or a negative error. Threads: any. */
WEFT_API void weft_model_finish(weft_model_call *call, int status);
/**
 * Ask to be told when nobody wants the answer any more: the run was canceled or timed out, or its agent ended. For handlers that
 * return WEFT_PENDING; to be called before they return. fn comes at most once, on a worker, and never after
 * weft_model_finish has returned, which waits for a fn that is running: fn must be short, and wait for nothing. It may
 * call weft_model_finish itself; if it does not, the handler still has to.
 * @return 0, or -EINVAL (not from inside the handler)
 */
WEFT_API int weft_model_on_cancel(weft_model_call *call, void (*fn)(void *user), void *user);
/**
 * A piece of the answer as it streams in: an llm progress event. In order, before the end. Threads: one at a time. After
 * one that somebody could see, a handler that fails is the last one that is asked: no text is shown twice.
 */
WEFT_API void weft_model_chunk(weft_model_call *call, weft_str chunk);

typedef struct weft_models weft_models;
struct weft_cache;

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
/**
 * Say what the handlers of that name cost (NULL: all there are), for budgets and weft_agent_result.spent_micros.
 * @return 0, -EINVAL, -ENOENT (no such handler), -EBUSY (an agent definition holds the registry)
 */
WEFT_API int weft_models_set_price(weft_models *models, const char *handler, const weft_price *price);

/**
 * What each run may use whose definition, made with this registry, and whose ask say nothing: weft_agent_options.budget,
 * weft_ask.budget. Tokens and money each by itself. @return 0, -EINVAL, -EBUSY (an agent definition holds the registry)
 */
WEFT_API int weft_models_set_budget(weft_models *models, const weft_budget *budget);

/**
 * Answers are remembered, and equal requests that come at once are asked once: weft/cache.h. A reference is taken;
 * NULL: none. @return 0, -EINVAL, -EBUSY (an agent definition holds the registry)
 */
WEFT_API int weft_models_set_cache(weft_models *models, struct weft_cache *cache);

/**
 * Embeddings that are asked for while others are under way go together as one request (weft_model_request.inputs),
 * of up to texts_max texts, of one runtime; a handler that is not busy is asked at once. For handlers of TEXT_EMBEDDING that know
 * inputs. Of a request that fails all its texts fail. 0: each for itself, as before.
 * @return 0, -EINVAL (over 2,048), -ENOMEM, -EBUSY (an agent definition holds the registry)
 */
WEFT_API int weft_models_gather_embeddings(weft_models *models, uint32_t texts_max);

WEFT_API size_t weft_models_count(const weft_models *models, weft_model_type type);

/**
 * Add the providers that a JSON file describes (docs/guide/models.md): APIs, addresses, names of models, prices, gates, and
 * where the keys are; and set what it says of a cache and of a budget. A key is in a variable of the environment, or in a file beside this one. The file holds no key itself.
 * @return 0, WEFT_EPARSE, WEFT_ECONFIG with line and column in err, -ENOENT and others of reading it, as
 *         weft_models_add. The whole file is checked before the first provider is added; one that is refused then,
 *         for the key that is not there say, leaves those before it added. Threads: as weft_models_add.
 */
WEFT_API int weft_models_load(weft_models *models, const char *path, weft_error *err);

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
 * Add the deterministic mock for TEXT_SMALL, TEXT_LARGE, TEXT_EMBEDDING and IMAGE_DESCRIPTION (which tells what the image's
 * address tells): the same request gives the same answer. It answers in the schema of request->fields,
 * reads the actions and fields it is asked for, and embeds to unit vectors of 384 dimensions. Of the rest of a request it
 * minds inputs, stop, and tool_choice "none".
 * opt may be NULL. @return as weft_models_add
 */
WEFT_API int weft_models_add_mock(weft_models *models, int priority, const weft_mock_options *opt);

/**
 * Ask one model in place, without an agent; for hosts with their own loop and for tests.
 * A handler that answers WEFT_PENDING is waited for: not on a worker. Its call->rt is NULL here.
 * @return 0, -EINVAL, WEFT_ENOMODEL, WEFT_EMODEL (all failed; err has the last reason), -ECANCELED (a handler says so)
 */
WEFT_API int weft_models_call(const weft_models *models, const weft_model_request *request, weft_arena *arena,
                              weft_model_response *ret_response, weft_error *err);

WEFT_END_DECLS

#endif
