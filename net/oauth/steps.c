/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/steps.c - from a refusal to a token.
 *
 *     RESOURCE -> SERVER -> REFRESH ------------------------------> done
 *                    |          \--refused--> RESOURCE (once more, without it)
 *                    |-> REGISTER -> PERSON -> TOKEN -------------> done
 *                    \-> (machine) ----------> TOKEN -------------> done
 *
 * A refresh uses what is known of the server; asking a person, or for the first time, looks at it anew. One
 * fetch at a time; each of its ends leads to the next step or to weft__oauth_finish.
 */
#include "net/oauth/oauth.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weft/runtime.h>

#include "net/http/message.h"
#include "net/http/url.h"
#include "net/oauth/place.h"
#include "net/oauth/redirect.h"

#define FORM "application/x-www-form-urlencoded"

static void resource_look(struct weft__oauth *o);
static void server_look(struct weft__oauth *o, const char *why);
static void ask(struct weft__oauth *o);

static void out_of_memory(struct weft__oauth *o)
{
	weft__oauth_finish(o, -ENOMEM, "out of memory");
}

static bool opened_well(const struct weft__oauth *o)
{
	return o->fetch.answered == 200 || o->fetch.answered == 201;
}

/* ---- fetching ---------------------------------------------------------------------------- */

static void on_fetched(struct weft__oauth_fetch *f, int status);

static void fetch(struct weft__oauth *o, enum weft__oauth_step step, struct weft__oauth_fetch_options what)
{
	int r;

	what.total_ns = o->options.step_ns;
	what.ca_file = o->options.ca_file;
	what.proxy = o->options.proxy;
	what.public_only = o->options.public_only;
	o->step = step;
	o->fetch.done = on_fetched;
	r = weft__oauth_fetch_start(o->loop, &o->fetch, &what);
	if (r < 0)
		weft__oauth_finish(o, r, o->fetch.call.error.message);
}

static void look_at(struct weft__oauth *o, enum weft__oauth_step step, const char *url)
{
	fetch(o, step, (struct weft__oauth_fetch_options){.url = weft_str_from(url)});
}

/* ---- what authorizes the server ------------------------------------------------------------- */

static bool arena_renew(struct weft__oauth *o)
{
	weft_arena_destroy(o->arena);
	o->arena = NULL;
	memset(&o->resource, 0, sizeof(o->resource));
	memset(&o->server, 0, sizeof(o->server));
	return weft_arena_create(0, &o->arena) == 0;
}

/* The place o->place of the resource's metadata: the one that the challenge named, and no other then. */
static int resource_place(const struct weft__oauth *o, char *to, size_t room)
{
	if (!o->hint[0])
		return weft__oauth_place_of_resource(o->options.server, o->place, to, room);
	snprintf(to, room, "%s", o->hint);
	return o->place ? -ENOENT : 0;
}

/* No resource's metadata: a server of before it stands for itself, when the host says that this may be. */
static void resource_stands_alone(struct weft__oauth *o, const char *why)
{
	char origin[WEFT__OAUTH_URL_BYTES_MAX], name[WEFT__OAUTH_URL_BYTES_MAX];

	if (!o->options.old_servers || weft__oauth_origin(o->options.server, origin, sizeof(origin)) < 0 ||
	    weft__oauth_resource_of(o->options.server, name, sizeof(name)) < 0) {
		weft__oauth_finish(o, -EACCES, why);
		return;
	}
	o->resource.name = weft_arena_dup(o->arena, weft_str_from(name));
	o->resource.servers[0] = weft_arena_dup(o->arena, weft_str_from(origin));
	o->resource.server_count = 1;
	if (!o->resource.name.ptr || !o->resource.servers[0].ptr) {
		out_of_memory(o);
		return;
	}
	o->place = 0;
	server_look(o, why);
}

static void resource_next(struct weft__oauth *o, const char *why)
{
	char url[WEFT__OAUTH_URL_BYTES_MAX];
	weft_error err = {0};
	int r = resource_place(o, url, sizeof(url));

	if (r == -ENOENT && !o->hint[0])
		resource_stands_alone(o, why);
	else if (r < 0)
		weft__oauth_finish(o, -EACCES, why);
	else if (weft__oauth_allowed(weft_str_from(url), o->loopback,
	                             "the address of the resource's metadata", &err) < 0)
		weft__oauth_finish(o, -EACCES, err.message);
	else
		look_at(o, WEFT__OAUTH_RESOURCE, url);
}

