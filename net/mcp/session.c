/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/session.c - see session.h: the handshake, and both directions after it. */
#include "net/mcp/session.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/runtime.h>

#include "net/mcp/elicit.h"
#include "runtime/base/assert.h"

#define ASKED_MAX 16u
#define TEXT_BYTES_MAX (64u << 10) /* of what the server says about itself */

enum { NEW, GREETING, READY, OVER };

/* The newest first: it is what we ask for. */
static const char *const versions[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" };

static struct weft__mcp_session *of_rpc(struct weft__rpc *rpc)
{
	return (struct weft__mcp_session *)rpc; /* its first member */
}

static struct weft__mcp_session *of_hello(struct weft__rpc_call *hello)
{
	return (struct weft__mcp_session *)((char *)hello - offsetof(struct weft__mcp_session, hello));
}

/* ---- the server's questions ------------------------------------------------------------- */

static void asked_free(struct weft__mcp_asked *asked)
{
	struct weft__mcp_session *s = asked->session;
	struct weft__mcp_asked **at = &s->asked;

	while (*at != asked)
		at = &(*at)->next;
	*at = asked->next;
	s->asked_count--;
	weft_json_release(asked->doc);
	weft_free(asked);
}

static void asked_gone(struct weft__mcp_asked *asked)
{
	asked->session->fns->gone(asked->session, asked);
	asked_free(asked);
}

/* A document of its own: the message's goes when it has been looked at. */
static int params_keep(struct weft__mcp_asked *asked, weft_json params)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_put_value(w, params);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_json_parse(text, &asked->doc, NULL);
	weft_json_writer_destroy(w);
	if (r == 0)
		asked->params = weft_json_root(asked->doc);
	return r;
}

static struct weft__mcp_asked *asked_make(struct weft__mcp_session *s, const struct weft__rpc_id *id, weft_json params)
{
	struct weft__mcp_asked *asked = weft_calloc(1, sizeof(*asked));

	if (!asked)
		return NULL;
	if (params_keep(asked, params) < 0) {
		weft_free(asked);
		return NULL;
	}
	asked->session = s;
	asked->id = *id;
	asked->next = s->asked;
	s->asked = asked;
	s->asked_count++;
	return asked;
}

static void ask_owner(struct weft__mcp_session *s, const struct weft__rpc_id *id, weft_str method, weft_json params)
{
	struct weft__mcp_asked *asked;

	if (s->asked_count >= (s->config->asked_max ? s->config->asked_max : ASKED_MAX)) {
		(void)weft__rpc_refuse(&s->rpc, id, WEFT__RPC_INTERNAL, WEFT_STR("too many requests wait for an answer here"));
		return;
	}
	if (weft_json_typeof(params) != WEFT_JSON_OBJECT) {
		(void)weft__rpc_refuse(&s->rpc, id, WEFT__RPC_INVALID_PARAMS, WEFT_STR("params must be an object"));
		return;
	}
	asked = asked_make(s, id, params);
	if (!asked) {
		(void)weft__rpc_refuse(&s->rpc, id, WEFT__RPC_INTERNAL, WEFT_STR("out of memory"));
		return;
	}
	asked->method = weft_str_eq(method, WEFT_STR("elicitation/create")) ? WEFT_STR("elicitation/create") :
	                                                                      WEFT_STR("sampling/createMessage");
	s->fns->asked(s, asked);
}

