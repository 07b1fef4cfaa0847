/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/operation.c - reading an operation: its parameters, its body, its tool.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "actors/openapi/document.h"
#include "actors/openapi/operation.h"
#include "actors/text.h"

#define PATH_BYTES_MAX 2000u
#define DESCRIPTION_BYTES_MAX 4096u

static weft_str member(weft_json v, weft_str key)
{
	weft_str text = { "", 0 };

	weft_json_get_str(weft_json_find(v, key), &text);
	return text;
}

static bool is_true(weft_json v, weft_str key)
{
	bool yes = false;

	weft_json_get_bool(weft_json_find(v, key), &yes);
	return yes;
}

/* ---- parameters -------------------------------------------------------------------------- */

/*
 * Fields that are HTTP's or a secret's, and those by which a server takes another method, path or
 * sender than was sent. '_' is a '-' to many.
 */
static bool is_reserved(weft_str name)
{
	static const char *const reserved[] = { "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length",
		                                "Content-Type", "Cookie", "Expect", "Forwarded", "Host", "Keep-Alive", "Proxy-Authorization",
		                                "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
		                                "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL",
		                                "X-Real-IP", "X-Rewrite-URL" };
	static const weft_str forwarded = WEFT_STR("X-Forwarded-");

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (weft__name_matches(name, weft_str_from(reserved[i])))
			return true;
	}
	return name.len_bytes > forwarded.len_bytes && weft__name_matches((weft_str){ name.ptr, forwarded.len_bytes }, forwarded);
}

/* 0, or 1: it is not for the model and need not be there, or -EPERM. */
static int param_place(const struct weft__openapi *api, weft_json v, struct weft__openapi_param *param, weft_error *why)
{
	weft_str in = member(v, WEFT_STR("in"));

	if (!param->name.len_bytes)
		return weft_error_set(why, -EPERM, "a parameter has no name");
	if (weft__openapi_is_secret(api, param->name, in))
		return 1;
	if (weft_str_eq(in, WEFT_STR("path"))) {
		param->in = WEFT__OPENAPI_PATH;
		param->required = true;
	} else if (weft_str_eq(in, WEFT_STR("query"))) {
		param->in = WEFT__OPENAPI_QUERY;
	} else if (weft_str_eq(in, WEFT_STR("header"))) {
		param->in = WEFT__OPENAPI_HEADER;
		if (is_reserved(param->name))
			return 1;
	} else if (weft_str_eq(in, WEFT_STR("cookie"))) {
		param->in = WEFT__OPENAPI_COOKIE;
	} else {
		return param->required ? weft_error_set(why, -EPERM, "it needs a parameter in '%.*s'", (int)(in.len_bytes < 20 ? in.len_bytes : 20), in.ptr) : 1;
	}
	return 0;
}

static void param_style(weft_json v, struct weft__openapi_param *param)
{
	weft_str style = member(v, WEFT_STR("style"));
	bool explode = param->in == WEFT__OPENAPI_QUERY && (!style.len_bytes || weft_str_eq(style, WEFT_STR("form")));

	weft_json_get_bool(weft_json_find(v, WEFT_STR("explode")), &explode);
	param->separator = weft_str_eq(style, WEFT_STR("spaceDelimited")) ? ' ' : weft_str_eq(style, WEFT_STR("pipeDelimited")) ? '|' : ',';
	if (param->in == WEFT__OPENAPI_QUERY && weft_str_eq(style, WEFT_STR("deepObject")))
		param->style = WEFT__OPENAPI_DEEP;
	else
		param->style = param->in == WEFT__OPENAPI_QUERY && explode ? WEFT__OPENAPI_EXPLODE : WEFT__OPENAPI_PLAIN;
}

static bool is_taken(const struct weft__openapi_operation *op, weft_str argument)
{
	for (uint32_t i = 0; i < op->param_count; i++) {
		if (weft_str_eq(op->params[i].argument, argument))
			return true;
	}
	return weft_str_eq(argument, WEFT_STR("body"));
}