static void resource_look(struct weft__oauth *o)
{
	o->place = 0;
	if (arena_renew(o))
		resource_next(o, "the server has no metadata that says who authorizes it");
	else
		out_of_memory(o);
}

static void on_resource(struct weft__oauth *o)
{
	weft_error err = {.message = "the server has no metadata that says who authorizes it"};
	int r = -EACCES;

	if (opened_well(o))
		r = weft__oauth_resource_read(weft__secret_text(&o->fetch.body), o->options.server,
		                              o->loopback, o->arena, &o->resource, &err);
	if (r < 0) {
		o->place++;
		resource_next(o, err.message);
		return;
	}
	o->place = 0;
	server_look(o, "");
}

/*
 * The issuer to ask: the host's, the one that gave the grant, or the first. Empty: the host's is not among
 * them.
 */
static weft_str issuer_choose(const struct weft__oauth *o)
{
	weft_str wanted = o->options.issuer.len_bytes ? o->options.issuer : weft_str_from(o->grant.issuer);

	for (uint32_t i = 0; i < o->resource.server_count; i++) {
		if (weft__oauth_issuer_eq(o->resource.servers[i], wanted))
			return o->resource.servers[i];
	}
	return o->options.issuer.len_bytes ? (weft_str){0} : o->resource.servers[0];
}

static int put_endpoint(struct weft__oauth *o, weft_str origin, const char *path, weft_str *ret)
{
	*ret = weft_arena_printf(o->arena, "%.*s%s", WEFT_STR_ARG(origin), path);
	return ret->ptr ? 0 : -ENOMEM;
}

/*
 * No metadata anywhere: MCP of 2025-03-26 says where the endpoints are then. It is asked with PKCE all the
 * same.
 */
static void server_by_custom(struct weft__oauth *o, weft_str issuer)
{
	o->server = (struct weft__oauth_server){.issuer = issuer, .pkce = true};
	if (put_endpoint(o, issuer, "/authorize", &o->server.authorize) < 0 ||
	    put_endpoint(o, issuer, "/token", &o->server.token) < 0 ||
	    put_endpoint(o, issuer, "/register", &o->server.registration) < 0)
		out_of_memory(o);
	else
		ask(o);
}

static void server_look(struct weft__oauth *o, const char *why)
{
	char url[WEFT__OAUTH_URL_BYTES_MAX];
	weft_str issuer = issuer_choose(o);
	int r = issuer.len_bytes ? weft__oauth_place_of_issuer(issuer, o->place, url, sizeof(url)) : -EACCES;

	if (!issuer.len_bytes)
		weft__oauth_finish(o, r, "the server names other authorization servers than the one that was configured");
	else if (r == -ENOENT && o->options.old_servers && o->fetch.answered == 404)
		server_by_custom(o, issuer);
	else if (r < 0)
		weft__oauth_finish(o, -EACCES, why);
	else
		look_at(o, WEFT__OAUTH_SERVER, url);
}

static void on_server(struct weft__oauth *o)
{
	const struct weft__oauth_server_wants wants = {.issuer = issuer_choose(o),
	                                               .loopback = o->loopback,
	                                               .same_origin_is_enough = o->options.old_servers,
	                                               .machine = o->options.machine};
	weft_error err = {.message = "the authorization server has no metadata"};
	int r = -EACCES;

	if (opened_well(o))
		r = weft__oauth_server_read(weft__secret_text(&o->fetch.body), &wants, o->arena, &o->server,
		                            &err);
	if (r < 0) {
		memset(&o->server, 0, sizeof(o->server));
		o->place++;
		server_look(o, err.message);
	} else {
		ask(o);
	}
}

/* ---- asking for a token --------------------------------------------------------------------------- */

static void client_is(const struct weft__oauth *o, struct weft__oauth_client *c)
{
	*c = (struct weft__oauth_client){.id = o->options.client_id,
	                                 .secret = o->options.client_secret,
	                                 .key = o->options.key,
	                                 .key_id = o->options.key_id};
	if (c->id.len_bytes)
		return;
	if (o->grant.client_id)
		*c = (struct weft__oauth_client){.id = weft_str_from(o->grant.client_id),
		                                 .secret = weft_str_from(o->grant.client_secret),
		                                 .way = o->grant.client_way};
	else if (o->server.reads_client_documents)
		c->id = o->options.client_document;
}

