/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/agent.h - agents: actors that answer with the help of a model.
 *
 * A definition says what an agent is (models, tools, character, plugins, policy);
 * it is made once, checked, and shared by any number of agents. An agent takes
 * two kinds of request: weft_agent_ask runs the tool loop, small and fast;
 * weft_agent_handle_message runs the full message pipeline over a store.
 *
 * Source: docs/internals/agent.md.
 */
#ifndef WEFT_AGENT_H
#define WEFT_AGENT_H

#include <weft/actor.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/memory.h>
#include <weft/model.h>
#include <weft/permission.h>
#include <weft/plugin.h>
#include <weft/tool.h>

WEFT_BEGIN_DECLS

typedef enum weft_loop_policy {
	WEFT_LOOP_INJECT = 0, /* the model is told what the call gave before */
	WEFT_LOOP_WARN,       /* as inject, and a warning event; the call is made all the same */
	WEFT_LOOP_STOP,       /* the run ends with WEFT_ELOOP */
	WEFT_LOOP_OFF
} weft_loop_policy;

typedef enum weft_room_policy {
	WEFT_ROOM_QUEUE = 0, /* messages of a room one after another: all are answered */
	WEFT_ROOM_LATEST,    /* a newer message of the room ends the older one with WEFT_ESUPERSEDED */
	WEFT_ROOM_PARALLEL
} weft_room_policy;

typedef struct weft_recorder weft_recorder; /* weft/record.h */
typedef struct weft_replay weft_replay;

typedef struct weft_agent_options {
	uint32_t size; /* set by WEFT_AGENT_OPTIONS_INIT */
	/* both kinds */
	const char *name;      /* NULL: the character's, else "agent" */
	weft_models *models;   /* required; a reference is taken */
	uint32_t max_tokens;   /* 0 = 8192 */
	float temperature;     /* negative = 0.7 */
	uint32_t mailbox_msgs; /* 0: the runtime's default */
	bool strip_think;      /* remove <think>...</think> from answers */
	/* tool loop */
	const char *system;      /* NULL: the character's */
	weft_tools *tools;       /* may be NULL; a reference is taken */
	uint32_t max_tool_iterations; /* 0 = 10 */
	bool serial_tool_calls;  /* the calls of a turn one after another; default: in parallel */
	uint8_t loop_policy;     /* weft_loop_policy */
	const char *loop_message; /* NULL: the default; {tool_name} and {previous_result} are filled in */
	weft_permissions *permissions; /* NULL: every tool may be called; a reference is taken */
	weft_approvals *approvals;     /* where runs wait; NULL: what would ask is denied; a reference is taken */
	weft_audit *audit;             /* a line for each call; may be NULL; a reference is taken */
	/* full pipeline */
	const weft_character *character; /* borrowed: outlives the definition; required for handle_message */
	weft_store *store;               /* required for handle_message; a reference is taken */
	uint8_t room_policy;             /* weft_room_policy */
	bool check_should_respond;
	bool autonomous;    /* answers its own messages and needs no reason to respond */
	bool multi_step;    /* rounds of one action until the model says it is finished */
	bool bare;          /* no bootstrap providers but the character's */
	bool no_embeddings; /* messages are not embedded */
	bool recall_always; /* each message is embedded and looked up in what the room said long ago; else only a message
	                       with such a word in it ("remember", "earlier"), or when the model asks for RELEVANT */
	bool no_stage_times; /* stage_ns and stage_runs of results stay 0, unless somebody listens to events */
	uint32_t multi_step_rounds; /* 0 = 6 */
	uint32_t parse_tries;       /* 0 = 3 */
	uint64_t run_timeout_ns;    /* 0 = 1 h */
	uint32_t queue_msgs;        /* waiting messages an agent holds; 0 = 16,384 */
	uint32_t context_tokens;    /* of the model; 0 = 128,000 */
	weft_budget budget;         /* of each run; WEFT_EBUDGET when it is used up */
	/* what its runs do is written to a file, or answered from one (weft/record.h): at most one of them */
	weft_recorder *recorder; /* a reference is taken */
	weft_replay *replay;     /* a reference is taken; models may be NULL then: the replay's */
} weft_agent_options;

