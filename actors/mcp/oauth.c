/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/oauth.c - the authorization of a client, as its host has it: options checked and copied, hooks,
 * and the host's answers brought to the loop.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "actors/mcp/client.h"
#include "net/oauth/oauth.h"
#include "net/oauth/place.h"
#include "net/tls/tls.h"

#define SECOND_NS UINT64_C(1000000000)
#define TEXT_BYTES_MAX 2048u
#define REDIRECT_BYTES_MAX (16u << 10)

struct weft__mcp_grant {
	struct weft__oauth oauth;    /* first; the loop's thread once it is open */
	weft_mcp *client;            /* whose it is */
	weft_mcp_oauth hooks;        /* strings: not to be looked at */
	struct weft__oauth_key *key; /* owned */
	struct weft__secret saved;   /* what the host had kept */
	void (*closed)(weft_mcp *m);
	bool opened;
};

static struct weft__mcp_grant *of_oauth(struct weft__oauth *o)
{
	return (struct weft__mcp_grant *)o; /* its first member */
}

/* ---- hooks -------------------------------------------------------------------------- */

static void on_open(struct weft__oauth *o, const char *url)
{
	struct weft__mcp_grant *g = of_oauth(o);

	weft__mcp_log(g->client, WEFT_LOG_INFO, "waits for a person to authorize it", (weft_str){0});
	g->hooks.open(g->client, url, g->hooks.user);
}

static void on_gone(struct weft__oauth *o)
{
	struct weft__mcp_grant *g = of_oauth(o);

	if (g->hooks.over)
		g->hooks.over(g->client, g->hooks.user);
}

static void on_save(struct weft__oauth *o, const char *text)
{
	struct weft__mcp_grant *g = of_oauth(o);

	if (g->hooks.save)
		g->hooks.save(g->client, o->options.server.ptr, text, g->hooks.user);
}

static void on_say(struct weft__oauth *o, const char *what, weft_str about)
{
	weft__mcp_log(of_oauth(o)->client, WEFT_LOG_INFO, what, about);
}

static void on_closed(struct weft__oauth *o)
{
	struct weft__mcp_grant *g = of_oauth(o);

	g->closed(g->client);
}

static const struct weft__oauth_fns with_person = {.open = on_open,
                                                   .gone = on_gone,
                                                   .save = on_save,
                                                   .say = on_say,
                                                   .closed = on_closed};
static const struct weft__oauth_fns without_person = {.save = on_save, .say = on_say, .closed = on_closed};

/* ---- options --------------------------------------------------------------------------- */

static int wrong(const weft_mcp_options *opt, weft_error *err, const char *what)
{
	return weft_error_set(err, -EINVAL, "MCP server '%s': oauth: %s", opt->name, what);
}

static bool is_too_long(const char *text)
{
	return text && strlen(text) > TEXT_BYTES_MAX;
}

static bool is_machine(const weft_mcp_oauth *a)
{
	return a->flags & WEFT_MCP_OAUTH_MACHINE;
}

/* An address to come back to: https, or this host. */
static bool may_come_back_to(const char *uri)
{
	return weft__oauth_allowed(weft_str_from(uri), true, "", NULL) == 0;
}

static int check_client(const weft_mcp_options *opt, const weft_mcp_oauth *a, weft_error *err)
{
	if (is_too_long(a->client_id) || is_too_long(a->client_secret) || is_too_long(a->client_key_id) ||
	    is_too_long(a->client_document) || is_too_long(a->client_name) || is_too_long(a->issuer) ||
	    is_too_long(a->redirect_uri))
		return wrong(opt, err, "a string is longer than 2,048 bytes");
	if ((a->client_secret || a->client_key) && !a->client_id)
		return wrong(opt, err, "a secret or a key needs a client_id");
	if (a->client_secret && a->client_key)
		return wrong(opt, err, "a secret or a key, not both");
	if (is_machine(a) && !a->client_secret && !a->client_key)
		return wrong(opt, err, "a machine needs a client_id, and a secret or a key");
	if (a->client_document && strncmp(a->client_document, "https://", 8))
		return wrong(opt, err, "client_document must be an https address");
	return 0;
}

