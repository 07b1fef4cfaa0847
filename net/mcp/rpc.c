/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/rpc.c - see rpc.h. Calls under way stand in two places: in a bucket by id, for answers, and
 * in a list by when they are due. Most have the same patience, so a new one belongs at the list's end.
 */
#include "net/mcp/rpc.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/assert.h"

#define CALLS_MAX 1024u
#define NEVER UINT64_MAX

int weft__rpc_init(struct weft__rpc *rpc, const struct weft__rpc_fns *fns)
{
	memset(rpc, 0, sizeof(*rpc));
	rpc->fns = fns;
	return weft_json_writer_create(0, &rpc->writer);
}

void weft__rpc_fini(struct weft__rpc *rpc)
{
	WEFT_ASSERT(!rpc->calls);
	weft_json_writer_destroy(rpc->writer);
	rpc->writer = NULL;
}

static void odd(struct weft__rpc *rpc, const char *what, weft_str text)
{
	if (rpc->fns->odd)
		rpc->fns->odd(rpc, what, text);
}

/* ---- calls under way ------------------------------------------------------------- */

static uint32_t bucket_of(int64_t id)
{
	return (uint32_t)((uint64_t)id % WEFT__RPC_BUCKETS);
}

static struct weft__rpc_call *find(const struct weft__rpc *rpc, int64_t id)
{
	struct weft__rpc_call *call = id > 0 ? rpc->buckets[bucket_of(id)] : NULL;

	while (call && call->id != id)
		call = call->chain;
	return call;
}

static uint64_t after(uint64_t now_ns, uint64_t span_ns)
{
	return span_ns && span_ns < NEVER - now_ns ? now_ns + span_ns : NEVER;
}

static void due_remove(struct weft__rpc *rpc, struct weft__rpc_call *call)
{
	*(call->prev ? &call->prev->next : &rpc->first) = call->next;
	*(call->next ? &call->next->prev : &rpc->last) = call->prev;
	call->next = call->prev = NULL;
}

static void due_place(struct weft__rpc *rpc, struct weft__rpc_call *call, uint64_t due_ns)
{
	struct weft__rpc_call *before = rpc->last;

	call->due_ns = due_ns;
	while (before && before->due_ns > call->due_ns)
		before = before->prev;
	call->prev = before;
	call->next = before ? before->next : rpc->first;
	*(before ? &before->next : &rpc->first) = call;
	*(call->next ? &call->next->prev : &rpc->last) = call;
}

/* Its patience begins now, within what it has in all. */
static void due_insert(struct weft__rpc *rpc, struct weft__rpc_call *call, uint64_t now_ns)
{
	uint64_t due = after(now_ns, call->timeout_ns);

	due_place(rpc, call, due < call->last_ns ? due : call->last_ns);
}

static void add(struct weft__rpc *rpc, struct weft__rpc_call *call, int64_t id, uint64_t now_ns)
{
	struct weft__rpc_call **bucket = &rpc->buckets[bucket_of(id)];

	call->id = id;
	call->chain = *bucket;
	*bucket = call;
	call->last_ns = after(now_ns, call->total_ns);
	due_insert(rpc, call, now_ns);
	rpc->calls++;
}

static void take_out(struct weft__rpc *rpc, struct weft__rpc_call *call)
{
	struct weft__rpc_call **at = &rpc->buckets[bucket_of(call->id)];

	while (*at != call)
		at = &(*at)->chain;
	*at = call->chain;
	due_remove(rpc, call);
	call->chain = NULL;
	call->id = 0;
	rpc->calls--;
}

static void finish(struct weft__rpc *rpc, struct weft__rpc_call *call, const struct weft__rpc_answer *answer)
{
	take_out(rpc, call);
	call->done(call, answer);
}

static void fail(struct weft__rpc *rpc, struct weft__rpc_call *call, int status, weft_str why)
{
	struct weft__rpc_answer answer = { .status = status,
		                           .message = why.len_bytes ? why : weft_str_from(weft_strerror(status)) };

	finish(rpc, call, &answer);
}

/* ---- going out ------------------------------------------------------------------------ */

/* {"jsonrpc":"2.0" and what every message has besides */
static weft_json_writer *begin(struct weft__rpc *rpc)
{
	weft_json_writer_reset(rpc->writer);
	weft_json_begin_object(rpc->writer);
	weft_json_key(rpc->writer, WEFT_STR("jsonrpc"));
	weft_json_put_str(rpc->writer, WEFT_STR("2.0"));
	return rpc->writer;
}

