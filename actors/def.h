/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/def.h - what an agent is, shared by all agents of a kind.
 *
 * Filled by the host, checked and completed at the first spawn (frozen), read-only
 * from then on, freed with the last reference. Counters are kept a thread, so
 * that agents on different cores do not write the same line.
 */
#ifndef WEFT_ACTORS_DEF_H
#define WEFT_ACTORS_DEF_H

#include <weft/agent.h>

#include "actors/model.h"
#include "actors/record/tape.h"
#include "actors/tool.h"
#include "runtime/base/atomic.h"
#include "runtime/base/refs.h"

#define WEFT__STAT_SHARDS 64u

enum weft__stat {
	WEFT__STAT_RUNS_STARTED = 0,
	WEFT__STAT_RUNS_COMPLETED,
	WEFT__STAT_RUNS_FAILED,
	WEFT__STAT_RUNS_CANCELED,
	WEFT__STAT_RUNS_SUSPENDED,
	WEFT__STAT_TOOL_CALLS,
	WEFT__STAT_TOOL_LOOPS,
	WEFT__STAT_MODEL_CALLS,
	WEFT__STAT_MODEL_FAILURES,
	WEFT__STAT_MODEL_CACHED,
	WEFT__STAT_PARSE_RETRIES,
	WEFT__STAT_EMBEDDINGS_QUEUED,
	WEFT__STAT_EMBEDDINGS_DONE,
	WEFT__STAT_EMBEDDINGS_DROPPED,
	WEFT__STAT_COUNT
};

struct weft__stat_shard {
	_Alignas(64) _Atomic(uint64_t) n[WEFT__STAT_COUNT]; /* written by the shard's thread, or threads; read by weft_agent_stats_read */
};

struct weft__plan;     /* pipeline's part, made when frozen; pipeline.h */
struct weft__embedder; /* pipeline's; embedder.h */

struct weft_agent_def {
	weft__refs refs;
	_Atomic(uint32_t) frozen; /* 0 open, 1 being frozen, 2 frozen */
	weft_agent_options opt; /* defaults filled in; strings below */
	char *name, *system, *loop_message; /* owned */
	size_t name_len, system_len;
	weft_models *models;
	weft_tools *tools; /* may be NULL */
	weft_store *store; /* may be NULL */
	weft_permissions *permissions; /* may be NULL: all is allowed */
	weft_approvals *approvals;     /* may be NULL: what would ask is denied */
	weft_audit *audit;             /* may be NULL */
	const weft_character *character; /* borrowed; may be NULL */
	weft_actor_class cls;

	/* sorted by position, then in the order added; entries and their names are owned */
	weft_provider **providers;
	weft_attachment_handler **attachment_handlers; /* by falling priority */
	weft_action **actions;
	weft_evaluator **evaluators;
	weft_pre_evaluator **pre_evaluators;
	uint32_t provider_count, action_count, evaluator_count, pre_evaluator_count, attachment_handler_count;
	bool bootstrapped; /* the built-in providers and actions are in the lists */

	weft_summarizer summarizer; /* size 0: none; actors/summary.c */
	struct weft__plan *plan; /* NULL for a definition without store or character */
	struct weft__stat_shard *shards;
	struct weft__tape *tape; /* what watches its runs, one reference; NULL mostly */
	uint32_t tape_agent; /* the tape's number for it */
	weft_str tape_tools; /* the JSON of tools, when the tape knows its hash; empty else */
	weft_hash128 tape_tools_hash;
};

/** Freeze: complete the lists and make the plan. Once; concurrent callers wait. @return 0, -ENOMEM, ... */
int weft__def_freeze(weft_agent_def *def);

/** Add n to a counter. Any thread; threads write lines of their own. */
void weft__def_count(weft_agent_def *def, enum weft__stat stat, uint64_t n);

/* The agent's name and system prompt, their lengths at hand. */
static inline weft_str weft__def_name(const weft_agent_def *def)
{
	return (weft_str){ def->name, def->name_len };
}

static inline weft_str weft__def_system(const weft_agent_def *def)
{
	return (weft_str){ def->system, def->system_len };
}

#endif
