/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/tool.h - tools: named functions that a model may call.
 *
 * A registry is filled once, then shared by any number of agents. Arguments
 * are checked against the tool's JSON Schema before its handler sees them.
 */
#ifndef WEFT_TOOL_H
#define WEFT_TOOL_H

#include <weft/actor.h>
#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/json.h>

WEFT_BEGIN_DECLS

typedef struct weft_tools weft_tools;

/** One call, as its handler sees it. Lives until the call is finished. */
typedef struct weft_tool_call {
	weft_str name;
	weft_str id;        /* the model's id of the call */
	weft_json arguments; /* parsed and valid by the schema */
	weft_str arguments_text;
	weft_arena *arena; /* scratch for the handler itself; not for other threads of a pending call */
	weft_runtime *rt;  /* NULL when there is none (weft_tools_call) */
} weft_tool_call;

/**
 * Do the work, or start it.
 * @return 0: done (weft_tool_return was called, or the result is empty);
 *         WEFT_PENDING: weft_tool_finish is called later, exactly once, from any thread;
 *         negative: failed (weft_tool_fail may have said why). A failure is told to the model; the run goes on.
 */
typedef int (*weft_tool_fn)(weft_tool_call *call, void *user);

/** Set the result text; copied. This and weft_tool_fail: from the handler, or from any one thread before weft_tool_finish. */
WEFT_API void weft_tool_return(weft_tool_call *call, weft_str result);
/** Say why it failed, in up to 16 KiB; gives back code so that a handler can return it. */
WEFT_API int weft_tool_fail(weft_tool_call *call, int code, const char *fmt, ...) WEFT_PRINTF(3, 4);
/** End a pending call with 0 or a negative error. The call must not be used afterwards. Threads: any. */
WEFT_API void weft_tool_finish(weft_tool_call *call, int status);
/** Ask to be told when nobody wants the result any more; as weft_model_on_cancel (weft/model.h). */
WEFT_API int weft_tool_on_cancel(weft_tool_call *call, void (*fn)(void *user), void *user);
/**
 * Tell whoever listens what came so far: an event of scope TOOL and type PROGRESS with {agent, tool_call_id,
 * chunk}. Nothing when nobody listened as the call began, or it belongs to no run. Not after weft_tool_finish. Threads: any.
 */
WEFT_API void weft_tool_progress(weft_tool_call *call, weft_str chunk);

enum { /* what is known of a tool, for those who decide whether it may be called */
	WEFT_TOOL_READ_ONLY = 1,   /* changes nothing */
	WEFT_TOOL_DESTRUCTIVE = 2, /* may undo or overwrite what is there */
	WEFT_TOOL_IDEMPOTENT = 4,  /* twice is as good as once */
	WEFT_TOOL_OPEN_WORLD = 8,  /* reaches out to what nobody here controls */
	WEFT_TOOL_UNCHECKED = 16   /* the schema is shown to the model and not checked: the handler does that */
};

typedef struct weft_tool_options {
	uint32_t size; /* set by WEFT_TOOL_OPTIONS_INIT */
	const char *name;        /* [A-Za-z0-9_-]{1,64}; copied */
	const char *description; /* copied */
	weft_str schema_json;    /* JSON Schema of the arguments object; empty: any object */
	weft_tool_fn fn;
	void *user;
	void (*release)(void *user); /* when the registry goes; not when adding failed; NULL is fine */
	uint32_t flags;              /* WEFT_TOOL_... */
} weft_tool_options;

#define WEFT_TOOL_OPTIONS_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_tool_options)                                                          \
	}

/** An empty registry, holding one reference. @return 0 or -ENOMEM */
WEFT_API int weft_tools_create(weft_tools **ret_tools);
WEFT_API weft_tools *weft_tools_ref(weft_tools *tools);
WEFT_API void weft_tools_unref(weft_tools *tools); /* NULL is fine */

/**
 * Add a tool. Not while an agent uses the registry (-EBUSY once an agent definition holds it).
 * @return 0, -EINVAL (name), -EEXIST, -ENOMEM, -EBUSY, WEFT_EPARSE or WEFT_ESCHEMA (schema; err says where)
 */
WEFT_API int weft_tools_add(weft_tools *tools, const weft_tool_options *opt, weft_error *err);
WEFT_API size_t weft_tools_count(const weft_tools *tools);
/** What a tool was added with: WEFT_TOOL_... @return 0 or WEFT_ENOTOOL */
WEFT_API int weft_tools_flags(const weft_tools *tools, weft_str name, uint32_t *ret_flags);
/** The tools as OpenAI function definitions, a JSON array; "" when there are none. Lives as long as the registry. */
WEFT_API weft_str weft_tools_json(const weft_tools *tools);

/**
 * Look up, check and run one call in place: the whole dispatch, without an agent.
 * For hosts that run their own loop, and for the bench. A handler that answers WEFT_PENDING is
 * waited for: not on a worker. Its call->rt is NULL here.
 * @param ret_result  in arena; also on failure: then the text told to the model
 * @return 0, -EINVAL, WEFT_ENOTOOL, WEFT_EPARSE, WEFT_ESCHEMA, WEFT_ETOOL, -ENOMEM
 */
WEFT_API int weft_tools_call(const weft_tools *tools, weft_str name, weft_str arguments_json, weft_arena *arena,
                             weft_str *ret_result);
/** The same for arguments that are parsed already. WEFT_EPARSE here: they give a key twice. */
WEFT_API int weft_tools_call_parsed(const weft_tools *tools, weft_str name, weft_json arguments, weft_arena *arena,
                                    weft_str *ret_result);

WEFT_END_DECLS

#endif
