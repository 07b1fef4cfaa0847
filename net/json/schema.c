/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/schema.c - the part of JSON Schema 2020-12 that tools use, compiled once into
 * nodes that check.c reads.
 *
 * The schema is copied into a document of its own, so the caller's may go. A keyword
 * that is neither known nor an annotation is refused: a check that skips it would accept
 * what it must not. References are resolved last, so they may be recursive.
 */
#include "net/json/schema.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "runtime/base/assert.h"

struct compiler {
	weft_json_schema *schema;
	weft_error *err;
	char path[160];
	size_t path_len;
};

struct keyword {
	const char *name;
	int (*compile)(struct compiler *c, struct node *n, weft_json v, void *field);
	size_t field; /* of struct node */
	uint32_t group;
};

static int complain(struct compiler *c, const char *what)
{
	return weft_error_set(c->err, WEFT_ESCHEMA, "schema at %s: %s", c->path_len ? c->path : "/", what);
}

static size_t path_push(struct compiler *c, weft_str step)
{
	size_t before = c->path_len, room = sizeof(c->path) - before;
	int n = snprintf(c->path + before, room, "/%.*s", WEFT_STR_ARG(step));

	if (n > 0)
		c->path_len += (size_t)n < room ? (size_t)n : room - 1;
	return before;
}

static void path_pop(struct compiler *c, size_t before)
{
	c->path_len = before;
	c->path[before] = '\0';
}

static int compile(struct compiler *c, weft_json v, const struct node **ret);

static int compile_at(struct compiler *c, weft_str step, weft_json v, const struct node **ret)
{
	size_t before = path_push(c, step);
	int r = compile(c, v, ret);

	path_pop(c, before);
	return r;
}

/* ---- keywords ------------------------------------------------------------------------ */

static bool type_bit(weft_json v, uint32_t *types)
{
	static const struct {
		const char *name;
		uint32_t types;
	} all[] = { { "null", T_NULL },     { "boolean", T_BOOL }, { "integer", T_INT | T_WHOLE }, { "number", T_NUMBER },
		    { "string", T_STRING }, { "array", T_ARRAY },  { "object", T_OBJECT } };
	weft_str name;

	if (!weft_json_get_str(v, &name))
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (weft_str_eq(name, weft_str_from(all[i].name))) {
			*types |= all[i].types;
			return true;
		}
	}
	return false;
}

static int key_type(struct compiler *c, struct node *n, weft_json v, void *field)
{
	weft_json_iter it;

	(void)field;
	n->types = 0;
	if (weft_json_typeof(v) == WEFT_JSON_STRING)
		return type_bit(v, &n->types) ? 0 : complain(c, "unknown type");
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "type must be a name or an array of names");
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (!type_bit(it.value, &n->types))
			return complain(c, "unknown type");
	}
	return 0;
}

/* The property of that name, added when there is none: node_make left room. */
static struct property *property_of(struct node *n, weft_str name)
{
	struct property *p;

	for (uint32_t i = 0; i < n->property_count; i++) {
		if (weft_str_eq(n->properties[i].name, name))
			return &n->properties[i];
	}
	p = &n->properties[n->property_count++];
	p->name = name;
	return p;
}

static int key_properties(struct compiler *c, struct node *n, weft_json v, void *field)
{
	weft_json_iter it;
	int r = 0;

	(void)field;
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "properties must be an object");
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);)
		r = compile_at(c, it.key, it.value, &property_of(n, it.key)->node);
	return r;
}

static int key_required(struct compiler *c, struct node *n, weft_json v, void *field)
{
	weft_json_iter it;
	weft_str name;

	(void)field;
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return complain(c, "required must be an array of names");
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		struct property *p;

		if (!weft_json_get_str(it.value, &name))
			return complain(c, "required must be an array of names");
		p = property_of(n, name);
		if (p - n->properties < 64)
			n->required |= UINT64_C(1) << (p - n->properties);
		else
			n->required_later += !p->required;
		p->required = true;
	}
	return 0;
}

