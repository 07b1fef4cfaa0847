/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/tools.c - a document's operations into a registry: all that may be called, or none.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/openapi/operation.h"
#include "actors/tool.h"
#include "actors/tool_name.h"

#define SECOND_NS UINT64_C(1000000000)
#define OPERATIONS_MAX 1000u

/* ---- what operations share ------------------------------------------------------------- */

struct weft__openapi *weft__openapi_ref(struct weft__openapi *api)
{
	weft__refs_take(&api->refs);
	return api;
}

void weft__openapi_unref(struct weft__openapi *api)
{
	if (!api || !weft__refs_drop(&api->refs))
		return;
	weft_json_release(api->doc);
	weft_arena_destroy(api->arena); /* api is in it */
}

static void operation_release(void *user)
{
	struct weft__openapi_operation *op = user;

	weft__openapi_unref(op->api);
}

static int is_openapi(weft_json root, weft_error *err)
{
	weft_str version = { "", 0 };

	if (!weft_json_get_str(weft_json_find(root, WEFT_STR("openapi")), &version) || version.len_bytes < 2 ||
	    memcmp(version.ptr, "3.", 2) != 0)
		return weft_error_set(err, WEFT_ESCHEMA, "this is no OpenAPI 3 document: member openapi is '%.*s'",
		                      (int)(version.len_bytes < 20 ? version.len_bytes : 20), version.ptr);
	if (weft_json_typeof(weft_json_find(root, WEFT_STR("paths"))) != WEFT_JSON_OBJECT)
		return weft_error_set(err, WEFT_ESCHEMA, "the document has no paths");
	return 0;
}

static int document_read(struct weft__openapi *api, weft_str text, weft_error *err)
{
	weft_error why = { 0 };
	weft_str title = WEFT_STR("openapi");
	int r = weft_json_parse(text, &api->doc, &why);

	if (r < 0)
		return weft_error_set(err, r, "the document is not JSON (YAML has to be converted): %s", why.message);
	api->root = weft_json_root(api->doc);
	weft_json_get_str(weft_json_find(weft_json_find(api->root, WEFT_STR("info")), WEFT_STR("title")), &title);
	api->name = weft_arena_dup(api->arena, api->options.name ? weft_str_from(api->options.name) : title).ptr;
	return api->name ? is_openapi(api->root, err) : -ENOMEM;
}

static int options_check(const weft_openapi_options *opt, weft_error *err)
{
	if (!opt->server && !opt->hosts)
		return weft_error_set(err, -EINVAL, "say which hosts may be asked: neither server nor hosts is given");
	for (const weft_openapi_credential *c = opt->credentials; c && c->scheme; c++) {
		if (!c->value)
			return weft_error_set(err, -EINVAL, "the credential '%s' has no value", c->scheme);
	}
	return 0;
}

static int api_make(const weft_openapi_options *opt, struct weft__openapi **ret, weft_error *err)
{
	struct weft__openapi *api;
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	weft_arena_wipe_at_end(arena); /* credentials, as they are sent */
	api = weft_arena_calloc(arena, sizeof(*api));
	if (!api) {
		weft_arena_destroy(arena);
		return -ENOMEM;
	}
	weft__refs_init(&api->refs, 1);
	api->arena = arena;
	api->options = *opt;
	if (!api->options.timeout_ns)
		api->options.timeout_ns = 30 * SECOND_NS;
	if (!api->options.result_bytes_max)
		api->options.result_bytes_max = 64u << 10;
	api->options.ca_file = opt->ca_file ? weft_arena_dup(arena, weft_str_from(opt->ca_file)).ptr : NULL;
	r = opt->ca_file && !api->options.ca_file ? -ENOMEM : document_read(api, opt->document, err);
	if (r == 0)
		*ret = api;
	else
		weft__openapi_unref(api);
	return r;
}

/* What was the caller's, and the document, are needed no more. */
static void api_settle(struct weft__openapi *api)
{
	weft_openapi_options *o = &api->options;

	o->name = o->server = NULL;
	o->hosts = o->methods = o->operations = NULL;
	o->credentials = NULL;
	o->document = (weft_str){ 0 };
	o->log = NULL;
	weft_json_release(api->doc);
	api->doc = NULL;
}

/* ---- operations --------------------------------------------------------------------------- */

static const struct {
	const char *member, *method;
	uint32_t flags;
} methods[] = {
	{ "get", "GET", WEFT_TOOL_READ_ONLY },
	{ "head", "HEAD", WEFT_TOOL_READ_ONLY },
	{ "options", "OPTIONS", WEFT_TOOL_READ_ONLY },
	{ "post", "POST", 0 },
	{ "put", "PUT", WEFT_TOOL_DESTRUCTIVE | WEFT_TOOL_IDEMPOTENT },
	{ "patch", "PATCH", WEFT_TOOL_DESTRUCTIVE },
	{ "delete", "DELETE", WEFT_TOOL_DESTRUCTIVE | WEFT_TOOL_IDEMPOTENT },
};

static bool method_is_allowed(const weft_openapi_options *o, const char *method)
{
	if (!o->methods)
		return !strcmp(method, "GET");
	for (const char *const *m = o->methods; *m; m++) {
		if (!strcmp(*m, method))
			return true;
	}
	return false;
}

