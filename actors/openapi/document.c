/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/document.c - references followed, and a schema of OpenAPI written anew as JSON Schema, both bounded in depth
 * and in parts.
 */
#include "actors/openapi/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 32u
#define TOKEN_BYTES_MAX 256u

/* ---- references -------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One token of a pointer: %2F as in an address, then ~1 and ~0. 0: too long. */
static size_t token_decode(weft_str token, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < token.len_bytes; i++) {
		char c = token.ptr[i];

		if (n == TOKEN_BYTES_MAX)
			return 0;
		if (c == '%' && i + 2 < token.len_bytes && hex_digit(token.ptr[i + 1]) >= 0 && hex_digit(token.ptr[i + 2]) >= 0) {
			c = (char)(hex_digit(token.ptr[i + 1]) * 16 + hex_digit(token.ptr[i + 2]));
			i += 2;
		} else if (c == '~' && i + 1 < token.len_bytes && (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1')) {
			c = token.ptr[++i] == '1' ? '/' : '~';
		}
		to[n++] = c;
	}
	return n;
}

static weft_json child(weft_json v, weft_str token)
{
	char name[TOKEN_BYTES_MAX + 1];
	size_t n = token_decode(token, name), at;
	weft_json_iter it;
	char *end;

	name[n] = '\0';
	if (weft_json_typeof(v) == WEFT_JSON_OBJECT)
		return weft_json_find(v, (weft_str){ name, n });
	at = strtoul(name, &end, 10);
	if (weft_json_typeof(v) == WEFT_JSON_ARRAY && n && !*end) {
		for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
			if (at-- == 0)
				return it.value;
		}
	}
	return (weft_json){ 0 };
}

weft_json weft__openapi_find(weft_json root, weft_str ref)
{
	const char *at = ref.ptr, *end = ref.ptr + ref.len_bytes;
	weft_json v = root;

	if (ref.len_bytes < 2 || memcmp(ref.ptr, "#/", 2) != 0)
		return (weft_json){ 0 };
	for (at += 2; at <= end && weft_json_typeof(v) != WEFT_JSON_NONE;) {
		const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;
		const char *stop = slash ? slash : end;

		v = child(v, (weft_str){ at, (size_t)(stop - at) });
		at = stop + 1;
	}
	return v;
}

weft_json weft__openapi_resolve(weft_json root, weft_json v)
{
	weft_str ref;

	for (uint32_t hops = 0; hops < HOPS_MAX; hops++) {
		if (!weft_json_get_str(weft_json_find(v, WEFT_STR("$ref")), &ref))
			return v;
		v = weft__openapi_find(root, ref);
	}
	return (weft_json){ 0 };
}

/* ---- schemas ------------------------------------------------------------------------- */

/* What is being written, from the inside out: to see a schema inside itself. */
struct trail {
	const struct trail *outer;
	uint64_t index;
};

struct writing {
	weft_json_writer *w;
	weft_json root;
	uint32_t *parts;
	weft_str description; /* of the outermost; empty: its own */
};

enum shape { AS_IS, ONE, LIST, MAP, ONE_OR_BOOL };

static const struct {
	const char *name;
	enum shape shape;
} keywords[] = {
	{ "title", AS_IS }, { "description", AS_IS }, { "default", AS_IS }, { "format", AS_IS }, { "enum", AS_IS },
	{ "const", AS_IS }, { "required", AS_IS }, { "pattern", AS_IS }, { "minLength", AS_IS }, { "maxLength", AS_IS },
	{ "minItems", AS_IS }, { "maxItems", AS_IS }, { "multipleOf", AS_IS }, { "items", ONE }, { "not", ONE },
	{ "prefixItems", LIST }, { "anyOf", LIST }, { "oneOf", LIST }, { "allOf", LIST }, { "properties", MAP },
	{ "additionalProperties", ONE_OR_BOOL },
};

static int schema_put(const struct writing *x, weft_json schema, const struct trail *outer, uint32_t depth);

static int schemas_put(const struct writing *x, weft_json v, enum shape shape, const struct trail *outer, uint32_t depth)
{
	weft_json_iter it;
	int r = 0;

	if (shape == ONE || shape == ONE_OR_BOOL)
		return schema_put(x, v, outer, depth);
	if (shape == LIST)
		weft_json_begin_array(x->w);
	else
		weft_json_begin_object(x->w);
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		if (shape == MAP)
			weft_json_key(x->w, it.key);
		r = schema_put(x, it.value, outer, depth);
	}
	if (shape == LIST)
		weft_json_end_array(x->w);
	else
		weft_json_end_object(x->w);
	return r;
}