/* Sends form, which is wiped, as this client. */
static void token_ask(struct weft__oauth *o, enum weft__oauth_step step, struct weft__secret *form)
{
	struct weft__secret authorization = {0};
	struct weft__oauth_client client;
	int r;

	client_is(o, &client);
	r = weft__oauth_ask_as(&client, &o->server, o->resource.name, weft__oauth_now_s(), form,
	                       &authorization);
	if (r == -EACCES)
		weft__oauth_finish(
		        o, r,
		        "the authorization server takes none of the ways in which this client can say who it is");
	else if (r < 0)
		weft__oauth_finish(o, r, weft_strerror(r));
	else
		fetch(o, step,
		      (struct weft__oauth_fetch_options){.url = o->server.token,
		                                         .form = weft__secret_text(form),
		                                         .content_type = WEFT_STR(FORM),
		                                         .authorization = weft__secret_text(&authorization)});
	weft__secret_fini(&authorization);
	weft__secret_fini(form);
}

static void token_by_refresh(struct weft__oauth *o)
{
	struct weft__secret form = {0};

	snprintf(o->scope, sizeof(o->scope), "%s", o->grant.scope ? o->grant.scope : "");
	weft__oauth_ask_with_refresh(&form, weft_str_from(o->grant.refresh), weft_str_from(NULL));
	token_ask(o, WEFT__OAUTH_REFRESH, &form);
}

static void token_as_machine(struct weft__oauth *o)
{
	struct weft__secret form = {0};

	weft__oauth_ask_as_machine(&form, weft_str_from(o->scope));
	token_ask(o, WEFT__OAUTH_TOKEN, &form);
}

/* The least that was named: by the challenge, else by the metadata; and what the host wants in any case. */
static void scope_choose(struct weft__oauth *o)
{
	weft_str base = o->challenged[0] ? weft_str_from(o->challenged) : o->resource.scopes;

	o->scope[0] = '\0';
	(void)weft__oauth_scope_add(o->scope, base);
	(void)weft__oauth_scope_add(o->scope, o->options.scope);
	if (o->scope[0] && !o->options.machine &&
	    weft__oauth_scope_has(o->server.scopes, WEFT_STR("offline_access")))
		(void)weft__oauth_scope_add(o->scope,
		                            WEFT_STR("offline_access")); /* else there is no refresh token */
}

static int issuer_keep(struct weft__oauth *o)
{
	if (o->grant.issuer && weft_str_eq(weft_str_from(o->grant.issuer), o->server.issuer))
		return 0;
	weft__oauth_grant_fini(&o->grant); /* what another one gave is not for this one */
	o->unsaved = true;
	o->grant.issuer = weft__secret_dup(o->server.issuer);
	return o->grant.issuer ? 0 : -ENOMEM;
}

static void person_ask(struct weft__oauth *o);

/* The metadata is there. */
static void ask(struct weft__oauth *o)
{
	if (issuer_keep(o) < 0) {
		out_of_memory(o);
		return;
	}
	if (o->grant.refresh && !o->steps_up && !o->options.machine) {
		token_by_refresh(o);
		return;
	}
	scope_choose(o);
	if (o->options.machine)
		token_as_machine(o);
	else
		person_ask(o);
}

/* ---- a person --------------------------------------------------------------------------------------- */

/* Each receiver is a block of its own, since an old one may still be closing; it knows whose it is. */
struct receiving {
	struct weft__oauth_receiver receiver; /* first */
	struct weft__oauth *o;
};

static void on_receiver_closed(struct weft__oauth_receiver *r)
{
	struct weft__oauth *o = ((struct receiving *)r)->o;

	if (o->receiver == r)
		o->receiver = NULL;
	o->receivers--;
	weft_free(r);
	weft__oauth_close_when_idle(o);
}

static int on_browser(struct weft__oauth_receiver *r, weft_str target)
{
	struct weft__oauth *o = ((struct receiving *)r)->o;
	int status = o->receiver == r ? weft__oauth_answer(o, target, NULL) : -EINVAL;

	return status == -ESRCH ? -EINVAL : status;
}

/* The port of the last time: then the client that was registered with it will do. */
static uint16_t port_of_before(const struct weft__oauth *o)
{
	struct weft__url url;

	return weft__url_parse(weft_str_from(o->grant.redirect), &url, NULL) == 0 &&
	                       weft__oauth_is_loopback(weft_str_from(o->grant.redirect))
	               ? url.port
	               : 0;
}

