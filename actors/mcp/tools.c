/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/tools.c - the tools of a server in a registry, and a call of one of them.
 *
 * A registry is filled once and shared, so it keeps the tools as they were then; the server checks each
 * call again. A call goes to the loop as a job, waits there for a session if need be, and comes back as
 * weft_tool_finish. It is asked once: what a lost session was working on fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/mcp/client.h"
#include "actors/tool.h"
#include "actors/tool_name.h"
#include "net/mcp/content.h"
#include "runtime/base/refs.h"

/* ---- a call ------------------------------------------------------------------------- */

/* What a tool of a registry knows of itself. */
struct tool {
	weft_mcp *client; /* a reference */
	weft_str name;    /* the server's; owned, behind this struct */
};

struct call {
	struct weft__job job; /* first */
	struct weft__job cancel;
	struct weft__mcp_task task;
	struct weft__rpc_call rpc;
	weft__refs refs; /* of the memory: the call's own, and those of cancel and of job, asking again, while they are posted */
	bool over;     /* finished; the loop's thread */
	bool again;    /* it was asked a second time, safely */
	weft_mcp *client; /* held, the memory and not the server */
	weft_tool_call *call; /* until finished */
	weft_str name;        /* behind this struct: the registry may go before the call is over */
};

static struct call *of_task(struct weft__mcp_task *task)
{
	return (struct call *)((char *)task - offsetof(struct call, task));
}

static struct call *of_rpc(struct weft__rpc_call *rpc)
{
	return (struct call *)((char *)rpc - offsetof(struct call, rpc));
}

static void call_unref(struct call *c)
{
	if (!weft__refs_drop(&c->refs))
		return;
	weft__mcp_release(c->client);
	weft_free(c);
}

static void count(weft_mcp *m, bool failed)
{
	pthread_mutex_lock(&m->lock);
	m->info.calls++;
	m->info.failures += failed;
	pthread_mutex_unlock(&m->lock);
}

static void call_over(struct call *c, int status)
{
	c->over = true;
	count(c->client, status < 0);
	weft_tool_finish(c->call, status); /* a cancel under way has ended when this returns */
	call_unref(c);
}

/* The result as text for the model; what the tool itself calls a failure is one. */
static int result_give(struct call *c, weft_json result)
{
	weft_arena *arena;
	weft_str text = { 0 };
	bool failed = false;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	r = weft__mcp_content_text(result, c->client->options.result_bytes_max, arena, &text, &failed);
	if (r == -EBADMSG)
		(void)weft_tool_fail(c->call, r, "the server '%s' answered with something that is no result", c->client->options.name);
	else if (r == 0 && failed)
		r = weft_tool_fail(c->call, -EREMOTEIO, "%.*s", WEFT_STR_ARG(text));
	else if (r == 0)
		weft_tool_return(c->call, text);
	weft_arena_destroy(arena);
	return r;
}

static void failure_tell(struct call *c, const struct weft__rpc_answer *answer)
{
	const char *server = c->client->options.name;

	switch (answer->status) {
	case -EREMOTEIO:
		(void)weft_tool_fail(c->call, answer->status, "%.*s (error %lld of the server '%s')", WEFT_STR_ARG(answer->message),
		                     (long long)answer->code, server);
		break;
	case -ETIMEDOUT:
		(void)weft_tool_fail(c->call, answer->status, "the server '%s' did not answer in time; it may have done it or not",
		                     server);
		break;
	case -EHOSTDOWN:
		(void)weft_tool_fail(c->call, answer->status, "the server '%s' could not be asked: %.*s", server,
		                     WEFT_STR_ARG(answer->message));
		break;
	case -EPROTO:
	case -EACCES:
	case -ESTALE:
		(void)weft_tool_fail(c->call, answer->status, "the server '%s' refused the call: %.*s", server,
		                     WEFT_STR_ARG(answer->message));
		break;
	default:
		(void)weft_tool_fail(c->call, answer->status,
		                     "the server '%s' was lost during the call; it may have done it or not: %.*s", server,
		                     WEFT_STR_ARG(answer->message));
	}
}

