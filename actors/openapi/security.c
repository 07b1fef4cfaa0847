/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/security.c - who may be asked, and with which secret.
 *
 * Secrets come from the options, go to servers that the options allow, and have no name in a tool's
 * schema. A document only says where they belong.
 */
#include <errno.h>
#include <string.h>

#include "actors/openapi/operation.h"
#include "actors/text.h"
#include "net/http/url.h"

#define SERVER_BYTES_MAX 2000u
#define SPELLING_BYTES_MIN 4u

static weft_str member(weft_json v, weft_str key)
{
	weft_str text = { "", 0 };

	weft_json_get_str(weft_json_find(v, key), &text);
	return text;
}

/* ---- servers ------------------------------------------------------------------------- */

/* "host:port", or "host" and "*.domain" on the port of the scheme. */
static bool host_matches(weft_str pattern, const struct weft__url *url)
{
	weft_str host = url->host;

	if (weft__str_eq_nocase(pattern, url->authority))
		return true;
	if (url->port != (url->tls ? 443 : 80))
		return false;
	if (pattern.len_bytes > 2 && pattern.ptr[0] == '*' && pattern.ptr[1] == '.') {
		size_t n = pattern.len_bytes - 1; /* with the dot */

		return host.len_bytes > n &&
		       weft__str_eq_nocase((weft_str){ pattern.ptr + 1, n }, (weft_str){ host.ptr + host.len_bytes - n, n });
	}
	return weft__str_eq_nocase(pattern, host);
}

static bool host_is_allowed(const weft_openapi_options *o, const struct weft__url *url)
{
	struct weft__url own;

	if (o->server && weft__url_parse(weft_str_from(o->server), &own, NULL) == 0 && weft__url_same_origin(&own, url))
		return true;
	for (const char *const *host = o->hosts; host && *host; host++) {
		if (host_matches(weft_str_from(*host), url))
			return true;
	}
	return false;
}

/* {variables} of a server's address get what the document presets. */
static weft_str server_expand(weft_arena *arena, weft_json server)
{
	weft_str url = member(server, WEFT_STR("url")), text = { 0 };
	weft_json variables = weft_json_find(server, WEFT_STR("variables"));
	struct weft__buf b = weft__buf_begin(arena, url.len_bytes + 64);
	const char *at = url.ptr, *end = url.ptr + url.len_bytes;

	while (at < end) {
		const char *open = memchr(at, '{', (size_t)(end - at));
		const char *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;

		weft__buf_put(&b, (weft_str){ at, (size_t)((close ? open : end) - at) });
		if (close)
			weft__buf_put(&b, member(weft_json_find(variables, (weft_str){ open + 1, (size_t)(close - open - 1) }), WEFT_STR("default")));
		at = close ? close + 1 : end;
	}
	(void)weft__buf_end(&b, &text);
	return text;
}

/* The first of the nearest list: the operation's, its path's, the document's. */
static weft_str server_named(const struct weft__openapi_operation *op, weft_json item, weft_json operation)
{
	weft_json lists[3] = { weft_json_find(operation, WEFT_STR("servers")), weft_json_find(item, WEFT_STR("servers")),
		               weft_json_find(op->api->root, WEFT_STR("servers")) };
	weft_json_iter it;

	if (op->api->options.server)
		return weft_arena_dup(op->api->arena, weft_str_from(op->api->options.server));
	for (size_t i = 0; i < 3; i++) {
		it = weft_json_iter_begin(lists[i]);
		if (weft_json_iter_next(&it))
			return server_expand(op->api->arena, it.value);
	}
	return (weft_str){ "", 0 };
}

int weft__openapi_server(struct weft__openapi_operation *op, weft_json item, weft_json operation, weft_error *why)
{
	weft_str server = server_named(op, item, operation);
	struct weft__url url;
	weft_error bad = { 0 };

	if (!server.ptr)
		return -ENOMEM;
	if (server.len_bytes > SERVER_BYTES_MAX || weft__url_parse(server, &url, &bad) < 0)
		return weft_error_set(why, -EPERM, "its server '%.*s' is no address that can be asked: %s",
		                      (int)(server.len_bytes < 100 ? server.len_bytes : 100), server.ptr, bad.message);
	if (memchr(url.path_query.ptr ? url.path_query.ptr : "", '?', url.path_query.len_bytes))
		return weft_error_set(why, -EPERM, "its server has a query");
	if (!host_is_allowed(&op->api->options, &url))
		return weft_error_set(why, -EPERM, "its server %.*s is not among the hosts that may be asked",
		                      (int)(url.authority.len_bytes < 100 ? url.authority.len_bytes : 100), url.authority.ptr);
	while (server.len_bytes && server.ptr[server.len_bytes - 1] == '/')
		server.len_bytes--;
	op->server = server;
	op->open = !url.tls && !op->api->options.server; /* http, and the document's choice */
	return 0;
}

/* ---- secrets --------------------------------------------------------------------------- */

