/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/agent.h - an agent as its own code sees it: the actor's state, and runs.
 *
 * A run is one ask or one handled message: an arena, the request it will answer,
 * the result in the making, and the ops under way. Runs are pooled a thread, so a
 * warm one costs no allocation. When a run ends its result is copied into the
 * answer, which owns all it points to, and the run goes back to the pool; if ops are
 * still out (a timeout), it stays as an orphan until they are back.
 *
 * Everything here belongs to the agent's behaviour: one thread at a time. Only the
 * reference count of a run is touched by others (op.c).
 */
#ifndef WEFT_ACTORS_AGENT_H
#define WEFT_ACTORS_AGENT_H

#include <weft/agent.h>
#include <weft/event.h>
#include <weft/port.h>
#include <weft/runtime.h>

#include "actors/budget.h"
#include "actors/def.h"
#include "actors/op.h"
#include "actors/record/tape.h"
#include "runtime/base/refs.h"

/* Kinds of an agent's messages. */
enum {
	WEFT__KIND_ASK = 0x77650001, /* struct weft__ask_body */
	WEFT__KIND_HANDLE,           /* struct weft__handle_body */
	WEFT__KIND_OP,               /* an op is back; token: the op */
	WEFT__KIND_CANCEL,           /* end a run; token: its workflow id, or 0 */
	WEFT__KIND_RESULT            /* weft_agent_result, first in the payload */
};

struct weft__ask_body { /* the payload of WEFT__KIND_ASK; all pointers lead into it */
	weft_str input, json_schema;
	const weft_chat_message *history;
	uint64_t workflow_id, parent_workflow_id;
	weft_budget budget;
	uint32_t history_count;
	bool end_after, want_history;
	weft_uuid resume; /* not nil: go on with this suspended run; nothing else is set */
};

struct weft__handle_body { /* the payload of WEFT__KIND_HANDLE; strings lead into it */
	weft_memory message;
	uint64_t workflow_id;
	bool mentions_agent, replies_to_agent;
};

struct weft__rooms; /* pipeline's queues of waiting messages; rooms.h */

struct weft__agent {
	weft_agent_def *def; /* one reference */
	weft_runtime *rt;
	weft_ref ref;
	weft_uuid id;
	struct weft__run *runs; /* active and orphaned */
	uint32_t active;        /* without orphans */
	bool ending;            /* no new runs; ends when the last one is done */
	bool known;             /* ref and id are set: the first message has come */
	struct weft__rooms *rooms; /* made at the first handle_message */
};

struct weft__run {
	struct weft__agent *agent; /* NULL once the agent has ended */
	weft_arena *arena;
	weft_msg *request; /* owned, as long as the run: what its strings lead into */
	struct weft__op *ops; /* waiting */
	struct weft__run *next, **prev; /* the agent's list */
	weft__refs refs;
	bool answered;
	bool trails; /* answered, and its evaluators are at work: for the room, not for the asker; the agent's end waits for them */
	bool lent; /* the arena is a model's handler's that cannot come back: nothing is taken from it any more */
	uint64_t workflow_id, parent_workflow_id;
	struct weft__spending spending;
	uint64_t started;  /* weft_ticks() */
	uint64_t start_ns; /* of a handled message */
	weft_agent_result result; /* strings in the arena or the request */
	void *part; /* the ask's or the turn's own state, in the arena */
	void (*cancel)(struct weft__run *run); /* end it now with -ECANCELED; set with part */
	weft_json_writer *writer; /* scratch for events; made when first needed, kept with the arena */
	struct weft__tape_run *tape; /* a recorder's or a replay's; NULL: nobody watches */
	void (*release)(struct weft__run *run); /* last of all, any thread: what the arena does not hold; may be NULL */
};

/** A run without a request, for calls of the agent's own; not in its list, ends with weft__run_unref. */
struct weft__run *weft__run_bare(struct weft__agent *agent);
/** The id that the asker chose for the run of this request, or 0. */
uint64_t weft__request_workflow(weft_msg *request);
/** A run for a request (kept). NULL: out of memory; the request stays the caller's. */
struct weft__run *weft__run_begin(struct weft__agent *agent, weft_msg *request);
/**
 * Answer with run->result, and let the run go. status and error are set by the
 * caller. Ops that are still out are told. After this the run may be gone, unless some are not back.
 */
void weft__run_end(struct weft__run *run);
void weft__run_ref(struct weft__run *run);
void weft__run_unref(struct weft__run *run);

/** A value from outside: as it is, or as it was when the run was recorded. */
static inline int64_t weft__run_draw(struct weft__run *run, enum weft__draw what, int64_t value)
{
	return run->tape ? run->tape->tape->fns->draw(run, what, value) : value;
}

/** Release a promise that nobody will keep, without the asker hearing of it as a failure. */
void weft__promise_drop(weft_msg *promise);

/** The actor class's parts (agent.c). */
int weft__agent_behaviour(weft_actor *self, weft_msg *msg);
void weft__agent_fini(weft_actor *self);
/** Call after a run ended: an agent that is ending and has none left exits. */
void weft__agent_settle(struct weft__agent *agent);

/** The tool loop (ask.c): start on a run whose request is WEFT__KIND_ASK. */
void weft__ask_start(struct weft__run *run);

/* ---- the pipeline's side, in pipeline.c --------------------------------- */

/** A WEFT__KIND_HANDLE request arrived: run it, queue it, or answer it at once. Owns request. */
void weft__pipeline_handle(struct weft__agent *agent, weft_msg *request);
/** Take what waits with this id, or with any for 0, out of the rooms' queues, and answer -ECANCELED. True: there was some. */
bool weft__pipeline_cancel(struct weft__agent *agent, uint64_t workflow_id);
/** A timer of the agent ran out. */
void weft__pipeline_timer(struct weft__agent *agent, uint64_t token);
/** Messages that wait in room queues: the agent must not end yet. */
bool weft__pipeline_is_idle(const struct weft__agent *agent);
/** The agent ends: release what waits (answered NOREPLY) and the queues. */
void weft__pipeline_fini(struct weft__agent *agent);
/** Complete the definition's lists with the built-in set and make its plan. @return 0, -ENOMEM, WEFT_ECONFIG */
int weft__plan_create(weft_agent_def *def);
void weft__plan_destroy(struct weft__plan *plan);

#endif
