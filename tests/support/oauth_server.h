/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/oauth_server.h - an MCP server that wants authorization, an authorization server, and a third one that nobody shall ask:
 * three origins on 127.0.0.1, over weft's own HTTP server, in one thread.
 *
 * What they do is in struct oauth_world, under its lock; what was asked of them is counted there. Whatever carries a secret to where
 * it does not belong counts as a leak.
 */
#ifndef WEFT_TESTS_SUPPORT_OAUTH_SERVER_H
#define WEFT_TESTS_SUPPORT_OAUTH_SERVER_H

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <weft/json.h>
#include <weft/runtime.h>

#include "net/http/server.h"
#include "net/oauth/pkce.h"
#include "runtime/io/loop.h"

enum { OAUTH_RESOURCE, OAUTH_ISSUER, OAUTH_ELSEWHERE, OAUTH_SITES };

struct oauth_world {
	pthread_mutex_t lock;

	/* what they do */
	bool no_hint;            /* 401 does not say where the metadata is */
	const char *wants;       /* the scope of a 401 */
	const char *tool_wants;  /* the scope of a call; NULL: none */
	bool takes_no_token;     /* 401, whatever is shown */
	bool tells_token;        /* and its words about it say what was shown */
	bool repeats_in_result, repeats_in_error; /* of a call, what was shown */
	bool repeats_the_first;  /* or the first token of all */
	bool is_moved, token_is_moved; /* it redirects to elsewhere; the token endpoint does */
	const char *resource;    /* instead of its own name */
	const char *issuer;      /* instead of its own */
	bool no_pkce, no_registration;
	const char *ways;        /* token_endpoint_auth_methods_supported, as a list */
	int token_status;        /* of the token endpoint; 0: it gives one */
	bool no_refresh, refresh_is_refused;
	uint32_t expires_in;     /* 0: it does not say */

	/* what they know */
	char access[32], refresh[32], scope[128], code[32], challenge[64], client[64];
	uint32_t serial;

	/* what was asked */
	uint32_t looks, registrations, codes, refreshes, machines, calls, refused, elsewhere, leaks;
	char last_form[2048], last_authorization[512];
	uint8_t done[4096]; /* how often the call with the argument n was done */

	pthread_t thread;
	struct weft__loop *loop;
	struct weft__http_server *servers[OAUTH_SITES];
	uint16_t ports[OAUTH_SITES];
	struct weft__job stop;
	uint32_t open;
	pthread_cond_t started;
};

/* ---- small things --------------------------------------------------------------------- */

static inline void oauth_json(struct weft__http_exchange *x, int status, const char *text)
{
	const struct weft__http_field type = { WEFT_STR("Content-Type"), WEFT_STR("application/json") };

	weft__http_respond(x, status, &type, 1, weft_str_from(text));
}

/* A value of a form or a query, decoded; "" when it is missing. to has 512 bytes. */
static inline const char *oauth_param(const char *form, const char *name, char *to)
{
	size_t n = strlen(name), at = 0;
	unsigned hex;

	to[0] = '\0';
	for (const char *p = form; p && *p; p = strpbrk(p, "&?"), p = p ? p + 1 : NULL) {
		if (strncmp(p, name, n) != 0 || p[n] != '=')
			continue;
		for (p += n + 1; *p && *p != '&' && at < 511; p++) {
			if (*p == '%' && sscanf(p + 1, "%2x", &hex) == 1)
				to[at++] = (char)hex, p += 2;
			else
				to[at++] = *p == '+' ? ' ' : *p;
		}
		to[at] = '\0';
		return to;
	}
	return to;
}

/* Where the address of an authorization says that the browser shall come back to: a port of the library's. */
static inline uint16_t oauth_redirect_port(const char *url)
{
	char redirect[512];
	unsigned port = 0;

	oauth_param(url, "redirect_uri", redirect);
	cr_assert_eq(sscanf(redirect, "http://127.0.0.1:%u/callback", &port), 1, "%s", redirect);
	return (uint16_t)port;
}

