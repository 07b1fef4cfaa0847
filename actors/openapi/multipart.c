/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/multipart.c - bodies of several parts (RFC 7578): fields, and files of text.
 *
 * Each member of the body is a part, each element of a list is one of the same name. What the document calls binary is a file: the
 * model gives its content and perhaps a name, of which the last component is sent. What the model wrote stays inside its part: names
 * are quoted, and the boundary is in no part.
 */
#include <errno.h>
#include <string.h>

#include "actors/openapi/operation.h"
#include "actors/text.h"

#define TYPE_BYTES_MAX 200u
#define FILENAME_BYTES_MAX 255u
#define PARTS_MAX 256u /* of one body */
#define BOUNDARY_BYTES 32u
#define TRIES_MAX 4u

/* ---- the document ---------------------------------------------------------------------------- */

static weft_str member(weft_json v, weft_str key)
{
	weft_str text = { "", 0 };

	weft_json_get_str(weft_json_find(v, key), &text);
	return text;
}

/* 3.0 says format: binary, 3.1 a media type without an encoding into text. */
static bool is_file(weft_json root, weft_json schema)
{
	weft_json v = weft__openapi_resolve(root, schema);

	if (weft_str_eq(member(v, WEFT_STR("type")), WEFT_STR("array")))
		v = weft__openapi_resolve(root, weft_json_find(v, WEFT_STR("items")));
	return weft_str_eq(member(v, WEFT_STR("format")), WEFT_STR("binary")) ||
	       (member(v, WEFT_STR("contentMediaType")).len_bytes && !member(v, WEFT_STR("contentEncoding")).len_bytes);
}

/* One media type, and not a choice of them. */
static bool is_type(weft_str type)
{
	for (size_t i = 0; i < type.len_bytes; i++) {
		if (type.ptr[i] < 0x20 || type.ptr[i] > 0x7e || type.ptr[i] == ',' || type.ptr[i] == '*')
			return false;
	}
	return type.len_bytes && type.len_bytes <= TYPE_BYTES_MAX && memchr(type.ptr, '/', type.len_bytes);
}

static int part_add(struct weft__openapi_operation *op, weft_str name, weft_str type, bool file)
{
	struct weft__openapi_part *part = &op->parts[op->part_count];

	if (!file && !is_type(type))
		return 0;
	*part = (struct weft__openapi_part){ .name = weft_arena_dup(op->api->arena, name),
		                             .type = weft_arena_dup(op->api->arena, is_type(type) ? type : WEFT_STR("")),
		                             .is_file = file };
	op->part_count++;
	return part->name.ptr && part->type.ptr ? 0 : -ENOMEM;
}

int weft__openapi_parts_read(struct weft__openapi_operation *op, weft_json media)
{
	weft_json root = op->api->root, encoding = weft_json_find(media, WEFT_STR("encoding"));
	weft_json schema = weft__openapi_resolve(root, weft_json_find(media, WEFT_STR("schema")));
	weft_json_iter it = weft_json_iter_begin(weft_json_find(schema, WEFT_STR("properties")));
	int r = 0;

	op->parts = weft_arena_calloc(op->api->arena, WEFT__OPENAPI_PARAMS_MAX * sizeof(*op->parts));
	if (!op->parts)
		return -ENOMEM;
	while (r == 0 && op->part_count < WEFT__OPENAPI_PARAMS_MAX && weft_json_iter_next(&it))
		r = part_add(op, it.key, member(weft_json_find(encoding, it.key), WEFT_STR("contentType")), is_file(root, it.value));
	return r;
}

static const struct weft__openapi_part *part_find(const struct weft__openapi_operation *op, weft_str name)
{
	for (uint32_t i = 0; i < op->part_count; i++) {
		if (weft_str_eq(op->parts[i].name, name))
			return &op->parts[i];
	}
	return NULL;
}

/* ---- what the model sees ------------------------------------------------------------------------- */

#define FILE_SCHEMA                                                                                                          \
	"{\"type\":\"object\",\"properties\":{\"content\":{\"type\":\"string\"},\"filename\":{\"type\":\"string\"}},"         \
	"\"required\":[\"content\"],\"additionalProperties\":false}"

static void file_schema_put(weft_json_writer *w, weft_json schema)
{
	if (weft_str_eq(member(schema, WEFT_STR("type")), WEFT_STR("array")))
		weft_json_put_raw(w, WEFT_STR("{\"type\":\"array\",\"items\":" FILE_SCHEMA "}"));
	else
		weft_json_put_raw(w, WEFT_STR(FILE_SCHEMA));
}

