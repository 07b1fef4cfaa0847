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

struct weft__tool {
	weft_str name; /* owned, NUL behind it */
	char *description;
	weft_json_schema *schema; /* NULL: any object */
	weft_json_doc *schema_doc;
	weft_tool_fn fn;
	void *user;
	uint32_t hash;
};

struct weft_tools {
	uint32_t refs;
	bool held; /* by a definition: read-only */
	struct weft__tool **tools; /* in the order added */
	uint32_t count, cap;
	uint32_t *slots; /* hash table of index + 1 */
	uint32_t slot_mask;
	char *json; /* OpenAI function array, "" when empty */
	size_t json_len;
};

const struct weft__tool *weft__tool_find(const weft_tools *tools, weft_str name);

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
	void (*back)(struct weft__tool_run *call);
	void *user; /* the asker's */
};

/** Look the tool up, parse and check the arguments. status is 0 when the call can be made. */
void weft__tool_prepare(struct weft__tool_run *t, const weft_tools *tools, const weft_tool_request *request,
                        weft_arena *arena, weft_runtime *rt);
/** Call the handler. @return 0: over, status and text are set; WEFT_PENDING: back comes */
int weft__tool_start(struct weft__tool_run *t, struct weft__run *run, void (*back)(struct weft__tool_run *call));
/** Let go of what the arena does not hold. */
void weft__tool_done(struct weft__tool_run *t);

#endif