/* A second "id" is called "id_query". */
static int param_name(struct weft__openapi_operation *op, struct weft__openapi_param *param)
{
	static const char *const places[] = { "path", "query", "header", "cookie" };

	param->argument = param->name;
	if (is_taken(op, param->name))
		param->argument = weft_arena_printf(op->api->arena, "%.*s_%s", WEFT_STR_ARG(param->name), places[param->in]);
	return !param->argument.ptr ? -ENOMEM : is_taken(op, param->argument) ? -EPERM : 0;
}

static struct weft__openapi_param *param_find(const struct weft__openapi_operation *op, weft_str name, uint8_t in)
{
	for (uint32_t i = 0; i < op->param_count; i++) {
		if (op->params[i].in == in && weft_str_eq(op->params[i].name, name))
			return &op->params[i];
	}
	return NULL;
}

/* An operation's parameter takes the place of its path's: those come first, and are not added again. */
static int param_add(struct weft__openapi_operation *op, weft_json entry, uint8_t place, weft_error *why)
{
	weft_json v = weft__openapi_resolve(op->api->root, entry);
	struct weft__openapi_param param = { .name = weft_arena_dup(op->api->arena, member(v, WEFT_STR("name"))),
		                             .required = is_true(v, WEFT_STR("required")),
		                             .entry = v };
	int r = param_place(op->api, v, &param, why);

	if (!param.name.ptr)
		return -ENOMEM;
	if (r != 0)
		return r < 0 ? r : 0;
	if (param.in != place || param_find(op, param.name, param.in))
		return 0;
	if (op->param_count == WEFT__OPENAPI_PARAMS_MAX)
		return weft_error_set(why, -EPERM, "it has too many parameters");
	param_style(v, &param);
	r = param_name(op, &param);
	if (r < 0)
		return r == -EPERM ? weft_error_set(why, r, "it has two parameters of one name") : r;
	op->params[op->param_count++] = param;
	return 0;
}

static int params_read(struct weft__openapi_operation *op, weft_json item, weft_json operation, weft_error *why)
{
	weft_json lists[2] = { weft_json_find(operation, WEFT_STR("parameters")), weft_json_find(item, WEFT_STR("parameters")) };
	weft_json_iter it;
	int r = 0;

	op->params = weft_arena_calloc(op->api->arena, WEFT__OPENAPI_PARAMS_MAX * sizeof(*op->params));
	if (!op->params)
		return -ENOMEM;
	/* those of the path first: they keep their names */
	for (uint8_t place = WEFT__OPENAPI_PATH; place <= WEFT__OPENAPI_COOKIE; place++) {
		for (size_t i = 0; i < 2; i++) {
			for (it = weft_json_iter_begin(lists[i]); r == 0 && weft_json_iter_next(&it);)
				r = param_add(op, it.value, place, why);
		}
	}
	return r;
}

/* %2e, %2f, %5c: a '.', '/' or '\\' that many servers see only after they have looked at the path. */
static bool is_hidden_path(const char *at)
{
	return !strncasecmp(at, "%2e", 3) || !strncasecmp(at, "%2f", 3) || !strncasecmp(at, "%5c", 3);
}

static bool is_path_char(const char *at, const char *end)
{
	unsigned char c = (unsigned char)*at;

	if (c == '%')
		return end - at > 2 && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) && !is_hidden_path(at);
	return c < 0x80 && (isalnum(c) || (c && strchr("/-._~!$&'()*+,;=:@", c)));
}

/* Every {name} of the path is one of them, and nothing else in it is odd. */
static int path_check(const struct weft__openapi_operation *op, weft_error *why)
{
	const char *at = op->path.ptr, *end = at + op->path.len_bytes;

	if (!op->path.len_bytes || *at != '/' || op->path.len_bytes > PATH_BYTES_MAX || memmem(at, op->path.len_bytes, "..", 2))
		return weft_error_set(why, -EPERM, "its path is none");
	while (at < end) {
		const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;

		if (!close && !is_path_char(at, end))
			return weft_error_set(why, -EPERM, "its path is none");
		if (close && !param_find(op, (weft_str){ at + 1, (size_t)(close - at - 1) }, WEFT__OPENAPI_PATH))
			return weft_error_set(why, -EPERM, "a part of its path is no parameter");
		at = close ? close + 1 : at + 1;
	}
	return 0;
}

