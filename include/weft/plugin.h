/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/plugin.h - what a full agent is made of: character, providers, attachment
 * handlers, actions, evaluators. All are added to an agent definition (weft/agent.h) before its
 * first agent starts, and shared read-only by all its agents from then on.
 */
#ifndef WEFT_PLUGIN_H
#define WEFT_PLUGIN_H

#include <weft/actor.h>
#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/json.h>
#include <weft/memory.h>

WEFT_BEGIN_DECLS

/* ---- character --------------------------------------------------------- */

/** Who the agent is. Strings and lists live as long as the character. */
typedef struct weft_character {
	weft_str name;   /* required, not empty */
	weft_str system;
	const weft_str *bio; /* "bio": a string or an array of strings */
	uint32_t bio_count;
	const weft_str *topics;
	uint32_t topic_count;
	const weft_str *style_all, *style_chat, *style_post; /* "style": {"all": [], "chat": [], "post": []} */
	uint32_t style_all_count, style_chat_count, style_post_count;
	const weft_str *plugins;
	uint32_t plugin_count;
	weft_json settings; /* "settings": an object of strings, numbers and bools; NONE when absent */
} weft_character;

/**
 * Read and validate a character file. An unknown or malformed field is WEFT_ECONFIG and err names file, line and field.
 * @return 0, -errno (file), -ENOMEM, WEFT_EPARSE, WEFT_ECONFIG
 */
WEFT_API int weft_character_load(const char *path, const weft_character **ret_character, weft_error *err);
/** The same from memory; name stands for the file in errors. */
WEFT_API int weft_character_parse(weft_str json, const char *name, const weft_character **ret_character,
                                  weft_error *err);
WEFT_API void weft_character_destroy(const weft_character *character); /* NULL is fine */

/* ---- one message being handled ------------------------------------------ */

/**
 * What providers, actions and evaluators may know of the message they serve. From inside the handler; a pending one's own
 * threads may still use weft_turn_message, weft_turn_agent_id and weft_turn_workflow_id until it is finished. What else they need
 * they take with them: the agent may have ended meanwhile, and its definition, store and runtime may be gone.
 */
typedef struct weft_turn weft_turn;

WEFT_API const weft_memory *weft_turn_message(const weft_turn *turn); /* the incoming one */
WEFT_API const weft_character *weft_turn_character(const weft_turn *turn);
WEFT_API weft_store *weft_turn_store(const weft_turn *turn);
WEFT_API weft_runtime *weft_turn_runtime(const weft_turn *turn);
WEFT_API weft_uuid weft_turn_agent_id(const weft_turn *turn);
WEFT_API weft_str weft_turn_agent_name(const weft_turn *turn);
WEFT_API uint64_t weft_turn_workflow_id(const weft_turn *turn);
/** Lives until the message is done. Used by one thread at a time: not from a pending handler's own threads. */
WEFT_API weft_arena *weft_turn_arena(const weft_turn *turn);
/** A named value of the composed state; false when there is none. */
WEFT_API bool weft_turn_value(const weft_turn *turn, weft_str key, weft_str *ret_value);
/** The text section of a provider that ran; empty when it did not. */
WEFT_API weft_str weft_turn_section(const weft_turn *turn, weft_str provider);
/** All text sections joined: what the prompt shows. */
WEFT_API weft_str weft_turn_text(const weft_turn *turn);

/* ---- providers --------------------------------------------------------- */

/** What a provider gives. Strings live in the turn's arena or longer. */
typedef struct weft_provider_call {
	weft_turn *turn;
	weft_arena *arena; /* until the handler returns: a pending one answers with weft_provider_return */
	weft_str text;  /* a section of the prompt; may be empty */
	weft_json data; /* structured data for actions; NONE when there is none */
} weft_provider_call;

/**
 * Add a named value; copied; seen by others when the provider has ended, and did not fail. 0, -EINVAL, -ENOMEM. From the handler, or
 * from any one thread before finish.
 */
WEFT_API int weft_provider_put(weft_provider_call *call, weft_str key, weft_str value);
/** Set the text; copied. 0, -EINVAL, -ENOMEM. From the handler, or from any one thread before finish. */
WEFT_API int weft_provider_return(weft_provider_call *call, weft_str text);

/** 0: done; WEFT_PENDING: weft_provider_finish later, once, any thread; negative: skipped, an event says so. */
typedef int (*weft_provider_fn)(weft_provider_call *call, void *user);
WEFT_API void weft_provider_finish(weft_provider_call *call, int status);