static int receiver_open(struct weft__oauth *o, weft_error *err)
{
	struct receiving *r = weft_calloc(1, sizeof(*r));
	int status;

	if (!r)
		return weft_error_set(err, -ENOMEM, "out of memory");
	r->o = o;
	r->receiver.came = on_browser;
	r->receiver.closed = on_receiver_closed;
	if (o->receiver)
		weft__oauth_receiver_close(o->receiver, true);
	status = weft__oauth_receiver_open(o->loop, &r->receiver, port_of_before(o), err);
	if (status < 0) {
		weft_free(r);
		return status;
	}
	o->receiver = &r->receiver;
	o->receivers++;
	return 0;
}

/* Where the browser shall come back to. */
static int redirect_choose(struct weft__oauth *o, weft_error *err)
{
	weft_str to = o->options.redirect;
	int r = to.len_bytes ? 0 : receiver_open(o, err);

	if (r < 0)
		return r;
	weft__secret_free(o->redirect);
	o->redirect = weft__secret_dup(to.len_bytes ? to : weft_str_from(o->receiver->uri));
	return o->redirect ? 0 : weft_error_set(err, -ENOMEM, "out of memory");
}

static void on_patience_over(struct weft__alarm *alarm)
{
	struct weft__oauth *o = (struct weft__oauth *)((char *)alarm - offsetof(struct weft__oauth, alarm));

	weft__oauth_finish(o, -EACCES, "nobody authorized the client in time");
}

static void person_open(struct weft__oauth *o)
{
	struct weft__secret url = {0};
	struct weft__oauth_client client;
	int r = weft__pkce_make(&o->pkce);

	client_is(o, &client);
	if (r == 0)
		r = weft__oauth_ask_person(&o->server, client.id, weft_str_from(o->redirect),
		                           weft_str_from(o->scope), o->resource.name, &o->pkce, &url);
	if (r < 0) {
		weft__oauth_finish(o, r, weft_strerror(r));
	} else {
		o->step = WEFT__OAUTH_PERSON;
		weft__loop_alarm(o->loop, &o->alarm, weft__after_ns(weft_now_ns(), o->options.person_ns),
		                 on_patience_over);
		o->fns->open(o, url.at);
	}
	weft__secret_fini(&url);
}

static void register_client(struct weft__oauth *o)
{
	struct weft__secret document = {0};

	if (o->options.never_registers || !o->server.registration.len_bytes) {
		weft__oauth_finish(
		        o, -EACCES,
		        "the authorization server does not know this client: it needs a client_id");
		return;
	}
	if (weft__oauth_ask_registration(&o->server, o->options.client_name, weft_str_from(o->redirect),
	                                 weft_str_from(o->scope), &document) < 0)
		out_of_memory(o);
	else
		fetch(o, WEFT__OAUTH_REGISTER,
		      (struct weft__oauth_fetch_options){.url = o->server.registration,
		                                         .form = weft__secret_text(&document),
		                                         .content_type = WEFT_STR("application/json")});
	weft__secret_fini(&document);
}

/* Is the client known by its options, its document, or a registration with this very redirect? */
static bool client_is_known(struct weft__oauth *o)
{
	struct weft__oauth_client client;

	if (!o->options.client_id.len_bytes && o->grant.client_id &&
	    (!o->grant.redirect || strcmp(o->grant.redirect, o->redirect) != 0)) {
		weft__oauth_client_forget(&o->grant);
		o->unsaved = true;
	}
	client_is(o, &client);
	return client.id.len_bytes;
}

static void person_ask(struct weft__oauth *o)
{
	weft_error err = {0};
	int r;

	if (!o->fns->open) {
		weft__oauth_finish(o, -EACCES,
		                   "a person has to authorize the client, and there is nobody to ask");
		return;
	}
	r = redirect_choose(o, &err);
	if (r < 0)
		weft__oauth_finish(o, r, err.message);
	else if (client_is_known(o))
		person_open(o);
	else
		register_client(o);
}

int weft__oauth_answer(struct weft__oauth *o, weft_str redirect, weft_error *err)
{
	struct weft__secret code = {0}, form = {0};
	weft_error why = {0};
	int r;

	if (o->step != WEFT__OAUTH_PERSON)
		return weft_error_set(err, -ESRCH, "nothing is asked any more");
	r = weft__oauth_redirect_read(redirect, weft_str_from(o->pkce.state), o->server.issuer,
	                              o->server.names_itself, &code, &why);
	if (r < 0 && err)
		*err = why;
	if (r == -EINVAL)
		return r;
	if (r < 0) {
		weft__oauth_finish(o, r, why.message);
		return r;
	}
	weft__loop_alarm_off(o->loop, &o->alarm);
	o->step = WEFT__OAUTH_TOKEN; /* the person is done, whatever comes of it: gone is said once */
	weft__oauth_ask_with_code(&form, weft__secret_text(&code), weft_str_from(o->redirect),
	                          weft_str_from(o->pkce.verifier));
	token_ask(o, WEFT__OAUTH_TOKEN, &form);
	weft__secret_fini(&code);
	if (o->fns->gone)
		o->fns->gone(o);
	return 0;
}