static int key_node(struct compiler *c, struct node *n, weft_json v, void *field)
{
	(void)n;
	return compile(c, v, field);
}

static int key_list(struct compiler *c, struct node *n, weft_json v, void *field)
{
	struct node_list *list = field;
	weft_json_iter it;
	char step[12];
	int r = 0;

	(void)n;
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "must be a non-empty array of schemas");
	list->nodes = weft_arena_calloc(c->schema->arena, weft_json_count(v) * sizeof(struct node *));
	if (!list->nodes)
		return -ENOMEM;
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it); list->count++) {
		snprintf(step, sizeof(step), "%u", list->count);
		r = compile_at(c, weft_str_from(step), it.value, &list->nodes[list->count]);
	}
	return r;
}

static int key_number(struct compiler *c, struct node *n, weft_json v, void *field)
{
	(void)n;
	return weft_json_get_double(v, field) ? 0 : complain(c, "must be a number");
}

static int key_multiple_of(struct compiler *c, struct node *n, weft_json v, void *field)
{
	int r = key_number(c, n, v, field);

	return r == 0 && n->multiple_of <= 0 ? complain(c, "must be a number over 0") : r;
}

static int key_count(struct compiler *c, struct node *n, weft_json v, void *field)
{
	double d;

	(void)n;
	if (!weft_json_get_double(v, &d) || d < 0 || d >= 0x1p63 || d != trunc(d))
		return complain(c, "must be a whole number, not negative");
	*(uint64_t *)field = (uint64_t)d;
	return 0;
}

static int key_pattern(struct compiler *c, struct node *n, weft_json v, void *field)
{
	const char *why;
	char text[128];
	int r;

	(void)field;
	if (!weft_json_get_str(v, &n->pattern_text))
		return complain(c, "pattern must be a string");
	r = weft__pattern_compile(n->pattern_text, &n->pattern, &why);
	if (r == 0 || r == -ENOMEM)
		return r;
	snprintf(text, sizeof(text), "the pattern %s", why);
	return complain(c, text);
}

static int key_enum(struct compiler *c, struct node *n, weft_json v, void *field)
{
	(void)field;
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "enum must be a non-empty array");
	n->enum_values = v;
	return 0;
}

static int key_const(struct compiler *c, struct node *n, weft_json v, void *field)
{
	(void)c, (void)field;
	n->const_value = v;
	return 0;
}

/* Resolved by resolve_refs, when all nodes are there. */
static int key_ref(struct compiler *c, struct node *n, weft_json v, void *field)
{
	weft_str text;

	(void)n, (void)field;
	if (!weft_json_get_str(v, &text) || !text.len_bytes || text.ptr[0] != '#')
		return complain(c, "$ref must lead into this schema: #/...");
	return 0;
}

static int key_defs(struct compiler *c, struct node *n, weft_json v, void *field)
{
	const struct node *unused;
	weft_json_iter it;
	int r = 0;

	(void)n, (void)field;
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "must be an object of schemas");
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);)
		r = compile_at(c, it.key, it.value, &unused);
	return r;
}

static int key_annotation(struct compiler *c, struct node *n, weft_json v, void *field)
{
	(void)c, (void)n, (void)v, (void)field;
	return 0;
}

#define FIELD(name) offsetof(struct node, name)