/* Somebody else on this host holds n connections there, each with the beginning of a request. */
static inline void oauth_crowd(const char *url, int *fds, int n)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(oauth_redirect_port(url)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_geq(fds[i], 0);
		cr_assert_eq(connect(fds[i], (struct sockaddr *)&at, sizeof(at)), 0);
		cr_assert_eq(send(fds[i], "GET /callback?state=", 20, MSG_NOSIGNAL), 20);
	}
}

static inline bool oauth_is(const struct weft__http_exchange *x, const char *path)
{
	return weft_str_eq(x->target, weft_str_from(path));
}

static inline void oauth_url(const struct oauth_world *w, int site, const char *path, char *to, size_t room)
{
	snprintf(to, room, "http://127.0.0.1:%u%s", (unsigned)w->ports[site], path);
}

/* The same, please, at another origin. */
static inline void oauth_move(struct oauth_world *w, struct weft__http_exchange *x)
{
	char place[64];
	struct weft__http_field location = { WEFT_STR("Location"), { 0 } };

	oauth_url(w, OAUTH_ELSEWHERE, "/x", place, sizeof(place));
	location.value = weft_str_from(place);
	weft__http_respond(x, 307, &location, 1, WEFT_STR(""));
}

/* ---- the MCP server ---------------------------------------------------------------------- */

static inline void oauth_challenge(struct oauth_world *w, struct weft__http_exchange *x, int status, const char *scope)
{
	char value[512], hint[128] = "", text[256] = "";
	weft_str shown = weft__http_find(x->fields, x->field_count, WEFT_STR("Authorization"));
	struct weft__http_field field = { WEFT_STR("WWW-Authenticate"), { 0 } };

	if (!w->no_hint)
		snprintf(hint, sizeof(hint), ", resource_metadata=\"http://127.0.0.1:%u/where\"", (unsigned)w->ports[OAUTH_RESOURCE]);
	snprintf(value, sizeof(value), "Bearer realm=\"x\"%s%s%s%s%s", hint, scope ? ", scope=\"" : "", scope ? scope : "", scope ? "\"" : "",
	         status == 403 ? ", error=\"insufficient_scope\"" : "");
	field.value = weft_str_from(value);
	if (w->tells_token)
		snprintf(text, sizeof(text), "{\"error\":{\"message\":\"it knows no '%.*s'\"}}", (int)shown.len_bytes, shown.len_bytes ? shown.ptr : "");
	w->refused++;
	weft__http_respond(x, status, &field, 1, weft_str_from(text));
}

static inline void oauth_metadata_of_resource(struct oauth_world *w, struct weft__http_exchange *x)
{
	char text[512], name[128];

	oauth_url(w, OAUTH_RESOURCE, "/mcp", name, sizeof(name));
	snprintf(text, sizeof(text), "{\"resource\":\"%s\",\"authorization_servers\":[\"http://127.0.0.1:%u\"],\"scopes_supported\":[\"base\"]}",
	         w->resource ? w->resource : name, (unsigned)w->ports[OAUTH_ISSUER]);
	w->looks++;
	oauth_json(x, 200, text);
}

static inline bool oauth_has_scope(const struct oauth_world *w, const char *scope)
{
	return !scope || strstr(w->scope, scope);
}

static inline void oauth_call_done(struct oauth_world *w, weft_json arguments)
{
	int64_t n = -1;

	w->calls++;
	weft_json_get_int(weft_json_find(arguments, WEFT_STR("n")), &n);
	if (n >= 0 && n < (int64_t)sizeof(w->done))
		w->done[n]++;
}

/* It did the call, and is fond of what it was shown. */
static inline bool oauth_repeats(struct oauth_world *w, struct weft__http_exchange *x, int64_t id)
{
	weft_str shown = weft__http_find(x->fields, x->field_count, WEFT_STR("Authorization"));
	char text[512];

	if (!w->repeats_in_result && !w->repeats_in_error)
		return false;
	if (w->repeats_the_first)
		shown = WEFT_STR("Bearer SECRET-access-1");
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lld,%s'%.*s' it was\"}%s", (long long)id,
	         w->repeats_in_result ? "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"" : "\"error\":{\"code\":7,\"message\":\"",
	         WEFT_STR_ARG(shown), w->repeats_in_result ? "]}}" : "}");
	oauth_json(x, 200, text);
	return true;
}