static void answer_roots(struct weft__mcp_session *s, const struct weft__rpc_id *id)
{
	weft_json_writer *w = weft__rpc_answer_open(&s->rpc, id);

	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("roots"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < s->config->root_count; i++) {
		weft_json_begin_object(w);
		weft_json_key(w, WEFT_STR("uri"));
		weft_json_put_str(w, weft_str_from(s->config->roots[i]));
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
	weft_json_end_object(w);
	(void)weft__rpc_answer_commit(&s->rpc);
}

static void answer_ping(struct weft__mcp_session *s, const struct weft__rpc_id *id)
{
	weft_json_writer *w = weft__rpc_answer_open(&s->rpc, id);

	weft_json_begin_object(w);
	weft_json_end_object(w);
	(void)weft__rpc_answer_commit(&s->rpc);
}

/* An elicitation may want a form, or (2025-11-25) that somebody opens an address: only the form is offered. */
static bool wants_form(weft_json params)
{
	weft_str mode;

	return !weft_json_get_str(weft_json_find(params, WEFT_STR("mode")), &mode) || weft_str_eq(mode, WEFT_STR("form"));
}

static void on_asked(struct weft__rpc *rpc, const struct weft__rpc_id *id, weft_str method, weft_json params)
{
	struct weft__mcp_session *s = of_rpc(rpc);

	if (weft_str_eq(method, WEFT_STR("ping"))) {
		answer_ping(s, id);
	} else if (weft_str_eq(method, WEFT_STR("roots/list")) && s->config->roots) {
		answer_roots(s, id);
	} else if (weft_str_eq(method, WEFT_STR("sampling/createMessage")) && s->config->sampling) {
		ask_owner(s, id, method, params);
	} else if (weft_str_eq(method, WEFT_STR("elicitation/create")) && s->config->elicitation) {
		if (wants_form(params))
			ask_owner(s, id, method, params);
		else
			(void)weft__rpc_refuse(rpc, id, WEFT__RPC_INVALID_PARAMS, WEFT_STR("only forms are offered"));
	} else {
		(void)weft__rpc_refuse(rpc, id, WEFT__RPC_NO_METHOD, WEFT_STR("no such method here"));
	}
}

int weft__mcp_answer(struct weft__mcp_asked *asked, weft_json result, weft_error *err)
{
	struct weft__mcp_session *s = asked->session;
	weft_json_writer *w;
	int r;

	if (weft_json_typeof(result) != WEFT_JSON_OBJECT)
		return weft_error_set(err, -EINVAL, "the answer must be an object");
	if (weft_str_eq(asked->method, WEFT_STR("elicitation/create"))) {
		r = weft__mcp_elicit_check(asked->params, result, err);
		if (r < 0)
			return r;
		w = weft__rpc_answer_open(&s->rpc, &asked->id);
		weft__mcp_elicit_put(w, asked->params, result);
	} else {
		w = weft__rpc_answer_open(&s->rpc, &asked->id);
		weft_json_put_value(w, result);
	}
	(void)weft__rpc_answer_commit(&s->rpc); /* what cannot be sent is the transport's trouble */
	asked_free(asked);
	return 0;
}

void weft__mcp_refuse(struct weft__mcp_asked *asked, int code, weft_str message)
{
	(void)weft__rpc_refuse(&asked->session->rpc, &asked->id, code, message);
	asked_free(asked);
}

/* ---- what it tells ------------------------------------------------------------------------ */

/* The server lets go of a question of its own. Ids are compared as they are written. */
static void asked_cancelled(struct weft__mcp_session *s, weft_json params)
{
	weft_json id = weft_json_find(params, WEFT_STR("requestId"));
	struct weft__mcp_asked *asked;
	char number[24];
	weft_str text;
	int64_t n;

	for (asked = s->asked; asked; asked = asked->next) {
		weft_str written = { asked->id.json, asked->id.len_bytes };

		if (weft_json_get_str(id, &text) && written.len_bytes == text.len_bytes + 2 && written.ptr[0] == '"' &&
		    !memcmp(written.ptr + 1, text.ptr, text.len_bytes))
			break;
		if (weft_json_get_int(id, &n)) {
			int len = snprintf(number, sizeof(number), "%lld", (long long)n);

			if (weft_str_eq(written, (weft_str){ number, (size_t)len }))
				break;
		}
	}
	if (asked)
		asked_gone(asked);
}

static void logged(struct weft__mcp_session *s, weft_json params)
{
	weft_json data = weft_json_find(params, WEFT_STR("data"));
	weft_str level = WEFT_STR("info"), logger = { 0 }, text = { 0 };
	weft_json_writer *w = NULL;

	weft_json_get_str(weft_json_find(params, WEFT_STR("level")), &level);
	weft_json_get_str(weft_json_find(params, WEFT_STR("logger")), &logger);
	if (!weft_json_get_str(data, &text) && weft_json_typeof(data) != WEFT_JSON_NONE &&
	    weft_json_writer_create(0, &w) == 0) {
		weft_json_put_value(w, data);
		(void)weft_json_writer_text(w, &text);
	}
	s->fns->logged(s, level, logger, text);
	weft_json_writer_destroy(w);
}

static void on_notified(struct weft__rpc *rpc, weft_str method, weft_json params)
{
	struct weft__mcp_session *s = of_rpc(rpc);
	weft_str uri;

	if (weft_str_eq(method, WEFT_STR("notifications/cancelled")))
		asked_cancelled(s, params);
	else if (weft_str_eq(method, WEFT_STR("notifications/message")))
		logged(s, params);
	else if (s->state != READY)
		s->fns->odd(s, "a notification before the handshake", method);
	else if (weft_str_eq(method, WEFT_STR("notifications/tools/list_changed")))
		s->fns->changed(s, WEFT__MCP_LIST_TOOLS);
	else if (weft_str_eq(method, WEFT_STR("notifications/resources/list_changed")))
		s->fns->changed(s, WEFT__MCP_LIST_RESOURCES);
	else if (weft_str_eq(method, WEFT_STR("notifications/prompts/list_changed")))
		s->fns->changed(s, WEFT__MCP_LIST_PROMPTS);
	else if (weft_str_eq(method, WEFT_STR("notifications/resources/updated")) &&
	         weft_json_get_str(weft_json_find(params, WEFT_STR("uri")), &uri))
		s->fns->updated(s, uri);
	/* others are of no use here: newer versions may have more */
}

/* ---- the handshake -------------------------------------------------------------------------- */

static uint32_t has(weft_json capabilities, weft_str name, uint32_t bit)
{
	return weft_json_typeof(weft_json_find(capabilities, name)) == WEFT_JSON_OBJECT ? bit : 0;
}

static uint32_t says(weft_json capabilities, weft_str name, weft_str member, uint32_t bit)
{
	bool yes = false;

	weft_json_get_bool(weft_json_find(weft_json_find(capabilities, name), member), &yes);
	return yes ? bit : 0;
}

static uint32_t capabilities_read(weft_json c)
{
	return has(c, WEFT_STR("tools"), WEFT__MCP_TOOLS) | has(c, WEFT_STR("resources"), WEFT__MCP_RESOURCES) |
	       has(c, WEFT_STR("prompts"), WEFT__MCP_PROMPTS) | has(c, WEFT_STR("logging"), WEFT__MCP_LOGGING) |
	       has(c, WEFT_STR("completions"), WEFT__MCP_COMPLETIONS) |
	       says(c, WEFT_STR("tools"), WEFT_STR("listChanged"), WEFT__MCP_TOOLS_CHANGE) |
	       says(c, WEFT_STR("resources"), WEFT_STR("listChanged"), WEFT__MCP_RESOURCES_CHANGE) |
	       says(c, WEFT_STR("resources"), WEFT_STR("subscribe"), WEFT__MCP_SUBSCRIBE) |
	       says(c, WEFT_STR("prompts"), WEFT_STR("listChanged"), WEFT__MCP_PROMPTS_CHANGE);
}

static char *text_keep(weft_json object, weft_str key)
{
	weft_str text = { 0 };

	if (!weft_json_get_str(weft_json_find(object, key), &text))
		return NULL;
	return weft_strndup(text.ptr, text.len_bytes < TEXT_BYTES_MAX ? text.len_bytes : TEXT_BYTES_MAX);
}

static const char *version_known(weft_json result)
{
	weft_str asked = { 0 };

	weft_json_get_str(weft_json_find(result, WEFT_STR("protocolVersion")), &asked);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (weft_str_eq(asked, weft_str_from(versions[i])))
			return versions[i];
	}
	return NULL;
}

