/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/tool.h - the tool registry and one call of a tool inside a run.
 */
#ifndef WEFT_ACTORS_TOOL_H
#define WEFT_ACTORS_TOOL_H

#include <weft/json.h>
#include <weft/model.h>
#include <weft/tool.h>

#include "actors/op.h"
#include "actors/record/tape.h"
#include "runtime/base/refs.h"

struct weft__tool {
	weft_str name; /* owned, NUL behind it */
	char *description;
	weft_json_schema *schema; /* NULL: any object */
	weft_json_doc *schema_doc;
	weft_tool_fn fn;
	void *user;
	void (*release)(void *user); /* NULL until it is in a registry, or when there is none */
	uint32_t hash;
	uint32_t flags;
};

struct weft_tools {
	weft__refs refs;
	bool held; /* by a definition: read-only */
	struct weft__tool **tools; /* in the order added */
	uint32_t count, cap;
	uint32_t *slots; /* hash table of index + 1 */
	uint32_t slot_mask;
	char *json; /* OpenAI function array, "" when empty */
	size_t json_len;
};

const struct weft__tool *weft__tool_find(const weft_tools *tools, weft_str name);

/** Forget all but the first count tools: what was being added as one did not fit. */
void weft__tools_cut(weft_tools *tools, size_t count);

/* One call. Lives in the run's arena until it is over. */
struct weft__tool_run {
	weft_tool_call call; /* first: what the handler sees */
	struct weft__op op;
	const struct weft__tool *tool; /* NULL: no such tool */
	const weft_tool_request *request;
	weft_json_doc *doc; /* the parsed arguments; released with the call */
	weft_hash128 key;   /* loop guard: name and canonical arguments */
	int status;         /* 0, WEFT_ENOTOOL, WEFT_EPARSE, WEFT_ESCHEMA, WEFT_ETOOL, WEFT_ELOOP */
	weft_str text;      /* result, or what the model is told instead */
	char *owned;        /* text when it was set from another thread */
	weft_str reason;    /* why the handler failed, in the arena or in owned_reason */
	char *owned_reason;
	uint64_t started; /* weft_ticks(); only when somebody listens */
	const struct weft__tool_run *repeated; /* not made: the earlier call whose result is quoted */
	const struct weft__tool_run *warned;   /* made, though it repeats this one */
	bool called;        /* the handler was run */
	bool lost;          /* it waits, and cannot come back: text, reason and arguments are its own for good */
	bool no_memory;     /* for what it returned */
	bool waits;         /* for an approval: it is made, or not, when the run is resumed */
	bool restored;      /* it was over before the run was suspended */
	bool answered;      /* somebody was asked, and said what decision says */
	bool progress;      /* somebody listened when it was started */
	bool changed;       /* with other arguments than the model's */
	const char *decision; /* why it is made or not: for the audit; NULL: it was allowed */
	weft_str by, why;     /* the rule or person that decided, and the reason given */
	void (*back)(struct weft__tool_run *call);
	void *user; /* the asker's */
	struct weft__taped taped; /* only with a tape */
};

/** Look the tool up, parse and check the arguments. status is 0 when the call can be made. */
void weft__tool_prepare(struct weft__tool_run *t, const weft_tools *tools, const weft_tool_request *request,
                        weft_arena *arena, weft_runtime *rt);
/**
 * Call the handler. @return 0: over, status and text are set, or it is lost: then only status, and the call is the handler's
 * until the run is released; WEFT_PENDING: back comes
 */
int weft__tool_start(struct weft__tool_run *t, struct weft__run *run, void (*back)(struct weft__tool_run *call));
/** Let go of what the arena does not hold. */
void weft__tool_done(struct weft__tool_run *t);

#endif