/* ---- body ----------------------------------------------------------------------------------- */

static uint8_t body_kind(weft_str type)
{
	weft_str bare = type;
	const char *semicolon = memchr(type.ptr, ';', type.len_bytes);

	for (size_t i = 0; i < type.len_bytes; i++) {
		if (type.ptr[i] < 0x20 || type.ptr[i] > 0x7e)
			return WEFT__OPENAPI_NO_BODY; /* it becomes a field */
	}
	if (semicolon)
		bare.len_bytes = (size_t)(semicolon - type.ptr);
	bare = weft__str_trim(bare);
	if (weft__str_eq_nocase(bare, WEFT_STR("application/json")) ||
	    (bare.len_bytes > 5 && weft__str_eq_nocase((weft_str){ bare.ptr + bare.len_bytes - 5, 5 }, WEFT_STR("+json"))))
		return WEFT__OPENAPI_JSON;
	if (weft__str_eq_nocase(bare, WEFT_STR("application/x-www-form-urlencoded")))
		return WEFT__OPENAPI_FORM;
	if (weft__str_eq_nocase(bare, WEFT_STR("multipart/form-data")))
		return WEFT__OPENAPI_MULTIPART;
	return weft__str_eq_nocase(bare, WEFT_STR("text/plain")) ? WEFT__OPENAPI_TEXT : WEFT__OPENAPI_NO_BODY;
}

static int body_read(struct weft__openapi_operation *op, weft_json operation, weft_json *ret_schema, weft_error *why)
{
	weft_json body = weft__openapi_resolve(op->api->root, weft_json_find(operation, WEFT_STR("requestBody")));
	weft_json media = { 0 };
	weft_json_iter it;

	*ret_schema = (weft_json){ 0 };
	op->body_required = is_true(body, WEFT_STR("required"));
	for (it = weft_json_iter_begin(weft_json_find(body, WEFT_STR("content"))); weft_json_iter_next(&it);) {
		uint8_t kind = body_kind(it.key);

		if (kind == WEFT__OPENAPI_NO_BODY || (op->body && op->body <= kind))
			continue;
		op->body = kind;
		op->body_type = weft_arena_dup(op->api->arena, it.key);
		media = it.value;
		if (!op->body_type.ptr)
			return -ENOMEM;
	}
	if (op->body_required && !op->body)
		return weft_error_set(why, -EPERM, "its body is of a kind that is not spoken here");
	*ret_schema = weft_json_find(media, WEFT_STR("schema"));
	return op->body == WEFT__OPENAPI_MULTIPART ? weft__openapi_parts_read(op, media) : 0;
}

/* ---- the tool --------------------------------------------------------------------------------- */

/* The schema of a parameter, with its description; a parameter with content instead of a schema is text. */
static int param_schema_put(const struct weft__openapi_operation *op, weft_json_writer *w, const struct weft__openapi_param *param,
                            uint32_t *parts)
{
	weft_json schema = weft_json_find(param->entry, WEFT_STR("schema"));
	weft_str about = member(param->entry, WEFT_STR("description"));

	if (weft_json_typeof(schema) != WEFT_JSON_NONE)
		return weft__openapi_schema_put(w, op->api->root, schema, about, parts);
	weft_json_put_raw(w, WEFT_STR("{\"type\":\"string\"}"));
	return 0;
}