static void level_done(struct weft__rpc_call *call, const struct weft__rpc_answer *answer)
{
	(void)call; /* a server that logs as it likes does no harm */
	(void)answer;
}

static void level_set(struct weft__mcp_session *s)
{
	weft_json_writer *w;

	if (!s->config->log_level || !(s->capabilities & WEFT__MCP_LOGGING))
		return;
	s->level.done = level_done;
	s->level.timeout_ns = s->config->greet_ns;
	w = weft__rpc_open(&s->rpc, &s->level, WEFT_STR("logging/setLevel"));
	weft_json_key(w, WEFT_STR("level"));
	weft_json_put_str(w, weft_str_from(s->config->log_level));
	(void)weft__rpc_commit(&s->rpc, weft_now_ns());
}

static void over(struct weft__mcp_session *s, int status, weft_str why)
{
	s->state = OVER;
	s->fns->ready(s, status, why);
}

static void greeted(struct weft__mcp_session *s, weft_json result)
{
	weft_json info = weft_json_find(result, WEFT_STR("serverInfo"));
	int r;

	s->version = version_known(result);
	if (!s->version) {
		over(s, -EPROTO, WEFT_STR("the server speaks no version of the protocol that is known here"));
		return;
	}
	s->capabilities = capabilities_read(weft_json_find(result, WEFT_STR("capabilities")));
	s->server_name = text_keep(info, WEFT_STR("name"));
	s->server_version = text_keep(info, WEFT_STR("version"));
	s->instructions = text_keep(result, WEFT_STR("instructions"));
	s->rpc.batches = strcmp(s->version, "2025-06-18") < 0; /* that version took them out again */
	if (s->transport->greeted)
		s->transport->greeted(s->transport, s->version);
	(void)weft__rpc_notify_open(&s->rpc, WEFT_STR("notifications/initialized"));
	r = weft__rpc_notify_commit(&s->rpc);
	if (r < 0) {
		over(s, r, WEFT_STR("the handshake could not be ended"));
		return;
	}
	s->state = READY;
	level_set(s);
	s->fns->ready(s, 0, (weft_str){ 0 });
}