static bool has_authorization(const weft_mcp_options *opt)
{
	for (size_t i = 0; opt->headers && opt->headers[i]; i++) {
		if (!strncasecmp(opt->headers[i], "Authorization:", 14))
			return true;
	}
	return false;
}

static bool may_have_tokens(const char *url)
{
	return weft__oauth_allowed(weft_str_from(url), weft__oauth_is_loopback(weft_str_from(url)), "",
	                           NULL) == 0;
}

bool weft__mcp_oauth_fits(const weft_mcp_options *opt)
{
	return weft__tls_available() && opt->url && may_have_tokens(opt->url) && !has_authorization(opt);
}

static int check(const weft_mcp_options *opt, const weft_mcp_oauth *a, weft_error *err)
{
	bool has_scope = a->scope && *a->scope;

	if (a->size != sizeof(*a))
		return wrong(opt, err, "its size is not that of WEFT_MCP_OAUTH_INIT");
	if (!weft__tls_available())
		return weft_error_set(err, -EPROTONOSUPPORT, "MCP server '%s': oauth: this build has no TLS",
		                      opt->name);
	if (has_authorization(opt))
		return wrong(opt, err, "there is an Authorization header already");
	if (has_scope && (strlen(a->scope) >= WEFT__OAUTH_SCOPE_BYTES_MAX ||
	                  !weft__oauth_scope_is_valid(weft_str_from(a->scope))))
		return wrong(opt, err, "scope must be words with one blank between");
	if (a->redirect_uri && !may_come_back_to(a->redirect_uri))
		return wrong(opt, err, "redirect_uri must be https, or http on this host");
	if (!may_have_tokens(opt->url))
		return wrong(opt, err, "tokens go to https addresses, or to http on this host");
	return check_client(opt, a, err);
}

static bool copy(weft_arena *arena, const char *text, weft_str *ret)
{
	*ret = weft_arena_dup(arena, weft_str_from(text));
	return ret->ptr || !text;
}

static int strings_take(weft_mcp *m, struct weft__oauth_options *to, const weft_mcp_oauth *a)
{
	return copy(m->arena, a->client_id, &to->client_id) &&
	                       copy(m->arena, a->client_secret, &to->client_secret) &&
	                       copy(m->arena, a->client_document, &to->client_document) &&
	                       copy(m->arena, a->client_name ? a->client_name : "weft", &to->client_name) &&
	                       copy(m->arena, a->redirect_uri, &to->redirect) &&
	                       copy(m->arena, a->scope, &to->scope) &&
	                       copy(m->arena, a->issuer, &to->issuer) &&
	                       copy(m->arena, a->client_key_id, &to->key_id)
	               ? 0
	               : -ENOMEM;
}

/* What the host kept: a failure to get it is as if there were nothing. */
static int saved_take(struct weft__mcp_grant *g, const char *url)
{
	weft_arena *arena;
	weft_str text = {0};

	if (!g->hooks.load || is_machine(&g->hooks))
		return 0;
	if (weft_arena_create(0, &arena) < 0)
		return -ENOMEM;
	if (g->hooks.load(url, arena, &text, g->hooks.user) == 0 && text.len_bytes &&
	    text.len_bytes <= WEFT__OAUTH_GRANT_BYTES_MAX) {
		weft__secret_put(&g->saved, text);
		explicit_bzero((char *)(uintptr_t)text.ptr, text.len_bytes);
	}
	weft_arena_destroy(arena);
	return g->saved.failed ? -ENOMEM : 0;
}

static void options_fill(struct weft__mcp_grant *g, const struct weft__mcp_http_options *http)
{
	struct weft__oauth_options *to = &g->oauth.options;
	uint32_t flags = g->hooks.flags;

	to->server = http->url;
	to->ca_file = http->ca_file;
	to->proxy = http->proxy;
	to->key = g->key;
	to->machine = flags & WEFT_MCP_OAUTH_MACHINE;
	to->never_registers = flags & WEFT_MCP_OAUTH_NO_REGISTRATION;
	to->old_servers = flags & WEFT_MCP_OAUTH_OLD_SERVERS;
	to->public_only = flags & WEFT_MCP_OAUTH_PUBLIC_ONLY;
	to->person_ns = g->hooks.person_ns ? g->hooks.person_ns : 300 * SECOND_NS;
	to->step_ns = 30 * SECOND_NS;
	to->again_ns = 30 * SECOND_NS;
	g->oauth.fns = g->hooks.open && !to->machine ? &with_person : &without_person;
}