static const char *credential(const weft_openapi_options *o, weft_str scheme)
{
	for (const weft_openapi_credential *c = o->credentials; c && c->scheme; c++) {
		if (weft_str_eq(weft_str_from(c->scheme), scheme))
			return c->value;
	}
	return NULL;
}

static weft_json schemes_of(const struct weft__openapi *api)
{
	return weft_json_find(weft_json_find(api->root, WEFT_STR("components")), WEFT_STR("securitySchemes"));
}

bool weft__openapi_is_secret(const struct weft__openapi *api, weft_str name, weft_str in)
{
	weft_json_iter it;

	for (it = weft_json_iter_begin(schemes_of(api)); weft_json_iter_next(&it);) {
		weft_json scheme = weft__openapi_resolve(api->root, it.value);
		weft_str other = member(scheme, WEFT_STR("name"));

		if (weft_str_eq(member(scheme, WEFT_STR("type")), WEFT_STR("apiKey")) &&
		    weft_str_eq(member(scheme, WEFT_STR("in")), in) && weft__str_eq_nocase(other, name))
			return true;
	}
	return false;
}

static weft_str base64_of(weft_arena *arena, const char *prefix, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct weft__buf b = weft__buf_begin(arena, strlen(text) * 2 + 16);
	size_t n = strlen(text);
	weft_str all = { 0 };

	weft__buf_put(&b, weft_str_from(prefix));
	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)(uint8_t)text[i] << 16 | (i + 1 < n ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0) |
		                 (i + 2 < n ? (uint8_t)text[i + 2] : 0);

		weft__buf_put_char(&b, digits[three >> 18]);
		weft__buf_put_char(&b, digits[three >> 12 & 63]);
		weft__buf_put_char(&b, i + 1 < n ? digits[three >> 6 & 63] : '=');
		weft__buf_put_char(&b, i + 2 < n ? digits[three & 63] : '=');
	}
	(void)weft__buf_end(&b, &all);
	return all;
}

/* A spelling of a secret that answers are searched for. One that is very short would be found everywhere. */
static int spelling_add(struct weft__openapi_operation *op, weft_str text)
{
	if (!text.ptr)
		return -ENOMEM;
	if (text.len_bytes < SPELLING_BYTES_MIN)
		return 0;
	if (op->secret_count == WEFT__OPENAPI_SPELLINGS_MAX)
		return -EPERM;
	op->secrets[op->secret_count++] = text;
	return 0;
}

static int field_add(struct weft__openapi_operation *op, weft_str name, weft_str value)
{
	if (!name.ptr || !value.ptr)
		return -ENOMEM;
	if (op->field_count == WEFT__OPENAPI_SECRETS_MAX)
		return -EPERM;
	op->fields[op->field_count++] = (struct weft__http_field){ name, value };
	return 0;
}

static int query_add(struct weft__openapi_operation *op, weft_str name, const char *value)
{
	weft_arena *arena = op->api->arena;
	struct weft__buf b = weft__buf_begin(arena, 128), v = weft__buf_begin(arena, 128);
	weft_str encoded;
	int r;

	weft__openapi_encode(&v, weft_str_from(value));
	r = weft__buf_end(&v, &encoded);
	if (r == 0)
		r = spelling_add(op, encoded);
	if (r < 0)
		return r;
	weft__buf_put(&b, op->secret_query);
	if (op->secret_query.len_bytes)
		weft__buf_put_char(&b, '&');
	weft__openapi_encode(&b, name);
	weft__buf_put_char(&b, '=');
	weft__buf_put(&b, encoded);
	return weft__buf_end(&b, &op->secret_query);
}

/* RFC 6265: what a cookie may be made of, which is sent as it is; a name has none of the separators either. */
static bool is_cookie(weft_str text, bool is_name)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e || strchr(is_name ? "\",;\\=()<>@:/[]?{}" : "\",;\\", text.ptr[i]))
			return false;
	}
	return text.len_bytes;
}

static int cookie_add(struct weft__openapi_operation *op, weft_str name, const char *value)
{
	weft_str had = op->secret_cookie;

	if (!is_cookie(name, true) || !is_cookie(weft_str_from(value), false))
		return -EPERM;
	op->secret_cookie = weft_arena_printf(op->api->arena, "%.*s%s%.*s=%s", WEFT_STR_ARG(had), had.len_bytes ? "; " : "",
	                                      WEFT_STR_ARG(name), value);
	return op->secret_cookie.ptr ? 0 : -ENOMEM;
}

/* "name:password": the password alone is a secret, too, and so is what is sent. */
static int basic_add(struct weft__openapi_operation *op, const char *value)
{
	weft_str sent = base64_of(op->api->arena, "Basic ", value);
	const char *colon = strchr(value, ':');
	int r = field_add(op, WEFT_STR("Authorization"), sent);

	if (r == 0)
		r = spelling_add(op, (weft_str){ sent.ptr + 6, sent.len_bytes - 6 });
	if (r == 0 && colon)
		r = spelling_add(op, weft_arena_dup(op->api->arena, weft_str_from(colon + 1)));
	return r;
}

