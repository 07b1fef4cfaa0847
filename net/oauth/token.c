/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/token.c - see token.h. What goes into a head or a form later is looked at here. */
#include "net/oauth/token.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/message.h"
#include "net/json/json.h"
#include "net/oauth/metadata.h"
#include "net/oauth/scope.h"

#define LIFE_S_MAX (INT64_C(10) * 366 * 86400)
#define MARGIN_S_MAX 60

/* ---- memory -------------------------------------------------------------------------- */

static void forget(char **text)
{
	weft__secret_free(*text);
	*text = NULL;
}

void weft__oauth_client_forget(struct weft__oauth_grant *grant)
{
	forget(&grant->client_id);
	forget(&grant->client_secret);
	forget(&grant->redirect);
	grant->client_way = 0;
}

static void retire(struct weft__oauth_grant *grant)
{
	if (!grant->access)
		return;
	forget(&grant->past);
	grant->past = grant->access;
	grant->access = NULL;
}

void weft__oauth_tokens_forget(struct weft__oauth_grant *grant)
{
	retire(grant);
	forget(&grant->refresh);
	grant->renew_s = 0;
}

void weft__oauth_grant_fini(struct weft__oauth_grant *grant)
{
	weft__oauth_client_forget(grant);
	weft__oauth_tokens_forget(grant);
	forget(&grant->past);
	forget(&grant->issuer);
	forget(&grant->scope);
}

/* ---- reading --------------------------------------------------------------------------- */

static bool is_visible(weft_str text, size_t most)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e)
			return false;
	}
	return text.len_bytes && text.len_bytes <= most;
}

/* A member of visible ASCII, copied. 0 and NULL when it is missing; -EBADMSG when it is something else. */
static int member_take(weft_json object, const char *name, char **ret)
{
	weft_json value = weft_json_find(object, weft_str_from(name));
	weft_str text;

	*ret = NULL;
	if (weft_json_typeof(value) == WEFT_JSON_NONE || weft_json_typeof(value) == WEFT_JSON_NULL)
		return 0;
	if (!weft_json_get_str(value, &text) || !is_visible(text, WEFT__OAUTH_TOKEN_BYTES_MAX))
		return -EBADMSG;
	*ret = weft__secret_dup(text);
	return *ret ? 0 : -ENOMEM;
}

static void replace(char **at, char *by)
{
	weft__secret_free(*at);
	*at = by;
}

static int refuse(int r, const char *what, weft_error *err)
{
	return r == -ENOMEM ? weft_error_set(err, r, "out of memory")
	                    : weft_error_set(err, -EACCES, "%s", what);
}

static int object_open(weft_str text, weft_json_doc **ret_doc)
{
	weft_json_doc *doc = NULL;
	int r = text.len_bytes > WEFT__OAUTH_GRANT_BYTES_MAX ? -EBADMSG : weft__json_parse_secret(text, NULL, &doc, NULL);

	if (r == 0 && (weft_json_typeof(weft_json_root(doc)) != WEFT_JSON_OBJECT ||
	               weft_json_check_keys(weft_json_root(doc), NULL) < 0)) {
		weft_json_release(doc);
		r = -EBADMSG;
	}
	if (r == 0)
		*ret_doc = doc;
	return r == -ENOMEM ? r : r < 0 ? -EBADMSG : 0;
}

/* Seconds, as a number or as its digits; 0 for what is neither. */
static int64_t life_of(weft_json object)
{
	weft_json value = weft_json_find(object, WEFT_STR("expires_in"));
	double life = 0;
	uint64_t digits;
	weft_str text;

	if (weft_json_get_str(value, &text) && weft__http_number(text, &digits))
		return digits < (uint64_t)LIFE_S_MAX ? (int64_t)digits : LIFE_S_MAX;
	weft_json_get_double(value, &life);
	return !(life >= 1) ? 0 : life < (double)LIFE_S_MAX ? (int64_t)life : LIFE_S_MAX;
}