#define WEFT_AGENT_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_agent_options), .temperature = -1.0f                                   \
	}

typedef struct weft_agent_def weft_agent_def;

/** @return 0, -EINVAL with err saying which option, -ENOMEM. Holds one reference. */
WEFT_API int weft_agent_def_create(const weft_agent_options *opt, weft_agent_def **ret_def, weft_error *err);
WEFT_API weft_agent_def *weft_agent_def_ref(weft_agent_def *def);
WEFT_API void weft_agent_def_unref(weft_agent_def *def); /* NULL is fine */

/*
 * Before the first spawn only (-EBUSY). Names and descriptions are copied; arrays of strings, functions and
 * user are borrowed for the definition's life. 0, -EINVAL, -EEXIST, -ENOMEM.
 */
WEFT_API int weft_agent_def_add_provider(weft_agent_def *def, const weft_provider *provider);
WEFT_API int weft_agent_def_add_attachment_handler(weft_agent_def *def, const weft_attachment_handler *handler);
WEFT_API int weft_agent_def_add_action(weft_agent_def *def, const weft_action *action);
WEFT_API int weft_agent_def_add_evaluator(weft_agent_def *def, const weft_evaluator *evaluator);
WEFT_API int weft_agent_def_add_pre_evaluator(weft_agent_def *def, const weft_pre_evaluator *pre);
/** Once; -EEXIST else. Adds a provider SUMMARY and an evaluator SUMMARIZE. */
WEFT_API int weft_agent_def_set_summarizer(weft_agent_def *def, const weft_summarizer *summarizer);

/**
 * Start an agent. @param id its entity in the store; NULL: a fresh UUIDv7
 * @return as weft_actor_spawn. Threads: any. End it with weft_actor_stop: runs under way are finished first.
 */
WEFT_API int weft_agent_spawn(weft_runtime *rt, weft_agent_def *def, const weft_uuid *id, weft_ref *ret_agent);

/* ---- tool loop --------------------------------------------------------- */

typedef struct weft_ask {
	uint32_t size; /* set by WEFT_ASK_INIT */
	uint32_t history_count;
	weft_str input;
	const weft_chat_message *history; /* copied; earlier system messages are dropped */
	uint64_t parent_workflow_id;
	bool end_after; /* the agent ends when it has answered; WEFT_EAPPROVAL is an answer, and weft_agent_resume wants another agent */
	bool want_history; /* the result carries the whole message history */
	uint64_t workflow_id; /* the run's id, from weft_workflow_id, each for one run: to know its events, or to cancel it; 0: a fresh one */
	weft_str json_schema; /* the answer is JSON that fits this (copied); asked for again when it does not: weft_model_request */
	weft_budget budget; /* of this run: what is not zero takes the place of the definition's */
} weft_ask;

#define WEFT_ASK_INIT                                                                                      \
	{                                                                                                  \
		.size = sizeof(weft_ask)                                                                   \
	}

/**
 * Ask. The answer's status is 0 or a negative error; weft_agent_result_of reads it.
 * @return as weft_request, and -EMSGSIZE (input and history over WEFT_MSG_BYTES_MAX), -ENOMEM. Threads: any. Blocks: never.
 */
WEFT_API int weft_agent_ask(weft_ref agent, const weft_ask *ask, weft_reply_to reply_to);

/* ---- full pipeline ----------------------------------------------------- */

typedef struct weft_incoming {
	uint32_t size; /* set by WEFT_INCOMING_INIT */
	bool mentions_agent;   /* the platform says so */
	bool replies_to_agent;
	weft_memory message; /* room_id and entity_id required; nil id: a fresh one; nil agent_id: this agent's; text and attachments copied */
	uint64_t workflow_id; /* as in weft_ask */
} weft_incoming;

#define WEFT_INCOMING_INIT                                                                                 \
	{                                                                                                  \
		.size = sizeof(weft_incoming)                                                              \
	}

/** Hand a message to an agent. @return as weft_agent_ask and weft_attachments_check, -EINVAL (nil room or entity) */
WEFT_API int weft_agent_handle_message(weft_ref agent, const weft_incoming *incoming, weft_reply_to reply_to);

/* ---- canceling ----------------------------------------------------------- */