static void run_again(struct weft__job *job)
{
	struct call *c = (struct call *)job;

	if (!c->over)
		weft__mcp_client_submit(&c->client->engine, &c->task);
	call_unref(c);
}

/* A server that forgot the session did not look at the call: once more, as soon as there is another session. */
static bool asked_again(struct call *c)
{
	if (c->again)
		return false;
	c->again = true;
	weft__refs_take(&c->refs); /* the call's own keeps it alive */
	c->job.run = run_again; /* later: the loss of the session is told after this */
	if (weft__mcp_post(c->client, &c->job) == 0)
		return true;
	call_unref(c);
	return false;
}

static void on_done(struct weft__rpc_call *rpc, const struct weft__rpc_answer *answer)
{
	struct call *c = of_rpc(rpc);

	if (answer->status == -ESTALE && asked_again(c))
		return;
	if (answer->status == 0) {
		call_over(c, result_give(c, answer->result));
	} else {
		failure_tell(c, answer);
		call_over(c, answer->status);
	}
}

static void on_progress(struct weft__rpc_call *rpc, double progress, double total, weft_str message)
{
	struct call *c = of_rpc(rpc);
	const weft_mcp_options *o = &c->client->options;
	char steps[48];

	snprintf(steps, sizeof(steps), total > 0 ? "%g of %g" : "%g", progress, total);
	weft_tool_progress(c->call, message.len_bytes ? message : weft_str_from(steps));
	if (o->hooks.progress)
		o->hooks.progress(c->client, c->name, progress, total, message, o->user);
}

static int on_go(struct weft__mcp_task *task, struct weft__mcp_session *session)
{
	struct call *c = of_task(task);

	c->rpc = (struct weft__rpc_call){ .timeout_ns = c->client->options.call_ns,
		                          .total_ns = c->client->options.call_total_ns,
		                          .done = on_done,
		                          .progress = on_progress };
	return weft__mcp_call_tool(session, &c->rpc, c->name, c->call->arguments);
}

static void on_fail(struct weft__mcp_task *task, int status, weft_str why)
{
	struct call *c = of_task(task);

	(void)weft_tool_fail(c->call, status, "the server '%s' could not be asked: %.*s", c->client->options.name, WEFT_STR_ARG(why));
	call_over(c, status);
}

static void run_call(struct weft__job *job)
{
	struct call *c = (struct call *)job;

	weft__mcp_client_submit(&c->client->engine, &c->task);
}

/* Nobody wants the result: the server is told, if it works on it. */
static void run_cancel(struct weft__job *job)
{
	struct call *c = (struct call *)((char *)job - offsetof(struct call, cancel));
	struct weft__mcp_client *engine = &c->client->engine;

	if (!c->over) {
		if (!weft__mcp_client_withdraw(engine, &c->task) && c->rpc.id)
			weft__mcp_drop(weft__mcp_client_session(engine), &c->rpc, WEFT_STR("not needed any more"));
		weft__mcp_client_touched(engine);
		call_over(c, -ECANCELED);
	}
	call_unref(c);
}

/* In the agent's thread; the call is not finished before this returns. */
static void on_cancel(void *user)
{
	struct call *c = user;

	weft__refs_take(&c->refs); /* the unfinished call keeps it alive */
	c->cancel.run = run_cancel;
	if (weft__mcp_post(c->client, &c->cancel) < 0)
		call_unref(c);
}

static int tool_call(weft_tool_call *call, void *user)
{
	const struct tool *tool = user;
	struct call *c = weft_calloc(1, sizeof(*c) + tool->name.len_bytes);

	if (!c)
		return -ENOMEM;
	weft__refs_init(&c->refs, 1);
	memcpy(c + 1, tool->name.ptr, tool->name.len_bytes);
	c->name = (weft_str){ (char *)(c + 1), tool->name.len_bytes };
	c->client = tool->client;
	c->call = call;
	c->job.run = run_call;
	c->task = (struct weft__mcp_task){ .go = on_go, .fail = on_fail, .until_ns = weft__mcp_patience(tool->client) };
	weft__mcp_hold(c->client);
	(void)weft_tool_on_cancel(call, on_cancel, c);
	if (weft__mcp_post(c->client, &c->job) < 0) {
		call_unref(c);
		return weft_tool_fail(call, -ESHUTDOWN, "the server '%s' was closed", tool->client->options.name);
	}
	return WEFT_PENDING;
}