/* Put a secret where its scheme wants it. -EPERM: a scheme that is not spoken here. */
static int scheme_use(struct weft__openapi_operation *op, weft_json scheme, const char *value)
{
	weft_arena *arena = op->api->arena;
	weft_str type = member(scheme, WEFT_STR("type")), in = member(scheme, WEFT_STR("in"));
	weft_str name = member(scheme, WEFT_STR("name")), kind = member(scheme, WEFT_STR("scheme"));

	if (weft_str_eq(type, WEFT_STR("apiKey")) && weft_str_eq(in, WEFT_STR("header")))
		return field_add(op, weft_arena_dup(arena, name), weft_arena_dup(arena, weft_str_from(value)));
	if (weft_str_eq(type, WEFT_STR("apiKey")) && weft_str_eq(in, WEFT_STR("query")))
		return query_add(op, name, value);
	if (weft_str_eq(type, WEFT_STR("apiKey")) && weft_str_eq(in, WEFT_STR("cookie")))
		return cookie_add(op, name, value);
	if (weft_str_eq(type, WEFT_STR("http")) && weft__str_eq_nocase(kind, WEFT_STR("basic")))
		return basic_add(op, value);
	if ((weft_str_eq(type, WEFT_STR("http")) && weft__str_eq_nocase(kind, WEFT_STR("bearer"))) ||
	    weft_str_eq(type, WEFT_STR("oauth2")) || weft_str_eq(type, WEFT_STR("openIdConnect")))
		return field_add(op, WEFT_STR("Authorization"), weft_arena_printf(arena, "Bearer %s", value));
	return -EPERM;
}

/* One alternative: all of its schemes together. */
static int requirement_use(struct weft__openapi_operation *op, weft_json requirement)
{
	weft_json schemes = schemes_of(op->api);
	weft_json_iter it;
	int r = 0;

	op->field_count = 0;
	op->secret_count = 0;
	op->secret_query = op->secret_cookie = (weft_str){ "", 0 };
	for (it = weft_json_iter_begin(requirement); r == 0 && weft_json_iter_next(&it);) {
		const char *value = credential(&op->api->options, it.key);

		r = value ? spelling_add(op, weft_arena_dup(op->api->arena, weft_str_from(value))) : -EPERM;
		if (r == 0)
			r = scheme_use(op, weft__openapi_resolve(op->api->root, weft_json_find(schemes, it.key)), value);
	}
	return r;
}

int weft__openapi_secure(struct weft__openapi_operation *op, weft_json operation, weft_error *why)
{
	weft_json security = weft_json_find(operation, WEFT_STR("security"));
	weft_json_iter it;
	int r = 0;

	if (weft_json_typeof(security) == WEFT_JSON_NONE)
		security = weft_json_find(op->api->root, WEFT_STR("security"));
	if (!weft_json_count(security))
		return 0;
	op->fields = weft_arena_calloc(op->api->arena, WEFT__OPENAPI_SECRETS_MAX * sizeof(*op->fields));
	op->secrets = weft_arena_calloc(op->api->arena, WEFT__OPENAPI_SPELLINGS_MAX * sizeof(*op->secrets));
	if (!op->fields || !op->secrets)
		return -ENOMEM;
	/* what takes a secret is better than what takes none: the last is {} in many documents, or the first */
	for (int empty = 0; empty < 2; empty++) {
		for (it = weft_json_iter_begin(security); weft_json_iter_next(&it);) {
			if ((weft_json_count(it.value) == 0) != (empty == 1))
				continue;
			r = requirement_use(op, it.value);
			if (r == 0 && op->open && (op->field_count || op->secret_query.len_bytes || op->secret_cookie.len_bytes))
				return weft_error_set(why, -EPERM, "its secret would go over http");
			if (r != -EPERM)
				return r;
		}
	}
	return weft_error_set(why, -EPERM, "it wants a credential that was not given");
}

static weft_str without(weft_str text, weft_str secret, weft_arena *arena)
{
	const char *at = text.ptr, *end = at + text.len_bytes, *found = memmem(at, text.len_bytes, secret.ptr, secret.len_bytes);
	struct weft__buf b;
	weft_str out = { 0 };

	if (!found)
		return text;
	b = weft__buf_begin(arena, text.len_bytes + 16);
	for (; found; found = memmem(at, (size_t)(end - at), secret.ptr, secret.len_bytes)) {
		weft__buf_put(&b, (weft_str){ at, (size_t)(found - at) });
		weft__buf_put(&b, WEFT_STR("[secret]"));
		at = found + secret.len_bytes;
	}
	weft__buf_put(&b, (weft_str){ at, (size_t)(end - at) });
	(void)weft__buf_end(&b, &out);
	return out;
}

weft_str weft__openapi_mask(const struct weft__openapi_operation *op, weft_str text, weft_arena *arena)
{
	for (uint32_t i = 0; text.len_bytes && i < op->secret_count; i++)
		text = without(text, op->secrets[i], arena);
	return text;
}
