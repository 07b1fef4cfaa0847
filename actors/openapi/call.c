/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/call.c - a call of an operation: a request on a loop, and its answer as text for the model.
 *
 * The request is made in the caller's thread and crosses to the loop as a job; cancellation does, too. Of
 * an answer as much is read as the model shall see, and no more.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/openapi/operation.h"
#include "actors/text.h"
#include "net/http/client.h"
#include "runtime/base/refs.h"
#include "runtime/io/loop.h"
#include "runtime/loops.h"

#define TYPE_BYTES_MAX 100u
#define LOCATION_BYTES_MAX 300u

struct call {
	struct weft__job job; /* first */
	struct weft__job cancel;
	struct weft__http_call http;
	weft__refs refs; /* the call's own, and the cancel job's while it is posted */
	bool over;     /* finished; the loop's thread */
	struct weft__loop *loop;
	weft_tool_call *call; /* until it is over */
	const struct weft__openapi_operation *op;
	struct weft__openapi *api; /* a reference */
	weft_arena *arena;
	struct weft__openapi_request request;
	int status;          /* of the answer */
	char type[TYPE_BYTES_MAX + 1], location[LOCATION_BYTES_MAX + 1];
	char *body;          /* in the arena, as long as the model may see */
	size_t len_bytes;
	bool cut;            /* there was more */
};

static struct call *of_http(struct weft__http_call *http)
{
	return (struct call *)((char *)http - offsetof(struct call, http));
}

static void call_unref(struct call *c)
{
	if (!weft__refs_drop(&c->refs))
		return;
	weft__openapi_unref(c->api);
	weft_arena_destroy(c->arena); /* c is in it */
}

static void call_over(struct call *c, int status)
{
	c->over = true;
	weft_tool_finish(c->call, status); /* a cancel under way has ended when this returns */
	call_unref(c);
}

/* ---- the answer -------------------------------------------------------------------------- */

static void text_keep(char *to, size_t room, weft_str text)
{
	size_t n = text.len_bytes < room ? text.len_bytes : room;

	if (n)
		memcpy(to, text.ptr, n);
	to[n] = '\0';
}

static void on_head(struct weft__http_call *http, int status, const struct weft__http_field *fields, uint32_t n)
{
	struct call *c = of_http(http);

	c->status = status;
	text_keep(c->type, TYPE_BYTES_MAX, weft__http_find(fields, n, WEFT_STR("Content-Type")));
	text_keep(c->location, LOCATION_BYTES_MAX, weft__http_find(fields, n, WEFT_STR("Location")));
	c->location[strcspn(c->location, "?#")] = '\0'; /* a query is often the one that was sent, with the secret in it */
}

static void on_body(struct weft__http_call *http, const uint8_t *bytes, size_t len)
{
	struct call *c = of_http(http);
	size_t room = (size_t)c->api->options.result_bytes_max - c->len_bytes, n = len < room ? len : room;

	memcpy(c->body + c->len_bytes, bytes, n);
	c->len_bytes += n;
	if (n == len)
		return;
	c->cut = true;
	weft__http_cancel(http); /* the rest would only be thrown away */
}

/* Is this for reading? Types that say so, and nothing that has a NUL. */
static bool is_text(const struct call *c)
{
	weft_str type = weft_str_from(c->type), bare = type;
	const char *semicolon = strchr(c->type, ';');

	if (semicolon)
		bare.len_bytes = (size_t)(semicolon - c->type);
	bare = weft__str_trim(bare);
	if (memchr(c->body, '\0', c->len_bytes))
		return false;
	if (!bare.len_bytes || (bare.len_bytes > 5 && weft__str_eq_nocase((weft_str){ bare.ptr, 5 }, WEFT_STR("text/"))))
		return true;
	return memmem(bare.ptr, bare.len_bytes, "json", 4) || memmem(bare.ptr, bare.len_bytes, "xml", 3) ||
	       memmem(bare.ptr, bare.len_bytes, "yaml", 4) || memmem(bare.ptr, bare.len_bytes, "form-urlencoded", 15) ||
	       memmem(bare.ptr, bare.len_bytes, "javascript", 10);
}

static weft_str text_of(struct call *c)
{
	if (!c->len_bytes)
		return weft_arena_printf(c->arena, "[HTTP %d, nothing else]", c->status);
	if (!is_text(c))
		return weft_arena_printf(c->arena, "[%s, %s%zu bytes]", c->type[0] ? c->type : "binary data", c->cut ? "more than " : "",
		                         c->len_bytes);
	if (!c->cut)
		return (weft_str){ c->body, c->len_bytes };
	c->len_bytes = weft__str_whole((weft_str){ c->body, c->len_bytes });
	return weft_arena_printf(c->arena, "%.*s\n[the rest was left out]", (int)c->len_bytes, c->body);
}