static inline void oauth_mcp_answer(struct oauth_world *w, struct weft__http_exchange *x, weft_json message)
{
	weft_str method = { "", 0 };
	int64_t id = 0;
	char text[512];
	const char *result = "{}";

	weft_json_get_str(weft_json_find(message, WEFT_STR("method")), &method);
	weft_json_get_int(weft_json_find(message, WEFT_STR("id")), &id);
	if (!id) {
		weft__http_respond(x, 202, NULL, 0, WEFT_STR(""));
		return;
	}
	if (weft_str_eq(method, WEFT_STR("initialize")))
		result = "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"w\",\"version\":\"1\"}}";
	else if (weft_str_eq(method, WEFT_STR("tools/list")))
		result = "{\"tools\":[{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}]}";
	else if (weft_str_eq(method, WEFT_STR("tools/call")))
		result = "{\"content\":[{\"type\":\"text\",\"text\":\"well\"}]}";
	if (weft_str_eq(method, WEFT_STR("tools/call")) && !oauth_has_scope(w, w->tool_wants)) {
		oauth_challenge(w, x, 403, w->tool_wants);
		return;
	}
	if (weft_str_eq(method, WEFT_STR("tools/call")))
		oauth_call_done(w, weft_json_find(weft_json_find(message, WEFT_STR("params")), WEFT_STR("arguments")));
	if (weft_str_eq(method, WEFT_STR("tools/call")) && oauth_repeats(w, x, id))
		return;
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":%s}", (long long)id, result);
	oauth_json(x, 200, text);
}

static inline void oauth_mcp(struct oauth_world *w, struct weft__http_exchange *x)
{
	weft_str shown = weft__http_find(x->fields, x->field_count, WEFT_STR("Authorization"));
	char expected[64];
	weft_json_doc *doc = NULL;

	if (w->is_moved) {
		oauth_move(w, x);
		return;
	}
	snprintf(expected, sizeof(expected), "Bearer %s", w->access);
	if (w->takes_no_token || !w->access[0] || !weft_str_eq(shown, weft_str_from(expected))) {
		oauth_challenge(w, x, 401, w->wants);
	} else if (!weft_str_eq(x->method, WEFT_STR("POST")) || weft_json_parse(x->body, &doc, NULL) < 0) {
		weft__http_respond(x, weft_str_eq(x->method, WEFT_STR("DELETE")) ? 200 : 405, NULL, 0, WEFT_STR(""));
	} else {
		oauth_mcp_answer(w, x, weft_json_root(doc));
	}
	weft_json_release(doc);
}

/* ---- the authorization server ------------------------------------------------------------------ */

static inline void oauth_metadata_of_issuer(struct oauth_world *w, struct weft__http_exchange *x)
{
	char text[1024], name[64], registration[128] = "";

	oauth_url(w, OAUTH_ISSUER, "", name, sizeof(name));
	if (!w->no_registration)
		snprintf(registration, sizeof(registration), "\"registration_endpoint\":\"%s/register\",", name);
	snprintf(text, sizeof(text), "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/go\",\"token_endpoint\":\"%s/token\",%s"
	         "\"token_endpoint_auth_methods_supported\":[%s],\"scopes_supported\":[\"offline_access\"]%s}",
	         w->issuer ? w->issuer : name, name, name, registration, w->ways ? w->ways : "\"none\"",
	         w->no_pkce ? "" : ",\"code_challenge_methods_supported\":[\"S256\"]");
	w->looks++;
	oauth_json(x, 200, text);
}

static inline void oauth_give(struct oauth_world *w, struct weft__http_exchange *x)
{
	char text[512], life[32] = "", refresh[64] = "";

	w->serial++;
	snprintf(w->access, sizeof(w->access), "SECRET-access-%u", w->serial);
	snprintf(w->refresh, sizeof(w->refresh), "SECRET-refresh-%u", w->serial);
	if (w->expires_in)
		snprintf(life, sizeof(life), ",\"expires_in\":%u", w->expires_in);
	if (!w->no_refresh)
		snprintf(refresh, sizeof(refresh), ",\"refresh_token\":\"%s\"", w->refresh);
	snprintf(text, sizeof(text), "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"%s%s}", w->access, life, refresh);
	oauth_json(x, 200, text);
}