static bool has_shape(weft_json v, enum shape shape)
{
	weft_json_type type = weft_json_typeof(v);

	switch (shape) {
	case AS_IS:
		return type != WEFT_JSON_NONE;
	case LIST:
		return type == WEFT_JSON_ARRAY && weft_json_count(v);
	case ONE_OR_BOOL:
		return type == WEFT_JSON_OBJECT || type == WEFT_JSON_BOOL;
	default:
		return type == WEFT_JSON_OBJECT;
	}
}

/* type: 3.1 may name several; 3.0 says nullable beside it. */
static void type_put(const struct writing *x, weft_json schema)
{
	weft_json type = weft_json_find(schema, WEFT_STR("type"));
	bool nullable = false;

	weft_json_get_bool(weft_json_find(schema, WEFT_STR("nullable")), &nullable);
	if (weft_json_typeof(type) == WEFT_JSON_NONE)
		return;
	weft_json_key(x->w, WEFT_STR("type"));
	if (!nullable || weft_json_typeof(type) != WEFT_JSON_STRING) {
		weft_json_put_value(x->w, type);
		return;
	}
	weft_json_begin_array(x->w);
	weft_json_put_value(x->w, type);
	weft_json_put_str(x->w, WEFT_STR("null"));
	weft_json_end_array(x->w);
}

/* minimum, and exclusiveMinimum, which is a number or, in 3.0, says what minimum means. */
static void bound_put(const struct writing *x, weft_json schema, weft_str name, weft_str exclusive_name)
{
	weft_json bound = weft_json_find(schema, name), exclusive = weft_json_find(schema, exclusive_name);
	bool is_exclusive = false;
	double number;

	weft_json_get_bool(exclusive, &is_exclusive);
	if (weft_json_get_double(bound, &number)) {
		weft_json_key(x->w, is_exclusive ? exclusive_name : name);
		weft_json_put_value(x->w, bound);
	}
	if (weft_json_get_double(exclusive, &number)) {
		weft_json_key(x->w, exclusive_name);
		weft_json_put_value(x->w, exclusive);
	}
}

static int keywords_put(const struct writing *x, weft_json schema, const struct trail *trail, uint32_t depth)
{
	int r = 0;

	type_put(x, schema);
	bound_put(x, schema, WEFT_STR("minimum"), WEFT_STR("exclusiveMinimum"));
	bound_put(x, schema, WEFT_STR("maximum"), WEFT_STR("exclusiveMaximum"));
	for (size_t i = 0; r == 0 && i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		weft_str name = weft_str_from(keywords[i].name);
		weft_json v = weft_json_find(schema, name);

		if (depth == 0 && x->description.len_bytes && !strcmp(keywords[i].name, "description"))
			continue;
		if (!has_shape(v, keywords[i].shape))
			continue;
		weft_json_key(x->w, name);
		if (keywords[i].shape == AS_IS)
			weft_json_put_value(x->w, v);
		else
			r = schemas_put(x, v, keywords[i].shape, trail, depth + 1);
	}
	return r;
}

static bool is_inside(const struct trail *trail, uint64_t index)
{
	for (; trail; trail = trail->outer) {
		if (trail->index == index)
			return true;
	}
	return false;
}

static int schema_put(const struct writing *x, weft_json schema, const struct trail *outer, uint32_t depth)
{
	weft_json v = weft__openapi_resolve(x->root, schema);
	struct trail trail = { .outer = outer, .index = v.index };
	bool yes;
	int r = 0;

	if (!*x->parts)
		return -E2BIG;
	--*x->parts;
	if (weft_json_get_bool(v, &yes)) {
		weft_json_put_bool(x->w, yes);
		return 0;
	}
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return -ENOENT;
	weft_json_begin_object(x->w);
	if (depth == 0 && x->description.len_bytes) {
		weft_json_key(x->w, WEFT_STR("description"));
		weft_json_put_str(x->w, x->description);
	}
	if (depth < WEFT__OPENAPI_DEPTH_MAX && !is_inside(outer, v.index))
		r = keywords_put(x, v, &trail, depth);
	weft_json_end_object(x->w);
	return r;
}

int weft__openapi_schema_put(weft_json_writer *w, weft_json root, weft_json schema, weft_str description, uint32_t *parts)
{
	struct writing x = { .w = w, .root = root, .parts = parts, .description = description };

	return schema_put(&x, schema, NULL, 0);
}
