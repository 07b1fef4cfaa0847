/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/request.c - see request.h. */
#include "net/oauth/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/json.h>

#define ASSERTION_S 60 /* how long the word of a key holds */

/* ---- a person ----------------------------------------------------------------------------- */

int weft__oauth_ask_person(const struct weft__oauth_server *server, weft_str client_id, weft_str redirect,
                           weft_str scope, weft_str resource, const struct weft__pkce *pkce,
                           struct weft__secret *to)
{
	char first = server->authorize.len_bytes &&
	                             memchr(server->authorize.ptr, '?', server->authorize.len_bytes)
	                     ? '&'
	                     : '?';

	weft__secret_put(to, server->authorize);
	weft__secret_put_pair(to, first, WEFT_STR("response_type"), WEFT_STR("code"));
	weft__secret_put_pair(to, '&', WEFT_STR("client_id"), client_id);
	weft__secret_put_pair(to, '&', WEFT_STR("redirect_uri"), redirect);
	weft__secret_put_pair(to, '&', WEFT_STR("scope"), scope);
	weft__secret_put_pair(to, '&', WEFT_STR("resource"), resource);
	weft__secret_put_pair(to, '&', WEFT_STR("state"), weft_str_from(pkce->state));
	weft__secret_put_pair(to, '&', WEFT_STR("code_challenge"), weft_str_from(pkce->challenge));
	weft__secret_put_pair(to, '&', WEFT_STR("code_challenge_method"), WEFT_STR("S256"));
	return to->failed ? -ENOMEM : 0;
}

/* ---- forms ------------------------------------------------------------------------------------ */

void weft__oauth_ask_with_code(struct weft__secret *form, weft_str code, weft_str redirect, weft_str verifier)
{
	weft__secret_put_pair(form, 0, WEFT_STR("grant_type"), WEFT_STR("authorization_code"));
	weft__secret_put_pair(form, '&', WEFT_STR("code"), code);
	weft__secret_put_pair(form, '&', WEFT_STR("redirect_uri"), redirect);
	weft__secret_put_pair(form, '&', WEFT_STR("code_verifier"), verifier);
}

void weft__oauth_ask_with_refresh(struct weft__secret *form, weft_str refresh, weft_str scope)
{
	weft__secret_put_pair(form, 0, WEFT_STR("grant_type"), WEFT_STR("refresh_token"));
	weft__secret_put_pair(form, '&', WEFT_STR("refresh_token"), refresh);
	weft__secret_put_pair(form, '&', WEFT_STR("scope"), scope);
}

void weft__oauth_ask_as_machine(struct weft__secret *form, weft_str scope)
{
	weft__secret_put_pair(form, 0, WEFT_STR("grant_type"), WEFT_STR("client_credentials"));
	weft__secret_put_pair(form, '&', WEFT_STR("scope"), scope);
}

/* ---- who asks ------------------------------------------------------------------------------------ */

/*
 * The best of what the client has and the server takes; a server that does not say takes basic (RFC 8414). 0:
 * none.
 */
static uint32_t way_of(const struct weft__oauth_client *client, const struct weft__oauth_server *server)
{
	uint32_t taken = server->ways;

	if (client->key)
		return !taken || taken & WEFT__OAUTH_BY_KEY ? WEFT__OAUTH_BY_KEY : 0;
	if (client->way && (client->secret.len_bytes || client->way == WEFT__OAUTH_BY_NONE))
		return client->way;
	if (!client->secret.len_bytes)
		return WEFT__OAUTH_BY_NONE; /* some say only how those with a secret ask */
	if (!taken || taken & WEFT__OAUTH_BY_BASIC)
		return WEFT__OAUTH_BY_BASIC;
	return taken & WEFT__OAUTH_BY_POST   ? WEFT__OAUTH_BY_POST
	       : taken & WEFT__OAUTH_BY_NONE ? WEFT__OAUTH_BY_NONE
	                                     : 0;
}

/* RFC 6749, 2.3.1: both encoded as in a form before they are joined. */
static void put_basic(struct weft__secret *to, const struct weft__oauth_client *client)
{
	struct weft__secret pair = {0};

	weft__secret_put_encoded(&pair, client->id);
	weft__secret_put(&pair, WEFT_STR(":"));
	weft__secret_put_encoded(&pair, client->secret);
	weft__secret_put(to, WEFT_STR("Basic "));
	weft__secret_put_base64(to, pair.at, pair.len);
	to->failed |= pair.failed;
	weft__secret_fini(&pair);
}

static void put_member(weft_json_writer *w, const char *name, weft_str value)
{
	weft_json_key(w, weft_str_from(name));
	weft_json_put_str(w, value);
}

/* The object in w, base64url, behind to; w is empty again. */
static void put_part(weft_json_writer *w, struct weft__secret *to)
{
	weft_str text = {0};

	weft_json_end_object(w);
	if (weft_json_writer_text(w, &text) < 0)
		to->failed = true;
	else
		weft__secret_put_base64url(to, text.ptr, text.len_bytes);
	weft_json_writer_reset(w);
}

