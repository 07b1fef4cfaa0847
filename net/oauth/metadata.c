/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/metadata.c - see metadata.h. */
#include "net/oauth/metadata.h"

#include <errno.h>
#include <string.h>

#include <weft/json.h>

#include "net/http/message.h"
#include "net/oauth/place.h"
#include "net/oauth/scope.h"

static int out_of_memory(weft_error *err)
{
	return weft_error_set(err, -ENOMEM, "out of memory");
}

/* An object in which each member stands once. */
static int open_object(weft_str text, const char *what, weft_json_doc **ret_doc, weft_error *err)
{
	weft_json_doc *doc = NULL;
	int r = text.len_bytes > WEFT__OAUTH_METADATA_BYTES_MAX ? -EACCES : weft_json_parse(text, &doc, NULL);

	if (r == -ENOMEM)
		return out_of_memory(err);
	if (r == 0 && weft_json_typeof(weft_json_root(doc)) == WEFT_JSON_OBJECT &&
	    weft_json_check_keys(weft_json_root(doc), NULL) == 0) {
		*ret_doc = doc;
		return 0;
	}
	weft_json_release(doc);
	return weft_error_set(err, -EACCES, "%s is not the JSON object it should be", what);
}

/* A member that is text without control characters, copied; empty when it is missing or something else. */
static int text_take(weft_json object, const char *name, weft_arena *arena, weft_str *ret)
{
	weft_str text = {0};

	*ret = (weft_str){"", 0};
	if (!weft_json_get_str(weft_json_find(object, weft_str_from(name)), &text))
		return 0;
	for (size_t i = 0; i < text.len_bytes; i++) {
		if ((unsigned char)text.ptr[i] < 0x21 || text.ptr[i] == 0x7f)
			return 0;
	}
	*ret = weft_arena_dup(arena, text);
	return ret->ptr ? 0 : -ENOMEM;
}

/* An endpoint: text, and an address that may be asked. A missing one is fine. */
static int endpoint_take(weft_json object, const char *name, bool loopback, weft_arena *arena, weft_str *ret,
                         weft_error *err)
{
	int r = text_take(object, name, arena, ret);

	if (r < 0)
		return out_of_memory(err);
	return ret->len_bytes ? weft__oauth_allowed(*ret, loopback, name, err) : 0;
}

/* A list of words as a set. Words that are none, and what does not fit, are passed over. */
static int scopes_take(weft_json object, weft_arena *arena, weft_str *ret)
{
	weft_json list = weft_json_find(object, WEFT_STR("scopes_supported"));
	char set[WEFT__OAUTH_SCOPE_BYTES_MAX] = "";
	weft_json_iter it;
	weft_str word;

	*ret = (weft_str){"", 0};
	if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return 0;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		if (weft_json_get_str(it.value, &word) && weft__oauth_scope_is_valid(word))
			(void)weft__oauth_scope_add(set, word);
	}
	*ret = weft_arena_dup(arena, weft_str_from(set));
	return ret->ptr ? 0 : -ENOMEM;
}

static bool list_has(weft_json object, const char *name, const char *wanted)
{
	weft_json list = weft_json_find(object, weft_str_from(name));
	weft_json_iter it;
	weft_str word;

	if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return false;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		if (weft_json_get_str(it.value, &word) && weft_str_eq(word, weft_str_from(wanted)))
			return true;
	}
	return false;
}

static bool is_true(weft_json object, const char *name)
{
	bool value = false;

	weft_json_get_bool(weft_json_find(object, weft_str_from(name)), &value);
	return value;
}

/* ---- a resource ---------------------------------------------------------------------------- */

static int servers_take(weft_json object, bool loopback, weft_arena *arena, struct weft__oauth_resource *ret,
                        weft_error *err)
{
	weft_json list = weft_json_find(object, WEFT_STR("authorization_servers"));
	weft_json_iter it;
	weft_str issuer;

	ret->server_count = 0;
	if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return weft_error_set(err, -EACCES, "the resource's metadata names no authorization server");
	for (it = weft_json_iter_begin(list);
	     ret->server_count < WEFT__OAUTH_SERVERS_MAX && weft_json_iter_next(&it);) {
		if (!weft_json_get_str(it.value, &issuer) ||
		    weft__oauth_allowed(issuer, loopback, "the authorization server", err) < 0 ||
		    memchr(issuer.ptr, '?', issuer.len_bytes))
			continue;
		ret->servers[ret->server_count] = weft_arena_dup(arena, issuer);
		if (!ret->servers[ret->server_count++].ptr)
			return out_of_memory(err);
	}
	return ret->server_count
	               ? 0
	               : weft_error_set(
	                         err, -EACCES,
	                         "the resource's metadata names no authorization server that may be asked");
}