/* ---- a registry ----------------------------------------------------------------------------- */

static void tool_release(void *user)
{
	struct tool *tool = user;

	weft_mcp_unref(tool->client);
	weft_free(tool);
}

static struct tool *tool_make(weft_mcp *m, weft_str name)
{
	struct tool *tool = weft_malloc(sizeof(*tool) + name.len_bytes + 1);

	if (!tool)
		return NULL;
	memcpy(tool + 1, name.ptr, name.len_bytes);
	((char *)(tool + 1))[name.len_bytes] = '\0';
	tool->name = (weft_str){ (char *)(tool + 1), name.len_bytes };
	tool->client = weft_mcp_ref(m);
	return tool;
}

static uint32_t flags_of(uint32_t hints)
{
	return (hints & WEFT__MCP_HINT_READ_ONLY ? WEFT_TOOL_READ_ONLY : 0u) |
	       (hints & WEFT__MCP_HINT_DESTRUCTIVE ? WEFT_TOOL_DESTRUCTIVE : 0u) |
	       (hints & WEFT__MCP_HINT_IDEMPOTENT ? WEFT_TOOL_IDEMPOTENT : 0u) |
	       (hints & WEFT__MCP_HINT_OPEN_WORLD ? WEFT_TOOL_OPEN_WORLD : 0u);
}

static int tool_add(weft_tools *tools, weft_mcp *m, const char *prefix, const struct weft__mcp_tool *offered, weft_error *err)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	char name[WEFT__TOOL_NAME_BYTES + 1];
	weft_error why = { 0 };
	int r;

	weft__tool_name_fit(prefix, offered->name, name);
	opt.name = name;
	opt.description = offered->description.ptr;
	opt.schema_json = offered->schema;
	opt.fn = tool_call;
	opt.release = tool_release;
	opt.flags = flags_of(offered->hints);
	opt.user = tool_make(m, offered->name);
	if (!opt.user)
		return weft_error_set(err, -ENOMEM, "out of memory");
	r = weft_tools_add(tools, &opt, &why);
	if (r == WEFT_ESCHEMA) { /* the server checks it all the same */
		weft__mcp_log(m, WEFT_LOG_WARN, "a schema is not checked here", weft_str_from(why.message));
		opt.flags |= WEFT_TOOL_UNCHECKED;
		r = weft_tools_add(tools, &opt, &why);
	}
	if (r < 0) {
		tool_release(opt.user);
		return weft_error_set(err, r, "MCP server '%s', tool '%s': %s", m->options.name, name, why.message);
	}
	return 0;
}

static struct weft__mcp_catalog *catalog_get(weft_mcp *m)
{
	struct weft__mcp_catalog *catalog;

	pthread_mutex_lock(&m->lock);
	catalog = m->catalog ? weft__mcp_catalog_ref(m->catalog) : NULL;
	pthread_mutex_unlock(&m->lock);
	return catalog;
}

int weft_tools_add_mcp(weft_tools *tools, weft_mcp *m, const char *prefix, weft_error *err)
{
	struct weft__mcp_catalog *catalog;
	size_t before;
	int r;

	if (!tools || !m)
		return weft_error_set(err, -EINVAL, "a registry and a client are needed");
	r = weft_mcp_wait(m, weft__mcp_start_span_ns(m), err);
	if (r < 0)
		return r == -EDEADLK ? weft_error_set(err, -EAGAIN, "MCP server '%s' is still starting", m->options.name) : r;
	catalog = catalog_get(m);
	if (!catalog)
		return 0;
	before = weft_tools_count(tools);
	for (uint32_t i = 0; i < catalog->count && r == 0; i++)
		r = tool_add(tools, m, prefix ? prefix : m->options.name, &catalog->tools[i], err);
	if (r < 0)
		weft__tools_cut(tools, before);
	else
		r = (int)catalog->count;
	weft__mcp_catalog_unref(catalog);
	return r;
}
