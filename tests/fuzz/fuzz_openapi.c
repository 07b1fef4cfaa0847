/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an OpenAPI document: it is refused with a reason, or its operations become tools whose schemas are
 * JSON, whose names are names, which do not hold the secret, and which go to the one host that is allowed. Requests
 * are made of arguments that fit nothing, and stay one line.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weft/openapi.h>

#include "actors/openapi/operation.h"
#include "actors/tool.h"
#include "fuzz.h"
#include "net/http/url.h"

#define SECRET "S3CR3T"

/* To the one host, on its usual port, and in the open only without a secret. */
static void check_url(const struct weft__openapi_operation *op, weft_str url)
{
	struct weft__url parts;

	FUZZ_CHECK(weft__url_parse(url, &parts, NULL) == 0);
	FUZZ_CHECK(parts.host.len_bytes == 11 && !strncasecmp(parts.host.ptr, "api.example", 11));
	FUZZ_CHECK(parts.port == (parts.tls ? 443 : 80));
	FUZZ_CHECK(parts.tls || (!op->field_count && !op->secret_query.len_bytes && !op->secret_cookie.len_bytes));
}

/* Whatever the arguments: a field stays one, and a body of parts has no part but its own. */
static void check_fields(const struct weft__openapi_request *q)
{
	static const weft_str multipart = WEFT_STR("multipart/form-data; boundary=");

	for (uint32_t i = 0; i < q->field_count; i++) {
		weft_str value = q->fields[i].value;

		FUZZ_CHECK(!value.len_bytes || (!memchr(value.ptr, '\r', value.len_bytes) && !memchr(value.ptr, '\n', value.len_bytes)));
		if (value.len_bytes <= multipart.len_bytes || memcmp(value.ptr, multipart.ptr, multipart.len_bytes) != 0)
			continue;
		value = (weft_str){ value.ptr + multipart.len_bytes, value.len_bytes - multipart.len_bytes };
		FUZZ_CHECK(q->body.len_bytes > value.len_bytes + 6);
		FUZZ_CHECK(!memcmp(q->body.ptr + 2, value.ptr, value.len_bytes));
		FUZZ_CHECK(!memcmp(q->body.ptr + q->body.len_bytes - 4 - value.len_bytes, value.ptr, value.len_bytes));
	}
}

static void check_request(const struct weft__openapi_operation *op, weft_json arguments)
{
	struct weft__openapi_request request;
	weft_arena *arena;
	int r;

	FUZZ_CHECK(weft_arena_create(0, &arena) == 0);
	r = weft__openapi_request(op, arguments, arena, &request);
	FUZZ_CHECK((r == -EINVAL) == (request.wrong != NULL));
	if (r == 0) {
		check_url(op, request.url);
		check_fields(&request);
		for (size_t i = op->server.len_bytes + op->path.len_bytes; i < request.url.len_bytes; i++)
			FUZZ_CHECK((unsigned char)request.url.ptr[i] > 0x20);
	}
	weft_arena_destroy(arena);
}

static void check_tool(const struct weft__tool *tool, weft_json arguments)
{
	const struct weft__openapi_operation *op = tool->user;

	FUZZ_CHECK(tool->schema_doc && weft_json_typeof(weft_json_root(tool->schema_doc)) == WEFT_JSON_OBJECT);
	FUZZ_CHECK(tool->name.len_bytes <= 64 && op->method.len_bytes && op->path.ptr[0] == '/');
	check_request(op, arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const hosts[] = { "api.example", NULL };
	static const char *const methods[] = { "GET", "POST", "PUT", NULL };
	static const weft_openapi_credential credentials[] = { { "key", SECRET }, { "b", SECRET }, { "c", SECRET }, { NULL, NULL } };
	weft_openapi_options opt = WEFT_OPENAPI_OPTIONS_INIT;
	weft_json_doc *arguments = NULL;
	weft_error err = { 0 };
	weft_tools *tools;
	int r;

	opt.document = (weft_str){ (const char *)data, size };
	opt.hosts = hosts;
	opt.methods = methods;
	opt.credentials = credentials;
	FUZZ_CHECK(weft_tools_create(&tools) == 0);
	FUZZ_CHECK(weft_json_parse(WEFT_STR("{\"id\":\"../x\\n\",\"q\":[1,\" \"],\"o\":{\"a\":[]},\"h\":\"v\\r\",\"c\":\"a; b\",\"body\":{\"a\":{},\"f\":{\"content\":\"--weft\",\"filename\":\"/x\"},\"l\":[1,null,\"\\r\"]}}"), &arguments, NULL) == 0);
	r = weft_tools_add_openapi(tools, &opt, "p", &err);
	FUZZ_CHECK(r < 0 ? err.message[0] && weft_tools_count(tools) == 0 : weft_tools_count(tools) == (size_t)r);
	FUZZ_CHECK(!memmem(weft_tools_json(tools).ptr, weft_tools_json(tools).len_bytes, SECRET, strlen(SECRET)) ||
	           memmem(data, size, SECRET, strlen(SECRET)));
	for (uint32_t i = 0; i < tools->count; i++)
		check_tool(tools->tools[i], weft_json_root(arguments));
	weft_json_release(arguments);
	weft_tools_unref(tools);
	return 0;
}