int weft__oauth_resource_read(weft_str text, weft_str server, bool loopback, weft_arena *arena,
                              struct weft__oauth_resource *ret, weft_error *err)
{
	weft_json_doc *doc = NULL;
	weft_json root;
	int r = open_object(text, "the resource's metadata", &doc, err);

	if (r < 0)
		return r;
	root = weft_json_root(doc);
	r = text_take(root, "resource", arena, &ret->name);
	if (r == 0)
		r = scopes_take(root, arena, &ret->scopes);
	if (r < 0)
		r = out_of_memory(err);
	else if (!weft__oauth_resource_covers(ret->name, server))
		r = weft_error_set(err, -EACCES,
		                   "the resource's metadata is that of another resource than this server");
	else
		r = servers_take(root, loopback, arena, ret, err);
	weft_json_release(doc);
	return r;
}

/* ---- an authorization server ------------------------------------------------------------------ */

static uint32_t ways_of(weft_json object)
{
	static const char name[] = "token_endpoint_auth_methods_supported";

	return (list_has(object, name, "none") ? WEFT__OAUTH_BY_NONE : 0u) |
	       (list_has(object, name, "client_secret_basic") ? WEFT__OAUTH_BY_BASIC : 0u) |
	       (list_has(object, name, "client_secret_post") ? WEFT__OAUTH_BY_POST : 0u) |
	       (list_has(object, name, "private_key_jwt") ? WEFT__OAUTH_BY_KEY : 0u);
}

static bool same_origin(weft_str a, weft_str b)
{
	char x[512], y[512];

	return weft__oauth_origin(a, x, sizeof(x)) == 0 && weft__oauth_origin(b, y, sizeof(y)) == 0 &&
	       !strcmp(x, y);
}

static int issuer_check(const struct weft__oauth_server *s, const struct weft__oauth_server_wants *wants,
                        weft_error *err)
{
	if (weft__oauth_issuer_eq(s->issuer, wants->issuer) ||
	    (wants->same_origin_is_enough && same_origin(s->issuer, wants->issuer)))
		return 0;
	return weft_error_set(err, -EACCES, "the authorization server's metadata is that of another issuer");
}

static int endpoints_check(const struct weft__oauth_server *s, const struct weft__oauth_server_wants *wants,
                           weft_error *err)
{
	if (!s->token.len_bytes)
		return weft_error_set(err, -EACCES, "the authorization server has no token endpoint");
	if (wants->machine)
		return 0;
	if (!s->authorize.len_bytes)
		return weft_error_set(err, -EACCES, "the authorization server has no authorization endpoint");
	if (!s->pkce)
		return weft_error_set(err, -EACCES,
		                      "the authorization server does not say that it knows PKCE with S256");
	return 0;
}

static int endpoints_take(weft_json root, bool loopback, weft_arena *arena, struct weft__oauth_server *s,
                          weft_error *err)
{
	int r = endpoint_take(root, "authorization_endpoint", loopback, arena, &s->authorize, err);

	if (r == 0)
		r = endpoint_take(root, "token_endpoint", loopback, arena, &s->token, err);
	if (r == 0)
		r = endpoint_take(root, "registration_endpoint", loopback, arena, &s->registration, err);
	return r;
}

int weft__oauth_server_read(weft_str text, const struct weft__oauth_server_wants *wants, weft_arena *arena,
                            struct weft__oauth_server *ret, weft_error *err)
{
	weft_json_doc *doc = NULL;
	weft_json root;
	int r = open_object(text, "the authorization server's metadata", &doc, err);

	if (r < 0)
		return r;
	root = weft_json_root(doc);
	ret->pkce = list_has(root, "code_challenge_methods_supported", "S256");
	ret->ways = ways_of(root);
	ret->reads_client_documents = is_true(root, "client_id_metadata_document_supported");
	ret->names_itself = is_true(root, "authorization_response_iss_parameter_supported");
	r = text_take(root, "issuer", arena, &ret->issuer) < 0 || scopes_take(root, arena, &ret->scopes) < 0
	            ? out_of_memory(err)
	            : 0;
	if (r == 0)
		r = issuer_check(ret, wants, err);
	if (r == 0)
		r = endpoints_take(root, wants->loopback, arena, ret, err);
	if (r == 0)
		r = endpoints_check(ret, wants, err);
	weft_json_release(doc);
	return r;
}