/**
 * End a run early: it is answered with -ECANCELED, handlers that still work for it are told (weft_model_on_cancel,
 * weft_tool_on_cancel), and what they give is not used. The agent goes on with its other runs. A run that has
 * ended, or was never there, is not an error: the answer that is on its way says which it was.
 *
 * @param workflow_id  of the ask or incoming message, also while it waits for its room; 0: every run of the agent
 * @return 0: it will be, after what the caller sent to the agent before; -ESRCH, -ENOMEM
 *
 * Threads: any. Blocks: never; a full mailbox does not refuse it.
 */
WEFT_API int weft_agent_cancel(weft_ref agent, uint64_t workflow_id);

/** Stages of one message, for the times in a result. */
typedef enum weft_stage {
	WEFT_STAGE_REMEMBER = 0, /* memory_create: incoming message and reply */
	WEFT_STAGE_SHOULD_RESPOND,
	WEFT_STAGE_COMPOSE,   /* compose_state, providers included */
	WEFT_STAGE_PROVIDERS, /* provider_execution */
	WEFT_STAGE_RENDER,    /* state_serialization: state into prompt */
	WEFT_STAGE_MODEL,
	WEFT_STAGE_PARSE,
	WEFT_STAGE_ACTIONS,
	WEFT_STAGE_EVALUATE,
	WEFT_STAGE_RECALL, /* memory_get */
	WEFT_STAGE_ATTACHMENTS, /* process_attachments */
	WEFT_STAGE_COUNT
} weft_stage;

WEFT_API const char *weft_stage_name(weft_stage stage);

typedef struct weft_agent_result {
	int status; /* 0, or why the run failed */
	bool responded; /* pipeline: the agent answered */
	weft_str error; /* a sentence; empty when status is 0 */
	weft_str text;
	weft_str content_type; /* "text/plain" or "application/json" */
	weft_str thought;      /* pipeline: the field; tool loop: what the model thought aloud before its answer */
	weft_uuid reply_id;    /* pipeline: the saved answer; nil when none */
	weft_uuid message_id;
	weft_model_usage usage;
	uint64_t duration_ns;
	uint32_t tool_calls;
	uint32_t iterations; /* model turns */
	const weft_chat_message *history; /* tool loop, when wanted */
	uint32_t history_count;
	uint32_t action_count;
	const weft_action_result *actions; /* pipeline */
	const weft_approval *approvals; /* tool loop, status WEFT_EAPPROVAL: what it waits for */
	uint32_t approval_count;
	weft_uuid suspended_run;        /* then, for weft_agent_resume */
	uint64_t workflow_id;
	uint64_t stage_ns[WEFT_STAGE_COUNT];
	uint32_t stage_runs[WEFT_STAGE_COUNT];
	uint64_t spent_micros; /* by the prices of the models (weft_models_set_price) */
	weft_finish finish; /* tool loop: why the model stopped; with LENGTH and CONTENT_FILTER the text is not all of it */
} weft_agent_result;

/**
 * The result in an answer to ask or handle_message. NULL when the message is
 * none (WEFT_KIND_NOREPLY, then weft_msg_status says why). Lives as long as the message.
 */
WEFT_API const weft_agent_result *weft_agent_result_of(const weft_msg *reply);

/**
 * Counts of a definition's agents since its creation, merged when read.
 */
typedef struct weft_agent_stats {
	uint32_t size; /* sizeof(weft_agent_stats), set by the caller */
	uint32_t reserved;
	uint64_t runs_started, runs_completed, runs_failed;
	uint64_t tool_calls, tool_loops_found, model_calls, model_failures, parse_retries;
	uint64_t embeddings_queued, embeddings_done, embeddings_dropped;
	uint64_t runs_canceled; /* answered -ECANCELED; neither completed nor failed */
	uint64_t runs_suspended; /* answered WEFT_EAPPROVAL; nor those. A run that is resumed is started again */
	uint64_t model_cached;  /* of model_calls: answered by a cache, or by a call of another (weft/cache.h) */
} weft_agent_stats;
WEFT_API int weft_agent_stats_read(const weft_agent_def *def, weft_agent_stats *ret_stats);

WEFT_END_DECLS

#endif