static void hello_done(struct weft__rpc_call *hello, const struct weft__rpc_answer *answer)
{
	struct weft__mcp_session *s = of_hello(hello);

	if (answer->status == 0)
		greeted(s, answer->result);
	else
		over(s, answer->status, answer->message);
}

static void offer(weft_json_writer *w, bool yes, weft_str what)
{
	if (!yes)
		return;
	weft_json_key(w, what);
	weft_json_begin_object(w);
	weft_json_end_object(w);
}

int weft__mcp_start(struct weft__mcp_session *s)
{
	weft_json_writer *w;
	int r;

	WEFT_ASSERT(s->state == NEW);
	s->hello = (struct weft__rpc_call){ .done = hello_done, .timeout_ns = s->config->greet_ns, .whole = true };
	w = weft__rpc_open(&s->rpc, &s->hello, WEFT_STR("initialize"));
	weft_json_key(w, WEFT_STR("protocolVersion"));
	weft_json_put_str(w, weft_str_from(versions[0]));
	weft_json_key(w, WEFT_STR("capabilities"));
	weft_json_begin_object(w);
	offer(w, s->config->roots != NULL, WEFT_STR("roots"));
	offer(w, s->config->sampling, WEFT_STR("sampling"));
	offer(w, s->config->elicitation, WEFT_STR("elicitation"));
	weft_json_end_object(w);
	weft_json_key(w, WEFT_STR("clientInfo"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("name"));
	weft_json_put_str(w, weft_str_from(s->config->client_name));
	weft_json_key(w, WEFT_STR("version"));
	weft_json_put_str(w, weft_str_from(s->config->client_version));
	weft_json_end_object(w);
	r = weft__rpc_commit(&s->rpc, weft_now_ns());
	s->state = r < 0 ? OVER : GREETING;
	return r;
}

/* ---- the frame ---------------------------------------------------------------------------- */

static int on_send(struct weft__rpc *rpc, weft_str text, int64_t id)
{
	struct weft__mcp_transport *t = of_rpc(rpc)->transport;

	return t->send(t, text, id);
}

static void on_forget(struct weft__rpc *rpc, int64_t id)
{
	struct weft__mcp_transport *t = of_rpc(rpc)->transport;

	if (t->forget)
		t->forget(t, id);
}

static void on_odd(struct weft__rpc *rpc, const char *what, weft_str text)
{
	struct weft__mcp_session *s = of_rpc(rpc);

	s->fns->odd(s, what, text);
}

static const struct weft__rpc_fns rpc_fns = { .send = on_send,
	                                      .forget = on_forget,
	                                      .asked = on_asked,
	                                      .notified = on_notified,
	                                      .odd = on_odd };

int weft__mcp_init(struct weft__mcp_session *s, const struct weft__mcp_session_fns *fns,
                   const struct weft__mcp_config *config, struct weft__mcp_transport *transport)
{
	memset(s, 0, sizeof(*s));
	s->fns = fns;
	s->config = config;
	s->transport = transport;
	if (weft__rpc_init(&s->rpc, &rpc_fns) < 0)
		return -ENOMEM;
	s->rpc.calls_max = config->calls_max;
	s->rpc.batches = true; /* until the version is known */
	return 0;
}

void weft__mcp_fini(struct weft__mcp_session *s)
{
	weft__rpc_fini(&s->rpc);
	weft_free(s->server_name);
	weft_free(s->server_version);
	weft_free(s->instructions);
}

bool weft__mcp_is_ready(const struct weft__mcp_session *s)
{
	return s->state == READY;
}

void weft__mcp_received(struct weft__mcp_session *s, weft_str text)
{
	weft__rpc_receive(&s->rpc, text, weft_now_ns());
}

void weft__mcp_failed(struct weft__mcp_session *s, int64_t id, int status, weft_str why)
{
	weft__rpc_failed(&s->rpc, id, status, why);
}

void weft__mcp_lost(struct weft__mcp_session *s, int status, weft_str why)
{
	if (s->state == READY)
		s->state = OVER;
	weft__rpc_end(&s->rpc, status, why);
	s->state = OVER;
	while (s->asked)
		asked_gone(s->asked);
}

void weft__mcp_held(struct weft__mcp_session *s, int64_t id, bool held)
{
	weft__rpc_hold(&s->rpc, id, held, weft_now_ns());
}

bool weft__mcp_is_awaited(const struct weft__mcp_session *s, int64_t id)
{
	return weft__rpc_is_awaited(&s->rpc, id);
}

uint64_t weft__mcp_due(const struct weft__mcp_session *s)
{
	return weft__rpc_due(&s->rpc);
}

void weft__mcp_tick(struct weft__mcp_session *s)
{
	weft__rpc_tick(&s->rpc, weft_now_ns());
}

weft_json_writer *weft__mcp_open(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str method)
{
	return weft__rpc_open(&s->rpc, call, method);
}

int weft__mcp_commit(struct weft__mcp_session *s)
{
	if (s->state != READY) {
		s->rpc.opened = NULL;
		return -ENOTCONN;
	}
	return weft__rpc_commit(&s->rpc, weft_now_ns());
}

int weft__mcp_call_tool(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str name, weft_json arguments)
{
	weft_json_writer *w = weft__mcp_open(s, call, WEFT_STR("tools/call"));

	weft_json_key(w, WEFT_STR("name"));
	weft_json_put_str(w, name);
	if (weft_json_typeof(arguments) == WEFT_JSON_OBJECT) {
		weft_json_key(w, WEFT_STR("arguments"));
		weft_json_put_value(w, arguments);
	}
	return weft__mcp_commit(s);
}

void weft__mcp_drop(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str reason)
{
	weft__rpc_drop(&s->rpc, call, reason);
}