enum {
	WEFT_PROVIDER_DYNAMIC = 1u << 0,  /* only when included by name or a keyword of it is in the message */
	WEFT_PROVIDER_PRIVATE = 1u << 1,  /* only when included by name */
	WEFT_PROVIDER_ALWAYS = 1u << 2,   /* in every composed state */
	WEFT_PROVIDER_VOLATILE = 1u << 3  /* run again each time, not cached for the message */
};

typedef struct weft_provider {
	uint32_t size; /* set by WEFT_PROVIDER_INIT */
	uint32_t flags;
	int position; /* ascending; ACTIONS -1, default 0, RECENT_MESSAGES 100, ACTION_STATE 150 */
	uint32_t keyword_count;
	const char *name;
	const char *description;
	const char *const *keywords; /* DYNAMIC: matched as whole words, any case */
	weft_provider_fn fn;
	void *user;
} weft_provider;

#define WEFT_PROVIDER_INIT                                                                                 \
	{                                                                                                  \
		.size = sizeof(weft_provider)                                                              \
	}

/* ---- attachments ------------------------------------------------------- */

/** One attachment that has no description yet, as its handler sees it. Lives until the call is finished. */
typedef struct weft_attachment_call {
	weft_turn *turn;
	weft_arena *arena; /* until the handler returns */
	const weft_attachment *attachment; /* as it came */
	weft_error *error; /* say why it failed; until the call is finished */
} weft_attachment_call;

/**
 * Say what it is; copied. What is empty leaves the attachment as it came, the rest takes its place, in the store too.
 * From the handler, or from any one thread before finish. @return 0, -EINVAL, -ENOMEM, -EMSGSIZE (over the bounds in
 * weft/memory.h): on failure nothing has changed
 */
WEFT_API int weft_attachment_describe(weft_attachment_call *call, weft_str title, weft_str description, weft_str text);

/**
 * Attachments of a message are handled beside each other, before the agent decides whether to respond.
 * 0: done; WEFT_PENDING: weft_attachment_finish later, once, any thread; negative: an event says so and the next handler
 * by priority is asked; when none is left the attachment stays as it came and the message goes on. Images that no handler
 * takes are described by the IMAGE_DESCRIPTION model, if there is one. Text that is given needs no handler.
 */
typedef int (*weft_attachment_fn)(weft_attachment_call *call, void *user);
WEFT_API void weft_attachment_finish(weft_attachment_call *call, int status);

typedef struct weft_attachment_handler {
	uint32_t size; /* set by WEFT_ATTACHMENT_HANDLER_INIT */
	int priority;  /* the highest is asked first; of equal ones the one added first */
	const char *name;
	const char *content_type; /* "image/png"; a star for the second part or for both takes all such, both also no type */
	weft_attachment_fn fn;
	void *user;
} weft_attachment_handler;

#define WEFT_ATTACHMENT_HANDLER_INIT                                                                       \
	{                                                                                                  \
		.size = sizeof(weft_attachment_handler)                                                    \
	}

/* ---- actions ----------------------------------------------------------- */

typedef struct weft_action_call {
	weft_turn *turn;
	weft_arena *arena; /* until the handler returns */
	weft_str name;
	weft_str thought, text; /* of the model's answer */
	weft_json parameters; /* multi-step and parameterised actions; NONE when there are none */
	const struct weft_action_result *previous; /* results of the actions before this one, in order */
	uint32_t previous_count;
} weft_action_call;

typedef struct weft_action_result {
	weft_str name;
	int status;     /* 0 or a negative error */
	weft_str text;  /* what it has to say; may be empty */
	weft_str error; /* why it failed */
} weft_action_result;

/** Say what came of it; copied. These three: from the handler, or from any one thread before finish. */
WEFT_API void weft_action_return(weft_action_call *call, weft_str text);
WEFT_API int weft_action_fail(weft_action_call *call, int code, const char *fmt, ...) WEFT_PRINTF(3, 4);
/**
 * Send one more answer to whoever asked: a message of the agent in the room, and part of the result. From another thread it is sent
 * when the action is finished, which fails with the reason if it cannot be.
 */
WEFT_API int weft_action_say(weft_action_call *call, weft_str text);

typedef bool (*weft_action_validate_fn)(const weft_turn *turn, void *user);
/** 0: done; WEFT_PENDING: weft_action_finish later, once, any thread; negative: failed and recorded, the rest go on. */
typedef int (*weft_action_fn)(weft_action_call *call, void *user);
WEFT_API void weft_action_finish(weft_action_call *call, int status);