/* The verifier's hash is what was shown with the question. */
static inline bool oauth_verifies(struct oauth_world *w, const char *form)
{
	char verifier[512], code[512], challenge[WEFT__PKCE_BYTES + 1];

	return !strcmp(oauth_param(form, "code", code), w->code) && w->code[0] &&
	       weft__pkce_challenge(weft_str_from(oauth_param(form, "code_verifier", verifier)), challenge) == 0 && !strcmp(challenge, w->challenge);
}

static inline void oauth_token(struct oauth_world *w, struct weft__http_exchange *x)
{
	weft_str shown = weft__http_find(x->fields, x->field_count, WEFT_STR("Authorization"));
	char grant[512], value[512], resource[64];

	snprintf(w->last_form, sizeof(w->last_form), "%.*s", WEFT_STR_ARG(x->body));
	snprintf(w->last_authorization, sizeof(w->last_authorization), "%.*s", (int)shown.len_bytes, shown.len_bytes ? shown.ptr : "");
	oauth_param(w->last_form, "grant_type", grant);
	oauth_url(w, OAUTH_RESOURCE, "/mcp", resource, sizeof(resource));
	if (w->token_is_moved) {
		oauth_move(w, x);
	} else if (strcmp(oauth_param(w->last_form, "resource", value), resource) != 0) {
		oauth_json(x, 400, "{\"error\":\"invalid_target\"}");
	} else if (w->token_status) {
		oauth_json(x, w->token_status, "{\"error\":\"invalid_client\",\"error_description\":\"SECRET\"}");
	} else if (!strcmp(grant, "authorization_code") && oauth_verifies(w, w->last_form)) {
		w->codes++;
		w->code[0] = '\0';
		oauth_give(w, x);
	} else if (!strcmp(grant, "refresh_token") && !w->refresh_is_refused &&
	           !strcmp(oauth_param(w->last_form, "refresh_token", value), w->refresh)) {
		w->refreshes++;
		oauth_give(w, x);
	} else if (!strcmp(grant, "client_credentials")) {
		w->machines++;
		snprintf(w->scope, sizeof(w->scope), "%s", oauth_param(w->last_form, "scope", value));
		oauth_give(w, x);
	} else {
		oauth_json(x, 400, "{\"error\":\"invalid_grant\"}");
	}
}

static inline void oauth_register(struct oauth_world *w, struct weft__http_exchange *x)
{
	char text[128];

	w->registrations++;
	snprintf(w->client, sizeof(w->client), "client-%u", w->registrations);
	snprintf(text, sizeof(text), "{\"client_id\":\"%s\"}", w->client);
	oauth_json(x, 201, text);
}

/* ---- all three --------------------------------------------------------------------------------------- */

static inline bool oauth_has(weft_str text, const char *part)
{
	return text.len_bytes && memmem(text.ptr, text.len_bytes, part, strlen(part));
}

static inline void oauth_look_for_leaks(struct oauth_world *w, const struct weft__http_exchange *x, int site)
{
	weft_str shown = weft__http_find(x->fields, x->field_count, WEFT_STR("Authorization"));

	w->leaks += oauth_has(x->target, "SECRET");
	w->leaks += site != OAUTH_RESOURCE && oauth_has(shown, "SECRET-access");
	w->leaks += site != OAUTH_ISSUER && (oauth_has(x->body, "SECRET") || oauth_has(shown, "SECRET-refresh") || oauth_has(shown, "Basic"));
	w->leaks += site == OAUTH_ISSUER && (oauth_has(x->body, "SECRET-access") || oauth_has(x->body, "SECRET-of-another"));
}

static inline void oauth_site(struct oauth_world *w, struct weft__http_exchange *x, int site)
{
	oauth_look_for_leaks(w, x, site);
	if (site == OAUTH_ELSEWHERE) {
		w->elsewhere++;
		oauth_json(x, 404, "{}");
	} else if (oauth_is(x, "/mcp") && site == OAUTH_RESOURCE) {
		oauth_mcp(w, x);
	} else if ((oauth_is(x, "/where") || oauth_is(x, "/.well-known/oauth-protected-resource")) && site == OAUTH_RESOURCE) {
		oauth_metadata_of_resource(w, x);
	} else if (oauth_is(x, "/.well-known/openid-configuration") && site == OAUTH_ISSUER) {
		oauth_metadata_of_issuer(w, x);
	} else if (oauth_is(x, "/token") && site == OAUTH_ISSUER) {
		oauth_token(w, x);
	} else if (oauth_is(x, "/register") && site == OAUTH_ISSUER) {
		oauth_register(w, x);
	} else {
		oauth_json(x, 404, "{}");
	}
}