void weft__oauth_refuse(struct weft__oauth *o, const char *why)
{
	if (o->step == WEFT__OAUTH_PERSON)
		weft__oauth_finish(o, -EACCES, why);
}

/* ---- what comes of a fetch ----------------------------------------------------------------------------- */

/* The server said no, in its words. */
static void refused(struct weft__oauth *o, const char *what, const char *error)
{
	char why[160];

	snprintf(why, sizeof(why), "%s: HTTP %d%s%s", what, o->fetch.answered, *error ? ", " : "", error);
	weft__oauth_finish(o, o->fetch.answered / 100 == 5 ? -EPIPE : -EACCES, why);
}

static void client_forget_if_unknown(struct weft__oauth *o, const char *error)
{
	if (!o->grant.client_id ||
	    (strcmp(error, "invalid_client") != 0 && strcmp(error, "unauthorized_client") != 0))
		return;
	weft__oauth_client_forget(&o->grant);
	o->unsaved = true;
}

static void on_registered(struct weft__oauth *o, const char *error)
{
	weft_error err = {0};

	if (!opened_well(o)) {
		refused(o, "the authorization server did not register the client", error);
	} else if (weft__oauth_client_read(weft__secret_text(&o->fetch.body), weft_str_from(o->redirect),
	                                   &o->grant, &err) < 0) {
		weft__oauth_finish(o, err.code, err.message);
	} else {
		o->unsaved = true;
		person_open(o);
	}
}

/* A refresh token that is not good any more is no end: it is asked anew, without it. */
static void on_refresh_refused(struct weft__oauth *o, const char *error)
{
	if (o->fetch.answered / 100 == 5 || o->fetch.answered == 429) {
		refused(o, "the token could not be renewed", error);
		return;
	}
	weft__oauth_tokens_forget(&o->grant);
	client_forget_if_unknown(o, error);
	o->unsaved = true;
	o->fns->say(o, "the token is not renewed any more, it is asked for anew", weft_str_from(error));
	resource_look(o);
}

static void on_token(struct weft__oauth *o, const char *error)
{
	weft_error err = {0};

	if (!opened_well(o) && o->step == WEFT__OAUTH_REFRESH) {
		on_refresh_refused(o, error);
	} else if (!opened_well(o)) {
		client_forget_if_unknown(o, error);
		refused(o, "the authorization server gave no token", error);
	} else if (weft__oauth_token_read(weft__secret_text(&o->fetch.body), weft__oauth_now_s(),
	                                  weft_str_from(o->scope), &o->grant, &err) < 0) {
		weft__oauth_finish(o, err.code, err.message);
	} else {
		o->unsaved = true;
		weft__oauth_finish(o, 0, "");
	}
}

static void on_fetched(struct weft__oauth_fetch *f, int status)
{
	struct weft__oauth *o = (struct weft__oauth *)((char *)f - offsetof(struct weft__oauth, fetch));
	char error[48] = "";

	if (o->closing) {
		weft__oauth_finish(o, -ECANCELED, "the client of the server was closed");
		return;
	}
	if (status < 0) {
		weft__oauth_finish(o, status, f->call.error.message);
		return;
	}
	if (!opened_well(o))
		weft__oauth_error_read(weft__secret_text(&f->body), error);
	switch (o->step) {
	case WEFT__OAUTH_RESOURCE:
		on_resource(o);
		break;
	case WEFT__OAUTH_SERVER:
		on_server(o);
		break;
	case WEFT__OAUTH_REGISTER:
		on_registered(o, error);
		break;
	default:
		on_token(o, error);
	}
}

/*
 * ---- the beginning
 * -----------------------------------------------------------------------------------------
 */

void weft__oauth_begin(struct weft__oauth *o)
{
	if (!o->server.token.len_bytes || o->steps_up || !(o->options.machine || o->grant.refresh)) {
		resource_look(o);
	} else if (o->options.machine) {
		scope_choose(o);
		token_as_machine(o);
	} else {
		token_by_refresh(o);
	}
}