/* Why it failed, for the model, without the secrets that an answer or an address repeats. */
static int fail(struct call *c, int status, weft_str why)
{
	why = weft__openapi_mask(c->op, why, c->arena);
	return why.ptr ? weft_tool_fail(c->call, status, "%.*s", WEFT_STR_ARG(why)) : -ENOMEM;
}

static int answer_give(struct call *c)
{
	weft_str text = text_of(c);

	if (!text.ptr)
		return -ENOMEM;
	if (c->status / 100 == 3)
		return fail(c, -EREMOTEIO, weft_arena_printf(c->arena, "HTTP %d: it would lead to %s, which is not followed", c->status, c->location));
	if (c->status / 100 != 2)
		return fail(c, -EREMOTEIO, weft_arena_printf(c->arena, "HTTP %d: %.*s", c->status, WEFT_STR_ARG(text)));
	text = weft__openapi_mask(c->op, text, c->arena);
	if (!text.ptr)
		return -ENOMEM;
	weft_tool_return(c->call, text);
	return 0;
}

static void on_done(struct weft__http_call *http, int status)
{
	struct call *c = of_http(http);

	if (status == 0 || c->cut)
		status = answer_give(c);
	else
		(void)fail(c, status, weft_str_from(c->http.error.message));
	call_over(c, status);
}

/* ---- the request ---------------------------------------------------------------------------- */

static void run_call(struct weft__job *job)
{
	struct call *c = (struct call *)job;
	const weft_openapi_options *o = &c->api->options;
	bool private = o->flags & WEFT_OPENAPI_PRIVATE;
	struct weft__http_request req = { .method = c->op->method,
		                          .url = c->request.url,
		                          .fields = c->request.fields,
		                          .field_count = c->request.field_count,
		                          .body = c->request.body,
		                          .total_ns = o->timeout_ns,
		                          .body_bytes_max = UINT64_MAX, /* bounded where it arrives */
		                          .flags = (private ? 0u : WEFT__HTTP_PUBLIC_ONLY) |
		                                   (o->flags & WEFT_OPENAPI_INSECURE ? WEFT__HTTP_INSECURE : 0u),
		                          .ca_file = o->ca_file };
	int r;

	c->http.head = on_head;
	c->http.body = on_body;
	c->http.done = on_done;
	r = weft__http_start(c->loop, &c->http, &req);
	if (r < 0) {
		(void)fail(c, r, weft_str_from(c->http.error.message));
		call_over(c, r);
	}
}

/* The job of the call itself was posted before: it has run. */
static void run_cancel(struct weft__job *job)
{
	struct call *c = (struct call *)((char *)job - offsetof(struct call, cancel));

	if (!c->over)
		weft__http_cancel(&c->http);
	call_unref(c);
}

/* In the agent's thread; the call is not finished before this returns, so its loop is there. */
static void on_cancel(void *user)
{
	struct call *c = user;

	weft__refs_take(&c->refs); /* the unfinished call keeps it alive */
	c->cancel.run = run_cancel;
	if (weft__loop_post(c->loop, &c->cancel) < 0)
		call_unref(c);
}

static struct call *call_make(weft_tool_call *call, const struct weft__openapi_operation *op)
{
	weft_arena *arena;
	struct call *c;

	if (weft_arena_create(0, &arena) < 0)
		return NULL;
	if (op->secret_count)
		weft_arena_wipe_at_end(arena); /* an address with a key, an answer that repeats one */
	c = weft_arena_calloc(arena, sizeof(*c));
	if (c)
		c->body = weft_arena_alloc(arena, (size_t)op->api->options.result_bytes_max + 1);
	if (!c || !c->body) {
		weft_arena_destroy(arena);
		return NULL;
	}
	c->arena = arena;
	weft__refs_init(&c->refs, 1);
	c->call = call;
	c->op = op;
	c->api = weft__openapi_ref(op->api);
	return c;
}

int weft__openapi_call(weft_tool_call *call, void *user)
{
	const struct weft__openapi_operation *op = user;
	struct call *c = call_make(call, op);
	int r;

	if (!c)
		return -ENOMEM;
	r = weft__openapi_request(op, call->arguments, c->arena, &c->request);
	if (r < 0) {
		const char *why = c->request.wrong;

		call_unref(c);
		return why ? weft_tool_fail(call, r, "%s", why) : r;
	}
	c->loop = weft__loop_here();
	if (!c->loop)
		c->loop = call->rt ? weft__loop_any(call->rt) : weft__loop_own();
	(void)weft_tool_on_cancel(call, on_cancel, c);
	c->job.run = run_call;
	if (!c->loop || weft__loop_post(c->loop, &c->job) < 0) {
		call_unref(c);
		return weft_tool_fail(call, -ESHUTDOWN, "the runtime is ending");
	}
	return WEFT_PENDING;
}