static int properties_put(const struct weft__openapi_operation *op, weft_json_writer *w, weft_json properties, uint32_t *parts)
{
	weft_json_iter it;
	int r = 0;

	weft_json_key(w, WEFT_STR("properties"));
	weft_json_begin_object(w);
	for (it = weft_json_iter_begin(properties); r == 0 && weft_json_iter_next(&it);) {
		const struct weft__openapi_part *part = part_find(op, it.key);

		weft_json_key(w, it.key);
		if (part && part->is_file)
			file_schema_put(w, weft__openapi_resolve(op->api->root, it.value));
		else
			r = weft__openapi_schema_put(w, op->api->root, it.value, (weft_str){ 0 }, parts);
	}
	weft_json_end_object(w);
	return r;
}

int weft__openapi_parts_schema_put(const struct weft__openapi_operation *op, weft_json_writer *w, weft_json schema, uint32_t *parts)
{
	weft_json v = weft__openapi_resolve(op->api->root, schema), required = weft_json_find(v, WEFT_STR("required"));
	bool more = true;
	int r;

	if (weft_json_typeof(schema) == WEFT_JSON_NONE) {
		weft_json_put_raw(w, WEFT_STR("{\"type\":\"object\"}"));
		return 0;
	}
	if (!op->part_count)
		return weft__openapi_schema_put(w, op->api->root, schema, (weft_str){ 0 }, parts);
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("type"));
	weft_json_put_str(w, WEFT_STR("object"));
	r = properties_put(op, w, weft_json_find(v, WEFT_STR("properties")), parts);
	if (weft_json_typeof(required) == WEFT_JSON_ARRAY) {
		weft_json_key(w, WEFT_STR("required"));
		weft_json_put_value(w, required);
	}
	weft_json_get_bool(weft_json_find(v, WEFT_STR("additionalProperties")), &more);
	weft_json_key(w, WEFT_STR("additionalProperties"));
	weft_json_put_bool(w, more);
	weft_json_end_object(w);
	return r;
}

/* ---- a body ------------------------------------------------------------------------------------------ */

struct writing {
	struct weft__openapi_request *q;
	struct weft__buf to;
	char boundary[BOUNDARY_BYTES + 1];
	uint32_t count;
};