static int send_written(struct weft__rpc *rpc, int64_t id)
{
	weft_str text;
	int r;

	weft_json_end_object(rpc->writer);
	if (rpc->ended)
		return rpc->ended;
	r = weft_json_writer_text(rpc->writer, &text);
	return r < 0 ? r : rpc->fns->send(rpc, text, id);
}

static void begin_params(weft_json_writer *w, weft_str method)
{
	weft_json_key(w, WEFT_STR("method"));
	weft_json_put_str(w, method);
	weft_json_key(w, WEFT_STR("params"));
	weft_json_begin_object(w);
}

weft_json_writer *weft__rpc_open(struct weft__rpc *rpc, struct weft__rpc_call *call, weft_str method)
{
	weft_json_writer *w = begin(rpc);

	WEFT_ASSERT(!rpc->opened);
	rpc->opened = call;
	weft_json_key(w, WEFT_STR("id"));
	weft_json_put_int(w, rpc->last_id + 1);
	begin_params(w, method);
	if (call->progress) {
		weft_json_key(w, WEFT_STR("_meta"));
		weft_json_begin_object(w);
		weft_json_key(w, WEFT_STR("progressToken"));
		weft_json_put_int(w, rpc->last_id + 1);
		weft_json_end_object(w);
	}
	return w;
}

int weft__rpc_commit(struct weft__rpc *rpc, uint64_t now_ns)
{
	struct weft__rpc_call *call = rpc->opened;
	int r;

	WEFT_ASSERT(call);
	rpc->opened = NULL;
	if (call->id)
		return -EALREADY;
	if (rpc->calls >= (rpc->calls_max ? rpc->calls_max : CALLS_MAX))
		return -EAGAIN;
	weft_json_end_object(rpc->writer); /* params */
	add(rpc, call, rpc->last_id + 1, now_ns); /* before it goes: send may have it held */
	r = send_written(rpc, rpc->last_id + 1);
	if (r < 0)
		take_out(rpc, call);
	else
		rpc->last_id++;
	return r;
}

weft_json_writer *weft__rpc_notify_open(struct weft__rpc *rpc, weft_str method)
{
	weft_json_writer *w = begin(rpc);

	begin_params(w, method);
	return w;
}

int weft__rpc_notify_commit(struct weft__rpc *rpc)
{
	weft_json_end_object(rpc->writer); /* params */
	return send_written(rpc, 0);
}

static void put_id(weft_json_writer *w, const struct weft__rpc_id *id)
{
	weft_json_key(w, WEFT_STR("id"));
	if (id->len_bytes)
		weft_json_put_raw(w, (weft_str){ id->json, id->len_bytes });
	else
		weft_json_put_null(w);
}

weft_json_writer *weft__rpc_answer_open(struct weft__rpc *rpc, const struct weft__rpc_id *id)
{
	weft_json_writer *w = begin(rpc);

	put_id(w, id);
	weft_json_key(w, WEFT_STR("result"));
	return w;
}

int weft__rpc_answer_commit(struct weft__rpc *rpc)
{
	return send_written(rpc, 0);
}