static bool is_wanted(const weft_openapi_options *o, weft_json operation)
{
	weft_str id = { 0 };

	weft_json_get_str(weft_json_find(operation, WEFT_STR("operationId")), &id);
	if (!o->operations)
		return true;
	for (const char *const *wanted = o->operations; *wanted; wanted++) {
		if (id.ptr && weft_str_eq(weft_str_from(*wanted), id))
			return true;
	}
	return false;
}

static bool has_operation(const struct weft__openapi *api, weft_str id)
{
	weft_json_iter it;

	for (it = weft_json_iter_begin(weft_json_find(api->root, WEFT_STR("paths"))); weft_json_iter_next(&it);) {
		weft_json item = weft__openapi_resolve(api->root, it.value);

		for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
			weft_json operation = weft_json_find(item, weft_str_from(methods[i].member));
			weft_str found = { 0 };

			if (weft_json_get_str(weft_json_find(operation, WEFT_STR("operationId")), &found) && weft_str_eq(found, id))
				return true;
		}
	}
	return false;
}

/* A name that was misspelt would be a tool that is silently not there. */
static int check_wanted(const struct weft__openapi *api, weft_error *err)
{
	for (const char *const *wanted = api->options.operations; wanted && *wanted; wanted++) {
		if (!has_operation(api, weft_str_from(*wanted)))
			return weft_error_set(err, -EINVAL, "%.60s: the document has no operation '%.100s'", api->name, *wanted);
	}
	return 0;
}

static void left_out(const struct weft__openapi *api, const char *method, weft_str path, const char *why)
{
	char line[512];

	if (!api->options.log)
		return;
	snprintf(line, sizeof(line), "openapi %.60s: %s %.*s is left out: %s", api->name, method,
	         (int)(path.len_bytes < 100 ? path.len_bytes : 100), path.ptr, why);
	api->options.log(WEFT_LOG_INFO, line, api->options.log_user);
}

static int tool_add(weft_tools *tools, struct weft__openapi_operation *op, const char *prefix, uint32_t flags, weft_str schema,
                    weft_str description, weft_error *err)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	char name[WEFT__TOOL_NAME_BYTES + 1];
	weft_error why = { 0 };
	int r;

	weft__tool_name_fit(prefix, op->id, name);
	opt.name = name;
	opt.description = description.ptr;
	opt.schema_json = schema;
	opt.fn = weft__openapi_call;
	opt.user = op;
	opt.release = operation_release;
	opt.flags = flags | WEFT_TOOL_OPEN_WORLD;
	weft__openapi_ref(op->api);
	r = weft_tools_add(tools, &opt, &why);
	if (r == WEFT_ESCHEMA) { /* a pattern that is none of ours, say: the server checks, too */
		opt.flags |= WEFT_TOOL_UNCHECKED;
		r = weft_tools_add(tools, &opt, &why);
	}
	if (r < 0)
		weft__openapi_unref(op->api);
	return r < 0 ? weft_error_set(err, r, "%.60s: operation '%s': %s", op->api->name, name, why.message) : 0;
}

static int operation_add(weft_tools *tools, struct weft__openapi *api, weft_str path, weft_json item, size_t which,
                         weft_json operation, const char *prefix, weft_error *err)
{
	struct weft__openapi_operation *op;
	weft_str schema = { 0 }, description = { 0 };
	weft_error why = { 0 };
	int r;

	if (!method_is_allowed(&api->options, methods[which].method)) {
		left_out(api, methods[which].method, path, "this method was not allowed");
		return 0;
	}
	r = weft__openapi_read(api, path, item, methods[which].method, operation, &op, &schema, &description, &why);
	if (r == -EPERM) {
		left_out(api, methods[which].method, path, why.message);
		return 0;
	}
	return r < 0 ? r : tool_add(tools, op, prefix, methods[which].flags, schema, description, err);
}

static int paths_add(weft_tools *tools, struct weft__openapi *api, const char *prefix, weft_error *err)
{
	size_t before = weft_tools_count(tools);
	weft_json_iter it;
	int r = check_wanted(api, err);

	for (it = weft_json_iter_begin(weft_json_find(api->root, WEFT_STR("paths"))); r == 0 && weft_json_iter_next(&it);) {
		weft_json item = weft__openapi_resolve(api->root, it.value);

		for (size_t i = 0; r == 0 && i < sizeof(methods) / sizeof(methods[0]); i++) {
			weft_json operation = weft_json_find(item, weft_str_from(methods[i].member));

			if (weft_json_typeof(operation) != WEFT_JSON_OBJECT || !is_wanted(&api->options, operation))
				continue;
			r = operation_add(tools, api, it.key, item, i, operation, prefix, err);
			if (r == 0 && weft_tools_count(tools) - before > OPERATIONS_MAX)
				r = weft_error_set(err, -E2BIG, "more than %u operations: choose some", OPERATIONS_MAX);
		}
	}
	if (r < 0)
		weft__tools_cut(tools, before);
	return r < 0 ? r : (int)(weft_tools_count(tools) - before);
}

int weft_tools_add_openapi(weft_tools *tools, const weft_openapi_options *opt, const char *prefix, weft_error *err)
{
	struct weft__openapi *api;
	int r;

	if (!tools || !opt || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "a registry and options of the right size are needed");
	r = options_check(opt, err);
	if (r < 0)
		return r;
	r = api_make(opt, &api, err);
	if (r < 0)
		return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
	r = paths_add(tools, api, prefix ? prefix : "", err);
	api_settle(api);
	weft__openapi_unref(api);
	return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
}