/* RFC 7523: the client says who it is, to this issuer, for a minute, once. */
static int put_assertion(struct weft__secret *to, const struct weft__oauth_client *client,
                         const struct weft__oauth_server *server, int64_t now_s)
{
	struct weft__pkce once = {0};
	weft_json_writer *w;
	int r = weft__pkce_make(&once);

	if (r == 0)
		r = weft_json_writer_create(0, &w);
	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put_member(w, "alg", weft_str_from(weft__oauth_key_algorithm(client->key)));
	put_member(w, "typ", WEFT_STR("JWT"));
	if (client->key_id.len_bytes)
		put_member(w, "kid", client->key_id);
	put_part(w, to);
	weft__secret_put(to, WEFT_STR("."));
	weft_json_begin_object(w);
	put_member(w, "iss", client->id);
	put_member(w, "sub", client->id);
	put_member(w, "aud", server->issuer);
	put_member(w, "jti", weft_str_from(once.state));
	weft_json_key(w, WEFT_STR("iat"));
	weft_json_put_int(w, now_s);
	weft_json_key(w, WEFT_STR("exp"));
	weft_json_put_int(w, now_s + ASSERTION_S);
	put_part(w, to);
	weft_json_writer_destroy(w);
	weft__pkce_wipe(&once);
	return to->failed ? -ENOMEM : 0;
}

static int put_signed(struct weft__secret *form, const struct weft__oauth_client *client,
                      const struct weft__oauth_server *server, int64_t now_s)
{
	struct weft__secret token = {0};
	int r = put_assertion(&token, client, server, now_s);
	size_t signed_len = token.len;

	if (r == 0) {
		weft__secret_put(&token, WEFT_STR("."));
		r = token.failed
		            ? -ENOMEM
		            : weft__oauth_key_sign(client->key, (weft_str){token.at, signed_len}, &token);
	}
	if (r == 0) {
		weft__secret_put_pair(form, '&', WEFT_STR("client_assertion_type"),
		                      WEFT_STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
		weft__secret_put_pair(form, '&', WEFT_STR("client_assertion"), weft__secret_text(&token));
	}
	weft__secret_fini(&token);
	return r;
}

int weft__oauth_ask_as(const struct weft__oauth_client *client, const struct weft__oauth_server *server,
                       weft_str resource, int64_t now_s, struct weft__secret *form,
                       struct weft__secret *authorization)
{
	uint32_t way = way_of(client, server);
	int r = 0;

	if (!way)
		return -EACCES;
	weft__secret_put_pair(form, '&', WEFT_STR("resource"), resource);
	if (way == WEFT__OAUTH_BY_BASIC)
		put_basic(authorization, client);
	else
		weft__secret_put_pair(form, '&', WEFT_STR("client_id"), client->id);
	if (way == WEFT__OAUTH_BY_POST)
		weft__secret_put_pair(form, '&', WEFT_STR("client_secret"), client->secret);
	if (way == WEFT__OAUTH_BY_KEY)
		r = put_signed(form, client, server, now_s);
	return r < 0 ? r : form->failed || authorization->failed ? -ENOMEM : 0;
}

/* ---- registration ------------------------------------------------------------------------------------ */

static void put_list(weft_json_writer *w, const char *name, const char *first, const char *second)
{
	weft_json_key(w, weft_str_from(name));
	weft_json_begin_array(w);
	weft_json_put_str(w, weft_str_from(first));
	if (second)
		weft_json_put_str(w, weft_str_from(second));
	weft_json_end_array(w);
}

/* A program that its user has keeps no secret, so none is asked for where the server can do without. */
static const char *way_to_register(const struct weft__oauth_server *server)
{
	if (!server->ways || server->ways & WEFT__OAUTH_BY_NONE)
		return "none";
	return server->ways & WEFT__OAUTH_BY_BASIC ? "client_secret_basic" : "client_secret_post";
}

int weft__oauth_ask_registration(const struct weft__oauth_server *server, weft_str name, weft_str redirect,
                                 weft_str scope, struct weft__secret *to)
{
	weft_json_writer *w;
	weft_str text = {0};
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put_member(w, "client_name", name);
	weft_json_key(w, WEFT_STR("redirect_uris"));
	weft_json_begin_array(w);
	weft_json_put_str(w, redirect);
	weft_json_end_array(w);
	put_list(w, "grant_types", "authorization_code", "refresh_token");
	put_list(w, "response_types", "code", NULL);
	put_member(w, "token_endpoint_auth_method", weft_str_from(way_to_register(server)));
	if (scope.len_bytes)
		put_member(w, "scope", scope);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		weft__secret_put(to, text);
	weft_json_writer_destroy(w);
	return r < 0 || to->failed ? -ENOMEM : 0;
}