static const struct keyword keywords[] = {
	{ "type", key_type, 0, 0 },
	{ "description", key_annotation, 0, 0 },
	{ "properties", key_properties, 0, N_OBJECT },
	{ "required", key_required, 0, N_OBJECT },
	{ "additionalProperties", key_node, FIELD(additional), N_OBJECT },
	{ "enum", key_enum, 0, N_VALUES },
	{ "const", key_const, 0, N_VALUES },
	{ "items", key_node, FIELD(items), N_ARRAY },
	{ "prefixItems", key_list, FIELD(prefix_items), N_ARRAY },
	{ "minItems", key_count, FIELD(min_items), N_ARRAY },
	{ "maxItems", key_count, FIELD(max_items), N_ARRAY },
	{ "minLength", key_count, FIELD(min_length), N_STRING },
	{ "maxLength", key_count, FIELD(max_length), N_STRING },
	{ "pattern", key_pattern, 0, N_STRING },
	{ "minimum", key_number, FIELD(minimum), N_NUMBER },
	{ "maximum", key_number, FIELD(maximum), N_NUMBER },
	{ "exclusiveMinimum", key_number, FIELD(exclusive_minimum), N_NUMBER },
	{ "exclusiveMaximum", key_number, FIELD(exclusive_maximum), N_NUMBER },
	{ "multipleOf", key_multiple_of, FIELD(multiple_of), N_NUMBER },
	{ "anyOf", key_list, FIELD(any_of), N_COMBINED },
	{ "oneOf", key_list, FIELD(one_of), N_COMBINED },
	{ "allOf", key_list, FIELD(all_of), N_COMBINED },
	{ "not", key_node, FIELD(not_), N_COMBINED },
	{ "$ref", key_ref, 0, N_COMBINED },
	{ "$defs", key_defs, 0, 0 },
	{ "definitions", key_defs, 0, 0 },
	{ "title", key_annotation, 0, 0 },
	{ "default", key_annotation, 0, 0 },
	{ "examples", key_annotation, 0, 0 },
	{ "format", key_annotation, 0, 0 },
	{ "deprecated", key_annotation, 0, 0 },
	{ "readOnly", key_annotation, 0, 0 },
	{ "writeOnly", key_annotation, 0, 0 },
	{ "contentEncoding", key_annotation, 0, 0 },
	{ "contentMediaType", key_annotation, 0, 0 },
	{ "$schema", key_annotation, 0, 0 },
	{ "$id", key_annotation, 0, 0 },
	{ "$anchor", key_annotation, 0, 0 },
	{ "$comment", key_annotation, 0, 0 },
};

/* ---- nodes ----------------------------------------------------------------------------- */

static int compile_key(struct compiler *c, struct node *n, weft_str name, weft_json v)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		const struct keyword *k = &keywords[i];

		if (weft_str_eq(name, weft_str_from(k->name))) {
			n->groups |= k->group;
			return k->compile(c, n, v, (char *)n + k->field);
		}
	}
	return complain(c, "this keyword is not supported");
}

static struct node *node_make(struct compiler *c, weft_json v)
{
	struct node *n = weft_arena_calloc(c->schema->arena, sizeof(*n));
	size_t properties = weft_json_count(weft_json_find(v, WEFT_STR("properties"))) +
	                    weft_json_count(weft_json_find(v, WEFT_STR("required")));

	if (!n)
		return NULL;
	n->types = T_ALL;
	n->minimum = n->exclusive_minimum = -INFINITY;
	n->maximum = n->exclusive_maximum = INFINITY;
	n->max_items = n->max_length = UINT64_MAX;
	n->source = v.index;
	n->next = c->schema->nodes;
	c->schema->nodes = n;
	n->properties = weft_arena_calloc(c->schema->arena, properties * sizeof(*n->properties));
	return n->properties ? n : NULL;
}

static int compile(struct compiler *c, weft_json v, const struct node **ret)
{
	struct node *n = node_make(c, v);
	weft_json_iter it;
	bool allowed;
	int r = 0;

	if (!n)
		return -ENOMEM;
	*ret = n;
	if (weft_json_get_bool(v, &allowed)) {
		n->groups = allowed ? 0 : N_NEVER;
		return 0;
	}
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "a schema is an object, true or false");
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		size_t before;

		if (weft_json_find(v, it.key).index != it.value.index)
			continue; /* given twice: the first counts */
		before = path_push(c, it.key);
		r = compile_key(c, n, it.key, it.value);
		path_pop(c, before);
	}
	return r;
}

/* ---- references -------------------------------------------------------------------------- */