static bool is_plain(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

static void quoted_put(struct writing *x, weft_str text)
{
	if (!is_plain(text))
		weft__openapi_wrong(x->q, "the name of a part has control characters");
	weft__buf_put_char(&x->to, '"');
	for (size_t i = 0; i < text.len_bytes; i++)
		weft__buf_put(&x->to, text.ptr[i] == '"' ? WEFT_STR("%22") : (weft_str){ text.ptr + i, 1 });
	weft__buf_put_char(&x->to, '"');
}

static void part_put(struct writing *x, weft_str name, weft_str filename, weft_str type, weft_str content)
{
	if (++x->count > PARTS_MAX)
		weft__openapi_wrong(x->q, "the body has too many parts");
	if (x->q->status < 0)
		return;
	weft__buf_put(&x->to, WEFT_STR("--"));
	weft__buf_put(&x->to, weft_str_from(x->boundary));
	weft__buf_put(&x->to, WEFT_STR("\r\nContent-Disposition: form-data; name="));
	quoted_put(x, name);
	if (filename.len_bytes) {
		weft__buf_put(&x->to, WEFT_STR("; filename="));
		quoted_put(x, filename);
	}
	if (type.len_bytes) {
		weft__buf_put(&x->to, WEFT_STR("\r\nContent-Type: "));
		weft__buf_put(&x->to, type);
	}
	weft__buf_put(&x->to, WEFT_STR("\r\n\r\n"));
	weft__buf_put(&x->to, content);
	weft__buf_put(&x->to, WEFT_STR("\r\n"));
}

static weft_str last_component(weft_str path)
{
	size_t at = path.len_bytes;

	while (at && path.ptr[at - 1] != '/' && path.ptr[at - 1] != '\\')
		at--;
	return (weft_str){ path.ptr + at, path.len_bytes - at };
}

static bool is_filename(weft_str name)
{
	return name.len_bytes && name.len_bytes <= FILENAME_BYTES_MAX && !weft_str_eq(name, WEFT_STR("..")) && !weft_str_eq(name, WEFT_STR("."));
}

/* {"content": "...", "filename": "..."}, or the content alone. */
static void file_put(struct writing *x, const struct weft__openapi_part *part, weft_json v)
{
	weft_str content, filename = part->name;

	if (weft_json_get_str(weft_json_find(v, WEFT_STR("filename")), &filename))
		filename = last_component(filename);
	if (!is_filename(filename))
		weft__openapi_wrong(x->q, "the name of a file is none");
	if (weft_json_get_str(v, &content) || weft_json_get_str(weft_json_find(v, WEFT_STR("content")), &content))
		part_put(x, part->name, filename, part->type.len_bytes ? part->type : WEFT_STR("text/plain; charset=utf-8"), content);
	else
		weft__openapi_wrong(x->q, "a file has no content");
}

static void value_put(struct writing *x, const struct weft__openapi_part *part, weft_str name, weft_json v)
{
	weft_str type = part ? part->type : (weft_str){ "", 0 }, text;

	if (part && part->is_file) {
		file_put(x, part, v);
		return;
	}
	if (!type.len_bytes && weft_json_typeof(v) == WEFT_JSON_OBJECT)
		type = WEFT_STR("application/json");
	if (!weft_json_get_str(v, &text))
		text = weft__openapi_json(x->q, v);
	part_put(x, name, (weft_str){ 0 }, type, text);
}

static void members_put(struct writing *x, const struct weft__openapi_operation *op, weft_json body)
{
	weft_json_iter it, each;

	for (it = weft_json_iter_begin(body); x->q->status == 0 && weft_json_iter_next(&it);) {
		const struct weft__openapi_part *part = part_find(op, it.key);

		if (weft_json_typeof(it.value) == WEFT_JSON_NULL)
			continue;
		if (weft_json_typeof(it.value) != WEFT_JSON_ARRAY) {
			value_put(x, part, it.key, it.value);
			continue;
		}
		for (each = weft_json_iter_begin(it.value); x->q->status == 0 && weft_json_iter_next(&each);)
			value_put(x, part, it.key, each.value);
	}
	weft__buf_put(&x->to, WEFT_STR("--"));
	weft__buf_put(&x->to, weft_str_from(x->boundary));
	weft__buf_put(&x->to, WEFT_STR("--\r\n"));
}

/* "weft-" and digits that follow from what is sent (FNV-1a): the same call is the same request. */
static void boundary_make(struct writing *x, weft_str body, uint32_t attempt)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t hash = UINT64_C(0xcbf29ce484222325) + attempt;
	char *at = x->boundary;

	for (size_t i = 0; i < body.len_bytes; i++)
		hash = (hash ^ (unsigned char)body.ptr[i]) * UINT64_C(0x100000001b3);
	memcpy(at, "weft-", 5);
	at += 5;
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = digits[hash >> shift & 15];
	*at = '\0';
}

static size_t count_of(weft_str text, weft_str part)
{
	const char *at = text.ptr, *end = at + text.len_bytes;
	size_t n = 0;

	for (; (at = memmem(at, (size_t)(end - at), part.ptr, part.len_bytes)); at += part.len_bytes)
		n++;
	return n;
}

/* As often as a content has the boundary, another one is tried: a model may have seen to that. */
static void body_put(struct writing *x, const struct weft__openapi_operation *op, weft_json body)
{
	struct weft__openapi_request *q = x->q;
	weft_str all = weft__openapi_json(q, body);

	for (uint32_t attempt = 0; q->status == 0; attempt++) {
		if (attempt == TRIES_MAX) {
			weft__openapi_wrong(q, "the body cannot be sent in parts");
			return;
		}
		x->to = weft__buf_begin(q->arena, all.len_bytes + 512);
		x->count = 0;
		boundary_make(x, all, attempt);
		members_put(x, op, body);
		q->body = weft__openapi_text(q, &x->to);
		if (count_of(q->body, weft_str_from(x->boundary)) == x->count + 1u)
			return;
	}
}

void weft__openapi_multipart(const struct weft__openapi_operation *op, weft_json body, struct weft__openapi_request *q)
{
	struct writing x = { .q = q };
	weft_str type;

	if (weft_json_typeof(body) != WEFT_JSON_OBJECT) {
		weft__openapi_wrong(q, "the body must be an object");
		return;
	}
	body_put(&x, op, body);
	type = weft_arena_printf(q->arena, "multipart/form-data; boundary=%s", x.boundary);
	if (!type.ptr)
		q->status = -ENOMEM;
	weft__openapi_field(q, WEFT_STR("Content-Type"), type);
}