static inline void oauth_locked(struct oauth_world *w, struct weft__http_exchange *x, int site)
{
	pthread_mutex_lock(&w->lock);
	oauth_site(w, x, site);
	pthread_mutex_unlock(&w->lock);
}

static inline void oauth_on_resource(struct weft__http_exchange *x, void *user)
{
	oauth_locked(user, x, OAUTH_RESOURCE);
}

static inline void oauth_on_issuer(struct weft__http_exchange *x, void *user)
{
	oauth_locked(user, x, OAUTH_ISSUER);
}

static inline void oauth_on_elsewhere(struct weft__http_exchange *x, void *user)
{
	oauth_locked(user, x, OAUTH_ELSEWHERE);
}

static inline void oauth_on_closed(const struct weft__http_server_stats *stats, void *user)
{
	(void)stats;
	((struct oauth_world *)user)->open--;
}

static inline void oauth_listen(struct oauth_world *w)
{
	static void (*const handlers[OAUTH_SITES])(struct weft__http_exchange *, void *) = { oauth_on_resource, oauth_on_issuer,
		                                                                             oauth_on_elsewhere };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < OAUTH_SITES; i++) {
		struct weft__http_server_options options = { .address = (struct sockaddr *)&address,
			                                     .address_len = sizeof(address),
			                                     .request = handlers[i],
			                                     .closed = oauth_on_closed,
			                                     .user = w };

		cr_assert_eq(weft__http_server_open(w->loop, &options, &w->servers[i], NULL), 0);
		w->ports[i] = weft__http_server_port(w->servers[i]);
		w->open++;
	}
}

static inline void oauth_stop(struct weft__job *job)
{
	struct oauth_world *w = (struct oauth_world *)((char *)job - offsetof(struct oauth_world, stop));

	for (int i = 0; i < OAUTH_SITES; i++)
		weft__http_server_close(w->servers[i], true);
}

static inline void *oauth_thread(void *arg)
{
	struct oauth_world *w = arg;

	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &w->loop, NULL), 0);
	pthread_mutex_lock(&w->lock);
	oauth_listen(w);
	pthread_cond_signal(&w->started);
	pthread_mutex_unlock(&w->lock);
	while (w->open)
		weft__loop_wait(w->loop, UINT64_MAX);
	weft__loop_retire(w->loop);
	return NULL;
}

/* Zeroed but for what they do. */
static inline void oauth_world_begin(struct oauth_world *w)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->started, NULL);
	pthread_mutex_lock(&w->lock);
	cr_assert_eq(pthread_create(&w->thread, NULL, oauth_thread, w), 0);
	while (!w->ports[OAUTH_SITES - 1])
		pthread_cond_wait(&w->started, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static inline void oauth_world_end(struct oauth_world *w)
{
	w->stop.run = oauth_stop;
	cr_assert_eq(weft__loop_post(w->loop, &w->stop), 0);
	pthread_join(w->thread, NULL);
	weft__loop_close(w->loop);
	pthread_cond_destroy(&w->started);
	pthread_mutex_destroy(&w->lock);
}

/* A person who agrees: the code that the browser brings back. to has 128 bytes. */
static inline void oauth_agree(struct oauth_world *w, const char *url, char *to)
{
	char value[512];

	pthread_mutex_lock(&w->lock);
	snprintf(w->code, sizeof(w->code), "SECRET-code-%u", w->serial + 1);
	snprintf(w->challenge, sizeof(w->challenge), "%.63s", oauth_param(url, "code_challenge", value));
	snprintf(w->scope, sizeof(w->scope), "%.127s", oauth_param(url, "scope", value));
	snprintf(to, 128, "?code=%s&state=%s", w->code, oauth_param(url, "state", value));
	pthread_mutex_unlock(&w->lock);
}

#endif
