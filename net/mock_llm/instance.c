/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/instance.c - see instance.h. */
#include "net/mock_llm/instance.h"

#include <math.h>

#define DEPTH_MAX 32u
#define ITEMS_MAX 64

#define S WEFT_STR

static void write_value(weft_json_writer *w, weft_json schema, weft_str text, unsigned depth);

static weft_json first_of(weft_json list)
{
	weft_json_iter it = weft_json_iter_begin(list);

	return weft_json_iter_next(&it) ? it.value : (weft_json){ NULL, 0 };
}

static bool has(weft_json v)
{
	return weft_json_typeof(v) != WEFT_JSON_NONE;
}

static int64_t whole(weft_json schema, weft_str name, int64_t otherwise)
{
	int64_t n = otherwise;

	weft_json_get_int(weft_json_find(schema, name), &n);
	return n;
}

static void write_string(weft_json_writer *w, weft_json schema, weft_str text)
{
	int64_t min = whole(schema, S("minLength"), 0), max = whole(schema, S("maxLength"), INT64_MAX);
	char filler[ITEMS_MAX + 1];

	if ((int64_t)text.len_bytes >= min && (int64_t)text.len_bytes <= max) {
		weft_json_put_str(w, text);
		return;
	}
	min = min < 0 ? 0 : min > ITEMS_MAX ? ITEMS_MAX : min;
	for (int64_t i = 0; i < min; i++)
		filler[i] = 'x';
	weft_json_put_str(w, (weft_str){ filler, (size_t)min });
}

/* The least: a bound that is excluded is stepped over by one. */
static void write_number(weft_json_writer *w, weft_json schema, bool is_whole)
{
	double min = 0, bound, step = 0;

	if (weft_json_get_double(weft_json_find(schema, S("minimum")), &bound))
		min = bound;
	else if (weft_json_get_double(weft_json_find(schema, S("exclusiveMinimum")), &bound))
		min = floor(bound) + 1;
	else if (weft_json_get_double(weft_json_find(schema, S("maximum")), &bound) && bound < 0)
		min = bound;
	if (weft_json_get_double(weft_json_find(schema, S("multipleOf")), &step) && step > 0)
		min = ceil(min / step) * step;
	if (is_whole && min > -9e15 && min < 9e15)
		weft_json_put_int(w, (int64_t)ceil(min));
	else
		weft_json_put_double(w, min);
}

static void write_object(weft_json_writer *w, weft_json schema, weft_str text, unsigned depth)
{
	weft_json_iter it = weft_json_iter_begin(weft_json_find(schema, S("required")));
	weft_json properties = weft_json_find(schema, S("properties"));
	weft_str name;

	weft_json_begin_object(w);
	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_str(it.value, &name))
			continue;
		weft_json_key(w, name);
		write_value(w, weft_json_find(properties, name), text, depth + 1);
	}
	weft_json_end_object(w);
}

static void write_array(weft_json_writer *w, weft_json schema, weft_str text, unsigned depth)
{
	int64_t count = whole(schema, S("minItems"), 0);

	weft_json_begin_array(w);
	for (int64_t i = 0; i < count && i < ITEMS_MAX; i++)
		write_value(w, weft_json_find(schema, S("items")), text, depth + 1);
	weft_json_end_array(w);
}

static void write_typed(weft_json_writer *w, weft_json schema, weft_str type, weft_str text, unsigned depth)
{
	if (weft_str_eq(type, S("object")))
		write_object(w, schema, text, depth);
	else if (weft_str_eq(type, S("array")))
		write_array(w, schema, text, depth);
	else if (weft_str_eq(type, S("string")))
		write_string(w, schema, text);
	else if (weft_str_eq(type, S("boolean")))
		weft_json_put_bool(w, true);
	else if (weft_str_eq(type, S("null")))
		weft_json_put_null(w);
	else
		write_number(w, schema, weft_str_eq(type, S("integer")));
}

static void write_value(weft_json_writer *w, weft_json schema, weft_str text, unsigned depth)
{
	static const char *const choices[] = { "anyOf", "oneOf", "allOf" };
	weft_json v, type = weft_json_find(schema, S("type"));
	weft_str name;

	if (depth >= DEPTH_MAX) {
		weft_json_put_null(w);
		return;
	}
	v = weft_json_find(schema, S("const"));
	if (!has(v))
		v = first_of(weft_json_find(schema, S("enum")));
	if (has(v)) {
		weft_json_put_value(w, v);
		return;
	}
	for (int i = 0; i < 3; i++) {
		v = first_of(weft_json_find(schema, weft_str_from(choices[i])));
		if (has(v)) {
			write_value(w, v, text, depth + 1);
			return;
		}
	}
	if (weft_json_typeof(type) == WEFT_JSON_ARRAY)
		type = first_of(type);
	if (!weft_json_get_str(type, &name))
		name = has(weft_json_find(schema, S("properties"))) ? S("object") : S("string");
	write_typed(w, schema, name, text, depth);
}

void weft__instance_write(weft_json_writer *w, weft_json schema, weft_str text)
{
	write_value(w, schema, text, 0);
}