int weft__mcp_oauth_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err)
{
	struct weft__mcp_http_options *http = &m->engine.options.http;
	const weft_mcp_oauth *a = opt->oauth;
	struct weft__mcp_grant *g;
	int r;

	if (!a)
		return 0;
	r = check(opt, a, err);
	if (r < 0)
		return r;
	g = m->grant = weft_calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->client = m;
	g->hooks = *a;
	r = strings_take(m, &g->oauth.options, a);
	if (r == 0 && a->client_key)
		r = weft__oauth_key_read(weft_str_from(a->client_key), &g->key, err);
	if (r == 0)
		r = saved_take(g, http->url.ptr);
	if (r < 0)
		return r;
	options_fill(g, http);
	http->oauth = &g->oauth;
	return 0;
}

void weft__mcp_oauth_free(weft_mcp *m)
{
	struct weft__mcp_grant *g = m->grant;

	if (!g)
		return;
	if (g->oauth.options.client_secret.len_bytes)
		explicit_bzero((char *)(uintptr_t)g->oauth.options.client_secret.ptr,
		               g->oauth.options.client_secret.len_bytes);
	weft__oauth_key_free(g->key);
	weft__secret_fini(&g->saved);
	weft_free(g);
	m->grant = NULL;
}

uint64_t weft__mcp_oauth_person_ns(const weft_mcp *m)
{
	return m->grant && m->grant->oauth.fns->open ? m->grant->oauth.options.person_ns : 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

void weft__mcp_oauth_open(weft_mcp *m)
{
	struct weft__mcp_grant *g = m->grant;

	if (!g)
		return;
	(void)weft__oauth_open(m->loop, &g->oauth,
	                       weft__secret_text(&g->saved)); /* out of memory: as if nothing had been kept */
	weft__secret_fini(&g->saved);
	g->opened = true;
}

void weft__mcp_oauth_close(weft_mcp *m, void (*closed)(weft_mcp *m))
{
	struct weft__mcp_grant *g = m->grant;

	if (!g || !g->opened) {
		closed(m);
		return;
	}
	g->closed = closed;
	weft__oauth_close(&g->oauth);
}

/* ---- the host's answer ------------------------------------------------------------------------- */

struct answer {
	struct weft__job job;         /* first */
	weft_mcp *client;             /* held */
	struct weft__secret redirect; /* empty: refused */
};

static void answer_free(struct answer *a)
{
	weft__secret_fini(&a->redirect);
	weft__mcp_release(a->client);
	weft_free(a);
}

static void run_answer(struct weft__job *job)
{
	struct answer *a = (struct answer *)job;
	struct weft__oauth *o = &a->client->grant->oauth;
	weft_error why = {0};

	if (!a->redirect.len)
		weft__oauth_refuse(o, "the authorization was refused");
	else if (weft__oauth_answer(o, weft__secret_text(&a->redirect), &why) < 0)
		weft__mcp_log(a->client, WEFT_LOG_WARN, "was brought an answer", weft_str_from(why.message));
	answer_free(a);
}

static int answer_post(weft_mcp *m, weft_str redirect)
{
	struct answer *a;
	int r;

	if (!m || !m->grant || redirect.len_bytes > REDIRECT_BYTES_MAX)
		return -EINVAL;
	a = weft_calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->job.run = run_answer;
	a->client = m;
	weft__mcp_hold(m);
	weft__secret_put(&a->redirect, redirect);
	r = a->redirect.failed ? -ENOMEM : weft__mcp_post(m, &a->job);
	if (r < 0)
		answer_free(a);
	return r;
}

int weft_mcp_authorize(weft_mcp *client, weft_str redirect)
{
	return redirect.len_bytes ? answer_post(client, redirect) : -EINVAL;
}

int weft_mcp_refuse(weft_mcp *client)
{
	return answer_post(client, (weft_str){0});
}