typedef struct weft_action {
	uint32_t size; /* set by WEFT_ACTION_INIT */
	uint32_t simile_count;
	const char *name; /* upper case by custom: REPLY */
	const char *description;
	const char *const *similes;
	const char *const *required_parameters; /* names; missing ones are asked for in one repair call */
	uint32_t required_parameter_count;
	uint32_t reserved;
	weft_action_validate_fn validate; /* offered only when true; NULL: always */
	weft_action_fn fn;
	void *user;
} weft_action;

#define WEFT_ACTION_INIT                                                                                   \
	{                                                                                                  \
		.size = sizeof(weft_action)                                                                \
	}

/* ---- evaluators -------------------------------------------------------- */

typedef struct weft_evaluator_call {
	weft_turn *turn;
	weft_arena *arena;
	bool did_respond;
	weft_str reply_text;
} weft_evaluator_call;

typedef bool (*weft_evaluator_validate_fn)(const weft_turn *turn, void *user);
/**
 * 0: done; WEFT_PENDING: weft_evaluator_finish later, once, any thread: the answer goes out before, RUN_ENDED and the end of an
 * agent that is asked to stop come after; negative: an event says so, nothing else happens.
 */
typedef int (*weft_evaluator_fn)(weft_evaluator_call *call, void *user);
WEFT_API void weft_evaluator_finish(weft_evaluator_call *call, int status);

typedef struct weft_evaluator {
	uint32_t size; /* set by WEFT_EVALUATOR_INIT */
	bool always_run; /* also when the agent did not respond */
	const char *name;
	const char *description;
	weft_evaluator_validate_fn validate; /* NULL: always */
	weft_evaluator_fn fn;
	void *user;
} weft_evaluator;

#define WEFT_EVALUATOR_INIT                                                                                \
	{                                                                                                  \
		.size = sizeof(weft_evaluator)                                                             \
	}

/* ---- summaries --------------------------------------------------------- */

#define WEFT_SUMMARY_MESSAGES_MAX 256u

/** Messages of a room that a prompt no longer shows, to be said shorter. Lives until the call is finished. */
typedef struct weft_summary_call {
	weft_turn *turn;
	weft_str previous;           /* the summary so far; empty: there is none */
	const weft_memory *messages; /* that came after it, oldest first */
	uint32_t count;              /* at most WEFT_SUMMARY_MESSAGES_MAX: when there are more, the newest */
} weft_summary_call;

/** The new summary, of previous and messages both; copied. 0, -EINVAL, -ENOMEM. From the handler, or from any one thread before finish. */
WEFT_API int weft_summary_return(weft_summary_call *call, weft_str text);
/**
 * 0: done; WEFT_PENDING: weft_summary_finish later, once, any thread; negative: an event says so, and it is tried again later.
 * A summary whose agent has ended meanwhile is not kept.
 */
typedef int (*weft_summarize_fn)(weft_summary_call *call, void *user);
WEFT_API void weft_summary_finish(weft_summary_call *call, int status);

/**
 * How a long conversation is kept short: when after_messages messages of a room lie behind the newest ones, which prompts show, and
 * behind the last summary, a new one is made when the message was answered, kept as a WEFT_MEMORY_SUMMARY, and shown
 * before the conversation. Nothing is deleted.
 */
typedef struct weft_summarizer {
	uint32_t size; /* set by WEFT_SUMMARIZER_INIT */
	uint32_t after_messages; /* 0 = 50; at most WEFT_SUMMARY_MESSAGES_MAX */
	weft_summarize_fn fn;    /* NULL: the TEXT_SMALL model is asked */
	void *user;
} weft_summarizer;

#define WEFT_SUMMARIZER_INIT                                                                               \
	{                                                                                                  \
		.size = sizeof(weft_summarizer)                                                            \
	}

/** What a pre-evaluator decides. Strings in the turn's arena or static. */
typedef struct weft_verdict {
	bool blocked;
	weft_str rewritten_text; /* empty: unchanged */
	weft_str reason;
} weft_verdict;

/** Runs before anything is remembered, in the order added. An error is logged and skipped. Must not wait. */
typedef int (*weft_pre_evaluator_fn)(weft_turn *turn, weft_verdict *ret_verdict, void *user);

typedef struct weft_pre_evaluator {
	uint32_t size; /* set by WEFT_PRE_EVALUATOR_INIT */
	uint32_t reserved;
	const char *name;
	weft_pre_evaluator_fn fn;
	void *user;
} weft_pre_evaluator;

#define WEFT_PRE_EVALUATOR_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_pre_evaluator)                                                         \
	}

WEFT_END_DECLS

#endif