static void required_put(const struct weft__openapi_operation *op, weft_json_writer *w)
{
	weft_json_key(w, WEFT_STR("required"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < op->param_count; i++) {
		if (op->params[i].required)
			weft_json_put_str(w, op->params[i].argument);
	}
	if (op->body && op->body_required)
		weft_json_put_str(w, WEFT_STR("body"));
	weft_json_end_array(w);
}

static int schema_put(const struct weft__openapi_operation *op, weft_json_writer *w, weft_json body)
{
	uint32_t parts = WEFT__OPENAPI_SCHEMA_PARTS_MAX;
	int r = 0;

	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("type"));
	weft_json_put_str(w, WEFT_STR("object"));
	weft_json_key(w, WEFT_STR("properties"));
	weft_json_begin_object(w);
	for (uint32_t i = 0; r == 0 && i < op->param_count; i++) {
		weft_json_key(w, op->params[i].argument);
		r = param_schema_put(op, w, &op->params[i], &parts);
	}
	if (r == 0 && op->body) {
		weft_json_key(w, WEFT_STR("body"));
		if (op->body == WEFT__OPENAPI_MULTIPART)
			r = weft__openapi_parts_schema_put(op, w, body, &parts);
		else if (weft_json_typeof(body) == WEFT_JSON_NONE)
			weft_json_put_raw(w, WEFT_STR("{}"));
		else
			r = weft__openapi_schema_put(w, op->api->root, body, (weft_str){ 0 }, &parts);
	}
	weft_json_end_object(w);
	required_put(op, w);
	weft_json_key(w, WEFT_STR("additionalProperties"));
	weft_json_put_bool(w, false);
	weft_json_end_object(w);
	return r;
}

static int schema_make(const struct weft__openapi_operation *op, weft_json body, weft_str *ret, weft_error *why)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	r = schema_put(op, w, body);
	if (r < 0)
		r = weft_error_set(why, -EPERM, r == -E2BIG ? "its schema is too large" : "its schema refers to what is not there");
	else
		r = weft_json_writer_text(w, &text);
	if (r == -EINVAL)
		r = weft_error_set(why, -EPERM, "its schema is too deep");
	if (r == 0) {
		*ret = weft_arena_dup(op->api->arena, text);
		r = ret->ptr ? 0 : -ENOMEM;
	}
	weft_json_writer_destroy(w);
	return r;
}

static weft_str description_make(struct weft__openapi_operation *op, weft_json operation)
{
	weft_str summary = member(operation, WEFT_STR("summary")), about = member(operation, WEFT_STR("description"));

	about.len_bytes = weft__str_cut(about, DESCRIPTION_BYTES_MAX);
	summary.len_bytes = weft__str_cut(summary, DESCRIPTION_BYTES_MAX);
	if (!summary.len_bytes && !about.len_bytes)
		return weft_arena_printf(op->api->arena, "%.*s %.*s", WEFT_STR_ARG(op->method), WEFT_STR_ARG(op->path));
	return weft_arena_printf(op->api->arena, "%.*s%s%.*s", WEFT_STR_ARG(summary), summary.len_bytes && about.len_bytes ? "\n" : "",
	                         WEFT_STR_ARG(about));
}

static weft_str id_make(struct weft__openapi_operation *op, weft_json operation)
{
	weft_str id = member(operation, WEFT_STR("operationId"));

	if (id.len_bytes)
		return weft_arena_dup(op->api->arena, id);
	return weft_arena_printf(op->api->arena, "%.*s%.*s", WEFT_STR_ARG(op->method), WEFT_STR_ARG(op->path));
}

int weft__openapi_read(struct weft__openapi *api, weft_str path, weft_json item, const char *method, weft_json operation,
                       struct weft__openapi_operation **ret, weft_str *ret_schema_json, weft_str *ret_description,
                       weft_error *why)
{
	struct weft__openapi_operation *op = weft_arena_calloc(api->arena, sizeof(*op));
	weft_json body;
	int r;

	if (!op)
		return -ENOMEM;
	op->api = api;
	op->method = weft_str_from(method); /* static */
	op->path = weft_arena_dup(api->arena, path);
	op->id = id_make(op, operation);
	*ret_description = description_make(op, operation);
	if (!op->path.ptr || !op->id.ptr || !ret_description->ptr)
		return -ENOMEM;
	r = weft__openapi_server(op, item, operation, why);
	if (r == 0)
		r = weft__openapi_secure(op, operation, why);
	if (r == 0)
		r = params_read(op, item, operation, why);
	if (r == 0)
		r = path_check(op, why);
	if (r == 0)
		r = body_read(op, operation, &body, why);
	if (r == 0)
		r = schema_make(op, body, ret_schema_json, why);
	*ret = op;
	return r;
}