/* Is name what a step of a pointer says? '~1' and '~0' are '/' and '~'. */
static bool step_is(weft_str step, weft_str name)
{
	size_t j = 0;

	for (size_t i = 0; i < step.len_bytes; i++, j++) {
		char c = step.ptr[i];

		if (c == '~' && i + 1 < step.len_bytes)
			c = step.ptr[++i] == '1' ? '/' : '~';
		if (j >= name.len_bytes || name.ptr[j] != c)
			return false;
	}
	return j == name.len_bytes;
}

static weft_json step_into(weft_json v, weft_str step)
{
	bool array = weft_json_typeof(v) == WEFT_JSON_ARRAY;
	weft_json_iter it;
	char index[12];
	uint32_t i = 0;

	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it); i++) {
		if (array)
			snprintf(index, sizeof(index), "%u", i);
		if (step_is(step, array ? weft_str_from(index) : it.key))
			return it.value;
	}
	return (weft_json){ NULL, 0 };
}

/* "#", "#/$defs/name", "#/properties/a/anyOf/0"; NONE when it leads nowhere. */
static weft_json ref_target(const struct compiler *c, weft_str ref)
{
	weft_json v = weft_json_root(c->schema->doc);
	const char *at = ref.ptr + 1, *end = ref.ptr + ref.len_bytes;

	while (at < end && *at == '/' && v.doc) {
		const char *stop = memchr(at + 1, '/', (size_t)(end - at - 1));

		stop = stop ? stop : end;
		v = step_into(v, (weft_str){ at + 1, (size_t)(stop - at - 1) });
		at = stop;
	}
	return at == end ? v : (weft_json){ NULL, 0 };
}

static int resolve(struct compiler *c, struct node *n, weft_str ref)
{
	weft_json target = ref_target(c, ref);

	for (const struct node *m = c->schema->nodes; m; m = m->next) {
		if (target.doc && m->source == target.index) {
			n->ref = m;
			return 0;
		}
	}
	path_pop(c, 0);
	path_push(c, ref);
	if (!target.doc)
		return complain(c, "this $ref leads nowhere");
	return compile(c, target, &n->ref);
}

/* What a reference leads to may be compiled here for the first time, and refer on: until none is left. */
static int resolve_refs(struct compiler *c)
{
	bool again = true;
	weft_str ref;
	int r = 0;

	while (again && r == 0) {
		again = false;
		for (struct node *n = c->schema->nodes; n && r == 0; n = n->next) {
			weft_json source = { c->schema->doc, n->source };

			if (n->ref || !weft_json_get_str(weft_json_find(source, WEFT_STR("$ref")), &ref))
				continue;
			r = resolve(c, n, ref);
			again = true;
		}
	}
	return r;
}

/* ---- the whole --------------------------------------------------------------------------- */

static int copy_source(weft_json_schema *s, weft_json v)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_put_value(w, v);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_json_parse(text, &s->doc, NULL);
	weft_json_writer_destroy(w);
	return r;
}

int weft_json_schema_compile(weft_json schema, weft_json_schema **ret_schema, weft_error *err)
{
	struct compiler c = { .err = err };
	weft_json_schema *s;
	int r;

	WEFT_RETURN_IF(!ret_schema || weft_json_typeof(schema) == WEFT_JSON_NONE, -EINVAL);
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	c.schema = s;
	r = weft_arena_create(0, &s->arena);
	if (r == 0)
		r = copy_source(s, schema);
	if (r == 0)
		r = compile(&c, weft_json_root(s->doc), &s->root);
	if (r == 0)
		r = resolve_refs(&c);
	if (r < 0) {
		weft_json_schema_destroy(s);
		return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
	}
	*ret_schema = s;
	return 0;
}

void weft_json_schema_destroy(weft_json_schema *schema)
{
	if (!schema)
		return;
	for (const struct node *n = schema->nodes; n; n = n->next)
		weft__pattern_free(n->pattern);
	weft_json_release(schema->doc);
	weft_arena_destroy(schema->arena);
	weft_free(schema);
}