/* A tenth of its life before the end, at most a minute: clocks differ, and a request takes its time. */
static int64_t renewal(int64_t now_s, int64_t life)
{
	int64_t margin = life / 10 < MARGIN_S_MAX ? life / 10 : MARGIN_S_MAX;

	return life ? now_s + life - margin : 0;
}

int weft__oauth_token_read(weft_str text, int64_t now_s, weft_str scope, struct weft__oauth_grant *grant,
                           weft_error *err)
{
	char *access = NULL, *refresh = NULL, *asked = NULL;
	weft_json_doc *doc = NULL;
	weft_str type = {0};
	int r = object_open(text, &doc);

	if (r == 0)
		r = member_take(weft_json_root(doc), "access_token", &access);
	if (r == 0)
		r = member_take(weft_json_root(doc), "refresh_token", &refresh);
	if (r == 0 && scope.len_bytes) {
		asked = weft__secret_dup(scope);
		r = asked ? 0 : -ENOMEM;
	}
	if (r < 0 || !access) {
		r = refuse(r, "the answer of the token endpoint is none: no JSON, or no access_token", err);
		goto out;
	}
	if (!weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("token_type")), &type) ||
	    !weft__http_name_eq(type, WEFT_STR("Bearer"))) {
		r = refuse(-EACCES, "the token is of another type than Bearer", err);
		goto out;
	}
	grant->renew_s = renewal(now_s, life_of(weft_json_root(doc)));
	retire(grant);
	grant->access = access;
	if (refresh)
		replace(&grant->refresh, refresh);
	replace(&grant->scope, asked);
	access = refresh = asked = NULL;
out:
	weft__secret_free(access);
	weft__secret_free(refresh);
	weft__secret_free(asked);
	weft_json_release(doc);
	return r;
}

static uint32_t way_of(weft_str name)
{
	static const struct {
		const char *name;
		uint32_t way;
	} ways[] = {{"none", WEFT__OAUTH_BY_NONE},
	            {"client_secret_basic", WEFT__OAUTH_BY_BASIC},
	            {"client_secret_post", WEFT__OAUTH_BY_POST}};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (weft_str_eq(name, weft_str_from(ways[i].name)))
			return ways[i].way;
	}
	return 0;
}

int weft__oauth_client_read(weft_str text, weft_str redirect, struct weft__oauth_grant *grant,
                            weft_error *err)
{
	char *id = NULL, *secret = NULL, *where = NULL;
	weft_json_doc *doc = NULL;
	weft_str way = {0};
	int r = object_open(text, &doc);

	if (r == 0)
		r = member_take(weft_json_root(doc), "client_id", &id);
	if (r == 0)
		r = member_take(weft_json_root(doc), "client_secret", &secret);
	if (r == 0 && id) {
		where = weft__secret_dup(redirect);
		r = where ? 0 : -ENOMEM;
	}
	if (r < 0 || !id) {
		r = refuse(r, "the answer of the registration endpoint is none: no JSON, or no client_id",
		           err);
	} else {
		weft__oauth_client_forget(grant);
		weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("token_endpoint_auth_method")),
		                  &way);
		grant->client_way = way_of(way);
		grant->client_id = id;
		grant->client_secret = secret;
		grant->redirect = where;
		id = secret = where = NULL;
	}
	weft__secret_free(id);
	weft__secret_free(secret);
	weft__secret_free(where);
	weft_json_release(doc);
	return r;
}

bool weft__oauth_is_over(const struct weft__oauth_grant *grant, int64_t now_s)
{
	return grant->renew_s && now_s >= grant->renew_s;
}

/* ---- saving ------------------------------------------------------------------------------- */

static void put(weft_json_writer *w, const char *name, const char *value)
{
	if (!value)
		return;
	weft_json_key(w, weft_str_from(name));
	weft_json_put_str(w, weft_str_from(value));
}

static void put_number(weft_json_writer *w, const char *name, int64_t value)
{
	weft_json_key(w, weft_str_from(name));
	weft_json_put_int(w, value);
}