int weft__rpc_refuse(struct weft__rpc *rpc, const struct weft__rpc_id *id, int code, weft_str message)
{
	weft_json_writer *w = begin(rpc);

	put_id(w, id);
	weft_json_key(w, WEFT_STR("error"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("code"));
	weft_json_put_int(w, code);
	weft_json_key(w, WEFT_STR("message"));
	weft_json_put_str(w, message);
	weft_json_end_object(w);
	return send_written(rpc, 0);
}

/* The peer need not go on; whether this reaches it does not matter. */
static void call_off(struct weft__rpc *rpc, const struct weft__rpc_call *call, weft_str reason)
{
	weft_json_writer *w;

	if (!call->whole) {
		w = weft__rpc_notify_open(rpc, WEFT_STR("notifications/cancelled"));
		weft_json_key(w, WEFT_STR("requestId"));
		weft_json_put_int(w, call->id);
		if (reason.len_bytes) {
			weft_json_key(w, WEFT_STR("reason"));
			weft_json_put_str(w, reason);
		}
		(void)weft__rpc_notify_commit(rpc);
	}
	if (rpc->fns->forget)
		rpc->fns->forget(rpc, call->id);
}

void weft__rpc_drop(struct weft__rpc *rpc, struct weft__rpc_call *call, weft_str reason)
{
	WEFT_ASSERT(!rpc->opened);
	if (!call->id)
		return;
	call_off(rpc, call, reason);
	take_out(rpc, call);
}

/* ---- coming in ------------------------------------------------------------------------ */

/* A string or a whole number, as JSON. False: neither, or too long to keep. */
static bool id_read(struct weft__rpc *rpc, weft_json v, struct weft__rpc_id *id)
{
	weft_json_type type = weft_json_typeof(v);
	weft_str text;

	id->len_bytes = 0;
	if (type != WEFT_JSON_STRING && type != WEFT_JSON_INT)
		return false;
	weft_json_writer_reset(rpc->writer);
	weft_json_put_value(rpc->writer, v);
	if (weft_json_writer_text(rpc->writer, &text) < 0 || text.len_bytes > sizeof(id->json))
		return false;
	memcpy(id->json, text.ptr, text.len_bytes);
	id->len_bytes = (uint32_t)text.len_bytes;
	return true;
}

static void progressed(struct weft__rpc *rpc, weft_json params, uint64_t now_ns)
{
	struct weft__rpc_call *call;
	double progress = 0, total = 0;
	weft_str message = { 0 };
	int64_t token = 0;

	weft_json_get_int(weft_json_find(params, WEFT_STR("progressToken")), &token);
	call = find(rpc, token);
	if (!call || !call->progress)
		return; /* it may have ended meanwhile */
	weft_json_get_double(weft_json_find(params, WEFT_STR("progress")), &progress);
	weft_json_get_double(weft_json_find(params, WEFT_STR("total")), &total);
	weft_json_get_str(weft_json_find(params, WEFT_STR("message")), &message);
	due_remove(rpc, call);
	due_insert(rpc, call, now_ns);
	call->progress(call, progress, total, message);
}

static void came_request(struct weft__rpc *rpc, weft_json message, weft_str method, weft_json params)
{
	struct weft__rpc_id id;

	if (!id_read(rpc, weft_json_find(message, WEFT_STR("id")), &id)) {
		odd(rpc, "a request whose id is no string, no whole number, or too long", method);
		(void)weft__rpc_refuse(rpc, &id, WEFT__RPC_INVALID_REQUEST, WEFT_STR("the id must be a short string or a whole number"));
		return;
	}
	rpc->fns->asked(rpc, &id, method, params);
}

static void came_method(struct weft__rpc *rpc, weft_json message, weft_str method, uint64_t now_ns)
{
	weft_json params = weft_json_find(message, WEFT_STR("params"));

	if (weft_json_typeof(weft_json_find(message, WEFT_STR("id"))) != WEFT_JSON_NONE)
		came_request(rpc, message, method, params);
	else if (weft_str_eq(method, WEFT_STR("notifications/progress")))
		progressed(rpc, params, now_ns);
	else
		rpc->fns->notified(rpc, method, params);
}

static void came_error(struct weft__rpc *rpc, struct weft__rpc_call *call, weft_json error)
{
	struct weft__rpc_answer answer = { .status = -EREMOTEIO, .data = weft_json_find(error, WEFT_STR("data")) };

	weft_json_get_int(weft_json_find(error, WEFT_STR("code")), &answer.code);
	weft_json_get_str(weft_json_find(error, WEFT_STR("message")), &answer.message);
	if (!answer.message.len_bytes)
		answer.message = WEFT_STR("an error without a message");
	finish(rpc, call, &answer);
}

static void came_answer(struct weft__rpc *rpc, weft_json message, weft_str text)
{
	weft_json result = weft_json_find(message, WEFT_STR("result")), error = weft_json_find(message, WEFT_STR("error"));
	struct weft__rpc_answer answer = { .result = result };
	struct weft__rpc_call *call;
	weft_str why = WEFT_STR("an error of the peer that names no call");
	int64_t id = 0;

	weft_json_get_int(weft_json_find(message, WEFT_STR("id")), &id);
	call = find(rpc, id);
	if (!call && id > 0 && id <= rpc->last_id)
		return; /* it came too late, or twice */
	if (!call) {
		if (weft_json_get_str(weft_json_find(error, WEFT_STR("message")), &why))
			text = why;
		odd(rpc, "an answer that nobody waits for", text);
		return;
	}
	if (weft_json_typeof(error) == WEFT_JSON_OBJECT && weft_json_typeof(result) == WEFT_JSON_NONE)
		came_error(rpc, call, error);
	else if (weft_json_typeof(result) == WEFT_JSON_OBJECT && weft_json_typeof(error) == WEFT_JSON_NONE)
		finish(rpc, call, &answer);
	else
		fail(rpc, call, -EBADMSG, WEFT_STR("the answer has no result and no error, or both"));
}

static void came(struct weft__rpc *rpc, weft_json message, weft_str text, uint64_t now_ns)
{
	struct weft__rpc_id none = { 0 };
	weft_str version, method;

	if (!weft_json_get_str(weft_json_find(message, WEFT_STR("jsonrpc")), &version) ||
	    !weft_str_eq(version, WEFT_STR("2.0"))) {
		odd(rpc, "no JSON-RPC 2.0 message", text);
		return;
	}
	if (weft_json_get_str(weft_json_find(message, WEFT_STR("method")), &method)) {
		came_method(rpc, message, method, now_ns);
	} else if (weft_json_typeof(weft_json_find(message, WEFT_STR("result"))) != WEFT_JSON_NONE ||
	           weft_json_typeof(weft_json_find(message, WEFT_STR("error"))) != WEFT_JSON_NONE) {
		came_answer(rpc, message, text);
	} else {
		odd(rpc, "a message that asks, tells and answers nothing", text);
		(void)weft__rpc_refuse(rpc, &none, WEFT__RPC_INVALID_REQUEST, WEFT_STR("no method, result or error"));
	}
}

static void came_batch(struct weft__rpc *rpc, weft_json batch, weft_str text, uint64_t now_ns)
{
	struct weft__rpc_id none = { 0 };
	weft_json_iter it;

	if (!rpc->batches || !weft_json_count(batch)) {
		odd(rpc, rpc->batches ? "an empty batch" : "a batch, which this version of the protocol does not have", text);
		(void)weft__rpc_refuse(rpc, &none, WEFT__RPC_INVALID_REQUEST, WEFT_STR("no batches here"));
		return;
	}
	for (it = weft_json_iter_begin(batch); !rpc->ended && weft_json_iter_next(&it);)
		came(rpc, it.value, text, now_ns);
}

void weft__rpc_receive(struct weft__rpc *rpc, weft_str text, uint64_t now_ns)
{
	weft_json_doc *doc;

	WEFT_ASSERT(!rpc->opened);
	if (rpc->ended)
		return;
	if (weft_json_parse(text, &doc, NULL) < 0) {
		odd(rpc, "no JSON", text);
		return;
	}
	switch (weft_json_typeof(weft_json_root(doc))) {
	case WEFT_JSON_OBJECT:
		came(rpc, weft_json_root(doc), text, now_ns);
		break;
	case WEFT_JSON_ARRAY:
		came_batch(rpc, weft_json_root(doc), text, now_ns);
		break;
	default:
		odd(rpc, "JSON that is no message", text);
	}
	weft_json_release(doc);
}

void weft__rpc_failed(struct weft__rpc *rpc, int64_t id, int status, weft_str why)
{
	struct weft__rpc_call *call = find(rpc, id);

	if (call)
		fail(rpc, call, status, why);
}

/* ---- time, and the end ------------------------------------------------------------------ */

bool weft__rpc_is_awaited(const struct weft__rpc *rpc, int64_t id)
{
	return find(rpc, id) != NULL;
}

void weft__rpc_hold(struct weft__rpc *rpc, int64_t id, bool held, uint64_t now_ns)
{
	struct weft__rpc_call *call = find(rpc, id);

	if (!call)
		return;
	due_remove(rpc, call);
	if (held) {
		due_place(rpc, call, NEVER);
	} else {
		call->last_ns = after(now_ns, call->total_ns);
		due_insert(rpc, call, now_ns);
	}
}

uint64_t weft__rpc_due(const struct weft__rpc *rpc)
{
	return rpc->first ? rpc->first->due_ns : NEVER;
}

void weft__rpc_tick(struct weft__rpc *rpc, uint64_t now_ns)
{
	struct weft__rpc_call *call;

	while ((call = rpc->first) && call->due_ns <= now_ns) {
		call_off(rpc, call, WEFT_STR("timed out"));
		fail(rpc, call, -ETIMEDOUT, WEFT_STR("no answer in time"));
	}
}

void weft__rpc_end(struct weft__rpc *rpc, int status, weft_str why)
{
	WEFT_ASSERT(status < 0);
	if (!rpc->ended)
		rpc->ended = status;
	while (rpc->first)
		fail(rpc, rpc->first, status, why);
}