int weft__oauth_grant_write(const struct weft__oauth_grant *grant, weft_str resource, struct weft__secret *to)
{
	weft_json_writer *w;
	weft_str text = {0};
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft__json_writer_is_secret(w);
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("resource"));
	weft_json_put_str(w, resource);
	put(w, "issuer", grant->issuer);
	put(w, "client_id", grant->client_id);
	put(w, "client_secret", grant->client_secret);
	put(w, "redirect_uri", grant->redirect);
	put(w, "access_token", grant->access);
	put(w, "refresh_token", grant->refresh);
	put(w, "scope", grant->scope);
	put_number(w, "client_way", grant->client_way);
	put_number(w, "renew_at", grant->renew_s);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0) {
		weft__secret_put(to, text);
		r = to->failed ? -ENOMEM : 0;
	}
	weft_json_writer_destroy(w);
	return r;
}

static bool is_for(weft_json object, weft_str resource)
{
	weft_str name;

	return weft_json_get_str(weft_json_find(object, WEFT_STR("resource")), &name) &&
	       weft_str_eq(name, resource);
}

static int grant_take(weft_json object, struct weft__oauth_grant *g)
{
	const struct {
		const char *name;
		char **to;
	} members[] = {{"issuer", &g->issuer},
	               {"client_id", &g->client_id},
	               {"client_secret", &g->client_secret},
	               {"redirect_uri", &g->redirect},
	               {"access_token", &g->access},
	               {"refresh_token", &g->refresh}};
	int64_t number = 0;
	weft_str scope;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(members) / sizeof(members[0]); i++)
		r = member_take(object, members[i].name, members[i].to);
	if (r < 0)
		return r;
	if (weft_json_get_str(weft_json_find(object, WEFT_STR("scope")), &scope) &&
	    weft__oauth_scope_is_valid(scope) && scope.len_bytes < WEFT__OAUTH_SCOPE_BYTES_MAX &&
	    !(g->scope = weft__secret_dup(scope)))
		return -ENOMEM;
	weft_json_get_int(weft_json_find(object, WEFT_STR("renew_at")), &g->renew_s);
	weft_json_get_int(weft_json_find(object, WEFT_STR("client_way")), &number);
	g->client_way = (uint32_t)(number &
	                           (WEFT__OAUTH_BY_NONE | WEFT__OAUTH_BY_BASIC | WEFT__OAUTH_BY_POST));
	return g->issuer ? 0 : -EBADMSG; /* tokens of nobody are for nobody */
}

int weft__oauth_grant_read(weft_str text, weft_str resource, struct weft__oauth_grant *grant)
{
	struct weft__oauth_grant read = {0};
	weft_json_doc *doc = NULL;
	int r = object_open(text, &doc);

	if (r == 0)
		r = is_for(weft_json_root(doc), resource) ? grant_take(weft_json_root(doc), &read) : -EBADMSG;
	weft_json_release(doc);
	if (r < 0) {
		weft__oauth_grant_fini(&read);
		return r;
	}
	weft__oauth_grant_fini(grant);
	*grant = read; /* ownership moved */
	return 0;
}

/* ---- refusals ------------------------------------------------------------------------------- */

/* The words that RFC 6749 and its extensions have: nothing that was sent comes back by this. */
static bool is_word(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if ((text.ptr[i] < 'a' || text.ptr[i] > 'z') && text.ptr[i] != '_')
			return false;
	}
	return true;
}

void weft__oauth_error_read(weft_str text, char *to)
{
	weft_json_doc *doc = NULL;
	weft_str error = {0};

	*to = '\0';
	if (object_open(text, &doc) < 0)
		return;
	weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("error")), &error);
	if (error.len_bytes < 48 && is_word(error)) {
		memcpy(to, error.len_bytes ? error.ptr : "", error.len_bytes);
		to[error.len_bytes] = '\0';
	}
	weft_json_release(doc);
}
